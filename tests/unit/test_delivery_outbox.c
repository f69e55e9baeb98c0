/* SPDX-License-Identifier: MIT
 *
 * What came of attempts gathers for one write, but not when the store is going
 * to be asked about what it changes. And what a group's message holds back: it
 * waits, nothing else does, and an alert's events stay in order.
 */
#include <stdlib.h>

#include "actors/delivery/outbox_actor.h"
#include "cfg_world.h"
#include "store_world.h"

static const char *const names[] = {"hook", "mail"};
enum { HOOK, MAIL }; /* mail has a bucket */

struct post {
    struct world *world;
    struct tw_receivers receivers;
    struct tw_delivery *core;
    struct tw_outbox *outbox;
    struct tw_cfg *cfg; /* with routes only */
    struct tw_routes *routes;
    uint64_t last_told[UINT16_MAX]; /* of each alert */
    uint32_t told;
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

static int setup_of(void **state, uint32_t under_way_max)
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
        post->receivers.list[i].kind = &tw_webhook;
        post->receivers.list[i].pace.under_way_max = under_way_max;
    }
    post->receivers.list[MAIL].pace.burst = 1000;
    post->receivers.list[MAIL].pace.refill_ns = TW_NS_PER_SECOND;
    for (uint32_t i = 0; i < 2; i++)
        tw_delivery_add(post->core, &post->receivers.list[i].pace);
    post->outbox = tw_outbox_new(post->world->store, post->core, &post->receivers, NULL);
    tw_outbox_clocks(post->outbox, NOON, NOON);
    *state = post;
    return 0;
}

static int setup(void **state)
{
    return setup_of(state, 1);
}

static int teardown(void **state)
{
    struct post *post = *state;
    tw_outbox_free(&post->outbox);
    tw_routes_free(&post->routes);
    tw_cfg_free(&post->cfg);
    tw_delivery_free(&post->core);
    world_free(post->world);
    free(post);
    return 0;
}

/* The receiver takes its next alert; both have turns, the other's is put off.
 */
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

/* ---- what goes in groups, and what does not ---- */

static int setup_groups_of(void **state, uint32_t under_way_max)
{
    setup_of(state, under_way_max);
    struct post *post = *state;
    post->cfg = cfg_text_good("webhook\n    hook = https://hook.example\n"
                              "route\n    all\n        receiver = hook\n        group_by = type\n");
    post->routes = tw_routes_from(post->cfg, names, 2);
    tw_outbox_free(&post->outbox);
    post->outbox = tw_outbox_new(post->world->store, post->core, &post->receivers, post->routes);
    tw_outbox_clocks(post->outbox, NOON, NOON);
    return 0;
}

static int setup_groups(void **state)
{
    return setup_groups_of(state, 1);
}

static int setup_side_by_side(void **state)
{
    return setup_groups_of(state, 8);
}

/* The next event, of that alert, for the hook. Returns its n. */
enum { ALONE, GROUP_A, GROUP_B };
static uint64_t happens(struct post *post, uint16_t number, int group)
{
    struct tw_store_group in = {.receivers = 1 << HOOK, .length = 3};
    struct tw_store_alert alert;
    uint8_t *id = post->world->feed.alert_id;
    memset(id, 0, TW_ALERT_ID_BYTES);
    id[0] = (uint8_t)(number >> 8), id[1] = (uint8_t)number;
    feed_alert(&post->world->feed, &alert);
    memcpy(in.name, group == GROUP_A ? "a{}" : "b{}", in.length);
    memcpy(alert.id, id, sizeof alert.id);
    alert.receivers = 1 << HOOK;
    alert.queued_ns = NOON;
    alert.groups = &in;
    alert.group_count = group != ALONE;
    assert_int_equal(tw_store_put_alerts(post->world->store, &alert, 1, &post->world->error), TW_STORE_OK);
    free((void *)(uintptr_t)alert.bytes);
    tw_delivery_news(post->core, alert.n);
    return alert.n;
}

static bool take_hash(void *context, const struct tw_store_waiting *first, uint64_t last_n, int64_t told_ns)
{
    (void)last_n;
    (void)told_ns;
    *(uint64_t *)context = first->hash;
    return false;
}

/* The time of the first group behind that hash has come. False: nothing waits
 * there. */
static bool gather_group(struct post *post, uint64_t after)
{
    const struct tw_text name = {names[HOOK], (uint32_t)strlen(names[HOOK])};
    uint64_t hash = 0;
    bool made = false;
    assert_true(tw_store_groups(post->world->store, name, after, take_hash, &hash, &post->world->error));
    if (hash == 0)
        return false;
    assert_int_equal(tw_store_make_group(post->world->store, name, hash, 0, 0, NOON, &made, &post->world->error),
                     TW_STORE_OK);
    if (made)
        tw_delivery_rewind(post->core);
    return true;
}

static void is_told(struct post *post, uint64_t n, const uint8_t id[TW_ALERT_ID_BYTES])
{
    uint16_t number = (uint16_t)(id[0] << 8 | id[1]);
    assert_true(n > post->last_told[number]);
    post->last_told[number] = n;
    post->told++;
}

/* The next that begins for the hook; 0: none does now. */
static uint64_t begins(struct post *post, struct tw_attempt *attempt)
{
    const struct tw_text name = {names[HOOK], (uint32_t)strlen(names[HOOK])};
    struct tw_delivery_job job;
    if (tw_delivery_next(post->core, NOON, &job) == TW_DELIVERY_NOTHING)
        return 0;
    assert_int_equal(job.receiver, HOOK);
    memset(attempt, 0, sizeof *attempt);
    attempt->receiver = &post->receivers.list[HOOK];
    attempt->number = HOOK;
    attempt->n = job.pending.n;
    attempt->began_wall_ns = NOON;
    attempt->group = job.pending.group;
    if (attempt->group)
        assert_true(tw_covering_group(post->world->store, name, attempt->n, &attempt->covering, &post->world->error));
    else
        is_told(post, attempt->n, job.pending.episode);
    for (uint32_t i = 0; i < attempt->covering.count; i++)
        is_told(post, attempt->covering.list[i].n, attempt->covering.list[i].id);
    return attempt->n;
}

static void ends(struct post *post, struct tw_attempt *attempt, enum tw_delivery_verdict verdict)
{
    struct tw_delivery_effect effect;
    tw_delivery_result(post->core, HOOK, attempt->n, verdict, 0, 0, NOON, &effect);
    if (attempt->group)
        tw_outbox_note_digest(post->outbox, attempt, &effect, NOON);
    else
        tw_outbox_note(post->outbox, attempt, &effect, NOON);
    tw_covering_free(&attempt->covering);
}

/* Begins and ends in a row what goes now; how many. */
static uint32_t take_all(struct post *post)
{
    struct tw_attempt *attempt = calloc(1, sizeof *attempt);
    uint32_t count = 0;
    while (begins(post, attempt) != 0) {
        ends(post, attempt, TW_VERDICT_DELIVERED);
        count++;
    }
    commit(post);
    free(attempt);
    return count;
}

/* What the actor does once a second. */
static bool look(struct post *post)
{
    bool again = tw_outbox_was_retried(post->outbox);
    if (again)
        tw_delivery_rewind(post->core);
    return again;
}

#define MANY (TW_DELIVERY_WINDOW + 2)
static void what_is_held_back_does_not_hide_what_it_waits_for(void **state)
{
    struct post *post = *state;
    struct tw_attempt *attempt = calloc(1, sizeof *attempt);
    for (uint16_t i = 0; i < MANY; i++)
        happens(post, i, GROUP_A);
    for (uint16_t i = 0; i < MANY; i++)
        happens(post, i, ALONE);
    uint64_t lead = happens(post, MANY, GROUP_A), last = happens(post, MANY + 1, ALONE);
    assert_true(gather_group(post, 0));
    fill(post);
    assert_int_equal(begins(post, attempt), lead);
    ends(post, attempt, TW_VERDICT_DELIVERED);
    assert_int_equal(begins(post, attempt), last);
    ends(post, attempt, TW_VERDICT_DELIVERED);
    assert_int_equal(begins(post, attempt), 0);
    commit(post);
    assert_true(look(post));
    fill(post);
    assert_int_equal(take_all(post), TW_DELIVERY_WINDOW);
    fill(post);
    assert_int_equal(take_all(post), MANY - TW_DELIVERY_WINDOW);
    assert_int_equal(pending(post, HOOK), 0);
    free(attempt);
}

/* What waits for a message that waits itself is not read again and again. */
static void what_is_held_back_is_looked_at_again_when_something_has_ended(void **state)
{
    struct post *post = *state;
    struct tw_attempt *attempt = calloc(1, sizeof *attempt);
    happens(post, 1, GROUP_A);
    happens(post, 1, ALONE);
    uint64_t lead = happens(post, 2, GROUP_A);
    assert_true(gather_group(post, 0));
    fill(post);
    assert_false(look(post));
    assert_int_equal(begins(post, attempt), lead);
    ends(post, attempt, TW_VERDICT_RETRY);
    commit(post);
    fill(post);
    assert_false(look(post));
    free(attempt);
}

static void very_many_are_read_in_turns(void **state)
{
    struct post *post = *state;
    enum { VERY_MANY = 3000 };
    uint32_t turns = 1;
    for (uint16_t i = 0; i < VERY_MANY; i++)
        happens(post, i, GROUP_A);
    for (uint16_t i = 0; i < VERY_MANY; i++)
        happens(post, i, ALONE);
    happens(post, VERY_MANY, GROUP_A);
    assert_true(gather_group(post, 0));
    for (fill(post); tw_outbox_reads_on(post->outbox); fill(post), turns++)
        assert_false(look(post)); /* it would begin at the front again */
    assert_in_range(turns, 2, VERY_MANY / TW_DELIVERY_WINDOW);
    assert_int_equal(take_all(post), 1);
    for (uint32_t i = 0; i < VERY_MANY; i += TW_DELIVERY_WINDOW) {
        look(post);
        fill(post);
        take_all(post);
    }
    assert_int_equal(post->told, 2 * VERY_MANY + 1);
}

static void what_is_behind_what_is_held_back_waits_too(void **state)
{
    struct post *post = *state;
    struct tw_attempt *attempt = calloc(1, sizeof *attempt);
    happens(post, 1, GROUP_A);
    happens(post, 2, GROUP_A);
    happens(post, 1, ALONE);
    happens(post, 2, ALONE);
    uint64_t lead = happens(post, 3, GROUP_A);
    assert_true(gather_group(post, 0));
    happens(post, 1, ALONE);
    happens(post, 2, GROUP_A);
    happens(post, 4, GROUP_A);
    assert_true(gather_group(post, 0));
    happens(post, 4, ALONE);
    uint64_t last = happens(post, 5, ALONE);
    fill(post);
    assert_int_equal(begins(post, attempt), lead);
    ends(post, attempt, TW_VERDICT_DELIVERED);
    assert_int_equal(begins(post, attempt), last);
    ends(post, attempt, TW_VERDICT_DELIVERED);
    assert_int_equal(take_all(post), 0);
    assert_true(look(post));
    fill(post);
    assert_int_equal(take_all(post), 5);
    assert_int_equal(post->told, 10);
    free(attempt);
}

/* What goes by itself between two that wait in a group goes between them. */
static void a_message_has_nothing_that_overtakes_what_goes_alone(void **state)
{
    struct post *post = *state;
    struct tw_attempt *attempt = calloc(1, sizeof *attempt);
    uint64_t first = happens(post, 1, GROUP_A), alone = happens(post, 1, ALONE);
    happens(post, 1, GROUP_A);
    happens(post, 2, GROUP_A);
    happens(post, 3, ALONE);
    uint64_t lead = happens(post, 2, GROUP_A);
    assert_true(gather_group(post, 0));
    fill(post);
    assert_int_equal(take_all(post), 2); /* the message, with all but one of them, and what is nobody's elder */
    assert_int_equal(post->last_told[1], first);
    assert_int_equal(post->last_told[2], lead);
    assert_true(look(post));
    fill(post);
    assert_int_equal(begins(post, attempt), alone);
    ends(post, attempt, TW_VERDICT_DELIVERED);
    commit(post);
    assert_true(gather_group(post, 0));
    fill(post);
    assert_int_equal(take_all(post), 1);
    assert_int_equal(post->told, 6);
    free(attempt);
}

/* The next digest of the hook's up to an event: how many are in it, and they are these. */
static void digest_has(struct post *post, uint64_t until, const uint64_t *numbers, uint32_t count)
{
    struct tw_attempt *attempt = calloc(1, sizeof *attempt);
    char failure[512];
    attempt->receiver = &post->receivers.list[HOOK];
    attempt->number = HOOK;
    attempt->digest_until = until;
    assert_true(tw_outbox_render_digest(post->outbox, attempt, failure) == (count > 0));
    assert_int_equal(attempt->covering.count, count);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(attempt->covering.list[i].n, numbers[i]);
    if (count > 0)
        assert_int_equal(attempt->n, numbers[count - 1]);
    tw_covering_free(&attempt->covering);
    tw_buffer_free(&attempt->request.body);
    free(attempt);
}

static void a_digest_leaves_out_what_has_an_elder_that_waits(void **state)
{
    struct post *post = *state;
    static const uint64_t all[] = {1, 2, 3, 4, 5};
    happens(post, 1, GROUP_A);
    happens(post, 1, ALONE);
    digest_has(post, 2, NULL, 0);
    happens(post, 2, ALONE);
    happens(post, 1, ALONE);
    digest_has(post, 4, (uint64_t[]){3}, 1);
    happens(post, 3, GROUP_A);
    assert_true(gather_group(post, 0));
    digest_has(post, 4, (uint64_t[]){3}, 1); /* once more the same: the message stands behind it */
    digest_has(post, 5, all, 5);
}

/* It would tell more than it says: of what is rendered alone only that is noted. */
static void a_receiver_that_takes_no_groups_any_more_gets_each_by_itself(void **state)
{
    struct post *post = *state;
    for (uint16_t i = 1; i <= 5; i++)
        happens(post, i, GROUP_A);
    assert_true(gather_group(post, 0));
    happens(post, 6, GROUP_A);
    happens(post, 7, GROUP_B);
    happens(post, 2, ALONE);
    assert_true(gather_group(post, 0));
    assert_true(gather_group(post, 0));
    post->receivers.list[HOOK].kind = &tw_webhook_v4;
    fill(post);
    assert_int_equal(pending(post, HOOK), 8);
    assert_int_equal(take_all(post), 8);
    assert_int_equal(post->told, 8);
    assert_int_equal(pending(post, HOOK), 0);
}

/* Of more alerts than are told apart: nothing of any of them goes beside it. */
static void a_large_message_goes_before_what_is_later(void **state)
{
    struct post *post = *state;
    struct tw_attempt *attempt = calloc(1, sizeof *attempt);
    const uint16_t last = TW_PENDING_ALERTS_MAX + 8;
    for (uint16_t i = 1; i <= last; i++)
        happens(post, i, GROUP_A);
    assert_true(gather_group(post, 0));
    uint64_t later = happens(post, last - 1, ALONE);
    fill(post);
    assert_int_equal(begins(post, attempt), last);
    assert_int_equal(take_all(post), 0);
    ends(post, attempt, TW_VERDICT_DELIVERED);
    assert_int_equal(begins(post, attempt), later);
    ends(post, attempt, TW_VERDICT_DELIVERED);
    free(attempt);
}

#define EVENTS 1000u
#define ALERTS 80u
/* An alert's events go in groups up to one of them, and alone from there on; or the other way round; or now so, now so.
 */
static int group_of(struct feed *feed, uint16_t number, bool changed[UINT16_MAX])
{
    bool back = number % 3 == 0 && feed_random(feed, 4) == 0;
    changed[number] = (changed[number] && !back) || feed_random(feed, 12) == 0;
    return changed[number] == (number % 2 == 0) ? ALONE : GROUP_A + (int)feed_random(feed, 2);
}

static void play(struct post *post, uint16_t first, bool changed[UINT16_MAX])
{
    struct feed *feed = &post->world->feed;
    struct tw_attempt *attempt = calloc(1, sizeof *attempt);
    uint32_t put_so_far = 0;
    post->told = 0;
    for (uint32_t steps = 0; post->told < EVENTS && steps < 10 * EVENTS; steps++) {
        uint64_t dice = feed_random(feed, put_so_far < EVENTS ? 40 : 6);
        uint16_t number = (uint16_t)(first + feed_random(feed, ALERTS));
        if (dice >= 6) {
            happens(post, number, group_of(feed, number, changed));
            put_so_far++;
        } else if (dice >= 4) {
            for (uint64_t left = feed_random(feed, 20); left > 0 && begins(post, attempt) != 0; left--)
                ends(post, attempt, TW_VERDICT_DELIVERED);
        } else {
            commit(post);
            if (dice >= 2)
                fill(post);
            else if (dice == 1)
                look(post);
            else
                gather_group(post, feed_random(feed, UINT64_MAX));
        }
    }
    free(attempt);
    assert_int_equal(post->told, EVENTS);
}

static void at_random_each_is_told_once_and_in_order(void **state)
{
    struct post *post = *state;
    bool *changed = calloc(UINT16_MAX, sizeof *changed);
    for (uint16_t i = 0; i < 8; i++)
        play(post, i * ALERTS, changed);
    commit(post);
    assert_int_equal(pending(post, HOOK), 0);
    free(changed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_came_of_attempts_gathers_up_to_a_bound, setup, teardown),
        cmocka_unit_test_setup_teardown(it_is_written_before_a_window_is_filled_again, setup, teardown),
        cmocka_unit_test_setup_teardown(it_is_written_before_a_digest_asks_what_is_pending, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_held_back_does_not_hide_what_it_waits_for, setup_groups, teardown),
        cmocka_unit_test_setup_teardown(what_is_held_back_is_looked_at_again_when_something_has_ended, setup_groups,
                                        teardown),
        cmocka_unit_test_setup_teardown(very_many_are_read_in_turns, setup_groups, teardown),
        cmocka_unit_test_setup_teardown(what_is_behind_what_is_held_back_waits_too, setup_groups, teardown),
        cmocka_unit_test_setup_teardown(a_message_has_nothing_that_overtakes_what_goes_alone, setup_groups, teardown),
        cmocka_unit_test_setup_teardown(a_digest_leaves_out_what_has_an_elder_that_waits, setup_groups, teardown),
        cmocka_unit_test_setup_teardown(a_receiver_that_takes_no_groups_any_more_gets_each_by_itself, setup_groups,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_large_message_goes_before_what_is_later, setup_side_by_side, teardown),
        cmocka_unit_test_setup_teardown(at_random_each_is_told_once_and_in_order, setup_groups, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
