/* SPDX-License-Identifier: MIT
 *
 * The delivery's core: what goes to whom, and when. For each receiver it keeps a window of pending deliveries in order
 * of n and says which is due next: an episode's events one after the other, what failed after a growing while, nothing
 * while the receiver asked for a pause or seems dead, and nothing after the deadline. So a slow or dead receiver delays
 * itself only, and memory is bounded: what is not in the window stands in the store and is read in turn.
 *
 * A receiver that is a person is told at a pace: a token bucket. When more waits than there are tokens, the last token
 * goes to a digest, one message for all that waits. A digest that failed is tried again for the same alerts, before
 * anything else.
 *
 * Pure: time is the caller's (one clock that never goes back, in ns, near the wall clock), and so is the seed that
 * spreads retries. One owner, one thread.
 */
#ifndef TW_DELIVERY_DELIVERY_H
#define TW_DELIVERY_DELIVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/limits.h"

struct tw_delivery_policy {
    int64_t retry_first_ns, retry_max_ns; /* the wait after the first failure; it doubles up to the most */
    int64_t deadline_ns;                  /* since it was queued; then it is a dead letter */
    uint32_t breaker_failures;            /* so many in a row open the breaker */
};
struct tw_delivery_pace { /* of one receiver */
    uint32_t under_way_max;
    int64_t spacing_ns; /* from the beginning and from the end of an attempt to the next one's beginning; 0: none */
    uint32_t burst;     /* messages that may go at once; 0: there is no bucket */
    int64_t refill_ns;  /* until there may be one more */
};

/* So many marks tell messages of some alerts apart: two of five each that have none in common are taken for such as
 * have once in twenty times, and then go one after the other. */
#define TW_PENDING_MARKS 512u
#define TW_PENDING_ALERTS_MAX 32u /* of a message that is worth telling apart */

struct tw_pending {
    uint64_t n;
    uint8_t episode[16];                   /* the alert's id: those of one episode go one after the other */
    uint64_t marks[TW_PENDING_MARKS / 64]; /* if it is of several alerts: a bit for each one's id */
    int64_t queued_ns, not_before_ns;
    uint32_t attempts;   /* made so far */
    bool group, several; /* it stands for a group's message; that is of several alerts */
};
/* It is of this alert too. */
void tw_pending_add(struct tw_pending *pending, const uint8_t episode[16]);
/* It is of more alerts than there is room for: it goes behind all before it, and all behind it after it. */
void tw_pending_add_any(struct tw_pending *pending);

struct tw_delivery;
struct tw_delivery *tw_delivery_new(const struct tw_delivery_policy *policy);
void tw_delivery_free(struct tw_delivery **delivery);
/* Its number, from 0 on; at most TW_RECEIVERS_MAX. */
uint32_t tw_delivery_add(struct tw_delivery *delivery, const struct tw_delivery_pace *pace);

/* ---- the window ---- */

/* Alerts up to `last` may have pending deliveries. */
void tw_delivery_news(struct tw_delivery *delivery, uint64_t last);
struct tw_delivery_wish { /* read pending deliveries with n > after, at most `room`; none beyond `until` is known yet */
    uint64_t after, until;
    uint32_t room;
};
/* Whether a receiver's window wants to be filled. Then each that is found is offered, in order of n, or left out until
 * the next rewind, which tw_delivery_read_all says with its n; and if there were fewer than `room`, with `until`. Times
 * that only a clock which was ahead can have given count as now (due.h); a pause that was asked for is not among them.
 */
bool tw_delivery_wants(const struct tw_delivery *delivery, uint32_t receiver, struct tw_delivery_wish *wish);
void tw_delivery_offer(struct tw_delivery *delivery, uint32_t receiver, const struct tw_pending *pending,
                       int64_t now_ns);
void tw_delivery_read_all(struct tw_delivery *delivery, uint32_t receiver, uint64_t until);
/* Dead letters are pending again: all is read from the front. Or of one receiver. */
void tw_delivery_rewind(struct tw_delivery *delivery);
void tw_delivery_rewind_one(struct tw_delivery *delivery, uint32_t receiver);

/* ---- what to do ---- */

enum tw_delivery_step {
    TW_DELIVERY_NOTHING, /* for now */
    TW_DELIVERY_ATTEMPT, /* begin one; its result is awaited */
    TW_DELIVERY_EXPIRE   /* its deadline has passed: it is given up, and no longer known here */
};
struct tw_delivery_job {
    uint32_t receiver;
    struct tw_pending pending;
    uint64_t digest_until; /* not 0: one message for all that is pending up to this n; `pending` is one of them */
};
enum tw_delivery_step tw_delivery_next(struct tw_delivery *delivery, int64_t now_ns, struct tw_delivery_job *job);
/* When tw_delivery_next may have something at the earliest, if no result comes before; INT64_MAX: not by itself. */
int64_t tw_delivery_due(const struct tw_delivery *delivery, int64_t now_ns);

enum tw_delivery_verdict {
    TW_VERDICT_DELIVERED,
    TW_VERDICT_RETRY,
    TW_VERDICT_REJECTED /* the receiver is well and will never take this one */
};
enum tw_delivery_end { TW_END_DONE, TW_END_AGAIN, TW_END_REJECTED, TW_END_GIVEN_UP };
struct tw_delivery_effect {
    enum tw_delivery_end end;
    struct tw_pending pending; /* as it is now: attempts, not_before_ns */
};
/* What came of an attempt. retry_after_ns > 0: the receiver asked for such a pause, from now on; it holds for all that
 * goes to it. */
void tw_delivery_result(struct tw_delivery *delivery, uint32_t receiver, uint64_t n, enum tw_delivery_verdict verdict,
                        int64_t retry_after_ns, uint64_t seed, int64_t now_ns, struct tw_delivery_effect *effect);

/* The same of a digest; it covered all that was pending up to `until`, which may be less than was asked for. Done or
 * rejected, it stands for each of them; it is never given up, but its alerts expire one by one. Of the effect's pending
 * attempts and not_before_ns are set. */
void tw_delivery_digest_result(struct tw_delivery *delivery, uint32_t receiver, uint64_t until,
                               enum tw_delivery_verdict verdict, int64_t retry_after_ns, uint64_t seed, int64_t now_ns,
                               struct tw_delivery_effect *effect);

/* It has nothing to say: what it was for has expired, or all of it waits for older events, which may stand behind what
 * a digest can have. It is as if it had not begun, all is read from the front, and the next goes by itself. */
void tw_delivery_digest_is_empty(struct tw_delivery *delivery, uint32_t receiver);

/* A digest is under way or will be tried again, for all that is pending up to this n; 0: none. Nothing more may become
 * pending up to there, or it would be another message. */
uint64_t tw_delivery_digest_until(const struct tw_delivery *delivery, uint32_t receiver);

/* ---- how a receiver is ---- */

enum tw_breaker { TW_BREAKER_CLOSED, TW_BREAKER_OPEN, TW_BREAKER_HALF_OPEN };
enum tw_breaker tw_delivery_breaker(const struct tw_delivery *delivery, uint32_t receiver);
uint32_t tw_delivery_under_way(const struct tw_delivery *delivery); /* of all receivers */

#endif
