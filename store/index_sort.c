/* SPDX-License-Identifier: MIT
 *
 * Counting sort by a few bits at a time: a run of the index is sorted in one to three passes.
 */
#include "store/index.h"

#define PASS_BITS_MAX 11u /* 2,048 places: their counters and the lines being written stay in the near caches */

static void sort_pass(const uint64_t *from, uint64_t *to, uint32_t count, uint32_t shift, uint32_t bits)
{
    uint32_t places[1u << PASS_BITS_MAX];
    const uint32_t values = 1u << bits, mask = values - 1u;
    memset(places, 0, values * sizeof places[0]);
    for (uint32_t i = 0; i < count; i++)
        places[(uint32_t)(from[i] >> shift) & mask]++;
    uint32_t sum = 0;
    for (uint32_t value = 0; value < values; value++) {
        uint32_t here = places[value];
        places[value] = sum;
        sum += here;
    }
    for (uint32_t i = 0; i < count; i++)
        to[places[(uint32_t)(from[i] >> shift) & mask]++] = from[i];
}

void tw_index_sort(uint64_t **elements, uint64_t **scratch, uint32_t count, uint32_t shift, uint32_t bits)
{
    while (bits > 0) {
        uint32_t passes = (bits + PASS_BITS_MAX - 1u) / PASS_BITS_MAX;
        uint32_t now = (bits + passes - 1u) / passes; /* passes of about equal width */
        sort_pass(*elements, *scratch, count, shift, now);
        uint64_t *sorted = *scratch;
        *scratch = *elements;
        *elements = sorted;
        shift += now;
        bits -= now;
    }
}
