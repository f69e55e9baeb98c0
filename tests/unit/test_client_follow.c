/* SPDX-License-Identifier: MIT
 *
 * A subscriber's half of the conversation: each n once and in order, whatever the way loses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/client/follow.h"

#define SECOND INT64_C(1000000000)
#define MS INT64_C(1000000)

struct world {
    struct tw_follow follow;
    int64_t now_ns;
    uint64_t handed_out; /* the last n */
};

static void begin(struct world *world, uint64_t after, bool live)
{
    *world = (struct world){.now_ns = 100 * SECOND, .handed_out = after};
    tw_follow_init(&world->follow, after, false, live);
}

static void take(struct world *world, uint64_t n)
{
    assert_int_equal(n, world->handed_out + 1);
    world->handed_out = n;
}

/* What waited and is due is handed out at once, as the shell does. */
static void drain(struct world *world)
{
    const struct tw_buffer *due;
    while ((due = tw_follow_due(&world->follow)) != NULL) {
        uint64_t n;
        assert_int_equal(due->length, sizeof n);
        memcpy(&n, due->bytes, sizeof n);
        take(world, n);
    }
}

static void hear(struct world *world, uint64_t n, bool answer)
{
    if (tw_follow_alert(&world->follow, n, &n, sizeof n, answer, world->now_ns))
        take(world, n);
    drain(world);
}
static void hear_live(struct world *world, uint64_t n)
{
    hear(world, n, false);
}
static void hear_answer(struct world *world, uint64_t n)
{
    hear(world, n, true);
}

static void hear_end(struct world *world, uint64_t after, uint64_t last, bool more)
{
    const struct tw_catchup_end end = {.after = after, .last = last, .more = more};
    tw_follow_end(&world->follow, &end, world->now_ns);
    drain(world);
}

static void expect_silence(struct world *world)
{
    uint64_t after;
    uint32_t limit;
    assert_false(tw_follow_ask(&world->follow, world->now_ns, &after, &limit));
}

static uint32_t expect_request(struct world *world, uint64_t after)
{
    uint64_t asked;
    uint32_t limit = 0;
    assert_true(tw_follow_ask(&world->follow, world->now_ns, &asked, &limit));
    assert_int_equal(asked, after);
    return limit;
}

/* Live, with everything up to `n` handed out. */
static void begin_live(struct world *world, uint64_t n)
{
    begin(world, n, true);
    expect_request(world, n);
    hear_end(world, n, n, false);
}

static void the_first_request_asks_whether_anything_comes_back(void **state)
{
    (void)state;
    struct world world;
    begin(&world, 0, false);
    assert_int_equal(expect_request(&world, 0), 1);
    expect_silence(&world);
    world.now_ns += 100 * MS; /* the subscription may be young */
    assert_int_equal(expect_request(&world, 0), 1);
    hear_answer(&world, 1);
    hear_end(&world, 0, 1, true);
    assert_int_equal(expect_request(&world, 1), TW_FOLLOW_LIMIT);
    hear_answer(&world, 2);
    hear_end(&world, 1, 2, false);
    assert_true(world.follow.done);
    expect_silence(&world);
    assert_int_equal(world.handed_out, 2);
    tw_follow_clear(&world.follow);
}

static void an_empty_record_ends_at_once(void **state)
{
    (void)state;
    struct world world;
    begin(&world, 0, false);
    expect_request(&world, 0);
    hear_end(&world, 0, 0, false);
    assert_true(world.follow.done);
    tw_follow_clear(&world.follow);
}

static void live_alerts_are_handed_out_as_they_come_and_repeats_dropped(void **state)
{
    (void)state;
    struct world world;
    begin_live(&world, 7);
    hear_live(&world, 8);
    hear_live(&world, 8);
    hear_live(&world, 3);
    hear_live(&world, 9);
    assert_int_equal(world.handed_out, 9);
    expect_silence(&world);
    tw_follow_clear(&world.follow);
}

static void a_hole_is_filled_before_what_comes_behind_it(void **state)
{
    (void)state;
    struct world world;
    begin_live(&world, 7);
    hear_live(&world, 10);
    assert_int_equal(world.handed_out, 7);
    expect_request(&world, 7);
    hear_live(&world, 11);
    hear_answer(&world, 8);
    hear_answer(&world, 9); /* 10 and 11 follow at once */
    assert_int_equal(world.handed_out, 11);
    hear_answer(&world, 10);
    hear_end(&world, 7, 10, false);
    expect_silence(&world);
    tw_follow_clear(&world.follow);
}

static void a_lost_answer_is_asked_for_again(void **state)
{
    (void)state;
    struct world world;
    begin_live(&world, 0);
    hear_live(&world, 6);
    expect_request(&world, 0);
    hear_answer(&world, 1);
    hear_answer(&world, 2);
    hear_answer(&world, 4); /* 3 was lost */
    hear_answer(&world, 5);
    hear_end(&world, 0, 6, false);
    expect_request(&world, 2);
    hear_answer(&world, 3);
    hear_answer(&world, 4);
    hear_answer(&world, 5);
    assert_int_equal(world.handed_out, 6);
    hear_end(&world, 2, 6, false);
    expect_silence(&world);
    tw_follow_clear(&world.follow);
}

static void a_lost_last_answer_shows_in_the_end(void **state)
{
    (void)state;
    struct world world;
    begin(&world, 0, false);
    expect_request(&world, 0);
    hear_answer(&world, 1);
    hear_end(&world, 0, 2, false);
    assert_false(world.follow.done);
    expect_request(&world, 1);
    hear_answer(&world, 2);
    hear_end(&world, 1, 2, false);
    assert_true(world.follow.done);
    tw_follow_clear(&world.follow);
}

static void a_lost_end_is_asked_for_again_after_a_second(void **state)
{
    (void)state;
    struct world world;
    begin_live(&world, 0);
    hear_live(&world, 3);
    expect_request(&world, 0);
    world.now_ns += SECOND / 2;
    hear_answer(&world, 1); /* it still comes: the second begins anew */
    world.now_ns += SECOND - 1;
    expect_silence(&world);
    world.now_ns += 1;
    expect_request(&world, 1);
    hear_end(&world, 0, 3, false); /* of the request that was given up */
    expect_silence(&world);
    hear_answer(&world, 2);
    hear_end(&world, 1, 3, false);
    assert_int_equal(world.handed_out, 3);
    expect_silence(&world);
    tw_follow_clear(&world.follow);
}

static void a_head_shows_that_the_end_is_missing(void **state)
{
    (void)state;
    struct world world;
    begin_live(&world, 5);
    tw_follow_head(&world.follow, 6, world.now_ns);
    expect_silence(&world); /* it may be under way */
    assert_int_equal(tw_follow_deadline(&world.follow), world.now_ns + SECOND / 2);
    world.now_ns += SECOND / 2;
    expect_request(&world, 5);
    tw_follow_clear(&world.follow);
}

static void what_a_head_knew_ahead_may_still_come(void **state)
{
    (void)state;
    struct world world;
    begin_live(&world, 5);
    tw_follow_head(&world.follow, 6, world.now_ns);
    hear_live(&world, 6);
    world.now_ns += SECOND;
    expect_silence(&world);
    tw_follow_clear(&world.follow);
}

static void a_head_that_came_while_an_earlier_one_was_waited_for_counts(void **state)
{
    (void)state;
    struct world world;
    begin_live(&world, 5);
    tw_follow_head(&world.follow, 6, world.now_ns);
    tw_follow_head(&world.follow, 8, world.now_ns);
    hear_live(&world, 6);
    hear_live(&world, 7);
    assert_int_equal(tw_follow_deadline(&world.follow), 0); /* 8 is waited for from then on */
    expect_silence(&world);
    assert_int_equal(tw_follow_deadline(&world.follow), world.now_ns + SECOND / 2);
    world.now_ns += SECOND / 2;
    expect_request(&world, 7);
    tw_follow_clear(&world.follow);
}

static void more_than_may_wait_is_asked_for_in_time(void **state)
{
    (void)state;
    struct world world;
    const uint64_t last = 3 * TW_FOLLOW_WAITING_MAX;
    begin_live(&world, 0);
    for (uint64_t n = 2; n <= last; n++)
        hear_live(&world, n);
    assert_int_equal(world.handed_out, 0);
    while (world.handed_out < last) {
        uint64_t after = world.handed_out;
        uint32_t limit = expect_request(&world, after);
        uint64_t to = after + limit < last ? after + limit : last;
        for (uint64_t n = after + 1; n <= to; n++)
            hear_answer(&world, n);
        hear_end(&world, after, to, to < last);
    }
    expect_silence(&world);
    assert_int_equal(world.handed_out, last);
    tw_follow_clear(&world.follow);
}

static void from_now_on_means_behind_the_first_thing_heard(void **state)
{
    (void)state;
    struct world world = {.now_ns = 100 * SECOND, .handed_out = 41};
    tw_follow_init(&world.follow, 0, true, true);
    expect_silence(&world);
    tw_follow_head(&world.follow, 41, world.now_ns);
    expect_silence(&world);
    hear_live(&world, 42);
    assert_int_equal(world.handed_out, 42);
    tw_follow_clear(&world.follow);

    world = (struct world){.now_ns = 100 * SECOND, .handed_out = 41};
    tw_follow_init(&world.follow, 0, true, true);
    hear_live(&world, 42); /* before any head */
    assert_int_equal(world.handed_out, 42);
    tw_follow_clear(&world.follow);
}

/* A head that says less, and what the daemon then answers to the question for the newest that was handed out. */
static void doubt(struct world *world, uint64_t head, bool there)
{
    tw_follow_head(&world->follow, head, world->now_ns);
    assert_int_equal(tw_follow_deadline(&world->follow), 0);
    assert_int_equal(expect_request(world, world->handed_out - 1), 1);
    if (there)
        hear_answer(world, world->handed_out);
    hear_end(world, world->handed_out - 1, world->handed_out - !there, false);
}

static void a_daemon_with_fewer_alerts_is_another_one(void **state)
{
    (void)state;
    struct world world;
    begin_live(&world, 1293);
    doubt(&world, 5, false);
    assert_false(world.follow.lost);
    expect_silence(&world);
    doubt(&world, 5, false);
    assert_true(world.follow.lost);
    hear_live(&world, 1294); /* its own 1294 */
    assert_int_equal(world.handed_out, 1293);
    expect_silence(&world);
    assert_int_equal(tw_follow_deadline(&world.follow), INT64_MAX);
    tw_follow_clear(&world.follow);
}

static void an_old_head_ends_nothing(void **state)
{
    (void)state;
    struct world world;
    begin_live(&world, 7);
    for (int i = 0; i < 5; i++) {
        hear_live(&world, world.handed_out + 1);
        doubt(&world, 7, true); /* heads are sent again while alerts wait */
    }
    doubt(&world, 7, false); /* by the end of a request that was given up long ago */
    doubt(&world, 7, true);
    doubt(&world, 7, false);
    tw_follow_head(&world.follow, world.handed_out, world.now_ns);
    doubt(&world, 7, false);
    assert_false(world.follow.lost);
    hear_live(&world, 13);
    assert_int_equal(world.handed_out, 13);
    tw_follow_clear(&world.follow);
}

static void a_doubt_is_asked_again_and_forgets_no_hole(void **state)
{
    (void)state;
    struct world world;
    begin_live(&world, 7);
    hear_live(&world, 10);
    expect_request(&world, 7);
    tw_follow_head(&world.follow, 6, world.now_ns);
    expect_silence(&world); /* one at a time */
    world.now_ns += SECOND;
    assert_int_equal(expect_request(&world, 6), 1);
    world.now_ns += SECOND; /* its end was lost */
    assert_int_equal(expect_request(&world, 6), 1);
    hear_end(&world, 6, 7, true);
    assert_int_equal(expect_request(&world, 7), TW_FOLLOW_LIMIT);
    tw_follow_clear(&world.follow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_request_asks_whether_anything_comes_back),
        cmocka_unit_test(an_empty_record_ends_at_once),
        cmocka_unit_test(live_alerts_are_handed_out_as_they_come_and_repeats_dropped),
        cmocka_unit_test(a_hole_is_filled_before_what_comes_behind_it),
        cmocka_unit_test(a_lost_answer_is_asked_for_again),
        cmocka_unit_test(a_lost_last_answer_shows_in_the_end),
        cmocka_unit_test(a_lost_end_is_asked_for_again_after_a_second),
        cmocka_unit_test(a_head_shows_that_the_end_is_missing),
        cmocka_unit_test(what_a_head_knew_ahead_may_still_come),
        cmocka_unit_test(a_head_that_came_while_an_earlier_one_was_waited_for_counts),
        cmocka_unit_test(more_than_may_wait_is_asked_for_in_time),
        cmocka_unit_test(from_now_on_means_behind_the_first_thing_heard),
        cmocka_unit_test(a_daemon_with_fewer_alerts_is_another_one),
        cmocka_unit_test(an_old_head_ends_nothing),
        cmocka_unit_test(a_doubt_is_asked_again_and_forgets_no_hole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
