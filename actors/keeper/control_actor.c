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
    struct tw_control_asker asker; /* of the request last heard */
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
    door->socket = zsock_new(ZMQ_ROUTER);
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

/* Who asks, as libzmq names him, and the empty part behind that. */
static bool hear_asker(struct tw_control_door *door)
{
    zmq_msg_t name, nothing;
    if (!tw_lane_receive(door->socket, &name))
        return false;
    door->asker.length = (uint8_t)zmq_msg_size(&name);
    memcpy(door->asker.bytes, zmq_msg_data(&name), door->asker.length);
    zmq_msg_close(&name);
    if (zsock_rcvmore(door->socket) && tw_lane_receive(door->socket, &nothing))
        zmq_msg_close(&nothing);
    return true;
}

bool tw_control_door_hear(struct tw_control_door *door, char request[TW_CONTROL_REQUEST_BYTES])
{
    zmq_msg_t message;
    request[0] = '\0';
    if (door->socket == NULL || !hear_asker(door))
        return false;
    if (!zsock_rcvmore(door->socket) || !tw_lane_receive(door->socket, &message))
        return true; /* who speaks otherwise than a REQ is told so */
    size_t length = zmq_msg_size(&message);
    const char *bytes = zmq_msg_data(&message);
    if (length < TW_CONTROL_REQUEST_BYTES && memchr(bytes, '\0', length) == NULL) {
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

struct tw_control_asker tw_control_door_asker(const struct tw_control_door *door)
{
    return door->asker;
}

/* Who has gone hears nothing. Takes over the message. */
static void send_to(struct tw_control_door *door, const struct tw_control_asker *asker, zmq_msg_t *message)
{
    void *socket = zsock_resolve(door->socket);
    if (zmq_send(socket, asker->bytes, asker->length, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0 ||
        zmq_send(socket, "", 0, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0 || zmq_msg_send(message, socket, ZMQ_DONTWAIT) < 0)
        zmq_msg_close(message);
}

static void say_to(struct tw_control_door *door, const struct tw_control_asker *asker, const char *kind,
                   const void *bytes, size_t length)
{
    zmq_msg_t message;
    size_t kind_length = strlen(kind);
    TW_ASSERT(zmq_msg_init_size(&message, kind_length + length) == 0);
    memcpy(zmq_msg_data(&message), kind, kind_length);
    if (length > 0)
        memcpy((char *)zmq_msg_data(&message) + kind_length, bytes, length);
    send_to(door, asker, &message);
}

void tw_control_door_answer_with(struct tw_control_door *door, const void *bytes, size_t length)
{
    say_to(door, &door->asker, "ok ", bytes, length);
}

void tw_control_door_fail(struct tw_control_door *door, const struct tw_store_error *error)
{
    const char *word = error->status == TW_STORE_MISSING   ? "no "
                       : error->status == TW_STORE_REFUSED ? "refused "
                                                           : "error ";
    say_to(door, &door->asker, word, error->text, strlen(error->text));
}

void tw_control_door_answer_later(struct tw_control_door *door, const struct tw_control_asker *asker, const char *error)
{
    if (error != NULL)
        say_to(door, asker, "error ", error, strlen(error));
    else
        say_to(door, asker, "ok", NULL, 0);
}

void tw_control_door_answer(struct tw_control_door *door, const char *error)
{
    tw_control_door_answer_later(door, &door->asker, error);
}
