/* SPDX-License-Identifier: MIT
 *
 * Recovery over the store: the port of recovery's core. Runs on main's thread before any actor does.
 */
#ifndef TW_RECOVERY_RECOVERY_ACTOR_H
#define TW_RECOVERY_RECOVERY_ACTOR_H

#include <stdbool.h>

#include "actors/recovery/recovery.h"
#include "actors/router/routing.h"
#include "store/store.h"

/* As tw_recovery_run, with settings->fetch set here. Blocks for as long as the log takes; *stop_requested is looked at
 * meanwhile, and progress is shown in the daemon's log. */
enum tw_recovery_end tw_recovery_from_store(struct tw_store *store, const struct tw_recovery_settings *settings,
                                            const struct tw_routing *routing, bool (*stop_requested)(void),
                                            struct tw_recovered *out, char why[TW_RECOVERY_WHY_BYTES]);

#endif
