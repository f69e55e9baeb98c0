/* SPDX-License-Identifier: MIT
 *
 * An attempt under way, as the shell's parts hand it to each other: the actor fills the request, a transport carries it
 * and fills the answer. The actor owns it; the transport borrows it until it has ended. The actor's thread only.
 */
#ifndef TW_DELIVERY_ATTEMPT_ACTOR_H
#define TW_DELIVERY_ATTEMPT_ACTOR_H

#include "actors/delivery/covering_actor.h"
#include "actors/delivery/receiver.h"

struct tw_attempt {
    const struct tw_receiver *receiver;
    uint32_t number; /* of the receiver */
    uint64_t n;
    uint64_t digest_until;           /* not 0: a digest of all up to this one */
    uint32_t digest_count;           /* of a group's message: how many it is for, else 0 */
    bool group;                      /* a group's message; n is its lead */
    struct tw_covering covering;     /* what a digest or a group's message is for: nothing else is noted with it */
    int64_t began_ns, began_wall_ns; /* CLOCK_MONOTONIC, CLOCK_REALTIME */
    struct tw_request request;
    bool ended;
    struct tw_answer answer;
    char said[TW_ANSWER_BYTES_MAX]; /* the answer's beginning, or why there is none */
    uint32_t said_length;
    struct tw_attempt *next; /* of those that have ended */
};

/* Those that have ended, in order. */
struct tw_ended {
    struct tw_attempt *first, **last;
};
static inline void tw_attempt_end(struct tw_ended *ended, struct tw_attempt *attempt)
{
    attempt->ended = true;
    attempt->next = NULL;
    *ended->last = attempt;
    ended->last = &attempt->next;
}
/* More of what was said; what does not fit is dropped. Control characters become '?' or, where lines end, spaces. */
void tw_attempt_say(struct tw_attempt *attempt, const char *text, size_t length);

#endif
