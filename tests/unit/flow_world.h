/* SPDX-License-Identifier: MIT
 *
 * The daemon's side of a publisher's conversation, for the tests of flow.h: what it hears, and what it says.
 */
#ifndef TW_TESTS_FLOW_WORLD_H
#define TW_TESTS_FLOW_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/client/flow.h"

#define SECOND INT64_C(1000000000)
#define MS INT64_C(1000000)

struct world {
    struct tw_flow flow;
    int64_t now_ns;
    uint64_t queued;
};

static inline void begin(struct world *world)
{
    memset(world, 0, sizeof *world);
    world->now_ns = 100 * SECOND;
    tw_flow_init(&world->flow, (struct tw_text){"desk-7", 6}, 2);
}

static inline struct tw_ack ack_of(uint64_t durable, uint64_t next)
{
    return (struct tw_ack){
        .publisher = {"desk-7", 6}, .incarnation = 2, .durable = durable, .next = next, .credit = 1000};
}

static inline void hear(struct world *world, struct tw_ack ack)
{
    assert_true(tw_flow_ack(&world->flow, &ack, world->now_ns));
}
static inline void hear_standing(struct world *world, uint64_t durable, uint64_t next)
{
    hear(world, ack_of(durable, next));
}

static inline void hear_hold(struct world *world, struct tw_ack ack, const char *code)
{
    ack.has_hold = true;
    ack.hold_code = (struct tw_text){code, (uint32_t)strlen(code)};
    ack.hold_why = (struct tw_text){"why", 3};
    ack.hold_seq = ack.next;
    hear(world, ack);
}

static inline void hear_gap(struct world *world, uint64_t durable, uint64_t next, uint64_t gap)
{
    struct tw_ack ack = ack_of(durable, next);
    ack.gap = gap;
    hear(world, ack);
}

/* Queues a message of so many trades behind those before; names: known after it. */
static inline void queue_named(struct world *world, uint32_t count, uint64_t names_before, uint64_t names_after)
{
    struct tw_flow_message *message = tw_flow_queue(&world->flow);
    message->first = world->queued + 1;
    message->count = count;
    message->names_before = names_before;
    message->names_after = names_after;
    world->queued += count;
}
static inline void queue(struct world *world, uint32_t count)
{
    queue_named(world, count, 0, 0);
}

static inline void expect_nothing(struct world *world)
{
    assert_int_equal(tw_flow_next(&world->flow, world->now_ns), TW_FLOW_NOTHING);
}

static inline void expect_action(struct world *world, enum tw_flow_action action, uint64_t names_after)
{
    assert_int_equal(tw_flow_next(&world->flow, world->now_ns), action);
    tw_flow_sent(&world->flow, action, names_after, world->now_ns);
}
static inline void expect_hello(struct world *world)
{
    expect_action(world, TW_FLOW_SEND_HELLO, 0);
}
static inline void expect_probe(struct world *world)
{
    expect_action(world, TW_FLOW_SEND_PROBE, 0);
}

static inline void expect_message(struct world *world, uint64_t first)
{
    assert_int_equal(tw_flow_next(&world->flow, world->now_ns), TW_FLOW_SEND_MESSAGE);
    assert_int_equal(tw_flow_message(&world->flow)->first, first);
    tw_flow_sent(&world->flow, TW_FLOW_SEND_MESSAGE, 0, world->now_ns);
}

/* Greeted by a daemon that has `durable` trades of us; half a second ago, so that nothing is too soon. */
static inline void begin_greeted(struct world *world, uint64_t durable)
{
    begin(world);
    expect_hello(world);
    hear_standing(world, durable, durable + 1);
    world->now_ns += SECOND / 2;
}

#endif
