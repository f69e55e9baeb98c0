/* SPDX-License-Identifier: MIT */
#include "actors/catchup/catchup_actor.h"

#include <stdlib.h>
#include <string.h>

#include "actors/runtime/endpoint.h"
#include "actors/runtime/lane.h"
#include "actors/runtime/lanes.h"
#include "actors/runtime/log.h"
#include "protocol/check.h"
#include "protocol/messages.h"

#define LOOKS_PER_TURN 1024 /* records looked at, wanted or not; then the pipe gets its turn */

struct tw_catchup_actor {
    struct tw_store *store;
    const char *endpoint;
    zsock_t *requests, *router;
    bool serving, full, stopping;
    bool unreadable;           /* something that belongs to an answer could not be read */
    struct tw_catchup request; /* its texts point into `request_bytes` */
    struct tw_buffer request_bytes;
    uint64_t position; /* the last number looked at */
    uint64_t last;     /* the last number given, or what was asked after */
    uint32_t given, looked, looked_this_turn;
    const char *error;
    struct tw_buffer answer;
};

struct tw_catchup_actor *tw_catchup_actor_new(struct tw_store *store, const char *endpoint)
{
    struct tw_catchup_actor *actor = tw_alloc_zero(1, sizeof *actor);
    actor->store = store;
    actor->endpoint = endpoint;
    return actor;
}

void tw_catchup_actor_free(struct tw_catchup_actor **actor_pointer)
{
    struct tw_catchup_actor *actor = *actor_pointer;
    if (actor == NULL)
        return;
    tw_buffer_free(&actor->request_bytes);
    tw_buffer_free(&actor->answer);
    free(actor);
    *actor_pointer = NULL;
}

const char *tw_catchup_actor_requests(const struct tw_catchup_actor *actor)
{
    return zsock_endpoint(actor->requests);
}

static bool start(void *self, char failure[512])
{
    struct tw_catchup_actor *actor = self;
    actor->router = tw_lane_push(TW_LANE_CATCHUP);
    actor->requests = zsock_new(ZMQ_PULL);
    zsock_set_maxmsgsize(actor->requests, (int)TW_REQUEST_BYTES_MAX);
    zsock_set_rcvhwm(actor->requests, TW_REQUESTS_RECEIVE_HWM);
    return tw_endpoint_bind(actor->requests, "bind/requests", actor->endpoint, failure);
}

static int wait_for(void *self, zmq_pollitem_t items[TW_AGENT_SOCKETS_MAX], int64_t *deadline_ns)
{
    struct tw_catchup_actor *actor = self;
    (void)deadline_ns;
    if (actor->serving)
        items[0] = (zmq_pollitem_t){zsock_resolve(actor->router), 0, ZMQ_POLLOUT, 0};
    else
        items[0] = (zmq_pollitem_t){zsock_resolve(actor->requests), 0, ZMQ_POLLIN, 0};
    return 1;
}

/* Topic and payload to the router. False: its lane is full. */
static bool answer(struct tw_catchup_actor *actor, const void *payload, size_t length)
{
    void *router = zsock_resolve(actor->router);
    struct tw_text topic = actor->request.topic;
    actor->full = zmq_send(router, topic.bytes, topic.length, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0;
    if (actor->full)
        return false;
    TW_ASSERT(zmq_send(router, payload, length, ZMQ_DONTWAIT) >= 0);
    return true;
}

static bool same(struct tw_text filter, struct tw_text value)
{
    return filter.length == 0 ||
           (filter.length == value.length && memcmp(filter.bytes, value.bytes, value.length) == 0);
}

/* Is that all for this request? */
static bool is_enough(const struct tw_catchup_actor *actor)
{
    return actor->given >= actor->request.limit || actor->looked >= TW_CATCHUP_LOOKS_MAX;
}

/* May one more record be looked at in this turn? */
static bool may_look(struct tw_catchup_actor *actor)
{
    if (is_enough(actor) || actor->looked_this_turn++ >= LOOKS_PER_TURN)
        return false;
    actor->looked++;
    return true;
}

static bool give(struct tw_catchup_actor *actor, uint64_t number, const void *payload, size_t length)
{
    if (!answer(actor, payload, length))
        return false;
    actor->given++;
    actor->last = number;
    return true;
}

static bool visit_alert(void *context, const struct tw_store_alert *alert)
{
    struct tw_catchup_actor *actor = context;
    struct tw_alert_view view;
    bool wanted = true;
    if (!may_look(actor))
        return false;
    if (actor->request.type.length > 0 || actor->request.severity.length > 0)
        wanted = tw_alert_decode(alert->bytes, alert->length, &view) && same(actor->request.type, view.type) &&
                 same(actor->request.severity, view.severity);
    if (wanted && !give(actor, alert->n, alert->bytes, alert->length))
        return false;
    actor->position = alert->n;
    return true;
}

static bool visit_refusal(void *context, const struct tw_refusal *refusal)
{
    struct tw_catchup_actor *actor = context;
    struct tw_buffer name = {0};
    struct tw_refusal_message message = {.number = refusal->number,
                                         .seq = refusal->pseq,
                                         .code = refusal->code,
                                         .why = refusal->why,
                                         .raw = refusal->raw,
                                         .received_ns = refusal->received_ns};
    bool go_on = true;
    if (!may_look(actor))
        return false;
    if (!tw_store_name(actor->store, TW_NAME_SOURCE, refusal->source, &name, &message.incarnation)) {
        actor->unreadable = true; /* who sent it is part of the answer */
        return false;
    }
    message.publisher = (struct tw_text){(const char *)name.bytes, (uint32_t)name.length};
    if (same(actor->request.publisher, message.publisher)) {
        actor->answer.length = 0;
        tw_refusal_encode(&actor->answer, &message);
        go_on = give(actor, refusal->number, actor->answer.bytes, actor->answer.length);
    }
    if (go_on)
        actor->position = refusal->number;
    tw_buffer_free(&name);
    return go_on;
}

static bool visit_action(void *context, const struct tw_store_action *action)
{
    struct tw_catchup_actor *actor = context;
    if (!may_look(actor) || !give(actor, action->h, action->bytes, action->length))
        return false;
    actor->position = action->h;
    return true;
}

static uint64_t newest(struct tw_catchup_actor *actor)
{
    switch (actor->request.kind) {
    case TW_CATCHUP_ALERTS:
        return tw_store_last_alert(actor->store);
    case TW_CATCHUP_REFUSALS:
        return tw_store_refusal_count(actor->store);
    case TW_CATCHUP_ACTIONS:
        return tw_store_last_action(actor->store);
    }
    TW_UNREACHABLE("a kind of catch-up without a store");
}

/* Who asks again goes on behind what was looked at, even if a filter let nothing of it pass. */
static bool finish(struct tw_catchup_actor *actor)
{
    bool more = actor->error == NULL && actor->position < newest(actor);
    actor->answer.length = 0;
    tw_catchup_end_encode(&actor->answer, actor->request.after, more ? actor->position : actor->last, more,
                          actor->error);
    return answer(actor, actor->answer.bytes, actor->answer.length);
}

static bool read_store(struct tw_catchup_actor *actor, struct tw_store_error *error)
{
    switch (actor->request.kind) {
    case TW_CATCHUP_ALERTS:
        return tw_store_alerts(actor->store, actor->position, visit_alert, actor, error);
    case TW_CATCHUP_REFUSALS:
        return tw_store_refusals(actor->store, actor->position, visit_refusal, actor, error);
    case TW_CATCHUP_ACTIONS:
        return tw_store_actions(actor->store, actor->position, visit_action, actor, error);
    }
    TW_UNREACHABLE("a kind of catch-up without a store");
}

static void read_on(struct tw_catchup_actor *actor)
{
    struct tw_store_error error;
    const uint64_t end = newest(actor);
    if (actor->position >= end)
        return;
    bool read = read_store(actor, &error);
    if (actor->unreadable && tw_store_damage(actor->store, &error))
        read = false;
    if (!read) {
        tw_log(TW_LOG_ERROR, "catchup", "%s", error.text);
        actor->error = "the store could not be read; see the daemon's log";
        return;
    }
    /* When no visit stopped it there is nothing more up to there: retention may have dropped the newest. */
    bool stopped = actor->full || actor->unreadable || is_enough(actor) || actor->looked_this_turn > LOOKS_PER_TURN;
    if (!stopped && actor->position < end)
        actor->position = end;
}

/* A turn of answers; true when the request is finished. */
static bool serve(struct tw_catchup_actor *actor)
{
    actor->looked_this_turn = 0;
    actor->full = actor->unreadable = false;
    if (actor->error == NULL && !is_enough(actor))
        read_on(actor);
    bool unfinished = actor->full || (actor->error == NULL && actor->looked_this_turn > LOOKS_PER_TURN);
    return !unfinished && finish(actor);
}

static bool take_request(struct tw_catchup_actor *actor)
{
    zmq_msg_t message;
    const char *why = NULL;
    if (!tw_lane_receive(actor->requests, &message))
        return false;
    actor->request_bytes.length = 0;
    tw_buffer_append(&actor->request_bytes, zmq_msg_data(&message), zmq_msg_size(&message));
    zmq_msg_close(&message);
    if (!tw_catchup_decode(actor->request_bytes.bytes, actor->request_bytes.length, &actor->request, &why)) {
        if (actor->request.topic.length == 0) {
            tw_log(TW_LOG_WARNING, "catchup", "a request that nobody can be answered: %s", why);
            return true;
        }
        actor->error = why;
    } else {
        actor->error = NULL;
    }
    actor->position = actor->last = actor->request.after;
    actor->given = actor->looked = 0;
    actor->serving = true;
    return true;
}

static enum tw_agent_progress work(void *self, char failure[512])
{
    struct tw_catchup_actor *actor = self;
    (void)failure;
    if (actor->stopping)
        return TW_AGENT_FINISHED;
    if (!actor->serving && !take_request(actor))
        return TW_AGENT_WAITS;
    if (actor->serving && serve(actor))
        actor->serving = false;
    return actor->full ? TW_AGENT_WAITS : TW_AGENT_CONTINUES;
}

static void stop(void *self)
{
    ((struct tw_catchup_actor *)self)->stopping = true;
}

static void close_sockets(void *self)
{
    struct tw_catchup_actor *actor = self;
    zsock_destroy(&actor->requests);
    zsock_destroy(&actor->router);
}

struct tw_agent tw_catchup_actor_agent(struct tw_catchup_actor *actor)
{
    return (struct tw_agent){"catchup", actor, start, wait_for, work, stop, close_sockets};
}
