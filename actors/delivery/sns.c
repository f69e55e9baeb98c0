/* SPDX-License-Identifier: MIT
 *
 * Amazon SNS: Publish to a topic, whose subscribers get mail, SMS or whatever they chose.
 */
#include <stdio.h>
#include <string.h>

#include "actors/delivery/render.h"
#include "actors/delivery/sigv4.h"
#include "actors/delivery/texts.h"
#include "protocol/check.h"

#define SUBJECT_BYTES_MAX 99u
#define CONTENT_TYPE "application/x-www-form-urlencoded; charset=utf-8"

static void append_encoded(struct tw_buffer *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c != '\0' && strchr("-_.~", c) != NULL);
        if (plain)
            tw_buffer_append(out, &c, 1);
        else
            tw_append_format(out, "%%%02X", c);
    }
}

static void append_field(struct tw_buffer *out, const char *name, const char *text, size_t length)
{
    tw_append_format(out, "&%s=", name);
    append_encoded(out, text, length);
}

static void append_attribute(struct tw_buffer *out, unsigned number, const char *name, struct tw_text value)
{
    char field[80];
    snprintf(field, sizeof field, "MessageAttributes.entry.%u.Name", number);
    append_field(out, field, name, strlen(name));
    snprintf(field, sizeof field, "MessageAttributes.entry.%u.Value.DataType", number);
    append_field(out, field, "String", 6);
    snprintf(field, sizeof field, "MessageAttributes.entry.%u.Value.StringValue", number);
    append_field(out, field, value.bytes, value.length);
}

/* ASCII, one line, a letter first. */
static void append_subject(struct tw_buffer *out, const struct tw_receiver *receiver, const struct tw_letter *letter)
{
    struct tw_buffer subject = {0};
    tw_text_part(receiver, letter, TW_TEXT_SUBJECT, &subject);
    for (size_t i = 0; i < subject.length; i++)
        if (subject.bytes[i] < ' ' || subject.bytes[i] > '~')
            subject.bytes[i] = '?';
    append_field(out, "Subject", (const char *)subject.bytes,
                 subject.length < SUBJECT_BYTES_MAX ? subject.length : SUBJECT_BYTES_MAX);
    tw_buffer_free(&subject);
}

static void append_body(struct tw_buffer *out, const struct tw_receiver *receiver, const struct tw_letter *letter)
{
    const struct tw_alert_view *view = letter->view;
    const char *topic = receiver->aws.topic;
    size_t topic_length = strlen(topic);
    struct tw_buffer message = {0};
    tw_letter_json(&message, letter);
    tw_append_format(out, "Action=Publish&Version=2010-03-31");
    append_field(out, "TopicArn", topic, topic_length);
    append_subject(out, receiver, letter);
    append_field(out, "Message", (const char *)message.bytes, message.length);
    append_attribute(out, 1, "key", (struct tw_text){letter->key, (uint32_t)strlen(letter->key)});
    append_attribute(out, 2, "severity", view->severity);
    append_attribute(out, 3, "type", view->type);
    append_attribute(out, 4, "event", view->event);
    if (topic_length > 5 && strcmp(topic + topic_length - 5, ".fifo") == 0) { /* it keeps order and drops repeats */
        append_field(out, "MessageGroupId", view->id.bytes, view->id.length);
        append_field(out, "MessageDeduplicationId", letter->key, strlen(letter->key));
    }
    tw_buffer_free(&message);
}

static void render(const struct tw_receiver *receiver, const struct tw_letter *letter, int64_t wall_ns,
                   struct tw_request *request)
{
    char region[64], host[256], date[TW_SIGV4_DATE_BYTES], authorization[TW_SIGV4_AUTHORIZATION_BYTES];
    struct tw_text where = tw_arn_region(receiver->aws.topic);
    const char *address = strstr(receiver->address, "://") + 3;
    snprintf(region, sizeof region, "%.*s", (int)where.length, where.bytes);
    snprintf(host, sizeof host, "%.*s", (int)strcspn(address, "/"), address);
    struct tw_sigv4 what = {.access_key_id = receiver->aws.access_key_id,
                            .secret_access_key = receiver->aws.secret_access_key,
                            .session_token = receiver->aws.session_token,
                            .region = region,
                            .service = "sns",
                            .host = host,
                            .content_type = CONTENT_TYPE};
    tw_request_clear(request);
    append_body(&request->body, receiver, letter);
    tw_sigv4_sign(&what, request->body.bytes, request->body.length, wall_ns, date, authorization);
    tw_request_header(request, "content-type: " CONTENT_TYPE);
    tw_request_header(request, "x-amz-date: %s", date);
    tw_request_header(request, "authorization: %s", authorization);
    if (what.session_token[0] != '\0')
        tw_request_header(request, "x-amz-security-token: %s", what.session_token);
}

/* Amazon says 400 also when the topic's key or its own patience is what is wrong, and then it may be set right. Any
 * other is about this message: tried again it would be the one that finds out whether the topic is well, for days. */
static enum tw_delivery_verdict judge(const struct tw_answer *answer)
{
    static const char *const passing[] = {"KMS", "Throttl", "RequestExpired"}; /* so they begin */
    char said[TW_ANSWER_BYTES_MAX + 1];
    snprintf(said, sizeof said, "%.*s", (int)answer->said.length, answer->said.length > 0 ? answer->said.bytes : "");
    const char *code = strstr(said, "<Code>");
    for (size_t i = 0; answer->status == 400 && code != NULL && i < sizeof passing / sizeof *passing; i++)
        if (strncmp(code + strlen("<Code>"), passing[i], strlen(passing[i])) == 0)
            return TW_VERDICT_RETRY;
    return tw_judge_http(answer);
}

/* The region of arn:aws:sns:REGION:ACCOUNT:NAME. */
struct tw_text tw_arn_region(const char *arn)
{
    for (int colons = 0; colons < 3 && arn != NULL; colons++) {
        arn = strchr(arn, ':');
        arn += arn != NULL ? 1 : 0;
    }
    return arn == NULL ? (struct tw_text){"", 0} : (struct tw_text){arn, (uint32_t)strcspn(arn, ":")};
}

const struct tw_receiver_kind tw_sns = {.name = "sns",
                                        .transport = TW_TRANSPORT_HTTP,
                                        .path = "",
                                        .has_sheet = true,
                                        .sheet = TW_SHEET_SNS,
                                        .pace = {.under_way_max = 4},
                                        .render = render,
                                        .judge = judge};
