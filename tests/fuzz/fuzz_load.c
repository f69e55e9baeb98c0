/* SPDX-License-Identifier: MIT
 *
 * Any bytes as the rows of a snapshot into each of the cores. Held to: no read out of bounds, no leak, no broken
 * invariant, whatever the rows say (a snapshot's file is hashed, but what a disk says is the outside world); and a core
 * that takes them saves itself, and what it saves can be loaded, and saves as the same rows, in some order.
 *
 * Input: the part, the rows. Ids are held small: a core has a place for every id up to the highest.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "actors/exposure/exposure.h"
#include "actors/gateway/gateway.h"
#include "actors/judging/saving.h"
#include "actors/router/router.h"
#include "actors/scorer/scorer.h"
#include "actors/shard/shard.h"
#include "protocol/check.h"
#include "protocol/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ID_MAX 5000u

/* ---- the five cores, alike ---- */

static int64_t never(void *context, int64_t ts_ns)
{
    (void)context;
    (void)ts_ns;
    return INT64_MAX;
}

static bool unknown(void *context, uint64_t seq, uint32_t *source, uint64_t *pseq, struct tw_text *id)
{
    (void)context;
    (void)seq;
    (void)source;
    (void)pseq;
    (void)id;
    return false;
}

static void *new_gateway(void)
{
    const struct tw_gateway_settings settings = {
        .block_trades_max = 10, .credit_trades = TW_CREDIT_TRADES, .reporting_currency = "USD", .next_roll = never};
    const struct tw_history history = {NULL, NULL, NULL, NULL};
    return tw_gateway_new(&settings, &history);
}
static void *new_shard(void)
{
    return tw_shard_new(0, 2);
}
static void *new_exposure(void)
{
    return tw_exposure_new(2);
}
static void *new_scorer(void)
{
    return tw_scorer_new();
}
static void *new_router(void)
{
    const struct tw_evidence evidence = {NULL, unknown};
    return tw_router_new(&evidence);
}

#define CORE(name)                                                                                                     \
    static bool load_##name(void *core, struct tw_row_reader *row)                                                     \
    {                                                                                                                  \
        return tw_##name##_load(core, row);                                                                            \
    }                                                                                                                  \
    static bool load_end_##name(void *core)                                                                            \
    {                                                                                                                  \
        return tw_##name##_load_end(core);                                                                             \
    }                                                                                                                  \
    static void save_##name(void *core, struct tw_buffer *out)                                                         \
    {                                                                                                                  \
        tw_##name##_save_begin(core);                                                                                  \
        while (!tw_##name##_save(core, out, 1000))                                                                     \
            TW_ASSERT(tw_##name##_saving(core));                                                                       \
        TW_ASSERT(!tw_##name##_saving(core));                                                                          \
    }                                                                                                                  \
    static void free_##name(void *core)                                                                                \
    {                                                                                                                  \
        struct tw_##name *own = core;                                                                                  \
        tw_##name##_free(&own);                                                                                        \
    }
CORE(gateway)
CORE(shard)
CORE(exposure)
CORE(scorer)
CORE(router)

static const struct core {
    void *(*make)(void);
    bool (*load)(void *core, struct tw_row_reader *row);
    bool (*load_end)(void *core);
    void (*save)(void *core, struct tw_buffer *out);
    void (*end)(void *core);
} cores[TW_PART_COUNT] = {
#define ROW(part, name) [TW_PART_##part] = {new_##name, load_##name, load_end_##name, save_##name, free_##name}
    ROW(GATEWAY, gateway), ROW(SHARD, shard), ROW(EXPOSURE, exposure), ROW(SCORER, scorer), ROW(ROUTER, router),
};

/* ---- rows ---- */

/* Of the rows of a core's own the first number is an id; a shard's head lists some behind five bytes. */
static bool ids_small(enum tw_snapshot_part part, struct tw_row_reader row)
{
    if (part == TW_PART_GATEWAY || part == TW_PART_ROUTER || row.kind < TW_ROW_OWN)
        return true;
    if (row.kind > TW_ROW_OWN)
        return tw_get_u32(&row) <= ID_MAX;
    (void)tw_get_u8(&row);
    (void)tw_get_u32(&row);
    while (part == TW_PART_SHARD && row.at < row.end)
        if (tw_get_u32(&row) > ID_MAX)
            return false;
    return true;
}

/* 1: taken, 0: refused, -1: skip this input */
static int load(const struct core *core, enum tw_snapshot_part part, void *into, const uint8_t *rows, size_t length)
{
    struct tw_row_reader row;
    size_t offset = 0;
    int more;
    while ((more = tw_row_next(rows, length, &offset, &row)) > 0) {
        if (!ids_small(part, row))
            return -1;
        if (!core->load(into, &row))
            return 0;
    }
    return more == 0 && core->load_end(into) ? 1 : 0;
}

struct sum {
    uint64_t hashes;
    size_t length; /* of an opening in its short form 1: what it takes depends on the one before it */
};

static void add_openings(struct tw_row_reader *row, struct sum *sum)
{
    struct tw_packed_reader reader = {.at = row->at, .end = row->end};
    struct tw_opening opening;
    for (; tw_packed_next(&reader, &opening); sum->length++)
        sum->hashes += XXH3_64bits(&opening, sizeof opening);
    TW_ASSERT(!reader.bad);
}

/* Ended openings are put into rows anew, so they count one by one. */
static struct sum sum_of(enum tw_snapshot_part part, const struct tw_buffer *rows)
{
    struct tw_row_reader row;
    size_t offset = 0, before = 0;
    struct sum sum = {0};
    for (; tw_row_next(rows->bytes, rows->length, &offset, &row) > 0; before = offset) {
        if (row.kind == TW_ROW_ENDED_OPENINGS && part != TW_PART_GATEWAY && part != TW_PART_ROUTER) {
            add_openings(&row, &sum);
            continue;
        }
        sum.hashes += XXH3_64bits(rows->bytes + before, offset - before);
        sum.length += offset - before;
    }
    TW_ASSERT(offset == rows->length);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tw_buffer first, second;
    if (size == 0)
        return 0;
    enum tw_snapshot_part part = (enum tw_snapshot_part)(data[0] % TW_PART_COUNT);
    const struct core *core = &cores[part];
    void *loaded = core->make();
    if (load(core, part, loaded, data + 1, size - 1) == 1) {
        void *again = core->make();
        first.length = second.length = 0;
        core->save(loaded, &first);
        TW_ASSERT(load(core, part, again, first.bytes, first.length) == 1);
        core->save(again, &second);
        /* Positions and busted trades lie in tables, whose order is that of coming in: several of them share a row. */
        struct sum one = sum_of(part, &first), other = sum_of(part, &second);
        TW_ASSERT(one.length == other.length);
        TW_ASSERT(part == TW_PART_GATEWAY || part == TW_PART_SHARD || one.hashes == other.hashes);
        core->end(again);
    }
    core->end(loaded);
    return 0;
}
