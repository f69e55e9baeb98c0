/* SPDX-License-Identifier: MIT
 *
 * The log of a data directory through the pipeline: from its front, or, if its beginning was dropped, from the oldest
 * snapshot that what is left can go on from.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "actors/router/evidence.h"
#include "protocol/check.h"
#include "store/store.h"
#include "tools/replay.h"
#include "tools/replay_compare.h"

#define SNAPSHOTS_MAX 16u /* a daemon keeps two */

struct directory_replay {
    const struct tw_replay_settings *settings;
    struct tw_replay_totals *totals;
    struct tw_store *store;
    struct tw_evidence_source *evidence;
    struct tw_pipeline *pipeline;
    struct tw_compare *compare; /* NULL: only the last digest is compared */
    bool unreadable;            /* a recorded alert could not be read, *error */
    struct tw_store_error error;
    uint8_t recorded_digest[TW_SHA256_BYTES]; /* behind the last alert that is stored */
};

static bool fetch(void *store, uint64_t seq, struct tw_frame **frame, struct tw_record *record)
{
    return tw_store_block_of(store, seq, frame, record);
}

static bool note_digest(void *context, const struct tw_store_alert *alert)
{
    struct directory_replay *replay = context;
    memcpy(replay->recorded_digest, alert->digest, sizeof replay->recorded_digest);
    return false;
}

static void take_alert(void *context, const struct tw_router_alert *alert)
{
    struct directory_replay *replay = context;
    if (alert->n == replay->totals->recorded && !replay->settings->pin)
        replay->totals->differs |= memcmp(alert->digest, replay->recorded_digest, sizeof alert->digest) != 0;
    if (replay->compare != NULL && !replay->unreadable)
        replay->unreadable = !tw_compare_take(replay->compare, alert, &replay->error);
    replay->settings->alert(replay->settings->context, alert);
}

/* ---- where to begin ---- */

static void new_cores(struct directory_replay *replay)
{
    struct tw_evidence port;
    tw_pipeline_free(&replay->pipeline);
    tw_evidence_source_free(&replay->evidence);
    replay->evidence = tw_evidence_source_new(fetch, replay->store);
    port = tw_evidence_source_port(replay->evidence);
    replay->pipeline = tw_pipeline_new(replay->settings->shards, &port);
}

/* The first record that says that the beginning may go: alerts before it may name trades that are gone, so that they
 * cannot be derived as they were. 0 with *error: it is not there, or cannot be read. */
static uint64_t retention_record(struct directory_replay *replay)
{
    struct tw_retained retained = tw_store_retained(replay->store);
    struct tw_store_cursor *cursor = tw_store_read(replay->store, 1, &replay->error);
    struct tw_record record;
    uint64_t lsn = 0;
    int more = cursor == NULL ? -1 : 1;
    while (lsn == 0 && more > 0 && (more = tw_store_next(cursor, &record, &replay->error)) > 0)
        if (tw_retention_allows(&record, &retained))
            lsn = record.control.lsn;
    tw_store_cursor_free(&cursor);
    if (more == 0) {
        replay->error.status = TW_STORE_DAMAGED;
        snprintf(replay->error.text, sizeof replay->error.text,
                 "the trades up to %" PRIu64 " are gone, and no record of the log says they may be", retained.seq);
    }
    return lsn;
}

static bool load_rows(struct directory_replay *replay, uint64_t lsn)
{
    struct tw_snapshot_reader *reader = tw_store_snapshot_open(replay->store, lsn, &replay->error);
    int more = reader == NULL ? -1 : 1;
    bool good = true;
    while (good && more > 0) {
        enum tw_snapshot_part part;
        uint32_t index;
        struct tw_row_reader row;
        more = tw_store_snapshot_next(reader, &part, &index, &row, &replay->error);
        good = more <= 0 || part == TW_PART_GATEWAY || tw_pipeline_load(replay->pipeline, part, &row);
    }
    tw_store_snapshot_close(&reader);
    if (more < 0)
        return false;
    if (good && tw_pipeline_load_end(replay->pipeline))
        return true;
    replay->error.status = TW_STORE_DAMAGED;
    snprintf(replay->error.text, sizeof replay->error.text, "the snapshot of record %" PRIu64 " cannot be loaded", lsn);
    return false;
}

/* The snapshots from `oldest` on, newest first; what is damaged is said and left out. */
static uint32_t list_snapshots(struct directory_replay *replay, uint64_t oldest,
                               struct tw_snapshot_info list[SNAPSHOTS_MAX])
{
    uint32_t count = 0;
    struct tw_snapshot_info info = {.lsn = UINT64_MAX};
    for (int found; count < SNAPSHOTS_MAX && info.lsn > oldest &&
                    (found = tw_store_snapshot_find(replay->store, info.lsn, &info, &replay->error)) != 0;) {
        if (found > 0 && info.lsn >= oldest)
            list[count++] = info;
        else if (found < 0)
            replay->settings->bad(replay->settings->context, replay->error.text);
    }
    return count;
}

static struct tw_store_cursor *begin_at_a_snapshot(struct directory_replay *replay)
{
    struct tw_snapshot_info list[SNAPSHOTS_MAX];
    uint64_t oldest = retention_record(replay);
    if (oldest == 0)
        return NULL;
    uint32_t count = list_snapshots(replay, oldest, list);
    while (count > 0) {
        const struct tw_snapshot_info *info = &list[--count];
        new_cores(replay);
        if (load_rows(replay, info->lsn)) {
            replay->totals->from_alert = info->last_alert;
            return tw_store_read_after(replay->store, info, &replay->error);
        }
        replay->settings->bad(replay->settings->context, replay->error.text);
    }
    replay->error.status = TW_STORE_DAMAGED;
    snprintf(replay->error.text, sizeof replay->error.text,
             "the trades up to %" PRIu64 " are gone, and there is no whole snapshot behind record %" PRIu64
             " to begin with",
             tw_store_retained(replay->store).seq, oldest);
    return NULL;
}

static struct tw_store_cursor *begin(struct directory_replay *replay)
{
    const struct tw_replay_settings *settings = replay->settings;
    bool whole = tw_store_retained(replay->store).lsn == 0;
    if (!whole && !settings->pin)
        return begin_at_a_snapshot(replay);
    if (!whole) {
        replay->error.status = TW_STORE_MISSING;
        snprintf(replay->error.text, sizeof replay->error.text,
                 "other settings want the log from its beginning, and its trades up to %" PRIu64 " were dropped",
                 tw_store_retained(replay->store).seq);
        return NULL;
    }
    new_cores(replay);
    if (settings->pin) {
        struct tw_buffer rules = {0};
        tw_cfg_rules_text(settings->cfg, &rules);
        tw_pipeline_pin_settings(replay->pipeline, (struct tw_text){(const char *)rules.bytes, (uint32_t)rules.length});
        tw_buffer_free(&rules);
    }
    return tw_store_read(replay->store, 1, &replay->error);
}

/* ---- the way ---- */

static bool read_log(struct directory_replay *replay)
{
    const struct tw_replay_settings *settings = replay->settings;
    struct tw_record record;
    uint64_t total = tw_store_last_lsn(replay->store);
    struct tw_store_cursor *cursor = begin(replay);
    int status = cursor == NULL ? -1 : 1;
    while (status > 0 && !replay->unreadable && (status = tw_store_next(cursor, &record, &replay->error)) > 0) {
        tw_evidence_source_add(replay->evidence, &record);
        tw_pipeline_feed(replay->pipeline, &record, take_alert, replay);
        if (settings->action != NULL && record.kind == TW_RECORD_CONTROL && record.control.kind == TW_CONTROL_ACTION)
            settings->action(settings->context, &record.control);
        tw_replay_tell_refusals(settings, &record, replay->totals);
        settings->progress(settings->context, tw_record_lsn(&record), total);
    }
    tw_store_cursor_free(&cursor);
    return status == 0 && !replay->unreadable && !tw_store_damage(replay->store, &replay->error);
}

static void compare_ends(struct directory_replay *replay)
{
    struct tw_replay_totals *totals = replay->totals;
    if (!replay->settings->pin && totals->alerts < totals->recorded)
        totals->differs = true;
    if (replay->compare == NULL)
        return;
    totals->compared = tw_compare_count(replay->compare);
    totals->difference = *tw_compare_first(replay->compare);
    if (totals->difference.n == 0 && totals->alerts < totals->recorded) {
        totals->difference = (struct tw_difference){.n = totals->alerts + 1, .recorded = "an alert", .derived = "none"};
        snprintf(totals->difference.field, sizeof totals->difference.field, "record");
    }
    totals->differs |= totals->difference.n != 0;
}

bool tw_replay_directory(const struct tw_replay_settings *settings, const char *directory, struct tw_replay_totals *out,
                         char why[512])
{
    struct directory_replay replay = {.settings = settings, .totals = out};
    *out = (struct tw_replay_totals){0};
    replay.store = tw_store_open(directory, TW_STORE_READ, &replay.error);
    bool good = replay.store != NULL;
    if (good) {
        out->recorded = tw_store_last_alert(replay.store);
        good =
            out->recorded == 0 || tw_store_alerts(replay.store, out->recorded - 1, note_digest, &replay, &replay.error);
    }
    if (good && settings->opened != NULL)
        settings->opened(settings->context, replay.store);
    if (good && settings->verify)
        replay.compare = tw_compare_new(replay.store);
    good = good && read_log(&replay);
    if (replay.pipeline != NULL) {
        tw_replay_sum_up(replay.pipeline, out);
        compare_ends(&replay);
    }
    out->damaged = !good && replay.error.status == TW_STORE_DAMAGED;
    if (!good)
        snprintf(why, 512, "%s", replay.error.text);
    tw_compare_free(&replay.compare);
    tw_pipeline_free(&replay.pipeline);
    tw_evidence_source_free(&replay.evidence);
    tw_store_close(&replay.store);
    return good;
}
