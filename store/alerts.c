/* SPDX-License-Identifier: MIT
 *
 * Alert records by number, each with the digests after it. They are not fsynced on their own: what a crash takes is
 * derived again from the log, under the same numbers.
 */
#include <inttypes.h>

#include "store/inside.h"

#define DIGESTS_BYTES (2u * TW_SHA256_BYTES)

static void put_alert(struct tw_store *store, const struct tw_store_alert *alert)
{
    uint8_t key[8];
    tw_put_u64_be(key, alert->n);
    const char *keys[] = {(const char *)key};
    const size_t key_sizes[] = {sizeof key};
    const char *values[] = {(const char *)alert->digest, (const char *)alert->record_digest,
                            (const char *)alert->bytes};
    const size_t value_sizes[] = {TW_SHA256_BYTES, TW_SHA256_BYTES, alert->length};
    rocksdb_writebatch_putv_cf(store->alert_batch, store->families[TW_FAMILY_ALERTS], 1, keys, key_sizes, 3, values,
                               value_sizes);
}

/* Whether anything became pending behind what is being delivered. */
static bool put_released(struct tw_store *store, const struct tw_store_alert *alert)
{
    bool any = false;
    for (uint32_t i = 0; i < alert->released_count; i++) {
        struct tw_store_alert released = alert->released[i];
        released.queued_ns = alert->queued_ns;
        tw_store_put_muted(store, store->alert_batch, &released);
        tw_store_put_silenced(store, store->alert_batch, &released);
        tw_store_put_pending(store, store->alert_batch, &released, 1);
        any = any || released.receivers != 0;
    }
    return any;
}

enum tw_store_status tw_store_put_alerts(struct tw_store *store, const struct tw_store_alert *alerts, uint32_t count,
                                         struct tw_store_error *error)
{
    TW_ASSERT(store->mode == TW_STORE_WRITE);
    struct tw_store_error own;
    error = error == NULL ? &own : error;
    if (count == 0)
        return TW_STORE_OK;
    uint64_t last = store->last_alert, bytes = 0; /* only this thread changes it */
    for (uint32_t i = 0; i < count; i++)
        bytes += alerts[i].length + 64u * (uint32_t)__builtin_popcount(alerts[i].receivers) +
                 512u * (alerts[i].released_count + alerts[i].group_count);
    /* What an alert names was looked up on this thread: what could not be read is missing in it. */
    if (tw_store_damage(store, error) || !tw_store_room(store, bytes, error))
        return error->status;
    bool released = false;
    rocksdb_writebatch_clear(store->alert_batch);
    for (uint32_t i = 0; i < count; i++) {
        TW_ASSERT(alerts[i].n == last + 1 + i);
        put_alert(store, &alerts[i]);
        tw_store_put_silenced(store, store->alert_batch, &alerts[i]);
        tw_store_put_muted(store, store->alert_batch, &alerts[i]);
        released = put_released(store, &alerts[i]) || released;
    }
    tw_store_put_pending(store, store->alert_batch, alerts, count);
    tw_alert_ids_put(store, store->alert_batch, alerts, count);
    enum tw_store_status status = tw_store_write(store, store->alert_batch, "write alerts into", error);
    if (status != TW_STORE_OK)
        return status;
    pthread_mutex_lock(&store->lock);
    store->last_alert = last + count;
    tw_alert_ids_written(store);
    pthread_mutex_unlock(&store->lock);
    if (released)
        atomic_fetch_add(&store->outbox_retries, 1);
    return TW_STORE_OK;
}

static bool missing(const struct tw_store *store, uint64_t n, struct tw_store_error *error)
{
    tw_store_fail(error, TW_STORE_DAMAGED, "%s is damaged: alert %" PRIu64 " is missing or not whole", store->directory,
                  n);
    return false;
}

bool tw_store_alerts(struct tw_store *store, uint64_t after, tw_store_alert_visit visit, void *context,
                     struct tw_store_error *error)
{
    if (after == UINT64_MAX)
        return true;
    const uint64_t last = tw_store_last_alert(store); /* before the iterator, which sees at least as many */
    uint64_t n = after + 1;
    uint8_t from[8];
    tw_put_u64_be(from, n);
    rocksdb_iterator_t *iterator = tw_store_iterate(store, TW_FAMILY_ALERTS);
    rocksdb_iter_seek(iterator, (const char *)from, sizeof from);
    bool ok = true, go_on = true;
    for (; ok && go_on && rocksdb_iter_valid(iterator); n++, rocksdb_iter_next(iterator)) {
        size_t key_length = 0, value_length = 0;
        const uint8_t *key = tw_iterator_key(iterator, &key_length);
        const uint8_t *value = tw_iterator_value(iterator, &value_length);
        ok = key_length == sizeof from && tw_get_u64_be(key) == n && value_length > DIGESTS_BYTES &&
             value_length <= UINT32_MAX;
        if (!ok) {
            missing(store, n, error);
            break;
        }
        struct tw_store_alert alert = {
            .n = n, .bytes = value + DIGESTS_BYTES, .length = (uint32_t)(value_length - DIGESTS_BYTES)};
        memcpy(alert.digest, value, TW_SHA256_BYTES);
        memcpy(alert.record_digest, value + TW_SHA256_BYTES, TW_SHA256_BYTES);
        go_on = visit(context, &alert);
    }
    ok = ok && tw_iterator_ok(store, iterator, "read the alerts of", error);
    rocksdb_iter_destroy(iterator);
    return ok && (!go_on || n > last || missing(store, n, error));
}
