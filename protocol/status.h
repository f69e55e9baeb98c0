/* SPDX-License-Identifier: MIT
 *
 * Status codes: one row each. Outsiders see the names (`code` in refusals and holds); the numbers stay inside a
 * process and are written to the log only by name.
 */
#ifndef TW_PROTOCOL_STATUS_H
#define TW_PROTOCOL_STATUS_H

/* X(symbol, wire name, meaning) -- a trade that is refused has used its publisher sequence number. */
#define TW_REFUSAL_CODES(X)                                                                                            \
    X(BAD_TRADE, "bad_trade", "the trade is not a map")                                                                \
    X(UNKNOWN_FIELD, "unknown_field", "a field that this version does not know")                                       \
    X(DUPLICATE_FIELD, "duplicate_field", "a field that is given twice")                                               \
    X(MISSING_FIELD, "missing_field", "a field that must be there is not")                                             \
    X(BAD_SYMBOL, "bad_symbol", "symbol is not 1 to 32 printable ASCII characters without space")                      \
    X(BAD_SIDE, "bad_side", "side is neither B nor S, or missing although there is an account")                        \
    X(BAD_QTY, "bad_qty", "qty is not a number above 0 with at most 8 decimals")                                       \
    X(BAD_PRICE, "bad_price", "price is not a number above 0 with at most 8 decimals")                                 \
    X(AMOUNT_OUT_OF_RANGE, "amount_out_of_range", "qty, price or their product leaves the range of 64 bits in 1e-8")   \
    X(BAD_TS, "bad_ts", "ts is not an integer of nanoseconds")                                                         \
    X(TIMESTAMP_IN_FUTURE, "timestamp_in_future", "ts is further ahead of its receipt than limits/future")             \
    X(TIMESTAMP_IMPLAUSIBLE, "timestamp_implausible", "ts lies before 1990")                                           \
    X(BAD_ACCOUNT, "bad_account", "account is not 1 to 32 bytes of UTF-8 without control characters")                  \
    X(BAD_ID, "bad_id", "id is not 1 to 64 bytes of UTF-8 without control characters")                                 \
    X(BAD_PARTY, "bad_party", "owner, contra, broker or venue is not 1 to 32 bytes of UTF-8")                          \
    X(UNKNOWN_CCY, "unknown_ccy", "the currency has no rate in the reference data")                                    \
    X(BAD_KIND, "bad_kind", "kind is none of trade, bust, correct")                                                    \
    X(BAD_REF, "bad_ref", "ref is missing on a bust or correct, present on a trade, or not 1 to 64 bytes")             \
    X(UNKNOWN_REF, "unknown_ref", "no unbusted trade of that id from this publisher")                                  \
    X(REF_MISMATCH, "ref_mismatch", "symbol or account of a bust differ from those of the trade that ref names")       \
    X(DICTIONARY_FULL, "dictionary_full", "too many different names; see limits")

/* X(symbol, wire name, meaning) -- a message whose whole is unacceptable; it consumes nothing. */
#define TW_HOLD_CODES(X)                                                                                               \
    X(DISK, "disk", "the store takes no more for now; wait")                                                           \
    X(SEQUENCE_REUSED, "sequence_reused", "other trades were taken under these numbers before")                        \
    X(STALE_INCARNATION, "stale_incarnation", "a higher incarnation of this publisher is in force")                    \
    X(HELLO_REQUIRED, "hello_required", "a new incarnation begins with a hello")                                       \
    X(NAME_OF_A_FEED, "name_of_a_feed", "a feed speaks under this name; a publisher needs another")                    \
    X(BAD_ENVELOPE, "bad_envelope", "a key of the envelope is missing, unknown, double or of the wrong type")          \
    X(BAD_VERSION, "bad_version", "v is not 1")                                                                        \
    X(BAD_SEQUENCE, "bad_sequence", "seq is not an integer from 1, or runs over 2^63")                                 \
    X(BAD_TRADES, "bad_trades", "trades is not an array")                                                              \
    X(TOO_MANY_TRADES, "too_many_trades", "more than 8,190 trades in one message")                                     \
    X(MESSAGE_TOO_LARGE, "message_too_large", "the message is over 1 MiB")                                             \
    X(BAD_COLUMNS, "bad_columns", "a column is missing, unknown, double or not of n values")                           \
    X(UNKNOWN_NAME, "unknown_name", "a column uses a name that was not sent; resend names from `names` on")            \
    X(BAD_NAMES, "bad_names", "the names are not as the columnar form wants them")                                     \
    X(TOO_MANY_PUBLISHERS, "too_many_publishers", "no place for one more publisher; see limits")

enum tw_code {
    TW_OK = 0,
#define TW_CODE_MEMBER(symbol, name, meaning) TW_REFUSED_##symbol,
    TW_REFUSAL_CODES(TW_CODE_MEMBER)
#undef TW_CODE_MEMBER
#define TW_CODE_MEMBER(symbol, name, meaning) TW_HOLD_##symbol,
        TW_HOLD_CODES(TW_CODE_MEMBER)
#undef TW_CODE_MEMBER
            TW_CODE_COUNT
};

/* The wire name ("bad_price") and the one-line meaning; never NULL for a member of the enum. "ok" for TW_OK. */
const char *tw_code_name(enum tw_code code);
const char *tw_code_meaning(enum tw_code code);
/* The code of a wire name, or TW_CODE_COUNT. */
enum tw_code tw_code_from_name(const char *name, unsigned long length);

/* Exit codes of every command (CONTRACT: "One executable"). */
enum tw_exit {
    TW_EXIT_OK = 0,
    TW_EXIT_NO = 1,          /* done, and the answer is no */
    TW_EXIT_USAGE = 2,       /* wrong usage or configuration */
    TW_EXIT_UNREACHABLE = 3, /* cannot reach or read something */
    TW_EXIT_REFUSED = 4      /* input refused */
};

#endif
