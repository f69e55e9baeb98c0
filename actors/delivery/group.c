/* SPDX-License-Identifier: MIT */
#include "actors/delivery/group.h"

int64_t tw_group_due(const struct tw_route_grouping *grouping, int64_t waits_since_ns, int64_t told_ns)
{
    if (!grouping->groups) /* its route is gone, or groups no longer */
        return waits_since_ns;
    int64_t due_ns = waits_since_ns + grouping->wait_ns;
    int64_t next_ns = told_ns == 0 ? 0 : told_ns + grouping->interval_ns;
    return due_ns > next_ns ? due_ns : next_ns;
}
