/* SPDX-License-Identifier: MIT */
#include "gateway_play.h"

#include <stdio.h>
#include <stdlib.h>

#define PUBLISHERS 4
#define TAPE 600 /* trades of one incarnation of one publisher */
#define INCARNATIONS 3

static uint64_t random_state;

static uint32_t random_below(uint32_t limit)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((random_state >> 33) % limit);
}

/* What each publisher has to send: made before, so that a resend says the same. */
static struct tw_trade tape[PUBLISHERS][INCARNATIONS][TAPE];
static char ids[40][16];
static char names[12][16];

static struct tw_trade random_trade(int64_t *ts_ns)
{
    bool print = random_below(4) == 0;
    *ts_ns += random_below(3) == 0 ? (int64_t)random_below(1500000000) : (int64_t)random_below(1000);
    if (random_below(150) == 0)
        *ts_ns += DAY;
    struct tw_trade trade = trade_of(names[random_below(6)], print ? NULL : names[6 + random_below(6)],
                                     print                  ? '-'
                                     : random_below(2) == 0 ? 'B'
                                                            : 'S',
                                     1 + random_below(1000), 1 + random_below(500), *ts_ns);
    if (!print && trade.account.bytes >= names[9]) /* some trade in one size, so that they are flat now and then */
        trade.qty_e8 = 100 * TW_E8;
    if (random_below(3) == 0)
        trade.id = text_of(ids[random_below(40)]);
    if (random_below(5) == 0)
        trade.venue = text_of(names[random_below(12)]);
    if (random_below(9) == 0)
        trade.owner = text_of(names[random_below(12)]);
    if (random_below(9) == 0)
        trade.ccy = text_of(random_below(5) == 0 ? "EUR" : "USD");
    if (random_below(20) == 0)
        trade.ts_ns -= (int64_t)random_below(UINT32_MAX); /* late */
    if (random_below(30) == 0)
        trade.qty_e8 = INT64_MAX;
    if (random_below(12) == 0) {
        trade.kind = random_below(2) == 0 ? TW_KIND_BUST : TW_KIND_CORRECT;
        trade.ref = text_of(ids[random_below(40)]);
    }
    if (trade.kind == TW_KIND_BUST && random_below(4) != 0) {
        trade.symbol = trade.account = text_of(NULL);
        trade.side = TW_SIDE_NONE;
        trade.qty_e8 = trade.price_e8 = 0;
    }
    return trade;
}

static void make_tapes(void)
{
    for (int i = 0; i < 40; i++)
        snprintf(ids[i], sizeof ids[i], "id%d", i);
    for (int i = 0; i < 12; i++)
        snprintf(names[i], sizeof names[i], "N%d", i);
    for (int publisher = 0; publisher < PUBLISHERS; publisher++)
        for (int incarnation = 0; incarnation < INCARNATIONS; incarnation++) {
            int64_t ts_ns = NOON - 400 * DAY + incarnation * 20 * DAY;
            for (int i = 0; i < TAPE; i++)
                tape[publisher][incarnation][i] = random_trade(&ts_ns);
        }
}

struct speaker {
    char name[16];
    bool feed;
    uint32_t incarnation;
    uint64_t next;
    struct tw_columns *columns;
    uint64_t known; /* names that the gateway has */
};

struct play {
    struct world *world;
    struct speaker speakers[PUBLISHERS];
    const struct play_setting *setting;
    uint32_t restarts;
};

static void send_columns(struct play *play, struct speaker *speaker, uint64_t seq, const struct tw_trade *trades,
                         uint32_t count)
{
    struct tw_buffer message = {0};
    for (uint32_t i = 0; i < count; i++)
        assert_true(tw_columns_add(speaker->columns, &trades[i]));
    tw_columns_finish(speaker->columns, seq, speaker->known, &message);
    world_send(play->world, speaker->feed ? TW_LANE_FEED : TW_LANE_PUSH, message.bytes, message.length);
    speaker->known = tw_columns_names(speaker->columns);
    tw_buffer_free(&message);
}

static void new_columns(struct speaker *speaker)
{
    tw_columns_free(&speaker->columns);
    speaker->columns = tw_columns_new(text_of(speaker->name), speaker->incarnation);
    speaker->known = 0;
}

static void next_incarnation(struct play *play, struct speaker *speaker)
{
    if (speaker->incarnation + 1 == INCARNATIONS)
        return;
    speaker->incarnation++;
    speaker->next = 1;
    new_columns(speaker);
    if (!speaker->feed)
        world_hello(play->world, speaker->name, speaker->incarnation);
}

/* From `back` before the next number on, `count` trades. */
static void say(struct play *play, int which, uint64_t back, uint32_t count, bool in_columns)
{
    struct speaker *speaker = &play->speakers[which];
    uint64_t seq = back >= speaker->next ? 1 : speaker->next - back;
    if (seq > TAPE)
        return;
    if (seq + count > TAPE + 1)
        count = (uint32_t)(TAPE + 1 - seq);
    const struct tw_trade *trades = &tape[which][speaker->incarnation][seq - 1];
    if (in_columns)
        send_columns(play, speaker, seq, trades, count);
    else if (speaker->feed)
        world_feed(play->world, speaker->name, speaker->incarnation, seq, trades, count);
    else
        world_push(play->world, speaker->name, speaker->incarnation, seq, trades, count);
    if (seq + count > speaker->next)
        speaker->next = seq + count;
}

static void restart(struct play *play)
{
    const struct play_setting *setting = play->setting;
    play->restarts++;
    world_durable(play->world);
    world_restart_with(play->world, setting->settings_texts == NULL
                                        ? SETTINGS
                                        : setting->settings_texts[play->restarts % setting->settings_count]);
    for (int i = 0; i < PUBLISHERS; i++)
        new_columns(&play->speakers[i]);
}

/* In slices, so that what comes in between has to be kept out of it. */
static void snapshot(struct play *play, uint32_t what)
{
    if (what == 0)
        world_snapshot_begin(play->world);
    else if (what < 8)
        world_snapshot_go_on(play->world, 100 * what);
}

static void step(struct play *play)
{
    uint32_t which = random_below(PUBLISHERS), what = random_below(100), count = 1 + random_below(40);
    uint64_t back = random_below(3) == 0 ? random_below(30) : 0;
    bool in_columns = random_below(2) == 0, ends = random_below(60) == 0, disk = random_below(5) == 0;
    uint32_t snapshots = random_below(30);
    struct speaker *speaker = &play->speakers[which];
    if (what < 2)
        next_incarnation(play, speaker);
    else if (what < 6) { /* a hole: dropped, or the feed's gap */
        if (speaker->feed)
            speaker->next += random_below(5);
        else if (speaker->next + 3 <= TAPE)
            world_push(play->world, speaker->name, speaker->incarnation, speaker->next + 2,
                       &tape[which][speaker->incarnation][speaker->next + 1], 1);
    } else
        say(play, (int)which, back, count, in_columns);
    snapshot(play, snapshots);
    if (ends)
        restart(play);
    else if (disk && !play->setting->slow_disk)
        world_durable(play->world);
    else if (disk)
        world_cut(play->world);
    play->world->wall_ns += 1000;
}

struct world *play(const struct play_setting *setting)
{
    const char *settings_text = setting->settings_texts == NULL ? SETTINGS : setting->settings_texts[0];
    struct play play = {.world = world_new_with(setting->block_trades_max, settings_text), .setting = setting};
    play.world->from_snapshot = setting->from_snapshot;
    play.world->settings.tick_keys_max = setting->tick_keys_max;
    random_state = setting->seed;
    make_tapes();
    for (int i = 0; i < PUBLISHERS; i++) {
        snprintf(play.speakers[i].name, sizeof play.speakers[i].name, "pub%d", i);
        play.speakers[i].feed = i == PUBLISHERS - 1;
        play.speakers[i].next = 1;
        new_columns(&play.speakers[i]);
    }
    for (int i = 0; i < 400; i++)
        step(&play);
    world_durable(play.world);
    for (int i = 0; i < PUBLISHERS; i++)
        tw_columns_free(&play.speakers[i].columns);
    return play.world;
}
