/* SPDX-License-Identifier: MIT
 *
 * The delivery's core where the receiver is a person: the bucket, digests, and a flood played at random.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "delivery_world.h"

static struct tw_delivery *a_person(uint32_t under_way_max, uint32_t burst)
{
    struct tw_delivery *delivery = tw_delivery_new(&policy);
    tw_delivery_add(delivery, &(struct tw_delivery_pace){under_way_max, 0, burst, 10 * SECOND});
    tw_delivery_news(delivery, 0);
    return delivery;
}

static void arrive(struct tw_delivery *delivery, uint64_t from, uint64_t to)
{
    tw_delivery_news(delivery, to);
    for (uint64_t n = from; n <= to; n++)
        offer(delivery, 0, n, (char)n);
    tw_delivery_read_all(delivery, 0, to);
}

/* The digest that begins now; 0: none does. */
static uint64_t digest_begun(struct tw_delivery *delivery, int64_t now_ns)
{
    struct tw_delivery_job job = {.digest_until = 0};
    return tw_delivery_next(delivery, now_ns, &job) == TW_DELIVERY_ATTEMPT ? job.digest_until : 0;
}

static enum tw_delivery_end digest_ends(struct tw_delivery *delivery, uint64_t until, enum tw_delivery_verdict verdict,
                                        int64_t now_ns)
{
    struct tw_delivery_effect effect;
    tw_delivery_digest_result(delivery, 0, until, verdict, 0, 0, now_ns, &effect);
    return effect.end;
}

static void single_alerts_pass_as_long_as_there_are_tokens(void **state)
{
    (void)state;
    struct tw_delivery *delivery = a_person(1, 3);
    for (uint64_t n = 1; n <= 3; n++) { /* each alone: even the last token is for it */
        arrive(delivery, n, n);
        assert_int_equal(begun(delivery, 0), n);
        end(delivery, n, TW_VERDICT_DELIVERED, 0, 0);
    }
    arrive(delivery, 4, 4);
    assert_int_equal(begun(delivery, 10 * SECOND - 1), 0);
    assert_int_equal(tw_delivery_due(delivery, 0), 10 * SECOND);
    assert_int_equal(begun(delivery, 10 * SECOND), 4);
    end(delivery, 4, TW_VERDICT_DELIVERED, 0, 10 * SECOND);
    int64_t later = 1000 * SECOND; /* full again, and no fuller than full */
    for (uint64_t n = 5; n <= 7; n++) {
        arrive(delivery, n, n);
        assert_int_equal(begun(delivery, later), n);
        end(delivery, n, TW_VERDICT_DELIVERED, 0, later);
    }
    arrive(delivery, 8, 8);
    assert_int_equal(begun(delivery, later), 0);
    tw_delivery_free(&delivery);
}

static void the_last_token_goes_to_a_digest_of_all_that_waits(void **state)
{
    (void)state;
    struct tw_delivery *delivery = a_person(2, 3);
    arrive(delivery, 1, 100);
    assert_int_equal(begun(delivery, 0), 1);
    assert_int_equal(begun(delivery, 0), 2);
    assert_int_equal(digest_begun(delivery, 0), 0); /* not beside others, which may be of the same episodes */
    assert_int_equal(tw_delivery_due(delivery, 0), 10 * SECOND); /* there are tokens enough again */
    end(delivery, 1, TW_VERDICT_DELIVERED, 0, 0);
    end(delivery, 2, TW_VERDICT_DELIVERED, 0, 0);
    tw_delivery_news(delivery, 5000); /* more than any window */
    assert_int_equal(tw_delivery_due(delivery, 0), 0);
    assert_int_equal(digest_begun(delivery, 0), 5000);
    assert_int_equal(tw_delivery_due(delivery, 0), INT64_MAX);
    assert_int_equal(digest_begun(delivery, 100 * SECOND), 0); /* nothing beside it */
    assert_int_equal(digest_ends(delivery, 5000, TW_VERDICT_DELIVERED, 0), TW_END_DONE);
    struct tw_delivery_wish wish;
    assert_false(tw_delivery_wants(delivery, 0, &wish)); /* all of them are gone */
    assert_int_equal(tw_delivery_due(delivery, 0), INT64_MAX);
    arrive(delivery, 5001, 5002);
    assert_int_equal(digest_begun(delivery, 10 * SECOND - 1), 0);
    assert_int_equal(digest_begun(delivery, 10 * SECOND), 5002);
    tw_delivery_free(&delivery);
}

static void a_digest_that_failed_is_tried_again_as_it_was_and_first(void **state)
{
    (void)state;
    struct tw_delivery *delivery = a_person(4, 1);
    arrive(delivery, 1, 10);
    assert_int_equal(digest_begun(delivery, 0), 10);
    assert_int_equal(digest_ends(delivery, 10, TW_VERDICT_RETRY, 0), TW_END_AGAIN);
    arrive(delivery, 11, 20);
    assert_int_equal(tw_delivery_due(delivery, 0), SECOND / 2); /* its token came back, its wait is the usual one */
    assert_int_equal(digest_begun(delivery, SECOND / 2 - 1), 0);
    assert_int_equal(digest_begun(delivery, SECOND / 2), 10);
    assert_int_equal(digest_ends(delivery, 10, TW_VERDICT_DELIVERED, SECOND / 2), TW_END_DONE);
    assert_int_equal(digest_begun(delivery, SECOND), 0);
    assert_int_equal(digest_begun(delivery, 10 * SECOND + SECOND / 2), 20);
    assert_int_equal(digest_ends(delivery, 15, TW_VERDICT_REJECTED, 11 * SECOND), TW_END_REJECTED); /* it had no room */
    assert_int_equal(digest_begun(delivery, 21 * SECOND), 20);
    tw_delivery_free(&delivery);
}

static void a_digest_whose_alerts_expired_is_none(void **state)
{
    (void)state;
    struct tw_delivery *delivery = a_person(1, 1);
    struct tw_delivery_job job;
    arrive(delivery, 1, 2);
    assert_int_equal(digest_begun(delivery, 0), 2);
    assert_int_equal(digest_ends(delivery, 2, TW_VERDICT_RETRY, 0), TW_END_AGAIN);
    assert_int_equal(tw_delivery_next(delivery, 3600 * SECOND, &job), TW_DELIVERY_EXPIRE);
    assert_int_equal(tw_delivery_next(delivery, 3600 * SECOND, &job), TW_DELIVERY_EXPIRE);
    assert_int_equal(tw_delivery_next(delivery, 3600 * SECOND, &job), TW_DELIVERY_NOTHING);
    assert_int_equal(tw_delivery_due(delivery, 3600 * SECOND), INT64_MAX);
    tw_delivery_free(&delivery);
}

/* All that it would have had waits for what stands behind it. */
static void after_a_digest_that_is_empty_one_goes_alone(void **state)
{
    (void)state;
    struct tw_delivery *delivery = a_person(1, 1);
    arrive(delivery, 1, 3);
    assert_int_equal(digest_begun(delivery, 0), 3);
    tw_delivery_digest_is_empty(delivery, 0);
    assert_int_equal(tw_delivery_under_way(delivery), 0);
    arrive(delivery, 1, 3); /* it reads again */
    assert_int_equal(tw_delivery_due(delivery, 0), 0);
    assert_int_equal(begun(delivery, 0), 1); /* its token was not spent */
    end(delivery, 1, TW_VERDICT_DELIVERED, 0, 0);
    assert_int_equal(digest_begun(delivery, 10 * SECOND - 1), 0);
    assert_int_equal(tw_delivery_due(delivery, SECOND), 10 * SECOND);
    assert_int_equal(digest_begun(delivery, 10 * SECOND), 3); /* by now it may have something to say */
    tw_delivery_free(&delivery);
}

static void a_digest_that_is_empty_does_not_make_a_receiver_well(void **state)
{
    (void)state;
    struct tw_delivery *delivery = a_person(1, 1);
    int64_t now = 0;
    arrive(delivery, 1, 3);
    while (tw_delivery_breaker(delivery, 0) != TW_BREAKER_OPEN) {
        now = tw_delivery_due(delivery, now);
        assert_int_equal(digest_begun(delivery, now), 3);
        assert_int_equal(digest_ends(delivery, 3, TW_VERDICT_RETRY, now), TW_END_AGAIN);
    }
    now = tw_delivery_due(delivery, now);
    assert_int_equal(digest_begun(delivery, now), 3); /* the probe */
    tw_delivery_digest_is_empty(delivery, 0);
    arrive(delivery, 2, 3);
    assert_int_equal(tw_delivery_breaker(delivery, 0), TW_BREAKER_OPEN);
    assert_int_equal(begun(delivery, now), 2);
    end(delivery, 2, TW_VERDICT_DELIVERED, 0, now);
    assert_int_equal(tw_delivery_breaker(delivery, 0), TW_BREAKER_CLOSED);
    tw_delivery_free(&delivery);
}

/* A flood against a receiver that fails now and then: nothing is lost or told twice, messages are few, due times true.
 */
static void a_flood_becomes_a_handful(void **state)
{
    (void)state;
    uint64_t random = 7;
    for (int play = 0; play < 200; play++) {
        struct tw_delivery *delivery = a_person(1 + (uint32_t)play % 4, 1 + (uint32_t)play % 5);
        static bool told[4001];
        uint64_t last = 0, messages = 0, covered = 0;
        int64_t now = 0;
        memset(told, 0, sizeof told);
        while (covered < 4000) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            last = now < 60 * SECOND ? last + (random >> 33) % 97 : 4000;
            last = last < 4000 ? last : 4000;
            tw_delivery_news(delivery, last);
            struct tw_delivery_wish wish;
            while (tw_delivery_wants(delivery, 0, &wish)) {
                uint64_t n = wish.after + 1, room = wish.room;
                for (; n <= wish.until && room > 0; n++)
                    if (!told[n]) {
                        offer(delivery, 0, n, (char)n);
                        room--;
                    }
                if (room > 0)
                    tw_delivery_read_all(delivery, 0, wish.until);
            }
            struct tw_delivery_job job;
            struct tw_delivery_effect effect;
            if (tw_delivery_next(delivery, now, &job) == TW_DELIVERY_ATTEMPT) {
                bool fails = (random >> 40) % 4 == 0;
                enum tw_delivery_verdict verdict = fails ? TW_VERDICT_RETRY : TW_VERDICT_DELIVERED;
                uint64_t until = job.digest_until;
                if (until != 0)
                    tw_delivery_digest_result(delivery, 0, until, verdict, 0, random, now, &effect);
                else
                    tw_delivery_result(delivery, 0, job.pending.n, verdict, 0, random, now, &effect);
                for (uint64_t n = until != 0 ? 1 : job.pending.n; !fails && n <= (until != 0 ? until : job.pending.n);
                     n++) {
                    if (until == 0)
                        assert_false(told[n]);
                    covered += !told[n];
                    told[n] = true;
                }
                messages += !fails;
                continue;
            }
            int64_t due = tw_delivery_due(delivery, now);
            assert_true(due > now); /* or the shell would spin */
            now = last < 4000 && due > now + SECOND ? now + SECOND : due == INT64_MAX ? now + SECOND : due;
        }
        assert_true(messages <= 5 + (uint64_t)(now / (10 * SECOND)) + 1);
        tw_delivery_free(&delivery);
    }
}

static const uint8_t ids[6][16] = {{1, 1}, {2, 2}, {3, 3}, {4, 4}, {5, 5}, {6, 6}};

/* A message of these alerts, 0 ends them. */
static void offer_group(struct tw_delivery *delivery, uint64_t n, const char *alerts)
{
    struct tw_pending pending = {.n = n, .group = true};
    memcpy(pending.episode, ids[*alerts - 'a'], sizeof pending.episode);
    for (; *alerts != '\0'; alerts++)
        tw_pending_add(&pending, ids[*alerts - 'a']);
    tw_delivery_offer(delivery, 0, &pending, 0);
}

/* Only what has an alert in common goes one after the other. */
static void groups_of_other_alerts_go_beside_each_other(void **state)
{
    (void)state;
    struct tw_delivery *delivery = tw_delivery_new(&policy);
    tw_delivery_add(delivery, &(struct tw_delivery_pace){8, 0, 0, 0});
    tw_delivery_news(delivery, 7);
    offer_group(delivery, 1, "a");
    offer_group(delivery, 2, "bc");
    offer_group(delivery, 3, "cd"); /* behind 2 */
    offer_group(delivery, 4, "a");  /* behind 1 */
    offer_group(delivery, 5, "ef");
    offer_group(delivery, 6, "d");   /* behind 3, which waits itself */
    offer_group(delivery, 7, "bbb"); /* behind 2; several events of one alert */
    assert_int_equal(begun(delivery, 0), 1);
    assert_int_equal(begun(delivery, 0), 2);
    assert_int_equal(begun(delivery, 0), 5);
    assert_int_equal(begun(delivery, 0), 0);
    assert_int_equal(tw_delivery_due(delivery, 0), 3600 * SECOND); /* or the shell would spin */
    end(delivery, 2, TW_VERDICT_DELIVERED, 0, 0);
    assert_int_equal(begun(delivery, 0), 3);
    assert_int_equal(begun(delivery, 0), 7);
    assert_int_equal(begun(delivery, 0), 0);
    assert_int_equal(end(delivery, 1, TW_VERDICT_RETRY, 0, 0).end, TW_END_AGAIN);
    assert_int_equal(begun(delivery, 0), 0);
    end(delivery, 3, TW_VERDICT_REJECTED, 0, 0);
    assert_int_equal(begun(delivery, 0), 6);
    assert_int_equal(begun(delivery, SECOND), 1);
    assert_int_equal(begun(delivery, SECOND), 0);
    end(delivery, 1, TW_VERDICT_DELIVERED, 0, SECOND);
    assert_int_equal(begun(delivery, SECOND), 4);
    tw_delivery_free(&delivery);
}

static void a_digest_says_up_to_where_nothing_may_be_added(void **state)
{
    (void)state;
    struct tw_delivery *delivery = a_person(1, 1);
    struct tw_delivery_job job;
    assert_int_equal(tw_delivery_digest_until(delivery, 0), 0);
    arrive(delivery, 1, 3);
    assert_int_equal(digest_begun(delivery, 0), 3);
    assert_int_equal(tw_delivery_digest_until(delivery, 0), 3);
    assert_int_equal(digest_ends(delivery, 2, TW_VERDICT_RETRY, 0), TW_END_AGAIN);
    assert_int_equal(tw_delivery_digest_until(delivery, 0), 2);
    for (int i = 0; i < 3; i++)
        assert_int_equal(tw_delivery_next(delivery, 3600 * SECOND, &job), TW_DELIVERY_EXPIRE);
    assert_int_equal(tw_delivery_digest_until(delivery, 0), 0); /* or groups would wait for ever */
    tw_delivery_free(&delivery);
}

/* It is of more alerts than can be told apart: what stands before it has ended when it begins, and what stands behind
 * it waits. */
static void a_large_group_s_message_keeps_its_place(void **state)
{
    (void)state;
    struct tw_delivery *delivery = tw_delivery_new(&policy);
    struct tw_delivery_job job;
    tw_delivery_add(delivery, &(struct tw_delivery_pace){4, 0, 0, 0});
    tw_delivery_news(delivery, 4);
    for (uint64_t n = 1; n <= 4; n++) {
        struct tw_pending pending = {.n = n, .episode = {(uint8_t)n}, .group = n == 3};
        if (n == 3)
            tw_pending_add_any(&pending);
        tw_delivery_offer(delivery, 0, &pending, 0);
    }
    assert_int_equal(begun(delivery, 0), 1);
    assert_int_equal(begun(delivery, 0), 2);
    assert_int_equal(begun(delivery, 0), 0);
    end(delivery, 2, TW_VERDICT_DELIVERED, 0, 0);
    assert_int_equal(begun(delivery, 0), 0);
    assert_int_equal(end(delivery, 1, TW_VERDICT_RETRY, 0, 0).end, TW_END_AGAIN);
    assert_int_equal(begun(delivery, 0), 0);
    assert_int_equal(begun(delivery, SECOND), 1);
    end(delivery, 1, TW_VERDICT_REJECTED, 0, SECOND);
    assert_int_equal(tw_delivery_next(delivery, SECOND, &job), TW_DELIVERY_ATTEMPT);
    assert_true(job.pending.n == 3 && job.pending.group);
    assert_int_equal(begun(delivery, SECOND), 0);
    end(delivery, 3, TW_VERDICT_DELIVERED, 0, SECOND);
    assert_int_equal(begun(delivery, SECOND), 4);
    tw_delivery_free(&delivery);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_alerts_pass_as_long_as_there_are_tokens),
        cmocka_unit_test(the_last_token_goes_to_a_digest_of_all_that_waits),
        cmocka_unit_test(a_digest_that_failed_is_tried_again_as_it_was_and_first),
        cmocka_unit_test(a_digest_whose_alerts_expired_is_none),
        cmocka_unit_test(after_a_digest_that_is_empty_one_goes_alone),
        cmocka_unit_test(a_digest_that_is_empty_does_not_make_a_receiver_well),
        cmocka_unit_test(a_flood_becomes_a_handful),
        cmocka_unit_test(groups_of_other_alerts_go_beside_each_other),
        cmocka_unit_test(a_digest_says_up_to_where_nothing_may_be_added),
        cmocka_unit_test(a_large_group_s_message_keeps_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
