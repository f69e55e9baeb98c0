/* SPDX-License-Identifier: MIT
 *
 * What the daemon says and is asked: acks, alerts, heads, catch-up requests and their ends. Encoders append one map to
 * `out`; decoders borrow from the bytes, check every bound, ignore keys they do not know (newer daemons may add some).
 */
#ifndef TW_PROTOCOL_MESSAGES_H
#define TW_PROTOCOL_MESSAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/limits.h"
#include "protocol/num.h"
#include "protocol/pack.h"
#include "protocol/status.h"
#include "protocol/trade.h"

/* ---- ack: topic "ack.<pub>." ---- */

struct tw_ack_refusal {
    uint64_t seq;
    struct tw_text code, why;
};

struct tw_ack {
    struct tw_text publisher;
    uint32_t incarnation;
    uint64_t durable, next, gap;
    uint32_t credit;
    uint64_t names; /* names of the columnar form that the daemon knows of this incarnation; they start anew with it */
    struct tw_ack_refusal refused[TW_ACK_REFUSALS_MAX]; /* oldest first */
    uint32_t refused_count;
    uint64_t refused_total;
    bool has_hold;
    struct tw_text hold_code, hold_why;
    uint64_t hold_seq;
    bool has_previous; /* `previous`: the incarnation before, in the answer to a hello under a higher one */
    uint32_t previous_incarnation;
    uint64_t previous_durable;
};
void tw_ack_encode(struct tw_buffer *out, const struct tw_ack *ack);
bool tw_ack_decode(const void *bytes, size_t length, struct tw_ack *out);
/* Topics are NUL-terminated for convenience; the length returned is without it. One longer than fits is cut. */
size_t tw_ack_topic(char out[TW_TOPIC_BYTES_MAX], struct tw_text publisher);

/* ---- alert: topic "alert.<SEVERITY>.<TYPE>.<entity>" ---- */

struct tw_alert_trade { /* one contributing trade */
    uint64_t seq;
    struct tw_text publisher;
    uint64_t pseq;
    struct tw_text id; /* may be absent */
};

struct tw_feature {
    const char *name; /* encoder: NUL-terminated */
    double value;
};

#define TW_ALERT_FEATURES_MAX 8u
#define TW_ALERT_MESSAGE_BYTES_MAX 512u

enum tw_amount_form { TW_AMOUNT_E8, TW_AMOUNT_COUNT, TW_AMOUNT_SCORE }; /* decimal string, integer, float64 */

struct tw_alert {
    uint64_t n;
    uint8_t id[16];
    const char *event, *type, *severity, *entity_type; /* wire names */
    struct tw_text entity, message;
    enum tw_amount_form form;
    tw_i128 threshold, value;            /* E8 and COUNT */
    double threshold_score, value_score; /* SCORE */
    const char *unit;                    /* "units", a currency, "trades", "sigma" */
    struct tw_feature features[TW_ALERT_FEATURES_MAX];
    uint32_t feature_count;
    struct tw_text rule;
    uint32_t rule_version;
    struct tw_text config, model; /* hashes in hex; model may be absent */
    uint64_t seq;
    int64_t ts_ns;
    struct tw_alert_trade trades[TW_ALERT_TRADES_MAX];
    uint32_t trade_count_listed;
    uint64_t trade_count;
    int64_t detected_at_ns;
};
/* detected_at is the last key of the map and always takes TW_ALERT_DETECTED_BYTES at the end: key and 9-byte uint64, so
 * that whoever stores the record can set it, and digests can leave it out. */
#define TW_ALERT_DETECTED_BYTES 21u
void tw_alert_encode(struct tw_buffer *out, const struct tw_alert *alert);
void tw_alert_set_detected_at(uint8_t *bytes, size_t length, int64_t ns);
size_t tw_alert_topic(char out[TW_TOPIC_BYTES_MAX], const char *severity, const char *type, struct tw_text entity);

/* What a reader needs of a stored or received alert; trades and features are read on from their cursors. */
struct tw_alert_view {
    uint64_t n, seq, trade_count;
    uint32_t rule_version;
    int64_t ts_ns, detected_at_ns;
    struct tw_text id /* 32 hex digits */, event, type, severity, entity_type, entity, message, unit, rule, config,
        model;
    struct tw_pack_value threshold, value; /* str, uint or float */
    struct tw_unpacker trades;             /* at the first of `trades_listed` maps */
    uint32_t trades_listed;
    struct tw_unpacker features; /* at the first of `feature_count` name/value pairs */
    uint32_t feature_count;      /* names are str, values numbers: checked */
};
bool tw_alert_decode(const void *bytes, size_t length, struct tw_alert_view *out);
#define TW_ALERT_ID_BYTES 16u
/* The id alone, at a fraction of the cost; false: there is none that is readable. */
bool tw_alert_id_of(const void *bytes, size_t length, uint8_t id[TW_ALERT_ID_BYTES]);
bool tw_alert_id_read(struct tw_text digits, uint8_t id[TW_ALERT_ID_BYTES]);      /* 32 hex digits, lower case */
bool tw_alert_next_trade(struct tw_alert_view *view, struct tw_alert_trade *out); /* at most trades_listed times */
bool tw_alert_next_feature(struct tw_alert_view *view, struct tw_text *name, double *value); /* feature_count times */

/* Of the newest trade that is named; of a publisher's own alert (FEED_GAP) its entity. Empty: unknown. */
struct tw_text tw_alert_publisher(const struct tw_alert_view *view);

/* ---- head: topic "head." ---- */

#define TW_HEAD_TOPIC "head."

struct tw_head_count {
    const char *type, *severity;
    uint64_t count;
};
struct tw_head {
    uint64_t last;    /* n of the newest alert event */
    uint64_t durable; /* global sequence up to which trades are durable and judged */
    char digest[65], record_digest[65];
    const struct tw_head_count *counts; /* in any order; written as {type: {severity: count}} */
    uint32_t count_count;
};
void tw_head_encode(struct tw_buffer *out, const struct tw_head *head);
struct tw_head_view {
    uint64_t last, durable;
    struct tw_text digest, record_digest;
    struct tw_unpacker counts; /* at the first of type_count pairs type, map of severity -> count: checked */
    uint32_t type_count;
};
bool tw_head_decode(const void *bytes, size_t length, struct tw_head_view *out);

/* ---- catch-up ---- */

enum tw_catchup_kind { TW_CATCHUP_ALERTS, TW_CATCHUP_REFUSALS, TW_CATCHUP_ACTIONS };
struct tw_catchup {
    enum tw_catchup_kind kind;
    uint64_t after;
    uint32_t limit;
    struct tw_text type, severity, publisher; /* filters; absent: all. publisher: refusals only */
    struct tw_text topic;                     /* "replay.<yours>." */
};
void tw_catchup_encode(struct tw_buffer *out, const struct tw_catchup *request);
/* Requests come from people: unknown and double keys are refused, with `why` (static). out->topic is set whenever it is
 * legible and valid, so that a refusal can be answered under it (tw_catchup_end_encode with `error`). A limit above
 * TW_CATCHUP_LIMIT_MAX counts as that; the end says `more`. */
bool tw_catchup_decode(const void *bytes, size_t length, struct tw_catchup *out, const char **why);
/* {"end": number asked after, "last": n of the last one given or `after`, "more": bool, "error": why or absent} */
void tw_catchup_end_encode(struct tw_buffer *out, uint64_t after, uint64_t last, bool more, const char *error);
struct tw_catchup_end {
    uint64_t after, last;
    bool more;
    struct tw_text error;
};
bool tw_catchup_end_decode(const void *bytes, size_t length, struct tw_catchup_end *out);

/* A refusal as catch-up gives it: {"r","pub","inc","seq","code","why","received_at","raw"} */
struct tw_refusal_message {
    uint64_t number;
    struct tw_text publisher;
    uint32_t incarnation;
    uint64_t seq;
    struct tw_text code, why, raw;
    int64_t received_ns;
};
void tw_refusal_encode(struct tw_buffer *out, const struct tw_refusal_message *refusal);
bool tw_refusal_decode(const void *bytes, size_t length, struct tw_refusal_message *out);

#endif
