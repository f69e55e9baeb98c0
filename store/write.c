/* SPDX-License-Identifier: MIT
 *
 * Writing batches: the journal, the router, the indexer, the keeper and the delivery do, each from its thread.
 */
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

enum tw_store_status tw_store_write(struct tw_store *store, rocksdb_writebatch_t *batch, const char *what,
                                    struct tw_store_error *error)
{
    struct tw_store_error own;
    char *message = NULL;
    error = error == NULL ? &own : error;
    if (tw_store_write_failed(store, error))
        return error->status;
    keep_something_to_flush(store);
    rocksdb_write(store->db, store->write_options, batch, &message);
    if (message == NULL)
        return TW_STORE_OK;
    enum tw_store_status status = tw_store_fail_rocksdb(error, store->directory, what, message);
    if (status != TW_STORE_FULL)
        tw_store_writes_end(store, error);
    return status;
}

bool tw_store_sync(struct tw_store *store, const char *what, struct tw_store_error *error)
{
    char *message = NULL;
    pthread_mutex_lock(&store->syncing);
    bool synced = !tw_store_write_failed(store, error);
    if (synced) {
        rocksdb_flush_wal(store->db, 1, &message);
        synced = message == NULL;
        if (!synced) {
            tw_store_fail_rocksdb(error, store->directory, what, message);
            error->status = TW_STORE_FAILED; /* for want of room, too: no second try brings what the kernel forgot */
            tw_store_writes_end(store, error);
        }
    }
    pthread_mutex_unlock(&store->syncing);
    return synced;
}
