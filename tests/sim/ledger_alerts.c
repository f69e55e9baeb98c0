/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/pipeline/pipeline.h"
#include "protocol/check.h"
#include "tests/sim/ledger_inside.h"

#define U(number) ((unsigned long long)(number))

struct reference {
    struct ledger *ledger;
    struct tw_pipeline *pipeline;
};

static bool find(void *context, uint64_t seq, uint32_t *source, uint64_t *pseq, struct tw_text *id)
{
    const struct ledger *ledger = context;
    if (seq == 0 || seq > ledger->last_seq)
        return false;
    *source = ledger->rows[seq].source;
    *pseq = ledger->rows[seq].pseq;
    *id = ledger->rows[seq].id;
    return true;
}

struct reference *reference_new(struct ledger *ledger)
{
    struct reference *reference = tw_alloc_zero(1, sizeof *reference);
    struct tw_evidence evidence = {ledger, find};
    reference->ledger = ledger;
    reference->pipeline = tw_pipeline_new(1, &evidence);
    return reference;
}

void reference_free(struct reference **reference)
{
    tw_pipeline_free(&(*reference)->pipeline);
    free(*reference);
    *reference = NULL;
}

static void keep(void *context, const struct tw_router_alert *alert)
{
    struct ledger *ledger = context;
    SIM_CHECK(ledger->sim, alert->n == ledger->alert_count + 1, "the uncrashed run numbers %llu behind %llu",
              U(alert->n), U(ledger->alert_count));
    ledger->alerts = ledger_grow(ledger->alerts, alert->n, &ledger->alert_capacity, sizeof *ledger->alerts);
    struct known_alert *kept = &ledger->alerts[alert->n];
    kept->bytes = tw_alloc(alert->length);
    kept->length = alert->length;
    memcpy(kept->bytes, alert->bytes, alert->length);
    memcpy(kept->digest, alert->digest, sizeof kept->digest);
    memcpy(kept->record_digest, alert->record_digest, sizeof kept->record_digest);
    TW_ASSERT(tw_alert_id_of(alert->bytes, alert->length, kept->id));
    snprintf(kept->event, sizeof kept->event, "%s", tw_event_name(alert->kind));
    kept->actions_before = ledger->action_count;
    ledger->alert_count = alert->n;
}

/* ---- the judge's events against the records ---- */

static bool is(struct tw_text text, const char *word)
{
    return tw_text_is(text, word);
}

static void check_trades(struct ledger *ledger, const struct judge_event *event, struct tw_alert_view *view)
{
    struct tw_alert_trade trade;
    uint32_t at = 0;
    while (at < event->trade_count && event->trades[at] <= ledger->forgotten_seq)
        at++;
    SIM_CHECK(ledger->sim, view->trade_count == event->counted || event->counted == 0,
              "alert %llu counts %llu trades; the judge counts %llu", U(event->n), U(view->trade_count),
              U(event->counted));
    for (uint32_t i = 0; i < view->trades_listed; i++, at++) {
        SIM_CHECK(ledger->sim, tw_alert_next_trade(view, &trade), "alert %llu cannot be read", U(event->n));
        if (event->counted == 0)
            continue;
        SIM_CHECK(ledger->sim, at < event->trade_count && trade.seq == event->trades[at],
                  "alert %llu names trade %llu; the judge would not", U(event->n), U(trade.seq));
        const struct row *row = &ledger->rows[trade.seq];
        SIM_CHECK(ledger->sim,
                  row->pseq == trade.pseq && ledger_same(row->id, trade.id) &&
                      ledger_same(ledger->sources[row->source].publisher, trade.publisher),
                  "alert %llu says of trade %llu what is not so", U(event->n), U(trade.seq));
    }
    SIM_CHECK(ledger->sim, event->counted == 0 || at == event->trade_count,
              "alert %llu names %u trades; the judge names %u", U(event->n), view->trades_listed, event->trade_count);
}

static void check_event(struct ledger *ledger, const struct judge_event *event)
{
    const struct known_alert *alert = &ledger->alerts[event->n];
    struct tw_alert_view view;
    SIM_CHECK(ledger->sim, tw_alert_decode(alert->bytes, alert->length, &view), "alert %llu cannot be read",
              U(event->n));
    SIM_CHECK(ledger->sim,
              view.n == event->n && is(view.event, event->event) && is(view.type, event->type) &&
                  is(view.severity, event->severity) && is(view.entity_type, event->entity_type) &&
                  is(view.entity, event->entity) && view.seq == event->seq && view.ts_ns == event->ts_ns,
              "alert %llu is %.*s %.*s %.*s %.*s of trade %llu at %lld; the judge says %s at %lld", U(event->n),
              (int)view.event.length, view.event.bytes, (int)view.type.length, view.type.bytes,
              (int)view.severity.length, view.severity.bytes, (int)view.entity.length, view.entity.bytes, U(view.seq),
              (long long)view.ts_ns, event->line, (long long)event->ts_ns);
    SIM_CHECK(ledger->sim, memcmp(alert->digest, event->digest, sizeof event->digest) == 0,
              "alert %llu: the digest is another; the judge's line is %s", U(event->n), event->line);
    check_trades(ledger, event, &view);
}

void ledger_judge(struct ledger *ledger, const struct tw_record *record)
{
    char why[256];
    SIM_CHECK(ledger->sim, judge_take(ledger->judge, record, why), "record %llu: %s", U(tw_record_lsn(record)), why);
    /* The uncrashed run is never told what people did: nothing may come of that. */
    if (record->kind == TW_RECORD_BLOCK || record->control.kind != TW_CONTROL_ACTION)
        tw_pipeline_feed(ledger->reference->pipeline, record, keep, ledger);
    while (ledger->judged < ledger->alert_count && ledger->judged < judge_events(ledger->judge))
        check_event(ledger, judge_event(ledger->judge, ++ledger->judged));
    if (judge_events(ledger->judge) > ledger->alert_count)
        sim_fail(ledger->sim, "record %llu: the judge says as well %s", U(tw_record_lsn(record)),
                 judge_event(ledger->judge, ledger->alert_count + 1)->line);
    if (judge_events(ledger->judge) < ledger->alert_count)
        sim_fail(ledger->sim, "record %llu: alert %llu, of which the judge knows nothing", U(tw_record_lsn(record)),
                 U(ledger->judged + 1));
}

void ledger_compare(struct ledger *ledger, uint64_t n, const uint8_t *bytes, size_t length, const char *where)
{
    SIM_CHECK(ledger->sim, n > 0 && n <= ledger->alert_count,
              "alert %llu is %s, but what is durable makes only %llu alerts", U(n), where, U(ledger->alert_count));
    const struct known_alert *known = &ledger->alerts[n];
    SIM_CHECK(ledger->sim,
              length == known->length && memcmp(bytes, known->bytes, length - TW_ALERT_DETECTED_BYTES) == 0,
              "alert %llu is %s with other bytes than the log gives", U(n), where);
}
