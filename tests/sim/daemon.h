/* SPDX-License-Identifier: MIT
 *
 * The simulated daemon: the real cores, and around them the shells' duties step by step, small, without a thread or a
 * socket. What each step mirrors:
 *
 * - daemon_gateway.c: actors/gateway/gateway_actor.c (watermark, records to all lanes, messages in, clock, acks) and
 *   barrier_actor.c (SNAPSHOT and RETENTION records as the keeper wants them)
 * - daemon_judging.c: shard_actor.c, exposure_actor.c, scorer_actor.c (one record, the parts of the answer of each
 * shard, pass on)
 * - daemon_router.c: actors/router/router_actor.c (wait until durable, step, store, publish; heads) and
 *   actors/catchup/catchup_actor.c (pages of stored alerts and refusals)
 * - daemon_journal.c: actors/journal/journal_actor.c (gather, one batch, one fsync, watermark; a full disk is a hold)
 * - daemon_keeper.c: actors/keeper/keeper_actor.c (slices into a file; prune; retention) and actors/runtime/saver.c
 *   (one slice a turn of work while there is room)
 * - daemon_desk.c: the keeper's part for people and actors/lifecycle/desk_actor.c (one request at a time; an answer
 * when it is durable)
 * - daemon.c: actors/topology.c (recovery, start, stop, who may work; lanes of bounded depth)
 *
 * An actor works only if it has something to do and room for what comes of it, as in the daemon where it would sleep in
 * a poll. Which of those that may work goes next is the scheduler's whim.
 */
#ifndef TW_SIM_DAEMON_H
#define TW_SIM_DAEMON_H

#include "actors/exposure/exposure.h"
#include "actors/gateway/gateway.h"
#include "actors/keeper/keeper.h"
#include "actors/lifecycle/silences.h"
#include "actors/router/evidence.h"
#include "actors/router/router.h"
#include "actors/scorer/scorer.h"
#include "actors/shard/shard.h"
#include "tests/sim/disk.h"
#include "tests/sim/people.h"
#include "tests/sim/sim.h"

#define DAEMON_LANE_MAX 64
#define DAEMON_INTAKE_MAX 64
#define DAEMON_SHARDS_MAX 8

enum daemon_actor {
    GATEWAY,
    JOURNAL,
    EXPOSURE,
    SCORER,
    ROUTER,
    CATCHUP,
    KEEPER,
    SHARD,
    ACTORS = SHARD + DAEMON_SHARDS_MAX
};

struct slice {
    struct tw_keeper_slice about;
    struct tw_buffer rows;
    uint64_t recorded_seq, recorded_lsn;
};

struct item { /* on a lane: its own references and objects */
    struct tw_frame *frame;
    struct tw_shard_answer *answer;
    struct tw_events *events;
    struct slice *slice;
    struct tw_buffer topic, payload; /* catch-up answers; an action */
};
struct lane {
    struct item items[DAEMON_LANE_MAX];
    uint32_t first, count, depth;
};
bool lane_has_room(const struct lane *lane);
void lane_push(struct lane *lane, struct item item);
bool lane_pop(struct lane *lane, struct item *item);
void item_free(struct item *item);

struct saver { /* one for each actor that has a part */
    struct tw_keeper_slice about;
    bool saving;
};

struct watermark { /* a latest value, as each of its readers knows it */
    uint64_t lsn;
    bool full, fresh;
};

struct message {
    struct tw_buffer bytes;
    enum tw_lane lane;
};

struct daemon {
    struct sim *sim;
    uint32_t shards;
    bool stopping; /* SIGTERM: takes no more, finishes what was taken */
    int64_t busy_until_ns[ACTORS];
    struct lane journal_lane, exposure_lane, scorer_lane, router_lane, catchup_lane, keeper_lane;
    struct lane actions_lane;
    struct lane shard_lane[DAEMON_SHARDS_MAX], answer_lane[DAEMON_SHARDS_MAX];
    struct saver savers[ACTORS];
    struct watermark watermark[ACTORS];

    /* gateway */
    struct tw_gateway *gateway;
    struct message intake[DAEMON_INTAKE_MAX], feed_intake[DAEMON_INTAKE_MAX];
    uint32_t intake_count, feed_count;
    struct tw_frame *frame;
    uint32_t next_lane;
    int64_t clock_due_ns, snapshot_due_ns;
    uint64_t started_from, snapshot_lsn, snapshot_seq, said_seq, said_lsn;
    bool unsaid;
    struct tw_keeper_report {
        uint64_t done_lsn;
        bool hurries, has_wish;
        struct tw_retention wish;
    } report;
    uint32_t level; /* of the settings in force */

    /* journal */
    struct tw_frame *batch[TW_JOURNAL_BATCH_ITEMS_MAX];
    uint32_t batch_count;
    bool syncing, journal_full;
    int64_t journal_due_ns;

    /* shards, exposure, scorer */
    struct tw_shard *shard[DAEMON_SHARDS_MAX];
    struct tw_frame *shard_record[DAEMON_SHARDS_MAX]; /* not answered to its end yet */
    struct tw_shard_answer *shard_waiting[DAEMON_SHARDS_MAX];
    struct tw_exposure *exposure;
    struct tw_frame *exposure_record;
    struct tw_shard_answer *answers[DAEMON_SHARDS_MAX];
    struct tw_events *exposure_judging, *exposure_waiting; /* judging: a part of an answer is missing */
    struct tw_scorer *scorer;
    struct item scored; /* waits for room */

    /* router and catch-up */
    struct tw_router *router;
    struct tw_evidence_source *evidence;
    struct item routed;
    bool has_batch;
    struct tw_router_alert *list; /* of the record at hand; own bytes */
    uint64_t *hidden;             /* the silences that hide them; 0: none */
    uint32_t list_count, list_capacity;
    uint32_t stored;
    int64_t judged_ns; /* wall clock, when their silences were looked up */
    struct tw_silences *silences;
    struct tw_buffer arena;
    int64_t head_due_ns, router_retry_ns;
    struct tw_buffer request, requests[DAEMON_INTAKE_MAX];
    uint32_t request_count;
    struct tw_catchup request_at_hand;
    bool serving;
    uint64_t position, given_last;
    uint32_t given;

    /* keeper */
    struct tw_keeper *keeper;
    struct disk_snapshot writing;
    bool finishing;
    int64_t keeper_due_ns;

    /* its desk */
    struct wish *asked[DAEMON_INTAKE_MAX], *awaited;
    uint32_t asked_count;
    uint64_t sent_h, awaited_h;
    int64_t patience_ns;
};

/* Recovers and starts. NULL: it was killed meanwhile, or the disk is full; the next start goes on from there. */
struct daemon *daemon_start(struct sim *sim, uint32_t shards);
void daemon_kill(struct daemon **daemon);
/* Lets one actor that may work do so. False: nobody may before daemon_due. */
bool daemon_work(struct daemon *daemon);
int64_t daemon_due(const struct daemon *daemon);

/* SIGTERM has come; true when all that was taken has gone its way. */
void daemon_stop(struct daemon *daemon);
bool daemon_finished(struct daemon *daemon);

/* What the network brings. False: no room now (PUSH waits). */
bool daemon_take(struct daemon *daemon, enum tw_lane lane, const void *bytes, size_t length);
bool daemon_request(struct daemon *daemon, const void *bytes, size_t length);
/* What somebody comes with. False: no room now. */
bool daemon_ask(struct daemon *daemon, struct wish *wish);

/* ---- between the files of the daemon ---- */
bool gateway_may(struct daemon *daemon);
void gateway_work(struct daemon *daemon);
bool journal_may(struct daemon *daemon);
void journal_work(struct daemon *daemon);
bool shard_may(struct daemon *daemon, uint32_t index);
void shard_work(struct daemon *daemon, uint32_t index);
bool exposure_may(struct daemon *daemon);
void exposure_work(struct daemon *daemon);
bool scorer_may(struct daemon *daemon);
void scorer_work(struct daemon *daemon);
bool router_may(struct daemon *daemon);
void router_work(struct daemon *daemon);
bool catchup_may(struct daemon *daemon);
void catchup_work(struct daemon *daemon);
bool keeper_may(struct daemon *daemon);
void keeper_work(struct daemon *daemon);
bool desk_may(const struct daemon *daemon);
void desk_work(struct daemon *daemon);
/* How each alert stands, to the ledger. */
void desk_show_all(const struct daemon *daemon);

struct tw_record daemon_view(const struct tw_frame *frame);
/* The actor's core has just stepped the record: saving begins at a SNAPSHOT. */
void saver_meet(struct daemon *daemon, enum daemon_actor actor, const struct tw_record *record, uint64_t last_alert);
void saver_begin(struct daemon *daemon, enum daemon_actor actor, uint64_t lsn, uint64_t seq, uint64_t last_alert);
bool saver_may(const struct daemon *daemon, enum daemon_actor actor);
void saver_turn(struct daemon *daemon, enum daemon_actor actor);

#endif
