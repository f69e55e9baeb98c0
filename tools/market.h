/* SPDX-License-Identifier: MIT
 *
 * A made-up market, the same for the same seed: prices walk around each symbol's level in ticks of a cent, volume goes
 * mostly to few symbols and few accounts, sizes are round lots with a long tail, orders come in slices, and activity in
 * bursts. Accounts work against their inventories, so exposures rise and fall. Most trades are market prints.
 *
 * Pure: no clock, socket or file. One owner. A trade's texts are borrowed until the next one.
 */
#ifndef TW_TOOLS_MARKET_H
#define TW_TOOLS_MARKET_H

#include <stdint.h>

#include "protocol/trade.h"

#define TW_MARKET_SYMBOLS_MAX 100000u
#define TW_MARKET_ACCOUNTS_MAX 1000000u

struct tw_market_settings {
    uint64_t seed;
    uint32_t symbols, accounts;
    uint32_t prints_percent; /* of trades without an account */
};

struct tw_market;
struct tw_market *tw_market_new(const struct tw_market_settings *settings);
void tw_market_free(struct tw_market **market);
/* The next trade; its time is the caller's. */
void tw_market_next(struct tw_market *market, int64_t ts_ns, struct tw_trade *out);
/* Time until the trade after that, at so many a second on average. */
int64_t tw_market_gap_ns(struct tw_market *market, uint64_t rate);

#endif
