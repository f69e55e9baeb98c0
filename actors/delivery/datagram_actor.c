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

struct tw_datagrams {
    const char *address;
    int fd;               /* -1: not open */
    struct tw_ended sent; /* wait to be taken */
};

struct tw_datagrams *tw_datagrams_new(const char *address)
{
    struct tw_datagrams *datagrams = tw_alloc_zero(1, sizeof *datagrams);
    datagrams->address = address;
    datagrams->fd = -1;
    datagrams->sent.last = &datagrams->sent.first;
    return datagrams;
}

static void shut(struct tw_datagrams *datagrams)
{
    if (datagrams->fd >= 0)
        close(datagrams->fd);
    datagrams->fd = -1;
}

void tw_datagrams_free(struct tw_datagrams **datagrams)
{
    if (*datagrams == NULL)
        return;
    shut(*datagrams);
    free(*datagrams);
    *datagrams = NULL;
}

static bool connect_to(struct tw_datagrams *datagrams, const struct sockaddr *address, socklen_t length)
{
    datagrams->fd = socket(address->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (datagrams->fd >= 0 && connect(datagrams->fd, address, length) == 0)
        return true;
    int number = errno;
    shut(datagrams);
    errno = number;
    return false;
}

static bool open_local(struct tw_datagrams *datagrams)
{
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    snprintf(local.sun_path, sizeof local.sun_path, "%s", datagrams->address);
    return connect_to(datagrams, (const struct sockaddr *)&local, sizeof local);
}

static bool open_udp(struct tw_datagrams *datagrams)
{
    struct sockaddr_storage address;
    socklen_t length = tw_numeric_address(datagrams->address + strlen("udp:"), &address);
    errno = EINVAL;
    return length > 0 && connect_to(datagrams, (const struct sockaddr *)&address, length);
}

static bool send_one(struct tw_datagrams *datagrams, const struct tw_buffer *bytes)
{
    bool local = datagrams->address[0] == '/';
    if (datagrams->fd < 0 && !(local ? open_local(datagrams) : open_udp(datagrams)))
        return false;
    if (send(datagrams->fd, bytes->bytes, bytes->length, MSG_NOSIGNAL) == (ssize_t)bytes->length)
        return true;
    int number = errno;
    if (number != EAGAIN && number != EWOULDBLOCK && number != ENOBUFS) /* whoever was there has gone */
        shut(datagrams);
    errno = number;
    return false;
}

void tw_datagrams_begin(struct tw_datagrams *datagrams, struct tw_attempt *attempt)
{
    attempt->answer = (struct tw_answer){.answered = send_one(datagrams, &attempt->request.body)};
    if (!attempt->answer.answered) {
        attempt->said_length = 0;
        tw_attempt_say(attempt, strerror(errno), strlen(strerror(errno)));
    }
    tw_attempt_end(&datagrams->sent, attempt);
}

bool tw_datagrams_wait(const struct tw_datagrams *datagrams)
{
    return datagrams->sent.first != NULL;
}

void tw_datagrams_work(struct tw_datagrams *datagrams, struct tw_ended *ended)
{
    for (struct tw_attempt *attempt = datagrams->sent.first, *next; attempt != NULL; attempt = next) {
        next = attempt->next;
        tw_attempt_end(ended, attempt);
    }
    datagrams->sent = (struct tw_ended){NULL, NULL};
    datagrams->sent.last = &datagrams->sent.first;
}
