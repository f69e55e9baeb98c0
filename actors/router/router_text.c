/* SPDX-License-Identifier: MIT */
#include "actors/router/router_text.h"

#include <stdio.h>
#include <string.h>

#include "protocol/check.h"

uint32_t tw_router_entity(const struct tw_router_names *names, const struct tw_event *event,
                          char out[TW_TOPIC_BYTES_MAX])
{
    struct tw_text first = {0}, second = {0};
    int length = 0;
    switch ((enum tw_entity_type)event->entity_type) {
    case TW_ENTITY_CLIENT:
        first = tw_dictionary_name(names->accounts, event->entity);
        if (event->entity2 != 0)
            second = tw_dictionary_name(names->symbols, event->entity2);
        length = snprintf(out, TW_TOPIC_BYTES_MAX, "%.*s%s%.*s", (int)first.length, first.bytes,
                          second.length > 0 ? "/" : "", (int)second.length, second.length > 0 ? second.bytes : "");
        break;
    case TW_ENTITY_SYMBOL:
        first = tw_dictionary_name(names->symbols, event->entity);
        length = snprintf(out, TW_TOPIC_BYTES_MAX, "%.*s", (int)first.length, first.bytes);
        break;
    case TW_ENTITY_TRADE:
        first = tw_dictionary_name(names->sources, event->opening.source);
        length =
            snprintf(out, TW_TOPIC_BYTES_MAX, "%.*s/%u/%llu", (int)first.length, first.bytes,
                     tw_dictionary_tag(names->sources, event->opening.source), (unsigned long long)event->opening.pseq);
        break;
    case TW_ENTITY_PUBLISHER:
        first = tw_dictionary_name(names->sources, event->opening.source);
        length = snprintf(out, TW_TOPIC_BYTES_MAX, "%.*s", (int)first.length, first.bytes);
        break;
    case TW_ENTITY_SYSTEM:
        length = snprintf(out, TW_TOPIC_BYTES_MAX, "*");
        break;
    case TW_ENTITY_PAIR:
        TW_UNREACHABLE("no rule judges pairs yet");
    }
    TW_ASSERT(length > 0 && length < (int)TW_TOPIC_BYTES_MAX);
    return (uint32_t)length;
}

/* 1050000.5 as "1,050,000.5". */
static const char *people(tw_i128 value_e8, char out[TW_E8_TEXT_MAX * 2])
{
    char plain[TW_E8_TEXT_MAX];
    size_t length = tw_e8_format(value_e8, plain);
    size_t point = strcspn(plain, ".");
    size_t at = 0;
    for (size_t i = 0; i < length; i++) {
        if (i > 0 && i < point && (point - i) % 3 == 0 && plain[i - 1] != '-')
            out[at++] = ',';
        out[at++] = plain[i];
    }
    out[at] = '\0';
    return out;
}

static int say_exposure(const struct tw_event *event, struct tw_text entity, const struct tw_rules *rules, char *out,
                        size_t room)
{
    static const char *const measures[] = {"gross exposure", "net exposure", "turnover"};
    char value[TW_E8_TEXT_MAX * 2], limit[TW_E8_TEXT_MAX * 2];
    people(event->value, value);
    people(event->threshold, limit);
    if (event->kind == TW_EVENT_RETRACT)
        return snprintf(out, room,
                        "The %s alert of %.*s is withdrawn: its opening trade was busted; it stands at %s %s",
                        measures[rules->measure], (int)entity.length, entity.bytes, value, rules->currency);
    const char *form = event->kind == TW_EVENT_RESOLVE    ? "%.*s: %s is down to %s %s (limit %s)"
                       : event->kind == TW_EVENT_ESCALATE ? "%.*s: %s has grown to %s %s, above %s"
                                                          : "%.*s: %s of %s %s is above %s";
    return snprintf(out, room, form, (int)entity.length, entity.bytes, measures[rules->measure], value, rules->currency,
                    limit);
}

static int say_velocity(const struct tw_event *event, struct tw_text entity, const struct tw_rules *rules, char *out,
                        size_t room)
{
    char value[TW_E8_TEXT_MAX], limit[TW_E8_TEXT_MAX];
    tw_i128_format(event->value, value);
    tw_i128_format(event->threshold, limit);
    if (event->kind == TW_EVENT_RETRACT)
        return snprintf(out, room, "The velocity alert of %.*s is withdrawn: its opening trade was busted",
                        (int)entity.length, entity.bytes);
    const char *form = event->kind == TW_EVENT_RESOLVE ? "%.*s: down to %s trades in %lld s (limit %s)"
                                                       : "%.*s: %s trades in %lld s, more than %s";
    return snprintf(out, room, form, (int)entity.length, entity.bytes, value,
                    (long long)(rules->velocity_window_ns / TW_NS_PER_SECOND), limit);
}

static int say_anomaly(const struct tw_event *event, struct tw_text entity, const struct tw_rules *rules, char *out,
                       size_t room)
{
    char value[TW_E8_TEXT_MAX * 2], mean[TW_E8_TEXT_MAX * 2];
    if (event->kind == TW_EVENT_RESOLVE)
        return snprintf(out, room, "%.*s: no unusual trade for %lld s", (int)entity.length, entity.bytes,
                        (long long)(rules->anomaly_quiet_ns / TW_NS_PER_SECOND));
    people(event->amount, value);
    if (event->kind == TW_EVENT_RETRACT)
        return snprintf(out, room, "The anomaly alert of %.*s is withdrawn: its opening trade of %s %s was busted",
                        (int)entity.length, entity.bytes, value, rules->currency);
    people((tw_i128)event->mean * 1000000, mean);
    return snprintf(out, room, "%.*s: a trade of %s %s lies %.1f standard deviations from the mean of %s",
                    (int)entity.length, entity.bytes, value, rules->currency, event->z, mean);
}

static int say_large_trade(const struct tw_event *event, struct tw_text entity, const struct tw_router_trade *trade,
                           char *out, size_t room)
{
    char value[TW_E8_TEXT_MAX * 2], limit[TW_E8_TEXT_MAX * 2], price[TW_E8_TEXT_MAX * 2];
    people(event->value, value);
    people(event->threshold, limit);
    if (event->kind == TW_EVENT_RETRACT || !trade->known)
        return snprintf(out, room, "The alert on large trade %.*s of %s units is withdrawn: the trade was busted",
                        (int)entity.length, entity.bytes, value);
    const char *verb = trade->side == TW_SIDE_BUY ? "bought" : trade->side == TW_SIDE_SELL ? "sold" : "print of";
    people(trade->price_e8, price);
    return snprintf(out, room, "%.*s%s%s %s %.*s at %s: more than %s units", (int)trade->account.length,
                    trade->account.length > 0 ? trade->account.bytes : "", trade->account.length > 0 ? " " : "", verb,
                    value, (int)trade->symbol.length, trade->symbol.bytes, price, limit);
}

uint32_t tw_router_sentence(const struct tw_event *event, struct tw_text entity, const struct tw_router_trade *trade,
                            const struct tw_rules *rules, char out[TW_ALERT_MESSAGE_BYTES_MAX])
{
    int length = 0;
    size_t room = TW_ALERT_MESSAGE_BYTES_MAX;
    char missing[TW_E8_TEXT_MAX];
    switch ((enum tw_rule)event->rule) {
    case TW_RULE_LARGE_TRADE:
        length = say_large_trade(event, entity, trade, out, room);
        break;
    case TW_RULE_CLIENT_EXPOSURE:
    case TW_RULE_SYMBOL_EXPOSURE:
        length = say_exposure(event, entity, rules, out, room);
        break;
    case TW_RULE_VELOCITY:
        length = say_velocity(event, entity, rules, out, room);
        break;
    case TW_RULE_ANOMALY:
        length = say_anomaly(event, entity, rules, out, room);
        break;
    case TW_RULE_FEED_GAP:
        tw_i128_format(event->value, missing);
        length = snprintf(out, room, "The feed %.*s skipped %s trades from its number %llu on", (int)entity.length,
                          entity.bytes, missing, (unsigned long long)event->opening.pseq);
        break;
    case TW_RULE_COUNT:
        TW_UNREACHABLE("not a rule");
    }
    TW_ASSERT(length > 0);
    return length < (int)room ? (uint32_t)length : (uint32_t)room - 1;
}
