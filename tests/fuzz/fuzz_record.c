/* SPDX-License-Identifier: MIT
 *
 * Any bytes as a record of the log. Held to: no read out of bounds; what passes can be walked to its end and encoded
 * again; and that decodes to the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "encode_again.h"
#include "protocol/check.h"
#include "protocol/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t walk_rows(const struct tw_block *block)
{
    uint64_t sum = 0;
    uint32_t cursor = 0;
    for (uint32_t row = 0; row < block->count; row++) {
        const struct tw_text id = tw_block_id(block, row);
        for (uint32_t i = 0; i < id.length; i++)
            sum += (uint8_t)id.bytes[i];
        sum += tw_load_u64(block->pseq, row) + tw_load_party(block->ccy, row);
        if (TW_ATTR_KIND(block->attrs[row]) != TW_KIND_TRADE)
            sum += tw_block_original(block, row, &cursor).seq;
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tw_record record, again, view;
    const char *why = NULL;
    if (!tw_record_decode(data, size, &record, &why)) {
        TW_ASSERT(why != NULL);
        if (tw_record_view(data, size, &view) && view.kind == TW_RECORD_BLOCK)
            collect(&view.block); /* of a view without the passes over values, the lists can be walked all the same */
        return 0;
    }
    TW_ASSERT(tw_unpack_check(data, size));
    struct tw_frame *first = encode_again(&record);
    TW_ASSERT(first->length <= size); /* shortest forms */
    TW_ASSERT(tw_record_decode(first->bytes, first->length, &again, &why));
    TW_ASSERT(record.kind == again.kind);
    if (record.kind == TW_RECORD_BLOCK)
        TW_ASSERT(walk_rows(&record.block) == walk_rows(&again.block));
    struct tw_frame *second = encode_again(&again);
    TW_ASSERT(first->length == second->length && memcmp(first->bytes, second->bytes, first->length) == 0);
    tw_frame_drop(&first);
    tw_frame_drop(&second);
    return 0;
}
