/* SPDX-License-Identifier: MIT */
#include "actors/runtime/lane.h"

#include <stddef.h>
#include <string.h>

#include "actors/runtime/empty.h"
#include "actors/runtime/hand_over.h"
#include "actors/runtime/pool.h"
#include "protocol/check.h"
#include "protocol/limits.h"

static zsock_t *open_lane(int type, const char *name, int hwm)
{
    char endpoint[96];
    zsock_t *socket = zsock_new(type);
    TW_ASSERT(socket != NULL);
    zsock_set_sndhwm(socket, hwm);
    zsock_set_rcvhwm(socket, hwm);
    zsock_set_linger(socket, 0);
    TW_ASSERT(snprintf(endpoint, sizeof endpoint, "inproc://%s", name) < (int)sizeof endpoint);
    int status = type == ZMQ_PULL ? zsock_bind(socket, "%s", endpoint) : zsock_connect(socket, "%s", endpoint);
    TW_ASSERT(status >= 0);
    return socket;
}

/* Each end counts its own high-water mark; together a lane holds both. */
zsock_t *tw_lane_pull_sized(const char *name, int hwm)
{
    return open_lane(ZMQ_PULL, name, hwm / 2);
}
zsock_t *tw_lane_push_sized(const char *name, int hwm)
{
    return open_lane(ZMQ_PUSH, name, hwm / 2);
}
zsock_t *tw_lane_pull(const char *name)
{
    return tw_lane_pull_sized(name, TW_LANE_HWM);
}
zsock_t *tw_lane_push(const char *name)
{
    return tw_lane_push_sized(name, TW_LANE_HWM);
}
static bool send_message(zsock_t *lane, zmq_msg_t *message, int flags)
{
    if (zmq_msg_send(message, zsock_resolve(lane), flags | ZMQ_DONTWAIT) >= 0)
        return true;
    TW_ASSERT(errno == EAGAIN || errno == ETERM);
    return false;
}

static void drop_frame(void *bytes, void *hint)
{
    struct tw_frame *frame = hint;
    TW_TAKE_OVER(bytes); /* it may be libzmq's own thread that lets go */
    tw_frame_drop(&frame);
}

bool tw_lane_send_frame(zsock_t *lane, struct tw_frame *frame, bool more)
{
    zmq_msg_t message;
    struct tw_frame *shared = tw_frame_share(frame);
    TW_ASSERT(frame->length > 0);
    TW_HAND_OVER(frame->bytes);
    TW_ASSERT(zmq_msg_init_data(&message, shared->bytes, shared->length, drop_frame, shared) == 0);
    if (send_message(lane, &message, more ? ZMQ_SNDMORE : 0))
        return true;
    zmq_msg_close(&message);
    return false;
}

static void release_parcel(void *object, void *hint)
{
    struct tw_parcel *parcel = hint;
    TW_TAKE_OVER(object);
    parcel->release(object, parcel->hint);
}

static void release_nothing(void *object, void *hint)
{
    (void)object;
    (void)hint;
}

bool tw_lane_send_object(zsock_t *lane, void *object, size_t size, void (*release)(void *object, void *hint),
                         void *hint)
{
    zmq_msg_t message;
    struct tw_parcel *parcel = tw_pool_parcel(object);
    *parcel = (struct tw_parcel){release, hint};
    TW_HAND_OVER(object);
    TW_ASSERT(zmq_msg_init_data(&message, object, size, release_parcel, parcel) == 0);
    if (send_message(lane, &message, 0))
        return true;
    parcel->release = release_nothing; /* it stays the caller's */
    zmq_msg_close(&message);
    return false;
}

bool tw_lane_send_end(zsock_t *lane)
{
    zmq_msg_t message;
    zmq_msg_init(&message);
    return send_message(lane, &message, 0);
}

bool tw_lane_receive(zsock_t *lane, zmq_msg_t *message)
{
    void *socket = zsock_resolve(lane);
    if (tw_empty_is_known(socket))
        return false;
    zmq_msg_init(message);
    if (zmq_msg_recv(message, socket, ZMQ_DONTWAIT) < 0) {
        zmq_msg_close(message);
        tw_empty_found(socket);
        return false;
    }
    TW_TAKE_OVER(zmq_msg_data(message));
    return true;
}

void tw_lane_hand_over(zmq_msg_t *message)
{
    TW_HAND_OVER(zmq_msg_data(message));
}

struct tw_frame *tw_lane_frame(zmq_msg_t *message)
{
    uint8_t *bytes = zmq_msg_data(message);
    return (struct tw_frame *)(void *)(bytes - offsetof(struct tw_frame, bytes));
}
