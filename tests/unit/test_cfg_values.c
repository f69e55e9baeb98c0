/* SPDX-License-Identifier: MIT
 *
 * Values by type: canonical forms and bounds.
 */
#include "tests/unit/cfg_world.h"

#include "cfg/value.h"
#include "protocol/likeness.h"

static void assert_value(const char *key, const char *text, const char *canonical, int64_t number)
{
    struct tw_value value;
    char why[TW_VALUE_WHY_BYTES];
    const struct tw_key *row = tw_key_by_name(key);
    assert_non_null(row);
    if (!tw_value_read(row, text, strlen(text), &value, why))
        fail_msg("%s = %s: %s", key, text, why);
    assert_string_equal(value.text, canonical);
    assert_int_equal(value.number, number);
}

static void assert_refused(const char *key, const char *text, const char *reason)
{
    struct tw_value value;
    char why[TW_VALUE_WHY_BYTES] = "";
    const struct tw_key *row = tw_key_by_name(key);
    assert_non_null(row);
    if (tw_value_read(row, text, strlen(text), &value, why))
        fail_msg("%s = %s was taken", key, text);
    assert_string_equal(why, reason);
}

static void decimals_lose_their_trailing_zeros(void **state)
{
    (void)state;
    assert_value("rules/client_exposure/threshold", "1000000.50", "1000000.5", INT64_C(100000050000000));
    assert_value("rules/client_exposure/threshold", "0001.00000000", "1", 100000000);
    assert_value("rules/client_exposure/threshold", "0.00000001", "0.00000001", 1);
    assert_value("rules/client_exposure/threshold", "92233720368.54775807", "92233720368.54775807", INT64_MAX);
    assert_value("rules/client_exposure/critical", "1.50", "1.5", 15000);
    assert_value("rules/client_exposure/critical", "0", "0", 0);
    assert_value("rules/client_exposure/rearm", "1", "1", 10000);
    assert_value("rules/anomaly/high", "4.125", "4.125", 4125);
}

static void decimals_out_of_bounds_say_bounds_and_unit(void **state)
{
    (void)state;
    static const char *const money = "must be 0 to 92233720368.54775807, at most 8 decimals (reporting currency)";
    static const char *const bad[] = {
        "", "-1", "+1", "1e3", ".5", "5.", "1,5", "nan", "0.000000001", "92233720368.54775808", "1 "};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_refused("rules/client_exposure/threshold", bad[i], money);
    assert_refused("rules/client_exposure/rearm", "1.0001", "must be 0 to 1, at most 4 decimals (times threshold)");
    assert_refused("rules/client_exposure/critical", "1",
                   "must be 0, or 1.0001 to 1000, at most 4 decimals (times threshold)");
    assert_refused("rules/client_exposure/critical", "1.50001",
                   "must be 0, or 1.0001 to 1000, at most 4 decimals (times threshold)");
    assert_refused("rules/anomaly/medium", "3.0001", "must be 0 to 1000, at most 3 decimals (standard deviations)");
}

static void whole_numbers_have_bounds(void **state)
{
    (void)state;
    assert_value("rules/velocity/window", "060", "60", 60);
    assert_value("pipeline/block", "8190", "8190", 8190);
    assert_value("pipeline/shards", "64", "64", 64);
    assert_refused("pipeline/shards", "65", "must be a whole number, 0 to 64 (threads)");
    assert_refused("pipeline/block", "8191", "must be a whole number, 1 to 8190 (trades)");
    assert_refused("pipeline/block", "0", "must be a whole number, 1 to 8190 (trades)");
    assert_refused("rules/velocity/window", "1.5", "must be a whole number, 1 to 86400 (seconds)");
    assert_refused("rules/velocity/window", "18446744073709551617", "must be a whole number, 1 to 86400 (seconds)");
    assert_refused("rules/anomaly/window", "1001", "must be a whole number, 2 to 1000 (trades)");
    assert_refused("limits/credit", "8189", "must be a whole number, 8190 to 16777216 (trades)");
}

static void switches_take_the_usual_words(void **state)
{
    (void)state;
    assert_value("log/json", "on", "on", 1);
    assert_value("log/json", "true", "on", 1);
    assert_value("log/json", "yes", "on", 1);
    assert_value("log/json", "1", "on", 1);
    assert_value("log/json", "off", "off", 0);
    assert_value("log/json", "false", "off", 0);
    assert_value("log/json", "no", "off", 0);
    assert_value("log/json", "0", "off", 0);
    assert_refused("log/json", "On", "must be on or off");
}

static void choices_are_one_of_their_words(void **state)
{
    (void)state;
    assert_value("exposure/measure", "gross", "gross", 0);
    assert_value("exposure/measure", "turnover", "turnover", 2);
    assert_value("log/level", "debug", "debug", 3);
    assert_refused("exposure/measure", "gros", "must be gross, net or turnover");
    assert_refused("exposure/measure", "", "must be gross, net or turnover");
    assert_refused("exposure/measure", "gross|net", "must be gross, net or turnover");
}

static void times_of_day_are_seconds(void **state)
{
    (void)state;
    assert_value("session/roll", "00:00", "00:00", 0);
    assert_value("session/roll", "23:59", "23:59", 86340);
    assert_value("session/roll", "17:05", "17:05", 61500);
    assert_refused("session/roll", "24:00", "must be HH:MM from 00:00 to 23:59 (local time)");
    assert_refused("session/roll", "7:05", "must be HH:MM from 00:00 to 23:59 (local time)");
    assert_refused("session/roll", "07:60", "must be HH:MM from 00:00 to 23:59 (local time)");
}

static void zone_names_cannot_leave_their_directory(void **state)
{
    (void)state;
    static const char *const why = "must be an IANA name such as Europe/Berlin";
    assert_value("session/zone", "America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires", 0);
    assert_refused("session/zone", "../../etc/passwd", why);
    assert_refused("session/zone", "/etc/localtime", why);
    assert_refused("session/zone", "Europe/", why);
    assert_refused("session/zone", "", why);
    assert_refused("session/zone", "12345678901234567890123456789012345678901234567890123456789012345", why);
}

static void sockets_are_bound_on_loopback_only(void **state)
{
    (void)state;
    static const char *const good[] = {"tcp://127.0.0.1:7701", "tcp://127.9.8.7:1", "tcp://localhost:65535",
                                       "tcp://[::1]:7701",     "tcp://127.0.0.1:*", "tcp://127.0.0.1:0",
                                       "ipc:///run/a.sock",    "ipc://@tapewarden"};
    static const char *const beyond[] = {"tcp://0.0.0.0:7701",   "tcp://*:7701",    "tcp://[::]:7701",
                                         "tcp://192.168.1.2:1",  "tcp://eth0:7701", "tcp://128.0.0.1:7701",
                                         "tcp://127.0.0.1.x:10", "tcp://127.1:7701"};
    static const char *const why =
        "is refused: beyond loopback (127.0.0.0/8, [::1], localhost) everyone who reaches the port may speak, so that "
        "needs CURVE, which this build does not have";
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_value("bind/trades", good[i], good[i], 0);
    for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++)
        assert_refused("bind/trades", beyond[i], why);
    assert_refused("bind/trades", "127.0.0.1:7701", "must be tcp://HOST:PORT or ipc://PATH");
    assert_refused("bind/trades", "inproc://x", "must be tcp://HOST:PORT or ipc://PATH");
    assert_refused("bind/trades", "ipc://", "must name a path behind ipc://");
    assert_refused("bind/trades", "tcp://127.0.0.1:65536",
                   "must end in a port from 1 to 65535, or in 0 or * for any free one");
    assert_refused("bind/trades",
                   "tcp://127.0.0.1:", "must end in a port from 1 to 65535, or in 0 or * for any free one");
}

static void feeds_are_connected_anywhere_but_need_a_port(void **state)
{
    (void)state;
    assert_value("feeds/*", "tcp://feed.example.com:5556", "tcp://feed.example.com:5556", 0);
    assert_value("feeds/*", "ipc:///run/feed", "ipc:///run/feed", 0);
    assert_refused("feeds/*", "tcp://10.0.0.1:0", "must end in a port from 1 to 65535");
    assert_refused("feeds/*", "tcp://10.0.0.1:*", "must end in a port from 1 to 65535");
    assert_refused("feeds/*", "tcp://*:5556", "must be tcp://HOST:PORT or ipc://PATH");
}

static void texts_are_utf8_without_control_characters(void **state)
{
    (void)state;
    assert_value("data/directory", "/srv/M\xc3\xbcnchen", "/srv/M\xc3\xbcnchen", 0);
    assert_refused("data/directory", "a\x1b[2J", "must be UTF-8 without control characters");
    assert_refused("data/directory", "a\xff", "must be UTF-8 without control characters");
    assert_refused("data/directory", "a\xc0\x80", "must be UTF-8 without control characters");
    assert_refused("data/directory", "a\xed\xa0\x80", "must be UTF-8 without control characters");
    assert_refused("data/directory", "a\xe2\x82", "must be UTF-8 without control characters");
    assert_refused("data/directory", "", "must be a path");
}

/* Temporary credentials of AWS come with tokens of thousands of bytes. */
static void a_secret_text_may_be_longer_than_others(void **state)
{
    (void)state;
    char text[4098];
    memset(text, 'x', sizeof text);
    text[4097] = '\0';
    assert_refused("aws/session_token", text, "is longer than 4096 bytes");
    text[4096] = '\0';
    assert_value("aws/session_token", text, text, 0);
    text[1024] = '\0';
    assert_refused("session/zone", text, "is longer than 1023 bytes");
}

static void every_default_is_canonical_and_within_its_bounds(void **state)
{
    (void)state;
    size_t checked = 0;
    for (size_t i = 0; i < TW_KEY_COUNT; i++) {
        const struct tw_key *key = &tw_keys[i];
        struct tw_value value;
        char why[TW_VALUE_WHY_BYTES];
        if (key->standard[0] == '\0')
            continue;
        if (!tw_value_read(key, key->standard, strlen(key->standard), &value, why))
            fail_msg("%s = %s: %s", key->name, key->standard, why);
        assert_string_equal(value.text, key->standard);
        checked++;
    }
    assert_true(checked > 40);
}

static void names_are_escaped_and_read_back(void **state)
{
    (void)state;
    static const struct {
        const char *name, *escaped;
    } pairs[] = {{"BRK.B", "BRK.B"}, {"BTC/USD", "BTC/USD"},   {"a b", "a%20b"},
                 {"50%", "50%25"},   {"A@B=#", "A%40B%3D%23"}, {"M\xc3\xbcller", "M%C3%BCller"}};
    char text[100], name[33];
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        tw_key_name_encode(pairs[i].name, strlen(pairs[i].name), text, sizeof text);
        assert_string_equal(text, pairs[i].escaped);
        assert_int_equal(tw_key_name_decode(text, strlen(text), name, sizeof name), strlen(pairs[i].name));
        assert_string_equal(name, pairs[i].name);
    }
    assert_int_equal(tw_key_name_decode("a%2", 3, name, sizeof name), -1);
    assert_int_equal(tw_key_name_decode("a%zz", 4, name, sizeof name), -1);
    assert_int_equal(tw_key_name_decode("a b", 3, name, sizeof name), -1);
    assert_int_equal(tw_key_name_decode("abcdefghijklmnopqrstuvwxyz0123456", 33, name, sizeof name), -1);
}

static void likeness_counts_the_swap_of_neighbours_as_one(void **state)
{
    (void)state;
    assert_int_equal(tw_likeness_distance("velocity", 8, "velocity", 8), 0);
    assert_int_equal(tw_likeness_distance("velcoity", 8, "velocity", 8), 1);
    assert_int_equal(tw_likeness_distance("velocty", 7, "velocity", 8), 1);
    assert_int_equal(tw_likeness_distance("velozity", 8, "velocity", 8), 1);
    assert_int_equal(tw_likeness_distance("", 0, "abc", 3), 3);
    assert_int_equal(tw_likeness_distance("ca", 2, "abc", 3), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimals_lose_their_trailing_zeros),
        cmocka_unit_test(decimals_out_of_bounds_say_bounds_and_unit),
        cmocka_unit_test(whole_numbers_have_bounds),
        cmocka_unit_test(switches_take_the_usual_words),
        cmocka_unit_test(choices_are_one_of_their_words),
        cmocka_unit_test(times_of_day_are_seconds),
        cmocka_unit_test(zone_names_cannot_leave_their_directory),
        cmocka_unit_test(sockets_are_bound_on_loopback_only),
        cmocka_unit_test(feeds_are_connected_anywhere_but_need_a_port),
        cmocka_unit_test(texts_are_utf8_without_control_characters),
        cmocka_unit_test(a_secret_text_may_be_longer_than_others),
        cmocka_unit_test(every_default_is_canonical_and_within_its_bounds),
        cmocka_unit_test(names_are_escaped_and_read_back),
        cmocka_unit_test(likeness_counts_the_swap_of_neighbours_as_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
