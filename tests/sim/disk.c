/* SPDX-License-Identifier: MIT */
#include "tests/sim/disk.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/action.h"
#include "protocol/check.h"
#include "protocol/messages.h"

static void *grow(void *list, uint64_t needed, uint64_t *capacity, size_t element)
{
    if (needed < *capacity)
        return list;
    uint64_t before = *capacity;
    while (*capacity <= needed)
        *capacity = *capacity == 0 ? 64 : *capacity * 2;
    list = tw_realloc(list, *capacity * element);
    memset((uint8_t *)list + before * element, 0, (*capacity - before) * element);
    return list;
}

struct disk *disk_new(struct sim *sim)
{
    struct disk *disk = tw_alloc_zero(1, sizeof *disk);
    disk->sim = sim;
    disk->stop_at = -1;
    return disk;
}

static void clear_index(struct disk *disk)
{
    for (uint32_t id = 1; id <= disk->source_count; id++)
        free(disk->sources[id].numbers);
    if (disk->sources != NULL)
        memset(disk->sources, 0, disk->source_capacity * sizeof *disk->sources);
    disk->source_count = 0;
    disk->refusal_count = 0;
}

void disk_free(struct disk **disk_pointer)
{
    struct disk *disk = *disk_pointer;
    for (uint64_t lsn = 1; lsn <= disk->written_lsn; lsn++)
        tw_frame_drop(&disk->log[lsn].frame);
    for (uint64_t n = 1; n <= disk->last_alert; n++)
        free(disk->alerts[n].bytes);
    for (uint64_t h = 1; h <= disk->last_action; h++)
        free(disk->actions[h].bytes);
    free(disk->actions);
    for (uint32_t i = 0; i < disk->snapshot_count; i++)
        tw_buffer_free(&disk->snapshots[i].chunks);
    clear_index(disk);
    free(disk->sources);
    free(disk->refusals);
    free(disk->log);
    free(disk->rows);
    free(disk->alerts);
    free(disk->writes);
    free(disk);
    *disk_pointer = NULL;
}

static void note_write(struct disk *disk, bool is_log, uint64_t upto)
{
    if (disk->write_count == disk->write_capacity) {
        disk->write_capacity = disk->write_capacity == 0 ? 64 : disk->write_capacity * 2;
        disk->writes = tw_realloc(disk->writes, disk->write_capacity * sizeof *disk->writes);
    }
    disk->writes[disk->write_count++] = (struct disk_write){is_log, upto};
}

/* ---- the log ---- */

bool disk_append_begin(struct disk *disk, struct tw_frame *const *frames, uint32_t count)
{
    TW_ASSERT(disk->written_lsn == disk->last_lsn); /* one writer, one batch at a time */
    if (disk->full)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t lsn = ++disk->written_lsn;
        const char *why = "";
        disk->log = grow(disk->log, lsn, &disk->log_capacity, sizeof *disk->log);
        struct disk_record *kept = &disk->log[lsn];
        kept->frame = tw_frame_share(frames[i]);
        SIM_CHECK(disk->sim, tw_record_decode(kept->frame->bytes, kept->frame->length, &kept->record, &why),
                  "record %llu cannot be read back: %s", (unsigned long long)lsn, why);
        SIM_CHECK(disk->sim, tw_record_lsn(&kept->record) == lsn, "record %llu comes as %llu",
                  (unsigned long long)tw_record_lsn(&kept->record), (unsigned long long)lsn);
    }
    note_write(disk, true, disk->written_lsn);
    return true;
}

static struct disk_source *source_of(struct disk *disk, uint32_t id)
{
    uint64_t capacity = disk->source_capacity;
    disk->sources = grow(disk->sources, id, &capacity, sizeof *disk->sources);
    disk->source_capacity = (uint32_t)capacity;
    if (id > disk->source_count)
        disk->source_count = id;
    return &disk->sources[id];
}

static void note_number(struct disk *disk, uint32_t source_id, uint64_t pseq, struct disk_number number)
{
    struct disk_source *source = source_of(disk, source_id);
    source->numbers = grow(source->numbers, pseq, &source->number_capacity, sizeof *source->numbers);
    source->numbers[pseq] = number;
}

static void index_block(struct disk *disk, const struct tw_block *block)
{
    struct tw_new_name name;
    for (uint32_t offset = 0; tw_block_next_name(block, &offset, &name);)
        if (name.kind == TW_NAME_SOURCE) {
            struct disk_source *source = source_of(disk, name.id);
            source->publisher = name.name;
            source->incarnation = name.incarnation;
        }
    struct tw_refusal refusal;
    for (uint32_t offset = 0; tw_block_next_refusal(block, &offset, &refusal);) {
        disk->refusals = grow(disk->refusals, refusal.number, &disk->refusal_capacity, sizeof *disk->refusals);
        disk->refusals[refusal.number] = refusal;
        disk->refusal_count = refusal.number;
        note_number(disk, refusal.source, refusal.pseq, (struct disk_number){block->lsn, 0, refusal.content_hash});
    }
    for (uint32_t row = 0; row < block->count; row++) {
        uint64_t seq = block->follows + 1 + row;
        disk->rows = grow(disk->rows, seq, &disk->row_capacity, sizeof *disk->rows);
        disk->rows[seq] = (struct disk_row){block->lsn, row};
        note_number(disk, tw_load_u32(block->source, row), tw_load_u64(block->pseq, row),
                    (struct disk_number){block->lsn, seq, 0});
    }
}

static void put_action(struct disk *disk, const struct tw_control *control)
{
    struct tw_action_message message = {.h = control->number, .at_ns = control->ts_ns};
    struct tw_buffer bytes = {0};
    const char *why = NULL;
    if (message.h <= disk->last_action ||
        !tw_action_decode(control->text.bytes, control->text.length, &message.action, &why))
        return; /* the ledger will say so */
    disk->actions = grow(disk->actions, message.h, &disk->action_capacity, sizeof *disk->actions);
    tw_action_message_encode(&bytes, &message);
    disk->actions[message.h] = (struct disk_action){bytes.bytes, (uint32_t)bytes.length};
    disk->last_action = message.h;
}

static void make_visible(struct disk *disk, uint64_t upto)
{
    while (disk->last_lsn < upto) {
        const struct tw_record *record = &disk->log[++disk->last_lsn].record;
        disk->last_seq = tw_record_last(record);
        if (record->kind == TW_RECORD_BLOCK)
            index_block(disk, &record->block);
        else if (record->control.kind == TW_CONTROL_ACTION)
            put_action(disk, &record->control);
    }
}

void disk_append_end(struct disk *disk)
{
    uint32_t synced = 0;
    while (!disk->writes[synced].is_log)
        synced++;
    make_visible(disk, disk->writes[synced].upto);
    synced++;
    disk->write_count -= synced;
    disk->certain = disk->certain > synced ? disk->certain - synced : 0;
    memmove(disk->writes, disk->writes + synced, disk->write_count * sizeof *disk->writes);
}

/* Names stand for good; the frames that hold them too, in the store as rows of their own: they are never dropped here
 * but by disk_free. What retention takes away is what look-ups, evidence and recovery no longer find. */
void disk_index(struct disk *disk)
{
    clear_index(disk);
    for (uint64_t lsn = 1; lsn <= disk->last_lsn; lsn++)
        if (disk->log[lsn].record.kind == TW_RECORD_BLOCK)
            index_block(disk, &disk->log[lsn].record.block);
}

void disk_retain(struct disk *disk, uint64_t last_seq, uint64_t last_lsn)
{
    TW_ASSERT(last_lsn < disk->last_lsn && last_seq <= disk->last_seq && last_lsn >= disk->retained_lsn);
    disk->retained_lsn = last_lsn;
    disk->retained_seq = last_seq;
}

void disk_before(void *context, int64_t horizon_ns, uint64_t *last_seq, uint64_t *last_lsn)
{
    struct disk *disk = context;
    *last_seq = *last_lsn = 0;
    for (uint64_t lsn = disk->retained_lsn + 1; lsn <= disk->last_lsn; lsn++) {
        const struct tw_record *record = &disk->log[lsn].record;
        if (record->kind == TW_RECORD_BLOCK)
            for (uint32_t row = 0; row < record->block.count; row++)
                if (tw_load_i64(record->block.ts, row) >= horizon_ns)
                    return;
        *last_lsn = lsn;
        *last_seq = tw_record_last(record);
    }
}

/* ---- alerts ---- */

bool disk_put_alert(struct disk *disk, const struct tw_router_alert *alert, int64_t detected_at_ns,
                    const struct disk_hiding *hiding)
{
    if (disk->full)
        return false;
    SIM_CHECK(disk->sim, alert->n == disk->last_alert + 1, "alert %llu is stored behind alert %llu",
              (unsigned long long)alert->n, (unsigned long long)disk->last_alert);
    disk->alerts = grow(disk->alerts, alert->n, &disk->alert_capacity, sizeof *disk->alerts);
    struct disk_alert *kept = &disk->alerts[alert->n];
    kept->bytes = tw_alloc(alert->length);
    kept->length = alert->length;
    kept->hiding = *hiding;
    memcpy(kept->bytes, alert->bytes, alert->length);
    memcpy(kept->digest, alert->digest, sizeof kept->digest);
    memcpy(kept->record_digest, alert->record_digest, sizeof kept->record_digest);
    tw_alert_set_detected_at(kept->bytes, kept->length, detected_at_ns);
    disk->last_alert = alert->n;
    note_write(disk, false, alert->n);
    return true;
}

/* ---- snapshots ---- */

bool disk_snapshot_finish(struct disk *disk, struct disk_snapshot *snapshot)
{
    if (disk->full)
        return false;
    SIM_CHECK(disk->sim, snapshot->lsn <= disk->last_lsn, "a snapshot is finished before its record is durable");
    SIM_CHECK(disk->sim, snapshot->last_alert <= disk->last_alert, "a snapshot knows alerts that are not stored");
    TW_ASSERT(disk->snapshot_count < DISK_SNAPSHOTS_MAX);
    disk->certain = disk->write_count;
    disk->snapshots[disk->snapshot_count++] = *snapshot;
    *snapshot = (struct disk_snapshot){0};
    return true;
}

void disk_snapshot_remove(struct disk *disk, uint64_t lsn)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < disk->snapshot_count; i++)
        if (disk->snapshots[i].lsn == lsn)
            tw_buffer_free(&disk->snapshots[i].chunks);
        else
            disk->snapshots[kept++] = disk->snapshots[i];
    disk->snapshot_count = kept;
}

/* ---- a crash ---- */

void disk_crash(struct disk *disk, bool power)
{
    struct sim *sim = disk->sim;
    uint32_t survive = disk->write_count;
    uint64_t lsn = disk->last_lsn, n = disk->last_alert;
    if (power)
        survive = disk->certain + sim_below(&sim->random, disk->write_count - disk->certain + 1);
    else if (survive > disk->certain && disk->writes[survive - 1].is_log && sim_chance(&sim->random, 500))
        survive--; /* the kill came before the write */
    for (uint32_t i = survive; i < disk->write_count; i++)
        if (!disk->writes[i].is_log && disk->writes[i].upto - 1 < n)
            n = disk->writes[i].upto - 1;
    for (uint32_t i = 0; i < survive; i++)
        if (disk->writes[i].is_log)
            lsn = disk->writes[i].upto;
    sim_tell(sim, "disk", "%s: %u of %u unsynced writes are left; log ends at %llu, alerts at %llu",
             power ? "power is gone" : "killed", survive, disk->write_count, (unsigned long long)lsn,
             (unsigned long long)n);
    for (; disk->last_alert > n; disk->last_alert--)
        free(disk->alerts[disk->last_alert].bytes);
    make_visible(disk, lsn);
    for (; disk->written_lsn > lsn; disk->written_lsn--)
        tw_frame_drop(&disk->log[disk->written_lsn].frame);
    disk->write_count = disk->certain = 0;
    disk_index(disk);
}
