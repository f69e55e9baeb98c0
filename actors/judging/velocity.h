/* SPDX-License-Identifier: MIT
 *
 * HIGH_TRANSACTION_VELOCITY for one kind of key: accounts (exposure) or symbols (shards). The same words in both
 * places.
 */
#ifndef TW_JUDGING_VELOCITY_H
#define TW_JUDGING_VELOCITY_H

#include "actors/judging/episode.h"
#include "actors/judging/window.h"

/* 80 bytes, of which the first 24 are needed by most trades only to see that nothing happened. */
struct tw_velocity_key {
    const struct tw_level *level;
    int64_t clock_ns;   /* the key's clock */
    int64_t horizon_ns; /* entries of the window up to here have left it */
    struct tw_window window;
    struct tw_episode episode;
    /* While closed: so many trades more cannot open it, whatever leaves the window meanwhile. While open: before this
     * time of the key's clock it cannot resolve, whatever comes. 0: to be looked at. */
    int64_t calm;
};
/* What was known of the next trades holds no more: another level, a bust, another state of the episode. */
static inline void tw_velocity_wake(struct tw_velocity_key *velocity)
{
    velocity->calm = 0;
}
static inline void tw_velocity_set_level(struct tw_velocity_key *velocity, const struct tw_level *level)
{
    velocity->level = level;
    tw_velocity_wake(velocity);
}

/* Up to where the window loses its entries when the key's clock moves to ts. */
int64_t tw_velocity_horizon(const struct tw_velocity_key *velocity, int64_t window_ns, int64_t ts_ns);
/* A trade of the key enters the window at the key's clock. */
void tw_velocity_enter(struct tw_rule_desk *desk, struct tw_velocity_key *velocity, int64_t window_ns,
                       const struct tw_moment *moment);
/* A bust of the key's trade `seq`: moves the clock, takes the entry out if it is still in. */
void tw_velocity_bust(struct tw_rule_desk *desk, struct tw_velocity_key *velocity, int64_t window_ns, int64_t ts_ns,
                      uint64_t seq);
uint32_t tw_velocity_count(const struct tw_velocity_key *velocity); /* at its clock */
void tw_velocity_judge(struct tw_rule_desk *desk, struct tw_velocity_key *velocity, uint32_t key, int64_t window_ns,
                       const struct tw_moment *moment, struct tw_events *events);
/* In a tick: counts the trades in (tick - window, tick] and resolves; removes nothing. Returns the time before which no
 * tick needs to look again. */
uint32_t tw_velocity_count_in_tick(const struct tw_velocity_key *velocity, int64_t window_ns, int64_t tick_ns);
int64_t tw_velocity_tick(struct tw_rule_desk *desk, struct tw_velocity_key *velocity, uint32_t key, int64_t window_ns,
                         const struct tw_moment *moment, struct tw_events *events);

#endif
