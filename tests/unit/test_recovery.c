/* SPDX-License-Identifier: MIT
 *
 * Recovery's core over a disk of a few lines: which snapshot it begins with, what it says of the others, and when it
 * would rather not begin. That what it loads and replays is right is the simulation's to prove (tests/sim).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "actors/recovery/recovery.h"
#include "cfg/cfg.h"
#include "protocol/check.h"

#define RECORDS_MAX 8

struct snapshot {
    uint64_t lsn, last_alert;
    bool damaged_head, damaged_rows; /* seen when found, seen when opened */
};

struct world {
    struct tw_recovery_disk disk;
    struct tw_frame *log[RECORDS_MAX];
    uint32_t log_count, read, opened_after;
    struct snapshot snapshots[4]; /* newest first */
    uint32_t snapshot_count;
    bool stops;
    char said[2048], why[TW_RECOVERY_WHY_BYTES];
    struct tw_recovered recovered;
};

/* ---- the port ---- */

static struct tw_recovery_disk disk(void *context)
{
    return ((struct world *)context)->disk;
}

static int find_snapshot(void *context, uint64_t before, struct tw_recovery_snapshot *out, char *why)
{
    struct world *world = context;
    for (uint32_t i = 0; i < world->snapshot_count; i++) {
        const struct snapshot *snapshot = &world->snapshots[i];
        if (snapshot->lsn >= before)
            continue;
        *out = (struct tw_recovery_snapshot){snapshot->lsn, snapshot->last_alert};
        if (snapshot->damaged_head)
            snprintf(why, TW_RECOVERY_WHY_BYTES, "its head is damaged");
        return snapshot->damaged_head ? -1 : 1;
    }
    return 0;
}

static bool open_snapshot(void *context, uint64_t lsn, char *why)
{
    struct world *world = context;
    for (uint32_t i = 0; i < world->snapshot_count; i++)
        if (world->snapshots[i].lsn == lsn && world->snapshots[i].damaged_rows) {
            snprintf(why, TW_RECOVERY_WHY_BYTES, "its hash is wrong");
            return false;
        }
    return true;
}

/* No snapshot here has a row: one that opens is found to lack its parts. */
static int next_row(void *context, enum tw_snapshot_part *part, struct tw_row_reader *row, char *why)
{
    (void)context, (void)part, (void)row, (void)why;
    return 0;
}

static void close_snapshot(void *context)
{
    (void)context;
}

static bool open_log(void *context, uint64_t after, char *why)
{
    struct world *world = context;
    (void)why;
    world->opened_after = (uint32_t)after;
    world->read = 0;
    return true;
}

static int next_record(void *context, struct tw_record *record, char *why)
{
    struct world *world = context;
    const char *reason = NULL;
    (void)why;
    if (world->read == world->log_count)
        return 0;
    const struct tw_frame *frame = world->log[world->read++];
    assert_true(tw_record_decode(frame->bytes, frame->length, record, &reason));
    return 1;
}

static void close_log(void *context)
{
    (void)context;
}

static int alert_digest(void *context, uint64_t n, uint8_t digest[TW_SHA256_BYTES], char *why)
{
    struct world *world = context;
    (void)why;
    memset(digest, 7, TW_SHA256_BYTES);
    return n <= world->disk.last_alert;
}

static bool store_alert(void *context, const struct tw_router_alert *alert, char *why)
{
    (void)context, (void)alert, (void)why;
    return true;
}

static bool flush_alerts(void *context, char *why)
{
    (void)context, (void)why;
    return true;
}

static bool go_on(void *context, uint64_t lsn, uint64_t last_lsn)
{
    (void)lsn, (void)last_lsn;
    return !((struct world *)context)->stops;
}

static void say(void *context, bool alarming, const char *sentence)
{
    struct world *world = context;
    size_t length = strlen(world->said);
    snprintf(world->said + length, sizeof world->said - length, "%s%s\n", alarming ? "! " : "", sentence);
}

/* ---- the world ---- */

static int64_t never(void *context, int64_t ts_ns)
{
    (void)context, (void)ts_ns;
    return INT64_MAX;
}

static const struct tw_gateway_settings gateway_settings = {
    .block_trades_max = 8, .credit_trades = 100, .reporting_currency = "USD", .next_roll = never};

/* The log of a daemon that was started once and heard nothing: BOOT and SETTINGS. */
static void write_log(struct world *world)
{
    static const struct tw_history history;
    struct tw_cfg_error error;
    struct tw_cfg_sources sources = {0};
    struct tw_cfg *cfg = tw_cfg_load(&sources, &error);
    struct tw_buffer text = {0};
    struct tw_gateway *gateway = tw_gateway_new(&gateway_settings, &history);
    tw_cfg_rules_text(cfg, &text);
    tw_gateway_start(gateway, "test", (struct tw_text){(const char *)text.bytes, (uint32_t)text.length}, 0);
    for (struct tw_frame *frame; (frame = tw_gateway_cut(gateway)) != NULL;)
        world->log[world->log_count++] = frame;
    world->disk = (struct tw_recovery_disk){.first_lsn = 1, .last_lsn = world->log_count};
    tw_gateway_free(&gateway);
    tw_buffer_free(&text);
    tw_cfg_free(&cfg);
}

static void free_world(struct world *world)
{
    for (uint32_t i = 0; i < world->log_count; i++)
        tw_frame_drop(&world->log[i]);
    tw_gateway_free(&world->recovered.gateway);
    tw_pipeline_free(&world->recovered.pipeline);
    tw_evidence_source_free(&world->recovered.evidence);
}

static enum tw_recovery_end recover(struct world *world)
{
    static const struct tw_history history;
    struct tw_recovery_settings settings = {.gateway = &gateway_settings, .history = &history, .shards = 2};
    struct tw_recovery_port port = {world,    disk,        find_snapshot, open_snapshot, next_row,    close_snapshot,
                                    open_log, next_record, close_log,     alert_digest,  store_alert, flush_alerts,
                                    go_on,    say};
    return tw_recovery_run(&settings, &port, &world->recovered, world->why);
}

/* ---- the stories ---- */

static void without_a_snapshot_the_log_is_read_from_its_front(void **state)
{
    (void)state;
    struct world world = {0};
    write_log(&world);
    assert_int_equal(recover(&world), TW_RECOVERY_DONE);
    assert_int_equal(world.recovered.records, world.log_count);
    assert_int_equal(world.recovered.snapshot_lsn, 0);
    assert_string_equal(world.said, "");
    free_world(&world);
}

static void every_snapshot_that_is_not_used_is_named_with_its_reason(void **state)
{
    (void)state;
    struct world world = {.snapshots = {{.lsn = 9}, {.lsn = 2, .damaged_head = true}, {.lsn = 1, .damaged_rows = true}},
                          .snapshot_count = 3};
    write_log(&world);
    assert_int_equal(recover(&world), TW_RECOVERY_DONE);
    assert_string_equal(world.said, "! snapshot 9 is not used: the log ends before it, at record 2\n"
                                    "! snapshot 2 is not used: its head is damaged\n"
                                    "! snapshot 1 is not used: its hash is wrong\n");
    assert_int_equal(world.recovered.records, world.log_count);
    free_world(&world);
}

static void a_snapshot_that_lacks_its_parts_leaves_fresh_cores(void **state)
{
    (void)state;
    struct world world = {.snapshots = {{.lsn = 1}}, .snapshot_count = 1};
    write_log(&world);
    assert_int_equal(recover(&world), TW_RECOVERY_DONE);
    assert_string_equal(world.said, "! snapshot 1 is not used: its parts do not agree, or one is missing\n");
    assert_int_equal(world.opened_after, 0);
    free_world(&world);
}

static void a_snapshot_ahead_of_the_stored_alerts_is_passed_over(void **state)
{
    (void)state;
    struct world world = {.snapshots = {{.lsn = 1, .last_alert = 3}}, .snapshot_count = 1};
    write_log(&world);
    assert_int_equal(recover(&world), TW_RECOVERY_DONE);
    assert_string_equal(world.said, "! snapshot 1 is not used: it counts 3 alerts, but only 0 are stored\n");
    free_world(&world);
}

static void a_log_without_its_front_and_without_a_snapshot_is_refused(void **state)
{
    (void)state;
    struct world world = {0};
    write_log(&world);
    world.disk.first_lsn = 2;
    assert_int_equal(recover(&world), TW_RECOVERY_FAILED);
    assert_non_null(strstr(world.why, "the log begins at record 2"));
    assert_non_null(strstr(world.why, "restore a backup"));
    assert_null(world.recovered.gateway);
    free_world(&world);
}

static void fewer_alerts_than_were_recorded_are_refused_since_numbers_would_be_given_twice(void **state)
{
    (void)state;
    struct world world = {0};
    write_log(&world);
    world.disk.last_alert = 5;
    assert_int_equal(recover(&world), TW_RECOVERY_FAILED);
    assert_non_null(strstr(world.why, "the log gives 0 alerts, but 5 were recorded"));
    assert_null(world.recovered.pipeline);
    free_world(&world);
}

static void whoever_wants_to_stop_is_heard_between_two_records(void **state)
{
    (void)state;
    struct world world = {.stops = true};
    write_log(&world);
    assert_int_equal(recover(&world), TW_RECOVERY_STOPPED);
    assert_int_equal(world.read, 1);
    assert_null(world.recovered.gateway);
    free_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_snapshot_the_log_is_read_from_its_front),
        cmocka_unit_test(every_snapshot_that_is_not_used_is_named_with_its_reason),
        cmocka_unit_test(a_snapshot_that_lacks_its_parts_leaves_fresh_cores),
        cmocka_unit_test(a_snapshot_ahead_of_the_stored_alerts_is_passed_over),
        cmocka_unit_test(a_log_without_its_front_and_without_a_snapshot_is_refused),
        cmocka_unit_test(fewer_alerts_than_were_recorded_are_refused_since_numbers_would_be_given_twice),
        cmocka_unit_test(whoever_wants_to_stop_is_heard_between_two_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
