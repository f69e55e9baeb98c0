/* SPDX-License-Identifier: MIT
 *
 * Which sources a block holds, and from which of their numbers on. Runs of one source cost a comparison a row; only
 * where the source changes does a small table say whether it was seen before.
 */
#include "store/inside.h"

static void note(struct tw_block_sources *sources, uint32_t source, uint64_t pseq)
{
    uint32_t slot = (source * UINT32_C(2654435761)) & (TW_BLOCK_SOURCES_SLOTS - 1u);
    while (sources->slots[slot].generation == sources->generation) {
        struct tw_block_source *known = &sources->list[sources->slots[slot].place];
        if (known->source == source) {
            if (pseq < known->first_pseq) /* a refusal before the first row */
                known->first_pseq = pseq;
            return;
        }
        slot = (slot + 1u) & (TW_BLOCK_SOURCES_SLOTS - 1u);
    }
    sources->slots[slot].generation = sources->generation;
    sources->slots[slot].place = sources->count;
    sources->list[sources->count++] = (struct tw_block_source){pseq, source};
}

void tw_block_sources_collect(struct tw_block_sources *sources, const struct tw_block *block)
{
    sources->count = 0;
    if (++sources->generation == 0) { /* once in four thousand million blocks */
        memset(sources->slots, 0, sizeof sources->slots);
        sources->generation = 1;
    }
    uint32_t last = 0;
    for (uint32_t row = 0; row < block->count; row++) {
        uint32_t source = tw_load_u32(block->source, row);
        if (source == last)
            continue;
        last = source;
        note(sources, source, tw_load_u64(block->pseq, row));
    }
    uint32_t offset = 0;
    struct tw_refusal refusal;
    while (tw_block_next_refusal(block, &offset, &refusal))
        note(sources, refusal.source, refusal.pseq);
}
