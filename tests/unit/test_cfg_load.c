/* SPDX-License-Identifier: MIT
 *
 * Loading: precedence, and every way a start is stopped, with its place.
 */
#include "tests/unit/cfg_world.h"

static void defaults_stand_without_any_source(void **state)
{
    (void)state;
    struct tw_cfg *cfg = cfg_load_good(&(struct tw_cfg_sources){0});
    assert_string_equal(tw_cfg_text(cfg, "bind/trades"), "tcp://127.0.0.1:7701");
    assert_string_equal(tw_cfg_text(cfg, "data/directory"), "tapewarden-data");
    assert_int_equal(tw_cfg_integer(cfg, "limits/future"), 5);
    assert_int_equal(tw_cfg_integer(cfg, "limits/credit"), 65536);
    assert_int_equal(tw_cfg_integer(cfg, "log/json"), 0);
    assert_int_equal(tw_cfg_warning_count(cfg), 0);
    tw_cfg_free(&cfg);
    assert_null(cfg);
}

static void flag_beats_environment_beats_file_beats_default(void **state)
{
    (void)state;
    struct cfg_file file = cfg_file_make("limits\n    future = 6\n    credit = 10000\nlive\n    rate = 7\n");
    static const char *const environment[] = {"TAPEWARDEN_LIMITS__FUTURE=8", "TAPEWARDEN_LIVE__RATE=9", NULL};
    static const char *const sets[] = {"live/rate=10", "live/rate=11"};
    struct tw_cfg *cfg = cfg_load_good(&(struct tw_cfg_sources){
        .file = file.path, .environ_ = environment, .sets = sets, .set_count = 2, .data_directory = "/srv/data"});
    assert_int_equal(tw_cfg_integer(cfg, "store/index_run"), 262144);
    assert_int_equal(tw_cfg_integer(cfg, "limits/credit"), 10000);
    assert_int_equal(tw_cfg_integer(cfg, "limits/future"), 8);
    assert_int_equal(tw_cfg_integer(cfg, "live/rate"), 11);
    assert_string_equal(tw_cfg_text(cfg, "data/directory"), "/srv/data");
    tw_cfg_free(&cfg);
    cfg_file_remove(&file);
}

static void an_unknown_key_names_its_line_and_the_nearest_key(void **state)
{
    (void)state;
    cfg_text_bad("rules\n    velocty\n        threshold = 3\n",
                 ":3: unknown key rules/velocty/threshold; did you mean rules/velocity/threshold?");
    cfg_text_bad("rules\n    velocty\n        threshold@desk-7 = 3\n",
                 ":3: unknown key rules/velocty/threshold@desk-7; did you mean rules/velocity/threshold@desk-7?");
    cfg_text_bad("feed\n    nyse = tcp://10.0.0.1:5\n", ":2: unknown key feed/nyse; did you mean feeds/nyse?");
    cfg_text_bad("rulse\n", ":1: unknown section rulse; did you mean rules?");
    cfg_text_bad("rules\n    anomly\n", ":2: unknown section rules/anomly; did you mean rules/anomaly?");
    cfg_set_bad("bind/trade=tcp://127.0.0.1:1", "--set: unknown key bind/trade; did you mean bind/trades?");
}

static void a_doubled_key_names_both_lines(void **state)
{
    (void)state;
    cfg_text_bad("live\n    rate = 1\nlimits/future = 2\nlive/rate = 1\n",
                 ":4: live/rate is set twice; it stands in line 2 already");
    cfg_text_bad("feeds\n    b = tcp://h:1\n    a = tcp://h:1\n    b = tcp://h:2\n    a = tcp://h:3\n",
                 ":4: feeds/b is set twice; it stands in line 2 already");
    cfg_text_bad("rules/velocity\n    threshold@AB = 1\n    threshold@A%42 = 2\n",
                 ":3: rules/velocity/threshold@AB is set twice; it stands in line 2 already");
}

static void a_section_may_be_empty_or_come_twice(void **state)
{
    (void)state;
    struct tw_cfg *cfg = cfg_text_good("feeds\n    # nothing yet\nlive\n    rate = 3\nrules\nlive\n");
    assert_int_equal(tw_cfg_integer(cfg, "live/rate"), 3);
    tw_cfg_free(&cfg);
}

static void a_key_without_value_and_a_section_with_one_are_refused(void **state)
{
    (void)state;
    cfg_text_bad("live\n    rate\n", ":2: live/rate has no value; write it behind a =");
    cfg_text_bad("rules\n    velocity = 3\n", ":2: rules/velocity is a section and takes no value itself");
    cfg_set_bad("rules=1", "--set: rules is a section and takes no value itself");
}

static void malformed_text_and_bad_values_name_their_line(void **state)
{
    (void)state;
    cfg_text_bad("live\n\trate = 3\n", ":2: indented with a tab; write 4 spaces for each level");
    cfg_text_bad("live\n    rate = many\n",
                 ":2: live/rate = many: must be a whole number, 0 to 10000 (messages per second)");
    cfg_text_bad("bind\n    trades = tcp://0.0.0.0:7701\n",
                 ":2: bind/trades = tcp://0.0.0.0:7701: is refused: beyond loopback (127.0.0.0/8, [::1], localhost) "
                 "everyone who reaches the port may speak, so that needs CURVE, which this build does not have");
}

static void keys_of_later_builds_stop_the_start_and_say_so(void **state)
{
    (void)state;
    static const char *const environment[] = {"TAPEWARDEN_SQS__QUEUE_URL=secret", NULL};
    cfg_text_bad("bind\n    http = 127.0.0.1:7780\n",
                 ":2: bind/http is known, but not available in this build; take it out");
    cfg_text_bad("s3\n    bucket = hunter2\n", ":2: s3/bucket is known, but not available in this build; take it out");
    cfg_set_bad("sqs/queue_url=eu", "--set: sqs/queue_url is known, but not available in this build; take it out");
    cfg_load_bad(&(struct tw_cfg_sources){.environ_ = environment},
                 "environment TAPEWARDEN_SQS__QUEUE_URL: sqs/queue_url is known, but not available in this "
                 "build; take it out");
}

static void flags_are_key_and_value(void **state)
{
    (void)state;
    cfg_set_bad("live/rate", "--set: 'live/rate' is not section/key=value");
    cfg_set_bad("=3", "--set: '=3' is not section/key=value");
    cfg_set_bad("live/rate=", "--set: live/rate = : must be a whole number, 0 to 10000 (messages per second)");
    cfg_set_bad("live/rate=\x1b[31m", "--set: live/rate = ?[31m: must be UTF-8 without control characters");
    cfg_load_bad(&(struct tw_cfg_sources){.data_directory = ""}, "--data: data/directory = : must be a path");
}

static void names_of_exceptions_are_checked(void **state)
{
    (void)state;
    cfg_set_bad("rules/anomaly/medium@X=3",
                "--set: rules/anomaly/medium@X: rules/anomaly/medium takes no value by name; only thresholds do");
    cfg_set_bad("rules/large_trade/threshold@A%20B=3",
                "--set: rules/large_trade/threshold for the name 'A%20B': no symbol has such a name: 1 to 32 "
                "printable ASCII characters without space");
    cfg_set_bad("rules/client_exposure/threshold@A B=3",
                "--set: rules/client_exposure/threshold for the name 'A B': characters outside A-Za-z0-9_.-/ are "
                "written %XX there");
    cfg_set_bad("rules/client_exposure/threshold@=3",
                "--set: rules/client_exposure/threshold for the name '': no account has such a name: 1 to 32 bytes of "
                "UTF-8 without control characters");
    cfg_set_bad("rules/client_exposure/threshold@A%00=3",
                "--set: rules/client_exposure/threshold for the name 'A%00': no account has such a name: 1 to 32 bytes "
                "of UTF-8 without control characters");
    cfg_set_bad("feeds/a.b=tcp://h:1", "--set: feeds/* for the name 'a.b': a name here is 1 to 32 of A-Za-z0-9_-");
}

static void collect_feed(void *context, const char *name, const char *value)
{
    char *text = context;
    snprintf(text + strlen(text), 200 - strlen(text), "%s=%s ", name, value);
}

static void feeds_are_visited_in_byte_order_and_the_last_source_wins(void **state)
{
    (void)state;
    struct cfg_file file = cfg_file_make("feeds\n    nyse = tcp://h:1\n    Z9 = tcp://h:2\n    abc = tcp://h:3\n");
    static const char *const environment[] = {"TAPEWARDEN_FEEDS__NYSE=tcp://h:4", NULL};
    static const char *const sets[] = {"feeds/abc=tcp://h:5"};
    struct tw_cfg *cfg = cfg_load_good(
        &(struct tw_cfg_sources){.file = file.path, .environ_ = environment, .sets = sets, .set_count = 1});
    char text[200] = "";
    tw_cfg_each(cfg, "feeds", collect_feed, text);
    assert_string_equal(text, "Z9=tcp://h:2 abc=tcp://h:5 nyse=tcp://h:4 ");
    tw_cfg_free(&cfg);
    cfg_file_remove(&file);
}

static void settings_that_contradict_each_other_are_refused(void **state)
{
    (void)state;
    cfg_text_bad("rules/anomaly\n    window = 20\n",
                 ":2: rules/anomaly/window = 20: rules/anomaly/minimum (30) must be at most rules/anomaly/window (20)");
    cfg_text_bad("rules/anomaly\n    high = 2\n",
                 ":2: rules/anomaly/high = 2: rules/anomaly/high (2) must be at least rules/anomaly/medium (3)");
    cfg_set_bad("bind/acks=tcp://127.0.0.1:7701",
                "flag: bind/acks = tcp://127.0.0.1:7701: bind/trades and bind/acks cannot be the same endpoint");
    cfg_set_bad("session/zone=Europe/Atlantis", "flag: session/zone = Europe/Atlantis: this machine knows no such "
                                                "zone (see /usr/share/zoneinfo, package tzdata)");
    cfg_set_bad("session/zone=zone.tab", "flag: session/zone = zone.tab: this machine knows no such zone (see "
                                         "/usr/share/zoneinfo, package tzdata)");
}

static void any_free_port_may_be_asked_for_more_than_once(void **state)
{
    (void)state;
    static const char *const sets[] = {"bind/trades=tcp://127.0.0.1:*", "bind/acks=tcp://127.0.0.1:*"};
    struct tw_cfg *cfg = cfg_load_good(&(struct tw_cfg_sources){.sets = sets, .set_count = 2});
    assert_string_equal(tw_cfg_text(cfg, "bind/acks"), "tcp://127.0.0.1:*");
    tw_cfg_free(&cfg);
}

static void a_file_that_cannot_be_read_is_another_failure_than_a_wrong_one(void **state)
{
    (void)state;
    struct tw_cfg_error error = {0};
    assert_null(tw_cfg_load(&(struct tw_cfg_sources){.file = "/nonexistent/tapewarden.zpl"}, &error));
    assert_string_equal(error.text, "/nonexistent/tapewarden.zpl: cannot be read: No such file or directory");
    assert_int_equal(error.exit_code, TW_EXIT_UNREACHABLE);
    assert_null(tw_cfg_load(&(struct tw_cfg_sources){.file = "/tmp"}, &error));
    assert_string_equal(error.text, "/tmp: cannot be read: it is a directory");
}

static void show_says_where_every_value_came_from(void **state)
{
    (void)state;
    struct cfg_file file = cfg_file_make("live\n    rate = 1\nrules/velocity/threshold@A%20B = 4\n");
    static const char *const environment[] = {"TAPEWARDEN_LIMITS__FUTURE=8", NULL};
    static const char *const sets[] = {"log/json=on"};
    struct tw_cfg *cfg = cfg_load_good(
        &(struct tw_cfg_sources){.file = file.path, .environ_ = environment, .sets = sets, .set_count = 1});
    char *text = cfg_shown(cfg, true), expected[300];
    snprintf(expected, sizeof expected, "{\"key\":\"live/rate\",\"value\":\"1\",\"source\":\"%s:2\",\"default\":\"50\"",
             file.path);
    assert_non_null(strstr(text, expected));
    snprintf(expected, sizeof expected,
             "{\"key\":\"rules/velocity/threshold@A%%20B\",\"value\":\"4\",\"source\":\"%s:3\"", file.path);
    assert_non_null(strstr(text, expected));
    assert_non_null(
        strstr(text, "{\"key\":\"limits/future\",\"value\":\"8\",\"source\":\"env TAPEWARDEN_LIMITS__FUTURE\""));
    assert_non_null(strstr(text, "{\"key\":\"log/json\",\"value\":\"on\",\"source\":\"flag\""));
    assert_non_null(strstr(text, "{\"key\":\"store/index_run\",\"value\":\"262144\",\"source\":\"default\""));
    assert_non_null(strstr(text, "{\"key\":\"bind/http\",\"value\":\"127.0.0.1:7780\",\"source\":\"not available in "
                                 "this build\""));
    free(text);
    text = cfg_shown(cfg, false);
    assert_non_null(strstr(text, "KEY "));
    assert_non_null(strstr(text, "flag "));
    free(text);
    tw_cfg_free(&cfg);
    cfg_file_remove(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_stand_without_any_source),
        cmocka_unit_test(flag_beats_environment_beats_file_beats_default),
        cmocka_unit_test(an_unknown_key_names_its_line_and_the_nearest_key),
        cmocka_unit_test(a_doubled_key_names_both_lines),
        cmocka_unit_test(a_section_may_be_empty_or_come_twice),
        cmocka_unit_test(a_key_without_value_and_a_section_with_one_are_refused),
        cmocka_unit_test(malformed_text_and_bad_values_name_their_line),
        cmocka_unit_test(keys_of_later_builds_stop_the_start_and_say_so),
        cmocka_unit_test(flags_are_key_and_value),
        cmocka_unit_test(names_of_exceptions_are_checked),
        cmocka_unit_test(feeds_are_visited_in_byte_order_and_the_last_source_wins),
        cmocka_unit_test(settings_that_contradict_each_other_are_refused),
        cmocka_unit_test(any_free_port_may_be_asked_for_more_than_once),
        cmocka_unit_test(a_file_that_cannot_be_read_is_another_failure_than_a_wrong_one),
        cmocka_unit_test(show_says_where_every_value_came_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
