/* SPDX-License-Identifier: MIT
 *
 * The load of the benchmarks: one publisher process.
 *
 *   bench_publisher throughput TRADES ACKS NAME SECONDS [key=value ...]
 *   bench_publisher latency    TRADES ACKS NAME SECONDS rate=N [key=value ...]
 *   bench_publisher csv        - - - 0 [key=value ...]
 *
 * throughput: as fast as credit allows, until SECONDS are over, `trades` are sent, or SIGTERM.
 * latency: open loop. Every trade has a due time on the wall clock, which is its ts; what is due is sent, however late
 * the sender is, so that coordinated omission cannot hide. Every 100th trade is large: its LARGE_TRADE alert carries
 * the due time to the subscriber. How long each trade took from its due time to the ack that says it is durable is
 * counted here.
 * csv: the flow's trades as a tape on stdout.
 *
 * Ends with one JSON line. Of the flow: symbols=5000 accounts=100000 rows=262144 (different trades, then again),
 * uniform=0 (1: no name is likelier than another; 0: Zipf 1.1), seed=42, tape=FILE instead; hands=1 hand=0:
 * that many publishers share the flow, dealt out trade by trade, and this is that one of them. Of the messages:
 * form=columns|rows, batch=4096 (most trades in one), gap=0 (microseconds at least between two; latency). Of the time:
 * pace=100000 trades to a second of event time, offset=0 seconds that it begins later (throughput). Also trades=N
 * (throughput), warm=0 trades before the clock starts (latency), wait=1: says `ready` and waits for a line on stdin
 * before the clock starts.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "protocol/limits.h"
#include "tests/bench/bench_common.h"
#include "tests/bench/bench_flow.h"
#include "tests/bench/bench_line.h"

#define LARGE_EVERY 100u
#define LARGE_QTY (20000 * TW_E8)
#define MONTH_NS (INT64_C(86400) * BENCH_NS_PER_SECOND * 30)

struct plan {
    double seconds, rate, pace, offset;
    uint32_t batch, gap_us, hand, hands;
    uint64_t trades, warm;
    bool wait, csv, latency;
    const char *tape, *form;
    struct bench_flow_settings flow;
};

/* Says that all is prepared, and waits to be told to start, if that is wished. */
static void stand_ready(const struct plan *plan)
{
    char line[16];
    if (!plan->wait)
        return;
    puts("ready");
    fflush(stdout);
    if (fgets(line, sizeof line, stdin) == NULL)
        exit(0);
}

/* The flow's trades from `sent` on, as many as one message may have, at the times of a tape or of `pace`. */
static uint32_t send_next(struct bench_line *line, const struct bench_flow *flow, uint64_t sent, uint32_t batch,
                          int64_t first_ts, double step_ns)
{
    static int64_t ts[BENCH_MESSAGE_TRADES_MAX];
    uint32_t from = (uint32_t)(sent % flow->rows), left = flow->rows - from, count = left < batch ? left : batch;
    bench_line_wait_credit(line, count);
    bench_flow_times(flow, from, count, sent / flow->rows, first_ts, step_ns, ts);
    bench_line_send(line, flow, from, count, ts, NULL);
    return count;
}

static void run_throughput(const struct plan *plan, struct bench_line *line, const struct bench_flow *flow)
{
    int64_t first_ts = bench_clock_ns(CLOCK_REALTIME) - MONTH_NS + (int64_t)(plan->offset * BENCH_NS_PER_SECOND);
    uint64_t sent = 0, most = plan->trades == 0 ? UINT64_MAX : plan->trades;
    stand_ready(plan);
    int64_t begun = bench_clock_ns(CLOCK_MONOTONIC), end = begun + (int64_t)(plan->seconds * BENCH_NS_PER_SECOND);
    while (sent < most && !bench_stopped() && bench_clock_ns(CLOCK_MONOTONIC) < end) {
        uint64_t left = most - sent;
        sent += send_next(line, flow, sent, left < plan->batch ? (uint32_t)left : plan->batch, first_ts,
                          BENCH_NS_PER_SECOND / plan->pace);
    }
    bench_line_wait_durable(line);
    int64_t ended = bench_clock_ns(CLOCK_MONOTONIC);
    double took = (double)(ended - begun) / BENCH_NS_PER_SECOND;
    printf("{\"trades\": %llu, \"seconds\": %.3f, \"trades_per_second\": %.0f, \"begun_ns\": %lld, \"ended_ns\": %lld, "
           "\"positions\": %llu}\n",
           (unsigned long long)sent, took, (double)sent / took, (long long)begun, (long long)ended,
           (unsigned long long)bench_flow_positions(flow));
}

/* ---- latency ---- */

struct open_loop {
    const struct plan *plan;
    struct bench_line *line;
    const struct bench_flow *flow;
    struct bench_waits waits;
    int64_t base; /* when the first trade is due */
    int64_t last_sent;
    uint64_t total, sent, acked, before, late_messages;
};

static int64_t due_at(const struct open_loop *loop, uint64_t trade)
{
    return loop->base + (int64_t)((double)trade * BENCH_NS_PER_SECOND / loop->plan->rate);
}

static uint64_t due_by(const struct open_loop *loop, int64_t now)
{
    if (now < loop->base)
        return 0;
    uint64_t due = (uint64_t)((double)(now - loop->base) * loop->plan->rate / BENCH_NS_PER_SECOND) + 1;
    return due < loop->total ? due : loop->total;
}

/* What is due goes, as much as credit and one message allow. Waiting for credit does not move the due times. */
static bool send_due(struct open_loop *loop, int64_t now)
{
    static int64_t ts[BENCH_MESSAGE_TRADES_MAX], qty[BENCH_MESSAGE_TRADES_MAX];
    const struct bench_flow *flow = loop->flow;
    struct bench_line *line = loop->line;
    uint64_t due = due_by(loop, now), room = TW_CREDIT_TRADES + line->durable + 1 - line->next;
    uint32_t from = (uint32_t)(loop->sent % flow->rows);
    uint64_t count = due - loop->sent;
    count = count < room ? count : room;
    count = count < loop->plan->batch ? count : loop->plan->batch;
    count = count < flow->rows - from ? count : flow->rows - from;
    if (count == 0 || now < loop->last_sent + (int64_t)loop->plan->gap_us * 1000)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        ts[i] = due_at(loop, loop->sent + i);
        qty[i] = (loop->sent + i) % LARGE_EVERY == 0 ? LARGE_QTY : flow->qty[from + i];
    }
    bench_line_send(line, flow, from, (uint32_t)count, ts, qty);
    loop->late_messages += count > 1000;
    loop->sent += count;
    loop->last_sent = now;
    return true;
}

static void note_acked(struct open_loop *loop)
{
    int64_t now = bench_clock_ns(CLOCK_REALTIME);
    for (uint64_t acked = loop->line->durable - loop->before; loop->acked < acked; loop->acked++)
        bench_waits_add(&loop->waits, now - due_at(loop, loop->acked));
}

static void wait_for_work(struct open_loop *loop, int64_t now)
{
    int64_t next = loop->sent < loop->total ? due_at(loop, loop->sent) : INT64_MAX;
    int64_t spaced = loop->last_sent + (int64_t)loop->plan->gap_us * 1000, most = now + BENCH_NS_PER_SECOND;
    next = next > spaced ? next : spaced;
    if (next <= now) /* no credit: an ack is what we wait for */
        next = most;
    bench_line_wait(loop->line, (next < most ? next : most) - now);
}

static void warm_up(const struct plan *plan, struct bench_line *line, const struct bench_flow *flow)
{
    int64_t first_ts = bench_clock_ns(CLOCK_REALTIME) - (int64_t)(plan->warm * UINT64_C(10000));
    for (uint64_t sent = 0; sent < plan->warm;)
        sent += send_next(line, flow, sent, plan->batch, first_ts, 10000);
    bench_line_wait_durable(line);
}

static void run_latency(const struct plan *plan, struct bench_line *line, const struct bench_flow *flow)
{
    static struct open_loop loop;
    loop = (struct open_loop){.plan = plan, .line = line, .flow = flow};
    loop.total = (uint64_t)(plan->seconds * plan->rate);
    prctl(PR_SET_TIMERSLACK, 1);
    warm_up(plan, line, flow);
    stand_ready(plan);
    loop.before = line->durable;
    loop.base = bench_clock_ns(CLOCK_REALTIME) + BENCH_NS_PER_SECOND / 5;
    while (loop.acked < loop.total) {
        if (bench_line_hear(line))
            note_acked(&loop);
        int64_t now = bench_clock_ns(CLOCK_REALTIME);
        if (loop.sent < loop.total && send_due(&loop, now))
            continue;
        if (!bench_line_hear(line)) /* an ack that is not heard here does not end the wait */
            wait_for_work(&loop, now);
        else
            note_acked(&loop);
    }
    printf("{\"trades\": %llu, \"rate\": %.0f, \"messages_over_1000\": %llu, ", (unsigned long long)loop.sent,
           plan->rate, (unsigned long long)loop.late_messages);
    bench_waits_print(stdout, &loop.waits, "ack_");
    puts("}");
}

/* ---- the command line ---- */

static bool set(struct plan *plan, const char *key, const char *value)
{
    double number = strtod(value, NULL);
    struct bench_flow_settings *flow = &plan->flow;
    if (strcmp(key, "tape") == 0)
        plan->tape = value;
    else if (strcmp(key, "form") == 0)
        plan->form = value;
    else if (strcmp(key, "rate") == 0)
        plan->rate = number;
    else if (strcmp(key, "pace") == 0)
        plan->pace = number;
    else if (strcmp(key, "offset") == 0)
        plan->offset = number;
    else if (strcmp(key, "batch") == 0)
        plan->batch = (uint32_t)number;
    else if (strcmp(key, "gap") == 0)
        plan->gap_us = (uint32_t)number;
    else if (strcmp(key, "trades") == 0)
        plan->trades = (uint64_t)number;
    else if (strcmp(key, "warm") == 0)
        plan->warm = (uint64_t)number;
    else if (strcmp(key, "wait") == 0)
        plan->wait = number > 0;
    else if (strcmp(key, "symbols") == 0)
        flow->symbols = (uint32_t)number;
    else if (strcmp(key, "accounts") == 0)
        flow->accounts = (uint32_t)number;
    else if (strcmp(key, "rows") == 0)
        flow->rows = (uint32_t)number;
    else if (strcmp(key, "uniform") == 0)
        flow->uniform = number > 0;
    else if (strcmp(key, "hand") == 0)
        plan->hand = (uint32_t)number;
    else if (strcmp(key, "hands") == 0)
        plan->hands = (uint32_t)number;
    else if (strcmp(key, "seed") == 0)
        flow->seed = (uint64_t)number;
    else
        return false;
    return true;
}

static bool plan_of(struct plan *plan, int argc, char **argv)
{
    *plan = (struct plan){.seconds = argc > 5 ? strtod(argv[5], NULL) : 0,
                          .pace = 100000,
                          .batch = 4096,
                          .hands = 1,
                          .form = "columns",
                          .flow = {.symbols = 5000, .accounts = 100000, .rows = 262144, .seed = 42}};
    if (argc < 6)
        return false;
    plan->latency = strcmp(argv[1], "latency") == 0;
    plan->csv = strcmp(argv[1], "csv") == 0;
    for (int i = 6; i < argc; i++) {
        char *value = strchr(argv[i], '=');
        if (value == NULL)
            return false;
        *value++ = 0;
        if (!set(plan, argv[i], value))
            return false;
    }
    const struct bench_flow_settings *flow = &plan->flow;
    return (plan->csv || plan->latency || strcmp(argv[1], "throughput") == 0) && (!plan->latency || plan->rate > 0) &&
           plan->batch > 0 && plan->batch <= BENCH_MESSAGE_TRADES_MAX && plan->pace > 0 && plan->hand < plan->hands &&
           flow->rows >= plan->hands && flow->symbols > 0 && flow->accounts > 0 &&
           (strcmp(plan->form, "rows") == 0 || strcmp(plan->form, "columns") == 0);
}

int main(int argc, char **argv)
{
    static struct bench_line line;
    struct bench_flow flow;
    struct plan plan;
    if (!plan_of(&plan, argc, argv)) {
        fprintf(stderr, "usage: see the top of bench_publisher.c\n");
        return 2;
    }
    bench_stop_by_signal();
    if (plan.tape != NULL)
        bench_flow_read(&flow, plan.tape);
    else
        bench_flow_make(&flow, &plan.flow);
    bench_flow_deal(&flow, plan.hand, plan.hands);
    if (plan.csv) {
        bench_flow_print_csv(&flow, bench_clock_ns(CLOCK_REALTIME) - MONTH_NS, BENCH_NS_PER_SECOND / plan.pace);
        return 0;
    }
    line.rows = strcmp(plan.form, "rows") == 0;
    bench_line_connect(&line, argv[2], argv[3], argv[4]);
    bench_line_introduce(&line, &flow);
    (plan.latency ? run_latency : run_throughput)(&plan, &line, &flow);
    return 0;
}
