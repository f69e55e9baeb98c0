/* SPDX-License-Identifier: MIT
 *
 * An agent does not ask again a lane that it found empty, and misses nothing for it: whenever something comes, it wakes
 * or hears it in its next turn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "actors/runtime/agent.h"
#include "actors/runtime/empty.h"
#include "actors/runtime/lane.h"
#include "actors/runtime/lanes.h"
#include "czmq_once.h"
#include "protocol/check.h"
#include "protocol/limits.h"

#define MILLISECOND INT64_C(1000000)
#define PATIENCE_MS 20000
#define LANES 2

static char lane_names[LANES][TW_LANE_NAME_BYTES];

/* Takes what is on its lanes, and counts. */
struct reader {
    bool spins;          /* has always more to do */
    bool leaves_one_out; /* waits for the first lane only */
    bool one_at_a_time;  /* of each lane in a turn, and has more to do then */
    zsock_t *lanes[LANES];
    atomic_uint taken[LANES], disorder, remembered, works;
};

static bool start(void *self, char failure[512])
{
    struct reader *reader = self;
    (void)failure;
    for (int i = 0; i < LANES; i++)
        reader->lanes[i] = tw_lane_pull(lane_names[i]);
    return true;
}

static int wait_for(void *self, zmq_pollitem_t items[TW_AGENT_SOCKETS_MAX], int64_t *deadline_ns)
{
    struct reader *reader = self;
    int count = 0;
    (void)deadline_ns;
    for (int i = 0; i < (reader->leaves_one_out ? 1 : LANES); i++)
        items[count++] = (zmq_pollitem_t){zsock_resolve(reader->lanes[i]), 0, ZMQ_POLLIN, 0};
    return count;
}

static bool take(struct reader *reader, int lane)
{
    zmq_msg_t message;
    if (!tw_lane_receive(reader->lanes[lane], &message)) {
        atomic_fetch_add(&reader->remembered, tw_empty_is_known(zsock_resolve(reader->lanes[lane])));
        return false;
    }
    uint32_t number = 0;
    memcpy(&number, zmq_msg_data(&message), sizeof number);
    atomic_fetch_add(&reader->disorder, number != atomic_load(&reader->taken[lane]));
    atomic_fetch_add(&reader->taken[lane], 1);
    zmq_msg_close(&message);
    return true;
}

static enum tw_agent_progress work(void *self, char failure[512])
{
    struct reader *reader = self;
    bool more = false;
    (void)failure;
    for (int i = 0; i < LANES; i++)
        while (take(reader, i) && !reader->one_at_a_time)
            continue;
    for (int i = 0; i < LANES && reader->one_at_a_time; i++)
        more |= take(reader, i);
    atomic_fetch_add(&reader->works, 1);
    return more || reader->spins ? TW_AGENT_CONTINUES : TW_AGENT_WAITS;
}

static void close_sockets(void *self)
{
    struct reader *reader = self;
    for (int i = 0; i < LANES; i++)
        zsock_destroy(&reader->lanes[i]);
}

static zactor_t *begin(struct reader *reader)
{
    char failure[512];
    zactor_t *actor =
        tw_agent_start(&(struct tw_agent){"test-reader", reader, start, wait_for, work, NULL, close_sockets}, failure);
    assert_non_null(actor);
    return actor;
}

static void send_number(zsock_t *lane, uint32_t number)
{
    struct tw_frame *frame = tw_frame_new(sizeof number);
    frame->length = sizeof number;
    memcpy(frame->bytes, &number, sizeof number);
    zmq_pollitem_t item = {zsock_resolve(lane), 0, ZMQ_POLLOUT, 0};
    while (!tw_lane_send_frame(lane, frame, false))
        TW_ASSERT(zmq_poll(&item, 1, PATIENCE_MS) == 1);
    tw_frame_drop(&frame);
}

static void await_taken(struct reader *reader, int lane, uint32_t wanted)
{
    int64_t deadline_ns = tw_now_ns() + PATIENCE_MS * MILLISECOND;
    while (atomic_load(&reader->taken[lane]) < wanted) {
        assert_true(tw_now_ns() < deadline_ns);
        zmq_poll(NULL, 0, 0);
    }
}

/* One at a time, each to an agent that has found both lanes empty before, or is just about to. */
static void send_by_turns(struct reader *reader, uint32_t rounds)
{
    zsock_t *push[LANES] = {tw_lane_push(lane_names[0]), tw_lane_push(lane_names[1])};
    for (uint32_t i = 0; i < rounds; i++)
        for (int lane = LANES - 1; lane >= 0; lane--) {
            send_number(push[lane], i);
            if (lane == 0 || !reader->leaves_one_out)
                await_taken(reader, lane, i + 1);
        }
    for (int lane = 0; lane < LANES; lane++) {
        await_taken(reader, lane, rounds);
        zsock_destroy(&push[lane]);
    }
    assert_int_equal(atomic_load(&reader->disorder), 0);
}

static void each_message_wakes_an_agent_that_sleeps(void **state)
{
    struct reader reader = {0};
    zactor_t *actor = begin(&reader);
    (void)state;
    send_by_turns(&reader, 2000);
    assert_true(atomic_load(&reader.remembered) >= 2000);
    tw_agent_end(&actor);
}

static void an_agent_that_never_sleeps_hears_each_message(void **state)
{
    struct reader reader = {.spins = true};
    zactor_t *actor = begin(&reader);
    (void)state;
    send_by_turns(&reader, 2000);
    tw_agent_end(&actor);
}

static void a_lane_that_is_not_waited_for_is_asked(void **state)
{
    struct reader reader = {.leaves_one_out = true};
    zactor_t *actor = begin(&reader);
    (void)state;
    send_by_turns(&reader, 2000);
    tw_agent_end(&actor);
}

struct sender {
    pthread_t thread;
    const char *lane_name;
    uint32_t count, pause_every;
};

static void *send_all(void *context)
{
    struct sender *sender = context;
    zsock_t *push = tw_lane_push(sender->lane_name);
    for (uint32_t i = 0; i < sender->count; i++) {
        send_number(push, i);
        if (i % sender->pause_every == 0)
            zmq_poll(NULL, 0, 1);
    }
    zsock_destroy(&push);
    return NULL;
}

static void nothing_is_missed_of_what_comes_at_any_moment(void **state)
{
    struct reader reader = {.one_at_a_time = true};
    zactor_t *actor = begin(&reader);
    struct sender senders[LANES] = {{.lane_name = lane_names[0], .count = 20000, .pause_every = 17},
                                    {.lane_name = lane_names[1], .count = 20000, .pause_every = 23}};
    (void)state;
    for (int i = 0; i < LANES; i++)
        assert_int_equal(pthread_create(&senders[i].thread, NULL, send_all, &senders[i]), 0);
    for (int i = 0; i < LANES; i++)
        await_taken(&reader, i, senders[i].count);
    for (int i = 0; i < LANES; i++)
        pthread_join(senders[i].thread, NULL);
    assert_int_equal(atomic_load(&reader.disorder), 0);
    tw_agent_end(&actor);
}

/* ---- what is remembered ---- */

static void only_what_never_sends_is_remembered_and_by_agents_only(void **state)
{
    zsock_t *pull = zsock_new(ZMQ_PULL), *sub = zsock_new(ZMQ_SUB), *router = zsock_new(ZMQ_ROUTER);
    void *sockets[] = {zsock_resolve(pull), zsock_resolve(sub), zsock_resolve(router)};
    (void)state;
    tw_empty_found(sockets[0]);
    assert_false(tw_empty_is_known(sockets[0])); /* this thread is no agent */
    tw_empty_begin();
    for (int i = 0; i < 3; i++)
        tw_empty_found(sockets[i]);
    assert_true(tw_empty_is_known(sockets[0]));
    assert_true(tw_empty_is_known(sockets[1]));
    assert_false(tw_empty_is_known(sockets[2]));
    tw_empty_keep(sockets + 1, 2);
    assert_false(tw_empty_is_known(sockets[0]));
    assert_true(tw_empty_is_known(sockets[1]));
    assert_false(tw_empty_is_known(sockets[2]));
    tw_empty_keep(NULL, 0);
    assert_false(tw_empty_is_known(sockets[1]));
    zsock_destroy(&pull);
    zsock_destroy(&sub);
    zsock_destroy(&router);
}

static int set_up(void **state)
{
    static unsigned number;
    (void)state;
    number++;
    for (int i = 0; i < LANES; i++)
        snprintf(lane_names[i], sizeof lane_names[i], "lane.reader.%u.%d", number, i);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_message_wakes_an_agent_that_sleeps, set_up),
        cmocka_unit_test_setup(an_agent_that_never_sleeps_hears_each_message, set_up),
        cmocka_unit_test_setup(a_lane_that_is_not_waited_for_is_asked, set_up),
        cmocka_unit_test_setup(nothing_is_missed_of_what_comes_at_any_moment, set_up),
        cmocka_unit_test_setup(only_what_never_sends_is_remembered_and_by_agents_only, set_up),
    };
    return cmocka_run_group_tests(tests, czmq_begin, czmq_finish);
}
