/* SPDX-License-Identifier: MIT
 *
 * Messages over TCP ("tcp:192.0.2.7:601", "tcp:[2001:db8::7]:601"), each behind its length (RFC 6587, octet counting).
 * A batch that the kernel took counts as delivered: nobody answers. A carrier of aside_actor.h: connecting and sending
 * block, at most for the time limit.
 */
#ifndef TW_DELIVERY_STREAM_ACTOR_H
#define TW_DELIVERY_STREAM_ACTOR_H

#include "actors/delivery/aside_actor.h"

struct tw_carrier tw_stream_carrier(const char *address, int64_t timeout_ns); /* the address is copied */

#endif
