/* SPDX-License-Identifier: MIT
 *
 * What a snapshot is made of. A snapshot is the state of every actor as of one SNAPSHOT record of the log. Each actor's
 * state is a part; a part is a sequence of rows, `kind u8, length u32, length bytes`, little-endian without gaps; rows
 * of one kind may come in any order unless their owner says otherwise. SNAPSHOT.md beside this file gives them byte by
 * byte.
 *
 * A row is written field by field into a buffer, and read field by field by a cursor that checks every bound: what
 * comes from a disk is the outside world, although the file around it is hashed.
 */
#ifndef TW_PROTOCOL_SNAPSHOT_H
#define TW_PROTOCOL_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "protocol/num.h"
#include "protocol/pack.h"

/* X(symbol, name): the actors that have a part. Shards have one each; a snapshot of 2 shards can be loaded by 8. */
#define TW_SNAPSHOT_PARTS(X)                                                                                           \
    X(GATEWAY, "gateway")                                                                                              \
    X(SHARD, "shard")                                                                                                  \
    X(EXPOSURE, "exposure")                                                                                            \
    X(SCORER, "scorer")                                                                                                \
    X(ROUTER, "router")

enum tw_snapshot_part {
#define TW_SNAPSHOT_PART_MEMBER(symbol, name) TW_PART_##symbol,
    TW_SNAPSHOT_PARTS(TW_SNAPSHOT_PART_MEMBER)
#undef TW_SNAPSHOT_PART_MEMBER
        TW_PART_COUNT
};
const char *tw_snapshot_part_name(enum tw_snapshot_part part);

#define TW_SNAPSHOT_ROW_HEAD_BYTES 5u

/* ---- writing ---- */
/* Begins a row in `out`; fields follow by the put functions; tw_row_end sets its length. Returns where it began. */
size_t tw_row_begin(struct tw_buffer *out, uint8_t kind);
void tw_row_end(struct tw_buffer *out, size_t began);
/* Inline: a tick puts a million fields before it changes them, and all trades behind it wait. */
static inline void tw_put_bytes(struct tw_buffer *out, const void *bytes, size_t length)
{
    if (out->capacity - out->length < length)
        tw_buffer_reserve(out, length);
    if (length > 0)
        memcpy(out->bytes + out->length, bytes, length);
    out->length += length;
}
static inline void tw_put_u8(struct tw_buffer *out, uint8_t value)
{
    tw_put_bytes(out, &value, sizeof value);
}
static inline void tw_put_u32(struct tw_buffer *out, uint32_t value)
{
    tw_put_bytes(out, &value, sizeof value);
}
static inline void tw_put_u64(struct tw_buffer *out, uint64_t value)
{
    tw_put_bytes(out, &value, sizeof value);
}
static inline void tw_put_i64(struct tw_buffer *out, int64_t value)
{
    tw_put_bytes(out, &value, sizeof value);
}
static inline void tw_put_i128(struct tw_buffer *out, tw_i128 value)
{
    tw_put_bytes(out, &value, sizeof value);
}
void tw_put_text(struct tw_buffer *out, struct tw_text text); /* u32 length, bytes */

/* ---- reading ---- */
struct tw_row_reader {
    uint8_t kind;
    const uint8_t *at, *end;
    bool bad; /* a field ran over the end; everything read since is 0 */
};
/* The next row of `bytes` from *offset on: 1, 0 at the end, -1 if it is cut off. */
int tw_row_next(const uint8_t *bytes, size_t length, size_t *offset, struct tw_row_reader *out);
uint8_t tw_get_u8(struct tw_row_reader *row);
uint32_t tw_get_u32(struct tw_row_reader *row);
uint64_t tw_get_u64(struct tw_row_reader *row);
int64_t tw_get_i64(struct tw_row_reader *row);
tw_i128 tw_get_i128(struct tw_row_reader *row);
struct tw_text tw_get_text(struct tw_row_reader *row);                 /* borrowed */
void tw_get_bytes(struct tw_row_reader *row, void *to, size_t length); /* zeros if they are not there */
/* True if every field was there and nothing is left. */
bool tw_row_whole(const struct tw_row_reader *row);

#endif
