/* SPDX-License-Identifier: MIT
 *
 * Recorded alerts, read along with the derived ones and compared byte for byte; only detected_at, which is the clock of
 * the machine, may differ. The first difference is named by its field.
 */
#ifndef TW_TOOLS_REPLAY_COMPARE_H
#define TW_TOOLS_REPLAY_COMPARE_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/router/router.h"
#include "store/store.h"

#define TW_DIFFERENCE_TEXT_BYTES 256u

struct tw_difference {
    uint64_t n; /* of the alert; 0: there is none */
    char field[64];
    char recorded[TW_DIFFERENCE_TEXT_BYTES], derived[TW_DIFFERENCE_TEXT_BYTES]; /* values as text */
};

struct tw_compare;
struct tw_compare *tw_compare_new(struct tw_store *store);
void tw_compare_free(struct tw_compare **compare); /* NULL is fine */
/* The next derived alert, in order of n from any on. One that is not recorded (yet) is no difference. False: the
 * recorded one cannot be read, *error. */
bool tw_compare_take(struct tw_compare *compare, const struct tw_router_alert *alert, struct tw_store_error *error);
uint64_t tw_compare_count(const struct tw_compare *compare); /* compared so far */
const struct tw_difference *tw_compare_first(const struct tw_compare *compare);

/* Names what differs between two records (maps with the same keys in the same order, or anything else). */
void tw_compare_records(struct tw_text recorded, struct tw_text derived, struct tw_difference *out);

#endif
