/* SPDX-License-Identifier: MIT
 *
 * How an alert stands, as a table of stories: events as o f e r x (open, fire, escalate, resolve, retract), actions as
 * A P C N (ack, assign to pete, close, note), in the order in which they happened.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "actors/lifecycle/lifecycle.h"

#define TEXT(literal) ((struct tw_text){literal, sizeof literal - 1})

static struct tw_text event_of(char letter)
{
    switch (letter) {
    case 'o':
        return TEXT("open");
    case 'f':
        return TEXT("fire");
    case 'e':
        return TEXT("escalate");
    case 'r':
        return TEXT("resolve");
    default:
        return TEXT("retract");
    }
}

static void take_action(struct tw_case *alert, char letter, uint64_t h, uint64_t n)
{
    struct tw_action_message message = {.h = h, .action = {.who = TEXT("maria"), .n = n}};
    if (letter == 'P')
        message.action.to = TEXT("pete");
    if (letter == 'C')
        message.action.verdict = TEXT("true_positive");
    message.action.verb = letter == 'A'   ? TW_ACTION_ACK
                          : letter == 'P' ? TW_ACTION_ASSIGN
                          : letter == 'C' ? TW_ACTION_CLOSE
                                          : TW_ACTION_NOTE;
    tw_case_take_action(alert, &message);
}

/* Events first, as the desk reads them, or in the order of the story. */
static struct tw_case told(const char *story, bool events_first)
{
    struct tw_case alert = {0};
    for (int pass = events_first ? 0 : 2; pass < (events_first ? 2 : 3); pass++) {
        uint64_t n = 0, h = 0;
        for (const char *letter = story; *letter != '\0'; letter++) {
            bool is_action = strchr("APCN", *letter) != NULL;
            if (is_action) {
                h++;
                if (pass != 0)
                    take_action(&alert, *letter, h, n);
            } else {
                n++;
                if (pass != 1)
                    tw_case_take_event(&alert, &(struct tw_alert_view){.n = n, .event = event_of(*letter)});
            }
        }
    }
    return alert;
}

static void stories_end_as_they_should(void **state)
{
    (void)state;
    static const struct {
        const char *story, *state;
    } table[] = {
        {"o", "open"},           {"f", "open"},         {"oN", "open"},          {"oA", "acknowledged"},
        {"oP", "assigned"},      {"oAP", "assigned"},   {"oPA", "acknowledged"}, {"oe", "escalated"},
        {"oeA", "acknowledged"}, {"oAe", "escalated"},  {"oPe", "escalated"},    {"oPeA", "acknowledged"},
        {"oPeN", "escalated"},   {"oAee", "escalated"}, {"or", "resolved"},      {"oAr", "resolved"},
        {"oer", "resolved"},     {"orA", "resolved"},   {"oC", "closed"},        {"oCr", "closed"},
        {"orC", "closed"},       {"oCe", "closed"},     {"fx", "retracted"},     {"fAx", "retracted"},
        {"fCx", "retracted"},    {"oxr", "retracted"},  {"fCN", "closed"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        for (int events_first = 0; events_first < 2; events_first++) {
            struct tw_case alert = told(table[i].story, events_first != 0);
            const char *ends = tw_case_state_name(tw_case_state_now(&alert));
            if (strcmp(ends, table[i].state) != 0)
                fail_msg("%s ends %s, and should be %s", table[i].story, ends, table[i].state);
        }
}

static void what_is_over_takes_notes_only(void **state)
{
    (void)state;
    char why[160];
    static const struct {
        const char *story, *says;
    } table[] = {
        {"oC", "closed as true_positive by maria (action 1)"}, {"fx", "retracted"}, {"or", NULL}, {"oP", NULL}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct tw_case alert = told(table[i].story, true);
        assert_null(tw_case_refuses(&alert, TW_ACTION_NOTE, why));
        for (int verb = TW_ACTION_ACK; verb <= TW_ACTION_CLOSE; verb++) {
            const char *said = tw_case_refuses(&alert, (enum tw_action_verb)verb, why);
            assert_int_equal(said == NULL, table[i].says == NULL);
            if (said != NULL)
                assert_non_null(strstr(said, table[i].says));
        }
    }
}

static void states_are_known_by_their_names(void **state)
{
    (void)state;
    for (int i = 0; i < TW_CASE_STATE_COUNT; i++) {
        enum tw_case_state found = TW_CASE_STATE_COUNT;
        assert_true(tw_case_state_of(tw_case_state_name((enum tw_case_state)i), &found));
        assert_int_equal(found, i);
    }
    assert_false(tw_case_state_of("opened", &(enum tw_case_state){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stories_end_as_they_should),
        cmocka_unit_test(what_is_over_takes_notes_only),
        cmocka_unit_test(states_are_known_by_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
