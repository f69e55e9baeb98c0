/* SPDX-License-Identifier: MIT
 *
 * The tape reader: gzip, JSON lines, and the name that a content has.
 */
#include "tests/unit/tape_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "protocol/check.h"

/* One gzip member; the caller frees. */
static uint8_t *gzip(const char *text, size_t *length)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)text, .avail_in = (uInt)strlen(text)};
    size_t room = strlen(text) + 256;
    uint8_t *out = tw_alloc(room);
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_out = out;
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    *length = stream.total_out;
    deflateEnd(&stream);
    return out;
}

static void gzip_is_read_as_what_is_in_it(void **state)
{
    (void)state;
    size_t length;
    uint8_t *bytes = gzip(HEADER "1,X,B,1,2,A,V,i\n", &length);
    struct tw_tape *tape = tape_of_bytes(bytes, length);
    assert_text(next_trade(tape).symbol, "X");
    assert_end(tape);
    tw_tape_free(&tape);
    free(bytes);
}

static void gzip_may_have_several_members(void **state)
{
    (void)state;
    size_t first_length, second_length;
    uint8_t *first = gzip(HEADER "1,X,B,1,2,A,V,i\n1,Y,B", &first_length);
    uint8_t *second = gzip(",1,2,A,V,i\n", &second_length);
    uint8_t *both = tw_alloc(first_length + second_length);
    memcpy(both, first, first_length);
    memcpy(both + first_length, second, second_length);
    struct tw_tape *tape = tape_of_bytes(both, first_length + second_length);
    assert_text(next_trade(tape).symbol, "X");
    assert_text(next_trade(tape).symbol, "Y");
    assert_end(tape);
    tw_tape_free(&tape);
    free(first);
    free(second);
    free(both);
}

static void gzip_may_be_padded_with_zeros_and_nothing_else(void **state)
{
    (void)state;
    static const size_t paddings[] = {1, 512, 600000};
    size_t length;
    char name[TW_TAPE_NAME_MAX];
    struct tw_trade trade;
    uint8_t *bytes = gzip(HEADER "1,X,B,1,2,A,V,i\n", &length);
    for (size_t i = 0; i < sizeof paddings / sizeof *paddings; i++) {
        uint8_t *padded = tw_alloc_zero(1, length + paddings[i] + 1);
        memcpy(padded, bytes, length);
        padded[length + paddings[i]] = 0x1f;
        struct tw_tape *tape = tape_of_bytes(padded, length + paddings[i]);
        assert_true(tw_tape_derive_name(tape, name));
        assert_text(next_trade(tape).symbol, "X");
        assert_end(tape);
        tw_tape_free(&tape);
        tape = tape_of_bytes(padded, length + paddings[i] + 1);
        assert_text(next_trade(tape).symbol, "X");
        assert_int_equal(tw_tape_next(tape, &trade), TW_TAPE_FAILED);
        assert_string_equal(tw_tape_problem(tape), "memory: damaged gzip data");
        tw_tape_free(&tape);
        free(padded);
    }
    free(bytes);
}

static void gzip_cut_short_or_damaged_fails(void **state)
{
    (void)state;
    size_t length;
    struct tw_trade trade;
    uint8_t *bytes = gzip(HEADER "1,X,B,1,2,A,V,i\n", &length);
    struct tw_tape *tape = tape_of_bytes(bytes, length - 4);
    enum tw_tape_result result;
    while ((result = tw_tape_next(tape, &trade)) == TW_TAPE_TRADE)
        continue;
    assert_int_equal(result, TW_TAPE_FAILED);
    assert_string_equal(tw_tape_problem(tape), "memory: the gzip data ends too early");
    assert_true(tw_tape_unreadable(tape));
    tw_tape_free(&tape);
    bytes[length - 6] ^= 0xff; /* in its checksum */
    tape = tape_of_bytes(bytes, length);
    while ((result = tw_tape_next(tape, &trade)) == TW_TAPE_TRADE)
        continue;
    assert_int_equal(result, TW_TAPE_FAILED);
    assert_string_equal(tw_tape_problem(tape), "memory: damaged gzip data");
    tw_tape_free(&tape);
    free(bytes);
}

static void json_lines_have_the_row_forms_keys_and_numbers(void **state)
{
    (void)state;
    struct tw_tape *tape =
        tape_of("{\"symbol\":\"X\",\"side\":\"buy\",\"qty\":0.1,\"price\":\"189.25\",\"account\":\"A\","
                "\"ts\":1381190400000000001,\"id\":\"i\\u00e9\",\"venue\":null}\n\n"
                "{\"kind\":\"bust\",\"ref\":\"i\"}\r\n"
                "{\"symbol\":\"Y\",\"qty\":3,\"price\":1.5}");
    struct tw_trade trade = next_trade(tape);
    assert_text(trade.symbol, "X");
    assert_int_equal(trade.side, TW_SIDE_BUY);
    assert_int_equal(trade.qty_e8, TW_E8 / 10);
    assert_int_equal(trade.price_e8, INT64_C(18925000000));
    assert_int_equal(trade.ts_ns, INT64_C(1381190400000000001));
    assert_text(trade.id, "i\xc3\xa9");
    assert_int_equal(trade.venue.length, 0);
    trade = next_trade(tape);
    assert_int_equal(trade.kind, TW_KIND_BUST);
    assert_text(trade.ref, "i");
    assert_int_equal(tw_tape_line(tape), 3);
    trade = next_trade(tape);
    assert_int_equal(trade.qty_e8, 3 * TW_E8);
    assert_int_equal(trade.price_e8, TW_E8 + TW_E8 / 2);
    assert_end(tape);
    tw_tape_free(&tape);
}

static void numbers_of_json_are_exact_to_the_last_digit(void **state)
{
    (void)state;
    static const struct {
        const char *number;
        int64_t e8;
    } cases[] = {{"92233720368.54775807", INT64_MAX}, /* as a double it is out of range */
                 {"92233720368.54775806", INT64_MAX - 1},
                 {"12345678901.12345678", INT64_C(1234567890112345678)}, /* 19 digits; a double tells 17 apart */
                 {"90071992.54740993", INT64_C(9007199254740993)},       /* 2^53 + 1 */
                 {"0.00000001", 1},
                 {"1.50000000000", TW_E8 + TW_E8 / 2},
                 {"1.5e2", 150 * TW_E8},
                 {"25E-2", TW_E8 / 4}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[128];
        snprintf(line, sizeof line, "{ \"symbol\" : \"[1\" ,\"qty\":%s,\"price\":\t%s }\n", cases[i].number,
                 cases[i].number);
        struct tw_tape *tape = tape_of(line);
        struct tw_trade trade = next_trade(tape);
        assert_text(trade.symbol, "[1");
        assert_int_equal(trade.qty_e8, cases[i].e8);
        assert_int_equal(trade.price_e8, cases[i].e8);
        tw_tape_free(&tape);
    }
}

static void what_only_looks_like_a_number_of_json_is_none(void **state)
{
    (void)state;
    static const char *const numbers[] = {"01",   "1.",  ".5",      "+1",        "-",         "1e",  "1.e5",
                                          "0x10", "[1]", "[\"1\"]", "[[\"1\"]]", "{\"1\":1}", "1 2", "[",
                                          "]",    "1]",  "NaN",     "true",      "\"1\\\"",   "-0.1"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        char line[128];
        struct tw_trade trade;
        snprintf(line, sizeof line, "{\"symbol\":\"X\",\"price\":1,\"qty\":%s}\n", numbers[i]);
        struct tw_tape *tape = tape_of(line);
        if (tw_tape_next(tape, &trade) != TW_TAPE_BAD)
            fail_msg("%s was taken", numbers[i]);
        tw_tape_free(&tape);
    }
}

static void a_malformed_line_of_json_names_its_key(void **state)
{
    (void)state;
    struct tw_tape *tape = tape_of("{\"symbol\":\"X\",\"qty\":1,\"price\":2}\n"
                                   "{\"symbol\":\"X\",\"qty\":-1,\"price\":2}\n"
                                   "{\"symbol\":\"X\",\"qty\":0.123456789,\"price\":2}\n"
                                   "{\"symbol\":\"X\",\"qty\":1e12,\"price\":2}\n"
                                   "{\"symbol\":7,\"qty\":1,\"price\":2}\n"
                                   "{\"symbol\":\"X\",\"qty\":1,\"price\":2,\"ts\":1.5}\n"
                                   "{\"symbol\":\"X\",\"size\":1,\"price\":2}\n"
                                   "{\"symbol\":\"\",\"qty\":1,\"price\":2}\n"
                                   "[1]\n"
                                   "{\"symbol\":\"X\",\"qty\":1,\"qty\":2,\"price\":2}\n"
                                   "{\"symbol\":\"Z\",\"qty\":1,\"price\":2}\n");
    assert_text(next_trade(tape).symbol, "X");
    assert_bad(tape, "t.csv:2: key qty: not a number with at most 8 decimals, without sign");
    assert_bad(tape, "t.csv:3: key qty: not a number with at most 8 decimals, without sign");
    assert_bad(tape, "t.csv:4: key qty: out of range");
    assert_bad(tape, "t.csv:5: key symbol: not a string");
    assert_bad(tape, "t.csv:6: key ts: not an integer of nanoseconds since 1970");
    assert_bad(tape, "t.csv:7: unknown key size");
    assert_bad(tape, "t.csv:8: key symbol: empty");
    assert_bad(tape, "t.csv:9: not a JSON object");
    struct tw_trade trade;
    assert_int_equal(tw_tape_next(tape, &trade), TW_TAPE_BAD);
    assert_int_equal(strncmp(tw_tape_problem(tape), "t.csv:10: not JSON: ", 20), 0);
    assert_text(next_trade(tape).symbol, "Z");
    assert_end(tape);
    tw_tape_free(&tape);
}

static void the_same_content_has_the_same_name_however_it_is_packed(void **state)
{
    (void)state;
    const char text[] = HEADER "1,X,B,1,2,A,V,i\n";
    char plain_name[TW_TAPE_NAME_MAX], packed_name[TW_TAPE_NAME_MAX], other_name[TW_TAPE_NAME_MAX];
    size_t length;
    uint8_t *bytes = gzip(text, &length);
    struct tw_tape *plain = tape_of(text), *packed = tape_of_bytes(bytes, length), *other = tape_of(HEADER);
    assert_true(tw_tape_derive_name(plain, plain_name));
    assert_true(tw_tape_derive_name(packed, packed_name));
    assert_true(tw_tape_derive_name(other, other_name));
    assert_string_equal(plain_name, packed_name);
    assert_string_not_equal(plain_name, other_name);
    assert_int_equal(strlen(plain_name), 26);
    assert_memory_equal(plain_name, "f-", 2);
    assert_text(next_trade(plain).symbol, "X"); /* it is read from the front afterwards */
    assert_text(next_trade(packed).symbol, "X");
    tw_tape_free(&plain);
    tw_tape_free(&packed);
    tw_tape_free(&other);
    free(bytes);
}

static void who_reads_the_lines_first_gets_the_same_name(void **state)
{
    (void)state;
    static const char *const texts[] = {HEADER "1,X,B,1,2,A,V,i\n2,Y,B,one,2,A,V,i\n3,Z,B,1,2,A,V,i\n",
                                        "no header\n1\n", ("\xef\xbb\xbf" HEADER), ""};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (size_t lines = 0; lines < 5; lines++) {
            char expected[TW_TAPE_NAME_MAX], name[TW_TAPE_NAME_MAX];
            struct tw_trade trade;
            struct tw_tape *plain = tape_of(texts[i]), *read = tape_of(texts[i]);
            assert_true(tw_tape_derive_name(plain, expected));
            tw_tape_hash(read);
            for (size_t line = 0; line < lines; line++)
                tw_tape_next(read, &trade);
            assert_true(tw_tape_derive_name(read, name));
            assert_string_equal(name, expected);
            assert_int_equal(tw_tape_next(read, &trade), tw_tape_next(plain, &trade)); /* both at the front */
            assert_int_equal(tw_tape_line(read), tw_tape_line(plain));
            tw_tape_free(&plain);
            tw_tape_free(&read);
        }
}

static void a_descriptor_counts_from_where_it_stands(void **state)
{
    (void)state;
    const char before[] = "consumed\n", text[] = HEADER "1,X,B,1,2,A,V,i\n";
    char expected[TW_TAPE_NAME_MAX], name[TW_TAPE_NAME_MAX];
    FILE *file = tmpfile();
    assert_non_null(file);
    fprintf(file, "%s%s", before, text);
    fflush(file);
    int descriptor = dup(fileno(file));
    assert_int_equal(lseek(descriptor, (off_t)strlen(before), SEEK_SET), strlen(before));
    struct tw_tape *tape = tw_tape_new(tw_tape_input_new(descriptor, "f"), "f"), *rest = tape_of(text);
    assert_int_equal(tw_tape_size(tape), strlen(text));
    assert_true(tw_tape_derive_name(rest, expected));
    assert_true(tw_tape_derive_name(tape, name));
    assert_string_equal(name, expected);
    assert_text(next_trade(tape).symbol, "X");
    assert_end(tape);
    tw_tape_free(&tape);
    tw_tape_free(&rest);
    fclose(file);
}

static void a_file_that_is_not_there_has_a_reason(void **state)
{
    (void)state;
    char why[256];
    assert_null(tw_tape_open("/nonexistent/x.csv", why));
    assert_string_equal(why, "cannot read /nonexistent/x.csv: No such file or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gzip_is_read_as_what_is_in_it),
        cmocka_unit_test(gzip_may_have_several_members),
        cmocka_unit_test(gzip_may_be_padded_with_zeros_and_nothing_else),
        cmocka_unit_test(gzip_cut_short_or_damaged_fails),
        cmocka_unit_test(json_lines_have_the_row_forms_keys_and_numbers),
        cmocka_unit_test(numbers_of_json_are_exact_to_the_last_digit),
        cmocka_unit_test(what_only_looks_like_a_number_of_json_is_none),
        cmocka_unit_test(a_malformed_line_of_json_names_its_key),
        cmocka_unit_test(the_same_content_has_the_same_name_however_it_is_packed),
        cmocka_unit_test(who_reads_the_lines_first_gets_the_same_name),
        cmocka_unit_test(a_descriptor_counts_from_where_it_stands),
        cmocka_unit_test(a_file_that_is_not_there_has_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
