/* SPDX-License-Identifier: MIT
 *
 * Values by type: reading, bounds, canonical form.
 */
#include "cfg/value.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocol/check.h"
#include "protocol/matcher.h"
#include "protocol/num.h"

static unsigned decimals_of(enum tw_key_type type)
{
    switch (type) {
    case TW_TYPE_DECIMAL_E8:
        return 8;
    case TW_TYPE_DECIMAL_E4:
        return 4;
    case TW_TYPE_DECIMAL_E3:
        return 3;
    default:
        return 0;
    }
}

/* 1e-8 in one unit of the type. */
static int64_t scale_of(enum tw_key_type type)
{
    int64_t scale = 1;
    for (unsigned i = decimals_of(type); i < 8; i++)
        scale *= 10;
    return scale;
}

static void format_number(enum tw_key_type type, int64_t number, char out[TW_E8_TEXT_MAX])
{
    if (decimals_of(type) > 0)
        tw_e8_format((tw_i128)number * scale_of(type), out);
    else
        snprintf(out, TW_E8_TEXT_MAX, "%" PRId64, number);
}

/* "a|b|c" as "a, b or c". */
static void list_choices(const char *choices, char *out, size_t bytes)
{
    size_t used = 0;
    for (const char *c = choices; *c != '\0' && used + 6 < bytes; c++) {
        if (*c != '|')
            out[used++] = *c;
        else
            used += (size_t)snprintf(out + used, bytes - used, strchr(c + 1, '|') == NULL ? " or " : ", ");
    }
    out[used] = '\0';
}

void tw_value_bounds(const struct tw_key *key, char *out, size_t bytes)
{
    char low[TW_E8_TEXT_MAX], high[TW_E8_TEXT_MAX];
    switch (key->type) {
    case TW_TYPE_BIND:
        snprintf(out, bytes, "tcp://HOST:PORT on loopback, or ipc://PATH");
        return;
    case TW_TYPE_CONNECT:
        snprintf(out, bytes, "tcp://HOST:PORT or ipc://PATH");
        return;
    case TW_TYPE_ADDRESS:
        snprintf(out, bytes, "HOST:PORT");
        return;
    case TW_TYPE_PATH:
        snprintf(out, bytes, "a path");
        return;
    case TW_TYPE_TEXT:
        snprintf(out, bytes, "a text");
        return;
    case TW_TYPE_SWITCH:
        snprintf(out, bytes, "on or off");
        return;
    case TW_TYPE_CHOICE:
        list_choices(key->choices, out, bytes);
        return;
    case TW_TYPE_CLOCK:
        snprintf(out, bytes, "HH:MM from 00:00 to 23:59");
        return;
    case TW_TYPE_ZONE:
        snprintf(out, bytes, "an IANA name such as Europe/Berlin");
        return;
    case TW_TYPE_CURRENCY:
        snprintf(out, bytes, "3 to 8 of A-Z0-9");
        return;
    case TW_TYPE_URL:
    case TW_TYPE_KEYS:
    case TW_TYPE_HOST:
    case TW_TYPE_MAILBOX:
    case TW_TYPE_MAILBOXES:
    case TW_TYPE_NAME:
    case TW_TYPE_NAMES:
    case TW_TYPE_HOURS:
    case TW_TYPE_LABELS:
    case TW_TYPE_MATCHERS:
        snprintf(out, bytes, "%s", tw_receiver_value_form(key->type));
        return;
    case TW_TYPE_INTEGER:
    case TW_TYPE_DECIMAL_E8:
    case TW_TYPE_DECIMAL_E4:
    case TW_TYPE_DECIMAL_E3:
        break;
    }
    format_number(key->type, key->low, low);
    format_number(key->type, key->high, high);
    int used = snprintf(out, bytes, "%s%s to %s", (key->flags & TW_KEY_ZERO) != 0 ? "0, or " : "", low, high);
    if (decimals_of(key->type) > 0 && used > 0 && (size_t)used < bytes)
        snprintf(out + used, bytes - (size_t)used, ", at most %u decimals", decimals_of(key->type));
}

static bool must_be_within_bounds(const struct tw_key *key, char *why)
{
    char bounds[160];
    tw_value_bounds(key, bounds, sizeof bounds);
    bool whole = key->type == TW_TYPE_INTEGER;
    snprintf(why, TW_VALUE_WHY_BYTES, "must be %s%s%s%s%s", whole ? "a whole number, " : "", bounds,
             key->unit[0] != '\0' ? " (" : "", key->unit, key->unit[0] != '\0' ? ")" : "");
    return false;
}

/* ---- one reader per type; the text is in out->text, NUL-terminated ---- */

static bool within(const struct tw_key *key, int64_t number)
{
    if (number == 0 && (key->flags & TW_KEY_ZERO) != 0)
        return true;
    return number >= key->low && number <= key->high;
}

static bool read_integer(const struct tw_key *key, struct tw_value *out)
{
    int64_t number = 0;
    size_t i = 0;
    for (; isdigit((unsigned char)out->text[i]); i++) {
        int digit = out->text[i] - '0';
        if (number > (INT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    out->number = number;
    return i > 0 && out->text[i] == '\0' && within(key, number);
}

static bool read_decimal(const struct tw_key *key, struct tw_value *out)
{
    int64_t number_e8 = 0;
    int64_t scale = scale_of(key->type);
    if (tw_e8_parse(out->text, strlen(out->text), &number_e8) != TW_PARSE_OK || number_e8 % scale != 0)
        return false;
    out->number = number_e8 / scale;
    return within(key, out->number);
}

static bool read_switch(struct tw_value *out)
{
    static const char *const words[] = {"off", "on", "false", "true", "no", "yes", "0", "1"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(out->text, words[i]) != 0)
            continue;
        out->number = (int64_t)(i % 2);
        return true;
    }
    return false;
}

static bool read_choice(const struct tw_key *key, struct tw_value *out)
{
    size_t length = strlen(out->text);
    const char *word = key->choices;
    for (int64_t place = 0;; place++) {
        size_t word_length = strcspn(word, "|");
        if (word_length == length && memcmp(word, out->text, length) == 0) {
            out->number = place;
            return true;
        }
        if (word[word_length] == '\0')
            return false;
        word += word_length + 1;
    }
}

static bool read_clock(struct tw_value *out)
{
    const char *t = out->text;
    if (strlen(t) != 5 || t[2] != ':' || !isdigit((unsigned char)t[0]) || !isdigit((unsigned char)t[1]) ||
        !isdigit((unsigned char)t[3]) || !isdigit((unsigned char)t[4]))
        return false;
    int hours = (t[0] - '0') * 10 + (t[1] - '0'), minutes = (t[3] - '0') * 10 + (t[4] - '0');
    out->number = hours * 3600 + minutes * 60;
    return hours < 24 && minutes < 60;
}

/* The form of a zone name; whether there is such a zone is for the loader to find out. */
static bool read_zone(const struct tw_value *out)
{
    const char *t = out->text;
    size_t length = strlen(t);
    if (length == 0 || length > 64 || t[0] == '/' || t[length - 1] == '/' || strstr(t, "..") != NULL ||
        strstr(t, "//") != NULL)
        return false;
    for (; *t != '\0'; t++)
        if (!isalnum((unsigned char)*t) && strchr("_+-/.", *t) == NULL)
            return false;
    return true;
}

static bool read_currency(const struct tw_value *out)
{
    size_t length = strlen(out->text);
    return length >= 3 && length <= 8 && strspn(out->text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == length;
}

static bool read_endpoint(const char *fault, char *why)
{
    if (fault != NULL)
        snprintf(why, TW_VALUE_WHY_BYTES, "%s", fault);
    return fault == NULL;
}

static bool read_matchers(const char *text, char *why)
{
    char fault[TW_MATCHER_WHY_BYTES];
    struct tw_matchers *matchers = tw_matchers_read(text, fault);
    if (matchers == NULL)
        snprintf(why, TW_VALUE_WHY_BYTES, "%s", fault);
    bool good = matchers != NULL;
    tw_matchers_free(&matchers);
    return good;
}

/* Numbers and switches are written back in their one form; texts stay as they are. */
static void canonicalise(const struct tw_key *key, struct tw_value *out)
{
    if (key->type == TW_TYPE_SWITCH)
        strcpy(out->text, out->number != 0 ? "on" : "off");
    else if (key->type == TW_TYPE_INTEGER || decimals_of(key->type) > 0)
        format_number(key->type, out->number, out->text);
}

static bool read_typed(const struct tw_key *key, struct tw_value *out, char why[TW_VALUE_WHY_BYTES])
{
    switch (key->type) {
    case TW_TYPE_BIND:
        return read_endpoint(tw_endpoint_bind_fault(out->text), why);
    case TW_TYPE_CONNECT:
        return read_endpoint(tw_endpoint_connect_fault(out->text), why);
    case TW_TYPE_ADDRESS:
        return read_endpoint(tw_endpoint_address_fault(out->text), why);
    case TW_TYPE_PATH:
    case TW_TYPE_TEXT:
        return out->text[0] != '\0' || must_be_within_bounds(key, why);
    case TW_TYPE_INTEGER:
        return read_integer(key, out) || must_be_within_bounds(key, why);
    case TW_TYPE_DECIMAL_E8:
    case TW_TYPE_DECIMAL_E4:
    case TW_TYPE_DECIMAL_E3:
        return read_decimal(key, out) || must_be_within_bounds(key, why);
    case TW_TYPE_SWITCH:
        return read_switch(out) || must_be_within_bounds(key, why);
    case TW_TYPE_CHOICE:
        return read_choice(key, out) || must_be_within_bounds(key, why);
    case TW_TYPE_CLOCK:
        return read_clock(out) || must_be_within_bounds(key, why);
    case TW_TYPE_ZONE:
        return read_zone(out) || must_be_within_bounds(key, why);
    case TW_TYPE_CURRENCY:
        return read_currency(out) || must_be_within_bounds(key, why);
    case TW_TYPE_URL:
    case TW_TYPE_KEYS:
    case TW_TYPE_HOST:
    case TW_TYPE_MAILBOX:
    case TW_TYPE_MAILBOXES:
    case TW_TYPE_NAME:
    case TW_TYPE_NAMES:
    case TW_TYPE_HOURS:
    case TW_TYPE_LABELS:
        return tw_receiver_value_good(key->type, out->text) || must_be_within_bounds(key, why);
    case TW_TYPE_MATCHERS:
        return out->text[0] == '\0' ? must_be_within_bounds(key, why) : read_matchers(out->text, why);
    }
    TW_UNREACHABLE("a type without a reader");
}

/* Bytes of the UTF-8 character at the front, 0 if it is none. */
static size_t utf8_character(const unsigned char *c, size_t left)
{
    size_t bytes = c[0] < 0x80 ? 1 : c[0] < 0xc2 ? 0 : c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : c[0] < 0xf5 ? 4 : 0;
    if (bytes == 0 || bytes > left)
        return 0;
    for (size_t i = 1; i < bytes; i++)
        if ((c[i] & 0xc0u) != 0x80u)
            return 0;
    if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f) || (c[0] == 0xf0 && c[1] < 0x90) ||
        (c[0] == 0xf4 && c[1] > 0x8f))
        return 0;
    return bytes;
}

static bool check_characters(const char *text, size_t length, char why[TW_VALUE_WHY_BYTES])
{
    size_t bytes = 0;
    for (size_t i = 0; i < length; i += bytes) {
        unsigned char c = (unsigned char)text[i];
        bytes = c < 0x20 || c == 0x7f ? 0 : utf8_character((const unsigned char *)text + i, length - i);
        if (bytes == 0) {
            snprintf(why, TW_VALUE_WHY_BYTES, "must be UTF-8 without control characters");
            return false;
        }
    }
    return true;
}

bool tw_value_read(const struct tw_key *key, const char *text, size_t length, struct tw_value *out,
                   char why[TW_VALUE_WHY_BYTES])
{
    out->number = 0;
    bool secret = key->type == TW_TYPE_TEXT && (key->flags & TW_KEY_SECRET) != 0;
    uint32_t most = (secret ? TW_SECRET_BYTES_MAX : TW_VALUE_BYTES_MAX) - 1;
    if (length > most) {
        snprintf(why, TW_VALUE_WHY_BYTES, "is longer than %u bytes", most);
        return false;
    }
    if (!check_characters(text, length, why))
        return false;
    memcpy(out->text, text, length);
    out->text[length] = '\0';
    if (!read_typed(key, out, why))
        return false;
    canonicalise(key, out);
    return true;
}
