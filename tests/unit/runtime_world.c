/* SPDX-License-Identifier: MIT */
#include "runtime_world.h"

#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

#include "actors/runtime/log.h"
#include "cfg/cfg.h"
#include "protocol/check.h"
#include "protocol/submission.h"

#define MILLISECOND INT64_C(1000000)
#define NOON (INT64_C(1381233600) * TW_NS_PER_SECOND) /* 2013-10-08: no idle clock runs */
#define CREDIT 1000000u

/* ---- making one ---- */

static int64_t next_midnight(void *context, int64_t ts_ns)
{
    const int64_t day_ns = INT64_C(86400) * TW_NS_PER_SECOND;
    (void)context;
    return (ts_ns / day_ns + 1) * day_ns;
}

static bool fetch_block(void *store, uint64_t seq, struct tw_frame **frame, struct tw_record *record)
{
    return tw_store_block_of(store, seq, frame, record);
}

static void clean_answer(void *object)
{
    tw_shard_answer_free(object);
}
static void clean_events(void *object)
{
    tw_events_free(object);
}

static void make_gateway(struct world *world)
{
    struct tw_cfg_error error;
    struct tw_cfg *cfg = tw_cfg_load(&(struct tw_cfg_sources){0}, &error);
    struct tw_buffer text = {0};
    struct tw_history port = tw_store_history_port(&world->history);
    struct tw_gateway_settings settings = {.block_trades_max = ROWS,
                                           .credit_trades = CREDIT,
                                           .future_ns = 5 * TW_NS_PER_SECOND,
                                           .reporting_currency = "USD",
                                           .next_roll = next_midnight,
                                           .idle_clock = true};
    assert_non_null(cfg);
    tw_cfg_rules_text(cfg, &text);
    world->gateway_core = tw_gateway_new(&settings, &port);
    tw_gateway_start(world->gateway_core, "test", (struct tw_text){(const char *)text.bytes, (uint32_t)text.length},
                     tw_wall_ns());
    tw_buffer_free(&text);
    tw_cfg_free(&cfg);
}

struct world *world_new(void)
{
    struct world *world = tw_alloc_zero(1, sizeof *world);
    struct tw_store_error error;
    const char *base = getenv("TMPDIR");
    tw_log_configure(TW_LOG_ERROR, false);
    snprintf(world->directory, sizeof world->directory, "%s/tapewarden-runtime-XXXXXX", base == NULL ? "/tmp" : base);
    assert_non_null(mkdtemp(world->directory));
    snprintf(world->endpoint, sizeof world->endpoint, "ipc://%.80s/trades", world->directory);
    char data[160];
    snprintf(data, sizeof data, "%s/data", world->directory);
    world->store = tw_store_open(data, TW_STORE_WRITE, &error);
    if (world->store == NULL)
        print_error("%s\n", error.text);
    assert_non_null(world->store);
    world->history.store = world->store;
    world->answers = tw_pool_new(sizeof(struct tw_shard_answer), clean_answer);
    world->events = tw_pool_new(sizeof(struct tw_events), clean_events);
    world->slices = tw_slices_new();
    world->unjudged.most = TW_UNJUDGED_BYTES_MAX;
    world->unjudged.least = TW_LANE_HWM;
    world->judged.most = TW_JUDGED_BYTES_MAX;
    world->evidence = tw_evidence_source_new(fetch_block, world->store);
    struct tw_evidence port = tw_evidence_source_port(world->evidence);
    struct tw_pipeline *pipeline = tw_pipeline_new(SHARDS, &port);
    world->cores = tw_pipeline_release(&pipeline);
    make_gateway(world);
    return world;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static void free_cores(struct world *world)
{
    for (uint32_t i = 0; i < SHARDS; i++) {
        tw_shard_actor_free(&world->shard[i]);
        tw_shard_free(&world->cores.shard[i]);
    }
    tw_exposure_actor_free(&world->exposure);
    tw_exposure_free(&world->cores.exposure);
    tw_scorer_actor_free(&world->scorer);
    tw_scorer_free(&world->cores.scorer);
    tw_router_actor_free(&world->router);
    tw_router_free(&world->cores.router);
    tw_evidence_source_free(&world->evidence);
    tw_gateway_actor_free(&world->gateway);
    tw_gateway_free(&world->gateway_core);
    tw_journal_actor_free(&world->journal);
    tw_keeper_actor_free(&world->keeper);
}

/* libzmq lets go of what is in a closed socket in a thread of its own. */
static void await_all_back(struct tw_pool *pool)
{
    int64_t deadline_ns = tw_now_ns() + PATIENCE_MS * MILLISECOND;
    while (tw_pool_out(pool) != 0) {
        assert_true(tw_now_ns() < deadline_ns);
        zmq_poll(NULL, 0, 1);
    }
}

/* There it gives back the sockets' names too, which the next world needs. */
static void await_lane_free(const char *name)
{
    int64_t deadline_ns = tw_now_ns() + PATIENCE_MS * MILLISECOND;
    zsock_t *socket = zsock_new(ZMQ_PULL);
    while (zsock_bind(socket, "inproc://%s", name) < 0) {
        assert_true(tw_now_ns() < deadline_ns);
        zmq_poll(NULL, 0, 1);
    }
    zsock_unbind(socket, "inproc://%s", name);
    zsock_destroy(&socket);
}

static void await_lanes_free(void)
{
    static const char *const names[] = {TW_LANE_JOURNAL, TW_LANE_EXPOSURE, TW_LANE_SCORER, TW_LANE_ROUTER,
                                        TW_LANE_CATCHUP, TW_LANE_KEEPER,   TW_LANE_ACTIONS};
    char name[TW_LANE_NAME_BYTES];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        await_lane_free(names[i]);
    for (uint32_t i = 0; i < SHARDS; i++) {
        snprintf(name, sizeof name, TW_LANE_SHARD_FORMAT, i);
        await_lane_free(name);
        snprintf(name, sizeof name, TW_LANE_ANSWER_FORMAT, i);
        await_lane_free(name);
    }
}

void world_free(struct world **world_pointer)
{
    struct world *world = *world_pointer;
    world_end(world);
    zsock_destroy(&world->push);
    zsock_destroy(&world->acks);
    free_cores(world);
    await_all_back(world->answers);
    await_all_back(world->events);
    await_all_back(world->slices);
    await_lanes_free();
    tw_pool_free(&world->answers);
    tw_pool_free(&world->events);
    tw_pool_free(&world->slices);
    tw_store_history_clear(&world->history);
    tw_store_close(&world->store);
    nftw(world->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(world);
    *world_pointer = NULL;
}

/* ---- starting ---- */

static void start(struct world *world, struct tw_agent agent)
{
    char failure[512];
    zactor_t *actor = tw_agent_start(&agent, failure);
    if (actor == NULL)
        print_error("%s: %s\n", agent.name, failure);
    assert_non_null(actor);
    world->running[world->running_count++] = actor;
}

static struct tw_pool *slices(struct world *world)
{
    return world->snapshot_trades == 0 ? NULL : world->slices;
}

void world_start_router(struct world *world)
{
    const struct tw_router_actor_settings settings = {
        "tcp://127.0.0.1:*", "tcp://127.0.0.1:*", 0, slices(world), &world->judged, NULL, NULL};
    world->router = tw_router_actor_new(&world->cores.router, &world->evidence, world->store, &settings);
    start(world, tw_router_actor_agent(world->router));
}

void world_start_exposure(struct world *world)
{
    world->scorer = tw_scorer_actor_new(&world->cores.scorer, slices(world));
    start(world, tw_scorer_actor_agent(world->scorer));
    world->exposure = tw_exposure_actor_new(&world->cores.exposure, SHARDS, world->events, slices(world),
                                            &world->unjudged, &world->judged);
    start(world, tw_exposure_actor_agent(world->exposure));
}

void world_start_shards(struct world *world)
{
    for (uint32_t i = 0; i < SHARDS; i++) {
        world->shard[i] = tw_shard_actor_new(&world->cores.shard[i], i, world->answers, slices(world));
        start(world, tw_shard_actor_agent(world->shard[i]));
    }
}

void world_start_judges(struct world *world)
{
    world_start_exposure(world);
    world_start_shards(world);
}

void world_start_keeper(struct world *world)
{
    const struct tw_keeper_actor_settings settings = {
        .keeper = {.shards = SHARDS}, .directory = world->directory, .retry_ns = KEEPER_RETRY_NS};
    world->keeper = tw_keeper_actor_new(world->store, &settings);
    start(world, tw_keeper_actor_agent(world->keeper));
}

void world_start_journal(struct world *world)
{
    world->journal = tw_journal_actor_new(world->store);
    start(world, tw_journal_actor_agent(world->journal));
}

void world_start_gateway(struct world *world)
{
    const struct tw_gateway_actor_settings settings = {
        .trades = world->endpoint,
        .acks = "tcp://127.0.0.1:*",
        .shards = SHARDS,
        .barrier = {.slices = slices(world), .snapshot_trades = world->snapshot_trades},
        .unjudged = &world->unjudged};
    world->gateway = tw_gateway_actor_new(&world->gateway_core, &settings);
    start(world, tw_gateway_actor_agent(world->gateway));
}

/* ---- the publisher ---- */

static const struct tw_text publisher = {"desk-7", 6};

static bool send_submission(struct world *world, uint64_t seq, const struct tw_trade *trades, uint32_t count)
{
    struct tw_buffer message = {0};
    tw_submission_encode_rows(&message, publisher, 0, seq, trades, count);
    bool sent = zmq_send(zsock_resolve(world->push), message.bytes, message.length, ZMQ_DONTWAIT) >= 0;
    tw_buffer_free(&message);
    return sent;
}

bool world_push(struct world *world)
{
    static const char *const symbols[] = {"AAPL", "BAC", "IBM", "SPY", "X"};
    struct tw_trade trades[ROWS];
    char accounts[ROWS][8];
    for (uint32_t i = 0; i < ROWS; i++) {
        uint64_t number = world->sent + i + 1;
        const char *symbol = symbols[number % 5];
        snprintf(accounts[i], sizeof accounts[i], "A%u", (unsigned)(number % 7));
        trades[i] = (struct tw_trade){.symbol = {symbol, (uint32_t)strlen(symbol)},
                                      .account = {accounts[i], 2},
                                      .side = number % 2 == 0 ? TW_SIDE_BUY : TW_SIDE_SELL,
                                      .qty_e8 = (number % 10 == 0 ? 20000 : 1) * TW_E8,
                                      .price_e8 = TW_E8,
                                      .ts_ns = NOON + (int64_t)number * MILLISECOND,
                                      .has_ts = true};
    }
    if (!send_submission(world, world->sent + 1, trades, ROWS))
        return false;
    world->sent += ROWS;
    return true;
}

/* An ack if one comes in time. */
static bool hear(struct world *world, long wait_ms)
{
    zmq_pollitem_t item = {zsock_resolve(world->acks), 0, ZMQ_POLLIN, 0};
    zmq_msg_t topic, payload;
    if (zmq_poll(&item, 1, wait_ms) != 1)
        return false;
    assert_true(tw_lane_receive(world->acks, &topic));
    assert_true(tw_lane_receive(world->acks, &payload));
    assert_true(tw_ack_decode(zmq_msg_data(&payload), zmq_msg_size(&payload), &world->ack));
    if (world->disk_gets_full) {
        assert_true(!world->ack.has_hold || memcmp(world->ack.hold_code.bytes, "disk", 4) == 0);
        assert_true(world->ack.has_hold == (world->ack.credit == 0));
    } else {
        assert_false(world->ack.has_hold);
        assert_int_equal(world->ack.gap, 0);
    }
    assert_int_equal(world->ack.refused_total, 0);
    zmq_msg_close(&topic);
    zmq_msg_close(&payload);
    return true;
}

void world_connect(struct world *world)
{
    int64_t deadline_ns = tw_now_ns() + PATIENCE_MS * MILLISECOND;
    world->acks = zsock_new(ZMQ_SUB);
    zsock_set_subscribe(world->acks, "ack.desk-7.");
    assert_int_equal(zsock_connect(world->acks, "%s", tw_gateway_actor_acks(world->gateway)), 0);
    world->push = zsock_new(ZMQ_PUSH);
    zsock_set_linger(world->push, 0);
    zsock_set_sndhwm(world->push, 0);
    assert_int_equal(zsock_connect(world->push, "%s", world->endpoint), 0);
    do {
        assert_true(tw_now_ns() < deadline_ns);
        assert_true(send_submission(world, 1, NULL, 0));
    } while (!hear(world, 50)); /* the subscription takes a moment */
}

void world_hear_ack(struct world *world)
{
    assert_true(hear(world, PATIENCE_MS));
}

void world_await_durable(struct world *world, uint64_t durable)
{
    int64_t deadline_ns = tw_now_ns() + PATIENCE_MS * MILLISECOND;
    while (world->ack.durable < durable) {
        if (tw_now_ns() >= deadline_ns)
            print_error("durable %llu next %llu\n", (unsigned long long)world->ack.durable,
                        (unsigned long long)world->ack.next);
        assert_true(tw_now_ns() < deadline_ns);
        hear(world, 100);
    }
}

void world_await_standstill(struct world *world)
{
    uint64_t durable = 0, next = 0;
    int64_t deadline_ns = tw_now_ns() + PATIENCE_MS * MILLISECOND;
    for (int same = 1; same < 3;) {
        assert_true(tw_now_ns() < deadline_ns);
        world_hear_ack(world);
        same = world->ack.durable == durable && world->ack.next == next ? same + 1 : 1;
        durable = world->ack.durable;
        next = world->ack.next;
    }
}

/* ---- the end ---- */

void world_ask_to_stop(struct world *world)
{
    for (uint32_t i = 0; i < world->running_count; i++)
        tw_agent_stop(world->running[i]);
}

static bool all_finished(struct world *world)
{
    bool all = true;
    for (uint32_t i = 0; i < world->running_count; i++) {
        char failure[512];
        int report = world->finished[i] ? 0 : tw_agent_report(world->running[i], failure);
        if (report < 0)
            print_error("%s\n", failure);
        assert_true(report >= 0);
        world->finished[i] = world->finished[i] || report > 0;
        all = all && world->finished[i];
    }
    return all;
}

void world_await_finished(struct world *world, void (*meanwhile)(void *context), void *context)
{
    int64_t deadline_ns = tw_now_ns() + PATIENCE_MS * MILLISECOND;
    while (!all_finished(world)) {
        assert_true(tw_now_ns() < deadline_ns);
        if (meanwhile != NULL)
            meanwhile(context);
        zmq_poll(NULL, 0, 1);
    }
    if (meanwhile != NULL)
        meanwhile(context); /* the last that they sent */
    while (hear(world, 0))
        continue;
}

int64_t world_end(struct world *world)
{
    int64_t begun_ns = tw_now_ns();
    while (world->running_count > 0)
        tw_agent_end(&world->running[--world->running_count]);
    return (tw_now_ns() - begun_ns) / MILLISECOND;
}
