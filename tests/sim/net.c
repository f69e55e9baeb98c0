/* SPDX-License-Identifier: MIT */
#include "tests/sim/net.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"
#include "tests/sim/crowd.h"
#include "tests/sim/daemon.h"
#include "tests/sim/hall.h"

#define LINKS_MAX 64 /* of each kind */
#define UNDER_WAY_MAX 4096

struct letter {
    int64_t due_ns;
    struct tw_buffer bytes;
    uint32_t topic_length; /* of alerts: the topic stands in front */
};

struct link { /* a ring, in order */
    struct letter *letters;
    uint32_t first, count, capacity;
    int64_t last_due_ns;
};

struct net {
    struct sim *sim;
    struct link links[5][LINKS_MAX];
};

struct net *net_new(struct sim *sim)
{
    struct net *net = tw_alloc_zero(1, sizeof *net);
    net->sim = sim;
    return net;
}

static void pop(struct link *link)
{
    tw_buffer_free(&link->letters[link->first].bytes);
    link->first = (link->first + 1) % link->capacity;
    link->count--;
}

void net_free(struct net **net_pointer)
{
    net_cut_all(*net_pointer);
    for (int kind = 0; kind < 5; kind++)
        for (int who = 0; who < LINKS_MAX; who++)
            free((*net_pointer)->links[kind][who].letters);
    free(*net_pointer);
    *net_pointer = NULL;
}

void net_cut(struct net *net, enum net_kind kind, uint32_t who)
{
    while (net->links[kind][who].count > 0)
        pop(&net->links[kind][who]);
}

void net_cut_all(struct net *net)
{
    for (int kind = 0; kind < 5; kind++)
        for (uint32_t who = 0; who < LINKS_MAX; who++)
            net_cut(net, (enum net_kind)kind, who);
}

static struct letter *put(struct net *net, struct link *link)
{
    struct sim *sim = net->sim;
    if (link->count == link->capacity) {
        uint32_t capacity = link->capacity == 0 ? 16 : link->capacity * 2;
        struct letter *letters = tw_alloc_zero(capacity, sizeof *letters);
        for (uint32_t i = 0; i < link->count; i++)
            letters[i] = link->letters[(link->first + i) % link->capacity];
        free(link->letters);
        link->letters = letters;
        link->first = 0;
        link->capacity = capacity;
    }
    struct letter *letter = &link->letters[(link->first + link->count++) % link->capacity];
    *letter = (struct letter){.due_ns = sim->now_ns + sim_about(&sim->random, sim->plan.latency_ns)};
    if (letter->due_ns < link->last_due_ns)
        letter->due_ns = link->last_due_ns;
    link->last_due_ns = letter->due_ns;
    return letter;
}

/* How often it arrives. */
static int copies(struct net *net, bool sure)
{
    struct sim *sim = net->sim;
    if (!sim->faults)
        return 1;
    if (sim_chance(&sim->random, sim->plan.lose_pm))
        return 0;
    return !sure && sim_chance(&sim->random, sim->plan.twice_pm) ? 2 : 1;
}

void net_send(struct net *net, enum net_kind kind, uint32_t who, bool sure, const void *bytes, size_t length)
{
    TW_ASSERT(who < LINKS_MAX);
    struct link *link = &net->links[kind][who];
    for (int i = copies(net, sure); i > 0 && link->count < UNDER_WAY_MAX; i--)
        tw_buffer_append(&put(net, link)->bytes, bytes, length);
}

void net_ack(struct net *net, struct tw_text publisher, const struct tw_buffer *bytes)
{
    for (uint32_t who = 0; who < crowd_processes(net->sim->crowd); who++)
        if (crowd_listens(net->sim->crowd, who, publisher))
            net_send(net, NET_ACKS, who, false, bytes->bytes, bytes->length);
}

void net_alert(struct net *net, const char *topic, uint32_t topic_length, const void *bytes, size_t length)
{
    for (uint32_t who = 0; who < net->sim->plan.subscribers; who++) {
        struct link *link = &net->links[NET_ALERTS][who];
        if (!hall_wants(net->sim->hall, who, topic, topic_length) || link->count >= UNDER_WAY_MAX)
            continue; /* a PUB drops what a slow subscriber does not take */
        if (copies(net, true) == 0)
            continue;
        struct letter *letter = put(net, link);
        tw_buffer_append(&letter->bytes, topic, topic_length);
        tw_buffer_append(&letter->bytes, bytes, length);
        letter->topic_length = topic_length;
    }
}

/* False: it has to wait. */
static bool arrive(struct net *net, enum net_kind kind, uint32_t who, const struct letter *letter)
{
    struct sim *sim = net->sim;
    const struct tw_buffer *bytes = &letter->bytes;
    switch (kind) {
    case NET_TRADES:
        return sim->daemon != NULL && daemon_take(sim->daemon, TW_LANE_PUSH, bytes->bytes, bytes->length);
    case NET_FEED:
        return sim->daemon == NULL || daemon_take(sim->daemon, TW_LANE_FEED, bytes->bytes, bytes->length);
    case NET_REQUESTS:
        return sim->daemon != NULL && daemon_request(sim->daemon, bytes->bytes, bytes->length);
    case NET_ACKS:
        crowd_hear(sim->crowd, who, bytes->bytes, bytes->length);
        return true;
    case NET_ALERTS:
        hall_hear(sim->hall, who, (const char *)bytes->bytes, letter->topic_length, bytes->bytes + letter->topic_length,
                  bytes->length - letter->topic_length);
        return true;
    }
    TW_UNREACHABLE("a kind of link");
}

int64_t net_deliver(struct net *net)
{
    int64_t next_ns = SIM_NEVER, now_ns = net->sim->now_ns;
    for (int kind = 0; kind < 5; kind++)
        for (uint32_t who = 0; who < LINKS_MAX; who++) {
            struct link *link = &net->links[kind][who];
            while (link->count > 0 && link->letters[link->first].due_ns <= now_ns &&
                   arrive(net, (enum net_kind)kind, who, &link->letters[link->first]))
                pop(link);
            if (link->count > 0 && link->letters[link->first].due_ns > now_ns &&
                link->letters[link->first].due_ns < next_ns)
                next_ns = link->letters[link->first].due_ns;
        }
    return next_ns;
}
