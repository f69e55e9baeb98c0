/* SPDX-License-Identifier: MIT
 *
 * Hours of the week and days of the calendar, in words that people write.
 *
 *     hours = span *( "," span )                      ; blanks around a span do not count
 *     span  = [ "not" SP ] days [ SP time "-" time ]  ; without times: whole days
 *     days  = day [ "-" day ]                         ; "Fri-Mon" is Friday to Monday
 *           / date [ ".." date ]
 *     day   = "Mon" / "Tue" / "Wed" / "Thu" / "Fri" / "Sat" / "Sun"
 *     date  = YYYY-MM-DD                              ; 1970 to 9999
 *     time  = HH:MM                                   ; 00:00 to 24:00; the end does not belong to the span
 *
 * A span that ends before it begins goes on into the next day. What a span with "not" has is out, whatever the others
 * have; if all are such, everything else is in. Pure: local time is the caller's.
 */
#ifndef TW_PROTOCOL_HOURS_H
#define TW_PROTOCOL_HOURS_H

#include <stdbool.h>
#include <stdint.h>

#define TW_HOURS_SPANS_MAX 64u /* a market's holidays of some years */
struct tw_hours {
    struct {
        uint8_t days;                /* bits, Monday first; 0: by date */
        bool out;                    /* "not" */
        int32_t first_day, last_day; /* since 1970-01-01 */
        int32_t from_s, to_s;
    } spans[TW_HOURS_SPANS_MAX];
    uint32_t count;
};
bool tw_hours_read(const char *text, struct tw_hours *out);
/* `local_s`: what local clocks show, as seconds since 1970-01-01 00:00 on them. */
bool tw_hours_contain(const struct tw_hours *hours, int64_t local_s);
/* "Fri 22:30" as such a moment (of some week), or "2026-12-24 22:30". */
bool tw_hours_moment(const char *text, int64_t *local_s);

#endif
