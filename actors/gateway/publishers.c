/* SPDX-License-Identifier: MIT
 *
 * Publishers and their incarnations. An incarnation is a source: a name with a tag in the dictionary, a position, and
 * what was refused of it. A publisher has one current source; a higher incarnation takes its place by a FENCE record.
 */
#include "actors/gateway/inside.h"

#include <stdlib.h>

struct tw_text tw_gateway_publisher_name(const struct tw_gateway *gateway, const struct tw_publisher *publisher)
{
    return tw_dictionary_name(gateway->publishers_by_name, publisher->id);
}

/* Room for one more in a dictionary of names that send; what the log holds already has it. */
static bool has_room(const struct tw_gateway *gateway, const struct tw_dictionary *dictionary, struct tw_text name)
{
    uint32_t kept = name.bytes[0] == '_' ? 0 : TW_GATEWAY_SOURCES_KEPT;
    return !gateway->started || tw_dictionary_count(dictionary) + kept < gateway->settings.sources_max;
}

struct tw_publisher *tw_gateway_known(const struct tw_gateway *gateway, struct tw_text name)
{
    uint32_t id = tw_dictionary_find(gateway->publishers_by_name, name, 0);
    return id == 0 ? NULL : gateway->publishers[id];
}

struct tw_publisher *tw_gateway_publisher(struct tw_gateway *gateway, struct tw_text name)
{
    bool added = false;
    struct tw_publisher *known = tw_gateway_known(gateway, name);
    if (known != NULL)
        return known;
    if (!has_room(gateway, gateway->publishers_by_name, name) || !has_room(gateway, gateway->sources_by_name, name))
        return NULL;
    uint32_t id = tw_dictionary_intern(gateway->publishers_by_name, name, 0, &added);
    if (id == 0)
        return NULL;
    gateway->publishers =
        tw_gateway_grow(gateway->publishers, id, &gateway->publisher_capacity, sizeof(struct tw_publisher *));
    struct tw_publisher *publisher = tw_alloc_zero(1, sizeof *publisher);
    publisher->id = id;
    gateway->publishers[id] = publisher;
    return publisher;
}

struct tw_source *tw_gateway_source(struct tw_gateway *gateway, struct tw_publisher *publisher, uint32_t incarnation,
                                    bool *added)
{
    struct tw_text name = tw_gateway_publisher_name(gateway, publisher);
    uint32_t id = tw_dictionary_find(gateway->sources_by_name, name, incarnation);
    *added = false;
    if (id != 0)
        return gateway->sources[id];
    if (!has_room(gateway, gateway->sources_by_name, name))
        return NULL;
    id = tw_dictionary_intern(gateway->sources_by_name, name, incarnation, added);
    if (id == 0)
        return NULL;
    gateway->sources = tw_gateway_grow(gateway->sources, id, &gateway->source_capacity, sizeof(struct tw_source *));
    struct tw_source *source = tw_alloc_zero(1, sizeof *source);
    source->id = id;
    source->publisher = publisher->id;
    source->incarnation = incarnation;
    source->next = 1;
    gateway->sources[id] = source;
    if (gateway->started) { /* otherwise the log itself just told us */
        tw_gateway_note_name(gateway, TW_NAME_SOURCE, id, incarnation,
                             tw_dictionary_name(gateway->sources_by_name, id));
        tw_gateway_note_position(gateway, source);
    }
    return source;
}

/* A new name that pushes needs no record: its source's name says so. */
static void settle_lane(struct tw_gateway *gateway, struct tw_publisher *publisher, enum tw_lane lane)
{
    publisher->speaks = lane == TW_LANE_FEED ? TW_SPEAKS_BY_FEED : TW_SPEAKS_BY_PUSH;
    if (lane == TW_LANE_FEED || publisher->source != 0)
        tw_gateway_stage_control(gateway, (struct tw_control){.kind = TW_CONTROL_LANE,
                                                              .number = lane == TW_LANE_FEED,
                                                              .text = tw_gateway_publisher_name(gateway, publisher)});
}

bool tw_gateway_may_speak(struct tw_gateway *gateway, struct tw_publisher *publisher, enum tw_lane lane)
{
    if (publisher->speaks == TW_SPEAKS_UNKNOWN)
        settle_lane(gateway, publisher, lane);
    return publisher->speaks == (lane == TW_LANE_FEED ? TW_SPEAKS_BY_FEED : TW_SPEAKS_BY_PUSH);
}

/* What only the current incarnation needs. */
static void retire(struct tw_source *source)
{
    free(source->known);
    source->known = NULL;
    source->known_count = source->known_capacity = source->known_first = 0;
    tw_local_names_free(&source->names);
}

void tw_gateway_promote(struct tw_gateway *gateway, struct tw_publisher *publisher, struct tw_source *source)
{
    if (publisher->source == source->id)
        return;
    if (publisher->source != 0)
        retire(gateway->sources[publisher->source]);
    publisher->previous = publisher->source;
    publisher->source = source->id;
}

void tw_gateway_begin(struct tw_gateway *gateway, struct tw_publisher *publisher, struct tw_source *source)
{
    tw_gateway_promote(gateway, publisher, source);
    if (source->incarnation > 0)
        publisher->fence_lsn = gateway->last_lsn + 1;
}

void tw_gateway_fence(struct tw_gateway *gateway, struct tw_publisher *publisher, struct tw_source *source)
{
    tw_gateway_promote(gateway, publisher, source);
    tw_gateway_unhold(publisher);
    publisher->fence_lsn =
        tw_gateway_stage_control(gateway, (struct tw_control){.kind = TW_CONTROL_FENCE,
                                                              .number = source->incarnation,
                                                              .source = source->id,
                                                              .text = tw_gateway_publisher_name(gateway, publisher)});
}

void tw_source_free(struct tw_source **source)
{
    if (*source == NULL)
        return;
    retire(*source);
    free((*source)->pending);
    free(*source);
    *source = NULL;
}

void tw_source_pending_add(struct tw_source *source, uint64_t pseq, uint64_t content_hash)
{
    source->pending =
        tw_gateway_grow(source->pending, source->pending_count, &source->pending_capacity, sizeof *source->pending);
    source->pending[source->pending_count++] = (struct tw_pending_refusal){pseq, content_hash};
}

void tw_source_durable(struct tw_source *source, uint64_t next)
{
    if (next <= source->durable + 1)
        return;
    source->durable = next - 1;
    uint32_t settled = 0;
    while (settled < source->pending_count && source->pending[settled].pseq <= source->durable)
        settled++;
    if (settled == 0)
        return;
    source->pending_count -= settled;
    memmove(source->pending, source->pending + settled, source->pending_count * sizeof *source->pending);
}

static uint8_t copy_cut(char *to, size_t to_bytes, struct tw_text text)
{
    size_t length = text.length < to_bytes ? text.length : to_bytes;
    if (length != 0)
        memcpy(to, text.bytes, length);
    return (uint8_t)length;
}

void tw_source_known_add(struct tw_source *source, const struct tw_refusal *refusal)
{
    if (source->known_count < TW_ACK_REFUSALS_MAX) {
        source->known =
            tw_gateway_grow(source->known, source->known_count, &source->known_capacity, sizeof *source->known);
        source->known_count++;
    } else {
        source->known_first = (source->known_first + 1) % TW_ACK_REFUSALS_MAX;
    }
    struct tw_known_refusal *known =
        &source->known[(source->known_first + source->known_count - 1) % TW_ACK_REFUSALS_MAX];
    known->pseq = refusal->pseq;
    known->code_length = copy_cut(known->code, sizeof known->code, refusal->code);
    known->why_length = copy_cut(known->why, sizeof known->why, refusal->why);
}
