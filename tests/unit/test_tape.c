/* SPDX-License-Identifier: MIT
 *
 * The tape reader: what good CSV means.
 */
#include "tests/unit/tape_world.h"

#include <stdio.h>
#include <stdlib.h>

#include "protocol/check.h"

static void a_row_becomes_a_trade_exactly(void **state)
{
    (void)state;
    struct tw_tape *tape = tape_of(HEADER "1381190400000000001,AAPL,B,0.00000001,92233720368.54775807,A-1,XNAS,x-1\n");
    struct tw_trade trade = next_trade(tape);
    assert_true(trade.has_ts);
    assert_int_equal(trade.ts_ns, INT64_C(1381190400000000001));
    assert_text(trade.symbol, "AAPL");
    assert_int_equal(trade.side, TW_SIDE_BUY);
    assert_int_equal(trade.qty_e8, 1);
    assert_int_equal(trade.price_e8, INT64_MAX);
    assert_text(trade.account, "A-1");
    assert_text(trade.venue, "XNAS");
    assert_text(trade.id, "x-1");
    assert_int_equal(trade.kind, TW_KIND_TRADE);
    assert_int_equal(tw_tape_line(tape), 2);
    assert_end(tape);
    assert_end(tape);
    tw_tape_free(&tape);
}

static void columns_come_in_any_order_and_further_ones_are_trade_fields(void **state)
{
    (void)state;
    struct tw_tape *tape = tape_of("ref,kind,ccy,broker,contra,owner,price,qty,symbol\n"
                                   "x-1,correct,USD,b,c,o,2,1.5,IBM\n"
                                   "x-1,bust,,,,,,,\n");
    struct tw_trade trade = next_trade(tape);
    assert_text(trade.ref, "x-1");
    assert_int_equal(trade.kind, TW_KIND_CORRECT);
    assert_text(trade.ccy, "USD");
    assert_text(trade.broker, "b");
    assert_text(trade.contra, "c");
    assert_text(trade.owner, "o");
    assert_int_equal(trade.qty_e8, 150000000);
    assert_int_equal(trade.price_e8, 2 * TW_E8);
    assert_false(trade.has_ts);
    trade = next_trade(tape);
    assert_int_equal(trade.kind, TW_KIND_BUST);
    assert_int_equal(trade.symbol.length, 0);
    assert_int_equal(trade.qty_e8, 0);
    assert_end(tape);
    tw_tape_free(&tape);
}

static void an_empty_value_is_absent(void **state)
{
    (void)state;
    struct tw_tape *tape = tape_of(HEADER ",X,,1,2,,,\n");
    struct tw_trade trade = next_trade(tape);
    assert_false(trade.has_ts);
    assert_int_equal(trade.side, TW_SIDE_NONE);
    assert_int_equal(trade.account.length + trade.venue.length + trade.id.length, 0);
    tw_tape_free(&tape);
}

static void sides_have_four_names_in_any_case(void **state)
{
    (void)state;
    struct tw_tape *tape = tape_of("symbol,side,qty,price\nX,b,1,1\nX,BUY,1,1\nX,s,1,1\nX,Sell,1,1\n");
    assert_int_equal(next_trade(tape).side, TW_SIDE_BUY);
    assert_int_equal(next_trade(tape).side, TW_SIDE_BUY);
    assert_int_equal(next_trade(tape).side, TW_SIDE_SELL);
    assert_int_equal(next_trade(tape).side, TW_SIDE_SELL);
    tw_tape_free(&tape);
}

static void quoted_values_follow_rfc_4180_within_a_line(void **state)
{
    (void)state;
    struct tw_tape *tape = tape_of("\"symbol\",qty,price,account,id\r\n"
                                   "X,\"1\",2,\"Smith, \"\"Joe\"\"\",\"a b\"\r\n"
                                   "Y,1,2,\"\",plain\r\n");
    struct tw_trade trade = next_trade(tape);
    assert_int_equal(trade.qty_e8, TW_E8);
    assert_text(trade.account, "Smith, \"Joe\"");
    assert_text(trade.id, "a b");
    assert_int_equal(tw_tape_line(tape), 2);
    trade = next_trade(tape);
    assert_int_equal(trade.account.length, 0);
    assert_text(trade.id, "plain");
    assert_int_equal(tw_tape_line(tape), 3);
    assert_end(tape);
    tw_tape_free(&tape);
}

static void marks_line_ends_and_empty_lines_say_nothing(void **state)
{
    (void)state;
    struct tw_tape *tape = tape_of("\xef\xbb\xbf\r\n\nsymbol,qty,price\r\n\r\nX,1,2\r\n\nY,1,2");
    assert_text(next_trade(tape).symbol, "X");
    assert_int_equal(tw_tape_line(tape), 5);
    assert_text(next_trade(tape).symbol, "Y"); /* no line end at the end */
    assert_int_equal(tw_tape_line(tape), 7);
    assert_end(tape);
    tw_tape_free(&tape);
}

static void a_header_alone_or_nothing_at_all_is_an_empty_tape(void **state)
{
    (void)state;
    const char *const empty[] = {"", "\n\n", "   ", HEADER, "symbol,qty,price"};
    for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++) {
        struct tw_tape *tape = tape_of(empty[i]);
        assert_end(tape);
        assert_end(tape);
        tw_tape_free(&tape);
    }
}

static void no_row_is_lost_where_one_read_ends_and_the_next_begins(void **state)
{
    (void)state;
    const uint32_t rows = 90000; /* 3 MB: the buffer is filled several times, at every offset within a row */
    char *text = tw_alloc(rows * 64 + 64);
    size_t length = (size_t)sprintf(text, "symbol,qty,price,id\n");
    for (uint32_t i = 1; i <= rows; i++)
        length +=
            (size_t)sprintf(text + length, "S%u,%u,%u.5,%s%u\"\n", i % 17, i, i, i % 3 == 0 ? "\"a,\"\"" : "\"b", i);
    struct tw_tape *tape = tape_of_bytes(text, length);
    for (uint32_t i = 1; i <= rows; i++) {
        char id[32];
        struct tw_trade trade = next_trade(tape);
        assert_int_equal(trade.qty_e8, i * TW_E8);
        assert_int_equal(trade.price_e8, i * TW_E8 + TW_E8 / 2);
        snprintf(id, sizeof id, "%s%u", i % 3 == 0 ? "a,\"" : "b", i);
        assert_text(trade.id, id);
        assert_int_equal(tw_tape_line(tape), i + 1);
    }
    assert_end(tape);
    tw_tape_free(&tape);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_becomes_a_trade_exactly),
        cmocka_unit_test(columns_come_in_any_order_and_further_ones_are_trade_fields),
        cmocka_unit_test(an_empty_value_is_absent),
        cmocka_unit_test(sides_have_four_names_in_any_case),
        cmocka_unit_test(quoted_values_follow_rfc_4180_within_a_line),
        cmocka_unit_test(marks_line_ends_and_empty_lines_say_nothing),
        cmocka_unit_test(a_header_alone_or_nothing_at_all_is_an_empty_tape),
        cmocka_unit_test(no_row_is_lost_where_one_read_ends_and_the_next_begins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
