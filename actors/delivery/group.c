/* SPDX-License-Identifier: MIT */
#include "actors/delivery/group.h"

#include "actors/delivery/due.h"

int64_t tw_group_due(const struct tw_route_grouping *grouping, int64_t waits_since_ns, int64_t told_ns, int64_t now_ns)
{
    if (!grouping->groups) /* its route is gone, or groups no longer */
        return tw_due_at(waits_since_ns, 0, now_ns);
    int64_t due_ns = tw_due_at(waits_since_ns + grouping->wait_ns, grouping->wait_ns, now_ns);
    int64_t next_ns = told_ns == 0 ? 0 : tw_due_at(told_ns + grouping->interval_ns, grouping->interval_ns, now_ns);
    return due_ns > next_ns ? due_ns : next_ns;
}
