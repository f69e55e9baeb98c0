/* SPDX-License-Identifier: MIT */
#include "actors/delivery/escalation_actor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "actors/lifecycle/desk_actor.h"
#include "actors/runtime/log.h"

#define AT_ONCE 128u /* of some hundred microseconds each */

struct due {
    struct tw_store_escalation list[AT_ONCE];
    char receivers[AT_ONCE][TW_RECEIVER_BYTES_MAX];
    uint32_t count;
};

static bool collect(void *context, const struct tw_store_escalation *escalation)
{
    struct due *due = context;
    struct tw_store_escalation *kept = &due->list[due->count];
    *kept = *escalation;
    memcpy(due->receivers[due->count], escalation->receiver.bytes, escalation->receiver.length);
    kept->receiver.bytes = due->receivers[due->count];
    return ++due->count < AT_ONCE;
}

struct found {
    uint8_t id[TW_ALERT_ID_BYTES];
    bool read;
};

static bool take_id(void *context, const struct tw_store_alert *alert)
{
    struct found *found = context;
    found->read = tw_alert_id_of(alert->bytes, alert->length, found->id);
    return false;
}

static bool take_first(void *context, const struct tw_store_delivery *delivery)
{
    *(uint64_t *)context = delivery->n;
    return false;
}

/* Event n, or an older one of the alert, is pending or waits in a group. */
static bool is_on_its_way(struct tw_store *store, struct tw_text receiver, const uint8_t id[TW_ALERT_ID_BYTES],
                          uint64_t n)
{
    struct tw_store_waiting elder;
    struct tw_store_error error;
    uint64_t first = 0;
    return (tw_store_deliveries(store, TW_DELIVERY_PENDING, receiver, n - 1, take_first, &first, &error) &&
            first == n) ||
           (tw_store_elder(store, receiver, id, n + 1, n, &elder, &error) && elder.n != 0);
}

/* Whether nobody has it, and n of what is told then; else `why` says who has, or what became of it. What cannot be read
 * is told, not hidden. */
static bool is_needed(struct tw_store *store, const struct tw_store_escalation *it, uint64_t *tell,
                      char why[TW_ANSWER_BYTES_MAX])
{
    struct found found = {.read = false};
    struct tw_store_error error;
    struct tw_case alert;
    *tell = it->n;
    if (it->n == 0 || !tw_store_alerts(store, it->n - 1, take_id, &found, NULL) || !found.read ||
        !tw_desk_case(store, found.id, &alert, &error))
        return true;
    enum tw_case_state state = tw_case_state_now(&alert);
    const char *by = alert.closed_h != 0 ? alert.closed_by : alert.attended_by;
    snprintf(why, TW_ANSWER_BYTES_MAX, "%s%s%s", tw_case_state_name(state), by[0] != '\0' ? " by " : "", by);
    if (state != TW_CASE_OPEN && state != TW_CASE_ESCALATED)
        return false;
    /* It may have grown since, which they were perhaps told at once: what it was comes no more. */
    uint64_t newest = tw_desk_newest_told(store, found.id);
    if (newest <= it->n)
        return true;
    *tell = newest;
    snprintf(why, TW_ANSWER_BYTES_MAX, "alert %" PRIu64 " is on its way", newest);
    return !is_on_its_way(store, it->receiver, found.id, newest);
}

enum tw_store_status tw_escalations_work(struct tw_store *store, const struct tw_routes *routes, int64_t now_ns,
                                         bool *more, struct tw_store_error *error)
{
    struct due due = {.count = 0};
    int64_t longest_ns = tw_routes_longest(routes).escalation_ns;
    *more = false;
    if (longest_ns > 0) {
        enum tw_store_status status =
            tw_store_wait_no_longer(store, TW_WAITS_ESCALATION, now_ns + longest_ns, more, error);
        if (status != TW_STORE_OK)
            return status;
    }
    if (!tw_store_escalations(store, now_ns, collect, &due, error))
        return error->status;
    for (uint32_t i = 0; i < due.count; i++) {
        char why[TW_ANSWER_BYTES_MAX] = "";
        uint64_t tell = 0;
        bool needed = is_needed(store, &due.list[i], &tell, why);
        enum tw_store_status status = tw_store_escalate(store, &due.list[i], needed ? tell : 0,
                                                        (struct tw_text){why, (uint32_t)strlen(why)}, now_ns, error);
        if (status != TW_STORE_OK)
            return status;
        if (needed)
            tw_log(TW_LOG_INFO, "delivery", "nobody has taken alert %" PRIu64 ": it goes to %.*s, too", due.list[i].n,
                   (int)due.list[i].receiver.length, due.list[i].receiver.bytes);
    }
    *more = *more || due.count == AT_ONCE;
    return TW_STORE_OK;
}
