/* SPDX-License-Identifier: MIT
 *
 * A benchmark's connection to the daemon: trades out in columns or rows, acks in. What goes wrong ends the program with
 * a sentence: 3 cannot send, 4 the daemon holds, refuses or sees a gap, 5 it says nothing for half a minute.
 */
#ifndef TW_BENCH_LINE_H
#define TW_BENCH_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/pack.h"
#include "tests/bench/bench_flow.h"

#define BENCH_MESSAGE_TRADES_MAX 8190u

struct bench_line {
    void *trades, *acks;
    int acks_fd; /* readable when an ack may have come; hear until there is none before waiting for it */
    const char *name;
    bool rows; /* row form */
    uint64_t next, durable, names;
    int64_t heard_ns;
    struct tw_buffer message;
};

void bench_line_connect(struct bench_line *line, const char *trades, const char *acks, const char *name);
void bench_line_introduce(struct bench_line *line,
                          const struct bench_flow *flow); /* hello; in columns also all names */
/* The flow's trades [from, from + count); qty NULL: the flow's own. */
void bench_line_send(struct bench_line *line, const struct bench_flow *flow, uint32_t from, uint32_t count,
                     const int64_t *ts, const int64_t *qty);
bool bench_line_hear(struct bench_line *line);                  /* every ack that has come; false: none */
void bench_line_wait(struct bench_line *line, int64_t most_ns); /* for an ack; the caller has heard all */
void bench_line_wait_credit(struct bench_line *line, uint32_t count);
void bench_line_wait_durable(struct bench_line *line);

#endif
