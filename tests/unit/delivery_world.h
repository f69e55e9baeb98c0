/* SPDX-License-Identifier: MIT
 *
 * What the tests of the delivery's core share: a policy, and steps that say what begins.
 */
#ifndef TEST_DELIVERY_WORLD_H
#define TEST_DELIVERY_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "actors/delivery/delivery.h"

#define SECOND TW_NS_PER_SECOND

static const struct tw_delivery_policy policy = {
    .retry_first_ns = SECOND, .retry_max_ns = 60 * SECOND, .deadline_ns = 3600 * SECOND, .breaker_failures = 5};

static void offer(struct tw_delivery *delivery, uint32_t receiver, uint64_t n, char episode)
{
    struct tw_pending pending = {.n = n, .episode = {(uint8_t)episode}};
    tw_delivery_offer(delivery, receiver, &pending, 0);
}

/* The n that begins now, 0: none. */
static uint64_t begun(struct tw_delivery *delivery, int64_t now_ns)
{
    struct tw_delivery_job job;
    enum tw_delivery_step step = tw_delivery_next(delivery, now_ns, &job);
    assert_int_not_equal(step, TW_DELIVERY_EXPIRE);
    return step == TW_DELIVERY_NOTHING ? 0 : job.pending.n;
}

static struct tw_delivery_effect end(struct tw_delivery *delivery, uint64_t n, enum tw_delivery_verdict verdict,
                                     int64_t retry_after_ns, int64_t now_ns)
{
    struct tw_delivery_effect effect;
    tw_delivery_result(delivery, 0, n, verdict, retry_after_ns, 0, now_ns, &effect);
    return effect;
}

#endif
