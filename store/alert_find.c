/* SPDX-License-Identifier: MIT
 *
 * Alerts by their id, or by what people type of it. The runs and the tail only propose events; the alerts themselves
 * decide.
 */
#include <inttypes.h>

#include "store/alert_ids.h"

/* What is looked for: ids that begin so. */
struct prefix {
    uint8_t bytes[TW_ALERT_ID_BYTES];
    uint32_t nibbles;
};

/* Do the first `length` bytes of an id agree with it, as far as both go? */
static bool agrees(const struct prefix *prefix, const uint8_t *bytes, uint32_t length)
{
    uint32_t nibbles = prefix->nibbles < 2 * length ? prefix->nibbles : 2 * length;
    return memcmp(bytes, prefix->bytes, nibbles / 2) == 0 &&
           (nibbles % 2 == 0 || (bytes[nibbles / 2] ^ prefix->bytes[nibbles / 2]) >> 4 == 0);
}

/* Visits events whose id begins so, with the alert; in order of n within a bucket, and those of the tail last. */
struct search {
    struct tw_store *store;
    const struct prefix *prefix;
    bool (*visit)(void *context, const uint8_t id[TW_ALERT_ID_BYTES], const struct tw_store_alert *alert);
    void *context;
    struct tw_store_error *error;
    uint64_t n; /* the event that is being read */
    bool met, go_on, ok;
};

static bool damaged(struct search *search, const char *what, uint64_t n)
{
    tw_store_fail(search->error, TW_STORE_DAMAGED, "%s is damaged: %s %" PRIu64 " is missing or not whole",
                  search->store->directory, what, n);
    return search->ok = false;
}

static bool look_at(void *context, const struct tw_store_alert *alert)
{
    struct search *search = context;
    uint8_t id[TW_ALERT_ID_BYTES];
    search->met = alert->n == search->n && tw_alert_id_of(alert->bytes, alert->length, id);
    if (search->met && agrees(search->prefix, id, sizeof id))
        search->go_on = search->visit(search->context, id, alert);
    return false;
}

/* True: go on. */
static bool propose(struct search *search, uint64_t n)
{
    search->n = n;
    search->met = false;
    search->ok = tw_store_alerts(search->store, n - 1, look_at, search, search->error);
    if (search->ok && !search->met)
        damaged(search, "alert", n);
    return search->ok && search->go_on;
}

/* Those in the tail that agree, and from which event on they stand there. */
static uint64_t copy_tail(struct search *search, struct tw_buffer *matches)
{
    struct tw_store *store = search->store;
    pthread_mutex_lock(&store->lock);
    const struct tw_alert_ids *ids = &store->ids;
    const struct tw_alert_event *events = (const struct tw_alert_event *)(const void *)ids->tail.bytes;
    for (size_t i = 0; i < ids->tail.length / sizeof *events; i++)
        if (agrees(search->prefix, events[i].id, sizeof events[i].id))
            tw_buffer_append(matches, &events[i].n, sizeof events[i].n);
    uint64_t from = ids->reached + 1;
    pthread_mutex_unlock(&store->lock);
    return from;
}

/* Events of a row that agree and stand before the tail's. */
static void search_row(struct search *search, uint8_t bucket, struct tw_alert_id_entries entries, uint64_t until)
{
    uint64_t n = entries.n;
    uint8_t begin[1 + TW_ALERT_ID_KEPT_BYTES] = {bucket};
    const uint8_t *kept;
    int more = 1;
    while (search->ok && search->go_on && (more = tw_alert_id_next(&entries, &n, &kept)) > 0) {
        memcpy(begin + 1, kept, TW_ALERT_ID_KEPT_BYTES);
        if (n >= until)
            break;
        if (agrees(search->prefix, begin, sizeof begin))
            propose(search, n);
    }
    if (more < 0)
        damaged(search, "the row by id of alert", n);
}

static void search_rows(struct search *search, uint64_t until)
{
    uint8_t first = search->prefix->bytes[0], last = first, bucket;
    struct tw_alert_id_entries entries;
    if (search->prefix->nibbles < 2)
        last = (uint8_t)(first | 0x0f);
    rocksdb_iterator_t *iterator = tw_store_iterate(search->store, TW_FAMILY_META);
    for (tw_alert_id_seek(iterator, first); search->ok && search->go_on; rocksdb_iter_next(iterator)) {
        if (!tw_alert_id_row(iterator, &bucket, &entries) || bucket > last)
            break;
        search_row(search, bucket, entries, until);
    }
    if (search->ok)
        search->ok = tw_iterator_ok(search->store, iterator, "read the alerts of", search->error);
    rocksdb_iter_destroy(iterator);
}

static bool run_search(struct search *search)
{
    struct tw_buffer matches = {0};
    search->ok = search->go_on = true;
    uint64_t until = copy_tail(search, &matches);
    search_rows(search, until);
    const uint64_t *tail = (const uint64_t *)(const void *)matches.bytes;
    for (size_t i = 0; search->ok && search->go_on && i < matches.length / sizeof *tail; i++)
        propose(search, tail[i]);
    tw_buffer_free(&matches);
    if (search->ok && search->go_on && search->store->ids.has_hole) {
        *search->error = search->store->ids.hole;
        search->ok = false;
    }
    return search->ok;
}

/* ---- by the whole id ---- */

struct events {
    tw_store_alert_visit visit;
    void *context;
};

static bool give(void *context, const uint8_t id[TW_ALERT_ID_BYTES], const struct tw_store_alert *alert)
{
    struct events *events = context;
    (void)id;
    return events->visit(events->context, alert);
}

bool tw_store_events_of(struct tw_store *store, const uint8_t id[TW_ALERT_ID_BYTES], tw_store_alert_visit visit,
                        void *context, struct tw_store_error *error)
{
    struct prefix prefix = {.nibbles = 2 * TW_ALERT_ID_BYTES};
    struct events events = {visit, context};
    struct tw_store_error own;
    memcpy(prefix.bytes, id, sizeof prefix.bytes);
    struct search search = {
        .store = store, .prefix = &prefix, .visit = give, .context = &events, .error = error == NULL ? &own : error};
    return run_search(&search);
}

/* ---- by the first digits ---- */

static bool prefix_of(const char *digits, struct prefix *prefix)
{
    char whole[2 * TW_ALERT_ID_BYTES + 1];
    size_t length = strlen(digits);
    if (length == 0 || length > 2 * TW_ALERT_ID_BYTES)
        return false;
    memset(whole, '0', sizeof whole);
    memcpy(whole, digits, length);
    prefix->nibbles = (uint32_t)length;
    return tw_alert_id_read((struct tw_text){whole, 2 * TW_ALERT_ID_BYTES}, prefix->bytes);
}

struct found {
    uint8_t *id;
    int count; /* different ones */
};

static bool note(void *context, const uint8_t id[TW_ALERT_ID_BYTES], const struct tw_store_alert *alert)
{
    struct found *found = context;
    (void)alert;
    if (found->count == 0 || memcmp(found->id, id, TW_ALERT_ID_BYTES) != 0)
        found->count++;
    memcpy(found->id, id, TW_ALERT_ID_BYTES);
    return found->count < 2;
}

int tw_store_find_alert(struct tw_store *store, const char *digits, uint8_t id[TW_ALERT_ID_BYTES],
                        struct tw_store_error *error)
{
    struct prefix prefix = {.nibbles = 0};
    struct found found = {id, 0};
    struct tw_store_error own;
    if (!prefix_of(digits, &prefix))
        return 0;
    struct search search = {
        .store = store, .prefix = &prefix, .visit = note, .context = &found, .error = error == NULL ? &own : error};
    return run_search(&search) ? found.count : -1;
}
