/* SPDX-License-Identifier: MIT
 *
 * Writing a snapshot: a file under another name until it is whole and on the disk. What it is of must be durable before
 * it: the log up to its record by the caller's promise, the alerts up to its last one by a sync here.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "store/snapshot.h"

/* So many written bytes may wait for the disk. An append's fsync waits for them, too, so it is less than what a disk
 * writes in a few milliseconds. */
#define DIRTY_BYTES_MAX (UINT64_C(128) << 10)

struct tw_snapshot_writer {
    struct tw_store *store;
    struct tw_snapshot_head head;
    struct tw_snapshot_trailer trailer;
    struct tw_snapshot_parts parts;
    XXH3_state_t *hash;
    int fd;
    uint64_t written, flushed; /* bytes; handed to the disk */
};

/* ---- what reader and writer share ---- */

void tw_snapshot_path(char path[TW_SNAPSHOT_PATH_BYTES], uint64_t lsn, const char *ending)
{
    snprintf(path, TW_SNAPSHOT_PATH_BYTES, TW_SNAPSHOT_DIRECTORY "/%020" PRIu64 "%s", lsn, ending);
}

bool tw_snapshot_damaged(const struct tw_store *store, uint64_t lsn, const char *why, struct tw_store_error *error)
{
    char path[TW_SNAPSHOT_PATH_BYTES];
    tw_snapshot_path(path, lsn, "");
    tw_store_fail(error, TW_STORE_DAMAGED, "%s is damaged: %s: %s", store->directory, path, why);
    return false;
}

bool tw_snapshot_parts_add(struct tw_snapshot_parts *parts, uint32_t shards, uint32_t part, uint32_t index)
{
    if (part >= TW_PART_COUNT || index >= (part == TW_PART_SHARD ? shards : 1u))
        return false;
    parts->parts |= 1u << part;
    if (part == TW_PART_SHARD)
        parts->shards |= UINT64_C(1) << index;
    return true;
}

const char *tw_snapshot_parts_missing(const struct tw_snapshot_parts *parts, uint32_t shards)
{
    for (uint32_t part = 0; part < TW_PART_COUNT; part++)
        if ((parts->parts >> part & 1u) == 0)
            return tw_snapshot_part_name((enum tw_snapshot_part)part);
    for (uint32_t shard = 0; shard < shards; shard++)
        if ((parts->shards >> shard & 1u) == 0)
            return tw_snapshot_part_name(TW_PART_SHARD);
    return NULL;
}
_Static_assert(TW_SHARDS_MAX <= 64, "a bit for each shard");

uint64_t tw_snapshot_check(const struct tw_snapshot_head *head, const struct tw_snapshot_trailer *trailer)
{
    uint8_t bytes[sizeof *head + offsetof(struct tw_snapshot_trailer, check)];
    memcpy(bytes, head, sizeof *head);
    memcpy(bytes + sizeof *head, trailer, sizeof bytes - sizeof *head);
    return XXH3_64bits(bytes, sizeof bytes);
}

void tw_snapshot_hash(XXH3_state_t *state, uint8_t out[16])
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
    memcpy(out, canonical.digest, 16);
}
_Static_assert(sizeof(XXH128_canonical_t) == 16, "fills the trailer's field");

/* ---- the file ---- */

static bool failed(const struct tw_snapshot_writer *writer, const char *what, struct tw_store_error *error)
{
    int number = errno;
    char path[TW_SNAPSHOT_PATH_BYTES], file[256];
    tw_snapshot_path(path, writer->head.lsn, TW_SNAPSHOT_NEW_ENDING);
    snprintf(file, sizeof file, "%.200s/%s", writer->store->directory, path);
    tw_store_fail_errno(error, number, what, file);
    return false;
}

/* Lets the disk work while the rest is still to come. */
static void keep_little_dirty(struct tw_snapshot_writer *writer)
{
    if (writer->written - writer->flushed < DIRTY_BYTES_MAX)
        return;
    off_t from = (off_t)writer->flushed, bytes = (off_t)(writer->written - writer->flushed);
    sync_file_range(writer->fd, from, bytes,
                    SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
    writer->flushed = writer->written; /* a failure shows in the fsync at the end */
}

static bool write_all(struct tw_snapshot_writer *writer, const void *head, size_t head_length, const void *bytes,
                      size_t length, struct tw_store_error *error)
{
    struct iovec parts[2] = {{(void *)(uintptr_t)head, head_length}, {(void *)(uintptr_t)bytes, length}};
    while (parts[0].iov_len + parts[1].iov_len > 0) {
        ssize_t done = writev(writer->fd, parts, 2);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return failed(writer, "write", error);
        writer->written += (uint64_t)done;
        for (size_t i = 0; i < 2; i++) {
            size_t taken = (size_t)done < parts[i].iov_len ? (size_t)done : parts[i].iov_len;
            parts[i].iov_base = (uint8_t *)parts[i].iov_base + taken;
            parts[i].iov_len -= taken;
            done -= (ssize_t)taken;
        }
    }
    keep_little_dirty(writer);
    return true;
}

static bool make_directory(struct tw_store *store, struct tw_store_error *error)
{
    if (mkdirat(store->directory_fd, TW_SNAPSHOT_DIRECTORY, 0750) == 0 && fsync(store->directory_fd) == 0)
        return true;
    if (errno == EEXIST)
        return true;
    tw_store_fail_errno(error, errno, "create " TW_SNAPSHOT_DIRECTORY " in", store->directory);
    return false;
}

struct tw_snapshot_writer *tw_store_snapshot_begin(struct tw_store *store, uint64_t lsn, uint64_t seq, uint32_t shards,
                                                   struct tw_store_error *error)
{
    TW_ASSERT(store->mode == TW_STORE_WRITE && shards >= 1 && shards <= TW_SHARDS_MAX);
    if (tw_store_write_failed(store, error) || !make_directory(store, error))
        return NULL;
    struct tw_snapshot_writer *writer = tw_alloc_zero(1, sizeof *writer);
    writer->store = store;
    writer->head = (struct tw_snapshot_head){.version = TW_SNAPSHOT_VERSION, .shards = shards, .lsn = lsn, .seq = seq};
    memcpy(writer->head.magic, TW_SNAPSHOT_MAGIC, sizeof writer->head.magic);
    memcpy(writer->head.log_id, store->log_id, sizeof writer->head.log_id);
    writer->hash = XXH3_createState();
    XXH3_128bits_reset(writer->hash);
    char path[TW_SNAPSHOT_PATH_BYTES];
    tw_snapshot_path(path, lsn, TW_SNAPSHOT_NEW_ENDING);
    writer->fd = openat(store->directory_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    bool begun = writer->fd >= 0 || failed(writer, "create", error);
    begun = begun && tw_store_room(store, TW_STORE_RESERVE_BYTES, error) &&
            write_all(writer, &writer->head, sizeof writer->head, NULL, 0, error);
    if (!begun) {
        tw_store_snapshot_abandon(&writer);
        return NULL;
    }
    XXH3_128bits_update(writer->hash, &writer->head, sizeof writer->head);
    return writer;
}

bool tw_store_snapshot_add(struct tw_snapshot_writer *writer, enum tw_snapshot_part part, uint32_t index,
                           const void *rows, size_t length, struct tw_store_error *error)
{
    TW_ASSERT(tw_snapshot_parts_add(&writer->parts, writer->head.shards, part, index));
    TW_ASSERT(length <= UINT32_MAX);
    if (!tw_store_room(writer->store, TW_STORE_RESERVE_BYTES + length, error))
        return false;
    uint8_t head[TW_SNAPSHOT_CHUNK_HEAD_BYTES] = {(uint8_t)part, (uint8_t)index};
    uint32_t bytes = (uint32_t)length;
    memcpy(head + 2, &bytes, sizeof bytes);
    if (!write_all(writer, head, sizeof head, rows, length, error))
        return false;
    XXH3_128bits_update(writer->hash, head, sizeof head);
    if (length > 0)
        XXH3_128bits_update(writer->hash, rows, length);
    writer->trailer.chunks++;
    writer->trailer.chunk_bytes += sizeof head + length;
    return true;
}

/* The record at the snapshot's lsn, as it stands in the log, says which chain the state belongs to. */
static bool take_chain(struct tw_snapshot_writer *writer, struct tw_store_error *error)
{
    struct tw_frame *frame = NULL;
    struct tw_record record;
    if (!tw_store_load(writer->store, writer->head.seq, writer->head.lsn, &frame, &record, error))
        return false;
    TW_ASSERT(record.kind == TW_RECORD_CONTROL && record.control.kind == TW_CONTROL_SNAPSHOT);
    memcpy(writer->trailer.chain.bytes, frame->bytes + sizeof(struct tw_chain), sizeof writer->trailer.chain);
    tw_frame_drop(&frame);
    return true;
}

static bool write_trailer(struct tw_snapshot_writer *writer, struct tw_store_error *error)
{
    struct tw_snapshot_trailer *trailer = &writer->trailer;
    XXH3_128bits_update(writer->hash, trailer, TW_SNAPSHOT_HASHED_TRAILER_BYTES);
    tw_snapshot_hash(writer->hash, trailer->hash);
    trailer->check = tw_snapshot_check(&writer->head, trailer);
    return write_all(writer, trailer, sizeof *trailer, NULL, 0, error) &&
           (fsync(writer->fd) == 0 || failed(writer, "write", error));
}

/* From the rename on it is a snapshot. */
static bool publish(struct tw_snapshot_writer *writer, struct tw_store_error *error)
{
    int directory = writer->store->directory_fd;
    char path[TW_SNAPSHOT_PATH_BYTES], new_path[TW_SNAPSHOT_PATH_BYTES];
    tw_snapshot_path(path, writer->head.lsn, "");
    tw_snapshot_path(new_path, writer->head.lsn, TW_SNAPSHOT_NEW_ENDING);
    int fd = openat(directory, TW_SNAPSHOT_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = fd >= 0 && renameat(directory, new_path, directory, path) == 0 && fsync(fd) == 0;
    if (!done)
        failed(writer, "name", error);
    if (fd >= 0)
        close(fd);
    return done;
}

static void free_writer(struct tw_snapshot_writer **writer)
{
    if ((*writer)->fd >= 0)
        close((*writer)->fd);
    XXH3_freeState((*writer)->hash);
    free(*writer);
    *writer = NULL;
}

bool tw_store_snapshot_finish(struct tw_snapshot_writer **writer_pointer, uint64_t last_alert,
                              struct tw_store_error *error)
{
    struct tw_snapshot_writer *writer = *writer_pointer;
    struct tw_store *store = writer->store;
    TW_ASSERT(tw_snapshot_parts_missing(&writer->parts, writer->head.shards) == NULL);
    TW_ASSERT(writer->head.lsn <= tw_store_last_lsn(store) && last_alert <= tw_store_last_alert(store));
    writer->trailer.last_alert = last_alert;
    if (!take_chain(writer, error) || tw_store_sync(store, "sync the alerts of", error) != TW_STORE_OK ||
        !write_trailer(writer, error) || !publish(writer, error))
        return false;
    free_writer(writer_pointer);
    return true;
}

void tw_store_snapshot_abandon(struct tw_snapshot_writer **writer)
{
    if (*writer == NULL)
        return;
    char path[TW_SNAPSHOT_PATH_BYTES];
    tw_snapshot_path(path, (*writer)->head.lsn, TW_SNAPSHOT_NEW_ENDING);
    if ((*writer)->fd >= 0)
        unlinkat((*writer)->store->directory_fd, path, 0);
    free_writer(writer);
}

/* ---- what a crash left, and what is too old ---- */

bool tw_store_snapshot_remove(struct tw_store *store, uint64_t lsn, struct tw_store_error *error)
{
    char path[TW_SNAPSHOT_PATH_BYTES];
    tw_snapshot_path(path, lsn, "");
    if (unlinkat(store->directory_fd, path, 0) == 0 || errno == ENOENT)
        return true;
    tw_store_fail_errno(error, errno, "remove an old snapshot of", store->directory);
    return false;
}

bool tw_store_snapshots_tidy(struct tw_store *store, struct tw_store_error *error)
{
    int fd = openat(store->directory_fd, TW_SNAPSHOT_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return true;
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);
    bool ok = listing != NULL;
    for (struct dirent *entry; ok && (entry = readdir(listing)) != NULL;) {
        size_t length = strlen(entry->d_name), ending = strlen(TW_SNAPSHOT_NEW_ENDING);
        if (length > ending && strcmp(entry->d_name + length - ending, TW_SNAPSHOT_NEW_ENDING) == 0)
            ok = unlinkat(fd, entry->d_name, 0) == 0;
    }
    if (!ok)
        tw_store_fail_errno(error, errno, "tidy " TW_SNAPSHOT_DIRECTORY " in", store->directory);
    if (listing != NULL)
        closedir(listing); /* and fd */
    else if (fd >= 0)
        close(fd);
    return ok;
}
