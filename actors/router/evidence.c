/* SPDX-License-Identifier: MIT */
#include "actors/router/evidence.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"

#define KEPT_BLOCKS 1024u          /* a ring; small blocks are cheap to keep */
#define KEPT_BYTES_MAX (64u << 20) /* and large ones bounded by their bytes */
#define FETCHED_BLOCKS 8u          /* older blocks, read from the store */

struct kept {
    struct tw_frame *frame;
    struct tw_block block;
    uint32_t *id_offsets; /* where each row's execution id begins; made at the first look */
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
    tw_frame_drop(&kept->frame);
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

static void drop_oldest(struct tw_evidence_source *source)
{
    struct kept *oldest = kept_at(source, 0);
    source->bytes -= oldest->frame->length;
    forget(oldest);
    source->first = (source->first + 1) % KEPT_BLOCKS;
    source->count--;
}

void tw_evidence_source_add(struct tw_evidence_source *source, struct tw_frame *frame)
{
    struct tw_record record;
    TW_ASSERT(tw_record_view(frame->bytes, frame->length, &record));
    if (record.kind != TW_RECORD_BLOCK || record.block.count == 0)
        return;
    while (source->count == KEPT_BLOCKS || (source->count > 0 && source->bytes + frame->length > KEPT_BYTES_MAX))
        drop_oldest(source);
    struct kept *kept = kept_at(source, source->count);
    *kept = (struct kept){tw_frame_share(frame), record.block, NULL};
    source->count++;
    source->bytes += frame->length;
}

static bool holds(const struct kept *kept, uint64_t seq)
{
    return kept->frame != NULL && seq > kept->block.follows && seq <= kept->block.follows + kept->block.count;
}

static struct kept *find_kept(struct tw_evidence_source *source, uint64_t seq)
{
    uint32_t low = 0, high = source->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct kept *kept = kept_at(source, middle);
        if (kept->block.follows + kept->block.count < seq)
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
    *kept = (struct kept){frame, record.block, NULL};
    return kept;
}

static void index_ids(struct kept *kept)
{
    const struct tw_block *block = &kept->block;
    kept->id_offsets = tw_alloc((block->count + 1) * sizeof *kept->id_offsets);
    uint32_t offset = 0;
    for (uint32_t row = 0; row < block->count; row++) {
        kept->id_offsets[row] = offset;
        offset += block->id_length[row];
    }
    kept->id_offsets[block->count] = offset;
}

static bool find(void *context, uint64_t seq, uint32_t *source_id, uint64_t *pseq, struct tw_text *id)
{
    struct tw_evidence_source *source = context;
    struct kept *kept = find_kept(source, seq);
    if (kept == NULL)
        kept = fetch_older(source, seq);
    if (kept == NULL)
        return false;
    const struct tw_block *block = &kept->block;
    uint32_t row = (uint32_t)(seq - block->follows - 1);
    *source_id = tw_load_u32(block->source, row);
    *pseq = tw_load_u64(block->pseq, row);
    *id = (struct tw_text){0};
    if (block->id_length != NULL) {
        if (kept->id_offsets == NULL)
            index_ids(kept);
        uint32_t begin = kept->id_offsets[row];
        *id = (struct tw_text){(const char *)block->ids + begin, kept->id_offsets[row + 1] - begin};
    }
    return true;
}

struct tw_evidence tw_evidence_source_port(struct tw_evidence_source *source)
{
    return (struct tw_evidence){source, find};
}
