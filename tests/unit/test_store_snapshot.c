/* SPDX-License-Identifier: MIT
 *
 * Snapshots: what was added comes back, only what is whole counts, damage is named by its file, and the log goes on
 * behind one with its chain verified.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/check.h"
#include "store/snapshot.h"
#include "store_world.h"

#define SHARDS 2u

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

/* ---- making one ---- */

static void append_blocks(struct world *world, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct tw_frame *frame = feed_block(&world->feed, 40, 1);
        world_append(world, &frame, 1);
    }
}

/* Rows of a part, different for each part and snapshot. */
static void make_rows(struct tw_buffer *rows, uint64_t lsn, uint32_t part, uint32_t index, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        size_t began = tw_row_begin(rows, (uint8_t)(part + 1));
        tw_put_u64(rows, lsn * 1000 + i);
        tw_put_u32(rows, index);
        tw_row_end(rows, began);
    }
}

static struct tw_snapshot_writer *begin(struct world *world)
{
    struct tw_frame *frame = feed_control(&world->feed, TW_CONTROL_SNAPSHOT);
    uint64_t lsn = world->feed.lsn;
    world_append(world, &frame, 1);
    struct tw_snapshot_writer *writer =
        tw_store_snapshot_begin(world->store, lsn, world->feed.seq, SHARDS, &world->error);
    assert_non_null(writer);
    for (uint32_t round = 0; round < 2; round++) /* parts come in pieces, mixed; the scorer's has no rows */
        for (uint32_t part = 0; part < TW_PART_COUNT; part++)
            for (uint32_t index = 0; index < (part == TW_PART_SHARD ? SHARDS : 1); index++) {
                struct tw_buffer rows = {0};
                make_rows(&rows, lsn + round, part, index, part == TW_PART_SCORER ? 0 : 100);
                assert_true(tw_store_snapshot_add(writer, (enum tw_snapshot_part)part, index, rows.bytes, rows.length,
                                                  &world->error));
                tw_buffer_free(&rows);
            }
    return writer;
}

static uint64_t make_snapshot(struct world *world)
{
    struct tw_snapshot_writer *writer = begin(world);
    assert_true(tw_store_snapshot_finish(&writer, tw_store_last_alert(world->store), &world->error));
    assert_null(writer);
    return world->feed.lsn;
}

static char *snapshot_path(const struct world *world, uint64_t lsn, const char *ending)
{
    char name[64];
    snprintf(name, sizeof name, "snapshots/%020llu%s", (unsigned long long)lsn, ending);
    return world_path(world, name);
}

/* ---- reading ---- */

static void what_was_added_comes_back(void **state)
{
    struct world *world = *state;
    append_blocks(world, 3);
    struct tw_store_alert alert;
    feed_alert(&world->feed, &alert);
    assert_int_equal(tw_store_put_alerts(world->store, &alert, 1, &world->error), TW_STORE_OK);
    free((void *)(uintptr_t)alert.bytes);
    uint64_t lsn = make_snapshot(world);
    struct tw_chain chain = tw_store_last_chain(world->store);
    append_blocks(world, 2);
    world_reopen(world);

    struct tw_snapshot_info info;
    assert_int_equal(tw_store_snapshot_find(world->store, UINT64_MAX, &info, &world->error), 1);
    assert_int_equal(info.lsn, lsn);
    assert_int_equal(info.seq, 120);
    assert_int_equal(info.last_alert, 1);
    assert_int_equal(info.shards, SHARDS);
    assert_memory_equal(info.chain.bytes, chain.bytes, sizeof chain);
    assert_int_equal(tw_store_snapshot_find(world->store, lsn, &info, &world->error), 0);

    struct tw_snapshot_reader *reader = tw_store_snapshot_open(world->store, lsn, &world->error);
    assert_non_null(reader);
    enum tw_snapshot_part part;
    uint32_t index, rows = 0;
    struct tw_row_reader row;
    int more;
    while ((more = tw_store_snapshot_next(reader, &part, &index, &row, &world->error)) > 0) {
        assert_int_equal(row.kind, part + 1);
        uint64_t value = tw_get_u64(&row);
        assert_int_equal(value % 1000, rows % 100);
        assert_int_equal(tw_get_u32(&row), index);
        assert_true(tw_row_whole(&row));
        rows++;
    }
    assert_int_equal(more, 0);
    assert_int_equal(rows, 2 * 5 * 100);
    tw_store_snapshot_close(&reader);
}

static void the_newest_one_is_found_and_older_ones_behind_it(void **state)
{
    struct world *world = *state;
    struct tw_snapshot_info info;
    assert_int_equal(tw_store_snapshot_find(world->store, UINT64_MAX, &info, &world->error), 0);
    append_blocks(world, 1);
    uint64_t first = make_snapshot(world);
    append_blocks(world, 1);
    uint64_t second = make_snapshot(world);
    assert_int_equal(tw_store_snapshot_find(world->store, UINT64_MAX, &info, &world->error), 1);
    assert_int_equal(info.lsn, second);
    assert_int_equal(tw_store_snapshot_find(world->store, second, &info, &world->error), 1);
    assert_int_equal(info.lsn, first);
    assert_true(tw_store_snapshot_remove(world->store, second, &world->error));
    assert_int_equal(tw_store_snapshot_find(world->store, UINT64_MAX, &info, &world->error), 1);
    assert_int_equal(info.lsn, first);
}

static void the_log_goes_on_behind_a_snapshot(void **state)
{
    struct world *world = *state;
    append_blocks(world, 4);
    uint64_t lsn = make_snapshot(world);
    struct tw_snapshot_info info;
    assert_int_equal(tw_store_snapshot_find(world->store, UINT64_MAX, &info, &world->error), 1);
    struct tw_record record;
    struct tw_store_cursor *cursor = tw_store_read_after(world->store, &info, &world->error);
    assert_non_null(cursor);
    assert_int_equal(tw_store_next(cursor, &record, &world->error), 0); /* nothing yet */
    tw_store_cursor_free(&cursor);

    struct tw_frame *frame = feed_control(&world->feed, TW_CONTROL_CLOCK); /* follows the same trade */
    world_append(world, &frame, 1);
    append_blocks(world, 2);
    cursor = tw_store_read_after(world->store, &info, &world->error);
    assert_non_null(cursor);
    for (uint64_t next = lsn + 1; next <= lsn + 3; next++) {
        assert_int_equal(tw_store_next(cursor, &record, &world->error), 1);
        assert_int_equal(tw_record_lsn(&record), next);
    }
    assert_int_equal(tw_store_next(cursor, &record, &world->error), 0);
    tw_store_cursor_free(&cursor);

    info.chain.bytes[3] ^= 1; /* of another log */
    assert_null(tw_store_read_after(world->store, &info, &world->error));
    assert_int_equal(world->error.status, TW_STORE_DAMAGED);
}

/* ---- what is not whole ---- */

static void an_unfinished_one_does_not_count_and_is_removed(void **state)
{
    struct world *world = *state;
    append_blocks(world, 1);
    struct tw_snapshot_writer *writer = begin(world);
    struct tw_snapshot_info info;
    char *path = snapshot_path(world, world->feed.lsn, ".new");
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(tw_store_snapshot_find(world->store, UINT64_MAX, &info, &world->error), 0);
    tw_store_snapshot_abandon(&writer);
    assert_int_equal(access(path, F_OK), -1);

    int fd = open(path, O_WRONLY | O_CREAT, 0640); /* as a crash would leave it */
    assert_int_equal(write(fd, "twsnap", 6), 6);
    close(fd);
    world_close(world);
    world->store = tw_store_open(world->directory, TW_STORE_READ, &world->error);
    assert_non_null(world->store);
    assert_int_equal(access(path, F_OK), 0); /* a tool changes nothing */
    world_reopen(world);
    assert_int_equal(access(path, F_OK), -1);
    free(path);
}

/* Whether finding or opening it fails, by its name; then there is the one before it. */
static void expect_damage(struct world *world, uint64_t lsn, uint64_t before)
{
    struct tw_snapshot_info info;
    char name[32];
    snprintf(name, sizeof name, "snapshots/%020llu", (unsigned long long)lsn);
    memset(&world->error, 0, sizeof world->error);
    int found = tw_store_snapshot_find(world->store, UINT64_MAX, &info, &world->error);
    assert_int_equal(info.lsn, lsn);
    if (found > 0)
        assert_null(tw_store_snapshot_open(world->store, lsn, &world->error));
    assert_int_equal(world->error.status, TW_STORE_DAMAGED);
    assert_non_null(strstr(world->error.text, name));
    assert_int_equal(tw_store_snapshot_find(world->store, lsn, &info, &world->error), 1);
    assert_int_equal(info.lsn, before);
    struct tw_snapshot_reader *reader = tw_store_snapshot_open(world->store, before, &world->error);
    assert_non_null(reader);
    tw_store_snapshot_close(&reader);
}

static void every_flipped_byte_is_found_and_named(void **state)
{
    struct world *world = *state;
    append_blocks(world, 1);
    uint64_t before = make_snapshot(world);
    append_blocks(world, 1);
    uint64_t lsn = make_snapshot(world);
    char *path = snapshot_path(world, lsn, "");
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    for (int64_t offset = 0; offset < status.st_size; offset += offset < 64 || offset > status.st_size - 80 ? 1 : 37) {
        world_flip_bit(path, offset);
        expect_damage(world, lsn, before);
        world_flip_bit(path, offset);
    }
    free(path);
}

static void one_cut_short_or_under_another_name_is_damaged(void **state)
{
    struct world *world = *state;
    append_blocks(world, 1);
    uint64_t before = make_snapshot(world);
    append_blocks(world, 1);
    uint64_t lsn = make_snapshot(world);
    append_blocks(world, 1);
    char *path = snapshot_path(world, lsn, ""), *other = snapshot_path(world, lsn + 1, ""),
         *beyond = snapshot_path(world, lsn + 100, "");
    assert_int_equal(rename(path, other), 0);
    expect_damage(world, lsn + 1, before);
    assert_int_equal(rename(other, path), 0);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    for (int64_t length = status.st_size - 1; length >= 0; length = length / 2 - (length == 0)) {
        assert_int_equal(truncate(path, length), 0);
        expect_damage(world, lsn, before);
    }
    assert_int_equal(rename(path, beyond), 0);
    expect_damage(world, lsn + 100, before);
    free(path);
    free(other);
    free(beyond);
}

static void seal_as_version(const char *path, uint32_t version)
{
    struct tw_snapshot_head head;
    struct tw_snapshot_trailer trailer;
    int fd = open(path, O_RDWR);
    off_t end = lseek(fd, -(off_t)sizeof trailer, SEEK_END);
    assert_int_equal(pread(fd, &head, sizeof head, 0), sizeof head);
    assert_int_equal(pread(fd, &trailer, sizeof trailer, end), sizeof trailer);
    head.version = version;
    trailer.check = tw_snapshot_check(&head, &trailer);
    assert_int_equal(pwrite(fd, &head, sizeof head, 0), sizeof head);
    assert_int_equal(pwrite(fd, &trailer, sizeof trailer, end), sizeof trailer);
    close(fd);
}

/* It is no damage, and the one before it will do: the log decides. */
static void one_of_a_newer_program_is_refused(void **state)
{
    struct world *world = *state;
    struct tw_snapshot_info info;
    append_blocks(world, 2);
    uint64_t before = make_snapshot(world), lsn = make_snapshot(world);
    char *path = snapshot_path(world, lsn, "");
    seal_as_version(path, TW_SNAPSHOT_VERSION + 1);
    assert_int_equal(tw_store_snapshot_find(world->store, UINT64_MAX, &info, &world->error), -1);
    assert_int_equal(info.lsn, lsn);
    assert_int_equal(world->error.status, TW_STORE_NEWER);
    assert_non_null(strstr(world->error.text, "a snapshot of a newer Tapewarden (version 5; record"));
    assert_null(tw_store_snapshot_open(world->store, lsn, &world->error));
    assert_int_equal(world->error.status, TW_STORE_NEWER);
    assert_false(tw_store_verify(world->store, NULL, NULL, &world->error));
    assert_int_equal(world->error.status, TW_STORE_NEWER);
    assert_int_equal(tw_store_snapshot_find(world->store, lsn, &info, &world->error), 1);
    assert_int_equal(info.lsn, before);
    free(path);
}

static void one_of_another_log_is_refused(void **state)
{
    struct world *world = *state, *other = world_new();
    append_blocks(world, 1);
    append_blocks(other, 1);
    uint64_t before = make_snapshot(world);
    append_blocks(world, 1);
    append_blocks(other, 2);
    uint64_t lsn = make_snapshot(other);
    append_blocks(world, 3);
    char *from = snapshot_path(other, lsn, ""), *to = snapshot_path(world, lsn, "");
    assert_int_equal(rename(from, to), 0);
    expect_damage(world, lsn, before);
    free(from);
    free(to);
    world_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_added_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(the_newest_one_is_found_and_older_ones_behind_it, setup, teardown),
        cmocka_unit_test_setup_teardown(the_log_goes_on_behind_a_snapshot, setup, teardown),
        cmocka_unit_test_setup_teardown(an_unfinished_one_does_not_count_and_is_removed, setup, teardown),
        cmocka_unit_test_setup_teardown(every_flipped_byte_is_found_and_named, setup, teardown),
        cmocka_unit_test_setup_teardown(one_cut_short_or_under_another_name_is_damaged, setup, teardown),
        cmocka_unit_test_setup_teardown(one_of_a_newer_program_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(one_of_another_log_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
