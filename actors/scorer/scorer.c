/* SPDX-License-Identifier: MIT
 *
 * The scorer's step.
 */
#include "actors/scorer/scorer.h"

#include <stdlib.h>
#include <string.h>

#include "actors/scorer/scorer_state.h"
#include "protocol/check.h"

struct tw_scorer *tw_scorer_new(void)
{
    struct tw_scorer *scorer = tw_alloc_zero(1, sizeof *scorer);
    scorer->anomaly =
        (struct tw_rule_desk){.rule = TW_RULE_ANOMALY, .entity_type = TW_ENTITY_SYMBOL, .openings = &scorer->openings};
    return scorer;
}

static void forget_keys(struct tw_scorer *scorer)
{
    for (uint32_t i = 0; i < scorer->key_count; i++)
        tw_statistics_free(&scorer->keys[i].statistics, &scorer->area);
    free(scorer->keys);
    scorer->keys = NULL;
    scorer->key_count = 0;
    free(scorer->pairs.pairs);
    free(scorer->pairs.places);
    memset(&scorer->pairs, 0, sizeof scorer->pairs);
    scorer->anomaly.key_count = 0;
}

void tw_scorer_free(struct tw_scorer **scorer_pointer)
{
    struct tw_scorer *scorer = *scorer_pointer;
    if (scorer == NULL)
        return;
    forget_keys(scorer);
    tw_area_free(&scorer->area);
    tw_openings_free(&scorer->openings);
    tw_rule_desk_free(&scorer->anomaly);
    tw_settings_free(&scorer->settings);
    tw_saving_free(&scorer->saving);
    free(scorer);
    *scorer_pointer = NULL;
}

/* ---- keys ---- */

struct tw_scorer_key *tw_scorer_key_at(struct tw_scorer *scorer, uint32_t place)
{
    if (place >= scorer->key_count) {
        uint32_t count = scorer->key_count == 0 ? 64 : scorer->key_count * 2;
        while (place >= count)
            count *= 2;
        scorer->keys = tw_realloc(scorer->keys, count * sizeof *scorer->keys);
        memset(scorer->keys + scorer->key_count, 0, (count - scorer->key_count) * sizeof *scorer->keys);
        scorer->key_count = count;
    }
    return &scorer->keys[place];
}

static uint32_t pair_slot(const struct tw_scorer_pairs *pairs, uint64_t pair)
{
    uint32_t slot = (uint32_t)((pair ^ pair >> 32) * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (pairs->capacity - 1);
    while (pairs->pairs[slot] != 0 && pairs->pairs[slot] != pair)
        slot = (slot + 1) & (pairs->capacity - 1);
    return slot;
}

static void grow_pairs(struct tw_scorer_pairs *pairs)
{
    struct tw_scorer_pairs old = *pairs;
    pairs->capacity = old.capacity == 0 ? 1024 : old.capacity * 2;
    pairs->pairs = tw_alloc_zero(pairs->capacity, sizeof *pairs->pairs);
    pairs->places = tw_alloc(pairs->capacity * sizeof *pairs->places);
    for (uint32_t i = 0; i < old.capacity; i++) {
        if (old.pairs[i] == 0)
            continue;
        uint32_t slot = pair_slot(pairs, old.pairs[i]);
        pairs->pairs[slot] = old.pairs[i];
        pairs->places[slot] = old.places[i];
    }
    free(old.pairs);
    free(old.places);
}

static uint64_t pair_of(uint32_t account, uint32_t symbol)
{
    return (uint64_t)account << 32 | symbol;
}

uint32_t tw_scorer_pair_place(struct tw_scorer_pairs *pairs, uint32_t account, uint32_t symbol)
{
    uint64_t pair = pair_of(account, symbol);
    if ((pairs->count + 1) * 2 > pairs->capacity)
        grow_pairs(pairs);
    uint32_t slot = pair_slot(pairs, pair);
    if (pairs->pairs[slot] == 0) {
        pairs->pairs[slot] = pair;
        pairs->places[slot] = pairs->count++;
    }
    return pairs->places[slot];
}

/* A key that is first met now is newer than any saving. */
static void name_key(const struct tw_scorer *scorer, struct tw_scorer_key *key, uint32_t entity, uint32_t entity2)
{
    if (key->used)
        return;
    key->used = true;
    key->saved = scorer->saving.number;
    key->entity = entity;
    key->entity2 = entity2;
}

/* Place of the key that a trade belongs to; false if it has none (a market print under the account key). */
static bool place_of(struct tw_scorer *scorer, uint32_t account, uint32_t symbol, uint32_t *place)
{
    switch (scorer->keyed_by) {
    case TW_STATISTICS_SYMBOL:
        *place = symbol;
        name_key(scorer, tw_scorer_key_at(scorer, symbol), symbol, 0);
        return true;
    case TW_STATISTICS_ACCOUNT_SYMBOL:
        if (account == 0)
            return false;
        *place = tw_scorer_pair_place(&scorer->pairs, account, symbol);
        name_key(scorer, tw_scorer_key_at(scorer, *place), account, symbol);
        return true;
    case TW_STATISTICS_SYSTEM:
        *place = 0;
        name_key(scorer, tw_scorer_key_at(scorer, 0), 0, 0);
        return true;
    }
    TW_UNREACHABLE("a statistics key without a place");
}

/* Place of the alert's key, by what keys are now; false: there is none yet. */
static bool find_place(const struct tw_scorer *scorer, const struct tw_opening *opening, uint32_t *place)
{
    const struct tw_scorer_pairs *pairs = &scorer->pairs;
    *place = scorer->keyed_by == TW_STATISTICS_SYMBOL ? opening->entity : 0;
    if (scorer->keyed_by != TW_STATISTICS_ACCOUNT_SYMBOL)
        return *place < scorer->key_count;
    if (opening->entity == 0 || pairs->capacity == 0)
        return false;
    uint64_t pair = pair_of(opening->entity, opening->entity2);
    uint32_t slot = pair_slot(pairs, pair);
    if (pairs->pairs[slot] != pair)
        return false;
    *place = pairs->places[slot];
    return true;
}

/* The episode of an open alert; NULL: it was opened under another key, and is left. */
static struct tw_episode *episode_of_alert(const struct tw_scorer *scorer, const struct tw_opening *opening)
{
    uint32_t place;
    if (opening->entity_type != scorer->anomaly.entity_type || !find_place(scorer, opening, &place))
        return NULL;
    struct tw_episode *episode = &scorer->keys[place].episode;
    return tw_episode_open(episode) && episode->opening_seq == opening->seq ? episode : NULL;
}

/* What stands for the episode of an alert that is left. */
static struct tw_episode left_episode(const struct tw_opening *opening)
{
    return (struct tw_episode){.opening_seq = opening->seq, .severity = opening->severity};
}

/* ---- settings ---- */

void tw_scorer_key_by(struct tw_scorer *scorer, enum tw_statistics_key key)
{
    scorer->keyed_by = key;
    scorer->anomaly.entity_type = key == TW_STATISTICS_SYMBOL           ? TW_ENTITY_SYMBOL
                                  : key == TW_STATISTICS_ACCOUNT_SYMBOL ? TW_ENTITY_CLIENT
                                                                        : TW_ENTITY_SYSTEM;
}

static void settings_changed(struct tw_scorer *scorer)
{
    tw_rule_desk_look_at_all(&scorer->anomaly);
    enum tw_statistics_key key = scorer->settings.rules.anomaly_key;
    if (key != scorer->keyed_by || scorer->key_count == 0) {
        tw_scorer_save_rest(scorer);
        forget_keys(scorer); /* other keys, other windows: statistics begin anew */
        scorer->left = true;
        tw_scorer_key_by(scorer, key);
    }
}

void tw_scorer_keep_on(struct tw_scorer *scorer, struct tw_shelf shelf)
{
    tw_archive_keep_on(&scorer->openings.archive, shelf);
}

void tw_scorer_pin_settings(struct tw_scorer *scorer, struct tw_text settings_text)
{
    tw_settings_pin(&scorer->settings, settings_text);
    settings_changed(scorer);
}

/* ---- judging ---- */

static void describe(struct tw_event *event, const struct tw_scorer_key *key, const struct tw_deviation *deviation,
                     int64_t x, tw_i128 notional_e8, uint32_t tier_e3)
{
    event->value = x;
    event->threshold = tier_e3;
    event->z = tw_deviation_z(deviation);
    event->sigma = tw_deviation_sigma(deviation);
    event->mean = (double)key->statistics.sum / (double)deviation->count;
    event->amount = notional_e8;
}

static void judge(struct tw_scorer *scorer, uint32_t place, int64_t x, tw_i128 notional_e8,
                  const struct tw_moment *moment, struct tw_events *events)
{
    const struct tw_rules *rules = &scorer->settings.rules;
    struct tw_scorer_key *key = &scorer->keys[place];
    if (!rules->anomaly_enabled || key->statistics.count < rules->anomaly_minimum)
        return;
    struct tw_deviation deviation = tw_statistics_deviation(&key->statistics, x);
    if (!tw_deviation_above(&deviation, rules->anomaly_medium_e3))
        return;
    bool high = tw_deviation_above(&deviation, rules->anomaly_high_e3);
    enum tw_severity severity = high ? TW_SEVERITY_HIGH : TW_SEVERITY_MEDIUM;
    key->last_hit_ns = key->clock_ns;
    struct tw_event *event = NULL;
    if (!tw_episode_open(&key->episode))
        event = tw_episode_begin(&scorer->anomaly, &key->episode, place, key->entity, key->entity2, severity, moment,
                                 events);
    else if (severity > key->episode.severity)
        event =
            tw_episode_escalate(&scorer->anomaly, &key->episode, key->entity, key->entity2, severity, moment, events);
    if (event != NULL)
        describe(event, key, &deviation, x, notional_e8, high ? rules->anomaly_high_e3 : rules->anomaly_medium_e3);
}

static void move_clock(struct tw_scorer_key *key, int64_t ts_ns)
{
    if (ts_ns > key->clock_ns)
        key->clock_ns = ts_ns;
}

/* Before the key changes, a snapshot may want it as it is. */
static void keep_key(struct tw_scorer *scorer, uint32_t place)
{
    if (scorer->saving.active)
        tw_scorer_save_key(scorer, &scorer->keys[place]);
}

static void take_trade(struct tw_scorer *scorer, const struct tw_block *block, uint32_t row, struct tw_events *events)
{
    uint32_t place;
    if (!place_of(scorer, tw_load_u32(block->account, row), tw_load_u32(block->symbol, row), &place))
        return;
    struct tw_moment moment = {tw_block_origin(block, row), tw_load_i64(block->ts, row), row, TW_PHASE_TRADE};
    int64_t notional = tw_notional_known(tw_load_i64(block->qty, row), tw_load_i64(block->price, row));
    int64_t cents = (int64_t)tw_divide_half_even(notional, 1000000);
    keep_key(scorer, place);
    uint32_t window = scorer->settings.rules.anomaly_window;
    struct tw_scorer_key *key = &scorer->keys[place];
    move_clock(key, moment.ts_ns);
    if (key->statistics.count > window) /* it was made smaller */
        tw_statistics_limit(&key->statistics, window);
    judge(scorer, place, cents, notional, &moment, events);
    tw_statistics_add(&key->statistics, &scorer->area, window, cents, moment.origin.seq);
}

#define KEY_AHEAD 16u /* rows: about a cache miss's time before its ring is, and twice before it is needed */
#define RING_AHEAD 8u

/* Pairs are looked up by a table of their own and come as they come. */
static void expect(const struct tw_scorer *scorer, const struct tw_block *block, uint32_t row)
{
    if (scorer->keyed_by != TW_STATISTICS_SYMBOL || row + KEY_AHEAD >= block->count)
        return;
    uint32_t key = tw_load_u32(block->symbol, row + KEY_AHEAD), nearer = tw_load_u32(block->symbol, row + RING_AHEAD);
    if (key < scorer->key_count) {
        const char *place = (const char *)&scorer->keys[key];
        for (size_t line = 0; line < sizeof(struct tw_scorer_key); line += 64)
            __builtin_prefetch(place + line, 1);
    }
    if (nearer < scorer->key_count)
        tw_statistics_expect(&scorer->keys[nearer].statistics);
}

static uint32_t threshold_of(const struct tw_scorer *scorer, const struct tw_event *event)
{
    const struct tw_rules *rules = &scorer->settings.rules;
    return event->severity == TW_SEVERITY_HIGH ? rules->anomaly_high_e3 : rules->anomaly_medium_e3;
}

static void retract(struct tw_scorer *scorer, const struct tw_original *original, const struct tw_moment *moment,
                    struct tw_events *events)
{
    struct tw_openings *openings = &scorer->openings;
    for (struct tw_opening *opening = tw_openings_first_of(openings, original->seq); opening != NULL;
         opening = tw_openings_next_of(openings, opening)) {
        struct tw_episode left = left_episode(opening), *episode = episode_of_alert(scorer, opening);
        int64_t notional = tw_notional_known(original->qty_e8, original->price_e8);
        struct tw_event *event =
            tw_opening_retract(openings, opening, episode == NULL ? &left : episode, moment, events);
        event->value = tw_divide_half_even(notional, 1000000);
        event->amount = notional;
        event->threshold = threshold_of(scorer, event);
    }
}

static void take_reversal(struct tw_scorer *scorer, const struct tw_block *block, uint32_t row,
                          const struct tw_original *original, struct tw_events *events)
{
    struct tw_moment moment = {tw_block_origin(block, row), tw_load_i64(block->ts, row), row, TW_PHASE_TRADE};
    uint32_t place;
    if (place_of(scorer, original->account, original->symbol, &place)) {
        keep_key(scorer, place); /* and what the original opened is of this key */
        move_clock(&scorer->keys[place], moment.ts_ns);
        tw_statistics_remove(&scorer->keys[place].statistics, original->seq);
    }
    retract(scorer, original, &moment, events);
    if (TW_ATTR_KIND(block->attrs[row]) == TW_KIND_CORRECT)
        take_trade(scorer, block, row, events);
}

/* ---- ticks ---- */

static struct tw_episode *episode_of(void *context, uint32_t place)
{
    return &((struct tw_scorer *)context)->keys[place].episode;
}

struct tick_walk {
    struct tw_moment moment;
    struct tw_events *events;
};

static int64_t tick_key(void *context, uint32_t place, const void *argument)
{
    const struct tick_walk *walk = argument;
    struct tw_scorer *scorer = context;
    struct tw_scorer_key *key = &scorer->keys[place];
    const struct tw_rules *rules = &scorer->settings.rules;
    if (walk->moment.ts_ns < key->last_hit_ns + rules->anomaly_quiet_ns)
        return key->last_hit_ns + rules->anomaly_quiet_ns;
    keep_key(scorer, place);
    struct tw_event *event =
        tw_episode_resolve(&scorer->anomaly, &key->episode, key->entity, key->entity2, &walk->moment, walk->events);
    event->threshold = threshold_of(scorer, event);
    return TW_LOOK_ALWAYS;
}

/* Nothing will hit these again: they need not wait until they were quiet. */
static void resolve_left(struct tw_scorer *scorer, const struct tick_walk *walk)
{
    for (uint32_t i = 0; i < scorer->openings.count; i++) {
        const struct tw_opening *opening = &scorer->openings.list[i];
        if (opening->state != TW_OPENING_OPEN || episode_of_alert(scorer, opening) != NULL)
            continue;
        struct tw_episode left = left_episode(opening);
        struct tw_event *event =
            tw_episode_resolve(&scorer->anomaly, &left, opening->entity, opening->entity2, &walk->moment, walk->events);
        event->threshold = threshold_of(scorer, event);
    }
    scorer->left = false;
}

static void take_tick(struct tw_scorer *scorer, const struct tw_tick *tick, struct tw_events *events)
{
    struct tick_walk walk = {{tick->origin, tick->time_ns, tick->row, TW_PHASE_TICK}, events};
    if (scorer->left)
        resolve_left(scorer, &walk);
    tw_rule_desk_walk(&scorer->anomaly, tick->time_ns, episode_of, tick_key, scorer, &walk);
}

static void take_control(struct tw_scorer *scorer, const struct tw_control *control, struct tw_events *events)
{
    struct tw_tick tick;
    if (tw_settings_take(&scorer->settings, control))
        settings_changed(scorer);
    if (control->kind == TW_CONTROL_RETENTION)
        tw_saving_forget(&scorer->saving, &scorer->openings, control->number);
    if (tw_tape_clock_control(&scorer->clock, control, &tick))
        take_tick(scorer, &tick, events);
}

static void take_block(struct tw_scorer *scorer, const struct tw_block *block, struct tw_events *events)
{
    struct tw_tick tick;
    uint32_t originals = 0;
    for (uint32_t row = 0; row < block->count; row++) {
        if (tw_tape_clock_row(&scorer->clock, block, row, &tick))
            take_tick(scorer, &tick, events);
        if (TW_ATTR_KIND(block->attrs[row]) == TW_KIND_TRADE) {
            expect(scorer, block, row);
            take_trade(scorer, block, row, events);
        } else {
            struct tw_original original = tw_block_original(block, row, &originals);
            take_reversal(scorer, block, row, &original, events);
        }
    }
    tw_tape_clock_block_end(&scorer->clock, block);
}

void tw_scorer_step(struct tw_scorer *scorer, const struct tw_record *record, struct tw_events *events)
{
    if (record->kind == TW_RECORD_CONTROL)
        take_control(scorer, &record->control, events);
    else
        take_block(scorer, &record->block, events);
    tw_openings_settle(&scorer->openings);
}
