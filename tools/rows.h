/* SPDX-License-Identifier: MIT
 *
 * Rows of JSON, one object a line, as daemon and store answer them: for programs as they are, for people each by a
 * function.
 */
#ifndef TW_TOOLS_ROWS_H
#define TW_TOOLS_ROWS_H

#include <jansson.h>

#include "tools/cli.h"

typedef void (*tw_row_print)(const json_t *row);
void tw_rows_print(const struct tw_cli *cli, const char *lines, tw_row_print print); /* to stdout */
const char *tw_row_text(const json_t *row, const char *key);                         /* "": there is none */
int64_t tw_row_number(const json_t *row, const char *key);                           /* 0: there is none */

#endif
