/* SPDX-License-Identifier: MIT */
#include "tests/sim/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"
#include "tests/sim/judge_inside.h"

#define LATEST 16
#define LEFT_MAX 1024

static void init_key(struct key *key, int rule, const char *entity_type, uint32_t symbol, uint32_t account)
{
    *key = (struct key){.rule = rule, .entity_type = entity_type, .symbol = symbol, .account = account, .open = -1};
}

struct judge *judge_new(void)
{
    struct judge *judge = tw_alloc_zero(1, sizeof *judge);
    for (uint32_t i = 0; i < NAMES_MAX; i++) {
        init_key(&judge->clients[i], CLIENT, "CLIENT", 0, i);
        init_key(&judge->client_velocity[i], VELOCITY, "CLIENT", 0, i);
        init_key(&judge->symbols[i], SYMBOL, "SYMBOL", i, 0);
        init_key(&judge->symbol_velocity[i], VELOCITY, "SYMBOL", i, 0);
        for (uint32_t k = 0; k < NAMES_MAX; k++)
            init_key(&judge->anomalies[i][k], ANOMALY, k > 0 ? "CLIENT" : i > 0 ? "SYMBOL" : "SYSTEM", i, k);
    }
    return judge;
}

static void free_keys(struct key *keys, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        free(keys[i].entries);
}

void judge_free(struct judge **judge_pointer)
{
    struct judge *judge = *judge_pointer;
    free_keys(judge->clients, NAMES_MAX);
    free_keys(judge->client_velocity, NAMES_MAX);
    free_keys(judge->symbols, NAMES_MAX);
    free_keys(judge->symbol_velocity, NAMES_MAX);
    free_keys(&judge->anomalies[0][0], NAMES_MAX * NAMES_MAX);
    for (int kind = 1; kind < 5; kind++)
        for (uint32_t id = 1; id <= judge->name_count[kind]; id++)
            free((char *)(uintptr_t)judge->names[kind][id].bytes);
    for (uint64_t seq = 1; seq <= judge->seq; seq++)
        free((char *)(uintptr_t)judge->trades[seq].id.bytes);
    free(judge->trades);
    free(judge->alerts);
    free(judge->events);
    free(judge);
    *judge_pointer = NULL;
}

uint64_t judge_events(const struct judge *judge)
{
    return judge->event_count;
}

const struct judge_event *judge_event(const struct judge *judge, uint64_t n)
{
    return &judge->events[n - 1];
}

/* ---- keys in the order of their names ---- */

static int by_name(const struct judge *judge, const struct key *a, const struct key *b)
{
    char left[128], right[128];
    judge_name_key(judge, a, left);
    judge_name_key(judge, b, right);
    int order = strcmp(left, right);
    return order != 0 ? order : strcmp(a->entity_type, b->entity_type); /* CLIENT before SYMBOL */
}

struct list {
    struct key *keys[4 * NAMES_MAX];
    uint32_t count;
};

static void add(const struct judge *judge, struct list *list, struct key *key)
{
    uint32_t at = list->count;
    for (uint32_t i = 0; i < list->count; i++)
        if (list->keys[i] == key)
            return;
    TW_ASSERT(list->count < 4 * NAMES_MAX);
    while (at > 0 && by_name(judge, list->keys[at - 1], key) > 0) {
        list->keys[at] = list->keys[at - 1];
        at--;
    }
    list->keys[at] = key;
    list->count++;
}

/* ---- time ---- */

static int64_t day_of(const struct judge *judge, int64_t seconds)
{
    int64_t shifted = seconds - judge->settings.roll_seconds;
    return shifted >= 0 ? shifted / 86400 : -((86399 - shifted) / 86400);
}

/* By a rule that is off now: no trade of the key looks at it. */
static bool is_left_open(const struct key *key, const struct level_rule *rule)
{
    return !rule->enabled && key->open >= 0;
}

static void judge_levels_in_tick(struct judge *judge, const bool remarked[NAMES_MAX], bool all)
{
    struct list list = {.count = 0};
    for (uint32_t i = 1; i <= judge->name_count[TW_NAME_ACCOUNT]; i++)
        if (all || remarked[i] || is_left_open(&judge->clients[i], &judge->settings.client))
            add(judge, &list, &judge->clients[i]);
    for (uint32_t i = 0; i < list.count; i++)
        judge_level(judge, list.keys[i], &judge->settings.client, judge_client_value(judge, list.keys[i]->account));
    list.count = 0;
    for (uint32_t i = 1; i <= judge->name_count[TW_NAME_SYMBOL]; i++)
        if (all || is_left_open(&judge->symbols[i], &judge->settings.symbol))
            add(judge, &list, &judge->symbols[i]);
    for (uint32_t i = 0; i < list.count; i++)
        judge_level(judge, list.keys[i], &judge->settings.symbol, judge_symbol_value(judge, list.keys[i]->symbol));
}

static void judge_velocity_in_tick(struct judge *judge, int64_t time, bool all)
{
    struct list list = {.count = 0};
    for (uint32_t i = 1; i < NAMES_MAX; i++) {
        struct key *client = &judge->client_velocity[i], *symbol = &judge->symbol_velocity[i];
        if (client->open >= 0 || (all && judge->settings.velocity_client && i <= judge->name_count[TW_NAME_ACCOUNT]))
            add(judge, &list, client);
        if (symbol->open >= 0 || (all && judge->settings.velocity_symbol && i <= judge->name_count[TW_NAME_SYMBOL]))
            add(judge, &list, symbol);
    }
    for (uint32_t i = 0; i < list.count; i++)
        judge_level(judge, list.keys[i], &judge->settings.velocity,
                    judge_velocity_at(list.keys[i], time, judge->settings.velocity_window_ns));
}

/* Of one rule; of one key in the order in which they opened. */
static bool stands_behind(const struct alert *alert, const struct alert *other)
{
    int order = strcmp(alert->entity, other->entity);
    return order > 0 || (order == 0 && strcmp(alert->entity_type, other->entity_type) >= 0);
}

/* Those that were quiet long enough, and those that are left. */
static void judge_anomalies_in_tick(struct judge *judge, int64_t time)
{
    uint32_t list[LEFT_MAX], count = 0;
    for (uint32_t i = 0; i < judge->alert_count; i++) {
        struct alert *alert = &judge->alerts[i];
        bool open = alert->rule == ANOMALY && alert->key->open == (int32_t)i;
        if (!alert->left && !(open && time >= alert->key->last_hit + judge->settings.quiet_ns))
            continue;
        TW_ASSERT(count < LEFT_MAX);
        uint32_t at = count++;
        for (; at > 0 && !stands_behind(alert, &judge->alerts[list[at - 1]]); at--)
            list[at] = list[at - 1];
        list[at] = i;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct alert *alert = &judge->alerts[list[i]];
        judge_write(judge, "resolve", alert, 0, NULL, 0, 0);
        if (!alert->left)
            alert->key->open = -1;
        alert->left = false;
    }
}

/* Statistics are by other keys from now on, and begin anew. */
static void forget_anomalies(struct judge *judge)
{
    for (uint32_t symbol = 0; symbol < NAMES_MAX; symbol++)
        for (uint32_t account = 0; account < NAMES_MAX; account++) {
            struct key *key = &judge->anomalies[symbol][account];
            if (key->open >= 0)
                judge->alerts[key->open].left = true;
            key->open = -1;
            key->count = 0;
            key->clock = key->last_hit = 0;
        }
}

static bool tick(struct judge *judge, int64_t second, char why[256])
{
    bool remarked[NAMES_MAX] = {false}, rolled = day_of(judge, second) > judge->day;
    bool turnover = judge->settings.measure == TURNOVER;
    int64_t every = judge->settings.remark, ts = judge->origin_ts;
    bool told = judge->session_told && judge->session_ts <= second * SECOND; /* a crash may have torn it off its tick */
    if (rolled != told) {
        snprintf(why, 256, rolled ? "the session day rolls without a record" : "a session record rolls nothing");
        return false;
    }
    if (rolled) {
        judge->session_told = false;
        judge->day = day_of(judge, second);
        snprintf(why, 256, "a session record says another time than that of its roll");
        if (judge->session_ts != (judge->day * 86400 + judge->settings.roll_seconds) * SECOND)
            return false;
        memset(judge->account_turnover, 0, sizeof judge->account_turnover);
        memset(judge->symbol_turnover, 0, sizeof judge->symbol_turnover);
    }
    if (every != 0 && second / every != judge->clock / SECOND / every)
        judge_remark(judge, remarked);
    if (turnover)
        memset(remarked, 0, sizeof remarked);
    judge->in_tick = true;
    judge->origin_ts = second * SECOND;
    judge_levels_in_tick(judge, remarked, judge->rejudge || (rolled && turnover));
    judge_velocity_in_tick(judge, second * SECOND, judge->rejudge);
    judge_anomalies_in_tick(judge, second * SECOND);
    judge->in_tick = false;
    judge->origin_ts = ts;
    judge->rejudge = false;
    return true;
}

/* Moves the event clock; *ticked says whether a tick came first. */
static bool advance(struct judge *judge, int64_t ts, bool *ticked, char why[256])
{
    *ticked = false;
    if (!judge->started) {
        judge->started = true;
        judge->clock = ts;
        judge->day = day_of(judge, ts / SECOND);
    } else if (ts / SECOND > judge->clock / SECOND) {
        *ticked = true;
        if (!tick(judge, ts / SECOND, why))
            return false;
    }
    if (ts > judge->clock)
        judge->clock = ts;
    return true;
}

/* ---- one line ---- */

static struct key *anomaly_of(struct judge *judge, const struct trade *trade)
{
    switch (judge->settings.anomaly_key) {
    case BY_SYMBOL:
        return &judge->anomalies[trade->symbol][0];
    case BY_ACCOUNT:
        return trade->account == 0 ? NULL : &judge->anomalies[trade->symbol][trade->account];
    case BY_ALL:
        break;
    }
    return &judge->anomalies[0][0];
}

static uint32_t velocities_of(struct judge *judge, const struct trade *trade, struct key *keys[2])
{
    uint32_t count = 0;
    if (judge->settings.velocity_client && trade->account != 0)
        keys[count++] = &judge->client_velocity[trade->account];
    if (judge->settings.velocity_symbol)
        keys[count++] = &judge->symbol_velocity[trade->symbol];
    return count;
}

static void keep_latest(struct key *key, uint64_t seq)
{
    judge_key_add(key, (struct entry){.seq = seq});
    if (key->count > LATEST)
        judge_key_lose(key, key->entries[0].seq);
}

static void apply(struct judge *judge, const struct trade *trade, uint64_t seq)
{
    struct key *keys[2], *anomaly = anomaly_of(judge, trade);
    judge_apply(judge, trade);
    keep_latest(&judge->symbols[trade->symbol], seq);
    if (trade->account != 0)
        keep_latest(&judge->clients[trade->account], seq);
    for (uint32_t i = 0, count = velocities_of(judge, trade, keys); i < count; i++) {
        judge_key_move(keys[i], trade->ts);
        judge_key_add(keys[i], (struct entry){.at = keys[i]->clock, .seq = seq});
        judge_velocity_forget(keys[i], judge->settings.velocity_window_ns);
    }
    if (anomaly != NULL)
        judge_key_move(anomaly, trade->ts);
}

static wide value_now(struct judge *judge, const struct alert *alert)
{
    switch (alert->rule) {
    case CLIENT:
        return judge_client_value(judge, alert->key->account);
    case SYMBOL:
        return judge_symbol_value(judge, alert->key->symbol);
    case VELOCITY:
        return judge_velocity_at(alert->key, alert->key->clock, judge->settings.velocity_window_ns);
    default:
        return alert->value;
    }
}

static void retract(struct judge *judge, uint64_t opening)
{
    uint32_t list[64], count = 0;
    for (uint32_t i = 0; i < judge->alert_count; i++) {
        struct alert *alert = &judge->alerts[i];
        if (alert->opening != opening || alert->retracted)
            continue;
        uint32_t at = count++;
        TW_ASSERT(count <= 64);
        for (; at > 0; at--) {
            const struct alert *other = &judge->alerts[list[at - 1]];
            if (other->rule < alert->rule || (other->rule == alert->rule && stands_behind(alert, other)))
                break;
            list[at] = list[at - 1];
        }
        list[at] = i;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct alert *alert = &judge->alerts[list[i]];
        alert->retracted = true;
        alert->left = false;
        judge_write(judge, "retract", alert, value_now(judge, alert), NULL, 0, 0);
        if (alert->key != NULL && alert->key->open == (int32_t)list[i])
            alert->key->open = -1;
    }
}

static void bust(struct judge *judge, uint64_t seq, int64_t ts)
{
    struct trade *trade = &judge->trades[seq];
    struct key *keys[2], *anomaly = anomaly_of(judge, trade);
    trade->busted = true;
    judge_reverse(judge, trade, trade->day == judge->day);
    judge_key_lose(&judge->symbols[trade->symbol], seq);
    judge_key_lose(&judge->clients[trade->account], seq);
    for (uint32_t i = 0, count = velocities_of(judge, trade, keys); i < count; i++) {
        judge_key_move(keys[i], ts);
        judge_velocity_forget(keys[i], judge->settings.velocity_window_ns);
        judge_key_lose(keys[i], seq);
    }
    if (anomaly != NULL) {
        judge_key_move(anomaly, ts);
        judge_key_lose(anomaly, seq);
    }
    retract(judge, seq);
}

static void judge_statistic(struct judge *judge, const struct trade *trade, uint64_t seq)
{
    struct key *key = anomaly_of(judge, trade);
    const struct judge_settings *settings = &judge->settings;
    if (key == NULL)
        return;
    while (key->count > settings->window) /* it is smaller now */
        judge_key_lose(key, key->entries[0].seq);
    if (judge_exceeds(key, trade->cents, settings->medium_e3, settings->minimum))
        judge_hit(judge, key, judge_exceeds(key, trade->cents, settings->high_e3, settings->minimum) ? HIGH : MEDIUM,
                  trade->cents);
    judge_key_add(key, (struct entry){.cents = trade->cents, .seq = seq});
    if (key->count > settings->window)
        judge_key_lose(key, key->entries[0].seq);
}

static void judge_size(struct judge *judge, const struct trade *trade)
{
    char entity[128];
    if (trade->qty <= judge->settings.large)
        return;
    struct tw_text publisher = judge->names[TW_NAME_SOURCE][trade->source];
    snprintf(entity, sizeof entity, "%.*s/%u/%llu", (int)publisher.length, publisher.bytes,
             judge->incarnations[trade->source], (unsigned long long)trade->pseq);
    struct alert *alert = judge_open(judge, NULL, LARGE, "TRADE", entity, HIGH, trade->qty);
    judge_write(judge, "fire", alert, trade->qty, NULL, 0, 0);
}

/* Every rule once, in table order; every touched key once, by entity. */
static void judge_line(struct judge *judge, const struct trade *trade, const struct trade *busted, uint64_t seq)
{
    const struct trade *touched[2] = {busted, trade};
    struct list clients = {.count = 0}, symbols = {.count = 0}, counted = {.count = 0};
    for (int i = 0; i < 2; i++) {
        struct key *keys[2];
        if (touched[i] == NULL)
            continue;
        if (touched[i]->account != 0)
            add(judge, &clients, &judge->clients[touched[i]->account]);
        add(judge, &symbols, &judge->symbols[touched[i]->symbol]);
        for (uint32_t k = 0, count = velocities_of(judge, touched[i], keys); k < count; k++)
            add(judge, &counted, keys[k]);
    }
    if (trade != NULL)
        judge_size(judge, trade);
    for (uint32_t i = 0; i < clients.count; i++)
        judge_level(judge, clients.keys[i], &judge->settings.client,
                    judge_client_value(judge, clients.keys[i]->account));
    for (uint32_t i = 0; i < symbols.count; i++)
        judge_level(judge, symbols.keys[i], &judge->settings.symbol,
                    judge_symbol_value(judge, symbols.keys[i]->symbol));
    for (uint32_t i = 0; i < counted.count; i++)
        judge_level(judge, counted.keys[i], &judge->settings.velocity,
                    judge_velocity_at(counted.keys[i], counted.keys[i]->clock, judge->settings.velocity_window_ns));
    if (trade != NULL)
        judge_statistic(judge, trade, seq);
}

/* ---- the log ---- */

static void keep_trade(struct judge *judge, const struct tw_block *block, uint32_t row)
{
    uint64_t seq = ++judge->seq;
    if (seq >= judge->trade_capacity) {
        judge->trade_capacity = judge->trade_capacity == 0 ? 1024 : judge->trade_capacity * 2;
        judge->trades = tw_realloc(judge->trades, judge->trade_capacity * sizeof *judge->trades);
    }
    uint8_t attrs = block->attrs[row];
    struct trade *trade = &judge->trades[seq];
    *trade = (struct trade){.ts = tw_load_i64(block->ts, row),
                            .qty = tw_load_i64(block->qty, row),
                            .price = tw_load_i64(block->price, row),
                            .pseq = tw_load_u64(block->pseq, row),
                            .symbol = tw_load_u32(block->symbol, row),
                            .account = tw_load_u32(block->account, row),
                            .source = tw_load_u32(block->source, row),
                            .side = TW_ATTR_SIDE(attrs) == TW_SIDE_BUY    ? 1
                                    : TW_ATTR_SIDE(attrs) == TW_SIDE_SELL ? -1
                                                                          : 0,
                            .kind = (int)TW_ATTR_KIND(attrs)};
    trade->notional = (int64_t)judge_half_even((wide)trade->qty * trade->price, UNIT);
    trade->cents = (int64_t)judge_half_even(trade->notional, 1000000);
    TW_ASSERT(trade->symbol > 0 && trade->symbol < NAMES_MAX && trade->account < NAMES_MAX);
    struct tw_text id = tw_block_id(block, row);
    trade->id = (struct tw_text){id.length == 0 ? NULL : tw_strndup(id.bytes, id.length), id.length};
}

static bool take_row(struct judge *judge, const struct tw_block *block, uint32_t row, uint32_t *originals,
                     char why[256])
{
    keep_trade(judge, block, row);
    uint64_t seq = judge->seq, original = 0;
    struct trade *trade = &judge->trades[seq];
    bool late = judge->started && trade->ts < judge->clock, ticked;
    uint8_t attrs = block->attrs[row];
    judge->origin = seq;
    judge->origin_ts = trade->ts;
    if (!advance(judge, trade->ts, &ticked, why))
        return false;
    if (ticked != ((attrs & TW_ATTR_TICK) != 0) || late != ((attrs & TW_ATTR_LATE) != 0)) {
        snprintf(why, 256, "trade %llu: tick %d late %d, its flags are %02x", (unsigned long long)seq, ticked, late,
                 attrs);
        return false;
    }
    trade->day = judge->day;
    if (trade->kind != TW_KIND_TRADE) {
        original = tw_block_original(block, row, originals).seq;
        if (original == 0 || original >= seq || judge->trades[original].busted ||
            judge->trades[original].kind == TW_KIND_BUST) {
            snprintf(why, 256, "trade %llu reverses %llu, which cannot be", (unsigned long long)seq,
                     (unsigned long long)original);
            return false;
        }
        bust(judge, original, trade->ts);
    }
    if (trade->kind != TW_KIND_BUST)
        apply(judge, trade, seq);
    judge_line(judge, trade->kind == TW_KIND_BUST ? NULL : trade, original == 0 ? NULL : &judge->trades[original], seq);
    return true;
}

static void take_names(struct judge *judge, const struct tw_block *block)
{
    struct tw_new_name name;
    for (uint32_t offset = 0; tw_block_next_name(block, &offset, &name);) {
        uint32_t id = ++judge->name_count[name.kind];
        TW_ASSERT(id == name.id && id < SOURCES_MAX);
        judge->names[name.kind][id] = (struct tw_text){tw_strndup(name.name.bytes, name.name.length), name.name.length};
        if (name.kind == TW_NAME_SOURCE)
            judge->incarnations[id] = name.incarnation;
    }
}

static bool take_control(struct judge *judge, const struct tw_control *control, char why[256])
{
    bool ticked, read;
    struct alert gap;
    enum anomaly_key anomaly_key = judge->settings.anomaly_key;
    switch (control->kind) {
    case TW_CONTROL_SETTINGS:
        judge->rejudge = true;
        judge->session_told = false;
        snprintf(why, 256, "settings that cannot be read");
        read = judge_read_settings(control->text, &judge->settings);
        if (judge->settings.anomaly_key != anomaly_key)
            forget_anomalies(judge);
        return read;
    case TW_CONTROL_CLOCK:
        judge->origin = judge->seq;
        snprintf(why, 256, "a clock record that moves nothing");
        return judge->started && control->ts_ns % SECOND == 0 && advance(judge, control->ts_ns, &ticked, why) && ticked;
    case TW_CONTROL_SESSION:
        judge->session_told = true;
        judge->session_ts = control->ts_ns;
        return true;
    case TW_CONTROL_FEED_GAP:
        gap = (struct alert){.rule = FEED_GAP, .severity = HIGH, .entity_type = "PUBLISHER"};
        snprintf(gap.entity, sizeof gap.entity, "%.*s", (int)judge->names[TW_NAME_SOURCE][control->source].length,
                 judge->names[TW_NAME_SOURCE][control->source].bytes);
        judge->origin = control->follows;
        judge->origin_ts = control->ts_ns;
        judge_write(judge, "fire", &gap, (wide)control->number2, (const uint64_t *)"", 0, 0);
        return true;
    default:
        return true;
    }
}

bool judge_take(struct judge *judge, const struct tw_record *record, char why[256])
{
    if (record->kind == TW_RECORD_CONTROL)
        return take_control(judge, &record->control, why);
    take_names(judge, &record->block);
    for (uint32_t row = 0, originals = 0; row < record->block.count; row++)
        if (!take_row(judge, &record->block, row, &originals, why))
            return false;
    return true;
}
