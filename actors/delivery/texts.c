/* SPDX-License-Identifier: MIT */
#include "actors/delivery/texts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/delivery/render.h"
#include "protocol/alert_text.h"
#include "protocol/check.h"

void tw_texts_of(const struct tw_receiver *receiver, const struct tw_letter *letter, struct tw_texts *out)
{
    struct tw_alert_view view = *letter->view; /* trades and features are read on */
    memset(out, 0, sizeof *out);
    out->letter = letter;
    out->receiver = receiver->name;
    while (out->trade_count < view.trades_listed && out->trade_count < TW_ALERT_TRADES_MAX &&
           tw_alert_next_trade(&view, &out->trades[out->trade_count]))
        out->trade_count++;
    if (letter->picture != NULL)
        snprintf(out->picture, sizeof out->picture, "picture.%s@%.200s", letter->key, tw_mail_domain(receiver->from));
    out->skipped = out->trade_count > TW_TRADES_SHOWN ? out->trade_count - TW_TRADES_SHOWN : 0;
    while (
        out->feature_count < view.feature_count && out->feature_count < TW_ALERT_FEATURES_MAX &&
        tw_alert_next_feature(&view, &out->features[out->feature_count].name, &out->features[out->feature_count].value))
        out->feature_count++;
}

/* ---- values ---- */

static void append_text(struct tw_buffer *out, struct tw_text text)
{
    tw_buffer_append(out, text.bytes, text.length);
}

static void append_word(struct tw_buffer *out, const char *word)
{
    tw_buffer_append(out, word, strlen(word));
}

static void append_if(struct tw_buffer *out, bool is_so)
{
    if (is_so)
        append_word(out, "yes");
}

static void append_number(struct tw_buffer *out, uint64_t number)
{
    tw_append_format(out, "%" PRIu64, number);
}

static void append_time(struct tw_buffer *out, int64_t ns)
{
    char time[TW_TIME_TEXT_MAX];
    tw_time_format(ns, time);
    append_word(out, time);
}

static void append_e8(struct tw_buffer *out, int64_t amount_e8)
{
    char text[TW_E8_TEXT_MAX];
    tw_buffer_append(out, text, tw_e8_format(amount_e8, text));
}

double tw_amount_of(const struct tw_pack_value *value)
{
    char text[TW_E8_TEXT_MAX];
    switch (value->type) {
    case TW_PACK_STR:
        snprintf(text, sizeof text, "%.*s", (int)value->text.length, value->text.bytes);
        return strtod(text, NULL);
    case TW_PACK_UINT:
        return (double)value->uint;
    case TW_PACK_FLOAT:
        return value->real;
    default:
        return 0;
    }
}

static void append_percent(struct tw_buffer *out, const struct tw_alert_view *view)
{
    double threshold = tw_amount_of(&view->threshold), percent = tw_amount_of(&view->value) * 100;
    if (threshold > 0 && percent >= 0 && percent / threshold < 1e9)
        append_number(out, (uint64_t)(percent / threshold + 0.5));
}

static int64_t lasted_ns(const struct tw_letter *letter)
{
    return letter->since_ns == 0 || letter->since_ns > letter->view->ts_ns ? -1
                                                                           : letter->view->ts_ns - letter->since_ns;
}

/* "2 d 3 h", "3 min 20 s", "0 s". */
static void append_lasted(struct tw_buffer *out, const struct tw_letter *letter)
{
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    int64_t left = lasted_ns(letter);
    if (left < 0)
        return;
    left /= TW_NS_PER_SECOND;
    size_t unit = 0;
    while (unit < 3 && left < units[unit].seconds)
        unit++;
    tw_append_format(out, "%" PRId64 " %s", left / units[unit].seconds, units[unit].name);
    left %= units[unit].seconds;
    if (unit < 3 && left / units[unit + 1].seconds > 0)
        tw_append_format(out, " %" PRId64 " %s", left / units[unit + 1].seconds, units[unit + 1].name);
}

/* ---- items ---- */

static void append_looked_up(struct tw_buffer *out, const struct tw_letter_trade *trade, enum tw_alert_field field)
{
    switch (field) {
    case TW_FIELD_SYMBOL:
        append_word(out, trade->symbol);
        return;
    case TW_FIELD_SIDE:
        append_word(out, trade->side == TW_SIDE_BUY ? "buy" : trade->side == TW_SIDE_SELL ? "sell" : "");
        return;
    case TW_FIELD_QTY:
        append_e8(out, trade->qty_e8);
        return;
    case TW_FIELD_PRICE:
        append_e8(out, trade->price_e8);
        return;
    case TW_FIELD_ACCOUNT:
        append_word(out, trade->account);
        return;
    case TW_FIELD_TRADE_TS:
        append_time(out, trade->ts_ns);
        return;
    default:
        TW_UNREACHABLE("no field of a trade");
    }
}

/* `at` counts in the record's list. */
static void append_of_trade(struct tw_buffer *out, const struct tw_texts *texts, enum tw_alert_field field, uint32_t at)
{
    const struct tw_alert_trade *trade = &texts->trades[at];
    switch (field) {
    case TW_FIELD_PUB:
        append_text(out, trade->publisher);
        return;
    case TW_FIELD_PSEQ:
        append_number(out, trade->pseq);
        return;
    case TW_FIELD_SEQ:
        append_number(out, trade->seq);
        return;
    case TW_FIELD_EXECUTION:
        append_text(out, trade->id);
        return;
    case TW_FIELD_LAST:
        append_if(out, at + 1 == texts->trade_count);
        return;
    default:
        if (at < texts->letter->trade_count && texts->letter->trades[at].symbol[0] != '\0')
            append_looked_up(out, &texts->letter->trades[at], field);
    }
}

static void append_of_feature(struct tw_buffer *out, const struct tw_texts *texts, enum tw_alert_field field,
                              uint32_t at)
{
    if (field == TW_FIELD_NAME)
        append_text(out, texts->features[at].name);
    else if (field == TW_FIELD_NUMBER)
        tw_append_format(out, "%.6g", texts->features[at].value);
    else
        append_if(out, field == TW_FIELD_FEATURE_FIRST ? at == 0 : at + 1 == texts->feature_count);
}

/* ---- the alert's ---- */

static void append_flag(struct tw_buffer *out, const struct tw_alert_view *view, enum tw_alert_field field)
{
    static const struct {
        enum tw_alert_field field;
        const char *event, *severity;
    } flags[] = {{TW_FIELD_RESOLVED, "resolve", NULL},
                 {TW_FIELD_RETRACTED, "retract", NULL},
                 {TW_FIELD_ESCALATED, "escalate", NULL},
                 {TW_FIELD_CRITICAL, NULL, "CRITICAL"},
                 {TW_FIELD_HIGH, NULL, "HIGH"}};
    bool lower = !tw_text_is(view->severity, "CRITICAL") && !tw_text_is(view->severity, "HIGH");
    append_if(out, (field == TW_FIELD_OVER && tw_alert_is_over(view)) || (field == TW_FIELD_LOWER && lower));
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (flags[i].field == field)
            append_if(out, flags[i].event != NULL ? tw_text_is(view->event, flags[i].event)
                                                  : tw_text_is(view->severity, flags[i].severity));
}

static const struct tw_text *text_of(const struct tw_alert_view *view, enum tw_alert_field field)
{
    switch (field) {
    case TW_FIELD_MESSAGE:
        return &view->message;
    case TW_FIELD_TYPE:
        return &view->type;
    case TW_FIELD_SEVERITY:
        return &view->severity;
    case TW_FIELD_EVENT:
        return &view->event;
    case TW_FIELD_ENTITY_TYPE:
        return &view->entity_type;
    case TW_FIELD_ENTITY:
        return &view->entity;
    case TW_FIELD_UNIT:
        return &view->unit;
    case TW_FIELD_ID:
        return &view->id;
    case TW_FIELD_RULE:
        return &view->rule;
    case TW_FIELD_CONFIG:
        return &view->config;
    case TW_FIELD_MODEL:
        return &view->model;
    default:
        return NULL;
    }
}

static void append_of_alert(struct tw_buffer *out, const struct tw_texts *texts, enum tw_alert_field field)
{
    const struct tw_letter *letter = texts->letter;
    const struct tw_alert_view *view = letter->view;
    switch (field) {
    case TW_FIELD_VALUE:
        tw_append_amount(out, &view->value);
        return;
    case TW_FIELD_THRESHOLD:
        tw_append_amount(out, &view->threshold);
        return;
    case TW_FIELD_PERCENT:
        append_percent(out, view);
        return;
    case TW_FIELD_TS:
        append_time(out, view->ts_ns);
        return;
    case TW_FIELD_SINCE:
        if (lasted_ns(letter) >= 0)
            append_time(out, letter->since_ns);
        return;
    case TW_FIELD_LASTED:
        append_lasted(out, letter);
        return;
    case TW_FIELD_DETECTED_AT:
        append_time(out, view->detected_at_ns);
        return;
    case TW_FIELD_N:
        append_number(out, view->n);
        return;
    case TW_FIELD_RULE_VERSION:
        append_number(out, view->rule_version);
        return;
    case TW_FIELD_TRADE_COUNT:
    case TW_FIELD_MORE:
        if (field == TW_FIELD_TRADE_COUNT || view->trade_count > texts->trade_count || texts->skipped > 0)
            append_number(out, view->trade_count);
        return;
    case TW_FIELD_KEY:
        append_word(out, letter->key);
        return;
    case TW_FIELD_LOG:
        append_word(out, letter->log_id);
        return;
    case TW_FIELD_RECEIVER:
        append_word(out, texts->receiver);
        return;
    case TW_FIELD_PICTURE:
        append_word(out, texts->picture);
        return;
    case TW_FIELD_PICTURE_TITLE:
        append_word(out, texts->picture[0] == '\0' ? "" : letter->picture_title);
        return;
    default:
        append_flag(out, view, field);
    }
}

static uint32_t count(void *context, uint32_t list)
{
    const struct tw_texts *texts = context;
    return list == TW_FIELD_FEATURES ? texts->feature_count
                                     : texts->trade_count - (list == TW_FIELD_TRADES ? texts->skipped : 0);
}

/* A trade's `item` counts in the list that the template goes through. */
static void append(void *context, uint32_t list, uint32_t item, uint32_t id, struct tw_buffer *out)
{
    const struct tw_texts *texts = context;
    enum tw_alert_field field = (enum tw_alert_field)id;
    const struct tw_text *text = text_of(texts->letter->view, field);
    if (text != NULL)
        append_text(out, *text);
    else if (list == TW_FIELD_FEATURES)
        append_of_feature(out, texts, field, item);
    else if (field == TW_FIELD_FIRST)
        append_if(out, item == 0);
    else if (list == TW_FIELD_TRADES || list == TW_FIELD_ALL_TRADES)
        append_of_trade(out, texts, field, item + (list == TW_FIELD_TRADES ? texts->skipped : 0));
    else
        append_of_alert(out, texts, field);
}

struct tw_template_values tw_texts_values(struct tw_texts *texts)
{
    return (struct tw_template_values){.context = texts, .append = append, .count = count};
}

void tw_text_append(const struct tw_receiver *receiver, struct tw_texts *texts, enum tw_sheet_part part, uint32_t at,
                    struct tw_buffer *out)
{
    struct tw_template_values values = tw_texts_values(texts);
    tw_sheet_render(receiver->sheet, part, at, &values, out);
}

void tw_text_part(const struct tw_receiver *receiver, const struct tw_letter *letter, enum tw_sheet_part part,
                  struct tw_buffer *out)
{
    struct tw_texts texts;
    size_t before = out->length;
    tw_texts_of(receiver, letter, &texts);
    tw_text_append(receiver, &texts, part, 0, out);
    if (out->length == before)
        tw_words_headline(out, letter->view);
}
