/* SPDX-License-Identifier: MIT
 *
 * What the commands print: JSON, times, and alerts for people and for programs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "protocol/alert_text.h"
#include "protocol/json_text.h"

struct page { /* what is printed */
    char *text;
    size_t length;
    FILE *out;
};

static struct page open_page(void)
{
    struct page page = {NULL, 0, NULL};
    return page;
}

static void expect_text(struct page *page, const char *expected)
{
    fclose(page->out);
    assert_string_equal(page->text, expected);
    free(page->text);
}

static void expect_json(const char *bytes, size_t length, const char *expected)
{
    struct page page = open_page();
    page.out = open_memstream(&page.text, &page.length);
    tw_json_text(page.out, (struct tw_text){bytes, (uint32_t)length});
    expect_text(&page, expected);
}

static void texts_are_escaped(void **state)
{
    (void)state;
    expect_json("plain", 5, "\"plain\"");
    expect_json("", 0, "\"\"");
    expect_json("a\"b\\c", 5, "\"a\\\"b\\\\c\"");
    expect_json("\n\t\x01\x7f", 4, "\"\\u000a\\u0009\\u0001\\u007f\"");
    expect_json("a\0b", 3, "\"a\\u0000b\"");
    expect_json("\xc3\xa9\xf0\x9f\x98\x80", 6, "\"\xc3\xa9\xf0\x9f\x98\x80\"");
}

static void what_is_not_utf_8_is_replaced(void **state)
{
    (void)state;
    expect_json("\xff", 1, "\"\\ufffd\"");
    expect_json("a\xc3", 2, "\"a\\ufffd\"");                                /* cut short */
    expect_json("\xc0\x80", 2, "\"\\ufffd\\ufffd\"");                       /* overlong */
    expect_json("\xed\xa0\x80", 3, "\"\\ufffd\\ufffd\\ufffd\"");            /* a surrogate */
    expect_json("\xf4\x90\x80\x80", 4, "\"\\ufffd\\ufffd\\ufffd\\ufffd\""); /* beyond U+10FFFF */
}

static void times_are_utc_and_exact(void **state)
{
    (void)state;
    char text[TW_TIME_TEXT_MAX];
    tw_time_format(INT64_C(1381190400000000000), text);
    assert_string_equal(text, "2013-10-08T00:00:00Z");
    tw_time_format(INT64_C(1381190400000000001), text);
    assert_string_equal(text, "2013-10-08T00:00:00.000000001Z");
    tw_time_format(INT64_C(1381190400120000000), text);
    assert_string_equal(text, "2013-10-08T00:00:00.12Z");
    tw_time_format(-1, text);
    assert_string_equal(text, "1969-12-31T23:59:59.999999999Z");
}

static struct tw_buffer some_alert(void)
{
    struct tw_alert alert = {
        .n = 9,
        .id = {1, 2, 3},
        .event = "open",
        .type = "ANOMALY_DETECTED",
        .severity = "MEDIUM",
        .entity_type = "SYMBOL",
        .entity = {"X\"Y", 3},
        .message = {"a message", 9},
        .form = TW_AMOUNT_SCORE,
        .threshold_score = 3.0,
        .value_score = 3.25,
        .unit = "sigma",
        .features = {{"mean", 0.1}, {"sigma", 200.0}},
        .feature_count = 2,
        .rule = {"anomaly", 7},
        .rule_version = 1,
        .config = {"ab", 2},
        .seq = 40,
        .ts_ns = INT64_C(1381190401000000000),
        .trades = {{.seq = 40, .publisher = {"desk-7", 6}, .pseq = 38, .id = {"x-1", 3}},
                   {.seq = 41, .publisher = {"desk-7", 6}, .pseq = 39}},
        .trade_count_listed = 2,
        .trade_count = 70,
        .detected_at_ns = 5,
    };
    struct tw_buffer bytes = {0};
    tw_alert_encode(&bytes, &alert);
    return bytes;
}

static void an_alert_is_one_json_object_on_a_line(void **state)
{
    (void)state;
    struct tw_buffer bytes = some_alert();
    struct tw_alert_view view;
    struct page page = open_page();
    assert_true(tw_alert_decode(bytes.bytes, bytes.length, &view));
    page.out = open_memstream(&page.text, &page.length);
    tw_alert_print_json(page.out, &view);
    fclose(page.out);
    assert_ptr_equal(strchr(page.text, '\n'), page.text + page.length - 1);
    json_t *object = json_loads(page.text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(object);
    assert_int_equal(json_object_size(object), 21);
    assert_int_equal(json_integer_value(json_object_get(object, "n")), 9);
    assert_string_equal(json_string_value(json_object_get(object, "entity")), "X\"Y");
    assert_true(json_real_value(json_object_get(object, "value")) == 3.25);
    assert_true(json_real_value(json_object_get(json_object_get(object, "features"), "mean")) == 0.1);
    assert_true(json_is_null(json_object_get(object, "model")));
    assert_int_equal(json_integer_value(json_object_get(object, "ts")), INT64_C(1381190401000000000));
    json_t *trades = json_object_get(object, "trades");
    assert_int_equal(json_array_size(trades), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(trades, 0), "id")), "x-1");
    assert_null(json_object_get(json_array_get(trades, 1), "id"));
    json_decref(object);
    free(page.text);
    tw_buffer_free(&bytes);
}

static void an_alert_is_one_line_for_people(void **state)
{
    (void)state;
    struct tw_buffer bytes = some_alert();
    struct tw_alert_view view;
    assert_true(tw_alert_decode(bytes.bytes, bytes.length, &view));
    struct page page = open_page();
    page.out = open_memstream(&page.text, &page.length);
    tw_alert_print_line(page.out, &view, false);
    expect_text(&page, "2013-10-08T00:00:01Z           MEDIUM   ANOMALY_DETECTED          X\"Y              open     "
                       "a message\n");
    page.out = open_memstream(&page.text, &page.length);
    tw_alert_print_line(page.out, &view, true);
    fclose(page.out);
    assert_non_null(strstr(page.text, "\033[33mMEDIUM"));
    free(page.text);
    tw_buffer_free(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_escaped),
        cmocka_unit_test(what_is_not_utf_8_is_replaced),
        cmocka_unit_test(times_are_utc_and_exact),
        cmocka_unit_test(an_alert_is_one_json_object_on_a_line),
        cmocka_unit_test(an_alert_is_one_line_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
