/* SPDX-License-Identifier: MIT
 *
 * By execution id: the tail first, then the index from its newest row backwards. Both only propose trades; the block
 * itself decides.
 */
#include <inttypes.h>

#include "store/index.h"

bool tw_index_damaged(const struct tw_store *store, const char *which, uint64_t seq, struct tw_store_error *error)
{
    tw_store_fail(error, TW_STORE_DAMAGED, "%s is damaged: the index by %s is not readable near trade %" PRIu64,
                  store->directory, which, seq);
    return false;
}

int tw_index_candidate(struct tw_store *store, uint64_t seq, const struct tw_id_query *query, struct tw_id_found *found,
                       struct tw_store_error *error)
{
    struct tw_frame *frame = NULL;
    struct tw_record record;
    if (!tw_store_block_of(store, seq, &frame, &record)) {
        if (seq <= tw_store_retained(store).seq)
            return 0;
        tw_index_damaged(store, "id", seq, error);
        return -1;
    }
    uint32_t row = (uint32_t)(seq - record.block.follows - 1);
    struct tw_text id = tw_block_id(&record.block, row);
    bool is = TW_ATTR_KIND(record.block.attrs[row]) != TW_KIND_BUST && id.length == query->id.length &&
              memcmp(id.bytes, query->id.bytes, id.length) == 0;
    if (is) {
        struct tw_buffer name = {0};
        is = tw_store_name(store, TW_NAME_SOURCE, tw_load_u32(record.block.source, row), &name, NULL) &&
             name.length == query->publisher.length && memcmp(name.bytes, query->publisher.bytes, name.length) == 0;
        tw_buffer_free(&name);
    }
    if (!is) {
        tw_frame_drop(&frame);
        return 0;
    }
    found->frame = frame;
    found->record = record;
    found->row = row;
    return 1;
}

/* Tries the row's entries up to `limit`, newest first. */
static int try_row(struct tw_store *store, struct tw_index_ids ids, uint64_t limit, const struct tw_id_query *query,
                   struct tw_id_found *found, struct tw_store_error *error)
{
    uint64_t candidates[TW_INDEX_LIST_MAX], seq;
    uint32_t count = 0, kept;
    int more;
    while ((more = tw_index_ids_next(&ids, &seq, &kept)) > 0)
        if (kept == tw_index_kept(query->hash) && seq <= limit && count < TW_INDEX_LIST_MAX)
            candidates[count++] = seq;
    if (more < 0) {
        tw_index_damaged(store, "id", ids.last, error);
        return -1;
    }
    int result = 0;
    while (result == 0 && count > 0)
        result = tw_index_candidate(store, candidates[--count], query, found, error);
    return result;
}

/* Places the iterator on the row of the bucket that may hold `limit`, or on the next older one. */
static void seek_bucket(rocksdb_iterator_t *iterator, const uint8_t key[TW_INDEX_ID_KEY_BYTES])
{
    rocksdb_iter_seek_for_prev(iterator, (const char *)key, TW_INDEX_ID_KEY_BYTES);
    size_t length = 0;
    const uint8_t *found = rocksdb_iter_valid(iterator) ? tw_iterator_key(iterator, &length) : NULL;
    if (length != TW_INDEX_ID_KEY_BYTES || memcmp(found, key, 3) != 0)
        rocksdb_iter_seek(iterator, (const char *)key, TW_INDEX_ID_KEY_BYTES);
}

static int find_indexed(struct tw_store *store, const struct tw_id_query *query, struct tw_id_found *found,
                        struct tw_store_error *error)
{
    uint64_t limit = tw_store_indexed_now(store).seq;
    if (query->before - 1 < limit)
        limit = query->before - 1;
    uint32_t bucket = tw_index_bucket(query->hash);
    uint8_t key[TW_INDEX_ID_KEY_BYTES] = {TW_INDEX_KEY_ID, (uint8_t)(bucket >> 8), (uint8_t)bucket};
    tw_put_u64_be(key + 3, ~limit);
    rocksdb_iterator_t *iterator = tw_store_iterate(store, TW_FAMILY_INDEX);
    int result = 0;
    for (seek_bucket(iterator, key); result == 0 && rocksdb_iter_valid(iterator); rocksdb_iter_next(iterator)) {
        size_t key_length = 0, value_length = 0;
        const uint8_t *its_key = tw_iterator_key(iterator, &key_length);
        if (key_length != sizeof key || memcmp(its_key, key, 3) != 0)
            break;
        uint64_t last = ~tw_get_u64_be(its_key + 3);
        const uint8_t *value = tw_iterator_value(iterator, &value_length);
        result = try_row(store, tw_index_ids_open(last, value, value_length), limit, query, found, error);
    }
    if (result == 0 && !tw_iterator_ok(store, iterator, "read the index of", error))
        result = -1;
    rocksdb_iter_destroy(iterator);
    return result;
}

bool tw_store_by_id(struct tw_store *store, struct tw_text publisher, struct tw_text id, uint64_t before,
                    struct tw_frame **frame, struct tw_record *record, uint32_t *row)
{
    if (before <= 1 || id.length == 0)
        return false;
    const struct tw_id_query query = {publisher, id, before, tw_index_id_hash(tw_publisher_hash(publisher), id)};
    struct tw_id_found found = {0};
    struct tw_store_error error;
    int result = 0;
    if (before - 1 > tw_store_indexed_now(store).seq)
        result = tw_index_tail_find(store, &query, &found, &error);
    /* How far the index reaches is asked again: it may have grown over what the tail has just left out. */
    if (result == 0)
        result = find_indexed(store, &query, &found, &error);
    if (result < 0)
        tw_store_note_damage(store, &error);
    if (result <= 0)
        return false;
    *frame = found.frame;
    *record = found.record;
    *row = found.row;
    return true;
}
