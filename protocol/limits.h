/* SPDX-License-Identifier: MIT
 *
 * Every bound of Tapewarden, in one place. A limit's comment carries the sum behind its number.
 */
#ifndef TW_PROTOCOL_LIMITS_H
#define TW_PROTOCOL_LIMITS_H

#include <stdint.h>

/* ---- Trades and names (CONTRACT: "Submitting trades") ---- */
#define TW_SYMBOL_BYTES_MAX 32u
#define TW_ACCOUNT_BYTES_MAX 32u
#define TW_PUBLISHER_BYTES_MAX 32u
#define TW_EXECUTION_ID_BYTES_MAX 64u
#define TW_PARTY_BYTES_MAX 32u /* owner, contra, broker, venue, ccy */
#define TW_NAME_BYTES_MAX 64u  /* the longest of the above */
#define TW_DECIMALS_MAX 8u     /* digits behind the point; the unit of money and quantity is 1e-8 */
#define TW_E8 INT64_C(100000000)
#define TW_NS_PER_SECOND INT64_C(1000000000)
#define TW_TIMESTAMP_MIN_NS (INT64_C(631152000) * TW_NS_PER_SECOND) /* 1990-01-01T00:00:00Z */

/* ---- Submissions ---- */
#define TW_SUBMISSION_TRADES_MAX 8190u
#define TW_SUBMISSION_BYTES_MAX (1u << 20)
#define TW_RECEIVE_BYTES_MAX (16u << 20) /* ZMQ_MAXMSGSIZE: libzmq cuts the connection above it */
/* 16 waiting messages of 16 MiB each, or 1,024 of the allowed 1 MiB less often: the worst case per
 * connection is RCVHWM x ZMQ_MAXMSGSIZE = 1 GiB; well-formed traffic stays below 64 MiB. */
#define TW_TRADES_RECEIVE_HWM 64
/* The same bytes from a feed, which nobody can ask to wait: a second's worth of small messages; then the feed's own PUB
 * drops, and the gap is recorded. */
#define TW_FEEDS_RECEIVE_HWM 1000
#define TW_CREDIT_TRADES 65536u /* trades of one publisher under way beyond `durable` */
#define TW_NESTING_MAX 8u       /* MessagePack depth we walk; our own frames need 4 */

/* ---- Blocks and the log ---- */
#define TW_BLOCK_TRADES_MAX 8190u
#define TW_BLOCK_REFUSALS_MAX 8190u
/* One block never outgrows this: 8,190 x (64 B of columns + 64 B id + 48 B original) = 1.4 MiB, its new
 * names at most 8,190 x 7 x (64 + 12) = 4.2 MiB, its refusals 8,190 x 512 = 4 MiB. */
#define TW_BLOCK_BYTES_MAX (12u << 20)
#define TW_REFUSED_RAW_BYTES_MAX 256u /* of a refused trade, kept for the eye */
#define TW_WHY_BYTES_MAX 160u
#define TW_JOURNAL_BATCH_ITEMS_MAX 64u         /* log records in one write batch */
#define TW_JOURNAL_BATCH_BYTES_MAX (16u << 20) /* or this many bytes, whichever comes first */
/* Records' memory that waits to be used again: about as many full blocks as wait on one edge, a journal's batch more.
 */
#define TW_FRAMES_IDLE_BYTES_MAX (48u << 20)

/* ---- Dictionaries: ids are dense from 1, 0 means "none" ---- */
#define TW_SYMBOLS_MAX (1u << 20)
#define TW_ACCOUNTS_MAX (1u << 24)
#define TW_SOURCES_MAX (1u << 20) /* (publisher, incarnation) pairs */
#define TW_PARTIES_MAX (1u << 20)
#define TW_LOCAL_NAMES_MAX (1u << 22) /* names one publisher may send in the columnar form */

/* ---- Lanes between actors ---- */
#define TW_LANE_HWM 32 /* blocks waiting on one edge: 32 x 0.5 MiB is 16 MiB at the worst usual case */
/* Records that wait to be judged: TW_LANE_HWM as on other lanes; or, while they are small, a second of them, so that a
 * re-marking of all positions, which keeps a shard busy for its time, holds no ack up. When as many ticks wait, each of
 * which may re-mark, what waits is more work than a second's. */
#define TW_UNJUDGED_HWM 1024
#define TW_UNJUDGED_BYTES_MAX (16u << 20)
#define TW_UNJUDGED_TICKS 3u
/* Judged records that wait for the router: some seconds of them while they are small, so that a storm of alerts, which
 * keeps it busy, holds no trade up; of large ones as many as on other lanes. */
#define TW_JUDGED_HWM 8192
#define TW_JUDGED_BYTES_MAX (16u << 20)
#define TW_SHARDS_MAX 64u
/* Ticks of a block times accounts and symbols, each of which a tick's re-marking may judge: a record's judgements go
 * together, some 170 bytes each. Of 2,700 accounts and symbols a block has 380 ticks, which live ones never come to. */
#define TW_TICK_KEYS_MAX (1u << 20)

/* ---- Snapshots ---- */
#define TW_SNAPSHOTS_KEPT 2u /* the newest, and the one before it in case that is damaged */
/* Of an actor's state at a time: some 0.2 ms of work, so that no record waits longer for it. */
#define TW_SNAPSHOT_SLICE_BYTES (128u << 10)
/* Slices that wait for the keeper, of each actor: 8 x 128 KiB is 1 MiB, with 64 shards 68 MiB. */
#define TW_KEEPER_HWM 8

/* ---- Judging ---- */
/* Changes by re-marking in one part of a shard's answer: 1 MiB, so that what waits on a lane is 32 MiB a shard, however
 * many accounts hold what is traded and however many seconds a block spans. */
#define TW_ANSWER_REMARKS_MAX 65536u

/* ---- Acks, alerts, requests ---- */
#define TW_ACK_REFUSALS_MAX 64u
#define TW_ALERT_TRADES_MAX 64u
#define TW_ALERTS_WRITTEN_MAX 64u /* in one write batch: 0.3 ms with six receivers, which the journal's write waits */
#define TW_EXPOSURE_TRADES_MAX 16u
#define TW_CATCHUP_LIMIT_MAX 10000u
#define TW_CATCHUP_LIMIT_DEFAULT 1000u
#define TW_CATCHUP_LOOKS_MAX 65536u /* records that one request looks at, wanted or not: others wait meanwhile */
#define TW_CATCHUP_NAME_BYTES_MAX 64u
#define TW_TOPIC_BYTES_MAX 240u /* libzmq 4.3.4 mis-encodes topics of 246 to 255 bytes */

/* What a subscriber that does not read may cost, each; beyond it that subscriber loses messages, and sees it. */
#define TW_ACKS_SEND_HWM 1000 /* up to 16 KiB each: 16 MiB; an ack repeats */
/* An alert with its topic: 0.5 KiB, 1 KiB with eleven trades, and 0.3 KiB of libzmq's: 40,000 x 1.3 KiB is 52 MiB of
 * the 64 MiB that a deaf subscriber may cost. (Nothing but velocities of 64 trades with the longest ids: 8 KiB each.)
 * The hole in `n` is filled by catch-up, whose largest answer fits besides. */
#define TW_ALERTS_SEND_HWM 40000
#define TW_LIVE_SEND_HWM 1000 /* about 200 B each: 200 KiB */
#define TW_REQUESTS_RECEIVE_HWM 1000
#define TW_REQUEST_BYTES_MAX 4096u /* 1,000 of them: 4 MiB for each connection; then the asker waits */

/* ---- Deliveries ---- */
#define TW_RECEIVERS_MAX 16u /* that are configured: each may have 8 attempts under way */
#define TW_RECEIVER_BYTES_MAX 32u
#define TW_ROUTES_MAX 256u              /* each is looked at for each alert */
#define TW_MATCHERS_MAX 16u             /* of one route */
#define TW_GROUP_BYTES_MAX 160u         /* a group's name; a longer one ends in its hash */
#define TW_INHIBITIONS_MAX 16u          /* rules of which alerts mute which */
#define TW_INHIBITION_HELD_MAX 4096u    /* one-shot alerts that mute others at a time; then the oldest does no longer */
#define TW_ANSWER_BYTES_MAX 240u        /* of an answer, kept in the ledger for the eye */
#define TW_ANSWER_HEARD_MAX (64u << 10) /* of an answer's body; behind it the connection is closed */
/* Pending deliveries of one receiver that are in memory, at 120 B each; the rest is read from the store in turn. */
#define TW_DELIVERY_WINDOW 128u
#define TW_DELIVERIES_UNDER_WAY_MAX 8u /* of one receiver */
#define TW_DIGEST_ALERTS_MAX 10000u    /* in one message; each gets a row in the ledger: 4 MiB while it is noted */
#define TW_WEBHOOK_KEYS_MAX 4u
#define TW_MAIL_RECIPIENTS_MAX 32u

/* ---- Texts from templates ---- */
#define TW_SHEET_BYTES_MAX (64u << 10)
#define TW_SHEET_FIELDS_MAX 10u /* parts of one name: Slack takes no more */
#define TW_TEMPLATE_FILTERS_MAX 4u
#define TW_TEMPLATE_DEPTH_MAX 8u
#define TW_TEMPLATE_ITEMS_MAX 64u   /* of a list */
#define TW_TEMPLATE_NODES_MAX 1024u /* a tag makes at most two; with 64 items 65,536 are met at most: some ms */

/* ---- What people do to alerts ---- */
#define TW_NOTE_BYTES_MAX 1000u
#define TW_SILENCE_MATCH_BYTES_MAX 512u
#define TW_SILENCE_HOURS_BYTES_MAX 128u
#define TW_SILENCES_MAX 256u /* that have not ended: each is held against each alert */

/* ---- Rules ---- */
#define TW_STATISTICS_WINDOW_MAX 1000u
#define TW_OVERRIDES_MAX 65536u /* per-account and per-symbol thresholds */
#define TW_SETTINGS_BYTES_MAX (8u << 20)

_Static_assert(TW_SUBMISSION_TRADES_MAX <= TW_BLOCK_TRADES_MAX, "one submission always fits into one block");
_Static_assert(TW_CREDIT_TRADES >= TW_SUBMISSION_TRADES_MAX, "credit lets at least one full submission through");
_Static_assert(TW_ALERTS_SEND_HWM >= 2 * TW_CATCHUP_LIMIT_MAX, "an answer finds room beside what comes meanwhile");
_Static_assert(TW_SUBMISSION_BYTES_MAX <= TW_RECEIVE_BYTES_MAX, "an oversized submission is answered, not cut off");

#endif
