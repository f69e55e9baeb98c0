/* SPDX-License-Identifier: MIT
 *
 * What every actor's shell that keeps a state shares to save it: from a SNAPSHOT record on the state goes to the keeper
 * in slices, one a turn of work, while the actor works on. It never waits for the keeper: while that lane is full,
 * nothing is sliced. So the keeper's pace is everybody's.
 *
 * Thread: the actor's own, but for new and free.
 */
#ifndef TW_RUNTIME_SAVER_H
#define TW_RUNTIME_SAVER_H

#include "actors/keeper/keeper.h"
#include "actors/runtime/agent.h"
#include "actors/runtime/pool.h"
#include "protocol/pack.h"

/* What goes down the lane to the keeper; a pool object, whose rows grow once and are used again. */
struct tw_slice {
    struct tw_keeper_slice about;
    struct tw_buffer rows; /* may be empty */
    /* The gateway's own: the wish for retention up to this trade stands in the log, at `recorded_lsn` or before. Such a
     * message carries nothing else. 0: it is a slice. */
    uint64_t recorded_seq, recorded_lsn;
};
struct tw_pool *tw_slices_new(void); /* a pool of them; shared by all savers, outlives them */

/* What the keeper says back to the gateway, in a cell. */
struct tw_keeper_report {
    uint64_t done_lsn; /* of the newest snapshot of which nothing more comes: the keeper is idle if it is the newest */
    bool hurries;      /* the next one need not wait for its time */
    bool has_wish;
    struct tw_retention wish;
};

/* What is saved: the core behind an actor. */
struct tw_saved {
    void *core;
    void (*begin)(void *core);                                     /* the state as it is now */
    bool (*save)(void *core, struct tw_buffer *out, size_t bytes); /* some rows; true: whole */
};

struct tw_saver;
/* `slices` NULL: nobody keeps, and the saver does nothing. */
struct tw_saver *tw_saver_new(enum tw_snapshot_part part, uint32_t index, const struct tw_saved *saved,
                              struct tw_pool *slices);
void tw_saver_free(struct tw_saver **saver);
void tw_saver_open(struct tw_saver *saver);
void tw_saver_close(struct tw_saver *saver);

/* The core has just stepped the record: if it is a SNAPSHOT, saving begins. `last_alert` is the router's; else 0. */
void tw_saver_meet(struct tw_saver *saver, const struct tw_record *record, uint64_t last_alert);
/* The same for the gateway, which makes the record. */
void tw_saver_begin(struct tw_saver *saver, uint64_t lsn, uint64_t seq, uint64_t last_alert);
/* At the end of a turn of work: a slice goes if there is one to go and room for it. What the turn shall return. */
enum tw_agent_progress tw_saver_turn(struct tw_saver *saver, enum tw_agent_progress progress);
/* Adds what the saver waits for, room in the lane, to what the actor waits for; returns the new count. */
int tw_saver_wait_for(struct tw_saver *saver, zmq_pollitem_t *items, int count);
/* The gateway's word about retention (struct tw_slice). False: no room now. */
bool tw_saver_say_recorded(struct tw_saver *saver, uint64_t seq, uint64_t lsn);

#endif
