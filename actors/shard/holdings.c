/* SPDX-License-Identifier: MIT */
#include "actors/shard/holdings.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"

#define CHUNK_MIN 3u /* with the head a power of two */
#define CHUNK_MAX 63u
#define TABLE_BITS_MIN 10u

#define LINE_BYTES 64u
#define BLOCK_LINES ((uint32_t)(TW_HUGE_PAGE_BYTES / LINE_BYTES))
_Static_assert(BLOCK_LINES % (CHUNK_MAX + 1) == 0, "chunks of the usual size fill a block");

/* The position's 32 bits in the table. For each account they are a bijection of the symbol (a product by an odd number,
 * exclusive or, and the finalizer of MurmurHash3 are all reversible), so that they and the account are the key. */
static uint32_t tag_of(uint32_t account, uint32_t symbol)
{
    uint32_t bits = symbol ^ account * UINT32_C(0x9e3779b1);
    bits ^= bits >> 16;
    bits *= UINT32_C(0x85ebca6b);
    bits ^= bits >> 13;
    bits *= UINT32_C(0xc2b2ae35);
    return bits ^ bits >> 16;
}

/* ---- memory: lines in blocks, numbered through ---- */

static struct tw_holding *at_line(const struct tw_holding_table *table, uint32_t line)
{
    return (struct tw_holding *)(void *)(table->blocks[line / BLOCK_LINES] + (size_t)(line % BLOCK_LINES) * LINE_BYTES);
}

/* The first of so many lines that lie together. */
static uint32_t take_lines(struct tw_holding_table *table, uint32_t count)
{
    uint32_t left = table->block_count * BLOCK_LINES - table->lines;
    if (left < count) {
        TW_ASSERT(table->block_count < UINT32_MAX / BLOCK_LINES);
        table->lines = table->block_count * BLOCK_LINES;
        table->blocks = tw_realloc(table->blocks, (table->block_count + 1) * sizeof *table->blocks);
        table->blocks[table->block_count++] = tw_alloc_lines(1, TW_HUGE_PAGE_BYTES);
    }
    uint32_t line = table->lines;
    table->lines += count;
    return line;
}

static uint32_t add(struct tw_holding_table *table, struct tw_holding_chunk **chunks, uint32_t account)
{
    struct tw_holding_chunk *chunk = *chunks;
    if (chunk == NULL || chunk->count == chunk->capacity) {
        uint32_t capacity = chunk == NULL ? CHUNK_MIN : chunk->capacity * 2 + 1;
        if (capacity > CHUNK_MAX)
            capacity = CHUNK_MAX;
        uint32_t line = take_lines(table, capacity + 1);
        struct tw_holding_chunk *fresh = (struct tw_holding_chunk *)(void *)at_line(table, line);
        fresh->next = chunk;
        fresh->line = line;
        fresh->count = 0;
        fresh->capacity = capacity;
        *chunks = chunk = fresh;
    }
    struct tw_holding *position = &chunk->list[chunk->count++];
    memset(position, 0, sizeof *position);
    position->account = account;
    position->saved = table->saving;
    return chunk->line + chunk->count;
}

/* ---- the table ---- */

static uint32_t home_of(const struct tw_holding_table *table, uint32_t tag)
{
    return tag >> (32 - table->bits);
}

static uint32_t capacity_of(const struct tw_holding_table *table)
{
    return table->bits == 0 ? 0 : UINT32_C(1) << table->bits;
}

static bool is_of(const struct tw_holding_table *table, const struct tw_holding_slot *slot, uint32_t tag,
                  uint32_t account)
{
    return slot->tag == tag && at_line(table, slot->line)->account == account;
}

/* Where it is, or a free one. */
static struct tw_holding_slot *find_slot(const struct tw_holding_table *table, uint32_t tag, uint32_t account)
{
    const uint32_t mask = capacity_of(table) - 1;
    uint32_t slot = home_of(table, tag);
    while (table->slots[slot].line != 0 && !is_of(table, &table->slots[slot], tag, account))
        slot = (slot + 1) & mask;
    return &table->slots[slot];
}

static void grow(struct tw_holding_table *table)
{
    struct tw_holding_slot *old = table->slots;
    const uint32_t old_capacity = capacity_of(table);
    table->bits = table->bits == 0 ? TABLE_BITS_MIN : table->bits + 1;
    TW_ASSERT(table->bits < 32);
    const uint32_t mask = capacity_of(table) - 1;
    table->slots = tw_alloc_lines(capacity_of(table), sizeof *table->slots);
    for (uint32_t i = 0; i < old_capacity; i++) {
        if (old[i].line == 0)
            continue;
        uint32_t slot = home_of(table, old[i].tag);
        while (table->slots[slot].line != 0)
            slot = (slot + 1) & mask;
        table->slots[slot] = old[i];
    }
    tw_free_lines(old, old_capacity, sizeof *old);
}

struct tw_holding *tw_holdings_get(struct tw_holding_table *table, struct tw_holding_chunk **chunks, uint32_t account,
                                   uint32_t symbol)
{
    TW_ASSERT(account != 0 && symbol != 0);
    if ((uint64_t)(table->count + 1) * 4 > (uint64_t)capacity_of(table) * 3)
        grow(table);
    const uint32_t tag = tag_of(account, symbol);
    struct tw_holding_slot *slot = find_slot(table, tag, account);
    if (slot->line == 0) {
        *slot = (struct tw_holding_slot){tag, add(table, chunks, account)};
        table->count++;
    }
    return at_line(table, slot->line);
}

struct tw_holding *tw_holdings_find(const struct tw_holding_table *table, uint32_t account, uint32_t symbol)
{
    if (table->count == 0)
        return NULL;
    const struct tw_holding_slot *slot = find_slot(table, tag_of(account, symbol), account);
    return slot->line == 0 ? NULL : at_line(table, slot->line);
}

void tw_holdings_expect_slot(const struct tw_holding_table *table, uint32_t account, uint32_t symbol)
{
    if (table->count == 0)
        return;
    __builtin_prefetch(&table->slots[home_of(table, tag_of(account, symbol))]);
}

void tw_holdings_expect(const struct tw_holding_table *table, uint32_t account, uint32_t symbol)
{
    if (table->count == 0)
        return;
    uint32_t tag = tag_of(account, symbol);
    const struct tw_holding_slot *slot = &table->slots[home_of(table, tag)];
    if (slot->line != 0 && slot->tag == tag) /* a collision costs its miss */
        __builtin_prefetch(at_line(table, slot->line), 1);
}

void tw_holdings_free(struct tw_holding_table *table)
{
    for (uint32_t i = 0; i < table->block_count; i++)
        tw_free_lines(table->blocks[i], 1, TW_HUGE_PAGE_BYTES);
    free(table->blocks);
    tw_free_lines(table->slots, capacity_of(table), sizeof *table->slots);
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
