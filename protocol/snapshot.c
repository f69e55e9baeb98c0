/* SPDX-License-Identifier: MIT */
#include "protocol/snapshot.h"

#include <string.h>

#include "protocol/check.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "fields are written as they stand in memory");

const char *tw_snapshot_part_name(enum tw_snapshot_part part)
{
    static const char *const names[TW_PART_COUNT] = {
#define TW_SNAPSHOT_PART_NAME(symbol, name) name,
        TW_SNAPSHOT_PARTS(TW_SNAPSHOT_PART_NAME)
#undef TW_SNAPSHOT_PART_NAME
    };
    TW_ASSERT(part < TW_PART_COUNT);
    return names[part];
}

/* ---- writing ---- */

size_t tw_row_begin(struct tw_buffer *out, uint8_t kind)
{
    size_t began = out->length;
    tw_put_u8(out, kind);
    tw_put_u32(out, 0);
    return began;
}

void tw_row_end(struct tw_buffer *out, size_t began)
{
    size_t length = out->length - began - TW_SNAPSHOT_ROW_HEAD_BYTES;
    TW_ASSERT(length <= UINT32_MAX);
    uint32_t value = (uint32_t)length;
    memcpy(out->bytes + began + 1, &value, sizeof value);
}

void tw_put_text(struct tw_buffer *out, struct tw_text text)
{
    tw_put_u32(out, text.length);
    tw_put_bytes(out, text.bytes, text.length);
}

/* ---- reading ---- */

int tw_row_next(const uint8_t *bytes, size_t length, size_t *offset, struct tw_row_reader *out)
{
    if (*offset == length)
        return 0;
    uint32_t row_bytes;
    if (length - *offset < TW_SNAPSHOT_ROW_HEAD_BYTES)
        return -1;
    memcpy(&row_bytes, bytes + *offset + 1, sizeof row_bytes);
    if (length - *offset - TW_SNAPSHOT_ROW_HEAD_BYTES < row_bytes)
        return -1;
    const uint8_t *at = bytes + *offset + TW_SNAPSHOT_ROW_HEAD_BYTES;
    *out = (struct tw_row_reader){bytes[*offset], at, at + row_bytes, false};
    *offset += TW_SNAPSHOT_ROW_HEAD_BYTES + row_bytes;
    return 1;
}

void tw_get_bytes(struct tw_row_reader *row, void *to, size_t length)
{
    if ((size_t)(row->end - row->at) < length) {
        row->bad = true;
        row->at = row->end;
        memset(to, 0, length);
        return;
    }
    if (length > 0)
        memcpy(to, row->at, length);
    row->at += length;
}

uint8_t tw_get_u8(struct tw_row_reader *row)
{
    uint8_t value;
    tw_get_bytes(row, &value, sizeof value);
    return value;
}
uint32_t tw_get_u32(struct tw_row_reader *row)
{
    uint32_t value;
    tw_get_bytes(row, &value, sizeof value);
    return value;
}
uint64_t tw_get_u64(struct tw_row_reader *row)
{
    uint64_t value;
    tw_get_bytes(row, &value, sizeof value);
    return value;
}
int64_t tw_get_i64(struct tw_row_reader *row)
{
    int64_t value;
    tw_get_bytes(row, &value, sizeof value);
    return value;
}
tw_i128 tw_get_i128(struct tw_row_reader *row)
{
    tw_i128 value;
    tw_get_bytes(row, &value, sizeof value);
    return value;
}

struct tw_text tw_get_text(struct tw_row_reader *row)
{
    uint32_t length = tw_get_u32(row);
    if ((size_t)(row->end - row->at) < length) {
        row->bad = true;
        row->at = row->end;
        return (struct tw_text){NULL, 0};
    }
    struct tw_text text = {(const char *)row->at, length};
    row->at += length;
    return text;
}

bool tw_row_whole(const struct tw_row_reader *row)
{
    return !row->bad && row->at == row->end;
}
