/* SPDX-License-Identifier: MIT
 *
 * The data directory: the log, what is derived from it in the same batch, the alerts, and the indexes that follow
 * behind. The only module that names RocksDB. store/README.md says what stands under which key and what a crash may
 * leave.
 *
 * Threads: one writer of the log (journal), one of alerts (router), one indexer; readers on any thread. Every call may
 * block on the disk. Errors are status values with a sentence; nothing aborts for what stands on the disk.
 */
#ifndef TW_STORE_STORE_H
#define TW_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "protocol/digest.h"
#include "protocol/frame.h"
#include "protocol/log.h"
#include "protocol/messages.h"
#include "protocol/pack.h"
#include "protocol/snapshot.h"

enum tw_store_status {
    TW_STORE_OK,
    TW_STORE_MISSING,    /* no such data directory, or not one of ours */
    TW_STORE_LOCKED,     /* another process has it */
    TW_STORE_NEWER,      /* written by a newer format */
    TW_STORE_DAMAGED,    /* chain, checksum or bound violated */
    TW_STORE_UNWRITABLE, /* permission, read-only */
    TW_STORE_FULL,       /* no space */
    TW_STORE_REFUSED,    /* not the store's word: what somebody gave has no form that could be recorded */
    TW_STORE_FAILED      /* any other error of the disk or library */
};

struct tw_store_error {
    enum tw_store_status status;
    char text[512]; /* one sentence: what, where, what to do */
};

struct tw_store;

enum tw_store_mode {
    TW_STORE_WRITE, /* the daemon: creates if missing, takes the lock */
    TW_STORE_READ /* tools: must exist, must not be in use (takes the lock too), writes nothing but RocksDB's own files
                   */
};
struct tw_store *tw_store_open(const char *directory, enum tw_store_mode mode, struct tw_store_error *error);
void tw_store_close(struct tw_store **store);

/* 16 random bytes made when the log was created; part of the idempotency key of deliveries. */
void tw_store_log_id(const struct tw_store *store, uint8_t out[16]);
uint64_t tw_store_last_lsn(const struct tw_store *store);
uint64_t tw_store_last_seq(const struct tw_store *store);
struct tw_chain tw_store_last_chain(const struct tw_store *store);

/* ---- the log ---- */
/* Appends encoded records in order as ONE RocksDB write batch: records with their chain, publisher positions, new
 * names, refusals, the log's head; fsync before it returns. lsn must go on densely. Writer thread only. */
enum tw_store_status tw_store_append(struct tw_store *store, struct tw_frame *const *frames, uint32_t count,
                                     struct tw_store_error *error);

/* Reading in order, verifying the chain as it goes. `from_seq` 1, or any that was dropped, starts at the front. */
struct tw_store_cursor;
struct tw_store_cursor *tw_store_read(struct tw_store *store, uint64_t from_seq, struct tw_store_error *error);
/* 1: *record (borrowed until the next call) is set; 0: end; -1: *error says what is damaged. */
int tw_store_next(struct tw_store_cursor *cursor, struct tw_record *record, struct tw_store_error *error);
void tw_store_cursor_free(struct tw_store_cursor **cursor);

/* ---- snapshots: files beside the log; README.md has them byte by byte ---- */

/* What a snapshot says about itself: the record it is of, the last trade before it, the chain after it, and up to which
 * alert its state reaches. */
struct tw_snapshot_info {
    uint64_t lsn, seq;
    struct tw_chain chain;
    uint64_t last_alert;
    uint32_t shards;
    uint64_t bytes; /* of the file */
};

/* Writing: one at a time, any thread. Each part (each shard has one) is added at least once, be it with no rows; what
 * is added are whole rows of one part. A full disk answers TW_STORE_FULL before RocksDB feels it: the log comes first.
 * On failure the writer stays the caller's, who abandons it. */
struct tw_snapshot_writer;
struct tw_snapshot_writer *tw_store_snapshot_begin(struct tw_store *store, uint64_t lsn, uint64_t seq, uint32_t shards,
                                                   struct tw_store_error *error);
bool tw_store_snapshot_add(struct tw_snapshot_writer *writer, enum tw_snapshot_part part, uint32_t index,
                           const void *rows, size_t length, struct tw_store_error *error);
/* All parts are there, the record at lsn is durable and the alerts up to last_alert are stored. Makes those alerts
 * durable, and then the file: only from here on there is a snapshot. Takes the writer on success. */
bool tw_store_snapshot_finish(struct tw_snapshot_writer **writer, uint64_t last_alert, struct tw_store_error *error);
void tw_store_snapshot_abandon(struct tw_snapshot_writer **writer); /* NULL is fine */

/* The newest one with lsn < before (UINT64_MAX: the newest) that the log there is can go on from: 1; 0 none; -1 *error
 * names the one that is damaged, info->lsn says which: ask again with `before` that (0: the directory itself cannot be
 * read). Looks at the file's ends only. */
int tw_store_snapshot_find(struct tw_store *store, uint64_t before, struct tw_snapshot_info *info,
                           struct tw_store_error *error);
/* Reading; the hash over the whole file is verified first. Rows come as they were added. 1: *row (borrowed until the
 * next call) is set, 0: end, -1: *error. */
struct tw_snapshot_reader;
struct tw_snapshot_reader *tw_store_snapshot_open(struct tw_store *store, uint64_t lsn, struct tw_store_error *error);
int tw_store_snapshot_next(struct tw_snapshot_reader *reader, enum tw_snapshot_part *part, uint32_t *index,
                           struct tw_row_reader *row, struct tw_store_error *error);
void tw_store_snapshot_close(struct tw_snapshot_reader **reader);
bool tw_store_snapshot_remove(struct tw_store *store, uint64_t lsn, struct tw_store_error *error);
/* The log behind a snapshot's record; the chain is verified from the snapshot's on. */
struct tw_store_cursor *tw_store_read_after(struct tw_store *store, const struct tw_snapshot_info *info,
                                            struct tw_store_error *error);

/* ---- retention: the log may begin later ---- */

/* The last record that was dropped, its last trade, and the chain after it, on which the chain of what is kept stands;
 * zeros: the log begins at its beginning. */
struct tw_retained {
    uint64_t lsn, seq;
    struct tw_chain chain;
};
struct tw_retained tw_store_retained(const struct tw_store *store);
/* Whether a record of the log says that so much may go, or more: what waits to go may stay after all. */
bool tw_retention_allows(const struct tw_record *record, const struct tw_retained *retained);
/* Drops all records up to last_lsn (last_seq is the last trade in them) with what was derived from them; names,
 * publishers' positions and alerts stay. They lie before the durable record that says so, and a whole snapshot lies at
 * or behind last_lsn (else the answer is false). What was dropped before stays so. One at a time; any thread, beside
 * appending and look-ups. */
bool tw_store_retain(struct tw_store *store, uint64_t last_seq, uint64_t last_lsn, struct tw_store_error *error);

/* The block that holds global sequence `seq`: *record is set, *frame holds its bytes (drop it). False if there is none.
 */
bool tw_store_block_of(struct tw_store *store, uint64_t seq, struct tw_frame **frame, struct tw_record *record);

/* Damage that a look-up met which has no way to say so; false: none. From then on it answers who appends or puts
 * alerts. */
bool tw_store_damage(const struct tw_store *store, struct tw_store_error *error);
/* Whether a write or a sync has failed, of whatever thread, but for want of room: nothing more is written. */
bool tw_store_write_failed(struct tw_store *store, struct tw_store_error *error);

/* ---- look-ups for the gateway (durable part only) ---- */
/* Block and row of the trade that source sent under pseq; false if none was accepted under it. */
bool tw_store_by_pseq(struct tw_store *store, uint32_t source, uint64_t pseq, struct tw_frame **frame,
                      struct tw_record *record, uint32_t *row);
/* True if what source sent under pseq, accepted or refused, may have been dropped by retention: the two look-ups beside
 * this one find nothing then. */
bool tw_store_pseq_dropped(struct tw_store *store, uint32_t source, uint64_t pseq);
/* The refusal of source's pseq: content hash; false if none. */
bool tw_store_refusal_hash(struct tw_store *store, uint32_t source, uint64_t pseq, uint64_t *content_hash);
/* The latest trade or correct with this execution id from this publisher (any incarnation), below `before`; index
 * first, then the tail of the log that the index has not reached. */
bool tw_store_by_id(struct tw_store *store, struct tw_text publisher, struct tw_text id, uint64_t before,
                    struct tw_frame **frame, struct tw_record *record, uint32_t *row);

/* ---- refusals and alerts ---- */
/* Visits durable refusals with number > after; the record's source resolves by tw_store_name. */
typedef bool (*tw_store_refusal_visit)(void *context, const struct tw_refusal *refusal); /* false stops */
bool tw_store_refusals(struct tw_store *store, uint64_t after, tw_store_refusal_visit visit, void *context,
                       struct tw_store_error *error);
uint64_t tw_store_refusal_count(struct tw_store *store);

struct tw_store_group { /* some of `receivers` get it in one */
    uint32_t receivers, length;
    char name[TW_GROUP_BYTES_MAX];
};
/* Alert records by n, dense from 1: encoded maps (protocol/messages.h). The digest after n is kept beside each, so that
 * recovery goes on from it and `verify` can check. Router thread only; not fsynced on its own (they are re-derived). */
struct tw_store_alert {
    uint64_t n;
    const uint8_t *bytes;
    uint32_t length;
    uint8_t digest[TW_SHA256_BYTES], record_digest[TW_SHA256_BYTES]; /* after this event */
    /* Written with it, not read back: the silence that hides it (h; 0: none), to whom it is to be delivered (bits, by
     * the places in tw_store_set_receivers) and since when. */
    uint64_t silence;
    uint32_t receivers;
    int64_t queued_ns;
    const struct tw_store_group *groups; /* of those that get it in one; the alert's id is set then */
    uint32_t group_count;
    uint8_t id[TW_ALERT_ID_BYTES];
    struct tw_text muted_rule;             /* that of inhibition which mutes it; empty: none does */
    uint64_t muted_by;                     /* and number of the event that the source began with */
    uint64_t muted_told;                   /* of one that is told after all: number of the event with which it is */
    const struct tw_store_alert *released; /* earlier events that are told now, without bytes and digests */
    uint32_t released_count;
    uint32_t later_receivers; /* to whom it goes so long after, unless somebody has taken it by then */
    int64_t later_ns;
};
enum tw_store_status tw_store_put_alerts(struct tw_store *store, const struct tw_store_alert *alerts, uint32_t count,
                                         struct tw_store_error *error);
uint64_t tw_store_last_alert(struct tw_store *store);
typedef bool (*tw_store_alert_visit)(void *context, const struct tw_store_alert *alert); /* false stops */
bool tw_store_alerts(struct tw_store *store, uint64_t after, tw_store_alert_visit visit, void *context,
                     struct tw_store_error *error);

/* The events of one alert, in order of n. */
bool tw_store_events_of(struct tw_store *store, const uint8_t id[TW_ALERT_ID_BYTES], tw_store_alert_visit visit,
                        void *context, struct tw_store_error *error);
/* Alerts whose id begins with these 1 to 32 hex digits: 0, 1 or 2 for more; the last one met goes to `id`. -1: *error.
 */
int tw_store_find_alert(struct tw_store *store, const char *digits, uint8_t id[TW_ALERT_ID_BYTES],
                        struct tw_store_error *error);

/* ---- what people do to alerts ---- */
/* Written with the log's record of it (tw_store_append), kept when that goes: encoded messages (protocol/action.h) by
 * h, dense from 1, each with the digest of all up to it. Any thread; only what is durable is shown. */
struct tw_store_action {
    uint64_t h;
    const uint8_t *bytes;
    uint32_t length;
    uint8_t digest[TW_SHA256_BYTES];
};
uint64_t tw_store_last_action(struct tw_store *store);
typedef bool (*tw_store_action_visit)(void *context, const struct tw_store_action *action); /* false stops */
bool tw_store_actions(struct tw_store *store, uint64_t after, tw_store_action_visit visit, void *context,
                      struct tw_store_error *error);
bool tw_store_actions_of(struct tw_store *store, const uint8_t id[TW_ALERT_ID_BYTES], tw_store_action_visit visit,
                         void *context, struct tw_store_error *error);

/* Alert events that silences hid: those of one (h), or of all (0), in order of h and n. */
typedef bool (*tw_store_silenced_visit)(void *context, uint64_t silence, uint64_t n); /* false stops */
bool tw_store_silenced(struct tw_store *store, uint64_t silence, tw_store_silenced_visit visit, void *context,
                       struct tw_store_error *error);
/* The silence that hid event n; 0: none did. */
bool tw_store_silence_of(struct tw_store *store, uint64_t n, uint64_t *silence, struct tw_store_error *error);

/* ---- what inhibition muted ---- */
struct tw_store_muted {
    uint64_t n, by;
    uint64_t told;       /* 0: it was not told since */
    struct tw_text rule; /* borrowed until the visit ends */
};
typedef bool (*tw_store_muted_visit)(void *context, const struct tw_store_muted *muted); /* false stops */
/* Events with n > after, in order. Any thread. */
bool tw_store_muted(struct tw_store *store, uint64_t after, tw_store_muted_visit visit, void *context,
                    struct tw_store_error *error);
/* The inhibitor's state (actors/router/inhibition.h), not fsynced; appended to `out`, nothing if there is none. Router
 * thread only. */
enum tw_store_status tw_store_put_inhibitor(struct tw_store *store, const void *bytes, size_t length,
                                            struct tw_store_error *error);
bool tw_store_inhibitor(struct tw_store *store, struct tw_buffer *out, struct tw_store_error *error);

/* ---- deliveries ---- */
/* The receivers that tw_store_alert.receivers means, before alerts are put; at most TW_RECEIVERS_MAX names of 1 to
 * TW_RECEIVER_BYTES_MAX bytes. A pending delivery stands in the write batch of its alert. Router thread only. */
void tw_store_set_receivers(struct tw_store *store, const char *const *names, uint32_t count);

enum tw_store_delivery_state { TW_DELIVERY_PENDING, TW_DELIVERY_DEAD };
enum tw_store_reason { TW_REASON_NONE, TW_REASON_DEADLINE, TW_REASON_REJECTED }; /* why it is dead; on the disk */
struct tw_store_delivery {
    struct tw_text receiver; /* borrowed until the visit ends */
    uint64_t n;              /* of the alert event */
    int64_t queued_ns;       /* wall clock: since when it is to be delivered */
    int64_t at_ns;           /* pending: not before; dead: since */
    uint32_t attempts;       /* so far */
    enum tw_store_reason reason;
    struct tw_text why;   /* dead: the last answer, cut */
    struct tw_text group; /* pending: its name, if it stands for a group's message; else empty */
    uint32_t repeat;      /* pending: how often it was told before, as what is open still */
};
typedef bool (*tw_store_delivery_visit)(void *context, const struct tw_store_delivery *delivery); /* false stops */
/* Those of one receiver with n > after, in order of n; an empty receiver: all, by receiver, whatever `after` is (but
 * UINT64_MAX). Any thread. */
bool tw_store_deliveries(struct tw_store *store, enum tw_store_delivery_state state, struct tw_text receiver,
                         uint64_t after, tw_store_delivery_visit visit, void *context, struct tw_store_error *error);

enum tw_store_outcome { /* numbers stand on the disk */
                        TW_DELIVERY_DONE,
                        TW_DELIVERY_AGAIN,
                        TW_DELIVERY_REJECTED,  /* dead */
                        TW_DELIVERY_GIVEN_UP,  /* dead: the deadline passed */
                        TW_DELIVERY_NOT_NEEDED /* an escalation: somebody has taken the alert */
};
/* One attempt and what comes of it. */
struct tw_store_attempt {
    struct tw_text receiver;
    uint64_t n;
    enum tw_store_outcome outcome;
    enum tw_store_reason reason;
    uint32_t attempts; /* with this one; of a delivery given up between attempts: that were made */
    int64_t queued_ns,
        next_ns;      /* of the pending row; next_ns: not before, or when it was given up. Not in the ledger */
    int64_t began_ns; /* wall clock */
    uint32_t ordinal; /* tells attempts of the same ns apart; the ledger's */
    uint32_t latency_us;
    int32_t status; /* the answer's: HTTP, SMTP or exit code; 0: none */
    struct tw_text answer;
    /* Of a group's message only, not in the ledger: n of the row that stands for it (else 0), what that row says, the
     * alert's id, and when it is told again if it is open still (0: never). */
    uint64_t lead;
    struct tw_text group;
    uint32_t repeat;
    uint8_t id[TW_ALERT_ID_BYTES];
    int64_t repeat_at_ns;
};
/* The ledger's rows and the deliveries' new state as one batch, not fsynced. A full disk answers TW_STORE_FULL, the
 * same may be tried again. One thread at a time, beside whoever else writes. */
enum tw_store_status tw_store_put_attempts(struct tw_store *store, const struct tw_store_attempt *attempts,
                                           uint32_t count, struct tw_store_error *error);
/* Attempts from a time on, in order of time. */
typedef bool (*tw_store_attempt_visit)(void *context, const struct tw_store_attempt *attempt); /* false stops */
bool tw_store_ledger(struct tw_store *store, int64_t from_ns, tw_store_attempt_visit visit, void *context,
                     struct tw_store_error *error);
enum tw_store_status tw_store_ledger_drop(struct tw_store *store, int64_t before_ns, struct tw_store_error *error);
/* Dead letters of a receiver (empty: of all), or the one with that n (0: all), are pending again, as if queued now.
 * Any thread. *count: how many. */
enum tw_store_status tw_store_retry(struct tw_store *store, struct tw_text receiver, uint64_t n, int64_t now_ns,
                                    uint64_t *count, struct tw_store_error *error);
/* How often that was called, or an escalation (below) or what was muted became pending: who delivers looks again. */
uint64_t tw_store_retries(struct tw_store *store);

/* Escalations: deliveries that wait for their time, in order of it. */
struct tw_store_escalation {
    int64_t due_ns; /* wall clock */
    uint64_t n;
    struct tw_text receiver; /* borrowed until the visit ends */
};
typedef bool (*tw_store_escalation_visit)(void *context,
                                          const struct tw_store_escalation *escalation); /* false stops */
bool tw_store_escalations(struct tw_store *store, int64_t until_ns, tw_store_escalation_visit visit, void *context,
                          struct tw_store_error *error);
/* One whose time has come: event `tell` of the alert is pending from now on, and no dead letter; or, if that is 0, none
 * is needed, which the ledger says with `why`. As one batch, not fsynced; the delivery's thread. */
enum tw_store_status tw_store_escalate(struct tw_store *store, const struct tw_store_escalation *escalation,
                                       uint64_t tell, struct tw_text why, int64_t now_ns, struct tw_store_error *error);

/* What waits for a time later than `latest_ns` waits until then: it was given by a clock that was ahead. A bounded part
 * of them as one batch; *more is set if there may be others. The delivery's thread. */
enum tw_store_waits { TW_WAITS_ESCALATION, TW_WAITS_REPEAT /* see below */ };
enum tw_store_status tw_store_wait_no_longer(struct tw_store *store, enum tw_store_waits what, int64_t latest_ns,
                                             bool *more, struct tw_store_error *error);

/* ---- groups ---- */
/* What goes in groups waits apart from what is pending, until its group's message is made: one of its rows, the lead,
 * is pending then and stands for all of them, its members. So a message that was begun is the same after a crash. All
 * of this is the delivery's thread's but for reading. */
struct tw_store_waiting {
    struct tw_text receiver, group; /* borrowed until the visit ends */
    uint64_t hash, n;               /* hash: of the group's name */
    uint64_t lead;                  /* of an elder: that of its message; 0: it waits */
    int64_t queued_ns;
    uint32_t repeat;
    uint8_t id[TW_ALERT_ID_BYTES]; /* of the alert */
};
typedef bool (*tw_store_waiting_visit)(void *context, const struct tw_store_waiting *waiting); /* false stops */
/* By receiver (empty: all), group and n; from behind this hash and n on if a receiver is given. Any thread. */
bool tw_store_waiting(struct tw_store *store, struct tw_text receiver, uint64_t hash, uint64_t after,
                      tw_store_waiting_visit visit, void *context, struct tw_store_error *error);
/* The first of each group of a receiver, groups with a hash > after; n of its last, and when its last message was made
 * (0: never). */
typedef bool (*tw_store_group_visit)(void *context, const struct tw_store_waiting *first, uint64_t last_n,
                                     int64_t told_ns);
bool tw_store_groups(struct tw_store *store, struct tw_text receiver, uint64_t after, tw_store_group_visit visit,
                     void *context, struct tw_store_error *error);
/* Makes the message of a group, for at most TW_DIGEST_ALERTS_MAX of those that wait; and of older events of the same
 * alerts in other groups, which do not come after it; but not of what is later than an event of the same alert that
 * goes by itself and is pending still, or may be one. Or, if `only` is not 0, of that event alone. *made false: there
 * is none, or its lead is not behind `after`, or a message with a later lead is pending that has some of these alerts
 * and goes first. FULL: nothing was written. */
enum tw_store_status tw_store_make_group(struct tw_store *store, struct tw_text receiver, uint64_t hash, uint64_t only,
                                         uint64_t after, int64_t now_ns, bool *made, struct tw_store_error *error);
/* Takes a message apart: each of its members is pending by itself, as the message was. FULL: nothing was written. */
enum tw_store_status tw_store_take_apart(struct tw_store *store, struct tw_text receiver, uint64_t lead,
                                         struct tw_store_error *error);
/* The oldest event before n of an alert that waits for a receiver, or is in a message whose lead is behind `ahead`:
 * out->n is 0 if there is none. False: *error says why. */
bool tw_store_elder(struct tw_store *store, struct tw_text receiver, const uint8_t id[TW_ALERT_ID_BYTES], uint64_t n,
                    uint64_t ahead, struct tw_store_waiting *out, struct tw_store_error *error);
/* Those that a pending row stands for, itself among them, in order of n. Any thread. */
bool tw_store_members(struct tw_store *store, struct tw_text receiver, uint64_t lead, tw_store_waiting_visit visit,
                      void *context, struct tw_store_error *error);
/* What was told and may be told again, in order of when; `queued_ns` is that. */
bool tw_store_repeats(struct tw_store *store, int64_t until_ns, tw_store_waiting_visit visit, void *context,
                      struct tw_store_error *error);
/* One of them waits again from now on, if it is to be told again; else it is forgotten. */
enum tw_store_status tw_store_repeat(struct tw_store *store, const struct tw_store_waiting *repeat, bool again,
                                     int64_t now_ns, struct tw_store_error *error);
/* Forgets when groups had their last message, if that is before. */
enum tw_store_status tw_store_groups_forget(struct tw_store *store, int64_t before_ns, struct tw_store_error *error);

/* ---- names (id -> text), as far as durable ---- */
/* False: there is none yet; or it is damaged, which is noted (tw_store_damage). */
bool tw_store_name(struct tw_store *store, enum tw_name_kind kind, uint32_t id, struct tw_buffer *out,
                   uint32_t *incarnation);

/* ---- indexes ---- */
/* Builds the next run of the indexes by id, account, symbol and time, if at least `minimum` durable trades are not in
 * them (0: whatever there is). Returns the trades indexed; *error on failure. Indexer thread only. */
uint32_t tw_store_index_step(struct tw_store *store, uint32_t minimum, struct tw_store_error *error);
uint64_t tw_store_indexed_seq(struct tw_store *store);
enum tw_store_index { TW_INDEX_ACCOUNT, TW_INDEX_SYMBOL };
/* Visits the sequences of an account or symbol (dictionary id) in [from, to] in ascending order, tail included. */
typedef bool (*tw_store_seq_visit)(void *context, uint64_t seq);
bool tw_store_index_scan(struct tw_store *store, enum tw_store_index index, uint32_t id, uint64_t from, uint64_t to,
                         tw_store_seq_visit visit, void *context, struct tw_store_error *error);
/* First sequence whose block may hold trades with event clock >= ts (time index). */
uint64_t tw_store_seq_at(struct tw_store *store, int64_t ts_ns);

/* ---- backup ---- */
/* A copy that is a data directory itself, in a directory that is empty or not there yet. Of a store open for writing it
 * is what is durable now or a little later (linked where it can be, so it costs little); of one open for reading, which
 * nobody else has, the files as they are. What was begun is removed on failure. Any thread; one that does not retain.
 */
bool tw_store_backup(struct tw_store *store, const char *directory, struct tw_store_error *error);
/* The same; calls `taken` when it has all snapshots that it takes: until then none may be removed, nor trades be
 * dropped until it ends. */
bool tw_store_backup_watched(struct tw_store *store, const char *directory, void (*taken)(void *context), void *context,
                             struct tw_store_error *error);

/* ---- stats and verify ---- */
struct tw_store_stats {
    uint64_t records, trades;                                     /* that are there */
    uint64_t dropped;                                             /* trades that retention has dropped */
    uint64_t blocks, refusals, alerts, names, indexed, snapshots; /* so far; snapshots: that are there */
    uint64_t bytes_on_disk;
    uint64_t bytes_dropped; /* of them, about: records that retention dropped and the disk has not given back yet */
    int64_t first_ts_ns, last_ts_ns; /* of the first trade that is there; event clock */
};
bool tw_store_stats(struct tw_store *store, struct tw_store_stats *out, struct tw_store_error *error);
/* Reads everything; names the first damage in *error and returns false. progress may be NULL; it counts trades. Nothing
 * may be written meanwhile. */
bool tw_store_verify(struct tw_store *store, void (*progress)(void *context, uint64_t done, uint64_t total),
                     void *context, struct tw_store_error *error);

/* ---- pages for the running process alone ---- */

/* They lie in a file without a name in the data directory, made when the first one comes, gone with the process. Room
 * that the log may want is left to it. One owner at a time; several at once, each for its own. */
#define TW_STORE_SCRATCH_BYTES 4096u
struct tw_store_scratch;
struct tw_store_scratch *tw_store_scratch_open(struct tw_store *store);
void tw_store_scratch_close(struct tw_store_scratch **scratch); /* before the store */
/* At most TW_STORE_SCRATCH_BYTES onto a page. False with *error: nothing is changed; later it may go. */
bool tw_store_scratch_put(struct tw_store_scratch *scratch, const void *bytes, uint32_t length, uint32_t *page,
                          struct tw_store_error *error);
/* False: they cannot be read. */
bool tw_store_scratch_get(struct tw_store_scratch *scratch, uint32_t page, void *bytes, uint32_t length);
void tw_store_scratch_drop(struct tw_store_scratch *scratch, uint32_t page); /* it is used again */

#endif
