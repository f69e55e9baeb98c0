/* SPDX-License-Identifier: MIT
 *
 * The scorer's core: judges how unusual each trade is. Now the z-score of the notional (ANOMALY_DETECTED), exact in
 * integers; models come later through the same door.
 *
 * Pure. One owner, one thread.
 */
#ifndef TW_SCORER_SCORER_H
#define TW_SCORER_SCORER_H

#include <stdint.h>

#include "actors/judging/event.h"
#include "actors/judging/shelf.h"
#include "protocol/log.h"
#include "protocol/snapshot.h"

struct tw_scorer;
struct tw_scorer *tw_scorer_new(void);
void tw_scorer_free(struct tw_scorer **scorer);
/* Takes one record; appends its judgements to `events`. */
void tw_scorer_step(struct tw_scorer *scorer, const struct tw_record *record, struct tw_events *events);
/* Where to keep the openings of ended alerts: before the first record or row. Taken over. */
void tw_scorer_keep_on(struct tw_scorer *scorer, struct tw_shelf shelf);
void tw_scorer_pin_settings(struct tw_scorer *scorer, struct tw_text settings_text);

/* ---- snapshots (judging/saving.h) ---- */
/* The state as it is now is to be saved: right after a SNAPSHOT record. */
void tw_scorer_save_begin(struct tw_scorer *scorer);
bool tw_scorer_saving(const struct tw_scorer *scorer); /* something is left to be saved */
/* Appends rows to `out` until about `bytes` were added or the state is whole; true: whole. It may step in between. */
bool tw_scorer_save(struct tw_scorer *scorer, struct tw_buffer *out, size_t bytes);
/* Loads rows of a snapshot into a fresh core, in the order of the file. False: the row is damaged. */
bool tw_scorer_load(struct tw_scorer *scorer, struct tw_row_reader *row);
bool tw_scorer_load_end(struct tw_scorer *scorer); /* false: something is missing, or does not agree */

#endif
