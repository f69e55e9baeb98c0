/* SPDX-License-Identifier: MIT
 *
 * The judging cores in a row, on one thread: the driver behind replay and recovery. The same cores run behind sockets
 * in the daemon; recovery feeds the log through here and then hands the cores to their actors.
 *
 * Pure: no socket, clock, file or thread.
 */
#ifndef TW_PIPELINE_PIPELINE_H
#define TW_PIPELINE_PIPELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/exposure/exposure.h"
#include "actors/router/router.h"
#include "actors/scorer/scorer.h"
#include "actors/shard/shard.h"
#include "protocol/log.h"

struct tw_pipeline;

/* Called for every alert, in order of n. The alert's bytes are borrowed until the return. */
typedef void (*tw_pipeline_alert)(void *context, const struct tw_router_alert *alert);

struct tw_pipeline *tw_pipeline_new(uint32_t shards, const struct tw_evidence *evidence);
void tw_pipeline_free(struct tw_pipeline **pipeline);
/* Where each core is to keep the openings of ended alerts, instead of in memory: before the first record or row. */
typedef struct tw_shelf (*tw_make_shelf)(void *context);
void tw_pipeline_keep_on(struct tw_pipeline *pipeline, tw_make_shelf make, void *context);
/* One record of the log through all cores. */
void tw_pipeline_feed(struct tw_pipeline *pipeline, const struct tw_record *record, tw_pipeline_alert visit,
                      void *context);
/* Settings records of the log are ignored from now on, these are in force instead ("what if"). */
void tw_pipeline_pin_settings(struct tw_pipeline *pipeline, struct tw_text settings_text);

/* A row of a snapshot, into the core or cores whose part it is (not the gateway's, which is no core of the pipeline).
 * False: it is damaged. */
bool tw_pipeline_load(struct tw_pipeline *pipeline, enum tw_snapshot_part part, struct tw_row_reader *row);
bool tw_pipeline_load_end(struct tw_pipeline *pipeline); /* false: something is missing, or does not agree */

const struct tw_router *tw_pipeline_router(const struct tw_pipeline *pipeline); /* count, digests */

/* Takes the cores out, state and all, and ends the pipeline: recovery hands them to their actors. The caller owns them.
 */
struct tw_pipeline_cores {
    uint32_t shards;
    struct tw_shard *shard[TW_SHARDS_MAX];
    struct tw_exposure *exposure;
    struct tw_scorer *scorer;
    struct tw_router *router;
};
struct tw_pipeline_cores tw_pipeline_release(struct tw_pipeline **pipeline);

#endif
