/* SPDX-License-Identifier: MIT
 *
 * What one message covers: all that is pending for a receiver up to some n (a digest), or a group's message. The
 * delivery's thread; reads the disk.
 */
#ifndef TW_DELIVERY_COVERING_ACTOR_H
#define TW_DELIVERY_COVERING_ACTOR_H

#include "store/store.h"

struct tw_covered {
    uint64_t n, lead; /* lead: of the group's message that it is a member of; 0: none */
    int64_t queued_ns;
    uint32_t repeat, group_length;
    uint8_t id[TW_ALERT_ID_BYTES]; /* of a member; of others while it is wanted */
    char group[TW_GROUP_BYTES_MAX];
};
struct tw_covering { /* in order of n; zero-initialise, free with tw_covering_free */
    struct tw_covered *list;
    uint32_t count, capacity;
};
/* About TW_DIGEST_ALERTS_MAX of them, the first ones; if some go in groups, without those that have an older event of
 * their alert elsewhere. */
bool tw_covering_pending(struct tw_store *store, struct tw_text receiver, uint64_t until, bool groups,
                         struct tw_covering *out, struct tw_store_error *error);
bool tw_covering_group(struct tw_store *store, struct tw_text receiver, uint64_t lead, struct tw_covering *out,
                       struct tw_store_error *error);
void tw_covering_free(struct tw_covering *covering);

#endif
