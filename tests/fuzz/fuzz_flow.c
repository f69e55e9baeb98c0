/* SPDX-License-Identifier: MIT
 *
 * A publisher's half of the conversation against a daemon that keeps its word, over a line that loses messages and acks
 * and is cut, while the daemon restarts and forgets what was not durable. Held to: no more under way than credit
 * allows, messages in order; what counts as compared was, and what counts as settled is durable; and once the line
 * holds, everything is, unless the daemon forgot what an earlier process had sent. With the first bit of the options
 * set, the daemon may say anything at all instead: then only that nothing breaks.
 *
 * Input: options, what the daemon has from before, then steps of two bytes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"
#include "tools/client/flow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MS INT64_C(1000000)
#define LINE_MAX 64u
#define CREDIT 300u

struct sent {
    uint64_t first, count; /* count 0: hello */
};

struct world {
    struct tw_flow flow;
    int64_t now_ns;
    uint64_t queued; /* last number that the publisher has queued */
    /* the line: what is sent and has not arrived */
    struct sent line[LINE_MAX];
    uint32_t line_count;
    /* the daemon */
    uint64_t durable, next, gap;
    uint64_t compared; /* up to here all that the publisher queued has arrived, and was taken or compared */
    bool wild;
};

static void queue(struct world *world, uint32_t count)
{
    struct tw_flow_message *message = tw_flow_queue(&world->flow);
    message->first = world->queued + 1;
    message->count = count;
    message->names_before = message->names_after = 0;
    world->queued += count;
}

static void act(struct world *world)
{
    enum tw_flow_action action = tw_flow_next(&world->flow, world->now_ns);
    struct sent sent = {0, 0};
    if (action == TW_FLOW_NOTHING || world->line_count == LINE_MAX)
        return;
    TW_ASSERT(action != TW_FLOW_SEND_NAMES || world->wild);
    if (action == TW_FLOW_SEND_MESSAGE) {
        const struct tw_flow_message *message = tw_flow_message(&world->flow);
        sent = (struct sent){message->first, message->count};
        bool is_new = sent.first + sent.count - 1 >= world->flow.next_at_start;
        TW_ASSERT(!is_new || sent.first + sent.count - 1 <= world->flow.durable + world->flow.credit);
    } else if (action == TW_FLOW_SEND_PROBE) {
        sent = (struct sent){tw_flow_probe_number(&world->flow), 1};
        TW_ASSERT(world->wild || sent.first > world->next);
    }
    tw_flow_sent(&world->flow, action, world->flow.names_sent + 1, world->now_ns);
    world->line[world->line_count++] = sent;
}

/* What the gateway does with it. */
static void arrive(struct world *world, uint32_t count)
{
    uint32_t arrived = count < world->line_count ? count : world->line_count;
    for (uint32_t i = 0; i < arrived; i++) {
        const struct sent *sent = &world->line[i];
        uint64_t last = sent->first + sent->count - 1;
        if (sent->count == 0)
            continue;
        if (sent->first > world->next || last > world->durable + CREDIT + 1)
            world->gap++;
        else if (last >= world->next)
            world->next = last + 1;
        if (sent->first <= world->compared + 1 && last > world->compared && last < world->next)
            world->compared = last;
    }
    world->line_count -= arrived;
    memmove(world->line, world->line + arrived, world->line_count * sizeof *world->line);
}

static void ack(struct world *world)
{
    const struct tw_ack ack = {.publisher = {"p", 1},
                               .incarnation = 1,
                               .durable = world->durable,
                               .next = world->next,
                               .gap = world->gap,
                               .credit = CREDIT};
    tw_flow_ack(&world->flow, &ack, world->now_ns);
}

static void wild_ack(struct world *world, const uint8_t *data, size_t size)
{
    struct tw_ack ack;
    if (tw_ack_decode(data, size, &ack) && tw_flow_ack(&world->flow, &ack, world->now_ns))
        TW_ASSERT(ack.publisher.length == 1 && ack.incarnation >= 1);
}

static void check_settled(const struct world *world)
{
    TW_ASSERT(!tw_flow_settled(&world->flow) || world->wild || world->durable >= world->queued);
    TW_ASSERT(world->flow.compared <= world->compared || world->wild);
}

static void step(struct world *world, unsigned what, unsigned number)
{
    switch (what % 8) {
    case 0:
        queue(world, number % 100 + 1);
        world->flow.finishing = number >= 128; /* it waits for these, or adds more at once */
        break;
    case 1:
        for (unsigned i = 0; i <= number % 16; i++)
            act(world);
        break;
    case 2:
        arrive(world, number);
        break;
    case 3:
        world->durable = world->next - 1;
        break;
    case 4:
        ack(world);
        break;
    case 5:
        world->now_ns += (int64_t)number * 10 * MS;
        break;
    case 6: /* the line is cut, with what is on it */
        world->line_count = 0;
        tw_flow_reconnected(&world->flow, world->now_ns);
        break;
    case 7: /* the daemon is killed and comes back */
        world->line_count = 0;
        world->next = world->durable + 1;
        world->gap = 0;
        tw_flow_reconnected(&world->flow, world->now_ns);
        break;
    }
}

static void settle(struct world *world)
{
    world->flow.finishing = true;
    for (unsigned turns = 0; !tw_flow_settled(&world->flow); turns++) {
        TW_ASSERT(turns < 100000);
        if (world->flow.state == TW_FLOW_LOST && world->next <= world->flow.others)
            return;
        TW_ASSERT(world->flow.state <= TW_FLOW_STREAMING);
        int64_t deadline_ns = tw_flow_deadline(&world->flow);
        act(world);
        arrive(world, LINE_MAX);
        ack(world);
        check_settled(world);
        world->durable = world->next - 1;
        world->now_ns += 10 * MS;
        if (deadline_ns < INT64_MAX && deadline_ns > world->now_ns && turns % 8 == 0)
            world->now_ns = deadline_ns;
    }
    TW_ASSERT(world->durable >= world->queued);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct world world = {.now_ns = 1000 * MS, .wild = (data[0] & 1) != 0};
    world.durable = data[1] % 8 * 50; /* from an earlier run of the publisher, which begins again at 1 */
    world.next = world.durable + 1 + ((data[0] & 4) != 0 ? 70 : 0); /* which need not be durable yet */
    world.queued = (data[0] & 2) != 0 ? world.next - 1 : 0;
    tw_flow_init(&world.flow, (struct tw_text){"p", 1}, 1);
    world.flow.others = world.compared = world.queued;
    for (size_t at = 2; at + 2 <= size; at += 2) {
        if (world.wild && data[at] == 255) { /* an ack as it stands here, to the end of the input */
            wild_ack(&world, data + at + 1, size - at - 1);
            continue;
        }
        step(&world, data[at], data[at + 1]);
        check_settled(&world);
    }
    if (!world.wild)
        settle(&world);
    tw_flow_clear(&world.flow);
    return 0;
}
