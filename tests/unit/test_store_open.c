/* SPDX-License-Identifier: MIT
 *
 * Opening a data directory: what is made, what is refused, and with which sentence.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/inside.h"
#include "store_world.h"

#define NOBODY 65534

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

static void append_some(struct world *world)
{
    struct tw_frame *frames[] = {feed_control(&world->feed, TW_CONTROL_BOOT), feed_block(&world->feed, 20, 1)};
    world_append(world, frames, 2);
}

static void write_file(const struct world *world, const char *name, const char *text)
{
    char *path = world_path(world, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0640);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    free(path);
}

static bool exists(const struct world *world, const char *name)
{
    char *path = world_path(world, name);
    bool there = access(path, F_OK) == 0;
    free(path);
    return there;
}

static void unlink_file(const struct world *world, const char *name)
{
    char *path = world_path(world, name);
    assert_int_equal(unlink(path), 0);
    free(path);
}

/* Runs one of the acts below in a process of its own (started anew: RocksDB's threads do not survive a fork) and
 * expects it to end well. */
static void in_child(const char *act, struct world *world)
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        execl("/proc/self/exe", "test_store_open", act, world->directory, (char *)NULL);
        _exit(1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip(); /* not allowed here */
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* In a child an assertion of cmocka cannot unwind: it ends with its line. */
#define CHILD_ASSERT(condition)                                                                                        \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                            \
            _exit(1);                                                                                                  \
        }                                                                                                              \
    } while (0)

/* ---- creation ---- */

static void a_new_directory_gets_its_files(void **state)
{
    struct world *world = *state;
    char text[32] = "";
    char *path = world_path(world, "FORMAT");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    free(path);
    assert_string_equal(text, "tapewarden 5\n");
    assert_true(exists(world, "HIGHWATER"));
    assert_true(exists(world, "LOCK-tapewarden"));
    assert_true(exists(world, "db/CURRENT"));
}

static void directories_above_are_made_too(void **state)
{
    struct world *world = *state;
    world_close(world);
    struct world below = *world;
    strcat(below.directory, "/db/a/b/");
    world_open(&below);
    world_close(&below);
}

static void a_reader_makes_nothing(void **state)
{
    struct world *world = *state;
    world_close(world);
    world_remove(world->directory);
    world_open_fails(world, TW_STORE_READ, TW_STORE_MISSING);
    assert_non_null(strstr(world->error.text, "no such data directory"));
    assert_int_not_equal(access(world->directory, F_OK), 0);
    assert_int_equal(mkdir(world->directory, 0700), 0);
    world_open_fails(world, TW_STORE_READ, TW_STORE_MISSING);
    assert_int_equal(rmdir(world->directory), 0); /* still empty */
}

static void a_file_in_its_place_is_refused(void **state)
{
    struct world *world = *state;
    world_close(world);
    write_file(world, "file", "");
    size_t length = strlen(world->directory);
    strcat(world->directory, "/file");
    world_open_fails(world, TW_STORE_WRITE, TW_STORE_MISSING);
    world_open_fails(world, TW_STORE_READ, TW_STORE_MISSING);
    world->directory[length] = '\0';
}

static void somebody_elses_directory_is_left_alone(void **state)
{
    struct world *world = *state;
    world_close(world);
    world_remove(world->directory);
    assert_int_equal(mkdir(world->directory, 0700), 0);
    write_file(world, "thesis.tex", "x");
    world_open_fails(world, TW_STORE_WRITE, TW_STORE_MISSING);
    assert_non_null(strstr(world->error.text, "thesis.tex"));
    assert_false(exists(world, "LOCK-tapewarden"));
    assert_false(exists(world, "db"));
}

static void a_crash_during_creation_is_made_good(void **state)
{
    struct world *world = *state;
    world_close(world);
    unlink_file(world, "FORMAT"); /* all but the last step was done */
    write_file(world, "FORMAT.new", "tape");
    world_open_fails(world, TW_STORE_READ, TW_STORE_MISSING);
    world_open(world);
    append_some(world);
    world_reopen(world);
    assert_int_equal(tw_store_last_lsn(world->store), 2);

    world_close(world);
    world_remove(world->directory); /* only the first step was done */
    assert_int_equal(mkdir(world->directory, 0700), 0);
    write_file(world, "LOCK-tapewarden", "");
    world_open(world);
    assert_int_equal(tw_store_last_lsn(world->store), 0);
}

/* ---- FORMAT and files that are missing ---- */

static void a_newer_format_is_refused(void **state)
{
    struct world *world = *state;
    world_close(world);
    write_file(world, "FORMAT", "tapewarden 6\n");
    world_open_fails(world, TW_STORE_WRITE, TW_STORE_NEWER);
    assert_non_null(strstr(world->error.text, "format 6"));
    world_open_fails(world, TW_STORE_READ, TW_STORE_NEWER);
    write_file(world, "FORMAT", "tapewarden 5\n");
    world_open(world);
}

static void write_format_row(struct world *world, uint32_t format)
{
    char *message = NULL;
    rocksdb_put_cf(world->store->db, world->store->write_options, world->store->families[TW_FAMILY_META], "format", 6,
                   (const char *)&format, sizeof format, &message);
    assert_null(message);
}

/* A newer program writes it before FORMAT, and may be killed between the two. */
static void a_newer_format_is_refused_by_its_row_alone(void **state)
{
    struct world *world = *state;
    append_some(world);
    write_format_row(world, TW_STORE_FORMAT + 1);
    world_close(world);
    for (int again = 0; again < 2; again++) {
        world_open_fails(world, TW_STORE_WRITE, TW_STORE_NEWER);
        assert_non_null(strstr(world->error.text, "newer Tapewarden (format 6; this one knows up to 5)"));
        world_open_fails(world, TW_STORE_READ, TW_STORE_NEWER);
    }
}

static void another_format_is_not_ours(void **state)
{
    struct world *world = *state;
    static const char *const texts[] = {"",
                                        "tapewarden\n",
                                        "tapewarden 0\n",
                                        "tapewarden 1",
                                        "tapewarden one\n",
                                        "rocks 1\n",
                                        "tapewarden +2\n",
                                        "tapewarden2\n",
                                        "tapewarden 02\n",
                                        "tapewarden 4294967301\n" /* 5 in 32 bits */};
    world_close(world);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        write_file(world, "FORMAT", texts[i]);
        world_open_fails(world, TW_STORE_WRITE, TW_STORE_MISSING);
        world_open_fails(world, TW_STORE_READ, TW_STORE_MISSING);
    }
}

static void a_log_without_its_format_is_damaged(void **state)
{
    struct world *world = *state;
    append_some(world);
    world_close(world);
    unlink_file(world, "FORMAT");
    world_open_fails(world, TW_STORE_WRITE, TW_STORE_DAMAGED);
    assert_false(exists(world, "FORMAT")); /* nothing was made of it */
}

static void a_missing_database_is_damage(void **state)
{
    struct world *world = *state;
    append_some(world);
    world_close(world);
    char *path = world_path(world, "db");
    world_remove(path);
    world_open_fails(world, TW_STORE_WRITE, TW_STORE_DAMAGED);
    assert_false(exists(world, "db")); /* an empty one would look like a fresh start */
    assert_int_equal(mkdir(path, 0700), 0);
    world_open_fails(world, TW_STORE_READ, TW_STORE_DAMAGED);
    free(path);
}

/* ---- the lock ---- */

static void open_and_expect_locked(struct world *world)
{
    struct tw_store_error error;
    struct tw_store *store = tw_store_open(world->directory, TW_STORE_WRITE, &error);
    CHILD_ASSERT(store == NULL && error.status == TW_STORE_LOCKED);
    char owner[32];
    snprintf(owner, sizeof owner, "process %ld", (long)getppid());
    CHILD_ASSERT(strstr(error.text, owner) != NULL);
    CHILD_ASSERT(tw_store_open(world->directory, TW_STORE_READ, &error) == NULL);
    CHILD_ASSERT(error.status == TW_STORE_LOCKED);
}

static void one_process_has_it(void **state)
{
    struct world *world = *state;
    in_child("open_and_expect_locked", world);
    append_some(world); /* the attempts did no harm */
    world_open_fails(world, TW_STORE_WRITE, TW_STORE_LOCKED);
    world_reopen(world); /* and the lock goes with its owner */
}

static void a_reader_keeps_a_writer_out(void **state)
{
    struct world *world = *state;
    append_some(world);
    world_close(world);
    struct tw_store *reader = tw_store_open(world->directory, TW_STORE_READ, &world->error);
    assert_non_null(reader);
    world_open_fails(world, TW_STORE_WRITE, TW_STORE_LOCKED);
    world_open_fails(world, TW_STORE_READ, TW_STORE_LOCKED);
    tw_store_close(&reader);
    world_open(world);
}

/* ---- disks ---- */

static int open_up(const char *directory)
{
    char command[300];
    snprintf(command, sizeof command, "chmod -R a+rX '%s'", directory);
    return system(command);
}

static void become_nobody(void)
{
    if (geteuid() == 0)
        CHILD_ASSERT(setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
}

static void write_without_permission(struct world *world)
{
    struct tw_store_error error;
    become_nobody();
    CHILD_ASSERT(tw_store_open(world->directory, TW_STORE_WRITE, &error) == NULL);
    CHILD_ASSERT(error.status == TW_STORE_UNWRITABLE);
    struct world below = *world;
    strcat(below.directory, "/new");
    CHILD_ASSERT(tw_store_open(below.directory, TW_STORE_WRITE, &error) == NULL);
    CHILD_ASSERT(error.status == TW_STORE_UNWRITABLE && strstr(error.text, "Permission denied") != NULL);
}

static void without_permission_nothing_is_written(void **state)
{
    struct world *world = *state;
    append_some(world);
    world_close(world);
    assert_int_equal(open_up(world->directory), 0);
    assert_int_equal(chmod(world->directory, 0555), 0);
    in_child("write_without_permission", world);
    assert_int_equal(chmod(world->directory, 0755), 0);
}

static void read_without_permission_to_write(struct world *world)
{
    struct tw_store_error error;
    become_nobody();
    struct tw_store *store = tw_store_open(world->directory, TW_STORE_READ, &error);
    if (store == NULL)
        fprintf(stderr, "%s\n", error.text);
    CHILD_ASSERT(store != NULL);
    CHILD_ASSERT(tw_store_last_seq(store) == 20);
    CHILD_ASSERT(tw_store_verify(store, NULL, NULL, &error));
    tw_store_close(&store);
}

static unsigned count_entries(const char *directory)
{
    DIR *listing = opendir(directory);
    assert_non_null(listing);
    unsigned count = 0;
    while (readdir(listing) != NULL)
        count++;
    closedir(listing);
    return count;
}

static void a_reader_needs_no_permission_to_write(void **state)
{
    struct world *world = *state;
    append_some(world);
    world_close(world);
    assert_int_equal(open_up(world->directory), 0);
    char *database = world_path(world, "db");
    unsigned before = count_entries(database);
    in_child("read_without_permission_to_write", world);
    assert_int_equal(count_entries(database), before);
    free(database);
    world_open(world);
    assert_int_equal(tw_store_last_seq(world->store), 20);
}

/* A file system of `size` in a mount namespace of its own; where that is not allowed the test is skipped. */
static void mount_small(const struct world *world, const char *size)
{
    char options[32];
    snprintf(options, sizeof options, "size=%s", size);
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", world->directory, "tmpfs", 0, options) != 0)
        _exit(77);
}

static void open_on_full_disk(struct world *world)
{
    struct tw_store_error error;
    mount_small(world, "48m");
    CHILD_ASSERT(tw_store_open(world->directory, TW_STORE_WRITE, &error) == NULL);
    CHILD_ASSERT(error.status == TW_STORE_FULL && strstr(error.text, "MiB are free") != NULL);
}

static void a_full_disk_is_said_before_anything_is_made(void **state)
{
    world_close(*state);
    in_child("open_on_full_disk", *state);
}

static enum tw_store_status append_until_refused(struct world *world, uint64_t *acked, struct tw_store_error *error)
{
    for (;;) {
        struct feed before = world->feed;
        struct tw_frame *frame = feed_block(&world->feed, TW_BLOCK_TRADES_MAX, 0);
        enum tw_store_status status = tw_store_append(world->store, &frame, 1, error);
        tw_frame_drop(&frame);
        if (status != TW_STORE_OK) {
            world->feed.lsn = before.lsn; /* so that the same block can be made again */
            return status;
        }
        *acked = world->feed.lsn;
    }
}

static void fill_the_disk(struct world *world)
{
    struct tw_store_error error;
    uint64_t acked = 0;
    mount_small(world, "260m");
    world->store = tw_store_open(world->directory, TW_STORE_WRITE, &error);
    CHILD_ASSERT(world->store != NULL);
    CHILD_ASSERT(append_until_refused(world, &acked, &error) == TW_STORE_FULL);
    CHILD_ASSERT(strstr(error.text, "make room") != NULL);
    CHILD_ASSERT(acked > 50 && tw_store_last_lsn(world->store) == acked);
    struct tw_frame *control = feed_control(&world->feed, TW_CONTROL_CLOCK); /* not even a small one */
    CHILD_ASSERT(tw_store_append(world->store, &control, 1, &error) == TW_STORE_FULL);
    CHILD_ASSERT(tw_store_index_step(world->store, 0, &error) == 0 && error.status == TW_STORE_OK);
    CHILD_ASSERT(mount(NULL, world->directory, NULL, MS_REMOUNT, "size=1g") == 0); /* somebody makes room */
    world->feed.seq = tw_store_last_seq(world->store);
    tw_frame_drop(&control);
    world->feed.lsn = acked;
    control = feed_control(&world->feed, TW_CONTROL_CLOCK);
    CHILD_ASSERT(tw_store_append(world->store, &control, 1, &error) == TW_STORE_OK);
    tw_frame_drop(&control);
    tw_store_close(&world->store);
    world->store = tw_store_open(world->directory, TW_STORE_WRITE, &error);
    CHILD_ASSERT(world->store != NULL && tw_store_last_lsn(world->store) == acked + 1);
    CHILD_ASSERT(tw_store_verify(world->store, NULL, NULL, &error));
    tw_store_close(&world->store);
}

static void a_disk_that_fills_up_refuses_and_goes_on_when_there_is_room(void **state)
{
    world_close(*state);
    in_child("fill_the_disk", *state);
}

/* Takes all there is but so many bytes. */
static void leave_free(const struct world *world, uint64_t bytes)
{
    struct statvfs space;
    char *path = world_path(world, "of-somebody-else");
    int fd = open(path, O_WRONLY | O_CREAT, 0640);
    CHILD_ASSERT(ftruncate(fd, 0) == 0 && fstatvfs(fd, &space) == 0);
    CHILD_ASSERT(posix_fallocate(fd, 0, (off_t)((uint64_t)space.f_bavail * space.f_frsize - bytes)) == 0);
    close(fd);
    free(path);
}

/* A drop writes to RocksDB's manifest, which must not meet a disk without any room; and it makes some. */
static void retain_on_a_full_disk(struct world *world)
{
    struct tw_store_error error;
    mount_small(world, "260m");
    world->store = tw_store_open(world->directory, TW_STORE_WRITE, &error);
    CHILD_ASSERT(world->store != NULL);
    append_some(world);
    uint64_t seq = world->feed.seq, lsn = world->feed.lsn;
    struct tw_frame *frame = feed_retention(&world->feed, seq, lsn);
    world_append(world, &frame, 1);
    world_snapshot(world);
    leave_free(world, 100 << 10);
    CHILD_ASSERT(!tw_store_retain(world->store, seq, lsn, &error) && error.status == TW_STORE_FULL);
    CHILD_ASSERT(tw_store_retained(world->store).lsn == 0);
    leave_free(world, 32 << 20);
    CHILD_ASSERT(tw_store_append(world->store, NULL, 0, &error) == TW_STORE_FULL);
    CHILD_ASSERT(tw_store_retain(world->store, seq, lsn, &error) && tw_store_retained(world->store).lsn == lsn);
    tw_store_close(&world->store);
}

static void retention_may_take_of_the_reserve_but_not_all(void **state)
{
    world_close(*state);
    in_child("retain_on_a_full_disk", *state);
}

/* ---- */

static const struct {
    const char *name;
    void (*act)(struct world *world);
} acts[] = {
    {"open_and_expect_locked", open_and_expect_locked},
    {"write_without_permission", write_without_permission},
    {"read_without_permission_to_write", read_without_permission_to_write},
    {"open_on_full_disk", open_on_full_disk},
    {"fill_the_disk", fill_the_disk},
    {"retain_on_a_full_disk", retain_on_a_full_disk},
};

static int run_act(const char *name, const char *directory)
{
    static struct world world = {.feed.random = 20131008};
    snprintf(world.directory, sizeof world.directory, "%s", directory);
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++)
        if (strcmp(acts[i].name, name) == 0) {
            acts[i].act(&world);
            feed_forget(&world.feed);
            return 0;
        }
    return 1;
}

int main(int argc, char **argv)
{
    if (argc == 3)
        return run_act(argv[1], argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_new_directory_gets_its_files, setup, teardown),
        cmocka_unit_test_setup_teardown(directories_above_are_made_too, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reader_makes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_in_its_place_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(somebody_elses_directory_is_left_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_crash_during_creation_is_made_good, setup, teardown),
        cmocka_unit_test_setup_teardown(a_newer_format_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_newer_format_is_refused_by_its_row_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(another_format_is_not_ours, setup, teardown),
        cmocka_unit_test_setup_teardown(a_log_without_its_format_is_damaged, setup, teardown),
        cmocka_unit_test_setup_teardown(a_missing_database_is_damage, setup, teardown),
        cmocka_unit_test_setup_teardown(one_process_has_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reader_keeps_a_writer_out, setup, teardown),
        cmocka_unit_test_setup_teardown(without_permission_nothing_is_written, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reader_needs_no_permission_to_write, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_is_said_before_anything_is_made, setup, teardown),
        cmocka_unit_test_setup_teardown(a_disk_that_fills_up_refuses_and_goes_on_when_there_is_room, setup, teardown),
        cmocka_unit_test_setup_teardown(retention_may_take_of_the_reserve_but_not_all, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
