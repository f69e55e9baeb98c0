/* SPDX-License-Identifier: MIT
 *
 * What every judge knows about the tape's time: the event clock's second, the session day, and the trade that stands
 * last. Each core keeps its own and moves it by the same records, so all agree.
 */
#ifndef TW_JUDGING_TAPE_CLOCK_H
#define TW_JUDGING_TAPE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/judging/event.h"
#include "protocol/log.h"

struct tw_tape_clock {
    int64_t second;    /* floor of the event clock in seconds; valid once `started` */
    bool started;      /* a trade or clock record was seen */
    bool roll_pending; /* the tick that reaches roll_ns rolls the session day */
    int64_t roll_ns;
    uint32_t session;       /* counts rolls */
    uint64_t session_first; /* first global sequence of the session day */
    struct tw_origin last;  /* the newest trade */
};

struct tw_tick {
    int64_t time_ns;         /* a whole second */
    int64_t second_before;   /* of the event clock */
    bool rolls;              /* the session day begins anew */
    uint64_t seq;            /* the crossing trade, or what the clock record follows */
    struct tw_origin origin; /* the same as an origin */
    uint32_t row;
};

/* A row of the block is about to be applied; true if a tick happens before it. */
bool tw_tape_clock_row(struct tw_tape_clock *clock, const struct tw_block *block, uint32_t row, struct tw_tick *tick);
/* A control record; true if it ticks (CLOCK). */
bool tw_tape_clock_control(struct tw_tape_clock *clock, const struct tw_control *control, struct tw_tick *tick);
/* After the last row of a block. */
void tw_tape_clock_block_end(struct tw_tape_clock *clock, const struct tw_block *block);

static inline struct tw_origin tw_block_origin(const struct tw_block *block, uint32_t row)
{
    struct tw_origin origin = {block->follows + 1 + row, tw_load_u64(block->pseq, row),
                               tw_load_u32(block->source, row)};
    return origin;
}

#endif
