/* SPDX-License-Identifier: MIT
 *
 * The inhibitor's side of the store: its state is kept there now and then, and a start goes on from it by the alerts
 * that are stored behind it. Blocks on the disk.
 */
#ifndef TW_ROUTER_INHIBITION_ACTOR_H
#define TW_ROUTER_INHIBITION_ACTOR_H

#include "actors/router/inhibition.h"
#include "store/store.h"

/* Keeps the state, unless it knows of alerts that are not stored yet. On a full disk the one before stays. */
void tw_inhibitor_keep(struct tw_inhibitor *inhibitor, struct tw_store *store);
/* The inhibitor of the configuration as of the last alert that is stored; *out NULL: there are no rules. Main thread.
 */
bool tw_inhibitor_restore(const struct tw_cfg *cfg, struct tw_store *store, struct tw_inhibitor **out,
                          struct tw_store_error *error);
/* Whether the facts of a stored alert can be read; they borrow from the view. */
bool tw_inhibition_facts(const struct tw_alert_view *view, struct tw_routing_facts *out);

#endif
