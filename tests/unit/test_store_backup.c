/* SPDX-License-Identifier: MIT
 *
 * Backups: a copy is a data directory itself, whole, and has all that was durable when it was begun.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/check.h"
#include "store/inside.h"
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

static void append_blocks(struct world *world, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct tw_frame *frame = feed_block(&world->feed, 30, 1);
        world_append(world, &frame, 1);
    }
}

static void append_alert(struct world *world)
{
    struct tw_store_alert alert;
    feed_alert(&world->feed, &alert);
    assert_int_equal(tw_store_put_alerts(world->store, &alert, 1, &world->error), TW_STORE_OK);
    free((void *)(uintptr_t)alert.bytes);
}

static void backup_of(struct world *world, struct world *copy)
{
    *copy = (struct world){0};
    snprintf(copy->directory, sizeof copy->directory, "%.100s-backup", world->directory);
    world_remove(copy->directory);
    if (!tw_store_backup(world->store, copy->directory, &world->error))
        fail_msg("%s", world->error.text);
}

static void expect_whole(struct world *world, enum tw_store_mode mode)
{
    world->store = tw_store_open(world->directory, mode, &world->error);
    if (world->store == NULL || !tw_store_verify(world->store, NULL, NULL, &world->error))
        fail_msg("%s", world->error.text);
}

static void remove_copy(struct world *copy)
{
    tw_store_close(&copy->store);
    world_remove(copy->directory);
}

/* ---- in use ---- */

static void a_backup_is_a_data_directory_with_all_of_it(void **state)
{
    struct world *world = *state, copy;
    append_blocks(world, 30);
    assert_true(tw_store_index_step(world->store, 0, &world->error) > 0);
    append_alert(world);
    world_snapshot(world);
    append_blocks(world, 5);
    append_alert(world);
    backup_of(world, &copy);
    expect_whole(&copy, TW_STORE_READ);
    assert_int_equal(tw_store_last_lsn(copy.store), world->feed.lsn);
    assert_int_equal(tw_store_last_alert(copy.store), 2);
    assert_memory_equal(tw_store_last_chain(copy.store).bytes, tw_store_last_chain(world->store).bytes, 16);
    struct tw_snapshot_info info;
    assert_int_equal(tw_store_snapshot_find(copy.store, UINT64_MAX, &info, &copy.error), 1);
    world_close(&copy);
    expect_whole(&copy, TW_STORE_WRITE); /* it goes on, on its own */
    copy.feed = world->feed;
    append_blocks(&copy, 3);
    assert_true(tw_store_verify(copy.store, NULL, NULL, &copy.error));
    world->feed = copy.feed;
    world->feed.lsn = tw_store_last_lsn(world->store);
    assert_true(tw_store_verify(world->store, NULL, NULL, &world->error)); /* and changed nothing here */
    remove_copy(&copy);
}

struct beside {
    struct world *world;
    atomic_bool stop;
};

static void *append_for_ever(void *context)
{
    struct beside *beside = context;
    while (!atomic_load(&beside->stop)) {
        append_blocks(beside->world, 5);
        append_alert(beside->world);
        tw_store_index_step(beside->world->store, 300, &beside->world->error);
    }
    return NULL;
}

static void a_backup_beside_a_writer_has_what_was_durable_when_it_began(void **state)
{
    struct world *world = *state;
    struct beside beside = {.world = world};
    append_blocks(world, 5);
    pthread_t writer;
    assert_int_equal(pthread_create(&writer, NULL, append_for_ever, &beside), 0);
    for (int round = 0; round < 6; round++) {
        struct tw_store_error error;
        struct world copy = {0};
        uint64_t durable = tw_store_last_lsn(world->store);
        snprintf(copy.directory, sizeof copy.directory, "%.100s-backup", world->directory);
        world_remove(copy.directory);
        if (!tw_store_backup(world->store, copy.directory, &error))
            fail_msg("%s", error.text);
        expect_whole(&copy, TW_STORE_READ);
        assert_true(tw_store_last_lsn(copy.store) >= durable);
        remove_copy(&copy);
    }
    atomic_store(&beside.stop, true);
    pthread_join(writer, NULL);
}

static void a_log_that_begins_later_is_backed_up_with_its_snapshot(void **state)
{
    struct world *world = *state, copy;
    append_blocks(world, 5);
    uint64_t seq = world->feed.seq, lsn = world->feed.lsn;
    append_blocks(world, 5);
    world_snapshot(world);
    struct tw_frame *frame = feed_retention(&world->feed, seq, lsn);
    world_append(world, &frame, 1);
    assert_true(tw_store_retain(world->store, seq, lsn, &world->error));
    backup_of(world, &copy);
    expect_whole(&copy, TW_STORE_READ);
    assert_int_equal(tw_store_retained(copy.store).lsn, lsn);
    remove_copy(&copy);
}

/* What the keeper does meanwhile: two more snapshots, and the older ones go. */
static void move_on(void *context)
{
    struct world *world = context;
    struct tw_snapshot_info old;
    append_blocks(world, 1);
    world_snapshot(world);
    append_blocks(world, 1);
    world_snapshot(world);
    assert_int_equal(tw_store_snapshot_find(world->store, world->feed.lsn - 2, &old, &world->error), 1);
    assert_true(tw_store_snapshot_remove(world->store, old.lsn, &world->error));
    assert_int_equal(tw_store_snapshot_find(world->store, world->feed.lsn - 2, &old, &world->error), 0);
}

static void a_backup_outlasts_the_snapshots_that_it_took(void **state)
{
    struct world *world = *state, copy = {0};
    struct tw_store_error error;
    append_blocks(world, 5);
    uint64_t seq = world->feed.seq, lsn = world->feed.lsn;
    append_blocks(world, 5);
    world_snapshot(world);
    uint64_t taken = world->feed.lsn;
    struct tw_frame *frame = feed_retention(&world->feed, seq, lsn);
    world_append(world, &frame, 1);
    assert_true(tw_store_retain(world->store, seq, lsn, &world->error));
    snprintf(copy.directory, sizeof copy.directory, "%.100s-backup", world->directory);
    world_remove(copy.directory);
    if (!tw_store_backup_watched(world->store, copy.directory, move_on, world, &error))
        fail_msg("%s", error.text);
    expect_whole(&copy, TW_STORE_READ);
    struct tw_snapshot_info info;
    assert_int_equal(tw_store_snapshot_find(copy.store, UINT64_MAX, &info, &copy.error), 1);
    assert_int_equal(info.lsn, taken);
    remove_copy(&copy);
}

static void drop_all(void *context)
{
    struct world *world = context;
    uint64_t seq = world->feed.seq, lsn = world->feed.lsn;
    append_blocks(world, 1);
    world_snapshot(world);
    assert_true(tw_store_retain(world->store, seq, lsn, &world->error));
}

static void a_copy_that_could_not_start_is_none(void **state)
{
    struct world *world = *state, copy = {0};
    struct tw_store_error error;
    append_blocks(world, 5);
    world_snapshot(world);
    append_blocks(world, 1);
    snprintf(copy.directory, sizeof copy.directory, "%.100s-backup", world->directory);
    world_remove(copy.directory);
    assert_false(tw_store_backup_watched(world->store, copy.directory, drop_all, world, &error));
    assert_non_null(strstr(error.text, "dropped old trades while the backup was made"));
    assert_int_equal(access(copy.directory, F_OK), -1);
}

/* ---- not in use ---- */

static void files_of_a_directory_at_rest_are_copied_as_they_are(void **state)
{
    struct world *world = *state, copy;
    append_blocks(world, 30);
    world_snapshot(world);
    append_alert(world);
    world_close(world);
    world->store = tw_store_open(world->directory, TW_STORE_READ, &world->error);
    assert_non_null(world->store);
    backup_of(world, &copy);
    expect_whole(&copy, TW_STORE_READ);
    assert_int_equal(tw_store_last_lsn(copy.store), world->feed.lsn);
    remove_copy(&copy);
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static void a_target_with_anything_in_it_is_refused_and_left_alone(void **state)
{
    struct world *world = *state, copy = {0};
    append_blocks(world, 1);
    assert_false(tw_store_backup(world->store, world->directory, &world->error)); /* never in place */
    assert_non_null(strstr(world->error.text, "not empty"));
    snprintf(copy.directory, sizeof copy.directory, "%.100s-backup", world->directory);
    world_remove(copy.directory);
    assert_int_equal(mkdir(copy.directory, 0700), 0);
    char *other = world_path(&copy, "thesis.tex"), *format = world_path(&copy, "FORMAT");
    FILE *file = fopen(other, "w");
    assert_non_null(file);
    fclose(file);
    assert_false(tw_store_backup(world->store, copy.directory, &world->error));
    assert_true(exists(other) && !exists(format));
    assert_int_equal(unlink(other), 0);
    assert_true(tw_store_backup(world->store, copy.directory, &world->error)); /* an empty one is fine */
    assert_true(exists(format));
    assert_false(tw_store_backup(world->store, copy.directory, &world->error));
    free(other);
    free(format);
    expect_whole(&copy, TW_STORE_READ);
    remove_copy(&copy);
}

/* It would be counted, copied and lost with what it is a copy of. */
static void a_target_within_the_data_directory_is_refused(void **state)
{
    struct world *world = *state;
    struct tw_store_stats before, after;
    append_blocks(world, 1);
    assert_true(tw_store_stats(world->store, &before, &world->error));
    char *others = world_path(world, "others"), *file = world_path(world, "others/thesis.tex"), within[160];
    snprintf(within, sizeof within, "%.100s/others/monday", world->directory);
    assert_false(tw_store_backup(world->store, within, &world->error));
    assert_non_null(strstr(world->error.text, "lies in"));
    assert_true(!exists(within) && exists(others));
    FILE *opened = fopen(file, "w");
    assert_non_null(opened);
    assert_int_equal(ftruncate(fileno(opened), 1 << 20), 0);
    fclose(opened);
    assert_true(tw_store_stats(world->store, &after, &world->error)); /* nor does anything else there count */
    assert_true(after.bytes_on_disk < before.bytes_on_disk + (1 << 20));
    assert_int_equal(unlink(file), 0);
    assert_int_equal(rmdir(others), 0);
    free(others);
    free(file);
}

static void a_backup_that_fails_leaves_nothing(void **state)
{
    struct world *world = *state, copy = {0};
    append_blocks(world, 1);
    world_snapshot(world);
    world_close(world);
    world->store = tw_store_open(world->directory, TW_STORE_READ, &world->error);
    assert_non_null(world->store);
    struct rlimit limit, small; /* larger files than this the disk does not take */
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = limit;
    small.rlim_cur = 1000;
    signal(SIGXFSZ, SIG_IGN);
    snprintf(copy.directory, sizeof copy.directory, "%.100s-backup", world->directory);
    world_remove(copy.directory);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    bool made = tw_store_backup(world->store, copy.directory, &world->error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_false(made);
    assert_true(!exists(copy.directory));

    char beyond[160];
    snprintf(beyond, sizeof beyond, "%s/db/CURRENT/backup", world->directory); /* below a file */
    assert_false(tw_store_backup(world->store, beyond, &world->error));
    assert_true(tw_store_verify(world->store, NULL, NULL, &world->error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_backup_is_a_data_directory_with_all_of_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_backup_beside_a_writer_has_what_was_durable_when_it_began, setup, teardown),
        cmocka_unit_test_setup_teardown(a_log_that_begins_later_is_backed_up_with_its_snapshot, setup, teardown),
        cmocka_unit_test_setup_teardown(a_backup_outlasts_the_snapshots_that_it_took, setup, teardown),
        cmocka_unit_test_setup_teardown(a_copy_that_could_not_start_is_none, setup, teardown),
        cmocka_unit_test_setup_teardown(files_of_a_directory_at_rest_are_copied_as_they_are, setup, teardown),
        cmocka_unit_test_setup_teardown(a_target_with_anything_in_it_is_refused_and_left_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_target_within_the_data_directory_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_backup_that_fails_leaves_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
