/* SPDX-License-Identifier: MIT
 *
 * Opening: how RocksDB is set up, and what must agree before anything is used.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/inside.h"

#define MIB ((size_t)1 << 20)
#define ZSTD_LEVEL 1
#define DEFLATE_WINDOW (-14) /* RocksDB's default; nothing to zstd */
#define HEADER_LEVEL 5       /* of RocksDB's InfoLogLevel: only what stands in the log's head */

static const char *const family_names[TW_FAMILY_COUNT] = {
#define TW_FAMILY_NAME(symbol, name) name,
    TW_FAMILIES(TW_FAMILY_NAME)
#undef TW_FAMILY_NAME
};

/* ---- RocksDB's options ---- */

/* All that means anything is in the write-ahead log; what write.c puts past it does not. C has no setter for this. */
static rocksdb_options_t *without_flush_at_the_end(rocksdb_options_t *options)
{
    char *message = NULL;
    rocksdb_options_t *with = rocksdb_options_create();
    rocksdb_get_options_from_string(options, "avoid_flush_during_shutdown=true", with, &message);
    TW_ASSERT(message == NULL);
    rocksdb_options_destroy(options);
    return with;
}

/* What is read again soon fits: a few look-ups' blocks. More would fill up slowly for nothing, by retention's looks at
 * the index of times, and look like a leak. */
#define CACHE_BYTES (16 * MIB)

static rocksdb_options_t *database_options(bool create, int wal_recovery)
{
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(options, create);
    rocksdb_options_set_create_missing_column_families(options, create);
    rocksdb_options_set_wal_recovery_mode(options, wal_recovery);
    rocksdb_options_set_paranoid_checks(options, 1);
    /* The info log aborts the process on a full disk: only its head is written. */
    rocksdb_options_set_info_log_level(options, HEADER_LEVEL);
    rocksdb_options_set_keep_log_file_num(options, 2);
    rocksdb_options_set_stats_dump_period_sec(options, 0);
    rocksdb_options_set_allow_mmap_reads(options, 0);
    rocksdb_options_set_allow_mmap_writes(options, 0);
    rocksdb_options_set_manual_wal_flush(options, 0);
    rocksdb_options_set_max_open_files(options, 256);
    rocksdb_options_set_max_background_jobs(options, 2);
    /* The small families would hold write-ahead logs back for ever; and opening replays them, 0.1 s for 20 MiB. */
    rocksdb_options_set_max_total_wal_size(options, TW_STORE_WAL_BYTES_MAX);
    return without_flush_at_the_end(options);
}

static rocksdb_options_t *family_options(enum tw_family family, rocksdb_cache_t *cache)
{
    bool large = family == TW_FAMILY_LOG || family == TW_FAMILY_INDEX;
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_options_set_paranoid_checks(options, 1);
    rocksdb_options_set_write_buffer_size(options, large ? 64 * MIB : 8 * MIB);
    rocksdb_options_set_max_write_buffer_number(options, 3);
    rocksdb_options_set_target_file_size_base(options, 64 * MIB);
    /* Packed blocks cost zstd little and still give it a part, up to a half; small ones, chains and keys in them, more
     * than two thirds. Alerts shrink to a third by LZ4. */
    rocksdb_options_set_compression(options,
                                    family == TW_FAMILY_LOG ? rocksdb_zstd_compression : rocksdb_lz4_compression);
    if (family == TW_FAMILY_LOG)
        rocksdb_options_set_compression_options(options, DEFLATE_WINDOW, ZSTD_LEVEL, 0, 0);
    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
    rocksdb_block_based_options_set_block_cache(table, cache);
    rocksdb_block_based_options_set_block_size(table, 16 * 1024);
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 0);
    rocksdb_options_set_block_based_table_factory(options, table);
    rocksdb_block_based_options_destroy(table);
    return options;
}

static void free_filters(struct tw_store *store)
{
    for (int family = 0; family < TW_FAMILY_COUNT; family++)
        if (store->filters[family] != NULL)
            rocksdb_compactionfilter_destroy(store->filters[family]);
    memset(store->filters, 0, sizeof store->filters);
}

static void close_rocksdb(struct tw_store *store)
{
    for (int family = 0; store->db != NULL && family < TW_FAMILY_COUNT; family++)
        if (store->families[family] != NULL)
            rocksdb_column_family_handle_destroy(store->families[family]);
    memset(store->families, 0, sizeof store->families);
    if (store->db != NULL)
        rocksdb_close(store->db);
    store->db = NULL;
    free_filters(store); /* compactions used them until now */
}

/* NULL, or RocksDB's words. */
static char *open_rocksdb(struct tw_store *store, enum tw_store_mode mode, bool create, int wal_recovery)
{
    size_t path_bytes = strlen(store->directory) + sizeof "/" TW_STORE_DATABASE_NAME;
    char *path = tw_alloc(path_bytes);
    snprintf(path, path_bytes, "%s/" TW_STORE_DATABASE_NAME, store->directory);

    rocksdb_options_t *options = database_options(create, wal_recovery);
    rocksdb_cache_t *cache = rocksdb_cache_create_lru(CACHE_BYTES);
    rocksdb_options_t *families[TW_FAMILY_COUNT];
    for (int family = 0; family < TW_FAMILY_COUNT; family++) {
        families[family] = family_options((enum tw_family)family, cache);
        store->filters[family] =
            mode == TW_STORE_WRITE ? tw_store_retention_filter(store, (enum tw_family)family) : NULL;
        if (store->filters[family] != NULL)
            rocksdb_options_set_compaction_filter(families[family], store->filters[family]);
    }
    char *message = NULL;
    const rocksdb_options_t *const *family_list = (const rocksdb_options_t *const *)families;
    store->db = mode == TW_STORE_WRITE
                    ? rocksdb_open_column_families(options, path, TW_FAMILY_COUNT, family_names, family_list,
                                                   store->families, &message)
                    : rocksdb_open_for_read_only_column_families(options, path, TW_FAMILY_COUNT, family_names,
                                                                 family_list, store->families, 0, &message);
    for (int family = 0; family < TW_FAMILY_COUNT; family++)
        rocksdb_options_destroy(families[family]);
    rocksdb_cache_destroy(cache); /* the tables share it */
    rocksdb_options_destroy(options);
    free(path);
    if (message != NULL) {
        store->db = NULL;
        free_filters(store);
    }
    return message;
}

/* Whether the write-ahead log is whole as far as anything was ever synced; nothing is written to find out. False: it is
 * not, or something else is wrong, and *error says so if it knows better than RocksDB. */
static bool only_unsynced_is_torn(struct tw_store *store, struct tw_store_error *error)
{
    struct tw_store_head head;
    uint64_t last_append = 0;
    char *message = open_rocksdb(store, TW_STORE_READ, false, rocksdb_point_in_time_recovery);
    if (message != NULL) {
        rocksdb_free(message);
        return false;
    }
    bool whole = tw_store_get_exact(store, TW_FAMILY_META, "head", 4, &head, sizeof head, error) == 1 &&
                 tw_store_highwater_allows(store, &head, error) && tw_wal_last_append(store, &last_append, error);
    if (whole && last_append > head.lsn + 1) { /* begun only when the one before it was synced */
        tw_store_fail(error, TW_STORE_DAMAGED,
                      "%s is damaged: its write-ahead log can be read up to record %" PRIu64 ", but has record %" PRIu64
                      ", too; restore it from a backup",
                      store->directory, head.lsn, last_append);
        whole = false;
    }
    close_rocksdb(store);
    return whole;
}

/* In its default mode RocksDB drops acked records in silence after one flipped bit. The mode here forgives only a log
 * that ends too early, and what must not be missing then is checked against HIGHWATER. But a power cut may also leave
 * holes in what was not synced: then, and only then, the log is taken up to the first of them. */
static bool open_database(struct tw_store *store, bool create, struct tw_store_error *error)
{
    struct tw_store_error torn = {.status = TW_STORE_OK};
    char *message = open_rocksdb(store, store->mode, create, rocksdb_tolerate_corrupted_tail_records_recovery);
    bool corrupt = message != NULL && strncmp(message, "Corruption", strlen("Corruption")) == 0;
    if (corrupt && !create && only_unsynced_is_torn(store, &torn)) {
        rocksdb_free(message);
        message = open_rocksdb(store, store->mode, create, rocksdb_point_in_time_recovery);
    }
    if (message == NULL)
        return true;
    if (torn.status == TW_STORE_OK)
        tw_store_fail_rocksdb(error, store->directory, "open", message);
    else {
        rocksdb_free(message);
        if (error != NULL)
            *error = torn;
    }
    return false;
}

static void make_options(struct tw_store *store)
{
    store->write_options = rocksdb_writeoptions_create();
    store->unlogged_options = rocksdb_writeoptions_create();
    rocksdb_writeoptions_disable_WAL(store->unlogged_options, 1);
    store->read_once = rocksdb_readoptions_create();
    store->read_through = rocksdb_readoptions_create();
    rocksdb_readoptions_set_fill_cache(store->read_through, 0);
    rocksdb_readoptions_set_readahead_size(store->read_through, 2 * MIB);
}

/* ---- meta ---- */

static bool create_meta(struct tw_store *store, struct tw_store_error *error)
{
    if (getrandom(store->log_id, sizeof store->log_id, 0) != (ssize_t)sizeof store->log_id) {
        tw_store_fail_errno(error, errno, "draw a random number for", store->directory);
        return false;
    }
    uint32_t format = store->format = TW_STORE_FORMAT;
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    tw_batch_put(store, batch, TW_FAMILY_META, "format", 6, &format, sizeof format);
    tw_batch_put(store, batch, TW_FAMILY_META, "log_id", 6, store->log_id, sizeof store->log_id);
    tw_batch_put(store, batch, TW_FAMILY_META, "head", 4, &store->head, sizeof store->head);
    tw_batch_put(store, batch, TW_FAMILY_INDEX, "p", 1, &store->indexed, sizeof store->indexed);
    enum tw_store_status status = tw_store_write(store, batch, "write into", error);
    rocksdb_writebatch_destroy(batch);
    return status == TW_STORE_OK && tw_store_sync(store, "write into", error) == TW_STORE_OK;
}

static bool damaged_meta(const struct tw_store *store, const char *row, struct tw_store_error *error)
{
    tw_store_fail(error, TW_STORE_DAMAGED, "%s is damaged: its row `%s` is missing; restore it from a backup",
                  store->directory, row);
    return false;
}

static bool read_meta(struct tw_store *store, struct tw_store_error *error)
{
    uint32_t format = 0;
    const struct {
        enum tw_family family;
        const char *key;
        void *value;
        size_t length;
    } rows[] = {
        {TW_FAMILY_META, "format", &format, sizeof format},
        {TW_FAMILY_META, "log_id", store->log_id, sizeof store->log_id},
        {TW_FAMILY_META, "head", &store->head, sizeof store->head},
        {TW_FAMILY_INDEX, "p", &store->indexed, sizeof store->indexed},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int found = tw_store_get_exact(store, rows[i].family, rows[i].key, strlen(rows[i].key), rows[i].value,
                                       rows[i].length, error);
        if (found < 0)
            return false;
        if (found == 0)
            return damaged_meta(store, rows[i].key, error);
    }
    if (format > TW_STORE_FORMAT) {
        tw_store_fail(error, TW_STORE_NEWER,
                      "%s was written by a newer Tapewarden (format %" PRIu32
                      "; this one knows up to %u): upgrade this one",
                      store->directory, format, TW_STORE_FORMAT);
        return false;
    }
    store->format = format < store->format ? format : store->format;
    if (store->indexed.lsn > store->head.lsn || store->indexed.seq > store->head.seq) {
        tw_store_fail(error, TW_STORE_DAMAGED,
                      "%s is damaged: the indexes reach trade %" PRIu64 ", the log only %" PRIu64
                      "; restore it from a backup",
                      store->directory, store->indexed.seq, store->head.seq);
        return false;
    }
    return true;
}

/* n of the newest alert: their keys are dense. */
static bool read_last_alert(struct tw_store *store, struct tw_store_error *error)
{
    rocksdb_iterator_t *iterator = tw_store_iterate(store, TW_FAMILY_ALERTS);
    rocksdb_iter_seek_to_last(iterator);
    if (rocksdb_iter_valid(iterator)) {
        size_t length = 0;
        const uint8_t *key = tw_iterator_key(iterator, &length);
        store->last_alert = length == 8 ? tw_get_u64_be(key) : 0;
    }
    bool ok = tw_iterator_ok(store, iterator, "read the alerts of", error);
    rocksdb_iter_destroy(iterator);
    return ok;
}

/* ---- opening ---- */

/* A crash during creation may have left RocksDB's files, but never a record: FORMAT comes before the first one. */
static bool create_log(struct tw_store *store, struct tw_store_error *error)
{
    rocksdb_iterator_t *iterator = tw_store_iterate(store, TW_FAMILY_LOG);
    rocksdb_iter_seek_to_first(iterator);
    bool has_records = rocksdb_iter_valid(iterator);
    rocksdb_iter_destroy(iterator);
    if (has_records) {
        tw_store_fail(error, TW_STORE_DAMAGED, "%s is damaged: it has a log but no FORMAT; restore it from a backup",
                      store->directory);
        return false;
    }
    return create_meta(store, error) && tw_store_highwater_create(store, error) &&
           tw_store_format_write(store, TW_STORE_FORMAT, error);
}

/* Every row of an older format means the same in this one, so there is nothing to rewrite. What is new, runs of rows by
 * the id of an alert, has been written when this is called; format 4 had a row for each event, which go. Of what says
 * the format the row comes first: a crash between the two leaves FORMAT as it was, an older program refuses the row,
 * and the next start goes on here. */
static bool upgrade(struct tw_store *store, struct tw_store_error *error)
{
    uint32_t format = TW_STORE_FORMAT;
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    rocksdb_writebatch_delete_range_cf(batch, store->families[TW_FAMILY_META], "Ae", 2, "Af", 2);
    tw_batch_put(store, batch, TW_FAMILY_META, "format", 6, &format, sizeof format);
    enum tw_store_status status = tw_store_write(store, batch, "upgrade", error);
    rocksdb_writebatch_destroy(batch);
    if (status != TW_STORE_OK || tw_store_sync(store, "upgrade", error) != TW_STORE_OK)
        return false;
    store->format = TW_STORE_FORMAT;
    return tw_store_format_write(store, TW_STORE_FORMAT, error);
}

static bool open_log(struct tw_store *store, struct tw_store_error *error)
{
    if (!read_meta(store, error) || !tw_store_read_retained(store, error) || !tw_store_read_head(store, error) ||
        !tw_store_highwater_check(store, &store->head, error) || !read_last_alert(store, error) ||
        !tw_store_read_actions(store, error) || !tw_alert_ids_open(store, error))
        return false;
    return store->mode == TW_STORE_READ || store->format == TW_STORE_FORMAT || upgrade(store, error);
}

static bool has_database(const struct tw_store *store, struct tw_store_error *error)
{
    if (faccessat(store->directory_fd, "db/CURRENT", F_OK, 0) == 0)
        return true;
    if (errno == ENOENT || errno == ENOTDIR)
        tw_store_fail(error, TW_STORE_DAMAGED, "%s is damaged: db/CURRENT is missing; restore it from a backup",
                      store->directory);
    else
        tw_store_fail_errno(error, errno, "read the log in", store->directory);
    return false;
}

static bool open_all(struct tw_store *store, struct tw_store_error *error)
{
    bool fresh = false;
    if (!tw_store_directory_open(store, &fresh, error))
        return false;
    if (store->mode == TW_STORE_WRITE && (!tw_store_room(store, 0, error) || !tw_store_snapshots_tidy(store, error)))
        return false;
    if (!fresh && (!has_database(store, error) || !tw_wal_ends_well(store, error)))
        return false;
    make_options(store);
    if (!open_database(store, fresh, error))
        return false;
    if (store->mode == TW_STORE_WRITE) {
        store->batch = rocksdb_writebatch_create();
        store->alert_batch = rocksdb_writebatch_create();
        store->sources = tw_alloc_zero(1, sizeof *store->sources);
    }
    return fresh ? create_log(store, error) : open_log(store, error);
}

struct tw_store *tw_store_open(const char *directory, enum tw_store_mode mode, struct tw_store_error *error)
{
    struct tw_store *store = tw_alloc_zero(1, sizeof *store);
    store->directory = tw_strndup(directory, strlen(directory));
    store->mode = mode;
    store->directory_fd = store->lock_fd = store->highwater_fd = -1;
    pthread_mutex_init(&store->lock, NULL);
    pthread_mutex_init(&store->syncing, NULL);
    atomic_store(&store->gone_seq, 0); /* RocksDB's threads read both from the opening on */
    atomic_store(&store->gone_lsn, 0);
    atomic_store(&store->outbox_retries, 0);
    tw_block_cache_init(&store->cache);
    store->tail = tw_index_tail_new();
    store->tail_trades_max = TW_INDEX_TAIL_TRADES_MAX;
    store->ids.run_events = TW_ALERT_RUN_EVENTS;
    if (!open_all(store, error))
        tw_store_close(&store);
    return store;
}

static void close_database(struct tw_store *store)
{
    if (store->batch != NULL)
        rocksdb_writebatch_destroy(store->batch);
    if (store->alert_batch != NULL)
        rocksdb_writebatch_destroy(store->alert_batch);
    if (store->write_options != NULL) {
        rocksdb_writeoptions_destroy(store->write_options);
        rocksdb_writeoptions_destroy(store->unlogged_options);
        rocksdb_readoptions_destroy(store->read_once);
        rocksdb_readoptions_destroy(store->read_through);
    }
    close_rocksdb(store);
}

void tw_store_close(struct tw_store **store_pointer)
{
    struct tw_store *store = *store_pointer;
    if (store == NULL)
        return;
    tw_index_builder_free(&store->builder);
    tw_index_tail_free(&store->tail);
    tw_block_cache_clear(&store->cache);
    close_database(store);
    tw_store_directory_close(store);
    pthread_mutex_destroy(&store->lock);
    pthread_mutex_destroy(&store->syncing);
    pthread_mutex_destroy(&store->cache.lock);
    free(store->sources);
    tw_alert_ids_close(store);
    tw_buffer_free(&store->packed);
    tw_buffer_free(&store->unpacked);
    free(store->directory);
    free(store);
    *store_pointer = NULL;
}

/* ---- what the lock guards ---- */

struct tw_store_head tw_store_head_now(const struct tw_store *store)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&store->lock; /* a lock is no state of the log */
    pthread_mutex_lock(lock);
    struct tw_store_head head = store->head;
    pthread_mutex_unlock(lock);
    return head;
}

struct tw_store_indexed tw_store_indexed_now(const struct tw_store *store)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&store->lock;
    pthread_mutex_lock(lock);
    struct tw_store_indexed indexed = store->indexed;
    pthread_mutex_unlock(lock);
    return indexed;
}

void tw_store_log_id(const struct tw_store *store, uint8_t out[16])
{
    memcpy(out, store->log_id, 16);
}
uint64_t tw_store_last_lsn(const struct tw_store *store)
{
    return tw_store_head_now(store).lsn;
}
uint64_t tw_store_last_seq(const struct tw_store *store)
{
    return tw_store_head_now(store).seq;
}
struct tw_chain tw_store_last_chain(const struct tw_store *store)
{
    return tw_store_head_now(store).chain;
}
uint64_t tw_store_indexed_seq(struct tw_store *store)
{
    return tw_store_indexed_now(store).seq;
}
uint64_t tw_store_refusal_count(struct tw_store *store)
{
    return tw_store_head_now(store).refusals;
}

uint64_t tw_store_last_alert(struct tw_store *store)
{
    pthread_mutex_lock(&store->lock);
    uint64_t last = store->last_alert;
    pthread_mutex_unlock(&store->lock);
    return last;
}
