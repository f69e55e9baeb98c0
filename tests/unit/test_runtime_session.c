/* SPDX-License-Identifier: MIT
 *
 * The session calendar: known days by hand, then every roll of weeks with clock changes against a slow walk that knows
 * nothing but what local clocks show.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "actors/runtime/session.h"
#include "protocol/limits.h"

#define DAY INT64_C(86400)
#define AT(hours, minutes) ((hours)*3600 + (minutes)*60)

/* A moment from its name in UTC, "2024-03-31 01:00:00". */
static int64_t utc(const char *name)
{
    struct tm parts = {0};
    assert_non_null(strptime(name, "%Y-%m-%d %H:%M:%S", &parts));
    return (int64_t)timegm(&parts) * TW_NS_PER_SECOND;
}

static void expect_roll(struct tw_session *session, const char *after, const char *roll)
{
    int64_t found = tw_session_next_roll(session, utc(after)), wanted = utc(roll);
    if (found != wanted)
        print_error("after %s: %lld instead of %s\n", after, (long long)(found / TW_NS_PER_SECOND), roll);
    assert_int_equal(found, wanted);
}

static void in_utc_the_day_rolls_at_midnight(void **state)
{
    struct tw_session session;
    (void)state;
    tw_session_init(&session, "UTC", 0);
    expect_roll(&session, "2013-10-08 13:30:00", "2013-10-09 00:00:00");
    expect_roll(&session, "2012-02-28 23:59:59", "2012-02-29 00:00:00");
    expect_roll(&session, "1990-01-01 00:00:00", "1990-01-02 00:00:00");
}

static void a_roll_comes_strictly_after(void **state)
{
    struct tw_session session;
    int64_t midnight = utc("2013-10-09 00:00:00");
    (void)state;
    tw_session_init(&session, "UTC", 0);
    assert_int_equal(tw_session_next_roll(&session, midnight - 1), midnight);
    assert_int_equal(tw_session_next_roll(&session, midnight), midnight + DAY * TW_NS_PER_SECOND);
    assert_int_equal(tw_session_next_roll(&session, midnight + 1), midnight + DAY * TW_NS_PER_SECOND);
}

static void a_day_with_a_clock_change_is_shorter_or_longer_in_berlin(void **state)
{
    struct tw_session session;
    (void)state;
    tw_session_init(&session, "Europe/Berlin", 0);
    expect_roll(&session, "2024-03-30 12:00:00", "2024-03-30 23:00:00"); /* 31 March, 00:00 CET */
    expect_roll(&session, "2024-03-30 23:00:00", "2024-03-31 22:00:00"); /* 23 hours later: 1 April, 00:00 CEST */
    expect_roll(&session, "2024-10-26 22:00:00", "2024-10-27 23:00:00"); /* 25 hours: 28 October, 00:00 CET */
}

static void a_roll_at_five_in_the_afternoon_follows_new_york(void **state)
{
    struct tw_session session;
    (void)state;
    tw_session_init(&session, "America/New_York", AT(17, 0));
    expect_roll(&session, "2024-03-08 21:59:59", "2024-03-08 22:00:00"); /* EST */
    expect_roll(&session, "2024-03-08 22:00:00", "2024-03-09 22:00:00");
    expect_roll(&session, "2024-03-09 22:00:00", "2024-03-10 21:00:00"); /* EDT since that morning */
    expect_roll(&session, "2024-11-02 21:00:00", "2024-11-03 22:00:00"); /* and back */
}

static void where_midnight_is_skipped_the_day_rolls_at_the_jump(void **state)
{
    struct tw_session session;
    (void)state;
    tw_session_init(&session, "America/Sao_Paulo", 0);
    expect_roll(&session, "2018-11-03 12:00:00", "2018-11-04 03:00:00"); /* 00:00 became 01:00 */
    expect_roll(&session, "2018-11-04 03:00:00", "2018-11-05 02:00:00");
    tw_session_init(&session, "Europe/Berlin", AT(2, 30));
    expect_roll(&session, "2024-03-30 12:00:00", "2024-03-31 01:00:00"); /* 02:00 became 03:00 */
    expect_roll(&session, "2024-03-31 01:00:00", "2024-04-01 00:30:00");
}

static void a_time_that_comes_twice_rolls_at_its_first_coming_only(void **state)
{
    struct tw_session session;
    (void)state;
    tw_session_init(&session, "Europe/Berlin", AT(2, 30));
    expect_roll(&session, "2024-10-26 12:00:00", "2024-10-27 00:30:00");
    expect_roll(&session, "2024-10-27 00:30:00", "2024-10-28 01:30:00");
    expect_roll(&session, "2024-10-27 01:00:00", "2024-10-28 01:30:00");
    /* The same question after others has the same answer: a restart must not roll a day twice. */
    expect_roll(&session, "2024-01-10 12:00:00", "2024-01-11 01:30:00");
    expect_roll(&session, "2024-10-27 00:45:00", "2024-10-28 01:30:00");
    expect_roll(&session, "2024-07-10 12:00:00", "2024-07-11 00:30:00");
    expect_roll(&session, "2024-10-27 00:45:00", "2024-10-28 01:30:00");
}

static void a_day_that_never_was_has_no_roll(void **state)
{
    struct tw_session session;
    (void)state;
    tw_session_init(&session, "Pacific/Apia", AT(9, 0)); /* 30 December 2011 was left out */
    expect_roll(&session, "2011-12-29 18:59:59", "2011-12-29 19:00:00");
    expect_roll(&session, "2011-12-29 19:00:00", "2011-12-30 10:00:00"); /* the jump over all of the 30th */
    expect_roll(&session, "2011-12-30 10:00:00", "2011-12-30 19:00:00"); /* 31 December, 09:00 */
}

/* ---- against a slow walk ---- */

/* The session day at that second, as local clocks show it: one more with each roll. */
static int64_t day_shown(int64_t second, int64_t roll_seconds)
{
    time_t moment = (time_t)second;
    struct tm local, midnight;
    assert_non_null(localtime_r(&moment, &local));
    midnight = (struct tm){.tm_year = local.tm_year, .tm_mon = local.tm_mon, .tm_mday = local.tm_mday};
    int64_t since = local.tm_hour * 3600 + local.tm_min * 60 + local.tm_sec;
    return (int64_t)timegm(&midnight) / DAY - (since < roll_seconds);
}

/* Walks in steps of a minute, in which all rolls and all modern clock changes lie. */
static void expect_the_same_as_a_walk(const char *zone, int64_t roll_seconds, const char *from, int days)
{
    struct tw_session session;
    tw_session_init(&session, zone, roll_seconds);
    int64_t second = utc(from) / TW_NS_PER_SECOND, end = second + days * DAY;
    int64_t next = tw_session_next_roll(&session, second * TW_NS_PER_SECOND) / TW_NS_PER_SECOND;
    int64_t day = day_shown(second, roll_seconds);
    for (second += 60; second < end; second += 60) {
        int64_t shown = day_shown(second, roll_seconds);
        if ((shown > day) != (next == second))
            print_error("%s roll=%lld: walk and calendar differ at %lld, which says %lld\n", zone,
                        (long long)roll_seconds, (long long)second, (long long)next);
        assert_int_equal(shown > day, next == second);
        if (shown <= day)
            continue;
        day = shown;
        next = tw_session_next_roll(&session, second * TW_NS_PER_SECOND) / TW_NS_PER_SECOND;
        assert_true(next > second);
    }
}

static void every_roll_is_where_local_clocks_show_it(void **state)
{
    static const char *const days[][2] = {
        {"Europe/Berlin", "2024-03-29 00:00:00"},     {"Europe/Berlin", "2024-10-25 00:00:00"},
        {"America/New_York", "2024-03-08 00:00:00"},  {"America/New_York", "2024-11-01 00:00:00"},
        {"America/Sao_Paulo", "2018-11-02 00:00:00"}, {"America/Sao_Paulo", "2019-02-14 00:00:00"},
        {"America/Havana", "2024-11-01 00:00:00"},    {"Asia/Beirut", "2022-03-25 00:00:00"},
        {"Africa/Cairo", "2023-04-26 00:00:00"},      {"Australia/Lord_Howe", "2024-04-05 00:00:00"},
        {"Pacific/Apia", "2011-12-28 00:00:00"},      {"Asia/Kathmandu", "2024-01-01 00:00:00"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof days / sizeof *days; i++)
        for (int64_t roll = 0; roll < DAY; roll += AT(0, 30))
            expect_the_same_as_a_walk(days[i][0], roll, days[i][1], 5);
}

static void expect_local(const char *zone, const char *moment, const char *shown)
{
    struct tw_session session;
    tw_session_init(&session, zone, 0);
    assert_int_equal(tw_session_local_seconds(utc(moment)), utc(shown) / TW_NS_PER_SECOND);
    assert_int_equal(tw_session_local_seconds(utc(moment) - 1), utc(shown) / TW_NS_PER_SECOND - 1);
}

static void local_clocks_show_the_zones_time(void **state)
{
    (void)state;
    expect_local("UTC", "2013-10-08 00:00:00", "2013-10-08 00:00:00");
    expect_local("UTC", "1969-12-31 23:59:59", "1969-12-31 23:59:59");
    expect_local("America/New_York", "2013-10-08 00:00:00", "2013-10-07 20:00:00");
    expect_local("America/New_York", "2013-12-08 00:00:00", "2013-12-07 19:00:00");
    expect_local("Asia/Kathmandu", "2024-01-01 00:00:00", "2024-01-01 05:45:00");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_utc_the_day_rolls_at_midnight),
        cmocka_unit_test(a_roll_comes_strictly_after),
        cmocka_unit_test(a_day_with_a_clock_change_is_shorter_or_longer_in_berlin),
        cmocka_unit_test(a_roll_at_five_in_the_afternoon_follows_new_york),
        cmocka_unit_test(where_midnight_is_skipped_the_day_rolls_at_the_jump),
        cmocka_unit_test(a_time_that_comes_twice_rolls_at_its_first_coming_only),
        cmocka_unit_test(a_day_that_never_was_has_no_roll),
        cmocka_unit_test(local_clocks_show_the_zones_time),
        cmocka_unit_test(every_roll_is_where_local_clocks_show_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
