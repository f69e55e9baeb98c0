/* SPDX-License-Identifier: MIT */
#include "store_world.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/check.h"

/* ---- the directory ---- */

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

void world_remove(const char *directory)
{
    nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

char *world_path(const struct world *world, const char *name)
{
    size_t bytes = strlen(world->directory) + strlen(name) + 2;
    char *path = tw_alloc(bytes);
    snprintf(path, bytes, "%s/%s", world->directory, name);
    return path;
}

void world_files(const struct world *world, const char *ending, world_file_visit visit, void *context)
{
    char *directory = world_path(world, "db");
    DIR *listing = opendir(directory);
    assert_non_null(listing);
    for (struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
        size_t length = strlen(entry->d_name), end = strlen(ending);
        if (length < end || strcmp(entry->d_name + length - end, ending) != 0)
            continue;
        char path[512];
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        visit(context, path);
    }
    closedir(listing);
    free(directory);
}

void world_flip_bit(const char *path, int64_t offset)
{
    uint8_t byte = 0;
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, offset), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
    close(fd);
}

/* ---- the store ---- */

void world_open(struct world *world)
{
    world->store = tw_store_open(world->directory, TW_STORE_WRITE, &world->error);
    if (world->store == NULL)
        print_error("%s\n", world->error.text);
    assert_non_null(world->store);
}

void world_close(struct world *world)
{
    tw_store_close(&world->store);
    assert_null(world->store);
}

void world_reopen(struct world *world)
{
    world_close(world);
    world_open(world);
}

void world_open_fails(struct world *world, enum tw_store_mode mode, enum tw_store_status status)
{
    memset(&world->error, 0, sizeof world->error);
    assert_null(tw_store_open(world->directory, mode, &world->error));
    if (world->error.status != status)
        print_error("%s\n", world->error.text);
    assert_int_equal(world->error.status, status);
    assert_true(strlen(world->error.text) > 10);
}

struct world *world_new(void)
{
    struct world *world = tw_alloc_zero(1, sizeof *world);
    const char *base = getenv("TMPDIR");
    snprintf(world->directory, sizeof world->directory, "%s/tapewarden-store-XXXXXX", base == NULL ? "/tmp" : base);
    assert_non_null(mkdtemp(world->directory));
    world->feed.random = 20131008;
    world_open(world);
    return world;
}

void world_free(struct world *world)
{
    tw_store_close(&world->store);
    world_remove(world->directory);
    feed_forget(&world->feed);
    free(world);
}

void world_append(struct world *world, struct tw_frame **frames, uint32_t count)
{
    enum tw_store_status status = tw_store_append(world->store, frames, count, &world->error);
    if (status != TW_STORE_OK)
        print_error("%s\n", world->error.text);
    assert_int_equal(status, TW_STORE_OK);
    for (uint32_t i = 0; i < count; i++)
        tw_frame_drop(&frames[i]);
}

void world_snapshot(struct world *world)
{
    struct tw_frame *frame = feed_control(&world->feed, TW_CONTROL_SNAPSHOT);
    world_append(world, &frame, 1);
    struct tw_snapshot_writer *writer =
        tw_store_snapshot_begin(world->store, world->feed.lsn, world->feed.seq, 1, &world->error);
    assert_non_null(writer);
    struct tw_buffer rows = {0};
    size_t began = tw_row_begin(&rows, 1);
    tw_put_u64(&rows, world->feed.lsn);
    tw_row_end(&rows, began);
    for (uint32_t part = 0; part < TW_PART_COUNT; part++)
        assert_true(
            tw_store_snapshot_add(writer, (enum tw_snapshot_part)part, 0, rows.bytes, rows.length, &world->error));
    tw_buffer_free(&rows);
    assert_true(tw_store_snapshot_finish(&writer, tw_store_last_alert(world->store), &world->error));
}

void world_retain(struct world *world, uint64_t last_seq, uint64_t last_lsn)
{
    world_snapshot(world);
    struct tw_frame *frame = feed_retention(&world->feed, last_seq, last_lsn);
    world_append(world, &frame, 1);
    if (!tw_store_retain(world->store, last_seq, last_lsn, &world->error))
        fail_msg("%s", world->error.text);
}
