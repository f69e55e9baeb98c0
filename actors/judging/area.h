/* SPDX-License-Identifier: MIT
 *
 * Memory for what a core has much of, small, and meets at random: positions, windows, samples. Every piece begins with
 * a cache line, and all lie close together in areas of 2 MiB that the kernel may map as one page each; with pages of
 * 4 KiB nearly every one of them costs a walk through the page tables on top of its cache miss.
 *
 * Pieces are powers of two; what is given back is taken again for the same size. Larger ones than TW_AREA_PIECE_MAX
 * have memory of their own. One owner, one thread. Zero-initialised: empty.
 */
#ifndef TW_JUDGING_AREA_H
#define TW_JUDGING_AREA_H

#include <stddef.h>

#define TW_AREA_PIECE_MIN 64u
#define TW_AREA_PIECE_MAX (256u * 1024u)
#define TW_AREA_SIZES 13 /* 64, 128, … 256 KiB */

struct tw_area {
    struct tw_area_block *blocks;
    char *at; /* in the newest block: what is left of it */
    size_t left;
    struct tw_area_piece *free[TW_AREA_SIZES]; /* given back, by size */
};
/* At least `bytes`, uninitialised. */
void *tw_area_take(struct tw_area *area, size_t bytes);
/* `bytes` as when it was taken; NULL with 0 does nothing. */
void tw_area_give(struct tw_area *area, void *memory, size_t bytes);
void tw_area_free(struct tw_area *area); /* with all pieces but the larger ones, which are to be given back */

#endif
