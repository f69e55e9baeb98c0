/* SPDX-License-Identifier: MIT
 *
 * Refused trades: recorded, counted, told; the others of the message go on.
 */
#include <stdio.h>

#include "gateway_world.h"

static struct tw_trade early_trade(void)
{
    return trade_of("X", "A", 'B', 1, 1, NOON + 6 * SECOND);
}

static void a_refused_trade_uses_its_number_and_the_others_go_on(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_trade good = trade_of("X", "A", 'B', 1, 1, NOON);
    struct tw_trade trades[] = {good, early_trade(), good, early_trade(), good};
    world_push(world, "p", 0, 1, trades, 5);
    world_cut(world);
    assert_int_equal(tw_gateway_last_seq(world->gateway), 3);
    assert_int_equal(world_trade(world, 2).pseq, 3);
    assert_int_equal(world_trade(world, 3).pseq, 5);
    struct tw_refusal refusal = world_last_refusal(world);
    assert_int_equal(refusal.number, 2);
    assert_int_equal(refusal.pseq, 4);
    assert_int_equal(refusal.received_ns, NOON);
    expect_text(refusal.code, "timestamp_in_future");
    assert_true(refusal.raw.length > 0);
    world_free(&world);
}

static void a_refused_trade_moves_no_clock_and_leaves_no_name(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_trade refused = early_trade();
    refused.symbol = text_of("NEVER");
    struct tw_trade trades[] = {trade_of("X", "A", 'B', 1, 1, NOON - 3 * SECOND), refused,
                                trade_of("X", "A", 'B', 1, 1, NOON - 3 * SECOND + 1)};
    world_push(world, "p", 0, 1, trades, 3);
    world_cut(world);
    assert_int_equal(world_trade(world, 2).attrs & (TW_ATTR_TICK | TW_ATTR_LATE), 0);
    assert_int_equal(world->log.names[TW_NAME_SYMBOL].count, 1);
    world_free(&world);
}

static void every_bound_has_its_code(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_trade good = trade_of("X", "A", 'B', 1, 1, NOON), bad[5] = {good, good, good, good, good};
    const char *codes[] = {"timestamp_in_future", "amount_out_of_range", "unknown_ccy", "unknown_ref", "unknown_ref"};
    bad[0].ts_ns = NOON + 5 * SECOND + 1;
    bad[1].qty_e8 = INT64_MAX;
    bad[1].price_e8 = INT64_MAX;
    bad[2].ccy = text_of("EUR");
    bad[3].kind = TW_KIND_BUST;
    bad[3].ref = text_of("nobody");
    bad[4].kind = TW_KIND_CORRECT;
    bad[4].ref = text_of("nobody");
    for (uint64_t i = 0; i < 5; i++) {
        world_push(world, "p", 0, 1 + i, &bad[i], 1);
        expect_refusal(world, codes[i]);
    }
    good.ts_ns = NOON + 5 * SECOND; /* exactly at the limit */
    good.ccy = text_of("USD");
    world_push(world, "p", 0, 6, &good, 1);
    assert_int_equal(tw_gateway_last_seq(world->gateway), 1);
    world_free(&world);
}

static void an_ack_tells_of_a_refusal_only_when_it_is_durable(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_trade trades[] = {trade_of("X", "A", 'B', 1, 1, NOON), early_trade()};
    world_push(world, "p", 0, 1, trades, 2);
    world_cut(world);
    world_hello(world, "p", 0);
    const struct tw_ack *ack = world_ack(world, "p");
    assert_int_equal(ack->refused_count, 0);
    assert_int_equal(ack->refused_total, 0);
    assert_int_equal(ack->durable, 0);
    assert_int_equal(ack->next, 3);
    world_durable(world);
    ack = world_ack(world, "p");
    assert_int_equal(ack->durable, 2); /* "on disk after fsync, or refused and recorded" */
    assert_int_equal(ack->refused_total, 1);
    assert_int_equal(ack->refused_count, 1);
    assert_int_equal(ack->refused[0].seq, 2);
    expect_text(ack->refused[0].code, "timestamp_in_future");
    assert_true(ack->refused[0].why.length > 0);
    world_free(&world);
}

static void an_ack_lists_the_newest_64_refusals_and_counts_all(void **state)
{
    (void)state;
    struct world *world = world_new(1000);
    struct tw_trade trades[150];
    for (int i = 0; i < 150; i++)
        trades[i] = early_trade();
    for (int round = 0; round < 2; round++) { /* live, then from the log */
        if (round == 0)
            world_push(world, "p", 0, 1, trades, 150);
        world_durable(world);
        if (round == 1) {
            world_restart(world);
            world_hello(world, "p", 0);
        }
        const struct tw_ack *ack = world_ack(world, "p");
        assert_int_equal(ack->refused_total, 150);
        assert_int_equal(ack->refused_count, TW_ACK_REFUSALS_MAX);
        for (uint32_t i = 0; i < TW_ACK_REFUSALS_MAX; i++)
            assert_int_equal(ack->refused[i].seq, 150 - TW_ACK_REFUSALS_MAX + 1 + i);
        expect_text(ack->refused[63].code, "timestamp_in_future");
    }
    world_free(&world);
}

static void a_block_holds_no_more_refusals_than_trades(void **state)
{
    (void)state;
    struct world *world = world_new(10);
    struct tw_trade trades[35];
    for (int i = 0; i < 35; i++)
        trades[i] = i % 2 == 0 ? early_trade() : trade_of("X", "A", 'B', 1, 1, NOON);
    world_push(world, "p", 0, 1, trades, 35);
    world_cut(world);
    for (uint32_t i = 0; i < world->log.count; i++)
        if (world->log.records[i].kind == TW_RECORD_BLOCK)
            assert_in_range(world->log.records[i].block.count + world->log.records[i].block.refusal_count, 0, 10);
    assert_int_equal(world->log.refusals, 18);
    assert_int_equal(tw_gateway_last_seq(world->gateway), 17);
    world_free(&world);
}

static void what_is_kept_of_a_refused_trade_is_cut(void **state)
{
    (void)state;
    struct world *world = world_new(10);
    struct tw_buffer message = {0};
    char text[1000];
    memset(text, 'x', sizeof text);
    tw_submission_encode_rows(&message, text_of("p"), 0, 1, NULL, 0);
    message.bytes[message.length - 1] = 0x91;
    tw_pack_text(&message, (struct tw_text){text, sizeof text});
    world_send(world, TW_LANE_PUSH, message.bytes, message.length);
    expect_refusal(world, "bad_trade");
    assert_int_equal(world_last_refusal(world).raw.length, TW_REFUSED_RAW_BYTES_MAX);
    tw_buffer_free(&message);
    world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_trade_uses_its_number_and_the_others_go_on),
        cmocka_unit_test(a_refused_trade_moves_no_clock_and_leaves_no_name),
        cmocka_unit_test(every_bound_has_its_code),
        cmocka_unit_test(an_ack_tells_of_a_refusal_only_when_it_is_durable),
        cmocka_unit_test(an_ack_lists_the_newest_64_refusals_and_counts_all),
        cmocka_unit_test(a_block_holds_no_more_refusals_than_trades),
        cmocka_unit_test(what_is_kept_of_a_refused_trade_is_cut),
    };
    return cmocka_run_group_tests_name("gateway: refusals", tests, NULL, NULL);
}
