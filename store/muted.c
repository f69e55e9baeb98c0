/* SPDX-License-Identifier: MIT
 *
 * What inhibition muted: a row by event that says which rule did and by what, and whether it was told after all; and
 * the state that a start goes on from, which is worth no more than the time to derive it again from the alerts.
 */
#include <inttypes.h>

#include "store/inside.h"

#define KEY_BYTES 10u
static const uint8_t state_key[] = {'A', 'U'};

/* As it stands in values, before the rule's name; README.md has the bytes. */
struct row {
    uint64_t by, told;
};
_Static_assert(sizeof(struct row) == 16, "written as it is; see README.md");

void tw_store_put_muted(struct tw_store *store, rocksdb_writebatch_t *batch, const struct tw_store_alert *alert)
{
    uint8_t key[KEY_BYTES] = {'A', 'u'}, value[sizeof(struct row) + TW_RECEIVER_BYTES_MAX];
    const struct row row = {alert->muted_by, alert->muted_told};
    if (alert->muted_rule.length == 0)
        return;
    TW_ASSERT(alert->muted_rule.length <= TW_RECEIVER_BYTES_MAX);
    tw_put_u64_be(key + 2, alert->n);
    memcpy(value, &row, sizeof row);
    memcpy(value + sizeof row, alert->muted_rule.bytes, alert->muted_rule.length);
    tw_batch_put(store, batch, TW_FAMILY_META, key, sizeof key, value, sizeof row + alert->muted_rule.length);
}

static bool read_row(const rocksdb_iterator_t *iterator, struct tw_store_muted *out)
{
    size_t key_length = 0, value_length = 0;
    const uint8_t *key = tw_iterator_key(iterator, &key_length);
    const uint8_t *value = tw_iterator_value(iterator, &value_length);
    struct row row;
    if (key_length != KEY_BYTES || value_length <= sizeof row || value_length > sizeof row + TW_RECEIVER_BYTES_MAX)
        return false;
    memcpy(&row, value, sizeof row);
    *out = (struct tw_store_muted){
        .n = tw_get_u64_be(key + 2),
        .by = row.by,
        .told = row.told,
        .rule = {(const char *)value + sizeof row, (uint32_t)(value_length - sizeof row)},
    };
    return true;
}

static bool stands_on_row(const rocksdb_iterator_t *iterator)
{
    size_t length = 0;
    const uint8_t *key = rocksdb_iter_valid(iterator) ? tw_iterator_key(iterator, &length) : NULL;
    return length >= 2 && key[0] == 'A' && key[1] == 'u';
}

bool tw_store_muted(struct tw_store *store, uint64_t after, tw_store_muted_visit visit, void *context,
                    struct tw_store_error *error)
{
    uint8_t from[KEY_BYTES] = {'A', 'u'};
    bool ok = true, go_on = after != UINT64_MAX;
    tw_put_u64_be(from + 2, after + 1);
    rocksdb_iterator_t *iterator = tw_store_iterate(store, TW_FAMILY_META);
    rocksdb_iter_seek(iterator, (const char *)from, sizeof from);
    for (; ok && go_on && stands_on_row(iterator); rocksdb_iter_next(iterator)) {
        struct tw_store_muted muted;
        ok = read_row(iterator, &muted);
        if (!ok)
            tw_store_fail(error, TW_STORE_DAMAGED,
                          "%s is damaged: a row of what was muted is not readable; restore it from a backup",
                          store->directory);
        go_on = ok && visit(context, &muted);
    }
    ok = ok && tw_iterator_ok(store, iterator, "read what was muted in", error);
    rocksdb_iter_destroy(iterator);
    return ok;
}

/* ---- the state ---- */

enum tw_store_status tw_store_put_inhibitor(struct tw_store *store, const void *bytes, size_t length,
                                            struct tw_store_error *error)
{
    struct tw_store_error own;
    error = error == NULL ? &own : error;
    if (!tw_store_room(store, length, error))
        return error->status;
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    tw_batch_put(store, batch, TW_FAMILY_META, state_key, sizeof state_key, bytes, length);
    enum tw_store_status status = tw_store_write(store, batch, "write what is muted into", error);
    rocksdb_writebatch_destroy(batch);
    return status;
}

bool tw_store_inhibitor(struct tw_store *store, struct tw_buffer *out, struct tw_store_error *error)
{
    rocksdb_iterator_t *iterator = tw_store_iterate(store, TW_FAMILY_META);
    rocksdb_iter_seek(iterator, (const char *)state_key, sizeof state_key);
    if (rocksdb_iter_valid(iterator)) {
        size_t key_length = 0, length = 0;
        const uint8_t *key = tw_iterator_key(iterator, &key_length), *value = tw_iterator_value(iterator, &length);
        if (key_length == sizeof state_key && memcmp(key, state_key, sizeof state_key) == 0)
            tw_buffer_append(out, value, length);
    }
    bool ok = tw_iterator_ok(store, iterator, "read what is muted in", error);
    rocksdb_iter_destroy(iterator);
    return ok;
}
