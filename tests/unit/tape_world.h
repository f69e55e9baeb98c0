/* SPDX-License-Identifier: MIT
 *
 * Tapes in memory, for the tests of the tape reader.
 */
#ifndef TW_TESTS_TAPE_WORLD_H
#define TW_TESTS_TAPE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/limits.h"
#include "tools/tape.h"

#define HEADER "ts,symbol,side,qty,price,account,venue,id\n"

static inline struct tw_tape *tape_of_bytes(const void *bytes, size_t length)
{
    return tw_tape_new(tw_tape_input_over(bytes, length), "t.csv");
}

static inline struct tw_tape *tape_of(const char *text)
{
    return tape_of_bytes(text, strlen(text));
}

static inline void assert_text(struct tw_text text, const char *expected)
{
    assert_int_equal(text.length, strlen(expected));
    if (text.length > 0)
        assert_memory_equal(text.bytes, expected, text.length);
}

static inline struct tw_trade next_trade(struct tw_tape *tape)
{
    struct tw_trade trade;
    enum tw_tape_result result = tw_tape_next(tape, &trade);
    if (result != TW_TAPE_TRADE)
        print_error("%s\n", tw_tape_problem(tape));
    assert_int_equal(result, TW_TAPE_TRADE);
    return trade;
}

static inline void assert_bad(struct tw_tape *tape, const char *problem)
{
    struct tw_trade trade;
    assert_int_equal(tw_tape_next(tape, &trade), TW_TAPE_BAD);
    assert_string_equal(tw_tape_problem(tape), problem);
}

static inline void assert_failed(struct tw_tape *tape, const char *problem)
{
    struct tw_trade trade;
    assert_int_equal(tw_tape_next(tape, &trade), TW_TAPE_FAILED);
    assert_string_equal(tw_tape_problem(tape), problem);
}

static inline void assert_end(struct tw_tape *tape)
{
    struct tw_trade trade;
    assert_int_equal(tw_tape_next(tape, &trade), TW_TAPE_END);
}

#endif
