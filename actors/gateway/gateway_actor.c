/* SPDX-License-Identifier: MIT */
#include "actors/gateway/gateway_actor.h"

#include <stdlib.h>
#include <string.h>

#include "actors/runtime/cell.h"
#include "actors/runtime/endpoint.h"
#include "actors/runtime/lane.h"
#include "actors/runtime/lanes.h"
#include "actors/runtime/log.h"
#include "actors/runtime/slice.h"
#include "protocol/check.h"

#define LOOK_NS INT64_C(50000000) /* how often acks have their turn while nothing else happens */
#define MESSAGES_PER_TURN 512     /* then records, acks, watermarks and the pipe get their turn */

#define FIRST_JUDGE 1u             /* of the lanes: behind the journal */
#define WAITING_MESSAGES_MAX 1000u /* for room, while publishers are heard; or as many as are TW_RECEIVE_BYTES_MAX */

struct tw_gateway_actor {
    struct tw_gateway *core;
    struct tw_gateway_actor_settings settings;
    struct tw_barrier *barrier;
    zsock_t *trades, *acks, *feeds;
    struct tw_cell *durable;           /* the journal's watermark */
    zsock_t *lanes[TW_SHARDS_MAX + 2]; /* journal, the shards, then exposure */
    uint32_t lane_count;
    struct tw_frame *frame; /* being handed to the lanes */
    uint32_t next_lane;
    bool judges_full;
    struct received { /* and not taken yet: the block had no room; a ring, oldest first */
        zmq_msg_t message;
        enum tw_lane lane;
    } waiting[WAITING_MESSAGES_MAX];
    uint32_t waiting_first, waiting_count;
    size_t waiting_bytes;
    bool stopping;
    bool held;          /* the disk is full */
    bool given_up;      /* it is at the stop: what is not durable will not be */
    uint32_t ends_sent; /* lanes that were told the end */
    uint64_t durable_lsn;
    int64_t clock_due_ns;
    uint64_t unreadable_said; /* how many the log knows of */
    int64_t unreadable_due_ns;
    struct tw_buffer ack;
};

struct tw_gateway_actor *tw_gateway_actor_new(struct tw_gateway **gateway,
                                              const struct tw_gateway_actor_settings *settings)
{
    struct tw_gateway_actor *actor = tw_alloc_zero(1, sizeof *actor);
    actor->core = *gateway;
    *gateway = NULL;
    actor->settings = *settings;
    actor->barrier = tw_barrier_new(actor->core, &settings->barrier);
    return actor;
}

void tw_gateway_actor_free(struct tw_gateway_actor **actor_pointer)
{
    struct tw_gateway_actor *actor = *actor_pointer;
    if (actor == NULL)
        return;
    tw_gateway_free(&actor->core);
    tw_barrier_free(&actor->barrier);
    tw_buffer_free(&actor->ack);
    free(actor);
    *actor_pointer = NULL;
}

const char *tw_gateway_actor_trades(const struct tw_gateway_actor *actor)
{
    return zsock_endpoint(actor->trades);
}
const char *tw_gateway_actor_acks(const struct tw_gateway_actor *actor)
{
    return zsock_endpoint(actor->acks);
}

/* ---- what was received and waits for room ---- */

static bool has_place(const struct tw_gateway_actor *actor)
{
    return actor->waiting_count < WAITING_MESSAGES_MAX && actor->waiting_bytes < TW_RECEIVE_BYTES_MAX;
}

/* From the oldest, 0, to the place behind the newest. */
static struct received *waiting_at(struct tw_gateway_actor *actor, uint32_t index)
{
    return &actor->waiting[(actor->waiting_first + index) % WAITING_MESSAGES_MAX];
}

static void drop(struct tw_gateway_actor *actor, struct received *received)
{
    actor->waiting_bytes -= zmq_msg_size(&received->message);
    actor->waiting_count--;
    zmq_msg_close(&received->message);
}

static void drop_first(struct tw_gateway_actor *actor)
{
    drop(actor, waiting_at(actor, 0));
    actor->waiting_first = (actor->waiting_first + 1) % WAITING_MESSAGES_MAX;
}

/* ---- start and end ---- */

static void open_lanes(struct tw_gateway_actor *actor)
{
    char lane[TW_LANE_NAME_BYTES];
    actor->durable = tw_cell_open(TW_CELL_WATERMARK_GATEWAY, sizeof(struct tw_watermark));
    actor->lanes[actor->lane_count++] = tw_lane_push(TW_LANE_JOURNAL);
    for (uint32_t i = 0; i < actor->settings.shards; i++) {
        snprintf(lane, sizeof lane, TW_LANE_SHARD_FORMAT, i);
        actor->lanes[actor->lane_count++] = tw_lane_push_sized(lane, TW_UNJUDGED_HWM);
    }
    actor->lanes[actor->lane_count++] = tw_lane_push_sized(TW_LANE_EXPOSURE, TW_UNJUDGED_HWM);
    tw_barrier_open(actor->barrier, tw_now_ns());
}

static bool start(void *self, char failure[512])
{
    struct tw_gateway_actor *actor = self;
    tw_slice_short();
    open_lanes(actor);
    actor->acks = zsock_new(ZMQ_PUB);
    zsock_set_linger(actor->acks, 500);
    zsock_set_sndhwm(actor->acks, TW_ACKS_SEND_HWM);
    if (!tw_endpoint_bind(actor->acks, "bind/acks", actor->settings.acks, failure))
        return false;
    if (actor->settings.feed_count > 0) {
        actor->feeds = zsock_new(ZMQ_SUB);
        zsock_set_subscribe(actor->feeds, "");
        zsock_set_rcvhwm(actor->feeds, TW_FEEDS_RECEIVE_HWM);
        zsock_set_maxmsgsize(actor->feeds, (int)TW_RECEIVE_BYTES_MAX);
        for (uint32_t i = 0; i < actor->settings.feed_count; i++)
            if (zsock_connect(actor->feeds, "%s", actor->settings.feeds[i]) != 0) {
                snprintf(failure, 512, "cannot connect to feed %s: %s", actor->settings.feeds[i],
                         zmq_strerror(zmq_errno()));
                return false;
            }
    }
    actor->trades = zsock_new(ZMQ_PULL);
    zsock_set_rcvhwm(actor->trades, TW_TRADES_RECEIVE_HWM);
    zsock_set_maxmsgsize(actor->trades, (int)TW_RECEIVE_BYTES_MAX);
    return tw_endpoint_bind(actor->trades, "bind/trades", actor->settings.trades, failure);
}

static void close_sockets(void *self)
{
    struct tw_gateway_actor *actor = self;
    while (actor->waiting_count > 0)
        drop_first(actor);
    tw_frame_drop(&actor->frame);
    zsock_destroy(&actor->trades);
    zsock_destroy(&actor->feeds);
    zsock_destroy(&actor->acks);
    tw_cell_close(&actor->durable);
    tw_barrier_close(actor->barrier);
    for (uint32_t i = 0; i < actor->lane_count; i++)
        zsock_destroy(&actor->lanes[i]);
}

/* ---- waiting ---- */

/* For the record at hand. */
static bool judges_have_room(struct tw_gateway_actor *actor)
{
    const struct tw_backlog *unjudged = actor->settings.unjudged;
    if (actor->next_lane != FIRST_JUDGE)
        return true;
    actor->judges_full = actor->judges_full ? !tw_backlog_is_half_empty(unjudged) : !tw_backlog_has_room(unjudged);
    return !actor->judges_full;
}

static int64_t sooner(int64_t a_ns, int64_t b_ns)
{
    return a_ns < b_ns ? a_ns : b_ns;
}

static int wait_for(void *self, zmq_pollitem_t items[TW_AGENT_SOCKETS_MAX], int64_t *deadline_ns)
{
    struct tw_gateway_actor *actor = self;
    int count = 0;
    *deadline_ns = actor->clock_due_ns;
    items[count++] = tw_cell_item(actor->durable);
    if (actor->frame != NULL) {
        if (judges_have_room(actor))
            items[count++] = (zmq_pollitem_t){zsock_resolve(actor->lanes[actor->next_lane]), 0, ZMQ_POLLOUT, 0};
        else
            *deadline_ns = sooner(*deadline_ns, tw_now_ns() + TW_BACKLOG_LOOK_NS);
        if (actor->held && !actor->stopping && has_place(actor))
            items[count++] = (zmq_pollitem_t){zsock_resolve(actor->trades), 0, ZMQ_POLLIN, 0};
    } else if (actor->stopping && actor->ends_sent < actor->lane_count) {
        items[count++] = (zmq_pollitem_t){zsock_resolve(actor->lanes[actor->ends_sent]), 0, ZMQ_POLLOUT, 0};
    } else if (!actor->stopping && !tw_gateway_may_rest(actor->core)) {
        items[count++] = (zmq_pollitem_t){zsock_resolve(actor->trades), 0, ZMQ_POLLIN, 0};
        if (actor->feeds != NULL)
            items[count++] = (zmq_pollitem_t){zsock_resolve(actor->feeds), 0, ZMQ_POLLIN, 0};
    }
    /* It is stepped only while records flow: what it hears would wake us for nothing before, again and again. */
    return tw_barrier_wait_for(actor->barrier, actor->frame == NULL && !actor->stopping, items, count);
}

/* ---- out: records, acks ---- */

static bool is_due(const struct tw_gateway_actor *actor)
{
    return tw_gateway_cut_is_due(actor->core) || (actor->stopping && tw_gateway_staged(actor->core));
}

/* The record at hand goes to the next lane. */
static bool hand_out(struct tw_gateway_actor *actor)
{
    if (!judges_have_room(actor) || !tw_lane_send_frame(actor->lanes[actor->next_lane], actor->frame, false))
        return false;
    if (actor->next_lane++ == FIRST_JUDGE) /* before exposure, whose lane is the last, can take it away */
        tw_backlog_add(actor->settings.unjudged, actor->frame->waits_as);
    return true;
}

/* Hands the records that are due to all lanes, in order. False: a lane is full. */
static bool distribute(struct tw_gateway_actor *actor)
{
    for (;;) {
        if (actor->frame == NULL) {
            if (!is_due(actor))
                return true;
            actor->frame = tw_gateway_cut(actor->core);
            actor->next_lane = 0;
            if (actor->frame == NULL)
                return true;
        }
        while (actor->next_lane < actor->lane_count)
            if (!hand_out(actor))
                return false;
        tw_frame_drop(&actor->frame);
    }
}

static void publish_acks(struct tw_gateway_actor *actor, int64_t now_ns)
{
    struct tw_ack ack;
    char topic[TW_TOPIC_BYTES_MAX];
    void *socket = zsock_resolve(actor->acks);
    while (tw_gateway_next_ack(actor->core, now_ns, &ack)) {
        actor->ack.length = 0;
        tw_ack_encode(&actor->ack, &ack);
        size_t length = tw_ack_topic(topic, ack.publisher);
        /* PUB never blocks; what it drops for a slow subscriber the next ack says again. */
        zmq_send(socket, topic, length, ZMQ_SNDMORE | ZMQ_DONTWAIT);
        zmq_send(socket, actor->ack.bytes, actor->ack.length, ZMQ_DONTWAIT);
    }
}

static void hear_watermark(struct tw_gateway_actor *actor)
{
    struct tw_watermark watermark;
    while (tw_cell_read(actor->durable, &watermark)) {
        actor->durable_lsn = watermark.lsn;
        tw_gateway_durable(actor->core, watermark.lsn);
        actor->held = watermark.disk_full;
        actor->given_up = watermark.given_up;
        tw_gateway_hold_disk(actor->core, actor->held);
    }
}

/* One line a turn, the newest, is enough of what goes wrong; how often it did is said once a second. */
static void pass_complaints(struct tw_gateway_actor *actor, int64_t now_ns)
{
    const char *complaint = tw_gateway_complaint(actor->core);
    if (complaint != NULL)
        tw_log(TW_LOG_WARNING, "gateway", "%s", complaint);
    uint64_t unreadable = tw_gateway_counters(actor->core).unreadable;
    if (unreadable == actor->unreadable_said || now_ns < actor->unreadable_due_ns)
        return;
    tw_log(TW_LOG_WARNING, "gateway", "unreadable messages since the start: %llu", (unsigned long long)unreadable);
    actor->unreadable_said = unreadable;
    actor->unreadable_due_ns = now_ns + TW_NS_PER_SECOND;
}

/* ---- in ---- */

/* Skips the parts of a message that nobody knows. */
static void drain_parts(zsock_t *socket)
{
    zmq_msg_t part;
    while (zsock_rcvmore(socket) && tw_lane_receive(socket, &part))
        zmq_msg_close(&part);
}

static void keep(struct tw_gateway_actor *actor, struct received *received, enum tw_lane lane)
{
    received->lane = lane;
    actor->waiting_count++;
    actor->waiting_bytes += zmq_msg_size(&received->message);
}

static bool receive_pushed(struct tw_gateway_actor *actor)
{
    struct received *place = waiting_at(actor, actor->waiting_count);
    if (!tw_lane_receive(actor->trades, &place->message))
        return false;
    drain_parts(actor->trades);
    keep(actor, place, TW_LANE_PUSH);
    return true;
}

static bool receive(struct tw_gateway_actor *actor)
{
    if (receive_pushed(actor))
        return true;
    zmq_msg_t topic;
    struct received *place = waiting_at(actor, actor->waiting_count);
    if (actor->feeds == NULL || !tw_lane_receive(actor->feeds, &topic))
        return false;
    bool has_payload = zmq_msg_more(&topic) != 0;
    zmq_msg_close(&topic);
    if (!has_payload || !tw_lane_receive(actor->feeds, &place->message)) {
        zmq_msg_init(&place->message); /* a topic without a payload: the core complains of an unreadable message */
    }
    drain_parts(actor->feeds);
    keep(actor, place, TW_LANE_FEED);
    return true;
}

static bool submit(struct tw_gateway_actor *actor, struct received *received, int64_t wall_ns, int64_t now_ns)
{
    return tw_gateway_submit(actor->core, received->lane, zmq_msg_data(&received->message),
                             zmq_msg_size(&received->message), wall_ns, now_ns) == TW_TAKEN;
}

/* Takes what has arrived until the block is full; once stopping, only what was received before. True if more waits. */
static bool ingest(struct tw_gateway_actor *actor, int64_t now_ns)
{
    int64_t wall_ns = tw_wall_ns();
    for (int i = 0; i < MESSAGES_PER_TURN; i++) {
        if (actor->waiting_count == 0 && (actor->stopping || !receive(actor)))
            return false;
        if (!submit(actor, waiting_at(actor, 0), wall_ns, now_ns))
            return true;
        drop_first(actor);
    }
    return true;
}

/* The disk is full and so are the lanes, perhaps for hours. Publishers go on to be answered; what has no number, and so
 * would not be sent again, waits in its order for them to be heard, as much of it as there is place for. Feeds are not
 * read. */
static bool answer_held(struct tw_gateway_actor *actor, int64_t now_ns)
{
    int64_t wall_ns = tw_wall_ns();
    /* The block may be another one, with room: nothing that comes now goes before what waits. */
    while (actor->waiting_count > 0 && submit(actor, waiting_at(actor, 0), wall_ns, now_ns))
        drop_first(actor);
    for (int i = 0; i < MESSAGES_PER_TURN; i++) {
        if (!has_place(actor) || !receive_pushed(actor))
            return false;
        struct received *newest = waiting_at(actor, actor->waiting_count - 1);
        if (submit(actor, newest, wall_ns, now_ns))
            drop(actor, newest);
    }
    return true;
}

/* The disk is full at the stop: what was taken and not acked is not kept. Its publishers resend it. */
static enum tw_agent_progress leave_behind(struct tw_gateway_actor *actor)
{
    uint64_t unasked = 0, trades = tw_gateway_under_way(actor->core, &unasked);
    tw_log(
        TW_LOG_WARNING, "gateway",
        "the disk is full: trades that were taken and are not kept=%llu; their publishers send them again, but nobody "
        "sends those of feeds and without numbers=%llu",
        (unsigned long long)trades, (unsigned long long)unasked);
    return TW_AGENT_FINISHED;
}

/* Says the end to every lane, then waits until the last record is durable and acked. */
static enum tw_agent_progress finish(struct tw_gateway_actor *actor, int64_t now_ns)
{
    while (actor->ends_sent < actor->lane_count && tw_lane_send_end(actor->lanes[actor->ends_sent]))
        actor->ends_sent++;
    actor->clock_due_ns = now_ns + LOOK_NS;
    publish_acks(actor, now_ns);
    if (actor->ends_sent < actor->lane_count)
        return TW_AGENT_WAITS;
    if (actor->durable_lsn >= tw_gateway_last_lsn(actor->core))
        return TW_AGENT_FINISHED;
    return actor->given_up ? leave_behind(actor) : TW_AGENT_WAITS;
}

static enum tw_agent_progress step(struct tw_gateway_actor *actor, struct tw_store_error *damage)
{
    int64_t now_ns = tw_now_ns();
    hear_watermark(actor);
    if (actor->ends_sent > 0)
        return finish(actor, now_ns);
    bool flowing = actor->frame == NULL || distribute(actor), more = false, answering = false;
    if (flowing) {
        if (!actor->stopping)
            tw_barrier_step(actor->barrier, actor->durable_lsn, actor->held, now_ns);
        more = ingest(actor, now_ns);
    } else if (actor->held && !actor->stopping) {
        answering = answer_held(actor, now_ns);
    }
    /* What a resend or a bust asked for could not be read: no answer that was made without it may leave. */
    if (actor->settings.store != NULL && tw_store_damage(actor->settings.store, damage))
        return TW_AGENT_FAILED;
    flowing = flowing && distribute(actor);
    /* While lanes are full trades may wait unread: the market is not known to be quiet. */
    actor->clock_due_ns = flowing ? tw_gateway_clock(actor->core, tw_wall_ns(), now_ns) : now_ns + LOOK_NS;
    publish_acks(actor, now_ns);
    pass_complaints(actor, now_ns);
    if (actor->stopping && flowing && !tw_gateway_staged(actor->core) && actor->waiting_count == 0)
        return finish(actor, now_ns);
    return answering || (flowing && (more || is_due(actor))) ? TW_AGENT_CONTINUES : TW_AGENT_WAITS;
}

static enum tw_agent_progress work(void *self, char failure[512])
{
    struct tw_gateway_actor *actor = self;
    struct tw_store_error damage;
    enum tw_agent_progress progress = step(actor, &damage);
    if (progress == TW_AGENT_FAILED) {
        snprintf(failure, 512, "%s", damage.text);
        return progress;
    }
    return tw_barrier_turn(actor->barrier, progress);
}

/* Stop taking trades; what was taken goes its way. */
static void stop(void *self)
{
    struct tw_gateway_actor *actor = self;
    if (!actor->stopping)
        tw_log(TW_LOG_INFO, "gateway", "takes no more trades; finishing what was taken");
    actor->stopping = true;
}

struct tw_agent tw_gateway_actor_agent(struct tw_gateway_actor *actor)
{
    return (struct tw_agent){"gateway", actor, start, wait_for, work, stop, close_sockets};
}
