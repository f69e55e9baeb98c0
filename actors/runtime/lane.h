/* SPDX-License-Identifier: MIT
 *
 * Lanes: one inproc PUSH/PULL pair for each edge between two actors, few messages deep. Frames and hand-overs go
 * through without a copy. Lanes go downstream and push back when they are full; what flows back is in cells (cell.h).
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

#endif
