/* SPDX-License-Identifier: MIT
 *
 * The ZPL reader: what it takes, and each way to be wrong with its line.
 */
#include "tests/unit/cfg_world.h"

#include "cfg/zpl.h"

static struct tw_zpl parsed(const char *text)
{
    struct tw_zpl zpl;
    struct tw_zpl_error error;
    if (!tw_zpl_parse(text, strlen(text), &zpl, &error))
        fail_msg("line %u: %s", error.line, error.why);
    return zpl;
}

static void assert_entry(const struct tw_zpl *zpl, size_t index, const char *key, const char *value, uint32_t line)
{
    assert_true(index < zpl->count);
    assert_string_equal(zpl->entries[index].key, key);
    if (value == NULL)
        assert_null(zpl->entries[index].value);
    else
        assert_string_equal(zpl->entries[index].value, value);
    assert_int_equal(zpl->entries[index].line, line);
}

static void assert_fault(const char *text, uint32_t line, const char *why)
{
    struct tw_zpl zpl;
    struct tw_zpl_error error = {0};
    assert_false(tw_zpl_parse(text, strlen(text), &zpl, &error));
    assert_string_equal(error.why, why);
    assert_int_equal(error.line, line);
    assert_int_equal(zpl.count, 0);
}

static void levels_are_joined_by_slashes(void **state)
{
    (void)state;
    struct tw_zpl zpl = parsed("a\n    b\n        c = 1\n    d = 2\ne = 3\n");
    assert_int_equal(zpl.count, 3);
    assert_entry(&zpl, 0, "a/b/c", "1", 3);
    assert_entry(&zpl, 1, "a/d", "2", 4);
    assert_entry(&zpl, 2, "e", "3", 5);
    tw_zpl_clear(&zpl);
}

static void a_name_may_hold_several_levels(void **state)
{
    (void)state;
    struct tw_zpl zpl = parsed("rules/velocity\n    threshold@BTC/USD = 3\n");
    assert_int_equal(zpl.count, 1);
    assert_entry(&zpl, 0, "rules/velocity/threshold@BTC/USD", "3", 2);
    tw_zpl_clear(&zpl);
}

static void a_hash_starts_a_comment_only_after_white_space_or_at_the_start(void **state)
{
    (void)state;
    struct tw_zpl zpl = parsed("# one\n   # two\n\t# three\na = x#y # four\nc=#z\nd # five\n");
    assert_int_equal(zpl.count, 3);
    assert_entry(&zpl, 0, "a", "x#y", 4);
    assert_entry(&zpl, 1, "c", "#z", 5);
    assert_entry(&zpl, 2, "d", NULL, 6);
    tw_zpl_clear(&zpl);
}

static void quoted_values_keep_what_is_in_them(void **state)
{
    (void)state;
    struct tw_zpl zpl = parsed("a = \"x # y\"\nb = 'say \"hi\"'   # comment\nc = \"\"\nd = it's\n");
    assert_int_equal(zpl.count, 4);
    assert_entry(&zpl, 0, "a", "x # y", 1);
    assert_entry(&zpl, 1, "b", "say \"hi\"", 2);
    assert_entry(&zpl, 2, "c", "", 3);
    assert_entry(&zpl, 3, "d", "it's", 4);
    tw_zpl_clear(&zpl);
}

static void line_ends_of_other_systems_and_a_byte_order_mark_are_taken(void **state)
{
    (void)state;
    struct tw_zpl zpl = parsed("\xef\xbb\xbf"
                               "a\r\n    b = 1  \r\n\r\nc = 2");
    assert_int_equal(zpl.count, 2);
    assert_entry(&zpl, 0, "a/b", "1", 2);
    assert_entry(&zpl, 1, "c", "2", 4);
    tw_zpl_clear(&zpl);
}

static void a_section_is_an_entry_only_while_it_is_empty(void **state)
{
    (void)state;
    struct tw_zpl zpl = parsed("a\nb\n    c\n    d = 1\n");
    assert_int_equal(zpl.count, 3);
    assert_entry(&zpl, 0, "a", NULL, 1);
    assert_entry(&zpl, 1, "b/c", NULL, 3);
    assert_entry(&zpl, 2, "b/d", "1", 4);
    tw_zpl_clear(&zpl);
}

static void wrong_indentation_is_refused_with_its_line(void **state)
{
    (void)state;
    assert_fault("a\n\tb = 1\n", 2, "indented with a tab; write 4 spaces for each level");
    assert_fault("a\n    \tb = 1\n", 2, "indented with a tab; write 4 spaces for each level");
    assert_fault("a\n   b = 1\n", 2, "indented by 3 spaces; write 4 spaces for each level");
    assert_fault("a\n\n        b = 1\n", 3, "indented too deep: there is no name above it at 4 spaces");
    assert_fault("    b = 1\n", 1, "indented too deep: there is no name above it at 0 spaces");
    assert_fault("a\n    b\n        c\n            d\n                e\n                    f\n"
                 "                        g\n                            h\n                                i = 1\n",
                 9, "more than 8 levels");
}

static void malformed_lines_are_refused_with_their_line(void **state)
{
    (void)state;
    assert_fault("a = 1\n= 2\n", 2, "there is no name before the =");
    assert_fault("a = \n", 1, "a has no value");
    assert_fault("a = # nothing\n", 1, "a has no value");
    assert_fault("a\n    b =\n", 2, "a/b has no value");
    assert_fault("a b\n", 1, "a is followed by neither = nor the end of the line");
    assert_fault("a = \"x\n", 1, "a: the quoted value has no closing \"");
    assert_fault("a = \"x\" y\n", 1, "a: something follows the quoted value");
    assert_fault("a = \"x\"#y\n", 1, "a: something follows the quoted value");
    assert_fault("a:b = 1\n", 1, "0x3a (:) cannot stand in a name; write it as %3A");
    assert_fault("a\xc3\xbc = 1\n", 1, "0xc3 cannot stand in a name; write it as %C3");
    assert_fault("/a = 1\n", 1, "a name neither begins nor ends with '/'");
    assert_fault("a/ = 1\n", 1, "a name neither begins nor ends with '/'");
    assert_fault("a = x\x01y\n", 1, "byte 0x01: a control character does not belong here");
}

static void a_zero_byte_is_no_end_of_text(void **state)
{
    (void)state;
    static const char text[] = "a = 1\0b\n";
    struct tw_zpl zpl;
    struct tw_zpl_error error;
    assert_false(tw_zpl_parse(text, sizeof text - 1, &zpl, &error));
    assert_string_equal(error.why, "byte 0x00: a control character does not belong here");
}

static void a_key_has_at_most_255_bytes_on_however_many_levels(void **state)
{
    (void)state;
    static const char why[] = "the name and those above it are longer than 255 bytes";
    char text[600], name[300];
    memset(name, 'x', sizeof name);
    snprintf(text, sizeof text, "%.255s = 1\n", name);
    struct tw_zpl zpl = parsed(text);
    tw_zpl_clear(&zpl);
    snprintf(text, sizeof text, "%.100s\n    %.154s = 1\n", name, name);
    zpl = parsed(text);
    assert_int_equal(strlen(zpl.entries[0].key), 255);
    tw_zpl_clear(&zpl);
    snprintf(text, sizeof text, "%.256s = 1\n", name);
    assert_fault(text, 1, why);
    snprintf(text, sizeof text, "%.100s\n    %.155s = 1\n", name, name);
    assert_fault(text, 2, why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_are_joined_by_slashes),
        cmocka_unit_test(a_name_may_hold_several_levels),
        cmocka_unit_test(a_hash_starts_a_comment_only_after_white_space_or_at_the_start),
        cmocka_unit_test(quoted_values_keep_what_is_in_them),
        cmocka_unit_test(line_ends_of_other_systems_and_a_byte_order_mark_are_taken),
        cmocka_unit_test(a_section_is_an_entry_only_while_it_is_empty),
        cmocka_unit_test(wrong_indentation_is_refused_with_its_line),
        cmocka_unit_test(malformed_lines_are_refused_with_their_line),
        cmocka_unit_test(a_zero_byte_is_no_end_of_text),
        cmocka_unit_test(a_key_has_at_most_255_bytes_on_however_many_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
