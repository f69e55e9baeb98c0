/* SPDX-License-Identifier: MIT
 *
 * Part of the gateway's shell: when a SNAPSHOT, RETENTION or ACTION record goes into the log, and the gateway's own
 * part of a snapshot. A snapshot is due by work, by trades or by time, if anything is new and the keeper has nothing
 * left of the one before.
 */
#ifndef TW_GATEWAY_BARRIER_ACTOR_H
#define TW_GATEWAY_BARRIER_ACTOR_H

#include "actors/gateway/gateway.h"
#include "actors/runtime/saver.h"

struct tw_barrier_settings {
    struct tw_pool *slices;   /* the savers'; NULL: no snapshots, no retention */
    uint64_t snapshot_trades; /* 0: not by trades */
    int64_t snapshot_ns;      /* 0: not by time */
    int64_t snapshot_work_ns; /* of the process's processor time; 0: not by work */
    uint64_t started_from;    /* the last trade of the snapshot that the start used; 0: none */
};

struct tw_barrier;
struct tw_barrier *tw_barrier_new(struct tw_gateway *core, const struct tw_barrier_settings *settings);
void tw_barrier_free(struct tw_barrier **barrier);
void tw_barrier_open(struct tw_barrier *barrier, int64_t now_ns); /* in the gateway's thread */
void tw_barrier_close(struct tw_barrier *barrier);

/* Stages what is due. All up to durable_lsn is on the disk; while that is full (`held`) nothing is staged. */
void tw_barrier_step(struct tw_barrier *barrier, uint64_t durable_lsn, bool held, int64_t now_ns);
/* As those of the saver. */
enum tw_agent_progress tw_barrier_turn(struct tw_barrier *barrier, enum tw_agent_progress progress);
/* hears: it will be stepped when something comes; else what comes for it wakes nobody. */
int tw_barrier_wait_for(struct tw_barrier *barrier, bool hears, zmq_pollitem_t *items, int count);

#endif
