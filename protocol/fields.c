/* SPDX-License-Identifier: MIT
 *
 * Maps read by a table.
 */
#include "protocol/fields.h"

#include <string.h>

#include "protocol/check.h"

/* Rows from `first` on, then from the start: a message that has its keys in the table's order finds each at once. */
static uint32_t find_row(const struct tw_field *table, uint32_t rows, uint32_t first, struct tw_text key)
{
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t row = first + i < rows ? first + i : first + i - rows;
        if (table[row].key_length == key.length && memcmp(table[row].key, key.bytes, key.length) == 0)
            return row;
    }
    return rows;
}

/* One value, children included; false if malformed. */
static bool step_over(struct tw_unpacker *cursor, struct tw_pack_value *value)
{
    struct tw_unpacker peek = *cursor;
    *value = tw_unpack_next(&peek);
    switch (value->type) {
    case TW_PACK_END:
    case TW_PACK_INVALID:
        return false;
    case TW_PACK_ARRAY:
    case TW_PACK_MAP:
        return tw_unpack_skip(cursor);
    default:
        *cursor = peek;
        return true;
    }
}

static bool store_text(enum tw_pack_type wanted, const struct tw_pack_value *value, void *member)
{
    if (value->type != wanted)
        return false;
    memcpy(member, &value->text, sizeof value->text);
    return true;
}

static bool store_i64(const struct tw_pack_value *value, void *member)
{
    int64_t number;
    if (value->type == TW_PACK_INT)
        number = value->sint;
    else if (value->type == TW_PACK_UINT && value->uint <= INT64_MAX)
        number = (int64_t)value->uint;
    else
        return false;
    memcpy(member, &number, sizeof number);
    return true;
}

static bool store_u32(const struct tw_pack_value *value, void *member)
{
    if (value->type != TW_PACK_UINT || value->uint > UINT32_MAX)
        return false;
    uint32_t number = (uint32_t)value->uint;
    memcpy(member, &number, sizeof number);
    return true;
}

/* False if the value is not of the row's type or range. */
static bool store(const struct tw_field *row, const struct tw_pack_value *value, const struct tw_unpacker *before,
                  void *out)
{
    void *member = (char *)out + row->offset;
    struct tw_field_value whole;
    switch ((enum tw_field_form)row->form) {
    case TW_FIELD_U64:
        if (value->type != TW_PACK_UINT)
            return false;
        memcpy(member, &value->uint, sizeof value->uint);
        return true;
    case TW_FIELD_U32:
        return store_u32(value, member);
    case TW_FIELD_I64:
        return store_i64(value, member);
    case TW_FIELD_BOOL:
        if (value->type != TW_PACK_BOOL)
            return false;
        memcpy(member, &value->boolean, sizeof value->boolean);
        return true;
    case TW_FIELD_TEXT:
        return store_text(TW_PACK_STR, value, member);
    case TW_FIELD_BIN:
        return store_text(TW_PACK_BIN, value, member);
    case TW_FIELD_VALUE:
        whole.value = *value;
        whole.at = before->bytes + before->offset;
        memcpy(member, &whole, sizeof whole);
        return true;
    case TW_FIELD_CURSOR:
        memcpy(member, before, sizeof *before);
        return true;
    }
    TW_UNREACHABLE("a form of field that is none");
}

static void note(struct tw_fields_result *result, enum tw_fields_status status, struct tw_text key)
{
    if (result->status == TW_FIELDS_OK || status == TW_FIELDS_MALFORMED) {
        result->status = status;
        result->key = key;
    }
}

struct reading {
    const struct tw_field *table;
    uint32_t rows, next;
    uint64_t seen, present;
    bool strict;
    void *out;
    struct tw_fields_result result;
};

/* One key and its value; false if malformed. */
static bool read_pair(struct reading *reading, struct tw_unpacker *cursor)
{
    struct tw_pack_value key, value;
    struct tw_text name = {0};
    uint32_t row = reading->rows;
    if (!step_over(cursor, &key))
        return false;
    if (key.type == TW_PACK_STR) {
        name = key.text;
        row = find_row(reading->table, reading->rows, reading->next, name);
    }
    struct tw_unpacker before = *cursor;
    if (!step_over(cursor, &value))
        return false;
    if (row == reading->rows) {
        if (reading->strict)
            note(&reading->result, key.type == TW_PACK_STR ? TW_FIELDS_UNKNOWN_KEY : TW_FIELDS_KEY_TYPE, name);
        return true;
    }
    const struct tw_field *field = &reading->table[row];
    const uint64_t bit = UINT64_C(1) << row;
    reading->next = row + 1u;
    if ((reading->seen & bit) != 0) {
        note(&reading->result, TW_FIELDS_DOUBLE_KEY, name);
        return true;
    }
    reading->seen |= bit;
    if (value.type == TW_PACK_NIL && field->form != TW_FIELD_VALUE)
        return true;
    if (store(field, &value, &before, reading->out))
        reading->present |= bit;
    else
        note(&reading->result, TW_FIELDS_WRONG_TYPE, name);
    return true;
}

struct tw_fields_result tw_fields_read(struct tw_unpacker *cursor, const struct tw_field *table, uint32_t rows,
                                       bool strict, void *out)
{
    TW_ASSERT(rows <= TW_FIELDS_MAX);
    struct reading reading = {.table = table, .rows = rows, .strict = strict, .out = out};
    struct tw_unpacker start = *cursor;
    struct tw_pack_value head = tw_unpack_next(cursor);
    if (head.type != TW_PACK_MAP) {
        *cursor = start;
        reading.result.status = tw_unpack_skip(cursor) ? TW_FIELDS_NOT_A_MAP : TW_FIELDS_MALFORMED;
        return reading.result;
    }
    for (uint32_t pair = 0; pair < head.count; pair++) {
        if (!read_pair(&reading, cursor)) {
            note(&reading.result, TW_FIELDS_MALFORMED, (struct tw_text){0});
            return reading.result;
        }
    }
    for (uint32_t row = 0; row < rows && reading.result.status == TW_FIELDS_OK; row++)
        if (table[row].required && (reading.present & (UINT64_C(1) << row)) == 0)
            note(&reading.result, TW_FIELDS_MISSING, (struct tw_text){table[row].key, table[row].key_length});
    return reading.result;
}

struct tw_fields_result tw_fields_message(const void *bytes, size_t length, const struct tw_field *table, uint32_t rows,
                                          bool strict, void *out)
{
    struct tw_unpacker cursor = tw_unpacker_over(bytes, length);
    struct tw_fields_result result = tw_fields_read(&cursor, table, rows, strict, out);
    if (result.status != TW_FIELDS_MALFORMED && cursor.offset != length)
        note(&result, TW_FIELDS_MALFORMED, (struct tw_text){0});
    return result;
}

const char *tw_fields_printable(struct tw_text text, char *out, size_t room)
{
    static const char digits[] = "0123456789abcdef";
    TW_ASSERT(room >= 8);
    size_t length = 0;
    for (uint32_t i = 0; i < text.length; i++) {
        const unsigned char byte = (unsigned char)text.bytes[i];
        const bool plain = byte >= 0x20 && byte < 0x7f && byte != '\\' && byte != '"';
        if (length + (plain ? 1u : 4u) + 3u >= room) {
            memcpy(out + length, "...", 3);
            length += 3;
            break;
        }
        if (plain) {
            out[length++] = (char)byte;
        } else {
            const char escaped[4] = {'\\', 'x', digits[byte >> 4], digits[byte & 15u]};
            memcpy(out + length, escaped, sizeof escaped);
            length += sizeof escaped;
        }
    }
    out[length] = '\0';
    return out;
}
