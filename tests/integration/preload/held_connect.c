/* SPDX-License-Identifier: MIT
 *
 * Preloaded into a daemon: a local socket on a mount that hangs, and a name server that does not answer. Who connects
 * to TW_HELD_PATH, or looks up TW_HELD_NAME, does not come back as long as there is a file named as the path with
 * ".held" behind it.
 */
#include <dlfcn.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

typedef int (*connect_call)(int fd, const struct sockaddr *address, socklen_t length);
typedef int (*look_up_call)(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out);

static void wait_here(const char *path)
{
    char held[256];
    const struct timespec pause = {0, 5000000};
    snprintf(held, sizeof held, "%s.held", path);
    while (access(held, F_OK) == 0)
        nanosleep(&pause, NULL);
}

int connect(int fd, const struct sockaddr *address, socklen_t length)
{
    const char *path = getenv("TW_HELD_PATH");
    const struct sockaddr_un *local = (const struct sockaddr_un *)(const void *)address;
    if (path != NULL && address->sa_family == AF_UNIX && strcmp(local->sun_path, path) == 0)
        wait_here(path);
    return ((connect_call)(uintptr_t)dlsym(RTLD_NEXT, "connect"))(fd, address, length);
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
    const char *path = getenv("TW_HELD_PATH"), *name = getenv("TW_HELD_NAME");
    if (path != NULL && name != NULL && node != NULL && strcmp(node, name) == 0)
        wait_here(path);
    return ((look_up_call)(uintptr_t)dlsym(RTLD_NEXT, "getaddrinfo"))(node, service, hints, out);
}
