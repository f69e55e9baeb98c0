/* SPDX-License-Identifier: MIT
 *
 * The log of a replay, in memory.
 */
#include "tools/memory_log.h"

#include <stdlib.h>
#include <xxhash.h>

#include "protocol/check.h"

struct kept_block {
    struct tw_frame *frame;
    struct tw_block block;
    uint32_t *id_offsets; /* of each row's id; made with the index */
};

struct tw_memory_log {
    struct kept_block *blocks; /* ascending by sequence; some hold refusals only */
    uint32_t count, capacity;
    bool indexed;
    uint32_t indexed_blocks;
    uint64_t *newest; /* hash bucket -> latest sequence in it, 0: none */
    uint64_t buckets; /* a power of two */
    uint64_t *older;  /* sequence -> the one before it in its bucket */
    uint64_t older_capacity;
};

struct tw_memory_log *tw_memory_log_new(void)
{
    return tw_alloc_zero(1, sizeof(struct tw_memory_log));
}

void tw_memory_log_free(struct tw_memory_log **log_pointer)
{
    struct tw_memory_log *log = *log_pointer;
    if (log == NULL)
        return;
    for (uint32_t i = 0; i < log->count; i++) {
        tw_frame_drop(&log->blocks[i].frame);
        free(log->blocks[i].id_offsets);
    }
    free(log->blocks);
    free(log->newest);
    free(log->older);
    free(log);
    *log_pointer = NULL;
}

void tw_memory_log_add(struct tw_memory_log *log, struct tw_frame *frame, const struct tw_record *record)
{
    if (record->kind != TW_RECORD_BLOCK)
        return;
    if (log->count == log->capacity) {
        log->capacity = log->capacity == 0 ? 64 : log->capacity * 2;
        log->blocks = tw_realloc(log->blocks, log->capacity * sizeof *log->blocks);
    }
    log->blocks[log->count++] = (struct kept_block){.frame = tw_frame_share(frame), .block = record->block};
}

static uint64_t last_seq(const struct tw_memory_log *log)
{
    const struct tw_block *last = log->count == 0 ? NULL : &log->blocks[log->count - 1].block;
    return last == NULL ? 0 : last->follows + last->count;
}

static struct kept_block *block_of(const struct tw_memory_log *log, uint64_t seq)
{
    uint32_t low = 0, high = log->count;
    if (seq == 0 || seq > last_seq(log))
        return NULL;
    while (low < high) { /* the first block that ends at or behind seq */
        uint32_t middle = low + (high - low) / 2;
        const struct tw_block *block = &log->blocks[middle].block;
        if (block->follows + block->count >= seq)
            high = middle;
        else
            low = middle + 1;
    }
    return &log->blocks[low];
}

bool tw_memory_log_fetch(void *context, uint64_t seq, struct tw_frame **frame, struct tw_record *record)
{
    struct kept_block *kept = block_of(context, seq);
    if (kept == NULL)
        return false;
    *frame = tw_frame_share(kept->frame);
    *record = (struct tw_record){.kind = TW_RECORD_BLOCK, .block = kept->block};
    return true;
}

/* ---- by execution id ---- */

static struct tw_text id_of(const struct kept_block *kept, uint32_t row)
{
    if (kept->block.id_length == NULL)
        return (struct tw_text){NULL, 0};
    return (struct tw_text){(const char *)kept->block.ids + kept->id_offsets[row], kept->block.id_length[row]};
}

static uint64_t bucket_of(const struct tw_memory_log *log, struct tw_text id)
{
    return XXH3_64bits(id.bytes, id.length) & (log->buckets - 1);
}

static void index_block(struct tw_memory_log *log, struct kept_block *kept)
{
    const struct tw_block *block = &kept->block;
    if (block->id_length == NULL)
        return;
    uint32_t offset = 0;
    kept->id_offsets = tw_alloc(block->count * sizeof *kept->id_offsets);
    for (uint32_t row = 0; row < block->count; row++) {
        kept->id_offsets[row] = offset;
        offset += block->id_length[row];
        struct tw_text id = id_of(kept, row);
        if (id.length == 0 || TW_ATTR_KIND(block->attrs[row]) == TW_KIND_BUST)
            continue;
        uint64_t bucket = bucket_of(log, id), seq = block->follows + 1 + row;
        log->older[seq] = log->newest[bucket];
        log->newest[bucket] = seq;
    }
}

/* Brings the index up to the last block; anew with more buckets when they have become crowded. */
static void bring_index_up(struct tw_memory_log *log)
{
    uint64_t last = last_seq(log);
    if (last >= log->older_capacity) {
        log->older_capacity = last * 2 + 1024;
        log->older = tw_realloc(log->older, log->older_capacity * sizeof *log->older);
    }
    if (last > log->buckets) {
        uint64_t buckets = log->buckets == 0 ? 1024 : log->buckets;
        while (buckets < last * 2)
            buckets *= 2;
        free(log->newest);
        log->newest = tw_alloc_zero(buckets, sizeof *log->newest);
        log->buckets = buckets;
        for (uint32_t i = 0; i < log->indexed_blocks; i++) {
            free(log->blocks[i].id_offsets);
            log->blocks[i].id_offsets = NULL;
        }
        log->indexed_blocks = 0;
    }
    for (; log->indexed_blocks < log->count; log->indexed_blocks++)
        index_block(log, &log->blocks[log->indexed_blocks]);
}

static void fill(const struct kept_block *kept, uint32_t row, struct tw_past_trade *out)
{
    const struct tw_block *block = &kept->block;
    uint32_t cursor = 0;
    *out = (struct tw_past_trade){.seq = block->follows + 1 + row,
                                  .pseq = tw_load_u64(block->pseq, row),
                                  .source = tw_load_u32(block->source, row),
                                  .symbol = tw_load_u32(block->symbol, row),
                                  .account = tw_load_u32(block->account, row),
                                  .venue = tw_load_party(block->venue, row),
                                  .owner = tw_load_party(block->owner, row),
                                  .contra = tw_load_party(block->contra, row),
                                  .broker = tw_load_party(block->broker, row),
                                  .ccy = tw_load_party(block->ccy, row),
                                  .attrs = block->attrs[row],
                                  .qty_e8 = tw_load_i64(block->qty, row),
                                  .price_e8 = tw_load_i64(block->price, row),
                                  .ts_ns = tw_load_i64(block->ts, row),
                                  .id = tw_block_id(block, row)};
    if (TW_ATTR_KIND(block->attrs[row]) != TW_KIND_TRADE)
        out->original_seq = tw_block_original(block, row, &cursor).seq;
}

static bool by_id(void *context, struct tw_text publisher, struct tw_text id, uint64_t before,
                  struct tw_past_trade *out)
{
    struct tw_memory_log *log = context;
    (void)publisher; /* a replay has one */
    bring_index_up(log);
    if (log->buckets == 0)
        return false;
    for (uint64_t seq = log->newest[bucket_of(log, id)]; seq != 0; seq = log->older[seq]) {
        if (seq >= before)
            continue;
        const struct kept_block *kept = block_of(log, seq);
        uint32_t row = (uint32_t)(seq - kept->block.follows - 1);
        struct tw_text found = id_of(kept, row);
        if (found.length != id.length || memcmp(found.bytes, id.bytes, id.length) != 0)
            continue;
        fill(kept, row, out);
        return true;
    }
    return false;
}

static bool by_seq(void *context, uint64_t seq, struct tw_past_trade *out)
{
    const struct kept_block *kept = block_of(context, seq);
    if (kept == NULL)
        return false;
    fill(kept, (uint32_t)(seq - kept->block.follows - 1), out);
    return true;
}

static bool refused_by_pseq(const struct kept_block *kept, uint32_t source, uint64_t pseq, struct tw_past_trade *out)
{
    struct tw_refusal refusal;
    for (uint32_t offset = 0; tw_block_next_refusal(&kept->block, &offset, &refusal);)
        if (refusal.source == source && refusal.pseq == pseq) {
            *out = (struct tw_past_trade){.refused = true, .content_hash = refusal.content_hash, .pseq = pseq};
            return true;
        }
    return false;
}

/* Newest first, row by row: asked for resends only, and those are of late. */
static bool by_pseq(void *context, uint32_t source, uint64_t pseq, struct tw_past_trade *out)
{
    const struct tw_memory_log *log = context;
    for (uint32_t i = log->count; i-- > 0;) {
        const struct kept_block *kept = &log->blocks[i];
        for (uint32_t row = 0; row < kept->block.count; row++)
            if (tw_load_u64(kept->block.pseq, row) == pseq && tw_load_u32(kept->block.source, row) == source) {
                fill(kept, row, out);
                return true;
            }
        if (refused_by_pseq(kept, source, pseq, out))
            return true;
    }
    return false;
}

struct tw_history tw_memory_log_history(struct tw_memory_log *log)
{
    return (struct tw_history){.context = log, .by_pseq = by_pseq, .by_id = by_id, .by_seq = by_seq};
}
