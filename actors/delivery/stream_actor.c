/* SPDX-License-Identifier: MIT */
#include "actors/delivery/stream_actor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "actors/delivery/address_actor.h"
#include "actors/delivery/render.h"
#include "protocol/check.h"

struct stream {
    char *address;
    struct timeval timeout;
    int fd; /* -1: not connected */
    struct tw_buffer frames;
};

static void shut(struct stream *stream)
{
    if (stream->fd >= 0)
        close(stream->fd);
    stream->fd = -1;
}

static bool open_stream(struct stream *stream)
{
    struct sockaddr_storage address;
    socklen_t length = tw_numeric_address(stream->address + strlen("tcp:"), &address);
    int on = 1;
    errno = EINVAL;
    stream->fd = length == 0 ? -1 : socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (stream->fd < 0)
        return false;
    /* Of connecting, too. */
    setsockopt(stream->fd, SOL_SOCKET, SO_SNDTIMEO, &stream->timeout, sizeof stream->timeout);
    setsockopt(stream->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    return connect(stream->fd, (const struct sockaddr *)&address, length) == 0;
}

/* A log says nothing; what there is to read is its end. */
static bool has_ended(const struct stream *stream)
{
    char bytes[256];
    ssize_t length = 0;
    do
        length = recv(stream->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    while (length > 0);
    return length == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

static bool send_frames(const struct stream *stream)
{
    for (size_t sent = 0; sent < stream->frames.length;) {
        ssize_t length = send(stream->fd, stream->frames.bytes + sent, stream->frames.length - sent, MSG_NOSIGNAL);
        if (length < 0)
            return false;
        sent += (size_t)length;
    }
    return true;
}

/* All of a batch or nothing: how much of it was read nobody tells. */
static void carry(void *self, struct tw_batch *batch)
{
    struct stream *stream = self;
    size_t from = 0;
    stream->frames.length = 0;
    for (uint32_t i = 0; i < batch->count; from = batch->ends[i++]) {
        tw_append_format(&stream->frames, "%zu ", batch->ends[i] - from);
        tw_buffer_append(&stream->frames, batch->bytes.bytes + from, batch->ends[i] - from);
    }
    if (stream->fd >= 0 && has_ended(stream))
        shut(stream);
    if ((stream->fd >= 0 || open_stream(stream)) && send_frames(stream)) {
        batch->arrived = batch->count;
        return;
    }
    bool late = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINPROGRESS;
    batch->number = late ? ETIMEDOUT : errno;
    shut(stream);
}

static void free_stream(void *self)
{
    struct stream *stream = self;
    shut(stream);
    tw_buffer_free(&stream->frames);
    free(stream->address);
    free(stream);
}

struct tw_carrier tw_stream_carrier(const char *address, int64_t timeout_ns)
{
    struct stream *stream = tw_alloc_zero(1, sizeof *stream);
    stream->address = tw_strndup(address, strlen(address));
    stream->timeout = (struct timeval){timeout_ns / TW_NS_PER_SECOND, timeout_ns % TW_NS_PER_SECOND / 1000};
    stream->fd = -1;
    return (struct tw_carrier){.self = stream, .carry = carry, .free = free_stream};
}
