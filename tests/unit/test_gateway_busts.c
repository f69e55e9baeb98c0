/* SPDX-License-Identifier: MIT
 *
 * Busts and corrections: which trade they mean, and what stands in the log for them.
 */
#include <stdio.h>

#include "gateway_world.h"

static struct tw_trade with_id(const char *id, int64_t qty)
{
    struct tw_trade trade = trade_of("X", "A", 'B', qty, 10, NOON);
    trade.id = text_of(id);
    return trade;
}

static struct tw_trade bust_of(const char *ref)
{
    return (struct tw_trade){.kind = TW_KIND_BUST, .ref = text_of(ref), .ts_ns = NOON, .has_ts = true};
}

static struct tw_trade correct_of(const char *ref, const char *id, int64_t qty)
{
    struct tw_trade trade = with_id(id, qty);
    trade.kind = TW_KIND_CORRECT;
    trade.ref = text_of(ref);
    return trade;
}

static uint64_t original_of(struct world *world, uint64_t seq)
{
    world_cut(world);
    return world_trade(world, seq).original_seq;
}

static void push_one(struct world *world, const char *publisher, uint64_t seq, struct tw_trade trade)
{
    world_push(world, publisher, 0, seq, &trade, 1);
}

static void a_bust_repeats_what_it_reverses(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_trade print = trade_of("Y", NULL, '-', 4, 20, NOON);
    print.id = text_of("print");
    push_one(world, "p", 1, with_id("a", 3));
    push_one(world, "p", 2, print);
    push_one(world, "p", 3, bust_of("a"));
    push_one(world, "p", 4, bust_of("print"));
    world_cut(world);
    struct tw_past_trade bust = world_trade(world, 3);
    assert_int_equal(TW_ATTR_KIND(bust.attrs), TW_KIND_BUST);
    assert_int_equal(TW_ATTR_SIDE(bust.attrs), TW_SIDE_BUY);
    assert_int_equal(bust.qty_e8, 3 * TW_E8);
    expect_text(log_name(&world->log, TW_NAME_ACCOUNT, bust.account), "A");
    assert_int_equal(bust.original_seq, 1);
    uint32_t row = 0, cursor = 0;
    const struct tw_block *block = log_find(&world->log, 3, &row);
    struct tw_original original = tw_block_original(block, row, &cursor);
    assert_int_equal(original.ts_ns, NOON);
    assert_int_equal(original.qty_e8, 3 * TW_E8);
    struct tw_past_trade reversed_print = world_trade(world, 4);
    assert_int_equal(reversed_print.account, 0);
    assert_int_equal(TW_ATTR_SIDE(reversed_print.attrs), TW_SIDE_NONE);
    world_free(&world);
}

/* An order's id on each of its fills, and all of them busted: each look-up goes on where the one before ended. */
static void busts_of_one_id_cost_no_more_the_more_there_are(void **state)
{
    (void)state;
    enum { MANY = 500 };
    for (int durable = 0; durable <= 1; durable++) {
        struct world *world = world_new(100);
        for (uint64_t seq = 1; seq <= MANY; seq++)
            push_one(world, "p", seq, with_id("a", 3));
        if (durable)
            world_durable(world);
        uint64_t calls = world->history_calls;
        for (uint64_t seq = MANY + 1; seq <= 2 * MANY + 20; seq++)
            push_one(world, "p", seq, bust_of("a"));
        assert_in_range(world->history_calls - calls, 0, 4 * MANY);
        for (uint64_t seq = 1; seq <= MANY; seq++) /* the newest that is left each time */
            assert_int_equal(original_of(world, MANY + seq), MANY + 1 - seq);
        world_durable(world);
        assert_int_equal(world->log.refusals, 20);
        push_one(world, "p", 2 * MANY + 21, with_id("a", 3)); /* a newer one of the id */
        world_durable(world);
        push_one(world, "p", 2 * MANY + 22, bust_of("a"));
        assert_int_equal(original_of(world, 2 * MANY + 2), 2 * MANY + 1);
        world_free(&world);
    }
}

static void a_bust_finds_its_trade_wherever_it_stands(void **state)
{
    (void)state;
    for (int stage = 0; stage < 5; stage++) {
        struct world *world = world_new(100);
        struct tw_trade both[] = {with_id("a", 3), bust_of("a")};
        if (stage == 0) { /* in the very same message */
            world_push(world, "p", 0, 1, both, 2);
        } else {
            push_one(world, "p", 1, both[0]);
            if (stage == 2)
                world_cut(world);
            if (stage >= 3)
                world_durable(world);
            if (stage == 4)
                world_restart(world);
            push_one(world, "p", 2, both[1]);
        }
        assert_int_equal(original_of(world, 2), 1);
        world_free(&world);
    }
}

static void a_trade_can_be_busted_only_once_and_the_one_before_it_is_next(void **state)
{
    (void)state;
    for (int stage = 0; stage < 3; stage++) {
        struct world *world = world_new(100);
        for (uint64_t seq = 1; seq <= 3; seq++) {
            push_one(world, "p", seq, with_id("same", (int64_t)seq));
            if (stage == 1 && seq == 2)
                world_durable(world);
        }
        for (uint64_t seq = 4; seq <= 6; seq++) {
            push_one(world, "p", seq, bust_of("same"));
            if (stage == 2) {
                world_durable(world);
                world_restart(world);
            }
        }
        assert_int_equal(original_of(world, 4), 3);
        assert_int_equal(original_of(world, 5), 2);
        assert_int_equal(original_of(world, 6), 1);
        push_one(world, "p", 7, bust_of("same"));
        expect_refusal(world, "unknown_ref");
        world_free(&world);
    }
}

static void an_id_means_a_trade_of_the_same_publisher_only(void **state)
{
    (void)state;
    for (int stage = 0; stage < 3; stage++) {
        struct world *world = world_new(100);
        push_one(world, "p", 1, with_id("a", 3));
        push_one(world, "q", 1, with_id("b", 3));
        if (stage == 1)
            world_cut(world);
        if (stage == 2)
            world_durable(world);
        push_one(world, "q", 2, bust_of("a"));
        expect_refusal(world, "unknown_ref");
        push_one(world, "q", 3, bust_of("b"));
        assert_int_equal(original_of(world, 3), 2);
        world_free(&world);
    }
}

static void an_earlier_incarnations_trade_can_be_busted(void **state)
{
    (void)state;
    for (int stage = 0; stage < 2; stage++) {
        struct world *world = world_new(100);
        struct tw_trade bust = bust_of("a");
        push_one(world, "p", 1, with_id("a", 3));
        world_hello(world, "p", 1);
        if (stage == 1)
            world_durable(world);
        world_push(world, "p", 1, 1, &bust, 1);
        assert_int_equal(original_of(world, 2), 1);
        world_free(&world);
    }
}

static void a_bust_is_no_trade_that_another_bust_could_mean(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_trade bust = bust_of("a");
    bust.id = text_of("b");
    push_one(world, "p", 1, with_id("a", 3));
    push_one(world, "p", 2, bust);
    push_one(world, "p", 3, bust_of("b"));
    expect_refusal(world, "unknown_ref");
    world_durable(world);
    push_one(world, "p", 4, bust_of("b"));
    expect_refusal(world, "unknown_ref");
    world_free(&world);
}

static void a_correct_reverses_one_trade_and_is_another_itself(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_trade moved = correct_of("b", "c", 9);
    moved.side = TW_SIDE_SELL;
    moved.symbol = text_of("Y");
    moved.account = text_of("another account");
    push_one(world, "p", 1, with_id("a", 3));
    push_one(world, "p", 2, correct_of("a", "b", 5));
    push_one(world, "p", 3, moved);
    push_one(world, "p", 4, bust_of("c"));
    world_cut(world);
    struct tw_past_trade correct = world_trade(world, 2), bust = world_trade(world, 4);
    assert_int_equal(correct.original_seq, 1);
    assert_int_equal(correct.qty_e8, 5 * TW_E8);
    assert_int_equal(TW_ATTR_KIND(correct.attrs), TW_KIND_CORRECT);
    assert_int_equal(original_of(world, 3), 2);
    assert_int_equal(bust.original_seq, 3);
    assert_int_equal(bust.qty_e8, 9 * TW_E8);
    assert_int_equal(TW_ATTR_SIDE(bust.attrs), TW_SIDE_SELL);
    expect_text(log_name(&world->log, TW_NAME_SYMBOL, bust.symbol), "Y");
    uint32_t row = 0, cursor = 0;
    const struct tw_block *block = log_find(&world->log, 3, &row);
    assert_int_equal(tw_block_original(block, row - 1, &cursor).seq, 1);
    struct tw_original original = tw_block_original(block, row, &cursor);
    expect_text(log_name(&world->log, TW_NAME_SYMBOL, original.symbol), "X"); /* reversed where it stood */
    expect_text(log_name(&world->log, TW_NAME_ACCOUNT, original.account), "A");
    push_one(world, "p", 5, bust_of("a")); /* the first correct reversed it */
    expect_refusal(world, "unknown_ref");
    world_free(&world);
}

static void a_bust_of_another_symbol_or_account_is_refused(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_trade wrong[] = {bust_of("a"), bust_of("a")};
    wrong[0].symbol = text_of("Y");
    wrong[1].account = text_of("B");
    push_one(world, "p", 1, with_id("a", 3));
    for (uint64_t i = 0; i < 2; i++) {
        push_one(world, "p", 2 + i, wrong[i]);
        expect_refusal(world, "ref_mismatch");
    }
    struct tw_trade full = with_id("a", 4); /* what else a bust gives does not count */
    full.kind = TW_KIND_BUST;
    full.ref = text_of("a");
    full.id = text_of("bust-1");
    push_one(world, "p", 4, full);
    assert_int_equal(original_of(world, 2), 1);
    assert_int_equal(world_trade(world, 2).qty_e8, 3 * TW_E8);
    push_one(world, "p", 4, full);
    assert_int_equal(tw_gateway_counters(world->gateway).holds, 0);
    world_free(&world);
}

static void a_resent_bust_is_recognised_and_not_taken_for_another(void **state)
{
    (void)state;
    for (int stage = 0; stage < 4; stage++) {
        struct world *world = world_new(100);
        struct tw_trade trades[] = {with_id("a", 3), with_id("a", 4), with_id("z", 4), bust_of("a"),
                                    correct_of("a", "c", 7)};
        world_push(world, "p", 0, 1, trades, 5);
        if (stage == 1)
            world_cut(world);
        if (stage >= 2)
            world_durable(world);
        if (stage == 3)
            world_restart(world);
        world_push(world, "p", 0, 1, trades, 5);
        assert_int_equal(tw_gateway_last_seq(world->gateway), 5);
        assert_int_equal(tw_gateway_counters(world->gateway).holds, 0);
        trades[3].ref = text_of("z"); /* a trade that is equal but for its id */
        world_push(world, "p", 0, 4, trades + 3, 1);
        expect_hold(world_ack(world, "p"), "sequence_reused", 4);
        world_hello(world, "p", 0);
        trades[4].ref = text_of("z");
        world_push(world, "p", 0, 5, trades + 4, 1);
        expect_hold(world_ack(world, "p"), "sequence_reused", 5);
        world_free(&world);
    }
}

static void a_bust_without_ts_happens_when_it_is_received(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_trade bust = bust_of("a");
    bust.has_ts = false;
    bust.ts_ns = 0;
    push_one(world, "p", 1, with_id("a", 3));
    world->wall_ns += 7 * SECOND;
    push_one(world, "p", 2, bust);
    world_cut(world);
    assert_int_equal(world_trade(world, 2).ts_ns, NOON + 7 * SECOND);
    assert_true(world_trade(world, 2).attrs & TW_ATTR_TICK); /* it moves the clock like a trade */
    assert_true(world_trade(world, 2).attrs & TW_ATTR_TS_ASSIGNED);
    world_free(&world);
}

static void a_refused_bust_leaves_its_trade_alone(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_trade early = bust_of("a");
    early.ts_ns = NOON + 60 * SECOND;
    push_one(world, "p", 1, with_id("a", 3));
    push_one(world, "p", 2, early);
    expect_refusal(world, "timestamp_in_future");
    push_one(world, "p", 3, bust_of("a"));
    assert_int_equal(original_of(world, 2), 1);
    world_free(&world);
}

static void a_trade_that_retention_gave_up_cannot_be_reversed_though_the_disk_still_has_it(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    push_one(world, "p", 1, with_id("a", 3));
    push_one(world, "p", 2, with_id("b", 3));
    push_one(world, "p", 3, bust_of("b"));
    world_durable(world);
    struct tw_retention retention = {.last_seq = 2, .last_lsn = 3};
    assert_true(tw_gateway_retain(world->gateway, &retention) > 0);
    world_durable(world);
    push_one(world, "p", 4, bust_of("a"));
    push_one(world, "p", 5, bust_of("b")); /* that it was busted before is forgotten, too */
    world_durable(world);
    assert_int_equal(tw_gateway_last_seq(world->gateway), 3);
    assert_int_equal(tw_gateway_counters(world->gateway).refused, 2);
    world_free(&world);
}

static void thousands_of_busts_in_one_message_each_find_their_trade(void **state)
{
    (void)state;
    static struct tw_trade trades[8000];
    static char ids[4000][16];
    struct world *world = world_new(8190);
    for (int i = 0; i < 4000; i++) {
        snprintf(ids[i], sizeof ids[i], "t%d", i);
        trades[i] = with_id(ids[i], 1 + i);
        trades[4000 + i] = bust_of(ids[i]);
    }
    world_push(world, "p", 0, 1, trades, 8000);
    world_cut(world);
    assert_int_equal(tw_gateway_last_seq(world->gateway), 8000);
    uint32_t row = 0, cursor = 0;
    const struct tw_block *block = log_find(&world->log, 4001, &row);
    for (uint32_t i = 0; i < 4000; i++)
        assert_int_equal(tw_block_original(block, row + i, &cursor).seq, 1 + i);
    world_push(world, "p", 0, 1, trades, 8000);
    assert_int_equal(tw_gateway_counters(world->gateway).holds, 0);
    world_free(&world);
}

/* From `first` on; returns how many were refused. */
static uint64_t bust_some(struct world *world, uint64_t *seq, uint32_t first, uint32_t count)
{
    char refs[100][16];
    struct tw_trade busts[100];
    uint64_t refused = world->log.refusals;
    assert_true(count % 100 == 0);
    for (uint32_t done = 0; done < count; done += 100) {
        for (uint32_t i = 0; i < 100; i++) {
            snprintf(refs[i], sizeof refs[i], "%u", first + done + i);
            busts[i] = bust_of(refs[i]);
        }
        world_push(world, "p", 0, *seq, busts, 100);
        *seq += 100;
    }
    world_cut(world);
    return world->log.refusals - refused;
}

/* The snapshot is written a piece at a time; what is busted meanwhile, and lost in a crash, was not busted. */
static void busts_behind_a_barrier_are_not_in_its_snapshot(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    uint64_t seq = 3001;
    world->from_snapshot = true;
    world_push_plain(world, "p", 0, 1, 3000);
    world_durable(world);
    assert_int_equal(bust_some(world, &seq, 1, 1500), 0);
    world_durable(world);
    world_snapshot_begin(world);
    world_durable(world);
    uint64_t before = seq;
    world_snapshot_go_on(world, 1);
    assert_int_equal(bust_some(world, &seq, 1501, 1000), 0); /* more than fit where the others are */
    assert_int_equal(bust_some(world, &seq, 1501, 100), 100);
    while (world->saving.lsn != 0)
        world_snapshot_go_on(world, 1);
    assert_int_equal(bust_some(world, &seq, 1501, 1000), 1000);
    world_restart(world);
    assert_int_equal(world->snapshots_loaded, 1);
    assert_int_equal(bust_some(world, &before, 1, 1500), 1500);
    assert_int_equal(bust_some(world, &before, 1501, 1500), 0);
    world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bust_repeats_what_it_reverses),
        cmocka_unit_test(busts_of_one_id_cost_no_more_the_more_there_are),
        cmocka_unit_test(a_bust_finds_its_trade_wherever_it_stands),
        cmocka_unit_test(a_trade_can_be_busted_only_once_and_the_one_before_it_is_next),
        cmocka_unit_test(an_id_means_a_trade_of_the_same_publisher_only),
        cmocka_unit_test(an_earlier_incarnations_trade_can_be_busted),
        cmocka_unit_test(a_bust_is_no_trade_that_another_bust_could_mean),
        cmocka_unit_test(a_correct_reverses_one_trade_and_is_another_itself),
        cmocka_unit_test(a_bust_of_another_symbol_or_account_is_refused),
        cmocka_unit_test(a_resent_bust_is_recognised_and_not_taken_for_another),
        cmocka_unit_test(a_bust_without_ts_happens_when_it_is_received),
        cmocka_unit_test(a_refused_bust_leaves_its_trade_alone),
        cmocka_unit_test(a_trade_that_retention_gave_up_cannot_be_reversed_though_the_disk_still_has_it),
        cmocka_unit_test(busts_behind_a_barrier_are_not_in_its_snapshot),
        cmocka_unit_test(thousands_of_busts_in_one_message_each_find_their_trade),
    };
    return cmocka_run_group_tests_name("gateway: busts", tests, NULL, NULL);
}
