/* SPDX-License-Identifier: MIT
 *
 * Export: one trade a line in sequence order, all of them or some, whether the index has reached them or not.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "store/inside.h"
#include "store_world.h"
#include "tools/store_export.h"

static int setup(void **state)
{
    *state = world_new();
    return 0;
}

static int teardown(void **state)
{
    world_free(*state);
    return 0;
}

static const struct tw_store_export everything = {.from_seq = 1, .to_seq = UINT64_MAX, .json = true};

/* The text of an export; free() it. */
static char *export(struct world *world, struct tw_store_export what, enum tw_store_exported expected)
{
    char *text = NULL;
    size_t length = 0;
    what.out = open_memstream(&text, &length);
    assert_non_null(what.out);
    assert_int_equal(tw_store_export_trades(world->store, &what, &world->error), expected);
    fclose(what.out);
    return text;
}

static void expect(struct world *world, struct tw_store_export what, const char *text)
{
    char *out = export(world, what, TW_STORE_EXPORTED);
    assert_string_equal(out, text);
    free(out);
}

/* ---- every field ---- */

static struct tw_new_name name(enum tw_name_kind kind, uint32_t id, uint32_t incarnation, const char *text)
{
    return (struct tw_new_name){kind, id, incarnation, {text, (uint32_t)strlen(text)}};
}

/* Three trades: all fields, with what JSON and CSV have to quote; a market print with none; a bust of the first. */
static void append_three(struct world *world)
{
    static const int64_t ts[] = {NOON, NOON + 1, NOON + 2}, qty[] = {150000000, 1, 150000000},
                         price[] = {12345678901, TW_E8, 12345678901};
    static const uint64_t pseq[] = {1, 2, 9};
    static const uint32_t symbol[] = {1, 2, 1}, account[] = {1, 0, 1}, source[] = {1, 1, 2}, venue[] = {1, 0, 0},
                          owner[] = {2, 0, 0}, contra[] = {3, 0, 0}, broker[] = {4, 0, 0}, ccy[] = {5, 0, 0};
    static const uint8_t id_length[] = {3, 0, 2}, attrs[] = {TW_ATTR_MAKE(TW_SIDE_SELL, TW_KIND_TRADE),
                                                             TW_ATTR_MAKE(TW_SIDE_NONE, TW_KIND_TRADE),
                                                             TW_ATTR_MAKE(TW_SIDE_SELL, TW_KIND_BUST)};
    static const struct tw_original original = {.row = 2,
                                                .symbol = 1,
                                                .account = 1,
                                                .side = TW_SIDE_SELL,
                                                .seq = 1,
                                                .qty_e8 = 150000000,
                                                .price_e8 = 12345678901,
                                                .ts_ns = NOON};
    const struct tw_new_name names[] = {name(TW_NAME_SOURCE, 1, 0, "desk-1"),
                                        name(TW_NAME_SOURCE, 2, 7, "desk-2"),
                                        name(TW_NAME_SYMBOL, 1, 0, "A,B\""),
                                        name(TW_NAME_SYMBOL, 2, 0, "X"),
                                        name(TW_NAME_ACCOUNT, 1, 0, "z\xc3\xbcrich"),
                                        name(TW_NAME_PARTY, 1, 0, "XNAS"),
                                        name(TW_NAME_PARTY, 2, 0, "own"),
                                        name(TW_NAME_PARTY, 3, 0, "con\\tra"),
                                        name(TW_NAME_PARTY, 4, 0, "bro"),
                                        name(TW_NAME_PARTY, 5, 0, "EUR")};
    struct tw_block block = {.lsn = 1,
                             .count = 3,
                             .ids = (const uint8_t *)"e-1b1",
                             .ids_bytes = 5,
                             .originals = (const uint8_t *)&original,
                             .original_count = 1};
#define SET(member) block.member = (const uint8_t *)member
    SET(ts), SET(qty), SET(price), SET(pseq), SET(symbol), SET(account), SET(source), SET(attrs), SET(id_length);
    SET(venue), SET(owner), SET(contra), SET(broker), SET(ccy);
#undef SET
    const struct tw_block_lists lists = {.names = names, .name_count = sizeof names / sizeof names[0]};
    struct tw_frame *frame = tw_block_encode(&block, &lists);
    world_append(world, &frame, 1);
}

#define JSON_1                                                                                                         \
    "{\"seq\":1,\"pub\":\"desk-1\",\"inc\":0,\"pseq\":1,\"symbol\":\"A,B\\\"\",\"side\":\"S\",\"qty\":\"1.5\","        \
    "\"price\":\"123.45678901\",\"ts\":1381233600000000000,\"account\":\"z\xc3\xbcrich\",\"id\":\"e-1\","              \
    "\"venue\":\"XNAS\",\"owner\":\"own\",\"contra\":\"con\\\\tra\",\"broker\":\"bro\",\"ccy\":\"EUR\","               \
    "\"kind\":\"trade\"}\n"
#define JSON_2                                                                                                         \
    "{\"seq\":2,\"pub\":\"desk-1\",\"inc\":0,\"pseq\":2,\"symbol\":\"X\",\"qty\":\"0.00000001\",\"price\":\"1\","      \
    "\"ts\":1381233600000000001,\"kind\":\"trade\"}\n"
#define JSON_3                                                                                                         \
    "{\"seq\":3,\"pub\":\"desk-2\",\"inc\":7,\"pseq\":9,\"symbol\":\"A,B\\\"\",\"side\":\"S\",\"qty\":\"1.5\","        \
    "\"price\":\"123.45678901\",\"ts\":1381233600000000002,\"account\":\"z\xc3\xbcrich\",\"id\":\"b1\","               \
    "\"kind\":\"bust\",\"ref_seq\":1}\n"

static void every_field_is_written_as_json(void **state)
{
    append_three(*state);
    expect(*state, everything, JSON_1 JSON_2 JSON_3);
}

static void every_field_is_written_as_csv(void **state)
{
    struct tw_store_export csv = everything;
    csv.json = false;
    append_three(*state);
    expect(
        *state, csv,
        "seq,pub,inc,pseq,symbol,side,qty,price,ts,account,id,venue,owner,contra,broker,ccy,kind,ref_seq\n"
        "1,desk-1,0,1,\"A,B\"\"\",S,1.5,123.45678901,1381233600000000000,z\xc3\xbcrich,e-1,XNAS,own,con\\tra,bro,EUR,"
        "trade,\n"
        "2,desk-1,0,2,X,,0.00000001,1,1381233600000000001,,,,,,,,trade,\n"
        "3,desk-2,7,9,\"A,B\"\"\",S,1.5,123.45678901,1381233600000000002,z\xc3\xbcrich,b1,,,,,,bust,1\n");
}

/* Its trades would otherwise come without a publisher, and exit code 0. */
static void a_name_that_cannot_be_read_ends_the_export(void **state)
{
    struct world *world = *state;
    append_three(world);
    static const char key[5] = {TW_NAME_SOURCE, 0, 0, 0, 2};
    char *message = NULL;
    rocksdb_delete_cf(world->store->db, world->store->write_options, world->store->families[TW_FAMILY_NAMES], key,
                      sizeof key, &message);
    assert_null(message);
    free(export(world, everything, TW_STORE_NOT_READABLE));
    assert_non_null(strstr(world->error.text, "row of a name"));
}

static void a_name_that_the_log_does_not_know_is_said(void **state)
{
    struct world *world = *state;
    append_three(world);
    struct tw_store_export what = everything;
    what.account = "zurich";
    free(export(world, what, TW_STORE_NO_SUCH_NAME));
    assert_string_equal(world->error.text, "the log knows no account zurich");
    what.account = NULL;
    what.symbol = "x";
    free(export(world, what, TW_STORE_NO_SUCH_NAME));
    assert_string_equal(world->error.text, "the log knows no symbol x");
}

static void filters_choose(void **state)
{
    struct world *world = *state;
    append_three(world);
    for (int indexed = 0; indexed < 2; indexed++) {
        struct tw_store_export what = everything;
        what.symbol = "X";
        expect(world, what, JSON_2);
        what.symbol = "A,B\"";
        what.from_seq = 2;
        expect(world, what, JSON_3);
        what.to_seq = 2;
        expect(world, what, "");
        what = everything;
        what.account = "z\xc3\xbcrich";
        expect(world, what, JSON_1 JSON_3);
        what.symbol = "X"; /* both must agree */
        expect(world, what, "");
        what = everything;
        what.from_seq = what.to_seq = 2;
        expect(world, what, JSON_2);
        assert_int_equal(tw_store_index_step(world->store, 0, &world->error), indexed == 0 ? 3 : 0);
    }
}

/* ---- many ---- */

static bool wanted(const struct fed_trade *trade, uint32_t account, uint32_t symbol)
{
    return (account == 0 || trade->account == account) && (symbol == 0 || trade->symbol == symbol);
}

static void check_many(struct world *world, uint32_t account, uint32_t symbol, uint64_t from, uint64_t to)
{
    char account_name[16], symbol_name[16];
    snprintf(account_name, sizeof account_name, "acc-%" PRIu32, account);
    snprintf(symbol_name, sizeof symbol_name, "SYM%" PRIu32, symbol);
    struct tw_store_export what = {.account = account == 0 ? NULL : account_name,
                                   .symbol = symbol == 0 ? NULL : symbol_name,
                                   .from_seq = from,
                                   .to_seq = to,
                                   .json = true};
    char *text = export(world, what, TW_STORE_EXPORTED), *at = text;
    for (uint64_t seq = from == 0 ? 1 : from; seq <= to && seq <= world->feed.seq; seq++) {
        const struct fed_trade *trade = &world->feed.trades[seq - 1];
        if (!wanted(trade, account, symbol))
            continue;
        char start[128], id[48] = "", ref[48] = "\n";
        snprintf(start, sizeof start,
                 "{\"seq\":%" PRIu64 ",\"pub\":\"%s\",\"inc\":%d,\"pseq\":%" PRIu64 ",\"symbol\":\"SYM%" PRIu32 "\"",
                 seq, feed_publisher(trade->source), trade->source == 3, trade->pseq, trade->symbol);
        assert_memory_equal(at, start, strlen(start));
        char *end = strchr(at, '\n');
        assert_non_null(end);
        *end = '\0';
        if (trade->id[0] != '\0')
            snprintf(id, sizeof id, "\"id\":\"%s\"", trade->id);
        assert_non_null(strstr(at, id));
        if (trade->kind != TW_KIND_TRADE) {
            snprintf(ref, sizeof ref, "\"ref_seq\":%" PRIu64 "}", trade->original_seq);
            assert_non_null(strstr(at, ref));
        }
        at = end + 1;
    }
    assert_int_equal(*at, '\0');
    free(text);
}

static void exports_agree_with_what_was_fed(void **state)
{
    struct world *world = *state;
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < 10; i++) {
            struct tw_frame *frame = feed_block(&world->feed, 1 + (uint32_t)feed_random(&world->feed, 400), 1);
            world_append(world, &frame, 1);
        }
        check_many(world, 0, 0, 0, UINT64_MAX);
        for (uint32_t i = 1; i <= 30; i++) {
            uint64_t from = feed_random(&world->feed, world->feed.seq);
            check_many(world, i, 0, 0, UINT64_MAX);
            check_many(world, 0, i, from, from + 500);
            check_many(world, i, i % 7, from, UINT64_MAX);
            check_many(world, 0, 0, from, from + 100);
        }
        if (round == 0)
            assert_true(tw_store_index_step(world->store, 0, &world->error) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_field_is_written_as_json, setup, teardown),
        cmocka_unit_test_setup_teardown(every_field_is_written_as_csv, setup, teardown),
        cmocka_unit_test_setup_teardown(a_name_that_cannot_be_read_ends_the_export, setup, teardown),
        cmocka_unit_test_setup_teardown(a_name_that_the_log_does_not_know_is_said, setup, teardown),
        cmocka_unit_test_setup_teardown(filters_choose, setup, teardown),
        cmocka_unit_test_setup_teardown(exports_agree_with_what_was_fed, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
