/* SPDX-License-Identifier: MIT */
#include "tests/bench/bench_common.h"

#include <signal.h>
#include <stdlib.h>

static volatile sig_atomic_t stopped;

int64_t bench_clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * BENCH_NS_PER_SECOND + t.tv_nsec;
}

void *bench_must(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

void bench_stop_by_signal(void)
{
    struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART: waits end */
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

bool bench_stopped(void)
{
    return stopped != 0;
}

/* Below 256 a step is 1 ns; from there each power of two has 128 of them. */
static uint32_t step_of(uint64_t ns)
{
    if (ns < (UINT64_C(2) << BENCH_STEP_BITS))
        return (uint32_t)ns;
    uint32_t shift = 63u - (uint32_t)__builtin_clzll(ns) - BENCH_STEP_BITS;
    return (shift << BENCH_STEP_BITS) + (uint32_t)(ns >> shift);
}

/* The largest time that is counted in a step. */
static uint64_t step_end(uint32_t step)
{
    if (step < (2u << BENCH_STEP_BITS))
        return step;
    uint32_t shift = (step >> BENCH_STEP_BITS) - 1;
    uint64_t mantissa = step - (shift << BENCH_STEP_BITS);
    return ((mantissa + 1) << shift) - 1;
}

void bench_waits_add(struct bench_waits *waits, int64_t ns)
{
    waits->steps[step_of(ns < 0 ? 0 : (uint64_t)ns)]++;
    waits->count++;
    if (ns > waits->max_ns)
        waits->max_ns = ns;
}

static double percentile_ms(const struct bench_waits *waits, double share)
{
    uint64_t passed = 0, wanted = (uint64_t)((double)waits->count * share);
    for (uint32_t step = 0; step < BENCH_STEPS; step++)
        if ((passed += waits->steps[step]) > wanted)
            return (double)(step_end(step) < (uint64_t)waits->max_ns ? step_end(step) : (uint64_t)waits->max_ns) / 1e6;
    return (double)waits->max_ns / 1e6;
}

void bench_waits_print(FILE *out, const struct bench_waits *waits, const char *prefix)
{
    static const struct {
        const char *name;
        double share;
    } shown[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}};
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
        fprintf(out, "\"%s%s_ms\": %.4f, ", prefix, shown[i].name, percentile_ms(waits, shown[i].share));
    fprintf(out, "\"%smax_ms\": %.4f", prefix, (double)waits->max_ns / 1e6);
}
