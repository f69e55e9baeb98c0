/* SPDX-License-Identifier: MIT
 *
 * Directories that the programs of earlier formats wrote (tests/data): tools read them as they are, the daemon's
 * opening makes them today's format, and they say what they said before.
 */
#include <unistd.h>

#include "format_world.h"
#include "protocol/check.h"
#include "store/inside.h"

/* ---- what they say ---- */

struct answer {
    uint64_t trades, refused, alerts;
    const char *digest, *record_digest;
};
static const struct answer answers[] = {
    [1] = {2435, 14, ALERTS, "30c3ba3729390efb6cef1c2bf726ba2bd0b19bc1da3bfc611e62fed9ba21b15b",
           "56a3cc93fe1b8617162eb557ecfd9372e018b63221d07f7179b6ece7a7cf805c"},
    [2] = {2875, 25, 59, "b5598b05e8367b27ccf64eba31764671aaf9d577698594ac1dda7313933e27b7",
           "f4449a5c58591c7f57b58916aa2a2bf6234025c2affb0cd44a5b1a705ee3032e"},
    [3] = {2877, 23, 49, "80ffb459665747dfe480131a0c349b7203e85ad0488ed6feb33b0d735c4411ea",
           "26b24d947e8ae9d9c3be979f385141315f4f716d6256e906536e9ae958d3e6b3"},
    [4] = {3042, 30, 62, "ab89606db9d9adf4f1630513135f1e529b8432412b7387e6d755063c074b359f",
           "6f483dd24b02634498666e2407663f056024a14ad8a28544d50972d850d96b14"},
};

static void expect_the_same_answer(const struct world *world, uint32_t format)
{
    const struct answer *answer = &answers[format];
    struct tw_replay_totals totals;
    struct tw_cfg_error error;
    const struct tw_cfg_sources sources = {.set_count = 0};
    struct tw_cfg *cfg = tw_cfg_load(&sources, &error);
    assert_non_null(cfg);
    char why[512] = "", digest[2 * TW_SHA256_BYTES + 1];
    const struct tw_replay_settings settings = {.cfg = cfg,
                                                .shards = 2,
                                                .alert = hear_alert,
                                                .refused = hear_refused,
                                                .bad = hear_bad,
                                                .progress = hear_progress};
    assert_true(tw_replay_directory(&settings, world->directory, &totals, why));
    tw_cfg_free(&cfg);
    assert_int_equal(totals.trades, answer->trades);
    assert_int_equal(totals.refused, answer->refused);
    assert_int_equal(totals.alerts, answer->alerts);
    assert_int_equal(totals.recorded, answer->alerts);
    assert_false(totals.differs);
    tw_hex(totals.digest, sizeof totals.digest, digest);
    assert_string_equal(digest, answer->digest);
    tw_hex(totals.record_digest, sizeof totals.record_digest, digest);
    assert_string_equal(digest, answer->record_digest);
}

static void expect_format(const struct world *world, const char *expected)
{
    char text[32] = "", *path = world_path(world, "FORMAT");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    free(path);
    assert_string_equal(text, expected);
}

static void write_format(const struct world *world, const char *text)
{
    char *path = world_path(world, "FORMAT");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    free(path);
}

/* ---- */

static void expect_verified(struct world *world)
{
    if (!tw_store_verify(world->store, NULL, NULL, &world->error))
        fail_msg("%s", world->error.text);
}

static void read_as_a_tool(struct world *world, uint32_t format, const char *text)
{
    world->store = tw_store_open(world->directory, TW_STORE_READ, &world->error);
    assert_non_null(world->store);
    assert_int_equal(tw_store_last_seq(world->store), answers[format].trades);
    expect_verified(world);
    world_close(world);
    expect_the_same_answer(world, format);
    expect_format(world, text);
}

static void a_tool_reads_format_1_and_leaves_it_alone(void **state)
{
    read_as_a_tool(*state, 1, "tapewarden 1\n");
}
static void a_tool_reads_format_2_and_leaves_it_alone(void **state)
{
    read_as_a_tool(*state, 2, "tapewarden 2\n");
}

static void a_tool_reads_format_3_and_leaves_it_alone(void **state)
{
    read_as_a_tool(*state, 3, "tapewarden 3\n");
}

static void a_tool_reads_format_4_and_leaves_it_alone(void **state)
{
    read_as_a_tool(*state, 4, "tapewarden 4\n");
}

static void open_for_writing(struct world *world, uint32_t format)
{
    world_open(world);
    expect_format(world, "tapewarden 5\n");
    expect_verified(world);
    world_reopen(world);
    world_close(world);
    expect_the_same_answer(world, format);
}

static void opening_format_1_for_writing_makes_it_format_5_with_the_same_answer(void **state)
{
    open_for_writing(*state, 1);
}
static void opening_format_2_for_writing_makes_it_format_5_with_the_same_answer(void **state)
{
    open_for_writing(*state, 2);
}

/* ---- and go on ---- */

/* A block of what the log ends with, later: packed, behind blocks that are not. */
static struct tw_frame *another_block(struct world *world, struct tw_frame *last, const struct tw_record *record)
{
    const struct tw_block *old = &record->block;
    int64_t ts[TW_BLOCK_TRADES_MAX];
    uint64_t pseq[TW_BLOCK_TRADES_MAX];
    uint8_t attrs[TW_BLOCK_TRADES_MAX];
    struct tw_block block = *old;
    assert_non_null(last);
    for (uint32_t row = 0; row < old->count; row++) {
        ts[row] = tw_load_i64(old->ts, old->count - 1);
        pseq[row] = tw_load_u64(old->pseq, old->count - 1) + 1 + row;
        assert_int_equal(tw_load_u32(old->source, row), tw_load_u32(old->source, 0));
        attrs[row] = TW_ATTR_MAKE(TW_ATTR_SIDE(old->attrs[row]), TW_KIND_TRADE);
    }
    block.lsn = tw_store_last_lsn(world->store) + 1;
    block.follows = tw_store_last_seq(world->store);
    block.ts = (const uint8_t *)ts;
    block.pseq = (const uint8_t *)pseq;
    block.attrs = attrs;
    block.original_count = 0;
    const struct tw_position position = {tw_load_u32(old->source, 0), pseq[old->count - 1] + 1};
    const struct tw_block_lists lists = {.positions = &position, .position_count = 1};
    return tw_block_encode(&block, &lists);
}

/* ---- alerts by their ids ---- */

struct found {
    struct world *world;
    uint64_t n;
    bool same;
};

static bool see_event(void *context, const struct tw_store_alert *alert)
{
    struct found *found = context;
    found->same = found->same || alert->n == found->n;
    return true;
}

static bool look_up(void *context, const struct tw_store_alert *alert)
{
    struct found *found = context;
    uint8_t id[TW_ALERT_ID_BYTES];
    found->n = alert->n;
    found->same = false;
    assert_true(tw_alert_id_of(alert->bytes, alert->length, id));
    assert_true(tw_store_events_of(found->world->store, id, see_event, found, &found->world->error));
    assert_true(found->same);
    return true;
}

static void expect_known_by_id(struct world *world, enum tw_store_mode mode)
{
    struct found found = {.world = world};
    world->store = tw_store_open(world->directory, mode, &world->error);
    assert_non_null(world->store);
    assert_true(tw_store_alerts(world->store, 0, look_up, &found, &world->error));
    assert_int_equal(found.n, tw_store_last_alert(world->store));
    expect_verified(world);
    world_close(world);
}

static void open_with_alerts_by_id(struct world *world, uint32_t format)
{
    expect_known_by_id(world, TW_STORE_READ);
    open_for_writing(world, format);
    expect_known_by_id(world, TW_STORE_WRITE);
    expect_known_by_id(world, TW_STORE_READ);
}

/* The alerts of a format that had no rows by their ids have them now. */
static void opening_format_3_for_writing_makes_its_alerts_known_by_id(void **state)
{
    open_with_alerts_by_id(*state, 3);
}

/* Format 4 had a row for each event: they go, and what people did stays. */
static void opening_format_4_for_writing_makes_runs_of_its_rows(void **state)
{
    struct world *world = *state;
    open_with_alerts_by_id(world, 4);
    world_open(world);
    assert_int_equal(tw_store_last_action(world->store), 5);
    rocksdb_iterator_t *iterator = tw_store_iterate(world->store, TW_FAMILY_META);
    rocksdb_iter_seek(iterator, "Ae", 2);
    size_t length = 0;
    assert_true(rocksdb_iter_valid(iterator));
    assert_memory_not_equal(rocksdb_iter_key(iterator, &length), "Ae", 2);
    rocksdb_iter_destroy(iterator);
    world_close(world);
}

static void what_was_upgraded_goes_on(struct world *world, uint32_t format)
{
    struct tw_frame *last = NULL;
    struct tw_record record;
    world_open(world);
    assert_true(tw_store_block_of(world->store, answers[format].trades, &last, &record));
    struct tw_frame *frame = another_block(world, last, &record);
    uint64_t more = record.block.count, length = frame->length;
    world_append(world, &frame, 1);
    tw_frame_drop(&last);
    assert_int_equal(tw_store_index_step(world->store, 0, &world->error), answers[format].trades + more);
    world_reopen(world);
    expect_verified(world);
    assert_true(tw_store_block_of(world->store, answers[format].trades + 1, &last, &record));
    assert_int_equal(record.block.count, more);
    assert_int_equal(last->length, TW_LOG_PREFIX_BYTES + length);
    tw_frame_drop(&last);
    assert_true(tw_store_block_of(world->store, 1, &last, &record));
    tw_frame_drop(&last);
    world_close(world);
}

static void a_log_of_format_1_goes_on_with_packed_blocks(void **state)
{
    what_was_upgraded_goes_on(*state, 1);
}
static void a_log_of_format_2_goes_on_with_packed_blocks(void **state)
{
    what_was_upgraded_goes_on(*state, 2);
}

/* The row is written before the file: what a crash leaves in between. */
static void crash_in_the_middle(struct world *world, uint32_t format, const char *text)
{
    world_open(world);
    world_close(world);
    write_format(world, text);
    world->store = tw_store_open(world->directory, TW_STORE_READ, &world->error);
    assert_non_null(world->store);
    world_close(world);
    expect_format(world, text);
    world_open(world);
    expect_format(world, "tapewarden 5\n");
    world_close(world);
    expect_the_same_answer(world, format);
}

static void a_crash_in_the_middle_of_the_upgrade_is_made_good(void **state)
{
    crash_in_the_middle(*state, 1, "tapewarden 1\n");
}
static void so_it_is_with_format_2(void **state)
{
    crash_in_the_middle(*state, 2, "tapewarden 2\n");
}

static void and_with_format_3(void **state)
{
    crash_in_the_middle(*state, 3, "tapewarden 3\n");
}

static void and_with_format_4(void **state)
{
    crash_in_the_middle(*state, 4, "tapewarden 4\n");
}

static int setup_2(void **state)
{
    return setup_format(state, 2);
}
static int setup_3(void **state)
{
    return setup_format(state, 3);
}

static int setup_4(void **state)
{
    return setup_format(state, 4);
}

#define TEST_OF_1(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_OF_2(name) cmocka_unit_test_setup_teardown(name, setup_2, teardown)
#define TEST_OF_3(name) cmocka_unit_test_setup_teardown(name, setup_3, teardown)
#define TEST_OF_4(name) cmocka_unit_test_setup_teardown(name, setup_4, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_OF_1(a_tool_reads_format_1_and_leaves_it_alone),
        TEST_OF_2(a_tool_reads_format_2_and_leaves_it_alone),
        TEST_OF_1(opening_format_1_for_writing_makes_it_format_5_with_the_same_answer),
        TEST_OF_2(opening_format_2_for_writing_makes_it_format_5_with_the_same_answer),
        TEST_OF_1(a_log_of_format_1_goes_on_with_packed_blocks),
        TEST_OF_2(a_log_of_format_2_goes_on_with_packed_blocks),
        TEST_OF_1(a_crash_in_the_middle_of_the_upgrade_is_made_good),
        TEST_OF_2(so_it_is_with_format_2),
        TEST_OF_3(a_tool_reads_format_3_and_leaves_it_alone),
        TEST_OF_3(opening_format_3_for_writing_makes_its_alerts_known_by_id),
        TEST_OF_3(and_with_format_3),
        TEST_OF_4(a_tool_reads_format_4_and_leaves_it_alone),
        TEST_OF_4(opening_format_4_for_writing_makes_runs_of_its_rows),
        TEST_OF_4(and_with_format_4),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
