/* SPDX-License-Identifier: MIT
 *
 * Evidence is three facts a trade: source, the publisher's number, execution id. Of the blocks that passed lately only
 * these are kept, numbers as runs (a publisher's numbers go up by one), so that a few bytes a trade reach far back.
 */
#include "actors/router/evidence.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"
#include "protocol/pack.h"

#define KEPT_BLOCKS 65536u         /* a ring */
#define KEPT_BYTES_MAX (64u << 20) /* of memory, where the ring's blocks lie one behind the other, round and round */
#define FETCHED_BLOCKS 64u         /* older blocks, read from the store */

struct run { /* rows from `row` on: the same source, numbers going up by one */
    uint32_t row, source;
    uint64_t pseq;
};

/* One block: runs; if any row has an id, also where each row's id starts (made at the first look), how long each is,
 * and the ids themselves. */
struct kept {
    uint64_t follows;
    uint32_t count, run_count;
    bool has_ids, has_offsets;
    size_t ids_bytes;
    uint8_t *bytes; /* borrowed from the memory it lies in */
};

struct tw_evidence_source {
    struct kept ring[KEPT_BLOCKS]; /* ascending by sequence, from `first` */
    uint32_t first, count;
    uint8_t *memory; /* KEPT_BYTES_MAX of it */
    struct kept fetched[FETCHED_BLOCKS];
    struct tw_buffer fetched_bytes[FETCHED_BLOCKS];
    uint32_t next_fetched;
    tw_evidence_fetch fetch;
    void *context;
};

struct tw_evidence_source *tw_evidence_source_new(tw_evidence_fetch fetch, void *context)
{
    struct tw_evidence_source *source = tw_alloc_zero(1, sizeof *source);
    source->memory = tw_alloc(KEPT_BYTES_MAX); /* the system gives it page by page, as it fills */
    source->fetch = fetch;
    source->context = context;
    return source;
}

void tw_evidence_source_free(struct tw_evidence_source **source_pointer)
{
    struct tw_evidence_source *source = *source_pointer;
    if (source == NULL)
        return;
    for (uint32_t i = 0; i < FETCHED_BLOCKS; i++)
        tw_buffer_free(&source->fetched_bytes[i]);
    free(source->memory);
    free(source);
    *source_pointer = NULL;
}

static struct kept *kept_at(struct tw_evidence_source *source, uint32_t index)
{
    return &source->ring[(source->first + index) % KEPT_BLOCKS];
}

static bool begins_run(const struct tw_block *block, uint32_t row)
{
    return row == 0 || tw_load_u32(block->source, row) != tw_load_u32(block->source, row - 1) ||
           tw_load_u64(block->pseq, row) != tw_load_u64(block->pseq, row - 1) + 1;
}

/* ---- what is kept of a block ---- */

static struct kept measure(const struct tw_block *block)
{
    struct kept kept = {.follows = block->follows, .count = block->count, .has_ids = block->id_length != NULL};
    for (uint32_t row = 0; row < block->count; row++)
        kept.run_count += begins_run(block, row);
    kept.ids_bytes = kept.has_ids ? block->ids_bytes : 0;
    return kept;
}

static struct run *runs_of(const struct kept *kept)
{
    return (struct run *)(void *)kept->bytes;
}
static uint32_t *offsets_of(const struct kept *kept)
{
    return (uint32_t *)(void *)(kept->bytes + kept->run_count * sizeof(struct run));
}
static uint8_t *lengths_of(const struct kept *kept)
{
    return (uint8_t *)(offsets_of(kept) + kept->count);
}
static uint8_t *ids_of(const struct kept *kept)
{
    return lengths_of(kept) + kept->count;
}

static size_t bytes_of(const struct kept *kept)
{
    size_t bytes = kept->run_count * sizeof(struct run);
    if (kept->has_ids)
        bytes += kept->count * (sizeof(uint32_t) + 1u) + kept->ids_bytes;
    return (bytes + 7u) & ~(size_t)7u; /* the next block's runs stand behind it */
}

static void fill(struct kept *kept, const struct tw_block *block, uint8_t *bytes)
{
    kept->bytes = bytes;
    struct run *run = runs_of(kept);
    for (uint32_t row = 0; row < block->count; row++)
        if (begins_run(block, row))
            *run++ = (struct run){row, tw_load_u32(block->source, row), tw_load_u64(block->pseq, row)};
    if (!kept->has_ids)
        return;
    memcpy(lengths_of(kept), block->id_length, block->count);
    if (kept->ids_bytes > 0)
        memcpy(ids_of(kept), block->ids, kept->ids_bytes);
}

/* ---- the ring ---- */

/* Room of so many bytes behind the newest block, or at the front again; NULL if the oldest stands there. */
static uint8_t *room(struct tw_evidence_source *source, size_t bytes)
{
    uint8_t *begin = source->memory, *end = begin + KEPT_BYTES_MAX;
    if (source->count == 0)
        return begin;
    const struct kept *newest = kept_at(source, source->count - 1);
    uint8_t *oldest = kept_at(source, 0)->bytes, *next = newest->bytes + bytes_of(newest);
    if (newest->bytes < oldest) /* gone round: what is free lies between */
        return (size_t)(oldest - next) > bytes ? next : NULL;
    if ((size_t)(end - next) >= bytes)
        return next;
    return (size_t)(oldest - begin) > bytes ? begin : NULL;
}

void tw_evidence_source_add(struct tw_evidence_source *source, const struct tw_record *record)
{
    if (record->kind != TW_RECORD_BLOCK || record->block.count == 0)
        return;
    struct kept kept = measure(&record->block);
    uint8_t *bytes = NULL;
    while (source->count == KEPT_BLOCKS || (bytes = room(source, bytes_of(&kept))) == NULL) {
        source->first = (source->first + 1) % KEPT_BLOCKS;
        source->count--;
    }
    fill(&kept, &record->block, bytes);
    *kept_at(source, source->count++) = kept;
}

static bool holds(const struct kept *kept, uint64_t seq)
{
    return seq > kept->follows && seq <= kept->follows + kept->count;
}

static struct kept *find_kept(struct tw_evidence_source *source, uint64_t seq)
{
    uint32_t low = 0, high = source->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct kept *kept = kept_at(source, middle);
        if (kept->follows + kept->count < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low < source->count && holds(kept_at(source, low), seq) ? kept_at(source, low) : NULL;
}

static struct kept *fetch_older(struct tw_evidence_source *source, uint64_t seq)
{
    struct tw_record record;
    struct tw_frame *frame = NULL;
    for (uint32_t i = 0; i < FETCHED_BLOCKS; i++)
        if (holds(&source->fetched[i], seq))
            return &source->fetched[i];
    if (!source->fetch(source->context, seq, &frame, &record))
        return NULL;
    uint32_t place = source->next_fetched++ % FETCHED_BLOCKS;
    struct kept *kept = &source->fetched[place];
    *kept = measure(&record.block);
    source->fetched_bytes[place].length = 0;
    tw_buffer_reserve(&source->fetched_bytes[place], bytes_of(kept));
    fill(kept, &record.block, source->fetched_bytes[place].bytes);
    tw_frame_drop(&frame);
    return kept;
}

static const struct run *run_of(const struct kept *kept, uint32_t row)
{
    const struct run *runs = runs_of(kept);
    uint32_t low = 0, high = kept->run_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (runs[middle].row <= row)
            low = middle;
        else
            high = middle;
    }
    return &runs[low];
}

static struct tw_text id_of(struct kept *kept, uint32_t row)
{
    if (!kept->has_ids)
        return (struct tw_text){0};
    uint32_t *offsets = offsets_of(kept);
    const uint8_t *lengths = lengths_of(kept);
    for (uint32_t i = 0, offset = 0; !kept->has_offsets && i < kept->count; offset += lengths[i++])
        offsets[i] = offset;
    kept->has_offsets = true;
    return (struct tw_text){(const char *)ids_of(kept) + offsets[row], lengths[row]};
}

static bool find(void *context, uint64_t seq, uint32_t *source_id, uint64_t *pseq, struct tw_text *id)
{
    struct tw_evidence_source *source = context;
    struct kept *kept = find_kept(source, seq);
    if (kept == NULL)
        kept = fetch_older(source, seq);
    if (kept == NULL)
        return false;
    uint32_t row = (uint32_t)(seq - kept->follows - 1);
    const struct run *run = run_of(kept, row);
    *source_id = run->source;
    *pseq = run->pseq + (row - run->row);
    *id = id_of(kept, row);
    return true;
}

struct tw_evidence tw_evidence_source_port(struct tw_evidence_source *source)
{
    return (struct tw_evidence){source, find};
}
