/* SPDX-License-Identifier: MIT
 *
 * `tapewarden config` as people call it: what goes to stdout, what to stderr, and the exit code.
 */
#include "tests/unit/cfg_world.h"

#include <fcntl.h>

#include "tools/cli.h"

#define ARGUMENTS_MAX 8

struct called {
    int exit_code;
    char out[65536], err[4096];
};
static struct called result;

static int redirect(int descriptor, int *kept)
{
    char name[] = "/tmp/tapewarden-out-XXXXXX";
    int file = mkstemp(name);
    assert_true(file >= 0);
    unlink(name);
    *kept = dup(descriptor);
    assert_true(dup2(file, descriptor) >= 0);
    return file;
}

static void restore(int descriptor, int kept, int file, char *text, size_t bytes)
{
    assert_true(dup2(kept, descriptor) >= 0);
    close(kept);
    ssize_t length = pread(file, text, bytes - 1, 0);
    assert_true(length >= 0);
    text[length] = '\0';
    close(file);
}

/* tapewarden config <first> <second> <third> */
static const struct called *call(const char *first, const char *second, const char *third)
{
    char words[4][200] = {"config", "", "", ""};
    char *argv[ARGUMENTS_MAX] = {words[0]};
    const char *const given[] = {first, second, third};
    int argc = 1, kept_out = 0, kept_err = 0;
    for (int i = 0; i < 3 && given[i] != NULL; i++) {
        snprintf(words[i + 1], sizeof words[0], "%s", given[i]);
        argv[argc++] = words[i + 1];
    }
    fflush(stdout);
    int out = redirect(STDOUT_FILENO, &kept_out), err = redirect(STDERR_FILENO, &kept_err);
    result.exit_code = tw_config_main(argc, argv);
    fflush(stdout);
    fflush(stderr);
    restore(STDOUT_FILENO, kept_out, out, result.out, sizeof result.out);
    restore(STDERR_FILENO, kept_err, err, result.err, sizeof result.err);
    return &result;
}

static void a_good_file_is_ok(void **state)
{
    (void)state;
    const struct called *done = call("check", "-c", "cfg/tapewarden.zpl");
    assert_int_equal(done->exit_code, TW_EXIT_OK);
    assert_string_equal(done->out, "OK\n");
    assert_string_equal(done->err, "");
}

static void a_bad_file_ends_with_2_its_line_and_nothing_on_stdout(void **state)
{
    (void)state;
    struct cfg_file file = cfg_file_make("rules\n    velocty\n        threshold = 3\n");
    char expected[300];
    snprintf(expected, sizeof expected,
             "tapewarden config: %s:3: unknown key rules/velocty/threshold; did you mean rules/velocity/threshold?\n",
             file.path);
    const struct called *done = call("check", "-c", file.path);
    assert_int_equal(done->exit_code, TW_EXIT_USAGE);
    assert_string_equal(done->out, "");
    assert_string_equal(done->err, expected);
    cfg_file_remove(&file);
}

static void a_file_that_is_not_there_ends_with_3(void **state)
{
    (void)state;
    const struct called *done = call("check", "-c", "/nonexistent.zpl");
    assert_int_equal(done->exit_code, TW_EXIT_UNREACHABLE);
    assert_string_equal(done->err, "tapewarden config: /nonexistent.zpl: cannot be read: No such file or directory\n");
}

static void warnings_are_said_and_the_check_passes(void **state)
{
    (void)state;
    assert_int_equal(setenv("S3_BUCKET", "tape", 1), 0);
    const struct called *done = call("check", "--json", NULL);
    unsetenv("S3_BUCKET");
    assert_int_equal(done->exit_code, TW_EXIT_OK);
    assert_string_equal(done->out, "{\"ok\":true,\"warnings\":1}\n");
    assert_string_equal(
        done->err,
        "tapewarden config: environment S3_BUCKET: this build cannot use it yet (s3/bucket is not available)\n");
}

static void show_prints_a_table_or_objects(void **state)
{
    (void)state;
    const struct called *done = call("show", "--set", "rules/velocity/threshold=20");
    assert_int_equal(done->exit_code, TW_EXIT_OK);
    assert_memory_equal(done->out, "KEY  ", 5);
    assert_non_null(strstr(done->out, "\nrules/velocity/threshold         20  "));
    done = call("show", "--json", "--set=rules/velocity/threshold=20");
    assert_int_equal(done->exit_code, TW_EXIT_OK);
    assert_non_null(strstr(done->out, "\n{\"key\":\"rules/velocity/threshold\",\"value\":\"20\",\"source\":\"flag\","));
}

static void an_unknown_action_is_a_wrong_usage(void **state)
{
    (void)state;
    const struct called *done = call("chekc", NULL, NULL);
    assert_int_equal(done->exit_code, TW_EXIT_USAGE);
    assert_string_equal(done->err, "tapewarden config: unknown action chekc; see tapewarden config --help\n");
    assert_int_equal(call(NULL, NULL, NULL)->exit_code, TW_EXIT_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_file_is_ok),
        cmocka_unit_test(a_bad_file_ends_with_2_its_line_and_nothing_on_stdout),
        cmocka_unit_test(a_file_that_is_not_there_ends_with_3),
        cmocka_unit_test(warnings_are_said_and_the_check_passes),
        cmocka_unit_test(show_prints_a_table_or_objects),
        cmocka_unit_test(an_unknown_action_is_a_wrong_usage),
    };
    /* What configures this process from outside is none of these tests. */
    return clearenv() == 0 ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
