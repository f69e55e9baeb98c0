/* SPDX-License-Identifier: MIT
 *
 * Runs of the indexes. They follow behind the log: a run reads the next blocks, sorts their rows by account, symbol and
 * id, and writes lists, never a row per trade. One write batch holds the run and how far the indexes now reach, so a
 * crash leaves a run whole or not at all; what it took is built again from the log.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "store/index.h"

/* A row on its way into an index: what to sort by above its place in the run. */
#define OFFSET_BITS 28u
#define OFFSET_MASK ((UINT64_C(1) << OFFSET_BITS) - 1u)
#define GROUP_SHIFT (OFFSET_BITS + TW_INDEX_GROUP_BITS)
_Static_assert(TW_INDEX_RUN_TRADES_MAX + TW_BLOCK_TRADES_MAX <= OFFSET_MASK, "a row's place fits");
_Static_assert(OFFSET_BITS + TW_INDEX_HASH_BITS <= 64, "hash and place fit into one element");

struct rows {
    uint64_t *elements;
    uint32_t count;
};

struct tw_index_builder {
    uint32_t capacity; /* of each array below */
    struct rows accounts, symbols, ids;
    uint64_t *scratch;
    uint32_t account_max, symbol_max;
    struct { /* rows of the time index */
        int64_t clock_ns;
        uint64_t seq;
    } * times;
    uint32_t time_count, time_capacity;
    struct tw_publisher_hashes publishers;
    struct tw_buffer value;
    rocksdb_writebatch_t *batch;
};

void tw_index_builder_free(struct tw_index_builder **builder_pointer)
{
    struct tw_index_builder *builder = *builder_pointer;
    if (builder == NULL)
        return;
    free(builder->accounts.elements);
    free(builder->symbols.elements);
    free(builder->ids.elements);
    free(builder->scratch);
    free(builder->times);
    tw_publisher_hashes_free(&builder->publishers);
    tw_buffer_free(&builder->value);
    rocksdb_writebatch_destroy(builder->batch);
    free(builder);
    *builder_pointer = NULL;
}

static struct tw_index_builder *builder_of(struct tw_store *store)
{
    if (store->builder == NULL) {
        store->builder = tw_alloc_zero(1, sizeof *store->builder);
        store->builder->batch = rocksdb_writebatch_create();
    }
    struct tw_index_builder *builder = store->builder;
    builder->accounts.count = builder->symbols.count = builder->ids.count = builder->time_count = 0;
    builder->account_max = builder->symbol_max = 0;
    rocksdb_writebatch_clear(builder->batch);
    return builder;
}

/* ---- reading the log ---- */

static void make_room(struct tw_index_builder *builder, uint32_t rows)
{
    if (rows > builder->capacity) {
        uint32_t capacity = builder->capacity == 0 ? 1024 : builder->capacity;
        while (capacity < rows)
            capacity *= 2;
        uint64_t **arrays[] = {&builder->accounts.elements, &builder->symbols.elements, &builder->ids.elements,
                               &builder->scratch};
        for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
            *arrays[i] = tw_realloc(*arrays[i], capacity * sizeof **arrays[i]);
        builder->capacity = capacity;
    }
    if (builder->time_count == builder->time_capacity) {
        builder->time_capacity = builder->time_capacity == 0 ? 64 : 2 * builder->time_capacity;
        builder->times = tw_realloc(builder->times, builder->time_capacity * sizeof *builder->times);
    }
}

static void take_columns(struct tw_index_builder *builder, const struct tw_block *block, uint32_t offset)
{
    uint64_t *accounts = builder->accounts.elements, *symbols = builder->symbols.elements;
    uint32_t account_count = builder->accounts.count, account_max = builder->account_max;
    uint32_t symbol_count = builder->symbols.count, symbol_max = builder->symbol_max;
    for (uint32_t row = 0; row < block->count; row++) {
        uint32_t account = tw_load_u32(block->account, row), symbol = tw_load_u32(block->symbol, row);
        accounts[account_count] = (uint64_t)account << OFFSET_BITS | (offset + row);
        account_count += account != 0; /* market prints have none */
        account_max = account > account_max ? account : account_max;
        symbols[symbol_count++] = (uint64_t)symbol << OFFSET_BITS | (offset + row);
        symbol_max = symbol > symbol_max ? symbol : symbol_max;
    }
    builder->accounts.count = account_count;
    builder->account_max = account_max;
    builder->symbols.count = symbol_count;
    builder->symbol_max = symbol_max;
}

static bool take_ids(struct tw_store *store, struct tw_index_builder *builder, const struct tw_block *block,
                     uint32_t offset, struct tw_store_error *error)
{
    struct tw_id_rows rows = tw_id_rows_of(block);
    struct tw_text id;
    uint64_t publisher = 0;
    for (uint32_t row, source = 0; tw_id_rows_next(&rows, &row, &id);) {
        uint32_t its = tw_load_u32(block->source, row);
        if (publisher == 0 || its != source) {
            source = its;
            publisher = tw_publisher_hash_of(&builder->publishers, store, source, error);
            if (publisher == 0)
                return false;
        }
        uint64_t hash = tw_index_id_hash(publisher, id);
        builder->ids.elements[builder->ids.count++] =
            (hash >> (64u - TW_INDEX_HASH_BITS)) << OFFSET_BITS | (offset + row);
    }
    return true;
}

bool tw_index_take_times(struct tw_store_indexed *indexed, const struct tw_block *block)
{
    bool due = indexed->seq != 0 && indexed->clock_ns - indexed->time_ns >= TW_INDEX_TIME_SPACING_NS;
    if (due)
        indexed->time_ns = indexed->clock_ns;
    int64_t clock_ns = indexed->clock_ns;
    for (uint32_t row = 0; row < block->count; row++) {
        int64_t ts = tw_load_i64(block->ts, row);
        clock_ns = ts > clock_ns ? ts : clock_ns;
    }
    indexed->clock_ns = clock_ns;
    return due;
}

static void take_times(struct tw_index_builder *builder, const struct tw_block *block, struct tw_store_indexed *indexed)
{
    if (!tw_index_take_times(indexed, block))
        return;
    builder->times[builder->time_count].clock_ns = indexed->time_ns;
    builder->times[builder->time_count++].seq = block->follows + 1;
}

/* Reads blocks until the run is full or the log ends; *indexed goes on with them. */
static bool take_blocks(struct tw_store *store, struct tw_index_builder *builder, struct tw_store_indexed *indexed,
                        struct tw_store_error *error)
{
    const uint64_t first = indexed->seq + 1;
    struct tw_store_cursor *cursor = tw_store_read(store, first, error);
    int more = cursor == NULL ? -1 : 1;
    while (more > 0 && indexed->seq + 1 - first < TW_INDEX_RUN_TRADES_MAX) {
        struct tw_record record;
        more = tw_store_next(cursor, &record, error);
        if (more <= 0)
            break;
        if (tw_record_lsn(&record) <= indexed->lsn) /* control records before the first block */
            continue;
        if (tw_record_follows(&record) > indexed->seq) /* dropped in between: the next run begins behind it */
            break;
        if (record.kind == TW_RECORD_BLOCK && record.block.count > 0) {
            uint32_t offset = (uint32_t)(record.block.follows + 1 - first);
            make_room(builder, offset + record.block.count);
            take_columns(builder, &record.block, offset);
            take_times(builder, &record.block, indexed);
            if (!take_ids(store, builder, &record.block, offset, error))
                more = -1;
        }
        indexed->lsn = tw_record_lsn(&record);
        indexed->seq = tw_record_last(&record);
    }
    tw_store_cursor_free(&cursor);
    return more >= 0;
}

/* ---- writing the run ---- */

static void put_row(struct tw_store *store, struct tw_index_builder *builder, const uint8_t *key, size_t key_length)
{
    tw_batch_put(store, builder->batch, TW_FAMILY_INDEX, key, key_length, builder->value.bytes, builder->value.length);
}

/* Where a list of `count` entries is written: there is room for the longest one. */
static uint8_t *begin_value(struct tw_index_builder *builder, uint32_t count)
{
    builder->value.length = 0;
    tw_buffer_reserve(&builder->value, (size_t)count * (TW_VARINT_BYTES_MAX + TW_INDEX_KEPT_BYTES));
    return builder->value.bytes;
}

static void put_list(struct tw_store *store, struct tw_index_builder *builder, char which, uint64_t first,
                     const uint64_t *elements, uint32_t count)
{
    uint8_t key[TW_INDEX_LIST_KEY_BYTES] = {(uint8_t)which};
    uint64_t before = elements[0] & OFFSET_MASK;
    tw_put_u32_be(key + 1, (uint32_t)(elements[0] >> GROUP_SHIFT));
    tw_put_u64_be(key + 5, first + before);
    uint8_t *to = begin_value(builder, count);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t offset = elements[i] & OFFSET_MASK, member = elements[i] >> OFFSET_BITS & TW_INDEX_MEMBER_MASK;
        to = tw_put_varint(to, (offset - before) << TW_INDEX_GROUP_BITS | member);
        before = offset;
    }
    builder->value.length = (size_t)(to - builder->value.bytes);
    put_row(store, builder, key, sizeof key);
}

/* How many of the elements share what stands above `shift`, at most `limit`. */
static uint32_t same_group(const uint64_t *elements, uint32_t count, uint32_t shift)
{
    uint32_t same = 1;
    while (same < count && elements[same] >> shift == elements[0] >> shift)
        same++;
    return same;
}

static void put_lists(struct tw_store *store, struct tw_index_builder *builder, struct rows *rows, char which,
                      uint32_t value_max, uint64_t first)
{
    uint32_t bits = 32u - (uint32_t)__builtin_clz(value_max >> TW_INDEX_GROUP_BITS | 1u);
    tw_index_sort(&rows->elements, &builder->scratch, rows->count, GROUP_SHIFT, bits);
    for (uint32_t at = 0; at < rows->count;) {
        uint32_t left = rows->count - at;
        uint32_t same =
            same_group(rows->elements + at, left < TW_INDEX_LIST_MAX ? left : TW_INDEX_LIST_MAX, GROUP_SHIFT);
        put_list(store, builder, which, first, rows->elements + at, same);
        at += same;
    }
}

static void put_id_list(struct tw_store *store, struct tw_index_builder *builder, uint64_t first,
                        const uint64_t *elements, uint32_t count)
{
    uint8_t key[TW_INDEX_ID_KEY_BYTES] = {TW_INDEX_KEY_ID};
    uint32_t bucket = (uint32_t)(elements[0] >> (OFFSET_BITS + TW_INDEX_KEPT_BITS));
    uint64_t last = first + (elements[count - 1] & OFFSET_MASK);
    key[1] = (uint8_t)(bucket >> 8);
    key[2] = (uint8_t)bucket;
    tw_put_u64_be(key + 3, ~last);
    uint8_t *to = begin_value(builder, count);
    uint64_t before = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t seq = first + (elements[i] & OFFSET_MASK);
        to = tw_put_varint(to, i == 0 ? last - seq : seq - before);
        before = seq;
        uint32_t kept = (uint32_t)(elements[i] >> OFFSET_BITS) & ((1u << TW_INDEX_KEPT_BITS) - 1u);
        *to++ = (uint8_t)kept;
        *to++ = (uint8_t)(kept >> 8);
        *to++ = (uint8_t)(kept >> 16);
    }
    builder->value.length = (size_t)(to - builder->value.bytes);
    put_row(store, builder, key, sizeof key);
}

static void put_ids(struct tw_store *store, struct tw_index_builder *builder, uint64_t first)
{
    const uint32_t shift = OFFSET_BITS + TW_INDEX_KEPT_BITS;
    struct rows *rows = &builder->ids;
    tw_index_sort(&rows->elements, &builder->scratch, rows->count, shift, TW_INDEX_BUCKET_BITS);
    for (uint32_t at = 0; at < rows->count;) {
        uint32_t left = rows->count - at;
        uint32_t same = same_group(rows->elements + at, left < TW_INDEX_LIST_MAX ? left : TW_INDEX_LIST_MAX, shift);
        put_id_list(store, builder, first, rows->elements + at, same);
        at += same;
    }
}

static void put_times(struct tw_store *store, struct tw_index_builder *builder)
{
    for (uint32_t i = 0; i < builder->time_count; i++) {
        uint8_t key[TW_INDEX_TIME_KEY_BYTES] = {TW_INDEX_KEY_TIME};
        tw_put_u64_be(key + 1, (uint64_t)builder->times[i].clock_ns);
        builder->value.length = 0;
        tw_buffer_append(&builder->value, &builder->times[i].seq, sizeof builder->times[i].seq);
        put_row(store, builder, key, sizeof key);
    }
}

static bool write_run(struct tw_store *store, struct tw_index_builder *builder, uint64_t first,
                      const struct tw_store_indexed *indexed, struct tw_store_error *error)
{
    put_lists(store, builder, &builder->accounts, TW_INDEX_KEY_ACCOUNT, builder->account_max, first);
    put_lists(store, builder, &builder->symbols, TW_INDEX_KEY_SYMBOL, builder->symbol_max, first);
    put_ids(store, builder, first);
    put_times(store, builder);
    const uint8_t key[] = {TW_INDEX_KEY_PROGRESS};
    tw_batch_put(store, builder->batch, TW_FAMILY_INDEX, key, sizeof key, indexed, sizeof *indexed);
    return tw_store_write(store, builder->batch, "write an index into", error) == TW_STORE_OK;
}

uint32_t tw_store_index_step(struct tw_store *store, uint32_t minimum, struct tw_store_error *error)
{
    TW_ASSERT(store->mode == TW_STORE_WRITE);
    struct tw_store_error own;
    error = error == NULL ? &own : error;
    error->status = TW_STORE_OK;
    struct tw_store_indexed indexed = store->indexed; /* only this thread changes it */
    struct tw_retained retained = tw_store_retained(store);
    if (retained.lsn > atomic_load(&store->gone_lsn))
        return 0; /* the drop is not durable: a crash may bring back what would then be missing here */
    if (retained.lsn > indexed.lsn) { /* dropped before it was indexed */
        indexed.lsn = retained.lsn;
        indexed.seq = retained.seq;
    }
    const uint64_t before = indexed.seq, waiting = tw_store_head_now(store).seq - before;
    if (waiting == 0 || waiting < minimum)
        return 0;
    if (!tw_store_room(store, TW_STORE_RESERVE_BYTES, NULL))
        return 0; /* no error: when the disk gets full, the log comes first, and the indexes can wait */
    struct tw_index_builder *builder = builder_of(store);
    if (!take_blocks(store, builder, &indexed, error))
        return 0;
    if (indexed.seq == before)
        return 0;
    indexed.runs++;
    if (!write_run(store, builder, before + 1, &indexed, error))
        return 0;
    pthread_mutex_lock(&store->lock);
    store->indexed = indexed;
    pthread_mutex_unlock(&store->lock);
    return (uint32_t)(indexed.seq - before);
}
