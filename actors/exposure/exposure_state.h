/* SPDX-License-Identifier: MIT
 *
 * What exposure knows; shared by its files only.
 */
#ifndef TW_EXPOSURE_EXPOSURE_STATE_H
#define TW_EXPOSURE_EXPOSURE_STATE_H

#include <stddef.h>

#include "actors/exposure/exposure.h"
#include "actors/judging/saving.h"
#include "actors/judging/settings.h"
#include "actors/judging/tape_clock.h"
#include "actors/judging/velocity.h"

/* Five cache lines, since nearly every trade is another account's and misses each line that it needs: the first is all
 * that re-marking needs, of the last two a trade writes one place. */
struct tw_account {
    struct tw_wide gross, net;
    struct tw_episode exposure;

    tw_i128 turnover_e8; /* of session `turnover_session` */
    uint32_t turnover_session;
    uint32_t touched; /* number of the tick that changed it */
    uint32_t saved;   /* number of the saving that wrote it */
    const struct tw_level *level;
    struct tw_velocity_key velocity; /* its window in the third line */
    struct tw_latest latest;
};
_Static_assert(offsetof(struct tw_account, turnover_e8) == 64, "a cache line");
_Static_assert(offsetof(struct tw_account, velocity.window) == 128, "a cache line");
_Static_assert(offsetof(struct tw_account, latest.seq) == 192, "a cache line");
_Static_assert(sizeof(struct tw_account) == 320, "five cache lines");

#define TW_ACCOUNTS_PER_PART 8192u

struct tw_exposure {
    uint32_t shards;
    struct tw_settings settings;
    bool judge_all; /* the settings changed: the next tick judges every key */
    struct tw_tape_clock clock;
    struct tw_account **accounts; /* by id, in parts: an account stays where it is */
    struct tw_text *names;        /* by id, owned; length 0: unknown id */
    uint32_t account_count;       /* places */
    uint32_t ticks;
    struct tw_touched {    /* accounts that the tick's re-marking changed */
        tw_i128 judged_e8; /* exposure before the tick */
        uint32_t id;
    } * touched;
    uint32_t touched_count, touched_capacity;
    struct tw_area area; /* of the windows */
    struct tw_openings openings;
    struct tw_rule_desk exposure, velocity;
    struct tw_levels exposure_levels, velocity_levels;
    struct tw_exposure_walk { /* where the record at hand stands */
        bool halfway;         /* in `tick`: the next part of the answer of `shard` is missing */
        uint32_t row, originals, shard;
        struct tw_tick tick;
        struct tw_exposure_place { /* in the part at hand of each shard's answer */
            uint32_t part, trade, tick;
        } at[TW_SHARDS_MAX];
    } walk;
    struct tw_saving saving;
    bool loaded;       /* the head of a snapshot was there */
    bool loaded_money; /* and rows of money: the snapshot is older */
};

void tw_exposure_reserve(struct tw_exposure *exposure, uint32_t id); /* a place for the account, of no name yet */
void tw_exposure_apply_settings(struct tw_exposure *exposure, uint32_t id);

static inline struct tw_account *tw_exposure_at(const struct tw_exposure *exposure, uint32_t id)
{
    return &exposure->accounts[id / TW_ACCOUNTS_PER_PART][id % TW_ACCOUNTS_PER_PART];
}
static inline bool tw_exposure_knows(const struct tw_exposure *exposure, uint32_t id)
{
    return id < exposure->account_count && exposure->names[id].length > 0;
}

/* exposure_save.c: before a change, writes for the snapshot under way what it still wants as it was: of an account all
 * but its window, or what leaves its window when a trade moves its clock. Gross and net are not written: they are the
 * sums of what the shards write, and re-marking may change them at will. */
void tw_exposure_save_account(struct tw_exposure *exposure, uint32_t id);
void tw_exposure_save_leaving(struct tw_exposure *exposure, uint32_t id, int64_t ts_ns);

#endif
