/* SPDX-License-Identifier: MIT */
#include "tests/sim/people.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"
#include "tests/sim/daemon.h"
#include "tests/sim/disk.h"

#define PEOPLE 3u

struct person {
    const struct wish *waits_for; /* NULL: for nothing */
    int64_t due_ns;
};

struct people {
    struct sim *sim;
    struct person list[PEOPLE];
    struct wish **wishes; /* [number - 1] */
    uint32_t wish_count, wish_capacity;
};

struct people *people_new(struct sim *sim)
{
    struct people *people = tw_alloc_zero(1, sizeof *people);
    people->sim = sim;
    for (uint32_t i = 0; i < PEOPLE; i++)
        people->list[i].due_ns = sim->plan.act_every_ns;
    return people;
}

void people_free(struct people **people_pointer)
{
    struct people *people = *people_pointer;
    for (uint32_t i = 0; i < people->wish_count; i++)
        free(people->wishes[i]);
    free(people->wishes);
    free(people);
    *people_pointer = NULL;
}

static struct wish *new_wish(struct people *people, uint32_t person)
{
    if (people->wish_count == people->wish_capacity) {
        people->wish_capacity = people->wish_capacity == 0 ? 64 : people->wish_capacity * 2;
        people->wishes = tw_realloc(people->wishes, people->wish_capacity * sizeof *people->wishes);
    }
    struct wish *wish = tw_alloc_zero(1, sizeof *wish);
    people->wishes[people->wish_count++] = wish;
    *wish = (struct wish){.number = people->wish_count, .to = "", .verdict = "", .match = ""};
    snprintf(wish->who, sizeof wish->who, "person-%u", person);
    snprintf(wish->why, sizeof wish->why, "word %u", wish->number);
    return wish;
}

/* What somebody sees on the list of alerts, mostly the newest; 0: there is none. */
static uint64_t look(struct sim *sim)
{
    uint64_t last = sim->disk->last_alert;
    uint32_t back = sim_below(&sim->random, 4) == 0 ? (uint32_t)last : 8;
    if (last == 0)
        return 0;
    uint64_t behind = sim_below(&sim->random, back);
    return behind < last ? last - behind : 1;
}

static void wish_silence(struct sim *sim, struct wish *wish)
{
    static const char *const matches[] = {"severity=HIGH", "type=LARGE_TRADE", "entity_type=CLIENT event!=open",
                                          "type!=ANOMALY_DETECTED severity=CRITICAL", "event=resolve"};
    wish->verb = "silence";
    wish->match = matches[sim_below(&sim->random, 5)];
    wish->starts_ns = sim_wall(sim) + sim_between(&sim->random, -2000, 2000) * SIM_MS;
    wish->ends_ns = wish->starts_ns + sim_about(&sim->random, 5 * SIM_SECOND);
}

/* False: there is nothing to do anything to. */
static bool make_up(struct sim *sim, struct wish *wish)
{
    static const char *const verbs[] = {"ack", "ack", "assign", "close", "note"};
    static const char *const names[] = {"maria", "pete", "j\xc3\xb6rg"};
    if (sim_chance(&sim->random, 200)) {
        wish_silence(sim, wish);
        return true;
    }
    if (sim_chance(&sim->random, 100)) {
        wish->verb = "unsilence";
        wish->of = 1 + sim_below(&sim->random, (uint32_t)sim->disk->last_action + 1);
        return true;
    }
    wish->verb = verbs[sim_below(&sim->random, 5)];
    wish->of = look(sim);
    if (strcmp(wish->verb, "assign") == 0)
        wish->to = names[sim_below(&sim->random, 3)];
    if (strcmp(wish->verb, "close") == 0)
        wish->verdict = sim_chance(&sim->random, 500) ? "true_positive" : "false_positive";
    return wish->of != 0;
}

static void ask(struct people *people, uint32_t index)
{
    struct sim *sim = people->sim;
    struct wish *wish = new_wish(people, index);
    if (!make_up(sim, wish) || !daemon_ask(sim->daemon, wish)) {
        free(wish);
        people->wish_count--;
        return;
    }
    sim_tell(sim, wish->who, "wants to %s %llu: %s", wish->verb, (unsigned long long)wish->of, wish->why);
    people->list[index].waits_for = wish;
}

int64_t people_act(struct people *people)
{
    struct sim *sim = people->sim;
    int64_t next_ns = SIM_NEVER;
    if (!sim->faults || sim->plan.act_every_ns >= SIM_NEVER / 8)
        return SIM_NEVER;
    for (uint32_t i = 0; i < PEOPLE; i++) {
        struct person *person = &people->list[i];
        if (person->due_ns <= sim->now_ns) {
            person->due_ns = sim->now_ns + sim_about(&sim->random, sim->plan.act_every_ns);
            if (person->waits_for == NULL && sim->daemon != NULL && !sim->daemon->stopping)
                ask(people, i);
        }
        if (person->due_ns < next_ns)
            next_ns = person->due_ns;
    }
    return next_ns;
}

void people_hear(struct people *people, const struct wish *wish)
{
    for (uint32_t i = 0; i < PEOPLE; i++)
        if (people->list[i].waits_for == wish)
            people->list[i].waits_for = NULL;
}

void people_lost(struct people *people)
{
    for (uint32_t i = 0; i < PEOPLE; i++)
        people->list[i].waits_for = NULL;
}

struct wish *people_said(const struct people *people, struct tw_text why)
{
    for (uint32_t i = people->wish_count; i > 0; i--)
        if (tw_text_is(why, people->wishes[i - 1]->why))
            return people->wishes[i - 1];
    return NULL;
}

bool people_satisfied(const struct people *people, char why[256])
{
    for (uint32_t i = 0; i < PEOPLE; i++)
        if (people->list[i].waits_for != NULL) {
            snprintf(why, 256, "somebody waits for an answer about %s", people->list[i].waits_for->why);
            return false;
        }
    return true;
}
