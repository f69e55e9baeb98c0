/* SPDX-License-Identifier: MIT */
#include "actors/keeper/control_actor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "actors/runtime/lane.h"
#include "actors/runtime/log.h"
#include "protocol/check.h"

#define WAITING_MAX 16 /* requests of one connection */

struct tw_control_door {
    char path[sizeof((struct sockaddr_un *)NULL)->sun_path];
    zsock_t *socket;
};

static void shut(struct tw_control_door *door, const char *why)
{
    tw_log(TW_LOG_WARNING, "keeper", "no control socket, so no backup while running: %s", why);
    if (door->socket != NULL && door->path[0] != '\0')
        unlink(door->path);
    zsock_destroy(&door->socket);
    door->path[0] = '\0';
}

struct tw_control_door *tw_control_door_open(const char *directory)
{
    struct tw_control_door *door = tw_alloc_zero(1, sizeof *door);
    int length = snprintf(door->path, sizeof door->path, "%s/" TW_CONTROL_NAME, directory);
    if (length < 0 || (size_t)length >= sizeof door->path) {
        door->path[0] = '\0';
        shut(door, "the path of the data directory is too long for one");
        return door;
    }
    /* The lock on the directory proves that whoever left one here is gone. */
    unlink(door->path);
    door->socket = zsock_new(ZMQ_REP);
    zsock_set_linger(door->socket, 500);
    zsock_set_rcvhwm(door->socket, WAITING_MAX);
    zsock_set_sndhwm(door->socket, WAITING_MAX);
    zsock_set_maxmsgsize(door->socket, TW_CONTROL_REQUEST_BYTES);
    if (zsock_bind(door->socket, "ipc://%s", door->path) < 0 || chmod(door->path, 0600) != 0)
        shut(door, zmq_strerror(errno));
    return door;
}

void tw_control_door_close(struct tw_control_door **door)
{
    if (*door == NULL)
        return;
    if ((*door)->path[0] != '\0')
        unlink((*door)->path);
    zsock_destroy(&(*door)->socket);
    free(*door);
    *door = NULL;
}

zsock_t *tw_control_door_socket(struct tw_control_door *door)
{
    return door->socket;
}

bool tw_control_door_hear(struct tw_control_door *door, char request[TW_CONTROL_REQUEST_BYTES])
{
    zmq_msg_t message;
    if (door->socket == NULL || !tw_lane_receive(door->socket, &message))
        return false;
    size_t length = zmq_msg_size(&message);
    const char *bytes = zmq_msg_data(&message);
    bool readable = length < TW_CONTROL_REQUEST_BYTES && memchr(bytes, '\0', length) == NULL;
    request[0] = '\0';
    if (readable) {
        memcpy(request, bytes, length);
        request[length] = '\0';
    }
    zmq_msg_close(&message);
    while (zsock_rcvmore(door->socket) && tw_lane_receive(door->socket, &message)) {
        zmq_msg_close(&message);
        request[0] = '\0'; /* one frame is a request */
    }
    return true;
}

void tw_control_door_answer_with(struct tw_control_door *door, const void *bytes, size_t length)
{
    zmq_msg_t message;
    TW_ASSERT(zmq_msg_init_size(&message, length + 3) == 0);
    memcpy(zmq_msg_data(&message), "ok ", 3);
    if (length > 0)
        memcpy((char *)zmq_msg_data(&message) + 3, bytes, length);
    if (zmq_msg_send(&message, zsock_resolve(door->socket), ZMQ_DONTWAIT) < 0)
        zmq_msg_close(&message);
}

void tw_control_door_fail(struct tw_control_door *door, const struct tw_store_error *error)
{
    char answer[600];
    const char *word = error->status == TW_STORE_MISSING   ? "no"
                       : error->status == TW_STORE_REFUSED ? "refused"
                                                           : "error";
    snprintf(answer, sizeof answer, "%s %.590s", word, error->text);
    (void)zmq_send(zsock_resolve(door->socket), answer, strlen(answer), ZMQ_DONTWAIT);
}

void tw_control_door_answer(struct tw_control_door *door, const char *error)
{
    char answer[600] = "ok";
    if (error != NULL)
        snprintf(answer, sizeof answer, "error %.590s", error);
    (void)zmq_send(zsock_resolve(door->socket), answer, strlen(answer), ZMQ_DONTWAIT); /* who has gone hears nothing */
}
