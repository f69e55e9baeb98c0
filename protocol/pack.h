/* SPDX-License-Identifier: MIT
 *
 * MessagePack without trees. The reader is a cursor over borrowed bytes: it checks every length against what is left
 * before it moves, allocates nothing, and nests no deeper than TW_NESTING_MAX. So five hostile bytes that promise 4 GiB
 * are an error, not an allocation. The writer appends to a growing buffer.
 */
#ifndef TW_PROTOCOL_PACK_H
#define TW_PROTOCOL_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "protocol/trade.h"

enum tw_pack_type {
    TW_PACK_END,     /* no byte left */
    TW_PACK_INVALID, /* 0xc1, or a length that runs over the end */
    TW_PACK_NIL,
    TW_PACK_BOOL,
    TW_PACK_UINT, /* a non-negative integer, however it was encoded */
    TW_PACK_INT,  /* a negative integer */
    TW_PACK_FLOAT,
    TW_PACK_STR,
    TW_PACK_BIN,
    TW_PACK_ARRAY,
    TW_PACK_MAP,
    TW_PACK_EXT
};

struct tw_pack_value {
    enum tw_pack_type type;
    union {
        bool boolean;
        uint64_t uint;
        int64_t sint;
        double real;
        uint32_t count;      /* array elements, map pairs */
        struct tw_text text; /* str, bin, ext payload: borrowed */
    };
};

struct tw_unpacker {
    const uint8_t *bytes;
    size_t length, offset;
};

static inline struct tw_unpacker tw_unpacker_over(const void *bytes, size_t length)
{
    struct tw_unpacker unpacker = {(const uint8_t *)bytes, length, 0};
    return unpacker;
}

/* Next value's head. For arrays and maps the children follow; a count that cannot fit into what is left (one byte a
 * child) is INVALID. After INVALID or END the cursor stays where it is. */
struct tw_pack_value tw_unpack_next(struct tw_unpacker *unpacker);
/* Skips one whole value, children included, at most TW_NESTING_MAX deep; false on anything malformed. */
bool tw_unpack_skip(struct tw_unpacker *unpacker);
/* True if the bytes from `offset` on are exactly one well-formed value of bounded depth. */
bool tw_unpack_check(const void *bytes, size_t length);

/* Typed helpers: false (cursor undefined) if the next value is of another type or range. */
bool tw_unpack_u64(struct tw_unpacker *unpacker, uint64_t *out);
bool tw_unpack_i64(struct tw_unpacker *unpacker, int64_t *out);
bool tw_unpack_u32(struct tw_unpacker *unpacker, uint32_t *out);
bool tw_unpack_text(struct tw_unpacker *unpacker, struct tw_text *out); /* str */
bool tw_unpack_bin(struct tw_unpacker *unpacker, struct tw_text *out);
bool tw_unpack_map(struct tw_unpacker *unpacker, uint32_t *pairs);
bool tw_unpack_array(struct tw_unpacker *unpacker, uint32_t *count);
static inline bool tw_text_is(struct tw_text text, const char *literal)
{
    size_t length = strlen(literal);
    return text.length == length && (length == 0 || memcmp(text.bytes, literal, length) == 0);
}

/* A growing buffer; zero-initialise, reuse by setting length to 0, free with tw_buffer_free. */
struct tw_buffer {
    uint8_t *bytes;
    size_t length, capacity;
};
void tw_buffer_reserve(struct tw_buffer *buffer, size_t more);
void tw_buffer_append(struct tw_buffer *buffer, const void *bytes, size_t length);
void tw_buffer_free(struct tw_buffer *buffer);

/* Shortest encodings. Ints through i64 choose the unsigned form when >= 0. */
void tw_pack_map(struct tw_buffer *buffer, uint32_t pairs);
void tw_pack_array(struct tw_buffer *buffer, uint32_t count);
void tw_pack_u64(struct tw_buffer *buffer, uint64_t value);
void tw_pack_i64(struct tw_buffer *buffer, int64_t value);
void tw_pack_u64_fixed(struct tw_buffer *buffer, uint64_t value); /* always 9 bytes, so that it can be patched later */
void tw_pack_double(struct tw_buffer *buffer, double value);
void tw_pack_bool(struct tw_buffer *buffer, bool value);
void tw_pack_nil(struct tw_buffer *buffer);
void tw_pack_str(struct tw_buffer *buffer, const char *text); /* NUL-terminated */
void tw_pack_text(struct tw_buffer *buffer, struct tw_text text);
void tw_pack_bin(struct tw_buffer *buffer, const void *bytes, size_t length);
void tw_pack_bin_head(struct tw_buffer *buffer, size_t length); /* the bytes follow by tw_buffer_append */

#endif
