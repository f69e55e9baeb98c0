/* SPDX-License-Identifier: MIT */
#include "actors/router/routing.h"

#include <string.h>

#include "protocol/check.h"

void tw_routing_add(struct tw_routing *routing, const char *name, enum tw_severity minimum)
{
    TW_ASSERT(routing->count < TW_RECEIVERS_MAX);
    routing->names[routing->count] = name;
    routing->minimum[routing->count++] = minimum;
}

static struct tw_text text_of(const char *word)
{
    return (struct tw_text){word, (uint32_t)strlen(word)};
}

struct tw_labels tw_routing_labels(const struct tw_routing_facts *facts)
{
    return (struct tw_labels){{[TW_LABEL_TYPE] = text_of(tw_rule_type(facts->rule)),
                               [TW_LABEL_SEVERITY] = text_of(tw_severity_name(facts->severity)),
                               [TW_LABEL_ENTITY_TYPE] = text_of(tw_entity_type_name(facts->entity_type)),
                               [TW_LABEL_ENTITY] = facts->entity,
                               [TW_LABEL_RULE] = text_of(tw_rule_key(facts->rule)),
                               [TW_LABEL_EVENT] = text_of(tw_event_name(facts->kind)),
                               [TW_LABEL_PUBLISHER] = facts->publisher}};
}

uint32_t tw_routing_reached(const struct tw_routing *routing, enum tw_severity severity)
{
    uint32_t receivers = 0;
    for (uint32_t i = 0; i < routing->count; i++)
        if (severity >= routing->minimum[i])
            receivers |= 1u << i;
    return receivers;
}

/* An event that begins or raises an alert can be escalated; one that ends it cannot. */
static struct tw_route_escalation escalation_of(const struct tw_routes *routes, const enum tw_route_answer *answers,
                                                enum tw_event_kind kind)
{
    if (kind == TW_EVENT_RESOLVE || kind == TW_EVENT_RETRACT)
        return (struct tw_route_escalation){0, 0};
    return tw_routes_escalation(routes, answers);
}

uint32_t tw_routing_decide(const struct tw_routing *routing, const struct tw_routing_facts *facts,
                           struct tw_route_escalation *escalation)
{
    enum tw_route_answer answers[TW_ROUTES_MAX];
    struct tw_route_escalation later = {0, 0};
    uint32_t receivers = tw_routing_reached(routing, facts->severity);
    if (receivers != 0 && routing->routes != NULL) {
        struct tw_labels labels = tw_routing_labels(facts);
        int64_t local_s = tw_routes_by_hours(routing->routes) ? routing->local_seconds(facts->ts_ns) : 0;
        uint32_t reached = receivers;
        receivers &= tw_routes_decide(routing->routes, &labels, local_s, answers);
        later = escalation_of(routing->routes, answers, facts->kind);
        if (facts->kind == TW_EVENT_ESCALATE)
            receivers |= later.receivers & reached;
        later.receivers &= reached & ~receivers;
    }
    if (escalation != NULL)
        *escalation = later;
    return receivers;
}

uint64_t tw_routing_silence(const struct tw_routing *routing, const struct tw_routing_facts *facts, int64_t at_ns)
{
    if (routing->silences == NULL || tw_silences_count(routing->silences) == 0)
        return 0;
    struct tw_labels labels = tw_routing_labels(facts);
    return tw_silences_hide(routing->silences, &labels, at_ns, routing->local_seconds(at_ns));
}

uint32_t tw_routing_groups(const struct tw_routing *routing, const struct tw_routing_facts *facts, uint32_t receivers,
                           struct tw_route_group out[TW_RECEIVERS_MAX])
{
    enum tw_route_answer answers[TW_ROUTES_MAX];
    if ((receivers & routing->groupable) == 0 || !tw_routes_group(routing->routes))
        return 0;
    struct tw_labels labels = tw_routing_labels(facts);
    int64_t local_s = tw_routes_by_hours(routing->routes) ? routing->local_seconds(facts->ts_ns) : 0;
    tw_routes_decide(routing->routes, &labels, local_s, answers);
    return tw_routes_groups(routing->routes, answers, &labels, receivers & routing->groupable, out);
}
