/* SPDX-License-Identifier: MIT
 *
 * The last trades of one key and their exact moments. With n values, sum S and sum of squares Q the population variance
 * is (nQ - S^2) / n^2, so |z| > k is (nx - S)^2 > k^2 (nQ - S^2): integers throughout.
 *
 * Bounds: 0 <= x <= 2^63 / 10^6 < 9.3e12 cents, n <= 1,000: nQ <= 8.6e31 and (nx - S)^2 <= 8.6e31 fit 128 bits.
 */
#ifndef TW_SCORER_STATISTICS_H
#define TW_SCORER_STATISTICS_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/judging/area.h"
#include "protocol/num.h"

#define TW_SAMPLE_MAX INT64_C(9223372036855) /* cents of the largest notional, rounded */

struct tw_sample {
    int64_t x;
    uint64_t seq;
};

struct tw_statistics {
    struct tw_sample *ring; /* oldest first, from `first` */
    uint32_t first, count, capacity;
    int64_t sum;
    tw_i128 squares;
};

struct tw_deviation {
    tw_i128 deviation; /* n x - S */
    tw_i128 spread;    /* n Q - S^2; 0: no hit whatever the deviation */
    uint32_t count;
};

struct tw_deviation tw_statistics_deviation(const struct tw_statistics *statistics, int64_t x);
/* |z| > tier, tier in 1e-3. */
bool tw_deviation_above(const struct tw_deviation *deviation, uint32_t tier_e3);
double tw_deviation_z(const struct tw_deviation *deviation); /* |z|; only + - * / sqrt: the same bits everywhere */
double tw_deviation_sigma(const struct tw_deviation *deviation);

/* The oldest leave until so many are in. */
void tw_statistics_limit(struct tw_statistics *statistics, uint32_t count);
/* Enters a sample; the oldest leaves when `window` are in, and more are not. */
void tw_statistics_add(struct tw_statistics *statistics, struct tw_area *area, uint32_t window, int64_t x,
                       uint64_t seq); /* every function gets the same area */
/* Asks into the cache what the next tw_statistics_add needs of the ring. */
static inline void tw_statistics_expect(const struct tw_statistics *statistics)
{
    if (statistics->capacity == 0)
        return;
    uint32_t end = statistics->first + statistics->count;
    __builtin_prefetch(&statistics->ring[statistics->first], 1);
    __builtin_prefetch(&statistics->ring[end < statistics->capacity ? end : end - statistics->capacity], 1);
}
/* Takes a busted trade's sample out, if it is still in. */
bool tw_statistics_remove(struct tw_statistics *statistics, uint64_t seq);
struct tw_sample tw_statistics_sample(const struct tw_statistics *statistics, uint32_t index); /* from the oldest */
void tw_statistics_free(struct tw_statistics *statistics, struct tw_area *area);

#endif
