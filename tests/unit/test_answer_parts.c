/* SPDX-License-Identifier: MIT
 *
 * The answer of a shard goes in parts that are no larger than they may be, however many accounts hold what is traded
 * and however many seconds a block spans; and whatever their size and the number of shards, the same is said: every
 * alert to the byte, every digest.
 */
#include <stdio.h>
#include <stdlib.h>

#include "actors/pipeline/pipeline.h"
#include "cfg/cfg.h"
#include "gateway_play.h"

#define RUN_POSITIONS 255u /* that a part may exceed its bound by: it ends behind a run of them */
#define HOLDERS 1500u
#define SYMBOLS 3u
#define SECONDS 40u

/* ---- a log through the cores ---- */

struct run {
    struct tw_pipeline_cores cores;
    struct tw_shard_answer answer[TW_SHARDS_MAX], *answers[TW_SHARDS_MAX];
    struct tw_events events;
    struct tw_buffer alerts; /* bytes and digests */
    uint64_t alert_count, parts, records;
    uint32_t limit;
};

static void hear(void *context, const struct tw_router_alert *alert)
{
    struct run *run = context;
    run->alert_count++;
    tw_buffer_append(&run->alerts, alert->bytes, alert->length);
    tw_buffer_append(&run->alerts, alert->digest, sizeof alert->digest);
    tw_buffer_append(&run->alerts, alert->record_digest, sizeof alert->record_digest);
}

static void next_part(struct run *run, uint32_t shard, const struct tw_record *record, uint32_t part)
{
    const struct tw_shard_answer *answer = &run->answer[shard];
    bool whole = tw_shard_step(run->cores.shard[shard], record, &run->answer[shard]);
    run->parts++;
    assert_int_equal(answer->lsn, tw_record_lsn(record));
    assert_int_equal(answer->part, part);
    assert_int_equal(answer->more, !whole);
    uint32_t changes = answer->remarks.count + answer->remarks.wide_count;
    assert_true(changes < run->limit + RUN_POSITIONS);
    assert_true(whole || changes >= run->limit);
}

static void feed(struct run *run, const struct tw_record *record)
{
    tw_events_clear(&run->events);
    run->records++;
    for (uint32_t i = 0; i < run->cores.shards; i++)
        next_part(run, i, record, 0);
    for (uint32_t i;
         (i = tw_exposure_step(run->cores.exposure, record, run->answers, &run->events)) != TW_EXPOSURE_DONE;)
        next_part(run, i, record, run->answer[i].part + 1);
    tw_scorer_step(run->cores.scorer, record, &run->events);
    tw_router_step(run->cores.router, record, &run->events, hear, run);
}

static void run_log(struct run *run, struct world *world, uint32_t shards, uint32_t limit)
{
    struct tw_evidence evidence = {world, world_find};
    struct tw_pipeline *pipeline = tw_pipeline_new(shards, &evidence);
    *run = (struct run){.cores = tw_pipeline_release(&pipeline), .limit = limit};
    for (uint32_t i = 0; i < shards; i++) {
        run->answers[i] = &run->answer[i];
        tw_shard_limit_answers(run->cores.shard[i], limit);
    }
    for (uint32_t i = 0; i < world->log.count; i++)
        feed(run, &world->log.records[i]);
}

static void run_free(struct run *run)
{
    for (uint32_t i = 0; i < run->cores.shards; i++) {
        tw_shard_free(&run->cores.shard[i]);
        tw_shard_answer_free(&run->answer[i]);
    }
    tw_exposure_free(&run->cores.exposure);
    tw_scorer_free(&run->cores.scorer);
    tw_router_free(&run->cores.router);
    tw_events_free(&run->events);
    tw_buffer_free(&run->alerts);
}

/* Parts of each size, by so many shards; returns the parts of the smallest. */
static uint64_t same_whatever_the_parts(struct world *world, uint64_t least_alerts)
{
    static const uint32_t limits[] = {1, 2, 300, 5000}, shards[] = {1, 2, 5};
    struct run whole, run;
    uint64_t most = 0;
    run_log(&whole, world, 1, TW_ANSWER_REMARKS_MAX);
    assert_int_equal(whole.parts, whole.records); /* these logs are small */
    print_message("%llu alerts\n", (unsigned long long)whole.alert_count);
    assert_true(whole.alert_count > least_alerts);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        for (size_t j = 0; j < sizeof shards / sizeof *shards; j++) {
            run_log(&run, world, shards[j], limits[i]);
            assert_int_equal(run.alert_count, whole.alert_count);
            assert_int_equal(run.alerts.length, whole.alerts.length);
            assert_memory_equal(run.alerts.bytes, whole.alerts.bytes, whole.alerts.length);
            most = run.parts - run.records * shards[j] > most ? run.parts - run.records * shards[j] : most;
            run_free(&run);
        }
    run_free(&whole);
    return most;
}

/* ---- the logs ---- */

static char *settings_of(const char *const *assignments, size_t count)
{
    struct tw_cfg_error error;
    struct tw_buffer text = {0};
    struct tw_cfg *cfg = tw_cfg_load(&(struct tw_cfg_sources){.sets = assignments, .set_count = count}, &error);
    assert_non_null(cfg);
    tw_cfg_rules_text(cfg, &text);
    tw_buffer_append(&text, "", 1);
    tw_cfg_free(&cfg);
    return (char *)text.bytes;
}

/* Everybody holds everything; then less than a minute of trades of one market maker, a second apart, at prices that go
 * up and down, so that each tick changes everybody, and some of them cross their threshold each time. */
static void seconds_in_one_block(struct world *world)
{
    static struct tw_trade trades[HOLDERS];
    static char names[HOLDERS][8];
    static const char *const symbols[SYMBOLS] = {"AA", "BB", "CC"};
    int64_t begin_ns = world->wall_ns - 2 * SECONDS * SECOND;
    uint64_t seq = 1;
    for (uint32_t s = 0; s < SYMBOLS; s++, seq += HOLDERS) {
        for (uint32_t i = 0; i < HOLDERS; i++) {
            snprintf(names[i], sizeof names[i], "A%u", i);
            trades[i] = trade_of(symbols[s], names[i], i % 3 == 0 ? 'S' : 'B', 1 + i % 7, 100, begin_ns);
        }
        world_push(world, "many", 0, seq, trades, HOLDERS);
    }
    for (uint32_t i = 0; i < SECONDS; i++)
        trades[i] = trade_of(symbols[i % SYMBOLS], i % 4 == 0 ? "" : "maker", i % 2 == 0 ? 'S' : 'B', 1,
                             i / SYMBOLS % 2 == 0 ? 80 : 115, begin_ns + (1 + i) * SECOND);
    world_push(world, "many", 0, seq, trades, SECONDS);
    world_durable(world);
}

static void a_block_that_spans_seconds_is_answered_in_parts(void **state)
{
    const char *sets[] = {"rules/client_exposure/threshold=1500", "rules/symbol_exposure/threshold=600000"};
    char *text = settings_of(sets, 2);
    struct world *world = world_new_with(TW_BLOCK_TRADES_MAX, text);
    (void)state;
    seconds_in_one_block(world);
    uint64_t parts = same_whatever_the_parts(world, 1000);
    print_message("%llu parts more\n", (unsigned long long)parts);
    assert_true(parts > (uint64_t)SECONDS * HOLDERS / RUN_POSITIONS / 2);
    world_free(&world);
    free(text);
}

static void plays_are_judged_alike_in_parts(void **state)
{
    const char *low[] = {"rules/large_trade/threshold=700", "rules/client_exposure/threshold=100000",
                         "rules/symbol_exposure/threshold=300000", "rules/velocity/threshold=3",
                         "rules/velocity/symbol=on"};
    const char *net[] = {"exposure/measure=net", "exposure/remark=5", "rules/client_exposure/threshold=50000"};
    char *texts[] = {settings_of(low, 5), settings_of(net, 3)};
    uint64_t parts = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct world *world = play(&(struct play_setting){.seed = seed,
                                                          .block_trades_max = TW_BLOCK_TRADES_MAX,
                                                          .settings_texts = (const char *const *)texts,
                                                          .settings_count = 2});
        parts += same_whatever_the_parts(world, 10);
        world_free(&world);
    }
    assert_true(parts > 100);
    free(texts[0]);
    free(texts[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_that_spans_seconds_is_answered_in_parts),
        cmocka_unit_test(plays_are_judged_alike_in_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
