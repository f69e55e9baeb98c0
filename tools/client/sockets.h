/* SPDX-License-Identifier: MIT
 *
 * What publisher and subscriber share: connecting, two-part messages, time.
 */
#ifndef TW_CLIENT_SOCKETS_H
#define TW_CLIENT_SOCKETS_H

#include <stdbool.h>
#include <stdint.h>
#include <zmq.h>

#include "tools/client/tapewarden.h"

/* Fills *error (may be NULL). Always false. */
bool tw_client_fail(struct tapewarden_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool tw_client_connect(void *socket, const char *endpoint, struct tapewarden_error *error);
void tw_client_close(void **socket);

/* A socket that tells when `socket` has connected; NULL if there is none to be had. */
void *tw_client_monitor(void *context, void *socket);
/* True for each time it did; false when there is no more to tell. */
bool tw_client_monitor_connected(void *monitor);

struct tw_client_message {
    zmq_msg_t topic, body;
};
/* The next message of two parts, without waiting; others are dropped. Close it if true. */
bool tw_client_receive(void *socket, struct tw_client_message *out);
void tw_client_message_close(struct tw_client_message *message);

int64_t tw_client_now_ns(void);
/* The monotonic time when a timeout is over; INT64_MAX for a negative one. */
int64_t tw_client_until_ns(int timeout_ms);
/* For zmq_poll: milliseconds until then, rounded up; at most a minute. */
long tw_client_wait_ms(int64_t until_ns);

#endif
