/* SPDX-License-Identifier: MIT
 *
 * Catch-up, served beside the router: requests in by PULL, answers read from the store and handed to the router, which
 * owns the PUB socket. A slow or greedy asker is bounded by `limit`, by TW_CATCHUP_LOOKS_MAX and by the lane; alerts
 * never wait for it.
 */
#ifndef TW_CATCHUP_CATCHUP_ACTOR_H
#define TW_CATCHUP_CATCHUP_ACTOR_H

#include "actors/runtime/agent.h"
#include "store/store.h"

struct tw_catchup_actor;
struct tw_catchup_actor *tw_catchup_actor_new(struct tw_store *store, const char *endpoint); /* borrows both */
struct tw_agent tw_catchup_actor_agent(struct tw_catchup_actor *actor);
const char *tw_catchup_actor_requests(const struct tw_catchup_actor *actor); /* as bound */
void tw_catchup_actor_free(struct tw_catchup_actor **actor);

#endif
