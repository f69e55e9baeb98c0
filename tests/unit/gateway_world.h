/* SPDX-License-Identifier: MIT
 *
 * A world around the gateway's core for its tests: publishers that speak the real protocol, a log in memory, and a past
 * (tw_history) that is stricter than the store. It answers only for what is durable, aborts the test if it is asked for
 * anything else, and overwrites every text that it lent at the next call.
 *
 * Every record that is cut goes through a checker of its own (gateway_log.c) that shares no code with the gateway.
 */
#ifndef TEST_GATEWAY_WORLD_H
#define TEST_GATEWAY_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "actors/gateway/gateway.h"
#include "protocol/submission.h"

#define SECOND TW_NS_PER_SECOND
#define DAY (INT64_C(86400) * SECOND)
#define NOON (INT64_C(20000) * DAY + DAY / 2) /* a day in 2024, 12:00 UTC: where every world starts */
#define SETTINGS "rule=1\n"

/* ---- the log, and what follows from it ---- */
struct log_name {
    char bytes[TW_NAME_BYTES_MAX];
    uint32_t length, incarnation;
};
struct log_names {
    struct log_name *list; /* [id] */
    uint32_t count;
};
struct log {
    struct tw_frame **frames; /* of lsn 1, 2, ... */
    struct tw_record *records;
    uint32_t count, capacity;
    struct log_names names[5]; /* by enum tw_name_kind */
    uint64_t last_seq, refusals;
    uint64_t *next; /* [source] */
    bool clock_started, booted;
    int64_t clock_ns, roll_ns;
    int64_t roll_announced_ns; /* by a SESSION record that no tick has used yet; 0: none */
};
/* Checks the record against everything before it and keeps a reference of the frame. */
void log_add(struct log *log, struct tw_frame *frame);
void log_free(struct log *log);
struct tw_text log_name(const struct log *log, enum tw_name_kind kind, uint32_t id);
/* The log as lines, one for each trade and control record, then one for each refusal; without lsn, so that it is the
 * same however the blocks were cut. Free it with free(). */
char *log_story(const struct log *log);
/* Block (of lsn index + 1) and row of a global sequence. */
const struct tw_block *log_find(const struct log *log, uint64_t seq, uint32_t *row);

/* ---- the world ---- */
struct world {
    struct tw_gateway *gateway;
    struct tw_gateway_settings settings;
    struct log log;
    uint64_t durable_lsn, durable_seq;
    uint64_t dropped_seq; /* the past knows nothing of the trades up to it, but that they were */
    int64_t wall_ns, now_ns;
    uint64_t history_calls;
    bool from_snapshot; /* restarts begin with the newest whole snapshot, if there is one */
    struct world_snapshot {
        struct tw_buffer rows;
        uint64_t lsn;
        bool whole;
    } saving, saved; /* under way; the newest whole one */
    uint32_t snapshots_loaded;
    char lent[TW_NAME_BYTES_MAX];
    struct tw_ack ack; /* the last one from world_ack */
    char ack_texts[4096];
};

struct world *world_new(uint32_t block_trades_max); /* started, boot record and settings durable */
struct world *world_new_with(uint32_t block_trades_max, const char *settings_text);
void world_free(struct world **world);
void world_durable(struct world *world); /* everything cut so far and now is on disk */
void world_durable_to(struct world *world, uint64_t lsn);
void world_cut(struct world *world);              /* takes all staged records into the log */
void world_pass(struct world *world, int64_t ns); /* time goes on, in steps as the shell would call */
/* The process ends; what is not durable is lost; the log is read again. */
void world_restart(struct world *world);
void world_restart_with(struct world *world, const char *settings_text);
/* A snapshot of the gateway begins, unless one is under way; goes on by about so many bytes. */
void world_snapshot_begin(struct world *world);
void world_snapshot_go_on(struct world *world, size_t bytes);

/* ---- speaking ---- */
void world_send(struct world *world, enum tw_lane lane, const void *bytes, size_t length); /* cuts when told later */
void world_push(struct world *world, const char *publisher, uint32_t incarnation, uint64_t seq,
                const struct tw_trade *trades, uint32_t count);
void world_feed(struct world *world, const char *publisher, uint32_t incarnation, uint64_t seq,
                const struct tw_trade *trades, uint32_t count);
void world_hello(struct world *world, const char *publisher, uint32_t incarnation);
/* One symbol, one account, `count` trades of 1 unit at 10.00, ids "<seq>", ts = wall clock. */
void world_push_plain(struct world *world, const char *publisher, uint32_t incarnation, uint64_t seq, uint32_t count);

struct tw_trade trade_of(const char *symbol, const char *account, char side, int64_t qty, int64_t price, int64_t ts_ns);
struct tw_text text_of(const char *chars);

/* ---- hearing ---- */
/* The newest ack that is due now for the publisher (others are dropped); fails the test if there is none. */
const struct tw_ack *world_ack(struct world *world, const char *publisher);
bool world_silent(struct world *world); /* no ack is due now */
void expect_hold(const struct tw_ack *ack, const char *code, uint64_t seq);
void expect_no_hold(const struct tw_ack *ack);

/* ---- looking ---- */
struct tw_past_trade world_trade(struct world *world, uint64_t seq); /* as the log has it */
/* Evidence for a router (its port): `context` is the world. */
bool world_find(void *context, uint64_t seq, uint32_t *source, uint64_t *pseq, struct tw_text *id);
uint32_t world_controls(const struct world *world, enum tw_control_kind kind, struct tw_control *last);
uint32_t world_blocks(const struct world *world); /* blocks with rows */
struct tw_refusal world_last_refusal(const struct world *world);
void expect_refusal(struct world *world, const char *code);
void expect_text(struct tw_text text, const char *chars);

#endif
