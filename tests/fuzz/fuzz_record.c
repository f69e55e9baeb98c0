/* SPDX-License-Identifier: MIT
 *
 * Any bytes as a record of the log. Held to: no read out of bounds; what passes can be walked to its end and encoded
 * again; and that decodes to the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"
#include "protocol/log.h"
#include "protocol/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tw_new_name *names;
static struct tw_refusal *refusals;
static struct tw_position *positions;

static struct tw_block_lists collect(const struct tw_block *block)
{
    struct tw_block_lists lists = {NULL, NULL, NULL, 0, 0, 0};
    uint32_t offset = 0;
    names = tw_realloc(names, block->name_count * sizeof *names);
    refusals = tw_realloc(refusals, block->refusal_count * sizeof *refusals);
    positions = tw_realloc(positions, block->position_count * sizeof *positions);
    for (struct tw_new_name name; tw_block_next_name(block, &offset, &name);)
        names[lists.name_count++] = name;
    offset = 0;
    for (struct tw_refusal refusal; tw_block_next_refusal(block, &offset, &refusal);)
        refusals[lists.refusal_count++] = refusal;
    offset = 0;
    for (struct tw_position position; tw_block_next_position(block, &offset, &position);)
        positions[lists.position_count++] = position;
    TW_ASSERT(lists.name_count == block->name_count && lists.refusal_count == block->refusal_count &&
              lists.position_count == block->position_count);
    lists.names = names;
    lists.refusals = refusals;
    lists.positions = positions;
    return lists;
}

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

/* Encodes what was decoded and expects to read the same from it. */
static struct tw_frame *encode(const struct tw_record *record)
{
    if (record->kind == TW_RECORD_CONTROL)
        return tw_control_encode(&record->control);
    const struct tw_block_lists lists = collect(&record->block);
    return tw_block_encode(&record->block, &lists);
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
    struct tw_frame *first = encode(&record);
    TW_ASSERT(first->length <= size); /* shortest forms */
    TW_ASSERT(tw_record_decode(first->bytes, first->length, &again, &why));
    TW_ASSERT(record.kind == again.kind);
    if (record.kind == TW_RECORD_BLOCK)
        TW_ASSERT(walk_rows(&record.block) == walk_rows(&again.block));
    struct tw_frame *second = encode(&again);
    TW_ASSERT(first->length == second->length && memcmp(first->bytes, second->bytes, first->length) == 0);
    tw_frame_drop(&first);
    tw_frame_drop(&second);
    return 0;
}
