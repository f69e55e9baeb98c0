/* SPDX-License-Identifier: MIT
 *
 * Sentences for people, and what RocksDB's words mean.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "store/inside.h"

enum tw_store_status tw_store_fail(struct tw_store_error *error, enum tw_store_status status, const char *format, ...)
{
    if (error == NULL)
        return status;
    error->status = status;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return status;
}

enum tw_store_status tw_store_fail_errno(struct tw_store_error *error, int number, const char *what, const char *path)
{
    switch (number) {
    case EACCES:
    case EPERM:
    case EROFS:
        return tw_store_fail(error, TW_STORE_UNWRITABLE, "cannot %s %s: %s; check its owner and permissions", what,
                             path, strerror(number));
    case ENOSPC:
    case EDQUOT:
        return tw_store_fail(error, TW_STORE_FULL, "cannot %s %s: no space left; make room on that disk", what, path);
    default:
        return tw_store_fail(error, TW_STORE_FAILED, "cannot %s %s: %s", what, path, strerror(number));
    }
}

static enum tw_store_status status_of(const char *message)
{
    static const struct {
        const char *words;
        enum tw_store_status status;
    } known[] = {
        {"No space left", TW_STORE_FULL},
        {"Disk quota exceeded", TW_STORE_FULL},
        {"Permission denied", TW_STORE_UNWRITABLE},
        {"Operation not permitted", TW_STORE_UNWRITABLE},
        {"Read-only file system", TW_STORE_UNWRITABLE},
        {"Resource temporarily unavailable", TW_STORE_LOCKED},
        {"lock hold by current process", TW_STORE_LOCKED},
        {"Corruption", TW_STORE_DAMAGED},
        {"checksum", TW_STORE_DAMAGED},
        {"No such file", TW_STORE_DAMAGED}, /* a file that the others name */
        {"does not exist", TW_STORE_DAMAGED},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strstr(message, known[i].words) != NULL)
            return known[i].status;
    return TW_STORE_FAILED;
}

static const char *advice_for(enum tw_store_status status)
{
    switch (status) {
    case TW_STORE_FULL:
        return "make room on that disk and start again";
    case TW_STORE_UNWRITABLE:
        return "check its owner and permissions";
    case TW_STORE_LOCKED:
        return "another process has it";
    case TW_STORE_DAMAGED:
        return "restore it from a backup";
    default:
        return "see the disk's and the system's log";
    }
}

enum tw_store_status tw_store_fail_rocksdb(struct tw_store_error *error, const char *directory, const char *what,
                                           char *message)
{
    enum tw_store_status status = status_of(message);
    tw_store_fail(error, status, "cannot %s %s: %.200s; %s", what, directory, message, advice_for(status));
    rocksdb_free(message);
    return status;
}

void tw_store_note_damage(struct tw_store *store, const struct tw_store_error *error)
{
    pthread_mutex_lock(&store->lock);
    if (!store->has_damage) {
        store->has_damage = true;
        store->damage = *error;
    }
    pthread_mutex_unlock(&store->lock);
}

bool tw_store_damage(const struct tw_store *store, struct tw_store_error *error)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&store->lock; /* a lock is no state of the log */
    pthread_mutex_lock(lock);
    bool damaged = store->has_damage;
    if (damaged && error != NULL)
        *error = store->damage;
    pthread_mutex_unlock(lock);
    return damaged;
}

bool tw_iterator_ok(const struct tw_store *store, const rocksdb_iterator_t *iterator, const char *what,
                    struct tw_store_error *error)
{
    char *message = NULL;
    rocksdb_iter_get_error(iterator, &message);
    if (message == NULL)
        return true;
    tw_store_fail_rocksdb(error, store->directory, what, message);
    return false;
}

int tw_store_get_exact(struct tw_store *store, enum tw_family family, const void *key, size_t key_length, void *value,
                       size_t length, struct tw_store_error *error)
{
    char *message = NULL;
    rocksdb_pinnableslice_t *slice =
        rocksdb_get_pinned_cf(store->db, store->read_once, store->families[family], key, key_length, &message);
    if (message != NULL) {
        tw_store_fail_rocksdb(error, store->directory, "read", message);
        return -1;
    }
    if (slice == NULL)
        return 0;
    size_t there = 0;
    const char *bytes = rocksdb_pinnableslice_value(slice, &there);
    if (there == length && length > 0)
        memcpy(value, bytes, length);
    rocksdb_pinnableslice_destroy(slice);
    if (there == length)
        return 1;
    tw_store_fail(error, TW_STORE_DAMAGED, "%s is damaged: a row has %zu bytes instead of %zu", store->directory, there,
                  length);
    return -1;
}
