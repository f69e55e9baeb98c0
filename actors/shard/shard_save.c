/* SPDX-License-Identifier: MIT
 *
 * A shard's part of a snapshot. Positions are written one by one, not symbol by symbol: the first trade of a large
 * symbol after the barrier must not write all its holders. Re-marking changes the price of most positions and nothing
 * else of them; most stood at the mark of the re-marking before, which their symbol remembers, and only the prices of
 * the others are written before they change.
 */
#include "actors/shard/shard_state.h"
#include "protocol/check.h"

enum row { ROW_HEAD = TW_ROW_OWN, ROW_SYMBOL, ROW_POSITIONS, ROW_PRICES, ROW_WINDOW };

#define POSITIONS_PER_ROW 256u
#define PRICE_ELSEWHERE INT64_C(-1) /* in a row of prices */
#define LOADED_PRICE 1u             /* of tw_holding.saved, until the end of loading */
#define LOADED_REST 2u

/* ---- saving ---- */

void tw_shard_save_symbol(struct tw_shard *shard, struct tw_symbol *symbol)
{
    struct tw_buffer *out = &shard->saving.rows;
    if (!tw_saving_takes(&shard->saving, &symbol->saved))
        return;
    size_t began = tw_row_begin(out, ROW_SYMBOL);
    tw_put_u32(out, symbol->id);
    tw_put_text(out, symbol->name);
    tw_put_i128(out, symbol->holdings_e8);
    tw_put_i128(out, symbol->net_e8);
    tw_put_i128(out, symbol->turnover_e8);
    tw_put_u32(out, symbol->turnover_session);
    tw_put_i64(out, symbol->mark_e8);
    tw_save_episode(out, &symbol->exposure);
    tw_save_latest(out, &symbol->latest);
    tw_save_velocity(out, &symbol->velocity, &shard->area);
    tw_row_end(out, began);
}

static struct tw_window_rows window_rows(const struct tw_symbol *symbol)
{
    return (struct tw_window_rows){ROW_WINDOW, symbol->id};
}

void tw_shard_save_leaving(struct tw_shard *shard, struct tw_symbol *symbol, int64_t ts_ns)
{
    tw_save_before_clock(&shard->saving, window_rows(symbol), &symbol->velocity,
                         shard->settings.rules.velocity_window_ns, ts_ns);
}

/* Of tw_holding.saved. */
static uint32_t price_saved(const struct tw_shard *shard)
{
    return 2 * shard->saving.number;
}
static uint32_t all_saved(const struct tw_shard *shard)
{
    return 2 * shard->saving.number + 1;
}

/* As of the barrier. */
static int64_t price_of(const struct tw_shard *shard, const struct tw_symbol *symbol, const struct tw_holding *position)
{
    if (position->saved == price_saved(shard))
        return PRICE_ELSEWHERE;
    bool remarked = symbol->remarked == shard->saving.number && position->quantity_e8 != 0;
    return remarked ? symbol->before_e8 : position->price_e8;
}

/* True if it was to be written. */
static bool put_position(struct tw_shard *shard, const struct tw_symbol *symbol, struct tw_holding *position)
{
    struct tw_buffer *out = &shard->saving.rows;
    if (position->saved == all_saved(shard))
        return false;
    int64_t price = price_of(shard, symbol, position);
    position->saved = all_saved(shard);
    tw_put_u32(out, position->account);
    tw_put_i128(out, position->quantity_e8);
    tw_put_i128(out, position->cost_e8);
    tw_put_i128(out, position->realised_e8);
    tw_put_i64(out, price);
    return true;
}

static size_t begin_positions(struct tw_buffer *out, uint32_t symbol)
{
    size_t began = tw_row_begin(out, ROW_POSITIONS);
    tw_put_u32(out, symbol);
    return began;
}

void tw_shard_save_position(struct tw_shard *shard, uint32_t symbol, struct tw_holding *position)
{
    if (position->saved == all_saved(shard))
        return;
    size_t began = begin_positions(&shard->saving.rows, symbol);
    put_position(shard, tw_shard_symbol(shard, symbol), position);
    tw_row_end(&shard->saving.rows, began);
}

/* Looks at the next positions of the symbol that the walk stands in, at most a row of them. */
static void walk_positions(struct tw_shard *shard)
{
    struct tw_buffer *out = &shard->saving.rows;
    const struct tw_symbol *symbol = &shard->symbols[shard->saving.cursor - 1];
    size_t before = out->length, began = begin_positions(out, symbol->id);
    uint32_t written = 0;
    for (uint32_t seen = 0; shard->walk.chunk != NULL && seen < POSITIONS_PER_ROW;) {
        if (shard->walk.index == shard->walk.chunk->count) {
            shard->walk.chunk = shard->walk.chunk->next;
            shard->walk.index = 0;
            continue;
        }
        written += put_position(shard, symbol, &shard->walk.chunk->list[shard->walk.index++]);
        seen++;
    }
    tw_row_end(out, began);
    if (written == 0)
        out->length = before;
}

size_t tw_shard_prices_begin(struct tw_shard *shard, struct tw_symbol *symbol)
{
    symbol->remarked = shard->saving.number;
    symbol->before_e8 = symbol->marked_e8;
    size_t began = tw_row_begin(&shard->saving.rows, ROW_PRICES);
    tw_put_u32(&shard->saving.rows, symbol->id);
    return began;
}

void tw_shard_save_price(struct tw_shard *shard, struct tw_holding *position)
{
    if (position->saved >= price_saved(shard))
        return;
    position->saved = price_saved(shard);
    tw_put_u32(&shard->saving.rows, position->account);
    tw_put_i64(&shard->saving.rows, position->price_e8);
}

void tw_shard_prices_end(struct tw_shard *shard, size_t began)
{
    struct tw_buffer *out = &shard->saving.rows;
    tw_row_end(out, began);
    if (out->length == began + TW_SNAPSHOT_ROW_HEAD_BYTES + sizeof(uint32_t)) /* none */
        out->length = began;
}

void tw_shard_save_begin(struct tw_shard *shard)
{
    tw_saving_begin(&shard->saving);
    shard->positions.saving = all_saved(shard);
    shard->walk.chunk = NULL;
    struct tw_buffer *out = &shard->saving.rows;
    tw_save_settings(out, &shard->settings);
    tw_save_clock(out, &shard->clock);
    tw_openings_late_begin(&shard->openings);
    size_t began = tw_row_begin(out, ROW_HEAD);
    tw_put_u8(out, shard->judge_all);
    tw_put_u32(out, shard->traded_count);
    for (uint32_t i = 0; i < shard->traded_count; i++)
        tw_put_u32(out, shard->traded[i]);
    tw_row_end(out, began);
}

bool tw_shard_saving(const struct tw_shard *shard)
{
    return tw_saving_left(&shard->saving);
}

/* One step of the walk over symbols, their windows and their positions; false at its end. */
static bool walk(struct tw_shard *shard)
{
    struct tw_saving *saving = &shard->saving;
    if (tw_save_late_openings(saving, &shard->openings))
        return true;
    if (shard->walk.chunk != NULL) {
        walk_positions(shard);
        return true;
    }
    if (saving->cursor >= shard->symbol_count)
        return tw_save_archive(saving, &shard->openings);
    struct tw_symbol *symbol = &shard->symbols[saving->cursor];
    if (symbol->id != 0) {
        tw_shard_save_symbol(shard, symbol);
        if (tw_save_late_window(saving, window_rows(symbol), &symbol->velocity.window))
            return true;
        shard->walk.chunk = symbol->chunks;
        shard->walk.index = 0;
    }
    saving->cursor++;
    return true;
}

bool tw_shard_save(struct tw_shard *shard, struct tw_buffer *out, size_t bytes)
{
    struct tw_saving *saving = &shard->saving;
    for (uint32_t i = 0; i < TW_SAVING_STEPS && saving->active && tw_saving_waiting(saving) < bytes; i++)
        saving->active = walk(shard);
    return tw_saving_hand_out(saving, out, bytes);
}

/* ---- loading ---- */

static bool load_head(struct tw_shard *shard, struct tw_row_reader *row)
{
    shard->loaded = true;
    shard->judge_all = tw_get_u8(row) != 0;
    uint32_t count = tw_get_u32(row);
    for (uint32_t i = 0; i < count && !row->bad; i++) {
        uint32_t id = tw_get_u32(row);
        if (id == 0 || id > TW_SYMBOLS_MAX)
            return false;
        if (!tw_shard_has(shard, id))
            continue;
        tw_shard_reserve(shard, id);
        struct tw_symbol *symbol = tw_shard_symbol(shard, id);
        if (symbol->id == 0) { /* its row is still to come */
            symbol->id = id;
            tw_shard_mark_traded(shard, symbol);
            symbol->id = 0;
        } else {
            tw_shard_mark_traded(shard, symbol);
        }
    }
    return tw_row_whole(row);
}

static bool load_symbol(struct tw_shard *shard, struct tw_row_reader *row)
{
    uint32_t id = tw_get_u32(row);
    struct tw_text name = tw_get_text(row);
    if (row->bad || id == 0 || id > TW_SYMBOLS_MAX || name.length == 0 || name.length > TW_SYMBOL_BYTES_MAX)
        return false;
    if (!tw_shard_has(shard, id))
        return true;
    tw_shard_reserve(shard, id);
    struct tw_symbol *symbol = tw_shard_symbol(shard, id);
    if (symbol->id != 0)
        return false;
    symbol->id = id;
    symbol->name = (struct tw_text){tw_strndup(name.bytes, name.length), name.length};
    symbol->holdings_e8 = tw_get_i128(row);
    symbol->net_e8 = tw_get_i128(row);
    symbol->turnover_e8 = tw_get_i128(row);
    symbol->turnover_session = tw_get_u32(row);
    symbol->mark_e8 = tw_get_i64(row);
    return tw_load_episode(row, &symbol->exposure) && tw_load_latest(row, &symbol->latest) &&
           tw_load_velocity(row, &symbol->velocity, &shard->area) && tw_row_whole(row);
}

/* Comes behind its symbol. */
static bool load_window(struct tw_shard *shard, struct tw_row_reader *row)
{
    uint32_t id = tw_get_u32(row);
    if (row->bad || id == 0 || id > TW_SYMBOLS_MAX)
        return false;
    if (!tw_shard_has(shard, id))
        return true;
    if (tw_shard_place(shard, id) >= shard->symbol_count || tw_shard_symbol(shard, id)->id == 0)
        return false;
    return tw_load_window(row, &tw_shard_symbol(shard, id)->velocity.window, &shard->area);
}

static struct tw_holding *position_for(struct tw_shard *shard, uint32_t symbol, uint32_t account)
{
    if (account == 0 || account > TW_ACCOUNTS_MAX)
        return NULL;
    return tw_holdings_get(&shard->positions, &tw_shard_symbol(shard, symbol)->chunks, account, symbol);
}

static bool load_price(struct tw_holding *position, int64_t price_e8, bool may_be_elsewhere)
{
    if (price_e8 == PRICE_ELSEWHERE)
        return may_be_elsewhere;
    if (price_e8 < 0 || (position->saved & LOADED_PRICE) != 0)
        return false;
    position->saved |= LOADED_PRICE;
    position->price_e8 = price_e8;
    return true;
}

static bool load_positions(struct tw_shard *shard, struct tw_row_reader *row)
{
    uint32_t id = tw_get_u32(row);
    if (row->bad || id == 0 || id > TW_SYMBOLS_MAX)
        return false;
    if (!tw_shard_has(shard, id))
        return true;
    tw_shard_reserve(shard, id);
    while (row->at < row->end) {
        struct tw_holding *position = position_for(shard, id, tw_get_u32(row));
        if (position == NULL || (position->saved & LOADED_REST) != 0)
            return false;
        position->saved |= LOADED_REST;
        position->quantity_e8 = tw_get_i128(row);
        position->cost_e8 = tw_get_i128(row);
        position->realised_e8 = tw_get_i128(row);
        if (!load_price(position, tw_get_i64(row), true) || row->bad)
            return false;
    }
    return true;
}

/* May come before the positions. */
static bool load_prices(struct tw_shard *shard, struct tw_row_reader *row)
{
    uint32_t id = tw_get_u32(row);
    if (row->bad || id == 0 || id > TW_SYMBOLS_MAX)
        return false;
    if (!tw_shard_has(shard, id))
        return true;
    tw_shard_reserve(shard, id);
    while (row->at < row->end) {
        struct tw_holding *position = position_for(shard, id, tw_get_u32(row));
        if (position == NULL || !load_price(position, tw_get_i64(row), false) || row->bad)
            return false;
    }
    return true;
}

/* Nothing of any position is missing. */
static bool positions_are_whole(const struct tw_symbol *symbol)
{
    for (struct tw_holding_chunk *chunk = symbol->chunks; chunk != NULL; chunk = chunk->next)
        for (uint32_t i = 0; i < chunk->count; i++) {
            if (chunk->list[i].saved != (LOADED_PRICE | LOADED_REST))
                return false;
            chunk->list[i].saved = 0;
        }
    return true;
}

static bool is_mine(const void *context, const struct tw_opening *opening)
{
    return tw_shard_has(context, opening->entity);
}

bool tw_shard_load(struct tw_shard *shard, struct tw_row_reader *row)
{
    switch (row->kind) {
    case TW_ROW_SETTINGS:
        return tw_load_settings(row, &shard->settings);
    case TW_ROW_CLOCK:
        return tw_load_clock(row, &shard->clock);
    case TW_ROW_OPENINGS:
    case TW_ROW_ENDED_OPENINGS:
        return tw_load_openings(row, &shard->openings, is_mine, shard);
    case ROW_HEAD:
        return load_head(shard, row);
    case ROW_SYMBOL:
        return load_symbol(shard, row);
    case ROW_POSITIONS:
        return load_positions(shard, row);
    case ROW_PRICES:
        return load_prices(shard, row);
    case ROW_WINDOW:
        return load_window(shard, row);
    default:
        return false;
    }
}

static bool visit_positions(const struct tw_symbol *symbol, tw_shard_term_visit visit, void *context)
{
    for (const struct tw_holding_chunk *chunk = symbol->chunks; chunk != NULL; chunk = chunk->next)
        for (uint32_t i = 0; i < chunk->count; i++) {
            const struct tw_holding *position = &chunk->list[i];
            if (position->quantity_e8 != 0 &&
                !visit(context, position->account, tw_term(position->quantity_e8, position->price_e8)))
                return false;
        }
    return true;
}

bool tw_shard_terms(const struct tw_shard *shard, tw_shard_term_visit visit, void *context)
{
    for (uint32_t i = 0; i < shard->symbol_count; i++)
        if (!visit_positions(&shard->symbols[i], visit, context))
            return false;
    return true;
}

static bool is_known(const void *context, const struct tw_opening *opening)
{
    const struct tw_shard *shard = context;
    return tw_shard_place(shard, opening->entity) < shard->symbol_count &&
           tw_shard_symbol(shard, opening->entity)->id != 0;
}

bool tw_shard_load_end(struct tw_shard *shard)
{
    if (!shard->loaded || !shard->settings.known)
        return false;
    if (!tw_load_openings_end(&shard->openings, is_known, shard))
        return false;
    for (uint32_t i = 0; i < shard->symbol_count; i++) {
        struct tw_symbol *symbol = &shard->symbols[i];
        if (symbol->id == 0) {
            if (symbol->chunks != NULL || symbol->traded)
                return false;
            continue;
        }
        if (!positions_are_whole(symbol) || !tw_window_is_whole(&symbol->velocity.window))
            return false;
        tw_shard_apply_settings(shard, symbol);
        if (!tw_episode_relist(&shard->exposure, &symbol->exposure, symbol->id, symbol->id, 0) ||
            !tw_episode_relist(&shard->velocity, &symbol->velocity.episode, symbol->id, symbol->id, 0))
            return false;
    }
    return true;
}
