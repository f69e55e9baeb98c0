/* SPDX-License-Identifier: MIT
 *
 * Lines into a file that is renamed when it is large. A batch is written, then synced once: only then its lines have
 * arrived. Blocks on the disk, or on what hangs in its place: a carrier of aside_actor.h.
 */
#ifndef TW_DELIVERY_FILE_ACTOR_H
#define TW_DELIVERY_FILE_ACTOR_H

#include "actors/delivery/aside_actor.h"

/* rotate_bytes 0: it is never renamed. The path is copied. */
struct tw_carrier tw_file_carrier(const char *path, uint64_t rotate_bytes, uint32_t kept);

#endif
