/* SPDX-License-Identifier: MIT */
#ifndef TW_RUNTIME_ENDPOINT_H
#define TW_RUNTIME_ENDPOINT_H

#include <czmq.h>
#include <stdbool.h>

/* Binds, or says in one sentence why not: which key, which endpoint, what the system answered. */
bool tw_endpoint_bind(zsock_t *socket, const char *key, const char *endpoint, char failure[512]);

#endif
