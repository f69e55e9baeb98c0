/* SPDX-License-Identifier: MIT */
#include "actors/delivery/program_actor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/runtime/agent.h"
#include "protocol/check.h"

#define ARGUMENTS_MAX 64
#define ENVIRONMENT_MAX 8

struct program {
    char *words;
    int64_t timeout_ns;
    pthread_mutex_t lock; /* of `process` and `over`: so that a stop kills the one that runs, and no other */
    pid_t process;        /* 0: nothing runs */
    bool over;
};

struct run {
    struct program *program;
    const uint8_t *body;
    size_t length, written;
    int in, out, end; /* pipes to and from it, a descriptor that is readable when it has ended; -1: closed */
    int64_t until_ns;
    struct tw_batch *batch;
};

static void shut(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* ---- starting ---- */

/* Splits a copy in place. */
static void split(char *text, char *argv[ARGUMENTS_MAX + 1])
{
    int count = 0;
    char *rest = NULL;
    for (char *word = strtok_r(text, " ", &rest); word != NULL && count < ARGUMENTS_MAX;
         word = strtok_r(NULL, " ", &rest))
        argv[count++] = word;
    argv[count] = NULL;
}

/* The daemon's own environment may hold secrets. */
static void pick_environment(char *environment[ENVIRONMENT_MAX])
{
    static const char *const names[] = {"PATH=", "HOME=", "LANG=", "LC_ALL=", "TZ=", "TMPDIR="};
    int count = 0;
    for (char **variable = environ; *variable != NULL && count + 1 < ENVIRONMENT_MAX; variable++)
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (strncmp(*variable, names[i], strlen(names[i])) == 0) {
                environment[count++] = *variable;
                break;
            }
    environment[count] = NULL;
}

/* 0, or errno's like. Signals as any program expects them, nothing of ours open. */
static int spawn(pid_t *process, char **argv, int in, int out)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, defaults;
    char *environment[ENVIRONMENT_MAX];
    pick_environment(environment);
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    int number = posix_spawn(process, argv[0], &actions, &attributes, argv, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return number;
}

/* From now on a stop kills it. */
static void is_running(struct program *program, pid_t process)
{
    pthread_mutex_lock(&program->lock);
    program->process = process;
    if (program->over)
        kill(-process, SIGKILL);
    pthread_mutex_unlock(&program->lock);
}

static void feed(struct run *run)
{
    while (run->in >= 0) {
        ssize_t written = write(run->in, run->body + run->written, run->length - run->written);
        if (written < 0 && errno == EAGAIN)
            return;
        run->written += written > 0 ? (size_t)written : 0;
        if (written <= 0 || run->written == run->length) /* it need not read all */
            shut(&run->in);
    }
}

/* 0, or errno's like. It is fed as far as there is room before it starts: one that hung then, and comes after we have
 * gone, still gets its alert. */
static int start(struct run *run)
{
    int in[2], out[2];
    pid_t process = 0;
    char *argv[ARGUMENTS_MAX + 1];
    if (pipe2(in, O_CLOEXEC) != 0)
        return errno;
    if (pipe2(out, O_CLOEXEC) != 0) {
        close(in[0]), close(in[1]);
        return EMFILE;
    }
    run->in = in[1];
    run->out = out[0];
    fcntl(run->in, F_SETFL, O_NONBLOCK);
    fcntl(run->out, F_SETFL, O_NONBLOCK);
    feed(run);
    char *copy = tw_strndup(run->program->words, strlen(run->program->words));
    split(copy, argv);
    int number = spawn(&process, argv, in[0], out[1]);
    free(copy);
    close(in[0]), close(out[1]);
    if (number == 0) {
        is_running(run->program, process);
        run->end = (int)syscall(SYS_pidfd_open, process, 0);
    }
    return number;
}

/* ---- running ---- */

static void hear(struct run *run)
{
    char bytes[4096];
    while (run->out >= 0) {
        ssize_t length = read(run->out, bytes, sizeof bytes);
        if (length < 0 && errno == EAGAIN)
            return;
        if (length <= 0)
            shut(&run->out);
        else
            tw_batch_say(run->batch, bytes, (size_t)length);
    }
}

/* Kills what is left of it, and waits for its end. */
static int reap(struct program *program)
{
    int status = 0;
    siginfo_t ended;
    kill(-program->process, SIGKILL); /* what it left behind, too; before its number may be another's */
    while (waitid(P_PID, (id_t)program->process, &ended, WEXITED | WNOWAIT) != 0 && errno == EINTR)
        continue;
    pthread_mutex_lock(&program->lock);
    waitpid(program->process, &status, 0);
    program->process = 0;
    pthread_mutex_unlock(&program->lock);
    return status;
}

static bool has_ended(pid_t process)
{
    siginfo_t ended = {.si_pid = 0};
    return waitid(P_PID, (id_t)process, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid != 0;
}

/* Whether it has ended by itself, in time. */
static bool attend(struct run *run)
{
    int64_t left_ns = 0;
    bool ended = false;
    while (!(ended = has_ended(run->program->process)) && (left_ns = run->until_ns - tw_now_ns()) > 0) {
        struct pollfd all[] = {{run->end, POLLIN, 0}, {run->in, POLLOUT, 0}, {run->out, POLLIN, 0}}; /* -1: none */
        (void)poll(all, 3, (int)(left_ns / 1000000) + 1);
        feed(run);
        hear(run);
    }
    hear(run);
    return ended;
}

static void say_signal(struct tw_batch *batch, int number)
{
    char why[80];
    int length = snprintf(why, sizeof why, "%sended by signal %d (%s)", batch->said_length > 0 ? " " : "", number,
                          strsignal(number));
    tw_batch_say(batch, why, (size_t)length);
}

static void carry_one(struct program *program, struct tw_batch *batch, const uint8_t *body, size_t length)
{
    static const char why[] = "killed: it took too long";
    struct run run = {.program = program,
                      .body = body,
                      .length = length,
                      .in = -1,
                      .out = -1,
                      .end = -1,
                      .until_ns = tw_now_ns() + program->timeout_ns,
                      .batch = batch};
    batch->number = start(&run);
    if (batch->number == 0) {
        bool in_time = attend(&run);
        int status = reap(program);
        batch->arrived = in_time && WIFEXITED(status);
        batch->status = in_time ? WEXITSTATUS(status) : 0;
        if (in_time && WIFSIGNALED(status))
            say_signal(batch, WTERMSIG(status));
        if (!in_time) {
            batch->said_length = 0;
            tw_batch_say(batch, why, sizeof why - 1);
        }
    }
    shut(&run.in), shut(&run.out), shut(&run.end);
}

/* One at a time, as its receiver's pace is. */
static void carry(void *self, struct tw_batch *batch)
{
    TW_ASSERT(batch->count == 1);
    carry_one(self, batch, batch->bytes.bytes, batch->bytes.length);
}

static void stop(void *self)
{
    struct program *program = self;
    pthread_mutex_lock(&program->lock);
    program->over = true;
    if (program->process > 0)
        kill(-program->process, SIGKILL);
    pthread_mutex_unlock(&program->lock);
}

static void free_program(void *self)
{
    struct program *program = self;
    pthread_mutex_destroy(&program->lock);
    free(program->words);
    free(program);
}

struct tw_carrier tw_program_carrier(const char *words, int64_t timeout_ns)
{
    struct program *program = tw_alloc_zero(1, sizeof *program);
    program->words = tw_strndup(words, strlen(words));
    program->timeout_ns = timeout_ns;
    pthread_mutex_init(&program->lock, NULL);
    return (struct tw_carrier){.self = program, .carry = carry, .stop = stop, .free = free_program};
}
