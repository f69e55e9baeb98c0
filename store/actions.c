/* SPDX-License-Identifier: MIT
 *
 * What people do to alerts, by number and by alert; and the events of an alert by its id. Actions are written in the
 * batch of the log's record that has them; retention drops that record, the row stays. Rows of actions are chained: the
 * digest after one is SHA-256 over the digest before it and its bytes.
 */
#include <inttypes.h>

#include "protocol/action.h"
#include "store/inside.h"

#define INDEX_BATCH 4096u

/* ---- keys ---- */

/* 'A' and a sort: h an action by number, a actions of an alert, e events of an alert. */
#define NUMBER_KEY_BYTES 10u
#define ALERT_KEY_BYTES 26u

static void number_key(uint8_t key[NUMBER_KEY_BYTES], uint64_t h)
{
    key[0] = 'A';
    key[1] = 'h';
    tw_put_u64_be(key + 2, h);
}

void tw_store_alert_key(uint8_t key[ALERT_KEY_BYTES], char sort, const uint8_t id[TW_ALERT_ID_BYTES], uint64_t number)
{
    key[0] = 'A';
    key[1] = (uint8_t)sort;
    memcpy(key + 2, id, TW_ALERT_ID_BYTES);
    tw_put_u64_be(key + 18, number);
}

static bool stands_on(const rocksdb_iterator_t *iterator, char sort)
{
    size_t length = 0;
    const uint8_t *key = rocksdb_iter_valid(iterator) ? tw_iterator_key(iterator, &length) : NULL;
    return length >= 2 && key[0] == 'A' && key[1] == (uint8_t)sort;
}

static bool missing(const struct tw_store *store, const char *what, uint64_t number, struct tw_store_error *error)
{
    tw_store_fail(error, TW_STORE_DAMAGED,
                  "%s is damaged: %s %" PRIu64 " is missing or not whole; restore it from a backup", store->directory,
                  what, number);
    return false;
}

/* ---- writing ---- */

void tw_store_put_action(struct tw_store *store, rocksdb_writebatch_t *batch, struct tw_store_actions *actions,
                         const struct tw_control *control)
{
    struct tw_action_message message = {.h = control->number, .at_ns = control->ts_ns};
    const char *why = NULL;
    TW_ASSERT(tw_action_decode(control->text.bytes, control->text.length, &message.action, &why));
    TW_ASSERT(message.h == actions->last + 1);
    struct tw_buffer bytes = {0};
    tw_action_message_encode(&bytes, &message);
    tw_digest_extend(actions->digest, bytes.bytes, bytes.length);
    actions->last = message.h;
    uint8_t key[NUMBER_KEY_BYTES], alert_key[ALERT_KEY_BYTES], id[TW_ALERT_ID_BYTES];
    number_key(key, message.h);
    const char *keys[] = {(const char *)key};
    const size_t key_sizes[] = {sizeof key};
    const char *values[] = {(const char *)actions->digest, (const char *)bytes.bytes};
    const size_t value_sizes[] = {sizeof actions->digest, bytes.length};
    rocksdb_writebatch_putv_cf(batch, store->families[TW_FAMILY_META], 1, keys, key_sizes, 2, values, value_sizes);
    if (tw_action_is_of_alert(message.action.verb)) {
        TW_ASSERT(tw_alert_id_read(message.action.id, id));
        tw_store_alert_key(alert_key, 'a', id, message.h);
        tw_batch_put(store, batch, TW_FAMILY_META, alert_key, sizeof alert_key, "", 0);
    }
    tw_buffer_free(&bytes);
}

void tw_store_put_event(struct tw_store *store, rocksdb_writebatch_t *batch, const struct tw_store_alert *alert)
{
    uint8_t key[ALERT_KEY_BYTES], id[TW_ALERT_ID_BYTES];
    TW_ASSERT(tw_alert_id_of(alert->bytes, alert->length, id));
    tw_store_alert_key(key, 'e', id, alert->n);
    tw_batch_put(store, batch, TW_FAMILY_META, key, sizeof key, "", 0);
}

/* ---- alerts of an older format: they have no rows by id ---- */

struct indexing {
    struct tw_store *store;
    rocksdb_writebatch_t *batch;
    struct tw_store_error *error;
    bool ok;
};

static bool index_alert(void *context, const struct tw_store_alert *alert)
{
    struct indexing *indexing = context;
    uint8_t id[TW_ALERT_ID_BYTES];
    indexing->ok =
        tw_alert_id_of(alert->bytes, alert->length, id) || missing(indexing->store, "alert", alert->n, indexing->error);
    if (!indexing->ok)
        return false;
    tw_store_put_event(indexing->store, indexing->batch, alert);
    if (alert->n % INDEX_BATCH != 0)
        return true;
    indexing->ok = tw_store_write(indexing->store, indexing->batch, "upgrade", indexing->error) == TW_STORE_OK;
    rocksdb_writebatch_clear(indexing->batch);
    return indexing->ok;
}

bool tw_store_index_alerts(struct tw_store *store, struct tw_store_error *error)
{
    struct indexing indexing = {store, rocksdb_writebatch_create(), error, true};
    bool ok = tw_store_alerts(store, 0, index_alert, &indexing, error) && indexing.ok &&
              tw_store_write(store, indexing.batch, "upgrade", error) == TW_STORE_OK;
    rocksdb_writebatch_destroy(indexing.batch);
    return ok;
}

/* ---- reading ---- */

/* A row of an action; false: it is not one, or not whole. */
static bool take_action(const rocksdb_iterator_t *iterator, struct tw_store_action *out)
{
    size_t key_length = 0, value_length = 0;
    const uint8_t *key = tw_iterator_key(iterator, &key_length);
    const uint8_t *value = tw_iterator_value(iterator, &value_length);
    if (key_length != NUMBER_KEY_BYTES || value_length <= TW_SHA256_BYTES || value_length > UINT32_MAX)
        return false;
    *out = (struct tw_store_action){.h = tw_get_u64_be(key + 2),
                                    .bytes = value + TW_SHA256_BYTES,
                                    .length = (uint32_t)(value_length - TW_SHA256_BYTES)};
    memcpy(out->digest, value, sizeof out->digest);
    return true;
}

bool tw_store_read_actions(struct tw_store *store, struct tw_store_error *error)
{
    uint8_t behind[NUMBER_KEY_BYTES];
    number_key(behind, UINT64_MAX);
    rocksdb_iterator_t *iterator = tw_store_iterate(store, TW_FAMILY_META);
    rocksdb_iter_seek_for_prev(iterator, (const char *)behind, sizeof behind);
    bool ok = true;
    if (stands_on(iterator, 'h')) {
        struct tw_store_action newest;
        ok = take_action(iterator, &newest) || missing(store, "the newest action", 0, error);
        if (ok) {
            store->actions.last = newest.h;
            memcpy(store->actions.digest, newest.digest, sizeof newest.digest);
        }
    }
    ok = ok && tw_iterator_ok(store, iterator, "read the actions of", error);
    rocksdb_iter_destroy(iterator);
    return ok;
}

uint64_t tw_store_last_action(struct tw_store *store)
{
    pthread_mutex_lock(&store->lock);
    uint64_t last = store->actions.last;
    pthread_mutex_unlock(&store->lock);
    return last;
}

bool tw_store_actions(struct tw_store *store, uint64_t after, tw_store_action_visit visit, void *context,
                      struct tw_store_error *error)
{
    if (after == UINT64_MAX)
        return true;
    const uint64_t last = tw_store_last_action(store); /* before the iterator, which sees at least as many */
    uint64_t h = after + 1;
    uint8_t from[NUMBER_KEY_BYTES];
    number_key(from, h);
    rocksdb_iterator_t *iterator = tw_store_iterate(store, TW_FAMILY_META);
    rocksdb_iter_seek(iterator, (const char *)from, sizeof from);
    bool ok = true, go_on = true;
    for (; ok && go_on && stands_on(iterator, 'h'); rocksdb_iter_next(iterator), h++) {
        struct tw_store_action action;
        ok = (take_action(iterator, &action) && action.h == h) || missing(store, "action", h, error);
        go_on = ok && visit(context, &action);
    }
    ok = ok && tw_iterator_ok(store, iterator, "read the actions of", error);
    rocksdb_iter_destroy(iterator);
    return ok && (!go_on || h > last || missing(store, "action", h, error));
}

/* ---- of one alert ---- */

/* The numbers of an alert's rows of that sort, in order. */
typedef bool (*number_visit)(void *context, uint64_t number);
static bool numbers_of(struct tw_store *store, char sort, const uint8_t id[TW_ALERT_ID_BYTES], number_visit visit,
                       void *context, struct tw_store_error *error)
{
    uint8_t from[ALERT_KEY_BYTES];
    tw_store_alert_key(from, sort, id, 0);
    rocksdb_iterator_t *iterator = tw_store_iterate(store, TW_FAMILY_META);
    rocksdb_iter_seek(iterator, (const char *)from, sizeof from);
    bool go_on = true;
    for (; go_on && rocksdb_iter_valid(iterator); rocksdb_iter_next(iterator)) {
        size_t length = 0;
        const uint8_t *key = tw_iterator_key(iterator, &length);
        if (length != ALERT_KEY_BYTES || memcmp(key, from, ALERT_KEY_BYTES - 8) != 0)
            break;
        go_on = visit(context, tw_get_u64_be(key + ALERT_KEY_BYTES - 8));
    }
    bool ok = tw_iterator_ok(store, iterator, "read the alerts of", error);
    rocksdb_iter_destroy(iterator);
    return ok;
}

struct walk {
    struct tw_store *store;
    tw_store_alert_visit visit_event;
    tw_store_action_visit visit_action;
    void *context;
    struct tw_store_error *error;
    uint64_t number;
    bool ok, go_on, met;
};

static bool give_event(void *context, const struct tw_store_alert *alert)
{
    struct walk *walk = context;
    walk->met = alert->n == walk->number;
    walk->go_on = walk->met && walk->visit_event(walk->context, alert);
    return false;
}

static bool give_action(void *context, const struct tw_store_action *action)
{
    struct walk *walk = context;
    walk->met = action->h == walk->number;
    walk->go_on = walk->met && walk->visit_action(walk->context, action);
    return false;
}

static bool visit_number(void *context, uint64_t number)
{
    struct walk *walk = context;
    walk->number = number;
    walk->met = false;
    walk->ok = walk->visit_event != NULL ? tw_store_alerts(walk->store, number - 1, give_event, walk, walk->error)
                                         : tw_store_actions(walk->store, number - 1, give_action, walk, walk->error);
    walk->ok = walk->ok &&
               (walk->met || missing(walk->store, walk->visit_event != NULL ? "alert" : "action", number, walk->error));
    return walk->ok && walk->go_on;
}

bool tw_store_events_of(struct tw_store *store, const uint8_t id[TW_ALERT_ID_BYTES], tw_store_alert_visit visit,
                        void *context, struct tw_store_error *error)
{
    struct walk walk = {.store = store, .visit_event = visit, .context = context, .error = error, .ok = true};
    return numbers_of(store, 'e', id, visit_number, &walk, error) && walk.ok;
}

bool tw_store_actions_of(struct tw_store *store, const uint8_t id[TW_ALERT_ID_BYTES], tw_store_action_visit visit,
                         void *context, struct tw_store_error *error)
{
    struct walk walk = {.store = store, .visit_action = visit, .context = context, .error = error, .ok = true};
    return numbers_of(store, 'a', id, visit_number, &walk, error) && walk.ok;
}

/* The first bytes of a key for so many hex digits; the bound of a last odd digit is its low nibble 0. */
static bool id_from(const char *digits, uint8_t id[TW_ALERT_ID_BYTES], size_t *length)
{
    char whole[2 * TW_ALERT_ID_BYTES + 1];
    *length = strlen(digits);
    if (*length == 0 || *length > 2 * TW_ALERT_ID_BYTES)
        return false;
    memset(whole, '0', sizeof whole);
    memcpy(whole, digits, *length);
    return tw_alert_id_read((struct tw_text){whole, 2 * TW_ALERT_ID_BYTES}, id);
}

int tw_store_find_alert(struct tw_store *store, const char *digits, uint8_t id[TW_ALERT_ID_BYTES],
                        struct tw_store_error *error)
{
    uint8_t from[ALERT_KEY_BYTES];
    size_t length = 0;
    int found = 0;
    if (!id_from(digits, id, &length))
        return 0;
    tw_store_alert_key(from, 'e', id, 0);
    rocksdb_iterator_t *iterator = tw_store_iterate(store, TW_FAMILY_META);
    rocksdb_iter_seek(iterator, (const char *)from, sizeof from);
    while (found < 2 && stands_on(iterator, 'e')) {
        char text[2 * TW_ALERT_ID_BYTES + 1];
        size_t key_length = 0;
        const uint8_t *key = tw_iterator_key(iterator, &key_length);
        if (key_length != ALERT_KEY_BYTES)
            break;
        tw_hex(key + 2, TW_ALERT_ID_BYTES, text);
        if (strncmp(text, digits, length) != 0)
            break;
        memcpy(id, key + 2, TW_ALERT_ID_BYTES);
        found++;
        tw_store_alert_key(from, 'e', id, UINT64_MAX); /* behind all of its events */
        rocksdb_iter_seek(iterator, (const char *)from, sizeof from);
    }
    bool ok = tw_iterator_ok(store, iterator, "read the alerts of", error);
    rocksdb_iter_destroy(iterator);
    return ok ? found : -1;
}

/* ---- what silences hid: by silence, and by alert ---- */

#define SILENCED_KEY_BYTES 18u

void tw_store_put_silenced(struct tw_store *store, rocksdb_writebatch_t *batch, const struct tw_store_alert *alert)
{
    uint8_t key[SILENCED_KEY_BYTES] = {'A', 's'}, by_alert[NUMBER_KEY_BYTES] = {'A', 'm'};
    if (alert->silence == 0)
        return;
    tw_put_u64_be(key + 2, alert->silence);
    tw_put_u64_be(key + 10, alert->n);
    tw_batch_put(store, batch, TW_FAMILY_META, key, sizeof key, "", 0);
    tw_put_u64_be(by_alert + 2, alert->n);
    tw_batch_put(store, batch, TW_FAMILY_META, by_alert, sizeof by_alert, &alert->silence, sizeof alert->silence);
}

bool tw_store_silenced(struct tw_store *store, uint64_t silence, tw_store_silenced_visit visit, void *context,
                       struct tw_store_error *error)
{
    uint8_t from[SILENCED_KEY_BYTES] = {'A', 's'};
    tw_put_u64_be(from + 2, silence);
    rocksdb_iterator_t *iterator = tw_store_iterate(store, TW_FAMILY_META);
    rocksdb_iter_seek(iterator, (const char *)from, sizeof from);
    bool ok = true;
    for (; stands_on(iterator, 's'); rocksdb_iter_next(iterator)) {
        size_t length = 0;
        const uint8_t *key = tw_iterator_key(iterator, &length);
        ok = length == SILENCED_KEY_BYTES || missing(store, "a row of silence", silence, error);
        if (!ok || (silence != 0 && tw_get_u64_be(key + 2) != silence) ||
            !visit(context, tw_get_u64_be(key + 2), tw_get_u64_be(key + 10)))
            break;
    }
    ok = ok && tw_iterator_ok(store, iterator, "read what silences hid in", error);
    rocksdb_iter_destroy(iterator);
    return ok;
}

bool tw_store_silence_of(struct tw_store *store, uint64_t n, uint64_t *silence, struct tw_store_error *error)
{
    uint8_t key[NUMBER_KEY_BYTES] = {'A', 'm'};
    tw_put_u64_be(key + 2, n);
    *silence = 0;
    return tw_store_get_exact(store, TW_FAMILY_META, key, sizeof key, silence, sizeof *silence, error) >= 0;
}
