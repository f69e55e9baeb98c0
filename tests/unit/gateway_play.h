/* SPDX-License-Identifier: MIT
 *
 * A play: some hundred seeded messages of several publishers in a world (gateway_world.h): both forms, busts, refusals,
 * late trades, resends, gaps, a feed, new incarnations, restarts, snapshots. What is said depends on the seed alone,
 * not on the size of blocks, the disk or how the gateway recovers.
 */
#ifndef TEST_GATEWAY_PLAY_H
#define TEST_GATEWAY_PLAY_H

#include "gateway_world.h"

struct play_setting {
    uint64_t seed;
    uint32_t block_trades_max;
    uint32_t tick_keys_max; /* in force from the first restart on */
    bool slow_disk;         /* durable only at restarts and at the end */
    bool from_snapshot; /* restarts load the newest whole snapshot; otherwise they read the log from its beginning */
    const char *const *settings_texts; /* in force from one restart to the next, in turn; NULL: SETTINGS for ever */
    uint32_t settings_count;
};
struct world *play(const struct play_setting *setting); /* the world at its end, everything durable; free it */

#endif
