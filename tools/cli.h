/* SPDX-License-Identifier: MIT
 *
 * What every subcommand shares: the table of commands, options read from a table, help, configuration, messages and the
 * progress bar. Data goes to stdout; messages and progress to stderr; colours and bars only to a terminal.
 *
 * A command is `int tw_<name>_main(int argc, char **argv)` in tools/<name>_command.c: argv[0] is its name, the return
 * value one of enum tw_exit. One thread.
 */
#ifndef TW_TOOLS_CLI_H
#define TW_TOOLS_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cfg/cfg.h"
#include "protocol/status.h"

/* X(name, summary): in the order of `tapewarden --help`. */
#define TW_COMMANDS(X)                                                                                                 \
    X(run, "the daemon: takes trades, judges them, raises alerts")                                                     \
    X(publish, "a file or stdin as a publisher; ends when all of it is durable")                                       \
    X(simulate, "a seeded market that publishes trades")                                                               \
    X(alerts, "subscribe to alerts, follow them, catch up")                                                            \
    X(silences, "who need not be told of what, from when to when, and why")                                            \
    X(deliveries, "what was sent to whom, what waits, what was given up; try again")                                   \
    X(route, "whom an alert would go to, and why")                                                                     \
    X(replay, "history through the same rules: a data directory or a CSV")                                             \
    X(store, "a data directory: stats, verify, export, backup, restore")                                               \
    X(bench, "measure a daemon end to end")                                                                            \
    X(train, "fit a model")                                                                                            \
    X(evaluate, "judge a model on labelled trades")                                                                    \
    X(config, "check or show the configuration")                                                                       \
    X(keygen, "make a key pair for CURVE")

#define TW_COMMAND_DECLARE(name, summary) int tw_##name##_main(int argc, char **argv);
TW_COMMANDS(TW_COMMAND_DECLARE)
#undef TW_COMMAND_DECLARE

/* ---- options ---- */

#define TW_CLI_SECONDS_MAX UINT64_C(1000000000) /* as nanoseconds it can be added to any clock */

enum tw_cli_kind {
    TW_CLI_FLAG,    /* bool */
    TW_CLI_TEXT,    /* const char *, borrowed from argv */
    TW_CLI_INTEGER, /* uint64_t: digits only */
    TW_CLI_SECONDS, /* uint64_t: likewise, at most TW_CLI_SECONDS_MAX */
};

struct tw_cli_option {
    const char *name;     /* "as": given as --as NAME or --as=NAME */
    const char *argument; /* "NAME"; NULL for a flag */
    const char *help;     /* one line; NULL: not shown */
    enum tw_cli_kind kind;
    void *value; /* where it goes; holds the default before */
};

struct tw_cli {
    /* set by the command */
    const char *command;     /* "publish", or "store verify" */
    const char *synopsis;    /* what follows the name in the usage line: "FILE [options]" */
    const char *description; /* one paragraph */
    const char *examples;    /* lines of "  tapewarden publish trades.csv\n" */
    const struct tw_cli_option *options;
    size_t option_count;
    size_t operands_min, operands_max;

    /* set by tw_cli_parse */
    char **operands; /* what is no option; borrowed from argv, which is reordered */
    size_t operand_count;
    const char *file, *data; /* -c FILE, --data DIR, or NULL */
    const char **sets;       /* --set key=value, in order */
    size_t set_count;
    bool json;
};

/* Reads argv[1] on. TW_CLI_GO_ON, or the exit code with which the command ends now: help was printed, or the usage was
 * wrong and a sentence said so. Options and operands may come in any order; `--` ends the options; `-` is an operand.
 */
#define TW_CLI_GO_ON (-1)
int tw_cli_parse(struct tw_cli *cli, int argc, char **argv);
bool tw_cli_integer(const char *text, uint64_t *out); /* as TW_CLI_INTEGER is read */
void tw_cli_clear(struct tw_cli *cli);

/* The configuration by -c, --set, --data and the environment; warnings are said. NULL: the sentence was said,
 * *exit_code is set. */
struct tw_cfg *tw_cli_cfg(const struct tw_cli *cli, int *exit_code);

/* ---- messages ---- */

/* "tapewarden publish: <sentence>\n" to stderr. */
void tw_cli_say(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A wrong usage: says the sentence and where help is; returns TW_EXIT_USAGE. */
int tw_cli_usage(const struct tw_cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Whether colours are wanted on the stream: a terminal, and NO_COLOR is not set. */
bool tw_cli_colour(FILE *stream);

/* ---- progress: one line on stderr, rewritten a few times a second, only on a terminal ---- */

struct tw_progress {
    bool shown, terminal;
    int64_t next_ns, started_ns;
};
void tw_progress_begin(struct tw_progress *progress);
/* `total` 0: unknown. `unit` is a plural ("trades"). Cheap enough to call per message. */
void tw_progress_update(struct tw_progress *progress, uint64_t done, uint64_t total, const char *unit);
void tw_progress_end(struct tw_progress *progress); /* wipes the line */

/* ---- time ---- */
int64_t tw_cli_now_ns(void);  /* monotonic */
int64_t tw_cli_wall_ns(void); /* since the epoch */

#endif
