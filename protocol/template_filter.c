/* SPDX-License-Identifier: MIT
 *
 * Filters: a value made over, text for text.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/likeness.h"
#include "protocol/num.h"
#include "protocol/template_inside.h"

enum which { UPPER, LOWER, FIRST, CUT, NUMBER, MONEY, TIME };

static const struct {
    const char *name;
    enum which which;
    bool counts; /* :N is wanted */
} known[] = {{"upper", UPPER, false},   {"lower", LOWER, false}, {"first", FIRST, true}, {"cut", CUT, true},
             {"number", NUMBER, false}, {"money", MONEY, false}, {"time", TIME, false}};
#define KNOWN (sizeof known / sizeof *known)

#define COUNT_MAX 1000u

static bool read_count(const char *text, size_t length, uint16_t *out)
{
    unsigned count = 0;
    for (size_t i = 0; i < length; i++) {
        if (!isdigit((unsigned char)text[i]) || count > COUNT_MAX)
            return false;
        count = count * 10 + (unsigned)(text[i] - '0');
    }
    *out = (uint16_t)count;
    return count >= 1 && count <= COUNT_MAX;
}

bool tw_filter_read(const char *text, size_t length, struct tw_filter *out, char why[TW_TEMPLATE_WHY_BYTES])
{
    const char *colon = memchr(text, ':', length), *nearest = "";
    size_t name = colon == NULL ? length : (size_t)(colon - text);
    unsigned best = UINT32_MAX;
    *out = (struct tw_filter){.which = 0};
    for (size_t i = 0; i < KNOWN; i++) {
        unsigned distance = tw_likeness_distance(text, name, known[i].name, strlen(known[i].name));
        nearest = distance < best ? known[i].name : nearest;
        best = distance < best ? distance : best;
        if (distance != 0)
            continue;
        out->which = (uint8_t)known[i].which;
        bool good =
            known[i].counts ? colon != NULL && read_count(colon + 1, length - name - 1, &out->argument) : colon == NULL;
        if (!good)
            snprintf(why, TW_TEMPLATE_WHY_BYTES,
                     known[i].counts ? "%s wants a number, %s:1 to %s:1000" : "%s has no number", known[i].name,
                     known[i].name, known[i].name);
        return good;
    }
    snprintf(why, TW_TEMPLATE_WHY_BYTES, "there is no filter %.*s; did you mean %s?", (int)(name < 40 ? name : 40),
             text, nearest);
    return false;
}

static size_t bytes_of(const struct tw_buffer *value, size_t characters)
{
    size_t bytes = 0;
    while (bytes < value->length && characters-- > 0) {
        bytes++;
        while (bytes < value->length && (value->bytes[bytes] & 0xc0u) == 0x80u)
            bytes++;
    }
    return bytes;
}

static void cut(struct tw_buffer *value, size_t characters, bool say_so)
{
    size_t bytes = bytes_of(value, characters);
    if (bytes == value->length)
        return;
    value->length = bytes;
    if (say_so && characters > 3) {
        value->length = bytes_of(value, characters - 3);
        tw_buffer_append(value, "...", 3);
    }
}

static bool is_number(const struct tw_buffer *value)
{
    size_t points = 0;
    for (size_t i = 0; i < value->length; i++) {
        points += value->bytes[i] == '.' ? 1u : 0u;
        if (value->bytes[i] != '.' && !isdigit(value->bytes[i]) &&
            !(i == 0 && value->bytes[i] == '-' && value->length > 1))
            return false;
    }
    return value->length > 0 && points <= 1;
}

static void set(struct tw_buffer *value, const char *text, size_t length)
{
    value->length = 0;
    tw_buffer_append(value, text, length);
}

/* Two digits behind the point, half to even; what has more than 38 digits stays as it is. */
static void to_cents(struct tw_buffer *value)
{
    char text[96], digits[64];
    size_t length = 0, behind = 0, point = value->length;
    for (size_t i = 0; i < value->length; i++)
        point = value->bytes[i] == '.' ? i : point;
    bool negative = value->bytes[0] == '-';
    tw_i128 amount = 0;
    if (value->length > 34)
        return;
    for (size_t i = negative ? 1 : 0; i < value->length; i++)
        if (i != point) {
            amount = amount * 10 + (value->bytes[i] - '0');
            behind += i > point ? 1u : 0u;
        }
    for (; behind < 2; behind++)
        amount *= 10;
    int64_t divisor = 1;
    for (; behind > 2 && divisor < INT64_C(1000000000000000); behind--)
        divisor *= 10;
    if (behind > 2)
        return;
    amount = tw_divide_half_even(amount, divisor);
    length = tw_i128_format(amount / 100, digits);
    int all = snprintf(text, sizeof text, "%s%.*s.%02d", negative && amount != 0 ? "-" : "", (int)length, digits,
                       (int)(amount % 100));
    set(value, text, (size_t)all);
}

static void group(struct tw_buffer *value)
{
    char text[160];
    size_t length = 0, whole = 0, begin = value->bytes[0] == '-' ? 1 : 0;
    while (whole < value->length && value->bytes[whole] != '.')
        whole++;
    if (value->length > 100)
        return;
    for (size_t i = 0; i < value->length; i++) {
        if (i > begin && i < whole && (whole - i) % 3 == 0)
            text[length++] = ',';
        text[length++] = (char)value->bytes[i];
    }
    set(value, text, length);
}

/* "2013-10-08T13:30:01.5Z" becomes "2013-10-08 13:30:01 UTC". */
static void to_seconds(struct tw_buffer *value)
{
    char text[32];
    bool is_time = value->length >= 20 && value->bytes[10] == 'T' && value->bytes[value->length - 1] == 'Z';
    if (!is_time)
        return;
    int length =
        snprintf(text, sizeof text, "%.10s %.8s UTC", (const char *)value->bytes, (const char *)value->bytes + 11);
    set(value, text, (size_t)length);
}

void tw_filter_apply(const struct tw_filter *filter, struct tw_buffer *value)
{
    switch ((enum which)filter->which) {
    case UPPER:
    case LOWER: /* of ASCII */
        for (size_t i = 0; i < value->length; i++)
            value->bytes[i] = (uint8_t)(filter->which == UPPER
                                            ? (value->bytes[i] >= 'a' && value->bytes[i] <= 'z' ? value->bytes[i] - 32
                                                                                                : value->bytes[i])
                                            : (value->bytes[i] >= 'A' && value->bytes[i] <= 'Z' ? value->bytes[i] + 32
                                                                                                : value->bytes[i]));
        return;
    case FIRST:
    case CUT:
        cut(value, filter->argument, filter->which == CUT);
        return;
    case NUMBER:
    case MONEY:
        if (!is_number(value))
            return;
        if (filter->which == MONEY)
            to_cents(value);
        group(value);
        return;
    case TIME:
        to_seconds(value);
        return;
    }
}
