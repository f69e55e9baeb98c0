/* SPDX-License-Identifier: MIT
 *
 * When the message of a group is made. Pure.
 */
#ifndef TW_DELIVERY_GROUP_H
#define TW_DELIVERY_GROUP_H

#include "actors/router/routes.h"

/* The oldest event of the group waits since then, and its last message was made at told_ns (0: never): group_wait after
 * the one, and no earlier than group_interval after the other. At once where the route groups no longer, and where a
 * clock that has been set back says that this was yet to come. */
int64_t tw_group_due(const struct tw_route_grouping *grouping, int64_t waits_since_ns, int64_t told_ns, int64_t now_ns);

#endif
