/* SPDX-License-Identifier: MIT */
#include "tools/whom.h"

#include <string.h>

void tw_whom_open(const struct tw_cfg *cfg, struct tw_whom *out)
{
    memset(out, 0, sizeof *out);
    tw_receivers_from(cfg, &out->receivers);
    for (uint32_t i = 0; i < out->receivers.count; i++)
        tw_routing_add(&out->routing, out->receivers.list[i].name, out->receivers.list[i].minimum);
    out->routes = tw_routes_from(cfg, out->routing.names, out->routing.count);
    out->routing.routes = out->routes;
}

void tw_whom_close(struct tw_whom *whom)
{
    tw_routes_free(&whom->routes);
}
