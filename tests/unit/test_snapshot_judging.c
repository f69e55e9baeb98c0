/* SPDX-License-Identifier: MIT
 *
 * The judging cores saved in slices while they go on, loaded into any number of shards, are those that stood still at
 * the barrier, and say what those say that were never saved: every alert to the byte, every digest. The log is a play's
 * (gateway_play.h): busts, corrections, late trades, ticks, session rolls, settings that change what is measured and
 * what statistics are kept by.
 */
#include <stdlib.h>

#include "gateway_play.h"
#include "saving_world.h"

/* ---- the log ---- */

#define SETTINGS_TEXTS 4 /* and two with large windows */
static char *settings_texts[SETTINGS_TEXTS + 2];

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
    const char *hours[] = {"rules/velocity/window=7200", "rules/velocity/symbol=on", "rules/velocity/threshold=40"};
    const char *minutes[] = {"rules/velocity/window=60", "rules/velocity/symbol=on", "rules/velocity/threshold=20"};
    settings_texts[3] = settings_of(NULL, 0);
    settings_texts[4] = settings_of(hours, sizeof hours / sizeof *hours);
    settings_texts[5] = settings_of(minutes, sizeof minutes / sizeof *minutes);
    return 0;
}

static int free_settings(void **state)
{
    (void)state;
    for (int i = 0; i < SETTINGS_TEXTS + 2; i++)
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

static uint32_t window_rows, ended_rows; /* of all snapshots so far */

/* Saved from record `at` on by `from` shards in slices of `bytes`, loaded by `to` shards, read on to the log's end. */
static uint64_t saved_and_loaded(struct world *world, const struct alerts *whole, uint32_t at, uint32_t from,
                                 uint32_t to, size_t bytes)
{
    struct tw_pipeline *pipeline = small_pipeline(world, from);
    struct savers savers = {.cores = tw_pipeline_release(&pipeline)};
    struct alerts saved = {0}, loaded = {0};
    bool done = false;
    for (uint32_t i = 0; i < from && bytes % 2 == 0; i++) /* ticks in several parts */
        tw_shard_limit_answers(savers.cores.shard[i], 1 + random_below(8));
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
    alerts_expect_same_end(whole, &saved); /* saving changed nothing */
    uint64_t at_barrier[TW_PART_COUNT], was_saved[TW_PART_COUNT];
    state_at(world, at, from, at_barrier);
    state_of(world, &savers, was_saved);
    assert_memory_equal(at_barrier, was_saved, sizeof at_barrier);
    window_rows += savers_count_rows(&savers, TW_PART_SHARD, ROW_SHARD_WINDOW) +
                   savers_count_rows(&savers, TW_PART_EXPOSURE, ROW_EXPOSURE_WINDOW);
    ended_rows += savers_count_rows(&savers, TW_PART_SHARD, ROW_ENDED_OPENINGS) +
                  savers_count_rows(&savers, TW_PART_EXPOSURE, ROW_ENDED_OPENINGS) +
                  savers_count_rows(&savers, TW_PART_SCORER, ROW_ENDED_OPENINGS);
    pipeline = small_pipeline(world, to);
    savers_load(pipeline, &savers);
    for (uint32_t i = at + 1; i < world->log.count; i++)
        tw_pipeline_feed(pipeline, &world->log.records[i], alerts_hear, &loaded);
    alerts_expect_same_end(whole, &loaded);
    tw_pipeline_free(&pipeline);
    savers_free(&savers);
    alerts_free(&saved);
    alerts_free(&loaded);
    return whole->count - loaded.base;
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
        for (int i = 0; i < 5; i++)
            compared += saved_and_loaded(world, &whole, 1 + random_below(world->log.count - 1), 1 + random_below(4),
                                         1 + random_below(5), i % 2 == 0 ? 400 : 100000);
        alerts_free(&whole);
        world_free(&world);
    }
    print_message("%llu alerts compared, %u rows of ended ones\n", (unsigned long long)compared, ended_rows);
    assert_true(compared > 5000 && ended_rows > 1000);
}

/* A bust of a trade that crossed a second ends what that tick opened, whosever it is. */
static bool busts_a_tick(struct world *world, uint32_t at)
{
    const struct tw_record *record = &world->log.records[at];
    const struct tw_block *block = &record->block;
    for (uint32_t i = 0; record->kind == TW_RECORD_BLOCK && i < block->original_count; i++) {
        struct tw_original original;
        uint32_t row;
        memcpy(&original, block->originals + (size_t)i * sizeof original, sizeof original);
        const struct tw_block *of = log_find(&world->log, original.seq, &row);
        if (of != NULL && (of->attrs[row] & TW_ATTR_TICK) != 0)
            return true;
    }
    return false;
}

/* These change what no trade of theirs touches. */
static bool rolls_or_ticks(struct world *world, uint32_t i)
{
    const struct tw_record *record = &world->log.records[i];
    if (record->kind == TW_RECORD_CONTROL)
        return record->control.kind == TW_CONTROL_SESSION || record->control.kind == TW_CONTROL_SETTINGS;
    return record->block.count > 0 && (record->block.attrs[0] & TW_ATTR_TICK) != 0 && i % 16 == 0;
}

/* Saved right before the records that are hard, so many for each seed. */
static void save_before(bool (*is_hard)(struct world *world, uint32_t i), const char *const *texts, uint32_t tries)
{
    uint32_t tried = 0;
    for (uint32_t seed = 1; seed <= 6; seed++) {
        struct alerts whole = {0};
        struct world *world = play(
            &(struct play_setting){.seed = seed, .block_trades_max = 3, .settings_texts = texts, .settings_count = 2});
        reference(world, &whole);
        for (uint32_t i = 1; i + 1 < world->log.count && tried < tries * seed; i++) {
            if (!is_hard(world, i + 1))
                continue;
            saved_and_loaded(world, &whole, i, 2, 3, 1 + tried % 2);
            tried++;
        }
        alerts_free(&whole);
        world_free(&world);
    }
    assert_true(tried > tries);
}

static void sessions_roll_and_settings_change_in_the_middle_of_a_saving(void **state)
{
    (void)state;
    save_before(rolls_or_ticks, (const char *const *)settings_texts + 2, 7);
}

/* What was open by other statistics waits for a tick to end it. */
static bool comes_behind_settings(struct world *world, uint32_t i)
{
    const struct tw_record *before = &world->log.records[i - 1];
    return before->kind == TW_RECORD_CONTROL && before->control.kind == TW_CONTROL_SETTINGS;
}

static void what_other_statistics_left_open_is_saved(void **state)
{
    (void)state;
    save_before(comes_behind_settings, (const char *const *)settings_texts, 3);
}

static void what_a_tick_opened_is_busted_in_the_middle_of_a_saving(void **state)
{
    (void)state;
    save_before(busts_a_tick, (const char *const *)settings_texts, 5);
}

/* Windows of hundreds of trades, written an entry's row at a time while trades come, are busted, and leave: one by one
 * as time goes on, or all at once when a day has passed. */
static void windows_are_written_late_as_they_were(void **state)
{
    (void)state;
    window_rows = 0;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct alerts whole = {0};
        const char *windows[] = {settings_texts[4], settings_texts[5]};
        struct world *world = play(&(struct play_setting){.seed = seed,
                                                          .block_trades_max = seed % 2 == 0 ? 2 : 40,
                                                          .settings_texts = windows,
                                                          .settings_count = 1 + seed % 2});
        random_state = seed;
        reference(world, &whole);
        for (uint32_t i = 0; i < 8; i++)
            saved_and_loaded(world, &whole, 1 + random_below(world->log.count - 1), 1 + i % 3, 1 + i % 4,
                             i % 3 == 0 ? 1 : 2000);
        alerts_free(&whole);
        world_free(&world);
    }
    print_message("%u rows of late entries\n", window_rows);
    assert_true(window_rows > 300);
}

/* Version 1: a window stood in its object's row, whole; there were no rows of late entries. */
static void put_windows_in_their_rows(struct tw_buffer *rows, uint8_t object_kind, uint8_t window_kind)
{
    struct tw_buffer old = {0};
    struct tw_row_reader row, other;
    for (size_t offset = 0; tw_row_next(rows->bytes, rows->length, &offset, &row) > 0;) {
        if (row.kind == window_kind)
            continue;
        size_t began = tw_row_begin(&old, row.kind);
        tw_put_bytes(&old, row.at, (size_t)(row.end - row.at));
        uint32_t id = row.kind == object_kind ? tw_get_u32(&row) : 0;
        for (size_t at = 0; id != 0 && tw_row_next(rows->bytes, rows->length, &at, &other) > 0;)
            if (other.kind == window_kind && tw_get_u32(&other) == id)
                tw_put_bytes(&old, other.at, (size_t)(other.end - other.at));
        tw_row_end(&old, began);
    }
    tw_buffer_free(rows);
    *rows = old;
}

static void windows_of_version_1_are_read(void **state)
{
    (void)state;
    const char *windows[] = {settings_texts[4]};
    struct world *world = play(
        &(struct play_setting){.seed = 2, .block_trades_max = 100, .settings_texts = windows, .settings_count = 1});
    struct tw_evidence evidence = {world, world_find};
    struct tw_pipeline *pipeline = tw_pipeline_new(1, &evidence);
    struct savers savers = {.cores = tw_pipeline_release(&pipeline)};
    struct alerts alerts = {0};
    uint64_t now[TW_PART_COUNT], old[TW_PART_COUNT];
    for (uint32_t i = 0; i < world->log.count; i++)
        savers_step(&savers, &world->log.records[i], &alerts);
    savers_begin(&savers);
    while (!savers_go_on(&savers, 100000))
        continue;
    assert_true(savers_count_rows(&savers, TW_PART_SHARD, ROW_SHARD_WINDOW) > 0);
    assert_true(savers_count_rows(&savers, TW_PART_EXPOSURE, ROW_EXPOSURE_WINDOW) > 0);
    state_of(world, &savers, now);
    put_windows_in_their_rows(&savers.parts[TW_PART_SHARD][0], ROW_OBJECT, ROW_SHARD_WINDOW);
    put_windows_in_their_rows(&savers.parts[TW_PART_EXPOSURE][0], ROW_OBJECT, ROW_EXPOSURE_WINDOW);
    state_of(world, &savers, old);
    assert_memory_equal(now, old, sizeof now);
    savers_free(&savers);
    alerts_free(&alerts);
    world_free(&world);
}

static void a_part_that_is_missing_or_cut_is_no_state(void **state)
{
    (void)state;
    struct world *world = play(&(struct play_setting){.seed = 3,
                                                      .block_trades_max = 8190,
                                                      .settings_texts = (const char *const *)settings_texts,
                                                      .settings_count = SETTINGS_TEXTS});
    struct tw_evidence evidence = {world, world_find};
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
        cmocka_unit_test(what_other_statistics_left_open_is_saved),
        cmocka_unit_test(what_a_tick_opened_is_busted_in_the_middle_of_a_saving),
        cmocka_unit_test(windows_are_written_late_as_they_were),
        cmocka_unit_test(windows_of_version_1_are_read),
        cmocka_unit_test(a_part_that_is_missing_or_cut_is_no_state),
    };
    return cmocka_run_group_tests_name("snapshot: judging", tests, make_settings, free_settings);
}
