/* SPDX-License-Identifier: MIT
 *
 * Stories: traces of trades and the alert events that follow them, in words (tests/golden/README.md). A story runs
 * through the real gateway core and the real judging cores, on one thread.
 */
#ifndef TW_TESTS_STORY_H
#define TW_TESTS_STORY_H

#include <stdbool.h>
#include <stdint.h>

struct story_run {
    uint32_t shards, block_trades_max;
    char failure[1024]; /* "file:line: expected ..., got ..." */
    char digest[65], record_digest[65];
    uint64_t events;
};
/* False with `failure` set at the first difference. */
bool story_tell(const char *path, struct story_run *run);

#endif
