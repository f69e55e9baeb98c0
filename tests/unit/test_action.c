/* SPDX-License-Identifier: MIT
 *
 * What people do to alerts, as the log, subscribers and catch-up have it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "protocol/action.h"

#define ID "00112233445566778899aabbccddeeff"
#define TEXT(literal)                                                                                                  \
    {                                                                                                                  \
        literal, sizeof literal - 1                                                                                    \
    }

static const struct tw_action ACTIONS[] = {
    {.verb = TW_ACTION_ACK, .id = TEXT(ID), .n = 7, .who = TEXT("maria")},
    {.verb = TW_ACTION_ASSIGN, .id = TEXT(ID), .n = 7, .who = TEXT("maria"), .to = TEXT("pete"), .why = TEXT("yours")},
    {.verb = TW_ACTION_CLOSE,
     .id = TEXT(ID),
     .n = INT64_MAX,
     .who = TEXT("p\xc3\xa9te"),
     .verdict = TEXT("true_positive")},
    {.verb = TW_ACTION_NOTE, .id = TEXT(ID), .n = 1, .who = TEXT("maria"), .why = TEXT("two\nlines")},
    {.verb = TW_ACTION_SILENCE,
     .who = TEXT("maria"),
     .match = TEXT("type=LARGE_TRADE entity=~desk-7/.*"),
     .hours = TEXT("Sat-Sun"),
     .starts_ns = 1,
     .ends_ns = INT64_MAX,
     .why = TEXT("migration")},
    {.verb = TW_ACTION_UNSILENCE, .who = TEXT("pete"), .silence = 5},
};
#define COUNT (sizeof ACTIONS / sizeof ACTIONS[0])

static void assert_text(struct tw_text a, struct tw_text b)
{
    assert_int_equal(a.length, b.length);
    if (a.length > 0)
        assert_memory_equal(a.bytes, b.bytes, a.length);
}

static void assert_same(const struct tw_action *a, const struct tw_action *b)
{
    assert_int_equal(a->verb, b->verb);
    assert_int_equal(a->n, b->n);
    assert_text(a->id, b->id);
    assert_text(a->who, b->who);
    assert_text(a->to, b->to);
    assert_text(a->verdict, b->verdict);
    assert_text(a->match, b->match);
    assert_text(a->hours, b->hours);
    assert_int_equal(a->starts_ns, b->starts_ns);
    assert_int_equal(a->ends_ns, b->ends_ns);
    assert_int_equal(a->silence, b->silence);
    assert_text(a->why, b->why);
}

static void every_verb_comes_back(void **state)
{
    (void)state;
    assert_int_equal(COUNT, TW_ACTION_VERB_COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        struct tw_buffer bytes = {0};
        struct tw_action out;
        struct tw_action_message message = {.h = i + 1, .at_ns = 1700000000000000000, .action = ACTIONS[i]}, got;
        const char *why = NULL;
        assert_int_equal(ACTIONS[i].verb, i);
        tw_action_encode(&bytes, &ACTIONS[i]);
        assert_true(tw_action_decode(bytes.bytes, bytes.length, &out, &why));
        assert_same(&ACTIONS[i], &out);
        for (size_t length = 0; length < bytes.length; length++)
            assert_false(tw_action_decode(bytes.bytes, length, &out, &why));
        bytes.length = 0;
        tw_action_message_encode(&bytes, &message);
        assert_true(tw_action_message_decode(bytes.bytes, bytes.length, &got));
        assert_int_equal(got.h, message.h);
        assert_int_equal(got.at_ns, message.at_ns);
        assert_same(&ACTIONS[i], &got.action);
        tw_buffer_free(&bytes);
    }
}

struct bad {
    size_t from; /* of ACTIONS */
    const char *field, *value, *why;
};

static struct tw_text *field_of(struct tw_action *action, const char *name)
{
    const struct {
        const char *name;
        struct tw_text *field;
    } fields[] = {{"id", &action->id}, {"who", &action->who},         {"why", &action->why},
                  {"to", &action->to}, {"verdict", &action->verdict}, {"match", &action->match}};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (strcmp(fields[i].name, name) == 0)
            return fields[i].field;
    fail_msg("no field %s", name);
    return NULL;
}

static void what_may_not_be_is_refused_with_a_reason(void **state)
{
    (void)state;
    static char long_name[66], long_note[1002];
    memset(long_name, 'x', 65);
    memset(long_note, 'x', 1001);
    const struct bad table[] = {
        {0, "id", "00112233445566778899aabbccddeef", "no alert"},
        {0, "id", "00112233445566778899AABBCCDDEEFF", "no alert"},
        {0, "who", "", "who it is by"},
        {0, "who", "a\nb", "who it is by"},
        {0, "who", long_name, "who it is by"},
        {0, "who", "\xff", "who it is by"},
        {0, "why", "a\tb", "a note takes"},
        {0, "why", long_note, "a note takes"},
        {0, "to", "pete", "assign, and nothing else"},
        {0, "verdict", "true_positive", "close, and nothing else"},
        {1, "to", "", "assign, and nothing else"},
        {1, "to", long_name, "assign, and nothing else"},
        {2, "verdict", "", "close, and nothing else"},
        {2, "verdict", "maybe", "close, and nothing else"},
        {3, "why", "", "the note is empty"},
        {0, "match", "type=X", "what belongs to a silence"},
        {4, "match", "", "a silence takes matchers"},
        {4, "why", "", "a silence wants a reason"},
        {4, "id", ID, "of no single alert"},
        {4, "to", "pete", "of no single alert"},
        {5, "match", "type=X", "what belongs to a silence"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct tw_action action = ACTIONS[table[i].from];
        struct tw_text value = {table[i].value, (uint32_t)strlen(table[i].value)};
        struct tw_text *field = field_of(&action, table[i].field);
        *field = value;
        const char *fault = tw_action_fault(&action);
        assert_non_null(fault);
        if (strstr(fault, table[i].why) == NULL)
            fail_msg("row %zu: `%s` does not say `%s`", i, fault, table[i].why);
    }
    struct tw_action action = ACTIONS[0];
    action.n = 0;
    assert_non_null(tw_action_fault(&action));
    action = ACTIONS[4];
    action.ends_ns = action.starts_ns;
    assert_non_null(strstr(tw_action_fault(&action), "ends before it begins"));
    action = ACTIONS[5];
    action.silence = 0;
    assert_non_null(tw_action_fault(&action));
}

static void the_record_takes_no_unknown_key_and_a_message_does(void **state)
{
    (void)state;
    struct tw_buffer bytes = {0};
    struct tw_action out;
    struct tw_action_message message = {.h = 3, .at_ns = 1, .action = ACTIONS[0]};
    const char *why = NULL;
    tw_action_encode(&bytes, &ACTIONS[0]);
    bytes.bytes[0]++;
    tw_pack_str(&bytes, "new");
    tw_pack_u64(&bytes, 1);
    assert_false(tw_action_decode(bytes.bytes, bytes.length, &out, &why));
    bytes.length = 0;
    tw_action_message_encode(&bytes, &message);
    bytes.bytes[0]++;
    tw_pack_str(&bytes, "new");
    tw_pack_u64(&bytes, 1);
    assert_true(tw_action_message_decode(bytes.bytes, bytes.length, &message));
    tw_buffer_free(&bytes);
}

static void the_topic_names_the_verb(void **state)
{
    (void)state;
    char topic[TW_TOPIC_BYTES_MAX];
    assert_int_equal(tw_action_topic(topic, TW_ACTION_CLOSE), strlen("action.close."));
    assert_string_equal(topic, "action.close.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verb_comes_back),
        cmocka_unit_test(what_may_not_be_is_refused_with_a_reason),
        cmocka_unit_test(the_record_takes_no_unknown_key_and_a_message_does),
        cmocka_unit_test(the_topic_names_the_verb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
