/* SPDX-License-Identifier: MIT
 *
 * A library to be preloaded (LD_PRELOAD) that makes the disk under one directory fail. README.md beside it says how it
 * is told what to do, what it verifies and what it cannot see. This file: what it was told, the table of descriptors,
 * and firing. The functions that stand before libc's are in calls.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/faults/shim/shim.h"

struct shim shim;
static pthread_mutex_t the_lock = PTHREAD_MUTEX_INITIALIZER;

void shim_lock(void)
{
    pthread_mutex_lock(&the_lock);
}
void shim_unlock(void)
{
    int number = errno;
    pthread_mutex_unlock(&the_lock);
    errno = number;
}

void shim_report(const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    length = length < (int)sizeof line ? length : (int)sizeof line - 1;
    if (shim.report_fd >= 0)
        syscall(SYS_write, shim.report_fd, line, (size_t)length);
}

/* ---- what it was told ---- */

static const char *told(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value == NULL || *value == '\0' ? otherwise : value;
}

static void refuse(const char *name, const char *value)
{
    fprintf(stderr, "shim: %s=%s is not understood\n", name, value);
    _exit(97);
}

/* The place of the variable's word in a list that ends in NULL. */
static int told_word(const char *name, const char *const *words)
{
    const char *value = told(name, words[0]);
    for (int i = 0; words[i] != NULL; i++)
        if (strcmp(value, words[i]) == 0)
            return i;
    refuse(name, value);
    return 0;
}

static uint64_t told_number(const char *name, uint64_t otherwise)
{
    const char *value = told(name, NULL);
    if (value == NULL)
        return otherwise;
    char *end = NULL;
    uint64_t number = strtoull(value, &end, 10);
    if (*end != '\0')
        refuse(name, value);
    return number;
}

static void read_settings(void)
{
    static const char *const modes[] = {"none", "kill", "power", "eio", NULL};
    static const char *const moments[] = {"before", "after", NULL};
    static const char *const keeps[] = {"none", "prefix", "scatter", "all", NULL};
    shim.mode = (enum shim_mode)told_word("TW_FAULT_MODE", modes);
    shim.after = told_word("TW_FAULT_WHEN", moments) == 1;
    shim.keep = (enum tw_disk_keep)told_word("TW_FAULT_KEEP", keeps);
    shim.at = told_number("TW_FAULT_AT", 0);
    shim.and_all_later = told_number("TW_FAULT_ALL_LATER", 0) != 0;
    shim.cut_at_exit = told_number("TW_FAULT_CUT_AT_EXIT", 0) != 0;
    shim.delay_us = told_number("TW_FAULT_DELAY_US", 0);
    shim.models = shim.mode == SHIM_POWER || shim.mode == SHIM_EIO || shim.cut_at_exit;
    tw_disk.chance = told_number("TW_FAULT_SEED", 1);
    tw_disk.sector_bytes = (uint32_t)told_number("TW_FAULT_SECTOR", 512);
    tw_disk.report = shim_report;
    if (tw_disk.sector_bytes != 512 && tw_disk.sector_bytes != 4096)
        refuse("TW_FAULT_SECTOR", getenv("TW_FAULT_SECTOR"));
    snprintf(shim.root, sizeof shim.root, "%s", told("TW_FAULT_ROOT", ""));
    snprintf(tw_disk.grave, sizeof tw_disk.grave, "%s", told("TW_FAULT_GRAVE", ""));
    if (shim.root[0] != '/' || (shim.models && tw_disk.grave[0] != '/'))
        refuse(shim.root[0] != '/' ? "TW_FAULT_ROOT" : "TW_FAULT_GRAVE", "(not an absolute path)");
    if (shim.models && mkdir(tw_disk.grave, 0700) != 0 && errno != EEXIST)
        refuse("TW_FAULT_GRAVE", tw_disk.grave);
}

/* ---- firing ---- */

void shim_fire(const char *why)
{
    shim_report("fired mode=%s why=%s syncs=%llu\n", shim.mode == SHIM_POWER ? "power" : "kill", why,
                (unsigned long long)shim.syncs);
    if (shim.mode == SHIM_POWER) {
        tw_disk_revert_all(shim.keep);
        tw_disk_names_revert(shim.keep);
    }
    shim_report("killed\n");
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;)
        pause();
}

/* One byte in the pipe is the moment. */
static void *await_trigger(void *path)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, (const char *)path, O_RDONLY | O_CLOEXEC, 0);
    char byte;
    if (fd < 0 || syscall(SYS_read, fd, &byte, (size_t)1) != 1)
        return NULL; /* the test went away */
    shim_lock();
    shim_fire("trigger");
    return NULL;
}

static bool due(uint64_t sync, bool after)
{
    return (shim.mode == SHIM_KILL || shim.mode == SHIM_POWER) && sync == shim.at && shim.after == after;
}

static void wait_like_a_disk(void)
{
    if (shim.delay_us == 0)
        return;
    struct timespec pause = {.tv_nsec = (long)(shim.delay_us * 1000)};
    nanosleep(&pause, NULL);
}

static int fail_sync(struct shim_descriptor *open_one)
{
    shim_report("fired mode=eio syncs=%llu\n", (unsigned long long)shim.syncs);
    /* What the kernel does on such a failure: the pages count as clean, and what they held is gone with the cache. */
    if (open_one->file != NULL && shim.keep != TW_DISK_KEEP_ALL)
        tw_disk_revert(open_one->file, shim.keep);
    shim_unlock();
    errno = EIO;
    return -1;
}

int shim_sync(int fd, const char *word, long call)
{
    shim_lock();
    struct shim_descriptor *open_one = shim_descriptor(fd);
    if (open_one == NULL) {
        shim_unlock();
        return (int)syscall(call, fd);
    }
    uint64_t sync = ++shim.syncs, token = 0;
    shim_report("sync n=%llu call=%s path=%s\n", (unsigned long long)sync, word, open_one->path);
    if (open_one->file == NULL && shim.models && !open_one->is_directory)
        open_one->file = tw_disk_file(fd, false, open_one->path);
    if (due(sync, false))
        shim_fire("sync");
    if (shim.mode == SHIM_EIO && shim.at > 0 && (sync == shim.at || (sync > shim.at && shim.and_all_later)))
        return fail_sync(open_one);
    char directory[PATH_MAX];
    struct tw_disk_file *file = open_one->file;
    bool is_directory = open_one->is_directory;
    snprintf(directory, sizeof directory, "%s", open_one->path);
    if (shim.models)
        token = is_directory ? tw_disk_names_sync_begin() : tw_disk_sync_begin(file);
    shim_unlock(); /* others go on writing meanwhile, and are not covered */
    wait_like_a_disk();
    int result = (int)syscall(call, fd);
    int number = errno;
    shim_lock();
    if (shim.models && result == 0) {
        if (is_directory)
            tw_disk_names_sync_end(directory, token);
        else
            tw_disk_sync_end(file, token);
    }
    if (due(sync, true))
        shim_fire("sync");
    errno = number;
    shim_unlock();
    return result;
}

/* ---- descriptors ---- */

static struct shim_descriptor *descriptors[SHIM_DESCRIPTORS_MAX];

struct shim_descriptor *shim_descriptor(int fd)
{
    return fd < 0 || fd >= SHIM_DESCRIPTORS_MAX ? NULL : __atomic_load_n(&descriptors[fd], __ATOMIC_ACQUIRE);
}

bool shim_is_inside(const char *path)
{
    size_t length = strlen(shim.root);
    return shim.root[0] != '\0' && strncmp(path, shim.root, length) == 0 &&
           (path[length] == '/' || path[length] == '\0');
}

void shim_opened(int fd, const char *path, bool created, bool writes)
{
    struct stat status;
    if (fd < 0 || fd >= SHIM_DESCRIPTORS_MAX || fstat(fd, &status) != 0)
        return;
    struct shim_descriptor *open_one = calloc(1, sizeof *open_one);
    if (open_one == NULL)
        abort();
    open_one->is_directory = S_ISDIR(status.st_mode);
    open_one->path = strdup(path);
    if (shim.models && !open_one->is_directory && (writes || created))
        open_one->file = tw_disk_file(fd, created, path);
    __atomic_store_n(&descriptors[fd], open_one, __ATOMIC_RELEASE);
}

void shim_closed(int fd)
{
    struct shim_descriptor *open_one = shim_descriptor(fd);
    if (open_one == NULL)
        return;
    __atomic_store_n(&descriptors[fd], NULL, __ATOMIC_RELEASE);
    free(open_one->path);
    free(open_one);
}

/* ---- begin and end of the process ---- */

__attribute__((constructor)) static void begin(void)
{
    shim.report_fd = -1;
    if (told("TW_FAULT_ROOT", NULL) == NULL)
        return; /* preloaded into a shell or the like on the way */
    read_settings();
    const char *report = told("TW_FAULT_REPORT", NULL);
    if (report != NULL)
        shim.report_fd =
            (int)syscall(SYS_openat, AT_FDCWD, report, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, (mode_t)0644);
    shim_report("loaded root=%s mode=%d at=%llu\n", shim.root, (int)shim.mode, (unsigned long long)shim.at);
    const char *trigger = told("TW_FAULT_TRIGGER", NULL);
    pthread_t thread;
    if (trigger != NULL && pthread_create(&thread, NULL, await_trigger, strdup(trigger)) != 0)
        refuse("TW_FAULT_TRIGGER", trigger);
}

__attribute__((destructor)) static void end(void)
{
    if (shim.root[0] == '\0')
        return;
    shim_lock(); /* for good: whoever still writes comes too late */
    if (shim.cut_at_exit) {
        tw_disk_revert_all(shim.keep);
        tw_disk_names_revert(shim.keep);
    }
    shim_report("ended syncs=%llu cut=%d\n", (unsigned long long)shim.syncs, (int)shim.cut_at_exit);
    shim.root[0] = '\0';
    shim.models = false;
    shim_unlock();
}
