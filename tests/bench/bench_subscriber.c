/* SPDX-License-Identifier: MIT
 *
 * The eyes of the benchmarks: subscribes to all alerts, counts them, and measures trade due -> alert received on
 * LARGE_TRADE. Ends when stdin is closed; prints one JSON line.
 *
 *   bench_subscriber ALERTS
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "protocol/messages.h"

static int64_t wall_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

struct seen {
    int64_t *latency;
    size_t count, capacity;
    uint64_t alerts, holes, last;
};

static void take(struct seen *seen, const void *bytes, size_t length)
{
    struct tw_alert_view alert;
    if (!tw_alert_decode(bytes, length, &alert))
        return;
    int64_t now = wall_ns();
    seen->alerts++;
    if (seen->last != 0 && alert.n != seen->last + 1)
        seen->holes++;
    seen->last = alert.n;
    if (!tw_text_is(alert.type, "LARGE_TRADE"))
        return;
    if (seen->count == seen->capacity) {
        seen->capacity = seen->capacity == 0 ? 65536 : seen->capacity * 2;
        seen->latency = realloc(seen->latency, seen->capacity * sizeof *seen->latency);
        if (seen->latency == NULL)
            abort();
    }
    seen->latency[seen->count++] = now - alert.ts_ns;
}

static double percentile(const struct seen *seen, double share)
{
    return seen->count == 0 ? 0 : (double)seen->latency[(size_t)((double)(seen->count - 1) * share)] / 1e6;
}

int main(int argc, char **argv)
{
    struct seen seen = {0};
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
    if (seen.count > 0)
        qsort(seen.latency, seen.count, sizeof *seen.latency, compare);
    printf(
        "{\"alerts\": %llu, \"holes\": %llu, \"measured\": %zu, \"p50_ms\": %.3f, \"p90_ms\": %.3f, \"p99_ms\": %.3f, "
        "\"p999_ms\": %.3f, \"max_ms\": %.3f}\n",
        (unsigned long long)seen.alerts, (unsigned long long)seen.holes, seen.count, percentile(&seen, 0.5),
        percentile(&seen, 0.9), percentile(&seen, 0.99), percentile(&seen, 0.999), percentile(&seen, 1.0));
    return 0;
}
