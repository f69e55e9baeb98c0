/* SPDX-License-Identifier: MIT */
#include "actors/runtime/pool.h"

#include <pthread.h>
#include <stdlib.h>

#include "protocol/check.h"

struct tw_pool {
    pthread_mutex_t lock;
    void **idle;
    size_t idle_count, idle_capacity, out, object_bytes;
    void (*clean)(void *object);
};

/* An object and what stands in front of it, one piece of memory. */
struct place {
    struct tw_parcel parcel;
    max_align_t object[];
};

static struct place *place_of(void *object)
{
    return (struct place *)(void *)((char *)object - offsetof(struct place, object));
}

struct tw_parcel *tw_pool_parcel(void *object)
{
    return &place_of(object)->parcel;
}

static void *new_object(size_t bytes)
{
    struct place *place = tw_alloc_zero(1, sizeof *place + bytes);
    return place->object;
}

struct tw_pool *tw_pool_new(size_t object_bytes, void (*clean)(void *object))
{
    struct tw_pool *pool = tw_alloc_zero(1, sizeof *pool);
    pthread_mutex_init(&pool->lock, NULL);
    pool->object_bytes = object_bytes;
    pool->clean = clean;
    return pool;
}

void *tw_pool_take(struct tw_pool *pool)
{
    void *object = NULL;
    pthread_mutex_lock(&pool->lock);
    if (pool->idle_count > 0)
        object = pool->idle[--pool->idle_count];
    pool->out++;
    pthread_mutex_unlock(&pool->lock);
    return object != NULL ? object : new_object(pool->object_bytes);
}

void tw_pool_give(void *object, void *pool_pointer)
{
    struct tw_pool *pool = pool_pointer;
    pthread_mutex_lock(&pool->lock);
    TW_ASSERT(pool->out > 0);
    pool->out--;
    if (pool->idle_count == pool->idle_capacity) {
        pool->idle_capacity = pool->idle_capacity == 0 ? 64 : pool->idle_capacity * 2;
        pool->idle = tw_realloc(pool->idle, pool->idle_capacity * sizeof *pool->idle);
    }
    pool->idle[pool->idle_count++] = object;
    pthread_mutex_unlock(&pool->lock);
}

size_t tw_pool_out(struct tw_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    size_t out = pool->out;
    pthread_mutex_unlock(&pool->lock);
    return out;
}

void tw_pool_free(struct tw_pool **pool_pointer)
{
    struct tw_pool *pool = *pool_pointer;
    if (pool == NULL)
        return;
    TW_ASSERT(pool->out == 0);
    for (size_t i = 0; i < pool->idle_count; i++) {
        pool->clean(pool->idle[i]);
        free(place_of(pool->idle[i]));
    }
    free(pool->idle);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
    *pool_pointer = NULL;
}
