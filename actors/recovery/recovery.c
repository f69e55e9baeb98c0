/* SPDX-License-Identifier: MIT */
#include "actors/recovery/recovery.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "actors/judging/planted.h"
#include "protocol/check.h"

struct recovery {
    const struct tw_recovery_settings *settings;
    const struct tw_recovery_port *port;
    struct tw_recovery_disk disk;
    uint8_t stored_digest[TW_SHA256_BYTES]; /* after the last stored alert */
    struct tw_recovered *out;
    bool store_failed;
    char *why;
};

static void say(const struct recovery *recovery, bool alarming, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void say(const struct recovery *recovery, bool alarming, const char *format, ...)
{
    char sentence[2 * TW_RECOVERY_WHY_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    recovery->port->say(recovery->port->context, alarming, sentence);
}

/* ---- the cores ---- */

static void make_cores(struct recovery *recovery)
{
    const struct tw_recovery_settings *settings = recovery->settings;
    struct tw_recovered *out = recovery->out;
    out->gateway = tw_gateway_new(settings->gateway, settings->history);
    out->evidence = tw_evidence_source_new(settings->fetch, settings->fetch_context);
    struct tw_evidence port = tw_evidence_source_port(out->evidence);
    out->pipeline = tw_pipeline_new(settings->shards, &port);
    if (settings->make_shelf != NULL)
        tw_pipeline_keep_on(out->pipeline, settings->make_shelf, settings->shelf_context);
}

static void free_cores(struct recovery *recovery)
{
    tw_gateway_free(&recovery->out->gateway);
    tw_pipeline_free(&recovery->out->pipeline);
    tw_evidence_source_free(&recovery->out->evidence);
}

/* ---- snapshots ---- */

static bool load_row(struct tw_recovered *out, enum tw_snapshot_part part, struct tw_row_reader *row)
{
    return part == TW_PART_GATEWAY ? tw_gateway_load(out->gateway, row) : tw_pipeline_load(out->pipeline, part, row);
}

static bool load_end(struct tw_recovered *out)
{
    return tw_gateway_load_end(out->gateway) && tw_pipeline_load_end(out->pipeline);
}

static bool load_rows(struct recovery *recovery)
{
    const struct tw_recovery_port *port = recovery->port;
    struct tw_row_reader row;
    enum tw_snapshot_part part;
    for (;;) {
        int status = port->next_row(port->context, &part, &row, recovery->why);
        if (status < 0)
            return false;
        if (status == 0)
            break;
        if (!load_row(recovery->out, part, &row)) {
            snprintf(recovery->why, TW_RECOVERY_WHY_BYTES, "a row of %s cannot be read", tw_snapshot_part_name(part));
            return false;
        }
    }
    if (load_end(recovery->out))
        return true;
    snprintf(recovery->why, TW_RECOVERY_WHY_BYTES, "its parts do not agree, or one is missing");
    return false;
}

/* A snapshot that counts other alerts than are stored is not of this log. */
static bool agrees_with_alerts(struct recovery *recovery, const struct tw_recovery_snapshot *snapshot)
{
    uint8_t stored[TW_SHA256_BYTES] = {0}, loaded[TW_SHA256_BYTES], records[TW_SHA256_BYTES];
    const struct tw_recovery_port *port = recovery->port;
    const struct tw_router *router = tw_pipeline_router(recovery->out->pipeline);
    if (snapshot->last_alert > 0 && port->alert_digest(port->context, snapshot->last_alert, stored, recovery->why) < 0)
        return false;
    tw_router_digests(router, loaded, records);
    if (tw_router_last(router) == snapshot->last_alert && memcmp(stored, loaded, sizeof stored) == 0)
        return true;
    snprintf(recovery->why, TW_RECOVERY_WHY_BYTES, "it does not agree with the stored alert %" PRIu64,
             snapshot->last_alert);
    return false;
}

/* Into fresh cores; false with *why: they are fresh again. */
static bool load(struct recovery *recovery, const struct tw_recovery_snapshot *snapshot)
{
    const struct tw_recovery_port *port = recovery->port;
    if (!port->open_snapshot(port->context, snapshot->lsn, recovery->why))
        return false;
    bool loaded = load_rows(recovery) && agrees_with_alerts(recovery, snapshot);
    port->close_snapshot(port->context);
    if (loaded)
        return true;
    free_cores(recovery);
    make_cores(recovery);
    return false;
}

/* May the log go on from here, and are the alerts before it all stored? Else an older one is needed. */
static bool usable(struct recovery *recovery, const struct tw_recovery_snapshot *snapshot)
{
    const struct tw_recovery_disk *disk = &recovery->disk;
    if (snapshot->lsn > disk->last_lsn)
        snprintf(recovery->why, TW_RECOVERY_WHY_BYTES, "the log ends before it, at record %" PRIu64, disk->last_lsn);
    else if (snapshot->lsn + 1 < disk->first_lsn)
        snprintf(recovery->why, TW_RECOVERY_WHY_BYTES, "the log behind it begins at record %" PRIu64 " only",
                 disk->first_lsn);
    else if (snapshot->last_alert > disk->last_alert)
        snprintf(recovery->why, TW_RECOVERY_WHY_BYTES, "it counts %" PRIu64 " alerts, but only %" PRIu64 " are stored",
                 snapshot->last_alert, disk->last_alert);
    else
        return true;
    return false;
}

/* Loads the newest snapshot that can be used and sets out->snapshot_lsn; what is wrong with a newer one is said. */
static void load_newest(struct recovery *recovery)
{
    const struct tw_recovery_port *port = recovery->port;
    struct tw_recovery_snapshot snapshot = {0};
    uint64_t before = UINT64_MAX;
    int found;
    while ((found = port->find_snapshot(port->context, before, &snapshot, recovery->why)) != 0) {
        if (found > 0 && usable(recovery, &snapshot) && load(recovery, &snapshot)) {
            recovery->out->snapshot_lsn = snapshot.lsn;
            return;
        }
        if (snapshot.lsn == 0) { /* not even their names can be read */
            say(recovery, true, "%s", recovery->why);
            return;
        }
        say(recovery, true, "snapshot %" PRIu64 " is not used: %s", snapshot.lsn, recovery->why);
        TW_ASSERT(snapshot.lsn < before);
        before = snapshot.lsn;
    }
}

/* ---- the log ---- */

static void take_alert(void *context, const struct tw_router_alert *alert)
{
    struct recovery *recovery = context;
    const struct tw_recovery_port *port = recovery->port;
    if (alert->n == recovery->disk.last_alert)
        recovery->out->differs = memcmp(alert->digest, recovery->stored_digest, sizeof recovery->stored_digest) != 0;
    if (alert->n <= recovery->disk.last_alert || recovery->store_failed || TW_PLANTED(ALERTS_RENUMBERED))
        return;
    recovery->store_failed = !port->store_alert(port->context, alert, recovery->why);
    recovery->out->missing_alerts++;
}

static enum tw_recovery_end read_log(struct recovery *recovery)
{
    const struct tw_recovery_port *port = recovery->port;
    struct tw_recovered *out = recovery->out;
    struct tw_record record;
    for (;;) {
        int status = port->next_record(port->context, &record, recovery->why);
        if (status == 0)
            return port->flush_alerts(port->context, recovery->why) ? TW_RECOVERY_DONE : TW_RECOVERY_FAILED;
        if (status < 0)
            return TW_RECOVERY_FAILED;
        tw_gateway_apply(out->gateway, &record);
        tw_evidence_source_add(out->evidence, &record);
        tw_pipeline_feed(out->pipeline, &record, take_alert, recovery);
        out->records++;
        if (recovery->store_failed)
            return TW_RECOVERY_FAILED;
        if (port->go_on(port->context, tw_record_lsn(&record), recovery->disk.last_lsn))
            continue;
        snprintf(recovery->why, TW_RECOVERY_WHY_BYTES, "stopped while reading the log");
        return TW_RECOVERY_STOPPED;
    }
}

/* The log through the cores, from where the snapshot left them. */
static enum tw_recovery_end replay(struct recovery *recovery)
{
    const struct tw_recovery_port *port = recovery->port;
    if (recovery->out->snapshot_lsn == 0 && recovery->disk.first_lsn > 1) {
        snprintf(recovery->why, TW_RECOVERY_WHY_BYTES,
                 "the log begins at record %" PRIu64 ", what was before it has been dropped, and no whole snapshot is "
                 "left to begin with: restore a backup",
                 recovery->disk.first_lsn);
        return TW_RECOVERY_FAILED;
    }
    if (!port->open_log(port->context, recovery->out->snapshot_lsn, recovery->why))
        return TW_RECOVERY_FAILED;
    enum tw_recovery_end end = read_log(recovery);
    port->close_log(port->context);
    return end;
}

/* Numbers that were given are never given again. */
static enum tw_recovery_end compare(struct recovery *recovery)
{
    struct tw_recovered *out = recovery->out;
    uint64_t stored = recovery->disk.last_alert;
#ifdef TW_PLANT
    if (TW_PLANTED(ALERTS_RENUMBERED))
        tw_router_renumber(tw_pipeline_router(out->pipeline), stored);
#endif
    out->alerts = tw_router_last(tw_pipeline_router(out->pipeline));
    if (out->alerts < stored) {
        snprintf(recovery->why, TW_RECOVERY_WHY_BYTES,
                 "the log gives %" PRIu64 " alerts, but %" PRIu64 " were recorded: new ones would take numbers that "
                 "were given before; `tapewarden replay` shows those of the log",
                 out->alerts, stored);
        return TW_RECOVERY_FAILED;
    }
    if (tw_gateway_actions(out->gateway) != recovery->disk.last_action && !TW_PLANTED(ACTION_NUMBER_REUSED)) {
        snprintf(recovery->why, TW_RECOVERY_WHY_BYTES,
                 "the log has %" PRIu64 " actions of people, but %" PRIu64
                 " are stored beside it: the store is damaged; "
                 "`tapewarden store verify` says where",
                 tw_gateway_actions(out->gateway), recovery->disk.last_action);
        return TW_RECOVERY_FAILED;
    }
    if (out->differs)
        say(recovery, true,
            "the log gives other alerts than were recorded (stored=%" PRIu64 " derived=%" PRIu64
            "); `tapewarden replay` shows them",
            stored, out->alerts);
    return TW_RECOVERY_DONE;
}

enum tw_recovery_end tw_recovery_run(const struct tw_recovery_settings *settings, const struct tw_recovery_port *port,
                                     struct tw_recovered *out, char why[TW_RECOVERY_WHY_BYTES])
{
    struct recovery recovery = {
        .settings = settings, .port = port, .disk = port->disk(port->context), .out = out, .why = why};
    enum tw_recovery_end end = TW_RECOVERY_FAILED;
    *out = (struct tw_recovered){0};
    make_cores(&recovery);
    uint64_t stored = recovery.disk.last_alert;
    if (stored == 0 || port->alert_digest(port->context, stored, recovery.stored_digest, why) >= 0) {
        load_newest(&recovery);
        end = replay(&recovery);
    }
    if (end == TW_RECOVERY_DONE)
        end = compare(&recovery);
    if (end != TW_RECOVERY_DONE) {
        free_cores(&recovery);
        *out = (struct tw_recovered){0};
    }
    return end;
}
