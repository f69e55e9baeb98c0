/* SPDX-License-Identifier: MIT */
#include "actors/runtime/agent.h"

#include <poll.h>
#include <pthread.h>
#include <time.h>

#include "actors/runtime/empty.h"
#include "actors/runtime/hand_over.h"
#include "protocol/check.h"

struct launch {
    struct tw_agent agent;
    char *failure; /* 512 bytes of the starter, who waits */
};

static char told;     /* what the starter did before it sent a command is done for the agent that hears it */
static char reported; /* and what the agent did before its report or its end, for the starter */

int64_t tw_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t tw_wall_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* True if the agent shall end now. */
static bool take_command(const struct tw_agent *agent, zsock_t *pipe)
{
    char *command = zstr_recv(pipe);
    TW_TAKE_OVER(&told);
    bool end = command == NULL || streq(command, "$TERM");
    if (!end && streq(command, "STOP") && agent->stop != NULL)
        agent->stop(agent->self);
    zstr_free(&command);
    return end;
}

static int timeout_until(int64_t deadline_ns)
{
    if (deadline_ns == INT64_MAX)
        return -1;
    int64_t left = deadline_ns - tw_now_ns();
    if (left <= 0)
        return 0;
    int64_t left_ms = (left + 999999) / 1000000;
    return left_ms > INT32_MAX ? INT32_MAX : (int)left_ms;
}

static void report(zsock_t *pipe, enum tw_agent_progress progress, const char *failure)
{
    TW_HAND_OVER(&reported);
    if (progress == TW_AGENT_FINISHED)
        zstr_send(pipe, "FINISHED");
    else
        zstr_sendx(pipe, "FAILED", failure, NULL);
}

/* ---- waiting ----
 *
 * As zmq_poll does, which asks each socket twice and the kernel twice before it sleeps, and each once more behind it:
 * at low rates that was half of an actor's system calls. Here each is asked at most once, those that were just found
 * empty not at all (actors/runtime/empty.h); then there is one sleep, and what woke us the agent finds by receiving. */

enum readiness { NOT_READY, READY, CONTEXT_ENDS };

static enum readiness readiness_of(const zmq_pollitem_t *item)
{
    int events = 0;
    size_t size = sizeof events;
    if (item->socket == NULL)
        return NOT_READY;
    if (zmq_getsockopt(item->socket, ZMQ_EVENTS, &events, &size) != 0)
        return errno == ETERM ? CONTEXT_ENDS : READY;
    if ((events & item->events) != 0)
        return READY;
    if (item->events == ZMQ_POLLIN)
        tw_empty_found(item->socket);
    return NOT_READY;
}

static struct pollfd descriptor_of(const zmq_pollitem_t *item)
{
    struct pollfd descriptor = {item->fd, 0, 0};
    size_t size = sizeof descriptor.fd;
    if (item->socket != NULL && zmq_getsockopt(item->socket, ZMQ_FD, &descriptor.fd, &size) != 0)
        descriptor.fd = -1; /* the context ends: the next question says so */
    if (item->socket != NULL || (item->events & ZMQ_POLLIN) != 0)
        descriptor.events |= POLLIN;
    if (item->socket == NULL && (item->events & ZMQ_POLLOUT) != 0)
        descriptor.events |= POLLOUT;
    return descriptor;
}

/* What is watched during one wait: those that were found without what they are waited for. */
struct watch {
    struct pollfd descriptors[TW_AGENT_SOCKETS_MAX + 1];
    void *sockets[TW_AGENT_SOCKETS_MAX + 1];
    int count;
};

static void watch_also(struct watch *watch, const zmq_pollitem_t *item)
{
    watch->descriptors[watch->count] = descriptor_of(item);
    watch->sockets[watch->count++] = item->socket;
}

static void keep_what_is_empty(const struct watch *watch)
{
    void *quiet[TW_AGENT_SOCKETS_MAX + 1];
    int count = 0;
    for (int i = 0; i < watch->count; i++)
        if (watch->descriptors[i].revents == 0)
            quiet[count++] = watch->sockets[i];
    tw_empty_keep(quiet, count);
}

/* Until one of them may be ready, or the time is over; at once, if there is work anyway, which then asks by itself what
 * is not known to be empty. The first is the pipe: `quiet` says that it was found empty, and that nobody sent on it
 * since. False: the context ends. */
static bool wait_on(const zmq_pollitem_t *items, int count, bool busy, int timeout_ms, bool *quiet)
{
    struct watch watch = {.count = 0};
    for (int i = 0; i < count; i++) {
        bool known = i == 0 ? *quiet : tw_empty_is_known(items[i].socket);
        if (!known && busy && i > 0)
            continue;
        enum readiness readiness = known ? NOT_READY : readiness_of(&items[i]);
        if (readiness == CONTEXT_ENDS)
            return false;
        if (readiness == READY && i == 0)
            return true;
        if (readiness == READY)
            busy = true;
        else
            watch_also(&watch, &items[i]);
    }
    (void)poll(watch.descriptors, (nfds_t)watch.count, busy ? 0 : timeout_ms);
    *quiet = watch.descriptors[0].revents == 0;
    keep_what_is_empty(&watch);
    return true;
}

static void run(const struct tw_agent *agent, zsock_t *pipe)
{
    bool over = false; /* reported; only waits for $TERM */
    bool busy = true, quiet = false;
    char failure[512] = "";
    tw_empty_begin();
    for (;;) {
        zmq_pollitem_t items[TW_AGENT_SOCKETS_MAX + 1];
        int64_t deadline_ns = INT64_MAX;
        int count = 1;
        items[0] = (zmq_pollitem_t){zsock_resolve(pipe), 0, ZMQ_POLLIN, 0};
        if (!over)
            count += agent->wait_for(agent->self, items + 1, &deadline_ns);
        if (!wait_on(items, count, busy, busy ? 0 : timeout_until(deadline_ns), &quiet))
            return;
        enum readiness called = quiet ? NOT_READY : readiness_of(&items[0]);
        if (called == CONTEXT_ENDS || (called == READY && take_command(agent, pipe)))
            return;
        if (over)
            continue;
        enum tw_agent_progress progress = agent->work(agent->self, failure);
        busy = progress == TW_AGENT_CONTINUES;
        if (progress == TW_AGENT_FINISHED || progress == TW_AGENT_FAILED) {
            over = true;
            quiet = false;
            report(pipe, progress, failure);
        }
    }
}

static void agent_thread(zsock_t *pipe, void *argument)
{
    struct launch *launch = argument;
    struct tw_agent agent = launch->agent;
    pthread_setname_np(pthread_self(), agent.name);
    bool started = agent.start(agent.self, launch->failure);
    if (!started && launch->failure[0] == '\0')
        snprintf(launch->failure, 512, "%s could not start", agent.name);
    /* The starter looks at `failure` once the signal came; this thread must not touch it afterwards. */
    TW_HAND_OVER(launch);
    zsock_signal(pipe, 0);
    if (started) {
        run(&agent, pipe);
    } else {
        take_command(&agent, pipe); /* $TERM: nobody sends a failed agent anything else */
    }
    agent.close(agent.self);
    TW_HAND_OVER(&reported);
}

zactor_t *tw_agent_start(const struct tw_agent *agent, char failure[512])
{
    struct launch launch = {*agent, failure};
    failure[0] = '\0';
    zactor_t *actor = zactor_new(agent_thread, &launch);
    TW_ASSERT(actor != NULL);
    TW_TAKE_OVER(&launch);
    if (failure[0] != '\0')
        tw_agent_end(&actor);
    return actor;
}

void tw_agent_end(zactor_t **actor)
{
    TW_HAND_OVER(&told);
    zactor_destroy(actor);
    TW_TAKE_OVER(&reported);
}

void tw_agent_stop(zactor_t *actor)
{
    TW_HAND_OVER(&told);
    zstr_send(actor, "STOP");
}

int tw_agent_report(zactor_t *actor, char failure[512])
{
    zmq_pollitem_t item = {zsock_resolve(actor), 0, ZMQ_POLLIN, 0};
    if (zmq_poll(&item, 1, 0) <= 0)
        return 0;
    TW_TAKE_OVER(&reported);
    char *word = NULL, *reason = NULL;
    zstr_recvx(actor, &word, &reason, NULL);
    int result = word != NULL && streq(word, "FINISHED") ? 1 : -1;
    if (result < 0)
        snprintf(failure, 512, "%s", reason != NULL ? reason : "no reason given");
    zstr_free(&word);
    zstr_free(&reason);
    return result;
}
