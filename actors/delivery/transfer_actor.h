/* SPDX-License-Identifier: MIT
 *
 * Requests by HTTP and SMTP: libcurl's multi interface on the actor's own loop. Certificates are verified, connections
 * are used again, everything has a time limit, proxies come from the environment. Never blocks, but for a name that the
 * system's resolver answers: that is a thread of libcurl's.
 */
#ifndef TW_DELIVERY_TRANSFER_ACTOR_H
#define TW_DELIVERY_TRANSFER_ACTOR_H

#include <czmq.h>

#include "actors/delivery/attempt_actor.h"

struct tw_transfer_settings { /* strings are borrowed and outlive it; "" where there is none */
    int64_t timeout_ms;
    const char *ca_file;
    const char *mail_server, *mail_tls;
    int64_t mail_port;
};

struct tw_transfers;
/* curl_global_init was called before. */
struct tw_transfers *tw_transfers_new(const struct tw_transfer_settings *settings);
void tw_transfers_begin(struct tw_transfers *transfers, struct tw_attempt *attempt);
/* Adds what to wait for; *deadline_ns (CLOCK_MONOTONIC) comes nearer if need be. Returns the new count. */
int tw_transfers_wait_for(struct tw_transfers *transfers, zmq_pollitem_t *items, int count, int64_t *deadline_ns);
void tw_transfers_work(struct tw_transfers *transfers, int64_t now_ns, struct tw_ended *ended);
/* What is under way is cut off. */
void tw_transfers_free(struct tw_transfers **transfers);

#endif
