/* SPDX-License-Identifier: MIT
 *
 * The commands' options.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/cli.h"

#define ARGUMENTS_MAX 16

struct world {
    const char *name;
    uint64_t count, wait;
    bool flag;
    struct tw_cli_option options[4];
    struct tw_cli cli;
    char *argv[ARGUMENTS_MAX];
};

/* Words divided by spaces; the first is the command's name. */
static int parse(struct world *world, char *line)
{
    memset(world, 0, sizeof *world);
    world->count = 7;
    world->options[0] = (struct tw_cli_option){"name", "NAME", "a name", TW_CLI_TEXT, &world->name};
    world->options[1] = (struct tw_cli_option){"count", "N", "a count", TW_CLI_INTEGER, &world->count};
    world->options[2] = (struct tw_cli_option){"flag", NULL, "a flag", TW_CLI_FLAG, &world->flag};
    world->options[3] = (struct tw_cli_option){"wait", "S", "seconds", TW_CLI_SECONDS, &world->wait};
    world->cli = (struct tw_cli){.command = "test",
                                 .synopsis = "FILE [options]",
                                 .description = "",
                                 .examples = "",
                                 .options = world->options,
                                 .option_count = 4,
                                 .operands_min = 1,
                                 .operands_max = 2};
    int argc = 0;
    char *rest = NULL;
    for (char *word = strtok_r(line, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
        world->argv[argc++] = word;
    return tw_cli_parse(&world->cli, argc, world->argv);
}

static void options_and_operands_come_in_any_order(void **state)
{
    (void)state;
    struct world world;
    char line[] = "test a --name n -c file --count=12 --set k=v b --flag --set l=w --data dir --json";
    assert_int_equal(parse(&world, line), TW_CLI_GO_ON);
    assert_string_equal(world.name, "n");
    assert_int_equal(world.count, 12);
    assert_true(world.flag);
    assert_int_equal(world.cli.operand_count, 2);
    assert_string_equal(world.cli.operands[0], "a");
    assert_string_equal(world.cli.operands[1], "b");
    assert_string_equal(world.cli.file, "file");
    assert_string_equal(world.cli.data, "dir");
    assert_int_equal(world.cli.set_count, 2);
    assert_string_equal(world.cli.sets[0], "k=v");
    assert_string_equal(world.cli.sets[1], "l=w");
    assert_true(world.cli.json);
    tw_cli_clear(&world.cli);
}

static void what_is_not_given_keeps_its_default(void **state)
{
    (void)state;
    struct world world;
    char line[] = "test a";
    assert_int_equal(parse(&world, line), TW_CLI_GO_ON);
    assert_int_equal(world.count, 7);
    assert_null(world.name);
    assert_false(world.flag);
    tw_cli_clear(&world.cli);
}

static void a_dash_is_an_operand_and_two_end_the_options(void **state)
{
    (void)state;
    struct world world;
    char line[] = "test - -- --flag";
    assert_int_equal(parse(&world, line), TW_CLI_GO_ON);
    assert_string_equal(world.cli.operands[0], "-");
    assert_string_equal(world.cli.operands[1], "--flag");
    assert_false(world.flag);
    tw_cli_clear(&world.cli);
}

static void wrong_usage_ends_with_its_code(void **state)
{
    (void)state;
    static const char *const lines[] = {"test",
                                        "test a b c",
                                        "test a --unknown",
                                        "test a -x",
                                        "test a --name",
                                        "test a --count",
                                        "test a --count x",
                                        "test a --count -1",
                                        "test a --count 1x",
                                        "test a --flag=1",
                                        "test a --set",
                                        "test a -c",
                                        "test a --json=1",
                                        "test a --count 99999999999999999999",
                                        "test a --wait x",
                                        "test a --wait 1000000001",
                                        "test a --wait=9999999999"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct world world;
        char line[64];
        strcpy(line, lines[i]);
        assert_int_equal(parse(&world, line), TW_EXIT_USAGE);
        tw_cli_clear(&world.cli);
    }
}

static void seconds_are_any_that_a_clock_can_bear(void **state)
{
    (void)state;
    struct world world;
    char line[] = "test a --wait 1000000000";
    assert_int_equal(parse(&world, line), TW_CLI_GO_ON);
    assert_int_equal(world.wait, TW_CLI_SECONDS_MAX);
    tw_cli_clear(&world.cli);
}

static void help_is_no_failure_even_beside_other_faults(void **state)
{
    (void)state;
    struct world world;
    char line[] = "test --help --unknown";
    assert_int_equal(parse(&world, line), TW_EXIT_OK);
    tw_cli_clear(&world.cli);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_and_operands_come_in_any_order),
        cmocka_unit_test(what_is_not_given_keeps_its_default),
        cmocka_unit_test(a_dash_is_an_operand_and_two_end_the_options),
        cmocka_unit_test(wrong_usage_ends_with_its_code),
        cmocka_unit_test(seconds_are_any_that_a_clock_can_bear),
        cmocka_unit_test(help_is_no_failure_even_beside_other_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
