/* SPDX-License-Identifier: MIT
 *
 * Codes, frames, digests, memory, and how a broken invariant ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>

#include "protocol/check.h"
#include "protocol/digest.h"
#include "protocol/frame.h"
#include "protocol/limits.h"
#include "protocol/status.h"

#define TEXT(literal) ((struct tw_text){(literal), sizeof(literal) - 1u})

/* ---- codes ---- */

static void every_code_has_a_name_of_its_own_and_a_meaning(void **state)
{
    (void)state;
    for (unsigned code = 0; code < TW_CODE_COUNT; code++) {
        const char *name = tw_code_name((enum tw_code)code);
        assert_non_null(name);
        assert_true(strlen(name) > 0 && strlen(name) <= 32);
        assert_true(strlen(tw_code_meaning((enum tw_code)code)) > 0);
        assert_int_equal(tw_code_from_name(name, strlen(name)), code);
    }
    assert_string_equal(tw_code_name(TW_OK), "ok");
    assert_string_equal(tw_code_name(TW_REFUSED_BAD_PRICE), "bad_price");
    assert_string_equal(tw_code_name(TW_HOLD_SEQUENCE_REUSED), "sequence_reused");
}

static void what_is_no_code_has_no_number(void **state)
{
    (void)state;
    assert_int_equal(tw_code_from_name("bad_pric", 8), TW_CODE_COUNT);
    assert_int_equal(tw_code_from_name("bad_price", 8), TW_CODE_COUNT);
    assert_int_equal(tw_code_from_name("bad_prices", 10), TW_CODE_COUNT);
    assert_int_equal(tw_code_from_name("", 0), TW_CODE_COUNT);
}

/* ---- frames ---- */

static void a_frame_of_a_pool_is_used_again(void **state)
{
    (void)state;
    struct tw_frame_pool *pool = tw_frame_pool_new();
    struct tw_frame *first = tw_frame_take(pool, 1000), *kept = first, *second = tw_frame_take(pool, 1000), *large;
    assert_ptr_not_equal(first, second);
    assert_true(first->capacity >= 1000);
    first->length = 10;
    struct tw_frame *shared = tw_frame_share(first);
    tw_frame_drop(&first);
    first = tw_frame_take(pool, 900); /* somebody still reads it */
    assert_ptr_not_equal(first, kept);
    tw_frame_drop(&shared);
    large = tw_frame_take(pool, 100000); /* it is too small for this one */
    assert_ptr_not_equal(large, kept);
    assert_true(large->capacity >= 100000);
    shared = tw_frame_take(pool, 1000);
    assert_ptr_equal(shared, kept);
    assert_int_equal(shared->length, 0);
    assert_int_equal(atomic_load(&shared->references), 1);
    tw_frame_drop(&first);
    tw_frame_drop(&second);
    tw_frame_drop(&shared);
    tw_frame_pool_close(&pool);
    assert_null(pool);
    memset(large->bytes, 0x5a, large->capacity); /* it outlives the pool's owner */
    tw_frame_drop(&large);
}

static void frames_that_lie_idle_are_bounded(void **state)
{
    (void)state;
    enum { MANY = 80, BYTES = 1 << 20 };
    struct tw_frame_pool *pool = tw_frame_pool_new();
    struct tw_frame *frames[MANY];
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    for (int i = 0; i < MANY; i++)
        frames[i] = tw_frame_take(pool, BYTES);
    for (int i = 0; i < MANY; i++)
        tw_frame_drop(&frames[i]);
    frames[0] = tw_frame_take(pool, BYTES); /* what came back is looked through now */
    size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
    if (after != before) /* sanitizers have an allocator of their own, which does not say */
        assert_in_range(after - before, BYTES, TW_FRAMES_IDLE_BYTES_MAX + 2 * BYTES);
    tw_frame_drop(&frames[0]);
    tw_frame_pool_close(&pool);
}

static void *drop_all(void *argument)
{
    struct tw_frame **frames = argument;
    for (int i = 0; i < 2000; i++) {
        struct tw_frame *frame;
        while ((frame = __atomic_exchange_n(&frames[i % 8], NULL, __ATOMIC_ACQUIRE)) == NULL)
            sched_yield();
        assert_int_equal(frame->bytes[0], i % 251);
        tw_frame_drop(&frame);
    }
    return NULL;
}

static void frames_come_back_from_other_threads(void **state)
{
    (void)state;
    struct tw_frame_pool *pool = tw_frame_pool_new();
    struct tw_frame *hands[2][8] = {{NULL}};
    pthread_t threads[2];
    for (int t = 0; t < 2; t++)
        assert_int_equal(pthread_create(&threads[t], NULL, drop_all, hands[t]), 0);
    for (int i = 0; i < 2000; i++) {
        struct tw_frame *frame = tw_frame_take(pool, 600 + (size_t)(i % 3) * 1000);
        frame->bytes[0] = (uint8_t)(i % 251);
        for (int t = 0; t < 2; t++) {
            while (__atomic_load_n(&hands[t][i % 8], __ATOMIC_RELAXED) != NULL)
                sched_yield();
            __atomic_store_n(&hands[t][i % 8], tw_frame_share(frame), __ATOMIC_RELEASE);
        }
        tw_frame_drop(&frame);
    }
    tw_frame_pool_close(&pool); /* some are still out */
    for (int t = 0; t < 2; t++)
        assert_int_equal(pthread_join(threads[t], NULL), 0);
}

static void a_frame_lives_until_its_last_holder_drops_it(void **state)
{
    (void)state;
    struct tw_frame *frame = tw_frame_new(100), *shared;
    assert_int_equal(frame->length, 0);
    assert_int_equal(frame->capacity, 100);
    memset(frame->bytes, 0x5a, 100);
    shared = tw_frame_share(frame);
    assert_ptr_equal(shared, frame);
    tw_frame_drop(&frame);
    assert_null(frame);
    for (int i = 0; i < 100; i++) /* a sanitizer would see it freed */
        assert_int_equal(shared->bytes[i], 0x5a);
    tw_frame_drop(&shared);
    assert_null(shared);
    tw_frame_drop(&shared);
}

static void *hold_and_drop(void *argument)
{
    struct tw_frame *frame = argument;
    for (int i = 0; i < 20000; i++) {
        struct tw_frame *again = tw_frame_share(frame);
        tw_frame_drop(&again);
    }
    tw_frame_drop(&frame);
    return NULL;
}

static void a_frame_is_counted_across_threads(void **state)
{
    (void)state;
    struct tw_frame *frame = tw_frame_new(8);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hold_and_drop, tw_frame_share(frame)), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&frame->references), 1);
    tw_frame_drop(&frame);
}

/* ---- memory and broken invariants ---- */

static void memory_of_no_bytes_is_memory(void **state)
{
    (void)state;
    char *text = tw_strndup("desk-7", 4), *empty = tw_strndup(NULL, 0);
    uint8_t *zero = tw_alloc_zero(5, 3);
    void *none = tw_alloc(0);
    assert_string_equal(text, "desk");
    assert_string_equal(empty, "");
    for (int i = 0; i < 15; i++)
        assert_int_equal(zero[i], 0);
    assert_non_null(none);
    none = tw_realloc(none, 100);
    assert_non_null(none);
    free(text);
    free(empty);
    free(zero);
    free(none);
}

static void break_invariant(void)
{
    TW_ASSERT(1 + 1 == 3);
}

static void reach_the_unreachable(void)
{
    TW_UNREACHABLE("a test's end");
}

/* The signal that ended a child which did `deed`, and what it said. */
static int end_of(void (*deed)(void), char *said, size_t room)
{
    int ends[2], status = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        deed();
        _exit(0);
    }
    close(ends[1]);
    size_t length = 0;
    for (ssize_t more; (more = read(ends[0], said + length, room - 1 - length)) > 0;)
        length += (size_t)more;
    said[length] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void a_broken_invariant_aborts_with_its_place(void **state)
{
    (void)state;
    char said[1024];
    assert_int_equal(end_of(break_invariant, said, sizeof said), SIGABRT);
    assert_non_null(strstr(said, "1 + 1 == 3"));
    assert_non_null(strstr(said, "break_invariant"));
    assert_non_null(strstr(said, "test_basics.c:"));
    assert_int_equal(end_of(reach_the_unreachable, said, sizeof said), SIGABRT);
    assert_non_null(strstr(said, "a test's end"));
}

/* ---- digests: expected values by Python's hashlib ---- */

static void expect_hex(const uint8_t *bytes, size_t length, const char *expected)
{
    char hex[2 * TW_SHA256_BYTES + 1];
    tw_hex(bytes, length, hex);
    assert_string_equal(hex, expected);
}

static void sha256_is_sha256(void **state)
{
    (void)state;
    uint8_t out[TW_SHA256_BYTES];
    tw_sha256("abc", 3, out);
    expect_hex(out, sizeof out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    tw_sha256(NULL, 0, out);
    expect_hex(out, sizeof out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void the_digest_goes_on_line_by_line(void **state)
{
    (void)state;
    static const char *const lines[] = {"1 open HIGH_SYMBOL_EXPOSURE HIGH X 1 60000000000000\n",
                                        "2 open HIGH_CLIENT_EXPOSURE HIGH A 2 105000000000000\n"};
    uint8_t digest[TW_SHA256_BYTES] = {0};
    struct tw_hasher *hasher = tw_hasher_new();
    tw_digest_extend(hasher, digest, lines[0], strlen(lines[0]));
    expect_hex(digest, sizeof digest, "b6f0c4078d2893a58a5c006781d3f72194888ea88f79be8eaf819908c8247079");
    tw_digest_extend(hasher, digest, lines[1], strlen(lines[1]));
    expect_hex(digest, sizeof digest, "26c00abdf0069045ed6f9c18a726dde9ca62809aa3ce060a39c7cbba6d8c4853");
    tw_hasher_free(&hasher);
}

static void alert_ids_follow_from_the_opening_trade(void **state)
{
    (void)state;
    uint8_t id[16];
    struct tw_hasher *hasher = tw_hasher_new();
    tw_alert_id(hasher, "HIGH_CLIENT_EXPOSURE", "CLIENT", TEXT("A"), TEXT("desk-7"), 1, 258, id);
    expect_hex(id, sizeof id, "b61f462a4148179f6feed933beaaa621");
    tw_alert_id(hasher, "LARGE_TRADE", "TRADE", TEXT("_anon/3/9"), (struct tw_text){NULL, 0}, 0, 9, id);
    expect_hex(id, sizeof id, "1a98ae7d7b638b448220042bae4c680c");
    tw_hasher_free(&hasher);
}

/* Big-endian XXH3-128 of a buffer, by the one-shot function. */
static void chain_by_hand(const uint8_t *joined, size_t length, uint8_t out[16])
{
    XXH128_hash_t hash = XXH3_128bits(joined, length);
    for (int i = 0; i < 8; i++) {
        out[i] = (uint8_t)(hash.high64 >> (56 - 8 * i));
        out[8 + i] = (uint8_t)(hash.low64 >> (56 - 8 * i));
    }
}

static void the_chain_hashes_the_previous_link_and_the_record(void **state)
{
    (void)state;
    enum { RECORD = 3000 };
    uint8_t joined[16 + RECORD], expected[16];
    struct tw_chain chain = {{0}};
    for (size_t i = 0; i < RECORD; i++)
        joined[16 + i] = (uint8_t)(i * 31 >> 3);
    for (size_t length = 0; length <= RECORD; length = length * 2 + 1) {
        memcpy(joined, chain.bytes, 16);
        chain_by_hand(joined, 16 + length, expected);
        chain = tw_chain_next(chain, joined + 16, length);
        assert_memory_equal(chain.bytes, expected, 16);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_a_name_of_its_own_and_a_meaning),
        cmocka_unit_test(what_is_no_code_has_no_number),
        cmocka_unit_test(a_frame_lives_until_its_last_holder_drops_it),
        cmocka_unit_test(a_frame_of_a_pool_is_used_again),
        cmocka_unit_test(frames_that_lie_idle_are_bounded),
        cmocka_unit_test(frames_come_back_from_other_threads),
        cmocka_unit_test(a_frame_is_counted_across_threads),
        cmocka_unit_test(memory_of_no_bytes_is_memory),
        cmocka_unit_test(a_broken_invariant_aborts_with_its_place),
        cmocka_unit_test(sha256_is_sha256),
        cmocka_unit_test(the_digest_goes_on_line_by_line),
        cmocka_unit_test(alert_ids_follow_from_the_opening_trade),
        cmocka_unit_test(the_chain_hashes_the_previous_link_and_the_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
