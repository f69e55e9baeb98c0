/* SPDX-License-Identifier: MIT
 *
 * The same play (gateway_play.h) in worlds that differ in nothing but the size of their blocks, when the disk keeps up,
 * and whether a restart reads the log from its beginning or from a snapshot. The log's checker judges every record; the
 * stories must be the same.
 */
#include <stdio.h>
#include <stdlib.h>

#include "gateway_play.h"

static char *perform(const struct play_setting *setting)
{
    struct world *world = play(setting);
    assert_true(world->log.last_seq > 1000);
    assert_true(world->log.refusals > 20);
    assert_true(world_controls(world, TW_CONTROL_SESSION, NULL) > 5);
    assert_true(world_controls(world, TW_CONTROL_FEED_GAP, NULL) > 0);
    assert_true(world_controls(world, TW_CONTROL_FENCE, NULL) > 0);
    assert_true(world_controls(world, TW_CONTROL_SNAPSHOT, NULL) > 3);
    char *story = log_story(&world->log);
    assert_non_null(strstr(story, "reverses"));
    world_free(&world);
    return story;
}

static void the_size_of_blocks_and_the_speed_of_the_disk_change_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        char *expected = perform(&(struct play_setting){.seed = seed, .block_trades_max = 8190});
        const struct play_setting others[] = {{.seed = seed, .block_trades_max = 1},
                                              {.seed = seed, .block_trades_max = 7, .slow_disk = true},
                                              {.seed = seed, .block_trades_max = 64},
                                              {.seed = seed, .block_trades_max = 8190, .tick_keys_max = 20},
                                              {.seed = seed, .block_trades_max = 8190, .slow_disk = true}};
        for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
            char *story = perform(&others[i]);
            assert_string_equal(story, expected);
            free(story);
        }
        free(expected);
    }
}

/* Every publisher asks where it stands, after one more restart. */
static void acks_agree(struct world *one, struct world *other)
{
    world_restart(one);
    world_restart(other);
    for (int i = 0; i < 3; i++) { /* the fourth is a feed */
        char name[16];
        snprintf(name, sizeof name, "pub%d", i);
        for (uint32_t incarnation = 0; incarnation < 3; incarnation++) {
            world_hello(one, name, incarnation);
            world_hello(other, name, incarnation);
            world_durable(one);
            world_durable(other);
            struct tw_buffer bytes = {0}, others = {0};
            tw_ack_encode(&bytes, world_ack(one, name));
            tw_ack_encode(&others, world_ack(other, name));
            assert_int_equal(bytes.length, others.length);
            assert_memory_equal(bytes.bytes, others.bytes, bytes.length);
            tw_buffer_free(&bytes);
            tw_buffer_free(&others);
        }
    }
}

static void a_gateway_from_a_snapshot_goes_on_like_one_from_the_log(void **state)
{
    (void)state;
    uint32_t loaded = 0;
    for (uint64_t seed = 1; seed <= 16; seed++) {
        struct play_setting setting = {.seed = seed, .block_trades_max = seed % 2 == 0 ? 5 : 8190};
        struct world *world = play(&setting);
        setting.from_snapshot = true;
        struct world *again = play(&setting);
        char *expected = log_story(&world->log), *story = log_story(&again->log);
        assert_string_equal(story, expected);
        acks_agree(world, again);
        loaded += again->snapshots_loaded;
        world_free(&world);
        world_free(&again);
        free(story);
        free(expected);
    }
    assert_true(loaded > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_size_of_blocks_and_the_speed_of_the_disk_change_nothing),
        cmocka_unit_test(a_gateway_from_a_snapshot_goes_on_like_one_from_the_log),
    };
    return cmocka_run_group_tests_name("gateway: random", tests, NULL, NULL);
}
