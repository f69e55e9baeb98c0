/* SPDX-License-Identifier: MIT
 *
 * `replay --verify` finds the alert that was tampered with, and names what differs. The directory is the one of format
 * 1 in tests/data: 48 alerts of a real daemon.
 */
#include "format_world.h"
#include "protocol/messages.h"
#include "store/inside.h"

/* ---- replay ---- */

static bool verify_opened(const struct world *world, void (*opened)(void *context, struct tw_store *store),
                          struct tw_replay_totals *totals, char why[512])
{
    struct tw_cfg_error error;
    const struct tw_cfg_sources sources = {.set_count = 0};
    struct tw_cfg *cfg = tw_cfg_load(&sources, &error);
    assert_non_null(cfg);
    const struct tw_replay_settings settings = {.cfg = cfg,
                                                .shards = 2,
                                                .verify = true,
                                                .opened = opened,
                                                .alert = hear_alert,
                                                .refused = hear_refused,
                                                .bad = hear_bad,
                                                .progress = hear_progress};
    bool good = tw_replay_directory(&settings, world->directory, totals, why);
    tw_cfg_free(&cfg);
    return good;
}

static bool verify(const struct world *world, struct tw_replay_totals *totals, char why[512])
{
    return verify_opened(world, NULL, totals, why);
}

/* ---- tampering ---- */

struct row {
    uint8_t *value;
    size_t length;
};

static struct row read_row(struct world *world, uint64_t n)
{
    uint8_t key[8];
    char *message = NULL;
    struct row row;
    tw_put_u64_be(key, n);
    row.value =
        (uint8_t *)rocksdb_get_cf(world->store->db, world->store->read_once, world->store->families[TW_FAMILY_ALERTS],
                                  (const char *)key, sizeof key, &row.length, &message);
    assert_null(message);
    assert_non_null(row.value);
    return row;
}

static void write_row(struct world *world, uint64_t n, struct row row)
{
    uint8_t key[8];
    char *message = NULL;
    tw_put_u64_be(key, n);
    if (row.value == NULL)
        rocksdb_delete_cf(world->store->db, world->store->write_options, world->store->families[TW_FAMILY_ALERTS],
                          (const char *)key, sizeof key, &message);
    else
        rocksdb_put_cf(world->store->db, world->store->write_options, world->store->families[TW_FAMILY_ALERTS],
                       (const char *)key, sizeof key, (const char *)row.value, row.length, &message);
    assert_null(message);
    rocksdb_free(row.value);
}

/* Where the value of a key of the record's map begins; from the end, for `trades` is the unit of a count, too. */
static uint8_t *value_of(struct row row, const char *key)
{
    size_t length = strlen(key);
    for (uint8_t *at = row.value + row.length - length; at > row.value + 2 * TW_SHA256_BYTES; at--)
        if (at[-1] == (0xa0 | length) && memcmp(at, key, length) == 0)
            return at + length;
    fail_msg("the record has no %s", key);
    return NULL;
}

static struct tw_difference expect_difference(const struct world *world, uint64_t n, const char *field)
{
    struct tw_replay_totals totals;
    char why[512] = "";
    assert_true(verify(world, &totals, why));
    assert_true(totals.differs);
    assert_int_equal(totals.difference.n, n);
    assert_string_equal(totals.difference.field, field);
    assert_string_not_equal(totals.difference.recorded, totals.difference.derived);
    return totals.difference;
}

/* ---- */

static void what_was_recorded_is_derived_again(void **state)
{
    struct world *world = *state;
    struct tw_replay_totals totals;
    char why[512] = "";
    assert_true(verify(world, &totals, why));
    assert_false(totals.differs);
    assert_int_equal(totals.compared, ALERTS);
    assert_int_equal(totals.difference.n, 0);
}

static void another_text_in_a_record_is_named_by_its_field(void **state)
{
    struct world *world = *state;
    static const char *const fields[] = {"severity", "entity", "message", "rule"};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        uint64_t n = 40 - 7 * i; /* the first difference: each time an earlier one */
        world_open(world);
        struct row row = read_row(world, n);
        value_of(row, fields[i])[1] ^= 2;
        write_row(world, n, row);
        world_close(world);
        struct tw_difference difference = expect_difference(world, n, fields[i]);
        assert_true(strlen(difference.recorded) > 0 && strlen(difference.derived) > 0);
    }
}

static void a_number_and_a_trade_of_the_evidence_are_named_too(void **state)
{
    struct world *world = *state;
    world_open(world);
    struct row row = read_row(world, 30);
    uint8_t *trades = value_of(row, "trades");
    assert_true((trades[0] & 0xf0) == 0x90); /* an array; in it a map with seq first */
    for (uint8_t *at = trades; at < row.value + row.length; at++)
        if (memcmp(at, "\xa3seq", 4) == 0) {
            at[5] ^= 1; /* within its number, or the next key's length */
            break;
        }
    write_row(world, 30, row);
    world_close(world);
    expect_difference(world, 30, "trades");
}

static void a_changed_digest_is_named(void **state)
{
    struct world *world = *state;
    world_open(world);
    struct row row = read_row(world, 20);
    row.value[TW_SHA256_BYTES] ^= 1;
    write_row(world, 20, row);
    row = read_row(world, 21);
    row.value[0] ^= 1;
    write_row(world, 21, row);
    world_close(world);
    expect_difference(world, 20, "record_digest");
}

static void another_moment_of_detection_is_no_difference(void **state)
{
    struct world *world = *state;
    struct tw_replay_totals totals;
    char why[512] = "";
    world_open(world);
    struct row row = read_row(world, 20);
    row.value[row.length - 1] ^= 1;
    write_row(world, 20, row);
    world_close(world);
    assert_true(verify(world, &totals, why));
    assert_false(totals.differs);
}

static void a_missing_alert_is_damage_and_one_too_many_a_difference(void **state)
{
    struct world *world = *state;
    struct tw_replay_totals totals;
    char why[512] = "";
    world_open(world);
    struct row kept = read_row(world, 12), last = read_row(world, ALERTS);
    write_row(world, 12, (struct row){NULL, 0});
    world_close(world);
    assert_false(verify(world, &totals, why));
    assert_true(totals.damaged);
    assert_non_null(strstr(why, "alert 12"));
    world_open(world);
    write_row(world, 12, kept);
    write_row(world, ALERTS + 1, last);
    world_close(world);
    expect_difference(world, ALERTS + 1, "record");
}

static void meet_damage(void *context, struct tw_store *store)
{
    (void)context;
    tw_store_note_damage(store, &(struct tw_store_error){TW_STORE_DAMAGED, "the block of trade 7 cannot be read"});
}

/* Evidence that could not be read makes other alerts. */
static void a_look_up_that_met_damage_is_damage_and_no_difference(void **state)
{
    struct world *world = *state;
    struct tw_replay_totals totals;
    char why[512] = "";
    assert_false(verify_opened(world, meet_damage, &totals, why));
    assert_true(totals.damaged);
    assert_string_equal(why, "the block of trade 7 cannot be read");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_recorded_is_derived_again, setup, teardown),
        cmocka_unit_test_setup_teardown(another_text_in_a_record_is_named_by_its_field, setup, teardown),
        cmocka_unit_test_setup_teardown(a_number_and_a_trade_of_the_evidence_are_named_too, setup, teardown),
        cmocka_unit_test_setup_teardown(a_changed_digest_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(another_moment_of_detection_is_no_difference, setup, teardown),
        cmocka_unit_test_setup_teardown(a_missing_alert_is_damage_and_one_too_many_a_difference, setup, teardown),
        cmocka_unit_test_setup_teardown(a_look_up_that_met_damage_is_damage_and_no_difference, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
