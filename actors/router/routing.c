/* SPDX-License-Identifier: MIT */
#include "actors/router/routing.h"

uint32_t tw_routing_decide(const struct tw_routing *routing, const struct tw_routing_facts *facts)
{
    uint32_t receivers = 0;
    for (uint32_t i = 0; i < routing->count; i++)
        if (facts->severity >= routing->minimum[i])
            receivers |= 1u << i;
    return receivers;
}
