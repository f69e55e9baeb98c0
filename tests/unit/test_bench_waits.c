/* SPDX-License-Identifier: MIT
 *
 * Percentiles of the benchmarks, against sorted times.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/bench/bench_common.h"

#define COUNT 100000u

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The figure that stands behind `key` in what is printed. */
static double printed(const struct bench_waits *waits, const char *key)
{
    char text[512];
    FILE *out = fmemopen(text, sizeof text, "w");
    bench_waits_print(out, waits, "x_");
    fclose(out);
    const char *found = strstr(text, key);
    assert_non_null(found);
    return strtod(found + strlen(key), NULL);
}

static void percentiles_are_within_a_step_of_the_sorted_times(void **state)
{
    static struct bench_waits waits;
    static int64_t times[COUNT];
    uint64_t random = 7;
    (void)state;
    for (uint32_t i = 0; i < COUNT; i++) { /* from nanoseconds to minutes */
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        times[i] = (int64_t)((random >> 24) >> (i % 37));
        bench_waits_add(&waits, times[i]);
    }
    qsort(times, COUNT, sizeof times[0], compare);
    const struct {
        const char *key;
        double share;
    } cases[] = {
        {"\"x_p50_ms\": ", 0.5}, {"\"x_p90_ms\": ", 0.9}, {"\"x_p99_ms\": ", 0.99}, {"\"x_p999_ms\": ", 0.999}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double exact = (double)times[(size_t)(COUNT * cases[i].share)] / 1e6;
        double said = printed(&waits, cases[i].key);
        assert_true(said >= exact - 1e-4 && said <= exact * (1 + 1.0 / 128) + 1e-4);
    }
    assert_true(printed(&waits, "\"x_max_ms\": ") >= (double)times[COUNT - 1] / 1e6 - 1e-4);
}

static void the_ends_are_counted_too(void **state)
{
    static struct bench_waits waits;
    (void)state;
    bench_waits_add(&waits, -5);
    bench_waits_add(&waits, 0);
    bench_waits_add(&waits, INT64_MAX);
    assert_int_equal(waits.count, 3);
    assert_true(printed(&waits, "\"x_p50_ms\": ") == 0);
    assert_true(printed(&waits, "\"x_max_ms\": ") > 9e12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_are_within_a_step_of_the_sorted_times),
        cmocka_unit_test(the_ends_are_counted_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
