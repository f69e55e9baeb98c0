/* SPDX-License-Identifier: MIT
 *
 * How a judging core saves its state for a snapshot without standing still, and loads it again.
 *
 * Saving begins at a SNAPSHOT record. From then on the core writes its objects (symbols, accounts, keys, positions) a
 * few at a time, between the records that it goes on to take; and before it changes an object that is not written yet,
 * it writes it first. So the rows together are the state as of that record. Each object carries the number of the
 * saving that wrote it. What is small (clock, settings) is written at the beginning.
 *
 * No change may cost more than a few hundred bytes, or the trades behind it wait. So what grows without a bound of its
 * own is not written with its object but late, a piece at a time: the entries of a velocity window (a busy account has
 * a million), which are written before they are evicted, and openings, of which is noted what they were before they
 * changed.
 *
 * Pure. protocol/SNAPSHOT.md has the rows byte by byte.
 */
#ifndef TW_JUDGING_SAVING_H
#define TW_JUDGING_SAVING_H

#include "actors/judging/episode.h"
#include "actors/judging/settings.h"
#include "actors/judging/tape_clock.h"
#include "actors/judging/velocity.h"
#include "protocol/names.h"
#include "protocol/snapshot.h"

/* Kinds of rows that every judging core has; its own begin at TW_ROW_OWN. */
enum tw_common_row {
    TW_ROW_SETTINGS = 1,
    TW_ROW_CLOCK,
    TW_ROW_OPENINGS,
    TW_ROW_NAMES,
    TW_ROW_ENDED_OPENINGS,
    TW_ROW_OWN = 16
};

/* Of a core's walk over its objects, in one turn: most may be written already, and a look at each costs, too. */
#define TW_SAVING_STEPS 1024u

struct tw_saving {
    bool active;
    uint32_t number;       /* of this saving, from 1; an object that carries it is written, or is newer */
    uint64_t cursor;       /* how far the walk over the objects is; the core's own meaning */
    struct tw_buffer rows; /* written, not handed out yet from `handed` on */
    size_t handed;
};
void tw_saving_begin(struct tw_saving *saving);
/* True if the object has to be written now: it is older than the saving. Marks it. */
static inline bool tw_saving_takes(const struct tw_saving *saving, uint32_t *object)
{
    if (*object == saving->number)
        return false;
    *object = saving->number;
    return true;
}
static inline size_t tw_saving_waiting(const struct tw_saving *saving)
{
    return saving->rows.length - saving->handed;
}
static inline bool tw_saving_left(const struct tw_saving *saving)
{
    return saving->active || tw_saving_waiting(saving) > 0;
}
/* Moves about so many bytes of what is written to `out`: one tick can write all positions at once, and no slice shall
 * be as large as that. True: nothing is left. */
bool tw_saving_hand_out(struct tw_saving *saving, struct tw_buffer *out, size_t bytes);
void tw_saving_free(struct tw_saving *saving);

/* ---- rows and parts of rows; each load returns false if what it reads cannot be ---- */
void tw_save_settings(struct tw_buffer *out, const struct tw_settings *settings);
bool tw_load_settings(struct tw_row_reader *row, struct tw_settings *settings);
void tw_save_clock(struct tw_buffer *out, const struct tw_tape_clock *clock);
bool tw_load_clock(struct tw_row_reader *row, struct tw_tape_clock *clock);
/* A row of late openings, in order; false if none is left. Those of the archive, which never change, come last of all.
 */
bool tw_save_late_openings(struct tw_saving *saving, struct tw_openings *openings);
bool tw_save_archive(struct tw_saving *saving, struct tw_openings *openings);
/* Retention: what it drops is written before; the archive's stay until they are. */
void tw_saving_forget(struct tw_saving *saving, struct tw_openings *openings, uint64_t last_seq);
/* Loading keeps those that `mine` says, of rows of either kind; shards come one after the other, so that they have to
 * be put in order at the end, when all of them are shown. */
bool tw_load_openings(struct tw_row_reader *row, struct tw_openings *openings, tw_opening_visit mine,
                      const void *context);
bool tw_load_openings_end(struct tw_openings *openings, tw_opening_visit sound, const void *context);

void tw_save_episode(struct tw_buffer *out, const struct tw_episode *episode);
bool tw_load_episode(struct tw_row_reader *row, struct tw_episode *episode);
/* After everything is loaded: an open episode has its opening, and its key is listed. */
bool tw_episode_relist(struct tw_rule_desk *desk, struct tw_episode *episode, uint32_t key, uint32_t entity,
                       uint32_t entity2);
void tw_save_latest(struct tw_buffer *out, const struct tw_latest *latest);
bool tw_load_latest(struct tw_row_reader *row, struct tw_latest *latest);
/* All but the level, at the end of its object's row. A large window is only announced: its entries become late. */
void tw_save_velocity(struct tw_buffer *out, struct tw_velocity_key *velocity, struct tw_area *area);
bool tw_load_velocity(struct tw_row_reader *row, struct tw_velocity_key *velocity, struct tw_area *area);

/* Where late entries go: rows of this kind, each with the id of the object whose window it is. */
struct tw_window_rows {
    uint8_t kind;
    uint32_t id;
};
/* A row of them; false if none is left. */
bool tw_save_late_window(struct tw_saving *saving, struct tw_window_rows rows, struct tw_window *window);
/* Before the key's clock moves to ts: those that will be evicted. */
void tw_save_before_clock(struct tw_saving *saving, struct tw_window_rows rows, struct tw_velocity_key *velocity,
                          int64_t window_ns, int64_t ts_ns);
/* The rest of the row, behind the id. After everything is loaded the window is whole, or it was no snapshot. */
bool tw_load_window(struct tw_row_reader *row, struct tw_window *window, struct tw_area *area);
static inline bool tw_window_is_whole(const struct tw_window *window)
{
    return tw_window_late(window) == 0;
}

/* A dictionary, as far as it was full when the saving began; names never change. */
struct tw_saving_names {
    const struct tw_dictionary *dictionary;
    enum tw_name_kind kind;
    uint32_t next, count; /* id of the next to be written, of the last */
};
/* One row of names; false when there are no more. */
bool tw_save_names(struct tw_buffer *out, struct tw_saving_names *names);
/* Into the dictionary of the row's kind; `dictionaries` by kind, NULL for one that does not belong here. */
bool tw_load_names(struct tw_row_reader *row, struct tw_dictionary *const dictionaries[TW_NAME_PARTY + 1]);

#endif
