/* SPDX-License-Identifier: MIT
 *
 * Any bytes as MessagePack. Held to: no read out of bounds; the cursor never goes back nor over the end; skipping and
 * reading value by value agree; what is read and written again reads the same.
 */
#include <stdint.h>
#include <string.h>

#include "protocol/check.h"
#include "protocol/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tw_buffer first, second;

static void put(struct tw_buffer *out, const struct tw_pack_value *value)
{
    switch (value->type) {
    case TW_PACK_NIL:
        tw_pack_nil(out);
        break;
    case TW_PACK_BOOL:
        tw_pack_bool(out, value->boolean);
        break;
    case TW_PACK_UINT:
        tw_pack_u64(out, value->uint);
        break;
    case TW_PACK_INT:
        TW_ASSERT(value->sint < 0);
        tw_pack_i64(out, value->sint);
        break;
    case TW_PACK_FLOAT:
        tw_pack_double(out, value->real);
        break;
    case TW_PACK_STR:
        tw_pack_text(out, value->text);
        break;
    case TW_PACK_BIN:
    case TW_PACK_EXT: /* no writer of ours sends one */
        tw_pack_bin(out, value->text.bytes, value->text.length);
        break;
    case TW_PACK_ARRAY:
        tw_pack_array(out, value->count);
        break;
    case TW_PACK_MAP:
        tw_pack_map(out, value->count);
        break;
    case TW_PACK_END:
    case TW_PACK_INVALID:
        TW_UNREACHABLE("the caller stops there");
    }
}

/* Reads values, children as they come, and writes each again. Returns how far it got. */
static size_t transcribe(const uint8_t *bytes, size_t length, struct tw_buffer *out)
{
    struct tw_unpacker cursor = tw_unpacker_over(bytes, length);
    out->length = 0;
    for (;;) {
        const size_t before = cursor.offset;
        const struct tw_pack_value value = tw_unpack_next(&cursor);
        if (value.type == TW_PACK_END || value.type == TW_PACK_INVALID) {
            TW_ASSERT(cursor.offset == before);
            return before;
        }
        TW_ASSERT(cursor.offset > before && cursor.offset <= length);
        put(out, &value);
    }
}

/* The first copy may differ from the input, which need not use the shortest forms; a copy of the copy may not. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const size_t reached = transcribe(data, size, &first);
    struct tw_unpacker cursor = tw_unpacker_over(data, size);
    while (tw_unpack_skip(&cursor))
        TW_ASSERT(cursor.offset <= reached); /* whatever can be skipped can be read */
    if (!tw_unpack_check(data, size))
        return 0;
    TW_ASSERT(reached == size && tw_unpack_check(first.bytes, first.length));
    TW_ASSERT(transcribe(first.bytes, first.length, &second) == first.length);
    TW_ASSERT(first.length == second.length && memcmp(first.bytes, second.bytes, first.length) == 0);
    return 0;
}
