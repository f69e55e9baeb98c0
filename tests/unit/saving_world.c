/* SPDX-License-Identifier: MIT */
#include "saving_world.h"

#include <stdlib.h>

#include "cfg/cfg.h"

/* ---- alerts ---- */

void alerts_hear(void *context, const struct tw_router_alert *alert)
{
    struct alerts *alerts = context;
    assert_int_equal(alert->n, alerts->base + alerts->count + 1);
    if (alerts->count == alerts->capacity) {
        alerts->capacity = alerts->capacity * 2 + 64;
        alerts->first = realloc(alerts->first, alerts->capacity * sizeof *alerts->first);
    }
    alerts->first[alerts->count++] = alerts->bytes.length;
    tw_buffer_append(&alerts->bytes, alert->bytes, alert->length);
    tw_buffer_append(&alerts->bytes, alert->digest, sizeof alert->digest);
    tw_buffer_append(&alerts->bytes, alert->record_digest, sizeof alert->record_digest);
}

void alerts_free(struct alerts *alerts)
{
    tw_buffer_free(&alerts->bytes);
    free(alerts->first);
}

/* Alerts after n `base` are those of the whole. */
void alerts_expect_same_end(const struct alerts *whole, const struct alerts *end)
{
    assert_int_equal(end->base + end->count, whole->count);
    if (end->count == 0)
        return;
    uint64_t from = whole->first[end->base];
    assert_int_equal(whole->bytes.length - from, end->bytes.length);
    assert_memory_equal(whole->bytes.bytes + from, end->bytes.bytes, end->bytes.length);
}

/* ---- cores that save themselves while they go on ---- */

void savers_step(struct savers *savers, const struct tw_record *record, struct alerts *alerts)
{
    struct tw_pipeline_cores *cores = &savers->cores;
    tw_events_clear(&savers->events);
    for (uint32_t i = 0; i < cores->shards; i++) {
        savers->answers[i] = &savers->answer[i];
        tw_shard_step(cores->shard[i], record, savers->answers[i]);
    }
    for (uint32_t i;
         (i = tw_exposure_step(cores->exposure, record, savers->answers, &savers->events)) != TW_EXPOSURE_DONE;)
        tw_shard_step(cores->shard[i], record, savers->answers[i]);
    tw_scorer_step(cores->scorer, record, &savers->events);
    tw_router_step(cores->router, record, &savers->events, alerts_hear, alerts);
}

void savers_begin(struct savers *savers)
{
    for (uint32_t i = 0; i < savers->cores.shards; i++)
        tw_shard_save_begin(savers->cores.shard[i]);
    tw_exposure_save_begin(savers->cores.exposure);
    tw_scorer_save_begin(savers->cores.scorer);
    tw_router_save_begin(savers->cores.router);
    savers->begun = true;
}

/* A slice ends with the row that makes it as large as was asked for, however much a tick has written at once. */
static bool checked_slice(bool whole, const struct tw_buffer *rows, size_t from, size_t bytes)
{
    struct tw_row_reader row;
    for (size_t offset = from, began = from; tw_row_next(rows->bytes, rows->length, &offset, &row) > 0; began = offset)
        assert_true(began - from < bytes);
    return whole;
}

/* In groups of a few, so that most of what has ended lies on it. */
static struct tw_shelf small_shelf(void *unused)
{
    struct tw_shelf shelf = tw_shelf_in_memory();
    (void)unused;
    shelf.sizes = (struct tw_shelf_sizes){.group = 3, .least = 2, .range = 4};
    return shelf;
}

struct tw_pipeline *small_pipeline(struct world *world, uint32_t shards)
{
    struct tw_evidence evidence = {world, world_find};
    struct tw_pipeline *pipeline = tw_pipeline_new(shards, &evidence);
    tw_pipeline_keep_on(pipeline, small_shelf, NULL);
    return pipeline;
}

#define SAVE(core, kind, rows)                                                                                         \
    do {                                                                                                               \
        size_t from = (rows)->length;                                                                                  \
        whole = checked_slice(tw_##kind##_save(core, rows, bytes), rows, from, bytes) && whole;                        \
    } while (0)

/* True when all parts are whole. */
bool savers_go_on(struct savers *savers, size_t bytes)
{
    bool whole = true;
    for (uint32_t i = 0; i < savers->cores.shards; i++)
        SAVE(savers->cores.shard[i], shard, &savers->parts[TW_PART_SHARD][i]);
    SAVE(savers->cores.exposure, exposure, &savers->parts[TW_PART_EXPOSURE][0]);
    SAVE(savers->cores.scorer, scorer, &savers->parts[TW_PART_SCORER][0]);
    SAVE(savers->cores.router, router, &savers->parts[TW_PART_ROUTER][0]);
    return whole;
}

void savers_free(struct savers *savers)
{
    for (uint32_t i = 0; i < savers->cores.shards; i++) {
        tw_shard_free(&savers->cores.shard[i]);
        tw_shard_answer_free(&savers->answer[i]);
    }
    tw_exposure_free(&savers->cores.exposure);
    tw_scorer_free(&savers->cores.scorer);
    tw_router_free(&savers->cores.router);
    tw_events_free(&savers->events);
    for (int part = 0; part < TW_PART_COUNT; part++)
        for (uint32_t i = 0; i < TW_SHARDS_MAX; i++)
            tw_buffer_free(&savers->parts[part][i]);
}

#define ROW_SHARD_POSITIONS 18 /* in the order in which they came */

uint32_t savers_count_rows(const struct savers *savers, enum tw_snapshot_part part, uint8_t kind)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < TW_SHARDS_MAX; i++) {
        const struct tw_buffer *rows = &savers->parts[part][i];
        struct tw_row_reader row;
        for (size_t offset = 0; tw_row_next(rows->bytes, rows->length, &offset, &row) > 0;)
            count += row.kind == kind;
    }
    return count;
}

static uint64_t hash_of(uint64_t hash, const uint8_t *from, const uint8_t *to) /* FNV-1a */
{
    for (; from < to; from++)
        hash = (hash ^ *from) * UINT64_C(0x100000001b3);
    return hash;
}

#define POSITION_BYTES 60u

/* Of all rows, whatever their order; positions one by one, since their rows are cut anywhere. */
static void sum_rows(const struct savers *savers, uint64_t sums[TW_PART_COUNT])
{
    for (int part = 0; part < TW_PART_COUNT; part++) {
        const struct tw_buffer *rows = &savers->parts[part][0];
        struct tw_row_reader row;
        sums[part] = 0;
        for (size_t offset = 0; tw_row_next(rows->bytes, rows->length, &offset, &row) > 0;) {
            const uint64_t kind = UINT64_C(0xcbf29ce484222325) + row.kind;
            if (part != TW_PART_SHARD || row.kind != ROW_SHARD_POSITIONS) {
                sums[part] += hash_of(kind, row.at, row.end);
                continue;
            }
            const uint64_t symbol = hash_of(kind, row.at, row.at + 4);
            assert_int_equal((row.end - row.at - 4) % POSITION_BYTES, 0);
            for (const uint8_t *at = row.at + 4; at < row.end; at += POSITION_BYTES)
                sums[part] += hash_of(symbol, at, at + POSITION_BYTES);
        }
    }
}

void savers_load(struct tw_pipeline *pipeline, const struct savers *savers)
{
    for (int part = 0; part < TW_PART_COUNT; part++)
        for (uint32_t i = 0; i < TW_SHARDS_MAX; i++) {
            const struct tw_buffer *rows = &savers->parts[part][i];
            struct tw_row_reader row;
            size_t offset = 0;
            int more;
            while ((more = tw_row_next(rows->bytes, rows->length, &offset, &row)) > 0)
                assert_true(tw_pipeline_load(pipeline, (enum tw_snapshot_part)part, &row));
            assert_int_equal(more, 0);
        }
    assert_true(tw_pipeline_load_end(pipeline));
}

/* What was saved, as one shard that stands still saves it. */
void state_of(struct world *world, const struct savers *saved, uint64_t sums[TW_PART_COUNT])
{
    struct tw_pipeline *pipeline = small_pipeline(world, 1);
    savers_load(pipeline, saved);
    struct savers savers = {.cores = tw_pipeline_release(&pipeline)};
    savers_begin(&savers);
    while (!savers_go_on(&savers, 100000))
        continue;
    sum_rows(&savers, sums);
    savers_free(&savers);
}

/* Of so many shards that stand still behind record `at`. */
void state_at(struct world *world, uint32_t at, uint32_t shards, uint64_t sums[TW_PART_COUNT])
{
    struct tw_pipeline *pipeline = small_pipeline(world, shards);
    struct savers savers = {.cores = tw_pipeline_release(&pipeline)};
    struct alerts alerts = {0};
    for (uint32_t i = 0; i <= at; i++)
        savers_step(&savers, &world->log.records[i], &alerts);
    savers_begin(&savers);
    while (!savers_go_on(&savers, 100000))
        continue;
    state_of(world, &savers, sums);
    savers_free(&savers);
    alerts_free(&alerts);
}

/* ---- what they are held against ---- */

void reference(struct world *world, struct alerts *whole)
{
    struct tw_evidence evidence = {world, world_find};
    struct tw_pipeline *pipeline = tw_pipeline_new(1, &evidence);
    for (uint32_t i = 0; i < world->log.count; i++)
        tw_pipeline_feed(pipeline, &world->log.records[i], alerts_hear, whole);
    tw_pipeline_free(&pipeline);
}

char *settings_of(const char *const *assignments, size_t count)
{
    struct tw_cfg_error error;
    struct tw_buffer text = {0};
    struct tw_cfg *cfg = tw_cfg_load(&(struct tw_cfg_sources){.sets = assignments, .set_count = count}, &error);
    if (cfg == NULL)
        print_error("%s\n", error.text);
    assert_non_null(cfg);
    tw_cfg_rules_text(cfg, &text);
    tw_buffer_append(&text, "", 1);
    tw_cfg_free(&cfg);
    return (char *)text.bytes;
}
