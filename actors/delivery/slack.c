/* SPDX-License-Identifier: MIT
 *
 * Slack's incoming webhooks, with Block Kit. Its limits: 150 characters in a header, 3,000 in a section, 10 fields of
 * 2,000, 50 blocks, one message a second.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/delivery/digest_texts.h"
#include "actors/delivery/render.h"
#include "actors/delivery/texts.h"
#include "protocol/check.h"
#include "protocol/json_text.h"

#define SECTION_CHARACTERS 3000u

struct printing {
    const struct tw_receiver *receiver;
    FILE *out;
    struct tw_texts texts;
};

static void print_text(FILE *out, const char *type, const struct tw_buffer *text, size_t characters)
{
    size_t length = tw_text_cut((const char *)text->bytes, text->length, characters);
    fprintf(out, "{\"type\":\"%s\",\"text\":", type);
    tw_json_text(out, (struct tw_text){(const char *)text->bytes, (uint32_t)length});
    fputc('}', out);
}

/* A part of the template as a text of blocks; false: it says nothing. */
static bool print_part(struct printing *printing, enum tw_sheet_part part, uint32_t at, const char *before,
                       const char *type)
{
    struct tw_buffer text = {0};
    tw_text_append(printing->receiver, &printing->texts, part, at, &text);
    bool any = text.length > 0;
    if (any) {
        fputs(before, printing->out);
        print_text(printing->out, type, &text, SECTION_CHARACTERS);
    }
    tw_buffer_free(&text);
    return any;
}

static void print_fields(struct printing *printing)
{
    const char *before = ",{\"type\":\"section\",\"fields\":[";
    bool any = false;
    for (uint32_t i = 0; i < tw_sheet_count(printing->receiver->sheet, TW_TEXT_FIELD); i++)
        if (print_part(printing, TW_TEXT_FIELD, i, before, "mrkdwn")) {
            any = true;
            before = ",";
        }
    if (any)
        fputs("]}", printing->out);
}

/* What says nothing has no block; there is one at least, for Slack wants one. */
static void print_blocks(struct printing *printing)
{
    FILE *out = printing->out;
    fputs(",\"blocks\":[", out);
    if (print_part(printing, TW_TEXT_HEADLINE, 0, "{\"type\":\"header\",\"text\":", "plain_text"))
        fputs("},", out);
    fputs("{\"type\":\"section\",\"text\":", out);
    if (!print_part(printing, TW_TEXT_BODY, 0, "", "mrkdwn"))
        fputs("{\"type\":\"mrkdwn\",\"text\":\"-\"}", out);
    fputc('}', out);
    print_fields(printing);
    if (print_part(printing, TW_TEXT_CONTEXT, 0, ",{\"type\":\"context\",\"elements\":[", "mrkdwn"))
        fputs("]}", out);
    fputc(']', out);
}

static void render(const struct tw_receiver *receiver, const struct tw_letter *letter, int64_t wall_ns,
                   struct tw_request *request)
{
    struct tw_body body;
    struct printing printing = {.receiver = receiver};
    struct tw_buffer text = {0};
    (void)wall_ns;
    tw_body_open(&body);
    printing.out = body.out;
    tw_texts_of(receiver, letter, &printing.texts);
    tw_text_part(receiver, letter, TW_TEXT_TEXT, &text);
    fputs("{\"text\":", body.out); /* for notifications, and clients without blocks */
    tw_json_text(body.out, (struct tw_text){(const char *)text.bytes, (uint32_t)text.length});
    print_blocks(&printing);
    fputc('}', body.out);
    tw_body_close(&body, request);
    tw_request_header(request, "content-type: application/json; charset=utf-8");
    tw_request_header(request, "idempotency-key: %s", letter->key);
    tw_buffer_free(&text);
}

static void render_digest(const struct tw_receiver *receiver, const struct tw_digest_letter *letter, int64_t wall_ns,
                          struct tw_request *request)
{
    struct tw_body body;
    struct tw_digest_texts texts;
    struct tw_buffer summary = {0}, lines = {0};
    (void)wall_ns;
    tw_digest_texts_of(receiver, letter, &texts);
    tw_digest_text_append(receiver, &texts, TW_TEXT_DIGEST, &summary);
    tw_digest_text_append(receiver, &texts, TW_TEXT_DIGEST_ALERTS, &lines);
    if (summary.length == 0) /* Slack wants some */
        tw_buffer_append(&summary, "-", 1);
    tw_body_open(&body);
    fputs("{\"text\":", body.out);
    tw_json_text(body.out, (struct tw_text){(const char *)summary.bytes, (uint32_t)summary.length});
    fputs(",\"blocks\":[{\"type\":\"section\",\"text\":", body.out);
    print_text(body.out, "mrkdwn", &summary, SECTION_CHARACTERS);
    if (lines.length > 0) {
        fputs("},{\"type\":\"section\",\"text\":", body.out);
        print_text(body.out, "mrkdwn", &lines, SECTION_CHARACTERS);
    }
    fputs("}]}", body.out);
    tw_body_close(&body, request);
    tw_request_header(request, "content-type: application/json; charset=utf-8");
    tw_request_header(request, "idempotency-key: %s", letter->key);
    tw_buffer_free(&summary);
    tw_buffer_free(&lines);
}

const struct tw_receiver_kind tw_slack = {.name = "slack",
                                          .transport = TW_TRANSPORT_HTTP,
                                          .path = "",
                                          .has_sheet = true,
                                          .sheet = TW_SHEET_SLACK,
                                          .wants_trades = true,
                                          .pace = {1, TW_NS_PER_SECOND, TW_PERSON_BURST, TW_PERSON_REFILL_NS},
                                          .render = render,
                                          .judge = tw_judge_http,
                                          .render_digest = render_digest};
