/* SPDX-License-Identifier: MIT
 *
 * Which names are allowed, and the dictionary.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/names.h"

#define OF(array) (sizeof(array) / sizeof((array)[0]))
#define TEXT(literal) ((struct tw_text){(literal), sizeof(literal) - 1u})

static char LONG[] = "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz";

static struct tw_text long_name(uint32_t length)
{
    assert_true(length < sizeof LONG);
    return (struct tw_text){LONG, length};
}

static void names_have_their_lengths(void **state)
{
    (void)state;
    static const struct {
        bool (*valid)(struct tw_text);
        uint32_t most;
    } rules[] = {{tw_name_symbol_valid, 32}, {tw_name_account_valid, 32}, {tw_name_publisher_valid, 32},
                 {tw_name_id_valid, 64},     {tw_name_party_valid, 32},   {tw_name_topic_valid, 64}};
    for (size_t i = 0; i < OF(rules); i++) {
        assert_false(rules[i].valid(long_name(0)));
        assert_true(rules[i].valid(long_name(1)));
        assert_true(rules[i].valid(long_name(rules[i].most)));
        assert_false(rules[i].valid(long_name(rules[i].most + 1)));
    }
}

static void symbols_are_printable_ascii_without_space(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char name[] = {'A', (char)c, 'Z'};
        assert_int_equal(tw_name_symbol_valid((struct tw_text){name, 3}), c > ' ' && c < 127);
    }
}

static void publishers_and_topics_are_words(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char name[] = {'A', (char)c};
        bool word = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '-';
        assert_int_equal(tw_name_publisher_valid((struct tw_text){name, 2}), word);
        assert_int_equal(tw_name_topic_valid((struct tw_text){name, 2}), word);
    }
    assert_false(tw_name_publisher_valid(TEXT("_anon")));
    assert_true(tw_name_topic_valid(TEXT("_anon")));
    assert_true(tw_name_publisher_valid(TEXT("-a_")));
}

static void control_characters_are_no_part_of_a_name(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 0x100; c++) {
        char name[3] = {'x'};
        uint32_t length = 2;
        if (c < 0x80) {
            name[1] = (char)c;
        } else {
            name[1] = (char)(0xc0u | c >> 6);
            name[2] = (char)(0x80u | (c & 0x3fu));
            length = 3;
        }
        bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
        struct tw_text text = {name, length};
        assert_int_equal(tw_name_account_valid(text), !control);
        assert_int_equal(tw_name_party_valid(text), !control);
        assert_int_equal(tw_name_id_valid(text), !control);
    }
}

/* Every code point in its one right form, written by the definition and not by the tested code. */
static uint32_t encode(uint32_t point, char out[4])
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    uint32_t length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const uint32_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (uint32_t i = length - 1; i > 0; i--, point >>= 6)
        out[i] = (char)(0x80u | (point & 0x3fu));
    out[0] = (char)(leads[length] | point);
    return length;
}

/* Names are looked at eight bytes at a time: any byte, at any place, of any length. */
static void every_byte_is_looked_at(void **state)
{
    (void)state;
    for (uint32_t length = 1; length <= 33; length++)
        for (uint32_t at = 0; at < length; at++)
            for (int c = 0; c < 256; c++) {
                char name[33];
                memset(name, at % 2 == 0 ? ' ' : '~', sizeof name);
                name[at] = (char)c;
                assert_int_equal(tw_name_id_valid((struct tw_text){name, length}), c >= 0x20 && c < 0x7f);
            }
}

static void every_code_point_but_surrogates_is_utf_8(void **state)
{
    (void)state;
    for (uint32_t point = 0xa0; point < 0x110400; point++) {
        char bytes[4];
        struct tw_text text = {bytes, encode(point, bytes)};
        bool surrogate = point >= 0xd800 && point <= 0xdfff;
        if (tw_name_id_valid(text) != (!surrogate && point <= 0x10ffff))
            fail_msg("U+%04X", point);
    }
}

static void malformed_utf_8_is_no_name(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x80",             /* a continuation alone */
        "\xbf",             /* the last of them */
        "\xc2",             /* cut */
        "a\xc3",            /* cut at the end */
        "\xe2\x82",         /* cut */
        "\xf0\x9f\x98",     /* cut */
        "\xc0\xaf",         /* overlong '/' */
        "\xc1\xbf",         /* overlong U+007F */
        "\xe0\x80\xaf",     /* overlong '/' */
        "\xe0\x9f\xbf",     /* overlong U+07FF */
        "\xf0\x80\x80\xaf", /* overlong '/' */
        "\xf0\x8f\xbf\xbf", /* overlong U+FFFF */
        "\xed\xa0\x80",     /* U+D800 */
        "\xed\xbf\xbf",     /* U+DFFF */
        "\xf4\x90\x80\x80", /* U+110000 */
        "\xf5\x80\x80\x80",
        "\xf8\x88\x80\x80\x80",
        "\xfe",
        "\xff",
        "\xc3(",
        "\xe2(\xa1",
        "\xe2\x82(",
        "\xf0(\x8c\xbc",
        "\xf0\x90(\xbc",
        "\xf0\x28\x8c\x28",
        "\xc3\xc3",
    };
    for (size_t i = 0; i < OF(bad); i++)
        assert_false(tw_name_account_valid((struct tw_text){bad[i], (uint32_t)strlen(bad[i])}));
    assert_true(tw_name_account_valid(TEXT("Zürich \xe2\x82\xac \xf0\x9f\x98\x80")));
    /* 31 bytes of ASCII and a character of two: 33 bytes. */
    assert_false(tw_name_account_valid(TEXT("0123456789012345678901234567890\xc3\xbc")));
}

/* ---- the dictionary ---- */

static struct tw_text numbered(char out[16], unsigned number)
{
    return (struct tw_text){out, (uint32_t)snprintf(out, 16, "name-%u", number)};
}

static void ids_are_dense_from_one_in_order_of_arrival(void **state)
{
    (void)state;
    enum { NAMES = 100000 };
    struct tw_dictionary *dictionary = tw_dictionary_new(1u << 20);
    const char **texts = calloc(NAMES + 1, sizeof *texts);
    char out[16];
    bool added = false;
    for (unsigned i = 1; i <= NAMES; i++) {
        assert_int_equal(tw_dictionary_intern(dictionary, numbered(out, i), 0, &added), i);
        assert_true(added);
        texts[i] = tw_dictionary_name(dictionary, i).bytes;
        assert_int_equal(tw_dictionary_count(dictionary), i);
    }
    for (unsigned i = 1; i <= NAMES; i++) {
        struct tw_text name = numbered(out, i), kept = tw_dictionary_name(dictionary, i);
        assert_int_equal(tw_dictionary_find(dictionary, name, 0), i);
        assert_int_equal(tw_dictionary_intern(dictionary, name, 0, &added), i);
        assert_false(added);
        assert_ptr_equal(kept.bytes, texts[i]); /* growing moved nothing */
        assert_int_equal(kept.length, name.length);
        assert_memory_equal(kept.bytes, name.bytes, name.length);
    }
    assert_int_equal(tw_dictionary_find(dictionary, TEXT("name-0"), 0), 0);
    assert_int_equal(tw_dictionary_count(dictionary), NAMES);
    free(texts);
    tw_dictionary_free(&dictionary);
    assert_null(dictionary);
}

static void the_tag_is_part_of_the_name(void **state)
{
    (void)state;
    struct tw_dictionary *dictionary = tw_dictionary_new(10);
    bool added = false;
    assert_int_equal(tw_dictionary_intern(dictionary, TEXT("desk"), 0, &added), 1);
    assert_int_equal(tw_dictionary_intern(dictionary, TEXT("desk"), 7, &added), 2);
    assert_true(added);
    assert_int_equal(tw_dictionary_find(dictionary, TEXT("desk"), 0), 1);
    assert_int_equal(tw_dictionary_find(dictionary, TEXT("desk"), 7), 2);
    assert_int_equal(tw_dictionary_find(dictionary, TEXT("desk"), 1), 0);
    assert_int_equal(tw_dictionary_tag(dictionary, 1), 0);
    assert_int_equal(tw_dictionary_tag(dictionary, 2), 7);
    tw_dictionary_free(&dictionary);
}

static void a_full_dictionary_takes_nothing_new_and_still_knows_the_old(void **state)
{
    (void)state;
    struct tw_dictionary *dictionary = tw_dictionary_new(3);
    bool added = false;
    char out[16];
    for (unsigned i = 1; i <= 3; i++)
        assert_int_equal(tw_dictionary_intern(dictionary, numbered(out, i), 0, &added), i);
    assert_int_equal(tw_dictionary_intern(dictionary, numbered(out, 4), 0, &added), 0);
    assert_false(added);
    assert_int_equal(tw_dictionary_count(dictionary), 3);
    assert_int_equal(tw_dictionary_intern(dictionary, numbered(out, 2), 0, &added), 2);
    assert_int_equal(tw_dictionary_find(dictionary, numbered(out, 4), 0), 0);
    tw_dictionary_free(&dictionary);
    tw_dictionary_free(&dictionary); /* freeing nothing is fine */
}

static void names_are_bytes_and_are_copied(void **state)
{
    (void)state;
    struct tw_dictionary *dictionary = tw_dictionary_new(10);
    bool added = false;
    char name[] = "a\0b";
    assert_int_equal(tw_dictionary_intern(dictionary, (struct tw_text){name, 3}, 0, &added), 1);
    assert_int_equal(tw_dictionary_intern(dictionary, (struct tw_text){name, 1}, 0, &added), 2);
    assert_int_equal(tw_dictionary_intern(dictionary, (struct tw_text){NULL, 0}, 0, &added), 3);
    name[2] = 'c';
    assert_memory_equal(tw_dictionary_name(dictionary, 1).bytes, "a\0b", 3);
    assert_int_equal(tw_dictionary_find(dictionary, (struct tw_text){name, 3}, 0), 0);
    assert_int_equal(tw_dictionary_find(dictionary, (struct tw_text){"", 0}, 0), 3);
    tw_dictionary_free(&dictionary);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_have_their_lengths),
        cmocka_unit_test(symbols_are_printable_ascii_without_space),
        cmocka_unit_test(publishers_and_topics_are_words),
        cmocka_unit_test(control_characters_are_no_part_of_a_name),
        cmocka_unit_test(every_byte_is_looked_at),
        cmocka_unit_test(every_code_point_but_surrogates_is_utf_8),
        cmocka_unit_test(malformed_utf_8_is_no_name),
        cmocka_unit_test(ids_are_dense_from_one_in_order_of_arrival),
        cmocka_unit_test(the_tag_is_part_of_the_name),
        cmocka_unit_test(a_full_dictionary_takes_nothing_new_and_still_knows_the_old),
        cmocka_unit_test(names_are_bytes_and_are_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
