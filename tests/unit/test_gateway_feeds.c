/* SPDX-License-Identifier: MIT
 *
 * Feeds lose messages by nature: a gap is recorded and the feed goes on; nobody is acked.
 */
#include "gateway_world.h"

static void feed(struct world *world, uint32_t incarnation, uint64_t seq, uint32_t count)
{
    struct tw_trade trades[100];
    for (uint32_t i = 0; i < count; i++)
        trades[i] = trade_of("X", NULL, '-', 1, 1, NOON);
    world_feed(world, "feed-1", incarnation, seq, trades, count);
}

static void a_gap_in_a_feed_is_recorded_before_the_trades_behind_it(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_control gap;
    feed(world, 0, 1, 5);
    assert_null(tw_gateway_complaint(world->gateway));
    feed(world, 0, 9, 5);
    assert_non_null(tw_gateway_complaint(world->gateway));
    world_cut(world);
    assert_int_equal(world_controls(world, TW_CONTROL_FEED_GAP, &gap), 1);
    assert_int_equal(gap.number, 6);
    assert_int_equal(gap.number2, 3);
    assert_int_equal(gap.follows, 5);
    assert_int_equal(gap.ts_ns, world->wall_ns);
    expect_text(log_name(&world->log, TW_NAME_SOURCE, gap.source), "feed-1");
    assert_int_equal(world_trade(world, 6).pseq, 9);
    assert_int_equal(tw_gateway_last_seq(world->gateway), 10);
    assert_int_equal(tw_gateway_counters(world->gateway).feed_gaps, 1);
    world_free(&world);
}

static void a_feed_cannot_move_the_numbers_of_a_publisher_that_pushes(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_trade trade = trade_of("X", "A", 'B', 1, 1, NOON);
    world_push(world, "desk-7", 0, 1, &trade, 1);
    world_feed(world, "desk-7", 0, 500, &trade, 1); /* would say that 2 to 499 are durable */
    world_durable(world);
    assert_non_null(tw_gateway_complaint(world->gateway));
    assert_int_equal(world_controls(world, TW_CONTROL_FEED_GAP, NULL), 0);
    world_push(world, "desk-7", 0, 2, &trade, 1);
    world_durable(world);
    assert_int_equal(world_ack(world, "desk-7")->durable, 2);
    assert_int_equal(tw_gateway_last_seq(world->gateway), 2);
    world_free(&world);
}

static void a_feed_that_we_join_late_has_a_gap_from_its_first_number(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_control gap;
    feed(world, 4, 1000, 2);
    world_cut(world);
    assert_int_equal(world_controls(world, TW_CONTROL_FEED_GAP, &gap), 1);
    assert_int_equal(gap.number, 1);
    assert_int_equal(gap.number2, 999);
    assert_int_equal(world_controls(world, TW_CONTROL_FENCE, NULL), 0);
    world_free(&world);
}

static void what_a_feed_repeats_is_ignored(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_trade other = trade_of("Z", NULL, '-', 7, 7, NOON);
    feed(world, 0, 1, 5);
    world_feed(world, "feed-1", 0, 2, &other, 1); /* whatever it says now */
    feed(world, 0, 4, 4);                         /* 4 and 5 again, 6 and 7 new */
    world_cut(world);
    assert_int_equal(tw_gateway_last_seq(world->gateway), 7);
    assert_int_equal(world_trade(world, 6).pseq, 6);
    assert_int_equal(tw_gateway_counters(world->gateway).duplicates, 3);
    assert_int_equal(world_controls(world, TW_CONTROL_FEED_GAP, NULL), 0);
    assert_int_equal(world->history_calls, 0);
    world_free(&world);
}

static void a_feed_may_begin_a_new_incarnation_without_a_hello(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_control fence;
    feed(world, 0, 1, 5);
    feed(world, 1, 1, 5);
    feed(world, 0, 6, 5); /* what is left of the old one */
    world_cut(world);
    assert_int_equal(world_controls(world, TW_CONTROL_FENCE, &fence), 1);
    assert_int_equal(fence.follows, 5);
    assert_int_equal(tw_gateway_last_seq(world->gateway), 10);
    assert_int_equal(tw_gateway_counters(world->gateway).duplicates, 5);
    world_free(&world);
}

static void a_feed_is_never_acked(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    feed(world, 0, 1, 5);
    feed(world, 0, 0, 0);
    feed(world, 0, 100, 5);
    world_durable(world);
    world_pass(world, 2 * SECOND);
    assert_true(world_silent(world));
    world_free(&world);
}

static void an_unreadable_feed_message_is_complained_of(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_buffer message = {0};
    world_send(world, TW_LANE_FEED, "x", 1);
    assert_non_null(tw_gateway_complaint(world->gateway));
    tw_pack_map(&message, 3); /* readable, but of an unknown version: there is nobody to hold */
    tw_pack_str(&message, "v");
    tw_pack_u64(&message, 2);
    tw_pack_str(&message, "pub");
    tw_pack_str(&message, "feed-1");
    tw_pack_str(&message, "seq");
    tw_pack_u64(&message, 1);
    world_send(world, TW_LANE_FEED, message.bytes, message.length);
    assert_non_null(tw_gateway_complaint(world->gateway));
    assert_int_equal(tw_gateway_counters(world->gateway).unreadable, 2);
    assert_int_equal(tw_gateway_counters(world->gateway).holds, 0);
    assert_true(world_silent(world));
    tw_buffer_free(&message);
    world_free(&world);
}

static void a_feed_goes_on_after_a_restart_where_it_was(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_control gap;
    feed(world, 0, 1, 5);
    feed(world, 0, 11, 5);
    world_durable(world);
    world_restart(world);
    feed(world, 0, 14, 5); /* 14 and 15 are known */
    feed(world, 0, 30, 1);
    world_cut(world);
    assert_int_equal(tw_gateway_last_seq(world->gateway), 14);
    assert_int_equal(world_controls(world, TW_CONTROL_FEED_GAP, &gap), 2);
    assert_int_equal(gap.number, 19);
    world_free(&world);
}

static void a_feed_trade_can_be_refused_and_busted(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_trade trades[] = {trade_of("X", NULL, '-', 1, 1, NOON),
                                trade_of("X", NULL, '-', 1, 1, NOON + DAY),
                                {.kind = TW_KIND_BUST, .ref = text_of("f"), .ts_ns = NOON, .has_ts = true}};
    trades[0].id = text_of("f");
    world_feed(world, "feed-1", 0, 1, trades, 3);
    world_durable(world);
    expect_refusal(world, "timestamp_in_future");
    assert_int_equal(world_trade(world, 2).original_seq, 1);
    world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gap_in_a_feed_is_recorded_before_the_trades_behind_it),
        cmocka_unit_test(a_feed_cannot_move_the_numbers_of_a_publisher_that_pushes),
        cmocka_unit_test(a_feed_that_we_join_late_has_a_gap_from_its_first_number),
        cmocka_unit_test(what_a_feed_repeats_is_ignored),
        cmocka_unit_test(a_feed_may_begin_a_new_incarnation_without_a_hello),
        cmocka_unit_test(a_feed_is_never_acked),
        cmocka_unit_test(an_unreadable_feed_message_is_complained_of),
        cmocka_unit_test(a_feed_goes_on_after_a_restart_where_it_was),
        cmocka_unit_test(a_feed_trade_can_be_refused_and_busted),
    };
    return cmocka_run_group_tests_name("gateway: feeds", tests, NULL, NULL);
}
