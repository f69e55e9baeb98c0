/* SPDX-License-Identifier: MIT */
#include "tests/sim/daemon.h"
#include "tests/sim/ledger.h"

#define RETRY_NS (250 * SIM_MS)

static void announce(struct daemon *daemon)
{
    static const enum daemon_actor readers[] = {GATEWAY, ROUTER, KEEPER};
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
        daemon->watermark[readers[i]] = (struct watermark){daemon->sim->disk->last_lsn, daemon->journal_full, true};
}

bool journal_may(struct daemon *daemon)
{
    if (daemon->syncing || daemon->journal_full)
        return daemon->sim->now_ns >= daemon->journal_due_ns;
    return daemon->journal_lane.count > 0;
}

static void be_full(struct daemon *daemon, bool full)
{
    if (daemon->journal_full != full)
        sim_tell(daemon->sim, "journal", full ? "the disk is full" : "there is room on the disk again");
    daemon->journal_full = full;
}

void journal_work(struct daemon *daemon)
{
    struct sim *sim = daemon->sim;
    struct item item;
    if (daemon->syncing) {
        daemon->syncing = false;
        disk_append_end(sim->disk);
        ledger_synced(sim->ledger);
        for (uint32_t i = 0; i < daemon->batch_count; i++)
            tw_frame_drop(&daemon->batch[i]);
        daemon->batch_count = 0;
        announce(daemon);
        return;
    }
    while (daemon->batch_count < TW_JOURNAL_BATCH_ITEMS_MAX && lane_pop(&daemon->journal_lane, &item))
        daemon->batch[daemon->batch_count++] = item.frame;
    if (!disk_append_begin(sim->disk, daemon->batch, daemon->batch_count)) {
        be_full(daemon, true);
        daemon->journal_due_ns = sim->now_ns + RETRY_NS;
        announce(daemon);
        return;
    }
    be_full(daemon, false);
    daemon->syncing = true;
    daemon->journal_due_ns = sim->now_ns + sim_about(&sim->random, sim->plan.fsync_ns);
}
