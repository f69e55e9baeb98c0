/* SPDX-License-Identifier: MIT */
#include "actors/scorer/scorer_actor.h"

#include <stdlib.h>

#include "actors/runtime/lane.h"
#include "actors/runtime/lanes.h"
#include "protocol/check.h"

struct tw_scorer_actor {
    struct tw_scorer *core;
    struct tw_saver *saver;
    zsock_t *judged, *router;
    bool waiting; /* record and events are here, scored, not sent yet */
    zmq_msg_t record, events;
    bool ended;
};

static void save_begin(void *core)
{
    tw_scorer_save_begin(core);
}
static bool save(void *core, struct tw_buffer *out, size_t bytes)
{
    return tw_scorer_save(core, out, bytes);
}

struct tw_scorer_actor *tw_scorer_actor_new(struct tw_scorer **scorer, struct tw_pool *slices)
{
    struct tw_scorer_actor *actor = tw_alloc_zero(1, sizeof *actor);
    actor->core = *scorer;
    *scorer = NULL;
    actor->saver = tw_saver_new(TW_PART_SCORER, 0, &(struct tw_saved){actor->core, save_begin, save}, slices);
    return actor;
}

void tw_scorer_actor_free(struct tw_scorer_actor **actor_pointer)
{
    struct tw_scorer_actor *actor = *actor_pointer;
    if (actor == NULL)
        return;
    tw_scorer_free(&actor->core);
    tw_saver_free(&actor->saver);
    free(actor);
    *actor_pointer = NULL;
}

static bool start(void *self, char failure[512])
{
    struct tw_scorer_actor *actor = self;
    (void)failure;
    actor->judged = tw_lane_pull(TW_LANE_SCORER);
    actor->router = tw_lane_push_sized(TW_LANE_ROUTER, TW_JUDGED_HWM);
    tw_saver_open(actor->saver);
    return true;
}

static int wait_for(void *self, zmq_pollitem_t items[TW_AGENT_SOCKETS_MAX], int64_t *deadline_ns)
{
    struct tw_scorer_actor *actor = self;
    (void)deadline_ns;
    if (actor->waiting || actor->ended)
        items[0] = (zmq_pollitem_t){zsock_resolve(actor->router), 0, ZMQ_POLLOUT, 0};
    else
        items[0] = (zmq_pollitem_t){zsock_resolve(actor->judged), 0, ZMQ_POLLIN, 0};
    return tw_saver_wait_for(actor->saver, items, 1);
}

/* The messages themselves go on: libzmq moves them, so record and events change hands without a new wrapping. */
static bool pass_on(struct tw_scorer_actor *actor)
{
    void *router = zsock_resolve(actor->router);
    if (zmq_msg_send(&actor->record, router, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0)
        return false;
    TW_ASSERT(zmq_msg_send(&actor->events, router, ZMQ_DONTWAIT) >= 0);
    actor->waiting = false;
    return true;
}

static enum tw_agent_progress step(struct tw_scorer_actor *actor)
{
    if (actor->waiting && !pass_on(actor))
        return TW_AGENT_WAITS;
    if (actor->ended)
        return tw_lane_send_end(actor->router) ? TW_AGENT_FINISHED : TW_AGENT_WAITS;
    if (!tw_lane_receive(actor->judged, &actor->record))
        return TW_AGENT_WAITS;
    if (tw_lane_is_end(&actor->record)) {
        zmq_msg_close(&actor->record);
        actor->ended = true;
        return TW_AGENT_CONTINUES;
    }
    struct tw_record record;
    TW_ASSERT(tw_lane_receive(actor->judged, &actor->events));
    TW_ASSERT(tw_record_view(zmq_msg_data(&actor->record), zmq_msg_size(&actor->record), &record));
    tw_scorer_step(actor->core, &record, zmq_msg_data(&actor->events));
    tw_saver_meet(actor->saver, &record, 0);
    actor->waiting = true;
    tw_lane_hand_over(&actor->record);
    tw_lane_hand_over(&actor->events);
    return TW_AGENT_CONTINUES;
}

static enum tw_agent_progress work(void *self, char failure[512])
{
    struct tw_scorer_actor *actor = self;
    (void)failure;
    return tw_saver_turn(actor->saver, step(actor));
}

static void close_sockets(void *self)
{
    struct tw_scorer_actor *actor = self;
    if (actor->waiting) {
        zmq_msg_close(&actor->record);
        zmq_msg_close(&actor->events);
        actor->waiting = false;
    }
    zsock_destroy(&actor->judged);
    zsock_destroy(&actor->router);
    tw_saver_close(actor->saver);
}

struct tw_agent tw_scorer_actor_agent(struct tw_scorer_actor *actor)
{
    return (struct tw_agent){"scorer", actor, start, wait_for, work, NULL, close_sockets};
}
