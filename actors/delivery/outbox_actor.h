/* SPDX-License-Identifier: MIT
 *
 * The delivery's side of the store: windows filled from what is pending, an alert rendered for an attempt, and what
 * came of attempts written down, together and before others are begun. The actor's thread only; blocks on the disk.
 */
#ifndef TW_DELIVERY_OUTBOX_ACTOR_H
#define TW_DELIVERY_OUTBOX_ACTOR_H

#include "actors/delivery/attempt_actor.h"
#include "actors/router/routes.h"
#include "store/store.h"

struct tw_outbox;
/* Borrows all; `routes` NULL: none. */
struct tw_outbox *tw_outbox_new(struct tw_store *store, struct tw_delivery *core, const struct tw_receivers *receivers,
                                const struct tw_routes *routes);
void tw_outbox_free(struct tw_outbox **outbox);

/* What time it is in the core, and by the wall clock, which may have been set back since the core's began. */
void tw_outbox_clocks(struct tw_outbox *outbox, int64_t core_ns, int64_t wall_ns);
uint64_t tw_outbox_last_alert(const struct tw_outbox *outbox);
/* False: what is pending cannot be read, `failure` says why. */
bool tw_outbox_fill(struct tw_outbox *outbox, char failure[512]);
bool tw_outbox_reads_on(const struct tw_outbox *outbox); /* that was not through: there is more to be read at once */
/* Fills the attempt's request. False: the alert cannot be read, the attempt says why. */
bool tw_outbox_render(struct tw_outbox *outbox, struct tw_attempt *attempt);

/* A digest of all that is pending for the attempt's receiver up to attempt->digest_until, which becomes the last of
 * them (and attempt->n; there are at most TW_DIGEST_ALERTS_MAX). False: nothing is pending any more. */
bool tw_outbox_render_digest(struct tw_outbox *outbox, struct tw_attempt *attempt, char failure[512]);

/* A group's message; of one alert that is new it is the alert itself. */
bool tw_outbox_render_group(struct tw_outbox *outbox, struct tw_attempt *attempt, char failure[512]);

/* ---- what came of it: noted, then committed as one batch ---- */
void tw_outbox_note(struct tw_outbox *outbox, const struct tw_attempt *attempt, const struct tw_delivery_effect *effect,
                    int64_t now_ns);
/* The same of a digest or a group's message, for each alert in it. */
void tw_outbox_note_digest(struct tw_outbox *outbox, const struct tw_attempt *attempt,
                           const struct tw_delivery_effect *effect, int64_t now_ns);
void tw_outbox_note_expired(struct tw_outbox *outbox, const struct tw_delivery_job *job, int64_t core_now_ns);
/* TW_STORE_FULL: nothing was written, the same is tried again from tw_outbox_retry_ns on. */
enum tw_store_status tw_outbox_commit(struct tw_outbox *outbox, int64_t core_now_ns, char failure[512]);
/* There are notes, and they may wait for more: few so far, and none that the store is going to be asked about. */
bool tw_outbox_gathers(const struct tw_outbox *outbox);
bool tw_outbox_has_notes(const struct tw_outbox *outbox);
int64_t tw_outbox_retry_ns(const struct tw_outbox *outbox); /* in the core's time; 0: nothing waits */

/* Whether dead letters were, since it was asked last; or something was held back that may go by now. */
bool tw_outbox_was_retried(struct tw_outbox *outbox);
void tw_outbox_cut_ledger(struct tw_outbox *outbox, int64_t before_wall_ns);

#endif
