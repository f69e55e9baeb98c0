/* SPDX-License-Identifier: MIT
 *
 * What an alert's record only names, looked up in the store for people: the trades that made it, and since when it is
 * open. What is not there (any more) is left out. The delivery's thread; reads the disk, at most a block a trade.
 */
#ifndef TW_DELIVERY_EVIDENCE_ACTOR_H
#define TW_DELIVERY_EVIDENCE_ACTOR_H

#include "actors/delivery/picture.h"
#include "store/store.h"

struct tw_evidence { /* zero-initialise, free with tw_evidence_free */
    struct tw_letter_trade trades[TW_ALERT_TRADES_MAX];
    struct tw_curve curve;
    struct tw_buffer png;
};
/* Fills the letter's since_ns and trades; `evidence` is to outlive it. */
void tw_evidence_look_up(struct tw_store *store, struct tw_letter *letter, struct tw_evidence *evidence);
/* Draws what was looked up, if there is enough of it. */
void tw_evidence_draw(struct tw_letter *letter, struct tw_evidence *evidence);
void tw_evidence_free(struct tw_evidence *evidence);

#endif
