/* SPDX-License-Identifier: MIT
 *
 * Verification: one walk over the log, and beside it everything that was derived from it. Each part says what the log
 * makes it expect, and in the end whether there was anything else.
 */
#ifndef TW_STORE_VERIFY_H
#define TW_STORE_VERIFY_H

#include "store/index.h"

struct tw_verify {
    struct tw_store *store;
    struct tw_store_error *error;
    struct tw_store_head head;       /* as the log makes it */
    struct tw_store_head until;      /* as the store says it is in the end */
    struct tw_retained retained;     /* the log begins behind it; what was before is only known by its end */
    bool names_met[4], refusals_met; /* so that the first one kept tells how many went before */
    bool retention_met;              /* the record that allows it */
    uint64_t actions_met;            /* h of the newest one in the log */
    struct tw_store_indexed indexed; /* up to here the indexes must agree */

    /* verify_rows.c */
    struct tw_block_sources *sources;
    uint64_t *next; /* [source] its position; 0: none */
    uint32_t next_capacity;
    uint64_t place_rows, position_rows, refusal_rows;

    /* verify_index.c: sums of hashes that must come to 0 when the log's are taken from the index's */
    uint64_t *accounts, *symbols; /* [id] */
    uint32_t account_capacity, symbol_capacity;
    uint64_t buckets[TW_INDEX_BUCKETS];
    struct tw_publisher_hashes publishers;
    struct tw_store_indexed times; /* as in a run */
    rocksdb_iterator_t *time_rows;
};

/* Always false: says what is damaged. */
bool tw_verify_damaged(const struct tw_verify *verify, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Hash of a row, for sums that must agree. */
static inline uint64_t tw_verify_mix(uint64_t seq, uint64_t salt)
{
    uint64_t x = seq * UINT64_C(0x9e3779b97f4a7c15) ^ salt * UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 31;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 29;
}

/* Grows an array of zeros so that `id` is in it. */
void tw_verify_reach(uint64_t **array, uint32_t *capacity, uint32_t id);

/* Each: the record has not been taken into verify->head yet. */
bool tw_verify_rows_take(struct tw_verify *verify, const struct tw_record *record);
bool tw_verify_rows_end(struct tw_verify *verify);
bool tw_verify_index_take(struct tw_verify *verify, const struct tw_block *block);
bool tw_verify_index_end(struct tw_verify *verify);
bool tw_verify_alerts(struct tw_verify *verify);
bool tw_verify_action_take(struct tw_verify *verify, const struct tw_control *control);
bool tw_verify_actions(struct tw_verify *verify);
bool tw_verify_deliveries(struct tw_verify *verify);
bool tw_verify_snapshots(struct tw_verify *verify);

#endif
