/* SPDX-License-Identifier: MIT
 *
 * Holdings: each (account, symbol) has one position that stays where it is, and a symbol's list has its own and no
 * others; among so many keys that several share their 32 bits in the table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "actors/shard/holdings.h"
#include "protocol/check.h"

#define ACCOUNTS 1500u /* 450,000 keys: some 20 pairs of them agree in 32 bits */
#define SYMBOLS 300u

struct book {
    struct tw_holding_table table;
    struct tw_holding_chunk *chunks[SYMBOLS + 1];
    struct tw_holding *positions[ACCOUNTS + 1][SYMBOLS + 1]; /* the model: where each was when it was made */
};

static int setup(void **state)
{
    *state = tw_alloc_zero(1, sizeof(struct book));
    return 0;
}

static int teardown(void **state)
{
    struct book *book = *state;
    tw_holdings_free(&book->table);
    free(book);
    return 0;
}

static uint32_t spread(uint32_t account)
{
    return account % 3 == 0 ? account : account * UINT32_C(2654435761); /* ids close together and far apart */
}

/* The keys in an order of their own: 1500 x 300 steps by a number that has no factor in common with it. */
static void each_key(struct book *book, void (*visit)(struct book *book, uint32_t account, uint32_t symbol))
{
    const uint32_t keys = ACCOUNTS * SYMBOLS;
    for (uint32_t i = 0, at = 0; i < keys; i++, at = (at + 104729u) % keys)
        visit(book, 1 + at / SYMBOLS, 1 + at % SYMBOLS);
}

static void make(struct book *book, uint32_t account, uint32_t symbol)
{
    assert_null(tw_holdings_find(&book->table, spread(account), symbol));
    tw_holdings_expect_slot(&book->table, spread(account), symbol);
    tw_holdings_expect(&book->table, spread(account), symbol);
    struct tw_holding *position = tw_holdings_get(&book->table, &book->chunks[symbol], spread(account), symbol);
    assert_int_equal(position->account, spread(account));
    assert_true(position->quantity_e8 == 0 && position->cost_e8 == 0 && position->realised_e8 == 0);
    position->quantity_e8 = account;
    position->price_e8 = symbol;
    book->positions[account][symbol] = position;
}

static void look_up(struct book *book, uint32_t account, uint32_t symbol)
{
    const struct tw_holding *position = book->positions[account][symbol];
    assert_ptr_equal(tw_holdings_find(&book->table, spread(account), symbol), position);
    assert_ptr_equal(tw_holdings_get(&book->table, &book->chunks[symbol], spread(account), symbol), position);
    assert_true(position->quantity_e8 == account && position->price_e8 == symbol);
}

static void every_key_has_its_own_position(void **state)
{
    struct book *book = *state;
    assert_null(tw_holdings_find(&book->table, 1, 1));
    each_key(book, make);
    each_key(book, look_up);
    assert_int_equal(book->table.count, ACCOUNTS * SYMBOLS);
}

static void a_symbols_list_has_its_positions_and_no_others(void **state)
{
    struct book *book = *state;
    each_key(book, make);
    for (uint32_t symbol = 1; symbol <= SYMBOLS; symbol++) {
        uint32_t count = 0;
        for (const struct tw_holding_chunk *chunk = book->chunks[symbol]; chunk != NULL; chunk = chunk->next)
            for (uint32_t i = 0; i < chunk->count; i++, count++) {
                const struct tw_holding *position = &chunk->list[i];
                assert_ptr_equal(book->positions[(uint32_t)position->quantity_e8][symbol], position);
            }
        assert_int_equal(count, ACCOUNTS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_key_has_its_own_position, setup, teardown),
        cmocka_unit_test_setup_teardown(a_symbols_list_has_its_positions_and_no_others, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
