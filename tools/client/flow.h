/* SPDX-License-Identifier: MIT
 *
 * A publisher's half of the conversation (protocol/README.md, "What a publisher does") as a pure step: acks and time
 * come in, what to send next comes out. No socket, clock or thread. One owner.
 *
 * The driver asks tw_flow_next, sends that, and says so by tw_flow_sent; if the socket is full it just asks again
 * later.
 */
#ifndef TW_CLIENT_FLOW_H
#define TW_CLIENT_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/messages.h"
#include "protocol/pack.h"

#define TW_FLOW_HELLO_EVERY_NS INT64_C(100000000)   /* until an ack answers: a subscription takes a moment */
#define TW_FLOW_PATIENCE_NS INT64_C(1000000000)     /* without progress, then resend */
#define TW_FLOW_PATIENCE_MAX_NS INT64_C(8000000000) /* doubled up to here while nothing at all is heard */
#define TW_FLOW_RESEND_PAUSE_NS INT64_C(100000000)  /* one loss raises `gap` once for every message behind it */
/* Sent for comparison without an answer yet: a full message, or a few. A lost connection begins with them again, so
 * that on a bad line more of them might never come through; an answer takes a round trip. */
#define TW_FLOW_COMPARED_TRADES_MAX TW_SUBMISSION_TRADES_MAX

enum tw_flow_state {
    TW_FLOW_GREETING, /* hello, until an ack answers; also after a reconnection */
    TW_FLOW_STREAMING,
    TW_FLOW_HELD,   /* the daemon does not take this: hold_code, hold_why */
    TW_FLOW_FENCED, /* a higher incarnation is in force */
    TW_FLOW_LOST    /* the daemon knows less than it had acked, or than an earlier sender had sent */
};

enum tw_flow_action {
    TW_FLOW_NOTHING, /* until tw_flow_deadline or an ack */
    TW_FLOW_SEND_HELLO,
    TW_FLOW_SEND_NAMES,   /* a hello with names from names_sent + 1 on */
    TW_FLOW_SEND_MESSAGE, /* tw_flow_message */
    TW_FLOW_SEND_PROBE    /* any trade under tw_flow_probe_number: it is dropped, and answered behind all before it */
};

struct tw_flow_message {
    struct tw_buffer bytes;
    uint64_t first;
    uint32_t count;
    uint64_t names_before, names_after; /* names that must be known before it, and are after it */
};

struct tw_flow {
    enum tw_flow_state state;
    struct tw_text publisher; /* borrowed */
    uint32_t incarnation;

    struct tw_flow_message *ring; /* messages not settled yet, oldest first; their buffers are used again */
    uint32_t ring_capacity, ring_first, ring_count;
    uint32_t sent; /* of these, sent since the last rewind */

    bool started; /* an ack has answered the first hello */
    uint64_t durable, next, gap, names, refused_total;
    uint32_t credit;
    uint64_t next_at_start, refused_at_start;
    uint64_t others;   /* up to here an earlier sender's: to become durable all the same, but not ours to send again */
    uint64_t compared; /* up to here what was sent for comparison was equal */
    bool disk_hold;
    bool has_previous;
    uint32_t previous_incarnation;
    uint64_t previous_durable;
    char hold_code[32], hold_why[TW_WHY_BYTES_MAX];
    uint64_t hold_seq;

    uint64_t names_sent; /* names that the daemon knows when all that was sent arrives */
    bool finishing;      /* nothing more is coming for now: settle what is there */
    uint32_t probes;     /* sent behind what is compared; the first answer counts */
    uint64_t late;       /* probes from before on this connection whose answers are still to come: they say nothing */
    bool gap_pending;    /* a rise of `gap` to be answered when the pause since the last resend is over */
    uint64_t compared_trades; /* sent for comparison, not answered */
    uint64_t resends;
    int64_t heard_ns; /* 0: never */
    int64_t hello_ns, probe_ns, progress_ns, resent_ns, patience_ns;
};

void tw_flow_init(struct tw_flow *flow, struct tw_text publisher, uint32_t incarnation);
void tw_flow_clear(struct tw_flow *flow);

/* A place for the next message: fill it (its buffer is empty), then it counts. Valid until the next call. */
struct tw_flow_message *tw_flow_queue(struct tw_flow *flow);
/* Trades queued and not settled. */
uint64_t tw_flow_unsettled(const struct tw_flow *flow);
/* Everything queued and what others sent before is durable or refused, and what was there already was equal. */
bool tw_flow_settled(const struct tw_flow *flow);

/* ---- events ---- */
/* Whether the ack was one for us. */
bool tw_flow_ack(struct tw_flow *flow, const struct tw_ack *ack, int64_t now_ns);
void tw_flow_reconnected(struct tw_flow *flow, int64_t now_ns);

/* ---- what to do ---- */
enum tw_flow_action tw_flow_next(struct tw_flow *flow, int64_t now_ns);
const struct tw_flow_message *tw_flow_message(const struct tw_flow *flow); /* of TW_FLOW_SEND_MESSAGE */
#define TW_FLOW_PROBE_NUMBER (UINT64_C(1) << 62)                           /* no source comes so far, and no credit */
uint64_t tw_flow_probe_number(const struct tw_flow *flow);
void tw_flow_sent(struct tw_flow *flow, enum tw_flow_action action, uint64_t names_after, int64_t now_ns);
/* When tw_flow_next is worth asking again though nothing happened; INT64_MAX: never. */
int64_t tw_flow_deadline(const struct tw_flow *flow);

#endif
