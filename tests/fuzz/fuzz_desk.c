/* SPDX-License-Identifier: MIT
 *
 * Any text as what somebody asks of the desk, or wants to do to an alert, of a daemon in use. Held to: a refusal has
 * its sentence; what is to be recorded is an action that reads back as it is, in its one form, and names an alert that
 * is there.
 *
 * Input: a byte that chooses, then the request.
 */
#include <stdlib.h>

#include "actors/lifecycle/desk_actor.h"
#include "protocol/action.h"
#include "protocol/check.h"
#include "tests/unit/store_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUEST_BYTES_MAX 8192u

static struct world *world;

static void end_world(void)
{
    world_free(world);
}

/* Alerts of two ids and a silence that somebody has set; the feed's own events carry their id only in the record. */
static void make_world(void)
{
    setenv("TMPDIR", "/dev/shm", 0);
    world = world_new();
    atexit(end_world);
    for (uint32_t i = 0; i < 4; i++) {
        struct tw_frame *frame = feed_block(&world->feed, 2, 0);
        struct tw_store_alert alert;
        world_append(world, &frame, 1);
        memset(world->feed.alert_id, (int)(i % 2) * 0x5a, sizeof world->feed.alert_id);
        feed_alert(&world->feed, &alert);
        TW_ASSERT(tw_store_put_alerts(world->store, &alert, 1, &world->error) == TW_STORE_OK);
        free((void *)(uintptr_t)alert.bytes);
    }
    struct tw_frame *frame = feed_action(&world->feed);
    world_append(world, &frame, 1);
}

static void answered(bool ok)
{
    TW_ASSERT(ok || (world->error.text[0] != '\0' && world->error.status != TW_STORE_DAMAGED));
    world->error.text[0] = '\0';
}

static void prepare(const char *request)
{
    struct tw_buffer out = {0}, again = {0};
    struct tw_action action;
    const char *why = NULL;
    bool ok = tw_desk_prepare(world->store, request, &out, &world->error);
    if (ok) {
        uint8_t id[TW_ALERT_ID_BYTES];
        char name[2 * TW_ALERT_ID_BYTES + 1];
        TW_ASSERT(tw_action_decode(out.bytes, out.length, &action, &why) && tw_action_fault(&action) == NULL);
        tw_action_encode(&again, &action);
        TW_ASSERT(again.length == out.length && memcmp(again.bytes, out.bytes, out.length) == 0);
        snprintf(name, sizeof name, "%.*s", (int)action.id.length, action.id.bytes);
        TW_ASSERT(!tw_action_is_of_alert(action.verb) || tw_desk_find(world->store, name, id, &world->error));
    }
    answered(ok);
    tw_buffer_free(&out);
    tw_buffer_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char request[REQUEST_BYTES_MAX + 1];
    if (world == NULL)
        make_world();
    if (size < 1 || size - 1 > REQUEST_BYTES_MAX)
        return 0;
    memcpy(request, data + 1, size - 1);
    request[size - 1] = '\0';
    if ((data[0] & 1) == 0) {
        prepare(request);
    } else {
        struct tw_buffer out = {0};
        answered(tw_desk_command(world->store, request, NOON, &out, &world->error));
        tw_buffer_free(&out);
    }
    return 0;
}
