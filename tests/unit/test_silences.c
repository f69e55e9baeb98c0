/* SPDX-License-Identifier: MIT
 *
 * Silences: which one hides an alert, and when none does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <string.h>

#include "actors/lifecycle/silences.h"
#include "protocol/hours.h"

#define TEXT(literal) ((struct tw_text){literal, sizeof literal - 1})

static struct tw_labels large_trade(const char *entity)
{
    return (struct tw_labels){{[TW_LABEL_TYPE] = TEXT("LARGE_TRADE"),
                               [TW_LABEL_SEVERITY] = TEXT("HIGH"),
                               [TW_LABEL_ENTITY_TYPE] = TEXT("TRADE"),
                               [TW_LABEL_ENTITY] = {entity, (uint32_t)strlen(entity)},
                               [TW_LABEL_RULE] = TEXT("large_trade"),
                               [TW_LABEL_EVENT] = TEXT("fire")}};
}

static struct tw_action silence(const char *match, int64_t starts_ns, int64_t ends_ns)
{
    return (struct tw_action){.verb = TW_ACTION_SILENCE,
                              .who = TEXT("maria"),
                              .why = TEXT("a test"),
                              .match = {match, (uint32_t)strlen(match)},
                              .starts_ns = starts_ns,
                              .ends_ns = ends_ns};
}

static bool take(struct tw_silences *silences, uint64_t h, int64_t at_ns, struct tw_action action)
{
    return tw_silences_take(silences, &(struct tw_action_message){h, at_ns, action});
}

static uint64_t hide(const struct tw_silences *silences, const char *entity, int64_t at_ns)
{
    struct tw_labels labels = large_trade(entity);
    return tw_silences_hide(silences, &labels, at_ns, 0);
}

static void the_first_that_matches_hides_from_its_start_to_its_end(void **state)
{
    (void)state;
    struct tw_silences *silences = tw_silences_new();
    assert_int_equal(hide(silences, "A", 15), 0);
    assert_true(take(silences, 1, 0, silence("type=LARGE_TRADE entity=~desk-7/.*", 10, 20)));
    assert_true(take(silences, 2, 0, silence("severity=HIGH", 12, 30)));
    assert_int_equal(hide(silences, "desk-7/0/1", 9), 0);
    assert_int_equal(hide(silences, "desk-7/0/1", 10), 1);
    assert_int_equal(hide(silences, "desk-8/0/1", 11), 0);
    assert_int_equal(hide(silences, "desk-8/0/1", 12), 2);
    assert_int_equal(hide(silences, "desk-7/0/1", 19), 1);
    assert_int_equal(hide(silences, "desk-7/0/1", 20), 2);
    assert_int_equal(hide(silences, "desk-7/0/1", 30), 0);
    tw_silences_free(&silences);
}

static void one_that_was_ended_hides_nothing_and_others_stay(void **state)
{
    (void)state;
    struct tw_silences *silences = tw_silences_new();
    take(silences, 1, 0, silence("severity=HIGH", 0, 100));
    take(silences, 2, 0, silence("severity=HIGH", 0, 100));
    take(silences, 3, 0, (struct tw_action){.verb = TW_ACTION_ACK});
    assert_int_equal(hide(silences, "A", 5), 1);
    take(silences, 4, 5, (struct tw_action){.verb = TW_ACTION_UNSILENCE, .silence = 1});
    assert_int_equal(hide(silences, "A", 5), 2);
    take(silences, 5, 5, (struct tw_action){.verb = TW_ACTION_UNSILENCE, .silence = 1}); /* not there any more */
    take(silences, 6, 5, (struct tw_action){.verb = TW_ACTION_UNSILENCE, .silence = 2});
    assert_int_equal(hide(silences, "A", 5), 0);
    assert_int_equal(tw_silences_count(silences), 0);
    tw_silences_free(&silences);
}

static void one_that_recurs_hides_in_its_hours(void **state)
{
    (void)state;
    struct tw_silences *silences = tw_silences_new();
    struct tw_labels labels = large_trade("A");
    struct tw_action weekends = silence("severity=HIGH", 0, INT64_MAX);
    int64_t saturday = 0, friday = 0;
    assert_true(tw_hours_moment("Sat 12:00", &saturday) && tw_hours_moment("Fri 23:59", &friday));
    weekends.hours = TEXT("Sat-Sun");
    assert_true(take(silences, 1, 0, weekends));
    assert_int_equal(tw_silences_hide(silences, &labels, 5, friday), 0);
    assert_int_equal(tw_silences_hide(silences, &labels, 5, saturday), 1);
    tw_silences_free(&silences);
}

static void those_that_have_ended_make_room(void **state)
{
    (void)state;
    struct tw_silences *silences = tw_silences_new();
    for (uint64_t h = 1; h <= TW_SILENCES_MAX; h++)
        assert_true(take(silences, h, 0, silence("entity=nobody", 0, h == 7 ? 10 : 100)));
    assert_false(take(silences, 1000, 5, silence("severity=HIGH", 0, 100)));
    assert_int_equal(hide(silences, "A", 5), 0);
    assert_true(take(silences, 1001, 10, silence("severity=HIGH", 0, 100)));
    assert_int_equal(hide(silences, "A", 10), 1001);
    assert_int_equal(tw_silences_count(silences), TW_SILENCES_MAX);
    tw_silences_free(&silences);
}

static void what_cannot_be_read_is_named_and_hides_nothing(void **state)
{
    (void)state;
    char why[TW_MATCHER_WHY_BYTES];
    struct tw_silences *silences = tw_silences_new();
    struct tw_action good = silence("severity=HIGH", 0, 100), bad = good;
    assert_null(tw_silence_fault(&good, why));
    bad.match = TEXT("colour=red");
    assert_non_null(tw_silence_fault(&bad, why));
    assert_false(take(silences, 1, 0, bad));
    bad = good;
    bad.hours = TEXT("Someday");
    assert_non_null(strstr(tw_silence_fault(&bad, why), "hours"));
    assert_false(take(silences, 2, 0, bad));
    assert_int_equal(hide(silences, "A", 5), 0);
    tw_silences_free(&silences);
}

static void blanks_are_refused_but_a_record_of_them_stays_what_it_was(void **state)
{
    (void)state;
    char why[TW_MATCHER_WHY_BYTES];
    struct tw_silences *silences = tw_silences_new();
    struct tw_action blank = silence("  ", 0, 100);
    assert_non_null(strstr(tw_silence_fault(&blank, why), "is no matcher"));
    assert_true(take(silences, 1, 0, blank));
    assert_int_equal(hide(silences, "A", 5), 1);
    tw_silences_free(&silences);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_that_matches_hides_from_its_start_to_its_end),
        cmocka_unit_test(one_that_was_ended_hides_nothing_and_others_stay),
        cmocka_unit_test(one_that_recurs_hides_in_its_hours),
        cmocka_unit_test(those_that_have_ended_make_room),
        cmocka_unit_test(what_cannot_be_read_is_named_and_hides_nothing),
        cmocka_unit_test(blanks_are_refused_but_a_record_of_them_stays_what_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
