/* SPDX-License-Identifier: MIT
 *
 * Receivers in the configuration: what their addresses must look like, what belongs together, and that a secret is
 * neither shown nor said.
 */
#include "tests/unit/cfg_world.h"

#include <unistd.h>

#include "protocol/status.h"

#define KEY "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

static void addresses_are_checked(void **state)
{
    (void)state;
    cfg_set_bad("webhook/ops=ftp://x",
                "--set: webhook/ops = ***: must be http://HOST[:PORT]... or https://HOST[:PORT]...");
    cfg_set_bad("webhook/ops=https:///x",
                "--set: webhook/ops = ***: must be http://HOST[:PORT]... or https://HOST[:PORT]...");
    cfg_set_bad("webhook_keys/ops=whsec_short", "--set: webhook_keys/ops = ***: must be whsec_ and 24 to 64 bytes in "
                                                "base64; several with spaces between, at most 4");
    cfg_set_bad("severity/ops=SEVERE", "--set: severity/ops = SEVERE: must be LOW, MEDIUM, HIGH or CRITICAL");
    cfg_set_bad("mail/from=somebody", "--set: mail/from = somebody: must be a mail address such as alerts@example.com");
    cfg_set_bad("mail/to=a@b.example, Joe <c@d.example>", "--set: mail/to = a@b.example, Joe <c@d.example>: must be "
                                                          "mail addresses, commas between, at most 32");
    cfg_set_bad("mail/server=smtp://x", "--set: mail/server = smtp://x: must be a host's name or address");
    cfg_set_bad("command/argv=page me", "flag: command/argv = page me: must begin with the whole path of a program");
}

static void a_url_names_a_host_and_a_port_that_there_can_be(void **state)
{
    static const char *const broken[] = {"http://h:99999/", "http://h:0",      "http://h:8o/",
                                         "http://[::1:80/", "http://[::1]80/", "http://[]:80/",
                                         "http://me@:80/x", "http://a:b:c/",   "http://[::x]/"};
    static const char *const whole[] = {"http://h:65535/",
                                        "https://h:/x",
                                        "http://[::1]:80/x",
                                        "http://[fe80::1%25lo]/",
                                        "https://me:pass@h.example:8443/x?y=z:99999#a:b",
                                        "http://10.0.0.1?a"};
    char set[128];
    const char *const list[] = {set};
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        snprintf(set, sizeof set, "webhook/ops=%s", broken[i]);
        cfg_set_bad(set, "--set: webhook/ops = ***: must be http://HOST[:PORT]... or https://HOST[:PORT]...");
    }
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        snprintf(set, sizeof set, "webhook/ops=%s", whole[i]);
        struct tw_cfg *cfg = cfg_load_good(&(struct tw_cfg_sources){.sets = list, .set_count = 1});
        assert_string_equal(tw_cfg_named(cfg, "webhook", "ops"), whole[i]);
        tw_cfg_free(&cfg);
    }
}

static void bad(const char *const *sets, size_t count, const char *sentence)
{
    cfg_load_bad(&(struct tw_cfg_sources){.sets = sets, .set_count = count}, sentence);
}

static void what_belongs_together_is_set_together(void **state)
{
    (void)state;
    static const char *const lonely[] = {"mail/to=a@b.example"};
    static const char *const anonymous[] = {"mail/to=a@b.example", "mail/server=mx", "mail/from=c@d.example",
                                            "mail/username=me"};
    static const char *const open[] = {"mail/to=a@b.example", "mail/server=mx",        "mail/from=c@d.example",
                                       "mail/username=me",    "mail/password=hunter2", "mail/tls=none"};
    static const char *const nobody[] = {"severity/ops=HIGH"};
    static const char *const unused[] = {"webhook_keys/ops=" KEY};
    static const char *const taken[] = {"webhook/mail=https://x"};
    static const char *const none[] = {"webhook/none=https://x"};
    static const char *const topic[] = {"sns/topic_arn=arn:aws:sqs:eu-west-1:1:x", "aws/access_key_id=a"};
    static const char *const keyless[] = {"sns/topic_arn=arn:aws:sns:eu-west-1:1:x", "aws/access_key_id=a"};
    static const char *const waits[] = {"delivery/retry_first=60", "delivery/retry_max=30"};
    bad(lonely, 1, "flag: mail/to = a@b.example: mail/server must be set, too");
    bad(anonymous, 4, "flag: mail/to = a@b.example: mail/username and mail/password belong together");
    bad(open, 6, "flag: mail/tls = none: mail/password would go over the wire for everyone to read");
    bad(nobody, 1, "flag: severity/ops: there is no receiver of that name");
    bad(unused, 1, "flag: webhook_keys/ops: there is no webhook of that name");
    bad(taken, 1, "flag: webhook/mail: receivers of another kind have this name");
    bad(none, 1, "flag: webhook/none: none means nobody where routes name receivers; take another name");
    bad(topic, 2, "flag: sns/topic_arn = arn:aws:sqs:eu-west-1:1:x: must be arn:aws:sns:REGION:ACCOUNT:NAME");
    bad(keyless, 2,
        "flag: sns/topic_arn = arn:aws:sns:eu-west-1:1:x: aws/access_key_id and aws/secret_access_key must "
        "be set, too (1 to 128 bytes)");
    bad(waits, 2, "flag: delivery/retry_first = 60: delivery/retry_first must be at most delivery/retry_max");
}

static void write_file(char path[64], const char *text)
{
    strcpy(path, "/tmp/tapewarden-secret-XXXXXX");
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), (ssize_t)strlen(text));
    close(file);
}

static void secrets_come_from_files_and_are_not_shown(void **state)
{
    (void)state;
    char url[64], keys[64], sets[4][128];
    write_file(url, "https://ops.example.com/hidden\n");
    write_file(keys, KEY " " KEY "\r\n");
    snprintf(sets[0], sizeof sets[0], "slack/webhook_url_file=%s", url);
    snprintf(sets[1], sizeof sets[1], "webhook_file/ops=%s", url);
    snprintf(sets[2], sizeof sets[2], "webhook_keys_file/ops=%s", keys);
    const char *const list[] = {sets[0], sets[1], sets[2], "severity/ops=HIGH"};
    static const char *const environment[] = {"SLACK_WEBHOOK_URL=https://weaker", NULL};
    struct tw_cfg *cfg = cfg_load_good(&(struct tw_cfg_sources){.sets = list, .set_count = 4, .environ_ = environment});
    assert_string_equal(tw_cfg_text(cfg, "slack/webhook_url"), "https://ops.example.com/hidden");
    assert_string_equal(tw_cfg_named(cfg, "webhook", "ops"), "https://ops.example.com/hidden");
    assert_string_equal(tw_cfg_named(cfg, "webhook_keys", "ops"), KEY " " KEY);
    assert_string_equal(tw_cfg_named(cfg, "severity", "ops"), "HIGH");
    assert_null(tw_cfg_named(cfg, "severity", "other"));
    for (int json = 0; json < 2; json++) {
        char *text = cfg_shown(cfg, json == 1);
        assert_null(strstr(text, "hidden"));
        assert_null(strstr(text, "whsec_MfKQ"));
        assert_non_null(strstr(text, "***"));
        free(text);
    }
    tw_cfg_free(&cfg);
    unlink(url);
    unlink(keys);
}

static void a_secrets_file_of_ours_goes_before_a_name_that_others_set(void **state)
{
    (void)state;
    char path[64], file[128];
    write_file(path, "https://ops.example.com/hidden\n");
    snprintf(file, sizeof file, "TAPEWARDEN_SLACK__WEBHOOK_URL_FILE=%s", path);
    const char *const environment[] = {"SLACK_WEBHOOK_URL=https://weaker", file, NULL};
    struct tw_cfg *cfg = cfg_load_good(&(struct tw_cfg_sources){.environ_ = environment});
    assert_string_equal(tw_cfg_text(cfg, "slack/webhook_url"), "https://ops.example.com/hidden");
    tw_cfg_free(&cfg);
    const char *const both[] = {"TAPEWARDEN_SLACK__WEBHOOK_URL=https://as.strong", file, NULL};
    cfg_load_bad(
        &(struct tw_cfg_sources){.environ_ = both},
        "env TAPEWARDEN_SLACK__WEBHOOK_URL_FILE: slack/webhook_url_file and slack/webhook_url are both set; one "
        "is enough");
    unlink(path);
}

static void certificates_are_looked_for_where_they_shall_be(void **state)
{
    char path[64], set[96], sentence[256];
    const char *const list[] = {set};
    (void)state;
    write_file(path, "# ours\n-----BEGIN CERTIFICATE-----\nMIIB\n");
    snprintf(set, sizeof set, "delivery/ca_file=%s", path);
    struct tw_cfg *cfg = cfg_load_good(&(struct tw_cfg_sources){.sets = list, .set_count = 1});
    tw_cfg_free(&cfg);
    unlink(path);
    snprintf(sentence, sizeof sentence, "flag: delivery/ca_file = %s: cannot read it: No such file or directory", path);
    bad(list, 1, sentence);
    write_file(path, "-----BEGIN PRIVATE KEY-----\n");
    snprintf(set, sizeof set, "delivery/ca_file=%s", path);
    snprintf(sentence, sizeof sentence,
             "flag: delivery/ca_file = %s: there is no certificate in it (PEM, -----BEGIN CERTIFICATE-----)", path);
    bad(list, 1, sentence);
    unlink(path);
    snprintf(set, sizeof set, "delivery/ca_file=/dev/zero");
    bad(list, 1, "flag: delivery/ca_file = /dev/zero: cannot read it: it is not a file");
    snprintf(set, sizeof set, "file/path=/dev/null"); /* nor do alerts go there */
    bad(list, 1, "flag: file/path = /dev/null: that is not a regular file");
}

static void a_file_with_a_bad_secret_is_named_and_its_content_is_not(void **state)
{
    (void)state;
    char path[64], set[128], sentence[256];
    write_file(path, "not a url\n");
    snprintf(set, sizeof set, "webhook_file/ops=%s", path);
    const char *const list[] = {set, "webhook/ops=https://x"};
    snprintf(sentence, sizeof sentence,
             "%s:1: webhook/ops = ***: must be http://HOST[:PORT]... or https://HOST[:PORT]...", path);
    bad(list, 1, sentence);
    bad(list, 2, "flag: webhook_file/* and webhook/* are both set; one is enough");
    unlink(path);
    struct tw_cfg_error error;
    assert_null(tw_cfg_load(&(struct tw_cfg_sources){.sets = list, .set_count = 1}, &error));
    assert_int_equal(error.exit_code, TW_EXIT_UNREACHABLE);
}

static void the_names_that_people_know_make_receivers(void **state)
{
    (void)state;
    static const char *const environment[] = {"SLACK_WEBHOOK_URL=https://hooks.example.com/x",
                                              "ALERT_EMAIL_FROM=a@b.example",
                                              "ALERT_EMAIL_TO=c@d.example,e@f.example",
                                              "SMTP_SERVER=localhost",
                                              "SMTP_PORT=2525",
                                              "SMTP_USERNAME=me",
                                              "SMTP_PASSWORD=hunter2",
                                              "TAPEWARDEN_WEBHOOK__OPS=https://ops",
                                              NULL};
    struct tw_cfg *cfg = cfg_load_good(&(struct tw_cfg_sources){.environ_ = environment});
    assert_int_equal(tw_cfg_warning_count(cfg), 0);
    assert_int_equal(tw_cfg_integer(cfg, "mail/port"), 2525);
    assert_string_equal(tw_cfg_named(cfg, "webhook", "ops"), "https://ops");
    char *text = cfg_shown(cfg, true);
    assert_null(strstr(text, "hunter2"));
    free(text);
    tw_cfg_free(&cfg);
}

/* The file's name stands in front of the sentence. */
static void refuse_template(const char *key, const char *text, const char *rest)
{
    char path[64], set[128], sentence[300];
    write_file(path, text);
    snprintf(set, sizeof set, "%s=%s", key, path);
    snprintf(sentence, sizeof sentence, "%s:%s", path, rest);
    cfg_set_bad(set, sentence);
    unlink(path);
}

static void templates_are_checked_with_the_rest(void **state)
{
    (void)state;
    char path[64], set[128];
    refuse_template("mail/template", "{{$subject}}\n{{severty}}\n{{/subject}}\n",
                    "2:3: there is no field severty; did you mean severity?");
    refuse_template("slack/template", "{{$haedline}}{{/haedline}}",
                    "1:4: slack has no part haedline; did you mean headline?");
    refuse_template("mail/template", "{{$html}}<a href=\"{{message}}\">{{/html}}",
                    "1:19: a link begins with https:, http:, mailto: or cid: before its first value");
    struct tw_cfg_error error = {.exit_code = 0};
    const char *const nowhere[] = {"syslog/template=/nowhere/x"};
    assert_null(tw_cfg_load(&(struct tw_cfg_sources){.sets = nowhere, .set_count = 1}, &error));
    assert_int_equal(error.exit_code, TW_EXIT_UNREACHABLE);
    assert_string_equal(error.text, "flag: syslog/template: /nowhere/x cannot be read: No such file or directory");
    write_file(path, "{{! what it is about }}\n{{$subject}}{{entity}}{{/subject}}\n");
    snprintf(set, sizeof set, "mail/template=%s", path);
    const char *const sets[] = {set};
    struct tw_cfg *cfg = cfg_load_good(&(struct tw_cfg_sources){.sets = sets, .set_count = 1});
    assert_int_equal(tw_sheet_count(tw_cfg_sheet(cfg, TW_SHEET_MAIL), TW_TEXT_HTML), 1); /* as it is built in */
    assert_int_equal(tw_sheet_count(tw_cfg_sheet(cfg, TW_SHEET_SLACK), TW_TEXT_FIELD), 6);
    assert_int_equal(tw_sheet_count(tw_cfg_sheet(cfg, TW_SHEET_SLACK), TW_TEXT_HTML), 0);
    tw_cfg_free(&cfg);
    FILE *large = fopen(path, "w");
    for (int i = 0; i <= 65536; i++)
        fputc('x', large);
    fclose(large);
    char sentence[200];
    snprintf(sentence, sizeof sentence, "%s:1:1: a file of templates has at most 64 KiB", path);
    cfg_set_bad(set, sentence);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_checked),
        cmocka_unit_test(a_url_names_a_host_and_a_port_that_there_can_be),
        cmocka_unit_test(certificates_are_looked_for_where_they_shall_be),
        cmocka_unit_test(what_belongs_together_is_set_together),
        cmocka_unit_test(secrets_come_from_files_and_are_not_shown),
        cmocka_unit_test(a_secrets_file_of_ours_goes_before_a_name_that_others_set),
        cmocka_unit_test(a_file_with_a_bad_secret_is_named_and_its_content_is_not),
        cmocka_unit_test(the_names_that_people_know_make_receivers),
        cmocka_unit_test(templates_are_checked_with_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
