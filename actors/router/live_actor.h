/* SPDX-License-Identifier: MIT
 *
 * The live feed on `bind/live`: durable trades, sampled for eyes; it may drop and never delays anything. Part of the
 * router's thread.
 */
#ifndef TW_ROUTER_LIVE_ACTOR_H
#define TW_ROUTER_LIVE_ACTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/router/router.h"

struct tw_live;
struct tw_live *tw_live_new(uint32_t rate_per_second); /* 0: silent */
bool tw_live_start(struct tw_live *live, const char *endpoint, char failure[512]);
const char *tw_live_endpoint(const struct tw_live *live);
/* If the rate allows: the newest trade of a durable block as topic `trade.<symbol>`, and how its account stands as
 * topic `exposure.<account>` (protocol/README.md). */
void tw_live_record(struct tw_live *live, const struct tw_router *router, const struct tw_record *record,
                    const struct tw_events *events);
void tw_live_stop(struct tw_live *live);
void tw_live_free(struct tw_live **live);

#endif
