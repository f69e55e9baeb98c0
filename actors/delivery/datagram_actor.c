/* SPDX-License-Identifier: MIT */
#include "actors/delivery/datagram_actor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "actors/delivery/address_actor.h"
#include "protocol/check.h"

struct datagrams {
    char *address;
    int fd; /* -1: not open */
};

static void shut(struct datagrams *datagrams)
{
    if (datagrams->fd >= 0)
        close(datagrams->fd);
    datagrams->fd = -1;
}

static bool connect_to(struct datagrams *datagrams, const struct sockaddr *address, socklen_t length)
{
    datagrams->fd = socket(address->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (datagrams->fd >= 0 && connect(datagrams->fd, address, length) == 0)
        return true;
    int number = errno;
    shut(datagrams);
    errno = number;
    return false;
}

static bool open_local(struct datagrams *datagrams)
{
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    snprintf(local.sun_path, sizeof local.sun_path, "%s", datagrams->address);
    return connect_to(datagrams, (const struct sockaddr *)&local, sizeof local);
}

static bool open_udp(struct datagrams *datagrams)
{
    struct sockaddr_storage address;
    socklen_t length = tw_numeric_address(datagrams->address + strlen("udp:"), &address);
    errno = EINVAL;
    return length > 0 && connect_to(datagrams, (const struct sockaddr *)&address, length);
}

static bool send_one(struct datagrams *datagrams, const uint8_t *bytes, size_t length)
{
    bool local = datagrams->address[0] == '/';
    if (datagrams->fd < 0 && !(local ? open_local(datagrams) : open_udp(datagrams)))
        return false;
    if (send(datagrams->fd, bytes, length, MSG_NOSIGNAL) == (ssize_t)length)
        return true;
    int number = errno;
    if (number != EAGAIN && number != EWOULDBLOCK && number != ENOBUFS) /* whoever was there has gone */
        shut(datagrams);
    errno = number;
    return false;
}

static void carry(void *self, struct tw_batch *batch)
{
    size_t from = 0;
    for (; batch->arrived < batch->count; from = batch->ends[batch->arrived++])
        if (!send_one(self, batch->bytes.bytes + from, batch->ends[batch->arrived] - from)) {
            batch->number = errno;
            return;
        }
}

static void free_datagrams(void *self)
{
    struct datagrams *datagrams = self;
    shut(datagrams);
    free(datagrams->address);
    free(datagrams);
}

struct tw_carrier tw_datagram_carrier(const char *address)
{
    struct datagrams *datagrams = tw_alloc_zero(1, sizeof *datagrams);
    datagrams->address = tw_strndup(address, strlen(address));
    datagrams->fd = -1;
    return (struct tw_carrier){.self = datagrams, .carry = carry, .free = free_datagrams};
}
