/* SPDX-License-Identifier: MIT
 *
 * What a disk would still have after a power cut: the shim's model of one directory tree. README.md beside it is its
 * text. The caller holds the shim's lock around every call; nothing here is thread-safe by itself.
 *
 * A file is followed by its inode, so renaming and removing change nothing of its data. Data counts as durable when a
 * sync that began after it was written has ended. Names (creations, removals, renames) count as durable when their
 * directory was synced, and not before: a sync of the file itself does not do it.
 */
#ifndef TW_FAULTS_DISK_H
#define TW_FAULTS_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How much of what was not synced survives the cut. */
enum tw_disk_keep {
    TW_DISK_KEEP_NONE,    /* nothing */
    TW_DISK_KEEP_PREFIX,  /* of each file the first sectors, of each directory the first changes; how many is drawn */
    TW_DISK_KEEP_SCATTER, /* of each file any sectors, zeros where others are missing; of names as above */
    TW_DISK_KEEP_ALL      /* everything */
};

struct tw_disk_model {
    uint32_t sector_bytes; /* written whole or not at all: 512 or 4096 */
    uint64_t chance;       /* state of the generator; the seed at first */
    char grave[4096];      /* a directory on the same file system; removed files wait there */
    void (*report)(const char *format, ...) __attribute__((format(printf, 1, 2)));
};
extern struct tw_disk_model tw_disk;

/* Uniform in [0, below). */
uint64_t tw_disk_draw(uint64_t below);

/* ---- data of files (disk_files.c) ---- */

struct tw_disk_file;
/* The file behind fd, which it keeps open by a descriptor of its own from the first time on. `created`: nothing of it
 * is durable; else what it holds when met first is. */
struct tw_disk_file *tw_disk_file(int fd, bool created, const char *name);
uint64_t tw_disk_file_size(const struct tw_disk_file *file);
/* Bytes from offset on are about to change, by writing or by cutting. */
void tw_disk_change(struct tw_disk_file *file, uint64_t offset, uint64_t length);
/* A sync begins: its token. With the token its end makes durable what stood there when it began. */
uint64_t tw_disk_sync_begin(struct tw_disk_file *file);
void tw_disk_sync_end(struct tw_disk_file *file, uint64_t token);
/* The file as the cut leaves it. */
void tw_disk_revert(struct tw_disk_file *file, enum tw_disk_keep keep);
void tw_disk_revert_all(enum tw_disk_keep keep);

/* ---- names (disk_names.c); paths are absolute, and inside the tree ---- */

enum tw_disk_change_kind { TW_DISK_CREATED, TW_DISK_REMOVED, TW_DISK_RENAMED };
/* A file, link or directory now stands at path. */
void tw_disk_created(const char *path);
/* Instead of unlink: the file goes to the grave. 0, or -1 with errno. */
int tw_disk_remove(const char *path);
/* Instead of rename; what stood at `to` goes to the grave. Both in one directory. */
int tw_disk_rename(const char *from, const char *to);
uint64_t tw_disk_names_sync_begin(void);
void tw_disk_names_sync_end(const char *directory, uint64_t token);
void tw_disk_names_revert(enum tw_disk_keep keep);

#endif
