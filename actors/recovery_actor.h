/* SPDX-License-Identifier: MIT
 *
 * Recovery: the log is read from its front through the same cores that run live, on one thread. The alerts come out
 * again under the numbers that they had; those that the crash kept from the store are stored now.
 */
#ifndef TW_ACTORS_RECOVERY_ACTOR_H
#define TW_ACTORS_RECOVERY_ACTOR_H

#include <stdbool.h>

#include "actors/gateway/gateway.h"
#include "actors/pipeline/pipeline.h"
#include "actors/router/evidence.h"
#include "store/store.h"

/* True when all of the log has been taken. False with *error (status TW_STORE_OK: stop_requested said so). */
bool tw_recovery_run(struct tw_store *store, struct tw_gateway *gateway, struct tw_pipeline *pipeline,
                     struct tw_evidence_source *evidence, bool (*stop_requested)(void), struct tw_store_error *error);

#endif
