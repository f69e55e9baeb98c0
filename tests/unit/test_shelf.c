/* SPDX-License-Identifier: MIT
 *
 * The daemon's shelf: blocks lie on pages of a file without a name in the data directory, pages that were dropped are
 * used again, what the disk refuses stays in memory, and what is missing from the file is noticed.
 */
#include "store_world.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/judging/shelf_actor.h"

static bool refuses; /* what the disk would say; the linker puts this in its place */
static uint32_t pages_put;

bool __real_tw_store_scratch_put(struct tw_store_scratch *scratch, const void *bytes, uint32_t length, uint32_t *page,
                                 struct tw_store_error *error);
bool __wrap_tw_store_scratch_put(struct tw_store_scratch *scratch, const void *bytes, uint32_t length, uint32_t *page,
                                 struct tw_store_error *error);
bool __wrap_tw_store_scratch_put(struct tw_store_scratch *scratch, const void *bytes, uint32_t length, uint32_t *page,
                                 struct tw_store_error *error)
{
    if (refuses) {
        *error = (struct tw_store_error){TW_STORE_FULL, "the disk is full"};
        return false;
    }
    pages_put++;
    return __real_tw_store_scratch_put(scratch, bytes, length, page, error);
}

/* The descriptor of the file without a name; -1: there is none. */
static int nameless_fd(const struct world *world)
{
    char link[64], target[512];
    for (int fd = 3; fd < 1024; fd++) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, target, sizeof target - 1);
        if (length < 0)
            continue;
        target[length] = '\0';
        if (strncmp(target, world->directory, strlen(world->directory)) == 0 && strstr(target, "(deleted)") != NULL)
            return fd;
    }
    return -1;
}

static off_t bytes_of(int fd)
{
    struct stat status;
    assert_int_equal(fstat(fd, &status), 0);
    return status.st_size;
}

static uint32_t fill(uint8_t bytes[TW_STORE_SCRATCH_BYTES], uint32_t number)
{
    uint32_t length = 1 + number * 37 % TW_STORE_SCRATCH_BYTES;
    for (uint32_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)(number * 31 + i);
    return length;
}

static uint32_t put(const struct tw_shelf *shelf, uint32_t number)
{
    uint8_t bytes[TW_STORE_SCRATCH_BYTES];
    uint32_t length = fill(bytes, number);
    return shelf->put(shelf->context, bytes, length);
}

static void expect(const struct tw_shelf *shelf, uint32_t place, uint32_t number)
{
    uint8_t bytes[TW_STORE_SCRATCH_BYTES], got[TW_STORE_SCRATCH_BYTES];
    uint32_t length = fill(bytes, number);
    assert_true(shelf->get(shelf->context, place, got, length));
    assert_memory_equal(got, bytes, length);
}

static void drop(const struct tw_shelf *shelf, uint32_t place, uint32_t number)
{
    uint8_t bytes[TW_STORE_SCRATCH_BYTES];
    shelf->drop(shelf->context, place, fill(bytes, number));
}

static void blocks_lie_in_a_file_that_nobody_sees(void **state)
{
    (void)state;
    struct world *world = world_new();
    struct tw_shelf shelf = tw_shelf_on_disk(world->store);
    uint32_t places[300];
    assert_int_equal(nameless_fd(world), -1);
    for (uint32_t i = 0; i < 300; i++)
        places[i] = put(&shelf, i);
    int fd = nameless_fd(world);
    assert_true(fd >= 0);
    assert_true(bytes_of(fd) > 299 * (off_t)TW_STORE_SCRATCH_BYTES);
    for (uint32_t i = 0; i < 300; i++)
        expect(&shelf, places[i], i);
    for (uint32_t i = 0; i < 300; i += 2)
        drop(&shelf, places[i], i);
    for (uint32_t i = 0; i < 300; i += 2)
        places[i] = put(&shelf, i + 1000);
    assert_true(bytes_of(fd) <= 300 * (off_t)TW_STORE_SCRATCH_BYTES); /* used again */
    for (uint32_t i = 0; i < 300; i++)
        expect(&shelf, places[i], i % 2 == 0 ? i + 1000 : i);
    shelf.end(shelf.context);
    assert_int_equal(nameless_fd(world), -1);
    world_free(world);
}

static void several_shelves_do_not_meet(void **state)
{
    (void)state;
    struct world *world = world_new();
    struct tw_shelf one = tw_shelf_on_disk(world->store), other = tw_shelf_on_disk(world->store);
    uint32_t first = put(&one, 1), second = put(&other, 2);
    expect(&one, first, 1);
    expect(&other, second, 2);
    one.end(one.context);
    expect(&other, second, 2);
    other.end(other.context);
    world_free(world);
}

static void what_the_disk_refuses_stays_in_memory(void **state)
{
    (void)state;
    struct world *world = world_new();
    struct tw_shelf shelf = tw_shelf_on_disk(world->store);
    uint32_t places[100];
    pages_put = 0;
    for (uint32_t i = 0; i < 100; i++) {
        refuses = i >= 20 && i < 70;
        places[i] = put(&shelf, i);
    }
    assert_int_equal(pages_put, 50);
    for (uint32_t i = 0; i < 100; i++)
        expect(&shelf, places[i], i);
    for (uint32_t i = 0; i < 100; i += 3)
        drop(&shelf, places[i], i);
    for (uint32_t i = 0; i < 100; i += 3)
        places[i] = put(&shelf, 500 + i);
    for (uint32_t i = 0; i < 100; i++)
        expect(&shelf, places[i], i % 3 == 0 ? 500 + i : i);
    shelf.end(shelf.context);
    world_free(world);
}

static void what_is_missing_is_noticed(void **state)
{
    (void)state;
    struct world *world = world_new();
    struct tw_shelf shelf = tw_shelf_on_disk(world->store);
    uint8_t bytes[TW_STORE_SCRATCH_BYTES];
    uint32_t place = put(&shelf, 100), length = fill(bytes, 100);
    assert_int_equal(ftruncate(nameless_fd(world), length / 2), 0);
    assert_false(shelf.get(shelf.context, place, bytes, length));
    shelf.end(shelf.context);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_lie_in_a_file_that_nobody_sees),
        cmocka_unit_test(several_shelves_do_not_meet),
        cmocka_unit_test(what_the_disk_refuses_stays_in_memory),
        cmocka_unit_test(what_is_missing_is_noticed),
    };
    return cmocka_run_group_tests_name("shelf", tests, NULL, NULL);
}
