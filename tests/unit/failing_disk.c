/* SPDX-License-Identifier: MIT
 *
 * The disk of the tests of a disk that fails. Above all others in the link: libc's functions are ours.
 */
#include "failing_disk.h"

#include <dlfcn.h>
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/inside.h"

_Atomic enum health health;
_Atomic(const char *) root;
_Thread_local uint64_t writes;
atomic_bool half_written, sync_lingers;
void (*before_write)(void), (*behind_write)(void);
atomic_uint writes_failed;

static bool is_ours(int fd)
{
    char link[64], path[512];
    const char *directory = atomic_load(&root);
    if (directory == NULL)
        return false;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    return length > 0 && strncmp(path, directory, strlen(directory)) == 0;
}

/* How much of so many bytes it takes; -1 and errno: nothing. */
static ssize_t takes(int fd, size_t bytes)
{
    if (!is_ours(fd))
        return (ssize_t)bytes;
    writes++;
    enum health now = atomic_load(&health);
    if (now == FULL_HALFWAY && bytes > 1 && !atomic_exchange(&half_written, true))
        return (ssize_t)(bytes / 2);
    if (now != FULL && now != FULL_HALFWAY)
        return (ssize_t)bytes;
    errno = ENOSPC;
    return -1;
}

static bool syncs(int fd)
{
    enum health now = atomic_load(&health);
    if (!is_ours(fd) || (now != SYNC_FAILS && now != SYNC_HAS_NO_ROOM))
        return true;
    errno = now == SYNC_FAILS ? EIO : ENOSPC;
    return false;
}

#define REAL(name, type) ((type)(uintptr_t)dlsym(RTLD_NEXT, name))
typedef ssize_t (*write_call)(int fd, const void *bytes, size_t count);
typedef ssize_t (*pwrite_call)(int fd, const void *bytes, size_t count, off_t offset);
typedef int (*sync_call)(int fd);

ssize_t write(int fd, const void *bytes, size_t count)
{
    ssize_t taken = takes(fd, count);
    return taken < 0 ? taken : REAL("write", write_call)(fd, bytes, (size_t)taken);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset)
{
    ssize_t taken = takes(fd, count);
    return taken < 0 ? taken : REAL("pwrite", pwrite_call)(fd, bytes, (size_t)taken, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset)
{
    return pwrite(fd, bytes, count, offset);
}

int fsync(int fd)
{
    return syncs(fd) ? REAL("fsync", sync_call)(fd) : -1;
}

int fdatasync(int fd)
{
    return syncs(fd) ? REAL("fdatasync", sync_call)(fd) : -1;
}

/* A sync that failed comes back to who waits for it when a write has failed, too. Meanwhile RocksDB has for a moment
 * nothing but these words for writes (7.8.3, seen in faults.eio): too short a moment to be met on purpose, so the test
 * says them. */
static const char previous_error[] = "IO error: Writer has previous error.";
static atomic_bool sync_is_coming_back;

typedef void (*rocksdb_write_call)(rocksdb_t *db, const rocksdb_writeoptions_t *options, rocksdb_writebatch_t *batch,
                                   char **error);

void rocksdb_write(rocksdb_t *db, const rocksdb_writeoptions_t *options, rocksdb_writebatch_t *batch, char **error)
{
    void (*first)(void) = before_write, (*then)(void) = behind_write;
    before_write = NULL;
    if (first != NULL)
        first();
    if (atomic_load(&sync_is_coming_back)) {
        *error = strdup(previous_error);
        atomic_fetch_add(&writes_failed, 1);
        return;
    }
    REAL("rocksdb_write", rocksdb_write_call)(db, options, batch, error);
    behind_write = NULL;
    if (*error != NULL)
        atomic_fetch_add(&writes_failed, 1);
    else if (then != NULL)
        then();
}

typedef void (*rocksdb_flush_wal_call)(rocksdb_t *db, unsigned char sync, char **error);

void rocksdb_flush_wal(rocksdb_t *db, unsigned char sync, char **error)
{
    REAL("rocksdb_flush_wal", rocksdb_flush_wal_call)(db, sync, error);
    if (*error == NULL || !atomic_load(&sync_lingers))
        return;
    atomic_store(&sync_is_coming_back, true);
    while (atomic_load(&writes_failed) == 0)
        sched_yield();
    atomic_store(&sync_is_coming_back, false);
}
