/* SPDX-License-Identifier: MIT */
#include "tools/rows.h"

#include <string.h>

void tw_rows_print(const struct tw_cli *cli, const char *lines, tw_row_print print)
{
    if (cli->json) {
        fputs(lines, stdout);
        return;
    }
    for (const char *end; (end = strchr(lines, '\n')) != NULL; lines = end + 1) {
        json_t *row = json_loadb(lines, (size_t)(end - lines), 0, NULL);
        if (row != NULL)
            print(row);
        json_decref(row);
    }
}

const char *tw_row_text(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text == NULL ? "" : text;
}

int64_t tw_row_number(const json_t *row, const char *key)
{
    return (int64_t)json_integer_value(json_object_get(row, key));
}
