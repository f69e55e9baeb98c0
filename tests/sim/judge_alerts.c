/* SPDX-License-Identifier: MIT */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"
#include "tests/sim/judge_inside.h"

static const char *const types[] = {"LARGE_TRADE",          "HIGH_CLIENT_EXPOSURE",
                                    "HIGH_SYMBOL_EXPOSURE", "HIGH_TRANSACTION_VELOCITY",
                                    "ANOMALY_DETECTED",     "FEED_GAP"};
static const char *const severities[] = {"NONE", "LOW", "MEDIUM", "HIGH", "CRITICAL"};

static void write_wide(wide value, char out[48])
{
    char digits[48];
    int count = 0;
    bool negative = value < 0;
    unsigned __int128 rest = negative ? (unsigned __int128)-value : (unsigned __int128)value;
    do {
        digits[count++] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    } while (rest > 0);
    if (negative)
        *out++ = '-';
    while (count > 0)
        *out++ = digits[--count];
    *out = '\0';
}

static void chain(uint8_t digest[32], const char *line)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    TW_ASSERT(context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
              EVP_DigestUpdate(context, digest, 32) == 1 && EVP_DigestUpdate(context, line, strlen(line)) == 1 &&
              EVP_DigestFinal_ex(context, digest, NULL) == 1);
    EVP_MD_CTX_free(context);
}

void judge_name_key(const struct judge *judge, const struct key *key, char out[128])
{
    struct tw_text symbol = judge->names[TW_NAME_SYMBOL][key->symbol];
    struct tw_text account = judge->names[TW_NAME_ACCOUNT][key->account];
    if (key->symbol == 0 && key->account == 0)
        snprintf(out, 128, "*");
    else
        snprintf(out, 128, "%.*s%s%.*s", (int)account.length, account.length > 0 ? account.bytes : "",
                 account.length > 0 && symbol.length > 0 ? "/" : "", (int)symbol.length,
                 symbol.length > 0 ? symbol.bytes : "");
}

void judge_write(struct judge *judge, const char *event, const struct alert *alert, wide value, const uint64_t *trades,
                 uint32_t count, uint64_t counted)
{
    char text[48];
    if (judge->event_count == judge->event_capacity) {
        judge->event_capacity = judge->event_capacity == 0 ? 256 : judge->event_capacity * 2;
        judge->events = tw_realloc(judge->events, judge->event_capacity * sizeof *judge->events);
    }
    struct judge_event *out = &judge->events[judge->event_count++];
    *out = (struct judge_event){.n = judge->event_count,
                                .event = event,
                                .type = types[alert->rule],
                                .severity = severities[alert->severity],
                                .entity_type = alert->entity_type,
                                .seq = judge->origin,
                                .ts_ns = judge->origin_ts,
                                .value = value,
                                .counted = counted};
    snprintf(out->entity, sizeof out->entity, "%s", alert->entity);
    uint32_t first = count > JUDGE_EVIDENCE_MAX ? count - JUDGE_EVIDENCE_MAX : 0;
    for (uint32_t i = first; i < count; i++)
        out->trades[out->trade_count++] = trades[i];
    if (trades == NULL) {
        out->trades[out->trade_count++] = judge->origin;
        out->counted = 1;
    }
    write_wide(value, text);
    snprintf(out->line, sizeof out->line, "%llu %s %s %s %s %llu %s\n", (unsigned long long)out->n, event, out->type,
             out->severity, out->entity, (unsigned long long)out->seq, text);
    chain(judge->digest, out->line);
    memcpy(out->digest, judge->digest, sizeof out->digest);
}

struct alert *judge_open(struct judge *judge, struct key *key, int rule, const char *entity_type, const char *entity,
                         int severity, wide value)
{
    if (judge->alert_count == judge->alert_capacity) {
        judge->alert_capacity = judge->alert_capacity == 0 ? 256 : judge->alert_capacity * 2;
        judge->alerts = tw_realloc(judge->alerts, judge->alert_capacity * sizeof *judge->alerts);
    }
    struct alert *alert = &judge->alerts[judge->alert_count++];
    *alert = (struct alert){.rule = rule,
                            .severity = severity,
                            .entity_type = entity_type,
                            .opening = judge->origin,
                            .value = value,
                            .key = key};
    snprintf(alert->entity, sizeof alert->entity, "%s", entity);
    if (key != NULL)
        key->open = (int32_t)judge->alert_count - 1;
    return alert;
}

/* The trades that a level alert names: an exposure's latest 16 unbusted, the velocity's counted, the latest 64. */
static uint32_t evidence(const struct judge *judge, const struct key *key, uint64_t trades[JUDGE_EVIDENCE_MAX],
                         uint64_t *counted)
{
    uint32_t listed = key->count;
    *counted = listed;
    if (key->rule == VELOCITY) {
        listed = judge_velocity_at(key, key->clock, judge->settings.velocity_window_ns);
        *counted = listed;
        listed = listed < JUDGE_EVIDENCE_MAX ? listed : JUDGE_EVIDENCE_MAX;
    }
    for (uint32_t i = 0; i < listed; i++)
        trades[i] = key->entries[key->count - listed + i].seq;
    return listed;
}

static int tier_of(const struct level_rule *rule, wide value)
{
    if (rule->critical_e4 != 0 && value * 10000 > rule->threshold * rule->critical_e4)
        return CRITICAL;
    return value > rule->threshold ? HIGH : NONE;
}

void judge_level(struct judge *judge, struct key *key, const struct level_rule *rule, wide value)
{
    uint64_t trades[JUDGE_EVIDENCE_MAX], counted = 0;
    struct alert *alert = key->open < 0 ? NULL : &judge->alerts[key->open];
    const char *event = NULL;
    int tier = tier_of(rule, value);
    char name[128];
    if (!rule->enabled && !judge->in_tick)
        return;
    if (!rule->enabled)
        tier = NONE; /* what is open may end */
    if (alert == NULL && tier != NONE) {
        judge_name_key(judge, key, name);
        alert = judge_open(judge, key, key->rule, key->entity_type, name, tier, value);
        event = "open";
    } else if (alert != NULL && tier > alert->severity) {
        alert->severity = tier;
        event = "escalate";
    } else if (alert != NULL && value * 10000 <= rule->threshold * rule->rearm_e4) {
        event = "resolve";
        key->open = -1;
    }
    if (event == NULL)
        return;
    if (judge->in_tick || event[0] == 'r') {
        judge_write(judge, event, alert, value, NULL, 0, 0);
        return;
    }
    uint32_t count = evidence(judge, key, trades, &counted);
    judge_write(judge, event, alert, value, trades, count, counted);
}

void judge_hit(struct judge *judge, struct key *key, int severity, wide x)
{
    char name[128];
    struct alert *alert = key->open < 0 ? NULL : &judge->alerts[key->open];
    key->last_hit = key->clock;
    if (alert == NULL) {
        judge_name_key(judge, key, name);
        alert = judge_open(judge, key, ANOMALY, key->entity_type, name, severity, x);
        judge_write(judge, "open", alert, x, NULL, 0, 0);
    } else if (severity > alert->severity) {
        alert->severity = severity;
        judge_write(judge, "escalate", alert, x, NULL, 0, 0);
    }
}
