/* SPDX-License-Identifier: MIT
 *
 * The event clock: ticks, late trades, session rolls, and clock records while the market is quiet. The log's checker
 * (gateway_log.c) judges the flags of every trade of every test; these stories pin down the edges.
 */
#include "gateway_world.h"

#include <stdlib.h>

static void push_at(struct world *world, uint64_t seq, int64_t ts_ns)
{
    struct tw_trade trade = trade_of("X", "A", 'B', 1, 1, ts_ns);
    world_push(world, "p", 0, seq, &trade, 1);
}

static uint8_t flags_of(struct world *world, uint64_t seq)
{
    world_cut(world);
    return world_trade(world, seq).attrs & (TW_ATTR_TICK | TW_ATTR_LATE);
}

static void a_trade_in_a_later_second_ticks(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    const int64_t start = NOON - 10 * SECOND;
    push_at(world, 1, start + 1);
    push_at(world, 2, start + SECOND - 1);
    push_at(world, 3, start + SECOND); /* exactly on the second: after its tick */
    push_at(world, 4, start + SECOND + 1);
    push_at(world, 5, start + 5 * SECOND + 7); /* one tick, however many seconds passed */
    push_at(world, 6, start + 5 * SECOND + 8);
    assert_int_equal(flags_of(world, 1), 0); /* the first trade of a log makes no tick */
    assert_int_equal(flags_of(world, 2), 0);
    assert_int_equal(flags_of(world, 3), TW_ATTR_TICK);
    assert_int_equal(flags_of(world, 4), 0);
    assert_int_equal(flags_of(world, 5), TW_ATTR_TICK);
    assert_int_equal(flags_of(world, 6), 0);
    world_free(&world);
}

static void a_trade_before_the_clock_is_late_and_moves_nothing(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    push_at(world, 1, NOON - SECOND + 5);
    push_at(world, 2, NOON - SECOND + 4);
    push_at(world, 3, NOON - SECOND + 5); /* as late as the clock itself: not late */
    push_at(world, 4, NOON - DAY);
    push_at(world, 5, NOON - SECOND + 6);
    assert_int_equal(flags_of(world, 2), TW_ATTR_LATE);
    assert_int_equal(flags_of(world, 3), 0);
    assert_int_equal(flags_of(world, 4), TW_ATTR_LATE);
    assert_int_equal(flags_of(world, 5), 0);
    world_free(&world);
}

static void a_session_roll_stands_before_the_trade_that_reaches_it(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_control session;
    const int64_t midnight = NOON / DAY * DAY;
    struct tw_trade trades[] = {trade_of("X", "A", 'B', 1, 1, midnight - 1), trade_of("X", "A", 'B', 1, 1, midnight),
                                trade_of("X", "A", 'B', 1, 1, midnight - 2), /* late: rolls nothing back */
                                trade_of("X", "A", 'B', 1, 1, midnight + 1)};
    world_push(world, "p", 0, 1, trades, 4);
    world_cut(world);
    assert_int_equal(world_controls(world, TW_CONTROL_SESSION, &session), 1);
    assert_int_equal(session.follows, 1);
    assert_int_equal(session.ts_ns, midnight);
    assert_int_equal(session.number, midnight + DAY);
    assert_int_equal(flags_of(world, 2), TW_ATTR_TICK);
    uint32_t row = 9;
    assert_non_null(log_find(&world->log, 2, &row));
    assert_int_equal(row, 0); /* the first of its block */
    world_free(&world);
}

static void days_without_trades_are_one_roll(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_control session;
    push_at(world, 1, NOON - 10 * DAY);
    push_at(world, 2, NOON);
    world_cut(world);
    assert_int_equal(world_controls(world, TW_CONTROL_SESSION, &session), 1);
    assert_int_equal(session.ts_ns, NOON / DAY * DAY);
    world_free(&world);
}

static void a_message_may_cross_many_sessions(void **state)
{
    (void)state;
    for (uint32_t block = 1; block <= 1000; block *= 10) {
        struct world *world = world_new(block);
        struct tw_trade trades[200];
        for (int i = 0; i < 200; i++)
            trades[i] = trade_of("X", "A", 'B', 1, 1, NOON - (200 - i) * DAY);
        world_push(world, "p", 0, 1, trades, 200);
        world_durable(world);
        assert_int_equal(world_controls(world, TW_CONTROL_SESSION, NULL), 199);
        assert_int_equal(world_ack(world, "p")->durable, 200);
        world_free(&world);
    }
}

/* ---- ticks of a block ---- */

static uint32_t ticks_of(const struct tw_record *record)
{
    uint32_t ticks = 0;
    for (uint32_t row = 0; record->kind == TW_RECORD_BLOCK && row < record->block.count; row++)
        ticks += (record->block.attrs[row] & TW_ATTR_TICK) != 0;
    return ticks;
}

/* And each record waits to be judged as what it is, and its ticks, if they may re-mark. */
static uint32_t most_ticks_of_a_block(const struct world *world)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < world->log.count; i++) {
        const struct tw_frame *frame = world->log.frames[i];
        uint32_t ticks = ticks_of(&world->log.records[i]);
        uint64_t work = world->settings.tick_keys_max == 0 ? 0 : ticks * (TW_UNJUDGED_BYTES_MAX / TW_UNJUDGED_TICKS);
        assert_int_equal(frame->waits_as, frame->length + work);
        most = ticks > most ? ticks : most;
    }
    return most;
}

/* Two trades in each of 20 seconds as one message; there are two accounts and two symbols. */
static char *story_with(uint32_t tick_keys_max, uint32_t *blocks, uint32_t *ticks)
{
    struct world *world = world_new(100);
    struct tw_trade trades[40];
    world->settings.tick_keys_max = tick_keys_max;
    world_restart(world);
    for (int i = 0; i < 40; i++)
        trades[i] = trade_of(i % 3 == 0 ? "X" : "Y", i % 2 == 0 ? "A" : "B", 'B', 1, 1, NOON - (20 - i / 2) * SECOND);
    world_push(world, "p", 0, 1, trades, 4);
    world_durable(world);
    world_push(world, "p", 0, 5, trades + 4, 36);
    world_durable(world);
    assert_int_equal(world_ack(world, "p")->durable, 40);
    *blocks = world_blocks(world);
    *ticks = most_ticks_of_a_block(world);
    char *story = log_story(&world->log);
    world_free(&world);
    return story;
}

/* So that what re-marking may judge in a record is bounded; and nothing else is different for it. */
static void a_block_ends_when_its_ticks_times_accounts_and_symbols_are_enough(void **state)
{
    static const struct {
        uint32_t keys_max, ticks, blocks; /* of the 18 ticks in the second message */
    } bounds[] = {{0, 18, 2},    {1000, 18, 2}, {5 * 18, 18, 2}, {5 * 17, 17, 3},
                  {5 * 6, 6, 4}, {5, 1, 19},    {4, 1, 19},      {1, 1, 19}};
    uint32_t blocks, ticks;
    char *unbounded = story_with(0, &blocks, &ticks);
    (void)state;
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        char *story = story_with(bounds[i].keys_max, &blocks, &ticks);
        assert_int_equal(ticks, bounds[i].ticks);
        assert_int_equal(blocks, bounds[i].blocks);
        assert_string_equal(story, unbounded);
        free(story);
    }
    free(unbounded);
}

static void no_clock_records_pile_up_before_a_full_disk(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    push_at(world, 1, NOON);
    world_cut(world);
    tw_gateway_hold_disk(world->gateway, true);
    world_pass(world, 10 * SECOND);
    world_cut(world);
    assert_int_equal(world_controls(world, TW_CONTROL_CLOCK, NULL), 0);
    tw_gateway_hold_disk(world->gateway, false);
    world_pass(world, SECOND / 2);
    world_cut(world);
    assert_int_equal(world_controls(world, TW_CONTROL_CLOCK, NULL), 1);
    world_free(&world);
}

static void a_quiet_market_ticks_by_clock_records(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_control clock;
    push_at(world, 1, NOON);
    world_pass(world, 2 * SECOND - 1);
    world_cut(world);
    assert_int_equal(world_controls(world, TW_CONTROL_CLOCK, NULL), 0); /* a trade came less than 2 s ago */
    world_pass(world, 1);
    world_cut(world);
    assert_int_equal(world_controls(world, TW_CONTROL_CLOCK, &clock), 1);
    assert_int_equal(clock.ts_ns, NOON + 2 * SECOND);
    assert_int_equal(clock.follows, 1);
    world_pass(world, 10 * SECOND);
    world_cut(world);
    assert_int_equal(world_controls(world, TW_CONTROL_CLOCK, &clock), 11); /* one a second */
    assert_int_equal(clock.ts_ns, NOON + 12 * SECOND);
    push_at(world, 2, world->wall_ns + 1); /* the same second as the last record: no tick again */
    push_at(world, 3, world->wall_ns - 1);
    assert_int_equal(flags_of(world, 2), 0);
    assert_int_equal(flags_of(world, 3), TW_ATTR_LATE);
    world_pass(world, SECOND);
    world_cut(world);
    assert_int_equal(world_controls(world, TW_CONTROL_CLOCK, NULL), 11); /* trades came */
    assert_int_equal(tw_gateway_counters(world->gateway).clock_records, 11);
    world_free(&world);
}

static void historical_trades_never_cause_a_clock_record(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    push_at(world, 1, NOON - 63 * SECOND);
    world_pass(world, 100 * SECOND);
    world_cut(world);
    assert_int_equal(world_controls(world, TW_CONTROL_CLOCK, NULL), 0);
    world_free(&world);
}

static void an_event_clock_within_60_s_of_the_wall_clock_goes_on_by_itself(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_control clock;
    push_at(world, 1, NOON - 58 * SECOND); /* 60 s behind when 2 s have passed */
    world_pass(world, 2 * SECOND);
    world_cut(world);
    assert_int_equal(world_controls(world, TW_CONTROL_CLOCK, &clock), 1);
    assert_int_equal(clock.ts_ns, NOON + 2 * SECOND);
    world_free(&world);
}

static void no_clock_record_comes_before_the_first_trade(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    world_pass(world, 5 * SECOND);
    assert_false(tw_gateway_staged(world->gateway));
    world_free(&world);
}

static void a_quiet_market_rolls_the_session_too(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_control session, clock;
    const int64_t midnight = NOON / DAY * DAY + DAY;
    world->wall_ns = midnight - 5 * SECOND;
    push_at(world, 1, world->wall_ns);
    world_pass(world, 5 * SECOND);
    world_cut(world);
    assert_int_equal(world_controls(world, TW_CONTROL_SESSION, &session), 1);
    assert_int_equal(session.ts_ns, midnight);
    world_controls(world, TW_CONTROL_CLOCK, &clock);
    assert_int_equal(clock.ts_ns, midnight);
    assert_int_equal(clock.lsn, session.lsn + 1);
    world_free(&world);
}

static void a_clock_record_stands_behind_the_trades_that_came_before_it(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_control clock;
    push_at(world, 1, NOON);
    push_at(world, 2, NOON + 1);
    world_pass(world, 2 * SECOND); /* nothing was cut meanwhile */
    world_cut(world);
    assert_int_equal(world_controls(world, TW_CONTROL_CLOCK, &clock), 1);
    assert_int_equal(clock.follows, 2);
    world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trade_in_a_later_second_ticks),
        cmocka_unit_test(a_trade_before_the_clock_is_late_and_moves_nothing),
        cmocka_unit_test(a_session_roll_stands_before_the_trade_that_reaches_it),
        cmocka_unit_test(days_without_trades_are_one_roll),
        cmocka_unit_test(a_message_may_cross_many_sessions),
        cmocka_unit_test(a_block_ends_when_its_ticks_times_accounts_and_symbols_are_enough),
        cmocka_unit_test(no_clock_records_pile_up_before_a_full_disk),
        cmocka_unit_test(a_quiet_market_ticks_by_clock_records),
        cmocka_unit_test(historical_trades_never_cause_a_clock_record),
        cmocka_unit_test(an_event_clock_within_60_s_of_the_wall_clock_goes_on_by_itself),
        cmocka_unit_test(no_clock_record_comes_before_the_first_trade),
        cmocka_unit_test(a_quiet_market_rolls_the_session_too),
        cmocka_unit_test(a_clock_record_stands_behind_the_trades_that_came_before_it),
    };
    return cmocka_run_group_tests_name("gateway: clock", tests, NULL, NULL);
}
