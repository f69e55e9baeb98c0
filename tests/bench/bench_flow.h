/* SPDX-License-Identifier: MIT
 *
 * The trades of the benchmarks, in columns, again and again: a synthetic flow, or a tape's trades, day after day.
 */
#ifndef TW_BENCH_FLOW_H
#define TW_BENCH_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/trade.h"

struct bench_flow_settings {
    uint32_t symbols, accounts, rows;
    bool uniform; /* else symbols and accounts are Zipf 1.1 */
    uint64_t seed;
};

/* Names are ids of the publisher's dictionary, from 1; 0 is none. */
struct bench_flow {
    uint32_t rows, names;
    char **name; /* [1 .. names] */
    uint32_t *symbol, *account;
    uint8_t *side;
    int64_t *qty, *price;
    uint32_t hand, hands; /* row i is number i * hands + hand of what was dealt out; else 0 and 1 */
    /* of a tape only */
    uint32_t *venue;
    int64_t *ts, span_ns; /* when, and how much later the next time round */
    uint8_t *id_length;
    char *ids;
    uint64_t *id_from; /* where the row's id begins in `ids` */
};

void bench_flow_make(struct bench_flow *flow, const struct bench_flow_settings *settings);
void bench_flow_read(struct bench_flow *flow, const char *path); /* exits with a sentence if it cannot be read */

/* Of one flow that several publishers share, dealt out trade by trade: what the one with number `hand` (from 0) has. */
void bench_flow_deal(struct bench_flow *flow, uint32_t hand, uint32_t hands);

/* ts of the trades [from, from + count) the `round`th time; without a tape's: `first` and on in steps of `step_ns`. */
void bench_flow_times(const struct bench_flow *flow, uint32_t from, uint32_t count, uint64_t round, int64_t first,
                      double step_ns, int64_t *ts);
void bench_flow_trade(const struct bench_flow *flow, uint32_t row, int64_t ts, int64_t qty, struct tw_trade *out);
uint64_t bench_flow_positions(const struct bench_flow *flow); /* different pairs of account and symbol */
void bench_flow_print_csv(const struct bench_flow *flow, int64_t first, double step_ns);

#endif
