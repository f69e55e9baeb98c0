/* SPDX-License-Identifier: MIT
 *
 * Log records, verified. Every record stands behind the chain before it and the chain after it, so that one record
 * alone can be checked, and a walk in order sees that nothing is missing in between.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "store/packed.h"

static bool damaged_record(const struct tw_store *store, uint64_t lsn, const char *why, struct tw_store_error *error)
{
    tw_store_fail(error, TW_STORE_DAMAGED, "%s is damaged: record %" PRIu64 " of the log: %s; restore it from a backup",
                  store->directory, lsn, why);
    return false;
}

/* Bounds of key and value. *length: that of the record, unpacked if it is packed. */
static bool measure(const struct tw_store *store, const uint8_t *key, size_t key_length, const uint8_t *value,
                    size_t value_length, size_t *length, struct tw_store_error *error)
{
    if (key_length != TW_LOG_KEY_BYTES)
        return damaged_record(store, 0, "its key has the wrong length", error);
    uint64_t lsn = tw_get_u64_be(key + 8);
    if (value_length <= TW_LOG_PREFIX_BYTES || value_length > TW_LOG_PREFIX_BYTES + TW_BLOCK_BYTES_MAX)
        return damaged_record(store, lsn, "its length is impossible", error);
    *length = value_length - TW_LOG_PREFIX_BYTES;
    if (tw_is_packed(value + TW_LOG_PREFIX_BYTES, *length))
        *length = tw_packed_record_bytes(value + TW_LOG_PREFIX_BYTES, *length);
    return *length > 0 || damaged_record(store, lsn, "its packed form is not readable", error);
}

static bool unpack(const struct tw_store *store, const uint8_t *key, const uint8_t *value, size_t value_length,
                   uint8_t *record, size_t length, struct tw_store_error *error)
{
    uint64_t follows = tw_get_u64_be(key), lsn = tw_get_u64_be(key + 8);
    return tw_packed_take(value + TW_LOG_PREFIX_BYTES, value_length - TW_LOG_PREFIX_BYTES, follows, lsn, record,
                          length) ||
           damaged_record(store, lsn, "its packed form is not readable", error);
}

/* `prefix`: the two chains. */
static bool check_record(const struct tw_store *store, const uint8_t *key, const uint8_t *prefix, const uint8_t *bytes,
                         size_t length, struct tw_record *record, struct tw_store_error *error)
{
    uint64_t lsn = tw_get_u64_be(key + 8);
    struct tw_chain previous;
    memcpy(previous.bytes, prefix, sizeof previous);
    struct tw_chain chain = tw_chain_next(previous, bytes, length);
    if (memcmp(chain.bytes, prefix + sizeof previous, sizeof chain) != 0)
        return damaged_record(store, lsn, "its bytes are not those that were written", error);
    const char *why = NULL;
    if (!tw_record_decode(bytes, length, record, &why))
        return damaged_record(store, lsn, why, error);
    if (tw_record_lsn(record) != lsn || tw_record_follows(record) != tw_get_u64_be(key))
        return damaged_record(store, lsn, "it stands under another record's key", error);
    return true;
}

bool tw_log_check(const struct tw_store *store, const uint8_t *key, size_t key_length, const uint8_t *value,
                  size_t value_length, struct tw_buffer *unpacked, struct tw_record *record,
                  struct tw_store_error *error)
{
    size_t length = 0;
    if (!measure(store, key, key_length, value, value_length, &length, error))
        return false;
    const uint8_t *bytes = value + TW_LOG_PREFIX_BYTES;
    if (tw_is_packed(bytes, value_length - TW_LOG_PREFIX_BYTES)) {
        unpacked->length = 0;
        tw_buffer_reserve(unpacked, length);
        if (!unpack(store, key, value, value_length, unpacked->bytes, length, error))
            return false;
        bytes = unpacked->bytes;
    }
    return check_record(store, key, value, bytes, length, record, error);
}

/* ---- one record ---- */

/* The two chains and the record behind them, whole again if it was packed. */
static bool copy_record(const struct tw_store *store, const uint8_t *key, const uint8_t *value, size_t value_length,
                        struct tw_frame *copy, struct tw_store_error *error)
{
    if (!tw_is_packed(value + TW_LOG_PREFIX_BYTES, value_length - TW_LOG_PREFIX_BYTES)) {
        memcpy(copy->bytes, value, value_length);
        return true;
    }
    memcpy(copy->bytes, value, TW_LOG_PREFIX_BYTES);
    return unpack(store, key, value, value_length, copy->bytes + TW_LOG_PREFIX_BYTES,
                  copy->length - TW_LOG_PREFIX_BYTES, error);
}

/* A copy that outlives what RocksDB lends. */
static bool take_copy(struct tw_store *store, const uint8_t *key, size_t key_length, const uint8_t *value,
                      size_t value_length, struct tw_frame **frame, struct tw_record *record,
                      struct tw_store_error *error)
{
    size_t length = 0;
    if (!measure(store, key, key_length, value, value_length, &length, error))
        return false;
    struct tw_frame *copy = tw_frame_new(TW_LOG_PREFIX_BYTES + length);
    copy->length = TW_LOG_PREFIX_BYTES + length;
    if (!copy_record(store, key, value, value_length, copy, error) ||
        !check_record(store, key, copy->bytes, copy->bytes + TW_LOG_PREFIX_BYTES, length, record, error)) {
        tw_frame_drop(&copy);
        return false;
    }
    if (record->kind == TW_RECORD_BLOCK)
        tw_block_cache_add(&store->cache, copy, record);
    *frame = copy;
    return true;
}

bool tw_store_take(struct tw_store *store, const rocksdb_iterator_t *iterator, struct tw_frame **frame,
                   struct tw_record *record, struct tw_store_error *error)
{
    size_t key_length = 0, value_length = 0;
    const uint8_t *key = tw_iterator_key(iterator, &key_length);
    const uint8_t *value = tw_iterator_value(iterator, &value_length);
    return take_copy(store, key, key_length, value, value_length, frame, record, error);
}

bool tw_store_load(struct tw_store *store, uint64_t follows, uint64_t lsn, struct tw_frame **frame,
                   struct tw_record *record, struct tw_store_error *error)
{
    if (tw_block_cache_by_lsn(&store->cache, lsn, frame, record))
        return true;
    uint8_t key[TW_LOG_KEY_BYTES];
    tw_log_key(key, follows, lsn);
    char *message = NULL;
    rocksdb_pinnableslice_t *slice = rocksdb_get_pinned_cf(store->db, store->read_once, store->families[TW_FAMILY_LOG],
                                                           (const char *)key, sizeof key, &message);
    if (message != NULL) {
        tw_store_fail_rocksdb(error, store->directory, "read", message);
        return false;
    }
    if (slice == NULL)
        return damaged_record(store, lsn, "it is missing", error);
    size_t length = 0;
    const uint8_t *value = (const uint8_t *)rocksdb_pinnableslice_value(slice, &length);
    bool taken = take_copy(store, key, sizeof key, value, length, frame, record, error);
    rocksdb_pinnableslice_destroy(slice);
    return taken;
}

bool tw_store_load_or_note(struct tw_store *store, uint64_t follows, uint64_t lsn, struct tw_frame **frame,
                           struct tw_record *record)
{
    struct tw_store_error error;
    if (lsn <= tw_store_retained(store).lsn)
        return false;
    if (tw_store_load(store, follows, lsn, frame, record, &error))
        return true;
    if (lsn > tw_store_retained(store).lsn) /* it may have been dropped in between */
        tw_store_note_damage(store, &error);
    return false;
}

/* ---- the end of the log ---- */

/* The head must name the last record, and that record must be whole. */
bool tw_store_read_head(struct tw_store *store, struct tw_store_error *error)
{
    const struct tw_store_head *head = &store->head;
    rocksdb_iterator_t *iterator = tw_store_iterate(store, TW_FAMILY_LOG);
    rocksdb_iter_seek_to_last(iterator);
    bool ok = tw_iterator_ok(store, iterator, "read the log of", error);
    if (ok && !rocksdb_iter_valid(iterator)) {
        if (head->lsn != 0)
            ok = damaged_record(store, head->lsn, "the log is empty, but should end with it", error);
    } else if (ok) {
        size_t key_length = 0, value_length = 0;
        const uint8_t *key = tw_iterator_key(iterator, &key_length);
        const uint8_t *value = tw_iterator_value(iterator, &value_length);
        struct tw_buffer unpacked = {0};
        struct tw_record record;
        ok = tw_log_check(store, key, key_length, value, value_length, &unpacked, &record, error);
        if (ok && (tw_record_lsn(&record) != head->lsn || tw_record_last(&record) != head->seq ||
                   memcmp(value + sizeof head->chain, head->chain.bytes, sizeof head->chain) != 0))
            ok = damaged_record(store, head->lsn, "the log does not end with it, as its head says", error);
        tw_buffer_free(&unpacked);
    }
    rocksdb_iter_destroy(iterator);
    return ok;
}

/* ---- the cursor ---- */

struct tw_store_cursor {
    struct tw_store *store;
    rocksdb_iterator_t *iterator;
    struct tw_buffer unpacked; /* the record that was given out, if it was packed */
    struct tw_chain chain;     /* after the record before the next one */
    uint64_t lsn, seq;         /* of the record before the next one */
    uint64_t end_lsn;          /* the log was at least this long when the cursor was made */
    bool anchored;             /* chain, lsn and seq are known; otherwise the first record tells them */
    bool started;              /* the iterator stands on a record that was given out */
};

/* Places the iterator on the first record that matters for `from_seq`: the block that holds it, or the control records
 * that stand directly before it. */
static void seek(rocksdb_iterator_t *iterator, uint64_t from_seq)
{
    uint64_t follows = from_seq == 0 ? 0 : from_seq - 1;
    uint8_t key[TW_LOG_KEY_BYTES];
    tw_log_key(key, follows, UINT64_MAX);
    rocksdb_iter_seek_for_prev(iterator, (const char *)key, sizeof key);
    if (rocksdb_iter_valid(iterator)) {
        size_t length = 0;
        const uint8_t *found = tw_iterator_key(iterator, &length);
        if (length == TW_LOG_KEY_BYTES && tw_get_u64_be(found) < follows)
            return; /* the block that holds it, or (beyond the end) the last record */
    }
    tw_log_key(key, follows, 0);
    rocksdb_iter_seek(iterator, (const char *)key, sizeof key);
}

/* A cursor over what is there from now on, and what is dropped in it: retention may go on while the iterator is made.
 */
static struct tw_store_cursor *new_cursor(struct tw_store *store, struct tw_retained *retained)
{
    struct tw_store_cursor *cursor = tw_alloc_zero(1, sizeof *cursor);
    cursor->store = store;
    cursor->end_lsn = tw_store_head_now(store).lsn; /* before the iterator, which sees at least as much */
    for (;;) {
        *retained = tw_store_retained(store);
        cursor->iterator = rocksdb_create_iterator_cf(store->db, store->read_through, store->families[TW_FAMILY_LOG]);
        if (tw_store_retained(store).lsn == retained->lsn)
            return cursor;
        rocksdb_iter_destroy(cursor->iterator);
    }
}

static void start_behind(struct tw_store_cursor *cursor, uint64_t lsn, uint64_t seq, struct tw_chain chain)
{
    uint8_t key[TW_LOG_KEY_BYTES];
    cursor->anchored = true;
    cursor->lsn = lsn;
    cursor->seq = seq;
    cursor->chain = chain;
    tw_log_key(key, seq, lsn + 1);
    rocksdb_iter_seek(cursor->iterator, (const char *)key, sizeof key);
}

struct tw_store_cursor *tw_store_read(struct tw_store *store, uint64_t from_seq, struct tw_store_error *error)
{
    struct tw_retained retained;
    struct tw_store_cursor *cursor = new_cursor(store, &retained);
    if (from_seq <= 1 || from_seq <= retained.seq + 1) /* from the front, whose chain is known */
        start_behind(cursor, retained.lsn, retained.seq, retained.chain);
    else
        seek(cursor->iterator, from_seq);
    if (!tw_iterator_ok(store, cursor->iterator, "read the log of", error))
        tw_store_cursor_free(&cursor);
    return cursor;
}

/* The snapshot's record must be there, and end as the snapshot says. */
static bool is_of_this_log(struct tw_store *store, const struct tw_snapshot_info *info, struct tw_store_error *error)
{
    struct tw_frame *frame = NULL;
    struct tw_record record;
    struct tw_retained retained = tw_store_retained(store);
    bool agrees;
    if (info->lsn < retained.lsn)
        return damaged_record(store, info->lsn + 1, "it was dropped, and a snapshot before it is of no use", error);
    if (info->lsn == retained.lsn) { /* the last one that was dropped */
        agrees = memcmp(&retained.chain, &info->chain, sizeof retained.chain) == 0;
        return agrees || damaged_record(store, info->lsn, "it is not the one that its snapshot was made of", error);
    }
    if (!tw_store_load(store, info->seq, info->lsn, &frame, &record, error))
        return false;
    agrees = memcmp(frame->bytes + sizeof info->chain, info->chain.bytes, sizeof info->chain) == 0;
    tw_frame_drop(&frame);
    return agrees || damaged_record(store, info->lsn, "it is not the one that its snapshot was made of", error);
}

struct tw_store_cursor *tw_store_read_after(struct tw_store *store, const struct tw_snapshot_info *info,
                                            struct tw_store_error *error)
{
    if (!is_of_this_log(store, info, error))
        return NULL;
    struct tw_retained retained;
    struct tw_store_cursor *cursor = new_cursor(store, &retained);
    start_behind(cursor, info->lsn, info->seq, info->chain);
    if (!tw_iterator_ok(store, cursor->iterator, "read the log of", error))
        tw_store_cursor_free(&cursor);
    return cursor;
}

static bool goes_on(const struct tw_store_cursor *cursor, const struct tw_record *record, const uint8_t *value,
                    struct tw_store_error *error)
{
    uint64_t lsn = tw_record_lsn(record);
    if (lsn != cursor->lsn + 1) {
        tw_store_fail(error, TW_STORE_DAMAGED,
                      "%s is damaged: record %" PRIu64 " of the log is followed by record %" PRIu64
                      "; restore it from a backup",
                      cursor->store->directory, cursor->lsn, lsn);
        return false;
    }
    if (tw_record_follows(record) != cursor->seq)
        return damaged_record(cursor->store, lsn, "it does not follow the trade before it", error);
    if (memcmp(value, cursor->chain.bytes, sizeof cursor->chain) != 0)
        return damaged_record(cursor->store, lsn, "the chain breaks before it", error);
    return true;
}

int tw_store_next(struct tw_store_cursor *cursor, struct tw_record *record, struct tw_store_error *error)
{
    if (cursor->started)
        rocksdb_iter_next(cursor->iterator);
    cursor->started = false;
    if (!rocksdb_iter_valid(cursor->iterator)) {
        if (!tw_iterator_ok(cursor->store, cursor->iterator, "read the log of", error))
            return -1;
        if (cursor->anchored && cursor->lsn < cursor->end_lsn) {
            damaged_record(cursor->store, cursor->lsn + 1, "it is missing", error);
            return -1;
        }
        return 0;
    }
    size_t key_length = 0, value_length = 0;
    const uint8_t *key = tw_iterator_key(cursor->iterator, &key_length);
    const uint8_t *value = tw_iterator_value(cursor->iterator, &value_length);
    if (!tw_log_check(cursor->store, key, key_length, value, value_length, &cursor->unpacked, record, error))
        return -1;
    if (!cursor->anchored) {
        cursor->lsn = tw_record_lsn(record) - 1;
        cursor->seq = tw_record_follows(record);
        memcpy(cursor->chain.bytes, value, sizeof cursor->chain);
        cursor->anchored = true;
    }
    if (!goes_on(cursor, record, value, error))
        return -1;
    cursor->lsn = tw_record_lsn(record);
    cursor->seq = tw_record_last(record);
    memcpy(cursor->chain.bytes, value + sizeof cursor->chain, sizeof cursor->chain);
    cursor->started = true;
    return 1;
}

struct tw_chain tw_store_cursor_chain(const struct tw_store_cursor *cursor)
{
    return cursor->chain;
}

void tw_store_cursor_free(struct tw_store_cursor **cursor)
{
    if (*cursor == NULL)
        return;
    rocksdb_iter_destroy((*cursor)->iterator);
    tw_buffer_free(&(*cursor)->unpacked);
    free(*cursor);
    *cursor = NULL;
}
