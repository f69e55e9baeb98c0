/* SPDX-License-Identifier: MIT
 *
 * A block as it stands on the disk: its columns as few bits as their values need, everything else as it is. The record
 * that it was made of comes back byte by byte, so hashes, replay and every reader know only the record. README.md has
 * the form; nothing in it is trusted.
 *
 *   packed_block.c   the whole: which parts there are, their order
 *   packed_column.c  a column of integers
 *   packed_ids.c     execution ids
 */
#ifndef TW_STORE_PACKED_H
#define TW_STORE_PACKED_H

#include "store/inside.h"

/* The first byte of a packed block; a record as it is begins with the head of a map, which is larger. */
#define TW_PACKED_BLOCK 1u

static inline bool tw_is_packed(const uint8_t *bytes, size_t length)
{
    return length > 0 && bytes[0] == TW_PACKED_BLOCK;
}

/* ---- packed_block.c ---- */

/* Appends the packed form of a block's record; `block` is the view of those bytes and has a row at least. False: it
 * would not be smaller, and *out is what it was. */
bool tw_packed_put(struct tw_buffer *out, const uint8_t *record, size_t length, const struct tw_block *block);
/* How many bytes its record has; 0: not readable. */
size_t tw_packed_record_bytes(const uint8_t *packed, size_t length);
/* Writes the record, of exactly so many bytes, that stands under `follows` and `lsn`; false: not readable. */
bool tw_packed_take(const uint8_t *packed, size_t length, uint64_t follows, uint64_t lsn, uint8_t *record,
                    size_t record_bytes);

/* ---- packed_column.c ---- */

struct tw_packed_reader {
    const uint8_t *at, *end;
};

/* A column of `count` little-endian integers of 1, 4 or 8 bytes; none take nothing. */
void tw_packed_put_column(struct tw_buffer *out, const uint8_t *column, uint32_t count, uint32_t width);
bool tw_packed_take_column(struct tw_packed_reader *reader, uint8_t *column, uint32_t count, uint32_t width);

/* ---- packed_ids.c ---- */

/* `lengths` has a byte for each of the `count` rows; the ids stand end to end. */
void tw_packed_put_ids(struct tw_buffer *out, const uint8_t *ids, uint32_t ids_bytes, const uint8_t *lengths,
                       uint32_t count);
/* `ids` has room for the sum of the lengths. */
bool tw_packed_take_ids(struct tw_packed_reader *reader, uint8_t *ids, uint32_t ids_bytes, const uint8_t *lengths,
                        uint32_t count);

#endif
