/* SPDX-License-Identifier: MIT
 *
 * A daemon for the client's tests: the real gateway core behind real sockets, on a thread of its own, with a disk that
 * is memory and a will to lose things. What is not durable when it restarts is gone; the names of the columnar form
 * too.
 */
#ifndef TW_TESTS_DAEMON_WORLD_H
#define TW_TESTS_DAEMON_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/trade.h"

struct daemon_world;

struct daemon_habits {
    uint32_t lose_every;       /* of the messages received; 0: none */
    uint32_t restart_every;    /* messages, then a restart with new sockets; 0: never */
    uint32_t restarts_max;     /* and then no more */
    uint32_t lose_acks_every;  /* of the acks; 0: none */
    uint32_t credit_trades;    /* 0: the default */
    uint32_t durable_after_ms; /* a block becomes durable so much later */
};

struct daemon_world *daemon_world_start(const struct daemon_habits *habits);
const char *daemon_world_trades(const struct daemon_world *world); /* endpoint */
const char *daemon_world_acks(const struct daemon_world *world);
/* Ends the thread; what is in the log can be looked at afterwards. */
void daemon_world_stop(struct daemon_world *world);
uint32_t daemon_world_restarts(const struct daemon_world *world);
uint64_t daemon_world_trade_count(const struct daemon_world *world);
/* The trade of a global sequence: its number at its publisher, its quantity and its symbol. */
void daemon_world_trade(const struct daemon_world *world, uint64_t seq, uint64_t *pseq, int64_t *qty_e8,
                        struct tw_text *symbol);
void daemon_world_free(struct daemon_world **world);

#endif
