/* SPDX-License-Identifier: MIT
 *
 * Resends: equal is ignored, different is held, wherever the first sending stands by now.
 */
#include "gateway_world.h"

/* Where the first sending stands when the second one comes. */
enum stage { UNDER_CONSTRUCTION, UNDER_WAY, DURABLE, AFTER_A_RESTART, STAGES };

static void reach(struct world *world, enum stage stage)
{
    if (stage == UNDER_WAY)
        world_cut(world);
    if (stage == DURABLE || stage == AFTER_A_RESTART)
        world_durable(world);
    if (stage == AFTER_A_RESTART)
        world_restart(world);
}

static struct tw_trade full_trade(void)
{
    struct tw_trade trade = trade_of("X", "A", 'B', 3, 10, NOON);
    trade.id = text_of("id-1");
    trade.owner = text_of("O");
    trade.contra = text_of("C");
    trade.broker = text_of("K");
    trade.venue = text_of("V");
    trade.ccy = text_of("USD");
    return trade;
}

static void an_equal_resend_changes_nothing(void **state)
{
    (void)state;
    for (enum stage stage = 0; stage < STAGES; stage++) {
        struct world *world = world_new(100);
        struct tw_trade trades[] = {full_trade(), trade_of("Y", NULL, '-', 1, 1, NOON + 1),
                                    trade_of("Y", "B", 'S', 1, 1, 0)};
        world_push(world, "p", 0, 1, trades, 3);
        reach(world, stage);
        world->wall_ns += SECOND; /* a trade without ts would get another time now */
        world_push(world, "p", 0, 1, trades, 3);
        world_push(world, "p", 0, 2, trades + 1, 1);
        assert_int_equal(tw_gateway_last_seq(world->gateway), 3);
        assert_int_equal(tw_gateway_counters(world->gateway).duplicates, 4);
        assert_int_equal(tw_gateway_counters(world->gateway).holds, 0);
        world_free(&world);
    }
}

static struct tw_trade changed(int which)
{
    struct tw_trade trade = full_trade();
    struct tw_text other = text_of("other"), none = {NULL, 0};
    switch (which) {
    case 0:
        trade.symbol = other;
        break;
    case 1:
        trade.account = other;
        break;
    case 2:
        trade.account = none;
        break;
    case 3:
        trade.id = other;
        break;
    case 4:
        trade.id = none;
        break;
    case 5:
        trade.owner = other;
        break;
    case 6:
        trade.contra = none;
        break;
    case 7:
        trade.broker = other;
        break;
    case 8:
        trade.venue = none;
        break;
    case 9:
        trade.ccy = none;
        break;
    case 10:
        trade.qty_e8++;
        break;
    case 11:
        trade.price_e8--;
        break;
    case 12:
        trade.ts_ns++;
        break;
    case 13:
        trade.has_ts = false;
        trade.ts_ns = 0;
        break;
    case 14:
        trade.side = TW_SIDE_SELL;
        break;
    case 15:
        trade.kind = TW_KIND_CORRECT;
        trade.ref = text_of("id-1");
        break;
    case 16:
        trade.kind = TW_KIND_BUST;
        trade.ref = text_of("id-1");
        break;
    case 17:
        trade.ccy = text_of("EUR");
        break;
    default:
        trade.symbol = (struct tw_text){"", 0};
        break; /* not even a trade any more */
    }
    return trade;
}

static void a_resend_that_differs_in_any_field_is_held(void **state)
{
    (void)state;
    for (enum stage stage = 0; stage < STAGES; stage++)
        for (int which = 0; which <= 18; which++) {
            struct world *world = world_new(100);
            struct tw_trade first = full_trade(), second = changed(which);
            world_push(world, "p", 0, 1, &first, 1);
            reach(world, stage);
            world_push(world, "p", 0, 1, &second, 1);
            expect_hold(world_ack(world, "p"), "sequence_reused", 1);
            assert_int_equal(tw_gateway_last_seq(world->gateway), 1);
            assert_int_equal(tw_gateway_counters(world->gateway).refused, 0);
            world_free(&world);
        }
}

static void a_message_that_straddles_next_counts_from_next_on(void **state)
{
    (void)state;
    for (enum stage stage = 0; stage < STAGES; stage++) {
        struct world *world = world_new(100);
        world_push_plain(world, "p", 0, 1, 5);
        reach(world, stage);
        world_push_plain(world, "p", 0, 3, 6); /* 3 to 8 */
        assert_int_equal(tw_gateway_last_seq(world->gateway), 8);
        assert_int_equal(tw_gateway_counters(world->gateway).duplicates, 3);
        world_cut(world);
        assert_int_equal(world_trade(world, 6).pseq, 6);
        world_free(&world);
    }
}

static void nothing_of_a_straddling_message_is_taken_if_its_repeated_part_differs(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_trade trades[4];
    for (int i = 0; i < 4; i++)
        trades[i] = trade_of("X", "A", 'B', 1 + i, 1, NOON);
    world_push(world, "p", 0, 1, trades, 3);
    trades[1].qty_e8 = 77;
    trades[2].qty_e8 = 77;
    world_push(world, "p", 0, 1, trades, 4);
    expect_hold(world_ack(world, "p"), "sequence_reused", 2); /* the first that differs */
    assert_int_equal(tw_gateway_last_seq(world->gateway), 3);
    world_push_plain(world, "p", 0, 4, 1); /* later trades do not heal this, a person must look */
    world_durable(world);
    expect_hold(world_ack(world, "p"), "sequence_reused", 2);
    world_hello(world, "p", 0);
    expect_no_hold(world_ack(world, "p"));
    world_free(&world);
}

static void a_time_that_was_assigned_equals_no_time_that_is_given(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_trade without = trade_of("X", "A", 'B', 1, 1, 0), with = trade_of("X", "A", 'B', 1, 1, NOON);
    world_push(world, "p", 0, 1, &without, 1);
    world_cut(world);
    assert_int_equal(world_trade(world, 1).ts_ns, NOON);
    assert_true(world_trade(world, 1).attrs & TW_ATTR_TS_ASSIGNED);
    world_push(world, "p", 0, 1, &with, 1); /* the very time that was assigned */
    expect_hold(world_ack(world, "p"), "sequence_reused", 1);
    world_free(&world);
}

static void a_refused_trade_is_recognised_when_it_comes_again(void **state)
{
    (void)state;
    for (enum stage stage = 0; stage < STAGES; stage++) {
        struct world *world = world_new(100);
        struct tw_trade good = trade_of("X", "A", 'B', 1, 1, NOON);
        struct tw_trade early = trade_of("X", "A", 'B', 1, 1, NOON + 6 * SECOND);
        struct tw_trade trades[] = {good, early, good};
        world_push(world, "p", 0, 1, trades, 3);
        assert_int_equal(tw_gateway_counters(world->gateway).refused, 1);
        reach(world, stage);
        world->wall_ns += 10 * SECOND; /* now it would be acceptable, but it was refused: that stays */
        world_push(world, "p", 0, 1, trades, 3);
        assert_int_equal(tw_gateway_counters(world->gateway).holds, 0);
        assert_int_equal(tw_gateway_last_seq(world->gateway), 2);
        trades[1].qty_e8++;
        world_push(world, "p", 0, 1, trades, 3);
        expect_hold(world_ack(world, "p"), "sequence_reused", 2);
        world_free(&world);
    }
}

static void what_is_no_trade_at_all_is_recognised_by_its_bytes(void **state)
{
    (void)state;
    for (enum stage stage = 0; stage < STAGES; stage++) {
        struct world *world = world_new(100);
        for (int round = 0; round < 3; round++) {
            struct tw_buffer message = {0};
            tw_submission_encode_rows(&message, text_of("p"), 0, 1, NULL, 0);
            message.bytes[message.length - 1] = 0x91; /* trades: [ … ] */
            tw_pack_str(&message, round < 2 ? "no map" : "other");
            if (round == 1)
                reach(world, stage);
            world_send(world, TW_LANE_PUSH, message.bytes, message.length);
            assert_int_equal(tw_gateway_counters(world->gateway).holds, round == 2);
            tw_buffer_free(&message);
        }
        expect_hold(world_ack(world, "p"), "sequence_reused", 1);
        assert_int_equal(tw_gateway_last_seq(world->gateway), 0);
        world_free(&world);
    }
}

static void resends_find_their_trades_among_those_of_other_publishers(void **state)
{
    (void)state;
    struct world *world = world_new(16);
    for (uint64_t seq = 1; seq <= 40; seq++) {
        world_push_plain(world, "p", 0, seq, 1);
        world_push_plain(world, "q", 0, seq, 1);
        if (seq == 13)
            world_durable(world);
        if (seq % 5 == 0)
            world_cut(world);
    }
    for (uint64_t first = 40; first >= 1; first--) { /* backwards, so that no run helps */
        world_push_plain(world, "q", 0, first, (uint32_t)(41 - first));
        world_push_plain(world, "p", 0, first, 1);
    }
    assert_int_equal(tw_gateway_last_seq(world->gateway), 80);
    assert_int_equal(tw_gateway_counters(world->gateway).holds, 0);
    world_free(&world);
}

static void what_retention_dropped_counts_as_equal(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_trade first = full_trade(), bust = trade_of("X", "A", 'B', 3, 10, NOON + 1), other;
    bust.kind = TW_KIND_BUST;
    bust.ref = text_of("id-1");
    world_push(world, "p", 0, 1, &first, 1);
    world_push(world, "p", 0, 2, &bust, 1);
    world_durable(world);
    world->dropped_seq = 1; /* the bust is there, what it reverses is not */
    world_push(world, "p", 0, 1, &first, 1);
    world_push(world, "p", 0, 2, &bust, 1);
    other = first;
    other.qty_e8++; /* nobody can tell any more */
    world_push(world, "p", 0, 1, &other, 1);
    assert_int_equal(tw_gateway_counters(world->gateway).duplicates, 3);
    assert_int_equal(tw_gateway_counters(world->gateway).holds, 0);
    assert_int_equal(tw_gateway_last_seq(world->gateway), 2);
    bust.ts_ns++; /* but of the bust they can */
    world_push(world, "p", 0, 2, &bust, 1);
    expect_hold(world_ack(world, "p"), "sequence_reused", 2);
    world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_equal_resend_changes_nothing),
        cmocka_unit_test(a_resend_that_differs_in_any_field_is_held),
        cmocka_unit_test(a_message_that_straddles_next_counts_from_next_on),
        cmocka_unit_test(nothing_of_a_straddling_message_is_taken_if_its_repeated_part_differs),
        cmocka_unit_test(a_time_that_was_assigned_equals_no_time_that_is_given),
        cmocka_unit_test(a_refused_trade_is_recognised_when_it_comes_again),
        cmocka_unit_test(what_is_no_trade_at_all_is_recognised_by_its_bytes),
        cmocka_unit_test(what_retention_dropped_counts_as_equal),
        cmocka_unit_test(resends_find_their_trades_among_those_of_other_publishers),
    };
    return cmocka_run_group_tests_name("gateway: resends", tests, NULL, NULL);
}
