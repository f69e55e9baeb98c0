/* SPDX-License-Identifier: MIT
 *
 * Any bytes as the rows of a snapshot. Held to: no read out of bounds; a row that lacks a field is never whole and
 * reads as zeros from there on; and rows written from what was read are the same bytes again.
 *
 * Input: a length, so many bytes that say which fields are read in turn, then the rows.
 */
#include <stdint.h>
#include <string.h>

#include "protocol/check.h"
#include "protocol/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads one field and writes it again. */
static void copy_field(struct tw_row_reader *row, unsigned form, struct tw_buffer *out)
{
    const bool bad = row->bad;
    uint64_t seen = 0;
    uint8_t bytes[7];
    struct tw_text text;
    switch (form % 7) {
    case 0:
        tw_put_u8(out, (uint8_t)(seen = tw_get_u8(row)));
        break;
    case 1:
        tw_put_u32(out, (uint32_t)(seen = tw_get_u32(row)));
        break;
    case 2:
        tw_put_u64(out, seen = tw_get_u64(row));
        break;
    case 3:
        tw_put_i64(out, (int64_t)(seen = (uint64_t)tw_get_i64(row)));
        break;
    case 4:
        tw_put_i128(out, tw_get_i128(row));
        break;
    case 5:
        text = tw_get_text(row);
        seen = text.length;
        tw_put_text(out, text);
        break;
    case 6:
        tw_get_bytes(row, bytes, sizeof bytes);
        tw_put_bytes(out, bytes, sizeof bytes);
        break;
    }
    TW_ASSERT(!bad || (row->bad && row->at == row->end && seen == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tw_buffer out;
    if (size == 0 || data[0] == 0 || data[0] >= size)
        return 0;
    const uint8_t *forms = data + 1, *rows = forms + data[0];
    size_t length = size - 1 - data[0], offset = 0, before = 0, form = 0;
    struct tw_row_reader row;
    int status;
    while ((status = tw_row_next(rows, length, &offset, &row)) == 1) {
        TW_ASSERT(offset > before && offset <= length && row.at == rows + before + TW_SNAPSHOT_ROW_HEAD_BYTES &&
                  row.end == rows + offset);
        out.length = 0;
        size_t began = tw_row_begin(&out, row.kind);
        while (!row.bad && row.at != row.end)
            copy_field(&row, forms[form++ % data[0]], &out);
        tw_row_end(&out, began);
        TW_ASSERT(tw_row_whole(&row) == !row.bad);
        TW_ASSERT(row.bad || (out.length == offset - before && memcmp(out.bytes, rows + before, out.length) == 0));
        if (row.bad)
            copy_field(&row, forms[form++ % data[0]], &out);
        before = offset;
    }
    TW_ASSERT(offset == before && (status == 0) == (offset == length));
    return 0;
}
