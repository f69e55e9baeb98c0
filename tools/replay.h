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
#include "tools/tape.h"

struct tw_replay_totals {
    uint64_t trades, refused, malformed, alerts;
    uint8_t digest[TW_SHA256_BYTES], record_digest[TW_SHA256_BYTES];
    uint64_t recorded; /* of a data directory: alerts stored in it; */
    bool differs;      /* and whether the digest behind the last of them is another one here */
};

struct tw_replay_settings {
    const struct tw_cfg *cfg;
    uint32_t shards;
    uint32_t block_trades; /* of a tape: trades in one block */
    bool skip_bad;         /* of a tape: go on behind malformed lines */
    bool pin;              /* of a directory: the settings of cfg instead of those in the log */
    const char *publisher; /* of a tape */
    uint32_t incarnation;
    tw_pipeline_alert alert; /* for each, in order */
    void (*refused)(void *context, const struct tw_refusal *refusal);
    void (*bad)(void *context, const char *problem); /* a malformed line, or a file that cannot be read on */
    void (*progress)(void *context, uint64_t done, uint64_t total); /* now and then */
    void *context;
};

void tw_replay_tape(const struct tw_replay_settings *settings, struct tw_tape *tape, struct tw_replay_totals *out);
/* False with a sentence if the directory cannot be opened or is damaged. */
bool tw_replay_directory(const struct tw_replay_settings *settings, const char *directory, struct tw_replay_totals *out,
                         char why[512]);

#endif
