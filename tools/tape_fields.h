/* SPDX-License-Identifier: MIT
 *
 * One field of a tape's line into a trade; shared by CSV and JSON lines.
 */
#ifndef TW_TOOLS_TAPE_FIELDS_H
#define TW_TOOLS_TAPE_FIELDS_H

#include "tools/tape.h"

/* NULL, or why the text is malformed (a static end of a sentence). An empty text means absent. The trade must be zeroed
 * before its first field. */
const char *tw_tape_field_read(enum tw_tape_field field, struct tw_text text, struct tw_trade *out);
const char *tw_tape_field_name(enum tw_tape_field field);
/* The field of that name, or TW_TAPE_FIELD_COUNT. */
enum tw_tape_field tw_tape_field_named(struct tw_text name);

/* A line of JSON. NULL, or why; *field is the key in question (TW_TAPE_FIELD_COUNT: none). *tree is freed before and
 * holds the texts after. `room` is for the sentence. */
const char *tw_tape_json_read(const char *line, size_t length, void **tree, struct tw_trade *out,
                              enum tw_tape_field *field, char room[256]);
void tw_tape_json_free(void **tree);

#endif
