/* SPDX-License-Identifier: MIT */
#include "actors/judging/tape_clock.h"

#include "actors/judging/planted.h"
#include "protocol/check.h"

static void tick_at(struct tw_tape_clock *clock, int64_t second, struct tw_tick *tick)
{
    tick->time_ns = second * TW_NS_PER_SECOND;
    tick->second_before = clock->second;
    tick->rolls = clock->roll_pending && tick->time_ns >= clock->roll_ns;
    if (tick->rolls) {
        clock->roll_pending = false;
        clock->session++;
        clock->session_first = tick->seq;
    }
    clock->second = second;
}

bool tw_tape_clock_row(struct tw_tape_clock *clock, const struct tw_block *block, uint32_t row, struct tw_tick *tick)
{
    if (clock->started && (block->attrs[row] & TW_ATTR_TICK) == 0)
        return false;
    int64_t second = tw_load_i64(block->ts, row) / TW_NS_PER_SECOND;
    if (!clock->started) { /* the first trade of a log makes no tick */
        clock->started = true;
        clock->second = second;
        return false;
    }
    tick->origin = tw_block_origin(block, row);
    tick->seq = tick->origin.seq;
    tick->row = row;
    tick_at(clock, second, tick);
    return true;
}

bool tw_tape_clock_control(struct tw_tape_clock *clock, const struct tw_control *control, struct tw_tick *tick)
{
    if (control->kind == TW_CONTROL_SESSION) {
        clock->roll_pending = true;
        clock->roll_ns = control->ts_ns;
    } else if (control->kind == TW_CONTROL_SETTINGS) {
        clock->roll_pending = false; /* a crash tore it off; whoever wrote these settings works the rolls out again */
    }
    if (control->kind != TW_CONTROL_CLOCK && !(TW_PLANTED(ACTION_TICKS) && control->kind == TW_CONTROL_ACTION))
        return false;
    int64_t second = control->ts_ns / TW_NS_PER_SECOND;
    tick->origin = clock->last;
    tick->seq = control->follows;
    tick->row = 0;
    if (!clock->started) {
        clock->started = true;
        clock->second = second;
        return false;
    }
    tick_at(clock, second, tick);
    /* What follows belongs to the new session; the record itself took no sequence. */
    if (tick->rolls)
        clock->session_first = control->follows + 1;
    return true;
}

void tw_tape_clock_block_end(struct tw_tape_clock *clock, const struct tw_block *block)
{
    if (block->count > 0)
        clock->last = tw_block_origin(block, block->count - 1);
}
