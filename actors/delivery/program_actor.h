/* SPDX-License-Identifier: MIT
 *
 * A program that gets one alert on its standard input: no shell, no secrets in its environment, a process group of its
 * own that is killed when its time is over, or at a stop. A carrier of aside_actor.h: a program on a mount that hangs
 * holds up whoever starts it, until the kernel has read its beginning.
 */
#ifndef TW_DELIVERY_PROGRAM_ACTOR_H
#define TW_DELIVERY_PROGRAM_ACTOR_H

#include "actors/delivery/aside_actor.h"

struct tw_carrier tw_program_carrier(const char *words, int64_t timeout_ns); /* the words are copied */
/* What the kernel may take to kill one, before it is said to hang. */
#define TW_PROGRAM_KILL_NS TW_NS_PER_SECOND

#endif
