/* SPDX-License-Identifier: MIT
 *
 * A daemon for the client's tests.
 */
#include "tests/unit/daemon_world.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

#include "actors/gateway/gateway.h"
#include "protocol/check.h"
#include "tools/memory_log.h"

#define ENDPOINT_BYTES 64

struct daemon_world {
    struct daemon_habits habits;
    pthread_t thread;
    atomic_bool stopping;
    void *context, *pull, *pub;
    char trades[ENDPOINT_BYTES], acks[ENDPOINT_BYTES];
    struct tw_gateway *gateway;
    struct tw_memory_log *log;
    struct tw_dictionary *symbols;
    struct tw_frame **frames; /* the disk */
    int64_t *due_ns;          /* when each is on it */
    uint32_t frame_count, frame_capacity, durable;
    uint32_t received, sent_acks, restarts;
};

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * TW_NS_PER_SECOND + now.tv_nsec;
}

static int64_t never_rolls(void *context, int64_t ts_ns)
{
    (void)context, (void)ts_ns;
    return INT64_MAX;
}

static void decode(const struct tw_frame *frame, struct tw_record *record)
{
    const char *why = NULL;
    TW_ASSERT(tw_record_decode(frame->bytes, frame->length, record, &why));
}

/* ---- the disk ---- */

static void write_frame(struct daemon_world *world, struct tw_frame *frame)
{
    if (world->frame_count == world->frame_capacity) {
        world->frame_capacity = world->frame_capacity * 2 + 64;
        world->frames = tw_realloc(world->frames, world->frame_capacity * sizeof(struct tw_frame *));
        world->due_ns = tw_realloc(world->due_ns, world->frame_capacity * sizeof *world->due_ns);
    }
    world->due_ns[world->frame_count] = clock_ns(CLOCK_MONOTONIC) + (int64_t)world->habits.durable_after_ms * 1000000;
    world->frames[world->frame_count++] = frame;
}

static void make_durable(struct daemon_world *world, bool all)
{
    struct tw_record record;
    int64_t now_ns = clock_ns(CLOCK_MONOTONIC);
    while (world->durable < world->frame_count && (all || world->due_ns[world->durable] <= now_ns)) {
        struct tw_frame *frame = world->frames[world->durable++];
        decode(frame, &record);
        tw_memory_log_add(world->log, frame, &record);
        tw_gateway_durable(world->gateway, tw_record_lsn(&record));
    }
}

/* ---- life ---- */

static void begin_life(struct daemon_world *world)
{
    const struct tw_gateway_settings settings = {
        .block_trades_max = TW_BLOCK_TRADES_MAX,
        .credit_trades = world->habits.credit_trades == 0 ? TW_CREDIT_TRADES : world->habits.credit_trades,
        .future_ns = 5 * TW_NS_PER_SECOND,
        .reporting_currency = "USD",
        .next_roll = never_rolls,
    };
    world->log = tw_memory_log_new();
    struct tw_history history = tw_memory_log_history(world->log);
    world->gateway = tw_gateway_new(&settings, &history);
    for (uint32_t i = 0; i < world->frame_count; i++) {
        struct tw_record record;
        decode(world->frames[i], &record);
        tw_memory_log_add(world->log, world->frames[i], &record);
        tw_gateway_apply(world->gateway, &record);
    }
    tw_gateway_start(world->gateway, "test", (struct tw_text){"", 0}, clock_ns(CLOCK_REALTIME));
}

static void end_life(struct daemon_world *world)
{
    while (world->frame_count > world->durable)
        tw_frame_drop(&world->frames[--world->frame_count]);
    tw_gateway_free(&world->gateway);
    tw_memory_log_free(&world->log);
}

static void *bound(struct daemon_world *world, int type, char endpoint[ENDPOINT_BYTES])
{
    int zero = 0;
    size_t room = ENDPOINT_BYTES;
    void *socket = zmq_socket(world->context, type);
    TW_ASSERT(socket != NULL);
    zmq_setsockopt(socket, ZMQ_LINGER, &zero, sizeof zero);
    while (zmq_bind(socket, endpoint[0] == '\0' ? "tcp://127.0.0.1:*" : endpoint) < 0)
        TW_ASSERT(errno == EADDRINUSE); /* the one before is still closing */
    if (endpoint[0] == '\0')            /* chosen once; others read it while we run */
        zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &room);
    return socket;
}

static void open_doors(struct daemon_world *world)
{
    world->pull = bound(world, ZMQ_PULL, world->trades);
    world->pub = bound(world, ZMQ_PUB, world->acks);
}

static void restart(struct daemon_world *world)
{
    zmq_close(world->pull);
    zmq_close(world->pub);
    end_life(world);
    begin_life(world);
    open_doors(world);
    world->restarts++;
}

static void send_acks(struct daemon_world *world)
{
    static struct tw_ack ack;
    struct tw_buffer bytes = {0};
    char topic[TW_TOPIC_BYTES_MAX];
    while (tw_gateway_next_ack(world->gateway, clock_ns(CLOCK_MONOTONIC), &ack)) {
        world->sent_acks++;
        if (world->habits.lose_acks_every != 0 && world->sent_acks % world->habits.lose_acks_every == 0)
            continue;
        bytes.length = 0;
        tw_ack_encode(&bytes, &ack);
        zmq_send(world->pub, topic, tw_ack_topic(topic, ack.publisher), ZMQ_SNDMORE);
        zmq_send(world->pub, bytes.bytes, bytes.length, 0);
    }
    tw_buffer_free(&bytes);
}

static void cut(struct daemon_world *world)
{
    struct tw_frame *frame;
    while ((frame = tw_gateway_cut(world->gateway)) != NULL)
        write_frame(world, frame);
}

static void receive(struct daemon_world *world)
{
    zmq_msg_t message;
    zmq_msg_init(&message);
    while (zmq_msg_recv(&message, world->pull, ZMQ_DONTWAIT) >= 0) {
        const struct daemon_habits *habits = &world->habits;
        world->received++;
        if (habits->restart_every != 0 && world->received % habits->restart_every == 0 &&
            world->restarts < habits->restarts_max) {
            restart(world); /* and this message is gone */
            break;
        }
        if (habits->lose_every != 0 && world->received % habits->lose_every == 0)
            continue;
        while (tw_gateway_submit(world->gateway, TW_LANE_PUSH, zmq_msg_data(&message), zmq_msg_size(&message),
                                 clock_ns(CLOCK_REALTIME), clock_ns(CLOCK_MONOTONIC)) == TW_TAKEN_LATER)
            cut(world);
        cut(world);
    }
    zmq_msg_close(&message);
}

static void *live(void *argument)
{
    struct daemon_world *world = argument;
    while (!atomic_load(&world->stopping)) {
        zmq_pollitem_t item = {world->pull, 0, ZMQ_POLLIN, 0};
        zmq_poll(&item, 1, 2);
        receive(world);
        cut(world);
        make_durable(world, false);
        tw_gateway_clock(world->gateway, clock_ns(CLOCK_REALTIME), clock_ns(CLOCK_MONOTONIC));
        send_acks(world);
    }
    make_durable(world, true);
    return NULL;
}

struct daemon_world *daemon_world_start(const struct daemon_habits *habits)
{
    struct daemon_world *world = tw_alloc_zero(1, sizeof *world);
    world->habits = *habits;
    world->context = zmq_ctx_new();
    begin_life(world);
    open_doors(world);
    TW_ASSERT(pthread_create(&world->thread, NULL, live, world) == 0);
    return world;
}

const char *daemon_world_trades(const struct daemon_world *world)
{
    return world->trades;
}
const char *daemon_world_acks(const struct daemon_world *world)
{
    return world->acks;
}
uint32_t daemon_world_restarts(const struct daemon_world *world)
{
    return world->restarts;
}

/* ---- afterwards ---- */

void daemon_world_stop(struct daemon_world *world)
{
    atomic_store(&world->stopping, true);
    TW_ASSERT(pthread_join(world->thread, NULL) == 0);
    zmq_close(world->pull);
    zmq_close(world->pub);
    zmq_ctx_term(world->context);
    world->symbols = tw_dictionary_new(TW_SYMBOLS_MAX);
    for (uint32_t i = 0; i < world->frame_count; i++) {
        struct tw_record record;
        struct tw_new_name name;
        bool added;
        decode(world->frames[i], &record);
        for (uint32_t offset = 0; record.kind == TW_RECORD_BLOCK && tw_block_next_name(&record.block, &offset, &name);)
            if (name.kind == TW_NAME_SYMBOL)
                TW_ASSERT(tw_dictionary_intern(world->symbols, name.name, 0, &added) == name.id);
    }
}

uint64_t daemon_world_trade_count(const struct daemon_world *world)
{
    return tw_gateway_last_seq(world->gateway);
}

void daemon_world_trade(const struct daemon_world *world, uint64_t seq, uint64_t *pseq, int64_t *qty_e8,
                        struct tw_text *symbol)
{
    struct tw_frame *frame;
    struct tw_record record;
    TW_ASSERT(tw_memory_log_fetch(world->log, seq, &frame, &record));
    uint32_t row = (uint32_t)(seq - record.block.follows - 1);
    *pseq = tw_load_u64(record.block.pseq, row);
    *qty_e8 = tw_load_i64(record.block.qty, row);
    *symbol = tw_dictionary_name(world->symbols, tw_load_u32(record.block.symbol, row));
    tw_frame_drop(&frame);
}

void daemon_world_free(struct daemon_world **world_pointer)
{
    struct daemon_world *world = *world_pointer;
    end_life(world);
    for (uint32_t i = 0; i < world->frame_count; i++)
        tw_frame_drop(&world->frames[i]);
    free(world->frames);
    free(world->due_ns);
    tw_dictionary_free(&world->symbols);
    free(world);
    *world_pointer = NULL;
}
