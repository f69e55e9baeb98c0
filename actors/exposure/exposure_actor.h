/* SPDX-License-Identifier: MIT
 *
 * Exposure behind sockets: waits for all shards' answers to a record, goes on in log order, and passes the record with
 * all events so far to the scorer.
 */
#ifndef TW_EXPOSURE_EXPOSURE_ACTOR_H
#define TW_EXPOSURE_EXPOSURE_ACTOR_H

#include "actors/exposure/exposure.h"
#include "actors/runtime/agent.h"
#include "actors/runtime/backlog.h"
#include "actors/runtime/pool.h"
#include "actors/runtime/saver.h"

struct tw_exposure_actor;
/* Takes the core; `events` is a pool of struct tw_events, `slices` the savers' (NULL: nothing is saved). `unjudged` is
 * what comes from the gateway (tw_frame.waits_as); `judged` what is on its way to the router (tw_judged_bytes, in
 * tw_events.waits_as); shared with them, outlive all. */
struct tw_exposure_actor *tw_exposure_actor_new(struct tw_exposure **exposure, uint32_t shards, struct tw_pool *events,
                                                struct tw_pool *slices, struct tw_backlog *unjudged,
                                                struct tw_backlog *judged);
struct tw_agent tw_exposure_actor_agent(struct tw_exposure_actor *actor);
void tw_exposure_actor_free(struct tw_exposure_actor **actor);

#endif
