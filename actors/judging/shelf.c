/* SPDX-License-Identifier: MIT
 *
 * The shelf in memory.
 */
#include "actors/judging/shelf.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"

struct memory {
    uint8_t **blocks;
    uint32_t *free_places; /* room for all places */
    uint32_t count, capacity, free_count;
};

static uint32_t take_place(struct memory *memory)
{
    if (memory->free_count > 0)
        return memory->free_places[--memory->free_count];
    if (memory->count == memory->capacity) {
        memory->capacity = memory->capacity == 0 ? 64 : memory->capacity * 2;
        TW_ASSERT(memory->capacity <= TW_SHELF_PLACES_MAX);
        memory->blocks = tw_realloc(memory->blocks, memory->capacity * sizeof *memory->blocks);
        memory->free_places = tw_realloc(memory->free_places, memory->capacity * sizeof *memory->free_places);
    }
    return memory->count++;
}

static uint32_t put(void *context, const uint8_t *bytes, uint32_t length)
{
    struct memory *memory = context;
    uint32_t place = take_place(memory);
    memory->blocks[place] = tw_alloc(length);
    memcpy(memory->blocks[place], bytes, length);
    return place;
}

static bool get(void *context, uint32_t place, uint8_t *bytes, uint32_t length)
{
    const struct memory *memory = context;
    TW_ASSERT(place < memory->count && memory->blocks[place] != NULL);
    memcpy(bytes, memory->blocks[place], length);
    return true;
}

static void drop(void *context, uint32_t place, uint32_t length)
{
    struct memory *memory = context;
    (void)length;
    TW_ASSERT(place < memory->count && memory->blocks[place] != NULL);
    free(memory->blocks[place]);
    memory->blocks[place] = NULL;
    memory->free_places[memory->free_count++] = place;
}

static void end(void *context)
{
    struct memory *memory = context;
    for (uint32_t i = 0; i < memory->count; i++)
        free(memory->blocks[i]);
    free(memory->blocks);
    free(memory->free_places);
    free(memory);
}

struct tw_shelf tw_shelf_in_memory(void)
{
    return (struct tw_shelf){tw_alloc_zero(1, sizeof(struct memory)), put, get, drop, end, {0}};
}
