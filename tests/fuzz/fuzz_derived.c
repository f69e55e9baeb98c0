/* SPDX-License-Identifier: MIT
 *
 * Any bytes in place of a row of the database, or beside one: log, names, publishers' numbers, refusals, indexes,
 * alerts, rows by id, deliveries, groups, ledger, mutes, actions. Held to: no reader reads out of bounds or goes on for
 * ever; what cannot be answered is said in a sentence; and a changed row of the log, or of what it makes, is found by
 * verify.
 *
 * Input: family, place of the row (two bytes), what to do, then bytes: the row's value, or what is put over it, or the
 * length of a new key, the key, and its value.
 */
#include <stdlib.h>

#include "protocol/check.h"
#include "store/index.h"
#include "store/inside.h"
#include "tests/unit/store_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEY_MAX 255u
#define RECORDS 8u
#define WHOLE_EVERY 32u /* put back, all is whole again */
#define TEXT(literal) ((struct tw_text){literal, sizeof(literal) - 1})
enum what { REPLACE, CHANGE, BESIDE, WHAT_COUNT };

static struct world *world;
static uint32_t rows[TW_FAMILY_COUNT], runs;

/* ---- a store with a row of every sort ---- */

static void put_alert(void)
{
    static const struct tw_store_group groups[] = {{.receivers = 2, .length = 4, .name = "a{b}"}};
    struct tw_store_alert alert;
    feed_alert(&world->feed, &alert);
    memset(alert.id, (int)(alert.n % 3), sizeof alert.id);
    alert.receivers = 3;
    alert.queued_ns = NOON;
    alert.groups = groups;
    alert.group_count = 1;
    alert.silence = alert.n % 4 == 0 ? 1 : 0;
    alert.later_receivers = alert.n % 2;
    alert.later_ns = TW_NS_PER_SECOND;
    if (alert.n % 3 == 0) {
        alert.receivers = alert.later_receivers = alert.group_count = 0;
        alert.muted_rule = TEXT("quiet");
        alert.muted_by = 1;
    }
    TW_ASSERT(tw_store_put_alerts(world->store, &alert, 1, &world->error) == TW_STORE_OK);
    free((void *)(uintptr_t)alert.bytes);
}

static void put_attempts(void)
{
    struct tw_store_attempt attempt = {
        .receiver = TEXT("mail"), .n = 1, .attempts = 1, .queued_ns = NOON, .next_ns = NOON + 1, .began_ns = NOON};
    attempt.outcome = TW_DELIVERY_AGAIN;
    attempt.answer = TEXT("busy");
    TW_ASSERT(tw_store_put_attempts(world->store, &attempt, 1, &world->error) == TW_STORE_OK);
    attempt.n = 2;
    attempt.outcome = TW_DELIVERY_REJECTED;
    attempt.reason = TW_REASON_REJECTED;
    TW_ASSERT(tw_store_put_attempts(world->store, &attempt, 1, &world->error) == TW_STORE_OK);
}

static bool make_group(void *context, const struct tw_store_waiting *first, uint64_t last_n, int64_t told_ns)
{
    (void)last_n, (void)told_ns;
    *(uint64_t *)context = first->hash;
    return false;
}

static void end_world(void)
{
    world_free(world);
}

static void make_world(void)
{
    static const char *const receivers[] = {"mail", "ops"};
    setenv("TMPDIR", "/dev/shm", 0);
    world = world_new();
    atexit(end_world);
    tw_store_set_receivers(world->store, receivers, 2);
    world->store->ids.run_events = 3;
    for (uint32_t i = 0; i < RECORDS; i++) {
        struct tw_frame *frames[] = {feed_block(&world->feed, 4, i % 3),
                                     i % 2 == 0 ? feed_control(&world->feed, TW_CONTROL_CLOCK)
                                                : feed_action(&world->feed)};
        world_append(world, frames, 2);
        put_alert();
        if (i == 4)
            TW_ASSERT(tw_store_index_step(world->store, 0, &world->error) > 0);
    }
    put_attempts();
    uint64_t hash = 0;
    bool made = false;
    TW_ASSERT(tw_store_groups(world->store, TEXT("ops"), 0, make_group, &hash, &world->error) && hash != 0);
    TW_ASSERT(tw_store_make_group(world->store, TEXT("ops"), hash, 1, 0, NOON, &made, &world->error) == TW_STORE_OK);
    TW_ASSERT(tw_store_put_inhibitor(world->store, "state", 5, &world->error) == TW_STORE_OK);
    TW_ASSERT(tw_store_verify(world->store, NULL, NULL, &world->error));
    for (uint32_t family = 0; family < TW_FAMILY_COUNT; family++) {
        rocksdb_iterator_t *iterator = tw_store_iterate(world->store, (enum tw_family)family);
        for (rocksdb_iter_seek_to_first(iterator); rocksdb_iter_valid(iterator); rocksdb_iter_next(iterator))
            rows[family]++;
        rocksdb_iter_destroy(iterator);
        TW_ASSERT(rows[family] > 0);
    }
}

/* ---- one row ---- */

struct row {
    enum tw_family family;
    uint8_t key[KEY_MAX];
    size_t key_length;
    struct tw_buffer value;
};

static void read_row(enum tw_family family, uint32_t place, struct row *row)
{
    rocksdb_iterator_t *iterator = tw_store_iterate(world->store, family);
    rocksdb_iter_seek_to_first(iterator);
    for (uint32_t i = 0; i < place; i++)
        rocksdb_iter_next(iterator);
    size_t length = 0;
    const uint8_t *bytes = tw_iterator_key(iterator, &row->key_length);
    TW_ASSERT(row->key_length <= sizeof row->key);
    memcpy(row->key, bytes, row->key_length);
    bytes = tw_iterator_value(iterator, &length);
    row->family = family;
    row->value = (struct tw_buffer){0};
    tw_buffer_append(&row->value, bytes, length);
    rocksdb_iter_destroy(iterator);
}

static void write_row(const struct row *row, const void *value, size_t length)
{
    char *message = NULL;
    rocksdb_put_cf(world->store->db, world->store->write_options, world->store->families[row->family],
                   (const char *)row->key, row->key_length, value == NULL ? "" : value, length, &message);
    TW_ASSERT(message == NULL);
}

static void delete_row(const struct row *row)
{
    char *message = NULL;
    rocksdb_delete_cf(world->store->db, world->store->write_options, world->store->families[row->family],
                      (const char *)row->key, row->key_length, &message);
    TW_ASSERT(message == NULL);
}

/* ---- every reader ---- */

static uint64_t seen; /* everything that is handed out is looked at */
static uint32_t visits;

static void look(const void *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        seen += ((const uint8_t *)bytes)[i];
    TW_ASSERT(++visits < 100000);
}
static bool see_refusal(void *context, const struct tw_refusal *refusal)
{
    (void)context;
    look(refusal, sizeof *refusal);
    return true;
}
static bool see_alert(void *context, const struct tw_store_alert *alert)
{
    (void)context;
    look(alert->bytes, alert->length);
    return true;
}
static bool see_action(void *context, const struct tw_store_action *action)
{
    (void)context;
    look(action->bytes, action->length);
    return true;
}
static bool see_silenced(void *context, uint64_t silence, uint64_t n)
{
    (void)context;
    look(&silence, sizeof silence);
    look(&n, sizeof n);
    return true;
}
static bool see_muted(void *context, const struct tw_store_muted *muted)
{
    (void)context;
    look(muted->rule.bytes, muted->rule.length);
    return true;
}
static bool see_delivery(void *context, const struct tw_store_delivery *delivery)
{
    (void)context;
    look(delivery->receiver.bytes, delivery->receiver.length);
    look(delivery->why.bytes, delivery->why.length);
    look(delivery->group.bytes, delivery->group.length);
    return true;
}
static bool see_attempt(void *context, const struct tw_store_attempt *attempt)
{
    (void)context;
    look(attempt->receiver.bytes, attempt->receiver.length);
    look(attempt->answer.bytes, attempt->answer.length);
    return true;
}
static bool see_escalation(void *context, const struct tw_store_escalation *escalation)
{
    (void)context;
    look(escalation->receiver.bytes, escalation->receiver.length);
    return true;
}
static bool see_waiting(void *context, const struct tw_store_waiting *waiting)
{
    (void)context;
    look(waiting->receiver.bytes, waiting->receiver.length);
    look(waiting->group.bytes, waiting->group.length);
    return true;
}
static bool see_group(void *context, const struct tw_store_waiting *first, uint64_t last_n, int64_t told_ns)
{
    (void)last_n, (void)told_ns;
    return see_waiting(context, first);
}
static bool see_seq(void *context, uint64_t seq)
{
    (void)context;
    look(&seq, sizeof seq);
    return true;
}

/* An answer, or a sentence. */
static void answered(bool ok)
{
    TW_ASSERT(ok || world->error.text[0] != '\0');
    world->error.text[0] = '\0';
}

static void read_the_log(struct tw_store *store)
{
    struct tw_store_cursor *cursor = tw_store_read(store, 1, &world->error);
    struct tw_record record;
    int given = cursor == NULL ? -1 : 1;
    while (given > 0 && (given = tw_store_next(cursor, &record, &world->error)) > 0)
        look(&record, sizeof record);
    answered(given == 0);
    tw_store_cursor_free(&cursor);
}

static void look_up(struct tw_store *store)
{
    struct tw_frame *frame = NULL;
    struct tw_record record;
    struct tw_buffer name = {0};
    uint32_t row = 0, incarnation = 0;
    uint64_t hash = 0;
    for (uint64_t i = 1; i <= world->feed.seq; i += 3) {
        const struct fed_trade *trade = &world->feed.trades[i - 1];
        struct tw_text id = {trade->id, (uint32_t)strlen(trade->id)};
        if (tw_store_block_of(store, i, &frame, &record))
            tw_frame_drop(&frame);
        if (tw_store_by_pseq(store, trade->source, trade->pseq, &frame, &record, &row))
            tw_frame_drop(&frame);
        if (id.length > 0 &&
            tw_store_by_id(store, (struct tw_text){feed_publisher(trade->source), 6}, id, i + 1, &frame, &record, &row))
            tw_frame_drop(&frame);
    }
    for (uint64_t i = 0; i < world->feed.refusal_count; i++)
        tw_store_refusal_hash(store, world->feed.refusals[i].source, world->feed.refusals[i].pseq, &hash);
    for (uint32_t kind = 1; kind < 5; kind++)
        tw_store_name(store, (enum tw_name_kind)kind, 1, &name, &incarnation);
    tw_store_seq_at(store, NOON + TW_NS_PER_SECOND);
    tw_buffer_free(&name);
}

static void read_alerts(struct tw_store *store)
{
    uint8_t id[TW_ALERT_ID_BYTES] = {0};
    uint64_t silence = 0;
    struct tw_buffer state = {0};
    answered(tw_store_alerts(store, 0, see_alert, NULL, &world->error));
    answered(tw_store_events_of(store, id, see_alert, NULL, &world->error));
    answered(tw_store_find_alert(store, "00", id, &world->error) >= 0);
    answered(tw_store_actions(store, 0, see_action, NULL, &world->error));
    answered(tw_store_actions_of(store, id, see_action, NULL, &world->error));
    answered(tw_store_silenced(store, 0, see_silenced, NULL, &world->error));
    answered(tw_store_silence_of(store, 4, &silence, &world->error));
    answered(tw_store_muted(store, 0, see_muted, NULL, &world->error));
    answered(tw_store_inhibitor(store, &state, &world->error));
    answered(tw_store_refusals(store, 0, see_refusal, NULL, &world->error));
    tw_buffer_free(&state);
}

static void read_deliveries(struct tw_store *store)
{
    struct tw_store_waiting elder;
    uint8_t id[TW_ALERT_ID_BYTES];
    memset(id, 1, sizeof id);
    answered(tw_store_deliveries(store, TW_DELIVERY_PENDING, TEXT(""), 0, see_delivery, NULL, &world->error));
    answered(tw_store_deliveries(store, TW_DELIVERY_DEAD, TEXT("mail"), 0, see_delivery, NULL, &world->error));
    answered(tw_store_ledger(store, 0, see_attempt, NULL, &world->error));
    answered(tw_store_escalations(store, INT64_MAX, see_escalation, NULL, &world->error));
    answered(tw_store_waiting(store, TEXT(""), 0, 0, see_waiting, NULL, &world->error));
    answered(tw_store_groups(store, TEXT("ops"), 0, see_group, NULL, &world->error));
    answered(tw_store_members(store, TEXT("ops"), 1, see_waiting, NULL, &world->error));
    answered(tw_store_elder(store, TEXT("ops"), id, UINT64_MAX, 0, &elder, &world->error));
    answered(tw_store_repeats(store, INT64_MAX, see_waiting, NULL, &world->error));
}

static void read_everything(void)
{
    struct tw_store *store = world->store;
    struct tw_store_stats stats;
    visits = 0;
    read_the_log(store);
    look_up(store);
    read_alerts(store);
    read_deliveries(store);
    answered(tw_store_index_scan(store, TW_INDEX_ACCOUNT, 1, 1, UINT64_MAX, see_seq, NULL, &world->error));
    answered(tw_store_index_scan(store, TW_INDEX_SYMBOL, 1, 1, UINT64_MAX, see_seq, NULL, &world->error));
    answered(tw_store_stats(store, &stats, &world->error));
}

/* ---- */

/* What verify must find. Not meta and alerts, which have parts outside every digest, nor how far the indexes are: that
 * is read at the start. */
static bool is_of_the_log(const struct row *row)
{
    return row->family != TW_FAMILY_META && row->family != TW_FAMILY_ALERTS &&
           (row->family != TW_FAMILY_INDEX || row->key[0] != TW_INDEX_KEY_PROGRESS);
}

/* What is to be done to the row; false: nothing can be. *touched is the row that is to be put back or deleted. */
static bool alter(const struct row *row, enum what what, const uint8_t *bytes, size_t length, struct row *touched)
{
    *touched = (struct row){.family = row->family, .key_length = row->key_length};
    if (what != BESIDE) {
        memcpy(touched->key, row->key, row->key_length);
        tw_buffer_append(&touched->value, bytes, length);
        if (what == REPLACE)
            return true;
        touched->value.length = 0;
        tw_buffer_append(&touched->value, row->value.bytes, row->value.length);
        for (size_t i = 0; i < length && touched->value.length > 0; i++)
            touched->value.bytes[i % touched->value.length] ^= bytes[i];
        return true;
    }
    if (length < 2 || bytes[0] == 0 || bytes[0] >= length)
        return false;
    touched->key_length = bytes[0];
    memcpy(touched->key, bytes + 1, touched->key_length);
    tw_buffer_append(&touched->value, bytes + 1 + bytes[0], length - 1 - bytes[0]);
    return tw_store_get_exact(world->store, row->family, touched->key, touched->key_length, NULL, 0, &world->error) ==
           0;
}

static bool is_same(const struct row *row, const struct row *other)
{
    return row->value.length == other->value.length &&
           (row->value.length == 0 || memcmp(row->value.bytes, other->value.bytes, row->value.length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (world == NULL)
        make_world();
    if (size < 4)
        return 0;
    enum tw_family family = (enum tw_family)(data[0] % TW_FAMILY_COUNT);
    enum what what = (enum what)(data[3] % WHAT_COUNT);
    struct row row, touched;
    read_row(family, (data[1] | (uint32_t)data[2] << 8) % rows[family], &row);
    if (alter(&row, what, data + 4, size - 4, &touched)) {
        write_row(&touched, touched.value.bytes, touched.value.length);
        read_everything();
        bool whole = tw_store_verify(world->store, NULL, NULL, &world->error);
        answered(whole);
        TW_ASSERT(!whole || what == BESIDE || !is_of_the_log(&row) || is_same(&row, &touched));
        if (what == BESIDE)
            delete_row(&touched);
        else
            write_row(&row, row.value.bytes, row.value.length);
        TW_ASSERT(++runs % WHOLE_EVERY != 0 || tw_store_verify(world->store, NULL, NULL, &world->error));
    }
    tw_buffer_free(&row.value);
    tw_buffer_free(&touched.value);
    return 0;
}
