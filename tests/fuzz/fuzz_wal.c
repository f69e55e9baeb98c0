/* SPDX-License-Identifier: MIT
 *
 * Any bytes as RocksDB's write-ahead log and manifest, which the store reads by itself when RocksDB calls them corrupt.
 * Held to: no read out of bounds, no leak, and an answer. With the checksums of its fragments put right, the number
 * found is what a reader written apart finds; a log that ends with a whole fragment never looks cut off.
 *
 * Input: a byte that chooses, then the file.
 */
#include <stdlib.h>
#include <unistd.h>

#include "protocol/check.h"
#include "scratch.h"
#include "store/inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FILE_BYTES_MAX (1u << 17)
#define BLOCK 32768u
#define HEAD 7u
#define LOG_NAME "db/000007.log"
#define MANIFEST_NAME "db/MANIFEST-000005"

static const char *const files[] = {LOG_NAME, MANIFEST_NAME, "db", NULL};

/* ---- a reader of our own ---- */

static uint32_t table[256];

static uint32_t checksum(const uint8_t *bytes, size_t length)
{
    uint32_t crc = 0xffffffffu;
    for (uint32_t i = 0; i < 256 && table[1] == 0; i++) /* filled from the end: table[1] is the last to be set */
        for (uint32_t at = 255 - i, value = at, bit = 0; bit < 8; bit++)
            table[at] = value = value & 1 ? value >> 1 ^ 0x82f63b78u : value >> 1;
    for (size_t i = 0; i < length; i++)
        crc = crc >> 8 ^ table[(crc ^ bytes[i]) & 255];
    crc ^= 0xffffffffu;
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

static size_t length_at(const uint8_t *head)
{
    return head[4] + 256u * head[5];
}

/* Gives every fragment that fits into its block the checksum of what it says. Returns where the last one ends. */
static size_t repair(uint8_t *file, size_t length)
{
    size_t at = 0;
    while (at + HEAD <= length) {
        size_t left = BLOCK - at % BLOCK;
        if (left < HEAD) {
            at += left;
            continue;
        }
        size_t whole = HEAD + length_at(file + at);
        if (whole > left || at + whole > length)
            break;
        uint32_t sum = checksum(file + at + 6, whole - 6);
        memcpy(file + at, &sum, sizeof sum);
        at += whole;
    }
    return at;
}

struct reader {
    const uint8_t *at;
    size_t left;
    bool ok;
};

static uint64_t number(struct reader *reader)
{
    uint64_t value = 0;
    for (unsigned place = 0; place < 5; place++) {
        if (reader->left == 0)
            break;
        uint8_t byte = *reader->at++;
        reader->left--;
        value += (uint64_t)(byte & 127) << 7 * place;
        if (byte < 128)
            return value & 0xffffffffu;
    }
    reader->ok = false;
    return 0;
}

static const uint8_t *slice(struct reader *reader, size_t *length)
{
    *length = number(reader);
    if (!reader->ok || *length > reader->left) {
        reader->ok = false;
        return NULL;
    }
    const uint8_t *at = reader->at;
    reader->at += *length;
    reader->left -= *length;
    return at;
}

static uint64_t lowest_lsn(const uint8_t *batch, size_t length)
{
    struct reader reader = {batch + 12, length < 12 ? 0 : length - 12, true};
    uint64_t lowest = 0;
    while (reader.left > 0) {
        uint8_t tag = *reader.at++;
        reader.left--;
        if (tag != 0 && tag != 1 && tag != 4 && tag != 5)
            break;
        uint64_t family = tag >= 4 ? number(&reader) : 0;
        size_t key_length = 0, value_length = 0;
        const uint8_t *key = reader.ok ? slice(&reader, &key_length) : NULL;
        if (reader.ok && (tag & 1) != 0)
            slice(&reader, &value_length);
        if (!reader.ok)
            break;
        if ((tag & 1) == 0 || family != TW_FAMILY_LOG || key_length != 16)
            continue;
        uint64_t lsn = 0;
        for (int i = 8; i < 16; i++)
            lsn = lsn << 8 | key[i];
        lowest = lowest == 0 || lsn < lowest ? lsn : lowest;
    }
    return lowest;
}

/* Of a repaired log up to where its fragments end. */
static uint64_t largest_first(const uint8_t *file, size_t end)
{
    uint8_t *batch = malloc(end + 1);
    size_t have = 0;
    bool open = false;
    uint64_t largest = 0;
    for (size_t at = 0; at + HEAD <= end;) {
        size_t left = BLOCK - at % BLOCK;
        if (left < HEAD) {
            at += left;
            continue;
        }
        uint8_t type = file[at + 6];
        size_t payload = length_at(file + at);
        if (type < 1 || type > 4) { /* no fragment: the rest of the block says nothing */
            open = false;
            at += left;
            continue;
        }
        if (HEAD + payload > left || at + HEAD + payload > end)
            break;
        if (type <= 2) {
            have = 0;
            open = true;
        }
        if (open) {
            memcpy(batch + have, file + at + HEAD, payload);
            have += payload;
        }
        if (open && (type == 1 || type == 4)) {
            uint64_t lsn = lowest_lsn(batch, have);
            largest = lsn > largest ? lsn : largest;
            open = false;
        }
        at += HEAD + payload;
    }
    free(batch);
    return largest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t file[FILE_BYTES_MAX];
    if (directory_fd < 0)
        make_directory("db", files);
    if (size < 1 || size - 1 > sizeof file)
        return 0;
    size_t length = size - 1, end = 0;
    memcpy(file, data + 1, length);
    bool repaired = (data[0] & 1) != 0, manifest = (data[0] & 2) != 0;
    if (repaired)
        length = end = repair(file, length);
    if (end > size - 1) /* it ended in the padding of a block */
        length = end = size - 1;
    unlinkat(directory_fd, manifest ? LOG_NAME : MANIFEST_NAME, 0);
    write_file(manifest ? MANIFEST_NAME : LOG_NAME, file, length);
    struct tw_store store = {.directory = directory, .mode = TW_STORE_READ, .directory_fd = directory_fd};
    struct tw_store_error error = {.text = ""};
    uint64_t lsn = 0;
    TW_ASSERT(tw_wal_last_append(&store, &lsn, &error));
    TW_ASSERT(!manifest || lsn == 0);
    if (repaired && !manifest)
        TW_ASSERT(lsn == largest_first(file, end));
    if (!tw_wal_ends_well(&store, &error))
        TW_ASSERT(error.status == TW_STORE_DAMAGED && strstr(error.text, "restore it from a backup") != NULL &&
                  !repaired);
    return 0;
}
