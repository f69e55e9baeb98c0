/* SPDX-License-Identifier: MIT */
#include "tools/whom.h"

#include <string.h>

#include "actors/runtime/session.h"

void tw_whom_open(const struct tw_cfg *cfg, struct tw_whom *out)
{
    struct tw_session session;
    memset(out, 0, sizeof *out);
    tw_receivers_from(cfg, &out->receivers);
    for (uint32_t i = 0; i < out->receivers.count; i++)
        tw_routing_add(&out->routing, out->receivers.list[i].name, out->receivers.list[i].minimum);
    out->routing.groupable = tw_receivers_groupable(&out->receivers);
    out->routes = tw_routes_from(cfg, out->routing.names, out->routing.count);
    out->routing.routes = out->routes;
    out->routing.local_seconds = tw_session_local_seconds;
    tw_session_init(&session, tw_cfg_text(cfg, "session/zone"), tw_cfg_integer(cfg, "session/roll"));
}

void tw_whom_close(struct tw_whom *whom)
{
    tw_routes_free(&whom->routes);
}
