/* SPDX-License-Identifier: MIT */
#include "protocol/action.h"

#include <stdio.h>
#include <string.h>

#include "protocol/check.h"
#include "protocol/fields.h"
#include "protocol/messages.h"
#include "protocol/names.h"

#define ROWS(table) ((uint32_t)(sizeof(table) / sizeof(table)[0]))

static const char *const verb_names[TW_ACTION_VERB_COUNT] = {
#define TW_ACTION_NAME(symbol, name) name,
    TW_ACTION_VERBS(TW_ACTION_NAME)
#undef TW_ACTION_NAME
};

const char *tw_action_verb_name(enum tw_action_verb verb)
{
    TW_ASSERT((uint32_t)verb < TW_ACTION_VERB_COUNT);
    return verb_names[verb];
}

bool tw_action_verb_of(struct tw_text name, enum tw_action_verb *out)
{
    for (uint32_t i = 0; i < TW_ACTION_VERB_COUNT; i++)
        if (tw_text_is(name, verb_names[i])) {
            *out = (enum tw_action_verb)i;
            return true;
        }
    return false;
}

/* ---- what may be ---- */

static bool is_verdict(struct tw_text verdict)
{
    return tw_text_is(verdict, "true_positive") || tw_text_is(verdict, "false_positive");
}

static const char *fault_of_alert(const struct tw_action *action)
{
    uint8_t id[TW_ALERT_ID_BYTES];
    bool assigns = action->verb == TW_ACTION_ASSIGN, closes = action->verb == TW_ACTION_CLOSE;
    if (!tw_alert_id_read(action->id, id) || action->n == 0 || action->n > (uint64_t)INT64_MAX)
        return "no alert has such an id or number";
    if (action->verb == TW_ACTION_NOTE && action->why.length == 0)
        return "the note is empty";
    if (assigns != (action->to.length > 0) || (assigns && !tw_name_id_valid(action->to)))
        return "assign, and nothing else, takes a name of 1 to 64 bytes of UTF-8 without control characters";
    if (closes != (action->verdict.length > 0) || (closes && !is_verdict(action->verdict)))
        return "close, and nothing else, takes true_positive or false_positive";
    return NULL;
}

static const char *fault_of_silence(const struct tw_action *action)
{
    if (action->id.length > 0 || action->n != 0 || action->to.length > 0 || action->verdict.length > 0)
        return "a silence is of no single alert";
    if (action->verb == TW_ACTION_UNSILENCE)
        return action->silence == 0 || action->silence > (uint64_t)INT64_MAX ? "there is no such silence" : NULL;
    if (action->match.length == 0 || action->match.length > TW_SILENCE_MATCH_BYTES_MAX ||
        !tw_name_note_valid(action->match))
        return "a silence takes matchers of 1 to 512 bytes of UTF-8 without control characters";
    if (action->hours.length > TW_SILENCE_HOURS_BYTES_MAX ||
        (action->hours.length > 0 && !tw_name_note_valid(action->hours)))
        return "the hours of a silence take at most 128 bytes of UTF-8; more of them are another silence";
    if (action->starts_ns < 0 || action->ends_ns <= action->starts_ns)
        return "a silence ends before it begins";
    if (action->why.length == 0)
        return "a silence wants a reason";
    return NULL;
}

const char *tw_action_fault(const struct tw_action *action)
{
    bool silences = action->verb == TW_ACTION_SILENCE, ends = action->verb == TW_ACTION_UNSILENCE;
    if (!tw_name_id_valid(action->who))
        return "who it is by takes 1 to 64 bytes of UTF-8 without control characters";
    if (action->why.length > 0 && !tw_name_note_valid(action->why))
        return "a note takes at most 1000 bytes of UTF-8 without control characters but line feeds";
    if ((!silences && (action->match.length > 0 || action->hours.length > 0 || action->ends_ns != 0)) ||
        (!ends && action->silence != 0))
        return "what belongs to a silence stands with something else";
    return tw_action_is_of_alert(action->verb) ? fault_of_alert(action) : fault_of_silence(action);
}

/* ---- encoding ---- */

static void put_text(struct tw_buffer *out, const char *key, struct tw_text text)
{
    if (text.length == 0)
        return;
    tw_pack_str(out, key);
    tw_pack_text(out, text);
}

static uint32_t pairs_of(const struct tw_action *action)
{
    uint32_t pairs = 3u + (action->to.length > 0) + (action->verdict.length > 0) + (action->why.length > 0);
    pairs += tw_action_is_of_alert(action->verb) ? 2u : 0u;
    pairs += action->verb == TW_ACTION_SILENCE ? 3u + (action->hours.length > 0) : 0u;
    return pairs + (action->verb == TW_ACTION_UNSILENCE ? 1u : 0u);
}

static void put_number(struct tw_buffer *out, const char *key, int64_t number)
{
    tw_pack_str(out, key);
    tw_pack_i64(out, number);
}

static void put_pairs(struct tw_buffer *out, const struct tw_action *action)
{
    tw_pack_str(out, "verb");
    tw_pack_str(out, tw_action_verb_name(action->verb));
    put_text(out, "id", action->id);
    if (tw_action_is_of_alert(action->verb))
        put_number(out, "n", (int64_t)action->n);
    put_text(out, "who", action->who);
    put_text(out, "to", action->to);
    put_text(out, "verdict", action->verdict);
    put_text(out, "match", action->match);
    put_text(out, "hours", action->hours);
    if (action->verb == TW_ACTION_SILENCE) {
        put_number(out, "starts", action->starts_ns);
        put_number(out, "ends", action->ends_ns);
    }
    if (action->verb == TW_ACTION_UNSILENCE)
        put_number(out, "silence", (int64_t)action->silence);
    put_text(out, "why", action->why);
}

static void put_version(struct tw_buffer *out)
{
    tw_pack_str(out, "v");
    tw_pack_u64(out, 1);
}

void tw_action_encode(struct tw_buffer *out, const struct tw_action *action)
{
    TW_ASSERT(tw_action_fault(action) == NULL);
    tw_pack_map(out, pairs_of(action));
    put_version(out);
    put_pairs(out, action);
}

void tw_action_message_encode(struct tw_buffer *out, const struct tw_action_message *message)
{
    TW_ASSERT(tw_action_fault(&message->action) == NULL);
    tw_pack_map(out, pairs_of(&message->action) + 2u);
    put_version(out);
    tw_pack_str(out, "h");
    tw_pack_u64(out, message->h);
    tw_pack_str(out, "at");
    tw_pack_i64(out, message->at_ns);
    put_pairs(out, &message->action);
}

/* ---- decoding ---- */

struct fields {
    uint64_t v, h, n, silence;
    int64_t at, starts, ends;
    struct tw_text verb, id, who, to, verdict, match, hours, why;
};

#define ACTION_FIELDS                                                                                                  \
    TW_FIELD(struct fields, v, "v", U64, true), TW_FIELD(struct fields, verb, "verb", TEXT, true),                     \
        TW_FIELD(struct fields, id, "id", TEXT, false), TW_FIELD(struct fields, n, "n", U64, false),                   \
        TW_FIELD(struct fields, match, "match", TEXT, false), TW_FIELD(struct fields, hours, "hours", TEXT, false),    \
        TW_FIELD(struct fields, starts, "starts", I64, false), TW_FIELD(struct fields, ends, "ends", I64, false),      \
        TW_FIELD(struct fields, silence, "silence", U64, false), TW_FIELD(struct fields, who, "who", TEXT, true),      \
        TW_FIELD(struct fields, to, "to", TEXT, false), TW_FIELD(struct fields, verdict, "verdict", TEXT, false),      \
        TW_FIELD(struct fields, why, "why", TEXT, false)

static const struct tw_field record_table[] = {ACTION_FIELDS};
static const struct tw_field message_table[] = {ACTION_FIELDS, TW_FIELD(struct fields, h, "h", U64, true),
                                                TW_FIELD(struct fields, at, "at", I64, true)};

static const char *take(const struct fields *fields, struct tw_action *out)
{
    *out = (struct tw_action){.id = fields->id,
                              .n = fields->n,
                              .who = fields->who,
                              .why = fields->why,
                              .to = fields->to,
                              .verdict = fields->verdict,
                              .match = fields->match,
                              .hours = fields->hours,
                              .starts_ns = fields->starts,
                              .ends_ns = fields->ends,
                              .silence = fields->silence};
    if (fields->v != 1 || !tw_action_verb_of(fields->verb, &out->verb))
        return "an action of a kind that is not known";
    return tw_action_fault(out);
}

bool tw_action_decode(const void *bytes, size_t length, struct tw_action *out, const char **why)
{
    struct fields fields = {0};
    *why = "an action is not readable";
    if (tw_fields_message(bytes, length, record_table, ROWS(record_table), true, &fields).status != TW_FIELDS_OK)
        return false;
    *why = take(&fields, out);
    return *why == NULL;
}

bool tw_action_message_decode(const void *bytes, size_t length, struct tw_action_message *out)
{
    struct fields fields = {0};
    if (tw_fields_message(bytes, length, message_table, ROWS(message_table), false, &fields).status != TW_FIELDS_OK)
        return false;
    out->h = fields.h;
    out->at_ns = fields.at;
    return out->h != 0 && take(&fields, &out->action) == NULL;
}

size_t tw_action_topic(char out[TW_TOPIC_BYTES_MAX], enum tw_action_verb verb)
{
    int length = snprintf(out, TW_TOPIC_BYTES_MAX, "action.%s.", tw_action_verb_name(verb));
    return (size_t)length;
}
