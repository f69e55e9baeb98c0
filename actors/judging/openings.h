/* SPDX-License-Identifier: MIT
 *
 * The alerts that a core has opened, in order of their opening trade: a list of those that are open or have ended a
 * short while ago, and an archive of the others.
 */
#ifndef TW_JUDGING_OPENINGS_H
#define TW_JUDGING_OPENINGS_H

#include "actors/judging/archive.h"

struct tw_openings {
    struct tw_opening *list;
    uint32_t count, capacity;
    uint32_t ended; /* of the list, since they were last looked at for the archive */
    struct tw_archive archive;
    struct tw_found_openings found; /* in the archive, of the trade that was asked for last */
    /* The late ones are those in [from, until): a snapshot still has to write them as they were when they became late.
     * `was` tells it of those that have changed since, in order of the changes. While there are any, nothing moves. */
    struct {
        uint32_t from, until;
        struct tw_opening_was {
            uint32_t index;
            uint8_t severity, state;
        } * was;
        uint32_t was_count, was_capacity;
    } late;
};
struct tw_opening *tw_openings_add(struct tw_openings *openings, enum tw_rule rule, enum tw_entity_type entity_type,
                                   uint32_t entity, uint32_t entity2, struct tw_origin opening,
                                   enum tw_severity severity);
/* The alerts opened by trade `seq`, those that ended early first; NULL: no (other) one. They may be changed by
 * tw_openings_end, and what the archive has of them is not: a bust asks once. */
struct tw_opening *tw_openings_first_of(struct tw_openings *openings, uint64_t seq);
struct tw_opening *tw_openings_next_of(struct tw_openings *openings, struct tw_opening *opening);
/* The open alert of a rule and key that trade `seq` opened; NULL if there is none. */
struct tw_opening *tw_openings_open(const struct tw_openings *openings, uint64_t seq, enum tw_rule rule,
                                    uint32_t entity, uint32_t entity2);
/* Changes of one: it is worse than it was; it has ended. */
void tw_openings_raise(struct tw_openings *openings, struct tw_opening *opening, enum tw_severity severity);
void tw_openings_end(struct tw_openings *openings, struct tw_opening *opening, enum tw_opening_state state);
/* Between two records: those that have ended may move to the archive. */
void tw_openings_settle(struct tw_openings *openings);
/* Retention: those whose trade it drops go, unless they are open; none may be late but in the archive. */
void tw_openings_forget(struct tw_openings *openings, uint64_t last_seq);
/* All become late. */
void tw_openings_late_begin(struct tw_openings *openings);
static inline uint32_t tw_openings_late(const struct tw_openings *openings)
{
    return openings->late.until - openings->late.from;
}
/* The next `limit` late ones of the list, or as many as there are, as they were when they became so; they are late no
 * more. */
uint32_t tw_openings_late_take(struct tw_openings *openings, uint32_t limit, struct tw_opening *out);
/* As it was, at the end of the list; the list is sorted at the end of loading. */
void tw_openings_load(struct tw_openings *openings, const struct tw_opening *opening);
/* All; false as soon as the visit says so. */
bool tw_openings_each(const struct tw_openings *openings, tw_opening_visit visit, const void *context);
void tw_openings_free(struct tw_openings *openings);

#endif
