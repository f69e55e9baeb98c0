/* SPDX-License-Identifier: MIT
 *
 * Hours of the week: what is taken, and every minute of a week against a table that is filled minute by minute.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/hours.h"

#define MONDAY_S INT64_C(1764547200) /* 2025-12-01 00:00 UTC */
#define WEEK_MINUTES (7 * 1440)

static bool in_week[WEEK_MINUTES];

static void mark(int day, int from, int to) /* minutes of that day; to > 1440: into the next */
{
    for (int minute = from; minute < to; minute++)
        in_week[(day * 1440 + minute) % WEEK_MINUTES] = true;
}

static void agrees(const char *text)
{
    struct tw_hours hours;
    assert_true(tw_hours_read(text, &hours));
    for (int minute = 0; minute < WEEK_MINUTES; minute++)
        for (int second = 0; second < 60; second += 59) {
            int64_t local_s = MONDAY_S + minute * 60 + second;
            if (tw_hours_contain(&hours, local_s) != in_week[minute])
                fail_msg("%s: day %d, minute %d", text, minute / 1440, minute % 1440);
            assert_true(tw_hours_contain(&hours, local_s - 4000 * INT64_C(604800)) == in_week[minute]);
        }
    memset(in_week, 0, sizeof in_week);
}

static void every_minute_of_a_week_is_as_marked(void **state)
{
    (void)state;
    for (int day = 0; day < 5; day++)
        mark(day, 8 * 60, 17 * 60 + 30);
    agrees("Mon-Fri 08:00-17:30");
    for (int day = 0; day < 7; day++)
        mark(day, 22 * 60, 1440 + 6 * 60);
    agrees("Mon-Sun 22:00-06:00");
    mark(6, 23 * 60 + 59, 1441); /* Sunday's last minute, and Monday's first */
    agrees("Sun 23:59-00:01");
    mark(5, 0, 1440);
    mark(6, 0, 1440);
    mark(0, 0, 1440);
    agrees("Sat-Mon");
    mark(2, 0, 60);
    mark(4, 1380, 1440);
    agrees("  Wed 00:00-01:00 ,Fri  23:00-24:00 ");
    mark(3, 12 * 60, 1440);
    agrees("Thu 12:00-00:00");
}

static void anything_else_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "Monday",
                                      "mon",
                                      "Mon-",
                                      "Mon 8:00-17:00",
                                      "Mon 08:00",
                                      "Mon 08:00-",
                                      "Mon 25:00-26:00",
                                      "Mon 08:60-09:00",
                                      "Mon 24:00-24:00",
                                      "Mon,",
                                      "Mon;Tue",
                                      "Mon 08:00-08:00",
                                      "08:00-17:00",
                                      "Mon 24:00-08:00",
                                      "Mon x",
                                      "Mon-Fri 08:00-24:01"};
    struct tw_hours hours;
    char many[17 * 4 + 1] = "Mon";
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (tw_hours_read(bad[i], &hours))
            fail_msg("taken: %s", bad[i]);
    for (int i = 1; i < 16; i++)
        strcat(many, ",Mon");
    assert_true(tw_hours_read(many, &hours));
    strcat(many, ",Mon");
    assert_false(tw_hours_read(many, &hours));
}

static void moments_are_of_their_day(void **state)
{
    (void)state;
    struct tw_hours hours;
    int64_t moment = 0;
    assert_true(tw_hours_read("Fri 22:30-22:31", &hours));
    assert_true(tw_hours_moment("Fri 22:30", &moment) && tw_hours_contain(&hours, moment));
    assert_true(tw_hours_moment("Fri 22:31", &moment) && !tw_hours_contain(&hours, moment));
    assert_true(tw_hours_moment("Sat 22:30", &moment) && !tw_hours_contain(&hours, moment));
    assert_false(tw_hours_moment("Fri", &moment));
    assert_false(tw_hours_moment("Fri 24:00", &moment));
    assert_false(tw_hours_moment("Fri 22:30 ", &moment));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_minute_of_a_week_is_as_marked),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(moments_are_of_their_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
