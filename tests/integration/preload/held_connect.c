/* SPDX-License-Identifier: MIT
 *
 * Preloaded into a daemon: a local socket on a mount that hangs. Who connects to TW_HELD_PATH does not come back as
 * long as there is a file of that name with ".held" behind it.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

typedef int (*connect_call)(int fd, const struct sockaddr *address, socklen_t length);

int connect(int fd, const struct sockaddr *address, socklen_t length)
{
    const char *path = getenv("TW_HELD_PATH");
    const struct sockaddr_un *local = (const struct sockaddr_un *)(const void *)address;
    char held[256];
    if (path != NULL && address->sa_family == AF_UNIX && strcmp(local->sun_path, path) == 0) {
        const struct timespec pause = {0, 5000000};
        snprintf(held, sizeof held, "%s.held", path);
        while (access(held, F_OK) == 0)
            nanosleep(&pause, NULL);
    }
    return ((connect_call)(uintptr_t)dlsym(RTLD_NEXT, "connect"))(fd, address, length);
}
