/* SPDX-License-Identifier: MIT
 *
 * A shard's symbols: their names and thresholds, their exposure, what happens to them in a tick and by a bust.
 */
#include <stdlib.h>
#include <string.h>

#include "actors/judging/planted.h"
#include "actors/shard/shard_state.h"
#include "protocol/check.h"

void tw_shard_apply_settings(struct tw_shard *shard, struct tw_symbol *symbol)
{
    const struct tw_rules *rules = &shard->settings.rules;
    const struct tw_settings *settings = &shard->settings;
    symbol->large_trade_e8 =
        tw_settings_threshold(settings, TW_OVERRIDE_LARGE_TRADE, symbol->name, rules->large_trade_threshold_e8);
    symbol->level = tw_levels_get(
        &shard->exposure_levels, &rules->symbol_exposure,
        tw_settings_threshold(settings, TW_OVERRIDE_SYMBOL_EXPOSURE, symbol->name, rules->symbol_exposure.threshold));
    tw_velocity_set_level(
        &symbol->velocity,
        tw_levels_get(&shard->velocity_levels, &rules->velocity,
                      tw_settings_threshold(settings, TW_OVERRIDE_VELOCITY, symbol->name, rules->velocity.threshold)));
}

void tw_shard_settings_changed(struct tw_shard *shard)
{
    shard->judge_all = true;
    tw_rule_desk_look_at_all(&shard->velocity);
    tw_levels_clear(&shard->exposure_levels);
    tw_levels_clear(&shard->velocity_levels);
    for (uint32_t i = 0; i < shard->symbol_count; i++)
        if (shard->symbols[i].id != 0)
            tw_shard_apply_settings(shard, &shard->symbols[i]);
}

void tw_shard_reserve(struct tw_shard *shard, uint32_t symbol)
{
    uint32_t place = tw_shard_place(shard, symbol);
    if (place < shard->symbol_count)
        return;
    uint32_t count = shard->symbol_count == 0 ? 64 : shard->symbol_count * 2;
    while (place >= count)
        count *= 2;
    shard->symbols = tw_realloc(shard->symbols, count * sizeof *shard->symbols);
    memset(shard->symbols + shard->symbol_count, 0, (count - shard->symbol_count) * sizeof *shard->symbols);
    shard->symbol_count = count;
}

static void learn(struct tw_shard *shard, uint32_t id, struct tw_text name)
{
    tw_shard_reserve(shard, id);
    struct tw_symbol *symbol = tw_shard_symbol(shard, id);
    TW_ASSERT(symbol->id == 0);
    symbol->id = id;
    symbol->saved = shard->saving.number;
    symbol->name = (struct tw_text){tw_strndup(name.bytes, name.length), name.length};
    tw_shard_apply_settings(shard, symbol);
}

void tw_shard_learn_names(struct tw_shard *shard, const struct tw_block *block)
{
    struct tw_new_name name;
    for (uint32_t offset = 0; tw_block_next_name(block, &offset, &name);)
        if (name.kind == TW_NAME_SYMBOL && tw_shard_has(shard, name.id))
            learn(shard, name.id, name.name);
}

static tw_i128 exposure_of(const struct tw_shard *shard, const struct tw_symbol *symbol)
{
    switch (shard->settings.rules.measure) {
    case TW_MEASURE_GROSS:
        return tw_term(symbol->holdings_e8, symbol->mark_e8);
    case TW_MEASURE_NET:
        return tw_abs128(tw_term(symbol->net_e8, symbol->mark_e8));
    case TW_MEASURE_TURNOVER:
        return symbol->turnover_session == shard->clock.session ? symbol->turnover_e8 : 0;
    }
    TW_UNREACHABLE("a measure without a formula");
}

/* Of the many that a tick judges few change. */
static void keep_before_verdict(struct tw_shard *shard, struct tw_symbol *symbol, const struct tw_level *level,
                                tw_i128 value, const struct tw_episode *episode)
{
    if (shard->saving.active && tw_level_moves(level, value, episode))
        tw_shard_save_symbol(shard, symbol);
}

void tw_shard_judge_exposure(struct tw_shard *shard, struct tw_symbol *symbol, const struct tw_moment *moment,
                             struct tw_events *events)
{
    tw_i128 value = exposure_of(shard, symbol);
    keep_before_verdict(shard, symbol, symbol->level, value, &symbol->exposure);
    struct tw_event *event =
        tw_level_apply(&shard->exposure, &symbol->exposure, symbol->id, symbol->level, value, moment, events);
    if (event == NULL || moment->phase == TW_PHASE_TICK || event->kind == TW_EVENT_RESOLVE)
        return;
    uint64_t latest[TW_EXPOSURE_TRADES_MAX];
    uint32_t count = tw_latest_list(&symbol->latest, latest);
    tw_event_evidence(events, event, latest, count, count);
}

/* ---- ticks ---- */

static bool is_full(const struct tw_shard *shard, const struct tw_remarks *remarks)
{
    return remarks->count + remarks->wide_count >= shard->answer_remarks;
}

/* Of those that a later part of the answer re-marks: who writes positions meanwhile must know which stood elsewhere. */
static void save_prices(struct tw_shard *shard, struct tw_holding_chunk *chunk, int64_t marked_e8)
{
    for (; chunk != NULL; chunk = chunk->next)
        for (uint32_t i = 0; i < chunk->count; i++)
            if (chunk->list[i].quantity_e8 != 0 && chunk->list[i].price_e8 != marked_e8)
                tw_shard_save_price(shard, &chunk->list[i]);
}

/* From that chunk of its positions on, until the part of the answer is full; returns the next one. */
static struct tw_holding_chunk *remark_symbol(struct tw_shard *shard, struct tw_symbol *symbol,
                                              struct tw_holding_chunk *chunk, struct tw_remarks *remarks)
{
    int64_t mark = symbol->mark_e8;
    const int64_t marked = symbol->marked_e8;
    bool saves = shard->saving.active && symbol->remarked != shard->saving.number;
    size_t began = saves ? tw_shard_prices_begin(shard, symbol) : 0;
    for (; chunk != NULL && !is_full(shard, remarks); chunk = chunk->next) {
        tw_remarks_reserve(remarks, chunk->count);
        for (uint32_t i = 0; i < chunk->count; i++) {
            struct tw_holding *position = &chunk->list[i];
            if (position->quantity_e8 == 0)
                continue;
            if (saves && position->price_e8 != marked)
                tw_shard_save_price(shard, position);
            if (position->price_e8 == mark)
                continue;
            tw_i128 before = tw_term(position->quantity_e8, position->price_e8);
            tw_i128 after = tw_term(position->quantity_e8, mark);
            position->price_e8 = mark;
            if (before != after)
                tw_remarks_add(remarks, after - before, position->account, position->quantity_e8 < 0);
        }
    }
    if (saves) {
        save_prices(shard, chunk, marked);
        tw_shard_prices_end(shard, began);
    }
    if (chunk == NULL)
        symbol->marked_e8 = mark;
    return chunk;
}

/* The symbols traded since the last time. False: the part of the answer is full; a next one follows even if that was
 * the last position, so that a part never begins its first tick full. */
static bool remark(struct tw_shard *shard, struct tw_remarks *remarks)
{
    uint32_t *at = &shard->progress.symbol;
    struct tw_holding_chunk **chunk = &shard->progress.chunk;
    while (*at < shard->traded_count) {
        struct tw_symbol *symbol = tw_shard_symbol(shard, shard->traded[*at]);
        symbol->traded = false;
        *chunk = remark_symbol(shard, symbol, *chunk != NULL ? *chunk : symbol->chunks, remarks);
        if (TW_PLANTED(ANSWER_CUT_SHORT))
            *chunk = NULL;
        *at += *chunk == NULL;
        if (is_full(shard, remarks))
            break;
    }
    tw_remarks_end_tick(remarks, shard->progress.tick.row);
    shard->progress.halfway = is_full(shard, remarks);
    return !shard->progress.halfway;
}

static bool remarks_in(const struct tw_shard *shard, const struct tw_tick *tick)
{
    int64_t every = shard->settings.rules.remark_seconds;
    return every > 0 && tick->time_ns / TW_NS_PER_SECOND / every > tick->second_before / every;
}

static struct tw_episode *exposure_episode(void *context, uint32_t key)
{
    return &tw_shard_symbol(context, key)->exposure;
}

static struct tw_episode *velocity_episode(void *context, uint32_t key)
{
    return &tw_shard_symbol(context, key)->velocity.episode;
}

struct tick_walk {
    struct tw_moment moment;
    struct tw_events *events;
};

/* The rule is off: what is open may end. */
static void end_exposure(struct tw_shard *shard, struct tw_symbol *symbol, const struct tick_walk *walk)
{
    tw_i128 value = exposure_of(shard, symbol);
    keep_before_verdict(shard, symbol, symbol->level, value, &symbol->exposure);
    tw_level_end(&shard->exposure, &symbol->exposure, symbol->id, symbol->level, value, &walk->moment, walk->events);
}

static int64_t tick_exposure(void *context, uint32_t key, const void *argument)
{
    const struct tick_walk *walk = argument;
    struct tw_shard *shard = context;
    struct tw_symbol *symbol = tw_shard_symbol(shard, key);
    if (shard->settings.rules.symbol_exposure.enabled)
        tw_shard_judge_exposure(shard, symbol, &walk->moment, walk->events);
    else
        end_exposure(shard, symbol, walk);
    return TW_LOOK_ALWAYS;
}

static int64_t tick_velocity(void *context, uint32_t key, const void *argument)
{
    const struct tick_walk *walk = argument;
    struct tw_shard *shard = context;
    struct tw_symbol *symbol = tw_shard_symbol(shard, key);
    struct tw_velocity_key *velocity = &symbol->velocity;
    int64_t window_ns = shard->settings.rules.velocity_window_ns;
    if (shard->saving.active)
        keep_before_verdict(shard, symbol, velocity->level,
                            tw_velocity_count_in_tick(velocity, window_ns, walk->moment.ts_ns), &velocity->episode);
    return tw_velocity_tick(&shard->velocity, velocity, key, window_ns, &walk->moment, walk->events);
}

/* A changed setting is judged from each key's next trade or tick on: this is the tick. */
static void judge_all(struct tw_shard *shard, const struct tick_walk *walk)
{
    const struct tw_rules *rules = &shard->settings.rules;
    bool counts = rules->velocity.enabled && rules->velocity_symbol;
    shard->judge_all = false;
    for (uint32_t i = 0; i < shard->symbol_count; i++) {
        uint32_t id = shard->symbols[i].id;
        if (id == 0)
            continue;
        tick_exposure(shard, id, walk);
        if (counts || tw_episode_open(velocity_episode(shard, id)))
            tick_velocity(shard, id, walk);
    }
}

static void judge_tick(struct tw_shard *shard, const struct tw_tick *tick, struct tw_shard_answer *answer)
{
    struct tick_walk walk = {{tick->origin, tick->time_ns, tick->row, TW_PHASE_TICK}, &answer->events};
    if (shard->judge_all) {
        judge_all(shard, &walk);
        return;
    }
    tw_rule_desk_walk(&shard->exposure, tick->time_ns, exposure_episode, tick_exposure, shard, &walk);
    tw_rule_desk_walk(&shard->velocity, tick->time_ns, velocity_episode, tick_velocity, shard, &walk);
}

bool tw_shard_tick(struct tw_shard *shard, struct tw_shard_answer *answer)
{
    const struct tw_tick *tick = &shard->progress.tick;
    if (!shard->progress.halfway) {
        shard->progress.symbol = 0;
        shard->progress.chunk = NULL;
    }
    if (remarks_in(shard, tick)) {
        if (!remark(shard, &answer->remarks))
            return false;
        shard->traded_count = 0;
    }
    judge_tick(shard, tick, answer);
    return true;
}

/* ---- busts ---- */

void tw_shard_retract(struct tw_shard *shard, uint64_t seq, tw_i128 quantity_e8, const struct tw_moment *moment,
                      struct tw_events *events)
{
    struct tw_openings *openings = &shard->openings;
    for (struct tw_opening *opening = tw_openings_first_of(openings, seq); opening != NULL;
         opening = tw_openings_next_of(openings, opening)) {
        struct tw_symbol *symbol = tw_shard_symbol(shard, opening->entity);
        struct tw_episode *episode = NULL;
        tw_i128 value = quantity_e8, threshold = symbol->large_trade_e8;
        bool has_episode = opening->rule != TW_RULE_LARGE_TRADE;
        if (has_episode)
            tw_shard_keep_symbol(shard, symbol);
        if (opening->rule == TW_RULE_SYMBOL_EXPOSURE) {
            episode = &symbol->exposure;
            value = exposure_of(shard, symbol);
            threshold = tw_level_tier(symbol->level, opening->severity);
        } else if (opening->rule == TW_RULE_VELOCITY) {
            episode = &symbol->velocity.episode;
            value = tw_velocity_count(&symbol->velocity);
            threshold = symbol->velocity.level->tier1;
        }
        struct tw_event *event = tw_opening_retract(openings, opening, episode, moment, events);
        if (has_episode)
            tw_velocity_wake(&symbol->velocity);
        event->value = value;
        event->threshold = threshold;
    }
}
