/* SPDX-License-Identifier: MIT
 *
 * A directory in memory for targets that read files; gone at the end.
 */
#ifndef TESTS_FUZZ_SCRATCH_H
#define TESTS_FUZZ_SCRATCH_H

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/check.h"

static char directory[64];
static int directory_fd = -1;
static const char *const *may_be_there;

static void remove_directory(void)
{
    char path[PATH_MAX];
    for (const char *const *file = may_be_there; *file != NULL; file++) {
        snprintf(path, sizeof path, "%s/%s", directory, *file);
        remove(path);
    }
    rmdir(directory);
}

/* `files`: all that may come to be in it, what is in the folder before it; ends with NULL. */
static void make_directory(const char *folder, const char *const *files)
{
    snprintf(directory, sizeof directory, "%s", "/dev/shm/tapewarden-fuzz-XXXXXX");
    if (mkdtemp(directory) == NULL) {
        snprintf(directory, sizeof directory, "%s", "/tmp/tapewarden-fuzz-XXXXXX");
        TW_ASSERT(mkdtemp(directory) != NULL);
    }
    directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    TW_ASSERT(directory_fd >= 0 && mkdirat(directory_fd, folder, 0700) == 0);
    may_be_there = files;
    atexit(remove_directory);
}

static void write_file(const char *name, const void *bytes, size_t length)
{
    int fd = openat(directory_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    TW_ASSERT(fd >= 0 && write(fd, bytes, length) == (ssize_t)length);
    close(fd);
}

#endif
