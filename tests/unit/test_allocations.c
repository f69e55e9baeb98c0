/* SPDX-License-Identifier: MIT
 *
 * In steady state a trade allocates nothing on its way through the cores: gateway, shards, exposure, scorer, router,
 * with ids, resends, busts, refusals and alerts among them. Every call of our code to the allocator goes through the
 * linker's --wrap and is counted here.
 *
 * The market is one round of messages, sent again and again under new numbers and times: what has to grow grows in the
 * first rounds, and then nothing does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <execinfo.h>
#include <unistd.h>

#include "actors/gateway/gateway.h"
#include "actors/pipeline/pipeline.h"
#include "actors/router/evidence.h"
#include "cfg/cfg.h"
#include "protocol/check.h"
#include "tools/client/batch.h"
#include "tools/market.h"

#define MESSAGES 40u /* of one round */
#define TRADES 400u  /* of one message */
#define WARM_ROUNDS 4u
#define BEHIND 4u /* records that are cut and not durable */
#define STEP_NS INT64_C(2000000)
#define FIRST_NS (INT64_C(1704205800) * TW_NS_PER_SECOND)

/* ---- counting ---- */

static bool counting, telling; /* telling: where the first few come from */
static unsigned long allocations;

static void count(void)
{
    void *frames[12];
    if (!counting)
        return;
    counting = false; /* backtrace itself may allocate */
    if (allocations++ < 5 && telling)
        backtrace_symbols_fd(frames, backtrace(frames, 12), STDERR_FILENO);
    counting = true;
}

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t number, size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
int __real_posix_memalign(void **memory, size_t alignment, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t number, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);
int __wrap_posix_memalign(void **memory, size_t alignment, size_t bytes);

void *__wrap_malloc(size_t bytes)
{
    count();
    return __real_malloc(bytes);
}
void *__wrap_calloc(size_t number, size_t bytes)
{
    count();
    return __real_calloc(number, bytes);
}
void *__wrap_realloc(void *memory, size_t bytes)
{
    count();
    return __real_realloc(memory, bytes);
}
void *__wrap_aligned_alloc(size_t alignment, size_t bytes)
{
    count();
    return __real_aligned_alloc(alignment, bytes);
}
int __wrap_posix_memalign(void **memory, size_t alignment, size_t bytes)
{
    count();
    return __real_posix_memalign(memory, alignment, bytes);
}

/* ---- the market ---- */

struct desk {
    struct tw_batch batch;
    uint64_t next;
    struct tw_flow_message messages[(WARM_ROUNDS + 1) * MESSAGES];
    uint32_t count;
};

struct world {
    struct desk rows, columns;
    struct tw_gateway *gateway;
    struct tw_pipeline *pipeline;
    struct tw_evidence_source *evidence;
    struct tw_frame *behind[BEHIND]; /* a ring: their records are not durable yet */
    uint64_t cut;
    uint64_t alerts;
    int64_t now_ns;
    struct tw_buffer ack, batch;
};

static void add(struct desk *desk, struct tw_trade *trade, const char *kind, uint64_t id)
{
    char text[32];
    trade->id.length = (uint32_t)snprintf(text, sizeof text, "%s%llu", kind, (unsigned long long)id);
    trade->id.bytes = text;
    assert_true(tw_batch_add(&desk->batch, trade));
}

/* A message of the round: market prints, client trades, one refused, one bust of the message before. */
static void write_message(struct desk *desk, struct tw_market *market, int64_t *ts_ns, bool first)
{
    char reference[32];
    struct tw_trade trade;
    for (uint32_t i = 0; i < TRADES - 2; i++) {
        tw_market_next(market, *ts_ns += STEP_NS, &trade);
        add(desk, &trade, "t", desk->next + i);
    }
    trade.qty_e8 = 0; /* a refusal */
    add(desk, &trade, "z", desk->next);
    if (!first) {
        trade = (struct tw_trade){.kind = TW_KIND_BUST, .ts_ns = *ts_ns, .has_ts = true};
        trade.ref.bytes = reference;
        trade.ref.length = (uint32_t)snprintf(reference, sizeof reference, "t%llu",
                                              (unsigned long long)(desk->next - TRADES + (desk->count * 37) % 300));
    }
    add(desk, &trade, "b", desk->next);
    tw_batch_cut(&desk->batch, desk->next, &desk->messages[desk->count]);
    desk->messages[desk->count++].count = TRADES;
    desk->next += TRADES;
}

static void write_market(struct world *world)
{
    struct desk *desks[] = {&world->rows, &world->columns};
    const struct tw_market_settings settings = {.seed = 7, .symbols = 50, .accounts = 200, .prints_percent = 50};
    int64_t ts_ns = FIRST_NS;
    tw_batch_init(&world->rows.batch, (struct tw_text){"rows", 4}, 0, TRADES, true);
    tw_batch_init(&world->columns.batch, (struct tw_text){"columns", 7}, 0, TRADES, false);
    world->rows.next = world->columns.next = 1;
    for (uint32_t round = 0; round <= WARM_ROUNDS; round++) {
        struct tw_market *market = tw_market_new(&settings); /* the same every time */
        for (uint32_t i = 0; i < MESSAGES; i++)
            write_message(desks[i % 2], market, &ts_ns, round == 0 && i < 2);
        tw_market_free(&market);
    }
}

/* ---- the daemon without its sockets ---- */

static bool no_past(void *context, struct tw_text publisher, struct tw_text id, uint64_t before,
                    struct tw_past_trade *out)
{
    (void)context;
    (void)publisher;
    (void)id;
    (void)before;
    (void)out;
    return false;
}

static bool no_older_block(void *context, uint64_t seq, struct tw_frame **frame, struct tw_record *record)
{
    (void)context;
    (void)seq;
    (void)frame;
    (void)record;
    return false;
}

static int64_t next_day(void *context, int64_t ts_ns)
{
    (void)context;
    return (ts_ns / (86400 * TW_NS_PER_SECOND) + 1) * 86400 * TW_NS_PER_SECOND;
}

static void begin(struct world *world)
{
    const char *const sets[] = {"exposure/remark=1", "rules/velocity/threshold=60", "rules/velocity/window=10",
                                "rules/large_trade/threshold=5000"};
    struct tw_cfg_sources sources = {.sets = sets, .set_count = sizeof sets / sizeof *sets};
    struct tw_cfg_error error;
    struct tw_cfg *cfg = tw_cfg_load(&sources, &error);
    struct tw_buffer rules = {0};
    assert_non_null(cfg);
    tw_cfg_rules_text(cfg, &rules);
    const struct tw_gateway_settings settings = {.block_trades_max = TW_BLOCK_TRADES_MAX,
                                                 .credit_trades = TW_CREDIT_TRADES,
                                                 .future_ns = 86400 * TW_NS_PER_SECOND,
                                                 .reporting_currency = "USD",
                                                 .next_roll = next_day};
    const struct tw_history history = {.by_id = no_past};
    world->gateway = tw_gateway_new(&settings, &history);
    world->evidence = tw_evidence_source_new(no_older_block, NULL);
    struct tw_evidence port = tw_evidence_source_port(world->evidence);
    world->pipeline = tw_pipeline_new(3, &port);
    tw_gateway_start(world->gateway, "test", (struct tw_text){(const char *)rules.bytes, (uint32_t)rules.length},
                     FIRST_NS);
    tw_buffer_free(&rules);
    tw_cfg_free(&cfg);
}

static void keep_alert(void *context, const struct tw_router_alert *alert)
{
    struct world *world = context;
    tw_buffer_append(&world->batch, alert->topic, alert->topic_length);
    tw_buffer_append(&world->batch, alert->bytes, alert->length);
    world->alerts++;
}

static void judge(struct world *world)
{
    for (struct tw_frame *frame; (frame = tw_gateway_cut(world->gateway)) != NULL;) {
        struct tw_record record;
        const char *why = NULL;
        TW_ASSERT(tw_record_decode(frame->bytes, frame->length, &record, &why));
        world->batch.length = 0;
        tw_evidence_source_add(world->evidence, &record);
        tw_pipeline_feed(world->pipeline, &record, keep_alert, world);
        struct tw_frame **place = &world->behind[world->cut++ % BEHIND];
        tw_frame_drop(place);
        *place = frame;
        if (world->cut > BEHIND)
            tw_gateway_durable(world->gateway, world->cut - BEHIND);
    }
}

static void submit(struct world *world, const struct desk *desk, uint32_t number)
{
    const struct tw_buffer *message = &desk->messages[number].bytes;
    world->now_ns += TW_NS_PER_SECOND;
    for (int again = 0; again < 2; again++) { /* the second time it is an equal resend */
        while (tw_gateway_submit(world->gateway, TW_LANE_PUSH, message->bytes, message->length, FIRST_NS,
                                 world->now_ns) == TW_TAKEN_LATER)
            judge(world);
        judge(world);
    }
    tw_gateway_clock(world->gateway, FIRST_NS, world->now_ns);
    for (struct tw_ack ack; tw_gateway_next_ack(world->gateway, world->now_ns, &ack);) {
        world->ack.length = 0;
        tw_ack_encode(&world->ack, &ack);
        assert_false(ack.has_hold);
    }
}

static void run_round(struct world *world, uint32_t round)
{
    for (uint32_t i = 0; i < MESSAGES; i++)
        submit(world, i % 2 == 0 ? &world->rows : &world->columns, (round * MESSAGES + i) / 2);
}

static void end(struct world *world)
{
    struct desk *desks[] = {&world->rows, &world->columns};
    for (uint32_t i = 0; i < BEHIND; i++)
        tw_frame_drop(&world->behind[i]);
    tw_gateway_free(&world->gateway);
    tw_pipeline_free(&world->pipeline);
    tw_evidence_source_free(&world->evidence);
    tw_buffer_free(&world->ack);
    tw_buffer_free(&world->batch);
    for (size_t d = 0; d < 2; d++) {
        for (uint32_t i = 0; i < desks[d]->count; i++)
            tw_buffer_free(&desks[d]->messages[i].bytes);
        tw_batch_clear(&desks[d]->batch);
    }
}

static void a_trade_on_its_way_allocates_nothing(void **state)
{
    static struct world world;
    (void)state;
    write_market(&world);
    begin(&world);
    allocations = 0;
    counting = true;
    for (uint32_t round = 0; round < WARM_ROUNDS; round++)
        run_round(&world, round);
    counting = false;
    assert_in_range(allocations, 100, 100000); /* the counter counts: everything grew */
    uint64_t alerts = world.alerts;
    const struct tw_gateway_counters before = tw_gateway_counters(world.gateway);
    printf("warm-up: %lu allocations, %llu alerts\n", allocations, (unsigned long long)alerts);
    allocations = 0;
    counting = telling = true;
    run_round(&world, WARM_ROUNDS);
    counting = false;
    const struct tw_gateway_counters after = tw_gateway_counters(world.gateway);
    printf("then: %lu allocations, %llu trades, %llu refused, %llu resent, %llu alerts\n", allocations,
           (unsigned long long)(after.trades - before.trades), (unsigned long long)(after.refused - before.refused),
           (unsigned long long)(after.duplicates - before.duplicates), (unsigned long long)(world.alerts - alerts));
    assert_int_equal(after.trades - before.trades, MESSAGES * (TRADES - 1));
    assert_int_equal(after.refused - before.refused, MESSAGES);
    assert_in_range(world.alerts - alerts, 10, 100000);
    assert_int_equal(allocations, 0);
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trade_on_its_way_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
