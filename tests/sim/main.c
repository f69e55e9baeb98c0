/* SPDX-License-Identifier: MIT
 *
 *   sim SEED [--tell]             one run, with its story if asked; twice the same, byte for byte
 *   sim --seeds FIRST COUNT       so many runs; stops at the first broken promise
 *   sim --seconds N [--from SEED] runs for so long (0: for ever), goes on behind broken promises and counts them
 *   --jobs N                      so many processes at a time
 *   --plant NAME --caught         with a planted bug: fails if no seed finds it (only in the library with plants)
 *
 * Every seed runs in a process of its own: an assertion of the cores is as much a finding as a checker's word. Any
 * other end (a crash, a hang, a run that is not the same twice) is a failure of the run, never a bug that was caught.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "actors/judging/planted.h"
#include "protocol/check.h"
#include "tests/sim/sim.h"

#define JOBS_MAX 16
#define TWICE_EVERY 25       /* seeds that are run again: equal seeds must be equal runs */
#define SAY_EVERY_SECONDS 60 /* of a soak */
#define SEED_SECONDS_MAX 300 /* of real time; a seed takes a fraction of a second */
#define NOT_A_RUN 2

enum outcome { KEPT, BROKEN, FAILED };

struct options {
    uint64_t first, count;
    int64_t seconds;
    int jobs;
    bool told, many, endless, want_caught, quiet;
};

static int usage(void)
{
    fprintf(stderr, "usage: sim SEED [--tell] | sim --seeds FIRST COUNT | sim --seconds N [--from SEED]\n"
                    "       [--jobs N] [--plant NAME] [--caught]\n");
    return 2;
}

static bool plant(const char *name)
{
#ifdef TW_PLANT
    for (int i = 0; i < TW_PLANT_COUNT; i++)
        if (strcmp(tw_plant_name((enum tw_plant)i), name) == 0) {
            tw_planted = (enum tw_plant)i;
            return true;
        }
    fprintf(stderr, "sim: no bug is called %s\n", name);
#else
    fprintf(stderr, "sim: %s cannot be planted: this is the product's own library\n", name);
#endif
    return false;
}

static bool read_options(int argc, char **argv, struct options *options)
{
    *options = (struct options){.first = 1, .count = 1, .jobs = 1};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--tell") == 0) {
            options->told = true;
        } else if (strcmp(argv[i], "--caught") == 0) {
            options->want_caught = options->quiet = true;
        } else if (strcmp(argv[i], "--seeds") == 0 && i + 2 < argc) {
            options->first = strtoull(argv[++i], NULL, 10);
            options->count = strtoull(argv[++i], NULL, 10);
            options->many = true;
        } else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc) {
            options->seconds = strtoll(argv[++i], NULL, 10);
            options->count = UINT64_MAX;
            options->many = options->endless = true;
        } else if (strcmp(argv[i], "--from") == 0 && i + 1 < argc) {
            options->first = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--jobs") == 0 && i + 1 < argc) {
            options->jobs = atoi(argv[++i]);
        } else if (strcmp(argv[i], "--plant") == 0 && i + 1 < argc) {
            if (!plant(argv[++i]))
                return false;
        } else if (argv[i][0] >= '0' && argv[i][0] <= '9') {
            options->first = strtoull(argv[i], NULL, 10);
        } else {
            return false;
        }
    }
    return options->jobs >= 1 && options->jobs <= JOBS_MAX;
}

static pid_t start_seed(uint64_t seed, bool quiet)
{
    fflush(NULL);
    pid_t child = fork();
    if (child != 0)
        return child;
    alarm(SEED_SECONDS_MAX);
    if (quiet && freopen("/dev/null", "w", stderr) == NULL)
        _exit(NOT_A_RUN);
    uint64_t print = sim_run(seed, false);
    if (seed % TWICE_EVERY != 0 || sim_run(seed, false) == print)
        _exit(0);
    printf("seed %llu is not the same twice\n", (unsigned long long)seed);
    fflush(stdout);
    _exit(NOT_A_RUN);
}

static enum outcome hear(int status, uint64_t seed)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return KEPT;
    if (WIFEXITED(status) && WEXITSTATUS(status) == SIM_BROKE)
        return BROKEN;
    if (WIFSIGNALED(status))
        printf("seed %llu ended by signal %d (%s)\n", (unsigned long long)seed, WTERMSIG(status),
               strsignal(WTERMSIG(status)));
    else
        printf("seed %llu ended with code %d\n", (unsigned long long)seed, WEXITSTATUS(status));
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT ? BROKEN : FAILED;
}

static int run_many(const struct options *options)
{
    pid_t children[JOBS_MAX] = {0};
    uint64_t seeds[JOBS_MAX] = {0}, next = options->first, done = 0, broken = 0, failed = 0, first_broken = 0;
    time_t begun = time(NULL), said = begun;
    int running = 0;
    for (;;) {
        bool over = options->endless ? options->seconds > 0 && time(NULL) - begun >= options->seconds
                                     : next - options->first >= options->count;
        if (!options->endless && broken + failed > 0)
            over = true;
        for (int i = 0; i < options->jobs && !over && running < options->jobs; i++)
            if (children[i] == 0) {
                seeds[i] = next++;
                children[i] = start_seed(seeds[i], options->quiet);
                running++;
                if (!options->endless && next - options->first >= options->count)
                    over = true;
            }
        if (running == 0)
            break;
        int status;
        pid_t ended = wait(&status);
        for (int i = 0; i < options->jobs; i++)
            if (children[i] == ended && ended > 0) {
                children[i] = 0;
                running--;
                done++;
                enum outcome outcome = hear(status, seeds[i]);
                failed += outcome == FAILED;
                if (outcome == BROKEN && broken++ == 0)
                    first_broken = seeds[i];
                if (options->endless && time(NULL) - said >= SAY_EVERY_SECONDS) {
                    said = time(NULL);
                    fprintf(stderr, "%llu seeds, %llu broke a promise\n", (unsigned long long)done,
                            (unsigned long long)broken);
                }
            }
    }
    printf("%llu seeds from %llu, %llu broke a promise, %llu failed otherwise, %lld s\n", (unsigned long long)done,
           (unsigned long long)options->first, (unsigned long long)broken, (unsigned long long)failed,
           (long long)(time(NULL) - begun));
    if (broken > 0)
        printf("the first was seed %llu\n", (unsigned long long)first_broken);
    return failed > 0 || (options->want_caught ? broken == 0 : broken > 0);
}

int main(int argc, char **argv)
{
    struct options options;
    if (!read_options(argc, argv, &options))
        return usage();
    if (options.many)
        return run_many(&options);
    uint64_t print = sim_run(options.first, options.told);
    printf("seed %llu: kept, print %016llx\n", (unsigned long long)options.first, (unsigned long long)print);
    return 0;
}
