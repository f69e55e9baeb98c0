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
#include "protocol/log.h"

struct tw_scorer;
struct tw_scorer *tw_scorer_new(void);
void tw_scorer_free(struct tw_scorer **scorer);
/* Takes one record; appends its judgements to `events`. */
void tw_scorer_step(struct tw_scorer *scorer, const struct tw_record *record, struct tw_events *events);
void tw_scorer_pin_settings(struct tw_scorer *scorer, struct tw_text settings_text);

#endif
