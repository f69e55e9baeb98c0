/* SPDX-License-Identifier: MIT
 *
 * Any text and any float as an amount. Held to: what is read, written and read again is the same; a text with one more
 * digit behind the point, or a sign, is none; and a float is the one amount whose text reads back as that float.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"
#include "protocol/limits.h"
#include "protocol/num.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t length)
{
    int64_t amount_e8, again_e8;
    char written[TW_E8_TEXT_MAX], longer[TW_E8_TEXT_MAX + 16];
    if (tw_e8_parse(text, length, &amount_e8) != TW_PARSE_OK)
        return;
    TW_ASSERT(amount_e8 >= 0 && length > 0 && text[0] >= '0' && text[0] <= '9');
    size_t written_length = tw_e8_format(amount_e8, written);
    TW_ASSERT(written_length == strlen(written) && (written_length <= length || text[length - 1] == '.'));
    TW_ASSERT(tw_e8_parse(written, written_length, &again_e8) == TW_PARSE_OK && again_e8 == amount_e8);
    const char *point = strchr(written, '.');
    int zeros = 9 - (point == NULL ? 0 : (int)strlen(point + 1));
    int longer_length =
        snprintf(longer, sizeof longer, "%s%s%.*s", written, point == NULL ? "." : "", zeros, "000000000");
    TW_ASSERT(tw_e8_parse(longer, (size_t)longer_length, &again_e8) == TW_PARSE_BAD);
    TW_ASSERT(tw_e8_parse(longer, (size_t)longer_length - 1, &again_e8) == TW_PARSE_OK && again_e8 == amount_e8);
    snprintf(longer, sizeof longer, "-%s", written);
    TW_ASSERT(tw_e8_parse(longer, written_length + 1, &again_e8) == TW_PARSE_BAD);
    TW_ASSERT(strtod(written, NULL) >= 1e7 || /* beyond 15 digits several amounts share a float */
              (tw_e8_from_double(strtod(written, NULL), &again_e8) == TW_PARSE_OK && again_e8 == amount_e8));
}

static void check_double(double value)
{
    int64_t amount_e8;
    char written[TW_E8_TEXT_MAX], shortest[64];
    if (tw_e8_from_double(value, &amount_e8) != TW_PARSE_OK)
        return;
    tw_e8_format(amount_e8, written);
    TW_ASSERT(strtod(written, NULL) == value);
    for (int digits = 1; digits <= 17; digits++) { /* as many as needed and no more */
        snprintf(shortest, sizeof shortest, "%.*e", digits, value);
        if (strtod(shortest, NULL) != value)
            continue;
        size_t own = 0;
        for (const char *c = written; *c != '\0'; c++)
            own += *c >= '0' && *c <= '9';
        TW_ASSERT(own <= (size_t)digits + 12); /* zeros in front and behind */
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    double value;
    float narrow;
    tw_i128 wide = 0;
    char text[TW_E8_TEXT_MAX];
    check_text((const char *)data, size);
    if (size >= sizeof value) {
        memcpy(&value, data, sizeof value);
        check_double(value);
    }
    if (size >= sizeof narrow) {
        memcpy(&narrow, data, sizeof narrow);
        check_double((double)narrow);
    }
    memcpy(&wide, data, size < sizeof wide ? size : sizeof wide);
    TW_ASSERT(tw_e8_format(wide, text) < sizeof text && tw_i128_format(wide, text) < sizeof text);
    return 0;
}
