/* SPDX-License-Identifier: MIT
 *
 * The one executable: finds the subcommand and runs it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/cli.h"

/* A command whose file is not part of this build stays NULL and says so. */
#define TW_COMMAND_WEAK(name, summary) int tw_##name##_main(int argc, char **argv) __attribute__((weak));
TW_COMMANDS(TW_COMMAND_WEAK)
#undef TW_COMMAND_WEAK

struct command {
    const char *name, *summary;
    int (*main)(int argc, char **argv);
};

static const struct command commands[] = {
#define TW_COMMAND_ROW(name, summary) {#name, summary, tw_##name##_main},
    TW_COMMANDS(TW_COMMAND_ROW)
#undef TW_COMMAND_ROW
};
#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static void print_commands(FILE *out)
{
    fprintf(out, "usage: tapewarden COMMAND [options]\n\n"
                 "Tapewarden watches the tape: trades in over ZeroMQ, alerts out, nothing lost.\n\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-10s %s%s\n", commands[i].name, commands[i].summary,
                commands[i].main == NULL ? " (not available in this build)" : "");
    fprintf(out, "\nEach: tapewarden COMMAND --help. Also: tapewarden --version.\n");
}

static int run_command(int argc, char **argv)
{
    if (argc < 2) {
        print_commands(stderr);
        return TW_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_commands(stdout);
        return TW_EXIT_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("tapewarden %s\n", TW_VERSION);
        return TW_EXIT_OK;
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(argv[1], commands[i].name) != 0)
            continue;
        if (commands[i].main != NULL)
            return commands[i].main(argc - 1, argv + 1);
        fprintf(stderr, "tapewarden %s: not available in this build\n", commands[i].name);
        return TW_EXIT_USAGE;
    }
    fprintf(stderr, "tapewarden: unknown command %s; see tapewarden --help\n", argv[1]);
    return TW_EXIT_USAGE;
}

/* Started with a standard descriptor closed, the next file opened would get its number, and messages would be written
 * into that file. */
static bool standard_descriptors_are_open(void)
{
    int descriptor;
    do
        descriptor = open("/dev/null", O_RDWR);
    while (descriptor >= 0 && descriptor <= 2);
    if (descriptor < 0)
        return false;
    close(descriptor);
    return true;
}

int main(int argc, char **argv)
{
    if (!standard_descriptors_are_open())
        return TW_EXIT_UNREACHABLE;
    int exit_code = run_command(argc, argv);
    /* A full disk behind stdout shows only here. */
    if ((fflush(stdout) != 0 || ferror(stdout) != 0) && exit_code == TW_EXIT_OK) {
        fprintf(stderr, "tapewarden: cannot write to standard output\n");
        return TW_EXIT_UNREACHABLE;
    }
    return exit_code;
}
