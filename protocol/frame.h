/* SPDX-License-Identifier: MIT
 *
 * A frame: immutable bytes shared by reference count. The encoded log record is made once, by the gateway, and read by
 * journal, shards, exposure, scorer and router without a copy (lanes carry it by zmq_msg_init_data).
 * Thread: any; the count is atomic, the bytes never change after the maker let go of them.
 *
 * A frame pool gives frames out again whose last holder has dropped them, so that a steady flow of records allocates
 * nothing. Frames may outlive their pool's owner.
 */
#ifndef TW_PROTOCOL_FRAME_H
#define TW_PROTOCOL_FRAME_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct tw_frame_pool;

struct tw_frame {
    atomic_uint references;
    uint32_t size_class;        /* of its pool */
    struct tw_frame_pool *pool; /* NULL: memory of its own */
    struct tw_frame *next;      /* while nobody holds it */
    size_t length;              /* bytes used */
    size_t capacity;            /* bytes there are */
    uint64_t waits_as;          /* bytes, where what waits is bounded by them: its own, or more if it is much work */
    uint8_t bytes[];
};

struct tw_frame *tw_frame_new(size_t capacity);          /* one reference, length 0 */
struct tw_frame *tw_frame_share(struct tw_frame *frame); /* one reference more; returns frame */
void tw_frame_drop(struct tw_frame **frame);             /* one reference less; nulls the pointer; NULL is fine */

/* One thread owns the pool and takes from it; any thread may drop. What lies idle is bounded by
 * TW_FRAMES_IDLE_BYTES_MAX (protocol/limits.h). */
struct tw_frame_pool *tw_frame_pool_new(void);
void tw_frame_pool_close(
    struct tw_frame_pool **pool); /* its memory goes with the last frame that is out; NULL is fine */
/* One reference, length 0, at least `capacity` bytes; of its own memory if `pool` is NULL. */
struct tw_frame *tw_frame_take(struct tw_frame_pool *pool, size_t capacity);

#endif
