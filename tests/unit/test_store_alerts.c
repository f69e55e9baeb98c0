/* SPDX-License-Identifier: MIT
 *
 * Alert records: dense numbers, digests beside them, read from anywhere on.
 */
#include <stdlib.h>

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

#define KEPT_MAX 64u
static struct tw_store_alert kept[KEPT_MAX + 1]; /* [n] */

static void put(struct world *world, uint32_t count)
{
    struct tw_store_alert *first = &kept[world->feed.alerts + 1];
    for (uint32_t i = 0; i < count; i++)
        feed_alert(&world->feed, &first[i]);
    assert_int_equal(tw_store_put_alerts(world->store, first, count, &world->error), TW_STORE_OK);
    assert_int_equal(tw_store_last_alert(world->store), world->feed.alerts);
}

static void forget(const struct world *world)
{
    for (uint64_t n = 1; n <= world->feed.alerts; n++)
        free((void *)(uintptr_t)kept[n].bytes);
}

struct walk {
    uint64_t next, stop_at;
};
static bool see(void *context, const struct tw_store_alert *alert)
{
    struct walk *walk = context;
    assert_int_equal(alert->n, walk->next);
    assert_int_equal(alert->length, kept[alert->n].length);
    assert_memory_equal(alert->bytes, kept[alert->n].bytes, alert->length);
    assert_memory_equal(alert->digest, kept[alert->n].digest, TW_SHA256_BYTES);
    assert_memory_equal(alert->record_digest, kept[alert->n].record_digest, TW_SHA256_BYTES);
    return ++walk->next != walk->stop_at;
}

static void check_from(struct world *world, uint64_t after)
{
    struct walk walk = {after + 1, 0};
    assert_true(tw_store_alerts(world->store, after, see, &walk, &world->error));
    assert_int_equal(walk.next, (after > world->feed.alerts ? after : world->feed.alerts) + 1);
}

static void alerts_come_back_from_any_number_on(void **state)
{
    struct world *world = *state;
    assert_int_equal(tw_store_last_alert(world->store), 0);
    check_from(world, 0);
    put(world, 1);
    put(world, 0);
    put(world, 20);
    put(world, 5);
    for (uint64_t after = 0; after <= 27; after++)
        check_from(world, after);
    struct walk walk = {4, 9};
    assert_true(tw_store_alerts(world->store, 3, see, &walk, &world->error));
    assert_int_equal(walk.next, 9);
    struct walk none = {0, 0};
    assert_true(tw_store_alerts(world->store, UINT64_MAX, see, &none, &world->error));
    forget(world);
}

static void alerts_survive_a_restart_and_go_on(void **state)
{
    struct world *world = *state;
    put(world, 7);
    world_reopen(world);
    assert_int_equal(tw_store_last_alert(world->store), 7);
    check_from(world, 0);
    put(world, 3);
    check_from(world, 2);
    forget(world);
}

static void a_tool_reads_them(void **state)
{
    struct world *world = *state;
    struct tw_frame *frame = feed_block(&world->feed, 5, 0);
    world_append(world, &frame, 1);
    put(world, 12);
    world_close(world);
    world->store = tw_store_open(world->directory, TW_STORE_READ, &world->error);
    assert_non_null(world->store);
    assert_int_equal(tw_store_last_alert(world->store), 12);
    check_from(world, 0);
    if (!tw_store_verify(world->store, NULL, NULL, &world->error))
        fail_msg("%s", world->error.text);
    forget(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(alerts_come_back_from_any_number_on, setup, teardown),
        cmocka_unit_test_setup_teardown(alerts_survive_a_restart_and_go_on, setup, teardown),
        cmocka_unit_test_setup_teardown(a_tool_reads_them, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
