/* SPDX-License-Identifier: MIT */
#include "tools/csv.h"

#include <stdbool.h>
#include <string.h>

void tw_csv_text(FILE *out, struct tw_text text)
{
    bool quoted = false;
    if (text.length == 0)
        return;
    for (uint32_t i = 0; i < text.length && !quoted; i++)
        quoted = memchr(",\"\r\n", text.bytes[i], 4) != NULL;
    if (!quoted) {
        fwrite(text.bytes, 1, text.length, out);
        return;
    }
    putc('"', out);
    for (uint32_t i = 0; i < text.length; i++) {
        if (text.bytes[i] == '"')
            putc('"', out);
        putc(text.bytes[i], out);
    }
    putc('"', out);
}
