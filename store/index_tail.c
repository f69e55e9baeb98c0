/* SPDX-License-Identifier: MIT
 *
 * Execution ids of the trades that the index has not reached yet. The table is filled only when somebody asks for an
 * id, and then goes on from where it stood: one bust costs a walk over the tail, a thousand cost the same walk.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "store/index.h"

#define TAIL_STALE_MIN                                                                                                 \
    (UINT64_C(1) << 18) /* trades that the index has reached meanwhile: not worth a new table yet                      \
                         */

struct tail_entry {
    uint64_t seq;
    uint32_t hash;  /* upper half */
    uint32_t older; /* entry + 1 of the next older one in the bucket; 0: none */
};

struct tw_index_tail {
    pthread_mutex_t lock;
    struct tw_publisher_hashes publishers;
    uint64_t first;    /* sequence from which on the table is complete; 0: empty */
    uint64_t lsn, seq; /* taken up to here */
    struct tail_entry *entries;
    uint32_t count, capacity;
    uint32_t *buckets, bucket_count; /* power of two; entry + 1 of the newest */
};

struct tw_index_tail *tw_index_tail_new(void)
{
    struct tw_index_tail *tail = tw_alloc_zero(1, sizeof *tail);
    pthread_mutex_init(&tail->lock, NULL);
    return tail;
}

void tw_index_tail_free(struct tw_index_tail **tail)
{
    if (*tail == NULL)
        return;
    pthread_mutex_destroy(&(*tail)->lock);
    tw_publisher_hashes_free(&(*tail)->publishers);
    free((*tail)->entries);
    free((*tail)->buckets);
    free(*tail);
    *tail = NULL;
}

/* ---- filling ---- */

static uint32_t *bucket_of(struct tw_index_tail *tail, uint32_t hash)
{
    return &tail->buckets[hash & (tail->bucket_count - 1u)];
}

static void grow(struct tw_index_tail *tail)
{
    tail->capacity = tail->capacity == 0 ? 4096 : 2 * tail->capacity;
    tail->entries = tw_realloc(tail->entries, tail->capacity * sizeof *tail->entries);
    tail->bucket_count = tail->capacity;
    tail->buckets = tw_realloc(tail->buckets, tail->bucket_count * sizeof *tail->buckets);
    memset(tail->buckets, 0, tail->bucket_count * sizeof *tail->buckets);
    for (uint32_t i = 0; i < tail->count; i++) { /* oldest first, so that each bucket begins with its newest */
        uint32_t *bucket = bucket_of(tail, tail->entries[i].hash);
        tail->entries[i].older = *bucket;
        *bucket = i + 1;
    }
}

static void add(struct tw_index_tail *tail, uint64_t id_hash, uint64_t seq)
{
    if (tail->count == tail->capacity)
        grow(tail);
    uint32_t hash = (uint32_t)(id_hash >> 32);
    uint32_t *bucket = bucket_of(tail, hash);
    tail->entries[tail->count] = (struct tail_entry){seq, hash, *bucket};
    *bucket = ++tail->count;
}

static bool add_block(struct tw_store *store, struct tw_index_tail *tail, const struct tw_block *block,
                      struct tw_store_error *error)
{
    struct tw_id_rows rows = tw_id_rows_of(block);
    struct tw_text id;
    uint32_t row;
    while (tw_id_rows_next(&rows, &row, &id)) {
        uint64_t publisher = tw_publisher_hash_of(&tail->publishers, store, tw_load_u32(block->source, row), error);
        if (publisher == 0)
            return false;
        add(tail, tw_index_id_hash(publisher, id), block->follows + 1 + row);
    }
    return true;
}

static void start_anew(struct tw_index_tail *tail, const struct tw_store_indexed *indexed)
{
    tail->first = indexed->seq + 1;
    tail->lsn = indexed->lsn;
    tail->seq = indexed->seq;
    tail->count = 0;
    if (tail->bucket_count > 0)
        memset(tail->buckets, 0, tail->bucket_count * sizeof *tail->buckets);
}

static bool catch_up(struct tw_store *store, struct tw_index_tail *tail, struct tw_store_error *error)
{
    struct tw_store_indexed indexed = tw_store_indexed_now(store);
    uint64_t stale = tail->first == 0 ? 0 : indexed.seq + 1 - tail->first;
    if (tail->first == 0 || indexed.seq > tail->seq ||
        (stale > TAIL_STALE_MIN && stale > (tail->seq - tail->first) / 2))
        start_anew(tail, &indexed);
    struct tw_retained retained = tw_store_retained(store);
    if (retained.lsn > tail->lsn) { /* what goes before it is taken need not be taken */
        tail->lsn = retained.lsn;
        tail->seq = retained.seq;
    }
    if (tw_store_head_now(store).seq == tail->seq)
        return true;
    struct tw_store_cursor *cursor = tw_store_read(store, tail->seq + 1, error);
    int more = cursor == NULL ? -1 : 1;
    struct tw_record record;
    while (more > 0 && (more = tw_store_next(cursor, &record, error)) > 0) {
        if (tw_record_lsn(&record) <= tail->lsn)
            continue;
        if (record.kind == TW_RECORD_BLOCK && !add_block(store, tail, &record.block, error))
            more = -1;
        tail->lsn = tw_record_lsn(&record);
        tail->seq = tw_record_last(&record);
    }
    tw_store_cursor_free(&cursor);
    if (more < 0)
        tail->first = 0; /* not complete */
    return more == 0;
}

/* ---- finding ---- */

/* Entry + 1 from which on the query's bucket is to be looked through. Who was given a trade and asks for the one before
 * it goes on behind that; entries are in the order of sequences. */
static uint32_t begin_of(struct tw_index_tail *tail, const struct tw_id_query *query, uint32_t hash)
{
    uint32_t low = 0, high = tail->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (tail->entries[middle].seq < query->before)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < tail->count && tail->entries[low].seq == query->before && tail->entries[low].hash == hash)
        return tail->entries[low].older;
    return tail->count == 0 ? 0 : *bucket_of(tail, hash);
}

static int find_in_table(struct tw_store *store, struct tw_index_tail *tail, const struct tw_id_query *query,
                         struct tw_id_found *found, struct tw_store_error *error)
{
    if (!catch_up(store, tail, error))
        return -1;
    uint32_t hash = (uint32_t)(query->hash >> 32);
    uint32_t at = begin_of(tail, query, hash);
    while (at != 0) {
        const struct tail_entry *entry = &tail->entries[at - 1];
        if (entry->hash == hash && entry->seq < query->before) {
            int is = tw_index_candidate(store, entry->seq, query, found, error);
            if (is != 0)
                return is;
        }
        at = entry->older;
    }
    return 0;
}

/* Newest row of the block that the query means; 1 found, 0 none, -1 *error. */
static int find_in_block(struct tw_store *store, const struct tw_block *block, const struct tw_id_query *query,
                         uint64_t *seq, struct tw_store_error *error)
{
    struct tw_publisher_hashes publishers = {0};
    struct tw_id_rows rows = tw_id_rows_of(block);
    struct tw_text id;
    uint32_t row;
    int found = 0;
    while (found >= 0 && tw_id_rows_next(&rows, &row, &id) && block->follows + 1 + row < query->before) {
        if (id.length != query->id.length || memcmp(id.bytes, query->id.bytes, id.length) != 0)
            continue;
        uint64_t publisher = tw_publisher_hash_of(&publishers, store, tw_load_u32(block->source, row), error);
        if (publisher == 0)
            found = -1;
        else if (publisher == tw_publisher_hash(query->publisher)) {
            *seq = block->follows + 1 + row;
            found = 1;
        }
    }
    tw_publisher_hashes_free(&publishers);
    return found;
}

static int find_in_log(struct tw_store *store, const struct tw_id_query *query, struct tw_id_found *found,
                       struct tw_store_error *error)
{
    uint64_t until = tw_store_indexed_now(store).seq, gone = tw_store_retained(store).seq;
    until = until > gone ? until : gone;
    uint8_t key[TW_LOG_KEY_BYTES];
    tw_log_key(key, query->before, 0);
    rocksdb_iterator_t *iterator =
        rocksdb_create_iterator_cf(store->db, store->read_through, store->families[TW_FAMILY_LOG]);
    struct tw_buffer unpacked = {0};
    int result = 0;
    rocksdb_iter_seek_for_prev(iterator, (const char *)key, sizeof key);
    for (; result == 0 && rocksdb_iter_valid(iterator); rocksdb_iter_prev(iterator)) {
        size_t key_length = 0, value_length = 0;
        const uint8_t *its_key = tw_iterator_key(iterator, &key_length);
        const uint8_t *value = tw_iterator_value(iterator, &value_length);
        struct tw_record record;
        uint64_t seq = 0;
        if (!tw_log_check(store, its_key, key_length, value, value_length, &unpacked, &record, error))
            result = -1;
        else if (tw_record_last(&record) <= until)
            break;
        else if (record.kind == TW_RECORD_BLOCK)
            result = find_in_block(store, &record.block, query, &seq, error);
        if (result > 0)
            result = tw_index_candidate(store, seq, query, found, error);
    }
    if (result == 0 && !tw_iterator_ok(store, iterator, "read the log of", error))
        result = -1;
    tw_buffer_free(&unpacked);
    rocksdb_iter_destroy(iterator);
    return result;
}

int tw_index_tail_find(struct tw_store *store, const struct tw_id_query *query, struct tw_id_found *found,
                       struct tw_store_error *error)
{
    struct tw_index_tail *tail = store->tail;
    pthread_mutex_lock(&tail->lock);
    uint64_t waiting = tw_store_head_now(store).seq - tw_store_indexed_now(store).seq;
    int result = waiting > store->tail_trades_max ? find_in_log(store, query, found, error)
                                                  : find_in_table(store, tail, query, found, error);
    pthread_mutex_unlock(&tail->lock);
    return result;
}
