/* SPDX-License-Identifier: MIT
 *
 * What is there, without reading it: the counts stand in the head.
 */
#include <ftw.h>
#include <stdlib.h>

#include "store/snapshot.h"

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

/* Of what is the log's: somebody may keep other things in the directory, and they are not dropped for that. */
static uint64_t bytes_on_disk(const char *directory)
{
    static const char *const names[] = {TW_STORE_DATABASE_NAME, TW_SNAPSHOT_DIRECTORY, TW_STORE_HIGHWATER_NAME,
                                        TW_STORE_FORMAT_NAME, TW_STORE_LOCK_NAME};
    pthread_mutex_lock(&walk_lock);
    walk_bytes = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[4096];
        if ((size_t)snprintf(path, sizeof path, "%s/%s", directory, names[i]) < sizeof path)
            nftw(path, add_file, 8, FTW_PHYS);
    }
    uint64_t bytes = walk_bytes;
    pthread_mutex_unlock(&walk_lock);
    return bytes;
}

static uint64_t log_dropped(struct tw_store *store)
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
    return bytes;
}

/* ---- rows of the index and of publishers' numbers ---- */

#define DERIVED_KEY "derived"

static uint64_t derived_sum(struct tw_store *store, const char *property)
{
    static const enum tw_family families[] = {TW_FAMILY_INDEX, TW_FAMILY_SOURCES};
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        uint64_t value = 0;
        if (rocksdb_property_int_cf(store->db, store->families[families[i]], property, &value) == 0)
            sum += value;
    }
    return sum;
}

static struct tw_derived derived_now(struct tw_store *store)
{
    uint64_t gone = atomic_load(&store->gone_seq), indexed = tw_store_indexed_now(store).seq;
    return (struct tw_derived){.rows = derived_sum(store, "rocksdb.estimate-num-keys"),
                               .trades = indexed > gone ? indexed - gone : 0};
}

/* How many rows the trades that are there have, if as many for each as there were when it was noted. */
static uint64_t rows_of_what_is_there(const struct tw_derived *noted, const struct tw_derived *now)
{
    return (uint64_t)((tw_u128)noted->rows * now->trades / noted->trades);
}

static bool read_noted(struct tw_store *store, struct tw_derived *noted)
{
    struct tw_store_error error;
    return tw_store_get_exact(store, TW_FAMILY_META, DERIVED_KEY, strlen(DERIVED_KEY), noted, sizeof *noted, &error) >
               0 &&
           noted->trades != 0;
}

void tw_store_note_derived(struct tw_store *store, rocksdb_writebatch_t *batch, const struct tw_derived *derived)
{
    if (derived->trades != 0)
        tw_batch_put(store, batch, TW_FAMILY_META, DERIVED_KEY, strlen(DERIVED_KEY), derived, sizeof *derived);
}

struct tw_derived tw_store_derived(struct tw_store *store)
{
    struct tw_derived now = derived_now(store), noted;
    bool still_has_dropped = read_noted(store, &noted) && rows_of_what_is_there(&noted, &now) < now.rows;
    return still_has_dropped ? noted : now;
}

static uint64_t derived_dropped(struct tw_store *store)
{
    struct tw_derived now = derived_now(store), noted;
    if (!read_noted(store, &noted))
        return 0;
    uint64_t rows = rows_of_what_is_there(&noted, &now);
    return rows >= now.rows
               ? 0
               : (uint64_t)((tw_u128)derived_sum(store, "rocksdb.live-sst-files-size") * (now.rows - rows) / now.rows);
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
    out->bytes_dropped = log_dropped(store) + derived_dropped(store);
    if (out->bytes_dropped > out->bytes_on_disk)
        out->bytes_dropped = out->bytes_on_disk;
    for (size_t kind = 0; kind < sizeof head.names / sizeof head.names[0]; kind++)
        out->names += head.names[kind];
    return first_time(store, &out->first_ts_ns, error);
}
