/* SPDX-License-Identifier: MIT
 *
 * Lines into a file that is renamed when it is large. Written, then synced once for all of a turn: only then they have
 * ended. Blocks on the disk.
 */
#ifndef TW_DELIVERY_FILE_ACTOR_H
#define TW_DELIVERY_FILE_ACTOR_H

#include "actors/delivery/attempt_actor.h"

struct tw_lines;
/* rotate_bytes 0: it is never renamed; the path outlives it. */
struct tw_lines *tw_lines_new(const char *path, uint64_t rotate_bytes, uint32_t kept);
void tw_lines_begin(struct tw_lines *lines, struct tw_attempt *attempt);
bool tw_lines_wait(const struct tw_lines *lines); /* some are written and not synced */
void tw_lines_work(struct tw_lines *lines, struct tw_ended *ended);
void tw_lines_free(struct tw_lines **lines); /* NULL is fine; what is not synced has not ended */

#endif
