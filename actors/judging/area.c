/* SPDX-License-Identifier: MIT */
#include "actors/judging/area.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"

#define BLOCK_BYTES TW_HUGE_PAGE_BYTES

struct tw_area_block {
    struct tw_area_block *next;
};
struct tw_area_piece {
    struct tw_area_piece *next;
};

/* Its place among the sizes. */
static int size_of(size_t bytes)
{
    int size = 0;
    while (((size_t)TW_AREA_PIECE_MIN << size) < bytes)
        size++;
    return size;
}

static void begin_block(struct tw_area *area)
{
    struct tw_area_block *block = tw_alloc_lines(1, BLOCK_BYTES);
    block->next = area->blocks;
    area->blocks = block;
    area->at = (char *)block + TW_AREA_PIECE_MIN;
    area->left = BLOCK_BYTES - TW_AREA_PIECE_MIN;
}

/* The end of a block that is too small becomes pieces of smaller sizes. */
static void use_up(struct tw_area *area)
{
    for (int size = TW_AREA_SIZES - 1; size >= 0; size--) {
        size_t bytes = (size_t)TW_AREA_PIECE_MIN << size;
        if (area->left < bytes)
            continue;
        tw_area_give(area, area->at, bytes);
        area->at += bytes;
        area->left -= bytes;
        size++;
    }
}

void *tw_area_take(struct tw_area *area, size_t bytes)
{
    if (bytes > TW_AREA_PIECE_MAX)
        return tw_alloc(bytes);
    int size = size_of(bytes);
    struct tw_area_piece *piece = area->free[size];
    if (piece != NULL) {
        area->free[size] = piece->next;
        return piece;
    }
    bytes = (size_t)TW_AREA_PIECE_MIN << size;
    if (area->left < bytes) {
        use_up(area);
        begin_block(area);
    }
    void *memory = area->at;
    area->at += bytes;
    area->left -= bytes;
    return memory;
}

void tw_area_give(struct tw_area *area, void *memory, size_t bytes)
{
    if (memory == NULL)
        return;
    if (bytes > TW_AREA_PIECE_MAX) {
        free(memory);
        return;
    }
    struct tw_area_piece *piece = memory;
    int size = size_of(bytes);
    piece->next = area->free[size];
    area->free[size] = piece;
}

void tw_area_free(struct tw_area *area)
{
    while (area->blocks != NULL) {
        struct tw_area_block *next = area->blocks->next;
        tw_free_lines(area->blocks, 1, BLOCK_BYTES);
        area->blocks = next;
    }
    memset(area, 0, sizeof *area);
}
