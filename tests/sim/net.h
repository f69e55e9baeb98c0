/* SPDX-License-Identifier: MIT
 *
 * The simulated network: every publisher's PUSH, its SUB to acks, every subscriber's SUB to alerts and PUSH of requests
 * is a link of its own, in order, with a delay; behind the lossy proxy messages get lost or come twice; a cut loses all
 * that is on the way. Nothing is reordered within a link, everything between links.
 */
#ifndef TW_SIM_NET_H
#define TW_SIM_NET_H

#include "actors/gateway/gateway.h"
#include "tests/sim/sim.h"

enum net_kind { NET_TRADES, NET_FEED, NET_ACKS, NET_ALERTS, NET_REQUESTS };

struct net;
struct net *net_new(struct sim *sim);
void net_free(struct net **net);
/* `who` is the publisher's process or subscriber at the far end. `sure`: the proxy does not double (anonymous trades).
 */
void net_send(struct net *net, enum net_kind kind, uint32_t who, bool sure, const void *bytes, size_t length);
/* From the daemon: to all processes of the publisher; to all subscribers (topic and payload). */
void net_ack(struct net *net, struct tw_text publisher, const struct tw_buffer *bytes);
void net_alert(struct net *net, const char *topic, uint32_t topic_length, const void *bytes, size_t length);
void net_cut(struct net *net, enum net_kind kind, uint32_t who); /* all on the way is lost */
void net_cut_all(struct net *net);                               /* the daemon is gone */
/* Delivers what is due; returns when the next is. */
int64_t net_deliver(struct net *net);

#endif
