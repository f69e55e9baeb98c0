/* SPDX-License-Identifier: MIT
 *
 * Names: a list of changes that no sync of their directory has covered yet. Within a directory they become durable in
 * the order in which they were made, as every journalling file system does; between directories in any.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/faults/shim/disk.h"

struct change {
    struct change *older, *newer;
    uint64_t number;
    enum tw_disk_change_kind kind;
    char *path, *from; /* from: of a rename */
    char *grave;       /* what it replaced or removed; NULL: nothing */
    size_t directory_length;
    bool stays; /* while reverting */
};

static struct change *newest, *oldest;
static uint64_t last_number, graves;

static char *copy(const char *text)
{
    char *own = strdup(text);
    if (own == NULL)
        abort();
    return own;
}

static int rename_raw(const char *from, const char *to)
{
    return (int)syscall(SYS_rename, from, to);
}

static char *new_grave(void)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%.4000s/%llu", tw_disk.grave, (unsigned long long)++graves);
    return copy(path);
}

static size_t directory_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? 0 : (size_t)(slash - path);
}

static void add(enum tw_disk_change_kind kind, const char *path, const char *from, char *grave)
{
    struct change *change = calloc(1, sizeof *change);
    if (change == NULL)
        abort();
    *change = (struct change){.older = newest,
                              .number = ++last_number,
                              .kind = kind,
                              .path = copy(path),
                              .from = from == NULL ? NULL : copy(from),
                              .grave = grave,
                              .directory_length = directory_length(path)};
    if (newest == NULL)
        oldest = change;
    else
        newest->newer = change;
    newest = change;
}

void tw_disk_created(const char *path)
{
    add(TW_DISK_CREATED, path, NULL, NULL);
}

int tw_disk_remove(const char *path)
{
    char *grave = new_grave();
    if (rename_raw(path, grave) != 0) {
        free(grave);
        return -1;
    }
    add(TW_DISK_REMOVED, path, NULL, grave);
    return 0;
}

int tw_disk_rename(const char *from, const char *to)
{
    size_t length = directory_length(from);
    if (length != directory_length(to) || memcmp(from, to, length) != 0) {
        tw_disk.report("impossible: a rename from one directory into another is not modelled: %s %s\n", from, to);
        abort();
    }
    char *grave = NULL;
    if (access(from, F_OK) == 0 && access(to, F_OK) == 0) { /* a second name keeps what is replaced */
        grave = new_grave();
        if (syscall(SYS_link, to, grave) != 0)
            abort();
    }
    if (rename_raw(from, to) != 0) {
        int number = errno;
        if (grave != NULL)
            syscall(SYS_unlink, grave);
        free(grave);
        errno = number;
        return -1;
    }
    add(TW_DISK_RENAMED, to, from, grave);
    return 0;
}

/* ---- syncs ---- */

uint64_t tw_disk_names_sync_begin(void)
{
    return last_number;
}

static bool stands_in(const struct change *change, const char *directory)
{
    return strlen(directory) == change->directory_length &&
           memcmp(directory, change->path, change->directory_length) == 0;
}

static void forget(struct change *change)
{
    *(change->older == NULL ? &oldest : &change->older->newer) = change->newer;
    *(change->newer == NULL ? &newest : &change->newer->older) = change->older;
    if (change->grave != NULL)
        syscall(SYS_unlink, change->grave);
    free(change->grave);
    free(change->path);
    free(change->from);
    free(change);
}

void tw_disk_names_sync_end(const char *directory, uint64_t token)
{
    struct change *next = NULL;
    for (struct change *change = oldest; change != NULL && change->number <= token; change = next) {
        next = change->newer;
        if (stands_in(change, directory))
            forget(change);
    }
}

/* ---- the cut ---- */

static bool same_directory(const struct change *a, const struct change *b)
{
    return a->directory_length == b->directory_length && memcmp(a->path, b->path, a->directory_length) == 0;
}

/* Of each directory, how many of its first changes stay. */
static void choose(enum tw_disk_keep keep)
{
    for (struct change *first = oldest; first != NULL; first = first->newer) {
        bool seen = false;
        for (struct change *before = oldest; before != first && !seen; before = before->newer)
            seen = same_directory(before, first);
        if (seen)
            continue;
        uint64_t count = 0;
        for (struct change *change = first; change != NULL; change = change->newer)
            count += same_directory(change, first);
        uint64_t stay = keep == TW_DISK_KEEP_NONE ? 0 : keep == TW_DISK_KEEP_ALL ? count : tw_disk_draw(count + 1);
        for (struct change *change = first; change != NULL; change = change->newer)
            if (same_directory(change, first) && stay > 0) {
                change->stays = true;
                stay--;
            }
    }
}

static void undo(struct change *change)
{
    static const char *const words[] = {"created", "removed", "renamed"};
    int failed = 0;
    switch (change->kind) {
    case TW_DISK_CREATED:
        change->grave = new_grave();
        failed = rename_raw(change->path, change->grave);
        break;
    case TW_DISK_REMOVED:
        failed = rename_raw(change->grave, change->path);
        break;
    case TW_DISK_RENAMED:
        failed = rename_raw(change->path, change->from);
        if (failed == 0 && change->grave != NULL)
            failed = rename_raw(change->grave, change->path);
        break;
    }
    tw_disk.report("undone %s path=%s%s%s%s\n", words[change->kind], change->path,
                   change->from == NULL ? "" : " from=", change->from == NULL ? "" : change->from,
                   failed == 0 ? "" : " FAILED");
}

void tw_disk_names_revert(enum tw_disk_keep keep)
{
    choose(keep);
    while (newest != NULL) {
        if (!newest->stays) {
            undo(newest);
            free(newest->grave);
            newest->grave = NULL;
        }
        forget(newest);
    }
}
