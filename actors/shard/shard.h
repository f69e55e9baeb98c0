/* SPDX-License-Identifier: MIT
 *
 * A shard's core: the symbols whose id leaves remainder `index` when divided by the number of shards. It keeps their
 * marks and the positions in them, judges LARGE_TRADE, HIGH_SYMBOL_EXPOSURE and (if asked) the symbols' velocity, and
 * tells exposure how each trade and each re-marking changed the accounts' terms. It answers every record exactly once.
 *
 * Pure. One owner, one thread.
 */
#ifndef TW_SHARD_SHARD_H
#define TW_SHARD_SHARD_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/judging/event.h"
#include "actors/judging/shelf.h"
#include "protocol/log.h"
#include "protocol/snapshot.h"

struct tw_shard;
struct tw_shard *tw_shard_new(uint32_t index, uint32_t shards);
void tw_shard_free(struct tw_shard **shard);

/* Takes one record, or goes on with it; `answer` (zeroed or used before; its arrays are reused) is filled with the next
 * part of the answer. False: more follow, so the same record again, and nothing else before. */
bool tw_shard_step(struct tw_shard *shard, const struct tw_record *record, struct tw_shard_answer *answer);
/* A part ends once it has so many changes by re-marking, and the run of positions at hand (at most 255) is through:
 * TW_ANSWER_REMARKS_MAX unless a test wants fewer. */
void tw_shard_limit_answers(struct tw_shard *shard, uint32_t changes);
/* Where to keep the openings of ended alerts: before the first record or row. Taken over. */
void tw_shard_keep_on(struct tw_shard *shard, struct tw_shelf shelf);
/* Settings records of the log are ignored from now on, these are in force instead. */
void tw_shard_pin_settings(struct tw_shard *shard, struct tw_text settings_text);

/* ---- snapshots (judging/saving.h) ---- */
/* The state as it is now is to be saved: right after a SNAPSHOT record. */
void tw_shard_save_begin(struct tw_shard *shard);
bool tw_shard_saving(const struct tw_shard *shard); /* something is left to be saved */
/* Appends rows to `out` until about `bytes` were added or the state is whole; true: whole. It may step in between. */
bool tw_shard_save(struct tw_shard *shard, struct tw_buffer *out, size_t bytes);
/* Loads rows of a snapshot into a fresh core, in the order of the file; those of all saved shards to every shard.
 * False: the row is damaged. */
bool tw_shard_load(struct tw_shard *shard, struct tw_row_reader *row);
bool tw_shard_load_end(struct tw_shard *shard); /* false: something is missing, or does not agree */
/* Then: the term (signed) of each open position. False as soon as the visit says so. */
typedef bool (*tw_shard_term_visit)(void *context, uint32_t account, tw_i128 term_e8);
bool tw_shard_terms(const struct tw_shard *shard, tw_shard_term_visit visit, void *context);

/* ---- to look at (queries, tests) ---- */
struct tw_position_view {
    tw_i128 position_e8;
    int64_t price_e8;      /* at which the account's term stands */
    tw_i128 cost_e8;       /* what the open position cost (long) or brought in (short) */
    tw_i128 realised_e8;   /* profit and loss of what was closed, by average cost */
    tw_i128 unrealised_e8; /* of what is open, at the symbol's mark */
};
bool tw_shard_position(const struct tw_shard *shard, uint32_t account, uint32_t symbol, struct tw_position_view *out);

#endif
