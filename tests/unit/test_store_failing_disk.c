/* SPDX-License-Identifier: MIT
 *
 * A disk that takes no more, in the middle of a write, too, and one whose sync fails (failing_disk.h). For want of room
 * a write may be tried again, and then stands there once; after any other failure no thread writes anything, and the
 * next start finds what was durable.
 */
#include <pthread.h>
#include <rocksdb/c.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "failing_disk.h"
#include "store/inside.h"
#include "store_world.h"

#define BATCH 3u
#define PATIENCE 200 /* tries, 50 ms apart: RocksDB begins a new write-ahead log behind a write that failed */

/* ---- the world on it ---- */

static int setup(void **state)
{
    struct world *world = world_new();
    *state = world;
    atomic_store(&root, world->directory);
    return 0;
}

static int teardown(void **state)
{
    atomic_store(&health, WELL);
    world_free(*state);
    atomic_store(&root, NULL);
    return 0;
}

static void make(struct world *world, struct tw_frame *frames[BATCH])
{
    for (uint32_t i = 0; i < BATCH; i++)
        frames[i] = i == 1 ? feed_action(&world->feed) : feed_block(&world->feed, 40, 2);
}

static void append(struct world *world)
{
    struct tw_frame *frames[BATCH];
    make(world, frames);
    world_append(world, frames, BATCH);
}

static void put_alert(struct world *world)
{
    struct tw_store_alert alert;
    feed_alert(&world->feed, &alert);
    assert_int_equal(tw_store_put_alerts(world->store, &alert, 1, &world->error), TW_STORE_OK);
    free((void *)(uintptr_t)alert.bytes);
}

static void expect_whole(struct world *world, uint64_t last_lsn)
{
    assert_int_equal(tw_store_last_lsn(world->store), last_lsn);
    world_reopen(world);
    bool verified = tw_store_verify(world->store, NULL, NULL, &world->error);
    if (!verified)
        print_error("%s\n", world->error.text);
    assert_true(verified);
    assert_int_equal(tw_store_last_lsn(world->store), last_lsn);
    struct tw_store_cursor *cursor = tw_store_read(world->store, 1, &world->error);
    struct tw_record record;
    uint64_t lsn = 0;
    while (tw_store_next(cursor, &record, &world->error) > 0)
        assert_int_equal(tw_record_lsn(&record), ++lsn);
    tw_store_cursor_free(&cursor);
    assert_int_equal(lsn, last_lsn);
}

static void wait_a_moment(void)
{
    nanosleep(&(struct timespec){0, 50000000}, NULL);
}

static enum tw_store_status try_again(struct world *world, struct tw_frame *frames[BATCH])
{
    enum tw_store_status status = TW_STORE_FULL;
    for (int i = 0; i < PATIENCE && status == TW_STORE_FULL; i++) {
        status = tw_store_append(world->store, frames, BATCH, &world->error);
        if (status == TW_STORE_FULL)
            wait_a_moment();
    }
    if (status != TW_STORE_OK)
        print_error("%s\n", world->error.text);
    return status;
}

/* ---- the stories ---- */

static void for_want_of_room_a_write_is_tried_again_and_stands_there_once(void **state)
{
    struct world *world = *state;
    static const enum health kinds[] = {FULL, FULL_HALFWAY, FULL, FULL_HALFWAY};
    put_alert(world);
    append(world);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct tw_frame *frames[BATCH];
        uint64_t before = tw_store_last_lsn(world->store), h = tw_store_last_action(world->store);
        make(world, frames);
        for (int tries = 0; tries < 3; tries++) {
            atomic_store(&half_written, false);
            atomic_store(&health, kinds[i]);
            assert_int_equal(tw_store_append(world->store, frames, BATCH, &world->error), TW_STORE_FULL);
            assert_int_equal(tw_store_last_lsn(world->store), before); /* nobody sees any of it */
            assert_int_equal(tw_store_last_action(world->store), h);
        }
        atomic_store(&health, WELL);
        assert_int_equal(try_again(world, frames), TW_STORE_OK);
        for (uint32_t at = 0; at < BATCH; at++)
            tw_frame_drop(&frames[at]);
        assert_int_equal(tw_store_last_lsn(world->store), before + BATCH);
        assert_int_equal(tw_store_last_action(world->store), h + 1);
        put_alert(world); /* others go on as well */
        append(world);
        if (i % 2 == 1)
            expect_whole(world, before + 2 * BATCH);
    }
}

/* An alert that the disk has no room for; the router keeps it. */
static struct {
    struct world *world;
    struct tw_store_alert alert;
} refused;

static void refuse_an_alert(void)
{
    struct tw_store_error error;
    feed_alert(&refused.world->feed, &refused.alert);
    atomic_store(&health, FULL);
    assert_int_equal(tw_store_put_alerts(refused.world->store, &refused.alert, 1, &error), TW_STORE_FULL);
    atomic_store(&health, WELL);
}

/* There was room for the log's write and none for the router's right behind it. RocksDB writes no more to the file that
 * both are in, and does not sync it. */
static void a_log_that_another_write_broke_is_tried_again(void **state)
{
    struct world *world = refused.world = *state;
    put_alert(world);
    append(world);
    for (int i = 0; i < 4; i++) {
        struct tw_frame *frames[BATCH];
        uint64_t before = tw_store_last_lsn(world->store);
        make(world, frames);
        behind_write = refuse_an_alert;
        assert_int_equal(tw_store_append(world->store, frames, BATCH, &world->error), TW_STORE_FULL);
        assert_null(behind_write);
        assert_int_equal(tw_store_last_lsn(world->store), before);
        assert_int_equal(try_again(world, frames), TW_STORE_OK);
        for (uint32_t at = 0; at < BATCH; at++)
            tw_frame_drop(&frames[at]);
        assert_int_equal(tw_store_put_alerts(world->store, &refused.alert, 1, &world->error), TW_STORE_OK);
        free((void *)(uintptr_t)refused.alert.bytes);
        append(world);
        if (i % 2 == 1)
            expect_whole(world, before + 2 * BATCH);
    }
}

/* ---- retention ---- */

/* The trades of the first batches; a snapshot and the record that says so lie behind. */
static struct tw_retained may_go(struct world *world, bool indexed)
{
    for (int i = 0; i < 20; i++)
        append(world);
    const struct tw_retained gone = {.lsn = world->feed.lsn, .seq = world->feed.seq};
    append(world);
    if (indexed)
        assert_true(tw_store_index_step(world->store, 1, &world->error) > 0);
    struct tw_frame *frame = feed_retention(&world->feed, gone.seq, gone.lsn);
    world_append(world, &frame, 1);
    world_snapshot(world);
    return gone;
}

static void compact_and_be_full(void)
{
    struct tw_store *store = refused.world->store;
    for (int family = 0; family < TW_FAMILY_COUNT; family++)
        rocksdb_compact_range_cf(store->db, store->families[family], NULL, 0, NULL, 0);
    atomic_store(&health, FULL);
}

/* The rows of the indexes go when RocksDB compacts, and it does so when it likes. */
static void no_row_goes_before_the_drop_is_durable(void **state)
{
    struct world *world = refused.world = *state;
    put_alert(world);
    struct tw_retained gone = may_go(world, true);
    before_write = compact_and_be_full;
    assert_false(tw_store_retain(world->store, gone.seq, gone.lsn, &world->error));
    assert_int_equal(world->error.status, TW_STORE_FULL);
    atomic_store(&health, WELL);
    expect_whole(world, world->feed.lsn);
}

static void be_full(void)
{
    atomic_store(&health, FULL);
}

/* Indexes that are far behind begin where the log does: not where it will when a drop that failed is tried again. */
static void no_run_of_the_indexes_begins_behind_a_drop_that_is_not_durable(void **state)
{
    struct world *world = refused.world = *state;
    put_alert(world);
    struct tw_retained gone = may_go(world, false);
    struct tw_frame *frames[BATCH];
    before_write = be_full;
    assert_false(tw_store_retain(world->store, gone.seq, gone.lsn, &world->error));
    atomic_store(&health, WELL);
    make(world, frames);
    assert_int_equal(try_again(world, frames), TW_STORE_OK);
    for (uint32_t at = 0; at < BATCH; at++)
        tw_frame_drop(&frames[at]);
    assert_int_equal(tw_store_index_step(world->store, 1, &world->error), 0);
    append(world); /* synced: what a run had written before would be, too */
    expect_whole(world, world->feed.lsn);
    assert_true(tw_store_retain(world->store, gone.seq, gone.lsn, &world->error));
    assert_true(tw_store_index_step(world->store, 1, &world->error) > 0);
    world_reopen(world);
    assert_true(tw_store_verify(world->store, NULL, NULL, &world->error));
}

/* It was written, and another write found no room before it was synced: nobody misses what may be gone. */
static void a_drop_that_could_not_be_synced_is_tried_again(void **state)
{
    struct world *world = refused.world = *state;
    struct tw_frame *frame = NULL;
    struct tw_record record;
    put_alert(world);
    struct tw_retained gone = may_go(world, true);
    behind_write = refuse_an_alert;
    assert_false(tw_store_retain(world->store, gone.seq, gone.lsn, &world->error));
    assert_int_equal(world->error.status, TW_STORE_FULL);
    assert_false(tw_store_block_of(world->store, 1, &frame, &record));
    assert_false(tw_store_damage(world->store, &world->error));
    for (int i = 0; i < PATIENCE && !tw_store_retain(world->store, gone.seq, gone.lsn, &world->error); i++)
        wait_a_moment();
    assert_int_equal(tw_store_put_alerts(world->store, &refused.alert, 1, &world->error), TW_STORE_OK);
    free((void *)(uintptr_t)refused.alert.bytes);
    world_reopen(world);
    assert_int_equal(tw_store_retained(world->store).lsn, gone.lsn);
    assert_true(tw_store_verify(world->store, NULL, NULL, &world->error));
}

/* ---- the indexes ---- */

struct scan {
    const struct feed *feed;
    enum tw_store_index index;
    uint32_t id;
    uint64_t next; /* sequence from which on the next one is looked for */
};

static uint64_t next_of(const struct scan *scan)
{
    for (uint64_t seq = scan->next; seq <= scan->feed->seq; seq++) {
        const struct fed_trade *trade = &scan->feed->trades[seq - 1];
        if ((scan->index == TW_INDEX_ACCOUNT ? trade->account : trade->symbol) == scan->id)
            return seq;
    }
    return 0;
}

static bool expect_next(void *context, uint64_t seq)
{
    struct scan *scan = context;
    assert_int_equal(seq, next_of(scan));
    scan->next = seq + 1;
    return true;
}

/* Every account and symbol has all of its trades, and no other. */
static void expect_scans(struct world *world)
{
    for (int index = 0; index < 2; index++)
        for (uint32_t id = 1; id <= (index == 0 ? FEED_ACCOUNTS : FEED_SYMBOLS); id++) {
            struct scan scan = {&world->feed, index == 0 ? TW_INDEX_ACCOUNT : TW_INDEX_SYMBOL, id, 1};
            assert_true(
                tw_store_index_scan(world->store, scan.index, id, 1, UINT64_MAX, expect_next, &scan, &world->error));
            assert_int_equal(next_of(&scan), 0);
        }
}

/* So a scan finds a run's rows all or reads the log instead, and needs not ask whether one is missing. */
static void a_run_of_the_indexes_is_whole_or_not_there(void **state)
{
    struct world *world = *state;
    put_alert(world);
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 20; i++)
            append(world);
        atomic_store(&half_written, false);
        atomic_store(&health, round % 2 == 0 ? FULL_HALFWAY : FULL);
        assert_int_equal(tw_store_index_step(world->store, 1, &world->error), 0);
        assert_int_equal(world->error.status, TW_STORE_FULL);
        expect_scans(world);
        atomic_store(&health, WELL);
        expect_whole(world, tw_store_last_lsn(world->store)); /* opens anew: what was torn is not taken for a run */
        expect_scans(world);
        assert_true(tw_store_index_step(world->store, 1, &world->error) > 0);
        expect_scans(world);
    }
}

/* ---- nothing is written behind a failure ---- */

struct other {
    struct world *world;
    struct tw_store_error error;
    atomic_bool begun;
    uint64_t written;
};

/* Alerts, as the router writes them, until one is refused for good. RocksDB may say so before we do: then it was for
 * want of room, and the same goes again. */
static void *write_alerts(void *context)
{
    struct other *other = context;
    enum tw_store_status status = TW_STORE_OK;
    while (status == TW_STORE_OK) {
        struct tw_store_alert alert;
        feed_alert(&other->world->feed, &alert);
        do
            status = tw_store_put_alerts(other->world->store, &alert, 1, &other->error);
        while (status == TW_STORE_FULL);
        free((void *)(uintptr_t)alert.bytes);
        atomic_store(&other->begun, true);
        other->written += status == TW_STORE_OK;
    }
    return NULL;
}

static void expect_refused(const struct tw_store_error *error)
{
    assert_int_equal(error->status, TW_STORE_FAILED);
    assert_non_null(strstr(error->text, "start again"));
}

static void expect_silence(struct world *world, struct tw_frame *frames[BATCH])
{
    struct tw_store_error error;
    uint64_t before = writes;
    assert_true(before > 0); /* they are counted */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(tw_store_append(world->store, frames, BATCH, &error), TW_STORE_FAILED);
        expect_refused(&error);
        assert_int_equal(tw_store_index_step(world->store, 1, &error), 0);
        expect_refused(&error);
        assert_null(tw_store_snapshot_begin(world->store, world->feed.lsn, world->feed.seq, 1, &error));
        expect_refused(&error);
    }
    assert_int_equal(writes, before);
}

static void nothing_is_written_behind(struct world *world, enum health failure)
{
    struct other other = {.world = world};
    struct tw_frame *frames[BATCH];
    pthread_t thread;
    put_alert(world);
    append(world);
    uint64_t before = tw_store_last_lsn(world->store);
    make(world, frames);
    assert_int_equal(pthread_create(&thread, NULL, write_alerts, &other), 0);
    while (!atomic_load(&other.begun))
        sched_yield();
    atomic_store(&health, failure);
    assert_int_equal(tw_store_append(world->store, frames, BATCH, &world->error), TW_STORE_FAILED);
    atomic_store(&health, WELL); /* as kernels have it: the next sync succeeds, and what was to be kept is gone */
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(other.error.status, TW_STORE_FAILED);
    assert_int_equal(tw_store_last_lsn(world->store), before);
    expect_silence(world, frames);
    for (uint32_t at = 0; at < BATCH; at++)
        tw_frame_drop(&frames[at]);
    world_reopen(world);
    uint64_t there = tw_store_last_lsn(world->store); /* what was written and not synced may be there, whole */
    assert_true(there == before || there == before + BATCH);
    assert_in_range(tw_store_last_alert(world->store), 0, 2 + other.written); /* the refused one may be there as well */
    expect_whole(world, there);
}

static void after_a_failed_sync_no_thread_writes_anything(void **state)
{
    nothing_is_written_behind(*state, SYNC_FAILS);
}

/* A write meets what a sync has left before the sync is back: what RocksDB tells it then would help nobody. */
static void who_writes_behind_a_failed_sync_says_what_failed(void **state)
{
    struct world *world = *state;
    struct other other = {.world = world};
    struct tw_frame *frames[BATCH];
    pthread_t thread;
    put_alert(world);
    append(world);
    make(world, frames);
    atomic_store(&writes_failed, 0);
    atomic_store(&sync_lingers, true);
    assert_int_equal(pthread_create(&thread, NULL, write_alerts, &other), 0);
    while (!atomic_load(&other.begun))
        sched_yield();
    atomic_store(&health, SYNC_FAILS);
    assert_int_equal(tw_store_append(world->store, frames, BATCH, &world->error), TW_STORE_FAILED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    atomic_store(&health, WELL);
    atomic_store(&sync_lingers, false);
    assert_int_equal(atomic_load(&writes_failed), 1);
    assert_non_null(strstr(world->error.text, "Input/output error"));
    assert_non_null(strstr(other.error.text, "Input/output error"));
    for (uint32_t at = 0; at < BATCH; at++)
        tw_frame_drop(&frames[at]);
}

static void nor_after_a_sync_that_found_no_room(void **state)
{
    nothing_is_written_behind(*state, SYNC_HAS_NO_ROOM);
}

/* ---- what is not durable is nobody's to see ---- */

struct seen {
    uint64_t actions, of_alert, refusals;
};

static bool see_action(void *context, const struct tw_store_action *action)
{
    *(uint64_t *)context = action->h;
    return true;
}

static bool see_refusal(void *context, const struct tw_refusal *refusal)
{
    *(uint64_t *)context = refusal->number;
    return true;
}

/* The last ones that look-ups from the beginning give, and from there on. */
static struct seen look(struct world *world, uint64_t actions, uint64_t refusals)
{
    struct seen seen = {actions, 0, refusals};
    static const uint8_t id[TW_ALERT_ID_BYTES];
    assert_true(tw_store_actions(world->store, actions, see_action, &seen.actions, &world->error));
    assert_true(tw_store_actions_of(world->store, id, see_action, &seen.of_alert, &world->error));
    assert_true(tw_store_refusals(world->store, refusals, see_refusal, &seen.refusals, &world->error));
    return seen;
}

static void expect_seen(struct world *world, uint64_t actions, uint64_t refusals)
{
    for (uint64_t again = 0; again < 2; again++) {
        struct seen seen = look(world, again * actions, again * refusals);
        assert_int_equal(seen.actions, actions);
        assert_int_equal(seen.of_alert, actions);
        assert_int_equal(seen.refusals, refusals);
    }
}

/* Their numbers may be given again: a power cut would take them. */
static void what_was_written_and_not_synced_is_not_shown(void **state)
{
    struct world *world = *state;
    struct tw_frame *frames[BATCH];
    put_alert(world);
    append(world);
    expect_seen(world, 1, 4);
    make(world, frames);
    atomic_store(&health, SYNC_FAILS);
    assert_int_equal(tw_store_append(world->store, frames, BATCH, &world->error), TW_STORE_FAILED);
    assert_int_equal(tw_store_last_action(world->store), 1);
    assert_int_equal(tw_store_refusal_count(world->store), 4);
    expect_seen(world, 1, 4);
    for (uint32_t at = 0; at < BATCH; at++)
        tw_frame_drop(&frames[at]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(for_want_of_room_a_write_is_tried_again_and_stands_there_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_log_that_another_write_broke_is_tried_again, setup, teardown),
        cmocka_unit_test_setup_teardown(no_row_goes_before_the_drop_is_durable, setup, teardown),
        cmocka_unit_test_setup_teardown(no_run_of_the_indexes_begins_behind_a_drop_that_is_not_durable, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_drop_that_could_not_be_synced_is_tried_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_run_of_the_indexes_is_whole_or_not_there, setup, teardown),
        cmocka_unit_test_setup_teardown(after_a_failed_sync_no_thread_writes_anything, setup, teardown),
        cmocka_unit_test_setup_teardown(who_writes_behind_a_failed_sync_says_what_failed, setup, teardown),
        cmocka_unit_test_setup_teardown(nor_after_a_sync_that_found_no_room, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_written_and_not_synced_is_not_shown, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
