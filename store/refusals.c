/* SPDX-License-Identifier: MIT
 *
 * Refusals by number. They stand in the log's blocks; a row for each block that has any says where the first one is.
 * Their numbers are dense, and that is checked: with one of several tables damaged, RocksDB 7.8 was seen to pass over
 * its rows without an error.
 */
#include <inttypes.h>

#include "store/inside.h"

struct walk {
    struct tw_store *store;
    tw_store_refusal_visit visit;
    void *context;
    uint64_t next;  /* the number that must come; 0: any, the beginning may have been dropped */
    uint64_t count; /* there are no more that are durable */
    bool go_on;
};

static bool missing(const struct walk *walk, uint64_t number, struct tw_store_error *error)
{
    tw_store_fail(error, TW_STORE_DAMAGED, "%s is damaged: refusal %" PRIu64 " is missing; restore it from a backup",
                  walk->store->directory, number);
    return false;
}

static bool visit_block(struct walk *walk, const uint64_t place[2], uint64_t after, struct tw_store_error *error)
{
    struct tw_frame *frame = NULL;
    struct tw_record record;
    bool gone = place[1] <= tw_store_retained(walk->store).lsn;
    if (!gone && !tw_store_load(walk->store, place[0], place[1], &frame, &record, error)) {
        gone = place[1] <= tw_store_retained(walk->store).lsn; /* dropped in between */
        if (!gone)
            return false;
    }
    if (gone) {
        walk->next = 0;
        return true;
    }
    struct tw_refusal refusal;
    uint32_t offset = 0;
    bool dense = true;
    while (dense && walk->go_on && record.kind == TW_RECORD_BLOCK &&
           tw_block_next_refusal(&record.block, &offset, &refusal)) {
        if (refusal.number <= after)
            continue;
        dense = walk->next == 0 || refusal.number == walk->next || missing(walk, walk->next, error);
        if (dense)
            walk->go_on = refusal.number <= walk->count && walk->visit(walk->context, &refusal);
        walk->next = refusal.number + 1;
    }
    tw_frame_drop(&frame);
    return dense;
}

bool tw_store_refusals(struct tw_store *store, uint64_t after, tw_store_refusal_visit visit, void *context,
                       struct tw_store_error *error)
{
    const uint64_t count = tw_store_refusal_count(store); /* before the iterator, which sees at least as many */
    uint8_t key[8];
    tw_put_u64_be(key, after + 1);
    rocksdb_iterator_t *iterator = tw_store_iterate(store, TW_FAMILY_REFUSALS);
    struct walk walk = {store, visit, context, after + 1, count, after < count};
    if (tw_store_retained(store).lsn != 0)
        walk.next = 0;
    bool ok = true;
    rocksdb_iter_seek_for_prev(iterator, (const char *)key, sizeof key); /* the block that may hold it */
    if (!rocksdb_iter_valid(iterator)) {
        ok = tw_iterator_ok(store, iterator, "read the refusals of", error);
        rocksdb_iter_seek_to_first(iterator);
    }
    for (; ok && walk.go_on && rocksdb_iter_valid(iterator); rocksdb_iter_next(iterator)) {
        size_t length = 0;
        const uint8_t *value = tw_iterator_value(iterator, &length);
        uint64_t place[2];
        if (length != sizeof place) {
            tw_store_fail(error, TW_STORE_DAMAGED, "%s is damaged: a row of the refusals has %zu bytes instead of %zu",
                          store->directory, length, sizeof place);
            ok = false;
            break;
        }
        memcpy(place, value, sizeof place);
        ok = visit_block(&walk, place, after, error);
    }
    ok = ok && tw_iterator_ok(store, iterator, "read the refusals of", error);
    if (ok && walk.go_on && walk.next != 0 && walk.next <= count)
        ok = missing(&walk, walk.next, error);
    rocksdb_iter_destroy(iterator);
    return ok;
}
