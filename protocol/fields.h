/* SPDX-License-Identifier: MIT
 *
 * Maps read by a table: one row for each key that a message knows. One pass over the bytes checks that the map is
 * well-formed, finds each value, and puts it where its row says. Borrows, allocates nothing. Pure.
 */
#ifndef TW_PROTOCOL_FIELDS_H
#define TW_PROTOCOL_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/pack.h"

/* What a field holds, and the type of the member it is put into. */
enum tw_field_form {
    TW_FIELD_U64,
    TW_FIELD_U32,
    TW_FIELD_I64,
    TW_FIELD_BOOL,
    TW_FIELD_TEXT,  /* str -> struct tw_text */
    TW_FIELD_BIN,   /* bin -> struct tw_text; an empty one has bytes != NULL */
    TW_FIELD_VALUE, /* any -> struct tw_field_value, nil too */
    TW_FIELD_CURSOR /* any -> struct tw_unpacker, standing before the value; bytes stays NULL if absent or nil */
};

struct tw_field_value {
    struct tw_pack_value value; /* TW_PACK_END where absent */
    const uint8_t *at;          /* its first byte */
};

struct tw_field {
    const char *key;
    uint32_t offset; /* of the member */
    uint8_t key_length;
    uint8_t form; /* enum tw_field_form */
    bool required;
};
#define TW_FIELD(structure, member, key, form, required)                                                               \
    {                                                                                                                  \
        key, offsetof(structure, member), sizeof(key) - 1u, TW_FIELD_##form, required                                  \
    }
#define TW_FIELDS_MAX 64u /* rows of one table: a bit each */

enum tw_fields_status {
    TW_FIELDS_OK,
    TW_FIELDS_MALFORMED,   /* not well-formed MessagePack: the cursor is lost */
    TW_FIELDS_NOT_A_MAP,   /* well-formed, and stepped over */
    TW_FIELDS_KEY_TYPE,    /* a key is not a string */
    TW_FIELDS_UNKNOWN_KEY, /* only if strict */
    TW_FIELDS_DOUBLE_KEY,
    TW_FIELDS_WRONG_TYPE, /* type or range */
    TW_FIELDS_MISSING
};
struct tw_fields_result {
    enum tw_fields_status status; /* the first problem in the order of the map; MALFORMED before all */
    struct tw_text key;           /* whose it is */
};

/* Reads the map at the cursor and steps over it. `out` must be zeroed; what is legible is set even if the result is
 * not OK, a double key by its first value. Nil counts as absent (but see VALUE). Unless strict, keys that are not in
 * the table, or no strings, are stepped over. */
struct tw_fields_result tw_fields_read(struct tw_unpacker *cursor, const struct tw_field *table, uint32_t rows,
                                       bool strict, void *out);

/* The same for a whole message with nothing behind it (MALFORMED otherwise). */
struct tw_fields_result tw_fields_message(const void *bytes, size_t length, const struct tw_field *table, uint32_t rows,
                                          bool strict, void *out);

/* Text for a person: printable ASCII as it is, the rest as \xNN, cut with "..." to fit `room` bytes with the NUL
 * (at least 8). Returns `out`. */
const char *tw_fields_printable(struct tw_text text, char *out, size_t room);

#endif
