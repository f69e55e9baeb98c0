/* SPDX-License-Identifier: MIT
 *
 * What an alert says in templates: each field, what is looked up and what is not there, the built-in texts word for
 * word.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "actors/delivery/texts.h"

#define TS_NS (INT64_C(1614265330) * TW_NS_PER_SECOND + 500000000)

static struct tw_buffer record;
static struct tw_alert_view view;
static struct tw_letter_trade looked_up[TW_ALERT_TRADES_MAX];

static struct tw_alert alert_of(const char *event, const char *severity, uint32_t trades)
{
    struct tw_alert alert = {.n = 17,
                             .id = {0xab, 0xcd},
                             .event = event,
                             .type = "HIGH_CLIENT_EXPOSURE",
                             .severity = severity,
                             .entity_type = "CLIENT",
                             .entity = {"A <&> B", 7},
                             .message = {"A <&> B is far above", 20},
                             .form = TW_AMOUNT_E8,
                             .threshold = 750000 * (tw_i128)TW_E8,
                             .value = 1050000 * (tw_i128)TW_E8 + 50000000,
                             .unit = "USD",
                             .rule = {"client_exposure", 15},
                             .rule_version = 1,
                             .config = {"c0ffee", 6},
                             .seq = 3,
                             .ts_ns = TS_NS,
                             .trade_count = trades,
                             .trade_count_listed = trades,
                             .detected_at_ns = TS_NS + 1};
    for (uint32_t i = 0; i < trades; i++)
        alert.trades[i] = (struct tw_alert_trade){i + 1, {"desk-1", 6}, i + 7, {i == 0 ? "x-1" : "", i == 0 ? 3 : 0}};
    return alert;
}

static struct tw_letter letter_of(const struct tw_alert *alert)
{
    record.length = 0;
    tw_alert_encode(&record, alert);
    assert_true(tw_alert_decode(record.bytes, record.length, &view));
    return (struct tw_letter){.view = &view, .log_id = "0123", .key = "0123-17"};
}

static void look_up(struct tw_letter *letter, uint32_t count)
{
    memset(looked_up, 0, sizeof looked_up);
    for (uint32_t i = 0; i < count; i++)
        looked_up[i] = (struct tw_letter_trade){.symbol = "MSFT",
                                                .account = "A <&> B",
                                                .side = i == 0 ? TW_SIDE_BUY : TW_SIDE_SELL,
                                                .qty_e8 = 4000 * TW_E8,
                                                .price_e8 = 15025 * (TW_E8 / 100),
                                                .ts_ns = TS_NS - 5};
    letter->trades = looked_up;
    letter->trade_count = count;
}

static void expect_of(enum tw_sheet_kind kind, enum tw_sheet_part part, const char *file,
                      const struct tw_letter *letter, const char *expected)
{
    struct tw_template_fault fault;
    struct tw_buffer out = {0};
    struct tw_sheet *sheet = tw_sheet_read(kind, file, file == NULL ? 0 : strlen(file), &fault);
    if (sheet == NULL)
        fail_msg("%s: %u:%u: %s", file, fault.line, fault.column, fault.why);
    struct tw_receiver receiver = {.name = "night", .sheet = sheet};
    tw_text_part(&receiver, letter, part, &out);
    tw_buffer_append(&out, "", 1);
    assert_string_equal((const char *)out.bytes, expected);
    tw_buffer_free(&out);
    tw_sheet_free(&sheet);
}

static void expect(const struct tw_letter *letter, const char *template, const char *expected)
{
    char file[1024];
    snprintf(file, sizeof file, "{{$text}}%s|{{/text}}", template);
    char with_end[1024];
    snprintf(with_end, sizeof with_end, "%s|", expected);
    expect_of(TW_SHEET_MAIL, TW_TEXT_TEXT, file, letter, with_end);
}

static int forget(void **state)
{
    (void)state;
    tw_buffer_free(&record);
    return 0;
}

/* ---- the built-in texts ---- */

static void a_mail_says_what_who_how_much_since_when_and_which_trades(void **state)
{
    (void)state;
    struct tw_alert alert = alert_of("escalate", "CRITICAL", 2);
    struct tw_letter letter = letter_of(&alert);
    letter.since_ns = TS_NS - 3725 * TW_NS_PER_SECOND;
    look_up(&letter, 2);
    expect_of(TW_SHEET_MAIL, TW_TEXT_SUBJECT, NULL, &letter, "CRITICAL: A <&> B is far above");
    expect_of(TW_SHEET_MAIL, TW_TEXT_TEXT, NULL, &letter,
              "What      A <&> B is far above\n"
              "Alert     HIGH_CLIENT_EXPOSURE, CRITICAL, escalate\n"
              "Who       CLIENT A <&> B\n"
              "How much  1,050,000.5 USD, limit 750,000 (140 %)\n"
              "When      2021-02-25T15:02:10.5Z (event time)\n"
              "Since     2021-02-25T14:00:05.5Z (1 h 2 min)\n"
              "Trades    buy 4,000 MSFT at 150.25 for A <&> B, desk-1/7 (x-1)\n"
              "          sell 4,000 MSFT at 150.25 for A <&> B, desk-1/8\n"
              "Number    17 (alert abcd0000000000000000000000000000)");
    expect_of(TW_SHEET_MAIL, TW_TEXT_HTML, NULL, &letter,
              "<!DOCTYPE html>\n<html><body style=\"font-family:sans-serif\">\n"
              "<table cellpadding=\"6\" style=\"border-left:6px solid #b71c1c;border-collapse:collapse\">\n"
              "<tr><td><b>What</b></td><td>A &lt;&amp;&gt; B is far above</td></tr>\n"
              "<tr><td><b>Alert</b></td><td>HIGH_CLIENT_EXPOSURE, CRITICAL, escalate</td></tr>\n"
              "<tr><td><b>Who</b></td><td>CLIENT A &lt;&amp;&gt; B</td></tr>\n"
              "<tr><td><b>How much</b></td><td>1,050,000.5 USD, limit 750,000 (140 %)</td></tr>\n"
              "<tr><td><b>When</b></td><td>2021-02-25T15:02:10.5Z (event time)</td></tr>\n"
              "<tr><td><b>Since</b></td><td>2021-02-25T14:00:05.5Z (1 h 2 min)</td></tr>\n"
              "<tr><td><b>Trades</b></td><td>buy 4,000 MSFT at 150.25 for A &lt;&amp;&gt; B, desk-1/7 (x-1)<br>"
              "sell 4,000 MSFT at 150.25 for A &lt;&amp;&gt; B, desk-1/8</td></tr>\n"
              "<tr><td><b>Number</b></td><td>17 (alert abcd0000000000000000000000000000)</td></tr>\n"
              "</table>\n</body></html>");
}

static void what_was_not_looked_up_is_left_out(void **state)
{
    (void)state;
    struct tw_alert alert = alert_of("open", "HIGH", 2);
    struct tw_letter letter = letter_of(&alert);
    expect_of(TW_SHEET_MAIL, TW_TEXT_TEXT, NULL, &letter,
              "What      A <&> B is far above\n"
              "Alert     HIGH_CLIENT_EXPOSURE, HIGH, open\n"
              "Who       CLIENT A <&> B\n"
              "How much  1,050,000.5 USD, limit 750,000 (140 %)\n"
              "When      2021-02-25T15:02:10.5Z (event time)\n"
              "Trades    desk-1/7 (x-1)\n"
              "          desk-1/8\n"
              "Number    17 (alert abcd0000000000000000000000000000)");
    look_up(&letter, 1);
    expect(&letter, "{{#trades}}{{#symbol}}{{symbol}}{{/symbol}}{{^symbol}}-{{/symbol}} {{/trades}}", "MSFT - ");
}

static void headlines_say_that_it_is_over(void **state)
{
    (void)state;
    static const struct {
        const char *event, *severity, *mail, *slack;
    } rows[] = {
        {"open", "MEDIUM", "MEDIUM: A <&> B is far above", "\xf0\x9f\x9f\xa1 MEDIUM HIGH_CLIENT_EXPOSURE"},
        {"open", "HIGH", "HIGH: A <&> B is far above", "\xf0\x9f\x9f\xa0 HIGH HIGH_CLIENT_EXPOSURE"},
        {"fire", "CRITICAL", "CRITICAL: A <&> B is far above", "\xf0\x9f\x94\xb4 CRITICAL HIGH_CLIENT_EXPOSURE"},
        {"resolve", "HIGH", "RESOLVED HIGH: A <&> B is far above", "\xe2\x9c\x85 HIGH HIGH_CLIENT_EXPOSURE"},
        {"retract", "LOW", "RETRACTED LOW: A <&> B is far above", "\xe2\x9c\x85 LOW HIGH_CLIENT_EXPOSURE"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tw_alert alert = alert_of(rows[i].event, rows[i].severity, 1);
        struct tw_letter letter = letter_of(&alert);
        expect_of(TW_SHEET_MAIL, TW_TEXT_SUBJECT, NULL, &letter, rows[i].mail);
        expect_of(TW_SHEET_PAGERDUTY, TW_TEXT_SUMMARY, NULL, &letter, rows[i].mail);
        expect_of(TW_SHEET_SNS, TW_TEXT_SUBJECT, NULL, &letter, rows[i].mail);
        expect_of(TW_SHEET_SYSLOG, TW_TEXT_MESSAGE, NULL, &letter, rows[i].mail);
        expect_of(TW_SHEET_SLACK, TW_TEXT_HEADLINE, NULL, &letter, rows[i].slack);
    }
}

/* ---- fields ---- */

static void each_field_has_its_value(void **state)
{
    (void)state;
    struct tw_alert alert = alert_of("escalate", "CRITICAL", 2);
    struct tw_letter letter = letter_of(&alert);
    letter.since_ns = TS_NS - 65 * TW_NS_PER_SECOND;
    look_up(&letter, 2);
    expect(&letter, "{{type}} {{severity}} {{event}} {{entity_type}} {{entity}} {{unit}} {{message}}",
           "HIGH_CLIENT_EXPOSURE CRITICAL escalate CLIENT A <&> B USD A <&> B is far above");
    expect(&letter, "{{value}} {{threshold}} {{percent}} {{value | money}}", "1050000.5 750000 140 1,050,000.50");
    expect(&letter, "{{ts}} {{since}} {{lasted}} {{detected_at | time}}",
           "2021-02-25T15:02:10.5Z 2021-02-25T15:01:05.5Z 1 min 5 s 2021-02-25 15:02:10 UTC");
    expect(&letter, "{{n}} {{id | first:8}} {{key}} {{log}} {{receiver}}", "17 abcd0000 0123-17 0123 night");
    expect(&letter, "{{rule}} {{rule_version}} {{config}} [{{model}}]", "client_exposure 1 c0ffee []");
    expect(&letter, "{{trade_count}}[{{more}}][{{over}}][{{resolved}}][{{retracted}}]", "2[][][][]");
    expect(&letter, "[{{escalated}}][{{critical}}][{{high}}][{{lower}}][{{picture}}{{picture_title}}]",
           "[yes][yes][][][]");
    expect(&letter,
           "{{#trades}}{{pub}}/{{pseq}}/{{seq}}/{{id}} {{side}} {{qty}} {{symbol}} {{price}} {{account}} "
           "{{ts}}\n{{/trades}}",
           "desk-1/7/1/x-1 buy 4000 MSFT 150.25 A <&> B 2021-02-25T15:02:10.499999995Z\n"
           "desk-1/8/2/ sell 4000 MSFT 150.25 A <&> B 2021-02-25T15:02:10.499999995Z\n");
    expect(&letter, "{{#trades}}{{n}}{{#first}}f{{/first}}{{#last}}l{{/last}} {{/trades}}", "17f 17l ");
}

static void features_of_statistics(void **state)
{
    (void)state;
    struct tw_alert alert = alert_of("fire", "MEDIUM", 1);
    alert.form = TW_AMOUNT_SCORE;
    alert.value_score = 3.7123456;
    alert.threshold_score = 3;
    alert.unit = "sigma";
    alert.features[0] = (struct tw_feature){"mean", 12345.5};
    alert.features[1] = (struct tw_feature){"sigma", 0.25};
    alert.feature_count = 2;
    struct tw_letter letter = letter_of(&alert);
    expect(&letter, "{{#features}}{{name}}={{value}}{{^last}}, {{/last}}{{/features}}", "mean=12345.5, sigma=0.25");
    expect(&letter,
           "{{#features}}{{#first}}{{name}}{{/first}}{{/features}} {{value | number}} {{threshold}} {{percent}}",
           "mean 3.712 3 124");
    alert.form = TW_AMOUNT_COUNT;
    alert.value = 12;
    alert.threshold = 0;
    letter = letter_of(&alert);
    expect(&letter, "{{value}} {{threshold}} [{{percent}}]", "12 0 []"); /* nothing is so many percent of none */
}

static void of_many_trades_the_latest_are_shown(void **state)
{
    (void)state;
    struct tw_alert alert = alert_of("open", "HIGH", 64);
    alert.trade_count = 100;
    struct tw_letter letter = letter_of(&alert);
    look_up(&letter, 64);
    expect(&letter, "{{#trades}}{{seq}}{{#first}}f{{/first}}{{#last}}l{{/last}} {{/trades}}{{more}}",
           "57f 58 59 60 61 62 63 64l 100");
    expect(&letter, "{{#all_trades}}{{#first}}{{seq}}{{/first}}{{#last}} {{seq}}{{side}}{{/last}}{{/all_trades}}",
           "1 64sell");
}

static void how_long_it_has_lasted(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *said;
    } rows[] = {{0, "0 s"},    {59, "59 s"},           {60, "1 min"},  {3599, "59 min 59 s"},
                {3600, "1 h"}, {86399, "23 h 59 min"}, {86400, "1 d"}, {1000000, "11 d 13 h"},
                {-1, ""}};
    struct tw_alert alert = alert_of("resolve", "HIGH", 1);
    struct tw_letter letter = letter_of(&alert);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        letter.since_ns = TS_NS - rows[i].seconds * TW_NS_PER_SECOND;
        expect(&letter, "{{#since}}{{lasted}}{{/since}}", rows[i].said);
    }
}

/* Whoever is told by a text that says nothing is told by the built-in headline. */
static void a_text_that_says_nothing_is_the_headline(void **state)
{
    (void)state;
    struct tw_alert alert = alert_of("resolve", "HIGH", 1);
    struct tw_letter letter = letter_of(&alert);
    expect_of(TW_SHEET_PAGERDUTY, TW_TEXT_SUMMARY, "{{$summary}}{{model}}{{/summary}}", &letter,
              "RESOLVED HIGH: A <&> B is far above");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mail_says_what_who_how_much_since_when_and_which_trades),
        cmocka_unit_test(what_was_not_looked_up_is_left_out),
        cmocka_unit_test(headlines_say_that_it_is_over),
        cmocka_unit_test(each_field_has_its_value),
        cmocka_unit_test(features_of_statistics),
        cmocka_unit_test(of_many_trades_the_latest_are_shown),
        cmocka_unit_test(how_long_it_has_lasted),
        cmocka_unit_test(a_text_that_says_nothing_is_the_headline),
    };
    return cmocka_run_group_tests(tests, NULL, forget);
}
