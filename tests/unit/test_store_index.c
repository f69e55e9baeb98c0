/* SPDX-License-Identifier: MIT
 *
 * The indexes, compared with a plain search through everything that was fed, wherever they end in the log.
 */
#include <pthread.h>
#include <stdlib.h>

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

static void append_blocks(struct world *world, uint32_t blocks, uint32_t most)
{
    for (uint32_t i = 0; i < blocks; i++) {
        struct tw_frame *frames[2] = {
            feed_block(&world->feed, 1 + (uint32_t)feed_random(&world->feed, most), i % 3 == 0 ? 2 : 0),
            feed_control(&world->feed, TW_CONTROL_CLOCK)};
        world_append(world, frames, 2);
    }
}

static uint32_t step(struct world *world, uint32_t minimum)
{
    uint32_t indexed = tw_store_index_step(world->store, minimum, &world->error);
    assert_int_equal(world->error.status, TW_STORE_OK);
    return indexed;
}

/* ---- a plain search ---- */

static uint64_t latest_with_id(const struct feed *feed, const char *publisher, const char *id, uint64_t before)
{
    for (uint64_t seq = before - 1 < feed->seq ? before - 1 : feed->seq; seq > 0; seq--) {
        const struct fed_trade *trade = &feed->trades[seq - 1];
        if (trade->kind != TW_KIND_BUST && strcmp(trade->id, id) == 0 &&
            strcmp(feed_publisher(trade->source), publisher) == 0)
            return seq;
    }
    return 0;
}

static void check_id(const struct world *world, const char *publisher, const char *id, uint64_t before)
{
    struct tw_frame *frame = NULL;
    struct tw_record record;
    uint32_t row = 0;
    uint64_t expected = latest_with_id(&world->feed, publisher, id, before);
    bool found = tw_store_by_id(world->store, (struct tw_text){publisher, (uint32_t)strlen(publisher)},
                                (struct tw_text){id, (uint32_t)strlen(id)}, before, &frame, &record, &row);
    assert_int_equal(found, expected != 0);
    if (found)
        assert_int_equal(record.block.follows + 1 + row, expected);
    tw_frame_drop(&frame);
}

static void check_ids(struct world *world, uint32_t questions)
{
    struct feed *feed = &world->feed;
    for (uint32_t i = 0; i < questions; i++) {
        const struct fed_trade *trade = &feed->trades[feed_random(feed, feed->seq)];
        const char *publisher = feed_publisher(1 + (uint32_t)feed_random(feed, FEED_SOURCES));
        const char *id = trade->id[0] == '\0' ? "never-sent" : trade->id;
        check_id(world, publisher, id, feed->seq + 1);
        check_id(world, publisher, id, 1 + feed_random(feed, feed->seq + 1));
    }
    check_id(world, "nobody", feed->trades[0].id[0] == '\0' ? "x1" : feed->trades[0].id, feed->seq + 1);
}

struct expected {
    const struct feed *feed;
    enum tw_store_index index;
    uint32_t id;
    uint64_t next, to, seen, stop_after;
};

static void advance(struct expected *expected)
{
    while (expected->next <= expected->to && expected->next <= expected->feed->seq) {
        const struct fed_trade *trade = &expected->feed->trades[expected->next - 1];
        if ((expected->index == TW_INDEX_ACCOUNT ? trade->account : trade->symbol) == expected->id)
            return;
        expected->next++;
    }
    expected->next = 0; /* none is left */
}

static bool see(void *context, uint64_t seq)
{
    struct expected *expected = context;
    assert_int_equal(seq, expected->next);
    expected->next++;
    advance(expected);
    return ++expected->seen != expected->stop_after;
}

static void check_scan(struct world *world, enum tw_store_index index, uint32_t id, uint64_t from, uint64_t to)
{
    struct expected expected = {.feed = &world->feed, .index = index, .id = id, .next = from == 0 ? 1 : from, .to = to};
    advance(&expected);
    assert_true(tw_store_index_scan(world->store, index, id, from, to, see, &expected, &world->error));
    assert_int_equal(expected.next, 0); /* all of them were given */
}

static void check_scans(struct world *world)
{
    struct feed *feed = &world->feed;
    for (uint32_t account = 1; account <= FEED_ACCOUNTS + 1; account++)
        check_scan(world, TW_INDEX_ACCOUNT, account, 0, UINT64_MAX);
    for (uint32_t symbol = 1; symbol <= FEED_SYMBOLS + 1; symbol++)
        check_scan(world, TW_INDEX_SYMBOL, symbol, 1, UINT64_MAX);
    for (uint32_t i = 0; i < 50; i++) {
        uint64_t from = feed_random(feed, feed->seq + 2), to = from + feed_random(feed, feed->seq);
        check_scan(world, TW_INDEX_ACCOUNT, 1 + (uint32_t)feed_random(feed, FEED_ACCOUNTS), from, to);
        check_scan(world, TW_INDEX_SYMBOL, 1 + (uint32_t)feed_random(feed, FEED_SYMBOLS), from, to);
    }
}

/* No trade before the answer has a clock at or after ts; and the answer is not needlessly early in the indexed part. */
static void check_times(struct world *world, bool all_indexed)
{
    const struct feed *feed = &world->feed;
    const int64_t spacing = (feed->clock_ns - NOON) / 300 + 1;
    for (int64_t ts = NOON - TW_NS_PER_SECOND; ts < feed->clock_ns + TW_NS_PER_SECOND; ts += spacing) {
        uint64_t seq = tw_store_seq_at(world->store, ts);
        int64_t clock = INT64_MIN;
        uint64_t reached = 0;
        for (uint64_t at = 1; at <= feed->seq && reached == 0; at++) {
            clock = feed->trades[at - 1].ts_ns > clock ? feed->trades[at - 1].ts_ns : clock;
            if (clock >= ts)
                reached = at;
        }
        assert_true(seq >= 1);
        assert_true(reached == 0 || seq <= reached);
        if (all_indexed && reached > 2000)
            assert_true(seq + 2000 > reached);
    }
}

static void check_all(struct world *world)
{
    check_ids(world, 60);
    check_scans(world);
    check_times(world, false);
}

/* ---- the tests ---- */

static void everything_is_found_wherever_the_indexes_end(void **state)
{
    struct world *world = *state;
    append_blocks(world, 20, 40);
    check_all(world); /* nothing is indexed: all of it is tail */
    assert_int_equal(step(world, 0), world->feed.seq);
    assert_int_equal(tw_store_indexed_seq(world->store), world->feed.seq);
    check_all(world); /* all is indexed */
    for (int round = 0; round < 6; round++) {
        append_blocks(world, 8, 60);
        check_all(world); /* index and tail */
        if (round % 2 == 0)
            assert_true(step(world, 1) > 0);
    }
}

static void indexes_survive_a_restart(void **state)
{
    struct world *world = *state;
    append_blocks(world, 20, 40);
    step(world, 0);
    uint64_t indexed = tw_store_indexed_seq(world->store);
    append_blocks(world, 20, 40);
    world_reopen(world);
    assert_int_equal(tw_store_indexed_seq(world->store), indexed);
    check_all(world);
    assert_int_equal(step(world, 0), world->feed.seq - indexed);
    check_all(world);
}

static void a_run_waits_for_enough_trades(void **state)
{
    struct world *world = *state;
    assert_int_equal(step(world, 0), 0);
    append_blocks(world, 3, 10);
    uint32_t waiting = (uint32_t)world->feed.seq;
    assert_int_equal(step(world, waiting + 1), 0);
    assert_int_equal(step(world, waiting), waiting);
    assert_int_equal(step(world, 0), 0);
}

static void large_runs_split_their_lists(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 8; i++) {
        struct tw_frame *frame = feed_block(&world->feed, TW_BLOCK_TRADES_MAX, 0);
        world_append(world, &frame, 1); /* 65,520 trades in 3 groups of symbols: more than one list takes */
    }
    while (step(world, 0) > 0)
        continue;
    check_ids(world, 100);
    check_scan(world, TW_INDEX_SYMBOL, 3, 0, UINT64_MAX);
    for (uint32_t i = 0; i < 20; i++) {
        uint64_t from = feed_random(&world->feed, world->feed.seq);
        check_scan(world, TW_INDEX_SYMBOL, 5, from, from + 9000);
        check_scan(world, TW_INDEX_ACCOUNT, 7, from, UINT64_MAX);
    }
    check_times(world, false);
}

static void ids_are_found_when_the_indexer_is_far_behind(void **state)
{
    struct world *world = *state;
    world->store->tail_trades_max = 100;
    append_blocks(world, 20, 40);
    check_ids(world, 100);
    step(world, 0);
    append_blocks(world, 20, 40);
    check_ids(world, 100);
}

static void the_table_of_the_tail_starts_anew_when_the_index_has_most_of_it(void **state)
{
    struct world *world = *state;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 36; i++) {
            struct tw_frame *frame = feed_block(&world->feed, TW_BLOCK_TRADES_MAX, 0);
            world_append(world, &frame, 1);
        }
        check_ids(world, 10);
        assert_true(step(world, 0) > 0);
        append_blocks(world, 1, 40);
        check_ids(world, 10);
    }
}

static void a_visitor_can_stop(void **state)
{
    struct world *world = *state;
    append_blocks(world, 10, 1500);
    step(world, 0);
    append_blocks(world, 10, 1500);
    for (uint64_t stop = 1; stop < 40; stop += 6) {
        struct expected expected = {
            .feed = &world->feed, .index = TW_INDEX_SYMBOL, .id = 2, .next = 1, .to = UINT64_MAX, .stop_after = stop};
        advance(&expected);
        assert_true(
            tw_store_index_scan(world->store, TW_INDEX_SYMBOL, 2, 1, UINT64_MAX, see, &expected, &world->error));
        assert_int_equal(expected.seen, stop);
    }
}

static void the_time_index_is_close_once_it_has_caught_up(void **state)
{
    struct world *world = *state;
    append_blocks(world, 60, 150);
    step(world, 0);
    check_times(world, true);
}

/* ---- beside a writer ---- */

struct indexer {
    struct tw_store *store;
    atomic_bool stop;
    uint64_t indexed;
};

static void *index_until_stopped(void *context)
{
    struct indexer *indexer = context;
    struct tw_store_error error;
    while (!atomic_load(&indexer->stop))
        indexer->indexed += tw_store_index_step(indexer->store, 1, &error);
    while (true) {
        uint32_t indexed = tw_store_index_step(indexer->store, 0, &error);
        indexer->indexed += indexed;
        if (indexed == 0)
            return NULL;
    }
}

static void an_indexer_beside_the_writer_misses_nothing(void **state)
{
    struct world *world = *state;
    struct indexer indexer = {.store = world->store};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, index_until_stopped, &indexer), 0);
    for (int round = 0; round < 20; round++) {
        append_blocks(world, 3, 100);
        check_ids(world, 5);
        check_scan(world, TW_INDEX_SYMBOL, 1, 0, UINT64_MAX);
        check_scan(world, TW_INDEX_ACCOUNT, 2, 0, UINT64_MAX);
    }
    atomic_store(&indexer.stop, true);
    pthread_join(thread, NULL);
    assert_int_equal(indexer.indexed, world->feed.seq);
    assert_int_equal(tw_store_indexed_seq(world->store), world->feed.seq);
    check_all(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(everything_is_found_wherever_the_indexes_end, setup, teardown),
        cmocka_unit_test_setup_teardown(indexes_survive_a_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(a_run_waits_for_enough_trades, setup, teardown),
        cmocka_unit_test_setup_teardown(large_runs_split_their_lists, setup, teardown),
        cmocka_unit_test_setup_teardown(ids_are_found_when_the_indexer_is_far_behind, setup, teardown),
        cmocka_unit_test_setup_teardown(the_table_of_the_tail_starts_anew_when_the_index_has_most_of_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_visitor_can_stop, setup, teardown),
        cmocka_unit_test_setup_teardown(the_time_index_is_close_once_it_has_caught_up, setup, teardown),
        cmocka_unit_test_setup_teardown(an_indexer_beside_the_writer_misses_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
