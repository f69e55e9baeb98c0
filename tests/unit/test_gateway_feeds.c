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

/* Whoever speaks first under a name keeps it, through every restart. */
static void a_name_stays_whose_it_is_through_a_restart(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_trade trade = trade_of("X", "A", 'B', 1, 1, NOON);
    struct tw_control lane;
    world_push(world, "desk-7", 0, 1, &trade, 1);
    world_hello(world, "desk-8", 0); /* no trade yet */
    feed(world, 0, 1, 1);
    for (int boot = 0; boot < 3; boot++) {
        world_durable(world);
        world_restart(world);
        world_feed(world, "desk-7", 0, 500, &trade, 1); /* the feed speaks first */
        world_feed(world, "desk-8", 0, 1, &trade, 1);
        world_durable(world);
        assert_non_null(tw_gateway_complaint(world->gateway));
        assert_int_equal(world_controls(world, TW_CONTROL_FEED_GAP, NULL), 0);
        world_push(world, "feed-1", 0, 2, &trade, 1);
        const struct tw_ack *ack = world_ack(world, "feed-1");
        expect_hold(ack, "name_of_a_feed", 2);
        assert_int_equal(ack->durable, 0);
        assert_int_equal(ack->next, 1);
        assert_int_equal(ack->credit, 0);
        assert_int_equal(tw_gateway_last_seq(world->gateway), 2);
    }
    assert_int_equal(world_controls(world, TW_CONTROL_LANE, &lane), 1);
    assert_int_equal(lane.number, 1);
    expect_text(lane.text, "feed-1");
    world_push(world, "desk-7", 0, 2, &trade, 1);
    feed(world, 0, 2, 1);
    assert_int_equal(tw_gateway_last_seq(world->gateway), 4);
    world_free(&world);
}

static void a_publisher_under_a_feed_s_name_is_told_whatever_it_sends(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_buffer message = {0};
    feed(world, 3, 1, 1);
    for (uint32_t incarnation = 2; incarnation <= 4; incarnation++) {
        world_hello(world, "feed-1", incarnation);
        const struct tw_ack *ack = world_ack(world, "feed-1");
        expect_hold(ack, "name_of_a_feed", 1);
        assert_int_equal(ack->incarnation, incarnation);
        assert_int_equal(ack->next, 1);
    }
    tw_pack_map(&message, 3); /* an envelope that would be held whoever sent it */
    tw_pack_str(&message, "v");
    tw_pack_u64(&message, 2);
    tw_pack_str(&message, "pub");
    tw_pack_str(&message, "feed-1");
    tw_pack_str(&message, "seq");
    tw_pack_u64(&message, 1);
    world_send(world, TW_LANE_PUSH, message.bytes, message.length);
    expect_hold(world_ack(world, "feed-1"), "name_of_a_feed", 1);
    world_pass(world, 2 * SECOND);
    assert_true(world_silent(world)); /* and nothing of the feed's afterwards */
    assert_int_equal(world_controls(world, TW_CONTROL_FENCE, NULL), 0);
    tw_buffer_free(&message);
    world_free(&world);
}

static void apply_control(struct tw_gateway *gateway, struct tw_control control)
{
    struct tw_record record = {.kind = TW_RECORD_CONTROL, .control = control};
    tw_gateway_apply(gateway, &record);
}

static int64_t never(void *context, int64_t ts_ns)
{
    (void)context;
    (void)ts_ns;
    return INT64_MAX;
}

static void a_log_of_format_1_leaves_a_name_to_whoever_is_heard_first_but_for_feeds_with_a_gap(void **state)
{
    (void)state;
    const struct tw_gateway_settings settings = {
        .block_trades_max = 100, .credit_trades = 1000, .reporting_currency = "USD", .next_roll = never};
    const struct tw_history none = {0};
    struct tw_gateway *gateway = tw_gateway_new(&settings, &none);
    const struct tw_new_name names[] = {{TW_NAME_SOURCE, 1, 0, {"old-1", 5}}, {TW_NAME_SOURCE, 2, 0, {"old-2", 5}}};
    const struct tw_position positions[] = {{1, 1}, {2, 1}};
    const struct tw_block empty = {.lsn = 2};
    const struct tw_block_lists lists = {names, NULL, positions, 2, 0, 2};
    struct tw_frame *frame = tw_block_encode(&empty, &lists);
    struct tw_record record;
    const char *why = NULL;
    apply_control(gateway, (struct tw_control){.lsn = 1, .kind = TW_CONTROL_BOOT, .number = 1});
    assert_true(tw_record_decode(frame->bytes, frame->length, &record, &why));
    tw_gateway_apply(gateway, &record);
    apply_control(gateway,
                  (struct tw_control){.lsn = 3, .kind = TW_CONTROL_FEED_GAP, .source = 1, .number = 1, .number2 = 5});
    tw_gateway_start(gateway, "0.1.0", (struct tw_text){SETTINGS, sizeof SETTINGS - 1}, NOON);

    struct tw_buffer hello = {0};
    for (int name = 1; name <= 2; name++) {
        hello.length = 0;
        tw_pack_map(&hello, 5);
        tw_pack_str(&hello, "v");
        tw_pack_u64(&hello, 1);
        tw_pack_str(&hello, "pub");
        tw_pack_str(&hello, name == 1 ? "old-1" : "old-2");
        tw_pack_str(&hello, "inc");
        tw_pack_u64(&hello, 0);
        tw_pack_str(&hello, "seq");
        tw_pack_u64(&hello, 1);
        tw_pack_str(&hello, "trades");
        tw_pack_array(&hello, 0);
        assert_int_equal(tw_gateway_submit(gateway, TW_LANE_PUSH, hello.bytes, hello.length, NOON, 0), TW_TAKEN);
    }
    assert_int_equal(tw_gateway_counters(gateway).hellos, 1); /* old-2's */
    uint32_t lanes = 0;
    for (struct tw_frame *cut; (cut = tw_gateway_cut(gateway)) != NULL; tw_frame_drop(&cut)) {
        assert_true(tw_record_decode(cut->bytes, cut->length, &record, &why));
        if (record.kind == TW_RECORD_CONTROL && record.control.kind == TW_CONTROL_LANE) {
            expect_text(record.control.text, "old-2");
            assert_int_equal(record.control.number, 0);
            lanes++;
        }
    }
    assert_int_equal(lanes, 1);
    tw_buffer_free(&hello);
    tw_frame_drop(&frame);
    tw_gateway_free(&gateway);
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
        cmocka_unit_test(a_name_stays_whose_it_is_through_a_restart),
        cmocka_unit_test(a_publisher_under_a_feed_s_name_is_told_whatever_it_sends),
        cmocka_unit_test(a_log_of_format_1_leaves_a_name_to_whoever_is_heard_first_but_for_feeds_with_a_gap),
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
