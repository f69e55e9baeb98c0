/* SPDX-License-Identifier: MIT
 *
 * Names of the columnar form: a publisher sends each name once and its number from then on. They live as long as the
 * process: after a restart the ack's `names` is 0 and the publisher sends them again.
 */
#include "actors/gateway/inside.h"

#include <stdio.h>
#include <stdlib.h>

void tw_local_names_free(struct tw_local_names **names)
{
    if (*names == NULL)
        return;
    free((*names)->symbol);
    free((*names)->account);
    free((*names)->party);
    free((*names)->start);
    tw_buffer_free(&(*names)->text);
    free(*names);
    *names = NULL;
}

struct tw_text tw_local_names_text(const struct tw_local_names *names, uint32_t local)
{
    if (local == 0)
        return (struct tw_text){NULL, 0};
    TW_ASSERT(local <= names->count);
    uint32_t start = names->start[local];
    return (struct tw_text){(const char *)names->text.bytes + start, names->start[local + 1] - start};
}

static uint32_t column_maximum(const uint8_t *column, uint32_t count)
{
    uint32_t maximum = 0;
    if (column == NULL)
        return 0;
    for (uint32_t row = 0; row < count; row++) {
        uint32_t value = tw_load_u32(column, row);
        maximum = value > maximum ? value : maximum;
    }
    return maximum;
}

static uint32_t highest_used(const struct tw_submission *submission)
{
    const uint8_t *columns[] = {submission->symbol, submission->account, submission->venue, submission->owner,
                                submission->contra, submission->broker,  submission->ccy};
    uint32_t highest = 0;
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        uint32_t maximum = column_maximum(columns[i], submission->count);
        highest = maximum > highest ? maximum : highest;
    }
    return highest;
}

static bool list_agrees(const struct tw_local_names *names, uint32_t known, const struct tw_submission *submission,
                        char why[TW_WHY_BYTES_MAX])
{
    struct tw_unpacker cursor = submission->names;
    uint64_t local = submission->names_base;
    for (uint32_t i = 0; i < submission->name_count && local <= known; i++, local++) {
        struct tw_text name;
        TW_ASSERT(tw_unpack_text(&cursor, &name));
        if (tw_text_equal(name, tw_local_names_text(names, (uint32_t)local)))
            continue;
        snprintf(why, TW_WHY_BYTES_MAX, "name %llu was another one before", (unsigned long long)local);
        return false;
    }
    return true;
}

enum tw_code tw_local_names_check(const struct tw_local_names *names, const struct tw_submission *submission,
                                  char why[TW_WHY_BYTES_MAX])
{
    uint32_t known = names == NULL ? 0 : names->count;
    uint64_t after = known;
    if (submission->name_count > 0) {
        uint64_t base = submission->names_base;
        if (base > (uint64_t)known + 1) {
            snprintf(why, TW_WHY_BYTES_MAX, "names from %llu on, but only %u are known; send from %u on",
                     (unsigned long long)base, known, known + 1);
            return TW_HOLD_UNKNOWN_NAME;
        }
        if (!list_agrees(names, known, submission, why))
            return TW_HOLD_BAD_NAMES;
        if (base + submission->name_count - 1 > after)
            after = base + submission->name_count - 1;
    }
    uint32_t highest = highest_used(submission);
    if (highest <= after)
        return TW_OK;
    snprintf(why, TW_WHY_BYTES_MAX, "name %u is used, but only %llu are known; send from %u on", highest,
             (unsigned long long)after, known + 1);
    return TW_HOLD_UNKNOWN_NAME;
}

static void reserve(struct tw_local_names *names, uint32_t count)
{
    if (count <= names->capacity)
        return;
    uint32_t capacity = names->capacity == 0 ? 256 : names->capacity;
    while (capacity < count)
        capacity *= 2;
    uint32_t **tables[] = {&names->symbol, &names->account, &names->party};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        uint32_t *table = tw_alloc_zero((size_t)capacity + 1, sizeof *table);
        if (*tables[i] != NULL)
            memcpy(table, *tables[i], ((size_t)names->count + 1) * sizeof *table);
        free(*tables[i]);
        *tables[i] = table;
    }
    names->start = tw_realloc(names->start, ((size_t)capacity + 2) * sizeof *names->start);
    names->start[1] = 0;
    names->capacity = capacity;
}

void tw_local_names_merge(struct tw_local_names **names, const struct tw_submission *submission)
{
    if (*names == NULL)
        *names = tw_alloc_zero(1, sizeof **names);
    struct tw_local_names *known = *names;
    reserve(known, 1);
    struct tw_unpacker cursor = submission->names;
    for (uint32_t i = 0; i < submission->name_count; i++) {
        struct tw_text name;
        TW_ASSERT(tw_unpack_text(&cursor, &name));
        if (submission->names_base + i <= known->count)
            continue;
        reserve(known, known->count + 1);
        known->count++;
        tw_buffer_append(&known->text, name.bytes, name.length);
        known->start[known->count + 1] = (uint32_t)known->text.length;
    }
}

_Static_assert((uint64_t)TW_LOCAL_NAMES_MAX *TW_NAME_BYTES_MAX <= UINT32_MAX, "offsets into the text are 32 bits");
