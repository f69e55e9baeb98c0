/* SPDX-License-Identifier: MIT
 *
 * Exposure's part of a snapshot.
 */
#include <string.h>

#include "actors/exposure/exposure_state.h"
#include "protocol/check.h"

enum row { ROW_HEAD = TW_ROW_OWN, ROW_ACCOUNT, ROW_MONEY };

/* ---- saving ---- */

static void put_wide(struct tw_buffer *out, const struct tw_wide *wide)
{
    tw_put_i128(out, (tw_i128)wide->low);
    tw_put_i64(out, wide->high);
}

static struct tw_account *known_account(const struct tw_exposure *exposure, uint32_t id)
{
    return id < exposure->account_count && exposure->accounts[id].name.length > 0 ? &exposure->accounts[id] : NULL;
}

/* Re-marking changes the money of most accounts and nothing else of them: it is not to cost a whole account each. */
static void save_money(struct tw_exposure *exposure, uint32_t id)
{
    struct tw_buffer *out = &exposure->saving.rows;
    struct tw_account *account = known_account(exposure, id);
    if (account == NULL || !tw_saving_takes(&exposure->saving, &account->money_saved))
        return;
    size_t began = tw_row_begin(out, ROW_MONEY);
    tw_put_u32(out, id);
    put_wide(out, &account->gross);
    put_wide(out, &account->net);
    tw_row_end(out, began);
}

void tw_exposure_save_account(struct tw_exposure *exposure, uint32_t id)
{
    struct tw_buffer *out = &exposure->saving.rows;
    struct tw_account *account = known_account(exposure, id);
    if (account == NULL || !tw_saving_takes(&exposure->saving, &account->saved))
        return;
    save_money(exposure, id);
    size_t began = tw_row_begin(out, ROW_ACCOUNT);
    tw_put_u32(out, id);
    tw_put_text(out, account->name);
    tw_put_i128(out, account->turnover_e8);
    tw_put_u32(out, account->turnover_session);
    tw_save_episode(out, &account->exposure);
    tw_save_latest(out, &account->latest);
    tw_save_velocity(out, &account->velocity);
    tw_row_end(out, began);
}

void tw_exposure_save_begin(struct tw_exposure *exposure)
{
    tw_saving_begin(&exposure->saving);
    struct tw_buffer *out = &exposure->saving.rows;
    tw_save_settings(out, &exposure->settings);
    tw_save_clock(out, &exposure->clock);
    tw_save_openings(out, &exposure->openings);
    size_t began = tw_row_begin(out, ROW_HEAD);
    tw_put_u8(out, exposure->judge_all);
    tw_row_end(out, began);
}

bool tw_exposure_saving(const struct tw_exposure *exposure)
{
    return tw_saving_left(&exposure->saving);
}

static void walk(struct tw_exposure *exposure, size_t bytes)
{
    struct tw_saving *saving = &exposure->saving;
    while (saving->active && tw_saving_waiting(saving) < bytes) {
        if (saving->cursor >= exposure->account_count)
            saving->active = false;
        else
            tw_exposure_save_account(exposure, (uint32_t)saving->cursor++);
    }
}

bool tw_exposure_save(struct tw_exposure *exposure, struct tw_buffer *out, size_t bytes)
{
    walk(exposure, bytes);
    return tw_saving_hand_out(&exposure->saving, out, bytes);
}

/* ---- before a change ---- */

/* A bust ends the episodes that its original opened, also by the tick before it. */
static void before_reversal(struct tw_exposure *exposure, const struct tw_original *original)
{
    const struct tw_openings *openings = &exposure->openings;
    tw_exposure_save_account(exposure, original->account);
    for (uint32_t i = tw_openings_of(openings, original->seq);
         i < openings->count && openings->list[i].seq == original->seq; i++)
        tw_exposure_save_account(exposure, openings->list[i].entity);
}

static void before_block(struct tw_exposure *exposure, const struct tw_block *block)
{
    for (uint32_t row = 0; row < block->count; row++)
        tw_exposure_save_account(exposure, tw_load_u32(block->account, row));
    for (uint32_t i = 0; i < block->original_count; i++) {
        struct tw_original original;
        memcpy(&original, block->originals + (size_t)i * sizeof original, sizeof original);
        before_reversal(exposure, &original);
    }
}

/* Of accounts with an open alert a tick changes few: they are written when they are judged (exposure.c). */
void tw_exposure_save_before(struct tw_exposure *exposure, const struct tw_record *record,
                             struct tw_shard_answer *const *answers)
{
    if (!exposure->saving.active)
        return;
    if (exposure->judge_all && tw_record_ticks(record)) {
        walk(exposure, SIZE_MAX);
        return;
    }
    for (uint32_t shard = 0; shard < exposure->shards; shard++)
        for (uint32_t i = 0; i < answers[shard]->remark_count; i++)
            save_money(exposure, answers[shard]->remarks[i].account);
    if (record->kind == TW_RECORD_BLOCK)
        before_block(exposure, &record->block);
}

/* ---- loading ---- */

static void get_wide(struct tw_row_reader *row, struct tw_wide *wide)
{
    wide->low = (tw_u128)tw_get_i128(row);
    wide->high = tw_get_i64(row);
}

static bool load_account(struct tw_exposure *exposure, struct tw_row_reader *row)
{
    uint32_t id = tw_get_u32(row);
    struct tw_text name = tw_get_text(row);
    if (row->bad || id == 0 || id > TW_ACCOUNTS_MAX || name.length == 0 || name.length > TW_ACCOUNT_BYTES_MAX)
        return false;
    tw_exposure_reserve(exposure, id);
    struct tw_account *account = &exposure->accounts[id];
    if (account->name.length != 0)
        return false;
    account->name = (struct tw_text){tw_strndup(name.bytes, name.length), name.length};
    account->turnover_e8 = tw_get_i128(row);
    account->turnover_session = tw_get_u32(row);
    return tw_load_episode(row, &account->exposure) && tw_load_latest(row, &account->latest) &&
           tw_load_velocity(row, &account->velocity) && tw_row_whole(row);
}

/* May come before its account. */
static bool load_money(struct tw_exposure *exposure, struct tw_row_reader *row)
{
    uint32_t id = tw_get_u32(row);
    if (row->bad || id == 0 || id > TW_ACCOUNTS_MAX)
        return false;
    tw_exposure_reserve(exposure, id);
    struct tw_account *account = &exposure->accounts[id];
    if (account->money_saved != 0)
        return false;
    account->money_saved = 1; /* until the end of loading: it was there */
    get_wide(row, &account->gross);
    get_wide(row, &account->net);
    return tw_row_whole(row);
}

static bool everybodys(const void *context, const struct tw_opening *opening)
{
    (void)context;
    (void)opening;
    return true;
}

bool tw_exposure_load(struct tw_exposure *exposure, struct tw_row_reader *row)
{
    switch (row->kind) {
    case TW_ROW_SETTINGS:
        return tw_load_settings(row, &exposure->settings);
    case TW_ROW_CLOCK:
        return tw_load_clock(row, &exposure->clock);
    case TW_ROW_OPENINGS:
        return tw_load_openings(row, &exposure->openings, everybodys, NULL);
    case ROW_HEAD:
        exposure->loaded = true;
        exposure->judge_all = tw_get_u8(row) != 0;
        return tw_row_whole(row);
    case ROW_ACCOUNT:
        return load_account(exposure, row);
    case ROW_MONEY:
        return load_money(exposure, row);
    default:
        return false;
    }
}

bool tw_exposure_load_end(struct tw_exposure *exposure)
{
    if (!exposure->loaded || !exposure->settings.known)
        return false;
    tw_sort_openings(&exposure->openings);
    for (uint32_t i = 0; i < exposure->openings.count; i++) {
        uint32_t id = exposure->openings.list[i].entity;
        if (id >= exposure->account_count || exposure->accounts[id].name.length == 0)
            return false;
    }
    for (uint32_t id = 0; id < exposure->account_count; id++) {
        struct tw_account *account = &exposure->accounts[id];
        if ((account->name.length == 0) != (account->money_saved == 0))
            return false;
        account->money_saved = 0;
        if (account->name.length == 0)
            continue;
        tw_exposure_apply_settings(exposure, account);
        if (!tw_episode_relist(&exposure->exposure, &account->exposure, id, id, 0) ||
            !tw_episode_relist(&exposure->velocity, &account->velocity.episode, id, id, 0))
            return false;
    }
    return true;
}
