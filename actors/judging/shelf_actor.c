/* SPDX-License-Identifier: MIT */
#include "actors/judging/shelf_actor.h"

#include <stdlib.h>

#include "actors/judging/opening.h"
#include "actors/runtime/log.h"
#include "protocol/check.h"
#include "store/store.h"

#define IN_MEMORY TW_SHELF_PLACES_MAX /* of a place: the rest is the memory's */
_Static_assert(TW_PACKED_BYTES_MAX <= TW_STORE_SCRATCH_BYTES, "a block fits on a page");

struct disk_shelf {
    struct tw_store_scratch *scratch;
    struct tw_shelf memory;
    bool refused; /* the last one */
};

static void say(struct disk_shelf *shelf, bool refused, const struct tw_store_error *error)
{
    if (refused && !shelf->refused)
        tw_log(TW_LOG_WARNING, "judging", "what is kept of ended alerts stays in memory for now: %s", error->text);
    if (!refused && shelf->refused)
        tw_log(TW_LOG_INFO, "judging", "what is kept of ended alerts goes to the disk again");
    shelf->refused = refused;
}

static uint32_t put(void *context, const uint8_t *bytes, uint32_t length)
{
    struct disk_shelf *shelf = context;
    struct tw_store_error error;
    uint32_t page;
    bool refused = !tw_store_scratch_put(shelf->scratch, bytes, length, &page, &error);
    say(shelf, refused, &error);
    if (refused)
        return shelf->memory.put(shelf->memory.context, bytes, length) | IN_MEMORY;
    TW_ASSERT(page < TW_SHELF_PLACES_MAX);
    return page;
}

static bool get(void *context, uint32_t place, uint8_t *bytes, uint32_t length)
{
    struct disk_shelf *shelf = context;
    if ((place & IN_MEMORY) != 0)
        return shelf->memory.get(shelf->memory.context, place & ~IN_MEMORY, bytes, length);
    return tw_store_scratch_get(shelf->scratch, place, bytes, length);
}

static void drop(void *context, uint32_t place, uint32_t length)
{
    struct disk_shelf *shelf = context;
    if ((place & IN_MEMORY) != 0)
        shelf->memory.drop(shelf->memory.context, place & ~IN_MEMORY, length);
    else
        tw_store_scratch_drop(shelf->scratch, place);
}

static void end(void *context)
{
    struct disk_shelf *shelf = context;
    tw_store_scratch_close(&shelf->scratch);
    shelf->memory.end(shelf->memory.context);
    free(shelf);
}

struct tw_shelf tw_shelf_on_disk(void *store)
{
    struct disk_shelf *shelf = tw_alloc_zero(1, sizeof *shelf);
    shelf->scratch = tw_store_scratch_open(store);
    shelf->memory = tw_shelf_in_memory();
    return (struct tw_shelf){shelf, put, get, drop, end, {0}};
}
