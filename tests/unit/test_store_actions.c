/* SPDX-License-Identifier: MIT
 *
 * Actions in the store: written with their record, in order, by alert, and there after every start.
 */
#include <stdlib.h>

#include "protocol/action.h"
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

static void put_alert(struct world *world, const char *id)
{
    struct tw_store_alert alert;
    assert_true(tw_alert_id_read((struct tw_text){id, 2 * TW_ALERT_ID_BYTES}, world->feed.alert_id));
    feed_alert(&world->feed, &alert);
    assert_int_equal(tw_store_put_alerts(world->store, &alert, 1, &world->error), TW_STORE_OK);
    free((void *)(uintptr_t)alert.bytes);
}

static void act(struct world *world)
{
    struct tw_frame *frame = feed_action(&world->feed);
    world_append(world, &frame, 1);
}

struct seen {
    uint64_t numbers[64];
    uint32_t count, limit;
};

static bool see_action(void *context, const struct tw_store_action *action)
{
    struct seen *seen = context;
    struct tw_action_message message;
    assert_true(tw_action_message_decode(action->bytes, action->length, &message));
    assert_int_equal(message.h, action->h);
    assert_int_equal(message.at_ns, NOON + (int64_t)action->h);
    seen->numbers[seen->count++] = action->h;
    return seen->count < seen->limit;
}

static bool see_event(void *context, const struct tw_store_alert *alert)
{
    struct seen *seen = context;
    seen->numbers[seen->count++] = alert->n;
    return seen->count < seen->limit;
}

static void actions_come_back_in_order_after_every_start(void **state)
{
    struct world *world = *state;
    struct tw_frame *frame = feed_block(&world->feed, 10, 0);
    world_append(world, &frame, 1);
    assert_int_equal(tw_store_last_action(world->store), 0);
    for (int life = 1; life <= 3; life++) {
        put_alert(world, "00000000000000000000000000000000");
        act(world);
        struct tw_frame *frames[2] = {feed_action(&world->feed), feed_block(&world->feed, 5, 0)};
        world_append(world, frames, 2); /* one batch */
        assert_int_equal(tw_store_last_action(world->store), 2 * life);
        world_reopen(world);
        assert_int_equal(tw_store_last_action(world->store), 2 * life);
    }
    struct seen seen = {.limit = 64};
    assert_true(tw_store_actions(world->store, 2, see_action, &seen, &world->error));
    assert_int_equal(seen.count, 4);
    for (uint32_t i = 0; i < seen.count; i++)
        assert_int_equal(seen.numbers[i], 3 + i);
    seen = (struct seen){.limit = 1};
    assert_true(tw_store_actions(world->store, 0, see_action, &seen, &world->error));
    assert_int_equal(seen.count, 1);
    assert_true(tw_store_actions(world->store, 6, see_action, &(struct seen){.limit = 1}, &world->error));
    assert_true(tw_store_verify(world->store, NULL, NULL, &world->error));
}

static void an_alert_has_its_events_and_actions(void **state)
{
    struct world *world = *state;
    static const char *const ids[] = {"00000000000000000000000000000000", "5ac6e1f0000000000000000000000001"};
    const uint8_t zeros[TW_ALERT_ID_BYTES] = {0};
    uint8_t id[TW_ALERT_ID_BYTES];
    struct tw_frame *frame = feed_block(&world->feed, 10, 0);
    world_append(world, &frame, 1);
    for (int i = 0; i < 6; i++)
        put_alert(world, ids[i % 2]);
    put_alert(world, ids[0]);
    act(world); /* of the alert whose id is zeros */
    act(world);
    struct seen seen = {.limit = 64};
    assert_true(tw_store_events_of(world->store, zeros, see_event, &seen, &world->error));
    assert_int_equal(seen.count, 4);
    assert_int_equal(seen.numbers[1], 3);
    assert_int_equal(seen.numbers[3], 7);
    seen = (struct seen){.limit = 64};
    assert_true(tw_store_actions_of(world->store, zeros, see_action, &seen, &world->error));
    assert_int_equal(seen.count, 2);
    assert_int_equal(tw_store_find_alert(world->store, ids[1], id, &world->error), 1);
    seen = (struct seen){.limit = 64};
    assert_true(tw_store_events_of(world->store, id, see_event, &seen, &world->error));
    assert_int_equal(seen.count, 3);
    seen = (struct seen){.limit = 64};
    assert_true(tw_store_actions_of(world->store, id, see_action, &seen, &world->error));
    assert_int_equal(seen.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(actions_come_back_in_order_after_every_start, setup, teardown),
        cmocka_unit_test_setup_teardown(an_alert_has_its_events_and_actions, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
