/* SPDX-License-Identifier: MIT
 *
 * What inhibition muted, in the store: written with its alert, told with a later one, there after a start; and the
 * state of the inhibitor.
 */
#include <stdlib.h>

#include "protocol/check.h"
#include "store_world.h"

static int setup(void **state)
{
    *state = world_new();
    return 0;
}

static int teardown(void **state)
{
    world_free(*state);
    return 0;
}

static struct tw_store_alert muted_by(uint64_t by, const char *rule)
{
    return (struct tw_store_alert){.muted_rule = {rule, (uint32_t)strlen(rule)}, .muted_by = by};
}

/* The next alert, muted or not, with earlier ones that are released. */
static void put(struct world *world, struct tw_store_alert muted, const struct tw_store_alert *released, uint32_t count)
{
    struct tw_store_alert alert;
    feed_alert(&world->feed, &alert);
    alert.muted_rule = muted.muted_rule;
    alert.muted_by = muted.muted_by;
    alert.receivers = muted.muted_rule.length == 0 ? 1 : 0;
    alert.queued_ns = NOON + (int64_t)alert.n;
    alert.released = released;
    alert.released_count = count;
    assert_int_equal(tw_store_put_alerts(world->store, &alert, 1, &world->error), TW_STORE_OK);
    free((void *)(uintptr_t)alert.bytes);
}

struct seen {
    struct tw_store_muted rows[8];
    char rules[8][40];
    uint32_t count, limit;
};
static bool see(void *context, const struct tw_store_muted *muted)
{
    struct seen *seen = context;
    seen->rows[seen->count] = *muted;
    snprintf(seen->rules[seen->count], sizeof seen->rules[0], "%.*s", (int)muted->rule.length, muted->rule.bytes);
    return ++seen->count < seen->limit;
}

static bool see_pending(void *context, const struct tw_store_delivery *delivery)
{
    struct seen *seen = context;
    seen->rows[seen->count++] =
        (struct tw_store_muted){.n = delivery->n, .told = (uint64_t)(delivery->queued_ns - NOON)};
    return true;
}

static void what_was_muted_is_there_and_told_with_what_ended_it(void **state)
{
    struct world *world = *state;
    static const char *const names[] = {"ops"};
    struct tw_store_alert none = muted_by(0, "");
    tw_store_set_receivers(world->store, names, 1);
    put(world, none, NULL, 0);
    put(world, muted_by(1, "worst"), NULL, 0);
    put(world, muted_by(1, "gaps"), NULL, 0);
    uint64_t retries = tw_store_retries(world->store);
    struct tw_store_alert released = muted_by(1, "worst");
    released.n = 2;
    released.muted_told = 4;
    released.receivers = 1;
    put(world, none, &released, 1);
    assert_true(tw_store_retries(world->store) > retries); /* who delivers looks again */
    world_reopen(world);
    struct seen seen = {.limit = 8};
    assert_true(tw_store_muted(world->store, 0, see, &seen, &world->error));
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.rows[0].n, 2);
    assert_int_equal(seen.rows[0].by, 1);
    assert_int_equal(seen.rows[0].told, 4);
    assert_string_equal(seen.rules[0], "worst");
    assert_int_equal(seen.rows[1].n, 3);
    assert_int_equal(seen.rows[1].told, 0);
    assert_string_equal(seen.rules[1], "gaps");
    seen = (struct seen){.limit = 1};
    assert_true(tw_store_muted(world->store, 2, see, &seen, &world->error));
    assert_int_equal(seen.rows[0].n, 3);
    seen = (struct seen){.limit = 8};
    assert_true(tw_store_deliveries(world->store, TW_DELIVERY_PENDING, (struct tw_text){"ops", 3}, 0, see_pending,
                                    &seen, &world->error));
    assert_int_equal(seen.count, 3); /* 1, 2 and 4 */
    assert_int_equal(seen.rows[1].n, 2);
    assert_int_equal(seen.rows[1].told, 4); /* queued with alert 4 */
    assert_true(tw_store_verify(world->store, NULL, NULL, &world->error));
}

/* 2 by 1; then 3 mutes it as well, 4 ends 1, and 5 ends 3. */
static void what_mutes_at_the_end_may_have_begun_later(void **state)
{
    struct world *world = *state;
    struct tw_store_alert none = muted_by(0, ""), released = muted_by(3, "worst");
    static const char *const names[] = {"ops"};
    tw_store_set_receivers(world->store, names, 1);
    put(world, none, NULL, 0);
    put(world, muted_by(1, "worst"), NULL, 0);
    put(world, none, NULL, 0);
    put(world, none, NULL, 0);
    released.n = 2;
    released.muted_told = 5;
    put(world, none, &released, 1);
    assert_true(tw_store_verify(world->store, NULL, NULL, &world->error));
    released.muted_by = 6; /* but not what told it */
    released.muted_told = 6;
    put(world, none, &released, 1);
    assert_false(tw_store_verify(world->store, NULL, NULL, &world->error));
    assert_non_null(strstr(world->error.text, "alert 2 is said to be muted by 6"));
}

static void what_nothing_before_it_mutes_is_damage(void **state)
{
    struct world *world = *state;
    put(world, muted_by(1, "worst"), NULL, 0);
    assert_false(tw_store_verify(world->store, NULL, NULL, &world->error));
    assert_non_null(strstr(world->error.text, "alert 1 is said to be muted by 1"));
}

static void the_inhibitor_s_state_is_kept(void **state)
{
    struct world *world = *state;
    struct tw_buffer bytes = {0};
    assert_true(tw_store_inhibitor(world->store, &bytes, &world->error));
    assert_int_equal(bytes.length, 0);
    assert_int_equal(tw_store_put_inhibitor(world->store, "first", 5, &world->error), TW_STORE_OK);
    assert_int_equal(tw_store_put_inhibitor(world->store, "second", 6, &world->error), TW_STORE_OK);
    world_reopen(world);
    assert_true(tw_store_inhibitor(world->store, &bytes, &world->error));
    assert_int_equal(bytes.length, 6);
    assert_memory_equal(bytes.bytes, "second", 6);
    tw_buffer_free(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_muted_is_there_and_told_with_what_ended_it, setup, teardown),
        cmocka_unit_test_setup_teardown(what_mutes_at_the_end_may_have_begun_later, setup, teardown),
        cmocka_unit_test_setup_teardown(what_nothing_before_it_mutes_is_damage, setup, teardown),
        cmocka_unit_test_setup_teardown(the_inhibitor_s_state_is_kept, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
