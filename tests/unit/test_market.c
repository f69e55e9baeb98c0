/* SPDX-License-Identifier: MIT
 *
 * The made-up market: the same for the same seed, and every trade one that the daemon takes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/limits.h"
#include "protocol/submission.h"
#include "tools/market.h"

#define TS_NS INT64_C(1704205800000000000)

static const struct tw_market_settings usual = {.seed = 1, .symbols = 12, .accounts = 50, .prints_percent = 90};

static void describe(const struct tw_trade *trade, char out[256])
{
    snprintf(out, 256, "%.*s %u %lld %lld %.*s %.*s %.*s", (int)trade->symbol.length, trade->symbol.bytes, trade->side,
             (long long)trade->qty_e8, (long long)trade->price_e8, (int)trade->account.length,
             trade->account.length == 0 ? "" : trade->account.bytes, (int)trade->venue.length, trade->venue.bytes,
             (int)trade->id.length, trade->id.bytes);
}

static void the_same_seed_makes_the_same_market(void **state)
{
    (void)state;
    struct tw_market_settings other_settings = usual;
    other_settings.seed = 2;
    struct tw_market *first = tw_market_new(&usual), *second = tw_market_new(&usual);
    struct tw_market *other = tw_market_new(&other_settings);
    uint32_t differing = 0;
    for (int i = 0; i < 5000; i++) {
        char first_text[256], second_text[256], other_text[256];
        struct tw_trade trade;
        tw_market_next(first, TS_NS, &trade);
        describe(&trade, first_text);
        tw_market_next(second, TS_NS, &trade);
        describe(&trade, second_text);
        tw_market_next(other, TS_NS, &trade);
        describe(&trade, other_text);
        assert_string_equal(first_text, second_text);
        assert_int_equal(tw_market_gap_ns(first, 200), tw_market_gap_ns(second, 200));
        differing += strcmp(first_text, other_text) != 0;
    }
    assert_int_equal(differing, 5000);
    tw_market_free(&first);
    tw_market_free(&second);
    tw_market_free(&other);
}

static void every_trade_is_in_order(void **state)
{
    (void)state;
    struct tw_market *market = tw_market_new(&usual);
    uint32_t prints = 0, large = 0;
    for (int i = 0; i < 50000; i++) {
        struct tw_trade trade;
        char why[TW_WHY_BYTES_MAX];
        tw_market_next(market, TS_NS + i, &trade);
        assert_int_equal(tw_trade_check(&trade, why), TW_OK);
        assert_int_equal(trade.ts_ns, TS_NS + i);
        assert_int_equal(trade.price_e8 % (TW_E8 / 100), 0); /* ticks of a cent */
        assert_int_equal(trade.qty_e8 % TW_E8, 0);
        prints += trade.account.length == 0;
        large += trade.qty_e8 > 10000 * TW_E8;
    }
    assert_in_range(prints, 44000, 46000);
    assert_in_range(large, 15, 60);
    tw_market_free(&market);
}

static void the_pace_is_as_asked_on_average(void **state)
{
    (void)state;
    struct tw_market *market = tw_market_new(&usual);
    int64_t sum_ns = 0;
    for (int i = 0; i < 1000000; i++)
        sum_ns += tw_market_gap_ns(market, 1000);
    assert_in_range(sum_ns / 1000000, 900000, 1100000);
    tw_market_free(&market);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_makes_the_same_market),
        cmocka_unit_test(every_trade_is_in_order),
        cmocka_unit_test(the_pace_is_as_asked_on_average),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
