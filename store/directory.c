/* SPDX-License-Identifier: MIT
 *
 * The data directory: creation, lock, FORMAT, HIGHWATER, free space.
 *
 * FORMAT is written last when a log is created, so a crash before it leaves a directory that is created anew. HIGHWATER
 * says up to where appending was ever answered with success: a log that ends earlier has lost something, which RocksDB
 * itself would not say.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <xxhash.h>

#include "store/inside.h"

#define FORMAT_NAME TW_STORE_FORMAT_NAME
#define FORMAT_NEW_NAME TW_STORE_FORMAT_NEW_NAME
#define LOCK_NAME TW_STORE_LOCK_NAME
#define HIGHWATER_NAME TW_STORE_HIGHWATER_NAME
#define DATABASE_NAME TW_STORE_DATABASE_NAME
#define FORMAT_WORD "tapewarden"

/* ---- creation ---- */

bool tw_store_make_directories(const char *path, struct tw_store_error *error)
{
    char *prefix = tw_strndup(path, strlen(path));
    bool made = true;
    for (char *at = prefix + 1; made; at++) {
        char kept = *at;
        if (kept != '/' && kept != '\0')
            continue;
        *at = '\0';
        if (mkdir(prefix, 0750) != 0 && errno != EEXIST) {
            tw_store_fail_errno(error, errno, "create the directory", prefix);
            made = false;
        }
        *at = kept;
        if (kept == '\0')
            break;
    }
    free(prefix);
    return made;
}

static bool is_ours(const char *name)
{
    static const char *const names[] = {".",       "..",           FORMAT_NAME,   FORMAT_NEW_NAME,
                                        LOCK_NAME, HIGHWATER_NAME, DATABASE_NAME, "snapshots",
                                        "control", "lost+found"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* A directory without FORMAT may be made ours if nothing of somebody else's stands in it. */
static bool check_nothing_foreign(const char *directory, struct tw_store_error *error)
{
    DIR *listing = opendir(directory);
    if (listing == NULL) {
        tw_store_fail_errno(error, errno, "read the directory", directory);
        return false;
    }
    bool foreign = false;
    for (struct dirent *entry = readdir(listing); entry != NULL && !foreign; entry = readdir(listing))
        if (!is_ours(entry->d_name)) {
            tw_store_fail(error, TW_STORE_MISSING,
                          "%s is no Tapewarden data directory and is not empty (it has %.100s); name another one",
                          directory, entry->d_name);
            foreign = true;
        }
    closedir(listing);
    return !foreign;
}

/* ---- FORMAT ---- */

/* 1: read and known, 0: not there, -1: *error. */
static int read_format(struct tw_store *store, struct tw_store_error *error)
{
    int fd = openat(store->directory_fd, FORMAT_NAME, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0) {
        tw_store_fail_errno(error, errno, "read " FORMAT_NAME " in", store->directory);
        return -1;
    }
    char text[64] = "";
    ssize_t length = read(fd, text, sizeof text - 1);
    int number = errno;
    close(fd);
    if (length < 0) {
        tw_store_fail_errno(error, number, "read " FORMAT_NAME " in", store->directory);
        return -1;
    }
    unsigned format = 0;
    char again[64] = "";
    if (sscanf(text, FORMAT_WORD " %u", &format) == 1) /* sscanf takes spaces, signs and what overflows */
        snprintf(again, sizeof again, FORMAT_WORD " %u\n", format);
    if (format == 0 || strncmp(text, again, strlen(again)) != 0) {
        tw_store_fail(error, TW_STORE_MISSING,
                      "%s is no Tapewarden data directory: its " FORMAT_NAME " does not say `" FORMAT_WORD " %u`",
                      store->directory, TW_STORE_FORMAT);
        return -1;
    }
    if (format > TW_STORE_FORMAT) {
        tw_store_fail(error, TW_STORE_NEWER,
                      "%s was written by a newer Tapewarden (format %u; this one knows up to %u): upgrade this one",
                      store->directory, format, TW_STORE_FORMAT);
        return -1;
    }
    store->format = format;
    return 1;
}

bool tw_store_format_write(struct tw_store *store, uint32_t format, struct tw_store_error *error)
{
    char text[32];
    int length = snprintf(text, sizeof text, FORMAT_WORD " %u\n", format);
    int fd = openat(store->directory_fd, FORMAT_NEW_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    bool written = fd >= 0 && write(fd, text, (size_t)length) == length && fsync(fd) == 0 &&
                   renameat(store->directory_fd, FORMAT_NEW_NAME, store->directory_fd, FORMAT_NAME) == 0 &&
                   fsync(store->directory_fd) == 0;
    if (!written)
        tw_store_fail_errno(error, errno, "write " FORMAT_NAME " in", store->directory);
    if (fd >= 0)
        close(fd);
    return written;
}

/* ---- the lock ---- */

static enum tw_store_status locked(const struct tw_store *store, struct tw_store_error *error)
{
    char owner[32] = "";
    ssize_t length = pread(store->lock_fd, owner, sizeof owner - 1, 0);
    long process = length > 0 ? strtol(owner, NULL, 10) : 0;
    if (process > 0)
        return tw_store_fail(error, TW_STORE_LOCKED,
                             "%s is in use by process %ld; stop that one first, or name another directory",
                             store->directory, process);
    return tw_store_fail(error, TW_STORE_LOCKED,
                         "%s is in use by another process; stop that one first, or name another directory",
                         store->directory);
}

static bool take_lock(struct tw_store *store, struct tw_store_error *error)
{
    bool writes = store->mode == TW_STORE_WRITE;
    store->lock_fd =
        openat(store->directory_fd, LOCK_NAME, writes ? O_RDWR | O_CREAT | O_CLOEXEC : O_RDONLY | O_CLOEXEC, 0640);
    if (store->lock_fd < 0) {
        /* A copy on read-only media may come without a lock file, and nobody can write there. */
        if (!writes && errno == ENOENT)
            return true;
        tw_store_fail_errno(error, errno, "lock", store->directory);
        return false;
    }
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            locked(store, error);
        else
            tw_store_fail_errno(error, errno, "lock", store->directory);
        return false;
    }
    if (!writes)
        return true;
    char text[32];
    int length = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(store->lock_fd, 0) != 0 || pwrite(store->lock_fd, text, (size_t)length, 0) != length) {
        tw_store_fail_errno(error, errno, "write the lock in", store->directory);
        return false;
    }
    return true;
}

/* ---- opening ---- */

static bool open_directory(struct tw_store *store, struct tw_store_error *error)
{
    if (store->mode == TW_STORE_WRITE && !tw_store_make_directories(store->directory, error))
        return false;
    store->directory_fd = open(store->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->directory_fd >= 0)
        return true;
    int why = errno;
    struct stat status;
    if (why == ENOTDIR && stat(store->directory, &status) == 0)
        tw_store_fail(error, TW_STORE_MISSING, "%s: that is not a directory", store->directory);
    else if (why == ENOENT || why == ENOTDIR)
        tw_store_fail(error, TW_STORE_MISSING, "%s: there is no such data directory", store->directory);
    else
        tw_store_fail_errno(error, why, "open", store->directory);
    return false;
}

bool tw_store_directory_open(struct tw_store *store, bool *fresh, struct tw_store_error *error)
{
    if (!open_directory(store, error))
        return false;
    int format = read_format(store, error);
    if (format < 0)
        return false;
    *fresh = format == 0;
    if (*fresh && store->mode == TW_STORE_READ) {
        tw_store_fail(error, TW_STORE_MISSING, "%s is no Tapewarden data directory: it has no " FORMAT_NAME,
                      store->directory);
        return false;
    }
    if (*fresh && !check_nothing_foreign(store->directory, error))
        return false;
    if (store->mode == TW_STORE_WRITE && faccessat(store->directory_fd, ".", W_OK | X_OK, AT_EACCESS) != 0) {
        tw_store_fail_errno(error, errno, "write into", store->directory);
        return false;
    }
    return take_lock(store, error);
}

void tw_store_directory_close(struct tw_store *store)
{
    if (store->highwater_fd >= 0)
        close(store->highwater_fd);
    if (store->lock_fd >= 0)
        close(store->lock_fd); /* the file stays: removing it would let two processes lock two files */
    if (store->directory_fd >= 0)
        close(store->directory_fd);
    store->highwater_fd = store->lock_fd = store->directory_fd = -1;
}

static bool is_free(const struct tw_store *store, uint64_t needed, struct tw_store_error *error)
{
    struct statvfs space;
    if (fstatvfs(store->directory_fd, &space) != 0) {
        tw_store_fail_errno(error, errno, "ask for the free space of", store->directory);
        return false;
    }
    uint64_t available = (uint64_t)space.f_bavail * space.f_frsize;
    if (available >= needed)
        return true;
    tw_store_fail(error, TW_STORE_FULL,
                  "the disk of %s is full: %" PRIu64 " MiB are free, %" PRIu64 " MiB must be; make room there",
                  store->directory, available >> 20, (needed >> 20) + 1);
    return false;
}

bool tw_store_room(struct tw_store *store, uint64_t bytes, struct tw_store_error *error)
{
    uint64_t needed = TW_STORE_RESERVE_BYTES + bytes;
    if (store->db != NULL) { /* what is in memory will want to be flushed */
        static const enum tw_family large[] = {TW_FAMILY_LOG, TW_FAMILY_INDEX};
        for (size_t i = 0; i < sizeof large / sizeof large[0]; i++) {
            uint64_t held = 0;
            if (rocksdb_property_int_cf(store->db, store->families[large[i]], "rocksdb.cur-size-all-mem-tables",
                                        &held) == 0)
                needed += held;
        }
    }
    return is_free(store, needed, error);
}

bool tw_store_room_to_drop(const struct tw_store *store, struct tw_store_error *error)
{
    return is_free(store, TW_STORE_RESERVE_BYTES / 8, error);
}

/* ---- HIGHWATER: one line of fixed width, overwritten in place ---- */

/* "<lsn> <seq> <chain in hex> <XXH3-64 of all before, in hex>\n" */
#define HIGHWATER_CHECKED_BYTES (20 + 1 + 20 + 1 + 32 + 1)
#define HIGHWATER_BYTES (HIGHWATER_CHECKED_BYTES + 16 + 1)
#define CHAIN_HEX_BYTES (2 * sizeof(struct tw_chain) + 1)

static void highwater_line(uint64_t lsn, uint64_t seq, const char *chain, char line[HIGHWATER_BYTES + 1])
{
    snprintf(line, HIGHWATER_BYTES + 1, "%020" PRIu64 " %020" PRIu64 " %s ", lsn, seq, chain);
    snprintf(line + HIGHWATER_CHECKED_BYTES, HIGHWATER_BYTES + 1 - HIGHWATER_CHECKED_BYTES, "%016" PRIx64 "\n",
             (uint64_t)XXH3_64bits(line, HIGHWATER_CHECKED_BYTES));
}

bool tw_store_highwater_write(struct tw_store *store, const struct tw_store_head *head, struct tw_store_error *error)
{
    char line[HIGHWATER_BYTES + 1], chain[CHAIN_HEX_BYTES];
    tw_hex(head->chain.bytes, sizeof head->chain, chain);
    highwater_line(head->lsn, head->seq, chain, line);
    if (pwrite(store->highwater_fd, line, HIGHWATER_BYTES, 0) == HIGHWATER_BYTES)
        return true;
    tw_store_fail_errno(error, errno, "write " HIGHWATER_NAME " in", store->directory);
    return false;
}

bool tw_store_highwater_create(struct tw_store *store, struct tw_store_error *error)
{
    store->highwater_fd = openat(store->directory_fd, HIGHWATER_NAME, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (store->highwater_fd < 0) {
        tw_store_fail_errno(error, errno, "create " HIGHWATER_NAME " in", store->directory);
        return false;
    }
    if (!tw_store_highwater_write(store, &store->head, error))
        return false;
    if (fsync(store->highwater_fd) == 0 && fsync(store->directory_fd) == 0)
        return true;
    tw_store_fail_errno(error, errno, "write " HIGHWATER_NAME " in", store->directory);
    return false;
}

static bool highwater_agrees(const struct tw_store *store, const char line[HIGHWATER_BYTES + 1],
                             const struct tw_store_head *head, struct tw_store_error *error)
{
    uint64_t lsn = 0, seq = 0;
    char chain[CHAIN_HEX_BYTES] = "", own[CHAIN_HEX_BYTES], again[HIGHWATER_BYTES + 1] = "";
    bool readable = sscanf(line, "%20" SCNu64 " %20" SCNu64 " %32s", &lsn, &seq, chain) == 3;
    if (readable) /* the same numbers make the same line, check and all */
        highwater_line(lsn, seq, chain, again);
    readable = readable && memcmp(line, again, HIGHWATER_BYTES) == 0;
    if (!readable) {
        tw_store_fail(error, TW_STORE_DAMAGED,
                      "%s is damaged: its " HIGHWATER_NAME
                      " is not readable (without that file the log is taken as it is)",
                      store->directory);
        return false;
    }
    if (lsn > head->lsn) {
        tw_store_fail(error, TW_STORE_DAMAGED,
                      "%s is damaged: the log ends at record %" PRIu64 " (trade %" PRIu64 "), but record %" PRIu64
                      " (trade %" PRIu64 ") was acknowledged; restore it from a backup",
                      store->directory, head->lsn, head->seq, lsn, seq);
        return false;
    }
    tw_hex(head->chain.bytes, sizeof head->chain, own);
    if (lsn == head->lsn && strcmp(chain, own) != 0) {
        tw_store_fail(error, TW_STORE_DAMAGED,
                      "%s is damaged: record %" PRIu64 " is not the one that was acknowledged (" HIGHWATER_NAME
                      "); restore it from a backup",
                      store->directory, lsn);
        return false;
    }
    return true;
}

static bool highwater_read(const struct tw_store *store, int fd, const struct tw_store_head *head,
                           struct tw_store_error *error)
{
    char line[HIGHWATER_BYTES + 1] = "";
    if (fd < 0 || pread(fd, line, HIGHWATER_BYTES, 0) < 0) {
        tw_store_fail_errno(error, errno, "read " HIGHWATER_NAME " in", store->directory);
        return false;
    }
    return highwater_agrees(store, line, head, error);
}

bool tw_store_highwater_check(struct tw_store *store, const struct tw_store_head *head, struct tw_store_error *error)
{
    bool writes = store->mode == TW_STORE_WRITE;
    store->highwater_fd =
        openat(store->directory_fd, HIGHWATER_NAME, writes ? O_RDWR | O_CLOEXEC : O_RDONLY | O_CLOEXEC);
    if (store->highwater_fd < 0 && errno == ENOENT) /* a backup may come without it */
        return writes ? tw_store_highwater_create(store, error) : true;
    return highwater_read(store, store->highwater_fd, head, error);
}

bool tw_store_highwater_allows(const struct tw_store *store, const struct tw_store_head *head,
                               struct tw_store_error *error)
{
    int fd = openat(store->directory_fd, HIGHWATER_NAME, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return true;
    bool allows = highwater_read(store, fd, head, error);
    if (fd >= 0)
        close(fd);
    return allows;
}
