/* SPDX-License-Identifier: MIT
 *
 * What may block, on a thread of its own: a file, a program or a socket on a mount that hangs must not hold up the
 * other receivers, nor a stop. Bodies are copied and handed over as batches, one at a time; the attempts end when a
 * batch comes back, or when the time limit is over. A batch that comes back later than that changes nothing: its lines
 * go once more.
 *
 * The actor's thread only; what carries the batches is called on the other one.
 */
#ifndef TW_DELIVERY_ASIDE_ACTOR_H
#define TW_DELIVERY_ASIDE_ACTOR_H

#include <czmq.h>

#include "actors/delivery/attempt_actor.h"

struct tw_batch {
    struct tw_buffer bytes; /* one body after the other */
    size_t ends[TW_DELIVERY_WINDOW];
    uint32_t count;
    /* the answer: so many of them have arrived, and why the others have not (errno's like) */
    uint32_t arrived;
    int number;
    /* of a batch of one, if there is more to say: a status, and words for the ledger */
    int32_t status;
    char said[TW_ANSWER_BYTES_MAX];
    uint32_t said_length;
};
void tw_batch_say(struct tw_batch *batch, const char *text, size_t length); /* what does not fit is dropped */
struct tw_carrier {
    void *self; /* the other thread's from now on */
    void (*carry)(void *self, struct tw_batch *batch);
    void (*stop)(void *self); /* NULL: nothing is to be stopped. By the actor's thread, while the other one may carry */
    void (*free)(void *self);
};

struct tw_aside;
struct tw_aside *tw_aside_new(const struct tw_carrier *carrier, int64_t timeout_ns);
/* At most TW_DELIVERY_WINDOW at a time; they go with the next tw_aside_work. */
void tw_aside_begin(struct tw_aside *aside, struct tw_attempt *attempt);
bool tw_aside_wait(const struct tw_aside *aside); /* some were begun, and can go */
int tw_aside_wait_for(const struct tw_aside *aside, zmq_pollitem_t *items, int count, int64_t *deadline_ns);
void tw_aside_work(struct tw_aside *aside, int64_t now_ns, struct tw_ended *ended);
/* Does not wait for a batch that is under way: the other thread then ends, and frees what is its, when it comes back.
 * NULL is fine. */
void tw_aside_free(struct tw_aside **aside);

#endif
