/* SPDX-License-Identifier: MIT
 *
 * Deliveries page by page: totals are the same however many pages they take and however many receivers there are, and
 * some alerts' rows are found among many.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "actors/delivery/listing_actor.h"
#include "store_world.h"
#include "tools/deliveries_totals.h"

#define RECEIVERS 150u /* more than one page counts */
#define ALERTS 180u    /* with as many attempts as three pages have */

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

static enum tw_store_outcome outcome_of(uint32_t alert)
{
    return alert % 3 == 0 ? TW_DELIVERY_AGAIN : alert % 3 == 1 ? TW_DELIVERY_DONE : TW_DELIVERY_REJECTED;
}

/* Each alert is attempted once for each receiver: delivered, pending or dead by its number. */
static void fill(struct world *world)
{
    char names[RECEIVERS][8];
    struct tw_store_attempt attempts[RECEIVERS];
    for (uint32_t i = 0; i < RECEIVERS; i++)
        snprintf(names[i], sizeof names[i], "r%u", i % 1000);
    for (uint32_t n = 1; n <= ALERTS; n++) {
        for (uint32_t i = 0; i < RECEIVERS; i++)
            attempts[i] = (struct tw_store_attempt){.receiver = {names[i], (uint32_t)strlen(names[i])},
                                                    .n = n,
                                                    .outcome = outcome_of(n),
                                                    .attempts = 1,
                                                    .queued_ns = 1,
                                                    .began_ns = 1000 + n};
        assert_int_equal(tw_store_put_attempts(world->store, attempts, RECEIVERS, &world->error), TW_STORE_OK);
    }
}

static char *totals_of(struct world *world, const char *receiver)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    world_close(world);
    if (!tw_deliveries_totals(world->directory, receiver, true, out, &world->error))
        fail_msg("%s", world->error.text);
    fclose(out);
    world_open(world);
    return text;
}

static int64_t number(const json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

static void totals_add_up_over_pages(void **state)
{
    struct world *world = *state;
    uint32_t lines = 0;
    fill(world);
    char *text = totals_of(world, NULL);
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"), lines++) {
        json_t *total = json_loads(line, 0, NULL);
        assert_non_null(total);
        assert_int_equal(number(total, "delivered"), ALERTS / 3);
        assert_int_equal(number(total, "again"), ALERTS / 3);
        assert_int_equal(number(total, "rejected"), ALERTS / 3);
        assert_int_equal(number(total, "pending"), ALERTS / 3);
        assert_int_equal(number(total, "dead"), ALERTS / 3);
        assert_int_equal(number(total, "given_up") + number(total, "not_needed"), 0);
        json_decref(total);
    }
    assert_int_equal(lines, RECEIVERS);
    free(text);
    text = totals_of(world, "r149");
    assert_string_equal(text, "{\"receiver\":\"r149\",\"delivered\":60,\"again\":60,\"rejected\":60,\"given_up\":0,"
                              "\"not_needed\":0,\"pending\":60,\"dead\":60}\n");
    free(text);
}

/* As a daemon is asked, in words. */
static uint32_t rows_of(struct world *world, const struct tw_listing *listing, int64_t from_ns, const char *expected)
{
    struct tw_listing_place place = {.ns = from_ns};
    uint32_t rows = 0;
    while (place.part < 3) {
        char request[TW_LISTING_COMMAND_BYTES];
        struct tw_buffer answer = {0};
        const char *lines = NULL;
        tw_listing_ask(listing, &place, request);
        assert_true(tw_listing_command(world->store, request + strlen("deliveries "), 1, &answer, &world->error));
        tw_buffer_append(&answer, "", 1);
        assert_true(tw_listing_read((const char *)answer.bytes, &place, &lines));
        for (const char *end; (end = strchr(lines, '\n')) != NULL; lines = end + 1, rows++)
            assert_non_null(strstr(lines, expected));
        tw_buffer_free(&answer);
    }
    return rows;
}

static void some_alerts_are_found_among_many(void **state)
{
    struct world *world = *state;
    struct tw_listing listing = {.numbers = {7, 170, ALERTS + 1}, .number_count = 3};
    fill(world);
    assert_int_equal(rows_of(world, &listing, 0, "\"n\":"), RECEIVERS * 3); /* delivered; rejected and dead */
    assert_int_equal(rows_of(world, &listing, 1008, "\"n\":170"), RECEIVERS * 2);
    snprintf(listing.receiver, sizeof listing.receiver, "r12");
    assert_int_equal(rows_of(world, &listing, 0, "\"receiver\":\"r12\""), 3);
    listing = (struct tw_listing){.state = TW_LISTING_DEAD, .numbers = {170}, .number_count = 1};
    assert_int_equal(rows_of(world, &listing, 0, "\"state\":\"dead\""), RECEIVERS);
}

static void what_is_no_request_is_refused(void **state)
{
    struct world *world = *state;
    static const char *const bad[] = {"list all - 0 - 0 0",
                                      "list all - 0 - 0 0 0 x",
                                      "list all - 0 - 0 0 0 1,",
                                      "list all - 0 - 0 0 0 1,2,3,4,5,6,7,8,9",
                                      "totals",
                                      "count all - 0 - 0 0 0"};
    struct tw_buffer out = {0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(tw_listing_command(world->store, bad[i], 1, &out, &world->error));
        assert_int_equal(out.length, 0);
    }
    assert_true(tw_listing_command(world->store, "list all - 0 - 0 0 0 1,2,3,4,5,6,7,8", 1, &out, &world->error));
    tw_buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(totals_add_up_over_pages, setup, teardown),
        cmocka_unit_test_setup_teardown(some_alerts_are_found_among_many, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_request_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
