/* SPDX-License-Identifier: MIT
 *
 * Encodes a decoded record again: in the shortest forms, as the gateway writes it.
 */
#ifndef TESTS_FUZZ_ENCODE_AGAIN_H
#define TESTS_FUZZ_ENCODE_AGAIN_H

#include "protocol/check.h"
#include "protocol/log.h"

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

static struct tw_frame *encode_again(const struct tw_record *record)
{
    if (record->kind == TW_RECORD_CONTROL)
        return tw_control_encode(&record->control);
    const struct tw_block_lists lists = collect(&record->block);
    return tw_block_encode(&record->block, &lists);
}

#endif
