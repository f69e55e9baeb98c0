/* SPDX-License-Identifier: MIT
 *
 * The inside of templates: filters, and places in markup. Private to protocol/template*.c.
 */
#ifndef TW_PROTOCOL_TEMPLATE_INSIDE_H
#define TW_PROTOCOL_TEMPLATE_INSIDE_H

#include "protocol/template.h"

struct tw_filter {
    uint8_t which;
    uint16_t argument;
};
/* Reads one, "cut:20". False with the end of a sentence in `why`. */
bool tw_filter_read(const char *text, size_t length, struct tw_filter *out, char why[TW_TEMPLATE_WHY_BYTES]);
/* Makes the whole buffer over. */
void tw_filter_apply(const struct tw_filter *filter, struct tw_buffer *value);

/* Where a walk over markup has come to. `broken` ends it. */
enum tw_html_where { TW_HTML_TEXT, TW_HTML_TAG, TW_HTML_ATTRIBUTE, TW_HTML_COMMENT, TW_HTML_STYLE };
struct tw_html_place {
    enum tw_html_where where;
    char quote;         /* of the attribute's value */
    char tag[12];       /* its name, in small letters, cut */
    char name[12];      /* the attribute's */
    char begin[8];      /* of its value */
    bool in_tag_name;   /* it is being read */
    bool name_ends;     /* a blank came behind the attribute's name, or its value's end */
    bool unquoted;      /* within a value without quotes */
    uint8_t matched;    /* of what ends a comment or a style */
    bool equals;        /* the last byte but blanks was = */
    const char *broken; /* what stands in the markup and must not; a static sentence */
};
void tw_html_walk(struct tw_html_place *place, const char *text, size_t length);
/* NULL: a value may stand here; *link: as a part of a link. Else why not. */
const char *tw_html_refuses(const struct tw_html_place *place, bool *link);
bool tw_html_is_same(const struct tw_html_place *a, const struct tw_html_place *b);

#endif
