/* SPDX-License-Identifier: MIT
 *
 * Shards that are busy, as with a re-marking of all positions: these have not even begun. What the gateway hands out
 * waits for them, a second of small records, and is acked meanwhile; of large ones it is bounded in bytes.
 */
#include "runtime_world.h"

#define SUBMISSIONS 400u /* records; many times what other lanes have, and fewer than this one */
#define BOUND_RECORDS 100u

static struct world *busy_world(uint64_t unjudged_bytes)
{
    struct world *world = world_new();
    world->unjudged.most = unjudged_bytes;
    world_start_router(world);
    world_start_exposure(world);
    world_start_journal(world);
    world_start_gateway(world);
    world_connect(world);
    for (uint32_t i = 0; i < SUBMISSIONS; i++)
        assert_true(world_push(world));
    return world;
}

/* All is judged and nothing of it is counted as waiting any more. */
static void expect_all_judged(struct world *world)
{
    int64_t deadline_ns = tw_now_ns() + PATIENCE_MS * INT64_C(1000000);
    world_await_durable(world, world->sent);
    while (tw_store_last_alert(world->store) < world->sent / 10 || atomic_load(&world->unjudged.bytes) != 0) {
        assert_true(tw_now_ns() < deadline_ns);
        zmq_poll(NULL, 0, 1);
    }
}

static void small_records_are_acked_while_shards_are_busy(void **state)
{
    struct world *world = busy_world(TW_UNJUDGED_BYTES_MAX);
    (void)state;
    world_await_durable(world, world->sent);
    assert_int_equal(tw_store_last_alert(world->store), 0);
    assert_true(SUBMISSIONS > 4 * TW_LANE_HWM);
    world_start_shards(world);
    expect_all_judged(world);
    world_free(&world);
}

/* How many bytes a record has is asked of a first world, in which nothing is judged either. */
static uint64_t bytes_of_all(void)
{
    struct world *world = busy_world(TW_UNJUDGED_BYTES_MAX);
    world_await_durable(world, world->sent);
    uint64_t bytes = atomic_load(&world->unjudged.bytes);
    world_free(&world);
    return bytes;
}

static void of_large_records_as_many_wait_as_their_bytes_say(void **state)
{
    struct world *world = busy_world(bytes_of_all() / SUBMISSIONS * BOUND_RECORDS);
    (void)state;
    world_await_standstill(world);
    uint64_t taken = (world->ack.next - 1) / ROWS; /* with one at hand, one under construction, one being received */
    assert_in_range(taken, BOUND_RECORDS - 10, BOUND_RECORDS + 13);
    assert_true(world->ack.durable + 3 * ROWS >= world->ack.next - 1); /* the journal does not wait for judges */
    world_await_standstill(world);                                     /* a while later it is the same */
    assert_int_equal((world->ack.next - 1) / ROWS, taken);
    world_start_shards(world);
    expect_all_judged(world);
    world_free(&world);
}

/* However much work they are. */
static void as_many_as_on_other_lanes_always_wait(void **state)
{
    struct world *world = busy_world(1);
    (void)state;
    world_await_standstill(world);
    assert_in_range((world->ack.next - 1) / ROWS, TW_LANE_HWM - 2, TW_LANE_HWM + 3);
    world_start_shards(world);
    expect_all_judged(world);
    world_free(&world);
}

static void a_stop_waits_for_the_shards(void **state)
{
    struct world *world = busy_world(bytes_of_all() / SUBMISSIONS * BOUND_RECORDS);
    (void)state;
    world_await_standstill(world);
    uint64_t taken = world->ack.next - 1;
    world_start_shards(world);
    world_ask_to_stop(world);
    world_await_finished(world, NULL, NULL);
    assert_in_range(tw_store_last_seq(world->store), taken, world->sent);
    assert_true(tw_store_last_alert(world->store) >= tw_store_last_seq(world->store) / 10);
    world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_records_are_acked_while_shards_are_busy),
        cmocka_unit_test(of_large_records_as_many_wait_as_their_bytes_say),
        cmocka_unit_test(as_many_as_on_other_lanes_always_wait),
        cmocka_unit_test(a_stop_waits_for_the_shards),
    };
    return cmocka_run_group_tests(tests, czmq_begin, czmq_finish);
}
