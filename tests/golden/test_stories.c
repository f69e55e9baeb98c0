/* SPDX-License-Identifier: MIT
 *
 * Every story, with 1, 2 and 5 shards and blocks of 1, 7 and 8,190 trades: the same events, one digest.
 */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/golden/story.h"

static const uint32_t shards[] = {1, 2, 5}, blocks[] = {1, 7, 8190};

static void tell_in_all_ways(const char *path)
{
    struct story_run first = {0};
    for (size_t i = 0; i < 9; i++) {
        struct story_run run = {.shards = shards[i / 3], .block_trades_max = blocks[i % 3]};
        if (!story_tell(path, &run))
            fail_msg("%s", run.failure);
        assert_true(run.events > 0);
        if (i == 0)
            first = run;
        assert_string_equal(first.digest, run.digest);
        assert_string_equal(first.record_digest, run.record_digest);
    }
}

static void every_story_holds_with_any_number_of_shards_and_any_block_size(void **state)
{
    (void)state;
    glob_t stories;
    assert_int_equal(glob("tests/golden/*.story", 0, NULL, &stories), 0);
    assert_in_range(stories.gl_pathc, 10, 1000);
    for (size_t i = 0; i < stories.gl_pathc; i++)
        tell_in_all_ways(stories.gl_pathv[i]);
    globfree(&stories);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_story_holds_with_any_number_of_shards_and_any_block_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
