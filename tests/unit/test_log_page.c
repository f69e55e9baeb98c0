/* SPDX-License-Identifier: MIT
 *
 * protocol/LOG.md is what others read the log by: the records in it are what the encoder writes, they decode to what
 * the page says of them, and their chain is the one that stands there.
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
#include "protocol/log.h"
#include "protocol/pack.h"

#define TEXT(literal)                                                                                                  \
    {                                                                                                                  \
        (literal), sizeof(literal) - 1u                                                                                \
    }
#define TS INT64_C(1700000000000000000)

/* ---- the story that the page tells ---- */

static struct tw_frame *boot(void)
{
    const struct tw_control control = {
        .lsn = 1, .kind = TW_CONTROL_BOOT, .ts_ns = TS, .number = 1, .text = TEXT("0.1.0")};
    return tw_control_encode(&control);
}

/* desk-7 buys 4,000 X at 150.00 for account A. */
static struct tw_frame *block_first(void)
{
    static const int64_t ts[] = {TS}, qty[] = {4000 * TW_E8}, price[] = {150 * TW_E8};
    static const uint64_t pseq[] = {1};
    static const uint32_t one[] = {1};
    static const uint8_t attrs[] = {TW_ATTR_MAKE(TW_SIDE_BUY, TW_KIND_TRADE)}, id_length[] = {3};
    static const struct tw_new_name names[] = {
        {TW_NAME_SOURCE, 1, 0, TEXT("desk-7")}, {TW_NAME_SYMBOL, 1, 0, TEXT("X")}, {TW_NAME_ACCOUNT, 1, 0, TEXT("A")}};
    static const struct tw_position positions[] = {{1, 2}};
    const struct tw_block block = {.lsn = 2,
                                   .count = 1,
                                   .ts = (const uint8_t *)ts,
                                   .qty = (const uint8_t *)qty,
                                   .price = (const uint8_t *)price,
                                   .pseq = (const uint8_t *)pseq,
                                   .symbol = (const uint8_t *)one,
                                   .account = (const uint8_t *)one,
                                   .source = (const uint8_t *)one,
                                   .attrs = attrs,
                                   .id_length = id_length,
                                   .ids = (const uint8_t *)"T-1",
                                   .ids_bytes = 3};
    const struct tw_block_lists lists = {.names = names, .positions = positions, .name_count = 3, .position_count = 1};
    return tw_block_encode(&block, &lists);
}

/* A print of 0.5 X at 151.00 in the next second, on a venue; then the bust of desk-7's trade; a third was refused. */
static struct tw_frame *block_second(void)
{
    static const int64_t ts[] = {TS + TW_NS_PER_SECOND, TS + 900000000}, qty[] = {TW_E8 / 2, 4000 * TW_E8},
                         price[] = {151 * TW_E8, 150 * TW_E8};
    static const uint64_t pseq[] = {2, 3};
    static const uint32_t symbol[] = {1, 1}, account[] = {0, 1}, source[] = {1, 1}, venue[] = {1, 0};
    static const uint8_t attrs[] = {TW_ATTR_MAKE(TW_SIDE_NONE, TW_KIND_TRADE) | TW_ATTR_TICK,
                                    TW_ATTR_MAKE(TW_SIDE_BUY, TW_KIND_BUST) | TW_ATTR_LATE};
    static const struct tw_original originals[] = {{.row = 1,
                                                    .symbol = 1,
                                                    .account = 1,
                                                    .side = TW_SIDE_BUY,
                                                    .seq = 1,
                                                    .qty_e8 = 4000 * TW_E8,
                                                    .price_e8 = 150 * TW_E8,
                                                    .ts_ns = TS}};
    static const struct tw_new_name names[] = {{TW_NAME_PARTY, 1, 0, TEXT("XETR")}};
    static const struct tw_refusal refusals[] = {{.number = 1,
                                                  .source = 1,
                                                  .pseq = 4,
                                                  .content_hash = UINT64_C(0x0123456789abcdef),
                                                  .received_ns = TS + 2 * TW_NS_PER_SECOND,
                                                  .code = TEXT("bad_trade"),
                                                  .why = TEXT("the trade is not a map"),
                                                  .raw = TEXT("\x07")}};
    static const struct tw_position positions[] = {{1, 5}};
    const struct tw_block block = {.lsn = 3,
                                   .follows = 1,
                                   .count = 2,
                                   .ts = (const uint8_t *)ts,
                                   .qty = (const uint8_t *)qty,
                                   .price = (const uint8_t *)price,
                                   .pseq = (const uint8_t *)pseq,
                                   .symbol = (const uint8_t *)symbol,
                                   .account = (const uint8_t *)account,
                                   .source = (const uint8_t *)source,
                                   .attrs = attrs,
                                   .venue = (const uint8_t *)venue,
                                   .originals = (const uint8_t *)originals,
                                   .original_count = 1};
    const struct tw_block_lists lists = {names, refusals, positions, 1, 1, 1};
    return tw_block_encode(&block, &lists);
}

static struct tw_frame *idle_clock(void)
{
    const struct tw_control control = {.lsn = 4, .follows = 3, .kind = TW_CONTROL_CLOCK, .ts_ns = TS + 3000000000};
    return tw_control_encode(&control);
}

static struct {
    const char *name;
    struct tw_frame *(*make)(void);
} const EXAMPLES[] = {
    {"boot", boot}, {"block-first", block_first}, {"block-second", block_second}, {"clock", idle_clock}};
#define EXAMPLE_COUNT (sizeof EXAMPLES / sizeof EXAMPLES[0])

/* ---- the page ---- */

static char *page;

static int read_page(void **state)
{
    (void)state;
    FILE *file = fopen("protocol/LOG.md", "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long length = ftell(file);
    assert_true(length > 0);
    rewind(file);
    page = calloc((size_t)length + 1, 1);
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

/* The bytes of the block fenced as ```hex <name>: two digits each; what follows a # is for people. */
static struct tw_buffer hex_block(const char *name)
{
    struct tw_buffer bytes = {NULL, 0, 0};
    char opening[64];
    snprintf(opening, sizeof opening, "\n```hex %s\n", name);
    const char *at = strstr(page, opening);
    if (at == NULL)
        fail_msg("the page has no block `hex %s`", name);
    const char *end = strstr(at + 1, "\n```\n");
    assert_non_null(end);
    for (at += strlen(opening); at < end;) {
        unsigned value;
        if (*at == '#')
            at += strcspn(at, "\n");
        if (*at == ' ' || *at == '\n') {
            at++;
            continue;
        }
        assert_int_equal(sscanf(at, "%2x", &value), 1);
        uint8_t byte = (uint8_t)value;
        tw_buffer_append(&bytes, &byte, 1);
        at += 2;
    }
    return bytes;
}

static struct tw_record decoded(const char *name, struct tw_buffer *bytes)
{
    struct tw_record record;
    const char *why = NULL;
    *bytes = hex_block(name);
    if (!tw_record_decode(bytes->bytes, bytes->length, &record, &why))
        fail_msg("%s: %s", name, why);
    return record;
}

static void the_records_on_the_page_are_what_the_encoder_writes(void **state)
{
    (void)state;
    for (size_t i = 0; i < EXAMPLE_COUNT; i++) {
        struct tw_buffer bytes = hex_block(EXAMPLES[i].name);
        struct tw_frame *frame = EXAMPLES[i].make();
        assert_int_equal(bytes.length, frame->length);
        assert_memory_equal(bytes.bytes, frame->bytes, frame->length);
        tw_frame_drop(&frame);
        tw_buffer_free(&bytes);
    }
}

static void the_chain_on_the_page_is_theirs(void **state)
{
    (void)state;
    struct tw_buffer links = hex_block("chain");
    struct tw_chain chain = {{0}};
    assert_int_equal(links.length, 16 * (EXAMPLE_COUNT + 1));
    assert_memory_equal(links.bytes, chain.bytes, 16);
    for (size_t i = 0; i < EXAMPLE_COUNT; i++) {
        struct tw_buffer bytes = hex_block(EXAMPLES[i].name);
        chain = tw_chain_next(chain, bytes.bytes, bytes.length);
        assert_memory_equal(links.bytes + 16 * (i + 1), chain.bytes, 16);
        tw_buffer_free(&bytes);
    }
    tw_buffer_free(&links);
}

static void the_blocks_say_what_the_page_says_of_them(void **state)
{
    (void)state;
    struct tw_buffer bytes;
    struct tw_record record = decoded("block-first", &bytes);
    const struct tw_block *block = &record.block;
    assert_int_equal(record.kind, TW_RECORD_BLOCK);
    assert_int_equal(block->count, 1);
    assert_int_equal(tw_load_i64(block->qty, 0), 400000000000);
    assert_int_equal(tw_load_i64(block->price, 0), 15000000000);
    assert_int_equal(TW_ATTR_SIDE(block->attrs[0]), TW_SIDE_BUY);
    assert_true(tw_text_is(tw_block_id(block, 0), "T-1"));
    assert_int_equal(tw_record_last(&record), 1);
    tw_buffer_free(&bytes);

    uint32_t cursor = 0, offset = 0;
    struct tw_refusal refusal;
    record = decoded("block-second", &bytes);
    assert_int_equal(block->count, 2);
    assert_int_equal(block->attrs[0] & TW_ATTR_TICK, TW_ATTR_TICK);
    assert_int_equal(tw_load_u32(block->account, 0), 0);
    assert_int_equal(tw_load_party(block->venue, 0), 1);
    assert_int_equal(TW_ATTR_KIND(block->attrs[1]), TW_KIND_BUST);
    assert_int_equal(tw_block_original(block, 1, &cursor).seq, 1);
    assert_true(tw_block_next_refusal(block, &offset, &refusal));
    assert_true(tw_text_is(refusal.code, "bad_trade"));
    assert_int_equal(tw_record_last(&record), 3);
    tw_buffer_free(&bytes);
}

static void the_page_names_every_column_and_control_kind(void **state)
{
    (void)state;
    char row[64];
#define COLUMN_ROW(member, key, width, always)                                                                         \
    snprintf(row, sizeof row, "\n| `%s` | %d | %s |", key, width, (always) ? "yes" : "no");                            \
    if (strstr(page, row) == NULL)                                                                                     \
        fail_msg("no row%s", row);
    TW_BLOCK_COLUMNS(COLUMN_ROW)
#undef COLUMN_ROW
    for (int kind = 0; kind < TW_CONTROL_KIND_COUNT; kind++) {
        snprintf(row, sizeof row, "\n| `%s` |", tw_control_kind_name((enum tw_control_kind)kind));
        if (strstr(page, row) == NULL)
            fail_msg("no row%s", row);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_records_on_the_page_are_what_the_encoder_writes),
        cmocka_unit_test(the_chain_on_the_page_is_theirs),
        cmocka_unit_test(the_blocks_say_what_the_page_says_of_them),
        cmocka_unit_test(the_page_names_every_column_and_control_kind),
    };
    return cmocka_run_group_tests(tests, read_page, free_page);
}
