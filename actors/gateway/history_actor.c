/* SPDX-License-Identifier: MIT */
#include "actors/gateway/history_actor.h"

#include <string.h>

static void from_row(const struct tw_block *block, uint32_t row, struct tw_past_trade *out)
{
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
    if (TW_ATTR_KIND(out->attrs) == TW_KIND_TRADE)
        return;
    for (uint32_t i = 0; i < block->original_count; i++) {
        struct tw_original original;
        memcpy(&original, block->originals + (size_t)i * sizeof original, sizeof original);
        if (original.row == row)
            out->original_seq = original.seq;
    }
}

static bool by_pseq(void *context, uint32_t source, uint64_t pseq, struct tw_past_trade *out)
{
    struct tw_store_history *history = context;
    struct tw_record record;
    uint32_t row;
    tw_frame_drop(&history->frame);
    if (tw_store_by_pseq(history->store, source, pseq, &history->frame, &record, &row)) {
        from_row(&record.block, row, out);
        return true;
    }
    *out = (struct tw_past_trade){.refused = true, .source = source, .pseq = pseq};
    if (tw_store_refusal_hash(history->store, source, pseq, &out->content_hash))
        return true;
    *out = (struct tw_past_trade){.dropped = true, .source = source, .pseq = pseq};
    return tw_store_pseq_dropped(history->store, source, pseq);
}

static bool by_id(void *context, struct tw_text publisher, struct tw_text id, uint64_t before,
                  struct tw_past_trade *out)
{
    struct tw_store_history *history = context;
    struct tw_record record;
    uint32_t row;
    tw_frame_drop(&history->frame);
    if (!tw_store_by_id(history->store, publisher, id, before, &history->frame, &record, &row))
        return false;
    from_row(&record.block, row, out);
    return true;
}

static bool by_seq(void *context, uint64_t seq, struct tw_past_trade *out)
{
    struct tw_store_history *history = context;
    struct tw_record record;
    tw_frame_drop(&history->frame);
    if (!tw_store_block_of(history->store, seq, &history->frame, &record)) {
        *out = (struct tw_past_trade){.dropped = true, .seq = seq};
        return seq != 0 && seq <= tw_store_retained(history->store).seq;
    }
    from_row(&record.block, (uint32_t)(seq - record.block.follows - 1), out);
    return true;
}

struct tw_history tw_store_history_port(struct tw_store_history *history)
{
    return (struct tw_history){history, by_pseq, by_id, by_seq};
}

void tw_store_history_clear(struct tw_store_history *history)
{
    tw_frame_drop(&history->frame);
}
