/* SPDX-License-Identifier: MIT
 *
 * Episodes (RULES: "Episodes"): at most one open alert per rule and key, what opened it, how far it has grown.
 */
#ifndef TW_JUDGING_EPISODE_H
#define TW_JUDGING_EPISODE_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/judging/event.h"
#include "actors/judging/openings.h"
#include "actors/judging/tape_clock.h"

/* One key's episode of one rule. Zero-initialised: closed. */
struct tw_episode {
    uint64_t opening_seq; /* the trade that opened it, while open */
    uint8_t severity;     /* reached; TW_SEVERITY_NONE: closed */
    uint32_t place;       /* in the list of open keys, from 1; 0: not there. A walk takes out those that closed */
};
static inline bool tw_episode_open(const struct tw_episode *episode)
{
    return episode->severity != TW_SEVERITY_NONE;
}

/* What one rule of one core needs to speak: what it remembers, and which of its keys have an open episode. */
struct tw_rule_desk {
    enum tw_rule rule;
    enum tw_entity_type entity_type;
    struct tw_openings *openings;
    struct tw_area *area; /* of its keys' windows, where there are some */
    struct tw_open_key {
        int64_t look_ns; /* ticks before it pass the key by */
        uint32_t key;
    } * keys; /* in no order */
    uint32_t key_count, key_capacity;
};
void tw_rule_desk_free(struct tw_rule_desk *desk);
void tw_rule_desk_list(struct tw_rule_desk *desk, struct tw_episode *episode, uint32_t key); /* unless it is listed */

/* The next tick looks at the key of this episode, if it is listed; at all of them. */
void tw_rule_desk_look(struct tw_rule_desk *desk, const struct tw_episode *episode);
void tw_rule_desk_look_at_all(struct tw_rule_desk *desk);

/* Ticks walk the open keys: `episode_of(context, key)` finds the key's episode, `visit` judges it and returns the time
 * before which no tick needs to look at it again. */
#define TW_LOOK_ALWAYS INT64_MIN
typedef struct tw_episode *(*tw_episode_of)(void *context, uint32_t key);
typedef int64_t (*tw_episode_visit)(void *context, uint32_t key, const void *argument);
void tw_rule_desk_walk(struct tw_rule_desk *desk, int64_t tick_ns, tw_episode_of episode_of, tw_episode_visit visit,
                       void *context, const void *argument);

/* Where and when a judgement is made. */
struct tw_moment {
    struct tw_origin origin; /* the trade; in a tick the crossing one */
    int64_t ts_ns;           /* its ts; in a tick the tick's time */
    uint32_t row;
    uint8_t phase; /* enum tw_phase */
};

/* Each adds one event with everything set but value, threshold and evidence, and returns it (valid until the next). */
struct tw_event *tw_episode_begin(struct tw_rule_desk *desk, struct tw_episode *episode, uint32_t key, uint32_t entity,
                                  uint32_t entity2, enum tw_severity severity, const struct tw_moment *moment,
                                  struct tw_events *events);
struct tw_event *tw_episode_escalate(struct tw_rule_desk *desk, struct tw_episode *episode, uint32_t entity,
                                     uint32_t entity2, enum tw_severity severity, const struct tw_moment *moment,
                                     struct tw_events *events);
struct tw_event *tw_episode_resolve(struct tw_rule_desk *desk, struct tw_episode *episode, uint32_t entity,
                                    uint32_t entity2, const struct tw_moment *moment, struct tw_events *events);
/* The retract of an alert (marks its opening). If it is open its episode ends by it: `episode` is
 * that of its key, or NULL for a rule without episodes. */
struct tw_event *tw_opening_retract(struct tw_openings *openings, struct tw_opening *opening,
                                    struct tw_episode *episode, const struct tw_moment *moment,
                                    struct tw_events *events);
/* One trade by itself (`fire`). */
struct tw_event *tw_opening_fire(struct tw_rule_desk *desk, uint32_t entity, const struct tw_moment *moment,
                                 enum tw_severity severity, struct tw_events *events);
/* The sequences that made an event, oldest first. */
void tw_event_evidence(struct tw_events *events, struct tw_event *event, const uint64_t *sequences, uint32_t count,
                       uint64_t total);

/* ---- level rules ---- */

/* Tiers as the largest integers that are not above them. */
struct tw_level {
    tw_i128 tier1, tier2, rearm; /* tier2: TW_I128_MAX if there is none */
};
struct tw_level_settings;
void tw_level_set(struct tw_level *level, const struct tw_level_settings *settings, int64_t threshold);

/* One rule's levels, one for each threshold that is in force: a hundred thousand keys share a few. Zero-initialised:
 * none. */
struct tw_levels {
    struct tw_shared_level {
        struct tw_level level;
        int64_t threshold;
        struct tw_shared_level *next;
    } * first;
};
/* The level of that threshold, made if new; stays where it is until tw_levels_clear. */
const struct tw_level *tw_levels_get(struct tw_levels *levels, const struct tw_level_settings *settings,
                                     int64_t threshold);
void tw_levels_clear(struct tw_levels *levels); /* the settings changed, or the end */

enum tw_verdict { TW_VERDICT_NOTHING, TW_VERDICT_OPEN, TW_VERDICT_ESCALATE, TW_VERDICT_RESOLVE };
static inline enum tw_verdict tw_level_judge(const struct tw_level *level, tw_i128 value, uint8_t reached,
                                             enum tw_severity *severity)
{
    if (reached == TW_SEVERITY_NONE) {
        if (value <= level->tier1)
            return TW_VERDICT_NOTHING;
        *severity = value > level->tier2 ? TW_SEVERITY_CRITICAL : TW_SEVERITY_HIGH;
        return TW_VERDICT_OPEN;
    }
    if (value > level->tier2 && reached < TW_SEVERITY_CRITICAL) {
        *severity = TW_SEVERITY_CRITICAL;
        return TW_VERDICT_ESCALATE;
    }
    return value <= level->rearm ? TW_VERDICT_RESOLVE : TW_VERDICT_NOTHING;
}
/* Judges and speaks: adds the event if there is one (value and threshold set, evidence left to the caller) or returns
 * NULL. */
struct tw_event *tw_level_apply(struct tw_rule_desk *desk, struct tw_episode *episode, uint32_t key,
                                const struct tw_level *level, tw_i128 value, const struct tw_moment *moment,
                                struct tw_events *events);
/* The same of a rule that is off: an open episode may resolve, and nothing else. */
struct tw_event *tw_level_end(struct tw_rule_desk *desk, struct tw_episode *episode, uint32_t key,
                              const struct tw_level *level, tw_i128 value, const struct tw_moment *moment,
                              struct tw_events *events);
/* True if that judgement would change the episode. */
static inline bool tw_level_moves(const struct tw_level *level, tw_i128 value, const struct tw_episode *episode)
{
    enum tw_severity severity;
    return tw_level_judge(level, value, episode->severity, &severity) != TW_VERDICT_NOTHING;
}
/* Of what reached it; an alert may be CRITICAL from settings that had a second tier. */
static inline tw_i128 tw_level_tier(const struct tw_level *level, uint8_t severity)
{
    return severity == TW_SEVERITY_CRITICAL && level->tier2 != TW_I128_MAX ? level->tier2 : level->tier1;
}

#endif
