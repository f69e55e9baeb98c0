/* SPDX-License-Identifier: MIT
 *
 * Cells: the newest value that one actor says to another, such as how far the log is durable. What was not read yet is
 * replaced, so a writer never waits and a reader is never behind. Three copies and one atomic exchange: neither end can
 * hold the other up. Whoever reads is woken through a descriptor, once for all that came since.
 *
 * A cell's two ends meet by name, as a lane's do (actors/runtime/lanes.h), in either order; what was written before the
 * reader came waits for it. It goes with the last end that closes.
 *
 * Thread: one writes, one reads; opening and closing from any.
 */
#ifndef TW_RUNTIME_CELL_H
#define TW_RUNTIME_CELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zmq.h>

struct tw_cell;

/* Aborts only if the process has no descriptor left. `size`, the same at both ends: of the value, at most 64 bytes. */
struct tw_cell *tw_cell_open(const char *name, size_t size);
void tw_cell_close(struct tw_cell **cell); /* NULL is fine */

void tw_cell_write(struct tw_cell *cell, const void *value);
/* False, and `value` is left alone, if nothing was written since the last time. No system call then, so ask freely. */
bool tw_cell_read(struct tw_cell *cell, void *value);
/* What a reader waits for. It may be woken once more than there is something to read. */
zmq_pollitem_t tw_cell_item(const struct tw_cell *cell);

/* ---- what the journal says to gateway, router and indexer ---- */

struct tw_watermark {
    uint64_t lsn; /* durable after fsync */
    uint64_t seq;
    bool disk_full; /* the store takes no more for now */
    bool given_up;  /* nor will it before the end: a stop while the disk is full */
};

#endif
