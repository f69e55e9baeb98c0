/* SPDX-License-Identifier: MIT
 *
 * Recovery's core: the state of all actors from the newest whole snapshot and the log behind it, through the same cores
 * that run live, on one thread. The alerts come out again under the numbers that they had; those that the crash kept
 * from the store are stored now.
 *
 * Pure: the disk, progress and the log for people are behind the port. One owner, one thread.
 */
#ifndef TW_RECOVERY_RECOVERY_H
#define TW_RECOVERY_RECOVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/gateway/gateway.h"
#include "actors/pipeline/pipeline.h"
#include "actors/router/evidence.h"
#include "protocol/snapshot.h"

#define TW_RECOVERY_WHY_BYTES 512u

/* What stands on the disk. */
struct tw_recovery_disk {
    uint64_t first_lsn; /* of the log's first record: 1, or more once retention has dropped some */
    uint64_t last_lsn;  /* 0: the log is empty */
    uint64_t last_alert;
    uint64_t last_action;
};

struct tw_recovery_snapshot {
    uint64_t lsn; /* of its SNAPSHOT record */
    uint64_t last_alert;
};

/* Everything that recovery wants of the outside. Where a call can fail, `why` (TW_RECOVERY_WHY_BYTES) takes one
 * sentence. One snapshot and one reading of the log are open at a time. */
struct tw_recovery_port {
    void *context;
    struct tw_recovery_disk (*disk)(void *context);

    /* The newest snapshot with an lsn below `before`: 1; 0 if there is none; -1 if it is damaged: out->lsn says
     * which; 0 there: none can be looked for. */
    int (*find_snapshot)(void *context, uint64_t before, struct tw_recovery_snapshot *out, char *why);
    bool (*open_snapshot)(void *context, uint64_t lsn, char *why); /* false: damaged */
    /* 1 with the next row (borrowed until the next call), 0 at the end, -1 if it cannot be read. */
    int (*next_row)(void *context, enum tw_snapshot_part *part, struct tw_row_reader *row, char *why);
    void (*close_snapshot)(void *context);

    /* Reads the log behind the snapshot that was found last under `after` (0: from its front), verifying as it goes. */
    bool (*open_log)(void *context, uint64_t after, char *why);
    int (*next_record)(void *context, struct tw_record *record, char *why); /* as next_row */
    void (*close_log)(void *context);

    /* The digest that is stored with alert n: 1, 0 if there is none, -1 with *why. */
    int (*alert_digest)(void *context, uint64_t n, uint8_t digest[TW_SHA256_BYTES], char *why);
    /* The alert behind the last one stored; borrowed. It may wait for the others until flush. */
    bool (*store_alert)(void *context, const struct tw_router_alert *alert, char *why);
    bool (*flush_alerts)(void *context, char *why);

    /* Called after every record; false: somebody wants to stop. */
    bool (*go_on)(void *context, uint64_t lsn, uint64_t last_lsn);
    /* One sentence for people: `alarming` if something was found that should not be there. */
    void (*say)(void *context, bool alarming, const char *sentence);
};

/* What the cores are made with. */
struct tw_recovery_settings {
    const struct tw_gateway_settings *gateway;
    const struct tw_history *history;
    uint32_t shards;
    tw_evidence_fetch fetch; /* older blocks, as evidence */
    void *fetch_context;
    tw_make_shelf make_shelf; /* for each judging core; NULL: they keep all in memory */
    void *shelf_context;
};

struct tw_recovered {
    struct tw_gateway *gateway; /* the caller's; its start is not yet written (tw_gateway_start) */
    struct tw_pipeline *pipeline;
    struct tw_evidence_source *evidence;
    uint64_t snapshot_lsn; /* 0: from the front of the log */
    uint64_t records, alerts, missing_alerts;
    bool differs; /* the log gives another digest than was stored */
};

enum tw_recovery_end { TW_RECOVERY_DONE, TW_RECOVERY_STOPPED, TW_RECOVERY_FAILED };

/* DONE: *out is filled. Otherwise it is empty, and `why` says why. */
enum tw_recovery_end tw_recovery_run(const struct tw_recovery_settings *settings, const struct tw_recovery_port *port,
                                     struct tw_recovered *out, char why[TW_RECOVERY_WHY_BYTES]);

#endif
