/* SPDX-License-Identifier: MIT
 *
 * Openings that have ended leave the list for the archive and are found there as they were: held against a plain list,
 * under random alerts, ends, busts, retention and snapshots, on shelves that are well, full, and broken.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/judging/saving.h"

static uint64_t random_state;
static uint32_t below(uint32_t limit)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((random_state >> 33) % limit);
}

static bool same(const struct tw_opening *a, const struct tw_opening *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* ---- the short form ---- */

static struct tw_opening some_opening(uint64_t seq)
{
    static const uint64_t steps[] = {0, 1, 300, UINT64_MAX / 2};
    static const uint32_t ids[] = {1, 127, 128, 100000, UINT32_MAX};
    return (struct tw_opening){.seq = seq,
                               .pseq = below(3) == 0 ? seq - 5 : seq * 3 + steps[below(4)],
                               .source = below(2) == 0 ? 7 : ids[below(5)],
                               .entity = ids[below(5)],
                               .entity2 = below(3) == 0 ? ids[below(5)] : 0,
                               .rule = (uint8_t)below(TW_RULE_COUNT),
                               .severity = (uint8_t)(TW_SEVERITY_LOW + below(4)),
                               .entity_type = (uint8_t)below(TW_ENTITY_SYSTEM + 1),
                               .state = TW_OPENING_ENDED};
}

static void what_is_packed_is_read_as_it_was(void **state)
{
    (void)state;
    struct tw_packed_openings packed;
    for (random_state = 1; random_state < 200;) {
        struct tw_opening list[3000];
        uint64_t seq = below(2) == 0 ? below(1000) : UINT64_MAX - 9000000;
        uint32_t count = 0;
        random_state = random_state * 2 + 1;
        tw_packed_clear(&packed);
        do {
            seq += below(3) == 0 ? below(3000) : below(3);
            list[count] = some_opening(seq);
        } while (tw_packed_add(&packed, &list[count]) && ++count < 3000);
        assert_int_equal(packed.count, count);
        assert_true(count > 100 && packed.length <= TW_PACKED_BYTES_MAX && packed.first == list[0].seq);
        struct tw_packed_reader reader = {.at = packed.bytes, .end = packed.bytes + packed.length};
        struct tw_opening opening;
        for (uint32_t i = 0; i < count; i++) {
            assert_true(tw_packed_next(&reader, &opening));
            assert_true(same(&opening, &list[i]));
        }
        assert_false(tw_packed_next(&reader, &opening));
        assert_false(reader.bad);
    }
}

/* One publisher's alerts of a busy day, some tens of trades apart. */
static void a_usual_opening_takes_less_than_eight_bytes(void **state)
{
    (void)state;
    struct tw_packed_openings packed;
    uint64_t seq = 123456789;
    random_state = 5;
    tw_packed_clear(&packed);
    for (;;) {
        seq += below(200);
        if (!tw_packed_add(&packed, &(struct tw_opening){.seq = seq,
                                                         .pseq = seq - 17,
                                                         .source = 1,
                                                         .entity = 1 + below(100000),
                                                         .rule = TW_RULE_VELOCITY,
                                                         .severity = TW_SEVERITY_HIGH,
                                                         .entity_type = TW_ENTITY_CLIENT,
                                                         .state = TW_OPENING_ENDED}))
            break;
    }
    assert_true(packed.length < 8 * packed.count);
}

static void bytes_that_are_none_are_refused(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[24];
        uint32_t length;
        const char *what;
    } bad[] = {
        {{0x00}, 1, "cut behind the head"},
        {{0x00, 1, 0x05}, 3, "no entity"},
        {{0x00, 99, 0x05, 0x01}, 4, "a rule of no code"},
        {{0x1c, 1, 0x05, 0x01}, 4, "an entity type that is none"},
        {{0x00, 1, 0x05, 0x80}, 4, "a number without an end"},
        {{0x00, 1, 0x05, 0xff, 0xff, 0xff, 0xff, 0x1f}, 8, "an entity beyond 32 bits"},
        {{0x00, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x01}, 13, "a step beyond 64 bits"},
        {{0x00, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x01, 0x00, 1, 0x01, 0x01},
         17,
         "a trade beyond 64 bits"},
    };
    struct tw_opening opening;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct tw_packed_reader reader = {.at = bad[i].bytes, .end = bad[i].bytes + bad[i].length};
        while (tw_packed_next(&reader, &opening))
            continue;
        if (!reader.bad)
            print_error("%s is taken\n", bad[i].what);
        assert_true(reader.bad);
    }
}

/* ---- a plain list beside it ---- */

struct world {
    struct tw_openings openings;
    struct tw_saving saving;
    struct tw_opening *plain; /* of every alert, for ever; RETRACTED: its trade was busted, and is never again */
    uint32_t count;
    uint64_t seq, forgotten;
    struct tw_opening *at_barrier;
    uint32_t at_barrier_count;
    uint64_t forgotten_at_barrier;
    struct tw_buffer rows;
    uint32_t moved, archived_busts, snapshots;
};

#define PLAIN_MAX 20000u

static struct world *world_new(struct tw_shelf shelf)
{
    struct world *world = calloc(1, sizeof *world);
    world->plain = malloc(PLAIN_MAX * sizeof *world->plain);
    world->at_barrier = malloc(PLAIN_MAX * sizeof *world->at_barrier);
    tw_archive_keep_on(&world->openings.archive, shelf);
    return world;
}

static void world_free(struct world *world)
{
    tw_openings_free(&world->openings);
    tw_saving_free(&world->saving);
    tw_buffer_free(&world->rows);
    free(world->plain);
    free(world->at_barrier);
    free(world);
}

static void opens(struct world *world)
{
    struct tw_opening *plain = &world->plain[world->count++];
    *plain = some_opening(world->seq);
    plain->entity = world->count; /* each key opens once, so that it is found again */
    plain->state = TW_OPENING_OPEN;
    struct tw_opening *added = tw_openings_add(
        &world->openings, (enum tw_rule)plain->rule, (enum tw_entity_type)plain->entity_type, plain->entity,
        plain->entity2, (struct tw_origin){plain->seq, plain->pseq, plain->source}, (enum tw_severity)plain->severity);
    assert_true(same(added, plain));
}

/* One of the open ones escalates or ends. */
static void changes(struct world *world)
{
    struct tw_opening *plain = &world->plain[world->count - 1 - below(world->count < 300 ? world->count : 300)];
    if (plain->state != TW_OPENING_OPEN)
        return;
    struct tw_opening *opening =
        tw_openings_open(&world->openings, plain->seq, (enum tw_rule)plain->rule, plain->entity, plain->entity2);
    assert_non_null(opening);
    if (below(3) == 0 && plain->severity < TW_SEVERITY_CRITICAL) {
        plain->severity++;
        tw_openings_raise(&world->openings, opening, (enum tw_severity)plain->severity);
    } else {
        plain->state = TW_OPENING_ENDED;
        tw_openings_end(&world->openings, opening, TW_OPENING_ENDED);
    }
}

/* Any trade may be busted once, unless retention has it dropped. */
static void busts(struct world *world)
{
    uint64_t seq = world->plain[below(world->count)].seq;
    uint32_t expected = 0, found = 0;
    if (seq <= world->forgotten)
        return;
    for (uint32_t i = 0; i < world->count; i++) {
        if (world->plain[i].seq != seq)
            continue;
        if (world->plain[i].state == TW_OPENING_RETRACTED)
            return;
        expected++;
    }
    for (struct tw_opening *opening = tw_openings_first_of(&world->openings, seq); opening != NULL;
         opening = tw_openings_next_of(&world->openings, opening)) {
        struct tw_opening *plain = &world->plain[opening->entity - 1];
        assert_true(same(opening, plain));
        tw_openings_end(&world->openings, opening, TW_OPENING_RETRACTED);
        plain->state = TW_OPENING_RETRACTED;
        found++;
    }
    assert_int_equal(found, expected);
    world->archived_busts += world->openings.found.count;
}

static void begins_snapshot(struct world *world)
{
    tw_saving_begin(&world->saving);
    tw_openings_late_begin(&world->openings);
    memcpy(world->at_barrier, world->plain, world->count * sizeof *world->plain);
    world->at_barrier_count = world->count;
    world->forgotten_at_barrier = world->forgotten;
    world->rows.length = 0;
}

static bool one_of_three(const void *context, const struct tw_opening *opening)
{
    return opening->entity % 3 == *(const uint32_t *)context;
}

struct loaded {
    struct world *world;
    uint8_t *times; /* [entity] */
    bool sound;
};

static bool take(const void *context, const struct tw_opening *opening)
{
    const struct loaded *loaded = context;
    struct tw_opening was = loaded->world->at_barrier[opening->entity - 1];
    /* What is archived is not told of its bust. */
    if (was.state == TW_OPENING_RETRACTED)
        was.state = opening->state;
    assert_true(same(opening, &was));
    loaded->times[opening->entity]++;
    return true;
}

/* Loaded by three, each of which takes its own; what any of them has must be all that was there. */
static void ends_snapshot(struct world *world)
{
    struct loaded loaded = {.world = world, .times = calloc(1, world->at_barrier_count + 1)};
    for (uint32_t third = 0; third < 3; third++) {
        struct tw_openings openings = {0};
        struct tw_row_reader row;
        for (size_t offset = 0; tw_row_next(world->rows.bytes, world->rows.length, &offset, &row) > 0;)
            assert_true(tw_load_openings(&row, &openings, one_of_three, &third));
        assert_true(tw_load_openings_end(&openings, take, &loaded));
        for (uint32_t i = 1; i < openings.count; i++)
            assert_true(openings.list[i - 1].seq <= openings.list[i].seq);
        tw_openings_free(&openings);
    }
    for (uint32_t i = 0; i < world->at_barrier_count; i++) {
        const struct tw_opening *was = &world->at_barrier[i];
        bool may_be_gone = was->state == TW_OPENING_RETRACTED ||
                           (was->seq <= world->forgotten_at_barrier && was->state == TW_OPENING_ENDED);
        assert_in_range(loaded.times[was->entity], may_be_gone ? 0 : 1, 1);
    }
    free(loaded.times);
    world->snapshots++;
}

static void goes_on_with_snapshot(struct world *world)
{
    if (!world->saving.active) {
        if (below(40) == 0)
            begins_snapshot(world);
        return;
    }
    world->saving.active =
        tw_save_late_openings(&world->saving, &world->openings) || tw_save_archive(&world->saving, &world->openings);
    if (tw_saving_hand_out(&world->saving, &world->rows, 100000))
        ends_snapshot(world);
}

static void plays(struct world *world, uint64_t seed, uint32_t steps)
{
    random_state = seed;
    world->seq = below(2) == 0 ? 1 : UINT64_C(5000000000);
    for (uint32_t step = 0; step < steps && world->count + 10 < PLAIN_MAX; step++) {
        world->seq += below(4);
        for (uint32_t i = below(4); i > 0; i--)
            opens(world);
        for (uint32_t i = below(12); i > 0 && world->count > 0; i--)
            changes(world);
        if (world->count > 0 && below(4) == 0)
            busts(world);
        if (below(150) == 0 && world->seq > world->forgotten + 200) {
            world->forgotten = world->seq - below(200);
            tw_saving_forget(&world->saving, &world->openings, world->forgotten);
        }
        goes_on_with_snapshot(world);
        uint32_t before = world->openings.count;
        tw_openings_settle(&world->openings);
        world->moved += before - world->openings.count;
    }
}

static const struct tw_shelf_sizes sizes[] = {{1, 1, 0}, {3, 2, 4}, {50, 10, 8}, {20, 1, 20}, {200, 30, 10}};

static void is_as_good_as_a_plain_list(void **state)
{
    (void)state;
    uint32_t archived_busts = 0, snapshots = 0;
    for (uint32_t i = 0; i < 40; i++) {
        struct tw_shelf shelf = tw_shelf_in_memory();
        shelf.sizes = sizes[i % 5];
        struct world *world = world_new(shelf);
        plays(world, i + 1, 2000);
        assert_true(world->moved > 500);
        archived_busts += world->archived_busts;
        snapshots += world->snapshots;
        world_free(world);
    }
    print_message("%u busts of what was archived, %u snapshots\n", archived_busts, snapshots);
    assert_true(archived_busts > 2000 && snapshots > 300);
}

/* ---- retention ---- */

struct counted {
    struct tw_shelf below;
    uint32_t there, most;
    bool broken; /* reading fails */
    bool bent;   /* reading gives other bytes */
};

static uint32_t counted_put(void *context, const uint8_t *bytes, uint32_t length)
{
    struct counted *counted = context;
    if (++counted->there > counted->most)
        counted->most = counted->there;
    return counted->below.put(counted->below.context, bytes, length);
}
static bool counted_get(void *context, uint32_t place, uint8_t *bytes, uint32_t length)
{
    struct counted *counted = context;
    bool got = counted->below.get(counted->below.context, place, bytes, length);
    bytes[length / 2] ^= counted->bent;
    return got && !counted->broken;
}
static void counted_drop(void *context, uint32_t place, uint32_t length)
{
    struct counted *counted = context;
    counted->there--;
    counted->below.drop(counted->below.context, place, length);
}
static void counted_end(void *context)
{
    struct counted *counted = context;
    counted->below.end(counted->below.context);
}

static struct tw_shelf counted_shelf(struct counted *counted, struct tw_shelf_sizes own)
{
    *counted = (struct counted){.below = tw_shelf_in_memory()};
    return (struct tw_shelf){counted, counted_put, counted_get, counted_drop, counted_end, own};
}

static void fires(struct world *world, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        world->seq++;
        opens(world);
        world->plain[world->count - 1].state = TW_OPENING_ENDED;
        tw_openings_end(&world->openings, &world->openings.list[world->openings.count - 1], TW_OPENING_ENDED);
        tw_openings_settle(&world->openings);
    }
}

static void the_list_stays_short_and_retention_empties_the_shelf(void **state)
{
    (void)state;
    struct counted counted;
    struct world *world = world_new(counted_shelf(&counted, (struct tw_shelf_sizes){100, 10, 8}));
    fires(world, 5000);
    assert_true(world->openings.count < 110 + 10 * 5000 / 256);
    assert_true(counted.there >= 5000 / 256);
    uint32_t before = counted.there;
    begins_snapshot(world);
    tw_saving_forget(&world->saving, &world->openings, world->seq);
    assert_int_equal(counted.there, before); /* the snapshot wants them */
    while (world->saving.active)
        goes_on_with_snapshot(world);
    assert_int_equal(world->snapshots, 1);
    assert_in_range(counted.there, 0, before / 15); /* those of the range that the last trade is in */
    assert_null(tw_openings_first_of(&world->openings, 17));
    world_free(world);
}

/* ---- a shelf that cannot be read ---- */

static void dies_on_bust(struct counted *counted, bool broken)
{
    struct world *world = world_new(counted_shelf(counted, (struct tw_shelf_sizes){1, 1, 8}));
    fires(world, 50);
    assert_int_equal(tw_openings_first_of(&world->openings, 20)->seq, 20);
    counted->broken = broken;
    counted->bent = !broken;
    int says[2];
    assert_int_equal(pipe(says), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(says[1], STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        tw_openings_first_of(&world->openings, 20);
        _exit(0);
    }
    close(says[1]);
    char said[256] = "";
    int status = 0;
    assert_true(read(says[0], said, sizeof said - 1) > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(said, broken ? "cannot be read again" : "are not read as they were written"));
    close(says[0]);
    world_free(world);
}

static void what_cannot_be_read_again_ends_the_process(void **state)
{
    (void)state;
    struct counted counted;
    dies_on_bust(&counted, true);
    dies_on_bust(&counted, false);
}

/* ---- order ---- */

/* Several alerts of one key that one trade opened (in ticks of clock records): they stay in order, wherever they lie.
 */
static void those_of_one_trade_and_key_stay_in_order(void **state)
{
    (void)state;
    struct tw_openings openings = {0};
    struct tw_shelf shelf = tw_shelf_in_memory();
    shelf.sizes = (struct tw_shelf_sizes){2, 2, 4};
    tw_archive_keep_on(&openings.archive, shelf);
    for (uint32_t i = 0; i < 7; i++) {
        struct tw_opening *opening = tw_openings_add(&openings, TW_RULE_VELOCITY, TW_ENTITY_CLIENT, 5, 0,
                                                     (struct tw_origin){100, 100, 1}, 1 + i % 4);
        if (i < 6)
            tw_openings_end(&openings, opening, TW_OPENING_ENDED);
        tw_openings_settle(&openings);
    }
    assert_true(openings.count <= 2);
    uint32_t count = 0;
    for (struct tw_opening *opening = tw_openings_first_of(&openings, 100); opening != NULL;
         opening = tw_openings_next_of(&openings, opening), count++) {
        assert_int_equal(opening->severity, 1 + count % 4);
        assert_int_equal(opening->state, count < 6 ? TW_OPENING_ENDED : TW_OPENING_OPEN);
    }
    assert_int_equal(count, 7);
    tw_openings_free(&openings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_packed_is_read_as_it_was),
        cmocka_unit_test(a_usual_opening_takes_less_than_eight_bytes),
        cmocka_unit_test(bytes_that_are_none_are_refused),
        cmocka_unit_test(is_as_good_as_a_plain_list),
        cmocka_unit_test(the_list_stays_short_and_retention_empties_the_shelf),
        cmocka_unit_test(what_cannot_be_read_again_ends_the_process),
        cmocka_unit_test(those_of_one_trade_and_key_stay_in_order),
    };
    return cmocka_run_group_tests_name("archive", tests, NULL, NULL);
}
