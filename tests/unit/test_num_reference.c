/* SPDX-License-Identifier: MIT
 *
 * Exact numbers against a slow reference: integers as decimal digits, multiplied as at school, where dividing by 10^8
 * is dropping eight digits; and floats against printf and strtod.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/num.h"

#define DIGITS 96
#define ROUNDS 30000
#define E8 INT64_C(100000000)

/* ---- the reference ---- */

struct big { /* non-negative; digit 0 is the lowest */
    uint8_t digit[DIGITS];
};

static struct big big_from(tw_u128 value)
{
    struct big big = {{0}};
    for (int i = 0; value != 0; i++, value /= 10)
        big.digit[i] = (uint8_t)(value % 10);
    return big;
}

static struct big big_multiply(struct big a, struct big b)
{
    struct big product = {{0}};
    for (int i = 0; i < DIGITS; i++) {
        unsigned carry = 0;
        for (int j = 0; a.digit[i] != 0 && i + j < DIGITS; j++) {
            unsigned sum = product.digit[i + j] + (unsigned)a.digit[i] * b.digit[j] + carry;
            product.digit[i + j] = (uint8_t)(sum % 10);
            carry = sum / 10;
        }
        assert_int_equal(carry, 0);
    }
    return product;
}

static struct big big_add(struct big a, struct big b)
{
    unsigned carry = 0;
    for (int i = 0; i < DIGITS; i++) {
        unsigned sum = (unsigned)a.digit[i] + b.digit[i] + carry;
        a.digit[i] = (uint8_t)(sum % 10);
        carry = sum / 10;
    }
    assert_int_equal(carry, 0);
    return a;
}

static int big_compare(struct big a, struct big b)
{
    for (int i = DIGITS - 1; i >= 0; i--)
        if (a.digit[i] != b.digit[i])
            return a.digit[i] < b.digit[i] ? -1 : 1;
    return 0;
}

static struct big big_drop(struct big a, int digits)
{
    struct big dropped = {{0}};
    memcpy(dropped.digit, a.digit + digits, (size_t)(DIGITS - digits));
    return dropped;
}

/* round_half_even(a / 10^8) */
static struct big big_round_e8(struct big a)
{
    struct big quotient = big_drop(a, 8);
    bool above_zero = false;
    for (int i = 0; i < 7; i++)
        above_zero = above_zero || a.digit[i] != 0;
    bool up = a.digit[7] > 5 || (a.digit[7] == 5 && (above_zero || quotient.digit[0] % 2 != 0));
    return up ? big_add(quotient, big_from(1)) : quotient;
}

static struct big big_saturated(struct big a)
{
    struct big top = big_from((tw_u128)TW_I128_MAX);
    return big_compare(a, top) > 0 ? top : a;
}

static bool is_big(tw_i128 value, struct big big)
{
    return value >= 0 && big_compare(big_from((tw_u128)value), big) == 0;
}

/* ---- numbers of every size, with ties and edges among them; the seed is fixed, so a failure comes again ---- */

static uint64_t seed = 0x9e3779b97f4a7c15u;

static uint64_t random64(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed * 0x2545f4914f6cdd1du;
}

static tw_u128 random_sized(unsigned bits_max)
{
    unsigned bits = (unsigned)(random64() % (bits_max + 1));
    tw_u128 value = (tw_u128)random64() << 64 | random64();
    if (bits < 128)
        value &= ((tw_u128)1 << bits) - 1;
    switch (random64() % 8) {
    case 0: /* just below, at or above a power of two */
        value = bits == 0 ? 0 : ((tw_u128)1 << (bits - 1)) + random64() % 3 - 1;
        break;
    case 1: /* a multiple of 5 x 10^7: ties */
        value -= value % 50000000;
        break;
    default:
        break;
    }
    return value & (((tw_u128)1 << bits_max) - 1);
}

static int64_t random_i63(void)
{
    return (int64_t)random_sized(63);
}

/* ---- against it ---- */

static void notional_is_what_the_reference_says(void **state)
{
    (void)state;
    struct big int64_top = big_from((tw_u128)INT64_MAX);
    unsigned fitting = 0;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t qty = random_i63(), price = random_i63(), notional = -7;
        struct big expected = big_round_e8(big_multiply(big_from((tw_u128)qty), big_from((tw_u128)price)));
        bool fits = big_compare(expected, int64_top) <= 0;
        assert_int_equal(tw_notional(qty, price, &notional), fits);
        if (!fits)
            continue;
        fitting++;
        assert_true(is_big(notional, expected));
        assert_int_equal(tw_notional_known(qty, price), notional);
    }
    assert_in_range(fitting, ROUNDS / 4, ROUNDS - ROUNDS / 100); /* both ways were tried */
}

static void notional_around_its_largest_value(void **state)
{
    (void)state;
    struct big int64_top = big_from((tw_u128)INT64_MAX);
    for (int round = 0; round < ROUNDS; round++) {
        int64_t qty = (int64_t)(random64() >> 1) | 1, notional = -7;
        tw_u128 price = (tw_u128)INT64_MAX * (tw_u128)E8 / (tw_u128)qty + random64() % 5 - 2;
        if (price > (tw_u128)INT64_MAX)
            continue;
        struct big expected = big_round_e8(big_multiply(big_from((tw_u128)qty), big_from(price)));
        assert_int_equal(tw_notional(qty, (int64_t)price, &notional), big_compare(expected, int64_top) <= 0);
        assert_true(notional == -7 || is_big(notional, expected));
    }
}

static void quotients_are_right_around_each_multiple_and_each_half(void **state)
{
    (void)state;
    const uint64_t rests[] = {0, 1, E8 / 2 - 1, E8 / 2, E8 / 2 + 1, E8 - 1};
    for (int round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < sizeof rests / sizeof *rests; i++) {
            uint64_t floor = round == 0 ? INT64_MAX : (uint64_t)random_i63();
            struct big expected = big_round_e8(big_from((tw_u128)floor * E8 + rests[i]));
            assert_true(big_compare(big_from(tw_over_e8((tw_u128)floor * E8 + rests[i])), expected) == 0);
        }
}

static void terms_are_what_the_reference_says(void **state)
{
    (void)state;
    unsigned saturated = 0;
    for (int round = 0; round < ROUNDS; round++) {
        tw_i128 position = (tw_i128)random_sized(127);
        int64_t price = random_i63();
        struct big expected = big_round_e8(big_multiply(big_from((tw_u128)position), big_from((tw_u128)price)));
        tw_i128 term = tw_term(position, price);
        saturated += term == TW_I128_MAX;
        assert_true(is_big(term, big_saturated(expected)));
        assert_true(tw_term(-position, price) == -term);
    }
    assert_in_range(saturated, 100, ROUNDS / 2);
}

static void comparisons_of_products_are_what_the_reference_says(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        tw_u128 a = random_sized(127) * 2 + random64() % 2, b = random_sized(127) * 2;
        uint64_t m = (uint64_t)random_sized(64), n = (uint64_t)random_sized(64);
        if (round % 3 == 0) { /* nearly or quite equal */
            b = a;
            n = m + random64() % 2;
        }
        int order = big_compare(big_multiply(big_from(a), big_from(m)), big_multiply(big_from(b), big_from(n)));
        assert_int_equal(tw_product_above(a, m, b, n), order > 0);
    }
}

static void tiers_are_what_the_reference_says(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        tw_i128 threshold = (tw_i128)random_sized(127);
        uint32_t factor = (uint32_t)random_sized(round % 2 == 0 ? 32 : 15);
        struct big expected = big_drop(big_multiply(big_from((tw_u128)threshold), big_from(factor)), 4);
        assert_true(is_big(tw_tier_floor(threshold, factor), big_saturated(expected)));
    }
}

/* q = round_half_even(a / b) if and only if |a - q b| is at most b / 2, and q is even where it is b / 2. */
static void division_leaves_at_most_half_and_even_at_half(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        tw_i128 b = random_i63() + (tw_i128)1, a = (tw_i128)random_sized(126);
        if (b > INT64_MAX)
            continue;
        if (round % 3 == 0) /* a tie, if b is even */
            a = a / b / 4 * b + b / 2;
        tw_i128 quotient = tw_divide_half_even(a, (int64_t)b), rest = tw_abs128(a - quotient * b);
        assert_true(rest * 2 < b || (rest * 2 == b && quotient % 2 == 0));
        assert_true(tw_divide_half_even(-a, (int64_t)b) == -quotient);
    }
}

static void wide_sums_are_what_the_reference_says(void **state)
{
    (void)state;
    for (int run = 0; run < 200; run++) {
        struct tw_wide sum = {{0, 0}, 0}, mixed = sum;
        struct big plus = big_from(0), minus = big_from(0);
        for (int i = 0; i < 50; i++) {
            tw_i128 term = (tw_i128)random_sized(run % 4 == 0 ? 63 : 127); /* carries and borrows come and go */
            bool negative = random64() % 2 == 0;
            tw_wide_add(&sum, negative ? -term : term);
            if (term <= INT64_MAX)
                tw_wide_add_narrow(&mixed, (int64_t)(negative ? -term : term));
            else
                tw_wide_add(&mixed, negative ? -term : term);
            assert_memory_equal(&mixed, &sum, sizeof sum);
            struct big *side = negative ? &minus : &plus;
            *side = big_add(*side, big_from((tw_u128)term));
            tw_i128 value = tw_wide_saturated(&sum);
            struct big size = big_from((tw_u128)tw_abs128(value)); /* plus = minus + value, unless it is saturated */
            struct big left = value < 0 ? big_add(plus, size) : plus, right = value < 0 ? minus : big_add(minus, size);
            int order = big_compare(left, right);
            assert_true(order == 0 || (value == TW_I128_MAX && order > 0) || (value == -TW_I128_MAX && order < 0));
        }
    }
}

static void text_of_a_value_reads_back(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t value = random_i63(), back = -7;
        char text[TW_E8_TEXT_MAX];
        size_t length = tw_e8_format(value, text);
        assert_int_equal(tw_e8_parse(text, length, &back), TW_PARSE_OK);
        assert_int_equal(back, value);
        tw_e8_format(-(tw_i128)value, text);
        assert_int_equal(text[0] == '-', value != 0);
    }
}

/* ---- floats ---- */

/* The shortest decimal that reads back, put to 1e-8 digit by digit. This program never leaves the C locale. */
static enum tw_parse reference_double(double value, int64_t *out_e8)
{
    char text[64];
    for (int precision = 0; precision <= 16; precision++) {
        snprintf(text, sizeof text, "%.*e", precision, value);
        if (strtod(text, NULL) == value)
            break;
    }
    char *mark = strchr(text, 'e');
    int exponent = atoi(mark + 1);
    char digits[64] = {0};
    int count = 0;
    for (const char *c = text; c < mark; c++)
        if (*c != '.')
            digits[count++] = *c;
    while (count > 1 && digits[count - 1] == '0')
        count--;
    int decimals = count - 1 - exponent;
    if (decimals > 8 && !(count == 1 && digits[0] == '0'))
        return TW_PARSE_BAD;
    if (exponent > 11)
        return TW_PARSE_RANGE;
    tw_u128 sum = 0;
    for (int i = 0; i < count; i++)
        sum = sum * 10 + (unsigned)(digits[i] - '0');
    for (int i = decimals; i < 8 && sum != 0; i++)
        sum *= 10;
    if (sum > (tw_u128)INT64_MAX)
        return TW_PARSE_RANGE;
    *out_e8 = (int64_t)sum;
    return TW_PARSE_OK;
}

static void expect_as_reference(double value)
{
    int64_t expected = -7, found = -7;
    assert_int_equal(tw_e8_from_double(value, &found), reference_double(value, &expected));
    assert_int_equal(found, expected);
}

/* A float, its neighbours on both sides. */
static void expect_around(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    for (uint64_t neighbour = bits - 2; neighbour <= bits + 2; neighbour++) {
        double near;
        memcpy(&near, &neighbour, sizeof near);
        expect_as_reference(near);
    }
}

static void floats_are_what_printf_and_strtod_say(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS / 4; round++) {
        tw_u128 size = random_sized(63);
        expect_around(((double)(uint64_t)size + 1) / 1e8);
        expect_around((double)(random64() % 1000000000000) / 100 + 1);
        expect_as_reference((double)(random64() >> 11) / (double)(UINT64_C(1) << (16 + random64() % 14)));
        expect_as_reference((double)(random64() % (UINT64_C(1) << 43)) / 64); /* halves of the last decimal */
    }
    for (int power = -40; power <= 40; power++)
        expect_around(power < 0 ? 1 / (double)(UINT64_C(1) << -power) : (double)(UINT64_C(1) << power));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notional_is_what_the_reference_says),
        cmocka_unit_test(notional_around_its_largest_value),
        cmocka_unit_test(quotients_are_right_around_each_multiple_and_each_half),
        cmocka_unit_test(terms_are_what_the_reference_says),
        cmocka_unit_test(comparisons_of_products_are_what_the_reference_says),
        cmocka_unit_test(tiers_are_what_the_reference_says),
        cmocka_unit_test(division_leaves_at_most_half_and_even_at_half),
        cmocka_unit_test(wide_sums_are_what_the_reference_says),
        cmocka_unit_test(text_of_a_value_reads_back),
        cmocka_unit_test(floats_are_what_printf_and_strtod_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
