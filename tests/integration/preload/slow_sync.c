/* SPDX-License-Identifier: MIT
 *
 * Preloaded into a daemon: a disk that is slow below one directory. Each fsync and fdatasync of a file there takes
 * TW_SLOW_MS milliseconds more; TW_SLOW_ROOT is the directory, whole and without links in it.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef int (*sync_call)(int fd);

static void be_slow(int fd)
{
    const char *root = getenv("TW_SLOW_ROOT"), *ms = getenv("TW_SLOW_MS");
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (root == NULL || ms == NULL || length < 0 || strncmp(path, root, strlen(root)) != 0)
        return;
    const long wait_ms = atol(ms);
    const struct timespec pause = {wait_ms / 1000, wait_ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

int fsync(int fd)
{
    be_slow(fd);
    return ((sync_call)(uintptr_t)dlsym(RTLD_NEXT, "fsync"))(fd);
}

int fdatasync(int fd)
{
    be_slow(fd);
    return ((sync_call)(uintptr_t)dlsym(RTLD_NEXT, "fdatasync"))(fd);
}
