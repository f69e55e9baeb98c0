/* SPDX-License-Identifier: MIT */
#include "actors/recovery_actor.h"

#include <string.h>

#include "actors/router/router_actor.h"
#include "actors/runtime/agent.h"
#include "actors/runtime/log.h"
#include "protocol/check.h"

#define STORE_EVERY 1024u
#define PROGRESS_EVERY_NS INT64_C(2000000000)

struct recovery {
    struct tw_store *store;
    uint64_t stored; /* n of the newest alert in the store */
    uint8_t stored_digest[TW_SHA256_BYTES];
    bool differs;
    struct tw_alert_batch missing;
    uint64_t missing_count;
};

static bool remember_digest(void *context, const struct tw_store_alert *alert)
{
    struct recovery *recovery = context;
    memcpy(recovery->stored_digest, alert->digest, sizeof recovery->stored_digest);
    return false;
}

static void take_alert(void *context, const struct tw_router_alert *alert)
{
    struct recovery *recovery = context;
    if (alert->n == recovery->stored)
        recovery->differs = memcmp(alert->digest, recovery->stored_digest, sizeof recovery->stored_digest) != 0;
    if (alert->n <= recovery->stored)
        return;
    tw_alert_batch_add(&recovery->missing, alert);
    recovery->missing_count++;
}

static bool store_missing(struct recovery *recovery, struct tw_store_error *error)
{
    recovery->missing.detected_at_ns = tw_wall_ns();
    bool stored = tw_alert_batch_store(&recovery->missing, recovery->store, error) == TW_STORE_OK;
    tw_alert_batch_clear(&recovery->missing);
    return stored;
}

/* Reads on until the end of the log; false with *error. */
static bool read_log(struct recovery *recovery, struct tw_store_cursor *cursor, struct tw_gateway *gateway,
                     struct tw_pipeline *pipeline, struct tw_evidence_source *evidence, bool (*stop_requested)(void),
                     struct tw_store_error *error)
{
    struct tw_record record;
    int64_t shown_ns = tw_now_ns();
    uint64_t total = tw_store_last_lsn(recovery->store);
    for (;;) {
        int status = tw_store_next(cursor, &record, error);
        if (status <= 0)
            return status == 0 && store_missing(recovery, error);
        tw_gateway_apply(gateway, &record);
        tw_evidence_source_add(evidence, &record);
        tw_pipeline_feed(pipeline, &record, take_alert, recovery);
        if (recovery->missing.count >= STORE_EVERY && !store_missing(recovery, error))
            return false;
        if (tw_now_ns() - shown_ns < PROGRESS_EVERY_NS)
            continue;
        shown_ns = tw_now_ns();
        tw_log(TW_LOG_INFO, "recovery", "reading the log record=%llu of=%llu",
               (unsigned long long)tw_record_lsn(&record), (unsigned long long)total);
        if (stop_requested()) {
            error->status = TW_STORE_OK;
            snprintf(error->text, sizeof error->text, "stopped while reading the log");
            return false;
        }
    }
}

bool tw_recovery_run(struct tw_store *store, struct tw_gateway *gateway, struct tw_pipeline *pipeline,
                     struct tw_evidence_source *evidence, bool (*stop_requested)(void), struct tw_store_error *error)
{
    struct recovery recovery = {.store = store, .stored = tw_store_last_alert(store)};
    int64_t begun_ns = tw_now_ns();
    if (recovery.stored > 0 && !tw_store_alerts(store, recovery.stored - 1, remember_digest, &recovery, error))
        return false;
    struct tw_store_cursor *cursor = tw_store_read(store, 1, error);
    if (cursor == NULL)
        return false;
    bool done = read_log(&recovery, cursor, gateway, pipeline, evidence, stop_requested, error);
    tw_store_cursor_free(&cursor);
    tw_alert_batch_free(&recovery.missing);
    if (!done)
        return false;
    uint64_t derived = tw_router_last(tw_pipeline_router(pipeline));
    if (recovery.differs || derived < recovery.stored)
        tw_log(
            TW_LOG_ERROR, "recovery",
            "the log gives other alerts than were recorded (stored=%llu derived=%llu); `tapewarden replay` shows them",
            (unsigned long long)recovery.stored, (unsigned long long)derived);
    tw_log(TW_LOG_INFO, "recovery", "read the log trades=%llu alerts=%llu missing_alerts_stored=%llu ms=%lld",
           (unsigned long long)tw_store_last_seq(store), (unsigned long long)derived,
           (unsigned long long)recovery.missing_count, (long long)((tw_now_ns() - begun_ns) / 1000000));
    return true;
}
