/* SPDX-License-Identifier: MIT
 *
 * What is no record of the log: one wrong value at a time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "log_world.h"
#include "protocol/action.h"

#define TEXT(literal) ((struct tw_text){(literal), sizeof(literal) - 1u})

/* Decodes from memory of exactly this length, so that a sanitizer sees one byte too far. */
static bool decodes(const uint8_t *bytes, size_t length, const char **why)
{
    struct tw_record record;
    uint8_t *exact = malloc(length + 1), *at = exact + 1; /* ends where the memory ends, even if it is empty */
    if (length > 0)
        memcpy(at, bytes, length);
    *why = NULL;
    bool good = tw_record_decode(at, length, &record, why);
    assert_int_equal(*why == NULL, good);
    free(exact);
    return good;
}

static void expect_refused(struct tw_frame *frame, const char *reason)
{
    const char *why;
    if (decodes(frame->bytes, frame->length, &why))
        fail_msg("taken, although: %s", reason);
    if (strstr(why, reason) == NULL)
        fail_msg("refused for '%s' and not for '%s'", why, reason);
    tw_frame_drop(&frame);
}

static void expect_taken(struct tw_frame *frame)
{
    const char *why;
    if (!decodes(frame->bytes, frame->length, &why))
        fail_msg("%s", why);
    tw_frame_drop(&frame);
}

/* ---- values of a block ---- */

#define REFUSED(reason, ...)                                                                                           \
    do {                                                                                                               \
        struct log_world world;                                                                                        \
        log_world_fill(&world);                                                                                        \
        __VA_ARGS__;                                                                                                   \
        expect_refused(log_world_encode(&world), reason);                                                              \
    } while (0)
#define TAKEN(...)                                                                                                     \
    do {                                                                                                               \
        struct log_world world;                                                                                        \
        log_world_fill(&world);                                                                                        \
        __VA_ARGS__;                                                                                                   \
        expect_taken(log_world_encode(&world));                                                                        \
    } while (0)

static void amounts_and_times_have_their_ranges(void **state)
{
    (void)state;
    TAKEN(world.ts[1] = TW_TIMESTAMP_MIN_NS);
    TAKEN(world.ts[0] = INT64_MAX);
    REFUSED("before 1990", world.ts[1] = TW_TIMESTAMP_MIN_NS - 1);
    REFUSED("before 1990", world.ts[4] = 0);
    REFUSED("before 1990", world.ts[4] = -1);
    REFUSED("before 1990", world.ts[2] = INT64_MIN);
    TAKEN(world.qty[1] = 1);
    REFUSED("not above 0", world.qty[1] = 0);
    REFUSED("not above 0", world.qty[4] = -1);
    REFUSED("not above 0", world.qty[0] = INT64_MIN);
    REFUSED("not above 0", world.price[2] = 0);
    REFUSED("not above 0", world.price[1] = -1);
    TAKEN(world.qty[2] = TW_E8);
    REFUSED("leaves 64 bits", world.qty[2] = TW_E8 + 1);
    REFUSED("leaves 64 bits", world.qty[2] = INT64_MAX);
    REFUSED("leaves 64 bits", world.qty[1] = INT64_C(6148914691236517205), world.price[1] = 150000000);
    TAKEN(world.qty[1] = INT64_C(6148914691236517204), world.price[1] = 150000000);
    REFUSED("pseq", world.pseq[0] = 0);
    REFUSED("pseq", world.pseq[3] = UINT64_C(1) << 63);
    TAKEN(world.pseq[3] = INT64_MAX);
}

static void ids_of_names_have_their_ranges(void **state)
{
    (void)state;
    REFUSED("symbol, source or account", world.symbol[1] = 0);
    REFUSED("symbol, source or account", world.symbol[2] = TW_SYMBOLS_MAX + 1);
    REFUSED("symbol, source or account", world.symbol[2] = UINT32_MAX);
    REFUSED("symbol, source or account", world.source[0] = 0);
    REFUSED("symbol, source or account", world.source[0] = TW_SOURCES_MAX + 1);
    REFUSED("symbol, source or account", world.account[0] = TW_ACCOUNTS_MAX + 1);
    REFUSED("symbol, source or account", world.account[0] = UINT32_C(1) << 31);
    uint32_t last = WORLD_ROWS - 1;
    REFUSED("venue", world.venue[last] = TW_PARTIES_MAX + 1);
    REFUSED("venue", world.owner[0] = TW_PARTIES_MAX + 1);
    REFUSED("venue", world.contra[0] = UINT32_MAX);
    REFUSED("venue", world.broker[0] = UINT32_C(1) << 31);
    REFUSED("venue", world.ccy[0] = TW_PARTIES_MAX + 1);
}

static void attributes_are_possible_ones(void **state)
{
    (void)state;
    REFUSED("attrs", world.attrs[0] = 3);
    REFUSED("attrs", world.attrs[0] = TW_ATTR_MAKE(TW_SIDE_BUY, 3));
    REFUSED("attrs", world.attrs[0] |= 0x80);
    REFUSED("attrs", world.attrs[1] |= TW_ATTR_TICK); /* late and in a new second */
    REFUSED("no side", world.attrs[0] = TW_ATTR_MAKE(TW_SIDE_NONE, TW_KIND_TRADE));
    TAKEN(world.attrs[2] |= TW_SIDE_SELL); /* a print may have a side */
    TAKEN(world.attrs[0] |= TW_ATTR_TICK | TW_ATTR_TS_ASSIGNED);
}

static void execution_ids_add_up(void **state)
{
    (void)state;
    REFUSED("idl", world.id_length[1] = 1);
    REFUSED("idl", world.id_length[0] = 2);
    REFUSED("idl", world.id_length[0] = 65);
    REFUSED("idl", world.id_length[0] = 255, world.id_length[1] = 1); /* 256 + 6 - 6 wraps in a byte */
    REFUSED("idl", world.block.ids_bytes = 5);
    REFUSED("idl", world.block.ids_bytes = 0);
    TAKEN(memset(world.id_length, 0, sizeof world.id_length), world.block.ids_bytes = 0);
}

static void busts_and_corrections_have_their_originals(void **state)
{
    (void)state;
    REFUSED("not one for each", world.block.original_count = 1);
    REFUSED("not one for each", world.block.original_count = 0);
    REFUSED("not one for each", world.attrs[3] = TW_ATTR_MAKE(TW_SIDE_BUY, TW_KIND_TRADE));
    REFUSED("not one for each", world.attrs[0] = TW_ATTR_MAKE(TW_SIDE_BUY, TW_KIND_BUST));
    REFUSED("no bust or correction", world.originals[0].row = 2);
    REFUSED("no bust or correction", world.originals[1].row = 3);
    REFUSED("no bust or correction", world.originals[1].row = WORLD_ROWS);
    REFUSED("no bust or correction", world.originals[1].row = UINT32_MAX);
    REFUSED("no bust or correction", struct tw_original first = world.originals[0];
            world.originals[0] = world.originals[1]; world.originals[1] = first);
}

static void originals_agree_with_their_rows(void **state)
{
    (void)state;
    REFUSED("does not agree", world.originals[0].symbol = 2);
    REFUSED("does not agree", world.originals[0].account = 2);
    TAKEN(world.originals[1].symbol = 1, world.originals[1].account = 1); /* what a correction may put right */
    TAKEN(world.originals[1].account = 0);
    REFUSED("does not agree", world.originals[1].symbol = 0);
    REFUSED("does not agree", world.originals[1].symbol = TW_SYMBOLS_MAX + 1);
    REFUSED("does not agree", world.originals[1].account = TW_ACCOUNTS_MAX + 1);
    REFUSED("does not agree", world.originals[0].side = TW_SIDE_SELL);
    REFUSED("does not agree", world.originals[1].side = TW_SIDE_NONE);
    REFUSED("does not agree", world.originals[1].side = 3);
    REFUSED("does not agree", world.originals[1].reserved[2] = 1);
    REFUSED("does not agree", world.originals[0].qty_e8++);
    REFUSED("does not agree", world.originals[0].price_e8--);
    REFUSED("does not agree", world.originals[1].qty_e8 = 0);
    REFUSED("does not agree", world.originals[1].price_e8 = -1);
    REFUSED("does not agree", world.originals[1].price_e8 = INT64_MAX);
    REFUSED("does not agree", world.originals[1].ts_ns = TW_TIMESTAMP_MIN_NS - 1);
    REFUSED("does not agree", world.originals[1].seq = 0);
    TAKEN(world.originals[1].seq = 1004); /* the row before */
    REFUSED("does not agree", world.originals[1].seq = 1005);
    TAKEN(world.originals[1].qty_e8 = 1, world.originals[1].price_e8 = 1); /* a correction may change both */
    TAKEN(world.originals[1].side = TW_SIDE_BUY);
}

static void new_names_are_valid_and_dense(void **state)
{
    (void)state;
    REFUSED("not valid", world.names[0].name = TEXT("A APL"));
    REFUSED("not valid", world.names[0].name = TEXT(""));
    REFUSED("not valid", world.names[0].name = TEXT("012345678901234567890123456789012"));
    REFUSED("not valid", world.names[0].incarnation = 1);
    REFUSED("not valid", world.names[2].name = TEXT("desk 7"));
    REFUSED("not valid", world.names[2].name = TEXT("desk-56789012345678901234567890123"));
    TAKEN(world.names[2].name = TEXT("_anon"));
    REFUSED("not valid", world.names[3].name = TEXT("\xff"));
    REFUSED("not valid", world.names[3].name = TEXT("a\nb"));
    REFUSED("not valid", world.names[3].id = 0);
    REFUSED("not valid", world.names[3].id = TW_ACCOUNTS_MAX + 1);
    REFUSED("not valid", world.names[5].id = TW_PARTIES_MAX + 1);
    REFUSED("not valid", world.names[5].incarnation = 1);
    REFUSED("dense", world.names[1].id = 3);
    REFUSED("dense", world.names[1].id = 1);
    TAKEN(world.names[5].id = 77); /* where a kind begins only the dictionary can tell */
    REFUSED("names is no list", world.names[1].kind = 5);
    REFUSED("names is no list", world.names[1].kind = 0);
}

static void refusals_and_positions_have_their_bounds(void **state)
{
    (void)state;
    char text[257];
    memset(text, 'w', sizeof text);
    REFUSED("dense", world.refusals[0].number = 0);
    REFUSED("dense", world.refusals[1].number = 9);
    REFUSED("dense", world.refusals[1].number = 11);
    REFUSED("out of range", world.refusals[1].source = 0);
    REFUSED("out of range", world.refusals[1].source = TW_SOURCES_MAX + 1);
    REFUSED("out of range", world.refusals[0].pseq = 0);
    REFUSED("out of range", world.refusals[0].pseq = UINT64_C(1) << 63);
    REFUSED("no code", world.refusals[0].code.length = 0);
    REFUSED("too long", world.refusals[0].code = ((struct tw_text){text, 33}));
    REFUSED("too long", world.refusals[0].why = ((struct tw_text){text, TW_WHY_BYTES_MAX + 1}));
    REFUSED("too long", world.refusals[0].raw = ((struct tw_text){text, TW_REFUSED_RAW_BYTES_MAX + 1}));
    TAKEN(world.refusals[0].why = ((struct tw_text){text, TW_WHY_BYTES_MAX}));
    REFUSED("pos is out of range", world.positions[0].source = 0);
    REFUSED("pos is out of range", world.positions[1].source = TW_SOURCES_MAX + 1);
    REFUSED("pos is out of range", world.positions[0].next = 0);
    REFUSED("pos is out of range", world.positions[1].next++);
    REFUSED("lsn", world.block.lsn = 0);
    REFUSED("lsn", world.block.lsn = UINT64_C(1) << 63);
    REFUSED("follows", world.block.follows = UINT64_MAX);
    REFUSED("follows", world.block.follows = INT64_MAX);
}

/* ---- values of control records ---- */

static void control_records_make_sense(void **state)
{
    (void)state;
    const struct tw_control whole = {1, 0, TW_CONTROL_BOOT, 3 * TW_NS_PER_SECOND, 7, 2, 5, {"text", 4}};
#define CONTROL(member, value)                                                                                         \
    do {                                                                                                               \
        struct tw_control control = whole;                                                                             \
        control.kind = kind;                                                                                           \
        control.number = kind == TW_CONTROL_SESSION ? (uint64_t)control.ts_ns + 1 : control.number;                    \
        expect_taken(tw_control_encode(&control));                                                                     \
        control.member = value;                                                                                        \
        expect_refused(tw_control_encode(&control), reason);                                                           \
    } while (0)
    enum tw_control_kind kind = TW_CONTROL_BOOT;
    const char *reason = "a boot";
    CONTROL(number, 0);
    kind = TW_CONTROL_CLOCK;
    reason = "whole second";
    CONTROL(ts_ns, TW_NS_PER_SECOND + 1);
    CONTROL(ts_ns, -TW_NS_PER_SECOND);
    kind = TW_CONTROL_SESSION;
    reason = "a session";
    CONTROL(number, 3000000000);
    CONTROL(number, UINT64_C(1) << 63);
    CONTROL(ts_ns, -1);
    kind = TW_CONTROL_FENCE;
    reason = "a fence";
    CONTROL(source, 0);
    CONTROL(number, UINT64_C(1) << 32);
    CONTROL(text, TEXT(""));
    kind = TW_CONTROL_FEED_GAP;
    reason = "a feed gap";
    CONTROL(source, 0);
    CONTROL(number, 0);
    CONTROL(number2, 0);
    CONTROL(number, UINT64_C(1) << 63);
    CONTROL(number2, UINT64_MAX);
    kind = TW_CONTROL_SNAPSHOT;
    reason = "a snapshot";
    CONTROL(number, 0);
    reason = "source is out of range";
    CONTROL(source, TW_SOURCES_MAX + 1);
#undef CONTROL
}

static void a_retention_drops_only_what_lies_before_it(void **state)
{
    (void)state;
    const struct tw_control whole = {
        .lsn = 9, .follows = 100, .kind = TW_CONTROL_RETENTION, .number = 100, .number2 = 8};
    struct tw_control control = whole;
    expect_taken(tw_control_encode(&control));
    control.number = 101;
    expect_refused(tw_control_encode(&control), "a retention");
    control = whole;
    control.number2 = 9;
    expect_refused(tw_control_encode(&control), "a retention");
    control.number2 = 0;
    expect_refused(tw_control_encode(&control), "a retention");
}

static void a_lane_names_a_publisher(void **state)
{
    (void)state;
    const struct tw_control whole = {.lsn = 9, .kind = TW_CONTROL_LANE, .number = 1, .text = TEXT("feed-1")};
    struct tw_control control = whole;
    expect_taken(tw_control_encode(&control));
    control.number = 0;
    expect_taken(tw_control_encode(&control));
    control.number = 2;
    expect_refused(tw_control_encode(&control), "a lane");
    control = whole;
    control.text = TEXT("_anon");
    expect_refused(tw_control_encode(&control), "a lane");
    control.text = TEXT("");
    expect_refused(tw_control_encode(&control), "a lane");
}

static void an_action_is_numbered_and_readable(void **state)
{
    (void)state;
    const struct tw_action done = {
        .verb = TW_ACTION_ACK, .id = TEXT("00112233445566778899aabbccddeeff"), .n = 7, .who = TEXT("maria")};
    struct tw_buffer text = {0};
    tw_action_encode(&text, &done);
    const struct tw_control whole = {
        .lsn = 9, .kind = TW_CONTROL_ACTION, .number = 1, .text = {(const char *)text.bytes, (uint32_t)text.length}};
    struct tw_control control = whole;
    expect_taken(tw_control_encode(&control));
    control.number = 0;
    expect_refused(tw_control_encode(&control), "an action has no number");
    control = whole;
    control.text.length--;
    expect_refused(tw_control_encode(&control), "an action is not readable");
    control = whole;
    text.bytes[text.length - 1] = '\n';
    expect_refused(tw_control_encode(&control), "who it is by");
    tw_buffer_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amounts_and_times_have_their_ranges),
        cmocka_unit_test(ids_of_names_have_their_ranges),
        cmocka_unit_test(attributes_are_possible_ones),
        cmocka_unit_test(execution_ids_add_up),
        cmocka_unit_test(busts_and_corrections_have_their_originals),
        cmocka_unit_test(originals_agree_with_their_rows),
        cmocka_unit_test(new_names_are_valid_and_dense),
        cmocka_unit_test(refusals_and_positions_have_their_bounds),
        cmocka_unit_test(control_records_make_sense),
        cmocka_unit_test(a_retention_drops_only_what_lies_before_it),
        cmocka_unit_test(a_lane_names_a_publisher),
        cmocka_unit_test(an_action_is_numbered_and_readable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
