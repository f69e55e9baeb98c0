/* SPDX-License-Identifier: MIT
 *
 * Catch-up on a real store, with the test in the router's place: answers that nobody takes stop it at its lane, cost no
 * processor, and go on where they stood.
 */
#include "czmq_once.h"
#include "store_world.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "actors/catchup/catchup_actor.h"
#include "actors/runtime/lane.h"
#include "actors/runtime/lanes.h"
#include "protocol/messages.h"

#define PATIENCE_MS 20000
#define MILLISECOND INT64_C(1000000)
#define ALERTS 5000u
#define TOPIC "replay.test."

struct asker {
    struct world *world;
    struct tw_catchup_actor *core;
    zactor_t *actor;
    zsock_t *router, *push;
};

static void store_alerts(struct world *world, uint32_t count)
{
    struct tw_store_alert alert;
    for (uint32_t i = 0; i < count; i++) {
        feed_alert(&world->feed, &alert);
        assert_int_equal(tw_store_put_alerts(world->store, &alert, 1, &world->error), TW_STORE_OK);
        free((void *)(uintptr_t)alert.bytes);
    }
}

static struct asker asker_of(struct world *world)
{
    struct asker asker = {.world = world};
    char failure[512];
    asker.router = tw_lane_pull(TW_LANE_CATCHUP);
    asker.core = tw_catchup_actor_new(asker.world->store, "tcp://127.0.0.1:*");
    struct tw_agent agent = tw_catchup_actor_agent(asker.core);
    asker.actor = tw_agent_start(&agent, failure);
    assert_non_null(asker.actor);
    asker.push = zsock_new(ZMQ_PUSH);
    zsock_set_linger(asker.push, 0);
    assert_int_equal(zsock_connect(asker.push, "%s", tw_catchup_actor_requests(asker.core)), 0);
    return asker;
}

static struct asker asker_new(void)
{
    struct world *world = world_new();
    store_alerts(world, ALERTS);
    return asker_of(world);
}

/* The lane's name is free again when this returns. */
static void asker_free(struct asker *asker)
{
    int64_t deadline_ns = tw_now_ns() + PATIENCE_MS * MILLISECOND;
    zsock_t *socket = zsock_new(ZMQ_PULL);
    tw_agent_end(&asker->actor);
    tw_catchup_actor_free(&asker->core);
    zsock_destroy(&asker->push);
    zsock_destroy(&asker->router);
    while (zsock_bind(socket, "inproc://%s", TW_LANE_CATCHUP) < 0) {
        assert_true(tw_now_ns() < deadline_ns);
        zmq_poll(NULL, 0, 1);
    }
    zsock_unbind(socket, "inproc://%s", TW_LANE_CATCHUP);
    zsock_destroy(&socket);
    world_free(asker->world);
}

static void send_request(struct asker *asker, struct tw_catchup request)
{
    struct tw_buffer message = {0};
    request.topic = (struct tw_text){TOPIC, strlen(TOPIC)};
    tw_catchup_encode(&message, &request);
    assert_true(zmq_send(zsock_resolve(asker->push), message.bytes, message.length, 0) >= 0);
    tw_buffer_free(&message);
}

static void ask(struct asker *asker, uint32_t limit, const char *type)
{
    send_request(
        asker, (struct tw_catchup){.kind = TW_CATCHUP_ALERTS, .limit = limit, .type = {type, (uint32_t)strlen(type)}});
}

/* The next answer: its number, or 0 with *end set. */
static uint64_t take(struct asker *asker, struct tw_catchup_end *end)
{
    zmq_pollitem_t item = {zsock_resolve(asker->router), 0, ZMQ_POLLIN, 0};
    zmq_msg_t topic, payload;
    struct tw_alert_view alert;
    uint64_t n = 0;
    assert_int_equal(zmq_poll(&item, 1, PATIENCE_MS), 1);
    assert_true(tw_lane_receive(asker->router, &topic));
    assert_true(tw_lane_receive(asker->router, &payload));
    assert_int_equal(zmq_msg_size(&topic), strlen(TOPIC));
    if (tw_alert_decode(zmq_msg_data(&payload), zmq_msg_size(&payload), &alert))
        n = alert.n;
    else
        assert_true(tw_catchup_end_decode(zmq_msg_data(&payload), zmq_msg_size(&payload), end));
    zmq_msg_close(&topic);
    zmq_msg_close(&payload);
    return n;
}

static void expect_answers(struct asker *asker, uint64_t count, bool more)
{
    struct tw_catchup_end end = {0};
    for (uint64_t n = 1; n <= count; n++)
        assert_int_equal(take(asker, &end), n);
    assert_int_equal(take(asker, &end), 0);
    assert_int_equal(end.after, 0);
    assert_int_equal(end.last, count);
    assert_int_equal(end.more, more);
}

/* The kernel's letter for what the thread does: 'S' while it waits. */
static char state_of(const char *name)
{
    char state = '?';
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    for (struct dirent *task = readdir(tasks); task != NULL; task = readdir(tasks)) {
        char path[300], found[64];
        snprintf(path, sizeof path, "/proc/self/task/%s/stat", task->d_name);
        FILE *file = fopen(path, "r");
        if (file == NULL)
            continue;
        char letter;
        if (fscanf(file, "%*d (%63[^)]) %c", found, &letter) == 2 && strcmp(found, name) == 0)
            state = letter;
        fclose(file);
    }
    closedir(tasks);
    return state;
}

/* Until it was asleep a hundred times in a row: one that asks again and again is caught at it. */
static void await_sleep(void)
{
    int64_t deadline_ns = tw_now_ns() + PATIENCE_MS * MILLISECOND;
    for (int asleep = 0; asleep < 100;) {
        assert_true(tw_now_ns() < deadline_ns);
        zmq_poll(NULL, 0, 1);
        asleep = state_of("catchup") == 'S' ? asleep + 1 : 0;
    }
}

/* ---- the stories ---- */

static void an_answer_goes_on_where_the_full_lane_stopped_it(void **state)
{
    struct asker asker = asker_new();
    (void)state;
    ask(&asker, 3000, "");
    await_sleep();
    expect_answers(&asker, 3000, true);
    ask(&asker, ALERTS + 10, "");
    expect_answers(&asker, ALERTS, false);
    asker_free(&asker);
}

static void the_end_of_an_answer_waits_for_room_asleep(void **state)
{
    struct asker asker = asker_new();
    (void)state;
    ask(&asker, TW_LANE_HWM, ""); /* fills the lane: the end does not fit */
    await_sleep();
    expect_answers(&asker, TW_LANE_HWM, true);
    await_sleep();
    asker_free(&asker);
}

static void a_filter_that_nothing_passes_reads_on_to_the_end(void **state)
{
    struct asker asker = asker_new();
    (void)state;
    ask(&asker, 10, "FEED_GAP");
    expect_answers(&asker, 0, false);
    asker_free(&asker);
}

static void requests_are_served_one_after_the_other(void **state)
{
    struct asker asker = asker_new();
    (void)state;
    for (uint32_t limit = 30; limit < 40; limit++)
        ask(&asker, limit, "");
    for (uint32_t limit = 30; limit < 40; limit++)
        expect_answers(&asker, limit, true);
    asker_free(&asker);
}

/* Else it would hold up all others for as long as it takes to look at everything. */
static void a_filter_that_nothing_passes_is_answered_in_pieces_and_others_come_between(void **state)
{
    struct world *world = world_new();
    struct tw_catchup_end end = {0};
    struct tw_catchup request = {.kind = TW_CATCHUP_ALERTS, .limit = 10, .type = {"FEED_GAP", 8}};
    uint32_t pieces = 0;
    (void)state;
    store_alerts(world, 2 * TW_CATCHUP_LOOKS_MAX + 1);
    struct asker asker = asker_of(world);
    do {
        request.after = end.last;
        send_request(&asker, request);
        ask(&asker, 2, "");
        assert_int_equal(take(&asker, &end), 0);
        assert_int_equal(end.after, request.after);
        pieces++;
        if (end.more)
            assert_int_equal(end.last, pieces * TW_CATCHUP_LOOKS_MAX);
        expect_answers(&asker, 2, true);
    } while (end.more);
    assert_int_equal(end.last, request.after);
    assert_int_equal(pieces, 3);
    asker_free(&asker);
}

static void refusals_that_retention_dropped_are_no_more_to_come(void **state)
{
    struct world *world = world_new();
    struct tw_frame *refused = feed_block(&world->feed, 10, 3);
    const struct tw_catchup request = {.kind = TW_CATCHUP_REFUSALS, .limit = 10};
    (void)state;
    world_append(world, &refused, 1);
    uint64_t lsn = world->feed.lsn, seq = world->feed.seq;
    struct tw_frame *kept = feed_block(&world->feed, 10, 0);
    world_append(world, &kept, 1);
    world_retain(world, seq, lsn);
    assert_int_equal(tw_store_refusal_count(world->store), 3);
    struct asker asker = asker_of(world);
    send_request(&asker, request);
    expect_answers(&asker, 0, false);
    asker_free(&asker);
}

static void a_stop_does_not_wait_for_whoever_does_not_take_answers(void **state)
{
    struct asker asker = asker_new();
    zmq_pollitem_t item = {zsock_resolve(asker.actor), 0, ZMQ_POLLIN, 0};
    char failure[512];
    (void)state;
    ask(&asker, 3000, "");
    await_sleep();
    tw_agent_stop(asker.actor);
    assert_int_equal(zmq_poll(&item, 1, PATIENCE_MS), 1);
    assert_int_equal(tw_agent_report(asker.actor, failure), 1);
    asker_free(&asker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_goes_on_where_the_full_lane_stopped_it),
        cmocka_unit_test(the_end_of_an_answer_waits_for_room_asleep),
        cmocka_unit_test(a_filter_that_nothing_passes_reads_on_to_the_end),
        cmocka_unit_test(requests_are_served_one_after_the_other),
        cmocka_unit_test(a_filter_that_nothing_passes_is_answered_in_pieces_and_others_come_between),
        cmocka_unit_test(refusals_that_retention_dropped_are_no_more_to_come),
        cmocka_unit_test(a_stop_does_not_wait_for_whoever_does_not_take_answers),
    };
    return cmocka_run_group_tests(tests, czmq_begin, czmq_finish);
}
