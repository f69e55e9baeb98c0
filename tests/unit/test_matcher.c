/* SPDX-License-Identifier: MIT
 *
 * Matchers: what they mean, what is refused and how that is said, and that their words are the judging cores'.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <locale.h>

#include "actors/judging/event.h"
#include "protocol/matcher.h"

static struct tw_text text_of(const char *text)
{
    return (struct tw_text){text, (uint32_t)strlen(text)};
}

static struct tw_labels example(const char *entity)
{
    return (struct tw_labels){{[TW_LABEL_TYPE] = text_of("HIGH_CLIENT_EXPOSURE"),
                               [TW_LABEL_SEVERITY] = text_of("CRITICAL"),
                               [TW_LABEL_ENTITY_TYPE] = text_of("CLIENT"),
                               [TW_LABEL_ENTITY] = text_of(entity),
                               [TW_LABEL_RULE] = text_of("client_exposure"),
                               [TW_LABEL_EVENT] = text_of("open")}};
}

/* `failing`: the matcher that does not hold, or NULL. */
static void against(const char *matchers_text, const char *entity, const char *failing)
{
    char why[TW_MATCHER_WHY_BYTES] = "";
    struct tw_labels labels = example(entity);
    struct tw_matchers *matchers = tw_matchers_read(matchers_text, why);
    if (matchers == NULL)
        fail_msg("%s: %s", matchers_text, why);
    const char *found = tw_matchers_against(matchers, &labels);
    if (failing == NULL)
        assert_null(found);
    else
        assert_string_equal(found == NULL ? "all hold" : found, failing);
    tw_matchers_free(&matchers);
    assert_null(matchers);
}

static void refused(const char *text, const char *sentence)
{
    char why[TW_MATCHER_WHY_BYTES] = "";
    assert_null(tw_matchers_read(text, why));
    assert_string_equal(why, sentence);
}

static void all_of_them_must_hold(void **state)
{
    (void)state;
    against("", "desk-7", NULL);
    against("severity=CRITICAL", "desk-7", NULL);
    against("  severity=CRITICAL   type=~HIGH_.* ", "desk-7", NULL);
    against("severity=CRITICAL event!=open", "desk-7", "event!=open");
    against("severity=HIGH event!=open", "desk-7", "severity=HIGH");
    against("rule=client_exposure entity_type=CLIENT entity!=desk-8", "desk-7", NULL);
    against("entity=desk", "desk-7", "entity=desk"); /* the whole value */
    against("entity!~desk-[0-9]", "desk-7", "entity!~desk-[0-9]");
    against("entity!~desk-[0-6]", "desk-7", NULL);
}

static void expressions_match_the_whole_value(void **state)
{
    (void)state;
    against("entity=~desk", "desk-7", "entity=~desk");
    against("entity=~desk.*", "desk-7", NULL);
    against("entity=~a|desk-7|b", "desk-7", NULL);
    against("entity=~a|desk", "desk-7", "entity=~a|desk");
    against("entity=~((d|e)+sk)-[]7]", "desk-7", NULL);
    against("entity=~[[:alpha:]]+-[[:digit:]]+", "desk-7", NULL);
    against("entity=~d\\.s", "d.s", NULL);
    against("entity=~d\\.s", "des", "entity=~d\\.s");
    against("entity=~a\\\\b", "a\\b", NULL);
    against("entity=~.*\\[x\\{", "y[x{", NULL);
    against("entity!~x.*", "", NULL);
}

static void expressions_match_characters_and_not_bytes(void **state)
{
    (void)state;
    locale_t before = uselocale((locale_t)0);
    against("entity=~M.ller", "M\xc3\xbcller", NULL);
    against("entity=~M[\xc3\xbc\xc3\xa4]ller", "M\xc3\xbcller", NULL);
    against("entity=~M[%C3%BC%C3%A4]ller", "M\xc3\xa4ller", NULL);
    against("entity=~M[^a]ller", "M\xc3\xbcller", NULL);
    against("entity=~[[:alpha:]]+", "M\xc3\xbcller", NULL);
    against("entity=~.\xc3\xbc?ll.*", "Mller", NULL);
    against("entity=~M..ller", "M\xc3\xbcller", "entity=~M..ller");
    against("entity=~M[\xc3\xbc\xc3\xa4]ller", "M\xc3\xb6ller",
            "entity=~M[\xc3\xbc\xc3\xa4]ller"); /* not by its first byte */
    against("entity!~M.ller", "M\xc3\xbcller", "entity!~M.ller");
    refused("entity=~[\xc3\xa4-\xc3\xbc]",
            "'entity=~[\xc3\xa4-\xc3\xbc]' has a range, [= =] or [. .] of what is no ASCII "
            "character; name each");
    assert_ptr_equal(uselocale((locale_t)0), before);
}

static bool without_locales;
locale_t __real_newlocale(int categories, const char *name, locale_t base);
locale_t __wrap_newlocale(int categories, const char *name, locale_t base);
locale_t __wrap_newlocale(int categories, const char *name, locale_t base)
{
    return without_locales ? (locale_t)0 : __real_newlocale(categories, name, base);
}

static void where_the_system_knows_no_characters_what_is_not_ascii_is_refused(void **state)
{
    (void)state;
    without_locales = true;
    against("entity=~M.*", "M\xc3\xbcller", NULL);
    against("entity=M%C3%BCller", "M\xc3\xbcller", NULL);
    refused("entity=~M\xc3\xbc.*",
            "'entity=~M\xc3\xbc.*' has characters beyond ASCII, which take the locale C.UTF-8; this "
            "system has none");
    without_locales = false;
}

static void a_value_may_be_shorter_than_what_follows_it(void **state)
{
    (void)state;
    char why[TW_MATCHER_WHY_BYTES];
    struct tw_labels labels = example("desk-7 and more");
    labels.value[TW_LABEL_ENTITY].length = 6;
    struct tw_matchers *matchers = tw_matchers_read("entity=~desk-7 entity=desk-7", why);
    assert_null(tw_matchers_against(matchers, &labels));
    tw_matchers_free(&matchers);
}

static void bytes_may_be_escaped(void **state)
{
    (void)state;
    against("entity=M%C3%BCller%20AG", "M\xc3\xbcller AG", NULL);
    against("entity=~M.*%20AG", "M\xc3\xbcller AG", NULL);
    against("entity=100%25", "100%", NULL);
    refused("entity=100%", "'entity=100%' has a % without two hexadecimal digits, which is written %25");
    refused("entity=%00", "'entity=%00' has a % without two hexadecimal digits, which is written %25");
    refused("entity=%4", "'entity=%4' has a % without two hexadecimal digits, which is written %25");
}

static void what_means_nothing_is_refused(void **state)
{
    (void)state;
    static const char form[] = "is no matcher; one is label=value, label!=value, label=~regex or label!~regex";
    char sentence[TW_MATCHER_WHY_BYTES];
    static const char *const shapeless[] = {"severity", "CRITICAL", "severity!", "severity>HIGH", "!x"};
    for (size_t i = 0; i < sizeof shapeless / sizeof *shapeless; i++) {
        snprintf(sentence, sizeof sentence, "'%s' %s", shapeless[i], form);
        refused(shapeless[i], sentence);
    }
    refused("   ", "'   ' is no matcher; one is label=value, label!=value, label=~regex or label!~regex");
    refused("severity=", "'severity=' has no value");
    refused("type=LARGE_TRADE severty=HIGH",
            "'severty=HIGH' has no known label; there are type, severity, entity_type, entity, rule, event, "
            "publisher");
    refused("severity=SEVERE", "'severity=SEVERE' has no such severity; there are LOW|MEDIUM|HIGH|CRITICAL");
    refused("severity=LOW|HIGH", "'severity=LOW|HIGH' has no such severity; there are LOW|MEDIUM|HIGH|CRITICAL");
    refused("event!=opened", "'event!=opened' has no such event; there are fire|open|escalate|resolve|retract");
}

static void expressions_without_bounds_are_refused(void **state)
{
    (void)state;
    char longer[160] = "entity=~", why[TW_MATCHER_WHY_BYTES];
    memset(longer + 8, 'a', 128);
    against(longer, "desk-7", longer);
    longer[136] = 'a';
    assert_null(tw_matchers_read(longer, why));
    assert_non_null(strstr(why, "is longer than 128 bytes"));
    refused("entity=~(a)\\1", "'entity=~(a)\\1' has a backslash before a letter, a digit or nothing");
    refused("entity=~a\\", "'entity=~a\\' has a backslash before a letter, a digit or nothing");
    refused("entity=~a{9999}", "'entity=~a{9999}' has a count in {}; a brace itself is \\{");
    refused("entity=~a+*", "'entity=~a+*' repeats a repetition");
    refused("entity=~((((a))))", "'entity=~((((a))))' nests groups more than 3 deep");
    refused("entity=~a)|(b", "'entity=~a)|(b' closes a group that is not open");
    refused("entity=~[a", "'entity=~[a' does not close a [");
    refused("entity=~[", "'entity=~[' does not close a [");
    refused("entity=~(a", "'entity=~(a' Unmatched ( or \\(");
}

static void seventeen_are_too_many(void **state)
{
    (void)state;
    char text[17 * 10 + 1] = "", why[TW_MATCHER_WHY_BYTES] = "";
    for (int i = 0; i < 16; i++)
        strcat(text, "entity=~. ");
    struct tw_matchers *matchers = tw_matchers_read(text, why);
    assert_non_null(matchers);
    tw_matchers_free(&matchers);
    strcat(text, "entity=~. ");
    refused(text, "'entity=~. ' is one matcher too many; 16 are allowed");
}

static void is_word_of(enum tw_label label, const char *word)
{
    char wanted[64];
    snprintf(wanted, sizeof wanted, "|%s|", word);
    assert_non_null(strstr(tw_label_words(label), wanted));
}

static void the_words_are_those_of_the_cores(void **state)
{
    (void)state;
    for (int i = 0; i < TW_RULE_COUNT; i++) {
        is_word_of(TW_LABEL_TYPE, tw_rule_type((enum tw_rule)i));
        is_word_of(TW_LABEL_RULE, tw_rule_key((enum tw_rule)i));
    }
    for (int i = TW_SEVERITY_LOW; i <= TW_SEVERITY_CRITICAL; i++)
        is_word_of(TW_LABEL_SEVERITY, tw_severity_name((enum tw_severity)i));
    for (int i = 0; i <= TW_ENTITY_SYSTEM; i++)
        is_word_of(TW_LABEL_ENTITY_TYPE, tw_entity_type_name((enum tw_entity_type)i));
    for (int i = 0; i <= TW_EVENT_RETRACT; i++)
        is_word_of(TW_LABEL_EVENT, tw_event_name((enum tw_event_kind)i));
    assert_string_equal(tw_label_name(TW_LABEL_EVENT), "event");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_them_must_hold),
        cmocka_unit_test(expressions_match_the_whole_value),
        cmocka_unit_test(expressions_match_characters_and_not_bytes),
        cmocka_unit_test(where_the_system_knows_no_characters_what_is_not_ascii_is_refused),
        cmocka_unit_test(a_value_may_be_shorter_than_what_follows_it),
        cmocka_unit_test(bytes_may_be_escaped),
        cmocka_unit_test(what_means_nothing_is_refused),
        cmocka_unit_test(expressions_without_bounds_are_refused),
        cmocka_unit_test(seventeen_are_too_many),
        cmocka_unit_test(the_words_are_those_of_the_cores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
