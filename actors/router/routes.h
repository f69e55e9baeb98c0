/* SPDX-License-Identifier: MIT
 *
 * The routing tree: which receivers an alert event is for. Routes are asked in the configuration's order. One that
 * takes the event passes it on to the routes below it, and the routes beside it are not asked any more, unless it says
 * `continue`. The receivers are those of the lowest routes that took it. What no route takes is for everybody, so that
 * nothing is lost by a forgotten case. Outside its hours a route takes nothing.
 *
 * Pure: made from the configuration at the start; then a function of the event's labels and time.
 */
#ifndef TW_ROUTER_ROUTES_H
#define TW_ROUTER_ROUTES_H

#include "cfg/cfg.h"
#include "protocol/hours.h"
#include "protocol/limits.h"
#include "protocol/matcher.h"

struct tw_routes;
/* NULL: there are no routes. The configuration outlives them; `names` are all receivers, and the bits of the masks. */
struct tw_routes *tw_routes_from(const struct tw_cfg *cfg, const char *const *names, uint32_t count);
void tw_routes_free(struct tw_routes **routes);

enum tw_route_answer {
    TW_ROUTE_NOT_ASKED, /* its parent did not take it */
    TW_ROUTE_PASSED_BY, /* a route before it took it, and does not continue */
    TW_ROUTE_NO_MATCH,
    TW_ROUTE_PASSED_ON, /* it took it, and so did one below it */
    TW_ROUTE_DECIDED    /* it took it: its receivers are told */
};
/* What one of the routes that decided wants if nobody takes the alert. */
struct tw_route_escalation {
    uint32_t receivers; /* as bits; 0: nothing */
    int64_t after_ns;
};
/* Of the first of them that wants any; `answers` are those of tw_routes_decide. */
struct tw_route_escalation tw_routes_escalation(const struct tw_routes *routes, const enum tw_route_answer *answers);
/* How long anything waits at the most by any of them; 0: nothing does. */
struct tw_route_waits {
    int64_t escalation_ns, repeat_ns;
};
struct tw_route_waits tw_routes_longest(const struct tw_routes *routes);
/* How what a route takes goes in groups, with Alertmanager's meanings. */
struct tw_route_grouping {
    bool groups;                             /* false: each alert by itself */
    uint32_t by;                             /* 1 << label */
    int64_t wait_ns, interval_ns, repeat_ns; /* repeat 0: never */
};
bool tw_routes_group(const struct tw_routes *routes); /* whether some route does; NULL: none */
/* That of the route of a group's name (below); groups false: there is no such route, or it makes none. */
struct tw_route_grouping tw_routes_grouping(const struct tw_routes *routes, struct tw_text group);
/* A group of one of the routes that decided: its receivers, and its name: "desk{type=LARGE_TRADE,entity=A}". */
struct tw_route_group {
    uint32_t receivers;
    uint32_t length;
    char name[TW_GROUP_BYTES_MAX];
};
/* Those of `receivers` that get it in a group, each by the first route that decided and has it; how many groups. */
uint32_t tw_routes_groups(const struct tw_routes *routes, const enum tw_route_answer *answers,
                          const struct tw_labels *labels, uint32_t receivers,
                          struct tw_route_group out[TW_RECEIVERS_MAX]);
/* Whether some route asks for local time. */
bool tw_routes_by_hours(const struct tw_routes *routes);
/* The receivers as bits. `local_s`: what local clocks showed (protocol/hours.h). `answers`, if given, gets one for each
 * route in order. */
uint32_t tw_routes_decide(const struct tw_routes *routes, const struct tw_labels *labels, int64_t local_s,
                          enum tw_route_answer answers[TW_ROUTES_MAX]);

/* ---- for people who ask why ---- */

uint32_t tw_routes_count(const struct tw_routes *routes);
struct tw_route_view {
    const char *name, *parent; /* NULL: it stands at the top */
    uint32_t receivers;        /* as bits; its own or its parent's */
    const struct tw_matchers *matchers;
    const char *hours; /* NULL: always */
    struct tw_route_escalation escalation;
    struct tw_route_grouping grouping;
};
struct tw_route_view tw_routes_view(const struct tw_routes *routes, uint32_t place);

#endif
