/* SPDX-License-Identifier: MIT
 *
 * Datagrams to a local socket ("/dev/log") or by UDP ("udp:192.0.2.7:514", "udp:[2001:db8::7]:514"). One that was
 * handed over counts as delivered; what is full or not there fails, and nothing blocks.
 */
#ifndef TW_DELIVERY_DATAGRAM_ACTOR_H
#define TW_DELIVERY_DATAGRAM_ACTOR_H

#include "actors/delivery/attempt_actor.h"

struct tw_datagrams;
struct tw_datagrams *tw_datagrams_new(const char *address); /* one that the configuration has checked; outlives it */
void tw_datagrams_begin(struct tw_datagrams *datagrams, struct tw_attempt *attempt);
bool tw_datagrams_wait(const struct tw_datagrams *datagrams); /* some have ended and were not taken */
void tw_datagrams_work(struct tw_datagrams *datagrams, struct tw_ended *ended);
void tw_datagrams_free(struct tw_datagrams **datagrams); /* NULL is fine */

#endif
