/* SPDX-License-Identifier: MIT
 *
 * The gateway's port to the durable past, over the store. Used on the gateway's thread (and by recovery before it).
 */
#ifndef TW_GATEWAY_HISTORY_ACTOR_H
#define TW_GATEWAY_HISTORY_ACTOR_H

#include "actors/gateway/gateway.h"
#include "store/store.h"

struct tw_store_history {
    struct tw_store *store;
    struct tw_frame *frame; /* holds what the last look-up returned */
};
struct tw_history tw_store_history_port(struct tw_store_history *history);
void tw_store_history_clear(struct tw_store_history *history);

#endif
