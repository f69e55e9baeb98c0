/* SPDX-License-Identifier: MIT
 *
 * Alert events by the id of their alert. A row for each would cost more than the alert itself: ids are hashes, so every
 * row goes to another place of RocksDB's memtable. So events wait in memory (the tail) and become a run of rows, one
 * for each first byte of the ids that has any, in the batch of the alert that fills the run; a start reads the tail
 * again from the alerts. README.md has the rows byte by byte.
 */
#ifndef TW_STORE_ALERT_IDS_H
#define TW_STORE_ALERT_IDS_H

#include "store/inside.h"

/* An entry of a row keeps so many bytes of the id behind the first, which is the row's. Others may share them (one pair
 * in 2^40): the alert itself decides. */
#define TW_ALERT_ID_KEPT_BYTES 4u
#define TW_ALERT_ID_BUCKETS 256u

/* Entries of a row, in ascending n. */
struct tw_alert_id_entries {
    const uint8_t *at, *end;
    uint64_t n;
    bool first;
};

/* The iterator stands on a row of a run: which bucket, and its entries. False: it stands on something else. */
bool tw_alert_id_row(const rocksdb_iterator_t *iterator, uint8_t *bucket, struct tw_alert_id_entries *entries);
/* Places it on the first row of that bucket, or behind. */
void tw_alert_id_seek(rocksdb_iterator_t *iterator, uint8_t bucket);
/* 1: given, *kept borrowed of TW_ALERT_ID_KEPT_BYTES; 0: end; -1: damaged. */
int tw_alert_id_next(struct tw_alert_id_entries *entries, uint64_t *n, const uint8_t **kept);

#endif
