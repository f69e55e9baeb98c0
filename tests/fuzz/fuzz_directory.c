/* SPDX-License-Identifier: MIT
 *
 * Any bytes as the files beside the database: FORMAT, HIGHWATER, and a snapshot. Held to: no read out of bounds, no
 * leak, a refusal has its sentence. A FORMAT that is taken says it in the one form there is; a HIGHWATER that is taken
 * is one that was written, for this log; a snapshot whose hashes are right gives out exactly its rows, and one whose
 * hashes are not is refused.
 *
 * Input: a byte that chooses, then the file; of a snapshot what lies between its head and its end.
 */
#include <stdlib.h>
#include <unistd.h>

#include "protocol/check.h"
#include "scratch.h"
#include "store/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LSN 7u
#define SHARDS 3u

static const char *const files[] = {"FORMAT",    "HIGHWATER", "LOCK-tapewarden", "snapshots/00000000000000000007",
                                    "snapshots", NULL};

static struct tw_store new_store(void)
{
    struct tw_store store = {
        .directory = directory, .mode = TW_STORE_READ, .directory_fd = -1, .lock_fd = -1, .highwater_fd = -1};
    store.head.lsn = LSN;
    store.head.seq = 100;
    for (size_t i = 0; i < sizeof store.head.chain; i++)
        store.head.chain.bytes[i] = (uint8_t)i;
    return store;
}

static void fuzz_format(const uint8_t *data, size_t size)
{
    struct tw_store store = new_store();
    struct tw_store_error error = {.text = ""};
    bool fresh = false;
    write_file("FORMAT", data, size);
    if (tw_store_directory_open(&store, &fresh, &error)) {
        char expected[64];
        int length = snprintf(expected, sizeof expected, "tapewarden %u\n", store.format);
        TW_ASSERT(!fresh && store.format >= 1 && store.format <= TW_STORE_FORMAT);
        TW_ASSERT(size >= (size_t)length && memcmp(data, expected, (size_t)length) == 0);
    } else {
        TW_ASSERT(error.text[0] != '\0');
    }
    tw_store_directory_close(&store);
}

static void fuzz_highwater(const uint8_t *data, size_t size)
{
    struct tw_store store = new_store();
    struct tw_store_error error = {.text = ""};
    char own[33] = "";
    write_file("HIGHWATER", data, size);
    store.directory_fd = directory_fd;
    if (tw_store_highwater_check(&store, &store.head, &error)) {
        TW_ASSERT(size >= 92);
        uint64_t lsn = strtoull((const char *)data, NULL, 10), check = strtoull((const char *)data + 75, NULL, 16);
        TW_ASSERT(lsn <= LSN && check == XXH3_64bits(data, 75));
        tw_hex(store.head.chain.bytes, sizeof store.head.chain, own);
        TW_ASSERT(lsn < LSN || memcmp(data + 42, own, 32) == 0);
    } else {
        TW_ASSERT(error.text[0] != '\0');
    }
    store.directory_fd = -1;
    tw_store_directory_close(&store);
}

/* ---- snapshots ---- */

static void seal(struct tw_buffer *file, const struct tw_store *store, const uint8_t *chunks, size_t size)
{
    struct tw_snapshot_head head = {.version = TW_SNAPSHOT_VERSION, .shards = SHARDS, .lsn = LSN, .seq = 100};
    struct tw_snapshot_trailer trailer = {.chunk_bytes = size};
    memcpy(head.magic, TW_SNAPSHOT_MAGIC, sizeof head.magic);
    memcpy(head.log_id, store->log_id, sizeof head.log_id);
    trailer.check = tw_snapshot_check(&head, &trailer);
    file->length = 0;
    tw_buffer_append(file, &head, sizeof head);
    if (size > 0)
        tw_buffer_append(file, chunks, size);
    tw_buffer_append(file, &trailer, TW_SNAPSHOT_HASHED_TRAILER_BYTES);
    XXH3_state_t *state = XXH3_createState();
    XXH3_128bits_reset(state);
    XXH3_128bits_update(state, file->bytes, file->length);
    tw_snapshot_hash(state, trailer.hash);
    XXH3_freeState(state);
    trailer.check = tw_snapshot_check(&head, &trailer);
    tw_buffer_append(file, (const uint8_t *)&trailer + TW_SNAPSHOT_HASHED_TRAILER_BYTES,
                     sizeof trailer - TW_SNAPSHOT_HASHED_TRAILER_BYTES);
}

/* The rows of well-formed chunks, one behind the other, each behind its part and index; false: not well-formed. */
static bool rows_of(const uint8_t *chunks, size_t size, struct tw_buffer *out)
{
    uint8_t met[TW_PART_COUNT][SHARDS] = {{0}};
    out->length = 0;
    for (size_t at = 0; at < size;) {
        uint32_t length, row_length;
        if (size - at < 6 || chunks[at] >= TW_PART_COUNT ||
            chunks[at + 1] >= (chunks[at] == TW_PART_SHARD ? SHARDS : 1))
            return false;
        memcpy(&length, chunks + at + 2, 4);
        met[chunks[at]][chunks[at + 1]] = 1;
        const uint8_t *place = chunks + at;
        at += 6;
        if (size - at < length)
            return false;
        for (size_t end = at + length; at < end; at += 5 + row_length) {
            if (end - at < 5)
                return false;
            memcpy(&row_length, chunks + at + 1, 4);
            if (end - at - 5 < row_length)
                return false;
            tw_buffer_append(out, place, 2);
            tw_buffer_append(out, chunks + at, 5 + row_length);
        }
    }
    for (int part = 0; part < TW_PART_COUNT; part++)
        for (uint32_t index = 0; index < (part == TW_PART_SHARD ? SHARDS : 1); index++)
            if (!met[part][index])
                return false;
    return true;
}

static int read_rows(struct tw_store *store, struct tw_buffer *out, struct tw_store_error *error)
{
    struct tw_snapshot_reader *reader = tw_store_snapshot_open(store, LSN, error);
    enum tw_snapshot_part part;
    struct tw_row_reader row;
    uint32_t index;
    int more = reader == NULL ? -2 : 1;
    out->length = 0;
    while (more > 0 && (more = tw_store_snapshot_next(reader, &part, &index, &row, error)) > 0) {
        const uint8_t place[2] = {(uint8_t)part, (uint8_t)index};
        tw_buffer_append(out, place, sizeof place);
        size_t began = tw_row_begin(out, row.kind);
        tw_put_bytes(out, row.at, (size_t)(row.end - row.at));
        tw_row_end(out, began);
    }
    tw_store_snapshot_close(&reader);
    return more;
}

static void fuzz_snapshot(const uint8_t *data, size_t size)
{
    static struct tw_buffer file, expected, rows;
    struct tw_store store = new_store();
    struct tw_store_error error = {.text = ""};
    char path[TW_SNAPSHOT_PATH_BYTES];
    store.directory_fd = directory_fd;
    seal(&file, &store, data, size);
    tw_snapshot_path(path, LSN, "");
    write_file(path, file.bytes, file.length);
    bool whole = rows_of(data, size, &expected);
    int end = read_rows(&store, &rows, &error);
    TW_ASSERT((end == 0) == whole && (whole || error.text[0] != '\0'));
    TW_ASSERT(!whole || (rows.length == expected.length &&
                         (rows.length == 0 || memcmp(rows.bytes, expected.bytes, rows.length) == 0)));
    /* One bit anywhere, chosen by what the file says: it is found before the first row is given out. */
    size_t bit = XXH3_64bits(file.bytes, file.length) % (file.length * 8);
    file.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    write_file(path, file.bytes, file.length);
    TW_ASSERT(read_rows(&store, &rows, &error) == -2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (directory_fd < 0)
        make_directory(TW_SNAPSHOT_DIRECTORY, files);
    if (size == 0)
        return 0;
    switch (data[0] % 3) {
    case 0:
        fuzz_format(data + 1, size - 1);
        break;
    case 1:
        fuzz_highwater(data + 1, size - 1);
        break;
    case 2:
        fuzz_snapshot(data + 1, size - 1);
        break;
    }
    return 0;
}
