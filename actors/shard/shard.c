/* SPDX-License-Identifier: MIT
 *
 * A shard's step: walks the rows of a block in order and applies those of its symbols.
 */
#include "actors/shard/shard.h"

#include <stdlib.h>
#include <string.h>

#include "actors/judging/planted.h"
#include "actors/shard/shard_state.h"
#include "protocol/check.h"

struct tw_shard *tw_shard_new(uint32_t index, uint32_t shards)
{
    TW_ASSERT(shards >= 1 && index < shards && shards <= TW_SHARDS_MAX);
    struct tw_shard *shard = tw_alloc_zero(1, sizeof *shard);
    shard->index = index;
    shard->shards = shards;
    shard->answer_remarks = TW_ANSWER_REMARKS_MAX;
    shard->large_trade = (struct tw_rule_desk){
        .rule = TW_RULE_LARGE_TRADE, .entity_type = TW_ENTITY_TRADE, .openings = &shard->openings};
    shard->exposure = (struct tw_rule_desk){
        .rule = TW_RULE_SYMBOL_EXPOSURE, .entity_type = TW_ENTITY_SYMBOL, .openings = &shard->openings};
    shard->velocity = (struct tw_rule_desk){
        .rule = TW_RULE_VELOCITY, .entity_type = TW_ENTITY_SYMBOL, .openings = &shard->openings, .area = &shard->area};
    return shard;
}

void tw_shard_free(struct tw_shard **shard_pointer)
{
    struct tw_shard *shard = *shard_pointer;
    if (shard == NULL)
        return;
    for (uint32_t i = 0; i < shard->symbol_count; i++) {
        tw_window_free(&shard->symbols[i].velocity.window, &shard->area);
        free((void *)(uintptr_t)shard->symbols[i].name.bytes);
    }
    free(shard->symbols);
    tw_levels_clear(&shard->exposure_levels);
    tw_levels_clear(&shard->velocity_levels);
    free(shard->traded);
    tw_holdings_free(&shard->positions);
    tw_area_free(&shard->area);
    tw_openings_free(&shard->openings);
    tw_rule_desk_free(&shard->large_trade);
    tw_rule_desk_free(&shard->exposure);
    tw_rule_desk_free(&shard->velocity);
    tw_settings_free(&shard->settings);
    tw_saving_free(&shard->saving);
    free(shard);
    *shard_pointer = NULL;
}

void tw_shard_keep_on(struct tw_shard *shard, struct tw_shelf shelf)
{
    tw_archive_keep_on(&shard->openings.archive, shelf);
}

void tw_shard_pin_settings(struct tw_shard *shard, struct tw_text settings_text)
{
    tw_settings_pin(&shard->settings, settings_text);
    tw_shard_settings_changed(shard);
}

/* ---- one row ---- */

/* A trade or its reversal, as it moves a symbol. */
struct fill {
    uint32_t symbol, account;
    tw_i128 quantity_e8; /* > 0 */
    int64_t price_e8;
    int direction; /* +1 bought, -1 sold; 0 on prints */
};

static struct tw_term_change *add_change(struct tw_shard_answer *answer)
{
    if (answer->trade_count == answer->trade_capacity) {
        answer->trade_capacity = answer->trade_capacity == 0 ? TW_ANSWER_CHANGES : answer->trade_capacity * 2;
        answer->trades = tw_realloc(answer->trades, answer->trade_capacity * sizeof *answer->trades);
    }
    return &answer->trades[answer->trade_count++];
}

void tw_shard_mark_traded(struct tw_shard *shard, struct tw_symbol *symbol)
{
    if (symbol->traded)
        return;
    symbol->traded = true;
    if (shard->traded_count == shard->traded_capacity) {
        shard->traded_capacity = shard->traded_capacity == 0 ? 64 : shard->traded_capacity * 2;
        shard->traded = tw_realloc(shard->traded, shard->traded_capacity * sizeof *shard->traded);
    }
    shard->traded[shard->traded_count++] = symbol->id;
}

static void move_turnover(struct tw_shard *shard, struct tw_symbol *symbol, tw_i128 amount_e8)
{
    if (symbol->turnover_session != shard->clock.session) {
        symbol->turnover_session = shard->clock.session;
        symbol->turnover_e8 = 0;
    }
    symbol->turnover_e8 += amount_e8;
}

/* Moves the account's position by a signed quantity; `remarks` the position at the fill's price unless it is a
 * reversal. */
static void move_position(struct tw_shard *shard, struct tw_symbol *symbol, const struct fill *fill, tw_i128 signed_e8,
                          tw_i128 notional_e8, bool reversal, uint32_t row, struct tw_shard_answer *answer)
{
    struct tw_holding *position = tw_holdings_get(&shard->positions, &symbol->chunks, fill->account, fill->symbol);
    if (shard->saving.active)
        tw_shard_save_position(shard, fill->symbol, position);
    tw_i128 before = position->quantity_e8 == 0 ? 0 : tw_term(position->quantity_e8, position->price_e8);
    tw_i128 held = tw_abs128(position->quantity_e8);
    tw_holding_fill(position, signed_e8, fill->price_e8, notional_e8);
    if (!reversal)
        position->price_e8 = fill->price_e8;
    tw_i128 after = position->quantity_e8 == 0 ? 0 : tw_term(position->quantity_e8, position->price_e8);
    symbol->holdings_e8 += tw_abs128(position->quantity_e8) - held;
    symbol->net_e8 += signed_e8;
    *add_change(answer) = (struct tw_term_change){
        .gross = tw_abs128(after) - tw_abs128(before), .net = after - before, .row = row, .account = fill->account};
}

static void keep_leaving(struct tw_shard *shard, struct tw_symbol *symbol, const struct tw_moment *moment)
{
    if (shard->saving.active)
        tw_shard_save_leaving(shard, symbol, moment->ts_ns);
}

static void apply_fill(struct tw_shard *shard, struct tw_symbol *symbol, const struct fill *fill,
                       const struct tw_moment *moment, struct tw_shard_answer *answer)
{
    uint32_t row = moment->row;
    int64_t notional = tw_notional_known((int64_t)fill->quantity_e8, fill->price_e8);
    tw_shard_keep_symbol(shard, symbol);
    symbol->mark_e8 = fill->price_e8;
    tw_shard_mark_traded(shard, symbol);
    move_turnover(shard, symbol, notional);
    tw_latest_add(&symbol->latest, moment->origin.seq);
    if (shard->settings.rules.velocity_symbol) {
        keep_leaving(shard, symbol, moment);
        tw_velocity_enter(&shard->velocity, &symbol->velocity, shard->settings.rules.velocity_window_ns, moment);
    }
    if (fill->account != 0)
        move_position(shard, symbol, fill, fill->direction * fill->quantity_e8, notional, false, row, answer);
}

/* A reversing fill at the original price: marks and clocks stay; turnover goes back if it was counted in this session.
 */
static void reverse_fill(struct tw_shard *shard, struct tw_symbol *symbol, const struct fill *fill,
                         uint64_t original_seq, const struct tw_moment *moment, struct tw_shard_answer *answer)
{
    int64_t notional = tw_notional_known((int64_t)fill->quantity_e8, fill->price_e8);
    tw_shard_keep_symbol(shard, symbol);
    tw_latest_remove(&symbol->latest, original_seq);
    if (shard->settings.rules.velocity_symbol) {
        keep_leaving(shard, symbol, moment);
        tw_velocity_bust(&shard->velocity, &symbol->velocity, shard->settings.rules.velocity_window_ns, moment->ts_ns,
                         original_seq);
    }
    if (original_seq >= shard->clock.session_first)
        move_turnover(shard, symbol, -(tw_i128)notional);
    if (fill->account != 0)
        move_position(shard, symbol, fill, -fill->direction * fill->quantity_e8, notional, true, moment->row, answer);
}

static int direction_of(enum tw_side side)
{
    return side == TW_SIDE_BUY ? 1 : side == TW_SIDE_SELL ? -1 : 0;
}

static void judge_large_trade(struct tw_shard *shard, const struct tw_symbol *symbol, tw_i128 quantity_e8,
                              const struct tw_moment *moment, struct tw_events *events)
{
    if (!shard->settings.rules.large_trade_enabled || quantity_e8 <= symbol->large_trade_e8)
        return;
    struct tw_event *event = tw_opening_fire(&shard->large_trade, symbol->id, moment, TW_SEVERITY_HIGH, events);
    event->value = quantity_e8;
    event->threshold = symbol->large_trade_e8;
}

static void judge_symbol(struct tw_shard *shard, struct tw_symbol *symbol, const struct tw_moment *moment,
                         struct tw_events *events)
{
    const struct tw_rules *rules = &shard->settings.rules;
    if (rules->symbol_exposure.enabled)
        tw_shard_judge_exposure(shard, symbol, moment, events);
    if (rules->velocity.enabled && rules->velocity_symbol)
        tw_velocity_judge(&shard->velocity, &symbol->velocity, symbol->id, rules->velocity_window_ns, moment, events);
}

static struct tw_moment moment_of(const struct tw_block *block, uint32_t row)
{
    return (struct tw_moment){tw_block_origin(block, row), tw_load_i64(block->ts, row), row, TW_PHASE_TRADE};
}

static void step_trade(struct tw_shard *shard, const struct tw_block *block, uint32_t row,
                       struct tw_shard_answer *answer)
{
    struct tw_moment moment = moment_of(block, row);
    struct fill fill = {tw_load_u32(block->symbol, row), tw_load_u32(block->account, row), tw_load_i64(block->qty, row),
                        tw_load_i64(block->price, row), direction_of(TW_ATTR_SIDE(block->attrs[row]))};
    struct tw_symbol *symbol = tw_shard_symbol(shard, fill.symbol);
    apply_fill(shard, symbol, &fill, &moment, answer);
    judge_large_trade(shard, symbol, fill.quantity_e8, &moment, &answer->events);
    judge_symbol(shard, symbol, &moment, &answer->events);
}

/* A bust reverses; a correct reverses and puts the new trade in its place. Retracts come first, then each touched
 * symbol is judged once. */
static void step_reversal(struct tw_shard *shard, const struct tw_block *block, uint32_t row,
                          const struct tw_original *original, struct tw_shard_answer *answer)
{
    struct tw_moment moment = moment_of(block, row);
    bool correct = TW_ATTR_KIND(block->attrs[row]) == TW_KIND_CORRECT;
    uint32_t symbol_id = tw_load_u32(block->symbol, row);
    struct tw_symbol *old = tw_shard_has(shard, original->symbol) ? tw_shard_symbol(shard, original->symbol) : NULL;
    struct tw_symbol *new = correct &&tw_shard_has(shard, symbol_id) ? tw_shard_symbol(shard, symbol_id) : NULL;
    if (old != NULL) {
        struct fill fill = {original->symbol, original->account, original->qty_e8, original->price_e8,
                            direction_of((enum tw_side)original->side)};
        reverse_fill(shard, old, &fill, original->seq, &moment, answer);
    }
    tw_shard_retract(shard, original->seq, original->qty_e8, &moment, &answer->events);
    if (new != NULL) {
        struct fill fill = {symbol_id, tw_load_u32(block->account, row), tw_load_i64(block->qty, row),
                            tw_load_i64(block->price, row), direction_of(TW_ATTR_SIDE(block->attrs[row]))};
        apply_fill(shard, new, &fill, &moment, answer);
        judge_large_trade(shard, new, fill.quantity_e8, &moment, &answer->events);
    }
    if (old != NULL && old != new)
        judge_symbol(shard, old, &moment, &answer->events);
    if (new != NULL)
        judge_symbol(shard, new, &moment, &answer->events);
}

#define SLOT_AHEAD 16u /* rows: about a miss's time before the position is needed, twice */
#define POSITION_AHEAD 8u

static void expect_symbol(const struct tw_shard *shard, uint32_t id)
{
    if (!tw_shard_has(shard, id) || tw_shard_place(shard, id) >= shard->symbol_count)
        return;
    const char *symbol = (const char *)tw_shard_symbol(shard, id);
    for (size_t line = 0; line < sizeof(struct tw_symbol); line += 64)
        __builtin_prefetch(symbol + line, 1);
}

static void expect(const struct tw_shard *shard, const struct tw_block *block, uint32_t row)
{
    uint32_t slot = row + SLOT_AHEAD, position = row + POSITION_AHEAD;
    if (slot >= block->count)
        return;
    expect_symbol(shard, tw_load_u32(block->symbol, slot));
    tw_holdings_expect_slot(&shard->positions, tw_load_u32(block->account, slot), tw_load_u32(block->symbol, slot));
    tw_holdings_expect(&shard->positions, tw_load_u32(block->account, position), tw_load_u32(block->symbol, position));
}

/* Might the block have a row of this shard? Only to plant a bug with it. */
static bool concerns(const struct tw_shard *shard, const struct tw_block *block)
{
    if (block->original_count > 0)
        return true;
    for (uint32_t row = 0; row < block->count; row++)
        if (tw_shard_has(shard, tw_load_u32(block->symbol, row)))
            return true;
    return false;
}

/* From where it stands. False: the part of the answer is full. */
static bool step_block(struct tw_shard *shard, const struct tw_block *block, struct tw_shard_answer *answer)
{
    bool halfway = shard->progress.halfway;
    uint32_t row = halfway ? shard->progress.row : 0, originals = halfway ? shard->progress.originals : 0;
    if (!halfway)
        tw_shard_learn_names(shard, block);
    if (TW_PLANTED(EMPTY_EPOCH_SKIPPED) && !concerns(shard, block))
        return true;
    for (; row < block->count; row++) {
        if (halfway || tw_tape_clock_row(&shard->clock, block, row, &shard->progress.tick)) {
            halfway = false;
            if (!tw_shard_tick(shard, answer)) {
                shard->progress.row = row;
                shard->progress.originals = originals;
                return false;
            }
        }
        if (TW_ATTR_KIND(block->attrs[row]) != TW_KIND_TRADE) {
            struct tw_original original = tw_block_original(block, row, &originals);
            step_reversal(shard, block, row, &original, answer);
        } else if (tw_shard_has(shard, tw_load_u32(block->symbol, row))) {
            expect(shard, block, row);
            step_trade(shard, block, row, answer);
        }
    }
    tw_tape_clock_block_end(&shard->clock, block);
    return true;
}

static bool step_control(struct tw_shard *shard, const struct tw_control *control, struct tw_shard_answer *answer)
{
    if (!shard->progress.halfway) {
        if (tw_settings_take(&shard->settings, control))
            tw_shard_settings_changed(shard);
        if (control->kind == TW_CONTROL_RETENTION)
            tw_saving_forget(&shard->saving, &shard->openings, control->number);
        if (!tw_tape_clock_control(&shard->clock, control, &shard->progress.tick))
            return true;
    }
    return tw_shard_tick(shard, answer);
}

void tw_shard_limit_answers(struct tw_shard *shard, uint32_t changes)
{
    TW_ASSERT(changes >= 1 && changes <= TW_ANSWER_REMARKS_MAX);
    shard->answer_remarks = changes;
}

bool tw_shard_step(struct tw_shard *shard, const struct tw_record *record, struct tw_shard_answer *answer)
{
    answer->lsn = tw_record_lsn(record);
    answer->part = shard->progress.halfway ? shard->progress.part + 1 : 0;
    answer->trade_count = 0;
    tw_remarks_clear(&answer->remarks);
    tw_events_clear(&answer->events);
    if (record->kind == TW_RECORD_BLOCK) {
        TW_ASSERT(shard->settings.known || record->block.count == 0);
        answer->more = !step_block(shard, &record->block, answer);
    } else {
        answer->more = !step_control(shard, &record->control, answer);
    }
    shard->progress.part = answer->part;
    TW_ASSERT(answer->more == shard->progress.halfway);
    if (!answer->more)
        tw_openings_settle(&shard->openings);
    return !answer->more;
}

bool tw_shard_position(const struct tw_shard *shard, uint32_t account, uint32_t symbol, struct tw_position_view *out)
{
    const struct tw_holding *position = tw_holdings_find(&shard->positions, account, symbol);
    if (position == NULL)
        return false;
    tw_i128 worth = tw_term(position->quantity_e8, tw_shard_symbol(shard, symbol)->mark_e8);
    *out = (struct tw_position_view){.position_e8 = position->quantity_e8,
                                     .price_e8 = position->price_e8,
                                     .cost_e8 = position->cost_e8,
                                     .realised_e8 = position->realised_e8,
                                     .unrealised_e8 = position->quantity_e8 >= 0 ? worth - position->cost_e8
                                                                                 : worth + position->cost_e8};
    return true;
}
