/* SPDX-License-Identifier: MIT
 *
 * Where an archive (archive.h) keeps its blocks: a small port, so that they can lie outside of the core's memory. The
 * daemon's is a file (shelf_actor.h); replay and most tests take the one here.
 */
#ifndef TW_JUDGING_SHELF_H
#define TW_JUDGING_SHELF_H

#include <stdbool.h>
#include <stdint.h>

struct tw_shelf {
    void *context;
    /* Keeps a copy of a block (at most TW_PACKED_BYTES_MAX bytes); what stands for it from now on. Never fails. */
    uint32_t (*put)(void *context, const uint8_t *bytes, uint32_t length);
    bool (*get)(void *context, uint32_t place, uint8_t *bytes, uint32_t length); /* false: it cannot be read */
    void (*drop)(void *context, uint32_t place, uint32_t length); /* nobody asks for it again: the place is free */
    void (*end)(void *context);
    /* When openings move; results never depend on it. All 0: the usual ones. */
    struct tw_shelf_sizes {
        uint32_t group; /* so many have ended since the last look */
        uint32_t least; /* in a block: fewer wait for more of their range */
        uint8_t range;  /* a block's trades have the same number without so many of its last bits */
    } sizes;
};
#define TW_SHELF_PLACES_MAX (UINT32_C(1) << 31) /* places are below it */

struct tw_shelf tw_shelf_in_memory(void);

#endif
