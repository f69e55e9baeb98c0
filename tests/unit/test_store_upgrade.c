/* SPDX-License-Identifier: MIT
 *
 * A directory that the program of format 1 wrote (tests/data): tools read it as it is, the daemon's opening makes it
 * format 2, and it says what it said before.
 */
#include <unistd.h>

#include "format_1_world.h"
#include "protocol/check.h"

#define TRADES 2435u
#define REFUSED 14u
#define DIGEST "30c3ba3729390efb6cef1c2bf726ba2bd0b19bc1da3bfc611e62fed9ba21b15b"
#define RECORD_DIGEST "56a3cc93fe1b8617162eb557ecfd9372e018b63221d07f7179b6ece7a7cf805c"

/* ---- what it says ---- */

static void expect_the_same_answer(const struct world *world)
{
    struct tw_replay_totals totals;
    struct tw_cfg_error error;
    const struct tw_cfg_sources sources = {.set_count = 0};
    struct tw_cfg *cfg = tw_cfg_load(&sources, &error);
    assert_non_null(cfg);
    char why[512] = "", digest[2 * TW_SHA256_BYTES + 1];
    const struct tw_replay_settings settings = {.cfg = cfg,
                                                .shards = 2,
                                                .alert = hear_alert,
                                                .refused = hear_refused,
                                                .bad = hear_bad,
                                                .progress = hear_progress};
    assert_true(tw_replay_directory(&settings, world->directory, &totals, why));
    tw_cfg_free(&cfg);
    assert_int_equal(totals.trades, TRADES);
    assert_int_equal(totals.refused, REFUSED);
    assert_int_equal(totals.alerts, ALERTS);
    assert_int_equal(totals.recorded, ALERTS);
    assert_false(totals.differs);
    tw_hex(totals.digest, sizeof totals.digest, digest);
    assert_string_equal(digest, DIGEST);
    tw_hex(totals.record_digest, sizeof totals.record_digest, digest);
    assert_string_equal(digest, RECORD_DIGEST);
}

static void expect_format(const struct world *world, const char *expected)
{
    char text[32] = "", *path = world_path(world, "FORMAT");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    free(path);
    assert_string_equal(text, expected);
}

static void write_format(const struct world *world, const char *text)
{
    char *path = world_path(world, "FORMAT");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    free(path);
}

/* ---- */

static void a_tool_reads_format_1_and_leaves_it_alone(void **state)
{
    struct world *world = *state;
    world->store = tw_store_open(world->directory, TW_STORE_READ, &world->error);
    assert_non_null(world->store);
    assert_int_equal(tw_store_last_seq(world->store), TRADES);
    assert_true(tw_store_verify(world->store, NULL, NULL, &world->error));
    world_close(world);
    expect_the_same_answer(world);
    expect_format(world, "tapewarden 1\n");
}

static void opening_for_writing_makes_it_format_2_with_the_same_answer(void **state)
{
    struct world *world = *state;
    world_open(world);
    expect_format(world, "tapewarden 2\n");
    assert_true(tw_store_verify(world->store, NULL, NULL, &world->error));
    world_reopen(world);
    world_close(world);
    expect_the_same_answer(world);
}

static void what_was_upgraded_goes_on(void **state)
{
    struct world *world = *state;
    world_open(world);
    const struct tw_control clock = {.lsn = tw_store_last_lsn(world->store) + 1,
                                     .follows = TRADES,
                                     .kind = TW_CONTROL_SNAPSHOT,
                                     .number = 1,
                                     .ts_ns = NOON};
    struct tw_frame *frame = tw_control_encode(&clock);
    world_append(world, &frame, 1);
    assert_int_equal(tw_store_index_step(world->store, 0, &world->error), TRADES);
    world_reopen(world);
    assert_int_equal(tw_store_last_lsn(world->store), clock.lsn);
    assert_true(tw_store_verify(world->store, NULL, NULL, &world->error));
    world_close(world);
    expect_the_same_answer(world);
}

/* The row is written before the file: what a crash leaves in between. */
static void a_crash_in_the_middle_of_the_upgrade_is_made_good(void **state)
{
    struct world *world = *state;
    world_open(world);
    world_close(world);
    write_format(world, "tapewarden 1\n");
    world->store = tw_store_open(world->directory, TW_STORE_READ, &world->error);
    assert_non_null(world->store);
    world_close(world);
    expect_format(world, "tapewarden 1\n");
    world_open(world);
    expect_format(world, "tapewarden 2\n");
    world_close(world);
    expect_the_same_answer(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_tool_reads_format_1_and_leaves_it_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(opening_for_writing_makes_it_format_2_with_the_same_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_upgraded_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(a_crash_in_the_middle_of_the_upgrade_is_made_good, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
