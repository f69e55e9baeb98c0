/* SPDX-License-Identifier: MIT
 *
 * What came of attempts gathers for one write, but not when the store is going to be asked about what it changes.
 */
#include <stdlib.h>

#include "actors/delivery/outbox_actor.h"
#include "store_world.h"

static const char *const names[] = {"hook", "mail"};
enum { HOOK, MAIL }; /* mail has a bucket */

struct post {
    struct world *world;
    struct tw_receivers receivers;
    struct tw_delivery *core;
    struct tw_outbox *outbox;
};

/* As many alerts are pending for both. */
static void put(struct post *post, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct tw_store_alert alert;
        feed_alert(&post->world->feed, &alert);
        alert.receivers = 3;
        alert.queued_ns = NOON;
        assert_int_equal(tw_store_put_alerts(post->world->store, &alert, 1, &post->world->error), TW_STORE_OK);
        free((void *)(uintptr_t)alert.bytes);
    }
    tw_delivery_news(post->core, tw_store_last_alert(post->world->store));
}

static void fill(struct post *post)
{
    char failure[512];
    assert_true(tw_outbox_fill(post->outbox, failure));
}

static int setup(void **state)
{
    const struct tw_delivery_policy policy = {1, 1, INT64_C(3600) * TW_NS_PER_SECOND, 5};
    struct post *post = calloc(1, sizeof *post);
    post->world = world_new();
    struct tw_frame *frame = feed_block(&post->world->feed, 5, 0);
    world_append(post->world, &frame, 1);
    tw_store_set_receivers(post->world->store, names, 2);
    post->core = tw_delivery_new(&policy);
    post->receivers.count = 2;
    for (uint32_t i = 0; i < 2; i++) {
        post->receivers.list[i].name = names[i];
        post->receivers.list[i].pace.under_way_max = 1;
    }
    post->receivers.list[MAIL].pace.burst = 1000;
    post->receivers.list[MAIL].pace.refill_ns = TW_NS_PER_SECOND;
    for (uint32_t i = 0; i < 2; i++)
        tw_delivery_add(post->core, &post->receivers.list[i].pace);
    post->outbox = tw_outbox_new(post->world->store, post->core, &post->receivers, NULL);
    *state = post;
    return 0;
}

static int teardown(void **state)
{
    struct post *post = *state;
    tw_outbox_free(&post->outbox);
    tw_delivery_free(&post->core);
    world_free(post->world);
    free(post);
    return 0;
}

/* The receiver takes its next alert; both have turns, the other's is put off. */
static void deliver(struct post *post, uint32_t receiver)
{
    struct tw_delivery_job job;
    struct tw_delivery_effect effect;
    struct tw_attempt *attempt = calloc(1, sizeof *attempt);
    do {
        assert_int_equal(tw_delivery_next(post->core, NOON, &job), TW_DELIVERY_ATTEMPT);
        if (job.receiver == receiver)
            break;
        tw_delivery_result(post->core, job.receiver, job.pending.n, TW_VERDICT_RETRY, TW_NS_PER_SECOND, 0, NOON,
                           &effect);
    } while (true);
    tw_delivery_result(post->core, receiver, job.pending.n, TW_VERDICT_DELIVERED, 0, 0, NOON, &effect);
    attempt->receiver = &post->receivers.list[receiver];
    attempt->number = receiver;
    attempt->n = job.pending.n;
    attempt->began_wall_ns = NOON;
    tw_outbox_note(post->outbox, attempt, &effect, NOON);
    free(attempt);
}

static void commit(struct post *post)
{
    char failure[512];
    assert_int_equal(tw_outbox_commit(post->outbox, NOON, failure), TW_STORE_OK);
    assert_false(tw_outbox_has_notes(post->outbox));
    assert_false(tw_outbox_gathers(post->outbox));
}

static bool count_delivery(void *context, const struct tw_store_delivery *delivery)
{
    (void)delivery;
    ++*(uint32_t *)context;
    return true;
}

static uint32_t pending(struct post *post, uint32_t receiver)
{
    const struct tw_text name = {names[receiver], (uint32_t)strlen(names[receiver])};
    uint32_t count = 0;
    assert_true(tw_store_deliveries(post->world->store, TW_DELIVERY_PENDING, name, 0, count_delivery, &count,
                                    &post->world->error));
    return count;
}

static void what_came_of_attempts_gathers_up_to_a_bound(void **state)
{
    struct post *post = *state;
    uint32_t noted = 0;
    put(post, TW_DELIVERY_WINDOW);
    fill(post);
    assert_false(tw_outbox_gathers(post->outbox));
    do {
        deliver(post, HOOK);
        noted++;
    } while (tw_outbox_gathers(post->outbox));
    assert_in_range(noted, 16, TW_DELIVERY_WINDOW - 1);
    assert_int_equal(pending(post, HOOK), TW_DELIVERY_WINDOW);
    commit(post);
    assert_int_equal(pending(post, HOOK), TW_DELIVERY_WINDOW - noted);
}

/* Else what was delivered would be found pending still. */
static void it_is_written_before_a_window_is_filled_again(void **state)
{
    struct post *post = *state;
    put(post, TW_DELIVERY_WINDOW);
    fill(post);
    for (uint32_t i = 0; i < TW_DELIVERY_WINDOW / 2; i++)
        deliver(post, HOOK);
    commit(post);
    deliver(post, HOOK);
    assert_true(tw_outbox_gathers(post->outbox));
    put(post, 1);
    assert_false(tw_outbox_gathers(post->outbox));
    commit(post);
    fill(post);
    deliver(post, HOOK);
    assert_true(tw_outbox_gathers(post->outbox));
    tw_delivery_rewind(post->core);
    assert_false(tw_outbox_gathers(post->outbox));
}

static void it_is_written_before_a_digest_asks_what_is_pending(void **state)
{
    struct post *post = *state;
    put(post, TW_DELIVERY_WINDOW);
    fill(post);
    deliver(post, HOOK);
    assert_true(tw_outbox_gathers(post->outbox));
    deliver(post, MAIL);
    assert_false(tw_outbox_gathers(post->outbox));
    commit(post);
    deliver(post, HOOK);
    assert_true(tw_outbox_gathers(post->outbox));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_came_of_attempts_gathers_up_to_a_bound, setup, teardown),
        cmocka_unit_test_setup_teardown(it_is_written_before_a_window_is_filled_again, setup, teardown),
        cmocka_unit_test_setup_teardown(it_is_written_before_a_digest_asks_what_is_pending, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
