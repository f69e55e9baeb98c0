/* SPDX-License-Identifier: MIT
 *
 * The eyes of the benchmarks: subscribes to all alerts, counts them, and measures trade due -> alert received on
 * LARGE_TRADE. Ends when stdin is closed; prints one JSON line.
 *
 *   bench_subscriber ALERTS
 */
#include <unistd.h>
#include <zmq.h>

#include "protocol/messages.h"
#include "tests/bench/bench_common.h"

struct seen {
    struct bench_waits waits;
    uint64_t alerts, holes, last;
    int64_t last_ns; /* when the last one came, on the clock of throughput */
};

static void take(struct seen *seen, const void *bytes, size_t length)
{
    struct tw_alert_view alert;
    int64_t now = bench_clock_ns(CLOCK_REALTIME);
    if (!tw_alert_decode(bytes, length, &alert))
        return;
    seen->alerts++;
    seen->last_ns = bench_clock_ns(CLOCK_MONOTONIC);
    if (seen->last != 0 && alert.n != seen->last + 1)
        seen->holes++;
    seen->last = alert.n;
    if (tw_text_is(alert.type, "LARGE_TRADE"))
        bench_waits_add(&seen->waits, now - alert.ts_ns);
}

int main(int argc, char **argv)
{
    static struct seen seen;
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_SUB);
    int hwm = 0;
    zmq_setsockopt(socket, ZMQ_RCVHWM, &hwm, sizeof hwm);
    zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "alert.", 6);
    if (argc < 2 || zmq_connect(socket, argv[1]) != 0)
        return 3;
    zmq_pollitem_t items[] = {{socket, 0, ZMQ_POLLIN, 0}, {NULL, STDIN_FILENO, ZMQ_POLLIN | ZMQ_POLLERR, 0}};
    bool ending = false;
    while (zmq_poll(items, ending ? 1 : 2, ending ? 300 : -1) > 0) {
        ending = ending || items[1].revents != 0; /* the pipe was closed */
        for (;;) {
            char topic[256];
            zmq_msg_t payload;
            if (zmq_recv(socket, topic, sizeof topic, ZMQ_DONTWAIT) < 0)
                break;
            zmq_msg_init(&payload);
            zmq_msg_recv(&payload, socket, 0);
            take(&seen, zmq_msg_data(&payload), zmq_msg_size(&payload));
            zmq_msg_close(&payload);
        }
    }
    printf("{\"alerts\": %llu, \"holes\": %llu, \"measured\": %llu, \"last_ns\": %lld, ",
           (unsigned long long)seen.alerts, (unsigned long long)seen.holes, (unsigned long long)seen.waits.count,
           (long long)seen.last_ns);
    bench_waits_print(stdout, &seen.waits, "alert_");
    puts("}");
    return 0;
}
