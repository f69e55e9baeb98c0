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

/* Whether nobody has it; else `why` says who has, or what became of it. What cannot be read is told, not hidden. */
static bool is_needed(struct tw_store *store, uint64_t n, char why[TW_ANSWER_BYTES_MAX])
{
    struct found found = {.read = false};
    struct tw_store_error error;
    struct tw_case alert;
    if (n == 0 || !tw_store_alerts(store, n - 1, take_id, &found, NULL) || !found.read ||
        !tw_desk_case(store, found.id, &alert, &error))
        return true;
    enum tw_case_state state = tw_case_state_now(&alert);
    const char *by = alert.closed_h != 0 ? alert.closed_by : alert.attended_by;
    snprintf(why, TW_ANSWER_BYTES_MAX, "%s%s%s", tw_case_state_name(state), by[0] != '\0' ? " by " : "", by);
    return state == TW_CASE_OPEN || state == TW_CASE_ESCALATED;
}

enum tw_store_status tw_escalations_work(struct tw_store *store, int64_t now_ns, bool *more,
                                         struct tw_store_error *error)
{
    struct due due = {.count = 0};
    *more = false;
    if (!tw_store_escalations(store, now_ns, collect, &due, error))
        return error->status;
    for (uint32_t i = 0; i < due.count; i++) {
        char why[TW_ANSWER_BYTES_MAX] = "";
        bool needed = is_needed(store, due.list[i].n, why);
        enum tw_store_status status =
            tw_store_escalate(store, &due.list[i], needed, (struct tw_text){why, (uint32_t)strlen(why)}, now_ns, error);
        if (status != TW_STORE_OK)
            return status;
        if (needed)
            tw_log(TW_LOG_INFO, "delivery", "nobody has taken alert %" PRIu64 ": it goes to %.*s, too", due.list[i].n,
                   (int)due.list[i].receiver.length, due.list[i].receiver.bytes);
    }
    *more = due.count == AT_ONCE;
    return TW_STORE_OK;
}
