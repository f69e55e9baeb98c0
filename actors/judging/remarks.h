/* SPDX-License-Identifier: MIT
 *
 * What the ticks of one record change by re-marking, account by account. Busy days have hundreds of changes a trade,
 * written by a shard and read by exposure, so a change takes 16 bytes.
 */
#ifndef TW_JUDGING_REMARKS_H
#define TW_JUDGING_REMARKS_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/num.h"

/* The account's net exposure changes by `change_e8`, its gross one by as much, or by -change_e8 if it is short. */
struct tw_remark {
    int64_t change_e8;
    uint32_t account;
    uint32_t is_short;
};
struct tw_remark_wide { /* the same, when it or -change_e8 leaves int64 */
    tw_i128 change_e8;
    uint32_t account;
    uint32_t is_short;
};

struct tw_remarks {
    struct tw_remark *list; /* a tick's changes after those of the tick before; accounts in no order, also repeated */
    struct tw_remark_wide *wide;
    struct tw_remark_tick { /* a tick that changed something, in the order of rows */
        uint32_t row;       /* it comes before this row */
        uint32_t end, wide_end;
    } * ticks;
    uint32_t count, capacity, wide_count, wide_capacity, tick_count, tick_capacity;
};

void tw_remarks_clear(struct tw_remarks *remarks);
void tw_remarks_free(struct tw_remarks *remarks);
/* Room for so many more in `list`. */
void tw_remarks_reserve(struct tw_remarks *remarks, uint32_t more);
void tw_remarks_add_wide(struct tw_remarks *remarks, tw_i128 change_e8, uint32_t account, bool is_short);
/* There is room (tw_remarks_reserve). */
static inline void tw_remarks_add(struct tw_remarks *remarks, tw_i128 change_e8, uint32_t account, bool is_short)
{
    if (change_e8 == (int64_t)change_e8 && change_e8 != INT64_MIN)
        remarks->list[remarks->count++] = (struct tw_remark){(int64_t)change_e8, account, is_short};
    else
        tw_remarks_add_wide(remarks, change_e8, account, is_short);
}
/* The tick before `row` is over, as far as it is told here. */
void tw_remarks_end_tick(struct tw_remarks *remarks, uint32_t row);

#endif
