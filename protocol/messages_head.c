/* SPDX-License-Identifier: MIT
 *
 * Messages: the head.
 */
#include <string.h>

#include "protocol/fields.h"
#include "protocol/messages.h"

/* ---- encoding ---- */

/* True if no count before `index` has its type. */
static bool first_of_type(const struct tw_head *head, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++)
        if (strcmp(head->counts[i].type, head->counts[index].type) == 0)
            return false;
    return true;
}

static void pack_type(struct tw_buffer *out, const struct tw_head *head, const char *type)
{
    uint32_t severities = 0;
    for (uint32_t i = 0; i < head->count_count; i++)
        severities += strcmp(head->counts[i].type, type) == 0;
    tw_pack_str(out, type);
    tw_pack_map(out, severities);
    for (uint32_t i = 0; i < head->count_count; i++) {
        if (strcmp(head->counts[i].type, type) != 0)
            continue;
        tw_pack_str(out, head->counts[i].severity);
        tw_pack_u64(out, head->counts[i].count);
    }
}

void tw_head_encode(struct tw_buffer *out, const struct tw_head *head)
{
    uint32_t types = 0;
    for (uint32_t i = 0; i < head->count_count; i++)
        types += first_of_type(head, i);
    tw_pack_map(out, 6);
    tw_pack_str(out, "v");
    tw_pack_u64(out, 1);
    tw_pack_str(out, "last");
    tw_pack_u64(out, head->last);
    tw_pack_str(out, "durable");
    tw_pack_u64(out, head->durable);
    tw_pack_str(out, "digest");
    tw_pack_str(out, head->digest);
    tw_pack_str(out, "record_digest");
    tw_pack_str(out, head->record_digest);
    tw_pack_str(out, "counts");
    tw_pack_map(out, types);
    for (uint32_t i = 0; i < head->count_count; i++)
        if (first_of_type(head, i))
            pack_type(out, head, head->counts[i].type);
}

/* ---- decoding ---- */

struct head_fields {
    struct tw_head_view view;
    uint64_t v;
    struct tw_unpacker counts;
};

static const struct tw_field head_table[] = {
    TW_FIELD(struct head_fields, v, "v", U64, true),
    TW_FIELD(struct head_fields, view.last, "last", U64, true),
    TW_FIELD(struct head_fields, view.durable, "durable", U64, true),
    TW_FIELD(struct head_fields, view.digest, "digest", TEXT, true),
    TW_FIELD(struct head_fields, view.record_digest, "record_digest", TEXT, false),
    TW_FIELD(struct head_fields, counts, "counts", CURSOR, true),
};

static bool open_counts(struct tw_unpacker cursor, struct tw_head_view *view)
{
    struct tw_text name;
    uint32_t severities;
    uint64_t count;
    if (!tw_unpack_map(&cursor, &view->type_count))
        return false;
    view->counts = cursor;
    for (uint32_t type = 0; type < view->type_count; type++) {
        if (!tw_unpack_text(&cursor, &name) || !tw_unpack_map(&cursor, &severities))
            return false;
        for (uint32_t i = 0; i < severities; i++)
            if (!tw_unpack_text(&cursor, &name) || !tw_unpack_u64(&cursor, &count))
                return false;
    }
    return true;
}

bool tw_head_decode(const void *bytes, size_t length, struct tw_head_view *out)
{
    struct head_fields fields = {0};
    const uint32_t rows = sizeof head_table / sizeof head_table[0];
    memset(out, 0, sizeof *out);
    if (tw_fields_message(bytes, length, head_table, rows, false, &fields).status != TW_FIELDS_OK || fields.v != 1 ||
        !open_counts(fields.counts, &fields.view))
        return false;
    *out = fields.view;
    return true;
}
