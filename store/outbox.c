/* SPDX-License-Identifier: MIT
 *
 * Deliveries: what is to go to whom, what was given up, and each attempt. A pending delivery is written with its alert
 * (alerts.c); what comes of it is written here, not fsynced: what a crash takes is delivered again, under the same key.
 */
#include <inttypes.h>

#include "store/groups.h"
#include "store/inside.h"

#define KEY_BYTES_MAX TW_DUE_KEY_BYTES_MAX
#define LEDGER_KEY_BYTES 14u
#define RETRY_BATCH 512u
#define FORWARD_BATCH 512u

/* As they stand in values; README.md has their bytes. */
struct row {
    int64_t queued_ns, at_ns;
    uint32_t attempts, reason;
};
_Static_assert(sizeof(struct row) == 24, "written as it is; see README.md");
struct ledger_row {
    uint64_t n;
    uint32_t latency_us, attempt;
    int32_t status;
    uint8_t outcome, receiver_bytes;
    uint16_t answer_bytes;
};
_Static_assert(sizeof(struct ledger_row) == 24, "written as it is; see README.md");

/* ---- keys ---- */

static size_t key_of(char sort, struct tw_text receiver, uint64_t n, uint8_t key[KEY_BYTES_MAX])
{
    TW_ASSERT(receiver.length > 0 && receiver.length <= TW_RECEIVER_BYTES_MAX);
    key[0] = 'D';
    key[1] = (uint8_t)sort;
    memcpy(key + 2, receiver.bytes, receiver.length);
    key[2 + receiver.length] = 0;
    tw_put_u64_be(key + 3 + receiver.length, n);
    return 11u + receiver.length;
}

/* The receiver and n of a key of that sort; false: it is none. */
static bool read_key(char sort, const uint8_t *key, size_t length, struct tw_text *receiver, uint64_t *n)
{
    if (length < 12 || length > 11u + TW_RECEIVER_BYTES_MAX || key[0] != 'D' || key[1] != (uint8_t)sort ||
        key[length - 9] != 0)
        return false;
    *receiver = (struct tw_text){(const char *)key + 2, (uint32_t)length - 11u};
    *n = tw_get_u64_be(key + length - 8);
    return memchr(receiver->bytes, 0, receiver->length) == NULL;
}

static bool is_of_sort(char sort, const uint8_t *key, size_t length)
{
    return length >= 2 && key[0] == 'D' && key[1] == (uint8_t)sort;
}

bool tw_deliveries_damaged(const struct tw_store *store, const char *what, struct tw_store_error *error)
{
    tw_store_fail(error, TW_STORE_DAMAGED, "%s is damaged: a row of %s is not readable; restore it from a backup",
                  store->directory, what);
    return false;
}

/* Of an escalation the sort is x. */
size_t tw_due_key(char sort, int64_t due_ns, uint64_t n, struct tw_text receiver, uint8_t key[TW_DUE_KEY_BYTES_MAX])
{
    key[0] = 'D';
    key[1] = (uint8_t)sort;
    tw_put_u64_be(key + 2, due_ns < 0 ? 0 : (uint64_t)due_ns);
    tw_put_u64_be(key + 10, n);
    memcpy(key + TW_DUE_HEAD_BYTES, receiver.bytes, receiver.length);
    return TW_DUE_HEAD_BYTES + receiver.length;
}

/* ---- with an alert ---- */

void tw_store_set_receivers(struct tw_store *store, const char *const *names, uint32_t count)
{
    TW_ASSERT(count <= TW_RECEIVERS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        size_t length = strlen(names[i]);
        TW_ASSERT(length > 0 && length <= TW_RECEIVER_BYTES_MAX);
        memcpy(store->receivers[i], names[i], length + 1);
    }
    store->receiver_count = count;
}

/* Waits in a group? */
static bool put_in_group(struct tw_store *store, rocksdb_writebatch_t *batch, const struct tw_store_alert *alert,
                         uint32_t receiver, struct tw_text name)
{
    for (uint32_t i = 0; i < alert->group_count; i++) {
        const struct tw_store_group *group = &alert->groups[i];
        if ((group->receivers >> receiver & 1u) == 0)
            continue;
        struct tw_store_waiting waiting = {
            .receiver = name, .group = {group->name, group->length}, .n = alert->n, .queued_ns = alert->queued_ns};
        memcpy(waiting.id, alert->id, sizeof waiting.id);
        tw_groups_put_waiting(store, batch, &waiting);
        return true;
    }
    return false;
}

void tw_outbox_put_lead(struct tw_store *store, rocksdb_writebatch_t *batch, struct tw_text receiver, uint64_t n,
                        struct tw_text group, uint32_t repeat, int64_t queued_ns)
{
    uint8_t key[KEY_BYTES_MAX], value[sizeof(struct row) + TW_GROUP_BYTES_MAX];
    const struct row row = {.queued_ns = queued_ns, .reason = repeat};
    memcpy(value, &row, sizeof row);
    memcpy(value + sizeof row, group.bytes, group.length);
    tw_batch_put(store, batch, TW_FAMILY_META, key, key_of('o', receiver, n, key), value, sizeof row + group.length);
}

void tw_outbox_put_alone(struct tw_store *store, rocksdb_writebatch_t *batch, const struct tw_store_delivery *like,
                         uint64_t n)
{
    const struct row row = {.queued_ns = like->queued_ns, .at_ns = like->at_ns, .attempts = like->attempts};
    uint8_t key[KEY_BYTES_MAX];
    size_t length = key_of('o', like->receiver, n, key);
    tw_batch_put(store, batch, TW_FAMILY_META, key, length, &row, sizeof row);
}

static void put_one_pending(struct tw_store *store, rocksdb_writebatch_t *batch, struct tw_text name,
                            const struct tw_store_alert *alert)
{
    const struct row row = {.queued_ns = alert->queued_ns};
    uint8_t key[KEY_BYTES_MAX];
    size_t length = key_of('o', name, alert->n, key);
    tw_batch_put(store, batch, TW_FAMILY_META, key, length, &row, sizeof row);
}

static void put_one_later(struct tw_store *store, rocksdb_writebatch_t *batch, struct tw_text name,
                          const struct tw_store_alert *alert)
{
    uint8_t key[KEY_BYTES_MAX];
    size_t length = tw_due_key('x', alert->queued_ns + alert->later_ns, alert->n, name, key);
    tw_batch_put(store, batch, TW_FAMILY_META, key, length, "", 0);
}

/* Receiver by receiver, in the order of the keys: RocksDB then finds each one's place next to the last one's. */
void tw_store_put_pending(struct tw_store *store, rocksdb_writebatch_t *batch, const struct tw_store_alert *alerts,
                          uint32_t count)
{
    for (uint32_t i = 0; i < store->receiver_count; i++) {
        struct tw_text name = {store->receivers[i], (uint32_t)strlen(store->receivers[i])};
        for (uint32_t j = 0; j < count; j++)
            if ((alerts[j].receivers >> i & 1u) != 0 &&
                (alerts[j].group_count == 0 || !put_in_group(store, batch, &alerts[j], i, name)))
                put_one_pending(store, batch, name, &alerts[j]);
        for (uint32_t j = 0; j < count; j++)
            if ((alerts[j].later_receivers >> i & 1u) != 0)
                put_one_later(store, batch, name, &alerts[j]);
    }
}

/* ---- reading ---- */

static bool visit_row(struct tw_store *store, char sort, const rocksdb_iterator_t *iterator,
                      struct tw_store_delivery *out, struct tw_store_error *error)
{
    size_t key_length = 0, value_length = 0;
    const uint8_t *key = tw_iterator_key(iterator, &key_length);
    const uint8_t *value = tw_iterator_value(iterator, &value_length);
    struct row row;
    memset(out, 0, sizeof *out);
    if (!read_key(sort, key, key_length, &out->receiver, &out->n) || value_length < sizeof row ||
        value_length > sizeof row + TW_ANSWER_BYTES_MAX)
        return tw_deliveries_damaged(store, "deliveries", error);
    memcpy(&row, value, sizeof row);
    out->queued_ns = row.queued_ns;
    out->at_ns = row.at_ns;
    out->attempts = row.attempts;
    const struct tw_text rest = {(const char *)value + sizeof row, (uint32_t)(value_length - sizeof row)};
    if (sort == 'o') {
        out->group = rest;
        out->repeat = row.reason;
    } else {
        out->reason = (enum tw_store_reason)row.reason;
        out->why = rest;
    }
    return true;
}

/* Rows of one receiver, or of all. The end is told to RocksDB: else it goes on over every row of the next receiver that
 * was deleted, to find one that was not, and that cost 1 ms of a read behind 10,000 deliveries. */
struct scan {
    rocksdb_readoptions_t *options;
    rocksdb_iterator_t *iterator;
    uint8_t end[KEY_BYTES_MAX];
};

static void begin_scan(struct tw_store *store, char sort, struct tw_text receiver, uint64_t after, struct scan *scan)
{
    uint8_t from[KEY_BYTES_MAX] = {'D', (uint8_t)sort};
    size_t from_length = 2, end_length = 2;
    scan->end[0] = 'D';
    scan->end[1] = (uint8_t)(sort + 1);
    if (receiver.length > 0) {
        from_length = key_of(sort, receiver, after + 1, from);
        end_length = from_length - sizeof(uint64_t);
        memcpy(scan->end, from, end_length);
        scan->end[end_length - 1] = 1; /* behind the 0 that ends the name */
    }
    scan->options = rocksdb_readoptions_create();
    rocksdb_readoptions_set_iterate_upper_bound(scan->options, (const char *)scan->end, end_length);
    scan->iterator = rocksdb_create_iterator_cf(store->db, scan->options, store->families[TW_FAMILY_META]);
    rocksdb_iter_seek(scan->iterator, (const char *)from, from_length);
}

static void end_scan(struct scan *scan)
{
    rocksdb_iter_destroy(scan->iterator);
    rocksdb_readoptions_destroy(scan->options);
}

bool tw_store_deliveries(struct tw_store *store, enum tw_store_delivery_state state, struct tw_text receiver,
                         uint64_t after, tw_store_delivery_visit visit, void *context, struct tw_store_error *error)
{
    char sort = state == TW_DELIVERY_PENDING ? 'o' : 'd';
    bool ok = true, go_on = true;
    struct scan scan;
    if (after == UINT64_MAX)
        return true;
    begin_scan(store, sort, receiver, after, &scan);
    for (; ok && go_on && rocksdb_iter_valid(scan.iterator); rocksdb_iter_next(scan.iterator)) {
        struct tw_store_delivery delivery;
        ok = visit_row(store, sort, scan.iterator, &delivery, error);
        go_on = ok && visit(context, &delivery);
    }
    ok = ok && tw_iterator_ok(store, scan.iterator, "read the deliveries of", error);
    end_scan(&scan);
    return ok;
}

static bool read_attempt(struct tw_store *store, const rocksdb_iterator_t *iterator, struct tw_store_attempt *out,
                         struct tw_store_error *error)
{
    size_t key_length = 0, value_length = 0;
    const uint8_t *key = tw_iterator_key(iterator, &key_length);
    const uint8_t *value = tw_iterator_value(iterator, &value_length);
    struct ledger_row row;
    memset(out, 0, sizeof *out);
    if (key_length != LEDGER_KEY_BYTES || value_length < sizeof row)
        return tw_deliveries_damaged(store, "the ledger", error);
    memcpy(&row, value, sizeof row);
    if (row.receiver_bytes == 0 || row.receiver_bytes > TW_RECEIVER_BYTES_MAX ||
        row.answer_bytes > TW_ANSWER_BYTES_MAX || row.outcome > TW_DELIVERY_NOT_NEEDED ||
        value_length != sizeof row + row.receiver_bytes + row.answer_bytes)
        return tw_deliveries_damaged(store, "the ledger", error);
    const char *text = (const char *)value + sizeof row;
    *out = (struct tw_store_attempt){
        .receiver = {text, row.receiver_bytes},
        .n = row.n,
        .outcome = (enum tw_store_outcome)row.outcome,
        .attempts = row.attempt,
        .began_ns = (int64_t)tw_get_u64_be(key + 2),
        .ordinal = tw_get_u32_be(key + 10),
        .latency_us = row.latency_us,
        .status = row.status,
        .answer = {text + row.receiver_bytes, row.answer_bytes},
    };
    return true;
}

bool tw_store_ledger(struct tw_store *store, int64_t from_ns, tw_store_attempt_visit visit, void *context,
                     struct tw_store_error *error)
{
    uint8_t from[LEDGER_KEY_BYTES] = {'D', 'l'};
    bool ok = true, go_on = true;
    tw_put_u64_be(from + 2, from_ns < 0 ? 0 : (uint64_t)from_ns);
    rocksdb_iterator_t *iterator = tw_store_iterate(store, TW_FAMILY_META);
    rocksdb_iter_seek(iterator, (const char *)from, sizeof from);
    for (; ok && go_on && rocksdb_iter_valid(iterator); rocksdb_iter_next(iterator)) {
        struct tw_store_attempt attempt;
        size_t length = 0;
        const uint8_t *key = tw_iterator_key(iterator, &length);
        if (!is_of_sort('l', key, length))
            break;
        ok = read_attempt(store, iterator, &attempt, error);
        go_on = ok && visit(context, &attempt);
    }
    ok = ok && tw_iterator_ok(store, iterator, "read the ledger of", error);
    rocksdb_iter_destroy(iterator);
    return ok;
}

/* ---- writing ---- */

static uint32_t cut(uint32_t length)
{
    return length > TW_ANSWER_BYTES_MAX ? TW_ANSWER_BYTES_MAX : length;
}

static void put_ledger(struct tw_store *store, rocksdb_writebatch_t *batch, const struct tw_store_attempt *attempt)
{
    uint8_t key[LEDGER_KEY_BYTES] = {'D', 'l'};
    struct ledger_row row = {
        .n = attempt->n,
        .latency_us = attempt->latency_us,
        .attempt = attempt->attempts,
        .status = attempt->status,
        .outcome = (uint8_t)attempt->outcome,
        .receiver_bytes = (uint8_t)attempt->receiver.length,
        .answer_bytes = (uint16_t)cut(attempt->answer.length),
    };
    tw_put_u64_be(key + 2, (uint64_t)attempt->began_ns);
    tw_put_u32_be(key + 10, store->ledger_ordinal++);
    const char *keys[] = {(const char *)key};
    const size_t key_sizes[] = {sizeof key};
    const char *values[] = {(const char *)&row, attempt->receiver.bytes,
                            attempt->answer.bytes == NULL ? "" : attempt->answer.bytes};
    const size_t value_sizes[] = {sizeof row, row.receiver_bytes, row.answer_bytes};
    rocksdb_writebatch_putv_cf(batch, store->families[TW_FAMILY_META], 1, keys, key_sizes, 3, values, value_sizes);
}

static void put_state(struct tw_store *store, rocksdb_writebatch_t *batch, const struct tw_store_attempt *attempt)
{
    uint8_t key[KEY_BYTES_MAX];
    uint8_t value[sizeof(struct row) + TW_ANSWER_BYTES_MAX];
    struct row row = {attempt->queued_ns, attempt->next_ns, attempt->attempts, (uint32_t)attempt->reason};
    size_t length = key_of('o', attempt->receiver, attempt->n, key);
    if (attempt->outcome == TW_DELIVERY_AGAIN) {
        row.reason = attempt->repeat;
        memcpy(value, &row, sizeof row);
        if (attempt->group.length > 0)
            memcpy(value + sizeof row, attempt->group.bytes, attempt->group.length);
        tw_batch_put(store, batch, TW_FAMILY_META, key, length, value, sizeof row + attempt->group.length);
        return;
    }
    if (attempt->lead != 0)
        tw_groups_put_end(store, batch, attempt);
    rocksdb_writebatch_delete_cf(batch, store->families[TW_FAMILY_META], (const char *)key, length);
    if (attempt->outcome == TW_DELIVERY_DONE)
        return;
    size_t why = cut(attempt->answer.length);
    memcpy(value, &row, sizeof row);
    if (why > 0)
        memcpy(value + sizeof row, attempt->answer.bytes, why);
    key[1] = 'd';
    tw_batch_put(store, batch, TW_FAMILY_META, key, length, value, sizeof row + why);
}

static enum tw_store_status write_batch(struct tw_store *store, rocksdb_writebatch_t *batch,
                                        struct tw_store_error *error)
{
    return tw_store_write(store, batch, "write deliveries into", error);
}

enum tw_store_status tw_store_put_attempts(struct tw_store *store, const struct tw_store_attempt *attempts,
                                           uint32_t count, struct tw_store_error *error)
{
    struct tw_store_error own;
    error = error == NULL ? &own : error;
    TW_ASSERT(store->mode == TW_STORE_WRITE);
    if (count == 0)
        return TW_STORE_OK;
    if (!tw_store_room(store, (uint64_t)count * 1024, error))
        return error->status;
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    for (uint32_t i = 0; i < count; i++)
        put_state(store, batch, &attempts[i]);
    for (uint32_t i = 0; i < count; i++) /* behind the others: what is next to its like is found sooner */
        put_ledger(store, batch, &attempts[i]);
    enum tw_store_status status = write_batch(store, batch, error);
    rocksdb_writebatch_destroy(batch);
    return status;
}

enum tw_store_status tw_store_ledger_drop(struct tw_store *store, int64_t before_ns, struct tw_store_error *error)
{
    uint8_t from[LEDGER_KEY_BYTES] = {'D', 'l'}, to[LEDGER_KEY_BYTES] = {'D', 'l'};
    struct tw_store_error own;
    error = error == NULL ? &own : error;
    if (before_ns <= 0)
        return TW_STORE_OK;
    if (!tw_store_room(store, sizeof from + sizeof to, error))
        return error->status;
    tw_put_u64_be(to + 2, (uint64_t)before_ns);
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    rocksdb_writebatch_delete_range_cf(batch, store->families[TW_FAMILY_META], (const char *)from, sizeof from,
                                       (const char *)to, sizeof to);
    enum tw_store_status status = write_batch(store, batch, error);
    rocksdb_writebatch_destroy(batch);
    return status;
}

/* ---- dead letters, once more ---- */

struct revival {
    struct tw_store *store;
    rocksdb_writebatch_t *batch;
    uint64_t only; /* 0: all */
    int64_t now_ns;
    uint64_t count;
};

static bool revive(void *context, const struct tw_store_delivery *dead)
{
    struct revival *revival = context;
    struct tw_store *store = revival->store;
    const struct row row = {.queued_ns = revival->now_ns};
    uint8_t key[KEY_BYTES_MAX];
    if (revival->only != 0 && dead->n != revival->only)
        return false;
    size_t length = key_of('d', dead->receiver, dead->n, key);
    rocksdb_writebatch_delete_cf(revival->batch, store->families[TW_FAMILY_META], (const char *)key, length);
    key[1] = 'o';
    tw_batch_put(store, revival->batch, TW_FAMILY_META, key, length, &row, sizeof row);
    return ++revival->count % RETRY_BATCH != 0;
}

enum tw_store_status tw_store_retry(struct tw_store *store, struct tw_text receiver, uint64_t n, int64_t now_ns,
                                    uint64_t *count, struct tw_store_error *error)
{
    struct tw_store_error own;
    struct revival revival = {.store = store, .only = n, .now_ns = now_ns};
    enum tw_store_status status = TW_STORE_OK;
    bool more = true;
    error = error == NULL ? &own : error;
    TW_ASSERT(store->mode == TW_STORE_WRITE);
    while (status == TW_STORE_OK && more) {
        uint64_t before = revival.count;
        revival.batch = rocksdb_writebatch_create();
        if (!tw_store_room(store, RETRY_BATCH * 128, error) ||
            !tw_store_deliveries(store, TW_DELIVERY_DEAD, receiver, n == 0 ? 0 : n - 1, revive, &revival, error))
            status = error->status;
        else if (revival.count > before)
            status = write_batch(store, revival.batch, error);
        rocksdb_writebatch_destroy(revival.batch);
        more = revival.count > before && revival.count % RETRY_BATCH == 0;
    }
    atomic_fetch_add(&store->outbox_retries, 1);
    *count = revival.count;
    return status;
}

uint64_t tw_store_retries(struct tw_store *store)
{
    return atomic_load(&store->outbox_retries);
}

/* ---- escalations ---- */

bool tw_store_escalations(struct tw_store *store, int64_t until_ns, tw_store_escalation_visit visit, void *context,
                          struct tw_store_error *error)
{
    static const char from[] = {'D', 'x'};
    bool ok = true, go_on = true;
    rocksdb_iterator_t *iterator = tw_store_iterate(store, TW_FAMILY_META);
    rocksdb_iter_seek(iterator, from, sizeof from);
    for (; ok && go_on && rocksdb_iter_valid(iterator); rocksdb_iter_next(iterator)) {
        size_t length = 0;
        const uint8_t *key = tw_iterator_key(iterator, &length);
        if (!is_of_sort('x', key, length))
            break;
        ok = (length > TW_DUE_HEAD_BYTES && length <= TW_DUE_HEAD_BYTES + TW_RECEIVER_BYTES_MAX) ||
             tw_deliveries_damaged(store, "escalations", error);
        if (!ok || (int64_t)tw_get_u64_be(key + 2) > until_ns)
            break;
        const struct tw_store_escalation escalation = {
            (int64_t)tw_get_u64_be(key + 2),
            tw_get_u64_be(key + 10),
            {(const char *)key + TW_DUE_HEAD_BYTES, (uint32_t)length - TW_DUE_HEAD_BYTES}};
        go_on = visit(context, &escalation);
    }
    ok = ok && tw_iterator_ok(store, iterator, "read the escalations of", error);
    rocksdb_iter_destroy(iterator);
    return ok;
}

enum tw_store_status tw_store_escalate(struct tw_store *store, const struct tw_store_escalation *escalation,
                                       uint64_t tell, struct tw_text why, int64_t now_ns, struct tw_store_error *error)
{
    uint8_t key[KEY_BYTES_MAX];
    if (!tw_store_room(store, 1024, error))
        return error->status;
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    size_t length = tw_due_key('x', escalation->due_ns, escalation->n, escalation->receiver, key);
    rocksdb_writebatch_delete_cf(batch, store->families[TW_FAMILY_META], (const char *)key, length);
    if (tell != 0) {
        const struct row row = {.queued_ns = now_ns};
        length = key_of('o', escalation->receiver, tell, key);
        tw_batch_put(store, batch, TW_FAMILY_META, key, length, &row, sizeof row);
        key[1] = 'd'; /* it may have been given up before */
        rocksdb_writebatch_delete_cf(batch, store->families[TW_FAMILY_META], (const char *)key, length);
    } else {
        const struct tw_store_attempt attempt = {.receiver = escalation->receiver,
                                                 .n = escalation->n,
                                                 .outcome = TW_DELIVERY_NOT_NEEDED,
                                                 .began_ns = now_ns,
                                                 .answer = why};
        put_ledger(store, batch, &attempt);
    }
    enum tw_store_status status = write_batch(store, batch, error);
    rocksdb_writebatch_destroy(batch);
    if (status == TW_STORE_OK && tell != 0)
        atomic_fetch_add(&store->outbox_retries, 1);
    return status;
}

enum tw_store_status tw_store_wait_no_longer(struct tw_store *store, enum tw_store_waits what, int64_t latest_ns,
                                             bool *more, struct tw_store_error *error)
{
    char sort = what == TW_WAITS_REPEAT ? 'r' : 'x';
    uint8_t from[TW_DUE_HEAD_BYTES] = {'D', (uint8_t)sort}, key[KEY_BYTES_MAX];
    enum tw_store_status status = TW_STORE_OK;
    uint32_t count = 0;
    struct scan scan;
    tw_put_u64_be(from + 2, (uint64_t)latest_ns + 1);
    begin_scan(store, sort, (struct tw_text){NULL, 0}, 0, &scan);
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    for (rocksdb_iter_seek(scan.iterator, (const char *)from, sizeof from);
         count < FORWARD_BATCH && rocksdb_iter_valid(scan.iterator); rocksdb_iter_next(scan.iterator), count++) {
        size_t length = 0, value_length = 0;
        const uint8_t *old = tw_iterator_key(scan.iterator, &length);
        const uint8_t *value = tw_iterator_value(scan.iterator, &value_length);
        if (length <= TW_DUE_HEAD_BYTES || length > sizeof key)
            break; /* damaged, which is found when it is due */
        memcpy(key, old, length);
        tw_put_u64_be(key + 2, (uint64_t)latest_ns);
        rocksdb_writebatch_delete_cf(batch, store->families[TW_FAMILY_META], (const char *)old, length);
        tw_batch_put(store, batch, TW_FAMILY_META, key, length, value, value_length);
    }
    if (!tw_iterator_ok(store, scan.iterator, "read what waits in", error))
        status = error->status;
    else if (count > 0)
        status = tw_store_room(store, (uint64_t)count * 512, error) ? write_batch(store, batch, error) : error->status;
    *more = *more || count == FORWARD_BATCH;
    rocksdb_writebatch_destroy(batch);
    end_scan(&scan);
    return status;
}
