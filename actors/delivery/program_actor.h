/* SPDX-License-Identifier: MIT
 *
 * A program that gets one alert on its standard input: no shell, no secrets in its environment, a process group of its
 * own that is killed when its time is over. One run at a time. Never blocks.
 */
#ifndef TW_DELIVERY_PROGRAM_ACTOR_H
#define TW_DELIVERY_PROGRAM_ACTOR_H

#include <czmq.h>

#include "actors/delivery/attempt_actor.h"

struct tw_program;
struct tw_program *tw_program_new(int64_t timeout_ns);
void tw_program_begin(struct tw_program *program, struct tw_attempt *attempt);
int tw_program_wait_for(struct tw_program *program, zmq_pollitem_t *items, int count, int64_t *deadline_ns);
void tw_program_work(struct tw_program *program, int64_t now_ns, struct tw_ended *ended);
void tw_program_free(struct tw_program **program); /* NULL is fine; a run under way is killed */

#endif
