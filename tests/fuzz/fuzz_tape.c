/* SPDX-License-Identifier: MIT
 *
 * Any bytes as a tape: it ends; lines count upwards; what is read can be sent; a problem is told when there is one; and
 * a trade, however it was written, is the same trade as a line of JSON with plain numbers, and as a line of CSV.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"
#include "protocol/json_text.h"
#include "protocol/names.h"
#include "tools/client/batch.h"
#include "tools/tape.h"

#define TRADES_MAX 8190u

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void send(struct tw_batch *batch, const struct tw_trade *trade)
{
    struct tw_flow_message message = {.first = 0};
    TW_ASSERT(tw_batch_fault(trade) == NULL);
    if (!tw_batch_add(batch, trade)) {
        tw_batch_cut(batch, 1, &message);
        tw_buffer_free(&message.bytes);
        TW_ASSERT(tw_batch_add(batch, trade));
    }
}

/* What the gateway gets of it is a message that it can read. */
static void check_message(struct tw_batch *batch)
{
    static struct tw_submission submission;
    struct tw_flow_message message = {.first = 0};
    enum tw_code hold = TW_OK;
    const char *why = NULL;
    if (tw_batch_count(batch) > 0) {
        tw_batch_cut(batch, 1, &message);
        TW_ASSERT(tw_submission_decode(message.bytes.bytes, message.bytes.length, &submission, &hold, &why) ==
                  TW_ENVELOPE_OK);
        tw_buffer_free(&message.bytes);
    }
}

/* ---- the same trade, written anew ---- */

#define TEXTS 10

static void texts_of(const struct tw_trade *trade, struct tw_text out[TEXTS])
{
    const struct tw_text texts[TEXTS] = {trade->symbol, trade->account, trade->venue,  trade->id,  trade->ref,
                                         trade->owner,  trade->contra,  trade->broker, trade->ccy, {NULL, 0}};
    memcpy(out, texts, sizeof texts);
}

/* JSON has only UTF-8, and neither of the two can say every control character. */
static bool can_be_written(const struct tw_trade *trade)
{
    struct tw_text texts[TEXTS];
    texts_of(trade, texts);
    for (int i = 0; i < TEXTS; i++)
        if (texts[i].length > 0 && !tw_name_id_valid(texts[i]))
            return false;
    return trade->qty_e8 > 0 && trade->price_e8 > 0;
}

static const char *const names[TEXTS] = {"symbol", "account", "venue",  "id",  "ref",
                                         "owner",  "contra",  "broker", "ccy", NULL};
static const char *const sides[] = {"", "B", "S"}, *const kinds[] = {"trade", "bust", "correct"};

static void write_json(FILE *out, const struct tw_trade *trade)
{
    struct tw_text texts[TEXTS];
    char qty[TW_E8_TEXT_MAX], price[TW_E8_TEXT_MAX];
    texts_of(trade, texts);
    tw_e8_format(trade->qty_e8, qty);
    tw_e8_format(trade->price_e8, price);
    fprintf(out, "{\"kind\":\"%s\",\"qty\":%s,\"price\":%s", kinds[trade->kind], qty, price);
    if (trade->side != TW_SIDE_NONE)
        fprintf(out, ",\"side\":\"%s\"", sides[trade->side]);
    if (trade->has_ts)
        fprintf(out, ",\"ts\":%lld", (long long)trade->ts_ns);
    for (int i = 0; i < TEXTS; i++) {
        if (texts[i].length == 0)
            continue;
        fprintf(out, ",\"%s\":", names[i]);
        tw_json_text(out, texts[i]);
    }
    fputs("}\n", out);
}

static void write_csv(FILE *out, const struct tw_trade *trade)
{
    struct tw_text texts[TEXTS];
    char qty[TW_E8_TEXT_MAX], price[TW_E8_TEXT_MAX];
    texts_of(trade, texts);
    tw_e8_format(trade->qty_e8, qty);
    tw_e8_format(trade->price_e8, price);
    fprintf(out, "kind,qty,price,side");
    for (int i = 0; names[i] != NULL; i++)
        fprintf(out, ",%s", names[i]);
    fprintf(out, "%s\n%s,%s,%s,%s", trade->has_ts ? ",ts" : "", kinds[trade->kind], qty, price, sides[trade->side]);
    for (int i = 0; names[i] != NULL; i++) {
        fputs(",\"", out);
        for (uint32_t at = 0; at < texts[i].length; at++) {
            if (texts[i].bytes[at] == '"')
                fputc('"', out);
            fputc(texts[i].bytes[at], out);
        }
        fputc('"', out);
    }
    if (trade->has_ts)
        fprintf(out, ",%lld", (long long)trade->ts_ns);
    fputs("\n", out);
}

static void check_again(const struct tw_trade *trade, void (*write)(FILE *out, const struct tw_trade *trade))
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    struct tw_trade again;
    TW_ASSERT(out != NULL);
    write(out, trade);
    fclose(out);
    struct tw_tape *tape = tw_tape_new(tw_tape_input_over(text, length), "again");
    TW_ASSERT(tw_tape_next(tape, &again) == TW_TAPE_TRADE);
    TW_ASSERT(tw_trade_content_hash(&again) == tw_trade_content_hash(trade));
    TW_ASSERT(tw_tape_next(tape, &again) == TW_TAPE_END);
    tw_tape_free(&tape);
    free(text);
}

static void check_trade(const struct tw_trade *trade)
{
    if (!can_be_written(trade))
        return;
    check_again(trade, write_json);
    check_again(trade, write_csv);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct tw_tape *tape = tw_tape_new(tw_tape_input_over(bytes, length), "tape");
    struct tw_batch batch;
    struct tw_trade trade;
    enum tw_tape_result result;
    uint64_t line = 0;
    tw_batch_init(&batch, (struct tw_text){"desk-7", 6}, 0, TRADES_MAX, length % 2 == 0);
    do {
        result = tw_tape_next(tape, &trade);
        if (result == TW_TAPE_TRADE) {
            check_trade(&trade);
            send(&batch, &trade);
        } else if (result != TW_TAPE_END)
            TW_ASSERT(tw_tape_problem(tape)[0] != '\0');
        if (result == TW_TAPE_TRADE || result == TW_TAPE_BAD) {
            TW_ASSERT(tw_tape_line(tape) > line);
            line = tw_tape_line(tape);
        }
    } while (result == TW_TAPE_TRADE || result == TW_TAPE_BAD);
    TW_ASSERT(tw_tape_next(tape, &trade) == result);
    check_message(&batch);
    tw_batch_clear(&batch);
    tw_tape_free(&tape);
    return 0;
}
