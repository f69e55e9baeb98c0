/* SPDX-License-Identifier: MIT */
#include "actors/journal/journal_actor.h"

#include <stdlib.h>

#include "actors/runtime/cell.h"
#include "actors/runtime/lane.h"
#include "actors/runtime/lanes.h"
#include "actors/runtime/log.h"
#include "actors/runtime/slice.h"
#include "protocol/check.h"

#define RETRY_NS INT64_C(250000000) /* how often a full disk is looked at */

struct tw_journal_actor {
    struct tw_store *store;
    zsock_t *records;
    struct tw_cell *gateway, *router, *indexer; /* watermarks */
    zmq_msg_t batch[TW_JOURNAL_BATCH_ITEMS_MAX];
    uint32_t count;
    size_t bytes;
    bool ended, full;        /* full: the batch at hand waits for room on the disk */
    bool stopping, given_up; /* given_up: what comes until the end is let go of; nobody was told that it is durable */
    int64_t retry_ns;
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
    struct tw_watermark watermark = {tw_store_last_lsn(actor->store), tw_store_last_seq(actor->store), actor->full,
                                     actor->given_up};
    tw_cell_write(actor->gateway, &watermark);
    tw_cell_write(actor->router, &watermark);
    tw_cell_write(actor->indexer, &watermark);
}

static bool start(void *self, char failure[512])
{
    struct tw_journal_actor *actor = self;
    (void)failure;
    tw_slice_short();
    actor->records = tw_lane_pull(TW_LANE_JOURNAL);
    actor->gateway = tw_cell_open(TW_CELL_WATERMARK_GATEWAY, sizeof(struct tw_watermark));
    actor->router = tw_cell_open(TW_CELL_WATERMARK_ROUTER, sizeof(struct tw_watermark));
    actor->indexer = tw_cell_open(TW_CELL_WATERMARK_INDEXER, sizeof(struct tw_watermark));
    announce(actor);
    return true;
}

static int wait_for(void *self, zmq_pollitem_t items[TW_AGENT_SOCKETS_MAX], int64_t *deadline_ns)
{
    struct tw_journal_actor *actor = self;
    if (actor->full && !actor->given_up) {
        *deadline_ns = actor->retry_ns;
        return 0;
    }
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

/* Says so once when the disk gets full, and once when there is room again; publishers hear it as a hold. */
static void be_full(struct tw_journal_actor *actor, bool full, const char *why)
{
    actor->retry_ns = tw_now_ns() + RETRY_NS;
    if (actor->full == full)
        return;
    actor->full = full;
    if (full)
        tw_log(TW_LOG_ERROR, "journal", "%s; publishers wait until then", why);
    else
        tw_log(TW_LOG_NOTICE, "journal", "there is room on the disk again");
}

/* A stop does not wait for room. What is let go of was never acked: publishers send it again. */
static void give_up(struct tw_journal_actor *actor)
{
    tw_log(TW_LOG_WARNING, "journal", "stops with the disk full: what is not on it yet goes");
    actor->given_up = true;
    release(actor);
}

static enum tw_agent_progress let_go(struct tw_journal_actor *actor)
{
    uint32_t count = actor->count;
    release(actor);
    return actor->ended ? TW_AGENT_FINISHED : count > 0 ? TW_AGENT_CONTINUES : TW_AGENT_WAITS;
}

static enum tw_agent_progress work(void *self, char failure[512])
{
    struct tw_journal_actor *actor = self;
    struct tw_frame *frames[TW_JOURNAL_BATCH_ITEMS_MAX];
    struct tw_store_error error;
    if (actor->full && !actor->stopping && tw_now_ns() < actor->retry_ns)
        return TW_AGENT_WAITS;
    gather(actor);
    if (actor->given_up)
        return let_go(actor);
    if (actor->count == 0)
        return actor->ended ? TW_AGENT_FINISHED : TW_AGENT_WAITS;
    for (uint32_t i = 0; i < actor->count; i++)
        frames[i] = tw_lane_frame(&actor->batch[i]);
    enum tw_store_status status = tw_store_append(actor->store, frames, actor->count, &error);
    if (status == TW_STORE_FULL) { /* nothing was written: the same goes again */
        be_full(actor, true, error.text);
        if (actor->stopping)
            give_up(actor);
        announce(actor);
        return actor->given_up ? TW_AGENT_CONTINUES : TW_AGENT_WAITS;
    }
    if (status != TW_STORE_OK) {
        snprintf(failure, 512, "%s", error.text);
        return TW_AGENT_FAILED;
    }
    be_full(actor, false, NULL);
    release(actor);
    announce(actor);
    return TW_AGENT_CONTINUES;
}

static void stop(void *self)
{
    ((struct tw_journal_actor *)self)->stopping = true;
}

static void close_sockets(void *self)
{
    struct tw_journal_actor *actor = self;
    release(actor);
    zsock_destroy(&actor->records);
    tw_cell_close(&actor->gateway);
    tw_cell_close(&actor->router);
    tw_cell_close(&actor->indexer);
}

struct tw_agent tw_journal_actor_agent(struct tw_journal_actor *actor)
{
    return (struct tw_agent){"journal", actor, start, wait_for, work, stop, close_sockets};
}
