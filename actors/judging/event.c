/* SPDX-License-Identifier: MIT
 *
 * Lists of judgements, and the wire names of their words.
 */
#include "actors/judging/event.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"

struct tw_event *tw_events_add(struct tw_events *events)
{
    if (events->count == events->capacity) {
        events->capacity = events->capacity == 0 ? 256 : events->capacity * 2;
        events->list = tw_realloc(events->list, events->capacity * sizeof *events->list);
    }
    struct tw_event *event = &events->list[events->count++];
    memset(event, 0, sizeof *event);
    return event;
}

uint32_t tw_events_evidence(struct tw_events *events, const uint64_t *sequences, uint32_t count)
{
    uint32_t first = events->evidence_count;
    if (events->evidence_capacity - first < count) {
        uint32_t capacity = events->evidence_capacity == 0 ? 4096 : events->evidence_capacity * 2;
        while (capacity - first < count)
            capacity *= 2;
        events->evidence = tw_realloc(events->evidence, capacity * sizeof *events->evidence);
        events->evidence_capacity = capacity;
    }
    if (count > 0)
        memcpy(events->evidence + first, sequences, count * sizeof *sequences);
    events->evidence_count += count;
    return first;
}

void tw_events_append(struct tw_events *to, const struct tw_events *from)
{
    uint32_t base = tw_events_evidence(to, from->evidence, from->evidence_count);
    for (uint32_t i = 0; i < from->count; i++) {
        struct tw_event *event = tw_events_add(to);
        *event = from->list[i];
        event->evidence_first += base;
    }
}

void tw_events_clear(struct tw_events *events)
{
    events->count = 0;
    events->evidence_count = 0;
    events->sample.account = 0;
}

void tw_events_free(struct tw_events *events)
{
    free(events->list);
    free(events->evidence);
    memset(events, 0, sizeof *events);
}

void tw_shard_answer_free(struct tw_shard_answer *answer)
{
    free(answer->trades);
    tw_remarks_free(&answer->remarks);
    tw_events_free(&answer->events);
    memset(answer, 0, sizeof *answer);
}

static const struct {
    const char *type, *key;
    uint32_t version;
    uint8_t code;
} rules[TW_RULE_COUNT] = {
#define TW_RULE_ROW(symbol, type, key, version, code) {type, key, version, code},
    TW_RULES(TW_RULE_ROW)
#undef TW_RULE_ROW
};

const char *tw_rule_type(enum tw_rule rule)
{
    TW_ASSERT(rule < TW_RULE_COUNT);
    return rules[rule].type;
}

const char *tw_rule_key(enum tw_rule rule)
{
    TW_ASSERT(rule < TW_RULE_COUNT);
    return rules[rule].key;
}

uint32_t tw_rule_version(enum tw_rule rule)
{
    TW_ASSERT(rule < TW_RULE_COUNT);
    return rules[rule].version;
}

uint8_t tw_rule_code(enum tw_rule rule)
{
    TW_ASSERT(rule < TW_RULE_COUNT);
    return rules[rule].code;
}

enum tw_rule tw_rule_from_code(uint8_t code)
{
    for (int rule = 0; rule < TW_RULE_COUNT; rule++)
        if (rules[rule].code == code)
            return (enum tw_rule)rule;
    return TW_RULE_COUNT;
}

const char *tw_severity_name(enum tw_severity severity)
{
    static const char *const names[] = {"NONE", "LOW", "MEDIUM", "HIGH", "CRITICAL"};
    TW_ASSERT(severity <= TW_SEVERITY_CRITICAL);
    return names[severity];
}

const char *tw_event_name(enum tw_event_kind kind)
{
    static const char *const names[] = {"fire", "open", "escalate", "resolve", "retract"};
    TW_ASSERT(kind <= TW_EVENT_RETRACT);
    return names[kind];
}

const char *tw_entity_type_name(enum tw_entity_type type)
{
    static const char *const names[] = {"CLIENT", "SYMBOL", "PAIR", "TRADE", "PUBLISHER", "SYSTEM"};
    TW_ASSERT(type <= TW_ENTITY_SYSTEM);
    return names[type];
}
