/* SPDX-License-Identifier: MIT
 *
 * Acks, alerts, heads, catch-up requests, their ends, refusals: what is encoded comes back; what is not as it must be
 * does not pass.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/messages.h"
#include "tests/unit/raw_maps.h"

#define TS INT64_C(1381190400000000000)

static bool same_text(struct tw_text a, struct tw_text b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.bytes, b.bytes, a.length) == 0);
}

/* ---- ack ---- */

static struct tw_ack full_ack(void)
{
    struct tw_ack ack = {.publisher = TEXT("desk-7"),
                         .incarnation = 3,
                         .durable = 4096,
                         .next = UINT64_C(1) << 62,
                         .gap = 2,
                         .credit = 65536,
                         .names = 70000,
                         .refused_total = 100000,
                         .has_hold = true,
                         .hold_code = TEXT("disk"),
                         .hold_seq = 5,
                         .hold_why = TEXT("full"),
                         .has_previous = true,
                         .previous_incarnation = 2,
                         .previous_durable = 150};
    for (uint32_t i = 0; i < TW_ACK_REFUSALS_MAX; i++)
        ack.refused[i] = (struct tw_ack_refusal){i + 1, TEXT("bad_price"), TEXT("price is 0")};
    ack.refused_count = TW_ACK_REFUSALS_MAX;
    return ack;
}

static void an_ack_comes_back_whole(void **state)
{
    (void)state;
    const struct tw_ack ack = full_ack();
    struct tw_buffer bytes = {0};
    struct tw_ack out;
    tw_ack_encode(&bytes, &ack);
    assert_true(tw_ack_decode(bytes.bytes, bytes.length, &out));
    assert_true(same_text(out.publisher, ack.publisher));
    assert_int_equal(out.incarnation, 3);
    assert_int_equal(out.durable, 4096);
    assert_int_equal(out.next, UINT64_C(1) << 62);
    assert_int_equal(out.gap, 2);
    assert_int_equal(out.credit, 65536);
    assert_int_equal(out.names, 70000);
    assert_int_equal(out.refused_total, 100000);
    assert_int_equal(out.refused_count, TW_ACK_REFUSALS_MAX);
    assert_int_equal(out.refused[63].seq, 64);
    assert_true(same_text(out.refused[63].why, TEXT("price is 0")));
    assert_true(out.has_hold);
    assert_true(same_text(out.hold_code, TEXT("disk")));
    assert_true(same_text(out.hold_why, TEXT("full")));
    assert_int_equal(out.hold_seq, 5);
    assert_true(out.has_previous);
    assert_int_equal(out.previous_incarnation, 2);
    assert_int_equal(out.previous_durable, 150);
    tw_buffer_free(&bytes);
}

static void an_ack_without_hold_and_previous_says_so(void **state)
{
    (void)state;
    const struct tw_ack ack = {.publisher = TEXT("p"), .next = 1};
    struct tw_buffer bytes = {0};
    struct tw_ack out;
    tw_ack_encode(&bytes, &ack);
    assert_true(tw_ack_decode(bytes.bytes, bytes.length, &out));
    assert_false(out.has_hold);
    assert_false(out.has_previous);
    assert_int_equal(out.refused_count, 0);
    tw_buffer_free(&bytes);
}

/* {"v":1,"pub":"p","durable":0,"next":1,"credit":9} with one key replaced, added or left out. */
static bool ack_passes(const char *key, struct raw value, struct tw_ack *out)
{
    static const struct raw_pair usual[] = {{"v", RAW("\x01")},
                                            {"pub", RAW("\xa1p")},
                                            {"durable", RAW("\x00")},
                                            {"next", RAW("\x01")},
                                            {"credit", RAW("\x09")}};
    static struct tw_buffer bytes; /* out borrows from it */
    bytes.length = 0;
    put_map(&bytes, usual, sizeof usual / sizeof usual[0], key, value);
    return tw_ack_decode(bytes.bytes, bytes.length, out);
}

static void an_ack_with_news_of_a_newer_daemon_passes(void **state)
{
    (void)state;
    struct tw_ack out;
    assert_true(ack_passes("weather", (struct raw)RAW("\x81\xa4wind\x07"), &out));
    assert_int_equal(out.credit, 9);
}

static void an_ack_that_lists_more_than_64_refusals_keeps_the_newest(void **state)
{
    (void)state;
    struct tw_buffer list = {0};
    struct tw_ack out;
    tw_pack_array(&list, 70);
    for (uint64_t i = 1; i <= 70; i++) {
        tw_pack_map(&list, 2);
        tw_pack_str(&list, "seq");
        tw_pack_u64(&list, i);
        tw_pack_str(&list, "code");
        tw_pack_str(&list, "bad_qty");
    }
    assert_true(ack_passes("refused", (struct raw){(const char *)list.bytes, list.length}, &out));
    assert_int_equal(out.refused_count, 64);
    assert_int_equal(out.refused[0].seq, 7);
    assert_int_equal(out.refused[63].seq, 70);
    tw_buffer_free(&list);
}

static void an_ack_that_is_not_as_it_must_be_does_not_pass(void **state)
{
    (void)state;
    static const struct raw_pair faults[] = {{"v", RAW("\x02")},
                                             {"v", LEFT_OUT},
                                             {"pub", RAW("\xa0")},
                                             {"pub", RAW("\x01")},
                                             {"durable", LEFT_OUT},
                                             {"next", RAW("\xff")},
                                             {"credit", RAW("\xca\x41\x10\x00\x00")},
                                             {"refused", RAW("\x01")},
                                             {"refused", RAW("\x91\x01")},
                                             {"refused", RAW("\x91\x81\xa3seq\x01")},
                                             {"hold", RAW("\xa4"
                                                          "disk")},
                                             {"hold", RAW("\x80")},
                                             {"previous", RAW("\x81\xa3inc\x01")},
                                             {"inc", RAW("\xcf\x00\x00\x00\x01\x00\x00\x00\x00")}};
    struct tw_ack out;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        if (ack_passes(faults[i].key, faults[i].value, &out))
            fail_msg("an ack with a wrong %s passed (row %zu)", faults[i].key, i);
}

static void every_truncation_of_an_ack_is_refused(void **state)
{
    (void)state;
    const struct tw_ack ack = full_ack();
    struct tw_buffer bytes = {0};
    struct tw_ack out;
    tw_ack_encode(&bytes, &ack);
    for (size_t length = 0; length < bytes.length; length++)
        assert_false(tw_ack_decode(bytes.bytes, length, &out));
    tw_pack_nil(&bytes);
    assert_false(tw_ack_decode(bytes.bytes, bytes.length, &out));
    tw_buffer_free(&bytes);
}

/* ---- alert ---- */

static struct tw_alert full_alert(void)
{
    struct tw_alert alert = {.n = 7,
                             .event = "open",
                             .type = "HIGH_CLIENT_EXPOSURE",
                             .severity = "HIGH",
                             .entity_type = "CLIENT",
                             .entity = TEXT("A"),
                             .message = TEXT("A: too much"),
                             .form = TW_AMOUNT_E8,
                             .unit = "USD",
                             .rule = TEXT("client_exposure"),
                             .rule_version = 1,
                             .config = TEXT("c0ffee"),
                             .seq = 99,
                             .ts_ns = TS,
                             .trade_count = 1000,
                             .detected_at_ns = TS + 5};
    for (size_t i = 0; i < sizeof alert.id; i++)
        alert.id[i] = (uint8_t)(i * 17);
    alert.value = (tw_i128)105000000000001;
    alert.threshold = (tw_i128)100000000000000;
    for (uint32_t i = 0; i < TW_ALERT_TRADES_MAX; i++) {
        alert.trades[i] = (struct tw_alert_trade){.seq = i + 1, .publisher = TEXT("desk-7"), .pseq = i + 100};
        if (i % 2 == 0)
            alert.trades[i].id = TEXT("x");
    }
    alert.trade_count_listed = TW_ALERT_TRADES_MAX;
    return alert;
}

static void an_alert_comes_back_whole(void **state)
{
    (void)state;
    const struct tw_alert alert = full_alert();
    struct tw_buffer bytes = {0};
    struct tw_alert_view view;
    struct tw_alert_trade trade;
    tw_alert_encode(&bytes, &alert);
    assert_true(tw_alert_decode(bytes.bytes, bytes.length, &view));
    assert_int_equal(view.n, 7);
    assert_true(tw_text_is(view.id, "00112233445566778899aabbccddeeff"));
    assert_true(tw_text_is(view.event, "open"));
    assert_true(tw_text_is(view.type, "HIGH_CLIENT_EXPOSURE"));
    assert_true(tw_text_is(view.severity, "HIGH"));
    assert_true(tw_text_is(view.entity_type, "CLIENT"));
    assert_true(tw_text_is(view.entity, "A"));
    assert_true(tw_text_is(view.message, "A: too much"));
    assert_true(tw_text_is(view.value.text, "1050000.00000001"));
    assert_true(tw_text_is(view.threshold.text, "1000000"));
    assert_true(tw_text_is(view.unit, "USD"));
    assert_true(tw_text_is(view.rule, "client_exposure"));
    assert_int_equal(view.rule_version, 1);
    assert_true(tw_text_is(view.config, "c0ffee"));
    assert_int_equal(view.model.length, 0);
    assert_int_equal(view.seq, 99);
    assert_int_equal(view.ts_ns, TS);
    assert_int_equal(view.trade_count, 1000);
    assert_int_equal(view.detected_at_ns, TS + 5);
    assert_int_equal(view.trades_listed, TW_ALERT_TRADES_MAX);
    for (uint32_t i = 0; i < view.trades_listed; i++) {
        assert_true(tw_alert_next_trade(&view, &trade));
        assert_int_equal(trade.seq, i + 1);
        assert_int_equal(trade.pseq, i + 100);
        assert_int_equal(trade.id.length, i % 2 == 0 ? 1 : 0);
    }
    tw_buffer_free(&bytes);
}

static void counts_are_integers_and_scores_are_floats_with_features(void **state)
{
    (void)state;
    struct tw_alert alert = full_alert();
    struct tw_buffer bytes = {0};
    struct tw_alert_view view;
    struct tw_text name;
    double value;
    alert.form = TW_AMOUNT_COUNT;
    alert.value = (tw_i128)UINT64_MAX;
    alert.threshold = 0;
    tw_alert_encode(&bytes, &alert);
    assert_true(tw_alert_decode(bytes.bytes, bytes.length, &view));
    assert_int_equal(view.value.type, TW_PACK_UINT);
    assert_int_equal(view.value.uint, UINT64_MAX);
    assert_int_equal(view.feature_count, 0);
    bytes.length = 0;
    alert.form = TW_AMOUNT_SCORE;
    alert.value_score = 3.5;
    alert.features[0] = (struct tw_feature){"mean", 0.1};
    alert.features[1] = (struct tw_feature){"sigma", -0.0};
    alert.feature_count = 2;
    alert.model = TEXT("feed");
    tw_alert_encode(&bytes, &alert);
    assert_true(tw_alert_decode(bytes.bytes, bytes.length, &view));
    assert_int_equal(view.value.type, TW_PACK_FLOAT);
    assert_true(view.value.real == 3.5);
    assert_true(tw_text_is(view.model, "feed"));
    assert_int_equal(view.feature_count, 2);
    assert_true(tw_alert_next_feature(&view, &name, &value));
    assert_true(tw_text_is(name, "mean") && value == 0.1);
    tw_buffer_free(&bytes);
}

static void detected_at_is_set_in_the_last_21_bytes_and_nowhere_else(void **state)
{
    (void)state;
    struct tw_alert alert = full_alert();
    struct tw_buffer before = {0}, after = {0};
    alert.detected_at_ns = 0;
    tw_alert_encode(&before, &alert);
    alert.detected_at_ns = INT64_C(0x0102030405060708);
    tw_alert_encode(&after, &alert);
    assert_int_equal(before.length, after.length);
    assert_memory_equal(before.bytes, after.bytes, before.length - 8);
    assert_memory_equal(before.bytes + before.length - TW_ALERT_DETECTED_BYTES,
                        "\xab"
                        "detected_at\xcf",
                        13);
    tw_alert_set_detected_at(before.bytes, before.length, alert.detected_at_ns);
    assert_memory_equal(before.bytes, after.bytes, before.length);
    tw_buffer_free(&before);
    tw_buffer_free(&after);
}

static void every_truncation_of_an_alert_is_refused(void **state)
{
    (void)state;
    struct tw_alert alert = full_alert();
    struct tw_buffer bytes = {0};
    struct tw_alert_view view;
    alert.trade_count_listed = 3;
    tw_alert_encode(&bytes, &alert);
    for (size_t length = 0; length < bytes.length; length++)
        assert_false(tw_alert_decode(bytes.bytes, length, &view));
    tw_buffer_free(&bytes);
}

static void topics_are_as_the_contract_says(void **state)
{
    (void)state;
    char topic[TW_TOPIC_BYTES_MAX], longest[300];
    assert_int_equal(tw_ack_topic(topic, TEXT("desk-7")), 11);
    assert_string_equal(topic, "ack.desk-7.");
    assert_int_equal(tw_alert_topic(topic, "HIGH", "LARGE_TRADE", TEXT("desk-7/0/5")), 33);
    assert_string_equal(topic, "alert.HIGH.LARGE_TRADE.desk-7/0/5");
    memset(longest, 'x', sizeof longest);
    assert_int_equal(tw_alert_topic(topic, "LOW", "T", (struct tw_text){longest, sizeof longest}),
                     TW_TOPIC_BYTES_MAX - 1);
}

/* ---- head ---- */

static void a_head_groups_its_counts_by_type(void **state)
{
    (void)state;
    const struct tw_head_count counts[] = {{"A", "HIGH", 1}, {"B", "LOW", 2}, {"A", "CRITICAL", 3}};
    struct tw_head head = {.last = 6, .durable = 1000, .counts = counts, .count_count = 3};
    struct tw_buffer bytes = {0};
    struct tw_head_view view;
    memset(head.digest, 'a', 64);
    memset(head.record_digest, 'b', 64);
    tw_head_encode(&bytes, &head);
    assert_true(tw_head_decode(bytes.bytes, bytes.length, &view));
    assert_int_equal(view.last, 6);
    assert_int_equal(view.durable, 1000);
    assert_int_equal(view.digest.length, 64);
    assert_int_equal(view.record_digest.bytes[63], 'b');
    assert_int_equal(view.type_count, 2);
    static const char expected[] = "\xa1"
                                   "A\x82\xa4HIGH\x01\xa8"
                                   "CRITICAL\x03\xa1"
                                   "B\x81\xa3LOW\x02";
    assert_memory_equal(view.counts.bytes + view.counts.offset, expected, sizeof expected - 1);
    for (size_t length = 0; length < bytes.length; length++)
        assert_false(tw_head_decode(bytes.bytes, length, &view));
    tw_buffer_free(&bytes);
}

/* ---- catch-up ---- */

static void a_request_comes_back_whole(void **state)
{
    (void)state;
    const struct tw_catchup requests[] = {
        {.kind = TW_CATCHUP_ALERTS,
         .after = 5,
         .limit = 10,
         .type = TEXT("LARGE_TRADE"),
         .severity = TEXT("HIGH"),
         .topic = TEXT("replay.me-1.")},
        {.kind = TW_CATCHUP_REFUSALS, .limit = 1, .publisher = TEXT("desk-7"), .topic = TEXT("replay._.")},
        {.kind = TW_CATCHUP_ACTIONS, .limit = TW_CATCHUP_LIMIT_MAX, .topic = TEXT("replay.x.")}};
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        struct tw_buffer bytes = {0};
        struct tw_catchup out;
        const char *why;
        tw_catchup_encode(&bytes, &requests[i]);
        assert_true(tw_catchup_decode(bytes.bytes, bytes.length, &out, &why));
        assert_null(why);
        assert_int_equal(out.kind, requests[i].kind);
        assert_int_equal(out.after, requests[i].after);
        assert_int_equal(out.limit, requests[i].limit);
        assert_true(same_text(out.type, requests[i].type));
        assert_true(same_text(out.severity, requests[i].severity));
        assert_true(same_text(out.publisher, requests[i].publisher));
        assert_true(same_text(out.topic, requests[i].topic));
        tw_buffer_free(&bytes);
    }
}

static const struct raw_pair usual_request[] = {{"v", RAW("\x01")},
                                                {"get", RAW("\xa6"
                                                            "alerts")},
                                                {"topic", RAW("\xa9replay.x.")}};

static void a_request_may_leave_out_after_and_limit_and_ask_for_too_many(void **state)
{
    (void)state;
    struct tw_buffer bytes = {0};
    struct tw_catchup out;
    const char *why;
    put_map(&bytes, usual_request, 3, "type", (struct raw)RAW("\xc0"));
    assert_true(tw_catchup_decode(bytes.bytes, bytes.length, &out, &why));
    assert_int_equal(out.after, 0);
    assert_int_equal(out.limit, TW_CATCHUP_LIMIT_DEFAULT);
    bytes.length = 0;
    put_map(&bytes, usual_request, 3, "limit", (struct raw)RAW("\xcf\x00\x00\x00\x01\x00\x00\x00\x01"));
    assert_true(tw_catchup_decode(bytes.bytes, bytes.length, &out, &why));
    assert_int_equal(out.limit, TW_CATCHUP_LIMIT_MAX);
    tw_buffer_free(&bytes);
}

static void a_wrong_request_says_why_and_keeps_the_topic_for_the_answer(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        struct raw value;
        const char *why;
    } faults[] = {
        {"v", LEFT_OUT, "v is not 1"},
        {"get", LEFT_OUT, "get is none of alerts, refusals, actions"},
        {"get", RAW("\xa5trade"), "get is none of alerts, refusals, actions"},
        {"limit", RAW("\x00"), "limit is 0"},
        {"limit", RAW("\xff"), "a value is of the wrong type"},
        {"severity", RAW("\xa4high"), "severity is none of LOW, MEDIUM, HIGH, CRITICAL"},
        {"type", RAW("\xa0"), "type is not 1 to 64 bytes"},
        {"pub", RAW("\xa1p"), "only refusals can be asked for by pub"},
        {"account", RAW("\xa1p"), "a key that is not known"},
        {"topic", LEFT_OUT, "topic is not replay.<1 to 64 of A-Za-z0-9_->."},
        {"topic",
         RAW("\xa6"
             "head.."),
         "topic is not replay.<1 to 64 of A-Za-z0-9_->."},
        {"topic", RAW("\xa8replay.."), "topic is not replay.<1 to 64 of A-Za-z0-9_->."},
        {"topic", RAW("\xabreplay.a.b."), "topic is not replay.<1 to 64 of A-Za-z0-9_->."},
        {"topic", RAW("\xa9replay.ab"), "topic is not replay.<1 to 64 of A-Za-z0-9_->."},
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct tw_buffer bytes = {0};
        struct tw_catchup out;
        const char *why;
        put_map(&bytes, usual_request, 3, faults[i].key, faults[i].value);
        assert_false(tw_catchup_decode(bytes.bytes, bytes.length, &out, &why));
        assert_string_equal(why, faults[i].why);
        assert_int_equal(out.topic.length, strcmp(faults[i].key, "topic") == 0 ? 0 : 9);
        tw_buffer_free(&bytes);
    }
}

static void an_end_comes_back_with_and_without_an_error(void **state)
{
    (void)state;
    struct tw_buffer bytes = {0};
    struct tw_catchup_end end;
    tw_catchup_end_encode(&bytes, 5, 900, true, NULL);
    assert_true(tw_catchup_end_decode(bytes.bytes, bytes.length, &end));
    assert_int_equal(end.after, 5);
    assert_int_equal(end.last, 900);
    assert_true(end.more);
    assert_int_equal(end.error.length, 0);
    assert_false(tw_catchup_end_decode(bytes.bytes, bytes.length - 1, &end));
    bytes.length = 0;
    tw_catchup_end_encode(&bytes, 5, 5, false, "limit is 0");
    assert_true(tw_catchup_end_decode(bytes.bytes, bytes.length, &end));
    assert_true(tw_text_is(end.error, "limit is 0"));
    tw_buffer_free(&bytes);
}

static void a_refusal_comes_back_whole(void **state)
{
    (void)state;
    const struct tw_refusal_message refusal = {.number = 9,
                                               .publisher = TEXT("_anon"),
                                               .incarnation = 4,
                                               .seq = 11,
                                               .code = TEXT("bad_qty"),
                                               .why = TEXT("qty is 0"),
                                               .raw = TEXT("\x80"),
                                               .received_ns = TS};
    struct tw_buffer bytes = {0};
    struct tw_refusal_message out;
    tw_refusal_encode(&bytes, &refusal);
    assert_true(tw_refusal_decode(bytes.bytes, bytes.length, &out));
    assert_int_equal(out.number, 9);
    assert_true(same_text(out.publisher, refusal.publisher));
    assert_int_equal(out.incarnation, 4);
    assert_int_equal(out.seq, 11);
    assert_true(same_text(out.code, refusal.code));
    assert_true(same_text(out.why, refusal.why));
    assert_true(same_text(out.raw, refusal.raw));
    assert_int_equal(out.received_ns, TS);
    for (size_t length = 0; length < bytes.length; length++)
        assert_false(tw_refusal_decode(bytes.bytes, length, &out));
    tw_buffer_free(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ack_comes_back_whole),
        cmocka_unit_test(an_ack_without_hold_and_previous_says_so),
        cmocka_unit_test(an_ack_with_news_of_a_newer_daemon_passes),
        cmocka_unit_test(an_ack_that_lists_more_than_64_refusals_keeps_the_newest),
        cmocka_unit_test(an_ack_that_is_not_as_it_must_be_does_not_pass),
        cmocka_unit_test(every_truncation_of_an_ack_is_refused),
        cmocka_unit_test(an_alert_comes_back_whole),
        cmocka_unit_test(counts_are_integers_and_scores_are_floats_with_features),
        cmocka_unit_test(detected_at_is_set_in_the_last_21_bytes_and_nowhere_else),
        cmocka_unit_test(every_truncation_of_an_alert_is_refused),
        cmocka_unit_test(topics_are_as_the_contract_says),
        cmocka_unit_test(a_head_groups_its_counts_by_type),
        cmocka_unit_test(a_request_comes_back_whole),
        cmocka_unit_test(a_request_may_leave_out_after_and_limit_and_ask_for_too_many),
        cmocka_unit_test(a_wrong_request_says_why_and_keeps_the_topic_for_the_answer),
        cmocka_unit_test(an_end_comes_back_with_and_without_an_error),
        cmocka_unit_test(a_refusal_comes_back_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
