/* SPDX-License-Identifier: MIT
 *
 * What is drawn of an alert's trades: the values behind each step, where there is no picture, and that what is drawn
 * stays within it, whatever the values are.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "actors/delivery/picture.h"

#define TS_NS (INT64_C(1614265330) * TW_NS_PER_SECOND)

static struct tw_letter_trade trades[TW_ALERT_TRADES_MAX];
static struct tw_alert_view view;
static struct tw_picture picture;

static struct tw_letter letter_of(const char *rule, const char *value, const char *threshold, uint32_t count)
{
    view = (struct tw_alert_view){.rule = {rule, (uint32_t)strlen(rule)}};
    view.value = (struct tw_pack_value){.type = TW_PACK_STR, .text = {value, (uint32_t)strlen(value)}};
    view.threshold = (struct tw_pack_value){.type = TW_PACK_STR, .text = {threshold, (uint32_t)strlen(threshold)}};
    return (struct tw_letter){.view = &view, .trades = trades, .trade_count = count};
}

static void trade(uint32_t at, const char *symbol, enum tw_side side, int64_t qty, int64_t price)
{
    trades[at] = (struct tw_letter_trade){
        .side = side, .qty_e8 = qty * TW_E8, .price_e8 = price * TW_E8, .ts_ns = TS_NS + at * TW_NS_PER_SECOND};
    snprintf(trades[at].symbol, sizeof trades[at].symbol, "%s", symbol);
}

static void expect(const struct tw_curve *curve, uint32_t count, const double *y)
{
    assert_int_equal(curve->count, count);
    for (uint32_t i = 0; i < count; i++)
        assert_true(fabs(curve->y[i] - y[i]) < 1e-6);
}

/* How many pixels have a colour. */
static uint32_t pixels_of(enum tw_picture_colour colour)
{
    uint32_t count = 0;
    for (uint32_t row = 0; row < TW_PICTURE_HEIGHT; row++)
        for (uint32_t column = 0; column < TW_PICTURE_WIDTH; column++)
            count += picture.pixels[row][column] == colour ? 1 : 0;
    return count;
}

/* ---- values ---- */

static void an_exposure_is_followed_back_from_what_was_judged(void **state)
{
    (void)state;
    struct tw_curve curve;
    trade(0, "X", TW_SIDE_BUY, 4000, 150);
    trade(1, "Y", TW_SIDE_BUY, 3000, 150);
    trade(2, "X", TW_SIDE_SELL, 1000, 150);
    struct tw_letter letter = letter_of("client_exposure", "900000", "1000000", 3);
    assert_true(tw_curve_of(&letter, &curve));
    expect(&curve, 3, (double[]){600000, 1050000, 900000});
    assert_true(curve.has_limit && curve.limit == 1000000);
    assert_string_equal(curve.title,
                        "Exposure, by what each added, over 3 trades, 600k to 900k, 2021-02-25T15:02:10 to "
                        "2021-02-25T15:02:12 UTC");
    for (uint32_t i = 0; i < 3; i++) /* short */
        trades[i].side = trades[i].side == TW_SIDE_BUY ? TW_SIDE_SELL : TW_SIDE_BUY;
    assert_true(tw_curve_of(&letter, &curve));
    expect(&curve, 3, (double[]){600000, 1050000, 900000});
}

static void a_velocity_is_counted(void **state)
{
    (void)state;
    struct tw_curve curve;
    for (uint32_t i = 0; i < 4; i++)
        trade(i, i % 2 == 0 ? "X" : "Y", TW_SIDE_BUY, 1, 1);
    struct tw_letter letter = letter_of("velocity", "", "", 4);
    view.value = (struct tw_pack_value){.type = TW_PACK_UINT, .uint = 11};
    view.threshold = (struct tw_pack_value){.type = TW_PACK_UINT, .uint = 10};
    assert_true(tw_curve_of(&letter, &curve));
    expect(&curve, 4, (double[]){8, 9, 10, 11});
    assert_true(curve.has_limit && curve.limit == 10);
    assert_non_null(strstr(curve.title, "Trades counted over 4 trades, 8 to 11, "));
}

static void anything_else_is_a_price_if_there_is_one(void **state)
{
    (void)state;
    struct tw_curve curve;
    trade(0, "X", TW_SIDE_NONE, 1, 100);
    trade(1, "X", TW_SIDE_NONE, 5, 102);
    struct tw_letter letter = letter_of("anomaly", "3.5", "3", 2);
    assert_true(tw_curve_of(&letter, &curve));
    expect(&curve, 2, (double[]){100, 102});
    assert_false(curve.has_limit);
    assert_non_null(strstr(curve.title, "Price of X over 2 trades, 100 to 102, "));
    trade(1, "Y", TW_SIDE_NONE, 5, 102);
    assert_false(tw_curve_of(&letter, &curve));
}

static void too_few_trades_make_no_picture(void **state)
{
    (void)state;
    struct tw_curve curve;
    for (uint32_t i = 0; i < 3; i++)
        trade(i, "X", TW_SIDE_BUY, 1, 100 + i);
    struct tw_letter letter = letter_of("symbol_exposure", "500", "100", 0);
    assert_false(tw_curve_of(&letter, &curve)); /* none was looked up */
    letter.trade_count = 1;
    assert_false(tw_curve_of(&letter, &curve));
    letter.trade_count = 3;
    trades[1].symbol[0] = '\0'; /* the log has dropped it: only what follows is whole */
    assert_false(tw_curve_of(&letter, &curve));
    trade(1, "X", TW_SIDE_BUY, 1, 101);
    trades[0].symbol[0] = '\0';
    assert_true(tw_curve_of(&letter, &curve));
    expect(&curve, 2, (double[]){398, 500});
}

/* ---- pixels ---- */

static void what_is_above_the_limit_is_marked(void **state)
{
    (void)state;
    struct tw_curve curve = {.y = {600000, 1050000}, .count = 2, .has_limit = true, .limit = 750000};
    tw_picture_draw(&curve, &picture);
    uint32_t above = pixels_of(TW_COLOUR_ABOVE);
    assert_in_range(above, 50000, 70000); /* half the width, two thirds of the height */
    assert_true(pixels_of(TW_COLOUR_CURVE) > 3000 && pixels_of(TW_COLOUR_LIMIT) > 1000);
    assert_true(pixels_of(TW_COLOUR_TEXT) > 300); /* 1.05M, 600k */
    for (uint32_t row = 0; row < TW_PICTURE_HEIGHT; row++)
        for (uint32_t column = 0; column < TW_PICTURE_WIDTH / 4; column++)
            assert_int_not_equal(picture.pixels[row][column], TW_COLOUR_ABOVE); /* the first step is below it */
    curve.limit = 2000000;
    tw_picture_draw(&curve, &picture);
    assert_int_equal(pixels_of(TW_COLOUR_ABOVE), 0);
    curve.has_limit = false;
    tw_picture_draw(&curve, &picture);
    assert_int_equal(pixels_of(TW_COLOUR_LIMIT) + pixels_of(TW_COLOUR_ABOVE), 0);
}

static void every_value_can_be_drawn(void **state)
{
    (void)state;
    static const double values[] = {0, -1, 1e-9, 1e30, -1e30, 5, 5};
    struct tw_curve curve = {.has_limit = true};
    for (uint32_t a = 0; a < 7; a++)
        for (uint32_t b = 0; b < 7; b++)
            for (uint32_t limit = 0; limit < 7; limit++) {
                curve.count = TW_ALERT_TRADES_MAX;
                curve.limit = values[limit];
                for (uint32_t i = 0; i < curve.count; i++)
                    curve.y[i] = i % 2 == 0 ? values[a] : values[b];
                tw_picture_draw(&curve, &picture);
                assert_true(pixels_of(TW_COLOUR_CURVE) > 500);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exposure_is_followed_back_from_what_was_judged),
        cmocka_unit_test(a_velocity_is_counted),
        cmocka_unit_test(anything_else_is_a_price_if_there_is_one),
        cmocka_unit_test(too_few_trades_make_no_picture),
        cmocka_unit_test(what_is_above_the_limit_is_marked),
        cmocka_unit_test(every_value_can_be_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
