/* SPDX-License-Identifier: MIT
 *
 * Reading a template: tags become nodes, sections know where they end, fields and filters are looked up once.
 */
#include "protocol/template.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"
#include "protocol/likeness.h"
#include "protocol/template_nodes.h"

bool tw_template_fail(struct tw_template_fault *fault, const char *whole, size_t at, const char *format, ...)
{
    va_list arguments;
    fault->line = fault->column = 1;
    for (size_t i = 0; i < at; i++) {
        bool ends = whole[i] == '\n';
        fault->line += ends ? 1u : 0u;
        fault->column = ends ? 1u : fault->column + (((unsigned char)whole[i] & 0xc0u) == 0x80u ? 0u : 1u);
    }
    va_start(arguments, format);
    vsnprintf(fault->why, sizeof fault->why, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- tags ---- */

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static size_t skip_blanks(const char *whole, size_t at, size_t to)
{
    while (at < to && (whole[at] == ' ' || whole[at] == '\t'))
        at++;
    return at;
}

static const char *find(const char *text, size_t length, const char *two)
{
    for (size_t i = 0; i + 1 < length; i++)
        if (text[i] == two[0] && text[i + 1] == two[1])
            return text + i;
    return NULL;
}

int tw_template_tag(const char *whole, size_t at, size_t to, struct tw_tag *tag, struct tw_template_fault *fault)
{
    static const char sigils[] = "#^/!$";
    static const enum tw_tag_kind kinds[] = {TW_TAG_SECTION, TW_TAG_INVERTED, TW_TAG_END, TW_TAG_COMMENT, TW_TAG_PART};
    const char *opened = find(whole + at, to - at, "{{");
    if (opened == NULL)
        return 0;
    *tag = (struct tw_tag){.begin = (size_t)(opened - whole)};
    size_t inner = tag->begin + 2;
    const char *closed = find(opened + 2, to - inner, "}}");
    if (closed == NULL)
        return tw_template_fail(fault, whole, tag->begin, "this tag is not closed by }}") - 1;
    tag->end = (size_t)(closed - whole) + 2;
    const char *sigil = inner < tag->end - 2 ? strchr(sigils, whole[inner]) : NULL;
    tag->kind = sigil != NULL && whole[inner] != '\0' ? kinds[sigil - sigils] : TW_TAG_VALUE;
    if (tag->kind == TW_TAG_COMMENT)
        return 1;
    tag->name = skip_blanks(whole, inner + (tag->kind == TW_TAG_VALUE ? 0 : 1), tag->end - 2);
    while (tag->name + tag->name_length < tag->end - 2 && is_name_byte(whole[tag->name + tag->name_length]))
        tag->name_length++;
    tag->filters = skip_blanks(whole, tag->name + tag->name_length, tag->end - 2);
    if (tag->name_length == 0 && (whole[inner] == '{' || whole[inner] == '&'))
        return tw_template_fail(fault, whole, tag->begin, "there is no tag that leaves a value as it is") - 1;
    bool filtered = tag->filters < tag->end - 2 && whole[tag->filters] == '|';
    if (tag->name_length == 0 || (tag->filters < tag->end - 2 && !(filtered && tag->kind == TW_TAG_VALUE)))
        return tw_template_fail(
                   fault, whole, tag->begin,
                   "a tag is {{name}}, {{name | filter}}, {{#name}}, {{^name}}, {{/name}} or {{! a comment }}") -
               1;
    return 1;
}

/* ---- reading ---- */

struct open_section {
    size_t node;
    size_t begin; /* of its tag */
    struct tw_html_place place;
    const struct tw_template_field *list; /* whose items its fields may be of; NULL: of none */
};

struct reader {
    const char *whole;
    size_t from, to, at;
    struct tw_template *template;
    const struct tw_template_field *fields;
    struct tw_html_place place;
    struct open_section open[TW_TEMPLATE_DEPTH_MAX];
    uint32_t depth;
    struct tw_template_fault *fault;
};

static struct tw_node *add(struct reader *reader, enum tw_node_kind kind)
{
    struct tw_template *template = reader->template;
    if (template->count == template->capacity) {
        template->capacity = template->capacity == 0 ? 32 : template->capacity * 2;
        template->nodes = tw_realloc(template->nodes, template->capacity * sizeof *template->nodes);
    }
    struct tw_node *node = &template->nodes[template->count++];
    *node = (struct tw_node){.kind = kind};
    return node;
}

static bool fail_broken(struct reader *reader, size_t at)
{
    return tw_template_fail(reader->fault, reader->whole, at, "%s", reader->place.broken);
}

static bool add_text(struct reader *reader, size_t from, size_t to)
{
    if (from >= to)
        return true;
    struct tw_node *node = add(reader, TW_NODE_TEXT);
    node->text = reader->template->text + (from - reader->from);
    node->length = (uint32_t)(to - from);
    if (reader->template->escape == TW_ESCAPE_HTML)
        tw_html_walk(&reader->place, reader->whole + from, to - from);
    return reader->place.broken == NULL || fail_broken(reader, from);
}

static const struct tw_template_field *list_now(const struct reader *reader)
{
    return reader->depth == 0 ? NULL : reader->open[reader->depth - 1].list;
}

static const struct tw_template_field *look_up(const struct tw_template_field *fields, const char *name, size_t length)
{
    for (; fields != NULL && fields->name != NULL; fields++)
        if (strlen(fields->name) == length && memcmp(name, fields->name, length) == 0)
            return fields;
    return NULL;
}

static void look_for_nearest(const struct tw_template_field *fields, const char *name, size_t length,
                             const char **nearest, unsigned *best)
{
    for (; fields != NULL && fields->name != NULL; fields++) {
        unsigned distance = tw_likeness_distance(name, length, fields->name, strlen(fields->name));
        if (distance < *best) {
            *best = distance;
            *nearest = fields->name;
        }
    }
}

static void fail_unknown(struct reader *reader, const struct tw_tag *tag, const struct tw_template_field *list)
{
    const char *name = reader->whole + tag->name, *nearest = "";
    unsigned best = UINT32_MAX;
    look_for_nearest(list == NULL ? NULL : list->items, name, tag->name_length, &nearest, &best);
    look_for_nearest(reader->fields, name, tag->name_length, &nearest, &best);
    tw_template_fail(reader->fault, reader->whole, tag->name, "there is no field %.*s%s%s; did you mean %s?",
                     (int)(tag->name_length < 40 ? tag->name_length : 40), name, list == NULL ? "" : " in ",
                     list == NULL ? "" : list->name, nearest);
}

/* Of the items of the list that we are in, or of all. */
static const struct tw_template_field *field_of(struct reader *reader, const struct tw_tag *tag, bool *of_item)
{
    const struct tw_template_field *list = list_now(reader);
    const char *name = reader->whole + tag->name;
    const struct tw_template_field *field = look_up(list == NULL ? NULL : list->items, name, tag->name_length);
    *of_item = field != NULL;
    if (field == NULL)
        field = look_up(reader->fields, name, tag->name_length);
    if (field == NULL)
        fail_unknown(reader, tag, list);
    return field;
}

static bool read_filters(struct reader *reader, const struct tw_tag *tag, struct tw_node *node)
{
    size_t at = tag->filters, to = tag->end - 2;
    while (at < to) {
        char why[TW_TEMPLATE_WHY_BYTES];
        size_t begin = skip_blanks(reader->whole, at + 1, to), end = begin;
        while (end < to && reader->whole[end] != '|' && reader->whole[end] != ' ' && reader->whole[end] != '\t')
            end++;
        at = skip_blanks(reader->whole, end, to);
        if (node->filter_count == TW_TEMPLATE_FILTERS_MAX)
            return tw_template_fail(reader->fault, reader->whole, begin, "a value has at most %u filters",
                                    TW_TEMPLATE_FILTERS_MAX);
        if (at < to && reader->whole[at] != '|')
            return tw_template_fail(reader->fault, reader->whole, at, "a | stands between filters");
        if (!tw_filter_read(reader->whole + begin, end - begin, &node->filters[node->filter_count++], why))
            return tw_template_fail(reader->fault, reader->whole, begin, "%s", why);
    }
    return true;
}

static bool add_value(struct reader *reader, const struct tw_tag *tag)
{
    struct tw_node node = {.kind = TW_NODE_VALUE};
    const struct tw_template_field *field = field_of(reader, tag, &node.of_item);
    const char *why = NULL;
    if (field == NULL)
        return false;
    if (field->items != NULL)
        return tw_template_fail(reader->fault, reader->whole, tag->begin, "%s is a list: {{#%s}} ... {{/%s}}",
                                field->name, field->name, field->name);
    if (reader->template->escape == TW_ESCAPE_HTML)
        why = tw_html_refuses(&reader->place, &node.link);
    if (why != NULL)
        return tw_template_fail(reader->fault, reader->whole, tag->begin, "%s", why);
    node.field = field->id;
    if (!read_filters(reader, tag, &node))
        return false;
    *add(reader, TW_NODE_VALUE) = node;
    return true;
}

static bool open_section(struct reader *reader, const struct tw_tag *tag)
{
    bool of_item = false;
    const struct tw_template_field *field = field_of(reader, tag, &of_item), *outer = list_now(reader);
    if (field == NULL)
        return false;
    if (reader->depth == TW_TEMPLATE_DEPTH_MAX)
        return tw_template_fail(reader->fault, reader->whole, tag->begin, "sections are nested more than %u deep",
                                TW_TEMPLATE_DEPTH_MAX);
    bool repeats = field->items != NULL && tag->kind == TW_TAG_SECTION;
    if (repeats && outer != NULL)
        return tw_template_fail(reader->fault, reader->whole, tag->begin, "%s is a list, and stands within %s",
                                field->name, outer->name);
    struct open_section *open = &reader->open[reader->depth++];
    *open = (struct open_section){reader->template->count, tag->begin, reader->place, repeats ? field : outer};
    struct tw_node *node = add(reader, tag->kind == TW_TAG_SECTION ? TW_NODE_SECTION : TW_NODE_INVERTED);
    node->field = field->id;
    node->of_item = of_item;
    node->is_list = field->items != NULL;
    node->name = field->name;
    return true;
}

static bool close_section(struct reader *reader, const struct tw_tag *tag)
{
    const char *name = reader->whole + tag->name;
    if (reader->depth == 0)
        return tw_template_fail(reader->fault, reader->whole, tag->begin, "no section is open here");
    struct open_section *open = &reader->open[reader->depth - 1];
    struct tw_node *node = &reader->template->nodes[open->node];
    if (strlen(node->name) != tag->name_length || memcmp(node->name, name, tag->name_length) != 0)
        return tw_template_fail(reader->fault, reader->whole, tag->begin, "the section that ends here is %s",
                                node->name);
    if (!tw_html_is_same(&open->place, &reader->place))
        return tw_template_fail(reader->fault, reader->whole, open->begin,
                                "a section begins and ends in the same place of the markup");
    node->end = reader->template->count;
    reader->place = open->place; /* it may be left out */
    reader->depth--;
    return true;
}

/* A tag that has its line for itself takes the line with it: moves text's end and the next text's begin. */
static void take_line(const struct reader *reader, const struct tw_tag *tag, size_t *text_end, size_t *next)
{
    size_t begin = tag->begin, end = skip_blanks(reader->whole, tag->end, reader->to);
    while (begin > reader->at && (reader->whole[begin - 1] == ' ' || reader->whole[begin - 1] == '\t'))
        begin--;
    bool starts = begin == reader->from || (begin >= reader->at && begin > 0 && reader->whole[begin - 1] == '\n');
    bool carriage = end + 1 < reader->to && reader->whole[end] == '\r' && reader->whole[end + 1] == '\n';
    bool ends = end == reader->to || reader->whole[end] == '\n' || carriage;
    if (tag->kind == TW_TAG_VALUE || !starts || !ends)
        return;
    *text_end = begin;
    *next = end == reader->to ? end : end + (carriage ? 2 : 1);
}

static bool take_tag(struct reader *reader, const struct tw_tag *tag)
{
    switch (tag->kind) {
    case TW_TAG_VALUE:
        return add_value(reader, tag);
    case TW_TAG_SECTION:
    case TW_TAG_INVERTED:
        return open_section(reader, tag);
    case TW_TAG_END:
        return close_section(reader, tag);
    case TW_TAG_COMMENT:
        return true;
    case TW_TAG_PART:
        return tw_template_fail(reader->fault, reader->whole, tag->begin, "a part stands in no other part");
    }
    TW_UNREACHABLE("a tag of no kind");
}

static bool read_all(struct reader *reader)
{
    struct tw_tag tag;
    int found;
    while ((found = tw_template_tag(reader->whole, reader->at, reader->to, &tag, reader->fault)) > 0) {
        size_t text_end = tag.begin, next = tag.end;
        take_line(reader, &tag, &text_end, &next);
        if (reader->template->count >= TW_TEMPLATE_NODES_MAX)
            return tw_template_fail(reader->fault, reader->whole, tag.begin, "the template has more than %u tags",
                                    TW_TEMPLATE_NODES_MAX / 2);
        if (!add_text(reader, reader->at, text_end) || !take_tag(reader, &tag))
            return false;
        reader->at = next;
    }
    if (found < 0 || !add_text(reader, reader->at, reader->to))
        return false;
    if (reader->depth > 0) {
        const struct open_section *open = &reader->open[reader->depth - 1];
        return tw_template_fail(reader->fault, reader->whole, open->begin, "the section %s is not closed by {{/%s}}",
                                reader->template->nodes[open->node].name, reader->template->nodes[open->node].name);
    }
    return reader->place.where == TW_HTML_TEXT ||
           tw_template_fail(reader->fault, reader->whole, reader->to, "the markup ends within a tag, comment or style");
}

struct tw_template *tw_template_read(const char *whole, size_t from, size_t to, enum tw_template_escape escape,
                                     const struct tw_template_field *fields, struct tw_template_fault *fault)
{
    struct tw_template *template = tw_alloc_zero(1, sizeof *template);
    struct reader reader = {
        .whole = whole, .from = from, .to = to, .at = from, .template = template, .fields = fields, .fault = fault};
    template->escape = escape;
    template->text = tw_strndup(whole + from, to - from);
    if (!read_all(&reader))
        tw_template_free(&template);
    return template;
}

void tw_template_free(struct tw_template **template)
{
    if (*template == NULL)
        return;
    free((*template)->nodes);
    free((*template)->text);
    free(*template);
    *template = NULL;
}
