/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "protocol/check.h"
#include "tests/sim/daemon.h"
#include "tests/sim/ledger.h"

/* ---- what every actor that keeps a state does ---- */

static void *core_of(struct daemon *daemon, enum daemon_actor actor, enum tw_snapshot_part *part)
{
    switch (actor) {
    case GATEWAY:
        *part = TW_PART_GATEWAY;
        return daemon->gateway;
    case EXPOSURE:
        *part = TW_PART_EXPOSURE;
        return daemon->exposure;
    case SCORER:
        *part = TW_PART_SCORER;
        return daemon->scorer;
    case ROUTER:
        *part = TW_PART_ROUTER;
        return daemon->router;
    default:
        *part = TW_PART_SHARD;
        return daemon->shard[actor - SHARD];
    }
}

void saver_begin(struct daemon *daemon, enum daemon_actor actor, uint64_t lsn, uint64_t seq, uint64_t last_alert)
{
    struct saver *saver = &daemon->savers[actor];
    enum tw_snapshot_part part;
    void *core = core_of(daemon, actor, &part);
    TW_ASSERT(!saver->saving);
    saver->about = (struct tw_keeper_slice){.lsn = lsn,
                                            .seq = seq,
                                            .part = part,
                                            .index = part == TW_PART_SHARD ? (uint32_t)(actor - SHARD) : 0,
                                            .last_alert = last_alert};
    saver->saving = true;
    if (part == TW_PART_GATEWAY)
        tw_gateway_save_begin(core);
    else if (part == TW_PART_SHARD)
        tw_shard_save_begin(core);
    else if (part == TW_PART_EXPOSURE)
        tw_exposure_save_begin(core);
    else if (part == TW_PART_SCORER)
        tw_scorer_save_begin(core);
    else
        tw_router_save_begin(core);
}

void saver_meet(struct daemon *daemon, enum daemon_actor actor, const struct tw_record *record, uint64_t last_alert)
{
    if (record->kind == TW_RECORD_CONTROL && record->control.kind == TW_CONTROL_SNAPSHOT)
        saver_begin(daemon, actor, record->control.lsn, record->control.follows, last_alert);
}

bool saver_may(const struct daemon *daemon, enum daemon_actor actor)
{
    return daemon->savers[actor].saving && lane_has_room(&daemon->keeper_lane);
}

static bool save(struct daemon *daemon, enum daemon_actor actor, struct tw_buffer *out)
{
    size_t bytes = daemon->sim->plan.snapshot_slice_bytes;
    enum tw_snapshot_part part;
    void *core = core_of(daemon, actor, &part);
    switch (part) {
    case TW_PART_GATEWAY:
        return tw_gateway_save(core, out, bytes);
    case TW_PART_SHARD:
        return tw_shard_save(core, out, bytes);
    case TW_PART_EXPOSURE:
        return tw_exposure_save(core, out, bytes);
    case TW_PART_SCORER:
        return tw_scorer_save(core, out, bytes);
    default:
        return tw_router_save(core, out, bytes);
    }
}

void saver_turn(struct daemon *daemon, enum daemon_actor actor)
{
    if (!saver_may(daemon, actor))
        return;
    struct saver *saver = &daemon->savers[actor];
    struct slice *slice = tw_alloc_zero(1, sizeof *slice);
    slice->about = saver->about;
    slice->about.last = save(daemon, actor, &slice->rows);
    saver->saving = !slice->about.last;
    lane_push(&daemon->keeper_lane, (struct item){.slice = slice});
}

/* ---- the keeper ---- */

bool keeper_may(struct daemon *daemon)
{
    if (daemon->finishing)
        return daemon->sim->now_ns >= daemon->keeper_due_ns;
    if (desk_may(daemon))
        return true;
    return (daemon->keeper_lane.count > 0 && !daemon->stopping) || daemon->watermark[KEEPER].fresh;
}

static void give_up(struct daemon *daemon, const char *why)
{
    sim_tell(daemon->sim, "keeper", "the snapshot is given up: %s", why);
    tw_keeper_give_up(daemon->keeper);
    tw_buffer_free(&daemon->writing.chunks);
    daemon->writing = (struct disk_snapshot){0};
}

static void take_slice(struct daemon *daemon, const struct slice *slice)
{
    const struct tw_keeper_slice *about = &slice->about;
    uint8_t head[2] = {(uint8_t)about->part, (uint8_t)about->index};
    uint32_t length = (uint32_t)slice->rows.length;
    if (slice->recorded_seq != 0) {
        tw_keeper_recorded(daemon->keeper, slice->recorded_seq, slice->recorded_lsn);
        return;
    }
    enum tw_keeper_turn turn = tw_keeper_take(daemon->keeper, about);
    if (turn == TW_KEEPER_IGNORES)
        return;
    if (turn == TW_KEEPER_BEGINS)
        daemon->writing = (struct disk_snapshot){.lsn = about->lsn, .seq = about->seq, .shards = daemon->shards};
    if (daemon->sim->disk->full) {
        give_up(daemon, "the disk is full");
        return;
    }
    tw_buffer_append(&daemon->writing.chunks, head, sizeof head);
    tw_buffer_append(&daemon->writing.chunks, &length, sizeof length);
    tw_buffer_append(&daemon->writing.chunks, slice->rows.bytes, slice->rows.length);
}

static void prune(struct daemon *daemon)
{
    for (uint64_t lsn; (lsn = tw_keeper_surplus(daemon->keeper)) != 0;) {
        disk_snapshot_remove(daemon->sim->disk, lsn);
        tw_keeper_removed(daemon->keeper, lsn);
    }
}

/* The event clock and the first trade that is there, as the time index says. */
static void look(struct daemon *daemon)
{
    struct disk *disk = daemon->sim->disk;
    struct tw_keeper_days days = {disk, disk_before};
    struct tw_keeper_tape tape = {.retained_seq = disk->retained_seq, .last_seq = disk->last_seq, .bytes = 1};
    for (uint64_t seq = disk->retained_seq + 1; seq <= disk->last_seq; seq++) {
        int64_t ts_ns = tw_load_i64(disk->log[disk->rows[seq].lsn].record.block.ts, disk->rows[seq].row);
        if (seq == disk->retained_seq + 1)
            tape.first_ns = ts_ns;
        if (ts_ns > tape.clock_ns)
            tape.clock_ns = ts_ns;
    }
    tw_keeper_look(daemon->keeper, &tape, &days);
}

static void drop(struct daemon *daemon)
{
    const struct tw_retention *gone = tw_keeper_droppable(daemon->keeper, daemon->watermark[KEEPER].lsn);
    if (gone == NULL)
        return;
    sim_tell(daemon->sim, "keeper", "retention drops trades up to %llu, records up to %llu",
             (unsigned long long)gone->last_seq, (unsigned long long)gone->last_lsn);
    ledger_dropped(daemon->sim->ledger, gone->last_seq, gone->last_lsn);
    disk_retain(daemon->sim->disk, gone->last_seq, gone->last_lsn);
    tw_keeper_dropped(daemon->keeper);
}

static void report(struct daemon *daemon)
{
    const struct tw_retention *wish = tw_keeper_wish(daemon->keeper);
    daemon->report.done_lsn = tw_keeper_done(daemon->keeper);
    daemon->report.hurries = tw_keeper_hurries(daemon->keeper);
    daemon->report.has_wish = wish != NULL;
    if (wish != NULL)
        daemon->report.wish = *wish;
}

static void finish(struct daemon *daemon)
{
    struct tw_keeper_barrier barrier = tw_keeper_under_way(daemon->keeper);
    daemon->finishing = false;
    daemon->writing.last_alert = barrier.last_alert;
    if (!disk_snapshot_finish(daemon->sim->disk, &daemon->writing)) {
        give_up(daemon, "the disk is full");
        return;
    }
    sim_tell(daemon->sim, "keeper", "snapshot %llu is complete, alerts up to %llu", (unsigned long long)barrier.lsn,
             (unsigned long long)barrier.last_alert);
    tw_keeper_finished(daemon->keeper);
    prune(daemon);
    look(daemon);
}

void keeper_work(struct daemon *daemon)
{
    struct sim *sim = daemon->sim;
    struct item item;
    daemon->watermark[KEEPER].fresh = false;
    if (daemon->finishing)
        finish(daemon);
    else if (!daemon->stopping && lane_pop(&daemon->keeper_lane, &item)) {
        take_slice(daemon, item.slice);
        item_free(&item);
    }
    if (!daemon->finishing && desk_may(daemon))
        desk_work(daemon);
    drop(daemon);
    if (!daemon->stopping && tw_keeper_whole(daemon->keeper, daemon->watermark[KEEPER].lsn)) {
        daemon->finishing = true;
        daemon->keeper_due_ns = sim->now_ns + sim_about(&sim->random, 2 * sim->plan.fsync_ns);
    }
    report(daemon);
}
