/* SPDX-License-Identifier: MIT */
#include "actors/delivery/orphans_actor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "actors/runtime/log.h"

struct orphans {
    const struct tw_receivers *receivers;
    char name[TW_RECEIVER_BYTES_MAX + 1];
    uint64_t count;
};

static void say_orphan(const struct orphans *orphans)
{
    if (orphans->count > 0)
        tw_log(TW_LOG_WARNING, "delivery", "%" PRIu64 " deliveries wait for %s, which is not configured",
               orphans->count, orphans->name);
}

static bool count_of(struct orphans *orphans, struct tw_text receiver)
{
    char name[TW_RECEIVER_BYTES_MAX + 1];
    snprintf(name, sizeof name, "%.*s", (int)receiver.length, receiver.bytes);
    for (uint32_t i = 0; i < orphans->receivers->count; i++)
        if (strcmp(orphans->receivers->list[i].name, name) == 0)
            return true;
    if (strcmp(name, orphans->name) != 0) {
        say_orphan(orphans);
        memcpy(orphans->name, name, sizeof name);
        orphans->count = 0;
    }
    orphans->count++;
    return true;
}

static bool count_orphan(void *context, const struct tw_store_delivery *delivery)
{
    return count_of(context, delivery->receiver);
}

static bool count_waiting(void *context, const struct tw_store_waiting *waiting)
{
    return count_of(context, waiting->receiver);
}

void tw_orphans_say(struct tw_store *store, const struct tw_receivers *receivers)
{
    const struct tw_text all = {NULL, 0};
    struct orphans pending = {.receivers = receivers}, waiting = {.receivers = receivers};
    if (tw_store_deliveries(store, TW_DELIVERY_PENDING, all, 0, count_orphan, &pending, NULL))
        say_orphan(&pending);
    if (tw_store_waiting(store, all, 0, 0, count_waiting, &waiting, NULL))
        say_orphan(&waiting);
}
