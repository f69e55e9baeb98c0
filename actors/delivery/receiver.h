/* SPDX-License-Identifier: MIT
 *
 * Receivers: who is told of alerts, and the one interface behind which their kinds stand: an alert is rendered into a
 * request, and the answer is judged. Which transport carries the request is the shell's business.
 *
 * Pure: the time that a request carries comes in with the call. Strings are borrowed from the configuration.
 */
#ifndef TW_DELIVERY_RECEIVER_H
#define TW_DELIVERY_RECEIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/delivery/delivery.h"
#include "actors/judging/event.h"
#include "cfg/cfg.h"
#include "protocol/messages.h"
#include "protocol/pack.h"
#include "protocol/sheet.h"

enum tw_transport {
    TW_TRANSPORT_HTTP,
    TW_TRANSPORT_SMTP,
    TW_TRANSPORT_FILE,
    TW_TRANSPORT_COMMAND,
    TW_TRANSPORT_SYSLOG
};

struct tw_signing_key {
    uint8_t bytes[64];
    size_t length;
};

struct tw_receiver {
    const char *name;
    const struct tw_receiver_kind *kind;
    enum tw_severity minimum;
    struct tw_delivery_pace pace; /* the kind's, with the bucket of limit/<name> */
    const char *address;          /* URL, mail addresses with commas, path, argv */
    const struct tw_sheet *sheet; /* its texts; NULL: it takes none */
    /* webhook */
    struct tw_signing_key keys[TW_WEBHOOK_KEYS_MAX];
    uint32_t key_count;
    unsigned facility;           /* syslog: its number */
    const char *from;            /* mail */
    const char *routing_key;     /* pagerduty; secret */
    const char *user, *password; /* mail's login; "": none */
    struct {
        const char *topic, *access_key_id, *secret_access_key, *session_token;
        char url[280]; /* `address`, unless the configuration has another */
    } aws;
};

/* A contributing trade, as the log has it. */
struct tw_letter_trade {
    char symbol[TW_SYMBOL_BYTES_MAX + 1]; /* "": the log does not have it, or not any more */
    char account[TW_ACCOUNT_BYTES_MAX + 1];
    enum tw_side side;
    int64_t qty_e8, price_e8, ts_ns;
};

/* What is delivered. View, log and key are the same at each attempt; what is looked up beside them may be missing. */
struct tw_letter {
    const struct tw_alert_view *view;
    const char *log_id;                   /* 32 hex digits */
    const char *key;                      /* the idempotency key: log id, "-", n */
    int64_t since_ns;                     /* of a later event: that of the one that opened the alert; 0: not known */
    const struct tw_letter_trade *trades; /* in the record's order */
    uint32_t trade_count;                 /* 0: they were not looked up */
    const struct tw_buffer *picture;      /* PNG; NULL: there is none */
    const char *picture_title;
    struct tw_buffer *json; /* the alert's JSON, rendered once for all receivers; empty: not yet. NULL: not kept */
};

/* Many of them in one message. */
struct tw_digest;
struct tw_digest_letter {
    const struct tw_digest *digest; /* it says if it is a group */
    const char *log_id;
    const char *key; /* the idempotency key: log id, "-", n of the last of them, "-", how many */
};

#define TW_REQUEST_HEADERS_MAX 8u
#define TW_REQUEST_HEADER_BYTES 4224u /* a session token has up to 4,096 */
struct tw_request {                   /* zero-initialise, use again, free the body with tw_buffer_free */
    struct tw_buffer body;
    char headers[TW_REQUEST_HEADERS_MAX][TW_REQUEST_HEADER_BYTES]; /* "name: value" */
    uint32_t header_count;
};

struct tw_answer {
    bool answered;         /* false: nobody, or not in time */
    int32_t status;        /* HTTP or SMTP status, exit code */
    int64_t retry_after_s; /* that was asked for; 0: none */
    struct tw_text said;   /* its beginning; borrowed */
    bool unheard;          /* SMTP: it refused before it had heard of the message: its greeting, TLS, the login */
};

struct tw_receiver_kind {
    const char *name;
    enum tw_transport transport;
    const char *path; /* behind the address, for HTTP */
    bool has_sheet;   /* its texts come from templates */
    enum tw_sheet_kind sheet;
    bool wants_trades; /* looked up in the log */
    bool wants_picture;
    struct tw_delivery_pace pace;
    void (*render)(const struct tw_receiver *receiver, const struct tw_letter *letter, int64_t wall_ns,
                   struct tw_request *request);
    enum tw_delivery_verdict (*judge)(const struct tw_answer *answer);
    /* NULL: each alert goes by itself, and there is no bucket. */
    void (*render_digest)(const struct tw_receiver *receiver, const struct tw_digest_letter *letter, int64_t wall_ns,
                          struct tw_request *request);
};
/* Whoever reads with their own eyes gets so many messages at once, and one more each 12 s. */
#define TW_PERSON_BURST 5u
#define TW_PERSON_REFILL_NS (12 * TW_NS_PER_SECOND)
extern const struct tw_receiver_kind tw_webhook, tw_webhook_v4, tw_slack, tw_pagerduty, tw_alertmanager, tw_sns,
    tw_mail, tw_file, tw_command, tw_syslog;

#define TW_RETRY_AFTER_MAX_S 86400 /* a longer pause than a day is taken for a mistake */

struct tw_receivers {
    struct tw_receiver list[TW_RECEIVERS_MAX];
    uint32_t count;
};
/* Those that the configuration has, which outlives them: webhooks in order of names, then the others. */
void tw_receivers_from(const struct tw_cfg *cfg, struct tw_receivers *out);
bool tw_receiver_takes_many(const struct tw_receiver *receiver);       /* alerts in one message: digests, groups */
uint32_t tw_receivers_groupable(const struct tw_receivers *receivers); /* those that do, as bits */

/* ---- the kinds' own, for their tests ---- */

/* "whsec_..." of a configuration that was checked. */
void tw_signing_key_read(const char *text, size_t length, struct tw_signing_key *out);
#define TW_SIGNATURE_BYTES 48u /* "v1," and 44 characters, NUL */
void tw_webhook_sign(const struct tw_signing_key *key, const char *id, int64_t seconds, const void *body, size_t length,
                     char out[TW_SIGNATURE_BYTES]);
struct tw_text tw_arn_region(const char *arn);
enum tw_delivery_verdict tw_judge_http(const struct tw_answer *answer);

#endif
