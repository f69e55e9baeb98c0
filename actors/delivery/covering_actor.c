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
    uint64_t until;
    bool ok;
    struct tw_store_error *error;
};

static bool cover(void *context, const struct tw_store_delivery *delivery)
{
    struct walk *walk = context;
    if (delivery->n > walk->until || walk->covering->count >= TW_DIGEST_ALERTS_MAX)
        return false;
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

bool tw_covering_pending(struct tw_store *store, struct tw_text receiver, uint64_t until, struct tw_covering *out,
                         struct tw_store_error *error)
{
    struct walk walk = {store, out, until, true, error};
    bool ok = tw_store_deliveries(store, TW_DELIVERY_PENDING, receiver, 0, cover, &walk, error) && walk.ok;
    if (out->count > 0)
        qsort(out->list, out->count, sizeof out->list[0], compare);
    return ok;
}
