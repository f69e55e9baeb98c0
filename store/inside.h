/* SPDX-License-Identifier: MIT
 *
 * The store's inside, shared by its files and by nothing else. README.md beside it says what stands under which key.
 *
 *   open.c           options of RocksDB, opening, what must agree before anything is used
 *   directory.c      the directory: creation, lock, FORMAT, HIGHWATER, free space
 *   error.c          sentences for people, and what RocksDB's words mean
 *   append.c         one write batch for a few log records, and what is derived from them
 *   head.c           what a record adds to the head
 *   packed.h         a block as few bytes: packed_block.c, packed_column.c, packed_ids.c
 *   block_sources.c  which sources a block holds, from which number on
 *   read.c           records verified by the chain; the cursor
 *   cache.c          the last few blocks that look-ups read
 *   lookup.c         by sequence, by publisher's number, names
 *   refusals.c       refusals by number and by publisher's number
 *   alerts.c         alert records
 *   actions.c        what people did to alerts
 *   alert_ids.h      rows by the id of an alert (alert_ids.c), and alerts found by them (alert_find.c)
 *   muted.c          what inhibition muted
 *   outbox.c         deliveries: pending, given up, and each attempt
 *   groups.h         deliveries in groups: groups.c; which of an alert's events a message may have: groups_order.c
 *   index_build.c    runs of the indexes (index_sort.c: sorting, index_list.c: lists, index_hash.c: hashes of ids)
 *   index_scan.c     by account, symbol and time
 *   index_id.c       by execution id (index_tail.c: beyond the index)
 *   stats.c          counts
 *   retain.c         the beginning of the log dropped
 *   wal.c            what the write-ahead log has, where RocksDB calls it corrupt
 *   snapshot.c       snapshots written, removed (snapshot_read.c: found and read)
 *   backup.c         a copy of the directory, in use or not
 *   verify.c         everything read and compared (verify_rows.c, verify_alerts.c, verify_actions.c,
 *                    verify_deliveries.c, verify_index.c, verify_snapshots.c)
 */
#ifndef TW_STORE_INSIDE_H
#define TW_STORE_INSIDE_H

#include <pthread.h>
#include <rocksdb/c.h>
#include <stdatomic.h>
#include <string.h>

#include "protocol/check.h"
#include "store/store.h"

/* 1: as released first. 2: snapshots, retention; a directory of format 1 is one without either. 3: packed blocks; one
 * of format 2 has none. 4: actions. 5: runs of rows by the id of an alert, which opening an older one writes; format 4
 * had a row for each event. */
#define TW_STORE_FORMAT 5u

/* Free space below which nothing is written. RocksDB must still be able to flush what it holds in memory (counted on
 * top, see tw_store_room), to write a manifest and to compact a little: it does not survive a full disk. */
#define TW_STORE_RESERVE_BYTES (UINT64_C(64) << 20)

/* Beyond it RocksDB flushes, so that old write-ahead logs can go. */
#define TW_STORE_WAL_BYTES_MAX (UINT64_C(128) << 20)

#define TW_STORE_LOCK_NAME "LOCK-tapewarden"
#define TW_STORE_HIGHWATER_NAME "HIGHWATER"
#define TW_STORE_DATABASE_NAME "db"
#define TW_STORE_FORMAT_NAME "FORMAT"
#define TW_STORE_FORMAT_NEW_NAME "FORMAT.new"

/* X(symbol, name in RocksDB) */
#define TW_FAMILIES(X)                                                                                                 \
    X(META, "default")                                                                                                 \
    X(LOG, "log")                                                                                                      \
    X(SOURCES, "sources")                                                                                              \
    X(NAMES, "names")                                                                                                  \
    X(REFUSALS, "refusals")                                                                                            \
    X(ALERTS, "alerts")                                                                                                \
    X(INDEX, "index")

enum tw_family {
#define TW_FAMILY_MEMBER(symbol, name) TW_FAMILY_##symbol,
    TW_FAMILIES(TW_FAMILY_MEMBER)
#undef TW_FAMILY_MEMBER
        TW_FAMILY_COUNT
};

/* ---- bytes: big-endian in keys (so that they sort), little-endian in values ---- */

static inline void tw_put_u32_be(uint8_t *to, uint32_t value)
{
    value = __builtin_bswap32(value);
    memcpy(to, &value, sizeof value);
}
static inline void tw_put_u64_be(uint8_t *to, uint64_t value)
{
    value = __builtin_bswap64(value);
    memcpy(to, &value, sizeof value);
}
static inline uint32_t tw_get_u32_be(const uint8_t *from)
{
    uint32_t value;
    memcpy(&value, from, sizeof value);
    return __builtin_bswap32(value);
}
static inline uint64_t tw_get_u64_be(const uint8_t *from)
{
    uint64_t value;
    memcpy(&value, from, sizeof value);
    return __builtin_bswap64(value);
}
/* LEB128: seven bits a byte, lowest first. Writes at `to`, which has room for TW_VARINT_BYTES_MAX; returns the place
 * behind. */
#define TW_VARINT_BYTES_MAX 10u
static inline uint8_t *tw_put_varint(uint8_t *to, uint64_t value)
{
    for (; value >= 0x80u; value >>= 7)
        *to++ = (uint8_t)(value | 0x80u);
    *to++ = (uint8_t)value;
    return to;
}
/* Moves *at behind it; false: it is not whole, or larger than 64 bits. */
static inline bool tw_get_varint(const uint8_t **at, const uint8_t *end, uint64_t *value)
{
    uint64_t result = 0;
    for (uint32_t shift = 0; shift < 64 && *at < end; shift += 7) {
        uint8_t byte = *(*at)++;
        if (shift == 63 && byte > 1)
            return false;
        result |= (uint64_t)(byte & 0x7fu) << shift;
        if ((byte & 0x80u) == 0) {
            *value = result;
            return true;
        }
    }
    return false;
}
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "values are written as they stand in memory");

/* ---- the head: where the log ends ---- */

/* Stands under meta key "head", rewritten in every write batch. */
struct tw_store_head {
    uint64_t lsn, seq; /* last record, last trade; 0: none */
    struct tw_chain chain;
    uint64_t blocks, refusals; /* so far */
    int64_t first_ts_ns;       /* of the first trade */
    int64_t clock_ns;          /* event clock: the largest ts so far */
    uint32_t names[4];         /* so far, by kind - 1 */
};
_Static_assert(sizeof(struct tw_store_head) == 80, "written as it is; see README.md");

/* Where the indexes end; stands among them under key "p", rewritten with every run. */
struct tw_store_indexed {
    uint64_t lsn, seq;       /* last record, last trade that is in them */
    int64_t clock_ns;        /* event clock after it */
    int64_t time_ns;         /* event clock of the newest row of the time index */
    uint64_t runs, reserved; /* runs so far */
};
_Static_assert(sizeof(struct tw_store_indexed) == 48, "written as it is; see README.md");

/* What a record adds to the head. */
void tw_store_head_take(struct tw_store_head *head, const struct tw_record *record, struct tw_chain chain);

/* ---- key and value of a log record ---- */

#define TW_LOG_KEY_BYTES 16u /* follows, lsn */
#define TW_LOG_PREFIX_BYTES                                                                                            \
    32u /* of the value: chain before the record, chain after it; then the record, or packed                           \
         */

static inline void tw_log_key(uint8_t key[TW_LOG_KEY_BYTES], uint64_t follows, uint64_t lsn)
{
    tw_put_u64_be(key, follows);
    tw_put_u64_be(key + 8, lsn);
}

/* ---- which sources a block holds ---- */

#define TW_BLOCK_SOURCES_SLOTS 32768u /* power of two, twice what one block can name */
_Static_assert(TW_BLOCK_SOURCES_SLOTS >= 2 * (TW_BLOCK_TRADES_MAX + TW_BLOCK_REFUSALS_MAX), "the table never fills");

struct tw_block_source {
    uint64_t first_pseq; /* lowest number in the block, refused ones too */
    uint32_t source;
};
struct tw_block_sources {
    uint32_t count, generation;
    struct tw_block_source list[TW_BLOCK_TRADES_MAX + TW_BLOCK_REFUSALS_MAX]; /* in order of appearance */
    struct {
        uint32_t generation, place;
    } slots[TW_BLOCK_SOURCES_SLOTS];
};
void tw_block_sources_collect(struct tw_block_sources *sources, const struct tw_block *block);

/* ---- cache of blocks ---- */

#define TW_STORE_CACHE_BLOCKS 16u /* 16 x 0.5 MiB is 8 MiB; the evidence of one alert reads as many at most */

struct tw_cached_block {
    struct tw_frame *frame; /* NULL: free */
    struct tw_record record;
    uint64_t used;
};
struct tw_block_cache {
    pthread_mutex_t lock;
    uint64_t uses;
    struct tw_cached_block blocks[TW_STORE_CACHE_BLOCKS];
    /* Where the last look-up by publisher's number ended: a resent message asks for the next one next. */
    uint64_t found_lsn, found_pseq;
    uint32_t found_source, found_row;
    uint64_t refusal_lsn; /* and the last look-up of a refusal, behind which the next is looked for first */
    uint32_t refusal_offset;
};
void tw_block_cache_init(struct tw_block_cache *cache);
void tw_block_cache_clear(struct tw_block_cache *cache);
bool tw_block_cache_by_seq(struct tw_block_cache *cache, uint64_t seq, struct tw_frame **frame,
                           struct tw_record *record);
bool tw_block_cache_by_lsn(struct tw_block_cache *cache, uint64_t lsn, struct tw_frame **frame,
                           struct tw_record *record);
void tw_block_cache_add(struct tw_block_cache *cache, struct tw_frame *frame, const struct tw_record *record);
bool tw_block_cache_next_pseq(struct tw_block_cache *cache, uint32_t source, uint64_t pseq, struct tw_frame **frame,
                              struct tw_record *record, uint32_t *row);
void tw_block_cache_found(struct tw_block_cache *cache, uint64_t lsn, uint32_t source, uint64_t pseq, uint32_t row);
/* Offset in the block's refusals behind the last one found; 0 if that was in another block. */
uint32_t tw_block_cache_refusal(struct tw_block_cache *cache, uint64_t lsn);
void tw_block_cache_found_refusal(struct tw_block_cache *cache, uint64_t lsn, uint32_t offset);

/* ---- the store ---- */

/* The newest action, and the digest after it; zeros: none. */
struct tw_store_actions {
    uint64_t last;
    uint8_t digest[TW_SHA256_BYTES];
};

/* An alert event and the id of its alert; see alert_ids.h. */
struct tw_alert_event {
    uint64_t n;
    uint8_t id[TW_ALERT_ID_BYTES];
};

#define TW_ALERT_RUN_EVENTS 8192u /* 32 in a row, on the average */

struct tw_alert_ids {
    /* guarded by the store's lock; changed by the router alone */
    uint64_t reached;      /* the runs have the events up to this one */
    struct tw_buffer tail; /* struct tw_alert_event of those behind it */
    /* set when the store is opened */
    uint32_t run_events; /* so many become a run */
    bool has_hole;       /* an alert behind `reached` is damaged: so are look-ups that would have to know it */
    struct tw_store_error hole;
    /* the router's: of the batch at hand */
    struct tw_buffer adding, run, order, row;
    bool run_put;
};

struct tw_store {
    char *directory;
    enum tw_store_mode mode;
    uint32_t format; /* the older of what FORMAT and the row say; 0: no log yet */
    int directory_fd, lock_fd, highwater_fd;
    rocksdb_t *db;
    rocksdb_column_family_handle_t *families[TW_FAMILY_COUNT];
    rocksdb_writeoptions_t *write_options, *unlogged_options;
    rocksdb_readoptions_t *read_once, *read_through; /* look-ups; long scans past the block cache */
    uint8_t log_id[16];

    pthread_mutex_t lock; /* guards what stands until the blank line */
    struct tw_store_head head;
    struct tw_store_indexed indexed;
    struct tw_retained retained;
    uint64_t last_alert;
    struct tw_alert_ids ids; /* not all of it is the lock's */
    struct tw_store_actions actions;
    bool has_damage; /* a look-up, which has no way to say so, met damage */
    struct tw_store_error damage;
    bool write_failed; /* RocksDB refused a write: it has to be opened anew */
    struct tw_store_error write_failure;
    /* Writes that found no room, and as many of them as a write behind has answered: between the two RocksDB's
     * write-ahead log is broken off. */
    uint64_t writes_refused, refusals_mended;

    pthread_mutex_t syncing; /* held by who syncs: RocksDB does not survive two of a file when the first fails */

    struct tw_block_cache cache; /* has its own lock */
    /* as `retained`, once that is durable: for the filters that run inside RocksDB's compactions */
    _Atomic uint64_t gone_seq, gone_lsn;
    rocksdb_compactionfilter_t *filters[TW_FAMILY_COUNT]; /* NULL: none */

    /* the writer's */
    rocksdb_writebatch_t *batch;
    struct tw_block_sources *sources;
    struct tw_buffer packed, unpacked; /* the block at hand */
    /* the router's */
    rocksdb_writebatch_t *alert_batch;
    char receivers[TW_RECEIVERS_MAX][TW_RECEIVER_BYTES_MAX + 1];
    uint32_t receiver_count;
    /* the delivery's */
    uint32_t ledger_ordinal;
    _Atomic uint64_t outbox_retries;
    /* the indexer's */
    struct tw_index_builder *builder; /* NULL until first used */
    /* ids beyond the index; has its own lock */
    struct tw_index_tail *tail;
    uint64_t tail_trades_max; /* beyond it a search through the blocks replaces the tail's table */
};

/* A copy of what the lock guards. */
struct tw_store_head tw_store_head_now(const struct tw_store *store);
/* Rows of the index and of publishers' numbers, and the trades that have them: noted with the first drop, and with each
 * that finds no rows of dropped trades any more. So it is known how many of them wait for RocksDB to compact, which no
 * range of keys says. */
struct tw_derived {
    uint64_t rows, trades; /* trades 0: not known */
};
struct tw_derived tw_store_derived(struct tw_store *store); /* what to note now */
void tw_store_note_derived(struct tw_store *store, rocksdb_writebatch_t *batch, const struct tw_derived *derived);

struct tw_store_indexed tw_store_indexed_now(const struct tw_store *store);

/* ---- write.c ---- */
/* Writes the batch, from any thread, not synced. Once one has failed, but for want of room, nothing more is: every
 * later write, of whatever thread, fails with the words of the first. RocksDB does not survive a second one to the same
 * file. */
enum tw_store_status tw_store_write(struct tw_store *store, rocksdb_writebatch_t *batch, const char *what,
                                    struct tw_store_error *error);
/* Makes all that was written durable, whoever wrote it. Others write on meanwhile: a write that is synced by itself
 * would hold up all behind it, the alerts' first of all. TW_STORE_FULL: a write behind found no room, perhaps another
 * thread's, and broke the log off; what was written may be there or not, and the same may be written again. When it has
 * failed otherwise, nothing more is written, as above. */
enum tw_store_status tw_store_sync(struct tw_store *store, const char *what, struct tw_store_error *error);
void tw_store_writes_end(struct tw_store *store, const struct tw_store_error *error);

/* ---- error.c ---- */
/* Fills *error (may be NULL); returns the status. */
enum tw_store_status tw_store_fail(struct tw_store_error *error, enum tw_store_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* From errno; ENOSPC, EACCES and the like get their status, anything else TW_STORE_FAILED. */
enum tw_store_status tw_store_fail_errno(struct tw_store_error *error, int number, const char *what, const char *path);
/* Takes RocksDB's message over and frees it. */
enum tw_store_status tw_store_fail_rocksdb(struct tw_store_error *error, const char *directory, const char *what,
                                           char *message);
/* Remembers damage that a look-up met, for tw_store_damage. */
void tw_store_note_damage(struct tw_store *store, const struct tw_store_error *error);

/* ---- directory.c ---- */
/* Finds or makes the directory, takes its lock, reads FORMAT; *fresh says that there is no log yet. */
bool tw_store_directory_open(struct tw_store *store, bool *fresh, struct tw_store_error *error);
void tw_store_directory_close(struct tw_store *store);
/* The last step of creation: from here on the directory is one of ours. The last step of an upgrade, too. */
bool tw_store_format_write(struct tw_store *store, uint32_t format, struct tw_store_error *error);
/* Makes the directory and those above it. */
bool tw_store_make_directories(const char *path, struct tw_store_error *error);
bool tw_store_highwater_create(struct tw_store *store, struct tw_store_error *error);
bool tw_store_highwater_check(struct tw_store *store, const struct tw_store_head *head, struct tw_store_error *error);
/* The same check without keeping the file open, or making one. */
bool tw_store_highwater_allows(const struct tw_store *store, const struct tw_store_head *head,
                               struct tw_store_error *error);
bool tw_store_highwater_write(struct tw_store *store, const struct tw_store_head *head, struct tw_store_error *error);
bool tw_store_room(struct tw_store *store, uint64_t bytes, struct tw_store_error *error);
/* For what makes room: it may take of the reserve. */
bool tw_store_room_to_drop(const struct tw_store *store, struct tw_store_error *error);

/* ---- read.c ---- */
/* Checks key and value of a log record (own chain, decode, numbers as in the key); *record borrows from the value, or
 * from *unpacked, which is written over. */
bool tw_log_check(const struct tw_store *store, const uint8_t *key, size_t key_length, const uint8_t *value,
                  size_t value_length, struct tw_buffer *unpacked, struct tw_record *record,
                  struct tw_store_error *error);
/* Reads one record by its key, through the cache. False: damage, in *error. */
bool tw_store_load(struct tw_store *store, uint64_t follows, uint64_t lsn, struct tw_frame **frame,
                   struct tw_record *record, struct tw_store_error *error);
/* The same of the record that an iterator over the log stands on; *frame stays as it is on damage. */
bool tw_store_take(struct tw_store *store, const rocksdb_iterator_t *iterator, struct tw_frame **frame,
                   struct tw_record *record, struct tw_store_error *error);
/* tw_store_load for whoever has no way to say so: damage is noted. */
bool tw_store_load_or_note(struct tw_store *store, uint64_t follows, uint64_t lsn, struct tw_frame **frame,
                           struct tw_record *record);
/* The chain after the record that the cursor gave last. */
struct tw_chain tw_store_cursor_chain(const struct tw_store_cursor *cursor);
bool tw_store_read_head(struct tw_store *store, struct tw_store_error *error);

/* ---- actions.c ---- */
/* Key of an action's row by alert. */
void tw_store_alert_key(uint8_t key[26], const uint8_t id[TW_ALERT_ID_BYTES], uint64_t h);
/* An ACTION record's rows, in its batch; *actions moves on. */
void tw_store_put_action(struct tw_store *store, rocksdb_writebatch_t *batch, struct tw_store_actions *actions,
                         const struct tw_control *control);
/* Which silence hides an alert, if one does; in its batch. */
void tw_store_put_silenced(struct tw_store *store, rocksdb_writebatch_t *batch, const struct tw_store_alert *alert);
bool tw_store_read_actions(struct tw_store *store, struct tw_store_error *error);

/* ---- alert_ids.c ---- */
/* In the batch of these alerts, which are the next ones: a run of rows by id if it is time for one. */
void tw_alert_ids_put(struct tw_store *store, rocksdb_writebatch_t *batch, const struct tw_store_alert *alerts,
                      uint32_t count);
/* That batch is written; the lock is held. */
void tw_alert_ids_written(struct tw_store *store);
/* Reads what the runs do not have yet. In a directory of an older format that is all of it, and becomes runs when the
 * store is opened for writing. Damage of alerts stops no opening; it is kept for look-ups. */
bool tw_alert_ids_open(struct tw_store *store, struct tw_store_error *error);
void tw_alert_ids_close(struct tw_store *store);

/* ---- muted.c ---- */
/* Which rule mutes it, if one does. */
void tw_store_put_muted(struct tw_store *store, rocksdb_writebatch_t *batch, const struct tw_store_alert *alert);

/* ---- outbox.c ---- */
/* The pending deliveries of alerts, in the batch that has the alerts. */
void tw_store_put_pending(struct tw_store *store, rocksdb_writebatch_t *batch, const struct tw_store_alert *alerts,
                          uint32_t count);

/* ---- retain.c ---- */
bool tw_store_read_retained(struct tw_store *store, struct tw_store_error *error);
/* What drops a family's rows when they are compacted; NULL: nothing does. */
rocksdb_compactionfilter_t *tw_store_retention_filter(struct tw_store *store, enum tw_family family);

/* ---- wal.c ---- */
/* The largest number that the first record of a whole batch in a write-ahead log has, however damaged the log is
 * elsewhere; 0: none. */
bool tw_wal_last_append(const struct tw_store *store, uint64_t *first_lsn, struct tw_store_error *error);
/* False: a write-ahead log or the manifest only looks as if it had been cut off while it was written. RocksDB would
 * drop the end in silence. */
bool tw_wal_ends_well(const struct tw_store *store, struct tw_store_error *error);

/* ---- snapshot.c ---- */
/* Removes what a crash left of a snapshot that was being written. */
bool tw_store_snapshots_tidy(struct tw_store *store, struct tw_store_error *error);

/* ---- index_build.c ---- */
void tw_index_builder_free(struct tw_index_builder **builder);
/* ---- index_tail.c ---- */
/* A table of ids takes 20 bytes a trade: 160 MiB at the most. The indexer is far behind then (or it is a tool, on a log
 * that was never indexed). */
#define TW_INDEX_TAIL_TRADES_MAX (UINT64_C(1) << 23)
struct tw_index_tail *tw_index_tail_new(void);
void tw_index_tail_free(struct tw_index_tail **tail);

/* ---- small things over RocksDB ---- */
static inline rocksdb_iterator_t *tw_store_iterate(struct tw_store *store, enum tw_family family)
{
    return rocksdb_create_iterator_cf(store->db, store->read_once, store->families[family]);
}
/* Key and value of a valid iterator, borrowed until it moves. */
static inline const uint8_t *tw_iterator_key(const rocksdb_iterator_t *iterator, size_t *length)
{
    return (const uint8_t *)rocksdb_iter_key(iterator, length);
}
static inline const uint8_t *tw_iterator_value(const rocksdb_iterator_t *iterator, size_t *length)
{
    return (const uint8_t *)rocksdb_iter_value(iterator, length);
}
/* False if the iterator ended by an error, which goes to *error. */
bool tw_iterator_ok(const struct tw_store *store, const rocksdb_iterator_t *iterator, const char *what,
                    struct tw_store_error *error);
static inline void tw_batch_put(struct tw_store *store, rocksdb_writebatch_t *batch, enum tw_family family,
                                const void *key, size_t key_length, const void *value, size_t value_length)
{
    rocksdb_writebatch_put_cf(batch, store->families[family], key, key_length, value, value_length);
}
/* The value under a key: 1 found (of exactly `length` bytes), 0 not there, -1 *error. */
int tw_store_get_exact(struct tw_store *store, enum tw_family family, const void *key, size_t key_length, void *value,
                       size_t length, struct tw_store_error *error);

#endif
