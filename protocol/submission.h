/* SPDX-License-Identifier: MIT
 *
 * What a publisher sends, in its two forms. Row form: {"v","pub","inc","seq","trades":[{...}]}. Columnar form (for
 * speed): {"v","pub","inc","seq","n","base","names","cols":{...}}; protocol/README.md has it byte by byte.
 *
 * Decoding borrows from the message and allocates nothing. Pure.
 */
#ifndef TW_PROTOCOL_SUBMISSION_H
#define TW_PROTOCOL_SUBMISSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/limits.h"
#include "protocol/log.h"
#include "protocol/pack.h"
#include "protocol/status.h"
#include "protocol/trade.h"

/* Columns of the columnar form. X(member, wire key, bytes per row, required). Names are ids of the publisher's own
 * dictionary, dense from 1 in the order sent; 0 means absent. `side` and `kind` are bytes with enum tw_side/tw_kind.
 * An id (execution id) travels as in the block: a length per row and the bytes end to end in "ids"; refs likewise. */
#define TW_SUBMISSION_COLUMNS(X)                                                                                       \
    X(ts, "ts", 8, false)                                                                                              \
    X(symbol, "symbol", 4, true)                                                                                       \
    X(account, "account", 4, false)                                                                                    \
    X(side, "side", 1, false)                                                                                          \
    X(qty, "qty", 8, true)                                                                                             \
    X(price, "price", 8, true)                                                                                         \
    X(kind, "kind", 1, false)                                                                                          \
    X(id_length, "idl", 1, false)                                                                                      \
    X(ref_length, "refl", 1, false)                                                                                    \
    X(venue, "venue", 4, false)                                                                                        \
    X(owner, "owner", 4, false)                                                                                        \
    X(contra, "contra", 4, false)                                                                                      \
    X(broker, "broker", 4, false)                                                                                      \
    X(ccy, "ccy", 4, false)

struct tw_submission {
    struct tw_text publisher; /* length 0: without pub and seq, taken as _anon */
    bool anonymous;
    bool columnar;
    uint32_t incarnation;
    uint64_t seq;   /* number of the first trade; 0 when anonymous */
    uint32_t count; /* trades; 0 is a hello */
    /* row form */
    struct tw_unpacker trades; /* at the first element; read with tw_submission_next_trade */
    /* columnar form; NULL columns are absent */
#define TW_COLUMN_MEMBER(member, key, width, required) const uint8_t *member;
    TW_SUBMISSION_COLUMNS(TW_COLUMN_MEMBER)
#undef TW_COLUMN_MEMBER
    const uint8_t *ids, *refs; /* never NULL in the columnar form */
    uint32_t ids_bytes, refs_bytes;
    uint64_t names_base;      /* id of the first name below; known + 1, or lower (repeats) */
    struct tw_unpacker names; /* at the first name (str of 1 to 64 bytes: checked) */
    uint32_t name_count;
    char why_text[TW_WHY_BYTES_MAX]; /* what `why` may point to */
};

enum tw_envelope {
    TW_ENVELOPE_OK,
    TW_ENVELOPE_HOLD,      /* readable: publisher, incarnation and (if it was legible) seq are set; answer by hold */
    TW_ENVELOPE_UNREADABLE /* not a well-formed map with v and a valid pub: count and log */
};

/* *hold and *why (static or in `why_text`) are set for HOLD, *why for UNREADABLE too. An anonymous message has nobody
 * to answer: what would be HOLD is UNREADABLE. Columnar values (ids of names, side, kind, amounts, ids longer than 64
 * bytes) are not looked at: the reader of the columns does that. But idl and refl are known to add up to the lengths
 * of ids and refs. The whole message is known to be well-formed MessagePack afterwards, so that
 * tw_submission_next_trade can always step over a trade. */
enum tw_envelope tw_submission_decode(const void *bytes, size_t length, struct tw_submission *out, enum tw_code *hold,
                                      const char **why);

/* Next trade of the row form, checked for form (not for time, notional, currency or ref). TW_OK or a refusal code with
 * its sentence in `why` (TW_WHY_BYTES_MAX). `raw` is the trade's bytes; for a refused trade *out is zeroed and only
 * `raw` says what it was. Called exactly `count` times. */
enum tw_code tw_submission_next_trade(struct tw_submission *submission, struct tw_trade *out, struct tw_text *raw,
                                      char why[TW_WHY_BYTES_MAX]);

/* The same checks of form on a trade that is already in this struct (a tool's input): TW_OK, or the code with its
 * sentence. What it passes, the encoders below take. */
enum tw_code tw_trade_check(const struct tw_trade *trade, char why[TW_WHY_BYTES_MAX]);

/* XXH3-64 over the canonical content of a trade (every field, absent ones as absent): equal content, equal hash,
 * whichever form it came in. Of a bust, symbol, account, side, qty and price stay out: they may be left out when it is
 * sent, and a block has the original's in their place. */
uint64_t tw_trade_content_hash(const struct tw_trade *trade);

/* ---- encoding, for clients and tools: appends to `out`. Trades must pass tw_trade_check, or the daemon refuses them.
 * (In columns, names and ids must be at most 64 bytes: an assertion.) ---- */

/* Row form of a batch; `trades` may be none (hello). Anonymous if publisher.length is 0. */
void tw_submission_encode_rows(struct tw_buffer *out, struct tw_text publisher, uint32_t incarnation, uint64_t seq,
                               const struct tw_trade *trades, uint32_t count);

/* Columnar form. The writer keeps the publisher's dictionary: names travel once. One owner, one thread. */
struct tw_columns;
struct tw_columns *tw_columns_new(struct tw_text publisher, uint32_t incarnation);
void tw_columns_free(struct tw_columns **columns);
/* A publisher that goes on under an incarnation whose names it has forgotten starts behind those that the daemon knows
 * (ack: `names`): the same name may have two ids. Before the first tw_columns_add. */
void tw_columns_start_after(struct tw_columns *columns, uint64_t names);
/* Appends a trade to the message under construction; false if it is full (8,190 trades or 1 MiB would be exceeded). On
 * an empty message false means that the dictionary is full (TW_LOCAL_NAMES_MAX): go on in the row form. */
bool tw_columns_add(struct tw_columns *columns, const struct tw_trade *trade);
uint32_t tw_columns_count(const struct tw_columns *columns);
/* Writes the message (first trade's number `seq`, names from `names_known` + 1 on) and empties the batch. The 1 MiB of
 * tw_columns_add counts on names_known >= tw_columns_names_written; if the daemon has lost names that were written
 * before (ack: `names`), they go ahead in hellos by tw_columns_hello. */
void tw_columns_finish(struct tw_columns *columns, uint64_t seq, uint64_t names_known, struct tw_buffer *out);
/* A hello that carries the names from `names_known` + 1 on, as many as fit into 1 MiB; returns how many are known after
 * it. Leaves the batch alone. */
uint64_t tw_columns_hello(struct tw_columns *columns, uint64_t seq, uint64_t names_known, struct tw_buffer *out);
uint64_t tw_columns_names(const struct tw_columns *columns);         /* names in the dictionary */
uint64_t tw_columns_names_written(const struct tw_columns *columns); /* names that some message carried */

#endif
