/* SPDX-License-Identifier: MIT
 *
 * A made-up market.
 */
#include "tools/market.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"
#include "protocol/limits.h"

#define SYMBOL_ZIPF 0.8
#define ACCOUNT_ZIPF 0.9
#define FAVOURITES 4u /* symbols that an account trades */
#define ORDERS 8u     /* being worked at a time */
#define SLICES_MEAN 6.0
#define NEW_ORDER 0.3        /* of an account's trades that begin an order */
#define BLOCK (1.0 / 1500.0) /* of trades that are blocks of over 10,000 */
#define INVENTORY 400000.0   /* what the largest account is comfortable with in one symbol */
#define LEVEL_PULL 0.00002   /* of the distance to the level, at each trade */
#define BURST_FACTOR 6.0
#define BURST_TRADES 400.0 /* in a burst, on average */
#define BURST_EVERY_TRADES 4000.0

struct symbol {
    char name[12];
    uint8_t length;
    double level, price, step; /* in cents; step: relative, per trade */
    double lots;               /* median size in hundreds */
};

struct account {
    char name[12];
    uint8_t length;
    uint32_t symbols[FAVOURITES];
    double inventory[FAVOURITES]; /* signed units */
};

struct order {
    uint32_t account, favourite, slices; /* slices 0: free */
    uint8_t side;
};

struct tw_market {
    struct tw_market_settings settings;
    uint64_t state[4]; /* xoshiro256** */
    struct symbol *symbols;
    struct account *accounts;
    double *symbol_share, *account_share; /* cumulated, ending at 1 */
    struct order orders[ORDERS];
    uint64_t count;
    uint64_t burst_left;
    char id[TW_EXECUTION_ID_BYTES_MAX];
};

/* ---- chance ---- */

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t rotate(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

static uint64_t next_random(struct tw_market *market)
{
    uint64_t *s = market->state, result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

/* In [0, 1). */
static double chance(struct tw_market *market)
{
    return (double)(next_random(market) >> 11) * 0x1p-53;
}
static uint32_t below(struct tw_market *market, uint32_t bound)
{
    return (uint32_t)(chance(market) * bound);
}
static double exponential(struct tw_market *market)
{
    return -log(1.0 - chance(market));
}

static double normal(struct tw_market *market)
{
    double radius = sqrt(2.0 * exponential(market));
    return radius * cos(6.283185307179586 * chance(market));
}

static double *zipf_shares(uint32_t count, double exponent)
{
    double *shares = tw_alloc(count * sizeof *shares), sum = 0.0;
    for (uint32_t i = 0; i < count; i++) {
        sum += pow(i + 1.0, -exponent);
        shares[i] = sum;
    }
    for (uint32_t i = 0; i < count; i++)
        shares[i] /= sum;
    return shares;
}

static uint32_t pick(struct tw_market *market, const double *shares, uint32_t count)
{
    double point = chance(market);
    uint32_t low = 0, high = count - 1;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (shares[middle] > point)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* ---- making ---- */

static void make_symbols(struct tw_market *market)
{
    static const char *const names[] = {"AAPL", "MSFT", "NVDA", "AMZN", "SPY", "TSLA",
                                        "AMD",  "JPM",  "XOM",  "BAC",  "AIG", "IBM"};
    for (uint32_t i = 0; i < market->settings.symbols; i++) {
        struct symbol *symbol = &market->symbols[i];
        int length = i < sizeof names / sizeof names[0] ? snprintf(symbol->name, sizeof symbol->name, "%s", names[i])
                                                        : snprintf(symbol->name, sizeof symbol->name, "SYM%u", i + 1);
        symbol->length = (uint8_t)length;
        symbol->level = symbol->price = 2000.0 * exp(chance(market) * 3.0); /* 20 to 400 */
        symbol->step = 0.00008 + 0.0003 * chance(market);
        symbol->lots = 8000.0 / symbol->level; /* a median trade of 8,000 */
    }
}

static void make_accounts(struct tw_market *market)
{
    for (uint32_t i = 0; i < market->settings.accounts; i++) {
        struct account *account = &market->accounts[i];
        account->length = (uint8_t)snprintf(account->name, sizeof account->name, "A%04u", i + 1);
        for (uint32_t j = 0; j < FAVOURITES; j++)
            account->symbols[j] = pick(market, market->symbol_share, market->settings.symbols);
    }
}

struct tw_market *tw_market_new(const struct tw_market_settings *settings)
{
    TW_ASSERT(settings->symbols > 0 && settings->symbols <= TW_MARKET_SYMBOLS_MAX);
    TW_ASSERT(settings->accounts > 0 && settings->accounts <= TW_MARKET_ACCOUNTS_MAX);
    struct tw_market *market = tw_alloc_zero(1, sizeof *market);
    uint64_t seed = settings->seed;
    market->settings = *settings;
    for (int i = 0; i < 4; i++)
        market->state[i] = splitmix(&seed);
    market->symbols = tw_alloc_zero(settings->symbols, sizeof *market->symbols);
    market->accounts = tw_alloc_zero(settings->accounts, sizeof *market->accounts);
    market->symbol_share = zipf_shares(settings->symbols, SYMBOL_ZIPF);
    market->account_share = zipf_shares(settings->accounts, ACCOUNT_ZIPF);
    make_symbols(market);
    make_accounts(market);
    return market;
}

void tw_market_free(struct tw_market **market_pointer)
{
    struct tw_market *market = *market_pointer;
    if (market == NULL)
        return;
    free(market->symbols);
    free(market->accounts);
    free(market->symbol_share);
    free(market->account_share);
    free(market);
    *market_pointer = NULL;
}

/* ---- trading ---- */

/* Units; whole lots of 100, now and then an odd one. */
static int64_t size_of(struct tw_market *market, const struct symbol *symbol)
{
    if (chance(market) < BLOCK)
        return 100 * (int64_t)(101 + below(market, 400));
    double lots = symbol->lots * exp(0.7 * normal(market));
    int64_t units = lots < 1.0 ? 1 + (int64_t)(lots * 99.0) : 100 * (int64_t)(lots + 0.5);
    return units > 10000 ? 10000 : units;
}

static int64_t walk(struct tw_market *market, struct symbol *symbol, uint8_t side)
{
    symbol->price *= 1.0 + symbol->step * normal(market);
    symbol->price += (symbol->level - symbol->price) * LEVEL_PULL;
    if (symbol->price < 100.0)
        symbol->price = 100.0;
    double half_spread = side == TW_SIDE_BUY ? 0.5 : side == TW_SIDE_SELL ? -0.5 : 0.0;
    return (int64_t)(symbol->price + half_spread + 0.5);
}

/* The larger the inventory, the more likely the account works it down. */
static void begin_order(struct tw_market *market, struct order *order)
{
    order->account = pick(market, market->account_share, market->settings.accounts);
    order->favourite = below(market, FAVOURITES);
    order->slices = 1 + (uint32_t)(SLICES_MEAN * exponential(market));
    const struct account *account = &market->accounts[order->account];
    const struct symbol *symbol = &market->symbols[account->symbols[order->favourite]];
    double comfort = INVENTORY / (1.0 + 0.6 * order->account);
    double held = account->inventory[order->favourite] * symbol->price / 100.0;
    order->side = chance(market) < 1.0 / (1.0 + exp(held / comfort)) ? TW_SIDE_BUY : TW_SIDE_SELL;
}

static struct order *choose_order(struct tw_market *market)
{
    struct order *order = &market->orders[below(market, ORDERS)];
    if (order->slices == 0 || chance(market) < NEW_ORDER)
        begin_order(market, order);
    order->slices--;
    return order;
}

void tw_market_next(struct tw_market *market, int64_t ts_ns, struct tw_trade *out)
{
    static const char venues[][5] = {"XNAS", "XNYS", "ARCX", "BATS"};
    bool print = chance(market) * 100.0 < market->settings.prints_percent;
    struct order *order = print ? NULL : choose_order(market);
    struct account *account = print ? NULL : &market->accounts[order->account];
    uint32_t which =
        print ? pick(market, market->symbol_share, market->settings.symbols) : account->symbols[order->favourite];
    struct symbol *symbol = &market->symbols[which];
    uint8_t side = print ? (uint8_t)TW_SIDE_NONE : order->side;
    int64_t units = size_of(market, symbol), cents = walk(market, symbol, side);
    if (!print)
        account->inventory[order->favourite] += (double)(side == TW_SIDE_BUY ? units : -units);
    int id = snprintf(market->id, sizeof market->id, "s%llu-%llu", (unsigned long long)market->settings.seed,
                      (unsigned long long)++market->count);
    *out = (struct tw_trade){.symbol = {symbol->name, symbol->length},
                             .id = {market->id, (uint32_t)id},
                             .venue = {venues[below(market, 4)], 4},
                             .qty_e8 = units * TW_E8,
                             .price_e8 = cents * (TW_E8 / 100),
                             .ts_ns = ts_ns,
                             .side = side,
                             .has_ts = true};
    if (!print)
        out->account = (struct tw_text){account->name, account->length};
}

int64_t tw_market_gap_ns(struct tw_market *market, uint64_t rate)
{
    TW_ASSERT(rate > 0);
    if (market->burst_left > 0)
        market->burst_left--;
    else if (chance(market) < 1.0 / BURST_EVERY_TRADES)
        market->burst_left = (uint64_t)(BURST_TRADES * exponential(market));
    /* Bursts make up a tenth of all trades and a sixtieth of the time: the rest has to take a little longer. */
    const double share = BURST_TRADES / BURST_EVERY_TRADES / (1.0 + BURST_TRADES / BURST_EVERY_TRADES);
    const double calm = 1.0 / (1.0 - share + share / BURST_FACTOR);
    double mean_ns = 1e9 / (double)rate * calm / (market->burst_left > 0 ? BURST_FACTOR : 1.0);
    return (int64_t)(mean_ns * exponential(market));
}
