/* SPDX-License-Identifier: MIT
 *
 * Frames: bytes shared by reference count, and frames for use again.
 */
#include "protocol/frame.h"

#include <stdlib.h>

#include "protocol/check.h"
#include "protocol/limits.h"

/* Sizes double from class to class, so that a record of one trade does not sit on the memory of a full block. */
#define CLASS_FIRST_LOG2 9u
#define CLASSES 16u
_Static_assert((1u << (CLASS_FIRST_LOG2 + CLASSES - 1)) > TW_BLOCK_BYTES_MAX, "every record has its class");

struct tw_frame_pool {
    /* Whoever drops a frame for the last time pushes it here; the owner takes the whole list at once, so that no
     * element can come back between a look and an exchange. */
    _Atomic(struct tw_frame *) returned;
    atomic_size_t holds;            /* one for the owner, one for each frame that is out */
    struct tw_frame *idle[CLASSES]; /* the owner's */
    size_t idle_bytes;
};

struct tw_frame *tw_frame_new(size_t capacity)
{
    TW_ASSERT(capacity <= SIZE_MAX - sizeof(struct tw_frame));
    struct tw_frame *frame = tw_alloc(sizeof *frame + capacity);
    atomic_init(&frame->references, 1u);
    frame->size_class = 0;
    frame->pool = NULL;
    frame->next = NULL;
    frame->length = 0;
    frame->waits_as = 0;
    frame->capacity = capacity;
    return frame;
}

struct tw_frame *tw_frame_share(struct tw_frame *frame)
{
    /* Whoever shares holds a reference already, so nothing needs to be ordered here. */
    unsigned before = atomic_fetch_add_explicit(&frame->references, 1u, memory_order_relaxed);
    TW_ASSERT(before > 0 && before < UINT32_MAX);
    return frame;
}

/* ---- pools ---- */

struct tw_frame_pool *tw_frame_pool_new(void)
{
    struct tw_frame_pool *pool = tw_alloc_zero(1, sizeof *pool);
    atomic_init(&pool->holds, 1u);
    return pool;
}

static void free_list(struct tw_frame *list)
{
    while (list != NULL) {
        struct tw_frame *next = list->next;
        free(list);
        list = next;
    }
}

/* One hold less; the last one ends the pool. */
static void let_go(struct tw_frame_pool *pool)
{
    if (atomic_fetch_sub_explicit(&pool->holds, 1u, memory_order_acq_rel) > 1)
        return;
    free_list(atomic_load_explicit(&pool->returned, memory_order_acquire));
    free(pool);
}

static void give_back(struct tw_frame *frame)
{
    struct tw_frame_pool *pool = frame->pool;
    frame->next = atomic_load_explicit(&pool->returned, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&pool->returned, &frame->next, frame, memory_order_release,
                                                  memory_order_relaxed))
        continue;
    let_go(pool);
}

static void collect(struct tw_frame_pool *pool)
{
    struct tw_frame *list = atomic_exchange_explicit(&pool->returned, NULL, memory_order_acquire);
    while (list != NULL) {
        struct tw_frame *frame = list;
        list = frame->next;
        if (pool->idle_bytes + frame->capacity > TW_FRAMES_IDLE_BYTES_MAX) {
            free(frame);
            continue;
        }
        pool->idle_bytes += frame->capacity;
        frame->next = pool->idle[frame->size_class];
        pool->idle[frame->size_class] = frame;
    }
}

static uint32_t class_of(size_t capacity)
{
    uint32_t size_class = 0;
    while ((size_t)1 << (CLASS_FIRST_LOG2 + size_class) < capacity)
        size_class++;
    return size_class;
}

struct tw_frame *tw_frame_take(struct tw_frame_pool *pool, size_t capacity)
{
    uint32_t size_class = class_of(capacity);
    if (pool == NULL || size_class >= CLASSES)
        return tw_frame_new(capacity);
    if (pool->idle[size_class] == NULL)
        collect(pool);
    struct tw_frame *frame = pool->idle[size_class];
    if (frame == NULL) {
        frame = tw_frame_new((size_t)1 << (CLASS_FIRST_LOG2 + size_class));
        frame->size_class = size_class;
        frame->pool = pool;
    } else {
        pool->idle[size_class] = frame->next;
        pool->idle_bytes -= frame->capacity;
        atomic_store_explicit(&frame->references, 1u, memory_order_relaxed);
        frame->length = 0;
    }
    atomic_fetch_add_explicit(&pool->holds, 1u, memory_order_relaxed);
    return frame;
}

void tw_frame_pool_close(struct tw_frame_pool **pool_pointer)
{
    struct tw_frame_pool *pool = *pool_pointer;
    *pool_pointer = NULL;
    if (pool == NULL)
        return;
    for (uint32_t i = 0; i < CLASSES; i++)
        free_list(pool->idle[i]);
    let_go(pool);
}

void tw_frame_drop(struct tw_frame **frame)
{
    struct tw_frame *dropped = *frame;
    *frame = NULL;
    if (dropped == NULL)
        return;
    /* Acquire and release: every holder's reads come before the last one's free. */
    unsigned before = atomic_fetch_sub_explicit(&dropped->references, 1u, memory_order_acq_rel);
    TW_ASSERT(before > 0);
    if (before > 1)
        return;
    if (dropped->pool != NULL)
        give_back(dropped);
    else
        free(dropped);
}
