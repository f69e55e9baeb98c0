/* SPDX-License-Identifier: MIT
 *
 * Submissions: one trade of the row form.
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

/* The code that the only trade of a message gets. */
static enum tw_code read_one(const struct tw_buffer *message, struct tw_trade *trade, char why[TW_WHY_BYTES_MAX])
{
    struct tw_submission submission;
    struct tw_text raw;
    enum tw_code hold;
    const char *complaint;
    assert_int_equal(decode(message, &submission, &hold, &complaint), TW_ENVELOPE_OK);
    assert_int_equal(submission.count, 1);
    enum tw_code code = tw_submission_next_trade(&submission, trade, &raw, why);
    assert_ptr_equal(raw.bytes + raw.length, message->bytes + message->length);
    return code;
}

#define TS INT64_C(1381190400000000000)

/* A good trade with one key replaced, added, or left out. */
static void put_trade(struct tw_buffer *out, const char *key, struct raw value)
{
    static const struct raw_pair usual[] = {{"symbol", RAW("\xa1X")},
                                            {"side", RAW("\xa1"
                                                         "B")},
                                            {"qty", RAW("\x01")},
                                            {"price", RAW("\x02")},
                                            {"ts", RAW("\xcf\x13\x2a\xf9\x59\xd7\x2e\x00\x00")},
                                            {"account", RAW("\xa1"
                                                            "A")}};
    put_map(out, usual, sizeof usual / sizeof usual[0], key, value);
}

static void a_trade_comes_back_as_it_was_encoded(void **state)
{
    (void)state;
    struct tw_trade in[] = {
        {.symbol = TEXT("AAPL"),
         .account = TEXT("A0001"),
         .id = TEXT("x-1"),
         .owner = TEXT("o"),
         .contra = TEXT("c"),
         .broker = TEXT("b"),
         .venue = TEXT("XNAS"),
         .ccy = TEXT("USD"),
         .qty_e8 = 100 * TW_E8,
         .price_e8 = 18925000001,
         .ts_ns = TS,
         .has_ts = true,
         .side = TW_SIDE_SELL,
         .kind = TW_KIND_CORRECT,
         .ref = TEXT("x-0")},
        {.symbol = TEXT("MSFT"), .qty_e8 = INT64_MAX, .price_e8 = 1},
        {.kind = TW_KIND_BUST, .ref = TEXT("x-1"), .ts_ns = TS, .has_ts = true},
    };
    const uint32_t count = sizeof in / sizeof in[0];
    struct tw_buffer message = {0};
    struct tw_submission submission;
    enum tw_code hold;
    const char *complaint;
    char why[TW_WHY_BYTES_MAX];
    tw_submission_encode_rows(&message, TEXT("desk-7"), 0, 1, in, count);
    assert_int_equal(decode(&message, &submission, &hold, &complaint), TW_ENVELOPE_OK);
    assert_int_equal(submission.count, count);
    for (uint32_t i = 0; i < count; i++) {
        struct tw_trade out;
        struct tw_text raw;
        assert_int_equal(tw_trade_check(&in[i], why), TW_OK);
        assert_int_equal(tw_submission_next_trade(&submission, &out, &raw, why), TW_OK);
        assert_int_equal(out.qty_e8, in[i].qty_e8);
        assert_int_equal(out.price_e8, in[i].price_e8);
        assert_int_equal(out.ts_ns, in[i].ts_ns);
        assert_int_equal(tw_trade_content_hash(&out), tw_trade_content_hash(&in[i]));
    }
    tw_buffer_free(&message);
}

struct good_case {
    const char *key;
    struct raw value;
    int64_t qty_e8;
    enum tw_side side;
};

static const struct good_case good_values[] = {
    {"qty", RAW("\x01"), TW_E8, TW_SIDE_BUY},
    {"qty", RAW("\xd3\x00\x00\x00\x00\x00\x00\x00\x01"), TW_E8, TW_SIDE_BUY},
    {"qty",
     RAW("\xa8"
         "0.000001"),
     100, TW_SIDE_BUY},
    {"qty", RAW("\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a"), 10000000, TW_SIDE_BUY}, /* 0.1 */
    {"qty", RAW("\xca\x3d\xcc\xcc\xcd"), 10000000, TW_SIDE_BUY},                 /* 0.1 in 32 bits */
    {"qty", RAW("\xca\x32\x2b\xcc\x77"), 1, TW_SIDE_BUY},                        /* 1e-8 in 32 bits */
    {"qty", RAW("\xca\x4b\x80\x00\x00"), 16777216 * TW_E8, TW_SIDE_BUY},
    {"side", RAW("\xa1s"), TW_E8, TW_SIDE_SELL},
    {"side", RAW("\xa4SeLL"), TW_E8, TW_SIDE_SELL},
    {"side",
     RAW("\xa3"
         "BUY"),
     TW_E8, TW_SIDE_BUY},
    {"id", RAW("\xc0"), TW_E8, TW_SIDE_BUY},
    {"venue", RAW("\xd9\x03\xe2\x82\xac"), TW_E8, TW_SIDE_BUY},
    {"ts", LEFT_OUT, TW_E8, TW_SIDE_BUY},
    {"kind", RAW("\xa5trade"), TW_E8, TW_SIDE_BUY},
};

static void a_value_may_be_said_in_several_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good_values / sizeof good_values[0]; i++) {
        struct tw_buffer message = {0};
        struct tw_trade trade;
        char why[TW_WHY_BYTES_MAX];
        put_head(&message, 1, 1);
        put_trade(&message, good_values[i].key, good_values[i].value);
        assert_int_equal(read_one(&message, &trade, why), TW_OK);
        assert_int_equal(trade.qty_e8, good_values[i].qty_e8);
        assert_int_equal(trade.side, good_values[i].side);
        tw_buffer_free(&message);
    }
}

struct bad_case {
    const char *key;
    struct raw value;
    enum tw_code code;
    const char *why;
};

#define A33 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct bad_case bad_values[] = {
    {"qty", RAW("\x00"), TW_REFUSED_BAD_QTY, "qty is 0"},
    {"qty", RAW("\xff"), TW_REFUSED_BAD_QTY, "qty is negative"},
    {"qty", RAW("\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"), TW_REFUSED_BAD_QTY, "qty is NaN"},
    {"qty", RAW("\xca\x7f\xc0\x00\x00"), TW_REFUSED_BAD_QTY, "qty is NaN"},
    {"qty", RAW("\xca\x7f\x80\x00\x00"), TW_REFUSED_BAD_QTY, "qty is infinite"},
    {"qty", RAW("\xca\xbf\x80\x00\x00"), TW_REFUSED_BAD_QTY, "qty is negative"},
    {"qty", RAW("\xcb\x80\x00\x00\x00\x00\x00\x00\x00"), TW_REFUSED_BAD_QTY, "qty is 0"},
    {"qty", RAW("\xc3"), TW_REFUSED_BAD_QTY, "qty is not a number"},
    {"qty", RAW("\x90"), TW_REFUSED_BAD_QTY, "qty is not a number"},
    {"qty", RAW("\xc0"), TW_REFUSED_MISSING_FIELD, "qty is missing"},
    {"qty", LEFT_OUT, TW_REFUSED_MISSING_FIELD, "qty is missing"},
    {"qty", RAW("\xa0"), TW_REFUSED_BAD_QTY, "qty \"\" is not a decimal number without sign and exponent"},
    {"qty",
     RAW("\xa3"
         "1e3"),
     TW_REFUSED_BAD_QTY, "qty \"1e3\" is not a decimal number without sign and exponent"},
    {"qty", RAW("\xcf\x00\x00\x00\x15\x79\x8e\xe2\x31"), TW_REFUSED_AMOUNT_OUT_OF_RANGE, NULL},
    {"price",
     RAW("\xa3"
         "0.0"),
     TW_REFUSED_BAD_PRICE, "price is 0"},
    {"price",
     RAW("\xab"
         "1.000000001"),
     TW_REFUSED_BAD_PRICE, "price has more than 8 decimals"},
    {"price", RAW("\xcb\x3f\xd3\x33\x33\x33\x33\x33\x34"), TW_REFUSED_BAD_PRICE, "price has more than 8 decimals"},
    {"price", RAW("\xcb\x7e\x37\xe4\x3c\x88\x00\x75\x9c"), TW_REFUSED_AMOUNT_OUT_OF_RANGE,
     "price is over 92,233,720,368.54775807"},
    {"price", RAW("\xa2-1"), TW_REFUSED_BAD_PRICE, "price \"-1\" is not a decimal number without sign and exponent"},
    {"symbol", RAW("\xa0"), TW_REFUSED_BAD_SYMBOL, NULL},
    {"symbol", RAW("\xa2 X"), TW_REFUSED_BAD_SYMBOL,
     "symbol \" X\" is not 1 to 32 printable ASCII characters without space"},
    {"symbol", RAW("\xd9\x21" A33), TW_REFUSED_BAD_SYMBOL, NULL},
    {"symbol", RAW("\x05"), TW_REFUSED_BAD_SYMBOL, "symbol is not a string"},
    {"symbol", LEFT_OUT, TW_REFUSED_MISSING_FIELD, "symbol is missing"},
    {"side",
     RAW("\xa1"
         "X"),
     TW_REFUSED_BAD_SIDE, "side \"X\" is neither B nor S"},
    {"side", RAW("\xa0"), TW_REFUSED_BAD_SIDE, "side \"\" is neither B nor S"},
    {"side", LEFT_OUT, TW_REFUSED_BAD_SIDE, "side is missing although there is an account"},
    {"account", RAW("\xa0"), TW_REFUSED_BAD_ACCOUNT, NULL},
    {"account", RAW("\xa1\xff"), TW_REFUSED_BAD_ACCOUNT,
     "account \"\\xff\" is not 1 to 32 bytes of UTF-8 without control characters"},
    {"account", RAW("\xd9\x21" A33), TW_REFUSED_BAD_ACCOUNT, NULL},
    {"id",
     RAW("\xd9\x41"
         "a"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
     TW_REFUSED_BAD_ID, NULL},
    {"venue", RAW("\xa1\x01"), TW_REFUSED_BAD_PARTY, NULL},
    {"ccy", RAW("\x90"), TW_REFUSED_BAD_PARTY, "ccy is not a string"},
    {"ts", RAW("\xcb\x41\xd9\x4c\x00\x00\x00\x00\x00"), TW_REFUSED_BAD_TS, "ts is not an integer"},
    {"ts", RAW("\x00"), TW_REFUSED_TIMESTAMP_IMPLAUSIBLE, NULL},
    {"ts", RAW("\xff"), TW_REFUSED_TIMESTAMP_IMPLAUSIBLE, "ts is negative"},
    {"ts", RAW("\xcf\x08\xc2\x4d\x66\x67\x46\xff\xff"), TW_REFUSED_TIMESTAMP_IMPLAUSIBLE, NULL},
    {"ts", RAW("\xcf\x80\x00\x00\x00\x00\x00\x00\x00"), TW_REFUSED_TIMESTAMP_IN_FUTURE, NULL},
    {"kind",
     RAW("\xa4"
         "bust"),
     TW_REFUSED_BAD_REF, "ref is missing on a bust"},
    {"kind",
     RAW("\xa7"
         "correct"),
     TW_REFUSED_BAD_REF, "ref is missing on a correct"},
    {"kind",
     RAW("\xa5"
         "Trade"),
     TW_REFUSED_BAD_KIND, "kind \"Trade\" is none of trade, bust, correct"},
    {"kind", RAW("\x01"), TW_REFUSED_BAD_KIND, "kind is not a string"},
    {"ref", RAW("\xa1r"), TW_REFUSED_BAD_REF, "ref on a trade that is neither bust nor correct"},
    {"quantity", RAW("\x01"), TW_REFUSED_UNKNOWN_FIELD, "unknown field \"quantity\""},
};

static void each_fault_of_a_trade_has_its_code_and_sentence(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_values / sizeof bad_values[0]; i++) {
        struct tw_buffer message = {0};
        struct tw_trade trade;
        char why[TW_WHY_BYTES_MAX];
        put_head(&message, 1, 1);
        put_trade(&message, bad_values[i].key, bad_values[i].value);
        enum tw_code code = read_one(&message, &trade, why);
        if (bad_values[i].why != NULL)
            assert_string_equal(why, bad_values[i].why);
        assert_string_equal(tw_code_name(code), tw_code_name(bad_values[i].code));
        assert_in_range(strlen(why), 1, TW_WHY_BYTES_MAX - 1);
        tw_buffer_free(&message);
    }
}

static void a_sentence_never_outgrows_its_bound(void **state)
{
    (void)state;
    struct tw_buffer message = {0};
    struct tw_trade trade;
    char why[TW_WHY_BYTES_MAX], long_name[4000];
    memset(long_name, 0x01, sizeof long_name);
    put_head(&message, 1, 1);
    tw_pack_map(&message, 1);
    tw_pack_str(&message, "account");
    tw_pack_text(&message, (struct tw_text){long_name, sizeof long_name});
    assert_int_equal(read_one(&message, &trade, why), TW_REFUSED_BAD_ACCOUNT);
    assert_in_range(strlen(why), 20, TW_WHY_BYTES_MAX - 1);
    assert_non_null(strstr(why, "\\x01..."));
    tw_buffer_free(&message);
}

static void the_trades_beside_a_bad_one_are_read(void **state)
{
    (void)state;
    static const struct raw elements[] = {RAW("\x05"), RAW("\x81\x01\x02"), RAW("\x82\xa3qty\x01\xa3qty\x01"),
                                          RAW("\x81\xa3qty\x91\x91\x01")};
    static const enum tw_code codes[] = {TW_REFUSED_BAD_TRADE, TW_REFUSED_UNKNOWN_FIELD, TW_REFUSED_DUPLICATE_FIELD,
                                         TW_REFUSED_BAD_QTY};
    struct tw_buffer message = {0};
    struct tw_submission submission;
    struct tw_trade trade;
    struct tw_text raw;
    enum tw_code hold;
    const char *complaint;
    char why[TW_WHY_BYTES_MAX];
    put_head(&message, 1, 8);
    for (size_t i = 0; i < 4; i++) {
        tw_buffer_append(&message, elements[i].bytes, elements[i].length);
        put_trade(&message, "qty", (struct raw)RAW("\x09"));
    }
    assert_int_equal(decode(&message, &submission, &hold, &complaint), TW_ENVELOPE_OK);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(tw_submission_next_trade(&submission, &trade, &raw, why), codes[i]);
        assert_int_equal(raw.length, elements[i].length);
        assert_memory_equal(raw.bytes, elements[i].bytes, raw.length);
        assert_int_equal(trade.symbol.length, 0);
        assert_int_equal(tw_submission_next_trade(&submission, &trade, &raw, why), TW_OK);
        assert_int_equal(trade.qty_e8, 9 * TW_E8);
    }
    tw_buffer_free(&message);
}

static void a_bust_needs_its_ref_alone_but_what_it_gives_is_checked(void **state)
{
    (void)state;
    static const struct {
        struct raw trade;
        enum tw_code code;
    } busts[] = {{RAW("\x82\xa4kind\xa4"
                      "bust\xa3ref\xa1r"),
                  TW_OK},
                 {RAW("\x83\xa4kind\xa4"
                      "bust\xa3ref\xa1r\xa7"
                      "account\xa1"
                      "A"),
                  TW_OK},
                 {RAW("\x83\xa4kind\xa4"
                      "bust\xa3ref\xa1r\xa3qty\x00"),
                  TW_REFUSED_BAD_QTY},
                 {RAW("\x83\xa4kind\xa4"
                      "bust\xa3ref\xa1r\xa6symbol\xa0"),
                  TW_REFUSED_BAD_SYMBOL}};
    for (size_t i = 0; i < sizeof busts / sizeof busts[0]; i++) {
        struct tw_buffer message = {0};
        struct tw_trade trade;
        char why[TW_WHY_BYTES_MAX];
        put_head(&message, 1, 1);
        tw_buffer_append(&message, busts[i].trade.bytes, busts[i].trade.length);
        assert_int_equal(read_one(&message, &trade, why), busts[i].code);
        tw_buffer_free(&message);
    }
}

/* ---- content ---- */

static void every_field_but_those_of_a_busts_original_changes_the_content(void **state)
{
    (void)state;
    const struct tw_trade base = {.symbol = TEXT("X"),
                                  .account = TEXT("A"),
                                  .id = TEXT("i"),
                                  .qty_e8 = 1,
                                  .price_e8 = 2,
                                  .ts_ns = TS,
                                  .has_ts = true,
                                  .side = TW_SIDE_BUY};
    struct tw_trade changed[13];
    for (size_t i = 0; i < 13; i++)
        changed[i] = base;
    changed[0].symbol = TEXT("Y");
    changed[1].account = TEXT("B");
    changed[2].id = (struct tw_text){0};
    changed[3].owner = TEXT("i");
    changed[4].contra = TEXT("i");
    changed[5].broker = TEXT("i");
    changed[6].venue = TEXT("i");
    changed[7].ccy = TEXT("i");
    changed[8].qty_e8 = 2;
    changed[9].price_e8 = 1;
    changed[10].ts_ns++;
    changed[11].has_ts = false;
    changed[12].side = TW_SIDE_SELL;
    for (size_t i = 0; i < 13; i++) {
        assert_int_not_equal(tw_trade_content_hash(&changed[i]), tw_trade_content_hash(&base));
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(tw_trade_content_hash(&changed[i]), tw_trade_content_hash(&changed[j]));
    }
    struct tw_trade bust = {.kind = TW_KIND_BUST, .ref = TEXT("i")}, told = base;
    told.kind = TW_KIND_BUST;
    told.ref = TEXT("i");
    told.id = (struct tw_text){0};
    told.has_ts = false;
    assert_int_equal(tw_trade_content_hash(&bust), tw_trade_content_hash(&told));
    bust.ref = TEXT("j");
    assert_int_not_equal(tw_trade_content_hash(&bust), tw_trade_content_hash(&told));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trade_comes_back_as_it_was_encoded),
        cmocka_unit_test(a_value_may_be_said_in_several_ways),
        cmocka_unit_test(each_fault_of_a_trade_has_its_code_and_sentence),
        cmocka_unit_test(a_sentence_never_outgrows_its_bound),
        cmocka_unit_test(the_trades_beside_a_bad_one_are_read),
        cmocka_unit_test(a_bust_needs_its_ref_alone_but_what_it_gives_is_checked),
        cmocka_unit_test(every_field_but_those_of_a_busts_original_changes_the_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
