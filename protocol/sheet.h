/* SPDX-License-Identifier: MIT
 *
 * Sheets: the texts of one kind of receiver, as templates (protocol/template.h) in a file of parts.
 *
 *     {{$subject}}{{severity}}: {{message}}{{/subject}}
 *     {{$text}}
 *     ...
 *     {{/text}}
 *
 * A part's text begins behind its tag, or on the next line, and ends in front of the closing tag, or on the line
 * before. Between parts stand blanks and comments only. A part that a file does not have is the built-in one. Pure.
 */
#ifndef TW_PROTOCOL_SHEET_H
#define TW_PROTOCOL_SHEET_H

#include "protocol/template.h"

enum tw_sheet_kind {
    TW_SHEET_SLACK,
    TW_SHEET_PAGERDUTY,
    TW_SHEET_SNS,
    TW_SHEET_MAIL,
    TW_SHEET_SYSLOG,
    TW_SHEET_ALERTMANAGER,
    TW_SHEET_COUNT
};
const char *tw_sheet_name(enum tw_sheet_kind kind); /* "slack" */
/* The file that says the same as what is built in. */
const char *tw_sheet_built_in(enum tw_sheet_kind kind);

/* X(symbol, name) */
#define TW_SHEET_PARTS(X)                                                                                              \
    X(HEADLINE, "headline")                                                                                            \
    X(SUBJECT, "subject")                                                                                              \
    X(SUMMARY, "summary")                                                                                              \
    X(MESSAGE, "message")                                                                                              \
    X(DESCRIPTION, "description")                                                                                      \
    X(TEXT, "text")                                                                                                    \
    X(BODY, "body")                                                                                                    \
    X(FIELD, "field") /* several, in their order */                                                                    \
    X(CONTEXT, "context")                                                                                              \
    X(HTML, "html")                                                                                                    \
    X(DIGEST, "digest_summary")                                                                                        \
    X(DIGEST_ALERTS, "digest_alerts")                                                                                  \
    X(DIGEST_SUBJECT, "digest_subject")                                                                                \
    X(DIGEST_TEXT, "digest_text")                                                                                      \
    X(DIGEST_HTML, "digest_html")                                                                                      \
    X(GROUP, "group_summary")                                                                                          \
    X(GROUP_ALERTS, "group_alerts")                                                                                    \
    X(GROUP_SUBJECT, "group_subject")                                                                                  \
    X(GROUP_TEXT, "group_text")                                                                                        \
    X(GROUP_HTML, "group_html")
enum tw_sheet_part {
#define TW_SHEET_PART_MEMBER(symbol, name) TW_TEXT_##symbol,
    TW_SHEET_PARTS(TW_SHEET_PART_MEMBER)
#undef TW_SHEET_PART_MEMBER
        TW_TEXT_COUNT
};
const char *tw_part_name(enum tw_sheet_part part);
/* Of many alerts in one message: its fields are those of a digest. And the part that says the same of a group. */
bool tw_part_is_of_many(enum tw_sheet_part part);
enum tw_sheet_part tw_part_of_group(enum tw_sheet_part digest);

struct tw_sheet;
/* text NULL: built in. NULL: *fault is set. */
struct tw_sheet *tw_sheet_read(enum tw_sheet_kind kind, const char *text, size_t length,
                               struct tw_template_fault *fault);
void tw_sheet_free(struct tw_sheet **sheet);

/* How many parts of that name there are; 0: a receiver of this kind has none. */
uint32_t tw_sheet_count(const struct tw_sheet *sheet, enum tw_sheet_part part);
void tw_sheet_render(const struct tw_sheet *sheet, enum tw_sheet_part part, uint32_t at,
                     const struct tw_template_values *values, struct tw_buffer *out);

/* ---- the fields of an alert; X(symbol, name, meaning) ---- */

#define TW_ALERT_FIELDS(X)                                                                                             \
    X(MESSAGE, "message", "what happened, in a sentence")                                                              \
    X(TYPE, "type", "of the alert: LARGE_TRADE")                                                                       \
    X(SEVERITY, "severity", "LOW, MEDIUM, HIGH or CRITICAL")                                                           \
    X(EVENT, "event", "fire, open, escalate, resolve or retract")                                                      \
    X(ENTITY_TYPE, "entity_type", "CLIENT, SYMBOL ...")                                                                \
    X(ENTITY, "entity", "whom it is about")                                                                            \
    X(VALUE, "value", "how much")                                                                                      \
    X(THRESHOLD, "threshold", "against which limit")                                                                   \
    X(UNIT, "unit", "of both")                                                                                         \
    X(PERCENT, "percent", "value of threshold, in whole percent")                                                      \
    X(TS, "ts", "the event's time")                                                                                    \
    X(SINCE, "since", "the time of the event that opened the alert; of later events, where it is known")               \
    X(LASTED, "lasted", "between the two: 3 min 20 s")                                                                 \
    X(N, "n", "the event's number")                                                                                    \
    X(ID, "id", "the alert's id, 32 digits")                                                                           \
    X(KEY, "key", "the idempotency key")                                                                               \
    X(LOG, "log", "the log's id")                                                                                      \
    X(RECEIVER, "receiver", "who is told")                                                                             \
    X(RULE, "rule", "which decided")                                                                                   \
    X(RULE_VERSION, "rule_version", "of the rule")                                                                     \
    X(CONFIG, "config", "hash of the settings that decided")                                                           \
    X(MODEL, "model", "which decided, if one did")                                                                     \
    X(DETECTED_AT, "detected_at", "wall clock when it was raised")                                                     \
    X(TRADE_COUNT, "trade_count", "how many trades made it")                                                           \
    X(MORE, "more", "the same, if trades has not all of them")                                                         \
    X(OVER, "over", "yes, if the event ends the alert")                                                                \
    X(RESOLVED, "resolved", "yes, if the event is resolve")                                                            \
    X(RETRACTED, "retracted", "yes, if the event is retract")                                                          \
    X(ESCALATED, "escalated", "yes, if the event is escalate")                                                         \
    X(CRITICAL, "critical", "yes, if the severity is CRITICAL")                                                        \
    X(HIGH, "high", "yes, if it is HIGH")                                                                              \
    X(LOWER, "lower", "yes, if it is MEDIUM or LOW")                                                                   \
    X(PICTURE, "picture", "mail: the picture's content id, if there is one: <img src=\"cid:{{picture}}\">")            \
    X(PICTURE_TITLE, "picture_title", "what the picture shows")

#define TW_TRADE_FIELDS(X)                                                                                             \
    X(PUB, "pub", "its publisher")                                                                                     \
    X(PSEQ, "pseq", "its number there")                                                                                \
    X(SEQ, "seq", "its global number")                                                                                 \
    X(EXECUTION, "id", "its execution id, if it has one")                                                              \
    X(SYMBOL, "symbol", "slack, mail, alertmanager, while the log has the trade; also the following")                  \
    X(SIDE, "side", "buy or sell")                                                                                     \
    X(QTY, "qty", "")                                                                                                  \
    X(PRICE, "price", "")                                                                                              \
    X(ACCOUNT, "account", "")                                                                                          \
    X(TRADE_TS, "ts", "")                                                                                              \
    X(FIRST, "first", "yes, of the first in the list")                                                                 \
    X(LAST, "last", "yes, of the last")

#define TW_FEATURE_FIELDS(X)                                                                                           \
    X(NAME, "name", "mean, sigma, notional ...")                                                                       \
    X(NUMBER, "value", "")                                                                                             \
    X(FEATURE_FIRST, "first", "yes, of the first in the list")                                                         \
    X(FEATURE_LAST, "last", "yes, of the last")

/* X(symbol, name, items, meaning) */
#define TW_ALERT_LISTS(X)                                                                                              \
    X(TRADES, "trades", tw_trade_fields, "the latest 8 trades that made it")                                           \
    X(ALL_TRADES, "all_trades", tw_trade_fields, "all that the record has, at most 64")                                \
    X(FEATURES, "features", tw_feature_fields, "what a statistical rule compared")

enum tw_alert_field {
#define TW_FIELD_MEMBER(symbol, name, meaning) TW_FIELD_##symbol,
#define TW_LIST_MEMBER(symbol, name, items, meaning) TW_FIELD_##symbol,
    TW_ALERT_FIELDS(TW_FIELD_MEMBER) TW_TRADE_FIELDS(TW_FIELD_MEMBER) TW_FEATURE_FIELDS(TW_FIELD_MEMBER)
        TW_ALERT_LISTS(TW_LIST_MEMBER)
#undef TW_FIELD_MEMBER
#undef TW_LIST_MEMBER
            TW_FIELD_COUNT
};
extern const struct tw_template_field tw_alert_fields[];
#define TW_TRADES_SHOWN 8u /* of the list `trades` */

/* ---- the fields of a digest, or a group's message ---- */

#define TW_DIGEST_FIELDS(X)                                                                                            \
    X(COUNT, "count", "how many alert events")                                                                         \
    X(ONE, "one", "yes, if it is one")                                                                                 \
    X(GROUP, "group", "the group's name")                                                                              \
    X(REPEAT, "repeat", "how often it was told before; nothing: it is new")                                            \
    X(FIRST_N, "first_n", "the number of the first of them")                                                           \
    X(LAST_N, "last_n", "and of the last")                                                                             \
    X(KEY, "key", "the idempotency key")                                                                               \
    X(LOG, "log", "the log's id")                                                                                      \
    X(RECEIVER, "receiver", "who is told")

#define TW_KIND_FIELDS(X)                                                                                              \
    X(KIND_ALL, "all", "how many of that type")                                                                        \
    X(KIND_TYPE, "type", "LARGE_TRADE; or: that cannot be read")                                                       \
    X(KIND_SEVERITIES, "severities", "20 CRITICAL, 100 HIGH")                                                          \
    X(KIND_FIRST, "first", "yes, of the first in the list")                                                            \
    X(KIND_LAST, "last", "yes, of the last")

#define TW_SHOWN_FIELDS(X)                                                                                             \
    X(HEADLINE, "headline", "severity and message")                                                                    \
    X(MESSAGE, "message", "what happened, in a sentence")                                                              \
    X(TYPE, "type", "of the alert")                                                                                    \
    X(SEVERITY, "severity", "LOW, MEDIUM, HIGH or CRITICAL")                                                           \
    X(EVENT, "event", "fire, open, escalate, resolve or retract")                                                      \
    X(ENTITY_TYPE, "entity_type", "CLIENT, SYMBOL ...")                                                                \
    X(ENTITY, "entity", "whom it is about")                                                                            \
    X(N, "n", "the event's number")                                                                                    \
    X(COLUMN, "n_column", "the same, in 8 columns")                                                                    \
    X(FIRST, "first", "yes, of the first in the list")                                                                 \
    X(LAST, "last", "yes, of the last")

#define TW_DIGEST_LISTS(X)                                                                                             \
    X(COUNTS, "counts", tw_kind_fields, "how many of which type")                                                      \
    X(ALERTS, "alerts", tw_shown_fields, "the 10 latest of the most severe")

enum tw_digest_field {
#define TW_FIELD_MEMBER(symbol, name, meaning) TW_MANY_##symbol,
#define TW_LIST_MEMBER(symbol, name, items, meaning) TW_MANY_##symbol,
    TW_DIGEST_FIELDS(TW_FIELD_MEMBER) TW_KIND_FIELDS(TW_FIELD_MEMBER) TW_SHOWN_FIELDS(TW_FIELD_MEMBER)
        TW_DIGEST_LISTS(TW_LIST_MEMBER)
#undef TW_FIELD_MEMBER
#undef TW_LIST_MEMBER
};
extern const struct tw_template_field tw_digest_fields[];

#endif
