/* SPDX-License-Identifier: MIT
 *
 * A tape through the same cores; replay_directory.c does a data directory.
 */
#include "tools/replay.h"

#include <stdio.h>
#include <string.h>

#include "actors/gateway/gateway.h"
#include "actors/router/evidence.h"
#include "actors/runtime/session.h"
#include "protocol/check.h"
#include "tools/cli.h"
#include "tools/client/batch.h"
#include "tools/memory_log.h"

void tw_replay_sum_up(const struct tw_pipeline *pipeline, struct tw_replay_totals *out)
{
    const struct tw_router *router = tw_pipeline_router(pipeline);
    out->trades = tw_router_trades(router);
    out->alerts = tw_router_last(router);
    tw_router_digests(router, out->digest, out->record_digest);
}

static struct tw_text text_of(const struct tw_buffer *buffer)
{
    return (struct tw_text){(const char *)buffer->bytes, (uint32_t)buffer->length};
}

void tw_replay_tell_refusals(const struct tw_replay_settings *settings, const struct tw_record *record,
                             struct tw_replay_totals *out)
{
    struct tw_refusal refusal;
    if (record->kind != TW_RECORD_BLOCK)
        return;
    for (uint32_t offset = 0; tw_block_next_refusal(&record->block, &offset, &refusal);) {
        out->refused++;
        settings->refused(settings->context, &refusal);
    }
}

/* ---- a tape ---- */

struct tape_replay {
    const struct tw_replay_settings *settings;
    struct tw_replay_totals *totals;
    struct tw_memory_log *log;
    struct tw_evidence_source *evidence;
    struct tw_pipeline *pipeline;
    struct tw_gateway *gateway;
    struct tw_batch batch;
    struct tw_flow_message message;
    uint64_t next;
    int64_t now_ns;                        /* nothing here takes time */
    int64_t last_ns, latest_ns, future_ns; /* the newest good ts; what is good by now; how far ahead of the clock */
};

/* Whatever the gateway has staged, judged at once. */
static void drain(struct tape_replay *replay)
{
    struct tw_frame *frame;
    while ((frame = tw_gateway_cut(replay->gateway)) != NULL) {
        struct tw_record record;
        const char *why = NULL;
        TW_ASSERT(tw_record_decode(frame->bytes, frame->length, &record, &why));
        tw_memory_log_add(replay->log, frame, &record);
        tw_evidence_source_add(replay->evidence, &record);
        tw_pipeline_feed(replay->pipeline, &record, replay->settings->alert, replay->settings->context);
        tw_replay_tell_refusals(replay->settings, &record, replay->totals);
        tw_gateway_durable(replay->gateway, tw_record_lsn(&record));
        tw_frame_drop(&frame);
    }
}

static void submit(struct tape_replay *replay)
{
    uint32_t count = tw_batch_count(&replay->batch);
    if (count == 0)
        return;
    struct tw_buffer *bytes = &replay->message.bytes;
    bytes->length = 0;
    tw_batch_cut(&replay->batch, replay->next, &replay->message);
    replay->next += count;
    while (tw_gateway_submit(replay->gateway, TW_LANE_PUSH, bytes->bytes, bytes->length, tw_cli_wall_ns(),
                             replay->now_ns) == TW_TAKEN_LATER)
        drain(replay);
    drain(replay);
    TW_ASSERT(tw_gateway_counters(replay->gateway).holds == 0); /* what we number and encode ourselves is in order */
}

static void begin_tape(struct tape_replay *replay, struct tw_session *session)
{
    const struct tw_replay_settings *settings = replay->settings;
    const struct tw_cfg *cfg = settings->cfg;
    tw_session_init(session, tw_cfg_text(cfg, "session/zone"), tw_cfg_integer(cfg, "session/roll"));
    const struct tw_gateway_settings gateway_settings = {
        .block_trades_max = settings->block_trades,
        .credit_trades = TW_CREDIT_TRADES,
        .future_ns = tw_cfg_integer(cfg, "limits/future") * TW_NS_PER_SECOND,
        .reporting_currency = tw_cfg_text(cfg, "exposure/currency"),
        .next_roll = tw_session_next_roll,
        .next_roll_context = session,
    };
    replay->log = tw_memory_log_new();
    struct tw_history history = tw_memory_log_history(replay->log);
    replay->evidence = tw_evidence_source_new(tw_memory_log_fetch, replay->log);
    struct tw_evidence evidence = tw_evidence_source_port(replay->evidence);
    replay->pipeline = tw_pipeline_new(settings->shards, &evidence);
    replay->gateway = tw_gateway_new(&gateway_settings, &history);
    struct tw_buffer rules = {0};
    tw_cfg_rules_text(cfg, &rules);
    tw_gateway_start(replay->gateway, TW_VERSION, text_of(&rules), tw_cli_wall_ns());
    tw_buffer_free(&rules);
    drain(replay);
    struct tw_text publisher = {settings->publisher, (uint32_t)strlen(settings->publisher)};
    tw_batch_init(&replay->batch, publisher, settings->incarnation, settings->block_trades, false);
    replay->next = 1;
    replay->last_ns = TW_TIMESTAMP_MIN_NS;
    replay->future_ns = gateway_settings.future_ns;
}

static void end_tape(struct tape_replay *replay)
{
    tw_batch_clear(&replay->batch);
    tw_buffer_free(&replay->message.bytes);
    tw_gateway_free(&replay->gateway);
    tw_pipeline_free(&replay->pipeline);
    tw_evidence_source_free(&replay->evidence);
    tw_memory_log_free(&replay->log);
}

/* Not the moment of the receipt, which is another one each time. */
static void date(struct tape_replay *replay, struct tw_trade *trade)
{
    if (!trade->has_ts) {
        trade->ts_ns = replay->last_ns;
        trade->has_ts = true;
        replay->totals->undated++;
        return;
    }
    if (trade->ts_ns > replay->latest_ns)
        replay->latest_ns = tw_cli_wall_ns() + replay->future_ns;
    if (trade->ts_ns >= TW_TIMESTAMP_MIN_NS && trade->ts_ns <= replay->latest_ns) /* else it will be refused */
        replay->last_ns = trade->ts_ns;
}

static void take_trade(struct tape_replay *replay, struct tw_trade *trade)
{
    date(replay, trade);
    if (tw_batch_add(&replay->batch, trade))
        return;
    submit(replay);
    TW_ASSERT(tw_batch_add(&replay->batch, trade));
}

void tw_replay_tape(const struct tw_replay_settings *settings, struct tw_tape *tape, struct tw_replay_totals *out)
{
    struct tape_replay replay = {.settings = settings, .totals = out};
    struct tw_session session;
    struct tw_trade trade;
    *out = (struct tw_replay_totals){0};
    begin_tape(&replay, &session);
    for (uint64_t rows = 0;; rows++) {
        enum tw_tape_result result = tw_tape_next(tape, &trade);
        if (result == TW_TAPE_END)
            break;
        if (result == TW_TAPE_TRADE) {
            take_trade(&replay, &trade);
        } else {
            out->malformed += !tw_tape_unreadable(tape);
            settings->bad(settings->context, tw_tape_problem(tape));
            if (result == TW_TAPE_FAILED || !settings->skip_bad)
                break;
        }
        if (rows % 4096 == 0)
            settings->progress(settings->context, tw_tape_position(tape), tw_tape_size(tape));
    }
    submit(&replay);
    tw_replay_sum_up(replay.pipeline, out);
    end_tape(&replay);
}
