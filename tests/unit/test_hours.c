/* SPDX-License-Identifier: MIT
 *
 * Hours of the week and days of the calendar: what is taken, every minute of a week against a table that is filled
 * minute by minute, and every day of four centuries against the C library's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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
                                      "Mon-Fri 08:00-24:01",
                                      "not",
                                      "not ",
                                      "notMon",
                                      "Mon not",
                                      "not not Mon",
                                      "2026-12-32",
                                      "2026-13-01",
                                      "2026-00-01",
                                      "2026-12-00",
                                      "2026-2-03",
                                      "2026-02-29",
                                      "2100-02-29",
                                      "1969-12-31",
                                      "2026-12-25-2026-12-26",
                                      "2026-12-25..2026-12-24",
                                      "2026-12-25..",
                                      "2026-12-25.2026-12-26",
                                      "2026-12-25..Mon",
                                      "2026-12-25 8:00-9:00"};
    struct tw_hours hours;
    char many[65 * 4 + 1] = "Mon";
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (tw_hours_read(bad[i], &hours))
            fail_msg("taken: %s", bad[i]);
    for (int i = 1; i < 64; i++)
        strcat(many, ",Mon");
    assert_true(tw_hours_read(many, &hours));
    strcat(many, ",Mon");
    assert_false(tw_hours_read(many, &hours));
}

static int64_t local(const char *moment)
{
    int64_t local_s = 0;
    assert_true(tw_hours_moment(moment, &local_s));
    return local_s;
}

static void expect(const char *text, const char *moment, bool in)
{
    struct tw_hours hours;
    assert_true(tw_hours_read(text, &hours));
    if (tw_hours_contain(&hours, local(moment)) != in)
        fail_msg("%s: %s", text, moment);
}

/* A market's: open on weekdays, but not on holidays, and half a day on some. */
static void a_calendar_takes_days_out(void **state)
{
    (void)state;
    static const char market[] =
        "Mon-Fri 09:30-16:00, not 2026-12-25, not 2026-11-27 13:00-16:00, 2026-12-26 10:00-11:00";
    expect(market, "2026-12-24 15:59", true);
    expect(market, "2026-12-24 16:00", false);
    expect(market, "2026-12-25 12:00", false); /* a Friday */
    expect(market, "2026-12-26 10:30", true);  /* a Saturday */
    expect(market, "2026-12-26 11:00", false);
    expect(market, "2026-11-27 12:59", true);
    expect(market, "2026-11-27 13:00", false);
    expect(market, "2027-12-24 12:00", true);
    static const char closed[] = "not 2026-12-24..2026-12-27, not Sun 22:00-02:00"; /* all else is in */
    expect(closed, "2026-12-23 23:59", true);
    expect(closed, "2026-12-24 00:00", false);
    expect(closed, "2026-12-27 23:59", false);
    expect(closed, "2026-12-28 01:59", false); /* Sunday's night */
    expect(closed, "2026-12-28 02:00", true);
    expect("2026-12-24 22:00-06:00", "2026-12-25 05:59", true);
    expect("2026-12-24 22:00-06:00", "2026-12-24 05:59", false);
}

static void dates_are_those_of_the_calendar(void **state)
{
    (void)state;
    for (time_t day = 0; day < 146097 + 365 * 30; day++) { /* to the year 2400 */
        time_t at = day * 86400 + 3600;
        struct tm broken;
        char text[32];
        assert_non_null(gmtime_r(&at, &broken));
        assert_true(strftime(text, sizeof text, "%Y-%m-%d 01:00", &broken) > 0);
        assert_int_equal(local(text), at);
    }
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
        cmocka_unit_test(a_calendar_takes_days_out),
        cmocka_unit_test(dates_are_those_of_the_calendar),
        cmocka_unit_test(moments_are_of_their_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
