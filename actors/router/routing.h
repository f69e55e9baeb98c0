/* SPDX-License-Identifier: MIT
 *
 * Who is told of an alert event: a pure function of facts that are recorded with it, so that a replay can say what
 * would have been sent: every receiver whose least severity it reaches and whom the routes, if there are any, name.
 */
#ifndef TW_ROUTER_ROUTING_H
#define TW_ROUTER_ROUTING_H

#include <stdint.h>

#include "actors/judging/event.h"
#include "actors/lifecycle/silences.h"
#include "actors/router/routes.h"
#include "protocol/limits.h"

struct tw_inhibitor;
struct tw_routing {
    const char *names[TW_RECEIVERS_MAX]; /* borrowed */
    enum tw_severity minimum[TW_RECEIVERS_MAX];
    uint32_t count;
    uint32_t groupable;                      /* receivers (bits) that take many alerts in one message */
    const struct tw_routes *routes;          /* borrowed; NULL: none */
    int64_t (*local_seconds)(int64_t ts_ns); /* port: what local clocks showed then; wanted if there are routes */
    const struct tw_silences *silences;      /* borrowed; NULL: none. It may change between alerts. */
    struct tw_inhibitor *inhibitor; /* borrowed; NULL: nothing is muted. It takes each alert event (inhibition.h) */
};
struct tw_routing_facts { /* of the alert event */
    enum tw_rule rule;
    enum tw_severity severity;
    enum tw_event_kind kind;
    enum tw_entity_type entity_type;
    struct tw_text entity;
    int64_t ts_ns;
    struct tw_text publisher; /* protocol/matcher.h */
};
void tw_routing_add(struct tw_routing *routing, const char *name, enum tw_severity minimum);
/* The words that routes match; borrowed from the facts. */
struct tw_labels tw_routing_labels(const struct tw_routing_facts *facts);
/* Those whose least severity is reached. */
uint32_t tw_routing_reached(const struct tw_routing *routing, enum tw_severity severity);
/* The silence that hides it at a moment of the wall clock; 0: none. */
uint64_t tw_routing_silence(const struct tw_routing *routing, const struct tw_routing_facts *facts, int64_t at_ns);
/* The receivers as bits: 1 << place in `names`, silences left aside. If *escalation is wanted (else NULL), it gets who
 * is to be told later unless somebody takes the alert; an event that says it has grown in severity tells them at once.
 * Who is told at once is not told later. */
uint32_t tw_routing_decide(const struct tw_routing *routing, const struct tw_routing_facts *facts,
                           struct tw_route_escalation *escalation);
/* Those of `receivers`, which tw_routing_decide gave, that get it in groups; how many. */
uint32_t tw_routing_groups(const struct tw_routing *routing, const struct tw_routing_facts *facts, uint32_t receivers,
                           struct tw_route_group out[TW_RECEIVERS_MAX]);

#endif
