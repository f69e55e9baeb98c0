/* SPDX-License-Identifier: MIT */
#include "actors/runtime/endpoint.h"

bool tw_endpoint_bind(zsock_t *socket, const char *key, const char *endpoint, char failure[512])
{
    if (strchr(endpoint, '[') != NULL) /* [::1]: libzmq speaks IPv6 only if asked */
        zsock_set_ipv6(socket, 1);
    size_t length = strlen(endpoint);
    bool any_port = length > 2 && strcmp(endpoint + length - 2, ":0") == 0;
    /* Only of '*' does zsock remember which port it became. */
    if (zsock_bind(socket, "%.*s%s", (int)(any_port ? length - 1 : length), endpoint, any_port ? "*" : "") >= 0)
        return true;
    int reason = zmq_errno();
    const char *hint = reason == EADDRINUSE ? "; another program has it, perhaps another tapewarden" : "";
    snprintf(failure, 512, "cannot bind %s to %s: %s%s", key, endpoint, zmq_strerror(reason), hint);
    return false;
}
