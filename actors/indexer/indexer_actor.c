/* SPDX-License-Identifier: MIT */
#include "actors/indexer/indexer_actor.h"

#include <stdlib.h>

#include "actors/runtime/cell.h"
#include "actors/runtime/lanes.h"
#include "actors/runtime/log.h"
#include "protocol/check.h"

#define REST_NS                                                                                                        \
    INT64_C(10000000) /* after a look: a run is built of many records, each of which says that it is there */

struct tw_indexer_actor {
    struct tw_store *store;
    uint32_t run_trades;
    struct tw_cell *durable; /* the journal's watermark */
    uint64_t durable_seq;
    int64_t rests_until_ns;
    bool stopping;
};

struct tw_indexer_actor *tw_indexer_actor_new(struct tw_store *store, uint32_t run_trades)
{
    struct tw_indexer_actor *actor = tw_alloc_zero(1, sizeof *actor);
    actor->store = store;
    actor->run_trades = run_trades;
    actor->durable_seq = tw_store_last_seq(store);
    return actor;
}

void tw_indexer_actor_free(struct tw_indexer_actor **actor_pointer)
{
    free(*actor_pointer);
    *actor_pointer = NULL;
}

static bool start(void *self, char failure[512])
{
    struct tw_indexer_actor *actor = self;
    (void)failure;
    actor->durable = tw_cell_open(TW_CELL_WATERMARK_INDEXER, sizeof(struct tw_watermark));
    return true;
}

static int wait_for(void *self, zmq_pollitem_t items[TW_AGENT_SOCKETS_MAX], int64_t *deadline_ns)
{
    struct tw_indexer_actor *actor = self;
    if (tw_now_ns() < actor->rests_until_ns) {
        *deadline_ns = actor->rests_until_ns;
        return 0;
    }
    items[0] = tw_cell_item(actor->durable);
    return 1;
}

static enum tw_agent_progress work(void *self, char failure[512])
{
    struct tw_indexer_actor *actor = self;
    struct tw_store_error error = {TW_STORE_OK, ""};
    struct tw_watermark watermark;
    if (actor->stopping)
        return TW_AGENT_FINISHED; /* what is not indexed is read from the log's tail, and indexed after the next start
                                   */
    if (tw_cell_read(actor->durable, &watermark)) {
        actor->durable_seq = watermark.seq;
        actor->rests_until_ns = tw_now_ns() + REST_NS;
    }
    if (actor->durable_seq - tw_store_indexed_seq(actor->store) < actor->run_trades)
        return TW_AGENT_WAITS;
    uint32_t indexed = tw_store_index_step(actor->store, actor->run_trades, &error);
    if (error.status == TW_STORE_FULL) /* the journal, who hears the same, says so, and when there is room again */
        return TW_AGENT_WAITS;
    if (error.status != TW_STORE_OK) {
        snprintf(failure, 512, "%s", error.text);
        return TW_AGENT_FAILED;
    }
    tw_log(TW_LOG_DEBUG, "indexer", "built a run trades=%u", indexed);
    return indexed > 0 ? TW_AGENT_CONTINUES : TW_AGENT_WAITS;
}

static void stop(void *self)
{
    ((struct tw_indexer_actor *)self)->stopping = true;
}

static void close_sockets(void *self)
{
    struct tw_indexer_actor *actor = self;
    tw_cell_close(&actor->durable);
}

struct tw_agent tw_indexer_actor_agent(struct tw_indexer_actor *actor)
{
    return (struct tw_agent){"indexer", actor, start, wait_for, work, stop, close_sockets};
}
