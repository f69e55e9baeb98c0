/* SPDX-License-Identifier: MIT */
#include "tests/sim/hall.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"
#include "protocol/messages.h"
#include "tests/sim/ledger.h"
#include "tests/sim/net.h"

#define SUBSCRIBERS_MAX 8
#define ASK_AGAIN_NS SIM_SECOND

struct subscriber {
    bool *has;                       /* [n] */
    uint64_t capacity, whole, known; /* has 1 .. whole; has heard that there are `known` */
    uint64_t refusals, actions;      /* had up to here */
    uint64_t actions_known;          /* has heard of */
    bool asking;
    enum tw_catchup_kind asks;
    int64_t asked_ns, due_ns;
};

struct hall {
    struct sim *sim;
    struct subscriber list[SUBSCRIBERS_MAX];
};

struct hall *hall_new(struct sim *sim)
{
    struct hall *hall = tw_alloc_zero(1, sizeof *hall);
    TW_ASSERT(sim->plan.subscribers <= SUBSCRIBERS_MAX);
    hall->sim = sim;
    return hall;
}

void hall_free(struct hall **hall_pointer)
{
    for (uint32_t i = 0; i < SUBSCRIBERS_MAX; i++)
        free((*hall_pointer)->list[i].has);
    free(*hall_pointer);
    *hall_pointer = NULL;
}

static void topic_of(uint32_t subscriber, char out[32])
{
    snprintf(out, 32, "replay.s%u.", subscriber);
}

static bool begins(const char *topic, uint32_t topic_length, const char *with)
{
    return topic_length >= strlen(with) && memcmp(topic, with, strlen(with)) == 0;
}

bool hall_wants(const struct hall *hall, uint32_t subscriber, const char *topic, uint32_t topic_length)
{
    char own[32];
    (void)hall;
    topic_of(subscriber, own);
    return begins(topic, topic_length, "alert.") || begins(topic, topic_length, "action.") ||
           begins(topic, topic_length, TW_HEAD_TOPIC) || begins(topic, topic_length, own);
}

static void take_alert(struct hall *hall, uint32_t index, const struct tw_alert_view *alert, const void *bytes,
                       size_t length)
{
    struct subscriber *subscriber = &hall->list[index];
    ledger_seen(hall->sim->ledger, alert->n, bytes, length);
    if (alert->n >= subscriber->capacity) {
        uint64_t capacity = subscriber->capacity == 0 ? 256 : subscriber->capacity;
        while (capacity <= alert->n)
            capacity *= 2;
        subscriber->has = tw_realloc(subscriber->has, capacity);
        memset(subscriber->has + subscriber->capacity, 0, capacity - subscriber->capacity);
        subscriber->capacity = capacity;
    }
    subscriber->has[alert->n] = true;
    if (alert->n > subscriber->known)
        subscriber->known = alert->n;
    while (subscriber->whole + 1 < subscriber->capacity && subscriber->has[subscriber->whole + 1])
        subscriber->whole++;
}

static void take_action(struct hall *hall, uint32_t index, uint64_t h, const void *bytes, size_t length)
{
    struct subscriber *subscriber = &hall->list[index];
    ledger_action_seen(hall->sim->ledger, h, bytes, length);
    if (h == subscriber->actions + 1)
        subscriber->actions++;
    if (h > subscriber->actions_known)
        subscriber->actions_known = h;
}

void hall_hear(struct hall *hall, uint32_t index, const char *topic, uint32_t topic_length, const void *bytes,
               size_t length)
{
    struct sim *sim = hall->sim;
    struct subscriber *subscriber = &hall->list[index];
    struct tw_alert_view alert;
    struct tw_head_view head;
    struct tw_refusal_message refusal;
    struct tw_catchup_end end;
    struct tw_action_message action;
    if (begins(topic, topic_length, TW_HEAD_TOPIC)) {
        SIM_CHECK(sim, tw_head_decode(bytes, length, &head), "a head that cannot be read");
        ledger_head(sim->ledger, head.last, head.digest);
        if (head.last > subscriber->known)
            subscriber->known = head.last;
    } else if (tw_catchup_end_decode(bytes, length, &end)) {
        SIM_CHECK(sim, end.error.length == 0, "catch-up answers: %.*s", (int)end.error.length, end.error.bytes);
        subscriber->asking = false;
        subscriber->due_ns = sim->now_ns;
    } else if (tw_alert_decode(bytes, length, &alert)) {
        take_alert(hall, index, &alert, bytes, length);
    } else if (tw_action_message_decode(bytes, length, &action)) {
        take_action(hall, index, action.h, bytes, length);
    } else {
        SIM_CHECK(sim, tw_refusal_decode(bytes, length, &refusal), "an answer that cannot be read");
        ledger_refusal_seen(sim->ledger, &refusal);
        if (refusal.number == subscriber->refusals + 1)
            subscriber->refusals++;
    }
}

static void ask(struct hall *hall, uint32_t index)
{
    struct sim *sim = hall->sim;
    struct subscriber *subscriber = &hall->list[index];
    struct tw_buffer bytes = {0};
    char topic[32];
    topic_of(index, topic);
    const uint64_t after[] = {[TW_CATCHUP_ALERTS] = subscriber->whole,
                              [TW_CATCHUP_REFUSALS] = subscriber->refusals,
                              [TW_CATCHUP_ACTIONS] = subscriber->actions};
    struct tw_catchup request = {.kind = subscriber->asks,
                                 .after = after[subscriber->asks],
                                 .limit = 1 + sim_below(&sim->random, 100),
                                 .topic = {topic, (uint32_t)strlen(topic)}};
    sim_tell(sim, topic, "asks for what is behind %llu", (unsigned long long)request.after);
    tw_catchup_encode(&bytes, &request);
    net_send(sim->net, NET_REQUESTS, index, false, bytes.bytes, bytes.length);
    tw_buffer_free(&bytes);
    subscriber->asking = true;
    subscriber->asked_ns = sim->now_ns;
}

static bool misses_refusals(const struct hall *hall, uint32_t index)
{
    return !hall->sim->faults && index % 2 == 1 && hall->list[index].refusals < ledger_refusals(hall->sim->ledger);
}

/* It has heard of some that it has not; in the end it may have missed the newest. */
static bool misses_actions(const struct hall *hall, uint32_t index)
{
    const struct subscriber *subscriber = &hall->list[index];
    return subscriber->actions < subscriber->actions_known ||
           (!hall->sim->faults && subscriber->actions < ledger_actions(hall->sim->ledger));
}

/* False: it misses nothing that it knows of. */
static bool chooses(const struct hall *hall, uint32_t index, enum tw_catchup_kind *out)
{
    const struct subscriber *subscriber = &hall->list[index];
    *out = subscriber->whole < subscriber->known ? TW_CATCHUP_ALERTS
           : misses_refusals(hall, index)        ? TW_CATCHUP_REFUSALS
                                                 : TW_CATCHUP_ACTIONS;
    return *out != TW_CATCHUP_ACTIONS || misses_actions(hall, index);
}

int64_t hall_act(struct hall *hall)
{
    struct sim *sim = hall->sim;
    int64_t next_ns = SIM_NEVER;
    for (uint32_t i = 0; i < sim->plan.subscribers; i++) {
        struct subscriber *subscriber = &hall->list[i];
        if (subscriber->due_ns <= sim->now_ns) {
            subscriber->due_ns = sim->now_ns + 200 * SIM_MS;
            bool waits = subscriber->asking && sim->now_ns - subscriber->asked_ns < ASK_AGAIN_NS;
            if (!waits && chooses(hall, i, &subscriber->asks))
                ask(hall, i);
        }
        if (subscriber->due_ns < next_ns)
            next_ns = subscriber->due_ns;
    }
    return next_ns;
}

void hall_cut(struct hall *hall)
{
    struct sim *sim = hall->sim;
    uint32_t index = sim_below(&sim->random, sim->plan.subscribers);
    net_cut(sim->net, NET_ALERTS, index);
    net_cut(sim->net, NET_REQUESTS, index);
    if (sim_chance(&sim->random, 300)) { /* it has lost everything */
        struct subscriber *subscriber = &hall->list[index];
        free(subscriber->has);
        *subscriber = (struct subscriber){.due_ns = sim->now_ns};
    }
}

bool hall_satisfied(const struct hall *hall, char why[256])
{
    uint64_t alerts = ledger_alerts(hall->sim->ledger);
    for (uint32_t i = 0; i < hall->sim->plan.subscribers; i++) {
        const struct subscriber *subscriber = &hall->list[i];
        if (subscriber->whole == alerts && !misses_refusals(hall, i) && !misses_actions(hall, i))
            continue;
        snprintf(why, 256,
                 "subscriber %u has alerts to %llu of %llu, refusals to %llu of %llu, actions to %llu of %llu", i,
                 (unsigned long long)subscriber->whole, (unsigned long long)alerts,
                 (unsigned long long)subscriber->refusals, (unsigned long long)ledger_refusals(hall->sim->ledger),
                 (unsigned long long)subscriber->actions, (unsigned long long)ledger_actions(hall->sim->ledger));
        return false;
    }
    return true;
}
