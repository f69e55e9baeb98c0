/* SPDX-License-Identifier: MIT
 *
 * Slack's incoming webhooks, with Block Kit. Its limits: 150 characters in a header, 3,000 in a section, 10 fields of
 * 2,000, 50 blocks, one message a second.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/delivery/digest.h"
#include "actors/delivery/render.h"
#include "protocol/check.h"
#include "protocol/json_text.h"

#define HEADER_CHARACTERS 150u
#define FIELD_CHARACTERS 2000u
#define SECTION_CHARACTERS 3000u
#define DIGEST_LINE_CHARACTERS 250u /* 10 of them fit into a section */

/* &, < and > are Slack's own; what would be too long ends in "...", never within an escape. */
static void append_escaped(struct tw_buffer *out, const char *text, size_t length, size_t characters)
{
    for (size_t at = 0, bytes; at < length; at += bytes) {
        const char *as = text[at] == '&' ? "&amp;" : text[at] == '<' ? "&lt;" : text[at] == '>' ? "&gt;" : NULL;
        bytes = tw_text_cut(text + at, length - at, 1);
        size_t needed = as == NULL ? 1 : strlen(as);
        if (needed + 3 > characters) {
            tw_buffer_append(out, "...", 3);
            return;
        }
        characters -= needed;
        if (as == NULL)
            tw_buffer_append(out, text + at, bytes);
        else
            tw_buffer_append(out, as, needed);
    }
}

static void print_text(FILE *out, const char *type, const struct tw_buffer *text, size_t characters)
{
    size_t length = tw_text_cut((const char *)text->bytes, text->length, characters);
    fprintf(out, "{\"type\":\"%s\",\"text\":", type);
    tw_json_text(out, (struct tw_text){(const char *)text->bytes, (uint32_t)length});
    fputc('}', out);
}

static const char *mark_of(const struct tw_alert_view *view)
{
    if (tw_text_is(view->event, "resolve") || tw_text_is(view->event, "retract"))
        return "\xe2\x9c\x85 "; /* a check mark */
    if (tw_text_is(view->severity, "CRITICAL"))
        return "\xf0\x9f\x94\xb4 ";                                                        /* a red circle */
    return tw_text_is(view->severity, "HIGH") ? "\xf0\x9f\x9f\xa0 " : "\xf0\x9f\x9f\xa1 "; /* orange, yellow */
}

static void print_header(FILE *out, const struct tw_alert_view *view)
{
    struct tw_buffer text = {0};
    tw_append_format(&text, "%s%.*s %.*s", mark_of(view), (int)view->severity.length, view->severity.bytes,
                     (int)view->type.length, view->type.bytes);
    fputs("{\"type\":\"header\",\"text\":", out);
    print_text(out, "plain_text", &text, HEADER_CHARACTERS);
    fputc('}', out);
    tw_buffer_free(&text);
}

static void print_row(FILE *out, const char *label, const struct tw_buffer *value, size_t characters)
{
    struct tw_buffer text = {0};
    if (label != NULL)
        tw_append_format(&text, "*%s*\n", label);
    append_escaped(&text, (const char *)value->bytes, value->length, characters - text.length);
    print_text(out, "mrkdwn", &text, characters);
    tw_buffer_free(&text);
}

/* The first row is what happened, the last who said so; those between are fields. */
static void print_blocks(FILE *out, const struct tw_alert_view *view)
{
    struct tw_words words;
    tw_words_of(view, &words);
    fputs(",\"blocks\":[", out);
    print_header(out, view);
    fputs(",{\"type\":\"section\",\"text\":", out);
    print_row(out, NULL, &words.rows[0].text, SECTION_CHARACTERS);
    fputs("},{\"type\":\"section\",\"fields\":[", out);
    for (uint32_t i = 1; i + 1 < words.count; i++) {
        if (i > 1)
            fputc(',', out);
        print_row(out, words.rows[i].label, &words.rows[i].text, FIELD_CHARACTERS);
    }
    fputs("]},{\"type\":\"context\",\"elements\":[", out);
    print_row(out, NULL, &words.rows[words.count - 1].text, FIELD_CHARACTERS);
    fputs("]}]", out);
    tw_words_free(&words);
}

static void render(const struct tw_receiver *receiver, const struct tw_letter *letter, int64_t wall_ns,
                   struct tw_request *request)
{
    struct tw_body body;
    struct tw_buffer headline = {0}, escaped = {0};
    (void)receiver, (void)wall_ns;
    tw_body_open(&body);
    FILE *out = body.out;
    tw_words_headline(&headline, letter->view);
    append_escaped(&escaped, (const char *)headline.bytes, headline.length, SECTION_CHARACTERS);
    fputs("{\"text\":", out); /* for notifications, and clients without blocks */
    tw_json_text(out, (struct tw_text){(const char *)escaped.bytes, (uint32_t)escaped.length});
    print_blocks(out, letter->view);
    fputc('}', out);
    tw_body_close(&body, request);
    tw_request_header(request, "content-type: application/json; charset=utf-8");
    tw_request_header(request, "idempotency-key: %s", letter->key);
    tw_buffer_free(&headline);
    tw_buffer_free(&escaped);
}

static void render_digest(const struct tw_receiver *receiver, const struct tw_digest_letter *letter, int64_t wall_ns,
                          struct tw_request *request)
{
    struct tw_body body;
    struct tw_buffer summary = {0}, escaped = {0}, lines = {0};
    (void)receiver, (void)wall_ns;
    tw_digest_summary(&summary, letter->digest);
    append_escaped(&escaped, (const char *)summary.bytes, summary.length, SECTION_CHARACTERS);
    for (uint32_t i = 0; i < letter->digest->shown_count; i++) {
        struct tw_alert_view view;
        struct tw_buffer headline = {0};
        if (!tw_digest_view(letter->digest, i, &view))
            continue;
        tw_words_headline(&headline, &view);
        tw_append_format(&lines, "%s\xe2\x80\xa2 ", i > 0 ? "\n" : ""); /* a bullet */
        append_escaped(&lines, (const char *)headline.bytes, headline.length, DIGEST_LINE_CHARACTERS);
        tw_append_format(&lines, " (%" PRIu64 ")", view.n);
        tw_buffer_free(&headline);
    }
    tw_body_open(&body);
    fputs("{\"text\":", body.out);
    tw_json_text(body.out, (struct tw_text){(const char *)escaped.bytes, (uint32_t)escaped.length});
    fputs(",\"blocks\":[{\"type\":\"section\",\"text\":", body.out);
    print_text(body.out, "mrkdwn", &escaped, SECTION_CHARACTERS);
    if (lines.length > 0) {
        fputs("},{\"type\":\"section\",\"text\":", body.out);
        print_text(body.out, "mrkdwn", &lines, SECTION_CHARACTERS);
    }
    fputs("}]}", body.out);
    tw_body_close(&body, request);
    tw_request_header(request, "content-type: application/json; charset=utf-8");
    tw_request_header(request, "idempotency-key: %s", letter->key);
    tw_buffer_free(&summary);
    tw_buffer_free(&escaped);
    tw_buffer_free(&lines);
}

const struct tw_receiver_kind tw_slack = {.name = "slack",
                                          .transport = TW_TRANSPORT_HTTP,
                                          .path = "",
                                          .pace = {1, TW_NS_PER_SECOND, TW_PERSON_BURST, TW_PERSON_REFILL_NS},
                                          .render = render,
                                          .judge = tw_judge_http,
                                          .render_digest = render_digest};
