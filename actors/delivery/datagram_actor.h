/* SPDX-License-Identifier: MIT
 *
 * Datagrams to a local socket ("/dev/log") or by UDP ("udp:192.0.2.7:514", "udp:[2001:db8::7]:514"). One that was
 * handed over counts as delivered; what is full or not there fails. A carrier of aside_actor.h: a local socket has a
 * path, and that may be on a mount that hangs.
 */
#ifndef TW_DELIVERY_DATAGRAM_ACTOR_H
#define TW_DELIVERY_DATAGRAM_ACTOR_H

#include "actors/delivery/aside_actor.h"

struct tw_carrier tw_datagram_carrier(const char *address); /* one that the configuration has checked; copied */

#endif
