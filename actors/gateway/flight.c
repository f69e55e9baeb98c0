/* SPDX-License-Identifier: MIT
 *
 * Look-ups in what is not durable yet: finished records that stand in `flights`, and the block under construction. What
 * is durable is asked of the port tw_history instead.
 */
#include "actors/gateway/inside.h"

#include <stdlib.h>
#include <xxhash.h>

static struct tw_flight *flight_of(const struct tw_gateway *gateway, uint64_t lsn)
{
    return &gateway->flights[gateway->flight_first + (uint32_t)(lsn - gateway->durable_lsn - 1)];
}

const struct tw_block *tw_flight_block(struct tw_gateway *gateway, uint64_t lsn)
{
    TW_ASSERT(lsn > gateway->durable_lsn && lsn <= gateway->last_lsn + 1);
    if (lsn > gateway->last_lsn)
        return tw_gateway_open_view(gateway);
    const struct tw_record *record = &flight_of(gateway, lsn)->record;
    return record->kind == TW_RECORD_BLOCK ? &record->block : NULL;
}

/* ---- what look-ups build, used again by later flights: one resend or bust is followed by others ---- */

void tw_flight_clear(struct tw_gateway *gateway, struct tw_flight *flight)
{
    struct tw_spares *spares = &gateway->spares;
    if (flight->id_start != NULL) {
        spares->starts =
            tw_gateway_grow(spares->starts, spares->start_count, &spares->start_capacity, sizeof *spares->starts);
        spares->starts[spares->start_count++] = flight->id_start;
    }
    if (flight->index != NULL) {
        spares->indexes =
            tw_gateway_grow(spares->indexes, spares->index_count, &spares->index_capacity, sizeof *spares->indexes);
        spares->indexes[spares->index_count++] = flight->index;
    }
    tw_frame_drop(&flight->frame);
    memset(flight, 0, sizeof *flight);
}

static uint32_t *take_starts(struct tw_gateway *gateway)
{
    struct tw_spares *spares = &gateway->spares;
    if (spares->start_count > 0)
        return spares->starts[--spares->start_count];
    return tw_alloc(TW_BLOCK_TRADES_MAX * sizeof(uint32_t));
}

static struct tw_id_index *take_index(struct tw_gateway *gateway)
{
    struct tw_spares *spares = &gateway->spares;
    if (spares->index_count == 0)
        return tw_alloc_zero(1, sizeof(struct tw_id_index));
    struct tw_id_index *index = spares->indexes[--spares->index_count];
    index->indexed = 0;
    memset(index->newest, 0, sizeof index->newest);
    return index;
}

void tw_flight_spares_free(struct tw_gateway *gateway)
{
    struct tw_spares *spares = &gateway->spares;
    while (spares->start_count > 0)
        free(spares->starts[--spares->start_count]);
    while (spares->index_count > 0)
        free(spares->indexes[--spares->index_count]);
    free(spares->starts);
    free(spares->indexes);
}

/* ---- rows as past trades ---- */

/* Where each row's execution id starts; for a finished block summed up when first needed. */
static const uint32_t *id_starts(struct tw_gateway *gateway, uint64_t lsn, const struct tw_block *block)
{
    if (lsn > gateway->last_lsn)
        return gateway->open.id_start;
    struct tw_flight *flight = flight_of(gateway, lsn);
    if (flight->id_start != NULL)
        return flight->id_start;
    flight->id_start = take_starts(gateway);
    uint32_t start = 0;
    for (uint32_t row = 0; row < block->count; row++) {
        flight->id_start[row] = start;
        start += block->id_length[row];
    }
    return flight->id_start;
}

static struct tw_text id_of(struct tw_gateway *gateway, uint64_t lsn, const struct tw_block *block, uint32_t row)
{
    if (block->id_length == NULL || block->id_length[row] == 0)
        return (struct tw_text){NULL, 0};
    return (struct tw_text){(const char *)block->ids + id_starts(gateway, lsn, block)[row], block->id_length[row]};
}

/* Originals stand in row order. */
static uint64_t original_seq_of(const struct tw_block *block, uint32_t row)
{
    uint32_t low = 0, high = block->original_count;
    struct tw_original original;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        memcpy(&original, block->originals + (size_t)middle * sizeof original, sizeof original);
        if (original.row == row)
            return original.seq;
        if (original.row < row)
            low = middle + 1;
        else
            high = middle;
    }
    TW_UNREACHABLE("a bust or correct without its original");
}

static void fill_past(struct tw_gateway *gateway, uint64_t lsn, const struct tw_block *block, uint32_t row,
                      struct tw_past_trade *out)
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
                                  .id = id_of(gateway, lsn, block, row)};
    if (TW_ATTR_KIND(out->attrs) != TW_KIND_TRADE)
        out->original_seq = original_seq_of(block, row);
}

/* ---- by publisher's number ---- */

static bool find_row(const struct tw_block *block, uint32_t source, uint64_t pseq, uint32_t from, uint32_t *out)
{
    for (uint32_t row = from; row < block->count; row++)
        if (tw_load_u64(block->pseq, row) == pseq && tw_load_u32(block->source, row) == source) {
            *out = row;
            return true;
        }
    return false;
}

static bool find_refusal(const struct tw_source *source, uint64_t pseq, struct tw_past_trade *out)
{
    uint32_t low = 0, high = source->pending_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct tw_pending_refusal *pending = &source->pending[middle];
        if (pending->pseq == pseq) {
            *out = (struct tw_past_trade){
                .refused = true, .content_hash = pending->content_hash, .pseq = pseq, .source = source->id};
            return true;
        }
        if (pending->pseq < pseq)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

bool tw_flight_by_pseq(struct tw_gateway *gateway, uint32_t source, uint64_t pseq, struct tw_past_trade *out)
{
    if (find_refusal(gateway->sources[source], pseq, out))
        return true;
    uint64_t lsn = gateway->durable_lsn + 1;
    uint32_t row = 0;
    /* Resends come in runs: go on behind the last one found. */
    if (gateway->found.source == source && gateway->found.pseq < pseq && gateway->found.lsn >= lsn) {
        lsn = gateway->found.lsn;
        row = gateway->found.row + 1;
    }
    for (; lsn <= gateway->last_lsn + 1; lsn++, row = 0) {
        const struct tw_block *block = tw_flight_block(gateway, lsn);
        if (block == NULL || !find_row(block, source, pseq, row, &row))
            continue;
        gateway->found.source = source;
        gateway->found.pseq = pseq;
        gateway->found.lsn = lsn;
        gateway->found.row = row;
        fill_past(gateway, lsn, block, row, out);
        return true;
    }
    return false;
}

/* ---- by global sequence ---- */

bool tw_flight_by_seq(struct tw_gateway *gateway, uint64_t seq, struct tw_past_trade *out)
{
    for (uint64_t lsn = gateway->last_lsn + 1; lsn > gateway->durable_lsn; lsn--) {
        const struct tw_block *block = tw_flight_block(gateway, lsn);
        if (block == NULL || seq <= block->follows || seq > block->follows + block->count)
            continue;
        fill_past(gateway, lsn, block, (uint32_t)(seq - block->follows - 1), out);
        return true;
    }
    return false;
}

/* ---- by execution id ---- */

static uint32_t bucket_of(uint32_t publisher, struct tw_text id)
{
    return (uint32_t)(XXH3_64bits_withSeed(id.bytes, id.length, publisher) % TW_ID_BUCKETS);
}

static uint32_t publisher_of(const struct tw_gateway *gateway, const struct tw_block *block, uint32_t row)
{
    return gateway->sources[tw_load_u32(block->source, row)]->publisher;
}

/* Brings the block's index up to its last row. */
static struct tw_id_index *index_of(struct tw_gateway *gateway, uint64_t lsn, const struct tw_block *block)
{
    struct tw_id_index **index = lsn > gateway->last_lsn ? &gateway->open.index : &flight_of(gateway, lsn)->index;
    if (*index == NULL)
        *index = take_index(gateway);
    for (uint32_t row = (*index)->indexed; row < block->count; row++) {
        struct tw_text id = id_of(gateway, lsn, block, row);
        if (id.length == 0 || TW_ATTR_KIND(block->attrs[row]) == TW_KIND_BUST)
            continue;
        uint32_t bucket = bucket_of(publisher_of(gateway, block, row), id);
        (*index)->older[row] = (*index)->newest[bucket];
        (*index)->newest[bucket] = (uint16_t)(row + 1);
    }
    (*index)->indexed = block->count;
    return *index;
}

bool tw_flight_by_id(struct tw_gateway *gateway, uint32_t publisher, struct tw_text id, struct tw_past_trade *out)
{
    uint32_t bucket = bucket_of(publisher, id);
    for (uint64_t lsn = gateway->last_lsn + 1; lsn > gateway->durable_lsn; lsn--) {
        const struct tw_block *block = tw_flight_block(gateway, lsn);
        if (block == NULL || block->id_length == NULL)
            continue;
        struct tw_id_index *index = index_of(gateway, lsn, block);
        for (uint16_t *link = &index->newest[bucket]; *link != 0;) {
            uint32_t row = *link - 1u;
            if (!tw_text_equal(id_of(gateway, lsn, block, row), id) || publisher_of(gateway, block, row) != publisher) {
                link = &index->older[row];
                continue;
            }
            if (!tw_busted_has(&gateway->busted, block->follows + 1 + row)) {
                fill_past(gateway, lsn, block, row, out);
                return true;
            }
            *link = index->older[row]; /* nobody looks for it again */
        }
    }
    return false;
}

uint64_t tw_gateway_under_way(const struct tw_gateway *gateway, uint64_t *unasked)
{
    *unasked = 0;
    for (uint32_t i = 0; i < gateway->flight_count; i++) {
        const struct tw_record *record = &gateway->flights[gateway->flight_first + i].record;
        for (uint32_t row = 0; record->kind == TW_RECORD_BLOCK && row < record->block.count; row++) {
            const struct tw_source *source = gateway->sources[tw_load_u32(record->block.source, row)];
            *unasked +=
                source == gateway->anonymous || gateway->publishers[source->publisher]->speaks == TW_SPEAKS_BY_FEED;
        }
    }
    return gateway->last_seq - gateway->durable_seq;
}

_Static_assert(TW_BLOCK_TRADES_MAX < UINT16_MAX, "the index counts rows in 16 bits");
