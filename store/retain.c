/* SPDX-License-Identifier: MIT
 *
 * Retention: the beginning of the log goes, and with it what was derived from it. One fsynced batch says up to where,
 * and hides the records and refusals below a range; that is all a crash could come between. The space comes back by
 * dropping whole files of the log, and, for the rows of the indexes and of publishers' numbers, whenever RocksDB
 * compacts them anyway: nothing that is kept is rewritten for what goes.
 *
 * So rows of dropped trades may still be met. Who looks something up asks what is retained first, and does not wonder.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "store/index.h"

#define RETAINED_KEY "retained"

struct tw_retained tw_store_retained(const struct tw_store *store)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&store->lock;
    pthread_mutex_lock(lock);
    struct tw_retained retained = store->retained;
    pthread_mutex_unlock(lock);
    return retained;
}

bool tw_retention_allows(const struct tw_record *record, const struct tw_retained *retained)
{
    return record->kind == TW_RECORD_CONTROL && record->control.kind == TW_CONTROL_RETENTION &&
           record->control.number >= retained->seq && record->control.number2 >= retained->lsn;
}

/* From here on nobody asks for it, so that nobody misses it. */
static void set_retained(struct tw_store *store, const struct tw_retained *retained)
{
    pthread_mutex_lock(&store->lock);
    store->retained = *retained;
    pthread_mutex_unlock(&store->lock);
}

/* It is on the disk: rows may go whenever RocksDB compacts. */
static void set_gone(struct tw_store *store, const struct tw_retained *retained)
{
    atomic_store(&store->gone_seq, retained->seq);
    atomic_store(&store->gone_lsn, retained->lsn);
}

bool tw_store_read_retained(struct tw_store *store, struct tw_store_error *error)
{
    struct tw_retained retained = {0};
    int found = tw_store_get_exact(store, TW_FAMILY_META, RETAINED_KEY, strlen(RETAINED_KEY), &retained,
                                   sizeof retained, error);
    if (found < 0)
        return false;
    if (retained.lsn >= store->head.lsn && found > 0) {
        tw_store_fail(error, TW_STORE_DAMAGED,
                      "%s is damaged: the log ends at record %" PRIu64 ", but is said to begin behind record %" PRIu64
                      "; restore it from a backup",
                      store->directory, store->head.lsn, retained.lsn);
        return false;
    }
    set_retained(store, &retained);
    set_gone(store, &retained);
    return true;
}

/* ---- rows that go when RocksDB compacts them ---- */

/* The last sequence in a row of the index, or UINT64_MAX if it stays in any case: damage is for others to say. */
static uint64_t last_in_row(const uint8_t *key, size_t key_length, const uint8_t *value, size_t value_length)
{
    uint64_t seq = 0;
    uint32_t member;
    int more;
    switch (key_length == 0 ? 0 : key[0]) {
    case TW_INDEX_KEY_ID:
        return key_length == TW_INDEX_ID_KEY_BYTES ? ~tw_get_u64_be(key + 3) : UINT64_MAX;
    case TW_INDEX_KEY_TIME:
        if (value_length != sizeof seq)
            return UINT64_MAX;
        memcpy(&seq, value, sizeof seq);
        return seq;
    case TW_INDEX_KEY_ACCOUNT:
    case TW_INDEX_KEY_SYMBOL:
        break;
    default:
        return UINT64_MAX;
    }
    if (key_length != TW_INDEX_LIST_KEY_BYTES)
        return UINT64_MAX;
    struct tw_index_list list = tw_index_list_open(tw_get_u64_be(key + 5), value, value_length);
    while ((more = tw_index_list_next(&list, &member, &seq)) > 0)
        continue;
    return more == 0 ? seq : UINT64_MAX;
}

static unsigned char index_row_is_gone(void *context, int level, const char *key, size_t key_length, const char *value,
                                       size_t value_length, char **new_value, size_t *new_value_length,
                                       unsigned char *value_changed)
{
    const struct tw_store *store = context;
    (void)level, (void)new_value, (void)new_value_length;
    *value_changed = 0;
    uint64_t gone = atomic_load(&store->gone_seq);
    return gone != 0 && last_in_row((const uint8_t *)key, key_length, (const uint8_t *)value, value_length) <= gone;
}

static unsigned char source_row_is_gone(void *context, int level, const char *key, size_t key_length, const char *value,
                                        size_t value_length, char **new_value, size_t *new_value_length,
                                        unsigned char *value_changed)
{
    const struct tw_store *store = context;
    uint64_t place[2];
    (void)level, (void)new_value, (void)new_value_length;
    *value_changed = 0;
    if (key_length == 0 || key[0] != 'b' || value_length != sizeof place) /* positions stay */
        return 0;
    memcpy(place, value, sizeof place);
    return place[1] <= atomic_load(&store->gone_lsn);
}

static void nothing_to_destroy(void *context)
{
    (void)context;
}
static const char *filter_name(void *context)
{
    (void)context;
    return "tapewarden.retention";
}

rocksdb_compactionfilter_t *tw_store_retention_filter(struct tw_store *store, enum tw_family family)
{
    if (family == TW_FAMILY_INDEX)
        return rocksdb_compactionfilter_create(store, nothing_to_destroy, index_row_is_gone, filter_name);
    if (family == TW_FAMILY_SOURCES)
        return rocksdb_compactionfilter_create(store, nothing_to_destroy, source_row_is_gone, filter_name);
    return NULL;
}

/* ---- what goes at once ---- */

/* The record behind the last one that goes knows the chain before it. */
static bool read_anchor(struct tw_store *store, uint64_t last_seq, uint64_t last_lsn, struct tw_retained *out,
                        struct tw_store_error *error)
{
    struct tw_frame *frame = NULL;
    struct tw_record record;
    if (!tw_store_load(store, last_seq, last_lsn + 1, &frame, &record, error))
        return false;
    *out = (struct tw_retained){.lsn = last_lsn, .seq = last_seq};
    memcpy(out->chain.bytes, frame->bytes, sizeof out->chain);
    tw_frame_drop(&frame);
    return true;
}

/* Without a snapshot behind them the records that go could not be done without. */
static bool has_snapshot_behind(struct tw_store *store, uint64_t last_lsn, struct tw_store_error *error)
{
    struct tw_snapshot_info info;
    int found = tw_store_snapshot_find(store, UINT64_MAX, &info, error);
    if (found > 0 && info.lsn >= last_lsn)
        return true;
    if (found >= 0)
        tw_store_fail(error, TW_STORE_FAILED,
                      "%s keeps its records up to %" PRIu64 ": there is no snapshot behind them to start from",
                      store->directory, last_lsn);
    return false;
}

/* The number of the first refusal that stays, as a key: rows below it go. */
static bool first_refusal_kept(struct tw_store *store, uint64_t last_lsn, uint8_t key[8], struct tw_store_error *error)
{
    /* The head first: what is appended from here on has numbers behind it, whether the iterator knows it or not. */
    tw_put_u64_be(key, tw_store_head_now(store).refusals + 1);
    rocksdb_iterator_t *iterator = tw_store_iterate(store, TW_FAMILY_REFUSALS);
    for (rocksdb_iter_seek_to_first(iterator); rocksdb_iter_valid(iterator); rocksdb_iter_next(iterator)) {
        size_t key_length = 0, value_length = 0;
        const uint8_t *its_key = tw_iterator_key(iterator, &key_length);
        const uint8_t *value = tw_iterator_value(iterator, &value_length);
        uint64_t place[2] = {0, UINT64_MAX};
        if (value_length == sizeof place)
            memcpy(place, value, sizeof place);
        if (place[1] <= last_lsn || key_length != 8)
            continue;
        memcpy(key, its_key, 8);
        break;
    }
    bool ok = tw_iterator_ok(store, iterator, "read the refusals of", error);
    rocksdb_iter_destroy(iterator);
    return ok;
}

static bool write_retained(struct tw_store *store, const struct tw_retained *retained, const struct tw_derived *derived,
                           struct tw_store_error *error)
{
    static const uint8_t zeros[TW_LOG_KEY_BYTES] = {0};
    uint8_t end[TW_LOG_KEY_BYTES], refusal[8];
    if (!first_refusal_kept(store, retained->lsn, refusal, error))
        return false;
    tw_log_key(end, retained->seq, retained->lsn + 1);
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    tw_batch_put(store, batch, TW_FAMILY_META, RETAINED_KEY, strlen(RETAINED_KEY), retained, sizeof *retained);
    tw_store_note_derived(store, batch, derived);
    rocksdb_writebatch_delete_range_cf(batch, store->families[TW_FAMILY_LOG], (const char *)zeros, sizeof zeros,
                                       (const char *)end, sizeof end);
    rocksdb_writebatch_delete_range_cf(batch, store->families[TW_FAMILY_REFUSALS], (const char *)zeros, sizeof refusal,
                                       (const char *)refusal, sizeof refusal);
    enum tw_store_status status = tw_store_write(store, batch, "drop old trades of", error);
    rocksdb_writebatch_destroy(batch);
    return status == TW_STORE_OK && tw_store_sync(store, "drop old trades of", error) == TW_STORE_OK;
}

/* Whole files of the log; what shares a file with records that stay goes when that file is compacted, or with the next
 * retention. */
static bool drop_files(struct tw_store *store, const struct tw_retained *retained, struct tw_store_error *error)
{
    static const uint8_t zeros[TW_LOG_KEY_BYTES] = {0};
    uint8_t last[TW_LOG_KEY_BYTES];
    tw_log_key(last, retained->seq, retained->lsn);
    char *message = NULL;
    rocksdb_delete_file_in_range_cf(store->db, store->families[TW_FAMILY_LOG], (const char *)zeros, sizeof zeros,
                                    (const char *)last, sizeof last, &message);
    if (message == NULL)
        return true;
    tw_store_fail_rocksdb(error, store->directory, "drop old trades of", message);
    return false;
}

/* When the write or its sync fails for want of room, rows may be gone for who reads, and be there again after a crash;
 * so what was set stays, and the same is tried again. */
bool tw_store_retain(struct tw_store *store, uint64_t last_seq, uint64_t last_lsn, struct tw_store_error *error)
{
    struct tw_retained retained;
    TW_ASSERT(store->mode == TW_STORE_WRITE && last_lsn < tw_store_last_lsn(store));
    if (last_lsn <= atomic_load(&store->gone_lsn))
        return true;
    if (!tw_store_room_to_drop(store, error) || !has_snapshot_behind(store, last_lsn, error) ||
        !read_anchor(store, last_seq, last_lsn, &retained, error))
        return false;
    struct tw_derived derived = tw_store_derived(store); /* before */
    set_retained(store, &retained);
    if (!write_retained(store, &retained, &derived, error))
        return false;
    set_gone(store, &retained);
    return drop_files(store, &retained, error);
}
