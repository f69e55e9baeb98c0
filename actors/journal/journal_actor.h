/* SPDX-License-Identifier: MIT
 *
 * The journal: everything that waits goes into one write batch, fsync, then the watermark flows back to gateway, router
 * and indexer. There is no core: the store does the work. It blocks on the disk, so nobody ever waits for it
 * synchronously.
 */
#ifndef TW_JOURNAL_JOURNAL_ACTOR_H
#define TW_JOURNAL_JOURNAL_ACTOR_H

#include "actors/runtime/agent.h"
#include "store/store.h"

struct tw_journal_actor;
struct tw_journal_actor *tw_journal_actor_new(struct tw_store *store); /* borrows the store */
struct tw_agent tw_journal_actor_agent(struct tw_journal_actor *actor);
void tw_journal_actor_free(struct tw_journal_actor **actor);

#endif
