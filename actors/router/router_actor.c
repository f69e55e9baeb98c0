/* SPDX-License-Identifier: MIT */
#include "actors/router/router_actor.h"

#include <stdlib.h>
#include <string.h>

#include "actors/router/live_actor.h"
#include "actors/runtime/endpoint.h"
#include "actors/runtime/lane.h"
#include "actors/runtime/lanes.h"
#include "protocol/check.h"

#define CATCHUP_PER_TURN 64

struct tw_router_actor {
    struct tw_router *core;
    struct tw_evidence_source *evidence;
    struct tw_store *store;
    struct tw_router_actor_settings settings;
    zsock_t *judged, *watermarks, *catchup, *alerts;
    struct tw_live *live;
    bool has_record, ended;
    zmq_msg_t record, events;
    uint64_t durable_lsn;
    struct tw_alert_batch batch;
    struct tw_buffer head;
    int64_t head_due_ns;
};

struct tw_router_actor *tw_router_actor_new(struct tw_router **router, struct tw_evidence_source **evidence,
                                            struct tw_store *store, const struct tw_router_actor_settings *settings)
{
    struct tw_router_actor *actor = tw_alloc_zero(1, sizeof *actor);
    actor->core = *router;
    actor->evidence = *evidence;
    *router = NULL;
    *evidence = NULL;
    actor->store = store;
    actor->settings = *settings;
    actor->live = tw_live_new(settings->live_rate);
    return actor;
}

void tw_router_actor_free(struct tw_router_actor **actor_pointer)
{
    struct tw_router_actor *actor = *actor_pointer;
    if (actor == NULL)
        return;
    tw_router_free(&actor->core);
    tw_evidence_source_free(&actor->evidence);
    tw_alert_batch_free(&actor->batch);
    tw_buffer_free(&actor->head);
    tw_live_free(&actor->live);
    free(actor);
    *actor_pointer = NULL;
}

const char *tw_router_actor_alerts(const struct tw_router_actor *actor)
{
    return zsock_endpoint(actor->alerts);
}
const char *tw_router_actor_live(const struct tw_router_actor *actor)
{
    return tw_live_endpoint(actor->live);
}
uint64_t tw_router_actor_last(const struct tw_router_actor *actor)
{
    return tw_router_last(actor->core);
}

static bool start(void *self, char failure[512])
{
    struct tw_router_actor *actor = self;
    actor->judged = tw_lane_pull(TW_LANE_ROUTER);
    actor->watermarks = tw_lane_latest_pull(TW_LANE_WATERMARK_ROUTER);
    actor->catchup = tw_lane_pull(TW_LANE_CATCHUP);
    actor->alerts = zsock_new(ZMQ_PUB);
    zsock_set_linger(actor->alerts, 500);
    zsock_set_sndhwm(actor->alerts,
                     100000); /* ~1 KB each: 100 MB for the slowest subscriber, then it drops; n shows it */
    return tw_endpoint_bind(actor->alerts, "bind/alerts", actor->settings.alerts, failure) &&
           tw_live_start(actor->live, actor->settings.live, failure);
}

static void close_sockets(void *self)
{
    struct tw_router_actor *actor = self;
    if (actor->has_record) {
        zmq_msg_close(&actor->record);
        zmq_msg_close(&actor->events);
        actor->has_record = false;
    }
    zsock_destroy(&actor->judged);
    zsock_destroy(&actor->watermarks);
    zsock_destroy(&actor->catchup);
    zsock_destroy(&actor->alerts);
    tw_live_stop(actor->live);
}

static int wait_for(void *self, zmq_pollitem_t items[TW_AGENT_SOCKETS_MAX], int64_t *deadline_ns)
{
    struct tw_router_actor *actor = self;
    int count = 0;
    items[count++] = (zmq_pollitem_t){zsock_resolve(actor->watermarks), 0, ZMQ_POLLIN, 0};
    items[count++] = (zmq_pollitem_t){zsock_resolve(actor->catchup), 0, ZMQ_POLLIN, 0};
    if (!actor->has_record) /* else only its durability is missing */
        items[count++] = (zmq_pollitem_t){zsock_resolve(actor->judged), 0, ZMQ_POLLIN, 0};
    *deadline_ns = actor->head_due_ns;
    return count;
}

static void collect(void *context, const struct tw_router_alert *alert)
{
    tw_alert_batch_add(context, alert);
}

static void publish(struct tw_router_actor *actor)
{
    void *socket = zsock_resolve(actor->alerts);
    const uint8_t *topic = actor->batch.topics.bytes;
    for (uint32_t i = 0; i < actor->batch.count; i++) {
        /* PUB never blocks: a subscriber that does not keep up loses messages, sees the hole in n and asks. */
        zmq_send(socket, topic, actor->batch.topic_lengths[i], ZMQ_SNDMORE | ZMQ_DONTWAIT);
        zmq_send(socket, actor->batch.list[i].bytes, actor->batch.list[i].length, ZMQ_DONTWAIT);
        topic += actor->batch.topic_lengths[i];
    }
}

static void publish_head(struct tw_router_actor *actor)
{
    struct tw_head head;
    void *socket = zsock_resolve(actor->alerts);
    tw_router_head(actor->core, &head);
    actor->head.length = 0;
    tw_head_encode(&actor->head, &head);
    zmq_send(socket, "head.", 5, ZMQ_SNDMORE | ZMQ_DONTWAIT);
    zmq_send(socket, actor->head.bytes, actor->head.length, ZMQ_DONTWAIT);
}

/* The record at hand is durable: its events become alerts, stored, then published. */
static bool route(struct tw_router_actor *actor, const struct tw_record *record, char failure[512])
{
    struct tw_store_error error;
    tw_evidence_source_add(actor->evidence, record);
    tw_alert_batch_clear(&actor->batch);
    tw_router_step(actor->core, record, zmq_msg_data(&actor->events), collect, &actor->batch);
    actor->batch.detected_at_ns = tw_wall_ns();
    if (tw_alert_batch_store(&actor->batch, actor->store, &error) != TW_STORE_OK) {
        snprintf(failure, 512, "%s", error.text);
        return false;
    }
    publish(actor);
    tw_live_record(actor->live, actor->core, record, zmq_msg_data(&actor->events));
    return true;
}

static void forward_catchup(struct tw_router_actor *actor)
{
    void *socket = zsock_resolve(actor->alerts);
    for (int i = 0; i < CATCHUP_PER_TURN; i++) {
        zmq_msg_t topic, payload;
        if (!tw_lane_receive(actor->catchup, &topic))
            return;
        TW_ASSERT(tw_lane_receive(actor->catchup, &payload));
        if (zmq_msg_send(&topic, socket, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0)
            zmq_msg_close(&topic);
        if (zmq_msg_send(&payload, socket, ZMQ_DONTWAIT) < 0)
            zmq_msg_close(&payload);
    }
}

/* Takes the next judged record if there is none at hand. */
static bool take_record(struct tw_router_actor *actor)
{
    if (actor->has_record)
        return true;
    if (actor->ended || !tw_lane_receive(actor->judged, &actor->record))
        return false;
    if (tw_lane_is_end(&actor->record)) {
        zmq_msg_close(&actor->record);
        actor->ended = true;
        return false;
    }
    TW_ASSERT(tw_lane_receive(actor->judged, &actor->events));
    return actor->has_record = true;
}

static enum tw_agent_progress work(void *self, char failure[512])
{
    struct tw_router_actor *actor = self;
    struct tw_watermark watermark;
    int64_t now_ns = tw_now_ns();
    bool routed = false;
    while (tw_lane_receive_watermark(actor->watermarks, &watermark))
        actor->durable_lsn = watermark.lsn;
    if (take_record(actor)) {
        struct tw_record record;
        TW_ASSERT(tw_record_view(zmq_msg_data(&actor->record), zmq_msg_size(&actor->record), &record));
        if (tw_record_lsn(&record) <= actor->durable_lsn) {
            if (!route(actor, &record, failure))
                return TW_AGENT_FAILED;
            zmq_msg_close(&actor->record);
            zmq_msg_close(&actor->events);
            actor->has_record = false;
            routed = true;
        }
    }
    forward_catchup(actor);
    if (now_ns >= actor->head_due_ns || actor->ended) {
        publish_head(actor);
        actor->head_due_ns = now_ns + 1000000000;
    }
    if (actor->ended)
        return TW_AGENT_FINISHED;
    return routed ? TW_AGENT_CONTINUES : TW_AGENT_WAITS;
}

struct tw_agent tw_router_actor_agent(struct tw_router_actor *actor)
{
    return (struct tw_agent){"router", actor, start, wait_for, work, NULL, close_sockets};
}
