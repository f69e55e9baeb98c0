/* SPDX-License-Identifier: MIT
 *
 * Any messages in any order into the gateway's core. Held to: every message is taken once there is room, records are
 * dense, nothing but what is durable is asked of the past, acks promise no more than that, and a second gateway that
 * reads the log stands where the first one does.
 *
 * Input: steps of one byte (low 2 bits: push, feed, disk, time), a length of two bytes, and that many bytes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "actors/gateway/gateway.h"
#include "protocol/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DAY (INT64_C(86400) * TW_NS_PER_SECOND)

struct past {
    struct tw_frame **frames;
    struct tw_record *records;
    uint64_t count, durable;
};

static bool find(const struct past *past, uint64_t seq, const struct tw_block **block, uint32_t *row)
{
    for (uint64_t i = 0; i < past->durable; i++) {
        *block = &past->records[i].block;
        if (past->records[i].kind != TW_RECORD_BLOCK || seq <= (*block)->follows ||
            seq > (*block)->follows + (*block)->count)
            continue;
        *row = (uint32_t)(seq - (*block)->follows - 1);
        return true;
    }
    return false;
}

static struct tw_past_trade past_of(const struct tw_block *block, uint32_t row)
{
    struct tw_past_trade past = {.seq = block->follows + 1 + row,
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
    for (uint32_t i = 0; i < block->original_count; i++) {
        struct tw_original original;
        memcpy(&original, block->originals + (size_t)i * sizeof original, sizeof original);
        if (original.row == row)
            past.original_seq = original.seq;
    }
    return past;
}

static uint64_t durable_seq(const struct past *past)
{
    return past->durable == 0 ? 0 : tw_record_last(&past->records[past->durable - 1]);
}

static bool by_pseq(void *context, uint32_t source, uint64_t pseq, struct tw_past_trade *out)
{
    const struct past *past = context;
    const struct tw_block *block;
    uint32_t row, offset = 0;
    for (uint64_t seq = durable_seq(past); seq > 0; seq--) {
        TW_ASSERT(find(past, seq, &block, &row));
        if (tw_load_u32(block->source, row) != source || tw_load_u64(block->pseq, row) != pseq)
            continue;
        *out = past_of(block, row);
        return true;
    }
    for (uint64_t i = 0; i < past->durable; i++, offset = 0)
        for (struct tw_refusal refusal; past->records[i].kind == TW_RECORD_BLOCK &&
                                        tw_block_next_refusal(&past->records[i].block, &offset, &refusal);)
            if (refusal.source == source && refusal.pseq == pseq) {
                *out = (struct tw_past_trade){.refused = true, .content_hash = refusal.content_hash};
                return true;
            }
    return false; /* skipped by a feed that has the same name */
}

static bool by_seq(void *context, uint64_t seq, struct tw_past_trade *out)
{
    const struct tw_block *block;
    uint32_t row;
    TW_ASSERT(find(context, seq, &block, &row));
    *out = past_of(block, row);
    return true;
}

static bool by_id(void *context, struct tw_text publisher, struct tw_text id, uint64_t before,
                  struct tw_past_trade *out)
{
    TW_ASSERT(before <= durable_seq(context) + 1);
    (void)publisher; /* one name is enough: fuzzed inputs hardly get beyond it */
    for (uint64_t seq = before - 1; seq > 0; seq--) {
        TW_ASSERT(by_seq(context, seq, out));
        if (TW_ATTR_KIND(out->attrs) != TW_KIND_BUST && out->id.length == id.length &&
            memcmp(out->id.bytes, id.bytes, id.length) == 0)
            return true;
    }
    return false;
}

static int64_t next_roll(void *context, int64_t ts_ns)
{
    (void)context;
    return (ts_ns / DAY + 1) * DAY;
}

static void cut(struct tw_gateway *gateway, struct past *past)
{
    for (struct tw_frame *frame; (frame = tw_gateway_cut(gateway)) != NULL; past->count++) {
        const char *why;
        past->frames = tw_realloc(past->frames, (past->count + 1) * sizeof(struct tw_frame *));
        past->records = tw_realloc(past->records, (past->count + 1) * sizeof *past->records);
        past->frames[past->count] = frame;
        TW_ASSERT(tw_record_decode(frame->bytes, frame->length, &past->records[past->count], &why));
        TW_ASSERT(tw_record_lsn(&past->records[past->count]) == past->count + 1);
    }
}

static void read_acks(struct tw_gateway *gateway, int64_t now_ns)
{
    for (struct tw_ack ack; tw_gateway_next_ack(gateway, now_ns, &ack);)
        TW_ASSERT(ack.publisher.length > 0 && ack.durable < ack.next && ack.refused_total >= ack.refused_count);
}

static void perform(struct tw_gateway *gateway, struct past *past, const uint8_t *data, size_t size)
{
    int64_t now_ns = TW_NS_PER_SECOND, wall_ns = INT64_C(20000) * DAY;
    while (size >= 3) {
        unsigned step = data[0] & 3u;
        size_t length = (size_t)data[1] | (size_t)data[2] << 8;
        data += 3;
        size -= 3;
        length = length > size ? size : length;
        if (step <= 1)
            while (tw_gateway_submit(gateway, step == 0 ? TW_LANE_PUSH : TW_LANE_FEED, data, length, wall_ns, now_ns) ==
                   TW_TAKEN_LATER) {
                TW_ASSERT(tw_gateway_staged(gateway));
                cut(gateway, past);
            }
        if (step == 2) {
            cut(gateway, past);
            past->durable = past->count;
            tw_gateway_durable(gateway, past->durable);
        }
        if (step == 3) {
            now_ns += (int64_t)length * 1000000;
            wall_ns += (int64_t)length * 1000000;
            tw_gateway_clock(gateway, wall_ns, now_ns);
            length = 0;
        }
        read_acks(gateway, now_ns);
        data += length;
        size -= length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct past past = {0};
    const struct tw_gateway_settings settings = {.block_trades_max = size % 3 == 0 ? 2 : 100,
                                                 .credit_trades = 1000,
                                                 .future_ns = 5 * TW_NS_PER_SECOND,
                                                 .reporting_currency = "USD",
                                                 .next_roll = next_roll,
                                                 .idle_clock = true,
                                                 .tick_keys_max = size % 5};
    const struct tw_history history = {&past, by_pseq, by_id, by_seq};
    struct tw_gateway *gateway = tw_gateway_new(&settings, &history), *second = tw_gateway_new(&settings, &history);
    tw_gateway_start(gateway, "fuzz", (struct tw_text){"", 0}, INT64_C(20000) * DAY);
    perform(gateway, &past, data, size);
    cut(gateway, &past);
    for (uint64_t i = 0; i < past.count; i++)
        tw_gateway_apply(second, &past.records[i]);
    TW_ASSERT(tw_gateway_last_seq(second) == tw_gateway_last_seq(gateway));
    TW_ASSERT(tw_gateway_last_lsn(second) == tw_gateway_last_lsn(gateway));
    TW_ASSERT(tw_gateway_boot(second) == tw_gateway_boot(gateway));
    tw_gateway_free(&gateway);
    tw_gateway_free(&second);
    for (uint64_t i = 0; i < past.count; i++)
        tw_frame_drop(&past.frames[i]);
    free(past.frames);
    free(past.records);
    return 0;
}
