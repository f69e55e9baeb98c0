/* SPDX-License-Identifier: MIT
 *
 * Submissions: one trade of the row form, read and checked for form.
 *
 * A trade with several faults is refused for the first of: map, keys, kind, names in the order of the table, side,
 * qty, price, ts, what is missing. So the order of its keys does not matter.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "protocol/check.h"
#include "protocol/fields.h"
#include "protocol/names.h"
#include "protocol/num.h"
#include "protocol/submission.h"

struct fields {
    struct tw_field_value symbol, side, qty, price, ts, account, id, owner, contra, broker, venue, ccy, kind, ref;
};

static const struct tw_field trade_table[] = {
#define TRADE_ROW(member) TW_FIELD(struct fields, member, #member, VALUE, false)
    TRADE_ROW(symbol),  TRADE_ROW(side), TRADE_ROW(qty),   TRADE_ROW(price),  TRADE_ROW(ts),
    TRADE_ROW(account), TRADE_ROW(id),   TRADE_ROW(owner), TRADE_ROW(contra), TRADE_ROW(broker),
    TRADE_ROW(venue),   TRADE_ROW(ccy),  TRADE_ROW(kind),  TRADE_ROW(ref),
#undef TRADE_ROW
};
#define TRADE_ROWS (sizeof trade_table / sizeof trade_table[0])

#define ESCAPED_BYTES 72u /* room for one value in a sentence */

__attribute__((format(printf, 3, 4))) static enum tw_code refuse(char why[TW_WHY_BYTES_MAX], enum tw_code code,
                                                                 const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, TW_WHY_BYTES_MAX, format, arguments);
    va_end(arguments);
    return code;
}

static bool given(const struct tw_field_value *field)
{
    return field->value.type != TW_PACK_END && field->value.type != TW_PACK_NIL;
}

/* ---- texts ---- */

/* X(member, refusal, validity, what it must be) */
#define TRADE_TEXTS(X)                                                                                                 \
    X(symbol, BAD_SYMBOL, tw_name_symbol_valid, "1 to 32 printable ASCII characters without space")                    \
    X(account, BAD_ACCOUNT, tw_name_account_valid, "1 to 32 bytes of UTF-8 without control characters")                \
    X(id, BAD_ID, tw_name_id_valid, "1 to 64 bytes of UTF-8 without control characters")                               \
    X(owner, BAD_PARTY, tw_name_party_valid, "1 to 32 bytes of UTF-8 without control characters")                      \
    X(contra, BAD_PARTY, tw_name_party_valid, "1 to 32 bytes of UTF-8 without control characters")                     \
    X(broker, BAD_PARTY, tw_name_party_valid, "1 to 32 bytes of UTF-8 without control characters")                     \
    X(venue, BAD_PARTY, tw_name_party_valid, "1 to 32 bytes of UTF-8 without control characters")                      \
    X(ccy, BAD_PARTY, tw_name_party_valid, "1 to 32 bytes of UTF-8 without control characters")                        \
    X(ref, BAD_REF, tw_name_id_valid, "1 to 64 bytes of UTF-8 without control characters")

static enum tw_code read_text(const struct tw_field_value *field, const char *name, enum tw_code code,
                              bool (*valid)(struct tw_text), const char *must, struct tw_text *out,
                              char why[TW_WHY_BYTES_MAX])
{
    char shown[ESCAPED_BYTES];
    if (!given(field))
        return TW_OK;
    if (field->value.type != TW_PACK_STR)
        return refuse(why, code, "%s is not a string", name);
    if (!valid(field->value.text))
        return refuse(why, code, "%s \"%s\" is not %s", name,
                      tw_fields_printable(field->value.text, shown, sizeof shown), must);
    *out = field->value.text;
    return TW_OK;
}

static enum tw_code read_texts(const struct fields *fields, struct tw_trade *out, char why[TW_WHY_BYTES_MAX])
{
    enum tw_code code = TW_OK;
#define TEXT_READ(member, refusal, valid, must)                                                                        \
    if (code == TW_OK)                                                                                                 \
        code = read_text(&fields->member, #member, TW_REFUSED_##refusal, valid, must, &out->member, why);
    TRADE_TEXTS(TEXT_READ)
#undef TEXT_READ
    return code;
}

/* ---- kind and side ---- */

static enum tw_code read_kind(const struct tw_field_value *field, uint8_t *out, char why[TW_WHY_BYTES_MAX])
{
    char shown[ESCAPED_BYTES];
    if (!given(field))
        return TW_OK;
    if (field->value.type != TW_PACK_STR)
        return refuse(why, TW_REFUSED_BAD_KIND, "kind is not a string");
    if (tw_text_is(field->value.text, "trade"))
        *out = TW_KIND_TRADE;
    else if (tw_text_is(field->value.text, "bust"))
        *out = TW_KIND_BUST;
    else if (tw_text_is(field->value.text, "correct"))
        *out = TW_KIND_CORRECT;
    else
        return refuse(why, TW_REFUSED_BAD_KIND, "kind \"%s\" is none of trade, bust, correct",
                      tw_fields_printable(field->value.text, shown, sizeof shown));
    return TW_OK;
}

static bool same_word(struct tw_text text, const char *word)
{
    return text.length == strlen(word) && strncasecmp(text.bytes, word, text.length) == 0;
}

static enum tw_code read_side(const struct tw_field_value *field, uint8_t *out, char why[TW_WHY_BYTES_MAX])
{
    char shown[ESCAPED_BYTES];
    if (!given(field))
        return TW_OK;
    if (field->value.type != TW_PACK_STR)
        return refuse(why, TW_REFUSED_BAD_SIDE, "side is not a string");
    if (same_word(field->value.text, "B") || same_word(field->value.text, "buy"))
        *out = TW_SIDE_BUY;
    else if (same_word(field->value.text, "S") || same_word(field->value.text, "sell"))
        *out = TW_SIDE_SELL;
    else
        return refuse(why, TW_REFUSED_BAD_SIDE, "side \"%s\" is neither B nor S",
                      tw_fields_printable(field->value.text, shown, sizeof shown));
    return TW_OK;
}

/* ---- amounts ---- */

/* The double that has the same shortest decimal form as this float: at most 9 digits, and a double keeps 15. */
static double widen_float32(const uint8_t *at)
{
    uint32_t bits = 0;
    for (int i = 1; i <= 4; i++)
        bits = bits << 8 | at[i];
    float value;
    memcpy(&value, &bits, sizeof value);
    if (!isfinite(value))
        return (double)value;
    char text[32];
    for (int digits = 0; digits < 9; digits++) {
        snprintf(text, sizeof text, "%.*e", digits, (double)value);
        if (strtof(text, NULL) == value)
            break;
    }
    return strtod(text, NULL);
}

/* What is wrong with a float that tw_e8_from_double calls bad. */
static const char *float_fault(double value)
{
    if (isnan(value))
        return "is NaN";
    if (signbit(value))
        return "is negative";
    return isinf(value) ? "is infinite" : "has more than 8 decimals";
}

/* Digits, a point, and more than 8 digits. */
static bool has_too_many_decimals(struct tw_text text)
{
    uint32_t i = 0, whole = 0;
    while (i < text.length && text.bytes[i] >= '0' && text.bytes[i] <= '9')
        i++;
    whole = i;
    if (whole == 0 || i == text.length || text.bytes[i] != '.')
        return false;
    for (i++; i < text.length; i++)
        if (text.bytes[i] < '0' || text.bytes[i] > '9')
            return false;
    return text.length - whole - 1u > TW_DECIMALS_MAX;
}

static enum tw_code refuse_decimal(const char *name, enum tw_code code, struct tw_text text, char why[TW_WHY_BYTES_MAX])
{
    char shown[ESCAPED_BYTES];
    if (has_too_many_decimals(text))
        return refuse(why, code, "%s has more than 8 decimals", name);
    return refuse(why, code, "%s \"%s\" is not a decimal number without sign and exponent", name,
                  tw_fields_printable(text, shown, sizeof shown));
}

static enum tw_code read_amount(const struct tw_field_value *field, const char *name, enum tw_code code, int64_t *out,
                                char why[TW_WHY_BYTES_MAX])
{
    enum tw_parse parse;
    double real;
    if (!given(field))
        return TW_OK;
    switch (field->value.type) {
    case TW_PACK_UINT:
        parse = tw_e8_from_units(field->value.uint, out);
        break;
    case TW_PACK_INT:
        return refuse(why, code, "%s is negative", name);
    case TW_PACK_FLOAT:
        real = field->at[0] == 0xca ? widen_float32(field->at) : field->value.real;
        parse = tw_e8_from_double(real, out);
        if (parse == TW_PARSE_BAD && real != 0)
            return refuse(why, code, "%s %s", name, float_fault(real));
        if (parse == TW_PARSE_BAD)
            *out = 0; /* -0.0 */
        break;
    case TW_PACK_STR:
        parse = tw_e8_parse(field->value.text.bytes, field->value.text.length, out);
        if (parse == TW_PARSE_BAD)
            return refuse_decimal(name, code, field->value.text, why);
        break;
    default:
        return refuse(why, code, "%s is not a number", name);
    }
    if (parse == TW_PARSE_RANGE)
        return refuse(why, TW_REFUSED_AMOUNT_OUT_OF_RANGE, "%s is over 92,233,720,368.54775807", name);
    if (*out == 0)
        return refuse(why, code, "%s is 0", name);
    return TW_OK;
}

/* ---- time ---- */

static enum tw_code read_ts(const struct tw_field_value *field, struct tw_trade *out, char why[TW_WHY_BYTES_MAX])
{
    if (!given(field))
        return TW_OK;
    if (field->value.type == TW_PACK_INT)
        return refuse(why, TW_REFUSED_TIMESTAMP_IMPLAUSIBLE, "ts is negative");
    if (field->value.type != TW_PACK_UINT)
        return refuse(why, TW_REFUSED_BAD_TS, "ts is not an integer");
    if (field->value.uint > (uint64_t)INT64_MAX)
        return refuse(why, TW_REFUSED_TIMESTAMP_IN_FUTURE, "ts lies beyond the year 2262");
    if ((int64_t)field->value.uint < TW_TIMESTAMP_MIN_NS)
        return refuse(why, TW_REFUSED_TIMESTAMP_IMPLAUSIBLE, "ts lies before 1990: is it in nanoseconds?");
    out->ts_ns = (int64_t)field->value.uint;
    out->has_ts = true;
    return TW_OK;
}

/* ---- the whole ---- */

static enum tw_code check_keys(const struct tw_fields_result *keys, char why[TW_WHY_BYTES_MAX])
{
    char shown[ESCAPED_BYTES];
    tw_fields_printable(keys->key, shown, sizeof shown);
    switch (keys->status) {
    case TW_FIELDS_OK:
        return TW_OK;
    case TW_FIELDS_NOT_A_MAP:
        return refuse(why, TW_REFUSED_BAD_TRADE, "the trade is not a map");
    case TW_FIELDS_KEY_TYPE:
        return refuse(why, TW_REFUSED_UNKNOWN_FIELD, "the name of a field is not a string");
    case TW_FIELDS_UNKNOWN_KEY:
        return refuse(why, TW_REFUSED_UNKNOWN_FIELD, "unknown field \"%s\"", shown);
    case TW_FIELDS_DOUBLE_KEY:
        return refuse(why, TW_REFUSED_DUPLICATE_FIELD, "field \"%s\" is given twice", shown);
    default: /* the message was well-formed at decode; the table has no typed and no required rows */
        TW_UNREACHABLE("a problem that the table cannot have");
    }
}

/* What a trade must have, given its kind; `trade` has passed field by field. */
static enum tw_code check_presence(const struct tw_trade *trade, char why[TW_WHY_BYTES_MAX])
{
    if (trade->kind != TW_KIND_TRADE && trade->ref.length == 0)
        return refuse(why, TW_REFUSED_BAD_REF, "ref is missing on a %s",
                      trade->kind == TW_KIND_BUST ? "bust" : "correct");
    if (trade->kind == TW_KIND_TRADE && trade->ref.length > 0)
        return refuse(why, TW_REFUSED_BAD_REF, "ref on a trade that is neither bust nor correct");
    if (trade->kind == TW_KIND_BUST)
        return TW_OK;
    const char *missing = trade->symbol.length == 0 ? "symbol"
                          : trade->qty_e8 == 0      ? "qty"
                          : trade->price_e8 == 0    ? "price"
                                                    : NULL;
    if (missing != NULL)
        return refuse(why, TW_REFUSED_MISSING_FIELD, "%s is missing", missing);
    if (trade->account.length > 0 && trade->side == TW_SIDE_NONE)
        return refuse(why, TW_REFUSED_BAD_SIDE, "side is missing although there is an account");
    return TW_OK;
}

static enum tw_code read_trade(const struct fields *fields, struct tw_trade *out, char why[TW_WHY_BYTES_MAX])
{
    enum tw_code code = read_kind(&fields->kind, &out->kind, why);
    if (code == TW_OK)
        code = read_texts(fields, out, why);
    if (code == TW_OK)
        code = read_side(&fields->side, &out->side, why);
    if (code == TW_OK)
        code = read_amount(&fields->qty, "qty", TW_REFUSED_BAD_QTY, &out->qty_e8, why);
    if (code == TW_OK)
        code = read_amount(&fields->price, "price", TW_REFUSED_BAD_PRICE, &out->price_e8, why);
    if (code == TW_OK)
        code = read_ts(&fields->ts, out, why);
    return code == TW_OK ? check_presence(out, why) : code;
}

enum tw_code tw_submission_next_trade(struct tw_submission *submission, struct tw_trade *out, struct tw_text *raw,
                                      char why[TW_WHY_BYTES_MAX])
{
    struct tw_unpacker *cursor = &submission->trades;
    const size_t start = cursor->offset;
    struct fields fields = {0};
    memset(out, 0, sizeof *out);
    why[0] = '\0';
    struct tw_fields_result keys = tw_fields_read(cursor, trade_table, TRADE_ROWS, true, &fields);
    TW_ASSERT(keys.status != TW_FIELDS_MALFORMED); /* tw_submission_decode checked, and `count` bounds the calls */
    raw->bytes = (const char *)cursor->bytes + start;
    raw->length = (uint32_t)(cursor->offset - start);
    enum tw_code code = check_keys(&keys, why);
    if (code == TW_OK)
        code = read_trade(&fields, out, why);
    if (code != TW_OK)
        memset(out, 0, sizeof *out);
    return code;
}

static struct tw_field_value text_value(struct tw_text text)
{
    struct tw_field_value field = {.value.type = text.length == 0 ? TW_PACK_END : TW_PACK_STR};
    field.value.text = text;
    return field;
}

enum tw_code tw_trade_check(const struct tw_trade *trade, char why[TW_WHY_BYTES_MAX])
{
    struct tw_trade checked = *trade;
    struct fields fields = {0};
    why[0] = '\0';
    if (trade->kind > TW_KIND_CORRECT)
        return refuse(why, TW_REFUSED_BAD_KIND, "kind is none of trade, bust, correct");
    if (trade->side > TW_SIDE_SELL)
        return refuse(why, TW_REFUSED_BAD_SIDE, "side is neither B nor S");
#define TEXT_VALUE(member, refusal, valid, must) fields.member = text_value(trade->member);
    TRADE_TEXTS(TEXT_VALUE)
#undef TEXT_VALUE
    enum tw_code code = read_texts(&fields, &checked, why);
    if (code != TW_OK)
        return code;
    if (trade->qty_e8 < 0)
        return refuse(why, TW_REFUSED_BAD_QTY, "qty is negative");
    if (trade->price_e8 < 0)
        return refuse(why, TW_REFUSED_BAD_PRICE, "price is negative");
    if (trade->has_ts && trade->ts_ns < TW_TIMESTAMP_MIN_NS)
        return refuse(why, TW_REFUSED_TIMESTAMP_IMPLAUSIBLE, "ts lies before 1990: is it in nanoseconds?");
    return check_presence(trade, why);
}
