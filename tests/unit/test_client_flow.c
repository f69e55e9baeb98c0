/* SPDX-License-Identifier: MIT
 *
 * A publisher's half of the conversation, told from the daemon's side: sending, losing, waiting, ending.
 */
#include "tests/unit/flow_world.h"

static void hello_is_repeated_until_an_ack_answers(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    expect_hello(&world);
    expect_nothing(&world);
    assert_int_equal(tw_flow_deadline(&world.flow), world.now_ns + 100 * MS);
    world.now_ns += 100 * MS;
    expect_hello(&world);
    hear_standing(&world, 0, 1);
    assert_true(world.flow.started);
    expect_nothing(&world);
    assert_true(tw_flow_settled(&world.flow));
    tw_flow_clear(&world.flow);
}

static void acks_of_others_and_of_older_incarnations_are_not_ours(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    expect_hello(&world);
    struct tw_ack other = ack_of(0, 1), older = ack_of(0, 1);
    other.publisher = (struct tw_text){"desk-70", 7};
    older.incarnation = 1;
    assert_false(tw_flow_ack(&world.flow, &other, world.now_ns));
    assert_false(tw_flow_ack(&world.flow, &older, world.now_ns));
    assert_false(world.flow.started);
    tw_flow_clear(&world.flow);
}

static void trades_are_kept_until_they_are_durable(void **state)
{
    (void)state;
    struct world world;
    begin_greeted(&world, 0);
    queue(&world, 10);
    queue(&world, 10);
    expect_message(&world, 1);
    expect_message(&world, 11);
    expect_nothing(&world);
    hear_standing(&world, 9, 21);
    assert_int_equal(tw_flow_unsettled(&world.flow), 20);
    hear_standing(&world, 10, 21);
    assert_int_equal(tw_flow_unsettled(&world.flow), 10);
    hear_standing(&world, 20, 21);
    assert_true(tw_flow_settled(&world.flow));
    tw_flow_clear(&world.flow);
}

static void nothing_is_sent_beyond_credit(void **state)
{
    (void)state;
    struct world world;
    begin_greeted(&world, 0);
    queue(&world, 600);
    queue(&world, 400);
    queue(&world, 1);
    expect_message(&world, 1);
    expect_message(&world, 601);
    expect_nothing(&world); /* 1,000 are under way */
    hear_standing(&world, 600, 1001);
    expect_message(&world, 1001);
    tw_flow_clear(&world.flow);
}

static void a_rise_of_gap_sends_again_from_next(void **state)
{
    (void)state;
    struct world world;
    begin_greeted(&world, 0);
    for (int i = 0; i < 3; i++)
        queue(&world, 10);
    for (uint64_t first = 1; first <= 21; first += 10)
        expect_message(&world, first);
    hear_gap(&world, 0, 11, 1); /* the second was lost, the third dropped */
    expect_message(&world, 11);
    expect_message(&world, 21);
    expect_nothing(&world);
    assert_int_equal(world.flow.resends, 1);
    hear_gap(&world, 30, 31, 1);
    assert_true(tw_flow_settled(&world.flow));
    tw_flow_clear(&world.flow);
}

static void one_loss_is_answered_once_though_every_message_behind_it_raises_gap(void **state)
{
    (void)state;
    struct world world;
    begin_greeted(&world, 0);
    for (int i = 0; i < 4; i++) {
        queue(&world, 10);
        expect_message(&world, (uint64_t)i * 10 + 1);
    }
    hear_gap(&world, 0, 11, 1);
    for (uint64_t first = 11; first <= 31; first += 10)
        expect_message(&world, first);
    hear_gap(&world, 0, 11, 2); /* still of the first round */
    hear_gap(&world, 0, 11, 3);
    expect_nothing(&world);
    hear_gap(&world, 0, 41, 3);
    world.now_ns += 200 * MS;
    expect_nothing(&world);
    tw_flow_clear(&world.flow);
}

static void a_gap_that_stays_is_answered_after_a_pause(void **state)
{
    (void)state;
    struct world world;
    begin_greeted(&world, 0);
    queue(&world, 10);
    queue(&world, 10);
    expect_message(&world, 1);
    expect_message(&world, 11);
    hear_gap(&world, 0, 1, 1);
    expect_message(&world, 1);
    expect_message(&world, 11);
    hear_gap(&world, 0, 1, 2); /* lost again */
    expect_nothing(&world);
    world.now_ns = tw_flow_deadline(&world.flow);
    expect_message(&world, 1);
    tw_flow_clear(&world.flow);
}

static void an_ack_that_merely_repeats_sends_nothing(void **state)
{
    (void)state;
    struct world world;
    begin_greeted(&world, 0);
    queue(&world, 10);
    expect_message(&world, 1);
    for (int i = 0; i < 9; i++) {
        world.now_ns += 100 * MS;
        hear_standing(&world, 0, 1);
        expect_nothing(&world);
    }
    tw_flow_clear(&world.flow);
}

static void a_second_without_progress_sends_again_from_next(void **state)
{
    (void)state;
    struct world world;
    begin_greeted(&world, 0);
    queue(&world, 10);
    queue(&world, 10);
    expect_message(&world, 1);
    expect_message(&world, 11);
    world.now_ns += SECOND / 2;
    hear_standing(&world, 0, 11); /* progress: the second begins anew */
    world.now_ns += SECOND - 1;
    expect_nothing(&world);
    world.now_ns += 1;
    expect_message(&world, 11);
    expect_nothing(&world);
    tw_flow_clear(&world.flow);
}

static void silence_makes_the_resends_rarer(void **state)
{
    (void)state;
    struct world world;
    begin_greeted(&world, 0);
    queue(&world, 10);
    expect_message(&world, 1);
    int64_t waits[6];
    for (int i = 0; i < 6; i++) {
        int64_t deadline_ns = tw_flow_deadline(&world.flow);
        waits[i] = (deadline_ns - world.now_ns) / SECOND;
        world.now_ns = deadline_ns;
        expect_message(&world, 1);
    }
    const int64_t expected[6] = {1, 2, 4, 8, 8, 8};
    assert_memory_equal(waits, expected, sizeof expected);
    hear_standing(&world, 5, 6); /* and an answer makes it quick again */
    assert_int_equal(tw_flow_deadline(&world.flow), world.now_ns + SECOND);
    tw_flow_clear(&world.flow);
}

static void a_reconnection_is_greeted_and_answered_from_next(void **state)
{
    (void)state;
    struct world world;
    begin_greeted(&world, 0);
    queue(&world, 10);
    queue(&world, 10);
    expect_message(&world, 1);
    expect_message(&world, 11);
    tw_flow_reconnected(&world.flow, world.now_ns);
    expect_hello(&world);
    expect_nothing(&world);
    hear_standing(&world, 10, 11);
    expect_message(&world, 11);
    expect_nothing(&world);
    tw_flow_clear(&world.flow);
}

static void a_daemon_that_came_back_gets_what_it_had_not_made_durable(void **state)
{
    (void)state;
    struct world world;
    begin_greeted(&world, 0);
    for (int i = 0; i < 3; i++) {
        queue(&world, 10);
        expect_message(&world, (uint64_t)i * 10 + 1);
    }
    hear_gap(&world, 10, 31, 4);
    world.now_ns += SECOND / 2;
    hear_gap(&world, 10, 11, 0); /* next went back, gap starts from 0 */
    expect_message(&world, 11);
    expect_message(&world, 21);
    hear_gap(&world, 30, 31, 0);
    assert_true(tw_flow_settled(&world.flow));
    tw_flow_clear(&world.flow);
}

static void durable_that_goes_back_is_told(void **state)
{
    (void)state;
    struct world world;
    begin_greeted(&world, 0);
    queue(&world, 10);
    expect_message(&world, 1);
    hear_standing(&world, 10, 11);
    hear_standing(&world, 0, 1);
    assert_int_equal(world.flow.state, TW_FLOW_LOST);
    expect_nothing(&world);
    tw_flow_clear(&world.flow);
}

static void trades_of_an_earlier_sender_that_are_gone_are_told(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    expect_hello(&world);
    hear_standing(&world, 5, 11);
    world.queued = world.flow.others = 10; /* going on behind them */
    queue(&world, 10);
    expect_message(&world, 11);
    hear_standing(&world, 5, 6); /* restarted: 6 to 10 were not durable */
    expect_nothing(&world);
    assert_int_equal(world.flow.state, TW_FLOW_LOST);
    tw_flow_clear(&world.flow);
}

static void what_an_earlier_sender_sent_is_waited_for(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    expect_hello(&world);
    hear_standing(&world, 5, 11);
    world.flow.others = 10;
    assert_false(tw_flow_settled(&world.flow));
    hear_standing(&world, 9, 11);
    assert_false(tw_flow_settled(&world.flow));
    expect_nothing(&world);
    hear_standing(&world, 10, 11);
    assert_true(tw_flow_settled(&world.flow));
    tw_flow_clear(&world.flow);
}

static void a_full_disk_is_waited_for(void **state)
{
    (void)state;
    struct world world;
    begin_greeted(&world, 0);
    queue(&world, 10);
    expect_message(&world, 1);
    struct tw_ack ack = ack_of(0, 1);
    ack.credit = 0;
    hear_hold(&world, ack, "disk");
    queue(&world, 10);
    for (int i = 0; i < 50; i++) {
        world.now_ns += SECOND;
        hear_hold(&world, ack, "disk");
        expect_nothing(&world);
    }
    hear_standing(&world, 0, 1);
    expect_message(&world, 1); /* it may have been dropped meanwhile */
    expect_message(&world, 11);
    tw_flow_clear(&world.flow);
}

static void a_hold_that_a_person_must_see_ends_it(void **state)
{
    (void)state;
    struct world world;
    begin_greeted(&world, 0);
    queue(&world, 10);
    expect_message(&world, 1);
    hear_hold(&world, ack_of(0, 1), "sequence_reused");
    assert_int_equal(world.flow.state, TW_FLOW_HELD);
    assert_string_equal(world.flow.hold_code, "sequence_reused");
    assert_string_equal(world.flow.hold_why, "why");
    expect_nothing(&world);
    assert_int_equal(tw_flow_deadline(&world.flow), INT64_MAX);
    tw_flow_clear(&world.flow);
}

static void a_hold_from_before_our_hello_is_not_ours(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    expect_hello(&world);
    hear_hold(&world, ack_of(5, 6), "sequence_reused"); /* an earlier life earned it; the hello lifts it */
    assert_false(world.flow.started);
    hear_standing(&world, 5, 6);
    assert_true(world.flow.started);
    tw_flow_clear(&world.flow);
}

static void a_higher_incarnation_fences(void **state)
{
    (void)state;
    struct world world;
    begin_greeted(&world, 0);
    struct tw_ack ack = ack_of(0, 1);
    ack.incarnation = 3;
    hear(&world, ack);
    assert_int_equal(world.flow.state, TW_FLOW_FENCED);
    tw_flow_clear(&world.flow);
    begin(&world);
    expect_hello(&world);
    hear_hold(&world, ack_of(0, 1), "stale_incarnation");
    assert_int_equal(world.flow.state, TW_FLOW_FENCED);
    tw_flow_clear(&world.flow);
}

static void what_the_incarnation_before_left_is_known(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    expect_hello(&world);
    struct tw_ack ack = ack_of(0, 1);
    ack.has_previous = true;
    ack.previous_incarnation = 1;
    ack.previous_durable = 150;
    hear(&world, ack);
    assert_true(world.flow.has_previous);
    assert_int_equal(world.flow.previous_durable, 150);
    tw_flow_clear(&world.flow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_is_repeated_until_an_ack_answers),
        cmocka_unit_test(acks_of_others_and_of_older_incarnations_are_not_ours),
        cmocka_unit_test(trades_are_kept_until_they_are_durable),
        cmocka_unit_test(nothing_is_sent_beyond_credit),
        cmocka_unit_test(a_rise_of_gap_sends_again_from_next),
        cmocka_unit_test(one_loss_is_answered_once_though_every_message_behind_it_raises_gap),
        cmocka_unit_test(a_gap_that_stays_is_answered_after_a_pause),
        cmocka_unit_test(an_ack_that_merely_repeats_sends_nothing),
        cmocka_unit_test(a_second_without_progress_sends_again_from_next),
        cmocka_unit_test(silence_makes_the_resends_rarer),
        cmocka_unit_test(a_reconnection_is_greeted_and_answered_from_next),
        cmocka_unit_test(a_daemon_that_came_back_gets_what_it_had_not_made_durable),
        cmocka_unit_test(durable_that_goes_back_is_told),
        cmocka_unit_test(trades_of_an_earlier_sender_that_are_gone_are_told),
        cmocka_unit_test(what_an_earlier_sender_sent_is_waited_for),
        cmocka_unit_test(a_full_disk_is_waited_for),
        cmocka_unit_test(a_hold_that_a_person_must_see_ends_it),
        cmocka_unit_test(a_hold_from_before_our_hello_is_not_ours),
        cmocka_unit_test(a_higher_incarnation_fences),
        cmocka_unit_test(what_the_incarnation_before_left_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
