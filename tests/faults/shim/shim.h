/* SPDX-License-Identifier: MIT
 *
 * The inside of the preloaded library: shim.c has its state, calls.c stands before libc. Every function here wants the
 * lock, if it does not say otherwise.
 */
#ifndef TW_FAULTS_SHIM_H
#define TW_FAULTS_SHIM_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/faults/shim/disk.h"

#define SHIM_DESCRIPTORS_MAX 65536

enum shim_mode { SHIM_NONE, SHIM_KILL, SHIM_POWER, SHIM_EIO };

struct shim {
    enum shim_mode mode;
    bool after;         /* the fault comes when the sync took effect; else before it does */
    bool and_all_later; /* EIO for good */
    bool cut_at_exit;   /* the power goes when the process ends by itself */
    bool models;        /* it keeps account of what is durable */
    enum tw_disk_keep keep;
    uint64_t at, syncs; /* which sync, counted from 1; 0: none */
    uint64_t delay_us;  /* how long a sync takes at least */
    char root[PATH_MAX];
    int report_fd;
};
extern struct shim shim;

struct shim_descriptor {
    char *path; /* when it was opened */
    bool is_directory;
    struct tw_disk_file *file; /* NULL: a directory, or only read so far */
};

/* Without the lock. */
void shim_lock(void);
void shim_unlock(void);
void shim_report(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool shim_is_inside(const char *path);
/* fsync and fdatasync, with what may befall them. Without the lock. */
int shim_sync(int fd, const char *word, long call);

/* NULL: not inside the tree. Also without the lock, to see whether there is anything to do. */
struct shim_descriptor *shim_descriptor(int fd);
void shim_opened(int fd, const char *path, bool created, bool writes);
void shim_closed(int fd);
/* Does its worst; does not return. */
void shim_fire(const char *why) __attribute__((noreturn));

#endif
