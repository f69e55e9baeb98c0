/* SPDX-License-Identifier: MIT
 *
 * Inhibition: alerts that nobody is told of while others hold, by rules of the configuration. A rule has a source, a
 * target, and labels that both have in common. An alert with an end (open, escalate) mutes as long as it is open; one
 * without (fire) for a while, by the alerts' ts. An alert that would mute itself does not, nor do two that are source
 * and target of a rule mute each other.
 *
 * An event that begins or raises an alert is muted or told when it is recorded, by the events before it alone; the end
 * of an alert is told if anything of it was. When nothing mutes it any longer, an alert that is still open and of which
 * nothing was told is released: its newest event is told now. Ends of one-shot sources are noticed with the next event.
 *
 * Pure: what it knows are the alert events in order of n, and what came of each. One owner, one thread.
 */
#ifndef TW_ROUTER_INHIBITION_H
#define TW_ROUTER_INHIBITION_H

#include "actors/router/routing.h"
#include "cfg/cfg.h"
#include "protocol/messages.h"
#include "protocol/pack.h"

struct tw_inhibitor;
/* NULL: there are no rules. The configuration outlives it. */
struct tw_inhibitor *tw_inhibitor_from(const struct tw_cfg *cfg);
void tw_inhibitor_free(struct tw_inhibitor **inhibitor);

struct tw_inhibition {
    const char *rule; /* its name; NULL: nothing mutes it */
    uint64_t by;      /* number of the event that the source began with */
};
struct tw_inhibited { /* an alert event; borrowed */
    uint64_t n;
    const uint8_t *id; /* of the alert, TW_ALERT_ID_BYTES */
    struct tw_routing_facts facts;
};
/* What mutes the next event. */
struct tw_inhibition tw_inhibitor_mutes(const struct tw_inhibitor *inhibitor, const struct tw_inhibited *event);

/* Of an event that was muted and is to be told now. */
typedef void (*tw_inhibitor_release)(void *context, const struct tw_inhibited *event,
                                     const struct tw_inhibition *was_muted);
/* The next event, and what came of it. */
void tw_inhibitor_take(struct tw_inhibitor *inhibitor, const struct tw_inhibited *event,
                       const struct tw_inhibition *muted, tw_inhibitor_release release, void *context);
uint64_t tw_inhibitor_last(const struct tw_inhibitor *inhibitor); /* n of the newest event that it has taken */

/* ---- kept between starts ---- */
/* How many events are worth saving the state again: as many as it has alerts, and no fewer than 4,096. */
bool tw_inhibitor_wants_save(const struct tw_inhibitor *inhibitor);
void tw_inhibitor_save(struct tw_inhibitor *inhibitor, struct tw_buffer *out);
/* Into a fresh one. What depends on rules that have changed since is left out. False: damaged, and so is
 * what it was loaded into. */
bool tw_inhibitor_load(struct tw_inhibitor *inhibitor, const uint8_t *bytes, size_t length);

#endif
