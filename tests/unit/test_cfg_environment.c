/* SPDX-License-Identifier: MIT
 *
 * The environment: every key under its name, the bare names that people know, and nothing else that begins so.
 */
#include "tests/unit/cfg_world.h"

#include "cfg/keys.h"

static struct tw_cfg *with(const char *const *environment)
{
    return cfg_load_good(&(struct tw_cfg_sources){.environ_ = environment});
}

static void every_available_key_has_a_variable(void **state)
{
    (void)state;
    size_t checked = 0;
    for (size_t i = 0; i < TW_KEY_COUNT; i++) {
        const struct tw_key *key = &tw_keys[i];
        char name[TW_KEY_BYTES_MAX], variable[2 * TW_KEY_BYTES_MAX], source[2 * TW_KEY_BYTES_MAX];
        if ((key->flags & (TW_KEY_LATER | TW_KEY_NAMED)) != 0 || key->standard[0] == '\0')
            continue;
        tw_key_environment_name(key, name);
        snprintf(variable, sizeof variable, "%s=%s", name, key->standard);
        const char *const environment[] = {variable, NULL};
        struct tw_cfg *cfg = with(environment);
        assert_string_equal(tw_cfg_text(cfg, key->name), key->standard);
        char *text = cfg_shown(cfg, true);
        snprintf(source, sizeof source, "\"source\":\"env %s\"", name);
        assert_non_null(strstr(text, source));
        free(text);
        tw_cfg_free(&cfg);
        checked++;
    }
    assert_true(checked > 40);
}

static void levels_are_joined_by_two_underscores(void **state)
{
    (void)state;
    char name[TW_KEY_BYTES_MAX];
    tw_key_environment_name(tw_key_by_name("rules/large_trade/threshold"), name);
    assert_string_equal(name, "TAPEWARDEN_RULES__LARGE_TRADE__THRESHOLD");
}

static void an_unknown_variable_stops_the_start_with_the_nearest(void **state)
{
    (void)state;
    static const struct {
        const char *variable, *sentence;
    } cases[] = {
        {"TAPEWARDEN_RULES__VELOCTY__THRESHOLD=3",
         "environment TAPEWARDEN_RULES__VELOCTY__THRESHOLD: no such setting; did you mean "
         "TAPEWARDEN_RULES__VELOCITY__THRESHOLD?"},
        {"TAPEWARDEN_FEED__NYSE=tcp://h:1",
         "environment TAPEWARDEN_FEED__NYSE: no such setting; did you mean TAPEWARDEN_FEEDS__NYSE?"},
        {"TAPEWARDEN_live__rate=3",
         "environment TAPEWARDEN_live__rate: no such setting; did you mean TAPEWARDEN_LIVE__RATE?"},
        {"TAPEWARDEN_=3", "environment TAPEWARDEN_: no such setting; did you mean TAPEWARDEN_SNS__URL?"},
        {"TAPEWARDEN_LIVE_RATE=3",
         "environment TAPEWARDEN_LIVE_RATE: no such setting; did you mean TAPEWARDEN_LIVE__RATE?"},
        {"TAPEWARDEN_LIVE__RATE=x", "environment TAPEWARDEN_LIVE__RATE: live/rate = x: must be a whole number, 0 to "
                                    "10000 (messages per second)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const environment[] = {cases[i].variable, NULL};
        cfg_load_bad(&(struct tw_cfg_sources){.environ_ = environment}, cases[i].sentence);
    }
}

static void other_programs_variables_are_none_of_ours(void **state)
{
    (void)state;
    static const char *const environment[] = {"PATH=/bin", "TAPEWARDENS=1", "TAPEWARDEN=1", "=x", "novalue", NULL};
    struct tw_cfg *cfg = with(environment);
    assert_int_equal(tw_cfg_warning_count(cfg), 0);
    tw_cfg_free(&cfg);
}

static void exceptions_by_name_work_in_the_environment_too(void **state)
{
    (void)state;
    static const char *const environment[] = {"TAPEWARDEN_RULES__VELOCITY__THRESHOLD@Desk_a__b=3", NULL};
    struct tw_cfg *cfg = with(environment);
    char *text = cfg_shown(cfg, true);
    assert_non_null(strstr(text, "{\"key\":\"rules/velocity/threshold@Desk_a__b\",\"value\":\"3\""));
    free(text);
    tw_cfg_free(&cfg);
}

static void known_bare_names_set_their_keys(void **state)
{
    (void)state;
    static const char *const environment[] = {"CLIENT_EXPOSURE_THRESHOLD=2000000", "SYMBOL_EXPOSURE_THRESHOLD=750000.5",
                                              "TRANSACTION_VELOCITY_THRESHOLD=20", "ANOMALY_DETECTION_THRESHOLD=2.5",
                                              NULL};
    struct tw_cfg *cfg = with(environment);
    assert_string_equal(tw_cfg_text(cfg, "rules/client_exposure/threshold"), "2000000");
    assert_string_equal(tw_cfg_text(cfg, "rules/symbol_exposure/threshold"), "750000.5");
    assert_string_equal(tw_cfg_text(cfg, "rules/velocity/threshold"), "20");
    assert_string_equal(tw_cfg_text(cfg, "rules/anomaly/medium"), "2.5");
    assert_string_equal(tw_cfg_text(cfg, "rules/anomaly/high"), "4");
    assert_int_equal(tw_cfg_warning_count(cfg), 0);
    tw_cfg_free(&cfg);
}

static void a_bare_name_yields_to_ours_wherever_it_stands(void **state)
{
    (void)state;
    static const char *const environment[] = {"TAPEWARDEN_RULES__CLIENT_EXPOSURE__THRESHOLD=5",
                                              "CLIENT_EXPOSURE_THRESHOLD=6", NULL};
    struct tw_cfg *cfg = with(environment);
    assert_string_equal(tw_cfg_text(cfg, "rules/client_exposure/threshold"), "5");
    tw_cfg_free(&cfg);
}

static void a_higher_medium_tier_takes_an_unset_high_one_with_it(void **state)
{
    (void)state;
    static const char *const environment[] = {"ANOMALY_DETECTION_THRESHOLD=5", NULL};
    static const char *const both[] = {"ANOMALY_DETECTION_THRESHOLD=5", "TAPEWARDEN_RULES__ANOMALY__HIGH=4", NULL};
    struct tw_cfg *cfg = with(environment);
    assert_int_equal(tw_cfg_integer(cfg, "rules/anomaly/medium"), 5000);
    assert_int_equal(tw_cfg_integer(cfg, "rules/anomaly/high"), 5000);
    tw_cfg_free(&cfg);
    cfg_load_bad(&(struct tw_cfg_sources){.environ_ = both},
                 "env TAPEWARDEN_RULES__ANOMALY__HIGH: rules/anomaly/high = 4: rules/anomaly/high (4) must be at least "
                 "rules/anomaly/medium (5)");
}

static void a_bad_value_in_a_bare_name_stops_the_start(void **state)
{
    (void)state;
    static const char *const environment[] = {"TRANSACTION_VELOCITY_THRESHOLD=ten", NULL};
    cfg_load_bad(&(struct tw_cfg_sources){.environ_ = environment},
                 "environment TRANSACTION_VELOCITY_THRESHOLD: rules/velocity/threshold = ten: must be a whole number, "
                 "0 to 1000000 (trades)");
}

static void bare_names_that_cannot_be_used_yet_warn_once_each_without_their_value(void **state)
{
    (void)state;
    static const char *const environment[] = {"SQS_QUEUE_URL=hooks/secret", "AWS_REGION=eu-west-1", "S3_BUCKET=a",
                                              NULL};
    struct tw_cfg *cfg = with(environment);
    assert_int_equal(tw_cfg_warning_count(cfg), 2);
    assert_string_equal(tw_cfg_warning(cfg, 0), "environment SQS_QUEUE_URL: this build cannot use it yet "
                                                "(sqs/queue_url is not available)");
    assert_string_equal(tw_cfg_warning(cfg, 1),
                        "environment S3_BUCKET: this build cannot use it yet (s3/bucket is not available)");
    assert_string_equal(tw_cfg_text(cfg, "aws/region"), "eu-west-1");
    char *text = cfg_shown(cfg, true);
    assert_null(strstr(text, "hooks/secret"));
    free(text);
    tw_cfg_free(&cfg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_available_key_has_a_variable),
        cmocka_unit_test(levels_are_joined_by_two_underscores),
        cmocka_unit_test(an_unknown_variable_stops_the_start_with_the_nearest),
        cmocka_unit_test(other_programs_variables_are_none_of_ours),
        cmocka_unit_test(exceptions_by_name_work_in_the_environment_too),
        cmocka_unit_test(known_bare_names_set_their_keys),
        cmocka_unit_test(a_bare_name_yields_to_ours_wherever_it_stands),
        cmocka_unit_test(a_higher_medium_tier_takes_an_unset_high_one_with_it),
        cmocka_unit_test(a_bad_value_in_a_bare_name_stops_the_start),
        cmocka_unit_test(bare_names_that_cannot_be_used_yet_warn_once_each_without_their_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
