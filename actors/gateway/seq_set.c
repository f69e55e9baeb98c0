/* SPDX-License-Identifier: MIT
 *
 * A set of sequence numbers by open addressing, and the busted trades in two of them. A busted trade stays busted until
 * retention drops it.
 */
#include "actors/gateway/inside.h"

#include <stdlib.h>

static size_t slot_of(const struct tw_seq_set *set, uint64_t seq)
{
    size_t mask = set->capacity - 1;
    size_t slot = (size_t)((seq * UINT64_C(0x9E3779B97F4A7C15)) >> 20) & mask;
    while (set->slots[slot] != 0 && set->slots[slot] != seq)
        slot = (slot + 1) & mask;
    return slot;
}

static void grow(struct tw_seq_set *set)
{
    struct tw_seq_set larger = {NULL, set->count, set->capacity == 0 ? 64 : set->capacity * 2};
    larger.slots = tw_alloc_zero(larger.capacity, sizeof *larger.slots);
    for (size_t i = 0; i < set->capacity; i++)
        if (set->slots[i] != 0)
            larger.slots[slot_of(&larger, set->slots[i])] = set->slots[i];
    free(set->slots);
    *set = larger;
}

void tw_seq_set_add(struct tw_seq_set *set, uint64_t seq)
{
    TW_ASSERT(seq != 0);
    if ((set->count + 1) * 2 > set->capacity)
        grow(set);
    size_t slot = slot_of(set, seq);
    if (set->slots[slot] == 0) {
        set->slots[slot] = seq;
        set->count++;
    }
}

bool tw_seq_set_has(const struct tw_seq_set *set, uint64_t seq)
{
    return set->count != 0 && set->slots[slot_of(set, seq)] != 0;
}

void tw_seq_set_forget(struct tw_seq_set *set, uint64_t last)
{
    struct tw_seq_set kept = {NULL, 0, 0};
    for (size_t i = 0; i < set->capacity; i++)
        if (set->slots[i] > last)
            tw_seq_set_add(&kept, set->slots[i]);
    tw_seq_set_free(set);
    *set = kept;
}

void tw_seq_set_free(struct tw_seq_set *set)
{
    free(set->slots);
    *set = (struct tw_seq_set){NULL, 0, 0};
}

/* ---- while a snapshot writes them ---- */

void tw_busted_add(struct tw_busted *busted, uint64_t seq)
{
    tw_seq_set_add(busted->is_late ? &busted->since : &busted->known, seq);
}

bool tw_busted_has(const struct tw_busted *busted, uint64_t seq)
{
    return tw_seq_set_has(&busted->known, seq) || tw_seq_set_has(&busted->since, seq);
}

void tw_busted_forget(struct tw_busted *busted, uint64_t last)
{
    TW_ASSERT(!busted->is_late);
    tw_seq_set_forget(&busted->known, last);
}

void tw_busted_free(struct tw_busted *busted)
{
    tw_seq_set_free(&busted->known);
    tw_seq_set_free(&busted->since);
}

void tw_busted_late_begin(struct tw_busted *busted)
{
    busted->is_late = true;
    busted->next = 0;
}

static void late_end(struct tw_busted *busted)
{
    busted->is_late = false;
    for (size_t slot = 0; slot < busted->since.capacity; slot++)
        if (busted->since.slots[slot] != 0)
            tw_seq_set_add(&busted->known, busted->since.slots[slot]);
    tw_seq_set_free(&busted->since);
}

uint32_t tw_busted_late_take(struct tw_busted *busted, uint32_t limit, uint64_t *out)
{
    uint32_t count = 0;
    if (!busted->is_late)
        return 0;
    for (uint32_t seen = 0; seen < limit && busted->next < busted->known.capacity; seen++) {
        uint64_t seq = busted->known.slots[busted->next++];
        if (seq != 0)
            out[count++] = seq;
    }
    if (busted->next == busted->known.capacity)
        late_end(busted);
    return count;
}
