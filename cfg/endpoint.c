/* SPDX-License-Identifier: MIT
 *
 * Which endpoints may be bound and connected to. Without CURVE everyone who reaches a socket may speak, so binding
 * stays on this machine.
 */
#include "cfg/value.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#define IPC_PATH_BYTES_MAX 107u /* sockaddr_un, without its NUL */

/* A port from `low` to 65535, or '*' where 0 is allowed. */
static bool port_valid(const char *port, unsigned low)
{
    unsigned value = 0;
    if (low == 0 && strcmp(port, "*") == 0)
        return true;
    if (*port == '\0')
        return false;
    for (; *port != '\0'; port++) {
        if (!isdigit((unsigned char)*port))
            return false;
        value = value * 10u + (unsigned)(*port - '0');
        if (value > 65535)
            return false;
    }
    return value >= low;
}

/* Splits "host:port" at the last colon; the host keeps its brackets. */
static bool split(const char *text, char *host, size_t host_bytes, const char **port)
{
    const char *colon = strrchr(text, ':');
    size_t length = colon == NULL ? 0 : (size_t)(colon - text);
    if (length == 0 || length >= host_bytes)
        return false;
    memcpy(host, text, length);
    host[length] = '\0';
    *port = colon + 1;
    return true;
}

static bool loopback(const char *host)
{
    struct in_addr address;
    if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
        return true;
    return inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

static bool host_plausible(const char *host)
{
    for (const char *c = host; *c != '\0'; c++)
        if (!isalnum((unsigned char)*c) && strchr(".-_:[]%", *c) == NULL)
            return false;
    return true;
}

static const char *ipc_fault(const char *path)
{
    if (*path == '\0')
        return "must name a path behind ipc://";
    return strlen(path) > IPC_PATH_BYTES_MAX ? "is too long: a path behind ipc:// has at most 107 bytes" : NULL;
}

const char *tw_endpoint_bind_fault(const char *text)
{
    char host[256];
    const char *port;
    if (strncmp(text, "ipc://", 6) == 0)
        return ipc_fault(text + 6);
    if (strncmp(text, "tcp://", 6) != 0 || !split(text + 6, host, sizeof host, &port))
        return "must be tcp://HOST:PORT or ipc://PATH";
    if (!port_valid(port, 0))
        return "must end in a port from 1 to 65535, or in 0 or * for any free one";
    if (!loopback(host))
        return "is refused: beyond loopback (127.0.0.0/8, [::1], localhost) everyone who reaches the port may speak, "
               "so "
               "that needs CURVE, which this build does not have";
    return NULL;
}

const char *tw_endpoint_connect_fault(const char *text)
{
    char host[256];
    const char *port;
    if (strncmp(text, "ipc://", 6) == 0)
        return ipc_fault(text + 6);
    if (strncmp(text, "tcp://", 6) != 0 || !split(text + 6, host, sizeof host, &port) || !host_plausible(host))
        return "must be tcp://HOST:PORT or ipc://PATH";
    return port_valid(port, 1) ? NULL : "must end in a port from 1 to 65535";
}

const char *tw_endpoint_address_fault(const char *text)
{
    char host[256];
    const char *port;
    if (!split(text, host, sizeof host, &port) || !host_plausible(host))
        return "must be HOST:PORT";
    return port_valid(port, 0) ? NULL : "must end in a port from 0 to 65535";
}

/* No name: it would be asked for in the middle of deliveries. */
const char *tw_endpoint_syslog_fault(const char *text)
{
    char host[256];
    const char *port;
    struct in6_addr address;
    if (text[0] == '/')
        return strlen(text) > IPC_PATH_BYTES_MAX ? "is too long: the path of a socket has at most 107 bytes" : NULL;
    bool known = strncmp(text, "udp:", 4) == 0 || strncmp(text, "tcp:", 4) == 0;
    if (!known || !split(text + 4, host, sizeof host, &port) || !port_valid(port, 1))
        return "must be the path of a socket, udp:ADDRESS:PORT or tcp:ADDRESS:PORT";
    size_t length = strlen(host);
    bool brackets = length > 2 && host[0] == '[' && host[length - 1] == ']';
    if (brackets)
        host[length - 1] = '\0';
    return inet_pton(brackets ? AF_INET6 : AF_INET, brackets ? host + 1 : host, &address) == 1
               ? NULL
               : "takes an address, not a name, such as udp:192.0.2.7:514 or udp:[2001:db8::7]:514";
}
