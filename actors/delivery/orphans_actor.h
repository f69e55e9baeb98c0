/* SPDX-License-Identifier: MIT
 *
 * Deliveries of receivers that are configured no longer. Blocks on the disk.
 */
#ifndef TW_DELIVERY_ORPHANS_ACTOR_H
#define TW_DELIVERY_ORPHANS_ACTOR_H

#include "actors/delivery/receiver.h"
#include "store/store.h"

/* Says which receivers have deliveries waiting and are not configured. */
void tw_orphans_say(struct tw_store *store, const struct tw_receivers *receivers);

#endif
