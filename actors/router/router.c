/* SPDX-License-Identifier: MIT
 *
 * The router's step: order, number, write, digest.
 */
#include "actors/router/router.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/judging/planted.h"
#include "actors/router/router_state.h"
#include "protocol/check.h"

struct tw_router *tw_router_new(const struct tw_evidence *evidence)
{
    struct tw_router *router = tw_alloc_zero(1, sizeof *router);
    router->evidence = *evidence;
    router->hasher = tw_hasher_new();
    router->names.symbols = tw_dictionary_new(TW_SYMBOLS_MAX);
    router->names.accounts = tw_dictionary_new(TW_ACCOUNTS_MAX);
    router->names.sources = tw_dictionary_new(TW_SOURCES_MAX);
    return router;
}

void tw_router_free(struct tw_router **router_pointer)
{
    struct tw_router *router = *router_pointer;
    if (router == NULL)
        return;
    tw_dictionary_free(&router->names.symbols);
    tw_dictionary_free(&router->names.accounts);
    tw_dictionary_free(&router->names.sources);
    tw_settings_free(&router->settings);
    tw_hasher_free(&router->hasher);
    tw_saving_free(&router->saving);
    tw_buffer_free(&router->arena);
    tw_buffer_free(&router->record);
    free(router->entries);
    free(router);
    *router_pointer = NULL;
}

void tw_router_set_evidence(struct tw_router *router, const struct tw_evidence *evidence)
{
    router->evidence = *evidence;
    router->hasher = tw_hasher_new();
}

/* ---- records that change what the router knows ---- */

static void learn_names(struct tw_router *router, const struct tw_block *block)
{
    struct tw_new_name name;
    for (uint32_t offset = 0; tw_block_next_name(block, &offset, &name);) {
        struct tw_dictionary *dictionary = name.kind == TW_NAME_SYMBOL    ? router->names.symbols
                                           : name.kind == TW_NAME_ACCOUNT ? router->names.accounts
                                           : name.kind == TW_NAME_SOURCE  ? router->names.sources
                                                                          : NULL;
        if (dictionary == NULL)
            continue;
        bool added = false;
        uint32_t id = tw_dictionary_intern(dictionary, name.name, name.incarnation, &added);
        TW_ASSERT(added && id == name.id);
    }
}

void tw_router_pin_settings(struct tw_router *router, struct tw_text settings_text)
{
    tw_settings_pin(&router->settings, settings_text);
    tw_hex(router->settings.rules.hash, TW_SHA256_BYTES, router->config);
}

static void take_control(struct tw_router *router, const struct tw_control *control, struct tw_events *events)
{
    if (tw_settings_take(&router->settings, control))
        tw_hex(router->settings.rules.hash, TW_SHA256_BYTES, router->config);
    if (control->kind == TW_CONTROL_RETENTION)
        router->forgotten_seq = control->number;
    if (control->kind != TW_CONTROL_FEED_GAP)
        return;
    struct tw_event *event = tw_events_add(events);
    event->rule = TW_RULE_FEED_GAP;
    event->kind = TW_EVENT_FIRE;
    event->severity = TW_SEVERITY_HIGH;
    event->entity_type = TW_ENTITY_PUBLISHER;
    event->opening = (struct tw_origin){control->follows, control->number, control->source};
    event->seq = control->follows;
    event->ts_ns = control->ts_ns;
    event->value = (tw_i128)control->number2;
}

/* ---- order ---- */

static int compare(const void *left, const void *right)
{
    const struct tw_router_entry *a = left, *b = right;
    if (a->event->row != b->event->row)
        return a->event->row < b->event->row ? -1 : 1;
    if (a->event->phase != b->event->phase)
        return a->event->phase < b->event->phase ? -1 : 1;
    if (a->event->rule != b->event->rule)
        return a->event->rule < b->event->rule ? -1 : 1;
    uint32_t common = a->entity_length < b->entity_length ? a->entity_length : b->entity_length;
    int order = memcmp(a->arena + a->entity_first, b->arena + b->entity_first, common);
    if (order != 0)
        return order;
    if (a->entity_length != b->entity_length)
        return a->entity_length < b->entity_length ? -1 : 1;
    if (a->event->entity_type != b->event->entity_type) /* an account and a symbol of one name */
        return a->event->entity_type < b->event->entity_type ? -1 : 1;
    /* One key, one rule: several alerts only by several retracts (never opened twice by one trade, but by the tick
     * before it and by itself), or by a tick behind another `rules/anomaly/key`. The one that opened first comes first;
     * the sort key below is its place in the list. */
    return a->event < b->event ? -1 : a->event > b->event ? 1 : 0;
}

static void put_in_order(struct tw_router *router, const struct tw_events *events)
{
    if (events->count > router->entry_capacity) {
        router->entry_capacity = events->count * 2;
        router->entries = tw_realloc(router->entries, router->entry_capacity * sizeof *router->entries);
    }
    router->arena.length = 0;
    for (uint32_t i = 0; i < events->count; i++) {
        char entity[TW_TOPIC_BYTES_MAX];
        uint32_t length = tw_router_entity(&router->names, &events->list[i], entity);
        router->entries[i] = (struct tw_router_entry){&events->list[i], (uint32_t)router->arena.length, length, NULL};
        tw_buffer_append(&router->arena, entity, length);
    }
    for (uint32_t i = 0; i < events->count; i++)
        router->entries[i].arena = (const char *)router->arena.bytes;
    qsort(router->entries, events->count, sizeof *router->entries, compare);
}

/* ---- one alert ---- */

static bool anonymous(struct tw_text publisher)
{
    return tw_text_is(publisher, "_anon");
}

static void set_id(const struct tw_router *router, const struct tw_event *event, struct tw_alert *alert)
{
    struct tw_text publisher = tw_dictionary_name(router->names.sources, event->opening.source);
    uint64_t incarnation = tw_dictionary_tag(router->names.sources, event->opening.source);
    uint64_t pseq = event->opening.pseq;
    if (anonymous(publisher)) {
        publisher.length = 0;
        incarnation = 0;
        pseq = event->opening.seq;
    }
    tw_alert_id(router->hasher, alert->type, alert->entity_type, alert->entity, publisher, incarnation, pseq,
                alert->id);
}

static void set_amounts(const struct tw_router *router, const struct tw_event *event, struct tw_alert *alert)
{
    switch ((enum tw_rule)event->rule) {
    case TW_RULE_LARGE_TRADE:
        alert->form = TW_AMOUNT_E8;
        alert->unit = "units";
        break;
    case TW_RULE_CLIENT_EXPOSURE:
    case TW_RULE_SYMBOL_EXPOSURE:
        alert->form = TW_AMOUNT_E8;
        alert->unit = router->settings.rules.currency;
        break;
    case TW_RULE_VELOCITY:
    case TW_RULE_FEED_GAP:
        alert->form = TW_AMOUNT_COUNT;
        alert->unit = "trades";
        break;
    case TW_RULE_ANOMALY:
        alert->form = TW_AMOUNT_SCORE;
        alert->unit = "sigma";
        alert->value_score = event->z;
        alert->threshold_score = (double)event->threshold / 1000.0;
        if (event->kind == TW_EVENT_RESOLVE)
            break;
        alert->features[0] = (struct tw_feature){"mean", event->mean / 100.0};
        alert->features[1] = (struct tw_feature){"sigma", event->sigma / 100.0};
        alert->features[2] = (struct tw_feature){"notional", (double)event->amount / 1e8};
        alert->feature_count = 3;
        break;
    case TW_RULE_COUNT:
        TW_UNREACHABLE("not a rule");
    }
    alert->value = event->value;
    alert->threshold = event->threshold;
}

static void set_trades(struct tw_router *router, const struct tw_event *event, const struct tw_events *events,
                       struct tw_alert *alert, char ids[TW_ALERT_TRADES_MAX][TW_EXECUTION_ID_BYTES_MAX])
{
    uint32_t listed = event->evidence_count < TW_ALERT_TRADES_MAX ? event->evidence_count : TW_ALERT_TRADES_MAX;
    const uint64_t *sequences = events->evidence + event->evidence_first + (event->evidence_count - listed);
    alert->trade_count = event->trade_count;
    for (uint32_t i = 0; i < listed; i++) {
        struct tw_alert_trade *trade = &alert->trades[alert->trade_count_listed];
        uint32_t source = 0;
        struct tw_text id = {0};
        if (sequences[i] <= router->forgotten_seq ||
            !router->evidence.find(router->evidence.context, sequences[i], &source, &trade->pseq, &id))
            continue; /* dropped by retention: the count still says how many there were */
        trade->seq = sequences[i];
        trade->publisher = tw_dictionary_name(router->names.sources, source);
        if (id.length > 0)
            memcpy(ids[i], id.bytes, id.length);
        trade->id = (struct tw_text){ids[i], id.length};
        alert->trade_count_listed++;
    }
}

static struct tw_text publisher_of(const struct tw_alert *alert)
{
    if (strcmp(alert->entity_type, tw_entity_type_name(TW_ENTITY_PUBLISHER)) == 0)
        return alert->entity;
    return alert->trade_count_listed == 0 ? (struct tw_text){"", 0}
                                          : alert->trades[alert->trade_count_listed - 1].publisher;
}

static struct tw_router_trade trade_of(const struct tw_router *router, const struct tw_record *record,
                                       const struct tw_event *event)
{
    struct tw_router_trade trade = {0};
    if (record->kind != TW_RECORD_BLOCK || event->row >= record->block.count)
        return trade;
    const struct tw_block *block = &record->block;
    trade.known = true;
    trade.side = (uint8_t)TW_ATTR_SIDE(block->attrs[event->row]);
    trade.qty_e8 = tw_load_i64(block->qty, event->row);
    trade.price_e8 = tw_load_i64(block->price, event->row);
    trade.symbol = tw_dictionary_name(router->names.symbols, tw_load_u32(block->symbol, event->row));
    uint32_t account = tw_load_u32(block->account, event->row);
    if (account != 0)
        trade.account = tw_dictionary_name(router->names.accounts, account);
    return trade;
}

static void extend_digests(struct tw_router *router, const struct tw_alert *alert, char line[512])
{
    char value[TW_E8_TEXT_MAX];
    tw_i128_format(alert->value, value);
    int length = snprintf(line, 512, "%llu %s %s %s %.*s %llu %s\n", (unsigned long long)alert->n, alert->event,
                          alert->type, alert->severity, (int)alert->entity.length, alert->entity.bytes,
                          (unsigned long long)alert->seq, value);
    TW_ASSERT(length > 0 && length < 512);
    tw_digest_extend(router->hasher, router->digest, line, (size_t)length);
    tw_digest_extend(router->hasher, router->record_digest, router->record.bytes,
                     router->record.length - TW_ALERT_DETECTED_BYTES);
}

static void emit(struct tw_router *router, const struct tw_record *record, const struct tw_router_entry *entry,
                 const struct tw_events *events, tw_router_visit visit, void *context)
{
    const struct tw_event *event = entry->event;
    static const struct tw_alert blank;
    char sentence[TW_ALERT_MESSAGE_BYTES_MAX], topic[TW_TOPIC_BYTES_MAX], line[512];
    char ids[TW_ALERT_TRADES_MAX][TW_EXECUTION_ID_BYTES_MAX];
    struct tw_alert alert = blank;
    struct tw_router_trade trade = trade_of(router, record, event);
    alert.n = ++router->last_alert;
    alert.event = tw_event_name((enum tw_event_kind)event->kind);
    alert.type = tw_rule_type((enum tw_rule)event->rule);
    alert.severity = tw_severity_name((enum tw_severity)event->severity);
    alert.entity_type = tw_entity_type_name((enum tw_entity_type)event->entity_type);
    alert.entity = (struct tw_text){(const char *)router->arena.bytes + entry->entity_first, entry->entity_length};
    alert.message.length = tw_router_sentence(event, alert.entity, &trade, &router->settings.rules, sentence);
    alert.message.bytes = sentence;
    set_amounts(router, event, &alert);
    set_id(router, event, &alert);
    const char *key = tw_rule_key((enum tw_rule)event->rule);
    alert.rule = (struct tw_text){key, (uint32_t)strlen(key)};
    alert.rule_version = tw_rule_version((enum tw_rule)event->rule);
    alert.config = (struct tw_text){router->config, 64};
    alert.seq = event->seq;
    alert.ts_ns = event->ts_ns;
    set_trades(router, event, events, &alert, ids);
    router->record.length = 0;
    tw_alert_encode(&router->record, &alert);
    extend_digests(router, &alert, line);
    router->counts[event->rule][event->severity]++;
    struct tw_router_alert out = {.n = alert.n,
                                  .kind = (enum tw_event_kind)event->kind,
                                  .rule = (enum tw_rule)event->rule,
                                  .severity = (enum tw_severity)event->severity,
                                  .entity_type = (enum tw_entity_type)event->entity_type,
                                  .seq = event->seq,
                                  .ts_ns = event->ts_ns,
                                  .digest_value = event->value,
                                  .topic = topic,
                                  .topic_length =
                                      (uint32_t)tw_alert_topic(topic, alert.severity, alert.type, alert.entity),
                                  .entity = alert.entity,
                                  .publisher = publisher_of(&alert),
                                  .id = alert.id,
                                  .bytes = router->record.bytes,
                                  .length = (uint32_t)router->record.length,
                                  .digest_line = line};
    memcpy(out.digest, router->digest, sizeof out.digest);
    memcpy(out.record_digest, router->record_digest, sizeof out.record_digest);
    visit(context, &out);
}

void tw_router_step(struct tw_router *router, const struct tw_record *record, struct tw_events *events,
                    tw_router_visit visit, void *context)
{
    if (record->kind == TW_RECORD_BLOCK)
        learn_names(router, &record->block);
    else
        take_control(router, &record->control, events);
    router->last_seq = tw_record_last(record);
    if (events->count == 0)
        return;
    put_in_order(router, events);
    for (uint32_t i = 0; i < events->count; i++)
        emit(router, record, &router->entries[i], events, visit, context);
}

/* ---- to look at ---- */

uint64_t tw_router_last(const struct tw_router *router)
{
    return router->last_alert;
}

uint64_t tw_router_trades(const struct tw_router *router)
{
    return router->last_seq;
}

struct tw_text tw_router_symbol_name(const struct tw_router *router, uint32_t symbol)
{
    return tw_dictionary_name(router->names.symbols, symbol);
}

struct tw_text tw_router_account_name(const struct tw_router *router, uint32_t account)
{
    return tw_dictionary_name(router->names.accounts, account);
}

void tw_router_digests(const struct tw_router *router, uint8_t digest[TW_SHA256_BYTES],
                       uint8_t record_digest[TW_SHA256_BYTES])
{
    memcpy(digest, router->digest, TW_SHA256_BYTES);
    memcpy(record_digest, router->record_digest, TW_SHA256_BYTES);
}

void tw_router_head(struct tw_router *router, struct tw_head *out)
{
    uint32_t count = 0;
    for (uint32_t rule = 0; rule < TW_RULE_COUNT; rule++)
        for (uint32_t severity = 0; severity < TW_ROUTER_SEVERITIES; severity++)
            if (router->counts[rule][severity] > 0)
                router->head_counts[count++] = (struct tw_head_count){tw_rule_type((enum tw_rule)rule),
                                                                      tw_severity_name((enum tw_severity)severity),
                                                                      router->counts[rule][severity]};
    out->last = router->last_alert;
    out->durable = router->last_seq;
    out->counts = router->head_counts;
    out->count_count = count;
    tw_hex(router->digest, TW_SHA256_BYTES, out->digest);
    tw_hex(router->record_digest, TW_SHA256_BYTES, out->record_digest);
}

#ifdef TW_PLANT
void tw_router_renumber(const struct tw_router *router, unsigned long long last)
{
    ((struct tw_router *)(uintptr_t)router)->last_alert = last;
}
#endif
