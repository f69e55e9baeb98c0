/* SPDX-License-Identifier: MIT
 *
 * Replay of a tape: RULES' worked example, and one digest however it is cut and spread.
 */
#include "tests/unit/tape_world.h"

#include <stdio.h>
#include <stdlib.h>

#include "protocol/check.h"
#include "tools/replay.h"

struct heard {
    char lines[4096]; /* the digest's lines; empty when there are too many to look at */
    char codes[256];
    char problems[256];
};

static void on_alert(void *context, const struct tw_router_alert *alert)
{
    struct heard *heard = context;
    size_t length = strlen(heard->lines);
    if (length + strlen(alert->digest_line) < sizeof heard->lines)
        strcpy(heard->lines + length, alert->digest_line);
}

static void on_refused(void *context, const struct tw_refusal *refusal)
{
    struct heard *heard = context;
    size_t length = strlen(heard->codes);
    snprintf(heard->codes + length, sizeof heard->codes - length, "%llu %.*s;", (unsigned long long)refusal->pseq,
             (int)refusal->code.length, refusal->code.bytes);
}

static void on_bad(void *context, const char *problem)
{
    struct heard *heard = context;
    size_t length = strlen(heard->problems);
    snprintf(heard->problems + length, sizeof heard->problems - length, "%s;", problem);
}

static void on_progress(void *context, uint64_t done, uint64_t total)
{
    (void)context, (void)done, (void)total;
}

struct way {
    uint32_t shards, block_trades;
    bool skip_bad;
    const char *set; /* one setting, or NULL */
};

static struct tw_replay_totals replay(const char *text, struct way way, struct heard *heard)
{
    struct tw_replay_totals totals;
    struct tw_cfg_error error;
    const struct tw_cfg_sources sources = {.sets = &way.set, .set_count = way.set != NULL};
    struct tw_cfg *cfg = tw_cfg_load(&sources, &error);
    assert_non_null(cfg);
    memset(heard, 0, sizeof *heard);
    const struct tw_replay_settings settings = {.cfg = cfg,
                                                .shards = way.shards,
                                                .block_trades = way.block_trades,
                                                .skip_bad = way.skip_bad,
                                                .publisher = "desk-7",
                                                .alert = on_alert,
                                                .refused = on_refused,
                                                .bad = on_bad,
                                                .progress = on_progress,
                                                .context = heard};
    struct tw_tape *tape = tape_of(text);
    tw_replay_tape(&settings, tape, &totals);
    tw_tape_free(&tape);
    tw_cfg_free(&cfg);
    return totals;
}

static void the_worked_example_has_its_four_events_and_the_digest_of_the_wire_page(void **state)
{
    (void)state;
    struct heard heard;
    struct tw_replay_totals totals = replay("ts,symbol,side,qty,price,account\n"
                                            "1381190400000000000,X,B,4000,150,A\n"
                                            "1381190400000000001,X,B,3000,150,A\n"
                                            "1381190400000000002,X,S,1000,150,A\n",
                                            (struct way){1, 8190, false, "exposure/remark=0"}, &heard);
    char digest[2 * TW_SHA256_BYTES + 1];
    tw_hex(totals.digest, sizeof totals.digest, digest);
    assert_int_equal(totals.trades, 3);
    assert_int_equal(totals.alerts, 4);
    assert_string_equal(heard.lines, "1 open HIGH_SYMBOL_EXPOSURE HIGH X 1 60000000000000\n"
                                     "2 open HIGH_CLIENT_EXPOSURE HIGH A 2 105000000000000\n"
                                     "3 escalate HIGH_SYMBOL_EXPOSURE CRITICAL X 2 105000000000000\n"
                                     "4 resolve HIGH_CLIENT_EXPOSURE HIGH A 3 90000000000000\n");
    assert_string_equal(digest, "00e9e0b3f23ccb119989da88fef2afbd65c10526995fdc8fc222ac593bb2bc07");
}

static void a_re_marking_may_change_more_than_64_bits_hold(void **state)
{
    (void)state;
    struct heard heard;
    for (uint32_t shards = 1; shards <= 3; shards++) {
        replay("ts,symbol,side,qty,price,account\n"
               "1381190400000000000,X,B,80000000000,0.00001,A\n"
               "1381190400000000001,X,S,80000000000,0.00001,C\n"
               "1381190400000000002,X,B,1,3,B\n"
               "1381190401500000000,Y,B,1,1,B\n"
               "1381190401500000001,X,B,1,0.00001,B\n"
               "1381190402500000000,Y,B,1,1,B\n",
               (struct way){shards, 8190, false, "exposure/remark=1"}, &heard);
        assert_string_equal(heard.lines, "1 fire LARGE_TRADE HIGH desk-7/0/1 1 8000000000000000000\n"
                                         "2 open HIGH_SYMBOL_EXPOSURE CRITICAL X 1 80000000000000\n"
                                         "3 fire LARGE_TRADE HIGH desk-7/0/2 2 8000000000000000000\n"
                                         "4 open HIGH_CLIENT_EXPOSURE CRITICAL A 4 24000000000000000000\n"
                                         "5 open HIGH_CLIENT_EXPOSURE CRITICAL C 4 24000000000000000000\n"
                                         "6 resolve HIGH_CLIENT_EXPOSURE CRITICAL A 6 80000000000000\n"
                                         "7 resolve HIGH_CLIENT_EXPOSURE CRITICAL C 6 80000000000000\n");
    }
}

/* Busy accounts, late trades, prints, seconds crossed, ids used again, busts and corrects of near and far trades. */
static char *lively_tape(uint32_t rows)
{
    char *text = tw_alloc((size_t)rows * 128 + 128);
    size_t length = (size_t)sprintf(text, "ts,symbol,side,qty,price,account,id,kind,ref\n");
    uint64_t chance = 12345;
    for (uint32_t i = 1; i <= rows; i++) {
        chance = chance * UINT64_C(6364136223846793005) + 1442695040888963407;
        unsigned pick = (unsigned)(chance >> 33);
        int64_t ts_ns = INT64_C(1381190400000000000) + (int64_t)i * 90000000 - (pick % 13 == 0) * 70000000;
        const char *kind = pick % 17 == 0 && i > 50 ? "bust" : pick % 19 == 0 && i > 50 ? "correct" : "";
        if (kind[0] == 'b') {
            length += (size_t)sprintf(text + length, "%lld,,,,,,,bust,x-%u\n", (long long)ts_ns, pick % i);
            continue;
        }
        length += (size_t)sprintf(text + length, "%lld,S%u,%s,%u.%u,%u.5,%s%u,x-%u,%s,", (long long)ts_ns, pick % 5,
                                  pick % 2 ? "B" : "S", pick % 31 == 0 ? 12000 : pick % 300, pick % 10, 100 + pick % 7,
                                  pick % 4 ? "A" : "B", pick % 40, i % 400, kind);
        length +=
            (size_t)(kind[0] == 'c' ? sprintf(text + length, "x-%u\n", pick % 400) : sprintf(text + length, "\n"));
    }
    return text;
}

static void shards_and_blocks_change_nothing(void **state)
{
    (void)state;
    struct heard heard, first_heard;
    char *text = lively_tape(5000);
    struct tw_replay_totals first = replay(text, (struct way){1, 8190, false, NULL}, &first_heard);
    assert_true(first.alerts > 100);
    assert_true(first.refused > 0);
    assert_true(first.trades + first.refused == 5000);
    const struct way ways[] = {
        {2, 8190, false, NULL}, {5, 7, false, NULL}, {1, 1, false, NULL}, {3, 4096, false, NULL}};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct tw_replay_totals totals = replay(text, ways[i], &heard);
        assert_memory_equal(&totals, &first, sizeof totals);
        assert_string_equal(heard.lines, first_heard.lines);
        assert_string_equal(heard.codes, first_heard.codes);
    }
    free(text);
}

static void a_bust_finds_the_latest_trade_of_its_id_however_far_back(void **state)
{
    (void)state;
    struct heard heard;
    const char *text = "ts,symbol,side,qty,price,account,id,kind,ref\n"
                       "1381190400000000000,X,B,4000,150,A,x-1,,\n"
                       "1381190400000000001,X,B,1,150,A,x-1,,\n"
                       "1381190400000000002,Y,B,1,1,B,x-2,,\n"
                       "1381190400000000003,,,,,,,bust,x-1\n"  /* of the second */
                       "1381190400000000004,,,,,,,bust,x-1\n"  /* of the first: X resolves */
                       "1381190400000000005,,,,,,,bust,x-1\n"; /* of none */
    for (uint32_t block = 1; block <= 6; block++) {
        struct tw_replay_totals totals = replay(text, (struct way){1, block, false, "exposure/remark=0"}, &heard);
        assert_int_equal(totals.trades, 5);
        assert_int_equal(totals.refused, 1);
        assert_string_equal(heard.codes, "6 unknown_ref;");
        assert_string_equal(heard.lines, "1 open HIGH_SYMBOL_EXPOSURE HIGH X 1 60000000000000\n"
                                         "2 retract HIGH_SYMBOL_EXPOSURE HIGH X 5 0\n");
    }
}

static void a_malformed_line_ends_the_tape_unless_it_is_skipped(void **state)
{
    (void)state;
    struct heard heard;
    const char *text = "symbol,qty,price\nX,1,1\nX,one,1\nX,1,1\n";
    struct tw_replay_totals totals = replay(text, (struct way){1, 8190, false, NULL}, &heard);
    assert_int_equal(totals.trades, 1);
    assert_int_equal(totals.malformed, 1);
    totals = replay(text, (struct way){1, 8190, true, NULL}, &heard);
    assert_int_equal(totals.trades, 2);
    assert_int_equal(totals.malformed, 1);
    assert_string_equal(heard.problems, "t.csv:3: column qty: not a number with at most 8 decimals, without sign and "
                                        "exponent: \"one\";");
}

static void rows_without_ts_have_the_one_before_them(void **state)
{
    (void)state;
    struct heard heard;
    const char *some = "{\"symbol\":\"X\",\"qty\":20000,\"price\":1}\n"
                       "{\"symbol\":\"X\",\"qty\":20000,\"price\":1,\"ts\":1381190400000000000}\n"
                       "{\"symbol\":\"X\",\"qty\":1,\"price\":1,\"ts\":1381190400}\n" /* refused, as before 1990; */
                       "{\"symbol\":\"X\",\"qty\":1,\"price\":1,\"ts\":9000000000000000000}\n" /* in the future */
                       "{\"symbol\":\"X\",\"qty\":20000,\"price\":1}\n",
               *all = "ts,symbol,qty,price\n"
                      "631152000000000000,X,20000,1\n"
                      "1381190400000000000,X,20000,1\n"
                      "1381190400,X,1,1\n"
                      "9000000000000000000,X,1,1\n"
                      "1381190400000000000,X,20000,1\n";
    struct tw_replay_totals without = replay(some, (struct way){1, 8190, false, NULL}, &heard);
    assert_int_equal(without.undated, 2);
    assert_string_equal(heard.codes, "3 timestamp_implausible;4 timestamp_in_future;");
    struct tw_replay_totals with = replay(all, (struct way){1, 8190, false, NULL}, &heard);
    assert_int_equal(with.alerts, 3);
    assert_int_equal(with.undated, 0);
    assert_memory_equal(without.digest, with.digest, sizeof with.digest);
    assert_memory_equal(without.record_digest, with.record_digest, sizeof with.record_digest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worked_example_has_its_four_events_and_the_digest_of_the_wire_page),
        cmocka_unit_test(a_re_marking_may_change_more_than_64_bits_hold),
        cmocka_unit_test(shards_and_blocks_change_nothing),
        cmocka_unit_test(a_bust_finds_the_latest_trade_of_its_id_however_far_back),
        cmocka_unit_test(rows_without_ts_have_the_one_before_them),
        cmocka_unit_test(a_malformed_line_ends_the_tape_unless_it_is_skipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
