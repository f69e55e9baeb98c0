/* SPDX-License-Identifier: MIT */
#include "actors/router/router_actor.h"

#include <stdlib.h>
#include <string.h>

#include "actors/router/inhibition_actor.h"
#include "actors/router/live_actor.h"
#include "actors/runtime/cell.h"
#include "actors/runtime/endpoint.h"
#include "actors/runtime/lane.h"
#include "actors/runtime/lanes.h"
#include "actors/runtime/log.h"
#include "actors/runtime/slice.h"
#include "protocol/action.h"
#include "protocol/check.h"

#define CATCHUP_PER_TURN 64
#define RETRY_NS INT64_C(250000000)      /* how often a full disk is looked at */
#define HEAD_NS INT64_C(1000000000)      /* between heads */
#define HEAD_WAITS_NS INT64_C(200000000) /* for the record at hand; then the head before it goes once more */

struct tw_router_actor {
    struct tw_router *core;
    struct tw_evidence_source *evidence;
    struct tw_store *store;
    struct tw_router_actor_settings settings;
    struct tw_saver *saver;
    zsock_t *judged, *catchup, *alerts;
    struct tw_cell *durable; /* the journal's watermark */
    struct tw_cell *stored;  /* for delivery: how far alerts are; NULL: nobody is told */
    struct tw_live *live;
    bool has_record, ended;
    bool has_batch; /* the record's alerts are made, and wait until it is durable and they have room on the disk */
    bool stopping, log_ends; /* log_ends: the journal takes no more, what is not durable never will be */
    bool given_up;           /* no record comes further; the next start derives its alerts */
    zmq_msg_t record, events;
    uint64_t durable_lsn;
    struct tw_alert_batch batch;
    struct tw_buffer head;
    int64_t head_due_ns, retry_ns;
};

static void save_begin(void *core)
{
    tw_router_save_begin(core);
}
static bool save(void *core, struct tw_buffer *out, size_t bytes)
{
    return tw_router_save(core, out, bytes);
}

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
    actor->batch.routing = settings->routing;
    actor->live = tw_live_new(settings->live_rate);
    actor->saver = tw_saver_new(TW_PART_ROUTER, 0, &(struct tw_saved){actor->core, save_begin, save}, settings->slices);
    return actor;
}

void tw_router_actor_free(struct tw_router_actor **actor_pointer)
{
    struct tw_router_actor *actor = *actor_pointer;
    if (actor == NULL)
        return;
    tw_router_free(&actor->core);
    tw_saver_free(&actor->saver);
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
    tw_slice_short();
    actor->judged = tw_lane_pull_sized(TW_LANE_ROUTER, TW_JUDGED_HWM);
    actor->durable = tw_cell_open(TW_CELL_WATERMARK_ROUTER, sizeof(struct tw_watermark));
    actor->catchup = tw_lane_pull(TW_LANE_CATCHUP);
    if (actor->settings.routing != NULL)
        actor->stored = tw_cell_open(TW_CELL_STORED_DELIVERY, sizeof(uint64_t));
    tw_saver_open(actor->saver);
    actor->alerts = zsock_new(ZMQ_PUB);
    zsock_set_linger(actor->alerts, 500);
    zsock_set_sndhwm(actor->alerts, TW_ALERTS_SEND_HWM);
    return tw_endpoint_bind(actor->alerts, "bind/alerts", actor->settings.alerts, failure) &&
           tw_live_start(actor->live, actor->settings.live, failure);
}

static void stop(void *self)
{
    ((struct tw_router_actor *)self)->stopping = true;
}

static void close_sockets(void *self)
{
    struct tw_router_actor *actor = self;
    if (actor->settings.routing != NULL && actor->settings.routing->inhibitor != NULL)
        tw_inhibitor_keep(actor->settings.routing->inhibitor, actor->store);
    if (actor->has_record) {
        zmq_msg_close(&actor->record);
        zmq_msg_close(&actor->events);
        actor->has_record = false;
    }
    zsock_destroy(&actor->judged);
    tw_cell_close(&actor->durable);
    zsock_destroy(&actor->catchup);
    zsock_destroy(&actor->alerts);
    tw_cell_close(&actor->stored);
    tw_saver_close(actor->saver);
    tw_live_stop(actor->live);
}

/* A head counts what everybody can have: it waits a little for alerts that are on their way there. */
static int64_t head_due_ns(const struct tw_router_actor *actor)
{
    return actor->head_due_ns + (actor->has_batch ? HEAD_WAITS_NS : 0);
}

static int wait_for(void *self, zmq_pollitem_t items[TW_AGENT_SOCKETS_MAX], int64_t *deadline_ns)
{
    struct tw_router_actor *actor = self;
    int count = 0;
    items[count++] = tw_cell_item(actor->durable);
    items[count++] = (zmq_pollitem_t){zsock_resolve(actor->catchup), 0, ZMQ_POLLIN, 0};
    if (!actor->has_record) /* else only its durability is missing */
        items[count++] = (zmq_pollitem_t){zsock_resolve(actor->judged), 0, ZMQ_POLLIN, 0};
    bool retries = actor->retry_ns != 0 && actor->retry_ns < head_due_ns(actor);
    *deadline_ns = retries ? actor->retry_ns : head_due_ns(actor);
    return tw_saver_wait_for(actor->saver, items, count);
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

/* What somebody did; as alerts, once it is durable. A silence counts from here on. */
static void publish_action(struct tw_router_actor *actor, const struct tw_control *control)
{
    struct tw_action_message message = {.h = control->number, .at_ns = control->ts_ns};
    struct tw_buffer bytes = {0};
    char topic[TW_TOPIC_BYTES_MAX];
    const char *why = NULL;
    void *socket = zsock_resolve(actor->alerts);
    TW_ASSERT(tw_action_decode(control->text.bytes, control->text.length, &message.action, &why));
    tw_action_message_encode(&bytes, &message);
    if (actor->settings.silences != NULL && !tw_silences_take(actor->settings.silences, &message))
        tw_log(TW_LOG_ERROR, "router", "the silence of action %llu hides nothing: there are too many",
               (unsigned long long)message.h);
    zmq_send(socket, topic, tw_action_topic(topic, message.action.verb), ZMQ_SNDMORE | ZMQ_DONTWAIT);
    zmq_send(socket, bytes.bytes, bytes.length, ZMQ_DONTWAIT);
    tw_buffer_free(&bytes);
}

/* While alerts wait, the head before them stands: it counts none that nobody can have. */
static void publish_head(struct tw_router_actor *actor)
{
    struct tw_head head;
    void *socket = zsock_resolve(actor->alerts);
    if (!actor->has_batch) {
        tw_router_head(actor->core, &head);
        actor->head.length = 0;
        tw_head_encode(&actor->head, &head);
    }
    if (actor->head.length == 0)
        return;
    zmq_send(socket, "head.", 5, ZMQ_SNDMORE | ZMQ_DONTWAIT);
    zmq_send(socket, actor->head.bytes, actor->head.length, ZMQ_DONTWAIT);
}

/* The events of the record at hand become alerts, while it is being made durable. */
static void judge(struct tw_router_actor *actor, const struct tw_record *record)
{
    tw_evidence_source_add(actor->evidence, record);
    tw_alert_batch_clear(&actor->batch);
    tw_router_step(actor->core, record, zmq_msg_data(&actor->events), collect, &actor->batch);
    actor->has_batch = true;
    /* The alerts up to here are stored but for this record's, and a SNAPSHOT makes none; unless a stop gave them up. */
    if (!actor->stopping)
        tw_saver_meet(actor->saver, record, tw_router_last(actor->core));
}

/* Its alerts are stored, then published. */
static enum tw_store_status route(struct tw_router_actor *actor, const struct tw_record *record, int64_t now_ns,
                                  char failure[512])
{
    struct tw_store_error error;
    actor->batch.detected_at_ns = tw_wall_ns();
    enum tw_store_status status = tw_alert_batch_store(&actor->batch, actor->store, &error);
    if (status == TW_STORE_FULL) { /* nothing was written: the same goes again */
        if (actor->retry_ns == 0)
            tw_log(TW_LOG_ERROR, "router", "%s; alerts wait until then", error.text);
        actor->retry_ns = now_ns + RETRY_NS;
        return status;
    }
    if (status != TW_STORE_OK) {
        snprintf(failure, 512, "%s", error.text);
        return status;
    }
    actor->has_batch = false;
    actor->retry_ns = 0;
    if (actor->stored != NULL && actor->batch.count > 0)
        tw_cell_write(actor->stored, &(uint64_t){tw_store_last_alert(actor->store)});
    publish(actor);
    if (record->kind == TW_RECORD_CONTROL && record->control.kind == TW_CONTROL_ACTION)
        publish_action(actor, &record->control);
    tw_live_record(actor->live, actor->core, record, zmq_msg_data(&actor->events));
    return status;
}

/* A stop does not wait for room on the disk. */
static void give_up(struct tw_router_actor *actor)
{
    tw_log(TW_LOG_WARNING, "router", "stops with the disk full: alerts behind number %llu are stored at the next start",
           (unsigned long long)tw_store_last_alert(actor->store));
    actor->given_up = true;
    actor->retry_ns = 0;
}

/* Of a stop while the disk is full: the record never got there, or alerts before it could not be stored. */
static bool is_let_go(const struct tw_router_actor *actor, uint64_t lsn)
{
    return actor->given_up || (actor->log_ends && lsn > actor->durable_lsn);
}

/* The record at hand goes its way once it is durable. */
static enum tw_agent_progress route_record(struct tw_router_actor *actor, int64_t now_ns, char failure[512])
{
    struct tw_record record;
    TW_ASSERT(tw_record_view(zmq_msg_data(&actor->record), zmq_msg_size(&actor->record), &record));
    uint64_t lsn = tw_record_lsn(&record);
    if (!is_let_go(actor, lsn)) {
        if (!actor->has_batch)
            judge(actor, &record);
        if (lsn > actor->durable_lsn || (!actor->stopping && now_ns < actor->retry_ns))
            return TW_AGENT_WAITS;
        enum tw_store_status status = route(actor, &record, now_ns, failure);
        if (status == TW_STORE_FULL && actor->stopping)
            give_up(actor);
        else if (status != TW_STORE_OK)
            return status == TW_STORE_FULL ? TW_AGENT_WAITS : TW_AGENT_FAILED;
    }
    tw_backlog_take(actor->settings.judged, ((struct tw_events *)zmq_msg_data(&actor->events))->waits_as);
    zmq_msg_close(&actor->record);
    zmq_msg_close(&actor->events);
    actor->has_record = false;
    return TW_AGENT_CONTINUES;
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

static void hear(struct tw_router_actor *actor, struct tw_watermark watermark)
{
    actor->durable_lsn = watermark.lsn;
    actor->log_ends = watermark.given_up;
}

static enum tw_agent_progress step(struct tw_router_actor *actor, char failure[512])
{
    struct tw_watermark watermark;
    int64_t now_ns = tw_now_ns();
    enum tw_agent_progress progress = TW_AGENT_WAITS;
    while (tw_cell_read(actor->durable, &watermark))
        hear(actor, watermark);
    if (take_record(actor))
        progress = route_record(actor, now_ns, failure);
    if (progress == TW_AGENT_FAILED)
        return progress;
    forward_catchup(actor);
    if (now_ns >= head_due_ns(actor) || actor->ended) {
        publish_head(actor);
        actor->head_due_ns = now_ns + HEAD_NS;
    }
    if (actor->ended)
        return TW_AGENT_FINISHED;
    return progress;
}

static enum tw_agent_progress work(void *self, char failure[512])
{
    struct tw_router_actor *actor = self;
    return tw_saver_turn(actor->saver, step(actor, failure));
}

struct tw_agent tw_router_actor_agent(struct tw_router_actor *actor)
{
    return (struct tw_agent){"router", actor, start, wait_for, work, stop, close_sockets};
}
