/* SPDX-License-Identifier: MIT */
#include "protocol/check.h"
#include "tests/sim/daemon.h"

/* ---- shards ---- */

bool shard_may(struct daemon *daemon, uint32_t index)
{
    bool halfway = daemon->shard_record[index] != NULL;
    if (!halfway && saver_may(daemon, (enum daemon_actor)(SHARD + index)))
        return true;
    if (daemon->shard_waiting[index] != NULL)
        return lane_has_room(&daemon->answer_lane[index]);
    return halfway || daemon->shard_lane[index].count > 0;
}

/* The record's answer, or its next part. */
static void step_shard(struct daemon *daemon, uint32_t index)
{
    struct item item = {.frame = daemon->shard_record[index]};
    if (item.frame == NULL && !lane_pop(&daemon->shard_lane[index], &item))
        return;
    struct tw_record record = daemon_view(item.frame);
    daemon->shard_record[index] = item.frame;
    daemon->shard_waiting[index] = tw_alloc_zero(1, sizeof *daemon->shard_waiting[index]);
    if (!tw_shard_step(daemon->shard[index], &record, daemon->shard_waiting[index]))
        return;
    saver_meet(daemon, (enum daemon_actor)(SHARD + index), &record, 0);
    tw_frame_drop(&daemon->shard_record[index]);
}

void shard_work(struct daemon *daemon, uint32_t index)
{
    if (daemon->shard_waiting[index] != NULL && lane_has_room(&daemon->answer_lane[index])) {
        lane_push(&daemon->answer_lane[index], (struct item){.answer = daemon->shard_waiting[index]});
        daemon->shard_waiting[index] = NULL;
    }
    if (daemon->shard_waiting[index] == NULL)
        step_shard(daemon, index);
    if (daemon->shard_record[index] == NULL)
        saver_turn(daemon, (enum daemon_actor)(SHARD + index));
}

/* ---- exposure ---- */

static bool gathered(struct daemon *daemon)
{
    struct item item;
    if (daemon->exposure_record == NULL && lane_pop(&daemon->exposure_lane, &item))
        daemon->exposure_record = item.frame;
    if (daemon->exposure_record == NULL)
        return false;
    for (uint32_t i = 0; i < daemon->shards; i++)
        if (daemon->answers[i] == NULL) {
            if (!lane_pop(&daemon->answer_lane[i], &item))
                return false;
            daemon->answers[i] = item.answer;
        }
    return true;
}

static bool exposure_has_input(const struct daemon *daemon)
{
    if (daemon->exposure_record == NULL)
        return daemon->exposure_lane.count > 0;
    for (uint32_t i = 0; i < daemon->shards; i++)
        if (daemon->answers[i] == NULL)
            return daemon->answer_lane[i].count > 0;
    TW_UNREACHABLE("waiting with nothing missing");
}

bool exposure_may(struct daemon *daemon)
{
    if (daemon->exposure_judging == NULL && saver_may(daemon, EXPOSURE))
        return true;
    return daemon->exposure_waiting != NULL ? lane_has_room(&daemon->scorer_lane) : exposure_has_input(daemon);
}

static void release_answer(struct daemon *daemon, uint32_t shard)
{
    struct item used = {.answer = daemon->answers[shard]};
    item_free(&used);
    daemon->answers[shard] = NULL;
}

/* As far as the parts of the answers go that are here. */
static void judge(struct daemon *daemon)
{
    struct tw_record record = daemon_view(daemon->exposure_record);
    if (daemon->exposure_judging == NULL)
        daemon->exposure_judging = tw_alloc_zero(1, sizeof *daemon->exposure_judging);
    uint32_t missing = tw_exposure_step(daemon->exposure, &record, daemon->answers, daemon->exposure_judging);
    if (missing != TW_EXPOSURE_DONE) {
        release_answer(daemon, missing);
        return;
    }
    daemon->exposure_waiting = daemon->exposure_judging;
    daemon->exposure_judging = NULL;
    saver_meet(daemon, EXPOSURE, &record, 0);
    for (uint32_t i = 0; i < daemon->shards; i++)
        release_answer(daemon, i);
}

void exposure_work(struct daemon *daemon)
{
    if (daemon->exposure_waiting != NULL && lane_has_room(&daemon->scorer_lane)) {
        lane_push(&daemon->scorer_lane,
                  (struct item){.frame = daemon->exposure_record, .events = daemon->exposure_waiting});
        daemon->exposure_record = NULL;
        daemon->exposure_waiting = NULL;
    }
    if (daemon->exposure_waiting == NULL && gathered(daemon))
        judge(daemon);
    if (daemon->exposure_judging == NULL)
        saver_turn(daemon, EXPOSURE);
}

/* ---- scorer ---- */

bool scorer_may(struct daemon *daemon)
{
    if (saver_may(daemon, SCORER))
        return true;
    return daemon->scored.frame != NULL ? lane_has_room(&daemon->router_lane) : daemon->scorer_lane.count > 0;
}

void scorer_work(struct daemon *daemon)
{
    if (daemon->scored.frame != NULL && lane_has_room(&daemon->router_lane)) {
        lane_push(&daemon->router_lane, daemon->scored);
        daemon->scored = (struct item){0};
    }
    if (daemon->scored.frame == NULL && lane_pop(&daemon->scorer_lane, &daemon->scored)) {
        struct tw_record record = daemon_view(daemon->scored.frame);
        tw_scorer_step(daemon->scorer, &record, daemon->scored.events);
        saver_meet(daemon, SCORER, &record, 0);
    }
    saver_turn(daemon, SCORER);
}
