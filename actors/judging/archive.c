/* SPDX-License-Identifier: MIT */
#include "actors/judging/archive.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "actors/judging/planted.h"
#include "protocol/check.h"

/* 16,384: a fifth of a millisecond's work at a time. 128: a block is then worth its 24 bytes in memory. 2^23 trades:
 * what waits for a block is at most 4 KiB for eight million trades. */
static const struct tw_shelf_sizes usual_sizes = {.group = 16384, .least = 128, .range = 23};

#define LOADING_MAX 8192u /* openings */

/* ---- the shelf ---- */

void tw_archive_keep_on(struct tw_archive *archive, struct tw_shelf shelf)
{
    TW_ASSERT(archive->shelf.put == NULL && archive->count == 0);
    archive->shelf = shelf;
    if (shelf.sizes.group == 0)
        archive->shelf.sizes = usual_sizes;
    TW_ASSERT(archive->shelf.sizes.least > 0 && archive->shelf.sizes.range < 32);
}

const struct tw_shelf_sizes *tw_archive_sizes(struct tw_archive *archive)
{
    if (archive->shelf.put == NULL)
        tw_archive_keep_on(archive, tw_shelf_in_memory());
    return &archive->shelf.sizes;
}

static uint32_t sum_of(const uint8_t *bytes, uint32_t length)
{
    return (uint32_t)XXH3_64bits(bytes, length);
}

/* What was put there is what is read, or the process ends: the next start makes it all anew from the log. */
static void get_block(const struct tw_archive *archive, const struct tw_archive_block *block, uint8_t *bytes)
{
    if (!archive->shelf.get(archive->shelf.context, block->place, bytes, block->length))
        tw_check_failed("openings of ended alerts cannot be read again", __FILE__, __LINE__, __func__);
    if (sum_of(bytes, block->length) != block->sum)
        tw_check_failed("openings of ended alerts are not read as they were written", __FILE__, __LINE__, __func__);
}

/* ---- ranges ---- */

/* Index of the first one with that number or a higher one. */
static uint32_t range_from(const struct tw_archive *archive, uint64_t number)
{
    uint32_t low = 0, high = archive->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (archive->ranges[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct tw_archive_range *range_for(struct tw_archive *archive, uint64_t number)
{
    uint32_t at = range_from(archive, number);
    if (at < archive->count && archive->ranges[at].number == number)
        return &archive->ranges[at];
    if (archive->count == archive->capacity) {
        archive->capacity = archive->capacity == 0 ? 16 : archive->capacity * 2;
        archive->ranges = tw_realloc(archive->ranges, archive->capacity * sizeof *archive->ranges);
    }
    memmove(archive->ranges + at + 1, archive->ranges + at, (archive->count - at) * sizeof *archive->ranges);
    archive->count++;
    archive->ranges[at] = (struct tw_archive_range){.number = number};
    return &archive->ranges[at];
}

void tw_archive_put(struct tw_archive *archive, const struct tw_packed_openings *packed)
{
    uint64_t number = tw_archive_range(archive, packed->first);
    TW_ASSERT(packed->count > 0 && tw_archive_range(archive, packed->last.seq) == number);
    struct tw_archive_range *range = range_for(archive, number);
    if (range->count == range->capacity) {
        range->capacity = range->capacity == 0 ? 4 : range->capacity * 2;
        range->blocks = tw_realloc(range->blocks, range->capacity * sizeof *range->blocks);
    }
    range->blocks[range->count++] = (struct tw_archive_block){
        .first = packed->first,
        .span = (uint32_t)(packed->last.seq - packed->first),
        .place = archive->shelf.put(archive->shelf.context, packed->bytes, packed->length),
        .length = packed->length,
        .sum = sum_of(packed->bytes, packed->length),
    };
}

/* ---- looking up ---- */

static void add_found(struct tw_found_openings *found, const struct tw_opening *opening)
{
    if (found->count == found->capacity) {
        found->capacity = found->capacity == 0 ? 16 : found->capacity * 2;
        found->list = tw_realloc(found->list, found->capacity * sizeof *found->list);
    }
    found->list[found->count++] = *opening;
}

void tw_archive_find(const struct tw_archive *archive, uint64_t seq, struct tw_found_openings *found)
{
    uint8_t bytes[TW_PACKED_BYTES_MAX];
    uint32_t at = range_from(archive, tw_archive_range(archive, seq));
    if (at == archive->count || archive->ranges[at].number != tw_archive_range(archive, seq))
        return;
    const struct tw_archive_range *range = &archive->ranges[at];
    for (uint32_t i = 0; i < (TW_PLANTED(ARCHIVE_LOOKS_ONCE) ? 1 : range->count); i++) {
        const struct tw_archive_block *block = &range->blocks[i];
        if (seq < block->first || seq - block->first > block->span)
            continue;
        get_block(archive, block, bytes);
        struct tw_packed_reader reader = {.at = bytes, .end = bytes + block->length};
        struct tw_opening opening;
        while (tw_packed_next(&reader, &opening) && opening.seq <= seq)
            if (opening.seq == seq)
                add_found(found, &opening);
    }
}

bool tw_archive_each(const struct tw_archive *archive, tw_opening_visit visit, const void *context)
{
    uint8_t bytes[TW_PACKED_BYTES_MAX];
    for (uint32_t i = 0; i < archive->count; i++)
        for (uint32_t k = 0; k < archive->ranges[i].count; k++) {
            const struct tw_archive_block *block = &archive->ranges[i].blocks[k];
            get_block(archive, block, bytes);
            struct tw_packed_reader reader = {.at = bytes, .end = bytes + block->length};
            struct tw_opening opening;
            while (tw_packed_next(&reader, &opening))
                if (!visit(context, &opening))
                    return false;
        }
    return true;
}

/* ---- retention ---- */

static void drop_range(struct tw_archive *archive, struct tw_archive_range *range)
{
    for (uint32_t i = 0; i < range->count; i++)
        archive->shelf.drop(archive->shelf.context, range->blocks[i].place, range->blocks[i].length);
    free(range->blocks);
}

static void drop_forgotten(struct tw_archive *archive)
{
    uint32_t gone = 0;
    uint64_t others = (UINT64_C(1) << archive->shelf.sizes.range) - 1;
    while (gone < archive->count &&
           (archive->ranges[gone].number << archive->shelf.sizes.range | others) <= archive->forgotten)
        drop_range(archive, &archive->ranges[gone++]);
    if (gone == 0)
        return;
    archive->count -= gone;
    memmove(archive->ranges, archive->ranges + gone, archive->count * sizeof *archive->ranges);
}

void tw_archive_forget(struct tw_archive *archive, uint64_t last_seq)
{
    archive->forgotten = last_seq;
    if (!archive->late.on)
        drop_forgotten(archive);
}

/* ---- snapshots ---- */

void tw_archive_late_begin(struct tw_archive *archive)
{
    for (uint32_t i = 0; i < archive->count; i++)
        archive->ranges[i].late = archive->ranges[i].count;
    archive->late.on = archive->count > 0 && !TW_PLANTED(ARCHIVE_NOT_SAVED);
    archive->late.range = 0;
    archive->late.block = 0;
}

uint32_t tw_archive_late_take(struct tw_archive *archive, uint8_t *bytes)
{
    if (!archive->late.on)
        return 0;
    for (uint32_t i = range_from(archive, archive->late.range); i < archive->count; i++) {
        const struct tw_archive_range *range = &archive->ranges[i];
        if (range->number != archive->late.range)
            archive->late.block = 0;
        archive->late.range = range->number;
        if (archive->late.block == range->late)
            continue;
        const struct tw_archive_block *block = &range->blocks[archive->late.block++];
        get_block(archive, block, bytes);
        return block->length;
    }
    archive->late.on = false;
    drop_forgotten(archive);
    return 0;
}

static void put_loaded(struct tw_archive *archive)
{
    struct tw_packed_openings packed;
    tw_packed_clear(&packed);
    tw_sort_openings(archive->loading.list, archive->loading.count);
    for (uint32_t i = 0; i < archive->loading.count; i++) {
        if (tw_packed_add(&packed, &archive->loading.list[i]))
            continue;
        tw_archive_put(archive, &packed);
        tw_packed_clear(&packed);
        tw_packed_add(&packed, &archive->loading.list[i]);
    }
    if (packed.count > 0)
        tw_archive_put(archive, &packed);
    archive->loading.count = 0;
}

static void take_loaded(struct tw_archive *archive, const struct tw_opening *opening)
{
    if (archive->loading.list == NULL) {
        tw_archive_sizes(archive); /* from here on there are some */
        archive->loading.list = tw_alloc(LOADING_MAX * sizeof *archive->loading.list);
    }
    if (archive->loading.count == LOADING_MAX ||
        (archive->loading.count > 0 &&
         tw_archive_range(archive, archive->loading.list[0].seq) != tw_archive_range(archive, opening->seq)))
        put_loaded(archive);
    archive->loading.list[archive->loading.count++] = *opening;
}

bool tw_archive_load(struct tw_archive *archive, struct tw_row_reader *row, tw_opening_visit mine, const void *context)
{
    struct tw_packed_reader reader = {.at = row->at, .end = row->end};
    struct tw_opening opening;
    while (tw_packed_next(&reader, &opening))
        if (mine(context, &opening))
            take_loaded(archive, &opening);
    return !reader.bad;
}

void tw_archive_load_end(struct tw_archive *archive)
{
    put_loaded(archive);
    free(archive->loading.list);
    archive->loading.list = NULL;
}

void tw_archive_free(struct tw_archive *archive)
{
    for (uint32_t i = 0; i < archive->count; i++)
        free(archive->ranges[i].blocks);
    free(archive->ranges);
    free(archive->loading.list);
    if (archive->shelf.end != NULL)
        archive->shelf.end(archive->shelf.context);
    memset(archive, 0, sizeof *archive);
}
