/* SPDX-License-Identifier: MIT
 *
 * A disk that blocks, is full or fails: the test stands between the journal or the router and the store (linked with
 * --wrap). Until the write returns nothing may be acked or published, and what is under way is bounded.
 */
#include "runtime_world.h"

#include <pthread.h>

#include "protocol/submission.h"

#define SUBMISSIONS 400u
#define ANONYMOUS 300u       /* messages: more than has room, fewer than are set aside */
#define ANONYMOUS_MANY 1100u /* more than are set aside */
/* The write that blocks, the journal's lane, and in the gateway one that is being handed out and one under
 * construction.
 */
#define RECORDS_UNDER_WAY_MAX (TW_JOURNAL_BATCH_ITEMS_MAX + TW_LANE_HWM + 4u)

/* ---- the disk ---- */

static pthread_mutex_t disk_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t disk_changed = PTHREAD_COND_INITIALIZER;
static bool disk_blocks;
static enum tw_store_status disk_answer; /* TW_STORE_OK: the real one */
static unsigned writes_waiting;
static bool next_passes; /* one write is done whatever the disk says, and the one behind it blocks */
static bool full_for_alerts;

enum tw_store_status __real_tw_store_append(struct tw_store *store, struct tw_frame *const *frames, uint32_t count,
                                            struct tw_store_error *error);
enum tw_store_status __wrap_tw_store_append(struct tw_store *store, struct tw_frame *const *frames, uint32_t count,
                                            struct tw_store_error *error);

enum tw_store_status __wrap_tw_store_append(struct tw_store *store, struct tw_frame *const *frames, uint32_t count,
                                            struct tw_store_error *error)
{
    pthread_mutex_lock(&disk_lock);
    writes_waiting++;
    pthread_cond_broadcast(&disk_changed);
    while (disk_blocks)
        pthread_cond_wait(&disk_changed, &disk_lock);
    writes_waiting--;
    enum tw_store_status answer = next_passes ? TW_STORE_OK : disk_answer;
    disk_blocks = next_passes;
    next_passes = false;
    pthread_mutex_unlock(&disk_lock);
    if (answer == TW_STORE_OK)
        return __real_tw_store_append(store, frames, count, error);
    *error = (struct tw_store_error){answer, "the disk does not want it"};
    return answer;
}

enum tw_store_status __real_tw_store_put_alerts(struct tw_store *store, const struct tw_store_alert *alerts,
                                                uint32_t count, struct tw_store_error *error);
enum tw_store_status __wrap_tw_store_put_alerts(struct tw_store *store, const struct tw_store_alert *alerts,
                                                uint32_t count, struct tw_store_error *error);

enum tw_store_status __wrap_tw_store_put_alerts(struct tw_store *store, const struct tw_store_alert *alerts,
                                                uint32_t count, struct tw_store_error *error)
{
    pthread_mutex_lock(&disk_lock);
    bool full = full_for_alerts;
    pthread_mutex_unlock(&disk_lock);
    if (!full)
        return __real_tw_store_put_alerts(store, alerts, count, error);
    *error = (struct tw_store_error){TW_STORE_FULL, "the disk has no room for alerts"};
    return TW_STORE_FULL;
}

static void set_full_for_alerts(bool full)
{
    pthread_mutex_lock(&disk_lock);
    full_for_alerts = full;
    pthread_mutex_unlock(&disk_lock);
}

static void set_disk(bool blocks, enum tw_store_status answer)
{
    pthread_mutex_lock(&disk_lock);
    disk_blocks = blocks;
    disk_answer = answer;
    pthread_cond_broadcast(&disk_changed);
    pthread_mutex_unlock(&disk_lock);
}

static void let_one_pass(void)
{
    pthread_mutex_lock(&disk_lock);
    next_passes = true;
    pthread_mutex_unlock(&disk_lock);
}

static void await_waiting_write(void)
{
    pthread_mutex_lock(&disk_lock);
    while (!disk_blocks || writes_waiting == 0)
        pthread_cond_wait(&disk_changed, &disk_lock);
    pthread_mutex_unlock(&disk_lock);
}

/* ---- the subscriber ---- */

struct subscriber {
    zsock_t *socket;
    uint64_t last, alerts, heads; /* n of the newest alert; messages */
    uint64_t head_last, head_durable;
};

/* The next alert or head, within patience. */
static void hear(struct subscriber *subscriber)
{
    zmq_pollitem_t item = {zsock_resolve(subscriber->socket), 0, ZMQ_POLLIN, 0};
    zmq_msg_t topic, payload;
    assert_int_equal(zmq_poll(&item, 1, PATIENCE_MS), 1);
    assert_true(tw_lane_receive(subscriber->socket, &topic));
    assert_true(tw_lane_receive(subscriber->socket, &payload));
    if (((const char *)zmq_msg_data(&topic))[0] == 'h') {
        struct tw_head_view head;
        assert_true(tw_head_decode(zmq_msg_data(&payload), zmq_msg_size(&payload), &head));
        subscriber->heads++;
        subscriber->head_last = head.last;
        subscriber->head_durable = head.durable;
    } else {
        struct tw_alert_view alert;
        assert_true(tw_alert_decode(zmq_msg_data(&payload), zmq_msg_size(&payload), &alert));
        assert_int_equal(alert.n, subscriber->last + 1); /* none is missing, none comes twice */
        subscriber->last = alert.n;
        subscriber->alerts++;
    }
    zmq_msg_close(&topic);
    zmq_msg_close(&payload);
}

static void hear_heads(struct subscriber *subscriber, uint64_t count)
{
    for (uint64_t until = subscriber->heads + count; subscriber->heads < until;)
        hear(subscriber);
}

static struct subscriber subscribe(struct world *world)
{
    struct subscriber subscriber = {.socket = zsock_new(ZMQ_SUB)};
    zsock_set_rcvhwm(subscriber.socket, 0);
    zsock_set_subscribe(subscriber.socket, "alert.");
    zsock_set_subscribe(subscriber.socket, "head.");
    assert_int_equal(zsock_connect(subscriber.socket, "%s", tw_router_actor_alerts(world->router)), 0);
    hear_heads(&subscriber, 1);
    return subscriber;
}

/* ---- the stories ---- */

static struct world *running_world(struct subscriber *subscriber)
{
    struct world *world = world_new();
    set_disk(false, TW_STORE_OK);
    world_start_router(world);
    world_start_judges(world);
    world_start_journal(world);
    world_start_gateway(world);
    world_connect(world);
    *subscriber = subscribe(world);
    return world;
}

/* The disk blocks at the first trades, and publishers go on until nothing moves any more. */
static void block_world(struct world *world)
{
    set_disk(true, TW_STORE_OK);
    for (uint32_t i = 0; i < SUBMISSIONS; i++)
        assert_true(world_push(world));
    await_waiting_write();
    world_await_standstill(world);
}

static struct world *blocked_world(struct subscriber *subscriber)
{
    struct world *world = running_world(subscriber);
    block_world(world);
    return world;
}

static void end_world(struct world *world, struct subscriber *subscriber)
{
    set_disk(false, TW_STORE_OK);
    zsock_destroy(&subscriber->socket);
    world_free(&world);
}

static void nothing_is_acked_or_published_while_the_disk_blocks(void **state)
{
    struct subscriber subscriber;
    struct world *world = blocked_world(&subscriber);
    (void)state;
    assert_int_equal(world->ack.durable, 0);
    assert_int_equal(tw_store_last_seq(world->store), 0);
    /* At least half of a lane is ever used: libzmq returns room in halves. */
    assert_in_range(world->ack.next - 1, TW_LANE_HWM / 2 * ROWS, RECORDS_UNDER_WAY_MAX * ROWS);
    hear_heads(&subscriber, 3); /* the router lives */
    assert_int_equal(subscriber.alerts, 0);
    assert_int_equal(subscriber.head_last, 0);
    assert_int_equal(subscriber.head_durable, 0);
    world_await_standstill(world);
    assert_int_equal(world->ack.durable, 0);
    end_world(world, &subscriber);
}

static void when_the_disk_goes_on_all_is_acked_and_published_in_order(void **state)
{
    struct subscriber subscriber;
    struct world *world = blocked_world(&subscriber);
    (void)state;
    set_disk(false, TW_STORE_OK);
    world_await_durable(world, world->sent);
    while (subscriber.head_durable < world->sent)
        hear(&subscriber);
    assert_true(subscriber.alerts >= world->sent / 10); /* every tenth is a LARGE_TRADE */
    assert_int_equal(subscriber.last, subscriber.head_last);
    assert_int_equal(subscriber.last, tw_store_last_alert(world->store));
    world_ask_to_stop(world);
    world_await_finished(world, NULL, NULL);
    end_world(world, &subscriber);
}

static void a_stop_waits_for_the_disk_and_loses_nothing_that_was_taken(void **state)
{
    struct subscriber subscriber;
    struct world *world = blocked_world(&subscriber);
    uint64_t taken = world->ack.next - 1;
    (void)state;
    world_ask_to_stop(world);
    world_await_standstill(world); /* acks go on; they promise nothing */
    assert_int_equal(world->ack.durable, 0);
    set_disk(false, TW_STORE_OK);
    world_await_finished(world, NULL, NULL);
    assert_true(tw_store_last_seq(world->store) >= taken);
    world_await_durable(world, tw_store_last_seq(world->store)); /* the last ack is on its way */
    assert_int_equal(world->ack.durable, tw_store_last_seq(world->store));
    assert_int_equal(world->ack.durable, world->ack.next - 1);
    end_world(world, &subscriber);
}

static void a_disk_that_fails_is_reported_and_nothing_more_is_acked(void **state)
{
    struct subscriber subscriber;
    struct world *world = blocked_world(&subscriber);
    zactor_t *journal = world->running[world->running_count - 2];
    zmq_pollitem_t item = {zsock_resolve(journal), 0, ZMQ_POLLIN, 0};
    char failure[512];
    (void)state;
    set_disk(false, TW_STORE_FAILED);
    assert_int_equal(zmq_poll(&item, 1, PATIENCE_MS), 1);
    assert_int_equal(tw_agent_report(journal, failure), -1);
    assert_string_equal(failure, "the disk does not want it");
    world_await_standstill(world);
    assert_int_equal(world->ack.durable, 0);
    hear_heads(&subscriber, 2);
    assert_int_equal(subscriber.alerts, 0);
    assert_true(world_end(world) < PATIENCE_MS / 4);
    end_world(world, &subscriber);
}

static void a_full_disk_holds_publishers_and_goes_on_by_itself(void **state)
{
    struct subscriber subscriber;
    struct world *world = blocked_world(&subscriber);
    (void)state;
    world->disk_gets_full = true;
    set_disk(false, TW_STORE_FULL);
    do
        world_hear_ack(world);
    while (!world->ack.has_hold);
    assert_int_equal(world->ack.durable, 0);
    hear_heads(&subscriber, 2); /* tried again several times: nobody failed */
    assert_int_equal(subscriber.alerts, 0);
    set_disk(false, TW_STORE_OK);
    do
        world_hear_ack(world);
    while (world->ack.has_hold || world->ack.durable < world->ack.next - 1);
    while (subscriber.head_durable < world->ack.durable)
        hear(&subscriber);
    assert_int_equal(subscriber.last, subscriber.head_last);
    world_ask_to_stop(world);
    world_await_finished(world, NULL, NULL);
    end_world(world, &subscriber);
}

/* ---- somebody else, who asks where he stands while nothing has room ---- */

struct asker {
    zsock_t *push, *acks;
};

static void say(struct asker *asker, uint64_t seq, uint32_t count)
{
    const struct tw_trade trade = {.symbol = {"X", 1}, .qty_e8 = TW_E8, .price_e8 = TW_E8};
    struct tw_buffer message = {0};
    tw_submission_encode_rows(&message, (struct tw_text){"late", 4}, 0, seq, &trade, count);
    assert_true(zmq_send(zsock_resolve(asker->push), message.bytes, message.length, ZMQ_DONTWAIT) >= 0);
    tw_buffer_free(&message);
}

/* Trades of nobody in particular: they cannot be told to wait, and fill whatever has room. Of the quantity `number`. */
static void say_anonymously(struct asker *asker, int64_t number)
{
    struct tw_trade trades[ROWS];
    struct tw_buffer message = {0};
    for (uint32_t i = 0; i < ROWS; i++)
        trades[i] = (struct tw_trade){.symbol = {"X", 1}, .qty_e8 = number * TW_E8, .price_e8 = TW_E8};
    tw_submission_encode_rows(&message, (struct tw_text){NULL, 0}, 0, 0, trades, ROWS);
    assert_true(zmq_send(zsock_resolve(asker->push), message.bytes, message.length, ZMQ_DONTWAIT) >= 0);
    tw_buffer_free(&message);
}

/* True if an ack comes: *held by the disk, and *gap as often as he was told to be too far ahead. */
static bool is_answered(struct asker *asker, long wait_ms, bool *held, uint64_t *gap)
{
    zmq_pollitem_t item = {zsock_resolve(asker->acks), 0, ZMQ_POLLIN, 0};
    zmq_msg_t topic, payload;
    struct tw_ack ack;
    if (zmq_poll(&item, 1, wait_ms) != 1)
        return false;
    assert_true(tw_lane_receive(asker->acks, &topic));
    assert_true(tw_lane_receive(asker->acks, &payload));
    assert_true(tw_ack_decode(zmq_msg_data(&payload), zmq_msg_size(&payload), &ack));
    assert_int_equal(ack.durable, 0);
    assert_int_equal(ack.next, 1);
    *gap = ack.gap;
    *held = ack.has_hold && memcmp(ack.hold_code.bytes, "disk", 4) == 0;
    zmq_msg_close(&topic);
    zmq_msg_close(&payload);
    return true;
}

static struct asker known_asker(struct world *world)
{
    struct asker asker = {zsock_new(ZMQ_PUSH), zsock_new(ZMQ_SUB)};
    bool held = false;
    uint64_t gap = 0;
    zsock_set_linger(asker.push, 0);
    zsock_set_sndhwm(asker.push, 0);
    zsock_set_subscribe(asker.acks, "ack.late.");
    assert_int_equal(zsock_connect(asker.acks, "%s", tw_gateway_actor_acks(world->gateway)), 0);
    assert_int_equal(zsock_connect(asker.push, "%s", world->endpoint), 0);
    int64_t deadline_ns = tw_now_ns() + PATIENCE_MS * INT64_C(1000000);
    do {
        assert_true(tw_now_ns() < deadline_ns);
        say(&asker, 1, 0);
    } while (!is_answered(&asker, 50, &held, &gap)); /* the subscription takes a moment */
    assert_false(held);
    return asker;
}

static void make_full(struct world *world)
{
    world->disk_gets_full = true;
    set_disk(false, TW_STORE_FULL);
    do
        world_hear_ack(world);
    while (!world->ack.has_hold);
}

/* The disk has room, and the publisher's trades and so many messages of nobody's become durable. */
static void await_all(struct world *world, struct subscriber *subscriber, uint32_t anonymous)
{
    set_disk(false, TW_STORE_OK);
    do
        world_hear_ack(world);
    while (world->ack.has_hold || world->ack.durable < world->ack.next - 1);
    uint64_t all = world->ack.durable + (uint64_t)anonymous * ROWS;
    while (subscriber->head_durable < all)
        hear(subscriber);
    assert_int_equal(subscriber->head_durable, all);
    world_ask_to_stop(world);
    world_await_finished(world, NULL, NULL);
}

/* The lanes are full, and messages that cannot be taken stand in front of his. Acks come every second anyhow; a message
 * that is too far ahead shows whether he is heard. */
static void a_publisher_is_heard_however_full_the_disk_is(void **state)
{
    struct subscriber subscriber;
    struct world *world = running_world(&subscriber);
    struct asker asker = known_asker(world);
    bool held = false;
    uint64_t gap = 0;
    (void)state;
    block_world(world);
    make_full(world);
    for (uint32_t i = 0; i < ANONYMOUS; i++)
        say_anonymously(&asker, 1);
    for (uint64_t messages = 1; messages <= 3; messages++) {
        int64_t deadline_ns = tw_now_ns() + PATIENCE_MS * INT64_C(1000000);
        say(&asker, 1, 0);
        say(&asker, 9, 1);
        while (!held || gap < messages) {
            assert_true(tw_now_ns() < deadline_ns);
            is_answered(&asker, 1000, &held, &gap);
        }
        assert_int_equal(gap, messages);
    }
    assert_int_equal(world->ack.durable, 0);
    await_all(world, &subscriber, ANONYMOUS); /* what was set aside is not forgotten */
    zsock_destroy(&asker.push);
    zsock_destroy(&asker.acks);
    end_world(world, &subscriber);
}

static void assert_in_order(struct world *world)
{
    struct tw_store_error error;
    struct tw_record record;
    int64_t before = 0;
    struct tw_store_cursor *cursor = tw_store_read(world->store, 1, &error);
    while (tw_store_next(cursor, &record, &error) > 0)
        for (uint32_t row = 0; record.kind == TW_RECORD_BLOCK && row < record.block.count; row++) {
            if (tw_load_u32(record.block.account, row) != 0) /* the publisher's */
                continue;
            assert_true(tw_load_i64(record.block.qty, row) >= before);
            before = tw_load_i64(record.block.qty, row);
        }
    assert_int_equal(before, ANONYMOUS_MANY * TW_E8);
    tw_store_cursor_free(&cursor);
}

/* Not all that comes has a place, and now and then the disk takes something. */
static void what_has_no_number_keeps_its_order_however_full_the_disk_is(void **state)
{
    struct subscriber subscriber;
    struct world *world = running_world(&subscriber);
    struct asker asker = known_asker(world);
    (void)state;
    block_world(world);
    make_full(world);
    for (int64_t number = 1; number <= ANONYMOUS_MANY; number++)
        say_anonymously(&asker, number);
    for (int turn = 0; turn < 2; turn++) {
        let_one_pass();
        await_waiting_write();
        world_await_standstill(world);
        make_full(world);
    }
    await_all(world, &subscriber, ANONYMOUS_MANY);
    assert_in_order(world);
    zsock_destroy(&asker.push);
    zsock_destroy(&asker.acks);
    end_world(world, &subscriber);
}

/* What was taken was never acked: its publishers still have it. */
static void a_stop_while_the_disk_is_full_does_not_wait_for_room(void **state)
{
    struct subscriber subscriber;
    struct world *world = blocked_world(&subscriber);
    (void)state;
    world->disk_gets_full = true;
    set_disk(false, TW_STORE_FULL);
    do
        world_hear_ack(world);
    while (!world->ack.has_hold);
    world_ask_to_stop(world);
    world_await_finished(world, NULL, NULL);
    assert_int_equal(world->ack.durable, 0);
    assert_int_equal(tw_store_last_seq(world->store), 0);
    assert_int_equal(tw_store_last_alert(world->store), 0);
    end_world(world, &subscriber);
}

/* They are derived again by the next start; none is published that is not stored. */
static void a_stop_does_not_wait_for_room_for_alerts(void **state)
{
    struct subscriber subscriber;
    struct world *world = blocked_world(&subscriber);
    (void)state;
    set_full_for_alerts(true);
    set_disk(false, TW_STORE_OK);
    world_await_durable(world, 10 * ROWS);
    world_ask_to_stop(world);
    world_await_finished(world, NULL, NULL);
    assert_int_equal(subscriber.alerts, 0);
    assert_int_equal(tw_store_last_alert(world->store), 0);
    assert_true(tw_store_last_seq(world->store) >= 10 * ROWS);
    set_full_for_alerts(false);
    end_world(world, &subscriber);
}

static void alerts_wait_for_room_on_the_disk_and_none_is_lost(void **state)
{
    struct subscriber subscriber;
    struct world *world = blocked_world(&subscriber);
    (void)state;
    set_full_for_alerts(true);
    set_disk(false, TW_STORE_OK);
    world_await_durable(world, 10 * ROWS); /* trades do not wait for alerts, until the lanes are full */
    hear_heads(&subscriber, 2);
    assert_int_equal(subscriber.alerts, 0);
    assert_int_equal(subscriber.head_last, 0); /* nor does a head count them */
    assert_int_equal(tw_store_last_alert(world->store), 0);
    set_full_for_alerts(false);
    world_await_durable(world, world->sent);
    while (subscriber.head_durable < world->sent)
        hear(&subscriber);
    assert_true(subscriber.alerts >= world->sent / 10);
    assert_int_equal(subscriber.last, tw_store_last_alert(world->store));
    world_ask_to_stop(world);
    world_await_finished(world, NULL, NULL);
    end_world(world, &subscriber);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_acked_or_published_while_the_disk_blocks),
        cmocka_unit_test(when_the_disk_goes_on_all_is_acked_and_published_in_order),
        cmocka_unit_test(a_stop_waits_for_the_disk_and_loses_nothing_that_was_taken),
        cmocka_unit_test(a_full_disk_holds_publishers_and_goes_on_by_itself),
        cmocka_unit_test(a_publisher_is_heard_however_full_the_disk_is),
        cmocka_unit_test(what_has_no_number_keeps_its_order_however_full_the_disk_is),
        cmocka_unit_test(alerts_wait_for_room_on_the_disk_and_none_is_lost),
        cmocka_unit_test(a_stop_while_the_disk_is_full_does_not_wait_for_room),
        cmocka_unit_test(a_stop_does_not_wait_for_room_for_alerts),
        cmocka_unit_test(a_disk_that_fails_is_reported_and_nothing_more_is_acked),
    };
    return cmocka_run_group_tests(tests, czmq_begin, czmq_finish);
}
