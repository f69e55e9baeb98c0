/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "protocol/check.h"
#include "tests/sim/daemon.h"
#include "tests/sim/ledger.h"
#include "tests/sim/net.h"

#define RETRY_NS (250 * SIM_MS)
#define LOOKS_PER_TURN 64

/* ---- router ---- */

static bool at_hand_may(const struct daemon *daemon)
{
    if (daemon->routed.frame == NULL)
        return daemon->router_lane.count > 0;
    struct tw_record record = daemon_view(daemon->routed.frame);
    return tw_record_lsn(&record) <= daemon->watermark[ROUTER].lsn && daemon->sim->now_ns >= daemon->router_retry_ns;
}

bool router_may(struct daemon *daemon)
{
    return daemon->watermark[ROUTER].fresh || daemon->catchup_lane.count > 0 ||
           daemon->sim->now_ns >= daemon->head_due_ns || saver_may(daemon, ROUTER) || at_hand_may(daemon);
}

/* The alerts of one record, with their bytes and topics in the arena; pointers are set when all are there. */
static void collect(void *context, const struct tw_router_alert *alert)
{
    struct daemon *daemon = context;
    if (daemon->list_count == daemon->list_capacity) {
        daemon->list_capacity = daemon->list_capacity == 0 ? 64 : daemon->list_capacity * 2;
        daemon->list = tw_realloc(daemon->list, daemon->list_capacity * sizeof *daemon->list);
        daemon->hidden = tw_realloc(daemon->hidden, daemon->list_capacity * sizeof *daemon->hidden);
    }
    daemon->hidden[daemon->list_count] = disk_silence_of(daemon->silences, alert, daemon->judged_ns);
    daemon->list[daemon->list_count++] = *alert;
    tw_buffer_append(&daemon->arena, alert->bytes, alert->length);
    tw_buffer_append(&daemon->arena, alert->topic, alert->topic_length);
}

static void judge_record(struct daemon *daemon, const struct tw_record *record)
{
    daemon->list_count = daemon->stored = 0;
    daemon->judged_ns = sim_wall(daemon->sim);
    daemon->arena.length = 0;
    tw_evidence_source_add(daemon->evidence, record);
    tw_router_step(daemon->router, record, daemon->routed.events, collect, daemon);
    uint8_t *at = daemon->arena.bytes;
    for (uint32_t i = 0; i < daemon->list_count; i++) {
        struct tw_router_alert *alert = &daemon->list[i];
        alert->bytes = at;
        alert->topic = (const char *)at + alert->length;
        at += alert->length + alert->topic_length;
    }
    daemon->has_batch = true;
    saver_meet(daemon, ROUTER, record, tw_router_last(daemon->router));
}

/* What somebody did. A silence counts from here on. */
static void publish_action(struct daemon *daemon, const struct tw_control *control)
{
    struct sim *sim = daemon->sim;
    struct tw_action_message message = {.h = control->number, .at_ns = control->ts_ns};
    struct tw_buffer bytes = {0};
    char topic[TW_TOPIC_BYTES_MAX];
    const char *why = NULL;
    TW_ASSERT(tw_action_decode(control->text.bytes, control->text.length, &message.action, &why));
    tw_action_message_encode(&bytes, &message);
    tw_silences_take(daemon->silences, &message);
    uint32_t topic_length = (uint32_t)tw_action_topic(topic, message.action.verb);
    ledger_published(sim->ledger, (struct tw_text){topic, topic_length}, bytes.bytes, bytes.length);
    net_alert(sim->net, topic, topic_length, bytes.bytes, bytes.length);
    tw_buffer_free(&bytes);
}

/* Stored all together, then published. False: the disk is full; the same goes again. */
static bool store_and_publish(struct daemon *daemon)
{
    struct sim *sim = daemon->sim;
    int64_t wall_ns = sim_wall(sim);
    if (daemon->list_count > 0 && sim->disk->full) {
        daemon->router_retry_ns = sim->now_ns + RETRY_NS;
        return false;
    }
    for (uint32_t i = 0; i < daemon->list_count; i++) {
        tw_alert_set_detected_at(daemon->list[i].bytes, daemon->list[i].length, wall_ns);
        struct disk_hiding hiding = {daemon->hidden[i], daemon->judged_ns, 0};
        TW_ASSERT(disk_put_alert(sim->disk, &daemon->list[i], wall_ns, &hiding));
        ledger_stored(sim->ledger, daemon->list[i].n);
    }
    for (uint32_t i = 0; i < daemon->list_count; i++)
        net_alert(sim->net, daemon->list[i].topic, daemon->list[i].topic_length, daemon->list[i].bytes,
                  daemon->list[i].length);
    daemon->router_retry_ns = 0;
    daemon->has_batch = false;
    return true;
}

static void route(struct daemon *daemon)
{
    if (daemon->routed.frame == NULL && !lane_pop(&daemon->router_lane, &daemon->routed))
        return;
    struct tw_record record = daemon_view(daemon->routed.frame);
    if (tw_record_lsn(&record) > daemon->watermark[ROUTER].lsn || daemon->sim->now_ns < daemon->router_retry_ns)
        return;
    if (!daemon->has_batch)
        judge_record(daemon, &record);
    if (!store_and_publish(daemon))
        return;
    if (record.kind == TW_RECORD_CONTROL && record.control.kind == TW_CONTROL_ACTION)
        publish_action(daemon, &record.control);
    item_free(&daemon->routed);
}

static void publish_head(struct daemon *daemon)
{
    struct tw_head head;
    struct tw_buffer bytes = {0};
    tw_router_head(daemon->router, &head);
    tw_head_encode(&bytes, &head);
    net_alert(daemon->sim->net, TW_HEAD_TOPIC, 5, bytes.bytes, bytes.length);
    tw_buffer_free(&bytes);
}

void router_work(struct daemon *daemon)
{
    struct item item;
    daemon->watermark[ROUTER].fresh = false;
    route(daemon);
    for (int i = 0; i < 4 && lane_pop(&daemon->catchup_lane, &item); i++) {
        net_alert(daemon->sim->net, (const char *)item.topic.bytes, (uint32_t)item.topic.length, item.payload.bytes,
                  item.payload.length);
        item_free(&item);
    }
    if (daemon->sim->now_ns >= daemon->head_due_ns) {
        publish_head(daemon);
        daemon->head_due_ns = daemon->sim->now_ns + SIM_SECOND;
    }
    saver_turn(daemon, ROUTER);
}

/* ---- catch-up ---- */

bool catchup_may(struct daemon *daemon)
{
    return daemon->serving ? lane_has_room(&daemon->catchup_lane) : daemon->request_count > 0;
}

static void answer(struct daemon *daemon, const void *bytes, size_t length)
{
    struct item item = {0};
    tw_buffer_append(&item.topic, daemon->request_at_hand.topic.bytes, daemon->request_at_hand.topic.length);
    tw_buffer_append(&item.payload, bytes, length);
    lane_push(&daemon->catchup_lane, item);
}

static uint64_t newest(const struct daemon *daemon)
{
    const struct disk *disk = daemon->sim->disk;
    if (daemon->request_at_hand.kind == TW_CATCHUP_ACTIONS)
        return disk->last_action;
    return daemon->request_at_hand.kind == TW_CATCHUP_ALERTS ? disk->last_alert : disk->refusal_count;
}

static void give(struct daemon *daemon, uint64_t number)
{
    struct disk *disk = daemon->sim->disk;
    struct tw_buffer bytes = {0};
    if (daemon->request_at_hand.kind == TW_CATCHUP_ALERTS) {
        answer(daemon, disk->alerts[number].bytes, disk->alerts[number].length);
        return;
    }
    if (daemon->request_at_hand.kind == TW_CATCHUP_ACTIONS) {
        answer(daemon, disk->actions[number].bytes, disk->actions[number].length);
        return;
    }
    const struct tw_refusal *refusal = &disk->refusals[number];
    struct tw_refusal_message message = {.number = refusal->number,
                                         .publisher = disk->sources[refusal->source].publisher,
                                         .incarnation = disk->sources[refusal->source].incarnation,
                                         .seq = refusal->pseq,
                                         .code = refusal->code,
                                         .why = refusal->why,
                                         .raw = refusal->raw,
                                         .received_ns = refusal->received_ns};
    tw_refusal_encode(&bytes, &message);
    answer(daemon, bytes.bytes, bytes.length);
    tw_buffer_free(&bytes);
}

static void serve(struct daemon *daemon)
{
    struct tw_buffer end = {0};
    for (int looks = 0; looks < LOOKS_PER_TURN; looks++) {
        if (!lane_has_room(&daemon->catchup_lane))
            return;
        if (daemon->given == daemon->request_at_hand.limit || daemon->position >= newest(daemon)) {
            tw_catchup_end_encode(&end, daemon->request_at_hand.after, daemon->given_last,
                                  daemon->position < newest(daemon), NULL);
            answer(daemon, end.bytes, end.length);
            tw_buffer_free(&end);
            daemon->serving = false;
            return;
        }
        give(daemon, ++daemon->position);
        daemon->given++;
        daemon->given_last = daemon->position;
    }
}

void catchup_work(struct daemon *daemon)
{
    const char *why = NULL;
    if (!daemon->serving && daemon->request_count > 0) {
        tw_buffer_free(&daemon->request);
        daemon->request = daemon->requests[0];
        memmove(daemon->requests, daemon->requests + 1, (--daemon->request_count) * sizeof *daemon->requests);
        if (!tw_catchup_decode(daemon->request.bytes, daemon->request.length, &daemon->request_at_hand, &why))
            sim_fail(daemon->sim, "a request of ours is refused: %s", why);
        daemon->position = daemon->given_last = daemon->request_at_hand.after;
        daemon->given = 0;
        daemon->serving = true;
    }
    if (daemon->serving)
        serve(daemon);
}
