/* SPDX-License-Identifier: MIT
 *
 * The delivery's core: order, retries, pauses, the breaker, the deadline, the window; and a long random play against a
 * model.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "delivery_world.h"

static struct tw_delivery *one_receiver(uint32_t under_way_max, int64_t spacing_ns)
{
    struct tw_delivery *delivery = tw_delivery_new(&policy);
    assert_int_equal(
        tw_delivery_add(delivery, &(struct tw_delivery_pace){.under_way_max = under_way_max, .spacing_ns = spacing_ns}),
        0);
    tw_delivery_news(delivery, 1000000);
    return delivery;
}

static void events_of_an_episode_go_one_after_the_other(void **state)
{
    (void)state;
    struct tw_delivery *delivery = one_receiver(4, 0);
    offer(delivery, 0, 1, 'a');
    offer(delivery, 0, 2, 'a');
    offer(delivery, 0, 3, 'b');
    assert_int_equal(begun(delivery, 0), 1);
    assert_int_equal(begun(delivery, 0), 3);
    assert_int_equal(begun(delivery, 0), 0);
    end(delivery, 1, TW_VERDICT_RETRY, 0, 0);
    assert_int_equal(begun(delivery, 0), 0); /* 2 waits for 1, which waits */
    assert_int_equal(tw_delivery_due(delivery, 0), SECOND / 2);
    assert_int_equal(begun(delivery, SECOND), 1);
    end(delivery, 1, TW_VERDICT_DELIVERED, 0, SECOND);
    assert_int_equal(begun(delivery, SECOND), 2);
    tw_delivery_free(&delivery);
}

static void so_many_are_under_way_at_once_and_no_more(void **state)
{
    (void)state;
    struct tw_delivery *delivery = one_receiver(2, 0);
    for (uint64_t n = 1; n <= 5; n++)
        offer(delivery, 0, n, (char)('a' + n));
    assert_int_equal(begun(delivery, 0), 1);
    assert_int_equal(begun(delivery, 0), 2);
    assert_int_equal(begun(delivery, 0), 0);
    assert_int_equal(tw_delivery_under_way(delivery), 2);
    assert_int_equal(tw_delivery_due(delivery, 0), 3600 * SECOND); /* only the deadline comes by itself */
    end(delivery, 2, TW_VERDICT_DELIVERED, 0, 5);
    assert_int_equal(begun(delivery, 5), 3);
    tw_delivery_free(&delivery);
}

static void attempts_keep_their_distance_where_it_is_asked_for(void **state)
{
    (void)state;
    struct tw_delivery *delivery = one_receiver(1, SECOND);
    offer(delivery, 0, 1, 'a');
    offer(delivery, 0, 2, 'b');
    assert_int_equal(begun(delivery, 10), 1);
    end(delivery, 1, TW_VERDICT_DELIVERED, 0, 20);
    assert_int_equal(begun(delivery, 20), 0);
    assert_int_equal(tw_delivery_due(delivery, 20), 20 + SECOND); /* it may have arrived no sooner */
    assert_int_equal(begun(delivery, 20 + SECOND - 1), 0);
    assert_int_equal(begun(delivery, 20 + SECOND), 2);
    tw_delivery_free(&delivery);
}

static void waits_double_up_to_the_most_and_are_spread(void **state)
{
    (void)state;
    struct tw_delivery_policy patient = policy;
    patient.breaker_failures = 1000;
    struct tw_delivery *delivery = tw_delivery_new(&patient);
    int64_t now = 0, wait = SECOND;
    tw_delivery_add(delivery, &(struct tw_delivery_pace){.under_way_max = 1, .spacing_ns = 0});
    offer(delivery, 0, 1, 'a');
    for (int i = 0; i < 12; i++, wait = wait * 2 < 60 * SECOND ? wait * 2 : 60 * SECOND) {
        struct tw_delivery_effect effect;
        assert_int_equal(begun(delivery, now), 1);
        tw_delivery_result(delivery, 0, 1, TW_VERDICT_RETRY, 0, (uint64_t)i * 0x9e3779b97f4a7c15u, now, &effect);
        assert_int_equal(effect.end, TW_END_AGAIN);
        assert_int_equal(effect.pending.attempts, i + 1);
        assert_in_range(effect.pending.not_before_ns - now, wait / 2, wait);
        now = effect.pending.not_before_ns;
        assert_int_equal(begun(delivery, now - 1), 0);
    }
    tw_delivery_free(&delivery);
}

static void a_pause_that_was_asked_for_holds_for_all(void **state)
{
    (void)state;
    struct tw_delivery *delivery = one_receiver(4, 0);
    offer(delivery, 0, 1, 'a');
    offer(delivery, 0, 2, 'b');
    assert_int_equal(begun(delivery, 0), 1);
    struct tw_delivery_effect effect = end(delivery, 1, TW_VERDICT_RETRY, 30 * SECOND, 0);
    assert_int_equal(effect.pending.not_before_ns, 30 * SECOND);
    assert_int_equal(begun(delivery, 30 * SECOND - 1), 0);
    assert_int_equal(tw_delivery_due(delivery, 0), 30 * SECOND);
    assert_int_equal(begun(delivery, 30 * SECOND), 1);
    assert_int_equal(tw_delivery_breaker(delivery, 0), TW_BREAKER_CLOSED);
    tw_delivery_free(&delivery);
}

static void the_breaker_opens_probes_and_closes(void **state)
{
    (void)state;
    struct tw_delivery *delivery = one_receiver(5, 0);
    for (uint64_t n = 1; n <= 20; n++)
        offer(delivery, 0, n, (char)('a' + n));
    for (uint64_t n = 1; n <= 5; n++)
        assert_int_equal(begun(delivery, 0), n);
    for (uint64_t n = 1; n <= 5; n++)
        end(delivery, n, TW_VERDICT_RETRY, 0, 0);
    assert_int_equal(tw_delivery_breaker(delivery, 0), TW_BREAKER_OPEN);
    assert_int_equal(begun(delivery, SECOND / 2 - 1), 0); /* though 6 to 20 never failed */
    assert_int_equal(tw_delivery_due(delivery, 0), SECOND / 2);
    assert_int_equal(begun(delivery, SECOND / 2), 1); /* one probe */
    assert_int_equal(tw_delivery_breaker(delivery, 0), TW_BREAKER_HALF_OPEN);
    assert_int_equal(begun(delivery, SECOND / 2), 0);
    end(delivery, 1, TW_VERDICT_RETRY, 0, SECOND / 2);
    assert_int_equal(tw_delivery_breaker(delivery, 0), TW_BREAKER_OPEN);
    assert_int_equal(tw_delivery_due(delivery, SECOND / 2), SECOND / 2 + SECOND); /* twice as long */
    assert_int_equal(begun(delivery, 3 * SECOND / 2), 1);
    end(delivery, 1, TW_VERDICT_DELIVERED, 0, 2 * SECOND);
    assert_int_equal(tw_delivery_breaker(delivery, 0), TW_BREAKER_CLOSED);
    for (uint64_t n = 2; n <= 6; n++) /* those that failed need not wait longer */
        assert_int_equal(begun(delivery, 2 * SECOND), n);
    tw_delivery_free(&delivery);
}

static void a_rejection_is_no_failure_of_the_receiver(void **state)
{
    (void)state;
    struct tw_delivery *delivery = one_receiver(1, 0);
    for (uint64_t n = 1; n <= 20; n++) {
        offer(delivery, 0, n, 'a');
        assert_int_equal(begun(delivery, 0), n);
        assert_int_equal(end(delivery, n, TW_VERDICT_REJECTED, 0, 0).end, TW_END_REJECTED);
    }
    assert_int_equal(tw_delivery_breaker(delivery, 0), TW_BREAKER_CLOSED);
    tw_delivery_free(&delivery);
}

static void what_is_past_its_deadline_is_given_up(void **state)
{
    (void)state;
    struct tw_delivery *delivery = one_receiver(1, 0);
    struct tw_delivery_job job;
    offer(delivery, 0, 1, 'a');
    offer(delivery, 0, 2, 'a');
    assert_int_equal(begun(delivery, 0), 1);
    assert_int_equal(tw_delivery_next(delivery, 3600 * SECOND, &job), TW_DELIVERY_EXPIRE);
    assert_int_equal(job.pending.n, 2);
    assert_int_equal(tw_delivery_next(delivery, 3600 * SECOND, &job), TW_DELIVERY_NOTHING);
    assert_int_equal(end(delivery, 1, TW_VERDICT_RETRY, 0, 3600 * SECOND).end, TW_END_GIVEN_UP);
    assert_int_equal(tw_delivery_due(delivery, 0), INT64_MAX);
    tw_delivery_free(&delivery);
}

/* What a clock that was ahead has stored: none can have been queued later than now, or be put off longer than that. */
static void times_that_cannot_be_count_as_now(void **state)
{
    const int64_t day = 86400 * SECOND, now_ns = 10 * day;
    const struct tw_pending pending[] = {
        {.n = 1, .episode = "a", .queued_ns = now_ns + day, .not_before_ns = now_ns + day},
        {.n = 2, .episode = "b", .queued_ns = now_ns - 1, .not_before_ns = now_ns + 60 * SECOND}};
    struct tw_delivery_job job;
    struct tw_delivery *delivery = one_receiver(8, 0);
    (void)state;
    tw_delivery_news(delivery, 2);
    for (uint32_t i = 0; i < 2; i++)
        tw_delivery_offer(delivery, 0, &pending[i], now_ns);
    assert_int_equal(begun(delivery, now_ns), 1);
    assert_int_equal(end(delivery, 1, TW_VERDICT_RETRY, 0, now_ns).pending.queued_ns, now_ns);
    assert_int_equal(begun(delivery, now_ns), 0);
    assert_int_equal(begun(delivery, now_ns + 60 * SECOND), 1);
    assert_int_equal(begun(delivery, now_ns + 60 * SECOND), 2);
    (void)end(delivery, 1, TW_VERDICT_RETRY, 0, now_ns + 60 * SECOND);
    assert_int_equal(tw_delivery_next(delivery, now_ns + policy.deadline_ns, &job), TW_DELIVERY_EXPIRE);
    assert_int_equal(job.pending.n, 1);
    tw_delivery_free(&delivery);
}

static void the_window_is_bounded_and_filled_by_halves(void **state)
{
    (void)state;
    struct tw_delivery *delivery = one_receiver(1, 0);
    struct tw_delivery_wish wish;
    assert_true(tw_delivery_wants(delivery, 0, &wish));
    assert_int_equal(wish.after, 0);
    assert_int_equal(wish.room, TW_DELIVERY_WINDOW);
    for (uint64_t n = 1; n <= TW_DELIVERY_WINDOW; n++)
        offer(delivery, 0, n, 'a');
    assert_false(tw_delivery_wants(delivery, 0, &wish));
    for (uint64_t n = 1; n <= TW_DELIVERY_WINDOW / 2; n++) {
        assert_false(tw_delivery_wants(delivery, 0, &wish));
        assert_int_equal(begun(delivery, 0), n);
        end(delivery, n, TW_VERDICT_DELIVERED, 0, 0);
    }
    assert_true(tw_delivery_wants(delivery, 0, &wish));
    assert_int_equal(wish.after, TW_DELIVERY_WINDOW);
    assert_int_equal(wish.room, TW_DELIVERY_WINDOW / 2);
    tw_delivery_read_all(delivery, 0, wish.until);
    assert_false(tw_delivery_wants(delivery, 0, &wish));
    tw_delivery_news(delivery, wish.until + 1);
    assert_true(tw_delivery_wants(delivery, 0, &wish));
    tw_delivery_free(&delivery);
}

static void a_rewind_reads_again_and_keeps_what_is_under_way(void **state)
{
    (void)state;
    struct tw_delivery *delivery = one_receiver(1, 0);
    struct tw_delivery_wish wish;
    offer(delivery, 0, 5, 'a');
    offer(delivery, 0, 6, 'a');
    assert_int_equal(begun(delivery, 0), 5);
    tw_delivery_rewind(delivery);
    assert_true(tw_delivery_wants(delivery, 0, &wish));
    assert_int_equal(wish.after, 0);
    offer(delivery, 0, 2, 'a');
    offer(delivery, 0, 5, 'a');
    offer(delivery, 0, 6, 'a');
    end(delivery, 5, TW_VERDICT_DELIVERED, 0, 0);
    assert_int_equal(begun(delivery, 0), 2);
    end(delivery, 2, TW_VERDICT_DELIVERED, 0, 0);
    assert_int_equal(begun(delivery, 0), 6);
    tw_delivery_free(&delivery);
}

static void a_dead_receiver_delays_only_itself(void **state)
{
    (void)state;
    struct tw_delivery *delivery = one_receiver(1, 0);
    tw_delivery_add(delivery, &(struct tw_delivery_pace){.under_way_max = 1, .spacing_ns = 0});
    for (uint64_t n = 1; n <= 50; n++) {
        offer(delivery, 0, n, 'a');
        offer(delivery, 1, n, 'a');
    }
    uint64_t delivered = 0;
    struct tw_delivery_job job;
    struct tw_delivery_effect effect;
    while (tw_delivery_next(delivery, 0, &job) == TW_DELIVERY_ATTEMPT) {
        tw_delivery_result(delivery, job.receiver, job.pending.n,
                           job.receiver == 0 ? TW_VERDICT_RETRY : TW_VERDICT_DELIVERED, 0, 0, 0, &effect);
        delivered += job.receiver;
    }
    assert_int_equal(delivered, 50);
    tw_delivery_free(&delivery);
}

/* ---- the play: receivers that fail, pause, reject and die by chance; a model keeps what must be true ---- */

#define ALERTS 400u
#define RECEIVERS 3u
#define EPISODES 40u

enum state { PENDING, UNDER_WAY, DELIVERED, DEAD };
struct model {
    struct tw_delivery *core;
    uint64_t random;
    int64_t now_ns;
    uint64_t last;
    enum state state[RECEIVERS][ALERTS + 1];
    struct tw_pending row[RECEIVERS][ALERTS + 1]; /* the store's */
    uint64_t newest[RECEIVERS][EPISODES];         /* the highest n of the episode that was delivered or died */
    uint32_t under_way[RECEIVERS];
    int64_t paused_until_ns[RECEIVERS];
    bool down[RECEIVERS];
    uint64_t attempts;
};

static uint64_t chance(struct model *model, uint64_t below)
{
    model->random ^= model->random << 13;
    model->random ^= model->random >> 7;
    model->random ^= model->random << 17;
    return model->random % below;
}

static uint32_t episode_of(uint64_t n)
{
    return (uint32_t)(n * 7 % EPISODES);
}

static void more_alerts(struct model *model)
{
    for (uint64_t count = chance(model, 60); count > 0 && model->last < ALERTS; count--) {
        uint64_t n = ++model->last;
        for (uint32_t r = 0; r < RECEIVERS; r++) {
            model->row[r][n] = (struct tw_pending){
                .n = n, .episode = {(uint8_t)episode_of(n)}, .queued_ns = model->now_ns, .not_before_ns = 0};
            model->state[r][n] = PENDING;
        }
    }
    tw_delivery_news(model->core, model->last);
}

static void fill(struct model *model, uint32_t r)
{
    struct tw_delivery_wish wish;
    if (!tw_delivery_wants(model->core, r, &wish))
        return;
    uint32_t given = 0;
    for (uint64_t n = wish.after + 1; n <= model->last && given < wish.room; n++)
        if (model->state[r][n] <= UNDER_WAY) {
            tw_delivery_offer(model->core, r, &model->row[r][n], model->now_ns);
            given++;
        }
    if (given < wish.room)
        tw_delivery_read_all(model->core, r, wish.until);
}

static void ended(struct model *model, uint32_t r, uint64_t n, enum state how)
{
    uint64_t *newest = &model->newest[r][episode_of(n)];
    assert_true(*newest < n); /* in order */
    *newest = n;
    model->state[r][n] = how;
}

static void begin_all(struct model *model)
{
    struct tw_delivery_job job;
    for (enum tw_delivery_step step;
         (step = tw_delivery_next(model->core, model->now_ns, &job)) != TW_DELIVERY_NOTHING;) {
        uint32_t r = job.receiver;
        assert_int_equal(model->state[r][job.pending.n], PENDING);
        assert_int_equal(job.pending.attempts, model->row[r][job.pending.n].attempts);
        if (step == TW_DELIVERY_EXPIRE) {
            assert_true(model->now_ns - job.pending.queued_ns >= policy.deadline_ns);
            model->state[r][job.pending.n] = DEAD;
            continue;
        }
        assert_true(model->now_ns >= model->paused_until_ns[r]);
        assert_true(++model->under_way[r] <= r + 1);
        model->state[r][job.pending.n] = UNDER_WAY;
        model->attempts++;
        for (uint64_t n = 1; n < job.pending.n; n++) /* nothing of the episode is passed by */
            if (episode_of(n) == episode_of(job.pending.n))
                assert_true(model->state[r][n] >= DELIVERED);
    }
}

static void answer_one(struct model *model, uint32_t r, uint64_t n)
{
    struct tw_delivery_effect effect;
    uint64_t dice = chance(model, 100);
    enum tw_delivery_verdict verdict = model->down[r] || dice < 15 ? TW_VERDICT_RETRY
                                       : dice < 18                 ? TW_VERDICT_REJECTED
                                                                   : TW_VERDICT_DELIVERED;
    int64_t pause = verdict == TW_VERDICT_RETRY && dice < 4 ? (int64_t)chance(model, 20) * SECOND : 0;
    tw_delivery_result(model->core, r, n, verdict, pause, chance(model, UINT64_MAX), model->now_ns, &effect);
    model->under_way[r]--;
    if (pause > 0 && model->now_ns + pause > model->paused_until_ns[r])
        model->paused_until_ns[r] = model->now_ns + pause;
    if (effect.end == TW_END_AGAIN) {
        assert_int_equal(effect.pending.attempts, model->row[r][n].attempts + 1);
        assert_true(effect.pending.not_before_ns > model->now_ns);
        model->row[r][n] = effect.pending;
        model->state[r][n] = PENDING;
    } else {
        assert_int_equal(effect.end == TW_END_DONE, verdict == TW_VERDICT_DELIVERED);
        ended(model, r, n, effect.end == TW_END_DONE ? DELIVERED : DEAD);
    }
}

static void answer_some(struct model *model)
{
    for (uint32_t r = 0; r < RECEIVERS; r++)
        for (uint64_t n = 1; n <= model->last; n++)
            if (model->state[r][n] == UNDER_WAY && chance(model, 3) > 0)
                answer_one(model, r, n);
}

static bool all_ended(const struct model *model)
{
    for (uint32_t r = 0; r < RECEIVERS; r++)
        for (uint64_t n = 1; n <= ALERTS; n++)
            if (model->state[r][n] < DELIVERED)
                return false;
    return model->last == ALERTS;
}

/* The daemon is killed: what was under way is pending again. */
static void restart(struct model *model)
{
    tw_delivery_free(&model->core);
    model->core = tw_delivery_new(&policy);
    for (uint32_t r = 0; r < RECEIVERS; r++) {
        tw_delivery_add(model->core, &(struct tw_delivery_pace){.under_way_max = r + 1, .spacing_ns = 0});
        model->under_way[r] = 0;
        model->paused_until_ns[r] = 0;
        for (uint64_t n = 1; n <= model->last; n++)
            if (model->state[r][n] == UNDER_WAY)
                model->state[r][n] = PENDING;
    }
    tw_delivery_news(model->core, model->last);
}

static void turn(struct model *model)
{
    uint64_t dice = chance(model, 100);
    if (dice < 30)
        more_alerts(model);
    if (dice == 31)
        restart(model);
    if (dice == 32)
        tw_delivery_rewind(model->core);
    if (dice < 10)
        model->down[dice % RECEIVERS] = chance(model, 3) == 0;
    for (uint32_t r = 0; r < RECEIVERS; r++)
        fill(model, r);
    begin_all(model);
    int64_t due = tw_delivery_due(model->core, model->now_ns);
    assert_true(due > model->now_ns); /* or the loop would turn for nothing */
    answer_some(model);
    if (chance(model, 2) == 0 && due - model->now_ns < 90 * SECOND) /* else answers come first */
        model->now_ns = due;
    else
        model->now_ns += (int64_t)chance(model, (uint64_t)SECOND);
}

static void whatever_happens_each_delivery_ends_once_and_in_order(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct model *model = calloc(1, sizeof *model);
        assert_non_null(model);
        model->random = seed * 0x9e3779b97f4a7c15u;
        restart(model);
        uint64_t turns = 0;
        while (!all_ended(model)) {
            turn(model);
            if (++turns > 200000)
                fail_msg("seed %d does not come to its end", (int)seed);
        }
        assert_true(model->attempts >= ALERTS);
        assert_int_equal(tw_delivery_under_way(model->core), 0);
        tw_delivery_free(&model->core);
        free(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_of_an_episode_go_one_after_the_other),
        cmocka_unit_test(so_many_are_under_way_at_once_and_no_more),
        cmocka_unit_test(attempts_keep_their_distance_where_it_is_asked_for),
        cmocka_unit_test(waits_double_up_to_the_most_and_are_spread),
        cmocka_unit_test(a_pause_that_was_asked_for_holds_for_all),
        cmocka_unit_test(the_breaker_opens_probes_and_closes),
        cmocka_unit_test(a_rejection_is_no_failure_of_the_receiver),
        cmocka_unit_test(what_is_past_its_deadline_is_given_up),
        cmocka_unit_test(times_that_cannot_be_count_as_now),
        cmocka_unit_test(the_window_is_bounded_and_filled_by_halves),
        cmocka_unit_test(a_rewind_reads_again_and_keeps_what_is_under_way),
        cmocka_unit_test(a_dead_receiver_delays_only_itself),
        cmocka_unit_test(whatever_happens_each_delivery_ends_once_and_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
