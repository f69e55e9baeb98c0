/* SPDX-License-Identifier: MIT
 *
 * A picture as PNG, by libpng. Any thread; some milliseconds.
 */
#ifndef TW_DELIVERY_PNG_ACTOR_H
#define TW_DELIVERY_PNG_ACTOR_H

#include "actors/delivery/picture.h"

/* Appends the file; false (and nothing appended) if libpng refuses. */
bool tw_png_encode(const struct tw_picture *picture, struct tw_buffer *out);

#endif
