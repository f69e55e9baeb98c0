/* SPDX-License-Identifier: MIT
 *
 * Silences: from when to when nobody is told of alerts that match. An alert is hidden by the first that was recorded
 * and has not ended, whose matchers all hold and whose hours contain the moment. Pure: times and local clocks are the
 * caller's.
 */
#ifndef TW_LIFECYCLE_SILENCES_H
#define TW_LIFECYCLE_SILENCES_H

#include "protocol/action.h"
#include "protocol/matcher.h"

struct tw_silences;
struct tw_silences *tw_silences_new(void);
void tw_silences_free(struct tw_silences **silences);

/* The next action, in order of h; those that are no silences are passed by. False: a silence that cannot be read, or
 * one too many; it hides nothing. */
bool tw_silences_take(struct tw_silences *silences, const struct tw_action_message *message);
uint32_t tw_silences_count(const struct tw_silences *silences); /* that had not ended when the last one was taken */
/* The silence (h) that hides an alert with these labels at a moment of the wall clock; 0: none. `local_s`: what local
 * clocks show then (protocol/hours.h). */
uint64_t tw_silences_hide(const struct tw_silences *silences, const struct tw_labels *labels, int64_t at_ns,
                          int64_t local_s);

/* Why a silence's matchers or hours cannot be read, the end of a sentence; NULL: they can. */
const char *tw_silence_fault(const struct tw_action *action, char why[TW_MATCHER_WHY_BYTES]);

#endif
