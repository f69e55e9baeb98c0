/* SPDX-License-Identifier: MIT
 *
 * Writing batches: the journal, the router, the indexer, the keeper and the delivery do, each from its thread.
 */
#include <errno.h>

#include "store/inside.h"

bool tw_store_write_failed(struct tw_store *store, struct tw_store_error *error)
{
    pthread_mutex_lock(&store->lock);
    bool failed = store->write_failed;
    struct tw_store_error first = store->write_failure;
    pthread_mutex_unlock(&store->lock);
    if (failed)
        tw_store_fail(error, TW_STORE_FAILED, "%.400s; start again, so that the log is opened anew", first.text);
    return failed;
}

void tw_store_writes_end(struct tw_store *store, const struct tw_store_error *error)
{
    pthread_mutex_lock(&store->lock);
    if (!store->write_failed)
        store->write_failure = *error;
    store->write_failed = true;
    pthread_mutex_unlock(&store->lock);
}

/* A write that finds no room breaks the write-ahead log, and RocksDB aborts when it writes to it again. It begins
 * another one when it goes on, but only if it has something to flush then; so it must have: something that means
 * nothing, past the log. */
static void keep_something_to_flush(struct tw_store *store)
{
    static const char nothing[] = "nothing";
    uint64_t entries = 0;
    char *message = NULL;
    if (rocksdb_property_int_cf(store->db, store->families[TW_FAMILY_META], "rocksdb.num-entries-active-mem-table",
                                &entries) != 0 ||
        entries > 0)
        return;
    rocksdb_delete_cf(store->db, store->unlogged_options, store->families[TW_FAMILY_META], nothing, sizeof nothing,
                      &message);
    rocksdb_free(message); /* the write behind it will say the same */
}

/* How many writes have found no room so far. */
static uint64_t refused_so_far(struct tw_store *store)
{
    pthread_mutex_lock(&store->lock);
    uint64_t refused = store->writes_refused;
    pthread_mutex_unlock(&store->lock);
    return refused;
}

static void take_outcome(struct tw_store *store, bool refused, uint64_t refused_before)
{
    pthread_mutex_lock(&store->lock);
    if (refused)
        store->writes_refused++;
    else if (refused_before > store->refusals_mended) /* RocksDB began another log before it took this one */
        store->refusals_mended = refused_before;
    pthread_mutex_unlock(&store->lock);
}

/* Of a file at which something failed RocksDB says no more than "Writer has previous error". What failed was a sync, as
 * a rule, which is just coming back to the thread that waits for it: that one says what it was. */
static void find_cause(struct tw_store *store, struct tw_store_error *error)
{
    if (strstr(error->text, "previous error") == NULL)
        return;
    pthread_mutex_lock(&store->syncing);
    pthread_mutex_unlock(&store->syncing);
    (void)tw_store_write_failed(store, error);
}

enum tw_store_status tw_store_write(struct tw_store *store, rocksdb_writebatch_t *batch, const char *what,
                                    struct tw_store_error *error)
{
    struct tw_store_error own;
    char *message = NULL;
    error = error == NULL ? &own : error;
    if (tw_store_write_failed(store, error))
        return error->status;
    uint64_t refused = refused_so_far(store);
    keep_something_to_flush(store);
    rocksdb_write(store->db, store->write_options, batch, &message);
    enum tw_store_status status =
        message == NULL ? TW_STORE_OK : tw_store_fail_rocksdb(error, store->directory, what, message);
    if (status == TW_STORE_OK || status == TW_STORE_FULL) {
        take_outcome(store, status == TW_STORE_FULL, refused);
    } else {
        find_cause(store, error);
        tw_store_writes_end(store, error);
    }
    return status;
}

/* RocksDB aborts when a log is synced that a write broke off. Between this look and its own another thread's write may
 * still find no room: that takes a disk that fills up past the reserve within a microsecond. */
static bool is_broken_off(struct tw_store *store, const char *what, struct tw_store_error *error)
{
    pthread_mutex_lock(&store->lock);
    bool broken = store->writes_refused != store->refusals_mended;
    pthread_mutex_unlock(&store->lock);
    if (broken)
        tw_store_fail_errno(error, ENOSPC, what, store->directory);
    return broken;
}

enum tw_store_status tw_store_sync(struct tw_store *store, const char *what, struct tw_store_error *error)
{
    char *message = NULL;
    enum tw_store_status status = TW_STORE_OK;
    pthread_mutex_lock(&store->syncing);
    if (tw_store_write_failed(store, error) || is_broken_off(store, what, error)) {
        status = error->status;
    } else {
        rocksdb_flush_wal(store->db, 1, &message);
        if (message != NULL) {
            tw_store_fail_rocksdb(error, store->directory, what, message);
            /* for want of room, too: no second try brings what the kernel forgot */
            status = error->status = TW_STORE_FAILED;
            tw_store_writes_end(store, error);
        }
    }
    pthread_mutex_unlock(&store->syncing);
    return status;
}
