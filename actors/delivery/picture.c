/* SPDX-License-Identifier: MIT */
#include "actors/delivery/picture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/delivery/texts.h"
#include "protocol/alert_text.h"

const uint8_t tw_picture_palette[TW_COLOUR_COUNT][3] = {
    [TW_COLOUR_PAPER] = {255, 255, 255}, [TW_COLOUR_GRID] = {232, 234, 237}, [TW_COLOUR_ABOVE] = {252, 222, 218},
    [TW_COLOUR_CURVE] = {21, 101, 192},  [TW_COLOUR_LIMIT] = {198, 40, 40},  [TW_COLOUR_TEXT] = {95, 99, 104}};

/* ---- what is drawn ---- */

/* The trades at the list's end that were looked up, one behind the other. */
static uint32_t first_known(const struct tw_letter *letter)
{
    uint32_t first = letter->trade_count;
    while (first > 0 && letter->trades[first - 1].symbol[0] != '\0')
        first--;
    return first;
}

static double notional_of(const struct tw_letter_trade *trade)
{
    double notional = (double)trade->qty_e8 / (double)TW_E8 * ((double)trade->price_e8 / (double)TW_E8);
    return trade->side == TW_SIDE_SELL ? -notional : trade->side == TW_SIDE_BUY ? notional : 0;
}

/* From the value backwards. Short positions grow by selling: what the trades did together is taken for growth. */
static void follow_exposure(const struct tw_letter_trade *trades, double value, struct tw_curve *curve)
{
    double sum = 0;
    for (uint32_t i = 0; i < curve->count; i++)
        sum += notional_of(&trades[i]);
    double direction = sum < 0 ? -1 : 1;
    for (uint32_t i = curve->count; i > 0; i--) {
        curve->y[i - 1] = value;
        value -= direction * notional_of(&trades[i - 1]);
    }
}

static void follow_count(double value, struct tw_curve *curve)
{
    for (uint32_t i = 0; i < curve->count; i++)
        curve->y[i] = value - (double)(curve->count - 1 - i);
}

static bool follow_price(const struct tw_letter_trade *trades, struct tw_curve *curve)
{
    for (uint32_t i = 0; i < curve->count; i++) {
        if (strcmp(trades[i].symbol, trades[0].symbol) != 0)
            return false;
        curve->y[i] = (double)trades[i].price_e8 / (double)TW_E8;
    }
    return true;
}

/* "1.05M", "12.5k", "150.25" */
static void format_short(double value, char out[24])
{
    double size = value < 0 ? -value : value;
    if (size >= 1e9)
        snprintf(out, 24, "%.4gG", value / 1e9);
    else if (size >= 1e6)
        snprintf(out, 24, "%.4gM", value / 1e6);
    else if (size >= 1e4)
        snprintf(out, 24, "%.4gk", value / 1e3);
    else
        snprintf(out, 24, "%.6g", value);
}

static void name_curve(const struct tw_letter_trade *trades, const char *what, struct tw_curve *curve)
{
    char from[TW_TIME_TEXT_MAX], to[TW_TIME_TEXT_MAX], first[24], last[24];
    tw_time_format(trades[0].ts_ns, from);
    tw_time_format(trades[curve->count - 1].ts_ns, to);
    format_short(curve->y[0], first);
    format_short(curve->y[curve->count - 1], last);
    snprintf(curve->title, sizeof curve->title, "%s over %" PRIu32 " trades, %s to %s, %.19s to %.19s UTC", what,
             curve->count, first, last, from, to);
}

bool tw_curve_of(const struct tw_letter *letter, struct tw_curve *out)
{
    const struct tw_alert_view *view = letter->view;
    uint32_t first = first_known(letter);
    const struct tw_letter_trade *trades = letter->trades + first;
    char what[64];
    bool exposure = tw_text_is(view->rule, "client_exposure") || tw_text_is(view->rule, "symbol_exposure");
    bool velocity = tw_text_is(view->rule, "velocity");
    *out = (struct tw_curve){.count = letter->trade_count - first};
    if (out->count < 2)
        return false;
    if (exposure) {
        follow_exposure(trades, tw_amount_of(&view->value), out);
        snprintf(what, sizeof what, "Exposure, by what each added,");
    } else if (velocity) {
        follow_count(tw_amount_of(&view->value), out);
        snprintf(what, sizeof what, "Trades counted");
    } else if (follow_price(trades, out)) {
        snprintf(what, sizeof what, "Price of %.32s", trades[0].symbol);
    } else {
        return false;
    }
    out->has_limit = exposure || velocity;
    out->limit = tw_amount_of(&view->threshold);
    name_curve(trades, what, out);
    return true;
}

/* ---- drawing ---- */

#define LEFT 12
#define RIGHT 150 /* labels stand there */
#define TOP 16
#define BOTTOM 16
#define STROKE 4
#define DOT 6 /* half its side */
#define PLOT_WIDTH ((int)TW_PICTURE_WIDTH - LEFT - RIGHT)
#define PLOT_HEIGHT ((int)TW_PICTURE_HEIGHT - TOP - BOTTOM)

struct frame {
    struct tw_picture *picture;
    double low, high;
};

static void fill(struct tw_picture *picture, int x, int y, int width, int height, enum tw_picture_colour colour)
{
    for (int row = y < 0 ? 0 : y; row < y + height && row < (int)TW_PICTURE_HEIGHT; row++)
        for (int column = x < 0 ? 0 : x; column < x + width && column < (int)TW_PICTURE_WIDTH; column++)
            picture->pixels[row][column] = (uint8_t)colour;
}

static int y_of(const struct frame *frame, double value)
{
    return TOP + (int)((frame->high - value) / (frame->high - frame->low) * (PLOT_HEIGHT - 1) + 0.5);
}

/* 5 columns and 7 rows a character; a row's bits from the left. */
static const struct {
    char character;
    uint8_t rows[7];
} glyphs[] = {
    {'0', {14, 17, 19, 21, 25, 17, 14}}, {'1', {4, 12, 4, 4, 4, 4, 14}},     {'2', {14, 17, 1, 2, 4, 8, 31}},
    {'3', {31, 2, 4, 2, 1, 17, 14}},     {'4', {2, 6, 10, 18, 31, 2, 2}},    {'5', {31, 16, 30, 1, 1, 17, 14}},
    {'6', {6, 8, 16, 30, 17, 17, 14}},   {'7', {31, 1, 2, 4, 8, 8, 8}},      {'8', {14, 17, 17, 14, 17, 17, 14}},
    {'9', {14, 17, 17, 15, 1, 2, 12}},   {'.', {0, 0, 0, 0, 0, 12, 12}},     {'-', {0, 0, 0, 31, 0, 0, 0}},
    {'+', {0, 4, 4, 31, 4, 4, 0}},       {'e', {0, 0, 14, 17, 31, 16, 14}},  {'k', {16, 16, 18, 20, 24, 20, 18}},
    {'M', {17, 27, 21, 21, 17, 17, 17}}, {'G', {14, 17, 16, 23, 17, 17, 15}}};
#define GLYPH_SCALE 3

static void draw_text(struct tw_picture *picture, int x, int y, const char *text, enum tw_picture_colour colour)
{
    for (; *text != '\0'; text++, x += 6 * GLYPH_SCALE)
        for (size_t i = 0; i < sizeof glyphs / sizeof *glyphs; i++)
            for (int row = 0; glyphs[i].character == *text && row < 7; row++)
                for (int column = 0; column < 5; column++)
                    if ((glyphs[i].rows[row] >> (4 - column) & 1) != 0)
                        fill(picture, x + column * GLYPH_SCALE, y + row * GLYPH_SCALE, GLYPH_SCALE, GLYPH_SCALE,
                             colour);
}

/* Beside the plot, at its height; not on `taken`, another label. */
static int draw_label(const struct frame *frame, double value, int taken, enum tw_picture_colour colour)
{
    char text[24];
    int y = y_of(frame, value) - 7 * GLYPH_SCALE / 2, most = (int)TW_PICTURE_HEIGHT - 7 * GLYPH_SCALE;
    y = y < 0 ? 0 : y > most ? most : y;
    if (abs(y - taken) < 8 * GLYPH_SCALE)
        return taken;
    format_short(value, text);
    draw_text(frame->picture, (int)TW_PICTURE_WIDTH - RIGHT + 16, y, text, colour);
    return y;
}

/* Each trade's step: from x to the next one's. */
static int x_of(const struct tw_curve *curve, uint32_t at)
{
    return LEFT + (int)((uint64_t)at * (uint64_t)PLOT_WIDTH / curve->count);
}

static void draw_above(const struct frame *frame, const struct tw_curve *curve)
{
    int limit = y_of(frame, curve->limit);
    for (uint32_t i = 0; i < curve->count; i++)
        if (curve->y[i] > curve->limit)
            fill(frame->picture, x_of(curve, i), y_of(frame, curve->y[i]), x_of(curve, i + 1) - x_of(curve, i),
                 limit - y_of(frame, curve->y[i]), TW_COLOUR_ABOVE);
}

static void draw_limit(const struct frame *frame, const struct tw_curve *curve)
{
    for (int x = LEFT; x < LEFT + PLOT_WIDTH; x += 24)
        fill(frame->picture, x, y_of(frame, curve->limit) - 1, x + 14 > LEFT + PLOT_WIDTH ? LEFT + PLOT_WIDTH - x : 14,
             3, TW_COLOUR_LIMIT);
}

static void draw_steps(const struct frame *frame, const struct tw_curve *curve)
{
    for (uint32_t i = 0; i < curve->count; i++) {
        int x = x_of(curve, i), y = y_of(frame, curve->y[i]), next = x_of(curve, i + 1);
        int before = i == 0 ? y : y_of(frame, curve->y[i - 1]);
        int upper = y < before ? y : before;
        fill(frame->picture, x, y - STROKE / 2, next - x, STROKE, TW_COLOUR_CURVE);
        fill(frame->picture, x - STROKE / 2, upper - STROKE / 2, STROKE, abs(before - y) + STROKE, TW_COLOUR_CURVE);
        if (next - x > 4 * DOT)
            fill(frame->picture, x - DOT, y - DOT, 2 * DOT, 2 * DOT, TW_COLOUR_CURVE);
    }
}

/* All that is drawn, and a tenth around it. */
static void measure(const struct tw_curve *curve, struct frame *frame)
{
    frame->low = frame->high = curve->has_limit ? curve->limit : curve->y[0];
    for (uint32_t i = 0; i < curve->count; i++) {
        frame->low = curve->y[i] < frame->low ? curve->y[i] : frame->low;
        frame->high = curve->y[i] > frame->high ? curve->y[i] : frame->high;
    }
    double margin = (frame->high - frame->low) / 10;
    if (margin <= 0)
        margin = frame->high != 0 ? (frame->high < 0 ? -frame->high : frame->high) / 10 : 1;
    frame->low -= margin;
    frame->high += margin;
}

void tw_picture_draw(const struct tw_curve *curve, struct tw_picture *out)
{
    struct frame frame = {.picture = out};
    double lowest = curve->y[0], highest = curve->y[0];
    memset(out->pixels, TW_COLOUR_PAPER, sizeof out->pixels);
    measure(curve, &frame);
    for (int i = 0; i <= 4; i++)
        fill(out, LEFT, TOP + i * (PLOT_HEIGHT - 1) / 4, PLOT_WIDTH, 2, TW_COLOUR_GRID);
    if (curve->has_limit)
        draw_above(&frame, curve);
    draw_steps(&frame, curve);
    for (uint32_t i = 0; i < curve->count; i++) {
        lowest = curve->y[i] < lowest ? curve->y[i] : lowest;
        highest = curve->y[i] > highest ? curve->y[i] : highest;
    }
    int taken = -(int)TW_PICTURE_HEIGHT;
    if (curve->has_limit) {
        draw_limit(&frame, curve);
        taken = draw_label(&frame, curve->limit, taken, TW_COLOUR_LIMIT);
    }
    draw_label(&frame, highest, taken, TW_COLOUR_TEXT);
    if (lowest < highest)
        draw_label(&frame, lowest, taken, TW_COLOUR_TEXT);
}
