/* SPDX-License-Identifier: MIT
 *
 * protocol/README.md is what strangers write clients from: every frame in it is decoded here, and encoded again to the
 * same bytes; every code stands on it with its meaning.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/digest.h"
#include "protocol/messages.h"
#include "protocol/submission.h"

#define TEXT(literal) ((struct tw_text){(literal), sizeof(literal) - 1u})

static char *page;

static int read_page(void **state)
{
    (void)state;
    FILE *file = fopen("protocol/README.md", "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    const long length = ftell(file);
    assert_true(length > 0);
    rewind(file);
    page = calloc((size_t)length + 1, 1);
    assert_non_null(page);
    assert_int_equal(fread(page, 1, (size_t)length, file), length);
    fclose(file);
    return 0;
}

static int free_page(void **state)
{
    (void)state;
    free(page);
    return 0;
}

/* The text of the block that is fenced as ```<fence>. */
static const char *find_block(const char *fence, const char **end)
{
    char opening[64];
    snprintf(opening, sizeof opening, "\n```%s\n", fence);
    const char *found = strstr(page, opening);
    if (found == NULL)
        fail_msg("the page has no block `%s`", fence);
    found += strlen(opening);
    if (strstr(found, opening) != NULL)
        fail_msg("the page has two blocks `%s`", fence);
    *end = strstr(found, "\n```\n");
    assert_non_null(*end);
    return found;
}

/* The bytes of a hex block: two digits each, what follows a # is for people. */
static struct tw_buffer frame(const char *name)
{
    struct tw_buffer bytes = {0};
    char fence[64];
    const char *end;
    snprintf(fence, sizeof fence, "hex %s", name);
    for (const char *at = find_block(fence, &end); at < end;) {
        unsigned value;
        if (*at == '#')
            at += strcspn(at, "\n");
        if (*at == ' ' || *at == '\n') {
            at++;
            continue;
        }
        assert_int_equal(sscanf(at, "%2x", &value), 1);
        const uint8_t byte = (uint8_t)value;
        tw_buffer_append(&bytes, &byte, 1);
        at += 2;
    }
    return bytes;
}

static void assert_same_bytes(const struct tw_buffer *encoded, const struct tw_buffer *expected)
{
    assert_int_equal(encoded->length, expected->length);
    assert_memory_equal(encoded->bytes, expected->bytes, expected->length);
}

/* ---- submissions ---- */

static void decode_submission(const struct tw_buffer *bytes, struct tw_submission *out)
{
    enum tw_code hold;
    const char *why;
    assert_int_equal(tw_submission_decode(bytes->bytes, bytes->length, out, &hold, &why), TW_ENVELOPE_OK);
}

#define TRADES 3u

static void read_trades(struct tw_submission *submission, struct tw_trade trades[TRADES])
{
    char why[TW_WHY_BYTES_MAX];
    struct tw_text raw;
    assert_int_equal(submission->count, TRADES);
    for (uint32_t i = 0; i < TRADES; i++)
        assert_int_equal(tw_submission_next_trade(submission, &trades[i], &raw, why), TW_OK);
}

static void the_row_form_decodes_and_encodes_to_the_same_bytes(void **state)
{
    (void)state;
    struct tw_buffer bytes = frame("submission-rows"), encoded = {0};
    struct tw_submission submission;
    struct tw_trade trades[TRADES];
    decode_submission(&bytes, &submission);
    assert_true(tw_text_is(submission.publisher, "desk-7"));
    assert_int_equal(submission.seq, 1);
    read_trades(&submission, trades);
    assert_int_equal(trades[0].price_e8, INT64_C(18925000000));
    assert_int_equal(trades[0].side, TW_SIDE_BUY);
    assert_int_equal(trades[1].account.length, 0);
    assert_int_equal(trades[2].kind, TW_KIND_BUST);
    tw_submission_encode_rows(&encoded, submission.publisher, submission.incarnation, submission.seq, trades, TRADES);
    assert_same_bytes(&encoded, &bytes);
    tw_buffer_free(&bytes);
    tw_buffer_free(&encoded);
}

static void the_same_trades_said_otherwise_have_the_same_content(void **state)
{
    (void)state;
    struct tw_buffer bytes = frame("submission-rows"), otherwise = frame("submission-rows-otherwise");
    struct tw_submission submission;
    struct tw_trade one[TRADES], other[TRADES];
    decode_submission(&bytes, &submission);
    read_trades(&submission, one);
    decode_submission(&otherwise, &submission);
    assert_int_equal(submission.incarnation, 0);
    read_trades(&submission, other);
    for (uint32_t i = 0; i < TRADES; i++)
        assert_int_equal(tw_trade_content_hash(&one[i]), tw_trade_content_hash(&other[i]));
    tw_buffer_free(&bytes);
    tw_buffer_free(&otherwise);
}

static void the_columnar_form_is_what_the_writer_makes_of_the_same_trades(void **state)
{
    (void)state;
    struct tw_buffer rows = frame("submission-rows"), bytes = frame("submission-columns"), encoded = {0};
    struct tw_submission submission;
    struct tw_trade trades[TRADES];
    decode_submission(&rows, &submission);
    read_trades(&submission, trades);
    struct tw_columns *columns = tw_columns_new(submission.publisher, submission.incarnation);
    for (uint32_t i = 0; i < TRADES; i++)
        assert_true(tw_columns_add(columns, &trades[i]));
    tw_columns_finish(columns, submission.seq, 0, &encoded);
    assert_same_bytes(&encoded, &bytes);
    decode_submission(&bytes, &submission);
    assert_true(submission.columnar);
    assert_int_equal(submission.count, TRADES);
    assert_int_equal(submission.name_count, 2);
    assert_int_equal(tw_load_i64(submission.price, 1), INT64_C(18930000000));
    assert_int_equal(submission.kind[2], TW_KIND_BUST);
    encoded.length = 0;
    struct tw_buffer names = frame("submission-names");
    assert_int_equal(tw_columns_hello(columns, 4, 0, &encoded), 2);
    assert_same_bytes(&encoded, &names);
    tw_columns_free(&columns);
    tw_buffer_free(&names);
    tw_buffer_free(&rows);
    tw_buffer_free(&bytes);
    tw_buffer_free(&encoded);
}

static void the_hello_and_the_anonymous_print_decode_and_encode(void **state)
{
    (void)state;
    struct tw_buffer hello = frame("submission-hello"), anonymous = frame("submission-anonymous"), encoded = {0};
    struct tw_submission submission;
    struct tw_trade trade;
    struct tw_text raw;
    char why[TW_WHY_BYTES_MAX];
    decode_submission(&hello, &submission);
    assert_int_equal(submission.count, 0);
    assert_int_equal(submission.incarnation, 1);
    tw_submission_encode_rows(&encoded, submission.publisher, 1, 1, NULL, 0);
    assert_same_bytes(&encoded, &hello);
    decode_submission(&anonymous, &submission);
    assert_true(submission.anonymous);
    assert_int_equal(tw_submission_next_trade(&submission, &trade, &raw, why), TW_OK);
    encoded.length = 0;
    tw_submission_encode_rows(&encoded, (struct tw_text){0}, 0, 0, &trade, 1);
    assert_same_bytes(&encoded, &anonymous);
    tw_buffer_free(&hello);
    tw_buffer_free(&anonymous);
    tw_buffer_free(&encoded);
}

static void the_five_hostile_bytes_are_refused_by_every_decoder(void **state)
{
    (void)state;
    struct tw_buffer bytes = frame("hostile");
    struct tw_submission submission;
    struct tw_ack ack;
    struct tw_alert_view alert;
    struct tw_head_view head;
    struct tw_catchup request;
    struct tw_catchup_end end;
    struct tw_refusal_message refusal;
    enum tw_code hold;
    const char *why;
    assert_int_equal(bytes.length, 5);
    assert_int_equal(tw_submission_decode(bytes.bytes, 5, &submission, &hold, &why), TW_ENVELOPE_UNREADABLE);
    assert_false(tw_ack_decode(bytes.bytes, 5, &ack));
    assert_false(tw_alert_decode(bytes.bytes, 5, &alert));
    assert_false(tw_head_decode(bytes.bytes, 5, &head));
    assert_false(tw_catchup_decode(bytes.bytes, 5, &request, &why));
    assert_false(tw_catchup_end_decode(bytes.bytes, 5, &end));
    assert_false(tw_refusal_decode(bytes.bytes, 5, &refusal));
    tw_buffer_free(&bytes);
}

/* ---- what the daemon says ---- */

static void the_acks_decode_and_encode_to_the_same_bytes(void **state)
{
    (void)state;
    static const char *const names[] = {"ack", "ack-previous", "ack-hold"};
    for (size_t i = 0; i < 3; i++) {
        struct tw_buffer bytes = frame(names[i]), encoded = {0};
        struct tw_ack ack;
        assert_true(tw_ack_decode(bytes.bytes, bytes.length, &ack));
        assert_int_equal(ack.credit, TW_CREDIT_TRADES);
        assert_int_equal(ack.has_previous, i == 1);
        assert_int_equal(ack.has_hold, i == 2);
        tw_ack_encode(&encoded, &ack);
        assert_same_bytes(&encoded, &bytes);
        tw_buffer_free(&bytes);
        tw_buffer_free(&encoded);
    }
}

static const char *kept(struct tw_text text)
{
    static char texts[16][64];
    static unsigned next;
    char *copy = texts[next++ % 16];
    assert_in_range(text.length, 0, 63);
    memcpy(copy, text.bytes, text.length);
    copy[text.length] = '\0';
    return copy;
}

static tw_i128 amount_of(const struct tw_pack_value *value)
{
    int64_t e8;
    assert_int_equal(tw_e8_parse(value->text.bytes, value->text.length, &e8), TW_PARSE_OK);
    return e8;
}

/* The alert that a view shows, to be encoded again; of the opening trade of publisher desk-7, number `opening`. */
static struct tw_alert alert_of(struct tw_alert_view view, uint64_t opening)
{
    struct tw_alert alert = {.n = view.n,
                             .event = kept(view.event),
                             .type = kept(view.type),
                             .severity = kept(view.severity),
                             .entity_type = kept(view.entity_type),
                             .entity = view.entity,
                             .message = view.message,
                             .unit = kept(view.unit),
                             .rule = view.rule,
                             .rule_version = view.rule_version,
                             .config = view.config,
                             .model = view.model,
                             .seq = view.seq,
                             .ts_ns = view.ts_ns,
                             .trade_count = view.trade_count,
                             .detected_at_ns = view.detected_at_ns};
    struct tw_hasher *hasher = tw_hasher_new();
    tw_alert_id(hasher, alert.type, alert.entity_type, alert.entity, TEXT("desk-7"), 0, opening, alert.id);
    tw_hasher_free(&hasher);
    if (view.value.type == TW_PACK_STR) {
        alert.form = TW_AMOUNT_E8;
        alert.value = amount_of(&view.value);
        alert.threshold = amount_of(&view.threshold);
    } else {
        alert.form = TW_AMOUNT_SCORE;
        alert.value_score = view.value.real;
        alert.threshold_score = view.threshold.real;
    }
    for (alert.feature_count = 0; alert.feature_count < view.feature_count; alert.feature_count++) {
        struct tw_text name;
        assert_true(tw_alert_next_feature(&view, &name, &alert.features[alert.feature_count].value));
        alert.features[alert.feature_count].name = kept(name);
    }
    for (; alert.trade_count_listed < view.trades_listed; alert.trade_count_listed++)
        assert_true(tw_alert_next_trade(&view, &alert.trades[alert.trade_count_listed]));
    return alert;
}

static void the_alerts_decode_and_encode_to_the_same_bytes_id_included(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t opening;
    } alerts[] = {{"alert", 2}, {"alert-score", 40}};
    for (size_t i = 0; i < 2; i++) {
        struct tw_buffer bytes = frame(alerts[i].name), encoded = {0};
        struct tw_alert_view view;
        assert_true(tw_alert_decode(bytes.bytes, bytes.length, &view));
        const struct tw_alert alert = alert_of(view, alerts[i].opening);
        tw_alert_encode(&encoded, &alert);
        assert_same_bytes(&encoded, &bytes);
        tw_buffer_free(&bytes);
        tw_buffer_free(&encoded);
    }
}

static void the_head_carries_the_digest_of_the_lines_above_it(void **state)
{
    (void)state;
    struct tw_buffer bytes = frame("head"), encoded = {0};
    struct tw_head_view view;
    assert_true(tw_head_decode(bytes.bytes, bytes.length, &view));
    uint8_t digest[TW_SHA256_BYTES] = {0};
    char hex[2 * TW_SHA256_BYTES + 1];
    const char *end;
    struct tw_hasher *hasher = tw_hasher_new();
    for (const char *line = find_block("text digest-lines", &end); line < end;) {
        const char *next = strchr(line, '\n') + 1;
        tw_digest_extend(hasher, digest, line, (size_t)(next - line));
        line = next;
    }
    tw_hasher_free(&hasher);
    tw_hex(digest, sizeof digest, hex);
    assert_true(tw_text_is(view.digest, hex));
    const struct tw_head_count counts[] = {{"HIGH_CLIENT_EXPOSURE", "HIGH", 2},
                                           {"HIGH_SYMBOL_EXPOSURE", "HIGH", 1},
                                           {"HIGH_SYMBOL_EXPOSURE", "CRITICAL", 1}};
    struct tw_head head = {.last = view.last, .durable = view.durable, .counts = counts, .count_count = 3};
    memcpy(head.digest, view.digest.bytes, 64);
    memcpy(head.record_digest, view.record_digest.bytes, 64);
    tw_head_encode(&encoded, &head);
    assert_same_bytes(&encoded, &bytes);
    tw_buffer_free(&bytes);
    tw_buffer_free(&encoded);
}

static void catch_up_decodes_and_encodes_to_the_same_bytes(void **state)
{
    (void)state;
    static const char *const requests[] = {"catchup-alerts", "catchup-refusals"};
    static const char *const ends[] = {"catchup-end", "catchup-end-error"};
    struct tw_buffer encoded = {0};
    for (size_t i = 0; i < 2; i++) {
        struct tw_buffer bytes = frame(requests[i]);
        struct tw_catchup request;
        const char *why;
        assert_true(tw_catchup_decode(bytes.bytes, bytes.length, &request, &why));
        assert_int_equal(request.kind, i == 0 ? TW_CATCHUP_ALERTS : TW_CATCHUP_REFUSALS);
        encoded.length = 0;
        tw_catchup_encode(&encoded, &request);
        assert_same_bytes(&encoded, &bytes);
        tw_buffer_free(&bytes);
    }
    for (size_t i = 0; i < 2; i++) {
        struct tw_buffer bytes = frame(ends[i]);
        struct tw_catchup_end end;
        assert_true(tw_catchup_end_decode(bytes.bytes, bytes.length, &end));
        encoded.length = 0;
        tw_catchup_end_encode(&encoded, end.after, end.last, end.more, i == 0 ? NULL : kept(end.error));
        assert_same_bytes(&encoded, &bytes);
        tw_buffer_free(&bytes);
    }
    struct tw_buffer bytes = frame("refusal");
    struct tw_refusal_message refusal;
    assert_true(tw_refusal_decode(bytes.bytes, bytes.length, &refusal));
    encoded.length = 0;
    tw_refusal_encode(&encoded, &refusal);
    assert_same_bytes(&encoded, &bytes);
    tw_buffer_free(&bytes);
    tw_buffer_free(&encoded);
}

/* ---- the page as a whole ---- */

static void every_hex_block_is_one_that_a_test_reads(void **state)
{
    (void)state;
    static const char *const known[] = {"hostile",
                                        "submission-rows",
                                        "submission-rows-otherwise",
                                        "submission-anonymous",
                                        "submission-hello",
                                        "submission-columns",
                                        "submission-names",
                                        "ack",
                                        "ack-previous",
                                        "ack-hold",
                                        "alert",
                                        "alert-score",
                                        "head",
                                        "catchup-alerts",
                                        "catchup-refusals",
                                        "catchup-end",
                                        "catchup-end-error",
                                        "refusal"};
    size_t blocks = 0;
    for (const char *at = page; (at = strstr(at, "\n```hex")) != NULL; at++)
        blocks++;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct tw_buffer bytes = frame(known[i]);
        assert_true(bytes.length > 0);
        tw_buffer_free(&bytes);
    }
    assert_int_equal(blocks, sizeof known / sizeof known[0]);
}

static void every_code_stands_on_the_page_with_its_meaning(void **state)
{
    (void)state;
    for (int code = TW_OK + 1; code < TW_CODE_COUNT; code++) {
        char row[256];
        snprintf(row, sizeof row, "\n| `%s` | %s |", tw_code_name((enum tw_code)code),
                 tw_code_meaning((enum tw_code)code));
        if (strstr(page, row) == NULL)
            fail_msg("the page has no row %s", row + 1);
    }
}

static void every_column_and_its_width_stand_on_the_page(void **state)
{
    (void)state;
    const char *section = strstr(page, "\n| column | bytes a trade |");
    assert_non_null(section);
    const char *end = strstr(section, "\n\n");
    assert_non_null(end);
    static const struct {
        const char *key;
        unsigned width;
    } columns[] = {
#define COLUMN_ROW(member, key, width, required) {key, width},
        TW_SUBMISSION_COLUMNS(COLUMN_ROW)
#undef COLUMN_ROW
    };
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        char key[32];
        snprintf(key, sizeof key, "`%s`", columns[i].key);
        const char *found = strstr(section, key);
        if (found == NULL || found > end)
            fail_msg("the page has no column %s", key);
        assert_int_equal(strtoul(strchr(found, '|') + 1, NULL, 10), columns[i].width);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_row_form_decodes_and_encodes_to_the_same_bytes),
        cmocka_unit_test(the_same_trades_said_otherwise_have_the_same_content),
        cmocka_unit_test(the_columnar_form_is_what_the_writer_makes_of_the_same_trades),
        cmocka_unit_test(the_hello_and_the_anonymous_print_decode_and_encode),
        cmocka_unit_test(the_five_hostile_bytes_are_refused_by_every_decoder),
        cmocka_unit_test(the_acks_decode_and_encode_to_the_same_bytes),
        cmocka_unit_test(the_alerts_decode_and_encode_to_the_same_bytes_id_included),
        cmocka_unit_test(the_head_carries_the_digest_of_the_lines_above_it),
        cmocka_unit_test(catch_up_decodes_and_encodes_to_the_same_bytes),
        cmocka_unit_test(every_hex_block_is_one_that_a_test_reads),
        cmocka_unit_test(every_code_stands_on_the_page_with_its_meaning),
        cmocka_unit_test(every_column_and_its_width_stand_on_the_page),
    };
    return cmocka_run_group_tests(tests, read_page, free_page);
}
