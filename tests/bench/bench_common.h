/* SPDX-License-Identifier: MIT
 *
 * What the programs of the benchmarks share: clocks, and how long things took.
 */
#ifndef TW_BENCH_COMMON_H
#define TW_BENCH_COMMON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define BENCH_NS_PER_SECOND 1000000000

int64_t bench_clock_ns(clockid_t clock);
void *bench_must(void *memory); /* or abort */

/* SIGTERM and SIGINT end the work at the next good moment. */
void bench_stop_by_signal(void);
bool bench_stopped(void);

/* Times in steps that are at most 1/128 of what they count, so that nothing is kept or sorted. Only the maximum is
 * exact. */
#define BENCH_STEP_BITS 7u
#define BENCH_STEPS ((64u - BENCH_STEP_BITS + 1u) << BENCH_STEP_BITS)
struct bench_waits {
    uint64_t count, steps[BENCH_STEPS];
    int64_t max_ns;
};
void bench_waits_add(struct bench_waits *waits, int64_t ns); /* below 0 counts as 0 */
/* `"<prefix>p50_ms": 0.123, …` of p50, p90, p99, p999 and max, without braces */
void bench_waits_print(FILE *out, const struct bench_waits *waits, const char *prefix);

#endif
