/* SPDX-License-Identifier: MIT
 *
 * What is there, without reading it: the counts stand in the head.
 */
#include <ftw.h>
#include <stdlib.h>

#include "store/inside.h"

/* nftw has no context: one thread sums at a time. */
static pthread_mutex_t walk_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t walk_bytes;

static int add_file(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)path;
    (void)walk;
    if (type == FTW_F && status->st_size > 0)
        walk_bytes += (uint64_t)status->st_size;
    return 0; /* a file that is gone again does not matter */
}

static uint64_t bytes_on_disk(const char *directory)
{
    pthread_mutex_lock(&walk_lock);
    walk_bytes = 0;
    nftw(directory, add_file, 8, FTW_PHYS);
    uint64_t bytes = walk_bytes;
    pthread_mutex_unlock(&walk_lock);
    return bytes;
}

bool tw_store_stats(struct tw_store *store, struct tw_store_stats *out, struct tw_store_error *error)
{
    (void)error;
    struct tw_store_head head = tw_store_head_now(store);
    *out = (struct tw_store_stats){.records = head.lsn,
                                   .blocks = head.blocks,
                                   .trades = head.seq,
                                   .refusals = head.refusals,
                                   .alerts = tw_store_last_alert(store),
                                   .indexed = tw_store_indexed_now(store).seq,
                                   .bytes_on_disk = bytes_on_disk(store->directory),
                                   .first_ts_ns = head.first_ts_ns,
                                   .last_ts_ns = head.clock_ns};
    for (size_t kind = 0; kind < sizeof head.names / sizeof head.names[0]; kind++)
        out->names += head.names[kind];
    return true;
}
