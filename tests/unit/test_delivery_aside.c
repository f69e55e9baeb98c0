/* SPDX-License-Identifier: MIT
 *
 * What may block has a thread of its own: batches there and back, one that hangs, one that comes back late, and an end
 * that waits for nobody. The other thread really blocks: it reads from a pipe into which only the test writes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/delivery/aside_actor.h"
#include "protocol/check.h"

#define TIMEOUT_NS INT64_C(1000000000)
#define PATIENCE_MS 20000

struct pen {       /* the carrier's */
    int let_go[2]; /* each byte lets one batch go */
    int written[2];
    atomic_bool stopped, freed;
    uint32_t arrives_at_most;
};

struct world {
    struct pen pen;
    struct tw_aside *aside;
    struct tw_attempt attempts[8];
    struct tw_ended ended;
};

static void carry(void *self, struct tw_batch *batch)
{
    struct pen *pen = self;
    char byte;
    (void)!read(pen->let_go[0], &byte, 1);
    batch->arrived = batch->count < pen->arrives_at_most ? batch->count : pen->arrives_at_most;
    batch->number = batch->arrived < batch->count ? ENOSPC : 0;
    batch->status = 75; /* of one alone */
    tw_batch_say(batch, "not\nnow", 7);
    size_t bytes = batch->arrived == 0 ? 0 : batch->ends[batch->arrived - 1];
    TW_ASSERT(write(pen->written[1], batch->bytes.bytes, bytes) == (ssize_t)bytes);
}

static void stop_pen(void *self)
{
    atomic_store(&((struct pen *)self)->stopped, true);
}

static void free_pen(void *self)
{
    atomic_store(&((struct pen *)self)->freed, true);
}

static int make_world(void **state)
{
    struct world *world = tw_alloc_zero(1, sizeof *world);
    assert_int_equal(pipe(world->pen.let_go), 0);
    assert_int_equal(pipe(world->pen.written), 0);
    world->pen.arrives_at_most = TW_DELIVERY_WINDOW;
    struct tw_carrier carrier = {.self = &world->pen, .carry = carry, .stop = stop_pen, .free = free_pen};
    world->aside = tw_aside_new(&carrier, TIMEOUT_NS);
    *state = world;
    return 0;
}

static void let_go(struct world *world)
{
    assert_int_equal(write(world->pen.let_go[1], "x", 1), 1);
}

static int end_world(void **state)
{
    struct world *world = *state;
    tw_aside_free(&world->aside);
    for (int waited = 0; !atomic_load(&world->pen.freed) && waited < PATIENCE_MS; waited += 10) {
        let_go(world); /* it may hang still: the thread ends when it comes back */
        poll(NULL, 0, 10);
    }
    assert_true(atomic_load(&world->pen.freed));
    for (int i = 0; i < 2; i++)
        close(world->pen.let_go[i]), close(world->pen.written[i]);
    for (size_t i = 0; i < sizeof world->attempts / sizeof *world->attempts; i++)
        tw_buffer_free(&world->attempts[i].request.body);
    free(world);
    return 0;
}

static void begin(struct world *world, uint32_t number, const char *body)
{
    struct tw_attempt *attempt = &world->attempts[number];
    attempt->request.body.length = 0;
    attempt->ended = false;
    tw_buffer_append(&attempt->request.body, body, strlen(body));
    tw_aside_begin(world->aside, attempt);
}

/* A turn at that time; how many have ended in it. */
static uint32_t work(struct world *world, int64_t now_ns)
{
    uint32_t count = 0;
    world->ended = (struct tw_ended){NULL, NULL};
    world->ended.last = &world->ended.first;
    tw_aside_work(world->aside, now_ns, &world->ended);
    for (const struct tw_attempt *attempt = world->ended.first; attempt != NULL; attempt = attempt->next)
        count++;
    return count;
}

/* Until the batch is back. */
static void wait_back(struct world *world)
{
    zmq_pollitem_t item;
    int64_t deadline_ns = INT64_MAX;
    assert_int_equal(tw_aside_wait_for(world->aside, &item, 0, &deadline_ns), 1);
    assert_int_equal(zmq_poll(&item, 1, PATIENCE_MS), 1);
}

static void assert_written(struct world *world, const char *text)
{
    char bytes[64] = "";
    assert_int_equal(read(world->pen.written[0], bytes, sizeof bytes - 1), strlen(text));
    assert_string_equal(bytes, text);
}

static void assert_said(const struct tw_attempt *attempt, const char *text)
{
    assert_true(attempt->ended);
    assert_false(attempt->answer.answered);
    assert_int_equal(attempt->said_length, strlen(text));
    assert_memory_equal(attempt->said, text, strlen(text));
}

static void batches_go_one_after_the_other(void **state)
{
    struct world *world = *state;
    assert_false(tw_aside_wait(world->aside));
    begin(world, 0, "a\n");
    begin(world, 1, "b\n");
    assert_true(tw_aside_wait(world->aside));
    assert_int_equal(work(world, 0), 0);
    begin(world, 2, "c\n"); /* waits until the batch is back */
    assert_false(tw_aside_wait(world->aside));
    assert_int_equal(work(world, 1), 0);
    let_go(world);
    wait_back(world);
    assert_int_equal(work(world, 2), 2);
    assert_ptr_equal(world->ended.first, &world->attempts[0]);
    assert_true(world->attempts[0].answer.answered && world->attempts[1].answer.answered);
    assert_written(world, "a\nb\n");
    let_go(world);
    wait_back(world);
    assert_int_equal(work(world, 3), 1);
    assert_written(world, "c\n");
}

static void what_did_not_arrive_says_why(void **state)
{
    struct world *world = *state;
    world->pen.arrives_at_most = 1;
    begin(world, 0, "a\n");
    begin(world, 1, "b\n");
    assert_int_equal(work(world, 0), 0);
    let_go(world);
    wait_back(world);
    assert_int_equal(work(world, 1), 2);
    assert_true(world->attempts[0].answer.answered);
    assert_said(&world->attempts[1], "No space left on device");
    assert_written(world, "a\n");
}

static void one_alone_has_a_status_and_its_own_words(void **state)
{
    struct world *world = *state;
    begin(world, 0, "a\n");
    assert_int_equal(work(world, 0), 0);
    let_go(world);
    wait_back(world);
    assert_int_equal(work(world, 1), 1);
    assert_true(world->attempts[0].answer.answered);
    assert_int_equal(world->attempts[0].answer.status, 75);
    assert_int_equal(world->attempts[0].said_length, 7);
    assert_memory_equal(world->attempts[0].said, "not now", 7);
    assert_written(world, "a\n");
}

static void one_that_hangs_ends_by_its_time_limit(void **state)
{
    struct world *world = *state;
    zmq_pollitem_t item;
    int64_t deadline_ns = INT64_MAX;
    begin(world, 0, "a\n");
    assert_int_equal(work(world, 5), 0);
    assert_int_equal(tw_aside_wait_for(world->aside, &item, 0, &deadline_ns), 1);
    assert_int_equal(deadline_ns, 5 + TIMEOUT_NS);
    begin(world, 1, "b\n");
    assert_int_equal(work(world, 4 + TIMEOUT_NS), 0);
    assert_int_equal(work(world, 5 + TIMEOUT_NS), 2);
    assert_said(&world->attempts[0], "it took too long");
    assert_said(&world->attempts[1], "what went before it has not come back");
    begin(world, 2, "c\n"); /* need not wait that long: nothing goes while the other thread hangs */
    assert_true(tw_aside_wait(world->aside));
    assert_int_equal(work(world, 6 + TIMEOUT_NS), 1);
    assert_said(&world->attempts[2], "what went before it has not come back");
}

static void one_that_comes_back_late_changes_nothing_and_others_go_on(void **state)
{
    struct world *world = *state;
    begin(world, 0, "a\n");
    assert_int_equal(work(world, 0), 0);
    assert_int_equal(work(world, TIMEOUT_NS), 1);
    let_go(world);
    wait_back(world);
    assert_int_equal(work(world, TIMEOUT_NS + 1), 0);
    assert_written(world, "a\n");
    begin(world, 0, "a\n"); /* once more */
    assert_int_equal(work(world, TIMEOUT_NS + 2), 0);
    let_go(world);
    wait_back(world);
    assert_int_equal(work(world, TIMEOUT_NS + 3), 1);
    assert_true(world->attempts[0].answer.answered);
    assert_written(world, "a\n");
}

static void its_end_waits_for_nobody(void **state)
{
    struct world *world = *state;
    begin(world, 0, "a\n");
    assert_int_equal(work(world, 0), 0);
    tw_aside_free(&world->aside);
    assert_null(world->aside);
    assert_true(atomic_load(&world->pen.stopped));
    assert_false(atomic_load(&world->pen.freed)); /* nothing has let it go */
}

#define ASIDE_TEST(name) cmocka_unit_test_setup_teardown(name, make_world, end_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ASIDE_TEST(batches_go_one_after_the_other),
        ASIDE_TEST(what_did_not_arrive_says_why),
        ASIDE_TEST(one_alone_has_a_status_and_its_own_words),
        ASIDE_TEST(one_that_hangs_ends_by_its_time_limit),
        ASIDE_TEST(one_that_comes_back_late_changes_nothing_and_others_go_on),
        ASIDE_TEST(its_end_waits_for_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
