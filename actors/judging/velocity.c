/* SPDX-License-Identifier: MIT */
#include "actors/judging/velocity.h"

#include "actors/judging/planted.h"

int64_t tw_velocity_horizon(const struct tw_velocity_key *velocity, int64_t window_ns, int64_t ts_ns)
{
    int64_t clock_ns = ts_ns > velocity->clock_ns ? ts_ns : velocity->clock_ns;
    return clock_ns - window_ns - TW_PLANTED(WINDOW_OFF_BY_ONE);
}

static void move_clock(struct tw_velocity_key *velocity, int64_t window_ns, int64_t ts_ns)
{
    if (ts_ns > velocity->clock_ns)
        velocity->clock_ns = ts_ns;
    tw_window_evict(&velocity->window, tw_velocity_horizon(velocity, window_ns, ts_ns));
}

void tw_velocity_enter(struct tw_velocity_key *velocity, int64_t window_ns, const struct tw_moment *moment)
{
    move_clock(velocity, window_ns, moment->ts_ns);
    tw_window_add(&velocity->window, velocity->clock_ns, moment->origin.seq);
}

void tw_velocity_bust(struct tw_velocity_key *velocity, int64_t window_ns, int64_t ts_ns, uint64_t seq)
{
    move_clock(velocity, window_ns, ts_ns);
    tw_window_remove(&velocity->window, seq);
}

void tw_velocity_judge(struct tw_rule_desk *desk, struct tw_velocity_key *velocity, uint32_t key,
                       const struct tw_moment *moment, struct tw_events *events)
{
    uint32_t count = tw_window_size(&velocity->window);
    struct tw_event *event = tw_level_apply(desk, &velocity->episode, key, &velocity->level, count, moment, events);
    if (event == NULL || event->kind == TW_EVENT_RESOLVE)
        return;
    uint64_t latest[TW_WINDOW_EVIDENCE_MAX];
    uint32_t listed = tw_window_latest(&velocity->window, TW_WINDOW_EVIDENCE_MAX, latest);
    tw_event_evidence(events, event, latest, listed, count);
}

void tw_velocity_tick(struct tw_rule_desk *desk, struct tw_velocity_key *velocity, uint32_t key, int64_t window_ns,
                      const struct tw_moment *moment, struct tw_events *events)
{
    uint32_t count = tw_window_count_after(&velocity->window, moment->ts_ns - window_ns);
    tw_level_apply(desk, &velocity->episode, key, &velocity->level, count, moment, events);
}
