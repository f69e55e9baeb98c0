/* SPDX-License-Identifier: MIT
 *
 * The event clock (RULES: "Time"): the maximum ts accepted. A trade in a later second than the clock's ticks; a tick
 * that reaches the roll of the session day is preceded by a SESSION record. While the market is quiet a clock record a
 * second does what no trade does.
 */
#include "actors/gateway/inside.h"

#include <stdio.h>

static int64_t roll_after(const struct tw_gateway *gateway, int64_t ts_ns)
{
    int64_t roll = gateway->settings.next_roll(gateway->settings.next_roll_context, ts_ns);
    TW_ASSERT(roll > ts_ns);
    return roll;
}

static void set_clock(struct tw_event_clock *clock, int64_t ts_ns)
{
    clock->ns = ts_ns;
    clock->next_second_ns = (ts_ns / TW_NS_PER_SECOND + 1) * TW_NS_PER_SECOND;
}

static void start_clock(struct tw_gateway *gateway, int64_t ts_ns)
{
    gateway->clock.started = true;
    set_clock(&gateway->clock, ts_ns);
    gateway->clock.next_roll_ns = roll_after(gateway, ts_ns);
}

/* A tick at `second_ns` rolls the session day if its time was reached. However many days passed: one roll, the last. */
static void roll_session(struct tw_gateway *gateway, int64_t second_ns)
{
    struct tw_event_clock *clock = &gateway->clock;
    if (second_ns < clock->next_roll_ns)
        return;
    int64_t reached = clock->next_roll_ns;
    int64_t next = roll_after(gateway, reached);
    while (next <= second_ns) {
        reached = next;
        next = roll_after(gateway, reached);
    }
    clock->next_roll_ns = next;
    tw_gateway_stage_control(
        gateway, (struct tw_control){.kind = TW_CONTROL_SESSION, .ts_ns = reached, .number = (uint64_t)next});
}

/* The accounts and symbols at its first tick stand for all its ticks: a block brings few. */
static void count_tick(struct tw_gateway *gateway)
{
    struct tw_open_block *open = &gateway->open;
    uint32_t keys_max = gateway->settings.tick_keys_max;
    if (keys_max == 0)
        return;
    if (open->ticks != 0 && open->ticks == open->ticks_max)
        tw_gateway_finish(gateway);
    if (open->ticks++ != 0)
        return;
    uint32_t keys = tw_dictionary_count(gateway->accounts) + tw_dictionary_count(gateway->symbols);
    open->ticks_max = keys < keys_max ? keys_max / (keys + 1) : 1;
}

uint8_t tw_gateway_clock_cross(struct tw_gateway *gateway, int64_t ts_ns)
{
    if (!gateway->clock.started) {
        start_clock(gateway, ts_ns);
        return 0;
    }
    roll_session(gateway, ts_ns - ts_ns % TW_NS_PER_SECOND);
    set_clock(&gateway->clock, ts_ns);
    count_tick(gateway);
    return TW_ATTR_TICK;
}

void tw_gateway_clock_restore(struct tw_gateway *gateway, int64_t ts_ns)
{
    if (!gateway->clock.started)
        start_clock(gateway, ts_ns);
    else if (ts_ns > gateway->clock.ns)
        set_clock(&gateway->clock, ts_ns);
}

void tw_gateway_clock_new_rolls(struct tw_gateway *gateway)
{
    if (gateway->clock.started)
        gateway->clock.next_roll_ns = roll_after(gateway, gateway->clock.ns);
}

static bool market_is_quiet(const struct tw_gateway *gateway, int64_t wall_ns, int64_t now_ns)
{
    const struct tw_event_clock *clock = &gateway->clock;
    if (gateway->disk_held) /* trades may be waiting */
        return false;
    if (!gateway->settings.idle_clock || !clock->started || now_ns - gateway->accepted_ns < TW_GATEWAY_IDLE_NS)
        return false;
    return clock->ns - wall_ns <= TW_GATEWAY_IDLE_REACH_NS && wall_ns - clock->ns <= TW_GATEWAY_IDLE_REACH_NS;
}

int64_t tw_gateway_clock(struct tw_gateway *gateway, int64_t wall_ns, int64_t now_ns)
{
    TW_ASSERT(gateway->started);
    if (!gateway->heard_time) { /* quiet is counted from the first time that we hear of */
        gateway->heard_time = true;
        gateway->accepted_ns = now_ns;
    }
    int64_t next_ns = now_ns + TW_GATEWAY_CLOCK_PERIOD_NS;
    if (market_is_quiet(gateway, wall_ns, now_ns)) {
        int64_t second_ns = wall_ns - wall_ns % TW_NS_PER_SECOND;
        if (second_ns >= gateway->clock.next_second_ns) {
            roll_session(gateway, second_ns);
            tw_gateway_stage_control(gateway, (struct tw_control){.kind = TW_CONTROL_CLOCK, .ts_ns = second_ns});
            set_clock(&gateway->clock, second_ns);
            gateway->counters.clock_records++;
        }
        int64_t to_next_second_ns = second_ns + TW_NS_PER_SECOND - wall_ns;
        if (now_ns + to_next_second_ns < next_ns)
            next_ns = now_ns + to_next_second_ns;
    }
    tw_gateway_ack_cadence(gateway, now_ns);
    return gateway->cadence_ns < next_ns ? gateway->cadence_ns : next_ns;
}
