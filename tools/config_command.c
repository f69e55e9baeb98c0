/* SPDX-License-Identifier: MIT
 *
 * `tapewarden config`: is the configuration good, what is in force and why, which keys are there.
 */
#include <string.h>

#include "tools/cli.h"

static int check(const struct tw_cli *cli)
{
    int exit_code = TW_EXIT_OK;
    struct tw_cfg *cfg = tw_cli_cfg(cli, &exit_code);
    if (cfg == NULL)
        return exit_code;
    if (cli->json)
        printf("{\"ok\":true,\"warnings\":%zu}\n", tw_cfg_warning_count(cfg));
    else
        printf("OK\n");
    tw_cfg_free(&cfg);
    return TW_EXIT_OK;
}

static int show(const struct tw_cli *cli)
{
    int exit_code = TW_EXIT_OK;
    struct tw_cfg *cfg = tw_cli_cfg(cli, &exit_code);
    if (cfg == NULL)
        return exit_code;
    tw_cfg_show(cfg, stdout, cli->json);
    tw_cfg_free(&cfg);
    return TW_EXIT_OK;
}

static int sample(const struct tw_cli *cli)
{
    (void)cli;
    tw_cfg_sample(stdout);
    return TW_EXIT_OK;
}

static int template(const struct tw_cli *cli)
{
    for (int kind = 0; cli->operand_count == 2 && kind < TW_SHEET_COUNT; kind++)
        if (strcmp(tw_sheet_name((enum tw_sheet_kind)kind), cli->operands[1]) == 0) {
            fputs(tw_sheet_built_in((enum tw_sheet_kind)kind), stdout);
            return TW_EXIT_OK;
        }
    return tw_cli_usage(cli, "template takes slack, pagerduty, alertmanager, sns, mail or syslog");
}

static int keys(const struct tw_cli *cli)
{
    (void)cli;
    tw_cfg_describe(stdout);
    return TW_EXIT_OK;
}

static const struct {
    const char *name;
    int (*run)(const struct tw_cli *cli);
} actions[] = {{"check", check}, {"show", show}, {"sample", sample}, {"keys", keys}, {"template", template}};

int tw_config_main(int argc, char **argv)
{
    struct tw_cli cli = {
        .command = "config",
        .synopsis = "check|show|sample|keys|template RECEIVER [options]",
        .description = "check   says OK, or what is wrong and where; ends with 2 if anything is\n"
                       "show    every key with its value, where that came from (default, file:line, env NAME, flag),\n"
                       "        its unit and its meaning; secrets as ***\n"
                       "sample  a commented file with every key at its default\n"
                       "keys    the table of keys, in Markdown\n"
                       "template  the built-in texts of slack, pagerduty, alertmanager, sns, mail or syslog, as a file "
                       "to begin with",
        .examples = "  tapewarden config check -c /etc/tapewarden/tapewarden.zpl\n"
                    "  tapewarden config show --set rules/velocity/threshold=20\n"
                    "  tapewarden config show --json | jq 'select(.source != \"default\")'\n"
                    "  tapewarden config sample > tapewarden.zpl\n"
                    "  tapewarden config template mail > mail.template\n",
        .operands_min = 1,
        .operands_max = 2,
    };
    int exit_code = tw_cli_parse(&cli, argc, argv);
    if (exit_code != TW_CLI_GO_ON) {
        tw_cli_clear(&cli);
        return exit_code;
    }
    exit_code = TW_EXIT_USAGE;
    size_t i = 0;
    while (i < sizeof actions / sizeof *actions && strcmp(actions[i].name, cli.operands[0]) != 0)
        i++;
    if (i < sizeof actions / sizeof *actions && actions[i].run != template && cli.operand_count > 1)
        tw_cli_usage(&cli, "%s takes no operands", cli.operands[0]);
    else if (i < sizeof actions / sizeof *actions)
        exit_code = actions[i].run(&cli);
    else
        tw_cli_usage(&cli, "unknown action %s", cli.operands[0]);
    tw_cli_clear(&cli);
    return exit_code;
}
