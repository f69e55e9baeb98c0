/* SPDX-License-Identifier: MIT
 *
 * A session roll that a crash tore from the trade that had reached it: the judges roll when its time comes, neither
 * earlier nor twice, whatever snapshot they come from.
 */
#include <stdlib.h>

#include "saving_world.h"

#define MIDNIGHT (NOON - DAY / 2)

static char *a_day, *other;

static int make_settings(void **state)
{
    (void)state;
    const char *low[] = {"exposure/measure=turnover", "exposure/remark=0", "rules/client_exposure/threshold=1000"};
    const char *high[] = {"exposure/measure=turnover", "exposure/remark=0", "rules/client_exposure/threshold=50000"};
    a_day = settings_of(low, sizeof low / sizeof *low);
    other = settings_of(high, sizeof high / sizeof *high);
    return 0;
}

static int free_settings(void **state)
{
    (void)state;
    free(a_day);
    free(other);
    return 0;
}

static void push_one(struct world *world, uint64_t seq, char side, int64_t qty, int64_t ts_ns)
{
    struct tw_trade trade = trade_of("X", "A", side, qty, 100, ts_ns);
    world_push(world, "p", 0, seq, &trade, 1);
    world_cut(world);
}

/* A has turned over 600 of 1,000 by 22:00. The trade that reaches midnight is lost with the process, and only the
 * announcement of the roll is left. */
static struct world *world_with_a_torn_roll(const char *settings_text)
{
    struct world *world = world_new_with(100, a_day);
    struct tw_control session;
    push_one(world, 1, 'B', 6, MIDNIGHT - 7200 * SECOND);
    push_one(world, 2, 'B', 1, MIDNIGHT);
    assert_int_equal(world_controls(world, TW_CONTROL_SESSION, &session), 1);
    world_durable_to(world, session.lsn);
    world_restart_with(world, settings_text);
    return world;
}

/* Saved behind record `at` by `from` shards and loaded by `to`: nothing is different for it. */
static void save_and_load(struct world *world, const struct alerts *whole, uint32_t at, uint32_t from, uint32_t to)
{
    struct tw_pipeline *pipeline = small_pipeline(world, from);
    struct savers savers = {.cores = tw_pipeline_release(&pipeline)};
    struct alerts before = {0}, behind = {0};
    for (uint32_t i = 0; i <= at; i++)
        savers_step(&savers, &world->log.records[i], &before);
    savers_begin(&savers);
    while (!savers_go_on(&savers, 100000))
        continue;
    pipeline = small_pipeline(world, to);
    savers_load(pipeline, &savers);
    behind.base = before.count;
    for (uint32_t i = at + 1; i < world->log.count; i++)
        tw_pipeline_feed(pipeline, &world->log.records[i], alerts_hear, &behind);
    alerts_expect_same_end(whole, &behind);
    tw_pipeline_free(&pipeline);
    savers_free(&savers);
    alerts_free(&before);
    alerts_free(&behind);
}

/* As if the roll had not been announced again. */
static void hear_without_the_second(struct world *world, struct alerts *alerts)
{
    struct tw_pipeline *pipeline = small_pipeline(world, 2);
    uint32_t announced = 0;
    for (uint32_t i = 0; i < world->log.count; i++) {
        const struct tw_record *record = &world->log.records[i];
        bool is_session = record->kind == TW_RECORD_CONTROL && record->control.kind == TW_CONTROL_SESSION;
        if (is_session && ++announced == 2)
            continue;
        tw_pipeline_feed(pipeline, record, alerts_hear, alerts);
    }
    assert_int_equal(announced, 2);
    tw_pipeline_free(&pipeline);
}

static void a_torn_roll_waits_for_its_time(void **state)
{
    (void)state;
    struct alerts whole = {0}, once = {0};
    struct world *world = world_with_a_torn_roll(a_day);
    push_one(world, 2, 'B', 1, MIDNIGHT - 3600 * SECOND);
    push_one(world, 3, 'S', 5, MIDNIGHT - 3599 * SECOND); /* opens: all is of one day */
    push_one(world, 4, 'B', 1, MIDNIGHT);                 /* ends in the tick */
    push_one(world, 5, 'B', 9, MIDNIGHT + SECOND);
    push_one(world, 6, 'B', 1, MIDNIGHT + 2 * SECOND); /* opens: nor does the roll come twice */
    world_durable(world);
    reference(world, &whole);
    assert_int_equal(whole.count, 3);
    for (uint32_t at = 1; at + 1 < world->log.count; at++)
        save_and_load(world, &whole, at, 1 + at % 2, 1 + at % 3);
    hear_without_the_second(world, &once); /* as older logs have it */
    alerts_expect_same_end(&whole, &once);
    alerts_free(&whole);
    alerts_free(&once);
    world_free(&world);
}

static void settings_take_a_torn_roll_back(void **state)
{
    (void)state;
    struct alerts with = {0}, without = {0};
    struct world *world = world_with_a_torn_roll(other);
    push_one(world, 2, 'S', 499, MIDNIGHT);
    world_durable(world);
    reference(world, &with);
    hear_without_the_second(world, &without); /* they might say another time of the roll */
    assert_int_equal(with.count, 0);
    assert_int_equal(without.count, 1);
    alerts_free(&with);
    alerts_free(&without);
    world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_torn_roll_waits_for_its_time),
        cmocka_unit_test(settings_take_a_torn_roll_back),
    };
    return cmocka_run_group_tests_name("judging: a torn roll", tests, make_settings, free_settings);
}
