/* SPDX-License-Identifier: MIT
 *
 * Exact numbers (RULES: "Numbers"). Quantities, prices and money are integers of 1e-8; sums are 128 bits; products
 * are rounded half to even. No floating point decides anything here.
 */
#ifndef TW_PROTOCOL_NUM_H
#define TW_PROTOCOL_NUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef __int128 tw_i128;
typedef unsigned __int128 tw_u128;

#define TW_I128_MAX ((tw_i128)((~(tw_u128)0) >> 1))
#define TW_I128_MIN (-TW_I128_MAX - 1)

enum tw_parse { TW_PARSE_OK, TW_PARSE_BAD, TW_PARSE_RANGE };

/* `[0-9]+(\.[0-9]{1,8})?` to 1e-8; no sign, no exponent. RANGE when it leaves int64. Zero parses. */
enum tw_parse tw_e8_parse(const char *text, size_t length, int64_t *out_e8);
/* A float through its shortest decimal form that reads back as the same float; BAD for NaN, infinity, negative, or more
 * than 8 decimals. */
enum tw_parse tw_e8_from_double(double value, int64_t *out_e8);
/* An unsigned integer of whole units. */
enum tw_parse tw_e8_from_units(uint64_t units, int64_t *out_e8);

/* Decimal text of a value in 1e-8 without trailing zeros ("-12.5", "0"); returns its length, NUL-terminated.
 * `out` holds at least TW_E8_TEXT_MAX bytes. */
#define TW_E8_TEXT_MAX 48u
size_t tw_e8_format(tw_i128 value_e8, char out[TW_E8_TEXT_MAX]);
size_t tw_i128_format(tw_i128 value, char out[TW_E8_TEXT_MAX]); /* plain integer text */

/* round_half_even(a / b), b > 0. */
tw_i128 tw_divide_half_even(tw_i128 a, int64_t b);

/* round_half_even(product / 10^8) for product < 2^63 x 10^8, without a division. With h = floor(product / 2^26), which
 * fits 64 bits, and r = floor(2^90 / 10^8): floor(h x r / 2^64) is never above the quotient, and above
 * product / 10^8 - product / 2^90 - 2^26 / 10^8 - 1, so that it is too small by two at most. */
static inline uint64_t tw_over_e8(tw_u128 product)
{
    const uint64_t e8 = UINT64_C(100000000), reciprocal = (uint64_t)(((tw_u128)1 << 90) / e8);
    uint64_t quotient = (uint64_t)((tw_u128)(uint64_t)(product >> 26) * reciprocal >> 64);
    uint64_t remainder = (uint64_t)product - quotient * e8;
    for (int i = 0; i < 2; i++) {
        uint64_t more = remainder >= e8;
        quotient += more;
        remainder -= e8 * more;
    }
    return quotient + ((uint64_t)(remainder > e8 / 2) | ((uint64_t)(remainder == e8 / 2) & (quotient & 1u)));
}

/* round_half_even(qty x price / 10^8) for qty, price >= 0; false when it leaves int64. */
bool tw_notional(int64_t qty_e8, int64_t price_e8, int64_t *out_e8);
/* The same for a pair already known to fit (a trade in a block). */
static inline int64_t tw_notional_known(int64_t qty_e8, int64_t price_e8)
{
    return (int64_t)tw_over_e8((tw_u128)(uint64_t)qty_e8 * (uint64_t)price_e8);
}

/* round_half_even(position x price / 10^8), symmetric in sign, saturated at +-(2^127 - 1); price >= 0. */
tw_i128 tw_term_wide(tw_i128 position_e8, int64_t price_e8);
static inline tw_i128 tw_term(tw_i128 position_e8, int64_t price_e8)
{
    const uint64_t high_limit = 50000000; /* of a product that tw_over_e8 takes: 2^63 x 10^8 / 2^64 */
    tw_u128 position = position_e8 < 0 ? 0 - (tw_u128)position_e8 : (tw_u128)position_e8;
    tw_u128 product = (tw_u128)(uint64_t)position * (uint64_t)price_e8;
    if (position >> 64 != 0 || (uint64_t)(product >> 64) >= high_limit)
        return tw_term_wide(position_e8, price_e8);
    tw_i128 quotient = (tw_i128)tw_over_e8(product);
    return position_e8 < 0 ? -quotient : quotient;
}

/* a x m > b x n, exact in 256 bits; for comparing a value with a tier as fractions. */
bool tw_product_above(tw_u128 a, uint64_t m, tw_u128 b, uint64_t n);

/* floor(threshold x factor / 10^4), factor in 1e-4: the largest integer value NOT above the tier. */
tw_i128 tw_tier_floor(tw_i128 threshold, uint32_t factor_e4);

/* A signed sum of 192 bits: the sum of many saturated 128-bit terms stays exact and can be taken apart again. */
struct tw_wide {
    uint64_t low[2]; /* the lowest first */
    int64_t high;
};
static inline tw_u128 tw_wide_low(const struct tw_wide *sum)
{
    return (tw_u128)sum->low[1] << 64 | sum->low[0];
}
static inline void tw_wide_add(struct tw_wide *sum, tw_i128 term)
{
    tw_u128 before = tw_wide_low(sum), low = before + (tw_u128)term;
    sum->low[0] = (uint64_t)low;
    sum->low[1] = (uint64_t)(low >> 64);
    sum->high += (low < before ? 1 : 0) + (term < 0 ? -1 : 0); /* 2^64 terms would be needed to leave it */
}
/* The same for a small term, which seldom changes more than the lowest word. */
static inline void tw_wide_add_narrow(struct tw_wide *sum, int64_t term)
{
    sum->low[0] += (uint64_t)term;
    int64_t step = (int64_t)(sum->low[0] < (uint64_t)term) - (int64_t)(term < 0);
    if (step == 0)
        return;
    tw_u128 upper = ((tw_u128)(uint64_t)sum->high << 64 | sum->low[1]) + (tw_u128)(tw_i128)step;
    sum->low[1] = (uint64_t)upper;
    sum->high = (int64_t)(uint64_t)(upper >> 64);
}
/* |sum| or sum, "one beyond 2^127 - 1 counts as that". */
tw_i128 tw_wide_saturated(const struct tw_wide *sum);

static inline tw_i128 tw_abs128(tw_i128 v)
{
    return v < 0 ? -v : v;
}

#endif
