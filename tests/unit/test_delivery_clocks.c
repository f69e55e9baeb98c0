/* SPDX-License-Identifier: MIT
 *
 * The wall clock is set back: what is stored has its times, and the delivery's core another clock's, which goes on.
 */
#include <stdlib.h>

#include "actors/delivery/outbox_actor.h"
#include "store_world.h"

#define HOUR (INT64_C(3600) * TW_NS_PER_SECOND)
#define NAME ((struct tw_text){"hook", 4})

struct post {
    struct world *world;
    struct tw_receivers receivers;
    struct tw_delivery *core;
    struct tw_outbox *outbox;
};

/* As a start does, again. */
static void start(struct post *post)
{
    const struct tw_delivery_policy policy = {TW_NS_PER_SECOND, TW_NS_PER_SECOND, HOUR, 5};
    tw_outbox_free(&post->outbox);
    tw_delivery_free(&post->core);
    post->core = tw_delivery_new(&policy);
    tw_delivery_add(post->core, &post->receivers.list[0].pace);
    post->outbox = tw_outbox_new(post->world->store, post->core, &post->receivers, NULL);
    tw_delivery_news(post->core, tw_store_last_alert(post->world->store));
}

static int setup(void **state)
{
    static const char *const names[] = {"hook"};
    struct post *post = calloc(1, sizeof *post);
    post->world = world_new();
    struct tw_frame *frame = feed_block(&post->world->feed, 5, 0);
    world_append(post->world, &frame, 1);
    tw_store_set_receivers(post->world->store, names, 1);
    post->receivers.count = 1;
    post->receivers.list[0].name = names[0];
    post->receivers.list[0].pace.under_way_max = 1;
    start(post);
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

static void fill(struct post *post, int64_t core_ns, int64_t wall_ns)
{
    char failure[512];
    tw_outbox_clocks(post->outbox, core_ns, wall_ns);
    assert_true(tw_outbox_fill(post->outbox, failure));
}

/* An alert comes at that time of the wall clock, and is seen. */
static void happens(struct post *post, int64_t core_ns, int64_t wall_ns)
{
    struct tw_store_alert alert;
    feed_alert(&post->world->feed, &alert);
    alert.receivers = 1;
    alert.queued_ns = wall_ns;
    assert_int_equal(tw_store_put_alerts(post->world->store, &alert, 1, &post->world->error), TW_STORE_OK);
    free((void *)(uintptr_t)alert.bytes);
    tw_delivery_news(post->core, alert.n);
    fill(post, core_ns, wall_ns);
}

/* The attempt that begins then fails. */
static void fails(struct post *post, int64_t core_ns, int64_t wall_ns)
{
    struct tw_attempt *attempt = calloc(1, sizeof *attempt);
    struct tw_delivery_effect effect;
    struct tw_delivery_job job;
    char failure[512];
    assert_int_equal(tw_delivery_next(post->core, core_ns, &job), TW_DELIVERY_ATTEMPT);
    tw_delivery_result(post->core, 0, job.pending.n, TW_VERDICT_RETRY, 0, 0, core_ns, &effect);
    attempt->receiver = &post->receivers.list[0];
    attempt->n = job.pending.n;
    attempt->began_wall_ns = wall_ns;
    tw_outbox_note(post->outbox, attempt, &effect, 0);
    assert_int_equal(tw_outbox_commit(post->outbox, core_ns, failure), TW_STORE_OK);
    free(attempt);
}

static bool take(void *context, const struct tw_store_delivery *delivery)
{
    *(struct tw_store_delivery *)context = *delivery;
    return false;
}

static struct tw_store_delivery first(struct post *post, enum tw_store_delivery_state state)
{
    struct tw_store_delivery out = {.n = 0};
    assert_true(tw_store_deliveries(post->world->store, state, NAME, 0, take, &out, &post->world->error));
    assert_int_not_equal(out.n, 0);
    return out;
}

/* By more than the deadline: what comes from then on looks as old as that, and was given up before its first attempt.
 */
static void what_comes_after_it_has_its_whole_time(void **state)
{
    struct post *post = *state;
    const int64_t core_ns = NOON + 24 * HOUR, second = TW_NS_PER_SECOND;
    struct tw_delivery_job job;
    char failure[512];
    happens(post, core_ns, NOON);
    fails(post, core_ns, NOON);
    struct tw_store_delivery row = first(post, TW_DELIVERY_PENDING);
    assert_int_equal(row.queued_ns, NOON);
    assert_in_range(row.at_ns, NOON + second / 2, NOON + second);
    tw_delivery_rewind(post->core);
    fill(post, core_ns, NOON);
    assert_int_equal(tw_delivery_due(post->core, core_ns), row.at_ns + 24 * HOUR);
    fails(post, core_ns + second, NOON + second);
    assert_int_equal(tw_delivery_next(post->core, core_ns + HOUR, &job), TW_DELIVERY_EXPIRE);
    assert_int_equal(job.pending.n, row.n);
    tw_outbox_note_expired(post->outbox, &job, core_ns + HOUR);
    assert_int_equal(tw_outbox_commit(post->outbox, core_ns + HOUR, failure), TW_STORE_OK);
    row = first(post, TW_DELIVERY_DEAD);
    assert_int_equal(row.queued_ns, NOON);
    assert_int_equal(row.at_ns, NOON + HOUR);
}

/* Or between two starts: the core's clock begins at the wall's. */
static void what_it_left_in_the_future_goes_now(void **state)
{
    struct post *post = *state;
    struct tw_delivery_job job;
    happens(post, NOON + 24 * HOUR, NOON + 24 * HOUR);
    fails(post, NOON + 24 * HOUR, NOON + 24 * HOUR);
    start(post);
    fill(post, NOON, NOON);
    fails(post, NOON, NOON);
    assert_int_equal(first(post, TW_DELIVERY_PENDING).queued_ns, NOON);
    assert_int_equal(tw_delivery_next(post->core, NOON + HOUR, &job), TW_DELIVERY_EXPIRE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_comes_after_it_has_its_whole_time, setup, teardown),
        cmocka_unit_test_setup_teardown(what_it_left_in_the_future_goes_now, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
