/* SPDX-License-Identifier: MIT */
#include "actors/delivery/program_actor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/check.h"

#define ARGUMENTS_MAX 64
#define ENVIRONMENT_MAX 8

struct tw_program {
    int64_t timeout_ns, until_ns;
    struct tw_attempt *attempt; /* NULL: nothing runs */
    bool failed;                /* it could not be started */
    pid_t process;
    int in, out, end; /* pipes to and from it, a descriptor that is readable when it has ended; -1: closed */
    size_t written;
};

struct tw_program *tw_program_new(int64_t timeout_ns)
{
    struct tw_program *program = tw_alloc_zero(1, sizeof *program);
    program->timeout_ns = timeout_ns;
    program->in = program->out = program->end = -1;
    return program;
}

static void shut(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void shut_all(struct tw_program *program)
{
    shut(&program->in);
    shut(&program->out);
    shut(&program->end);
}

void tw_program_free(struct tw_program **program)
{
    if (*program == NULL)
        return;
    if ((*program)->attempt != NULL && !(*program)->failed) {
        kill(-(*program)->process, SIGKILL);
        waitpid((*program)->process, NULL, 0);
    }
    shut_all(*program);
    free(*program);
    *program = NULL;
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
static int spawn(struct tw_program *program, char **argv, int in, int out)
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
    int number = posix_spawn(&program->process, argv[0], &actions, &attributes, argv, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return number;
}

static bool start(struct tw_program *program, int *number)
{
    int in[2], out[2];
    char *argv[ARGUMENTS_MAX + 1];
    const char *text = program->attempt->receiver->address;
    *number = EMFILE;
    if (pipe2(in, O_CLOEXEC) != 0)
        return false;
    if (pipe2(out, O_CLOEXEC) != 0) {
        close(in[0]), close(in[1]);
        return false;
    }
    char *copy = tw_strndup(text, strlen(text));
    split(copy, argv);
    *number = spawn(program, argv, in[0], out[1]);
    free(copy);
    close(in[0]), close(out[1]);
    program->in = in[1];
    program->out = out[0];
    fcntl(program->in, F_SETFL, O_NONBLOCK);
    fcntl(program->out, F_SETFL, O_NONBLOCK);
    if (*number == 0)
        program->end = (int)syscall(SYS_pidfd_open, program->process, 0);
    return *number == 0;
}

void tw_program_begin(struct tw_program *program, struct tw_attempt *attempt)
{
    int number = 0;
    TW_ASSERT(program->attempt == NULL);
    program->attempt = attempt;
    program->written = 0;
    program->until_ns = attempt->began_ns + program->timeout_ns;
    program->failed = !start(program, &number);
    if (program->failed)
        tw_attempt_say(attempt, strerror(number), strlen(strerror(number)));
}

/* ---- running ---- */

int tw_program_wait_for(struct tw_program *program, zmq_pollitem_t *items, int count, int64_t *deadline_ns)
{
    if (program->attempt == NULL)
        return count;
    if (program->in >= 0)
        items[count++] = (zmq_pollitem_t){NULL, program->in, ZMQ_POLLOUT, 0};
    if (program->out >= 0)
        items[count++] = (zmq_pollitem_t){NULL, program->out, ZMQ_POLLIN, 0};
    if (program->end >= 0)
        items[count++] = (zmq_pollitem_t){NULL, program->end, ZMQ_POLLIN, 0};
    int64_t until_ns = program->failed ? INT64_MIN : program->until_ns;
    if (until_ns < *deadline_ns)
        *deadline_ns = until_ns;
    return count;
}

static void feed(struct tw_program *program)
{
    const struct tw_buffer *body = &program->attempt->request.body;
    while (program->in >= 0) {
        ssize_t written = write(program->in, body->bytes + program->written, body->length - program->written);
        if (written < 0 && errno == EAGAIN)
            return;
        program->written += written > 0 ? (size_t)written : 0;
        if (written <= 0 || program->written == body->length) /* it need not read all */
            shut(&program->in);
    }
}

static void hear(struct tw_program *program)
{
    char bytes[4096];
    while (program->out >= 0) {
        ssize_t length = read(program->out, bytes, sizeof bytes);
        if (length < 0 && errno == EAGAIN)
            return;
        if (length <= 0)
            shut(&program->out);
        else
            tw_attempt_say(program->attempt, bytes, (size_t)length);
    }
}

static void finish(struct tw_program *program, struct tw_answer answer, struct tw_ended *ended)
{
    program->attempt->answer = answer;
    shut_all(program);
    tw_attempt_end(ended, program->attempt);
    program->attempt = NULL;
}

void tw_program_work(struct tw_program *program, int64_t now_ns, struct tw_ended *ended)
{
    int status = 0;
    if (program->attempt == NULL)
        return;
    if (program->failed) {
        finish(program, (struct tw_answer){.answered = false}, ended);
        return;
    }
    feed(program);
    hear(program);
    siginfo_t ended_one = {.si_pid = 0};
    if (waitid(P_PID, (id_t)program->process, &ended_one, WEXITED | WNOHANG | WNOWAIT) == 0 && ended_one.si_pid != 0) {
        hear(program);
        kill(-program->process, SIGKILL); /* what it left behind; before its number may be another's */
        waitpid(program->process, &status, 0);
        finish(program, (struct tw_answer){.answered = WIFEXITED(status), .status = WEXITSTATUS(status)}, ended);
    } else if (now_ns >= program->until_ns) {
        static const char why[] = "killed: it took too long";
        kill(-program->process, SIGKILL);
        waitpid(program->process, &status, 0);
        program->attempt->said_length = 0;
        tw_attempt_say(program->attempt, why, sizeof why - 1);
        finish(program, (struct tw_answer){.answered = false}, ended);
    }
}
