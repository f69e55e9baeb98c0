/* SPDX-License-Identifier: MIT
 *
 * Pages that belong to a running process only: in a file of the data directory that has no name, so that it is gone
 * with the process. What is put there leaves memory. It is never synced.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/inside.h"

#define SCRATCH_NAME "scratch" /* for a moment, where the file system knows no files without a name */

struct tw_store_scratch {
    struct tw_store *store;
    int fd;
    uint32_t pages; /* of the file */
    uint32_t *free_pages;
    uint32_t free_count, free_capacity;
};

static int open_nameless(const struct tw_store *store)
{
    int fd = openat(store->directory_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    unlinkat(store->directory_fd, SCRATCH_NAME, 0); /* a crash in the next moment left it */
    fd = openat(store->directory_fd, SCRATCH_NAME, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0)
        unlinkat(store->directory_fd, SCRATCH_NAME, 0);
    return fd;
}

struct tw_store_scratch *tw_store_scratch_open(struct tw_store *store)
{
    struct tw_store_scratch *scratch = tw_alloc_zero(1, sizeof *scratch);
    scratch->store = store;
    scratch->fd = -1; /* opened when the first page comes */
    return scratch;
}

void tw_store_scratch_close(struct tw_store_scratch **scratch)
{
    if (*scratch == NULL)
        return;
    if ((*scratch)->fd >= 0)
        close((*scratch)->fd);
    free((*scratch)->free_pages);
    free(*scratch);
    *scratch = NULL;
}

static bool failed(const struct tw_store_scratch *scratch, int number, struct tw_store_error *error)
{
    char file[256];
    snprintf(file, sizeof file, "a temporary file in %.200s", scratch->store->directory);
    tw_store_fail_errno(error, number, "write", file);
    return false;
}

static bool write_page(struct tw_store_scratch *scratch, uint32_t page, const void *bytes, uint32_t length,
                       struct tw_store_error *error)
{
    off_t offset = (off_t)page * TW_STORE_SCRATCH_BYTES;
    for (uint32_t done = 0; done < length;) {
        ssize_t written = pwrite(scratch->fd, (const uint8_t *)bytes + done, length - done, offset + done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return failed(scratch, errno, error);
        done += (uint32_t)written;
    }
    return true;
}

bool tw_store_scratch_put(struct tw_store_scratch *scratch, const void *bytes, uint32_t length, uint32_t *page,
                          struct tw_store_error *error)
{
    bool again = scratch->free_count > 0;
    TW_ASSERT(length <= TW_STORE_SCRATCH_BYTES);
    if (scratch->fd < 0)
        scratch->fd = open_nameless(scratch->store);
    if (scratch->fd < 0)
        return failed(scratch, errno, error);
    if (!again && !tw_store_room(scratch->store, TW_STORE_RESERVE_BYTES, error))
        return false;
    *page = again ? scratch->free_pages[scratch->free_count - 1] : scratch->pages;
    if (!write_page(scratch, *page, bytes, length, error))
        return false;
    if (again)
        scratch->free_count--;
    else
        scratch->pages++;
    return true;
}

bool tw_store_scratch_get(struct tw_store_scratch *scratch, uint32_t page, void *bytes, uint32_t length)
{
    off_t offset = (off_t)page * TW_STORE_SCRATCH_BYTES;
    for (uint32_t done = 0; done < length;) {
        ssize_t got = pread(scratch->fd, (uint8_t *)bytes + done, length - done, offset + done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        done += (uint32_t)got;
    }
    return true;
}

void tw_store_scratch_drop(struct tw_store_scratch *scratch, uint32_t page)
{
    if (scratch->free_count == scratch->free_capacity) {
        scratch->free_capacity = scratch->free_capacity == 0 ? 64 : scratch->free_capacity * 2;
        scratch->free_pages = tw_realloc(scratch->free_pages, scratch->free_capacity * sizeof *scratch->free_pages);
    }
    scratch->free_pages[scratch->free_count++] = page;
}
