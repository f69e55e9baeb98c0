/* SPDX-License-Identifier: MIT
 *
 * The router's core: judgements in, numbered alert records out. It puts the events of one record into their one order,
 * numbers them densely, writes the alert with its evidence, and keeps the digests.
 *
 * Pure: looking up the trades that are evidence goes through the port `tw_evidence`. One owner, one thread.
 */
#ifndef TW_ROUTER_ROUTER_H
#define TW_ROUTER_ROUTER_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/judging/event.h"
#include "cfg/rules.h"
#include "protocol/digest.h"
#include "protocol/log.h"
#include "protocol/messages.h"
#include "protocol/snapshot.h"

/* Port: who sent the trade with this global sequence. `id` is borrowed until the next call. False: unknown. */
struct tw_evidence {
    void *context;
    bool (*find)(void *context, uint64_t seq, uint32_t *source, uint64_t *pseq, struct tw_text *id);
};

struct tw_router_alert {
    uint64_t n;
    enum tw_event_kind kind;
    enum tw_rule rule;
    enum tw_severity severity;
    enum tw_entity_type entity_type;
    uint64_t seq;
    int64_t ts_ns;
    tw_i128 digest_value;
    const char *topic; /* NUL-terminated */
    uint32_t topic_length;
    struct tw_text entity, publisher; /* publisher: protocol/matcher.h */
    const uint8_t *id;                /* TW_ALERT_ID_BYTES */
    uint8_t *bytes;                   /* the record (protocol/messages.h), detected_at 0: whoever stores it sets it */
    uint32_t length;
    uint8_t digest[TW_SHA256_BYTES], record_digest[TW_SHA256_BYTES]; /* after this event */
    const char *digest_line; /* "n event type severity entity seq value\n", NUL-terminated */
};
typedef void (*tw_router_visit)(void *context, const struct tw_router_alert *alert);

struct tw_router;
struct tw_router *tw_router_new(const struct tw_evidence *evidence);
void tw_router_free(struct tw_router **router);
/* One record with all events that the judges found in it (any order; sorted in place). Visits the alerts in order. */
void tw_router_step(struct tw_router *router, const struct tw_record *record, struct tw_events *events,
                    tw_router_visit visit, void *context);
uint64_t tw_router_last(const struct tw_router *router);            /* n of the newest alert event */
void tw_router_head(struct tw_router *router, struct tw_head *out); /* borrows; valid until the next step */
void tw_router_digests(const struct tw_router *router, uint8_t digest[TW_SHA256_BYTES],
                       uint8_t record_digest[TW_SHA256_BYTES]);
struct tw_text tw_router_symbol_name(const struct tw_router *router, uint32_t symbol); /* ids of records it has taken */
struct tw_text tw_router_account_name(const struct tw_router *router, uint32_t account);
uint64_t tw_router_trades(const struct tw_router *router); /* trades judged: the last global sequence */
void tw_router_set_evidence(struct tw_router *router, const struct tw_evidence *evidence);
/* Settings records of the log are ignored from now on, these are in force instead. */
void tw_router_pin_settings(struct tw_router *router, struct tw_text settings_text);

/* ---- snapshots (judging/saving.h) ---- */
/* The state as it is now is to be saved: right after a SNAPSHOT record. */
void tw_router_save_begin(struct tw_router *router);
bool tw_router_saving(const struct tw_router *router); /* something is left to be saved */
/* Appends rows to `out` until about `bytes` were added or the state is whole; true: whole. It may step in between. */
bool tw_router_save(struct tw_router *router, struct tw_buffer *out, size_t bytes);
/* Loads rows of a snapshot into a fresh core, in the order of the file. False: the row is damaged. */
bool tw_router_load(struct tw_router *router, struct tw_row_reader *row);
bool tw_router_load_end(struct tw_router *router); /* false: something is missing, or does not agree */

#endif
