/* SPDX-License-Identifier: MIT
 *
 * The canonical text of the rules: one text for given settings, read back exactly, anything else refused.
 */
#include "tests/unit/cfg_world.h"

#include "cfg/rules.h"
#include "protocol/digest.h"
#include "protocol/limits.h"

static const char canonical_defaults[] = "exposure/currency=USD\n"
                                         "exposure/measure=gross\n"
                                         "exposure/remark=1\n"
                                         "rules/anomaly/enabled=on\n"
                                         "rules/anomaly/high=4\n"
                                         "rules/anomaly/key=symbol\n"
                                         "rules/anomaly/medium=3\n"
                                         "rules/anomaly/minimum=30\n"
                                         "rules/anomaly/quiet=60\n"
                                         "rules/anomaly/window=100\n"
                                         "rules/client_exposure/critical=1.5\n"
                                         "rules/client_exposure/enabled=on\n"
                                         "rules/client_exposure/rearm=0.9\n"
                                         "rules/client_exposure/threshold=1000000\n"
                                         "rules/large_trade/enabled=on\n"
                                         "rules/large_trade/threshold=10000\n"
                                         "rules/symbol_exposure/critical=1.5\n"
                                         "rules/symbol_exposure/enabled=on\n"
                                         "rules/symbol_exposure/rearm=0.9\n"
                                         "rules/symbol_exposure/threshold=500000\n"
                                         "rules/velocity/client=on\n"
                                         "rules/velocity/enabled=on\n"
                                         "rules/velocity/rearm=0.9\n"
                                         "rules/velocity/symbol=off\n"
                                         "rules/velocity/threshold=10\n"
                                         "rules/velocity/window=60\n"
                                         "session/roll=00:00\n"
                                         "session/zone=UTC\n";

static char *text_of(const struct tw_cfg *cfg)
{
    struct tw_buffer buffer = {0};
    tw_cfg_rules_text(cfg, &buffer);
    tw_buffer_append(&buffer, "", 1);
    return (char *)buffer.bytes;
}

static struct tw_rules parsed(const char *text)
{
    struct tw_rules rules;
    char why[160];
    if (!tw_rules_parse(text, strlen(text), &rules, why))
        fail_msg("%s", why);
    return rules;
}

/* The defaults with one piece replaced. */
static char *changed(const char *from, const char *to)
{
    const char *at = strstr(canonical_defaults, from);
    assert_non_null(at);
    char *text = malloc(sizeof canonical_defaults + strlen(to));
    assert_non_null(text);
    sprintf(text, "%.*s%s%s", (int)(at - canonical_defaults), canonical_defaults, to, at + strlen(from));
    return text;
}

static void assert_refused(const char *from, const char *to, const char *reason)
{
    struct tw_rules rules;
    char why[160] = "";
    char *text = changed(from, to);
    if (tw_rules_parse(text, strlen(text), &rules, why))
        fail_msg("taken: %s", to);
    assert_string_equal(why, reason);
    free(text);
}

static void the_text_of_the_defaults_is_this(void **state)
{
    (void)state;
    struct tw_cfg *cfg = cfg_load_good(&(struct tw_cfg_sources){0});
    char *text = text_of(cfg);
    assert_string_equal(text, canonical_defaults);
    free(text);
    tw_cfg_free(&cfg);
}

static void the_defaults_are_typed(void **state)
{
    (void)state;
    struct tw_rules rules = parsed(canonical_defaults);
    uint8_t hash[TW_SHA256_BYTES];
    tw_sha256(canonical_defaults, strlen(canonical_defaults), hash);
    assert_memory_equal(rules.hash, hash, sizeof hash);
    assert_string_equal(rules.currency, "USD");
    assert_int_equal(rules.measure, TW_MEASURE_GROSS);
    assert_int_equal(rules.remark_seconds, 1);
    assert_true(rules.large_trade_enabled);
    assert_int_equal(rules.large_trade_threshold_e8, 10000 * TW_E8);
    assert_true(rules.client_exposure.enabled);
    assert_int_equal(rules.client_exposure.threshold, 1000000 * TW_E8);
    assert_int_equal(rules.client_exposure.critical_e4, 15000);
    assert_int_equal(rules.client_exposure.rearm_e4, 9000);
    assert_true(rules.symbol_exposure.enabled);
    assert_int_equal(rules.symbol_exposure.threshold, 500000 * TW_E8);
    assert_int_equal(rules.symbol_exposure.critical_e4, 15000);
    assert_int_equal(rules.symbol_exposure.rearm_e4, 9000);
    assert_true(rules.velocity.enabled);
    assert_int_equal(rules.velocity.threshold, 10);
    assert_int_equal(rules.velocity.critical_e4, 0);
    assert_int_equal(rules.velocity.rearm_e4, 9000);
    assert_true(rules.velocity_client);
    assert_false(rules.velocity_symbol);
    assert_int_equal(rules.velocity_window_ns, 60 * TW_NS_PER_SECOND);
    assert_true(rules.anomaly_enabled);
    assert_int_equal(rules.anomaly_key, TW_STATISTICS_SYMBOL);
    assert_int_equal(rules.anomaly_window, 100);
    assert_int_equal(rules.anomaly_minimum, 30);
    assert_int_equal(rules.anomaly_medium_e3, 3000);
    assert_int_equal(rules.anomaly_high_e3, 4000);
    assert_int_equal(rules.anomaly_quiet_ns, 60 * TW_NS_PER_SECOND);
    assert_string_equal(rules.session_zone, "UTC");
    assert_int_equal(rules.session_roll_seconds, 0);
    assert_int_equal(rules.override_count, 0);
    tw_rules_clear(&rules);
}

static void every_setting_arrives_in_its_own_place(void **state)
{
    (void)state;
    static const char *const sets[] = {
        "exposure/currency=USDT1234",
        "exposure/measure=turnover",
        "exposure/remark=7",
        "rules/anomaly/enabled=off",
        "rules/anomaly/high=6.5",
        "rules/anomaly/key=account",
        "rules/anomaly/medium=5.25",
        "rules/anomaly/minimum=11",
        "rules/anomaly/quiet=12",
        "rules/anomaly/window=13",
        "rules/client_exposure/critical=0",
        "rules/client_exposure/enabled=off",
        "rules/client_exposure/rearm=0.5",
        "rules/client_exposure/threshold=14",
        "rules/large_trade/enabled=off",
        "rules/large_trade/threshold=15.5",
        "rules/symbol_exposure/critical=2.25",
        "rules/symbol_exposure/enabled=off",
        "rules/symbol_exposure/rearm=0.75",
        "rules/symbol_exposure/threshold=16",
        "rules/velocity/client=off",
        "rules/velocity/enabled=off",
        "rules/velocity/rearm=0.8",
        "rules/velocity/symbol=on",
        "rules/velocity/threshold=17",
        "rules/velocity/window=18",
        "session/roll=17:30",
        "session/zone=America/New_York",
    };
    struct tw_cfg *cfg = cfg_load_good(&(struct tw_cfg_sources){.sets = sets, .set_count = sizeof sets / sizeof *sets});
    char *text = text_of(cfg);
    struct tw_rules rules = parsed(text);
    assert_string_equal(rules.currency, "USDT1234");
    assert_int_equal(rules.measure, TW_MEASURE_TURNOVER);
    assert_int_equal(rules.remark_seconds, 7);
    assert_false(rules.anomaly_enabled);
    assert_int_equal(rules.anomaly_high_e3, 6500);
    assert_int_equal(rules.anomaly_key, TW_STATISTICS_ACCOUNT_SYMBOL);
    assert_int_equal(rules.anomaly_medium_e3, 5250);
    assert_int_equal(rules.anomaly_minimum, 11);
    assert_int_equal(rules.anomaly_quiet_ns, 12 * TW_NS_PER_SECOND);
    assert_int_equal(rules.anomaly_window, 13);
    assert_int_equal(rules.client_exposure.critical_e4, 0);
    assert_false(rules.client_exposure.enabled);
    assert_int_equal(rules.client_exposure.rearm_e4, 5000);
    assert_int_equal(rules.client_exposure.threshold, 14 * TW_E8);
    assert_false(rules.large_trade_enabled);
    assert_int_equal(rules.large_trade_threshold_e8, 15 * TW_E8 + TW_E8 / 2);
    assert_int_equal(rules.symbol_exposure.critical_e4, 22500);
    assert_false(rules.symbol_exposure.enabled);
    assert_int_equal(rules.symbol_exposure.rearm_e4, 7500);
    assert_int_equal(rules.symbol_exposure.threshold, 16 * TW_E8);
    assert_false(rules.velocity_client);
    assert_false(rules.velocity.enabled);
    assert_int_equal(rules.velocity.rearm_e4, 8000);
    assert_true(rules.velocity_symbol);
    assert_int_equal(rules.velocity.threshold, 17);
    assert_int_equal(rules.velocity_window_ns, 18 * TW_NS_PER_SECOND);
    assert_int_equal(rules.session_roll_seconds, 63000);
    assert_string_equal(rules.session_zone, "America/New_York");
    tw_rules_clear(&rules);
    free(text);
    tw_cfg_free(&cfg);
}

static void settings_that_change_no_alert_stay_out_of_the_text(void **state)
{
    (void)state;
    static const char *const sets[] = {"pipeline/shards=3", "pipeline/block=7", "limits/future=60",  "live/rate=0",
                                       "feeds/a=tcp://h:1", "log/level=debug",  "limits/credit=9000"};
    struct tw_cfg *cfg = cfg_load_good(&(struct tw_cfg_sources){.sets = sets, .set_count = sizeof sets / sizeof *sets});
    char *text = text_of(cfg);
    assert_string_equal(text, canonical_defaults);
    free(text);
    tw_cfg_free(&cfg);
}

static const struct tw_override * override(const struct tw_rules *rules, enum tw_override_rule rule, const char *name)
{
    return tw_rules_override(rules, rule, (struct tw_text){name, (uint32_t)strlen(name)});
}

static void exceptions_by_name_are_found_and_only_under_their_rule(void **state)
{
    (void)state;
    struct tw_cfg *cfg = cfg_text_good("rules\n"
                                       "    large_trade\n"
                                       "        threshold@BRK.B = 20000.5\n"
                                       "        threshold@BTC/USD = 3\n"
                                       "        threshold@%41 = 5\n"
                                       "    client_exposure\n"
                                       "        threshold@M%c3%bcller%20AG = 7\n"
                                       "    symbol_exposure\n"
                                       "        threshold@A = 8\n"
                                       "    velocity\n"
                                       "        threshold@A = 9\n");
    char *text = text_of(cfg);
    assert_non_null(strstr(text, "rules/client_exposure/threshold=1000000\n"
                                 "rules/client_exposure/threshold@M%C3%BCller%20AG=7\n"));
    struct tw_rules rules = parsed(text);
    assert_int_equal(rules.override_count, 6);
    assert_int_equal(override(&rules, TW_OVERRIDE_LARGE_TRADE, "BRK.B")->threshold, 20000 * TW_E8 + TW_E8 / 2);
    assert_int_equal(override(&rules, TW_OVERRIDE_LARGE_TRADE, "BTC/USD")->threshold, 3 * TW_E8);
    assert_int_equal(override(&rules, TW_OVERRIDE_LARGE_TRADE, "A")->threshold, 5 * TW_E8);
    assert_int_equal(override(&rules, TW_OVERRIDE_CLIENT_EXPOSURE, "M\xc3\xbcller AG")->threshold, 7 * TW_E8);
    assert_int_equal(override(&rules, TW_OVERRIDE_SYMBOL_EXPOSURE, "A")->threshold, 8 * TW_E8);
    assert_int_equal(override(&rules, TW_OVERRIDE_VELOCITY, "A")->threshold, 9);
    assert_null(override(&rules, TW_OVERRIDE_CLIENT_EXPOSURE, "A"));
    assert_null(override(&rules, TW_OVERRIDE_LARGE_TRADE, "BRK"));
    assert_null(override(&rules, TW_OVERRIDE_LARGE_TRADE, "BRK.BB"));
    assert_null(override(&rules, TW_OVERRIDE_VELOCITY, ""));
    tw_rules_clear(&rules);
    free(text);
    tw_cfg_free(&cfg);
}

static void thousands_of_exceptions_are_all_found_in_sorted_order(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    char *text = NULL, name[16];
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    fputs("rules/velocity\n", out);
    for (int i = 0; i < COUNT; i++)
        fprintf(out, "    threshold@n%d = %d\n", (i * 7919) % COUNT, (i * 7919) % COUNT);
    fclose(out);
    struct tw_cfg *cfg = cfg_text_good(text);
    char *canonical = text_of(cfg);
    struct tw_rules rules = parsed(canonical);
    assert_int_equal(rules.override_count, COUNT);
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "n%d", i);
        assert_int_equal(override(&rules, TW_OVERRIDE_VELOCITY, name)->threshold, i);
    }
    tw_rules_clear(&rules);
    free(canonical);
    tw_cfg_free(&cfg);
    free(text);
}

static void the_same_settings_written_otherwise_have_the_same_hash(void **state)
{
    (void)state;
    struct tw_cfg *a = cfg_text_good("rules\n    velocity\n        symbol = yes\n        threshold@A%42 = 010\n"
                                     "    client_exposure\n        rearm = 0.90\n");
    struct tw_cfg *b = cfg_text_good("rules/velocity/threshold@AB = 10 # ten\nrules/velocity/symbol = \"on\"\n");
    char *text_a = text_of(a), *text_b = text_of(b);
    assert_string_equal(text_a, text_b);
    struct tw_rules rules_a = parsed(text_a), rules_b = parsed(text_b);
    assert_memory_equal(rules_a.hash, rules_b.hash, sizeof rules_a.hash);
    struct tw_rules defaults = parsed(canonical_defaults);
    assert_memory_not_equal(rules_a.hash, defaults.hash, sizeof defaults.hash);
    tw_rules_clear(&rules_a);
    tw_rules_clear(&rules_b);
    tw_rules_clear(&defaults);
    free(text_a);
    free(text_b);
    tw_cfg_free(&a);
    tw_cfg_free(&b);
}

static void a_text_that_is_not_canonical_is_refused(void **state)
{
    (void)state;
    assert_refused("session/zone=UTC\n", "session/zone=UTC\nwash/window=3\n",
                   "unknown key 'wash/window': these settings are of a newer version");
    assert_refused("session/zone=UTC\n", "session/zone=UTC\nstore/index_run=2048\n",
                   "unknown key 'store/index_run': these settings are of a newer version");
    assert_refused("rules/anomaly/high=4\n", "", "rules/anomaly/high is missing");
    assert_refused("exposure/remark=1\n", "exposure/remark=01\n", "exposure/remark: value is not in canonical form");
    assert_refused("symbol=off\n", "symbol=no\n", "rules/velocity/symbol: value is not in canonical form");
    assert_refused("critical=1.5\n", "critical=1.50\n",
                   "rules/client_exposure/critical: value is not in canonical form");
    assert_refused("exposure/measure=gross\nexposure/remark=1\n", "exposure/remark=1\nexposure/measure=gross\n",
                   "'exposure/measure' is not in byte order");
    assert_refused("exposure/remark=1\n", "exposure/remark=1\nexposure/remark=1\n",
                   "'exposure/remark' is not in byte order");
    assert_refused("exposure/remark=1\n", "exposure/remark=99999\n",
                   "exposure/remark must be a whole number, 0 to 86400 (seconds)");
    assert_refused("session/zone=UTC\n", "session/zone=UTC", "a line is not key=value with a line feed");
    assert_refused("session/zone=UTC\n", "session/zone\n", "a line is not key=value with a line feed");
    assert_refused("rules/anomaly/high=4", "rules/anomaly/high=2",
                   "rules/anomaly: minimum is above window, or high below medium");
    assert_refused("threshold=10\n", "threshold=10\nrules/velocity/threshold@A%42=3\n",
                   "name 'A%42' is not in canonical form");
    assert_refused("threshold=10\n", "threshold=10\nrules/velocity/threshold@=3\n",
                   "'' names neither a symbol nor an account");
}

static void an_empty_text_is_refused_without_a_leak(void **state)
{
    (void)state;
    struct tw_rules rules;
    char why[160];
    assert_false(tw_rules_parse("", 0, &rules, why));
    assert_string_equal(why, "exposure/measure is missing");
    assert_null(rules.overrides);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_of_the_defaults_is_this),
        cmocka_unit_test(the_defaults_are_typed),
        cmocka_unit_test(every_setting_arrives_in_its_own_place),
        cmocka_unit_test(settings_that_change_no_alert_stay_out_of_the_text),
        cmocka_unit_test(exceptions_by_name_are_found_and_only_under_their_rule),
        cmocka_unit_test(thousands_of_exceptions_are_all_found_in_sorted_order),
        cmocka_unit_test(the_same_settings_written_otherwise_have_the_same_hash),
        cmocka_unit_test(a_text_that_is_not_canonical_is_refused),
        cmocka_unit_test(an_empty_text_is_refused_without_a_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
