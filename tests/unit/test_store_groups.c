/* SPDX-License-Identifier: MIT
 *
 * Groups in the store, at random against a model: what waits is in exactly one place, a message has what the model
 * says, an alert's events never overtake each other, each is told once (and again where it may be), through starts in
 * between.
 */
#include <stdlib.h>

#include "protocol/check.h"
#include "store_world.h"

#define RECEIVER ((struct tw_text){"ops", 3})
#define EVENTS 400u
#define ALERTS 12u
#define GROUPS 4u
static const char *const group_names[GROUPS] = {"a{type=X}", "a{type=Y}", "b{}", "c{entity=Z}"};

static int setup(void **state)
{
    static const char *const names[] = {"ops"};
    struct world *world = world_new();
    tw_store_set_receivers(world->store, names, 1);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    world_free(*state);
    return 0;
}

/* The next event, of one of a few alerts; it waits in a group. */
static void put(struct world *world, uint32_t alert_number, uint32_t group)
{
    struct tw_store_alert alert;
    struct tw_store_group in = {.receivers = 1, .length = (uint32_t)strlen(group_names[group])};
    feed_alert(&world->feed, &alert);
    memcpy(in.name, group_names[group], in.length);
    alert.receivers = 1;
    alert.queued_ns = NOON + (int64_t)alert.n;
    alert.groups = &in;
    alert.group_count = 1;
    memset(alert.id, (int)alert_number + 1, sizeof alert.id);
    assert_int_equal(tw_store_put_alerts(world->store, &alert, 1, &world->error), TW_STORE_OK);
    free((void *)(uintptr_t)alert.bytes);
}

/* ---- the model ---- */

static uint32_t out_of_turn; /* messages that ended before older ones */

struct event {
    uint32_t alert, group;
    enum { NOWHERE, WAITS, IN_A_MESSAGE, TOLD, DEAD } place;
    uint64_t lead;
    uint32_t told;
};
struct model {
    struct event events[EVENTS + 1];
    uint64_t last;
};

/* All of a group, and older ones of the same alerts. Returns the lead. */
static uint64_t model_make(struct model *model, uint32_t group, uint64_t only, uint64_t after)
{
    bool taken[EVENTS + 1] = {false};
    uint64_t lead = 0, latest = 0;
    for (uint64_t n = 1; n <= model->last; n++) {
        const struct event *event = &model->events[n];
        if (event->place != WAITS || event->group != group || (only != 0 && n != only))
            continue;
        for (uint64_t before = 1; before <= n; before++) {
            const struct event *elder = &model->events[before];
            if (elder->place == WAITS && elder->alert == event->alert && (elder->group != group || before == n))
                taken[before] = true;
        }
        lead = n;
    }
    bool alerts[ALERTS] = {false};
    for (uint64_t n = 1; n <= model->last; n++)
        if (taken[n])
            alerts[model->events[n].alert] = true;
    for (uint64_t n = 1; n <= model->last; n++)
        if (model->events[n].place == IN_A_MESSAGE && alerts[model->events[n].alert] && model->events[n].lead > latest)
            latest = model->events[n].lead;
    if (lead <= latest || lead <= after) /* it would go before, and might have later events of the same alerts */
        return 0;
    for (uint64_t n = 1; n <= model->last; n++)
        if (taken[n]) {
            model->events[n].place = IN_A_MESSAGE;
            model->events[n].lead = lead;
        }
    return lead;
}

/* ---- what the store says ---- */

struct seen {
    const struct model *model;
    uint64_t numbers[EVENTS], lead;
    uint32_t count;
};

static bool see_waiting(void *context, const struct tw_store_waiting *it)
{
    struct seen *seen = context;
    const struct event *event = &seen->model->events[it->n];
    assert_int_equal(event->place, WAITS);
    assert_int_equal(it->id[0], event->alert + 1);
    assert_int_equal(it->group.length, strlen(group_names[event->group]));
    assert_memory_equal(it->group.bytes, group_names[event->group], it->group.length);
    seen->numbers[seen->count++] = it->n;
    return true;
}

static bool see_member(void *context, const struct tw_store_waiting *it)
{
    struct seen *seen = context;
    assert_int_equal(seen->model->events[it->n].place, IN_A_MESSAGE);
    assert_int_equal(seen->model->events[it->n].lead, seen->lead);
    assert_true(seen->count == 0 || it->n > seen->numbers[seen->count - 1]);
    seen->numbers[seen->count++] = it->n;
    return true;
}

static void check_place(struct world *world, const struct model *model)
{
    struct seen seen = {.model = model};
    uint32_t waiting = 0;
    assert_true(tw_store_waiting(world->store, RECEIVER, 0, 0, see_waiting, &seen, &world->error));
    for (uint64_t n = 1; n <= model->last; n++)
        waiting += model->events[n].place == WAITS;
    assert_int_equal(seen.count, waiting);
    for (uint32_t alert = 0; alert < ALERTS; alert++) { /* the oldest of each that has not gone and is not ahead */
        uint8_t id[TW_ALERT_ID_BYTES];
        struct tw_store_waiting elder;
        uint64_t oldest = 0, before = alert % 2 == 0 ? model->last + 1 : model->last / 2 + 1;
        memset(id, (int)alert + 1, sizeof id);
        for (uint64_t n = before - 1; n > 0; n--) {
            const struct event *event = &model->events[n];
            if (event->alert == alert &&
                (event->place == WAITS || (event->place == IN_A_MESSAGE && event->lead >= before)))
                oldest = n;
        }
        assert_true(tw_store_elder(world->store, RECEIVER, id, before, before - 1, &elder, &world->error));
        assert_int_equal(elder.n, oldest);
        assert_int_equal(elder.lead, model->events[oldest].place == IN_A_MESSAGE ? model->events[oldest].lead : 0);
    }
}

struct finding {
    uint32_t group;
    struct tw_store_waiting found;
};
static bool find_group(void *context, const struct tw_store_waiting *first, uint64_t last_n, int64_t told_ns)
{
    struct finding *finding = context;
    const char *name = group_names[finding->group];
    (void)told_ns;
    assert_true(last_n >= first->n);
    if (first->group.length == strlen(name) && memcmp(first->group.bytes, name, first->group.length) == 0)
        finding->found = *first;
    return true;
}

static bool take_pending(void *context, const struct tw_store_delivery *delivery)
{
    struct seen *seen = context;
    assert_true(delivery->group.length > 0);
    seen->numbers[seen->count++] = delivery->n;
    return true;
}

static void make(struct world *world, struct model *model, uint32_t group)
{
    struct finding finding = {.group = group};
    assert_true(tw_store_groups(world->store, RECEIVER, 0, find_group, &finding, &world->error));
    uint64_t only = model->last % 5 == 0 ? finding.found.n : 0;
    uint64_t after = model->last % 11 == 5 ? model->last - 5 : 0; /* a digest is pending up to there */
    uint64_t lead = model_make(model, group, only, after);
    bool made = false;
    assert_int_equal(
        tw_store_make_group(world->store, RECEIVER, finding.found.hash, only, after, NOON, &made, &world->error),
        TW_STORE_OK);
    assert_int_equal(made, lead != 0);
    if (!made)
        return;
    struct seen members = {.model = model, .lead = lead};
    uint32_t expected = 0;
    assert_true(tw_store_members(world->store, RECEIVER, lead, see_member, &members, &world->error));
    for (uint64_t n = 1; n <= model->last; n++)
        expected += model->events[n].place == IN_A_MESSAGE && model->events[n].lead == lead;
    assert_int_equal(members.count, expected);
}

static bool share_an_alert(const struct model *model, uint64_t a, uint64_t b)
{
    bool alerts[ALERTS] = {false}, both = false;
    for (uint64_t n = 1; n <= model->last; n++)
        if (model->events[n].place == IN_A_MESSAGE && model->events[n].lead == a)
            alerts[model->events[n].alert] = true;
    for (uint64_t n = 1; n <= model->last; n++)
        both = both ||
               (model->events[n].place == IN_A_MESSAGE && model->events[n].lead == b && alerts[model->events[n].alert]);
    return both;
}

/* Any message is told or refused before which there is none of the same alerts, as the delivery's core has it. */
static void end_one(struct world *world, struct model *model, uint32_t choice, bool told)
{
    struct seen pending = {.model = model}, members = {.model = model};
    assert_true(
        tw_store_deliveries(world->store, TW_DELIVERY_PENDING, RECEIVER, 0, take_pending, &pending, &world->error));
    if (pending.count == 0)
        return;
    uint32_t place = choice % pending.count;
    for (uint32_t i = place; i-- > 0;)
        if (share_an_alert(model, pending.numbers[i], pending.numbers[place]))
            place = i;
    out_of_turn += place > 0;
    members.lead = pending.numbers[place];
    assert_true(tw_store_members(world->store, RECEIVER, members.lead, see_member, &members, &world->error));
    struct tw_store_attempt attempts[EVENTS];
    for (uint32_t i = 0; i < members.count; i++) {
        struct event *event = &model->events[members.numbers[i]];
        attempts[i] =
            (struct tw_store_attempt){.receiver = RECEIVER,
                                      .n = members.numbers[i],
                                      .outcome = told ? TW_DELIVERY_DONE : TW_DELIVERY_REJECTED,
                                      .began_ns = NOON,
                                      .lead = members.lead,
                                      .group = {group_names[event->group], (uint32_t)strlen(group_names[event->group])},
                                      .repeat_at_ns = members.numbers[i] % 7 == 0 ? NOON + 1 : 0};
        memset(attempts[i].id, (int)event->alert + 1, sizeof attempts[i].id);
        for (uint64_t before = 1; before < members.numbers[i]; before++) /* nothing older of its alert is left behind */
            assert_true(model->events[before].alert != event->alert || model->events[before].place == TOLD ||
                        model->events[before].place == DEAD ||
                        (model->events[before].place == IN_A_MESSAGE && model->events[before].lead == members.lead));
        event->told += told;
    }
    for (uint32_t i = 0; i < members.count; i++)
        model->events[members.numbers[i]].place = told ? TOLD : DEAD;
    assert_int_equal(tw_store_put_attempts(world->store, attempts, members.count, &world->error), TW_STORE_OK);
}

static bool count_delivery(void *context, const struct tw_store_delivery *delivery)
{
    (void)delivery;
    return ++*(uint64_t *)context > 0;
}

static bool count_repeat(void *context, const struct tw_store_waiting *it)
{
    assert_int_equal(it->queued_ns, NOON + 1);
    assert_int_equal(it->n % 7, 0);
    return ++*(uint64_t *)context > 0;
}

static void any_history_is_as_the_model_says(void **state)
{
    struct world *world = *state;
    static struct model model;
    uint64_t random = 11, dead = 0, repeats = 0, told = 0, refused = 0;
    memset(&model, 0, sizeof model);
    for (uint32_t step = 0; model.last < EVENTS - 1 || step % 97 != 0; step++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        uint32_t chance = (uint32_t)(random >> 33);
        if (model.last < EVENTS - 1 && chance % 4 != 0) {
            struct event *event = &model.events[++model.last];
            *event = (struct event){.alert = chance / 4 % ALERTS, .group = chance / 64 % GROUPS, .place = WAITS};
            put(world, event->alert, event->group);
        } else if (chance % 3 != 0) {
            make(world, &model, chance / 16 % GROUPS);
        } else {
            end_one(world, &model, chance / 256, chance / 16 % 5 != 0);
        }
        if (chance % 16 == 3)
            check_place(world, &model);
        if (chance % 64 == 5) {
            static const char *const names[] = {"ops"};
            world_reopen(world);
            tw_store_set_receivers(world->store, names, 1);
        }
    }
    for (uint32_t i = 0; i < EVENTS; i++) {
        end_one(world, &model, 0, true);
        make(world, &model, i % GROUPS);
    }
    check_place(world, &model);
    for (uint64_t n = 1; n < EVENTS; n++) {
        assert_true(model.events[n].place == DEAD || (model.events[n].place == TOLD && model.events[n].told == 1));
        told += model.events[n].place == TOLD;
        refused += model.events[n].place == DEAD;
    }
    assert_true(told > EVENTS / 2 && refused > 0 && out_of_turn > 0);
    assert_true(tw_store_deliveries(world->store, TW_DELIVERY_DEAD, RECEIVER, 0, count_delivery, &dead, &world->error));
    assert_int_equal(dead, refused);
    assert_true(tw_store_repeats(world->store, INT64_MAX, count_repeat, &repeats, &world->error));
    assert_true(repeats > 0);
    assert_true(tw_store_verify(world->store, NULL, NULL, &world->error));
}

struct first {
    struct tw_store_waiting it;
    char receiver[8], group[TW_GROUP_BYTES_MAX];
};
static bool keep_first(void *context, const struct tw_store_waiting *it)
{
    struct first *first = context;
    first->it = *it;
    memcpy(first->receiver, it->receiver.bytes, it->receiver.length);
    memcpy(first->group, it->group.bytes, it->group.length);
    first->it.receiver.bytes = first->receiver;
    first->it.group.bytes = first->group;
    return false;
}

static void what_was_told_waits_again_or_is_forgotten(void **state)
{
    struct world *world = *state;
    static struct model model;
    struct first first = {.it = {.n = 0}};
    memset(&model, 0, sizeof model);
    for (; model.last < 7; put(world, (uint32_t)model.last, 2))
        model.events[++model.last] = (struct event){.alert = (uint32_t)model.last - 1, .group = 2, .place = WAITS};
    make(world, &model, 2);
    end_one(world, &model, 0, true); /* 7 may be told again */
    assert_true(tw_store_repeats(world->store, NOON, keep_first, &first, &world->error));
    assert_int_equal(first.it.n, 0); /* not yet */
    assert_true(tw_store_repeats(world->store, NOON + 1, keep_first, &first, &world->error));
    assert_int_equal(first.it.n, 7);
    assert_int_equal(tw_store_repeat(world->store, &first.it, true, NOON + 5, &world->error), TW_STORE_OK);
    first.it.n = 0;
    assert_true(tw_store_repeats(world->store, INT64_MAX, keep_first, &first, &world->error));
    assert_int_equal(first.it.n, 0);
    assert_true(tw_store_waiting(world->store, RECEIVER, 0, 0, keep_first, &first, &world->error));
    assert_int_equal(first.it.n, 7);
    assert_int_equal(first.it.repeat, 1);
    assert_int_equal(first.it.queued_ns, NOON + 5);
}

static bool see_alone(void *context, const struct tw_store_delivery *delivery)
{
    struct seen *seen = context;
    assert_int_equal(delivery->group.length, 0);
    assert_int_equal(delivery->queued_ns, NOON - 9);
    assert_int_equal(delivery->at_ns, NOON + 9);
    assert_int_equal(delivery->attempts, 3);
    seen->numbers[seen->count++] = delivery->n;
    return true;
}

static bool see_any(void *context, const struct tw_store_waiting *it)
{
    (void)it;
    return ++*(uint64_t *)context > 0;
}

static void a_message_that_is_taken_apart_is_its_members(void **state)
{
    struct world *world = *state;
    static struct model model;
    struct seen seen = {.model = &model};
    struct tw_store_waiting elder;
    uint64_t members = 0;
    memset(&model, 0, sizeof model);
    for (uint32_t alert = 0; alert < 4; alert++) {
        model.events[++model.last] = (struct event){.alert = alert, .group = 2, .place = WAITS};
        put(world, alert, 2);
    }
    make(world, &model, 2);
    struct tw_store_attempt failed = {.receiver = RECEIVER,
                                      .n = 4,
                                      .outcome = TW_DELIVERY_AGAIN,
                                      .attempts = 3,
                                      .queued_ns = NOON - 9,
                                      .next_ns = NOON + 9,
                                      .lead = 4,
                                      .group = {group_names[2], (uint32_t)strlen(group_names[2])}};
    assert_int_equal(tw_store_put_attempts(world->store, &failed, 1, &world->error), TW_STORE_OK);
    assert_int_equal(tw_store_take_apart(world->store, RECEIVER, 4, &world->error), TW_STORE_OK);
    assert_true(tw_store_deliveries(world->store, TW_DELIVERY_PENDING, RECEIVER, 0, see_alone, &seen, &world->error));
    assert_int_equal(seen.count, 4);
    assert_true(tw_store_members(world->store, RECEIVER, 4, see_any, &members, &world->error));
    assert_int_equal(members, 0);
    uint8_t id[TW_ALERT_ID_BYTES];
    memset(id, 1, sizeof id);
    assert_true(tw_store_elder(world->store, RECEIVER, id, 9, 0, &elder, &world->error));
    assert_int_equal(elder.n, 0);
    assert_true(tw_store_verify(world->store, NULL, NULL, &world->error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(any_history_is_as_the_model_says, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_told_waits_again_or_is_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(a_message_that_is_taken_apart_is_its_members, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
