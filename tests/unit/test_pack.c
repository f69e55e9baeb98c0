/* SPDX-License-Identifier: MIT
 *
 * MessagePack both ways, each against msgpack-c, and what a hostile sender may try.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <msgpack.h>

#include "protocol/limits.h"
#include "protocol/pack.h"

#define OF(array) (sizeof(array) / sizeof((array)[0]))

static const uint64_t SIZES[] = {0,
                                 1,
                                 15,
                                 16,
                                 31,
                                 32,
                                 127,
                                 128,
                                 255,
                                 256,
                                 32767,
                                 32768,
                                 65535,
                                 65536,
                                 0x7fffffff,
                                 0x80000000,
                                 1u << 24,
                                 UINT32_MAX,
                                 UINT64_C(1) << 32,
                                 INT64_MAX,
                                 UINT64_C(1) << 63,
                                 UINT64_MAX};

/* Ours and theirs, side by side. */
struct pair {
    struct tw_buffer ours;
    msgpack_sbuffer bytes;
    msgpack_packer theirs;
};

static int setup(void **state)
{
    struct pair *pair = calloc(1, sizeof *pair);
    msgpack_sbuffer_init(&pair->bytes);
    msgpack_packer_init(&pair->theirs, &pair->bytes, msgpack_sbuffer_write);
    *state = pair;
    return 0;
}

static int teardown(void **state)
{
    struct pair *pair = *state;
    msgpack_sbuffer_destroy(&pair->bytes);
    tw_buffer_free(&pair->ours);
    free(pair);
    return 0;
}

static void expect_same_bytes(struct pair *pair)
{
    assert_int_equal(pair->ours.length, pair->bytes.size);
    assert_memory_equal(pair->ours.bytes, pair->bytes.data, pair->bytes.size);
    pair->ours.length = 0;
    msgpack_sbuffer_clear(&pair->bytes);
}

static struct tw_unpacker over_theirs(const struct pair *pair)
{
    return tw_unpacker_over(pair->bytes.data, pair->bytes.size);
}

/* ---- writing ---- */

static void integers_are_written_as_msgpack_c_writes_them(void **state)
{
    struct pair *pair = *state;
    for (size_t i = 0; i < OF(SIZES); i++) {
        tw_pack_u64(&pair->ours, SIZES[i]);
        msgpack_pack_uint64(&pair->theirs, SIZES[i]);
        expect_same_bytes(pair);
        for (int64_t around = -3; around <= 3; around++) {
            int64_t number = (int64_t)(SIZES[i] + (uint64_t)around), negative = (int64_t)(0 - (uint64_t)number);
            tw_pack_i64(&pair->ours, number);
            tw_pack_i64(&pair->ours, negative);
            msgpack_pack_int64(&pair->theirs, number);
            msgpack_pack_int64(&pair->theirs, negative);
            expect_same_bytes(pair);
        }
    }
}

static void strings_and_bins_are_written_as_msgpack_c_writes_them(void **state)
{
    struct pair *pair = *state;
    char *payload = calloc(1, 70000);
    memset(payload, 'x', 70000);
    for (size_t i = 0; i < OF(SIZES) && SIZES[i] <= 65536; i++) {
        struct tw_text text = {payload, (uint32_t)SIZES[i]};
        tw_pack_text(&pair->ours, text);
        tw_pack_bin(&pair->ours, payload, text.length);
        msgpack_pack_str(&pair->theirs, text.length);
        msgpack_pack_str_body(&pair->theirs, payload, text.length);
        msgpack_pack_bin(&pair->theirs, text.length);
        msgpack_pack_bin_body(&pair->theirs, payload, text.length);
        expect_same_bytes(pair);
        tw_pack_bin_head(&pair->ours, text.length);
        msgpack_pack_bin(&pair->theirs, text.length);
        expect_same_bytes(pair);
    }
    tw_pack_str(&pair->ours, "a word");
    msgpack_pack_str(&pair->theirs, 6);
    msgpack_pack_str_body(&pair->theirs, "a word", 6);
    expect_same_bytes(pair);
    free(payload);
}

static void heads_and_atoms_are_written_as_msgpack_c_writes_them(void **state)
{
    struct pair *pair = *state;
    for (size_t i = 0; i < OF(SIZES) && SIZES[i] <= UINT32_MAX; i++) {
        tw_pack_array(&pair->ours, (uint32_t)SIZES[i]);
        tw_pack_map(&pair->ours, (uint32_t)SIZES[i]);
        msgpack_pack_array(&pair->theirs, (size_t)SIZES[i]);
        msgpack_pack_map(&pair->theirs, (size_t)SIZES[i]);
        expect_same_bytes(pair);
    }
    tw_pack_nil(&pair->ours);
    tw_pack_bool(&pair->ours, true);
    tw_pack_bool(&pair->ours, false);
    tw_pack_double(&pair->ours, -1234.5e-67);
    msgpack_pack_nil(&pair->theirs);
    msgpack_pack_true(&pair->theirs);
    msgpack_pack_false(&pair->theirs);
    msgpack_pack_double(&pair->theirs, -1234.5e-67);
    expect_same_bytes(pair);
}

static void a_number_to_be_patched_always_takes_nine_bytes(void **state)
{
    struct pair *pair = *state;
    tw_pack_u64_fixed(&pair->ours, 5);
    assert_int_equal(pair->ours.length, 9);
    assert_memory_equal(pair->ours.bytes, "\xcf\0\0\0\0\0\0\0\5", 9);
}

static void a_buffer_grows_and_keeps_what_it_holds(void **state)
{
    struct pair *pair = *state;
    for (unsigned i = 0; i < 100000; i++) {
        uint8_t byte = (uint8_t)(i * 7);
        tw_buffer_append(&pair->ours, &byte, 1);
    }
    assert_int_equal(pair->ours.length, 100000);
    for (unsigned i = 0; i < 100000; i++)
        assert_int_equal(pair->ours.bytes[i], (uint8_t)(i * 7));
    size_t capacity = pair->ours.capacity;
    tw_buffer_reserve(&pair->ours, capacity - pair->ours.length);
    assert_int_equal(pair->ours.capacity, capacity);
}

/* ---- reading ---- */

static void integers_are_read_however_wide_they_were_written(void **state)
{
    struct pair *pair = *state;
    for (size_t i = 0; i < OF(SIZES); i++) {
        uint64_t number = SIZES[i], back = 1;
        msgpack_sbuffer_clear(&pair->bytes);
        unsigned written = 1;
        msgpack_pack_fix_uint64(&pair->theirs, number);
        if (number <= UINT32_MAX && ++written)
            msgpack_pack_fix_uint32(&pair->theirs, (uint32_t)number);
        if (number <= UINT16_MAX && ++written)
            msgpack_pack_fix_uint16(&pair->theirs, (uint16_t)number);
        if (number <= UINT8_MAX && ++written)
            msgpack_pack_fix_uint8(&pair->theirs, (uint8_t)number);
        if (number <= INT64_MAX && ++written)
            msgpack_pack_fix_int64(&pair->theirs, (int64_t)number);
        if (number <= INT32_MAX && ++written)
            msgpack_pack_fix_int32(&pair->theirs, (int32_t)number);
        struct tw_unpacker unpacker = over_theirs(pair);
        for (unsigned n = 0; n < written; n++) {
            assert_true(tw_unpack_u64(&unpacker, &back));
            assert_int_equal(back, number);
        }
        assert_int_equal(tw_unpack_next(&unpacker).type, TW_PACK_END);
    }
}

static void negative_integers_are_read_however_wide_they_were_written(void **state)
{
    struct pair *pair = *state;
    const int64_t numbers[] = {-1, -32, -33, -128, -129, -32768, -32769, INT32_MIN, (int64_t)INT32_MIN - 1, INT64_MIN};
    for (size_t i = 0; i < OF(numbers); i++) {
        int64_t number = numbers[i], back = 1;
        msgpack_sbuffer_clear(&pair->bytes);
        msgpack_pack_int64(&pair->theirs, number);
        msgpack_pack_fix_int64(&pair->theirs, number);
        if (number >= INT32_MIN)
            msgpack_pack_fix_int32(&pair->theirs, (int32_t)number);
        if (number >= INT16_MIN)
            msgpack_pack_fix_int16(&pair->theirs, (int16_t)number);
        if (number >= INT8_MIN)
            msgpack_pack_fix_int8(&pair->theirs, (int8_t)number);
        struct tw_unpacker unpacker = over_theirs(pair);
        while (unpacker.offset < unpacker.length) {
            struct tw_unpacker again = unpacker;
            assert_int_equal(tw_unpack_next(&again).type, TW_PACK_INT);
            assert_true(tw_unpack_i64(&unpacker, &back));
            assert_int_equal(back, number);
        }
    }
}

static void values_are_read_as_msgpack_c_wrote_them(void **state)
{
    struct pair *pair = *state;
    msgpack_pack_float(&pair->theirs, 0.15625f);
    msgpack_pack_double(&pair->theirs, -2.5e300);
    msgpack_pack_nil(&pair->theirs);
    msgpack_pack_true(&pair->theirs);
    msgpack_pack_false(&pair->theirs);
    struct tw_unpacker unpacker = over_theirs(pair);
    struct tw_pack_value value = tw_unpack_next(&unpacker);
    assert_true(value.type == TW_PACK_FLOAT && value.real == 0.15625);
    value = tw_unpack_next(&unpacker);
    assert_true(value.type == TW_PACK_FLOAT && value.real == -2.5e300);
    assert_int_equal(tw_unpack_next(&unpacker).type, TW_PACK_NIL);
    value = tw_unpack_next(&unpacker);
    assert_true(value.type == TW_PACK_BOOL && value.boolean);
    value = tw_unpack_next(&unpacker);
    assert_true(value.type == TW_PACK_BOOL && !value.boolean);
    assert_int_equal(tw_unpack_next(&unpacker).type, TW_PACK_END);
    assert_int_equal(unpacker.offset, unpacker.length);
}

static void payloads_of_every_length_are_borrowed_not_copied(void **state)
{
    struct pair *pair = *state;
    char *payload = calloc(1, 70000);
    const size_t lengths[] = {0, 1, 2, 4, 8, 16, 3, 31, 32, 255, 256, 65535, 65536};
    for (size_t i = 0; i < OF(lengths); i++) {
        size_t length = lengths[i];
        memset(payload, (int)i + 1, length);
        msgpack_sbuffer_clear(&pair->bytes);
        msgpack_pack_str(&pair->theirs, length);
        msgpack_pack_str_body(&pair->theirs, payload, length);
        msgpack_pack_bin(&pair->theirs, length);
        msgpack_pack_bin_body(&pair->theirs, payload, length);
        msgpack_pack_ext(&pair->theirs, length, 7);
        msgpack_pack_ext_body(&pair->theirs, payload, length);
        struct tw_unpacker unpacker = over_theirs(pair);
        const enum tw_pack_type types[] = {TW_PACK_STR, TW_PACK_BIN, TW_PACK_EXT};
        for (size_t n = 0; n < OF(types); n++) {
            struct tw_pack_value value = tw_unpack_next(&unpacker);
            assert_int_equal(value.type, types[n]);
            assert_int_equal(value.text.length, length);
            assert_memory_equal(value.text.bytes, payload, length);
            assert_true(value.text.bytes >= pair->bytes.data &&
                        value.text.bytes + length <= pair->bytes.data + pair->bytes.size);
        }
        assert_int_equal(unpacker.offset, unpacker.length);
    }
    free(payload);
}

static void wrong_types_are_refused_by_the_typed_helpers(void **state)
{
    (void)state;
    uint64_t u64;
    int64_t i64;
    uint32_t u32;
    struct tw_text text;
#define REFUSED(call, bytes)                                                                                           \
    do {                                                                                                               \
        struct tw_unpacker unpacker = tw_unpacker_over(bytes, sizeof(bytes) - 1);                                      \
        assert_false(call);                                                                                            \
    } while (0)
    REFUSED(tw_unpack_u64(&unpacker, &u64), "\xff");                     /* -1 */
    REFUSED(tw_unpack_u64(&unpacker, &u64), "\xcb\x3f\xf0\0\0\0\0\0\0"); /* 1.0 */
    REFUSED(tw_unpack_u64(&unpacker, &u64), "\xc3");                     /* true */
    REFUSED(tw_unpack_i64(&unpacker, &i64), "\xcf\x80\0\0\0\0\0\0\0");   /* 2^63 */
    REFUSED(tw_unpack_u32(&unpacker, &u32), "\xcf\0\0\0\x01\0\0\0\0");   /* 2^32 */
    REFUSED(tw_unpack_text(&unpacker, &text), "\xc4\x01x");              /* bin */
    REFUSED(tw_unpack_bin(&unpacker, &text), "\xa1x");                   /* str */
    REFUSED(tw_unpack_map(&unpacker, &u32), "\x90");                     /* array */
    REFUSED(tw_unpack_array(&unpacker, &u32), "\x80");                   /* map */
    REFUSED(tw_unpack_text(&unpacker, &text), "");
#undef REFUSED
    struct tw_unpacker fits = tw_unpacker_over("\xce\xff\xff\xff\xff\xcf\x7f\xff\xff\xff\xff\xff\xff\xff", 14);
    assert_true(tw_unpack_u32(&fits, &u32) && u32 == UINT32_MAX);
    assert_true(tw_unpack_i64(&fits, &i64) && i64 == INT64_MAX);
}

static void a_text_equals_a_literal_only_as_a_whole(void **state)
{
    (void)state;
    struct tw_text text = {"qty", 3};
    assert_true(tw_text_is(text, "qty"));
    assert_false(tw_text_is(text, "qt"));
    assert_false(tw_text_is(text, "qtys"));
    assert_false(tw_text_is(text, ""));
    text.length = 0;
    assert_true(tw_text_is(text, ""));
    struct tw_text zero = {"a\0b", 3};
    assert_false(tw_text_is(zero, "a"));
}

/* ---- hostile bytes ---- */

static void lengths_beyond_the_end_are_invalid_and_move_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
    } cases[] = {
        {"\xdd\x05\xf5\xe1\x00", 5},     /* an array of 100,000,000: msgpack-c reserves 4 GiB for it */
        {"\xdd\xff\xff\xff\xff\x01", 6}, /* an array of 2^32 - 1 */
        {"\xdf\xff\xff\xff\xff\x01", 6}, /* a map of as many pairs */
        {"\xdf\x80\x00\x00\x00", 5},     /* twice its count wraps in 32 bits */
        {"\xdc\x00\x03\x01\x01", 5},     /* an array of 3, two bytes left */
        {"\x81\x01", 2},                 /* a map of one pair, one byte left */
        {"\x91", 1},
        {"\xdb\xff\xff\xff\xffx", 6},
        {"\xc6\xff\xff\xff\xffx", 6},
        {"\xc9\xff\xff\xff\xff\x01x", 7},
        {"\xa5tree", 5},
        {"\xd9\x02x", 3},
        {"\xc4\x02x", 3},
        {"\xc7\x01\x01", 3}, /* ext: the type is there, the payload is not */
        {"\xd4\x01", 2},
        {"\xd8\x01xxxxxxxxxxxxxxx", 17},
        {"\xcf\x00\x00\x00\x00\x00\x00\x00", 8},
        {"\xcb\x00", 2},
        {"\xd9", 1},
        {"\xdd\x00\x00\x00", 4},
        {"\xc1", 1}, /* never used */
    };
    for (size_t i = 0; i < OF(cases); i++) {
        struct tw_unpacker unpacker = tw_unpacker_over(cases[i].bytes, cases[i].length);
        assert_int_equal(tw_unpack_next(&unpacker).type, TW_PACK_INVALID);
        assert_int_equal(unpacker.offset, 0);
        assert_false(tw_unpack_skip(&unpacker));
        assert_int_equal(unpacker.offset, 0);
        assert_false(tw_unpack_check(cases[i].bytes, cases[i].length));
    }
    assert_false(tw_unpack_check("", 0));
}

static void nesting_is_bounded(void **state)
{
    struct pair *pair = *state;
    for (unsigned depth = 0; depth <= 3 * TW_NESTING_MAX; depth++) {
        pair->ours.length = 0;
        for (unsigned i = 0; i < depth; i++) {
            if (i % 2 == 0) {
                tw_pack_array(&pair->ours, 1);
            } else {
                tw_pack_map(&pair->ours, 1);
                tw_pack_u64(&pair->ours, 1);
            }
        }
        tw_pack_nil(&pair->ours);
        assert_int_equal(tw_unpack_check(pair->ours.bytes, pair->ours.length), depth <= TW_NESTING_MAX);
    }
}

/* A frame with everything in it, nested. */
static void pack_example(struct tw_buffer *out)
{
    tw_pack_map(out, 3);
    tw_pack_str(out, "list");
    tw_pack_array(out, 4);
    tw_pack_i64(out, -70000);
    tw_pack_array(out, 0);
    tw_pack_map(out, 1);
    tw_pack_nil(out);
    tw_pack_double(out, 0.5);
    tw_pack_bool(out, true);
    tw_pack_str(out, "bin");
    tw_pack_bin(out, "\0\1\2", 3);
    tw_pack_str(out, "number");
    tw_pack_u64(out, UINT64_MAX);
}

static void every_truncation_and_every_appendix_is_noticed(void **state)
{
    struct pair *pair = *state;
    pack_example(&pair->ours);
    assert_true(tw_unpack_check(pair->ours.bytes, pair->ours.length));
    for (size_t length = 0; length < pair->ours.length; length++) {
        uint8_t *exact = malloc(length + 1); /* its own memory, so that a sanitizer sees one byte too far */
        memcpy(exact, pair->ours.bytes, length);
        assert_false(tw_unpack_check(exact, length));
        free(exact);
    }
    tw_pack_nil(&pair->ours);
    assert_false(tw_unpack_check(pair->ours.bytes, pair->ours.length));
}

static void skipping_stops_exactly_behind_the_value(void **state)
{
    struct pair *pair = *state;
    pack_example(&pair->ours);
    size_t end = pair->ours.length;
    tw_pack_u64(&pair->ours, 77);
    struct tw_unpacker unpacker = tw_unpacker_over(pair->ours.bytes, pair->ours.length);
    uint64_t after = 0;
    assert_true(tw_unpack_skip(&unpacker));
    assert_int_equal(unpacker.offset, end);
    assert_true(tw_unpack_u64(&unpacker, &after) && after == 77);
    assert_false(tw_unpack_skip(&unpacker));
}

int main(void)
{
#define WITH_PAIR(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_PAIR(integers_are_written_as_msgpack_c_writes_them),
        WITH_PAIR(strings_and_bins_are_written_as_msgpack_c_writes_them),
        WITH_PAIR(heads_and_atoms_are_written_as_msgpack_c_writes_them),
        WITH_PAIR(a_number_to_be_patched_always_takes_nine_bytes),
        WITH_PAIR(a_buffer_grows_and_keeps_what_it_holds),
        WITH_PAIR(integers_are_read_however_wide_they_were_written),
        WITH_PAIR(negative_integers_are_read_however_wide_they_were_written),
        WITH_PAIR(values_are_read_as_msgpack_c_wrote_them),
        WITH_PAIR(payloads_of_every_length_are_borrowed_not_copied),
        cmocka_unit_test(wrong_types_are_refused_by_the_typed_helpers),
        cmocka_unit_test(a_text_equals_a_literal_only_as_a_whole),
        cmocka_unit_test(lengths_beyond_the_end_are_invalid_and_move_nothing),
        WITH_PAIR(nesting_is_bounded),
        WITH_PAIR(every_truncation_and_every_appendix_is_noticed),
        WITH_PAIR(skipping_stops_exactly_behind_the_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
