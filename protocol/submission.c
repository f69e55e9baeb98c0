/* SPDX-License-Identifier: MIT
 *
 * Submissions: the envelope, and the columns of the columnar form.
 *
 * Judged in this order, so that the same wrong message always gets the same answer: well-formed, publisher, version,
 * size, keys, incarnation, sequence, form, columns.
 */
#include "protocol/submission.h"

#include <stdio.h>
#include <string.h>

#include "protocol/check.h"
#include "protocol/fields.h"
#include "protocol/names.h"

struct envelope {
    struct tw_field_value v, pub, inc, seq, n, base;
    struct tw_unpacker trades, names, cols;
};

static const struct tw_field envelope_table[] = {
    TW_FIELD(struct envelope, v, "v", VALUE, false),
    TW_FIELD(struct envelope, pub, "pub", VALUE, false),
    TW_FIELD(struct envelope, inc, "inc", VALUE, false),
    TW_FIELD(struct envelope, seq, "seq", VALUE, false),
    TW_FIELD(struct envelope, trades, "trades", CURSOR, false),
    TW_FIELD(struct envelope, n, "n", VALUE, false),
    TW_FIELD(struct envelope, base, "base", VALUE, false),
    TW_FIELD(struct envelope, names, "names", CURSOR, false),
    TW_FIELD(struct envelope, cols, "cols", CURSOR, false),
};
#define ENVELOPE_ROWS (sizeof envelope_table / sizeof envelope_table[0])

struct columns {
#define COLUMN_MEMBER(member, key, width, required) struct tw_text member;
    TW_SUBMISSION_COLUMNS(COLUMN_MEMBER)
#undef COLUMN_MEMBER
    struct tw_text ids, refs;
};

static const struct tw_field columns_table[] = {
#define COLUMN_ROW(member, key, width, required) TW_FIELD(struct columns, member, key, BIN, false),
    TW_SUBMISSION_COLUMNS(COLUMN_ROW)
#undef COLUMN_ROW
        TW_FIELD(struct columns, ids, "ids", BIN, false),
    TW_FIELD(struct columns, refs, "refs", BIN, false),
};
#define COLUMNS_ROWS (sizeof columns_table / sizeof columns_table[0])

/* What decoding works on; the answer is in `code` (a hold) and `why` once a check returns false. */
struct decoding {
    struct tw_submission *out;
    struct envelope envelope;
    enum tw_code code;
    const char *why;
};

static bool refuse(struct decoding *decoding, enum tw_code code, const char *why)
{
    decoding->code = code;
    decoding->why = why;
    return false;
}

/* The name comes in quotes between the two halves of the sentence. */
static bool refuse_about(struct decoding *decoding, enum tw_code code, const char *before, const char *name,
                         const char *after)
{
    snprintf(decoding->out->why_text, sizeof decoding->out->why_text, "%s\"%s\"%s", before, name, after);
    return refuse(decoding, code, decoding->out->why_text);
}

static bool given(const struct tw_field_value *field)
{
    return field->value.type != TW_PACK_END && field->value.type != TW_PACK_NIL;
}

static bool is_uint(const struct tw_field_value *field, uint64_t max)
{
    return field->value.type == TW_PACK_UINT && field->value.uint <= max;
}

/* What there is of publisher, incarnation and sequence. False: nobody to answer. */
static bool read_sender(struct decoding *decoding)
{
    const struct envelope *envelope = &decoding->envelope;
    struct tw_submission *out = decoding->out;
    if (!given(&envelope->pub)) {
        if (given(&envelope->seq) || given(&envelope->inc))
            return refuse(decoding, TW_OK, "seq or inc without pub");
        out->anonymous = true;
        return true;
    }
    if (envelope->pub.value.type != TW_PACK_STR || !tw_name_publisher_valid(envelope->pub.value.text))
        return refuse(decoding, TW_OK, "pub is not 1 to 32 of A-Za-z0-9_-, or starts with _");
    out->publisher = envelope->pub.value.text;
    if (is_uint(&envelope->inc, UINT32_MAX))
        out->incarnation = (uint32_t)envelope->inc.value.uint;
    if (is_uint(&envelope->seq, UINT64_MAX))
        out->seq = envelope->seq.value.uint;
    return true;
}

static bool check_keys(struct decoding *decoding, const struct tw_fields_result *keys)
{
    char name[64];
    switch (keys->status) {
    case TW_FIELDS_OK:
        return true;
    case TW_FIELDS_KEY_TYPE:
        return refuse(decoding, TW_HOLD_BAD_ENVELOPE, "a key of the envelope is not a string");
    case TW_FIELDS_UNKNOWN_KEY:
        return refuse_about(decoding, TW_HOLD_BAD_ENVELOPE, "unknown key ",
                            tw_fields_printable(keys->key, name, sizeof name), " in the envelope");
    case TW_FIELDS_DOUBLE_KEY:
        return refuse_about(decoding, TW_HOLD_BAD_ENVELOPE, "key ", tw_fields_printable(keys->key, name, sizeof name),
                            " is given twice in the envelope");
    default: /* the envelope's table has no typed and no required rows */
        TW_UNREACHABLE("a problem that the table cannot have");
    }
}

static bool check_envelope(struct decoding *decoding, const struct tw_fields_result *keys, size_t length)
{
    const struct envelope *envelope = &decoding->envelope;
    if (given(&envelope->v) && !(is_uint(&envelope->v, 1) && envelope->v.value.uint == 1))
        return refuse(decoding, TW_HOLD_BAD_VERSION, "v is not 1");
    if (length > TW_SUBMISSION_BYTES_MAX)
        return refuse(decoding, TW_HOLD_MESSAGE_TOO_LARGE, "the message is over 1,048,576 bytes");
    if (!check_keys(decoding, keys))
        return false;
    if (!given(&envelope->v))
        return refuse(decoding, TW_HOLD_BAD_ENVELOPE, "v is missing");
    if (decoding->out->anonymous)
        return true;
    if (given(&envelope->inc) && !is_uint(&envelope->inc, UINT32_MAX))
        return refuse(decoding, TW_HOLD_BAD_ENVELOPE, "inc is not an integer from 0 to 4,294,967,295");
    if (!given(&envelope->seq))
        return refuse(decoding, TW_HOLD_BAD_ENVELOPE, "seq is missing");
    if (!is_uint(&envelope->seq, INT64_MAX) || envelope->seq.value.uint == 0)
        return refuse(decoding, TW_HOLD_BAD_SEQUENCE, "seq is not an integer from 1 to 2^63 - 1");
    return true;
}

static bool check_last(struct decoding *decoding)
{
    const struct tw_submission *out = decoding->out;
    if (!out->anonymous && out->count > 0 && out->seq > (uint64_t)INT64_MAX - (out->count - 1u))
        return refuse(decoding, TW_HOLD_BAD_SEQUENCE, "the numbers of the trades run over 2^63 - 1");
    return true;
}

/* ---- row form ---- */

static bool decode_rows(struct decoding *decoding)
{
    struct tw_submission *out = decoding->out;
    uint32_t count = 0;
    out->trades = decoding->envelope.trades;
    if (!tw_unpack_array(&out->trades, &count))
        return refuse(decoding, TW_HOLD_BAD_TRADES, "trades is not an array");
    if (count > TW_SUBMISSION_TRADES_MAX)
        return refuse(decoding, TW_HOLD_TOO_MANY_TRADES, "more than 8,190 trades in one message");
    out->count = count;
    return check_last(decoding);
}

/* ---- columnar form ---- */

/* Sum of bytes, eight at a time: idl and refl have a byte a row, and this is all that is read of them here. */
static uint32_t sum_bytes(const uint8_t *bytes, uint32_t count)
{
    const uint64_t even = UINT64_C(0x00ff00ff00ff00ff);
    uint32_t sum = 0, i = 0;
    for (; i + 8u <= count; i += 8u) {
        uint64_t word;
        memcpy(&word, bytes + i, sizeof word);
        word = (word & even) + ((word >> 8) & even); /* four lanes of 16 bits, each at most 510 */
        sum += (uint32_t)((word * UINT64_C(0x0001000100010001)) >> 48);
    }
    for (; i < count; i++)
        sum += bytes[i];
    return sum;
}

static bool check_column(struct decoding *decoding, struct tw_text column, const char *key, uint32_t width,
                         bool required)
{
    const uint32_t count = decoding->out->count;
    if (column.bytes == NULL) {
        if (required && count > 0)
            return refuse_about(decoding, TW_HOLD_BAD_COLUMNS, "column ", key, " is missing");
        return true;
    }
    if (column.length != count * width)
        return refuse_about(decoding, TW_HOLD_BAD_COLUMNS, "column ", key, " has not n values");
    return true;
}

/* Texts end to end and their lengths, a byte a row: both or neither. */
static bool check_texts(struct decoding *decoding, struct tw_text lengths, struct tw_text texts, const char *key)
{
    if (lengths.bytes == NULL && texts.bytes == NULL)
        return true;
    if (lengths.bytes == NULL || texts.bytes == NULL)
        return refuse_about(decoding, TW_HOLD_BAD_COLUMNS, "", key, " and its lengths need each other");
    if (sum_bytes((const uint8_t *)lengths.bytes, lengths.length) != texts.length)
        return refuse_about(decoding, TW_HOLD_BAD_COLUMNS, "", key, " is not as long as its lengths say");
    return true;
}

static bool check_column_keys(struct decoding *decoding, const struct tw_fields_result *keys)
{
    char name[64];
    tw_fields_printable(keys->key, name, sizeof name);
    switch (keys->status) {
    case TW_FIELDS_OK:
        return true;
    case TW_FIELDS_NOT_A_MAP:
        return refuse(decoding, TW_HOLD_BAD_COLUMNS, "cols is not a map");
    case TW_FIELDS_KEY_TYPE:
        return refuse(decoding, TW_HOLD_BAD_COLUMNS, "a key of cols is not a string");
    case TW_FIELDS_UNKNOWN_KEY:
        return refuse_about(decoding, TW_HOLD_BAD_COLUMNS, "unknown column ", name, "");
    case TW_FIELDS_DOUBLE_KEY:
        return refuse_about(decoding, TW_HOLD_BAD_COLUMNS, "column ", name, " is given twice");
    case TW_FIELDS_WRONG_TYPE:
        return refuse_about(decoding, TW_HOLD_BAD_COLUMNS, "column ", name, " is not a bin");
    default: /* malformed was seen before; no row is required */
        TW_UNREACHABLE("a problem that the table cannot have");
    }
}

static bool decode_columns(struct decoding *decoding)
{
    struct tw_submission *out = decoding->out;
    struct columns columns = {0};
    if (decoding->envelope.cols.bytes != NULL) {
        struct tw_fields_result keys =
            tw_fields_read(&decoding->envelope.cols, columns_table, COLUMNS_ROWS, true, &columns);
        if (!check_column_keys(decoding, &keys))
            return false;
    } else if (out->count > 0) {
        return refuse(decoding, TW_HOLD_BAD_COLUMNS, "cols is missing");
    }
#define COLUMN_CHECK(member, key, width, required)                                                                     \
    if (!check_column(decoding, columns.member, key, width, required))                                                 \
        return false;                                                                                                  \
    out->member = (const uint8_t *)columns.member.bytes;
    TW_SUBMISSION_COLUMNS(COLUMN_CHECK)
#undef COLUMN_CHECK
    if (!check_texts(decoding, columns.id_length, columns.ids, "ids") ||
        !check_texts(decoding, columns.ref_length, columns.refs, "refs"))
        return false;
    static const uint8_t no_text[1] = {0}; /* so that adding an offset of 0 is always allowed */
    out->ids = columns.ids.bytes == NULL ? no_text : (const uint8_t *)columns.ids.bytes;
    out->ids_bytes = columns.ids.length;
    out->refs = columns.refs.bytes == NULL ? no_text : (const uint8_t *)columns.refs.bytes;
    out->refs_bytes = columns.refs.length;
    return true;
}

static bool decode_names(struct decoding *decoding)
{
    struct tw_submission *out = decoding->out;
    const struct tw_field_value *base = &decoding->envelope.base;
    uint32_t count = 0;
    if (decoding->envelope.names.bytes != NULL) {
        out->names = decoding->envelope.names;
        if (!tw_unpack_array(&out->names, &count))
            return refuse(decoding, TW_HOLD_BAD_NAMES, "names is not an array");
    }
    if (count > 0 && !given(base))
        return refuse(decoding, TW_HOLD_BAD_NAMES, "names without base");
    if (given(base) && (!is_uint(base, TW_LOCAL_NAMES_MAX) || base->value.uint == 0))
        return refuse(decoding, TW_HOLD_BAD_NAMES, "base is not an integer from 1 to 4,194,304");
    if (given(base))
        out->names_base = base->value.uint;
    if (count > 0 && out->names_base + count - 1u > TW_LOCAL_NAMES_MAX)
        return refuse(decoding, TW_HOLD_BAD_NAMES, "more than 4,194,304 names");
    struct tw_unpacker cursor = out->names;
    for (uint32_t i = 0; i < count; i++) {
        struct tw_pack_value name = tw_unpack_next(&cursor);
        if (name.type != TW_PACK_STR || name.text.length == 0 || name.text.length > TW_NAME_BYTES_MAX)
            return refuse(decoding, TW_HOLD_BAD_NAMES, "a name is not a string of 1 to 64 bytes");
    }
    out->name_count = count;
    return true;
}

static bool decode_columnar(struct decoding *decoding)
{
    const struct envelope *envelope = &decoding->envelope;
    struct tw_submission *out = decoding->out;
    out->columnar = true;
    if (envelope->trades.bytes != NULL)
        return refuse(decoding, TW_HOLD_BAD_ENVELOPE, "trades beside n, base, names or cols");
    if (!given(&envelope->n))
        return refuse(decoding, TW_HOLD_BAD_ENVELOPE, "n is missing");
    if (!is_uint(&envelope->n, UINT64_MAX))
        return refuse(decoding, TW_HOLD_BAD_ENVELOPE, "n is not an integer from 0");
    if (envelope->n.value.uint > TW_SUBMISSION_TRADES_MAX)
        return refuse(decoding, TW_HOLD_TOO_MANY_TRADES, "more than 8,190 trades in one message");
    out->count = (uint32_t)envelope->n.value.uint;
    return check_last(decoding) && decode_names(decoding) && decode_columns(decoding);
}

static bool decode_form(struct decoding *decoding)
{
    const struct envelope *envelope = &decoding->envelope;
    if (given(&envelope->n) || given(&envelope->base) || envelope->names.bytes != NULL || envelope->cols.bytes != NULL)
        return decode_columnar(decoding);
    if (envelope->trades.bytes == NULL)
        return refuse(decoding, TW_HOLD_BAD_ENVELOPE, "trades is missing");
    return decode_rows(decoding);
}

enum tw_envelope tw_submission_decode(const void *bytes, size_t length, struct tw_submission *out, enum tw_code *hold,
                                      const char **why)
{
    struct decoding decoding = {.out = out, .code = TW_OK};
    memset(out, 0, offsetof(struct tw_submission, why_text));
    out->why_text[0] = '\0';
    *hold = TW_OK;
    *why = "";
    struct tw_fields_result keys =
        tw_fields_message(bytes, length, envelope_table, ENVELOPE_ROWS, true, &decoding.envelope);
    if (keys.status == TW_FIELDS_MALFORMED) {
        *why = "not one well-formed MessagePack value";
        return TW_ENVELOPE_UNREADABLE;
    }
    if (keys.status == TW_FIELDS_NOT_A_MAP) {
        *why = "not a map";
        return TW_ENVELOPE_UNREADABLE;
    }
    if (read_sender(&decoding) && check_envelope(&decoding, &keys, length) && decode_form(&decoding))
        return TW_ENVELOPE_OK;
    *why = decoding.why;
    if (decoding.code == TW_OK || out->anonymous)
        return TW_ENVELOPE_UNREADABLE;
    *hold = decoding.code;
    out->count = 0;
    return TW_ENVELOPE_HOLD;
}
