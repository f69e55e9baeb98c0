/* SPDX-License-Identifier: MIT
 *
 * Alerts by their id, against a model that knows every id and looks at all of them: in memory and in runs of any size,
 * ids that begin alike, before and after every start; and what is said when an alert is damaged.
 */
#include <stdlib.h>

#include "protocol/check.h"
#include "store/alert_ids.h"
#include "store_world.h"

#define EVENTS_MAX 20000u
#define POOL 40u

struct model {
    struct world *world;
    uint8_t pool[POOL][TW_ALERT_ID_BYTES];
    uint32_t events; /* so far; of[n] is the pool's */
    uint8_t of[EVENTS_MAX + 1];
    uint32_t run_events;
};

static int setup(void **state)
{
    struct model *model = tw_alloc_zero(1, sizeof *model);
    model->world = world_new();
    struct tw_frame *frame = feed_block(&model->world->feed, 10, 0);
    world_append(model->world, &frame, 1);
    *state = model;
    return 0;
}

static int teardown(void **state)
{
    struct model *model = *state;
    world_free(model->world);
    free(model);
    return 0;
}

/* Some differ in the first byte only, some in the last, some where an entry of a row ends. */
static void make_pool(struct model *model)
{
    struct feed *feed = &model->world->feed;
    for (uint32_t i = 0; i < POOL; i++) {
        uint8_t *id = model->pool[i];
        memset(id, 0x5a, TW_ALERT_ID_BYTES);
        if (i % 4 == 0) {
            for (uint32_t byte = 0; byte < TW_ALERT_ID_BYTES; byte++)
                id[byte] = (uint8_t)feed_random(feed, 256);
            continue;
        }
        id[(const uint8_t[]){0, 0, 5, 15}[i % 4]] = (uint8_t)feed_random(feed, 256);
        id[4] = (uint8_t)feed_random(feed, 3);
    }
}

static void put(struct model *model, uint32_t count)
{
    struct world *world = model->world;
    struct tw_store_alert *alerts = tw_alloc(count * sizeof *alerts);
    world->store->ids.run_events = model->run_events;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t chosen = (uint32_t)feed_random(&world->feed, POOL);
        memcpy(world->feed.alert_id, model->pool[chosen], TW_ALERT_ID_BYTES);
        feed_alert(&world->feed, &alerts[i]);
        model->of[++model->events] = (uint8_t)chosen;
    }
    assert_int_equal(tw_store_put_alerts(world->store, alerts, count, &world->error), TW_STORE_OK);
    for (uint32_t i = 0; i < count; i++)
        free((void *)(uintptr_t)alerts[i].bytes);
    free(alerts);
}

/* ---- what should come ---- */

static uint32_t next_event(const struct model *model, uint32_t n, const uint8_t *id)
{
    do
        n++;
    while (n <= model->events && memcmp(model->pool[model->of[n]], id, TW_ALERT_ID_BYTES) != 0);
    return n;
}

static int count_of_prefix(const struct model *model, const char *digits, size_t length)
{
    const uint8_t *first = NULL;
    for (uint32_t n = 1; n <= model->events; n++) {
        const uint8_t *id = model->pool[model->of[n]];
        char text[2 * TW_ALERT_ID_BYTES + 1];
        tw_hex(id, TW_ALERT_ID_BYTES, text);
        if (memcmp(text, digits, length) != 0)
            continue;
        if (first != NULL && memcmp(first, id, TW_ALERT_ID_BYTES) != 0)
            return 2;
        first = id;
    }
    return first != NULL;
}

/* ---- what comes ---- */

struct walk {
    const struct model *model;
    const uint8_t *id;
    uint32_t n;
};

static bool see(void *context, const struct tw_store_alert *alert)
{
    struct walk *walk = context;
    walk->n = next_event(walk->model, walk->n, walk->id);
    assert_int_equal(alert->n, walk->n);
    return true;
}

static void expect_events(const struct model *model, const uint8_t *id)
{
    struct world *world = model->world;
    struct walk walk = {model, id, 0};
    assert_true(tw_store_events_of(world->store, id, see, &walk, &world->error));
    assert_int_equal(next_event(model, walk.n, id), model->events + 1);
}

static void expect_found(const struct model *model, const uint8_t *id, size_t length)
{
    struct world *world = model->world;
    char digits[2 * TW_ALERT_ID_BYTES + 1];
    uint8_t found[TW_ALERT_ID_BYTES];
    tw_hex(id, TW_ALERT_ID_BYTES, digits);
    digits[length] = '\0';
    int expected = count_of_prefix(model, digits, length);
    int count = tw_store_find_alert(world->store, digits, found, &world->error);
    if (count != expected)
        fail_msg("%s is found %d times, and should be %d", digits, count, expected);
    tw_hex(found, sizeof found, digits);
    char wanted[2 * TW_ALERT_ID_BYTES + 1];
    tw_hex(id, TW_ALERT_ID_BYTES, wanted);
    if (count == 1)
        assert_memory_equal(digits, wanted, length);
}

static void expect_all(const struct model *model)
{
    struct feed *feed = &model->world->feed;
    uint8_t stranger[TW_ALERT_ID_BYTES];
    memset(stranger, 0x5a, sizeof stranger);
    stranger[14] = 1; /* begins as many do */
    expect_events(model, stranger);
    for (uint32_t i = 0; i < POOL; i++) {
        expect_events(model, model->pool[i]);
        for (int times = 0; times < 4; times++)
            expect_found(model, model->pool[i], 1 + feed_random(feed, 2 * TW_ALERT_ID_BYTES));
    }
}

/* ---- the tests ---- */

static void play(struct model *model, uint32_t run_events)
{
    struct world *world = model->world;
    model->run_events = run_events;
    make_pool(model);
    for (int life = 0; life < 4; life++) {
        for (int batch = 0; batch < 6; batch++) {
            put(model, 1 + (uint32_t)feed_random(&world->feed, 60));
            expect_all(model);
        }
        assert_true(tw_store_verify(world->store, NULL, NULL, &world->error));
        world_reopen(world);
        expect_all(model);
    }
    world_close(world);
    world->store = tw_store_open(world->directory, TW_STORE_READ, &world->error);
    assert_non_null(world->store);
    expect_all(model);
}

static void a_run_of_every_batch_answers_as_the_model_does(void **state)
{
    play(*state, 1);
}
static void runs_of_some_batches_answer_as_the_model_does(void **state)
{
    play(*state, 100);
    assert_true(((struct model *)*state)->world->store->ids.reached > 0);
}
static void no_run_answers_as_the_model_does(void **state)
{
    play(*state, TW_ALERT_RUN_EVENTS);
    assert_int_equal(((struct model *)*state)->world->store->ids.reached, 0);
}

/* As in a directory of an older format, which has no runs: opening makes them. A tool's opening makes none. */
static void what_has_no_runs_gets_them_when_it_is_opened_for_writing(void **state)
{
    struct model *model = *state;
    struct world *world = model->world;
    model->run_events = UINT32_MAX;
    make_pool(model);
    while (model->events + 500 < 2 * TW_ALERT_RUN_EVENTS + 1000)
        put(model, 500);
    world_close(world);
    world->store = tw_store_open(world->directory, TW_STORE_READ, &world->error);
    assert_non_null(world->store);
    assert_int_equal(world->store->ids.reached, 0);
    expect_all(model);
    for (int life = 0; life < 2; life++) {
        world_reopen(world);
        assert_int_equal(world->store->ids.reached, 2 * TW_ALERT_RUN_EVENTS);
        expect_all(model);
        assert_true(tw_store_verify(world->store, NULL, NULL, &world->error));
    }
}

static void digits_that_are_none_find_nothing(void **state)
{
    struct model *model = *state;
    struct world *world = model->world;
    static const char *const none[] = {"", "xyz", "5A", "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5", "5a "};
    uint8_t id[TW_ALERT_ID_BYTES];
    model->run_events = 5;
    memset(model->pool, 0x5a, sizeof model->pool);
    put(model, 7);
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_int_equal(tw_store_find_alert(world->store, none[i], id, &world->error), 0);
    assert_int_equal(tw_store_find_alert(world->store, "5", id, &world->error), 1);
}

static void delete_alert(const struct world *world, uint64_t n)
{
    uint8_t key[8];
    char *message = NULL;
    tw_put_u64_be(key, n);
    rocksdb_delete_cf(world->store->db, world->store->write_options, world->store->families[TW_FAMILY_ALERTS],
                      (const char *)key, sizeof key, &message);
    assert_null(message);
}

/* An alert that is damaged stops no start, but whoever might have to know it is told; and so after every start. */
static void a_hole_is_said_by_every_look_up(void **state)
{
    struct model *model = *state;
    struct world *world = model->world;
    uint8_t id[TW_ALERT_ID_BYTES];
    model->run_events = 10;
    memset(model->pool, 0x5a, sizeof model->pool);
    put(model, 10);
    put(model, 5);
    delete_alert(world, 13);
    for (int life = 0; life < 3; life++) {
        world_reopen(world);
        put(model, 20); /* no run goes over it */
        assert_int_equal(world->store->ids.reached, 10);
        assert_int_equal(tw_store_find_alert(world->store, "5a", id, &world->error), -1);
        assert_int_equal(world->error.status, TW_STORE_DAMAGED);
        assert_non_null(strstr(world->error.text, "alert 13 is missing"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_run_of_every_batch_answers_as_the_model_does, setup, teardown),
        cmocka_unit_test_setup_teardown(runs_of_some_batches_answer_as_the_model_does, setup, teardown),
        cmocka_unit_test_setup_teardown(no_run_answers_as_the_model_does, setup, teardown),
        cmocka_unit_test_setup_teardown(what_has_no_runs_gets_them_when_it_is_opened_for_writing, setup, teardown),
        cmocka_unit_test_setup_teardown(digits_that_are_none_find_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_hole_is_said_by_every_look_up, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
