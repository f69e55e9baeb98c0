/* SPDX-License-Identifier: MIT
 *
 * libtapewarden-client: a publisher of trades and a subscriber to alerts that do everything Tapewarden asks of a client
 * (protocol/README.md, "What a publisher does", "What a subscriber does").
 *
 *     struct tapewarden_publisher_options options = {.name = "desk-7"};
 *     struct tapewarden_publisher *publisher = tapewarden_publisher_new(&options, &error);
 *     tapewarden_publisher_start(publisher, 5000);             hello, until the daemon answers
 *     tapewarden_publisher_add(publisher, &trade, -1);         numbers and batches it
 *     tapewarden_publisher_wait(publisher, -1);                until all of it is on the daemon's disk
 *     tapewarden_publisher_free(&publisher);
 *
 * Threads: an object belongs to one thread at a time; objects share nothing. No thread is started but libzmq's own.
 * Blocking: only the calls with `timeout_ms` wait; -1 means for ever, 0 not at all. A signal ends a wait with
 * TAPEWARDEN_INTERRUPTED; call again to go on.
 * Memory: texts passed in are copied before a call returns; what is handed out stays the library's, until the next call
 * on the same object.
 */
#ifndef TAPEWARDEN_H
#define TAPEWARDEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TAPEWARDEN_TRADES_ENDPOINT "tcp://127.0.0.1:7701"
#define TAPEWARDEN_ACKS_ENDPOINT "tcp://127.0.0.1:7702"
#define TAPEWARDEN_ALERTS_ENDPOINT "tcp://127.0.0.1:7703"
#define TAPEWARDEN_REQUESTS_ENDPOINT "tcp://127.0.0.1:7705"

enum tapewarden_status {
    TAPEWARDEN_OK,
    TAPEWARDEN_TIMEOUT,     /* the time given is over; nothing is lost, call again to go on */
    TAPEWARDEN_INTERRUPTED, /* a signal came; likewise */
    TAPEWARDEN_END,         /* subscriber that does not follow: that was the last one */
    TAPEWARDEN_HELD,        /* the daemon does not take this: see the standing's hold; a person must decide */
    TAPEWARDEN_FENCED,      /* a higher incarnation of this publisher is in force: somebody replaced it */
    TAPEWARDEN_LOST,        /* the daemon knows less than it had acked or taken before: another data directory? */
    TAPEWARDEN_INVALID,     /* an argument that cannot be sent at all: see tapewarden_publisher_error */
    TAPEWARDEN_FAILED       /* a socket could not be made or connected */
};

struct tapewarden_error {
    char text[256]; /* one sentence */
};

struct tapewarden_text { /* bytes need no NUL at the end; length 0: absent */
    const char *bytes;
    uint32_t length;
};

/* ---- publisher ---- */

enum tapewarden_side { TAPEWARDEN_SIDE_NONE, TAPEWARDEN_BUY, TAPEWARDEN_SELL };
enum tapewarden_kind { TAPEWARDEN_TRADE, TAPEWARDEN_BUST, TAPEWARDEN_CORRECT };

/* Names up to 64 bytes are sent as they are: whether they are good is for the daemon to say. */
struct tapewarden_trade {
    struct tapewarden_text symbol;
    struct tapewarden_text account; /* absent: a market print */
    struct tapewarden_text id;      /* execution id */
    struct tapewarden_text ref;     /* of a bust or correct: the id that it reverses or replaces */
    struct tapewarden_text owner, contra, broker, venue, ccy;
    int64_t qty_e8, price_e8; /* in 1e-8: 1.5 is 150000000 */
    int64_t ts_ns;            /* executed, ns since the epoch UTC */
    uint8_t side, kind;
    bool has_ts; /* false: the daemon's time of receipt counts */
};

struct tapewarden_publisher;

struct tapewarden_refusal {
    uint64_t number; /* of the trade, in this incarnation */
    struct tapewarden_text code, why;
};

struct tapewarden_publisher_options {
    const char *name;            /* 1-32 of A-Za-z0-9_-, not starting with _ */
    uint32_t incarnation;        /* take a higher one when it is not known any more what was sent before */
    const char *trades_endpoint; /* NULL: the default */
    const char *acks_endpoint;
    uint32_t batch_trades; /* trades in one message, up to 8,190; 0: 4,096 */
    bool rows;             /* row form; default is the columnar form, where names travel once */
    /* Numbers start at the daemon's `next` (true), or at 1 (false): then what the daemon has already is compared with
     * what is sent, before anything new is taken; a difference is TAPEWARDEN_HELD, sequence_reused. */
    bool go_on;
    /* Called once for each trade refused, as far as acks tell (the newest 64 at a time). May be NULL. With go_on only
     * for those refused from now on, unless refused_before. */
    void (*refused)(void *context, const struct tapewarden_refusal *refusal);
    void *refused_context;
    bool refused_before;
};

/* NULL with *error (may be NULL) set. Connecting goes on in the background: the daemon may come later. */
struct tapewarden_publisher *tapewarden_publisher_new(const struct tapewarden_publisher_options *options,
                                                      struct tapewarden_error *error);
/* Gives up what is not acked; wait first. NULL is fine. */
void tapewarden_publisher_free(struct tapewarden_publisher **publisher);

/* Says hello until an ack answers. To be called before anything is added. */
enum tapewarden_status tapewarden_publisher_start(struct tapewarden_publisher *publisher, int timeout_ms);
/* Takes one trade; it is sent when the batch is full, on flush and on wait. May wait for the daemon's credit; unless
 * the result is OK the trade was not taken. */
enum tapewarden_status tapewarden_publisher_add(struct tapewarden_publisher *publisher,
                                                const struct tapewarden_trade *trade, int timeout_ms);
/* Sends the batch under construction, and reads acks; does not wait. While a message waits for credit already the batch
 * stays, and goes with what was added by then once there is credit, in any call that reads acks. */
enum tapewarden_status tapewarden_publisher_flush(struct tapewarden_publisher *publisher);
/* Keeps things going (acks, resends) for so long. To be called now and then by a publisher with nothing to add. */
enum tapewarden_status tapewarden_publisher_poll(struct tapewarden_publisher *publisher, int timeout_ms);
/* Flushes, then waits until every trade up to the standing's `last` is durable or refused: with go_on also those that
 * an earlier process sent. Should they be gone by a crash, which nobody here can mend, it is TAPEWARDEN_LOST. */
enum tapewarden_status tapewarden_publisher_wait(struct tapewarden_publisher *publisher, int timeout_ms);

struct tapewarden_standing {
    uint64_t first;   /* number of the first trade added here; 0 before the start */
    uint64_t last;    /* number of the last one added; first - 1 if none */
    uint64_t durable; /* everything up to here is on the daemon's disk, or refused */
    uint64_t next;    /* what the daemon expects next */
    uint64_t next_at_start, refused_at_start, refused_total;
    uint64_t resends; /* how often messages were sent again */
    uint32_t credit;
    bool has_previous; /* the incarnation that this one replaced, and what of it is in */
    uint32_t previous_incarnation;
    uint64_t previous_durable;
    bool has_hold; /* NULL-terminated texts below */
    uint64_t hold_number;
    const char *hold_code, *hold_why;
    int64_t silent_ms; /* since an ack was heard; -1: never */
};
struct tapewarden_standing tapewarden_publisher_standing(const struct tapewarden_publisher *publisher);
/* The sentence behind the last result that was not OK. */
const char *tapewarden_publisher_error(const struct tapewarden_publisher *publisher);

/* ---- alerts ---- */

struct tapewarden_subscriber;

struct tapewarden_subscriber_options {
    const char *alerts_endpoint; /* NULL: the default */
    const char *requests_endpoint;
    uint64_t after;         /* alerts with a higher n are wanted; 0: all. Keep the last n to go on another day */
    bool from_now;          /* instead: only those that come after now */
    bool follow;            /* go on live; otherwise TAPEWARDEN_END when what is recorded has been given */
    const char *type;       /* only of this type, e.g. "LARGE_TRADE"; NULL: all */
    const char *severity;   /* only of this severity, e.g. "HIGH"; NULL: all */
    const char *reply_name; /* 1-64 of A-Za-z0-9_-, nobody else's; NULL: a random one */
};

struct tapewarden_alert {
    uint64_t n; /* dense from 1 over all alerts */
    struct tapewarden_text id, event, type, severity, entity_type, entity, message;
    uint64_t seq;  /* global sequence of the trade that caused it */
    int64_t ts_ns; /* event time */
    int64_t detected_at_ns;
    const uint8_t *bytes; /* the whole MessagePack map */
    size_t length;
};

struct tapewarden_subscriber *tapewarden_subscriber_new(const struct tapewarden_subscriber_options *options,
                                                        struct tapewarden_error *error);
void tapewarden_subscriber_free(struct tapewarden_subscriber **subscriber);
/* The next alert, each n once and in order: holes are filled by catch-up before anything later is given. LOST, if it
 * follows: the daemon has fewer alerts than were given, or than `after` says; what it raises would not be what comes
 * next. */
enum tapewarden_status tapewarden_subscriber_next(struct tapewarden_subscriber *subscriber, int timeout_ms,
                                                  struct tapewarden_alert *out);
/* n of the newest alert seen (filtered out or not), n of the newest that the daemon has (as its last head said, if it
 * follows), and how long nothing was heard (-1: never anything). */
uint64_t tapewarden_subscriber_last(const struct tapewarden_subscriber *subscriber);
uint64_t tapewarden_subscriber_newest(const struct tapewarden_subscriber *subscriber);
int64_t tapewarden_subscriber_silent_ms(const struct tapewarden_subscriber *subscriber);

#ifdef __cplusplus
}
#endif

#endif
