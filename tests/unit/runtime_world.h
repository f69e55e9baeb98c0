/* SPDX-License-Identifier: MIT
 *
 * The daemon's actors on real lanes and a real store, put together by hand so that a test can take one of them out,
 * stand in its place, and do nothing. A publisher and a subscriber are on the outside.
 */
#ifndef TEST_RUNTIME_WORLD_H
#define TEST_RUNTIME_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "actors/exposure/exposure_actor.h"
#include "actors/gateway/gateway_actor.h"
#include "actors/gateway/history_actor.h"
#include "actors/journal/journal_actor.h"
#include "actors/keeper/keeper_actor.h"
#include "actors/pipeline/pipeline.h"
#include "actors/router/router_actor.h"
#include "actors/runtime/lane.h"
#include "actors/runtime/lanes.h"
#include "actors/scorer/scorer_actor.h"
#include "actors/shard/shard_actor.h"
#include "czmq_once.h" /* around all worlds of a process */

#define SHARDS 2u
#define ROWS 50u /* of each submission, and the most of a block: one submission is one record */
#define PATIENCE_MS 20000
#define KEEPER_RETRY_NS INT64_C(200000000)

struct world {
    char directory[128];
    struct tw_store *store;
    struct tw_store_history history;
    struct tw_evidence_source *evidence;
    struct tw_pool *answers, *events, *slices;
    struct tw_backlog unjudged, judged;
    uint64_t snapshot_trades; /* set before the actors start: a snapshot after so many; 0: there is no keeper */
    struct tw_pipeline_cores cores;
    struct tw_gateway *gateway_core;
    struct tw_gateway_actor *gateway;
    struct tw_journal_actor *journal;
    struct tw_shard_actor *shard[SHARDS];
    struct tw_exposure_actor *exposure;
    struct tw_scorer_actor *scorer;
    struct tw_router_actor *router;
    struct tw_keeper_actor *keeper;
    zactor_t *running[SHARDS + 6]; /* downstream first, as in the daemon */
    bool finished[SHARDS + 6];
    uint32_t running_count;
    /* outside */
    zsock_t *push, *acks;
    uint64_t sent; /* trades */
    struct tw_ack ack;
    bool disk_gets_full; /* else no ack may speak of a hold or of a gap */
    char endpoint[128];  /* of the trades; ipc, where the system holds little */
};

struct world *world_new(void); /* a fresh log; nothing runs */
void world_free(struct world **world);

/* Each starts when called; downstream ones come first. */
void world_start_router(struct world *world);   /* or the test opens the router's lane itself */
void world_start_judges(struct world *world);   /* both of these */
void world_start_exposure(struct world *world); /* and the scorer */
void world_start_shards(struct world *world);
void world_start_keeper(struct world *world);
void world_start_journal(struct world *world);
void world_start_gateway(struct world *world);
/* Connects the publisher; returns when its hello is answered. */
void world_connect(struct world *world);

/* The next submission of ROWS trades; every tenth is a LARGE_TRADE. False: the publisher's queue is full. */
bool world_push(struct world *world);
/* The next ack into world->ack, within patience. */
void world_hear_ack(struct world *world);
/* Hears acks until one says that so many trades are durable. */
void world_await_durable(struct world *world, uint64_t durable);
/* Hears acks until three in a row say the same: whatever goes on inside has come to a stand. */
void world_await_standstill(struct world *world);

/* "STOP" to all; then hears reports until all have finished, while `meanwhile` (or NULL) is called again and again. */
void world_ask_to_stop(struct world *world);
void world_await_finished(struct world *world, void (*meanwhile)(void *context), void *context);
/* $TERM to all, upstream first; returns how many milliseconds that took. */
int64_t world_end(struct world *world);

#endif
