/* SPDX-License-Identifier: MIT
 *
 * The gateway's core: submissions in, log records and acks out. It knows where every publisher stands, checks every
 * trade, gives it its global sequence, interns names, keeps the event clock, marks ticks, and cuts blocks.
 *
 * Pure: no socket, clock, file, thread or random number. Time comes in with each call: `wall_ns` is CLOCK_REALTIME,
 * `now_ns` CLOCK_MONOTONIC. Looking up old trades goes through the port `tw_history`. One owner, one thread.
 */
#ifndef TW_GATEWAY_GATEWAY_H
#define TW_GATEWAY_GATEWAY_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/frame.h"
#include "protocol/log.h"
#include "protocol/messages.h"
#include "protocol/names.h"
#include "protocol/snapshot.h"

/* A stored trade, as resends are compared with and busts refer to. Texts are borrowed until the next call of the port.
 */
struct tw_past_trade {
    bool dropped;          /* taken and gone by retention: nothing else is known of it */
    bool refused;          /* taken and refused: only pseq and content_hash are set */
    uint64_t content_hash; /* of a refused one */
    uint64_t seq, pseq;
    uint32_t source, symbol, account, venue, owner, contra, broker, ccy; /* dictionary ids */
    uint8_t attrs;
    int64_t qty_e8, price_e8, ts_ns;
    struct tw_text id;
    uint64_t original_seq; /* of a bust or correct: what it reverses; its content compares by that trade's id */
};

/* Port to the durable past. Called on the gateway's thread; may read the disk. The gateway itself covers what is not
 * yet durable. */
struct tw_history {
    void *context;
    /* The trade or refusal that `source` sent under `pseq`; false if there is none. */
    bool (*by_pseq)(void *context, uint32_t source, uint64_t pseq, struct tw_past_trade *out);
    /* The latest trade (kind trade or correct) with execution id `id` from any incarnation of the publisher and global
     * sequence below `before`; false if there is none. */
    bool (*by_id)(void *context, struct tw_text publisher, struct tw_text id, uint64_t before,
                  struct tw_past_trade *out);
    bool (*by_seq)(void *context, uint64_t seq, struct tw_past_trade *out);
};

struct tw_gateway_settings {
    uint32_t block_trades_max; /* 1 to TW_BLOCK_TRADES_MAX */
    uint32_t credit_trades;
    int64_t future_ns; /* limits/future */
    const char *reporting_currency;
    /* First roll of the session day strictly after `ts_ns`; INT64_MAX for never. Called a few times a day. */
    int64_t (*next_roll)(void *context, int64_t ts_ns);
    void *next_roll_context;
    bool idle_clock; /* write clock records while the market is quiet */
    /* Re-marking may judge every account and symbol anew in each tick, and what a record's judging says waits together
     * in memory: a block ends before its ticks times the accounts and symbols are more than this. 0: no such bound. */
    uint32_t tick_keys_max;
    uint32_t sources_max; /* (publisher, incarnation) pairs; 0: TW_SOURCES_MAX */
};

struct tw_gateway;
struct tw_gateway *tw_gateway_new(const struct tw_gateway_settings *settings, const struct tw_history *history);
void tw_gateway_free(struct tw_gateway **gateway);

/* ---- recovery: records of the log in order, before anything else ---- */
void tw_gateway_apply(struct tw_gateway *gateway, const struct tw_record *record);
/* The log has been read; stages the boot record, and a settings record if `settings_text` differs from the last one. */
void tw_gateway_start(struct tw_gateway *gateway, const char *program_version, struct tw_text settings_text,
                      int64_t wall_ns);
/* A changed setting while running; staged as a control record between trades. */
void tw_gateway_settings_changed(struct tw_gateway *gateway, struct tw_text settings_text);

/* A SNAPSHOT record: every actor keeps its state as it is there. Returns its lsn. */
uint64_t tw_gateway_snapshot(struct tw_gateway *gateway, int64_t wall_ns);
/* An ACTION record: what somebody did to an alert, encoded and without fault (protocol/action.h). Returns its h. */
uint64_t tw_gateway_act(struct tw_gateway *gateway, struct tw_text action, int64_t wall_ns);
/* A RETENTION record: the trades up to last_seq, all durable, go. Returns its lsn, 0 if they went before. */
struct tw_retention {
    uint64_t last_seq, last_lsn; /* last trade, last record that go */
    int64_t horizon_ns;          /* event time before which they all lie: the beginning of a day */
    bool by_size;                /* else by age */
};
uint64_t tw_gateway_retain(struct tw_gateway *gateway, const struct tw_retention *retention);

/* ---- snapshots (judging/saving.h) ---- */
/* The state as it is now, as if all that is under way were durable, is to be saved: right after tw_gateway_snapshot. */
void tw_gateway_save_begin(struct tw_gateway *gateway);
bool tw_gateway_saving(const struct tw_gateway *gateway); /* something is left to be saved */
/* Appends rows to `out` until about `bytes` were added or the state is whole; true: whole. It may step in between. */
bool tw_gateway_save(struct tw_gateway *gateway, struct tw_buffer *out, size_t bytes);
/* Loads rows of a snapshot into a fresh core, in the order of the file. False: the row is damaged. */
bool tw_gateway_load(struct tw_gateway *gateway, struct tw_row_reader *row);
bool tw_gateway_load_end(struct tw_gateway *gateway); /* false: something is missing, or does not agree */

/* ---- ingestion ---- */
enum tw_lane { TW_LANE_PUSH, TW_LANE_FEED };
enum tw_taken {
    TW_TAKEN,      /* taken (also: ignored as an equal resend, refused trades, hello) */
    TW_TAKEN_LATER /* no room in the block under construction: cut first, then give the same message again. While a full
                    * disk holds, no publisher's message waits: one that is known is answered, what a newcomer has to
                    * say he says again. So these are of feeds or anonymous */
};
/* One frame from a publisher (PUSH) or feed (SUB; loss there is a gap that is recorded, and the feed goes on). */
enum tw_taken tw_gateway_submit(struct tw_gateway *gateway, enum tw_lane lane, const void *bytes, size_t length,
                                int64_t wall_ns, int64_t now_ns);
/* The next record for the log, or NULL if nothing is staged. Call until NULL. The frame belongs to the caller; the
 * gateway keeps a reference until tw_gateway_durable. */
struct tw_frame *tw_gateway_cut(struct tw_gateway *gateway);
bool tw_gateway_staged(const struct tw_gateway *gateway); /* something waits to be cut */
/* Something is to be cut now: a finished record, or the block under construction. What arrives while records are being
 * made durable would only wait for them: it goes into one block, which is due as soon as they are, or when a message
 * has no room in it. So a block is as large as the disk is slow, and nothing waits on an idle one. */
bool tw_gateway_cut_is_due(const struct tw_gateway *gateway);
/* Few trades come, and what arrives now may lie until the next tw_gateway_durable, for the shell to wake up once for
 * all of it. Not while a full disk holds: that calls for long, and those who come then are to hear of it. */
bool tw_gateway_may_rest(const struct tw_gateway *gateway);
uint32_t tw_gateway_room(const struct tw_gateway *gateway); /* trades that the block under construction still takes */
/* Once in a while (at least every 100 ms): idle clock records, cadence of acks. Returns the monotonic time at which it
 * wants to be called next. */
int64_t tw_gateway_clock(struct tw_gateway *gateway, int64_t wall_ns, int64_t now_ns);

/* ---- what flows back ---- */
void tw_gateway_durable(struct tw_gateway *gateway, uint64_t lsn); /* all up to lsn is on disk after fsync */
/* Trades that are taken and not durable; *unasked of them nobody sends again: anonymous ones, and of feeds. */
uint64_t tw_gateway_under_way(const struct tw_gateway *gateway, uint64_t *unasked);
void tw_gateway_hold_disk(struct tw_gateway *gateway, bool hold); /* no credit for anyone while it lasts */
/* The next ack that is due, or false. Borrowed until the next call of anything. */
bool tw_gateway_next_ack(struct tw_gateway *gateway, int64_t now_ns, struct tw_ack *out);

/* ---- to look at ---- */
struct tw_gateway_counters {
    uint64_t trades, refused, duplicates, gaps, holds, unreadable, beyond_credit, hellos, blocks, clock_records,
        feed_gaps, turned_away;
};
struct tw_gateway_counters tw_gateway_counters(const struct tw_gateway *gateway);
uint64_t tw_gateway_last_seq(const struct tw_gateway *gateway);
uint64_t tw_gateway_last_lsn(const struct tw_gateway *gateway); /* of the last record cut or applied */
uint64_t tw_gateway_boot(const struct tw_gateway *gateway);
uint64_t tw_gateway_actions(const struct tw_gateway *gateway); /* h of the newest */
/* The sentence about the newest unreadable message or feed gap, or NULL; cleared by the call. For the shell's log. */
const char *tw_gateway_complaint(struct tw_gateway *gateway);

#endif
