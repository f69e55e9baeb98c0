/* SPDX-License-Identifier: MIT
 *
 * Messages: the alert.
 */
#include <stdio.h>
#include <string.h>

#include "protocol/check.h"
#include "protocol/digest.h"
#include "protocol/fields.h"
#include "protocol/messages.h"

#define DETECTED_KEY "detected_at"
#define ID_HEX_BYTES 32u

_Static_assert(1 + sizeof DETECTED_KEY - 1 + 9 == TW_ALERT_DETECTED_BYTES, "head and text of the key, 9-byte uint64");

/* ---- encoding ---- */

static void pack_word(struct tw_buffer *out, const char *key, const char *value)
{
    tw_pack_str(out, key);
    tw_pack_str(out, value);
}

static void pack_named(struct tw_buffer *out, const char *key, struct tw_text value)
{
    tw_pack_str(out, key);
    tw_pack_text(out, value);
}

static void pack_number(struct tw_buffer *out, const char *key, uint64_t value)
{
    tw_pack_str(out, key);
    tw_pack_u64(out, value);
}

static void pack_amount(struct tw_buffer *out, const char *key, enum tw_amount_form form, tw_i128 amount, double score)
{
    char text[TW_E8_TEXT_MAX];
    tw_pack_str(out, key);
    switch (form) {
    case TW_AMOUNT_E8:
        tw_e8_format(amount, text);
        tw_pack_str(out, text);
        return;
    case TW_AMOUNT_COUNT:
        TW_ASSERT(amount >= 0 && amount <= (tw_i128)UINT64_MAX);
        tw_pack_u64(out, (uint64_t)amount);
        return;
    case TW_AMOUNT_SCORE:
        tw_pack_double(out, score);
        return;
    }
    TW_UNREACHABLE("a form of amount that is none");
}

static void pack_features(struct tw_buffer *out, const struct tw_alert *alert)
{
    TW_ASSERT(alert->feature_count <= TW_ALERT_FEATURES_MAX);
    tw_pack_str(out, "features");
    tw_pack_map(out, alert->feature_count);
    for (uint32_t i = 0; i < alert->feature_count; i++) {
        tw_pack_str(out, alert->features[i].name);
        tw_pack_double(out, alert->features[i].value);
    }
}

static void pack_trades(struct tw_buffer *out, const struct tw_alert *alert)
{
    TW_ASSERT(alert->trade_count_listed <= TW_ALERT_TRADES_MAX);
    tw_pack_str(out, "trades");
    tw_pack_array(out, alert->trade_count_listed);
    for (uint32_t i = 0; i < alert->trade_count_listed; i++) {
        const struct tw_alert_trade *trade = &alert->trades[i];
        tw_pack_map(out, trade->id.length > 0 ? 4 : 3);
        pack_number(out, "seq", trade->seq);
        pack_named(out, "pub", trade->publisher);
        pack_number(out, "pseq", trade->pseq);
        if (trade->id.length > 0)
            pack_named(out, "id", trade->id);
    }
}

void tw_alert_encode(struct tw_buffer *out, const struct tw_alert *alert)
{
    char id[ID_HEX_BYTES + 1];
    tw_hex(alert->id, sizeof alert->id, id);
    tw_pack_map(out, 21);
    pack_number(out, "n", alert->n);
    pack_word(out, "id", id);
    pack_word(out, "event", alert->event);
    pack_word(out, "type", alert->type);
    pack_word(out, "severity", alert->severity);
    pack_word(out, "entity_type", alert->entity_type);
    pack_named(out, "entity", alert->entity);
    pack_named(out, "message", alert->message);
    pack_amount(out, "threshold", alert->form, alert->threshold, alert->threshold_score);
    pack_amount(out, "value", alert->form, alert->value, alert->value_score);
    pack_word(out, "unit", alert->unit);
    pack_features(out, alert);
    pack_named(out, "rule", alert->rule);
    pack_number(out, "rule_version", alert->rule_version);
    pack_named(out, "config", alert->config);
    tw_pack_str(out, "model");
    if (alert->model.length > 0)
        tw_pack_text(out, alert->model);
    else
        tw_pack_nil(out);
    pack_number(out, "seq", alert->seq);
    tw_pack_str(out, "ts");
    tw_pack_i64(out, alert->ts_ns);
    pack_trades(out, alert);
    pack_number(out, "trade_count", alert->trade_count);
    tw_pack_str(out, DETECTED_KEY);
    tw_pack_u64_fixed(out, (uint64_t)alert->detected_at_ns);
}

void tw_alert_set_detected_at(uint8_t *bytes, size_t length, int64_t ns)
{
    TW_ASSERT(length > TW_ALERT_DETECTED_BYTES && bytes[length - 9] == 0xcf);
    for (size_t i = 0; i < 8; i++)
        bytes[length - 1 - i] = (uint8_t)((uint64_t)ns >> (8 * i));
}

size_t tw_alert_topic(char out[TW_TOPIC_BYTES_MAX], const char *severity, const char *type, struct tw_text entity)
{
    int length = snprintf(out, TW_TOPIC_BYTES_MAX, "alert.%s.%s.%.*s", severity, type, (int)entity.length,
                          entity.length > 0 ? entity.bytes : "");
    TW_ASSERT(length > 0);
    return (size_t)length < TW_TOPIC_BYTES_MAX ? (size_t)length : TW_TOPIC_BYTES_MAX - 1u;
}

/* ---- the id ---- */

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool tw_alert_id_read(struct tw_text digits, uint8_t id[TW_ALERT_ID_BYTES])
{
    if (digits.length != 2 * TW_ALERT_ID_BYTES)
        return false;
    for (uint32_t i = 0; i < TW_ALERT_ID_BYTES; i++) {
        int high = digit_of(digits.bytes[2 * i]), low = digit_of(digits.bytes[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        id[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

bool tw_alert_id_of(const void *bytes, size_t length, uint8_t id[TW_ALERT_ID_BYTES])
{
    struct tw_unpacker cursor = tw_unpacker_over(bytes, length);
    uint32_t pairs = 0;
    if (!tw_unpack_map(&cursor, &pairs))
        return false;
    for (struct tw_text key, value; pairs > 0 && tw_unpack_text(&cursor, &key); pairs--) {
        if (tw_text_is(key, "id"))
            return tw_unpack_text(&cursor, &value) && tw_alert_id_read(value, id);
        if (!tw_unpack_skip(&cursor))
            return false;
    }
    return false;
}

/* ---- decoding ---- */

struct alert_fields {
    struct tw_alert_view view;
    struct tw_field_value threshold, value;
    struct tw_unpacker trades, features;
};

#define VIEW(member, key, form, required) TW_FIELD(struct alert_fields, view.member, key, form, required)
static const struct tw_field alert_table[] = {
    VIEW(n, "n", U64, true),
    VIEW(id, "id", TEXT, true),
    VIEW(event, "event", TEXT, true),
    VIEW(type, "type", TEXT, true),
    VIEW(severity, "severity", TEXT, true),
    VIEW(entity_type, "entity_type", TEXT, true),
    VIEW(entity, "entity", TEXT, true),
    VIEW(message, "message", TEXT, true),
    TW_FIELD(struct alert_fields, threshold, "threshold", VALUE, true),
    TW_FIELD(struct alert_fields, value, "value", VALUE, true),
    VIEW(unit, "unit", TEXT, true),
    TW_FIELD(struct alert_fields, features, "features", CURSOR, false),
    VIEW(rule, "rule", TEXT, true),
    VIEW(rule_version, "rule_version", U32, true),
    VIEW(config, "config", TEXT, true),
    VIEW(model, "model", TEXT, false),
    VIEW(seq, "seq", U64, true),
    VIEW(ts_ns, "ts", I64, true),
    TW_FIELD(struct alert_fields, trades, "trades", CURSOR, true),
    VIEW(trade_count, "trade_count", U64, true),
    VIEW(detected_at_ns, DETECTED_KEY, I64, true),
};
#undef VIEW

static const struct tw_field trade_table[] = {
    TW_FIELD(struct tw_alert_trade, seq, "seq", U64, true),
    TW_FIELD(struct tw_alert_trade, publisher, "pub", TEXT, true),
    TW_FIELD(struct tw_alert_trade, pseq, "pseq", U64, true),
    TW_FIELD(struct tw_alert_trade, id, "id", TEXT, false),
};
#define ROWS(table) ((uint32_t)(sizeof(table) / sizeof(table)[0]))

static bool read_trade(struct tw_unpacker *cursor, struct tw_alert_trade *out)
{
    memset(out, 0, sizeof *out);
    return tw_fields_read(cursor, trade_table, ROWS(trade_table), false, out).status == TW_FIELDS_OK;
}

static bool read_feature(struct tw_unpacker *cursor, struct tw_text *name, double *value)
{
    if (!tw_unpack_text(cursor, name))
        return false;
    struct tw_pack_value number = tw_unpack_next(cursor);
    if (number.type == TW_PACK_FLOAT)
        *value = number.real;
    else if (number.type == TW_PACK_UINT)
        *value = (double)number.uint;
    else if (number.type == TW_PACK_INT)
        *value = (double)number.sint;
    else
        return false;
    return true;
}

static bool open_trades(struct tw_unpacker cursor, struct tw_alert_view *view)
{
    if (!tw_unpack_array(&cursor, &view->trades_listed))
        return false;
    view->trades = cursor;
    for (uint32_t i = 0; i < view->trades_listed; i++) {
        struct tw_alert_trade trade;
        if (!read_trade(&cursor, &trade))
            return false;
    }
    return true;
}

static bool open_features(struct tw_unpacker cursor, struct tw_alert_view *view)
{
    if (cursor.bytes == NULL)
        return true;
    if (!tw_unpack_map(&cursor, &view->feature_count))
        return false;
    view->features = cursor;
    for (uint32_t i = 0; i < view->feature_count; i++) {
        struct tw_text name;
        double value;
        if (!read_feature(&cursor, &name, &value))
            return false;
    }
    return true;
}

static bool id_is_hex(struct tw_text id)
{
    for (uint32_t i = 0; i < id.length; i++)
        if (!((id.bytes[i] >= '0' && id.bytes[i] <= '9') || (id.bytes[i] >= 'a' && id.bytes[i] <= 'f')))
            return false;
    return id.length == ID_HEX_BYTES;
}

static bool is_amount(const struct tw_pack_value *value)
{
    return value->type == TW_PACK_STR || value->type == TW_PACK_UINT || value->type == TW_PACK_FLOAT;
}

bool tw_alert_decode(const void *bytes, size_t length, struct tw_alert_view *out)
{
    struct alert_fields fields = {0};
    memset(out, 0, sizeof *out);
    if (tw_fields_message(bytes, length, alert_table, ROWS(alert_table), false, &fields).status != TW_FIELDS_OK)
        return false;
    struct tw_alert_view *view = &fields.view;
    view->threshold = fields.threshold.value;
    view->value = fields.value.value;
    if (!id_is_hex(view->id) || !is_amount(&view->threshold) || !is_amount(&view->value) ||
        !open_trades(fields.trades, view) || !open_features(fields.features, view))
        return false;
    *out = *view;
    return true;
}

bool tw_alert_next_trade(struct tw_alert_view *view, struct tw_alert_trade *out)
{
    return read_trade(&view->trades, out);
}

struct tw_text tw_alert_publisher(const struct tw_alert_view *view)
{
    struct tw_alert_view cursor = *view;
    struct tw_alert_trade trade = {.publisher = {"", 0}};
    if (tw_text_is(view->entity_type, "PUBLISHER"))
        return view->entity;
    for (uint32_t i = 0; i < view->trades_listed; i++)
        if (!tw_alert_next_trade(&cursor, &trade))
            return (struct tw_text){"", 0};
    return trade.publisher;
}

bool tw_alert_next_feature(struct tw_alert_view *view, struct tw_text *name, double *value)
{
    return read_feature(&view->features, name, value);
}
