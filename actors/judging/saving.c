/* SPDX-License-Identifier: MIT */
#include "actors/judging/saving.h"

#include <string.h>

#include "protocol/check.h"

#define NAMES_PER_ROW 1024u
#define KEPT_BYTES_MAX (16u << 20) /* of memory, between two savings: what the first tick behind a barrier writes */

void tw_saving_begin(struct tw_saving *saving)
{
    TW_ASSERT(!saving->active);
    saving->active = true;
    saving->number++;
    saving->cursor = 0;
    saving->rows.length = saving->handed = 0;
}

bool tw_saving_hand_out(struct tw_saving *saving, struct tw_buffer *out, size_t bytes)
{
    struct tw_row_reader row;
    size_t from = saving->handed, to = from;
    while (to - from < bytes && tw_row_next(saving->rows.bytes, saving->rows.length, &to, &row) > 0)
        continue;
    tw_put_bytes(out, saving->rows.bytes + from, to - from);
    saving->handed = to;
    if (tw_saving_waiting(saving) == 0) {
        saving->rows.length = saving->handed = 0;
        if (saving->rows.capacity > KEPT_BYTES_MAX)
            tw_buffer_free(&saving->rows);
    }
    return !tw_saving_left(saving);
}

void tw_saving_free(struct tw_saving *saving)
{
    tw_buffer_free(&saving->rows);
}

/* ---- settings, clock ---- */

void tw_save_settings(struct tw_buffer *out, const struct tw_settings *settings)
{
    size_t began = tw_row_begin(out, TW_ROW_SETTINGS);
    tw_put_u8(out, settings->known);
    tw_put_text(out, (struct tw_text){(const char *)settings->text.bytes, (uint32_t)settings->text.length});
    tw_row_end(out, began);
}

bool tw_load_settings(struct tw_row_reader *row, struct tw_settings *settings)
{
    char why[512];
    bool known = tw_get_u8(row) != 0;
    struct tw_text text = tw_get_text(row);
    if (!tw_row_whole(row) || text.length > TW_SETTINGS_BYTES_MAX)
        return false;
    return !known || tw_settings_set(settings, text, why);
}

void tw_save_clock(struct tw_buffer *out, const struct tw_tape_clock *clock)
{
    size_t began = tw_row_begin(out, TW_ROW_CLOCK);
    tw_put_u8(out, clock->started);
    tw_put_u8(out, clock->roll_pending);
    tw_put_i64(out, clock->second);
    tw_put_u32(out, clock->session);
    tw_put_u64(out, clock->session_first);
    tw_put_u64(out, clock->last.seq);
    tw_put_u64(out, clock->last.pseq);
    tw_put_u32(out, clock->last.source);
    tw_put_i64(out, clock->roll_ns);
    tw_row_end(out, began);
}

bool tw_load_clock(struct tw_row_reader *row, struct tw_tape_clock *clock)
{
    clock->started = tw_get_u8(row) != 0;
    clock->roll_pending = tw_get_u8(row) != 0;
    clock->second = tw_get_i64(row);
    clock->session = tw_get_u32(row);
    clock->session_first = tw_get_u64(row);
    clock->last.seq = tw_get_u64(row);
    clock->last.pseq = tw_get_u64(row);
    clock->last.source = tw_get_u32(row);
    clock->roll_ns = row->at < row->end ? tw_get_i64(row) : 0; /* earlier versions rolled at the next tick */
    return tw_row_whole(row);
}

/* ---- episodes ---- */

void tw_save_episode(struct tw_buffer *out, const struct tw_episode *episode)
{
    tw_put_u8(out, episode->severity);
    tw_put_u64(out, episode->opening_seq);
}

bool tw_load_episode(struct tw_row_reader *row, struct tw_episode *episode)
{
    episode->severity = tw_get_u8(row);
    episode->opening_seq = tw_get_u64(row);
    episode->place = 0;
    return !row->bad && episode->severity <= TW_SEVERITY_CRITICAL;
}

bool tw_episode_relist(struct tw_rule_desk *desk, struct tw_episode *episode, uint32_t key, uint32_t entity,
                       uint32_t entity2)
{
    if (!tw_episode_open(episode))
        return true;
    if (tw_openings_open(desk->openings, episode->opening_seq, desk->rule, entity, entity2) == NULL)
        return false;
    tw_rule_desk_list(desk, episode, key);
    return true;
}

/* ---- the latest trades ---- */

void tw_save_latest(struct tw_buffer *out, const struct tw_latest *latest)
{
    uint64_t list[TW_EXPOSURE_TRADES_MAX];
    uint32_t count = tw_latest_list(latest, list);
    tw_put_u8(out, (uint8_t)count);
    for (uint32_t i = 0; i < count; i++)
        tw_put_u64(out, list[i]);
}

bool tw_load_latest(struct tw_row_reader *row, struct tw_latest *latest)
{
    uint32_t count = tw_get_u8(row);
    memset(latest, 0, sizeof *latest);
    if (count > TW_EXPOSURE_TRADES_MAX)
        return false;
    for (uint32_t i = 0; i < count; i++)
        tw_latest_add(latest, tw_get_u64(row));
    return !row->bad;
}

/* ---- names ---- */

bool tw_save_names(struct tw_buffer *out, struct tw_saving_names *names)
{
    if (names->next > names->count)
        return false;
    size_t began = tw_row_begin(out, TW_ROW_NAMES);
    tw_put_u8(out, (uint8_t)names->kind);
    tw_put_u32(out, names->next);
    for (uint32_t i = 0; i < NAMES_PER_ROW && names->next <= names->count; i++, names->next++) {
        tw_put_u32(out, tw_dictionary_tag(names->dictionary, names->next));
        tw_put_text(out, tw_dictionary_name(names->dictionary, names->next));
    }
    tw_row_end(out, began);
    return true;
}

bool tw_load_names(struct tw_row_reader *row, struct tw_dictionary *const dictionaries[TW_NAME_PARTY + 1])
{
    uint8_t kind = tw_get_u8(row);
    uint32_t id = tw_get_u32(row);
    if (row->bad || kind == 0 || kind > TW_NAME_PARTY || dictionaries[kind] == NULL)
        return false;
    for (; row->at < row->end; id++) {
        bool added = false;
        uint32_t tag = tw_get_u32(row);
        struct tw_text name = tw_get_text(row);
        if (row->bad || name.length == 0 || name.length > TW_NAME_BYTES_MAX ||
            tw_dictionary_intern(dictionaries[kind], name, tag, &added) != id || !added)
            return false;
    }
    return true;
}
