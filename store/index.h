/* SPDX-License-Identifier: MIT
 *
 * The indexes' inside: what stands in family `index`, shared by the files that write, read and verify it. README.md has
 * its rows byte by byte.
 */
#ifndef TW_STORE_INDEX_H
#define TW_STORE_INDEX_H

#include "store/inside.h"

#define TW_INDEX_KEY_ACCOUNT 'a' /* group of accounts u32, first sequence u64 -> list of members and sequences */
#define TW_INDEX_KEY_ID 'i'      /* bucket u16, complement of the last sequence u64 -> list of hashes and sequences */
#define TW_INDEX_KEY_PROGRESS 'p'
#define TW_INDEX_KEY_SYMBOL 's' /* group of symbols u32, first sequence u64 -> list of members and sequences */
#define TW_INDEX_KEY_TIME 't'   /* event clock i64 -> sequence */

#define TW_INDEX_LIST_KEY_BYTES 13u
#define TW_INDEX_ID_KEY_BYTES 11u
#define TW_INDEX_TIME_KEY_BYTES 9u

/* Accounts and symbols whose ids share all but the low bits stand in one row: a row costs RocksDB more than a thousand
 * entries do, and most of many accounts trade a few times in a run. */
#define TW_INDEX_GROUP_BITS 6u
#define TW_INDEX_MEMBER_MASK ((1u << TW_INDEX_GROUP_BITS) - 1u)

/* Trades in one run, give or take a block. A row costs RocksDB some 3 us, and a run has a few thousand of them however
 * long it is; while the batch (up to 5 MiB) goes in, the journal waits: 10 to 20 ms. */
#define TW_INDEX_RUN_TRADES_MAX (1u << 19)
#define TW_INDEX_LIST_MAX 4096u                   /* sequences in one row */
#define TW_INDEX_TIME_SPACING_NS TW_NS_PER_SECOND /* between two rows of the time index */

/* An execution id's 64-bit hash: the top bits choose the bucket, the next ones are kept. 100 M trades make a bucket of
 * 49,000 entries (0.3 MiB to look through) and one wrong candidate in 340 look-ups. */
#define TW_INDEX_BUCKET_BITS 11u
#define TW_INDEX_BUCKETS (1u << TW_INDEX_BUCKET_BITS)
#define TW_INDEX_KEPT_BITS 24u
#define TW_INDEX_KEPT_BYTES (TW_INDEX_KEPT_BITS / 8u)
#define TW_INDEX_HASH_BITS (TW_INDEX_BUCKET_BITS + TW_INDEX_KEPT_BITS)

/* ---- index_list.c: sequences as differences ---- */

/* Reads a group's list: each entry is the difference to the sequence before it (to the key's for the first: 0), and the
 * member's low bits below it. */
struct tw_index_list {
    const uint8_t *at, *end;
    uint64_t seq;
    bool first;
};
struct tw_index_list tw_index_list_open(uint64_t first, const uint8_t *value, size_t length);
/* 1: given, 0: end, -1: damaged */
int tw_index_list_next(struct tw_index_list *list, uint32_t *member, uint64_t *seq);

/* Reads a list of ids, ascending too. */
struct tw_index_ids {
    const uint8_t *at, *end;
    uint64_t seq, last;
    bool first;
};
struct tw_index_ids tw_index_ids_open(uint64_t last, const uint8_t *value, size_t length);
int tw_index_ids_next(struct tw_index_ids *ids, uint64_t *seq, uint32_t *kept);

/* ---- index_sort.c ---- */
/* Sorts by the bits [shift, shift + bits) of each element, keeping the order of equal ones. The two arrays may change
 * places. */
void tw_index_sort(uint64_t **elements, uint64_t **scratch, uint32_t count, uint32_t shift, uint32_t bits);

/* ---- index_hash.c: hashes of (publisher, execution id) ---- */

/* Publishers' hashes by source, looked up once. One owner, one thread. */
struct tw_publisher_hashes {
    uint64_t *hashes; /* [source]; 0: not known yet */
    uint32_t capacity;
    struct tw_buffer name;
};
void tw_publisher_hashes_free(struct tw_publisher_hashes *publishers);
uint64_t tw_publisher_hash(struct tw_text publisher);
/* 0: the source has no name, *error */
uint64_t tw_publisher_hash_of(struct tw_publisher_hashes *publishers, struct tw_store *store, uint32_t source,
                              struct tw_store_error *error);
uint64_t tw_index_id_hash(uint64_t publisher_hash, struct tw_text id);
static inline uint32_t tw_index_bucket(uint64_t id_hash)
{
    return (uint32_t)(id_hash >> (64u - TW_INDEX_BUCKET_BITS));
}
static inline uint32_t tw_index_kept(uint64_t id_hash)
{
    return (uint32_t)(id_hash >> (64u - TW_INDEX_HASH_BITS)) & ((1u << TW_INDEX_KEPT_BITS) - 1u);
}

/* Visits the rows of a block whose execution ids are indexed (trades and corrects that have one). */
struct tw_id_rows {
    const struct tw_block *block;
    uint32_t row, offset;
};
static inline struct tw_id_rows tw_id_rows_of(const struct tw_block *block)
{
    return (struct tw_id_rows){block, 0, 0};
}
static inline bool tw_id_rows_next(struct tw_id_rows *rows, uint32_t *row, struct tw_text *id)
{
    const struct tw_block *block = rows->block;
    if (block->id_length == NULL)
        return false;
    while (rows->row < block->count) {
        uint32_t at = rows->row++;
        uint8_t length = block->id_length[at];
        id->bytes = (const char *)block->ids + rows->offset;
        id->length = length;
        rows->offset += length;
        if (length != 0 && TW_ATTR_KIND(block->attrs[at]) != TW_KIND_BUST) {
            *row = at;
            return true;
        }
    }
    return false;
}

/* ---- the time index ---- */

/* Takes the times of the next block that has trades. True: before it the event clock stood at `indexed->time_ns`, far
 * enough from the row before for a row of its own, and whoever looks for a later time may start at this block. */
bool tw_index_take_times(struct tw_store_indexed *indexed, const struct tw_block *block);

/* ---- by execution id ---- */

struct tw_id_query {
    struct tw_text publisher, id;
    uint64_t before; /* sequences below this */
    uint64_t hash;   /* tw_index_id_hash of the two */
};
struct tw_id_found {
    struct tw_frame *frame;
    struct tw_record record;
    uint32_t row;
};
/* index_tail.c: the latest trade under this id that the index has not reached (or had not, lately). 1 found, 0 none,
 * -1 *error. */
int tw_index_tail_find(struct tw_store *store, const struct tw_id_query *query, struct tw_id_found *found,
                       struct tw_store_error *error);
/* index_id.c: is the trade `seq` what the query means? As above. */
int tw_index_candidate(struct tw_store *store, uint64_t seq, const struct tw_id_query *query, struct tw_id_found *found,
                       struct tw_store_error *error);

/* Always false. */
bool tw_index_damaged(const struct tw_store *store, const char *which, uint64_t seq, struct tw_store_error *error);

#endif
