/* SPDX-License-Identifier: MIT
 *
 * RocksDB's write-ahead logs, read by our own eyes when RocksDB calls them corrupt: was it a power cut, or damage? And
 * whether a log or the manifest, which has the same format, only seems to end too early.
 *
 * Alerts and runs of the indexes are written without a sync, so a power cut may take any sectors of what was written
 * since the last append, and leave later ones. What was synced is another matter. An append is begun when the one
 * before it was synced; so a whole batch whose first record is n + 1 proves that record n was synced, with everything
 * before it. If the log can be read up to record n, nothing that was ever synced is missing.
 *
 * The format (rocksdb's wiki, "Write Ahead Log File Format"): blocks of 32 KiB; in them fragments of a head (masked
 * CRC-32C over type and payload, u32; length, u16; type, u8: 1 whole, 2 first, 3 middle, 4 last) and a payload, which
 * together are batches: sequence u64, count u32, then per row a tag, a family, and key and value behind their lengths.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/inside.h"

#define WAL_BLOCK_BYTES 32768u
#define WAL_HEAD_BYTES 7u
#define BATCH_HEAD_BYTES 12u
enum fragment { FRAGMENT_WHOLE = 1, FRAGMENT_FIRST, FRAGMENT_MIDDLE, FRAGMENT_LAST };
enum tag { TAG_DELETION = 0x0, TAG_VALUE = 0x1, TAG_FAMILY_DELETION = 0x4, TAG_FAMILY_VALUE = 0x5 };

/* ---- checksums ---- */

static uint32_t crc32c_on(uint32_t crc, uint8_t byte)
{
    crc ^= byte;
    for (int bit = 0; bit < 8; bit++)
        crc = (crc >> 1) ^ (0x82f63b78u & (0u - (crc & 1u)));
    return crc;
}

static uint32_t masked(uint32_t crc)
{
    crc = ~crc;
    return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

static bool fragment_is_whole(const uint8_t *head, size_t length)
{
    uint32_t stored, crc = ~0u;
    memcpy(&stored, head, sizeof stored);
    for (size_t i = 0; i <= length; i++)
        crc = crc32c_on(crc, head[6 + i]);
    return stored == masked(crc);
}

/* Whether the fragment is whole under some length up to `most`. */
static bool fragment_is_whole_under_another_length(const uint8_t *head, size_t most)
{
    uint32_t stored, crc = ~0u;
    memcpy(&stored, head, sizeof stored);
    for (size_t i = 0; i <= most; i++) {
        crc = crc32c_on(crc, head[6 + i]);
        if (stored == masked(crc))
            return true;
    }
    return false;
}

/* ---- batches ---- */

struct bytes {
    const uint8_t *at, *end;
};

static bool take_varint(struct bytes *bytes, uint32_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 32 && bytes->at < bytes->end; shift += 7) {
        uint8_t byte = *bytes->at++;
        *out |= (uint32_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            return true;
    }
    return false;
}

static bool take_slice(struct bytes *bytes, struct bytes *out)
{
    uint32_t length;
    if (!take_varint(bytes, &length) || (size_t)(bytes->end - bytes->at) < length)
        return false;
    *out = (struct bytes){bytes->at, bytes->at + length};
    bytes->at += length;
    return true;
}

/* The lowest lsn among the batch's rows of the log; 0: it has none, or rows that the daemon never writes with one. */
static uint64_t batch_first_lsn(const uint8_t *batch, size_t length)
{
    if (length <= BATCH_HEAD_BYTES)
        return 0;
    struct bytes bytes = {batch + BATCH_HEAD_BYTES, batch + length}, key, value;
    uint64_t first = 0;
    while (bytes.at < bytes.end) {
        uint8_t tag = *bytes.at++;
        uint32_t family = 0;
        if ((tag == TAG_FAMILY_VALUE || tag == TAG_FAMILY_DELETION) && !take_varint(&bytes, &family))
            return first;
        if (tag != TAG_VALUE && tag != TAG_FAMILY_VALUE && tag != TAG_DELETION && tag != TAG_FAMILY_DELETION)
            return first;
        if (!take_slice(&bytes, &key))
            return first;
        if (tag == TAG_DELETION || tag == TAG_FAMILY_DELETION)
            continue;
        if (!take_slice(&bytes, &value))
            return first;
        if (family == TW_FAMILY_LOG && key.end - key.at == TW_LOG_KEY_BYTES) {
            uint64_t lsn = tw_get_u64_be(key.at + 8);
            first = first == 0 || lsn < first ? lsn : first;
        }
    }
    return first;
}

/* ---- files ---- */

/* The largest number that a whole batch's first record has. Goes on behind whatever is damaged. */
static uint64_t file_last_append(const uint8_t *file, size_t length)
{
    struct tw_buffer batch = {0};
    uint64_t last = 0;
    bool begun = false;
    for (size_t at = 0; at + WAL_HEAD_BYTES <= length;) {
        size_t room = WAL_BLOCK_BYTES - at % WAL_BLOCK_BYTES;
        size_t payload = room < WAL_HEAD_BYTES ? 0 : file[at + 4] | (size_t)file[at + 5] << 8;
        uint8_t type = room < WAL_HEAD_BYTES ? 0 : file[at + 6];
        if (type < FRAGMENT_WHOLE || type > FRAGMENT_LAST || WAL_HEAD_BYTES + payload > room || payload > length - at) {
            begun = begun && room < WAL_HEAD_BYTES; /* the end of a block is padded; anything else is damage */
            at += room;
            continue;
        }
        if (at + WAL_HEAD_BYTES + payload > length || !fragment_is_whole(file + at, payload)) {
            begun = false;
            at += WAL_HEAD_BYTES + payload;
            continue;
        }
        if (type == FRAGMENT_WHOLE || type == FRAGMENT_FIRST) {
            batch.length = 0;
            begun = true;
        }
        if (begun)
            tw_buffer_append(&batch, file + at + WAL_HEAD_BYTES, payload);
        if (begun && (type == FRAGMENT_WHOLE || type == FRAGMENT_LAST)) {
            uint64_t lsn = batch_first_lsn(batch.bytes, batch.length);
            last = lsn > last ? lsn : last;
            begun = false;
        }
        at += WAL_HEAD_BYTES + payload;
    }
    tw_buffer_free(&batch);
    return last;
}

/* The last block of a file that RocksDB takes for one that was being written: its last fragment is longer than what is
 * left. If that is whole under the length that is there, it was not cut off, but its length was changed. */
static bool only_seems_cut_off(const uint8_t *block, size_t length)
{
    for (size_t at = 0; at + WAL_HEAD_BYTES <= length;) {
        size_t payload = block[at + 4] | (size_t)block[at + 5] << 8;
        if (WAL_HEAD_BYTES + payload > length - at)
            return fragment_is_whole_under_another_length(block + at, length - at - WAL_HEAD_BYTES);
        at += WAL_HEAD_BYTES + payload;
    }
    return false;
}

/* What is asked of each file; false: *error. */
typedef bool (*file_question)(const struct tw_store *store, const char *name, const uint8_t *bytes, size_t length,
                              uint64_t *answer, struct tw_store_error *error);

static bool last_append(const struct tw_store *store, const char *name, const uint8_t *bytes, size_t length,
                        uint64_t *answer, struct tw_store_error *error)
{
    (void)store, (void)name, (void)error;
    uint64_t found = file_last_append(bytes, length);
    *answer = found > *answer ? found : *answer;
    return true;
}

static bool ends_well(const struct tw_store *store, const char *name, const uint8_t *bytes, size_t length,
                      uint64_t *answer, struct tw_store_error *error)
{
    (void)answer;
    if (!only_seems_cut_off(bytes, length))
        return true;
    tw_store_fail(error, TW_STORE_DAMAGED,
                  "%s is damaged: the end of db/%.100s is not what was written; restore it from a backup",
                  store->directory, name);
    return false;
}

/* The whole file for last_append, its last block for ends_well. */
static bool read_file(const struct tw_store *store, int folder, const char *name, file_question question,
                      uint64_t *answer, struct tw_store_error *error)
{
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
    struct stat status = {0};
    uint8_t *bytes = NULL;
    bool read_all = fd >= 0 && fstat(fd, &status) == 0;
    size_t length = (size_t)status.st_size;
    if (question == ends_well && length > 0) {
        size_t before = (length - 1) / WAL_BLOCK_BYTES * WAL_BLOCK_BYTES;
        read_all = read_all && lseek(fd, (off_t)before, SEEK_SET) >= 0;
        length -= before;
    }
    if (read_all) {
        bytes = tw_alloc(length + 1);
        size_t have = 0;
        ssize_t more = 1;
        while (have < length && more > 0) {
            more = read(fd, bytes + have, length - have);
            have += more > 0 ? (size_t)more : 0;
        }
        read_all = more >= 0;
        length = have;
    }
    if (!read_all)
        tw_store_fail_errno(error, errno, "read the write-ahead log in", store->directory);
    bool done = read_all && question(store, name, bytes, length, answer, error);
    free(bytes);
    if (fd >= 0)
        close(fd);
    return done;
}

static bool is_wal(const char *name)
{
    size_t digits = strspn(name, "0123456789");
    return digits > 0 && strcmp(name + digits, ".log") == 0;
}

static bool is_manifest_or_wal(const char *name)
{
    return is_wal(name) || strncmp(name, "MANIFEST-", strlen("MANIFEST-")) == 0;
}

static bool ask_files(const struct tw_store *store, bool (*wanted)(const char *name), file_question question,
                      uint64_t *answer, struct tw_store_error *error)
{
    int folder = openat(store->directory_fd, "db", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = folder < 0 ? NULL : fdopendir(folder);
    if (listing == NULL) {
        tw_store_fail_errno(error, errno, "read the write-ahead log in", store->directory);
        if (folder >= 0)
            close(folder);
        return false;
    }
    bool done = true;
    for (struct dirent *entry = readdir(listing); entry != NULL && done; entry = readdir(listing))
        if (wanted(entry->d_name))
            done = read_file(store, folder, entry->d_name, question, answer, error);
    closedir(listing);
    return done;
}

bool tw_wal_last_append(const struct tw_store *store, uint64_t *first_lsn, struct tw_store_error *error)
{
    *first_lsn = 0;
    return ask_files(store, is_wal, last_append, first_lsn, error);
}

bool tw_wal_ends_well(const struct tw_store *store, struct tw_store_error *error)
{
    uint64_t nothing = 0;
    return ask_files(store, is_manifest_or_wal, ends_well, &nothing, error);
}
