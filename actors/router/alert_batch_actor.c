/* SPDX-License-Identifier: MIT
 *
 * Alerts on their way to the store, with who is told of them.
 */
#include <stdlib.h>
#include <string.h>

#include "actors/router/inhibition_actor.h"
#include "actors/router/router_actor.h"
#include "actors/runtime/log.h"
#include "protocol/check.h"

/* To whom it goes, unless it is muted or a silence hides it from them. */
static void decide(const struct tw_routing *routing, const struct tw_routing_facts *facts,
                   struct tw_store_alert *stored)
{
    struct tw_route_escalation later;
    stored->receivers = tw_routing_decide(routing, facts, &later);
    stored->later_receivers = later.receivers;
    stored->later_ns = later.after_ns;
    if ((stored->receivers | later.receivers) != 0 && routing->silences != NULL &&
        tw_silences_count(routing->silences) > 0)
        stored->silence = tw_routing_silence(routing, facts, tw_wall_ns());
    if (stored->silence != 0)
        stored->receivers = stored->later_receivers = 0;
}

/* Who gets it in groups; freed with the batch. */
static void group(const struct tw_routing *routing, const struct tw_routing_facts *facts, struct tw_store_alert *stored)
{
    struct tw_route_group groups[TW_RECEIVERS_MAX];
    uint32_t count = tw_routing_groups(routing, facts, stored->receivers, groups);
    if (count == 0)
        return;
    struct tw_store_group *list = tw_alloc_zero(count, sizeof *list);
    for (uint32_t i = 0; i < count; i++) {
        list[i].receivers = groups[i].receivers;
        list[i].length = groups[i].length;
        memcpy(list[i].name, groups[i].name, groups[i].length);
    }
    stored->groups = list;
    stored->group_count = count;
}

static void free_groups(struct tw_store_alert *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        free((void *)(uintptr_t)list[i].groups);
}

static struct tw_text text_of(const char *text)
{
    return (struct tw_text){text, (uint32_t)strlen(text)};
}

/* An earlier event that nothing mutes any longer. */
struct releasing {
    struct tw_alert_batch *batch;
    uint64_t n; /* of the event with which it is told */
};
static void release(void *context, const struct tw_inhibited *event, const struct tw_inhibition *was_muted)
{
    const struct releasing *releasing = context;
    struct tw_alert_batch *batch = releasing->batch;
    if (batch->released_count == batch->released_capacity) {
        batch->released_capacity = batch->released_capacity == 0 ? 16 : batch->released_capacity * 2;
        batch->released = tw_realloc(batch->released, batch->released_capacity * sizeof *batch->released);
    }
    struct tw_store_alert *stored = &batch->released[batch->released_count++];
    *stored = (struct tw_store_alert){
        .n = event->n, .muted_rule = text_of(was_muted->rule), .muted_by = was_muted->by, .muted_told = releasing->n};
    memcpy(stored->id, event->id, sizeof stored->id);
    decide(batch->routing, &event->facts, stored);
    group(batch->routing, &event->facts, stored);
}

static void inhibit(struct tw_alert_batch *batch, const struct tw_inhibited *event, struct tw_store_alert *stored)
{
    struct tw_inhibitor *inhibitor = batch->routing->inhibitor;
    struct releasing releasing = {batch, event->n};
    struct tw_inhibition muted = tw_inhibitor_mutes(inhibitor, event);
    uint32_t before = batch->released_count;
    if (muted.rule != NULL) {
        stored->muted_rule = text_of(muted.rule);
        stored->muted_by = muted.by;
        stored->silence = 0;
        stored->receivers = stored->later_receivers = 0;
    }
    tw_inhibitor_take(inhibitor, event, &muted, release, &releasing);
    stored->released_count = batch->released_count - before;
}

static void route(struct tw_alert_batch *batch, const struct tw_router_alert *alert, struct tw_store_alert *stored)
{
    const struct tw_inhibited event = {
        alert->n,
        alert->id,
        {alert->rule, alert->severity, alert->kind, alert->entity_type, alert->entity, alert->ts_ns, alert->publisher}};
    decide(batch->routing, &event.facts, stored);
    if (batch->routing->inhibitor != NULL)
        inhibit(batch, &event, stored);
    memcpy(stored->id, alert->id, sizeof stored->id);
    group(batch->routing, &event.facts, stored);
}

void tw_alert_batch_add(struct tw_alert_batch *batch, const struct tw_router_alert *alert)
{
    if (batch->count == batch->capacity) {
        batch->capacity = batch->capacity == 0 ? 64 : batch->capacity * 2;
        batch->list = tw_realloc(batch->list, batch->capacity * sizeof *batch->list);
        batch->topic_lengths = tw_realloc(batch->topic_lengths, batch->capacity * sizeof *batch->topic_lengths);
    }
    struct tw_store_alert *stored = &batch->list[batch->count];
    *stored = (struct tw_store_alert){.n = alert->n, .length = alert->length};
    if (batch->routing != NULL)
        route(batch, alert, stored);
    memcpy(stored->digest, alert->digest, sizeof stored->digest);
    memcpy(stored->record_digest, alert->record_digest, sizeof stored->record_digest);
    batch->topic_lengths[batch->count++] = alert->topic_length;
    tw_buffer_append(&batch->topics, alert->topic, alert->topic_length);
    tw_buffer_append(&batch->bytes, alert->bytes, alert->length);
}

void tw_alert_batch_clear(struct tw_alert_batch *batch)
{
    free_groups(batch->list, batch->count);
    free_groups(batch->released, batch->released_count);
    batch->count = batch->released_count = 0;
    batch->bytes.length = batch->topics.length = 0;
}

void tw_alert_batch_free(struct tw_alert_batch *batch)
{
    tw_alert_batch_clear(batch);
    free(batch->list);
    free(batch->released);
    free(batch->topic_lengths);
    tw_buffer_free(&batch->bytes);
    tw_buffer_free(&batch->topics);
    memset(batch, 0, sizeof *batch);
}

/* Makes those ready that are not stored yet; how many are. */
static uint32_t prepare(struct tw_alert_batch *batch, uint64_t last_stored)
{
    const struct tw_store_alert *released = batch->released;
    uint32_t stored = 0;
    size_t at = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        struct tw_store_alert *alert = &batch->list[i];
        uint8_t *bytes = batch->bytes.bytes + at;
        alert->bytes = bytes;
        alert->released = released;
        released += alert->released_count;
        at += alert->length;
        if (alert->n <= last_stored) { /* they stay as they were stored */
            stored = i + 1;
            continue;
        }
        tw_alert_set_detected_at(bytes, alert->length, batch->detected_at_ns);
        alert->queued_ns = batch->detected_at_ns;
    }
    return stored;
}

/* A write of thousands of rows holds up the journal's behind it: so they go some at a time, the journal's between. */
enum tw_store_status tw_alert_batch_store(struct tw_alert_batch *batch, struct tw_store *store,
                                          struct tw_store_error *error)
{
    enum tw_store_status status = TW_STORE_OK;
    uint32_t stored = prepare(batch, tw_store_last_alert(store));
    while (status == TW_STORE_OK && stored < batch->count) {
        uint32_t left = batch->count - stored;
        uint32_t count = left < TW_ALERTS_WRITTEN_MAX ? left : TW_ALERTS_WRITTEN_MAX;
        status = tw_store_put_alerts(store, batch->list + stored, count, error);
        stored += count;
    }
    if (status == TW_STORE_OK && batch->count > 0 && batch->routing != NULL && batch->routing->inhibitor != NULL &&
        tw_inhibitor_wants_save(batch->routing->inhibitor))
        tw_inhibitor_keep(batch->routing->inhibitor, store);
    return status;
}
