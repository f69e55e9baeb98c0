/* SPDX-License-Identifier: MIT */
#include "actors/delivery/groups_actor.h"

#include <stdlib.h>
#include <string.h>

#include "actors/delivery/group.h"
#include "actors/lifecycle/desk_actor.h"
#include "protocol/check.h"

#define LOOK_MAX 512u    /* groups that are looked at in a turn, of some microseconds each */
#define REPEATS_MAX 128u /* of some hundred microseconds each */

/* ---- messages ---- */

struct due {
    uint64_t hash, last_n;
};
struct look {
    struct tw_groups *groups;
    int64_t now_ns;
    struct due due[LOOK_MAX];
    uint32_t looked, count;
};

/* Of a group that waits; or was told, to that receiver. One that takes no groups by now gets each at once. */
static struct tw_route_grouping grouping_of(const struct tw_groups *groups, struct tw_text receiver,
                                            struct tw_text group)
{
    for (uint32_t i = 0; i < groups->receivers->count; i++)
        if (tw_text_is(receiver, groups->receivers->list[i].name) &&
            !tw_receiver_takes_many(&groups->receivers->list[i]))
            return (struct tw_route_grouping){.groups = false};
    return tw_routes_grouping(groups->routes, group);
}

static bool look_at(void *context, const struct tw_store_waiting *first, uint64_t last_n, int64_t told_ns)
{
    struct look *look = context;
    struct tw_route_grouping grouping = grouping_of(look->groups, first->receiver, first->group);
    if (tw_group_due(&grouping, first->queued_ns, told_ns, look->now_ns) <= look->now_ns)
        look->due[look->count++] = (struct due){first->hash, last_n};
    look->groups->hash = first->hash;
    return ++look->looked < LOOK_MAX;
}

static int compare_due(const void *left, const void *right)
{
    const struct due *a = left, *b = right;
    return a->last_n < b->last_n ? -1 : a->last_n > b->last_n;
}

/* In the order in which they go; one that cannot now is due at the next look. */
static enum tw_store_status make(struct tw_groups *groups, struct look *look, struct tw_text receiver, bool *any,
                                 struct tw_store_error *error)
{
    uint64_t after = tw_delivery_digest_until(groups->core, groups->receiver);
    if (look->count > 1)
        qsort(look->due, look->count, sizeof look->due[0], compare_due);
    for (uint32_t i = 0; i < look->count; i++) {
        bool made = false;
        enum tw_store_status status =
            tw_store_make_group(groups->store, receiver, look->due[i].hash, 0, after, look->now_ns, &made, error);
        if (status != TW_STORE_OK)
            return status;
        *any = *any || made;
    }
    return TW_STORE_OK;
}

/* ---- told again ---- */

struct told {
    struct tw_store_waiting list[REPEATS_MAX];
    char receivers[REPEATS_MAX][TW_RECEIVER_BYTES_MAX], groups[REPEATS_MAX][TW_GROUP_BYTES_MAX];
    uint32_t count;
};

static bool collect(void *context, const struct tw_store_waiting *it)
{
    struct told *told = context;
    struct tw_store_waiting *kept = &told->list[told->count];
    *kept = *it;
    memcpy(told->receivers[told->count], it->receiver.bytes, it->receiver.length);
    memcpy(told->groups[told->count], it->group.bytes, it->group.length);
    kept->receiver.bytes = told->receivers[told->count];
    kept->group.bytes = told->groups[told->count];
    return ++told->count < REPEATS_MAX;
}

/* Whether the alert is open and nobody has it; only the newest event that begins or raises it, of those that were not
 * hidden, is told again. */
static bool is_open(struct tw_store *store, const struct tw_store_waiting *it)
{
    struct tw_store_error error;
    struct tw_case alert;
    if (!tw_desk_case(store, it->id, &alert, &error))
        return false;
    enum tw_case_state state = tw_case_state_now(&alert);
    return (state == TW_CASE_OPEN || state == TW_CASE_ESCALATED) && it->n == tw_desk_newest_told(store, it->id);
}

static enum tw_store_status tell_again(struct tw_groups *groups, int64_t now_ns, bool *more,
                                       struct tw_store_error *error)
{
    struct told *told = tw_alloc_zero(1, sizeof *told);
    int64_t longest_ns = tw_routes_longest(groups->routes).repeat_ns;
    enum tw_store_status status =
        longest_ns == 0 ? TW_STORE_OK
                        : tw_store_wait_no_longer(groups->store, TW_WAITS_REPEAT, now_ns + longest_ns, more, error);
    if (status == TW_STORE_OK && !tw_store_repeats(groups->store, now_ns, collect, told, error))
        status = error->status;
    for (uint32_t i = 0; i < told->count && status == TW_STORE_OK; i++) {
        struct tw_route_grouping grouping = grouping_of(groups, told->list[i].receiver, told->list[i].group);
        bool again = grouping.groups && grouping.repeat_ns > 0 && is_open(groups->store, &told->list[i]);
        status = tw_store_repeat(groups->store, &told->list[i], again, now_ns, error);
    }
    *more = *more || told->count == REPEATS_MAX;
    free(told);
    return status;
}

enum tw_store_status tw_groups_work(struct tw_groups *groups, int64_t now_ns, bool *made, bool *more,
                                    struct tw_store_error *error)
{
    *made = *more = false;
    enum tw_store_status status = tell_again(groups, now_ns, more, error);
    for (; status == TW_STORE_OK && groups->receiver < groups->receivers->count; groups->receiver++, groups->hash = 0) {
        const char *name = groups->receivers->list[groups->receiver].name;
        struct tw_text receiver = {name, (uint32_t)strlen(name)};
        struct look look = {.groups = groups, .now_ns = now_ns};
        if (!tw_store_groups(groups->store, receiver, groups->hash, look_at, &look, error))
            return error->status;
        status = make(groups, &look, receiver, made, error);
        if (look.looked == LOOK_MAX) {
            *more = true;
            return status;
        }
    }
    groups->receiver = 0;
    groups->hash = 0;
    return status;
}
