/* SPDX-License-Identifier: MIT
 *
 * Sheets: parts of a file, each with its own escaping; what a file does not have is built in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/sheet.h"

/* Each field says its number; of lists there are two items. */
static void append(void *context, uint32_t list, uint32_t item, uint32_t field, struct tw_buffer *out)
{
    char text[32];
    (void)context;
    int length = snprintf(text, sizeof text, "<%u%s%u>", field, list == TW_TEMPLATE_NO_LIST ? "" : "/", item);
    tw_buffer_append(out, text, (size_t)length);
}

static uint32_t two(void *context, uint32_t list)
{
    (void)context, (void)list;
    return 2;
}

static const struct tw_template_values values = {NULL, append, two};

static struct tw_sheet *read_good(enum tw_sheet_kind kind, const char *text)
{
    struct tw_template_fault fault;
    struct tw_sheet *sheet = tw_sheet_read(kind, text, text == NULL ? 0 : strlen(text), &fault);
    if (sheet == NULL)
        fail_msg("%u:%u: %s", fault.line, fault.column, fault.why);
    return sheet;
}

static void expect(const struct tw_sheet *sheet, enum tw_sheet_part part, uint32_t at, const char *expected)
{
    struct tw_buffer out = {0};
    tw_sheet_render(sheet, part, at, &values, &out);
    tw_buffer_append(&out, "", 1);
    assert_string_equal((const char *)out.bytes, expected);
    tw_buffer_free(&out);
}

static void refuse(enum tw_sheet_kind kind, const char *text, uint32_t line, uint32_t column, const char *why)
{
    struct tw_template_fault fault = {0};
    assert_null(tw_sheet_read(kind, text, strlen(text), &fault));
    if (strstr(fault.why, why) == NULL || fault.line != line || fault.column != column)
        fail_msg("%s: %u:%u: %s", text, fault.line, fault.column, fault.why);
}

/* What `config template` prints is what is in force without a file. */
static void what_is_built_in_is_a_file_like_any_other(void **state)
{
    (void)state;
    for (int kind = 0; kind < TW_SHEET_COUNT; kind++) {
        struct tw_sheet *built_in = read_good((enum tw_sheet_kind)kind, NULL);
        struct tw_sheet *file = read_good((enum tw_sheet_kind)kind, tw_sheet_built_in((enum tw_sheet_kind)kind));
        uint32_t parts = 0;
        for (int part = 0; part < TW_TEXT_COUNT; part++) {
            uint32_t count = tw_sheet_count(built_in, (enum tw_sheet_part)part);
            assert_int_equal(count, tw_sheet_count(file, (enum tw_sheet_part)part));
            for (uint32_t i = 0; i < count; i++, parts++) {
                struct tw_buffer a = {0}, b = {0};
                tw_sheet_render(built_in, (enum tw_sheet_part)part, i, &values, &a);
                tw_sheet_render(file, (enum tw_sheet_part)part, i, &values, &b);
                assert_int_equal(a.length, b.length);
                assert_int_equal(a.length > 0,
                                 part != TW_TEXT_DESCRIPTION); /* there is none unless somebody writes one */
                assert_true(a.length == 0 || memcmp(a.bytes, b.bytes, a.length) == 0);
                tw_buffer_free(&a);
                tw_buffer_free(&b);
            }
        }
        assert_true(parts > 0);
        tw_sheet_free(&built_in);
        tw_sheet_free(&file);
    }
}

static void a_file_replaces_the_parts_that_it_has(void **state)
{
    (void)state;
    char n[16], html[64];
    snprintf(n, sizeof n, "<%d0>", TW_FIELD_N);
    snprintf(html, sizeof html, "<b>&lt;%d0&gt;</b>", TW_FIELD_N);
    struct tw_sheet *sheet =
        read_good(TW_SHEET_MAIL, "{{! mine }}\n\n{{$text}}\r\n{{n}}\r\n{{/text}}\n{{$html}}<b>{{n}}</b>{{/html}}");
    struct tw_sheet *built_in = read_good(TW_SHEET_MAIL, NULL);
    struct tw_buffer a = {0}, b = {0};
    expect(sheet, TW_TEXT_TEXT, 0, n);
    expect(sheet, TW_TEXT_HTML, 0, html);
    tw_sheet_render(sheet, TW_TEXT_SUBJECT, 0, &values, &a);
    tw_sheet_render(built_in, TW_TEXT_SUBJECT, 0, &values, &b);
    assert_true(a.length == b.length && memcmp(a.bytes, b.bytes, a.length) == 0);
    tw_buffer_free(&a);
    tw_buffer_free(&b);
    tw_sheet_free(&sheet);
    tw_sheet_free(&built_in);
    sheet = read_good(TW_SHEET_SLACK, "{{$field}}one{{/field}}{{$field}}\ntwo\n\n{{/field}}");
    assert_int_equal(tw_sheet_count(sheet, TW_TEXT_FIELD), 2); /* in place of all that are built in */
    expect(sheet, TW_TEXT_FIELD, 0, "one");
    expect(sheet, TW_TEXT_FIELD, 1, "two\n");
    tw_sheet_free(&sheet);
    sheet = read_good(TW_SHEET_SLACK, "{{$field}}{{/field}}{{$body}}\n{{/body}}");
    expect(sheet, TW_TEXT_FIELD, 0, "");
    expect(sheet, TW_TEXT_BODY, 0, "");
    tw_sheet_free(&sheet);
    sheet = read_good(TW_SHEET_MAIL, "");
    assert_int_equal(tw_sheet_count(sheet, TW_TEXT_SUBJECT), 1);
    tw_sheet_free(&sheet);
}

static void faults_have_a_place_in_the_file(void **state)
{
    (void)state;
    char many[512] = "";
    refuse(TW_SHEET_MAIL, "{{$subject}}x{{/subject}}\n{{$subject}}y{{/subject}}", 2, 1,
           "there is a part subject already");
    refuse(TW_SHEET_MAIL, "{{$body}}{{/body}}", 1, 4, "mail has no part body; did you mean");
    refuse(TW_SHEET_MAIL, "{{$text}}\n", 1, 1, "the part text is not closed by {{/text}}");
    refuse(TW_SHEET_MAIL, "\n x{{$text}}{{/text}}", 2, 2, "text stands within a part");
    refuse(TW_SHEET_MAIL, "{{$text}}{{/text}}\nx", 2, 1, "text stands within a part");
    refuse(TW_SHEET_MAIL, "{{message}}", 1, 1, "a tag stands within a part");
    refuse(TW_SHEET_MAIL, "{{$text}}\n{{#n}}{{/text}}", 2, 1, "the section n is not closed");
    refuse(TW_SHEET_MAIL, "{{$text}}\n{{$html}}{{/html}}{{/text}}", 2, 1, "a part stands in no other part");
    refuse(TW_SHEET_MAIL, "{{$text}}\n{{\n{{/text}}", 2, 1, "a tag is {{name}}");
    for (uint32_t i = 0; i <= TW_SHEET_FIELDS_MAX; i++)
        strcat(many, "{{$field}}x{{/field}}\n");
    refuse(TW_SHEET_SLACK, many, 11, 1, "there is a part field already");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_built_in_is_a_file_like_any_other),
        cmocka_unit_test(a_file_replaces_the_parts_that_it_has),
        cmocka_unit_test(faults_have_a_place_in_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
