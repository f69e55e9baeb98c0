/* SPDX-License-Identifier: MIT
 *
 * Submissions put together from bytes written by hand, with one thing wrong (or said otherwise) at a time.
 */
#ifndef TW_TESTS_UNIT_RAW_MAPS_H
#define TW_TESTS_UNIT_RAW_MAPS_H

#include <string.h>

#include "protocol/pack.h"

#define TEXT(literal) ((struct tw_text){(literal), sizeof(literal) - 1u})

/* A value in MessagePack; NULL leaves the key out. */
struct raw {
    const char *bytes;
    size_t length;
};
#define RAW(literal)                                                                                                   \
    {                                                                                                                  \
        literal, sizeof(literal) - 1u                                                                                  \
    }
#define LEFT_OUT                                                                                                       \
    {                                                                                                                  \
        NULL, 0                                                                                                        \
    }

struct raw_pair {
    const char *key;
    struct raw value;
};

static inline void put_raw(struct tw_buffer *out, const char *key, struct raw value)
{
    tw_pack_str(out, key);
    tw_buffer_append(out, value.bytes, value.length);
}

/* The usual map with one key replaced, added, or left out. */
static inline void put_map(struct tw_buffer *out, const struct raw_pair *usual, uint32_t rows, const char *key,
                           struct raw value)
{
    uint32_t pairs = rows + 1u;
    for (uint32_t i = 0; i < rows; i++)
        if (strcmp(usual[i].key, key) == 0)
            pairs = value.bytes == NULL ? rows - 1u : rows;
    tw_pack_map(out, pairs);
    for (uint32_t i = 0; i < rows; i++) {
        if (strcmp(usual[i].key, key) != 0)
            put_raw(out, usual[i].key, usual[i].value);
        else if (value.bytes != NULL)
            put_raw(out, key, value);
    }
    if (pairs == rows + 1u)
        put_raw(out, key, value);
}

/* {"v":1,"pub":"desk-7","seq":seq,"trades":[ ... and `trades` values to follow */
static inline void put_head(struct tw_buffer *out, uint64_t seq, uint32_t trades)
{
    tw_pack_map(out, 4);
    tw_pack_str(out, "v");
    tw_pack_u64(out, 1);
    tw_pack_str(out, "pub");
    tw_pack_str(out, "desk-7");
    tw_pack_str(out, "seq");
    tw_pack_u64(out, seq);
    tw_pack_str(out, "trades");
    tw_pack_array(out, trades);
}

#endif
