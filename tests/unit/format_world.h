/* SPDX-License-Identifier: MIT
 *
 * A world in a directory that the program of an earlier format wrote (tests/data), for tests that replay it and hear
 * nothing but the totals. Run in the source directory.
 */
#ifndef TEST_FORMAT_WORLD_H
#define TEST_FORMAT_WORLD_H

#include <stdlib.h>

#include "store_world.h"
#include "tools/replay.h"

#define ALERTS 48u /* of format 1 */

static int setup_format(void **state, uint32_t format)
{
    struct world *world = world_new(); /* for its directory's name; the old one takes its place */
    char command[512];
    world_close(world);
    world_remove(world->directory);
    snprintf(command, sizeof command, "mkdir '%s' && tar -xzf tests/data/format-%u.tar.gz --strip-components=1 -C '%s'",
             world->directory, format, world->directory);
    assert_int_equal(system(command), 0);
    *state = world;
    return 0;
}

static int setup(void **state)
{
    return setup_format(state, 1);
}

static int teardown(void **state)
{
    world_free(*state);
    return 0;
}

static void hear_alert(void *context, const struct tw_router_alert *alert)
{
    (void)context, (void)alert;
}
static void hear_refused(void *context, const struct tw_refusal *refusal)
{
    (void)context, (void)refusal;
}
static void hear_bad(void *context, const char *problem)
{
    (void)context, (void)problem;
}
static void hear_progress(void *context, uint64_t done, uint64_t total)
{
    (void)context, (void)done, (void)total;
}

#endif
