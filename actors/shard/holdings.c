/* SPDX-License-Identifier: MIT */
#include "actors/shard/holdings.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"

#define CHUNK_MIN 3u /* with the head a power of two */
#define CHUNK_MAX 255u
#define TABLE_MIN 1024u

static uint64_t key_of(uint32_t account, uint32_t symbol)
{
    return (uint64_t)account << 32 | symbol;
}

static uint32_t slot_of(uint64_t key, uint32_t capacity)
{
    key ^= key >> 32;
    key *= UINT64_C(0x9e3779b97f4a7c15); /* Fibonacci hashing: the high bits are well mixed */
    return (uint32_t)(key >> 32) & (capacity - 1);
}

static uint32_t find_slot(const struct tw_holding_table *table, uint64_t key)
{
    uint32_t slot = slot_of(key, table->capacity);
    while (table->slots[slot].key != 0 && table->slots[slot].key != key)
        slot = (slot + 1) & (table->capacity - 1);
    return slot;
}

static void grow(struct tw_holding_table *table)
{
    struct tw_holding_table old = *table;
    table->capacity = old.capacity == 0 ? TABLE_MIN : old.capacity * 2;
    table->slots = tw_alloc_lines(table->capacity, sizeof *table->slots);
    for (uint32_t i = 0; i < old.capacity; i++)
        if (old.slots[i].key != 0)
            table->slots[find_slot(table, old.slots[i].key)] = old.slots[i];
    tw_free_lines(old.slots, old.capacity, sizeof *old.slots);
}

static struct tw_holding *add(struct tw_holding_chunk **chunks, struct tw_area *area, uint32_t account, uint32_t saving)
{
    struct tw_holding_chunk *chunk = *chunks;
    if (chunk == NULL || chunk->count == chunk->capacity) {
        uint32_t capacity = chunk == NULL ? CHUNK_MIN : chunk->capacity * 2 + 1;
        if (capacity > CHUNK_MAX)
            capacity = CHUNK_MAX;
        struct tw_holding_chunk *fresh = tw_area_take(area, sizeof *fresh + capacity * sizeof fresh->list[0]);
        fresh->next = chunk;
        fresh->count = 0;
        fresh->capacity = capacity;
        *chunks = chunk = fresh;
    }
    struct tw_holding *position = &chunk->list[chunk->count++];
    memset(position, 0, sizeof *position);
    position->account = account;
    position->saved = saving;
    return position;
}

struct tw_holding *tw_holdings_get(struct tw_holding_table *table, struct tw_holding_chunk **chunks,
                                   struct tw_area *area, uint32_t account, uint32_t symbol)
{
    TW_ASSERT(account != 0 && symbol != 0);
    if ((uint64_t)(table->count + 1) * 5 > (uint64_t)table->capacity * 3)
        grow(table);
    uint64_t key = key_of(account, symbol);
    struct tw_holding_slot *slot = &table->slots[find_slot(table, key)];
    if (slot->key == 0) {
        *slot = (struct tw_holding_slot){key, add(chunks, area, account, table->saving)};
        table->count++;
    }
    return slot->position;
}

struct tw_holding *tw_holdings_find(const struct tw_holding_table *table, uint32_t account, uint32_t symbol)
{
    if (table->capacity == 0)
        return NULL;
    const struct tw_holding_slot *slot = &table->slots[find_slot(table, key_of(account, symbol))];
    return slot->key == 0 ? NULL : slot->position;
}

void tw_holdings_expect_slot(const struct tw_holding_table *table, uint32_t account, uint32_t symbol)
{
    if (table->capacity == 0)
        return;
    __builtin_prefetch(&table->slots[slot_of(key_of(account, symbol), table->capacity)]);
}

void tw_holdings_expect(const struct tw_holding_table *table, uint32_t account, uint32_t symbol)
{
    if (table->capacity == 0)
        return;
    uint64_t key = key_of(account, symbol);
    const struct tw_holding_slot *slot = &table->slots[slot_of(key, table->capacity)];
    if (slot->key == key) /* a collision costs its miss */
        __builtin_prefetch(slot->position, 1);
}

void tw_holdings_free(struct tw_holding_table *table)
{
    tw_free_lines(table->slots, table->capacity, sizeof *table->slots);
    memset(table, 0, sizeof *table);
}

/* round_half_even(cost x part / whole), 0 < part < whole. Beyond 128 bits both are scaled down together: the split then
 * is an approximation, but the same one everywhere, and the cash identity holds all the same. */
static tw_i128 share(tw_i128 cost, tw_i128 part, tw_i128 whole)
{
    tw_i128 product;
    while (__builtin_mul_overflow(cost, part, &product)) {
        part >>= 1;
        whole >>= 1;
    }
    tw_i128 quotient = product / whole, rest = product % whole, other = whole - rest;
    if (rest > other || (rest == other && (quotient & 1) != 0))
        quotient++;
    return quotient;
}

void tw_holding_fill(struct tw_holding *position, tw_i128 quantity_e8, int64_t price_e8, tw_i128 notional_e8)
{
    tw_i128 held = position->quantity_e8;
    position->quantity_e8 = held + quantity_e8;
    if (held == 0 || (held > 0) == (quantity_e8 > 0)) {
        position->cost_e8 += notional_e8;
        return;
    }
    tw_i128 size = tw_abs128(quantity_e8), open = tw_abs128(held);
    tw_i128 closing = size < open ? size : open;
    tw_i128 proceeds = closing == size ? notional_e8 : tw_term(closing, price_e8);
    tw_i128 cost = closing == open ? position->cost_e8 : share(position->cost_e8, closing, open);
    position->realised_e8 += held > 0 ? proceeds - cost : cost - proceeds;
    position->cost_e8 += notional_e8 - proceeds - cost;
}
