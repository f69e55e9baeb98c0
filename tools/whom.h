/* SPDX-License-Identifier: MIT
 *
 * Whom a configuration tells of alerts, for commands that send nothing: the same decisions as the daemon's, from the
 * same recorded facts.
 */
#ifndef TW_TOOLS_WHOM_H
#define TW_TOOLS_WHOM_H

#include "actors/delivery/receiver.h"
#include "actors/router/inhibition.h"
#include "actors/router/routing.h"
#include "store/store.h"

struct tw_whom {
    struct tw_receivers receivers;
    struct tw_routing routing;
    struct tw_routes *routes; /* NULL: there are none */
    struct tw_silences *silences;
    struct tw_inhibitor *inhibitor; /* NULL: nothing is muted */
};
/* The configuration outlives it. Sets the process' time zone: main thread, before any other starts. */
void tw_whom_open(const struct tw_cfg *cfg, struct tw_whom *out);
void tw_whom_close(struct tw_whom *whom);
/* As things stood before alert event n, at a moment of the wall clock: silences by what people had recorded, and what
 * was open by the alerts before. Once, behind opening. */
bool tw_whom_stand(struct tw_whom *whom, struct tw_store *store, uint64_t n, int64_t at_ns,
                   struct tw_store_error *error);

struct tw_whom_verdict {
    uint32_t receivers; /* as bits; none if it is muted or silenced */
    uint32_t meant;     /* those that would be told if it were not */
    struct tw_route_escalation later;
    struct tw_inhibition muted;
    uint64_t silence; /* h; 0: none */
    struct tw_route_group groups[TW_RECEIVERS_MAX];
    uint32_t group_count;
};
/* Of the next event, at a moment of the wall clock; it is not taken. */
void tw_whom_decide(const struct tw_whom *whom, const struct tw_inhibited *event, int64_t at_ns,
                    struct tw_whom_verdict *out);
/* Of an earlier event that nothing mutes any longer. */
void tw_whom_decide_released(const struct tw_whom *whom, const struct tw_inhibited *event, int64_t at_ns,
                             struct tw_whom_verdict *out);
/* The group in which a receiver gets it; NULL: none. */
const struct tw_route_group *tw_whom_group(const struct tw_whom_verdict *verdict, uint32_t receiver);

/* ---- what came of an escalation ---- */
/* When the stored event n of that alert was detected; 0: there is none, or it is another's. */
int64_t tw_whom_detected(struct tw_store *store, uint64_t n, const uint8_t id[TW_ALERT_ID_BYTES]);
/* Whether nobody had the alert at that moment; else `why` says who, or what had become of it. */
bool tw_whom_needed(struct tw_store *store, const uint8_t id[TW_ALERT_ID_BYTES], int64_t at_ns, char why[160]);

#endif
