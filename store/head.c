/* SPDX-License-Identifier: MIT
 *
 * What a record adds to the head: one rule for who appends and for who verifies.
 */
#include "store/inside.h"

static void take_block(struct tw_store_head *head, const struct tw_block *block)
{
    struct tw_new_name name;
    uint32_t offset = 0;
    while (tw_block_next_name(block, &offset, &name))
        head->names[name.kind - 1]++;
    head->refusals += block->refusal_count;
    head->blocks++;
    if (block->count == 0)
        return;
    if (head->seq == 0)
        head->first_ts_ns = head->clock_ns = tw_load_i64(block->ts, 0);
    int64_t clock_ns = head->clock_ns;
    for (uint32_t row = 0; row < block->count; row++) {
        int64_t ts = tw_load_i64(block->ts, row);
        clock_ns = ts > clock_ns ? ts : clock_ns;
    }
    head->clock_ns = clock_ns;
}

void tw_store_head_take(struct tw_store_head *head, const struct tw_record *record, struct tw_chain chain)
{
    if (record->kind == TW_RECORD_BLOCK)
        take_block(head, &record->block);
    head->lsn = tw_record_lsn(record);
    head->seq = tw_record_last(record);
    head->chain = chain;
}
