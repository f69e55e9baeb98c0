/* SPDX-License-Identifier: MIT
 *
 * Cells: the newest value, whole, and a wake-up for it, whatever the other end does meanwhile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "actors/runtime/cell.h"
#include "protocol/check.h"

#define PATIENCE_MS 20000
#define TURNS 150000u
#define BURST 3u /* values behind each other: the reader is still at one when the next comes */
#define WORDS 8  /* of a value: as long as a cell takes */

struct value {
    uint64_t words[WORDS]; /* all the same: what is torn shows */
};

static struct value value_of(uint64_t number)
{
    struct value value;
    for (int i = 0; i < WORDS; i++)
        value.words[i] = number;
    return value;
}

static uint64_t number_in(const struct value *value)
{
    for (int i = 1; i < WORDS; i++)
        assert_int_equal(value->words[i], value->words[0]);
    return value->words[0];
}

static void write_number(struct tw_cell *cell, uint64_t number)
{
    struct value value = value_of(number);
    tw_cell_write(cell, &value);
}

static struct tw_cell *open_cell(void)
{
    return tw_cell_open("cell.of.the.test", sizeof(struct value));
}

static bool is_woken(struct tw_cell *cell, long wait_ms)
{
    zmq_pollitem_t item = tw_cell_item(cell);
    return zmq_poll(&item, 1, wait_ms) == 1;
}

static void it_has_the_newest_value_and_never_blocks(void **state)
{
    struct tw_cell *writer = open_cell(), *reader = open_cell();
    struct value value = value_of(7);
    (void)state;
    assert_false(tw_cell_read(reader, &value));
    assert_int_equal(number_in(&value), 7);
    for (int turn = 1; turn <= 3; turn++) {
        assert_false(is_woken(reader, 0));
        for (uint64_t number = 1; number <= 100000; number++) /* far beyond any bound, with nobody reading */
            write_number(writer, number * (uint64_t)turn);
        assert_true(is_woken(reader, 0));
        assert_true(tw_cell_read(reader, &value));
        assert_int_equal(number_in(&value), 100000 * turn);
        assert_false(tw_cell_read(reader, &value));
    }
    tw_cell_close(&writer);
    tw_cell_close(&reader);
}

static void what_was_written_before_the_reader_came_waits_for_it(void **state)
{
    struct tw_cell *writer = open_cell();
    struct value value;
    (void)state;
    write_number(writer, 1);
    struct tw_cell *reader = open_cell();
    assert_true(is_woken(reader, 0));
    assert_true(tw_cell_read(reader, &value));
    assert_int_equal(number_in(&value), 1);
    write_number(writer, 2);
    tw_cell_close(&writer);
    assert_true(tw_cell_read(reader, &value)); /* nor does it go with the writer */
    assert_int_equal(number_in(&value), 2);
    tw_cell_close(&reader);
}

static void it_goes_with_its_last_end(void **state)
{
    struct tw_cell *cell = open_cell(), *other = tw_cell_open("cell.another", sizeof(uint64_t));
    struct value value;
    (void)state;
    write_number(cell, 1);
    tw_cell_close(&cell);
    assert_null(cell);
    tw_cell_close(&cell);
    cell = open_cell();
    assert_false(tw_cell_read(cell, &value));
    tw_cell_close(&other);
    tw_cell_close(&cell);
}

/* ---- both ends at once ---- */

struct turns {
    struct tw_cell *cell;
    atomic_uint_fast64_t allowed; /* the writer may write up to this number */
};

static void *write_when_allowed(void *context)
{
    struct turns *turns = context;
    struct tw_cell *cell = open_cell();
    for (uint64_t number = 1; number <= TURNS; number++) {
        while (atomic_load(&turns->allowed) < number)
            sched_yield();
        write_number(cell, number);
    }
    tw_cell_close(&cell);
    return NULL;
}

/* Nothing comes behind the last of a burst until it was read: one that stays away, or whose wake-up does, is found. */
static void each_last_value_comes(struct turns *turns, bool (*await)(struct tw_cell *cell, struct value *value))
{
    pthread_t writer;
    struct value value = value_of(0);
    turns->cell = open_cell();
    atomic_store(&turns->allowed, 0);
    TW_ASSERT(pthread_create(&writer, NULL, write_when_allowed, turns) == 0);
    for (uint64_t last = BURST; last <= TURNS; last += BURST) {
        atomic_store(&turns->allowed, last);
        while (number_in(&value) < last)
            assert_true(await(turns->cell, &value));
        assert_int_equal(number_in(&value), last);
        assert_false(tw_cell_read(turns->cell, &value));
    }
    TW_ASSERT(pthread_join(writer, NULL) == 0);
    /* A wake-up may come behind its value, but then the next look takes it away. */
    if (is_woken(turns->cell, 0))
        assert_false(tw_cell_read(turns->cell, &value));
    assert_false(is_woken(turns->cell, 0));
    tw_cell_close(&turns->cell);
}

static bool look_all_the_time(struct tw_cell *cell, struct value *value)
{
    for (uint64_t looks = 1; looks < UINT64_C(10000000000); looks++)
        if (tw_cell_read(cell, value))
            return true;
        else if (looks % 4096 == 0)
            sched_yield(); /* the writer may want this processor */
    return false;
}

static bool sleep_until_woken(struct tw_cell *cell, struct value *value)
{
    while (is_woken(cell, PATIENCE_MS))
        if (tw_cell_read(cell, value))
            return true;
    return false;
}

static bool look_then_sleep(struct tw_cell *cell, struct value *value)
{
    for (int looks = 0; looks < 20; looks++)
        if (tw_cell_read(cell, value))
            return true;
    return sleep_until_woken(cell, value);
}

static void the_last_value_comes_to_who_looks_and_to_who_sleeps(void **state)
{
    static struct turns turns;
    (void)state;
    each_last_value_comes(&turns, look_all_the_time);
    each_last_value_comes(&turns, sleep_until_woken);
    each_last_value_comes(&turns, look_then_sleep);
}

/* A writer that waits for nobody: values are whole, and never older than the one before. */
static void values_are_whole_and_in_order(void **state)
{
    static struct turns turns;
    pthread_t writer;
    struct value value = value_of(0);
    uint64_t last = 0;
    (void)state;
    turns.cell = open_cell();
    atomic_store(&turns.allowed, TURNS);
    TW_ASSERT(pthread_create(&writer, NULL, write_when_allowed, &turns) == 0);
    while (last < TURNS) {
        assert_true(look_then_sleep(turns.cell, &value));
        assert_true(number_in(&value) > last);
        last = number_in(&value);
    }
    TW_ASSERT(pthread_join(writer, NULL) == 0);
    tw_cell_close(&turns.cell);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_has_the_newest_value_and_never_blocks),
        cmocka_unit_test(what_was_written_before_the_reader_came_waits_for_it),
        cmocka_unit_test(it_goes_with_its_last_end),
        cmocka_unit_test(the_last_value_comes_to_who_looks_and_to_who_sleeps),
        cmocka_unit_test(values_are_whole_and_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
