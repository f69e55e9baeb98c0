/* SPDX-License-Identifier: MIT */
#include "protocol/hours.h"

#include <ctype.h>
#include <string.h>

#define DAY_S 86400
#define FIRST_WEEKDAY 3 /* 1970-01-01 was a Thursday */

static bool take_day(const char **text, int *day)
{
    static const char names[] = "MonTueWedThuFriSatSun";
    for (int i = 0; i < 7; i++)
        if (strncmp(*text, names + 3 * i, 3) == 0) {
            *day = i;
            *text += 3;
            return true;
        }
    return false;
}

static bool take_char(const char **text, char wanted)
{
    bool there = **text == wanted;
    *text += there ? 1 : 0;
    return there;
}

static bool take_number(const char **text, int32_t *number)
{
    const char *t = *text;
    if (!isdigit((unsigned char)t[0]) || !isdigit((unsigned char)t[1]))
        return false;
    *number = (t[0] - '0') * 10 + (t[1] - '0');
    *text += 2;
    return true;
}

static bool take_time(const char **text, int32_t *seconds)
{
    int32_t hours = 0, minutes = 0;
    bool good = take_number(text, &hours) && take_char(text, ':') && take_number(text, &minutes);
    *seconds = hours * 3600 + minutes * 60;
    return good && minutes < 60 && *seconds <= DAY_S;
}

static void skip_blanks(const char **text)
{
    *text += strspn(*text, " ");
}

/* ---- dates ---- */

static bool is_leap(int32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int32_t days_before_year(int32_t year) /* since 1970-01-01 */
{
    int32_t y = year - 1;
    return 365 * (year - 1970) + (y / 4 - y / 100 + y / 400) - (1969 / 4 - 1969 / 100 + 1969 / 400);
}

static bool take_date(const char **text, int32_t *day)
{
    static const int32_t before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    int32_t century = 0, rest = 0, month = 0, in_month = 0;
    if (!(take_number(text, &century) && take_number(text, &rest) && take_char(text, '-') &&
          take_number(text, &month) && take_char(text, '-') && take_number(text, &in_month)))
        return false;
    int32_t year = century * 100 + rest;
    if (year < 1970 || month < 1 || month > 12)
        return false;
    int32_t leap_day = is_leap(year) && month == 2;
    if (in_month < 1 || in_month > before[month] - before[month - 1] + leap_day)
        return false;
    *day = days_before_year(year) + before[month - 1] + (is_leap(year) && month > 2) + in_month - 1;
    return true;
}

/* ---- spans ---- */

static bool take_weekdays(const char **text, uint8_t *days)
{
    int first = 0, last = 0;
    if (!take_day(text, &first))
        return false;
    last = first;
    if (take_char(text, '-') && !take_day(text, &last))
        return false;
    for (int day = first;; day = (day + 1) % 7) {
        *days |= (uint8_t)(1u << day);
        if (day == last)
            return true;
    }
}

static bool take_dates(const char **text, int32_t *first, int32_t *last)
{
    if (!take_date(text, first))
        return false;
    *last = *first;
    if (!take_char(text, '.'))
        return true;
    return take_char(text, '.') && take_date(text, last) && *last >= *first;
}

static bool take_span(const char **text, struct tw_hours *out)
{
    if (out->count == TW_HOURS_SPANS_MAX)
        return false;
    int32_t from = 0, to = DAY_S;
    out->spans[out->count].out = strncmp(*text, "not ", 4) == 0;
    if (out->spans[out->count].out) {
        *text += 4;
        skip_blanks(text);
    }
    bool by_date = isdigit((unsigned char)**text);
    if (by_date ? !take_dates(text, &out->spans[out->count].first_day, &out->spans[out->count].last_day)
                : !take_weekdays(text, &out->spans[out->count].days))
        return false;
    skip_blanks(text);
    if (isdigit((unsigned char)**text) &&
        !(take_time(text, &from) && take_char(text, '-') && take_time(text, &to) && from != to && from < DAY_S))
        return false;
    skip_blanks(text);
    out->spans[out->count].from_s = from;
    out->spans[out->count++].to_s = to;
    return true;
}

bool tw_hours_read(const char *text, struct tw_hours *out)
{
    memset(out, 0, sizeof *out);
    do {
        skip_blanks(&text);
        if (!take_span(&text, out))
            return false;
    } while (take_char(&text, ','));
    return *text == '\0';
}

static bool has_day(const struct tw_hours *hours, uint32_t span, int64_t day)
{
    if (hours->spans[span].days != 0)
        return (hours->spans[span].days >> ((day % 7 + 7 + FIRST_WEEKDAY) % 7) & 1) != 0;
    return day >= hours->spans[span].first_day && day <= hours->spans[span].last_day;
}

static bool has_moment(const struct tw_hours *hours, uint32_t span, int64_t day, int64_t in_day)
{
    int32_t from = hours->spans[span].from_s, to = hours->spans[span].to_s;
    bool over = to < from; /* midnight */
    if (has_day(hours, span, day) && in_day >= from && (over || in_day < to))
        return true;
    return over && has_day(hours, span, day - 1) && in_day < to;
}

bool tw_hours_contain(const struct tw_hours *hours, int64_t local_s)
{
    int64_t in_day = (local_s % DAY_S + DAY_S) % DAY_S, day = (local_s - in_day) / DAY_S;
    bool in = false, all_out = true;
    for (uint32_t i = 0; i < hours->count; i++) {
        bool has = has_moment(hours, i, day, in_day);
        if (hours->spans[i].out && has)
            return false;
        in = in || (has && !hours->spans[i].out);
        all_out = all_out && hours->spans[i].out;
    }
    return in || all_out;
}

bool tw_hours_moment(const char *text, int64_t *local_s)
{
    int weekday = 0;
    int32_t day = 0, seconds = 0;
    bool by_date = isdigit((unsigned char)*text);
    if (by_date ? !take_date(&text, &day) : !take_day(&text, &weekday))
        return false;
    if (!take_char(&text, ' ') || !take_time(&text, &seconds) || seconds == DAY_S)
        return false;
    *local_s = (int64_t)(by_date ? day : weekday + 7 - FIRST_WEEKDAY) * DAY_S + seconds;
    return *text == '\0';
}
