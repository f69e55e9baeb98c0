/* SPDX-License-Identifier: MIT
 *
 * Inhibition: what mutes what, by example; and at random against a model that looks at every open alert each time,
 * saved and loaded again in between.
 */
#include "tests/unit/cfg_world.h"

#include "actors/router/inhibition.h"

#define SECOND TW_NS_PER_SECOND
#define TEXT(literal) ((struct tw_text){literal, sizeof literal - 1})

struct world {
    struct tw_cfg *cfg;
    struct tw_inhibitor *inhibitor;
    uint64_t n;
    uint64_t released[64], was_by[64];
    uint32_t released_count;
};

static struct world world_of(const char *text)
{
    struct cfg_file file = cfg_file_make(text);
    struct world world = {.cfg = cfg_load_good(&(struct tw_cfg_sources){.file = file.path})};
    cfg_file_remove(&file);
    world.inhibitor = tw_inhibitor_from(world.cfg);
    return world;
}

static void end(struct world *world)
{
    tw_inhibitor_free(&world->inhibitor);
    tw_cfg_free(&world->cfg);
}

static void note_release(void *context, const struct tw_inhibited *event, const struct tw_inhibition *was)
{
    struct world *world = context;
    assert_true(world->released_count < 64);
    assert_non_null(was->rule);
    world->was_by[world->released_count] = was->by;
    world->released[world->released_count++] = event->n;
}

struct event {
    enum tw_rule rule;
    enum tw_severity severity;
    enum tw_event_kind kind;
    const char *entity, *publisher;
    int64_t ts_ns;
};

/* What mutes it; it is taken. */
static struct tw_inhibition take(struct world *world, char id, struct event event)
{
    uint8_t bytes[TW_ALERT_ID_BYTES] = {(uint8_t)id};
    struct tw_inhibited next = {++world->n,
                                bytes,
                                {event.rule,
                                 event.severity,
                                 event.kind,
                                 event.rule == TW_RULE_FEED_GAP ? TW_ENTITY_PUBLISHER : TW_ENTITY_CLIENT,
                                 {event.entity, (uint32_t)strlen(event.entity)},
                                 event.ts_ns,
                                 {event.publisher, (uint32_t)strlen(event.publisher)}}};
    struct tw_inhibition muted = tw_inhibitor_mutes(world->inhibitor, &next);
    world->released_count = 0;
    tw_inhibitor_take(world->inhibitor, &next, &muted, note_release, world);
    return muted;
}

static struct event exposure(enum tw_severity severity, enum tw_event_kind kind, const char *entity)
{
    return (struct event){TW_RULE_CLIENT_EXPOSURE, severity, kind, entity, "desk-1", 0};
}
static struct event velocity(enum tw_event_kind kind, const char *entity)
{
    return (struct event){TW_RULE_VELOCITY, TW_SEVERITY_HIGH, kind, entity, "desk-1", 0};
}

static void without_rules_there_is_nothing(void **state)
{
    (void)state;
    struct world world = world_of("");
    assert_null(world.inhibitor);
    end(&world);
}

static void a_critical_mutes_the_high_of_the_same_entity_until_it_ends(void **state)
{
    (void)state;
    struct world world = world_of("inhibit/worst/preset = critical\n");
    assert_null(take(&world, 'v', velocity(TW_EVENT_OPEN, "A")).rule);
    assert_null(take(&world, 'x', exposure(TW_SEVERITY_HIGH, TW_EVENT_OPEN, "A")).rule);
    assert_null(take(&world, 'x', exposure(TW_SEVERITY_CRITICAL, TW_EVENT_ESCALATE, "A")).rule);
    assert_null(take(&world, 'v', velocity(TW_EVENT_RESOLVE, "A")).rule); /* it was told that it began */
    struct tw_inhibition muted = take(&world, 'w', velocity(TW_EVENT_OPEN, "A"));
    assert_string_equal(muted.rule, "worst");
    assert_int_equal(muted.by, 2);
    assert_null(take(&world, 'b', velocity(TW_EVENT_OPEN, "B")).rule);
    assert_string_equal(take(&world, 'w', velocity(TW_EVENT_RESOLVE, "A")).rule, "worst"); /* nothing of it was told */
    assert_string_equal(take(&world, 'y', velocity(TW_EVENT_OPEN, "A")).rule, "worst");
    assert_null(take(&world, 'x', exposure(TW_SEVERITY_CRITICAL, TW_EVENT_RESOLVE, "A")).rule);
    assert_int_equal(world.released_count, 1); /* it is still open */
    assert_int_equal(world.released[0], 8);
    assert_int_equal(world.was_by[0], 2);
    assert_null(take(&world, 'y', velocity(TW_EVENT_RESOLVE, "A")).rule);
    assert_int_equal(world.released_count, 0);
    end(&world);
}

static void what_was_retracted_is_not_released(void **state)
{
    (void)state;
    struct world world = world_of("inhibit/worst/preset = critical\n");
    take(&world, 'x', exposure(TW_SEVERITY_CRITICAL, TW_EVENT_OPEN, "A"));
    assert_non_null(take(&world, 'y', velocity(TW_EVENT_OPEN, "A")).rule);
    assert_non_null(take(&world, 'y', velocity(TW_EVENT_RETRACT, "A")).rule);
    take(&world, 'x', exposure(TW_SEVERITY_CRITICAL, TW_EVENT_RETRACT, "A"));
    assert_int_equal(world.released_count, 0);
    end(&world);
}

static struct event gap(const char *publisher, int64_t ts_ns)
{
    return (struct event){TW_RULE_FEED_GAP, TW_SEVERITY_HIGH, TW_EVENT_FIRE, publisher, publisher, ts_ns};
}
static struct event from(enum tw_event_kind kind, const char *publisher, int64_t ts_ns)
{
    return (struct event){TW_RULE_VELOCITY, TW_SEVERITY_HIGH, kind, "A", publisher, ts_ns};
}

static void a_gap_mutes_what_it_makes_doubtful_for_a_while(void **state)
{
    (void)state;
    struct world world = world_of("inhibit\n    gaps\n        preset = feed_gap\n        hold = 60\n");
    assert_null(take(&world, 'g', gap("nyse", 100 * SECOND)).rule);
    struct tw_inhibition muted = take(&world, 'a', from(TW_EVENT_OPEN, "nyse", 101 * SECOND));
    assert_string_equal(muted.rule, "gaps");
    assert_int_equal(muted.by, 1);
    assert_null(take(&world, 'b', from(TW_EVENT_OPEN, "lse", 101 * SECOND)).rule);
    assert_null(take(&world, 'c', from(TW_EVENT_OPEN, "", 101 * SECOND)).rule); /* nobody knows whose it is */
    assert_null(take(&world, 'h', gap("nyse", 120 * SECOND)).rule);             /* gaps mute no gaps */
    assert_non_null(take(&world, 'd', from(TW_EVENT_OPEN, "nyse", 179 * SECOND)).rule);
    struct event large = from(TW_EVENT_FIRE, "nyse", 179 * SECOND);
    large.rule = TW_RULE_LARGE_TRADE; /* one trade is what it is */
    assert_null(take(&world, 'l', large).rule);
    assert_int_equal(world.released_count, 0);
    assert_null(take(&world, 'e', from(TW_EVENT_OPEN, "nyse", 180 * SECOND)).rule);
    assert_int_equal(world.released_count, 2); /* the gap holds no longer */
    end(&world);
}

static void a_gap_in_a_feed_of_old_trades_holds_by_their_clock(void **state)
{
    (void)state;
    struct world world = world_of("inhibit\n    gaps\n        preset = feed_gap\n        hold = 60\n");
    take(&world, 'g', gap("nyse", 1000000 * SECOND));
    take(&world, 'h', gap("lse", 1000001 * SECOND));
    assert_non_null(take(&world, 'a', from(TW_EVENT_OPEN, "nyse", 100 * SECOND)).rule);
    assert_non_null(take(&world, 'b', from(TW_EVENT_OPEN, "nyse", 159 * SECOND)).rule);
    assert_null(take(&world, 'c', from(TW_EVENT_OPEN, "nyse", 160 * SECOND)).rule);
    assert_null(take(&world, 'd', from(TW_EVENT_OPEN, "lse", 161 * SECOND)).rule);
    end(&world);
}

static struct event large(enum tw_severity severity, int64_t ts_ns)
{
    return (struct event){TW_RULE_LARGE_TRADE, severity, TW_EVENT_FIRE, "A", "desk-1", ts_ns};
}

static void a_short_hold_behind_a_long_one_ends_in_its_own_time(void **state)
{
    (void)state;
    struct world world = world_of("inhibit\n"
                                  "    gaps\n        preset = feed_gap\n        hold = 3600\n"
                                  "    large\n        source = type=LARGE_TRADE\n        target = severity=CRITICAL\n"
                                  "        hold = 10\n");
    take(&world, 'g', gap("nyse", 100 * SECOND));
    take(&world, 'l', large(TW_SEVERITY_HIGH, 101 * SECOND));
    struct event critical = exposure(TW_SEVERITY_CRITICAL, TW_EVENT_OPEN, "A");
    critical.ts_ns = 102 * SECOND;
    assert_string_equal(take(&world, 'x', critical).rule, "large");
    take(&world, 'b', from(TW_EVENT_OPEN, "lse", 110 * SECOND));
    assert_int_equal(world.released_count, 0);
    take(&world, 'b', from(TW_EVENT_RESOLVE, "lse", 111 * SECOND));
    assert_int_equal(world.released_count, 1);
    assert_int_equal(world.released[0], 3);
    assert_non_null(take(&world, 'c', from(TW_EVENT_OPEN, "nyse", 3699 * SECOND)).rule);
    take(&world, 'b', from(TW_EVENT_OPEN, "lse", 3700 * SECOND));
    assert_int_equal(world.released_count, 1);
    end(&world);
}

static void a_late_one_shot_source_shortens_no_hold(void **state)
{
    (void)state;
    struct world world = world_of("inhibit\n"
                                  "    large\n        source = type=LARGE_TRADE\n        target = severity=CRITICAL\n"
                                  "        hold = 10\n");
    take(&world, 'l', large(TW_SEVERITY_HIGH, 100 * SECOND));
    take(&world, 'm', large(TW_SEVERITY_HIGH, 92 * SECOND));
    struct event critical = exposure(TW_SEVERITY_CRITICAL, TW_EVENT_OPEN, "A");
    critical.ts_ns = 109 * SECOND;
    assert_int_equal(take(&world, 'x', critical).by, 1);
    take(&world, 'b', from(TW_EVENT_OPEN, "lse", 110 * SECOND));
    assert_int_equal(world.released_count, 1);
    end(&world);
}

static void what_is_source_and_target_mutes_none_of_its_like(void **state)
{
    (void)state;
    struct world world = world_of("inhibit\n"
                                  "    any\n"
                                  "        source = severity=~HIGH|CRITICAL\n"
                                  "        target = severity=~HIGH|MEDIUM\n"
                                  "        equal = entity\n");
    take(&world, 'a', exposure(TW_SEVERITY_HIGH, TW_EVENT_OPEN, "A"));
    assert_null(take(&world, 'b', exposure(TW_SEVERITY_HIGH, TW_EVENT_OPEN, "A")).rule);
    assert_int_equal(take(&world, 'c', exposure(TW_SEVERITY_MEDIUM, TW_EVENT_OPEN, "A")).by, 2);
    take(&world, 'd', exposure(TW_SEVERITY_CRITICAL, TW_EVENT_OPEN, "A"));
    assert_int_equal(take(&world, 'e', exposure(TW_SEVERITY_HIGH, TW_EVENT_OPEN, "A")).by, 4);
    take(&world, 'd', exposure(TW_SEVERITY_CRITICAL, TW_EVENT_RESOLVE, "A"));
    assert_int_equal(world.released_count, 1); /* e; c has a and b still */
    assert_int_equal(world.released[0], 5);
    end(&world);
}

static void other_rules_leave_open_alerts_open_and_tell_their_ends(void **state)
{
    (void)state;
    struct world world = world_of("inhibit/worst/preset = critical\n");
    take(&world, 'x', exposure(TW_SEVERITY_CRITICAL, TW_EVENT_OPEN, "A"));
    assert_non_null(take(&world, 'y', velocity(TW_EVENT_OPEN, "A")).rule);
    struct tw_buffer saved = {0};
    tw_inhibitor_save(world.inhibitor, &saved);
    struct world other =
        world_of("inhibit\n    lows\n        source = severity=CRITICAL\n        target = severity=LOW\n");
    assert_true(tw_inhibitor_load(other.inhibitor, saved.bytes, saved.length));
    other.n = tw_inhibitor_last(other.inhibitor);
    assert_int_equal(other.n, 2);
    assert_non_null(take(&other, 'z', exposure(TW_SEVERITY_LOW, TW_EVENT_OPEN, "B")).rule);
    assert_null(take(&other, 'y', velocity(TW_EVENT_RESOLVE, "A")).rule);
    struct world third = world_of("inhibit/worst/preset = critical\n");
    assert_false(tw_inhibitor_load(third.inhibitor, saved.bytes, saved.length - 1)); /* cut off */
    tw_buffer_free(&saved);
    end(&world);
    end(&other);
    end(&third);
}

/* ---- at random, against a model ---- */

static const char *const rules_at_random =
    "inhibit\n"
    "    a_worst\n        preset = critical\n        hold = 20\n"
    "    b_gaps\n        preset = feed_gap\n        hold = 90\n"
    "    c_both\n        source = severity=~HIGH|MEDIUM\n        target = severity=~MEDIUM|LOW\n"
    "        equal = entity\n        hold = 7\n"
    "    d_any\n        source = type=LARGE_TRADE severity=CRITICAL\n        target = type=ANOMALY_DETECTED\n"
    "        hold = 40\n";
static const char *const names[] = {"a_worst", "b_gaps", "c_both", "d_any"};
static const int64_t holds_ns[] = {20 * SECOND, 90 * SECOND, 7 * SECOND, 40 * SECOND};

#define ALERTS 24

struct model_alert {
    bool open, told;
    int muted; /* by the rule of that number; -1: its newest event is not */
    uint64_t n;
    struct event event;
};
struct model_hold {
    struct event event;
    bool holds[4]; /* by rule */
};
struct model {
    struct model_alert alerts[ALERTS];
    struct model_hold holds[4000];
    uint32_t hold_count;
};

static bool is_source(int rule, const struct event *event)
{
    switch (rule) {
    case 0:
        return event->severity == TW_SEVERITY_CRITICAL;
    case 1:
        return event->rule == TW_RULE_FEED_GAP;
    case 2:
        return event->severity == TW_SEVERITY_HIGH || event->severity == TW_SEVERITY_MEDIUM;
    default:
        return event->rule == TW_RULE_LARGE_TRADE && event->severity == TW_SEVERITY_CRITICAL;
    }
}

static bool is_target(int rule, const struct event *event)
{
    switch (rule) {
    case 0:
        return event->severity == TW_SEVERITY_HIGH;
    case 1:
        return event->rule != TW_RULE_FEED_GAP && event->rule != TW_RULE_LARGE_TRADE;
    case 2:
        return event->severity == TW_SEVERITY_MEDIUM || event->severity == TW_SEVERITY_LOW;
    default:
        return event->rule == TW_RULE_ANOMALY;
    }
}

static bool are_equal(int rule, const struct event *a, const struct event *b)
{
    bool same_type = (a->rule == TW_RULE_FEED_GAP) == (b->rule == TW_RULE_FEED_GAP);
    switch (rule) {
    case 0:
        return same_type && strcmp(a->entity, b->entity) == 0;
    case 1:
        return strcmp(a->publisher, b->publisher) == 0;
    case 2:
        return strcmp(a->entity, b->entity) == 0;
    default:
        return true;
    }
}

static bool mutes(int rule, const struct event *source, const struct event *target)
{
    return is_source(rule, source) && is_target(rule, target) && are_equal(rule, source, target) &&
           !(is_source(rule, target) && is_target(rule, source));
}

static int model_mutes(const struct model *model, const struct event *event, const struct model_alert *self, int from,
                       int to)
{
    for (int rule = from; rule < to; rule++) {
        for (int i = 0; i < ALERTS; i++)
            if (model->alerts[i].open && &model->alerts[i] != self && mutes(rule, &model->alerts[i].event, event))
                return rule;
        for (uint32_t i = 0; i < model->hold_count; i++)
            if (model->holds[i].holds[rule] && event->ts_ns < model->holds[i].event.ts_ns + holds_ns[rule] &&
                mutes(rule, &model->holds[i].event, event))
                return rule;
    }
    return -1;
}

static bool holds_anything(const struct event *event)
{
    return event->kind == TW_EVENT_FIRE &&
           (is_source(0, event) || is_source(1, event) || is_source(2, event) || is_source(3, event));
}

static void model_tell_time(struct model *model, int64_t ts_ns)
{
    for (uint32_t i = 0; i < model->hold_count; i++)
        for (int rule = 0; rule < 4; rule++)
            model->holds[i].holds[rule] &= model->holds[i].event.ts_ns + holds_ns[rule] > ts_ns;
}

/* What is to be told now, in order of n. */
static uint32_t model_releases(struct model *model, uint64_t out[ALERTS])
{
    uint32_t count = 0;
    for (int i = 0; i < ALERTS; i++) {
        struct model_alert *alert = &model->alerts[i];
        if (!alert->open || alert->muted < 0)
            continue;
        if (model_mutes(model, &alert->event, alert, alert->muted, alert->muted + 1) < 0) /* that rule no longer does */
            alert->muted = model_mutes(model, &alert->event, alert, 0, 4);
        if (alert->muted < 0) {
            alert->told = true;
            out[count++] = alert->n;
        }
    }
    return count;
}

static int model_expects(const struct model *model, int at, const struct event *event)
{
    const struct model_alert *alert = &model->alerts[at];
    if (event->kind == TW_EVENT_RESOLVE)
        return alert->told ? -1 : alert->muted;
    return model_mutes(model, event, alert->open && event->kind != TW_EVENT_FIRE ? alert : NULL, 0, 4);
}

static void model_take(struct model *model, int at, const struct event *event, uint64_t n, int muted)
{
    struct model_alert *alert = &model->alerts[at];
    if (event->kind == TW_EVENT_FIRE) {
        if (holds_anything(event))
            model->holds[model->hold_count++] = (struct model_hold){*event, {true, true, true, true}};
        return;
    }
    if (event->kind == TW_EVENT_RESOLVE) {
        alert->open = false;
        return;
    }
    if (!alert->open)
        alert->told = false;
    alert->open = true;
    alert->told |= muted < 0;
    alert->muted = muted;
    alert->n = n;
    alert->event = *event;
}

static uint64_t random_state;
static uint32_t random_below(uint32_t bound)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % bound;
}

static struct event random_event(const struct model *model, int at, int64_t ts_ns)
{
    static const char *const entities[] = {"A", "B", "C"}, *const publishers[] = {"p", "q", "r"};
    static const enum tw_rule rules[] = {TW_RULE_CLIENT_EXPOSURE, TW_RULE_VELOCITY, TW_RULE_ANOMALY};
    struct event event = {.severity = (enum tw_severity)(1 + random_below(4)), .ts_ns = ts_ns};
    const struct model_alert *alert = &model->alerts[at];
    event.publisher = publishers[random_below(3)];
    event.entity = entities[random_below(3)];
    if (random_below(8) == 0) {
        event.rule = random_below(2) == 0 ? TW_RULE_LARGE_TRADE : TW_RULE_FEED_GAP;
        event.kind = TW_EVENT_FIRE;
        if (event.rule == TW_RULE_FEED_GAP) {
            event.entity = event.publisher;
            event.severity = TW_SEVERITY_HIGH;
        }
        if (holds_anything(&event) && random_below(3) == 0) /* late */
            event.ts_ns -= random_below(60) * SECOND;
    } else if (!alert->open) {
        event.rule = rules[random_below(3)];
        event.kind = TW_EVENT_OPEN;
    } else {
        event.rule = alert->event.rule;
        event.entity = alert->event.entity;
        event.kind = random_below(3) == 0 ? TW_EVENT_ESCALATE : TW_EVENT_RESOLVE;
    }
    return event;
}

static void save_and_load(struct world *world)
{
    struct tw_buffer saved = {0}, again = {0};
    tw_inhibitor_save(world->inhibitor, &saved);
    tw_inhibitor_free(&world->inhibitor);
    world->inhibitor = tw_inhibitor_from(world->cfg);
    assert_true(tw_inhibitor_load(world->inhibitor, saved.bytes, saved.length));
    tw_inhibitor_save(world->inhibitor, &again);
    assert_int_equal(saved.length, again.length);
    assert_memory_equal(saved.bytes, again.bytes, saved.length);
    tw_buffer_free(&saved);
    tw_buffer_free(&again);
}

static int compare_n(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

static void any_history_is_as_the_model_says(void **state)
{
    (void)state;
    uint64_t muted_count = 0, released_count = 0;
    static struct model model;
    for (int play = 0; play < 60; play++) {
        struct world world = world_of(rules_at_random);
        int64_t ts_ns = 0;
        random_state = (uint64_t)play;
        memset(&model, 0, sizeof model);
        for (int step = 0; step < 3000; step++) {
            ts_ns += random_below(3) * SECOND / 2;
            int at = (int)random_below(ALERTS);
            struct event event = random_event(&model, at, ts_ns);
            uint64_t expected[ALERTS];
            if (!holds_anything(&event))
                model_tell_time(&model, ts_ns);
            int wanted = model_expects(&model, at, &event);
            model_take(&model, at, &event, world.n + 1, wanted);
            struct tw_inhibition got = take(&world, (char)(event.kind == TW_EVENT_FIRE ? 100 : at), event);
            if (wanted < 0)
                assert_null(got.rule);
            else
                assert_string_equal(got.rule, names[wanted]);
            muted_count += wanted >= 0;
            uint32_t count = model_releases(&model, expected);
            assert_int_equal(world.released_count, count);
            qsort(expected, count, sizeof expected[0], compare_n);
            qsort(world.released, count, sizeof world.released[0], compare_n);
            for (uint32_t i = 0; i < count; i++)
                assert_int_equal(world.released[i], expected[i]);
            released_count += count;
            if (random_below(50) == 0)
                save_and_load(&world);
        }
        end(&world);
    }
    assert_true(muted_count > 10000 && released_count > 1000);
}

static void rules_that_are_not_whole_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } bad[] = {{"inhibit/x/source = severity=HIGH\n", "this rule has no source or no target"},
               {"inhibit/x/equal = entity\n", "this rule has no source or no target"},
               {"inhibit/x/preset = worst\n", "critical or feed_gap"},
               {"inhibit/x/preset = critical\ninhibit/x/equal = colour\n", "labels such as"},
               {"inhibit/x/preset = critical\ninhibit/x/equal = all\n", "neither all nor none"},
               {"inhibit/x/preset = critical\ninhibit/x/hold = 0\n", "1 to 604800"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct cfg_file file = cfg_file_make(bad[i].text);
        struct tw_cfg_error error;
        assert_null(tw_cfg_load(&(struct tw_cfg_sources){.file = file.path}, &error));
        if (strstr(error.text, bad[i].why) == NULL)
            fail_msg("%s: %s", bad[i].text, error.text);
        cfg_file_remove(&file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_rules_there_is_nothing),
        cmocka_unit_test(a_critical_mutes_the_high_of_the_same_entity_until_it_ends),
        cmocka_unit_test(what_was_retracted_is_not_released),
        cmocka_unit_test(a_gap_mutes_what_it_makes_doubtful_for_a_while),
        cmocka_unit_test(a_gap_in_a_feed_of_old_trades_holds_by_their_clock),
        cmocka_unit_test(a_short_hold_behind_a_long_one_ends_in_its_own_time),
        cmocka_unit_test(a_late_one_shot_source_shortens_no_hold),
        cmocka_unit_test(what_is_source_and_target_mutes_none_of_its_like),
        cmocka_unit_test(other_rules_leave_open_alerts_open_and_tell_their_ends),
        cmocka_unit_test(any_history_is_as_the_model_says),
        cmocka_unit_test(rules_that_are_not_whole_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
