/* SPDX-License-Identifier: MIT
 *
 * The scorer's part of a snapshot. Keys are written by what they stand for, never by their place: pairs get their
 * places anew.
 */
#include "actors/judging/planted.h"
#include "actors/scorer/scorer_state.h"
#include "protocol/check.h"

enum row { ROW_HEAD = TW_ROW_OWN, ROW_KEY };

/* Of `rules/anomaly/key`; the same numbers for ever. */
enum head_key { HEAD_KEY_SYMBOL = 1, HEAD_KEY_ACCOUNT_SYMBOL, HEAD_KEY_SYSTEM };

/* ---- saving ---- */

_Static_assert(sizeof(struct tw_sample) == 16, "x i64, seq u64");

void tw_scorer_save_key(struct tw_scorer *scorer, struct tw_scorer_key *key)
{
    struct tw_buffer *out = &scorer->saving.rows;
    const struct tw_statistics *statistics = &key->statistics;
    if (!key->used || scorer->keys_saved || TW_PLANTED(SNAPSHOT_WITHOUT_SCORER) ||
        !tw_saving_takes(&scorer->saving, &key->saved))
        return;
    size_t began = tw_row_begin(out, ROW_KEY);
    tw_put_u32(out, key->entity);
    tw_put_u32(out, key->entity2);
    tw_put_i64(out, key->clock_ns);
    tw_put_i64(out, key->last_hit_ns);
    tw_save_episode(out, &key->episode);
    tw_put_u32(out, statistics->count);
    for (uint32_t i = 0; i < statistics->count; i++) {
        struct tw_sample sample = tw_statistics_sample(statistics, i);
        tw_put_bytes(out, &sample, sizeof sample);
    }
    tw_row_end(out, began);
}

static uint8_t head_key(enum tw_statistics_key key)
{
    switch (key) {
    case TW_STATISTICS_SYMBOL:
        return HEAD_KEY_SYMBOL;
    case TW_STATISTICS_ACCOUNT_SYMBOL:
        return HEAD_KEY_ACCOUNT_SYMBOL;
    case TW_STATISTICS_SYSTEM:
        return HEAD_KEY_SYSTEM;
    }
    TW_UNREACHABLE("a statistics key without a number");
}

void tw_scorer_save_begin(struct tw_scorer *scorer)
{
    tw_saving_begin(&scorer->saving);
    scorer->keys_saved = false;
    struct tw_buffer *out = &scorer->saving.rows;
    tw_save_settings(out, &scorer->settings);
    tw_save_clock(out, &scorer->clock);
    size_t began = tw_row_begin(out, ROW_HEAD);
    tw_put_u8(out, head_key(scorer->keyed_by));
    tw_row_end(out, began);
    tw_openings_late_begin(&scorer->openings);
}

bool tw_scorer_saving(const struct tw_scorer *scorer)
{
    return tw_saving_left(&scorer->saving);
}

/* One step of the walk over what changes; false at its end. */
static bool walk(struct tw_scorer *scorer)
{
    struct tw_saving *saving = &scorer->saving;
    if (tw_save_late_openings(saving, &scorer->openings))
        return true;
    if (scorer->keys_saved || saving->cursor >= scorer->key_count)
        return false;
    tw_scorer_save_key(scorer, &scorer->keys[saving->cursor++]);
    return true;
}

bool tw_scorer_save(struct tw_scorer *scorer, struct tw_buffer *out, size_t bytes)
{
    struct tw_saving *saving = &scorer->saving;
    for (uint32_t i = 0; i < TW_SAVING_STEPS && saving->active && tw_saving_waiting(saving) < bytes; i++)
        saving->active = walk(scorer) || tw_save_archive(saving, &scorer->openings);
    return tw_saving_hand_out(saving, out, bytes);
}

void tw_scorer_save_rest(struct tw_scorer *scorer)
{
    while (scorer->saving.active && walk(scorer))
        continue;
    scorer->keys_saved = true; /* the archive needs no haste: it is not by keys */
}

/* ---- loading ---- */

static bool load_head(struct tw_scorer *scorer, struct tw_row_reader *row)
{
    scorer->loaded = true;
    switch (tw_get_u8(row)) {
    case HEAD_KEY_SYMBOL:
        tw_scorer_key_by(scorer, TW_STATISTICS_SYMBOL);
        break;
    case HEAD_KEY_ACCOUNT_SYMBOL:
        tw_scorer_key_by(scorer, TW_STATISTICS_ACCOUNT_SYMBOL);
        break;
    case HEAD_KEY_SYSTEM:
        tw_scorer_key_by(scorer, TW_STATISTICS_SYSTEM);
        break;
    default:
        return false;
    }
    return tw_row_whole(row);
}

/* The place for a key as it was saved; UINT32_MAX if it can be none. */
static uint32_t place_for(struct tw_scorer *scorer, uint32_t entity, uint32_t entity2)
{
    switch (scorer->keyed_by) {
    case TW_STATISTICS_SYMBOL:
        return entity == 0 || entity > TW_SYMBOLS_MAX || entity2 != 0 ? UINT32_MAX : entity;
    case TW_STATISTICS_ACCOUNT_SYMBOL:
        if (entity == 0 || entity > TW_ACCOUNTS_MAX || entity2 == 0 || entity2 > TW_SYMBOLS_MAX)
            return UINT32_MAX;
        return tw_scorer_pair_place(&scorer->pairs, entity, entity2);
    case TW_STATISTICS_SYSTEM:
        return entity != 0 || entity2 != 0 ? UINT32_MAX : 0;
    }
    TW_UNREACHABLE("a statistics key without a place");
}

static bool load_key(struct tw_scorer *scorer, struct tw_row_reader *row)
{
    uint32_t entity = tw_get_u32(row), entity2 = tw_get_u32(row);
    uint32_t place = row->bad ? UINT32_MAX : place_for(scorer, entity, entity2);
    if (place == UINT32_MAX)
        return false;
    struct tw_scorer_key *key = tw_scorer_key_at(scorer, place);
    if (key->used)
        return false;
    key->used = true;
    key->entity = entity;
    key->entity2 = entity2;
    key->clock_ns = tw_get_i64(row);
    key->last_hit_ns = tw_get_i64(row);
    bool sound = tw_load_episode(row, &key->episode);
    uint32_t count = tw_get_u32(row);
    if (!sound || row->bad || count > TW_STATISTICS_WINDOW_MAX)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        int64_t x = tw_get_i64(row);
        if (x < 0 || x > TW_SAMPLE_MAX)
            return false;
        tw_statistics_add(&key->statistics, &scorer->area, TW_STATISTICS_WINDOW_MAX, x, tw_get_u64(row));
    }
    return tw_row_whole(row);
}

static bool everybodys(const void *context, const struct tw_opening *opening)
{
    (void)context;
    (void)opening;
    return true;
}

bool tw_scorer_load(struct tw_scorer *scorer, struct tw_row_reader *row)
{
    switch (row->kind) {
    case TW_ROW_SETTINGS:
        return tw_load_settings(row, &scorer->settings);
    case TW_ROW_CLOCK:
        return tw_load_clock(row, &scorer->clock);
    case TW_ROW_OPENINGS:
    case TW_ROW_ENDED_OPENINGS:
        return tw_load_openings(row, &scorer->openings, everybodys, NULL);
    case ROW_HEAD:
        return load_head(scorer, row);
    case ROW_KEY:
        return load_key(scorer, row);
    default:
        return false;
    }
}

static bool is_an_anomaly(const void *context, const struct tw_opening *opening)
{
    (void)context;
    return opening->rule == TW_RULE_ANOMALY;
}

bool tw_scorer_load_end(struct tw_scorer *scorer)
{
    if (!scorer->loaded || !scorer->settings.known)
        return false;
    if (!tw_load_openings_end(&scorer->openings, is_an_anomaly, NULL))
        return false;
    scorer->left = true;
    for (uint32_t place = 0; place < scorer->key_count; place++) {
        struct tw_scorer_key *key = &scorer->keys[place];
        if (!tw_episode_relist(&scorer->anomaly, &key->episode, place, key->entity, key->entity2))
            return false;
    }
    return true;
}
