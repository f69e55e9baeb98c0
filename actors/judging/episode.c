/* SPDX-License-Identifier: MIT */
#include "actors/judging/episode.h"

#include <stdlib.h>
#include <string.h>

#include "cfg/rules.h"
#include "protocol/check.h"

void tw_rule_desk_free(struct tw_rule_desk *desk)
{
    free(desk->keys);
    desk->keys = NULL;
    desk->key_count = desk->key_capacity = 0;
}

void tw_rule_desk_list(struct tw_rule_desk *desk, struct tw_episode *episode, uint32_t key)
{
    if (episode->place != 0)
        return;
    if (desk->key_count == desk->key_capacity) {
        desk->key_capacity = desk->key_capacity == 0 ? 64 : desk->key_capacity * 2;
        desk->keys = tw_realloc(desk->keys, desk->key_capacity * sizeof *desk->keys);
    }
    desk->keys[desk->key_count++] = (struct tw_open_key){TW_LOOK_ALWAYS, key};
    episode->place = desk->key_count;
}

void tw_rule_desk_look(struct tw_rule_desk *desk, const struct tw_episode *episode)
{
    if (episode->place != 0)
        desk->keys[episode->place - 1].look_ns = TW_LOOK_ALWAYS;
}

void tw_rule_desk_look_at_all(struct tw_rule_desk *desk)
{
    for (uint32_t i = 0; i < desk->key_count; i++)
        desk->keys[i].look_ns = TW_LOOK_ALWAYS;
}

void tw_rule_desk_walk(struct tw_rule_desk *desk, int64_t tick_ns, tw_episode_of episode_of, tw_episode_visit visit,
                       void *context, const void *argument)
{
    for (uint32_t i = 0; i < desk->key_count;) {
        uint32_t key = desk->keys[i].key;
        if (tick_ns < desk->keys[i].look_ns) {
            i++;
            continue;
        }
        if (tw_episode_open(episode_of(context, key)))
            desk->keys[i].look_ns = visit(context, key, argument);
        struct tw_episode *episode = episode_of(context, key);
        if (tw_episode_open(episode)) {
            i++;
            continue;
        }
        episode->place = 0;
        desk->keys[i] = desk->keys[--desk->key_count];
        if (i < desk->key_count)
            episode_of(context, desk->keys[i].key)->place = i + 1;
    }
}

static struct tw_event *add_event(const struct tw_opening *opening, enum tw_event_kind kind,
                                  const struct tw_moment *moment, struct tw_events *events)
{
    struct tw_event *event = tw_events_add(events);
    event->rule = opening->rule;
    event->kind = (uint8_t)kind;
    event->severity = opening->severity;
    event->entity_type = opening->entity_type;
    event->entity = opening->entity;
    event->entity2 = opening->entity2;
    event->opening = (struct tw_origin){opening->seq, opening->pseq, opening->source};
    event->seq = moment->origin.seq;
    event->ts_ns = moment->ts_ns;
    event->row = moment->row;
    event->phase = moment->phase;
    /* What an event in a tick, a resolve or a retract names: only the trade that caused it. Others overwrite it. */
    tw_event_evidence(events, event, &moment->origin.seq, 1, 1);
    return event;
}

void tw_event_evidence(struct tw_events *events, struct tw_event *event, const uint64_t *sequences, uint32_t count,
                       uint64_t total)
{
    event->evidence_first = tw_events_evidence(events, sequences, count);
    event->evidence_count = count;
    event->trade_count = total;
}

struct tw_event *tw_episode_begin(struct tw_rule_desk *desk, struct tw_episode *episode, uint32_t key, uint32_t entity,
                                  uint32_t entity2, enum tw_severity severity, const struct tw_moment *moment,
                                  struct tw_events *events)
{
    TW_ASSERT(!tw_episode_open(episode));
    tw_rule_desk_list(desk, episode, key);
    episode->severity = (uint8_t)severity;
    episode->opening_seq = moment->origin.seq;
    struct tw_opening *opening =
        tw_openings_add(desk->openings, desk->rule, desk->entity_type, entity, entity2, moment->origin, severity);
    return add_event(opening, TW_EVENT_OPEN, moment, events);
}

static struct tw_opening *opening_of(const struct tw_rule_desk *desk, const struct tw_episode *episode, uint32_t entity,
                                     uint32_t entity2)
{
    struct tw_opening *opening = tw_openings_open(desk->openings, episode->opening_seq, desk->rule, entity, entity2);
    TW_ASSERT(opening != NULL);
    return opening;
}

struct tw_event *tw_episode_escalate(struct tw_rule_desk *desk, struct tw_episode *episode, uint32_t entity,
                                     uint32_t entity2, enum tw_severity severity, const struct tw_moment *moment,
                                     struct tw_events *events)
{
    TW_ASSERT(severity > episode->severity);
    struct tw_opening *opening = opening_of(desk, episode, entity, entity2);
    tw_openings_raise(desk->openings, opening, severity);
    episode->severity = opening->severity;
    return add_event(opening, TW_EVENT_ESCALATE, moment, events);
}

struct tw_event *tw_episode_resolve(struct tw_rule_desk *desk, struct tw_episode *episode, uint32_t entity,
                                    uint32_t entity2, const struct tw_moment *moment, struct tw_events *events)
{
    TW_ASSERT(tw_episode_open(episode));
    struct tw_opening *opening = opening_of(desk, episode, entity, entity2);
    tw_openings_end(desk->openings, opening, TW_OPENING_ENDED);
    episode->severity = TW_SEVERITY_NONE;
    return add_event(opening, TW_EVENT_RESOLVE, moment, events);
}

struct tw_event *tw_opening_retract(struct tw_openings *openings, struct tw_opening *opening,
                                    struct tw_episode *episode, const struct tw_moment *moment,
                                    struct tw_events *events)
{
    if (opening->state == TW_OPENING_OPEN) {
        TW_ASSERT(episode != NULL && episode->opening_seq == opening->seq);
        episode->severity = TW_SEVERITY_NONE;
    }
    tw_openings_end(openings, opening, TW_OPENING_RETRACTED);
    struct tw_moment at = *moment;
    at.phase = TW_PHASE_RETRACT;
    return add_event(opening, TW_EVENT_RETRACT, &at, events);
}

struct tw_event *tw_opening_fire(struct tw_rule_desk *desk, uint32_t entity, const struct tw_moment *moment,
                                 enum tw_severity severity, struct tw_events *events)
{
    struct tw_opening *opening =
        tw_openings_add(desk->openings, desk->rule, desk->entity_type, entity, 0, moment->origin, severity);
    tw_openings_end(desk->openings, opening, TW_OPENING_ENDED); /* a fire has no episode */
    return add_event(opening, TW_EVENT_FIRE, moment, events);
}

struct tw_event *tw_level_apply(struct tw_rule_desk *desk, struct tw_episode *episode, uint32_t key,
                                const struct tw_level *level, tw_i128 value, const struct tw_moment *moment,
                                struct tw_events *events)
{
    enum tw_severity severity = TW_SEVERITY_NONE;
    struct tw_event *event = NULL;
    switch (tw_level_judge(level, value, episode->severity, &severity)) {
    case TW_VERDICT_NOTHING:
        return NULL;
    case TW_VERDICT_OPEN:
        event = tw_episode_begin(desk, episode, key, key, 0, severity, moment, events);
        break;
    case TW_VERDICT_ESCALATE:
        event = tw_episode_escalate(desk, episode, key, 0, severity, moment, events);
        break;
    case TW_VERDICT_RESOLVE:
        event = tw_episode_resolve(desk, episode, key, 0, moment, events);
        break;
    }
    event->value = value;
    event->threshold = tw_level_tier(level, event->severity);
    return event;
}

struct tw_event *tw_level_end(struct tw_rule_desk *desk, struct tw_episode *episode, uint32_t key,
                              const struct tw_level *level, tw_i128 value, const struct tw_moment *moment,
                              struct tw_events *events)
{
    if (!tw_episode_open(episode) || value > level->rearm)
        return NULL;
    return tw_level_apply(desk, episode, key, level, value, moment, events);
}

void tw_level_set(struct tw_level *level, const struct tw_level_settings *settings, int64_t threshold)
{
    level->tier1 = threshold;
    level->tier2 = settings->critical_e4 == 0 ? TW_I128_MAX : tw_tier_floor(threshold, settings->critical_e4);
    level->rearm = tw_tier_floor(threshold, settings->rearm_e4);
}

const struct tw_level *tw_levels_get(struct tw_levels *levels, const struct tw_level_settings *settings,
                                     int64_t threshold)
{
    struct tw_shared_level **end = &levels->first;
    for (; *end != NULL; end = &(*end)->next)
        if ((*end)->threshold == threshold)
            return &(*end)->level;
    struct tw_shared_level *fresh = *end = tw_alloc_zero(1, sizeof *fresh);
    fresh->threshold = threshold;
    tw_level_set(&fresh->level, settings, threshold);
    return &fresh->level;
}

void tw_levels_clear(struct tw_levels *levels)
{
    while (levels->first != NULL) {
        struct tw_shared_level *next = levels->first->next;
        free(levels->first);
        levels->first = next;
    }
}
