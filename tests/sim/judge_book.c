/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"
#include "tests/sim/judge_inside.h"

static wide absolute(wide value)
{
    return value < 0 ? -value : value;
}

wide judge_half_even(wide numerator, wide denominator)
{
    wide quotient = numerator / denominator, rest = numerator % denominator;
    if (rest < 0) {
        rest += denominator;
        quotient--;
    }
    if (2 * rest > denominator || (2 * rest == denominator && (quotient & 1) != 0))
        quotient++;
    return quotient;
}

static wide term_of(const struct judge *judge, const struct holding *holding)
{
    wide pos = judge->settings.measure == NET ? holding->pos : absolute(holding->pos);
    return judge_half_even(pos * holding->mark, UNIT);
}

void judge_apply(struct judge *judge, const struct trade *trade)
{
    judge->marks[trade->symbol] = trade->price;
    judge->symbol_turnover[trade->symbol] += trade->notional;
    judge->traded[trade->symbol] = true;
    if (trade->account == 0)
        return;
    struct holding *holding = &judge->holdings[trade->symbol][trade->account];
    judge->account_turnover[trade->account] += trade->notional;
    holding->pos += (wide)trade->side * trade->qty;
    holding->mark = trade->price;
    holding->term = term_of(judge, holding);
}

void judge_reverse(struct judge *judge, const struct trade *trade, bool same_day)
{
    if (same_day) {
        judge->symbol_turnover[trade->symbol] -= trade->notional;
        if (trade->account != 0)
            judge->account_turnover[trade->account] -= trade->notional;
    }
    if (trade->account == 0)
        return;
    struct holding *holding = &judge->holdings[trade->symbol][trade->account];
    holding->pos -= (wide)trade->side * trade->qty;
    holding->term = term_of(judge, holding);
}

static wide terms(const struct judge *judge, uint32_t account)
{
    wide sum = 0;
    for (uint32_t symbol = 1; symbol < NAMES_MAX; symbol++)
        sum += judge->holdings[symbol][account].term;
    return sum;
}

void judge_remark(struct judge *judge, bool changed[NAMES_MAX])
{
    for (uint32_t account = 1; account <= judge->name_count[TW_NAME_ACCOUNT]; account++) {
        wide before = terms(judge, account);
        for (uint32_t symbol = 1; symbol < NAMES_MAX; symbol++) {
            struct holding *holding = &judge->holdings[symbol][account];
            if (!judge->traded[symbol] || holding->pos == 0)
                continue;
            holding->mark = judge->marks[symbol];
            holding->term = term_of(judge, holding);
        }
        changed[account] = terms(judge, account) != before;
    }
    memset(judge->traded, 0, sizeof judge->traded);
}

wide judge_client_value(const struct judge *judge, uint32_t account)
{
    if (judge->settings.measure == TURNOVER)
        return judge->account_turnover[account];
    return absolute(terms(judge, account));
}

wide judge_symbol_value(const struct judge *judge, uint32_t symbol)
{
    wide held = 0, net = 0;
    if (judge->settings.measure == TURNOVER)
        return judge->symbol_turnover[symbol];
    for (uint32_t account = 1; account < NAMES_MAX; account++) {
        held += absolute(judge->holdings[symbol][account].pos);
        net += judge->holdings[symbol][account].pos;
    }
    if (judge->settings.measure == NET)
        return absolute(judge_half_even(net * judge->marks[symbol], UNIT));
    return judge_half_even(held * judge->marks[symbol], UNIT);
}

/* ---- windows ---- */

void judge_key_move(struct key *key, int64_t ts)
{
    if (ts > key->clock)
        key->clock = ts;
}

void judge_key_add(struct key *key, struct entry entry)
{
    if (key->count == key->capacity) {
        key->capacity = key->capacity == 0 ? 32 : key->capacity * 2;
        key->entries = tw_realloc(key->entries, key->capacity * sizeof *key->entries);
    }
    key->entries[key->count++] = entry;
}

static void drop_entry(struct key *key, uint32_t at)
{
    key->count--;
    memmove(key->entries + at, key->entries + at + 1, (key->count - at) * sizeof *key->entries);
}

void judge_key_lose(struct key *key, uint64_t seq)
{
    for (uint32_t i = 0; i < key->count; i++)
        if (key->entries[i].seq == seq) {
            drop_entry(key, i);
            return;
        }
}

/* What has left the window by the key's own clock does not return. */
void judge_velocity_forget(struct key *key, int64_t window)
{
    while (key->count > 0 && key->entries[0].at <= key->clock - window)
        drop_entry(key, 0);
}

uint32_t judge_velocity_at(const struct key *key, int64_t t, int64_t window)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < key->count; i++)
        count += key->entries[i].at > t - window;
    return count;
}

/* |z| of x above k: (n x - S)^2 > k^2 (n Q - S^2), in integers. */
bool judge_exceeds(const struct key *key, int64_t x, int64_t k_e3, int64_t minimum)
{
    wide n = key->count, sum = 0, squares = 0;
    for (uint32_t i = 0; i < key->count; i++) {
        sum += key->entries[i].cents;
        squares += (wide)key->entries[i].cents * key->entries[i].cents;
    }
    wide spread = n * squares - sum * sum, distance = n * x - sum;
    if (n < minimum || spread == 0)
        return false;
    return distance * distance * 1000000 > (wide)k_e3 * k_e3 * spread;
}
