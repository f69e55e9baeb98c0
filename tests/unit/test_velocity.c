/* SPDX-License-Identifier: MIT
 *
 * A key's velocity against a model that keeps every trade and counts anew each time: what lies in the ring beyond its
 * time, which counts are skipped and which ticks look must not be seen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "actors/judging/velocity.h"

#define SECOND INT64_C(1000000000)
#define STEPS 20000u
#define KEY 7u

struct modelled {
    int64_t t_ns;
    uint64_t seq;
    bool out; /* by a bust, or by time: for good */
};

struct play {
    struct tw_openings openings;
    struct tw_rule_desk desk;
    struct tw_velocity_key key;
    struct tw_level level;
    struct tw_area area;
    struct tw_events events;
    uint64_t random, seq;
    int64_t now_ns, window_ns;
    /* the model */
    struct modelled trades[STEPS];
    uint32_t count;
    int64_t clock_ns;
    bool open;
    uint32_t opened, resolved;
};

static struct play play;

static uint32_t draw(uint32_t below)
{
    play.random = play.random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(play.random >> 33) % below;
}

static uint32_t modelled_count(int64_t horizon_ns)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < play.count; i++)
        count += !play.trades[i].out && play.trades[i].t_ns > horizon_ns;
    return count;
}

static void modelled_clock(int64_t ts_ns)
{
    if (ts_ns > play.clock_ns)
        play.clock_ns = ts_ns;
    for (uint32_t i = 0; i < play.count; i++)
        if (play.trades[i].t_ns <= play.clock_ns - play.window_ns)
            play.trades[i].out = true;
}

/* What the rule says to a count: at most one event, of that kind and value. */
static void expect_verdict(uint32_t count, bool in_tick)
{
    bool opens = !play.open && !in_tick && (tw_i128)count > play.key.level->tier1;
    bool resolves = play.open && (tw_i128)count <= play.key.level->rearm;
    assert_int_equal(play.events.count, opens || resolves ? 1 : 0);
    if (play.events.count == 1) {
        assert_int_equal(play.events.list[0].kind, opens ? TW_EVENT_OPEN : TW_EVENT_RESOLVE);
        assert_true(play.events.list[0].value == (tw_i128)count);
        play.open = opens;
        play.opened += opens;
        play.resolved += resolves;
    }
    if (opens) { /* the evidence is the latest of those that count */
        uint32_t listed = play.events.list[0].evidence_count;
        assert_int_equal(listed, count < TW_WINDOW_EVIDENCE_MAX ? count : TW_WINDOW_EVIDENCE_MAX);
        assert_int_equal(play.events.list[0].trade_count, count);
        const uint64_t *seq = play.events.evidence + play.events.list[0].evidence_first + listed;
        for (uint32_t i = play.count; listed > 0; i--)
            if (!play.trades[i - 1].out) {
                assert_int_equal(*--seq, play.trades[i - 1].seq);
                listed--;
            }
    }
    assert_int_equal(tw_episode_open(&play.key.episode), play.open);
    tw_events_clear(&play.events);
}

static struct tw_moment moment_at(int64_t ts_ns, uint8_t phase)
{
    return (struct tw_moment){{.seq = play.seq, .pseq = play.seq, .source = 1}, ts_ns, 0, phase};
}

static void enter(int64_t ts_ns)
{
    play.seq++;
    struct tw_moment moment = moment_at(ts_ns, TW_PHASE_TRADE);
    tw_velocity_enter(&play.desk, &play.key, play.window_ns, &moment);
    modelled_clock(ts_ns);
    play.trades[play.count++] = (struct modelled){play.clock_ns, play.seq, false};
    assert_int_equal(tw_velocity_count(&play.key), modelled_count(INT64_MIN));
    tw_velocity_judge(&play.desk, &play.key, KEY, play.window_ns, &moment, &play.events);
    expect_verdict(modelled_count(INT64_MIN), false);
}

static void bust(int64_t ts_ns)
{
    uint64_t seq = play.seq - draw(play.seq < 20 ? (uint32_t)play.seq : 20);
    play.seq++;
    struct tw_moment moment = moment_at(ts_ns, TW_PHASE_TRADE);
    tw_velocity_bust(&play.desk, &play.key, play.window_ns, ts_ns, seq);
    modelled_clock(ts_ns);
    for (uint32_t i = 0; i < play.count; i++)
        if (play.trades[i].seq == seq)
            play.trades[i].out = true;
    assert_int_equal(tw_velocity_count(&play.key), modelled_count(INT64_MIN));
    tw_velocity_judge(&play.desk, &play.key, KEY, play.window_ns, &moment, &play.events);
    expect_verdict(modelled_count(INT64_MIN), false);
}

static struct tw_episode *episode_of(void *context, uint32_t key)
{
    (void)context;
    assert_int_equal(key, KEY);
    return &play.key.episode;
}

static int64_t visit(void *context, uint32_t key, const void *argument)
{
    (void)context;
    return tw_velocity_tick(&play.desk, &play.key, key, play.window_ns, argument, &play.events);
}

static void tick(int64_t time_ns)
{
    struct tw_moment moment = moment_at(time_ns, TW_PHASE_TICK);
    tw_rule_desk_walk(&play.desk, time_ns, episode_of, visit, NULL, &moment);
    expect_verdict(modelled_count(time_ns - play.window_ns), true);
}

static void set(int64_t window_ns, int threshold)
{
    play.window_ns = window_ns;
    play.level = (struct tw_level){threshold, TW_I128_MAX, threshold - 1 - (int)draw(3)};
    tw_velocity_set_level(&play.key, &play.level);
    tw_rule_desk_look_at_all(&play.desk);
}

/* Mostly forward, in bursts and pauses; now and then late, or far ahead. */
static int64_t next_ts(void)
{
    uint32_t kind = draw(100);
    play.now_ns += kind < 80 ? draw(1000) * SECOND / 1000 : kind < 98 ? draw(5) * SECOND : draw(40) * SECOND;
    if (draw(50) == 0)
        return play.now_ns - draw(30) * SECOND;
    return draw(400) == 0 ? play.now_ns + draw(20) * SECOND : play.now_ns;
}

static void play_seed(uint64_t seed)
{
    memset(&play, 0, sizeof play);
    play.random = seed;
    play.now_ns = 1000 * SECOND;
    play.desk = (struct tw_rule_desk){
        .rule = TW_RULE_VELOCITY, .entity_type = TW_ENTITY_CLIENT, .openings = &play.openings, .area = &play.area};
    set(10 * SECOND, 10);
    while (play.count < STEPS / 10) {
        uint32_t kind = draw(1000);
        if (kind < 550)
            enter(next_ts());
        else if (kind < 650 && play.seq > 0)
            bust(next_ts());
        else if (kind < 995)
            tick((play.now_ns += draw(4) * SECOND / 2) / SECOND * SECOND);
        else
            set((5 + draw(20)) * SECOND, 5 + (int)draw(15));
    }
    assert_true(play.opened > 5 && play.resolved > 5);
    tw_window_free(&play.key.window, &play.area);
    tw_area_free(&play.area);
    tw_openings_free(&play.openings);
    tw_rule_desk_free(&play.desk);
    tw_events_free(&play.events);
}

static void every_count_and_every_verdict_is_the_models(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++)
        play_seed(seed);
}

/* 300 trades a second for five minutes, of which 60 s count: the ring does not grow with what has left. */
static void what_has_left_makes_room_for_what_comes(void **state)
{
    (void)state;
    memset(&play, 0, sizeof play);
    play.desk.area = &play.area;
    for (uint64_t i = 1; i <= 90000; i++) {
        struct tw_moment moment = {{i, i, 1}, (int64_t)i * SECOND / 300, 0, TW_PHASE_TRADE};
        tw_velocity_enter(&play.desk, &play.key, 60 * SECOND, &moment);
    }
    assert_int_equal(tw_velocity_count(&play.key), 18000);
    assert_int_equal(play.key.window.capacity, 32768);
    tw_window_free(&play.key.window, &play.area);
    tw_area_free(&play.area);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_count_and_every_verdict_is_the_models),
        cmocka_unit_test(what_has_left_makes_room_for_what_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
