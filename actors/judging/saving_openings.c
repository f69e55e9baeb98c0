/* SPDX-License-Identifier: MIT
 *
 * Openings in a snapshot.
 */
#include <stdlib.h>

#include "actors/judging/saving.h"
#include "protocol/check.h"

#define OPENINGS_PER_ROW 1024u

static void save_opening(struct tw_buffer *out, const struct tw_opening *opening)
{
    tw_put_u64(out, opening->seq);
    tw_put_u64(out, opening->pseq);
    tw_put_u32(out, opening->source);
    tw_put_u32(out, opening->entity);
    tw_put_u32(out, opening->entity2);
    tw_put_u8(out, tw_rule_code((enum tw_rule)opening->rule));
    tw_put_u8(out, opening->severity);
    tw_put_u8(out, opening->entity_type);
    tw_put_u8(out, opening->state);
}

bool tw_save_late_openings(struct tw_saving *saving, struct tw_openings *openings)
{
    struct tw_opening list[OPENINGS_PER_ROW];
    uint32_t count = tw_openings_late_take(openings, OPENINGS_PER_ROW, list);
    if (count == 0)
        return false;
    size_t began = tw_row_begin(&saving->rows, TW_ROW_OPENINGS);
    for (uint32_t i = 0; i < count; i++)
        save_opening(&saving->rows, &list[i]);
    tw_row_end(&saving->rows, began);
    return true;
}

bool tw_save_archive(struct tw_saving *saving, struct tw_openings *openings)
{
    uint8_t bytes[TW_PACKED_BYTES_MAX];
    uint32_t length = tw_archive_late_take(&openings->archive, bytes);
    if (length == 0)
        return false;
    size_t began = tw_row_begin(&saving->rows, TW_ROW_ENDED_OPENINGS);
    tw_put_bytes(&saving->rows, bytes, length);
    tw_row_end(&saving->rows, began);
    return true;
}

void tw_saving_forget(struct tw_saving *saving, struct tw_openings *openings, uint64_t last_seq)
{
    while (tw_save_late_openings(saving, openings))
        continue;
    tw_openings_forget(openings, last_seq);
}

static bool load_opening(struct tw_row_reader *row, struct tw_opening *opening)
{
    opening->seq = tw_get_u64(row);
    opening->pseq = tw_get_u64(row);
    opening->source = tw_get_u32(row);
    opening->entity = tw_get_u32(row);
    opening->entity2 = tw_get_u32(row);
    opening->rule = (uint8_t)tw_rule_from_code(tw_get_u8(row));
    opening->severity = tw_get_u8(row);
    opening->entity_type = tw_get_u8(row);
    opening->state = tw_get_u8(row);
    return !row->bad && opening->rule < TW_RULE_COUNT && opening->severity >= TW_SEVERITY_LOW &&
           opening->severity <= TW_SEVERITY_CRITICAL && opening->entity_type <= TW_ENTITY_SYSTEM &&
           opening->state < TW_OPENING_STATES;
}

bool tw_load_openings(struct tw_row_reader *row, struct tw_openings *openings, tw_opening_visit mine,
                      const void *context)
{
    struct tw_opening opening;
    if (row->kind == TW_ROW_ENDED_OPENINGS)
        return tw_archive_load(&openings->archive, row, mine, context);
    while (row->at < row->end) {
        if (!load_opening(row, &opening))
            return false;
        if (mine(context, &opening))
            tw_openings_load(openings, &opening);
    }
    return true;
}

bool tw_load_openings_end(struct tw_openings *openings, tw_opening_visit sound, const void *context)
{
    tw_sort_openings(openings->list, openings->count);
    tw_archive_load_end(&openings->archive);
    return tw_openings_each(openings, sound, context);
}
