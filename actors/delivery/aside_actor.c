/* SPDX-License-Identifier: MIT */
#include "actors/delivery/aside_actor.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "protocol/check.h"

enum turn { TURN_OURS, TURN_THEIRS, TURN_OVER }; /* whose the batch is; over: nobody waits for the other thread */

/* Of both threads; the other one frees it when it ends. */
struct shared {
    pthread_mutex_t lock; /* of `turn`; who has the turn has the batch */
    pthread_cond_t changed;
    enum turn turn;
    int back; /* an eventfd: the turn is ours again */
    struct tw_batch batch;
    struct tw_carrier carrier;
};

struct tw_aside {
    struct shared *shared;
    pthread_t thread;
    int64_t timeout_ns, until_ns;                 /* until_ns: of the batch that is out */
    struct tw_attempt *begun[TW_DELIVERY_WINDOW]; /* the first `out` of them are under way */
    uint32_t count, out;
    bool stuck; /* what is under way was given up */
};

/* ---- the other thread ---- */

void tw_batch_say(struct tw_batch *batch, const char *text, size_t length)
{
    size_t room = sizeof batch->said - batch->said_length, taken = length < room ? length : room;
    memcpy(batch->said + batch->said_length, text, taken);
    batch->said_length += (uint32_t)taken;
}

static void free_shared(struct shared *shared)
{
    shared->carrier.free(shared->carrier.self);
    pthread_mutex_destroy(&shared->lock);
    pthread_cond_destroy(&shared->changed);
    close(shared->back);
    tw_buffer_free(&shared->batch.bytes);
    free(shared);
}

static void *run(void *argument)
{
    struct shared *shared = argument;
    pthread_setname_np(pthread_self(), "aside");
    pthread_mutex_lock(&shared->lock);
    for (;;) {
        while (shared->turn == TURN_OURS)
            pthread_cond_wait(&shared->changed, &shared->lock);
        if (shared->turn == TURN_OVER)
            break;
        pthread_mutex_unlock(&shared->lock);
        shared->carrier.carry(shared->carrier.self, &shared->batch);
        pthread_mutex_lock(&shared->lock);
        if (shared->turn == TURN_OVER)
            break;
        shared->turn = TURN_OURS;
        (void)eventfd_write(shared->back, 1);
    }
    pthread_mutex_unlock(&shared->lock);
    free_shared(shared);
    return NULL;
}

struct tw_aside *tw_aside_new(const struct tw_carrier *carrier, int64_t timeout_ns)
{
    struct tw_aside *aside = tw_alloc_zero(1, sizeof *aside);
    struct shared *shared = tw_alloc_zero(1, sizeof *shared);
    aside->shared = shared;
    aside->timeout_ns = timeout_ns;
    shared->carrier = *carrier;
    shared->back = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    TW_ASSERT(shared->back >= 0);
    pthread_mutex_init(&shared->lock, NULL);
    pthread_cond_init(&shared->changed, NULL);
    TW_ASSERT(pthread_create(&aside->thread, NULL, run, shared) == 0);
    return aside;
}

/* ---- the actor's thread ---- */

static void give(struct shared *shared, enum turn turn)
{
    pthread_mutex_lock(&shared->lock);
    shared->turn = turn;
    pthread_cond_signal(&shared->changed);
    pthread_mutex_unlock(&shared->lock);
}

static bool has_turn(struct shared *shared)
{
    eventfd_t times;
    (void)eventfd_read(shared->back, &times); /* before we look, so that nothing is overlooked */
    pthread_mutex_lock(&shared->lock);
    bool ours = shared->turn == TURN_OURS;
    pthread_mutex_unlock(&shared->lock);
    return ours;
}

void tw_aside_free(struct tw_aside **aside)
{
    if (*aside == NULL)
        return;
    pthread_t thread = (*aside)->thread;
    const struct tw_carrier *carrier = &(*aside)->shared->carrier;
    bool idle = has_turn((*aside)->shared);
    if (carrier->stop != NULL)
        carrier->stop(carrier->self);
    give((*aside)->shared, TURN_OVER);
    if (idle)
        pthread_join(thread, NULL);
    else
        pthread_detach(thread);
    free(*aside);
    *aside = NULL;
}

void tw_aside_begin(struct tw_aside *aside, struct tw_attempt *attempt)
{
    TW_ASSERT(aside->count < TW_DELIVERY_WINDOW);
    aside->begun[aside->count++] = attempt;
}

bool tw_aside_wait(const struct tw_aside *aside)
{
    return aside->count > 0 && aside->out == 0;
}

int tw_aside_wait_for(const struct tw_aside *aside, zmq_pollitem_t *items, int count, int64_t *deadline_ns)
{
    items[count++] = (zmq_pollitem_t){NULL, aside->shared->back, ZMQ_POLLIN, 0};
    if (aside->out > 0 && aside->until_ns < *deadline_ns)
        *deadline_ns = aside->until_ns;
    return count;
}

static void hand_over(struct tw_aside *aside, int64_t now_ns)
{
    struct tw_batch *batch = &aside->shared->batch;
    batch->bytes.length = 0;
    for (uint32_t i = 0; i < aside->count; i++) {
        const struct tw_buffer *body = &aside->begun[i]->request.body;
        tw_buffer_append(&batch->bytes, body->bytes, body->length);
        batch->ends[i] = batch->bytes.length;
    }
    batch->count = aside->out = aside->count;
    batch->arrived = 0;
    batch->number = batch->status = 0;
    batch->said_length = 0;
    aside->until_ns = now_ns + aside->timeout_ns;
    give(aside->shared, TURN_THEIRS);
}

/* The first `count` end, and of these the first `arrived` well. */
static void end_some(struct tw_aside *aside, uint32_t count, uint32_t arrived, const char *why, struct tw_ended *ended)
{
    for (uint32_t i = 0; i < count; i++) {
        struct tw_attempt *attempt = aside->begun[i];
        attempt->answer = (struct tw_answer){.answered = i < arrived};
        attempt->said_length = 0;
        if (i >= arrived)
            tw_attempt_say(attempt, why, strlen(why));
        tw_attempt_end(ended, attempt);
    }
    aside->count -= count;
    aside->out = 0;
    memmove(aside->begun, aside->begun + count, aside->count * sizeof *aside->begun);
}

/* Of one alone the batch may have more to say. */
static void end_one(struct tw_aside *aside, const struct tw_batch *batch, struct tw_ended *ended)
{
    struct tw_attempt *attempt = aside->begun[0];
    end_some(aside, 1, batch->arrived, batch->number == 0 ? "" : strerror(batch->number), ended);
    attempt->answer.status = batch->status;
    tw_attempt_say(attempt, batch->said, batch->said_length);
}

void tw_aside_work(struct tw_aside *aside, int64_t now_ns, struct tw_ended *ended)
{
    const struct tw_batch *batch = &aside->shared->batch;
    bool back = has_turn(aside->shared);
    if (back && aside->out == 1)
        end_one(aside, batch, ended);
    else if (back && aside->out > 0)
        end_some(aside, aside->out, batch->arrived, strerror(batch->number), ended);
    if (!back && aside->out > 0 && now_ns >= aside->until_ns) {
        end_some(aside, aside->out, 0, "it took too long", ended);
        aside->stuck = true;
    }
    if (back) {
        aside->stuck = false;
        if (aside->count > 0)
            hand_over(aside, now_ns);
    } else if (aside->stuck) {
        end_some(aside, aside->count, 0, "what went before it has not come back", ended);
    }
}
