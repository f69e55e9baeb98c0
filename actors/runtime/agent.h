/* SPDX-License-Identifier: MIT
 *
 * An agent is start, work, close; the thread and its loop exist once, here, as a CZMQ actor. The control pipe carries
 * commands and is not a lane: "STOP" (finish what was taken, then report), "$TERM" (end now); the agent answers with
 * one report when it has finished or failed.
 */
#ifndef TW_RUNTIME_AGENT_H
#define TW_RUNTIME_AGENT_H

#include <czmq.h>
#include <stdbool.h>
#include <stdint.h>

#define TW_AGENT_SOCKETS_MAX 80

enum tw_agent_progress {
    TW_AGENT_WAITS,     /* nothing to do until a socket or the deadline says so */
    TW_AGENT_CONTINUES, /* more to do at once */
    TW_AGENT_FINISHED,  /* all done, for good */
    TW_AGENT_FAILED     /* cannot go on; `failure` says why */
};

struct tw_agent {
    const char *name;
    void *self;
    /* In the actor's thread. False with `failure` filled: the start is refused. */
    bool (*start)(void *self, char failure[512]);
    /* Which sockets to wait for now, and until when at most (CLOCK_MONOTONIC ns; INT64_MAX: no deadline). */
    int (*wait_for)(void *self, zmq_pollitem_t items[TW_AGENT_SOCKETS_MAX], int64_t *deadline_ns);
    enum tw_agent_progress (*work)(void *self, char failure[512]);
    void (*stop)(void *self);  /* "STOP" came; may be NULL */
    void (*close)(void *self); /* sockets; called once, also after a failed start */
};

/* Starts the thread and waits until `start` returned: NULL with `failure` filled if it refused. The agent struct is
 * copied. */
zactor_t *tw_agent_start(const struct tw_agent *agent, char failure[512]);
void tw_agent_stop(zactor_t *actor); /* asks; the report comes on the pipe */
/* A report on the pipe, without waiting: 1 finished, -1 failed with the reason, 0 none. */
int tw_agent_report(zactor_t *actor, char failure[512]);

/* "$TERM": the agent closes its sockets, at once and wherever it waits; returns when it has. What it worked on is the
 * caller's again. */
void tw_agent_end(zactor_t **actor);

int64_t tw_now_ns(void);  /* CLOCK_MONOTONIC */
int64_t tw_wall_ns(void); /* CLOCK_REALTIME */

#endif
