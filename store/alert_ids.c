/* SPDX-License-Identifier: MIT
 *
 * Alert events by the id of their alert: the tail, and runs of rows made of it.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "store/alert_ids.h"

/* ---- rows: 'A', 'i', first byte of the ids, n of the first entry -> entries; 'A', 'r' -> how far they reach ---- */

#define ROW_KEY_BYTES 11u
#define ENTRY_BYTES_MAX (TW_VARINT_BYTES_MAX + TW_ALERT_ID_KEPT_BYTES)

static const uint8_t reached_key[2] = {'A', 'r'};

static void row_key(uint8_t key[ROW_KEY_BYTES], uint8_t bucket, uint64_t n)
{
    key[0] = 'A';
    key[1] = 'i';
    key[2] = bucket;
    tw_put_u64_be(key + 3, n);
}

bool tw_alert_id_row(const rocksdb_iterator_t *iterator, uint8_t *bucket, struct tw_alert_id_entries *entries)
{
    size_t key_length = 0, length = 0;
    const uint8_t *key = rocksdb_iter_valid(iterator) ? tw_iterator_key(iterator, &key_length) : NULL;
    if (key_length != ROW_KEY_BYTES || key[0] != 'A' || key[1] != 'i')
        return false;
    const uint8_t *value = tw_iterator_value(iterator, &length);
    *bucket = key[2];
    *entries = (struct tw_alert_id_entries){value, value + length, tw_get_u64_be(key + 3), true};
    return true;
}

void tw_alert_id_seek(rocksdb_iterator_t *iterator, uint8_t bucket)
{
    uint8_t key[ROW_KEY_BYTES];
    row_key(key, bucket, 0);
    rocksdb_iter_seek(iterator, (const char *)key, sizeof key);
}

int tw_alert_id_next(struct tw_alert_id_entries *entries, uint64_t *n, const uint8_t **kept)
{
    if (entries->at == entries->end)
        return entries->first ? -1 : 0;
    uint64_t difference = 0;
    if (!tw_get_varint(&entries->at, entries->end, &difference) || (difference == 0) != entries->first ||
        difference > UINT64_MAX - entries->n || entries->end - entries->at < (ptrdiff_t)TW_ALERT_ID_KEPT_BYTES)
        return -1;
    entries->first = false;
    *n = entries->n += difference;
    *kept = entries->at;
    entries->at += TW_ALERT_ID_KEPT_BYTES;
    return 1;
}

/* ---- a run ---- */

/* Groups the events by bucket, those of one in the order they came. */
static void sort_run(struct tw_alert_ids *ids, const struct tw_alert_event *events, uint32_t count,
                     uint32_t starts[TW_ALERT_ID_BUCKETS + 1])
{
    uint32_t next[TW_ALERT_ID_BUCKETS];
    memset(starts, 0, (TW_ALERT_ID_BUCKETS + 1) * sizeof *starts);
    for (uint32_t i = 0; i < count; i++)
        starts[events[i].id[0] + 1]++;
    for (uint32_t bucket = 0; bucket < TW_ALERT_ID_BUCKETS; bucket++) {
        starts[bucket + 1] += starts[bucket];
        next[bucket] = starts[bucket];
    }
    ids->order.length = 0;
    tw_buffer_reserve(&ids->order, count * sizeof(uint32_t));
    uint32_t *order = (uint32_t *)(void *)ids->order.bytes;
    for (uint32_t i = 0; i < count; i++)
        order[next[events[i].id[0]]++] = i;
}

static void put_row(struct tw_store *store, rocksdb_writebatch_t *batch, const struct tw_alert_event *events,
                    const uint32_t *order, uint32_t count)
{
    struct tw_alert_ids *ids = &store->ids;
    uint8_t key[ROW_KEY_BYTES];
    uint64_t n = events[order[0]].n;
    row_key(key, events[order[0]].id[0], n);
    ids->row.length = 0;
    tw_buffer_reserve(&ids->row, (size_t)count * ENTRY_BYTES_MAX);
    uint8_t *at = ids->row.bytes;
    for (uint32_t i = 0; i < count; i++) {
        const struct tw_alert_event *event = &events[order[i]];
        at = tw_put_varint(at, event->n - n);
        memcpy(at, event->id + 1, TW_ALERT_ID_KEPT_BYTES);
        at += TW_ALERT_ID_KEPT_BYTES;
        n = event->n;
    }
    tw_batch_put(store, batch, TW_FAMILY_META, key, sizeof key, ids->row.bytes, (size_t)(at - ids->row.bytes));
}

static uint32_t count_in(const struct tw_buffer *events)
{
    return (uint32_t)(events->length / sizeof(struct tw_alert_event));
}

static const struct tw_alert_event *events_in(const struct tw_buffer *events)
{
    return (const struct tw_alert_event *)(const void *)events->bytes;
}

static void put_run(struct tw_store *store, rocksdb_writebatch_t *batch, const struct tw_buffer *run)
{
    uint32_t starts[TW_ALERT_ID_BUCKETS + 1];
    const uint32_t count = count_in(run);
    sort_run(&store->ids, events_in(run), count, starts);
    const uint32_t *order = (const uint32_t *)(const void *)store->ids.order.bytes;
    for (uint32_t bucket = 0; bucket < TW_ALERT_ID_BUCKETS; bucket++)
        if (starts[bucket + 1] > starts[bucket])
            put_row(store, batch, events_in(run), order + starts[bucket], starts[bucket + 1] - starts[bucket]);
    uint64_t reached = events_in(run)[count - 1].n;
    tw_batch_put(store, batch, TW_FAMILY_META, reached_key, sizeof reached_key, &reached, sizeof reached);
}

/* ---- while alerts are written ---- */

static void add(struct tw_buffer *events, uint64_t n, const uint8_t id[TW_ALERT_ID_BYTES])
{
    struct tw_alert_event event = {.n = n};
    memcpy(event.id, id, sizeof event.id);
    tw_buffer_append(events, &event, sizeof event);
}

void tw_alert_ids_put(struct tw_store *store, rocksdb_writebatch_t *batch, const struct tw_store_alert *alerts,
                      uint32_t count)
{
    struct tw_alert_ids *ids = &store->ids;
    ids->adding.length = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t id[TW_ALERT_ID_BYTES];
        TW_ASSERT(tw_alert_id_of(alerts[i].bytes, alerts[i].length, id));
        add(&ids->adding, alerts[i].n, id);
    }
    /* Behind a hole there are no more runs: the next start meets it again, and says so. */
    ids->run_put = !ids->has_hole && count_in(&ids->tail) + count >= ids->run_events;
    if (!ids->run_put)
        return;
    ids->run.length = 0;
    tw_buffer_append(&ids->run, ids->tail.bytes, ids->tail.length);
    tw_buffer_append(&ids->run, ids->adding.bytes, ids->adding.length);
    put_run(store, batch, &ids->run);
}

void tw_alert_ids_written(struct tw_store *store)
{
    struct tw_alert_ids *ids = &store->ids;
    if (ids->run_put) {
        ids->reached = store->last_alert;
        ids->tail.length = 0;
    } else {
        tw_buffer_append(&ids->tail, ids->adding.bytes, ids->adding.length);
    }
}

/* ---- opening ---- */

struct filling {
    struct tw_store *store;
    struct tw_store_error *error;
    bool ok;
};

/* A run of what an older format had no such rows for. */
static bool write_run(struct filling *filling)
{
    struct tw_store *store = filling->store;
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    put_run(store, batch, &store->ids.tail);
    filling->ok = tw_store_room(store, store->ids.tail.length, filling->error) &&
                  tw_store_write(store, batch, "upgrade", filling->error) == TW_STORE_OK;
    rocksdb_writebatch_destroy(batch);
    store->ids.reached = events_in(&store->ids.tail)[count_in(&store->ids.tail) - 1].n;
    store->ids.tail.length = 0;
    return filling->ok;
}

static bool fill(void *context, const struct tw_store_alert *alert)
{
    struct filling *filling = context;
    struct tw_alert_ids *ids = &filling->store->ids;
    uint8_t id[TW_ALERT_ID_BYTES];
    if (!tw_alert_id_of(alert->bytes, alert->length, id)) {
        tw_store_fail(filling->error, TW_STORE_DAMAGED, "%s is damaged: alert %" PRIu64 " is missing or not whole",
                      filling->store->directory, alert->n);
        ids->has_hole = true;
        return false;
    }
    add(&ids->tail, alert->n, id);
    return filling->store->mode == TW_STORE_READ || count_in(&ids->tail) < ids->run_events || write_run(filling);
}

bool tw_alert_ids_open(struct tw_store *store, struct tw_store_error *error)
{
    struct tw_alert_ids *ids = &store->ids;
    struct tw_store_error own;
    error = error == NULL ? &own : error;
    struct filling filling = {store, error, true};
    if (tw_store_get_exact(store, TW_FAMILY_META, reached_key, sizeof reached_key, &ids->reached, sizeof ids->reached,
                           error) < 0)
        return false;
    if (!tw_store_alerts(store, ids->reached, fill, &filling, error))
        ids->has_hole = true;
    if (ids->has_hole)
        ids->hole = *error;
    return filling.ok;
}

void tw_alert_ids_close(struct tw_store *store)
{
    tw_buffer_free(&store->ids.tail);
    tw_buffer_free(&store->ids.adding);
    tw_buffer_free(&store->ids.run);
    tw_buffer_free(&store->ids.order);
    tw_buffer_free(&store->ids.row);
}
