/* SPDX-License-Identifier: MIT */
#include "actors/judging/opening.h"

#include <stdlib.h>

#include "protocol/check.h"

/* ---- order ---- */

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

static bool are_sorted(const struct tw_opening *list, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++)
        if (list[i].seq < list[i - 1].seq)
            return false;
    return true;
}

void tw_sort_openings(struct tw_opening *list, uint32_t count)
{
    if (are_sorted(list, count))
        return;
    struct placed *placed = tw_alloc(count * sizeof *placed);
    for (uint32_t i = 0; i < count; i++)
        placed[i] = (struct placed){list[i], i};
    qsort(placed, count, sizeof *placed, compare_placed);
    for (uint32_t i = 0; i < count; i++)
        list[i] = placed[i].opening;
    free(placed);
}

/* ---- the short form ---- */

/* The first byte of each: what the rest tells, and what has room there. */
#define SEVERITY_BITS 0x03u /* less one */
#define TYPE_SHIFT 2
#define TYPE_BITS 0x07u
#define ANOTHER_SOURCE 0x20u
#define ANOTHER_STEP 0x40u /* pseq has not grown by as much as seq */
#define HAS_ENTITY2 0x80u
_Static_assert(TW_SEVERITY_LOW == 1 && TW_SEVERITY_CRITICAL == 4 && TW_ENTITY_SYSTEM <= TYPE_BITS, "fit into the byte");

#define OPENING_BYTES_MAX (2u + 2 * 10 + 3 * 5)

static void put_number(struct tw_packed_openings *packed, uint64_t number)
{
    for (; number >= 0x80; number >>= 7)
        packed->bytes[packed->length++] = (uint8_t)(number | 0x80);
    packed->bytes[packed->length++] = (uint8_t)number;
}

void tw_packed_clear(struct tw_packed_openings *packed)
{
    packed->count = packed->length = 0;
    packed->last = (struct tw_opening){0};
}

bool tw_packed_add(struct tw_packed_openings *packed, const struct tw_opening *opening)
{
    const struct tw_opening *last = &packed->last;
    if (TW_PACKED_BYTES_MAX - packed->length < OPENING_BYTES_MAX)
        return false;
    TW_ASSERT(opening->state == TW_OPENING_ENDED && opening->seq >= last->seq);
    uint64_t step = opening->seq - last->seq, other_step = opening->pseq - last->pseq - step;
    uint32_t head = (opening->severity - 1u) | (uint32_t)opening->entity_type << TYPE_SHIFT |
                    (opening->source != last->source ? ANOTHER_SOURCE : 0) | (other_step != 0 ? ANOTHER_STEP : 0) |
                    (opening->entity2 != 0 ? HAS_ENTITY2 : 0);
    if (packed->count == 0)
        packed->first = opening->seq;
    packed->bytes[packed->length++] = (uint8_t)head;
    packed->bytes[packed->length++] = tw_rule_code((enum tw_rule)opening->rule);
    put_number(packed, step);
    if (opening->source != last->source)
        put_number(packed, opening->source);
    if (other_step != 0) /* it may be less than none: small numbers of either sign are to be short */
        put_number(packed, other_step << 1 ^ -(other_step >> 63));
    put_number(packed, opening->entity);
    if (opening->entity2 != 0)
        put_number(packed, opening->entity2);
    packed->last = *opening;
    packed->count++;
    return true;
}

static uint64_t get_byte(struct tw_packed_reader *reader)
{
    if (reader->at < reader->end)
        return *reader->at++;
    reader->bad = true;
    return 0;
}

static uint64_t get_number(struct tw_packed_reader *reader, uint64_t most)
{
    uint64_t number = 0, byte = 0x80;
    for (unsigned shift = 0; (byte & 0x80) != 0 && !reader->bad; shift += 7) {
        byte = get_byte(reader);
        if (shift > 63 || (shift == 63 && (byte & 0x7e) != 0))
            reader->bad = true;
        else
            number |= (byte & 0x7f) << shift;
    }
    if (number > most)
        reader->bad = true;
    return number;
}

bool tw_packed_next(struct tw_packed_reader *reader, struct tw_opening *opening)
{
    const struct tw_opening *last = &reader->last;
    if (reader->bad || reader->at == reader->end)
        return false;
    uint64_t head = get_byte(reader);
    enum tw_rule rule = tw_rule_from_code((uint8_t)get_byte(reader));
    uint64_t step = get_number(reader, UINT64_MAX - last->seq);
    *opening = (struct tw_opening){.seq = last->seq + step,
                                   .pseq = last->pseq + step,
                                   .source = last->source,
                                   .rule = (uint8_t)rule,
                                   .severity = (uint8_t)((head & SEVERITY_BITS) + 1),
                                   .entity_type = (uint8_t)(head >> TYPE_SHIFT & TYPE_BITS),
                                   .state = TW_OPENING_ENDED};
    if ((head & ANOTHER_SOURCE) != 0)
        opening->source = (uint32_t)get_number(reader, UINT32_MAX);
    if ((head & ANOTHER_STEP) != 0) {
        uint64_t folded = get_number(reader, UINT64_MAX);
        opening->pseq += folded >> 1 ^ -(folded & 1);
    }
    opening->entity = (uint32_t)get_number(reader, UINT32_MAX);
    if ((head & HAS_ENTITY2) != 0)
        opening->entity2 = (uint32_t)get_number(reader, UINT32_MAX);
    if (rule >= TW_RULE_COUNT || opening->entity_type > TW_ENTITY_SYSTEM)
        reader->bad = true;
    reader->last = *opening;
    return !reader->bad;
}
