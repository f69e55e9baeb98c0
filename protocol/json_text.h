/* SPDX-License-Identifier: MIT
 *
 * JSON written straight to a stream, one object a line: no tree, no allocation.
 */
#ifndef TW_PROTOCOL_JSON_TEXT_H
#define TW_PROTOCOL_JSON_TEXT_H

#include <stdio.h>

#include "protocol/num.h"
#include "protocol/trade.h"

/* A string with its quotes. What is not UTF-8 becomes U+FFFD. */
void tw_json_text(FILE *out, struct tw_text text);
void tw_json_member(FILE *out, const char *name, struct tw_text text); /* ,"name":"text" */
void tw_json_string(FILE *out, const char *text);                      /* NUL-terminated */
void tw_json_e8(FILE *out, tw_i128 value_e8);                          /* a decimal string: "12.5" */
void tw_json_double(FILE *out, double value); /* reads back as the same; null if it is no number */

#endif
