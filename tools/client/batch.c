/* SPDX-License-Identifier: MIT
 *
 * Trades being gathered into one message.
 */
#include "tools/client/batch.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"

/* Nine texts and five other keys with their heads, and two amounts of at most 20 characters. */
#define ROW_OVERHEAD_BYTES 160u
#define ENVELOPE_BYTES 128u
#define ROW_TEXT_BYTES_MAX (9u * TW_NAME_BYTES_MAX)

_Static_assert(TW_EXECUTION_ID_BYTES_MAX == TW_NAME_BYTES_MAX, "one bound for every text");

void tw_batch_init(struct tw_batch *batch, struct tw_text publisher, uint32_t incarnation, uint32_t trades_max,
                   bool rows)
{
    TW_ASSERT(trades_max > 0 && trades_max <= TW_SUBMISSION_TRADES_MAX);
    *batch = (struct tw_batch){.publisher = publisher, .incarnation = incarnation, .trades_max = trades_max};
    if (!rows)
        batch->columns = tw_columns_new(publisher, incarnation);
}

void tw_batch_clear(struct tw_batch *batch)
{
    tw_columns_free(&batch->columns);
    free(batch->trades);
    batch->trades = NULL;
    tw_buffer_free(&batch->texts);
}

void tw_batch_start_after(struct tw_batch *batch, uint64_t names)
{
    if (batch->columns != NULL && names > 0)
        tw_columns_start_after(batch->columns, names);
}

uint32_t tw_batch_count(const struct tw_batch *batch)
{
    return batch->trade_count > 0 || batch->columns == NULL ? batch->trade_count : tw_columns_count(batch->columns);
}

const char *tw_batch_fault(const struct tw_trade *trade)
{
    const struct tw_text texts[] = {trade->symbol, trade->account, trade->id,    trade->ref, trade->owner,
                                    trade->contra, trade->broker,  trade->venue, trade->ccy};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i].length > TW_NAME_BYTES_MAX)
            return "a text is longer than 64 bytes";
    if (trade->side > TW_SIDE_SELL)
        return "the side is none of none, buy, sell";
    if (trade->kind > TW_KIND_CORRECT)
        return "the kind is none of trade, bust, correct";
    if (trade->has_ts && trade->ts_ns == 0)
        return "a ts of 0 means that there is none";
    return NULL;
}

/* ---- row form ---- */

static void keep_text(struct tw_batch *batch, struct tw_text *text)
{
    if (text->length == 0)
        return;
    const char *copy = (const char *)batch->texts.bytes + batch->texts.length;
    tw_buffer_append(&batch->texts, text->bytes, text->length); /* reserved: it does not move */
    text->bytes = copy;
}

static bool add_row(struct tw_batch *batch, const struct tw_trade *trade)
{
    if (batch->trades == NULL) {
        batch->trades = tw_alloc(batch->trades_max * sizeof *batch->trades);
        tw_buffer_reserve(&batch->texts, (size_t)batch->trades_max * ROW_TEXT_BYTES_MAX);
    }
    size_t texts = (size_t)trade->symbol.length + trade->account.length + trade->id.length + trade->ref.length +
                   trade->owner.length + trade->contra.length + trade->broker.length + trade->venue.length +
                   trade->ccy.length;
    if (batch->trade_count == batch->trades_max ||
        ENVELOPE_BYTES + batch->encoded_max + texts + ROW_OVERHEAD_BYTES > TW_SUBMISSION_BYTES_MAX)
        return false;
    batch->encoded_max += texts + ROW_OVERHEAD_BYTES;
    struct tw_trade *row = &batch->trades[batch->trade_count++];
    *row = *trade;
    struct tw_text *kept[] = {&row->symbol, &row->account, &row->id,    &row->ref, &row->owner,
                              &row->contra, &row->broker,  &row->venue, &row->ccy};
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        keep_text(batch, kept[i]);
    return true;
}

static void cut_rows(struct tw_batch *batch, uint64_t first, struct tw_flow_message *message)
{
    message->count = batch->trade_count;
    message->names_before = message->names_after = 0;
    tw_submission_encode_rows(&message->bytes, batch->publisher, batch->incarnation, first, batch->trades,
                              batch->trade_count);
    batch->trade_count = 0;
    batch->texts.length = 0;
    batch->encoded_max = 0;
}

/* ---- both ---- */

bool tw_batch_add(struct tw_batch *batch, const struct tw_trade *trade)
{
    if (batch->columns == NULL || batch->trade_count > 0)
        return add_row(batch, trade);
    uint32_t count = tw_columns_count(batch->columns);
    if (count == batch->trades_max)
        return false;
    if (tw_columns_add(batch->columns, trade))
        return true;
    return count == 0 && add_row(batch, trade); /* no name fits into the dictionary any more: rows need none */
}

void tw_batch_cut(struct tw_batch *batch, uint64_t first, struct tw_flow_message *message)
{
    TW_ASSERT(tw_batch_count(batch) > 0);
    message->first = first;
    if (batch->columns == NULL || batch->trade_count > 0) {
        cut_rows(batch, first, message);
        return;
    }
    uint64_t written = tw_columns_names_written(batch->columns);
    message->count = tw_columns_count(batch->columns);
    message->names_before = written;
    tw_columns_finish(batch->columns, first, written, &message->bytes);
    message->names_after = tw_columns_names_written(batch->columns);
}

void tw_batch_hello(const struct tw_batch *batch, struct tw_buffer *out)
{
    tw_submission_encode_rows(out, batch->publisher, batch->incarnation, 1, NULL, 0);
}

uint64_t tw_batch_names(struct tw_batch *batch, uint64_t known, struct tw_buffer *out)
{
    TW_ASSERT(batch->columns != NULL);
    return tw_columns_hello(batch->columns, 1, known, out);
}

void tw_batch_probe(const struct tw_batch *batch, uint64_t number, struct tw_buffer *out)
{
    const struct tw_trade trade = {.symbol = {"-", 1}, .qty_e8 = TW_E8, .price_e8 = TW_E8};
    tw_submission_encode_rows(out, batch->publisher, batch->incarnation, number, &trade, 1);
}
