/* SPDX-License-Identifier: MIT
 *
 * What a crash or a bad disk may leave: nothing acked is lost, nothing is doubled, and damage is never taken for the
 * end of the log.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/check.h"
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

/* ---- a writer that is killed ---- */

/* The same records each time: what was written can be made again and compared. */
static struct tw_frame *next_record(struct feed *feed)
{
    if (feed->lsn % 7 == 6)
        return feed_control(feed, feed->lsn % 2 == 0 ? TW_CONTROL_CLOCK : TW_CONTROL_FEED_GAP);
    uint32_t most = feed->lsn % 11 == 0 ? 3000 : 30;
    return feed_block(feed, 1 + (uint32_t)feed_random(feed, most), (uint32_t)feed_random(feed, 3));
}

static void *index_for_ever(void *context)
{
    struct tw_store_error error;
    for (;;)
        tw_store_index_step(context, 100, &error);
    return NULL;
}

static int write_until_killed(const char *directory, int acks)
{
    static struct world world = {.feed.random = 20131008};
    snprintf(world.directory, sizeof world.directory, "%s", directory);
    world.store = tw_store_open(world.directory, TW_STORE_WRITE, &world.error);
    if (world.store == NULL) {
        fprintf(stderr, "%s\n", world.error.text);
        return 1;
    }
    while (world.feed.lsn < tw_store_last_lsn(world.store)) {
        struct tw_frame *known = next_record(&world.feed);
        tw_frame_drop(&known);
    }
    pthread_t indexer;
    pthread_create(&indexer, NULL, index_for_ever, world.store);
    for (;;) {
        struct tw_frame *frame = next_record(&world.feed);
        if (tw_store_append(world.store, &frame, 1, &world.error) != TW_STORE_OK) {
            fprintf(stderr, "%s\n", world.error.text);
            return 1;
        }
        tw_frame_drop(&frame);
        if (write(acks, &world.feed.lsn, sizeof world.feed.lsn) != (ssize_t)sizeof world.feed.lsn)
            return 1;
    }
}

/* Lets a writer run until it has acked so many records, kills it, and returns the last ack. */
static uint64_t run_and_kill(const struct world *world, uint32_t records)
{
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char fd[16];
        snprintf(fd, sizeof fd, "%d", pipe_fds[1]);
        close(pipe_fds[0]);
        execl("/proc/self/exe", "test_store_crash", world->directory, fd, (char *)NULL);
        _exit(1);
    }
    close(pipe_fds[1]);
    uint64_t acked = 0;
    for (uint32_t i = 0; i < records; i++)
        assert_int_equal(read(pipe_fds[0], &acked, sizeof acked), sizeof acked);
    kill(child, SIGKILL);
    while (read(pipe_fds[0], &acked, sizeof acked) == (ssize_t)sizeof acked) /* what was acked meanwhile */
        continue;
    close(pipe_fds[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    return acked;
}

static void check_same_records(struct world *world)
{
    struct tw_chain chain = {{0}};
    while (world->feed.lsn < tw_store_last_lsn(world->store)) {
        struct tw_frame *frame = next_record(&world->feed);
        chain = tw_chain_next(chain, frame->bytes, frame->length);
        tw_frame_drop(&frame);
    }
    assert_int_equal(world->feed.seq, tw_store_last_seq(world->store));
    assert_memory_equal(chain.bytes, tw_store_last_chain(world->store).bytes, sizeof chain);
}

static void kill_9_loses_nothing_that_was_acked(void **state)
{
    struct world *world = *state;
    world_close(world);
    uint64_t before = 0;
    for (uint32_t round = 0; round < 12; round++) {
        uint64_t acked = run_and_kill(world, 1 + round * 3);
        assert_true(acked > before);
        before = acked;
        if (round % 4 != 3)
            continue; /* the next writer opens what the killed one left */
        world_open(world);
        assert_true(tw_store_last_lsn(world->store) >= acked);
        assert_true(tw_store_last_lsn(world->store) <= acked + 1); /* one may have been under way */
        assert_true(tw_store_verify(world->store, NULL, NULL, &world->error));
        before = tw_store_last_lsn(world->store);
        world_close(world);
    }
    world_open(world);
    assert_true(tw_store_indexed_seq(world->store) > 0);
    check_same_records(world);
}

/* ---- a bad disk ---- */

static void append_blocks(struct world *world, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct tw_frame *frame = feed_block(&world->feed, 40, 1);
        world_append(world, &frame, 1);
    }
}

static void copy_directory(const struct world *world, const char *to)
{
    char command[600];
    world_remove(to);
    snprintf(command, sizeof command, "cp -a '%s' '%s'", world->directory, to);
    assert_int_equal(system(command), 0);
}

static void keep_largest(void *context, const char *path)
{
    char *largest = context;
    struct stat status, best = {0};
    assert_int_equal(stat(path, &status), 0);
    if (largest[0] == '\0' || (stat(largest, &best) == 0 && status.st_size > best.st_size))
        snprintf(largest, 512, "%s", path);
}

static off_t largest_file(const struct world *world, const char *ending, char path[512])
{
    struct stat status;
    path[0] = '\0';
    world_files(world, ending, keep_largest, path);
    assert_true(path[0] != '\0');
    assert_int_equal(stat(path, &status), 0);
    return status.st_size;
}

/* Opens the damaged copy: either it says so, or nothing is missing. Returns whether the damage was noticed. */
static bool notices_as(struct world *copy, enum tw_store_mode mode, uint64_t last_lsn)
{
    copy->store = tw_store_open(copy->directory, mode, &copy->error);
    if (copy->store == NULL) {
        assert_int_equal(copy->error.status, TW_STORE_DAMAGED);
        return true;
    }
    assert_int_equal(tw_store_last_lsn(copy->store), last_lsn);
    bool whole = tw_store_verify(copy->store, NULL, NULL, &copy->error);
    if (!whole)
        assert_int_equal(copy->error.status, TW_STORE_DAMAGED);
    world_close(copy);
    return !whole;
}

/* A tool first, which changes nothing, then the daemon. */
static bool notices(struct world *copy, uint64_t last_lsn)
{
    bool tool = notices_as(copy, TW_STORE_READ, last_lsn);
    return notices_as(copy, TW_STORE_WRITE, last_lsn) && tool;
}

static struct world copy_of(const struct world *world)
{
    struct world copy = {0};
    snprintf(copy.directory, sizeof copy.directory, "%.100s-copy", world->directory);
    copy_directory(world, copy.directory);
    return copy;
}

static void one_flipped_bit_in_the_write_ahead_log_is_noticed(void **state)
{
    struct world *world = *state;
    append_blocks(world, 100);
    uint64_t last_lsn = tw_store_last_lsn(world->store);
    world_close(world);
    char path[512];
    off_t length = largest_file(world, ".log", path);
    for (uint32_t i = 0; i < 24; i++) {
        struct world copy = copy_of(world);
        largest_file(&copy, ".log", path);
        /* the first and the last bytes, and places in between */
        off_t offset = i == 0 ? 0 : i == 1 ? length - 1 : (off_t)feed_random(&world->feed, (uint64_t)length);
        world_flip_bit(path, offset);
        assert_true(notices(&copy, last_lsn));
        world_remove(copy.directory);
    }
}

static void a_write_ahead_log_cut_short_is_noticed(void **state)
{
    struct world *world = *state;
    append_blocks(world, 20);
    uint64_t last_lsn = tw_store_last_lsn(world->store);
    world_close(world);
    char path[512];
    off_t length = largest_file(world, ".log", path);
    for (off_t cut = 1; cut < length; cut = cut * 3 + 1) {
        struct world copy = copy_of(world);
        largest_file(&copy, ".log", path);
        assert_int_equal(truncate(path, length - cut), 0);
        assert_true(notices(&copy, last_lsn));
        assert_non_null(strstr(copy.error.text, "was acknowledged"));
        world_remove(copy.directory);
    }
    struct world copy = copy_of(world);
    largest_file(&copy, ".log", path);
    assert_int_equal(unlink(path), 0);
    assert_true(notices(&copy, last_lsn));
    world_remove(copy.directory);
}

static void what_was_never_acked_may_be_torn(void **state)
{
    struct world *world = *state;
    append_blocks(world, 5);
    struct world before = copy_of(world); /* with the HIGHWATER of now */
    uint64_t acked = tw_store_last_lsn(world->store);
    append_blocks(world, 1);
    world_close(world);
    char path[512], command[600];
    snprintf(command, sizeof command, "cp -a '%s/HIGHWATER' '%s/'", before.directory, world->directory);
    assert_int_equal(system(command), 0);
    off_t length = largest_file(world, ".log", path);
    assert_int_equal(truncate(path, length - 10), 0);
    world_open(world);
    assert_int_equal(tw_store_last_lsn(world->store), acked);
    assert_true(tw_store_verify(world->store, NULL, NULL, &world->error));
    world_remove(before.directory);
}

/* ---- a power cut in the middle of what was not synced ---- */

static off_t log_length(const struct world *world)
{
    char path[512];
    return largest_file(world, ".log", path);
}

/* Alerts, which are not synced on their own; where the write-ahead log has them. */
static off_t put_unsynced(struct world *world)
{
    off_t before = log_length(world);
    for (int i = 0; i < 100; i++) {
        struct tw_store_alert alert;
        feed_alert(&world->feed, &alert);
        assert_int_equal(tw_store_put_alerts(world->store, &alert, 1, &world->error), TW_STORE_OK);
        free((void *)(uintptr_t)alert.bytes);
    }
    off_t after = log_length(world);
    assert_true(after - before > 8192);
    return before + (after - before) / 2;
}

/* A sector that never reached the disk, though what was written behind it did. */
static void lose_sector(const struct world *world, off_t offset)
{
    static const char zeros[512];
    char path[512];
    largest_file(world, ".log", path);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseeko(file, offset / 512 * 512, SEEK_SET), 0);
    assert_int_equal(fwrite(zeros, 1, sizeof zeros, file), sizeof zeros);
    fclose(file);
}

static void a_hole_in_what_was_not_synced_ends_the_log_there(void **state)
{
    struct world *world = *state;
    append_blocks(world, 20);
    uint64_t acked = tw_store_last_lsn(world->store);
    off_t hole = put_unsynced(world);
    world_close(world);
    lose_sector(world, hole);
    for (int turn = 0; turn < 2; turn++) { /* a tool, which changes nothing, then the daemon */
        world->store = tw_store_open(world->directory, turn == 0 ? TW_STORE_READ : TW_STORE_WRITE, &world->error);
        assert_non_null(world->store);
        assert_int_equal(tw_store_last_lsn(world->store), acked);
        assert_in_range(tw_store_last_alert(world->store), 1, world->feed.alerts - 1);
        assert_true(tw_store_verify(world->store, NULL, NULL, &world->error));
        if (turn == 0)
            world_close(world);
    }
    append_blocks(world, 5);
    world_reopen(world); /* and the hole is not met again */
    assert_int_equal(tw_store_last_lsn(world->store), acked + 5);
}

/* The append that was under way may have reached the disk whole, behind the hole. Nobody was told of it. */
static void an_append_behind_a_hole_that_was_never_acked_is_dropped(void **state)
{
    struct world *world = *state;
    append_blocks(world, 20);
    uint64_t acked = tw_store_last_lsn(world->store);
    off_t hole = put_unsynced(world);
    char *highwater = world_path(world, "HIGHWATER"), command[600];
    snprintf(command, sizeof command, "cp -a '%s' '%s.then'", highwater, highwater);
    assert_int_equal(system(command), 0);
    append_blocks(world, 1);
    world_close(world);
    snprintf(command, sizeof command, "mv '%s.then' '%s'", highwater, highwater);
    assert_int_equal(system(command), 0);
    free(highwater);
    lose_sector(world, hole);
    world_open(world);
    assert_int_equal(tw_store_last_lsn(world->store), acked);
    assert_true(tw_store_verify(world->store, NULL, NULL, &world->error));
}

/* The next append is begun when the one before it is on the disk, and all before that with it. */
static void a_hole_before_what_was_synced_is_damage(void **state)
{
    struct world *world = *state;
    append_blocks(world, 20);
    off_t hole = put_unsynced(world);
    append_blocks(world, 2);
    world_close(world);
    lose_sector(world, hole);
    for (int with_highwater = 1; with_highwater >= 0; with_highwater--) {
        world_open_fails(world, TW_STORE_READ, TW_STORE_DAMAGED);
        assert_non_null(strstr(world->error.text, with_highwater ? "was acknowledged" : "can be read up to record"));
        world_open_fails(world, TW_STORE_WRITE, TW_STORE_DAMAGED);
        char *highwater = world_path(world, "HIGHWATER");
        unlink(highwater);
        free(highwater);
    }
}

static void flip_largest_table(struct world *world, uint32_t times)
{
    char path[512];
    off_t length = largest_file(world, ".sst", path);
    uint64_t last_lsn = world->feed.lsn;
    assert_true(length > 50000);
    for (uint32_t i = 0; i < times; i++) {
        struct world copy = copy_of(world);
        largest_file(&copy, ".sst", path);
        world_flip_bit(path, (off_t)feed_random(&world->feed, (uint64_t)length - 4096)); /* within the data */
        assert_true(notices(&copy, last_lsn));
        world_remove(copy.directory);
    }
}

static void flipped_bits_in_tables_are_noticed(void **state)
{
    struct world *world = *state;
    append_blocks(world, 200);
    world_reopen(world); /* recovery writes the tables */
    world_close(world);
    flip_largest_table(world, 12); /* the log */
    world_open(world);
    tw_store_index_step(world->store, 0, &world->error);
    world_reopen(world);
    world_close(world);
    flip_largest_table(world, 6); /* the indexes */
}

static bool count_up(void *context, const struct tw_refusal *refusal)
{
    (void)refusal;
    ++*(uint64_t *)context;
    return true;
}
static bool count_alert(void *context, const struct tw_store_alert *alert)
{
    (void)alert;
    ++*(uint64_t *)context;
    return true;
}

static void flip_early(void *context, const char *path)
{
    int *left = context;
    if ((*left)-- == 0)
        world_flip_bit(path, 40);
}

/* A table whose rows lie in the middle of an answer: RocksDB may leave them out and say nothing. */
static void answers_with_a_damaged_table_in_them_are_not_shorter(void **state)
{
    struct world *world = *state;
    for (int life = 0; life < 3; life++) { /* each start writes tables of its own */
        append_blocks(world, 30);
        put_unsynced(world);
        world_reopen(world);
    }
    uint64_t refusals = tw_store_refusal_count(world->store), alerts = tw_store_last_alert(world->store);
    uint64_t failed_refusals = 0, failed_alerts = 0;
    world_close(world);
    int left = -1;
    for (int file = 0; left < 0; file++) {
        struct world copy = copy_of(world);
        left = file;
        world_files(&copy, ".sst", flip_early, &left);
        copy.store = left >= 0 ? NULL : tw_store_open(copy.directory, TW_STORE_READ, &copy.error);
        for (int turn = 0; copy.store != NULL && turn < 2; turn++) {
            uint64_t after = turn == 0 ? 0 : refusals / 2, seen = 0;
            if (tw_store_refusals(copy.store, after, count_up, &seen, &copy.error))
                assert_int_equal(seen, refusals - after);
            else
                failed_refusals++;
            after = turn == 0 ? 0 : alerts / 2, seen = 0;
            if (tw_store_alerts(copy.store, after, count_alert, &seen, &copy.error))
                assert_int_equal(seen, alerts - after);
            else
                failed_alerts++;
        }
        world_close(&copy);
        world_remove(copy.directory);
    }
    print_message("answers not given: %u of refusals, %u of alerts\n", (unsigned)failed_refusals,
                  (unsigned)failed_alerts);
    assert_true(failed_refusals > 0 && failed_alerts > 0); /* the damage was in the way */
}

static void a_look_up_that_meets_damage_stops_the_log(void **state)
{
    struct world *world = *state;
    append_blocks(world, 200);
    world_reopen(world);
    world_close(world);
    char path[512];
    off_t length = largest_file(world, ".sst", path);
    world_flip_bit(path, length / 2);
    world_open(world);
    bool missed = false;
    for (uint64_t seq = 1; seq <= tw_store_last_seq(world->store); seq += 40) {
        struct tw_frame *frame = NULL;
        struct tw_record record;
        missed |= !tw_store_block_of(world->store, seq, &frame, &record);
        tw_frame_drop(&frame);
    }
    assert_true(missed);
    struct tw_frame *frame = feed_block(&world->feed, 1, 0);
    assert_int_equal(tw_store_append(world->store, &frame, 1, &world->error), TW_STORE_DAMAGED);
    tw_frame_drop(&frame);
}

/* A limit on the size of files makes writes fail, as a broken disk would. */
static void a_write_that_fails_ends_the_log_until_it_is_opened_anew(void **state)
{
    struct world *world = *state;
    char path[512];
    append_blocks(world, 50);
    struct rlimit limit, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = limit;
    small.rlim_cur = (rlim_t)largest_file(world, ".log", path) + 100000;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    uint64_t acked = tw_store_last_lsn(world->store);
    enum tw_store_status status = TW_STORE_OK;
    while (status == TW_STORE_OK) {
        struct tw_frame *frame = feed_block(&world->feed, 100, 0);
        status = tw_store_append(world->store, &frame, 1, &world->error);
        tw_frame_drop(&frame);
        acked += status == TW_STORE_OK;
    }
    assert_int_equal(status, TW_STORE_FAILED);
    assert_int_equal(tw_store_last_lsn(world->store), acked);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0); /* the disk is well again; what was written is not known */
    world->feed.lsn = acked;
    struct tw_frame *frame = feed_control(&world->feed, TW_CONTROL_SETTINGS);
    assert_int_equal(tw_store_append(world->store, &frame, 1, &world->error), TW_STORE_FAILED);
    assert_non_null(strstr(world->error.text, "start again"));
    tw_frame_drop(&frame);
    world_reopen(world);
    assert_true(tw_store_last_lsn(world->store) >= acked && tw_store_last_lsn(world->store) <= acked + 1);
    assert_true(tw_store_verify(world->store, NULL, NULL, &world->error));
}

/* ---- ends that only seem cut off ---- */

static void keep_any(void *context, const char *path)
{
    if (strstr(path, "MANIFEST-") != NULL)
        snprintf(context, 512, "%s", path);
}

/* RocksDB takes a fragment that is longer than the file for one that was being written. */
static void a_manifest_whose_last_entry_got_longer_is_noticed(void **state)
{
    struct world *world = *state;
    append_blocks(world, 20);
    world_reopen(world); /* tables */
    world_close(world);
    char path[512] = "";
    world_files(world, "", keep_any, path);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    off_t last = 0;
    uint8_t head[7];
    for (off_t at = 0; at < status.st_size; at += 7 + head[4] + head[5] * 256) {
        assert_int_equal(pread(fd, head, sizeof head, at), sizeof head);
        last = at;
    }
    close(fd);
    world_flip_bit(path, last + 5); /* 4,096 bytes more */
    world_open_fails(world, TW_STORE_READ, TW_STORE_DAMAGED);
    assert_non_null(strstr(world->error.text, "MANIFEST"));
    world_open_fails(world, TW_STORE_WRITE, TW_STORE_DAMAGED);
    world_flip_bit(path, last + 5);
    assert_int_equal(truncate(path, status.st_size - 1), 0); /* one that was really being written is no damage */
    world->store = tw_store_open(world->directory, TW_STORE_READ, &world->error);
    if (world->store == NULL)
        assert_null(strstr(world->error.text, "MANIFEST"));
}

/* ---- HIGHWATER ---- */

static void an_unreadable_highwater_is_said(void **state)
{
    struct world *world = *state;
    append_blocks(world, 3);
    world_close(world);
    char *path = world_path(world, "HIGHWATER");
    for (off_t offset = 0; offset < 92; offset += 7) {
        world_flip_bit(path, offset);
        world_open_fails(world, TW_STORE_WRITE, TW_STORE_DAMAGED);
        assert_non_null(strstr(world->error.text, "HIGHWATER"));
        world_flip_bit(path, offset);
    }
    assert_int_equal(truncate(path, 0), 0);
    world_open_fails(world, TW_STORE_READ, TW_STORE_DAMAGED);
    assert_int_equal(unlink(path), 0); /* a backup may come without it */
    world_open(world);
    assert_int_equal(tw_store_last_lsn(world->store), 3);
    assert_int_equal(access(path, F_OK), 0);
    free(path);
}

int main(int argc, char **argv)
{
    if (argc == 3)
        return write_until_killed(argv[1], atoi(argv[2]));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(kill_9_loses_nothing_that_was_acked, setup, teardown),
        cmocka_unit_test_setup_teardown(one_flipped_bit_in_the_write_ahead_log_is_noticed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_write_ahead_log_cut_short_is_noticed, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_never_acked_may_be_torn, setup, teardown),
        cmocka_unit_test_setup_teardown(a_hole_in_what_was_not_synced_ends_the_log_there, setup, teardown),
        cmocka_unit_test_setup_teardown(an_append_behind_a_hole_that_was_never_acked_is_dropped, setup, teardown),
        cmocka_unit_test_setup_teardown(a_hole_before_what_was_synced_is_damage, setup, teardown),
        cmocka_unit_test_setup_teardown(flipped_bits_in_tables_are_noticed, setup, teardown),
        cmocka_unit_test_setup_teardown(answers_with_a_damaged_table_in_them_are_not_shorter, setup, teardown),
        cmocka_unit_test_setup_teardown(a_look_up_that_meets_damage_stops_the_log, setup, teardown),
        cmocka_unit_test_setup_teardown(a_write_that_fails_ends_the_log_until_it_is_opened_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(a_manifest_whose_last_entry_got_longer_is_noticed, setup, teardown),
        cmocka_unit_test_setup_teardown(an_unreadable_highwater_is_said, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
