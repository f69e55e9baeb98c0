/* SPDX-License-Identifier: MIT
 *
 * The tape reader: malformed lines name their number and column, and the next line goes on.
 */
#include "tests/unit/tape_world.h"

#include <stdio.h>
#include <stdlib.h>

#include "protocol/check.h"

static void a_malformed_line_names_its_number_and_column(void **state)
{
    (void)state;
    static const struct {
        const char *line, *problem;
    } cases[] = {
        {"x,X,B,1,2,A,V,i", "column ts: not an integer of nanoseconds since 1970: \"x\""},
        {"1.5,X,B,1,2,A,V,i", "column ts: not an integer of nanoseconds since 1970: \"1.5\""},
        {"-,X,B,1,2,A,V,i", "column ts: not an integer of nanoseconds since 1970: \"-\""},
        {"0,X,B,1,2,A,V,i", "column ts: out of range: \"0\""},
        {"9223372036854775808,X,B,1,2,A,V,i", "column ts: out of range: \"9223372036854775808\""},
        {"1,X,Q,1,2,A,V,i", "column side: neither B nor S: \"Q\""},
        {"1,X,B,-1,2,A,V,i", "column qty: not a number with at most 8 decimals, without sign and exponent: \"-1\""},
        {"1,X,B,1e3,2,A,V,i", "column qty: not a number with at most 8 decimals, without sign and exponent: \"1e3\""},
        {"1,X,B, 1,2,A,V,i", "column qty: not a number with at most 8 decimals, without sign and exponent: \" 1\""},
        {"1,X,B,NaN,2,A,V,i", "column qty: not a number with at most 8 decimals, without sign and exponent: \"NaN\""},
        {"1,X,B,1,0.123456789,A,V,i",
         "column price: not a number with at most 8 decimals, without sign and exponent: \"0.123456789\""},
        {"1,X,B,1,92233720368.54775808,A,V,i", "column price: out of range: \"92233720368.54775808\""},
        {"1,X,B,1,2,A,V,0123456789012345678901234567890123456789012345678901234567890123x",
         "column id: longer than 64 bytes: "
         "\"0123456789012345678901234567890123456789012345678901234567890123x\""},
        {"1,X,B,1,2,A,V", "7 columns, but the header has 8"},
        {"1,X,B,1,2,A,V,i,more", "9 columns, but the header has 8"},
        {"1,X,B,1,2,A,V,i\"j", "a quote is not closed"},
        {"1,X,B,1,2,A,V,i\"j\"", "a quote inside a value, or more than 32 columns"},
        {"1,X,B,1,2,A,V,\"i\"j", "a quote inside a value, or more than 32 columns"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512], problem[256];
        snprintf(text, sizeof text, HEADER "1,X,B,1,2,A,V,i\n%s\n1,Y,S,3,4,A,V,i\n", cases[i].line);
        snprintf(problem, sizeof problem, "t.csv:3: %s", cases[i].problem);
        struct tw_tape *tape = tape_of(text);
        assert_text(next_trade(tape).symbol, "X");
        assert_bad(tape, problem);
        assert_int_equal(tw_tape_line(tape), 3);
        assert_text(next_trade(tape).symbol, "Y");
        assert_int_equal(tw_tape_line(tape), 4);
        assert_end(tape);
        tw_tape_free(&tape);
    }
}

static void what_the_gateway_judges_is_left_to_it(void **state)
{
    (void)state;
    struct tw_tape *tape =
        tape_of(HEADER "-5,sym bol,,0,0,A,V,i\n1,0123456789012345678901234567890123456789,B,1,1,,,\n");
    struct tw_trade trade = next_trade(tape);
    assert_int_equal(trade.ts_ns, -5);
    assert_text(trade.symbol, "sym bol");
    assert_int_equal(trade.qty_e8, 0);
    assert_int_equal(next_trade(tape).symbol.length, 40);
    tw_tape_free(&tape);
}

static void a_header_that_is_none_fails_at_once(void **state)
{
    (void)state;
    static const struct {
        const char *text, *problem;
    } cases[] = {
        {"ts,symbol,size,price\n", "t.csv:1: column size is none that a trade has; expected a header like "
                                   "ts,symbol,side,qty,price,account,venue,id"},
        {"\nsymbol,qty,symbol,price\n", "t.csv:2: column symbol is there twice"},
        {"symbol,price\n1,2\n", "t.csv:1: column qty is missing in the header"},
        {"symbol,\"qty\n", "t.csv:1: a quote is not closed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tw_tape *tape = tape_of(cases[i].text);
        assert_failed(tape, cases[i].problem);
        assert_failed(tape, cases[i].problem);
        assert_false(tw_tape_unreadable(tape));
        tw_tape_free(&tape);
    }
}

static void an_unclosed_quote_spoils_one_line_only(void **state)
{
    (void)state;
    struct tw_tape *tape = tape_of("symbol,qty,price\n\"X,1,2\nY,1,2\nZ,1,2\n");
    assert_bad(tape, "t.csv:2: a quote is not closed");
    assert_text(next_trade(tape).symbol, "Y");
    assert_text(next_trade(tape).symbol, "Z");
    assert_int_equal(tw_tape_line(tape), 4);
    assert_end(tape);
    tw_tape_free(&tape);
}

static void two_unclosed_quotes_do_not_swallow_what_lies_between(void **state)
{
    (void)state;
    struct tw_tape *tape =
        tape_of("symbol,qty,price,account\nX,1,2,6\" pipe\nA,1,2,c\nB,1,2,c\n\"Y,1,2,8\nZ,1,2,\"c\"\n");
    assert_bad(tape, "t.csv:2: a quote is not closed");
    assert_text(next_trade(tape).symbol, "A");
    assert_text(next_trade(tape).symbol, "B");
    assert_bad(tape, "t.csv:5: a quote is not closed");
    assert_text(next_trade(tape).symbol, "Z");
    assert_end(tape);
    tw_tape_free(&tape);
}

/* What a power cut leaves of a file, or a copy that has not begun. */
static void zeros_and_blanks_are_no_empty_tape(void **state)
{
    (void)state;
    static const struct {
        char byte;
        size_t bytes;
    } cases[] = {{'\0', 1}, {'\0', 8192}, {'\0', 3 << 20}, {'\n', 3 << 20}, {' ', TW_TAPE_LINE_BYTES_MAX}};
    static const char rows[] = "\nsymbol,qty,price\nY,1,2\n";
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = tw_alloc(cases[i].bytes + sizeof rows);
        memset(text, cases[i].byte, cases[i].bytes);
        memcpy(text + cases[i].bytes, rows, sizeof rows - 1);
        struct tw_tape *tape = tape_of_bytes(text, cases[i].bytes + sizeof rows - 1);
        struct tw_trade trade;
        assert_int_equal(tw_tape_next(tape, &trade), TW_TAPE_FAILED);
        assert_string_equal(tw_tape_problem(tape),
                            "t.csv:1: it begins with a zero or 65536 blanks; expected a header or a "
                            "line of JSON");
        tw_tape_free(&tape);
        free(text);
    }
}

static void a_line_too_long_is_stepped_over(void **state)
{
    (void)state;
    const size_t sizes[] = {TW_TAPE_LINE_BYTES_MAX + 1, 3u << 20};
    for (size_t i = 0; i < 2; i++) {
        char *text = tw_alloc(sizes[i] + 64);
        size_t length = (size_t)sprintf(text, "symbol,qty,price\n");
        memset(text + length, 'a', sizes[i]);
        length += sizes[i];
        length += (size_t)sprintf(text + length, "\nY,1,2\n");
        struct tw_tape *tape = tape_of_bytes(text, length);
        assert_bad(tape, "t.csv:2: a line longer than 65536 bytes");
        assert_text(next_trade(tape).symbol, "Y");
        assert_int_equal(tw_tape_line(tape), 3);
        assert_end(tape);
        tw_tape_free(&tape);
        free(text);
    }
}

static void quotes_that_never_close_do_not_swallow_the_tape(void **state)
{
    (void)state;
    const size_t rows = 20000; /* more than a line may have */
    char *text = tw_alloc(rows * 8 + 64);
    size_t length = (size_t)sprintf(text, "symbol,qty,price\n\"X,1,2\n");
    for (size_t i = 0; i < rows; i++)
        length += (size_t)sprintf(text + length, "Y,1,2\n");
    struct tw_tape *tape = tape_of_bytes(text, length);
    assert_bad(tape, "t.csv:2: a quote is not closed");
    for (size_t i = 0; i < rows; i++)
        assert_text(next_trade(tape).symbol, "Y");
    assert_end(tape);
    tw_tape_free(&tape);
    free(text);
}

static void what_a_terminal_would_obey_is_not_quoted(void **state)
{
    (void)state;
    struct tw_tape *tape = tape_of(HEADER "1,X,B,\x1b[2J\a\x7f,2,A,V,i\n");
    assert_bad(tape,
               "t.csv:2: column qty: not a number with at most 8 decimals, without sign and exponent: \"?[2J??\"");
    tw_tape_free(&tape);
    tape = tape_of("ts,\x1b]0;title\a\n");
    assert_failed(tape, "t.csv:1: column ?]0;title? is none that a trade has; expected a header like "
                        "ts,symbol,side,qty,price,account,venue,id");
    tw_tape_free(&tape);
    tape = tape_of("{\"symbol\":\"X\",\"\\u001b[2J\":1}\n");
    assert_bad(tape, "t.csv:1: unknown key ?[2J");
    tw_tape_free(&tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_malformed_line_names_its_number_and_column),
        cmocka_unit_test(what_the_gateway_judges_is_left_to_it),
        cmocka_unit_test(a_header_that_is_none_fails_at_once),
        cmocka_unit_test(an_unclosed_quote_spoils_one_line_only),
        cmocka_unit_test(two_unclosed_quotes_do_not_swallow_what_lies_between),
        cmocka_unit_test(zeros_and_blanks_are_no_empty_tape),
        cmocka_unit_test(a_line_too_long_is_stepped_over),
        cmocka_unit_test(quotes_that_never_close_do_not_swallow_the_tape),
        cmocka_unit_test(what_a_terminal_would_obey_is_not_quoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
