/* SPDX-License-Identifier: MIT
 *
 * Messages: the ack.
 */
#include <stdio.h>
#include <string.h>

#include "protocol/check.h"
#include "protocol/fields.h"
#include "protocol/messages.h"

/* ---- encoding ---- */

static void pack_refusals(struct tw_buffer *out, const struct tw_ack *ack)
{
    TW_ASSERT(ack->refused_count <= TW_ACK_REFUSALS_MAX);
    tw_pack_str(out, "refused");
    tw_pack_array(out, ack->refused_count);
    for (uint32_t i = 0; i < ack->refused_count; i++) {
        const struct tw_ack_refusal *refusal = &ack->refused[i];
        tw_pack_map(out, 3);
        tw_pack_str(out, "seq");
        tw_pack_u64(out, refusal->seq);
        tw_pack_str(out, "code");
        tw_pack_text(out, refusal->code);
        tw_pack_str(out, "why");
        tw_pack_text(out, refusal->why);
    }
}

static void pack_hold(struct tw_buffer *out, const struct tw_ack *ack)
{
    tw_pack_str(out, "hold");
    if (!ack->has_hold) {
        tw_pack_nil(out);
        return;
    }
    tw_pack_map(out, 3);
    tw_pack_str(out, "code");
    tw_pack_text(out, ack->hold_code);
    tw_pack_str(out, "seq");
    tw_pack_u64(out, ack->hold_seq);
    tw_pack_str(out, "why");
    tw_pack_text(out, ack->hold_why);
}

static void pack_number(struct tw_buffer *out, const char *key, uint64_t value)
{
    tw_pack_str(out, key);
    tw_pack_u64(out, value);
}

void tw_ack_encode(struct tw_buffer *out, const struct tw_ack *ack)
{
    tw_pack_map(out, ack->has_previous ? 12 : 11);
    pack_number(out, "v", 1);
    tw_pack_str(out, "pub");
    tw_pack_text(out, ack->publisher);
    pack_number(out, "inc", ack->incarnation);
    pack_number(out, "durable", ack->durable);
    pack_number(out, "next", ack->next);
    pack_number(out, "gap", ack->gap);
    pack_number(out, "credit", ack->credit);
    pack_refusals(out, ack);
    pack_number(out, "refused_total", ack->refused_total);
    pack_hold(out, ack);
    pack_number(out, "names", ack->names);
    if (ack->has_previous) {
        tw_pack_str(out, "previous");
        tw_pack_map(out, 2);
        pack_number(out, "inc", ack->previous_incarnation);
        pack_number(out, "durable", ack->previous_durable);
    }
}

size_t tw_ack_topic(char out[TW_TOPIC_BYTES_MAX], struct tw_text publisher)
{
    return (size_t)snprintf(out, TW_TOPIC_BYTES_MAX, "ack.%.*s.", (int)publisher.length, publisher.bytes);
}

/* ---- decoding ---- */

struct ack_fields {
    uint64_t v;
    struct tw_unpacker refused, hold, previous;
};

/* Members of the ack itself and cursors into the parts, in two tables over the same map. */
static const struct tw_field ack_table[] = {
    TW_FIELD(struct tw_ack, publisher, "pub", TEXT, true),
    TW_FIELD(struct tw_ack, incarnation, "inc", U32, false),
    TW_FIELD(struct tw_ack, durable, "durable", U64, true),
    TW_FIELD(struct tw_ack, next, "next", U64, true),
    TW_FIELD(struct tw_ack, gap, "gap", U64, false),
    TW_FIELD(struct tw_ack, credit, "credit", U32, true),
    TW_FIELD(struct tw_ack, refused_total, "refused_total", U64, false),
    TW_FIELD(struct tw_ack, names, "names", U64, false),
};

static const struct tw_field parts_table[] = {
    TW_FIELD(struct ack_fields, v, "v", U64, true),
    TW_FIELD(struct ack_fields, refused, "refused", CURSOR, false),
    TW_FIELD(struct ack_fields, hold, "hold", CURSOR, false),
    TW_FIELD(struct ack_fields, previous, "previous", CURSOR, false),
};

static const struct tw_field refusal_table[] = {
    TW_FIELD(struct tw_ack_refusal, seq, "seq", U64, true),
    TW_FIELD(struct tw_ack_refusal, code, "code", TEXT, true),
    TW_FIELD(struct tw_ack_refusal, why, "why", TEXT, false),
};

static const struct tw_field hold_table[] = {
    TW_FIELD(struct tw_ack, hold_code, "code", TEXT, true),
    TW_FIELD(struct tw_ack, hold_seq, "seq", U64, false),
    TW_FIELD(struct tw_ack, hold_why, "why", TEXT, false),
};

static const struct tw_field previous_table[] = {
    TW_FIELD(struct tw_ack, previous_incarnation, "inc", U32, true),
    TW_FIELD(struct tw_ack, previous_durable, "durable", U64, true),
};

#define ROWS(table) ((uint32_t)(sizeof(table) / sizeof(table)[0]))

/* The newest are last; should a newer daemon list more than we hold, the oldest are left out. */
static bool read_refusals(struct tw_unpacker cursor, struct tw_ack *out)
{
    uint32_t count;
    if (!tw_unpack_array(&cursor, &count))
        return false;
    for (; count > TW_ACK_REFUSALS_MAX; count--)
        if (!tw_unpack_skip(&cursor))
            return false;
    for (uint32_t i = 0; i < count; i++)
        if (tw_fields_read(&cursor, refusal_table, ROWS(refusal_table), false, &out->refused[i]).status != TW_FIELDS_OK)
            return false;
    out->refused_count = count;
    return true;
}

bool tw_ack_decode(const void *bytes, size_t length, struct tw_ack *out)
{
    struct ack_fields parts = {0};
    memset(out, 0, sizeof *out);
    if (tw_fields_message(bytes, length, ack_table, ROWS(ack_table), false, out).status != TW_FIELDS_OK ||
        tw_fields_message(bytes, length, parts_table, ROWS(parts_table), false, &parts).status != TW_FIELDS_OK)
        return false;
    if (parts.v != 1 || out->publisher.length == 0)
        return false;
    if (parts.refused.bytes != NULL && !read_refusals(parts.refused, out))
        return false;
    out->has_hold = parts.hold.bytes != NULL;
    out->has_previous = parts.previous.bytes != NULL;
    return (!out->has_hold ||
            tw_fields_read(&parts.hold, hold_table, ROWS(hold_table), false, out).status == TW_FIELDS_OK) &&
           (!out->has_previous ||
            tw_fields_read(&parts.previous, previous_table, ROWS(previous_table), false, out).status == TW_FIELDS_OK);
}
