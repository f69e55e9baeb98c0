/* SPDX-License-Identifier: MIT
 *
 * Decoding a record: the shape of the map, key by key in its fixed order. What is read here points into the bytes.
 */
#include "protocol/log.h"

#include "protocol/log_inside.h"

struct reader {
    struct tw_unpacker cursor;
    uint32_t pairs; /* of the map, not read yet */
    const char *why;
};

static bool fail(struct reader *reader, const char *why)
{
    reader->why = why;
    return false;
}

/* Steps over `key` if it comes next, in its shortest form (no key here is longer than 31 bytes). */
static bool at_key(struct reader *reader, const char *key)
{
    size_t length = strlen(key), offset = reader->cursor.offset;
    if (reader->pairs == 0 || reader->cursor.length - offset <= length)
        return false;
    const uint8_t *at = reader->cursor.bytes + offset;
    if (at[0] != (0xa0u | length) || memcmp(at + 1, key, length) != 0)
        return false;
    reader->cursor.offset = offset + 1 + length;
    reader->pairs--;
    return true;
}

static bool read_u64(struct reader *reader, const char *key, uint64_t *out)
{
    return at_key(reader, key) && tw_unpack_u64(&reader->cursor, out);
}

static bool read_u32(struct reader *reader, const char *key, uint32_t *out)
{
    return at_key(reader, key) && tw_unpack_u32(&reader->cursor, out);
}

/* ---- blocks ---- */

/* A column of exactly count x width bytes. Absent: *out stays NULL. In a block without rows only the columns that are
 * always there appear, empty. */
static bool read_column(struct reader *reader, const char *key, uint32_t width, bool always, uint32_t count,
                        const uint8_t **out)
{
    struct tw_text column;
    if ((!always && count == 0) || !at_key(reader, key))
        return !always;
    if (!tw_unpack_bin(&reader->cursor, &column) || column.length != (uint64_t)count * width)
        return false;
    *out = (const uint8_t *)column.bytes;
    return true;
}

static bool read_columns(struct reader *reader, struct tw_block *block)
{
#define READ_COLUMN(member, key, width, always)                                                                        \
    if (!read_column(reader, key, width, always, block->count, &block->member))                                        \
        return fail(reader, "column " key " is missing, not bin, or not of n values");
    TW_BLOCK_COLUMNS(READ_COLUMN)
#undef READ_COLUMN
    return true;
}

/* An optional run of structs of `width` bytes, in a bin that is not empty. */
static bool read_run(struct reader *reader, const char *key, uint32_t width, const uint8_t **out, uint32_t *bytes)
{
    struct tw_text run;
    if (!at_key(reader, key))
        return true;
    if (!tw_unpack_bin(&reader->cursor, &run) || run.length == 0 || run.length % width != 0)
        return false;
    *out = (const uint8_t *)run.bytes;
    *bytes = run.length;
    return true;
}

/* An optional list that is not empty; `read` steps over one element. */
static bool read_names(struct reader *reader, struct tw_block *block)
{
    struct tw_new_name name;
    if (!at_key(reader, "names"))
        return true;
    if (!tw_unpack_array(&reader->cursor, &block->name_count) || block->name_count == 0)
        return false;
    size_t start = reader->cursor.offset;
    for (uint32_t i = 0; i < block->name_count; i++)
        if (!tw_log_read_name(&reader->cursor, &name))
            return false;
    block->names = reader->cursor.bytes + start;
    block->names_bytes = (uint32_t)(reader->cursor.offset - start);
    return true;
}

static bool read_refusals(struct reader *reader, struct tw_block *block)
{
    struct tw_refusal refusal;
    if (!at_key(reader, "refused"))
        return true;
    if (!tw_unpack_array(&reader->cursor, &block->refusal_count) || block->refusal_count == 0 ||
        block->refusal_count > TW_BLOCK_REFUSALS_MAX)
        return false;
    size_t start = reader->cursor.offset;
    for (uint32_t i = 0; i < block->refusal_count; i++)
        if (!tw_log_read_refusal(&reader->cursor, &refusal))
            return false;
    block->refusals = reader->cursor.bytes + start;
    block->refusals_bytes = (uint32_t)(reader->cursor.offset - start);
    return true;
}

static bool read_block(struct reader *reader, struct tw_block *block)
{
    if (!read_u32(reader, "n", &block->count) || block->count > TW_BLOCK_TRADES_MAX)
        return fail(reader, "n is missing or above 8,190");
    if (!read_columns(reader, block))
        return false;
    uint32_t originals_bytes = 0;
    if (!read_run(reader, "ids", 1, &block->ids, &block->ids_bytes))
        return fail(reader, "ids is not bin, or empty");
    if (!read_run(reader, "orig", sizeof(struct tw_original), &block->originals, &originals_bytes))
        return fail(reader, "orig is not bin, empty, or not of 48 bytes each");
    block->original_count = originals_bytes / (uint32_t)sizeof(struct tw_original);
    if (!read_names(reader, block))
        return fail(reader, "names is no list of [kind, id, incarnation, name]");
    if (!read_refusals(reader, block))
        return fail(reader, "refused is no list of refusals, or too long");
    if (!read_run(reader, "pos", TW_LOG_POSITION_BYTES, &block->positions, &block->positions_bytes))
        return fail(reader, "pos is not bin, empty, or not of 12 bytes each");
    block->position_count = block->positions_bytes / TW_LOG_POSITION_BYTES;
    return true;
}

/* ---- control records ---- */

static bool control_kind(struct tw_text name, enum tw_control_kind *out)
{
    for (int kind = 0; kind < TW_CONTROL_KIND_COUNT; kind++) {
        if (!tw_text_is(name, tw_control_kind_name((enum tw_control_kind)kind)))
            continue;
        *out = (enum tw_control_kind)kind;
        return true;
    }
    return false;
}

static bool read_control(struct reader *reader, struct tw_control *control)
{
    if (!at_key(reader, "ts") || !tw_unpack_i64(&reader->cursor, &control->ts_ns))
        return fail(reader, "ts is missing or no integer");
    if (!read_u64(reader, "number", &control->number) || !read_u64(reader, "number2", &control->number2))
        return fail(reader, "number or number2 is missing or no integer from 0");
    if (!read_u32(reader, "source", &control->source))
        return fail(reader, "source is missing or no integer of 32 bits");
    if (!at_key(reader, "text") || !tw_unpack_text(&reader->cursor, &control->text))
        return fail(reader, "text is missing or no string");
    return true;
}

/* ---- records ---- */

static bool read_record(struct reader *reader, struct tw_record *out)
{
    struct tw_text kind;
    uint64_t version, lsn, follows;
    if (!tw_unpack_map(&reader->cursor, &reader->pairs))
        return fail(reader, "not a map");
    if (!at_key(reader, "k") || !tw_unpack_text(&reader->cursor, &kind))
        return fail(reader, "the kind k is missing or no string");
    if (!read_u64(reader, "v", &version) || version != TW_LOG_FORMAT)
        return fail(reader, "the format v is missing or not 1");
    if (!read_u64(reader, "lsn", &lsn) || lsn == 0 || lsn > (uint64_t)INT64_MAX)
        return fail(reader, "lsn is missing or out of range");
    if (!read_u64(reader, "follows", &follows) || follows > (uint64_t)INT64_MAX - TW_BLOCK_TRADES_MAX)
        return fail(reader, "follows is missing or out of range");
    memset(out, 0, sizeof *out);
    if (tw_text_is(kind, "block")) {
        out->kind = TW_RECORD_BLOCK;
        out->block.lsn = lsn;
        out->block.follows = follows;
        if (!read_block(reader, &out->block))
            return false;
    } else {
        out->kind = TW_RECORD_CONTROL;
        out->control.lsn = lsn;
        out->control.follows = follows;
        if (!control_kind(kind, &out->control.kind))
            return fail(reader, "a kind k that this version does not know");
        if (!read_control(reader, &out->control))
            return false;
    }
    if (reader->pairs != 0)
        return fail(reader, "a key that is unknown, double, or out of its place");
    if (reader->cursor.offset != reader->cursor.length)
        return fail(reader, "bytes behind the map");
    return true;
}

bool tw_record_view(const uint8_t *bytes, size_t length, struct tw_record *out)
{
    struct reader reader = {.cursor = tw_unpacker_over(bytes, length)};
    return length <= TW_BLOCK_BYTES_MAX && read_record(&reader, out);
}

bool tw_record_decode(const uint8_t *bytes, size_t length, struct tw_record *out, const char **why)
{
    struct reader reader = {.cursor = tw_unpacker_over(bytes, length)};
    if (length > TW_BLOCK_BYTES_MAX) {
        *why = "longer than a record can be";
        return false;
    }
    if (!read_record(&reader, out)) {
        *why = reader.why;
        return false;
    }
    const char *problem =
        out->kind == TW_RECORD_BLOCK ? tw_log_check_block(&out->block) : tw_log_check_control(&out->control);
    if (problem != NULL)
        *why = problem;
    return problem == NULL;
}
