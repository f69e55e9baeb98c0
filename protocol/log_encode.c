/* SPDX-License-Identifier: MIT
 *
 * Encoding a record into a frame of the right size from the start: every column is copied once.
 */
#include "protocol/log.h"

#include "protocol/check.h"
#include "protocol/log_inside.h"

#define HEAD_BYTES_MAX 9u /* of any value: the head byte and 8 of number */
#define KEY_BYTES_MAX 16u /* a key and the head of its value */
#define FIXED_BYTES 256u  /* map head, k, v, lsn, follows and n; of a control record all but the text */

/* A frame written through a buffer that lies over its bytes and never grows. */
struct writer {
    struct tw_frame *frame;
    struct tw_buffer out;
};

static struct writer begin(struct tw_frame_pool *pool, size_t capacity)
{
    struct writer writer = {.frame = tw_frame_take(pool, capacity)};
    writer.out.bytes = writer.frame->bytes;
    writer.out.capacity = writer.frame->capacity;
    return writer;
}

static struct tw_frame *finish(struct writer *writer)
{
    TW_ASSERT(writer->out.bytes == writer->frame->bytes && writer->out.length <= writer->frame->capacity);
    TW_ASSERT(writer->out.length <= TW_BLOCK_BYTES_MAX);
    writer->frame->length = writer->out.length;
    return writer->frame;
}

static void put_head(struct tw_buffer *out, uint32_t pairs, const char *kind, uint64_t lsn, uint64_t follows)
{
    tw_pack_map(out, pairs);
    tw_pack_str(out, "k");
    tw_pack_str(out, kind);
    tw_pack_str(out, "v");
    tw_pack_u64(out, TW_LOG_FORMAT);
    tw_pack_str(out, "lsn");
    tw_pack_u64(out, lsn);
    tw_pack_str(out, "follows");
    tw_pack_u64(out, follows);
}

/* ---- blocks ---- */

void tw_block_put_head(struct tw_buffer *out, uint32_t pairs, uint64_t lsn, uint64_t follows, uint32_t count)
{
    put_head(out, pairs, "block", lsn, follows);
    tw_pack_str(out, "n");
    tw_pack_u64(out, count);
}

static bool column_present(const uint8_t *column, bool always, uint32_t count)
{
    TW_ASSERT(!always || count == 0 || column != NULL);
    return always || (column != NULL && count != 0);
}

static uint32_t count_pairs(const struct tw_block *block, const struct tw_block_lists *lists)
{
    uint32_t pairs = 5; /* k, v, lsn, follows, n */
#define COUNT_COLUMN(member, key, width, always) pairs += column_present(block->member, always, block->count) ? 1u : 0u;
    TW_BLOCK_COLUMNS(COUNT_COLUMN)
#undef COUNT_COLUMN
    pairs += (block->ids_bytes != 0 ? 1u : 0u) + (block->original_count != 0 ? 1u : 0u);
    pairs += (lists->name_count != 0 ? 1u : 0u) + (lists->refusal_count != 0 ? 1u : 0u);
    return pairs + (lists->position_count != 0 ? 1u : 0u);
}

/* At least what the block takes, and hardly more. */
static size_t bound_bytes(const struct tw_block *block, const struct tw_block_lists *lists)
{
    size_t bytes = FIXED_BYTES + block->ids_bytes + KEY_BYTES_MAX;
#define COLUMN_BYTES(member, key, width, always)                                                                       \
    bytes += KEY_BYTES_MAX + (column_present(block->member, always, block->count) ? (size_t)block->count * width : 0u);
    TW_BLOCK_COLUMNS(COLUMN_BYTES)
#undef COLUMN_BYTES
    bytes += KEY_BYTES_MAX + (size_t)block->original_count * sizeof(struct tw_original);
    bytes += KEY_BYTES_MAX;
    for (uint32_t i = 0; i < lists->name_count; i++)
        bytes += 4u * HEAD_BYTES_MAX + lists->names[i].name.length;
    bytes += KEY_BYTES_MAX;
    for (uint32_t i = 0; i < lists->refusal_count; i++) {
        const struct tw_refusal *refusal = &lists->refusals[i];
        bytes += 9u * HEAD_BYTES_MAX + refusal->code.length + refusal->why.length + refusal->raw.length;
    }
    return bytes + KEY_BYTES_MAX + (size_t)lists->position_count * TW_LOG_POSITION_BYTES;
}

static void put_columns(struct tw_buffer *out, const struct tw_block *block)
{
#define PUT_COLUMN(member, key, width, always)                                                                         \
    if (column_present(block->member, always, block->count)) {                                                         \
        tw_pack_str(out, key);                                                                                         \
        tw_pack_bin(out, block->member, (size_t)block->count *width);                                                  \
    }
    TW_BLOCK_COLUMNS(PUT_COLUMN)
#undef PUT_COLUMN
}

static void put_run(struct tw_buffer *out, const char *key, const void *bytes, size_t length)
{
    if (length == 0)
        return;
    tw_pack_str(out, key);
    tw_pack_bin(out, bytes, length);
}

static void put_names(struct tw_buffer *out, const struct tw_block_lists *lists)
{
    if (lists->name_count == 0)
        return;
    tw_pack_str(out, "names");
    tw_pack_array(out, lists->name_count);
    for (uint32_t i = 0; i < lists->name_count; i++) {
        const struct tw_new_name *name = &lists->names[i];
        tw_pack_array(out, 4);
        tw_pack_u64(out, name->kind);
        tw_pack_u64(out, name->id);
        tw_pack_u64(out, name->incarnation);
        tw_pack_text(out, name->name);
    }
}

static void put_refusals(struct tw_buffer *out, const struct tw_block_lists *lists)
{
    if (lists->refusal_count == 0)
        return;
    tw_pack_str(out, "refused");
    tw_pack_array(out, lists->refusal_count);
    for (uint32_t i = 0; i < lists->refusal_count; i++) {
        const struct tw_refusal *refusal = &lists->refusals[i];
        tw_pack_array(out, 8);
        tw_pack_u64(out, refusal->number);
        tw_pack_u64(out, refusal->source);
        tw_pack_u64(out, refusal->pseq);
        tw_pack_u64(out, refusal->content_hash);
        tw_pack_i64(out, refusal->received_ns);
        tw_pack_text(out, refusal->code);
        tw_pack_text(out, refusal->why);
        tw_pack_bin(out, refusal->raw.bytes, refusal->raw.length);
    }
}

/* The struct has padding, the log has none. */
static void put_positions(struct tw_buffer *out, const struct tw_block_lists *lists)
{
    if (lists->position_count == 0)
        return;
    size_t length = (size_t)lists->position_count * TW_LOG_POSITION_BYTES;
    tw_pack_str(out, "pos");
    tw_pack_bin_head(out, length);
    for (uint32_t i = 0; i < lists->position_count; i++) {
        tw_buffer_append(out, &lists->positions[i].source, 4);
        tw_buffer_append(out, &lists->positions[i].next, 8);
    }
}

struct tw_frame *tw_block_encode_in(struct tw_frame_pool *pool, const struct tw_block *block,
                                    const struct tw_block_lists *lists)
{
    TW_ASSERT(block->count <= TW_BLOCK_TRADES_MAX && lists->refusal_count <= TW_BLOCK_REFUSALS_MAX);
    TW_ASSERT(block->ids_bytes == 0 || block->id_length != NULL);
    struct writer writer = begin(pool, bound_bytes(block, lists));
    struct tw_buffer *out = &writer.out;
    tw_block_put_head(out, count_pairs(block, lists), block->lsn, block->follows, block->count);
    put_columns(out, block);
    put_run(out, "ids", block->ids, block->ids_bytes);
    put_run(out, "orig", block->originals, (size_t)block->original_count * sizeof(struct tw_original));
    put_names(out, lists);
    put_refusals(out, lists);
    put_positions(out, lists);
    return finish(&writer);
}

struct tw_frame *tw_block_encode(const struct tw_block *block, const struct tw_block_lists *lists)
{
    return tw_block_encode_in(NULL, block, lists);
}

/* ---- control records ---- */

struct tw_frame *tw_control_encode_in(struct tw_frame_pool *pool, const struct tw_control *control)
{
    struct writer writer = begin(pool, FIXED_BYTES + control->text.length);
    struct tw_buffer *out = &writer.out;
    put_head(out, 9, tw_control_kind_name(control->kind), control->lsn, control->follows);
    tw_pack_str(out, "ts");
    tw_pack_i64(out, control->ts_ns);
    tw_pack_str(out, "number");
    tw_pack_u64(out, control->number);
    tw_pack_str(out, "number2");
    tw_pack_u64(out, control->number2);
    tw_pack_str(out, "source");
    tw_pack_u64(out, control->source);
    tw_pack_str(out, "text");
    tw_pack_text(out, control->text);
    return finish(&writer);
}

struct tw_frame *tw_control_encode(const struct tw_control *control)
{
    return tw_control_encode_in(NULL, control);
}
