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

#include "actors/router/router.h"
#include "protocol/log.h"

struct tw_pipeline;

/* Called for every alert, in order of n. The alert's bytes are borrowed until the return. */
typedef void (*tw_pipeline_alert)(void *context, const struct tw_router_alert *alert);

struct tw_pipeline *tw_pipeline_new(uint32_t shards, const struct tw_evidence *evidence);
void tw_pipeline_free(struct tw_pipeline **pipeline);
/* One record of the log through all cores. */
void tw_pipeline_feed(struct tw_pipeline *pipeline, const struct tw_record *record, tw_pipeline_alert visit,
                      void *context);
/* Settings records of the log are ignored from now on, these are in force instead ("what if"). */
void tw_pipeline_pin_settings(struct tw_pipeline *pipeline, struct tw_text settings_text);

const struct tw_router *tw_pipeline_router(const struct tw_pipeline *pipeline); /* count, digests */

#endif
