/* SPDX-License-Identifier: MIT */
#include "actors/delivery/png_actor.h"

#include <png.h>

static void append(png_structp png, png_bytep bytes, png_size_t length)
{
    tw_buffer_append(png_get_io_ptr(png), bytes, length);
}

static void flush(png_structp png)
{
    (void)png;
}

static void write_all(png_structp png, png_infop info, const struct tw_picture *picture)
{
    png_color palette[TW_COLOUR_COUNT];
    for (int i = 0; i < TW_COLOUR_COUNT; i++)
        palette[i] = (png_color){tw_picture_palette[i][0], tw_picture_palette[i][1], tw_picture_palette[i][2]};
    png_set_IHDR(png, info, TW_PICTURE_WIDTH, TW_PICTURE_HEIGHT, 8, PNG_COLOR_TYPE_PALETTE, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_PLTE(png, info, palette, TW_COLOUR_COUNT);
    png_write_info(png, info);
    for (uint32_t row = 0; row < TW_PICTURE_HEIGHT; row++)
        png_write_row(png, picture->pixels[row]);
    png_write_end(png, info);
}

bool tw_png_encode(const struct tw_picture *picture, struct tw_buffer *out)
{
    size_t before = out->length;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png == NULL ? NULL : png_create_info_struct(png);
    bool good = false;
    if (info != NULL && setjmp(png_jmpbuf(png)) == 0) {
        png_set_write_fn(png, out, append, flush);
        write_all(png, info, picture);
        good = true;
    } else {
        out->length = before;
    }
    png_destroy_write_struct(&png, &info);
    return good;
}
