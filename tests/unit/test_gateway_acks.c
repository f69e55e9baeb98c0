/* SPDX-License-Identifier: MIT
 *
 * When acks come, and what they promise.
 */
#include <stdio.h>

#include "gateway_world.h"

static void durable_is_never_ahead_of_the_disk(void **state)
{
    (void)state;
    struct world *world = world_new(10);
    for (uint64_t seq = 1; seq <= 91; seq += 10)
        world_push_plain(world, "p", 0, seq, 10);
    world_cut(world);
    for (uint64_t lsn = world->durable_lsn + 1; lsn <= world->log.count; lsn++) {
        world_durable_to(world, lsn);
        const struct tw_ack *ack = world_ack(world, "p");
        assert_int_equal(ack->durable, tw_record_last(&world->log.records[lsn - 1]));
        assert_int_equal(ack->next, 101);
        assert_true(world_silent(world)); /* once for each progress */
    }
    world_free(&world);
}

static void progress_of_many_blocks_at_once_is_one_ack(void **state)
{
    (void)state;
    struct world *world = world_new(10);
    for (uint64_t seq = 1; seq <= 91; seq += 10) {
        world_push_plain(world, "p", 0, seq, 10);
        world_push_plain(world, "q", 0, seq, 10);
    }
    world_durable(world);
    struct tw_ack ack;
    assert_true(tw_gateway_next_ack(world->gateway, world->now_ns, &ack));
    assert_true(tw_gateway_next_ack(world->gateway, world->now_ns, &ack));
    assert_int_equal(ack.durable, 100);
    assert_false(tw_gateway_next_ack(world->gateway, world->now_ns, &ack));
    world_free(&world);
}

/* Acks that come in `ns`, asked for as the shell does. */
static uint32_t count_acks(struct world *world, int64_t ns)
{
    struct tw_ack ack;
    uint32_t count = 0;
    for (int64_t end = world->now_ns + ns; world->now_ns < end;) {
        world_pass(world, SECOND / 100);
        while (tw_gateway_next_ack(world->gateway, world->now_ns, &ack))
            count++;
    }
    return count;
}

static void an_ack_comes_every_100_ms_while_something_is_under_way(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    world_push_plain(world, "p", 0, 1, 1);
    world_cut(world);
    assert_in_range(count_acks(world, 2 * SECOND), 19, 20);
    world_pass(world, 60 * SECOND); /* however long it takes */
    assert_in_range(count_acks(world, SECOND), 9, 11);
    world_free(&world);
}

static void an_ack_comes_every_second_for_30_s_after_a_publisher_was_heard(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    world_push_plain(world, "p", 0, 1, 1);
    world_durable(world);
    world_ack(world, "p");
    assert_in_range(count_acks(world, 29 * SECOND), 28, 29);
    assert_in_range(count_acks(world, 30 * SECOND), 0, 1);
    assert_int_equal(count_acks(world, 30 * SECOND), 0);
    world_push_plain(world, "p", 0, 1, 1); /* a resend is a sign of life */
    assert_in_range(count_acks(world, 10 * SECOND), 9, 11);
    world_free(&world);
}

static void while_the_disk_takes_nothing_there_is_no_credit_and_a_hold(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    world_push_plain(world, "p", 0, 1, 5);
    world_durable(world);
    world_ack(world, "p");
    tw_gateway_hold_disk(world->gateway, true);
    const struct tw_ack *ack = world_ack(world, "p");
    expect_hold(ack, "disk", 6);
    assert_int_equal(ack->credit, 0);
    world_push_plain(world, "p", 0, 6, 1); /* beyond its credit of none */
    assert_int_equal(tw_gateway_last_seq(world->gateway), 5);
    world_ack(world, "p");
    tw_gateway_hold_disk(world->gateway, true);
    assert_true(world_silent(world)); /* nothing new */
    tw_gateway_hold_disk(world->gateway, false);
    ack = world_ack(world, "p");
    expect_no_hold(ack);
    assert_int_equal(ack->credit, TW_CREDIT_TRADES);
    world_push_plain(world, "p", 0, 6, 1);
    assert_int_equal(tw_gateway_last_seq(world->gateway), 6);
    world_free(&world);
}

static enum tw_taken submit_plain(struct world *world, enum tw_lane lane, const char *publisher, uint32_t incarnation,
                                  uint64_t seq, uint32_t count)
{
    struct tw_trade trade = trade_of("X", "A", 'B', 1, 10, NOON);
    struct tw_buffer message = {0};
    assert_true(count <= 1);
    tw_submission_encode_rows(&message, text_of(publisher), incarnation, seq, &trade, count);
    enum tw_taken taken =
        tw_gateway_submit(world->gateway, lane, message.bytes, message.length, world->wall_ns, world->now_ns);
    tw_buffer_free(&message);
    return taken;
}

/* Nothing more can be staged, and that may last for hours. */
static void when_nothing_has_room_on_a_full_disk_known_publishers_are_answered(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    world_push_plain(world, "p", 0, 1, 5);
    world_feed(world, "f", 0, 1, &(struct tw_trade){0}, 0);
    world_durable(world);
    world_ack(world, "p");
    while (submit_plain(world, TW_LANE_PUSH, "p", 0, 6, 0) == TW_TAKEN) /* until nothing has room */
        tw_gateway_snapshot(world->gateway, world->wall_ns);
    uint64_t last_seq = tw_gateway_last_seq(world->gateway);
    while (!world_silent(world))
        continue;
    tw_gateway_hold_disk(world->gateway, true);
    expect_hold(world_ack(world, "p"), "disk", 6);
    assert_int_equal(submit_plain(world, TW_LANE_PUSH, "p", 0, 6, 0), TW_TAKEN);
    expect_hold(world_ack(world, "p"), "disk", 6);
    assert_int_equal(submit_plain(world, TW_LANE_PUSH, "p", 0, 6, 1), TW_TAKEN); /* beyond its credit of none */
    const struct tw_ack *ack = world_ack(world, "p");
    expect_hold(ack, "disk", 6);
    assert_int_equal(ack->gap, 1);
    assert_int_equal(submit_plain(world, TW_LANE_PUSH, "p", 1, 1, 0), TW_TAKEN); /* wants a fence */
    assert_int_equal(submit_plain(world, TW_LANE_PUSH, "q", 0, 1, 0), TW_TAKEN); /* wants a name */
    assert_true(world_silent(world));                                            /* they ask again */
    assert_int_equal(tw_gateway_counters(world->gateway).turned_away, 2);
    assert_int_equal(submit_plain(world, TW_LANE_FEED, "f", 0, 1, 1), TW_TAKEN_LATER);
    assert_int_equal(tw_gateway_last_seq(world->gateway), last_seq);
    tw_gateway_hold_disk(world->gateway, false);
    assert_int_equal(submit_plain(world, TW_LANE_PUSH, "p", 0, 6, 1), TW_TAKEN_LATER); /* it has credit again */
    world_durable(world);
    assert_int_equal(submit_plain(world, TW_LANE_PUSH, "p", 0, 6, 1), TW_TAKEN);
    assert_int_equal(tw_gateway_last_seq(world->gateway), last_seq + 1);
    world_hello(world, "q", 0);
    world_durable(world);
    expect_no_hold(world_ack(world, "q"));
    world_free(&world);
}

static void one_publishers_trouble_is_not_anothers(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_trade other = trade_of("Z", "A", 'B', 1, 1, NOON);
    world_push_plain(world, "p", 0, 1, 5);
    world_push_plain(world, "q", 0, 1, 5);
    world_push(world, "p", 0, 1, &other, 1);
    world_durable(world);
    struct tw_ack ack;
    for (int i = 0; i < 2; i++) {
        assert_true(tw_gateway_next_ack(world->gateway, world->now_ns, &ack));
        assert_int_equal(ack.has_hold, ack.publisher.bytes[0] == 'p');
    }
    world_free(&world);
}

static void acks_of_thousands_of_publishers_all_come(void **state)
{
    (void)state;
    struct world *world = world_new(8190);
    char name[16];
    for (int i = 0; i < 3000; i++) {
        snprintf(name, sizeof name, "p%d", i);
        world_hello(world, name, 0);
    }
    struct tw_ack ack;
    uint32_t count = 0;
    while (tw_gateway_next_ack(world->gateway, world->now_ns, &ack))
        count++;
    assert_int_equal(count, 3000);
    world_durable(world);
    assert_int_equal(world->log.names[TW_NAME_SOURCE].count, 3000);
    world_free(&world);
}

/* It was told to send nothing: a minute of that does not mean that nobody waits for the end of the hold. */
static void a_publisher_held_by_the_disk_is_acked_however_long_it_lasts(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    world_push_plain(world, "p", 0, 1, 5);
    world_durable(world);
    world_ack(world, "p");
    tw_gateway_hold_disk(world->gateway, true);
    expect_hold(world_ack(world, "p"), "disk", 6);
    for (int minute = 0; minute < 3; minute++) {
        world_pass(world, 60 * SECOND);
        expect_hold(world_ack(world, "p"), "disk", 6);
    }
    tw_gateway_hold_disk(world->gateway, false);
    for (int again = 0; again < 20; again++) { /* and not once only: the first may get lost */
        expect_no_hold(world_ack(world, "p"));
        world_pass(world, SECOND);
    }
    world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durable_is_never_ahead_of_the_disk),
        cmocka_unit_test(progress_of_many_blocks_at_once_is_one_ack),
        cmocka_unit_test(an_ack_comes_every_100_ms_while_something_is_under_way),
        cmocka_unit_test(an_ack_comes_every_second_for_30_s_after_a_publisher_was_heard),
        cmocka_unit_test(while_the_disk_takes_nothing_there_is_no_credit_and_a_hold),
        cmocka_unit_test(a_publisher_held_by_the_disk_is_acked_however_long_it_lasts),
        cmocka_unit_test(when_nothing_has_room_on_a_full_disk_known_publishers_are_answered),
        cmocka_unit_test(one_publishers_trouble_is_not_anothers),
        cmocka_unit_test(acks_of_thousands_of_publishers_all_come),
    };
    return cmocka_run_group_tests_name("gateway: acks", tests, NULL, NULL);
}
