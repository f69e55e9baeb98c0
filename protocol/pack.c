/* SPDX-License-Identifier: MIT
 *
 * MessagePack: a cursor that reads, a buffer that is written.
 */
#include "protocol/pack.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"
#include "protocol/limits.h"

/* ---- reading ---- */

static uint64_t load_big_endian(const uint8_t *bytes, unsigned width)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < width; i++)
        value = value << 8 | bytes[i];
    return value;
}

static struct tw_pack_value invalid(void)
{
    struct tw_pack_value value = {.type = TW_PACK_INVALID, .uint = 0};
    return value;
}

static struct tw_pack_value from_signed(int64_t number)
{
    struct tw_pack_value value;
    if (number >= 0) {
        value.type = TW_PACK_UINT;
        value.uint = (uint64_t)number;
    } else {
        value.type = TW_PACK_INT;
        value.sint = number;
    }
    return value;
}

static struct tw_pack_value from_unsigned(uint64_t number)
{
    struct tw_pack_value value = {.type = TW_PACK_UINT, .uint = number};
    return value;
}

/* A value whose `length` payload bytes follow the `head` bytes at the cursor. */
static struct tw_pack_value take_text(struct tw_unpacker *unpacker, enum tw_pack_type type, size_t head,
                                      uint64_t length)
{
    size_t left = unpacker->length - unpacker->offset;
    if (left < head || left - head < length)
        return invalid();
    struct tw_pack_value value = {.type = type};
    value.text.bytes = (const char *)unpacker->bytes + unpacker->offset + head;
    value.text.length = (uint32_t)length;
    unpacker->offset += head + (size_t)length;
    return value;
}

/* An array or map: each child takes at least one byte, so a count beyond what is left is a lie. */
static struct tw_pack_value take_container(struct tw_unpacker *unpacker, enum tw_pack_type type, size_t head,
                                           uint64_t count)
{
    size_t left = unpacker->length - unpacker->offset;
    uint64_t children = type == TW_PACK_MAP ? count * 2 : count;
    if (left < head || left - head < children)
        return invalid();
    struct tw_pack_value value = {.type = type};
    value.count = (uint32_t)count;
    unpacker->offset += head;
    return value;
}

/* Sign-extends the low `width` bytes. */
static int64_t extend(uint64_t raw, unsigned width)
{
    unsigned unused = 64u - width * 8u;
    return (int64_t)(raw << unused) >> unused;
}

static struct tw_pack_value from_float(uint64_t raw, unsigned width)
{
    struct tw_pack_value value = {.type = TW_PACK_FLOAT};
    if (width == 4) {
        uint32_t narrow = (uint32_t)raw;
        float real;
        memcpy(&real, &narrow, sizeof real);
        value.real = (double)real;
    } else {
        memcpy(&value.real, &raw, sizeof value.real);
    }
    return value;
}

/* What a head from 0xc4 to 0xdf is: its type and the bytes of number behind it. */
struct head {
    uint8_t type, width;
};
static const struct head HEADS[] = {
    {TW_PACK_BIN, 1},   {TW_PACK_BIN, 2},   {TW_PACK_BIN, 4},                     /* c4 c5 c6 */
    {TW_PACK_EXT, 1},   {TW_PACK_EXT, 2},   {TW_PACK_EXT, 4},                     /* c7 c8 c9 */
    {TW_PACK_FLOAT, 4}, {TW_PACK_FLOAT, 8},                                       /* ca cb */
    {TW_PACK_UINT, 1},  {TW_PACK_UINT, 2},  {TW_PACK_UINT, 4}, {TW_PACK_UINT, 8}, /* cc cd ce cf */
    {TW_PACK_INT, 1},   {TW_PACK_INT, 2},   {TW_PACK_INT, 4},  {TW_PACK_INT, 8},  /* d0 d1 d2 d3 */
    {TW_PACK_EXT, 0},   {TW_PACK_EXT, 0},   {TW_PACK_EXT, 0},  {TW_PACK_EXT, 0},  /* d4 d5 d6 d7: of fixed length */
    {TW_PACK_EXT, 0},   {TW_PACK_STR, 1},   {TW_PACK_STR, 2},  {TW_PACK_STR, 4},  /* d8, d9 da db */
    {TW_PACK_ARRAY, 2}, {TW_PACK_ARRAY, 4}, {TW_PACK_MAP, 2},  {TW_PACK_MAP, 4}}; /* dc dd de df */
_Static_assert(sizeof HEADS / sizeof HEADS[0] == 0xe0 - 0xc4, "one row for each head");

static struct tw_pack_value take_long(struct tw_unpacker *unpacker, uint8_t byte)
{
    struct head head = HEADS[byte - 0xc4];
    if (unpacker->length - unpacker->offset - 1 < head.width)
        return invalid();
    uint64_t number = load_big_endian(unpacker->bytes + unpacker->offset + 1, head.width);
    size_t head_bytes = 1u + head.width;
    switch ((enum tw_pack_type)head.type) {
    case TW_PACK_STR:
    case TW_PACK_BIN:
        return take_text(unpacker, (enum tw_pack_type)head.type, head_bytes, number);
    case TW_PACK_EXT: /* one more byte says which extension */
        return take_text(unpacker, TW_PACK_EXT, head_bytes + 1, head.width == 0 ? 1u << (byte - 0xd4) : number);
    case TW_PACK_ARRAY:
    case TW_PACK_MAP:
        return take_container(unpacker, (enum tw_pack_type)head.type, head_bytes, number);
    case TW_PACK_UINT:
        unpacker->offset += head_bytes;
        return from_unsigned(number);
    case TW_PACK_INT:
        unpacker->offset += head_bytes;
        return from_signed(extend(number, head.width));
    case TW_PACK_FLOAT:
        unpacker->offset += head_bytes;
        return from_float(number, head.width);
    case TW_PACK_END:
    case TW_PACK_INVALID:
    case TW_PACK_NIL:
    case TW_PACK_BOOL:
        break;
    }
    TW_UNREACHABLE("a head that the table does not have");
}

struct tw_pack_value tw_unpack_next(struct tw_unpacker *unpacker)
{
    struct tw_pack_value value = {.type = TW_PACK_END, .uint = 0};
    if (unpacker->offset >= unpacker->length)
        return value;
    uint8_t byte = unpacker->bytes[unpacker->offset];
    if (byte >= 0xc4 && byte < 0xe0)
        return take_long(unpacker, byte);
    if (byte >= 0xa0 && byte < 0xc0)
        return take_text(unpacker, TW_PACK_STR, 1, byte & 0x1fu);
    if (byte >= 0x90 && byte < 0xa0)
        return take_container(unpacker, TW_PACK_ARRAY, 1, byte & 0x0fu);
    if (byte >= 0x80 && byte < 0x90)
        return take_container(unpacker, TW_PACK_MAP, 1, byte & 0x0fu);
    if (byte == 0xc1)
        return invalid();
    unpacker->offset++;
    if (byte < 0x80)
        return from_unsigned(byte);
    if (byte >= 0xe0)
        return from_signed((int64_t)byte - 256);
    value.type = byte == 0xc0 ? TW_PACK_NIL : TW_PACK_BOOL;
    value.boolean = byte == 0xc3;
    return value;
}

bool tw_unpack_skip(struct tw_unpacker *unpacker)
{
    size_t start = unpacker->offset;
    uint64_t waiting[TW_NESTING_MAX + 1]; /* values still to come on each level */
    unsigned depth = 0;
    waiting[0] = 1;
    for (;;) {
        while (waiting[depth] == 0) {
            if (depth == 0)
                return true;
            depth--;
        }
        waiting[depth]--;
        struct tw_pack_value value = tw_unpack_next(unpacker);
        if (value.type == TW_PACK_ARRAY || value.type == TW_PACK_MAP) {
            if (depth == TW_NESTING_MAX)
                break;
            waiting[++depth] = value.type == TW_PACK_MAP ? (uint64_t)value.count * 2 : value.count;
        } else if (value.type == TW_PACK_INVALID || value.type == TW_PACK_END) {
            break;
        }
    }
    unpacker->offset = start;
    return false;
}

bool tw_unpack_check(const void *bytes, size_t length)
{
    struct tw_unpacker unpacker = tw_unpacker_over(bytes, length);
    return tw_unpack_skip(&unpacker) && unpacker.offset == length;
}

bool tw_unpack_u64(struct tw_unpacker *unpacker, uint64_t *out)
{
    struct tw_pack_value value = tw_unpack_next(unpacker);
    if (value.type != TW_PACK_UINT)
        return false;
    *out = value.uint;
    return true;
}

bool tw_unpack_i64(struct tw_unpacker *unpacker, int64_t *out)
{
    struct tw_pack_value value = tw_unpack_next(unpacker);
    if (value.type == TW_PACK_INT)
        *out = value.sint;
    else if (value.type == TW_PACK_UINT && value.uint <= (uint64_t)INT64_MAX)
        *out = (int64_t)value.uint;
    else
        return false;
    return true;
}

bool tw_unpack_u32(struct tw_unpacker *unpacker, uint32_t *out)
{
    uint64_t value;
    if (!tw_unpack_u64(unpacker, &value) || value > UINT32_MAX)
        return false;
    *out = (uint32_t)value;
    return true;
}

static bool unpack_text_of(struct tw_unpacker *unpacker, enum tw_pack_type type, struct tw_text *out)
{
    struct tw_pack_value value = tw_unpack_next(unpacker);
    if (value.type != type)
        return false;
    *out = value.text;
    return true;
}

static bool unpack_count_of(struct tw_unpacker *unpacker, enum tw_pack_type type, uint32_t *out)
{
    struct tw_pack_value value = tw_unpack_next(unpacker);
    if (value.type != type)
        return false;
    *out = value.count;
    return true;
}

bool tw_unpack_text(struct tw_unpacker *unpacker, struct tw_text *out)
{
    return unpack_text_of(unpacker, TW_PACK_STR, out);
}

bool tw_unpack_bin(struct tw_unpacker *unpacker, struct tw_text *out)
{
    return unpack_text_of(unpacker, TW_PACK_BIN, out);
}

bool tw_unpack_map(struct tw_unpacker *unpacker, uint32_t *pairs)
{
    return unpack_count_of(unpacker, TW_PACK_MAP, pairs);
}

bool tw_unpack_array(struct tw_unpacker *unpacker, uint32_t *count)
{
    return unpack_count_of(unpacker, TW_PACK_ARRAY, count);
}

/* ---- writing ---- */

void tw_buffer_reserve(struct tw_buffer *buffer, size_t more)
{
    TW_ASSERT(more <= SIZE_MAX / 2 - buffer->length);
    size_t needed = buffer->length + more;
    if (needed <= buffer->capacity)
        return;
    size_t capacity = buffer->capacity < 64 ? 64 : buffer->capacity;
    while (capacity < needed)
        capacity *= 2;
    buffer->bytes = tw_realloc(buffer->bytes, capacity);
    buffer->capacity = capacity;
}

void tw_buffer_append(struct tw_buffer *buffer, const void *bytes, size_t length)
{
    tw_buffer_reserve(buffer, length);
    if (length > 0)
        memcpy(buffer->bytes + buffer->length, bytes, length);
    buffer->length += length;
}

void tw_buffer_free(struct tw_buffer *buffer)
{
    free(buffer->bytes);
    memset(buffer, 0, sizeof *buffer);
}

/* A head byte and `width` bytes of number behind it, big-endian. */
static void put(struct tw_buffer *buffer, uint8_t head, uint64_t number, unsigned width)
{
    tw_buffer_reserve(buffer, 1u + width);
    uint8_t *at = buffer->bytes + buffer->length;
    at[0] = head;
    for (unsigned i = width; i > 0; i--, number >>= 8)
        at[i] = (uint8_t)(number & 0xffu);
    buffer->length += 1u + width;
}

void tw_pack_map(struct tw_buffer *buffer, uint32_t pairs)
{
    if (pairs < 16)
        put(buffer, (uint8_t)(0x80u | pairs), 0, 0);
    else if (pairs <= UINT16_MAX)
        put(buffer, 0xde, pairs, 2);
    else
        put(buffer, 0xdf, pairs, 4);
}

void tw_pack_array(struct tw_buffer *buffer, uint32_t count)
{
    if (count < 16)
        put(buffer, (uint8_t)(0x90u | count), 0, 0);
    else if (count <= UINT16_MAX)
        put(buffer, 0xdc, count, 2);
    else
        put(buffer, 0xdd, count, 4);
}

void tw_pack_u64(struct tw_buffer *buffer, uint64_t value)
{
    if (value < 0x80)
        put(buffer, (uint8_t)value, 0, 0);
    else if (value <= UINT8_MAX)
        put(buffer, 0xcc, value, 1);
    else if (value <= UINT16_MAX)
        put(buffer, 0xcd, value, 2);
    else if (value <= UINT32_MAX)
        put(buffer, 0xce, value, 4);
    else
        put(buffer, 0xcf, value, 8);
}

void tw_pack_i64(struct tw_buffer *buffer, int64_t value)
{
    if (value >= 0)
        tw_pack_u64(buffer, (uint64_t)value);
    else if (value >= -32)
        put(buffer, (uint8_t)((uint64_t)value & 0xffu), 0, 0);
    else if (value >= INT8_MIN)
        put(buffer, 0xd0, (uint64_t)value, 1);
    else if (value >= INT16_MIN)
        put(buffer, 0xd1, (uint64_t)value, 2);
    else if (value >= INT32_MIN)
        put(buffer, 0xd2, (uint64_t)value, 4);
    else
        put(buffer, 0xd3, (uint64_t)value, 8);
}

void tw_pack_u64_fixed(struct tw_buffer *buffer, uint64_t value)
{
    put(buffer, 0xcf, value, 8);
}

void tw_pack_double(struct tw_buffer *buffer, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put(buffer, 0xcb, bits, 8);
}

void tw_pack_bool(struct tw_buffer *buffer, bool value)
{
    put(buffer, value ? 0xc3 : 0xc2, 0, 0);
}

void tw_pack_nil(struct tw_buffer *buffer)
{
    put(buffer, 0xc0, 0, 0);
}

void tw_pack_text(struct tw_buffer *buffer, struct tw_text text)
{
    if (text.length < 32)
        put(buffer, (uint8_t)(0xa0u | text.length), 0, 0);
    else if (text.length <= UINT8_MAX)
        put(buffer, 0xd9, text.length, 1);
    else if (text.length <= UINT16_MAX)
        put(buffer, 0xda, text.length, 2);
    else
        put(buffer, 0xdb, text.length, 4);
    tw_buffer_append(buffer, text.bytes, text.length);
}

void tw_pack_str(struct tw_buffer *buffer, const char *text)
{
    size_t length = strlen(text);
    TW_ASSERT(length <= UINT32_MAX);
    struct tw_text whole = {text, (uint32_t)length};
    tw_pack_text(buffer, whole);
}

void tw_pack_bin_head(struct tw_buffer *buffer, size_t length)
{
    TW_ASSERT(length <= UINT32_MAX);
    if (length <= UINT8_MAX)
        put(buffer, 0xc4, length, 1);
    else if (length <= UINT16_MAX)
        put(buffer, 0xc5, length, 2);
    else
        put(buffer, 0xc6, length, 4);
}

void tw_pack_bin(struct tw_buffer *buffer, const void *bytes, size_t length)
{
    tw_pack_bin_head(buffer, length);
    tw_buffer_append(buffer, bytes, length);
}
