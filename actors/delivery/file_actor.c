/* SPDX-License-Identifier: MIT */
#include "actors/delivery/file_actor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/check.h"

struct lines {
    char *path;
    uint64_t rotate_bytes;
    uint32_t kept;
    int fd; /* -1: not open */
    uint64_t bytes;
};

static void shut(struct lines *lines)
{
    if (lines->fd >= 0)
        close(lines->fd);
    lines->fd = -1;
}

static bool write_all(int fd, const void *bytes, size_t length)
{
    const char *at = bytes;
    while (length > 0) {
        ssize_t written = write(fd, at, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        at += written;
        length -= (size_t)written;
    }
    return true;
}

/* A crash may have left half a line: the next begins on a line of its own. */
static bool end_torn_line(struct lines *lines)
{
    char last = '\n';
    if (lines->bytes == 0 || pread(lines->fd, &last, 1, (off_t)lines->bytes - 1) != 1 || last == '\n')
        return true;
    lines->bytes++;
    return write_all(lines->fd, "\n", 1);
}

static bool open_file(struct lines *lines)
{
    struct stat status;
    lines->fd = open(lines->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
    if (lines->fd < 0)
        return false;
    if (fstat(lines->fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        shut(lines);
        errno = EINVAL; /* a pipe or a device keeps nothing */
        return false;
    }
    lines->bytes = (uint64_t)status.st_size;
    return end_torn_line(lines);
}

/* Somebody may have renamed or removed the file under us. */
static bool is_the_one(const struct lines *lines)
{
    struct stat ours, there;
    return fstat(lines->fd, &ours) == 0 && stat(lines->path, &there) == 0 && ours.st_ino == there.st_ino &&
           ours.st_dev == there.st_dev;
}

/* PATH.1 becomes PATH.2, and so on; PATH becomes PATH.1. */
static bool rotate(struct lines *lines)
{
    size_t bytes = strlen(lines->path) + 16;
    char *from = tw_alloc(bytes), *to = tw_alloc(bytes);
    bool done = fdatasync(lines->fd) == 0;
    shut(lines);
    for (uint32_t i = lines->kept; done && i > 0; i--) {
        snprintf(to, bytes, "%s.%u", lines->path, i);
        snprintf(from, bytes, i > 1 ? "%s.%u" : "%s", lines->path, i - 1);
        done = rename(from, to) == 0 || errno == ENOENT;
    }
    free(from);
    free(to);
    return done && open_file(lines);
}

/* All of a line or nothing. */
static bool put_line(struct lines *lines, const uint8_t *line, size_t length)
{
    if (lines->fd >= 0 && !is_the_one(lines)) {
        if (fdatasync(lines->fd) != 0)
            return false;
        shut(lines);
    }
    if (lines->fd < 0 && !open_file(lines))
        return false;
    bool large = lines->rotate_bytes > 0 && lines->bytes > 0 && lines->bytes + length > lines->rotate_bytes;
    if (large && !rotate(lines))
        return false;
    if (write_all(lines->fd, line, length)) {
        lines->bytes += length;
        return true;
    }
    int number = errno;
    if (ftruncate(lines->fd, (off_t)lines->bytes) != 0)
        shut(lines); /* when it is opened again, the next begins on a line of its own */
    errno = number;
    return false;
}

/* The last that is written is synced with all before it. */
static void carry(void *self, struct tw_batch *batch)
{
    struct lines *lines = self;
    size_t from = 0;
    while (batch->arrived < batch->count) {
        size_t end = batch->ends[batch->arrived];
        if (!put_line(lines, batch->bytes.bytes + from, end - from)) {
            batch->number = errno;
            break;
        }
        from = end;
        batch->arrived++;
    }
    if (batch->arrived > 0 && (lines->fd < 0 || fdatasync(lines->fd) != 0)) {
        batch->number = batch->number != 0 ? batch->number : errno;
        batch->arrived = 0;
    }
    if (batch->number != 0)
        shut(lines);
}

static void free_lines(void *self)
{
    struct lines *lines = self;
    shut(lines);
    free(lines->path);
    free(lines);
}

struct tw_carrier tw_file_carrier(const char *path, uint64_t rotate_bytes, uint32_t kept)
{
    struct lines *lines = tw_alloc_zero(1, sizeof *lines);
    lines->path = tw_strndup(path, strlen(path));
    lines->rotate_bytes = rotate_bytes;
    lines->kept = kept;
    lines->fd = -1;
    return (struct tw_carrier){.self = lines, .carry = carry, .free = free_lines};
}
