/* SPDX-License-Identifier: MIT
 *
 * A shard behind sockets: records in from the gateway, one answer for each out to exposure.
 */
#ifndef TW_SHARD_SHARD_ACTOR_H
#define TW_SHARD_SHARD_ACTOR_H

#include "actors/runtime/agent.h"
#include "actors/runtime/pool.h"
#include "actors/runtime/saver.h"
#include "actors/shard/shard.h"

struct tw_shard_actor;
/* Takes the core; `answers` is a pool of struct tw_shard_answer shared by all shards, and outlives them; `slices` is
 * the savers' (NULL: nothing is saved). */
struct tw_shard_actor *tw_shard_actor_new(struct tw_shard **shard, uint32_t index, struct tw_pool *answers,
                                          struct tw_pool *slices);
struct tw_agent tw_shard_actor_agent(struct tw_shard_actor *actor);
void tw_shard_actor_free(struct tw_shard_actor **actor);

#endif
