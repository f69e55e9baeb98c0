/* SPDX-License-Identifier: MIT */
#include "actors/judging/openings.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"

#define LIST_KEPT 65536u /* 2 MiB of memory, whatever is in it */

static struct tw_opening *add(struct tw_openings *openings)
{
    if (openings->count == openings->capacity) {
        openings->capacity = openings->capacity == 0 ? 256 : openings->capacity * 2;
        openings->list = tw_realloc(openings->list, openings->capacity * sizeof *openings->list);
    }
    return &openings->list[openings->count++];
}

struct tw_opening *tw_openings_add(struct tw_openings *openings, enum tw_rule rule, enum tw_entity_type entity_type,
                                   uint32_t entity, uint32_t entity2, struct tw_origin opening,
                                   enum tw_severity severity)
{
    /* Openings come in the order of their trades, so that the list stays sorted. */
    TW_ASSERT(openings->count == 0 || openings->list[openings->count - 1].seq <= opening.seq);
    struct tw_opening *added = add(openings);
    *added = (struct tw_opening){.seq = opening.seq,
                                 .pseq = opening.pseq,
                                 .source = opening.source,
                                 .entity = entity,
                                 .entity2 = entity2,
                                 .rule = (uint8_t)rule,
                                 .severity = (uint8_t)severity,
                                 .entity_type = (uint8_t)entity_type};
    return added;
}

void tw_openings_load(struct tw_openings *openings, const struct tw_opening *opening)
{
    *add(openings) = *opening;
    openings->ended += opening->state != TW_OPENING_OPEN;
}

void tw_openings_free(struct tw_openings *openings)
{
    free(openings->list);
    free(openings->late.was);
    free(openings->found.list);
    tw_archive_free(&openings->archive);
    memset(openings, 0, sizeof *openings);
}

/* ---- looking up ---- */

/* Index of the first in the list that trade `seq` opened, or count. The others follow it. */
static uint32_t index_of(const struct tw_openings *openings, uint64_t seq)
{
    uint32_t low = 0, high = openings->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (openings->list[middle].seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low < openings->count && openings->list[low].seq == seq ? low : openings->count;
}

static struct tw_opening *first_listed(const struct tw_openings *openings, uint64_t seq)
{
    uint32_t i = index_of(openings, seq);
    return i < openings->count ? &openings->list[i] : NULL;
}

struct tw_opening *tw_openings_first_of(struct tw_openings *openings, uint64_t seq)
{
    openings->found.count = 0;
    tw_archive_find(&openings->archive, seq, &openings->found);
    return openings->found.count > 0 ? openings->found.list : first_listed(openings, seq);
}

struct tw_opening *tw_openings_next_of(struct tw_openings *openings, struct tw_opening *opening)
{
    uint64_t seq = opening->seq;
    if (openings->found.count > 0 && opening == &openings->found.list[openings->found.count - 1])
        return first_listed(openings, seq);
    opening++;
    if (opening == openings->list + openings->count)
        return NULL;
    return opening->seq == seq ? opening : NULL;
}

struct tw_opening *tw_openings_open(const struct tw_openings *openings, uint64_t seq, enum tw_rule rule,
                                    uint32_t entity, uint32_t entity2)
{
    for (uint32_t i = index_of(openings, seq); i < openings->count && openings->list[i].seq == seq; i++) {
        struct tw_opening *opening = &openings->list[i];
        if (opening->state == TW_OPENING_OPEN && opening->rule == rule && opening->entity == entity &&
            opening->entity2 == entity2)
            return opening;
    }
    return NULL;
}

bool tw_openings_each(const struct tw_openings *openings, tw_opening_visit visit, const void *context)
{
    for (uint32_t i = 0; i < openings->count; i++)
        if (!visit(context, &openings->list[i]))
            return false;
    return tw_archive_each(&openings->archive, visit, context);
}

/* ---- changes ---- */

/* Before it changes; the archive's are copies. */
static void note_late(struct tw_openings *openings, const struct tw_opening *opening)
{
    uintptr_t offset = (uintptr_t)opening - (uintptr_t)openings->list;
    uint32_t index = offset / sizeof *opening < openings->count ? (uint32_t)(offset / sizeof *opening) : UINT32_MAX;
    if (index < openings->late.from || index >= openings->late.until)
        return;
    if (openings->late.was_count == openings->late.was_capacity) {
        openings->late.was_capacity = openings->late.was_capacity == 0 ? 64 : openings->late.was_capacity * 2;
        openings->late.was = tw_realloc(openings->late.was, openings->late.was_capacity * sizeof *openings->late.was);
    }
    openings->late.was[openings->late.was_count++] = (struct tw_opening_was){index, opening->severity, opening->state};
}

void tw_openings_raise(struct tw_openings *openings, struct tw_opening *opening, enum tw_severity severity)
{
    note_late(openings, opening);
    opening->severity = (uint8_t)severity;
}

void tw_openings_end(struct tw_openings *openings, struct tw_opening *opening, enum tw_opening_state state)
{
    TW_ASSERT(opening->state < state);
    note_late(openings, opening);
    openings->ended += opening->state == TW_OPENING_OPEN;
    opening->state = (uint8_t)state;
}

/* ---- to the archive ---- */

struct move {
    struct tw_openings *openings;
    struct tw_packed_openings packed;
    uint32_t from; /* the packed ones are the ended ones from there on */
};

static void put_block(struct move *move, uint32_t until)
{
    tw_archive_put(&move->openings->archive, &move->packed);
    tw_packed_clear(&move->packed);
    for (; move->from < until; move->from++)
        if (move->openings->list[move->from].state == TW_OPENING_ENDED)
            move->openings->list[move->from].state = TW_OPENING_RETRACTED; /* of no use in the list any more */
}

/* The openings in [from, until) are of one range. Those for which a block is not worth it stay. */
static void move_range(struct move *move, uint32_t from, uint32_t until)
{
    struct tw_opening *list = move->openings->list;
    const uint32_t least = tw_archive_sizes(&move->openings->archive)->least;
    uint32_t ended = 0;
    for (uint32_t i = from; i < until; i++)
        ended += list[i].state == TW_OPENING_ENDED;
    if (ended < least)
        return;
    move->from = from;
    tw_packed_clear(&move->packed);
    for (uint32_t i = from; i < until; i++) {
        if (list[i].state != TW_OPENING_ENDED || tw_packed_add(&move->packed, &list[i]))
            continue;
        put_block(move, i);
        tw_packed_add(&move->packed, &list[i]);
    }
    if (move->packed.count >= least)
        put_block(move, until);
}

static void take_out_retracted(struct tw_openings *openings)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < openings->count; i++)
        if (openings->list[i].state != TW_OPENING_RETRACTED)
            openings->list[kept++] = openings->list[i];
    openings->count = kept;
    if (openings->capacity > LIST_KEPT && openings->capacity / 4 > kept) { /* it was large for once */
        openings->capacity = kept > LIST_KEPT / 2 ? 2 * kept : LIST_KEPT;
        openings->list = tw_realloc(openings->list, openings->capacity * sizeof *openings->list);
    }
}

void tw_openings_settle(struct tw_openings *openings)
{
    /* Each look at the whole list is paid for by those that ended since the last one. */
    if (openings->ended < openings->count / 4 || openings->ended < tw_archive_sizes(&openings->archive)->group ||
        tw_openings_late(openings) > 0)
        return;
    struct move move = {.openings = openings};
    for (uint32_t from = 0, until; from < openings->count; from = until) {
        uint64_t range = tw_archive_range(&openings->archive, openings->list[from].seq);
        for (until = from + 1; until < openings->count; until++)
            if (tw_archive_range(&openings->archive, openings->list[until].seq) != range)
                break;
        move_range(&move, from, until);
    }
    take_out_retracted(openings);
    openings->ended = 0;
}

void tw_openings_forget(struct tw_openings *openings, uint64_t last_seq)
{
    uint32_t kept = 0;
    TW_ASSERT(tw_openings_late(openings) == 0);
    for (uint32_t i = 0; i < openings->count; i++)
        if (openings->list[i].seq > last_seq || openings->list[i].state == TW_OPENING_OPEN)
            openings->list[kept++] = openings->list[i];
    openings->count = kept;
    tw_archive_forget(&openings->archive, last_seq);
}

/* ---- snapshots ---- */

void tw_openings_late_begin(struct tw_openings *openings)
{
    openings->late.from = 0;
    openings->late.until = openings->count;
    openings->late.was_count = 0;
    tw_archive_late_begin(&openings->archive);
}

uint32_t tw_openings_late_take(struct tw_openings *openings, uint32_t limit, struct tw_opening *out)
{
    uint32_t from = openings->late.from, count = tw_openings_late(openings);
    if (count > limit)
        count = limit;
    if (count > 0)
        memcpy(out, openings->list + from, count * sizeof *out);
    for (uint32_t i = openings->late.was_count; i > 0; i--) { /* the first note of one is the last to count */
        const struct tw_opening_was *was = &openings->late.was[i - 1];
        if (was->index >= from && was->index - from < count) {
            out[was->index - from].severity = was->severity;
            out[was->index - from].state = was->state;
        }
    }
    openings->late.from += count;
    return count;
}
