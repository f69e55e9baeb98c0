/* SPDX-License-Identifier: MIT
 *
 * A set of sequence numbers by open addressing. A busted trade stays busted until retention drops it.
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
