/* SPDX-License-Identifier: MIT
 *
 * Packed blocks. Held to: no read or write out of bounds whatever the bytes say; every column, every list of ids and
 * every block in its shortest forms comes back as it was.
 *
 * Input: a byte that chooses, then a packed block, a block's record, a column, or ids.
 */
#include <stdlib.h>

#include "encode_again.h"
#include "protocol/check.h"
#include "store/packed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FOLLOWS 1u
#define LSN 2u

/* A record may claim to be 12 MiB; one of a few bytes that is so long is nothing that the fuzzer should allocate. */
#define RECORD_BYTES_MAX (UINT64_C(1) << 20)

static void take_packed(const uint8_t *data, size_t size)
{
    size_t length = tw_packed_record_bytes(data, size);
    if (length == 0 || length > RECORD_BYTES_MAX)
        return;
    uint8_t *record = tw_alloc(length);
    struct tw_record decoded;
    const char *why = NULL;
    if (tw_packed_take(data, size, FOLLOWS, LSN, record, length) && tw_record_decode(record, length, &decoded, &why))
        TW_ASSERT(decoded.kind == TW_RECORD_BLOCK && decoded.block.lsn == LSN && decoded.block.follows == FOLLOWS);
    free(record);
}

/* Whether it comes back as it was. What is in its shortest forms must, as all is that the gateway writes; of other
 * records the store keeps what does not come back as it is. */
static bool comes_back(const uint8_t *data, size_t size, const struct tw_block *block)
{
    struct tw_buffer packed = {0};
    bool same = true;
    if (tw_packed_put(&packed, data, size, block)) {
        TW_ASSERT(packed.length < size && tw_packed_record_bytes(packed.bytes, packed.length) == size);
        uint8_t *back = tw_alloc_zero(1, size);
        same = tw_packed_take(packed.bytes, packed.length, block->follows, block->lsn, back, size) &&
               memcmp(back, data, size) == 0;
        free(back);
    }
    tw_buffer_free(&packed);
    return same;
}

static void pack_record(const uint8_t *data, size_t size)
{
    struct tw_record record;
    const char *why = NULL;
    if (!tw_record_decode(data, size, &record, &why) || record.kind != TW_RECORD_BLOCK || record.block.count == 0)
        return;
    comes_back(data, size, &record.block);
    struct tw_frame *shortest = encode_again(&record);
    TW_ASSERT(tw_record_decode(shortest->bytes, shortest->length, &record, &why));
    TW_ASSERT(comes_back(shortest->bytes, shortest->length, &record.block));
    tw_frame_drop(&shortest);
}

static void pack_column(const uint8_t *data, size_t size, uint32_t width)
{
    struct tw_buffer packed = {0};
    uint32_t count = (uint32_t)(size / width);
    if (count == 0 || count > TW_BLOCK_TRADES_MAX)
        return;
    tw_packed_put_column(&packed, data, count, width);
    struct tw_packed_reader reader = {packed.bytes, packed.bytes + packed.length};
    uint8_t *back = tw_alloc(size + 1);
    TW_ASSERT(tw_packed_take_column(&reader, back, count, width) && reader.at == reader.end);
    TW_ASSERT(memcmp(back, data, (size_t)count * width) == 0);
    free(back);
    tw_buffer_free(&packed);
}

/* Ids are what stands between line feeds. */
static void pack_ids(const uint8_t *data, size_t size)
{
    static uint8_t lengths[TW_BLOCK_TRADES_MAX];
    struct tw_buffer ids = {0}, packed = {0};
    uint32_t count = 0;
    for (size_t at = 0; at < size && count < TW_BLOCK_TRADES_MAX; count++) {
        uint8_t length = 0;
        while (at + length < size && data[at + length] != '\n' && length < TW_EXECUTION_ID_BYTES_MAX)
            length++;
        tw_buffer_append(&ids, data + at, length);
        lengths[count] = length;
        at += length + (length < TW_EXECUTION_ID_BYTES_MAX ? 1u : 0u);
    }
    tw_packed_put_ids(&packed, ids.bytes, (uint32_t)ids.length, lengths, count);
    struct tw_packed_reader reader = {packed.bytes, packed.bytes + packed.length};
    uint8_t *back = tw_alloc(ids.length + 1);
    TW_ASSERT(tw_packed_take_ids(&reader, back, (uint32_t)ids.length, lengths, count) && reader.at == reader.end);
    TW_ASSERT(ids.length == 0 || memcmp(back, ids.bytes, ids.length) == 0);
    free(back);
    tw_buffer_free(&ids);
    tw_buffer_free(&packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    switch (data[0] % 8u) {
    case 0:
        pack_record(data + 1, size - 1);
        break;
    case 1:
        pack_ids(data + 1, size - 1);
        break;
    case 2:
        pack_column(data + 1, size - 1, 8);
        break;
    case 3:
        pack_column(data + 1, size - 1, 4);
        break;
    case 4:
        pack_column(data + 1, size - 1, 1);
        break;
    default:
        take_packed(data + 1, size - 1);
        break;
    }
    return 0;
}
