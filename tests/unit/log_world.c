/* SPDX-License-Identifier: MIT
 *
 * See log_world.h.
 */
#include "log_world.h"

#define E8 TW_E8
#define TEXT(literal)                                                                                                  \
    {                                                                                                                  \
        (literal), sizeof(literal) - 1u                                                                                \
    }

static const struct log_world SAMPLE = {
    .ts = {WORLD_TS, WORLD_TS - 5, WORLD_TS + TW_NS_PER_SECOND, WORLD_TS + TW_NS_PER_SECOND + 1,
           WORLD_TS + TW_NS_PER_SECOND + 2},
    .qty = {4000 * E8, 150000000, 1, 4000 * E8, 25 * E8},
    .price = {150 * E8, 15025000000, INT64_MAX, 150 * E8, 151 * E8},
    .pseq = {41, 42, 7, 43, 45},
    .symbol = {1, 2, TW_SYMBOLS_MAX, 1, 2},
    .account = {1, TW_ACCOUNTS_MAX, 0, 1, TW_ACCOUNTS_MAX},
    .source = {3, 3, TW_SOURCES_MAX, 3, 3},
    .venue = {1, 0, 0, 0, TW_PARTIES_MAX},
    .owner = {0, 2, 0, 0, 0},
    .contra = {0, 0, 3, 0, 0},
    .broker = {0, 0, 0, 4, 0},
    .ccy = {0, 0, 0, 0, 5},
    .attrs = {TW_ATTR_MAKE(TW_SIDE_BUY, TW_KIND_TRADE), TW_ATTR_MAKE(TW_SIDE_SELL, TW_KIND_TRADE) | TW_ATTR_LATE,
              TW_ATTR_MAKE(TW_SIDE_NONE, TW_KIND_TRADE) | TW_ATTR_TICK | TW_ATTR_TS_ASSIGNED,
              TW_ATTR_MAKE(TW_SIDE_BUY, TW_KIND_BUST), TW_ATTR_MAKE(TW_SIDE_BUY, TW_KIND_CORRECT)},
    .id_length = {3, 0, 0, 1, 2},
    .originals = {{.row = 3,
                   .symbol = 1,
                   .account = 1,
                   .side = TW_SIDE_BUY,
                   .seq = 1001, /* row 0 of this block */
                   .qty_e8 = 4000 * E8,
                   .price_e8 = 150 * E8,
                   .ts_ns = WORLD_TS},
                  {.row = 4,
                   .symbol = 2,
                   .account = TW_ACCOUNTS_MAX,
                   .side = TW_SIDE_SELL,
                   .seq = 17,
                   .qty_e8 = 20 * E8,
                   .price_e8 = 149 * E8,
                   .ts_ns = WORLD_TS - 90}},
    .names = {{TW_NAME_SYMBOL, 1, 0, TEXT("AAPL")},
              {TW_NAME_SYMBOL, 2, 0, TEXT("BRK.B")},
              {TW_NAME_SOURCE, 3, 4000000000u, TEXT("desk-7")},
              {TW_NAME_ACCOUNT, 1, 0, TEXT("Z\xc3\xbcrich 1")},
              {TW_NAME_SYMBOL, 3, 0, TEXT("X")},
              {TW_NAME_PARTY, 5, 0, TEXT("CHF")}},
    .refusals = {{.number = 9,
                  .source = 3,
                  .pseq = 44,
                  .content_hash = UINT64_C(0xfedcba9876543210),
                  .received_ns = WORLD_TS + 77,
                  .code = TEXT("bad_price"),
                  .why = TEXT("price is 0"),
                  .raw = TEXT("\x81\xa5price\x00")},
                 {.number = 10, .source = 4, .pseq = 1, .received_ns = -1, .code = TEXT("bad_trade")}},
    .positions = {{3, 46}, {4, UINT64_C(1) << 63}},
};

static void look_at(struct log_world *world)
{
#define COLUMN(member, key, width, always) world->block.member = (const uint8_t *)world->member;
    TW_BLOCK_COLUMNS(COLUMN)
#undef COLUMN
    world->block.ids = (const uint8_t *)"T-1bc2";
    world->block.ids_bytes = 6;
    world->block.originals = (const uint8_t *)world->originals;
    world->block.original_count = 2;
    world->block.lsn = 12;
    world->block.follows = 1000;
    world->block.count = WORLD_ROWS;
    world->lists = (struct tw_block_lists){world->names, world->refusals, world->positions, 6, 2, 2};
}

void log_world_fill(struct log_world *world)
{
    *world = SAMPLE;
    look_at(world);
}

struct tw_frame *log_world_encode(const struct log_world *world)
{
    return tw_block_encode(&world->block, &world->lists);
}
