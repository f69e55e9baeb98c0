/* SPDX-License-Identifier: MIT
 *
 * A block to try things on: arrays that a test may change before it encodes them, with every optional part switched on
 * by default.
 */
#ifndef TW_TESTS_UNIT_LOG_WORLD_H
#define TW_TESTS_UNIT_LOG_WORLD_H

#include "protocol/limits.h"
#include "protocol/log.h"

#define WORLD_ROWS 5u
#define WORLD_TS INT64_C(1700000000000000000)

struct log_world {
    int64_t ts[WORLD_ROWS], qty[WORLD_ROWS], price[WORLD_ROWS];
    uint64_t pseq[WORLD_ROWS];
    uint32_t symbol[WORLD_ROWS], account[WORLD_ROWS], source[WORLD_ROWS];
    uint32_t venue[WORLD_ROWS], owner[WORLD_ROWS], contra[WORLD_ROWS], broker[WORLD_ROWS], ccy[WORLD_ROWS];
    uint8_t attrs[WORLD_ROWS], id_length[WORLD_ROWS];
    struct tw_original originals[2];
    struct tw_new_name names[6];
    struct tw_refusal refusals[2];
    struct tw_position positions[2];
    struct tw_block block; /* over the arrays above */
    struct tw_block_lists lists;
};

/* Row 0 a buy, row 1 a late sell, row 2 a market print on a tick, row 3 a bust, row 4 a correction. */
void log_world_fill(struct log_world *world);
struct tw_frame *log_world_encode(const struct log_world *world);

#endif
