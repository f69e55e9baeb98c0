/* SPDX-License-Identifier: MIT
 *
 * Exact numbers. Wide division by the constant 10^8 goes limb by limb of 32 bits: every step is a 64-bit division by a
 * constant, which the compiler turns into a multiplication, so even the 192-bit path calls no division routine.
 */
#include "protocol/num.h"

#include <string.h>

#include "protocol/check.h"
#include "protocol/limits.h"

#define E8 UINT64_C(100000000)
#define HALF_E8 (E8 / 2)
#define UNITS_MAX ((uint64_t)INT64_MAX / E8) /* whole units that fit */

static tw_u128 magnitude(tw_i128 value)
{
    return value < 0 ? 0 - (tw_u128)value : (tw_u128)value;
}

/* ---- products over 10^8 ---- */

/* 1 if a remainder of a division by 10^8 rounds the quotient up; half goes to even. */
static uint64_t rounds_up(uint64_t remainder, uint64_t quotient)
{
    return (uint64_t)(remainder > HALF_E8) | ((uint64_t)(remainder == HALF_E8) & (quotient & 1u));
}

bool tw_notional(int64_t qty_e8, int64_t price_e8, int64_t *out_e8)
{
    tw_u128 product = (tw_u128)(uint64_t)qty_e8 * (uint64_t)price_e8;
    if ((uint64_t)(product >> 64) >= E8 / 2) /* the quotient is 2^63 or more */
        return false;
    uint64_t quotient = tw_over_e8(product);
    if (quotient > (uint64_t)INT64_MAX)
        return false;
    *out_e8 = (int64_t)quotient;
    return true;
}

/* position x price of up to 191 bits over 10^8, saturated. */
static tw_u128 magnitude_of_term(tw_u128 position, uint64_t price)
{
    tw_u128 low = (tw_u128)(uint64_t)position * price;
    tw_u128 high = (tw_u128)(uint64_t)(position >> 64) * price + (uint64_t)(low >> 64);
    if (high >> 64 >= E8 / 2) /* the quotient is 2^127 or more */
        return (tw_u128)TW_I128_MAX;
    uint64_t limbs[3] = {(uint64_t)(high >> 64), (uint64_t)high, (uint64_t)low};
    uint64_t remainder = limbs[0]; /* below 10^8 already */
    tw_u128 quotient = 0;
    for (int i = 1; i < 3; i++) {
        uint64_t upper = remainder << 32 | limbs[i] >> 32;
        uint64_t lower = (upper % E8) << 32 | (limbs[i] & UINT32_MAX);
        quotient = quotient << 64 | ((upper / E8) << 32 | lower / E8);
        remainder = lower % E8;
    }
    quotient += rounds_up(remainder, (uint64_t)quotient);
    return quotient > (tw_u128)TW_I128_MAX ? (tw_u128)TW_I128_MAX : quotient;
}

tw_i128 tw_term_wide(tw_i128 position_e8, int64_t price_e8)
{
    tw_u128 quotient = magnitude_of_term(magnitude(position_e8), (uint64_t)price_e8);
    return position_e8 < 0 ? -(tw_i128)quotient : (tw_i128)quotient;
}

tw_i128 tw_divide_half_even(tw_i128 a, int64_t b)
{
    TW_ASSERT(b > 0);
    tw_u128 dividend = magnitude(a), quotient;
    uint64_t divisor = (uint64_t)b, remainder;
    if (dividend >> 64 == 0) {
        quotient = (uint64_t)dividend / divisor;
        remainder = (uint64_t)dividend % divisor;
    } else {
        quotient = dividend / divisor;
        remainder = (uint64_t)(dividend % divisor);
    }
    uint64_t rest = divisor - remainder;
    if (remainder > rest || (remainder == rest && (quotient & 1u) != 0))
        quotient++;
    return (tw_i128)(a < 0 ? 0 - quotient : quotient);
}

/* ---- comparing and adding beyond 128 bits ---- */

struct product192 {
    tw_u128 high; /* bits 64 and up */
    uint64_t low;
};

static struct product192 multiply192(tw_u128 a, uint64_t m)
{
    tw_u128 low = (tw_u128)(uint64_t)a * m;
    struct product192 product = {(tw_u128)(uint64_t)(a >> 64) * m + (uint64_t)(low >> 64), (uint64_t)low};
    return product;
}

bool tw_product_above(tw_u128 a, uint64_t m, tw_u128 b, uint64_t n)
{
    struct product192 left = multiply192(a, m), right = multiply192(b, n);
    return left.high != right.high ? left.high > right.high : left.low > right.low;
}

tw_i128 tw_tier_floor(tw_i128 threshold, uint32_t factor_e4)
{
    TW_ASSERT(threshold >= 0);
    tw_i128 whole = threshold / 10000, rest = threshold % 10000, tier;
    if (__builtin_mul_overflow(whole, (tw_i128)factor_e4, &tier) ||
        __builtin_add_overflow(tier, rest * (tw_i128)factor_e4 / 10000, &tier))
        return TW_I128_MAX;
    return tier;
}

tw_i128 tw_wide_saturated(const struct tw_wide *sum)
{
    if (sum->high < -1)
        return -TW_I128_MAX;
    if (sum->high > 0)
        return TW_I128_MAX;
    tw_u128 limit = (tw_u128)TW_I128_MAX;
    tw_u128 low = tw_wide_low(sum);
    if (sum->high == 0)
        return low > limit ? TW_I128_MAX : (tw_i128)low;
    tw_u128 below = 0 - low; /* the sum is low - 2^128; 0 here stands for 2^128 */
    return below == 0 || below > limit ? -TW_I128_MAX : -(tw_i128)below;
}

/* ---- text and floats ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

enum tw_parse tw_e8_parse(const char *text, size_t length, int64_t *out_e8)
{
    uint64_t units = 0, fraction = 0;
    bool over = false;
    size_t i = 0;
    for (; i < length && is_digit(text[i]); i++) {
        over = over || units > UNITS_MAX; /* stops growing before it can wrap */
        if (!over)
            units = units * 10 + (uint64_t)(text[i] - '0');
    }
    if (i == 0)
        return TW_PARSE_BAD;
    if (i < length) {
        size_t decimals = length - i - 1;
        if (text[i] != '.' || decimals == 0 || decimals > TW_DECIMALS_MAX)
            return TW_PARSE_BAD;
        for (i++; i < length; i++) {
            if (!is_digit(text[i]))
                return TW_PARSE_BAD;
            fraction = fraction * 10 + (uint64_t)(text[i] - '0');
        }
        for (; decimals < TW_DECIMALS_MAX; decimals++)
            fraction *= 10;
    }
    if (over || units > UNITS_MAX || units * E8 + fraction > (uint64_t)INT64_MAX)
        return TW_PARSE_RANGE;
    *out_e8 = (int64_t)(units * E8 + fraction);
    return TW_PARSE_OK;
}

enum tw_parse tw_e8_from_units(uint64_t units, int64_t *out_e8)
{
    if (units > UNITS_MAX)
        return TW_PARSE_RANGE;
    *out_e8 = (int64_t)(units * E8);
    return TW_PARSE_OK;
}

/* Shortest form of a float from 10^7 to below 2^37: the fewest decimals d for which the integer nearest to value x 10^d
 * (half to even), put over 10^d, reads back as the float. All in integers: value = mantissa / 2^shift with shift from
 * 16 to 29. Powers of two, whose neighbours lie unevenly, are whole numbers here and end at d = 0. */
static enum tw_parse large_double(double value, int64_t *out_e8)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint64_t mantissa = (bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1) << 52;
    unsigned shift = 1075u - (unsigned)(bits >> 52);
    uint64_t ten_power = 1, scale = E8;
    for (unsigned decimals = 0; decimals <= TW_DECIMALS_MAX; decimals++, ten_power *= 10, scale /= 10) {
        tw_u128 exact = (tw_u128)mantissa * ten_power; /* in units of 2^-shift x 10^-decimals */
        tw_u128 half = (tw_u128)1 << (shift - 1), rest = exact & ((half << 1) - 1);
        tw_u128 nearest = exact >> shift;
        bool up = rest > half || (rest == half && (nearest & 1u) != 0);
        tw_u128 distance = up ? (half << 1) - rest : rest;
        nearest += up ? 1u : 0u;
        if (distance * 2 > ten_power || (distance * 2 == ten_power && (mantissa & 1u) != 0))
            continue; /* reads back as a neighbour */
        tw_u128 value_e8 = nearest * scale;
        if (value_e8 > (tw_u128)INT64_MAX)
            return TW_PARSE_RANGE;
        *out_e8 = (int64_t)value_e8;
        return TW_PARSE_OK;
    }
    return TW_PARSE_BAD;
}

enum tw_parse tw_e8_from_double(double value, int64_t *out_e8)
{
    if (!(value >= 0) || value > 1.7976931348623157e308)
        return TW_PARSE_BAD; /* NaN and infinity too */
    if (value >= 137438953472.0)
        return TW_PARSE_RANGE; /* 2^37 units */
    if (value >= 1e7)
        return large_double(value, out_e8);
    /* Below 10^15 in 1e-8 at most one integer n reads back from n / 10^8 (15 digits are always told apart), and the
     * division of two exact integers is rounded as reading the decimal is. */
    int64_t nearest = (int64_t)(value * 1e8 + 0.5);
    if ((double)nearest / 1e8 != value)
        return TW_PARSE_BAD;
    *out_e8 = nearest;
    return TW_PARSE_OK;
}

/* Digits of the value, at least `least` of them, ending at `end`; returns the first. */
static char *digits_before(char *end, tw_u128 value, unsigned least)
{
    for (; value != 0 || least > 0; value /= 10, least -= least > 0 ? 1u : 0u)
        *--end = (char)('0' + (int)(value % 10));
    return end;
}

static size_t finish_text(char *first, char *end, bool negative, char out[TW_E8_TEXT_MAX])
{
    if (negative)
        *--first = '-';
    size_t length = (size_t)(end - first);
    memcpy(out, first, length);
    out[length] = '\0';
    return length;
}

size_t tw_i128_format(tw_i128 value, char out[TW_E8_TEXT_MAX])
{
    char text[TW_E8_TEXT_MAX], *end = text + sizeof text;
    return finish_text(digits_before(end, magnitude(value), 1), end, value < 0, out);
}

size_t tw_e8_format(tw_i128 value_e8, char out[TW_E8_TEXT_MAX])
{
    char text[TW_E8_TEXT_MAX], *end = text + sizeof text;
    tw_u128 size = magnitude(value_e8), fraction = size % E8;
    char *first = end;
    if (fraction != 0) {
        first = digits_before(end, fraction, TW_DECIMALS_MAX);
        while (end[-1] == '0')
            end--;
        *--first = '.';
    }
    return finish_text(digits_before(first, size / E8, 1), end, value_e8 < 0, out);
}
