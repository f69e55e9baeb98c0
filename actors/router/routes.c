/* SPDX-License-Identifier: MIT */
#include "actors/router/routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"

#define WAIT_S 30
#define INTERVAL_S 300

struct route {
    const char *name; /* borrowed */
    struct tw_matchers *matchers;
    const char *hours_text; /* borrowed; NULL: always */
    struct tw_hours hours;
    uint32_t parent; /* its place + 1; 0: none. A parent stands before its children */
    uint32_t receivers;
    struct tw_route_escalation escalation;
    struct tw_route_grouping grouping;
    bool goes_on;
};
struct tw_routes {
    uint32_t count, everybody;
    bool by_hours, group;
    struct route list[];
};

/* ---- making ---- */

static uint32_t receivers_of(const char *text, const char *const *names, uint32_t count)
{
    uint32_t receivers = 0;
    for (text += strspn(text, " "); *text != '\0'; text += strspn(text, " ")) {
        size_t length = strcspn(text, " ");
        for (uint32_t i = 0; i < count; i++)
            if (strlen(names[i]) == length && memcmp(names[i], text, length) == 0)
                receivers |= 1u << i;
        text += length;
    }
    return receivers;
}

static int64_t time_of(int64_t seconds, int64_t above_ns)
{
    return seconds < 0 ? above_ns : seconds * TW_NS_PER_SECOND;
}

static struct tw_route_grouping grouping_of(const struct tw_cfg_route *from, const struct tw_route_grouping *above)
{
    struct tw_route_grouping grouping = *above;
    if (from->group_by != NULL)
        grouping.groups = tw_labels_read(from->group_by, &grouping.by);
    grouping.wait_ns = time_of(from->group_wait_s, above->wait_ns);
    grouping.interval_ns = time_of(from->group_interval_s, above->interval_ns);
    grouping.repeat_ns = time_of(from->repeat_interval_s, above->repeat_ns);
    return grouping;
}

/* Its place + 1; 0: it is not placed yet, or there is no such name. */
static uint32_t place_of(const struct tw_routes *routes, const char *name)
{
    for (uint32_t i = 0; i < routes->count; i++)
        if (strcmp(routes->list[i].name, name) == 0)
            return i + 1;
    return 0;
}

static void place(struct tw_routes *routes, const struct tw_cfg_route *from, uint32_t parent, const char *const *names,
                  uint32_t count)
{
    char why[TW_MATCHER_WHY_BYTES];
    const struct route *above = parent == 0 ? NULL : &routes->list[parent - 1];
    struct route *route = &routes->list[routes->count++];
    *route = (struct route){.name = from->name, .parent = parent, .goes_on = from->goes_on};
    route->hours_text = from->hours;
    TW_ASSERT(from->hours == NULL || tw_hours_read(from->hours, &route->hours)); /* the configuration was checked */
    routes->by_hours = routes->by_hours || from->hours != NULL;
    route->matchers = tw_matchers_read(from->match == NULL ? "" : from->match, why);
    TW_ASSERT(route->matchers != NULL);
    if (from->receivers != NULL)
        route->receivers = receivers_of(from->receivers, names, count);
    else if (above != NULL)
        route->receivers = above->receivers;
    static const struct tw_route_grouping none = {.wait_ns = WAIT_S * TW_NS_PER_SECOND,
                                                  .interval_ns = INTERVAL_S * TW_NS_PER_SECOND};
    route->grouping = grouping_of(from, above == NULL ? &none : &above->grouping);
    routes->group = routes->group || route->grouping.groups;
    if (from->escalate_to != NULL)
        route->escalation = (struct tw_route_escalation){receivers_of(from->escalate_to, names, count),
                                                         from->escalate_after_s * TW_NS_PER_SECOND};
}

/* Level by level, so that parents stand before their children and routes beside each other stay in order. */
struct tw_routes *tw_routes_from(const struct tw_cfg *cfg, const char *const *names, uint32_t count)
{
    struct tw_cfg_route *from = tw_alloc_zero(TW_ROUTES_MAX, sizeof *from);
    bool placed[TW_ROUTES_MAX] = {false};
    uint32_t wanted = tw_cfg_routes(cfg, from);
    struct tw_routes *routes = wanted == 0 ? NULL : tw_alloc_zero(1, sizeof *routes + wanted * sizeof routes->list[0]);
    for (uint32_t level = 0; routes != NULL && routes->count < wanted; level++) {
        TW_ASSERT(level < wanted); /* the configuration was checked: there is no circle */
        uint32_t above = routes->count;
        for (uint32_t i = 0; i < wanted; i++) {
            uint32_t parent = from[i].parent == NULL ? 0 : place_of(routes, from[i].parent);
            if (placed[i] || parent > above || (from[i].parent != NULL && parent == 0))
                continue;
            place(routes, &from[i], parent, names, count);
            placed[i] = true;
        }
    }
    free(from);
    if (routes != NULL)
        routes->everybody = (1u << count) - 1u;
    return routes;
}

void tw_routes_free(struct tw_routes **routes)
{
    if (*routes == NULL)
        return;
    for (uint32_t i = 0; i < (*routes)->count; i++)
        tw_matchers_free(&(*routes)->list[i].matchers);
    free(*routes);
    *routes = NULL;
}

/* ---- deciding ---- */

/* Whether the routes below a place, or at the top (0), have been served; and whether one of them took it. */
struct below {
    bool closed, taken;
};

static enum tw_route_answer ask(const struct route *route, const struct below *beside,
                                const enum tw_route_answer *answers, const struct tw_labels *labels, int64_t local_s)
{
    if (route->parent != 0 && answers[route->parent - 1] != TW_ROUTE_DECIDED)
        return TW_ROUTE_NOT_ASKED;
    if (beside->closed)
        return TW_ROUTE_PASSED_BY;
    if (route->hours_text != NULL && !tw_hours_contain(&route->hours, local_s))
        return TW_ROUTE_NO_MATCH;
    return tw_matchers_against(route->matchers, labels) == NULL ? TW_ROUTE_DECIDED : TW_ROUTE_NO_MATCH;
}

bool tw_routes_by_hours(const struct tw_routes *routes)
{
    return routes != NULL && routes->by_hours;
}

uint32_t tw_routes_decide(const struct tw_routes *routes, const struct tw_labels *labels, int64_t local_s,
                          enum tw_route_answer answers[TW_ROUTES_MAX])
{
    enum tw_route_answer own[TW_ROUTES_MAX];
    struct below below[TW_ROUTES_MAX + 1]; /* by place + 1 */
    uint32_t receivers = 0;
    answers = answers == NULL ? own : answers;
    memset(below, 0, (routes->count + 1) * sizeof below[0]);
    for (uint32_t i = 0; i < routes->count; i++) {
        const struct route *route = &routes->list[i];
        struct below *beside = &below[route->parent];
        answers[i] = ask(route, beside, answers, labels, local_s);
        if (answers[i] == TW_ROUTE_DECIDED) {
            beside->taken = true;
            beside->closed = !route->goes_on;
        }
    }
    for (uint32_t i = 0; i < routes->count; i++) {
        if (answers[i] == TW_ROUTE_DECIDED && below[i + 1].taken)
            answers[i] = TW_ROUTE_PASSED_ON;
        if (answers[i] == TW_ROUTE_DECIDED)
            receivers |= routes->list[i].receivers;
    }
    return below[0].taken ? receivers : routes->everybody;
}

struct tw_route_escalation tw_routes_escalation(const struct tw_routes *routes, const enum tw_route_answer *answers)
{
    for (uint32_t i = 0; i < routes->count; i++)
        if (answers[i] == TW_ROUTE_DECIDED && routes->list[i].escalation.receivers != 0)
            return routes->list[i].escalation;
    return (struct tw_route_escalation){0, 0};
}

/* ---- groups ---- */

bool tw_routes_group(const struct tw_routes *routes)
{
    return routes != NULL && routes->group;
}

struct tw_route_grouping tw_routes_grouping(const struct tw_routes *routes, struct tw_text group)
{
    const char *end = group.length == 0 ? NULL : memchr(group.bytes, '{', group.length);
    size_t length = end == NULL ? 0 : (size_t)(end - group.bytes);
    for (uint32_t i = 0; i < tw_routes_count(routes); i++)
        if (strlen(routes->list[i].name) == length && memcmp(routes->list[i].name, group.bytes, length) == 0)
            return routes->list[i].grouping;
    return (struct tw_route_grouping){.groups = false};
}

struct tw_route_waits tw_routes_longest(const struct tw_routes *routes)
{
    struct tw_route_waits longest = {0, 0};
    for (uint32_t i = 0; i < tw_routes_count(routes); i++) {
        const struct route *route = &routes->list[i];
        if (route->escalation.receivers != 0 && route->escalation.after_ns > longest.escalation_ns)
            longest.escalation_ns = route->escalation.after_ns;
        if (route->grouping.groups && route->grouping.repeat_ns > longest.repeat_ns)
            longest.repeat_ns = route->grouping.repeat_ns;
    }
    return longest;
}

/* One that is too long ends in the hash of the whole. */
static void cut_name(struct tw_route_group *group, const char *whole, size_t length)
{
    uint64_t hash = 0xcbf29ce484222325u;
    char digits[20];
    group->length = (uint32_t)(length < TW_GROUP_BYTES_MAX ? length : TW_GROUP_BYTES_MAX);
    memcpy(group->name, whole, group->length);
    if (length <= TW_GROUP_BYTES_MAX)
        return;
    for (size_t i = 0; i < length; i++) /* FNV-1a */
        hash = (hash ^ (uint8_t)whole[i]) * 0x100000001b3u;
    snprintf(digits, sizeof digits, "#%016llx}", (unsigned long long)hash);
    size_t at = TW_GROUP_BYTES_MAX - 18u;
    while (at > 0 && ((uint8_t)whole[at] & 0xc0u) == 0x80u) /* characters stay whole */
        at--;
    memcpy(group->name + at, digits, 18);
    group->length = (uint32_t)at + 18u;
}

static void name_group(const struct route *route, const struct tw_labels *labels, struct tw_route_group *out)
{
    char whole[2048];
    int length = snprintf(whole, sizeof whole, "%s{", route->name);
    const char *between = "";
    for (int i = 0; i < TW_LABEL_COUNT; i++) {
        if ((route->grouping.by >> i & 1u) == 0)
            continue;
        length += snprintf(
            whole + length, sizeof whole - (size_t)length, "%s%s=%.*s", between, tw_label_name((enum tw_label)i),
            (int)(labels->value[i].length < 255 ? labels->value[i].length : 255), labels->value[i].bytes);
        between = ",";
    }
    length += snprintf(whole + length, sizeof whole - (size_t)length, "}");
    cut_name(out, whole, (size_t)length);
}

uint32_t tw_routes_groups(const struct tw_routes *routes, const enum tw_route_answer *answers,
                          const struct tw_labels *labels, uint32_t receivers,
                          struct tw_route_group out[TW_RECEIVERS_MAX])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < routes->count && receivers != 0; i++) {
        const struct route *route = &routes->list[i];
        uint32_t own = answers[i] == TW_ROUTE_DECIDED ? route->receivers & receivers : 0;
        receivers &= ~own;
        if (own == 0 || !route->grouping.groups)
            continue;
        out[count].receivers = own;
        name_group(route, labels, &out[count++]);
    }
    return count;
}

/* ---- for people who ask why ---- */

uint32_t tw_routes_count(const struct tw_routes *routes)
{
    return routes == NULL ? 0 : routes->count;
}

struct tw_route_view tw_routes_view(const struct tw_routes *routes, uint32_t place)
{
    TW_ASSERT(place < routes->count);
    const struct route *route = &routes->list[place];
    const struct route *above = route->parent == 0 ? NULL : &routes->list[route->parent - 1];
    return (struct tw_route_view){.name = route->name,
                                  .parent = above == NULL ? NULL : above->name,
                                  .receivers = route->receivers,
                                  .matchers = route->matchers,
                                  .hours = route->hours_text,
                                  .escalation = route->escalation,
                                  .grouping = route->grouping};
}
