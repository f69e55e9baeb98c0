/* SPDX-License-Identifier: MIT */
#include "actors/runtime/session.h"

#include <stdlib.h>
#include <time.h>

#include "protocol/check.h"
#include "protocol/limits.h"

#define SECONDS_A_DAY INT64_C(86400)

void tw_session_init(struct tw_session *session, const char *zone, int64_t roll_seconds)
{
    setenv("TZ", zone, 1);
    tzset();
    session->roll_seconds = (int32_t)roll_seconds;
}

/* Seconds by which the zone's clocks are ahead of UTC at that moment. */
static int64_t offset_at(int64_t moment)
{
    time_t seconds = (time_t)moment;
    struct tm local;
    return localtime_r(&seconds, &local) == NULL ? 0 : (int64_t)local.tm_gmtoff;
}

int64_t tw_session_local_seconds(int64_t ts_ns)
{
    int64_t seconds = ts_ns / TW_NS_PER_SECOND - (ts_ns % TW_NS_PER_SECOND < 0 ? 1 : 0);
    return seconds + offset_at(seconds);
}

/* The moment in (from, to] at which the offset that stands at `from` ends. */
static int64_t transition(int64_t from, int64_t to)
{
    int64_t before = offset_at(from);
    while (to - from > 1) {
        int64_t middle = from + (to - from) / 2;
        if (offset_at(middle) == before)
            from = middle;
        else
            to = middle;
    }
    return to;
}

/* The first moment at which local clocks show that time, given as if they were UTC's, or jump over it. Not mktime: for
 * a time that comes twice its answer depends on what it was asked before. */
static int64_t moment_of(int64_t local)
{
    int64_t before = offset_at(local - SECONDS_A_DAY), after = offset_at(local + SECONDS_A_DAY);
    if (before == after || offset_at(local - before) == before)
        return local - before;
    if (offset_at(local - after) == after)
        return local - after;
    return transition(local - after, local - before); /* skipped: the offset grew between the two */
}

int64_t tw_session_next_roll(void *context, int64_t ts_ns)
{
    const struct tw_session *session = context;
    int64_t seconds = ts_ns / TW_NS_PER_SECOND, local = seconds + offset_at(seconds);
    int64_t midnight = local - local % SECONDS_A_DAY;
    for (int day = -1; day <= 2; day++) { /* a jump may put yesterday's roll into today; a day may be missing */
        int64_t roll = moment_of(midnight + day * SECONDS_A_DAY + session->roll_seconds);
        if (roll > seconds)
            return roll * TW_NS_PER_SECOND;
    }
    TW_UNREACHABLE("three days without a roll");
}
