/* SPDX-License-Identifier: MIT
 *
 * The subscriber of the client library: sockets around the pure half of the conversation (follow.h). Everything is
 * subscribed to and filtered here: numbers without holes are what shows that nothing was lost.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <zmq.h>

#include "protocol/check.h"
#include "protocol/digest.h"
#include "protocol/names.h"
#include "tools/client/follow.h"
#include "tools/client/sockets.h"
#include "tools/client/tapewarden.h"

#define RANDOM_BYTES 12
#define LINGER_MS 100
#define LIVE_HWM 10000 /* alerts of 1.3 KiB: 13 MiB. The daemon drops what comes beyond; the hole is asked for */

struct tapewarden_subscriber {
    struct tw_follow follow;
    void *context, *sub, *push;
    char topic[TW_TOPIC_BYTES_MAX]; /* replay.<ours>. */
    size_t topic_length;
    char type[64], severity[16];      /* empty: all */
    struct tw_client_message message; /* what was handed out last lies in it */
    bool has_message;
    struct tw_buffer request;
    int64_t heard_ns; /* 0: never */
    bool refused;     /* the daemon answered a request with an error */
};

/* ---- making ---- */

static bool make_topic(struct tapewarden_subscriber *subscriber, const char *reply_name, struct tapewarden_error *error)
{
    char name[2 * RANDOM_BYTES + 1];
    uint8_t random[RANDOM_BYTES];
    if (reply_name == NULL) {
        if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
            return tw_client_fail(error, "no random numbers: %s", strerror(errno));
        tw_hex(random, sizeof random, name);
        reply_name = name;
    }
    if (!tw_name_topic_valid((struct tw_text){reply_name, (uint32_t)strlen(reply_name)}))
        return tw_client_fail(error, "a reply name is 1 to 64 of A-Za-z0-9_-");
    int length = snprintf(subscriber->topic, sizeof subscriber->topic, "replay.%s.", reply_name);
    subscriber->topic_length = (size_t)length;
    return true;
}

static bool open_sockets(struct tapewarden_subscriber *subscriber, const struct tapewarden_subscriber_options *options,
                         struct tapewarden_error *error)
{
    int one = 1, linger_ms = LINGER_MS;
    int queue = options->follow ? LIVE_HWM : 0; /* requests bound answers by themselves */
    const char *alerts = options->alerts_endpoint != NULL ? options->alerts_endpoint : TAPEWARDEN_ALERTS_ENDPOINT;
    const char *requests =
        options->requests_endpoint != NULL ? options->requests_endpoint : TAPEWARDEN_REQUESTS_ENDPOINT;
    subscriber->context = zmq_ctx_new();
    subscriber->sub = zmq_socket(subscriber->context, ZMQ_SUB);
    subscriber->push = zmq_socket(subscriber->context, ZMQ_PUSH);
    if (subscriber->sub == NULL || subscriber->push == NULL)
        return tw_client_fail(error, "cannot make a socket: %s", zmq_strerror(errno));
    if (options->follow)
        zmq_setsockopt(subscriber->sub, ZMQ_SUBSCRIBE, "alert.", 6);
    zmq_setsockopt(subscriber->sub, ZMQ_SUBSCRIBE, TW_HEAD_TOPIC, strlen(TW_HEAD_TOPIC));
    zmq_setsockopt(subscriber->sub, ZMQ_SUBSCRIBE, subscriber->topic, subscriber->topic_length);
    zmq_setsockopt(subscriber->sub, ZMQ_RCVHWM, &queue, sizeof queue);
    zmq_setsockopt(subscriber->push, ZMQ_IMMEDIATE, &one, sizeof one);
    zmq_setsockopt(subscriber->push, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    return tw_client_connect(subscriber->sub, alerts, error) && tw_client_connect(subscriber->push, requests, error);
}

struct tapewarden_subscriber *tapewarden_subscriber_new(const struct tapewarden_subscriber_options *options,
                                                        struct tapewarden_error *error)
{
    struct tapewarden_subscriber *subscriber = tw_alloc_zero(1, sizeof *subscriber);
    tw_follow_init(&subscriber->follow, options->after, options->from_now, options->follow);
    if (options->from_now && !options->follow)
        subscriber->follow.done = true; /* nothing is recorded after now */
    if (options->type != NULL)
        snprintf(subscriber->type, sizeof subscriber->type, "%s", options->type);
    if (options->severity != NULL)
        snprintf(subscriber->severity, sizeof subscriber->severity, "%s", options->severity);
    if (!make_topic(subscriber, options->reply_name, error) || !open_sockets(subscriber, options, error))
        tapewarden_subscriber_free(&subscriber);
    return subscriber;
}

static void let_go(struct tapewarden_subscriber *subscriber)
{
    if (subscriber->has_message)
        tw_client_message_close(&subscriber->message);
    subscriber->has_message = false;
}

void tapewarden_subscriber_free(struct tapewarden_subscriber **subscriber_pointer)
{
    struct tapewarden_subscriber *subscriber = *subscriber_pointer;
    if (subscriber == NULL)
        return;
    let_go(subscriber);
    tw_client_close(&subscriber->sub);
    tw_client_close(&subscriber->push);
    if (subscriber->context != NULL)
        zmq_ctx_term(subscriber->context);
    tw_follow_clear(&subscriber->follow);
    tw_buffer_free(&subscriber->request);
    free(subscriber);
    *subscriber_pointer = NULL;
}

/* ---- reading ---- */

static struct tapewarden_text text_of(struct tw_text text)
{
    return (struct tapewarden_text){text.bytes, text.length};
}

/* False: the filter does not want it. */
static bool hand_out(const struct tapewarden_subscriber *subscriber, const struct tw_alert_view *view,
                     const void *bytes, size_t length, struct tapewarden_alert *out)
{
    if ((subscriber->type[0] != '\0' && !tw_text_is(view->type, subscriber->type)) ||
        (subscriber->severity[0] != '\0' && !tw_text_is(view->severity, subscriber->severity)))
        return false;
    *out = (struct tapewarden_alert){
        .n = view->n,
        .id = text_of(view->id),
        .event = text_of(view->event),
        .type = text_of(view->type),
        .severity = text_of(view->severity),
        .entity_type = text_of(view->entity_type),
        .entity = text_of(view->entity),
        .message = text_of(view->message),
        .seq = view->seq,
        .ts_ns = view->ts_ns,
        .detected_at_ns = view->detected_at_ns,
        .bytes = bytes,
        .length = length,
    };
    return true;
}

/* One received message; true if it is an alert to be handed out, which then stays open. */
static bool take(struct tapewarden_subscriber *subscriber, struct tapewarden_alert *out)
{
    struct tw_client_message *message = &subscriber->message;
    struct tw_text topic = {zmq_msg_data(&message->topic), (uint32_t)zmq_msg_size(&message->topic)};
    const void *bytes = zmq_msg_data(&message->body);
    size_t length = zmq_msg_size(&message->body);
    int64_t now_ns = tw_client_now_ns();
    struct tw_alert_view view;
    struct tw_head_view head;
    struct tw_catchup_end end;
    bool answer = topic.length == subscriber->topic_length &&
                  memcmp(topic.bytes, subscriber->topic, subscriber->topic_length) == 0;
    subscriber->heard_ns = now_ns;
    if (tw_text_is(topic, TW_HEAD_TOPIC)) {
        if (tw_head_decode(bytes, length, &head))
            tw_follow_head(&subscriber->follow, head.last, now_ns);
    } else if (answer && tw_catchup_end_decode(bytes, length, &end)) {
        subscriber->refused = end.error.length > 0;
        tw_follow_end(&subscriber->follow, &end, now_ns);
    } else if (tw_alert_decode(bytes, length, &view)) {
        return tw_follow_alert(&subscriber->follow, view.n, bytes, length, answer, now_ns) &&
               hand_out(subscriber, &view, bytes, length, out);
    }
    return false;
}

static bool take_waiting(struct tapewarden_subscriber *subscriber, struct tapewarden_alert *out)
{
    const struct tw_buffer *due;
    while ((due = tw_follow_due(&subscriber->follow)) != NULL) {
        struct tw_alert_view view;
        TW_ASSERT(tw_alert_decode(due->bytes, due->length, &view)); /* it was, before it had to wait */
        if (hand_out(subscriber, &view, due->bytes, due->length, out))
            return true;
    }
    return false;
}

static bool take_received(struct tapewarden_subscriber *subscriber, struct tapewarden_alert *out)
{
    while (tw_client_receive(subscriber->sub, &subscriber->message)) {
        subscriber->has_message = true;
        if (take(subscriber, out))
            return true;
        let_go(subscriber);
        if (take_waiting(subscriber, out))
            return true;
    }
    return false;
}

static void ask(struct tapewarden_subscriber *subscriber)
{
    struct tw_catchup request = {.kind = TW_CATCHUP_ALERTS,
                                 .topic = {subscriber->topic, (uint32_t)subscriber->topic_length}};
    if (!tw_follow_ask(&subscriber->follow, tw_client_now_ns(), &request.after, &request.limit))
        return;
    subscriber->request.length = 0;
    tw_catchup_encode(&subscriber->request, &request);
    /* Without a connection it is lost, and asked again. */
    (void)zmq_send(subscriber->push, subscriber->request.bytes, subscriber->request.length, ZMQ_DONTWAIT);
}

enum tapewarden_status tapewarden_subscriber_next(struct tapewarden_subscriber *subscriber, int timeout_ms,
                                                  struct tapewarden_alert *out)
{
    int64_t until_ns = tw_client_until_ns(timeout_ms);
    let_go(subscriber);
    for (;;) {
        if (take_waiting(subscriber, out) || take_received(subscriber, out))
            return TAPEWARDEN_OK;
        if (subscriber->refused)
            return TAPEWARDEN_FAILED;
        if (subscriber->follow.lost)
            return TAPEWARDEN_LOST;
        if (subscriber->follow.done)
            return TAPEWARDEN_END;
        ask(subscriber);
        if (tw_client_now_ns() >= until_ns)
            return TAPEWARDEN_TIMEOUT;
        int64_t wake_ns = tw_follow_deadline(&subscriber->follow);
        zmq_pollitem_t item = {subscriber->sub, 0, ZMQ_POLLIN, 0};
        if (zmq_poll(&item, 1, tw_client_wait_ms(wake_ns < until_ns ? wake_ns : until_ns)) < 0 && errno == EINTR)
            return TAPEWARDEN_INTERRUPTED;
    }
}

uint64_t tapewarden_subscriber_last(const struct tapewarden_subscriber *subscriber)
{
    return subscriber->follow.last;
}

uint64_t tapewarden_subscriber_newest(const struct tapewarden_subscriber *subscriber)
{
    return subscriber->follow.newest;
}

int64_t tapewarden_subscriber_silent_ms(const struct tapewarden_subscriber *subscriber)
{
    return subscriber->heard_ns == 0 ? -1 : (tw_client_now_ns() - subscriber->heard_ns) / 1000000;
}
