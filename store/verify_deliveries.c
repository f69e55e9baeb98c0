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

static bool check_pending(void *context, const struct tw_store_delivery *delivery)
{
    return is_there(context, delivery->n, delivery->receiver);
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

bool tw_verify_deliveries(struct tw_verify *verify)
{
    struct walk walk = {verify, tw_store_last_alert(verify->store), true};
    const struct tw_text all = {NULL, 0};
    return tw_store_deliveries(verify->store, TW_DELIVERY_PENDING, all, 0, check_pending, &walk, verify->error) &&
           walk.ok && tw_store_deliveries(verify->store, TW_DELIVERY_DEAD, all, 0, check_dead, &walk, verify->error) &&
           walk.ok && tw_store_ledger(verify->store, 0, check_attempt, &walk, verify->error) && walk.ok &&
           tw_store_escalations(verify->store, INT64_MAX, check_escalation, &walk, verify->error) && walk.ok;
}
