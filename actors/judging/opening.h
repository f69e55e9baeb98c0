/* SPDX-License-Identifier: MIT
 *
 * What opened an alert, kept so that a bust of that trade can retract it; and its short form, about a fifth of the
 * bytes, for those that have ended.
 *
 * protocol/SNAPSHOT.md has the short form byte by byte.
 */
#ifndef TW_JUDGING_OPENING_H
#define TW_JUDGING_OPENING_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/judging/event.h"

struct tw_opening {
    uint64_t seq, pseq;
    uint32_t source, entity, entity2;
    uint8_t rule, severity, entity_type; /* severity: the highest reached */
    uint8_t state;                       /* enum tw_opening_state */
};
_Static_assert(sizeof(struct tw_opening) == 32, "for each alert");
enum tw_opening_state { TW_OPENING_OPEN, TW_OPENING_ENDED, TW_OPENING_RETRACTED, TW_OPENING_STATES };

/* By trade; those of one trade stay as they came. */
void tw_sort_openings(struct tw_opening *list, uint32_t count);

/* Ended openings in order of their trades, in their short form: each says what differs from the one before it. */
#define TW_PACKED_BYTES_MAX 4096u
struct tw_packed_openings {
    uint32_t count, length;
    uint64_t first; /* seq */
    struct tw_opening last;
    uint8_t bytes[TW_PACKED_BYTES_MAX];
};
void tw_packed_clear(struct tw_packed_openings *packed);
/* False: it has no room. */
bool tw_packed_add(struct tw_packed_openings *packed, const struct tw_opening *opening);

/* Reading; `last` begins zeroed. What comes from a disk is the outside world: `bad` if it cannot be. */
struct tw_packed_reader {
    const uint8_t *at, *end;
    struct tw_opening last;
    bool bad;
};
bool tw_packed_next(struct tw_packed_reader *reader, struct tw_opening *opening); /* false: at the end, or bad */

#endif
