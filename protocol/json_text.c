/* SPDX-License-Identifier: MIT
 *
 * JSON written straight to a stream.
 */
#include "protocol/json_text.h"

#include <math.h>
#include <string.h>

/* Bytes of the well-formed UTF-8 sequence at the front (RFC 3629), or 0. */
static size_t sequence(const unsigned char *bytes, size_t length)
{
    unsigned char first = bytes[0], low = 0x80, high = 0xbf;
    size_t more = first < 0x80 ? 0 : first >= 0xc2 && first < 0xe0 ? 1 : first >= 0xe0 && first < 0xf0 ? 2 : 3;
    if (first >= 0x80 && (first < 0xc2 || first > 0xf4))
        return 0;
    if (first == 0xe0)
        low = 0xa0;
    else if (first == 0xed)
        high = 0x9f;
    else if (first == 0xf0)
        low = 0x90;
    else if (first == 0xf4)
        high = 0x8f;
    if (more >= length)
        return 0;
    for (size_t i = 1; i <= more; i++, low = 0x80, high = 0xbf)
        if (bytes[i] < low || bytes[i] > high)
            return 0;
    return more + 1;
}

void tw_json_text(FILE *out, struct tw_text text)
{
    const unsigned char *bytes = (const unsigned char *)text.bytes;
    putc('"', out);
    for (size_t at = 0; at < text.length;) {
        size_t length = sequence(bytes + at, text.length - at);
        if (length == 0) {
            fputs("\\ufffd", out);
            at++;
            continue;
        }
        if (bytes[at] == '"' || bytes[at] == '\\')
            putc('\\', out);
        if (bytes[at] < 0x20 || bytes[at] == 0x7f)
            fprintf(out, "\\u%04x", bytes[at]);
        else
            fwrite(bytes + at, 1, length, out);
        at += length;
    }
    putc('"', out);
}

void tw_json_string(FILE *out, const char *text)
{
    tw_json_text(out, (struct tw_text){text, (uint32_t)strlen(text)});
}

void tw_json_e8(FILE *out, tw_i128 value_e8)
{
    char text[TW_E8_TEXT_MAX];
    tw_e8_format(value_e8, text);
    fprintf(out, "\"%s\"", text);
}

void tw_json_double(FILE *out, double value)
{
    if (isfinite(value))
        fprintf(out, "%.17g", value);
    else
        fputs("null", out);
}

void tw_json_member(FILE *out, const char *name, struct tw_text text)
{
    fprintf(out, ",\"%s\":", name);
    tw_json_text(out, text);
}
