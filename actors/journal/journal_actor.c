/* SPDX-License-Identifier: MIT */
#include "actors/journal/journal_actor.h"

#include <stdlib.h>

#include "actors/runtime/lane.h"
#include "actors/runtime/lanes.h"
#include "protocol/check.h"

struct tw_journal_actor {
    struct tw_store *store;
    zsock_t *records, *gateway, *router, *indexer;
    zmq_msg_t batch[TW_JOURNAL_BATCH_ITEMS_MAX];
    uint32_t count;
    size_t bytes;
    bool ended;
};

struct tw_journal_actor *tw_journal_actor_new(struct tw_store *store)
{
    struct tw_journal_actor *actor = tw_alloc_zero(1, sizeof *actor);
    actor->store = store;
    return actor;
}

void tw_journal_actor_free(struct tw_journal_actor **actor_pointer)
{
    free(*actor_pointer);
    *actor_pointer = NULL;
}

static void announce(struct tw_journal_actor *actor)
{
    struct tw_watermark watermark = {tw_store_last_lsn(actor->store), tw_store_last_seq(actor->store)};
    tw_lane_send_watermark(actor->gateway, watermark);
    tw_lane_send_watermark(actor->router, watermark);
    tw_lane_send_watermark(actor->indexer, watermark);
}

static bool start(void *self, char failure[512])
{
    struct tw_journal_actor *actor = self;
    (void)failure;
    actor->records = tw_lane_pull(TW_LANE_JOURNAL);
    actor->gateway = tw_lane_latest_push(TW_LANE_WATERMARK_GATEWAY);
    actor->router = tw_lane_latest_push(TW_LANE_WATERMARK_ROUTER);
    actor->indexer = tw_lane_latest_push(TW_LANE_WATERMARK_INDEXER);
    announce(actor);
    return true;
}

static int wait_for(void *self, zmq_pollitem_t items[TW_AGENT_SOCKETS_MAX], int64_t *deadline_ns)
{
    struct tw_journal_actor *actor = self;
    (void)deadline_ns;
    items[0] = (zmq_pollitem_t){zsock_resolve(actor->records), 0, ZMQ_POLLIN, 0};
    return 1;
}

/* Whatever has arrived goes now; nothing waits for a timer. */
static void gather(struct tw_journal_actor *actor)
{
    while (actor->count < TW_JOURNAL_BATCH_ITEMS_MAX && actor->bytes < TW_JOURNAL_BATCH_BYTES_MAX && !actor->ended) {
        zmq_msg_t *message = &actor->batch[actor->count];
        if (!tw_lane_receive(actor->records, message))
            return;
        if (tw_lane_is_end(message)) {
            zmq_msg_close(message);
            actor->ended = true;
            return;
        }
        actor->bytes += zmq_msg_size(message);
        actor->count++;
    }
}

static void release(struct tw_journal_actor *actor)
{
    for (uint32_t i = 0; i < actor->count; i++)
        zmq_msg_close(&actor->batch[i]);
    actor->count = 0;
    actor->bytes = 0;
}

static enum tw_agent_progress work(void *self, char failure[512])
{
    struct tw_journal_actor *actor = self;
    struct tw_frame *frames[TW_JOURNAL_BATCH_ITEMS_MAX];
    struct tw_store_error error;
    gather(actor);
    if (actor->count == 0)
        return actor->ended ? TW_AGENT_FINISHED : TW_AGENT_WAITS;
    for (uint32_t i = 0; i < actor->count; i++)
        frames[i] = tw_lane_frame(&actor->batch[i]);
    if (tw_store_append(actor->store, frames, actor->count, &error) != TW_STORE_OK) {
        snprintf(failure, 512, "%s", error.text);
        return TW_AGENT_FAILED;
    }
    release(actor);
    announce(actor);
    return TW_AGENT_CONTINUES;
}

static void close_sockets(void *self)
{
    struct tw_journal_actor *actor = self;
    release(actor);
    zsock_destroy(&actor->records);
    zsock_destroy(&actor->gateway);
    zsock_destroy(&actor->router);
    zsock_destroy(&actor->indexer);
}

struct tw_agent tw_journal_actor_agent(struct tw_journal_actor *actor)
{
    return (struct tw_agent){"journal", actor, start, wait_for, work, NULL, close_sockets};
}
