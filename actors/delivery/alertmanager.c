/* SPDX-License-Identifier: MIT
 *
 * Prometheus' Alertmanager, API v2. An alert there is its labels, and ends when its end has come: an episode is said to
 * end in a year, and ends when it is resolved; one that has grown in severity ends under the lesser one, whose label it
 * no longer has. A one-shot alert ends when Alertmanager's resolve_timeout says so.
 *
 * And webhooks in the form that Alertmanager itself sends (version 4), so that its receivers work.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/delivery/render.h"
#include "actors/delivery/texts.h"
#include "actors/judging/event.h"
#include "protocol/alert_text.h"
#include "protocol/check.h"
#include "protocol/json_text.h"

#define FAR_NS (365 * 86400 * TW_NS_PER_SECOND)

static void print_member(FILE *out, const char *key, struct tw_text text)
{
    fprintf(out, ",\"%s\":", key);
    tw_json_text(out, text);
}

static void print_labels(FILE *out, const struct tw_letter *letter, const char *severity)
{
    const struct tw_alert_view *view = letter->view;
    fputs("{\"alertname\":", out);
    tw_json_text(out, view->type);
    fprintf(out, ",\"severity\":\"%s\",\"log\":\"%s\"", severity, letter->log_id);
    print_member(out, "entity_type", view->entity_type);
    print_member(out, "entity", view->entity);
    print_member(out, "alert", view->id);
    fputs("}", out);
}

static void print_time(FILE *out, const char *key, int64_t ns)
{
    char time[TW_TIME_TEXT_MAX];
    tw_time_format(ns, time);
    fprintf(out, ",\"%s\":\"%s\"", key, time);
}

/* Names there have letters and underscores only: "How much" is how_much. */
static void print_name(FILE *out, const char *label)
{
    fputc('"', out);
    for (; *label != '\0'; label++)
        fputc(*label == ' ' ? '_' : *label >= 'A' && *label <= 'Z' ? *label + ('a' - 'A') : *label, out);
    fputc('"', out);
}

static void print_part(FILE *out, const char *before, const struct tw_buffer *text)
{
    fputs(before, out);
    tw_json_text(out, (struct tw_text){(const char *)text->bytes, (uint32_t)text->length});
}

static void print_annotations(FILE *out, const struct tw_receiver *receiver, const struct tw_letter *letter)
{
    struct tw_words words;
    struct tw_texts texts;
    struct tw_buffer summary = {0}, description = {0};
    tw_words_of(letter->view, &words);
    tw_texts_of(receiver, letter, &texts);
    tw_text_part(receiver, letter, TW_TEXT_SUMMARY, &summary);
    tw_text_append(receiver, &texts, TW_TEXT_DESCRIPTION, 0, &description);
    print_part(out, "{\"summary\":", &summary);
    if (description.length > 0)
        print_part(out, ",\"description\":", &description);
    fprintf(out, ",\"key\":\"%s\"", letter->key);
    for (uint32_t i = 1; i + 1 < words.count; i++) {
        fputc(',', out);
        print_name(out, words.rows[i].label);
        fputc(':', out);
        tw_json_text(out,
                     (struct tw_text){(const char *)words.rows[i].text.bytes, (uint32_t)words.rows[i].text.length});
    }
    fputc('}', out);
    tw_words_free(&words);
    tw_buffer_free(&summary);
    tw_buffer_free(&description);
}

/* end_ns 0: Alertmanager decides. */
static void print_alert(FILE *out, const struct tw_receiver *receiver, const struct tw_letter *letter,
                        const char *severity, int64_t start_ns, int64_t end_ns)
{
    fputs("{\"labels\":", out);
    print_labels(out, letter, severity);
    fputs(",\"annotations\":", out);
    print_annotations(out, receiver, letter);
    print_time(out, "startsAt", start_ns);
    if (end_ns != 0)
        print_time(out, "endsAt", end_ns);
    fputc('}', out);
}

/* What it was before it grew ends; anomalies alone begin below HIGH. */
static void print_lesser(FILE *out, const struct tw_receiver *receiver, const struct tw_letter *letter, int64_t wall_ns)
{
    bool anomaly = tw_text_is(letter->view->type, tw_rule_type(TW_RULE_ANOMALY));
    for (int i = anomaly ? TW_SEVERITY_MEDIUM : TW_SEVERITY_HIGH; i <= TW_SEVERITY_CRITICAL; i++) {
        const char *severity = tw_severity_name((enum tw_severity)i);
        if (tw_text_is(letter->view->severity, severity))
            return;
        fputc(',', out);
        print_alert(out, receiver, letter, severity, wall_ns, wall_ns);
    }
}

static void render(const struct tw_receiver *receiver, const struct tw_letter *letter, int64_t wall_ns,
                   struct tw_request *request)
{
    struct tw_body body;
    char severity[16];
    const struct tw_alert_view *view = letter->view;
    int64_t end_ns = tw_alert_is_over(view) ? wall_ns : tw_text_is(view->event, "fire") ? 0 : wall_ns + FAR_NS;
    snprintf(severity, sizeof severity, "%.*s", (int)view->severity.length, view->severity.bytes);
    tw_body_open(&body);
    FILE *out = body.out;
    fputc('[', out);
    print_alert(out, receiver, letter, severity, view->ts_ns < wall_ns ? view->ts_ns : wall_ns, end_ns);
    if (tw_text_is(view->event, "escalate") || tw_alert_is_over(view)) /* that it grew may have been hidden */
        print_lesser(out, receiver, letter, wall_ns);
    fputc(']', out);
    tw_body_close(&body, request);
    tw_request_header(request, "content-type: application/json");
}

/* ---- webhooks of version 4 ---- */

static void print_group(FILE *out, const struct tw_receiver *receiver, const struct tw_letter *letter,
                        const char *severity)
{
    const struct tw_alert_view *view = letter->view;
    fprintf(out, "{\"version\":\"4\",\"groupKey\":\"{}:{alert=\\\"%.*s\\\"}\",\"truncatedAlerts\":0",
            (int)view->id.length, view->id.bytes);
    fprintf(out, ",\"status\":\"%s\",\"receiver\":", tw_alert_is_over(view) ? "resolved" : "firing");
    tw_json_string(out, receiver->name);
    fprintf(out, ",\"groupLabels\":{\"alert\":\"%.*s\"},\"commonLabels\":", (int)view->id.length, view->id.bytes);
    print_labels(out, letter, severity);
    fputs(",\"commonAnnotations\":", out);
    print_annotations(out, receiver, letter);
    fputs(",\"externalURL\":\"\"", out);
}

/* Times are those of the event, so that a repeat is the same. */
static void render_v4(const struct tw_receiver *receiver, const struct tw_letter *letter, int64_t wall_ns,
                      struct tw_request *request)
{
    struct tw_body body;
    char severity[16];
    const struct tw_alert_view *view = letter->view;
    snprintf(severity, sizeof severity, "%.*s", (int)view->severity.length, view->severity.bytes);
    tw_body_open(&body);
    FILE *out = body.out;
    print_group(out, receiver, letter, severity);
    fprintf(out, ",\"alerts\":[{\"status\":\"%s\",\"labels\":", tw_alert_is_over(view) ? "resolved" : "firing");
    print_labels(out, letter, severity);
    fputs(",\"annotations\":", out);
    print_annotations(out, receiver, letter);
    print_time(out, "startsAt", view->ts_ns);
    if (tw_alert_is_over(view))
        print_time(out, "endsAt", view->ts_ns);
    else
        fputs(",\"endsAt\":\"0001-01-01T00:00:00Z\"", out); /* as Alertmanager writes "not yet" */
    fprintf(out, ",\"generatorURL\":\"\",\"fingerprint\":\"%.16s\"}]}", view->id.bytes);
    tw_body_close(&body, request);
    tw_webhook_head(receiver, letter->key, wall_ns, request);
}

const struct tw_receiver_kind tw_webhook_v4 = {.name = "webhook",
                                               .transport = TW_TRANSPORT_HTTP,
                                               .path = "",
                                               .has_sheet = true,
                                               .sheet = TW_SHEET_ALERTMANAGER,
                                               .wants_trades = true,
                                               .pace = {.under_way_max = TW_DELIVERIES_UNDER_WAY_MAX},
                                               .render = render_v4,
                                               .judge = tw_judge_http};

const struct tw_receiver_kind tw_alertmanager = {.name = "alertmanager",
                                                 .transport = TW_TRANSPORT_HTTP,
                                                 .path = "/api/v2/alerts",
                                                 .has_sheet = true,
                                                 .sheet = TW_SHEET_ALERTMANAGER,
                                                 .wants_trades = true,
                                                 .pace = {.under_way_max = 2},
                                                 .render = render,
                                                 .judge = tw_judge_http};
