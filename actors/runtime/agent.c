/* SPDX-License-Identifier: MIT */
#include "actors/runtime/agent.h"

#include <pthread.h>
#include <time.h>

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

static long timeout_until(int64_t deadline_ns)
{
    if (deadline_ns == INT64_MAX)
        return -1;
    int64_t left = deadline_ns - tw_now_ns();
    if (left <= 0)
        return 0;
    return (long)((left + 999999) / 1000000);
}

static void report(zsock_t *pipe, enum tw_agent_progress progress, const char *failure)
{
    TW_HAND_OVER(&reported);
    if (progress == TW_AGENT_FINISHED)
        zstr_send(pipe, "FINISHED");
    else
        zstr_sendx(pipe, "FAILED", failure, NULL);
}

static void run(const struct tw_agent *agent, zsock_t *pipe)
{
    bool over = false; /* reported; only waits for $TERM */
    bool busy = true;
    char failure[512] = "";
    for (;;) {
        zmq_pollitem_t items[TW_AGENT_SOCKETS_MAX + 1];
        int64_t deadline_ns = INT64_MAX;
        int count = 0;
        items[0] = (zmq_pollitem_t){zsock_resolve(pipe), 0, ZMQ_POLLIN, 0};
        if (!over && !busy)
            count = agent->wait_for(agent->self, items + 1, &deadline_ns);
        if (zmq_poll(items, count + 1, busy ? 0 : timeout_until(deadline_ns)) < 0 && errno == ETERM)
            return;
        if ((items[0].revents & ZMQ_POLLIN) != 0 && take_command(agent, pipe))
            return;
        if (over)
            continue;
        enum tw_agent_progress progress = agent->work(agent->self, failure);
        busy = progress == TW_AGENT_CONTINUES;
        if (progress == TW_AGENT_FINISHED || progress == TW_AGENT_FAILED) {
            over = true;
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
