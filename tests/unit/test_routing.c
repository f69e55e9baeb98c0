/* SPDX-License-Identifier: MIT
 *
 * Who is told of an alert: the routing tree by example, and at random against a model that walks the tree from the top,
 * route by route, as the README tells it.
 */
#include "tests/unit/cfg_world.h"

#include "actors/delivery/group.h"
#include "actors/router/routing.h"

#define RECEIVERS                                                                                                      \
    "webhook\n    a = https://a.example\n    b = https://b.example\n    c = https://c.example\n    d = "               \
    "https://d.example\n"

static const char *const names[] = {"a", "b", "c", "d"};
enum { A = 1, B = 2, C = 4, D = 8, ALL = 15 };

struct world {
    struct tw_cfg *cfg;
    struct tw_routes *routes;
};

static struct world world_of(const char *text)
{
    struct cfg_file file = cfg_file_make(text);
    struct world world = {.cfg = cfg_load_good(&(struct tw_cfg_sources){.file = file.path})};
    cfg_file_remove(&file);
    world.routes = tw_routes_from(world.cfg, names, 4);
    return world;
}

static void end(struct world *world)
{
    tw_routes_free(&world->routes);
    tw_cfg_free(&world->cfg);
}

static struct tw_routing_facts facts_of(enum tw_rule rule, enum tw_severity severity, const char *entity)
{
    return (struct tw_routing_facts){
        rule, severity, TW_EVENT_OPEN, TW_ENTITY_SYMBOL, {entity, (uint32_t)strlen(entity)}, 0, {"", 0}};
}

static uint32_t told(const struct world *world, enum tw_rule rule, enum tw_severity severity, const char *entity)
{
    struct tw_routing routing = {.names = {"a", "b", "c", "d"}, .count = 4, .routes = world->routes};
    struct tw_routing_facts facts = facts_of(rule, severity, entity);
    return tw_routing_decide(&routing, &facts, NULL);
}

static void without_routes_everybody_is_told(void **state)
{
    (void)state;
    struct world world = world_of(RECEIVERS);
    assert_null(world.routes);
    assert_int_equal(tw_routes_count(world.routes), 0);
    assert_int_equal(told(&world, TW_RULE_LARGE_TRADE, TW_SEVERITY_LOW, "X"), ALL);
    end(&world);
}

static void the_first_route_that_takes_it_decides(void **state)
{
    (void)state;
    struct world world = world_of(RECEIVERS "route\n"
                                            "    page\n"
                                            "        match = severity=CRITICAL\n"
                                            "        receiver = a b\n"
                                            "    tests\n"
                                            "        match = entity=~TEST.*\n"
                                            "        receiver = none\n"
                                            "    gaps\n"
                                            "        match = type=FEED_GAP\n"
                                            "        receiver = c\n"
                                            "        continue = on\n"
                                            "    high\n"
                                            "        match = severity=HIGH\n"
                                            "        receiver = d\n");
    assert_int_equal(told(&world, TW_RULE_FEED_GAP, TW_SEVERITY_CRITICAL, "X"), A | B);
    assert_int_equal(told(&world, TW_RULE_FEED_GAP, TW_SEVERITY_CRITICAL, "TEST1"), A | B);
    assert_int_equal(told(&world, TW_RULE_FEED_GAP, TW_SEVERITY_HIGH, "TEST1"), 0);
    assert_int_equal(told(&world, TW_RULE_FEED_GAP, TW_SEVERITY_HIGH, "X"), C | D);
    assert_int_equal(told(&world, TW_RULE_FEED_GAP, TW_SEVERITY_LOW, "X"), C);
    assert_int_equal(told(&world, TW_RULE_VELOCITY, TW_SEVERITY_HIGH, "X"), D);
    assert_int_equal(told(&world, TW_RULE_VELOCITY, TW_SEVERITY_LOW, "X"), ALL); /* no route took it */
    end(&world);
}

static void routes_below_take_precedence_and_inherit(void **state)
{
    (void)state;
    struct world world = world_of(RECEIVERS "route\n"
                                            "    second\n" /* stands before the parent, and before its sibling */
                                            "        parent = top\n"
                                            "        match = rule=velocity\n"
                                            "        continue = on\n"
                                            "    top\n"
                                            "        match = severity!=LOW\n"
                                            "        receiver = a\n"
                                            "    third\n"
                                            "        parent = top\n"
                                            "        match = severity=HIGH\n"
                                            "        receiver = b\n"
                                            "    fourth\n"
                                            "        parent = top\n"
                                            "        receiver = c\n");
    enum tw_route_answer answers[TW_ROUTES_MAX];
    assert_int_equal(told(&world, TW_RULE_VELOCITY, TW_SEVERITY_HIGH, "X"), A | B);
    assert_int_equal(told(&world, TW_RULE_VELOCITY, TW_SEVERITY_CRITICAL, "X"), A | C);
    assert_int_equal(told(&world, TW_RULE_ANOMALY, TW_SEVERITY_HIGH, "X"), B);
    assert_int_equal(told(&world, TW_RULE_ANOMALY, TW_SEVERITY_LOW, "X"), ALL);

    struct tw_routing_facts facts = facts_of(TW_RULE_ANOMALY, TW_SEVERITY_HIGH, "X");
    struct tw_labels labels = tw_routing_labels(&facts);
    static const enum tw_route_answer expected[] = {TW_ROUTE_PASSED_ON, TW_ROUTE_NO_MATCH, TW_ROUTE_DECIDED,
                                                    TW_ROUTE_PASSED_BY};
    static const char *const order[] = {"top", "second", "third", "fourth"};
    assert_int_equal(tw_routes_decide(world.routes, &labels, 0, answers), B);
    for (uint32_t i = 0; i < 4; i++) {
        struct tw_route_view view = tw_routes_view(world.routes, i);
        assert_string_equal(view.name, order[i]);
        assert_int_equal(answers[i], expected[i]);
        if (i == 0)
            assert_null(view.parent);
        else
            assert_string_equal(view.parent, "top");
    }
    assert_int_equal(tw_routes_view(world.routes, 1).receivers, A); /* inherited */
    end(&world);
}

static void least_severities_hold_as_well(void **state)
{
    (void)state;
    struct world world = world_of(RECEIVERS "route/all/receiver = a b\n");
    struct tw_routing routing = {.names = {"a", "b", "c", "d"},
                                 .minimum = {TW_SEVERITY_LOW, TW_SEVERITY_HIGH, TW_SEVERITY_LOW, TW_SEVERITY_LOW},
                                 .count = 4,
                                 .routes = world.routes};
    struct tw_routing_facts facts = facts_of(TW_RULE_ANOMALY, TW_SEVERITY_MEDIUM, "X");
    assert_int_equal(tw_routing_decide(&routing, &facts, NULL), A);
    facts.severity = TW_SEVERITY_HIGH;
    assert_int_equal(tw_routing_decide(&routing, &facts, NULL), A | B);
    end(&world);
}

static void what_nobody_takes_goes_to_others_later_and_what_grows_at_once(void **state)
{
    (void)state;
    struct world world = world_of(RECEIVERS "route/clients/match = entity_type=CLIENT\n"
                                            "route/clients/receiver = c\n"
                                            "route/all/receiver = a\n"
                                            "route/all/escalate_after = 90\n"
                                            "route/all/escalate_to = a b d\n");
    struct tw_routing routing = {.names = {"a", "b", "c", "d"},
                                 .minimum = {TW_SEVERITY_LOW, TW_SEVERITY_LOW, TW_SEVERITY_LOW, TW_SEVERITY_CRITICAL},
                                 .count = 4,
                                 .routes = world.routes};
    struct tw_routing_facts facts = facts_of(TW_RULE_ANOMALY, TW_SEVERITY_HIGH, "X");
    struct tw_route_escalation later;
    assert_int_equal(tw_routing_decide(&routing, &facts, &later), A);
    assert_int_equal(later.receivers, B); /* a has it already, d wants CRITICAL */
    assert_int_equal(later.after_ns, 90 * TW_NS_PER_SECOND);
    facts.kind = TW_EVENT_ESCALATE;
    facts.severity = TW_SEVERITY_CRITICAL;
    assert_int_equal(tw_routing_decide(&routing, &facts, &later), A | B | D);
    assert_int_equal(later.receivers, 0);
    facts.kind = TW_EVENT_RESOLVE;
    assert_int_equal(tw_routing_decide(&routing, &facts, &later), A);
    assert_int_equal(later.receivers, 0);
    facts.kind = TW_EVENT_OPEN;
    facts.entity_type = TW_ENTITY_CLIENT; /* another route's */
    assert_int_equal(tw_routing_decide(&routing, &facts, &later), C);
    assert_int_equal(later.receivers, 0);
    end(&world);
}

static int64_t an_hour_ahead(int64_t ts_ns)
{
    return ts_ns / 1000000000 + 3600;
}

static void outside_its_hours_a_route_takes_nothing(void **state)
{
    (void)state;
    static const int64_t monday_ns = INT64_C(1764547200) * 1000000000, hour_ns = INT64_C(3600) * 1000000000;
    struct world world = world_of(RECEIVERS "route/night/hours = Mon-Fri 22:00-06:00, Sat-Sun\n"
                                            "route/night/match = severity!=CRITICAL\n"
                                            "route/night/receiver = none\n"
                                            "route/day/receiver = a\n");
    struct tw_routing routing = {
        .names = {"a", "b", "c", "d"}, .count = 4, .routes = world.routes, .local_seconds = an_hour_ahead};
    struct tw_routing_facts facts = facts_of(TW_RULE_ANOMALY, TW_SEVERITY_HIGH, "X");
    assert_true(tw_routes_by_hours(world.routes));
    for (int hour = 0; hour < 7 * 24; hour++) {
        int local = (hour + 1) % (7 * 24), weekday = local / 24, of_day = local % 24;
        bool night = weekday >= 5 || of_day >= 22 || (of_day < 6 && weekday != 0);
        facts.ts_ns = monday_ns + hour * hour_ns;
        facts.severity = TW_SEVERITY_HIGH;
        assert_int_equal(tw_routing_decide(&routing, &facts, NULL), night ? 0 : A);
        facts.severity = TW_SEVERITY_CRITICAL;
        assert_int_equal(tw_routing_decide(&routing, &facts, NULL), A);
    }
    end(&world);
}

/* ---- at random ---- */

static uint64_t random_state;
static uint32_t below(uint32_t bound)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((random_state >> 33) % bound);
}

#define ROUTES 12u
static struct model_route {
    int parent;         /* -1: none */
    int severity, rule; /* -1: any */
    bool not_severity, goes_on;
    int receivers; /* -1: those of its parent */
} model[ROUTES];
static uint32_t model_count;

static bool model_matches(const struct model_route *route, int rule, int severity)
{
    if (route->severity >= 0 && (route->severity == severity) == route->not_severity)
        return false;
    return route->rule < 0 || route->rule == rule;
}

static uint32_t model_receivers(int place)
{
    while (model[place].receivers < 0)
        place = model[place].parent;
    return (uint32_t)model[place].receivers;
}

/* Asks those below `parent` in order. False: none took it. */
static bool model_walk(int parent, int rule, int severity, uint32_t *receivers)
{
    bool taken = false;
    for (int i = 0; i < (int)model_count; i++) {
        if (model[i].parent != parent || !model_matches(&model[i], rule, severity))
            continue;
        if (!model_walk(i, rule, severity, receivers))
            *receivers |= model_receivers(i);
        taken = true;
        if (!model[i].goes_on)
            break;
    }
    return taken;
}

/* Parents may stand behind their children: names are places in a random order of levels. */
static void invent(void)
{
    model_count = 1 + below(ROUTES);
    for (int i = 0; i < (int)model_count; i++)
        model[i] = (struct model_route){.parent = -1,
                                        .severity = below(2) == 0 ? -1 : (int)(1 + below(4)),
                                        .rule = below(2) == 0 ? -1 : (int)below(TW_RULE_COUNT),
                                        .not_severity = below(3) == 0,
                                        .goes_on = below(3) == 0,
                                        .receivers = (int)below(16)};
    int root = (int)below(model_count);
    for (int i = 0; i < (int)model_count; i++) { /* at most three levels, whose parents stand anywhere */
        if (i == root || below(4) == 0)
            continue;
        model[i].parent = root;
        if (below(3) == 0)
            model[i].receivers = -1;
    }
    for (int i = 0; i < (int)model_count; i++) {
        int other = (int)below(model_count);
        if (model[i].parent == root && model[other].parent == root && other != i && below(2) == 0) {
            bool has_child = false;
            for (int j = 0; j < (int)model_count; j++)
                has_child = has_child || model[j].parent == i;
            if (!has_child)
                model[i].parent = other;
        }
    }
}

static void write_text(char *text)
{
    text += sprintf(text, RECEIVERS);
    for (int i = 0; i < (int)model_count; i++) {
        const struct model_route *route = &model[i];
        text += sprintf(text, "route/r%d/continue = %s\n", i, route->goes_on ? "on" : "off");
        if (route->parent >= 0)
            text += sprintf(text, "route/r%d/parent = r%d\n", i, route->parent);
        if (route->severity >= 0 || route->rule >= 0)
            text += sprintf(text, "route/r%d/match =", i);
        if (route->severity >= 0)
            text += sprintf(text, " severity%s%s", route->not_severity ? "!=" : "=",
                            tw_severity_name((enum tw_severity)route->severity));
        if (route->rule >= 0)
            text += sprintf(text, " type=~%s", tw_rule_type((enum tw_rule)route->rule));
        text += sprintf(text, "\n");
        if (route->receivers < 0)
            continue;
        text += sprintf(text, "route/r%d/receiver =%s", i, route->receivers == 0 ? " none" : "");
        for (int j = 0; j < 4; j++)
            text += sprintf(text, "%s%s", (route->receivers >> j & 1) != 0 ? " " : "",
                            (route->receivers >> j & 1) != 0 ? names[j] : "");
        text += sprintf(text, "\n");
    }
}

static void it_agrees_with_the_model(void **state)
{
    (void)state;
    static char text[ROUTES * 256 + 512];
    unsigned depths[3] = {0}, nobody = 0, partly = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        random_state = seed;
        invent();
        write_text(text);
        struct world world = world_of(text);
        for (int i = 0; i < (int)model_count; i++)
            depths[model[i].parent < 0 ? 0 : model[model[i].parent].parent < 0 ? 1 : 2]++;
        for (int rule = 0; rule < TW_RULE_COUNT; rule++)
            for (int severity = TW_SEVERITY_LOW; severity <= TW_SEVERITY_CRITICAL; severity++) {
                uint32_t expected = 0;
                if (!model_walk(-1, rule, severity, &expected))
                    expected = ALL;
                uint32_t found = told(&world, (enum tw_rule)rule, (enum tw_severity)severity, "X");
                if (found != expected)
                    fail_msg("seed %u, %s %s: %x, not %x\n%s", (unsigned)seed, tw_rule_type((enum tw_rule)rule),
                             tw_severity_name((enum tw_severity)severity), found, expected, text);
                nobody += expected == 0 ? 1u : 0u;
                partly += expected != 0 && expected != ALL ? 1u : 0u;
            }
        end(&world);
    }
    assert_true(depths[0] > 100 && depths[1] > 100 && depths[2] > 100 && nobody > 100 && partly > 1000);
}

static void check_group(const struct world *world, const struct tw_routing_facts *facts, uint32_t receivers,
                        const char *name, uint32_t of)
{
    struct tw_routing routing = {
        .names = {"a", "b", "c", "d"}, .count = 4, .groupable = A | B | C, .routes = world->routes};
    struct tw_route_group groups[TW_RECEIVERS_MAX];
    uint32_t told = tw_routing_decide(&routing, facts, NULL);
    assert_int_equal(told, receivers);
    uint32_t count = tw_routing_groups(&routing, facts, told, groups);
    assert_int_equal(count, name == NULL ? 0 : 1);
    if (name == NULL)
        return;
    assert_int_equal(groups[0].receivers, of);
    assert_int_equal(groups[0].length, strlen(name));
    assert_memory_equal(groups[0].name, name, groups[0].length);
}

static void what_routes_take_goes_in_groups_by_their_labels(void **state)
{
    (void)state;
    struct world world = world_of(RECEIVERS "route\n"
                                            "    lone\n"
                                            "        match = severity=CRITICAL\n"
                                            "        receiver = a b\n"
                                            "    desk\n"
                                            "        receiver = a b d\n"
                                            "        group_by = type entity\n"
                                            "        group_wait = 5\n"
                                            "        repeat_interval = 60\n"
                                            "    gaps\n"
                                            "        parent = desk\n"
                                            "        match = type=FEED_GAP\n"
                                            "        group_by = none\n"
                                            "        group_interval = 7\n");
    struct tw_routing_facts facts = facts_of(TW_RULE_VELOCITY, TW_SEVERITY_HIGH, "X");
    check_group(&world, &facts, A | B | D, "desk{type=HIGH_TRANSACTION_VELOCITY,entity=X}",
                A | B); /* d takes no digests */
    facts.rule = TW_RULE_FEED_GAP;
    check_group(&world, &facts, A | B | D, "gaps{}", A | B);
    facts.severity = TW_SEVERITY_CRITICAL;
    check_group(&world, &facts, A | B, NULL, 0);
    char entity[201];
    memset(entity, 'e', 200);
    entity[200] = '\0';
    facts = facts_of(TW_RULE_VELOCITY, TW_SEVERITY_HIGH, entity);
    struct tw_routing routing = {.count = 4, .groupable = A, .routes = world.routes};
    struct tw_route_group one[TW_RECEIVERS_MAX], other[TW_RECEIVERS_MAX];
    assert_int_equal(tw_routing_groups(&routing, &facts, A, one), 1);
    entity[199] = 'f'; /* behind the cut: the hash tells them apart */
    assert_int_equal(tw_routing_groups(&routing, &facts, A, other), 1);
    assert_int_equal(one[0].length, TW_GROUP_BYTES_MAX);
    assert_memory_not_equal(one[0].name, other[0].name, TW_GROUP_BYTES_MAX);

    struct tw_route_grouping desk = tw_routes_grouping(world.routes, (struct tw_text){"desk{type=X}", 12});
    assert_true(desk.groups && desk.wait_ns == 5 * TW_NS_PER_SECOND && desk.interval_ns == 300 * TW_NS_PER_SECOND &&
                desk.repeat_ns == 60 * TW_NS_PER_SECOND);
    struct tw_route_grouping gaps = tw_routes_grouping(world.routes, (struct tw_text){"gaps{}", 6});
    assert_true(gaps.groups && gaps.by == 0 && gaps.wait_ns == desk.wait_ns && /* its parent's */
                gaps.interval_ns == 7 * TW_NS_PER_SECOND);
    struct tw_route_grouping gone = tw_routes_grouping(world.routes, (struct tw_text){"gone{}", 6});
    assert_false(gone.groups);
    const int64_t noon = INT64_C(1700000000) * TW_NS_PER_SECOND, day = INT64_C(86400) * TW_NS_PER_SECOND;
    assert_int_equal(tw_group_due(&gone, 100, 90, noon), 100);
    assert_int_equal(tw_group_due(&desk, 100, 0, noon), 100 + 5 * TW_NS_PER_SECOND);
    assert_int_equal(tw_group_due(&desk, 100, 90, noon), 90 + 300 * TW_NS_PER_SECOND);
    assert_int_equal(tw_group_due(&desk, 1000 * TW_NS_PER_SECOND, 90, noon), 1005 * TW_NS_PER_SECOND);
    /* The clock has been set back since: as much of it as can be true counts. */
    assert_int_equal(tw_group_due(&gone, noon + 1, 90, noon), noon);
    assert_int_equal(tw_group_due(&desk, noon + day, 0, noon), noon);
    assert_int_equal(tw_group_due(&desk, noon - day, noon + day, noon), noon);
    assert_int_equal(tw_group_due(&desk, noon, noon + day, noon), noon + desk.wait_ns);
    assert_int_equal(tw_group_due(&desk, noon, noon, noon), noon + desk.interval_ns);
    assert_true(tw_routes_longest(world.routes).repeat_ns == desk.repeat_ns &&
                tw_routes_longest(world.routes).escalation_ns == 0 && tw_routes_longest(NULL).repeat_ns == 0);
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_routes_take_goes_in_groups_by_their_labels),
        cmocka_unit_test(without_routes_everybody_is_told),
        cmocka_unit_test(the_first_route_that_takes_it_decides),
        cmocka_unit_test(routes_below_take_precedence_and_inherit),
        cmocka_unit_test(least_severities_hold_as_well),
        cmocka_unit_test(what_nobody_takes_goes_to_others_later_and_what_grows_at_once),
        cmocka_unit_test(outside_its_hours_a_route_takes_nothing),
        cmocka_unit_test(it_agrees_with_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
