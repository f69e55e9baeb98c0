/* SPDX-License-Identifier: MIT */
#include "protocol/likeness.h"

#define DISTANCE_BYTES_MAX 127u

static unsigned smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned tw_likeness_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    unsigned rows[3][DISTANCE_BYTES_MAX + 1];
    size_t n = a_length > DISTANCE_BYTES_MAX ? DISTANCE_BYTES_MAX : a_length;
    size_t m = b_length > DISTANCE_BYTES_MAX ? DISTANCE_BYTES_MAX : b_length;
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        unsigned *now = rows[i % 3], *before = rows[(i + 2) % 3], *before2 = rows[(i + 1) % 3];
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            unsigned replaced = before[j - 1] + (a[i - 1] == b[j - 1] ? 0u : 1u);
            now[j] = smaller(replaced, smaller(before[j], now[j - 1]) + 1u);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = smaller(now[j], before2[j - 2] + 1u);
        }
    }
    return rows[n % 3][m];
}
