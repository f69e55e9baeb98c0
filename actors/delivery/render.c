/* SPDX-License-Identifier: MIT */
#include "actors/delivery/render.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/alert_text.h"
#include "protocol/check.h"

void tw_request_clear(struct tw_request *request)
{
    request->body.length = 0;
    request->header_count = 0;
}

void tw_request_header(struct tw_request *request, const char *format, ...)
{
    va_list arguments;
    TW_ASSERT(request->header_count < TW_REQUEST_HEADERS_MAX);
    char *header = request->headers[request->header_count++];
    va_start(arguments, format);
    int length = vsnprintf(header, TW_REQUEST_HEADER_BYTES, format, arguments);
    va_end(arguments);
    TW_ASSERT(length > 0 && length < (int)TW_REQUEST_HEADER_BYTES);
}

void tw_body_open(struct tw_body *body)
{
    body->out = open_memstream(&body->text, &body->length);
    TW_ASSERT(body->out != NULL);
}

void tw_body_close(struct tw_body *body, struct tw_request *request)
{
    TW_ASSERT(fclose(body->out) == 0);
    tw_request_clear(request);
    tw_buffer_append(&request->body, body->text, body->length);
    free(body->text);
}

bool tw_alert_is_over(const struct tw_alert_view *view)
{
    return tw_text_is(view->event, "resolve") || tw_text_is(view->event, "retract");
}

const char *tw_mail_domain(const char *from)
{
    const char *at = from == NULL ? NULL : strrchr(from, '@');
    return at == NULL ? "localhost" : at + 1;
}

void tw_render_json(struct tw_buffer *out, const struct tw_alert_view *view)
{
    char *text = NULL;
    size_t length = 0;
    struct tw_alert_view own = *view; /* printing reads it on */
    FILE *stream = open_memstream(&text, &length);
    TW_ASSERT(stream != NULL);
    tw_alert_print_json(stream, &own);
    TW_ASSERT(fclose(stream) == 0 && length > 0);
    tw_buffer_append(out, text, length - 1);
    free(text);
}

void tw_letter_json(struct tw_buffer *out, const struct tw_letter *letter)
{
    if (letter->json == NULL) {
        tw_render_json(out, letter->view);
        return;
    }
    if (letter->json->length == 0)
        tw_render_json(letter->json, letter->view);
    tw_buffer_append(out, letter->json->bytes, letter->json->length);
}

size_t tw_text_cut(const char *text, size_t length, size_t characters)
{
    size_t bytes = 0;
    while (bytes < length && characters > 0) {
        bytes++;
        while (bytes < length && ((unsigned char)text[bytes] & 0xc0u) == 0x80u)
            bytes++;
        characters--;
    }
    return bytes;
}

void tw_append_format(struct tw_buffer *out, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    TW_ASSERT(length >= 0);
    tw_buffer_append(out, text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
}

static void append_text(struct tw_buffer *out, struct tw_text text)
{
    tw_buffer_append(out, text.bytes, text.length);
}

/* ---- an alert in words ---- */

void tw_words_headline(struct tw_buffer *out, const struct tw_alert_view *view)
{
    if (tw_text_is(view->event, "resolve"))
        tw_append_format(out, "RESOLVED ");
    else if (tw_text_is(view->event, "retract"))
        tw_append_format(out, "RETRACTED ");
    append_text(out, view->severity);
    tw_append_format(out, ": ");
    append_text(out, view->message);
}

static struct tw_buffer *row(struct tw_words *words, const char *label)
{
    TW_ASSERT(words->count < TW_WORDS_MAX);
    words->rows[words->count].label = label;
    return &words->rows[words->count++].text;
}

void tw_append_amount(struct tw_buffer *out, const struct tw_pack_value *value)
{
    switch (value->type) {
    case TW_PACK_STR:
        append_text(out, value->text);
        break;
    case TW_PACK_UINT:
        tw_append_format(out, "%" PRIu64, value->uint);
        break;
    case TW_PACK_FLOAT:
        tw_append_format(out, "%.4g", value->real);
        break;
    default:
        tw_append_format(out, "-");
        break;
    }
}

static void append_trades(struct tw_buffer *out, struct tw_alert_view view)
{
    struct tw_alert_trade trade;
    uint32_t skipped = view.trades_listed > TW_TRADES_SHOWN ? view.trades_listed - TW_TRADES_SHOWN : 0;
    for (uint32_t i = 0; i < view.trades_listed && tw_alert_next_trade(&view, &trade); i++) {
        if (i < skipped)
            continue; /* the latest matter */
        tw_append_format(out, "%s%.*s/%" PRIu64, i > skipped ? ", " : "", (int)trade.publisher.length,
                         trade.publisher.bytes, trade.pseq);
        if (trade.id.length > 0)
            tw_append_format(out, " (%.*s)", (int)trade.id.length, trade.id.bytes);
    }
    if (view.trade_count > view.trades_listed || skipped > 0)
        tw_append_format(out, "; the latest of %" PRIu64, view.trade_count);
}

void tw_words_of(const struct tw_alert_view *view, struct tw_words *words)
{
    char time[TW_TIME_TEXT_MAX];
    memset(words, 0, sizeof *words);
    append_text(row(words, "What"), view->message);
    struct tw_buffer *rule = row(words, "Alert");
    append_text(rule, view->type);
    tw_append_format(rule, ", %.*s, %.*s", (int)view->severity.length, view->severity.bytes, (int)view->event.length,
                     view->event.bytes);
    struct tw_buffer *who = row(words, "Who");
    tw_append_format(who, "%.*s ", (int)view->entity_type.length, view->entity_type.bytes);
    append_text(who, view->entity);
    struct tw_buffer *amount = row(words, "How much");
    tw_append_amount(amount, &view->value);
    tw_append_format(amount, " %.*s, limit ", (int)view->unit.length, view->unit.bytes);
    tw_append_amount(amount, &view->threshold);
    tw_time_format(view->ts_ns, time);
    tw_append_format(row(words, "When"), "%s (event time)", time);
    append_trades(row(words, "Trades"), *view);
    tw_append_format(row(words, "Number"), "%" PRIu64 " (alert %.*s)", view->n, (int)view->id.length, view->id.bytes);
}

void tw_words_free(struct tw_words *words)
{
    for (uint32_t i = 0; i < words->count; i++)
        tw_buffer_free(&words->rows[i].text);
}
