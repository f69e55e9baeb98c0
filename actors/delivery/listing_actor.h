/* SPDX-License-Identifier: MIT
 *
 * Deliveries for people and programs: the ledger, what is pending, and dead letters, an object of JSON a line; and dead
 * letters made pending again. Of a store in use or not, on any thread.
 */
#ifndef TW_DELIVERY_LISTING_ACTOR_H
#define TW_DELIVERY_LISTING_ACTOR_H

#include "protocol/pack.h"
#include "store/store.h"

enum tw_listing_state { TW_LISTING_ALL, TW_LISTING_PENDING, TW_LISTING_DELIVERED, TW_LISTING_DEAD };
#define TW_LISTING_NUMBERS_MAX 8u /* an alert has at most as many events: it opens, grows, ends */
struct tw_listing {
    enum tw_listing_state state;
    char receiver[TW_RECEIVER_BYTES_MAX + 1]; /* "": all */
    uint64_t numbers[TW_LISTING_NUMBERS_MAX]; /* of these alert events only; of all if there is none */
    uint32_t number_count;
    bool totals; /* not the rows, but how many of which kind each receiver has */
};
/* Where the next page begins; zeros: at the front. `receiver` and `n` of the last row of what is pending or dead, time
 * and ordinal of the last attempt. */
#define TW_LISTING_END 4u /* part: all was given */
struct tw_listing_place {
    uint32_t part; /* 0 ledger, 1 pending, 2 dead, 3 waiting in a group (ns is the group's hash) */
    char receiver[TW_RECEIVER_BYTES_MAX + 1];
    uint64_t n;
    int64_t ns;
    uint32_t ordinal;
};
/* Appends a page of lines and moves the place on, to TW_LISTING_END at last. Totals are those of the page, an object a
 * receiver: {"receiver","delivered","again","rejected","given_up","not_needed","pending","dead"}. */
bool tw_listing_page(struct tw_store *store, const struct tw_listing *listing, struct tw_listing_place *place,
                     struct tw_buffer *out, struct tw_store_error *error);

/* "ops/17" or a receiver's name alone (n 0: all of its dead letters). False: it is neither. */
bool tw_listing_id(const char *text, char receiver[TW_RECEIVER_BYTES_MAX + 1], uint64_t *n);

/* The same as texts, for who asks a daemon. `list STATE RECEIVER PLACE [N,N...]` and `totals STATE RECEIVER PLACE`,
 * with
 * - for no receiver; the answer begins with the next PLACE and a line feed. `retry RECEIVER N`; the answer is a count.
 */
#define TW_LISTING_COMMAND_BYTES 384u
void tw_listing_ask(const struct tw_listing *listing, const struct tw_listing_place *place,
                    char out[TW_LISTING_COMMAND_BYTES]);
/* Reads the answer's first line; *lines is what follows. False: it is no such answer. */
bool tw_listing_read(const char *answer, struct tw_listing_place *place, const char **lines);
bool tw_listing_command(struct tw_store *store, const char *command, int64_t wall_ns, struct tw_buffer *out,
                        struct tw_store_error *error);

#endif
