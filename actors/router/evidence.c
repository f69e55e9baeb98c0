/* SPDX-License-Identifier: MIT
 *
 * Evidence is three facts a trade: source, the publisher's number, execution id. Of the blocks that passed lately only
 * these are kept, numbers as runs (a publisher's numbers go up by one), so that a few bytes a trade reach far back.
 */
#include "actors/router/evidence.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"

#define KEPT_BLOCKS 65536u         /* a ring */
#define KEPT_BYTES_MAX (64u << 20) /* bounds it when blocks are large */
#define FETCHED_BLOCKS 64u         /* older blocks, read from the store */

struct run { /* rows from `row` on: the same source, numbers going up by one */
    uint32_t row, source;
    uint64_t pseq;
};

struct kept {
    uint64_t follows;
    uint32_t count, run_count;
    struct run *runs;
    uint8_t *id_lengths;  /* NULL if no row has an id; the ids follow it in the same memory */
    uint32_t *id_offsets; /* of every row; made at the first look */
    size_t bytes;
};

struct tw_evidence_source {
    struct kept ring[KEPT_BLOCKS]; /* ascending by sequence, from `first` */
    uint32_t first, count;
    size_t bytes;
    struct kept fetched[FETCHED_BLOCKS];
    uint32_t next_fetched;
    tw_evidence_fetch fetch;
    void *context;
};

struct tw_evidence_source *tw_evidence_source_new(tw_evidence_fetch fetch, void *context)
{
    struct tw_evidence_source *source = tw_alloc_zero(1, sizeof *source);
    source->fetch = fetch;
    source->context = context;
    return source;
}

static void forget(struct kept *kept)
{
    free(kept->runs);
    free(kept->id_lengths);
    free(kept->id_offsets);
    memset(kept, 0, sizeof *kept);
}

void tw_evidence_source_free(struct tw_evidence_source **source_pointer)
{
    struct tw_evidence_source *source = *source_pointer;
    if (source == NULL)
        return;
    for (uint32_t i = 0; i < KEPT_BLOCKS; i++)
        forget(&source->ring[i]);
    for (uint32_t i = 0; i < FETCHED_BLOCKS; i++)
        forget(&source->fetched[i]);
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

static struct kept keep(const struct tw_block *block)
{
    struct kept kept = {.follows = block->follows, .count = block->count};
    for (uint32_t row = 0; row < block->count; row++)
        kept.run_count += begins_run(block, row);
    kept.runs = tw_alloc(kept.run_count * sizeof *kept.runs);
    for (uint32_t row = 0, at = 0; row < block->count; row++)
        if (begins_run(block, row))
            kept.runs[at++] = (struct run){row, tw_load_u32(block->source, row), tw_load_u64(block->pseq, row)};
    kept.bytes = kept.run_count * sizeof *kept.runs;
    if (block->id_length != NULL) {
        kept.id_lengths = tw_alloc((size_t)block->count + block->ids_bytes);
        memcpy(kept.id_lengths, block->id_length, block->count);
        if (block->ids_bytes > 0)
            memcpy(kept.id_lengths + block->count, block->ids, block->ids_bytes);
        /* The offsets count from the start, whether or not they get made. */
        kept.bytes += (size_t)block->count + block->ids_bytes + (block->count + 1) * sizeof *kept.id_offsets;
    }
    return kept;
}

void tw_evidence_source_add(struct tw_evidence_source *source, const struct tw_record *record)
{
    if (record->kind != TW_RECORD_BLOCK || record->block.count == 0)
        return;
    struct kept kept = keep(&record->block);
    while (source->count == KEPT_BLOCKS || (source->count > 0 && source->bytes + kept.bytes > KEPT_BYTES_MAX)) {
        source->bytes -= kept_at(source, 0)->bytes;
        forget(kept_at(source, 0));
        source->first = (source->first + 1) % KEPT_BLOCKS;
        source->count--;
    }
    *kept_at(source, source->count++) = kept;
    source->bytes += kept.bytes;
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
    struct kept *kept = &source->fetched[source->next_fetched++ % FETCHED_BLOCKS];
    forget(kept);
    *kept = keep(&record.block);
    tw_frame_drop(&frame);
    return kept;
}

static const struct run *run_of(const struct kept *kept, uint32_t row)
{
    uint32_t low = 0, high = kept->run_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (kept->runs[middle].row <= row)
            low = middle;
        else
            high = middle;
    }
    return &kept->runs[low];
}

static struct tw_text id_of(struct kept *kept, uint32_t row)
{
    if (kept->id_lengths == NULL)
        return (struct tw_text){0};
    if (kept->id_offsets == NULL) {
        uint32_t offset = 0;
        kept->id_offsets = tw_alloc((kept->count + 1) * sizeof *kept->id_offsets);
        for (uint32_t i = 0; i < kept->count; i++) {
            kept->id_offsets[i] = offset;
            offset += kept->id_lengths[i];
        }
        kept->id_offsets[kept->count] = offset;
    }
    return (struct tw_text){(const char *)kept->id_lengths + kept->count + kept->id_offsets[row],
                            kept->id_lengths[row]};
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
