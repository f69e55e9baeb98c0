/* SPDX-License-Identifier: MIT
 *
 * The scheduler: whose turn it is, what time it is, what goes wrong now.
 */
#include "tests/sim/sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"
#include "tests/sim/crowd.h"
#include "tests/sim/daemon.h"
#include "tests/sim/disk.h"
#include "tests/sim/hall.h"
#include "tests/sim/ledger.h"
#include "tests/sim/net.h"
#include "tests/sim/people.h"

#define STEP_NS 1000
#define STOP_MAX_NS (120 * SIM_SECOND) /* virtual actors may be slow; that it takes 2 s is a test of the real one */
#define REST_MAX_NS (300 * SIM_SECOND) /* after the faults have ended everything must come to rest within this */

int64_t sim_wall(struct sim *sim)
{
    int64_t wall_ns = sim->plan.wall_start_ns + sim->now_ns + sim->wall_offset_ns;
    if (wall_ns > sim->wall_max_ns)
        sim->wall_max_ns = wall_ns;
    return wall_ns;
}

void sim_mix(struct sim *sim, uint64_t value)
{
    sim->print = (sim->print ^ value ^ (uint64_t)sim->now_ns) * UINT64_C(0x100000001b3);
    sim->print ^= sim->print >> 29;
}

void sim_tell(struct sim *sim, const char *who, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    for (const char *at = line; *at != '\0'; at++)
        sim->print = (sim->print ^ (uint8_t)*at) * UINT64_C(0x100000001b3);
    sim_mix(sim, 0);
    if (!sim->told)
        return;
    printf("%10.6f %-10s %s\n", (double)sim->now_ns / 1e9, who, line);
}

void sim_fail(struct sim *sim, const char *format, ...)
{
    va_list arguments;
    fflush(stdout);
    fprintf(stderr, "seed %llu broke a promise at %.6f s: ", (unsigned long long)sim->plan.seed,
            (double)sim->now_ns / 1e9);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\n");
    sim_plan_tell(&sim->plan);
    fprintf(stderr, "again, with the story: sim %llu --tell\n", (unsigned long long)sim->plan.seed);
    exit(SIM_BROKE);
}

/* ---- what goes wrong ---- */

struct faults {
    int64_t crash_ns, cut_ns, full_ns, leap_ns, step_ns, publisher_ns, settings_ns, up_ns, end_ns;
};

static int64_t later(struct sim *sim, int64_t every_ns)
{
    return every_ns >= SIM_NEVER / 8 ? SIM_NEVER : sim->now_ns + sim_about(&sim->random, every_ns);
}

static void plan_faults(struct sim *sim, struct faults *faults)
{
    const struct sim_plan *plan = &sim->plan;
    *faults =
        (struct faults){0}; /* one call a statement: the order of random numbers is the program's, no compiler's */
    faults->crash_ns = later(sim, plan->crash_every_ns);
    faults->cut_ns = later(sim, plan->cut_every_ns);
    faults->full_ns = later(sim, plan->full_every_ns);
    faults->leap_ns = later(sim, plan->leap_every_ns);
    faults->step_ns = later(sim, plan->step_every_ns);
    faults->publisher_ns = later(sim, plan->restart_publisher_every_ns);
    faults->settings_ns = later(sim, plan->settings_every_ns);
}

static bool due(struct sim *sim, int64_t *at_ns, int64_t every_ns)
{
    if (sim->now_ns < *at_ns)
        return false;
    *at_ns = later(sim, every_ns);
    return true;
}

static void crash(struct sim *sim, struct faults *faults)
{
    bool power = sim_chance(&sim->random, sim->plan.power_pm);
    struct disk *disk = sim->disk;
    if (sim->daemon != NULL)
        daemon_kill(&sim->daemon);
    net_cut_all(sim->net);
    disk_crash(disk, power);
    if (disk->snapshot_count > 1 && sim_chance(&sim->random, sim->plan.damage_pm)) {
        disk->snapshots[disk->snapshot_count - 1].damaged = !disk->snapshots[disk->snapshot_count - 2].damaged;
        sim_tell(sim, "disk", "snapshot %llu is damaged",
                 (unsigned long long)disk->snapshots[disk->snapshot_count - 1].lsn);
    }
    faults->up_ns = sim->now_ns + sim_about(&sim->random, 200 * SIM_MS);
}

/* Asked to stop: what was taken is finished, unless the disk is full; then the process ends, and nothing is lost. */
static void wait_for_end(struct sim *sim, struct faults *faults)
{
    struct disk *disk = sim->disk;
    bool finished = daemon_finished(sim->daemon);
    if (!finished && sim->now_ns < faults->end_ns)
        return;
    SIM_CHECK(sim, disk->full || finished, "a stop has not come to its end in time");
    SIM_CHECK(sim, !finished || disk->last_alert == ledger_alerts(sim->ledger), "a stop has left alerts unstored");
    daemon_kill(&sim->daemon);
    net_cut_all(sim->net);
    disk_crash(disk, false);
    faults->up_ns = sim->now_ns + sim_about(&sim->random, 200 * SIM_MS);
}

static void come_up(struct sim *sim, struct faults *faults)
{
    uint32_t shards = sim_chance(&sim->random, 500) ? sim->plan.shards : 1 + sim_below(&sim->random, 5);
    sim->disk->stop_at = sim->faults && sim_chance(&sim->random, 100) ? (int64_t)sim_below(&sim->random, 100) : -1;
    sim->daemon = daemon_start(sim, shards);
    if (sim->daemon == NULL)
        crash(sim, faults);
    else
        crowd_reconnect(sim->crowd);
}

static void change_settings(struct sim *sim)
{
    struct tw_buffer text = {0};
    if (sim->daemon == NULL || sim->daemon->stopping)
        return;
    sim->daemon->level = sim_below(&sim->random, 3);
    sim_tell(sim, "daemon", "settings %u are in force", sim->daemon->level);
    sim_rules_text(sim, sim->daemon->level, &text);
    tw_gateway_settings_changed(sim->daemon->gateway,
                                (struct tw_text){(const char *)text.bytes, (uint32_t)text.length});
    tw_buffer_free(&text);
}

static void strike(struct sim *sim, struct faults *faults)
{
    const struct sim_plan *plan = &sim->plan;
    if (due(sim, &faults->crash_ns, plan->crash_every_ns) && sim->daemon != NULL) {
        if (sim->daemon->stopping || sim_chance(&sim->random, 750)) {
            crash(sim, faults);
        } else {
            daemon_stop(sim->daemon);
            faults->end_ns = sim->now_ns + STOP_MAX_NS;
        }
    }
    if (due(sim, &faults->cut_ns, plan->cut_every_ns)) {
        crowd_cut(sim->crowd);
        hall_cut(sim->hall);
    }
    if (due(sim, &faults->full_ns, sim->disk->full ? 4 * SIM_SECOND : plan->full_every_ns))
        sim->disk->full = !sim->disk->full;
    if (due(sim, &faults->leap_ns, plan->leap_every_ns)) {
        sim->wall_offset_ns += sim_between(&sim->random, 1, 30 * 3600) * SIM_SECOND;
        sim_tell(sim, "sky", "it is much later");
    }
    if (due(sim, &faults->step_ns, plan->step_every_ns))
        sim->wall_offset_ns += sim_between(&sim->random, -4000, 4000) * SIM_MS;
    if (due(sim, &faults->publisher_ns, plan->restart_publisher_every_ns))
        crowd_restart(sim->crowd);
    if (due(sim, &faults->settings_ns, plan->settings_every_ns))
        change_settings(sim);
}

static int64_t next_fault(const struct faults *faults)
{
    const int64_t all[] = {faults->crash_ns, faults->cut_ns,       faults->full_ns,    faults->leap_ns,
                           faults->step_ns,  faults->publisher_ns, faults->settings_ns};
    int64_t next = SIM_NEVER;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        next = all[i] < next ? all[i] : next;
    return next;
}

/* ---- the run ---- */

static bool at_rest(struct sim *sim, char why[256])
{
    struct disk *disk = sim->disk;
    if (!crowd_satisfied(sim->crowd, why) || !people_satisfied(sim->people, why) || !hall_satisfied(sim->hall, why))
        return false;
    snprintf(why, 256, "%llu alerts are stored, the log gives %llu", (unsigned long long)disk->last_alert,
             (unsigned long long)ledger_alerts(sim->ledger));
    return disk->last_alert == ledger_alerts(sim->ledger);
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* One step of somebody, or on to the next moment at which something happens. */
static void step(struct sim *sim, struct faults *faults)
{
    if (sim->faults && sim->now_ns >= sim->plan.faults_until_ns) {
        sim_tell(sim, "sky", "no more faults");
        sim->faults = sim->disk->full = false;
    }
    if (sim->faults)
        strike(sim, faults);
    if (sim->daemon == NULL && sim->now_ns >= faults->up_ns)
        come_up(sim, faults);
    if (sim->daemon != NULL && sim->daemon->stopping)
        wait_for_end(sim, faults);
    int64_t next = sooner(net_deliver(sim->net), sooner(crowd_act(sim->crowd), hall_act(sim->hall)));
    next = sooner(next, people_act(sim->people));
    sim->steps++;
    if (sim->daemon != NULL && daemon_work(sim->daemon)) {
        sim->now_ns += STEP_NS;
        return;
    }
    next = sooner(next, sim->daemon != NULL ? daemon_due(sim->daemon) : faults->up_ns);
    if (sim->daemon != NULL && sim->daemon->stopping)
        next = sooner(next, sim->now_ns + 10 * SIM_MS);
    if (sim->faults)
        next = sooner(next, sooner(next_fault(faults), sim->plan.faults_until_ns));
    sim->now_ns = next > sim->now_ns ? next : sim->now_ns + STEP_NS;
}

static void open_world(struct sim *sim, uint64_t seed, bool told)
{
    sim_plan_make(&sim->plan, seed);
    sim->random.state = seed;
    sim->told = told;
    sim->faults = true;
    sim->disk = disk_new(sim);
    sim->net = net_new(sim);
    sim->ledger = ledger_new(sim);
    sim->crowd = crowd_new(sim);
    sim->hall = hall_new(sim);
    sim->people = people_new(sim);
}

static void close_world(struct sim *sim)
{
    if (sim->daemon != NULL)
        daemon_kill(&sim->daemon);
    ledger_free(&sim->ledger);
    net_free(&sim->net);
    crowd_free(&sim->crowd);
    hall_free(&sim->hall);
    people_free(&sim->people);
    disk_free(&sim->disk);
}

uint64_t sim_run(uint64_t seed, bool told)
{
    struct sim sim = {0};
    struct faults faults;
    char why[256] = "";
    open_world(&sim, seed, told);
    plan_faults(&sim, &faults);
    /* Twice to rest: the second time behind one more crash, so that what was left in the end can be found again. */
    for (int round = 0; round < 2; round++) {
        int64_t until_ns = sim.plan.faults_until_ns;
        while (sim.faults || !at_rest(&sim, why)) {
            step(&sim, &faults);
            if (sim.now_ns > until_ns + (round + 1) * REST_MAX_NS)
                sim_fail(&sim, "no progress: %s", why);
        }
        sim_tell(&sim, "sky", "at rest");
        if (round == 0)
            crash(&sim, &faults);
        while (sim.daemon == NULL)
            step(&sim, &faults);
    }
    ledger_close(sim.ledger);
    if (told)
        printf("seed %llu: %llu steps, %llu trades, %llu refused, %llu alerts, %llu actions, print %016llx\n",
               (unsigned long long)seed, (unsigned long long)sim.steps, (unsigned long long)ledger_trades(sim.ledger),
               (unsigned long long)ledger_refusals(sim.ledger), (unsigned long long)ledger_alerts(sim.ledger),
               (unsigned long long)ledger_actions(sim.ledger), (unsigned long long)sim.print);
    uint64_t print = sim.print;
    close_world(&sim);
    return print;
}
