/* SPDX-License-Identifier: MIT
 *
 * The publisher of the client library: sockets around the flow (flow.h) and the batch (batch.h).
 */
#include "tools/client/tapewarden.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "protocol/check.h"
#include "protocol/names.h"
#include "tools/client/batch.h"
#include "tools/client/flow.h"
#include "tools/client/sockets.h"

#define BATCH_TRADES 4096u
#define SEND_HWM 64 /* messages; credit bounds the trades in them */
#define LINGER_MS 1000

struct tapewarden_publisher {
    char name[TW_PUBLISHER_BYTES_MAX + 1];
    struct tw_flow flow;
    struct tw_batch batch;
    struct tw_buffer scratch; /* hello, names, probe */
    void *context, *push, *sub, *monitor;
    bool connected; /* has been, once */
    bool blocked;   /* the PUSH socket took no more */
    bool go_on, refused_before;
    uint64_t first, next; /* number of the first trade, and of the next one to be added; 0 before the start */
    uint64_t flushed;     /* trades up to here wait for credit only, not for a full batch */
    uint64_t reported;    /* refusals up to here were handed out */
    void (*refused)(void *context, const struct tapewarden_refusal *refusal);
    void *refused_context;
    char error[320];
};

/* A public trade is this struct by another name. */
_Static_assert(sizeof(struct tapewarden_trade) == sizeof(struct tw_trade) &&
                   offsetof(struct tapewarden_trade, ccy) == offsetof(struct tw_trade, ccy) &&
                   offsetof(struct tapewarden_trade, account) == offsetof(struct tw_trade, account) &&
                   offsetof(struct tapewarden_trade, owner) == offsetof(struct tw_trade, owner) &&
                   offsetof(struct tapewarden_trade, qty_e8) == offsetof(struct tw_trade, qty_e8) &&
                   offsetof(struct tapewarden_trade, ts_ns) == offsetof(struct tw_trade, ts_ns) &&
                   offsetof(struct tapewarden_trade, side) == offsetof(struct tw_trade, side) &&
                   offsetof(struct tapewarden_trade, has_ts) == offsetof(struct tw_trade, has_ts) &&
                   (int)TAPEWARDEN_SELL == (int)TW_SIDE_SELL && (int)TAPEWARDEN_CORRECT == (int)TW_KIND_CORRECT,
               "copied as it is");

/* ---- making ---- */

static bool open_sockets(struct tapewarden_publisher *publisher, const struct tapewarden_publisher_options *options,
                         struct tapewarden_error *error)
{
    char topic[TW_TOPIC_BYTES_MAX];
    size_t topic_length = tw_ack_topic(topic, publisher->flow.publisher);
    int one = 1, hwm = SEND_HWM;
    const char *trades = options->trades_endpoint != NULL ? options->trades_endpoint : TAPEWARDEN_TRADES_ENDPOINT;
    const char *acks = options->acks_endpoint != NULL ? options->acks_endpoint : TAPEWARDEN_ACKS_ENDPOINT;
    publisher->context = zmq_ctx_new();
    publisher->sub = zmq_socket(publisher->context, ZMQ_SUB);
    publisher->push = zmq_socket(publisher->context, ZMQ_PUSH);
    if (publisher->sub == NULL || publisher->push == NULL)
        return tw_client_fail(error, "cannot make a socket: %s", zmq_strerror(errno));
    zmq_setsockopt(publisher->sub, ZMQ_SUBSCRIBE, topic, topic_length);
    /* Nothing is queued for a connection that is not there: what is sent goes to the daemon as it is now. */
    zmq_setsockopt(publisher->push, ZMQ_IMMEDIATE, &one, sizeof one);
    zmq_setsockopt(publisher->push, ZMQ_SNDHWM, &hwm, sizeof hwm);
    publisher->monitor = tw_client_monitor(publisher->context, publisher->push);
    return publisher->monitor != NULL && tw_client_connect(publisher->sub, acks, error) &&
           tw_client_connect(publisher->push, trades, error);
}

struct tapewarden_publisher *tapewarden_publisher_new(const struct tapewarden_publisher_options *options,
                                                      struct tapewarden_error *error)
{
    struct tw_text name = {options->name, options->name == NULL ? 0 : (uint32_t)strlen(options->name)};
    uint32_t batch_trades = options->batch_trades == 0 ? BATCH_TRADES : options->batch_trades;
    if (!tw_name_publisher_valid(name)) {
        tw_client_fail(error, "a publisher's name is 1 to 32 of A-Za-z0-9_-, not starting with _");
        return NULL;
    }
    if (batch_trades > TW_SUBMISSION_TRADES_MAX) {
        tw_client_fail(error, "a message takes at most %u trades", TW_SUBMISSION_TRADES_MAX);
        return NULL;
    }
    struct tapewarden_publisher *publisher = tw_alloc_zero(1, sizeof *publisher);
    memcpy(publisher->name, name.bytes, name.length);
    name.bytes = publisher->name;
    publisher->go_on = options->go_on;
    publisher->refused_before = options->refused_before;
    publisher->refused = options->refused;
    publisher->refused_context = options->refused_context;
    tw_flow_init(&publisher->flow, name, options->incarnation);
    tw_batch_init(&publisher->batch, name, options->incarnation, batch_trades, options->rows);
    if (!open_sockets(publisher, options, error))
        tapewarden_publisher_free(&publisher);
    return publisher;
}

void tapewarden_publisher_free(struct tapewarden_publisher **publisher_pointer)
{
    struct tapewarden_publisher *publisher = *publisher_pointer;
    if (publisher == NULL)
        return;
    int linger_ms = tw_flow_settled(&publisher->flow) ? 0 : LINGER_MS;
    if (publisher->push != NULL) {
        zmq_setsockopt(publisher->push, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
        zmq_socket_monitor(publisher->push, NULL, 0);
    }
    tw_client_close(&publisher->monitor);
    tw_client_close(&publisher->push);
    tw_client_close(&publisher->sub);
    if (publisher->context != NULL)
        zmq_ctx_term(publisher->context);
    tw_flow_clear(&publisher->flow);
    tw_batch_clear(&publisher->batch);
    tw_buffer_free(&publisher->scratch);
    free(publisher);
    *publisher_pointer = NULL;
}

/* ---- acks in ---- */

static void report_refusals(struct tapewarden_publisher *publisher, const struct tw_ack *ack)
{
    for (uint32_t i = 0; i < ack->refused_count; i++) {
        const struct tw_ack_refusal *refused = &ack->refused[i];
        if (refused->seq <= publisher->reported)
            continue;
        publisher->reported = refused->seq;
        const struct tapewarden_refusal refusal = {.number = refused->seq,
                                                   .code = {refused->code.bytes, refused->code.length},
                                                   .why = {refused->why.bytes, refused->why.length}};
        if (publisher->refused != NULL)
            publisher->refused(publisher->refused_context, &refusal);
    }
}

static void read_acks(struct tapewarden_publisher *publisher)
{
    struct tw_client_message message;
    while (tw_client_receive(publisher->sub, &message)) {
        struct tw_ack ack;
        if (tw_ack_decode(zmq_msg_data(&message.body), zmq_msg_size(&message.body), &ack)) {
            bool started = publisher->flow.started;
            bool ours = tw_flow_ack(&publisher->flow, &ack, tw_client_now_ns());
            if (ours && !started && publisher->flow.started && publisher->go_on && !publisher->refused_before)
                publisher->reported = ack.next - 1; /* those of earlier days are not ours to tell */
            if (ours && publisher->flow.started)
                report_refusals(publisher, &ack);
        }
        tw_client_message_close(&message);
    }
}

static void read_monitor(struct tapewarden_publisher *publisher)
{
    while (tw_client_monitor_connected(publisher->monitor)) {
        if (publisher->connected)
            tw_flow_reconnected(&publisher->flow, tw_client_now_ns());
        publisher->connected = true;
    }
}

/* ---- messages out ---- */

/* The bytes of an action; *names_after is set for names. */
static const struct tw_buffer *bytes_of(struct tapewarden_publisher *publisher, enum tw_flow_action action,
                                        uint64_t *names_after)
{
    struct tw_buffer *scratch = &publisher->scratch;
    scratch->length = 0;
    switch (action) {
    case TW_FLOW_SEND_HELLO:
        tw_batch_hello(&publisher->batch, scratch);
        return scratch;
    case TW_FLOW_SEND_NAMES:
        *names_after = tw_batch_names(&publisher->batch, publisher->flow.names_sent, scratch);
        return scratch;
    case TW_FLOW_SEND_PROBE:
        tw_batch_probe(&publisher->batch, tw_flow_probe_number(&publisher->flow), scratch);
        return scratch;
    case TW_FLOW_SEND_MESSAGE:
        return &tw_flow_message(&publisher->flow)->bytes;
    case TW_FLOW_NOTHING:
        break;
    }
    TW_UNREACHABLE("an action without bytes");
}

static void send_what_may(struct tapewarden_publisher *publisher)
{
    int64_t now_ns = tw_client_now_ns();
    enum tw_flow_action action;
    publisher->blocked = false;
    while ((action = tw_flow_next(&publisher->flow, now_ns)) != TW_FLOW_NOTHING) {
        uint64_t names_after = 0;
        const struct tw_buffer *bytes = bytes_of(publisher, action, &names_after);
        if (zmq_send(publisher->push, bytes->bytes, bytes->length, ZMQ_DONTWAIT) < 0) {
            publisher->blocked = errno == EAGAIN;
            return;
        }
        tw_flow_sent(&publisher->flow, action, names_after, now_ns);
    }
}

static bool all_sent(const struct tapewarden_publisher *publisher)
{
    return publisher->flow.sent == publisher->flow.ring_count;
}

/* The batch becomes a message behind those that wait. */
static void cut(struct tapewarden_publisher *publisher)
{
    if (tw_batch_count(&publisher->batch) == 0)
        return;
    uint64_t first = publisher->next - tw_batch_count(&publisher->batch);
    tw_batch_cut(&publisher->batch, first, tw_flow_queue(&publisher->flow));
}

/* One message waits for credit at most: the batch goes on growing behind it, up to what add takes. */
static void send_what_was_flushed(struct tapewarden_publisher *publisher)
{
    uint32_t held = tw_batch_count(&publisher->batch);
    if (held == 0 || publisher->flushed < publisher->next - held || !all_sent(publisher))
        return;
    cut(publisher);
    send_what_may(publisher);
}

static enum tapewarden_status fail(struct tapewarden_publisher *publisher, enum tapewarden_status status,
                                   const char *text)
{
    snprintf(publisher->error, sizeof publisher->error, "%s", text);
    return status;
}

/* OK as long as the conversation goes on. */
static enum tapewarden_status state_of(struct tapewarden_publisher *publisher)
{
    const struct tw_flow *flow = &publisher->flow;
    switch (flow->state) {
    case TW_FLOW_GREETING:
    case TW_FLOW_STREAMING:
        return TAPEWARDEN_OK;
    case TW_FLOW_HELD:
        snprintf(publisher->error, sizeof publisher->error, "the daemon holds from number %llu on: %s: %s",
                 (unsigned long long)flow->hold_seq, flow->hold_code, flow->hold_why);
        return TAPEWARDEN_HELD;
    case TW_FLOW_FENCED:
        return fail(publisher, TAPEWARDEN_FENCED, "a higher incarnation of this publisher is in force");
    case TW_FLOW_LOST:
        return fail(publisher, TAPEWARDEN_LOST,
                    "the daemon knows less of this publisher than before; does it run on another data directory?");
    }
    TW_UNREACHABLE("a state without meaning");
}

/* Reads what has come, sends what may go. */
static enum tapewarden_status pump(struct tapewarden_publisher *publisher)
{
    read_monitor(publisher);
    read_acks(publisher);
    send_what_may(publisher);
    send_what_was_flushed(publisher);
    return state_of(publisher);
}

/* Sleeps until something can be done, at most until `until_ns`. */
static enum tapewarden_status rest(struct tapewarden_publisher *publisher, int64_t until_ns)
{
    int64_t wake_ns = publisher->blocked ? INT64_MAX : tw_flow_deadline(&publisher->flow);
    zmq_pollitem_t items[3] = {{publisher->sub, 0, ZMQ_POLLIN, 0},
                               {publisher->monitor, 0, ZMQ_POLLIN, 0},
                               {publisher->push, 0, ZMQ_POLLOUT, 0}};
    long wait_ms = tw_client_wait_ms(wake_ns < until_ns ? wake_ns : until_ns);
    if (zmq_poll(items, publisher->blocked ? 3 : 2, wait_ms) < 0 && errno == EINTR)
        return TAPEWARDEN_INTERRUPTED;
    return TAPEWARDEN_OK;
}

typedef bool (*condition)(const struct tapewarden_publisher *publisher);

static enum tapewarden_status wait_for(struct tapewarden_publisher *publisher, condition met, int timeout_ms)
{
    int64_t until_ns = tw_client_until_ns(timeout_ms);
    for (;;) {
        enum tapewarden_status status = pump(publisher);
        if (status != TAPEWARDEN_OK || met(publisher))
            return status;
        if (tw_client_now_ns() >= until_ns)
            return fail(publisher, TAPEWARDEN_TIMEOUT,
                        publisher->flow.heard_ns == 0 ? "the daemon does not answer" : "the daemon is not done yet");
        status = rest(publisher, until_ns);
        if (status != TAPEWARDEN_OK)
            return fail(publisher, status, "interrupted");
    }
}

/* ---- the calls ---- */

static bool is_started(const struct tapewarden_publisher *publisher)
{
    return publisher->flow.started && publisher->flow.state == TW_FLOW_STREAMING;
}

static bool takes_a_trade(const struct tapewarden_publisher *publisher)
{
    return all_sent(publisher) || tw_batch_count(&publisher->batch) == 0;
}

static bool is_settled(const struct tapewarden_publisher *publisher)
{
    return tw_flow_settled(&publisher->flow);
}

static bool never(const struct tapewarden_publisher *publisher)
{
    return publisher == NULL;
}

enum tapewarden_status tapewarden_publisher_start(struct tapewarden_publisher *publisher, int timeout_ms)
{
    enum tapewarden_status status = wait_for(publisher, is_started, timeout_ms);
    if (status == TAPEWARDEN_OK && publisher->first == 0) {
        publisher->first = publisher->next = publisher->go_on ? publisher->flow.next : 1;
        publisher->flow.others = publisher->first - 1;
        tw_batch_start_after(&publisher->batch, publisher->flow.names);
    }
    return status;
}

enum tapewarden_status tapewarden_publisher_add(struct tapewarden_publisher *publisher,
                                                const struct tapewarden_trade *trade, int timeout_ms)
{
    struct tw_trade row;
    memcpy(&row, trade, sizeof row);
    const char *fault = publisher->first == 0 ? "the publisher was not started" : tw_batch_fault(&row);
    if (fault != NULL)
        return fail(publisher, TAPEWARDEN_INVALID, fault);
    publisher->flow.finishing = false;
    if (!tw_batch_add(&publisher->batch, &row)) {
        /* At most one message waits for credit: then nothing more is taken. */
        enum tapewarden_status status = wait_for(publisher, takes_a_trade, timeout_ms);
        if (status != TAPEWARDEN_OK)
            return status;
        cut(publisher);
        TW_ASSERT(tw_batch_add(&publisher->batch, &row));
        publisher->next++;
        return pump(publisher);
    }
    publisher->next++;
    return TAPEWARDEN_OK;
}

enum tapewarden_status tapewarden_publisher_flush(struct tapewarden_publisher *publisher)
{
    publisher->flushed = publisher->next == 0 ? 0 : publisher->next - 1;
    return pump(publisher);
}

enum tapewarden_status tapewarden_publisher_poll(struct tapewarden_publisher *publisher, int timeout_ms)
{
    enum tapewarden_status status = wait_for(publisher, never, timeout_ms);
    return status == TAPEWARDEN_TIMEOUT ? TAPEWARDEN_OK : status;
}

enum tapewarden_status tapewarden_publisher_wait(struct tapewarden_publisher *publisher, int timeout_ms)
{
    cut(publisher);
    publisher->flow.finishing = true;
    return wait_for(publisher, is_settled, timeout_ms);
}

struct tapewarden_standing tapewarden_publisher_standing(const struct tapewarden_publisher *publisher)
{
    const struct tw_flow *flow = &publisher->flow;
    bool held = flow->state == TW_FLOW_HELD || flow->state == TW_FLOW_FENCED;
    return (struct tapewarden_standing){
        .first = publisher->first,
        .last = publisher->next == 0 ? 0 : publisher->next - 1,
        .durable = flow->durable,
        .next = flow->next,
        .next_at_start = flow->next_at_start,
        .refused_at_start = flow->refused_at_start,
        .refused_total = flow->refused_total,
        .resends = flow->resends,
        .credit = flow->credit,
        .has_previous = flow->has_previous,
        .previous_incarnation = flow->previous_incarnation,
        .previous_durable = flow->previous_durable,
        .has_hold = held || flow->disk_hold,
        .hold_number = held ? flow->hold_seq : 0,
        .hold_code = held              ? flow->hold_code
                     : flow->disk_hold ? "disk"
                                       : "",
        .hold_why = held ? flow->hold_why : "",
        .silent_ms = flow->heard_ns == 0 ? -1 : (tw_client_now_ns() - flow->heard_ns) / 1000000,
    };
}

const char *tapewarden_publisher_error(const struct tapewarden_publisher *publisher)
{
    return publisher->error;
}
