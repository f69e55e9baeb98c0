/* SPDX-License-Identifier: MIT
 *
 * PagerDuty's Events API v2: an episode is one incident, by its alert's id. A one-shot alert stays open until somebody
 * closes it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/delivery/render.h"
#include "actors/delivery/texts.h"
#include "protocol/alert_text.h"
#include "protocol/check.h"
#include "protocol/json_text.h"

static const char *severity_of(const struct tw_alert_view *view)
{
    if (tw_text_is(view->severity, "CRITICAL"))
        return "critical";
    if (tw_text_is(view->severity, "HIGH"))
        return "error";
    return tw_text_is(view->severity, "MEDIUM") ? "warning" : "info";
}

static void print_member(FILE *out, const char *key, struct tw_text text)
{
    fprintf(out, ",\"%s\":", key);
    tw_json_text(out, text);
}

static void print_payload(FILE *out, const struct tw_receiver *receiver, const struct tw_letter *letter)
{
    const struct tw_alert_view *view = letter->view;
    struct tw_buffer summary = {0}, details = {0};
    char time[TW_TIME_TEXT_MAX];
    tw_text_part(receiver, letter, TW_TEXT_SUMMARY, &summary);
    tw_letter_json(&details, letter);
    tw_time_format(view->ts_ns, time);
    fputs(",\"payload\":{\"summary\":", out);
    tw_json_text(out, (struct tw_text){(const char *)summary.bytes, (uint32_t)summary.length});
    fprintf(out, ",\"severity\":\"%s\",\"timestamp\":\"%s\"", severity_of(view), time);
    print_member(out, "source", view->entity);
    print_member(out, "component", view->entity_type);
    print_member(out, "class", view->type);
    fprintf(out, ",\"custom_details\":%.*s}", (int)details.length, (const char *)details.bytes);
    tw_buffer_free(&summary);
    tw_buffer_free(&details);
}

static void render(const struct tw_receiver *receiver, const struct tw_letter *letter, int64_t wall_ns,
                   struct tw_request *request)
{
    struct tw_body body;
    const struct tw_alert_view *view = letter->view;
    bool over = tw_alert_is_over(view);
    (void)wall_ns;
    tw_body_open(&body);
    FILE *out = body.out;
    fputs("{\"routing_key\":", out);
    tw_json_string(out, receiver->routing_key);
    fprintf(out, ",\"event_action\":\"%s\",\"dedup_key\":\"%.*s-%.*s\"", over ? "resolve" : "trigger", 32,
            letter->log_id, (int)view->id.length, view->id.bytes);
    fputs(",\"client\":\"Tapewarden\"", out);
    print_payload(out, receiver, letter);
    fputc('}', out);
    tw_body_close(&body, request);
    tw_request_header(request, "content-type: application/json");
}

const struct tw_receiver_kind tw_pagerduty = {.name = "pagerduty",
                                              .transport = TW_TRANSPORT_HTTP,
                                              .path = "",
                                              .has_sheet = true,
                                              .sheet = TW_SHEET_PAGERDUTY,
                                              .pace = {.under_way_max = 2},
                                              .render = render,
                                              .judge = tw_judge_http};
