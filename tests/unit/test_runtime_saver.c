/* SPDX-License-Identifier: MIT
 *
 * The saver on a real lane, with a core that is made up: its state is so many rows of SLICE bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "actors/runtime/lane.h"
#include "actors/runtime/lanes.h"
#include "actors/runtime/saver.h"
#include "czmq_once.h"

#define PATIENCE_MS 20000

struct fake {
    uint32_t begun, left, saved;
};

static void begin(void *core)
{
    struct fake *fake = core;
    fake->begun++;
    fake->left = 40; /* slices: more than the lane takes */
}

static bool save(void *core, struct tw_buffer *out, size_t bytes)
{
    struct fake *fake = core;
    uint8_t *row = calloc(1, bytes);
    fake->saved++;
    row[0] = (uint8_t)fake->saved;
    tw_buffer_append(out, row, bytes);
    free(row);
    return --fake->left == 0;
}

struct stage {
    struct fake fake;
    struct tw_pool *slices;
    struct tw_saver *saver;
    zsock_t *keeper;
};

static void open_stage(struct stage *stage)
{
    *stage = (struct stage){.slices = tw_slices_new()};
    struct tw_saved saved = {&stage->fake, begin, save};
    stage->saver = tw_saver_new(TW_PART_SHARD, 1, &saved, stage->slices);
    stage->keeper = tw_lane_pull_sized(TW_LANE_KEEPER, TW_KEEPER_HWM);
    tw_saver_open(stage->saver);
}

static void close_stage(struct stage *stage)
{
    tw_saver_close(stage->saver);
    tw_saver_free(&stage->saver);
    zsock_destroy(&stage->keeper);
    for (int waited_ms = 0; tw_pool_out(stage->slices) != 0;
         waited_ms++) { /* libzmq's own thread lets go of the rest */
        assert_true(waited_ms < PATIENCE_MS);
        zmq_poll(NULL, 0, 1);
    }
    tw_pool_free(&stage->slices);
    zsock_t *probe = zsock_new(ZMQ_PULL); /* the next stage needs the name */
    for (int waited_ms = 0; zsock_bind(probe, "inproc://" TW_LANE_KEEPER) < 0; waited_ms++) {
        assert_true(waited_ms < PATIENCE_MS);
        zmq_poll(NULL, 0, 1);
    }
    zsock_unbind(probe, "inproc://" TW_LANE_KEEPER);
    zsock_destroy(&probe);
}

static struct tw_record record_of(enum tw_control_kind kind)
{
    return (struct tw_record){.kind = TW_RECORD_CONTROL, .control = {.lsn = 8, .follows = 70, .kind = kind}};
}

static void meet_snapshot(struct stage *stage)
{
    struct tw_record record = record_of(TW_CONTROL_SNAPSHOT);
    tw_saver_meet(stage->saver, &record, 3);
}

/* Reads what has arrived; checks that it is the next of the state. */
static uint32_t hear(struct stage *stage, uint32_t heard, bool *last)
{
    zmq_msg_t message;
    *last = false;
    while (tw_lane_receive(stage->keeper, &message)) {
        const struct tw_slice *slice = zmq_msg_data(&message);
        assert_false(*last);
        assert_int_equal(slice->about.lsn, 8);
        assert_int_equal(slice->about.seq, 70);
        assert_int_equal(slice->about.part, TW_PART_SHARD);
        assert_int_equal(slice->about.index, 1);
        assert_int_equal(slice->about.last_alert, 3);
        assert_int_equal(slice->rows.length, TW_SNAPSHOT_SLICE_BYTES);
        assert_int_equal(slice->rows.bytes[0], ++heard);
        assert_int_equal(slice->recorded_seq, 0);
        *last = slice->about.last;
        zmq_msg_close(&message);
    }
    return heard;
}

static int waits_for(struct stage *stage)
{
    zmq_pollitem_t items[2];
    return tw_saver_wait_for(stage->saver, items, 0);
}

static void only_a_snapshot_record_begins_it(void **state)
{
    struct stage stage;
    (void)state;
    open_stage(&stage);
    struct tw_record other = record_of(TW_CONTROL_RETENTION);
    tw_saver_meet(stage.saver, &other, 0);
    assert_int_equal(tw_saver_turn(stage.saver, TW_AGENT_WAITS), TW_AGENT_WAITS);
    assert_int_equal(stage.fake.begun, 0);
    assert_int_equal(waits_for(&stage), 0);
    meet_snapshot(&stage);
    assert_int_equal(stage.fake.begun, 1);
    assert_int_equal(waits_for(&stage), 1);
    close_stage(&stage);
}

static void one_slice_goes_a_turn_until_the_state_is_whole(void **state)
{
    struct stage stage;
    uint32_t heard = 0;
    bool last = false;
    (void)state;
    open_stage(&stage);
    meet_snapshot(&stage);
    for (uint32_t turn = 1; !last; turn++) {
        assert_int_equal(tw_saver_turn(stage.saver, TW_AGENT_WAITS), TW_AGENT_CONTINUES);
        assert_int_equal(stage.fake.saved, turn);
        heard = hear(&stage, heard, &last);
        assert_int_equal(heard, turn);
    }
    assert_int_equal(heard, 40);
    assert_int_equal(tw_saver_turn(stage.saver, TW_AGENT_WAITS), TW_AGENT_WAITS);
    assert_int_equal(waits_for(&stage), 0);
    meet_snapshot(&stage); /* and again */
    assert_int_equal(stage.fake.begun, 2);
    close_stage(&stage);
}

static void while_the_lane_is_full_nothing_is_sliced_and_nobody_waits(void **state)
{
    struct stage stage;
    bool last;
    (void)state;
    open_stage(&stage);
    meet_snapshot(&stage);
    for (int turn = 0; turn < 100; turn++)
        tw_saver_turn(stage.saver, TW_AGENT_WAITS);
    uint32_t saved = stage.fake.saved;
    assert_in_range(saved, TW_KEEPER_HWM / 2, TW_KEEPER_HWM);
    assert_int_equal(tw_saver_turn(stage.saver, TW_AGENT_WAITS), TW_AGENT_WAITS);
    assert_int_equal(tw_saver_turn(stage.saver, TW_AGENT_CONTINUES), TW_AGENT_CONTINUES);
    assert_int_equal(stage.fake.saved, saved);
    uint32_t heard = hear(&stage, 0, &last); /* room: it goes on where it was */
    assert_int_equal(heard, saved);
    zmq_pollitem_t items[1];
    assert_int_equal(tw_saver_wait_for(stage.saver, items, 0), 1);
    assert_int_equal(zmq_poll(items, 1, PATIENCE_MS), 1);
    assert_int_equal(tw_saver_turn(stage.saver, TW_AGENT_WAITS), TW_AGENT_CONTINUES);
    assert_int_equal(hear(&stage, heard, &last), saved + 1);
    close_stage(&stage);
}

static void an_actor_that_has_ended_saves_no_more(void **state)
{
    struct stage stage;
    (void)state;
    open_stage(&stage);
    meet_snapshot(&stage);
    assert_int_equal(tw_saver_turn(stage.saver, TW_AGENT_FINISHED), TW_AGENT_FINISHED);
    assert_int_equal(tw_saver_turn(stage.saver, TW_AGENT_FAILED), TW_AGENT_FAILED);
    assert_int_equal(stage.fake.saved, 0);
    close_stage(&stage);
}

static void a_keeper_that_has_ended_holds_nobody_up(void **state)
{
    struct stage stage;
    (void)state;
    open_stage(&stage);
    meet_snapshot(&stage);
    assert_int_equal(tw_saver_turn(stage.saver, TW_AGENT_WAITS), TW_AGENT_CONTINUES);
    zsock_destroy(&stage.keeper);
    for (int turn = 0; turn < 100; turn++)
        tw_saver_turn(stage.saver, TW_AGENT_WAITS);
    assert_in_range(stage.fake.saved, 1, TW_KEEPER_HWM);
    close_stage(&stage);
}

static void without_a_keeper_nothing_happens(void **state)
{
    struct fake fake = {0, 0, 0};
    struct tw_saved saved = {&fake, begin, save};
    struct tw_saver *saver = tw_saver_new(TW_PART_ROUTER, 0, &saved, NULL);
    struct tw_record record = record_of(TW_CONTROL_SNAPSHOT);
    (void)state;
    tw_saver_open(saver);
    tw_saver_meet(saver, &record, 0);
    assert_int_equal(tw_saver_turn(saver, TW_AGENT_WAITS), TW_AGENT_WAITS);
    assert_int_equal(fake.begun, 0);
    tw_saver_close(saver);
    tw_saver_free(&saver);
}

static void the_gateway_says_where_a_wish_stands_in_the_log(void **state)
{
    struct stage stage;
    zmq_msg_t message;
    (void)state;
    open_stage(&stage);
    assert_true(tw_saver_say_recorded(stage.saver, 600, 950));
    assert_true(tw_lane_receive(stage.keeper, &message));
    const struct tw_slice *slice = zmq_msg_data(&message);
    assert_int_equal(slice->recorded_seq, 600);
    assert_int_equal(slice->recorded_lsn, 950);
    zmq_msg_close(&message);
    close_stage(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_snapshot_record_begins_it),
        cmocka_unit_test(one_slice_goes_a_turn_until_the_state_is_whole),
        cmocka_unit_test(while_the_lane_is_full_nothing_is_sliced_and_nobody_waits),
        cmocka_unit_test(an_actor_that_has_ended_saves_no_more),
        cmocka_unit_test(a_keeper_that_has_ended_holds_nobody_up),
        cmocka_unit_test(without_a_keeper_nothing_happens),
        cmocka_unit_test(the_gateway_says_where_a_wish_stands_in_the_log),
    };
    return cmocka_run_group_tests(tests, czmq_begin, czmq_finish);
}
