/* SPDX-License-Identifier: MIT
 *
 * Routes in the configuration: put together from their keys, and checked as a tree.
 */
#include <stdlib.h>
#include <string.h>

#include "cfg/settings.h"
#include "protocol/check.h"
#include "protocol/status.h"

enum field {
    PARENT,
    MATCH,
    HOURS,
    RECEIVER,
    CONTINUE,
    ESCALATE_AFTER,
    ESCALATE_TO,
    GROUP_BY,
    GROUP_WAIT,
    GROUP_INTERVAL,
    REPEAT_INTERVAL,
    FIELD_COUNT
};

struct route {
    const struct tw_setting *fields[FIELD_COUNT];
    const char *name;
    size_t first; /* of its keys */
};
struct routes {
    struct route list[TW_ROUTES_MAX];
    uint32_t count;
    const struct tw_setting *beyond; /* of one route too many; NULL: none */
};

static int field_of(const struct tw_setting *setting)
{
    static const enum tw_key_id ids[FIELD_COUNT] = {
        TW_KEY_ID_ROUTE_PARENT,         TW_KEY_ID_ROUTE_MATCH,          TW_KEY_ID_ROUTE_HOURS,
        TW_KEY_ID_ROUTE_RECEIVER,       TW_KEY_ID_ROUTE_CONTINUE,       TW_KEY_ID_ROUTE_ESCALATE_AFTER,
        TW_KEY_ID_ROUTE_ESCALATE_TO,    TW_KEY_ID_ROUTE_GROUP_BY,       TW_KEY_ID_ROUTE_GROUP_WAIT,
        TW_KEY_ID_ROUTE_GROUP_INTERVAL, TW_KEY_ID_ROUTE_REPEAT_INTERVAL};
    for (int i = 0; i < FIELD_COUNT; i++)
        if (setting->key == &tw_keys[ids[i]])
            return i;
    return -1;
}

static struct route *route_of(struct routes *routes, const char *name)
{
    for (uint32_t i = 0; i < routes->count; i++)
        if (strcmp(routes->list[i].name, name) == 0)
            return &routes->list[i];
    return NULL;
}

static int compare_first(const void *left, const void *right)
{
    const struct route *a = left, *b = right;
    return a->first < b->first ? -1 : a->first > b->first ? 1 : 0;
}

static struct routes *gather(const struct tw_cfg *cfg)
{
    struct routes *routes = tw_alloc_zero(1, sizeof *routes);
    for (size_t i = 0; i < cfg->named_count; i++) {
        const struct tw_setting *setting = &cfg->named[i];
        int field = field_of(setting);
        struct route *route = field < 0 ? NULL : route_of(routes, setting->name);
        if (field >= 0 && route == NULL && routes->count == TW_ROUTES_MAX) {
            routes->beyond = setting;
        } else if (field >= 0) {
            if (route == NULL) {
                route = &routes->list[routes->count++];
                *route = (struct route){.name = setting->name, .first = setting->first};
            }
            route->fields[field] = setting;
            route->first = setting->first < route->first ? setting->first : route->first;
        }
    }
    if (routes->count > 0)
        qsort(routes->list, routes->count, sizeof routes->list[0], compare_first);
    return routes;
}

static const char *text_of(const struct tw_setting *setting)
{
    return setting == NULL ? NULL : setting->text;
}

static int64_t seconds_of(const struct tw_setting *setting)
{
    return setting == NULL ? -1 : setting->number;
}

uint32_t tw_cfg_routes(const struct tw_cfg *cfg, struct tw_cfg_route out[TW_ROUTES_MAX])
{
    struct routes *routes = gather(cfg);
    uint32_t count = routes->count;
    for (uint32_t i = 0; i < count; i++) {
        const struct route *route = &routes->list[i];
        const struct tw_setting *goes_on = route->fields[CONTINUE], *after = route->fields[ESCALATE_AFTER];
        out[i] = (struct tw_cfg_route){.name = route->name,
                                       .parent = text_of(route->fields[PARENT]),
                                       .match = text_of(route->fields[MATCH]),
                                       .hours = text_of(route->fields[HOURS]),
                                       .receivers = text_of(route->fields[RECEIVER]),
                                       .goes_on = goes_on != NULL && goes_on->number != 0,
                                       .escalate_to = text_of(route->fields[ESCALATE_TO]),
                                       .escalate_after_s = after == NULL ? 0 : (int64_t)after->number,
                                       .group_by = text_of(route->fields[GROUP_BY]),
                                       .group_wait_s = seconds_of(route->fields[GROUP_WAIT]),
                                       .group_interval_s = seconds_of(route->fields[GROUP_INTERVAL]),
                                       .repeat_interval_s = seconds_of(route->fields[REPEAT_INTERVAL])};
    }
    free(routes);
    return count;
}

/* ---- checks ---- */

static const struct tw_setting *any_field(const struct route *route)
{
    int i = 0;
    while (route->fields[i] == NULL)
        i++;
    return route->fields[i];
}

static bool check_receivers(const struct tw_cfg *cfg, const struct tw_setting *receivers, struct tw_cfg_error *error)
{
    const char *text = receivers->text;
    if (strcmp(text, "none") == 0)
        return true;
    for (text += strspn(text, " "); *text != '\0'; text += strspn(text, " ")) {
        char name[TW_RECEIVER_BYTES_MAX + 1], why[80];
        size_t length = strcspn(text, " ");
        snprintf(name, sizeof name, "%.*s", (int)length, text);
        text += length;
        if (strcmp(name, "none") == 0)
            return tw_setting_fail(error, receivers, "none stands alone");
        snprintf(why, sizeof why, "there is no receiver %s", name);
        if (!tw_cfg_is_receiver(cfg, name))
            return tw_setting_fail(error, receivers, why);
    }
    return true;
}

static bool check_escalation(const struct tw_cfg *cfg, const struct route *route, struct tw_cfg_error *error)
{
    const struct tw_setting *after = route->fields[ESCALATE_AFTER], *to = route->fields[ESCALATE_TO];
    if ((after == NULL) != (to == NULL))
        return tw_setting_fail(error, after == NULL ? to : after, "escalate_after and escalate_to belong together");
    return to == NULL || check_receivers(cfg, to, error);
}

/* Times of groups want groups, here or above. */
static bool check_groups(struct routes *routes, const struct route *route, struct tw_cfg_error *error)
{
    for (const struct route *at = route; at != NULL;
         at = at->fields[PARENT] == NULL ? NULL : route_of(routes, at->fields[PARENT]->text))
        if (at->fields[GROUP_BY] != NULL)
            return true;
    for (int i = GROUP_WAIT; i <= REPEAT_INTERVAL; i++)
        if (route->fields[i] != NULL)
            return tw_setting_fail(error, route->fields[i], "there is no group_by, neither here nor in a parent");
    return true;
}

/* From each route up: so many steps as there are routes, and no top yet, is a loop. */
static bool check_parents(struct routes *routes, const struct route *route, struct tw_cfg_error *error)
{
    const struct tw_setting *first = route->fields[PARENT];
    uint32_t steps = 0;
    for (const struct tw_setting *parent = first; parent != NULL; steps++) {
        const struct route *above = route_of(routes, parent->text);
        if (above == NULL)
            return tw_setting_fail(error, parent, "there is no route of that name");
        if (steps == routes->count)
            return tw_setting_fail(error, first, "its parents go round in a circle");
        parent = above->fields[PARENT];
    }
    return true;
}

bool tw_cfg_check_routes(const struct tw_cfg *cfg, struct tw_cfg_error *error)
{
    struct routes *routes = gather(cfg);
    bool good = routes->beyond == NULL || tw_setting_fail(error, routes->beyond, "there are more than 256 routes");
    for (uint32_t i = 0; good && i < routes->count; i++) {
        const struct route *route = &routes->list[i];
        good = check_parents(routes, route, error);
        if (good && route->fields[RECEIVER] != NULL)
            good = check_receivers(cfg, route->fields[RECEIVER], error);
        else if (good && route->fields[PARENT] == NULL)
            good =
                tw_setting_fail(error, any_field(route), "this route has neither a receiver nor a parent that has one");
        good = good && check_escalation(cfg, route, error) && check_groups(routes, route, error);
    }
    free(routes);
    return good;
}
