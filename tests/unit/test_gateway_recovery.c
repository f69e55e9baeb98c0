/* SPDX-License-Identifier: MIT
 *
 * A gateway that has read its log again goes on as if it had never ended.
 */
#include <stdlib.h>

#include "gateway_world.h"

static void positions_come_back_as_durable(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    world_push_plain(world, "p", 0, 1, 10);
    world_push_plain(world, "q", 2, 1, 3);
    world_durable(world);
    world_push_plain(world, "p", 0, 11, 10); /* lost with the process */
    world_cut(world);
    world_restart(world);
    world_hello(world, "p", 0);
    const struct tw_ack *ack = world_ack(world, "p");
    assert_int_equal(ack->durable, 10);
    assert_int_equal(ack->next, 11);
    world_push_plain(world, "p", 0, 6, 15); /* resends from 6: five are known */
    world_push_plain(world, "q", 2, 4, 1);
    world_durable(world);
    assert_int_equal(tw_gateway_last_seq(world->gateway), 24);
    assert_int_equal(tw_gateway_counters(world->gateway).duplicates, 5);
    world_free(&world);
}

static void every_start_has_its_own_boot_number(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_trade trade = trade_of("X", "A", 'B', 1, 1, NOON);
    struct tw_control boot;
    for (uint64_t number = 1; number <= 3; number++) {
        assert_int_equal(tw_gateway_boot(world->gateway), number);
        assert_int_equal(world_controls(world, TW_CONTROL_BOOT, &boot), number);
        assert_int_equal(boot.number, number);
        world_push(world, NULL, 0, 0, &trade, 1);
        world_durable(world);
        struct tw_past_trade last = world_trade(world, number);
        assert_int_equal(last.pseq, 1);
        assert_int_equal(world->log.names[TW_NAME_SOURCE].list[last.source].incarnation, number);
        world_restart(world);
    }
    world_free(&world);
}

static void settings_are_recorded_again_only_if_they_changed(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_control settings;
    world_restart(world);
    assert_int_equal(world_controls(world, TW_CONTROL_SETTINGS, NULL), 1);
    world_restart_with(world, "rule=2\n");
    assert_int_equal(world_controls(world, TW_CONTROL_SETTINGS, &settings), 2);
    expect_text(settings.text, "rule=2\n");
    world_push_plain(world, "p", 0, 1, 1);
    tw_gateway_settings_changed(world->gateway, text_of("rule=3\n"));
    world_durable(world);
    assert_int_equal(world_controls(world, TW_CONTROL_SETTINGS, &settings), 3);
    assert_int_equal(settings.follows, 1); /* between trades, where it was said */
    world_restart_with(world, "rule=3\n");
    assert_int_equal(world_controls(world, TW_CONTROL_SETTINGS, NULL), 3);
    world_free(&world);
}

static void the_event_clock_comes_back(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_trade trades[] = {trade_of("X", "A", 'B', 1, 1, NOON + 5), trade_of("X", "A", 'B', 1, 1, NOON + 4),
                                trade_of("X", "A", 'B', 1, 1, NOON + 6), trade_of("X", "A", 'B', 1, 1, NOON + SECOND)};
    world_push(world, "p", 0, 1, trades, 1);
    world_durable(world);
    world_restart(world);
    for (uint64_t i = 1; i < 4; i++) /* late, nothing, tick: the log's checker knows, too */
        world_push(world, "p", 0, 1 + i, &trades[i], 1);
    world_cut(world);
    assert_int_equal(world_trade(world, 2).attrs & (TW_ATTR_TICK | TW_ATTR_LATE), TW_ATTR_LATE);
    assert_int_equal(world_trade(world, 3).attrs & (TW_ATTR_TICK | TW_ATTR_LATE), 0);
    assert_int_equal(world_trade(world, 4).attrs & (TW_ATTR_TICK | TW_ATTR_LATE), TW_ATTR_TICK);
    world_free(&world);
}

static void clock_records_and_session_rolls_come_back(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    const int64_t midnight = NOON / DAY * DAY + DAY;
    world->wall_ns = midnight - 5 * SECOND;
    struct tw_trade trade = trade_of("X", "A", 'B', 1, 1, world->wall_ns);
    world_push(world, "p", 0, 1, &trade, 1);
    world_pass(world, 7 * SECOND);
    world_durable(world);
    uint32_t records = world_controls(world, TW_CONTROL_CLOCK, NULL);
    assert_in_range(records, 5, 7);
    world_restart(world);
    trade.ts_ns = midnight + 1; /* rolled already, and late after the clock records */
    world_push(world, "p", 0, 2, &trade, 1);
    world_cut(world);
    assert_int_equal(world_controls(world, TW_CONTROL_SESSION, NULL), 1);
    assert_true(world_trade(world, 2).attrs & TW_ATTR_LATE);
    world_pass(world, 3 * SECOND); /* and the clock ticks on, 2 s after the last trade */
    world_cut(world);
    assert_true(world_controls(world, TW_CONTROL_CLOCK, NULL) > records);
    world_free(&world);
}

static void push_one(struct world *world, uint64_t seq, int64_t ts_ns)
{
    struct tw_trade trade = trade_of("X", "A", 'B', 1, 1, ts_ns);
    world_push(world, "p", 0, seq, &trade, 1);
    world_cut(world);
}

/* The trade crosses into another day; only what announces it outlives a crash. */
static struct tw_control tear(struct world *world, uint64_t seq, int64_t ts_ns)
{
    struct tw_control session;
    uint32_t before = world_controls(world, TW_CONTROL_SESSION, NULL);
    push_one(world, seq, ts_ns);
    assert_int_equal(world_controls(world, TW_CONTROL_SESSION, &session), before + 1);
    world_durable_to(world, session.lsn);
    world_restart(world);
    return session;
}

static void a_torn_announcement_of_a_roll_is_made_again(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_control again;
    push_one(world, 1, NOON - DAY);
    struct tw_control torn = tear(world, 2, NOON);
    push_one(world, 2, NOON - DAY + SECOND); /* what comes first is of the day before */
    assert_int_equal(world_controls(world, TW_CONTROL_SESSION, NULL), 1);
    push_one(world, 3, NOON);
    world_durable(world);
    assert_int_equal(world_controls(world, TW_CONTROL_SESSION, &again), 2);
    assert_int_equal(again.ts_ns, torn.ts_ns);
    assert_true(world_trade(world, 3).attrs & TW_ATTR_TICK);
    world_free(&world);
}

static void of_two_torn_announcements_neither_hides_the_other(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_control again;
    push_one(world, 1, NOON - 3 * DAY);
    struct tw_control first = tear(world, 2, NOON - 2 * DAY), second = tear(world, 2, NOON);
    assert_int_equal(second.ts_ns, first.ts_ns + 2 * DAY);
    push_one(world, 2, NOON - 2 * DAY);
    assert_int_equal(world_controls(world, TW_CONTROL_SESSION, &again), 3);
    assert_int_equal(again.ts_ns, first.ts_ns);
    push_one(world, 3, NOON);
    assert_int_equal(world_controls(world, TW_CONTROL_SESSION, &again), 4);
    assert_int_equal(again.ts_ns, second.ts_ns);
    world_free(&world);
}

static void refusals_go_on_counting(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_trade early = trade_of("X", "A", 'B', 1, 1, NOON + DAY);
    for (uint64_t seq = 1; seq <= 3; seq++) {
        world_push(world, "p", 0, seq, &early, 1);
        world_durable(world);
        assert_int_equal(world_last_refusal(world).number, seq);
        world_restart(world);
    }
    world_free(&world);
}

static void a_restart_at_any_record_ends_in_the_same_trades(void **state)
{
    (void)state;
    struct world *whole = world_new(4);
    for (uint64_t seq = 1; seq <= 40; seq++)
        world_push_plain(whole, "p", 0, seq, 1);
    world_durable(whole);
    for (uint64_t lsn = 2; lsn <= whole->log.count; lsn++) {
        struct world *world = world_new(4);
        for (uint64_t seq = 1; seq <= 40; seq++)
            world_push_plain(world, "p", 0, seq, 1);
        world_cut(world);
        world_durable_to(world, lsn);
        world_restart(world);
        world_hello(world, "p", 0);
        uint64_t next = world_ack(world, "p")->next;
        for (uint64_t seq = next < 4 ? 1 : next - 3; seq <= 40; seq++)
            world_push_plain(world, "p", 0, seq, 1);
        world_durable(world);
        assert_int_equal(tw_gateway_last_seq(world->gateway), 40);
        for (uint64_t seq = 1; seq <= 40; seq++) {
            struct tw_past_trade a = world_trade(whole, seq), b = world_trade(world, seq);
            assert_int_equal(a.pseq, b.pseq);
            assert_int_equal(a.ts_ns, b.ts_ns);
            assert_int_equal(a.attrs, b.attrs);
        }
        world_free(&world);
    }
    world_free(&whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(positions_come_back_as_durable),
        cmocka_unit_test(every_start_has_its_own_boot_number),
        cmocka_unit_test(settings_are_recorded_again_only_if_they_changed),
        cmocka_unit_test(the_event_clock_comes_back),
        cmocka_unit_test(clock_records_and_session_rolls_come_back),
        cmocka_unit_test(a_torn_announcement_of_a_roll_is_made_again),
        cmocka_unit_test(of_two_torn_announcements_neither_hides_the_other),
        cmocka_unit_test(refusals_go_on_counting),
        cmocka_unit_test(a_restart_at_any_record_ends_in_the_same_trades),
    };
    return cmocka_run_group_tests_name("gateway: recovery", tests, NULL, NULL);
}
