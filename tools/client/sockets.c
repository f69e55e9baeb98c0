/* SPDX-License-Identifier: MIT
 *
 * What publisher and subscriber share.
 */
#include "tools/client/sockets.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define RECONNECT_MAX_MS 1000

bool tw_client_fail(struct tapewarden_error *error, const char *format, ...)
{
    va_list arguments;
    if (error == NULL)
        return false;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return false;
}

bool tw_client_connect(void *socket, const char *endpoint, struct tapewarden_error *error)
{
    int reconnect_ms = RECONNECT_MAX_MS;
    zmq_setsockopt(socket, ZMQ_RECONNECT_IVL_MAX, &reconnect_ms, sizeof reconnect_ms);
    if (zmq_connect(socket, endpoint) == 0)
        return true;
    return tw_client_fail(error, "cannot connect to %s: %s", endpoint, zmq_strerror(errno));
}

void tw_client_close(void **socket)
{
    if (*socket != NULL)
        zmq_close(*socket);
    *socket = NULL;
}

void *tw_client_monitor(void *context, void *socket)
{
    static const char endpoint[] = "inproc://monitor"; /* one in each context */
    if (zmq_socket_monitor(socket, endpoint, ZMQ_EVENT_HANDSHAKE_SUCCEEDED) < 0)
        return NULL;
    void *monitor = zmq_socket(context, ZMQ_PAIR);
    if (monitor != NULL && zmq_connect(monitor, endpoint) < 0)
        tw_client_close(&monitor);
    return monitor;
}

bool tw_client_monitor_connected(void *monitor)
{
    struct tw_client_message message; /* event and value, then the address */
    if (!tw_client_receive(monitor, &message))
        return false;
    tw_client_message_close(&message);
    return true;
}

static bool receive_part(void *socket, zmq_msg_t *part)
{
    zmq_msg_init(part);
    if (zmq_msg_recv(part, socket, ZMQ_DONTWAIT) >= 0)
        return true;
    zmq_msg_close(part);
    return false;
}

bool tw_client_receive(void *socket, struct tw_client_message *out)
{
    while (receive_part(socket, &out->topic)) {
        uint32_t parts = 1;
        bool more = zmq_msg_more(&out->topic) != 0;
        zmq_msg_init(&out->body);
        while (more) {
            zmq_msg_t part;
            if (!receive_part(socket, &part)) /* parts of one message come together */
                break;
            more = zmq_msg_more(&part) != 0;
            if (parts++ == 1)
                zmq_msg_move(&out->body, &part);
            zmq_msg_close(&part);
        }
        if (parts == 2)
            return true;
        tw_client_message_close(out);
    }
    return false;
}

void tw_client_message_close(struct tw_client_message *message)
{
    zmq_msg_close(&message->topic);
    zmq_msg_close(&message->body);
}

int64_t tw_client_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

int64_t tw_client_until_ns(int timeout_ms)
{
    return timeout_ms < 0 ? INT64_MAX : tw_client_now_ns() + (int64_t)timeout_ms * 1000000;
}

long tw_client_wait_ms(int64_t until_ns)
{
    int64_t left_ns = until_ns == INT64_MAX ? INT64_MAX : until_ns - tw_client_now_ns();
    if (left_ns <= 0)
        return 0;
    return left_ns > INT64_C(60000000000) ? 60000 : (long)((left_ns + 999999) / 1000000);
}
