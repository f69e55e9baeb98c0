/* SPDX-License-Identifier: MIT
 *
 * Escalations whose time has come: if nobody has taken the alert by then, it goes to those who are to be told next;
 * else the ledger says who has it. They are rows of the store, so a restart has them. The delivery's thread; blocks on
 * the disk.
 */
#ifndef TW_DELIVERY_ESCALATION_ACTOR_H
#define TW_DELIVERY_ESCALATION_ACTOR_H

#include "actors/router/routes.h"
#include "store/store.h"

/* A bounded number of them; *more: others may be due as well. None waits longer than the longest escalate_after. FULL:
 * the same are tried again. */
enum tw_store_status tw_escalations_work(struct tw_store *store, const struct tw_routes *routes, int64_t now_ns,
                                         bool *more, struct tw_store_error *error);

#endif
