/* SPDX-License-Identifier: MIT
 *
 * What is no record of the log: a whole one taken apart and put together wrongly, cut, or damaged.
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

#define PAIRS_MAX 32u

/* A record taken apart into the bytes of its keys and values, to be put together otherwise. */
struct parts {
    struct tw_frame *frame;
    uint32_t count;
    struct part {
        char key[16];
        size_t start, value, end; /* in the frame */
    } part[PAIRS_MAX];
};

static void take_apart(struct parts *parts, struct tw_frame *frame)
{
    struct tw_unpacker cursor = tw_unpacker_over(frame->bytes, frame->length);
    memset(parts, 0, sizeof *parts);
    parts->frame = frame;
    assert_true(tw_unpack_map(&cursor, &parts->count));
    assert_in_range(parts->count, 1, PAIRS_MAX);
    for (uint32_t i = 0; i < parts->count; i++) {
        struct part *part = &parts->part[i];
        struct tw_text key;
        part->start = cursor.offset;
        assert_true(tw_unpack_text(&cursor, &key) && key.length < sizeof part->key);
        memcpy(part->key, key.bytes, key.length);
        part->value = cursor.offset;
        assert_true(tw_unpack_skip(&cursor));
        part->end = cursor.offset;
    }
    assert_int_equal(cursor.offset, frame->length);
}

static void put_range(struct tw_buffer *out, const struct parts *parts, size_t start, size_t end)
{
    tw_buffer_append(out, parts->frame->bytes + start, end - start);
}

static void put_part(struct tw_buffer *out, const struct parts *parts, uint32_t i)
{
    put_range(out, parts, parts->part[i].start, parts->part[i].end);
}

/* Pairs from `first` to `end`, in their order. */
static void put_parts(struct tw_buffer *out, const struct parts *parts, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i++)
        put_part(out, parts, i);
}

static void expect_put(struct tw_buffer *out, bool good, const char *what, const char *key)
{
    const char *why;
    if (decodes(out->bytes, out->length, &why) != good)
        fail_msg("%s %s: %s", key, what, good ? why : "taken");
    out->length = 0;
}

static bool may_be_absent(const char *key)
{
    static const char *const keys[] = {"venue", "owner", "contra", "broker", "ccy", "names", "refused", "pos"};
    for (size_t i = 0; i < OF(keys); i++)
        if (strcmp(keys[i], key) == 0)
            return true;
    return false;
}

static void try_shapes(struct tw_frame *frame)
{
    struct parts parts;
    struct tw_buffer out = {NULL, 0, 0};
    take_apart(&parts, frame);
    uint32_t count = parts.count;
    for (uint32_t i = 0; i < count; i++) {
        const struct part *part = &parts.part[i];
        tw_pack_map(&out, count);
        put_parts(&out, &parts, 0, count);
        expect_put(&out, true, "as it was", part->key);
        tw_pack_map(&out, count - 1);
        put_parts(&out, &parts, 0, i);
        put_parts(&out, &parts, i + 1, count);
        expect_put(&out, may_be_absent(part->key), "left out", part->key);
        tw_pack_map(&out, count + 1);
        put_parts(&out, &parts, 0, i + 1);
        put_parts(&out, &parts, i, count);
        expect_put(&out, false, "given twice", part->key);
        tw_pack_map(&out, count + 1);
        put_parts(&out, &parts, 0, i);
        tw_pack_str(&out, "surprise");
        tw_pack_nil(&out);
        put_parts(&out, &parts, i, count);
        expect_put(&out, false, "behind an unknown key", part->key);
        tw_pack_map(&out, count);
        put_parts(&out, &parts, 0, i);
        put_range(&out, &parts, part->start, part->value);
        tw_pack_nil(&out);
        put_parts(&out, &parts, i + 1, count);
        expect_put(&out, false, "nil", part->key);
        tw_pack_map(&out, count);
        put_parts(&out, &parts, 0, i);
        tw_buffer_append(&out, (uint8_t[]){0xd9, (uint8_t)strlen(part->key)}, 2); /* the key in a longer form */
        put_range(&out, &parts, part->start + 1, part->end);
        put_parts(&out, &parts, i + 1, count);
        expect_put(&out, false, "with a long head", part->key);
        if (i + 1 == count)
            break;
        tw_pack_map(&out, count);
        put_parts(&out, &parts, 0, i);
        put_part(&out, &parts, i + 1);
        put_part(&out, &parts, i);
        put_parts(&out, &parts, i + 2, count);
        expect_put(&out, false, "behind the next key", part->key);
    }
    tw_pack_map(&out, count - 1);
    put_parts(&out, &parts, 0, count);
    expect_put(&out, false, "with a count of one less", "map");
    tw_pack_map(&out, count + 1);
    put_parts(&out, &parts, 0, count);
    expect_put(&out, false, "with a count of one more", "map");
    tw_buffer_free(&out);
    tw_frame_drop(&frame);
}

static void keys_are_all_there_once_and_in_order(void **state)
{
    (void)state;
    struct log_world world;
    log_world_fill(&world);
    try_shapes(log_world_encode(&world));
    const struct tw_control control = {1, 0, TW_CONTROL_FENCE, 0, 7, 0, 5, {"desk-7", 6}};
    try_shapes(tw_control_encode(&control));
}

static void every_bin_has_its_exact_length(void **state)
{
    (void)state;
    struct log_world world;
    struct parts parts;
    struct tw_buffer out = {NULL, 0, 0};
    unsigned tried = 0;
    log_world_fill(&world);
    take_apart(&parts, log_world_encode(&world));
    for (uint32_t i = 0; i < parts.count; i++) {
        const struct part *part = &parts.part[i];
        struct tw_unpacker cursor = tw_unpacker_over(parts.frame->bytes + part->value, part->end - part->value);
        struct tw_pack_value value = tw_unpack_next(&cursor);
        if (value.type != TW_PACK_BIN)
            continue;
        uint8_t *longer = calloc(1, value.text.length + 1);
        memcpy(longer, value.text.bytes, value.text.length);
        for (uint32_t wrong = 0; wrong < 3; wrong++) {
            const uint32_t lengths[] = {value.text.length - 1, value.text.length + 1, 0};
            tw_pack_map(&out, parts.count);
            put_parts(&out, &parts, 0, i);
            put_range(&out, &parts, part->start, part->value);
            tw_pack_bin(&out, longer, lengths[wrong]);
            put_parts(&out, &parts, i + 1, parts.count);
            expect_put(&out, false, "of a wrong length", part->key);
            tried++;
        }
        free(longer);
    }
    assert_int_equal(tried, 3 * (14 + 3)); /* columns, ids, orig, pos */
    tw_buffer_free(&out);
    tw_frame_drop(&parts.frame);
}

static void empty_lists_are_left_out_not_written(void **state)
{
    (void)state;
    struct log_world world;
    struct parts parts;
    struct tw_buffer out = {NULL, 0, 0};
    log_world_fill(&world);
    take_apart(&parts, log_world_encode(&world));
    for (uint32_t i = 0; i < parts.count; i++) {
        if (strcmp(parts.part[i].key, "names") != 0 && strcmp(parts.part[i].key, "refused") != 0)
            continue;
        tw_pack_map(&out, parts.count);
        put_parts(&out, &parts, 0, i);
        put_range(&out, &parts, parts.part[i].start, parts.part[i].value);
        tw_pack_array(&out, 0);
        put_parts(&out, &parts, i + 1, parts.count);
        expect_put(&out, false, "empty", parts.part[i].key);
    }
    tw_buffer_free(&out);
    tw_frame_drop(&parts.frame);
}

static void versions_and_kinds_from_the_future_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
        const char *reason;
    } cases[] = {
        {"", 0, "not a map"},
        {"\xc0", 1, "not a map"},
        {"\x90", 1, "not a map"},
        {"\x80", 1, "kind k"},
        {"\xdf\xff\xff\xff\xff", 5, "not a map"},
        {"\x82\xa1k\xa5"
         "block\xa1v\x02",
         11, "format v"},
        {"\x82\xa1k\xa5"
         "block\xa1v\x00",
         11, "format v"},
        {"\x84\xa1k\xa4"
         "fire\xa1v\x01\xa3lsn\x01\xa7"
         "follows\x00",
         25, "does not know"},
        {"\x84\xa1k\xa5"
         "block\xa1v\x01\xa3lsn\x01\xa7"
         "follows\x00",
         26, "n is missing"},
        {"\x85\xa1k\xa5"
         "block\xa1v\x01\xa3lsn\x01\xa7"
         "follows\x00\xa1n\xcd\x1f\xff",
         31, "8,190"},
    };
    for (size_t i = 0; i < OF(cases); i++) {
        const char *why;
        assert_false(decodes((const uint8_t *)cases[i].bytes, cases[i].length, &why));
        if (strstr(why, cases[i].reason) == NULL)
            fail_msg("%zu: %s", i, why);
    }
    uint8_t *long_bytes = calloc(1, TW_BLOCK_BYTES_MAX + 1u);
    const char *why;
    assert_false(decodes(long_bytes, TW_BLOCK_BYTES_MAX + 1u, &why));
    assert_non_null(strstr(why, "longer"));
    free(long_bytes);
}

static void every_truncation_and_every_appendix_is_refused(void **state)
{
    (void)state;
    struct log_world world;
    log_world_fill(&world);
    const struct tw_control control = {1, 0, TW_CONTROL_FENCE, 0, 7, 0, 5, {"desk-7", 6}};
    struct tw_frame *frames[] = {log_world_encode(&world), tw_control_encode(&control)};
    const char *why;
    for (size_t i = 0; i < OF(frames); i++) {
        for (size_t length = 0; length < frames[i]->length; length++)
            assert_false(decodes(frames[i]->bytes, length, &why));
        assert_true(frames[i]->capacity > frames[i]->length);
        frames[i]->bytes[frames[i]->length] = 0xc0;
        assert_false(decodes(frames[i]->bytes, frames[i]->length + 1, &why));
        assert_non_null(strstr(why, "behind the map"));
        tw_frame_drop(&frames[i]);
    }
}

/* Whatever a damaged record decodes to can be read to its end. */
static void walk(const struct tw_block *block)
{
    struct tw_new_name name;
    struct tw_refusal refusal;
    struct tw_position position;
    uint32_t offset = 0, cursor = 0, sum = 0;
    while (tw_block_next_name(block, &offset, &name))
        sum += name.name.length;
    for (offset = 0; tw_block_next_refusal(block, &offset, &refusal);)
        sum += refusal.raw.length;
    for (offset = 0; tw_block_next_position(block, &offset, &position);)
        sum += position.source;
    for (uint32_t row = 0; row < block->count; row++) {
        struct tw_text id = tw_block_id(block, row);
        sum += id.length == 0 ? 0 : (uint8_t)id.bytes[id.length - 1];
        if (TW_ATTR_KIND(block->attrs[row]) != TW_KIND_TRADE)
            sum += tw_block_original(block, row, &cursor).row;
    }
    assert_true(sum != 0);
}

static void no_flipped_bit_leads_out_of_the_record(void **state)
{
    (void)state;
    struct log_world world;
    struct tw_record record;
    const char *why;
    unsigned taken = 0;
    log_world_fill(&world);
    struct tw_frame *frame = log_world_encode(&world);
    uint8_t *exact = malloc(frame->length);
    memcpy(exact, frame->bytes, frame->length);
    for (size_t bit = 0; bit < frame->length * 8; bit++) {
        exact[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (tw_record_decode(exact, frame->length, &record, &why) && record.kind == TW_RECORD_BLOCK) {
            taken++;
            walk(&record.block);
        }
        exact[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(taken > 100); /* most flips in a price are a price */
    free(exact);
    tw_frame_drop(&frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_all_there_once_and_in_order),
        cmocka_unit_test(every_bin_has_its_exact_length),
        cmocka_unit_test(empty_lists_are_left_out_not_written),
        cmocka_unit_test(versions_and_kinds_from_the_future_are_refused),
        cmocka_unit_test(every_truncation_and_every_appendix_is_refused),
        cmocka_unit_test(no_flipped_bit_leads_out_of_the_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
