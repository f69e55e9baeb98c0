/* SPDX-License-Identifier: MIT
 *
 * Actions in the store: written with their record, in order, by alert, and there after every start; and alerts found by
 * what people type of their id.
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

/* An alert under an id of our own. */
static void put_alert(struct world *world, const char *id)
{
    struct tw_store_alert alert;
    feed_alert(&world->feed, &alert);
    uint8_t *bytes = tw_alloc(alert.length);
    memcpy(bytes, alert.bytes, alert.length);
    for (uint32_t i = 0; i + 34 < alert.length; i++)
        if (memcmp(bytes + i, "\xa2id\xd9\x20", 5) == 0) {
            memcpy(bytes + i + 5, id, 32);
            break;
        }
    free((void *)(uintptr_t)alert.bytes);
    alert.bytes = bytes;
    assert_int_equal(tw_store_put_alerts(world->store, &alert, 1, &world->error), TW_STORE_OK);
    free(bytes);
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

static void an_alert_is_found_by_the_first_digits_of_its_id(void **state)
{
    struct world *world = *state;
    static const char *const ids[] = {"0ff00000000000000000000000000000", "5ac6e1f0000000000000000000000001",
                                      "5ac6e1f1000000000000000000000001", "ffffffffffffffffffffffffffffffff"};
    static const struct {
        const char *digits;
        int found;
    } table[] = {{"5", 2},
                 {"5ac6e1f", 2},
                 {"5ac6e1f0", 1},
                 {"5ac6e1f1", 1},
                 {"5ac6e1f2", 0},
                 {"0f", 1},
                 {"f", 1},
                 {"ffffffffffffffffffffffffffffffff", 1},
                 {"ffffffffffffffffffffffffffffffff0", 0},
                 {"6", 0},
                 {"", 0},
                 {"5AC6", 0},
                 {"xyz", 0}};
    struct tw_frame *frame = feed_block(&world->feed, 10, 0);
    world_append(world, &frame, 1);
    for (int i = 0; i < 12; i++) /* of three events each */
        put_alert(world, ids[i % 4]);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        uint8_t id[TW_ALERT_ID_BYTES];
        char digits[2 * TW_ALERT_ID_BYTES + 1];
        int found = tw_store_find_alert(world->store, table[i].digits, id, &world->error);
        if (found != table[i].found)
            fail_msg("%s is found %d times", table[i].digits, found);
        tw_hex(id, sizeof id, digits);
        if (found == 1)
            assert_memory_equal(digits, table[i].digits, strlen(table[i].digits));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(actions_come_back_in_order_after_every_start, setup, teardown),
        cmocka_unit_test_setup_teardown(an_alert_has_its_events_and_actions, setup, teardown),
        cmocka_unit_test_setup_teardown(an_alert_is_found_by_the_first_digits_of_its_id, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
