/* SPDX-License-Identifier: MIT
 *
 * The columnar form: the same trades in another dress, and a dictionary of its own.
 */
#include <stdlib.h>

#include "gateway_world.h"

/* Sends trades in columns; the writer keeps the publisher's names. */
static void send_columns(struct world *world, struct tw_columns *columns, uint64_t seq, uint64_t known,
                         const struct tw_trade *trades, uint32_t count)
{
    struct tw_buffer message = {0};
    for (uint32_t i = 0; i < count; i++)
        assert_true(tw_columns_add(columns, &trades[i]));
    tw_columns_finish(columns, seq, known, &message);
    world_send(world, TW_LANE_PUSH, message.bytes, message.length);
    tw_buffer_free(&message);
}

/* A message of one row by hand, so that every value can be wrong. */
struct one_row {
    uint32_t symbol, account;
    int64_t qty, price, ts;
    uint8_t side, kind;
    const char *name; /* sent as name 1; NULL: no names */
    uint64_t base;
};

static void pack_column(struct tw_buffer *out, const char *key, const void *value, size_t bytes)
{
    tw_pack_str(out, key);
    tw_pack_bin(out, value, bytes);
}

static void send_one(struct world *world, const char *publisher, uint64_t seq, struct one_row row)
{
    struct tw_buffer out = {0};
    tw_pack_map(&out, row.name == NULL ? 6 : 8);
    tw_pack_str(&out, "v");
    tw_pack_u64(&out, 1);
    tw_pack_str(&out, "pub");
    tw_pack_str(&out, publisher);
    tw_pack_str(&out, "inc");
    tw_pack_u64(&out, 0);
    tw_pack_str(&out, "seq");
    tw_pack_u64(&out, seq);
    tw_pack_str(&out, "n");
    tw_pack_u64(&out, 1);
    if (row.name != NULL) {
        tw_pack_str(&out, "base");
        tw_pack_u64(&out, row.base == 0 ? 1 : row.base);
        tw_pack_str(&out, "names");
        tw_pack_array(&out, 1);
        tw_pack_str(&out, row.name);
    }
    tw_pack_str(&out, "cols");
    tw_pack_map(&out, 7);
    pack_column(&out, "symbol", &row.symbol, 4);
    pack_column(&out, "account", &row.account, 4);
    pack_column(&out, "qty", &row.qty, 8);
    pack_column(&out, "price", &row.price, 8);
    pack_column(&out, "ts", &row.ts, 8);
    pack_column(&out, "side", &row.side, 1);
    pack_column(&out, "kind", &row.kind, 1);
    world_send(world, TW_LANE_PUSH, out.bytes, out.length);
    tw_buffer_free(&out);
}

static struct one_row good_row(void)
{
    return (struct one_row){.symbol = 1, .qty = TW_E8, .price = TW_E8, .ts = NOON, .name = "X"};
}

static uint32_t make_trades(struct tw_trade *trades, uint32_t count)
{
    static const char *const symbols[] = {"AA", "BB", "CC"}, *const parties[] = {"P1", NULL, "P2", NULL, NULL};
    static const char *const ids[] = {"i0", NULL, "i2", "i3", NULL, NULL, "i6"};
    for (uint32_t i = 0; i < count; i++) {
        trades[i] = trade_of(symbols[i % 3], i % 4 == 0 ? NULL : symbols[i % 2], i % 2 == 0 ? 'B' : 'S', 1 + i, 10,
                             i % 9 == 5 ? 0 : NOON - 100 * SECOND + (int64_t)i * 300000000);
        trades[i].venue = text_of(parties[i % 5]);
        trades[i].contra = text_of(parties[(i + 2) % 5]);
        trades[i].ccy = text_of(i % 6 == 1 ? "USD" : NULL);
        trades[i].id = text_of(ids[i % 7]);
        if (i % 11 == 10) {
            trades[i].kind = TW_KIND_BUST;
            trades[i].ref = text_of("i0");
            trades[i].symbol = trades[i].account = text_of(NULL);
            trades[i].side = TW_SIDE_NONE;
            trades[i].qty_e8 = trades[i].price_e8 = 0;
        }
        if (i % 13 == 12)
            trades[i].ts_ns = NOON + DAY;
        if (i % 17 == 16)
            trades[i].ccy = text_of("EUR");
    }
    return count;
}

static void both_forms_leave_the_same_log(void **state)
{
    (void)state;
    struct tw_trade trades[200];
    struct world *rows = world_new(1000), *cols = world_new(1000);
    struct tw_columns *columns = tw_columns_new(text_of("p"), 0);
    uint32_t count = make_trades(trades, 200);
    for (uint32_t i = 0; i < count; i += 50) {
        world_push(rows, "p", 0, 1 + i, trades + i, 50);
        send_columns(cols, columns, 1 + i, tw_columns_names(columns), trades + i, 50);
        rows->wall_ns += 7 * SECOND;
        cols->wall_ns += 7 * SECOND;
    }
    world_durable(rows);
    world_durable(cols);
    char *one = log_story(&rows->log), *other = log_story(&cols->log);
    assert_string_equal(one, other);
    assert_in_range(rows->log.refusals, 10, 60);
    assert_int_equal(rows->log.last_seq + rows->log.refusals, 200);
    assert_int_equal(world_ack(cols, "p")->names, tw_columns_names(columns));
    assert_int_equal(world_ack(rows, "p")->names, 0);
    free(one);
    free(other);
    tw_columns_free(&columns);
    world_free(&rows);
    world_free(&cols);
}

static void a_trade_sent_in_rows_may_be_resent_in_columns(void **state)
{
    (void)state;
    struct tw_trade trades[100];
    struct world *world = world_new(1000);
    struct tw_columns *columns = tw_columns_new(text_of("p"), 0);
    uint32_t count = make_trades(trades, 100);
    world_push(world, "p", 0, 1, trades, count);
    world_durable(world);
    uint64_t last = tw_gateway_last_seq(world->gateway);
    send_columns(world, columns, 1, 0, trades, count);
    world_push(world, "p", 0, 1, trades, count);
    assert_int_equal(tw_gateway_last_seq(world->gateway), last);
    assert_int_equal(tw_gateway_counters(world->gateway).holds, 0);
    assert_int_equal(tw_gateway_counters(world->gateway).duplicates, 200);
    tw_columns_free(&columns);
    world_free(&world);
}

/* Sent twice in each pair of forms; how many of the four pairs were told to be another trade. */
static uint32_t pairs_held(const struct tw_trade *trade, struct one_row row, const char *code)
{
    uint32_t held = 0;
    for (int pair = 0; pair < 4; pair++) {
        struct world *world = world_new(100);
        for (int time = 0; time < 2; time++)
            if ((pair >> time & 1) == 0)
                world_push(world, "p", 0, 1, trade, 1);
            else
                send_one(world, "p", 1, row);
        expect_refusal(world, code);
        world_durable(world);
        assert_int_equal(world->log.refusals, 1);
        assert_int_equal(tw_gateway_last_seq(world->gateway), 0);
        uint64_t holds = tw_gateway_counters(world->gateway).holds;
        assert_int_equal(tw_gateway_counters(world->gateway).duplicates, 1 - holds);
        if (holds != 0)
            expect_hold(world_ack(world, "p"), "sequence_reused", 1);
        assert_true(holds == 0 || pair == 1 || pair == 2); /* as it was sent it is always equal */
        held += holds != 0;
        world_free(&world);
    }
    return held;
}

static void what_was_refused_may_be_resent_in_the_other_form_if_it_could_be_read(void **state)
{
    (void)state;
    struct tw_trade trade = trade_of("X", "", 0, 1, 1, NOON + 6 * SECOND);
    struct one_row row = good_row();
    row.ts = trade.ts_ns;
    row.qty = trade.qty_e8;
    row.price = trade.price_e8;
    assert_int_equal(pairs_held(&trade, row, "timestamp_in_future"), 0);
    trade.ts_ns = row.ts = NOON;
    trade.qty_e8 = row.qty = INT64_MAX;
    trade.price_e8 = row.price = 2 * TW_E8;
    assert_int_equal(pairs_held(&trade, row, "amount_out_of_range"), 0);
    trade.qty_e8 = row.qty = TW_E8;
    trade.price_e8 = row.price = TW_E8;
    trade.account = text_of("X"); /* and no side: a form that is none */
    row.account = 1;
    assert_int_equal(pairs_held(&trade, row, "bad_side"), 2);
}

/* Only one process at a time may use a name; of two none gets the other's names for its own. */
static void two_processes_under_one_name_do_not_share_their_names(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct one_row first = good_row(), second = good_row();
    first.name = "X";
    send_one(world, "p", 1, first);
    second.name = "Y"; /* it begins a list of its own without asking */
    send_one(world, "p", 2, second);
    expect_hold(world_ack(world, "p"), "bad_names", 2);
    assert_int_equal(tw_gateway_last_seq(world->gateway), 1);
    world_hello(world, "p", 0); /* it asks, and goes on behind the names that are there */
    const struct tw_ack *ack = world_ack(world, "p");
    expect_no_hold(ack);
    assert_int_equal(ack->names, 1);
    second.base = second.symbol = 2;
    send_one(world, "p", 2, second);
    first.base = first.symbol = 2; /* the first one knows nothing of that */
    first.name = "Z";
    send_one(world, "p", 3, first);
    expect_hold(world_ack(world, "p"), "bad_names", 3);
    first.name = NULL;
    first.symbol = 1; /* nor does it need to, for names of its own */
    send_one(world, "p", 3, first);
    world_durable(world);
    expect_no_hold(world_ack(world, "p"));
    static const char *const symbols[] = {"X", "Y", "X"};
    for (uint64_t seq = 1; seq <= 3; seq++)
        expect_text(log_name(&world->log, TW_NAME_SYMBOL, world_trade(world, seq).symbol), symbols[seq - 1]);
    world_free(&world);
}

static void names_are_forgotten_with_the_process_and_the_ack_says_so(void **state)
{
    (void)state;
    struct tw_trade trade = trade_of("X", "A", 'B', 1, 1, NOON);
    struct world *world = world_new(100);
    struct tw_columns *columns = tw_columns_new(text_of("p"), 0);
    send_columns(world, columns, 1, 0, &trade, 1);
    world_durable(world);
    assert_int_equal(world_ack(world, "p")->names, 2);
    world_restart(world);
    send_columns(world, columns, 2, 2, &trade, 1); /* the publisher believes that its names are known */
    const struct tw_ack *ack = world_ack(world, "p");
    expect_hold(ack, "unknown_name", 2);
    assert_int_equal(ack->names, 0);
    assert_int_equal(ack->next, 2);
    send_columns(world, columns, 2, ack->names, &trade, 1); /* so it sends them again, and is held no longer */
    world_durable(world);
    ack = world_ack(world, "p");
    expect_no_hold(ack);
    assert_int_equal(ack->names, 2);
    assert_int_equal(ack->durable, 2);
    assert_int_equal(world->log.names[TW_NAME_SYMBOL].count, 1);
    tw_columns_free(&columns);
    world_free(&world);
}

static void a_hole_in_the_names_is_held_and_nothing_is_consumed(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct one_row row = good_row();
    row.base = 2; /* name 1 never came */
    row.symbol = 2;
    send_one(world, "p", 1, row);
    const struct tw_ack *ack = world_ack(world, "p");
    expect_hold(ack, "unknown_name", 1);
    assert_int_equal(ack->names, 0);
    assert_int_equal(ack->next, 1);
    row = good_row();
    row.symbol = 2; /* only name 1 comes */
    send_one(world, "p", 1, row);
    ack = world_ack(world, "p");
    expect_hold(ack, "unknown_name", 1);
    assert_int_equal(ack->names, 0);
    send_one(world, "p", 1, good_row());
    world_durable(world);
    expect_no_hold(world_ack(world, "p"));
    world_free(&world);
}

static void a_name_that_was_another_one_before_is_held(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct one_row row = good_row();
    send_one(world, "p", 1, row);
    send_one(world, "p", 2, row); /* repeating a name is fine */
    assert_int_equal(tw_gateway_last_seq(world->gateway), 2);
    row.name = "Y";
    send_one(world, "p", 3, row);
    expect_hold(world_ack(world, "p"), "bad_names", 3);
    assert_int_equal(tw_gateway_last_seq(world->gateway), 2);
    world_free(&world);
}

static void a_name_may_be_good_in_one_role_and_bad_in_another(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct one_row row = good_row();
    row.name = "two words"; /* fine for an account, not for a symbol */
    row.account = 1;
    row.side = TW_SIDE_BUY;
    send_one(world, "p", 1, row);
    expect_refusal(world, "bad_symbol");
    row.name = "sym";
    row.base = 2;
    row.symbol = 2;
    send_one(world, "p", 2, row);
    row.symbol = 1;
    row.name = NULL;
    send_one(world, "p", 3, row); /* still refused, though the name is known as an account by now */
    world_cut(world);
    assert_int_equal(tw_gateway_last_seq(world->gateway), 1);
    assert_int_equal(world->log.refusals, 2);
    expect_refusal(world, "bad_symbol");
    world_free(&world);
}

static void wrong_values_in_columns_are_refused_one_by_one(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    const struct {
        struct one_row row;
        const char *code;
    } cases[] = {
        {{.qty = 0}, "bad_qty"},
        {{.qty = -1}, "bad_qty"},
        {{.price = 0}, "bad_price"},
        {{.price = INT64_MIN}, "bad_price"},
        {{.side = 3}, "bad_side"},
        {{.symbol = 1}, "bad_symbol"}, /* see below: its symbol is left out */
        {{.kind = 3}, "bad_kind"},
        {{.kind = TW_KIND_BUST}, "bad_ref"},
        {{.account = 1}, "bad_side"},
        {{.ts = 1}, "timestamp_implausible"},
        {{.ts = -1}, "timestamp_implausible"},
        {{.ts = NOON + 5 * SECOND + 1}, "timestamp_in_future"},
        {{.ts = INT64_MAX}, "timestamp_in_future"},
        {{.qty = INT64_MAX}, "amount_out_of_range"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct one_row row = good_row(), wrong = cases[i].row;
        row.symbol = wrong.symbol == 1 ? 0 : 1;
        row.account = wrong.account;
        row.side = wrong.side;
        row.kind = wrong.kind;
        row.ts = wrong.ts != 0 ? wrong.ts : row.ts;
        if (strcmp(cases[i].code, "bad_qty") == 0 || wrong.qty != 0)
            row.qty = wrong.qty;
        if (strcmp(cases[i].code, "bad_price") == 0)
            row.price = wrong.price;
        if (strcmp(cases[i].code, "amount_out_of_range") == 0)
            row.price = TW_E8 + 1;
        send_one(world, "p", 1 + i, row);
        expect_refusal(world, cases[i].code);
        assert_int_equal(world_last_refusal(world).pseq, 1 + i);
    }
    assert_int_equal(tw_gateway_last_seq(world->gateway), 0);
    send_one(world, "p", 1 + sizeof cases / sizeof *cases, good_row());
    assert_int_equal(tw_gateway_last_seq(world->gateway), 1);
    world_free(&world);
}

static void the_largest_notional_is_taken_and_one_more_is_refused(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct one_row row = good_row();
    /* notional = round(qty x price / 10^8); price 1.00000000: notional = qty. */
    row.qty = INT64_MAX;
    send_one(world, "p", 1, row);
    assert_int_equal(tw_gateway_last_seq(world->gateway), 1);
    /* 2^62 x (2 - 10^-8) = 2^63 - 46116860184.27: fits; 2^62 x 2 = 2^63: does not. */
    row.qty = INT64_C(1) << 62;
    row.price = 2 * TW_E8 - 1;
    send_one(world, "p", 2, row);
    assert_int_equal(tw_gateway_last_seq(world->gateway), 2);
    row.price = 2 * TW_E8;
    send_one(world, "p", 3, row);
    expect_refusal(world, "amount_out_of_range");
    world_free(&world);
}

static void an_anonymous_columnar_message_brings_its_own_names(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct tw_trade trade = trade_of("X", "A", 'B', 1, 1, NOON), other = trade_of("Y", "B", 'S', 1, 1, NOON);
    for (int i = 0; i < 2; i++) {
        struct tw_columns *columns = tw_columns_new(text_of("x"), 0);
        struct tw_buffer message = {0}, anonymous = {0};
        struct tw_unpacker cursor;
        assert_true(tw_columns_add(columns, i == 0 ? &trade : &other));
        tw_columns_finish(columns, 1, 0, &message);
        /* Take pub, inc and seq out of the envelope. */
        uint32_t pairs = 0;
        struct tw_text key;
        cursor = tw_unpacker_over(message.bytes, message.length);
        assert_true(tw_unpack_map(&cursor, &pairs));
        tw_pack_map(&anonymous, pairs - 3);
        while (pairs-- > 0) {
            size_t start = cursor.offset;
            assert_true(tw_unpack_text(&cursor, &key) && tw_unpack_skip(&cursor));
            if (!tw_text_is(key, "pub") && !tw_text_is(key, "inc") && !tw_text_is(key, "seq"))
                tw_buffer_append(&anonymous, message.bytes + start, cursor.offset - start);
        }
        world_send(world, TW_LANE_PUSH, anonymous.bytes, anonymous.length);
        tw_buffer_free(&message);
        tw_buffer_free(&anonymous);
        tw_columns_free(&columns);
    }
    world_cut(world);
    assert_int_equal(tw_gateway_last_seq(world->gateway), 2);
    expect_text(log_name(&world->log, TW_NAME_SYMBOL, world_trade(world, 2).symbol), "Y");
    world_free(&world);
}

static void a_hello_may_carry_names(void **state)
{
    (void)state;
    for (enum tw_lane lane = TW_LANE_PUSH; lane <= TW_LANE_FEED; lane++) {
        struct world *world = world_new(100);
        struct tw_trade trade = trade_of("X", "A", 'B', 1, 1, NOON);
        struct tw_columns *columns = tw_columns_new(text_of("p"), 0);
        struct tw_buffer hello = {0}, message = {0};
        tw_pack_map(&hello, 7);
        tw_pack_str(&hello, "v");
        tw_pack_u64(&hello, 1);
        tw_pack_str(&hello, "pub");
        tw_pack_str(&hello, "p");
        tw_pack_str(&hello, "inc");
        tw_pack_u64(&hello, 0);
        tw_pack_str(&hello, "seq");
        tw_pack_u64(&hello, 1);
        tw_pack_str(&hello, "n");
        tw_pack_u64(&hello, 0);
        tw_pack_str(&hello, "base");
        tw_pack_u64(&hello, 1);
        tw_pack_str(&hello, "names");
        tw_pack_array(&hello, 2);
        tw_pack_str(&hello, "X");
        tw_pack_str(&hello, "A");
        assert_true(tw_columns_add(columns, &trade));
        tw_columns_finish(columns, 1, 2, &message); /* so the trade needs none */
        world_send(world, lane, hello.bytes, hello.length);
        if (lane == TW_LANE_PUSH)
            assert_int_equal(world_ack(world, "p")->names, 2);
        world_send(world, lane, message.bytes, message.length);
        assert_int_equal(tw_gateway_last_seq(world->gateway), 1);
        tw_buffer_free(&hello);
        tw_buffer_free(&message);
        tw_columns_free(&columns);
        world_free(&world);
    }
}

static void the_log_shows_what_a_refused_row_of_columns_said(void **state)
{
    (void)state;
    struct world *world = world_new(100);
    struct one_row row = good_row();
    row.ts = NOON + 60 * SECOND;
    send_one(world, "p", 1, row);
    expect_refusal(world, "timestamp_in_future");
    struct tw_text raw = world_last_refusal(world).raw, key = {0};
    struct tw_unpacker cursor = tw_unpacker_over(raw.bytes, raw.length);
    uint32_t pairs = 0;
    assert_true(tw_unpack_map(&cursor, &pairs) && tw_unpack_text(&cursor, &key));
    expect_text(key, "symbol");
    assert_true(tw_unpack_text(&cursor, &key));
    expect_text(key, "X");
    row.qty = -1; /* not even of the right form */
    send_one(world, "p", 2, row);
    expect_refusal(world, "bad_qty");
    raw = world_last_refusal(world).raw;
    assert_true(tw_unpack_check(raw.bytes, raw.length));
    world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_leave_the_same_log),
        cmocka_unit_test(a_trade_sent_in_rows_may_be_resent_in_columns),
        cmocka_unit_test(what_was_refused_may_be_resent_in_the_other_form_if_it_could_be_read),
        cmocka_unit_test(two_processes_under_one_name_do_not_share_their_names),
        cmocka_unit_test(names_are_forgotten_with_the_process_and_the_ack_says_so),
        cmocka_unit_test(a_hole_in_the_names_is_held_and_nothing_is_consumed),
        cmocka_unit_test(a_name_that_was_another_one_before_is_held),
        cmocka_unit_test(a_name_may_be_good_in_one_role_and_bad_in_another),
        cmocka_unit_test(wrong_values_in_columns_are_refused_one_by_one),
        cmocka_unit_test(the_largest_notional_is_taken_and_one_more_is_refused),
        cmocka_unit_test(an_anonymous_columnar_message_brings_its_own_names),
        cmocka_unit_test(a_hello_may_carry_names),
        cmocka_unit_test(the_log_shows_what_a_refused_row_of_columns_said),
    };
    return cmocka_run_group_tests_name("gateway: columns", tests, NULL, NULL);
}
