/* SPDX-License-Identifier: MIT
 *
 * Who is told of an alert event: a pure function of facts that are recorded with it, so that a replay can say what
 * would have been sent. Today: every receiver whose least severity it reaches.
 */
#ifndef TW_ROUTER_ROUTING_H
#define TW_ROUTER_ROUTING_H

#include <stdint.h>

#include "actors/judging/event.h"
#include "protocol/limits.h"

struct tw_routing {
    const char *names[TW_RECEIVERS_MAX]; /* borrowed */
    enum tw_severity minimum[TW_RECEIVERS_MAX];
    uint32_t count;
};
struct tw_routing_facts { /* of the alert event */
    enum tw_severity severity;
};
/* The receivers as bits: 1 << place in `names`. */
uint32_t tw_routing_decide(const struct tw_routing *routing, const struct tw_routing_facts *facts);

#endif
