/* SPDX-License-Identifier: MIT
 *
 * By account, by symbol and by time.
 */
#include <inttypes.h>

#include "store/index.h"

struct scan {
    enum tw_store_index index;
    uint32_t id;
    uint64_t from, to;
    tw_store_seq_visit visit;
    void *context;
    bool stopped;
};

static void visit_in_range(struct scan *scan, uint64_t seq)
{
    if (seq >= scan->from && seq <= scan->to && !scan->stopped)
        scan->stopped = !scan->visit(scan->context, seq);
}

/* Rows of the index, from the one that may hold `from` to the last one that begins at or before `until`. */
static bool scan_rows(struct tw_store *store, struct scan *scan, uint64_t until, struct tw_store_error *error)
{
    uint8_t key[TW_INDEX_LIST_KEY_BYTES] = {scan->index == TW_INDEX_ACCOUNT ? TW_INDEX_KEY_ACCOUNT
                                                                            : TW_INDEX_KEY_SYMBOL};
    tw_put_u32_be(key + 1, scan->id >> TW_INDEX_GROUP_BITS);
    tw_put_u64_be(key + 5, scan->from);
    rocksdb_iterator_t *iterator = tw_store_iterate(store, TW_FAMILY_INDEX);
    rocksdb_iter_seek_for_prev(iterator, (const char *)key, sizeof key);
    size_t length = 0;
    const uint8_t *found = rocksdb_iter_valid(iterator) ? tw_iterator_key(iterator, &length) : NULL;
    if (length != sizeof key || memcmp(found, key, 5) != 0)
        rocksdb_iter_seek(iterator, (const char *)key, sizeof key);
    bool ok = true;
    for (; ok && !scan->stopped && rocksdb_iter_valid(iterator); rocksdb_iter_next(iterator)) {
        found = tw_iterator_key(iterator, &length);
        if (length != sizeof key || memcmp(found, key, 5) != 0)
            break;
        uint64_t first = tw_get_u64_be(found + 5), seq = 0;
        if (first > until)
            break;
        size_t value_length = 0;
        const uint8_t *value = tw_iterator_value(iterator, &value_length);
        struct tw_index_list list = tw_index_list_open(first, value, value_length);
        int more = 1;
        uint32_t member = 0;
        while (!scan->stopped && (more = tw_index_list_next(&list, &member, &seq)) > 0 && seq <= until)
            if (member == (scan->id & TW_INDEX_MEMBER_MASK))
                visit_in_range(scan, seq);
        if (more < 0)
            ok = tw_index_damaged(store, scan->index == TW_INDEX_ACCOUNT ? "account" : "symbol", first, error);
    }
    ok = ok && tw_iterator_ok(store, iterator, "read the index of", error);
    rocksdb_iter_destroy(iterator);
    return ok;
}

/* Blocks that the index has not reached. */
static bool scan_tail(struct tw_store *store, struct scan *scan, uint64_t from, struct tw_store_error *error)
{
    struct tw_store_cursor *cursor = tw_store_read(store, from, error);
    int more = cursor == NULL ? -1 : 1;
    struct tw_record record;
    while (more > 0 && !scan->stopped && (more = tw_store_next(cursor, &record, error)) > 0) {
        if (tw_record_follows(&record) >= scan->to)
            break;
        if (record.kind != TW_RECORD_BLOCK)
            continue;
        const struct tw_block *block = &record.block;
        const uint8_t *column = scan->index == TW_INDEX_ACCOUNT ? block->account : block->symbol;
        for (uint32_t row = 0; row < block->count && !scan->stopped; row++)
            if (tw_load_u32(column, row) == scan->id && block->follows + 1 + row >= from)
                visit_in_range(scan, block->follows + 1 + row);
    }
    tw_store_cursor_free(&cursor);
    return more >= 0;
}

bool tw_store_index_scan(struct tw_store *store, enum tw_store_index index, uint32_t id, uint64_t from, uint64_t to,
                         tw_store_seq_visit visit, void *context, struct tw_store_error *error)
{
    struct tw_store_error own;
    error = error == NULL ? &own : error;
    if (id == 0 || from > to)
        return true;
    uint64_t gone = tw_store_retained(store).seq;
    from = from > gone ? from : gone + 1;
    if (from > to)
        return true;
    struct scan scan = {index, id, from, to, visit, context, false};
    uint64_t indexed = tw_store_indexed_now(store).seq; /* what a run adds meanwhile is read from the tail */
    if (from <= indexed && !scan_rows(store, &scan, to < indexed ? to : indexed, error))
        return false;
    if (scan.stopped || to <= indexed)
        return true;
    return scan_tail(store, &scan, from > indexed + 1 ? from : indexed + 1, error);
}

uint64_t tw_store_seq_at(struct tw_store *store, int64_t ts_ns)
{
    uint64_t seq = 1;
    if (ts_ns <= 0)
        return seq;
    /* The newest row with a clock below ts: all trades before its sequence are older than ts. */
    uint8_t key[TW_INDEX_TIME_KEY_BYTES] = {TW_INDEX_KEY_TIME};
    tw_put_u64_be(key + 1, (uint64_t)ts_ns - 1);
    rocksdb_iterator_t *iterator = tw_store_iterate(store, TW_FAMILY_INDEX);
    rocksdb_iter_seek_for_prev(iterator, (const char *)key, sizeof key);
    if (rocksdb_iter_valid(iterator)) {
        size_t key_length = 0, value_length = 0;
        const uint8_t *found = tw_iterator_key(iterator, &key_length);
        const uint8_t *value = tw_iterator_value(iterator, &value_length);
        if (key_length == sizeof key && found[0] == TW_INDEX_KEY_TIME && value_length == sizeof seq)
            memcpy(&seq, value, sizeof seq);
    }
    struct tw_store_error error;
    if (!tw_iterator_ok(store, iterator, "read the index of", &error))
        tw_store_note_damage(store, &error);
    rocksdb_iter_destroy(iterator);
    uint64_t gone = tw_store_retained(store).seq;
    return seq > gone ? seq : gone + 1;
}
