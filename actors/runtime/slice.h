/* SPDX-License-Identifier: MIT
 *
 * How soon a thread gets a processor after it was woken. Threads that a trade's ack or alert waits for do little at a
 * time; with a short slice the kernel lets them in before those that compute for long.
 */
#ifndef TW_RUNTIME_SLICE_H
#define TW_RUNTIME_SLICE_H

/* Of the calling thread, and of those it starts. Needs no privilege. A kernel before 6.12 has no such wish, and nothing
 * changes then (sched_setattr(2), sched_runtime of SCHED_OTHER). */
void tw_slice_short(void);
void tw_slice_usual(void);

#endif
