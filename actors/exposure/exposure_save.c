/* SPDX-License-Identifier: MIT
 *
 * Exposure's part of a snapshot.
 */
#include "actors/exposure/exposure_state.h"
#include "protocol/check.h"

enum row { ROW_HEAD = TW_ROW_OWN, ROW_ACCOUNT, ROW_MONEY, ROW_WINDOW };

/* ---- saving ---- */

static struct tw_account *known_account(const struct tw_exposure *exposure, uint32_t id)
{
    return tw_exposure_knows(exposure, id) ? tw_exposure_at(exposure, id) : NULL;
}

void tw_exposure_save_account(struct tw_exposure *exposure, uint32_t id)
{
    struct tw_buffer *out = &exposure->saving.rows;
    struct tw_account *account = known_account(exposure, id);
    if (account == NULL || !tw_saving_takes(&exposure->saving, &account->saved))
        return;
    size_t began = tw_row_begin(out, ROW_ACCOUNT);
    tw_put_u32(out, id);
    tw_put_text(out, exposure->names[id]);
    tw_put_i128(out, account->turnover_e8);
    tw_put_u32(out, account->turnover_session);
    tw_save_episode(out, &account->exposure);
    tw_save_latest(out, &account->latest);
    tw_save_velocity(out, &account->velocity, &exposure->area);
    tw_row_end(out, began);
}

void tw_exposure_save_leaving(struct tw_exposure *exposure, uint32_t id, int64_t ts_ns)
{
    tw_save_before_clock(&exposure->saving, (struct tw_window_rows){ROW_WINDOW, id},
                         &tw_exposure_at(exposure, id)->velocity, exposure->settings.rules.velocity_window_ns, ts_ns);
}

void tw_exposure_save_begin(struct tw_exposure *exposure)
{
    tw_saving_begin(&exposure->saving);
    struct tw_buffer *out = &exposure->saving.rows;
    tw_save_settings(out, &exposure->settings);
    tw_save_clock(out, &exposure->clock);
    tw_openings_late_begin(&exposure->openings);
    size_t began = tw_row_begin(out, ROW_HEAD);
    tw_put_u8(out, exposure->judge_all);
    tw_row_end(out, began);
}

bool tw_exposure_saving(const struct tw_exposure *exposure)
{
    return tw_saving_left(&exposure->saving);
}

/* One step of the walk; false at its end. */
static bool walk(struct tw_exposure *exposure)
{
    struct tw_saving *saving = &exposure->saving;
    uint32_t id = (uint32_t)saving->cursor;
    if (tw_save_late_openings(saving, &exposure->openings))
        return true;
    if (id >= exposure->account_count)
        return tw_save_archive(saving, &exposure->openings);
    tw_exposure_save_account(exposure, id);
    if (!tw_save_late_window(saving, (struct tw_window_rows){ROW_WINDOW, id},
                             &tw_exposure_at(exposure, id)->velocity.window))
        saving->cursor++;
    return true;
}

bool tw_exposure_save(struct tw_exposure *exposure, struct tw_buffer *out, size_t bytes)
{
    struct tw_saving *saving = &exposure->saving;
    for (uint32_t i = 0; i < TW_SAVING_STEPS && saving->active && tw_saving_waiting(saving) < bytes; i++)
        saving->active = walk(exposure);
    return tw_saving_hand_out(saving, out, bytes);
}

/* ---- loading ---- */

static void get_wide(struct tw_row_reader *row, struct tw_wide *wide)
{
    tw_u128 low = (tw_u128)tw_get_i128(row);
    wide->low[0] = (uint64_t)low;
    wide->low[1] = (uint64_t)(low >> 64);
    wide->high = tw_get_i64(row);
}

static bool load_account(struct tw_exposure *exposure, struct tw_row_reader *row)
{
    uint32_t id = tw_get_u32(row);
    struct tw_text name = tw_get_text(row);
    if (row->bad || id == 0 || id > TW_ACCOUNTS_MAX || name.length == 0 || name.length > TW_ACCOUNT_BYTES_MAX)
        return false;
    tw_exposure_reserve(exposure, id);
    struct tw_account *account = tw_exposure_at(exposure, id);
    if (exposure->names[id].length != 0)
        return false;
    exposure->names[id] = (struct tw_text){tw_strndup(name.bytes, name.length), name.length};
    account->turnover_e8 = tw_get_i128(row);
    account->turnover_session = tw_get_u32(row);
    return tw_load_episode(row, &account->exposure) && tw_load_latest(row, &account->latest) &&
           tw_load_velocity(row, &account->velocity, &exposure->area) && tw_row_whole(row);
}

/* Comes behind its account. */
static bool load_window(struct tw_exposure *exposure, struct tw_row_reader *row)
{
    struct tw_account *account = known_account(exposure, tw_get_u32(row));
    return !row->bad && account != NULL && tw_load_window(row, &account->velocity.window, &exposure->area);
}

/* Snapshots up to version 2 have it. May come before its account. */
static bool load_money(struct tw_exposure *exposure, struct tw_row_reader *row)
{
    uint32_t id = tw_get_u32(row);
    if (row->bad || id == 0 || id > TW_ACCOUNTS_MAX)
        return false;
    tw_exposure_reserve(exposure, id);
    struct tw_account *account = tw_exposure_at(exposure, id);
    if (account->saved != 0)
        return false;
    account->saved = 1; /* until the end of loading: it was there */
    exposure->loaded_money = true;
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
    case TW_ROW_ENDED_OPENINGS:
        return tw_load_openings(row, &exposure->openings, everybodys, NULL);
    case ROW_HEAD:
        exposure->loaded = true;
        exposure->judge_all = tw_get_u8(row) != 0;
        return tw_row_whole(row);
    case ROW_ACCOUNT:
        return load_account(exposure, row);
    case ROW_MONEY:
        return load_money(exposure, row);
    case ROW_WINDOW:
        return load_window(exposure, row);
    default:
        return false;
    }
}

bool tw_exposure_load_term(struct tw_exposure *exposure, uint32_t id, tw_i128 term_e8)
{
    struct tw_account *account = known_account(exposure, id);
    if (account == NULL || exposure->loaded_money)
        return account != NULL;
    tw_wide_add(&account->gross, tw_abs128(term_e8));
    tw_wide_add(&account->net, term_e8);
    return true;
}

static bool is_known(const void *context, const struct tw_opening *opening)
{
    return tw_exposure_knows(context, opening->entity);
}

bool tw_exposure_load_end(struct tw_exposure *exposure)
{
    if (!exposure->loaded || !exposure->settings.known)
        return false;
    if (!tw_load_openings_end(&exposure->openings, is_known, exposure))
        return false;
    for (uint32_t id = 0; id < exposure->account_count; id++) {
        struct tw_account *account = tw_exposure_at(exposure, id);
        bool money = exposure->loaded_money && tw_exposure_knows(exposure, id);
        if (money != (account->saved != 0) || !tw_window_is_whole(&account->velocity.window))
            return false;
        account->saved = 0;
        if (!tw_exposure_knows(exposure, id))
            continue;
        tw_exposure_apply_settings(exposure, id);
        if (!tw_episode_relist(&exposure->exposure, &account->exposure, id, id, 0) ||
            !tw_episode_relist(&exposure->velocity, &account->velocity.episode, id, id, 0))
            return false;
    }
    return true;
}
