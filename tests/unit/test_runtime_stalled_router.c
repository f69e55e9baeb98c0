/* SPDX-License-Identifier: MIT
 *
 * No lane deadlocks under a stopped consumer. The test stands at the router's lane and reads nothing: everything above
 * it must come to a stand at its bounds, stay alive to acks and commands, and lose nothing when reading goes on.
 */
#include "runtime_world.h"

#include <stdlib.h>

#include "actors/recovery/recovery_actor.h"
#include "protocol/check.h"
#include "store/inside.h"

/* What can be under way above a router that reads nothing: what exposure has judged and what it has not, both bounded
 * in bytes wherever they wait, the record in exposure's hands, and in the gateway one that is being handed out and one
 * under construction. */
#define JUDGED_RECORDS 40u          /* about; of the test's own, since 16 MiB were many */
#define JUDGED_RECORD_BYTES 6000u   /* about, with its events */
#define UNJUDGED_RECORDS 32u        /* the same */
#define UNJUDGED_RECORD_BYTES 2200u /* about */
#define RECORDS_MIN (JUDGED_RECORDS * 3u / 4u + UNJUDGED_RECORDS * 3u / 4u)
#define RECORDS_UNDER_WAY_MAX (2u * UNJUDGED_RECORDS + 2u * JUDGED_RECORDS + 4u)
#define SUBMISSIONS 600u /* several times that */

/* ---- the consumer in the router's place ---- */

struct consumer {
    struct tw_backlog *judged;
    zsock_t *lane;
    uint64_t lsn, rows, events;
    bool ended;
};

static struct consumer consumer_open(struct tw_backlog *judged)
{
    return (struct consumer){.judged = judged, .lane = tw_lane_pull_sized(TW_LANE_ROUTER, TW_JUDGED_HWM)};
}

static void consumer_close(struct consumer *consumer)
{
    zsock_destroy(&consumer->lane);
}

/* Records come in log order, trades in the order in which they were sent, and each only once. */
static void check_record(struct consumer *consumer, zmq_msg_t *message)
{
    struct tw_record record;
    const char *why = "";
    assert_true(tw_record_decode(zmq_msg_data(message), zmq_msg_size(message), &record, &why));
    assert_int_equal(tw_record_lsn(&record), ++consumer->lsn);
    assert_int_equal(tw_record_follows(&record), consumer->rows);
    if (record.kind != TW_RECORD_BLOCK)
        return;
    for (uint32_t row = 0; row < record.block.count; row++)
        assert_int_equal(tw_load_u64(record.block.pseq, row), ++consumer->rows);
}

static void consume(void *context)
{
    struct consumer *consumer = context;
    zmq_msg_t record, events;
    while (!consumer->ended && tw_lane_receive(consumer->lane, &record)) {
        consumer->ended = tw_lane_is_end(&record);
        if (!consumer->ended) {
            check_record(consumer, &record);
            assert_true(tw_lane_receive(consumer->lane, &events));
            const struct tw_events *found = zmq_msg_data(&events);
            tw_backlog_take(consumer->judged, found->waits_as);
            for (uint32_t i = 0; i < found->count; i++)
                consumer->events += found->list[i].rule == TW_RULE_LARGE_TRADE;
            zmq_msg_close(&events);
        }
        zmq_msg_close(&record);
    }
}

static void consume_rows(struct consumer *consumer, uint64_t rows)
{
    while (consumer->rows < rows) {
        zmq_pollitem_t item = {zsock_resolve(consumer->lane), 0, ZMQ_POLLIN, 0};
        assert_int_equal(zmq_poll(&item, 1, PATIENCE_MS), 1);
        consume(consumer);
    }
}

static struct world *loaded_world(struct consumer *consumer, uint64_t judged_bytes)
{
    struct world *world = world_new();
    world->judged.most = judged_bytes;
    world->unjudged.most = UNJUDGED_RECORDS * UNJUDGED_RECORD_BYTES;
    *consumer = consumer_open(&world->judged);
    world_start_judges(world);
    world_start_journal(world);
    world_start_gateway(world);
    world_connect(world);
    for (uint32_t i = 0; i < SUBMISSIONS; i++)
        assert_true(world_push(world));
    return world;
}

static struct world *stalled_world(struct consumer *consumer)
{
    struct world *world = loaded_world(consumer, JUDGED_RECORDS * JUDGED_RECORD_BYTES);
    world_await_standstill(world);
    return world;
}

/* ---- the stories ---- */

static void the_gateway_stops_reading_at_its_bounded_lanes(void **state)
{
    struct consumer consumer;
    struct world *world = stalled_world(&consumer);
    uint64_t taken = world->ack.next - 1;
    (void)state;
    assert_in_range(taken, RECORDS_MIN * ROWS, RECORDS_UNDER_WAY_MAX * ROWS);
    assert_true(taken < world->sent);
    world_await_standstill(world); /* a while later it is the same */
    assert_int_equal(world->ack.next - 1, taken);
    consumer_close(&consumer);
    world_free(&world);
}

/* As it is in a storm of alerts, for a second or two. */
static void small_records_do_not_wait_for_a_busy_router(void **state)
{
    struct consumer consumer;
    struct world *world = loaded_world(&consumer, TW_JUDGED_BYTES_MAX);
    (void)state;
    world_await_durable(world, world->sent);
    assert_int_equal(consumer.rows, 0);
    consumer_close(&consumer);
    world_free(&world);
}

static void what_is_durable_is_acked_all_the_same(void **state)
{
    struct consumer consumer;
    struct world *world = stalled_world(&consumer);
    (void)state;
    /* The journal's lane is not the full one: all that the gateway handed out is on disk, and says so. */
    assert_true(world->ack.durable + 2 * ROWS >= world->ack.next - 1);
    assert_true(world->ack.durable >= RECORDS_MIN * ROWS);
    assert_int_equal(tw_store_last_seq(world->store), world->ack.durable);
    consumer_close(&consumer);
    world_free(&world);
}

static void everything_arrives_in_order_when_the_consumer_goes_on(void **state)
{
    struct consumer consumer;
    struct world *world = stalled_world(&consumer);
    (void)state;
    assert_int_equal(consumer.rows, 0);
    consume_rows(&consumer, world->sent);
    world_await_durable(world, world->sent);
    assert_int_equal(world->ack.next, world->sent + 1);
    assert_int_equal(consumer.rows, world->sent);
    assert_int_equal(consumer.events, world->sent / 10);
    world_ask_to_stop(world);
    world_await_finished(world, consume, &consumer);
    assert_true(consumer.ended);
    assert_int_equal(consumer.rows, world->sent);
    consumer_close(&consumer);
    world_free(&world);
}

static void a_consumer_that_stops_again_and_again_loses_nothing(void **state)
{
    struct consumer consumer;
    struct world *world = stalled_world(&consumer);
    (void)state;
    for (int pause = 1; pause <= 3; pause++) {
        uint64_t before = world->ack.next;
        consume_rows(&consumer, consumer.rows + 60 * ROWS);
        world_await_durable(world, before); /* something has moved on */
        world_await_standstill(world);
        assert_true(world->ack.next - 1 - consumer.rows <= RECORDS_UNDER_WAY_MAX * ROWS);
    }
    consume_rows(&consumer, world->sent);
    assert_int_equal(consumer.rows, world->sent);
    consumer_close(&consumer);
    world_free(&world);
}

static void a_stop_finishes_what_was_taken_and_takes_no_more(void **state)
{
    struct consumer consumer;
    struct world *world = stalled_world(&consumer);
    uint64_t taken = world->ack.next - 1;
    (void)state;
    world_ask_to_stop(world);
    world_await_finished(world, consume, &consumer);
    assert_true(consumer.ended);
    /* One message may have been received and waiting for room. */
    assert_in_range(consumer.rows, taken, taken + ROWS);
    world_await_durable(world, consumer.rows); /* the last acks went out, and are on their way */
    assert_int_equal(world->ack.durable, consumer.rows);
    assert_int_equal(world->ack.next, consumer.rows + 1);
    assert_int_equal(tw_store_last_seq(world->store), consumer.rows);
    consumer_close(&consumer);
    world_free(&world);
}

static void term_ends_all_at_once_where_they_stand(void **state)
{
    struct consumer consumer;
    struct world *world = stalled_world(&consumer);
    uint64_t durable = world->ack.durable;
    (void)state;
    assert_true(world_end(world) < PATIENCE_MS / 4);
    assert_true(tw_store_last_seq(world->store) >= durable);
    consumer_close(&consumer);
    world_free(&world); /* frees the pools: what was left in the lanes is back in them */
}

/* ---- what a crash kept from the store ---- */

static int64_t never(void *context, int64_t ts_ns)
{
    (void)context, (void)ts_ns;
    return INT64_MAX;
}
static bool nobody_asks(void)
{
    return false;
}
static bool count_in_order(void *context, const struct tw_store_delivery *delivery)
{
    uint64_t *n = context;
    assert_int_equal(delivery->n, ++*n);
    assert_true(delivery->queued_ns > 0);
    return true;
}

static bool count(void *context, const struct tw_store_delivery *delivery)
{
    (void)delivery;
    return ++*(uint64_t *)context > 0;
}

static const struct tw_routing two_receivers = {
    .names = {"ops", "night"}, .minimum = {TW_SEVERITY_LOW, TW_SEVERITY_CRITICAL}, .count = 2};

/* A start; what comes of it is freed. */
static enum tw_recovery_end recover(struct world *world, struct tw_recovered *recovered,
                                    char why[TW_RECOVERY_WHY_BYTES])
{
    struct tw_gateway_settings gateway = {.block_trades_max = ROWS,
                                          .credit_trades = TW_CREDIT_TRADES,
                                          .future_ns = 5 * TW_NS_PER_SECOND,
                                          .reporting_currency = "USD",
                                          .next_roll = never};
    struct tw_history history = {0};
    struct tw_recovery_settings settings = {.gateway = &gateway, .history = &history, .shards = 2};
    tw_store_set_receivers(world->store, two_receivers.names, two_receivers.count);
    enum tw_recovery_end end =
        tw_recovery_from_store(world->store, &settings, &two_receivers, nobody_asks, recovered, why);
    tw_gateway_free(&recovered->gateway);
    tw_pipeline_free(&recovered->pipeline);
    tw_evidence_source_free(&recovered->evidence);
    return end;
}

/* The log has their trades, nobody had stored them. */
static struct world *world_without_its_alerts(void)
{
    struct consumer consumer;
    struct world *world = stalled_world(&consumer);
    world_end(world);
    consumer_close(&consumer);
    assert_int_equal(tw_store_last_alert(world->store), 0);
    return world;
}

/* The start stores them, with their deliveries in the same batch. */
static void alerts_that_were_never_stored_get_their_deliveries_at_the_next_start(void **state)
{
    struct tw_recovered recovered;
    char why[TW_RECOVERY_WHY_BYTES];
    uint64_t pending = 0, at_night = 0;
    (void)state;
    struct world *world = world_without_its_alerts();
    assert_int_equal(recover(world, &recovered, why), TW_RECOVERY_DONE);
    assert_true(recovered.missing_alerts > 0);
    assert_true(tw_store_deliveries(world->store, TW_DELIVERY_PENDING, (struct tw_text){"ops", 3}, 0, count_in_order,
                                    &pending, NULL));
    assert_int_equal(pending, recovered.alerts);
    assert_true(tw_store_deliveries(world->store, TW_DELIVERY_PENDING, (struct tw_text){"night", 5}, 0, count,
                                    &at_night, NULL));
    assert_in_range(at_night, 0, pending - 1);
    world_free(&world);
}

/* Evidence that could not be read: alerts are not what they would be with it, nor is what stands in their digests. */
static void a_start_that_meets_damage_stores_no_alert_and_ends(void **state)
{
    static const struct tw_store_error unreadable = {TW_STORE_DAMAGED, "the block of trade 7 cannot be read"};
    struct tw_recovered recovered;
    char why[TW_RECOVERY_WHY_BYTES];
    (void)state;
    struct world *world = world_without_its_alerts();
    tw_store_note_damage(world->store, &unreadable);
    assert_int_equal(recover(world, &recovered, why), TW_RECOVERY_FAILED);
    assert_string_equal(why, unreadable.text);
    assert_int_equal(tw_store_last_alert(world->store), 0);
    world->store->has_damage = false;
    assert_int_equal(recover(world, &recovered, why), TW_RECOVERY_DONE);
    tw_store_note_damage(world->store, &unreadable); /* when all are stored */
    assert_int_equal(recover(world, &recovered, why), TW_RECOVERY_FAILED);
    assert_string_equal(why, unreadable.text);
    world_free(&world);
}

/* Messages of 240 KiB over a socket file, where the system itself holds less than one: what the publisher gets rid of
 * stands in the daemon's queue. */
static void trades_wait_at_the_publisher_beyond_the_receive_bound(void **state)
{
    struct consumer consumer;
    struct world *world = stalled_world(&consumer);
    zsock_t *other = zsock_new(ZMQ_PUSH);
    size_t bytes = 240u << 10;
    char *message = tw_alloc_zero(1, bytes);
    uint32_t sent = 0;
    zmq_pollitem_t item = {zsock_resolve(other), 0, ZMQ_POLLOUT, 0};
    (void)state;
    zsock_set_sndhwm(other, 1);
    zsock_set_linger(other, 0);
    assert_int_equal(zsock_connect(other, "%s", world->endpoint), 0);
    /* Full for as long as three acks take to come: not for a moment only. */
    for (int full = 0; full < 3;) {
        if (zmq_send(item.socket, message, bytes, ZMQ_DONTWAIT) >= 0) {
            sent++;
            full = 0;
            assert_true(sent <= TW_TRADES_RECEIVE_HWM + 8);
        } else if (zmq_poll(&item, 1, 1) == 0) {
            world_hear_ack(world);
            full++;
        }
    }
    assert_true(sent >= TW_TRADES_RECEIVE_HWM);
    free(message);
    zsock_destroy(&other);
    consumer_close(&consumer);
    world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gateway_stops_reading_at_its_bounded_lanes),
        cmocka_unit_test(small_records_do_not_wait_for_a_busy_router),
        cmocka_unit_test(what_is_durable_is_acked_all_the_same),
        cmocka_unit_test(everything_arrives_in_order_when_the_consumer_goes_on),
        cmocka_unit_test(a_consumer_that_stops_again_and_again_loses_nothing),
        cmocka_unit_test(a_stop_finishes_what_was_taken_and_takes_no_more),
        cmocka_unit_test(term_ends_all_at_once_where_they_stand),
        cmocka_unit_test(alerts_that_were_never_stored_get_their_deliveries_at_the_next_start),
        cmocka_unit_test(a_start_that_meets_damage_stores_no_alert_and_ends),
        cmocka_unit_test(trades_wait_at_the_publisher_beyond_the_receive_bound),
    };
    return cmocka_run_group_tests(tests, czmq_begin, czmq_finish);
}
