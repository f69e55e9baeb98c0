/* SPDX-License-Identifier: MIT
 *
 * Alerts on their way to the store: one batch for a record.
 */
#include <stdlib.h>
#include <string.h>

#include "actors/router/router_actor.h"
#include "actors/runtime/log.h"
#include "protocol/check.h"

/* To whom it goes, unless a silence hides it from them. */
static void decide(const struct tw_routing *routing, const struct tw_router_alert *alert, struct tw_store_alert *stored)
{
    const struct tw_routing_facts facts = {alert->rule,        alert->severity, alert->kind,
                                           alert->entity_type, alert->entity,   alert->ts_ns};
    struct tw_route_escalation later;
    stored->receivers = tw_routing_decide(routing, &facts, &later);
    stored->later_receivers = later.receivers;
    stored->later_ns = later.after_ns;
    if ((stored->receivers | later.receivers) != 0 && routing->silences != NULL &&
        tw_silences_count(routing->silences) > 0)
        stored->silence = tw_routing_silence(routing, &facts, tw_wall_ns());
    if (stored->silence != 0)
        stored->receivers = stored->later_receivers = 0;
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
        decide(batch->routing, alert, stored);
    memcpy(stored->digest, alert->digest, sizeof stored->digest);
    memcpy(stored->record_digest, alert->record_digest, sizeof stored->record_digest);
    batch->topic_lengths[batch->count++] = alert->topic_length;
    tw_buffer_append(&batch->topics, alert->topic, alert->topic_length);
    tw_buffer_append(&batch->bytes, alert->bytes, alert->length);
}

void tw_alert_batch_clear(struct tw_alert_batch *batch)
{
    batch->count = 0;
    batch->bytes.length = batch->topics.length = 0;
}

void tw_alert_batch_free(struct tw_alert_batch *batch)
{
    free(batch->list);
    free(batch->topic_lengths);
    tw_buffer_free(&batch->bytes);
    tw_buffer_free(&batch->topics);
    memset(batch, 0, sizeof *batch);
}

enum tw_store_status tw_alert_batch_store(struct tw_alert_batch *batch, struct tw_store *store,
                                          struct tw_store_error *error)
{
    size_t at = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        uint8_t *bytes = batch->bytes.bytes + at;
        tw_alert_set_detected_at(bytes, batch->list[i].length, batch->detected_at_ns);
        batch->list[i].bytes = bytes;
        batch->list[i].queued_ns = batch->detected_at_ns;
        at += batch->list[i].length;
    }
    return batch->count == 0 ? TW_STORE_OK : tw_store_put_alerts(store, batch->list, batch->count, error);
}
