/* SPDX-License-Identifier: MIT */
#include "actors/runtime/session.h"

#include <stdlib.h>
#include <time.h>

#include "protocol/limits.h"

void tw_session_init(struct tw_session *session, const char *zone, int64_t roll_seconds)
{
    setenv("TZ", zone, 1);
    tzset();
    session->roll_seconds = (int32_t)roll_seconds;
}

int64_t tw_session_next_roll(void *context, int64_t ts_ns)
{
    const struct tw_session *session = context;
    time_t seconds = (time_t)(ts_ns / TW_NS_PER_SECOND);
    struct tm local;
    if (localtime_r(&seconds, &local) == NULL)
        return INT64_MAX;
    for (int day = 0; day < 3; day++) {
        struct tm roll = {.tm_year = local.tm_year,
                          .tm_mon = local.tm_mon,
                          .tm_mday = local.tm_mday + day,
                          .tm_hour = session->roll_seconds / 3600,
                          .tm_min = session->roll_seconds / 60 % 60,
                          .tm_sec = session->roll_seconds % 60,
                          .tm_isdst = -1};
        time_t at = mktime(&roll);
        if (at != (time_t)-1 && at > seconds)
            return (int64_t)at * TW_NS_PER_SECOND;
    }
    return INT64_MAX;
}
