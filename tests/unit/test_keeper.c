/* SPDX-License-Identifier: MIT
 *
 * The keeper's core: when a snapshot is whole, which stay, what retention may drop and when.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "actors/keeper/keeper.h"

#define SHARDS 2u
#define DAY (INT64_C(86400) * TW_NS_PER_SECOND)
#define DAY_TRADES 100u /* of the tape below, one record each */

static struct tw_keeper *keeper_of(uint32_t retain_days, uint64_t retain_bytes)
{
    return tw_keeper_new(&(struct tw_keeper_settings){SHARDS, retain_days, retain_bytes});
}

static enum tw_keeper_turn part(struct tw_keeper *keeper, uint64_t lsn, enum tw_snapshot_part which, uint32_t index,
                                bool last)
{
    struct tw_keeper_slice slice = {lsn, lsn * 10, which, index, last, which == TW_PART_ROUTER ? 7 : 0};
    return tw_keeper_take(keeper, &slice);
}

/* All parts, but for one if `missing` names it (a shard: the second). */
static void parts_but(struct tw_keeper *keeper, uint64_t lsn, int missing)
{
    for (int which = 0; which < TW_PART_COUNT; which++) {
        if (which == TW_PART_SHARD) {
            part(keeper, lsn, TW_PART_SHARD, 0, true);
            part(keeper, lsn, TW_PART_SHARD, 1, missing != which);
        } else {
            part(keeper, lsn, (enum tw_snapshot_part)which, 0, missing != which);
        }
    }
}

static void take(struct tw_keeper *keeper, uint64_t lsn)
{
    parts_but(keeper, lsn, -1);
    assert_true(tw_keeper_whole(keeper, lsn));
    tw_keeper_finished(keeper);
    uint64_t old = tw_keeper_surplus(keeper);
    if (old != 0)
        tw_keeper_removed(keeper, old);
}

/* ---- what is old ---- */

/* A backup to a slow disk lets none go for a while; then each goes, the oldest first, and two stay. */
static void none_is_forgotten_of_many_that_could_not_go(void **state)
{
    struct tw_keeper *keeper = keeper_of(0, 0);
    uint64_t old;
    (void)state;
    for (uint64_t lsn = 1; lsn <= 1000; lsn++) {
        parts_but(keeper, lsn, -1);
        assert_true(tw_keeper_whole(keeper, lsn));
        tw_keeper_finished(keeper);
    }
    for (uint64_t lsn = 1; (old = tw_keeper_surplus(keeper)) != 0; lsn++) {
        assert_int_equal(old, lsn);
        assert_true(lsn <= 1000 - TW_SNAPSHOTS_KEPT);
        tw_keeper_removed(keeper, old);
        if (lsn == 1000 - TW_SNAPSHOTS_KEPT)
            assert_int_equal(tw_keeper_surplus(keeper), 0);
    }
    tw_keeper_free(&keeper);
}

/* ---- whole ---- */

static void a_snapshot_is_whole_when_every_part_has_ended(void **state)
{
    (void)state;
    struct tw_keeper *keeper = keeper_of(0, 0);
    assert_int_equal(part(keeper, 5, TW_PART_SHARD, 1, false), TW_KEEPER_BEGINS);
    assert_int_equal(part(keeper, 5, TW_PART_SHARD, 0, true), TW_KEEPER_ADDS);
    assert_int_equal(part(keeper, 5, TW_PART_GATEWAY, 0, true), TW_KEEPER_ADDS);
    assert_int_equal(part(keeper, 5, TW_PART_EXPOSURE, 0, true), TW_KEEPER_ADDS);
    assert_int_equal(part(keeper, 5, TW_PART_SCORER, 0, true), TW_KEEPER_ADDS);
    assert_int_equal(part(keeper, 5, TW_PART_ROUTER, 0, true), TW_KEEPER_ADDS);
    assert_false(tw_keeper_whole(keeper, UINT64_MAX));
    assert_int_equal(part(keeper, 5, TW_PART_SHARD, 1, true), TW_KEEPER_ADDS);
    assert_true(tw_keeper_whole(keeper, UINT64_MAX));
    assert_int_equal(tw_keeper_under_way(keeper).lsn, 5);
    assert_int_equal(tw_keeper_under_way(keeper).seq, 50);
    assert_int_equal(tw_keeper_under_way(keeper).last_alert, 7);
    tw_keeper_free(&keeper);
}

static void a_snapshot_that_misses_any_one_part_is_never_whole(void **state)
{
    (void)state;
    for (int missing = 0; missing < TW_PART_COUNT; missing++) {
        struct tw_keeper *keeper = keeper_of(0, 0);
        parts_but(keeper, 5, missing);
        assert_false(tw_keeper_whole(keeper, UINT64_MAX));
        tw_keeper_free(&keeper);
    }
}

static void a_whole_one_waits_for_its_record_to_be_durable(void **state)
{
    (void)state;
    struct tw_keeper *keeper = keeper_of(0, 0);
    parts_but(keeper, 5, -1);
    assert_false(tw_keeper_whole(keeper, 4));
    assert_true(tw_keeper_whole(keeper, 5));
    assert_int_equal(tw_keeper_done(keeper), 0);
    tw_keeper_finished(keeper);
    assert_int_equal(tw_keeper_done(keeper), 5);
    assert_int_equal(tw_keeper_under_way(keeper).lsn, 0);
    tw_keeper_free(&keeper);
}

static void one_that_was_given_up_is_done_when_nothing_more_comes_of_it(void **state)
{
    (void)state;
    struct tw_keeper *keeper = keeper_of(0, 0);
    assert_int_equal(part(keeper, 5, TW_PART_GATEWAY, 0, true), TW_KEEPER_BEGINS);
    tw_keeper_give_up(keeper);
    for (int which = TW_PART_EXPOSURE; which < TW_PART_COUNT; which++)
        assert_int_equal(part(keeper, 5, (enum tw_snapshot_part)which, 0, true), TW_KEEPER_IGNORES);
    assert_int_equal(part(keeper, 5, TW_PART_SHARD, 0, true), TW_KEEPER_IGNORES);
    assert_int_equal(tw_keeper_done(keeper), 0);
    assert_int_equal(part(keeper, 5, TW_PART_SHARD, 1, true), TW_KEEPER_IGNORES);
    assert_int_equal(tw_keeper_done(keeper), 5);
    assert_false(tw_keeper_whole(keeper, UINT64_MAX));
    take(keeper, 9); /* the next begins anew */
    assert_int_equal(tw_keeper_done(keeper), 9);
    tw_keeper_free(&keeper);
}

static void one_that_cannot_be_finished_is_given_up_at_once(void **state)
{
    (void)state;
    struct tw_keeper *keeper = keeper_of(0, 0);
    parts_but(keeper, 5, -1);
    tw_keeper_give_up(keeper);
    assert_int_equal(tw_keeper_done(keeper), 5);
    assert_int_equal(tw_keeper_surplus(keeper), 0);
    tw_keeper_free(&keeper);
}

static void the_newest_two_stay(void **state)
{
    (void)state;
    struct tw_keeper *keeper = keeper_of(0, 0);
    tw_keeper_found(keeper, 3);
    tw_keeper_found(keeper, 5);
    assert_int_equal(tw_keeper_surplus(keeper), 0);
    parts_but(keeper, 9, -1);
    assert_int_equal(tw_keeper_surplus(keeper), 0); /* not before the new one is there */
    tw_keeper_finished(keeper);
    assert_int_equal(tw_keeper_surplus(keeper), 3);
    tw_keeper_removed(keeper, 3);
    assert_int_equal(tw_keeper_surplus(keeper), 0);
    tw_keeper_free(&keeper);
}

/* ---- retention, of a tape of DAY_TRADES trades each day from day 100 on; trade n is record n ---- */

static void before(void *context, int64_t horizon_ns, uint64_t *last_seq, uint64_t *last_lsn)
{
    int64_t days = horizon_ns / DAY - 100;
    (void)context;
    *last_seq = *last_lsn = days <= 0 ? 0 : (uint64_t)days * DAY_TRADES;
}

static bool look_at(struct tw_keeper *keeper, int64_t days, uint64_t retained_seq, uint64_t bytes)
{
    uint64_t last = (uint64_t)days * DAY_TRADES;
    struct tw_keeper_tape tape = {.first_ns = 100 * DAY,
                                  .clock_ns = (100 + days) * DAY - 1,
                                  .retained_seq = retained_seq,
                                  .last_seq = last,
                                  .bytes = bytes};
    return tw_keeper_look(keeper, &tape, &(struct tw_keeper_days){NULL, before});
}

static bool look(struct tw_keeper *keeper, int64_t days, uint64_t retained_seq)
{
    return look_at(keeper, days, retained_seq, ((uint64_t)days * DAY_TRADES - retained_seq) * 1000);
}

static void without_settings_everything_stays(void **state)
{
    (void)state;
    struct tw_keeper *keeper = keeper_of(0, 0);
    take(keeper, 900);
    take(keeper, 901);
    assert_false(look(keeper, 10, 0));
    assert_null(tw_keeper_wish(keeper));
    tw_keeper_free(&keeper);
}

static void by_age_whole_days_go_and_the_history_asked_for_stays(void **state)
{
    (void)state;
    struct tw_keeper *keeper = keeper_of(3, 0);
    take(keeper, 900);
    take(keeper, 901);
    assert_false(
        look(keeper, 4, 0)); /* the clock stands at the end of the fourth day: of the first, a moment is young */
    assert_true(look(keeper, 10, 0)); /* the clock stands in the tenth: the first six are three days old */
    const struct tw_retention *wish = tw_keeper_wish(keeper);
    assert_int_equal(wish->horizon_ns, 106 * DAY);
    assert_int_equal(wish->last_seq, 6 * DAY_TRADES);
    assert_int_equal(wish->last_lsn, 6 * DAY_TRADES);
    assert_false(wish->by_size);
    tw_keeper_free(&keeper);
}

static void by_size_the_oldest_days_go_but_never_the_current_one(void **state)
{
    (void)state;
    struct tw_keeper *keeper = keeper_of(0, 250000); /* two and a half days */
    take(keeper, 900);
    take(keeper, 901);
    assert_false(look(keeper, 2, 0));
    assert_true(look(keeper, 8, 0));
    assert_int_equal(tw_keeper_wish(keeper)->last_seq, 6 * DAY_TRADES);
    assert_true(tw_keeper_wish(keeper)->by_size);
    tw_keeper_free(&keeper);

    keeper = keeper_of(0, 1);
    take(keeper, 900);
    take(keeper, 901);
    assert_true(look(keeper, 8, 0));
    assert_int_equal(tw_keeper_wish(keeper)->last_seq, 7 * DAY_TRADES);
    tw_keeper_free(&keeper);

    keeper = keeper_of(0, 1);
    take(keeper, 900);
    take(keeper, 901);
    assert_false(look(keeper, 8, 7 * DAY_TRADES)); /* only the current day is left */
    tw_keeper_free(&keeper);
}

static void what_was_dropped_counts_no_more(void **state)
{
    (void)state;
    struct tw_keeper *keeper = keeper_of(0, 250000);
    take(keeper, 900);
    take(keeper, 901);
    assert_false(look(keeper, 8, 6 * DAY_TRADES));
    assert_true(look(keeper, 9, 6 * DAY_TRADES));
    assert_int_equal(tw_keeper_wish(keeper)->last_seq, 7 * DAY_TRADES);
    tw_keeper_free(&keeper);
}

static void nothing_goes_beyond_the_older_kept_snapshot(void **state)
{
    (void)state;
    struct tw_keeper *keeper = keeper_of(3, 0);
    assert_false(look(keeper, 10, 0)); /* none is there */
    take(keeper, 4 * DAY_TRADES + 50);
    assert_false(look(keeper, 10, 0)); /* one is not enough: it may be damaged */
    take(keeper, 900);
    assert_true(look(keeper, 10, 0));
    assert_int_equal(tw_keeper_wish(keeper)->last_seq, 4 * DAY_TRADES);
    assert_int_equal(tw_keeper_wish(keeper)->horizon_ns, 104 * DAY);
    tw_keeper_free(&keeper);
}

static void a_drop_waits_until_all_kept_snapshots_lie_behind_its_record(void **state)
{
    (void)state;
    struct tw_keeper *keeper = keeper_of(3, 0);
    take(keeper, 900);
    take(keeper, 901);
    assert_false(tw_keeper_hurries(keeper));
    assert_true(look(keeper, 10, 0));
    assert_null(tw_keeper_droppable(keeper, UINT64_MAX)); /* it does not stand in the log */
    tw_keeper_recorded(keeper, 599, 950);                 /* another wish than this */
    assert_non_null(tw_keeper_wish(keeper));
    tw_keeper_recorded(keeper, 600, 950);
    assert_null(tw_keeper_wish(keeper));
    assert_true(tw_keeper_hurries(keeper));
    take(keeper, 960);
    assert_null(tw_keeper_droppable(keeper, UINT64_MAX)); /* 901 may still be started from */
    assert_true(tw_keeper_hurries(keeper));
    take(keeper, 970);
    assert_false(tw_keeper_hurries(keeper));
    assert_null(tw_keeper_droppable(keeper, 949)); /* not durable */
    assert_int_equal(tw_keeper_droppable(keeper, 950)->last_seq, 600);
    assert_false(look(keeper, 20, 0)); /* one at a time */
    tw_keeper_dropped(keeper);
    assert_null(tw_keeper_droppable(keeper, UINT64_MAX));
    assert_true(look(keeper, 20, 600));
    tw_keeper_free(&keeper);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_is_forgotten_of_many_that_could_not_go),
        cmocka_unit_test(a_snapshot_is_whole_when_every_part_has_ended),
        cmocka_unit_test(a_snapshot_that_misses_any_one_part_is_never_whole),
        cmocka_unit_test(a_whole_one_waits_for_its_record_to_be_durable),
        cmocka_unit_test(one_that_was_given_up_is_done_when_nothing_more_comes_of_it),
        cmocka_unit_test(one_that_cannot_be_finished_is_given_up_at_once),
        cmocka_unit_test(the_newest_two_stay),
        cmocka_unit_test(without_settings_everything_stays),
        cmocka_unit_test(by_age_whole_days_go_and_the_history_asked_for_stays),
        cmocka_unit_test(by_size_the_oldest_days_go_but_never_the_current_one),
        cmocka_unit_test(what_was_dropped_counts_no_more),
        cmocka_unit_test(nothing_goes_beyond_the_older_kept_snapshot),
        cmocka_unit_test(a_drop_waits_until_all_kept_snapshots_lie_behind_its_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
