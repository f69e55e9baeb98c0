/* SPDX-License-Identifier: MIT
 *
 * A disk below one directory that takes no more, or whose syncs fail, at a moment that the test chooses: libc's
 * functions are replaced in the whole process, for RocksDB as well. Not together with sanitizers, which do the same.
 */
#ifndef TEST_FAILING_DISK_H
#define TEST_FAILING_DISK_H

#include <stdatomic.h>
#include <stdint.h>

enum health { WELL, FULL, FULL_HALFWAY, SYNC_FAILS, SYNC_HAS_NO_ROOM };
extern _Atomic enum health health;
extern _Atomic(const char *) root;    /* the directory; NULL: none */
extern _Thread_local uint64_t writes; /* of this thread, whatever came of them: RocksDB has threads that tidy up */
extern atomic_bool half_written;      /* of FULL_HALFWAY: one write was taken by half */

/* Right before a write of RocksDB's, or behind one that succeeded, once: what another thread might do then. */
extern void (*before_write)(void), (*behind_write)(void);
extern atomic_bool sync_lingers;  /* a sync that failed comes back when a write has failed, too */
extern atomic_uint writes_failed; /* RocksDB's, for this or any other reason */

#endif
