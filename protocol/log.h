/* SPDX-License-Identifier: MIT
 *
 * The records of the log: blocks of trades, and control records between them. protocol/README.md gives them byte by
 * byte. Every record has a dense number `lsn` from 1 (its epoch) and the global sequence that it follows; a block's
 * first trade is `follows + 1`.
 *
 * Views borrow the encoded bytes; they are valid as long as the frame is held. Decoding checks every bound, so that a
 * view's accessors need none. Columns are little-endian and unaligned.
 */
#ifndef TW_PROTOCOL_LOG_H
#define TW_PROTOCOL_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "protocol/frame.h"
#include "protocol/limits.h"
#include "protocol/trade.h"

#define TW_LOG_FORMAT 1u

/* ---- a block's columns ---- */

/* X(member, wire key, bytes per row, always there) -- an optional column that is absent reads as 0 for every row. */
#define TW_BLOCK_COLUMNS(X)                                                                                            \
    X(ts, "ts", 8, true)           /* int64 ns since the epoch */                                                      \
    X(qty, "qty", 8, true)         /* int64 1e-8, > 0 */                                                               \
    X(price, "price", 8, true)     /* int64 1e-8, > 0 */                                                               \
    X(pseq, "pseq", 8, true)       /* uint64: number within the source */                                              \
    X(symbol, "symbol", 4, true)   /* uint32 symbol id, from 1 */                                                      \
    X(account, "account", 4, true) /* uint32 account id, 0 for a market print */                                       \
    X(source, "source", 4, true)   /* uint32 source id, from 1: a publisher's incarnation */                           \
    X(attrs, "attrs", 1, true)     /* TW_ATTR_* */                                                                     \
    X(id_length, "idl", 1, false)  /* uint8: bytes of the row's execution id in `ids`, which has them end to end */    \
    X(venue, "venue", 4, false)    /* uint32 party ids, 0 for none */                                                  \
    X(owner, "owner", 4, false)                                                                                        \
    X(contra, "contra", 4, false)                                                                                      \
    X(broker, "broker", 4, false)                                                                                      \
    X(ccy, "ccy", 4, false)

/* attrs: bits 0-1 side, bits 2-3 kind, then flags. */
#define TW_ATTR_SIDE(attrs) ((enum tw_side)((attrs)&3u))
#define TW_ATTR_KIND(attrs) ((enum tw_kind)(((attrs) >> 2) & 3u))
#define TW_ATTR_MAKE(side, kind) ((uint8_t)((unsigned)(side) | ((unsigned)(kind) << 2)))
#define TW_ATTR_TICK 0x10u        /* the trade crosses a second: one tick happens before it is applied */
#define TW_ATTR_LATE 0x20u        /* ts lies before the event clock */
#define TW_ATTR_TS_ASSIGNED 0x40u /* the submission had no ts; the receive time was recorded */

/* What a bust or correct reverses, one for each row of kind bust or correct, in row order. For a bust the row's own
 * symbol, account, side, qty and price repeat the original's. */
struct tw_original {
    uint32_t row, symbol, account;
    uint8_t side, reserved[3];
    uint64_t seq; /* global sequence of the trade that is reversed */
    int64_t qty_e8, price_e8, ts_ns;
};
_Static_assert(sizeof(struct tw_original) == 48, "written as it is; see protocol/README.md");

enum tw_name_kind { TW_NAME_SYMBOL = 1, TW_NAME_ACCOUNT = 2, TW_NAME_SOURCE = 3, TW_NAME_PARTY = 4 };

/* A name that becomes known with this block (ids are dense, so kind and order give the id; it is stored all the
 * same, and checked). */
struct tw_new_name {
    enum tw_name_kind kind;
    uint32_t id;
    uint32_t incarnation; /* sources only */
    struct tw_text name;  /* for a source its publisher's name */
};

/* A refused trade, recorded. */
struct tw_refusal {
    uint64_t number; /* dense over the log, from 1 */
    uint32_t source;
    uint64_t pseq;
    uint64_t content_hash; /* XXH3-64 of the trade's canonical content; recognises an equal resend */
    int64_t received_ns;   /* wall clock */
    struct tw_text code;   /* wire name */
    struct tw_text why;    /* one sentence */
    struct tw_text raw;    /* the trade's bytes as received, cut at TW_REFUSED_RAW_BYTES_MAX */
};

/* Where a source stands after this block: its next expected number. */
struct tw_position {
    uint32_t source;
    uint64_t next;
};

struct tw_block {
    uint64_t lsn;
    uint64_t follows; /* global sequence before the first row; the first row is follows + 1 */
    uint32_t count;   /* rows, 0 to TW_BLOCK_TRADES_MAX */
#define TW_COLUMN_MEMBER(member, key, width, always) const uint8_t *member;
    TW_BLOCK_COLUMNS(TW_COLUMN_MEMBER)
#undef TW_COLUMN_MEMBER
    const uint8_t *ids; /* execution ids end to end */
    uint32_t ids_bytes;
    const uint8_t *originals;
    uint32_t original_count;
    const uint8_t *names, *refusals, *positions; /* encoded lists, read by the iterators below */
    uint32_t names_bytes, refusals_bytes, positions_bytes;
    uint32_t name_count, refusal_count, position_count;
};

static inline uint64_t tw_load_u64(const uint8_t *column, uint32_t row)
{
    uint64_t value;
    memcpy(&value, column + (size_t)row * 8u, sizeof value);
    return value;
}
static inline int64_t tw_load_i64(const uint8_t *column, uint32_t row)
{
    int64_t value;
    memcpy(&value, column + (size_t)row * 8u, sizeof value);
    return value;
}
static inline uint32_t tw_load_u32(const uint8_t *column, uint32_t row)
{
    uint32_t value;
    memcpy(&value, column + (size_t)row * 4u, sizeof value);
    return value;
}
static inline uint32_t tw_load_party(const uint8_t *column, uint32_t row)
{
    return column == NULL ? 0u : tw_load_u32(column, row);
}

/* Row's original; the row must be a bust or correct. *cursor starts at 0 and is advanced, rows in ascending order. */
struct tw_original tw_block_original(const struct tw_block *block, uint32_t row, uint32_t *cursor);
/* Execution id of `row`; walks from the front: O(rows). */
struct tw_text tw_block_id(const struct tw_block *block, uint32_t row);

/* Iterators: *offset starts at 0; false at the end. The view was checked at decode, so they cannot fail otherwise. */
bool tw_block_next_name(const struct tw_block *block, uint32_t *offset, struct tw_new_name *out);
bool tw_block_next_refusal(const struct tw_block *block, uint32_t *offset, struct tw_refusal *out);
bool tw_block_next_position(const struct tw_block *block, uint32_t *offset, struct tw_position *out);

/* ---- control records ---- */

/* X(symbol, wire name) */
#define TW_CONTROL_KINDS(X)                                                                                            \
    X(BOOT, "boot")         /* number = boot number from 1, ts = wall clock, text = version of the program,            \
                               number2 = 1: the log says from here on which names are feeds (LANE) */                  \
    X(SETTINGS, "settings") /* text = canonical settings that can change an alert (cfg/rules.h) */                     \
    X(CLOCK, "clock")       /* ts = a whole second: the event clock moves there and ticks */                           \
    X(SESSION, "session")   /* ts = the roll's time, number = next roll's time: the next tick rolls the session day */ \
    X(FENCE, "fence")       /* source = the new incarnation, text = publisher, number = incarnation: lower ones end */ \
    X(FEED_GAP, "feed_gap") /* source, number = first missing, ts = wall clock, number2 = how many are missing */      \
    X(SNAPSHOT, "snapshot") /* number = snapshots so far, ts = wall clock: every actor keeps its state as of here */   \
    X(RETENTION, "retention") /* number = last trade, number2 = last record that go; ts = the moment all are before */ \
    X(LANE, "lane") /* text = publisher, number = 1 a feed, 0 it pushes: from here on it speaks there and only there   \
                     */                                                                                                \
    X(ACTION, "action") /* number = h from 1, ts = wall clock, text = what somebody did to an alert (action.h) */

enum tw_control_kind {
#define TW_CONTROL_MEMBER(symbol, name) TW_CONTROL_##symbol,
    TW_CONTROL_KINDS(TW_CONTROL_MEMBER)
#undef TW_CONTROL_MEMBER
        TW_CONTROL_KIND_COUNT
};

const char *tw_control_kind_name(enum tw_control_kind kind); /* wire name */

struct tw_control {
    uint64_t lsn;
    uint64_t follows;
    enum tw_control_kind kind;
    int64_t ts_ns;
    uint64_t number, number2;
    uint32_t source;
    struct tw_text text;
};

/* ---- a record of the log ---- */

enum tw_record_kind { TW_RECORD_BLOCK, TW_RECORD_CONTROL };

struct tw_record {
    enum tw_record_kind kind;
    union {
        struct tw_block block;
        struct tw_control control;
    };
};

static inline uint64_t tw_record_lsn(const struct tw_record *record)
{
    return record->kind == TW_RECORD_BLOCK ? record->block.lsn : record->control.lsn;
}
static inline uint64_t tw_record_follows(const struct tw_record *record)
{
    return record->kind == TW_RECORD_BLOCK ? record->block.follows : record->control.follows;
}
/* The global sequence after the record. */
static inline uint64_t tw_record_last(const struct tw_record *record)
{
    return record->kind == TW_RECORD_BLOCK ? record->block.follows + record->block.count : record->control.follows;
}

/* Decodes and checks every bound, id column sums, enum values and list. False: not a record (say where in *why, a
 * static string). Allocates nothing. Does not check what only the dictionary can tell (ids beyond it). */
bool tw_record_decode(const uint8_t *bytes, size_t length, struct tw_record *out, const char **why);
/* The same without the passes over rows and names: for records that this process encoded or decoded before. */
bool tw_record_view(const uint8_t *bytes, size_t length, struct tw_record *out);

/* Encoding. `block` is a view over the maker's own arrays (columns hold `count` values; NULL optional columns are left
 * out); names, refusals and positions come as plain arrays here. */
struct tw_block_lists {
    const struct tw_new_name *names;
    const struct tw_refusal *refusals;
    const struct tw_position *positions;
    uint32_t name_count, refusal_count, position_count;
};
/* What stands before the first column: for who keeps the columns apart and puts the record together again. */
struct tw_buffer;
void tw_block_put_head(struct tw_buffer *out, uint32_t pairs, uint64_t lsn, uint64_t follows, uint32_t count);
struct tw_frame *tw_block_encode(const struct tw_block *block, const struct tw_block_lists *lists);
struct tw_frame *tw_control_encode(const struct tw_control *control);
/* The same into frames of a pool (NULL: memory of its own). */
struct tw_frame *tw_block_encode_in(struct tw_frame_pool *pool, const struct tw_block *block,
                                    const struct tw_block_lists *lists);
struct tw_frame *tw_control_encode_in(struct tw_frame_pool *pool, const struct tw_control *control);

#endif
