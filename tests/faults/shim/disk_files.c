/* SPDX-License-Identifier: MIT
 *
 * Data of files. Since the last sync a file has one or more epochs, each with its dirty sectors and what those held
 * when the epoch began. A sync opens a new epoch when it begins and forgets the older ones when it ends, so what is
 * written while it runs stays unsynced.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/faults/shim/disk.h"

struct saved {
    uint64_t sector;
    uint32_t length;
    uint8_t *bytes;
};

struct epoch {
    struct epoch *newer;
    uint64_t number, base_bytes; /* the file's size when the epoch began */
    uint8_t *dirty;              /* one a sector */
    size_t sectors;
    struct saved *saved;
    size_t saved_count, saved_room;
};

struct tw_disk_file {
    struct tw_disk_file *next;
    dev_t device;
    ino_t inode;
    int fd;
    char name[256];
    struct epoch *oldest, *newest;
};

struct tw_disk_model tw_disk;
static struct tw_disk_file *files;

/* splitmix64 */
uint64_t tw_disk_draw(uint64_t below)
{
    uint64_t z = tw_disk.chance += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return below == 0 ? 0 : (z ^ (z >> 31)) % below;
}

static void die(const char *what, const char *name)
{
    tw_disk.report("impossible: %s %s: %s\n", what, name, strerror(errno));
    abort();
}

static void *room(void *old, size_t bytes)
{
    void *memory = realloc(old, bytes);
    if (memory == NULL)
        die("no memory for", "the model");
    return memory;
}

uint64_t tw_disk_file_size(const struct tw_disk_file *file)
{
    struct stat status;
    if (fstat(file->fd, &status) != 0)
        die("fstat", file->name);
    return (uint64_t)status.st_size;
}

/* ---- epochs ---- */

static void epoch_begin(struct tw_disk_file *file, uint64_t base_bytes)
{
    struct epoch *epoch = room(NULL, sizeof *epoch);
    *epoch = (struct epoch){.number = file->newest == NULL ? 1 : file->newest->number + 1, .base_bytes = base_bytes};
    if (file->newest == NULL)
        file->oldest = epoch;
    else
        file->newest->newer = epoch;
    file->newest = epoch;
}

static void epoch_free(struct epoch *epoch)
{
    for (size_t i = 0; i < epoch->saved_count; i++)
        free(epoch->saved[i].bytes);
    free(epoch->saved);
    free(epoch->dirty);
    free(epoch);
}

static void forget_epochs(struct tw_disk_file *file, uint64_t until)
{
    while (file->oldest != NULL && file->oldest->number <= until) {
        struct epoch *gone = file->oldest;
        file->oldest = gone->newer;
        epoch_free(gone);
    }
    if (file->oldest == NULL)
        file->newest = NULL;
}

struct tw_disk_file *tw_disk_file(int fd, bool created, const char *name)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        die("fstat", name);
    struct tw_disk_file *file = files;
    while (file != NULL && (file->device != status.st_dev || file->inode != status.st_ino))
        file = file->next;
    if (file == NULL) {
        char own[64];
        snprintf(own, sizeof own, "/proc/self/fd/%d", fd);
        file = room(NULL, sizeof *file);
        *file = (struct tw_disk_file){.next = files, .device = status.st_dev, .inode = status.st_ino};
        file->fd = (int)syscall(SYS_openat, AT_FDCWD, own, O_RDWR | O_CLOEXEC, 0);
        if (file->fd < 0)
            die("open again", name);
        files = file;
        epoch_begin(file, created ? 0 : (uint64_t)status.st_size);
    }
    snprintf(file->name, sizeof file->name, "%s", name);
    return file;
}

/* ---- changes and syncs ---- */

static void save(struct tw_disk_file *file, struct epoch *epoch, uint64_t sector)
{
    uint64_t offset = sector * tw_disk.sector_bytes;
    if (offset >= epoch->base_bytes)
        return;
    uint64_t length = epoch->base_bytes - offset;
    if (length > tw_disk.sector_bytes)
        length = tw_disk.sector_bytes;
    if (epoch->saved_count == epoch->saved_room) {
        epoch->saved_room = epoch->saved_room * 2 + 16;
        epoch->saved = room(epoch->saved, epoch->saved_room * sizeof *epoch->saved);
    }
    struct saved *saved = &epoch->saved[epoch->saved_count++];
    *saved = (struct saved){sector, (uint32_t)length, room(NULL, length)};
    if (pread(file->fd, saved->bytes, length, (off_t)offset) != (ssize_t)length)
        die("read before a change", file->name);
}

void tw_disk_change(struct tw_disk_file *file, uint64_t offset, uint64_t length)
{
    if (length == 0)
        return;
    struct epoch *epoch = file->newest;
    uint64_t first = offset / tw_disk.sector_bytes, last = (offset + length - 1) / tw_disk.sector_bytes;
    uint64_t size = tw_disk_file_size(file);
    if (offset > size) /* the gap becomes zeros */
        first = size / tw_disk.sector_bytes;
    if (last >= epoch->sectors) {
        size_t sectors = (size_t)last + 1 + (size_t)last / 2;
        epoch->dirty = room(epoch->dirty, sectors);
        memset(epoch->dirty + epoch->sectors, 0, sectors - epoch->sectors);
        epoch->sectors = sectors;
    }
    for (uint64_t sector = first; sector <= last; sector++)
        if (!epoch->dirty[sector]) {
            epoch->dirty[sector] = 1;
            save(file, epoch, sector);
        }
}

uint64_t tw_disk_sync_begin(struct tw_disk_file *file)
{
    uint64_t token = file->newest->number;
    epoch_begin(file, tw_disk_file_size(file));
    return token;
}

void tw_disk_sync_end(struct tw_disk_file *file, uint64_t token)
{
    forget_epochs(file, token);
}

/* ---- the cut ---- */

struct cut {
    uint8_t *state; /* by sector: 0 untouched, 1 lost, 2 kept */
    size_t sectors, dirty, kept;
    uint64_t durable_bytes, size_bytes, new_bytes;
};

static void collect(const struct tw_disk_file *file, struct cut *cut)
{
    for (const struct epoch *epoch = file->oldest; epoch != NULL; epoch = epoch->newer)
        cut->sectors = epoch->sectors > cut->sectors ? epoch->sectors : cut->sectors;
    cut->state = calloc(cut->sectors + 1, 1);
    if (cut->state == NULL)
        die("no memory for", file->name);
    for (const struct epoch *epoch = file->oldest; epoch != NULL; epoch = epoch->newer)
        for (size_t sector = 0; sector < epoch->sectors; sector++)
            cut->state[sector] |= epoch->dirty[sector];
    for (size_t sector = 0; sector < cut->sectors; sector++)
        cut->dirty += cut->state[sector];
    cut->durable_bytes = file->oldest->base_bytes;
    cut->size_bytes = cut->new_bytes = tw_disk_file_size(file);
}

/* Draws what stays, and from that the size. */
static void choose(struct cut *cut, enum tw_disk_keep keep)
{
    size_t prefix = keep == TW_DISK_KEEP_PREFIX ? (size_t)tw_disk_draw(cut->dirty + 1) : 0;
    uint64_t in_ten = keep == TW_DISK_KEEP_SCATTER ? tw_disk_draw(11) : 0;
    bool shrunk = cut->size_bytes < cut->durable_bytes; /* a cut length is one change: as a whole or not at all */
    if (shrunk && keep != TW_DISK_KEEP_NONE && tw_disk_draw(2) == 1)
        keep = TW_DISK_KEEP_ALL;
    else if (shrunk)
        keep = TW_DISK_KEEP_NONE;
    cut->new_bytes = shrunk && keep == TW_DISK_KEEP_ALL ? cut->size_bytes : cut->durable_bytes;
    for (size_t sector = 0, seen = 0; sector < cut->sectors; sector++) {
        if (!cut->state[sector])
            continue;
        bool stays = keep == TW_DISK_KEEP_ALL || (keep == TW_DISK_KEEP_PREFIX && seen < prefix) ||
                     (keep == TW_DISK_KEEP_SCATTER && tw_disk_draw(10) < in_ten);
        seen++;
        cut->state[sector] = stays ? 2 : 1;
        cut->kept += stays;
        uint64_t end = (sector + 1) * (uint64_t)tw_disk.sector_bytes;
        end = end > cut->size_bytes ? cut->size_bytes : end;
        if (stays && end > cut->new_bytes)
            cut->new_bytes = end;
    }
}

static const struct saved *oldest_saved(const struct tw_disk_file *file, uint64_t sector)
{
    for (const struct epoch *epoch = file->oldest; epoch != NULL; epoch = epoch->newer) {
        for (size_t i = 0; i < epoch->saved_count; i++)
            if (epoch->saved[i].sector == sector)
                return &epoch->saved[i];
        if (sector < epoch->sectors && epoch->dirty[sector])
            return NULL; /* it began beyond the end of the file */
    }
    return NULL;
}

/* What the sector held, and zeros behind that. */
static void put_back(struct tw_disk_file *file, const struct cut *cut, uint64_t sector)
{
    uint8_t bytes[4096] = {0};
    const struct saved *saved = oldest_saved(file, sector);
    if (saved != NULL)
        memcpy(bytes, saved->bytes, saved->length);
    uint64_t offset = sector * tw_disk.sector_bytes;
    if (offset >= cut->new_bytes)
        return;
    uint64_t length = cut->new_bytes - offset;
    length = length > tw_disk.sector_bytes ? tw_disk.sector_bytes : length;
    if (syscall(SYS_pwrite64, file->fd, bytes, (size_t)length, (long)offset) != (long)length)
        die("put back", file->name);
}

void tw_disk_revert(struct tw_disk_file *file, enum tw_disk_keep keep)
{
    struct cut cut = {0};
    collect(file, &cut);
    if (cut.dirty > 0) {
        choose(&cut, keep);
        if (syscall(SYS_ftruncate, file->fd, (long)cut.new_bytes) != 0)
            die("cut", file->name);
        for (size_t sector = 0; sector < cut.sectors; sector++)
            if (cut.state[sector] == 1)
                put_back(file, &cut, sector);
        tw_disk.report("reverted file=%s dirty=%zu kept=%zu durable=%llu written=%llu now=%llu\n", file->name,
                       cut.dirty, cut.kept, (unsigned long long)cut.durable_bytes, (unsigned long long)cut.size_bytes,
                       (unsigned long long)cut.new_bytes);
    }
    free(cut.state);
    uint64_t last = file->newest->number;
    epoch_begin(file, cut.new_bytes);
    forget_epochs(file, last);
}

void tw_disk_revert_all(enum tw_disk_keep keep)
{
    for (struct tw_disk_file *file = files; file != NULL; file = file->next)
        tw_disk_revert(file, keep);
}
