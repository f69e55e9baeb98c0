/* SPDX-License-Identifier: MIT
 *
 * Snapshots in the daemon's actors, when their disk fails or stands still: trades and acks never feel it, and the next
 * snapshot is as good as any. Unless it is the log's disk, too.
 */
#include "runtime_world.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>

#include "protocol/check.h"

#define EVERY 200u /* trades, a snapshot */

/* ---- the disk under the snapshots; the keeper's thread hears what the test wants ---- */

enum trouble { NONE, FULL_AT_BEGIN, FULL_AT_ADD, FULL_AT_FINISH, STANDS_STILL, LOG_FAILS_AT_FINISH };
static atomic_int trouble;
static atomic_uint troubles, finished; /* how often it happened; how often one was finished */
static atomic_llong trouble_ns;        /* the last time */
static atomic_llong calm_ns;           /* between the last two */
static _Thread_local bool finishing;

struct tw_snapshot_writer *__real_tw_store_snapshot_begin(struct tw_store *store, uint64_t lsn, uint64_t seq,
                                                          uint32_t shards, struct tw_store_error *error);
struct tw_snapshot_writer *__wrap_tw_store_snapshot_begin(struct tw_store *store, uint64_t lsn, uint64_t seq,
                                                          uint32_t shards, struct tw_store_error *error);
bool __real_tw_store_snapshot_add(struct tw_snapshot_writer *writer, enum tw_snapshot_part part, uint32_t index,
                                  const void *rows, size_t length, struct tw_store_error *error);
bool __wrap_tw_store_snapshot_add(struct tw_snapshot_writer *writer, enum tw_snapshot_part part, uint32_t index,
                                  const void *rows, size_t length, struct tw_store_error *error);
bool __real_tw_store_snapshot_finish(struct tw_snapshot_writer **writer, uint64_t last_alert,
                                     struct tw_store_error *error);
bool __wrap_tw_store_snapshot_finish(struct tw_snapshot_writer **writer, uint64_t last_alert,
                                     struct tw_store_error *error);

static bool full(enum trouble which, struct tw_store_error *error)
{
    if (atomic_load(&trouble) != (int)which)
        return false;
    int64_t now_ns = tw_now_ns();
    atomic_store(&calm_ns, now_ns - atomic_exchange(&trouble_ns, now_ns));
    atomic_fetch_add(&troubles, 1);
    *error = (struct tw_store_error){TW_STORE_FULL, "the disk is full"};
    return true;
}

struct tw_snapshot_writer *__wrap_tw_store_snapshot_begin(struct tw_store *store, uint64_t lsn, uint64_t seq,
                                                          uint32_t shards, struct tw_store_error *error)
{
    return full(FULL_AT_BEGIN, error) ? NULL : __real_tw_store_snapshot_begin(store, lsn, seq, shards, error);
}

bool __wrap_tw_store_snapshot_add(struct tw_snapshot_writer *writer, enum tw_snapshot_part part, uint32_t index,
                                  const void *rows, size_t length, struct tw_store_error *error)
{
    if (atomic_load(&trouble) == STANDS_STILL)
        atomic_fetch_add(&troubles, 1);
    while (atomic_load(&trouble) == STANDS_STILL)
        zclock_sleep(1);
    return !full(FULL_AT_ADD, error) && __real_tw_store_snapshot_add(writer, part, index, rows, length, error);
}

bool __wrap_tw_store_snapshot_finish(struct tw_snapshot_writer **writer, uint64_t last_alert,
                                     struct tw_store_error *error)
{
    finishing = true;
    bool done = !full(FULL_AT_FINISH, error) && __real_tw_store_snapshot_finish(writer, last_alert, error);
    finishing = false;
    atomic_fetch_add(&finished, done);
    return done;
}

/* In libc's place. The first sync when a snapshot is finished is the log's. */
int fdatasync(int fd)
{
    if (!finishing || atomic_load(&trouble) != LOG_FAILS_AT_FINISH)
        return ((int (*)(int))(uintptr_t)dlsym(RTLD_NEXT, "fdatasync"))(fd);
    errno = EIO;
    return -1;
}

/* ---- the world ---- */

static struct world *keeping_world(enum trouble begins_with)
{
    struct world *world = world_new();
    atomic_store(&trouble, (int)begins_with);
    atomic_store(&troubles, 0);
    atomic_store(&finished, 0);
    world->snapshot_trades = EVERY;
    world_start_router(world);
    world_start_judges(world);
    world_start_keeper(world);
    world_start_journal(world);
    world_start_gateway(world);
    world_connect(world);
    return world;
}

static void push_durable(struct world *world, uint32_t trades)
{
    for (uint32_t i = 0; i < trades; i += ROWS)
        assert_true(world_push(world));
    world_await_durable(world, world->sent);
}

/* Goes on publishing until the counter has moved so far. */
static void push_until(struct world *world, atomic_uint *counter, unsigned goal)
{
    int64_t deadline_ns = tw_now_ns() + PATIENCE_MS * INT64_C(1000000);
    while (atomic_load(counter) < goal) {
        assert_true(tw_now_ns() < deadline_ns);
        push_durable(world, EVERY);
    }
}

/* Whole and of this log: reading verifies the hash, the rows are counted by their parts. */
static void check_newest(struct world *world)
{
    struct tw_store_error error = {TW_STORE_OK, ""};
    struct tw_snapshot_info info;
    struct tw_row_reader row;
    enum tw_snapshot_part part;
    uint32_t index, rows[TW_PART_COUNT] = {0};
    assert_int_equal(tw_store_snapshot_find(world->store, UINT64_MAX, &info, &error), 1);
    assert_int_equal(info.shards, SHARDS);
    assert_true(info.seq >= EVERY && info.last_alert > 0);
    struct tw_snapshot_reader *reader = tw_store_snapshot_open(world->store, info.lsn, &error);
    assert_non_null(reader);
    while (tw_store_snapshot_next(reader, &part, &index, &row, &error) > 0)
        rows[part]++;
    assert_int_equal(error.status, TW_STORE_OK);
    for (int i = 0; i < TW_PART_COUNT; i++)
        assert_true(rows[i] > 0);
    tw_store_snapshot_close(&reader);
}

static void finish_world(struct world *world)
{
    world_ask_to_stop(world);
    world_await_finished(world, NULL, NULL);
    world_end(world);
}

/* ---- the stories ---- */

static void snapshots_are_taken_as_trades_come(void **state)
{
    struct world *world = keeping_world(NONE);
    (void)state;
    push_until(world, &finished, 3);
    finish_world(world);
    check_newest(world);
    world_free(&world);
}

static void given_up(enum trouble which)
{
    struct world *world = keeping_world(which);
    struct tw_snapshot_info info;
    push_until(world, &troubles, 2); /* and tried again, but not at once */
    assert_true(atomic_load(&calm_ns) >= KEEPER_RETRY_NS);
    assert_int_equal(atomic_load(&finished), 0);
    assert_int_equal(tw_store_snapshot_find(world->store, UINT64_MAX, &info, NULL), 0);
    atomic_store(&trouble, NONE);
    push_until(world, &finished, 1);
    finish_world(world);
    check_newest(world);
    world_free(&world);
}

static void a_disk_too_full_for_it_costs_the_snapshot_and_the_next_is_tried(void **state)
{
    (void)state;
    given_up(FULL_AT_BEGIN);
    given_up(FULL_AT_ADD);
    given_up(FULL_AT_FINISH);
}

static void a_disk_that_stands_still_under_it_holds_up_nobody(void **state)
{
    struct world *world = keeping_world(STANDS_STILL);
    (void)state;
    push_until(world, &troubles, 1);
    push_durable(world, 100 * EVERY);
    assert_int_equal(atomic_load(&troubles), 1); /* no other is begun beside it */
    atomic_store(&trouble, NONE);
    push_until(world, &finished, 2);
    finish_world(world);
    check_newest(world);
    world_free(&world);
}

static void a_stop_does_not_wait_for_a_snapshot(void **state)
{
    struct world *world = keeping_world(FULL_AT_FINISH);
    struct tw_snapshot_info info;
    (void)state;
    push_until(world, &troubles, 1);
    push_durable(world, EVERY);
    finish_world(world);
    assert_int_equal(tw_store_snapshot_find(world->store, UINT64_MAX, &info, NULL), 0);
    world_free(&world);
}

/* No trade comes that would meet it, and until one came the daemon would go on to look well. */
static void a_snapshot_that_meets_a_failing_log_ends_the_daemon(void **state)
{
    struct world *world = keeping_world(LOG_FAILS_AT_FINISH);
    int64_t deadline_ns = tw_now_ns() + PATIENCE_MS * INT64_C(1000000);
    char failure[512] = "";
    (void)state;
    push_durable(world, EVERY);
    for (uint32_t i = 0; tw_agent_report(world->running[i], failure) >= 0; i = (i + 1) % world->running_count) {
        assert_true(tw_now_ns() < deadline_ns);
        zclock_sleep(1);
    }
    assert_non_null(strstr(failure, "cannot sync the alerts of"));
    assert_non_null(strstr(failure, "Input/output error"));
    world_end(world);
    world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(snapshots_are_taken_as_trades_come),
        cmocka_unit_test(a_disk_too_full_for_it_costs_the_snapshot_and_the_next_is_tried),
        cmocka_unit_test(a_disk_that_stands_still_under_it_holds_up_nobody),
        cmocka_unit_test(a_stop_does_not_wait_for_a_snapshot),
        cmocka_unit_test(a_snapshot_that_meets_a_failing_log_ends_the_daemon),
    };
    return cmocka_run_group_tests(tests, czmq_begin, czmq_finish);
}
