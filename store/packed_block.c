/* SPDX-License-Identifier: MIT
 *
 * A packed block: how long its record is, how many rows, which parts, the columns, the ids, and the rest of the record
 * as it is. What the key says (follows, lsn) and what follows from the parts (keys and heads of the values) is not
 * written, but made again.
 */
#include "store/packed.h"

/* The parts of a block in the order of protocol/LOG.md; bit i of `parts` says that the i-th is there. */
enum part {
#define COLUMN_PART(member, key, width, always) PART_##member,
    TW_BLOCK_COLUMNS(COLUMN_PART)
#undef COLUMN_PART
        PART_ids,
    PART_rest, /* first of four: orig, names, refused, pos */
    PART_COUNT = PART_rest + 4
};
#define PARTS_ABOVE (UINT64_C(1) << PART_COUNT)
#define FIXED_PAIRS 5u     /* k, v, lsn, follows, n */
#define HEAD_BYTES_MAX 64u /* of a record up to its first column; of a column up to its bytes */

static uint32_t parts_of(const struct tw_block *block)
{
    uint32_t parts = 0;
#define ADD_COLUMN(member, key, width, always) parts |= (block->member != NULL ? 1u : 0u) << PART_##member;
    TW_BLOCK_COLUMNS(ADD_COLUMN)
#undef ADD_COLUMN
    const bool others[] = {block->ids_bytes != 0, block->original_count != 0, block->name_count != 0,
                           block->refusal_count != 0, block->position_count != 0};
    for (uint32_t i = 0; i < sizeof others / sizeof others[0]; i++)
        parts |= (others[i] ? 1u : 0u) << (PART_ids + i);
    return parts;
}

/* ---- writing ---- */

static void put_varint(struct tw_buffer *out, uint64_t value)
{
    tw_buffer_reserve(out, TW_VARINT_BYTES_MAX);
    out->length = (size_t)(tw_put_varint(out->bytes + out->length, value) - out->bytes);
}

/* Where the last column or the ids end; what comes behind is the rest. */
static const uint8_t *columns_end(const struct tw_block *block)
{
    const uint8_t *end = NULL;
    if (block->ids_bytes != 0)
        return block->ids + block->ids_bytes;
#define LAST_COLUMN(member, key, width, always)                                                                        \
    if (block->member != NULL)                                                                                         \
        end = block->member + (size_t)block->count * width;
    TW_BLOCK_COLUMNS(LAST_COLUMN)
#undef LAST_COLUMN
    return end;
}

bool tw_packed_put(struct tw_buffer *out, const uint8_t *record, size_t length, const struct tw_block *block)
{
    const size_t before = out->length;
    tw_buffer_reserve(out, 1);
    out->bytes[out->length++] = TW_PACKED_BLOCK;
    put_varint(out, length);
    put_varint(out, block->count);
    put_varint(out, parts_of(block));
#define PUT_COLUMN(member, key, width, always)                                                                         \
    if (block->member != NULL)                                                                                         \
        tw_packed_put_column(out, block->member, block->count, width);
    TW_BLOCK_COLUMNS(PUT_COLUMN)
#undef PUT_COLUMN
    if (block->ids_bytes != 0)
        tw_packed_put_ids(out, block->ids, block->ids_bytes, block->id_length, block->count);
    const uint8_t *rest = columns_end(block);
    tw_buffer_append(out, rest, length - (size_t)(rest - record));
    if (out->length - before < length)
        return true;
    out->length = before;
    return false;
}

/* ---- reading ---- */

struct head {
    uint64_t record_bytes, count, parts;
};

static bool take_head(struct tw_packed_reader *reader, struct head *head)
{
    if (!tw_is_packed(reader->at, (size_t)(reader->end - reader->at)))
        return false;
    reader->at++;
    return tw_get_varint(&reader->at, reader->end, &head->record_bytes) &&
           tw_get_varint(&reader->at, reader->end, &head->count) &&
           tw_get_varint(&reader->at, reader->end, &head->parts) && head->record_bytes > 0 &&
           head->record_bytes <= TW_BLOCK_BYTES_MAX && head->count > 0 && head->count <= TW_BLOCK_TRADES_MAX &&
           head->parts < PARTS_ABOVE;
}

size_t tw_packed_record_bytes(const uint8_t *packed, size_t length)
{
    struct tw_packed_reader reader = {packed, packed + length};
    struct head head;
    return take_head(&reader, &head) ? (size_t)head.record_bytes : 0;
}

/* The record under construction. */
struct record {
    uint8_t *at, *end;
};

/* The place of the next `length` bytes; NULL: the record would be longer than it is. */
static uint8_t *room_for(struct record *record, size_t length)
{
    if ((size_t)(record->end - record->at) < length)
        return NULL;
    uint8_t *place = record->at;
    record->at += length;
    return place;
}

static bool put_bytes(struct record *record, const uint8_t *bytes, size_t length)
{
    uint8_t *place = room_for(record, length);
    if (place != NULL)
        memcpy(place, bytes, length);
    return place != NULL;
}

static bool put_record_head(struct record *record, const struct head *head, uint64_t follows, uint64_t lsn)
{
    uint8_t bytes[HEAD_BYTES_MAX];
    struct tw_buffer out = {bytes, 0, sizeof bytes};
    uint32_t pairs = FIXED_PAIRS + (uint32_t)__builtin_popcountll(head->parts);
    tw_block_put_head(&out, pairs, lsn, follows, (uint32_t)head->count);
    return put_bytes(record, bytes, out.length);
}

/* Key and head of a value of `length` bytes, and the place of those. */
static uint8_t *room_for_value(struct record *record, const char *key, size_t length)
{
    uint8_t bytes[HEAD_BYTES_MAX];
    struct tw_buffer out = {bytes, 0, sizeof bytes};
    tw_pack_str(&out, key);
    tw_pack_bin_head(&out, length);
    return put_bytes(record, bytes, out.length) ? room_for(record, length) : NULL;
}

static bool take_column(struct tw_packed_reader *reader, const struct head *head, struct record *record,
                        const char *key, uint32_t width, uint8_t **column)
{
    *column = room_for_value(record, key, (size_t)head->count * width);
    return *column != NULL && tw_packed_take_column(reader, *column, (uint32_t)head->count, width);
}

static bool take_ids(struct tw_packed_reader *reader, const struct head *head, struct record *record,
                     const uint8_t *lengths)
{
    uint32_t bytes = 0;
    for (uint32_t row = 0; row < head->count; row++)
        bytes += lengths[row];
    uint8_t *ids = room_for_value(record, "ids", bytes);
    return ids != NULL && tw_packed_take_ids(reader, ids, bytes, lengths, (uint32_t)head->count);
}

bool tw_packed_take(const uint8_t *packed, size_t length, uint64_t follows, uint64_t lsn, uint8_t *record_to,
                    size_t record_bytes)
{
    struct tw_packed_reader reader = {packed, packed + length};
    struct record record = {record_to, record_to + record_bytes};
    struct head head;
    uint8_t *column[PART_ids] = {NULL};
    if (!take_head(&reader, &head) || !put_record_head(&record, &head, follows, lsn))
        return false;
#define TAKE_COLUMN(member, key, width, always)                                                                        \
    if ((head.parts >> PART_##member & 1u) != 0 &&                                                                     \
        !take_column(&reader, &head, &record, key, width, &column[PART_##member]))                                     \
        return false;
    TW_BLOCK_COLUMNS(TAKE_COLUMN)
#undef TAKE_COLUMN
    if ((head.parts >> PART_ids & 1u) != 0 &&
        (column[PART_id_length] == NULL || !take_ids(&reader, &head, &record, column[PART_id_length])))
        return false;
    return put_bytes(&record, reader.at, (size_t)(reader.end - reader.at)) && record.at == record.end;
}
