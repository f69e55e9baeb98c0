/* SPDX-License-Identifier: MIT
 *
 * The floor under the latency: one process in the daemon's place that does nothing but PULL -> append and sync -> PUB.
 * It takes the same messages from the same publisher, acks them, and publishes an alert for each trade that the daemon
 * would call large. No sequence, no rules, no state. Whatever waits goes with one sync.
 *
 *   bench_echo rocksdb|threads|file DIRECTORY TRADES ACKS ALERTS
 *
 * rocksdb: a write batch with sync, one key a message. threads: the same, but who receives, who writes and who
 * publishes are threads of their own, joined as the daemon's actors are: two more wake-ups, and still nothing done.
 * file: a file of zeros that is there already, pwrite and fdatasync. Says `ready` on stderr; ends on SIGTERM.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <rocksdb/c.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "protocol/messages.h"
#include "protocol/submission.h"
#include "tests/bench/bench_common.h"

#define MESSAGES_MAX 64u /* with one sync, as the journal does */
#define LARGE_QTY (10000 * TW_E8)
#define FILE_BYTES (INT64_C(256) << 20)

struct echo {
    void *context, *trades, *acks, *alerts;
    /* where it is written */
    rocksdb_t *db;
    rocksdb_writeoptions_t *with_sync;
    rocksdb_writebatch_t *batch;
    int file;
    int64_t file_at;
    uint64_t written; /* messages */
    /* what is published when it is durable */
    char publisher[TW_PUBLISHER_BYTES_MAX];
    uint32_t publisher_length;
    uint64_t durable, names, alert_count;
    struct tw_buffer out;
};

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(3);
}

/* ---- writing ---- */

static void open_rocksdb(struct echo *echo, const char *directory)
{
    char *error = NULL;
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(options, 1);
    echo->db = rocksdb_open(options, directory, &error);
    if (error != NULL)
        fail(directory, error);
    echo->with_sync = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(echo->with_sync, 1);
    echo->batch = rocksdb_writebatch_create();
}

static void open_file(struct echo *echo, const char *directory)
{
    static const char zeros[1 << 20];
    char path[512];
    snprintf(path, sizeof path, "%s/log", directory);
    echo->file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (echo->file < 0)
        fail(path, strerror(errno));
    for (int64_t at = 0; at < FILE_BYTES; at += (int64_t)sizeof zeros)
        if (pwrite(echo->file, zeros, sizeof zeros, at) != (ssize_t)sizeof zeros)
            fail(path, strerror(errno));
    fsync(echo->file);
}

static void append(struct echo *echo, const void *bytes, size_t length)
{
    uint64_t number = __builtin_bswap64(++echo->written);
    if (echo->db != NULL) {
        rocksdb_writebatch_put(echo->batch, (const char *)&number, sizeof number, bytes, length);
        return;
    }
    if (echo->file_at + (int64_t)length > FILE_BYTES)
        echo->file_at = 0;
    if (pwrite(echo->file, bytes, length, echo->file_at) != (ssize_t)length)
        fail("pwrite", strerror(errno));
    echo->file_at += (int64_t)length;
}

static void sync_all(struct echo *echo)
{
    char *error = NULL;
    if (echo->db == NULL) {
        if (fdatasync(echo->file) != 0)
            fail("fdatasync", strerror(errno));
        return;
    }
    rocksdb_write(echo->db, echo->with_sync, echo->batch, &error);
    if (error != NULL)
        fail("rocksdb", error);
    rocksdb_writebatch_clear(echo->batch);
}

/* ---- publishing ---- */

static void publish(void *socket, const char *topic, size_t topic_length, const struct tw_buffer *payload)
{
    zmq_send(socket, topic, topic_length, ZMQ_SNDMORE);
    zmq_send(socket, payload->bytes, payload->length, 0);
}

static struct tw_text publisher_of(const struct echo *echo)
{
    return (struct tw_text){echo->publisher, echo->publisher_length};
}

static void publish_ack(struct echo *echo)
{
    char topic[TW_TOPIC_BYTES_MAX];
    const struct tw_ack ack = {.publisher = publisher_of(echo),
                               .durable = echo->durable,
                               .next = echo->durable + 1,
                               .credit = TW_CREDIT_TRADES,
                               .names = echo->names};
    echo->out.length = 0;
    tw_ack_encode(&echo->out, &ack);
    publish(echo->acks, topic, tw_ack_topic(topic, ack.publisher), &echo->out);
}

static void publish_alert(struct echo *echo, uint64_t seq, int64_t ts, int64_t qty)
{
    static const struct tw_text entity = {"1", 1}, rule = {"large_trade", 11}, message = {"a trade that is large", 21};
    char topic[TW_TOPIC_BYTES_MAX];
    struct tw_alert alert = {.n = ++echo->alert_count,
                             .event = "fire",
                             .type = "LARGE_TRADE",
                             .severity = "MEDIUM",
                             .entity_type = "TRADE",
                             .entity = entity,
                             .message = message,
                             .threshold = LARGE_QTY,
                             .value = qty,
                             .unit = "units",
                             .rule = rule,
                             .rule_version = 1,
                             .config = rule,
                             .seq = seq,
                             .ts_ns = ts,
                             .trade_count_listed = 1,
                             .trade_count = 1};
    alert.trades[0] = (struct tw_alert_trade){.seq = seq, .publisher = publisher_of(echo), .pseq = seq};
    echo->out.length = 0;
    tw_alert_encode(&echo->out, &alert);
    publish(echo->alerts, topic, tw_alert_topic(topic, alert.severity, alert.type, entity), &echo->out);
}

static int64_t column(const uint8_t *values, uint32_t row)
{
    int64_t value;
    memcpy(&value, values + (size_t)row * sizeof value, sizeof value);
    return value;
}

/* A message is durable: what there is to say of it. */
static void answer(struct echo *echo, const void *bytes, size_t length)
{
    static struct tw_submission submission;
    enum tw_code hold;
    const char *why = NULL;
    if (tw_submission_decode(bytes, length, &submission, &hold, &why) != TW_ENVELOPE_OK)
        fail("a message", why);
    echo->publisher_length = submission.publisher.length;
    memcpy(echo->publisher, submission.publisher.bytes, submission.publisher.length);
    if (submission.columnar && submission.names_base + submission.name_count > echo->names + 1)
        echo->names = submission.names_base + submission.name_count - 1;
    echo->durable = submission.seq + submission.count - 1;
    for (uint32_t i = 0; submission.columnar && i < submission.count; i++)
        if (column(submission.qty, i) > LARGE_QTY)
            publish_alert(echo, submission.seq + i, column(submission.ts, i), column(submission.qty, i));
}

/* ---- the loop ---- */

/* What waits, at least one; 0: a signal. */
static uint32_t take(void *socket, zmq_msg_t messages[MESSAGES_MAX])
{
    uint32_t count = 0;
    for (; count < MESSAGES_MAX; count++) {
        zmq_msg_init(&messages[count]);
        if (zmq_msg_recv(&messages[count], socket, count == 0 ? 0 : ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(&messages[count]);
            break;
        }
    }
    return count;
}

static void write_all(struct echo *echo, zmq_msg_t messages[MESSAGES_MAX], uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        append(echo, zmq_msg_data(&messages[i]), zmq_msg_size(&messages[i]));
    sync_all(echo);
}

static void answer_all(struct echo *echo, zmq_msg_t messages[MESSAGES_MAX], uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        answer(echo, zmq_msg_data(&messages[i]), zmq_msg_size(&messages[i]));
        zmq_msg_close(&messages[i]);
    }
    publish_ack(echo);
}

static void work(struct echo *echo)
{
    zmq_msg_t messages[MESSAGES_MAX];
    uint32_t count = take(echo->trades, messages);
    if (count == 0)
        return;
    write_all(echo, messages, count);
    answer_all(echo, messages, count);
}

/* ---- the same by three threads ---- */

#define TO_WRITE "inproc://write"
#define TO_PUBLISH "inproc://publish"

static void *joined(void *context, int type, const char *endpoint)
{
    void *socket = zmq_socket(context, type);
    if ((type == ZMQ_PUSH ? zmq_bind(socket, endpoint) : zmq_connect(socket, endpoint)) != 0)
        fail(endpoint, zmq_strerror(errno));
    return socket;
}

static void pass_on(void *socket, zmq_msg_t messages[MESSAGES_MAX], uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (zmq_msg_send(&messages[i], socket, 0) < 0)
            zmq_msg_close(&messages[i]);
}

static void *writer(void *argument)
{
    struct echo *echo = argument;
    zmq_msg_t messages[MESSAGES_MAX];
    void *from = joined(echo->context, ZMQ_PULL, TO_WRITE), *to = joined(echo->context, ZMQ_PUSH, TO_PUBLISH);
    for (uint32_t count;;)
        if ((count = take(from, messages)) > 0) {
            write_all(echo, messages, count);
            pass_on(to, messages, count);
        }
    return NULL;
}

static void *publisher(void *argument)
{
    struct echo *echo = argument;
    zmq_msg_t messages[MESSAGES_MAX];
    void *from = joined(echo->context, ZMQ_PULL, TO_PUBLISH);
    for (uint32_t count;;)
        if ((count = take(from, messages)) > 0)
            answer_all(echo, messages, count);
    return NULL;
}

static void receive(struct echo *echo)
{
    zmq_msg_t messages[MESSAGES_MAX];
    pthread_t threads[2];
    void *to = joined(echo->context, ZMQ_PUSH, TO_WRITE);
    pthread_create(&threads[0], NULL, writer, echo);
    pthread_create(&threads[1], NULL, publisher, echo);
    while (!bench_stopped())
        pass_on(to, messages, take(echo->trades, messages));
    _exit(0); /* the others are in the middle of something */
}

static void *bound(void *context, int type, const char *endpoint)
{
    void *socket = zmq_socket(context, type);
    int hwm = 0, linger = 0;
    if (type == ZMQ_PUB) /* a subscriber of a benchmark reads all there is */
        zmq_setsockopt(socket, ZMQ_SNDHWM, &hwm, sizeof hwm);
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    if (zmq_bind(socket, endpoint) != 0)
        fail(endpoint, zmq_strerror(errno));
    return socket;
}

int main(int argc, char **argv)
{
    struct echo echo = {0};
    if (argc < 6)
        return 2;
    bench_stop_by_signal();
    const bool threads = strcmp(argv[1], "threads") == 0;
    if (threads || strcmp(argv[1], "rocksdb") == 0)
        open_rocksdb(&echo, argv[2]);
    else
        open_file(&echo, argv[2]);
    echo.context = zmq_ctx_new();
    echo.trades = bound(echo.context, ZMQ_PULL, argv[3]);
    echo.acks = bound(echo.context, ZMQ_PUB, argv[4]);
    echo.alerts = bound(echo.context, ZMQ_PUB, argv[5]);
    fputs("bench_echo: ready \n", stderr);
    if (threads)
        receive(&echo);
    while (!bench_stopped())
        work(&echo);
    return 0;
}
