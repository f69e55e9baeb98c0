/* SPDX-License-Identifier: MIT
 *
 * How much waits between two actors, in bytes: beside a lane whose messages are of very different sizes. A bound in
 * messages that holds for the largest would be reached by some tens of milliseconds of the smallest.
 *
 * Who sends adds and looks whether there is room, who receives takes away when it has done with a message. Two threads;
 * nobody is woken: a sender without room looks again after TW_BACKLOG_LOOK_NS, in which the receiver cannot come to the
 * end of what waits.
 */
#ifndef TW_RUNTIME_BACKLOG_H
#define TW_RUNTIME_BACKLOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "protocol/check.h"

#define TW_BACKLOG_LOOK_NS INT64_C(1000000)

struct tw_backlog {
    uint64_t most;  /* no message goes while as much waits; so it may be exceeded by one */
    uint32_t least; /* but for so many messages, which go however large they are */
    _Atomic uint32_t messages;
    _Atomic uint64_t bytes;
};

static inline bool tw_backlog_has_room(const struct tw_backlog *backlog)
{
    return atomic_load_explicit(&backlog->bytes, memory_order_relaxed) < backlog->most ||
           atomic_load_explicit(&backlog->messages, memory_order_relaxed) < backlog->least;
}
/* For a sender that had none: to come back for each message that is done with costs both sides more than the message.
 */
static inline bool tw_backlog_is_half_empty(const struct tw_backlog *backlog)
{
    return atomic_load_explicit(&backlog->bytes, memory_order_relaxed) < backlog->most / 2 ||
           atomic_load_explicit(&backlog->messages, memory_order_relaxed) < backlog->least / 2;
}
static inline void tw_backlog_add(struct tw_backlog *backlog, uint64_t bytes)
{
    atomic_fetch_add_explicit(&backlog->messages, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&backlog->bytes, bytes, memory_order_relaxed);
}
static inline void tw_backlog_take(struct tw_backlog *backlog, uint64_t bytes)
{
    atomic_fetch_sub_explicit(&backlog->messages, 1, memory_order_relaxed);
    uint64_t before = atomic_fetch_sub_explicit(&backlog->bytes, bytes, memory_order_relaxed);
    TW_ASSERT(before >= bytes); /* more than was added: nothing would ever go again */
}

#endif
