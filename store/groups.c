/* SPDX-License-Identifier: MIT
 *
 * Deliveries in groups: what waits for its group's message, what such a message stands for, and what may be told again.
 * Keys: 'D', a sort, the receiver, 0, and
 *
 *     w  hash of the group, n      an event that waits
 *     e  alert's id, n             the same by alert -> hash; of a member, hash and lead
 *     m  n of the lead, n          a member of a message that was made
 *     g  hash of the group         when its last message was made
 *
 * or, in order of time, 'D', 'r', when, n, the receiver: what was told and may be told again.
 */
#include <stdlib.h>
#include <xxhash.h>

#include "store/groups.h"
#include "store/inside.h"

#define KEY_BYTES_MAX (2u + TW_RECEIVER_BYTES_MAX + 1u + TW_ALERT_ID_BYTES + 8u)
#define FORGET_MAX 10000u /* at a time */

/* As it stands in values, before the group's name; README.md has the bytes. */
struct row {
    int64_t queued_ns;
    uint32_t repeat, unused;
    uint8_t id[TW_ALERT_ID_BYTES];
};
_Static_assert(sizeof(struct row) == 32, "written as it is; see README.md");

static uint64_t hash_of(struct tw_text group)
{
    return XXH3_64bits(group.bytes, group.length);
}

static size_t head_of(char sort, struct tw_text receiver, uint8_t key[KEY_BYTES_MAX])
{
    key[0] = 'D';
    key[1] = (uint8_t)sort;
    memcpy(key + 2, receiver.bytes, receiver.length);
    key[2 + receiver.length] = 0;
    return 3u + receiver.length;
}

static size_t pair_key(char sort, struct tw_text receiver, uint64_t a, uint64_t b, uint8_t key[KEY_BYTES_MAX])
{
    size_t length = head_of(sort, receiver, key);
    tw_put_u64_be(key + length, a);
    tw_put_u64_be(key + length + 8, b);
    return length + 16;
}

static size_t alert_key(struct tw_text receiver, const uint8_t id[TW_ALERT_ID_BYTES], uint64_t n,
                        uint8_t key[KEY_BYTES_MAX])
{
    size_t length = head_of('e', receiver, key);
    memcpy(key + length, id, TW_ALERT_ID_BYTES);
    tw_put_u64_be(key + length + TW_ALERT_ID_BYTES, n);
    return length + TW_ALERT_ID_BYTES + 8;
}

/* ---- writing rows ---- */

static void put_row(struct tw_store *store, rocksdb_writebatch_t *batch, const uint8_t *key, size_t length,
                    const struct tw_store_waiting *it)
{
    uint8_t value[sizeof(struct row) + TW_GROUP_BYTES_MAX];
    struct row row = {.queued_ns = it->queued_ns, .repeat = it->repeat};
    TW_ASSERT(it->group.length <= TW_GROUP_BYTES_MAX);
    memcpy(row.id, it->id, sizeof row.id);
    memcpy(value, &row, sizeof row);
    memcpy(value + sizeof row, it->group.bytes, it->group.length);
    tw_batch_put(store, batch, TW_FAMILY_META, key, length, value, sizeof row + it->group.length);
}

static void drop(struct tw_store *store, rocksdb_writebatch_t *batch, const uint8_t *key, size_t length)
{
    rocksdb_writebatch_delete_cf(batch, store->families[TW_FAMILY_META], (const char *)key, length);
}

void tw_groups_put_waiting(struct tw_store *store, rocksdb_writebatch_t *batch, const struct tw_store_waiting *it)
{
    uint8_t key[KEY_BYTES_MAX];
    uint64_t hash = hash_of(it->group);
    put_row(store, batch, key, pair_key('w', it->receiver, hash, it->n, key), it);
    tw_batch_put(store, batch, TW_FAMILY_META, key, alert_key(it->receiver, it->id, it->n, key), &hash, sizeof hash);
}

void tw_groups_put_end(struct tw_store *store, rocksdb_writebatch_t *batch, const struct tw_store_attempt *attempt)
{
    uint8_t key[KEY_BYTES_MAX];
    drop(store, batch, key, pair_key('m', attempt->receiver, attempt->lead, attempt->n, key));
    drop(store, batch, key, alert_key(attempt->receiver, attempt->id, attempt->n, key));
    if (attempt->outcome != TW_DELIVERY_DONE || attempt->repeat_at_ns == 0)
        return;
    struct tw_store_waiting told = {
        .receiver = attempt->receiver, .group = attempt->group, .n = attempt->n, .repeat = attempt->repeat};
    memcpy(told.id, attempt->id, sizeof told.id);
    put_row(store, batch, key, tw_due_key('r', attempt->repeat_at_ns, attempt->n, attempt->receiver, key), &told);
}

/* ---- reading rows ---- */

static bool read_value(const rocksdb_iterator_t *iterator, struct tw_store_waiting *out)
{
    size_t length = 0;
    const uint8_t *value = tw_iterator_value(iterator, &length);
    struct row row;
    if (length < sizeof row || length > sizeof row + TW_GROUP_BYTES_MAX)
        return false;
    memcpy(&row, value, sizeof row);
    out->queued_ns = row.queued_ns;
    out->repeat = row.repeat;
    memcpy(out->id, row.id, sizeof out->id);
    out->group = (struct tw_text){(const char *)value + sizeof row, (uint32_t)(length - sizeof row)};
    return true;
}

/* The row of that sort on which it stands: 1; 0 another's begin; -1 it is damaged. */
static int read_pair(char sort, const rocksdb_iterator_t *iterator, struct tw_store_waiting *out)
{
    size_t length = 0;
    const uint8_t *key = rocksdb_iter_valid(iterator) ? tw_iterator_key(iterator, &length) : NULL;
    memset(out, 0, sizeof *out);
    if (length < 2 || key[0] != 'D' || key[1] != (uint8_t)sort)
        return 0;
    if (length < 20 || length > 19u + TW_RECEIVER_BYTES_MAX || key[length - 17] != 0 || !read_value(iterator, out))
        return -1;
    out->receiver = (struct tw_text){(const char *)key + 2, (uint32_t)length - 19u};
    out->hash = tw_get_u64_be(key + length - 16);
    out->n = tw_get_u64_be(key + length - 8);
    return 1;
}

static bool is_same(struct tw_text a, struct tw_text b)
{
    return a.length == b.length && memcmp(a.bytes, b.bytes, a.length) == 0;
}

/* Where a scan ends, RocksDB is told: it would else go over all that was deleted behind, to the next row of anybody. */
static rocksdb_readoptions_t *bounded_by(const uint8_t *end, size_t length)
{
    rocksdb_readoptions_t *options = rocksdb_readoptions_create();
    rocksdb_readoptions_set_iterate_upper_bound(options, (const char *)end, length); /* which it borrows */
    return options;
}

static rocksdb_iterator_t *iterate_to(struct tw_store *store, const rocksdb_readoptions_t *options)
{
    return rocksdb_create_iterator_cf(store->db, options, store->families[TW_FAMILY_META]);
}

static void seek(rocksdb_iterator_t *iterator, const uint8_t *key, size_t length)
{
    rocksdb_iter_seek(iterator, (const char *)key, length);
}

/* Rows from the iterator's place on, as long as they are this receiver's (empty: any). */
static bool visit_pairs(struct tw_store *store, rocksdb_iterator_t *iterator, char sort, struct tw_text receiver,
                        const uint64_t *lead, tw_store_waiting_visit visit, void *context, struct tw_store_error *error)
{
    struct tw_store_waiting it;
    int more = 1;
    bool go_on = true;
    for (; go_on && (more = read_pair(sort, iterator, &it)) > 0; rocksdb_iter_next(iterator)) {
        if ((receiver.length > 0 && !is_same(receiver, it.receiver)) || (lead != NULL && it.hash != *lead))
            break;
        go_on = visit(context, &it);
    }
    bool ok = (more >= 0 || tw_deliveries_damaged(store, "groups", error)) &&
              tw_iterator_ok(store, iterator, "read the groups of", error);
    rocksdb_iter_destroy(iterator);
    return ok;
}

bool tw_store_waiting(struct tw_store *store, struct tw_text receiver, uint64_t hash, uint64_t after,
                      tw_store_waiting_visit visit, void *context, struct tw_store_error *error)
{
    uint8_t key[KEY_BYTES_MAX] = {'D', 'w'};
    size_t length = receiver.length == 0 ? 2 : pair_key('w', receiver, hash, after + 1, key);
    if (after == UINT64_MAX)
        return true;
    rocksdb_iterator_t *iterator = tw_store_iterate(store, TW_FAMILY_META);
    seek(iterator, key, length);
    return visit_pairs(store, iterator, 'w', receiver, NULL, visit, context, error);
}

bool tw_store_members(struct tw_store *store, struct tw_text receiver, uint64_t lead, tw_store_waiting_visit visit,
                      void *context, struct tw_store_error *error)
{
    uint8_t key[KEY_BYTES_MAX], end[KEY_BYTES_MAX];
    rocksdb_readoptions_t *bounded = bounded_by(end, pair_key('m', receiver, lead, UINT64_MAX, end));
    rocksdb_iterator_t *iterator = iterate_to(store, bounded);
    seek(iterator, key, pair_key('m', receiver, lead, 0, key));
    bool ok = visit_pairs(store, iterator, 'm', receiver, &lead, visit, context, error);
    rocksdb_readoptions_destroy(bounded);
    return ok;
}

/* 0: there was none yet. */
static bool told_at(struct tw_store *store, struct tw_text receiver, uint64_t hash, int64_t *out,
                    struct tw_store_error *error)
{
    uint8_t key[KEY_BYTES_MAX];
    size_t length = head_of('g', receiver, key);
    tw_put_u64_be(key + length, hash);
    *out = 0;
    return tw_store_get_exact(store, TW_FAMILY_META, key, length + 8, out, sizeof *out, error) >= 0;
}

/* n of the last that waits in the group of this one. */
static uint64_t last_of(struct tw_store *store, const struct tw_store_waiting *first)
{
    uint8_t key[KEY_BYTES_MAX];
    struct tw_store_waiting last;
    rocksdb_iterator_t *iterator = tw_store_iterate(store, TW_FAMILY_META);
    size_t length = pair_key('w', first->receiver, first->hash, UINT64_MAX, key);
    rocksdb_iter_seek_for_prev(iterator, (const char *)key, length);
    uint64_t n = read_pair('w', iterator, &last) > 0 ? last.n : first->n;
    rocksdb_iter_destroy(iterator);
    return n;
}

bool tw_store_groups(struct tw_store *store, struct tw_text receiver, uint64_t after, tw_store_group_visit visit,
                     void *context, struct tw_store_error *error)
{
    uint8_t key[KEY_BYTES_MAX], end[KEY_BYTES_MAX];
    struct tw_store_waiting first;
    int more = 1;
    bool ok = true, go_on = after != UINT64_MAX;
    rocksdb_readoptions_t *bounded = bounded_by(end, pair_key('w', receiver, UINT64_MAX, UINT64_MAX, end));
    rocksdb_iterator_t *iterator = iterate_to(store, bounded);
    seek(iterator, key, pair_key('w', receiver, after + 1, 0, key));
    while (ok && go_on && (more = read_pair('w', iterator, &first)) > 0 && is_same(receiver, first.receiver)) {
        int64_t told_ns = 0;
        ok = told_at(store, receiver, first.hash, &told_ns, error);
        go_on = ok && visit(context, &first, last_of(store, &first), told_ns) && first.hash != UINT64_MAX;
        if (go_on)
            seek(iterator, key, pair_key('w', receiver, first.hash + 1, 0, key));
    }
    ok = ok && (more >= 0 || tw_deliveries_damaged(store, "groups", error)) &&
         tw_iterator_ok(store, iterator, "read the groups of", error);
    rocksdb_iter_destroy(iterator);
    rocksdb_readoptions_destroy(bounded);
    return ok;
}

/* Events of an alert up to n that wait for a receiver, or are in a message of this lead (0: they wait), by their
 * numbers and their groups' hashes. */
typedef bool (*event_visit)(void *context, uint64_t n, uint64_t hash, uint64_t lead);
static bool visit_events(struct tw_store *store, struct tw_text receiver, const uint8_t id[TW_ALERT_ID_BYTES],
                         uint64_t n, event_visit visit, void *context, struct tw_store_error *error)
{
    uint8_t from[KEY_BYTES_MAX];
    size_t length = alert_key(receiver, id, 0, from);
    bool ok = true, go_on = true;
    uint8_t end[KEY_BYTES_MAX];
    rocksdb_readoptions_t *bounded = bounded_by(end, alert_key(receiver, id, n, end));
    rocksdb_iterator_t *iterator = iterate_to(store, bounded);
    for (seek(iterator, from, length); ok && go_on && rocksdb_iter_valid(iterator); rocksdb_iter_next(iterator)) {
        size_t key_length = 0, value_length = 0;
        uint64_t value[2] = {0, 0};
        const uint8_t *key = tw_iterator_key(iterator, &key_length),
                      *bytes = tw_iterator_value(iterator, &value_length);
        if (key_length != length || memcmp(key, from, length - 8) != 0 || tw_get_u64_be(key + length - 8) >= n)
            break;
        ok = value_length == sizeof value[0] || value_length == sizeof value ||
             tw_deliveries_damaged(store, "groups", error);
        if (ok)
            memcpy(value, bytes, value_length);
        go_on = ok && visit(context, tw_get_u64_be(key + length - 8), value[0], value[1]);
    }
    ok = ok && tw_iterator_ok(store, iterator, "read the groups of", error);
    rocksdb_iter_destroy(iterator);
    rocksdb_readoptions_destroy(bounded);
    return ok;
}

struct search {
    struct tw_store_waiting *out;
    uint64_t ahead;
};
static bool take_elder(void *context, uint64_t n, uint64_t hash, uint64_t lead)
{
    struct search *search = context;
    if (lead != 0 && lead <= search->ahead)
        return true;
    search->out->n = n;
    search->out->hash = hash;
    search->out->lead = lead;
    return false;
}

bool tw_store_elder(struct tw_store *store, struct tw_text receiver, const uint8_t id[TW_ALERT_ID_BYTES], uint64_t n,
                    uint64_t ahead, struct tw_store_waiting *out, struct tw_store_error *error)
{
    *out = (struct tw_store_waiting){.receiver = receiver};
    struct search search = {out, ahead};
    memcpy(out->id, id, sizeof out->id);
    return visit_events(store, receiver, id, n, take_elder, &search, error);
}

/* ---- a message ---- */

struct making {
    struct tw_store *store;
    rocksdb_writebatch_t *batch;
    struct tw_store_error *error;
    struct tw_store_waiting *list; /* its group's names are not kept */
    uint32_t count, capacity;
    uint64_t hash, only;
    uint64_t n;     /* the member whose elders are looked for */
    uint64_t after; /* its lead is behind this one: up to there is a digest, or a message of some of its alerts */
    char name[TW_GROUP_BYTES_MAX];
    uint32_t name_length;
};

static void add(struct making *making, const struct tw_store_waiting *it)
{
    if (making->count == making->capacity) {
        making->capacity = making->capacity == 0 ? 64 : making->capacity * 2;
        making->list = tw_realloc(making->list, making->capacity * sizeof *making->list);
    }
    making->list[making->count++] = *it;
}

static bool gather(void *context, const struct tw_store_waiting *it)
{
    struct making *making = context;
    if (it->hash != making->hash || (making->only != 0 && it->n != making->only))
        return false;
    making->name_length = it->group.length;
    memcpy(making->name, it->group.bytes, it->group.length);
    add(making, it);
    return making->only == 0 && making->count < TW_DIGEST_ALERTS_MAX;
}

static int compare_n(const void *left, const void *right)
{
    const struct tw_store_waiting *a = left, *b = right;
    return a->n < b->n ? -1 : a->n > b->n;
}

static void sort(struct making *making)
{
    if (making->count > 1)
        qsort(making->list, making->count, sizeof making->list[0], compare_n);
}

static bool gather_elder(void *context, uint64_t n, uint64_t hash, uint64_t lead)
{
    struct making *making = context;
    if (lead > making->after)
        making->after = lead;
    if (lead == 0 && n < making->n && hash != making->hash)
        add(making, &(struct tw_store_waiting){.n = n, .hash = hash});
    return true;
}

static bool read_elder(void *context, const struct tw_store_waiting *it)
{
    struct tw_store_waiting *elder = context;
    if (it->n == elder->n && it->hash == elder->hash)
        *elder = *it;
    return false;
}

/* Older events of the same alerts that wait in other groups come along, and what is in messages is heeded. */
static bool gather_elders(struct making *making, struct tw_text receiver)
{
    uint32_t own = making->count, kept = 0;
    bool ok = true;
    for (uint32_t i = 0; ok && i < own; i++) {
        making->n = making->list[i].n;
        ok = visit_events(making->store, receiver, making->list[i].id, UINT64_MAX, gather_elder, making, making->error);
    }
    for (uint32_t i = own; ok && i < making->count; i++) {
        struct tw_store_waiting *elder = &making->list[i];
        ok = tw_store_waiting(making->store, receiver, elder->hash, elder->n - 1, read_elder, elder, making->error) &&
             (elder->receiver.length > 0 || tw_deliveries_damaged(making->store, "groups", making->error));
    }
    sort(making);
    for (uint32_t i = 0; i < making->count; i++) /* several events of one alert have the same elders */
        if (kept == 0 || making->list[kept - 1].n != making->list[i].n)
            making->list[kept++] = making->list[i];
    making->count = kept;
    return ok;
}

static bool leave_later(struct making *making, struct tw_text receiver)
{
    bool ok = making->count < 2 ||
              tw_groups_leave_later(making->store, receiver, making->list, &making->count, making->error);
    sort(making);
    return ok;
}

static void put_message(struct making *making, struct tw_text receiver, int64_t now_ns)
{
    uint8_t key[KEY_BYTES_MAX];
    const struct tw_text name = {making->name, making->name_length};
    uint64_t lead = making->list[making->count - 1].n;
    uint32_t repeat = 0;
    for (uint32_t i = 0; i < making->count; i++) {
        struct tw_store_waiting *it = &making->list[i];
        it->receiver = receiver;
        it->group = name;
        repeat = it->repeat > repeat ? it->repeat : repeat;
        const uint64_t place[2] = {it->hash, lead};
        drop(making->store, making->batch, key, pair_key('w', receiver, it->hash, it->n, key));
        tw_batch_put(making->store, making->batch, TW_FAMILY_META, key, alert_key(receiver, it->id, it->n, key), place,
                     sizeof place);
        put_row(making->store, making->batch, key, pair_key('m', receiver, lead, it->n, key), it);
    }
    tw_outbox_put_lead(making->store, making->batch, receiver, lead, name, repeat, now_ns);
    size_t length = head_of('g', receiver, key);
    tw_put_u64_be(key + length, making->hash);
    tw_batch_put(making->store, making->batch, TW_FAMILY_META, key, length + 8, &now_ns, sizeof now_ns);
}

static enum tw_store_status write_message(struct making *making, struct tw_text receiver, int64_t now_ns, bool *made)
{
    /* Messages of the same alerts go in order of their leads: what is made later must not go before, for it may have
     * later events of them. */
    if (making->count == 0 || making->list[making->count - 1].n <= making->after)
        return TW_STORE_OK;
    if (!tw_store_room(making->store, (uint64_t)making->count * 512, making->error))
        return making->error->status;
    making->batch = rocksdb_writebatch_create();
    put_message(making, receiver, now_ns);
    enum tw_store_status status = tw_store_write(making->store, making->batch, "write a group into", making->error);
    rocksdb_writebatch_destroy(making->batch);
    *made = status == TW_STORE_OK;
    return status;
}

enum tw_store_status tw_store_make_group(struct tw_store *store, struct tw_text receiver, uint64_t hash, uint64_t only,
                                         uint64_t after, int64_t now_ns, bool *made, struct tw_store_error *error)
{
    struct making making = {.store = store, .error = error, .hash = hash, .only = only, .after = after};
    *made = false;
    error->status = TW_STORE_FAILED;
    bool ok = tw_store_waiting(store, receiver, hash, only == 0 ? 0 : only - 1, gather, &making, error) &&
              gather_elders(&making, receiver) && leave_later(&making, receiver);
    enum tw_store_status status = ok ? write_message(&making, receiver, now_ns, made) : error->status;
    free(making.list);
    return status;
}

/* ---- a message is none any more ---- */

struct taking {
    struct tw_store *store;
    rocksdb_writebatch_t *batch;
    struct tw_store_delivery lead;
    uint32_t count;
};

static bool take_out(void *context, const struct tw_store_waiting *member)
{
    struct taking *taking = context;
    uint8_t key[KEY_BYTES_MAX];
    drop(taking->store, taking->batch, key, pair_key('m', member->receiver, member->hash, member->n, key));
    drop(taking->store, taking->batch, key, alert_key(member->receiver, member->id, member->n, key));
    tw_outbox_put_alone(taking->store, taking->batch, &taking->lead, member->n);
    taking->count++;
    return true;
}

static bool take_lead(void *context, const struct tw_store_delivery *lead)
{
    *(struct tw_store_delivery *)context = *lead;
    return false;
}

enum tw_store_status tw_store_take_apart(struct tw_store *store, struct tw_text receiver, uint64_t lead,
                                         struct tw_store_error *error)
{
    struct taking taking = {.store = store, .batch = rocksdb_writebatch_create()};
    error->status = TW_STORE_FAILED;
    bool ok = tw_store_deliveries(store, TW_DELIVERY_PENDING, receiver, lead - 1, take_lead, &taking.lead, error);
    taking.lead.receiver = receiver;
    ok = ok && (taking.lead.n == lead || tw_deliveries_damaged(store, "groups", error)) &&
         tw_store_members(store, receiver, lead, take_out, &taking, error) &&
         tw_store_room(store, (uint64_t)taking.count * 512, error);
    enum tw_store_status status = ok ? tw_store_write(store, taking.batch, "write a group into", error) : error->status;
    rocksdb_writebatch_destroy(taking.batch);
    return status;
}

/* ---- told again ---- */

bool tw_store_repeats(struct tw_store *store, int64_t until_ns, tw_store_waiting_visit visit, void *context,
                      struct tw_store_error *error)
{
    static const uint8_t from[] = {'D', 'r'};
    bool ok = true, go_on = true;
    rocksdb_iterator_t *iterator = tw_store_iterate(store, TW_FAMILY_META);
    for (seek(iterator, from, sizeof from); ok && go_on && rocksdb_iter_valid(iterator); rocksdb_iter_next(iterator)) {
        size_t length = 0;
        const uint8_t *key = tw_iterator_key(iterator, &length);
        struct tw_store_waiting it = {.n = 0};
        if (length < 2 || key[0] != 'D' || key[1] != 'r')
            break;
        ok = (length > TW_DUE_HEAD_BYTES && length <= TW_DUE_HEAD_BYTES + TW_RECEIVER_BYTES_MAX &&
              read_value(iterator, &it)) ||
             tw_deliveries_damaged(store, "groups", error);
        if (!ok || (int64_t)tw_get_u64_be(key + 2) > until_ns)
            break;
        it.queued_ns = (int64_t)tw_get_u64_be(key + 2);
        it.n = tw_get_u64_be(key + 10);
        it.receiver = (struct tw_text){(const char *)key + TW_DUE_HEAD_BYTES, (uint32_t)(length - TW_DUE_HEAD_BYTES)};
        go_on = visit(context, &it);
    }
    ok = ok && tw_iterator_ok(store, iterator, "read the groups of", error);
    rocksdb_iter_destroy(iterator);
    return ok;
}

enum tw_store_status tw_store_repeat(struct tw_store *store, const struct tw_store_waiting *repeat, bool again,
                                     int64_t now_ns, struct tw_store_error *error)
{
    uint8_t key[KEY_BYTES_MAX];
    if (!tw_store_room(store, 1024, error))
        return error->status;
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    drop(store, batch, key, tw_due_key('r', repeat->queued_ns, repeat->n, repeat->receiver, key));
    if (again) {
        struct tw_store_waiting waiting = *repeat;
        waiting.queued_ns = now_ns;
        waiting.repeat++;
        tw_groups_put_waiting(store, batch, &waiting);
    }
    enum tw_store_status status = tw_store_write(store, batch, "write a group into", error);
    rocksdb_writebatch_destroy(batch);
    return status;
}

enum tw_store_status tw_store_groups_forget(struct tw_store *store, int64_t before_ns, struct tw_store_error *error)
{
    static const uint8_t from[] = {'D', 'g'};
    struct tw_store_error own;
    enum tw_store_status status = TW_STORE_OK;
    uint32_t count = 0;
    error = error == NULL ? &own : error;
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    rocksdb_iterator_t *iterator = tw_store_iterate(store, TW_FAMILY_META);
    for (seek(iterator, from, sizeof from); count < FORGET_MAX && rocksdb_iter_valid(iterator);
         rocksdb_iter_next(iterator)) {
        size_t length = 0, value_length = 0;
        int64_t told_ns = 0;
        const uint8_t *key = tw_iterator_key(iterator, &length), *value = tw_iterator_value(iterator, &value_length);
        if (length < 2 || key[0] != 'D' || key[1] != 'g')
            break;
        if (value_length == sizeof told_ns)
            memcpy(&told_ns, value, sizeof told_ns);
        if (told_ns < before_ns) {
            drop(store, batch, key, length);
            count++;
        }
    }
    rocksdb_iter_destroy(iterator);
    if (count > 0 && tw_store_room(store, (uint64_t)count * 64, error))
        status = tw_store_write(store, batch, "write a group into", error);
    rocksdb_writebatch_destroy(batch);
    return status;
}
