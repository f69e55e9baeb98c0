/* SPDX-License-Identifier: MIT
 *
 * A record's alerts on their way to the store: some at a time, so that the journal's write never waits for thousands of
 * rows, and none twice or otherwise when the disk was full in between (the test stands before the store: --wrap).
 */
#include <stdlib.h>

#include "actors/router/router_actor.h"
#include "protocol/messages.h"
#include "store_world.h"

#define ALERTS (3 * TW_ALERTS_WRITTEN_MAX + 1)

static uint32_t writes, largest_write;
static uint32_t room_for_writes;

enum tw_store_status __real_tw_store_put_alerts(struct tw_store *store, const struct tw_store_alert *alerts,
                                                uint32_t count, struct tw_store_error *error);
enum tw_store_status __wrap_tw_store_put_alerts(struct tw_store *store, const struct tw_store_alert *alerts,
                                                uint32_t count, struct tw_store_error *error);

enum tw_store_status __wrap_tw_store_put_alerts(struct tw_store *store, const struct tw_store_alert *alerts,
                                                uint32_t count, struct tw_store_error *error)
{
    if (writes == room_for_writes) {
        *error = (struct tw_store_error){TW_STORE_FULL, "no room"};
        return TW_STORE_FULL;
    }
    writes++;
    largest_write = count > largest_write ? count : largest_write;
    return __real_tw_store_put_alerts(store, alerts, count, error);
}

static void add(struct world *world, struct tw_alert_batch *batch)
{
    struct tw_store_alert stored;
    feed_alert(&world->feed, &stored);
    struct tw_router_alert alert = {.n = stored.n,
                                    .topic = "alert.",
                                    .topic_length = 6,
                                    .bytes = (uint8_t *)(uintptr_t)stored.bytes,
                                    .length = stored.length};
    memcpy(alert.digest, stored.digest, sizeof alert.digest);
    memcpy(alert.record_digest, stored.record_digest, sizeof alert.record_digest);
    tw_alert_batch_add(batch, &alert);
    free(alert.bytes);
}

static void setup_batch(struct world **world, struct tw_alert_batch *batch)
{
    *world = world_new();
    struct tw_frame *frame = feed_block(&(*world)->feed, 5, 0);
    world_append(*world, &frame, 1);
    memset(batch, 0, sizeof *batch);
    for (uint32_t i = 0; i < ALERTS; i++)
        add(*world, batch);
    writes = largest_write = 0;
}

static void a_records_alerts_are_written_some_at_a_time(void **state)
{
    struct world *world;
    struct tw_alert_batch batch;
    (void)state;
    setup_batch(&world, &batch);
    room_for_writes = UINT32_MAX;
    assert_int_equal(tw_alert_batch_store(&batch, world->store, &world->error), TW_STORE_OK);
    assert_int_equal(tw_store_last_alert(world->store), ALERTS);
    assert_int_equal(writes, 4);
    assert_int_equal(largest_write, TW_ALERTS_WRITTEN_MAX);
    tw_alert_batch_free(&batch);
    world_free(world);
}

/* What is published later is what is in the batch. */
static bool is_as_in_the_batch(void *context, const struct tw_store_alert *alert)
{
    const struct tw_alert_batch *batch = context;
    const struct tw_store_alert *ours = &batch->list[alert->n - 1];
    assert_int_equal(alert->length, ours->length);
    assert_memory_equal(alert->bytes, ours->bytes, ours->length);
    struct tw_alert_view view;
    assert_true(tw_alert_decode(alert->bytes, alert->length, &view));
    assert_int_equal(view.detected_at_ns, alert->n <= TW_ALERTS_WRITTEN_MAX ? 1000 : 2000);
    return true;
}

static void what_was_stored_before_the_disk_got_full_stays_as_it_was(void **state)
{
    struct world *world;
    struct tw_alert_batch batch;
    (void)state;
    setup_batch(&world, &batch);
    batch.detected_at_ns = 1000;
    room_for_writes = 1;
    assert_int_equal(tw_alert_batch_store(&batch, world->store, &world->error), TW_STORE_FULL);
    assert_int_equal(tw_store_last_alert(world->store), TW_ALERTS_WRITTEN_MAX);
    batch.detected_at_ns = 2000;
    room_for_writes = UINT32_MAX;
    assert_int_equal(tw_alert_batch_store(&batch, world->store, &world->error), TW_STORE_OK);
    assert_int_equal(tw_store_last_alert(world->store), ALERTS);
    assert_true(tw_store_alerts(world->store, 0, is_as_in_the_batch, &batch, &world->error));
    tw_alert_batch_free(&batch);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_records_alerts_are_written_some_at_a_time),
        cmocka_unit_test(what_was_stored_before_the_disk_got_full_stays_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
