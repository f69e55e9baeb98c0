/* SPDX-License-Identifier: MIT
 *
 * The indexer follows the journal's watermark and builds the indexes by id, account, symbol and time in large runs.
 * Queries read the tail of the log until it has caught up, so it may lag; it never delays ingestion.
 */
#ifndef TW_INDEXER_INDEXER_ACTOR_H
#define TW_INDEXER_INDEXER_ACTOR_H

#include "actors/runtime/agent.h"
#include "store/store.h"

struct tw_indexer_actor;
struct tw_indexer_actor *tw_indexer_actor_new(struct tw_store *store, uint32_t run_trades); /* borrows the store */
struct tw_agent tw_indexer_actor_agent(struct tw_indexer_actor *actor);
void tw_indexer_actor_free(struct tw_indexer_actor **actor);

#endif
