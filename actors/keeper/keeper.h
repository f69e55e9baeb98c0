/* SPDX-License-Identifier: MIT
 *
 * The keeper's core: which parts of the snapshot under way are missing, when it is whole, which snapshots stay, which
 * days retention may drop, and when.
 *
 * Pure: no socket, clock, file, thread or random number. What the tape holds comes in the call or through the small
 * port `tw_keeper_days`. One owner, one thread.
 */
#ifndef TW_KEEPER_KEEPER_H
#define TW_KEEPER_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/gateway/gateway.h"
#include "protocol/snapshot.h"

struct tw_keeper_settings {
    uint32_t shards;
    uint32_t retain_days;  /* of event time; 0: all */
    uint64_t retain_bytes; /* of the data directory; 0: all */
};

struct tw_keeper;
struct tw_keeper *tw_keeper_new(const struct tw_keeper_settings *settings);
void tw_keeper_free(struct tw_keeper **keeper);

/* ---- the snapshot under way ---- */

/* What an actor says with some rows of its part. */
struct tw_keeper_slice {
    uint64_t lsn, seq; /* the SNAPSHOT record, and the last trade before it */
    enum tw_snapshot_part part;
    uint32_t index;      /* of the shard; else 0 */
    bool last;           /* the part is whole with it */
    uint64_t last_alert; /* the router's: its state is as after this alert */
};
enum tw_keeper_turn {
    TW_KEEPER_IGNORES, /* of a snapshot that was given up */
    TW_KEEPER_BEGINS,  /* the first of a new snapshot: begin a file, then add it */
    TW_KEEPER_ADDS
};
enum tw_keeper_turn tw_keeper_take(struct tw_keeper *keeper, const struct tw_keeper_slice *slice);
/* True when the snapshot under way may be finished: every part has ended and its record is durable. */
bool tw_keeper_whole(const struct tw_keeper *keeper, uint64_t durable_lsn);
/* Of the snapshot under way: its record, the trade and the alert before it. All 0 if there is none. */
struct tw_keeper_barrier {
    uint64_t lsn, seq, last_alert;
};
struct tw_keeper_barrier tw_keeper_under_way(const struct tw_keeper *keeper);
/* The whole one is a file now. */
void tw_keeper_finished(struct tw_keeper *keeper);
/* It cannot be written: what still comes of it is ignored. */
void tw_keeper_give_up(struct tw_keeper *keeper);
/* The newest snapshot of which nothing more comes, be it kept or given up: no actor is saving for it any more. */
uint64_t tw_keeper_done(const struct tw_keeper *keeper);

/* ---- the snapshots that are kept: the newest TW_SNAPSHOTS_KEPT ---- */
/* One that is there at the start; ascending. */
void tw_keeper_found(struct tw_keeper *keeper, uint64_t lsn);
/* One that may be removed, or 0. */
uint64_t tw_keeper_surplus(const struct tw_keeper *keeper);
void tw_keeper_removed(struct tw_keeper *keeper, uint64_t lsn);

/* ---- retention: whole UTC days of event time ---- */
struct tw_keeper_tape {
    int64_t first_ns, clock_ns;      /* event time of the first trade, and the event clock */
    uint64_t retained_seq, last_seq; /* trades in (retained_seq, last_seq] are there */
    uint64_t bytes;                  /* on the disk, but for what was dropped and waits for RocksDB */
};
struct tw_keeper_days {
    void *context;
    /* The last trade and record up to which all trades lie before `horizon_ns`; zeros for none. Never too far. */
    void (*before)(void *context, int64_t horizon_ns, uint64_t *last_seq, uint64_t *last_lsn);
};
/* Looks, now that a snapshot is complete, at what may go: by age relative to the event clock or by size, never of the
 * current day, never beyond the oldest kept snapshot. True: there is a wish, which stands until it was recorded. */
bool tw_keeper_look(struct tw_keeper *keeper, const struct tw_keeper_tape *tape, const struct tw_keeper_days *days);
/* What the gateway shall record; NULL: nothing. */
const struct tw_retention *tw_keeper_wish(const struct tw_keeper *keeper);
/* The wish for the trades up to last_seq stands in the log, at this record or before it. */
void tw_keeper_recorded(struct tw_keeper *keeper, uint64_t last_seq, uint64_t lsn);
/* What may be dropped now: its record is durable, and all kept snapshots lie behind it, so that no recovery reads again
 * what came before. NULL: nothing. */
const struct tw_retention *tw_keeper_droppable(const struct tw_keeper *keeper, uint64_t durable_lsn);
void tw_keeper_dropped(struct tw_keeper *keeper);
/* A drop waits for snapshots behind its record: the next one need not wait for its time. */
bool tw_keeper_hurries(const struct tw_keeper *keeper);

#endif
