/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "protocol/check.h"
#include "tests/sim/daemon.h"
#include "tests/sim/ledger.h"
#include "tests/sim/net.h"

#define LOOK_NS (50 * SIM_MS)

static uint32_t lane_count(const struct daemon *daemon)
{
    return daemon->shards + 2;
}

/* Journal, the shards, exposure. */
static struct lane *lane_at(struct daemon *daemon, uint32_t at)
{
    if (at == 0)
        return &daemon->journal_lane;
    return at <= daemon->shards ? &daemon->shard_lane[at - 1] : &daemon->exposure_lane;
}

bool gateway_may(struct daemon *daemon)
{
    if (daemon->watermark[GATEWAY].fresh || daemon->sim->now_ns >= daemon->clock_due_ns || saver_may(daemon, GATEWAY))
        return true;
    if (daemon->frame != NULL)
        return lane_has_room(lane_at(daemon, daemon->next_lane));
    if (daemon->actions_lane.count > 0 && !daemon->stopping && !daemon->watermark[GATEWAY].full)
        return true;
    bool waiting = daemon->intake_count > 0 || daemon->feed_count > 0;
    return (waiting && !daemon->stopping) || tw_gateway_staged(daemon->gateway);
}

static void hear_watermark(struct daemon *daemon)
{
    struct watermark *watermark = &daemon->watermark[GATEWAY];
    if (!watermark->fresh)
        return;
    watermark->fresh = false;
    tw_gateway_durable(daemon->gateway, watermark->lsn);
    tw_gateway_hold_disk(daemon->gateway, watermark->full);
}

/* Hands staged records to all lanes, in order. False: a lane is full. */
static bool distribute(struct daemon *daemon)
{
    for (;;) {
        if (daemon->frame == NULL) {
            daemon->frame = tw_gateway_cut(daemon->gateway);
            daemon->next_lane = 0;
            if (daemon->frame == NULL)
                return true;
        }
        for (; daemon->next_lane < lane_count(daemon); daemon->next_lane++) {
            struct lane *lane = lane_at(daemon, daemon->next_lane);
            if (!lane_has_room(lane))
                return false;
            lane_push(lane, (struct item){.frame = tw_frame_share(daemon->frame)});
        }
        tw_frame_drop(&daemon->frame);
    }
}

static bool take_first(struct daemon *daemon, struct message *list, uint32_t *count)
{
    struct sim *sim = daemon->sim;
    if (tw_gateway_submit(daemon->gateway, list[0].lane, list[0].bytes.bytes, list[0].bytes.length, sim_wall(sim),
                          sim->now_ns) == TW_TAKEN_LATER)
        return false;
    tw_buffer_free(&list[0].bytes);
    memmove(list, list + 1, (--*count) * sizeof *list);
    return true;
}

static void ingest(struct daemon *daemon)
{
    for (uint32_t i = 1 + sim_below(&daemon->sim->random, 8); i > 0; i--)
        if (daemon->intake_count > 0) {
            if (!take_first(daemon, daemon->intake, &daemon->intake_count))
                return;
        } else if (daemon->feed_count > 0) {
            if (!take_first(daemon, daemon->feed_intake, &daemon->feed_count))
                return;
        }
}

static void publish_acks(struct daemon *daemon)
{
    struct tw_ack ack;
    struct tw_buffer bytes = {0};
    while (tw_gateway_next_ack(daemon->gateway, daemon->sim->now_ns, &ack)) {
        ledger_ack(daemon->sim->ledger, &ack);
        bytes.length = 0;
        tw_ack_encode(&bytes, &ack);
        net_ack(daemon->sim->net, ack.publisher, &bytes);
    }
    tw_buffer_free(&bytes);
}

/* The keeper's wish becomes a record, once; the keeper hears where it stands. */
static void record_wish(struct daemon *daemon)
{
    const struct tw_retention *wish = &daemon->report.wish;
    daemon->said_lsn = tw_gateway_retain(daemon->gateway, wish);
    if (daemon->said_lsn == 0) /* an earlier run has recorded it */
        daemon->said_lsn = tw_gateway_last_lsn(daemon->gateway);
    daemon->said_seq = wish->last_seq;
    daemon->unsaid = true;
    sim_tell(daemon->sim, "gateway", "retention: trades up to %llu go, record %llu",
             (unsigned long long)daemon->said_seq, (unsigned long long)daemon->said_lsn);
}

/* What the desk has looked at becomes a record. */
static void record_actions(struct daemon *daemon)
{
    struct item item;
    while (lane_pop(&daemon->actions_lane, &item)) {
        uint64_t h = tw_gateway_act(daemon->gateway,
                                    (struct tw_text){(const char *)item.payload.bytes, (uint32_t)item.payload.length},
                                    sim_wall(daemon->sim));
        sim_tell(daemon->sim, "gateway", "records action %llu", (unsigned long long)h);
        item_free(&item);
    }
}

static bool snapshot_is_due(const struct daemon *daemon)
{
    if (daemon->report.done_lsn < daemon->snapshot_lsn)
        return false; /* the keeper has not done with the one before */
    if (daemon->report.hurries)
        return true;
    bool nothing_new = tw_gateway_last_seq(daemon->gateway) == daemon->snapshot_seq &&
                       tw_gateway_last_lsn(daemon->gateway) == daemon->snapshot_lsn;
    return !nothing_new && daemon->sim->now_ns >= daemon->snapshot_due_ns;
}

/* What people did; a SNAPSHOT record when the keeper has done with the last one and it is time; a RETENTION record when
 * it wishes. */
static void keep(struct daemon *daemon)
{
    struct sim *sim = daemon->sim;
    struct tw_keeper_report *report = &daemon->report;
    if (daemon->watermark[GATEWAY].full)
        return;
    record_actions(daemon);
    if (report->has_wish && report->wish.last_seq > daemon->said_seq &&
        report->wish.last_lsn <= daemon->watermark[GATEWAY].lsn)
        record_wish(daemon);
    if (daemon->unsaid && lane_has_room(&daemon->keeper_lane)) {
        struct slice *slice = tw_alloc_zero(1, sizeof *slice);
        slice->recorded_seq = daemon->said_seq;
        slice->recorded_lsn = daemon->said_lsn;
        lane_push(&daemon->keeper_lane, (struct item){.slice = slice});
        daemon->unsaid = false;
    }
    if (!snapshot_is_due(daemon))
        return;
    report->hurries = false; /* until it is said again */
    daemon->snapshot_due_ns = sim->now_ns + sim_about(&sim->random, sim->plan.snapshot_every_ns);
    daemon->snapshot_lsn = tw_gateway_snapshot(daemon->gateway, sim_wall(sim));
    sim_tell(sim, "gateway", "snapshot at record %llu behind trade %llu", (unsigned long long)daemon->snapshot_lsn,
             (unsigned long long)tw_gateway_last_seq(daemon->gateway));
    daemon->snapshot_seq = tw_gateway_last_seq(daemon->gateway);
    saver_begin(daemon, GATEWAY, daemon->snapshot_lsn, tw_gateway_last_seq(daemon->gateway), 0);
}

void gateway_work(struct daemon *daemon)
{
    struct sim *sim = daemon->sim;
    hear_watermark(daemon);
    bool flowing = distribute(daemon);
    if (flowing && !daemon->stopping) {
        ingest(daemon);
        flowing = distribute(daemon);
    }
    if (flowing && !daemon->stopping)
        keep(daemon);
    daemon->clock_due_ns = flowing && !daemon->stopping ? tw_gateway_clock(daemon->gateway, sim_wall(sim), sim->now_ns)
                                                        : sim->now_ns + LOOK_NS;
    publish_acks(daemon);
    saver_turn(daemon, GATEWAY);
}
