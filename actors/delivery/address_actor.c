/* SPDX-License-Identifier: MIT */
#include "actors/delivery/address_actor.h"

#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

socklen_t tw_numeric_address(const char *text, struct sockaddr_storage *out)
{
    char host[64];
    const char *port = strrchr(text, ':');
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_DGRAM}, *found = NULL;
    int length = port == NULL ? 0 : (int)(port - text);
    bool brackets = length > 2 && text[0] == '[' && text[length - 1] == ']';
    snprintf(host, sizeof host, "%.*s", brackets ? length - 2 : length, brackets ? text + 1 : text);
    if (port == NULL || getaddrinfo(host, port + 1, &hints, &found) != 0)
        return 0;
    socklen_t bytes = found->ai_addrlen;
    memcpy(out, found->ai_addr, bytes);
    freeaddrinfo(found);
    return bytes;
}
