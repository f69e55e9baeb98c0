/* SPDX-License-Identifier: MIT */
#include "actors/judging/velocity.h"

#include "actors/judging/planted.h"

int64_t tw_velocity_horizon(const struct tw_velocity_key *velocity, int64_t window_ns, int64_t ts_ns)
{
    int64_t clock_ns = ts_ns > velocity->clock_ns ? ts_ns : velocity->clock_ns;
    return clock_ns - window_ns - TW_PLANTED(WINDOW_OFF_BY_ONE);
}

/* What left the window does not return, though a larger one is set. */
static void move_clock(struct tw_velocity_key *velocity, int64_t window_ns, int64_t ts_ns)
{
    int64_t horizon_ns = tw_velocity_horizon(velocity, window_ns, ts_ns);
    if (ts_ns > velocity->clock_ns)
        velocity->clock_ns = ts_ns;
    if (velocity->window.count == 0 || horizon_ns > velocity->horizon_ns)
        velocity->horizon_ns = horizon_ns;
}

void tw_velocity_enter(struct tw_rule_desk *desk, struct tw_velocity_key *velocity, int64_t window_ns,
                       const struct tw_moment *moment)
{
    move_clock(velocity, window_ns, moment->ts_ns);
    tw_window_add(&velocity->window, desk->area, velocity->clock_ns, moment->origin.seq, velocity->horizon_ns);
}

void tw_velocity_bust(struct tw_rule_desk *desk, struct tw_velocity_key *velocity, int64_t window_ns, int64_t ts_ns,
                      uint64_t seq)
{
    move_clock(velocity, window_ns, ts_ns);
    tw_window_evict(&velocity->window, desk->area, velocity->horizon_ns);
    tw_window_remove(&velocity->window, seq);
    tw_velocity_wake(velocity);
    tw_rule_desk_look(desk, &velocity->episode);
}

uint32_t tw_velocity_count(const struct tw_velocity_key *velocity)
{
    return tw_window_count_after(&velocity->window, velocity->horizon_ns);
}

static uint32_t beyond(tw_i128 tier)
{
    return tier >= (tw_i128)UINT32_MAX ? UINT32_MAX : tier < 0 ? 0 : (uint32_t)tier + 1;
}

/* Closed, and the count is within the level: so far below it that a look at the window is due after some trades only.
 */
static bool stays_closed(struct tw_velocity_key *velocity)
{
    if (velocity->calm > 0) {
        velocity->calm--;
        return true;
    }
    uint32_t opens = beyond(velocity->level->tier1);
    if (tw_window_holds(&velocity->window, opens, velocity->horizon_ns))
        return false;
    velocity->calm = (int64_t)opens - 1 - tw_velocity_count(velocity);
    return true;
}

/* Open, and the count is above the level where it resolves, and was so often enough lately that it will be for some
 * time. It is not so high either that the alert grows. */
static bool stays_open(struct tw_velocity_key *velocity, int64_t window_ns)
{
    const struct tw_window *window = &velocity->window;
    const struct tw_level *level = velocity->level;
    if (velocity->clock_ns < velocity->calm)
        return true;
    uint32_t holds = beyond(level->rearm);
    if (!tw_window_holds(window, holds, velocity->horizon_ns))
        return false;
    if (level->tier2 != TW_I128_MAX && velocity->episode.severity < TW_SEVERITY_CRITICAL)
        return !tw_window_holds(window, beyond(level->tier2), velocity->horizon_ns);
    if (window->removed == 0 && holds > 0)
        velocity->calm = tw_window_time(window, holds) + window_ns;
    return true;
}

/* True if nothing can be said whatever the count is exactly: most trades need no count. */
static bool is_quiet(struct tw_velocity_key *velocity, int64_t window_ns)
{
    return tw_episode_open(&velocity->episode) ? stays_open(velocity, window_ns) : stays_closed(velocity);
}

void tw_velocity_judge(struct tw_rule_desk *desk, struct tw_velocity_key *velocity, uint32_t key, int64_t window_ns,
                       const struct tw_moment *moment, struct tw_events *events)
{
    if (is_quiet(velocity, window_ns))
        return;
    uint32_t count = tw_velocity_count(velocity);
    struct tw_event *event = tw_level_apply(desk, &velocity->episode, key, velocity->level, count, moment, events);
    tw_velocity_wake(velocity);
    if (event == NULL || event->kind == TW_EVENT_RESOLVE)
        return;
    uint64_t latest[TW_WINDOW_EVIDENCE_MAX];
    uint32_t listed = count < TW_WINDOW_EVIDENCE_MAX ? count : TW_WINDOW_EVIDENCE_MAX;
    tw_window_latest(&velocity->window, listed, latest);
    tw_event_evidence(events, event, latest, listed, count);
}

uint32_t tw_velocity_count_in_tick(const struct tw_velocity_key *velocity, int64_t window_ns, int64_t tick_ns)
{
    int64_t horizon_ns = tick_ns - window_ns;
    return tw_window_count_after(&velocity->window,
                                 horizon_ns > velocity->horizon_ns ? horizon_ns : velocity->horizon_ns);
}

/* Trades that come make it later, busts ask for a look (tw_velocity_bust). */
static int64_t resolves_not_before(const struct tw_velocity_key *velocity, int64_t window_ns)
{
    uint32_t least = beyond(velocity->level->rearm);
    if (!tw_episode_open(&velocity->episode) || velocity->window.removed > 0 || least > velocity->window.count)
        return INT64_MIN;
    return tw_window_time(&velocity->window, least) + window_ns;
}

int64_t tw_velocity_tick(struct tw_rule_desk *desk, struct tw_velocity_key *velocity, uint32_t key, int64_t window_ns,
                         const struct tw_moment *moment, struct tw_events *events)
{
    uint32_t count = tw_velocity_count_in_tick(velocity, window_ns, moment->ts_ns);
    if (tw_level_apply(desk, &velocity->episode, key, velocity->level, count, moment, events) != NULL)
        tw_velocity_wake(velocity);
    return resolves_not_before(velocity, window_ns);
}
