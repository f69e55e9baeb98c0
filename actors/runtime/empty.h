/* SPDX-License-Identifier: MIT
 *
 * Which lanes an agent's thread knows to be empty. To receive from an empty lane is a system call, and so is to ask it
 * before the sleep: at low rates most of what an actor asked for. But a PULL or SUB socket that was found empty makes
 * its descriptor readable when something comes (zmq_getsockopt(3), ZMQ_FD): until then nobody has to ask it again.
 *
 * Sockets that also send are never remembered: sending takes what comes off the descriptor without a word.
 *
 * Thread: what a thread knows is its own. Outside agents nothing is remembered, and each receive asks.
 */
#ifndef TW_RUNTIME_EMPTY_H
#define TW_RUNTIME_EMPTY_H

#include <stdbool.h>

void tw_empty_begin(void); /* this thread remembers from now on */
/* Receiving found nothing, or the socket said that nothing is there. */
void tw_empty_found(void *socket);
bool tw_empty_is_known(const void *socket);
/* The descriptors of these were looked at now, and nothing has come; whatever else was known is forgotten. */
void tw_empty_keep(void *const *sockets, int count);

#endif
