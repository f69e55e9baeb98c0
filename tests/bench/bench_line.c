/* SPDX-License-Identifier: MIT */
#include "tests/bench/bench_line.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "protocol/messages.h"
#include "protocol/submission.h"
#include "tests/bench/bench_common.h"

#define NAMES_IN_HELLO 8000u
#define SILENCE_NS (INT64_C(30) * BENCH_NS_PER_SECOND)

void bench_line_connect(struct bench_line *line, const char *trades, const char *acks, const char *name)
{
    void *context = zmq_ctx_new();
    char topic[64];
    int hwm = 64, linger = 0;
    size_t fd_bytes = sizeof line->acks_fd;
    line->trades = zmq_socket(context, ZMQ_PUSH);
    line->acks = zmq_socket(context, ZMQ_SUB);
    zmq_setsockopt(line->trades, ZMQ_SNDHWM, &hwm, sizeof hwm);
    zmq_setsockopt(line->trades, ZMQ_LINGER, &linger, sizeof linger);
    int length = snprintf(topic, sizeof topic, "ack.%s.", name);
    zmq_setsockopt(line->acks, ZMQ_SUBSCRIBE, topic, (size_t)length);
    zmq_getsockopt(line->acks, ZMQ_FD, &line->acks_fd, &fd_bytes);
    if (zmq_connect(line->trades, trades) != 0 || zmq_connect(line->acks, acks) != 0) {
        fprintf(stderr, "connect: %s\n", zmq_strerror(errno));
        exit(3);
    }
    line->name = name;
    line->next = 1;
    line->heard_ns = bench_clock_ns(CLOCK_MONOTONIC);
}

/* ---- messages ---- */

static void pack_column(struct tw_buffer *out, const char *key, const void *values, size_t bytes)
{
    tw_pack_str(out, key);
    tw_pack_bin(out, values, bytes);
}

static void pack_envelope(struct bench_line *line, uint32_t count, uint64_t names_base, uint32_t names)
{
    struct tw_buffer *out = &line->message;
    out->length = 0;
    tw_pack_map(out, 8);
    tw_pack_str(out, "v");
    tw_pack_u64(out, 1);
    tw_pack_str(out, "pub");
    tw_pack_str(out, line->name);
    tw_pack_str(out, "inc");
    tw_pack_u64(out, 0);
    tw_pack_str(out, "seq");
    tw_pack_u64(out, line->next);
    tw_pack_str(out, "n");
    tw_pack_u64(out, count);
    tw_pack_str(out, "base");
    tw_pack_u64(out, names_base);
    tw_pack_str(out, "names");
    tw_pack_array(out, names);
}

static void send_message(struct bench_line *line)
{
    while (zmq_send(line->trades, line->message.bytes, line->message.length, 0) < 0) {
        if (errno == EINTR)
            continue;
        fprintf(stderr, "send: %s\n", zmq_strerror(errno));
        exit(3);
    }
}

static void pack_columns(struct bench_line *line, const struct bench_flow *flow, uint32_t from, uint32_t count,
                         const int64_t *ts, const int64_t *qty)
{
    struct tw_buffer *out = &line->message;
    bool tape = flow->ts != NULL;
    pack_envelope(line, count, flow->names + 1u, 0);
    tw_pack_str(out, "cols");
    tw_pack_map(out, tape ? 9 : 6);
    pack_column(out, "ts", ts, count * 8u);
    pack_column(out, "symbol", flow->symbol + from, count * 4u);
    pack_column(out, "account", flow->account + from, count * 4u);
    pack_column(out, "side", flow->side + from, count);
    pack_column(out, "qty", qty, count * 8u);
    pack_column(out, "price", flow->price + from, count * 8u);
    if (!tape)
        return;
    uint32_t last = from + count - 1;
    uint64_t ids = flow->id_from[last] + flow->id_length[last] - flow->id_from[from];
    pack_column(out, "venue", flow->venue + from, count * 4u);
    pack_column(out, "idl", flow->id_length + from, count);
    pack_column(out, "ids", flow->ids + flow->id_from[from], ids);
}

static void pack_rows(struct bench_line *line, const struct bench_flow *flow, uint32_t from, uint32_t count,
                      const int64_t *ts, const int64_t *qty)
{
    static struct tw_trade trades[BENCH_MESSAGE_TRADES_MAX];
    struct tw_text name = {line->name, (uint32_t)strlen(line->name)};
    for (uint32_t i = 0; i < count; i++)
        bench_flow_trade(flow, from + i, ts[i], qty[i], &trades[i]);
    line->message.length = 0;
    tw_submission_encode_rows(&line->message, name, 0, line->next, trades, count);
}

void bench_line_send(struct bench_line *line, const struct bench_flow *flow, uint32_t from, uint32_t count,
                     const int64_t *ts, const int64_t *qty)
{
    (line->rows ? pack_rows : pack_columns)(line, flow, from, count, ts, qty != NULL ? qty : flow->qty + from);
    send_message(line);
    line->next += count;
}

/* Names travel before the clock starts, in hellos of the columnar form. */
static void send_names(struct bench_line *line, const struct bench_flow *flow)
{
    for (uint32_t first = 1; first <= flow->names; first += NAMES_IN_HELLO) {
        uint32_t left = flow->names - first + 1, count = left < NAMES_IN_HELLO ? left : NAMES_IN_HELLO;
        pack_envelope(line, 0, first, count);
        for (uint32_t id = first; id < first + count; id++)
            tw_pack_str(&line->message, flow->name[id]);
        tw_pack_str(&line->message, "cols");
        tw_pack_map(&line->message, 0);
        send_message(line);
    }
}

void bench_line_introduce(struct bench_line *line, const struct bench_flow *flow)
{
    struct tw_text name = {line->name, (uint32_t)strlen(line->name)};
    for (bool answered = false; !answered; answered = bench_line_hear(line)) {
        line->message.length = 0; /* the subscription takes a moment to arrive, so more than one hello may be needed */
        tw_submission_encode_rows(&line->message, name, 0, 1, NULL, 0);
        send_message(line);
        bench_line_wait(line, BENCH_NS_PER_SECOND / 10);
    }
    if (line->rows)
        return;
    send_names(line, flow);
    for (; line->names < flow->names; bench_line_hear(line))
        bench_line_wait(line, BENCH_NS_PER_SECOND / 10);
}

/* ---- acks ---- */

static void take_ack(struct bench_line *line, const void *bytes, size_t length)
{
    static struct tw_ack ack;
    if (!tw_ack_decode(bytes, length, &ack))
        return;
    line->durable = ack.durable;
    line->names = ack.names;
    line->heard_ns = bench_clock_ns(CLOCK_MONOTONIC);
    if (ack.has_hold || ack.refused_total > 0 || ack.gap > 0) {
        fprintf(stderr, "hold %.*s refused %llu gap %llu\n", (int)ack.hold_code.length, ack.hold_code.bytes,
                (unsigned long long)ack.refused_total, (unsigned long long)ack.gap);
        exit(4);
    }
}

bool bench_line_hear(struct bench_line *line)
{
    char topic[64];
    for (bool heard = false;; heard = true) {
        if (zmq_recv(line->acks, topic, sizeof topic, ZMQ_DONTWAIT) < 0)
            return heard;
        zmq_msg_t payload;
        zmq_msg_init(&payload);
        zmq_msg_recv(&payload, line->acks, 0);
        take_ack(line, zmq_msg_data(&payload), zmq_msg_size(&payload));
        zmq_msg_close(&payload);
    }
}

void bench_line_wait(struct bench_line *line, int64_t most_ns)
{
    struct pollfd item = {.fd = line->acks_fd, .events = POLLIN};
    struct timespec most = {most_ns / BENCH_NS_PER_SECOND, most_ns % BENCH_NS_PER_SECOND};
    if (bench_clock_ns(CLOCK_MONOTONIC) - line->heard_ns > SILENCE_NS) {
        fprintf(stderr, "no ack for half a minute\n");
        exit(5);
    }
    ppoll(&item, 1, &most, NULL);
}

void bench_line_wait_credit(struct bench_line *line, uint32_t count)
{
    bench_line_hear(line);
    for (; line->next + count - 1 > line->durable + TW_CREDIT_TRADES; bench_line_hear(line))
        bench_line_wait(line, BENCH_NS_PER_SECOND);
}

void bench_line_wait_durable(struct bench_line *line)
{
    bench_line_hear(line);
    for (; line->durable < line->next - 1; bench_line_hear(line))
        bench_line_wait(line, BENCH_NS_PER_SECOND);
}
