/* SPDX-License-Identifier: MIT
 *
 * Reading on in a decoded record: originals, ids, and the lists.
 */
#include "protocol/log.h"

#include "protocol/check.h"
#include "protocol/log_inside.h"

const char *tw_control_kind_name(enum tw_control_kind kind)
{
    static const char *const NAMES[] = {
#define KIND_NAME(symbol, name) [TW_CONTROL_##symbol] = name,
        TW_CONTROL_KINDS(KIND_NAME)
#undef KIND_NAME
    };
    TW_ASSERT((unsigned)kind < TW_CONTROL_KIND_COUNT);
    return NAMES[kind];
}

struct tw_original tw_block_original(const struct tw_block *block, uint32_t row, uint32_t *cursor)
{
    struct tw_original original;
    for (; *cursor < block->original_count; (*cursor)++) {
        memcpy(&original, block->originals + (size_t)*cursor * sizeof original, sizeof original);
        if (original.row < row)
            continue;
        TW_ASSERT(original.row == row);
        return original;
    }
    TW_UNREACHABLE("a bust or correct without its original");
}

struct tw_text tw_block_id(const struct tw_block *block, uint32_t row)
{
    struct tw_text id = {NULL, 0};
    TW_ASSERT(row < block->count);
    if (block->id_length == NULL || block->id_length[row] == 0)
        return id;
    size_t start = 0;
    for (uint32_t before = 0; before < row; before++)
        start += block->id_length[before];
    id.bytes = (const char *)block->ids + start;
    id.length = block->id_length[row];
    return id;
}

bool tw_log_read_name(struct tw_unpacker *cursor, struct tw_new_name *out)
{
    uint32_t parts, kind;
    if (!tw_unpack_array(cursor, &parts) || parts != 4 || !tw_unpack_u32(cursor, &kind) || kind < TW_NAME_SYMBOL ||
        kind > TW_NAME_PARTY)
        return false;
    out->kind = (enum tw_name_kind)kind;
    return tw_unpack_u32(cursor, &out->id) && tw_unpack_u32(cursor, &out->incarnation) &&
           tw_unpack_text(cursor, &out->name);
}

bool tw_log_read_refusal(struct tw_unpacker *cursor, struct tw_refusal *out)
{
    uint32_t parts;
    return tw_unpack_array(cursor, &parts) && parts == 8 && tw_unpack_u64(cursor, &out->number) &&
           tw_unpack_u32(cursor, &out->source) && tw_unpack_u64(cursor, &out->pseq) &&
           tw_unpack_u64(cursor, &out->content_hash) && tw_unpack_i64(cursor, &out->received_ns) &&
           tw_unpack_text(cursor, &out->code) && tw_unpack_text(cursor, &out->why) && tw_unpack_bin(cursor, &out->raw);
}

bool tw_block_next_name(const struct tw_block *block, uint32_t *offset, struct tw_new_name *out)
{
    if (*offset >= block->names_bytes)
        return false;
    struct tw_unpacker cursor = {block->names, block->names_bytes, *offset};
    TW_ASSERT(tw_log_read_name(&cursor, out));
    *offset = (uint32_t)cursor.offset;
    return true;
}

bool tw_block_next_refusal(const struct tw_block *block, uint32_t *offset, struct tw_refusal *out)
{
    if (*offset >= block->refusals_bytes)
        return false;
    struct tw_unpacker cursor = {block->refusals, block->refusals_bytes, *offset};
    TW_ASSERT(tw_log_read_refusal(&cursor, out));
    *offset = (uint32_t)cursor.offset;
    return true;
}

bool tw_block_next_position(const struct tw_block *block, uint32_t *offset, struct tw_position *out)
{
    if (*offset >= block->positions_bytes)
        return false;
    memcpy(&out->source, block->positions + *offset, 4);
    memcpy(&out->next, block->positions + *offset + 4, 8);
    *offset += TW_LOG_POSITION_BYTES;
    return true;
}
