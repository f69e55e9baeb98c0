/* SPDX-License-Identifier: MIT
 *
 * All transports as one: who carries what, and how they are waited for. The actor's thread only; never blocks.
 */
#ifndef TW_DELIVERY_CARRIAGE_ACTOR_H
#define TW_DELIVERY_CARRIAGE_ACTOR_H

#include <czmq.h>

#include "actors/delivery/attempt_actor.h"

struct tw_carriage;
/* Of the transports that the receivers need. The configuration outlives it; curl_global_init was called before. */
struct tw_carriage *tw_carriage_new(const struct tw_cfg *cfg, const struct tw_receivers *receivers);
/* What is under way is cut off. NULL is fine. */
void tw_carriage_free(struct tw_carriage **carriage);

void tw_carriage_begin(struct tw_carriage *carriage, struct tw_attempt *attempt);
/* Adds what to wait for; *deadline_ns (CLOCK_MONOTONIC) comes nearer if need be. Returns the new count. */
int tw_carriage_wait_for(struct tw_carriage *carriage, zmq_pollitem_t *items, int count, int64_t *deadline_ns);
bool tw_carriage_has_work(const struct tw_carriage *carriage); /* at once, without waiting */
void tw_carriage_work(struct tw_carriage *carriage, int64_t now_ns, struct tw_ended *ended);

#endif
