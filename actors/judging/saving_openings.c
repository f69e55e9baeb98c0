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

bool tw_load_openings(struct tw_row_reader *row, struct tw_openings *openings, tw_opening_filter mine,
                      const void *context)
{
    struct tw_opening opening;
    while (row->at < row->end) {
        if (!load_opening(row, &opening))
            return false;
        if (!mine(context, &opening))
            continue;
        if (openings->count == openings->capacity) {
            openings->capacity = openings->capacity == 0 ? 256 : openings->capacity * 2;
            openings->list = tw_realloc(openings->list, openings->capacity * sizeof *openings->list);
        }
        openings->list[openings->count++] = opening;
    }
    return true;
}

struct placed {
    struct tw_opening opening;
    uint32_t place;
};

static int compare_placed(const void *left, const void *right)
{
    const struct placed *a = left, *b = right;
    if (a->opening.seq != b->opening.seq)
        return a->opening.seq < b->opening.seq ? -1 : 1;
    return a->place < b->place ? -1 : 1;
}

/* By trade; those of one trade stay as they came. One key's all come from one shard, so theirs is the old order. */
void tw_sort_openings(struct tw_openings *openings)
{
    if (openings->count == 0)
        return;
    struct placed *list = tw_alloc(openings->count * sizeof *list);
    for (uint32_t i = 0; i < openings->count; i++)
        list[i] = (struct placed){openings->list[i], i};
    qsort(list, openings->count, sizeof *list, compare_placed);
    for (uint32_t i = 0; i < openings->count; i++)
        openings->list[i] = list[i].opening;
    free(list);
}
