/* SPDX-License-Identifier: MIT */
#include "actors/exposure/exposure_actor.h"

#include <stdlib.h>

#include "actors/runtime/lane.h"
#include "actors/runtime/lanes.h"
#include "protocol/check.h"

struct tw_exposure_actor {
    struct tw_exposure *core;
    uint32_t shards;
    struct tw_pool *events;
    struct tw_saver *saver;
    struct tw_backlog *unjudged, *judged; /* what waits before and behind it */
    zsock_t *records, *scorer, *answers[TW_SHARDS_MAX];
    bool has_record, has_answer[TW_SHARDS_MAX];
    zmq_msg_t record, answer[TW_SHARDS_MAX];
    struct tw_events *judging; /* of the record at hand; a part of a shard's answer is missing */
    struct tw_events *waiting; /* judged, not sent yet */
    bool ended;
};

static void save_begin(void *core)
{
    tw_exposure_save_begin(core);
}
static bool save(void *core, struct tw_buffer *out, size_t bytes)
{
    return tw_exposure_save(core, out, bytes);
}

struct tw_exposure_actor *tw_exposure_actor_new(struct tw_exposure **exposure, uint32_t shards, struct tw_pool *events,
                                                struct tw_pool *slices, struct tw_backlog *unjudged,
                                                struct tw_backlog *judged)
{
    struct tw_exposure_actor *actor = tw_alloc_zero(1, sizeof *actor);
    actor->core = *exposure;
    *exposure = NULL;
    actor->shards = shards;
    actor->events = events;
    actor->unjudged = unjudged;
    actor->judged = judged;
    actor->saver = tw_saver_new(TW_PART_EXPOSURE, 0, &(struct tw_saved){actor->core, save_begin, save}, slices);
    return actor;
}

void tw_exposure_actor_free(struct tw_exposure_actor **actor_pointer)
{
    struct tw_exposure_actor *actor = *actor_pointer;
    if (actor == NULL)
        return;
    tw_exposure_free(&actor->core);
    tw_saver_free(&actor->saver);
    free(actor);
    *actor_pointer = NULL;
}

static bool start(void *self, char failure[512])
{
    struct tw_exposure_actor *actor = self;
    char lane[TW_LANE_NAME_BYTES];
    (void)failure;
    actor->records = tw_lane_pull_sized(TW_LANE_EXPOSURE, TW_UNJUDGED_HWM);
    actor->scorer = tw_lane_push(TW_LANE_SCORER);
    tw_saver_open(actor->saver);
    for (uint32_t i = 0; i < actor->shards; i++) {
        snprintf(lane, sizeof lane, TW_LANE_ANSWER_FORMAT, i);
        actor->answers[i] = tw_lane_pull(lane);
    }
    return true;
}

/* One thing is missing at a time: room downstream, a part of a shard's answer, or the record, which mostly came before
 * them. */
static zmq_pollitem_t missing(const struct tw_exposure_actor *actor)
{
    if (actor->waiting != NULL || actor->ended)
        return (zmq_pollitem_t){zsock_resolve(actor->scorer), 0, ZMQ_POLLOUT, 0};
    for (uint32_t i = 0; i < actor->shards; i++)
        if (!actor->has_answer[i])
            return (zmq_pollitem_t){zsock_resolve(actor->answers[i]), 0, ZMQ_POLLIN, 0};
    TW_ASSERT(!actor->has_record);
    return (zmq_pollitem_t){zsock_resolve(actor->records), 0, ZMQ_POLLIN, 0};
}

static int wait_for(void *self, zmq_pollitem_t items[TW_AGENT_SOCKETS_MAX], int64_t *deadline_ns)
{
    struct tw_exposure_actor *actor = self;
    if (actor->waiting != NULL && !tw_backlog_has_room(actor->judged)) {
        *deadline_ns = tw_now_ns() + TW_BACKLOG_LOOK_NS;
        return tw_saver_wait_for(actor->saver, items, 0);
    }
    items[0] = missing(actor);
    return actor->judging != NULL ? 1 : tw_saver_wait_for(actor->saver, items, 1);
}

/* True when the record and a part of every shard's answer to it are here. */
static bool gather(struct tw_exposure_actor *actor)
{
    for (uint32_t i = 0; i < actor->shards; i++) {
        if (!actor->has_answer[i])
            actor->has_answer[i] = tw_lane_receive(actor->answers[i], &actor->answer[i]);
        if (!actor->has_answer[i])
            return false;
    }
    if (!actor->has_record)
        actor->has_record = tw_lane_receive(actor->records, &actor->record);
    return actor->has_record;
}

static void release_answers(struct tw_exposure_actor *actor)
{
    for (uint32_t i = 0; i < actor->shards; i++)
        if (actor->has_answer[i]) {
            zmq_msg_close(&actor->answer[i]);
            actor->has_answer[i] = false;
        }
}

/* The account of the block's newest trade. */
static void take_sample(const struct tw_exposure *core, const struct tw_block *block, struct tw_exposure_sample *sample)
{
    struct tw_account_view view;
    for (uint32_t row = block->count; row > 0; row--) {
        uint32_t account = tw_load_u32(block->account, row - 1);
        if (account == 0)
            continue;
        if (tw_exposure_account(core, account, &view))
            *sample = (struct tw_exposure_sample){view.gross_e8, view.net_e8, view.exposure_e8, account};
        return;
    }
}

/* As far as the parts of the answers go that are here. */
static void judge(struct tw_exposure_actor *actor)
{
    struct tw_record record;
    struct tw_shard_answer *answers[TW_SHARDS_MAX];
    TW_ASSERT(tw_record_view(zmq_msg_data(&actor->record), zmq_msg_size(&actor->record), &record));
    for (uint32_t i = 0; i < actor->shards; i++)
        answers[i] = zmq_msg_data(&actor->answer[i]);
    if (actor->judging == NULL) {
        actor->judging = tw_pool_take(actor->events);
        tw_events_clear(actor->judging);
    }
    uint32_t missing_part = tw_exposure_step(actor->core, &record, answers, actor->judging);
    if (missing_part != TW_EXPOSURE_DONE) {
        zmq_msg_close(&actor->answer[missing_part]);
        actor->has_answer[missing_part] = false;
        return;
    }
    actor->waiting = actor->judging;
    actor->judging = NULL;
    if (record.kind == TW_RECORD_BLOCK)
        take_sample(actor->core, &record.block, &actor->waiting->sample);
    actor->waiting->waits_as = tw_judged_bytes(zmq_msg_size(&actor->record), actor->waiting);
    release_answers(actor);
    tw_saver_meet(actor->saver, &record, 0);
}

/* The record, then the events: two parts of one message; a lane takes both or none. */
static bool pass_on(struct tw_exposure_actor *actor)
{
    if (!tw_backlog_has_room(actor->judged) || !tw_lane_send_frame(actor->scorer, tw_lane_frame(&actor->record), true))
        return false;
    tw_backlog_add(actor->judged, actor->waiting->waits_as); /* before the router can take it away */
    TW_ASSERT(tw_lane_send_object(actor->scorer, actor->waiting, sizeof *actor->waiting, tw_pool_give, actor->events));
    tw_backlog_take(actor->unjudged, tw_lane_frame(&actor->record)->waits_as);
    actor->waiting = NULL;
    zmq_msg_close(&actor->record);
    actor->has_record = false;
    return true;
}

static enum tw_agent_progress step(struct tw_exposure_actor *actor)
{
    if (actor->waiting != NULL && !pass_on(actor))
        return TW_AGENT_WAITS;
    if (actor->ended)
        return tw_lane_send_end(actor->scorer) ? TW_AGENT_FINISHED : TW_AGENT_WAITS;
    if (!gather(actor))
        return TW_AGENT_WAITS;
    if (tw_lane_is_end(&actor->record)) {
        for (uint32_t i = 0; i < actor->shards; i++)
            TW_ASSERT(tw_lane_is_end(&actor->answer[i]));
        actor->ended = true;
    } else {
        judge(actor);
    }
    return TW_AGENT_CONTINUES;
}

static enum tw_agent_progress work(void *self, char failure[512])
{
    struct tw_exposure_actor *actor = self;
    (void)failure;
    enum tw_agent_progress progress = step(actor);
    return actor->judging != NULL ? progress : tw_saver_turn(actor->saver, progress); /* between records only */
}

static void close_sockets(void *self)
{
    struct tw_exposure_actor *actor = self;
    release_answers(actor);
    if (actor->has_record)
        zmq_msg_close(&actor->record);
    if (actor->waiting != NULL)
        tw_pool_give(actor->waiting, actor->events);
    if (actor->judging != NULL)
        tw_pool_give(actor->judging, actor->events);
    actor->waiting = actor->judging = NULL;
    actor->has_record = false;
    zsock_destroy(&actor->records);
    zsock_destroy(&actor->scorer);
    tw_saver_close(actor->saver);
    for (uint32_t i = 0; i < actor->shards; i++)
        zsock_destroy(&actor->answers[i]);
}

struct tw_agent tw_exposure_actor_agent(struct tw_exposure_actor *actor)
{
    return (struct tw_agent){"exposure", actor, start, wait_for, work, NULL, close_sockets};
}
