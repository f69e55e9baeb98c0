/* SPDX-License-Identifier: MIT */
#include "actors/gateway/barrier_actor.h"

#include <stdlib.h>
#include <time.h>

#include "actors/runtime/cell.h"
#include "actors/runtime/lane.h"
#include "actors/runtime/lanes.h"
#include "actors/runtime/log.h"
#include "protocol/check.h"

#define LOOK_AT_WORK_NS INT64_C(100000000)

struct tw_barrier {
    struct tw_gateway *core;
    struct tw_barrier_settings settings;
    struct tw_saver *saver;
    struct tw_cell *keeper; /* its report */
    zsock_t *actions;
    struct tw_keeper_report report;
    uint64_t lsn, seq; /* the newest SNAPSHOT record that was staged here, and the last trade before it */
    int64_t taken_ns;
    int64_t work_taken_ns, work_ns, work_seen_ns; /* at the newest snapshot, now, and when that was */
    uint64_t recorded_seq, recorded_lsn;          /* of the newest wish that stands in the log */
    bool unsaid;                                  /* the keeper has not heard of it */
    bool held;                                    /* the disk is full: nothing is staged */
};

static void save_begin(void *core)
{
    tw_gateway_save_begin(core);
}
static bool save(void *core, struct tw_buffer *out, size_t bytes)
{
    return tw_gateway_save(core, out, bytes);
}

struct tw_barrier *tw_barrier_new(struct tw_gateway *core, const struct tw_barrier_settings *settings)
{
    struct tw_barrier *barrier = tw_alloc_zero(1, sizeof *barrier);
    barrier->core = core;
    barrier->settings = *settings;
    barrier->seq = settings->started_from;
    barrier->saver = tw_saver_new(TW_PART_GATEWAY, 0, &(struct tw_saved){core, save_begin, save}, settings->slices);
    return barrier;
}

void tw_barrier_free(struct tw_barrier **barrier)
{
    tw_saver_free(&(*barrier)->saver);
    free(*barrier);
    *barrier = NULL;
}

void tw_barrier_open(struct tw_barrier *barrier, int64_t now_ns)
{
    barrier->taken_ns = now_ns;
    if (barrier->settings.slices == NULL)
        return;
    tw_saver_open(barrier->saver);
    barrier->keeper = tw_cell_open(TW_CELL_KEEPER_GATEWAY, sizeof barrier->report);
    barrier->actions = tw_lane_pull(TW_LANE_ACTIONS);
}

void tw_barrier_close(struct tw_barrier *barrier)
{
    tw_saver_close(barrier->saver);
    tw_cell_close(&barrier->keeper);
    zsock_destroy(&barrier->actions);
}

/* The processor time of the whole process: what a start has to do again is a part of what was done since the snapshot,
 * whatever the trades are like. From 0, since this start's own reading of the log is the next one's, too. */
static void look_at_work(struct tw_barrier *barrier, int64_t now_ns)
{
    struct timespec used;
    if (barrier->work_seen_ns != 0 && now_ns - barrier->work_seen_ns < LOOK_AT_WORK_NS)
        return;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    barrier->work_ns = (int64_t)used.tv_sec * TW_NS_PER_SECOND + used.tv_nsec;
    barrier->work_seen_ns = now_ns;
}

static bool is_due(struct tw_barrier *barrier, int64_t now_ns)
{
    if (barrier->report.done_lsn < barrier->lsn)
        return false; /* the keeper has not done with the one before */
    if (barrier->report.hurries)
        return true;
    uint64_t trades = tw_gateway_last_seq(barrier->core) - barrier->seq;
    if (trades == 0 && tw_gateway_last_lsn(barrier->core) == barrier->lsn)
        return false;
    look_at_work(barrier, now_ns);
    return (barrier->settings.snapshot_work_ns != 0 &&
            barrier->work_ns - barrier->work_taken_ns >= barrier->settings.snapshot_work_ns) ||
           (barrier->settings.snapshot_trades != 0 && trades >= barrier->settings.snapshot_trades) ||
           (barrier->settings.snapshot_ns != 0 && now_ns - barrier->taken_ns >= barrier->settings.snapshot_ns);
}

static void take_snapshot(struct tw_barrier *barrier, int64_t now_ns)
{
    barrier->lsn = tw_gateway_snapshot(barrier->core, tw_wall_ns());
    barrier->seq = tw_gateway_last_seq(barrier->core);
    barrier->taken_ns = now_ns;
    barrier->work_taken_ns = barrier->work_ns;
    barrier->report.hurries = false; /* until it is said again */
    tw_saver_begin(barrier->saver, barrier->lsn, barrier->seq, 0);
}

/* The wish becomes a record, once; the keeper hears where it stands. */
static void record_wish(struct tw_barrier *barrier)
{
    const struct tw_retention *wish = &barrier->report.wish;
    barrier->recorded_lsn = tw_gateway_retain(barrier->core, wish);
    if (barrier->recorded_lsn == 0) /* an earlier run has recorded it, somewhere before */
        barrier->recorded_lsn = tw_gateway_last_lsn(barrier->core);
    barrier->recorded_seq = wish->last_seq;
    barrier->unsaid = true;
    tw_log(TW_LOG_INFO, "gateway", "retention by %s: trades up to %llu go", wish->by_size ? "size" : "age",
           (unsigned long long)wish->last_seq);
}

/* What the keeper's desk has looked at becomes a record. */
static void record_actions(struct tw_barrier *barrier)
{
    zmq_msg_t message;
    while (tw_lane_receive(barrier->actions, &message)) {
        struct tw_text action = {zmq_msg_data(&message), (uint32_t)zmq_msg_size(&message)};
        tw_gateway_act(barrier->core, action, tw_wall_ns());
        zmq_msg_close(&message);
    }
}

void tw_barrier_step(struct tw_barrier *barrier, uint64_t durable_lsn, bool held, int64_t now_ns)
{
    if (barrier->settings.slices == NULL)
        return;
    while (tw_cell_read(barrier->keeper, &barrier->report))
        continue;
    barrier->held = held;
    if (held)
        return;
    record_actions(barrier);
    if (barrier->report.has_wish && barrier->report.wish.last_seq > barrier->recorded_seq &&
        barrier->report.wish.last_lsn <= durable_lsn)
        record_wish(barrier);
    if (barrier->unsaid)
        barrier->unsaid = !tw_saver_say_recorded(barrier->saver, barrier->recorded_seq, barrier->recorded_lsn);
    if (is_due(barrier, now_ns))
        take_snapshot(barrier, now_ns);
}

enum tw_agent_progress tw_barrier_turn(struct tw_barrier *barrier, enum tw_agent_progress progress)
{
    return tw_saver_turn(barrier->saver, progress);
}

int tw_barrier_wait_for(struct tw_barrier *barrier, bool hears, zmq_pollitem_t *items, int count)
{
    if (barrier->keeper != NULL && hears) {
        items[count++] = tw_cell_item(barrier->keeper);
        if (!barrier->held) /* then they wait where they are */
            items[count++] = (zmq_pollitem_t){zsock_resolve(barrier->actions), 0, ZMQ_POLLIN, 0};
    }
    return tw_saver_wait_for(barrier->saver, items, count);
}
