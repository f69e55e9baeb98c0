/* SPDX-License-Identifier: MIT
 *
 * A frame: immutable bytes shared by reference count. The encoded log record is made once, by the gateway, and read by
 * journal, shards, exposure, scorer and router without a copy (lanes carry it by zmq_msg_init_data).
 * Thread: any; the count is atomic, the bytes never change after the maker let go of them.
 */
#ifndef TW_PROTOCOL_FRAME_H
#define TW_PROTOCOL_FRAME_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct tw_frame {
    atomic_uint references;
    uint32_t reserved;
    size_t length;   /* bytes used */
    size_t capacity; /* bytes there are */
    uint8_t bytes[];
};

struct tw_frame *tw_frame_new(size_t capacity);          /* one reference, length 0 */
struct tw_frame *tw_frame_share(struct tw_frame *frame); /* one reference more; returns frame */
void tw_frame_drop(struct tw_frame **frame);             /* one reference less; nulls the pointer; NULL is fine */

#endif
