/* SPDX-License-Identifier: MIT
 *
 * Deliveries: every row is readable and of an alert that is there, and nothing is pending and given up at once.
 */
#include <inttypes.h>

#include "store/verify.h"

struct walk {
    struct tw_verify *verify;
    uint64_t last_alert;
    bool ok;
};

static bool is_there(struct walk *walk, uint64_t n, struct tw_text receiver)
{
    walk->ok = (n >= 1 && n <= walk->last_alert) ||
               tw_verify_damaged(walk->verify, "a delivery to %.*s names alert %" PRIu64 "; there are %" PRIu64,
                                 (int)receiver.length, receiver.bytes, n, walk->last_alert);
    return walk->ok;
}

static bool stop_at_first(void *context, const struct tw_store_delivery *delivery)
{
    *(uint64_t *)context = delivery->n;
    return false;
}

static bool check_dead(void *context, const struct tw_store_delivery *delivery)
{
    struct walk *walk = context;
    uint64_t pending = 0;
    if (!is_there(walk, delivery->n, delivery->receiver))
        return false;
    walk->ok = tw_store_deliveries(walk->verify->store, TW_DELIVERY_PENDING, delivery->receiver, delivery->n - 1,
                                   stop_at_first, &pending, walk->verify->error);
    if (walk->ok && pending == delivery->n)
        walk->ok = tw_verify_damaged(walk->verify, "the delivery of alert %" PRIu64 " to %.*s is both pending and dead",
                                     delivery->n, (int)delivery->receiver.length, delivery->receiver.bytes);
    return walk->ok;
}

static bool check_attempt(void *context, const struct tw_store_attempt *attempt)
{
    return is_there(context, attempt->n, attempt->receiver);
}

static bool check_escalation(void *context, const struct tw_store_escalation *escalation)
{
    return is_there(context, escalation->n, escalation->receiver);
}

static bool check_waiting(void *context, const struct tw_store_waiting *waiting)
{
    return is_there(context, waiting->n, waiting->receiver);
}

/* What a row stands for is there, and it is the last of them itself. */
struct members {
    struct walk *walk;
    uint64_t last;
};
static bool check_member(void *context, const struct tw_store_waiting *member)
{
    struct members *members = context;
    members->last = member->n;
    return is_there(members->walk, member->n, member->receiver);
}

static bool check_pending(void *context, const struct tw_store_delivery *delivery)
{
    struct walk *walk = context;
    struct members members = {walk, 0};
    if (!is_there(walk, delivery->n, delivery->receiver) || delivery->group.length == 0)
        return walk->ok;
    walk->ok = tw_store_members(walk->verify->store, delivery->receiver, delivery->n, check_member, &members,
                                walk->verify->error) &&
               walk->ok;
    if (walk->ok && members.last != delivery->n)
        walk->ok = tw_verify_damaged(walk->verify, "the group's message to %.*s under alert %" PRIu64 " is not whole",
                                     (int)delivery->receiver.length, delivery->receiver.bytes, delivery->n);
    return walk->ok;
}

bool tw_verify_deliveries(struct tw_verify *verify)
{
    struct walk walk = {verify, tw_store_last_alert(verify->store), true};
    const struct tw_text all = {NULL, 0};
    return tw_store_deliveries(verify->store, TW_DELIVERY_PENDING, all, 0, check_pending, &walk, verify->error) &&
           walk.ok && tw_store_deliveries(verify->store, TW_DELIVERY_DEAD, all, 0, check_dead, &walk, verify->error) &&
           walk.ok && tw_store_ledger(verify->store, 0, check_attempt, &walk, verify->error) && walk.ok &&
           tw_store_escalations(verify->store, INT64_MAX, check_escalation, &walk, verify->error) && walk.ok &&
           tw_store_waiting(verify->store, all, 0, 0, check_waiting, &walk, verify->error) && walk.ok &&
           tw_store_repeats(verify->store, INT64_MAX, check_waiting, &walk, verify->error) && walk.ok;
}
