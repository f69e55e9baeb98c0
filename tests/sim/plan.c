/* SPDX-License-Identifier: MIT
 *
 * What a seed decides beforehand. Ranges are wide and skewed to the small: small blocks, short lanes, short windows
 * meet each other's edges more often.
 */
#include <stdio.h>
#include <string.h>

#include "cfg/cfg.h"
#include "protocol/check.h"
#include "protocol/limits.h"
#include "tests/sim/sim.h"

/* ---- random: splitmix64 ---- */

uint64_t sim_random(struct sim_random *random)
{
    uint64_t z = (random->state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint32_t sim_below(struct sim_random *random, uint32_t bound)
{
    return bound == 0 ? 0 : (uint32_t)(sim_random(random) % bound);
}

int64_t sim_between(struct sim_random *random, int64_t low, int64_t high)
{
    return low + (int64_t)(sim_random(random) % (uint64_t)(high - low + 1));
}

bool sim_chance(struct sim_random *random, uint32_t per_mille)
{
    return sim_below(random, 1000) < per_mille;
}

int64_t sim_about(struct sim_random *random, int64_t mean)
{
    if (sim_chance(random, 30))
        return mean + sim_between(random, 0, 20 * mean);
    return sim_between(random, 1, 2 * mean);
}

/* ---- settings ---- */

static void set(struct sim_plan *plan, const char *format, const char *value)
{
    TW_ASSERT(plan->set_count < SIM_SETS_MAX);
    snprintf(plan->sets[plan->set_count++], sizeof plan->sets[0], format, value);
}

static void set_number(struct sim_plan *plan, const char *key, int64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)value);
    snprintf(plan->sets[plan->set_count++], sizeof plan->sets[0], "%s=%s", key, text);
}

static void choose_rules(struct sim_plan *plan, struct sim_random *random)
{
    static const char *const measures[] = {"gross", "gross", "net", "turnover", "turnover"};
    static const char *const keys[] = {"symbol", "symbol", "account", "system"};
    static const char *const switches[] = {"on", "off"};
    static const int64_t remarks[] = {0, 1, 1, 2, 5};
    set(plan, "exposure/measure=%s", measures[sim_below(random, 5)]);
    set_number(plan, "exposure/remark", remarks[sim_below(random, 5)]);
    set(plan, "rules/velocity/symbol=%s", switches[sim_below(random, 2)]);
    set_number(plan, "rules/velocity/window", sim_between(random, 1, 15));
    set(plan, "rules/anomaly/key=%s", keys[sim_below(random, 4)]);
    int64_t window = sim_between(random, 5, 60);
    set_number(plan, "rules/anomaly/window", window);
    set_number(plan, "rules/anomaly/minimum", sim_between(random, 3, window < 20 ? window : 20));
    set_number(plan, "rules/anomaly/quiet", sim_between(random, 1, 20));
    set_number(plan, "rules/large_trade/threshold", sim_between(random, 1000, 8000));
    plan->roll_seconds = 60 * (sim_chance(random, 500) ? 0 : sim_between(random, 1, 1439));
    char roll[8];
    snprintf(roll, sizeof roll, "%02d:%02d", (int)(plan->roll_seconds / 3600), (int)(plan->roll_seconds / 60 % 60));
    set(plan, "session/roll=%s", roll);
    /* 2024-02-29, at some time of the day; two in three seconds before the session rolls. */
    int64_t second = sim_between(random, 0, 86399);
    if (sim_chance(random, 667))
        second = plan->roll_seconds - sim_between(random, 0, 30);
    plan->wall_start_ns = (INT64_C(1709164800) + second) * SIM_SECOND;
}

void sim_rules_text(const struct sim *sim, uint32_t level, struct tw_buffer *out)
{
    static const char *const levels[3][9] = {
        /* each ends with NULL */
        {"rules/client_exposure/threshold=60000", "rules/symbol_exposure/threshold=90000", "rules/velocity/threshold=5",
         "rules/anomaly/medium=2.5"},
        {"rules/client_exposure/threshold=40000.5", "rules/symbol_exposure/threshold=120000",
         "rules/symbol_exposure/enabled=off", "rules/velocity/threshold=4", "rules/velocity/enabled=off",
         "rules/anomaly/medium=2", "rules/anomaly/window=20", "rules/anomaly/key=account"},
        {"rules/client_exposure/threshold=90000", "rules/client_exposure/enabled=off",
         "rules/symbol_exposure/threshold=70000.123", "rules/velocity/threshold=7", "rules/velocity/client=off",
         "rules/anomaly/medium=3", "rules/anomaly/window=40", "rules/anomaly/key=system"}};
    const char *sets[SIM_SETS_MAX + 9];
    struct tw_cfg_error error;
    size_t count = 0;
    for (uint32_t i = 0; i < sim->plan.set_count; i++)
        sets[count++] = sim->plan.sets[i];
    for (const char *const *set = levels[level]; *set != NULL; set++)
        sets[count++] = *set;
    struct tw_cfg_sources sources = {.sets = sets, .set_count = count};
    struct tw_cfg *cfg = tw_cfg_load(&sources, &error);
    if (cfg == NULL)
        tw_check_failed(error.text, __FILE__, __LINE__, __func__);
    tw_cfg_rules_text(cfg, out);
    tw_cfg_free(&cfg);
}

int64_t sim_next_roll(void *context, int64_t ts_ns)
{
    const struct sim_plan *plan = context;
    int64_t shift = plan->roll_seconds * SIM_SECOND;
    return ((ts_ns - shift) / SIM_DAY + 1) * SIM_DAY + shift;
}

/* ---- the plan ---- */

static int64_t often(struct sim_random *random, uint32_t per_mille, int64_t low, int64_t high)
{
    return sim_chance(random, per_mille) ? sim_between(random, low, high) : SIM_NEVER / 4;
}

static void choose_faults(struct sim_plan *plan, struct sim_random *random)
{
    plan->faults_until_ns = sim_between(random, 10, 40) * SIM_SECOND;
    plan->crash_every_ns = often(random, 850, 1500 * SIM_MS, 12 * SIM_SECOND);
    plan->cut_every_ns = often(random, 600, 300 * SIM_MS, 5 * SIM_SECOND);
    plan->full_every_ns = often(random, 300, 3 * SIM_SECOND, 15 * SIM_SECOND);
    plan->leap_every_ns = often(random, 400, 4 * SIM_SECOND, 15 * SIM_SECOND);
    plan->step_every_ns = often(random, 200, 2 * SIM_SECOND, 10 * SIM_SECOND);
    plan->restart_publisher_every_ns = often(random, 600, 2 * SIM_SECOND, 10 * SIM_SECOND);
    plan->settings_every_ns = often(random, 400, 2 * SIM_SECOND, 10 * SIM_SECOND);
    plan->lose_pm = sim_chance(random, 500) ? sim_below(random, 150) : 0;
    plan->twice_pm = sim_chance(random, 500) ? sim_below(random, 150) : 0;
    plan->power_pm = sim_below(random, 1001);
    plan->damage_pm = sim_chance(random, 400) ? 300 : 0;
    plan->latency_ns = sim_between(random, 1, 40) * SIM_MS;
    plan->fsync_ns =
        sim_chance(random, 300) ? sim_between(random, 1, 200) * SIM_MS : sim_between(random, 1, 10) * SIM_MS;
    plan->work_ns = sim_between(random, 5, 400) * 1000;
    plan->slow_actor = sim_chance(random, 400) ? 1 + sim_below(random, 12) : 0;
}

static void choose_tape(struct sim_plan *plan, struct sim_random *random)
{
    static const int64_t quanta[] = {1, 1000000, 500000000, 1000000000};
    plan->publishers = 1 + sim_below(random, 4);
    plan->feeds = sim_chance(random, 300) ? 1 + sim_below(random, 2) : 0;
    plan->anonymous = sim_chance(random, 300);
    plan->twins = sim_chance(random, 150);
    plan->subscribers = 1 + sim_below(random, 3);
    plan->trades_each = 20 + sim_below(random, 180);
    plan->symbols = 1 + sim_below(random, 10);
    plan->accounts = 1 + sim_below(random, 10);
    plan->trade_every_ns = sim_between(random, 20, 400) * SIM_MS;
    plan->quantum_ns = quanta[sim_below(random, 4)];
    plan->late_pm = sim_chance(random, 500) ? sim_below(random, 300) : 0;
    plan->bust_pm = sim_chance(random, 700) ? sim_below(random, 150) : 0;
    plan->bad_pm = sim_below(random, 60);
    plan->big_pm = sim_below(random, 60);
    plan->columnar_pm = sim_chance(random, 200) ? 0 : sim_below(random, 1001);
}

void sim_plan_make(struct sim_plan *plan, uint64_t seed)
{
    static const uint32_t blocks[] = {1, 2, 7, 64, 8190}, credits[] = {40, 200, 65536}, depths[] = {1, 2, 8, 32};
    struct sim_random random = {seed * UINT64_C(0x2545f4914f6cdd1d) + 1};
    *plan = (struct sim_plan){.seed = seed};
    plan->shards = 1 + sim_below(&random, 4);
    plan->block_trades_max = blocks[sim_below(&random, 5)];
    plan->credit = credits[sim_below(&random, 3)];
    plan->lane_depth = depths[sim_below(&random, 4)];
    plan->snapshot_every_ns = sim_between(&random, 500, 8000) * SIM_MS;
    plan->snapshot_slice_bytes = 1u << sim_between(&random, 4, 14);
    plan->retain_days = sim_chance(&random, 500) ? 1 : 0;
    choose_faults(plan, &random);
    choose_tape(plan, &random);
    choose_rules(plan, &random);
    plan->answer_remarks = sim_chance(&random, 500) ? 1 + sim_below(&random, 4) : TW_ANSWER_REMARKS_MAX;
    plan->act_every_ns = often(&random, 700, 100 * SIM_MS, 3 * SIM_SECOND);
    plan->shelf_group = 1 + sim_below(&random, 4);
    plan->shelf_least = 1 + sim_below(&random, 2);
    plan->shelf_range = 4 + sim_below(&random, 9);
}

static void tell_time(const char *what, int64_t ns)
{
    if (ns < SIM_NEVER / 8)
        fprintf(stderr, " %s=%.3fs", what, (double)ns / 1e9);
}

void sim_plan_tell(const struct sim_plan *plan)
{
    fprintf(stderr,
            "seed %llu: publishers=%u feeds=%u anonymous=%d twins=%d subscribers=%u trades=%u symbols=%u accounts=%u "
            "shards=%u block=%u credit=%u lanes=%u slice=%u retain_days=%u lose=%u twice=%u power=%u damage=%u slow=%u "
            "late=%u bust=%u bad=%u big=%u columns=%u shelf=%u/%u/%u quantum=%lldns",
            (unsigned long long)plan->seed, plan->publishers, plan->feeds, plan->anonymous, plan->twins,
            plan->subscribers, plan->trades_each, plan->symbols, plan->accounts, plan->shards, plan->block_trades_max,
            plan->credit, plan->lane_depth, plan->snapshot_slice_bytes, plan->retain_days, plan->lose_pm,
            plan->twice_pm, plan->power_pm, plan->damage_pm, plan->slow_actor, plan->late_pm, plan->bust_pm,
            plan->bad_pm, plan->big_pm, plan->columnar_pm, plan->shelf_group, plan->shelf_least, plan->shelf_range,
            (long long)plan->quantum_ns);
    tell_time("faults_until", plan->faults_until_ns);
    tell_time("crash", plan->crash_every_ns);
    tell_time("cut", plan->cut_every_ns);
    tell_time("full", plan->full_every_ns);
    tell_time("leap", plan->leap_every_ns);
    tell_time("step", plan->step_every_ns);
    tell_time("restart", plan->restart_publisher_every_ns);
    tell_time("settings", plan->settings_every_ns);
    tell_time("act", plan->act_every_ns);
    tell_time("snapshot", plan->snapshot_every_ns);
    tell_time("latency", plan->latency_ns);
    tell_time("fsync", plan->fsync_ns);
    tell_time("trade", plan->trade_every_ns);
    for (uint32_t i = 0; i < plan->set_count; i++)
        fprintf(stderr, " %s", plan->sets[i]);
    fprintf(stderr, "\n");
}
