/* SPDX-License-Identifier: MIT */
#include "actors/judging/remarks.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"

#define LIST_FIRST 8192u

/* Room for `more` elements of `bytes` in an array; grows it to twice that. */
static void *grown(void *list, uint32_t *capacity, uint32_t count, uint32_t more, uint32_t first, size_t bytes)
{
    uint64_t needed = (uint64_t)count + more;
    TW_ASSERT(needed <= UINT32_MAX / 2);
    if (needed <= *capacity)
        return list;
    *capacity = needed < first ? first : (uint32_t)needed * 2;
    return tw_realloc(list, *capacity * bytes);
}

void tw_remarks_clear(struct tw_remarks *remarks)
{
    remarks->count = remarks->wide_count = remarks->tick_count = 0;
}

void tw_remarks_free(struct tw_remarks *remarks)
{
    free(remarks->list);
    free(remarks->wide);
    free(remarks->ticks);
    memset(remarks, 0, sizeof *remarks);
}

void tw_remarks_reserve(struct tw_remarks *remarks, uint32_t more)
{
    remarks->list = grown(remarks->list, &remarks->capacity, remarks->count, more, LIST_FIRST, sizeof *remarks->list);
}

void tw_remarks_add_wide(struct tw_remarks *remarks, tw_i128 change_e8, uint32_t account, bool is_short)
{
    remarks->wide = grown(remarks->wide, &remarks->wide_capacity, remarks->wide_count, 1, 16, sizeof *remarks->wide);
    remarks->wide[remarks->wide_count++] = (struct tw_remark_wide){change_e8, account, is_short};
}

void tw_remarks_end_tick(struct tw_remarks *remarks, uint32_t row)
{
    const struct tw_remark_tick *last = remarks->tick_count == 0 ? NULL : &remarks->ticks[remarks->tick_count - 1];
    if (last == NULL ? remarks->count == 0 && remarks->wide_count == 0
                     : last->end == remarks->count && last->wide_end == remarks->wide_count)
        return;
    remarks->ticks = grown(remarks->ticks, &remarks->tick_capacity, remarks->tick_count, 1, 64, sizeof *remarks->ticks);
    remarks->ticks[remarks->tick_count++] = (struct tw_remark_tick){row, remarks->count, remarks->wide_count};
}
