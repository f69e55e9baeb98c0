/* SPDX-License-Identifier: MIT
 *
 * Messages: catch-up requests, their ends, and refusals as catch-up gives them.
 */
#include <string.h>

#include "protocol/check.h"
#include "protocol/fields.h"
#include "protocol/messages.h"
#include "protocol/names.h"

#define ROWS(table) ((uint32_t)(sizeof(table) / sizeof(table)[0]))
#define TOPIC_PREFIX "replay."
#define TOPIC_PREFIX_BYTES ((uint32_t)sizeof TOPIC_PREFIX - 1u)

static const char *const kind_names[] = {"alerts", "refusals", "actions"};
#define KINDS (sizeof kind_names / sizeof kind_names[0])

/* ---- the request ---- */

static void pack_filter(struct tw_buffer *out, const char *key, struct tw_text text)
{
    if (text.length == 0)
        return;
    tw_pack_str(out, key);
    tw_pack_text(out, text);
}

void tw_catchup_encode(struct tw_buffer *out, const struct tw_catchup *request)
{
    uint32_t filters = 0;
    filters += request->type.length > 0;
    filters += request->severity.length > 0;
    filters += request->publisher.length > 0;
    tw_pack_map(out, 5 + filters);
    tw_pack_str(out, "v");
    tw_pack_u64(out, 1);
    tw_pack_str(out, "get");
    tw_pack_str(out, kind_names[request->kind]);
    tw_pack_str(out, "after");
    tw_pack_u64(out, request->after);
    tw_pack_str(out, "limit");
    tw_pack_u64(out, request->limit);
    pack_filter(out, "type", request->type);
    pack_filter(out, "severity", request->severity);
    pack_filter(out, "pub", request->publisher);
    tw_pack_str(out, "topic");
    tw_pack_text(out, request->topic);
}

struct request_fields {
    struct tw_field_value v;
    struct tw_text get, type, severity, publisher, topic;
    uint64_t after, limit;
};

/* Only `topic` is asked for by the table: the other keys that must be there have sentences of their own. */
static const struct tw_field request_table[] = {
    TW_FIELD(struct request_fields, v, "v", VALUE, false),
    TW_FIELD(struct request_fields, get, "get", TEXT, false),
    TW_FIELD(struct request_fields, after, "after", U64, false),
    TW_FIELD(struct request_fields, limit, "limit", U64, false),
    TW_FIELD(struct request_fields, type, "type", TEXT, false),
    TW_FIELD(struct request_fields, severity, "severity", TEXT, false),
    TW_FIELD(struct request_fields, publisher, "pub", TEXT, false),
    TW_FIELD(struct request_fields, topic, "topic", TEXT, false),
};

static bool topic_valid(struct tw_text topic)
{
    if (topic.length < TOPIC_PREFIX_BYTES + 2u || memcmp(topic.bytes, TOPIC_PREFIX, TOPIC_PREFIX_BYTES) != 0 ||
        topic.bytes[topic.length - 1u] != '.')
        return false;
    return tw_name_topic_valid(
        (struct tw_text){topic.bytes + TOPIC_PREFIX_BYTES, topic.length - TOPIC_PREFIX_BYTES - 1u});
}

static const char *keys_fault(enum tw_fields_status status)
{
    switch (status) {
    case TW_FIELDS_MALFORMED:
        return "not one well-formed MessagePack value";
    case TW_FIELDS_NOT_A_MAP:
        return "not a map";
    case TW_FIELDS_KEY_TYPE:
        return "a key is not a string";
    case TW_FIELDS_UNKNOWN_KEY:
        return "a key that is not known";
    case TW_FIELDS_DOUBLE_KEY:
        return "a key is given twice";
    case TW_FIELDS_WRONG_TYPE:
        return "a value is of the wrong type";
    case TW_FIELDS_OK:
    case TW_FIELDS_MISSING:
        return NULL;
    }
    TW_UNREACHABLE("a status that is none");
}

static bool severity_known(struct tw_text severity)
{
    return tw_text_is(severity, "LOW") || tw_text_is(severity, "MEDIUM") || tw_text_is(severity, "HIGH") ||
           tw_text_is(severity, "CRITICAL");
}

static const char *filters_fault(const struct tw_catchup *request)
{
    if (request->severity.bytes != NULL && !severity_known(request->severity))
        return "severity is none of LOW, MEDIUM, HIGH, CRITICAL";
    if (request->type.bytes != NULL && (request->type.length == 0 || request->type.length > TW_NAME_BYTES_MAX))
        return "type is not 1 to 64 bytes";
    if (request->publisher.bytes != NULL &&
        (request->publisher.length == 0 || request->publisher.length > TW_PUBLISHER_BYTES_MAX))
        return "pub is not 1 to 32 bytes";
    if (request->kind != TW_CATCHUP_ALERTS && (request->type.bytes != NULL || request->severity.bytes != NULL))
        return "only alerts can be asked for by type or severity";
    if (request->kind != TW_CATCHUP_REFUSALS && request->publisher.bytes != NULL)
        return "only refusals can be asked for by pub";
    return NULL;
}

static const char *request_fault(const struct request_fields *fields, struct tw_catchup *out)
{
    if (fields->v.value.type != TW_PACK_UINT || fields->v.value.uint != 1)
        return "v is not 1";
    size_t kind = 0;
    while (kind < KINDS && !tw_text_is(fields->get, kind_names[kind]))
        kind++;
    if (kind == KINDS)
        return "get is none of alerts, refusals, actions";
    if (out->topic.length == 0)
        return "topic is not replay.<1 to 64 of A-Za-z0-9_->.";
    if (out->limit == 0)
        return "limit is 0";
    out->kind = (enum tw_catchup_kind)kind;
    return filters_fault(out);
}

bool tw_catchup_decode(const void *bytes, size_t length, struct tw_catchup *out, const char **why)
{
    struct request_fields fields = {.limit = TW_CATCHUP_LIMIT_DEFAULT};
    memset(out, 0, sizeof *out);
    struct tw_fields_result keys = tw_fields_message(bytes, length, request_table, ROWS(request_table), true, &fields);
    *why = keys_fault(keys.status);
    if (keys.status == TW_FIELDS_MALFORMED)
        return false;
    out->after = fields.after;
    out->limit = fields.limit < TW_CATCHUP_LIMIT_MAX ? (uint32_t)fields.limit : TW_CATCHUP_LIMIT_MAX;
    out->type = fields.type;
    out->severity = fields.severity;
    out->publisher = fields.publisher;
    if (topic_valid(fields.topic))
        out->topic = fields.topic;
    if (*why == NULL)
        *why = request_fault(&fields, out);
    return *why == NULL;
}

/* ---- its end ---- */

void tw_catchup_end_encode(struct tw_buffer *out, uint64_t after, uint64_t last, bool more, const char *error)
{
    tw_pack_map(out, error == NULL ? 3 : 4);
    tw_pack_str(out, "end");
    tw_pack_u64(out, after);
    tw_pack_str(out, "last");
    tw_pack_u64(out, last);
    tw_pack_str(out, "more");
    tw_pack_bool(out, more);
    if (error != NULL) {
        tw_pack_str(out, "error");
        tw_pack_str(out, error);
    }
}

static const struct tw_field end_table[] = {
    TW_FIELD(struct tw_catchup_end, after, "end", U64, true),
    TW_FIELD(struct tw_catchup_end, last, "last", U64, true),
    TW_FIELD(struct tw_catchup_end, more, "more", BOOL, true),
    TW_FIELD(struct tw_catchup_end, error, "error", TEXT, false),
};

bool tw_catchup_end_decode(const void *bytes, size_t length, struct tw_catchup_end *out)
{
    memset(out, 0, sizeof *out);
    return tw_fields_message(bytes, length, end_table, ROWS(end_table), false, out).status == TW_FIELDS_OK;
}

/* ---- refusals ---- */

void tw_refusal_encode(struct tw_buffer *out, const struct tw_refusal_message *refusal)
{
    tw_pack_map(out, 8);
    tw_pack_str(out, "r");
    tw_pack_u64(out, refusal->number);
    tw_pack_str(out, "pub");
    tw_pack_text(out, refusal->publisher);
    tw_pack_str(out, "inc");
    tw_pack_u64(out, refusal->incarnation);
    tw_pack_str(out, "seq");
    tw_pack_u64(out, refusal->seq);
    tw_pack_str(out, "code");
    tw_pack_text(out, refusal->code);
    tw_pack_str(out, "why");
    tw_pack_text(out, refusal->why);
    tw_pack_str(out, "received_at");
    tw_pack_i64(out, refusal->received_ns);
    tw_pack_str(out, "raw");
    tw_pack_bin(out, refusal->raw.bytes, refusal->raw.length);
}

static const struct tw_field refusal_table[] = {
    TW_FIELD(struct tw_refusal_message, number, "r", U64, true),
    TW_FIELD(struct tw_refusal_message, publisher, "pub", TEXT, true),
    TW_FIELD(struct tw_refusal_message, incarnation, "inc", U32, true),
    TW_FIELD(struct tw_refusal_message, seq, "seq", U64, true),
    TW_FIELD(struct tw_refusal_message, code, "code", TEXT, true),
    TW_FIELD(struct tw_refusal_message, why, "why", TEXT, true),
    TW_FIELD(struct tw_refusal_message, received_ns, "received_at", I64, true),
    TW_FIELD(struct tw_refusal_message, raw, "raw", BIN, true),
};

bool tw_refusal_decode(const void *bytes, size_t length, struct tw_refusal_message *out)
{
    memset(out, 0, sizeof *out);
    return tw_fields_message(bytes, length, refusal_table, ROWS(refusal_table), false, out).status == TW_FIELDS_OK;
}
