/* SPDX-License-Identifier: MIT
 *
 * The outbox: pending deliveries that come with their alert, what comes of attempts, the ledger, dead letters.
 */
#include <rocksdb/c.h>
#include <stdio.h>
#include <stdlib.h>

#include "store_world.h"

static const char *const names[] = {"hook", "mail"};
static const struct tw_text hook = {"hook", 4}, mail = {"mail", 4}, everybody = {NULL, 0};

static int setup(void **state)
{
    struct world *world = world_new();
    struct tw_frame *frame = feed_block(&world->feed, 5, 0);
    world_append(world, &frame, 1);
    tw_store_set_receivers(world->store, names, 2);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    world_free(*state);
    return 0;
}

/* `count` alerts; receivers by the bits, queued at their number. */
static void put(struct world *world, uint32_t count, uint32_t receivers)
{
    struct tw_store_alert alerts[16];
    assert_true(count <= 16);
    for (uint32_t i = 0; i < count; i++) {
        feed_alert(&world->feed, &alerts[i]);
        alerts[i].receivers = receivers;
        alerts[i].queued_ns = (int64_t)alerts[i].n * 10;
    }
    assert_int_equal(tw_store_put_alerts(world->store, alerts, count, &world->error), TW_STORE_OK);
    for (uint32_t i = 0; i < count; i++)
        free((void *)(uintptr_t)alerts[i].bytes);
}

/* ---- what is there, as a line: "hook/1 hook/2 mail/1" ---- */

struct listing {
    char text[512];
    size_t length;
};
static bool list_delivery(void *context, const struct tw_store_delivery *delivery)
{
    struct listing *listing = context;
    listing->length += (size_t)snprintf(listing->text + listing->length, sizeof listing->text - listing->length,
                                        "%s%.*s/%d", listing->length == 0 ? "" : " ", (int)delivery->receiver.length,
                                        delivery->receiver.bytes, (int)delivery->n);
    return true;
}
static void expect(struct world *world, enum tw_store_delivery_state state, struct tw_text receiver, uint64_t after,
                   const char *line)
{
    struct listing listing = {.length = 0};
    assert_true(tw_store_deliveries(world->store, state, receiver, after, list_delivery, &listing, &world->error));
    assert_string_equal(listing.text, line);
}
static void expect_whole(struct world *world)
{
    world_close(world);
    world->store = tw_store_open(world->directory, TW_STORE_READ, &world->error);
    assert_non_null(world->store);
    if (!tw_store_verify(world->store, NULL, NULL, &world->error))
        fail_msg("%s", world->error.text);
    tw_store_close(&world->store);
    world_open(world);
    tw_store_set_receivers(world->store, names, 2);
}

static struct tw_store_attempt attempt_of(struct tw_text receiver, uint64_t n, enum tw_store_outcome outcome)
{
    return (struct tw_store_attempt){
        .receiver = receiver,
        .n = n,
        .outcome = outcome,
        .reason = outcome == TW_DELIVERY_REJECTED ? TW_REASON_REJECTED : TW_REASON_NONE,
        .attempts = 1,
        .queued_ns = (int64_t)n * 10,
        .next_ns = 700,
        .began_ns = 500 + (int64_t)n,
        .latency_us = 42,
        .status = outcome == TW_DELIVERY_DONE ? 204 : 500,
        .answer = {"what it said", 12},
    };
}
static void attempt(struct world *world, struct tw_text receiver, uint64_t n, enum tw_store_outcome outcome)
{
    struct tw_store_attempt made = attempt_of(receiver, n, outcome);
    assert_int_equal(tw_store_put_attempts(world->store, &made, 1, &world->error), TW_STORE_OK);
}

static void pending_deliveries_come_with_their_alerts(void **state)
{
    struct world *world = *state;
    expect(world, TW_DELIVERY_PENDING, everybody, 0, "");
    put(world, 2, 3);
    put(world, 1, 0);
    put(world, 1, 2);
    expect(world, TW_DELIVERY_PENDING, everybody, 0, "hook/1 hook/2 mail/1 mail/2 mail/4");
    expect(world, TW_DELIVERY_PENDING, hook, 0, "hook/1 hook/2");
    expect(world, TW_DELIVERY_PENDING, mail, 1, "mail/2 mail/4");
    expect(world, TW_DELIVERY_PENDING, mail, 4, "");
    expect(world, TW_DELIVERY_PENDING, (struct tw_text){"hoo", 3}, 0, "");
    expect(world, TW_DELIVERY_PENDING, mail, UINT64_MAX, "");
    expect_whole(world);
    expect(world, TW_DELIVERY_PENDING, everybody, 0, "hook/1 hook/2 mail/1 mail/2 mail/4");
}

static bool keep(void *context, const struct tw_store_delivery *delivery)
{
    *(struct tw_store_delivery *)context = *delivery;
    return false;
}

static void what_comes_of_an_attempt_is_kept(void **state)
{
    struct world *world = *state;
    struct tw_store_delivery found;
    put(world, 4, 1);
    attempt(world, hook, 1, TW_DELIVERY_DONE);
    attempt(world, hook, 2, TW_DELIVERY_AGAIN);
    attempt(world, hook, 3, TW_DELIVERY_REJECTED);
    expect(world, TW_DELIVERY_PENDING, everybody, 0, "hook/2 hook/4");
    expect(world, TW_DELIVERY_DEAD, everybody, 0, "hook/3");
    assert_true(tw_store_deliveries(world->store, TW_DELIVERY_PENDING, hook, 0, keep, &found, &world->error));
    assert_int_equal(found.queued_ns, 20);
    assert_int_equal(found.at_ns, 700);
    assert_int_equal(found.attempts, 1);
    struct tw_store_attempt again = attempt_of(hook, 2, TW_DELIVERY_GIVEN_UP);
    again.reason = TW_REASON_DEADLINE;
    assert_int_equal(tw_store_put_attempts(world->store, &again, 1, &world->error), TW_STORE_OK);
    expect(world, TW_DELIVERY_DEAD, hook, 0, "hook/2 hook/3");
    assert_true(tw_store_deliveries(world->store, TW_DELIVERY_DEAD, hook, 0, keep, &found, &world->error));
    assert_int_equal(found.reason, TW_REASON_DEADLINE);
    expect_whole(world);
}

/* How many deleted rows RocksDB went over. */
static uint64_t skipped_by(struct world *world, struct tw_text receiver, uint64_t after, const char *found)
{
    rocksdb_perfcontext_t *counts = rocksdb_perfcontext_create();
    rocksdb_set_perf_level(rocksdb_enable_count);
    rocksdb_perfcontext_reset(counts);
    expect(world, TW_DELIVERY_PENDING, receiver, after, found);
    uint64_t skipped = rocksdb_perfcontext_metric(counts, rocksdb_internal_delete_skipped_count);
    rocksdb_set_perf_level(rocksdb_disable);
    rocksdb_perfcontext_destroy(counts);
    return skipped;
}

static void what_was_delivered_to_one_costs_the_others_nothing(void **state)
{
    struct world *world = *state;
    put(world, 12, 3);
    for (uint64_t n = 1; n <= 12; n++) {
        attempt(world, hook, n, TW_DELIVERY_DONE);
        attempt(world, mail, n, TW_DELIVERY_DONE);
    }
    assert_int_equal(skipped_by(world, hook, 12, ""), 0);
    put(world, 1, 1);
    assert_int_equal(skipped_by(world, hook, 12, "hook/13"), 0);
    assert_int_equal(skipped_by(world, hook, 0, "hook/13"), 12); /* so they are counted */
}

static bool list_attempt(void *context, const struct tw_store_attempt *made)
{
    struct listing *listing = context;
    assert_int_equal(made->latency_us, 42);
    assert_int_equal(made->attempts, 1);
    assert_int_equal(made->answer.length, 12);
    listing->length += (size_t)snprintf(listing->text + listing->length, sizeof listing->text - listing->length,
                                        "%.*s/%d:%d@%d ", (int)made->receiver.length, made->receiver.bytes,
                                        (int)made->n, made->status, (int)made->began_ns);
    return true;
}

static void the_ledger_has_each_attempt_and_forgets_old_ones(void **state)
{
    struct world *world = *state;
    put(world, 3, 3);
    attempt(world, hook, 2, TW_DELIVERY_DONE);
    attempt(world, mail, 1, TW_DELIVERY_AGAIN);
    attempt(world, mail, 3, TW_DELIVERY_REJECTED);
    struct listing all = {.length = 0}, later = {.length = 0}, kept = {.length = 0};
    assert_true(tw_store_ledger(world->store, 0, list_attempt, &all, &world->error));
    assert_string_equal(all.text, "mail/1:500@501 hook/2:204@502 mail/3:500@503 ");
    assert_true(tw_store_ledger(world->store, 502, list_attempt, &later, &world->error));
    assert_string_equal(later.text, "hook/2:204@502 mail/3:500@503 ");
    assert_int_equal(tw_store_ledger_drop(world->store, 503, &world->error), TW_STORE_OK);
    assert_true(tw_store_ledger(world->store, 0, list_attempt, &kept, &world->error));
    assert_string_equal(kept.text, "mail/3:500@503 ");
    expect_whole(world);
}

static void a_long_answer_is_cut(void **state)
{
    struct world *world = *state;
    char words[1000];
    struct tw_store_delivery found;
    memset(words, 'x', sizeof words);
    put(world, 1, 1);
    struct tw_store_attempt made = attempt_of(hook, 1, TW_DELIVERY_REJECTED);
    made.answer = (struct tw_text){words, sizeof words};
    assert_int_equal(tw_store_put_attempts(world->store, &made, 1, &world->error), TW_STORE_OK);
    assert_true(tw_store_deliveries(world->store, TW_DELIVERY_DEAD, hook, 0, keep, &found, &world->error));
    assert_int_equal(found.why.length, TW_ANSWER_BYTES_MAX);
    expect_whole(world);
}

static void dead_letters_can_be_tried_again(void **state)
{
    struct world *world = *state;
    uint64_t count = 0, before = tw_store_retries(world->store);
    struct tw_store_delivery found;
    put(world, 3, 3);
    for (uint64_t n = 1; n <= 3; n++) {
        attempt(world, hook, n, TW_DELIVERY_REJECTED);
        attempt(world, mail, n, TW_DELIVERY_REJECTED);
    }
    assert_int_equal(tw_store_retry(world->store, hook, 2, 9000, &count, &world->error), TW_STORE_OK);
    assert_int_equal(count, 1);
    expect(world, TW_DELIVERY_PENDING, everybody, 0, "hook/2");
    assert_true(tw_store_deliveries(world->store, TW_DELIVERY_PENDING, hook, 0, keep, &found, &world->error));
    assert_int_equal(found.queued_ns, 9000);
    assert_int_equal(found.attempts, 0);
    assert_int_equal(tw_store_retry(world->store, mail, 0, 9000, &count, &world->error), TW_STORE_OK);
    assert_int_equal(count, 3);
    expect(world, TW_DELIVERY_DEAD, everybody, 0, "hook/1 hook/3");
    assert_int_equal(tw_store_retry(world->store, hook, 2, 9000, &count, &world->error), TW_STORE_OK);
    assert_int_equal(count, 0);
    assert_true(tw_store_retries(world->store) > before);
    expect_whole(world);
}

static void a_delivery_of_an_alert_that_is_not_there_is_damage(void **state)
{
    struct world *world = *state;
    put(world, 1, 0);
    attempt(world, hook, 7, TW_DELIVERY_AGAIN);
    assert_false(tw_store_verify(world->store, NULL, NULL, &world->error));
    assert_int_equal(world->error.status, TW_STORE_DAMAGED);
    assert_non_null(strstr(world->error.text, "a delivery to hook names alert 7; there are 1"));
}

/* What an escalation tells of may have been refused before: it is tried once more. */
static void an_escalation_of_a_dead_letter_is_pending_and_not_dead(void **state)
{
    struct world *world = *state;
    const struct tw_store_escalation escalation = {.due_ns = 5, .n = 1, .receiver = hook};
    put(world, 2, 1);
    attempt(world, hook, 1, TW_DELIVERY_DONE);
    attempt(world, hook, 2, TW_DELIVERY_REJECTED);
    expect(world, TW_DELIVERY_DEAD, hook, 0, "hook/2");
    assert_int_equal(tw_store_escalate(world->store, &escalation, 2, (struct tw_text){"", 0}, 900, &world->error),
                     TW_STORE_OK);
    expect(world, TW_DELIVERY_PENDING, hook, 0, "hook/2");
    expect(world, TW_DELIVERY_DEAD, hook, 0, "");
    expect_whole(world);
}

struct waits {
    int64_t due_ns[1200];
    uint32_t count;
};
static bool take_due(void *context, const struct tw_store_escalation *escalation)
{
    struct waits *waits = context;
    assert_int_equal(escalation->n, waits->count + 1); /* of those of one time the first comes first */
    waits->due_ns[waits->count++] = escalation->due_ns;
    return true;
}

/* The others stay where they are. */
static void nothing_waits_longer_than_the_longest(void **state)
{
    struct world *world = *state;
    struct waits waits = {.count = 0};
    uint32_t calls = 0;
    for (uint32_t i = 0; i < 1200; i++) {
        struct tw_store_alert alert;
        feed_alert(&world->feed, &alert);
        alert.queued_ns = NOON;
        alert.later_receivers = 1;
        alert.later_ns = i + 1;
        assert_int_equal(tw_store_put_alerts(world->store, &alert, 1, &world->error), TW_STORE_OK);
        free((void *)(uintptr_t)alert.bytes);
    }
    for (bool more = true; more; calls++) {
        more = false;
        assert_int_equal(tw_store_wait_no_longer(world->store, TW_WAITS_REPEAT, 1, &more, &world->error), TW_STORE_OK);
        assert_int_equal(tw_store_wait_no_longer(world->store, TW_WAITS_ESCALATION, NOON + 100, &more, &world->error),
                         TW_STORE_OK);
    }
    assert_in_range(calls, 2, 3); /* a bounded part each */
    assert_true(tw_store_escalations(world->store, INT64_MAX, take_due, &waits, &world->error));
    assert_int_equal(waits.count, 1200);
    for (uint32_t i = 0; i < 1200; i++)
        assert_int_equal(waits.due_ns[i], NOON + (i < 100 ? i + 1 : 100));
    assert_true(tw_store_verify(world->store, NULL, NULL, &world->error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pending_deliveries_come_with_their_alerts, setup, teardown),
        cmocka_unit_test_setup_teardown(what_comes_of_an_attempt_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_delivered_to_one_costs_the_others_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(the_ledger_has_each_attempt_and_forgets_old_ones, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_answer_is_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(dead_letters_can_be_tried_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_delivery_of_an_alert_that_is_not_there_is_damage, setup, teardown),
        cmocka_unit_test_setup_teardown(an_escalation_of_a_dead_letter_is_pending_and_not_dead, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_waits_longer_than_the_longest, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
