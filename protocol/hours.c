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

static bool take_span(const char **text, struct tw_hours *out)
{
    int first = 0, last = 0;
    int32_t from = 0, to = DAY_S;
    if (out->count == TW_HOURS_SPANS_MAX || !take_day(text, &first))
        return false;
    last = first;
    if (take_char(text, '-') && !take_day(text, &last))
        return false;
    skip_blanks(text);
    if (isdigit((unsigned char)**text) &&
        !(take_time(text, &from) && take_char(text, '-') && take_time(text, &to) && from != to && from < DAY_S))
        return false;
    skip_blanks(text);
    for (int day = first;; day = (day + 1) % 7) {
        out->spans[out->count].days |= (uint8_t)(1u << day);
        if (day == last)
            break;
    }
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

bool tw_hours_contain(const struct tw_hours *hours, int64_t local_s)
{
    int64_t in_day = (local_s % DAY_S + DAY_S) % DAY_S;
    int64_t day = ((local_s - in_day) / DAY_S % 7 + 7 + FIRST_WEEKDAY) % 7;
    unsigned today = 1u << day, yesterday = 1u << (day + 6) % 7;
    for (uint32_t i = 0; i < hours->count; i++) {
        int32_t from = hours->spans[i].from_s, to = hours->spans[i].to_s;
        bool over = to < from; /* midnight */
        if ((hours->spans[i].days & today) != 0 && in_day >= from && (over || in_day < to))
            return true;
        if (over && (hours->spans[i].days & yesterday) != 0 && in_day < to)
            return true;
    }
    return false;
}

bool tw_hours_moment(const char *text, int64_t *local_s)
{
    int day = 0;
    int32_t seconds = 0;
    if (!take_day(&text, &day) || !take_char(&text, ' ') || !take_time(&text, &seconds) || seconds == DAY_S)
        return false;
    *local_s = (int64_t)(day + 7 - FIRST_WEEKDAY) * DAY_S + seconds;
    return *text == '\0';
}
