/* SPDX-License-Identifier: MIT
 *
 * What the router remembers of the blocks that passed: who sent a trade, under which number and id. It is bounded; what
 * it forgot is asked of the store.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "actors/router/evidence.h"
#include "protocol/check.h"

#define BLOCKS 900u /* of up to 565 KB each: the memory goes round more than twice */
#define ID_BYTES 64u

/* The trades are a function of their number, so that any answer can be checked. */
struct blocks {
    uint64_t follows[BLOCKS + 1];
    uint32_t made, fetches;
    /* columns of one block, written anew for each */
    uint32_t source[TW_BLOCK_TRADES_MAX];
    uint64_t pseq[TW_BLOCK_TRADES_MAX];
    uint8_t id_length[TW_BLOCK_TRADES_MAX];
    char ids[TW_BLOCK_TRADES_MAX * ID_BYTES + 1];
};

static uint32_t rows_of(uint32_t number)
{
    return number % 7 == 0 ? 1 : number % 5 == 0 ? TW_BLOCK_TRADES_MAX : 1 + number * 2654435761u % 8000;
}
static bool has_ids(uint32_t number)
{
    return number % 4 != 3;
}
static uint32_t source_of(uint64_t seq)
{
    return (uint32_t)(seq / 300 % 3 + 1);
}
static uint64_t pseq_of(uint64_t seq)
{
    return seq * 3 - seq % 300 * 2; /* runs of up to 300 that go up by one */
}
static uint32_t id_of(uint64_t seq, char out[ID_BYTES + 1])
{
    if (seq % 11 == 0)
        return 0;
    return (uint32_t)snprintf(out, ID_BYTES + 1, "%0*llu", (int)(ID_BYTES - seq % 3), (unsigned long long)seq);
}

static struct tw_record make(struct blocks *blocks, uint32_t number)
{
    uint32_t rows = rows_of(number), ids_bytes = 0;
    uint64_t follows = blocks->follows[number];
    for (uint32_t row = 0; row < rows; row++) {
        uint64_t seq = follows + 1 + row;
        blocks->source[row] = source_of(seq);
        blocks->pseq[row] = pseq_of(seq);
        blocks->id_length[row] = (uint8_t)id_of(seq, blocks->ids + ids_bytes);
        ids_bytes += blocks->id_length[row];
    }
    struct tw_record record = {.kind = TW_RECORD_BLOCK,
                               .block = {.lsn = number + 1,
                                         .follows = follows,
                                         .count = rows,
                                         .source = (const uint8_t *)blocks->source,
                                         .pseq = (const uint8_t *)blocks->pseq}};
    if (has_ids(number)) {
        record.block.id_length = blocks->id_length;
        record.block.ids = (const uint8_t *)blocks->ids;
        record.block.ids_bytes = ids_bytes;
    }
    return record;
}

static bool fetch(void *context, uint64_t seq, struct tw_frame **frame, struct tw_record *record)
{
    struct blocks *blocks = context;
    blocks->fetches++;
    for (uint32_t i = 0; i < blocks->made; i++)
        if (seq > blocks->follows[i] && seq <= blocks->follows[i + 1]) {
            *record = make(blocks, i);
            *frame = tw_frame_new(1);
            return true;
        }
    return false;
}

static void check(struct blocks *blocks, const struct tw_evidence *evidence, uint64_t seq)
{
    uint32_t source, number = 0;
    uint64_t pseq;
    struct tw_text id;
    char expected[ID_BYTES + 1];
    assert_true(evidence->find(evidence->context, seq, &source, &pseq, &id));
    assert_int_equal(source, source_of(seq));
    assert_int_equal(pseq, pseq_of(seq));
    while (blocks->follows[number + 1] < seq)
        number++;
    uint32_t length = has_ids(number) ? id_of(seq, expected) : 0;
    assert_int_equal(id.length, length);
    if (length > 0)
        assert_memory_equal(id.bytes, expected, length);
}

static void what_was_kept_is_right_however_often_the_memory_went_round(void **state)
{
    struct blocks *blocks = tw_alloc_zero(1, sizeof *blocks);
    struct tw_evidence_source *source = tw_evidence_source_new(fetch, blocks);
    struct tw_evidence evidence = tw_evidence_source_port(source);
    uint64_t random = 1;
    (void)state;
    for (uint32_t i = 0; i < BLOCKS; i++) {
        struct tw_record record = make(blocks, i);
        tw_evidence_source_add(source, &record);
        blocks->follows[i + 1] = blocks->follows[i] + rows_of(i);
        blocks->made = i + 1;
        uint32_t fetches = blocks->fetches;
        /* The last 100 are about 20 MB: they must be there without asking. */
        uint64_t last = blocks->follows[i + 1], first = i < 100 ? 1 : blocks->follows[i - 100] + 1;
        check(blocks, &evidence, last);
        check(blocks, &evidence, first);
        for (int tries = 0; tries < 20; tries++)
            check(blocks, &evidence, first + (random = random * 6364136223846793005u + 1) % (last - first + 1));
        assert_int_equal(blocks->fetches, fetches);
    }
    check(blocks, &evidence, 1); /* long forgotten, and asked for */
    assert_int_equal(blocks->fetches, 1);
    check(blocks, &evidence, 1); /* once */
    assert_int_equal(blocks->fetches, 1);
    for (uint32_t i = 0; i < 100; i++)
        check(blocks, &evidence, blocks->follows[i] + 1);
    assert_in_range(blocks->fetches, 100, 100);
    tw_evidence_source_free(&source);
    free(blocks);
}

static void many_small_blocks_are_bounded_by_their_number(void **state)
{
    struct blocks *blocks = tw_alloc_zero(1, sizeof *blocks);
    struct tw_evidence_source *source = tw_evidence_source_new(fetch, blocks);
    struct tw_evidence evidence = tw_evidence_source_port(source);
    uint32_t sender;
    uint64_t pseq;
    struct tw_text id;
    (void)state;
    for (uint64_t seq = 1; seq <= 70000; seq++) {
        blocks->source[0] = 1;
        blocks->pseq[0] = seq;
        struct tw_record record = {.kind = TW_RECORD_BLOCK,
                                   .block = {.lsn = seq,
                                             .follows = seq - 1,
                                             .count = 1,
                                             .source = (const uint8_t *)blocks->source,
                                             .pseq = (const uint8_t *)blocks->pseq}};
        tw_evidence_source_add(source, &record);
    }
    assert_true(evidence.find(evidence.context, 70000 - 65535, &sender, &pseq, &id));
    assert_int_equal(pseq, 70000 - 65535);
    assert_false(evidence.find(evidence.context, 70000 - 65536, &sender, &pseq, &id));
    assert_int_equal(blocks->fetches, 1);
    tw_evidence_source_free(&source);
    free(blocks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_kept_is_right_however_often_the_memory_went_round),
        cmocka_unit_test(many_small_blocks_are_bounded_by_their_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
