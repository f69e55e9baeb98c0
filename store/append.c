/* SPDX-License-Identifier: MIT
 *
 * Appending: a few log records and everything derived from them in one RocksDB write batch, fsynced. Per block there
 * are a handful of small rows (one a source, one a new name) and the record itself; nothing is written per trade.
 */
#include <inttypes.h>

#include "store/packed.h"

/* ---- rows derived from a record; README.md has their bytes ---- */

static void put_place(struct tw_store *store, enum tw_family family, const void *key, size_t key_length,
                      const struct tw_block *block)
{
    const uint64_t place[2] = {block->follows, block->lsn};
    tw_batch_put(store, store->batch, family, key, key_length, place, sizeof place);
}

static void put_position(struct tw_store *store, uint32_t source, uint64_t next)
{
    uint8_t key[5] = {'p'};
    tw_put_u32_be(key + 1, source);
    tw_batch_put(store, store->batch, TW_FAMILY_SOURCES, key, sizeof key, &next, sizeof next);
}

static void put_sources(struct tw_store *store, const struct tw_block *block)
{
    tw_block_sources_collect(store->sources, block);
    for (uint32_t i = 0; i < store->sources->count; i++) {
        const struct tw_block_source *source = &store->sources->list[i];
        uint8_t key[13] = {'b'};
        tw_put_u32_be(key + 1, source->source);
        tw_put_u64_be(key + 5, source->first_pseq);
        put_place(store, TW_FAMILY_SOURCES, key, sizeof key, block);
    }
}

static void put_names(struct tw_store *store, const struct tw_block *block)
{
    struct tw_new_name name;
    uint32_t offset = 0;
    while (tw_block_next_name(block, &offset, &name)) {
        uint8_t key[5] = {(uint8_t)name.kind};
        uint8_t value[4 + TW_NAME_BYTES_MAX];
        TW_ASSERT(name.name.length <= TW_NAME_BYTES_MAX);
        tw_put_u32_be(key + 1, name.id);
        memcpy(value, &name.incarnation, 4);
        memcpy(value + 4, name.name.bytes, name.name.length);
        tw_batch_put(store, store->batch, TW_FAMILY_NAMES, key, sizeof key, value, 4u + name.name.length);
    }
}

static void put_refusals(struct tw_store *store, const struct tw_store_head *head, const struct tw_block *block)
{
    struct tw_refusal first;
    uint32_t offset = 0;
    if (!tw_block_next_refusal(block, &offset, &first))
        return;
    TW_ASSERT(first.number == head->refusals + 1);
    uint8_t key[8];
    tw_put_u64_be(key, first.number);
    put_place(store, TW_FAMILY_REFUSALS, key, sizeof key, block);
}

static void put_block(struct tw_store *store, const struct tw_store_head *head, const struct tw_block *block)
{
    put_names(store, block);
    put_sources(store, block);
    put_refusals(store, head, block);
    struct tw_position position;
    uint32_t offset = 0;
    while (tw_block_next_position(block, &offset, &position))
        put_position(store, position.source, position.next);
}

/* ---- a record ---- */

/* Unpacks what is about to be written and compares: what would not come back must not be all there is on the disk. */
static bool comes_back(struct tw_store *store, const struct tw_buffer *packed, const struct tw_frame *frame,
                       const struct tw_block *block)
{
    if (tw_packed_record_bytes(packed->bytes, packed->length) != frame->length)
        return false;
    store->unpacked.length = 0;
    tw_buffer_reserve(&store->unpacked, frame->length);
    return tw_packed_take(packed->bytes, packed->length, block->follows, block->lsn, store->unpacked.bytes,
                          frame->length) &&
           memcmp(store->unpacked.bytes, frame->bytes, frame->length) == 0;
}

/* The record as it goes to the disk: packed, if it is a block that gets smaller by it. */
static struct tw_text form_on_disk(struct tw_store *store, const struct tw_frame *frame, const struct tw_record *record)
{
    struct tw_buffer *packed = &store->packed;
    packed->length = 0;
    if (record->kind == TW_RECORD_BLOCK && record->block.count > 0 &&
        tw_packed_put(packed, frame->bytes, frame->length, &record->block) &&
        comes_back(store, packed, frame, &record->block))
        return (struct tw_text){(const char *)packed->bytes, (uint32_t)packed->length};
    return (struct tw_text){(const char *)frame->bytes, (uint32_t)frame->length};
}

static void put_control(struct tw_store *store, struct tw_store_actions *actions, const struct tw_control *control)
{
    if (control->kind == TW_CONTROL_FEED_GAP) /* the feed goes on behind what is missing */
        put_position(store, control->source, control->number + control->number2);
    if (control->kind == TW_CONTROL_ACTION)
        tw_store_put_action(store, store->batch, actions, control);
}

static void put_record(struct tw_store *store, struct tw_store_head *head, struct tw_store_actions *actions,
                       const struct tw_frame *frame)
{
    struct tw_record record;
    const char *why = NULL;
    /* The gateway made these bytes a moment ago: anything wrong with them is a bug, and must not reach the disk. */
    TW_ASSERT(tw_record_decode(frame->bytes, frame->length, &record, &why));
    TW_ASSERT(tw_record_lsn(&record) == head->lsn + 1);
    TW_ASSERT(tw_record_follows(&record) == head->seq);

    struct tw_chain chain = tw_chain_next(head->chain, frame->bytes, frame->length);
    uint8_t key[TW_LOG_KEY_BYTES];
    tw_log_key(key, tw_record_follows(&record), tw_record_lsn(&record));
    const struct tw_text form = form_on_disk(store, frame, &record);
    const char *keys[] = {(const char *)key};
    const size_t key_sizes[] = {sizeof key};
    const char *values[] = {(const char *)head->chain.bytes, (const char *)chain.bytes, form.bytes};
    const size_t value_sizes[] = {sizeof head->chain, sizeof chain, form.length};
    rocksdb_writebatch_putv_cf(store->batch, store->families[TW_FAMILY_LOG], 1, keys, key_sizes, 3, values,
                               value_sizes);

    if (record.kind == TW_RECORD_BLOCK)
        put_block(store, head, &record.block);
    else
        put_control(store, actions, &record.control);
    tw_store_head_take(head, &record, chain);
}

/* ---- the batch ---- */

static bool may_write(struct tw_store *store, uint64_t bytes, struct tw_store_error *error)
{
    TW_ASSERT(store->mode == TW_STORE_WRITE);
    if (tw_store_write_failed(store, error))
        return false;
    return !tw_store_damage(store, error) && tw_store_room(store, bytes, error);
}

enum tw_store_status tw_store_append(struct tw_store *store, struct tw_frame *const *frames, uint32_t count,
                                     struct tw_store_error *error)
{
    struct tw_store_error own;
    error = error == NULL ? &own : error;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < count; i++)
        bytes += frames[i]->length;
    if (!may_write(store, bytes, error))
        return error->status;
    if (count == 0)
        return TW_STORE_OK;

    struct tw_store_head head = store->head; /* only this thread changes it, and the actions */
    struct tw_store_actions actions = store->actions;
    rocksdb_writebatch_clear(store->batch);
    for (uint32_t i = 0; i < count; i++)
        put_record(store, &head, &actions, frames[i]);
    tw_batch_put(store, store->batch, TW_FAMILY_META, "head", 4, &head, sizeof head);
    /* A write that failed may or may not be in the log: only opening anew can tell. For want of room it may be tried
     * again, the same rows under the same keys: RocksDB flushes and begins a new write-ahead log before it takes
     * another. What stands in the head is read by nobody before it is synced. */
    enum tw_store_status status = tw_store_write(store, store->batch, "write into", error);
    if (status != TW_STORE_OK)
        return status;
    status = tw_store_sync(store, "write into", error);
    if (status != TW_STORE_OK)
        return status;
    if (!tw_store_highwater_write(store, &head, error)) {
        tw_store_writes_end(store, error);
        return error->status;
    }
    pthread_mutex_lock(&store->lock);
    store->head = head;
    store->actions = actions;
    pthread_mutex_unlock(&store->lock);
    return TW_STORE_OK;
}
