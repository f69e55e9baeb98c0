/* SPDX-License-Identifier: MIT
 *
 * Rows of deliveries in groups (groups.c, groups_order.c), written in the batches of others, and what they share with
 * the other rows of deliveries (outbox.c). Private to store/.
 */
#ifndef TW_STORE_GROUPS_H
#define TW_STORE_GROUPS_H

#include "store/inside.h"

/* An event that waits for its group's message; its hash is not needed. */
void tw_groups_put_waiting(struct tw_store *store, rocksdb_writebatch_t *batch, const struct tw_store_waiting *it);
/* What came of a member of a message: it is one no longer, and may be told again. */
void tw_groups_put_end(struct tw_store *store, rocksdb_writebatch_t *batch, const struct tw_store_attempt *attempt);
/* Leaves out of the events for a receiver's message those that would overtake one of the same alert which goes by
 * itself and is pending still. Their order is lost (groups_order.c). */
bool tw_groups_leave_later(struct tw_store *store, struct tw_text receiver, struct tw_store_waiting *list,
                           uint32_t *count, struct tw_store_error *error);
/* The pending row that stands for a message (outbox.c). */
void tw_outbox_put_lead(struct tw_store *store, rocksdb_writebatch_t *batch, struct tw_text receiver, uint64_t n,
                        struct tw_text group, uint32_t repeat, int64_t queued_ns);
/* Event n is pending by itself, as that one is. */
void tw_outbox_put_alone(struct tw_store *store, rocksdb_writebatch_t *batch, const struct tw_store_delivery *like,
                         uint64_t n);

/* Always false: a row of them is not readable. */
bool tw_deliveries_damaged(const struct tw_store *store, const char *what, struct tw_store_error *error);
/* Keys in order of time: 'D', a sort, when it is due, n, receiver. So the next one comes first. Returns the length. */
#define TW_DUE_HEAD_BYTES 18u
#define TW_DUE_KEY_BYTES_MAX (TW_DUE_HEAD_BYTES + TW_RECEIVER_BYTES_MAX)
size_t tw_due_key(char sort, int64_t due_ns, uint64_t n, struct tw_text receiver, uint8_t key[TW_DUE_KEY_BYTES_MAX]);

#endif
