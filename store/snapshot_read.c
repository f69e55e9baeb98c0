/* SPDX-License-Identifier: MIT
 *
 * Finding and reading snapshots. The file's ends are checked when it is found, all of its bytes before the first row is
 * given out: who loads one can trust every row to be as it was written.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/snapshot.h"

#define READ_BYTES ((size_t)1 << 20)

struct tw_snapshot_reader {
    struct tw_store *store;
    struct tw_snapshot_head head;
    struct tw_snapshot_trailer trailer;
    struct tw_snapshot_parts parts;
    uint64_t bytes; /* of the file */
    int fd;
    uint64_t at; /* offset of the next chunk */
    struct tw_buffer rows;
    size_t offset; /* of the next row in `rows` */
    uint8_t part, index;
};

/* ---- the file ---- */

static bool failed(const struct tw_snapshot_reader *reader, struct tw_store_error *error)
{
    int number = errno;
    char path[TW_SNAPSHOT_PATH_BYTES], file[256];
    tw_snapshot_path(path, reader->head.lsn, "");
    snprintf(file, sizeof file, "%.200s/%s", reader->store->directory, path);
    tw_store_fail_errno(error, number, "read", file);
    return false;
}

static bool read_at(const struct tw_snapshot_reader *reader, uint64_t offset, void *to, size_t length,
                    struct tw_store_error *error)
{
    for (size_t done = 0; done < length;) {
        ssize_t taken = pread(reader->fd, (uint8_t *)to + done, length - done, (off_t)(offset + done));
        if (taken < 0 && errno == EINTR)
            continue;
        if (taken < 0)
            return failed(reader, error);
        if (taken == 0)
            return tw_snapshot_damaged(reader->store, reader->head.lsn, "it is cut short", error);
        done += (size_t)taken;
    }
    return true;
}

/* Head and trailer, and that they are those of this log and of that record. */
static bool read_ends(struct tw_snapshot_reader *reader, uint64_t lsn, struct tw_store_error *error)
{
    const struct tw_store *store = reader->store;
    struct tw_snapshot_head *head = &reader->head;
    struct tw_snapshot_trailer *trailer = &reader->trailer;
    struct stat status;
    if (fstat(reader->fd, &status) != 0)
        return failed(reader, error);
    reader->bytes = (uint64_t)status.st_size;
    if (reader->bytes < sizeof *head + sizeof *trailer)
        return tw_snapshot_damaged(store, lsn, "it is cut short", error);
    struct tw_snapshot_head found;
    if (!read_at(reader, 0, &found, sizeof found, error) ||
        !read_at(reader, reader->bytes - sizeof *trailer, trailer, sizeof *trailer, error))
        return false;
    *head = found;
    head->lsn = lsn; /* what its name says; messages need it */
    if (memcmp(found.magic, TW_SNAPSHOT_MAGIC, sizeof found.magic) != 0 ||
        trailer->check != tw_snapshot_check(&found, trailer))
        return tw_snapshot_damaged(store, lsn, "its head and its end are not those that were written", error);
    if (found.version > TW_SNAPSHOT_VERSION) {
        tw_store_fail(error, TW_STORE_NEWER,
                      "%s has a snapshot of a newer Tapewarden (version %" PRIu32 "; record %" PRIu64 ")",
                      store->directory, found.version, lsn);
        return false;
    }
    if (found.lsn != lsn)
        return tw_snapshot_damaged(store, lsn, "it is another record's", error);
    if (memcmp(found.log_id, store->log_id, sizeof found.log_id) != 0)
        return tw_snapshot_damaged(store, lsn, "it is another log's", error);
    if (lsn > tw_store_last_lsn(store))
        return tw_snapshot_damaged(store, lsn, "the log ends before it", error);
    if (found.shards < 1 || found.shards > TW_SHARDS_MAX ||
        reader->bytes != sizeof *head + trailer->chunk_bytes + sizeof *trailer)
        return tw_snapshot_damaged(store, lsn, "its length is not what it says", error);
    reader->at = sizeof *head;
    return true;
}

static bool verify_hash(const struct tw_snapshot_reader *reader, struct tw_store_error *error)
{
    uint64_t until = reader->bytes - sizeof reader->trailer + TW_SNAPSHOT_HASHED_TRAILER_BYTES;
    uint8_t *buffer = tw_alloc(READ_BYTES), hash[16];
    XXH3_state_t *state = XXH3_createState();
    XXH3_128bits_reset(state);
    bool ok = true;
    for (uint64_t at = 0; ok && at < until;) {
        size_t length = until - at < READ_BYTES ? (size_t)(until - at) : READ_BYTES;
        ok = read_at(reader, at, buffer, length, error);
        if (ok)
            XXH3_128bits_update(state, buffer, length);
        at += length;
    }
    tw_snapshot_hash(state, hash);
    XXH3_freeState(state);
    free(buffer);
    if (ok && memcmp(hash, reader->trailer.hash, sizeof hash) != 0)
        return tw_snapshot_damaged(reader->store, reader->head.lsn, "its bytes are not those that were written", error);
    return ok;
}

/* NULL with *error; ENOENT is damage here: who asks has seen the name. */
static struct tw_snapshot_reader *open_file(struct tw_store *store, uint64_t lsn, struct tw_store_error *error)
{
    struct tw_snapshot_reader *reader = tw_alloc_zero(1, sizeof *reader);
    char path[TW_SNAPSHOT_PATH_BYTES];
    tw_snapshot_path(path, lsn, "");
    reader->store = store;
    reader->head.lsn = lsn;
    reader->fd = openat(store->directory_fd, path, O_RDONLY | O_CLOEXEC);
    if (reader->fd < 0)
        failed(reader, error);
    if (reader->fd < 0 || !read_ends(reader, lsn, error))
        tw_store_snapshot_close(&reader);
    return reader;
}

struct tw_snapshot_reader *tw_store_snapshot_open(struct tw_store *store, uint64_t lsn, struct tw_store_error *error)
{
    struct tw_snapshot_reader *reader = open_file(store, lsn, error);
    if (reader != NULL && !verify_hash(reader, error))
        tw_store_snapshot_close(&reader);
    return reader;
}

void tw_store_snapshot_close(struct tw_snapshot_reader **reader)
{
    if (*reader == NULL)
        return;
    if ((*reader)->fd >= 0)
        close((*reader)->fd);
    tw_buffer_free(&(*reader)->rows);
    free(*reader);
    *reader = NULL;
}

/* ---- rows ---- */

static bool all_parts(const struct tw_snapshot_reader *reader, struct tw_store_error *error)
{
    const char *missing = tw_snapshot_parts_missing(&reader->parts, reader->head.shards);
    char why[64];
    if (missing == NULL)
        return true;
    snprintf(why, sizeof why, "the part of %s is missing", missing);
    return tw_snapshot_damaged(reader->store, reader->head.lsn, why, error);
}

/* 1, 0: there is none left, -1 */
static int read_chunk(struct tw_snapshot_reader *reader, struct tw_store_error *error)
{
    const uint64_t end = reader->bytes - sizeof reader->trailer;
    uint8_t head[TW_SNAPSHOT_CHUNK_HEAD_BYTES];
    uint32_t length;
    const char *why = NULL;
    if (reader->at == end)
        return all_parts(reader, error) ? 0 : -1;
    if (end - reader->at < sizeof head) {
        tw_snapshot_damaged(reader->store, reader->head.lsn, "its last rows are cut off", error);
        return -1;
    }
    if (!read_at(reader, reader->at, head, sizeof head, error))
        return -1;
    memcpy(&length, head + 2, sizeof length);
    if (end - reader->at - sizeof head < length)
        why = "its last rows are cut off";
    else if (!tw_snapshot_parts_add(&reader->parts, reader->head.shards, head[0], head[1]))
        why = "it has rows of no known actor";
    if (why != NULL) {
        tw_snapshot_damaged(reader->store, reader->head.lsn, why, error);
        return -1;
    }
    reader->rows.length = 0;
    tw_buffer_reserve(&reader->rows, length);
    if (!read_at(reader, reader->at + sizeof head, reader->rows.bytes, length, error))
        return -1;
    reader->rows.length = length;
    reader->offset = 0;
    reader->part = head[0];
    reader->index = head[1];
    reader->at += sizeof head + length;
    return 1;
}

int tw_store_snapshot_next(struct tw_snapshot_reader *reader, enum tw_snapshot_part *part, uint32_t *index,
                           struct tw_row_reader *row, struct tw_store_error *error)
{
    int more = 1;
    for (;;) {
        int status = tw_row_next(reader->rows.bytes, reader->rows.length, &reader->offset, row);
        if (status < 0) {
            tw_snapshot_damaged(reader->store, reader->head.lsn, "a row is cut off", error);
            return -1;
        }
        if (status > 0)
            break;
        more = read_chunk(reader, error);
        if (more <= 0)
            return more;
    }
    *part = (enum tw_snapshot_part)reader->part;
    *index = reader->index;
    return 1;
}

/* ---- finding ---- */

bool tw_snapshot_read_name(const char *name, uint64_t *lsn)
{
    uint64_t value = 0;
    if (strlen(name) != TW_SNAPSHOT_NAME_DIGITS)
        return false;
    for (const char *at = name; *at != '\0'; at++) {
        if (*at < '0' || *at > '9' || value > (UINT64_MAX - 9) / 10)
            return false;
        value = value * 10 + (uint64_t)(*at - '0');
    }
    *lsn = value;
    return true;
}

/* 1: *newest is set, 0 none, -1 *error */
static int newest_before(struct tw_store *store, uint64_t before, uint64_t *newest, struct tw_store_error *error)
{
    int fd = openat(store->directory_fd, TW_SNAPSHOT_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return 0;
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);
    if (listing == NULL) {
        tw_store_fail_errno(error, errno, "read " TW_SNAPSHOT_DIRECTORY " in", store->directory);
        if (fd >= 0)
            close(fd);
        return -1;
    }
    int found = 0;
    uint64_t lsn, oldest = tw_store_retained(store).lsn;
    *newest = 0;
    for (struct dirent *entry; (entry = readdir(listing)) != NULL;)
        if (tw_snapshot_read_name(entry->d_name, &lsn) && lsn < before && lsn >= *newest && lsn >= oldest) {
            *newest = lsn;
            found = 1;
        }
    closedir(listing);
    return found;
}

int tw_store_snapshot_find(struct tw_store *store, uint64_t before, struct tw_snapshot_info *info,
                           struct tw_store_error *error)
{
    uint64_t lsn;
    *info = (struct tw_snapshot_info){.lsn = 0};
    int found = newest_before(store, before, &lsn, error);
    if (found <= 0)
        return found;
    info->lsn = lsn;
    struct tw_snapshot_reader *reader = open_file(store, lsn, error);
    if (reader == NULL)
        return -1;
    *info = (struct tw_snapshot_info){.lsn = lsn,
                                      .seq = reader->head.seq,
                                      .chain = reader->trailer.chain,
                                      .last_alert = reader->trailer.last_alert,
                                      .shards = reader->head.shards,
                                      .bytes = reader->bytes};
    tw_store_snapshot_close(&reader);
    return 1;
}
