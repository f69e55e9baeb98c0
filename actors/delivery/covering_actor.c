/* SPDX-License-Identifier: MIT */
#include "actors/delivery/covering_actor.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"

static struct tw_covered *add(struct tw_covering *covering)
{
    if (covering->count == covering->capacity) {
        covering->capacity = covering->capacity == 0 ? 16 : covering->capacity * 2;
        covering->list = tw_realloc(covering->list, covering->capacity * sizeof *covering->list);
    }
    struct tw_covered *it = &covering->list[covering->count++];
    memset(it, 0, sizeof *it);
    return it;
}

void tw_covering_free(struct tw_covering *covering)
{
    free(covering->list);
    *covering = (struct tw_covering){.list = NULL};
}

static bool add_member(void *context, const struct tw_store_waiting *member)
{
    struct tw_covered *it = add(context);
    it->n = member->n;
    it->lead = member->hash; /* a member's key has it in the hash's place */
    it->queued_ns = member->queued_ns;
    it->repeat = member->repeat;
    it->group_length = member->group.length;
    memcpy(it->id, member->id, sizeof it->id);
    memcpy(it->group, member->group.bytes, member->group.length);
    return true;
}

bool tw_covering_group(struct tw_store *store, struct tw_text receiver, uint64_t lead, struct tw_covering *out,
                       struct tw_store_error *error)
{
    return tw_store_members(store, receiver, lead, add_member, out, error);
}

struct walk {
    struct tw_store *store;
    struct tw_covering *covering;
    uint64_t until, last; /* n of the last pending row among them */
    bool ok;
    struct tw_store_error *error;
};

static bool cover(void *context, const struct tw_store_delivery *delivery)
{
    struct walk *walk = context;
    if (delivery->n > walk->until || walk->covering->count >= TW_DIGEST_ALERTS_MAX)
        return false;
    walk->last = delivery->n;
    if (delivery->group.length > 0) {
        walk->ok = tw_covering_group(walk->store, delivery->receiver, delivery->n, walk->covering, walk->error);
        return walk->ok;
    }
    struct tw_covered *it = add(walk->covering);
    it->n = delivery->n;
    it->queued_ns = delivery->queued_ns;
    return true;
}

static int compare(const void *left, const void *right)
{
    const struct tw_covered *a = left, *b = right;
    return a->n < b->n ? -1 : a->n > b->n;
}

struct ids {
    struct tw_covering *covering;
    uint32_t next;
};
static bool take_id(void *context, const struct tw_store_alert *alert)
{
    struct ids *ids = context;
    struct tw_covering *covering = ids->covering;
    while (ids->next < covering->count && covering->list[ids->next].n < alert->n)
        ids->next++;
    if (ids->next == covering->count)
        return false;
    struct tw_covered *it = &covering->list[ids->next];
    if (it->n == alert->n && it->lead == 0)
        (void)tw_alert_id_of(alert->bytes, alert->length, it->id);
    return true;
}

/* An older event of the same alert that waits in a group, or in a message behind these, is to go first. An alert that
 * cannot be read goes. */
static bool leave_out(struct walk *walk, struct tw_text receiver)
{
    struct tw_covering *covering = walk->covering;
    struct ids ids = {covering, 0};
    uint32_t kept = 0;
    (void)tw_store_alerts(walk->store, covering->list[0].n - 1, take_id, &ids, NULL);
    for (uint32_t i = 0; i < covering->count; i++) {
        const struct tw_covered it = covering->list[i];
        struct tw_store_waiting elder = {.n = 0};
        if (it.lead == 0 && !tw_store_elder(walk->store, receiver, it.id, it.n, walk->last, &elder, walk->error))
            return false;
        if (elder.n == 0)
            covering->list[kept++] = it;
    }
    covering->count = kept;
    return true;
}

bool tw_covering_pending(struct tw_store *store, struct tw_text receiver, uint64_t until, bool groups,
                         struct tw_covering *out, struct tw_store_error *error)
{
    struct walk walk = {store, out, until, 0, true, error};
    bool ok = tw_store_deliveries(store, TW_DELIVERY_PENDING, receiver, 0, cover, &walk, error) && walk.ok;
    if (out->count > 0)
        qsort(out->list, out->count, sizeof out->list[0], compare);
    return ok && (!groups || out->count == 0 || leave_out(&walk, receiver));
}
