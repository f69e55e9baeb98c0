/* SPDX-License-Identifier: MIT */
#include "actors/shard/shard_actor.h"

#include <stdlib.h>

#include "actors/runtime/lane.h"
#include "actors/runtime/lanes.h"
#include "protocol/check.h"

struct tw_shard_actor {
    struct tw_shard *core;
    uint32_t index;
    char name[16];
    struct tw_pool *answers;
    struct tw_saver *saver;
    zsock_t *records, *exposure;
    bool has_record; /* not answered to its end yet */
    zmq_msg_t record;
    struct tw_shard_answer *waiting; /* a part, made and not sent yet: the lane is full */
    bool ended;                      /* the gateway's end has come */
};

static void save_begin(void *core)
{
    tw_shard_save_begin(core);
}
static bool save(void *core, struct tw_buffer *out, size_t bytes)
{
    return tw_shard_save(core, out, bytes);
}

struct tw_shard_actor *tw_shard_actor_new(struct tw_shard **shard, uint32_t index, struct tw_pool *answers,
                                          struct tw_pool *slices)
{
    struct tw_shard_actor *actor = tw_alloc_zero(1, sizeof *actor);
    actor->core = *shard;
    *shard = NULL;
    actor->index = index;
    actor->answers = answers;
    actor->saver = tw_saver_new(TW_PART_SHARD, index, &(struct tw_saved){actor->core, save_begin, save}, slices);
    snprintf(actor->name, sizeof actor->name, "shard-%u", index % 1000);
    return actor;
}

void tw_shard_actor_free(struct tw_shard_actor **actor_pointer)
{
    struct tw_shard_actor *actor = *actor_pointer;
    if (actor == NULL)
        return;
    tw_shard_free(&actor->core);
    tw_saver_free(&actor->saver);
    free(actor);
    *actor_pointer = NULL;
}

static bool start(void *self, char failure[512])
{
    struct tw_shard_actor *actor = self;
    char lane[TW_LANE_NAME_BYTES];
    (void)failure;
    snprintf(lane, sizeof lane, TW_LANE_SHARD_FORMAT, actor->index);
    actor->records = tw_lane_pull_sized(lane, TW_UNJUDGED_HWM);
    snprintf(lane, sizeof lane, TW_LANE_ANSWER_FORMAT, actor->index);
    actor->exposure = tw_lane_push(lane);
    tw_saver_open(actor->saver);
    return true;
}

static int wait_for(void *self, zmq_pollitem_t items[TW_AGENT_SOCKETS_MAX], int64_t *deadline_ns)
{
    struct tw_shard_actor *actor = self;
    (void)deadline_ns;
    if (actor->waiting != NULL || actor->ended)
        items[0] = (zmq_pollitem_t){zsock_resolve(actor->exposure), 0, ZMQ_POLLOUT, 0};
    else
        items[0] = (zmq_pollitem_t){zsock_resolve(actor->records), 0, ZMQ_POLLIN, 0};
    return actor->has_record ? 1 : tw_saver_wait_for(actor->saver, items, 1);
}

/* The record's answer, or its next part. */
static void answer(struct tw_shard_actor *actor)
{
    struct tw_record record;
    TW_ASSERT(tw_record_view(zmq_msg_data(&actor->record), zmq_msg_size(&actor->record), &record));
    actor->waiting = tw_pool_take(actor->answers);
    actor->has_record = !tw_shard_step(actor->core, &record, actor->waiting);
    if (actor->has_record)
        return;
    tw_saver_meet(actor->saver, &record, 0);
    zmq_msg_close(&actor->record);
}

static enum tw_agent_progress step(struct tw_shard_actor *actor)
{
    if (actor->waiting != NULL) {
        if (!tw_lane_send_object(actor->exposure, actor->waiting, sizeof *actor->waiting, tw_pool_give, actor->answers))
            return TW_AGENT_WAITS;
        actor->waiting = NULL;
    }
    if (actor->ended)
        return tw_lane_send_end(actor->exposure) ? TW_AGENT_FINISHED : TW_AGENT_WAITS;
    if (!actor->has_record && !tw_lane_receive(actor->records, &actor->record))
        return TW_AGENT_WAITS;
    if (!actor->has_record && tw_lane_is_end(&actor->record)) {
        zmq_msg_close(&actor->record);
        actor->ended = true;
    } else {
        answer(actor);
    }
    return TW_AGENT_CONTINUES;
}

static enum tw_agent_progress work(void *self, char failure[512])
{
    struct tw_shard_actor *actor = self;
    (void)failure;
    enum tw_agent_progress progress = step(actor);
    return actor->has_record ? progress : tw_saver_turn(actor->saver, progress); /* between records only */
}

static void close_sockets(void *self)
{
    struct tw_shard_actor *actor = self;
    zsock_destroy(&actor->records);
    zsock_destroy(&actor->exposure);
    tw_saver_close(actor->saver);
    if (actor->waiting != NULL)
        tw_pool_give(actor->waiting, actor->answers);
    if (actor->has_record)
        zmq_msg_close(&actor->record);
    actor->waiting = NULL;
    actor->has_record = false;
}

struct tw_agent tw_shard_actor_agent(struct tw_shard_actor *actor)
{
    return (struct tw_agent){actor->name, actor, start, wait_for, work, NULL, close_sockets};
}
