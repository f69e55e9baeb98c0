/* SPDX-License-Identifier: MIT
 *
 * What exposure knows; shared by its files only.
 */
#ifndef TW_EXPOSURE_EXPOSURE_STATE_H
#define TW_EXPOSURE_EXPOSURE_STATE_H

#include "actors/exposure/exposure.h"
#include "actors/judging/saving.h"
#include "actors/judging/settings.h"
#include "actors/judging/tape_clock.h"
#include "actors/judging/velocity.h"

struct tw_account {
    struct tw_wide gross, net;
    tw_i128 turnover_e8; /* of session `turnover_session` */
    tw_i128 judged_e8;   /* exposure before the tick that is being taken */
    struct tw_level level;
    struct tw_episode exposure;
    uint32_t turnover_session;
    uint32_t touched;            /* number of the tick that changed it */
    uint32_t money_saved, saved; /* numbers of the savings that wrote gross and net, and all the rest */
    struct tw_velocity_key velocity;
    struct tw_latest latest;
    struct tw_text name; /* owned; length 0: unknown id */
};

struct tw_exposure {
    uint32_t shards;
    struct tw_settings settings;
    bool judge_all; /* the settings changed: the next tick judges every key */
    struct tw_tape_clock clock;
    struct tw_account *accounts; /* by id */
    uint32_t account_count;      /* places */
    uint32_t ticks;
    uint32_t *touched; /* accounts that the tick's re-marking changed */
    uint32_t touched_count, touched_capacity;
    struct tw_openings openings;
    struct tw_rule_desk exposure, velocity;
    struct tw_saving saving;
    bool loaded; /* the head of a snapshot was there */
};

void tw_exposure_reserve(struct tw_exposure *exposure, uint32_t id); /* a place for the account, of no name yet */
void tw_exposure_apply_settings(struct tw_exposure *exposure, struct tw_account *account);

/* exposure_save.c: before a change, writes for the snapshot under way what it still wants as it was. Of an account its
 * money (re-marking changes that of most, and nothing else of them), all but its window, or what leaves its window when
 * a trade moves its clock. */
void tw_exposure_save_money(struct tw_exposure *exposure, uint32_t id);
void tw_exposure_save_account(struct tw_exposure *exposure, uint32_t id);
void tw_exposure_save_leaving(struct tw_exposure *exposure, uint32_t id, int64_t ts_ns);

#endif
