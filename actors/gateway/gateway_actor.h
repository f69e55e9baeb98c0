/* SPDX-License-Identifier: MIT
 *
 * The gateway behind sockets: PULL from publishers, SUB from feeds, records out to journal, shards and exposure, acks
 * out by PUB. It stops reading while a lane is full, so that publishers feel it by their credit; acks go on.
 */
#ifndef TW_GATEWAY_GATEWAY_ACTOR_H
#define TW_GATEWAY_GATEWAY_ACTOR_H

#include "actors/gateway/barrier_actor.h"
#include "actors/gateway/gateway.h"
#include "actors/runtime/agent.h"
#include "actors/runtime/backlog.h"
#include "store/store.h"

#define TW_FEEDS_MAX 64

struct tw_gateway_actor;
struct tw_gateway_actor_settings {
    const char *trades, *acks; /* endpoints; the strings outlive the actor */
    const char *feeds[TW_FEEDS_MAX];
    uint32_t feed_count, shards;
    struct tw_barrier_settings barrier;
    struct tw_backlog *unjudged; /* handed out, not judged; shared with exposure, outlives both */
    const struct tw_store
        *store; /* the past that look-ups read: damage in it ends the actor; NULL: it cannot have any */
};
struct tw_gateway_actor *tw_gateway_actor_new(struct tw_gateway **gateway,
                                              const struct tw_gateway_actor_settings *settings); /* takes the core */
struct tw_agent tw_gateway_actor_agent(struct tw_gateway_actor *actor);
/* The endpoints as bound (a wildcard port resolved); valid after the start. */
const char *tw_gateway_actor_trades(const struct tw_gateway_actor *actor);
const char *tw_gateway_actor_acks(const struct tw_gateway_actor *actor);
void tw_gateway_actor_free(struct tw_gateway_actor **actor);

#endif
