/* SPDX-License-Identifier: MIT
 *
 * The exposure aggregator's core: sums what the shards report into every account's exposure, and judges
 * HIGH_CLIENT_EXPOSURE and the accounts' HIGH_TRANSACTION_VELOCITY, in global sequence order. It needs the answers of
 * all shards to a record before it takes it, so the number of shards cannot change a result.
 *
 * Pure. One owner, one thread.
 */
#ifndef TW_EXPOSURE_EXPOSURE_H
#define TW_EXPOSURE_EXPOSURE_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/judging/event.h"
#include "actors/judging/shelf.h"
#include "protocol/log.h"
#include "protocol/snapshot.h"

struct tw_exposure;
struct tw_exposure *tw_exposure_new(uint32_t shards);
void tw_exposure_free(struct tw_exposure **exposure);

/* Takes one record with an answer of each shard: answers[i] is the first part of shard i's, all for this record.
 * Appends its own judgements and the shards' to `events`. Returns TW_EXPOSURE_DONE, or the shard whose answer's next
 * part is missing: the one before is used up, and with the next in its place the same record goes on. */
#define TW_EXPOSURE_DONE UINT32_MAX
uint32_t tw_exposure_step(struct tw_exposure *exposure, const struct tw_record *record,
                          struct tw_shard_answer *const *answers, struct tw_events *events);
/* Where to keep the openings of ended alerts: before the first record or row. Taken over. */
void tw_exposure_keep_on(struct tw_exposure *exposure, struct tw_shelf shelf);
void tw_exposure_pin_settings(struct tw_exposure *exposure, struct tw_text settings_text);

/* ---- snapshots (judging/saving.h) ---- */
/* The state as it is now is to be saved: right after a SNAPSHOT record. */
void tw_exposure_save_begin(struct tw_exposure *exposure);
bool tw_exposure_saving(const struct tw_exposure *exposure); /* something is left to be saved */
/* Appends rows to `out` until about `bytes` were added or the state is whole; true: whole. It may step in between. */
bool tw_exposure_save(struct tw_exposure *exposure, struct tw_buffer *out, size_t bytes);
/* Loads rows of a snapshot into a fresh core, in the order of the file. False: the row is damaged. */
bool tw_exposure_load(struct tw_exposure *exposure, struct tw_row_reader *row);
/* Before the end: an open position of a shard that was loaded; an account's exposure is the sum of them. */
bool tw_exposure_load_term(struct tw_exposure *exposure, uint32_t account, tw_i128 term_e8);
bool tw_exposure_load_end(struct tw_exposure *exposure); /* false: something is missing, or does not agree */

/* ---- to look at ---- */
struct tw_account_view {
    tw_i128 gross_e8, net_e8, turnover_e8; /* saturated at 2^127 - 1 */
    tw_i128 exposure_e8;                   /* by the measure in force */
    uint32_t trades_in_window;
    uint8_t severity; /* of the open exposure alert, or none */
};
bool tw_exposure_account(const struct tw_exposure *exposure, uint32_t account, struct tw_account_view *out);

#endif
