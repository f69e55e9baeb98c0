/* SPDX-License-Identifier: MIT
 *
 * Templates: what they say, what they refuse and where, and that no value leaves the place it is put into.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/template.h"

enum { NAME, EMPTY, EVIL, AMOUNT, TIME, ITEMS, KEY, LAST, OTHERS, NONE };
static const struct tw_template_field item_fields[] = {{"key", KEY, NULL}, {"last", LAST, NULL}, {NULL, 0, NULL}};
static const struct tw_template_field fields[] = {{"name", NAME, NULL},
                                                  {"empty", EMPTY, NULL},
                                                  {"evil", EVIL, NULL},
                                                  {"amount", AMOUNT, NULL},
                                                  {"time_of", TIME, NULL},
                                                  {"items", ITEMS, item_fields},
                                                  {"others", OTHERS, item_fields},
                                                  {"none", NONE, item_fields},
                                                  {NULL, 0, NULL}};

static const char *name_value, *amount_value;
static uint32_t items = 3;

static void append(void *context, uint32_t list, uint32_t item, uint32_t field, struct tw_buffer *out)
{
    char text[32] = "";
    (void)context;
    switch (field) {
    case NAME:
        snprintf(text, sizeof text, "%s", name_value);
        break;
    case EVIL:
        snprintf(text, sizeof text, "<b>\"&'\n\x7f{{name}}");
        break;
    case AMOUNT:
        snprintf(text, sizeof text, "%s", amount_value);
        break;
    case TIME:
        snprintf(text, sizeof text, "2013-10-08T13:30:01.5Z");
        break;
    case KEY:
        assert_true(list == ITEMS || list == OTHERS);
        snprintf(text, sizeof text, "%c%u", list == ITEMS ? 'i' : 'o', item % 1000);
        break;
    case LAST:
        snprintf(text, sizeof text, "%s", item + 1 == items ? "yes" : "");
        break;
    default:
        break;
    }
    if (field < KEY)
        assert_int_equal(list, TW_TEMPLATE_NO_LIST);
    tw_buffer_append(out, text, strlen(text));
}

static uint32_t count(void *context, uint32_t list)
{
    (void)context;
    return list == NONE ? 0 : list == OTHERS ? 2 : items;
}

static const struct tw_template_values values = {NULL, append, count};

static int begin(void **state)
{
    (void)state;
    name_value = "Anna";
    amount_value = "1234567.125";
    items = 3;
    return 0;
}

static void expect_as(enum tw_template_escape escape, const char *text, size_t most, const char *expected)
{
    struct tw_template_fault fault;
    struct tw_buffer out = {0};
    struct tw_template *template = tw_template_read(text, 0, strlen(text), escape, fields, &fault);
    if (template == NULL)
        fail_msg("%s: %u:%u: %s", text, fault.line, fault.column, fault.why);
    tw_template_render(template, &values, most, &out);
    tw_buffer_append(&out, "", 1);
    assert_string_equal((const char *)out.bytes, expected);
    tw_buffer_free(&out);
    tw_template_free(&template);
    assert_null(template);
}

static void expect(const char *text, const char *expected)
{
    expect_as(TW_ESCAPE_TEXT, text, 1000, expected);
}

static void expect_html(const char *text, const char *expected)
{
    expect_as(TW_ESCAPE_HTML, text, 1000, expected);
}

static void refuse_as(enum tw_template_escape escape, const char *text, uint32_t line, uint32_t column, const char *why)
{
    struct tw_template_fault fault = {0};
    struct tw_template *template = tw_template_read(text, 0, strlen(text), escape, fields, &fault);
    if (template != NULL)
        fail_msg("%s was taken", text);
    if (strstr(fault.why, why) == NULL || fault.line != line || fault.column != column)
        fail_msg("%s: %u:%u: %s", text, fault.line, fault.column, fault.why);
}

static void refuse(const char *text, uint32_t line, uint32_t column, const char *why)
{
    refuse_as(TW_ESCAPE_TEXT, text, line, column, why);
}

static void refuse_html(const char *text, uint32_t column, const char *why)
{
    refuse_as(TW_ESCAPE_HTML, text, 1, column, why);
}

/* ---- what they say ---- */

static void values_and_sections(void **state)
{
    (void)state;
    expect("", "");
    expect("plain { } {x}", "plain { } {x}");
    expect("hello {{name}} and {{  name\t}}", "hello Anna and Anna");
    expect("[{{empty}}]", "[]");
    expect("{{#name}}is {{name}}{{/name}}{{^name}}is not{{/name}}", "is Anna");
    expect("{{#empty}}is{{/empty}}{{^ empty }}is not{{/ empty }}", "is not");
    expect("{{#items}}{{key}}{{^last}}, {{/last}}{{/items}}", "i0, i1, i2");
    expect("{{#items}}{{name}}{{key}} {{/items}}", "Annai0 Annai1 Annai2 ");
    expect("{{#none}}some{{/none}}{{^none}}none{{/none}}{{^items}}none{{/items}}", "none");
    expect("{{#items}}{{#name}}{{key}}{{/name}}{{/items}} {{#others}}{{key}}{{/others}}", "i0i1i2 o0o1");
    expect("a{{! {{name }}b", "ab");
    expect("a{{! of two\nlines }}b", "ab");
}

static void a_tag_alone_on_its_line_takes_it_along(void **state)
{
    (void)state;
    expect("a\n{{#name}}\nb {{name}}\n{{/name}}\nc\n", "a\nb Anna\nc\n");
    expect("a\n  {{#empty}}  \nb\n\t{{/empty}}\nc", "a\nc");
    expect("{{! first }}\na\n{{! last }}", "a\n");
    expect("a\r\n{{#name}}\r\nb\r\n{{/name}}\r\n", "a\nb\n");
    expect("x {{#name}}\ny{{/name}}\n", "x \ny\n");
    expect("{{#items}}\n{{key}}\n{{/items}}\n", "i0\ni1\ni2\n");
    expect("{{name}}\n", "Anna\n"); /* a value does not */
}

static void filters(void **state)
{
    (void)state;
    expect("{{name|upper}} {{name | lower | first:2}} {{name | cut:4}} {{name | cut:3}}", "ANNA an Anna Ann");
    name_value = "J\xc3\xbcrgen \xc3\x9c";
    expect("{{name | first:2}}|{{name | cut:7}}|{{name | cut:8}}", "J\xc3\xbc|J\xc3\xbcrg...|J\xc3\xbcrgen \xc3\x9c");
    expect("{{amount | number}} {{amount | money}}", "1,234,567.125 1,234,567.12");
    expect("{{time_of | time}} {{time_of}}", "2013-10-08 13:30:01 UTC 2013-10-08T13:30:01.5Z");
    expect("{{name | number}} {{name | time}}", "J\xc3\xbcrgen \xc3\x9c J\xc3\xbcrgen \xc3\x9c");
    static const char *const amounts[][3] = {
        {"0", "0", "0.00"},
        {"999", "999", "999.00"},
        {"1000", "1,000", "1,000.00"},
        {"-1234.5", "-1,234.5", "-1,234.50"},
        {"0.005", "0.005", "0.00"},
        {"0.015", "0.015", "0.02"},
        {"-0.001", "-0.001", "0.00"},
        {"99.999", "99.999", "100.00"},
        {"12.34.5", "12.34.5", "12.34.5"},
        {"-", "-", "-"},
        {"1e9", "1e9", "1e9"},
        {"1234567890123456789.5", "1,234,567,890,123,456,789.5", "1,234,567,890,123,456,789.50"}};
    for (size_t i = 0; i < sizeof amounts / sizeof *amounts; i++) {
        amount_value = amounts[i][0];
        expect("{{amount | number}}", amounts[i][1]);
        expect("{{amount | money}}", amounts[i][2]);
    }
}

/* ---- what values cannot do ---- */

static void values_are_escaped_as_the_text_wants(void **state)
{
    (void)state;
    expect("{{evil}}", "<b>\"&'  {{name}}"); /* no new line, and no template */
    expect_as(TW_ESCAPE_LINE, "\n a{{evil}}\n\nb\n", 100, " a<b>\"&' {{name}} b");
    expect_as(TW_ESCAPE_MRKDWN, "<ok> {{evil}}", 100, "<ok> &lt;b&gt;\"&amp;'  {{name}}");
    expect_html("<i>{{evil}}</i>", "<i>&lt;b&gt;&quot;&amp;&#39;  {{name}}</i>");
    expect_html("<i title='{{evil}}'>", "<i title='&lt;b&gt;&quot;&amp;&#39;  {{name}}'>");
    expect_html("<a href=\"https://x/{{evil}}\">", "<a href=\"https://x/%3Cb%3E%22%26%27%0A%7F%7B%7Bname%7D%7D\">");
    expect_html("<img src=\"cid:{{name}}\">", "<img src=\"cid:Anna\">");
}

static void values_stand_in_no_dangerous_place_of_markup(void **state)
{
    (void)state;
    refuse_html("<i {{name}}>", 4, "between quotes");
    refuse_html("<i title={{name}}>", 10, "between quotes");
    refuse_html("<{{name}}>", 2, "between quotes");
    refuse_html("<i title=x\"{{name}}\">", 1, "behind an =");
    refuse_html("<i style=\"color:{{name}}\">", 17, "no value stands in this attribute");
    refuse_html("<i ONCLICK = '{{name}}'>", 15, "no value stands in this attribute");
    refuse_html("<i a= onclick='{{name}}'>", 1, "between quotes");
    refuse_html("<i a=b\tonclick='{{name}}'>", 17, "no value stands in this attribute");
    refuse_html("<i title=\"x\"onclick='{{name}}'>", 22, "no value stands in this attribute");
    refuse_html("<a/href=\"{{name}}\">", 10, "a link begins with");
    refuse_html("<a href=\"{{name}}\">", 10, "a link begins with");
    refuse_html("<a HREF='javascript:{{name}}'>", 21, "a link begins with");
    refuse_html("<style>a{{name}}</style>", 9, "no value stands in a comment or a style");
    refuse_html("<!-- {{name}} -->", 6, "no value stands in a comment or a style");
    refuse_html("<p><SCRIPT>", 1, "no script");
    refuse_html("<i {{#name}}title=\"{{/name}}x\">", 4, "the same place of the markup");
    refuse_html("<a {{#name}}href {{/name}}=\"{{name}}\">", 4, "the same place of the markup");
    refuse_html("<a href={{#name}}x{{/name}}\"https:{{name}}\">", 9, "the same place of the markup");
    refuse_html("<{{#name}}style{{/name}} >{{name}}", 2, "the same place of the markup");
    refuse_html("{{#name}}<i {{/name}}>", 1, "the same place of the markup");
    refuse_html("<i title=\"x", 12, "the markup ends within");
    expect_html("<style>a{}</STYLE>{{name}}", "<style>a{}</STYLE>Anna");
    expect_html("<!-- < -- > --->{{name}}<!---->", "<!-- < -- > --->Anna<!---->");
    expect_html("<td{{#name}} style=\"color:red\"{{/name}} title=\"a > b {{name}}\">{{name}}",
                "<td style=\"color:red\" title=\"a > b Anna\">Anna");
    expect_html("<b style=\"color:{{#name}}red{{/name}}{{^name}}blue{{/name}}\">", "<b style=\"color:red\">");
}

/* ---- what is refused ---- */

static void faults_have_a_place_and_a_remedy(void **state)
{
    (void)state;
    refuse("a\nb\xc3\xbc {{nmae}}", 2, 6, "there is no field nmae; did you mean name?");
    refuse("{{#items}}{{kye}}{{/items}}", 1, 13, "there is no field kye in items; did you mean key?");
    refuse("{{key}}", 1, 3, "there is no field key");
    refuse("{{name", 1, 1, "not closed by }}");
    refuse("x{{}}", 1, 2, "a tag is {{name}}");
    refuse("{{Name}}", 1, 1, "a tag is {{name}}");
    refuse("{{name name}}", 1, 1, "a tag is {{name}}");
    refuse("{{#name | upper}}{{/name}}", 1, 1, "a tag is {{name}}");
    refuse("{{{name}}}", 1, 1, "no tag that leaves a value as it is");
    refuse("{{&name}}", 1, 1, "no tag that leaves a value as it is");
    refuse("{{> other}}", 1, 1, "a tag is {{name}}");
    refuse("{{$name}}{{/name}}", 1, 1, "a part stands in no other part");
    refuse("\n{{#name}}\n", 2, 1, "the section name is not closed by {{/name}}");
    refuse("{{/name}}", 1, 1, "no section is open");
    refuse("{{#name}}{{#empty}}{{/name}}", 1, 20, "the section that ends here is empty");
    refuse("{{items}}", 1, 1, "items is a list");
    refuse("{{#items}}{{#others}}{{/others}}{{/items}}", 1, 11, "others is a list, and stands within items");
    refuse("{{#items}}{{#items}}{{/items}}{{/items}}", 1, 11, "items is a list, and stands within items");
    refuse("{{name | uper}}", 1, 10, "there is no filter uper; did you mean upper?");
    refuse("{{name | cut}}", 1, 10, "cut wants a number");
    refuse("{{name | cut:0}}", 1, 10, "cut wants a number");
    refuse("{{name | cut:1001}}", 1, 10, "cut wants a number");
    refuse("{{name | upper:3}}", 1, 10, "upper has no number");
    refuse("{{name | upper lower}}", 1, 16, "a | stands between filters");
    refuse("{{name |}}", 1, 9, "there is no filter");
    refuse("{{name|upper|upper|upper|upper|upper}}", 1, 32, "at most 4 filters");
    refuse("{{#name}}{{#name}}{{#name}}{{#name}}{{#name}}{{#name}}{{#name}}{{#name}}{{#name}}", 1, 73,
           "more than 8 deep");
}

static void what_there_is_too_much_of_is_bounded(void **state)
{
    (void)state;
    static char many[16 * 1024];
    expect_as(TW_ESCAPE_TEXT, "0123456789", 10, "0123456789");
    expect_as(TW_ESCAPE_TEXT, "0123456789x", 10, "0123456...");
    expect_as(TW_ESCAPE_TEXT, "{{#items}}\xc3\xbc{{/items}}\xc3\xbc\xc3\xbc", 4, "\xc3\xbc...");
    expect_as(TW_ESCAPE_HTML, "{{evil}}", 11, "&lt;b..."); /* no escape is cut */
    expect_as(TW_ESCAPE_TEXT, "abc", 2, "..");
    for (size_t i = 0; i + 9 < sizeof many; i += 8)
        memcpy(many + i, "{{name}}", 9);
    refuse(many, 1, 8193, "more than 512 tags");
    items = 1000000;
    snprintf(many, sizeof many, "{{#items}}x{{/items}}");
    for (size_t i = 0; i < 64; i++)
        many[2000 + i] = 'x';
    many[2064] = '\0';
    expect(many, many + 2000); /* at most 64 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(values_and_sections, begin),
        cmocka_unit_test_setup(a_tag_alone_on_its_line_takes_it_along, begin),
        cmocka_unit_test_setup(filters, begin),
        cmocka_unit_test_setup(values_are_escaped_as_the_text_wants, begin),
        cmocka_unit_test_setup(values_stand_in_no_dangerous_place_of_markup, begin),
        cmocka_unit_test_setup(faults_have_a_place_and_a_remedy, begin),
        cmocka_unit_test_setup(what_there_is_too_much_of_is_bounded, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
