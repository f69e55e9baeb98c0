/* SPDX-License-Identifier: MIT
 *
 * What the parts of the simulation share: the one random source, virtual time, the plan that a seed makes, the story
 * that is told, and failing. Everything runs on one thread; nothing asks the machine for anything.
 */
#ifndef TW_SIM_SIM_H
#define TW_SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/frame.h"
#include "protocol/pack.h"

#define SIM_MS INT64_C(1000000)
#define SIM_SECOND INT64_C(1000000000)
#define SIM_DAY (INT64_C(86400) * SIM_SECOND)
#define SIM_NEVER INT64_MAX
#define SIM_FUTURE_NS (5 * SIM_SECOND) /* limits/future */
#define SIM_SETS_MAX 24

/* ---- random ---- */
struct sim_random {
    uint64_t state;
};
uint64_t sim_random(struct sim_random *random);
uint32_t sim_below(struct sim_random *random, uint32_t bound);             /* 0 .. bound - 1; 0 for bound 0 */
int64_t sim_between(struct sim_random *random, int64_t low, int64_t high); /* both ends */
bool sim_chance(struct sim_random *random, uint32_t per_mille);
int64_t sim_about(struct sim_random *random, int64_t mean); /* long tail, mean about that */

/* ---- the plan of one run: everything that the seed decides beforehand ---- */
struct sim_plan {
    uint64_t seed;
    uint32_t publishers, feeds, subscribers, trades_each, symbols, accounts;
    bool anonymous, twins, short_names; /* twins: two processes under one name */
    uint32_t shards, block_trades_max, credit, lane_depth, answer_remarks;
    int64_t faults_until_ns, crash_every_ns, cut_every_ns, full_every_ns, leap_every_ns, step_every_ns;
    int64_t restart_publisher_every_ns, settings_every_ns, act_every_ns; /* act: one person, on an alert */
    uint32_t lose_pm, twice_pm, power_pm, damage_pm; /* of messages, of messages, of crashes, of crashes */
    int64_t latency_ns, fsync_ns, work_ns;
    uint32_t slow_actor; /* 0: none; else which one works 50 times slower */
    int64_t snapshot_every_ns;
    uint32_t snapshot_slice_bytes;
    uint32_t retain_days;
    uint32_t shelf_group, shelf_least, shelf_range; /* when what is known of ended alerts leaves the cores */
    int64_t trade_every_ns, quantum_ns;             /* between trades of one publisher; ts are multiples of it */
    uint32_t late_pm, bust_pm, bad_pm, big_pm, columnar_pm;
    int64_t wall_start_ns;
    int64_t roll_seconds;
    char sets[SIM_SETS_MAX][64];
    uint32_t set_count;
};
void sim_plan_make(struct sim_plan *plan, uint64_t seed);
void sim_plan_tell(const struct sim_plan *plan);

/* ---- the world ---- */
struct sim {
    struct sim_plan plan;
    struct sim_random random;
    int64_t now_ns, wall_offset_ns, wall_max_ns;
    bool told;      /* print the story */
    uint64_t print; /* a hash over everything that happened: equal for equal seeds */
    uint64_t steps;
    bool faults; /* still on */
    struct disk *disk;
    struct daemon *daemon; /* NULL: it is down */
    struct net *net;
    struct crowd *crowd; /* publishers */
    struct hall *hall;   /* subscribers */
    struct people *people;
    struct ledger *ledger;
};
int64_t sim_wall(struct sim *sim);

/* Mixes into the print and, if asked, tells it. */
void sim_tell(struct sim *sim, const char *who, const char *format, ...) __attribute__((format(printf, 3, 4)));
void sim_mix(struct sim *sim, uint64_t value);
/* A promise is broken: says so with the seed and ends the process, with this code. */
#define SIM_BROKE 1
_Noreturn void sim_fail(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define SIM_CHECK(sim, condition, ...) ((condition) ? (void)0 : sim_fail(sim, __VA_ARGS__))

/* Text of the settings in force: plan's sets, with `level` shifting some thresholds. */
void sim_rules_text(const struct sim *sim, uint32_t level, struct tw_buffer *out);
/* First roll of the session day after ts. */
int64_t sim_next_roll(void *plan, int64_t ts_ns);

/* Runs one seed to its end; aborts the process if a promise is broken. Returns the print. */
uint64_t sim_run(uint64_t seed, bool told);

#endif
