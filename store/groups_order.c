/* SPDX-License-Identifier: MIT
 *
 * Which of an alert's events a group's message may have, when others of them go by themselves: those up to the first of
 * these that has not gone yet. Later ones wait for the next message.
 */
#include <stdlib.h>

#include "store/groups.h"

#define READS_MAX 1024u /* of alerts' records for a message; what is behind them counts as of the same alert */

struct between {
    struct tw_store *store;
    const uint8_t *id;
    uint64_t until;
    uint32_t *reads;
    bool found;
};

static bool is_its_own(void *context, const struct tw_store_alert *alert)
{
    struct between *between = context;
    uint8_t id[TW_ALERT_ID_BYTES];
    between->found = tw_alert_id_of(alert->bytes, alert->length, id) && memcmp(id, between->id, TW_ALERT_ID_BYTES) == 0;
    return false;
}

/* An alert that cannot be read is nobody's. */
static bool look_at(void *context, const struct tw_store_delivery *pending)
{
    struct between *between = context;
    if (pending->n >= between->until)
        return false;
    if (pending->group.length > 0)
        return true;
    between->found = *between->reads == 0;
    if (*between->reads > 0) {
        --*between->reads;
        (void)tw_store_alerts(between->store, pending->n - 1, is_its_own, between, NULL);
    }
    return !between->found;
}

static int compare_alerts(const void *left, const void *right)
{
    const struct tw_store_waiting *a = left, *b = right;
    int order = memcmp(a->id, b->id, sizeof a->id);
    return order != 0 ? order : a->n < b->n ? -1 : a->n > b->n;
}

bool tw_groups_leave_later(struct tw_store *store, struct tw_text receiver, struct tw_store_waiting *list,
                           uint32_t *count, struct tw_store_error *error)
{
    uint32_t reads = READS_MAX, kept = 0;
    struct between between = {.store = store, .reads = &reads};
    bool ok = true;
    qsort(list, *count, sizeof *list, compare_alerts);
    for (uint32_t i = 0; ok && i < *count; i++) {
        const struct tw_store_waiting it = list[i];
        bool is_next = kept > 0 && memcmp(list[kept - 1].id, it.id, sizeof it.id) == 0;
        if (!is_next) {
            between.found = false;
        } else if (!between.found) {
            between.id = it.id;
            between.until = it.n;
            ok = tw_store_deliveries(store, TW_DELIVERY_PENDING, receiver, list[kept - 1].n, look_at, &between, error);
        }
        if (!between.found)
            list[kept++] = it;
    }
    *count = kept;
    return ok;
}
