/* SPDX-License-Identifier: MIT
 *
 * The exposure aggregator's step.
 */
#include "actors/exposure/exposure.h"

#include <stdlib.h>
#include <string.h>

#include "actors/exposure/exposure_state.h"
#include "actors/judging/planted.h"
#include "protocol/check.h"

struct tw_exposure *tw_exposure_new(uint32_t shards)
{
    TW_ASSERT(shards >= 1 && shards <= TW_SHARDS_MAX);
    struct tw_exposure *exposure = tw_alloc_zero(1, sizeof *exposure);
    exposure->shards = shards;
    exposure->exposure = (struct tw_rule_desk){
        .rule = TW_RULE_CLIENT_EXPOSURE, .entity_type = TW_ENTITY_CLIENT, .openings = &exposure->openings};
    exposure->velocity = (struct tw_rule_desk){.rule = TW_RULE_VELOCITY,
                                               .entity_type = TW_ENTITY_CLIENT,
                                               .openings = &exposure->openings,
                                               .area = &exposure->area};
    return exposure;
}

void tw_exposure_free(struct tw_exposure **exposure_pointer)
{
    struct tw_exposure *exposure = *exposure_pointer;
    if (exposure == NULL)
        return;
    for (uint32_t id = 0; id < exposure->account_count; id++) {
        tw_window_free(&tw_exposure_at(exposure, id)->velocity.window, &exposure->area);
        free((void *)(uintptr_t)exposure->names[id].bytes);
    }
    for (uint32_t id = 0; id < exposure->account_count; id += TW_ACCOUNTS_PER_PART)
        tw_free_lines(exposure->accounts[id / TW_ACCOUNTS_PER_PART], TW_ACCOUNTS_PER_PART, sizeof(struct tw_account));
    free(exposure->accounts);
    free(exposure->names);
    tw_levels_clear(&exposure->exposure_levels);
    tw_levels_clear(&exposure->velocity_levels);
    free(exposure->touched);
    tw_area_free(&exposure->area);
    tw_openings_free(&exposure->openings);
    tw_rule_desk_free(&exposure->exposure);
    tw_rule_desk_free(&exposure->velocity);
    tw_settings_free(&exposure->settings);
    tw_saving_free(&exposure->saving);
    free(exposure);
    *exposure_pointer = NULL;
}

/* ---- names and settings ---- */

void tw_exposure_apply_settings(struct tw_exposure *exposure, uint32_t id)
{
    const struct tw_settings *settings = &exposure->settings;
    const struct tw_rules *rules = &settings->rules;
    struct tw_account *account = tw_exposure_at(exposure, id);
    struct tw_text name = exposure->names[id];
    account->level = tw_levels_get(
        &exposure->exposure_levels, &rules->client_exposure,
        tw_settings_threshold(settings, TW_OVERRIDE_CLIENT_EXPOSURE, name, rules->client_exposure.threshold));
    tw_velocity_set_level(&account->velocity, tw_levels_get(&exposure->velocity_levels, &rules->velocity,
                                                            tw_settings_threshold(settings, TW_OVERRIDE_VELOCITY, name,
                                                                                  rules->velocity.threshold)));
}

static void settings_changed(struct tw_exposure *exposure)
{
    exposure->judge_all = true;
    tw_rule_desk_look_at_all(&exposure->velocity);
    tw_levels_clear(&exposure->exposure_levels);
    tw_levels_clear(&exposure->velocity_levels);
    for (uint32_t id = 0; id < exposure->account_count; id++)
        if (tw_exposure_knows(exposure, id))
            tw_exposure_apply_settings(exposure, id);
}

void tw_exposure_keep_on(struct tw_exposure *exposure, struct tw_shelf shelf)
{
    tw_archive_keep_on(&exposure->openings.archive, shelf);
}

void tw_exposure_pin_settings(struct tw_exposure *exposure, struct tw_text settings_text)
{
    tw_settings_pin(&exposure->settings, settings_text);
    settings_changed(exposure);
}

void tw_exposure_reserve(struct tw_exposure *exposure, uint32_t id)
{
    if (id < exposure->account_count)
        return;
    uint32_t parts = id / TW_ACCOUNTS_PER_PART + 1, count = parts * TW_ACCOUNTS_PER_PART;
    exposure->accounts = tw_realloc(exposure->accounts, parts * sizeof *exposure->accounts);
    for (uint32_t part = exposure->account_count / TW_ACCOUNTS_PER_PART; part < parts; part++)
        exposure->accounts[part] = tw_alloc_lines(TW_ACCOUNTS_PER_PART, sizeof(struct tw_account));
    exposure->names = tw_realloc(exposure->names, count * sizeof *exposure->names);
    memset(exposure->names + exposure->account_count, 0, (count - exposure->account_count) * sizeof *exposure->names);
    exposure->account_count = count;
}

static void learn_names(struct tw_exposure *exposure, const struct tw_block *block)
{
    struct tw_new_name name;
    for (uint32_t offset = 0; tw_block_next_name(block, &offset, &name);) {
        if (name.kind != TW_NAME_ACCOUNT)
            continue;
        tw_exposure_reserve(exposure, name.id);
        struct tw_account *account = tw_exposure_at(exposure, name.id);
        account->saved = exposure->saving.number;
        exposure->names[name.id] = (struct tw_text){tw_strndup(name.name.bytes, name.name.length), name.name.length};
        tw_exposure_apply_settings(exposure, name.id);
    }
}

/* ---- judging ---- */

static tw_i128 turnover_of(const struct tw_exposure *exposure, const struct tw_account *account)
{
    return account->turnover_session == exposure->clock.session ? account->turnover_e8 : 0;
}

static tw_i128 exposure_of(const struct tw_exposure *exposure, const struct tw_account *account)
{
    switch (exposure->settings.rules.measure) {
    case TW_MEASURE_GROSS:
        return tw_wide_saturated(&account->gross);
    case TW_MEASURE_NET:
        return tw_abs128(tw_wide_saturated(&account->net));
    case TW_MEASURE_TURNOVER:
        return turnover_of(exposure, account);
    }
    TW_UNREACHABLE("a measure without a formula");
}

/* Before the account changes, a snapshot may want it as it is. */
static void keep_account(struct tw_exposure *exposure, uint32_t id)
{
    if (exposure->saving.active)
        tw_exposure_save_account(exposure, id);
}

/* Of the many that a tick judges few change. */
static void keep_before_verdict(struct tw_exposure *exposure, uint32_t id, const struct tw_level *level, tw_i128 value,
                                const struct tw_episode *episode)
{
    if (exposure->saving.active && tw_level_moves(level, value, episode))
        tw_exposure_save_account(exposure, id);
}

static void judge_exposure(struct tw_exposure *exposure, uint32_t id, const struct tw_moment *moment,
                           struct tw_events *events)
{
    struct tw_account *account = tw_exposure_at(exposure, id);
    tw_i128 value = exposure_of(exposure, account);
    keep_before_verdict(exposure, id, account->level, value, &account->exposure);
    struct tw_event *event =
        tw_level_apply(&exposure->exposure, &account->exposure, id, account->level, value, moment, events);
    if (event == NULL || moment->phase == TW_PHASE_TICK || event->kind == TW_EVENT_RESOLVE)
        return;
    uint64_t latest[TW_EXPOSURE_TRADES_MAX];
    uint32_t count = tw_latest_list(&account->latest, latest);
    tw_event_evidence(events, event, latest, count, count);
}

static void judge_account(struct tw_exposure *exposure, uint32_t id, const struct tw_moment *moment,
                          struct tw_events *events)
{
    const struct tw_rules *rules = &exposure->settings.rules;
    if (rules->client_exposure.enabled)
        judge_exposure(exposure, id, moment, events);
    if (rules->velocity.enabled && rules->velocity_client)
        tw_velocity_judge(&exposure->velocity, &tw_exposure_at(exposure, id)->velocity, id, rules->velocity_window_ns,
                          moment, events);
}

/* ---- ticks ---- */

#define TICK_AHEAD 12u /* changes of a re-marking whose accounts are on their way from memory */

static struct tw_episode *exposure_episode(void *context, uint32_t key)
{
    return &tw_exposure_at(context, key)->exposure;
}

static struct tw_episode *velocity_episode(void *context, uint32_t key)
{
    return &tw_exposure_at(context, key)->velocity.episode;
}

struct tick_walk {
    struct tw_moment moment;
    struct tw_events *events;
};

/* The rule is off: what is open may end. */
static void end_exposure(struct tw_exposure *exposure, uint32_t id, const struct tick_walk *walk)
{
    struct tw_account *account = tw_exposure_at(exposure, id);
    tw_i128 value = exposure_of(exposure, account);
    keep_before_verdict(exposure, id, account->level, value, &account->exposure);
    tw_level_end(&exposure->exposure, &account->exposure, id, account->level, value, &walk->moment, walk->events);
}

static int64_t tick_exposure(void *context, uint32_t key, const void *argument)
{
    const struct tick_walk *walk = argument;
    struct tw_exposure *exposure = context;
    if (exposure->settings.rules.client_exposure.enabled)
        judge_exposure(exposure, key, &walk->moment, walk->events);
    else
        end_exposure(exposure, key, walk);
    return TW_LOOK_ALWAYS;
}

static int64_t tick_velocity(void *context, uint32_t key, const void *argument)
{
    const struct tick_walk *walk = argument;
    struct tw_exposure *exposure = context;
    struct tw_velocity_key *velocity = &tw_exposure_at(exposure, key)->velocity;
    int64_t window_ns = exposure->settings.rules.velocity_window_ns;
    if (exposure->saving.active)
        keep_before_verdict(exposure, key, velocity->level,
                            tw_velocity_count_in_tick(velocity, window_ns, walk->moment.ts_ns), &velocity->episode);
    return tw_velocity_tick(&exposure->velocity, velocity, key, window_ns, &walk->moment, walk->events);
}

static void touch(struct tw_exposure *exposure, struct tw_account *account, uint32_t id)
{
    account->touched = exposure->ticks;
    if (exposure->touched_count == exposure->touched_capacity) {
        exposure->touched_capacity = exposure->touched_capacity == 0 ? 256 : exposure->touched_capacity * 2;
        exposure->touched = tw_realloc(exposure->touched, exposure->touched_capacity * sizeof *exposure->touched);
    }
    exposure->touched[exposure->touched_count++] = (struct tw_touched){exposure_of(exposure, account), id};
}

/* A changed setting is judged from each key's next trade or tick on: this is the tick. */
static void judge_all(struct tw_exposure *exposure, const struct tick_walk *walk)
{
    const struct tw_rules *rules = &exposure->settings.rules;
    bool counts = rules->velocity.enabled && rules->velocity_client;
    exposure->judge_all = false;
    for (uint32_t id = 0; id < exposure->account_count; id++) {
        if (!tw_exposure_knows(exposure, id))
            continue;
        tick_exposure(exposure, id, walk);
        if (counts || tw_episode_open(velocity_episode(exposure, id)))
            tick_velocity(exposure, id, walk);
    }
}

/* Trades judge the accounts that they change. A tick changes others: by re-marking, and turnover by the session. While
 * the rule is off no trade looks at what is open. */
static void tick_exposures(struct tw_exposure *exposure, const struct tick_walk *walk)
{
    const struct tw_rules *rules = &exposure->settings.rules;
    if (rules->measure == TW_MEASURE_TURNOVER || !rules->client_exposure.enabled) {
        tw_rule_desk_walk(&exposure->exposure, walk->moment.ts_ns, exposure_episode, tick_exposure, exposure, walk);
        return;
    }
    for (uint32_t i = 0; i < exposure->touched_count; i++) {
        const struct tw_touched *touched = &exposure->touched[i];
        if (i + TICK_AHEAD < exposure->touched_count)
            __builtin_prefetch(tw_exposure_at(exposure, touched[TICK_AHEAD].id));
        if (exposure_of(exposure, tw_exposure_at(exposure, touched->id)) != touched->judged_e8)
            judge_exposure(exposure, touched->id, &walk->moment, walk->events);
    }
}

static inline struct tw_account *remarked(struct tw_exposure *exposure, uint32_t id)
{
    struct tw_account *account = tw_exposure_at(exposure, id);
    if (account->touched != exposure->ticks)
        touch(exposure, account, id);
    return account;
}

static void remark_wide(struct tw_exposure *exposure, const struct tw_remark_wide *change)
{
    struct tw_account *account = remarked(exposure, change->account);
    tw_wide_add(&account->gross, change->is_short ? -change->change_e8 : change->change_e8);
    tw_wide_add(&account->net, change->change_e8);
}

/* What a shard's tick, the `at`th that changed something, did to the accounts. */
static void take_remarks(struct tw_exposure *exposure, const struct tw_remarks *remarks, uint32_t at)
{
    static const struct tw_remark_tick none = {0};
    const struct tw_remark_tick *tick = &remarks->ticks[at], *before = at == 0 ? &none : tick - 1;
    for (uint32_t i = before->end; i < tick->end; i++) {
        const struct tw_remark *change = &remarks->list[i];
        if (i + TICK_AHEAD < tick->end)
            __builtin_prefetch(tw_exposure_at(exposure, change[TICK_AHEAD].account), 1);
        struct tw_account *account = remarked(exposure, change->account);
        tw_wide_add_narrow(&account->gross, change->is_short ? -change->change_e8 : change->change_e8);
        tw_wide_add_narrow(&account->net, change->change_e8);
    }
    for (uint32_t i = before->wide_end; i < tick->wide_end; i++)
        remark_wide(exposure, &remarks->wide[i]);
}

static bool is_used_up(const struct tw_exposure_place *at, const struct tw_shard_answer *answer)
{
    return at->trade == answer->trade_count && at->tick == answer->remarks.tick_count;
}

/* The tick in walk.tick as the shards tell it, from walk.shard on. False: a part of its answer is missing. A part ends
 * within a tick, so one that is used up and has another behind it ends in this one. */
static bool remark(struct tw_exposure *exposure, struct tw_shard_answer *const *answers)
{
    struct tw_exposure_walk *walk = &exposure->walk;
    for (; walk->shard < exposure->shards; walk->shard++) {
        const struct tw_shard_answer *answer = answers[walk->shard];
        struct tw_exposure_place *at = &walk->at[walk->shard];
        if (at->tick < answer->remarks.tick_count && answer->remarks.ticks[at->tick].row == walk->tick.row)
            take_remarks(exposure, &answer->remarks, at->tick++);
        if (answer->more && at->tick == answer->remarks.tick_count) {
            TW_ASSERT(is_used_up(at, answer));
            return false;
        }
    }
    return true;
}

static void judge_tick(struct tw_exposure *exposure, struct tw_events *events)
{
    const struct tw_tick *tick = &exposure->walk.tick;
    struct tick_walk walk = {{tick->origin, tick->time_ns, tick->row, TW_PHASE_TICK}, events};
    if (exposure->judge_all) {
        judge_all(exposure, &walk);
        return;
    }
    tick_exposures(exposure, &walk);
    tw_rule_desk_walk(&exposure->velocity, tick->time_ns, velocity_episode, tick_velocity, exposure, &walk);
}

/* Re-marking first, then judging. False: a part of an answer is missing. */
static bool take_tick(struct tw_exposure *exposure, struct tw_shard_answer *const *answers, struct tw_events *events)
{
    struct tw_exposure_walk *walk = &exposure->walk;
    if (!walk->halfway) {
        exposure->ticks++;
        exposure->touched_count = 0;
        walk->shard = 0;
    }
    walk->halfway = !remark(exposure, answers);
    if (walk->halfway)
        return false;
    judge_tick(exposure, events);
    return true;
}

/* ---- rows ---- */

static void add_turnover(struct tw_exposure *exposure, struct tw_account *account, tw_i128 amount_e8)
{
    if (account->turnover_session != exposure->clock.session) {
        account->turnover_session = exposure->clock.session;
        account->turnover_e8 = 0;
    }
    account->turnover_e8 += amount_e8;
}

/* The next change that the shard of `symbol` reports: exactly one for each fill of an account, in order. */
static void take_change(struct tw_exposure *exposure, uint32_t symbol, uint32_t row, uint32_t account_id,
                        struct tw_shard_answer *const *answers)
{
    uint32_t shard = exposure->shards == 1 ? 0 : symbol % exposure->shards;
    const struct tw_shard_answer *answer = answers[shard];
    uint32_t at = exposure->walk.at[shard].trade++;
    TW_ASSERT(at < answer->trade_count && answer->trades[at].row == row && answer->trades[at].account == account_id);
    struct tw_account *account = tw_exposure_at(exposure, account_id);
    tw_wide_add(&account->gross, answer->trades[at].gross);
    tw_wide_add(&account->net, answer->trades[at].net);
}

/* The trade as the account's: turnover, evidence, velocity. */
static void enter_trade(struct tw_exposure *exposure, const struct tw_block *block, uint32_t id,
                        const struct tw_moment *moment)
{
    struct tw_account *account = tw_exposure_at(exposure, id);
    const struct tw_rules *rules = &exposure->settings.rules;
    uint32_t row = moment->row;
    add_turnover(exposure, account, tw_notional_known(tw_load_i64(block->qty, row), tw_load_i64(block->price, row)));
    tw_latest_add(&account->latest, moment->origin.seq);
    if (!rules->velocity_client)
        return;
    if (exposure->saving.active)
        tw_exposure_save_leaving(exposure, id, moment->ts_ns);
    tw_velocity_enter(&exposure->velocity, &account->velocity, rules->velocity_window_ns, moment);
}

static void leave_trade(struct tw_exposure *exposure, const struct tw_original *original,
                        const struct tw_moment *moment)
{
    struct tw_account *account = tw_exposure_at(exposure, original->account);
    const struct tw_rules *rules = &exposure->settings.rules;
    if (original->seq >= exposure->clock.session_first || TW_PLANTED(BUST_OF_YESTERDAY))
        add_turnover(exposure, account, -(tw_i128)tw_notional_known(original->qty_e8, original->price_e8));
    tw_latest_remove(&account->latest, original->seq);
    if (!rules->velocity_client)
        return;
    if (exposure->saving.active)
        tw_exposure_save_leaving(exposure, original->account, moment->ts_ns);
    tw_velocity_bust(&exposure->velocity, &account->velocity, rules->velocity_window_ns, moment->ts_ns, original->seq);
}

static void take_trade(struct tw_exposure *exposure, const struct tw_block *block, uint32_t row, uint32_t id,
                       struct tw_shard_answer *const *answers, struct tw_events *events)
{
    struct tw_moment moment = {tw_block_origin(block, row), tw_load_i64(block->ts, row), row, TW_PHASE_TRADE};
    keep_account(exposure, id);
    take_change(exposure, tw_load_u32(block->symbol, row), row, id, answers);
    enter_trade(exposure, block, id, &moment);
    judge_account(exposure, id, &moment, events);
}

static void retract(struct tw_exposure *exposure, uint64_t seq, const struct tw_moment *moment,
                    struct tw_events *events)
{
    struct tw_openings *openings = &exposure->openings;
    for (struct tw_opening *opening = tw_openings_first_of(openings, seq); opening != NULL;
         opening = tw_openings_next_of(openings, opening)) {
        struct tw_account *account = tw_exposure_at(exposure, opening->entity);
        keep_account(exposure, opening->entity);
        bool is_exposure = opening->rule == TW_RULE_CLIENT_EXPOSURE;
        struct tw_episode *episode = is_exposure ? &account->exposure : &account->velocity.episode;
        struct tw_event *event = tw_opening_retract(openings, opening, episode, moment, events);
        tw_velocity_wake(&account->velocity);
        event->value = is_exposure ? exposure_of(exposure, account) : tw_velocity_count(&account->velocity);
        event->threshold =
            is_exposure ? tw_level_tier(account->level, event->severity) : account->velocity.level->tier1;
    }
}

static void take_reversal(struct tw_exposure *exposure, const struct tw_block *block, uint32_t row,
                          const struct tw_original *original, struct tw_shard_answer *const *answers,
                          struct tw_events *events)
{
    struct tw_moment moment = {tw_block_origin(block, row), tw_load_i64(block->ts, row), row, TW_PHASE_TRADE};
    bool correct = TW_ATTR_KIND(block->attrs[row]) == TW_KIND_CORRECT;
    uint32_t old = original->account, new = correct ? tw_load_u32(block->account, row) : 0;
    if (old != 0) {
        keep_account(exposure, old);
        take_change(exposure, original->symbol, row, old, answers);
        leave_trade(exposure, original, &moment);
    }
    retract(exposure, original->seq, &moment, events);
    if (new != 0) {
        keep_account(exposure, new);
        take_change(exposure, tw_load_u32(block->symbol, row), row, new, answers);
        enter_trade(exposure, block, new, &moment);
    }
    if (old != 0 && old != new)
        judge_account(exposure, old, &moment, events);
    if (new != 0)
        judge_account(exposure, new, &moment, events);
}

#define ACCOUNT_AHEAD 16u /* rows: about a cache miss's time before its window is, and twice before it is needed */
#define WINDOW_AHEAD 8u

static void expect(const struct tw_exposure *exposure, const struct tw_block *block, uint32_t row)
{
    if (row + ACCOUNT_AHEAD >= block->count)
        return;
    uint32_t id = tw_load_u32(block->account, row + ACCOUNT_AHEAD);
    uint32_t nearer = tw_load_u32(block->account, row + WINDOW_AHEAD);
    if (id < exposure->account_count) {
        const char *account = (const char *)tw_exposure_at(exposure, id);
        for (size_t line = 0; line < offsetof(struct tw_account, latest.seq); line += 64)
            __builtin_prefetch(account + line, 1);
    }
    if (nearer < exposure->account_count) {
        tw_window_expect(&tw_exposure_at(exposure, nearer)->velocity.window);
        tw_latest_expect(&tw_exposure_at(exposure, nearer)->latest);
    }
}

/* From where it stands. False: a part of an answer is missing. */
static bool take_block(struct tw_exposure *exposure, const struct tw_block *block,
                       struct tw_shard_answer *const *answers, struct tw_events *events)
{
    struct tw_exposure_walk *walk = &exposure->walk;
    bool halfway = walk->halfway;
    uint32_t row = halfway ? walk->row : 0, originals = halfway ? walk->originals : 0;
    if (!halfway)
        learn_names(exposure, block);
    for (; row < block->count; row++) {
        if (halfway || tw_tape_clock_row(&exposure->clock, block, row, &walk->tick)) {
            halfway = false;
            if (!take_tick(exposure, answers, events)) {
                walk->row = row;
                walk->originals = originals;
                return false;
            }
        }
        if (TW_ATTR_KIND(block->attrs[row]) != TW_KIND_TRADE) {
            struct tw_original original = tw_block_original(block, row, &originals);
            take_reversal(exposure, block, row, &original, answers, events);
            continue;
        }
        expect(exposure, block, row);
        uint32_t account = tw_load_u32(block->account, row);
        if (account != 0)
            take_trade(exposure, block, row, account, answers, events);
    }
    tw_tape_clock_block_end(&exposure->clock, block);
    return true;
}

static bool take_control(struct tw_exposure *exposure, const struct tw_control *control,
                         struct tw_shard_answer *const *answers, struct tw_events *events)
{
    if (!exposure->walk.halfway) {
        if (tw_settings_take(&exposure->settings, control))
            settings_changed(exposure);
        if (control->kind == TW_CONTROL_RETENTION)
            tw_saving_forget(&exposure->saving, &exposure->openings, control->number);
        if (!tw_tape_clock_control(&exposure->clock, control, &exposure->walk.tick))
            return true;
    }
    return take_tick(exposure, answers, events);
}

/* A part of a shard's answer has come. */
static void take_part(struct tw_exposure *exposure, const struct tw_record *record,
                      const struct tw_shard_answer *answer, uint32_t shard, uint32_t part, struct tw_events *events)
{
    TW_ASSERT(answer->lsn == tw_record_lsn(record) && answer->part == part);
    exposure->walk.at[shard] = (struct tw_exposure_place){.part = part};
    tw_events_append(events, &answer->events);
}

uint32_t tw_exposure_step(struct tw_exposure *exposure, const struct tw_record *record,
                          struct tw_shard_answer *const *answers, struct tw_events *events)
{
    struct tw_exposure_walk *walk = &exposure->walk;
    if (walk->halfway)
        take_part(exposure, record, answers[walk->shard], walk->shard, walk->at[walk->shard].part + 1, events);
    for (uint32_t shard = 0; shard < exposure->shards && !walk->halfway; shard++)
        take_part(exposure, record, answers[shard], shard, 0, events);
    bool done = record->kind == TW_RECORD_BLOCK ? take_block(exposure, &record->block, answers, events)
                                                : take_control(exposure, &record->control, answers, events);
    if (!done)
        return walk->shard;
    for (uint32_t shard = 0; shard < exposure->shards; shard++)
        TW_ASSERT(!answers[shard]->more && is_used_up(&walk->at[shard], answers[shard]));
    tw_openings_settle(&exposure->openings);
    return TW_EXPOSURE_DONE;
}

bool tw_exposure_account(const struct tw_exposure *exposure, uint32_t id, struct tw_account_view *out)
{
    if (!tw_exposure_knows(exposure, id))
        return false;
    const struct tw_account *account = tw_exposure_at(exposure, id);
    *out = (struct tw_account_view){.gross_e8 = tw_wide_saturated(&account->gross),
                                    .net_e8 = tw_wide_saturated(&account->net),
                                    .turnover_e8 = turnover_of(exposure, account),
                                    .exposure_e8 = exposure_of(exposure, account),
                                    .trades_in_window = tw_velocity_count(&account->velocity),
                                    .severity = account->exposure.severity};
    return true;
}
