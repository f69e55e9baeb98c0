/* SPDX-License-Identifier: MIT
 *
 * The subscriber of the client library against a daemon that loses alerts, answers and ends: each n comes once, in
 * order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <zmq.h>

#include "protocol/check.h"
#include "protocol/messages.h"
#include "tools/client/tapewarden.h"

#define PATIENCE_MS 30000

/* Raises alerts one by one as it is allowed to, answers requests, and loses every so many of what it sends. */
struct daemon {
    pthread_t thread;
    void *context, *pub, *pull;
    char alerts[64], requests[64];
    atomic_uint allowed; /* alerts up to here may be raised */
    atomic_bool stopping;
    _Atomic uint64_t raised;
    atomic_uint kept_back; /* found no room on its way to the subscriber, and is lost */
    uint32_t lose_every, sent;
};

static void send_parts(struct daemon *daemon, const char *topic, size_t topic_length, const struct tw_buffer *body)
{
    if (daemon->lose_every != 0 && ++daemon->sent % daemon->lose_every == 0)
        return;
    if (zmq_send(daemon->pub, topic, topic_length, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0) {
        atomic_fetch_add(&daemon->kept_back, 1);
        return;
    }
    TW_ASSERT(zmq_send(daemon->pub, body->bytes, body->length, 0) >= 0);
}

static void send_alert(struct daemon *daemon, uint64_t n, const char *topic, size_t topic_length)
{
    struct tw_buffer bytes = {0};
    struct tw_alert alert = {.n = n,
                             .event = "fire",
                             .type = n % 3 == 0 ? "LARGE_TRADE" : "ANOMALY_DETECTED",
                             .severity = n % 2 == 0 ? "HIGH" : "MEDIUM",
                             .entity_type = "SYMBOL",
                             .entity = {"X", 1},
                             .message = {"m", 1},
                             .form = TW_AMOUNT_COUNT,
                             .unit = "units",
                             .rule = {"r", 1},
                             .config = {"c", 1},
                             .seq = n};
    char own[TW_TOPIC_BYTES_MAX];
    if (topic == NULL) {
        topic_length = tw_alert_topic(own, alert.severity, alert.type, alert.entity);
        topic = own;
    }
    tw_alert_encode(&bytes, &alert);
    send_parts(daemon, topic, topic_length, &bytes);
    tw_buffer_free(&bytes);
}

static void send_head(struct daemon *daemon)
{
    struct tw_buffer bytes = {0};
    const struct tw_head head = {.last = daemon->raised};
    tw_head_encode(&bytes, &head);
    send_parts(daemon, TW_HEAD_TOPIC, strlen(TW_HEAD_TOPIC), &bytes);
    tw_buffer_free(&bytes);
}

static void answer(struct daemon *daemon, const void *bytes, size_t length)
{
    struct tw_catchup request;
    struct tw_buffer end = {0};
    const char *why = NULL;
    TW_ASSERT(tw_catchup_decode(bytes, length, &request, &why));
    uint64_t n = request.after;
    for (uint32_t i = 0; i < request.limit && n < daemon->raised; i++)
        send_alert(daemon, ++n, request.topic.bytes, request.topic.length);
    tw_catchup_end_encode(&end, request.after, n, n < daemon->raised, NULL);
    send_parts(daemon, request.topic.bytes, request.topic.length, &end);
    tw_buffer_free(&end);
}

static void *live(void *argument)
{
    struct daemon *daemon = argument;
    for (uint32_t turn = 0; !atomic_load(&daemon->stopping); turn++) {
        zmq_pollitem_t item = {daemon->pull, 0, ZMQ_POLLIN, 0};
        zmq_msg_t message;
        zmq_poll(&item, 1, 1);
        zmq_msg_init(&message);
        if (zmq_msg_recv(&message, daemon->pull, ZMQ_DONTWAIT) >= 0)
            answer(daemon, zmq_msg_data(&message), zmq_msg_size(&message));
        zmq_msg_close(&message);
        for (int i = 0; i < 100 && daemon->raised < atomic_load(&daemon->allowed); i++)
            send_alert(daemon, ++daemon->raised, NULL, 0);
        if (turn % 16 == 0)
            send_head(daemon);
    }
    return NULL;
}

static void *bound(void *context, int type, char endpoint[64])
{
    int zero = 0, one = 1;
    size_t room = 64;
    void *socket = zmq_socket(context, type);
    zmq_setsockopt(socket, ZMQ_LINGER, &zero, sizeof zero);
    if (type == ZMQ_PUB)
        zmq_setsockopt(socket, ZMQ_XPUB_NODROP, &one, sizeof one); /* what is dropped is to be counted */
    TW_ASSERT(zmq_bind(socket, "tcp://127.0.0.1:*") == 0);
    zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &room);
    return socket;
}

static void start_daemon(struct daemon *daemon, uint32_t raised, uint32_t lose_every)
{
    memset(daemon, 0, sizeof *daemon);
    daemon->raised = raised;
    atomic_init(&daemon->allowed, raised);
    daemon->lose_every = lose_every;
    daemon->context = zmq_ctx_new();
    daemon->pub = bound(daemon->context, ZMQ_PUB, daemon->alerts);
    daemon->pull = bound(daemon->context, ZMQ_PULL, daemon->requests);
    TW_ASSERT(pthread_create(&daemon->thread, NULL, live, daemon) == 0);
}

static void stop_daemon(struct daemon *daemon)
{
    atomic_store(&daemon->stopping, true);
    TW_ASSERT(pthread_join(daemon->thread, NULL) == 0);
    zmq_close(daemon->pub);
    zmq_close(daemon->pull);
    zmq_ctx_term(daemon->context);
}

static struct tapewarden_subscriber *subscriber_of(const struct daemon *daemon,
                                                   struct tapewarden_subscriber_options options)
{
    struct tapewarden_error error = {""};
    options.alerts_endpoint = daemon->alerts;
    options.requests_endpoint = daemon->requests;
    struct tapewarden_subscriber *subscriber = tapewarden_subscriber_new(&options, &error);
    assert_string_equal(error.text, "");
    return subscriber;
}

static void expect_alert(struct tapewarden_subscriber *subscriber, uint64_t n)
{
    struct tapewarden_alert alert;
    assert_int_equal(tapewarden_subscriber_next(subscriber, PATIENCE_MS, &alert), TAPEWARDEN_OK);
    assert_int_equal(alert.n, n);
    assert_int_equal(alert.seq, n);
}

static void what_is_recorded_comes_once_in_order_and_ends(void **state)
{
    (void)state;
    const uint32_t losses[] = {0, 151, 5};
    for (size_t i = 0; i < 3; i++) {
        struct daemon daemon;
        struct tapewarden_alert alert;
        const uint64_t last = losses[i] == 5 ? 20 : 1700; /* a lost end takes a second each time */
        start_daemon(&daemon, (uint32_t)last, losses[i]);
        struct tapewarden_subscriber *subscriber =
            subscriber_of(&daemon, (struct tapewarden_subscriber_options){.after = 3});
        for (uint64_t n = 4; n <= last; n++)
            expect_alert(subscriber, n);
        assert_int_equal(tapewarden_subscriber_next(subscriber, PATIENCE_MS, &alert), TAPEWARDEN_END);
        assert_int_equal(tapewarden_subscriber_last(subscriber), last);
        assert_true(tapewarden_subscriber_silent_ms(subscriber) >= 0);
        tapewarden_subscriber_free(&subscriber);
        stop_daemon(&daemon);
    }
}

static void who_follows_gets_the_record_and_then_what_comes(void **state)
{
    (void)state;
    const uint32_t losses[] = {0, 89};
    for (size_t i = 0; i < 2; i++) {
        struct daemon daemon;
        struct tapewarden_alert alert;
        start_daemon(&daemon, 100, losses[i]);
        struct tapewarden_subscriber *subscriber =
            subscriber_of(&daemon, (struct tapewarden_subscriber_options){.follow = true});
        for (uint64_t n = 1; n <= 50; n++)
            expect_alert(subscriber, n);
        atomic_store(&daemon.allowed, 600); /* while the record is still being read */
        for (uint64_t n = 51; n <= 600; n++)
            expect_alert(subscriber, n);
        atomic_store(&daemon.allowed, 601); /* the last one may be lost: the head tells */
        expect_alert(subscriber, 601);
        assert_int_equal(tapewarden_subscriber_next(subscriber, 20, &alert), TAPEWARDEN_TIMEOUT);
        tapewarden_subscriber_free(&subscriber);
        stop_daemon(&daemon);
    }
}

static void a_filter_loses_nothing_that_it_wants(void **state)
{
    (void)state;
    struct daemon daemon;
    struct tapewarden_alert alert;
    start_daemon(&daemon, 60, 7);
    struct tapewarden_subscriber *subscriber =
        subscriber_of(&daemon, (struct tapewarden_subscriber_options){.type = "LARGE_TRADE", .severity = "HIGH"});
    for (uint64_t n = 6; n <= 60; n += 6)
        expect_alert(subscriber, n);
    assert_int_equal(tapewarden_subscriber_next(subscriber, PATIENCE_MS, &alert), TAPEWARDEN_END);
    tapewarden_subscriber_free(&subscriber);
    stop_daemon(&daemon);
}

static void await_raised(struct daemon *daemon, uint32_t raised)
{
    atomic_store(&daemon->allowed, raised);
    for (int waited = 0; atomic_load(&daemon->raised) < raised; waited++) {
        assert_in_range(waited, 0, PATIENCE_MS);
        zmq_poll(NULL, 0, 1);
    }
}

/* Were its queue without a bound it would take everything, and memory for it. */
static void who_follows_and_stands_still_takes_so_much_and_asks_for_the_rest(void **state)
{
    (void)state;
    struct daemon daemon;
    const uint32_t flood = 60000; /* 15 MB: more than the queues and the kernel hold */
    start_daemon(&daemon, 1, 0);
    struct tapewarden_subscriber *subscriber =
        subscriber_of(&daemon, (struct tapewarden_subscriber_options){.follow = true});
    expect_alert(subscriber, 1);
    await_raised(&daemon, flood);
    assert_int_not_equal(atomic_load(&daemon.kept_back), 0);
    for (uint64_t n = 2; n <= flood; n++)
        expect_alert(subscriber, n);
    tapewarden_subscriber_free(&subscriber);
    stop_daemon(&daemon);
}

static void from_now_on_begins_behind_what_is_recorded(void **state)
{
    (void)state;
    struct daemon daemon;
    struct tapewarden_alert alert;
    start_daemon(&daemon, 60, 0);
    struct tapewarden_subscriber *subscriber =
        subscriber_of(&daemon, (struct tapewarden_subscriber_options){.from_now = true, .follow = true});
    while (tapewarden_subscriber_last(subscriber) != 60) /* until a head has said where now is */
        assert_int_equal(tapewarden_subscriber_next(subscriber, 1, &alert), TAPEWARDEN_TIMEOUT);
    atomic_store(&daemon.allowed, 63);
    for (uint64_t n = 61; n <= 63; n++)
        expect_alert(subscriber, n);
    tapewarden_subscriber_free(&subscriber);
    stop_daemon(&daemon);
}

static void who_is_ahead_of_the_daemon_is_told(void **state)
{
    (void)state;
    struct daemon daemon;
    struct tapewarden_alert alert;
    start_daemon(&daemon, 60, 0);
    struct tapewarden_subscriber *subscriber =
        subscriber_of(&daemon, (struct tapewarden_subscriber_options){.after = 100000, .follow = true});
    assert_int_equal(tapewarden_subscriber_next(subscriber, PATIENCE_MS, &alert), TAPEWARDEN_LOST);
    assert_int_equal(tapewarden_subscriber_last(subscriber), 100000);
    assert_int_equal(tapewarden_subscriber_newest(subscriber), 60);
    tapewarden_subscriber_free(&subscriber);
    stop_daemon(&daemon);
}

static void nobody_there_is_a_timeout(void **state)
{
    (void)state;
    struct tapewarden_alert alert;
    const struct tapewarden_subscriber_options options = {.alerts_endpoint = "ipc:///nonexistent/a",
                                                          .requests_endpoint = "ipc:///nonexistent/r"};
    struct tapewarden_subscriber *subscriber = tapewarden_subscriber_new(&options, NULL);
    assert_int_equal(tapewarden_subscriber_next(subscriber, 50, &alert), TAPEWARDEN_TIMEOUT);
    assert_int_equal(tapewarden_subscriber_silent_ms(subscriber), -1);
    tapewarden_subscriber_free(&subscriber);
    assert_null(tapewarden_subscriber_new(&(struct tapewarden_subscriber_options){.reply_name = "a.b"}, NULL));
    assert_null(tapewarden_subscriber_new(&(struct tapewarden_subscriber_options){.alerts_endpoint = "x"}, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_recorded_comes_once_in_order_and_ends),
        cmocka_unit_test(who_follows_gets_the_record_and_then_what_comes),
        cmocka_unit_test(a_filter_loses_nothing_that_it_wants),
        cmocka_unit_test(who_follows_and_stands_still_takes_so_much_and_asks_for_the_rest),
        cmocka_unit_test(from_now_on_begins_behind_what_is_recorded),
        cmocka_unit_test(who_is_ahead_of_the_daemon_is_told),
        cmocka_unit_test(nobody_there_is_a_timeout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
