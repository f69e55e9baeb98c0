/* SPDX-License-Identifier: MIT
 *
 * Refusals by number. They stand in the log's blocks; a row for each block that has any says where the first one is.
 */
#include <inttypes.h>

#include "store/inside.h"

static bool visit_block(struct tw_store *store, const uint64_t place[2], uint64_t after, tw_store_refusal_visit visit,
                        void *context, bool *go_on, struct tw_store_error *error)
{
    struct tw_frame *frame = NULL;
    struct tw_record record;
    if (place[1] <= tw_store_retained(store).lsn)
        return true;
    if (!tw_store_load(store, place[0], place[1], &frame, &record, error))
        return place[1] <= tw_store_retained(store).lsn; /* dropped in between */
    struct tw_refusal refusal;
    uint32_t offset = 0;
    while (*go_on && record.kind == TW_RECORD_BLOCK && tw_block_next_refusal(&record.block, &offset, &refusal))
        if (refusal.number > after)
            *go_on = visit(context, &refusal);
    tw_frame_drop(&frame);
    return true;
}

bool tw_store_refusals(struct tw_store *store, uint64_t after, tw_store_refusal_visit visit, void *context,
                       struct tw_store_error *error)
{
    uint8_t key[8];
    tw_put_u64_be(key, after + 1);
    rocksdb_iterator_t *iterator = tw_store_iterate(store, TW_FAMILY_REFUSALS);
    rocksdb_iter_seek_for_prev(iterator, (const char *)key, sizeof key); /* the block that may hold it */
    if (!rocksdb_iter_valid(iterator))
        rocksdb_iter_seek_to_first(iterator);
    bool ok = true, go_on = after != UINT64_MAX;
    for (; ok && go_on && rocksdb_iter_valid(iterator); rocksdb_iter_next(iterator)) {
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
        ok = visit_block(store, place, after, visit, context, &go_on, error);
    }
    ok = ok && tw_iterator_ok(store, iterator, "read the refusals of", error);
    rocksdb_iter_destroy(iterator);
    return ok;
}
