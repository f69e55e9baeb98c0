/* SPDX-License-Identifier: MIT
 *
 * Names that are not known: what they send takes no place for good unless something of it is in the log, and whoever
 * has no place is told so.
 */
#include <stdio.h>
#include <stdlib.h>

#include "gateway_world.h"

#define KEPT 1024u /* places for the daemon's own names */

/* An envelope that is answered by `bad_version`, whoever sent it. */
static void send_unacceptable(struct world *world, struct tw_text publisher)
{
    struct tw_buffer message = {0};
    tw_pack_map(&message, 2);
    tw_pack_str(&message, "v");
    tw_pack_u64(&message, 2);
    tw_pack_str(&message, "pub");
    tw_pack_text(&message, publisher);
    assert_int_equal(
        tw_gateway_submit(world->gateway, TW_LANE_PUSH, message.bytes, message.length, world->wall_ns, world->now_ns),
        TW_TAKEN);
    tw_buffer_free(&message);
}

static void send_many_unacceptable(struct world *world, uint32_t count)
{
    char name[16];
    for (uint32_t i = 0; i < count; i++)
        send_unacceptable(world, (struct tw_text){name, (uint32_t)snprintf(name, sizeof name, "n%u", i)});
}

static void what_is_unacceptable_takes_no_place(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_trade trade = trade_of("X", "A", 'B', 1, 1, NOON);
    send_many_unacceptable(world, TW_SOURCES_MAX + 1);
    assert_false(tw_gateway_staged(world->gateway));
    world_hello(world, "newcomer", 0);
    expect_no_hold(world_ack(world, "newcomer"));
    world_push(world, NULL, 0, 0, &trade, 1);
    world_feed(world, "feed", 0, 1, &trade, 1);
    assert_int_equal(tw_gateway_last_seq(world->gateway), 2);
    world_free(&world);
}

static void a_stranger_is_answered_once_and_the_newest_of_many_are(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_ack ack;
    send_unacceptable(world, text_of("p"));
    send_unacceptable(world, text_of("p"));
    const struct tw_ack *answer = world_ack(world, "p");
    expect_hold(answer, "bad_version", 0);
    assert_int_equal(answer->next, 1);
    assert_int_equal(answer->credit, 0);
    world_pass(world, 2 * SECOND);
    assert_true(world_silent(world));
    send_many_unacceptable(world, 10000);
    uint32_t count = 0, last = 0;
    for (; tw_gateway_next_ack(world->gateway, world->now_ns, &ack); count++) {
        uint32_t number = (uint32_t)strtoul(ack.publisher.bytes + 1, NULL, 10);
        assert_true(number > last);
        last = number;
    }
    assert_in_range(count, 10, 512);
    assert_int_equal(last, 9999);
    world_free(&world);
}

/* The hello lifts a hold: the answer to what came before does not come behind its ack. */
static void an_answer_to_a_stranger_goes_before_the_ack_that_it_gets_then(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_ack ack;
    send_unacceptable(world, text_of("p"));
    world_hello(world, "p", 0);
    assert_true(tw_gateway_next_ack(world->gateway, world->now_ns, &ack));
    expect_hold(&ack, "bad_version", 0);
    assert_true(tw_gateway_next_ack(world->gateway, world->now_ns, &ack));
    expect_no_hold(&ack);
    assert_true(world_silent(world));
    world_free(&world);
}

/* A gateway with room for two names besides the daemon's own. */
static struct world *small_world(void)
{
    struct world *world = world_new(100);
    world->settings.sources_max = KEPT + 2;
    world_restart(world);
    return world;
}

static void who_finds_no_place_is_told(void **state)
{
    (void)state;
    struct world *world = small_world();
    struct tw_trade trade = trade_of("X", "A", 'B', 1, 1, NOON);
    world_hello(world, "p", 0);
    world_hello(world, "q", 0);
    world_hello(world, "r", 3);
    const struct tw_ack *ack = world_ack(world, "r");
    expect_hold(ack, "too_many_publishers", 1);
    assert_int_equal(ack->incarnation, 3);
    assert_int_equal(ack->next, 1);
    assert_non_null(tw_gateway_complaint(world->gateway));
    world_feed(world, "f", 0, 1, &trade, 1); /* nobody to tell but the daemon's log; and not a record for each */
    assert_non_null(tw_gateway_complaint(world->gateway));
    world_durable(world);
    assert_int_equal(world_controls(world, TW_CONTROL_LANE, NULL), 0);
    expect_no_hold(world_ack(world, "p"));
    world_hello(world, "p", 1);
    ack = world_ack(world, "p");
    expect_hold(ack, "too_many_publishers", 1);
    assert_int_equal(ack->incarnation, 1);
    world_push(world, "p", 0, 1, &trade, 1); /* those that are in go on */
    world_durable(world);
    assert_int_equal(world_ack(world, "p")->durable, 1);
    assert_int_equal(world->log.names[TW_NAME_SOURCE].count, 2);
    world_free(&world);
}

static void anonymous_trades_have_a_place_in_every_boot(void **state)
{
    (void)state;
    struct world *world = small_world();
    struct tw_trade trade = trade_of("X", "A", 'B', 1, 1, NOON);
    char name[16];
    for (uint32_t i = 0; i < KEPT + 2; i++) { /* most of them find none */
        snprintf(name, sizeof name, "p%u", i);
        world_hello(world, name, 0);
    }
    assert_non_null(tw_gateway_complaint(world->gateway));
    for (uint64_t boot = 1; boot <= 3; boot++) {
        world_push(world, NULL, 0, 0, &trade, 1);
        assert_int_equal(tw_gateway_last_seq(world->gateway), boot);
        assert_null(tw_gateway_complaint(world->gateway));
        world_durable(world);
        world_restart(world);
    }
    world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_unacceptable_takes_no_place),
        cmocka_unit_test(a_stranger_is_answered_once_and_the_newest_of_many_are),
        cmocka_unit_test(an_answer_to_a_stranger_goes_before_the_ack_that_it_gets_then),
        cmocka_unit_test(who_finds_no_place_is_told),
        cmocka_unit_test(anonymous_trades_have_a_place_in_every_boot),
    };
    return cmocka_run_group_tests_name("gateway: strangers", tests, NULL, NULL);
}
