/* SPDX-License-Identifier: MIT
 *
 * The simulated store. It promises what store/ promises and no more:
 *
 *   - records of the log are appended in batches, each whole or not at all, durable and visible when their fsync is
 *     done; the batch that a crash meets half way may be there or not;
 *   - alerts are written behind one another in the same write-ahead log without an fsync of their own: visible at once,
 *     and a crash may take any suffix of what was written since the last fsync;
 *   - a snapshot is a file that is there whole from its rename on; finishing it makes the alerts before it durable;
 *   - a full disk refuses whatever is appended, whole;
 *   - retention takes the front of the log away.
 */
#ifndef TW_SIM_DISK_H
#define TW_SIM_DISK_H

#include "actors/gateway/gateway.h"
#include "actors/lifecycle/silences.h"
#include "actors/recovery/recovery.h"
#include "actors/router/evidence.h"
#include "tests/sim/sim.h"

#define DISK_SNAPSHOTS_MAX 16

struct disk_alert {
    uint8_t *bytes;
    uint32_t length;
    uint8_t digest[TW_SHA256_BYTES], record_digest[TW_SHA256_BYTES];
    struct disk_hiding {    /* from those who would be told */
        uint64_t silence;   /* 0: none hides it */
        int64_t at_ns;      /* wall clock, when that was looked up */
        uint64_t recovered; /* actions that recovery knew of, if it stored it */
    } hiding;
};

struct disk_action {
    uint8_t *bytes;
    uint32_t length;
};

struct disk_row { /* where a trade stands */
    uint64_t lsn;
    uint32_t row;
};

struct disk_snapshot {
    uint64_t lsn, seq, last_alert;
    uint32_t shards;
    struct tw_buffer chunks; /* part u8, index u8, length u32, rows; again and again */
    bool damaged;
};

struct disk_write { /* since the last fsync: what a crash may take */
    bool is_log;
    uint64_t upto;
};

struct disk {
    struct sim *sim;
    /* [lsn]; visible up to last_lsn, written up to written_lsn */
    struct disk_record {
        struct tw_frame *frame;
        struct tw_record record;
    } * log;
    uint64_t log_capacity, last_lsn, written_lsn, last_seq, retained_lsn, retained_seq;
    struct disk_row *rows; /* [seq] */
    uint64_t row_capacity;
    struct disk_alert *alerts; /* [n] */
    uint64_t alert_capacity, last_alert;
    struct disk_action *actions; /* [h]; written with their record, and there for good */
    uint64_t action_capacity, last_action;
    const struct tw_silences *silences; /* borrowed: as they stand when recovery stores alerts */
    struct disk_write *writes;
    uint32_t write_count, write_capacity, certain;      /* the first `certain` survive whatever comes */
    struct disk_snapshot snapshots[DISK_SNAPSHOTS_MAX]; /* ascending */
    uint32_t snapshot_count;
    bool full;
    /* names and refusals as far as visible */
    struct disk_source {
        struct tw_text publisher;
        uint32_t incarnation;
        struct disk_number {
            uint64_t lsn; /* 0: nothing */
            uint64_t seq; /* 0: refused */
            uint64_t content_hash;
        } * numbers; /* [pseq] */
        uint64_t number_capacity;
    } * sources; /* [id] */
    uint32_t source_count, source_capacity;
    struct tw_refusal *refusals; /* [number], borrowed from frames */
    uint64_t refusal_count, refusal_capacity;
    /* the recovery's cursors */
    uint64_t reading_lsn, snapshot_offset, snapshot_end;
    struct disk_snapshot *reading;
    size_t chunk_offset;
    const uint8_t *chunk;
    size_t chunk_length;
    enum tw_snapshot_part chunk_part;
    int64_t stop_at; /* recovery is killed after so many records; -1: not */
};

struct disk *disk_new(struct sim *sim);
void disk_free(struct disk **disk);

/* ---- what the shells do ---- */
/* Begins to append; false: the disk is full, and nothing was written. The caller's references are shared. */
bool disk_append_begin(struct disk *disk, struct tw_frame *const *frames, uint32_t count);
void disk_append_end(struct disk *disk); /* the fsync is done */
bool disk_put_alert(struct disk *disk, const struct tw_router_alert *alert, int64_t detected_at_ns,
                    const struct disk_hiding *hiding);
uint64_t disk_silence_of(const struct tw_silences *silences, const struct tw_router_alert *alert, int64_t at_ns);
bool disk_snapshot_finish(struct disk *disk, struct disk_snapshot *snapshot); /* takes the chunks */
void disk_snapshot_remove(struct disk *disk, uint64_t lsn);
void disk_retain(struct disk *disk, uint64_t last_seq, uint64_t last_lsn);
/* Last trade and record before a moment of event time, as the time index says. */
void disk_before(void *disk, int64_t horizon_ns, uint64_t *last_seq, uint64_t *last_lsn);

/* ---- what a crash leaves ---- */
void disk_crash(struct disk *disk, bool power);

/* ---- ports ---- */
struct tw_history disk_history(struct disk *disk);
bool disk_fetch(void *disk, uint64_t seq, struct tw_frame **frame, struct tw_record *record);
struct tw_recovery_port disk_recovery_port(struct disk *disk);
/* Reads the log from the front of what is there and makes rows, names and numbers anew. */
void disk_index(struct disk *disk);

#endif
