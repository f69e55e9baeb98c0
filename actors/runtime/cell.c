/* SPDX-License-Identifier: MIT */
#include "actors/runtime/cell.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "actors/runtime/lanes.h"
#include "protocol/check.h"

#define VALUE_BYTES_MAX 64
#define COPIES 3
#define FRESH 4u /* beside the number of a copy: nobody has read it */

/* Each end has a copy of its own; the third is `between`, and changes hands. */
struct tw_cell {
    struct tw_cell *next;
    char name[TW_LANE_NAME_BYTES];
    size_t size;
    uint32_t ends;
    int wake; /* eventfd: counts the times at which `between` became fresh */
    _Alignas(64) uint8_t copies[COPIES][VALUE_BYTES_MAX];
    _Alignas(64) _Atomic uint32_t between;
    _Alignas(64) uint32_t writing;
    _Alignas(64) uint32_t reading;
    /* How many were read whose wake-up was not taken yet, since the writer has still to send it. -1: one was taken
     * whose value is there and not read. */
    int64_t owed;
};

static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;
static struct tw_cell *cells; /* all that are open */

static struct tw_cell *make(const char *name, size_t size)
{
    struct tw_cell *cell = aligned_alloc(_Alignof(struct tw_cell), sizeof *cell);
    TW_ASSERT(cell != NULL && size <= VALUE_BYTES_MAX);
    memset(cell, 0, sizeof *cell);
    TW_ASSERT(snprintf(cell->name, sizeof cell->name, "%s", name) < (int)sizeof cell->name);
    cell->size = size;
    cell->writing = 1;
    cell->reading = 2;
    cell->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    TW_ASSERT(cell->wake >= 0);
    cell->next = cells;
    cells = cell;
    return cell;
}

struct tw_cell *tw_cell_open(const char *name, size_t size)
{
    TW_ASSERT(pthread_mutex_lock(&opening) == 0);
    struct tw_cell *cell = cells;
    while (cell != NULL && strcmp(cell->name, name) != 0)
        cell = cell->next;
    if (cell == NULL)
        cell = make(name, size);
    TW_ASSERT(cell->size == size);
    cell->ends++;
    TW_ASSERT(pthread_mutex_unlock(&opening) == 0);
    return cell;
}

void tw_cell_close(struct tw_cell **cell_pointer)
{
    struct tw_cell *cell = *cell_pointer, **link = &cells;
    *cell_pointer = NULL;
    if (cell == NULL)
        return;
    TW_ASSERT(pthread_mutex_lock(&opening) == 0);
    if (--cell->ends == 0) {
        while (*link != cell)
            link = &(*link)->next;
        *link = cell->next;
        close(cell->wake);
        free(cell);
    }
    TW_ASSERT(pthread_mutex_unlock(&opening) == 0);
}

void tw_cell_write(struct tw_cell *cell, const void *value)
{
    const uint64_t once = 1;
    memcpy(cell->copies[cell->writing], value, cell->size);
    uint32_t was = atomic_exchange_explicit(&cell->between, cell->writing | FRESH, memory_order_acq_rel);
    cell->writing = was & ~FRESH;
    if ((was & FRESH) == 0) /* else the reader was woken already, and has yet to come */
        TW_ASSERT(write(cell->wake, &once, sizeof once) == (ssize_t)sizeof once);
}

static void take_wake_ups(struct tw_cell *cell)
{
    uint64_t count = 0;
    if (read(cell->wake, &count, sizeof count) != (ssize_t)sizeof count)
        return;
    cell->owed -= (int64_t)count;
    TW_ASSERT(cell->owed >= -1);
}

/* A wake-up is taken before a look, never behind it: then it can be for nothing that is written later. */
bool tw_cell_read(struct tw_cell *cell, void *value)
{
    if (cell->owed > 0)
        take_wake_ups(cell);
    if ((atomic_load_explicit(&cell->between, memory_order_relaxed) & FRESH) == 0)
        return false;
    if (++cell->owed > 0)
        take_wake_ups(cell);
    uint32_t was = atomic_exchange_explicit(&cell->between, cell->reading, memory_order_acq_rel);
    cell->reading = was & ~FRESH;
    memcpy(value, cell->copies[cell->reading], cell->size);
    return true;
}

zmq_pollitem_t tw_cell_item(const struct tw_cell *cell)
{
    return (zmq_pollitem_t){NULL, cell->wake, ZMQ_POLLIN, 0};
}
