/* SPDX-License-Identifier: MIT
 *
 * A copy of the data directory that is itself one. While the store is open for writing RocksDB makes a checkpoint
 * (links where it can, the write-ahead log copied) and nothing is held up; a store open for reading is not in use, and
 * its files are copied as they are. FORMAT comes last: what a crash leaves is not taken for a data directory.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/snapshot.h"

#define COPY_BYTES ((size_t)1 << 20)

struct backup {
    struct tw_store *store;
    const char *directory;
    struct tw_store_error *error;
    int fd, lock_fd;           /* of the target */
    struct tw_store_head head; /* as of the beginning */
};

static bool failed(const struct backup *backup, const char *what, const char *name)
{
    int number = errno;
    char path[512];
    snprintf(path, sizeof path, "%.300s/%.200s", backup->directory, name);
    tw_store_fail_errno(backup->error, number, what, path);
    return false;
}

/* ---- the target ---- */

static bool is_empty(int fd)
{
    bool empty = true;
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = copy < 0 ? NULL : fdopendir(copy);
    if (listing == NULL)
        return false;
    for (struct dirent *entry; empty && (entry = readdir(listing)) != NULL;)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    closedir(listing);
    return empty;
}

/* Whether the directory `fd` is the store's or lies in it: a copy there would be copied with the next one, and lost
 * with what it is a copy of. */
static bool lies_within(const struct backup *backup)
{
    struct stat here, at, above;
    int fd = openat(backup->fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    bool is = false, top = fd < 0 || fstat(backup->store->directory_fd, &here) != 0 || fstat(fd, &at) != 0;
    while (!is && !top) {
        is = at.st_dev == here.st_dev && at.st_ino == here.st_ino;
        int parent = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        close(fd);
        fd = parent;
        top = fd < 0 || fstat(fd, &above) != 0 || (above.st_dev == at.st_dev && above.st_ino == at.st_ino);
        at = above;
    }
    if (fd >= 0)
        close(fd);
    return is;
}

/* Locked as the data directory it will be, so that no daemon begins one in it. */
static bool make_target(struct backup *backup)
{
    if (!tw_store_make_directories(backup->directory, backup->error))
        return false;
    backup->fd = open(backup->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (backup->fd < 0)
        return failed(backup, "open", ".");
    if (!is_empty(backup->fd)) {
        tw_store_fail(backup->error, TW_STORE_UNWRITABLE,
                      "%s is not empty; name a directory that is, or that is not there yet", backup->directory);
        return false;
    }
    if (lies_within(backup)) {
        rmdir(backup->directory);
        tw_store_fail(backup->error, TW_STORE_UNWRITABLE, "%s lies in %s itself; name a directory outside of it",
                      backup->directory, backup->store->directory);
        return false;
    }
    backup->lock_fd = openat(backup->fd, TW_STORE_LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (backup->lock_fd < 0 || flock(backup->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return failed(backup, "lock", TW_STORE_LOCK_NAME);
    return true;
}

/* ---- files ---- */

static bool copy_bytes(const struct backup *backup, int from, int to, const char *name)
{
    uint8_t *buffer = tw_alloc(COPY_BYTES);
    ssize_t length = 1;
    bool written = true;
    while (written && length > 0) {
        length = read(from, buffer, COPY_BYTES);
        if (length < 0 && errno == EINTR)
            length = 1;
        else if (length > 0)
            for (ssize_t done = 0, more; written && done < length; done += more) {
                more = write(to, buffer + done, (size_t)(length - done));
                if (more < 0 && errno == EINTR)
                    more = 0;
                written = more >= 0;
            }
    }
    free(buffer);
    if (!written)
        return failed(backup, "write", name);
    if (length == 0)
        return true;
    tw_store_fail_errno(backup->error, errno, "copy from", backup->store->directory);
    return false;
}

static bool copy_file(const struct backup *backup, const char *name)
{
    int from = openat(backup->store->directory_fd, name, O_RDONLY | O_CLOEXEC);
    if (from < 0) {
        tw_store_fail_errno(backup->error, errno, "copy from", backup->store->directory);
        return false;
    }
    int to = openat(backup->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    bool copied = (to >= 0 || failed(backup, "create", name)) && copy_bytes(backup, from, to, name) &&
                  (fsync(to) == 0 || failed(backup, "write", name));
    close(from);
    if (to >= 0)
        close(to);
    return copied;
}

/* A snapshot's file never changes: a link is as good as a copy, and costs nothing. */
static bool link_or_copy(const struct backup *backup, const char *name)
{
    return (backup->store->mode == TW_STORE_WRITE &&
            linkat(backup->store->directory_fd, name, backup->fd, name, 0) == 0) ||
           copy_file(backup, name);
}

static bool sync_directory(const struct backup *backup, const char *name)
{
    int fd = openat(backup->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 && fsync(fd) == 0;
    if (!synced)
        failed(backup, "write", name);
    if (fd >= 0)
        close(fd);
    return synced;
}

/* Calls for each plain file of a directory below `fd`; one that is not there has none. */
static bool each_file(const struct backup *backup, int fd, const char *directory,
                      bool (*visit)(const struct backup *backup, const char *path, const char *name))
{
    int its_fd = openat(fd, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = its_fd < 0 ? NULL : fdopendir(its_fd);
    if (listing == NULL) {
        if (its_fd >= 0)
            close(its_fd);
        return errno == ENOENT || failed(backup, "read", directory);
    }
    bool ok = true;
    for (struct dirent *entry; ok && (entry = readdir(listing)) != NULL;) {
        char path[512];
        struct stat status;
        snprintf(path, sizeof path, "%.100s/%.255s", directory, entry->d_name);
        if (fstatat(its_fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode))
            ok = visit(backup, path, entry->d_name);
    }
    closedir(listing);
    return ok;
}

/* ---- snapshots: before the log, so that none is of more than the log has ---- */

static bool take_snapshot_file(const struct backup *backup, const char *path, const char *name)
{
    uint64_t lsn;
    if (!tw_snapshot_read_name(name, &lsn) || lsn > backup->head.lsn)
        return true;
    return link_or_copy(backup, path);
}

static bool take_snapshots(const struct backup *backup)
{
    return (mkdirat(backup->fd, TW_SNAPSHOT_DIRECTORY, 0750) == 0 || failed(backup, "create", TW_SNAPSHOT_DIRECTORY)) &&
           each_file(backup, backup->store->directory_fd, TW_SNAPSHOT_DIRECTORY, take_snapshot_file) &&
           sync_directory(backup, TW_SNAPSHOT_DIRECTORY);
}

/* ---- the database ---- */

static bool sync_file(const struct backup *backup, const char *path, const char *name)
{
    int fd = openat(backup->fd, path, O_RDONLY | O_CLOEXEC);
    (void)name;
    bool synced = fd >= 0 && fsync(fd) == 0;
    if (!synced)
        failed(backup, "write", path);
    if (fd >= 0)
        close(fd);
    return synced;
}

static bool checkpoint(const struct backup *backup)
{
    struct tw_store *store = backup->store;
    char *message = NULL;
    size_t path_bytes = strlen(backup->directory) + sizeof "/" TW_STORE_DATABASE_NAME;
    char *path = tw_alloc(path_bytes);
    snprintf(path, path_bytes, "%s/" TW_STORE_DATABASE_NAME, backup->directory);
    rocksdb_checkpoint_t *point = rocksdb_checkpoint_object_create(store->db, &message);
    if (message == NULL) {
        rocksdb_checkpoint_create(point, path, UINT64_MAX,
                                  &message); /* what is in memory comes by its write-ahead log */
        rocksdb_checkpoint_object_destroy(point);
    }
    free(path);
    if (message == NULL)
        return each_file(backup, backup->fd, TW_STORE_DATABASE_NAME, sync_file) &&
               sync_directory(backup, TW_STORE_DATABASE_NAME);
    tw_store_fail_rocksdb(backup->error, store->directory, "make a backup of", message);
    return false;
}

static bool copy_database_file(const struct backup *backup, const char *path, const char *name)
{
    return strcmp(name, "LOCK") == 0 || copy_file(backup, path);
}

static bool copy_database(const struct backup *backup)
{
    return (mkdirat(backup->fd, TW_STORE_DATABASE_NAME, 0750) == 0 ||
            failed(backup, "create", TW_STORE_DATABASE_NAME)) &&
           each_file(backup, backup->store->directory_fd, TW_STORE_DATABASE_NAME, copy_database_file) &&
           sync_directory(backup, TW_STORE_DATABASE_NAME);
}

/* ---- the copy, before it is a data directory ---- */

/* The target as a store that only has its directory, for those who write or look for files in it. */
static struct tw_store directory_only(const struct backup *backup)
{
    struct tw_store target = {.directory = (char *)(uintptr_t)backup->directory,
                              .mode = TW_STORE_WRITE,
                              .directory_fd = backup->fd,
                              .lock_fd = -1,
                              .highwater_fd = -1,
                              .lock = PTHREAD_MUTEX_INITIALIZER,
                              .head = backup->head,
                              .retained = tw_store_retained(backup->store)};
    memcpy(target.log_id, backup->store->log_id, sizeof target.log_id);
    return target;
}

/* What the source has by now says nothing: the snapshots that were taken are old, and may be gone there. */
static bool still_reaches(const struct backup *backup)
{
    struct tw_store target = directory_only(backup);
    struct tw_snapshot_info info = {.lsn = UINT64_MAX};
    struct tw_store_error ignored;
    int found = 0;
    if (target.retained.lsn == 0)
        return true;
    do
        found = tw_store_snapshot_find(&target, info.lsn, &info, &ignored);
    while (found < 0 && info.lsn != 0); /* that one is damaged */
    if (found <= 0)
        tw_store_fail(backup->error, TW_STORE_FAILED, "%s dropped old trades while the backup was made; make it again",
                      backup->store->directory);
    return found > 0;
}

/* Who may not look into the directory above need not have made it, nor can sync it. */
static bool sync_parent(const struct backup *backup)
{
    int fd = openat(backup->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == EACCES)
        return true;
    if (fd >= 0)
        close(fd);
    return sync_directory(backup, "..");
}

/* FORMAT and HIGHWATER. */
static bool finish(const struct backup *backup)
{
    struct tw_store target = directory_only(backup);
    bool done = tw_store_highwater_create(&target, backup->error) &&
                tw_store_format_write(&target, backup->store->format, backup->error);
    if (target.highwater_fd >= 0)
        close(target.highwater_fd);
    return done && sync_parent(backup);
}

/* ---- all of it ---- */

static bool remove_file(const struct backup *backup, const char *path, const char *name)
{
    (void)name;
    return unlinkat(backup->fd, path, 0) == 0 || errno == ENOENT;
}

/* What was made of it so far; the directory itself may have been there before. */
static void remove_target(const struct backup *backup)
{
    static const char *const directories[] = {TW_STORE_DATABASE_NAME, TW_STORE_DATABASE_NAME ".tmp",
                                              TW_SNAPSHOT_DIRECTORY};
    struct tw_store_error ignored;
    struct backup quiet = *backup;
    quiet.error = &ignored;
    unlinkat(backup->fd, TW_STORE_FORMAT_NAME, 0); /* first: without it nobody takes the rest for a data directory */
    unlinkat(backup->fd, TW_STORE_FORMAT_NEW_NAME, 0);
    for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++) {
        each_file(&quiet, backup->fd, directories[i], remove_file);
        unlinkat(backup->fd, directories[i], AT_REMOVEDIR);
    }
    unlinkat(backup->fd, TW_STORE_HIGHWATER_NAME, 0);
    unlinkat(backup->fd, TW_STORE_LOCK_NAME, 0);
    rmdir(backup->directory);
}

static bool room_for_the_log(const struct backup *backup)
{
    struct stat here, there;
    bool same_disk =
        fstat(backup->store->directory_fd, &here) == 0 && fstat(backup->fd, &there) == 0 && here.st_dev == there.st_dev;
    return backup->store->mode == TW_STORE_READ || !same_disk ||
           tw_store_room(backup->store, TW_STORE_WAL_BYTES_MAX + TW_STORE_RESERVE_BYTES, backup->error);
}

static void nobody_waits(void *context)
{
    (void)context;
}

bool tw_store_backup(struct tw_store *store, const char *directory, struct tw_store_error *error)
{
    return tw_store_backup_watched(store, directory, nobody_waits, NULL, error);
}

bool tw_store_backup_watched(struct tw_store *store, const char *directory, void (*taken)(void *context), void *context,
                             struct tw_store_error *error)
{
    struct tw_store_error own;
    struct backup backup = {.store = store,
                            .directory = directory,
                            .error = error == NULL ? &own : error,
                            .fd = -1,
                            .lock_fd = -1,
                            .head = tw_store_head_now(store)};
    bool made = make_target(&backup);
    bool begun = made && room_for_the_log(&backup) && take_snapshots(&backup);
    taken(context);
    bool done = begun && (store->mode == TW_STORE_WRITE ? checkpoint(&backup) : copy_database(&backup)) &&
                still_reaches(&backup) && finish(&backup);
    if (made && !done)
        remove_target(&backup);
    if (backup.lock_fd >= 0)
        close(backup.lock_fd);
    if (backup.fd >= 0)
        close(backup.fd);
    return done;
}
