/* SPDX-License-Identifier: MIT
 *
 * The agent's loop: start and its refusal, commands, reports, deadlines. And the sentence when an endpoint is not to be
 * had.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/runtime/agent.h"
#include "actors/runtime/endpoint.h"
#include "actors/runtime/lane.h"
#include "actors/runtime/lanes.h"
#include "czmq_once.h"
#include "protocol/limits.h"

#define NAME "test-agent"
#define MILLISECOND INT64_C(1000000)
#define PATIENCE_MS 20000

/* Each test has its own: libzmq gives a closed socket's name back a little later. */
static char lane_name[TW_LANE_NAME_BYTES];

/* An agent that does what the test says, and tells what was done with it. */
struct dummy {
    const char *refusal; /* of the start; NULL: it starts */
    bool refuses;        /* the start, with that or no reason */
    int64_t period_ns;   /* wakes up so often; 0: never by itself */
    bool fills_lane;     /* sends until its lane is full, then waits for room */
    bool leaves_lane;    /* waits for a lane with a message in it that it never takes */
    uint32_t fails_at;   /* FAILED at this call of work; 0: never */
    /* --- */
    int64_t due_ns;
    zsock_t *lane, *unread;
    struct tw_frame *frame;
    uint32_t left; /* turns of work after "STOP" */
    bool stopping;
    atomic_uint works, early, closes, stops, full;
};

static bool start(void *self, char failure[512])
{
    struct dummy *dummy = self;
    if (dummy->refusal != NULL)
        snprintf(failure, 512, "%s", dummy->refusal);
    if (dummy->leaves_lane)
        dummy->unread = tw_lane_pull(lane_name);
    if (dummy->fills_lane) {
        dummy->lane = tw_lane_push(lane_name);
        dummy->frame = tw_frame_new(1);
        dummy->frame->length = 1;
    }
    dummy->due_ns = dummy->period_ns > 0 ? tw_now_ns() + dummy->period_ns : INT64_MAX;
    return !dummy->refuses;
}

static int wait_for(void *self, zmq_pollitem_t items[TW_AGENT_SOCKETS_MAX], int64_t *deadline_ns)
{
    struct dummy *dummy = self;
    *deadline_ns = dummy->due_ns;
    if (dummy->unread != NULL) {
        items[0] = (zmq_pollitem_t){zsock_resolve(dummy->unread), 0, ZMQ_POLLIN, 0};
        return 1;
    }
    if (dummy->lane == NULL)
        return 0;
    items[0] = (zmq_pollitem_t){zsock_resolve(dummy->lane), 0, ZMQ_POLLOUT, 0};
    return 1;
}

static enum tw_agent_progress work(void *self, char failure[512])
{
    struct dummy *dummy = self;
    unsigned before = atomic_fetch_add(&dummy->works, 1);
    if (dummy->period_ns > 0 && before > 0) {
        atomic_fetch_add(&dummy->early, tw_now_ns() < dummy->due_ns);
        dummy->due_ns = tw_now_ns() + dummy->period_ns;
    }
    if (before + 1 == dummy->fails_at) {
        snprintf(failure, 512, "the disk is gone");
        return TW_AGENT_FAILED;
    }
    while (dummy->lane != NULL && tw_lane_send_frame(dummy->lane, dummy->frame, false))
        continue;
    atomic_store(&dummy->full, dummy->lane != NULL);
    if (!dummy->stopping)
        return TW_AGENT_WAITS;
    return dummy->left-- > 0 ? TW_AGENT_CONTINUES : TW_AGENT_FINISHED;
}

static void stop(void *self)
{
    struct dummy *dummy = self;
    atomic_fetch_add(&dummy->stops, 1);
    dummy->stopping = true;
    dummy->left = 10;
}

static void close_sockets(void *self)
{
    struct dummy *dummy = self;
    zsock_destroy(&dummy->lane);
    zsock_destroy(&dummy->unread);
    tw_frame_drop(&dummy->frame);
    atomic_fetch_add(&dummy->closes, 1);
}

static zactor_t *begin(struct dummy *dummy, char failure[512])
{
    return tw_agent_start(&(struct tw_agent){NAME, dummy, start, wait_for, work, stop, close_sockets}, failure);
}

/* ---- waiting ---- */

static void wait_a_little(void)
{
    zmq_poll(NULL, 0, 1);
}

static void await_at_least(atomic_uint *counter, unsigned wanted)
{
    int64_t deadline_ns = tw_now_ns() + PATIENCE_MS * MILLISECOND;
    while (atomic_load(counter) < wanted) {
        assert_true(tw_now_ns() < deadline_ns);
        wait_a_little();
    }
}

static int await_report(zactor_t *actor, char failure[512])
{
    zmq_pollitem_t item = {zsock_resolve(actor), 0, ZMQ_POLLIN, 0};
    assert_int_equal(zmq_poll(&item, 1, PATIENCE_MS), 1);
    return tw_agent_report(actor, failure);
}

static unsigned threads_named(const char *name)
{
    char path[300], comm[32];
    unsigned count = 0;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    for (struct dirent *task = readdir(tasks); task != NULL; task = readdir(tasks)) {
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", task->d_name);
        FILE *file = fopen(path, "r");
        if (file == NULL)
            continue;
        if (fgets(comm, sizeof comm, file) != NULL)
            count += strncmp(comm, name, strlen(name)) == 0;
        fclose(file);
    }
    closedir(tasks);
    return count;
}

static void await_no_thread(void)
{
    int64_t deadline_ns = tw_now_ns() + PATIENCE_MS * MILLISECOND;
    while (threads_named(NAME) > 0) {
        assert_true(tw_now_ns() < deadline_ns);
        wait_a_little();
    }
}

/* ---- start ---- */

static void a_refused_start_says_why_and_ends_its_thread(void **state)
{
    struct dummy dummy = {.refuses = true, .refusal = "the port is taken"};
    char failure[512];
    (void)state;
    assert_null(begin(&dummy, failure));
    assert_string_equal(failure, "the port is taken");
    assert_int_equal(atomic_load(&dummy.closes), 1);
    assert_int_equal(atomic_load(&dummy.works), 0);
    await_no_thread();
}

static void a_refusal_without_a_reason_names_the_agent(void **state)
{
    struct dummy dummy = {.refuses = true};
    char failure[512];
    (void)state;
    assert_null(begin(&dummy, failure));
    assert_non_null(strstr(failure, NAME));
    await_no_thread();
}

static void a_started_agent_works_once_and_then_waits(void **state)
{
    struct dummy dummy = {0};
    char failure[512];
    zactor_t *actor = begin(&dummy, failure);
    (void)state;
    assert_non_null(actor);
    assert_string_equal(failure, "");
    await_at_least(&dummy.works, 1);
    assert_int_equal(threads_named(NAME), 1);
    assert_int_equal(tw_agent_report(actor, failure), 0);
    zstr_send(actor, "NONSENSE"); /* wakes it, and is ignored */
    await_at_least(&dummy.works, 2);
    assert_int_equal(atomic_load(&dummy.stops), 0);
    tw_agent_end(&actor);
    assert_int_equal(atomic_load(&dummy.closes), 1);
    assert_int_equal(atomic_load(&dummy.works), 2);
    await_no_thread();
}

/* ---- commands and reports ---- */

static void after_stop_it_finishes_its_work_then_reports_once(void **state)
{
    struct dummy dummy = {0};
    char failure[512];
    zactor_t *actor = begin(&dummy, failure);
    (void)state;
    await_at_least(&dummy.works, 1);
    tw_agent_stop(actor);
    assert_int_equal(await_report(actor, failure), 1);
    assert_int_equal(atomic_load(&dummy.stops), 1);
    assert_int_equal(atomic_load(&dummy.works), 1 + 11); /* ten turns of CONTINUES, then FINISHED */
    assert_int_equal(atomic_load(&dummy.closes), 0);     /* its sockets stay open until $TERM: nothing is lost early */
    tw_agent_stop(actor);                                /* too late: ignored */
    assert_int_equal(tw_agent_report(actor, failure), 0);
    tw_agent_end(&actor);
    assert_int_equal(atomic_load(&dummy.works), 12);
    assert_int_equal(atomic_load(&dummy.closes), 1);
}

static void a_failure_is_reported_with_its_reason_and_ends_all_work(void **state)
{
    struct dummy dummy = {.fails_at = 3, .period_ns = MILLISECOND};
    char failure[512];
    zactor_t *actor = begin(&dummy, failure);
    (void)state;
    assert_int_equal(await_report(actor, failure), -1);
    assert_string_equal(failure, "the disk is gone");
    tw_agent_end(&actor);
    assert_int_equal(atomic_load(&dummy.works), 3);
    assert_int_equal(atomic_load(&dummy.closes), 1);
}

static void term_ends_an_agent_that_waits_for_a_full_lane(void **state)
{
    struct dummy dummy = {.fills_lane = true};
    char failure[512];
    zsock_t *nobody_reads = tw_lane_pull(lane_name);
    zactor_t *actor = begin(&dummy, failure);
    (void)state;
    assert_non_null(actor);
    await_at_least(&dummy.full, 1);
    int64_t begun_ns = tw_now_ns();
    tw_agent_end(&actor);
    assert_true(tw_now_ns() - begun_ns < PATIENCE_MS / 4 * MILLISECOND);
    assert_int_equal(atomic_load(&dummy.closes), 1);
    zsock_destroy(&nobody_reads);
}

static void an_agent_that_waits_for_room_goes_on_when_there_is_some(void **state)
{
    struct dummy dummy = {.fills_lane = true};
    char failure[512];
    zsock_t *pull = tw_lane_pull(lane_name);
    zactor_t *actor = begin(&dummy, failure);
    (void)state;
    await_at_least(&dummy.full, 1);
    for (int i = 0; i < 10 * TW_LANE_HWM; i++) {
        zmq_pollitem_t item = {zsock_resolve(pull), 0, ZMQ_POLLIN, 0};
        zmq_msg_t message;
        assert_int_equal(zmq_poll(&item, 1, PATIENCE_MS), 1);
        assert_true(tw_lane_receive(pull, &message));
        zmq_msg_close(&message);
    }
    /* It woke up for room, not all the time: a lane says so once for several places. */
    assert_true(atomic_load(&dummy.works) <= 10 * TW_LANE_HWM);
    tw_agent_end(&actor);
    zsock_destroy(&pull);
}

/* ---- deadlines ---- */

/* And what it may wait for is always there. */
static void an_agent_that_never_sleeps_hears_commands(void **state)
{
    struct dummy dummy = {.leaves_lane = true};
    char failure[512];
    (void)state;
    zactor_t *actor = begin(&dummy, failure);
    assert_non_null(actor);
    zsock_t *push = tw_lane_push(lane_name);
    assert_true(tw_lane_send_end(push));
    await_at_least(&dummy.works, 100);
    tw_agent_stop(actor);
    await_at_least(&dummy.stops, 1);
    assert_int_equal(await_report(actor, failure), 1);
    tw_agent_end(&actor);
    assert_int_equal(atomic_load(&dummy.closes), 1);
    zsock_destroy(&push);
}

static void a_deadline_wakes_it_never_early_and_once(void **state)
{
    struct dummy dummy = {.period_ns = 3 * MILLISECOND + 300000}; /* no whole number of milliseconds */
    char failure[512];
    int64_t begun_ns = tw_now_ns();
    zactor_t *actor = begin(&dummy, failure);
    (void)state;
    await_at_least(&dummy.works, 11);
    int64_t took_ns = tw_now_ns() - begun_ns;
    tw_agent_end(&actor);
    assert_int_equal(atomic_load(&dummy.early), 0);
    assert_true(took_ns >= 10 * dummy.period_ns);
}

static void an_hour_s_deadline_does_not_keep_it_from_commands(void **state)
{
    struct dummy dummy = {.period_ns = INT64_C(3600) * TW_NS_PER_SECOND};
    char failure[512];
    zactor_t *actor = begin(&dummy, failure);
    (void)state;
    await_at_least(&dummy.works, 1);
    tw_agent_stop(actor);
    assert_int_equal(await_report(actor, failure), 1);
    tw_agent_end(&actor);
}

/* ---- endpoints ---- */

static void expect_no_bind(const char *endpoint, const char *because)
{
    zsock_t *socket = zsock_new(ZMQ_PULL);
    char failure[512] = "";
    assert_false(tw_endpoint_bind(socket, "bind/trades", endpoint, failure));
    if (strstr(failure, because) == NULL)
        print_error("%s\n", failure);
    assert_non_null(strstr(failure, "bind/trades"));
    assert_non_null(strstr(failure, endpoint));
    assert_non_null(strstr(failure, because));
    assert_null(strchr(failure, '\n'));
    zsock_destroy(&socket);
}

static void an_occupied_port_says_that_another_program_has_it(void **state)
{
    zsock_t *first = zsock_new(ZMQ_PULL);
    char failure[512] = "";
    (void)state;
    assert_true(tw_endpoint_bind(first, "bind/trades", "tcp://127.0.0.1:*", failure));
    assert_string_equal(failure, "");
    expect_no_bind(zsock_endpoint(first), "another program");
    zsock_destroy(&first);
}

static void an_endpoint_that_cannot_be_says_what_the_system_answered(void **state)
{
    (void)state;
    expect_no_bind("tcp://192.0.2.1:7701", "");     /* nobody's address here */
    expect_no_bind("carrier-pigeon://roof", "not"); /* "Protocol not supported" */
    expect_no_bind("ipc:///nowhere/at/all/socket", "No such file");
}

static void any_port_is_known_after_the_bind(void **state)
{
    static const char *const endpoints[] = {"tcp://127.0.0.1:0", "tcp://127.0.0.1:*", "tcp://[::1]:0"};
    (void)state;
    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++) {
        zsock_t *socket = zsock_new(ZMQ_PULL);
        char failure[512] = "";
        if (!tw_endpoint_bind(socket, "bind/trades", endpoints[i], failure)) {
            assert_non_null(strstr(endpoints[i], "::1")); /* a machine may do without IPv6, not without IPv4 */
            zsock_destroy(&socket);
            continue;
        }
        const char *bound = zsock_endpoint(socket), *colon = strrchr(bound, ':');
        assert_non_null(colon);
        assert_in_range(atoi(colon + 1), 1, 65535);
        zsock_destroy(&socket);
    }
}

static int set_up(void **state)
{
    static unsigned number;
    (void)state;
    snprintf(lane_name, sizeof lane_name, "lane.dummy.%u", ++number);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_refused_start_says_why_and_ends_its_thread, set_up),
        cmocka_unit_test_setup(a_refusal_without_a_reason_names_the_agent, set_up),
        cmocka_unit_test_setup(a_started_agent_works_once_and_then_waits, set_up),
        cmocka_unit_test_setup(after_stop_it_finishes_its_work_then_reports_once, set_up),
        cmocka_unit_test_setup(a_failure_is_reported_with_its_reason_and_ends_all_work, set_up),
        cmocka_unit_test_setup(term_ends_an_agent_that_waits_for_a_full_lane, set_up),
        cmocka_unit_test_setup(an_agent_that_waits_for_room_goes_on_when_there_is_some, set_up),
        cmocka_unit_test_setup(an_agent_that_never_sleeps_hears_commands, set_up),
        cmocka_unit_test_setup(a_deadline_wakes_it_never_early_and_once, set_up),
        cmocka_unit_test_setup(an_hour_s_deadline_does_not_keep_it_from_commands, set_up),
        cmocka_unit_test_setup(an_occupied_port_says_that_another_program_has_it, set_up),
        cmocka_unit_test_setup(an_endpoint_that_cannot_be_says_what_the_system_answered, set_up),
        cmocka_unit_test_setup(any_port_is_known_after_the_bind, set_up),
    };
    return cmocka_run_group_tests(tests, czmq_begin, czmq_finish);
}
