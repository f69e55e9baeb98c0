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

struct tw_lines {
    const char *path;
    uint64_t rotate_bytes;
    uint32_t kept;
    int fd; /* -1: not open */
    uint64_t bytes;
    struct tw_ended written; /* wait for the sync */
};

struct tw_lines *tw_lines_new(const char *path, uint64_t rotate_bytes, uint32_t kept)
{
    struct tw_lines *lines = tw_alloc_zero(1, sizeof *lines);
    lines->path = path;
    lines->rotate_bytes = rotate_bytes;
    lines->kept = kept;
    lines->fd = -1;
    lines->written.last = &lines->written.first;
    return lines;
}

static void shut(struct tw_lines *lines)
{
    if (lines->fd >= 0)
        close(lines->fd);
    lines->fd = -1;
}

void tw_lines_free(struct tw_lines **lines)
{
    if (*lines == NULL)
        return;
    shut(*lines);
    free(*lines);
    *lines = NULL;
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
static bool end_torn_line(struct tw_lines *lines)
{
    char last = '\n';
    if (lines->bytes == 0 || pread(lines->fd, &last, 1, (off_t)lines->bytes - 1) != 1 || last == '\n')
        return true;
    lines->bytes++;
    return write_all(lines->fd, "\n", 1);
}

static bool open_file(struct tw_lines *lines)
{
    struct stat status;
    lines->fd = open(lines->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
    if (lines->fd < 0)
        return false;
    if (fstat(lines->fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        shut(lines);
        errno = EINVAL; /* a pipe or a device could block all others */
        return false;
    }
    lines->bytes = (uint64_t)status.st_size;
    return end_torn_line(lines);
}

/* Somebody may have renamed or removed the file under us. */
static bool is_the_one(const struct tw_lines *lines)
{
    struct stat ours, there;
    return fstat(lines->fd, &ours) == 0 && stat(lines->path, &there) == 0 && ours.st_ino == there.st_ino &&
           ours.st_dev == there.st_dev;
}

/* PATH.1 becomes PATH.2, and so on; PATH becomes PATH.1. */
static bool rotate(struct tw_lines *lines)
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
static bool put_line(struct tw_lines *lines, const struct tw_buffer *line)
{
    if (lines->fd >= 0 && !is_the_one(lines))
        shut(lines);
    if (lines->fd < 0 && !open_file(lines))
        return false;
    bool large = lines->rotate_bytes > 0 && lines->bytes > 0 && lines->bytes + line->length > lines->rotate_bytes;
    if (large && !rotate(lines))
        return false;
    if (write_all(lines->fd, line->bytes, line->length)) {
        lines->bytes += line->length;
        return true;
    }
    int number = errno;
    if (ftruncate(lines->fd, (off_t)lines->bytes) != 0)
        shut(lines);
    errno = number;
    return false;
}

static void fail(struct tw_attempt *attempt, int number)
{
    attempt->answer = (struct tw_answer){.answered = false};
    attempt->said_length = 0;
    tw_attempt_say(attempt, strerror(number), strlen(strerror(number)));
}

void tw_lines_begin(struct tw_lines *lines, struct tw_attempt *attempt)
{
    attempt->answer = (struct tw_answer){.answered = true};
    if (!put_line(lines, &attempt->request.body))
        fail(attempt, errno);
    tw_attempt_end(&lines->written, attempt);
}

bool tw_lines_wait(const struct tw_lines *lines)
{
    return lines->written.first != NULL;
}

void tw_lines_work(struct tw_lines *lines, struct tw_ended *ended)
{
    if (lines->written.first == NULL)
        return;
    int number = lines->fd < 0 || fdatasync(lines->fd) == 0 ? 0 : errno;
    for (struct tw_attempt *attempt = lines->written.first, *next; attempt != NULL; attempt = next) {
        next = attempt->next;
        if (number != 0)
            fail(attempt, number);
        tw_attempt_end(ended, attempt);
    }
    lines->written = (struct tw_ended){NULL, NULL};
    lines->written.last = &lines->written.first;
}
