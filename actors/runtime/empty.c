/* SPDX-License-Identifier: MIT */
#include "actors/runtime/empty.h"

#include <string.h>

#include <zmq.h>

#define KNOWN_MAX 8 /* more than any actor receives from by turns, but exposure with many shards: those it asks */

static _Thread_local struct {
    bool remembers;
    int count;
    const void *sockets[KNOWN_MAX];
} known;

void tw_empty_begin(void)
{
    known.remembers = true;
    known.count = 0;
}

bool tw_empty_is_known(const void *socket)
{
    for (int i = 0; i < known.count; i++)
        if (known.sockets[i] == socket)
            return true;
    return false;
}

static bool only_receives(void *socket)
{
    int type = 0;
    size_t size = sizeof type;
    return zmq_getsockopt(socket, ZMQ_TYPE, &type, &size) == 0 && (type == ZMQ_PULL || type == ZMQ_SUB);
}

void tw_empty_found(void *socket)
{
    if (known.remembers && known.count < KNOWN_MAX && !tw_empty_is_known(socket) && only_receives(socket))
        known.sockets[known.count++] = socket;
}

void tw_empty_keep(void *const *sockets, int count)
{
    const void *kept[KNOWN_MAX];
    int kept_count = 0;
    for (int i = 0; i < count && kept_count < KNOWN_MAX; i++)
        if (tw_empty_is_known(sockets[i]))
            kept[kept_count++] = sockets[i];
    memcpy(known.sockets, kept, (size_t)kept_count * sizeof *kept);
    known.count = kept_count;
}
