/* SPDX-License-Identifier: MIT
 *
 * How an alert stands, from what is recorded of it: its events, and what people did to it. There is no other state, so
 * it is the same after a crash, in a backup and years later.
 *
 *   retracted     its trades were busted: there was nothing to alert of
 *   closed        somebody has closed it, whatever comes of it later
 *   resolved      by itself: what it was about is over
 *   escalated     it has grown in severity since somebody last acknowledged or assigned it, if anybody did
 *   assigned      to somebody, who has not acknowledged it since
 *   acknowledged  somebody is on it
 *   open          nobody is
 *
 * The first that is true counts. An action says which of the alert's events was the newest then (its `n`), so the order
 * in which the two are read does not matter. Pure.
 */
#ifndef TW_LIFECYCLE_LIFECYCLE_H
#define TW_LIFECYCLE_LIFECYCLE_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/action.h"
#include "protocol/messages.h"

/* X(symbol, name) */
#define TW_CASE_STATES(X)                                                                                              \
    X(OPEN, "open")                                                                                                    \
    X(ACKNOWLEDGED, "acknowledged")                                                                                    \
    X(ASSIGNED, "assigned")                                                                                            \
    X(ESCALATED, "escalated")                                                                                          \
    X(CLOSED, "closed")                                                                                                \
    X(RESOLVED, "resolved")                                                                                            \
    X(RETRACTED, "retracted")

enum tw_case_state {
#define TW_CASE_MEMBER(symbol, name) TW_CASE_##symbol,
    TW_CASE_STATES(TW_CASE_MEMBER)
#undef TW_CASE_MEMBER
        TW_CASE_STATE_COUNT
};
const char *tw_case_state_name(enum tw_case_state state);
bool tw_case_state_of(const char *name, enum tw_case_state *out);

#define TW_CASE_NAME_BYTES 65u

struct tw_case {
    uint64_t first_n, last_n; /* of its events; 0: none was taken */
    uint64_t last_h;          /* of the newest action; 0: none */
    uint64_t escalated_n;     /* newest event that raised its severity; 0: none */
    bool resolved, retracted;
    uint64_t attended_h, attended_n; /* the newest acknowledgement or assignment; 0: none */
    char attended_by[TW_CASE_NAME_BYTES], assigned_to[TW_CASE_NAME_BYTES]; /* to: "" if it was acknowledged since */
    uint64_t closed_h;                                                     /* 0: it is not */
    char closed_by[TW_CASE_NAME_BYTES];
    char verdict[16];
};

/* Zero-initialise; then all of its events in order of n, and all actions in order of h. */
void tw_case_take_event(struct tw_case *alert, const struct tw_alert_view *event);
void tw_case_take_action(struct tw_case *alert, const struct tw_action_message *message);
enum tw_case_state tw_case_state_now(const struct tw_case *alert);
/* NULL: this may be done to it now; else a sentence about why not, in `why`. */
const char *tw_case_refuses(const struct tw_case *alert, enum tw_action_verb verb, char why[160]);

#endif
