/* SPDX-License-Identifier: MIT
 *
 * What the judging cores say to each other: judgements (an alert event before it has a number) and the changes of
 * exposure that shards report. Plain values; ids, never names or pointers into someone's state.
 */
#ifndef TW_JUDGING_EVENT_H
#define TW_JUDGING_EVENT_H

#include <stddef.h>
#include <stdint.h>

#include "actors/judging/remarks.h"
#include "protocol/num.h"

/* X(symbol, wire name, key, version, code): the rules in the order of RULES.md's table, which is the order of events
 * within one trade. The code stands for the rule in snapshots, and never changes. */
#define TW_RULES(X)                                                                                                    \
    X(LARGE_TRADE, "LARGE_TRADE", "large_trade", 1, 1)                                                                 \
    X(CLIENT_EXPOSURE, "HIGH_CLIENT_EXPOSURE", "client_exposure", 1, 2)                                                \
    X(SYMBOL_EXPOSURE, "HIGH_SYMBOL_EXPOSURE", "symbol_exposure", 1, 3)                                                \
    X(VELOCITY, "HIGH_TRANSACTION_VELOCITY", "velocity", 1, 4)                                                         \
    X(ANOMALY, "ANOMALY_DETECTED", "anomaly", 1, 5)                                                                    \
    X(FEED_GAP, "FEED_GAP", "feed_gap", 1, 6)

enum tw_rule {
#define TW_RULE_MEMBER(symbol, type, key, version, code) TW_RULE_##symbol,
    TW_RULES(TW_RULE_MEMBER)
#undef TW_RULE_MEMBER
        TW_RULE_COUNT
};

enum tw_severity { TW_SEVERITY_NONE, TW_SEVERITY_LOW, TW_SEVERITY_MEDIUM, TW_SEVERITY_HIGH, TW_SEVERITY_CRITICAL };
enum tw_event_kind { TW_EVENT_FIRE, TW_EVENT_OPEN, TW_EVENT_ESCALATE, TW_EVENT_RESOLVE, TW_EVENT_RETRACT };
enum tw_entity_type {
    TW_ENTITY_CLIENT,
    TW_ENTITY_SYMBOL,
    TW_ENTITY_PAIR,
    TW_ENTITY_TRADE,
    TW_ENTITY_PUBLISHER,
    TW_ENTITY_SYSTEM
};
/* Where within its trade an event stands. */
enum tw_phase { TW_PHASE_TICK, TW_PHASE_RETRACT, TW_PHASE_TRADE };

/* A trade by its publisher's count, enough to give an alert its id and a person a name. */
struct tw_origin {
    uint64_t seq;    /* global */
    uint64_t pseq;   /* within the source */
    uint32_t source; /* id */
};

struct tw_event {
    tw_i128 value, threshold; /* 1e-8, counts, or cents, as the rule's row in RULES.md says (digest value) */
    struct tw_origin opening; /* the alert's opening trade; of a LARGE_TRADE the trade itself */
    uint64_t seq;             /* the trade that caused the event */
    int64_t ts_ns;            /* its ts; in a tick the tick's time */
    double z, mean, sigma;    /* ANOMALY */
    tw_i128 amount;           /* ANOMALY: notional in 1e-8 */
    uint64_t trade_count;     /* how many trades made it */
    uint32_t evidence_first, evidence_count; /* their sequences in tw_events.evidence, oldest first */
    uint32_t row;                            /* within the block; 0 for control records */
    uint32_t entity, entity2;                /* ids: account or symbol; account and symbol for a pair; 0 for SYSTEM */
    uint8_t phase, rule, kind, severity, entity_type;
};

/* How one account stands after a record, for eyes (`bind/live`); no judgement. */
struct tw_exposure_sample {
    tw_i128 gross_e8, net_e8, exposure_e8;
    uint32_t account; /* 0: none */
};

/* A growing list with its arena of evidence sequences; zero-initialise, reuse by tw_events_clear. One owner. */
struct tw_events {
    struct tw_event *list;
    uint32_t count, capacity;
    uint64_t *evidence;
    uint32_t evidence_count, evidence_capacity;
    struct tw_exposure_sample sample;
    uint64_t waits_as; /* tw_judged_bytes at the hand-over to the scorer, which adds events; the router takes it back */
};
struct tw_event *tw_events_add(struct tw_events *events); /* zeroed; valid until the next add */
uint32_t tw_events_evidence(struct tw_events *events, const uint64_t *sequences, uint32_t count); /* its first index */
void tw_events_append(struct tw_events *to, const struct tw_events *from);                        /* rebases evidence */
void tw_events_clear(struct tw_events *events);
void tw_events_free(struct tw_events *events);
/* What a record takes with its judgements, while they wait for the router. */
static inline uint64_t tw_judged_bytes(size_t record_bytes, const struct tw_events *events)
{
    return record_bytes + events->count * sizeof *events->list + events->evidence_count * sizeof *events->evidence;
}

const char *tw_rule_type(enum tw_rule rule); /* "HIGH_CLIENT_EXPOSURE" */
const char *tw_rule_key(enum tw_rule rule);  /* "client_exposure" */
uint32_t tw_rule_version(enum tw_rule rule);
uint8_t tw_rule_code(enum tw_rule rule);
enum tw_rule tw_rule_from_code(uint8_t code); /* TW_RULE_COUNT: none */
const char *tw_severity_name(enum tw_severity severity);
const char *tw_event_name(enum tw_event_kind kind);
const char *tw_entity_type_name(enum tw_entity_type type);

/* ---- what a shard reports for one record ---- */

/* A change of one account's exposure by a trade. */
struct tw_term_change {
    tw_i128 gross, net; /* new term - old term; signed */
    uint32_t row, account;
};

#define TW_ANSWER_CHANGES 8192u /* room that an answer begins with: for the largest block, so that few ever grow */
/* An answer goes in one part or in several: one ends within a tick, or with the record. */
struct tw_shard_answer {
    uint64_t lsn;
    uint32_t part;                 /* from 0 */
    bool more;                     /* another part follows */
    struct tw_term_change *trades; /* one for each row of this shard with an account (two for a correct) */
    uint32_t trade_count, trade_capacity;
    struct tw_remarks remarks;
    struct tw_events events; /* LARGE_TRADE, SYMBOL_EXPOSURE, symbol VELOCITY of its symbols */
};
void tw_shard_answer_free(struct tw_shard_answer *answer);

#endif
