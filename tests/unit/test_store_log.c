/* SPDX-License-Identifier: MIT
 *
 * The log of the store: what is appended is read back, in order and by every key, before and after a restart.
 */
#include <stdlib.h>

#include "protocol/check.h"
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

static void append_block(struct world *world, uint32_t count, uint32_t refusals)
{
    struct tw_frame *frame = feed_block(&world->feed, count, refusals);
    world_append(world, &frame, 1);
}

static void append_control(struct world *world, enum tw_control_kind kind)
{
    struct tw_frame *frame = feed_control(&world->feed, kind);
    world_append(world, &frame, 1);
}

/* A boot, settings, blocks of many sizes, refusals, clocks and a gap; some of it in batches of several records. */
static void append_story(struct world *world)
{
    append_control(world, TW_CONTROL_BOOT);
    append_control(world, TW_CONTROL_SETTINGS);
    append_block(world, 1, 0);
    append_block(world, 500, 7);
    append_block(world, 0, 3);
    append_control(world, TW_CONTROL_FEED_GAP);
    struct tw_frame *several[] = {feed_block(&world->feed, 1, 0), feed_control(&world->feed, TW_CONTROL_CLOCK),
                                  feed_block(&world->feed, 77, 0), feed_block(&world->feed, 2, 1)};
    world_append(world, several, 4);
    append_block(world, 1, 1);
    append_control(world, TW_CONTROL_CLOCK);
}

static uint64_t count_records(struct tw_store *store, uint64_t from_seq, uint64_t *first_lsn, uint64_t *trades)
{
    struct tw_store_error error;
    struct tw_store_cursor *cursor = tw_store_read(store, from_seq, &error);
    assert_non_null(cursor);
    struct tw_record record;
    uint64_t count = 0;
    int more;
    *trades = 0;
    while ((more = tw_store_next(cursor, &record, &error)) > 0) {
        if (count++ == 0)
            *first_lsn = tw_record_lsn(&record);
        if (record.kind == TW_RECORD_BLOCK)
            *trades += record.block.count;
    }
    assert_int_equal(more, 0);
    assert_int_equal(tw_store_next(cursor, &record, &error), 0); /* the end stays the end */
    tw_store_cursor_free(&cursor);
    return count;
}

static void check_by_seq(const struct world *world)
{
    for (uint64_t seq = 1; seq <= world->feed.seq; seq++) {
        const struct fed_trade *trade = &world->feed.trades[seq - 1];
        struct tw_frame *frame = NULL;
        struct tw_record record;
        assert_true(tw_store_block_of(world->store, seq, &frame, &record));
        assert_int_equal(record.block.lsn, trade->lsn);
        assert_int_equal(record.block.follows + 1 + trade->row, seq);
        assert_int_equal(tw_load_u64(record.block.pseq, trade->row), trade->pseq);
        tw_frame_drop(&frame);
    }
    struct tw_frame *frame = NULL;
    struct tw_record record;
    assert_false(tw_store_block_of(world->store, 0, &frame, &record));
    assert_false(tw_store_block_of(world->store, world->feed.seq + 1, &frame, &record));
}

static void check_one_pseq(const struct world *world, uint64_t seq)
{
    const struct fed_trade *trade = &world->feed.trades[seq - 1];
    struct tw_frame *frame = NULL;
    struct tw_record record;
    uint32_t row = 0;
    uint64_t hash = 0;
    assert_true(tw_store_by_pseq(world->store, trade->source, trade->pseq, &frame, &record, &row));
    assert_int_equal(record.block.follows + 1 + row, seq);
    tw_frame_drop(&frame);
    assert_false(tw_store_refusal_hash(world->store, trade->source, trade->pseq, &hash));
}

static void check_by_pseq(struct world *world)
{
    for (uint64_t seq = 1; seq <= world->feed.seq; seq++)
        check_one_pseq(world, seq);
    for (uint32_t i = 0; i < 200; i++) /* and in no order */
        check_one_pseq(world, 1 + feed_random(&world->feed, world->feed.seq));
    struct tw_frame *frame = NULL;
    struct tw_record record;
    uint32_t row = 0;
    uint64_t hash = 0;
    for (uint32_t source = 1; source <= FEED_SOURCES; source++) {
        uint64_t next = world->feed.next[source];
        assert_false(tw_store_by_pseq(world->store, source, next, &frame, &record, &row));
        assert_false(tw_store_by_pseq(world->store, source, 0, &frame, &record, &row));
        assert_false(tw_store_refusal_hash(world->store, source, next, &hash));
    }
    assert_false(tw_store_by_pseq(world->store, 9, 1, &frame, &record, &row));
    for (uint64_t number = 1; number <= world->feed.refusal_count; number++) {
        const struct fed_refusal *refusal = &world->feed.refusals[number - 1];
        assert_true(tw_store_refusal_hash(world->store, refusal->source, refusal->pseq, &hash));
        assert_true(hash == refusal->content_hash);
        assert_false(tw_store_by_pseq(world->store, refusal->source, refusal->pseq, &frame, &record, &row));
    }
    for (uint64_t number = world->feed.refusal_count; number > 0; number--) { /* and in the other order */
        const struct fed_refusal *refusal = &world->feed.refusals[number - 1];
        assert_true(tw_store_refusal_hash(world->store, refusal->source, refusal->pseq, &hash));
        assert_true(hash == refusal->content_hash);
    }
}

struct refusal_walk {
    const struct feed *feed;
    uint64_t next, until;
};
static bool see_refusal(void *context, const struct tw_refusal *refusal)
{
    struct refusal_walk *walk = context;
    assert_int_equal(refusal->number, walk->next);
    assert_int_equal(refusal->source, walk->feed->refusals[walk->next - 1].source);
    assert_int_equal(refusal->pseq, walk->feed->refusals[walk->next - 1].pseq);
    assert_true(tw_text_is(refusal->code, "bad_price"));
    return ++walk->next < walk->until;
}

static void check_refusals(struct world *world)
{
    const uint64_t all = world->feed.refusal_count;
    assert_int_equal(tw_store_refusal_count(world->store), all);
    for (uint64_t after = 0; after <= all; after++) {
        struct refusal_walk walk = {&world->feed, after + 1, UINT64_MAX};
        assert_true(tw_store_refusals(world->store, after, see_refusal, &walk, &world->error));
        assert_int_equal(walk.next, all + 1);
    }
    struct refusal_walk walk = {&world->feed, 3, 6};
    assert_true(tw_store_refusals(world->store, 2, see_refusal, &walk, &world->error));
    assert_int_equal(walk.next, 6); /* stopped when told to */
}

static void check_names(struct world *world)
{
    struct tw_buffer name = {0};
    for (uint32_t source = 1; source <= FEED_SOURCES; source++) {
        uint32_t incarnation = 99;
        assert_true(tw_store_name(world->store, TW_NAME_SOURCE, source, &name, &incarnation));
        assert_int_equal(name.length, strlen(feed_publisher(source)));
        assert_memory_equal(name.bytes, feed_publisher(source), name.length);
        assert_int_equal(incarnation, source == 3 ? 1 : 0);
    }
    assert_true(tw_store_name(world->store, TW_NAME_SYMBOL, 9, &name, NULL));
    assert_memory_equal(name.bytes, "SYM9", 4);
    assert_true(tw_store_name(world->store, TW_NAME_ACCOUNT, FEED_ACCOUNTS, &name, NULL));
    assert_false(tw_store_name(world->store, TW_NAME_ACCOUNT, FEED_ACCOUNTS + 1, &name, NULL));
    assert_false(tw_store_name(world->store, TW_NAME_SYMBOL, 0, &name, NULL));
    tw_buffer_free(&name);
}

static void check_all(struct world *world)
{
    uint64_t first_lsn = 0, trades = 0;
    assert_int_equal(tw_store_last_lsn(world->store), world->feed.lsn);
    assert_int_equal(tw_store_last_seq(world->store), world->feed.seq);
    assert_int_equal(count_records(world->store, 1, &first_lsn, &trades), world->feed.lsn);
    assert_int_equal(first_lsn, 1);
    assert_int_equal(trades, world->feed.seq);
    check_by_seq(world);
    check_by_pseq(world);
    check_refusals(world);
    check_names(world);
}

/* ---- the tests ---- */

static void an_empty_log_has_nothing(void **state)
{
    struct world *world = *state;
    uint64_t first_lsn = 0, trades = 0;
    static const uint8_t zeros[16];
    struct tw_frame *frame = NULL;
    struct tw_record record;
    for (int round = 0; round < 2; round++) {
        assert_int_equal(tw_store_last_lsn(world->store), 0);
        assert_int_equal(tw_store_last_seq(world->store), 0);
        assert_memory_equal(tw_store_last_chain(world->store).bytes, zeros, 16);
        assert_int_equal(count_records(world->store, 1, &first_lsn, &trades), 0);
        assert_false(tw_store_block_of(world->store, 1, &frame, &record));
        assert_int_equal(tw_store_seq_at(world->store, NOON), 1);
        assert_int_equal(tw_store_append(world->store, NULL, 0, &world->error), TW_STORE_OK);
        world_reopen(world);
    }
}

static void what_is_appended_is_found_by_every_key(void **state)
{
    struct world *world = *state;
    append_story(world);
    check_all(world);
}

static void a_restart_changes_nothing(void **state)
{
    struct world *world = *state;
    uint8_t before[16], after[16];
    append_story(world);
    struct tw_chain chain = tw_store_last_chain(world->store);
    tw_store_log_id(world->store, before);
    world_reopen(world);
    check_all(world);
    tw_store_log_id(world->store, after);
    assert_memory_equal(before, after, 16);
    assert_memory_equal(chain.bytes, tw_store_last_chain(world->store).bytes, 16);
    append_block(world, 10, 1); /* and the log goes on */
    check_all(world);
}

static void a_log_is_read_from_any_trade_on(void **state)
{
    struct world *world = *state;
    append_story(world);
    for (uint64_t seq = 1; seq <= world->feed.seq; seq += 13) {
        uint64_t first_lsn = 0, trades = 0;
        uint64_t records = count_records(world->store, seq, &first_lsn, &trades);
        const struct fed_trade *trade = &world->feed.trades[seq - 1];
        assert_true(first_lsn <= trade->lsn);
        assert_int_equal(records, world->feed.lsn - first_lsn + 1);
        if (trade->row > 0) /* no more than its own block is read */
            assert_int_equal(first_lsn, trade->lsn);
        assert_int_equal(trades, world->feed.seq - seq + 1 + trade->row);
    }
}

static void control_records_before_a_block_belong_to_its_first_trade(void **state)
{
    struct world *world = *state;
    append_control(world, TW_CONTROL_BOOT);
    append_block(world, 5, 0);
    append_control(world, TW_CONTROL_CLOCK);
    append_control(world, TW_CONTROL_SETTINGS);
    append_block(world, 5, 0);
    append_control(world, TW_CONTROL_CLOCK);
    uint64_t first_lsn = 0, trades = 0;
    assert_int_equal(count_records(world->store, 6, &first_lsn, &trades), 4);
    assert_int_equal(first_lsn, 3);
    assert_int_equal(count_records(world->store, 7, &first_lsn, &trades), 2);
    assert_int_equal(first_lsn, 5);
    assert_int_equal(count_records(world->store, 11, &first_lsn, &trades), 1); /* beyond the end: what stands there */
    assert_int_equal(first_lsn, 6);
}

static void full_blocks_in_one_batch_are_whole(void **state)
{
    struct world *world = *state;
    struct tw_frame *frames[4];
    for (int i = 0; i < 4; i++)
        frames[i] = feed_block(&world->feed, TW_BLOCK_TRADES_MAX, 5);
    world_append(world, frames, 4);
    uint64_t first_lsn = 0, trades = 0;
    assert_int_equal(count_records(world->store, 1, &first_lsn, &trades), 4);
    assert_int_equal(trades, 4 * TW_BLOCK_TRADES_MAX);
    for (uint32_t i = 0; i < 500; i++)
        check_one_pseq(world, 1 + feed_random(&world->feed, world->feed.seq));
}

static void a_whole_resend_is_found_row_by_row_without_a_walk_each(void **state)
{
    struct world *world = *state;
    append_block(world, TW_BLOCK_TRADES_MAX, 0);
    append_block(world, TW_BLOCK_TRADES_MAX, 0);
    for (uint64_t seq = 1; seq <= world->feed.seq; seq++)
        check_one_pseq(world, seq);
}

static void a_reader_keeps_its_bytes_while_the_cache_moves_on(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 60; i++)
        append_block(world, 3, 0);
    struct tw_frame *kept = NULL;
    struct tw_record record;
    assert_true(tw_store_block_of(world->store, 1, &kept, &record));
    uint64_t pseq = tw_load_u64(record.block.pseq, 2);
    check_by_seq(world); /* sixty other blocks go through the cache */
    assert_int_equal(tw_load_u64(record.block.pseq, 2), pseq);
    assert_int_equal(pseq, world->feed.trades[2].pseq);
    assert_int_equal(atomic_load(&kept->references), 1);
    tw_frame_drop(&kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_empty_log_has_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_appended_is_found_by_every_key, setup, teardown),
        cmocka_unit_test_setup_teardown(a_restart_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_log_is_read_from_any_trade_on, setup, teardown),
        cmocka_unit_test_setup_teardown(control_records_before_a_block_belong_to_its_first_trade, setup, teardown),
        cmocka_unit_test_setup_teardown(full_blocks_in_one_batch_are_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(a_whole_resend_is_found_row_by_row_without_a_walk_each, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reader_keeps_its_bytes_while_the_cache_moves_on, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
