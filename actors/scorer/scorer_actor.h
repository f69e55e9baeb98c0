/* SPDX-License-Identifier: MIT
 *
 * The scorer behind sockets: records with events in from exposure, the same with its own judgements out to the router.
 */
#ifndef TW_SCORER_SCORER_ACTOR_H
#define TW_SCORER_SCORER_ACTOR_H

#include "actors/runtime/agent.h"
#include "actors/runtime/pool.h"
#include "actors/runtime/saver.h"
#include "actors/scorer/scorer.h"

struct tw_scorer_actor;
/* Takes the core; `slices` is the savers' pool (NULL: nothing is saved). */
struct tw_scorer_actor *tw_scorer_actor_new(struct tw_scorer **scorer, struct tw_pool *slices);
struct tw_agent tw_scorer_actor_agent(struct tw_scorer_actor *actor);
void tw_scorer_actor_free(struct tw_scorer_actor **actor);

#endif
