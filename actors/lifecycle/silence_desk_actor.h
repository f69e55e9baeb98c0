/* SPDX-License-Identifier: MIT
 *
 * The desk's part about silences: whether one can be added or ended, and how all of them stand. Both walk all actions.
 * Thread: any; may read the disk.
 */
#ifndef TW_LIFECYCLE_SILENCE_DESK_ACTOR_H
#define TW_LIFECYCLE_SILENCE_DESK_ACTOR_H

#include "protocol/action.h"
#include "store/store.h"

/* False with a sentence: matchers or hours that cannot be read, too many silences, or none that could be ended. */
bool tw_silence_desk_may(struct tw_store *store, const struct tw_action *action, struct tw_store_error *error);

/* Silences in order of h, an object a line: {"h","at","state","hidden","who","match","hours","starts","ends","why"};
 * `state` is pending, active, expired or ended (by somebody) at now_ns of the wall clock, `hidden` how many alert
 * events it hid. */
bool tw_silence_desk_list(struct tw_store *store, int64_t now_ns, struct tw_buffer *out, struct tw_store_error *error);
/* What rules of inhibition muted, an object a line: {"rule","muted","told","last_n"}: events, those of them that were
 * told later, the newest. */
bool tw_silence_desk_muted(struct tw_store *store, struct tw_buffer *out, struct tw_store_error *error);

#endif
