/* SPDX-License-Identifier: MIT
 *
 * Retention: what is dropped is gone for everybody who asks, what is kept is as it was, and a kill at any moment leaves
 * one or the other.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/check.h"
#include "store/inside.h"
#include "store_world.h"

static int setup(void **state)
{
    *state = world_new();
    return 0;
}

static int teardown(void **state)
{
    world_free(*state);
    return 0;
}

static void append_blocks(struct world *world, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct tw_frame *frames[2] = {feed_block(&world->feed, 1 + (uint32_t)feed_random(&world->feed, 60), i % 3),
                                      feed_control(&world->feed, TW_CONTROL_CLOCK)};
        world_append(world, frames, 2);
    }
}

static void step(struct world *world)
{
    tw_store_index_step(world->store, 0, &world->error);
    assert_int_equal(world->error.status, TW_STORE_OK);
}

struct place {
    uint64_t lsn, seq;
};
static struct place here(const struct world *world)
{
    return (struct place){world->feed.lsn, world->feed.seq};
}

static void retain(struct world *world, struct place until)
{
    world_retain(world, until.seq, until.lsn);
}

/* ---- what is there ---- */

static void check_log(struct world *world, struct place gone)
{
    struct tw_record record;
    for (uint64_t from = 0; from <= gone.seq + 1; from += 1 + gone.seq / 3) {
        struct tw_store_cursor *cursor = tw_store_read(world->store, from, &world->error);
        assert_non_null(cursor);
        for (uint64_t lsn = gone.lsn + 1; lsn <= world->feed.lsn; lsn++) {
            assert_int_equal(tw_store_next(cursor, &record, &world->error), 1);
            assert_int_equal(tw_record_lsn(&record), lsn);
        }
        assert_int_equal(tw_store_next(cursor, &record, &world->error), 0);
        tw_store_cursor_free(&cursor);
    }
}

static void check_trades(struct world *world, struct place gone)
{
    for (uint64_t seq = 1; seq <= world->feed.seq; seq++) {
        const struct fed_trade *trade = &world->feed.trades[seq - 1];
        struct tw_frame *frame = NULL;
        struct tw_record record;
        uint32_t row;
        bool there = seq > gone.seq;
        assert_int_equal(tw_store_block_of(world->store, seq, &frame, &record), there);
        tw_frame_drop(&frame);
        assert_int_equal(tw_store_by_pseq(world->store, trade->source, trade->pseq, &frame, &record, &row), there);
        if (there)
            assert_int_equal(record.block.follows + 1 + row, seq);
        tw_frame_drop(&frame);
        assert_int_equal(tw_store_pseq_dropped(world->store, trade->source, trade->pseq), !there);
    }
}

static uint64_t latest_with_id(const struct world *world, const struct fed_trade *like, uint64_t gone)
{
    for (uint64_t seq = world->feed.seq; seq > gone; seq--) {
        const struct fed_trade *trade = &world->feed.trades[seq - 1];
        if (trade->kind != TW_KIND_BUST && strcmp(trade->id, like->id) == 0 &&
            strcmp(feed_publisher(trade->source), feed_publisher(like->source)) == 0)
            return seq;
    }
    return 0;
}

static void check_ids(struct world *world, struct place gone)
{
    for (uint64_t seq = 1; seq <= world->feed.seq; seq += 3) {
        const struct fed_trade *trade = &world->feed.trades[seq - 1];
        const char *publisher = feed_publisher(trade->source);
        struct tw_frame *frame = NULL;
        struct tw_record record;
        uint32_t row = 0;
        if (trade->id[0] == '\0')
            continue;
        uint64_t expected = latest_with_id(world, trade, gone.seq);
        bool found = tw_store_by_id(world->store, (struct tw_text){publisher, (uint32_t)strlen(publisher)},
                                    (struct tw_text){trade->id, (uint32_t)strlen(trade->id)}, world->feed.seq + 1,
                                    &frame, &record, &row);
        assert_int_equal(found, expected != 0);
        if (found)
            assert_int_equal(record.block.follows + 1 + row, expected);
        tw_frame_drop(&frame);
    }
}

struct scan {
    const struct feed *feed;
    uint32_t account;
    uint64_t last, count;
};
static bool see_seq(void *context, uint64_t seq)
{
    struct scan *scan = context;
    assert_true(seq > scan->last);
    assert_int_equal(scan->feed->trades[seq - 1].account, scan->account);
    scan->last = seq;
    scan->count++;
    return true;
}

static void check_scans(struct world *world, struct place gone)
{
    for (uint32_t account = 1; account <= FEED_ACCOUNTS; account += 7) {
        struct scan scan = {&world->feed, account, gone.seq, 0};
        uint64_t expected = 0;
        for (uint64_t seq = gone.seq + 1; seq <= world->feed.seq; seq++)
            expected += world->feed.trades[seq - 1].account == account;
        assert_true(
            tw_store_index_scan(world->store, TW_INDEX_ACCOUNT, account, 1, UINT64_MAX, see_seq, &scan, &world->error));
        assert_int_equal(scan.count, expected);
    }
    assert_true(tw_store_seq_at(world->store, 1) > gone.seq);
    assert_true(tw_store_seq_at(world->store, world->feed.clock_ns) > gone.seq);
}

struct refusals {
    const struct feed *feed;
    uint64_t first, next;
};
static bool see_refusal(void *context, const struct tw_refusal *refusal)
{
    struct refusals *refusals = context;
    if (refusals->next == 0)
        refusals->first = refusals->next = refusal->number;
    assert_int_equal(refusal->number, refusals->next);
    assert_int_equal(refusal->pseq, refusals->feed->refusals[refusal->number - 1].pseq);
    refusals->next++;
    return true;
}

static void check_refusals(struct world *world)
{
    struct refusals refusals = {.feed = &world->feed};
    assert_true(tw_store_refusals(world->store, 0, see_refusal, &refusals, &world->error));
    assert_int_equal(refusals.next, world->feed.refusal_count + 1);
    for (uint64_t number = 1; number <= world->feed.refusal_count; number++) {
        const struct fed_refusal *refusal = &world->feed.refusals[number - 1];
        uint64_t hash;
        bool there = number >= refusals.first;
        assert_int_equal(tw_store_refusal_hash(world->store, refusal->source, refusal->pseq, &hash), there);
        assert_int_equal(tw_store_pseq_dropped(world->store, refusal->source, refusal->pseq), !there);
    }
}

static void check_all(struct world *world, struct place gone)
{
    struct tw_retained retained = tw_store_retained(world->store);
    struct tw_store_stats stats;
    assert_int_equal(retained.lsn, gone.lsn);
    assert_int_equal(retained.seq, gone.seq);
    check_log(world, gone);
    check_trades(world, gone);
    check_ids(world, gone);
    check_scans(world, gone);
    check_refusals(world);
    assert_true(tw_store_stats(world->store, &stats, &world->error));
    assert_int_equal(stats.trades, world->feed.seq - gone.seq);
    assert_int_equal(stats.dropped, gone.seq);
    assert_int_equal(stats.first_ts_ns, world->feed.trades[gone.seq].ts_ns);
    if (!tw_store_verify(world->store, NULL, NULL, &world->error))
        fail_msg("%s", world->error.text);
    append_blocks(world, 1); /* no look-up has met what it takes for damage */
}

/* ---- dropping ---- */

static void what_is_dropped_is_gone_and_what_is_kept_is_as_it_was(void **state)
{
    struct world *world = *state;
    append_blocks(world, 20);
    step(world);
    append_blocks(world, 10);
    struct place first = here(world);
    append_blocks(world, 10);
    step(world);
    struct place second = here(world);
    append_blocks(world, 20);
    check_all(world, (struct place){0, 0});
    retain(world, first);
    check_all(world, first);
    world_reopen(world);
    check_all(world, first);
    step(world);
    check_all(world, first);
    retain(world, second);
    check_all(world, second);
    retain(world, first); /* it went before */
    check_all(world, second);
    world_reopen(world);
    world_reopen(world);
    check_all(world, second);
}

static void what_is_dropped_need_not_be_indexed_before(void **state)
{
    struct world *world = *state;
    append_blocks(world, 10);
    step(world);
    append_blocks(world, 10);
    struct place gone = here(world);
    append_blocks(world, 10);
    retain(world, gone);
    check_all(world, gone);
    step(world);
    check_all(world, gone);
    assert_int_equal(tw_store_indexed_seq(world->store) <= world->feed.seq, 1);
    world_reopen(world);
    check_all(world, gone);
}

static void nothing_goes_without_a_snapshot_behind_it(void **state)
{
    struct world *world = *state;
    append_blocks(world, 5);
    struct place early = here(world);
    world_snapshot(world);
    append_blocks(world, 5);
    struct place late = here(world);
    append_blocks(world, 5);
    struct tw_frame *frame = feed_retention(&world->feed, late.seq, late.lsn);
    world_append(world, &frame, 1);
    assert_false(tw_store_retain(world->store, late.seq, late.lsn, &world->error));
    assert_non_null(strstr(world->error.text, "no snapshot behind"));
    check_all(world, (struct place){0, 0});
    retain(world, early);
    check_all(world, early);
}

static void a_snapshot_from_before_the_beginning_is_no_use(void **state)
{
    struct world *world = *state;
    append_blocks(world, 5);
    world_snapshot(world);
    uint64_t old = world->feed.lsn;
    append_blocks(world, 5);
    world_snapshot(world);
    struct place at_the_snapshot = here(world);
    append_blocks(world, 5);
    struct tw_frame *frame = feed_retention(&world->feed, at_the_snapshot.seq, at_the_snapshot.lsn);
    world_append(world, &frame, 1);
    assert_true(tw_store_retain(world->store, at_the_snapshot.seq, at_the_snapshot.lsn, &world->error));
    struct tw_snapshot_info info;
    struct tw_record record;
    assert_int_equal(tw_store_snapshot_find(world->store, UINT64_MAX, &info, &world->error), 1);
    assert_int_equal(info.lsn, at_the_snapshot.lsn);
    struct tw_store_cursor *cursor = tw_store_read_after(world->store, &info, &world->error);
    assert_non_null(cursor);
    assert_int_equal(tw_store_next(cursor, &record, &world->error), 1);
    assert_int_equal(tw_record_lsn(&record), at_the_snapshot.lsn + 1);
    tw_store_cursor_free(&cursor);
    assert_true(old < info.lsn);
    assert_int_equal(tw_store_snapshot_find(world->store, info.lsn, &info, &world->error), 0);
    check_all(world, at_the_snapshot);
}

/* ---- beside the journal ---- */

static struct world *appends_meanwhile; /* once, behind the next iterator over the refusals */

rocksdb_iterator_t *__real_rocksdb_create_iterator_cf(rocksdb_t *db, const rocksdb_readoptions_t *options,
                                                      rocksdb_column_family_handle_t *family);
rocksdb_iterator_t *__wrap_rocksdb_create_iterator_cf(rocksdb_t *db, const rocksdb_readoptions_t *options,
                                                      rocksdb_column_family_handle_t *family);
rocksdb_iterator_t *__wrap_rocksdb_create_iterator_cf(rocksdb_t *db, const rocksdb_readoptions_t *options,
                                                      rocksdb_column_family_handle_t *family)
{
    rocksdb_iterator_t *iterator = __real_rocksdb_create_iterator_cf(db, options, family);
    struct world *world = appends_meanwhile;
    if (world != NULL && family == world->store->families[TW_FAMILY_REFUSALS]) {
        appends_meanwhile = NULL;
        struct tw_frame *frame = feed_block(&world->feed, 5, 3);
        world_append(world, &frame, 1);
    }
    return iterator;
}

static void refusals_that_come_meanwhile_stay(void **state)
{
    struct world *world = *state;
    append_blocks(world, 5);
    struct place gone = here(world);
    struct tw_frame *frame = feed_block(&world->feed, 10, 0);
    world_append(world, &frame, 1);
    appends_meanwhile = world;
    retain(world, gone);
    assert_null(appends_meanwhile);
    check_all(world, gone);
}

/* ---- the disk ---- */

static uint64_t rows_in(struct world *world, enum tw_family family)
{
    uint64_t rows = 0;
    rocksdb_iterator_t *iterator = tw_store_iterate(world->store, family);
    for (rocksdb_iter_seek_to_first(iterator); rocksdb_iter_valid(iterator); rocksdb_iter_next(iterator))
        rows++;
    rocksdb_iter_destroy(iterator);
    return rows;
}

static void compacting_drops_the_rows_of_what_is_gone(void **state)
{
    struct world *world = *state;
    append_blocks(world, 200);
    step(world);
    struct place gone = here(world);
    append_blocks(world, 5);
    step(world);
    retain(world, gone);
    uint64_t index = rows_in(world, TW_FAMILY_INDEX), sources = rows_in(world, TW_FAMILY_SOURCES);
    world_reopen(world); /* flushed */
    for (int family = 0; family < TW_FAMILY_COUNT; family++)
        rocksdb_compact_range_cf(world->store->db, world->store->families[family], NULL, 0, NULL, 0);
    assert_true(rows_in(world, TW_FAMILY_INDEX) < index / 2);
    assert_true(rows_in(world, TW_FAMILY_SOURCES) < sources / 5);
    check_all(world, gone);
}

/* Of what is there, in thousandths of `whole`. */
static uint64_t reckoned(struct world *world, uint64_t whole)
{
    struct tw_store_stats stats;
    assert_true(tw_store_stats(world->store, &stats, &world->error));
    return 1000 * (stats.bytes_on_disk - stats.bytes_dropped) / whole;
}

/* Or the next look at the size would drop other days for it. */
static void what_the_disk_gives_back_later_is_known(void **state)
{
    struct world *world = *state;
    struct place thirds[3];
    for (int i = 0; i < 3; i++) {
        append_blocks(world, 400);
        step(world);
        thirds[i] = here(world);
    }
    world_reopen(world); /* flushed */
    uint64_t whole = reckoned(world, 1) / 1000;
    retain(world, thirds[0]); /* a third, then another: the first has not come back yet */
    assert_in_range(reckoned(world, whole), 600, 750);
    retain(world, thirds[1]);
    for (int start = 0; start < 3; start++) {
        assert_in_range(reckoned(world, whole), 280, 450);
        world_reopen(world);
    }
    for (int family = 0; family < TW_FAMILY_COUNT; family++)
        rocksdb_compact_range_cf(world->store->db, world->store->families[family], NULL, 0, NULL, 0);
    assert_in_range(reckoned(world, whole), 280, 450);
    check_all(world, thirds[1]);
}

static void whole_files_of_the_log_go_at_once(void **state)
{
    struct world *world = *state;
    for (int file = 0; file < 3; file++) {
        for (int i = 0; i < 6; i++) {
            struct tw_frame *frame = feed_block(&world->feed, 4000, 0);
            world_append(world, &frame, 1);
        }
        world_reopen(world); /* a file each */
        rocksdb_compact_range_cf(world->store->db, world->store->families[TW_FAMILY_LOG], NULL, 0, NULL, 0);
    }
    struct place gone = here(world);
    append_blocks(world, 3);
    struct tw_store_stats before, after;
    assert_true(tw_store_stats(world->store, &before, &world->error));
    retain(world, gone);
    assert_true(tw_store_stats(world->store, &after, &world->error));
    assert_true(after.bytes_on_disk < before.bytes_on_disk / 2);
    assert_true(tw_store_verify(world->store, NULL, NULL, &world->error));
}

/* ---- a writer that is killed ---- */

/* The same records each time. Every tenth one is a snapshot's, the next one drops what lies two snapshots back. */
static struct tw_frame *next_record(struct feed *feed, struct place places[3])
{
    if (feed->lsn % 10 == 8) {
        struct tw_frame *frame = feed_control(feed, TW_CONTROL_SNAPSHOT);
        places[0] = places[1];
        places[1] = places[2];
        places[2] = (struct place){feed->lsn, feed->seq};
        return frame;
    }
    if (feed->lsn % 10 == 9 && places[0].lsn != 0)
        return feed_retention(feed, places[0].seq, places[0].lsn);
    return feed_block(feed, 1 + (uint32_t)feed_random(feed, 300), 1);
}

static void write_snapshot(struct world *world)
{
    struct tw_snapshot_writer *writer =
        tw_store_snapshot_begin(world->store, world->feed.lsn, world->feed.seq, 1, &world->error);
    TW_ASSERT(writer != NULL);
    for (uint32_t part = 0; part < TW_PART_COUNT; part++)
        TW_ASSERT(tw_store_snapshot_add(writer, (enum tw_snapshot_part)part, 0, NULL, 0, &world->error));
    TW_ASSERT(tw_store_snapshot_finish(&writer, 0, &world->error));
}

static int write_until_killed(const char *directory, int acks)
{
    static struct world world = {.feed.random = 20131008};
    struct place places[3] = {{0, 0}};
    snprintf(world.directory, sizeof world.directory, "%s", directory);
    world.store = tw_store_open(world.directory, TW_STORE_WRITE, &world.error);
    TW_ASSERT(world.store != NULL);
    for (;;) {
        bool known = world.feed.lsn < tw_store_last_lsn(world.store);
        struct tw_frame *frame = next_record(&world.feed, places);
        if (!known)
            TW_ASSERT(tw_store_append(world.store, &frame, 1, &world.error) == TW_STORE_OK);
        tw_frame_drop(&frame);
        tw_store_index_step(world.store, 2000, &world.error);
        if (!known && world.feed.lsn % 10 == 9)
            write_snapshot(&world);
        /* what a crash kept from being dropped is dropped now */
        if (world.feed.lsn % 10 == 0 && places[0].lsn != 0 && tw_store_last_lsn(world.store) == world.feed.lsn &&
            !tw_store_retain(world.store, places[0].seq, places[0].lsn, &world.error) &&
            strstr(world.error.text, "no snapshot behind") == NULL)
            return 1;
        if (write(acks, &world.feed.lsn, sizeof world.feed.lsn) != (ssize_t)sizeof world.feed.lsn)
            return 1;
    }
}

static uint64_t run_and_kill(const struct world *world, uint64_t until, useconds_t pause)
{
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char fd[16];
        snprintf(fd, sizeof fd, "%d", pipe_fds[1]);
        close(pipe_fds[0]);
        execl("/proc/self/exe", "test_store_retain", world->directory, fd, (char *)NULL);
        _exit(1);
    }
    close(pipe_fds[1]);
    uint64_t acked = 0;
    while (acked < until)
        assert_int_equal(read(pipe_fds[0], &acked, sizeof acked), sizeof acked);
    usleep(pause); /* somewhere in a record, a snapshot or a retention */
    kill(child, SIGKILL);
    while (read(pipe_fds[0], &acked, sizeof acked) == (ssize_t)sizeof acked)
        continue;
    close(pipe_fds[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    return acked;
}

static void kill_9_leaves_one_or_the_other(void **state)
{
    struct world *world = *state;
    world_close(world);
    uint64_t retentions = 0, before = 0, gone = 0;
    for (uint32_t round = 0; round < 10; round++) {
        uint64_t until = (before / 10 + 3) * 10 - 1 + round % 2; /* just before a snapshot, or a retention */
        uint64_t acked = run_and_kill(world, until, 200 * round);
        world->store = tw_store_open(world->directory, round % 2 == 0 ? TW_STORE_READ : TW_STORE_WRITE, &world->error);
        if (world->store == NULL || !tw_store_verify(world->store, NULL, NULL, &world->error))
            fail_msg("%s", world->error.text);
        assert_true(tw_store_last_lsn(world->store) >= acked);
        struct tw_retained retained = tw_store_retained(world->store);
        assert_true(retained.lsn >= gone);
        retentions += retained.lsn > gone;
        gone = retained.lsn;
        before = tw_store_last_lsn(world->store);
        world_close(world);
    }
    assert_true(retentions > 3);
    world_open(world);
}

int main(int argc, char **argv)
{
    if (argc == 3)
        return write_until_killed(argv[1], atoi(argv[2]));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_dropped_is_gone_and_what_is_kept_is_as_it_was, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_dropped_need_not_be_indexed_before, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_goes_without_a_snapshot_behind_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_snapshot_from_before_the_beginning_is_no_use, setup, teardown),
        cmocka_unit_test_setup_teardown(refusals_that_come_meanwhile_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(compacting_drops_the_rows_of_what_is_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(what_the_disk_gives_back_later_is_known, setup, teardown),
        cmocka_unit_test_setup_teardown(whole_files_of_the_log_go_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(kill_9_leaves_one_or_the_other, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
