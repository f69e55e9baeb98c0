/* SPDX-License-Identifier: MIT
 *
 * An open loop: so many trades a second, whatever the receiver does. Looks at the clock a thousand times a second at
 * most, so that fast paces cost nothing per trade.
 */
#ifndef TW_TOOLS_PACE_H
#define TW_TOOLS_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct tw_pace {
    uint64_t rate; /* trades per second; 0: as fast as it goes */
    uint64_t done, group;
    int64_t started_ns;
};

static inline struct tw_pace tw_pace_start(uint64_t rate, int64_t now_ns)
{
    return (struct tw_pace){.rate = rate, .group = rate / 1000 > 1 ? rate / 1000 : 1, .started_ns = now_ns};
}

/* Whether the next trade may have to wait: worth looking at the clock. */
static inline bool tw_pace_looks(const struct tw_pace *pace)
{
    return pace->rate != 0 && pace->done % pace->group == 0;
}

/* When the next trade is due. */
static inline int64_t tw_pace_due_ns(const struct tw_pace *pace)
{
    return pace->started_ns + (int64_t)((unsigned __int128)pace->done * 1000000000u / pace->rate);
}

#endif
