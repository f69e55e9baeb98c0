/* SPDX-License-Identifier: MIT
 *
 * The publisher of the client library against a daemon that loses messages, acks and itself: every trade is in its log
 * once, in order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/limits.h"
#include "tests/unit/daemon_world.h"
#include "tools/client/tapewarden.h"

#define PATIENCE_MS 30000 /* far beyond what any of this takes */

static struct tapewarden_publisher *publisher_of(const struct daemon_world *world,
                                                 struct tapewarden_publisher_options options)
{
    struct tapewarden_error error = {""};
    options.name = options.name == NULL ? "desk-7" : options.name;
    options.trades_endpoint = daemon_world_trades(world);
    options.acks_endpoint = daemon_world_acks(world);
    struct tapewarden_publisher *publisher = tapewarden_publisher_new(&options, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(tapewarden_publisher_start(publisher, PATIENCE_MS), TAPEWARDEN_OK);
    return publisher;
}

/* Trade i has the quantity i and one of many symbols, so that names come all along. */
static void add_trades(struct tapewarden_publisher *publisher, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i <= to; i++) {
        char symbol[32], id[32];
        struct tapewarden_trade trade = {.qty_e8 = i * TW_E8, .price_e8 = TW_E8};
        trade.symbol = (struct tapewarden_text){symbol, (uint32_t)sprintf(symbol, "S%u", i / 7)};
        trade.id = (struct tapewarden_text){id, (uint32_t)sprintf(id, "x-%u", i)};
        trade.ts_ns = INT64_C(1700000000000000000) + i;
        trade.has_ts = true;
        assert_int_equal(tapewarden_publisher_add(publisher, &trade, PATIENCE_MS), TAPEWARDEN_OK);
    }
}

static void assert_log_has(struct daemon_world *world, uint32_t count)
{
    daemon_world_stop(world);
    assert_int_equal(daemon_world_trade_count(world), count);
    for (uint32_t i = 1; i <= count; i++) {
        uint64_t pseq;
        int64_t qty_e8;
        struct tw_text symbol;
        char expected[32];
        daemon_world_trade(world, i, &pseq, &qty_e8, &symbol);
        assert_int_equal(pseq, i);
        assert_int_equal(qty_e8, i * TW_E8);
        assert_int_equal(symbol.length, sprintf(expected, "S%u", i / 7));
        assert_memory_equal(symbol.bytes, expected, symbol.length);
    }
}

static void publish_all(const struct daemon_habits *habits, bool rows, uint32_t count)
{
    struct daemon_world *world = daemon_world_start(habits);
    struct tapewarden_publisher *publisher =
        publisher_of(world, (struct tapewarden_publisher_options){.batch_trades = 50, .rows = rows});
    add_trades(publisher, 1, count);
    assert_int_equal(tapewarden_publisher_wait(publisher, PATIENCE_MS), TAPEWARDEN_OK);
    struct tapewarden_standing standing = tapewarden_publisher_standing(publisher);
    assert_int_equal(standing.durable, count);
    assert_int_equal(standing.last, count);
    if (habits->lose_every != 0)
        assert_true(standing.resends > 0);
    tapewarden_publisher_free(&publisher);
    assert_log_has(world, count);
    if (habits->restart_every != 0)
        assert_int_equal(daemon_world_restarts(world), habits->restarts_max);
    daemon_world_free(&world);
}

static void everything_added_is_durable_when_wait_returns(void **state)
{
    (void)state;
    publish_all(&(struct daemon_habits){.durable_after_ms = 3}, false, 20000);
    publish_all(&(struct daemon_habits){.durable_after_ms = 3}, true, 5000);
}

static void small_credit_slows_and_loses_nothing(void **state)
{
    (void)state;
    publish_all(&(struct daemon_habits){.credit_trades = 8190, .durable_after_ms = 5}, false, 40000);
}

/* One message and a batch wait for credit; whoever flushes each trade fills no memory. */
static void flushing_takes_no_more_than_credit_a_message_and_a_batch(void **state)
{
    (void)state;
    struct daemon_world *world =
        daemon_world_start(&(struct daemon_habits){.credit_trades = 8190, .durable_after_ms = 20});
    struct tapewarden_publisher *publisher =
        publisher_of(world, (struct tapewarden_publisher_options){.batch_trades = 100});
    uint32_t most = 0;
    for (uint32_t i = 1; i <= 30000; i++) {
        add_trades(publisher, i, i);
        assert_int_equal(tapewarden_publisher_flush(publisher), TAPEWARDEN_OK);
        struct tapewarden_standing standing = tapewarden_publisher_standing(publisher);
        uint32_t ahead = (uint32_t)(standing.last - standing.durable);
        most = ahead > most ? ahead : most;
    }
    assert_in_range(most, 1, 8190 + 2 * 100 + 1);
    assert_int_equal(tapewarden_publisher_wait(publisher, PATIENCE_MS), TAPEWARDEN_OK);
    tapewarden_publisher_free(&publisher);
    assert_log_has(world, 30000);
    daemon_world_free(&world);
}

/* A publisher with nothing more to add only polls. */
static void a_flushed_batch_goes_when_there_is_credit(void **state)
{
    (void)state;
    struct daemon_world *world =
        daemon_world_start(&(struct daemon_habits){.credit_trades = 8190, .durable_after_ms = 300});
    struct tapewarden_publisher *publisher =
        publisher_of(world, (struct tapewarden_publisher_options){.batch_trades = 100});
    add_trades(publisher, 1, 8250); /* 8101 to 8200 is the message that waits, the rest a batch behind it */
    assert_int_equal(tapewarden_publisher_flush(publisher), TAPEWARDEN_OK);
    for (int turns = 0; tapewarden_publisher_standing(publisher).durable < 8250 && turns < PATIENCE_MS; turns++)
        assert_int_equal(tapewarden_publisher_poll(publisher, 1), TAPEWARDEN_OK);
    assert_int_equal(tapewarden_publisher_standing(publisher).durable, 8250);
    tapewarden_publisher_free(&publisher);
    assert_log_has(world, 8250);
    daemon_world_free(&world);
}

static void lost_messages_are_sent_again(void **state)
{
    (void)state;
    publish_all(&(struct daemon_habits){.lose_every = 23}, false, 5000);
    publish_all(&(struct daemon_habits){.lose_every = 23}, true, 5000);
}

static void lost_acks_cost_nothing(void **state)
{
    (void)state;
    publish_all(&(struct daemon_habits){.lose_acks_every = 2}, false, 5000);
}

static void restarts_lose_nothing_that_was_added(void **state)
{
    (void)state;
    const struct daemon_habits habits = {.restart_every = 30, .restarts_max = 3, .durable_after_ms = 20};
    publish_all(&habits, false, 5000);
    publish_all(&habits, true, 5000);
}

static void going_on_begins_behind_what_is_there(void **state)
{
    (void)state;
    struct daemon_world *world = daemon_world_start(&(struct daemon_habits){.lose_every = 0});
    for (uint32_t life = 0; life < 3; life++) { /* each has forgotten the names of the one before */
        struct tapewarden_publisher *publisher =
            publisher_of(world, (struct tapewarden_publisher_options){.go_on = true});
        assert_int_equal(tapewarden_publisher_standing(publisher).first, life * 100 + 1);
        add_trades(publisher, life * 100 + 1, life * 100 + 100);
        assert_int_equal(tapewarden_publisher_wait(publisher, PATIENCE_MS), TAPEWARDEN_OK);
        tapewarden_publisher_free(&publisher);
    }
    assert_log_has(world, 300);
    daemon_world_free(&world);
}

static void beginning_again_changes_nothing_and_then_adds_what_is_new(void **state)
{
    (void)state;
    struct daemon_world *world = daemon_world_start(&(struct daemon_habits){.lose_every = 0});
    const uint32_t counts[] = {250, 250, 170, 400};
    for (size_t i = 0; i < 4; i++) {
        struct tapewarden_publisher *publisher =
            publisher_of(world, (struct tapewarden_publisher_options){.batch_trades = 60, .rows = i == 1});
        add_trades(publisher, 1, counts[i]);
        assert_int_equal(tapewarden_publisher_wait(publisher, PATIENCE_MS), TAPEWARDEN_OK);
        tapewarden_publisher_free(&publisher);
    }
    assert_log_has(world, 400);
    daemon_world_free(&world);
}

/* The first ends when its trades are taken; its successor's wait is for the disk all the same. */
static void what_an_earlier_process_sent_is_durable_when_wait_returns(void **state)
{
    (void)state;
    for (int go_on = 0; go_on <= 1; go_on++) {
        struct daemon_world *world = daemon_world_start(&(struct daemon_habits){.durable_after_ms = 500});
        struct tapewarden_publisher *publisher =
            publisher_of(world, (struct tapewarden_publisher_options){.batch_trades = 60});
        add_trades(publisher, 1, 100);
        assert_int_equal(tapewarden_publisher_flush(publisher), TAPEWARDEN_OK);
        while (tapewarden_publisher_standing(publisher).next != 101)
            assert_int_equal(tapewarden_publisher_poll(publisher, 1), TAPEWARDEN_OK);
        tapewarden_publisher_free(&publisher);
        publisher = publisher_of(world, (struct tapewarden_publisher_options){.batch_trades = 60, .go_on = go_on});
        if (!go_on)
            add_trades(publisher, 1, 100);
        assert_int_equal(tapewarden_publisher_wait(publisher, PATIENCE_MS), TAPEWARDEN_OK);
        assert_int_equal(tapewarden_publisher_standing(publisher).durable, 100);
        tapewarden_publisher_free(&publisher);
        assert_log_has(world, 100);
        daemon_world_free(&world);
    }
}

static void other_trades_under_the_same_numbers_are_held(void **state)
{
    (void)state;
    struct daemon_world *world = daemon_world_start(&(struct daemon_habits){.lose_every = 0});
    struct tapewarden_publisher *publisher =
        publisher_of(world, (struct tapewarden_publisher_options){.batch_trades = 60});
    add_trades(publisher, 1, 200);
    assert_int_equal(tapewarden_publisher_wait(publisher, PATIENCE_MS), TAPEWARDEN_OK);
    tapewarden_publisher_free(&publisher);
    publisher = publisher_of(world, (struct tapewarden_publisher_options){.batch_trades = 60});
    add_trades(publisher, 1, 70);
    add_trades(publisher, 1, 10); /* where 71 to 80 were */
    assert_int_equal(tapewarden_publisher_wait(publisher, PATIENCE_MS), TAPEWARDEN_HELD);
    struct tapewarden_standing standing = tapewarden_publisher_standing(publisher);
    assert_true(standing.has_hold);
    assert_string_equal(standing.hold_code, "sequence_reused");
    assert_int_equal(standing.hold_number, 71);
    tapewarden_publisher_free(&publisher);
    assert_log_has(world, 200);
    daemon_world_free(&world);
}

static void note_refusal(void *context, const struct tapewarden_refusal *refusal)
{
    char *told = context;
    sprintf(told + strlen(told), "%llu %.*s;", (unsigned long long)refusal->number, (int)refusal->code.length,
            refusal->code.bytes);
}

static void refusals_are_told_once(void **state)
{
    (void)state;
    char told[256] = "";
    struct daemon_world *world = daemon_world_start(&(struct daemon_habits){.lose_every = 0});
    struct tapewarden_publisher *publisher =
        publisher_of(world, (struct tapewarden_publisher_options){.refused = note_refusal, .refused_context = told});
    const struct tapewarden_trade bad_symbol = {.symbol = {"a b", 3}, .qty_e8 = 1, .price_e8 = 1};
    const struct tapewarden_trade bad_qty = {.symbol = {"X", 1}, .qty_e8 = 0, .price_e8 = 1};
    assert_int_equal(tapewarden_publisher_add(publisher, &bad_symbol, 0), TAPEWARDEN_OK);
    assert_int_equal(tapewarden_publisher_wait(publisher, PATIENCE_MS), TAPEWARDEN_OK);
    assert_int_equal(tapewarden_publisher_add(publisher, &bad_qty, 0), TAPEWARDEN_OK);
    assert_int_equal(tapewarden_publisher_wait(publisher, PATIENCE_MS), TAPEWARDEN_OK);
    assert_string_equal(told, "1 bad_symbol;2 bad_qty;");
    assert_int_equal(tapewarden_publisher_standing(publisher).refused_total, 2);
    tapewarden_publisher_free(&publisher);
    daemon_world_stop(world);
    daemon_world_free(&world);
}

static void a_higher_incarnation_fences_the_lower_one(void **state)
{
    (void)state;
    struct daemon_world *world = daemon_world_start(&(struct daemon_habits){.lose_every = 0});
    struct tapewarden_publisher *old = publisher_of(world, (struct tapewarden_publisher_options){.incarnation = 0});
    add_trades(old, 1, 5);
    assert_int_equal(tapewarden_publisher_wait(old, PATIENCE_MS), TAPEWARDEN_OK);
    struct tapewarden_publisher *new = publisher_of(world, (struct tapewarden_publisher_options){.incarnation = 4});
    struct tapewarden_standing standing = tapewarden_publisher_standing(new);
    assert_true(standing.has_previous);
    assert_int_equal(standing.previous_incarnation, 0);
    assert_int_equal(standing.previous_durable, 5);
    assert_int_equal(standing.next, 1);
    assert_int_equal(tapewarden_publisher_poll(old, PATIENCE_MS), TAPEWARDEN_FENCED);
    tapewarden_publisher_free(&old);
    tapewarden_publisher_free(&new);
    daemon_world_stop(world);
    daemon_world_free(&world);
}

static void nobody_there_is_a_timeout_and_no_trade_can_be_added(void **state)
{
    (void)state;
    const struct tapewarden_publisher_options options = {
        .name = "desk-7", .trades_endpoint = "ipc:///nonexistent/t", .acks_endpoint = "ipc:///nonexistent/a"};
    const struct tapewarden_trade trade = {.symbol = {"X", 1}, .qty_e8 = 1, .price_e8 = 1};
    struct tapewarden_publisher *publisher = tapewarden_publisher_new(&options, NULL);
    assert_int_equal(tapewarden_publisher_start(publisher, 50), TAPEWARDEN_TIMEOUT);
    assert_string_equal(tapewarden_publisher_error(publisher), "the daemon does not answer");
    assert_int_equal(tapewarden_publisher_add(publisher, &trade, 0), TAPEWARDEN_INVALID);
    assert_int_equal(tapewarden_publisher_standing(publisher).silent_ms, -1);
    tapewarden_publisher_free(&publisher);
    assert_null(publisher);
}

static void what_cannot_be_sent_is_refused_at_once(void **state)
{
    (void)state;
    struct tapewarden_error error;
    assert_null(tapewarden_publisher_new(&(struct tapewarden_publisher_options){.name = "_x"}, &error));
    assert_null(tapewarden_publisher_new(&(struct tapewarden_publisher_options){.name = NULL}, &error));
    assert_null(
        tapewarden_publisher_new(&(struct tapewarden_publisher_options){.name = "x", .batch_trades = 8191}, &error));
    assert_string_equal(error.text, "a message takes at most 8190 trades");
    struct daemon_world *world = daemon_world_start(&(struct daemon_habits){.lose_every = 0});
    struct tapewarden_publisher *publisher = publisher_of(world, (struct tapewarden_publisher_options){.go_on = false});
    char long_text[65];
    memset(long_text, 'a', sizeof long_text);
    const struct tapewarden_trade trade = {.symbol = {long_text, 65}, .qty_e8 = 1, .price_e8 = 1};
    assert_int_equal(tapewarden_publisher_add(publisher, &trade, 0), TAPEWARDEN_INVALID);
    assert_string_equal(tapewarden_publisher_error(publisher), "a text is longer than 64 bytes");
    assert_int_equal(tapewarden_publisher_wait(publisher, PATIENCE_MS), TAPEWARDEN_OK); /* it took no number */
    tapewarden_publisher_free(&publisher);
    daemon_world_stop(world);
    daemon_world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_added_is_durable_when_wait_returns),
        cmocka_unit_test(small_credit_slows_and_loses_nothing),
        cmocka_unit_test(flushing_takes_no_more_than_credit_a_message_and_a_batch),
        cmocka_unit_test(a_flushed_batch_goes_when_there_is_credit),
        cmocka_unit_test(lost_messages_are_sent_again),
        cmocka_unit_test(lost_acks_cost_nothing),
        cmocka_unit_test(restarts_lose_nothing_that_was_added),
        cmocka_unit_test(going_on_begins_behind_what_is_there),
        cmocka_unit_test(beginning_again_changes_nothing_and_then_adds_what_is_new),
        cmocka_unit_test(what_an_earlier_process_sent_is_durable_when_wait_returns),
        cmocka_unit_test(other_trades_under_the_same_numbers_are_held),
        cmocka_unit_test(refusals_are_told_once),
        cmocka_unit_test(a_higher_incarnation_fences_the_lower_one),
        cmocka_unit_test(nobody_there_is_a_timeout_and_no_trade_can_be_added),
        cmocka_unit_test(what_cannot_be_sent_is_refused_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
