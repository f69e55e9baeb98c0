/* SPDX-License-Identifier: MIT
 *
 * Submissions: the envelope.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/submission.h"
#include "tests/unit/raw_maps.h"

static enum tw_envelope decode(const struct tw_buffer *message, struct tw_submission *out, enum tw_code *hold,
                               const char **why)
{
    return tw_submission_decode(message->bytes, message->length, out, hold, why);
}

/* A hello with one key replaced, added, or left out. */
static void put_envelope(struct tw_buffer *out, const char *key, struct raw value)
{
    static const struct raw_pair usual[] = {{"v", RAW("\x01")},
                                            {"pub", RAW("\xa6"
                                                        "desk-7")},
                                            {"inc", RAW("\x00")},
                                            {"seq", RAW("\x07")},
                                            {"trades", RAW("\x90")}};
    put_map(out, usual, sizeof usual / sizeof usual[0], key, value);
}

static void a_hello_is_a_message_without_trades(void **state)
{
    (void)state;
    struct tw_buffer message = {0};
    struct tw_submission out;
    enum tw_code hold;
    const char *why;
    tw_submission_encode_rows(&message, TEXT("desk-7"), 3, 9, NULL, 0);
    assert_int_equal(decode(&message, &out, &hold, &why), TW_ENVELOPE_OK);
    assert_true(tw_text_is(out.publisher, "desk-7"));
    assert_int_equal(out.incarnation, 3);
    assert_int_equal(out.seq, 9);
    assert_int_equal(out.count, 0);
    assert_false(out.anonymous);
    assert_false(out.columnar);
    tw_buffer_free(&message);
}

static void without_pub_and_seq_a_message_is_anonymous(void **state)
{
    (void)state;
    struct tw_buffer message = {0};
    struct tw_submission out;
    enum tw_code hold;
    const char *why;
    struct tw_trade trade = {.symbol = TEXT("X"), .qty_e8 = 1, .price_e8 = 2};
    tw_submission_encode_rows(&message, (struct tw_text){0}, 0, 0, &trade, 1);
    assert_int_equal(decode(&message, &out, &hold, &why), TW_ENVELOPE_OK);
    assert_true(out.anonymous);
    assert_int_equal(out.publisher.length, 0);
    assert_int_equal(out.count, 1);
    tw_buffer_free(&message);
}

struct envelope_case {
    const char *key;
    struct raw value;
    enum tw_code hold;
    const char *why;
    uint64_t seq; /* what the hold names */
};

static const struct envelope_case holds[] = {
    {"v", RAW("\x02"), TW_HOLD_BAD_VERSION, "v is not 1", 7},
    {"v",
     RAW("\xa1"
         "1"),
     TW_HOLD_BAD_VERSION, "v is not 1", 7},
    {"v", LEFT_OUT, TW_HOLD_BAD_ENVELOPE, "v is missing", 7},
    {"inc", RAW("\xff"), TW_HOLD_BAD_ENVELOPE, "inc is not an integer from 0 to 4,294,967,295", 7},
    {"inc", RAW("\xcf\x00\x00\x00\x01\x00\x00\x00\x00"), TW_HOLD_BAD_ENVELOPE,
     "inc is not an integer from 0 to 4,294,967,295", 7},
    {"seq", LEFT_OUT, TW_HOLD_BAD_ENVELOPE, "seq is missing", 0},
    {"seq", RAW("\x00"), TW_HOLD_BAD_SEQUENCE, "seq is not an integer from 1 to 2^63 - 1", 0},
    {"seq", RAW("\xff"), TW_HOLD_BAD_SEQUENCE, "seq is not an integer from 1 to 2^63 - 1", 0},
    {"seq",
     RAW("\xa1"
         "7"),
     TW_HOLD_BAD_SEQUENCE, "seq is not an integer from 1 to 2^63 - 1", 0},
    {"seq", RAW("\xcf\x80\x00\x00\x00\x00\x00\x00\x00"), TW_HOLD_BAD_SEQUENCE,
     "seq is not an integer from 1 to 2^63 - 1", UINT64_C(1) << 63},
    {"trades", LEFT_OUT, TW_HOLD_BAD_ENVELOPE, "trades is missing", 7},
    {"trades", RAW("\x80"), TW_HOLD_BAD_TRADES, "trades is not an array", 7},
    {"trades", RAW("\x05"), TW_HOLD_BAD_TRADES, "trades is not an array", 7},
    {"colour\n", RAW("\x05"), TW_HOLD_BAD_ENVELOPE, "unknown key \"colour\\x0a\" in the envelope", 7},
    {"n", RAW("\x00"), TW_HOLD_BAD_ENVELOPE, "trades beside n, base, names or cols", 7},
};

static void an_unacceptable_whole_is_held_and_answered(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof holds / sizeof holds[0]; i++) {
        struct tw_buffer message = {0};
        struct tw_submission out;
        enum tw_code hold;
        const char *why;
        put_envelope(&message, holds[i].key, holds[i].value);
        assert_int_equal(decode(&message, &out, &hold, &why), TW_ENVELOPE_HOLD);
        assert_string_equal(why, holds[i].why);
        assert_int_equal(hold, holds[i].hold);
        assert_true(tw_text_is(out.publisher, "desk-7"));
        assert_int_equal(out.seq, holds[i].seq);
        tw_buffer_free(&message);
    }
}

static void a_key_given_twice_is_held(void **state)
{
    (void)state;
    static const char message[] = "\x85\xa1v\x01\xa1v\x01\xa3pub\xa1p\xa3seq\x01\xa6trades\x90";
    struct tw_submission out;
    enum tw_code hold;
    const char *why;
    assert_int_equal(tw_submission_decode(message, sizeof message - 1, &out, &hold, &why), TW_ENVELOPE_HOLD);
    assert_int_equal(hold, TW_HOLD_BAD_ENVELOPE);
    assert_string_equal(why, "key \"v\" is given twice in the envelope");
}

static const struct envelope_case unreadable[] = {
    {"pub", RAW("\xa0"), TW_OK, "pub is not 1 to 32 of A-Za-z0-9_-, or starts with _", 0},
    {"pub", RAW("\xa5_anon"), TW_OK, "pub is not 1 to 32 of A-Za-z0-9_-, or starts with _", 0},
    {"pub",
     RAW("\xa3"
         "a b"),
     TW_OK, "pub is not 1 to 32 of A-Za-z0-9_-, or starts with _", 0},
    {"pub",
     RAW("\xc4\x01"
         "p"),
     TW_OK, "pub is not 1 to 32 of A-Za-z0-9_-, or starts with _", 0},
    {"pub", LEFT_OUT, TW_OK, "seq or inc without pub", 0},
    {"trades", RAW("\x91"), TW_OK, "not one well-formed MessagePack value", 0},
    {"trades", RAW("\xdd\x05\xf5\xe1\x00"), TW_OK, "not one well-formed MessagePack value", 0},
    {"trades", RAW("\xc1"), TW_OK, "not one well-formed MessagePack value", 0},
    {"trades", RAW("\x90\x00"), TW_OK, "not one well-formed MessagePack value", 0},
    {"trades", RAW("\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x00"), TW_OK, "not one well-formed MessagePack value", 0},
};

static void what_names_no_publisher_or_is_malformed_is_unreadable(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof unreadable / sizeof unreadable[0]; i++) {
        struct tw_buffer message = {0};
        struct tw_submission out;
        enum tw_code hold;
        const char *why;
        put_envelope(&message, unreadable[i].key, unreadable[i].value);
        assert_int_equal(decode(&message, &out, &hold, &why), TW_ENVELOPE_UNREADABLE);
        assert_string_equal(why, unreadable[i].why);
        assert_int_equal(hold, TW_OK);
        tw_buffer_free(&message);
    }
}

static void bytes_that_are_no_map_are_unreadable(void **state)
{
    (void)state;
    static const struct raw frames[] = {
        RAW(""), RAW("\x01"), RAW("\x90"), RAW("\xdd\x05\xf5\xe1\x00"), RAW("\xdf\xff\xff\xff\xff"), RAW("{\"v\":1}")};
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        struct tw_submission out;
        enum tw_code hold;
        const char *why;
        assert_int_equal(tw_submission_decode(frames[i].bytes, frames[i].length, &out, &hold, &why),
                         TW_ENVELOPE_UNREADABLE);
        assert_true(why[0] != '\0');
    }
}

static void nobody_is_answered_for_an_anonymous_fault(void **state)
{
    (void)state;
    static const struct raw frames[] = {RAW("\x82\xa1v\x02\xa6trades\x90"), RAW("\x82\xa1v\x01\xa6trades\x01"),
                                        RAW("\x83\xa1v\x01\xa6trades\x90\xa1y\x01"),
                                        RAW("\x83\xa1v\x01\xa6trades\x90\xa3inc\x00")};
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        struct tw_submission out;
        enum tw_code hold;
        const char *why;
        assert_int_equal(tw_submission_decode(frames[i].bytes, frames[i].length, &out, &hold, &why),
                         TW_ENVELOPE_UNREADABLE);
        assert_int_equal(hold, TW_OK);
    }
}

static void every_truncation_of_a_message_is_unreadable(void **state)
{
    (void)state;
    struct tw_buffer message = {0};
    put_head(&message, 1, 1);
    tw_pack_map(&message, 1);
    put_raw(&message, "id", (struct raw)RAW("\xa3x-1"));
    for (size_t length = 0; length < message.length; length++) {
        struct tw_submission out;
        enum tw_code hold;
        const char *why;
        assert_int_equal(tw_submission_decode(message.bytes, length, &out, &hold, &why), TW_ENVELOPE_UNREADABLE);
    }
    tw_buffer_free(&message);
}

static void trades_up_to_8190_pass_and_one_more_is_held(void **state)
{
    (void)state;
    for (uint32_t count = 8190; count <= 8191; count++) {
        struct tw_buffer message = {0};
        struct tw_submission out;
        enum tw_code hold;
        const char *why;
        put_head(&message, 1, count);
        for (uint32_t i = 0; i < count; i++)
            tw_pack_nil(&message);
        assert_int_equal(decode(&message, &out, &hold, &why), count == 8190 ? TW_ENVELOPE_OK : TW_ENVELOPE_HOLD);
        assert_int_equal(hold, count == 8190 ? TW_OK : TW_HOLD_TOO_MANY_TRADES);
        tw_buffer_free(&message);
    }
}

static void the_last_number_may_be_2_to_the_63_minus_1(void **state)
{
    (void)state;
    for (uint32_t count = 0; count <= 2; count++) {
        struct tw_buffer message = {0};
        struct tw_submission out;
        enum tw_code hold;
        const char *why;
        put_head(&message, (uint64_t)INT64_MAX, count);
        for (uint32_t i = 0; i < count; i++)
            tw_pack_nil(&message);
        assert_int_equal(decode(&message, &out, &hold, &why), count < 2 ? TW_ENVELOPE_OK : TW_ENVELOPE_HOLD);
        assert_int_equal(hold, count < 2 ? TW_OK : TW_HOLD_BAD_SEQUENCE);
        tw_buffer_free(&message);
    }
}

static void a_message_of_one_mebibyte_passes_and_one_byte_more_is_held(void **state)
{
    (void)state;
    for (size_t over = 0; over <= 1; over++) {
        struct tw_buffer message = {0};
        struct tw_submission out;
        enum tw_code hold;
        const char *why;
        static const char filling[TW_SUBMISSION_BYTES_MAX + 1];
        put_head(&message, 5, 1);
        tw_pack_bin(&message, filling, TW_SUBMISSION_BYTES_MAX - message.length - 5 + over);
        assert_int_equal(message.length, TW_SUBMISSION_BYTES_MAX + over);
        assert_int_equal(decode(&message, &out, &hold, &why), over == 0 ? TW_ENVELOPE_OK : TW_ENVELOPE_HOLD);
        assert_int_equal(hold, over == 0 ? TW_OK : TW_HOLD_MESSAGE_TOO_LARGE);
        assert_int_equal(out.seq, 5);
        tw_buffer_free(&message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hello_is_a_message_without_trades),
        cmocka_unit_test(without_pub_and_seq_a_message_is_anonymous),
        cmocka_unit_test(an_unacceptable_whole_is_held_and_answered),
        cmocka_unit_test(a_key_given_twice_is_held),
        cmocka_unit_test(what_names_no_publisher_or_is_malformed_is_unreadable),
        cmocka_unit_test(bytes_that_are_no_map_are_unreadable),
        cmocka_unit_test(nobody_is_answered_for_an_anonymous_fault),
        cmocka_unit_test(every_truncation_of_a_message_is_unreadable),
        cmocka_unit_test(trades_up_to_8190_pass_and_one_more_is_held),
        cmocka_unit_test(the_last_number_may_be_2_to_the_63_minus_1),
        cmocka_unit_test(a_message_of_one_mebibyte_passes_and_one_byte_more_is_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
