/* SPDX-License-Identifier: MIT
 *
 * Lanes and pools on real inproc sockets: order, bounds, and above all who owns what at every moment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "actors/runtime/agent.h"
#include "actors/runtime/lane.h"
#include "actors/runtime/lanes.h"
#include "actors/runtime/pool.h"
#include "czmq_once.h"
#include "protocol/check.h"
#include "protocol/limits.h"

#define PATIENCE_NS (INT64_C(20) * TW_NS_PER_SECOND)

/* Each test has its own: libzmq gives a closed socket's name back a little later. */
static char lane_name[TW_LANE_NAME_BYTES], further_name[TW_LANE_NAME_BYTES];

static struct tw_frame *frame_of(uint32_t number)
{
    struct tw_frame *frame = tw_frame_new(sizeof number);
    memcpy(frame->bytes, &number, sizeof number);
    frame->length = sizeof number;
    return frame;
}

static uint32_t number_in(zmq_msg_t *message)
{
    uint32_t number;
    assert_int_equal(zmq_msg_size(message), sizeof number);
    memcpy(&number, zmq_msg_data(message), sizeof number);
    return number;
}

/* The next part, within patience. */
static void await(zsock_t *lane, zmq_msg_t *message)
{
    zmq_pollitem_t item = {zsock_resolve(lane), 0, ZMQ_POLLIN, 0};
    assert_int_equal(zmq_poll(&item, 1, (long)(PATIENCE_NS / 1000000)), 1);
    assert_true(tw_lane_receive(lane, message));
}

static void await_room(zsock_t *lane)
{
    zmq_pollitem_t item = {zsock_resolve(lane), 0, ZMQ_POLLOUT, 0};
    assert_int_equal(zmq_poll(&item, 1, (long)(PATIENCE_NS / 1000000)), 1);
}

static bool has_room(zsock_t *lane)
{
    zmq_pollitem_t item = {zsock_resolve(lane), 0, ZMQ_POLLOUT, 0};
    return zmq_poll(&item, 1, 0) == 1;
}

/* libzmq lets go of what is in a closed socket in a thread of its own. */
static void await_only_reference(struct tw_frame *frame)
{
    int64_t deadline_ns = tw_now_ns() + PATIENCE_NS;
    while (atomic_load(&frame->references) != 1) {
        assert_true(tw_now_ns() < deadline_ns);
        zmq_poll(NULL, 0, 1);
    }
}

static void await_all_back(struct tw_pool *pool)
{
    int64_t deadline_ns = tw_now_ns() + PATIENCE_NS;
    while (tw_pool_out(pool) != 0) {
        assert_true(tw_now_ns() < deadline_ns);
        zmq_poll(NULL, 0, 1);
    }
}

static uint32_t fill(zsock_t *push, struct tw_frame *frame)
{
    uint32_t sent = 0;
    while (sent <= TW_LANE_HWM && tw_lane_send_frame(push, frame, false))
        sent++;
    return sent;
}

/* ---- lanes ---- */

static void messages_come_out_in_the_order_they_went_in(void **state)
{
    zsock_t *pull = tw_lane_pull(lane_name), *push = tw_lane_push(lane_name);
    uint32_t sent = 0, received = 0, rounds = 0;
    (void)state;
    while (received < 1000) {
        zmq_pollitem_t items[] = {{zsock_resolve(pull), 0, ZMQ_POLLIN, 0}, {zsock_resolve(push), 0, ZMQ_POLLOUT, 0}};
        zmq_msg_t message;
        struct tw_frame *frame = frame_of(sent);
        assert_true(zmq_poll(items, sent < 1000 ? 2 : 1, (long)(PATIENCE_NS / 1000000)) > 0);
        if (sent < 1000 && tw_lane_send_frame(push, frame, false))
            sent++;
        tw_frame_drop(&frame);
        if (rounds++ / 50 % 3 != 0 || !tw_lane_receive(pull, &message)) /* so that the lane fills and runs dry */
            continue;
        assert_int_equal(number_in(&message), received++);
        zmq_msg_close(&message);
    }
    zsock_destroy(&push);
    zsock_destroy(&pull);
}

static void check_bound(zsock_t *push, zsock_t *pull)
{
    struct tw_frame *frame = frame_of(7);
    zmq_msg_t message;
    assert_int_equal(fill(push, frame), TW_LANE_HWM);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(atomic_load(&frame->references), 1 + TW_LANE_HWM); /* the refused one is the caller's again */
    assert_false(has_room(push));
    assert_false(tw_lane_send_end(push));
    for (uint32_t i = 0; i < TW_LANE_HWM; i++) {
        await(pull, &message);
        zmq_msg_close(&message);
    }
    assert_false(tw_lane_receive(pull, &message));
    await_room(push);
    assert_int_equal(atomic_load(&frame->references), 1);
    tw_frame_drop(&frame);
}

static void a_full_lane_pushes_back_and_leaves_ownership(void **state)
{
    zsock_t *pull = tw_lane_pull(lane_name), *push = tw_lane_push(lane_name);
    (void)state;
    check_bound(push, pull);
    zsock_destroy(&push);
    zsock_destroy(&pull);
}

static void the_bound_is_the_same_when_the_push_end_came_first(void **state)
{
    zsock_t *push = tw_lane_push(lane_name), *pull = tw_lane_pull(lane_name);
    (void)state;
    check_bound(push, pull);
    zsock_destroy(&push);
    zsock_destroy(&pull);
}

static void a_lane_that_nobody_reads_yet_takes_half_and_loses_none(void **state)
{
    zsock_t *push = tw_lane_push(lane_name), *pull;
    struct tw_frame *frame = frame_of(7);
    zmq_msg_t message;
    uint32_t sent = fill(push, frame);
    (void)state;
    assert_in_range(sent, 1, TW_LANE_HWM);
    pull = tw_lane_pull(lane_name);
    for (uint32_t i = 0; i < sent; i++) {
        await(pull, &message);
        zmq_msg_close(&message);
    }
    assert_int_equal(atomic_load(&frame->references), 1);
    tw_frame_drop(&frame);
    zsock_destroy(&push);
    zsock_destroy(&pull);
}

static void a_received_frame_is_the_sender_s_own_bytes(void **state)
{
    zsock_t *pull = tw_lane_pull(lane_name), *push = tw_lane_push(lane_name);
    struct tw_frame *frame = frame_of(42), *kept;
    zmq_msg_t message;
    (void)state;
    assert_true(tw_lane_send_frame(push, frame, false));
    await(pull, &message);
    assert_ptr_equal(zmq_msg_data(&message), frame->bytes);
    assert_ptr_equal(tw_lane_frame(&message), frame);
    kept = tw_frame_share(tw_lane_frame(&message));
    zmq_msg_close(&message);
    assert_int_equal(atomic_load(&frame->references), 2);
    tw_frame_drop(&frame);
    assert_int_equal(atomic_load(&kept->references), 1);
    assert_int_equal(kept->bytes[0], 42);
    tw_frame_drop(&kept);
    zsock_destroy(&push);
    zsock_destroy(&pull);
}

static void a_message_that_goes_on_keeps_its_one_reference(void **state)
{
    zsock_t *pull = tw_lane_pull(lane_name), *push = tw_lane_push(lane_name);
    zsock_t *further_pull = tw_lane_pull(further_name), *further_push = tw_lane_push(further_name);
    struct tw_frame *frame = frame_of(9);
    zmq_msg_t message, last;
    (void)state;
    assert_true(tw_lane_send_frame(push, frame, false));
    await(pull, &message);
    tw_lane_hand_over(&message);
    assert_true(zmq_msg_send(&message, zsock_resolve(further_push), ZMQ_DONTWAIT) >= 0);
    await(further_pull, &last);
    assert_ptr_equal(tw_lane_frame(&last), frame);
    assert_int_equal(atomic_load(&frame->references), 2);
    zmq_msg_close(&last);
    assert_int_equal(atomic_load(&frame->references), 1);
    tw_frame_drop(&frame);
    zsock_destroy(&push);
    zsock_destroy(&pull);
    zsock_destroy(&further_push);
    zsock_destroy(&further_pull);
}

static void the_end_is_an_empty_message_after_all_others(void **state)
{
    zsock_t *pull = tw_lane_pull(lane_name), *push = tw_lane_push(lane_name);
    struct tw_frame *frame = frame_of(1);
    zmq_msg_t message;
    (void)state;
    assert_true(tw_lane_send_frame(push, frame, false));
    assert_true(tw_lane_send_end(push));
    await(pull, &message);
    assert_false(tw_lane_is_end(&message));
    zmq_msg_close(&message);
    await(pull, &message);
    assert_true(tw_lane_is_end(&message));
    zmq_msg_close(&message);
    tw_frame_drop(&frame);
    zsock_destroy(&push);
    zsock_destroy(&pull);
}

static void frames_left_in_a_lane_are_dropped_with_it(void **state)
{
    zsock_t *pull = tw_lane_pull(lane_name), *push = tw_lane_push(lane_name);
    struct tw_frame *frame = frame_of(1);
    (void)state;
    assert_int_equal(fill(push, frame), TW_LANE_HWM);
    zsock_destroy(&push);
    zsock_destroy(&pull);
    await_only_reference(frame);
    tw_frame_drop(&frame);
}

/* ---- objects and their pool ---- */

struct thing {
    uint32_t number;
    char *array; /* grows once, is used again */
};
static uint32_t things_cleaned;

static void clean_thing(void *object)
{
    free(((struct thing *)object)->array);
    things_cleaned++;
}

static struct thing *take_thing(struct tw_pool *pool, uint32_t number)
{
    struct thing *thing = tw_pool_take(pool);
    thing->number = number;
    if (thing->array == NULL)
        thing->array = tw_alloc(1000);
    return thing;
}

static void a_pool_gives_back_what_it_was_given(void **state)
{
    struct tw_pool *pool = tw_pool_new(sizeof(struct thing), clean_thing);
    struct thing *first = tw_pool_take(pool), *second;
    (void)state;
    things_cleaned = 0;
    assert_int_equal(first->number, 0);
    assert_null(first->array); /* objects begin as zero bytes */
    assert_int_equal(tw_pool_out(pool), 1);
    first->array = tw_alloc(1000);
    char *array = first->array;
    tw_pool_give(first, pool);
    second = tw_pool_take(pool);
    assert_ptr_equal(second, first);
    assert_ptr_equal(second->array, array);
    tw_pool_give(second, pool);
    for (int round = 0; round < 2; round++) {
        struct thing *many[200];
        for (uint32_t i = 0; i < 200; i++)
            many[i] = take_thing(pool, i);
        for (uint32_t i = 0; i < 200; i++)
            tw_pool_give(many[i], pool);
    }
    tw_pool_free(&pool);
    assert_null(pool);
    assert_int_equal(things_cleaned, 200);
}

static void an_object_is_the_receiver_s_until_it_closes_the_message(void **state)
{
    zsock_t *pull = tw_lane_pull(lane_name), *push = tw_lane_push(lane_name);
    struct tw_pool *pool = tw_pool_new(sizeof(struct thing), clean_thing);
    struct thing *sent = take_thing(pool, 5), *other, *again;
    zmq_msg_t message;
    (void)state;
    assert_true(tw_lane_send_object(push, sent, sizeof *sent, tw_pool_give, pool));
    await(pull, &message);
    assert_ptr_equal(zmq_msg_data(&message), sent);
    other = tw_pool_take(pool);
    assert_ptr_not_equal(other, sent);
    zmq_msg_close(&message);
    again = tw_pool_take(pool);
    assert_ptr_equal(again, sent);
    tw_pool_give(other, pool);
    tw_pool_give(again, pool);
    zsock_destroy(&push);
    zsock_destroy(&pull);
    tw_pool_free(&pool);
}

static void an_object_that_a_full_lane_refuses_stays_the_sender_s(void **state)
{
    zsock_t *pull = tw_lane_pull(lane_name), *push = tw_lane_push(lane_name);
    struct tw_pool *pool = tw_pool_new(sizeof(struct thing), clean_thing);
    struct thing *refused = NULL, *taken;
    uint32_t sent = 0;
    (void)state;
    things_cleaned = 0;
    for (; sent <= TW_LANE_HWM; sent++) {
        refused = take_thing(pool, sent);
        if (!tw_lane_send_object(push, refused, sizeof *refused, tw_pool_give, pool))
            break;
    }
    assert_int_equal(sent, TW_LANE_HWM);
    assert_int_equal(refused->number, TW_LANE_HWM);
    taken = tw_pool_take(pool); /* it did not go back to the pool behind the sender's back */
    assert_ptr_not_equal(taken, refused);
    tw_pool_give(taken, pool);
    tw_pool_give(refused, pool);
    zsock_destroy(&push);
    zsock_destroy(&pull);
    await_all_back(pool); /* the lane was destroyed with all its messages */
    tw_pool_free(&pool);
    assert_int_equal(things_cleaned, TW_LANE_HWM + 2);
}

static void two_parts_go_together_or_not_at_all(void **state)
{
    zsock_t *pull = tw_lane_pull(lane_name), *push = tw_lane_push(lane_name);
    struct tw_pool *pool = tw_pool_new(sizeof(struct thing), clean_thing);
    uint32_t sent = 0;
    (void)state;
    for (; sent <= TW_LANE_HWM; sent++) {
        struct tw_frame *frame = frame_of(sent);
        bool taken = tw_lane_send_frame(push, frame, true);
        tw_frame_drop(&frame);
        if (!taken)
            break;
        struct thing *thing = take_thing(pool, sent);
        assert_true(tw_lane_send_object(push, thing, sizeof *thing, tw_pool_give, pool));
    }
    assert_int_equal(sent, TW_LANE_HWM); /* messages count, not parts */
    for (uint32_t i = 0; i < sent; i++) {
        zmq_msg_t frame, thing;
        await(pull, &frame);
        assert_true(zmq_msg_more(&frame));
        assert_true(tw_lane_receive(pull, &thing));
        assert_false(zmq_msg_more(&thing));
        assert_int_equal(number_in(&frame), i);
        assert_int_equal(((struct thing *)zmq_msg_data(&thing))->number, i);
        zmq_msg_close(&frame);
        zmq_msg_close(&thing);
    }
    zsock_destroy(&push);
    zsock_destroy(&pull);
    tw_pool_free(&pool);
}

static int set_up(void **state)
{
    static unsigned number;
    (void)state;
    number++;
    snprintf(lane_name, sizeof lane_name, "lane.test.%u", number);
    snprintf(further_name, sizeof further_name, "lane.test.%u.further", number);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(messages_come_out_in_the_order_they_went_in, set_up),
        cmocka_unit_test_setup(a_full_lane_pushes_back_and_leaves_ownership, set_up),
        cmocka_unit_test_setup(the_bound_is_the_same_when_the_push_end_came_first, set_up),
        cmocka_unit_test_setup(a_lane_that_nobody_reads_yet_takes_half_and_loses_none, set_up),
        cmocka_unit_test_setup(a_received_frame_is_the_sender_s_own_bytes, set_up),
        cmocka_unit_test_setup(a_message_that_goes_on_keeps_its_one_reference, set_up),
        cmocka_unit_test_setup(the_end_is_an_empty_message_after_all_others, set_up),
        cmocka_unit_test_setup(frames_left_in_a_lane_are_dropped_with_it, set_up),
        cmocka_unit_test_setup(a_pool_gives_back_what_it_was_given, set_up),
        cmocka_unit_test_setup(an_object_is_the_receiver_s_until_it_closes_the_message, set_up),
        cmocka_unit_test_setup(an_object_that_a_full_lane_refuses_stays_the_sender_s, set_up),
        cmocka_unit_test_setup(two_parts_go_together_or_not_at_all, set_up),
    };
    return cmocka_run_group_tests(tests, czmq_begin, czmq_finish);
}
