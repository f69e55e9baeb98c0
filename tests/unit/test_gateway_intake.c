/* SPDX-License-Identifier: MIT
 *
 * From a message to the log: sequences, names, blocks, gaps, credit, and what cannot be read.
 */
#include "gateway_world.h"

static void a_new_gateway_writes_its_boot_and_its_settings_first(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_control boot, settings;
    assert_int_equal(world->log.count, 2);
    assert_int_equal(world_controls(world, TW_CONTROL_BOOT, &boot), 1);
    assert_int_equal(boot.lsn, 1);
    assert_int_equal(boot.number, 1);
    assert_int_equal(boot.ts_ns, NOON);
    expect_text(boot.text, "test");
    assert_int_equal(world_controls(world, TW_CONTROL_SETTINGS, &settings), 1);
    expect_text(settings.text, SETTINGS);
    assert_int_equal(tw_gateway_boot(world->gateway), 1);
    world_free(&world);
}

static void trades_get_global_sequences_and_interned_names(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_trade trades[] = {trade_of("AAPL", "alice", 'B', 5, 150, NOON),
                                trade_of("AAPL", NULL, '-', 7, 151, NOON + 1),
                                trade_of("MSFT", "alice", 'S', 9, 400, NOON + 2)};
    trades[0].id = text_of("e-1");
    trades[0].venue = text_of("XNAS");
    trades[2].broker = text_of("XNAS");
    trades[2].ccy = text_of("USD");
    world_push(world, "desk-7", 0, 1, trades, 3);
    assert_int_equal(tw_gateway_last_seq(world->gateway), 3);
    world_cut(world);
    struct tw_past_trade first = world_trade(world, 1);
    expect_text(first.id, "e-1");
    expect_text(log_name(&world->log, TW_NAME_PARTY, first.venue), "XNAS");
    struct tw_past_trade print = world_trade(world, 2), third = world_trade(world, 3);
    assert_int_equal(print.symbol, first.symbol);
    assert_int_equal(print.account, 0);
    assert_int_equal(third.account, first.account);
    assert_int_equal(third.broker, first.venue); /* one dictionary for all parties */
    expect_text(log_name(&world->log, TW_NAME_PARTY, third.ccy), "USD");
    assert_int_equal(third.qty_e8, 9 * TW_E8);
    assert_int_equal(third.pseq, 3);
    assert_int_equal(TW_ATTR_SIDE(third.attrs), TW_SIDE_SELL);
    world_free(&world);
}

static void a_name_is_written_once_however_often_it_is_used(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    for (uint64_t seq = 1; seq <= 50; seq++) {
        world_push_plain(world, "p", 0, seq, 1);
        world_cut(world); /* the log's checker fails on a second coming */
    }
    assert_int_equal(world->log.names[TW_NAME_SYMBOL].count, 1);
    assert_int_equal(world->log.names[TW_NAME_ACCOUNT].count, 1);
    assert_int_equal(world->log.names[TW_NAME_SOURCE].count, 1);
    world_free(&world);
}

static void a_block_is_cut_when_the_disk_is_idle_or_no_more_fits(void **state)
{
    (void)state;
    struct world *world = world_new(10);
    assert_false(tw_gateway_cut_is_due(world->gateway));
    world_push_plain(world, "p", 0, 1, 1);
    assert_true(tw_gateway_cut_is_due(world->gateway)); /* nothing is under way: it goes at once */
    world_cut(world);
    for (uint64_t seq = 2; seq <= 5; seq++)
        world_push_plain(world, "p", 0, seq, 1);
    assert_false(tw_gateway_cut_is_due(world->gateway)); /* they would only wait for the first */
    world_durable_to(world, world->log.count);
    assert_true(tw_gateway_cut_is_due(world->gateway));
    world_cut(world);
    assert_int_equal(world_blocks(world), 2);
    world_push_plain(world, "p", 0, 6, 8);
    assert_false(tw_gateway_cut_is_due(world->gateway));
    world_push_plain(world, "p", 0, 14, 3); /* has no room: world_send cuts */
    assert_int_equal(world_blocks(world), 3);
    tw_gateway_snapshot(world->gateway, world->wall_ns); /* a control record does not wait, nor what comes before it */
    assert_true(tw_gateway_cut_is_due(world->gateway));
    world_durable(world);
    assert_false(tw_gateway_cut_is_due(world->gateway));
    world_free(&world);
}

static void few_trades_may_lie_until_the_disk_has_those_before_them(void **state)
{
    (void)state;
    struct world *world = world_new(4000);
    assert_false(tw_gateway_may_rest(world->gateway));
    world_push_plain(world, "p", 0, 1, 10);
    assert_false(tw_gateway_may_rest(world->gateway)); /* nothing under way: nothing will wake it */
    world_cut(world);
    assert_true(tw_gateway_may_rest(world->gateway));
    tw_gateway_hold_disk(world->gateway, true);
    assert_false(tw_gateway_may_rest(world->gateway));
    tw_gateway_hold_disk(world->gateway, false);
    world_push_plain(world, "p", 0, 11, 2000);
    assert_false(tw_gateway_may_rest(world->gateway)); /* many: taken while the disk works */
    world_durable(world);
    assert_false(tw_gateway_may_rest(world->gateway));
    world_push_plain(world, "p", 0, 2011, 1);
    world_cut(world);
    assert_true(tw_gateway_may_rest(world->gateway));
    world_free(&world);
}

static void a_message_goes_whole_into_one_block_or_waits_for_the_next(void **state)
{
    (void)state;
    struct world *world = world_new(10);
    struct tw_trade trades[6];
    struct tw_buffer message = {0};
    for (int i = 0; i < 6; i++)
        trades[i] = trade_of("X", "A", 'B', 1, 1, NOON + i);
    world_push_plain(world, "q", 0, 1, 1);
    world_cut(world); /* under way */
    world_push(world, "p", 0, 1, trades, 6);
    assert_int_equal(tw_gateway_room(world->gateway), 4);
    assert_false(tw_gateway_cut_is_due(world->gateway));
    tw_submission_encode_rows(&message, text_of("p"), 0, 7, trades, 6);
    struct tw_gateway_counters before = tw_gateway_counters(world->gateway);
    for (int again = 0; again < 3; again++)
        assert_int_equal(tw_gateway_submit(world->gateway, TW_LANE_PUSH, message.bytes, message.length, world->wall_ns,
                                           world->now_ns),
                         TW_TAKEN_LATER);
    struct tw_gateway_counters after = tw_gateway_counters(world->gateway);
    assert_memory_equal(&before, &after, sizeof before); /* nothing has happened */
    assert_int_equal(tw_gateway_last_seq(world->gateway), 7);
    assert_true(tw_gateway_cut_is_due(world->gateway)); /* though the disk is busy */
    world_cut(world);
    assert_false(tw_gateway_cut_is_due(world->gateway));
    assert_int_equal(tw_gateway_room(world->gateway), 10);
    world_send(world, TW_LANE_PUSH, message.bytes, message.length);
    world_cut(world);
    assert_int_equal(world_blocks(world), 3);
    assert_int_equal(tw_gateway_last_seq(world->gateway), 13);
    tw_buffer_free(&message);
    world_free(&world);
}

static void a_message_larger_than_a_block_goes_into_several(void **state)
{
    (void)state;
    struct world *world = world_new(7);
    world_push_plain(world, "p", 0, 1, 30);
    world_cut(world);
    assert_int_equal(tw_gateway_last_seq(world->gateway), 30);
    assert_int_equal(world_blocks(world), 5);
    world_free(&world);
}

static void messages_wait_when_too_many_records_are_staged(void **state)
{
    (void)state;
    struct world *world = world_new(1);
    struct tw_trade trade = trade_of("X", "A", 'B', 1, 1, NOON);
    struct tw_buffer message = {0};
    uint32_t taken = 0;
    for (uint64_t seq = 1; seq < 1000; seq++, taken++) {
        message.length = 0;
        tw_submission_encode_rows(&message, text_of("p"), 0, seq, &trade, 1);
        if (tw_gateway_submit(world->gateway, TW_LANE_PUSH, message.bytes, message.length, world->wall_ns,
                              world->now_ns) == TW_TAKEN_LATER)
            break;
    }
    assert_in_range(taken, 1, 100);
    world_cut(world);
    world_send(world, TW_LANE_PUSH, message.bytes, message.length);
    assert_int_equal(tw_gateway_last_seq(world->gateway), taken + 1);
    tw_buffer_free(&message);
    world_free(&world);
}

static void a_gap_drops_the_message_and_is_told_at_once(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    world_push_plain(world, "p", 0, 1, 3);
    world_durable(world);
    assert_int_equal(world_ack(world, "p")->gap, 0);
    world_push_plain(world, "p", 0, 5, 3);
    const struct tw_ack *ack = world_ack(world, "p");
    assert_int_equal(ack->gap, 1);
    assert_int_equal(ack->next, 4);
    assert_int_equal(tw_gateway_last_seq(world->gateway), 3);
    assert_int_equal(tw_gateway_counters(world->gateway).gaps, 1);
    world_push_plain(world, "p", 0, 4, 4);
    assert_int_equal(tw_gateway_last_seq(world->gateway), 7);
    world_durable(world);
    assert_int_equal(world_ack(world, "p")->gap, 1);
    world_free(&world);
}

static void trades_beyond_the_credit_are_dropped_until_some_are_durable(void **state)
{
    (void)state;
    struct world *world = world_new(8190);
    for (uint64_t seq = 1; seq + 4095 <= TW_CREDIT_TRADES; seq += 4096)
        world_push_plain(world, "p", 0, seq, 4096);
    assert_int_equal(tw_gateway_last_seq(world->gateway), TW_CREDIT_TRADES);
    world_push_plain(world, "p", 0, TW_CREDIT_TRADES + 1, 1);
    assert_int_equal(tw_gateway_last_seq(world->gateway), TW_CREDIT_TRADES);
    assert_int_equal(world_ack(world, "p")->gap, 1);
    assert_int_equal(tw_gateway_counters(world->gateway).beyond_credit, 1);
    world_durable(world);
    world_push_plain(world, "p", 0, TW_CREDIT_TRADES + 1, 1);
    assert_int_equal(tw_gateway_last_seq(world->gateway), TW_CREDIT_TRADES + 1);
    world_free(&world);
}

static void anonymous_trades_are_taken_under_the_boot_number_and_never_acked(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_trade trade = trade_of("X", "A", 'B', 1, 1, NOON);
    world_push(world, NULL, 0, 0, &trade, 1);
    world_push(world, NULL, 0, 0, &trade, 1);
    world_durable(world);
    assert_int_equal(tw_gateway_last_seq(world->gateway), 2); /* the same again is another trade */
    struct tw_past_trade second = world_trade(world, 2);
    assert_int_equal(second.pseq, 2);
    expect_text(log_name(&world->log, TW_NAME_SOURCE, second.source), "_anon");
    assert_int_equal(world->log.names[TW_NAME_SOURCE].list[second.source].incarnation, 1);
    world_pass(world, 3 * SECOND);
    assert_true(world_silent(world));
    world_free(&world);
}

static void an_unreadable_message_is_counted_and_complained_of(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    const char *garbage[] = {"", "\xc1", "hello", "\xdd\x05\xf5\xe1"};
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        assert_null(tw_gateway_complaint(world->gateway));
        world_send(world, TW_LANE_PUSH, garbage[i], strlen(garbage[i]));
        assert_int_equal(tw_gateway_counters(world->gateway).unreadable, i + 1);
        assert_non_null(tw_gateway_complaint(world->gateway));
    }
    assert_false(tw_gateway_staged(world->gateway));
    assert_true(world_silent(world));
    world_free(&world);
}

static void an_unacceptable_message_consumes_nothing_and_is_held_until_better_ones_come(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_buffer message = {0};
    world_push_plain(world, "p", 0, 1, 2);
    tw_pack_map(&message, 4);
    tw_pack_str(&message, "v");
    tw_pack_u64(&message, 1);
    tw_pack_str(&message, "pub");
    tw_pack_str(&message, "p");
    tw_pack_str(&message, "seq");
    tw_pack_u64(&message, 3);
    tw_pack_str(&message, "trades");
    tw_pack_str(&message, "none");
    world_send(world, TW_LANE_PUSH, message.bytes, message.length);
    expect_hold(world_ack(world, "p"), "bad_trades", 3);
    assert_int_equal(tw_gateway_last_seq(world->gateway), 2);
    world_push_plain(world, "p", 0, 1, 2); /* what came before does not heal it */
    world_durable(world);
    expect_hold(world_ack(world, "p"), "bad_trades", 3);
    world_push_plain(world, "p", 0, 3, 1);
    world_durable(world);
    expect_no_hold(world_ack(world, "p"));
    tw_buffer_free(&message);
    world_free(&world);
}

static void a_publisher_never_heard_before_is_answered_too_if_its_first_message_is_unacceptable(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_buffer message = {0};
    tw_pack_map(&message, 5);
    tw_pack_str(&message, "v");
    tw_pack_u64(&message, 2);
    tw_pack_str(&message, "pub");
    tw_pack_str(&message, "stranger");
    tw_pack_str(&message, "inc");
    tw_pack_u64(&message, 9);
    tw_pack_str(&message, "seq");
    tw_pack_u64(&message, 1);
    tw_pack_str(&message, "trades");
    tw_pack_array(&message, 0);
    world_send(world, TW_LANE_PUSH, message.bytes, message.length);
    const struct tw_ack *ack = world_ack(world, "stranger");
    expect_hold(ack, "bad_version", 1);
    assert_int_equal(ack->incarnation, 9);
    assert_int_equal(ack->durable, 0);
    assert_int_equal(ack->next, 1);
    assert_false(tw_gateway_staged(world->gateway)); /* and the log knows nothing of it */
    tw_buffer_free(&message);
    world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_gateway_writes_its_boot_and_its_settings_first),
        cmocka_unit_test(trades_get_global_sequences_and_interned_names),
        cmocka_unit_test(a_name_is_written_once_however_often_it_is_used),
        cmocka_unit_test(a_block_is_cut_when_the_disk_is_idle_or_no_more_fits),
        cmocka_unit_test(few_trades_may_lie_until_the_disk_has_those_before_them),
        cmocka_unit_test(a_message_goes_whole_into_one_block_or_waits_for_the_next),
        cmocka_unit_test(a_message_larger_than_a_block_goes_into_several),
        cmocka_unit_test(messages_wait_when_too_many_records_are_staged),
        cmocka_unit_test(a_gap_drops_the_message_and_is_told_at_once),
        cmocka_unit_test(trades_beyond_the_credit_are_dropped_until_some_are_durable),
        cmocka_unit_test(anonymous_trades_are_taken_under_the_boot_number_and_never_acked),
        cmocka_unit_test(an_unreadable_message_is_counted_and_complained_of),
        cmocka_unit_test(an_unacceptable_message_consumes_nothing_and_is_held_until_better_ones_come),
        cmocka_unit_test(a_publisher_never_heard_before_is_answered_too_if_its_first_message_is_unacceptable),
    };
    return cmocka_run_group_tests_name("gateway: intake", tests, NULL, NULL);
}
