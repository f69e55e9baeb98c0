/* SPDX-License-Identifier: MIT
 *
 * What people do to alerts, by number and by alert. Actions are written in the batch of the log's record that has them;
 * retention drops that record, the row stays. Rows of actions are chained: the digest after one is SHA-256 over the
 * digest before it and its bytes.
 */
#include <inttypes.h>

#include "protocol/action.h"
#include "store/inside.h"

/* ---- keys ---- */

/* 'A' and a sort: h an action by number, a actions of an alert, s and m what silences hid. */
#define NUMBER_KEY_BYTES 10u
#define ALERT_KEY_BYTES 26u

static void number_key(uint8_t key[NUMBER_KEY_BYTES], uint64_t h)
{
    key[0] = 'A';
    key[1] = 'h';
    tw_put_u64_be(key + 2, h);
}

void tw_store_alert_key(uint8_t key[ALERT_KEY_BYTES], const uint8_t id[TW_ALERT_ID_BYTES], uint64_t h)
{
    key[0] = 'A';
    key[1] = 'a';
    memcpy(key + 2, id, TW_ALERT_ID_BYTES);
    tw_put_u64_be(key + 18, h);
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
    struct tw_hasher *hasher = tw_hasher_new();
    tw_digest_extend(hasher, actions->digest, bytes.bytes, bytes.length);
    tw_hasher_free(&hasher);
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
        tw_store_alert_key(alert_key, id, message.h);
        tw_batch_put(store, batch, TW_FAMILY_META, alert_key, sizeof alert_key, "", 0);
    }
    tw_buffer_free(&bytes);
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
    /* Before the iterator, which sees at least as many; what it sees beyond is not durable yet. */
    const uint64_t last = tw_store_last_action(store);
    uint64_t h = after + 1;
    uint8_t from[NUMBER_KEY_BYTES];
    number_key(from, h);
    rocksdb_iterator_t *iterator = tw_store_iterate(store, TW_FAMILY_META);
    rocksdb_iter_seek(iterator, (const char *)from, sizeof from);
    bool ok = true, go_on = true;
    for (; ok && go_on && h <= last && stands_on(iterator, 'h'); rocksdb_iter_next(iterator), h++) {
        struct tw_store_action action;
        ok = (take_action(iterator, &action) && action.h == h) || missing(store, "action", h, error);
        go_on = ok && visit(context, &action);
    }
    ok = ok && tw_iterator_ok(store, iterator, "read the actions of", error);
    rocksdb_iter_destroy(iterator);
    return ok && (!go_on || h > last || missing(store, "action", h, error));
}

/* ---- of one alert ---- */

struct walk {
    struct tw_store *store;
    tw_store_action_visit visit;
    void *context;
    struct tw_store_error *error;
    uint64_t h;
    bool ok, go_on, met;
};

static bool give_action(void *context, const struct tw_store_action *action)
{
    struct walk *walk = context;
    walk->met = action->h == walk->h;
    walk->go_on = walk->met && walk->visit(walk->context, action);
    return false;
}

static bool visit_action(struct walk *walk, uint64_t h)
{
    walk->h = h;
    walk->met = false;
    walk->ok = tw_store_actions(walk->store, h - 1, give_action, walk, walk->error) &&
               (walk->met || missing(walk->store, "action", h, walk->error));
    return walk->ok && walk->go_on;
}

bool tw_store_actions_of(struct tw_store *store, const uint8_t id[TW_ALERT_ID_BYTES], tw_store_action_visit visit,
                         void *context, struct tw_store_error *error)
{
    struct walk walk = {.store = store, .visit = visit, .context = context, .error = error, .ok = true};
    const uint64_t last = tw_store_last_action(store);
    uint8_t from[ALERT_KEY_BYTES];
    tw_store_alert_key(from, id, 0);
    rocksdb_iterator_t *iterator = tw_store_iterate(store, TW_FAMILY_META);
    rocksdb_iter_seek(iterator, (const char *)from, sizeof from);
    bool go_on = true;
    for (; go_on && rocksdb_iter_valid(iterator); rocksdb_iter_next(iterator)) {
        size_t length = 0;
        const uint8_t *key = tw_iterator_key(iterator, &length);
        if (length != ALERT_KEY_BYTES || memcmp(key, from, ALERT_KEY_BYTES - 8) != 0)
            break;
        const uint64_t h = tw_get_u64_be(key + ALERT_KEY_BYTES - 8);
        go_on = h <= last && visit_action(&walk, h);
    }
    bool ok = tw_iterator_ok(store, iterator, "read the actions of", error);
    rocksdb_iter_destroy(iterator);
    return ok && walk.ok;
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
