/* SPDX-License-Identifier: MIT
 *
 * Routes in the configuration: from files, variables and flags, in the file's order, and what is refused where.
 */
#include "tests/unit/cfg_world.h"

#define RECEIVERS "webhook\n    ops = https://ops.example.com\n    desk = https://desk.example.com\n"

static struct tw_cfg *load(const char *text, const char *const *variables, const char *const *sets, size_t set_count)
{
    struct cfg_file file = cfg_file_make(text);
    struct tw_cfg_sources sources = {.file = file.path, .environ_ = variables, .sets = sets, .set_count = set_count};
    struct tw_cfg *cfg = cfg_load_good(&sources);
    cfg_file_remove(&file);
    return cfg;
}

static void routes_come_in_the_order_of_the_file(void **state)
{
    (void)state;
    struct tw_cfg_route routes[TW_ROUTES_MAX];
    struct tw_cfg *cfg = load(RECEIVERS "route\n"
                                        "    zeta\n"
                                        "        match = severity=CRITICAL type=~HIGH_.*\n"
                                        "        receiver = ops desk\n"
                                        "        hours = Mon-Fri 22:00-06:00\n"
                                        "        continue = yes\n"
                                        "    alpha\n"
                                        "        receiver = desk\n"
                                        "route/Mid/parent = zeta\n",
                              NULL, NULL, 0);
    assert_int_equal(tw_cfg_routes(cfg, routes), 3);
    assert_string_equal(routes[0].name, "zeta");
    assert_string_equal(routes[0].match, "severity=CRITICAL type=~HIGH_.*");
    assert_string_equal(routes[0].receivers, "ops desk");
    assert_string_equal(routes[0].hours, "Mon-Fri 22:00-06:00");
    assert_null(routes[1].hours);
    assert_true(routes[0].goes_on);
    assert_null(routes[0].parent);
    assert_string_equal(routes[1].name, "alpha");
    assert_null(routes[1].match);
    assert_false(routes[1].goes_on);
    assert_string_equal(routes[2].name, "Mid");
    assert_string_equal(routes[2].parent, "zeta");
    tw_cfg_free(&cfg);
}

static void variables_and_flags_replace_and_keep_the_place(void **state)
{
    (void)state;
    static const char *const variables[] = {"TAPEWARDEN_ROUTE__B__MATCH=severity=HIGH",
                                            "TAPEWARDEN_ROUTE__NEW__RECEIVER=ops", NULL};
    static const char *const sets[] = {"route/b/receiver=ops"};
    struct tw_cfg_route routes[TW_ROUTES_MAX];
    struct tw_cfg *cfg = load(RECEIVERS "route/b/receiver = desk\nroute/a/receiver = desk\n", variables, sets, 1);
    assert_int_equal(tw_cfg_routes(cfg, routes), 3);
    assert_string_equal(routes[0].name, "b");
    assert_string_equal(routes[0].match, "severity=HIGH");
    assert_string_equal(routes[0].receivers, "ops");
    assert_string_equal(routes[1].name, "a");
    assert_string_equal(routes[2].name, "new");
    tw_cfg_free(&cfg);
}

static void without_routes_there_are_none(void **state)
{
    (void)state;
    struct tw_cfg_route routes[TW_ROUTES_MAX];
    struct tw_cfg *cfg = load(RECEIVERS "route\n    night\n", NULL, NULL, 0); /* everything commented out */
    assert_int_equal(tw_cfg_routes(cfg, routes), 0);
    tw_cfg_free(&cfg);
}

static void bad_file(const char *text, const char *end)
{
    char sentence[512];
    struct cfg_file file = cfg_file_make(text);
    snprintf(sentence, sizeof sentence, "%s:%s", file.path, end);
    cfg_load_bad(&(struct tw_cfg_sources){.file = file.path}, sentence);
    cfg_file_remove(&file);
}

static void mistakes_are_named_with_their_line(void **state)
{
    (void)state;
    bad_file(RECEIVERS "route\n    night\n        receiver = ops nobody\n",
             "6: route/night/receiver = ops nobody: there is no receiver nobody");
    bad_file(RECEIVERS "route/night/receiver = ops none\n", "4: route/night/receiver = ops none: none stands alone");
    bad_file(RECEIVERS "route/a/receiver = ops\nroute/b/parent = c\n",
             "5: route/b/parent = c: there is no route of that name");
    bad_file(RECEIVERS "route/a/receiver = ops\nroute/a/parent = b\nroute/b/parent = a\n",
             "5: route/a/parent = b: its parents go round in a circle");
    bad_file(RECEIVERS "route/a/parent = a\n", "4: route/a/parent = a: its parents go round in a circle");
    bad_file(RECEIVERS "route/a/match = severity=HIGH\n",
             "4: route/a/match = severity=HIGH: this route has neither a receiver nor a parent that has one");
    bad_file(RECEIVERS "route/a/match = entity=~(x\n",
             "4: route/a/match = entity=~(x: 'entity=~(x' Unmatched ( or \\(");
    bad_file(RECEIVERS "route/a/hours = weekdays\n", "4: route/a/hours = weekdays: must be days and hours such as "
                                                     "Mon-Fri 08:00-17:30, not 2026-12-25, commas between, "
                                                     "at most 64");
    bad_file(RECEIVERS "route/a/continue = maybe\n", "4: route/a/continue = maybe: must be on or off");
    bad_file(RECEIVERS "route/a/recevier = ops\n", "4: unknown key route/a/recevier; did you mean route/a/receiver?");
    bad_file(RECEIVERS "route/a/receiver = ops\nroute/a/receiver = ops\n",
             "5: route/a/receiver is set twice; it stands in line 4 already");
    bad_file(RECEIVERS "route/a/b/receiver = ops\n",
             "4: route/*/receiver for the name 'a/b': a name here is 1 to 32 of A-Za-z0-9_-");
    bad_file(RECEIVERS "route/a = ops\n", "4: route/a is a section and takes no value itself");
}

static void mistakes_in_variables_and_flags_are_named(void **state)
{
    (void)state;
    static const char *const variables[] = {"TAPEWARDEN_ROUTE__A__MATHC=severity=HIGH", NULL};
    cfg_load_bad(&(struct tw_cfg_sources){.environ_ = variables}, "environment TAPEWARDEN_ROUTE__A__MATHC: no such "
                                                                  "setting; did you mean TAPEWARDEN_ROUTE__A__MATCH?");
    cfg_set_bad("route/a/match=severity", "--set: route/a/match = severity: 'severity' is no matcher; one is "
                                          "label=value, label!=value, label=~regex or label!~regex");
    cfg_set_bad("route/a/match= ", "--set: route/a/match =  : ' ' is no matcher; one is label=value, label!=value, "
                                   "label=~regex or label!~regex");
    cfg_set_bad("inhibit/a/target=",
                "--set: inhibit/a/target = : must be matchers such as severity=CRITICAL type=~HIGH_.*, "
                "spaces between");
}

static void there_are_at_most_256(void **state)
{
    (void)state;
    static char text[257 * 40];
    size_t used = (size_t)sprintf(text, RECEIVERS);
    struct tw_cfg_route routes[TW_ROUTES_MAX];
    for (int i = 0; i < 256; i++)
        used += (size_t)sprintf(text + used, "route/r%03d/receiver = ops\n", i);
    struct tw_cfg *cfg = load(text, NULL, NULL, 0);
    assert_int_equal(tw_cfg_routes(cfg, routes), 256);
    tw_cfg_free(&cfg);
    sprintf(text + used, "route/r256/receiver = ops\n");
    bad_file(text, "260: route/r256/receiver = ops: there are more than 256 routes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routes_come_in_the_order_of_the_file),
        cmocka_unit_test(variables_and_flags_replace_and_keep_the_place),
        cmocka_unit_test(without_routes_there_are_none),
        cmocka_unit_test(mistakes_are_named_with_their_line),
        cmocka_unit_test(mistakes_in_variables_and_flags_are_named),
        cmocka_unit_test(there_are_at_most_256),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
