/* SPDX-License-Identifier: MIT */
#include "actors/judging/velocity.h"

void tw_velocity_trade(struct tw_rule_desk *desk, struct tw_velocity_key *velocity, uint32_t key, int64_t window_ns,
                       bool enters, bool judged, const struct tw_moment *moment, struct tw_events *events)
{
    if (moment->ts_ns > velocity->clock_ns)
        velocity->clock_ns = moment->ts_ns;
    tw_window_evict(&velocity->window, velocity->clock_ns - window_ns);
    if (enters)
        tw_window_add(&velocity->window, velocity->clock_ns, moment->origin.seq);
    if (!judged)
        return;
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
    if (tw_episode_open(&velocity->episode) && count <= velocity->level.rearm)
        tw_level_apply(desk, &velocity->episode, key, &velocity->level, count, moment, events);
}
