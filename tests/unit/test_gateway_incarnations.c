/* SPDX-License-Identifier: MIT
 *
 * Hello and fencing: a publisher that begins anew learns which of its old trades are in, and the old one is out.
 */
#include "gateway_world.h"

static void a_hello_is_always_answered_by_an_ack(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    world_hello(world, "p", 0);
    const struct tw_ack *ack = world_ack(world, "p");
    assert_int_equal(ack->incarnation, 0);
    assert_int_equal(ack->durable, 0);
    assert_int_equal(ack->next, 1);
    assert_int_equal(ack->credit, TW_CREDIT_TRADES);
    assert_false(ack->has_previous);
    expect_no_hold(ack);
    world_push_plain(world, "p", 0, 1, 5);
    world_hello(world, "p", 0);
    ack = world_ack(world, "p");
    assert_int_equal(ack->durable, 0);
    assert_int_equal(ack->next, 6);
    assert_int_equal(tw_gateway_counters(world->gateway).hellos, 2);
    assert_true(world_silent(world));
    world_free(&world);
}

static void the_first_incarnation_of_a_publisher_needs_no_hello(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    world_push_plain(world, "p", 7, 1, 5);
    world_durable(world);
    const struct tw_ack *ack = world_ack(world, "p");
    assert_int_equal(ack->incarnation, 7);
    assert_int_equal(ack->durable, 5);
    assert_int_equal(world_controls(world, TW_CONTROL_FENCE, NULL), 0);
    world_free(&world);
}

static void a_higher_incarnation_must_begin_with_a_hello(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    world_push_plain(world, "p", 0, 1, 5);
    world_push_plain(world, "p", 1, 1, 5);
    const struct tw_ack *ack = world_ack(world, "p");
    expect_hold(ack, "hello_required", 1);
    assert_int_equal(ack->incarnation, 1);
    assert_int_equal(ack->next, 1);
    assert_int_equal(tw_gateway_last_seq(world->gateway), 5);
    world_push_plain(world, "p", 0, 6, 1); /* the old one is not fenced by that */
    assert_int_equal(tw_gateway_last_seq(world->gateway), 6);
    world_free(&world);
}

static void the_answer_to_a_new_incarnation_waits_until_the_fence_is_durable(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_control fence;
    world_push_plain(world, "p", 0, 1, 50);
    world_durable(world);
    world_ack(world, "p");
    world_push_plain(world, "p", 0, 51, 100); /* under way */
    world_hello(world, "p", 1);
    world_cut(world);
    assert_true(world_silent(world));
    assert_int_equal(world_controls(world, TW_CONTROL_FENCE, &fence), 1);
    expect_text(fence.text, "p");
    assert_int_equal(fence.number, 1);
    world_durable_to(world, fence.lsn - 1);
    world_pass(world, SECOND);
    assert_true(world_silent(world));
    world_durable_to(world, fence.lsn);
    const struct tw_ack *ack = world_ack(world, "p");
    assert_int_equal(ack->incarnation, 1);
    assert_int_equal(ack->durable, 0);
    assert_int_equal(ack->next, 1);
    assert_true(ack->has_previous);
    assert_int_equal(ack->previous_incarnation, 0);
    assert_int_equal(ack->previous_durable, 150); /* so the publisher knows that all of these are in */
    world_free(&world);
}

/* Else a crash could let a lower one in, after a higher one was told that there is none. */
static void the_answer_to_the_first_incarnation_waits_until_the_log_has_it_too(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    world_hello(world, "p", 3);
    assert_true(tw_gateway_cut_is_due(world->gateway));
    world_cut(world);
    world_pass(world, SECOND);
    assert_true(world_silent(world));
    world_restart(world); /* before it was durable: nothing was said */
    world_push_plain(world, "p", 1, 1, 5);
    world_hello(world, "p", 3);
    world_durable(world);
    const struct tw_ack *ack = world_ack(world, "p");
    assert_int_equal(ack->incarnation, 3);
    assert_int_equal(ack->previous_incarnation, 1);
    assert_int_equal(ack->previous_durable, 5);
    world_hello(world, "q", 3);
    world_durable(world);
    ack = world_ack(world, "q");
    assert_int_equal(ack->next, 1);
    assert_false(ack->has_previous);
    assert_true(world_silent(world));
    world_hello(world, "q", 3);
    world_ack(world, "q"); /* at once: it is known for good */
    world_free(&world);
}

static void the_first_incarnation_hears_of_a_full_disk_and_no_more(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    tw_gateway_hold_disk(world->gateway, true);
    world_hello(world, "p", 3);
    world_cut(world);
    const struct tw_ack *ack = world_ack(world, "p");
    expect_hold(ack, "disk", 1);
    assert_int_equal(ack->credit, 0);
    tw_gateway_hold_disk(world->gateway, false);
    assert_true(world_silent(world));
    world_durable(world);
    ack = world_ack(world, "p");
    expect_no_hold(ack);
    assert_int_equal(ack->credit, TW_CREDIT_TRADES);
    world_free(&world);
}

static void a_stale_incarnation_is_told_so_and_its_trades_stay_out(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    world_push_plain(world, "p", 3, 1, 5);
    world_hello(world, "p", 4);
    world_push_plain(world, "p", 3, 6, 5);
    const struct tw_ack *ack = world_ack(world, "p"); /* at once: it does not wait for the fence */
    assert_int_equal(ack->incarnation, 3);
    expect_hold(ack, "stale_incarnation", 6);
    assert_int_equal(tw_gateway_last_seq(world->gateway), 5);
    world_durable(world);
    ack = world_ack(world, "p");
    assert_int_equal(ack->incarnation, 4);
    expect_no_hold(ack); /* the new one is not held for what the old one did */
    world_hello(world, "p", 2);
    ack = world_ack(world, "p");
    assert_int_equal(ack->incarnation, 2);
    expect_hold(ack, "stale_incarnation", 1);
    world_push_plain(world, "p", 4, 1, 3);
    world_durable(world);
    assert_int_equal(world_ack(world, "p")->durable, 3);
    world_free(&world);
}

static void a_lost_answer_to_a_hello_is_given_again(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    world_push_plain(world, "p", 0, 1, 5);
    world_hello(world, "p", 1);
    world_durable(world);
    for (int again = 0; again < 2; again++) {
        const struct tw_ack *ack = world_ack(world, "p");
        assert_true(ack->has_previous);
        assert_int_equal(ack->previous_durable, 5);
        world_hello(world, "p", 1);
    }
    world_push_plain(world, "p", 1, 1, 2);
    world_durable(world);
    world_ack(world, "p");
    world_push_plain(world, "p", 1, 3, 2);
    world_durable(world);
    assert_false(world_ack(world, "p")->has_previous); /* it sends, so it knows */
    assert_int_equal(world_controls(world, TW_CONTROL_FENCE, NULL), 1);
    world_free(&world);
}

static void a_fence_is_remembered_by_the_log(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    world_push_plain(world, "p", 0, 1, 5);
    world_hello(world, "p", 1);
    world_durable(world);
    world_restart(world);
    world_push_plain(world, "p", 0, 6, 1);
    expect_hold(world_ack(world, "p"), "stale_incarnation", 6);
    world_hello(world, "p", 1);
    const struct tw_ack *ack = world_ack(world, "p");
    assert_true(ack->has_previous);
    assert_int_equal(ack->previous_durable, 5);
    assert_int_equal(tw_gateway_last_seq(world->gateway), 5);
    world_free(&world);
}

static void a_fence_that_was_lost_in_a_crash_did_not_happen(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_control fence;
    world_push_plain(world, "p", 0, 1, 5);
    world_durable(world);
    world_hello(world, "p", 1);
    world_cut(world);
    assert_int_equal(world_controls(world, TW_CONTROL_FENCE, &fence), 1);
    world_durable_to(world, fence.lsn - 1); /* the new name is in the log, the fence is not */
    world_restart(world);
    world_push_plain(world, "p", 0, 6, 1);
    assert_int_equal(tw_gateway_last_seq(world->gateway), 6);
    world_hello(world, "p", 1);
    world_durable(world);
    const struct tw_ack *ack = world_ack(world, "p");
    assert_int_equal(ack->incarnation, 1);
    assert_int_equal(ack->previous_durable, 6);
    world_free(&world);
}

static void refusals_and_names_of_an_ack_are_those_of_its_incarnation(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_trade early = trade_of("X", "A", 'B', 1, 1, NOON + 60 * SECOND);
    world_push(world, "p", 0, 1, &early, 1);
    world_durable(world);
    assert_int_equal(world_ack(world, "p")->refused_total, 1);
    world_push(world, "p", 0, 2, &early, 1); /* still under way when the next incarnation comes */
    world_hello(world, "p", 1);
    world_durable(world);
    const struct tw_ack *ack = world_ack(world, "p");
    assert_int_equal(ack->refused_total, 0);
    assert_int_equal(ack->refused_count, 0);
    assert_int_equal(ack->previous_durable, 2);
    world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hello_is_always_answered_by_an_ack),
        cmocka_unit_test(the_first_incarnation_of_a_publisher_needs_no_hello),
        cmocka_unit_test(a_higher_incarnation_must_begin_with_a_hello),
        cmocka_unit_test(the_answer_to_a_new_incarnation_waits_until_the_fence_is_durable),
        cmocka_unit_test(the_answer_to_the_first_incarnation_waits_until_the_log_has_it_too),
        cmocka_unit_test(the_first_incarnation_hears_of_a_full_disk_and_no_more),
        cmocka_unit_test(a_stale_incarnation_is_told_so_and_its_trades_stay_out),
        cmocka_unit_test(a_lost_answer_to_a_hello_is_given_again),
        cmocka_unit_test(a_fence_is_remembered_by_the_log),
        cmocka_unit_test(a_fence_that_was_lost_in_a_crash_did_not_happen),
        cmocka_unit_test(refusals_and_names_of_an_ack_are_those_of_its_incarnation),
    };
    return cmocka_run_group_tests_name("gateway: incarnations", tests, NULL, NULL);
}
