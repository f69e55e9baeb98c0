/* SPDX-License-Identifier: MIT
 *
 * Packed blocks: whatever is packed comes back byte by byte, is smaller, and what was not packed so is refused without
 * a read or write out of bounds.
 */
#include <stdlib.h>

#include "log_world.h"
#include "protocol/check.h"
#include "store/packed.h"
#include "store_world.h"

#define ROWS 8190u

static uint64_t random_state = 7;

static uint64_t random_u64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* ---- columns ---- */

/* Packs and unpacks the values' low bytes; returns how many bytes they took. */
static size_t column_comes_back(const uint64_t *values, uint32_t count, uint32_t width)
{
    static uint8_t column[ROWS * 8], back[ROWS * 8];
    struct tw_buffer out = {0};
    for (uint32_t i = 0; i < count; i++)
        memcpy(column + (size_t)i * width, &values[i], width);
    tw_packed_put_column(&out, column, count, width);
    size_t length = out.length;
    struct tw_packed_reader reader = {out.bytes, out.bytes + length};
    memset(back, 0xee, sizeof back);
    assert_true(tw_packed_take_column(&reader, back, count, width));
    assert_ptr_equal(reader.at, reader.end);
    assert_memory_equal(back, column, (size_t)count * width);
    for (size_t less = 0; less < length; less += 1 + length / 64) {
        uint8_t *cut = tw_alloc(less + 1); /* of its own, so that a read behind it is noticed */
        memcpy(cut, out.bytes, less);
        reader = (struct tw_packed_reader){cut, cut + less};
        assert_false(tw_packed_take_column(&reader, back, count, width));
        free(cut);
    }
    tw_buffer_free(&out);
    return length;
}

typedef uint64_t (*maker)(uint32_t row);

static uint64_t constant(uint32_t row)
{
    (void)row;
    return 77;
}
static uint64_t counting(uint32_t row)
{
    return UINT64_C(1700000000000000000) + row;
}
static uint64_t falling(uint32_t row)
{
    return UINT64_MAX - row * UINT64_C(3);
}
static uint64_t milliseconds(uint32_t row)
{
    return (UINT64_C(1700000000000) + row * UINT64_C(7) + random_u64() % 5) * 1000000;
}
static uint64_t whole_lots(uint32_t row)
{
    (void)row;
    return (1 + random_u64() % 50) * UINT64_C(10000000000);
}
static uint64_t anything(uint32_t row)
{
    (void)row;
    return random_u64();
}
static uint64_t extremes(uint32_t row)
{
    return row % 2 == 0 ? 0 : UINT64_MAX;
}
static uint64_t middle_of_signed(uint32_t row)
{
    return (UINT64_C(1) << 63) - 1 + row % 3;
}
static uint64_t one_that_stands_out(uint32_t row)
{
    return row == 100 ? UINT64_MAX : 5;
}
static uint64_t zeros_and_ten(uint32_t row)
{
    return row % 5 == 0 ? UINT64_C(10000000000000000000) : 0;
}

static void every_shape_of_column_comes_back(void **state)
{
    static const maker shapes[] = {constant, counting, falling,          milliseconds,        whole_lots,
                                   anything, extremes, middle_of_signed, one_that_stands_out, zeros_and_ten};
    static const uint32_t counts[] = {1, 2, 3, 127, 128, 129, 256, 1000, ROWS};
    static uint64_t values[ROWS];
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
            for (uint32_t row = 0; row < counts[c]; row++)
                values[row] = shapes[i](row);
            column_comes_back(values, counts[c], 8);
            column_comes_back(values, counts[c], 4);
            column_comes_back(values, counts[c], 1);
        }
}

static void every_number_of_bits_comes_back(void **state)
{
    uint64_t values[200];
    (void)state;
    for (uint32_t bits = 1; bits <= 64; bits++) {
        for (uint32_t row = 0; row < 200; row++)
            values[row] = (random_u64() >> (64 - bits)) | (row == 0 ? UINT64_C(1) << (bits - 1) : 0);
        column_comes_back(values, 200, 8);
    }
}

static size_t bytes_of(maker make)
{
    static uint64_t values[ROWS];
    for (uint32_t row = 0; row < ROWS; row++)
        values[row] = make(row);
    return column_comes_back(values, ROWS, 8);
}

static void what_columns_have_in_common_costs_next_to_nothing(void **state)
{
    (void)state;
    assert_true(bytes_of(constant) < ROWS / 40);
    assert_true(bytes_of(counting) < ROWS / 8);
    assert_true(bytes_of(milliseconds) < ROWS);
    assert_true(bytes_of(whole_lots) < ROWS);
    assert_true(bytes_of(anything) < ROWS * 8 + ROWS / 5);
}

static void a_value_too_large_for_its_column_is_refused(void **state)
{
    uint8_t column[4];
    const uint8_t packed[] = {0, 0x80, 2}; /* 256, in no bits */
    struct tw_packed_reader reader = {packed, packed + sizeof packed};
    (void)state;
    assert_true(tw_packed_take_column(&reader, column, 1, 4));
    reader = (struct tw_packed_reader){packed, packed + sizeof packed};
    assert_false(tw_packed_take_column(&reader, column, 1, 1));
}

static void heads_that_were_never_written_are_refused(void **state)
{
    static const uint8_t bad[][12] = {{65, 0, 0}, {127, 0, 0}, {0, 19, 0}, {0, 255, 0}};
    uint8_t column[8];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct tw_packed_reader reader = {bad[i], bad[i] + sizeof bad[i]};
        assert_false(tw_packed_take_column(&reader, column, 1, 8));
    }
}

/* ---- execution ids ---- */

struct ids {
    struct tw_buffer bytes;
    uint8_t lengths[ROWS];
    uint32_t count;
};

static void add_id(struct ids *ids, const char *id)
{
    tw_buffer_append(&ids->bytes, id, strlen(id));
    ids->lengths[ids->count++] = (uint8_t)strlen(id);
}

/* Frees them; returns how many bytes they took. */
static size_t ids_come_back(struct ids *ids)
{
    struct tw_buffer out = {0};
    uint8_t *back = tw_alloc(ids->bytes.length + 1);
    tw_packed_put_ids(&out, ids->bytes.bytes, (uint32_t)ids->bytes.length, ids->lengths, ids->count);
    size_t length = out.length;
    struct tw_packed_reader reader = {out.bytes, out.bytes + length};
    assert_true(tw_packed_take_ids(&reader, back, (uint32_t)ids->bytes.length, ids->lengths, ids->count));
    assert_ptr_equal(reader.at, reader.end);
    assert_memory_equal(back, ids->bytes.bytes, ids->bytes.length);
    for (size_t less = 0; less < length; less += 1 + length / 64) {
        reader = (struct tw_packed_reader){out.bytes, out.bytes + less};
        assert_false(tw_packed_take_ids(&reader, back, (uint32_t)ids->bytes.length, ids->lengths, ids->count));
    }
    free(back);
    tw_buffer_free(&out);
    tw_buffer_free(&ids->bytes);
    ids->count = 0;
    return length;
}

static void ids_that_count_take_hardly_a_byte(void **state)
{
    static struct ids ids;
    char id[64];
    (void)state;
    for (uint32_t i = 0; i < 5000; i++) {
        snprintf(id, sizeof id, "20131008-%u", 7 + i); /* 9 to 10, 99 to 100 among them */
        add_id(&ids, id);
    }
    assert_true(ids_come_back(&ids) < 700);
    for (uint32_t i = 0; i < 5000; i++) {
        snprintf(id, sizeof id, "%s%012u", i % 3 == 0 ? "AX-" : i % 3 == 1 ? "B" : "", 999 + i);
        add_id(&ids, id);
    }
    assert_true(ids_come_back(&ids) < 3000);
}

static void ids_of_any_kind_come_back(void **state)
{
    static struct ids ids;
    static const char *const odd[] = {
        "",   "",    "x",  "0",   "00", "9", "10", "99999999999999999999", "999999999999999999",
        "A0", "A00", "A1", "A09", "A9", "",  "A10"};
    char id[65];
    (void)state;
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        add_id(&ids, odd[i]);
    ids_come_back(&ids);
    for (uint32_t i = 0; i < 100; i++) { /* more texts than there is room for */
        snprintf(id, sizeof id, "desk%u-x%u", i, i);
        add_id(&ids, id);
    }
    ids_come_back(&ids);
    for (uint32_t i = 0; i < 500; i++) { /* random ones, of every length */
        uint32_t length = i % 65;
        for (uint32_t at = 0; at < length; at++)
            id[at] = "0123456789abcdef"[random_u64() % 16];
        id[length] = '\0';
        add_id(&ids, id);
    }
    ids_come_back(&ids);
}

static void digits_that_do_not_fit_are_refused(void **state)
{
    const uint8_t lengths[] = {2, 2};
    const uint8_t packed[] = {1, 1, 1, 'A', 0, 0, 9, 0};     /* A9 twice */
    const uint8_t too_large[] = {1, 1, 1, 'A', 0, 0, 10, 0}; /* A10 */
    const uint8_t over[] = {1, 1, 1, 'A', 0x80, 0, 9, 2};    /* A9, and A10 behind it */
    const uint8_t long_text[] = {1, 1, 3, 'A', 'B', 'C', 0, 0, 0, 0};
    const uint8_t no_text[] = {1, 0, 0, 0, 0, 0, 0};
    struct {
        const uint8_t *bytes;
        size_t length;
    } bad[] = {
        {too_large, sizeof too_large}, {over, sizeof over}, {long_text, sizeof long_text}, {no_text, sizeof no_text}};
    uint8_t ids[4];
    (void)state;
    struct tw_packed_reader reader = {packed, packed + sizeof packed};
    assert_true(tw_packed_take_ids(&reader, ids, 4, lengths, 2));
    assert_memory_equal(ids, "A9A9", 4);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        reader = (struct tw_packed_reader){bad[i].bytes, bad[i].bytes + bad[i].length};
        assert_false(tw_packed_take_ids(&reader, ids, 4, lengths, 2));
    }
}

/* ---- whole blocks ---- */

static size_t block_comes_back(const struct tw_frame *frame)
{
    struct tw_record record;
    struct tw_buffer packed = {0};
    const char *why = NULL;
    assert_true(tw_record_decode(frame->bytes, frame->length, &record, &why));
    assert_true(tw_packed_put(&packed, frame->bytes, frame->length, &record.block));
    assert_true(packed.length < frame->length);
    assert_true(tw_is_packed(packed.bytes, packed.length));
    assert_false(tw_is_packed(frame->bytes, frame->length));
    assert_int_equal(tw_packed_record_bytes(packed.bytes, packed.length), frame->length);
    uint8_t *back = tw_alloc(frame->length);
    assert_true(
        tw_packed_take(packed.bytes, packed.length, record.block.follows, record.block.lsn, back, frame->length));
    assert_memory_equal(back, frame->bytes, frame->length);
    for (size_t less = 0; less < packed.length; less += 1 + packed.length / 256) {
        uint8_t *cut = tw_alloc(less + 1);
        memcpy(cut, packed.bytes, less);
        assert_false(tw_packed_take(cut, less, record.block.follows, record.block.lsn, back, frame->length));
        free(cut);
    }
    for (size_t at = 0; at < packed.length; at += 1 + packed.length / 256)
        for (uint32_t bit = 0; bit < 8; bit++) { /* refused, or other bytes, or it was a bit that says nothing */
            packed.bytes[at] ^= (uint8_t)(1u << bit);
            tw_packed_take(packed.bytes, packed.length, record.block.follows, record.block.lsn, back, frame->length);
            packed.bytes[at] ^= (uint8_t)(1u << bit);
        }
    size_t length = packed.length;
    free(back);
    tw_buffer_free(&packed);
    return length;
}

static void a_block_with_every_part_comes_back(void **state)
{
    struct log_world world;
    (void)state;
    log_world_fill(&world);
    struct tw_frame *frame = log_world_encode(&world);
    block_comes_back(frame);
    tw_frame_drop(&frame);
}

static void blocks_of_every_size_come_back_smaller(void **state)
{
    static const uint32_t counts[] = {1, 2, 7, 50, 127, 128, 129, 4096, ROWS};
    struct feed feed = {.random = 99};
    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct tw_frame *frame = feed_block(&feed, counts[i], i % 3 == 0 ? 5 : 0);
        assert_true(block_comes_back(frame) < frame->length * 3 / 4 || i == 0); /* the first has all the names */
        tw_frame_drop(&frame);
    }
    feed_forget(&feed);
}

static void a_head_that_was_never_written_is_refused(void **state)
{
    static const uint8_t bad[][8] = {
        {TW_PACKED_BLOCK, 0, 1, 0xff, 1},                      /* no record */
        {TW_PACKED_BLOCK, 0xff, 0xff, 0xff, 0x7f, 1, 0xff, 1}, /* too long */
        {TW_PACKED_BLOCK, 99, 0, 0xff, 1},                     /* no row */
        {TW_PACKED_BLOCK, 99, 0xff, 0x7f, 0xff, 1},            /* too many */
        {TW_PACKED_BLOCK, 99, 1, 0xff, 0xff, 0x7f},            /* parts that there are none of */
        {TW_PACKED_BLOCK + 1, 99, 1, 0xff, 1},
    };
    uint8_t record[99];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(tw_packed_record_bytes(bad[i], sizeof bad[i]), 0);
        assert_false(tw_packed_take(bad[i], sizeof bad[i], 0, 1, record, sizeof record));
    }
    assert_int_equal(tw_packed_record_bytes(bad[0], 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shape_of_column_comes_back),
        cmocka_unit_test(every_number_of_bits_comes_back),
        cmocka_unit_test(what_columns_have_in_common_costs_next_to_nothing),
        cmocka_unit_test(a_value_too_large_for_its_column_is_refused),
        cmocka_unit_test(heads_that_were_never_written_are_refused),
        cmocka_unit_test(ids_that_count_take_hardly_a_byte),
        cmocka_unit_test(ids_of_any_kind_come_back),
        cmocka_unit_test(digits_that_do_not_fit_are_refused),
        cmocka_unit_test(a_block_with_every_part_comes_back),
        cmocka_unit_test(blocks_of_every_size_come_back_smaller),
        cmocka_unit_test(a_head_that_was_never_written_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
