/* SPDX-License-Identifier: MIT
 *
 * The judging cores saved in slices while they go on, loaded into any number of shards, say what those say that were
 * never saved: every alert to the byte, every digest. The log is a play's (gateway_play.h): busts, corrections, late
 * trades, ticks, session rolls, settings that change what is measured and what statistics are kept by.
 */
#include <stdlib.h>

#include "actors/pipeline/pipeline.h"
#include "cfg/cfg.h"
#include "gateway_play.h"

/* ---- alerts, to be compared ---- */

struct alerts {
    struct tw_buffer bytes;
    uint64_t *first; /* [n]: where alert n begins in bytes */
    uint64_t count, capacity, base;
};

static void hear(void *context, const struct tw_router_alert *alert)
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

static void alerts_free(struct alerts *alerts)
{
    tw_buffer_free(&alerts->bytes);
    free(alerts->first);
}

/* Alerts after n `base` are those of the whole. */
static void expect_same_end(const struct alerts *whole, const struct alerts *end)
{
    assert_int_equal(end->base + end->count, whole->count);
    if (end->count == 0)
        return;
    uint64_t from = whole->first[end->base];
    assert_int_equal(whole->bytes.length - from, end->bytes.length);
    assert_memory_equal(whole->bytes.bytes + from, end->bytes.bytes, end->bytes.length);
}

/* ---- evidence ---- */

static bool find_trade(void *context, uint64_t seq, uint32_t *source, uint64_t *pseq, struct tw_text *id)
{
    uint32_t row;
    const struct tw_block *block = log_find(&((struct world *)context)->log, seq, &row);
    if (block == NULL)
        return false;
    *source = tw_load_u32(block->source, row);
    *pseq = tw_load_u64(block->pseq, row);
    *id = tw_block_id(block, row);
    return true;
}

/* ---- cores that save themselves while they go on ---- */

struct savers {
    struct tw_pipeline_cores cores;
    struct tw_shard_answer answer[TW_SHARDS_MAX];
    struct tw_shard_answer *answers[TW_SHARDS_MAX];
    struct tw_events events;
    bool begun;
    struct tw_buffer parts[TW_PART_COUNT][TW_SHARDS_MAX];
};

static void savers_step(struct savers *savers, const struct tw_record *record, struct alerts *alerts)
{
    struct tw_pipeline_cores *cores = &savers->cores;
    tw_events_clear(&savers->events);
    for (uint32_t i = 0; i < cores->shards; i++) {
        savers->answers[i] = &savers->answer[i];
        tw_shard_step(cores->shard[i], record, savers->answers[i]);
    }
    tw_exposure_step(cores->exposure, record, savers->answers, &savers->events);
    tw_scorer_step(cores->scorer, record, &savers->events);
    tw_router_step(cores->router, record, &savers->events, hear, alerts);
}

static void savers_begin(struct savers *savers)
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

#define SAVE(core, kind, rows)                                                                                         \
    do {                                                                                                               \
        size_t from = (rows)->length;                                                                                  \
        whole = checked_slice(tw_##kind##_save(core, rows, bytes), rows, from, bytes) && whole;                        \
    } while (0)

/* True when all parts are whole. */
static bool savers_go_on(struct savers *savers, size_t bytes)
{
    bool whole = true;
    for (uint32_t i = 0; i < savers->cores.shards; i++)
        SAVE(savers->cores.shard[i], shard, &savers->parts[TW_PART_SHARD][i]);
    SAVE(savers->cores.exposure, exposure, &savers->parts[TW_PART_EXPOSURE][0]);
    SAVE(savers->cores.scorer, scorer, &savers->parts[TW_PART_SCORER][0]);
    SAVE(savers->cores.router, router, &savers->parts[TW_PART_ROUTER][0]);
    return whole;
}

static void savers_free(struct savers *savers)
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

static void load(struct tw_pipeline *pipeline, const struct savers *savers)
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

/* ---- the log ---- */

#define SETTINGS_TEXTS 4
static char *settings_texts[SETTINGS_TEXTS];

static char *settings_of(const char *const *assignments, size_t count)
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

static int make_settings(void **state)
{
    (void)state;
    const char *low[] = {"rules/large_trade/threshold=700",
                         "rules/client_exposure/threshold=100000",
                         "rules/symbol_exposure/threshold=300000",
                         "rules/velocity/threshold=3",
                         "rules/anomaly/minimum=5",
                         "rules/anomaly/medium=1.2",
                         "rules/anomaly/high=1.7"};
    const char *pairs[] = {"exposure/measure=net",
                           "rules/velocity/symbol=on",
                           "rules/anomaly/key=account",
                           "rules/anomaly/minimum=3",
                           "rules/anomaly/medium=1",
                           "exposure/remark=5",
                           "rules/symbol_exposure/threshold=1000",
                           "rules/velocity/threshold@N3=1"};
    const char *turnover[] = {"exposure/measure=turnover",  "exposure/remark=0",
                              "rules/anomaly/key=system",   "rules/client_exposure/threshold=50000",
                              "rules/anomaly/window=20",    "rules/anomaly/minimum=4",
                              "rules/velocity/threshold=1", "rules/velocity/window=3",
                              "rules/velocity/symbol=on"};
    settings_texts[0] = settings_of(low, sizeof low / sizeof *low);
    settings_texts[1] = settings_of(pairs, sizeof pairs / sizeof *pairs);
    settings_texts[2] = settings_of(turnover, sizeof turnover / sizeof *turnover);
    settings_texts[3] = settings_of(NULL, 0);
    return 0;
}

static int free_settings(void **state)
{
    (void)state;
    for (int i = 0; i < SETTINGS_TEXTS; i++)
        free(settings_texts[i]);
    return 0;
}

/* ---- the tests ---- */

static uint64_t random_state;
static uint32_t random_below(uint32_t limit)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((random_state >> 33) % limit);
}

/* Saved from record `at` on by `from` shards in slices of `bytes`, loaded by `to` shards, read on to the log's end. */
static uint64_t saved_and_loaded(struct world *world, const struct alerts *whole, uint32_t at, uint32_t from,
                                 uint32_t to, size_t bytes)
{
    struct tw_evidence evidence = {world, find_trade};
    struct tw_pipeline *pipeline = tw_pipeline_new(from, &evidence);
    struct savers savers = {.cores = tw_pipeline_release(&pipeline)};
    struct alerts saved = {0}, loaded = {0};
    bool done = false;
    for (uint32_t i = 0; i < world->log.count; i++) {
        savers_step(&savers, &world->log.records[i], &saved);
        if (i == at) {
            loaded.base = saved.count;
            savers_begin(&savers);
        } else if (savers.begun && !done) {
            done = savers_go_on(&savers, 1 + random_below((uint32_t)bytes));
        }
    }
    while (!done)
        done = savers_go_on(&savers, bytes);
    expect_same_end(whole, &saved); /* saving changed nothing */
    pipeline = tw_pipeline_new(to, &evidence);
    load(pipeline, &savers);
    for (uint32_t i = at + 1; i < world->log.count; i++)
        tw_pipeline_feed(pipeline, &world->log.records[i], hear, &loaded);
    expect_same_end(whole, &loaded);
    tw_pipeline_free(&pipeline);
    savers_free(&savers);
    alerts_free(&saved);
    alerts_free(&loaded);
    return whole->count - loaded.base;
}

static void reference(struct world *world, struct alerts *whole)
{
    struct tw_evidence evidence = {world, find_trade};
    struct tw_pipeline *pipeline = tw_pipeline_new(1, &evidence);
    for (uint32_t i = 0; i < world->log.count; i++)
        tw_pipeline_feed(pipeline, &world->log.records[i], hear, whole);
    tw_pipeline_free(&pipeline);
}

static void what_was_loaded_says_what_was_never_saved_says(void **state)
{
    (void)state;
    uint64_t compared = 0;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct alerts whole = {0};
        struct world *world = play(&(struct play_setting){.seed = seed,
                                                          .block_trades_max = seed % 3 == 0 ? 4 : 8190,
                                                          .settings_texts = (const char *const *)settings_texts,
                                                          .settings_count = SETTINGS_TEXTS});
        random_state = seed;
        reference(world, &whole);
        for (int i = 0; i < 8; i++)
            compared += saved_and_loaded(world, &whole, 1 + random_below(world->log.count - 1), 1 + random_below(4),
                                         1 + random_below(5), i % 2 == 0 ? 400 : 100000);
        alerts_free(&whole);
        world_free(&world);
    }
    print_message("%llu alerts compared\n", (unsigned long long)compared);
    assert_true(compared > 5000);
}

/* Where it is hardest: right before the records that change what no trade of theirs touches. */
static void sessions_roll_and_settings_change_in_the_middle_of_a_saving(void **state)
{
    (void)state;
    uint32_t tried = 0;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct alerts whole = {0};
        struct world *world = play(&(struct play_setting){.seed = seed,
                                                          .block_trades_max = 3,
                                                          .settings_texts = (const char *const *)settings_texts + 2,
                                                          .settings_count = 2});
        reference(world, &whole);
        for (uint32_t i = 1; i + 1 < world->log.count && tried < 30 * seed; i++) {
            const struct tw_record *next = &world->log.records[i + 1];
            bool hard = next->kind == TW_RECORD_CONTROL
                            ? next->control.kind == TW_CONTROL_SESSION || next->control.kind == TW_CONTROL_SETTINGS
                            : next->block.count > 0 && (next->block.attrs[0] & TW_ATTR_TICK) != 0 && i % 16 == 0;
            if (!hard)
                continue;
            saved_and_loaded(world, &whole, i, 2, 3, 1);
            tried++;
        }
        alerts_free(&whole);
        world_free(&world);
    }
    assert_true(tried > 40);
}

static void a_part_that_is_missing_or_cut_is_no_state(void **state)
{
    (void)state;
    struct world *world = play(&(struct play_setting){.seed = 3,
                                                      .block_trades_max = 8190,
                                                      .settings_texts = (const char *const *)settings_texts,
                                                      .settings_count = SETTINGS_TEXTS});
    struct tw_evidence evidence = {world, find_trade};
    struct tw_pipeline *pipeline = tw_pipeline_new(1, &evidence);
    struct savers savers = {.cores = tw_pipeline_release(&pipeline)};
    struct alerts alerts = {0};
    for (uint32_t i = 0; i < world->log.count; i++)
        savers_step(&savers, &world->log.records[i], &alerts);
    savers_begin(&savers);
    while (!savers_go_on(&savers, 100000)) {
    }
    for (int missing = TW_PART_SHARD; missing < TW_PART_COUNT; missing++) {
        struct tw_buffer kept = savers.parts[missing][0];
        bool sound = true;
        savers.parts[missing][0] = (struct tw_buffer){0};
        pipeline = tw_pipeline_new(2, &evidence);
        for (int part = TW_PART_SHARD; part < TW_PART_COUNT; part++) {
            struct tw_row_reader row;
            for (size_t offset = 0;
                 tw_row_next(savers.parts[part][0].bytes, savers.parts[part][0].length, &offset, &row) > 0;)
                sound = sound && tw_pipeline_load(pipeline, (enum tw_snapshot_part)part, &row);
        }
        assert_true(sound);
        assert_false(tw_pipeline_load_end(pipeline));
        tw_pipeline_free(&pipeline);
        savers.parts[missing][0] = kept;
    }
    savers_free(&savers);
    alerts_free(&alerts);
    world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_loaded_says_what_was_never_saved_says),
        cmocka_unit_test(sessions_roll_and_settings_change_in_the_middle_of_a_saving),
        cmocka_unit_test(a_part_that_is_missing_or_cut_is_no_state),
    };
    return cmocka_run_group_tests_name("snapshot: judging", tests, make_settings, free_settings);
}
