/* SPDX-License-Identifier: MIT
 *
 * Trades from a file: CSV with a header of trade field names, or JSON lines; plain or gzip. Numbers are read exactly,
 * to 1e-8. What a line means (a qty of 0, a name that is too long for its role) is for the gateway to judge; a line is
 * malformed when it cannot be read at all.
 *
 * Reading a line of CSV allocates nothing. One owner; reading may block.
 */
#ifndef TW_TOOLS_TAPE_H
#define TW_TOOLS_TAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/digest.h"
#include "protocol/trade.h"
#include "tools/tape_input.h"

#define TW_TAPE_COLUMNS_MAX 32u
#define TW_TAPE_LINE_BYTES_MAX (64u * 1024u) /* a trade of our own takes under 1 KiB */

/* X(name): columns of a CSV and keys of JSON lines. */
#define TW_TAPE_FIELDS(X)                                                                                              \
    X(ts) X(symbol) X(side) X(qty) X(price) X(account) X(venue) X(id) X(kind) X(ref) X(owner) X(contra) X(broker) X(ccy)

enum tw_tape_field {
#define TW_TAPE_FIELD_MEMBER(name) TW_TAPE_##name,
    TW_TAPE_FIELDS(TW_TAPE_FIELD_MEMBER)
#undef TW_TAPE_FIELD_MEMBER
        TW_TAPE_FIELD_COUNT
};

enum tw_tape_result {
    TW_TAPE_TRADE, /* *out is set; its texts are valid until the next call */
    TW_TAPE_BAD,   /* a malformed line: tw_tape_problem; the next call goes on behind it */
    TW_TAPE_END,
    TW_TAPE_FAILED /* the file cannot be read on, or has no usable header: tw_tape_problem */
};

struct tw_tape;
struct tw_tape *tw_tape_new(struct tw_tape_input *input, const char *name); /* takes input; borrows name */
/* Opens a file, "-" for stdin; NULL with a sentence in `why` (256 bytes). */
struct tw_tape *tw_tape_open(const char *path, char why[256]);
void tw_tape_free(struct tw_tape **tape);

void tw_tape_on_wait(struct tw_tape *tape, tw_tape_input_wait wait, void *context); /* tape_input.h */

enum tw_tape_result tw_tape_next(struct tw_tape *tape, struct tw_trade *out);
/* "trades.csv:17: column qty: not a number above 0 with at most 8 decimals" */
const char *tw_tape_problem(const struct tw_tape *tape);
bool tw_tape_unreadable(const struct tw_tape *tape); /* FAILED by the file itself, not by what it says */
uint64_t tw_tape_line(const struct tw_tape *tape);   /* of the last result, from 1 */

/* What is read from now on counts for the name, so that who reads the lines first need not read twice for it. */
void tw_tape_hash(struct tw_tape *tape);
/* The publisher's name that a content has by default: "f-" and 24 digits of the SHA-256 of all of it, decompressed.
 * Reads what is left, then goes back to the front. False: tw_tape_problem. */
#define TW_TAPE_NAME_MAX 32u
bool tw_tape_derive_name(struct tw_tape *tape, char out[TW_TAPE_NAME_MAX]);
/* For progress: bytes of the file behind us, and its size (0: unknown). */
uint64_t tw_tape_position(const struct tw_tape *tape);
uint64_t tw_tape_size(const struct tw_tape *tape);

#endif
