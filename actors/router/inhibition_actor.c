/* SPDX-License-Identifier: MIT */
#include "actors/router/inhibition_actor.h"

#include <string.h>

#include "actors/runtime/log.h"
#include "protocol/check.h"

void tw_inhibitor_keep(struct tw_inhibitor *inhibitor, struct tw_store *store)
{
    struct tw_buffer bytes = {0};
    struct tw_store_error error;
    if (tw_inhibitor_last(inhibitor) != tw_store_last_alert(store))
        return;
    tw_inhibitor_save(inhibitor, &bytes);
    if (tw_store_put_inhibitor(store, bytes.bytes, bytes.length, &error) == TW_STORE_FAILED)
        tw_log(TW_LOG_WARNING, "router", "%s; the next start looks at more alerts", error.text);
    tw_buffer_free(&bytes);
}

/* ---- a stored alert ---- */

#define FIND(type, none, name_of, count)                                                                               \
    static bool find_##type(struct tw_text word, enum tw_##type *out)                                                  \
    {                                                                                                                  \
        for (int i = none; i < (count); i++)                                                                           \
            if (tw_text_is(word, name_of((enum tw_##type)i))) {                                                        \
                *out = (enum tw_##type)i;                                                                              \
                return true;                                                                                           \
            }                                                                                                          \
        return false;                                                                                                  \
    }
FIND(rule, 0, tw_rule_type, TW_RULE_COUNT)
FIND(severity, TW_SEVERITY_LOW, tw_severity_name, TW_SEVERITY_CRITICAL + 1)
FIND(event_kind, 0, tw_event_name, TW_EVENT_RETRACT + 1)
FIND(entity_type, 0, tw_entity_type_name, TW_ENTITY_SYSTEM + 1)

bool tw_inhibition_facts(const struct tw_alert_view *view, struct tw_routing_facts *out)
{
    out->entity = view->entity;
    out->ts_ns = view->ts_ns;
    out->publisher = tw_alert_publisher(view);
    return find_rule(view->type, &out->rule) && find_severity(view->severity, &out->severity) &&
           find_event_kind(view->event, &out->kind) && find_entity_type(view->entity_type, &out->entity_type);
}

/* ---- a start ---- */

/* The alerts behind the state, each with what was recorded of it; the next row of what was muted is looked ahead for.
 */
struct catching_up {
    struct tw_inhibitor *inhibitor;
    struct tw_store *store;
    struct tw_store_error *error;
    uint64_t next_muted, by; /* UINT64_MAX: none follows */
    char rule[TW_RECEIVER_BYTES_MAX + 1];
    bool ok;
};

static bool look_ahead(void *context, const struct tw_store_muted *muted)
{
    struct catching_up *catching_up = context;
    catching_up->next_muted = muted->n;
    catching_up->by = muted->by;
    memcpy(catching_up->rule, muted->rule.bytes, muted->rule.length);
    catching_up->rule[muted->rule.length] = '\0';
    return false;
}

/* It is recorded with the event that releases it, and by the alerts before there is no other. */
static void pass_release(void *context, const struct tw_inhibited *event, const struct tw_inhibition *was_muted)
{
    (void)context, (void)event, (void)was_muted;
}

static bool take_stored(void *context, const struct tw_store_alert *stored)
{
    struct catching_up *catching_up = context;
    struct tw_alert_view view;
    uint8_t id[TW_ALERT_ID_BYTES];
    struct tw_inhibited event = {.n = stored->n, .id = id};
    struct tw_inhibition muted = {NULL, 0};
    if (catching_up->next_muted < stored->n) {
        catching_up->next_muted = UINT64_MAX;
        catching_up->ok =
            tw_store_muted(catching_up->store, stored->n - 1, look_ahead, catching_up, catching_up->error);
    }
    if (catching_up->next_muted == stored->n)
        muted = (struct tw_inhibition){catching_up->rule, catching_up->by};
    if (catching_up->ok && tw_alert_decode(stored->bytes, stored->length, &view) && tw_alert_id_read(view.id, id) &&
        tw_inhibition_facts(&view, &event.facts)) /* a rule of a later version mutes nothing here */
        tw_inhibitor_take(catching_up->inhibitor, &event, &muted, pass_release, NULL);
    return catching_up->ok;
}

static void load(const struct tw_cfg *cfg, const struct tw_buffer *bytes, uint64_t last, struct tw_inhibitor **out)
{
    if (bytes->length > 0 && tw_inhibitor_load(*out, bytes->bytes, bytes->length) && tw_inhibitor_last(*out) <= last)
        return;
    tw_inhibitor_free(out);
    *out = tw_inhibitor_from(cfg);
}

bool tw_inhibitor_restore(const struct tw_cfg *cfg, struct tw_store *store, struct tw_inhibitor **out,
                          struct tw_store_error *error)
{
    struct tw_buffer bytes = {0};
    *out = tw_inhibitor_from(cfg);
    if (*out == NULL)
        return true;
    bool ok = tw_store_inhibitor(store, &bytes, error);
    if (ok)
        load(cfg, &bytes, tw_store_last_alert(store), out);
    tw_buffer_free(&bytes);
    struct catching_up catching_up = {.inhibitor = *out, .store = store, .error = error, .ok = true};
    return ok && tw_store_alerts(store, tw_inhibitor_last(*out), take_stored, &catching_up, error) && catching_up.ok;
}
