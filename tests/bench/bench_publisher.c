/* SPDX-License-Identifier: MIT
 *
 * The load of the benchmarks: one publisher process, columnar form, synthetic flow (symbols and accounts Zipf) or a
 * desk tape given as CSV on stdin.
 *
 *   bench_publisher throughput TRADES ACKS NAME SECONDS [symbols accounts pace batch]
 *   bench_publisher latency    TRADES ACKS NAME SECONDS RATE [symbols accounts]
 *   bench_publisher acks       TRADES ACKS NAME SECONDS RATE [symbols accounts warm]
 *
 * throughput: as fast as credit allows; event time advances by `pace` trades a second. Prints one JSON line.
 * latency: open loop. Every trade has a due time on the wall clock, which is its ts; what is due is sent, however late
 * the sender is, so that coordinated omission cannot hide. Every 100th trade is large: its LARGE_TRADE alert carries
 * the due time to the subscriber.
 * acks: first `warm` trades as fast as credit allows, so that there is a state; then open loop like latency, one
 * message a millisecond, and how long each trade took from its due time to the ack that says it is durable. One JSON
 * line.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <zmq.h>

#include "protocol/messages.h"
#include "protocol/submission.h"

#define BATCHES_MAX 1024u
#define HISTOGRAM 200000u  /* of 10 us */
#define PRICE_STEP 1000000 /* a cent in 1e-8 */

struct flow {
    uint32_t symbols, accounts, batch, batches;
    uint32_t *symbol[BATCHES_MAX], *account[BATCHES_MAX];
    uint8_t *side[BATCHES_MAX];
    int64_t *qty[BATCHES_MAX], *price[BATCHES_MAX];
};

struct line {
    void *trades, *acks;
    const char *name;
    uint64_t next, durable;
    bool held;
};

static uint64_t random_state = 42;

static uint64_t random_u64(void)
{
    uint64_t z = (random_state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static double uniform(void)
{
    return (double)(random_u64() >> 11) * 0x1p-53;
}

static int64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void *must(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

/* ---- the flow ---- */

static double *zipf_table(uint32_t count)
{
    double *cumulative = must(malloc(count * sizeof *cumulative)), sum = 0;
    for (uint32_t i = 0; i < count; i++)
        cumulative[i] = sum += 1.0 / pow(i + 1.0, 1.1);
    for (uint32_t i = 0; i < count; i++)
        cumulative[i] /= sum;
    return cumulative;
}

static uint32_t zipf(const double *cumulative, uint32_t count)
{
    double u = uniform();
    uint32_t low = 0, high = count - 1;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (cumulative[middle] < u)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Names are ids of the publisher's dictionary: symbols 1 .. S, accounts S + 1 .. S + A. */
static void make_flow(struct flow *flow)
{
    double *symbols = zipf_table(flow->symbols), *accounts = zipf_table(flow->accounts);
    int64_t *level = must(malloc(flow->symbols * sizeof *level));
    for (uint32_t i = 0; i < flow->symbols; i++)
        level[i] = (int64_t)(1000 + random_u64() % 20000) * PRICE_STEP;
    for (uint32_t b = 0; b < flow->batches; b++) {
        flow->symbol[b] = must(malloc(flow->batch * 4));
        flow->account[b] = must(malloc(flow->batch * 4));
        flow->side[b] = must(malloc(flow->batch));
        flow->qty[b] = must(malloc(flow->batch * 8));
        flow->price[b] = must(malloc(flow->batch * 8));
        for (uint32_t i = 0; i < flow->batch; i++) {
            uint32_t symbol = zipf(symbols, flow->symbols);
            level[symbol] += ((int64_t)(random_u64() % 7) - 3) * PRICE_STEP;
            if (level[symbol] < 100 * PRICE_STEP)
                level[symbol] = 100 * PRICE_STEP;
            flow->symbol[b][i] = symbol + 1;
            flow->account[b][i] = flow->symbols + zipf(accounts, flow->accounts) + 1;
            flow->side[b][i] = (random_u64() & 1) != 0 ? TW_SIDE_BUY : TW_SIDE_SELL;
            flow->qty[b][i] = (int64_t)(1 + random_u64() % 9) * 100 * TW_E8;
            flow->price[b][i] = level[symbol];
        }
    }
    free(symbols);
    free(accounts);
    free(level);
}

/* ---- messages ---- */

static void pack_column(struct tw_buffer *out, const char *key, const void *values, size_t bytes)
{
    tw_pack_str(out, key);
    tw_pack_bin(out, values, bytes);
}

static void envelope(struct tw_buffer *out, const char *name, uint64_t seq, uint32_t count)
{
    out->length = 0;
    tw_pack_map(out, 8);
    tw_pack_str(out, "v");
    tw_pack_u64(out, 1);
    tw_pack_str(out, "pub");
    tw_pack_str(out, name);
    tw_pack_str(out, "inc");
    tw_pack_u64(out, 0);
    tw_pack_str(out, "seq");
    tw_pack_u64(out, seq);
    tw_pack_str(out, "n");
    tw_pack_u64(out, count);
}

static void send_bytes(void *socket, const struct tw_buffer *message)
{
    if (zmq_send(socket, message->bytes, message->length, 0) < 0) {
        fprintf(stderr, "send: %s\n", zmq_strerror(errno));
        exit(3);
    }
}

static void send_rows(struct line *line, const struct flow *flow, uint32_t batch, uint32_t from, uint32_t count,
                      const int64_t *ts, const int64_t *qty)
{
    static struct tw_buffer message;
    envelope(&message, line->name, line->next, count);
    tw_pack_str(&message, "base");
    tw_pack_u64(&message, flow->symbols + flow->accounts + 1);
    tw_pack_str(&message, "names");
    tw_pack_array(&message, 0);
    tw_pack_str(&message, "cols");
    tw_pack_map(&message, 6);
    pack_column(&message, "ts", ts, count * 8u);
    pack_column(&message, "symbol", flow->symbol[batch] + from, count * 4u);
    pack_column(&message, "account", flow->account[batch] + from, count * 4u);
    pack_column(&message, "side", flow->side[batch] + from, count);
    pack_column(&message, "qty", qty != NULL ? qty : flow->qty[batch] + from, count * 8u);
    pack_column(&message, "price", flow->price[batch] + from, count * 8u);
    send_bytes(line->trades, &message);
    line->next += count;
}

/* All names travel before the clock starts, in hellos of the columnar form. */
static void send_names(struct line *line, const struct flow *flow)
{
    struct tw_buffer message = {0};
    uint32_t total = flow->symbols + flow->accounts;
    for (uint32_t first = 1; first <= total; first += 8000) {
        uint32_t count = total - first + 1 < 8000 ? total - first + 1 : 8000;
        envelope(&message, line->name, line->next, 0);
        tw_pack_str(&message, "base");
        tw_pack_u64(&message, first);
        tw_pack_str(&message, "names");
        tw_pack_array(&message, count);
        for (uint32_t id = first; id < first + count; id++) {
            char name[16];
            if (id <= flow->symbols)
                snprintf(name, sizeof name, "S%04u", id);
            else
                snprintf(name, sizeof name, "A%06u", id - flow->symbols);
            tw_pack_str(&message, name);
        }
        tw_pack_str(&message, "cols");
        tw_pack_map(&message, 0);
        send_bytes(line->trades, &message);
    }
    tw_buffer_free(&message);
}

/* ---- acks ---- */

static bool hear_acks(struct line *line, int wait_ms, uint64_t *names)
{
    static struct tw_ack ack;
    bool heard = false;
    zmq_pollitem_t item = {line->acks, 0, ZMQ_POLLIN, 0};
    if (zmq_poll(&item, 1, wait_ms) <= 0)
        return false;
    for (;;) {
        zmq_msg_t topic, payload;
        zmq_msg_init(&topic);
        zmq_msg_init(&payload);
        if (zmq_msg_recv(&topic, line->acks, ZMQ_DONTWAIT) < 0)
            return heard;
        zmq_msg_recv(&payload, line->acks, 0);
        if (tw_ack_decode(zmq_msg_data(&payload), zmq_msg_size(&payload), &ack)) {
            line->durable = ack.durable;
            line->held = ack.has_hold;
            if (names != NULL)
                *names = ack.names;
            heard = true;
            if (ack.has_hold || ack.refused_total > 0 || ack.gap > 0) {
                fprintf(stderr, "hold %.*s refused %llu gap %llu\n", (int)ack.hold_code.length, ack.hold_code.bytes,
                        (unsigned long long)ack.refused_total, (unsigned long long)ack.gap);
                exit(4);
            }
        }
        zmq_msg_close(&topic);
        zmq_msg_close(&payload);
    }
}

static void connect_line(struct line *line, char **argv)
{
    void *context = zmq_ctx_new();
    char topic[64];
    int hwm = 64, linger = 0;
    line->trades = zmq_socket(context, ZMQ_PUSH);
    line->acks = zmq_socket(context, ZMQ_SUB);
    zmq_setsockopt(line->trades, ZMQ_SNDHWM, &hwm, sizeof hwm);
    zmq_setsockopt(line->trades, ZMQ_LINGER, &linger, sizeof linger);
    int length = snprintf(topic, sizeof topic, "ack.%s.", argv[4]);
    zmq_setsockopt(line->acks, ZMQ_SUBSCRIBE, topic, (size_t)length);
    if (zmq_connect(line->trades, argv[2]) != 0 || zmq_connect(line->acks, argv[3]) != 0) {
        fprintf(stderr, "connect: %s\n", zmq_strerror(errno));
        exit(3);
    }
    line->name = argv[4];
    line->next = 1;
}

static void introduce(struct line *line, const struct flow *flow)
{
    struct tw_buffer hello = {0};
    struct tw_text name = {line->name, (uint32_t)strlen(line->name)};
    uint64_t names = 0;
    tw_submission_encode_rows(&hello, name, 0, 1, NULL, 0);
    do
        send_bytes(line->trades, &hello); /* the subscription takes a moment to arrive */
    while (!hear_acks(line, 100, &names));
    send_names(line, flow);
    while (names < flow->symbols + flow->accounts)
        hear_acks(line, 100, &names);
    tw_buffer_free(&hello);
}

/* ---- the two runs ---- */

static void run_throughput(struct line *line, struct flow *flow, double seconds, double pace)
{
    int64_t *ts = must(malloc(flow->batch * sizeof *ts));
    int64_t first_ts = clock_ns(CLOCK_REALTIME) - INT64_C(86400) * 1000000000 * 30, step = (int64_t)(1e9 / pace);
    uint64_t sent = 0;
    introduce(line, flow);
    int64_t begun = clock_ns(CLOCK_MONOTONIC), end = begun + (int64_t)(seconds * 1e9);
    for (uint32_t b = 0; clock_ns(CLOCK_MONOTONIC) < end; b = (b + 1) % flow->batches) {
        while (line->next + flow->batch - 1 > line->durable + TW_CREDIT_TRADES)
            hear_acks(line, 1000, NULL);
        for (uint32_t i = 0; i < flow->batch; i++)
            ts[i] = first_ts + (int64_t)(sent + i) * step;
        send_rows(line, flow, b, 0, flow->batch, ts, NULL);
        sent += flow->batch;
        hear_acks(line, 0, NULL);
    }
    while (line->durable < sent)
        hear_acks(line, 1000, NULL);
    double took = (double)(clock_ns(CLOCK_MONOTONIC) - begun) * 1e-9;
    printf("{\"trades\": %llu, \"seconds\": %.3f, \"trades_per_second\": %.0f}\n", (unsigned long long)sent, took,
           (double)sent / took);
    free(ts);
}

static void run_latency(struct line *line, struct flow *flow, double seconds, double rate)
{
    int64_t ts[8190], qty[8190];
    uint64_t total = (uint64_t)(seconds * rate), sent = 0, late_batches = 0;
    prctl(PR_SET_TIMERSLACK, 1);
    introduce(line, flow);
    int64_t base = clock_ns(CLOCK_REALTIME) + 200000000;
    while (sent < total) {
        int64_t now = clock_ns(CLOCK_REALTIME);
        int64_t due = (int64_t)((double)(now - base) * rate * 1e-9) + 1; /* trades due by now */
        if (now < base || (uint64_t)due <= sent) {
            int64_t next = base + (int64_t)((double)sent * 1e9 / rate);
            struct timespec until = {next / 1000000000, next % 1000000000};
            clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL);
            continue;
        }
        uint64_t want = (uint64_t)due - sent, room = flow->batch - sent % flow->batch;
        uint32_t count = (uint32_t)(want < room ? want : room);
        uint32_t batch = (uint32_t)(sent / flow->batch % flow->batches), from = (uint32_t)(sent % flow->batch);
        late_batches += count > 1000;
        while (line->next + count - 1 > line->durable + TW_CREDIT_TRADES)
            hear_acks(line, 1000, NULL); /* waiting for credit does not move the due times */
        for (uint32_t i = 0; i < count; i++) {
            ts[i] = base + (int64_t)((double)(sent + i) * 1e9 / rate);
            qty[i] = (sent + i) % 100 == 0 ? 20000 * TW_E8 : flow->qty[batch][from + i];
        }
        send_rows(line, flow, batch, from, count, ts, qty);
        sent += count;
        hear_acks(line, 0, NULL);
    }
    while (line->durable < sent)
        hear_acks(line, 1000, NULL);
    printf("{\"trades\": %llu, \"rate\": %.0f, \"bursts_over_1000\": %llu}\n", (unsigned long long)sent, rate,
           (unsigned long long)late_batches);
}

/* How long trades took to their acks, in steps of 10 us. */
struct waits {
    uint64_t count, steps[HISTOGRAM];
};

static double percentile_ms(const struct waits *waits, double share)
{
    uint64_t wanted = (uint64_t)((double)waits->count * share), passed = 0;
    for (uint32_t step = 0; step < HISTOGRAM; step++)
        if ((passed += waits->steps[step]) > wanted)
            return step * 0.01;
    return HISTOGRAM * 0.01;
}

/* The trades in (from, to] were acked now; the first of all was due at `base`. */
static void note_acked(struct waits *waits, uint64_t from, uint64_t to, int64_t base, double rate)
{
    int64_t now = clock_ns(CLOCK_REALTIME);
    for (uint64_t i = from; i < to; i++) {
        int64_t step = (now - base - (int64_t)((double)i * 1e9 / rate)) / 10000;
        waits->steps[step < 0 ? 0 : step >= HISTOGRAM ? HISTOGRAM - 1 : step]++;
        waits->count++;
    }
}

static void warm_up(struct line *line, struct flow *flow, uint64_t trades, int64_t now)
{
    int64_t *ts = must(malloc(flow->batch * sizeof *ts));
    for (uint32_t b = 0; line->next <= trades; b = (b + 1) % flow->batches) {
        while (line->next + flow->batch - 1 > line->durable + TW_CREDIT_TRADES)
            hear_acks(line, 1000, NULL);
        for (uint32_t i = 0; i < flow->batch; i++)
            ts[i] = now - (int64_t)(trades + flow->batch - line->next - i) * 10000;
        send_rows(line, flow, b, 0, flow->batch, ts, NULL);
        hear_acks(line, 0, NULL);
    }
    while (line->durable < line->next - 1)
        hear_acks(line, 1000, NULL);
    free(ts);
}

static void run_acks(struct line *line, struct flow *flow, double seconds, double rate, uint64_t warm)
{
    static struct waits waits;
    int64_t ts[8190];
    uint64_t total = (uint64_t)(seconds * rate), sent = 0, acked = 0;
    prctl(PR_SET_TIMERSLACK, 1);
    introduce(line, flow);
    warm_up(line, flow, warm, clock_ns(CLOCK_REALTIME));
    uint64_t before = line->durable;
    int64_t base = clock_ns(CLOCK_REALTIME) + 200000000;
    while (acked < total) {
        int64_t now = clock_ns(CLOCK_REALTIME);
        uint64_t due = now < base ? 0 : (uint64_t)((double)(now - base) * rate * 1e-9) + 1;
        due = due < total ? due : total;
        while (sent < due && line->next + flow->batch <= line->durable + TW_CREDIT_TRADES) {
            uint32_t batch = (uint32_t)(sent / flow->batch % flow->batches), from = (uint32_t)(sent % flow->batch);
            uint64_t want = due - sent, room = flow->batch - from;
            uint32_t count = (uint32_t)(want < room ? want : room);
            for (uint32_t i = 0; i < count; i++)
                ts[i] = base + (int64_t)((double)(sent + i) * 1e9 / rate);
            send_rows(line, flow, batch, from, count, ts, NULL);
            sent += count;
        }
        if (hear_acks(line, 1, NULL)) {
            note_acked(&waits, acked, line->durable - before, base, rate);
            acked = line->durable - before;
        }
    }
    printf("{\"trades\": %llu, \"p50_ms\": %.2f, \"p90_ms\": %.2f, \"p99_ms\": %.2f, \"p999_ms\": %.2f, "
           "\"max_ms\": %.2f}\n",
           (unsigned long long)waits.count, percentile_ms(&waits, 0.5), percentile_ms(&waits, 0.9),
           percentile_ms(&waits, 0.99), percentile_ms(&waits, 0.999), percentile_ms(&waits, 1 - 1e-12));
}

static uint32_t argument(int argc, char **argv, int at, uint32_t standard)
{
    return argc > at ? (uint32_t)strtoul(argv[at], NULL, 10) : standard;
}

int main(int argc, char **argv)
{
    struct line line = {0};
    if (argc < 6)
        return 2;
    bool latency = strcmp(argv[1], "latency") == 0, acks = strcmp(argv[1], "acks") == 0;
    int at = latency || acks ? 7 : 6;
    struct flow flow = {.symbols = argument(argc, argv, at, 5000), .accounts = argument(argc, argv, at + 1, 100000)};
    double pace = latency || acks ? 0 : argument(argc, argv, at + 2, 100000);
    uint32_t warm = acks ? argument(argc, argv, at + 2, 0) : 0;
    flow.batch = latency || acks ? 4096 : argument(argc, argv, at + 3, 4096);
    flow.batches = acks ? warm / flow.batch + 1 : 64;
    if (flow.batches > BATCHES_MAX)
        flow.batches = BATCHES_MAX;
    make_flow(&flow);
    connect_line(&line, argv);
    if (latency)
        run_latency(&line, &flow, strtod(argv[5], NULL), strtod(argv[6], NULL));
    else if (acks)
        run_acks(&line, &flow, strtod(argv[5], NULL), strtod(argv[6], NULL), warm);
    else
        run_throughput(&line, &flow, strtod(argv[5], NULL), pace);
    return 0;
}
