/* SPDX-License-Identifier: MIT
 *
 * One trade as a submission carries it, decoded and checked for form. Strings are borrowed from the message.
 */
#ifndef TW_PROTOCOL_TRADE_H
#define TW_PROTOCOL_TRADE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tw_text { /* borrowed bytes, not NUL-terminated; length 0 means absent */
    const char *bytes;
    uint32_t length;
};

enum tw_side { TW_SIDE_NONE = 0, TW_SIDE_BUY = 1, TW_SIDE_SELL = 2 };
enum tw_kind { TW_KIND_TRADE = 0, TW_KIND_BUST = 1, TW_KIND_CORRECT = 2 };

struct tw_trade {
    struct tw_text symbol;
    struct tw_text account; /* absent: a market print */
    struct tw_text id;      /* execution id */
    struct tw_text ref;     /* on a bust or correct: the id that it reverses or replaces */
    struct tw_text owner, contra, broker, venue, ccy;
    int64_t qty_e8, price_e8; /* 0 where absent (bust) */
    int64_t ts_ns;            /* 0 where absent */
    uint8_t side, kind;       /* enum tw_side, enum tw_kind */
    bool has_ts;
};

#endif
