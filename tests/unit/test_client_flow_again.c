/* SPDX-License-Identifier: MIT
 *
 * A publisher's half of the conversation: names that the daemon has lost, and trades that it has already.
 */
#include "tests/unit/flow_world.h"

/* ---- names of the columnar form ---- */

static void names_that_a_restarted_daemon_lost_go_ahead_of_the_resend(void **state)
{
    (void)state;
    struct world world;
    begin_greeted(&world, 0);
    queue_named(&world, 10, 0, 5);
    queue_named(&world, 10, 5, 7);
    expect_message(&world, 1);
    expect_message(&world, 11);
    struct tw_ack ack = ack_of(10, 21);
    ack.names = 7;
    hear(&world, ack);
    tw_flow_reconnected(&world.flow, world.now_ns);
    expect_hello(&world);
    hear_standing(&world, 10, 11); /* and knows no name any more */
    expect_action(&world, TW_FLOW_SEND_NAMES, 3);
    expect_action(&world, TW_FLOW_SEND_NAMES, 7); /* as many hellos as it takes */
    expect_message(&world, 11);
    tw_flow_clear(&world.flow);
}

static void an_unknown_name_is_sent_and_then_the_message_again(void **state)
{
    (void)state;
    struct world world;
    begin_greeted(&world, 0);
    queue_named(&world, 10, 0, 5);
    expect_message(&world, 1);
    struct tw_ack ack = ack_of(10, 11);
    ack.names = 5;
    hear(&world, ack);
    world.now_ns += 60 * SECOND; /* the daemon is restarted, and we did not notice */
    queue_named(&world, 10, 5, 5);
    expect_message(&world, 11);
    hear_hold(&world, ack_of(10, 11), "unknown_name");
    assert_int_equal(world.flow.state, TW_FLOW_STREAMING);
    expect_action(&world, TW_FLOW_SEND_NAMES, 5);
    expect_message(&world, 11);
    hear_hold(&world, ack_of(10, 11), "unknown_name"); /* an ack from before the hello */
    expect_nothing(&world);
    hear_standing(&world, 20, 21);
    assert_true(tw_flow_settled(&world.flow));
    tw_flow_clear(&world.flow);
}

/* ---- starting again from 1 ---- */

static void old_trades_are_compared_and_a_probe_says_when(void **state)
{
    (void)state;
    struct world world;
    begin_greeted(&world, 25);
    queue(&world, 10);
    queue(&world, 10);
    queue(&world, 10); /* 21 to 30: some of it is new */
    expect_message(&world, 1);
    expect_message(&world, 11);
    /* Beyond whatever may be taken meanwhile, also of what an earlier process has sent. */
    assert_true(tw_flow_probe_number(&world.flow) > 31 + UINT64_C(1000000000000));
    expect_probe(&world);
    expect_nothing(&world); /* nothing new before the old is known to be equal */
    hear_standing(&world, 25, 26);
    expect_nothing(&world);
    hear_gap(&world, 25, 26, 1);
    expect_message(&world, 21);
    hear_gap(&world, 30, 31, 1);
    assert_true(tw_flow_settled(&world.flow));
    tw_flow_clear(&world.flow);
}

/* 20 trades were sent by an earlier process and taken, 5 of them are durable. They are equal. */
static void begin_compared(struct world *world)
{
    begin(world);
    expect_hello(world);
    hear_standing(world, 5, 21);
    queue(world, 10);
    queue(world, 10);
    world->flow.finishing = true;
    expect_message(world, 1);
    expect_message(world, 11);
    expect_probe(world);
    hear_gap(world, 5, 21, 1);
}

static void what_is_equal_and_not_durable_is_kept(void **state)
{
    (void)state;
    struct world world;
    begin_compared(&world);
    assert_int_equal(tw_flow_unsettled(&world.flow), 20);
    expect_nothing(&world);
    world.now_ns += 3 * SECOND;
    expect_nothing(&world); /* it was taken: nothing is sent twice */
    hear_gap(&world, 10, 21, 1);
    assert_int_equal(tw_flow_unsettled(&world.flow), 10);
    queue(&world, 10);
    expect_message(&world, 21); /* what is new need not wait for it */
    hear_gap(&world, 30, 31, 1);
    assert_true(tw_flow_settled(&world.flow));
    tw_flow_clear(&world.flow);
}

static void what_was_equal_and_is_lost_is_sent_again(void **state)
{
    (void)state;
    struct world world;
    begin_compared(&world);
    tw_flow_reconnected(&world.flow, world.now_ns);
    expect_hello(&world);
    hear_standing(&world, 5, 6);
    expect_message(&world, 1);
    expect_message(&world, 11);
    expect_nothing(&world);
    hear_standing(&world, 20, 21);
    assert_true(tw_flow_settled(&world.flow));
    tw_flow_clear(&world.flow);
}

static void a_lost_probe_is_sent_again(void **state)
{
    (void)state;
    struct world world;
    begin_greeted(&world, 25);
    queue(&world, 10);
    expect_message(&world, 1);
    expect_nothing(&world); /* more may come */
    world.flow.finishing = true;
    expect_probe(&world);
    expect_nothing(&world);
    world.now_ns = tw_flow_deadline(&world.flow);
    expect_probe(&world);
    hear_gap(&world, 25, 26, 1);
    assert_true(tw_flow_settled(&world.flow));
    tw_flow_clear(&world.flow);
}

static void a_late_answer_says_nothing_of_what_was_sent_behind_its_probe(void **state)
{
    (void)state;
    struct world world;
    begin_greeted(&world, 25);
    world.flow.finishing = true;
    queue(&world, 10);
    expect_message(&world, 1);
    expect_probe(&world);
    world.now_ns = tw_flow_deadline(&world.flow);
    expect_probe(&world);
    hear_gap(&world, 25, 26, 1);
    assert_true(tw_flow_settled(&world.flow));
    queue(&world, 10);
    expect_message(&world, 11);
    expect_probe(&world);
    hear_gap(&world, 25, 26, 2); /* to the second of the first two */
    assert_int_equal(tw_flow_unsettled(&world.flow), 10);
    hear_gap(&world, 25, 26, 3);
    assert_true(tw_flow_settled(&world.flow));
    tw_flow_clear(&world.flow);
}

static void an_answer_that_comes_with_a_hold_is_not_late(void **state)
{
    (void)state;
    struct world world;
    begin_greeted(&world, 25);
    world.flow.finishing = true;
    queue_named(&world, 10, 0, 5);
    expect_message(&world, 1);
    expect_probe(&world);
    struct tw_ack ack = ack_of(25, 26);
    ack.gap = 1;
    hear_hold(&world, ack, "unknown_name");
    expect_message(&world, 1);
    expect_probe(&world);
    hear_gap(&world, 25, 26, 2);
    assert_true(tw_flow_settled(&world.flow));
    tw_flow_clear(&world.flow);
}

static void after_a_reconnection_no_answer_is_late(void **state)
{
    (void)state;
    struct world world;
    begin_greeted(&world, 25);
    world.flow.finishing = true;
    queue(&world, 10);
    expect_message(&world, 1);
    expect_probe(&world);
    tw_flow_reconnected(&world.flow, world.now_ns); /* what was under way is lost */
    expect_hello(&world);
    hear_gap(&world, 25, 26, 0);
    expect_message(&world, 1);
    expect_probe(&world);
    hear_gap(&world, 25, 26, 1);
    assert_true(tw_flow_settled(&world.flow));
    tw_flow_clear(&world.flow);
}

static void old_trades_that_differ_end_it(void **state)
{
    (void)state;
    struct world world;
    begin_greeted(&world, 25);
    queue(&world, 10);
    world.flow.finishing = true;
    expect_message(&world, 1);
    expect_probe(&world);
    struct tw_ack ack = ack_of(25, 26);
    ack.gap = 1;
    hear_hold(&world, ack, "sequence_reused");
    assert_int_equal(world.flow.state, TW_FLOW_HELD);
    assert_false(tw_flow_settled(&world.flow));
    tw_flow_clear(&world.flow);
}

static void old_trades_that_were_lost_meanwhile_count_as_new(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    expect_hello(&world);
    hear_standing(&world, 5, 21); /* 6 to 20 are not durable yet */
    queue(&world, 10);
    queue(&world, 10);
    expect_message(&world, 1);
    expect_message(&world, 11);
    tw_flow_reconnected(&world.flow, world.now_ns);
    expect_hello(&world);
    hear_standing(&world, 5, 6); /* and now they are gone */
    expect_message(&world, 1);
    expect_message(&world, 11);
    world.flow.finishing = true;
    expect_nothing(&world); /* no probe: they settle by being durable */
    hear_standing(&world, 20, 21);
    assert_true(tw_flow_settled(&world.flow));
    tw_flow_clear(&world.flow);
}

static void so_many_are_compared_at_a_time(void **state)
{
    (void)state;
    struct world world;
    begin_greeted(&world, 100000);
    for (uint64_t first = 1; first <= 10000; first += 2000)
        queue(&world, 2000);
    for (uint64_t first = 1; first <= 8000; first += 2000)
        expect_message(&world, first);
    expect_probe(&world); /* on a line that is lost all the time, what was compared before must count */
    hear_gap(&world, 100000, 100001, 1);
    assert_int_equal(tw_flow_unsettled(&world.flow), 2000);
    expect_message(&world, 8001);
    tw_flow_clear(&world.flow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_a_restarted_daemon_lost_go_ahead_of_the_resend),
        cmocka_unit_test(an_unknown_name_is_sent_and_then_the_message_again),
        cmocka_unit_test(old_trades_are_compared_and_a_probe_says_when),
        cmocka_unit_test(what_is_equal_and_not_durable_is_kept),
        cmocka_unit_test(what_was_equal_and_is_lost_is_sent_again),
        cmocka_unit_test(a_lost_probe_is_sent_again),
        cmocka_unit_test(a_late_answer_says_nothing_of_what_was_sent_behind_its_probe),
        cmocka_unit_test(an_answer_that_comes_with_a_hold_is_not_late),
        cmocka_unit_test(after_a_reconnection_no_answer_is_late),
        cmocka_unit_test(old_trades_that_differ_end_it),
        cmocka_unit_test(old_trades_that_were_lost_meanwhile_count_as_new),
        cmocka_unit_test(so_many_are_compared_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
