/* SPDX-License-Identifier: MIT
 *
 * A publisher's half of the conversation, told from the daemon's side: what it hears, and what it says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/client/flow.h"

#define SECOND INT64_C(1000000000)
#define MS INT64_C(1000000)

struct world {
    struct tw_flow flow;
    int64_t now_ns;
    uint64_t queued;
};

static void begin(struct world *world)
{
    memset(world, 0, sizeof *world);
    world->now_ns = 100 * SECOND;
    tw_flow_init(&world->flow, (struct tw_text){"desk-7", 6}, 2);
}

static struct tw_ack ack_of(uint64_t durable, uint64_t next)
{
    return (struct tw_ack){
        .publisher = {"desk-7", 6}, .incarnation = 2, .durable = durable, .next = next, .credit = 1000};
}

static void hear(struct world *world, struct tw_ack ack)
{
    assert_true(tw_flow_ack(&world->flow, &ack, world->now_ns));
}
static void hear_standing(struct world *world, uint64_t durable, uint64_t next)
{
    hear(world, ack_of(durable, next));
}

static void hear_hold(struct world *world, struct tw_ack ack, const char *code)
{
    ack.has_hold = true;
    ack.hold_code = (struct tw_text){code, (uint32_t)strlen(code)};
    ack.hold_why = (struct tw_text){"why", 3};
    ack.hold_seq = ack.next;
    hear(world, ack);
}

static void hear_gap(struct world *world, uint64_t durable, uint64_t next, uint64_t gap)
{
    struct tw_ack ack = ack_of(durable, next);
    ack.gap = gap;
    hear(world, ack);
}

/* Queues a message of so many trades behind those before; names: known after it. */
static void queue_named(struct world *world, uint32_t count, uint64_t names_before, uint64_t names_after)
{
    struct tw_flow_message *message = tw_flow_queue(&world->flow);
    message->first = world->queued + 1;
    message->count = count;
    message->names_before = names_before;
    message->names_after = names_after;
    world->queued += count;
}
static void queue(struct world *world, uint32_t count)
{
    queue_named(world, count, 0, 0);
}

static void expect_nothing(struct world *world)
{
    assert_int_equal(tw_flow_next(&world->flow, world->now_ns), TW_FLOW_NOTHING);
}

static void expect_action(struct world *world, enum tw_flow_action action, uint64_t names_after)
{
    assert_int_equal(tw_flow_next(&world->flow, world->now_ns), action);
    tw_flow_sent(&world->flow, action, names_after, world->now_ns);
}
static void expect_hello(struct world *world)
{
    expect_action(world, TW_FLOW_SEND_HELLO, 0);
}
static void expect_probe(struct world *world)
{
    expect_action(world, TW_FLOW_SEND_PROBE, 0);
}

static void expect_message(struct world *world, uint64_t first)
{
    assert_int_equal(tw_flow_next(&world->flow, world->now_ns), TW_FLOW_SEND_MESSAGE);
    assert_int_equal(tw_flow_message(&world->flow)->first, first);
    tw_flow_sent(&world->flow, TW_FLOW_SEND_MESSAGE, 0, world->now_ns);
}

/* Greeted by a daemon that has `durable` trades of us; half a second ago, so that nothing is too soon. */
static void begin_greeted(struct world *world, uint64_t durable)
{
    begin(world);
    expect_hello(world);
    hear_standing(world, durable, durable + 1);
    world->now_ns += SECOND / 2;
}

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
    world.queued = 10; /* going on behind them */
    queue(&world, 10);
    expect_message(&world, 11);
    hear_standing(&world, 5, 6); /* restarted: 6 to 10 were not durable */
    expect_nothing(&world);
    assert_int_equal(world.flow.state, TW_FLOW_LOST);
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
    assert_true(tw_flow_probe_number(&world.flow) > 31); /* beyond whatever may be taken meanwhile */
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
    for (uint64_t first = 1; first <= 70000; first += 7000)
        queue(&world, 7000);
    for (uint64_t first = 1; first <= 63000; first += 7000)
        expect_message(&world, first);
    expect_probe(&world);
    hear_gap(&world, 100000, 100001, 1);
    assert_int_equal(tw_flow_unsettled(&world.flow), 7000);
    expect_message(&world, 63001);
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
        cmocka_unit_test(a_full_disk_is_waited_for),
        cmocka_unit_test(a_hold_that_a_person_must_see_ends_it),
        cmocka_unit_test(a_hold_from_before_our_hello_is_not_ours),
        cmocka_unit_test(a_higher_incarnation_fences),
        cmocka_unit_test(what_the_incarnation_before_left_is_known),
        cmocka_unit_test(names_that_a_restarted_daemon_lost_go_ahead_of_the_resend),
        cmocka_unit_test(an_unknown_name_is_sent_and_then_the_message_again),
        cmocka_unit_test(old_trades_are_compared_and_a_probe_says_when),
        cmocka_unit_test(a_lost_probe_is_sent_again),
        cmocka_unit_test(old_trades_that_differ_end_it),
        cmocka_unit_test(old_trades_that_were_lost_meanwhile_count_as_new),
        cmocka_unit_test(so_many_are_compared_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
