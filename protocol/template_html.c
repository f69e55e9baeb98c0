/* SPDX-License-Identifier: MIT
 *
 * Where in the markup a value would stand: in text, in a tag, in an attribute. Followed byte by byte, so that it does
 * not matter where the template's tags cut it.
 */
#include <ctype.h>
#include <string.h>

#include "protocol/template_inside.h"

static const char comment_end[] = "-->", style_end[] = "</style";

/* As much as there is room for. */
static void append_small(char *text, size_t bytes, char c)
{
    size_t length = strlen(text);
    if (length + 1 < bytes) {
        text[length] = (char)tolower((unsigned char)c);
        text[length + 1] = '\0';
    }
}

static void enter_tag(struct tw_html_place *place)
{
    *place = (struct tw_html_place){.where = TW_HTML_TAG, .in_tag_name = true};
}

static void leave_tag(struct tw_html_place *place)
{
    place->where = strcmp(place->tag, "style") == 0 ? TW_HTML_STYLE : TW_HTML_TEXT;
    place->matched = 0;
}

static void walk_tag_name(struct tw_html_place *place, char c)
{
    place->in_tag_name = !isspace((unsigned char)c) && (c != '/' || place->tag[0] == '\0');
    if (place->in_tag_name)
        append_small(place->tag, sizeof place->tag, c);
    if (strcmp(place->tag, "script") == 0)
        place->broken = "there is no script in a text";
    if (strcmp(place->tag, "!--") == 0)
        *place = (struct tw_html_place){.where = TW_HTML_COMMENT};
}

/* Behind the tag's name: attributes, whose values may stand between quotes or not. */
static void walk_attributes(struct tw_html_place *place, char c)
{
    if (isspace((unsigned char)c) || (c == '/' && !place->equals && !place->unquoted)) {
        place->name_ends = true;
        place->unquoted = false;
        return;
    }
    if (c == '=' && (place->equals || place->unquoted))
        place->broken = "what has an = in it stands between quotes";
    if (c != '=' && place->equals)
        place->unquoted = true;
    if (c != '=' && place->name_ends && !place->unquoted)
        place->name[0] = '\0';
    if (c != '=' && !place->unquoted)
        append_small(place->name, sizeof place->name, c);
    place->name_ends = false;
    place->equals = c == '=';
}

static void walk_tag(struct tw_html_place *place, char c)
{
    if (c == '>') {
        leave_tag(place);
    } else if (c == '"' || c == '\'') {
        if (!place->equals)
            place->broken = "a quote within a tag stands behind an =";
        place->where = TW_HTML_ATTRIBUTE;
        place->quote = c;
        place->begin[0] = '\0';
        place->equals = false;
    } else if (place->in_tag_name) {
        walk_tag_name(place, c);
    } else {
        walk_attributes(place, c);
    }
}

/* What ends a comment or a style: whether its last byte has come. "--->" ends a comment, too. */
static bool matches(struct tw_html_place *place, const char *end, char c)
{
    if (tolower((unsigned char)c) == end[place->matched])
        place->matched++;
    else if (end != comment_end || place->matched != 2 || c != '-')
        place->matched = c == end[0];
    return end[place->matched] == '\0';
}

static void walk_byte(struct tw_html_place *place, char c)
{
    switch (place->where) {
    case TW_HTML_TEXT:
        if (c == '<')
            enter_tag(place);
        return;
    case TW_HTML_TAG:
        walk_tag(place, c);
        return;
    case TW_HTML_ATTRIBUTE:
        if (c == place->quote) {
            place->where = TW_HTML_TAG;
            place->name[0] = '\0';
        } else {
            append_small(place->begin, sizeof place->begin, c);
        }
        return;
    case TW_HTML_COMMENT:
        if (matches(place, comment_end, c))
            *place = (struct tw_html_place){.where = TW_HTML_TEXT};
        return;
    case TW_HTML_STYLE:
        if (matches(place, style_end, c)) {
            enter_tag(place);
            place->in_tag_name = false;
        }
        return;
    }
}

void tw_html_walk(struct tw_html_place *place, const char *text, size_t length)
{
    for (size_t i = 0; i < length && place->broken == NULL; i++)
        walk_byte(place, text[i]);
}

static bool is_one_of(const char *word, const char *const *words)
{
    while (*words != NULL && strcmp(*words, word) != 0)
        words++;
    return *words != NULL;
}

const char *tw_html_refuses(const struct tw_html_place *place, bool *link)
{
    static const char *const links[] = {"href", "src", "action", "background", "cite", "poster", "formaction", NULL};
    static const char *const schemes[] = {"https:", "http:", "mailto:", "cid:"};
    *link = false;
    if (place->where == TW_HTML_TAG)
        return "a value within a tag stands between quotes, in an attribute";
    if (place->where == TW_HTML_COMMENT || place->where == TW_HTML_STYLE)
        return "no value stands in a comment or a style";
    if (place->where == TW_HTML_TEXT)
        return NULL;
    if (strcmp(place->name, "style") == 0 || strncmp(place->name, "on", 2) == 0 ||
        strncmp(place->name, "srcset", 6) == 0)
        return "no value stands in this attribute";
    *link = is_one_of(place->name, links);
    for (size_t i = 0; *link && i < sizeof schemes / sizeof *schemes; i++)
        if (strncmp(place->begin, schemes[i], strlen(schemes[i])) == 0)
            return NULL;
    return *link ? "a link begins with https:, http:, mailto: or cid: before its first value" : NULL;
}

bool tw_html_is_same(const struct tw_html_place *a, const struct tw_html_place *b)
{
    if (a->where != b->where || a->matched != b->matched)
        return false;
    if (a->where == TW_HTML_TAG)
        return strcmp(a->tag, b->tag) == 0 && strcmp(a->name, b->name) == 0 && a->equals == b->equals &&
               a->unquoted == b->unquoted;
    return a->where != TW_HTML_ATTRIBUTE || (a->quote == b->quote && strcmp(a->name, b->name) == 0);
}
