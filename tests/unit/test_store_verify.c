/* SPDX-License-Identifier: MIT
 *
 * Verification: a whole directory is whole, and whatever row is taken away, changed or put beside, it is named. This
 * test reaches behind the store's interface into its database.
 */
#include <stdlib.h>

#include "store/index.h"
#include "store_world.h"

static int setup(void **state)
{
    *state = world_new();
    return 0;
}

static int teardown(void **state)
{
    world_free(*state);
    return 0;
}

/* Blocks, refusals, control records, alerts; two runs of the indexes and a tail. */
static void fill(struct world *world)
{
    for (uint32_t i = 0; i < 30; i++) {
        struct tw_frame *frames[] = {feed_block(&world->feed, 1 + (uint32_t)feed_random(&world->feed, 80), i % 4),
                                     feed_control(&world->feed, i % 5 == 0 ? TW_CONTROL_FEED_GAP : TW_CONTROL_CLOCK)};
        world_append(world, frames, 2);
        if (i == 10 || i == 20)
            assert_true(tw_store_index_step(world->store, 0, &world->error) > 0);
        struct tw_store_alert alert;
        feed_alert(&world->feed, &alert);
        assert_int_equal(tw_store_put_alerts(world->store, &alert, 1, &world->error), TW_STORE_OK);
        free((void *)(uintptr_t)alert.bytes);
    }
}

static void expect_whole(struct world *world)
{
    if (!tw_store_verify(world->store, NULL, NULL, &world->error))
        fail_msg("%s", world->error.text);
}

static void expect_damage(struct world *world, const char *words)
{
    assert_false(tw_store_verify(world->store, NULL, NULL, &world->error));
    assert_int_equal(world->error.status, TW_STORE_DAMAGED);
    if (strstr(world->error.text, words) == NULL)
        fail_msg("`%s` does not say `%s`", world->error.text, words);
}

/* ---- one row ---- */

struct row {
    enum tw_family family;
    uint8_t key[32];
    size_t key_length, value_length;
    uint8_t *value;
};

/* The `place`th row of the family whose key begins with `first` (any if 0). */
static struct row row_at(struct world *world, enum tw_family family, char first, uint32_t place)
{
    struct row row = {.family = family};
    rocksdb_iterator_t *iterator = tw_store_iterate(world->store, family);
    uint32_t seen = 0;
    for (rocksdb_iter_seek_to_first(iterator); rocksdb_iter_valid(iterator); rocksdb_iter_next(iterator)) {
        const uint8_t *key = tw_iterator_key(iterator, &row.key_length);
        if ((first != 0 && key[0] != (uint8_t)first) || seen++ != place)
            continue;
        assert_true(row.key_length <= sizeof row.key);
        memcpy(row.key, key, row.key_length);
        const uint8_t *value = tw_iterator_value(iterator, &row.value_length);
        row.value = tw_alloc(row.value_length + 1);
        memcpy(row.value, value, row.value_length);
        break;
    }
    rocksdb_iter_destroy(iterator);
    assert_non_null(row.value);
    return row;
}

static void put_row(struct world *world, const struct row *row)
{
    char *message = NULL;
    rocksdb_put_cf(world->store->db, world->store->write_options, world->store->families[row->family],
                   (const char *)row->key, row->key_length, (const char *)row->value, row->value_length, &message);
    assert_null(message);
}

static void delete_row(struct world *world, const struct row *row)
{
    char *message = NULL;
    rocksdb_delete_cf(world->store->db, world->store->write_options, world->store->families[row->family],
                      (const char *)row->key, row->key_length, &message);
    assert_null(message);
}

static void without(struct world *world, enum tw_family family, char first, uint32_t place, const char *words)
{
    struct row row = row_at(world, family, first, place);
    delete_row(world, &row);
    expect_damage(world, words);
    put_row(world, &row);
    free(row.value);
}

static void changed(struct world *world, enum tw_family family, char first, uint32_t place, size_t byte,
                    const char *words)
{
    struct row row = row_at(world, family, first, place);
    size_t at = byte < row.value_length ? byte : row.value_length - 1;
    row.value[at] ^= 1;
    put_row(world, &row);
    expect_damage(world, words);
    row.value[at] ^= 1;
    put_row(world, &row);
    free(row.value);
}

/* The same value under a key that differs in one byte. */
static void beside(struct world *world, enum tw_family family, char first, uint32_t place, size_t byte,
                   const char *words)
{
    struct row row = row_at(world, family, first, place);
    row.key[byte] ^= 0x80;
    put_row(world, &row);
    expect_damage(world, words);
    delete_row(world, &row);
    free(row.value);
}

/* ---- the tests ---- */

static uint64_t progress_done, progress_total, progress_calls;
static void note_progress(void *context, uint64_t done, uint64_t total)
{
    (void)context;
    assert_true(done >= progress_done && done <= total);
    progress_done = done;
    progress_total = total;
    progress_calls++;
}

static void a_whole_directory_is_whole(void **state)
{
    struct world *world = *state;
    expect_whole(world);
    fill(world);
    expect_whole(world);
    assert_true(tw_store_verify(world->store, note_progress, NULL, &world->error));
    assert_true(progress_calls > 0);
    assert_int_equal(progress_done, world->feed.seq);
    assert_int_equal(progress_total, world->feed.seq);
    while (tw_store_index_step(world->store, 0, &world->error) > 0)
        continue;
    expect_whole(world);
    world_close(world);
    world->store = tw_store_open(world->directory, TW_STORE_READ, &world->error);
    expect_whole(world);
}

static void damage_of_the_log_is_named(void **state)
{
    struct world *world = *state;
    fill(world);
    without(world, TW_FAMILY_LOG, 0, 0, "record 0 of the log is followed by record 2");
    without(world, TW_FAMILY_LOG, 0, 30, "record 30 of the log is followed by record 32");
    without(world, TW_FAMILY_LOG, 0, 59, "record 60 of the log: it is missing");
    changed(world, TW_FAMILY_LOG, 0, 7, 100, "record 8 of the log: its bytes are not those that were written");
    changed(world, TW_FAMILY_LOG, 0, 6, TW_LOG_PREFIX_BYTES,
            "record 7 of the log: its bytes are not those that were written");
    changed(world, TW_FAMILY_LOG, 0, 6, TW_LOG_PREFIX_BYTES + 1,
            "record 7 of the log: its packed form is not readable");
    changed(world, TW_FAMILY_LOG, 0, 8, 3, "record 9 of the log: its bytes are not those that were written");
    beside(world, TW_FAMILY_LOG, 0, 3, 15, "it stands under another record's key");
    beside(world, TW_FAMILY_LOG, 0, 3, 0, "it stands under another record's key");
    expect_whole(world);
}

static void damage_of_what_is_derived_is_named(void **state)
{
    struct world *world = *state;
    fill(world);
    without(world, TW_FAMILY_NAMES, TW_NAME_ACCOUNT, 4, "the row of account 5 is missing");
    changed(world, TW_FAMILY_NAMES, TW_NAME_SYMBOL, 2, 5, "the row of symbol 3 does not say what the log says");
    changed(world, TW_FAMILY_NAMES, TW_NAME_SOURCE, 2, 0, "the row of publisher 3 does not say what the log says");
    beside(world, TW_FAMILY_NAMES, TW_NAME_ACCOUNT, 4, 1, "rows of names");
    without(world, TW_FAMILY_SOURCES, 'b', 5, "the publishers' numbers of record");
    changed(world, TW_FAMILY_SOURCES, 'b', 7, 8, "the publishers' numbers of record");
    beside(world, TW_FAMILY_SOURCES, 'b', 2, 5, "rows of publishers' numbers");
    without(world, TW_FAMILY_SOURCES, 'p', 1, "the position of publisher 2 is missing");
    changed(world, TW_FAMILY_SOURCES, 'p', 1, 0, "the position of publisher 2 does not say");
    without(world, TW_FAMILY_REFUSALS, 0, 3, "refusal");
    changed(world, TW_FAMILY_REFUSALS, 0, 3, 8, "refusal");
    beside(world, TW_FAMILY_REFUSALS, 0, 3, 0, "rows of refusals");
    expect_whole(world);
}

static void damage_of_the_indexes_is_named(void **state)
{
    struct world *world = *state;
    fill(world);
    without(world, TW_FAMILY_INDEX, TW_INDEX_KEY_ACCOUNT, 6,
            "the index by account does not agree with the log at account");
    changed(world, TW_FAMILY_INDEX, TW_INDEX_KEY_ACCOUNT, 6, 1, "the index by account");
    beside(world, TW_FAMILY_INDEX, TW_INDEX_KEY_ACCOUNT, 6, 5, "the index by account");
    without(world, TW_FAMILY_INDEX, TW_INDEX_KEY_SYMBOL, 3,
            "the index by symbol does not agree with the log at symbol");
    changed(world, TW_FAMILY_INDEX, TW_INDEX_KEY_SYMBOL, 3, 0, "the index by symbol");
    without(world, TW_FAMILY_INDEX, TW_INDEX_KEY_ID, 9, "the index by id does not agree with the log at bucket");
    changed(world, TW_FAMILY_INDEX, TW_INDEX_KEY_ID, 9, 2, "the index by id does not agree with the log at bucket");
    changed(world, TW_FAMILY_INDEX, TW_INDEX_KEY_ID, 9, 0, "the index by id is not readable near trade");
    without(world, TW_FAMILY_INDEX, TW_INDEX_KEY_TIME, 3, "the index by time has not the row of trade");
    changed(world, TW_FAMILY_INDEX, TW_INDEX_KEY_TIME, 3, 0, "the index by time has not the row of trade");
    beside(world, TW_FAMILY_INDEX, TW_INDEX_KEY_TIME, 3, 8, "the index by time has not the row of trade");
    beside(world, TW_FAMILY_INDEX, TW_INDEX_KEY_TIME, 3, 1, "the index by time has a row that the log does not make");
    expect_whole(world);
}

static void damage_of_the_alerts_is_named(void **state)
{
    struct world *world = *state;
    fill(world);
    without(world, TW_FAMILY_ALERTS, 0, 0, "alert 1 is missing");
    without(world, TW_FAMILY_ALERTS, 0, 14, "alert 15 is missing");
    without(world, TW_FAMILY_ALERTS, 0, 29, "alert 30 is missing");
    changed(world, TW_FAMILY_ALERTS, 0, 8, 3, "the digest after alert 9");
    changed(world, TW_FAMILY_ALERTS, 0, 8, 40, "the record digest after alert 9");
    changed(world, TW_FAMILY_ALERTS, 0, 8, 64, "alert 9 is not readable");
    expect_whole(world);
    struct row row = row_at(world, TW_FAMILY_ALERTS, 0, 11);
    uint8_t *detected_at = row.value + row.value_length - 1; /* outside every digest */
    *detected_at ^= 1;
    put_row(world, &row);
    expect_whole(world);
    free(row.value);
}

/* Three runs of eight events whose ids begin with 00; the other six wait for theirs. */
static void damage_of_the_rows_by_id_is_named(void **state)
{
    struct world *world = *state;
    world->store->ids.run_events = 8;
    fill(world);
    world_reopen(world);
    expect_whole(world);
    for (uint32_t place = 0; place < 3; place++) {
        without(world, TW_FAMILY_META, 'A', place, "the rows by id of alerts that begin with 00");
        beside(world, TW_FAMILY_META, 'A', place, 2, "the rows by id of alerts that begin with 80");
        beside(world, TW_FAMILY_META, 'A', place, 10, "the rows by id of alerts that begin with 00");
        changed(world, TW_FAMILY_META, 'A', place, 3, "the rows by id of alerts that begin with 00");
        changed(world, TW_FAMILY_META, 'A', place, 0, "a row by id of alerts that begin with 00 is not readable");
    }
    uint64_t *reached = &world->store->ids.reached;
    assert_int_equal(*reached, 24);
    *reached = 16;
    expect_damage(world, "the rows by id of alerts");
    *reached = 30;
    expect_damage(world, "the rows by id of alerts");
    *reached = 24;
    expect_whole(world);
}

/* Whatever else there is. */
static void of_several_the_first_damage_is_named(void **state)
{
    struct world *world = *state;
    fill(world);
    struct row rows[] = {row_at(world, TW_FAMILY_ALERTS, 0, 2), row_at(world, TW_FAMILY_LOG, 0, 19),
                         row_at(world, TW_FAMILY_LOG, 0, 7)};
    static const char *const words[] = {"the digest after alert 3", "record 20 of the log", "record 8 of the log"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        rows[i].value[3] ^= 1;
        put_row(world, &rows[i]);
        expect_damage(world, words[i]);
    }
    for (size_t i = sizeof rows / sizeof *rows; i-- > 0;) {
        expect_damage(world, words[i]);
        rows[i].value[3] ^= 1;
        put_row(world, &rows[i]);
        free(rows[i].value);
    }
    expect_whole(world);
}

static void a_head_that_counts_otherwise_is_named(void **state)
{
    struct world *world = *state;
    fill(world);
    world->store->head.refusals++;
    expect_damage(world, "the head does not say what the log has");
    world->store->head.refusals--;
    expect_whole(world);
}

static void rows_that_must_be_there_are_missed_at_once(void **state)
{
    struct world *world = *state;
    fill(world);
    for (uint32_t place = 0; place < 3; place++) {
        struct row row = row_at(world, TW_FAMILY_META, "fhl"[place], 0); /* format, head, log_id */
        delete_row(world, &row);
        world_close(world);
        world_open_fails(world, TW_STORE_READ, TW_STORE_DAMAGED);
        assert_non_null(strstr(world->error.text, "is missing"));
        world_remove(world->directory);
        free(row.value);
        feed_forget(&world->feed);
        world->feed = (struct feed){.random = 7};
        world_open(world);
        fill(world);
    }
}

static void a_name_that_is_missing_is_damage_and_one_to_come_is_none(void **state)
{
    struct world *world = *state;
    fill(world);
    struct tw_buffer name = {0};
    assert_false(tw_store_name(world->store, TW_NAME_ACCOUNT, FEED_ACCOUNTS + 1, &name, NULL));
    assert_false(tw_store_damage(world->store, &world->error));
    struct row row = row_at(world, TW_FAMILY_NAMES, TW_NAME_ACCOUNT, 17);
    delete_row(world, &row);
    assert_true(tw_store_name(world->store, TW_NAME_ACCOUNT, 17, &name, NULL));
    assert_false(tw_store_name(world->store, TW_NAME_ACCOUNT, 18, &name, NULL));
    assert_true(tw_store_damage(world->store, &world->error));
    assert_non_null(strstr(world->error.text, "row of a name"));
    assert_int_equal(tw_store_append(world->store, NULL, 0, &world->error), TW_STORE_DAMAGED);
    free(row.value);
    tw_buffer_free(&name);
}

/* Its evidence may be what could not be read. */
static void no_alert_is_stored_once_a_look_up_met_damage(void **state)
{
    struct world *world = *state;
    struct tw_store_alert alert;
    struct tw_frame *frame = NULL;
    struct tw_record record;
    fill(world);
    feed_alert(&world->feed, &alert);
    world_reopen(world); /* no block is in the cache */
    struct row row = row_at(world, TW_FAMILY_LOG, 0, 0);
    row.value[100] ^= 1;
    put_row(world, &row);
    assert_false(tw_store_block_of(world->store, 1, &frame, &record));
    assert_int_equal(tw_store_put_alerts(world->store, &alert, 1, &world->error), TW_STORE_DAMAGED);
    assert_non_null(strstr(world->error.text, "record 1 of the log: its bytes are not those that were written"));
    assert_int_equal(tw_store_last_alert(world->store), 30);
    world_reopen(world);
    assert_int_equal(tw_store_last_alert(world->store), 30);
    free((void *)(uintptr_t)alert.bytes);
    free(row.value);
}

/* ---- actions ---- */

static void append_actions(struct world *world, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct tw_frame *frame = feed_action(&world->feed);
        world_append(world, &frame, 1);
    }
}

/* The rows by alert come first, 3 of them; then the actions themselves. */
static void damage_of_actions_is_named(void **state)
{
    struct world *world = *state;
    fill(world);
    append_actions(world, 3);
    world_reopen(world);
    expect_whole(world);
    without(world, TW_FAMILY_META, 'A', 1, "the row by alert of action 2 is missing");
    without(world, TW_FAMILY_META, 'A', 4, "action 2 is missing");
    without(world, TW_FAMILY_META, 'A', 5, "action 3 is missing");
    changed(world, TW_FAMILY_META, 'A', 4, 60, "the row of action 2 does not say what the log says");
    changed(world, TW_FAMILY_META, 'A', 3, 3, "the digest after action 1");
    struct row other = row_at(world, TW_FAMILY_META, 'A', 2);
    other.key[25] = 99;
    put_row(world, &other);
    expect_damage(world, "there are 4 rows by alert of actions");
    delete_row(world, &other);
    expect_whole(world);
    world->store->actions.last++;
    expect_damage(world, "there are 4 actions, and the log has 3");
    free(other.value);
}

/* Their records go with retention; the rows stay, chained. */
static void actions_outlive_their_records(void **state)
{
    struct world *world = *state;
    fill(world);
    append_actions(world, 2);
    uint64_t seq = world->feed.seq, lsn = world->feed.lsn;
    struct tw_frame *frames[2] = {feed_block(&world->feed, 50, 2), feed_action(&world->feed)};
    world_append(world, frames, 2);
    assert_true(tw_store_index_step(world->store, 0, &world->error) > 0);
    world_snapshot(world);
    frames[0] = feed_retention(&world->feed, seq, lsn);
    world_append(world, frames, 1);
    assert_true(tw_store_retain(world->store, seq, lsn, &world->error));
    world_reopen(world);
    assert_int_equal(tw_store_last_action(world->store), 3);
    expect_whole(world);
    changed(world, TW_FAMILY_META, 'A', 3, 1000, "the digest after action 1");
    without(world, TW_FAMILY_META, 'A', 3, "action 1 is missing");
}

/* ---- snapshots ---- */

static void damage_of_a_snapshot_is_named_by_its_file(void **state)
{
    struct world *world = *state;
    fill(world);
    world_snapshot(world);
    uint64_t older = world->feed.lsn;
    world_snapshot(world);
    expect_whole(world);
    char name[64];
    snprintf(name, sizeof name, "snapshots/%020llu", (unsigned long long)older);
    char *path = world_path(world, name);
    for (int64_t offset = 1; offset < 180; offset += 13) { /* head, chunks, trailer */
        world_flip_bit(path, offset);
        expect_damage(world, name);
        world_flip_bit(path, offset);
    }
    expect_whole(world);
    struct row last = row_at(world, TW_FAMILY_ALERTS, 0, 29); /* one that the snapshots know */
    delete_row(world, &last);
    world->store->last_alert--;
    expect_damage(world, "knows alert 30, there are 29");
    free(last.value);
    free(path);
}

/* ---- a log that begins later ---- */

static void damage_of_a_log_that_begins_later_is_named(void **state)
{
    struct world *world = *state;
    fill(world);
    uint64_t seq = world->feed.seq, lsn = world->feed.lsn;
    struct tw_frame *frames[3] = {feed_block(&world->feed, 50, 2), feed_control(&world->feed, TW_CONTROL_CLOCK),
                                  feed_block(&world->feed, 70, 1)};
    world_append(world, frames, 3);
    assert_true(tw_store_index_step(world->store, 0, &world->error) > 0);
    world_snapshot(world);
    frames[0] = feed_retention(&world->feed, seq, lsn);
    world_append(world, frames, 1);
    assert_true(tw_store_retain(world->store, seq, lsn, &world->error));
    world_reopen(world);
    expect_whole(world);
    without(world, TW_FAMILY_LOG, 0, 0, "is followed by record");
    changed(world, TW_FAMILY_LOG, 0, 1, 40, "are not those that were written");
    without(world, TW_FAMILY_NAMES, 1, 0, "the rows of names"); /* of a dropped trade, but still used */
    without(world, TW_FAMILY_SOURCES, 'p', 0, "position of publisher");
    without(world, TW_FAMILY_REFUSALS, 0, 0, "row of refusal");
    expect_whole(world);
    world->store->retained.chain.bytes[5] ^= 1;
    expect_damage(world, "the chain breaks");
    world->store->retained.chain.bytes[5] ^= 1;
    world->store->head.blocks = 0;
    expect_damage(world, "the head says less");
}

/* A record says that what `fill` has made may go, or a block more; and so much goes, or a block more. */
static void retain(struct world *world, bool record_more, bool drop_more)
{
    uint64_t seq[2], lsn[2];
    for (int i = 0; i < 2; i++) {
        seq[i] = world->feed.seq;
        lsn[i] = world->feed.lsn;
        struct tw_frame *frame = feed_block(&world->feed, 50, 2);
        world_append(world, &frame, 1);
    }
    assert_true(tw_store_index_step(world->store, 0, &world->error) > 0);
    struct tw_frame *frame = feed_retention(&world->feed, seq[record_more], lsn[record_more]);
    world_append(world, &frame, 1);
    world_snapshot(world);
    assert_true(tw_store_retain(world->store, seq[drop_more], lsn[drop_more], &world->error));
}

static void a_drop_that_no_record_allows_is_named(void **state)
{
    struct world *world = *state;
    fill(world);
    retain(world, false, true);
    expect_damage(world, "no record of the log says they may be");
}

/* It waits for snapshots, and the daemon may be told to keep more before they are there. */
static void a_drop_of_less_than_a_record_allows_is_none_the_worse(void **state)
{
    struct world *world = *state;
    fill(world);
    retain(world, true, false);
    expect_whole(world);
}

/* No start would go on from it. */
static void a_log_that_begins_later_without_a_snapshot_is_damage(void **state)
{
    struct world *world = *state;
    char words[96];
    fill(world);
    retain(world, true, true);
    expect_whole(world);
    assert_true(tw_store_snapshot_remove(world->store, world->feed.lsn, &world->error));
    snprintf(words, sizeof words, "the log begins behind record %llu, and there is no snapshot to start from",
             (unsigned long long)tw_store_retained(world->store).lsn);
    expect_damage(world, words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_whole_directory_is_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(damage_of_the_log_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(damage_of_what_is_derived_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(damage_of_the_indexes_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(damage_of_the_alerts_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(damage_of_the_rows_by_id_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(damage_of_actions_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(actions_outlive_their_records, setup, teardown),
        cmocka_unit_test_setup_teardown(damage_of_a_snapshot_is_named_by_its_file, setup, teardown),
        cmocka_unit_test_setup_teardown(damage_of_a_log_that_begins_later_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(a_drop_that_no_record_allows_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(a_drop_of_less_than_a_record_allows_is_none_the_worse, setup, teardown),
        cmocka_unit_test_setup_teardown(a_log_that_begins_later_without_a_snapshot_is_damage, setup, teardown),
        cmocka_unit_test_setup_teardown(of_several_the_first_damage_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(a_head_that_counts_otherwise_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(rows_that_must_be_there_are_missed_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_name_that_is_missing_is_damage_and_one_to_come_is_none, setup, teardown),
        cmocka_unit_test_setup_teardown(no_alert_is_stored_once_a_look_up_met_damage, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
