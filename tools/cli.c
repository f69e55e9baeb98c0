/* SPDX-License-Identifier: MIT
 *
 * Options, help, configuration, messages and progress for the subcommands.
 */
#include "tools/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "protocol/check.h"

extern char **environ;

#define PROGRESS_EVERY_NS INT64_C(100000000)
#define PROGRESS_CELLS 30

/* ---- messages ---- */

void tw_cli_say(const char *command, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "tapewarden %s: ", command);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

int tw_cli_usage(const struct tw_cli *cli, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "tapewarden %s: ", cli->command);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "; see tapewarden %s --help\n", cli->command);
    va_end(arguments);
    return TW_EXIT_USAGE;
}

bool tw_cli_colour(FILE *stream)
{
    const char *no_colour = getenv("NO_COLOR"); /* no-color.org: set and not empty */
    return (no_colour == NULL || no_colour[0] == '\0') && isatty(fileno(stream)) != 0;
}

/* ---- help ---- */

static void print_option(const char *name, const char *argument, const char *help)
{
    char left[64];
    snprintf(left, sizeof left, "%s%s%s", name, argument == NULL ? "" : " ", argument == NULL ? "" : argument);
    printf("  %-26s %s\n", left, help);
}

static void print_help(const struct tw_cli *cli)
{
    printf("usage: tapewarden %s%s%s\n\n%s\n\n", cli->command, cli->synopsis[0] == '\0' ? "" : " ", cli->synopsis,
           cli->description);
    if (cli->option_count > 0)
        printf("Options:\n");
    for (size_t i = 0; i < cli->option_count; i++) {
        char name[48];
        if (cli->options[i].help == NULL)
            continue;
        snprintf(name, sizeof name, "--%s", cli->options[i].name);
        print_option(name, cli->options[i].argument, cli->options[i].help);
    }
    printf("%sCommon options:\n", cli->option_count > 0 ? "\n" : "");
    print_option("-c", "FILE", "configuration file (ZPL)");
    print_option("--set", "KEY=VALUE", "one setting, e.g. rules/velocity/threshold=20; repeatable");
    print_option("--data", "DIR", "data directory");
    print_option("--json", NULL, "results as JSON, one object a line");
    print_option("--help", NULL, "this page");
    printf("\nExamples:\n%s\n", cli->examples);
    printf("Exit codes: 0 done, 1 the answer is no, 2 wrong usage or configuration,\n"
           "            3 cannot reach or read something, 4 input refused.\n");
}

/* ---- parsing ---- */

struct arguments {
    struct tw_cli *cli;
    char **argv;
    int count, next;
};

/* The value of an option: behind '=', or the next argument. NULL if there is none. */
static const char *take_value(struct arguments *arguments, const char *inline_value)
{
    if (inline_value != NULL)
        return inline_value;
    return arguments->next < arguments->count ? arguments->argv[arguments->next++] : NULL;
}

bool tw_cli_integer(const char *text, uint64_t *out)
{
    if (text[0] < '0' || text[0] > '9')
        return false;
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0')
        return false;
    *out = value;
    return true;
}

static const struct tw_cli_option *find_option(const struct tw_cli *cli, const char *name, size_t length)
{
    for (size_t i = 0; i < cli->option_count; i++)
        if (strlen(cli->options[i].name) == length && memcmp(cli->options[i].name, name, length) == 0)
            return &cli->options[i];
    return NULL;
}

static int set_option(struct arguments *arguments, const struct tw_cli_option *option, const char *inline_value)
{
    const struct tw_cli *cli = arguments->cli;
    if (option->kind == TW_CLI_FLAG) {
        if (inline_value != NULL)
            return tw_cli_usage(cli, "--%s takes no value", option->name);
        *(bool *)option->value = true;
        return TW_CLI_GO_ON;
    }
    const char *value = take_value(arguments, inline_value);
    if (value == NULL)
        return tw_cli_usage(cli, "--%s needs %s", option->name, option->argument);
    if (option->kind == TW_CLI_TEXT)
        *(const char **)option->value = value;
    else if (!tw_cli_integer(value, option->value))
        return tw_cli_usage(cli, "--%s %s: not a whole number, or too large", option->name, value);
    else if (option->kind == TW_CLI_SECONDS && *(uint64_t *)option->value > TW_CLI_SECONDS_MAX)
        return tw_cli_usage(cli, "--%s %s: at most %llu seconds", option->name, value,
                            (unsigned long long)TW_CLI_SECONDS_MAX);
    return TW_CLI_GO_ON;
}

/* One of the options that every command takes; *known says whether it is. */
static int set_common(struct arguments *arguments, const char *name, size_t length, const char *inline_value,
                      bool *known)
{
    static const char *const names[] = {"set", "data", "json", "help", "config"};
    struct tw_cli *cli = arguments->cli;
    size_t which = 0;
    while (which < 5 && (strlen(names[which]) != length || memcmp(names[which], name, length) != 0))
        which++;
    *known = which < 5;
    if (!*known)
        return TW_CLI_GO_ON;
    if (which == 2 || which == 3) {
        if (inline_value != NULL)
            return tw_cli_usage(cli, "--%s takes no value", names[which]);
        if (which == 2) {
            cli->json = true;
            return TW_CLI_GO_ON;
        }
        print_help(cli);
        return TW_EXIT_OK;
    }
    const char *value = take_value(arguments, inline_value);
    if (value == NULL)
        return tw_cli_usage(cli, "--%s needs a value", names[which]);
    if (which == 0)
        cli->sets[cli->set_count++] = value;
    else if (which == 1)
        cli->data = value;
    else
        cli->file = value;
    return TW_CLI_GO_ON;
}

static int parse_long(struct arguments *arguments, const char *argument)
{
    const char *name = argument + 2;
    const char *equals = strchr(name, '=');
    size_t length = equals == NULL ? strlen(name) : (size_t)(equals - name);
    const char *inline_value = equals == NULL ? NULL : equals + 1;
    const struct tw_cli_option *option = find_option(arguments->cli, name, length);
    if (option != NULL)
        return set_option(arguments, option, inline_value);
    bool known = false;
    int result = set_common(arguments, name, length, inline_value, &known);
    return known ? result : tw_cli_usage(arguments->cli, "unknown option --%.*s", (int)length, name);
}

static int parse_short(struct arguments *arguments, const char *argument)
{
    if (strcmp(argument, "-h") == 0) {
        print_help(arguments->cli);
        return TW_EXIT_OK;
    }
    if (argument[1] != 'c')
        return tw_cli_usage(arguments->cli, "unknown option %s", argument);
    const char *value = take_value(arguments, argument[2] == '\0' ? NULL : argument + 2);
    if (value == NULL)
        return tw_cli_usage(arguments->cli, "-c needs FILE");
    arguments->cli->file = value;
    return TW_CLI_GO_ON;
}

static int parse(struct tw_cli *cli, int argc, char **argv)
{
    struct arguments arguments = {cli, argv, argc, 1};
    bool options = true;
    while (arguments.next < argc) {
        char *argument = argv[arguments.next++];
        int result = TW_CLI_GO_ON;
        if (options && strcmp(argument, "--") == 0)
            options = false;
        else if (options && argument[0] == '-' && argument[1] == '-')
            result = parse_long(&arguments, argument);
        else if (options && argument[0] == '-' && argument[1] != '\0')
            result = parse_short(&arguments, argument);
        else
            cli->operands[cli->operand_count++] = argument; /* never beyond what was read */
        if (result != TW_CLI_GO_ON)
            return result;
    }
    if (cli->operand_count < cli->operands_min)
        return tw_cli_usage(cli, "something is missing: tapewarden %s %s", cli->command, cli->synopsis);
    if (cli->operand_count > cli->operands_max)
        return tw_cli_usage(cli, "%s is one too many", cli->operands[cli->operands_max]);
    return TW_CLI_GO_ON;
}

int tw_cli_parse(struct tw_cli *cli, int argc, char **argv)
{
    cli->sets = tw_alloc_zero((size_t)argc + 1, sizeof *cli->sets);
    cli->operands = argv + 1;
    int result = parse(cli, argc, argv);
    if (result != TW_CLI_GO_ON)
        tw_cli_clear(cli); /* the command ends at once */
    return result;
}

void tw_cli_clear(struct tw_cli *cli)
{
    free((void *)cli->sets);
    cli->sets = NULL;
}

struct tw_cfg *tw_cli_cfg(const struct tw_cli *cli, int *exit_code)
{
    const struct tw_cfg_sources sources = {
        .file = cli->file,
        .sets = cli->sets,
        .set_count = cli->set_count,
        .environ_ = (const char *const *)environ,
        .data_directory = cli->data,
    };
    struct tw_cfg_error error = {.exit_code = TW_EXIT_USAGE};
    struct tw_cfg *cfg = tw_cfg_load(&sources, &error);
    if (cfg == NULL) {
        tw_cli_say(cli->command, "%s", error.text);
        *exit_code = error.exit_code;
        return NULL;
    }
    for (size_t i = 0; i < tw_cfg_warning_count(cfg); i++)
        tw_cli_say(cli->command, "%s", tw_cfg_warning(cfg, i));
    return cfg;
}

/* ---- time and progress ---- */

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

int64_t tw_cli_now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}
int64_t tw_cli_wall_ns(void)
{
    return clock_ns(CLOCK_REALTIME);
}

void tw_progress_begin(struct tw_progress *progress)
{
    *progress = (struct tw_progress){.terminal = isatty(STDERR_FILENO) != 0, .started_ns = tw_cli_now_ns()};
    progress->next_ns = progress->started_ns + PROGRESS_EVERY_NS;
}

void tw_progress_update(struct tw_progress *progress, uint64_t done, uint64_t total, const char *unit)
{
    if (!progress->terminal)
        return;
    int64_t now_ns = tw_cli_now_ns();
    if (now_ns < progress->next_ns)
        return;
    progress->next_ns = now_ns + PROGRESS_EVERY_NS;
    progress->shown = true;
    double rate = (double)done * 1e9 / (double)(now_ns - progress->started_ns);
    if (total == 0) {
        fprintf(stderr, "\r\033[K%llu %s, %.0f/s", (unsigned long long)done, unit, rate);
    } else {
        char bar[PROGRESS_CELLS + 1];
        double part = done >= total ? 1.0 : (double)done / (double)total;
        size_t filled = (size_t)(part * PROGRESS_CELLS);
        memset(bar, '-', PROGRESS_CELLS);
        memset(bar, '#', filled);
        bar[PROGRESS_CELLS] = '\0';
        fprintf(stderr, "\r\033[K[%s] %3.0f %% %llu %s, %.0f/s", bar, part * 100.0, (unsigned long long)done, unit,
                rate);
    }
    fflush(stderr);
}

void tw_progress_end(struct tw_progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
    progress->shown = false;
}
