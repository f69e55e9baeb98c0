/* SPDX-License-Identifier: MIT
 *
 * Whom a configuration tells of alerts, for commands that send nothing.
 */
#ifndef TW_TOOLS_WHOM_H
#define TW_TOOLS_WHOM_H

#include "actors/delivery/receiver.h"
#include "actors/router/routing.h"

struct tw_whom {
    struct tw_receivers receivers;
    struct tw_routing routing;
    struct tw_routes *routes; /* NULL: there are none */
};
/* The configuration outlives it. Sets the process' time zone: main thread, before any other starts. */
void tw_whom_open(const struct tw_cfg *cfg, struct tw_whom *out);
void tw_whom_close(struct tw_whom *whom);

#endif
