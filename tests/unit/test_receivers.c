/* SPDX-License-Identifier: MIT
 *
 * Receivers: what is sent, byte by byte where others have fixed it; what answers mean; who is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "actors/delivery/receiver.h"
#include "actors/delivery/render.h"
#include "actors/delivery/sigv4.h"
#include "actors/router/routing.h"

#define KEY "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define WALL_NS (INT64_C(1614265330) * TW_NS_PER_SECOND)
#define LOG_ID "0123456789abcdef0123456789abcdef"

/* ---- an alert ---- */

static struct tw_buffer record;

static struct tw_alert_view alert(const char *event, const char *message)
{
    struct tw_alert_view view;
    struct tw_alert event_record = {.n = 17,
                                    .id = {0xab, 0xcd},
                                    .event = event,
                                    .type = "HIGH_SYMBOL_EXPOSURE",
                                    .severity = "CRITICAL",
                                    .entity_type = "SYMBOL",
                                    .entity = {"MSFT", 4},
                                    .message = {message, (uint32_t)strlen(message)},
                                    .form = TW_AMOUNT_E8,
                                    .threshold = 750000 * (tw_i128)TW_E8,
                                    .value = 1050000 * (tw_i128)TW_E8,
                                    .unit = "USD",
                                    .rule = {"symbol_exposure", 15},
                                    .rule_version = 1,
                                    .config = {"00", 2},
                                    .seq = 3,
                                    .ts_ns = WALL_NS,
                                    .trade_count = 1,
                                    .trade_count_listed = 1,
                                    .detected_at_ns = WALL_NS + 5};
    event_record.trades[0] = (struct tw_alert_trade){3, {"desk-1", 6}, 7, {"x-1", 3}};
    record.length = 0;
    tw_alert_encode(&record, &event_record);
    assert_true(tw_alert_decode(record.bytes, record.length, &view));
    return view;
}

static struct tw_request rendered; /* its body ends with NUL */

static const char *render(const struct tw_receiver *receiver, const struct tw_alert_view *view)
{
    struct tw_letter letter = {.view = view, .log_id = LOG_ID, .key = LOG_ID "-17"};
    struct tw_template_fault fault;
    struct tw_receiver with_texts = *receiver;
    struct tw_sheet *sheet = receiver->kind->has_sheet ? tw_sheet_read(receiver->kind->sheet, NULL, 0, &fault) : NULL;
    with_texts.sheet = sheet;
    receiver->kind->render(&with_texts, &letter, WALL_NS, &rendered);
    tw_sheet_free(&sheet);
    tw_buffer_append(&rendered.body, "", 1);
    rendered.body.length--;
    return (const char *)rendered.body.bytes;
}

static const char *header(const char *name)
{
    for (uint32_t i = 0; i < rendered.header_count; i++)
        if (strncmp(rendered.headers[i], name, strlen(name)) == 0 && rendered.headers[i][strlen(name)] == ':')
            return rendered.headers[i] + strlen(name) + 2;
    return NULL;
}

static int forget(void **state)
{
    (void)state;
    tw_buffer_free(&record);
    tw_buffer_free(&rendered.body);
    return 0;
}

/* ---- webhook ---- */

static void the_signature_is_that_of_the_published_example(void **state)
{
    (void)state;
    static const char body[] = "{\"test\": 2432232314}";
    struct tw_signing_key key;
    char signature[TW_SIGNATURE_BYTES];
    tw_signing_key_read(KEY, strlen(KEY), &key);
    assert_int_equal(key.length, 24);
    tw_webhook_sign(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body, strlen(body), signature);
    assert_string_equal(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

static void keys_with_padding_are_as_long_as_they_are(void **state)
{
    (void)state;
    struct tw_signing_key key;
    static const char one[] = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBk=";
    static const char two[] = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGA==";
    tw_signing_key_read(one, strlen(one), &key);
    assert_int_equal(key.length, 26);
    tw_signing_key_read(two, strlen(two), &key);
    assert_int_equal(key.length, 25);
    assert_int_equal(key.bytes[24], 24);
}

static void a_webhook_carries_the_alert_and_a_signature_by_each_key(void **state)
{
    (void)state;
    struct tw_receiver receiver = {.name = "ops", .kind = &tw_webhook, .key_count = 2};
    struct tw_alert_view view = alert("open", "MSFT: \"exposure\" 1,050,000 USD");
    char first[TW_SIGNATURE_BYTES], second[TW_SIGNATURE_BYTES], both[2 * TW_SIGNATURE_BYTES];
    tw_signing_key_read(KEY, strlen(KEY), &receiver.keys[0]);
    receiver.keys[1] = (struct tw_signing_key){{1, 2, 3}, 32};
    const char *body = render(&receiver, &view);
    assert_ptr_equal(strstr(body, "{\"n\":17,\"id\":\"abcd0000000000000000000000000000\",\"event\":\"open\","), body);
    assert_non_null(strstr(body, "\"message\":\"MSFT: \\\"exposure\\\" 1,050,000 USD\""));
    assert_string_equal(body + strlen(body) - 1, "}");
    assert_string_equal(header("content-type"), "application/json");
    assert_string_equal(header("webhook-id"), LOG_ID "-17");
    assert_string_equal(header("webhook-timestamp"), "1614265330");
    tw_webhook_sign(&receiver.keys[0], LOG_ID "-17", 1614265330, body, strlen(body), first);
    tw_webhook_sign(&receiver.keys[1], LOG_ID "-17", 1614265330, body, strlen(body), second);
    snprintf(both, sizeof both, "%s %s", first, second);
    assert_string_equal(header("webhook-signature"), both);
    receiver.key_count = 0;
    render(&receiver, &view);
    assert_null(header("webhook-signature"));
}

static void answers_are_judged_by_whom_they_speak_of(void **state)
{
    (void)state;
    static const struct {
        const struct tw_receiver_kind *kind;
        bool answered;
        int32_t status;
        enum tw_delivery_verdict verdict;
    } rows[] = {
        {&tw_webhook, true, 200, TW_VERDICT_DELIVERED}, {&tw_webhook, true, 204, TW_VERDICT_DELIVERED},
        {&tw_webhook, true, 302, TW_VERDICT_RETRY},     {&tw_webhook, true, 400, TW_VERDICT_REJECTED},
        {&tw_webhook, true, 422, TW_VERDICT_REJECTED},  {&tw_webhook, true, 401, TW_VERDICT_RETRY},
        {&tw_webhook, true, 404, TW_VERDICT_RETRY},     {&tw_webhook, true, 429, TW_VERDICT_RETRY},
        {&tw_webhook, true, 503, TW_VERDICT_RETRY},     {&tw_webhook, false, 0, TW_VERDICT_RETRY},
        {&tw_slack, true, 200, TW_VERDICT_DELIVERED},   {&tw_mail, true, 250, TW_VERDICT_DELIVERED},
        {&tw_mail, true, 421, TW_VERDICT_RETRY},        {&tw_mail, true, 535, TW_VERDICT_RETRY},
        {&tw_mail, true, 550, TW_VERDICT_REJECTED},     {&tw_mail, false, 250, TW_VERDICT_RETRY},
        {&tw_file, true, 0, TW_VERDICT_DELIVERED},      {&tw_file, false, 0, TW_VERDICT_RETRY},
        {&tw_command, true, 0, TW_VERDICT_DELIVERED},   {&tw_command, true, 65, TW_VERDICT_REJECTED},
        {&tw_command, true, 1, TW_VERDICT_RETRY},       {&tw_command, false, 0, TW_VERDICT_RETRY},
        {&tw_sns, true, 200, TW_VERDICT_DELIVERED},     {&tw_sns, true, 400, TW_VERDICT_REJECTED},
        {&tw_sns, true, 403, TW_VERDICT_RETRY},         {&tw_sns, true, 413, TW_VERDICT_REJECTED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tw_answer answer = {.answered = rows[i].answered, .status = rows[i].status};
        if (rows[i].kind->judge(&answer) != rows[i].verdict)
            fail_msg("%s %d", rows[i].kind->name, rows[i].status);
    }
    /* "554 no service for you" as a greeting says nothing of this mail */
    struct tw_answer greeting = {.answered = true, .status = 554, .unheard = true};
    assert_int_equal(tw_mail.judge(&greeting), TW_VERDICT_RETRY);
}

static void a_400_of_amazon_s_speaks_of_the_message_or_of_the_topic(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        enum tw_delivery_verdict verdict;
    } rows[] = {
        {"KMSThrottling", TW_VERDICT_RETRY},       {"KMSAccessDenied", TW_VERDICT_RETRY},
        {"KMSDisabled", TW_VERDICT_RETRY},         {"KMSInvalidState", TW_VERDICT_RETRY},
        {"KMSNotFound", TW_VERDICT_RETRY},         {"KMSOptInRequired", TW_VERDICT_RETRY},
        {"Throttling", TW_VERDICT_RETRY},          {"ThrottlingException", TW_VERDICT_RETRY},
        {"Throttled", TW_VERDICT_RETRY},           {"RequestExpired", TW_VERDICT_RETRY},
        {"InvalidParameter", TW_VERDICT_REJECTED}, {"InvalidParameterValue", TW_VERDICT_REJECTED},
        {"ValidationError", TW_VERDICT_REJECTED},  {"SoKMSThrottling", TW_VERDICT_REJECTED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char said[TW_ANSWER_BYTES_MAX];
        int length = snprintf(said, sizeof said,
                              "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>Sender"
                              "</Type><Code>%s</Code><Message>KMSThrottling",
                              rows[i].code);
        struct tw_answer answer = {.answered = true, .status = 400, .said = {said, (uint32_t)length}};
        if (tw_sns.judge(&answer) != rows[i].verdict)
            fail_msg("%s", said);
    }
}

/* ---- slack ---- */

/* The longest JSON string behind `"text":"`, in characters as Slack counts them; escapes as one each. */
static size_t longest_text(const char *json)
{
    size_t longest = 0;
    for (const char *at = json; (at = strstr(at, "\"text\":\"")) != NULL;) {
        size_t characters = 0;
        for (at += strlen("\"text\":\""); *at != '"'; at++) {
            at += *at == '\\' ? 1 : 0;
            characters += ((unsigned char)*at & 0xc0u) != 0x80u ? 1 : 0;
        }
        longest = characters > longest ? characters : longest;
    }
    return longest;
}

static void slack_gets_no_more_than_it_takes(void **state)
{
    (void)state;
    struct tw_receiver receiver = {.name = "slack", .kind = &tw_slack};
    static char long_one[9000];
    struct tw_alert_view view = alert("open", "x");
    for (size_t i = 0; i + 3 <= sizeof long_one - 1; i += 3)
        memcpy(long_one + i, i % 2 == 0 ? "&\xc3\xa9" : "<\xc3\xa9", 3);
    view.message = (struct tw_text){long_one, sizeof long_one - 3};
    const char *body = render(&receiver, &view);
    assert_in_range(longest_text(body), 2900, 3000);
    assert_non_null(strstr(body, "...\""));
    assert_null(strchr(body, '<'));
    assert_null(strstr(body, "\\ufffd")); /* no character was cut in two */
    assert_string_equal(header("idempotency-key"), LOG_ID "-17");
}

static void slack_says_what_who_how_much_and_which_trades(void **state)
{
    (void)state;
    struct tw_receiver receiver = {.name = "slack", .kind = &tw_slack};
    struct tw_alert_view view = alert("resolve", "MSFT: down to 400,000 USD");
    const char *body = render(&receiver, &view);
    static const char *const said[] = {"\"text\":\"RESOLVED CRITICAL: MSFT: down to 400,000 USD\"",
                                       "CRITICAL HIGH_SYMBOL_EXPOSURE",
                                       "*Who*\\u000aSYMBOL MSFT",
                                       "*How much*\\u000a1,050,000 USD, limit 750,000 (140 %)",
                                       "desk-1/7 (x-1)",
                                       "2021-02-25T15:02:10Z"};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        if (strstr(body, said[i]) == NULL)
            fail_msg("%s is not in %s", said[i], body);
}

/* ---- pagerduty, alertmanager ---- */

static void pagerduty_opens_and_resolves_one_incident_an_episode(void **state)
{
    (void)state;
    struct tw_receiver receiver = {.name = "pagerduty", .kind = &tw_pagerduty, .routing_key = "R0"};
    struct tw_alert_view view = alert("open", "MSFT: above");
    const char *body = render(&receiver, &view);
    static const char opened[] = "{\"routing_key\":\"R0\",\"event_action\":\"trigger\",\"dedup_key\":\"" LOG_ID
                                 "-abcd0000000000000000000000000000\",\"client\":\"Tapewarden\",\"payload\":{"
                                 "\"summary\":\"CRITICAL: MSFT: above\",\"severity\":\"critical\","
                                 "\"timestamp\":\"2021-02-25T15:02:10Z\",\"source\":\"MSFT\",";
    if (strncmp(body, opened, strlen(opened)) != 0)
        fail_msg("%s", body);
    assert_non_null(strstr(body, "\"custom_details\":{\"n\":17,"));
    view = alert("escalate", "MSFT: above");
    assert_non_null(strstr(render(&receiver, &view), "\"event_action\":\"trigger\""));
    view = alert("retract", "MSFT: busted");
    assert_non_null(strstr(render(&receiver, &view), "\"event_action\":\"resolve\""));
}

/* Under these labels it is over. */
/* Nor does one end that its rule never raises. */
static void no_lesser_fires(const char *body)
{
    const char *lesser = strstr(body, "\"severity\":\"HIGH\"");
    assert_non_null(lesser);
    assert_non_null(strstr(lesser, "\"endsAt\":\"2021-02-25T15:02:10Z\"}"));
    assert_null(strstr(body, "\"severity\":\"MEDIUM\""));
    assert_null(strstr(body, "\"severity\":\"LOW\""));
}

static void alertmanager_is_told_when_an_episode_ends(void **state)
{
    (void)state;
    struct tw_receiver receiver = {.name = "alertmanager", .kind = &tw_alertmanager};
    struct tw_alert_view view = alert("open", "MSFT: above");
    const char *body = render(&receiver, &view);
    assert_non_null(strstr(body, "\"labels\":{\"alertname\":\"HIGH_SYMBOL_EXPOSURE\",\"severity\":\"CRITICAL\""));
    /* What is built in says what it said before there were templates, byte for byte. */
    assert_non_null(
        strstr(body, "\"annotations\":{\"summary\":\"MSFT: above\",\"key\":\"" LOG_ID
                     "-17\",\"alert\":\"HIGH_SYMBOL_EXPOSURE, CRITICAL, open\",\"who\":\"SYMBOL MSFT\","
                     "\"how_much\":\"1050000 USD, limit 750000\",\"when\":\"2021-02-25T15:02:10Z (event time)\""));
    assert_non_null(strstr(body, "\"startsAt\":\"2021-02-25T15:02:10Z\",\"endsAt\":\"2022-02-25T15:02:10Z\"}]"));
    view = alert("resolve", "MSFT: below");
    body = render(&receiver, &view);
    assert_non_null(strstr(body, "\"endsAt\":\"2021-02-25T15:02:10Z\"}]"));
    no_lesser_fires(body); /* it may have grown in between, which was hidden */
    view = alert("fire", "MSFT: large");
    assert_null(strstr(render(&receiver, &view), "endsAt"));
    view = alert("escalate", "MSFT: far above");
    no_lesser_fires(render(&receiver, &view));
    view = alert("resolve", "MSFT: quiet");
    view.type = (struct tw_text){"ANOMALY_DETECTED", 16};
    view.severity = (struct tw_text){"HIGH", 4};
    body = render(&receiver, &view);
    assert_non_null(strstr(body, "\"severity\":\"MEDIUM\""));
    assert_null(strstr(body, "\"severity\":\"LOW\""));
    view.severity = (struct tw_text){"MEDIUM", 6};
    assert_null(strstr(render(&receiver, &view), "},{"));
}

static void a_webhook_can_look_like_one_of_alertmanagers(void **state)
{
    (void)state;
    struct tw_receiver receiver = {.name = "old", .kind = &tw_webhook_v4};
    struct tw_alert_view view = alert("resolve", "MSFT: below");
    const char *body = render(&receiver, &view);
    static const char begin[] =
        "{\"version\":\"4\",\"groupKey\":\"{}:{alert=\\\"abcd0000000000000000000000000000\\\"}\","
        "\"truncatedAlerts\":0,\"status\":\"resolved\",\"receiver\":\"old\",\"groupLabels\":{"
        "\"alert\":\"abcd0000000000000000000000000000\"},\"commonLabels\":{\"alertname\":"
        "\"HIGH_SYMBOL_EXPOSURE\",\"severity\":\"CRITICAL\",";
    if (strncmp(body, begin, strlen(begin)) != 0)
        fail_msg("%s", body);
    assert_non_null(strstr(body, "\"startsAt\":\"2021-02-25T15:02:10Z\",\"endsAt\":\"2021-02-25T15:02:10Z\","
                                 "\"generatorURL\":\"\",\"fingerprint\":\"abcd000000000000\"}]}"));
    assert_string_equal(header("webhook-id"), LOG_ID "-17");
    view = alert("open", "MSFT: above");
    assert_non_null(strstr(render(&receiver, &view), "\"endsAt\":\"0001-01-01T00:00:00Z\""));
}

/* ---- sns ---- */

/* "post-x-www-form-urlencoded" of AWS's own test suite for Signature Version 4. */
static void the_aws_signature_is_that_of_the_published_example(void **state)
{
    (void)state;
    static const struct tw_sigv4 what = {.access_key_id = "AKIDEXAMPLE",
                                         .secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                                         .session_token = "",
                                         .region = "us-east-1",
                                         .service = "service",
                                         .host = "example.amazonaws.com",
                                         .content_type = "application/x-www-form-urlencoded"};
    char date[TW_SIGV4_DATE_BYTES], authorization[TW_SIGV4_AUTHORIZATION_BYTES];
    tw_sigv4_sign(&what, "Param1=value1", 13, INT64_C(1440938160) * TW_NS_PER_SECOND, date, authorization);
    assert_string_equal(date, "20150830T123600Z");
    assert_string_equal(authorization,
                        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
                        "SignedHeaders=content-type;host;x-amz-date, "
                        "Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a");
}

static void sns_publishes_to_the_topic_in_its_region(void **state)
{
    (void)state;
    struct tw_receiver receiver = {.name = "sns", .kind = &tw_sns, .address = "https://sns.eu-west-1.amazonaws.com"};
    struct tw_alert_view view = alert("open", "M\xc3\xbcller & Co");
    receiver.aws.topic = "arn:aws:sns:eu-west-1:123456789012:risk.fifo";
    receiver.aws.access_key_id = "AKID";
    receiver.aws.secret_access_key = "secret";
    receiver.aws.session_token = "token";
    const char *body = render(&receiver, &view);
    static const char *const fields[] = {
        "Action=Publish&Version=2010-03-31&TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A123456789012%3Arisk.fifo&",
        "&Subject=CRITICAL%3A%20M%3F%3Fller%20%26%20Co&Message=%7B%22n%22%3A17%2C",
        "&MessageAttributes.entry.1.Name=key&MessageAttributes.entry.1.Value.DataType=String&"
        "MessageAttributes.entry.1.Value.StringValue=" LOG_ID "-17&",
        "&MessageGroupId=abcd0000000000000000000000000000&MessageDeduplicationId=" LOG_ID "-17",
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (strstr(body, fields[i]) == NULL)
            fail_msg("%s is not in %s", fields[i], body);
    assert_string_equal(header("x-amz-security-token"), "token");
    assert_non_null(strstr(header("authorization"), "Credential=AKID/20210225/eu-west-1/sns/aws4_request, "
                                                    "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token"));
}

/* ---- mail ---- */

static const struct tw_receiver mail = {
    .name = "mail", .kind = &tw_mail, .address = "risk@example.com, night@example.com", .from = "tw@example.org"};

static void lines_of_a_mail_are_short_ascii_and_end_in_cr_lf(void **state)
{
    (void)state;
    static char text[500];
    for (size_t i = 0; i < sizeof text - 1; i++)
        text[i] = "=. \xc3\xa9x"[i % 6 == 3 ? 3 : i % 6 == 4 ? 4 : i % 3];
    text[490] = '\0';
    struct tw_alert_view view = alert("open", "x");
    view.message = (struct tw_text){text, 490};
    const char *line = render(&mail, &view);
    for (const char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        assert_true(end > line && end[-1] == '\r');
        assert_true(end - line <= 77 || strncmp(line, "References: ", 12) == 0 ||
                    strncmp(line, "Content-Type", 12) == 0 || strncmp(line, "In-Reply-To: ", 13) == 0 ||
                    strncmp(line, "Message-ID: ", 12) == 0 || strncmp(line, "X-Tapewarden-Key: ", 18) == 0);
        for (const char *c = line; c + 1 < end; c++)
            assert_true(*c >= ' ' && *c <= '~');
        assert_false(line[0] == '.');
    }
    assert_string_equal(line, "");
}

static void the_headers_of_a_mail(void **state)
{
    (void)state;
    struct tw_alert_view view = alert("open", "M\xc3\xbcller");
    const char *body = render(&mail, &view);
    static const char *const headers[] = {
        "From: Tapewarden <tw@example.org>\r\nTo: <risk@example.com>,\r\n <night@example.com>\r\n",
        "\r\nDate: Thu, 25 Feb 2021 15:02:10 +0000\r\n",
        "\r\nSubject: =?utf-8?Q?=43=52=49=54=49?=\r\n =?utf-8?Q?",
        "\r\nMessage-ID: <abcd0000000000000000000000000000." LOG_ID "@example.org>\r\n",
        "\r\nX-Tapewarden-Key: " LOG_ID "-17\r\n",
        "\r\nAuto-Submitted: auto-generated\r\n",
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        if (strstr(body, headers[i]) == NULL)
            fail_msg("%s is not in %s", headers[i], body);
    assert_null(strstr(body, "In-Reply-To"));
}

static void later_mails_of_an_episode_answer_the_first(void **state)
{
    (void)state;
    struct tw_alert_view view = alert("escalate", "MSFT again");
    const char *body = render(&mail, &view);
    static const char first[] = "<abcd0000000000000000000000000000." LOG_ID "@example.org>";
    char wanted[300];
    snprintf(wanted, sizeof wanted, "Message-ID: <" LOG_ID "-17@example.org>\r\nIn-Reply-To: %s\r\nReferences: %s\r\n",
             first, first);
    assert_non_null(strstr(body, wanted));
    assert_non_null(strstr(body, "\r\nSubject: CRITICAL: MSFT again\r\n"));
}

/* The body of a mail that shows a picture of so many bytes. */
static const char *mail_with_picture(size_t bytes, const char *template)
{
    static struct tw_buffer picture;
    struct tw_template_fault fault;
    struct tw_alert_view view = alert("open", "MSFT");
    struct tw_letter letter = {
        .view = &view, .log_id = LOG_ID, .key = LOG_ID "-17", .picture = &picture, .picture_title = "A <curve>"};
    struct tw_receiver receiver = mail;
    struct tw_sheet *sheet = tw_sheet_read(TW_SHEET_MAIL, template, template == NULL ? 0 : strlen(template), &fault);
    assert_non_null(sheet);
    picture.length = 0;
    for (size_t i = 0; i < bytes; i++)
        tw_buffer_append(&picture, &"abc"[i % 3], 1);
    receiver.sheet = sheet;
    receiver.kind->render(&receiver, &letter, WALL_NS, &rendered);
    tw_buffer_append(&rendered.body, "", 1);
    tw_sheet_free(&sheet);
    tw_buffer_free(&picture);
    return (const char *)rendered.body.bytes;
}

static void a_picture_goes_with_the_html_that_shows_it(void **state)
{
    (void)state;
    static const struct {
        size_t bytes;
        const char *base64;
    } rows[] = {{1, "\r\n\r\nYQ==\r\n--"}, {2, "\r\n\r\nYWI=\r\n--"},      {3, "\r\n\r\nYWJj\r\n--"},
                {57, "YWJjYWJj\r\n--"},    {58, "YWJjYWJj\r\nYQ==\r\n--"}, {60, "YWJjYWJj\r\nYWJj\r\n--"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_non_null(strstr(mail_with_picture(rows[i].bytes, NULL), rows[i].base64));
    const char *body = mail_with_picture(200, NULL);
    static const char *const parts[] = {
        "Content-Type: multipart/alternative; boundary=\"=_" LOG_ID "-17\"\r\n\r\n--=_" LOG_ID
        "-17\r\nContent-Type: text/plain",
        "--=_" LOG_ID "-17\r\nContent-Type: multipart/related; type=\"text/html\";\r\n boundary=\"=_" LOG_ID
        "-17-related\"\r\n",
        "\r\n\r\n--=_" LOG_ID "-17-related\r\nContent-Type: text/html",
        "\r\nContent-ID: <picture." LOG_ID "-17@example.org>\r\nContent-Disposition: inline",
        "\r\n--=_" LOG_ID "-17-related--\r\n--=_" LOG_ID "-17--\r\n"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strstr(body, parts[i]) == NULL)
            fail_msg("%s is not in %s", parts[i], body);
    for (const char *end; (end = strchr(body, '\n')) != NULL; body = end + 1)
        assert_true(end > body && end[-1] == '\r' && end - body < 120);
    body = mail_with_picture(200, "{{$html}}<p>{{message}}, {{picture_title}}</p>{{/html}}");
    assert_null(strstr(body, "image/png")); /* this template does not show it */
    assert_non_null(strstr(body, "A &lt;curve&gt;"));
}

/* ---- lines ---- */

static void a_line_is_the_alert_with_its_key(void **state)
{
    (void)state;
    struct tw_receiver receiver = {.name = "file", .kind = &tw_file};
    struct tw_alert_view view = alert("open", "x");
    const char *body = render(&receiver, &view);
    assert_ptr_equal(strstr(body, "{\"key\":\"" LOG_ID "-17\",\"n\":17,\"id\":"), body);
    assert_string_equal(body + strlen(body) - 2, "}\n");
    assert_ptr_equal(strchr(body, '\n'), body + strlen(body) - 1);
}

/* ---- who is told ---- */

static void everyone_gets_what_reaches_their_least_severity(void **state)
{
    (void)state;
    static const struct tw_routing routing = {.names = {"all", "night", "risk"},
                                              .minimum = {TW_SEVERITY_LOW, TW_SEVERITY_CRITICAL, TW_SEVERITY_HIGH},
                                              .count = 3};
    static const uint32_t receivers[] = {0, 1, 1, 5, 7};
    for (int severity = TW_SEVERITY_LOW; severity <= TW_SEVERITY_CRITICAL; severity++)
        assert_int_equal(
            tw_routing_decide(&routing, &(struct tw_routing_facts){.severity = (enum tw_severity)severity}, NULL),
            receivers[severity]);
}

static void receivers_come_from_the_configuration(void **state)
{
    (void)state;
    static const char *const sets[] = {"webhook/ops=https://ops",
                                       "webhook_keys/ops=" KEY "  " KEY,
                                       "severity/ops=HIGH",
                                       "slack/webhook_url=https://slack",
                                       "mail/to=a@b.example",
                                       "mail/from=c@d.example",
                                       "mail/server=mx.example",
                                       "file/path=/var/log/alerts",
                                       "command/argv=/usr/bin/page x",
                                       "syslog/address=/dev/log",
                                       "syslog/facility=local3"};
    struct tw_cfg_error error;
    struct tw_cfg *cfg =
        tw_cfg_load(&(struct tw_cfg_sources){.sets = sets, .set_count = sizeof sets / sizeof *sets}, &error);
    struct tw_receivers receivers;
    static const char *const names[] = {"ops", "slack", "mail", "file", "command", "syslog"};
    if (cfg == NULL)
        fail_msg("%s", error.text);
    tw_receivers_from(cfg, &receivers);
    assert_int_equal(receivers.count, 6);
    assert_int_equal(receivers.list[5].facility, 19);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(receivers.list[i].name, names[i]);
    assert_int_equal(receivers.list[0].key_count, 2);
    assert_int_equal(receivers.list[0].minimum, TW_SEVERITY_HIGH);
    assert_int_equal(receivers.list[1].minimum, TW_SEVERITY_LOW);
    assert_string_equal(receivers.list[2].from, "c@d.example");
    tw_cfg_free(&cfg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_signature_is_that_of_the_published_example),
        cmocka_unit_test(keys_with_padding_are_as_long_as_they_are),
        cmocka_unit_test(a_webhook_carries_the_alert_and_a_signature_by_each_key),
        cmocka_unit_test(answers_are_judged_by_whom_they_speak_of),
        cmocka_unit_test(a_400_of_amazon_s_speaks_of_the_message_or_of_the_topic),
        cmocka_unit_test(slack_gets_no_more_than_it_takes),
        cmocka_unit_test(slack_says_what_who_how_much_and_which_trades),
        cmocka_unit_test(pagerduty_opens_and_resolves_one_incident_an_episode),
        cmocka_unit_test(alertmanager_is_told_when_an_episode_ends),
        cmocka_unit_test(a_webhook_can_look_like_one_of_alertmanagers),
        cmocka_unit_test(the_aws_signature_is_that_of_the_published_example),
        cmocka_unit_test(sns_publishes_to_the_topic_in_its_region),
        cmocka_unit_test(lines_of_a_mail_are_short_ascii_and_end_in_cr_lf),
        cmocka_unit_test(the_headers_of_a_mail),
        cmocka_unit_test(later_mails_of_an_episode_answer_the_first),
        cmocka_unit_test(a_picture_goes_with_the_html_that_shows_it),
        cmocka_unit_test(a_line_is_the_alert_with_its_key),
        cmocka_unit_test(everyone_gets_what_reaches_their_least_severity),
        cmocka_unit_test(receivers_come_from_the_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, forget);
}
