/* SPDX-License-Identifier: MIT
 *
 * Submissions: the columnar form, read and written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/submission.h"
#include "tests/unit/raw_maps.h"

#define TS INT64_C(1381190400000000000)
#define NAMES_KEPT 40000u

/* What a reader knows of a publisher's names, by its own plain means. */
struct reader {
    struct tw_buffer texts[NAMES_KEPT + 1];
    uint64_t known;
};

static void learn(struct reader *reader, const struct tw_submission *message)
{
    struct tw_unpacker cursor = message->names;
    for (uint32_t i = 0; i < message->name_count; i++) {
        struct tw_text name;
        const uint64_t id = message->names_base + i;
        assert_true(tw_unpack_text(&cursor, &name));
        assert_in_range(id, 1, reader->known + 1 < NAMES_KEPT ? reader->known + 1 : NAMES_KEPT);
        reader->texts[id].length = 0;
        tw_buffer_append(&reader->texts[id], name.bytes, name.length);
        if (id > reader->known)
            reader->known = id;
    }
}

static void forget(struct reader *reader)
{
    for (size_t i = 0; i <= NAMES_KEPT; i++)
        tw_buffer_free(&reader->texts[i]);
    memset(reader, 0, sizeof *reader);
}

static struct tw_text name_at(const struct reader *reader, const uint8_t *column, uint32_t row)
{
    const uint32_t id = column == NULL ? 0 : tw_load_u32(column, row);
    if (id == 0)
        return (struct tw_text){0};
    assert_in_range(id, 1, reader->known);
    return (struct tw_text){(const char *)reader->texts[id].bytes, (uint32_t)reader->texts[id].length};
}

static struct tw_text text_at(const uint8_t *lengths, const uint8_t *texts, uint32_t row)
{
    uint32_t offset = 0;
    if (lengths == NULL)
        return (struct tw_text){0};
    for (uint32_t i = 0; i < row; i++)
        offset += lengths[i];
    return (struct tw_text){(const char *)texts + offset, lengths[row]};
}

static struct tw_trade trade_at(const struct reader *reader, const struct tw_submission *message, uint32_t row)
{
    struct tw_trade trade = {
        .symbol = name_at(reader, message->symbol, row),
        .account = name_at(reader, message->account, row),
        .id = text_at(message->id_length, message->ids, row),
        .ref = text_at(message->ref_length, message->refs, row),
        .owner = name_at(reader, message->owner, row),
        .contra = name_at(reader, message->contra, row),
        .broker = name_at(reader, message->broker, row),
        .venue = name_at(reader, message->venue, row),
        .ccy = name_at(reader, message->ccy, row),
        .qty_e8 = tw_load_i64(message->qty, row),
        .price_e8 = tw_load_i64(message->price, row),
        .ts_ns = message->ts == NULL ? 0 : tw_load_i64(message->ts, row),
        .side = message->side == NULL ? 0 : message->side[row],
        .kind = message->kind == NULL ? 0 : message->kind[row],
    };
    trade.has_ts = trade.ts_ns != 0;
    return trade;
}

static void decode_ok(const struct tw_buffer *bytes, struct tw_submission *out)
{
    enum tw_code hold;
    const char *why;
    assert_in_range(bytes->length, 1, TW_SUBMISSION_BYTES_MAX);
    assert_int_equal(tw_submission_decode(bytes->bytes, bytes->length, out, &hold, &why), TW_ENVELOPE_OK);
    assert_true(out->columnar);
}

static struct reader reader;

/* ---- writing ---- */

static void a_batch_in_columns_has_the_content_that_it_has_in_rows(void **state)
{
    (void)state;
    const struct tw_trade trades[] = {
        {.symbol = TEXT("AAPL"), .account = TEXT("A0001"), .side = TW_SIDE_BUY, .qty_e8 = 1, .price_e8 = 2},
        {.symbol = TEXT("AAPL"),
         .account = TEXT("AAPL"),
         .side = TW_SIDE_SELL,
         .qty_e8 = INT64_MAX,
         .price_e8 = 1,
         .ts_ns = TS,
         .has_ts = true,
         .id = TEXT("x-1"),
         .owner = TEXT("o"),
         .contra = TEXT("c"),
         .broker = TEXT("b"),
         .venue = TEXT("XNAS"),
         .ccy = TEXT("USD")},
        {.symbol = TEXT("MSFT"), .qty_e8 = 5, .price_e8 = 6, .ts_ns = TS, .has_ts = true},
        {.kind = TW_KIND_BUST, .ref = TEXT("x-1")},
        {.symbol = TEXT("AAPL"),
         .account = TEXT("A0001"),
         .side = TW_SIDE_BUY,
         .qty_e8 = 1,
         .price_e8 = 2,
         .kind = TW_KIND_CORRECT,
         .ref = TEXT("x-2"),
         .id = TEXT("x-3")},
    };
    const uint32_t count = sizeof trades / sizeof trades[0];
    struct tw_columns *columns = tw_columns_new(TEXT("desk-7"), 4);
    struct tw_buffer message = {0};
    struct tw_submission out;
    for (uint32_t i = 0; i < count; i++)
        assert_true(tw_columns_add(columns, &trades[i]));
    assert_int_equal(tw_columns_count(columns), count);
    tw_columns_finish(columns, 11, 0, &message);
    assert_int_equal(tw_columns_count(columns), 0);
    decode_ok(&message, &out);
    assert_true(tw_text_is(out.publisher, "desk-7"));
    assert_int_equal(out.incarnation, 4);
    assert_int_equal(out.seq, 11);
    assert_int_equal(out.count, count);
    learn(&reader, &out);
    for (uint32_t i = 0; i < count; i++) {
        const struct tw_trade read = trade_at(&reader, &out, i);
        assert_int_equal(tw_trade_content_hash(&read), tw_trade_content_hash(&trades[i]));
    }
    forget(&reader);
    tw_buffer_free(&message);
    tw_columns_free(&columns);
    assert_null(columns);
}

static void names_travel_once_and_unused_columns_stay_at_home(void **state)
{
    (void)state;
    const struct tw_trade trade = {.symbol = TEXT("AAPL"), .qty_e8 = 1, .price_e8 = 2};
    struct tw_columns *columns = tw_columns_new(TEXT("desk-7"), 0);
    struct tw_buffer message = {0};
    struct tw_submission out;
    for (uint64_t seq = 1; seq <= 2; seq++) {
        message.length = 0;
        assert_true(tw_columns_add(columns, &trade));
        tw_columns_finish(columns, seq, tw_columns_names_written(columns), &message);
        decode_ok(&message, &out);
        assert_int_equal(out.name_count, seq == 1 ? 1 : 0);
        assert_int_equal(tw_load_u32(out.symbol, 0), 1);
        assert_null(out.ts);
        assert_null(out.account);
        assert_null(out.side);
        assert_null(out.kind);
        assert_null(out.id_length);
        assert_int_equal(out.ids_bytes, 0);
    }
    assert_int_equal(tw_columns_names(columns), 1);
    tw_buffer_free(&message);
    tw_columns_free(&columns);
}

static void a_batch_is_full_at_8190_trades(void **state)
{
    (void)state;
    const struct tw_trade trade = {.symbol = TEXT("AAPL"), .qty_e8 = 1, .price_e8 = 2};
    struct tw_columns *columns = tw_columns_new(TEXT("desk-7"), 0);
    struct tw_buffer message = {0};
    struct tw_submission out;
    for (uint32_t i = 0; i < TW_SUBMISSION_TRADES_MAX; i++)
        assert_true(tw_columns_add(columns, &trade));
    assert_false(tw_columns_add(columns, &trade));
    tw_columns_finish(columns, 1, 0, &message);
    decode_ok(&message, &out);
    assert_int_equal(out.count, TW_SUBMISSION_TRADES_MAX);
    assert_true(tw_columns_add(columns, &trade));
    tw_buffer_free(&message);
    tw_columns_free(&columns);
}

/* Long ids and long new names in every role: the bytes run out before the trades do. */
static void a_batch_is_full_before_one_mebibyte_and_loses_no_name(void **state)
{
    (void)state;
    struct tw_columns *columns = tw_columns_new(TEXT("desk-7"), 0);
    struct tw_buffer message = {0};
    struct tw_submission out;
    uint32_t number = 0, messages = 0, taken = 0;
    while (messages < 2) {
        char symbol[33], account[33], party[5][33], id[65];
        struct tw_text parties[5];
        snprintf(symbol, sizeof symbol, "%032u", number);
        snprintf(account, sizeof account, "A%031u", number);
        snprintf(id, sizeof id, "%064u", number);
        for (uint32_t i = 0; i < 5; i++) {
            snprintf(party[i], sizeof party[i], "P%u%030u", i, number);
            parties[i] = (struct tw_text){party[i], 32};
        }
        const struct tw_trade trade = {.symbol = {symbol, 32},
                                       .account = {account, 32},
                                       .id = {id, 64},
                                       .ref = {id, 64},
                                       .owner = parties[0],
                                       .contra = parties[1],
                                       .broker = parties[2],
                                       .venue = parties[3],
                                       .ccy = parties[4],
                                       .qty_e8 = 1,
                                       .price_e8 = 1,
                                       .side = TW_SIDE_BUY,
                                       .kind = TW_KIND_CORRECT};
        if (tw_columns_add(columns, &trade)) {
            number++;
            continue;
        }
        const uint32_t count = tw_columns_count(columns);
        message.length = 0;
        tw_columns_finish(columns, taken + 1u, tw_columns_names_written(columns), &message);
        decode_ok(&message, &out);
        assert_in_range(message.length, 1000000, TW_SUBMISSION_BYTES_MAX);
        learn(&reader, &out);
        const struct tw_trade last = trade_at(&reader, &out, count - 1);
        char expected[33];
        snprintf(expected, sizeof expected, "%032u", taken + count - 1);
        assert_memory_equal(last.symbol.bytes, expected, 32);
        taken += count;
        messages++;
    }
    assert_int_equal(taken, number);
    forget(&reader);
    tw_buffer_free(&message);
    tw_columns_free(&columns);
}

static void names_that_the_daemon_lost_go_ahead_in_hellos(void **state)
{
    (void)state;
    struct tw_columns *columns = tw_columns_new(TEXT("desk-7"), 0);
    struct tw_buffer message = {0};
    struct tw_submission out;
    for (uint32_t i = 0; i < NAMES_KEPT; i++) {
        char name[65];
        snprintf(name, sizeof name, "%032u", i);
        const struct tw_trade trade = {.symbol = {name, 32}, .qty_e8 = 1, .price_e8 = 1};
        if (tw_columns_add(columns, &trade))
            continue;
        message.length = 0;
        tw_columns_finish(columns, 1, tw_columns_names_written(columns), &message);
        assert_true(tw_columns_add(columns, &trade));
    }
    const uint32_t waiting = tw_columns_count(columns);
    uint64_t known = 0;
    uint32_t hellos = 0;
    while (known < tw_columns_names(columns)) {
        message.length = 0;
        const uint64_t after = tw_columns_hello(columns, 1, known, &message);
        decode_ok(&message, &out);
        assert_int_equal(out.count, 0);
        assert_int_equal(out.names_base, known + 1);
        assert_int_equal(out.name_count, after - known);
        learn(&reader, &out);
        known = after;
        hellos++;
    }
    assert_int_equal(reader.known, NAMES_KEPT);
    assert_int_equal(hellos, 2);
    assert_int_equal(tw_columns_count(columns), waiting);
    message.length = 0;
    tw_columns_finish(columns, 1, known, &message);
    decode_ok(&message, &out);
    assert_int_equal(out.name_count, 0);
    assert_int_equal(out.count, waiting);
    forget(&reader);
    tw_buffer_free(&message);
    tw_columns_free(&columns);
}

static void hellos_share_names_that_are_too_many_for_one(void **state)
{
    (void)state;
    struct tw_columns *columns = tw_columns_new(TEXT("desk-7"), 0);
    struct tw_buffer message = {0};
    struct tw_submission out;
    tw_columns_start_after(columns, 700000); /* a byte and its head each: more than a mebibyte */
    uint64_t known = 0;
    uint32_t hellos = 0;
    for (; known < tw_columns_names(columns); hellos++) {
        message.length = 0;
        const uint64_t after = tw_columns_hello(columns, 1, known, &message);
        decode_ok(&message, &out);
        assert_int_equal(out.names_base, known + 1);
        assert_int_equal(out.name_count, after - known);
        assert_true(after > known);
        known = after;
    }
    assert_in_range(hellos, 2, 4);
    tw_buffer_free(&message);
    tw_columns_free(&columns);
}

static void a_publisher_that_forgot_its_names_starts_behind_them(void **state)
{
    (void)state;
    const struct tw_trade trade = {
        .symbol = TEXT("AAPL"), .account = TEXT("A0001"), .side = TW_SIDE_BUY, .qty_e8 = 1, .price_e8 = 2};
    struct tw_columns *columns = tw_columns_new(TEXT("desk-7"), 0);
    struct tw_buffer message = {0};
    struct tw_submission out;
    tw_columns_start_after(columns, 41);
    assert_int_equal(tw_columns_names(columns), 41);
    assert_true(tw_columns_add(columns, &trade));
    assert_true(tw_columns_add(columns, &trade));
    tw_columns_finish(columns, 8, tw_columns_names_written(columns), &message);
    decode_ok(&message, &out);
    assert_int_equal(out.names_base, 42);
    assert_int_equal(out.name_count, 2);
    assert_int_equal(tw_load_u32(out.symbol, 1), 42);
    assert_int_equal(tw_load_u32(out.account, 1), 43);
    assert_int_equal(tw_columns_names(columns), 43);
    tw_buffer_free(&message);
    tw_columns_free(&columns);
}

/* ---- reading ---- */

#define COL4(a) "\xc4\x04" a "\x00\x00\x00"
#define COL8(a) "\xc4\x08" a "\x00\x00\x00\x00\x00\x00\x00"

/* One trade in columns; a key of `cols` replaced, added, or left out. */
static void put_columns(struct tw_buffer *out, const char *key, struct raw value)
{
    static const struct raw_pair usual[] = {
        {"symbol", RAW(COL4("\x01"))}, {"qty", RAW(COL8("\x05"))}, {"price", RAW(COL8("\x06"))}};
    tw_buffer_append(out,
                     "\x85\xa1v\x01\xa3pub\xa1p\xa3seq\x01\xa1n\x01\xa4"
                     "cols",
                     23);
    put_map(out, usual, sizeof usual / sizeof usual[0], key, value);
}

/* The same with a key of the envelope replaced, added, or left out. */
static void put_envelope(struct tw_buffer *out, const char *key, struct raw value)
{
    static const struct raw_pair usual[] = {
        {"v", RAW("\x01")},
        {"pub", RAW("\xa1p")},
        {"seq", RAW("\x01")},
        {"n", RAW("\x01")},
        {"base", RAW("\x01")},
        {"names", RAW("\x91\xa1X")},
        {"cols", RAW("\x83\xa6symbol" COL4("\x01") "\xa3qty" COL8("\x05") "\xa5price" COL8("\x06"))}};
    put_map(out, usual, sizeof usual / sizeof usual[0], key, value);
}

struct fault {
    const char *key;
    struct raw value;
    enum tw_code hold; /* TW_OK: passes */
    const char *why;
};

static void expect(const struct tw_buffer *message, const struct fault *fault)
{
    struct tw_submission out;
    enum tw_code hold;
    const char *why;
    const enum tw_envelope envelope = tw_submission_decode(message->bytes, message->length, &out, &hold, &why);
    assert_string_equal(why, fault->why);
    assert_int_equal(hold, fault->hold);
    assert_int_equal(envelope, fault->hold == TW_OK ? TW_ENVELOPE_OK : TW_ENVELOPE_HOLD);
}

static void each_fault_of_a_column_is_held(void **state)
{
    (void)state;
    static const struct fault faults[] = {
        {"side", RAW("\xc4\x01\x01"), TW_OK, ""},
        {"symbol", LEFT_OUT, TW_HOLD_BAD_COLUMNS, "column \"symbol\" is missing"},
        {"qty", LEFT_OUT, TW_HOLD_BAD_COLUMNS, "column \"qty\" is missing"},
        {"price", LEFT_OUT, TW_HOLD_BAD_COLUMNS, "column \"price\" is missing"},
        {"price", RAW("\xc4\x07\x01\x01\x01\x01\x01\x01\x01"), TW_HOLD_BAD_COLUMNS,
         "column \"price\" has not n values"},
        {"side", RAW("\xc4\x02\x01\x01"), TW_HOLD_BAD_COLUMNS, "column \"side\" has not n values"},
        {"side",
         RAW("\xa1"
             "B"),
         TW_HOLD_BAD_COLUMNS, "column \"side\" is not a bin"},
        {"quantity", RAW("\xc4\x00"), TW_HOLD_BAD_COLUMNS, "unknown column \"quantity\""},
        {"idl", RAW("\xc4\x01\x00"), TW_HOLD_BAD_COLUMNS, "\"ids\" and its lengths need each other"},
        {"refs", RAW("\xc4\x00"), TW_HOLD_BAD_COLUMNS, "\"refs\" and its lengths need each other"},
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct tw_buffer message = {0};
        put_columns(&message, faults[i].key, faults[i].value);
        expect(&message, &faults[i]);
        tw_buffer_free(&message);
    }
}

static void each_fault_of_names_and_counts_is_held(void **state)
{
    (void)state;
    static const struct fault faults[] = {
        {"base", LEFT_OUT, TW_HOLD_BAD_NAMES, "names without base"},
        {"base", RAW("\x00"), TW_HOLD_BAD_NAMES, "base is not an integer from 1 to 4,194,304"},
        {"base",
         RAW("\xa1"
             "1"),
         TW_HOLD_BAD_NAMES, "base is not an integer from 1 to 4,194,304"},
        {"base", RAW("\xce\x00\x40\x00\x00"), TW_OK, ""},
        {"base", RAW("\xce\x00\x40\x00\x01"), TW_HOLD_BAD_NAMES, "base is not an integer from 1 to 4,194,304"},
        {"names", RAW("\xa1X"), TW_HOLD_BAD_NAMES, "names is not an array"},
        {"names", RAW("\x91\xa0"), TW_HOLD_BAD_NAMES, "a name is not a string of 1 to 64 bytes"},
        {"names", RAW("\x91\x07"), TW_HOLD_BAD_NAMES, "a name is not a string of 1 to 64 bytes"},
        {"names", RAW("\x90"), TW_OK, ""},
        {"names", LEFT_OUT, TW_OK, ""},
        {"n", LEFT_OUT, TW_HOLD_BAD_ENVELOPE, "n is missing"},
        {"n", RAW("\xff"), TW_HOLD_BAD_ENVELOPE, "n is not an integer from 0"},
        {"n", RAW("\xcd\x1f\xff"), TW_HOLD_TOO_MANY_TRADES, "more than 8,190 trades in one message"},
        {"n", RAW("\x02"), TW_HOLD_BAD_COLUMNS, "column \"symbol\" has not n values"},
        {"n", RAW("\x00"), TW_HOLD_BAD_COLUMNS, "column \"symbol\" has not n values"},
        {"cols", LEFT_OUT, TW_HOLD_BAD_COLUMNS, "cols is missing"},
        {"cols", RAW("\x90"), TW_HOLD_BAD_COLUMNS, "cols is not a map"},
        {"cols", RAW("\x81\x01\x02"), TW_HOLD_BAD_COLUMNS, "a key of cols is not a string"},
        {"cols", RAW("\x82\xa3qty\xc4\x00\xa3qty\xc4\x00"), TW_HOLD_BAD_COLUMNS, "column \"qty\" is given twice"},
        {"seq", RAW("\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"), TW_OK, ""},
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct tw_buffer message = {0};
        put_envelope(&message, faults[i].key, faults[i].value);
        expect(&message, &faults[i]);
        tw_buffer_free(&message);
    }
}

static void lengths_of_ids_must_add_up_for_any_number_of_rows(void **state)
{
    (void)state;
    static uint8_t zeros[300 * 8], lengths[300], ids[300 * 255];
    for (uint32_t rows = 1; rows <= 300; rows += 13) {
        uint32_t sum = 0;
        for (uint32_t i = 0; i < rows; i++)
            sum += lengths[i] = (uint8_t)(i % 7 == 0 ? 255 : i * 31);
        for (uint32_t off = 0; off <= 2; off++) {
            struct tw_buffer message = {0};
            tw_buffer_append(&message, "\x85\xa1v\x01\xa3pub\xa1p\xa3seq\x01\xa1n", 17);
            tw_pack_u64(&message, rows);
            tw_pack_str(&message, "cols");
            tw_pack_map(&message, 5);
            tw_pack_str(&message, "ids");
            tw_pack_bin(&message, ids, sum + off - 1u);
            tw_pack_str(&message, "idl");
            tw_pack_bin(&message, lengths, rows);
            tw_pack_str(&message, "symbol");
            tw_pack_bin(&message, zeros, (size_t)rows * 4);
            tw_pack_str(&message, "qty");
            tw_pack_bin(&message, zeros, (size_t)rows * 8);
            tw_pack_str(&message, "price");
            tw_pack_bin(&message, zeros, (size_t)rows * 8);
            const struct fault wrong = {NULL, LEFT_OUT, TW_HOLD_BAD_COLUMNS,
                                        "\"ids\" is not as long as its lengths say"};
            const struct fault right = {NULL, LEFT_OUT, TW_OK, ""};
            expect(&message, off == 1 ? &right : &wrong);
            tw_buffer_free(&message);
        }
    }
}

static void a_hello_in_columns_needs_no_columns_and_may_bring_names(void **state)
{
    (void)state;
    static const char message[] = "\x86\xa1v\x01\xa3pub\xa1p\xa3seq\x01\xa1n\x00\xa4"
                                  "base\x03\xa5names\x92\xa1X\xa1Y";
    struct tw_submission out;
    enum tw_code hold;
    const char *why;
    assert_int_equal(tw_submission_decode(message, sizeof message - 1, &out, &hold, &why), TW_ENVELOPE_OK);
    assert_int_equal(out.count, 0);
    assert_int_equal(out.names_base, 3);
    assert_int_equal(out.name_count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_in_columns_has_the_content_that_it_has_in_rows),
        cmocka_unit_test(names_travel_once_and_unused_columns_stay_at_home),
        cmocka_unit_test(a_batch_is_full_at_8190_trades),
        cmocka_unit_test(a_batch_is_full_before_one_mebibyte_and_loses_no_name),
        cmocka_unit_test(names_that_the_daemon_lost_go_ahead_in_hellos),
        cmocka_unit_test(hellos_share_names_that_are_too_many_for_one),
        cmocka_unit_test(a_publisher_that_forgot_its_names_starts_behind_them),
        cmocka_unit_test(each_fault_of_a_column_is_held),
        cmocka_unit_test(each_fault_of_names_and_counts_is_held),
        cmocka_unit_test(lengths_of_ids_must_add_up_for_any_number_of_rows),
        cmocka_unit_test(a_hello_in_columns_needs_no_columns_and_may_bring_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
