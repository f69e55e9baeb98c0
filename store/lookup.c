/* SPDX-License-Identifier: MIT
 *
 * Look-ups by sequence and by publisher's number, and names. They answer yes or no; damage that they meet is noted, and
 * stops appending.
 */
#include <inttypes.h>

#include "store/inside.h"

bool tw_store_block_of(struct tw_store *store, uint64_t seq, struct tw_frame **frame, struct tw_record *record)
{
    if (seq <= tw_store_retained(store).seq || seq > tw_store_head_now(store).seq)
        return false;
    if (tw_block_cache_by_seq(&store->cache, seq, frame, record))
        return true;
    *frame = NULL;
    /* The last record that follows a trade before `seq` is the block that holds it. */
    uint8_t key[TW_LOG_KEY_BYTES];
    tw_log_key(key, seq - 1, UINT64_MAX);
    rocksdb_iterator_t *iterator = tw_store_iterate(store, TW_FAMILY_LOG);
    rocksdb_iter_seek_for_prev(iterator, (const char *)key, sizeof key);
    struct tw_store_error error;
    bool ok = tw_iterator_ok(store, iterator, "read the log of", &error);
    if (ok && rocksdb_iter_valid(iterator))
        ok = tw_store_take(store, iterator, frame, record, &error);
    rocksdb_iter_destroy(iterator);
    if (ok && *frame != NULL && record->kind == TW_RECORD_BLOCK && tw_record_last(record) >= seq)
        return true;
    tw_frame_drop(frame);
    if (seq <= tw_store_retained(store).seq) /* it may have been dropped in between */
        return false;
    if (ok)
        tw_store_fail(&error, TW_STORE_DAMAGED, "%s is damaged: no block of the log holds trade %" PRIu64,
                      store->directory, seq);
    tw_store_note_damage(store, &error);
    return false;
}

/* Where the block stands that would hold the source's number: the last one that begins at or before it; lsn 0 if there
 * is none. */
static bool place_of_pseq(struct tw_store *store, uint32_t source, uint64_t pseq, uint64_t place[2])
{
    place[0] = place[1] = 0;
    uint8_t key[13] = {'b'};
    tw_put_u32_be(key + 1, source);
    tw_put_u64_be(key + 5, pseq);
    rocksdb_iterator_t *iterator = tw_store_iterate(store, TW_FAMILY_SOURCES);
    rocksdb_iter_seek_for_prev(iterator, (const char *)key, sizeof key);
    if (rocksdb_iter_valid(iterator)) {
        size_t key_length = 0, value_length = 0;
        const uint8_t *found = tw_iterator_key(iterator, &key_length);
        const uint8_t *value = tw_iterator_value(iterator, &value_length);
        if (key_length == sizeof key && memcmp(found, key, 5) == 0 && value_length == 2 * sizeof *place)
            memcpy(place, value, 2 * sizeof *place);
    }
    struct tw_store_error error;
    bool ok = tw_iterator_ok(store, iterator, "read the positions of", &error);
    rocksdb_iter_destroy(iterator);
    if (!ok)
        tw_store_note_damage(store, &error);
    return ok;
}

static bool block_of_pseq(struct tw_store *store, uint32_t source, uint64_t pseq, struct tw_frame **frame,
                          struct tw_record *record)
{
    uint64_t place[2];
    return place_of_pseq(store, source, pseq, place) && place[1] != 0 &&
           tw_store_load_or_note(store, place[0], place[1], frame, record);
}

bool tw_store_pseq_dropped(struct tw_store *store, uint32_t source, uint64_t pseq)
{
    uint64_t place[2];
    struct tw_retained retained = tw_store_retained(store);
    return retained.lsn != 0 && place_of_pseq(store, source, pseq, place) && place[1] <= retained.lsn;
}

bool tw_store_by_pseq(struct tw_store *store, uint32_t source, uint64_t pseq, struct tw_frame **frame,
                      struct tw_record *record, uint32_t *row)
{
    if (tw_block_cache_next_pseq(&store->cache, source, pseq, frame, record, row)) {
        if (record->block.lsn > tw_store_retained(store).lsn)
            return true;
        tw_frame_drop(frame);
        return false;
    }
    if (!block_of_pseq(store, source, pseq, frame, record))
        return false;
    const struct tw_block *block = &record->block;
    for (uint32_t i = 0; record->kind == TW_RECORD_BLOCK && i < block->count; i++) {
        if (tw_load_u64(block->pseq, i) != pseq || tw_load_u32(block->source, i) != source)
            continue;
        *row = i;
        tw_block_cache_found(&store->cache, block->lsn, source, pseq, i);
        return true;
    }
    tw_frame_drop(frame);
    return false;
}

/* From *offset on; there it goes on behind the one that was found. */
static bool find_refusal(const struct tw_block *block, uint32_t source, uint64_t pseq, uint32_t *offset,
                         uint64_t *content_hash)
{
    struct tw_refusal refusal;
    while (tw_block_next_refusal(block, offset, &refusal))
        if (refusal.source == source && refusal.pseq == pseq) {
            *content_hash = refusal.content_hash;
            return true;
        }
    return false;
}

bool tw_store_refusal_hash(struct tw_store *store, uint32_t source, uint64_t pseq, uint64_t *content_hash)
{
    struct tw_frame *frame = NULL;
    struct tw_record record;
    if (!block_of_pseq(store, source, pseq, &frame, &record))
        return false;
    bool found = false;
    if (record.kind == TW_RECORD_BLOCK) {
        /* A resend asks for one after the other: each is the next one behind the one before. */
        uint32_t offset = tw_block_cache_refusal(&store->cache, record.block.lsn), start = 0;
        found = find_refusal(&record.block, source, pseq, &offset, content_hash);
        if (!found && (found = find_refusal(&record.block, source, pseq, &start, content_hash)))
            offset = start;
        if (found)
            tw_block_cache_found_refusal(&store->cache, record.block.lsn, offset);
    }
    tw_frame_drop(&frame);
    return found;
}

/* Nothing is readable under the id: a name of the log that is not there is damage, one that comes later is none. */
static bool no_name(struct tw_store *store, enum tw_name_kind kind, uint32_t id)
{
    if (id == 0 || id > tw_store_head_now(store).names[kind - 1])
        return false;
    struct tw_store_error error;
    tw_store_fail(&error, TW_STORE_DAMAGED, "%s is damaged: the row of a name (kind %d, %" PRIu32 ") is missing",
                  store->directory, (int)kind, id);
    tw_store_note_damage(store, &error);
    return false;
}

bool tw_store_name(struct tw_store *store, enum tw_name_kind kind, uint32_t id, struct tw_buffer *out,
                   uint32_t *incarnation)
{
    uint8_t key[5] = {(uint8_t)kind};
    tw_put_u32_be(key + 1, id);
    char *message = NULL;
    rocksdb_pinnableslice_t *slice = rocksdb_get_pinned_cf(
        store->db, store->read_once, store->families[TW_FAMILY_NAMES], (const char *)key, sizeof key, &message);
    if (message != NULL) {
        struct tw_store_error error;
        tw_store_fail_rocksdb(&error, store->directory, "read a name of", message);
        tw_store_note_damage(store, &error);
        return false;
    }
    if (slice == NULL)
        return no_name(store, kind, id);
    size_t length = 0;
    const char *bytes = rocksdb_pinnableslice_value(slice, &length);
    bool whole = length > 4 && length <= 4 + TW_NAME_BYTES_MAX;
    if (whole) {
        if (incarnation != NULL)
            memcpy(incarnation, bytes, 4);
        out->length = 0;
        tw_buffer_append(out, bytes + 4, length - 4);
    }
    rocksdb_pinnableslice_destroy(slice);
    return whole || no_name(store, kind, id);
}
