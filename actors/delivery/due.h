/* SPDX-License-Identifier: MIT
 *
 * Times that the wall clock gave and the store kept. It may have been set back since. Pure.
 */
#ifndef TW_DELIVERY_DUE_H
#define TW_DELIVERY_DUE_H

#include <stdint.h>

/* What is further ahead than the longest that it may be was given by a clock that was ahead itself: it counts as now.
 */
static inline int64_t tw_due_at(int64_t stored_ns, int64_t longest_ns, int64_t now_ns)
{
    return stored_ns > now_ns + longest_ns ? now_ns : stored_ns;
}

#endif
