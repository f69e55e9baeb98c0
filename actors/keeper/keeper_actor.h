/* SPDX-License-Identifier: MIT
 *
 * The keeper behind sockets: slices in from all actors that keep a state, a snapshot's file out; prunes, lets
 * retention drop what its core says, and makes backups of the running daemon. Ingestion comes first: it takes slices at
 * a bounded pace, which through the lane is everybody's pace of saving, and a full disk only costs the snapshot.
 */
#ifndef TW_KEEPER_KEEPER_ACTOR_H
#define TW_KEEPER_KEEPER_ACTOR_H

#include "actors/keeper/keeper.h"
#include "actors/runtime/agent.h"
#include "store/store.h"

struct tw_keeper_actor;
struct tw_keeper_actor_settings {
    struct tw_keeper_settings keeper;
    const char *directory; /* of the data, for the control socket; outlives the actor */
    int64_t retry_ns;      /* after a snapshot that was given up, or a drop that failed */
    uint64_t started_from; /* the snapshot that the start used; newer ones are damaged. 0: none was used */
};
struct tw_keeper_actor *tw_keeper_actor_new(struct tw_store *store, const struct tw_keeper_actor_settings *settings);
struct tw_agent tw_keeper_actor_agent(struct tw_keeper_actor *actor);
void tw_keeper_actor_free(struct tw_keeper_actor **actor);

#endif
