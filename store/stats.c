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

static uint64_t bytes_dropped(struct tw_store *store, uint64_t at_most)
{
    static const uint8_t zeros[TW_LOG_KEY_BYTES] = {0};
    struct tw_retained retained = tw_store_retained(store);
    uint8_t end[TW_LOG_KEY_BYTES];
    const char *from[] = {(const char *)zeros}, *to[] = {(const char *)end};
    const size_t key_bytes[] = {TW_LOG_KEY_BYTES};
    uint64_t bytes = 0;
    char *message = NULL;
    tw_log_key(end, retained.seq, retained.lsn + 1);
    if (retained.lsn > 0)
        rocksdb_approximate_sizes_cf(store->db, store->families[TW_FAMILY_LOG], 1, from, key_bytes, to, key_bytes,
                                     &bytes, &message);
    free(message); /* then nothing is known of it */
    return bytes < at_most ? bytes : at_most;
}

/* The first trade that is there; that of the whole log if none was dropped. */
static bool first_time(struct tw_store *store, int64_t *out, struct tw_store_error *error)
{
    struct tw_store_head head = tw_store_head_now(store);
    struct tw_retained retained = tw_store_retained(store);
    *out = head.first_ts_ns;
    if (retained.seq == 0 || retained.seq == head.seq)
        return true;
    struct tw_store_cursor *cursor = tw_store_read(store, retained.seq + 1, error);
    int more = cursor == NULL ? -1 : 1;
    struct tw_record record;
    while (more > 0 && (more = tw_store_next(cursor, &record, error)) > 0)
        if (record.kind == TW_RECORD_BLOCK && record.block.count > 0) {
            *out = tw_load_i64(record.block.ts, 0);
            break;
        }
    tw_store_cursor_free(&cursor);
    return more >= 0;
}

static uint64_t snapshots_there(struct tw_store *store)
{
    struct tw_snapshot_info info;
    struct tw_store_error error;
    uint64_t count = 0, before = UINT64_MAX;
    for (int found; before != 0 && (found = tw_store_snapshot_find(store, before, &info, &error)) != 0;
         before = info.lsn)
        count += found > 0; /* what is damaged is for verify to say */
    return count;
}

bool tw_store_stats(struct tw_store *store, struct tw_store_stats *out, struct tw_store_error *error)
{
    struct tw_store_head head = tw_store_head_now(store);
    struct tw_retained retained = tw_store_retained(store);
    *out = (struct tw_store_stats){.records = head.lsn - retained.lsn,
                                   .trades = head.seq - retained.seq,
                                   .dropped = retained.seq,
                                   .blocks = head.blocks,
                                   .snapshots = snapshots_there(store),
                                   .refusals = head.refusals,
                                   .alerts = tw_store_last_alert(store),
                                   .indexed = tw_store_indexed_now(store).seq,
                                   .bytes_on_disk = bytes_on_disk(store->directory),
                                   .last_ts_ns = head.clock_ns};
    out->bytes_dropped = bytes_dropped(store, out->bytes_on_disk);
    for (size_t kind = 0; kind < sizeof head.names / sizeof head.names[0]; kind++)
        out->names += head.names[kind];
    return first_time(store, &out->first_ts_ns, error);
}
