/* SPDX-License-Identifier: MIT
 *
 * The delivery behind its thread: it hears from the router how far alerts are stored (a latest value, so that the
 * router never waits), reads what is pending from the store, lets the transports carry it, and writes down what came of
 * each attempt. At a stop it begins nothing more, and leaves queued what does not end within a moment.
 */
#ifndef TW_DELIVERY_DELIVERY_ACTOR_H
#define TW_DELIVERY_DELIVERY_ACTOR_H

#include "actors/delivery/receiver.h"
#include "actors/runtime/agent.h"
#include "store/store.h"

struct tw_delivery_actor;
struct tw_routes;
/* Borrows all; `routes` NULL: none. They outlive it. On the main thread, before others are started: it wakes libcurl
 * up. */
struct tw_delivery_actor *tw_delivery_actor_new(struct tw_store *store, const struct tw_cfg *cfg,
                                                const struct tw_receivers *receivers, const struct tw_routes *routes);
struct tw_agent tw_delivery_actor_agent(struct tw_delivery_actor *actor);
void tw_delivery_actor_free(struct tw_delivery_actor **actor);

#endif
