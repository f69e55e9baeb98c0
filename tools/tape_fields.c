/* SPDX-License-Identifier: MIT
 *
 * One field of a tape's line into a trade.
 */
#include "tools/tape_fields.h"

#include <string.h>
#include <strings.h>

#include "protocol/limits.h"
#include "protocol/num.h"

static const char *const names[TW_TAPE_FIELD_COUNT] = {
#define FIELD_NAME(name) #name,
    TW_TAPE_FIELDS(FIELD_NAME)
#undef FIELD_NAME
};

const char *tw_tape_field_name(enum tw_tape_field field)
{
    return names[field];
}

enum tw_tape_field tw_tape_field_named(struct tw_text name)
{
    for (int field = 0; field < TW_TAPE_FIELD_COUNT; field++)
        if (strlen(names[field]) == name.length && memcmp(names[field], name.bytes, name.length) == 0)
            return (enum tw_tape_field)field;
    return TW_TAPE_FIELD_COUNT;
}

static const char *read_ts(struct tw_text text, struct tw_trade *out)
{
    bool negative = text.bytes[0] == '-';
    uint64_t value = 0;
    uint32_t first = negative ? 1 : 0;
    if (text.length == first || text.length - first > 19)
        return "not an integer of nanoseconds since 1970";
    for (uint32_t i = first; i < text.length; i++) {
        unsigned digit = (unsigned char)text.bytes[i] - (unsigned)'0';
        if (digit > 9)
            return "not an integer of nanoseconds since 1970";
        value = value * 10 + digit; /* 19 digits fit into 64 bits */
    }
    if (value > INT64_MAX || value == 0)
        return "out of range"; /* on the wire a ts of 0 means that there is none */
    out->ts_ns = negative ? -(int64_t)value : (int64_t)value;
    out->has_ts = true;
    return NULL;
}

static bool is_word(struct tw_text text, const char *word)
{
    return strlen(word) == text.length && strncasecmp(word, text.bytes, text.length) == 0;
}

static const char *read_side(struct tw_text text, struct tw_trade *out)
{
    if (is_word(text, "B") || is_word(text, "buy"))
        out->side = TW_SIDE_BUY;
    else if (is_word(text, "S") || is_word(text, "sell"))
        out->side = TW_SIDE_SELL;
    else
        return "neither B nor S";
    return NULL;
}

static const char *read_kind(struct tw_text text, struct tw_trade *out)
{
    static const char *const kinds[] = {"trade", "bust", "correct"};
    for (uint8_t kind = 0; kind < 3; kind++)
        if (strlen(kinds[kind]) == text.length && memcmp(kinds[kind], text.bytes, text.length) == 0) {
            out->kind = kind;
            return NULL;
        }
    return "none of trade, bust, correct";
}

static const char *read_amount(struct tw_text text, int64_t *out_e8)
{
    switch (tw_e8_parse(text.bytes, text.length, out_e8)) {
    case TW_PARSE_OK:
        return NULL;
    case TW_PARSE_RANGE:
        return "out of range";
    case TW_PARSE_BAD:
        break;
    }
    return "not a number with at most 8 decimals, without sign and exponent";
}

static const char *read_text(struct tw_text text, struct tw_text *out)
{
    if (text.length > TW_NAME_BYTES_MAX)
        return "longer than 64 bytes";
    *out = text;
    return NULL;
}

const char *tw_tape_field_read(enum tw_tape_field field, struct tw_text text, struct tw_trade *out)
{
    if (text.length == 0)
        return NULL;
    switch (field) {
    case TW_TAPE_ts:
        return read_ts(text, out);
    case TW_TAPE_symbol:
        return read_text(text, &out->symbol);
    case TW_TAPE_side:
        return read_side(text, out);
    case TW_TAPE_qty:
        return read_amount(text, &out->qty_e8);
    case TW_TAPE_price:
        return read_amount(text, &out->price_e8);
    case TW_TAPE_account:
        return read_text(text, &out->account);
    case TW_TAPE_venue:
        return read_text(text, &out->venue);
    case TW_TAPE_id:
        return read_text(text, &out->id);
    case TW_TAPE_kind:
        return read_kind(text, out);
    case TW_TAPE_ref:
        return read_text(text, &out->ref);
    case TW_TAPE_owner:
        return read_text(text, &out->owner);
    case TW_TAPE_contra:
        return read_text(text, &out->contra);
    case TW_TAPE_broker:
        return read_text(text, &out->broker);
    case TW_TAPE_ccy:
        return read_text(text, &out->ccy);
    case TW_TAPE_FIELD_COUNT:
        break;
    }
    return "not a field of a trade";
}
