/* SPDX-License-Identifier: MIT
 *
 * Exact numbers, against values worked out by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/num.h"

#define E8 INT64_C(100000000)
#define OF(array) (sizeof(array) / sizeof((array)[0]))

static void expect_text(tw_i128 value, const char *expected)
{
    char text[TW_E8_TEXT_MAX];
    size_t length = tw_i128_format(value, text);
    assert_string_equal(text, expected);
    assert_int_equal(length, strlen(expected));
}

static void expect_e8(tw_i128 value, const char *expected)
{
    char text[TW_E8_TEXT_MAX];
    size_t length = tw_e8_format(value, text);
    assert_string_equal(text, expected);
    assert_int_equal(length, strlen(expected));
}

static void decimal_strings_parse_to_units_of_1e_8(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum tw_parse result;
        int64_t value;
    } cases[] = {
        {"0", TW_PARSE_OK, 0},
        {"0.0", TW_PARSE_OK, 0},
        {"1", TW_PARSE_OK, E8},
        {"000001", TW_PARSE_OK, E8},
        {"00000000000000000000000000000000000000001.5", TW_PARSE_OK, 150000000},
        {"150.25", TW_PARSE_OK, 15025000000},
        {"0.00000001", TW_PARSE_OK, 1},
        {"0.10000000", TW_PARSE_OK, 10000000},
        {"92233720368.54775807", TW_PARSE_OK, INT64_MAX},
        {"92233720368.54775808", TW_PARSE_RANGE, 0},
        {"92233720369", TW_PARSE_RANGE, 0},
        {"922337203680", TW_PARSE_RANGE, 0},
        {"18446744073709551616", TW_PARSE_RANGE, 0}, /* 2^64 */
        {"18446744073709551617.5", TW_PARSE_RANGE, 0},
        {"99999999999999999999999999999999999999999999", TW_PARSE_RANGE, 0},
        {"", TW_PARSE_BAD, 0},
        {".", TW_PARSE_BAD, 0},
        {".5", TW_PARSE_BAD, 0},
        {"5.", TW_PARSE_BAD, 0},
        {"1.000000000", TW_PARSE_BAD, 0}, /* nine decimals, though all are 0 */
        {"99999999999999999999.x", TW_PARSE_BAD, 0},
        {"1.2.3", TW_PARSE_BAD, 0},
        {"-1", TW_PARSE_BAD, 0},
        {"+1", TW_PARSE_BAD, 0},
        {" 1", TW_PARSE_BAD, 0},
        {"1 ", TW_PARSE_BAD, 0},
        {"1e5", TW_PARSE_BAD, 0},
        {"1,5", TW_PARSE_BAD, 0},
        {"0x10", TW_PARSE_BAD, 0},
        {"NaN", TW_PARSE_BAD, 0},
        {"inf", TW_PARSE_BAD, 0},
    };
    for (size_t i = 0; i < OF(cases); i++) {
        int64_t value = -7;
        assert_int_equal(tw_e8_parse(cases[i].text, strlen(cases[i].text), &value), cases[i].result);
        assert_int_equal(value, cases[i].result == TW_PARSE_OK ? cases[i].value : -7);
    }
    int64_t value;
    assert_int_equal(tw_e8_parse("1\0", 2, &value), TW_PARSE_BAD); /* the length counts, not a NUL */
}

static void floats_count_by_their_shortest_decimal_form(void **state)
{
    (void)state;
    static const struct {
        double real;
        enum tw_parse result;
        int64_t value;
    } cases[] = {
        {0.0, TW_PARSE_OK, 0},
        {-0.0, TW_PARSE_OK, 0},
        {0.1, TW_PARSE_OK, 10000000},
        {0.3, TW_PARSE_OK, 30000000},
        {0.1 + 0.2, TW_PARSE_BAD, 0}, /* 0.30000000000000004 */
        {150.25, TW_PARSE_OK, 15025000000},
        {1e-8, TW_PARSE_OK, 1},
        {1e-9, TW_PARSE_BAD, 0},
        {5e-324, TW_PARSE_BAD, 0},
        {1.5e-8, TW_PARSE_BAD, 0},
        {4096.0 / 3, TW_PARSE_BAD, 0},
        {9999999.99999999, TW_PARSE_OK, 999999999999999},
        {1e7, TW_PARSE_OK, 10000000 * E8},
        {12345678.12345678, TW_PARSE_OK, 1234567812345678},
        {10000000.000000002, TW_PARSE_BAD, 0},            /* nine decimals */
        {16777216.015625, TW_PARSE_OK, 1677721601562500}, /* exact in binary */
        {4294967296.015625, TW_PARSE_OK, 429496729601562500},
        {17179869185.015625, TW_PARSE_OK, 1717986918501562500},
        {68719476737.015625, TW_PARSE_OK, 6871947673701562000}, /* ...01562 and ...01563 read back: to even */
        {68719476737.046875, TW_PARSE_OK, 6871947673704688000},
        {92233720368.0, TW_PARSE_OK, 92233720368 * E8},
        {92233720368.5, TW_PARSE_OK, 9223372036850000000},
        {92233720368.54775, TW_PARSE_OK, 9223372036854774000}, /* the same float as ...54774, which is shorter */
        {92233720368.6, TW_PARSE_RANGE, 0},
        {92233720369.0, TW_PARSE_RANGE, 0},
        {137438953472.0, TW_PARSE_RANGE, 0},
        {1e22, TW_PARSE_RANGE, 0},
        {1.7976931348623157e308, TW_PARSE_RANGE, 0},
        {-1.0, TW_PARSE_BAD, 0},
        {-1e22, TW_PARSE_BAD, 0},
        {__builtin_inf(), TW_PARSE_BAD, 0},
        {-__builtin_inf(), TW_PARSE_BAD, 0},
        {__builtin_nan(""), TW_PARSE_BAD, 0},
    };
    for (size_t i = 0; i < OF(cases); i++) {
        int64_t value = -7;
        assert_int_equal(tw_e8_from_double(cases[i].real, &value), cases[i].result);
        assert_int_equal(value, cases[i].result == TW_PARSE_OK ? cases[i].value : -7);
    }
}

static void whole_units_fit_or_are_out_of_range(void **state)
{
    (void)state;
    int64_t value = -7;
    assert_int_equal(tw_e8_from_units(0, &value), TW_PARSE_OK);
    assert_int_equal(value, 0);
    assert_int_equal(tw_e8_from_units(92233720368, &value), TW_PARSE_OK);
    assert_int_equal(value, INT64_C(9223372036800000000));
    assert_int_equal(tw_e8_from_units(92233720369, &value), TW_PARSE_RANGE);
    assert_int_equal(tw_e8_from_units(UINT64_MAX, &value), TW_PARSE_RANGE);
}

static void values_are_written_without_trailing_zeros(void **state)
{
    (void)state;
    expect_e8(0, "0");
    expect_e8(E8, "1");
    expect_e8(-1250000000, "-12.5");
    expect_e8(1, "0.00000001");
    expect_e8(-1, "-0.00000001");
    expect_e8(100 * E8, "100");
    expect_e8(10, "0.0000001");
    expect_e8(INT64_MAX, "92233720368.54775807");
    expect_e8(TW_I128_MAX, "1701411834604692317316873037158.84105727");
    expect_e8(TW_I128_MIN, "-1701411834604692317316873037158.84105728");
    expect_text(0, "0");
    expect_text(-40, "-40");
    expect_text(TW_I128_MAX, "170141183460469231731687303715884105727");
    expect_text(TW_I128_MIN, "-170141183460469231731687303715884105728");
}

static void notional_rounds_half_to_even(void **state)
{
    (void)state;
    static const struct {
        int64_t qty, price, notional;
    } cases[] = {
        {0, 5, 0},
        {4000 * E8, 150 * E8, 600000 * E8},
        {50000000, 1, 0}, /* 0.5 to 0 */
        {50000000, 3, 2}, /* 1.5 to 2 */
        {50000000, 5, 2}, /* 2.5 to 2 */
        {50000001, 5, 3}, /* just above 2.5 */
        {49999999, 5, 2},
        {1, 99999999, 1},
        {INT64_MAX, E8, INT64_MAX},
        {E8, INT64_MAX, INT64_MAX},
        {INT64_C(3037000499) * E8, 3 * E8, INT64_C(9111001497) * E8},
        {INT64_C(1000000000000000001), 50000000, INT64_C(500000000000000000)}, /* a tie beyond 64 bits, down */
        {INT64_C(1000000000000000003), 50000000, INT64_C(500000000000000002)}, /* and up */
        {INT64_MAX, 50000000, INT64_C(4611686018427387904)},                   /* ...903.5 */
    };
    for (size_t i = 0; i < OF(cases); i++) {
        int64_t notional = -7;
        assert_true(tw_notional(cases[i].qty, cases[i].price, &notional));
        assert_int_equal(notional, cases[i].notional);
        assert_int_equal(tw_notional_known(cases[i].qty, cases[i].price), cases[i].notional);
        assert_true(tw_term(cases[i].qty, cases[i].price) == cases[i].notional);
        assert_true(tw_term(-cases[i].qty, cases[i].price) == -cases[i].notional);
    }
}

static void notional_that_leaves_int64_is_refused(void **state)
{
    (void)state;
    static const struct {
        int64_t qty, price;
        bool fits;
    } cases[] = {
        {INT64_MAX, E8, true},
        {INT64_MAX, E8 + 1, false},
        {INT64_MAX, INT64_MAX, false},
        {INT64_C(3037000499) * E8, INT64_C(3037000499), true},
        {INT64_C(9223372036854775807), 100000001, false},
        {INT64_C(1) << 62, 2 * E8, false},                        /* 2^63 exactly */
        {(INT64_C(1) << 62) - 1, 2 * E8, true},                   /* 2^63 - 2 */
        {INT64_C(6148914691236517205), 150000000, false},         /* 9223372036854775807.5 rounds up */
        {INT64_C(6148914691236517204), 150000000, true},          /* 9223372036854775806 */
        {50000000 * (INT64_C(1) << 31), INT64_C(1) << 33, false}, /* high word 5 x 10^7 */
    };
    for (size_t i = 0; i < OF(cases); i++) {
        int64_t notional = -7;
        assert_int_equal(tw_notional(cases[i].qty, cases[i].price, &notional), cases[i].fits);
        assert_int_equal(notional >= 0, cases[i].fits);
    }
}

static void terms_are_exact_to_192_bits_and_saturate(void **state)
{
    (void)state;
    tw_i128 large = (tw_i128)INT64_MAX * 1000000007;
    assert_true(tw_term(0, INT64_MAX) == 0);
    assert_true(tw_term(large, 0) == 0);
    assert_true(tw_term(large, E8) == large);
    assert_true(tw_term(-large, E8) == -large);
    assert_true(tw_term(TW_I128_MAX, E8) == TW_I128_MAX);
    assert_true(tw_term(TW_I128_MAX, E8 + 1) == TW_I128_MAX);
    assert_true(tw_term(-TW_I128_MAX, E8 + 1) == -TW_I128_MAX);
    assert_true(tw_term(TW_I128_MIN, E8) == -TW_I128_MAX);
    assert_true(tw_term(TW_I128_MAX, INT64_MAX) == TW_I128_MAX);
    assert_true(tw_term(TW_I128_MIN, INT64_MAX) == -TW_I128_MAX);
    assert_true(tw_term(TW_I128_MAX, 50000000) == (tw_i128)1 << 126); /* 2^126 - 1/2, and 2^126 is even */
    assert_true(tw_term(((tw_i128)1 << 100) + 1, 50000000) == (tw_i128)1 << 99);
    assert_true(tw_term(((tw_i128)1 << 100) + 3, 50000000) == ((tw_i128)1 << 99) + 2);
    assert_true(tw_term(-((tw_i128)1 << 100) - 3, 50000000) == -((tw_i128)1 << 99) - 2);
    expect_e8(tw_term((tw_i128)1234567890123456789 * 1000000000, 98765432109), "12193263113593964312237.4638001");
}

static void division_rounds_half_to_even_on_both_sides_of_zero(void **state)
{
    (void)state;
    static const struct {
        int a, b, quotient;
    } cases[] = {{0, 7, 0}, {1, 2, 0},   {3, 2, 2},   {5, 2, 2},  {-1, 2, 0}, {-3, 2, -2}, {-5, 2, -2}, {7, 3, 2},
                 {8, 3, 3}, {-8, 3, -3}, {-7, 3, -2}, {10, 4, 2}, {14, 4, 4}, {9, 1, 9},   {-9, 1, -9}, {1, 3, 0}};
    for (size_t i = 0; i < OF(cases); i++)
        assert_true(tw_divide_half_even(cases[i].a, cases[i].b) == cases[i].quotient);
    assert_true(tw_divide_half_even(TW_I128_MAX, 1) == TW_I128_MAX);
    assert_true(tw_divide_half_even(TW_I128_MIN, 1) == TW_I128_MIN);
    assert_true(tw_divide_half_even(TW_I128_MAX, 2) == (tw_i128)1 << 126);
    assert_true(tw_divide_half_even(TW_I128_MAX, INT64_MAX) == ((tw_i128)1 << 64) + 2);
    assert_true(tw_divide_half_even(INT64_MAX, INT64_MAX) == 1);
    assert_true(tw_divide_half_even((tw_i128)INT64_MAX / 2, INT64_MAX) == 0);
    assert_true(tw_divide_half_even((tw_i128)INT64_MAX / 2 + 1, INT64_MAX) == 1);
}

static void tiers_are_the_largest_value_that_is_not_above(void **state)
{
    (void)state;
    assert_true(tw_tier_floor(0, 15000) == 0);
    assert_true(tw_tier_floor(500000, 15000) == 750000);
    assert_true(tw_tier_floor(3, 15000) == 4);
    assert_true(tw_tier_floor(7, 9000) == 6);
    assert_true(tw_tier_floor(1, 9999) == 0);
    assert_true(tw_tier_floor(TW_I128_MAX, 10000) == TW_I128_MAX);
    assert_true(tw_tier_floor(TW_I128_MAX, 10001) == TW_I128_MAX);
    assert_true(tw_tier_floor(TW_I128_MAX, UINT32_MAX) == TW_I128_MAX);
    expect_text(tw_tier_floor(TW_I128_MAX, 9000), "153127065114422308558518573344295695154");
}

static void products_are_compared_exactly(void **state)
{
    (void)state;
    const tw_u128 top = ~(tw_u128)0;
    assert_false(tw_product_above(0, 0, 0, 0));
    assert_true(tw_product_above(1, 1, 0, 9));
    assert_false(tw_product_above(6, 2, 4, 3));
    assert_true(tw_product_above(top, 3, top, 2));
    assert_false(tw_product_above(top, 2, top, 3));
    assert_false(tw_product_above(top, UINT64_MAX, top, UINT64_MAX));
    assert_true(tw_product_above(top, UINT64_MAX, top - 1, UINT64_MAX));
    assert_false(tw_product_above(top - 1, UINT64_MAX, top, UINT64_MAX));
    assert_true(tw_product_above((tw_u128)1 << 127, 4, (tw_u128)1 << 126, 7)); /* 2^129 against 1.75 x 2^128 */
    assert_false(tw_product_above((tw_u128)1 << 127, 2, (tw_u128)1 << 126, 4));
}

static void a_wide_sum_saturates_and_comes_back_exactly(void **state)
{
    (void)state;
    struct tw_wide sum = {{0, 0}, 0};
    for (int i = 0; i < 1000; i++)
        tw_wide_add(&sum, TW_I128_MAX);
    assert_true(tw_wide_saturated(&sum) == TW_I128_MAX);
    tw_wide_add(&sum, 42);
    for (int i = 0; i < 1000; i++)
        tw_wide_add(&sum, -TW_I128_MAX);
    assert_true(tw_wide_saturated(&sum) == 42);
    for (int i = 0; i < 1000; i++)
        tw_wide_add(&sum, TW_I128_MIN);
    assert_true(tw_wide_saturated(&sum) == -TW_I128_MAX);
    for (int i = 0; i < 1000; i++) {
        tw_wide_add(&sum, TW_I128_MAX);
        tw_wide_add(&sum, 1);
    }
    assert_true(tw_wide_saturated(&sum) == 42);
    tw_wide_add(&sum, -42);
    assert_true(tw_wide_low(&sum) == 0 && sum.high == 0);
}

static void a_wide_sum_at_the_edges_of_128_bits(void **state)
{
    (void)state;
    struct tw_wide sum = {{0, 0}, 0};
    tw_wide_add(&sum, TW_I128_MAX);
    assert_true(tw_wide_saturated(&sum) == TW_I128_MAX);
    tw_wide_add(&sum, 1); /* 2^127 */
    assert_true(tw_wide_saturated(&sum) == TW_I128_MAX);
    tw_wide_add(&sum, -2);
    assert_true(tw_wide_saturated(&sum) == TW_I128_MAX - 1);
    struct tw_wide below = {{0, 0}, 0};
    tw_wide_add(&below, TW_I128_MIN);
    assert_true(tw_wide_saturated(&below) == -TW_I128_MAX);
    tw_wide_add(&below, TW_I128_MIN); /* -2^128: the low part is 0 */
    assert_true(tw_wide_low(&below) == 0 && tw_wide_saturated(&below) == -TW_I128_MAX);
    tw_wide_add(&below, TW_I128_MAX);
    tw_wide_add(&below, TW_I128_MAX);
    assert_true(tw_wide_saturated(&below) == -2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimal_strings_parse_to_units_of_1e_8),
        cmocka_unit_test(floats_count_by_their_shortest_decimal_form),
        cmocka_unit_test(whole_units_fit_or_are_out_of_range),
        cmocka_unit_test(values_are_written_without_trailing_zeros),
        cmocka_unit_test(notional_rounds_half_to_even),
        cmocka_unit_test(notional_that_leaves_int64_is_refused),
        cmocka_unit_test(terms_are_exact_to_192_bits_and_saturate),
        cmocka_unit_test(division_rounds_half_to_even_on_both_sides_of_zero),
        cmocka_unit_test(tiers_are_the_largest_value_that_is_not_above),
        cmocka_unit_test(products_are_compared_exactly),
        cmocka_unit_test(a_wide_sum_saturates_and_comes_back_exactly),
        cmocka_unit_test(a_wide_sum_at_the_edges_of_128_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
