/* SPDX-License-Identifier: MIT
 *
 * Groups whose time has come: what waits of them becomes one message; and what was told and is open still, taken by
 * nobody, waits to be told again. All of it is rows of the store, so a restart has them. The delivery's thread; blocks
 * on the disk.
 */
#ifndef TW_DELIVERY_GROUPS_ACTOR_H
#define TW_DELIVERY_GROUPS_ACTOR_H

#include "actors/delivery/receiver.h"
#include "actors/router/routes.h"
#include "store/store.h"

struct tw_groups {
    struct tw_store *store; /* borrowed, as the others */
    const struct tw_receivers *receivers;
    const struct tw_routes *routes; /* NULL: none */
    const struct tw_delivery *core;
    uint32_t receiver; /* where the next look goes on, */
    uint64_t hash;     /* behind this group */
};
/* A bounded look. *made: something became pending. *more: it is not through. FULL: the same is tried again. */
enum tw_store_status tw_groups_work(struct tw_groups *groups, int64_t now_ns, bool *made, bool *more,
                                    struct tw_store_error *error);

#endif
