/* SPDX-License-Identifier: MIT
 *
 * The shelf in memory, behind a page that every block has to itself for good: no place is ever given twice.
 */
#include "tests/sim/shelf.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"
#include "tests/sim/sim.h"

struct kept {
    uint8_t *bytes; /* NULL: dropped */
    uint32_t length;
};

struct shelf {
    struct sim *sim;
    struct kept *list;
    uint32_t count, capacity;
};

static uint32_t put(void *context, const uint8_t *bytes, uint32_t length)
{
    struct shelf *shelf = context;
    if (shelf->count == shelf->capacity) {
        shelf->capacity = shelf->capacity * 2 + 16;
        shelf->list = tw_realloc(shelf->list, shelf->capacity * sizeof *shelf->list);
    }
    uint8_t *copy = tw_alloc(length);
    memcpy(copy, bytes, length);
    shelf->list[shelf->count] = (struct kept){copy, length};
    return shelf->count++;
}

static struct kept *at(struct shelf *shelf, uint32_t place, uint32_t length)
{
    SIM_CHECK(shelf->sim, place < shelf->count && shelf->list[place].bytes != NULL, "block %u is gone", place);
    SIM_CHECK(shelf->sim, shelf->list[place].length == length, "block %u has another length", place);
    return &shelf->list[place];
}

static bool get(void *context, uint32_t place, uint8_t *bytes, uint32_t length)
{
    memcpy(bytes, at(context, place, length)->bytes, length);
    return true;
}

static void drop(void *context, uint32_t place, uint32_t length)
{
    struct kept *kept = at(context, place, length);
    free(kept->bytes);
    kept->bytes = NULL;
}

static void end(void *context)
{
    struct shelf *shelf = context;
    for (uint32_t i = 0; i < shelf->count; i++)
        free(shelf->list[i].bytes);
    free(shelf->list);
    free(shelf);
}

struct tw_shelf sim_shelf(void *context)
{
    struct sim *sim = context;
    const struct sim_plan *plan = &sim->plan;
    struct tw_shelf_sizes sizes = {plan->shelf_group, plan->shelf_least, (uint8_t)plan->shelf_range};
    struct shelf *shelf = tw_alloc_zero(1, sizeof *shelf);
    shelf->sim = sim;
    return (struct tw_shelf){shelf, put, get, drop, end, sizes};
}
