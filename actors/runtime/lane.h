/* SPDX-License-Identifier: MIT
 *
 * Lanes: one inproc PUSH/PULL pair for each edge between two actors, few messages deep. Frames and hand-overs go
 * through without a copy. Downstream lanes push back when they are full; what flows back (watermarks) is a latest value
 * on a conflated lane and never blocks.
 *
 * Thread: a socket belongs to the actor that opened it.
 */
#ifndef TW_RUNTIME_LANE_H
#define TW_RUNTIME_LANE_H

#include <czmq.h>
#include <stdbool.h>
#include <stdint.h>

#include "protocol/frame.h"

/* The PULL end binds, the PUSH end connects; inproc allows either first. Aborts only if libzmq has no socket left. */
zsock_t *tw_lane_pull(const char *name);
zsock_t *tw_lane_push(const char *name);
/* Shorter or longer than others: `hwm` messages together, from each that pushes. */
zsock_t *tw_lane_pull_sized(const char *name, int hwm);
zsock_t *tw_lane_push_sized(const char *name, int hwm);
zsock_t *tw_lane_latest_pull(const char *name); /* conflated: only the newest message */
zsock_t *tw_lane_latest_push(const char *name);

/* ---- sending; all return false with EAGAIN when the lane is full, and leave ownership with the caller then ---- */

/* One reference of the frame travels with the message. `more`: a further part follows. */
bool tw_lane_send_frame(zsock_t *lane, struct tw_frame *frame, bool more);
/* Hands an object of a pool over: the receiver calls `release(object, hint)` when it closes the message. */
bool tw_lane_send_object(zsock_t *lane, void *object, size_t size, void (*release)(void *object, void *hint),
                         void *hint);
/* The end of the lane: an empty message, the last one ever. */
bool tw_lane_send_end(zsock_t *lane);

/* ---- receiving: one part, without waiting; false if there is none ---- */
bool tw_lane_receive(zsock_t *lane, zmq_msg_t *message);
/* Before a received message is sent on as it is: its bytes change hands (for ThreadSanitizer). */
void tw_lane_hand_over(zmq_msg_t *message);
static inline bool tw_lane_is_end(zmq_msg_t *message)
{
    return zmq_msg_size(message) == 0;
}
/* The frame whose bytes a message carries (borrowed; share it to keep it beyond the message). */
struct tw_frame *tw_lane_frame(zmq_msg_t *message);

/* The newest value of a conflated lane; false if none came since, or it is of another size. What is sent while the
 * other end looks may come only with the next value (libzmq 4.3.4): who sends repeats its last one. At most 33 bytes.
 */
bool tw_lane_receive_latest(zsock_t *lane, void *value, size_t size);

/* ---- watermarks ---- */
/* What is said before the pull end is open is lost: libzmq takes it for a greeting. And the pull end must be open once:
 * libzmq 4.3.4 aborts in zmq_ctx_term if a conflated socket was closed whose inproc peer never came. */
struct tw_watermark {
    uint64_t lsn; /* durable after fsync */
    uint64_t seq;
    uint32_t disk_full; /* 1: the store takes no more for now */
    uint32_t given_up;  /* 1: nor will it before the end: a stop while the disk is full */
};
void tw_lane_send_watermark(zsock_t *lane, struct tw_watermark watermark);
bool tw_lane_receive_watermark(zsock_t *lane, struct tw_watermark *watermark);

#endif
