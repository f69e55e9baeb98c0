/* SPDX-License-Identifier: MIT
 *
 * History through the same cores as the daemon's, on one thread, without sockets: a CSV or JSON tape through gateway
 * and pipeline, or the log of a data directory through the pipeline alone.
 */
#ifndef TW_TOOLS_REPLAY_H
#define TW_TOOLS_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/pipeline/pipeline.h"
#include "cfg/cfg.h"
#include "store/store.h"
#include "tools/replay_compare.h"
#include "tools/tape.h"

struct tw_replay_totals {
    uint64_t trades, refused, malformed, alerts;
    uint64_t undated; /* of a tape: rows without ts */
    uint8_t digest[TW_SHA256_BYTES], record_digest[TW_SHA256_BYTES];
    uint64_t recorded; /* of a data directory: alerts stored in it; */
    bool differs; /* and whether the digest behind the last of them, or with `verify` any of them, is another here */
    bool damaged; /* it could not be read because it is damaged */
    uint64_t from_alert;             /* of one whose beginning was dropped: alerts up to here were not derived again */
    uint64_t compared;               /* with `verify`: records compared byte for byte, */
    struct tw_difference difference; /* and the first that differs (n 0: none) */
};

struct tw_replay_settings {
    const struct tw_cfg *cfg;
    uint32_t shards;
    uint32_t block_trades; /* of a tape: trades in one block */
    bool skip_bad;         /* of a tape: go on behind malformed lines */
    bool pin;              /* of a directory: the settings of cfg instead of those in the log */
    bool verify;           /* of a directory: every record compared with the recorded one */
    const char *publisher; /* of a tape */
    uint32_t incarnation;
    tw_pipeline_alert alert; /* for each, in order */
    void (*refused)(void *context, const struct tw_refusal *refusal);
    void (*bad)(void *context, const char *problem); /* a malformed line, or a file that cannot be read on */
    void (*progress)(void *context, uint64_t done, uint64_t total); /* now and then */
    /* Of a directory; NULL: not wanted. The open store, before all; and what people did, where it stands in the log. */
    void (*opened)(void *context, struct tw_store *store);
    void (*action)(void *context, const struct tw_control *control);
    void *context;
};

/* A row without ts has that of the row before it, or TW_TIMESTAMP_MIN_NS: the same tape gives the same answer. */
void tw_replay_tape(const struct tw_replay_settings *settings, struct tw_tape *tape, struct tw_replay_totals *out);
/* From the front of the log, or, if retention has dropped that, from the oldest snapshot behind the record that says
 * so. False with a sentence if the directory cannot be opened or is damaged; a damaged snapshot is said by `bad`. */
bool tw_replay_directory(const struct tw_replay_settings *settings, const char *directory, struct tw_replay_totals *out,
                         char why[512]);

/* ---- what both share ---- */
void tw_replay_sum_up(const struct tw_pipeline *pipeline, struct tw_replay_totals *out);
void tw_replay_tell_refusals(const struct tw_replay_settings *settings, const struct tw_record *record,
                             struct tw_replay_totals *out);

#endif
