/* SPDX-License-Identifier: MIT
 *
 * The indexes, compared with the log. A row of an index and a row of the log that agree have the same hash; per
 * account, symbol and bucket of ids the sum over the index less the sum over the log must be 0. So neither is looked up
 * in the other, and what is missing, doubled or wrong is still told by whose it is.
 */
#include <inttypes.h>

#include "store/verify.h"

/* ---- from the log ---- */

static bool take_ids(struct tw_verify *verify, const struct tw_block *block)
{
    struct tw_id_rows rows = tw_id_rows_of(block);
    struct tw_text id;
    uint32_t row;
    while (tw_id_rows_next(&rows, &row, &id)) {
        uint64_t publisher =
            tw_publisher_hash_of(&verify->publishers, verify->store, tw_load_u32(block->source, row), verify->error);
        if (publisher == 0)
            return false;
        uint64_t hash = tw_index_id_hash(publisher, id);
        verify->buckets[tw_index_bucket(hash)] -= tw_verify_mix(block->follows + 1 + row, tw_index_kept(hash));
    }
    return true;
}

/* The next row of the time index. False: there is none, or it is not readable. */
static bool time_row(struct tw_verify *verify, int64_t *clock_ns, uint64_t *seq)
{
    if (verify->time_rows == NULL) {
        verify->time_rows = tw_store_iterate(verify->store, TW_FAMILY_INDEX);
        const char first = TW_INDEX_KEY_TIME;
        rocksdb_iter_seek(verify->time_rows, &first, 1);
    }
    if (!rocksdb_iter_valid(verify->time_rows))
        return false;
    size_t key_length = 0, value_length = 0;
    const uint8_t *key = tw_iterator_key(verify->time_rows, &key_length);
    const uint8_t *value = tw_iterator_value(verify->time_rows, &value_length);
    if (key_length != TW_INDEX_TIME_KEY_BYTES || value_length != sizeof *seq)
        return false;
    *clock_ns = (int64_t)tw_get_u64_be(key + 1);
    memcpy(seq, value, sizeof *seq);
    return true;
}

static bool damaged_time(struct tw_verify *verify, uint64_t seq)
{
    return tw_verify_damaged(verify, "the index by time has not the row of trade %" PRIu64, seq);
}

/* In a log that begins later the clock of what was dropped is not known: a row there must be true, but may be missing.
 */
static bool take_time_loosely(struct tw_verify *verify, const struct tw_block *block)
{
    int64_t clock_ns, before_ns = verify->times.clock_ns; /* of what is kept */
    uint64_t seq, first = block->follows + 1;
    tw_index_take_times(&verify->times, block);
    while (time_row(verify, &clock_ns, &seq) && seq <= first) {
        if (seq > verify->retained.seq && (seq != first || clock_ns < before_ns))
            return damaged_time(verify, seq);
        rocksdb_iter_next(verify->time_rows);
    }
    return true;
}

static bool take_time(struct tw_verify *verify, const struct tw_block *block)
{
    if (verify->retained.lsn != 0)
        return take_time_loosely(verify, block);
    bool due = tw_index_take_times(&verify->times, block);
    verify->times.seq = block->follows + block->count;
    if (!due)
        return true;
    int64_t clock_ns;
    uint64_t seq;
    if (!time_row(verify, &clock_ns, &seq) || clock_ns != verify->times.time_ns || seq != block->follows + 1)
        return damaged_time(verify, block->follows + 1);
    rocksdb_iter_next(verify->time_rows);
    return true;
}

bool tw_verify_index_take(struct tw_verify *verify, const struct tw_block *block)
{
    for (uint32_t row = 0; row < block->count; row++) {
        uint32_t account = tw_load_u32(block->account, row), symbol = tw_load_u32(block->symbol, row);
        uint64_t seq = block->follows + 1 + row;
        tw_verify_reach(&verify->accounts, &verify->account_capacity, account);
        tw_verify_reach(&verify->symbols, &verify->symbol_capacity, symbol);
        verify->symbols[symbol] -= tw_verify_mix(seq, 0);
        if (account != 0)
            verify->accounts[account] -= tw_verify_mix(seq, 0);
    }
    return take_ids(verify, block) && take_time(verify, block);
}

/* ---- from the index ---- */

struct row {
    const uint8_t *key, *value;
    size_t key_length, value_length;
};

/* Rows of one group of accounts or symbols ascend; `last` is where the one before ended, of the id in `of`. */
struct order {
    uint8_t which;
    uint32_t of;
    uint64_t last;
};

static bool take_list(struct tw_verify *verify, struct row row, struct order *order)
{
    bool accounts = row.key[0] == TW_INDEX_KEY_ACCOUNT;
    const char *what = accounts ? "account" : "symbol";
    if (row.key_length != TW_INDEX_LIST_KEY_BYTES)
        return tw_verify_damaged(verify, "a row of the index by %s has no readable key", what);
    uint32_t group = tw_get_u32_be(row.key + 1), member = 0;
    uint64_t seq = 0;
    if (group > (accounts ? TW_ACCOUNTS_MAX : TW_SYMBOLS_MAX) >> TW_INDEX_GROUP_BITS)
        return tw_verify_damaged(verify, "the index by %s knows a group %" PRIu32 " of them", what, group);
    if (order->which != row.key[0] || order->of != group)
        *order = (struct order){row.key[0], group, 0};
    uint64_t **sums = accounts ? &verify->accounts : &verify->symbols;
    tw_verify_reach(sums, accounts ? &verify->account_capacity : &verify->symbol_capacity,
                    group << TW_INDEX_GROUP_BITS | TW_INDEX_MEMBER_MASK);
    struct tw_index_list list = tw_index_list_open(tw_get_u64_be(row.key + 5), row.value, row.value_length);
    int more;
    while ((more = tw_index_list_next(&list, &member, &seq)) > 0) {
        uint32_t id = group << TW_INDEX_GROUP_BITS | member;
        if (seq <= order->last || seq > verify->indexed.seq)
            return tw_verify_damaged(verify, "the index by %s has trade %" PRIu64 " of %s %" PRIu32 " out of turn",
                                     what, seq, what, id);
        order->last = seq;
        if (seq > verify->retained.seq)
            (*sums)[id] += tw_verify_mix(seq, 0);
    }
    return more == 0 || tw_index_damaged(verify->store, what, order->last, verify->error);
}

/* Rows of one bucket descend. */
static bool take_id_row(struct tw_verify *verify, struct row row, struct order *order)
{
    if (row.key_length != TW_INDEX_ID_KEY_BYTES)
        return tw_verify_damaged(verify, "a row of the index by id has no readable key");
    uint32_t bucket = (uint32_t)row.key[1] << 8 | row.key[2], kept = 0;
    uint64_t last = ~tw_get_u64_be(row.key + 3), seq = 0, first = 0;
    if (order->which != row.key[0] || order->of != bucket)
        *order = (struct order){row.key[0], bucket, UINT64_MAX};
    if (bucket >= TW_INDEX_BUCKETS || last >= order->last || last > verify->indexed.seq)
        return tw_verify_damaged(verify, "the index by id has trade %" PRIu64 " out of turn", last);
    struct tw_index_ids ids = tw_index_ids_open(last, row.value, row.value_length);
    int more;
    while ((more = tw_index_ids_next(&ids, &seq, &kept)) > 0) {
        first = first == 0 ? seq : first;
        if (seq > verify->retained.seq)
            verify->buckets[bucket] += tw_verify_mix(seq, kept);
    }
    order->last = first;
    return more == 0 || tw_index_damaged(verify->store, "id", last, verify->error);
}

static bool take_row(struct tw_verify *verify, struct row row, struct order *order)
{
    switch (row.key_length == 0 ? 0 : row.key[0]) {
    case TW_INDEX_KEY_ACCOUNT:
    case TW_INDEX_KEY_SYMBOL:
        return take_list(verify, row, order);
    case TW_INDEX_KEY_ID:
        return take_id_row(verify, row, order);
    case TW_INDEX_KEY_PROGRESS:
    case TW_INDEX_KEY_TIME: /* compared on the way through the log */
        return true;
    default:
        return tw_verify_damaged(verify, "the indexes have a row of no known kind");
    }
}

static bool read_rows(struct tw_verify *verify)
{
    rocksdb_iterator_t *iterator = rocksdb_create_iterator_cf(verify->store->db, verify->store->read_through,
                                                              verify->store->families[TW_FAMILY_INDEX]);
    struct order order = {0};
    bool ok = true;
    for (rocksdb_iter_seek_to_first(iterator); ok && rocksdb_iter_valid(iterator); rocksdb_iter_next(iterator)) {
        struct row row;
        row.key = tw_iterator_key(iterator, &row.key_length);
        row.value = tw_iterator_value(iterator, &row.value_length);
        ok = take_row(verify, row, &order);
    }
    ok = ok && tw_iterator_ok(verify->store, iterator, "read the index of", verify->error);
    rocksdb_iter_destroy(iterator);
    return ok;
}

static bool all_zero(struct tw_verify *verify, const uint64_t *sums, uint32_t count, const char *what)
{
    for (uint32_t id = 0; id < count; id++)
        if (sums[id] != 0)
            return tw_verify_damaged(verify, "the index by %s does not agree with the log at %s %" PRIu32,
                                     strcmp(what, "bucket") == 0 ? "id" : what, what, id);
    return true;
}

/* Behind the last block on the way there is no row any more, and the clocks of the progress are those of the log. */
static bool times_end(struct tw_verify *verify)
{
    const struct tw_store_indexed *times = &verify->times, *indexed = &verify->indexed;
    if (verify->retained.lsn == 0) {
        if (verify->time_rows != NULL && rocksdb_iter_valid(verify->time_rows))
            return tw_verify_damaged(verify, "the index by time has a row that the log does not make");
        return (times->clock_ns == indexed->clock_ns && times->time_ns == indexed->time_ns) ||
               tw_verify_damaged(verify, "the indexes' clock is not the log's at trade %" PRIu64, indexed->seq);
    }
    int64_t clock_ns;
    uint64_t seq;
    while (time_row(verify, &clock_ns, &seq) && seq <= verify->retained.seq)
        rocksdb_iter_next(verify->time_rows);
    if (rocksdb_iter_valid(verify->time_rows))
        return tw_verify_damaged(verify, "the index by time has a row that the log does not make");
    return times->clock_ns <= indexed->clock_ns ||
           tw_verify_damaged(verify, "the indexes' clock is not the log's at trade %" PRIu64, indexed->seq);
}

bool tw_verify_index_end(struct tw_verify *verify)
{
    return read_rows(verify) && times_end(verify) &&
           all_zero(verify, verify->accounts, verify->account_capacity, "account") &&
           all_zero(verify, verify->symbols, verify->symbol_capacity, "symbol") &&
           all_zero(verify, verify->buckets, TW_INDEX_BUCKETS, "bucket");
}
