/* SPDX-License-Identifier: MIT
 *
 * Holdings: one position for each (account, symbol) that ever traded, 64 bytes and 11 to 21 of index. A symbol's
 * positions lie together, up to 63 in a piece, so that re-marking walks memory in order; addresses never move.
 */
#ifndef TW_SHARD_HOLDINGS_H
#define TW_SHARD_HOLDINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/num.h"

struct tw_holding {
    tw_i128 quantity_e8; /* signed */
    tw_i128 cost_e8;     /* of the open quantity: paid for a long, received for a short; >= 0 */
    tw_i128 realised_e8;
    int64_t price_e8; /* the account's own latest trade, or the mark since the last re-marking */
    uint32_t account;
    uint32_t saved; /* twice the number of the saving that wrote its price; one more: all of it (judging/saving.h) */
};
_Static_assert(sizeof(struct tw_holding) == 64, "one cache line");

struct tw_holding_chunk { /* its head takes the place of one position */
    struct tw_holding_chunk *next;
    uint32_t line, count, capacity; /* line: its own, those of its positions follow */
    _Alignas(64) struct tw_holding list[];
};

struct tw_holding_table {
    struct tw_holding_slot {
        uint32_t tag, line; /* of the key (see holdings.c), of the position; line 0 is free: there is the first chunk */
    } * slots;
    uint32_t bits, count; /* 2^bits slots (0: none), at most three quarters in use */
    char **blocks;        /* of chunks: of 2 MiB, in lines of 64 bytes that are numbered through */
    uint32_t block_count, lines;
    uint32_t saving; /* what `saved` is when all is written for the newest saving, or nothing is to be: it is newer */
};

/* The position, made if new. `chunks` is the symbol's list (newest first). */
struct tw_holding *tw_holdings_get(struct tw_holding_table *table, struct tw_holding_chunk **chunks, uint32_t account,
                                   uint32_t symbol);
struct tw_holding *tw_holdings_find(const struct tw_holding_table *table, uint32_t account, uint32_t symbol);
/* Rows ahead of the one that is applied: first the table's slot, then (when that has arrived) the position itself is
 * asked into the cache. With 100,000 accounts nearly every position is a miss otherwise. */
void tw_holdings_expect_slot(const struct tw_holding_table *table, uint32_t account, uint32_t symbol);
void tw_holdings_expect(const struct tw_holding_table *table, uint32_t account, uint32_t symbol);
void tw_holdings_free(struct tw_holding_table *table); /* with the positions and all chunks */

/* A fill: signed quantity at a price; `notional` is |quantity| x price as RULES.md rounds it. Average cost: what closes
 * takes its share of the cost (rounded half to even) into the realised result; realised minus open cost is always the
 * exact cash flow, so that a reversing fill restores it. */
void tw_holding_fill(struct tw_holding *position, tw_i128 quantity_e8, int64_t price_e8, tw_i128 notional_e8);

#endif
