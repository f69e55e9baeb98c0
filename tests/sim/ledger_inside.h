/* SPDX-License-Identifier: MIT
 *
 * ledger.c: acks, recovery, retention, the end; ledger_log.c: records against what was said; ledger_alerts.c: alerts
 * against the judge and the uncrashed run; ledger_actions.c: what people do.
 */
#ifndef TW_SIM_LEDGER_INSIDE_H
#define TW_SIM_LEDGER_INSIDE_H

#include "protocol/digest.h"
#include "protocol/log.h"
#include "tests/sim/crowd.h"
#include "tests/sim/judge.h"
#include "tests/sim/ledger.h"

struct source { /* one incarnation of a publisher */
    struct tw_text publisher;
    uint32_t incarnation;
    uint64_t next;  /* first number that the log has not */
    uint64_t acked; /* highest `durable` ever said */
    bool fence;     /* its FENCE record is there */
    bool closed;    /* its end was told as `previous`: nothing may follow */
    bool feed, anonymous;
};

struct row {
    uint32_t source;
    uint8_t kind;
    bool busted;
    uint32_t symbol, account;
    uint64_t pseq;
    struct tw_text id; /* borrowed from the frame */
};

struct refused {
    uint32_t source;
    uint64_t pseq;
    struct tw_text code;
};

struct known_alert { /* of the uncrashed run */
    uint8_t *bytes;
    uint32_t length;
    uint8_t digest[TW_SHA256_BYTES], record_digest[TW_SHA256_BYTES];
    uint8_t id[TW_ALERT_ID_BYTES];
    char event[12];
    uint64_t actions_before; /* its record, in the log */
};

struct done { /* an action, as the log has it */
    struct wish *wish;
    int64_t at_ns;
};

struct ledger {
    struct sim *sim;
    struct tw_frame **frames; /* [lsn] */
    uint64_t frame_capacity, last_lsn, last_seq, forgotten_seq, retention_lsn, boots, snapshots;
    struct tw_text names[5][1024]; /* [enum tw_name_kind][id], borrowed from frames */
    uint32_t name_count[5];
    struct source *sources; /* [id] */
    uint64_t source_capacity;
    struct row *rows; /* [seq] */
    uint64_t row_capacity;
    struct refused *refused; /* [number] */
    uint64_t refused_capacity, refused_count;
    struct judge *judge;
    uint64_t judged;
    struct reference *reference; /* the uncrashed run: ledger_alerts.c */
    struct known_alert *alerts;  /* [n] */
    uint64_t alert_capacity, alert_count;
    struct done *done;                               /* [h] */
    uint64_t done_capacity, action_count, published; /* published: in this life of the daemon */
};

void *ledger_grow(void *list, uint64_t needed, uint64_t *capacity, size_t element);
bool ledger_same(struct tw_text a, struct tw_text b);
struct source *ledger_source(struct ledger *ledger, struct tw_text publisher, uint32_t incarnation);

/* One more durable record: is it what it must be? */
void ledger_take(struct ledger *ledger, const struct tw_record *record);

void ledger_take_action(struct ledger *ledger, const struct tw_control *control);
/* Does the silence hide stored alert n that must? */
void ledger_hidden(struct ledger *ledger, uint64_t n);

struct reference *reference_new(struct ledger *ledger);
void reference_free(struct reference **reference);
/* The record's alerts, by the judge and by the uncrashed run. */
void ledger_judge(struct ledger *ledger, const struct tw_record *record);
/* Is this alert n, but for the time of its detection? */
void ledger_compare(struct ledger *ledger, uint64_t n, const uint8_t *bytes, size_t length, const char *where);

#endif
