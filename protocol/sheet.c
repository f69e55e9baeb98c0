/* SPDX-License-Identifier: MIT */
#include "protocol/sheet.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"
#include "protocol/likeness.h"

/* ---- fields ---- */

#define FIELD(symbol, name, meaning) {name, TW_FIELD_##symbol, NULL},
#define LIST(symbol, name, items, meaning) {name, TW_FIELD_##symbol, items},
static const struct tw_template_field tw_trade_fields[] = {TW_TRADE_FIELDS(FIELD){NULL, 0, NULL}};
static const struct tw_template_field tw_feature_fields[] = {TW_FEATURE_FIELDS(FIELD){NULL, 0, NULL}};
const struct tw_template_field tw_alert_fields[] = {TW_ALERT_FIELDS(FIELD) TW_ALERT_LISTS(LIST){NULL, 0, NULL}};
#undef FIELD
#undef LIST

#define FIELD(symbol, name, meaning) {name, TW_MANY_##symbol, NULL},
#define LIST(symbol, name, items, meaning) {name, TW_MANY_##symbol, items},
static const struct tw_template_field tw_kind_fields[] = {TW_KIND_FIELDS(FIELD){NULL, 0, NULL}};
static const struct tw_template_field tw_shown_fields[] = {TW_SHOWN_FIELDS(FIELD){NULL, 0, NULL}};
const struct tw_template_field tw_digest_fields[] = {TW_DIGEST_FIELDS(FIELD) TW_DIGEST_LISTS(LIST){NULL, 0, NULL}};
#undef FIELD
#undef LIST

/* ---- what kinds of receivers are told ---- */

struct part_form {
    enum tw_sheet_part part;
    enum tw_template_escape escape;
    size_t most; /* characters */
    uint32_t count;
};

#define FORMS_MAX 10u
static const struct {
    const char *name;
    struct part_form forms[FORMS_MAX]; /* ended by one of which there are 0 */
} kinds[TW_SHEET_COUNT] = {
    [TW_SHEET_SLACK] = {"slack", /* its own limits */
                        {{TW_TEXT_HEADLINE, TW_ESCAPE_LINE, 150, 1},
                         {TW_TEXT_TEXT, TW_ESCAPE_MRKDWN, 3000, 1},
                         {TW_TEXT_BODY, TW_ESCAPE_MRKDWN, 3000, 1},
                         {TW_TEXT_FIELD, TW_ESCAPE_MRKDWN, 2000, TW_SHEET_FIELDS_MAX},
                         {TW_TEXT_CONTEXT, TW_ESCAPE_MRKDWN, 2000, 1},
                         {TW_TEXT_DIGEST, TW_ESCAPE_MRKDWN, 3000, 1},
                         {TW_TEXT_DIGEST_ALERTS, TW_ESCAPE_MRKDWN, 3000, 1},
                         {TW_TEXT_GROUP, TW_ESCAPE_MRKDWN, 3000, 1},
                         {TW_TEXT_GROUP_ALERTS, TW_ESCAPE_MRKDWN, 3000, 1}}},
    [TW_SHEET_PAGERDUTY] = {"pagerduty", {{TW_TEXT_SUMMARY, TW_ESCAPE_LINE, 1024, 1}}},
    [TW_SHEET_SNS] = {"sns", {{TW_TEXT_SUBJECT, TW_ESCAPE_LINE, 99, 1}}},
    [TW_SHEET_MAIL] = {"mail",
                       {{TW_TEXT_SUBJECT, TW_ESCAPE_LINE, 120, 1},
                        {TW_TEXT_TEXT, TW_ESCAPE_TEXT, 100000, 1},
                        {TW_TEXT_HTML, TW_ESCAPE_HTML, 200000, 1},
                        {TW_TEXT_DIGEST_SUBJECT, TW_ESCAPE_LINE, 1000, 1}, /* and then it is cut as any subject */
                        {TW_TEXT_DIGEST_TEXT, TW_ESCAPE_TEXT, 100000, 1},
                        {TW_TEXT_DIGEST_HTML, TW_ESCAPE_HTML, 200000, 1},
                        {TW_TEXT_GROUP_SUBJECT, TW_ESCAPE_LINE, 1000, 1},
                        {TW_TEXT_GROUP_TEXT, TW_ESCAPE_TEXT, 100000, 1},
                        {TW_TEXT_GROUP_HTML, TW_ESCAPE_HTML, 200000, 1}}},
    [TW_SHEET_SYSLOG] = {"syslog", {{TW_TEXT_MESSAGE, TW_ESCAPE_LINE, 2048, 1}}},
    [TW_SHEET_ALERTMANAGER] = {"alertmanager",
                               {{TW_TEXT_SUMMARY, TW_ESCAPE_LINE, 2048, 1},
                                {TW_TEXT_DESCRIPTION, TW_ESCAPE_TEXT, 8192, 1}}},
};

const char *tw_sheet_name(enum tw_sheet_kind kind)
{
    return kinds[kind].name;
}

const char *tw_part_name(enum tw_sheet_part part)
{
#define NAME(symbol, name) name,
    static const char *const names[] = {TW_SHEET_PARTS(NAME)};
#undef NAME
    return names[part];
}

bool tw_part_is_of_many(enum tw_sheet_part part)
{
    return part >= TW_TEXT_DIGEST;
}

enum tw_sheet_part tw_part_of_group(enum tw_sheet_part digest)
{
    return (enum tw_sheet_part)(digest + (TW_TEXT_GROUP - TW_TEXT_DIGEST));
}

static const struct part_form *form_of(enum tw_sheet_kind kind, enum tw_sheet_part part)
{
    for (size_t i = 0; i < FORMS_MAX && kinds[kind].forms[i].count > 0; i++)
        if (kinds[kind].forms[i].part == part)
            return &kinds[kind].forms[i];
    return NULL;
}

/* ---- reading ---- */

struct tw_sheet {
    enum tw_sheet_kind kind;
    struct {
        struct tw_template *list[TW_SHEET_FIELDS_MAX];
        uint32_t count;
    } parts[TW_TEXT_COUNT];
};

void tw_sheet_free(struct tw_sheet **sheet)
{
    if (*sheet == NULL)
        return;
    for (int part = 0; part < TW_TEXT_COUNT; part++)
        for (uint32_t i = 0; i < (*sheet)->parts[part].count; i++)
            tw_template_free(&(*sheet)->parts[part].list[i]);
    free(*sheet);
    *sheet = NULL;
}

struct reader {
    struct tw_sheet *sheet;
    const char *text;
    size_t length;
    struct tw_template_fault *fault;
};

static const struct part_form *form_named(const struct reader *reader, const struct tw_tag *tag)
{
    enum tw_sheet_kind kind = reader->sheet->kind;
    const char *name = reader->text + tag->name, *nearest = "";
    unsigned best = UINT32_MAX;
    for (size_t i = 0; i < FORMS_MAX && kinds[kind].forms[i].count > 0; i++) {
        const char *known = tw_part_name(kinds[kind].forms[i].part);
        unsigned distance = tw_likeness_distance(name, tag->name_length, known, strlen(known));
        if (distance == 0)
            return &kinds[kind].forms[i];
        nearest = distance < best ? known : nearest;
        best = distance < best ? distance : best;
    }
    tw_template_fail(reader->fault, reader->text, tag->name, "%s has no part %.*s; did you mean %s?", kinds[kind].name,
                     (int)(tag->name_length < 40 ? tag->name_length : 40), name, nearest);
    return NULL;
}

/* The tag that closes the part. */
static bool find_end(const struct reader *reader, const struct tw_tag *opened, struct tw_tag *end)
{
    int found;
    for (size_t at = opened->end; (found = tw_template_tag(reader->text, at, reader->length, end, reader->fault)) > 0;
         at = end->end)
        if (end->kind == TW_TAG_END && end->name_length == opened->name_length &&
            memcmp(reader->text + end->name, reader->text + opened->name, end->name_length) == 0)
            return true;
    return found < 0
               ? false
               : tw_template_fail(reader->fault, reader->text, opened->begin,
                                  "the part %.*s is not closed by {{/%.*s}}", (int)opened->name_length,
                                  reader->text + opened->name, (int)opened->name_length, reader->text + opened->name);
}

static bool read_part(const struct reader *reader, const struct tw_tag *opened, struct tw_tag *end)
{
    const struct part_form *form = form_named(reader, opened);
    if (form == NULL || !find_end(reader, opened, end))
        return false;
    size_t from = opened->end, to = end->begin;
    if (reader->sheet->parts[form->part].count == form->count)
        return tw_template_fail(reader->fault, reader->text, opened->begin, "there is a part %s already",
                                tw_part_name(form->part));
    from += from < to && reader->text[from] == '\r' ? 1 : 0;
    from += from < to && reader->text[from] == '\n' ? 1 : 0;
    to -= to > from && reader->text[to - 1] == '\n' ? 1 : 0;
    to -= to > from && reader->text[to - 1] == '\r' ? 1 : 0;
    const struct tw_template_field *fields = tw_part_is_of_many(form->part) ? tw_digest_fields : tw_alert_fields;
    struct tw_template *template = tw_template_read(reader->text, from, to, form->escape, fields, reader->fault);
    if (template != NULL)
        reader->sheet->parts[form->part].list[reader->sheet->parts[form->part].count++] = template;
    return template != NULL;
}

static bool is_blank(const struct reader *reader, size_t from, size_t to)
{
    for (; from < to; from++)
        if (strchr(" \t\r\n", reader->text[from]) == NULL)
            return tw_template_fail(reader->fault, reader->text, from, "text stands within a part: {{$%s}} ... {{/%s}}",
                                    tw_part_name(kinds[reader->sheet->kind].forms[0].part),
                                    tw_part_name(kinds[reader->sheet->kind].forms[0].part));
    return true;
}

static bool read_parts(const struct reader *reader)
{
    struct tw_tag tag, end;
    size_t at = 0;
    int found;
    while ((found = tw_template_tag(reader->text, at, reader->length, &tag, reader->fault)) > 0) {
        if (!is_blank(reader, at, tag.begin))
            return false;
        at = tag.end;
        if (tag.kind == TW_TAG_COMMENT)
            continue;
        if (tag.kind != TW_TAG_PART)
            return tw_template_fail(reader->fault, reader->text, tag.begin, "a tag stands within a part: {{$%s}}",
                                    tw_part_name(kinds[reader->sheet->kind].forms[0].part));
        if (!read_part(reader, &tag, &end))
            return false;
        at = end.end;
    }
    return found == 0 && is_blank(reader, at, reader->length);
}

/* What the file has not is taken from what is built in. */
static void complete(struct tw_sheet *sheet, struct tw_sheet *built_in)
{
    for (int part = 0; part < TW_TEXT_COUNT; part++)
        if (sheet->parts[part].count == 0) {
            sheet->parts[part] = built_in->parts[part];
            built_in->parts[part].count = 0;
        }
}

static struct tw_sheet *read_alone(enum tw_sheet_kind kind, const char *text, size_t length,
                                   struct tw_template_fault *fault)
{
    struct tw_sheet *sheet = tw_alloc_zero(1, sizeof *sheet);
    struct reader reader = {sheet, text, length, fault};
    sheet->kind = kind;
    if (memchr(text, '\0', length) != NULL) {
        tw_template_fail(fault, text, (size_t)((const char *)memchr(text, '\0', length) - text), "this is no text");
        tw_sheet_free(&sheet);
    } else if (!read_parts(&reader)) {
        tw_sheet_free(&sheet);
    }
    return sheet;
}

struct tw_sheet *tw_sheet_read(enum tw_sheet_kind kind, const char *text, size_t length,
                               struct tw_template_fault *fault)
{
    const char *own = tw_sheet_built_in(kind);
    struct tw_sheet *built_in = read_alone(kind, own, strlen(own), fault), *sheet;
    TW_ASSERT(built_in != NULL);
    if (text == NULL)
        return built_in;
    sheet = read_alone(kind, text, length, fault);
    if (sheet != NULL)
        complete(sheet, built_in);
    tw_sheet_free(&built_in);
    return sheet;
}

uint32_t tw_sheet_count(const struct tw_sheet *sheet, enum tw_sheet_part part)
{
    return sheet->parts[part].count;
}

void tw_sheet_render(const struct tw_sheet *sheet, enum tw_sheet_part part, uint32_t at,
                     const struct tw_template_values *values, struct tw_buffer *out)
{
    TW_ASSERT(at < sheet->parts[part].count);
    tw_template_render(sheet->parts[part].list[at], values, form_of(sheet->kind, part)->most, out);
}
