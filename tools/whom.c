/* SPDX-License-Identifier: MIT */
#include "tools/whom.h"

#include <stdio.h>
#include <string.h>

#include "actors/lifecycle/lifecycle.h"
#include "actors/router/inhibition_actor.h"
#include "actors/runtime/session.h"

void tw_whom_open(const struct tw_cfg *cfg, struct tw_whom *out)
{
    struct tw_session session;
    memset(out, 0, sizeof *out);
    tw_receivers_from(cfg, &out->receivers);
    for (uint32_t i = 0; i < out->receivers.count; i++)
        tw_routing_add(&out->routing, out->receivers.list[i].name, out->receivers.list[i].minimum);
    out->routing.groupable = tw_receivers_groupable(&out->receivers);
    out->routes = tw_routes_from(cfg, out->routing.names, out->routing.count);
    out->silences = tw_silences_new();
    out->inhibitor = tw_inhibitor_from(cfg);
    out->routing.routes = out->routes;
    out->routing.silences = out->silences;
    out->routing.inhibitor = out->inhibitor;
    out->routing.local_seconds = tw_session_local_seconds;
    tw_session_init(&session, tw_cfg_text(cfg, "session/zone"), tw_cfg_integer(cfg, "session/roll"));
}

void tw_whom_close(struct tw_whom *whom)
{
    tw_routes_free(&whom->routes);
    tw_silences_free(&whom->silences);
    tw_inhibitor_free(&whom->inhibitor);
}

/* ---- as things stood ---- */

struct standing {
    struct tw_whom *whom;
    uint64_t n;
    int64_t at_ns;
};

static bool take_action(void *context, const struct tw_store_action *stored)
{
    const struct standing *standing = context;
    struct tw_action_message message;
    if (tw_action_message_decode(stored->bytes, stored->length, &message) && message.at_ns <= standing->at_ns)
        (void)tw_silences_take(standing->whom->silences, &message);
    return true;
}

static void pass(void *context, const struct tw_inhibited *event, const struct tw_inhibition *was_muted)
{
    (void)context, (void)event, (void)was_muted;
}

static bool take_alert(void *context, const struct tw_store_alert *stored)
{
    const struct standing *standing = context;
    struct tw_alert_view view;
    uint8_t id[TW_ALERT_ID_BYTES];
    struct tw_inhibited event = {.n = stored->n, .id = id};
    if (stored->n >= standing->n)
        return false;
    if (tw_alert_decode(stored->bytes, stored->length, &view) && tw_alert_id_read(view.id, id) &&
        tw_inhibition_facts(&view, &event.facts)) {
        struct tw_inhibition muted = tw_inhibitor_mutes(standing->whom->inhibitor, &event);
        tw_inhibitor_take(standing->whom->inhibitor, &event, &muted, pass, NULL);
    }
    return true;
}

bool tw_whom_stand(struct tw_whom *whom, struct tw_store *store, uint64_t n, int64_t at_ns,
                   struct tw_store_error *error)
{
    struct standing standing = {whom, n, at_ns};
    return tw_store_actions(store, 0, take_action, &standing, error) &&
           (whom->inhibitor == NULL || tw_store_alerts(store, 0, take_alert, &standing, error));
}

/* ---- deciding ---- */

/* As `out->muted` says. */
static void decide(const struct tw_whom *whom, const struct tw_inhibited *event, int64_t at_ns,
                   struct tw_whom_verdict *out)
{
    out->receivers = out->meant = tw_routing_decide(&whom->routing, &event->facts, &out->later);
    if (out->muted.rule == NULL && (out->meant | out->later.receivers) != 0)
        out->silence = tw_routing_silence(&whom->routing, &event->facts, at_ns);
    if (out->muted.rule != NULL || out->silence != 0)
        out->receivers = out->later.receivers = 0;
    out->group_count = tw_routing_groups(&whom->routing, &event->facts, out->receivers, out->groups);
}

void tw_whom_decide(const struct tw_whom *whom, const struct tw_inhibited *event, int64_t at_ns,
                    struct tw_whom_verdict *out)
{
    memset(out, 0, sizeof *out);
    if (whom->inhibitor != NULL)
        out->muted = tw_inhibitor_mutes(whom->inhibitor, event);
    decide(whom, event, at_ns, out);
}

void tw_whom_decide_released(const struct tw_whom *whom, const struct tw_inhibited *event, int64_t at_ns,
                             struct tw_whom_verdict *out)
{
    memset(out, 0, sizeof *out);
    decide(whom, event, at_ns, out);
}

const struct tw_route_group *tw_whom_group(const struct tw_whom_verdict *verdict, uint32_t receiver)
{
    for (uint32_t i = 0; i < verdict->group_count; i++)
        if ((verdict->groups[i].receivers >> receiver & 1u) != 0)
            return &verdict->groups[i];
    return NULL;
}

/* ---- what came of an escalation ---- */

struct recorded {
    const uint8_t *id;
    uint64_t n;
    int64_t detected_ns, at_ns;
    struct tw_case alert;
};

static bool take_detected(void *context, const struct tw_store_alert *stored)
{
    struct recorded *recorded = context;
    struct tw_alert_view view;
    uint8_t id[TW_ALERT_ID_BYTES];
    if (stored->n == recorded->n && tw_alert_decode(stored->bytes, stored->length, &view) &&
        tw_alert_id_read(view.id, id) && memcmp(id, recorded->id, sizeof id) == 0)
        recorded->detected_ns = view.detected_at_ns;
    return false;
}

int64_t tw_whom_detected(struct tw_store *store, uint64_t n, const uint8_t id[TW_ALERT_ID_BYTES])
{
    struct recorded recorded = {.id = id, .n = n};
    if (n <= tw_store_last_alert(store))
        (void)tw_store_alerts(store, n - 1, take_detected, &recorded, NULL);
    return recorded.detected_ns;
}

static bool take_event(void *context, const struct tw_store_alert *stored)
{
    struct recorded *recorded = context;
    struct tw_alert_view view;
    if (!tw_alert_decode(stored->bytes, stored->length, &view) || view.detected_at_ns > recorded->at_ns)
        return false;
    tw_case_take_event(&recorded->alert, &view);
    return true;
}

static bool take_what_was_done(void *context, const struct tw_store_action *stored)
{
    struct recorded *recorded = context;
    struct tw_action_message message;
    if (!tw_action_message_decode(stored->bytes, stored->length, &message) || message.at_ns > recorded->at_ns)
        return false;
    tw_case_take_action(&recorded->alert, &message);
    return true;
}

bool tw_whom_needed(struct tw_store *store, const uint8_t id[TW_ALERT_ID_BYTES], int64_t at_ns, char why[160])
{
    struct recorded recorded = {.id = id, .at_ns = at_ns};
    why[0] = '\0';
    if (!tw_store_events_of(store, id, take_event, &recorded, NULL) ||
        !tw_store_actions_of(store, id, take_what_was_done, &recorded, NULL))
        return true; /* what cannot be read is told, not hidden */
    enum tw_case_state state = tw_case_state_now(&recorded.alert);
    const char *by = recorded.alert.closed_h != 0 ? recorded.alert.closed_by : recorded.alert.attended_by;
    snprintf(why, 160, "%s%s%s", tw_case_state_name(state), by[0] != '\0' ? " by " : "", by);
    return state == TW_CASE_OPEN || state == TW_CASE_ESCALATED;
}
