/* SPDX-License-Identifier: MIT
 *
 * What a shard knows; shared by its files only.
 */
#ifndef TW_SHARD_SHARD_STATE_H
#define TW_SHARD_SHARD_STATE_H

#include "actors/judging/saving.h"
#include "actors/judging/settings.h"
#include "actors/judging/tape_clock.h"
#include "actors/judging/velocity.h"
#include "actors/shard/holdings.h"
#include "actors/shard/shard.h"

struct tw_symbol {
    tw_i128 holdings_e8; /* sum over accounts of |position| */
    tw_i128 net_e8;      /* sum over accounts of position */
    tw_i128 turnover_e8; /* of session `turnover_session` */
    int64_t mark_e8;     /* price of the latest trade */
    int64_t marked_e8;   /* the mark of the last re-marking; 0: not known */
    int64_t before_e8;   /* the same as of the barrier, if it was re-marked since (`remarked`) */
    uint32_t remarked;   /* number of the saving during which that was */
    uint32_t id;
    uint32_t turnover_session;
    uint32_t saved; /* number of the saving that wrote it */
    bool traded;    /* since the last re-marking */
    int64_t large_trade_e8;
    const struct tw_level *level;
    struct tw_episode exposure;
    struct tw_latest latest;
    struct tw_velocity_key velocity;
    struct tw_holding_chunk *chunks;
    struct tw_text name; /* owned */
};

struct tw_shard {
    uint32_t index, shards;
    struct tw_settings settings;
    bool judge_all; /* the settings changed: the next tick judges every key */
    struct tw_tape_clock clock;
    struct tw_symbol *symbols; /* symbol id -> id / shards */
    uint32_t symbol_count;     /* places, some may be unknown yet (id 0) */
    struct tw_holding_table positions;
    struct tw_area area; /* of windows */
    uint32_t *traded;    /* symbols traded since the last re-marking */
    uint32_t traded_count, traded_capacity;
    struct tw_openings openings;
    struct tw_rule_desk large_trade, exposure, velocity;
    struct tw_levels exposure_levels, velocity_levels;
    uint32_t answer_remarks; /* in a part of an answer */
    struct {                 /* where the record at hand stands */
        bool halfway;        /* in the re-marking of `tick`: the part of the answer was full */
        uint32_t part, row, originals;
        uint32_t symbol; /* of `traded` */
        struct tw_tick tick;
        struct tw_holding_chunk *chunk; /* of the symbol; NULL: it is to be begun */
    } progress;
    struct tw_saving saving;
    bool loaded; /* the head of a snapshot was there */
    struct {     /* where the walk over the positions of the symbol at saving.cursor stands */
        struct tw_holding_chunk *chunk;
        uint32_t index;
    } walk;
};

static inline bool tw_shard_has(const struct tw_shard *shard, uint32_t symbol)
{
    return shard->shards == 1 || symbol % shard->shards == shard->index;
}
static inline struct tw_symbol *tw_shard_symbol(const struct tw_shard *shard, uint32_t symbol)
{
    return &shard->symbols[shard->shards == 1 ? symbol : symbol / shard->shards];
}

static inline uint32_t tw_shard_place(const struct tw_shard *shard, uint32_t symbol)
{
    return shard->shards == 1 ? symbol : symbol / shard->shards;
}

/* shard_save.c: before a change, writes for the snapshot under way what it still wants as it was: the symbol but for
 * its window and positions, what leaves its window when a trade moves its clock, one position. */
void tw_shard_save_symbol(struct tw_shard *shard, struct tw_symbol *symbol);
void tw_shard_save_leaving(struct tw_shard *shard, struct tw_symbol *symbol, int64_t ts_ns);
void tw_shard_save_position(struct tw_shard *shard, uint32_t symbol, struct tw_holding *position);
/* Around the first re-marking of a symbol behind a barrier: of each position that is open and stands at another price
 * than that of the last re-marking. The others, nearly all, need nothing: their price is known by the symbol. */
size_t tw_shard_prices_begin(struct tw_shard *shard, struct tw_symbol *symbol);
void tw_shard_save_price(struct tw_shard *shard, struct tw_holding *position);
void tw_shard_prices_end(struct tw_shard *shard, size_t began);

/* Before the symbol changes, a snapshot may want it as it is. */
static inline void tw_shard_keep_symbol(struct tw_shard *shard, struct tw_symbol *symbol)
{
    if (shard->saving.active)
        tw_shard_save_symbol(shard, symbol);
}

/* shard_symbols.c */
void tw_shard_reserve(struct tw_shard *shard, uint32_t symbol); /* a place for the symbol, of no id yet */
void tw_shard_apply_settings(struct tw_shard *shard, struct tw_symbol *symbol);
void tw_shard_mark_traded(struct tw_shard *shard, struct tw_symbol *symbol);
void tw_shard_learn_names(struct tw_shard *shard, const struct tw_block *block);
void tw_shard_settings_changed(struct tw_shard *shard);
void tw_shard_judge_exposure(struct tw_shard *shard, struct tw_symbol *symbol, const struct tw_moment *moment,
                             struct tw_events *events);
/* The tick in progress.tick, from where it stands. False: the part of the answer is full, and the tick is not over. */
bool tw_shard_tick(struct tw_shard *shard, struct tw_shard_answer *answer);
void tw_shard_retract(struct tw_shard *shard, uint64_t seq, tw_i128 quantity_e8, const struct tw_moment *moment,
                      struct tw_events *events);

#endif
