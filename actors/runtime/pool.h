/* SPDX-License-Identifier: MIT
 *
 * Objects that travel down a lane and come back by being let go of: an answer's arrays grow once and are used again.
 * Any thread; one short lock per block, never per trade.
 */
#ifndef TW_RUNTIME_POOL_H
#define TW_RUNTIME_POOL_H

#include <stddef.h>

struct tw_pool;
/* `clean` frees what an object holds, when the pool ends. Objects begin as zero bytes. */
struct tw_pool *tw_pool_new(size_t object_bytes, void (*clean)(void *object));
void *tw_pool_take(struct tw_pool *pool);
void tw_pool_give(void *object, void *pool); /* signature of a lane's `release` */
/* What a lane has to know of an object on its way: how to let go of it. It lies in front of every object of a pool, so
 * that sending allocates nothing of ours. */
struct tw_parcel {
    void (*release)(void *object, void *hint);
    void *hint;
};
struct tw_parcel *tw_pool_parcel(void *object);
size_t tw_pool_out(struct tw_pool *pool); /* how many were taken and are not back */
void tw_pool_free(struct tw_pool **pool); /* all objects must be back */

#endif
