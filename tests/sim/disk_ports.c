/* SPDX-License-Identifier: MIT
 *
 * The simulated store behind the ports of the cores: the gateway's past, the router's evidence, recovery.
 */
#include <stdio.h>
#include <string.h>

#include "actors/router/routing.h"
#include "protocol/check.h"
#include "protocol/snapshot.h"
#include "tests/sim/disk.h"

/* ---- the gateway's past ---- */

static bool past_row(struct disk *disk, uint64_t seq, struct tw_past_trade *out)
{
    if (seq == 0 || seq > disk->last_seq || seq <= disk->retained_seq)
        return false;
    const struct disk_row at = disk->rows[seq];
    const struct tw_block *block = &disk->log[at.lsn].record.block;
    uint32_t row = at.row;
    *out = (struct tw_past_trade){.seq = seq,
                                  .pseq = tw_load_u64(block->pseq, row),
                                  .source = tw_load_u32(block->source, row),
                                  .symbol = tw_load_u32(block->symbol, row),
                                  .account = tw_load_u32(block->account, row),
                                  .venue = tw_load_party(block->venue, row),
                                  .owner = tw_load_party(block->owner, row),
                                  .contra = tw_load_party(block->contra, row),
                                  .broker = tw_load_party(block->broker, row),
                                  .ccy = tw_load_party(block->ccy, row),
                                  .attrs = block->attrs[row],
                                  .qty_e8 = tw_load_i64(block->qty, row),
                                  .price_e8 = tw_load_i64(block->price, row),
                                  .ts_ns = tw_load_i64(block->ts, row),
                                  .id = tw_block_id(block, row)};
    uint32_t cursor = 0;
    if (TW_ATTR_KIND(out->attrs) != TW_KIND_TRADE)
        out->original_seq = tw_block_original(block, row, &cursor).seq;
    return true;
}

static bool by_pseq(void *context, uint32_t source, uint64_t pseq, struct tw_past_trade *out)
{
    struct disk *disk = context;
    if (source > disk->source_count || pseq >= disk->sources[source].number_capacity)
        return false;
    const struct disk_number *number = &disk->sources[source].numbers[pseq];
    if (number->lsn == 0)
        return false;
    if (number->lsn <= disk->retained_lsn) {
        *out = (struct tw_past_trade){.dropped = true, .source = source, .pseq = pseq};
        return true;
    }
    if (number->seq != 0)
        return past_row(disk, number->seq, out);
    *out =
        (struct tw_past_trade){.refused = true, .source = source, .pseq = pseq, .content_hash = number->content_hash};
    return true;
}

static bool by_id(void *context, struct tw_text publisher, struct tw_text id, uint64_t before,
                  struct tw_past_trade *out)
{
    struct disk *disk = context;
    uint64_t seq = before - 1 < disk->last_seq ? before - 1 : disk->last_seq;
    for (; seq > disk->retained_seq; seq--) {
        const struct disk_row at = disk->rows[seq];
        const struct tw_block *block = &disk->log[at.lsn].record.block;
        struct tw_text name = disk->sources[tw_load_u32(block->source, at.row)].publisher;
        if (TW_ATTR_KIND(block->attrs[at.row]) == TW_KIND_BUST || name.length != publisher.length ||
            memcmp(name.bytes, publisher.bytes, name.length) != 0)
            continue;
        struct tw_text its = tw_block_id(block, at.row);
        if (its.length == id.length && memcmp(its.bytes, id.bytes, id.length) == 0)
            return past_row(disk, seq, out);
    }
    return false;
}

static bool by_seq(void *context, uint64_t seq, struct tw_past_trade *out)
{
    struct disk *disk = context;
    *out = (struct tw_past_trade){.dropped = true, .seq = seq};
    return (seq != 0 && seq <= disk->retained_seq) || past_row(disk, seq, out);
}

struct tw_history disk_history(struct disk *disk)
{
    return (struct tw_history){disk, by_pseq, by_id, by_seq};
}

bool disk_fetch(void *context, uint64_t seq, struct tw_frame **frame, struct tw_record *record)
{
    struct disk *disk = context;
    if (seq == 0 || seq > disk->last_seq || seq <= disk->retained_seq)
        return false;
    const struct disk_record *kept = &disk->log[disk->rows[seq].lsn];
    *frame = tw_frame_share(kept->frame);
    *record = kept->record;
    return true;
}

/* ---- recovery ---- */

static struct tw_recovery_disk stands(void *context)
{
    struct disk *disk = context;
    return (struct tw_recovery_disk){.first_lsn = disk->retained_lsn + 1,
                                     .last_lsn = disk->last_lsn,
                                     .last_alert = disk->last_alert,
                                     .last_action = disk->last_action};
}

static int find_snapshot(void *context, uint64_t before, struct tw_recovery_snapshot *out, char *why)
{
    struct disk *disk = context;
    (void)why;
    for (uint32_t i = disk->snapshot_count; i > 0; i--)
        if (disk->snapshots[i - 1].lsn < before) {
            *out = (struct tw_recovery_snapshot){disk->snapshots[i - 1].lsn, disk->snapshots[i - 1].last_alert};
            return 1;
        }
    return 0;
}

static bool open_snapshot(void *context, uint64_t lsn, char *why)
{
    struct disk *disk = context;
    for (uint32_t i = 0; i < disk->snapshot_count; i++)
        if (disk->snapshots[i].lsn == lsn)
            disk->reading = &disk->snapshots[i];
    disk->snapshot_offset = disk->chunk_offset = disk->chunk_length = 0;
    if (disk->reading->damaged)
        snprintf(why, TW_RECOVERY_WHY_BYTES, "its hash is wrong");
    return !disk->reading->damaged;
}

static int next_row(void *context, enum tw_snapshot_part *part, struct tw_row_reader *row, char *why)
{
    struct disk *disk = context;
    (void)why;
    while (disk->chunk_offset == disk->chunk_length) {
        uint32_t length;
        if (disk->snapshot_offset == disk->reading->chunks.length)
            return 0;
        const uint8_t *head = disk->reading->chunks.bytes + disk->snapshot_offset;
        disk->chunk_part = (enum tw_snapshot_part)head[0];
        memcpy(&length, head + 2, sizeof length);
        disk->chunk = head + 6;
        disk->chunk_length = length;
        disk->chunk_offset = 0;
        disk->snapshot_offset += 6 + length;
    }
    *part = disk->chunk_part;
    TW_ASSERT(tw_row_next(disk->chunk, disk->chunk_length, &disk->chunk_offset, row) == 1);
    return 1;
}

static void close_snapshot(void *context)
{
    (void)context;
}

static bool open_log(void *context, uint64_t after, char *why)
{
    struct disk *disk = context;
    (void)why;
    disk->reading_lsn = after;
    return true;
}

static int next_record(void *context, struct tw_record *record, char *why)
{
    struct disk *disk = context;
    (void)why;
    if (disk->reading_lsn == disk->last_lsn)
        return 0;
    *record = disk->log[++disk->reading_lsn].record;
    SIM_CHECK(disk->sim, disk->reading_lsn > disk->retained_lsn, "recovery reads record %llu, which is gone",
              (unsigned long long)disk->reading_lsn);
    return 1;
}

static void close_log(void *context)
{
    (void)context;
}

static int alert_digest(void *context, uint64_t n, uint8_t digest[TW_SHA256_BYTES], char *why)
{
    struct disk *disk = context;
    (void)why;
    if (n == 0 || n > disk->last_alert)
        return 0;
    memcpy(digest, disk->alerts[n].digest, TW_SHA256_BYTES);
    return 1;
}

static int64_t local_seconds(int64_t ts_ns)
{
    return ts_ns / SIM_SECOND;
}

uint64_t disk_silence_of(const struct tw_silences *silences, const struct tw_router_alert *alert, int64_t at_ns)
{
    struct tw_routing routing = {.local_seconds = local_seconds, .silences = silences};
    struct tw_routing_facts facts = {alert->rule,   alert->severity, alert->kind,     alert->entity_type,
                                     alert->entity, alert->ts_ns,    alert->publisher};
    return tw_routing_silence(&routing, &facts, at_ns);
}

static bool store_alert(void *context, const struct tw_router_alert *alert, char *why)
{
    struct disk *disk = context;
    snprintf(why, TW_RECOVERY_WHY_BYTES, "the disk is full");
    int64_t wall_ns = sim_wall(disk->sim);
    struct disk_hiding hiding = {disk_silence_of(disk->silences, alert, wall_ns), wall_ns, disk->last_action};
    return disk_put_alert(disk, alert, wall_ns, &hiding);
}

static bool flush_alerts(void *context, char *why)
{
    (void)context, (void)why;
    return true;
}

static bool go_on(void *context, uint64_t lsn, uint64_t last_lsn)
{
    struct disk *disk = context;
    (void)lsn, (void)last_lsn;
    return disk->stop_at < 0 || disk->stop_at-- > 0;
}

static void say(void *context, bool alarming, const char *sentence)
{
    struct disk *disk = context;
    sim_tell(disk->sim, "recovery", "%s%s", alarming ? "(!) " : "", sentence);
}

struct tw_recovery_port disk_recovery_port(struct disk *disk)
{
    return (struct tw_recovery_port){disk,     stands,      find_snapshot, open_snapshot, next_row,    close_snapshot,
                                     open_log, next_record, close_log,     alert_digest,  store_alert, flush_alerts,
                                     go_on,    say};
}
