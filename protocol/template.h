/* SPDX-License-Identifier: MIT
 *
 * Templates: texts with places for values. There is no logic in them but "if it is there" and "for each", so a template
 * ends soon and in little memory, whatever it says, and runs nothing.
 *
 *     {{field}}                      its value, escaped as the text's kind wants; there is no way around that
 *     {{field | filter | filter:N}}  made over before
 *     {{#field}} ... {{/field}}      what stands between, if the field has a value; of a list, once for each item
 *     {{^field}} ... {{/field}}      what stands between, if it has none
 *     {{! anything }}                nothing
 *
 *     name = 1*( "a"-"z" / "0"-"9" / "_" )           ; fields are known in advance, so a wrong one is found at once
 *
 * Within a list's section its items' fields come first, then those outside. Sections nest at most 8 deep, a list in no
 * other list. A section's tag or a comment that stands alone on its line takes the line with it. Filters: upper, lower,
 * first:N (characters), cut:N (the same, ending in ... if something is missing), number (thousands apart), money (and
 * two digits behind the point), time (seconds, as people write it).
 *
 * In HTML a value may stand in text and in a quoted attribute, but in no style and no event handler, and in a link only
 * behind its scheme (https:, http:, mailto:, cid:), where it is percent-encoded; a section begins and ends in the same
 * place of the markup; there is no script.
 *
 * Pure. A template is never changed once it is read, and may be rendered on any thread.
 */
#ifndef TW_PROTOCOL_TEMPLATE_H
#define TW_PROTOCOL_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/limits.h"
#include "protocol/pack.h"

enum tw_template_escape {
    TW_ESCAPE_LINE,   /* one line: line feeds of template and values become spaces */
    TW_ESCAPE_TEXT,   /* lines; no value makes a new one */
    TW_ESCAPE_MRKDWN, /* Slack's: & < > */
    TW_ESCAPE_HTML
};

struct tw_template_field {
    const char *name; /* NULL ends a table */
    uint32_t id;
    const struct tw_template_field *items; /* of a list; NULL: it has a value */
};

/* Where something is wrong: line and column (in characters) from 1 on, and a sentence without its end. */
#define TW_TEMPLATE_WHY_BYTES 200u
struct tw_template_fault {
    uint32_t line, column;
    char why[TW_TEMPLATE_WHY_BYTES];
};

struct tw_template;
/* Reads bytes [from, to) of a whole text, which the fault's place counts in. NULL: *fault is set. */
struct tw_template *tw_template_read(const char *whole, size_t from, size_t to, enum tw_template_escape escape,
                                     const struct tw_template_field *fields, struct tw_template_fault *fault);
void tw_template_free(struct tw_template **template);

#define TW_TEMPLATE_NO_LIST UINT32_MAX
struct tw_template_values {
    void *context;
    /* Appends the value; nothing: there is none. Of a list's item `item` counts from 0 on; else `list` is none. */
    void (*append)(void *context, uint32_t list, uint32_t item, uint32_t field, struct tw_buffer *out);
    uint32_t (*count)(void *context, uint32_t list); /* at most TW_TEMPLATE_ITEMS_MAX are looked at */
};
/* Appends at most `most` characters; a longer text ends in "...". */
void tw_template_render(const struct tw_template *template, const struct tw_template_values *values, size_t most,
                        struct tw_buffer *out);

/* ---- for who reads a file of them (protocol/sheet.h) ---- */

enum tw_tag_kind { TW_TAG_VALUE, TW_TAG_SECTION, TW_TAG_INVERTED, TW_TAG_END, TW_TAG_COMMENT, TW_TAG_PART };
struct tw_tag {
    enum tw_tag_kind kind;
    size_t begin, end;        /* of the whole tag */
    size_t name, name_length; /* none in a comment */
    size_t filters;           /* where they begin; up to end - 2 */
};
/* 1: *tag is the next one within [at, to); 0: there is none; -1: *fault. */
int tw_template_tag(const char *whole, size_t at, size_t to, struct tw_tag *tag, struct tw_template_fault *fault);
/* Sets *fault to the place of byte `at`. Always false. */
bool tw_template_fail(struct tw_template_fault *fault, const char *whole, size_t at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
