/* SPDX-License-Identifier: MIT */
#include "tests/sim/daemon.h"

#include <stdlib.h>
#include <string.h>

#include "actors/recovery/recovery.h"
#include "protocol/check.h"
#include "tests/sim/ledger.h"
#include "tests/sim/shelf.h"

/* ---- lanes ---- */

bool lane_has_room(const struct lane *lane)
{
    return lane->count < lane->depth;
}

void lane_push(struct lane *lane, struct item item)
{
    TW_ASSERT(lane_has_room(lane));
    lane->items[(lane->first + lane->count++) % DAEMON_LANE_MAX] = item;
}

bool lane_pop(struct lane *lane, struct item *item)
{
    if (lane->count == 0)
        return false;
    *item = lane->items[lane->first];
    lane->first = (lane->first + 1) % DAEMON_LANE_MAX;
    lane->count--;
    return true;
}

void item_free(struct item *item)
{
    tw_frame_drop(&item->frame);
    if (item->answer != NULL) {
        tw_shard_answer_free(item->answer);
        free(item->answer);
    }
    if (item->events != NULL) {
        tw_events_free(item->events);
        free(item->events);
    }
    if (item->slice != NULL) {
        tw_buffer_free(&item->slice->rows);
        free(item->slice);
    }
    tw_buffer_free(&item->topic);
    tw_buffer_free(&item->payload);
    *item = (struct item){0};
}

static void lane_clear(struct lane *lane)
{
    struct item item;
    while (lane_pop(lane, &item))
        item_free(&item);
}

struct tw_record daemon_view(const struct tw_frame *frame)
{
    struct tw_record record;
    TW_ASSERT(tw_record_view(frame->bytes, frame->length, &record));
    return record;
}

/* ---- start ---- */

static void set_depths(struct daemon *daemon)
{
    uint32_t depth = daemon->sim->plan.lane_depth;
    daemon->journal_lane.depth = daemon->exposure_lane.depth = daemon->scorer_lane.depth = depth;
    daemon->router_lane.depth = daemon->catchup_lane.depth = daemon->keeper_lane.depth = depth;
    daemon->actions_lane.depth = depth;
    for (uint32_t i = 0; i < daemon->shards; i++)
        daemon->shard_lane[i].depth = daemon->answer_lane[i].depth = depth;
}

static void take_cores(struct daemon *daemon, struct tw_recovered *recovered)
{
    struct tw_pipeline_cores cores = tw_pipeline_release(&recovered->pipeline);
    daemon->gateway = recovered->gateway;
    daemon->evidence = recovered->evidence;
    daemon->exposure = cores.exposure;
    daemon->scorer = cores.scorer;
    daemon->router = cores.router;
    for (uint32_t i = 0; i < daemon->shards; i++) {
        daemon->shard[i] = cores.shard[i];
        tw_shard_limit_answers(daemon->shard[i], daemon->sim->plan.answer_remarks);
    }
}

static bool recover(struct daemon *daemon)
{
    struct sim *sim = daemon->sim;
    const struct sim_plan *plan = &sim->plan;
    struct tw_gateway_settings gateway = {.block_trades_max = plan->block_trades_max,
                                          .credit_trades = plan->credit,
                                          .future_ns = SIM_FUTURE_NS,
                                          .reporting_currency = "USD",
                                          .next_roll = sim_next_roll,
                                          .next_roll_context = &sim->plan,
                                          .idle_clock = true,
                                          .tick_keys_max = plan->seed % 2 == 0 ? 20 : 0};
    struct tw_history history = disk_history(sim->disk);
    struct tw_recovery_settings settings = {&gateway, &history, daemon->shards, disk_fetch, sim->disk, sim_shelf, sim};
    struct tw_recovery_port port = disk_recovery_port(sim->disk);
    struct tw_recovered recovered;
    char why[TW_RECOVERY_WHY_BYTES] = "";
    enum tw_recovery_end end = tw_recovery_run(&settings, &port, &recovered, why);
    if (end == TW_RECOVERY_FAILED)
        SIM_CHECK(sim, sim->disk->full, "recovery failed: %s", why);
    if (end != TW_RECOVERY_DONE) {
        sim_tell(sim, "daemon", "does not come up: %s", why);
        return false;
    }
    SIM_CHECK(sim, !recovered.differs, "the log gives another digest than was stored");
    sim_tell(sim, "daemon", "recovered with %u shards: snapshot %llu, then %llu records, %llu alerts, %llu missing",
             daemon->shards, (unsigned long long)recovered.snapshot_lsn, (unsigned long long)recovered.records,
             (unsigned long long)recovered.alerts, (unsigned long long)recovered.missing_alerts);
    daemon->started_from = recovered.snapshot_lsn;
    take_cores(daemon, &recovered);
    return true;
}

/* What is damaged, or was not good enough to start from, must not push out one that is whole; two are enough. */
static void start_keeper(struct daemon *daemon)
{
    struct tw_keeper_settings settings = {.shards = daemon->shards, .retain_days = daemon->sim->plan.retain_days};
    struct disk *disk = daemon->sim->disk;
    daemon->keeper = tw_keeper_new(&settings);
    for (uint32_t i = disk->snapshot_count; i > 0; i--)
        if (disk->snapshots[i - 1].damaged || disk->snapshots[i - 1].lsn > daemon->started_from)
            disk_snapshot_remove(disk, disk->snapshots[i - 1].lsn);
    while (disk->snapshot_count > TW_SNAPSHOTS_KEPT)
        disk_snapshot_remove(disk, disk->snapshots[0].lsn);
    for (uint32_t i = 0; i < disk->snapshot_count; i++)
        tw_keeper_found(daemon->keeper, disk->snapshots[i].lsn);
}

/* All that people did so far. */
static void start_desk(struct daemon *daemon)
{
    struct disk *disk = daemon->sim->disk;
    daemon->silences = tw_silences_new();
    for (uint64_t h = 1; h <= disk->last_action; h++) {
        struct tw_action_message message;
        TW_ASSERT(tw_action_message_decode(disk->actions[h].bytes, disk->actions[h].length, &message));
        tw_silences_take(daemon->silences, &message);
    }
    disk->silences = daemon->silences;
    daemon->sent_h = disk->last_action;
}

struct daemon *daemon_start(struct sim *sim, uint32_t shards)
{
    struct daemon *daemon = tw_alloc_zero(1, sizeof *daemon);
    struct tw_buffer text = {0};
    daemon->sim = sim;
    daemon->shards = shards;
    set_depths(daemon);
    start_desk(daemon);
    if (!recover(daemon)) {
        daemon_kill(&daemon);
        return NULL;
    }
    start_keeper(daemon);
    daemon->level = sim_below(&sim->random, 3);
    sim_rules_text(sim, daemon->level, &text);
    tw_gateway_start(daemon->gateway, "sim", (struct tw_text){(const char *)text.bytes, (uint32_t)text.length},
                     sim_wall(sim));
    tw_buffer_free(&text);
    for (int i = 0; i < ACTORS; i++)
        daemon->watermark[i] = (struct watermark){sim->disk->last_lsn, false, true};
    daemon->snapshot_due_ns = sim->now_ns + sim->plan.snapshot_every_ns;
    ledger_recovered(sim->ledger, tw_router_last(daemon->router));
    desk_show_all(daemon);
    return daemon;
}

static void free_cores(struct daemon *daemon)
{
    tw_gateway_free(&daemon->gateway);
    for (uint32_t i = 0; i < daemon->shards; i++)
        tw_shard_free(&daemon->shard[i]);
    tw_exposure_free(&daemon->exposure);
    tw_scorer_free(&daemon->scorer);
    tw_router_free(&daemon->router);
    tw_evidence_source_free(&daemon->evidence);
    tw_keeper_free(&daemon->keeper);
}

void daemon_kill(struct daemon **daemon_pointer)
{
    struct daemon *daemon = *daemon_pointer;
    struct lane *lanes[] = {&daemon->journal_lane, &daemon->exposure_lane, &daemon->scorer_lane, &daemon->router_lane,
                            &daemon->catchup_lane, &daemon->keeper_lane,   &daemon->actions_lane};
    people_lost(daemon->sim->people);
    free_cores(daemon);
    for (size_t i = 0; i < sizeof lanes / sizeof *lanes; i++)
        lane_clear(lanes[i]);
    for (uint32_t i = 0; i < daemon->shards; i++) {
        struct item waiting = {.answer = daemon->shard_waiting[i]}, answer = {.answer = daemon->answers[i]};
        lane_clear(&daemon->shard_lane[i]);
        lane_clear(&daemon->answer_lane[i]);
        item_free(&waiting);
        item_free(&answer);
        tw_frame_drop(&daemon->shard_record[i]);
    }
    struct item exposure = {.frame = daemon->exposure_record, .events = daemon->exposure_waiting};
    struct item judging = {.events = daemon->exposure_judging};
    item_free(&exposure);
    item_free(&judging);
    item_free(&daemon->scored);
    item_free(&daemon->routed);
    tw_frame_drop(&daemon->frame);
    for (uint32_t i = 0; i < daemon->batch_count; i++)
        tw_frame_drop(&daemon->batch[i]);
    for (uint32_t i = 0; i < daemon->intake_count; i++)
        tw_buffer_free(&daemon->intake[i].bytes);
    for (uint32_t i = 0; i < daemon->feed_count; i++)
        tw_buffer_free(&daemon->feed_intake[i].bytes);
    for (uint32_t i = 0; i < daemon->request_count; i++)
        tw_buffer_free(&daemon->requests[i]);
    tw_buffer_free(&daemon->request);
    tw_buffer_free(&daemon->arena);
    tw_buffer_free(&daemon->writing.chunks);
    free(daemon->list);
    free(daemon->hidden);
    tw_silences_free(&daemon->silences);
    free(daemon);
    *daemon_pointer = NULL;
}

/* ---- who may work ---- */

static bool may(struct daemon *daemon, int actor)
{
    if (daemon->sim->now_ns < daemon->busy_until_ns[actor])
        return false;
    switch (actor) {
    case GATEWAY:
        return gateway_may(daemon);
    case JOURNAL:
        return journal_may(daemon);
    case EXPOSURE:
        return exposure_may(daemon);
    case SCORER:
        return scorer_may(daemon);
    case ROUTER:
        return router_may(daemon);
    case CATCHUP:
        return catchup_may(daemon);
    case KEEPER:
        return keeper_may(daemon);
    default:
        return (uint32_t)(actor - SHARD) < daemon->shards && shard_may(daemon, (uint32_t)(actor - SHARD));
    }
}

static void work(struct daemon *daemon, int actor)
{
    switch (actor) {
    case GATEWAY:
        gateway_work(daemon);
        return;
    case JOURNAL:
        journal_work(daemon);
        return;
    case EXPOSURE:
        exposure_work(daemon);
        return;
    case SCORER:
        scorer_work(daemon);
        return;
    case ROUTER:
        router_work(daemon);
        return;
    case CATCHUP:
        catchup_work(daemon);
        return;
    case KEEPER:
        keeper_work(daemon);
        return;
    default:
        shard_work(daemon, (uint32_t)(actor - SHARD));
    }
}

bool daemon_work(struct daemon *daemon)
{
    struct sim *sim = daemon->sim;
    int able[ACTORS];
    uint32_t count = 0;
    for (int actor = 0; actor < ACTORS; actor++)
        if (may(daemon, actor))
            able[count++] = actor;
    if (count == 0)
        return false;
    int actor = able[sim_below(&sim->random, count)];
    int64_t cost = sim_between(&sim->random, 1, 2 * sim->plan.work_ns);
    if (sim->plan.slow_actor == (uint32_t)actor + 1)
        cost *= 50;
    sim_mix(sim, (uint64_t)actor);
    daemon->busy_until_ns[actor] = sim->now_ns + cost;
    work(daemon, actor);
    return true;
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t daemon_due(const struct daemon *daemon)
{
    int64_t due = sooner(daemon->clock_due_ns, daemon->head_due_ns);
    if (daemon->awaited != NULL)
        due = sooner(due, daemon->patience_ns);
    if (daemon->syncing || daemon->journal_full)
        due = sooner(due, daemon->journal_due_ns);
    if (daemon->router_retry_ns != 0)
        due = sooner(due, daemon->router_retry_ns);
    if (daemon->finishing)
        due = sooner(due, daemon->keeper_due_ns);
    for (int i = 0; i < ACTORS; i++)
        if (daemon->busy_until_ns[i] > daemon->sim->now_ns)
            due = sooner(due, daemon->busy_until_ns[i]);
    return due;
}

void daemon_stop(struct daemon *daemon)
{
    sim_tell(daemon->sim, "daemon", "takes no more trades");
    daemon->stopping = true;
}

bool daemon_finished(struct daemon *daemon)
{
    return daemon->frame == NULL && !tw_gateway_staged(daemon->gateway) &&
           daemon->sim->disk->last_lsn == tw_gateway_last_lsn(daemon->gateway) && daemon->exposure_lane.count == 0 &&
           daemon->exposure_record == NULL && daemon->scorer_lane.count == 0 && daemon->scored.frame == NULL &&
           daemon->router_lane.count == 0 && daemon->routed.frame == NULL;
}

bool daemon_take(struct daemon *daemon, enum tw_lane lane, const void *bytes, size_t length)
{
    struct message *list = lane == TW_LANE_PUSH ? daemon->intake : daemon->feed_intake;
    uint32_t *count = lane == TW_LANE_PUSH ? &daemon->intake_count : &daemon->feed_count;
    if (*count == DAEMON_INTAKE_MAX)
        return lane == TW_LANE_FEED; /* a feed's PUB drops */
    list[*count] = (struct message){.lane = lane};
    tw_buffer_append(&list[(*count)++].bytes, bytes, length);
    return true;
}

bool daemon_request(struct daemon *daemon, const void *bytes, size_t length)
{
    if (daemon->request_count == DAEMON_INTAKE_MAX)
        return false;
    daemon->requests[daemon->request_count] = (struct tw_buffer){0};
    tw_buffer_append(&daemon->requests[daemon->request_count++], bytes, length);
    return true;
}
