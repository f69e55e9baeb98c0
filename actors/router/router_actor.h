/* SPDX-License-Identifier: MIT
 *
 * The router behind sockets: judged records in from the scorer, watermarks from the journal, answers from catch-up.
 * Nothing of a record leaves before the record is durable. Alerts are stored, then published; the head follows each
 * second.
 */
#ifndef TW_ROUTER_ROUTER_ACTOR_H
#define TW_ROUTER_ROUTER_ACTOR_H

#include "actors/router/evidence.h"
#include "actors/router/router.h"
#include "actors/router/routing.h"
#include "actors/runtime/agent.h"
#include "actors/runtime/backlog.h"
#include "actors/runtime/saver.h"
#include "store/store.h"

struct tw_router_actor;
struct tw_router_actor_settings {
    const char *alerts, *live;        /* endpoints; the strings outlive the actor */
    uint32_t live_rate;               /* messages a second on `live`; 0: none */
    struct tw_pool *slices;           /* the savers'; NULL: nothing is saved */
    struct tw_backlog *judged;        /* what exposure has sent; shared with it, outlives both */
    struct tw_silences *silences;     /* that `routing` has; the actor keeps them as people act. NULL: none */
    const struct tw_routing *routing; /* who is told of alerts, over the delivery's lane; NULL: there is no such lane */
};
/* Takes the core and its evidence; borrows the store. */
struct tw_router_actor *tw_router_actor_new(struct tw_router **router, struct tw_evidence_source **evidence,
                                            struct tw_store *store, const struct tw_router_actor_settings *settings);
struct tw_agent tw_router_actor_agent(struct tw_router_actor *actor);
const char *tw_router_actor_alerts(const struct tw_router_actor *actor); /* as bound */
const char *tw_router_actor_live(const struct tw_router_actor *actor);
uint64_t tw_router_actor_last(const struct tw_router_actor *actor); /* after the actor's end */
void tw_router_actor_free(struct tw_router_actor **actor);

/* Collects the router's alerts for the store; shared with recovery. On a full disk a first part of them may be stored:
 * the next try goes on behind it. */
struct tw_alert_batch {
    const struct tw_routing *routing; /* set by the owner; NULL: nobody is told */
    struct tw_store_alert *list;
    uint32_t count, capacity;
    struct tw_store_alert *released; /* of all of them, in order */
    uint32_t released_count, released_capacity;
    struct tw_buffer bytes, topics;
    uint32_t *topic_lengths;
    int64_t detected_at_ns;
};
void tw_alert_batch_add(struct tw_alert_batch *batch, const struct tw_router_alert *alert);
void tw_alert_batch_clear(struct tw_alert_batch *batch);
void tw_alert_batch_free(struct tw_alert_batch *batch);
enum tw_store_status tw_alert_batch_store(struct tw_alert_batch *batch, struct tw_store *store,
                                          struct tw_store_error *error);

#endif
