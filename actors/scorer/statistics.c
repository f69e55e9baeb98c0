/* SPDX-License-Identifier: MIT */
#include "actors/scorer/statistics.h"

#include <math.h>
#include <string.h>

#include "protocol/check.h"

#define CAPACITY_MIN 8u

struct tw_deviation tw_statistics_deviation(const struct tw_statistics *statistics, int64_t x)
{
    tw_i128 n = statistics->count, sum = statistics->sum;
    return (struct tw_deviation){n * x - sum, n * statistics->squares - sum * sum, statistics->count};
}

bool tw_deviation_above(const struct tw_deviation *deviation, uint32_t tier_e3)
{
    if (deviation->spread == 0)
        return false;
    tw_u128 square = (tw_u128)(deviation->deviation * deviation->deviation);
    return tw_product_above(square, 1000000, (tw_u128)deviation->spread, (uint64_t)tier_e3 * tier_e3);
}

double tw_deviation_z(const struct tw_deviation *deviation)
{
    return (double)tw_abs128(deviation->deviation) / sqrt((double)deviation->spread);
}

double tw_deviation_sigma(const struct tw_deviation *deviation)
{
    return sqrt((double)deviation->spread) / (double)deviation->count;
}

static struct tw_sample *sample_at(const struct tw_statistics *statistics, uint32_t index)
{
    uint32_t place = statistics->first + index;
    return &statistics->ring[place < statistics->capacity ? place : place - statistics->capacity];
}

static void resize(struct tw_statistics *statistics, struct tw_area *area, uint32_t capacity)
{
    struct tw_sample *ring = tw_area_take(area, capacity * sizeof *ring);
    for (uint32_t i = 0; i < statistics->count; i++)
        ring[i] = *sample_at(statistics, i);
    tw_area_give(area, statistics->ring, statistics->capacity * sizeof *ring);
    statistics->ring = ring;
    statistics->first = 0;
    statistics->capacity = capacity;
}

static void drop_oldest(struct tw_statistics *statistics)
{
    int64_t x = sample_at(statistics, 0)->x;
    statistics->sum -= x;
    statistics->squares -= (tw_i128)x * x;
    statistics->first = statistics->first + 1 == statistics->capacity ? 0 : statistics->first + 1;
    statistics->count--;
}

void tw_statistics_limit(struct tw_statistics *statistics, uint32_t count)
{
    while (statistics->count > count)
        drop_oldest(statistics);
}

void tw_statistics_add(struct tw_statistics *statistics, struct tw_area *area, uint32_t window, int64_t x, uint64_t seq)
{
    if (statistics->count >= window)
        drop_oldest(statistics);
    if (statistics->count == statistics->capacity) {
        uint32_t capacity = statistics->capacity == 0 ? CAPACITY_MIN : statistics->capacity * 2;
        resize(statistics, area, capacity < window ? capacity : window);
    }
    *sample_at(statistics, statistics->count) = (struct tw_sample){x, seq};
    statistics->count++;
    statistics->sum += x;
    statistics->squares += (tw_i128)x * x;
}

bool tw_statistics_remove(struct tw_statistics *statistics, uint64_t seq)
{
    for (uint32_t i = 0; i < statistics->count; i++) {
        if (sample_at(statistics, i)->seq != seq)
            continue;
        int64_t x = sample_at(statistics, i)->x;
        for (uint32_t j = i; j + 1 < statistics->count; j++)
            *sample_at(statistics, j) = *sample_at(statistics, j + 1);
        statistics->count--;
        statistics->sum -= x;
        statistics->squares -= (tw_i128)x * x;
        return true;
    }
    return false;
}

struct tw_sample tw_statistics_sample(const struct tw_statistics *statistics, uint32_t index)
{
    return *sample_at(statistics, index);
}

void tw_statistics_free(struct tw_statistics *statistics, struct tw_area *area)
{
    tw_area_give(area, statistics->ring, statistics->capacity * sizeof *statistics->ring);
    memset(statistics, 0, sizeof *statistics);
}
