/* SPDX-License-Identifier: MIT */
#include "actors/recovery/recovery_actor.h"

#include <string.h>

#include "actors/router/router_actor.h"
#include "actors/runtime/agent.h"
#include "actors/runtime/log.h"

#define STORE_EVERY 1024u
#define PROGRESS_EVERY_NS INT64_C(2000000000)

struct source {
    struct tw_store *store;
    struct tw_store_cursor *cursor;
    struct tw_snapshot_info snapshot; /* found last */
    struct tw_snapshot_reader *reader;
    struct tw_alert_batch missing;
    struct tw_store_error error;
    bool (*stop_requested)(void);
    int64_t shown_ns;
};

static bool because(const struct source *source, char *why)
{
    snprintf(why, TW_RECOVERY_WHY_BYTES, "%s", source->error.text);
    return false;
}

static struct tw_recovery_disk disk(void *context)
{
    struct source *source = context;
    return (struct tw_recovery_disk){.first_lsn = tw_store_retained(source->store).lsn + 1,
                                     .last_lsn = tw_store_last_lsn(source->store),
                                     .last_alert = tw_store_last_alert(source->store),
                                     .last_action = tw_store_last_action(source->store)};
}

/* ---- snapshots ---- */

static int find_snapshot(void *context, uint64_t before, struct tw_recovery_snapshot *out, char *why)
{
    struct source *source = context;
    int found = tw_store_snapshot_find(source->store, before, &source->snapshot, &source->error);
    *out = (struct tw_recovery_snapshot){.lsn = source->snapshot.lsn, .last_alert = source->snapshot.last_alert};
    if (found < 0)
        because(source, why);
    return found;
}

static bool open_snapshot(void *context, uint64_t lsn, char *why)
{
    struct source *source = context;
    source->reader = tw_store_snapshot_open(source->store, lsn, &source->error);
    return source->reader != NULL || because(source, why);
}

static int next_row(void *context, enum tw_snapshot_part *part, struct tw_row_reader *row, char *why)
{
    struct source *source = context;
    uint32_t index;
    int status = tw_store_snapshot_next(source->reader, part, &index, row, &source->error);
    if (status < 0)
        because(source, why);
    return status;
}

static void close_snapshot(void *context)
{
    struct source *source = context;
    tw_store_snapshot_close(&source->reader);
}

/* ---- the log ---- */

static void say_where(const struct source *source, uint64_t after)
{
    uint64_t remain = tw_store_last_lsn(source->store) - after;
    if (after != 0)
        tw_log(TW_LOG_INFO, "recovery", "starts from the snapshot record=%llu trades=%llu remaining=%llu",
               (unsigned long long)after, (unsigned long long)source->snapshot.seq, (unsigned long long)remain);
    else if (remain > 0)
        tw_log(TW_LOG_INFO, "recovery", "starts from the front of the log remaining=%llu", (unsigned long long)remain);
}

static bool open_log(void *context, uint64_t after, char *why)
{
    struct source *source = context;
    if (after == 0)
        source->cursor = tw_store_read(source->store, 1, &source->error);
    else
        source->cursor = tw_store_read_after(source->store, &source->snapshot, &source->error);
    if (source->cursor != NULL)
        say_where(source, after);
    return source->cursor != NULL || because(source, why);
}

static int next_record(void *context, struct tw_record *record, char *why)
{
    struct source *source = context;
    int status = tw_store_next(source->cursor, record, &source->error);
    if (status < 0)
        because(source, why);
    return status;
}

static void close_log(void *context)
{
    struct source *source = context;
    tw_store_cursor_free(&source->cursor);
}

/* ---- alerts ---- */

static bool copy_digest(void *digest, const struct tw_store_alert *alert)
{
    memcpy(digest, alert->digest, sizeof alert->digest);
    return false;
}

static int alert_digest(void *context, uint64_t n, uint8_t digest[TW_SHA256_BYTES], char *why)
{
    struct source *source = context;
    if (n > tw_store_last_alert(source->store))
        return 0;
    if (tw_store_alerts(source->store, n - 1, copy_digest, digest, &source->error))
        return 1;
    because(source, why);
    return -1;
}

/* What could not be read is missing in the digests, too: so there is no start, though no alert may wait. */
static bool flush_alerts(void *context, char *why)
{
    struct source *source = context;
    source->missing.detected_at_ns = tw_wall_ns();
    bool stored = !tw_store_damage(source->store, &source->error) &&
                  tw_alert_batch_store(&source->missing, source->store, &source->error) == TW_STORE_OK;
    tw_alert_batch_clear(&source->missing);
    return stored || because(source, why);
}

static bool store_alert(void *context, const struct tw_router_alert *alert, char *why)
{
    struct source *source = context;
    tw_alert_batch_add(&source->missing, alert);
    return source->missing.count < STORE_EVERY || flush_alerts(context, why);
}

/* ---- people ---- */

static bool go_on(void *context, uint64_t lsn, uint64_t last_lsn)
{
    struct source *source = context;
    int64_t now_ns = tw_now_ns();
    if (now_ns - source->shown_ns < PROGRESS_EVERY_NS)
        return true;
    source->shown_ns = now_ns;
    tw_log(TW_LOG_INFO, "recovery", "reading the log record=%llu of=%llu remaining=%llu", (unsigned long long)lsn,
           (unsigned long long)last_lsn, (unsigned long long)(last_lsn - lsn));
    return !source->stop_requested();
}

static void say(void *context, bool alarming, const char *sentence)
{
    (void)context;
    tw_log(alarming ? TW_LOG_ERROR : TW_LOG_INFO, "recovery", "%s", sentence);
}

static bool fetch_block(void *store, uint64_t seq, struct tw_frame **frame, struct tw_record *record)
{
    return tw_store_block_of(store, seq, frame, record);
}

enum tw_recovery_end tw_recovery_from_store(struct tw_store *store, const struct tw_recovery_settings *settings,
                                            const struct tw_routing *routing, bool (*stop_requested)(void),
                                            struct tw_recovered *out, char why[TW_RECOVERY_WHY_BYTES])
{
    int64_t begun_ns = tw_now_ns();
    struct source source = {
        .store = store, .missing.routing = routing, .stop_requested = stop_requested, .shown_ns = begun_ns};
    struct tw_recovery_port port = {
        &source,     disk,      find_snapshot, open_snapshot, next_row,     close_snapshot, open_log,
        next_record, close_log, alert_digest,  store_alert,   flush_alerts, go_on,          say,
    };
    struct tw_recovery_settings own = *settings;
    own.fetch = fetch_block;
    own.fetch_context = store;
    enum tw_recovery_end end = tw_recovery_run(&own, &port, out, why);
    tw_alert_batch_free(&source.missing);
    if (end == TW_RECOVERY_DONE)
        tw_log(TW_LOG_INFO, "recovery",
               "read the log trades=%llu alerts=%llu missing_alerts_stored=%llu snapshot=%llu records=%llu ms=%lld",
               (unsigned long long)tw_store_last_seq(store), (unsigned long long)out->alerts,
               (unsigned long long)out->missing_alerts, (unsigned long long)out->snapshot_lsn,
               (unsigned long long)out->records, (long long)((tw_now_ns() - begun_ns) / 1000000));
    return end;
}
