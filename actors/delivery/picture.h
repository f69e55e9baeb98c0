/* SPDX-License-Identifier: MIT
 *
 * What an alert's trades did, as a small picture: a step for each trade, and the limit as a line. Private to
 * actors/delivery. Pure; what becomes of the pixels is the shell's business.
 */
#ifndef TW_DELIVERY_PICTURE_H
#define TW_DELIVERY_PICTURE_H

#include "actors/delivery/receiver.h"

/* Twice as many pixels as it is shown with, for fine screens. */
#define TW_PICTURE_WIDTH 960u
#define TW_PICTURE_HEIGHT 320u

struct tw_curve {
    double y[TW_ALERT_TRADES_MAX]; /* after each trade */
    uint32_t count;
    bool has_limit;
    double limit;
    char title[256];
};
/* Of an exposure what the trades added to it, at their prices, up to the value that was judged; of a velocity how many
 * were counted; else the price, if they are in one symbol. False: fewer than two trades were looked up, or none of that
 * can be said. */
bool tw_curve_of(const struct tw_letter *letter, struct tw_curve *out);

enum tw_picture_colour {
    TW_COLOUR_PAPER,
    TW_COLOUR_GRID,
    TW_COLOUR_ABOVE, /* between the limit and what is above it */
    TW_COLOUR_CURVE,
    TW_COLOUR_LIMIT,
    TW_COLOUR_TEXT,
    TW_COLOUR_COUNT
};
extern const uint8_t tw_picture_palette[TW_COLOUR_COUNT][3]; /* red, green, blue */

struct tw_picture {
    uint8_t pixels[TW_PICTURE_HEIGHT][TW_PICTURE_WIDTH]; /* enum tw_picture_colour */
};
void tw_picture_draw(const struct tw_curve *curve, struct tw_picture *out);

#endif
