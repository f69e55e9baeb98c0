/* SPDX-License-Identifier: MIT
 *
 * The session calendar: when the trading day rolls, in a time zone with its daylight changes. The gateway's port; what
 * it answers enters the log as a record, so that a replay never asks.
 *
 * The process has one zone (TZ): set up before other threads start, read only afterwards.
 */
#ifndef TW_RUNTIME_SESSION_H
#define TW_RUNTIME_SESSION_H

#include <stdint.h>

struct tw_session {
    int32_t roll_seconds; /* local time of day */
};

/* `zone` is an IANA name that the configuration has checked. Main thread, before any other starts. */
void tw_session_init(struct tw_session *session, const char *zone, int64_t roll_seconds);

/* What the zone's clocks show at that moment, as seconds since 1970-01-01 00:00 on them. Any thread. */
int64_t tw_session_local_seconds(int64_t ts_ns);

/* The first roll strictly after ts (1990 or later): the first moment of a day at which local clocks show that time.
 * Where daylight saving skips it, the moment of the jump; where it comes twice, the first. Depends on nothing but zone
 * and ts, so that a restart cannot roll a day twice. */
int64_t tw_session_next_roll(void *session, int64_t ts_ns);

#endif
