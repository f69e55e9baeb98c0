/* SPDX-License-Identifier: MIT
 *
 * What a digest and a group's message say: the built-in texts are, byte for byte, those from before there were
 * templates of them (written out here as they were), and each field says what it should.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <inttypes.h>

#include "actors/delivery/digest_texts.h"
#include "actors/delivery/render.h"

static struct tw_receiver receiver = {.name = "night"};

static void add(struct tw_digest *digest, uint64_t n, const char *type, const char *severity, const char *message)
{
    struct tw_buffer record = {0};
    struct tw_alert alert = {.n = n,
                             .id = {1},
                             .event = "open",
                             .type = type,
                             .severity = severity,
                             .entity_type = "SYMBOL",
                             .entity = {"A <&> B", 7},
                             .message = {message, (uint32_t)strlen(message)},
                             .form = TW_AMOUNT_E8,
                             .unit = "USD",
                             .rule = {"x", 1},
                             .config = {"00", 2},
                             .seq = n};
    tw_alert_encode(&record, &alert);
    tw_digest_add(digest, n, record.bytes, record.length);
    tw_buffer_free(&record);
}

/* ---- as it was ---- */

static void summary_before(struct tw_buffer *out, const struct tw_digest *digest)
{
    const char *before = ": ";
    tw_append_format(out, "%s%" PRIu32 " alert%s", digest->repeat > 0 ? "still open: " : "", digest->count,
                     digest->count == 1 ? "" : "s");
    if (digest->group.length > 0)
        tw_append_format(out, " of %.*s", (int)digest->group.length, digest->group.bytes);
    for (int rule = 0; rule < TW_RULE_COUNT; rule++) {
        uint32_t all = 0;
        for (int severity = 0; severity <= TW_SEVERITY_CRITICAL; severity++)
            all += digest->by[rule][severity];
        if (all == 0)
            continue;
        tw_append_format(out, "%s%" PRIu32 " %s", before, all, tw_rule_type((enum tw_rule)rule));
        before = " (";
        for (int severity = TW_SEVERITY_CRITICAL; severity >= TW_SEVERITY_LOW; severity--)
            if (digest->by[rule][severity] > 0) {
                tw_append_format(out, "%s%" PRIu32 " %s", before, digest->by[rule][severity],
                                 tw_severity_name((enum tw_severity)severity));
                before = ", ";
            }
        tw_append_format(out, ")");
    }
    if (digest->unreadable > 0)
        tw_append_format(out, "%s%" PRIu32 " that cannot be read", before, digest->unreadable);
}

static void append_escaped(struct tw_buffer *out, const struct tw_buffer *text)
{
    for (size_t i = 0; i < text->length; i++) {
        char c = (char)text->bytes[i];
        tw_append_format(out, "%s", c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : (char[2]){c, '\0'});
    }
}

static void before_there_were_templates(const struct tw_digest *digest, struct tw_buffer *lines, struct tw_buffer *text,
                                        struct tw_buffer *html)
{
    struct tw_buffer summary = {0};
    summary_before(&summary, digest);
    tw_buffer_append(text, summary.bytes, summary.length);
    tw_append_format(text, "\n\nNumbers %" PRIu64 " to %" PRIu64 ". The latest of the most severe:\n", digest->first_n,
                     digest->last_n);
    tw_append_format(html, "<!DOCTYPE html>\n<html><body style=\"font-family:sans-serif\">\n<p><b>");
    append_escaped(html, &summary);
    tw_append_format(html,
                     "</b></p>\n<p>Numbers %" PRIu64 " to %" PRIu64 ". The latest of the most severe:</p>\n<ul>\n",
                     digest->first_n, digest->last_n);
    for (uint32_t i = 0; i < digest->shown_count; i++) {
        struct tw_alert_view view;
        struct tw_buffer line = {0};
        assert_true(tw_digest_view(digest, i, &view));
        tw_words_headline(&line, &view);
        tw_append_format(lines, "%s\xe2\x80\xa2 ", i > 0 ? "\n" : "");
        append_escaped(lines, &line);
        tw_append_format(lines, " (%" PRIu64 ")", view.n);
        tw_append_format(text, "%8" PRIu64 "  ", view.n);
        tw_buffer_append(text, line.bytes, line.length);
        tw_append_format(text, "\n");
        tw_append_format(html, "<li>%" PRIu64 " ", view.n);
        append_escaped(html, &line);
        tw_append_format(html, "</li>\n");
        tw_buffer_free(&line);
    }
    tw_append_format(html, "</ul>\n</body></html>");
    tw_buffer_free(&summary);
}

/* ---- as it is ---- */

static void say(const struct tw_digest *digest, enum tw_sheet_kind kind, const char *file, enum tw_sheet_part part,
                struct tw_buffer *out)
{
    struct tw_digest_letter letter = {digest, "0123", "0123-9-3"};
    struct tw_digest_texts texts;
    struct tw_template_fault fault;
    struct tw_sheet *sheet = tw_sheet_read(kind, file, file == NULL ? 0 : strlen(file), &fault);
    if (sheet == NULL)
        fail_msg("%s", fault.why);
    receiver.sheet = sheet;
    tw_digest_texts_of(&receiver, &letter, &texts);
    tw_digest_text_append(&receiver, &texts, part, out);
    tw_sheet_free(&sheet);
}

static void assert_same(const struct tw_digest *digest, enum tw_sheet_kind kind, enum tw_sheet_part part,
                        struct tw_buffer *expected)
{
    struct tw_buffer out = {0};
    say(digest, kind, NULL, part, &out);
    tw_buffer_append(&out, "", 1);
    tw_buffer_append(expected, "", 1);
    assert_string_equal((const char *)out.bytes, (const char *)expected->bytes);
    tw_buffer_free(&out);
    tw_buffer_free(expected);
}

static void check_all(struct tw_digest *digest)
{
    struct tw_buffer summary = {0}, escaped = {0}, lines = {0}, text = {0}, html = {0};
    summary_before(&summary, digest);
    append_escaped(&escaped, &summary);
    before_there_were_templates(digest, &lines, &text, &html);
    assert_same(digest, TW_SHEET_SLACK, TW_TEXT_DIGEST, &escaped);
    assert_same(digest, TW_SHEET_SLACK, TW_TEXT_DIGEST_ALERTS, &lines);
    assert_same(digest, TW_SHEET_MAIL, TW_TEXT_DIGEST_SUBJECT, &summary);
    assert_same(digest, TW_SHEET_MAIL, TW_TEXT_DIGEST_TEXT, &text);
    assert_same(digest, TW_SHEET_MAIL, TW_TEXT_DIGEST_HTML, &html);
    tw_digest_clear(digest);
}

static void what_is_built_in_says_what_it_said(void **state)
{
    (void)state;
    struct tw_digest digest = {.count = 0};
    for (uint64_t n = 1; n <= 30; n++)
        add(&digest, n * 1000, n % 3 == 0 ? "LARGE_TRADE" : "HIGH_SYMBOL_EXPOSURE", n % 4 == 0 ? "CRITICAL" : "HIGH",
            "A <&> B is above");
    tw_digest_add(&digest, 40000, "?", 1);
    check_all(&digest);
    add(&digest, 7, "LARGE_TRADE", "LOW", "one");
    check_all(&digest);
    tw_digest_add(&digest, 7, "?", 1);
    tw_digest_add(&digest, 8, NULL, 0);
    check_all(&digest);
    digest.group = (struct tw_text){"desk{entity=<A>}", 16};
    add(&digest, 7, "ANOMALY_DETECTED", "MEDIUM", "odd");
    add(&digest, 9, "LARGE_TRADE", "HIGH", "large");
    check_all(&digest);
    digest.group = (struct tw_text){"desk{}", 6};
    digest.repeat = 2;
    add(&digest, 7, "ANOMALY_DETECTED", "MEDIUM", "odd");
    check_all(&digest);
}

static void expect(struct tw_digest *digest, const char *file, const char *expected)
{
    struct tw_buffer out = {0};
    say(digest, TW_SHEET_MAIL, file, TW_TEXT_DIGEST_TEXT, &out);
    tw_buffer_append(&out, "", 1);
    assert_string_equal((const char *)out.bytes, expected);
    tw_buffer_free(&out);
}

static void each_field_says_its_own(void **state)
{
    (void)state;
    struct tw_digest digest = {.count = 0};
    add(&digest, 7, "ANOMALY_DETECTED", "MEDIUM", "odd");
    add(&digest, 9, "LARGE_TRADE", "HIGH", "large");
    add(&digest, 10, "LARGE_TRADE", "LOW", "less");
    expect(&digest,
           "{{$digest_text}}{{count}} {{one}}{{group}}{{repeat}} {{first_n}} {{last_n}} {{key}} {{log}} "
           "{{receiver}}{{/digest_text}}",
           "3  7 10 0123-9-3 0123 night");
    expect(&digest,
           "{{$digest_text}}{{#counts}}{{#first}}<{{/first}}{{all}} {{type}} {{severities}}{{^last}}; "
           "{{/last}}{{#last}}>{{/last}}"
           "{{/counts}}{{/digest_text}}",
           "<2 LARGE_TRADE 1 HIGH, 1 LOW; 1 ANOMALY_DETECTED 1 MEDIUM>");
    expect(&digest,
           "{{$digest_text}}{{#alerts}}{{#first}}<{{/"
           "first}}{{headline}}|{{message}}|{{type}}|{{severity}}|{{event}}|{{entity_type}}|"
           "{{entity}}|{{n}}|{{n_column}}{{#last}}>{{/last}}{{^last}}; {{/last}}{{/alerts}}{{/digest_text}}",
           "<HIGH: large|large|LARGE_TRADE|HIGH|open|SYMBOL|A <&> B|9|       9; "
           "MEDIUM: odd|odd|ANOMALY_DETECTED|MEDIUM|open|SYMBOL|A <&> B|7|       7; "
           "LOW: less|less|LARGE_TRADE|LOW|open|SYMBOL|A <&> B|10|      10>");
    digest.group = (struct tw_text){"desk{}", 6};
    digest.repeat = 3;
    expect(&digest, "{{$digest_text}}not this{{/digest_text}}{{$group_text}}{{group}} {{repeat}}{{/group_text}}",
           "desk{} 3");
    tw_digest_clear(&digest);
}

static void a_digest_has_no_fields_of_one_alert(void **state)
{
    (void)state;
    static const char file[] = "{{$digest_summary}}{{entity}}{{/digest_summary}}",
                      other[] = "{{$body}}{{count}}{{/body}}";
    struct tw_template_fault fault;
    assert_null(tw_sheet_read(TW_SHEET_SLACK, file, sizeof file - 1, &fault));
    assert_non_null(strstr(fault.why, "there is no field entity"));
    assert_null(tw_sheet_read(TW_SHEET_SLACK, other, sizeof other - 1, &fault));
    assert_non_null(strstr(fault.why, "there is no field count"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_built_in_says_what_it_said),
        cmocka_unit_test(each_field_says_its_own),
        cmocka_unit_test(a_digest_has_no_fields_of_one_alert),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
