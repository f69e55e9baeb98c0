/* SPDX-License-Identifier: MIT
 *
 * What the scorer knows; shared by its files only.
 */
#ifndef TW_SCORER_SCORER_STATE_H
#define TW_SCORER_SCORER_STATE_H

#include "actors/judging/episode.h"
#include "actors/judging/saving.h"
#include "actors/judging/settings.h"
#include "actors/judging/tape_clock.h"
#include "actors/scorer/scorer.h"
#include "actors/scorer/statistics.h"

struct tw_scorer_key {
    struct tw_statistics statistics;
    int64_t clock_ns, last_hit_ns;
    struct tw_episode episode;
    uint32_t saved;           /* number of the saving that wrote it */
    bool used;                /* a trade was there */
    uint32_t entity, entity2; /* by the key in force: symbol; account and symbol; none */
};

/* Pairs (account, symbol) to places in `keys`; used with that key only. */
struct tw_scorer_pairs {
    uint64_t *pairs;
    uint32_t *places;
    uint32_t count, capacity;
};

struct tw_scorer {
    struct tw_settings settings;
    struct tw_tape_clock clock;
    enum tw_statistics_key keyed_by; /* what `keys` are keyed by */
    struct tw_scorer_key *keys;      /* by symbol id, by place of the pair, or the one at 0 */
    uint32_t key_count;              /* places */
    struct tw_area area;             /* of the samples */
    struct tw_scorer_pairs pairs;
    struct tw_openings openings;
    struct tw_rule_desk anomaly;
    struct tw_saving saving;
    bool left;       /* there may be open alerts of another key: without an episode; the next tick ends them */
    bool keys_saved; /* all at once, before they were forgotten */
    bool loaded;     /* the head of a snapshot was there */
};

struct tw_scorer_key *tw_scorer_key_at(struct tw_scorer *scorer, uint32_t place); /* made if new; until the next call */
uint32_t tw_scorer_pair_place(struct tw_scorer_pairs *pairs, uint32_t account, uint32_t symbol); /* made if new */
void tw_scorer_key_by(struct tw_scorer *scorer, enum tw_statistics_key key);

/* scorer_save.c: before a change, writes for the snapshot under way what it still wants as it was: the key, or all
 * that is by keys. */
void tw_scorer_save_key(struct tw_scorer *scorer, struct tw_scorer_key *key);
void tw_scorer_save_rest(struct tw_scorer *scorer);

#endif
