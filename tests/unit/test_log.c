/* SPDX-License-Identifier: MIT
 *
 * Records of the log: what is encoded comes back, whole and in place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "log_world.h"
#include "protocol/pack.h"

#define OF(array) (sizeof(array) / sizeof((array)[0]))

static struct tw_record decoded(const struct tw_frame *frame)
{
    struct tw_record record;
    const char *why = NULL;
    if (!tw_record_decode(frame->bytes, frame->length, &record, &why))
        fail_msg("%s", why);
    return record;
}

static void expect_text(struct tw_text found, struct tw_text expected)
{
    assert_int_equal(found.length, expected.length);
    if (expected.length != 0)
        assert_memory_equal(found.bytes, expected.bytes, expected.length);
}

static void expect_lists(const struct tw_block *block, const struct tw_block_lists *lists)
{
    struct tw_new_name name;
    struct tw_refusal refusal;
    struct tw_position position;
    uint32_t offset = 0, count = 0;
    assert_int_equal(block->name_count, lists->name_count);
    for (; tw_block_next_name(block, &offset, &name); count++) {
        const struct tw_new_name *expected = &lists->names[count];
        assert_int_equal(name.kind, expected->kind);
        assert_int_equal(name.id, expected->id);
        assert_int_equal(name.incarnation, expected->incarnation);
        expect_text(name.name, expected->name);
    }
    assert_int_equal(count, lists->name_count);
    assert_int_equal(block->refusal_count, lists->refusal_count);
    for (offset = count = 0; tw_block_next_refusal(block, &offset, &refusal); count++) {
        const struct tw_refusal *expected = &lists->refusals[count];
        assert_int_equal(refusal.number, expected->number);
        assert_int_equal(refusal.source, expected->source);
        assert_int_equal(refusal.pseq, expected->pseq);
        assert_int_equal(refusal.content_hash, expected->content_hash);
        assert_int_equal(refusal.received_ns, expected->received_ns);
        expect_text(refusal.code, expected->code);
        expect_text(refusal.why, expected->why);
        expect_text(refusal.raw, expected->raw);
    }
    assert_int_equal(count, lists->refusal_count);
    assert_int_equal(block->position_count, lists->position_count);
    for (offset = count = 0; tw_block_next_position(block, &offset, &position); count++) {
        assert_int_equal(position.source, lists->positions[count].source);
        assert_int_equal(position.next, lists->positions[count].next);
    }
    assert_int_equal(count, lists->position_count);
}

static void expect_block(const struct tw_block *found, const struct tw_block *expected)
{
    assert_int_equal(found->lsn, expected->lsn);
    assert_int_equal(found->follows, expected->follows);
    assert_int_equal(found->count, expected->count);
#define COLUMN(member, key, width, always)                                                                             \
    assert_int_equal(found->member == NULL, expected->member == NULL);                                                 \
    if (expected->member != NULL && expected->count != 0)                                                              \
        assert_memory_equal(found->member, expected->member, (size_t)expected->count *width);
    TW_BLOCK_COLUMNS(COLUMN)
#undef COLUMN
    assert_int_equal(found->ids_bytes, expected->ids_bytes);
    if (expected->ids_bytes != 0)
        assert_memory_equal(found->ids, expected->ids, expected->ids_bytes);
    assert_int_equal(found->original_count, expected->original_count);
    if (expected->original_count != 0)
        assert_memory_equal(found->originals, expected->originals, expected->original_count * 48u);
}

static void a_block_with_everything_comes_back(void **state)
{
    (void)state;
    struct log_world world;
    log_world_fill(&world);
    struct tw_frame *frame = log_world_encode(&world);
    struct tw_record record = decoded(frame), view;
    assert_int_equal(record.kind, TW_RECORD_BLOCK);
    expect_block(&record.block, &world.block);
    expect_lists(&record.block, &world.lists);
    assert_int_equal(tw_record_lsn(&record), 12);
    assert_int_equal(tw_record_follows(&record), 1000);
    assert_int_equal(tw_record_last(&record), 1005);
    assert_true(tw_record_view(frame->bytes, frame->length, &view));
    assert_memory_equal(&view, &record, sizeof view);
    tw_frame_drop(&frame);
}

static void parts_that_are_not_there_take_no_place(void **state)
{
    (void)state;
    struct log_world world;
    log_world_fill(&world);
    world.block.count = 3;
    world.block.original_count = 0;
    world.block.id_length = world.block.venue = world.block.owner = world.block.contra = NULL;
    world.block.broker = world.block.ccy = NULL;
    world.block.ids_bytes = 0;
    world.lists.name_count = world.lists.refusal_count = world.lists.position_count = 0;
    struct tw_frame *frame = log_world_encode(&world);
    struct tw_record record = decoded(frame);
    expect_block(&record.block, &world.block);
    expect_lists(&record.block, &world.lists);
    assert_int_equal(frame->bytes[0], 0x8d); /* a map of 13 pairs */
    for (uint32_t row = 0; row < 3; row++) {
        assert_int_equal(tw_load_party(record.block.venue, row), 0);
        assert_int_equal(tw_block_id(&record.block, row).length, 0);
    }
    tw_frame_drop(&frame);
}

static void a_block_without_rows_carries_refusals_and_positions(void **state)
{
    (void)state;
    struct log_world world;
    log_world_fill(&world);
    world.block.count = world.block.original_count = world.block.ids_bytes = 0;
    struct tw_frame *frame = log_world_encode(&world);
    struct tw_record record = decoded(frame);
    assert_int_equal(record.block.count, 0);
    assert_null(record.block.venue);
    expect_lists(&record.block, &world.lists);
    assert_int_equal(tw_record_last(&record), tw_record_follows(&record));
    tw_frame_drop(&frame);
}

static void execution_ids_are_found_by_row(void **state)
{
    (void)state;
    struct log_world world;
    log_world_fill(&world);
    struct tw_frame *frame = log_world_encode(&world);
    struct tw_record record = decoded(frame);
    static const char *const expected[] = {"T-1", "", "", "b", "c2"};
    for (uint32_t row = 0; row < WORLD_ROWS; row++)
        expect_text(tw_block_id(&record.block, row), (struct tw_text){expected[row], (uint32_t)strlen(expected[row])});
    tw_frame_drop(&frame);
}

static void originals_are_found_in_order_of_rows(void **state)
{
    (void)state;
    struct log_world world;
    log_world_fill(&world);
    struct tw_frame *frame = log_world_encode(&world);
    struct tw_record record = decoded(frame);
    uint32_t cursor = 0;
    assert_int_equal(tw_block_original(&record.block, 3, &cursor).seq, 1001);
    assert_int_equal(tw_block_original(&record.block, 3, &cursor).seq, 1001); /* asking twice is fine */
    assert_int_equal(tw_block_original(&record.block, 4, &cursor).seq, 17);
    cursor = 0;
    assert_int_equal(tw_block_original(&record.block, 4, &cursor).side, TW_SIDE_SELL);
    tw_frame_drop(&frame);
}

static void the_frame_has_the_size_that_it_needs(void **state)
{
    (void)state;
    struct log_world world;
    log_world_fill(&world);
    struct tw_frame *frame = log_world_encode(&world);
    assert_true(frame->length <= frame->capacity && frame->capacity < frame->length + 1024);
    assert_int_equal(atomic_load(&frame->references), 1);
    tw_frame_drop(&frame);
}

static void the_largest_block_is_within_its_bound(void **state)
{
    (void)state;
    enum { ROWS = TW_BLOCK_TRADES_MAX };
    struct log_world world;
    log_world_fill(&world);
    int64_t *wide = calloc(ROWS, sizeof *wide), *ts = calloc(ROWS, sizeof *ts);
    uint32_t *narrow = calloc(ROWS, sizeof *narrow);
    uint8_t *attrs = malloc(ROWS), *lengths = malloc(ROWS), *ids = malloc(ROWS * 64u);
    struct tw_original *originals = calloc(ROWS, sizeof *originals);
    struct tw_refusal *refusals = calloc(ROWS, sizeof *refusals);
    struct tw_new_name *names = calloc(ROWS * 8u, sizeof *names);
    char text[256];
    memset(text, 'n', sizeof text);
    memset(ids, 'i', ROWS * 64u);
    for (uint32_t i = 0; i < ROWS; i++) {
        wide[i] = 1;
        ts[i] = WORLD_TS;
        narrow[i] = 1;
        attrs[i] = TW_ATTR_MAKE(TW_SIDE_BUY, TW_KIND_BUST);
        lengths[i] = 64;
        originals[i] = (struct tw_original){.row = i,
                                            .symbol = 1,
                                            .account = 1,
                                            .side = TW_SIDE_BUY,
                                            .seq = i + 1,
                                            .qty_e8 = 1,
                                            .price_e8 = 1,
                                            .ts_ns = WORLD_TS};
        refusals[i] = (struct tw_refusal){i + 1, 1, i + 1, UINT64_MAX, WORLD_TS, {text, 32}, {text, 160}, {text, 256}};
    }
    for (uint32_t i = 0; i < ROWS * 8u; i++)
        names[i] = (struct tw_new_name){TW_NAME_ACCOUNT, i + 1, 0, {text, 32}};
    struct tw_block *block = &world.block;
    block->count = block->original_count = ROWS;
    block->ts = (const uint8_t *)ts;
    block->qty = block->price = block->pseq = (const uint8_t *)wide;
    block->symbol = block->account = block->source = block->venue = (const uint8_t *)narrow;
    block->owner = block->contra = block->broker = block->ccy = (const uint8_t *)narrow;
    block->attrs = attrs;
    block->id_length = lengths;
    block->ids = ids;
    block->ids_bytes = ROWS * 64u;
    block->originals = (const uint8_t *)originals;
    world.lists = (struct tw_block_lists){names, refusals, world.positions, ROWS * 8u, ROWS, 2};
    struct tw_frame *frame = log_world_encode(&world);
    struct tw_record record = decoded(frame);
    assert_true(frame->length <= TW_BLOCK_BYTES_MAX);
    expect_block(&record.block, block);
    assert_int_equal(tw_record_last(&record), 1000 + ROWS);
    tw_frame_drop(&frame);
    void *all[] = {wide, ts, narrow, attrs, lengths, ids, originals, refusals, names};
    for (size_t i = 0; i < OF(all); i++)
        free(all[i]);
}

/* ---- control records ---- */

#define ACTION                                                                                                         \
    "\x85\xa1v\x01\xa4verb\xa3"                                                                                        \
    "ack\xa2id\xd9\x20"                                                                                                \
    "00112233445566778899aabbccddeeff\xa1n\x07\xa3who\xa5"                                                             \
    "maria"
static const struct tw_control CONTROLS[] = {
    {1, 0, TW_CONTROL_BOOT, WORLD_TS, 1, 0, 0, {"0.1.0", 5}},
    {2, 0, TW_CONTROL_SETTINGS, 0, 0, 0, 0, {"rules/velocity/limit=10\n", 24}},
    {3, 900, TW_CONTROL_CLOCK, WORLD_TS, 0, 0, 0, {NULL, 0}},
    {4, 900, TW_CONTROL_SESSION, WORLD_TS, (uint64_t)WORLD_TS + 1, 0, 0, {NULL, 0}},
    {5, 900, TW_CONTROL_FENCE, 0, UINT32_MAX, 0, 7, {"desk-7", 6}},
    {6, 900, TW_CONTROL_FEED_GAP, WORLD_TS, 100, 5, 7, {NULL, 0}},
    {7, 900, TW_CONTROL_SNAPSHOT, WORLD_TS, 1, 0, 0, {NULL, 0}},
    {INT64_MAX, 900, TW_CONTROL_RETENTION, WORLD_TS, 900, INT64_MAX - 1, 0, {"age", 3}},
    {8, 900, TW_CONTROL_LANE, 0, 1, 0, 0, {"feed-1", 6}},
    {9, 900, TW_CONTROL_ACTION, WORLD_TS, 1, 0, 0, {ACTION, sizeof ACTION - 1}},
};

static void every_control_record_comes_back(void **state)
{
    (void)state;
    assert_int_equal(OF(CONTROLS), TW_CONTROL_KIND_COUNT);
    for (size_t i = 0; i < OF(CONTROLS); i++) {
        const struct tw_control *expected = &CONTROLS[i];
        assert_int_equal(expected->kind, i);
        struct tw_frame *frame = tw_control_encode(expected);
        struct tw_record record = decoded(frame), view;
        assert_int_equal(record.kind, TW_RECORD_CONTROL);
        assert_int_equal(record.control.kind, expected->kind);
        assert_int_equal(record.control.ts_ns, expected->ts_ns);
        assert_int_equal(record.control.number, expected->number);
        assert_int_equal(record.control.number2, expected->number2);
        assert_int_equal(record.control.source, expected->source);
        expect_text(record.control.text, expected->text);
        assert_int_equal(tw_record_lsn(&record), expected->lsn);
        assert_int_equal(tw_record_follows(&record), expected->follows);
        assert_int_equal(tw_record_last(&record), expected->follows);
        assert_true(tw_record_view(frame->bytes, frame->length, &view));
        assert_memory_equal(&view, &record, sizeof view);
        tw_frame_drop(&frame);
    }
}

static void settings_may_be_long(void **state)
{
    (void)state;
    char *text = malloc(TW_SETTINGS_BYTES_MAX);
    memset(text, 's', TW_SETTINGS_BYTES_MAX);
    struct tw_control control = CONTROLS[TW_CONTROL_SETTINGS];
    control.text = (struct tw_text){text, TW_SETTINGS_BYTES_MAX};
    struct tw_frame *frame = tw_control_encode(&control);
    struct tw_record record = decoded(frame);
    expect_text(record.control.text, control.text);
    tw_frame_drop(&frame);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_with_everything_comes_back),
        cmocka_unit_test(parts_that_are_not_there_take_no_place),
        cmocka_unit_test(a_block_without_rows_carries_refusals_and_positions),
        cmocka_unit_test(execution_ids_are_found_by_row),
        cmocka_unit_test(originals_are_found_in_order_of_rows),
        cmocka_unit_test(the_frame_has_the_size_that_it_needs),
        cmocka_unit_test(the_largest_block_is_within_its_bound),
        cmocka_unit_test(every_control_record_comes_back),
        cmocka_unit_test(settings_may_be_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
