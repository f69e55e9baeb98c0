/* SPDX-License-Identifier: MIT
 *
 * Secrets in what receivers say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <string.h>

#include "actors/delivery/discretion.h"

#define SLACK "https://hooks.slack.com/services/T0123456789/B9876543210/abcdefghijklmnopqrstuvwx"
#define LOGIN "https://tapewarden:correct%2Fhorse@ops.example:8443/hook?token=s3cr3t&to=all"

static void expect(const struct tw_secrets *secrets, const char *said, bool cut, const char *hidden)
{
    char text[512];
    size_t length = strlen(said);
    memcpy(text, said, length);
    size_t left = tw_hide_secrets(secrets, text, length, cut);
    assert_true(left <= length);
    text[left] = '\0';
    assert_string_equal(text, hidden);
}

static void a_url_is_hidden_behind_its_host_in_whole_and_in_parts(void **state)
{
    struct tw_secrets secrets = {0};
    (void)state;
    tw_secrets_add_url(&secrets, SLACK);
    expect(&secrets, "Cannot POST /services/T0123456789/B9876543210/abcdefghijklmnopqrstuvwx", false,
           "Cannot POST ***");
    expect(&secrets, "{\"uri\":\"\\/services\\/T0123456789\\/B9876543210\\/abcdefghijklmnopqrstuvwx\"}", false,
           "{\"uri\":\"***\"}");
    expect(&secrets, "no team T0123456789, no hook abcdefghijklmnopqrstuvwx", false, "no team ***, no hook ***");
    expect(&secrets, "could not resolve hooks.slack.com", false, "could not resolve hooks.slack.com");
    expect(&secrets, "", false, "");
    tw_secrets_free(&secrets);
}

static void so_are_a_login_and_a_querys_values(void **state)
{
    struct tw_secrets secrets = {0};
    (void)state;
    tw_secrets_add_url(&secrets, LOGIN);
    expect(&secrets, "correct/horse correct%2Fhorse s3cr3t to=all /hook", false, "*** *** *** to=all /hook");
    expect(&secrets, "Authorization: Basic dGFwZXdhcmRlbjpjb3JyZWN0L2hvcnNl!", false, "Authorization: Basic ***!");
    tw_secrets_free(&secrets);
    tw_secrets_add_login(&secrets, "tapewarden", "hunter2");
    expect(&secrets, "535 AHRhcGV3YXJkZW4AaHVudGVyMg== aHVudGVyMg== hunter2 tapewarden", false,
           "535 *** *** *** tapewarden");
    tw_secrets_free(&secrets);
}

static void where_the_text_is_cut_a_secrets_beginning_goes_too(void **state)
{
    struct tw_secrets secrets = {0};
    (void)state;
    tw_secrets_add(&secrets, "abcdefghij", 10);
    expect(&secrets, "no abcdefghi", true, "no ***");
    expect(&secrets, "no abcdefghi", false, "no abcdefghi"); /* it ends there: it is another word */
    expect(&secrets, "no abc", true, "no abc");
    expect(&secrets, "abcdefghijabcdefghijabcd", true, "*********");
    tw_secrets_free(&secrets);
}

static void what_is_too_short_hides_nothing_and_the_longest_stay(void **state)
{
    struct tw_secrets secrets = {0};
    char text[16];
    (void)state;
    tw_secrets_add(&secrets, "abc", 3);
    assert_int_equal(secrets.count, 0);
    for (int i = 0; i < 2 * (int)TW_SECRETS_MAX; i++) {
        int length = snprintf(text, sizeof text, i % 2 == 0 ? "short%02d" : "longer-%03d", i);
        tw_secrets_add(&secrets, text, (size_t)length);
        tw_secrets_add(&secrets, text, (size_t)length); /* is known */
    }
    assert_int_equal(secrets.count, TW_SECRETS_MAX);
    expect(&secrets, "longer-001 longer-095 short00", false, "*** *** short00");
    tw_secrets_free(&secrets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_is_hidden_behind_its_host_in_whole_and_in_parts),
        cmocka_unit_test(so_are_a_login_and_a_querys_values),
        cmocka_unit_test(where_the_text_is_cut_a_secrets_beginning_goes_too),
        cmocka_unit_test(what_is_too_short_hides_nothing_and_the_longest_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
