/* SPDX-License-Identifier: MIT
 *
 * The world around the gateway's core: see gateway_world.h.
 */
#include "gateway_world.h"

#include <stdio.h>
#include <stdlib.h>

#include "protocol/check.h"

/* ---- the past ---- */

static struct tw_text lend(struct world *world, struct tw_text text)
{
    memset(world->lent, 0xdd, sizeof world->lent);
    if (text.length != 0)
        memcpy(world->lent, text.bytes, text.length);
    return (struct tw_text){world->lent, text.length};
}

static struct tw_past_trade past_of(struct world *world, const struct tw_block *block, uint32_t row)
{
    struct tw_past_trade past = {.seq = block->follows + 1 + row,
                                 .pseq = tw_load_u64(block->pseq, row),
                                 .source = tw_load_u32(block->source, row),
                                 .symbol = tw_load_u32(block->symbol, row),
                                 .account = tw_load_u32(block->account, row),
                                 .venue = tw_load_party(block->venue, row),
                                 .owner = tw_load_party(block->owner, row),
                                 .contra = tw_load_party(block->contra, row),
                                 .broker = tw_load_party(block->broker, row),
                                 .ccy = tw_load_party(block->ccy, row),
                                 .attrs = block->attrs[row],
                                 .qty_e8 = tw_load_i64(block->qty, row),
                                 .price_e8 = tw_load_i64(block->price, row),
                                 .ts_ns = tw_load_i64(block->ts, row),
                                 .id = lend(world, tw_block_id(block, row))};
    uint32_t cursor = 0;
    for (uint32_t before = 0; before <= row; before++)
        if (TW_ATTR_KIND(block->attrs[before]) != TW_KIND_TRADE)
            past.original_seq = tw_block_original(block, before, &cursor).seq;
    if (TW_ATTR_KIND(past.attrs) == TW_KIND_TRADE)
        past.original_seq = 0;
    return past;
}

static bool find_accepted(const struct world *world, uint32_t source, uint64_t pseq, const struct tw_block **block,
                          uint32_t *row)
{
    for (uint64_t lsn = 1; lsn <= world->durable_lsn; lsn++) {
        *block = &world->log.records[lsn - 1].block;
        if (world->log.records[lsn - 1].kind != TW_RECORD_BLOCK)
            continue;
        for (*row = 0; *row < (*block)->count; ++*row)
            if (tw_load_u32((*block)->source, *row) == source && tw_load_u64((*block)->pseq, *row) == pseq)
                return true;
    }
    return false;
}

static bool find_refused(const struct world *world, uint32_t source, uint64_t pseq, struct tw_refusal *out)
{
    for (uint64_t lsn = 1; lsn <= world->durable_lsn; lsn++) {
        uint32_t offset = 0;
        if (world->log.records[lsn - 1].kind != TW_RECORD_BLOCK)
            continue;
        while (tw_block_next_refusal(&world->log.records[lsn - 1].block, &offset, out))
            if (out->source == source && out->pseq == pseq)
                return true;
    }
    return false;
}

static bool past_by_pseq(void *context, uint32_t source, uint64_t pseq, struct tw_past_trade *out)
{
    struct world *world = context;
    const struct tw_block *block = NULL;
    struct tw_refusal refusal;
    uint32_t row = 0;
    world->history_calls++;
    lend(world, (struct tw_text){NULL, 0});
    assert_in_range(source, 1, world->log.names[TW_NAME_SOURCE].count);
    bool accepted = find_accepted(world, source, pseq, &block, &row);
    if (accepted && block->follows + 1 + row <= world->dropped_seq)
        *out = (struct tw_past_trade){.dropped = true, .pseq = pseq, .source = source};
    else if (accepted)
        *out = past_of(world, block, row);
    else if (find_refused(world, source, pseq, &refusal))
        *out = (struct tw_past_trade){
            .refused = true, .content_hash = refusal.content_hash, .pseq = pseq, .source = source};
    else
        fail_msg("the past was asked for number %llu of source %u, which is not durable", (unsigned long long)pseq,
                 source);
    return true;
}

static bool past_by_seq(void *context, uint64_t seq, struct tw_past_trade *out)
{
    struct world *world = context;
    uint32_t row = 0;
    world->history_calls++;
    assert_in_range(seq, 1, world->durable_seq);
    const struct tw_block *block = log_find(&world->log, seq, &row);
    assert_non_null(block);
    *out = seq <= world->dropped_seq ? (struct tw_past_trade){.dropped = true, .seq = seq} : past_of(world, block, row);
    return true;
}

static bool past_by_id(void *context, struct tw_text publisher, struct tw_text id, uint64_t before,
                       struct tw_past_trade *out)
{
    struct world *world = context;
    uint32_t row = 0;
    world->history_calls++;
    assert_in_range(before, 1, world->durable_seq + 1);
    for (uint64_t seq = before - 1; seq > world->dropped_seq; seq--) {
        const struct tw_block *block = log_find(&world->log, seq, &row);
        assert_non_null(block);
        struct tw_text candidate = tw_block_id(block, row);
        struct tw_text from = log_name(&world->log, TW_NAME_SOURCE, tw_load_u32(block->source, row));
        if (TW_ATTR_KIND(block->attrs[row]) == TW_KIND_BUST || candidate.length != id.length ||
            memcmp(candidate.bytes, id.bytes, id.length) != 0 || from.length != publisher.length ||
            memcmp(from.bytes, publisher.bytes, publisher.length) != 0)
            continue;
        *out = past_of(world, block, row);
        return true;
    }
    lend(world, (struct tw_text){NULL, 0});
    return false;
}

/* ---- life ---- */

static int64_t next_midnight(void *context, int64_t ts_ns)
{
    (void)context;
    return (ts_ns / DAY + 1) * DAY;
}

static void make_gateway(struct world *world)
{
    const struct tw_history history = {world, past_by_pseq, past_by_id, past_by_seq};
    world->gateway = tw_gateway_new(&world->settings, &history);
}

struct world *world_new(uint32_t block_trades_max)
{
    return world_new_with(block_trades_max, SETTINGS);
}

struct world *world_new_with(uint32_t block_trades_max, const char *settings_text)
{
    struct world *world = calloc(1, sizeof *world);
    world->settings = (struct tw_gateway_settings){.block_trades_max = block_trades_max,
                                                   .credit_trades = TW_CREDIT_TRADES,
                                                   .future_ns = 5 * SECOND,
                                                   .reporting_currency = "USD",
                                                   .next_roll = next_midnight,
                                                   .idle_clock = true};
    world->wall_ns = NOON;
    world->now_ns = SECOND;
    make_gateway(world);
    tw_gateway_start(world->gateway, "test", text_of(settings_text), world->wall_ns);
    world_durable(world);
    return world;
}

void world_free(struct world **world)
{
    tw_gateway_free(&(*world)->gateway);
    log_free(&(*world)->log);
    tw_buffer_free(&(*world)->saving.rows);
    tw_buffer_free(&(*world)->saved.rows);
    free(*world);
    *world = NULL;
}

void world_cut(struct world *world)
{
    for (struct tw_frame *frame; (frame = tw_gateway_cut(world->gateway)) != NULL;) {
        log_add(&world->log, frame);
        tw_frame_drop(&frame);
    }
    assert_false(tw_gateway_staged(world->gateway));
    assert_int_equal(tw_gateway_last_seq(world->gateway), world->log.last_seq);
    assert_int_equal(tw_gateway_last_lsn(world->gateway), world->log.count);
}

void world_durable_to(struct world *world, uint64_t lsn)
{
    assert_true(lsn <= world->log.count);
    world->durable_lsn = lsn;
    world->durable_seq = lsn == 0 ? 0 : tw_record_last(&world->log.records[lsn - 1]);
    tw_gateway_durable(world->gateway, lsn);
}

void world_durable(struct world *world)
{
    world_cut(world);
    world_durable_to(world, world->log.count);
}

void world_pass(struct world *world, int64_t ns)
{
    const int64_t step = SECOND / 10;
    for (int64_t end = world->now_ns + ns; world->now_ns < end;) {
        int64_t move = end - world->now_ns < step ? end - world->now_ns : step;
        world->now_ns += move;
        world->wall_ns += move;
        int64_t next = tw_gateway_clock(world->gateway, world->wall_ns, world->now_ns);
        assert_true(next > world->now_ns && next <= world->now_ns + step);
    }
}

/* ---- snapshots ---- */

void world_snapshot_begin(struct world *world)
{
    if (world->saving.lsn == 0) {
        world->saving.lsn = tw_gateway_snapshot(world->gateway, world->wall_ns);
        tw_gateway_save_begin(world->gateway);
        world->saving.rows.length = 0;
        world->saving.whole = false;
    } else { /* what is said must not depend on how far the one under way is */
        tw_gateway_snapshot(world->gateway, world->wall_ns);
    }
}

void world_snapshot_go_on(struct world *world, size_t bytes)
{
    if (world->saving.lsn == 0)
        return;
    if (!world->saving.whole)
        world->saving.whole = tw_gateway_save(world->gateway, &world->saving.rows, bytes);
    if (!world->saving.whole || world->saving.lsn > world->durable_lsn)
        return;
    struct world_snapshot done = world->saving;
    world->saving = world->saved;
    world->saving.lsn = 0;
    world->saved = done;
}

static void load_snapshot(struct world *world)
{
    struct tw_row_reader row;
    size_t offset = 0;
    int more;
    while ((more = tw_row_next(world->saved.rows.bytes, world->saved.rows.length, &offset, &row)) > 0)
        assert_true(tw_gateway_load(world->gateway, &row));
    assert_int_equal(more, 0);
    assert_true(tw_gateway_load_end(world->gateway));
    assert_int_equal(tw_gateway_last_lsn(world->gateway), world->saved.lsn);
    world->snapshots_loaded++;
}

void world_restart_with(struct world *world, const char *settings_text)
{
    struct log old = world->log;
    tw_gateway_free(&world->gateway);
    memset(&world->log, 0, sizeof world->log);
    make_gateway(world);
    world->saving.lsn = 0; /* what was under way is lost */
    if (world->from_snapshot && world->saved.lsn != 0)
        load_snapshot(world);
    for (uint64_t lsn = 1; lsn <= world->durable_lsn; lsn++) {
        log_add(&world->log, old.frames[lsn - 1]);
        if (lsn > tw_gateway_last_lsn(world->gateway))
            tw_gateway_apply(world->gateway, &world->log.records[lsn - 1]);
    }
    log_free(&old);
    tw_gateway_start(world->gateway, "test", text_of(settings_text), world->wall_ns);
    world_durable(world);
}

void world_restart(struct world *world)
{
    world_restart_with(world, SETTINGS);
}

/* ---- speaking ---- */

struct tw_text text_of(const char *chars)
{
    return (struct tw_text){chars, chars == NULL ? 0 : (uint32_t)strlen(chars)};
}

struct tw_trade trade_of(const char *symbol, const char *account, char side, int64_t qty, int64_t price, int64_t ts_ns)
{
    return (struct tw_trade){.symbol = text_of(symbol),
                             .account = text_of(account),
                             .side = side == 'B'   ? TW_SIDE_BUY
                                     : side == 'S' ? TW_SIDE_SELL
                                                   : TW_SIDE_NONE,
                             .qty_e8 = qty * TW_E8,
                             .price_e8 = price * TW_E8,
                             .ts_ns = ts_ns,
                             .has_ts = ts_ns != 0};
}

void world_send(struct world *world, enum tw_lane lane, const void *bytes, size_t length)
{
    /* A copy that ends with the message, so that a sanitizer sees whoever reads on, and is gone afterwards. */
    uint8_t *copy = malloc(length == 0 ? 1 : length);
    memcpy(copy, bytes, length);
    while (tw_gateway_submit(world->gateway, lane, copy, length, world->wall_ns, world->now_ns) == TW_TAKEN_LATER) {
        assert_true(tw_gateway_staged(world->gateway)); /* or cutting would not help */
        world_cut(world);
    }
    memset(copy, 0xdd, length);
    free(copy);
}

static void send_rows(struct world *world, enum tw_lane lane, const char *publisher, uint32_t incarnation, uint64_t seq,
                      const struct tw_trade *trades, uint32_t count)
{
    struct tw_buffer message = {0};
    tw_submission_encode_rows(&message, text_of(publisher), incarnation, seq, trades, count);
    world_send(world, lane, message.bytes, message.length);
    tw_buffer_free(&message);
}

void world_push(struct world *world, const char *publisher, uint32_t incarnation, uint64_t seq,
                const struct tw_trade *trades, uint32_t count)
{
    send_rows(world, TW_LANE_PUSH, publisher, incarnation, seq, trades, count);
}

void world_feed(struct world *world, const char *publisher, uint32_t incarnation, uint64_t seq,
                const struct tw_trade *trades, uint32_t count)
{
    send_rows(world, TW_LANE_FEED, publisher, incarnation, seq, trades, count);
}

void world_hello(struct world *world, const char *publisher, uint32_t incarnation)
{
    world_push(world, publisher, incarnation, 1, NULL, 0);
}

void world_push_plain(struct world *world, const char *publisher, uint32_t incarnation, uint64_t seq, uint32_t count)
{
    struct tw_trade *trades = calloc(count, sizeof *trades);
    char(*ids)[24] = calloc(count, sizeof *ids);
    for (uint32_t i = 0; i < count; i++) {
        trades[i] = trade_of("X", "A", 'B', 1, 10, NOON + (int64_t)(seq + i));
        snprintf(ids[i], sizeof ids[i], "%llu", (unsigned long long)seq + i);
        trades[i].id = text_of(ids[i]);
    }
    world_push(world, publisher, incarnation, seq, trades, count);
    free(trades);
    free(ids);
}

/* ---- hearing ---- */

/* An ack's texts are borrowed until the next call: keep them, then make the loan void by asking once more. */
static void keep(struct world *world, size_t *used, struct tw_text *text)
{
    assert_true(*used + text->length <= sizeof world->ack_texts);
    if (text->length != 0)
        memcpy(world->ack_texts + *used, text->bytes, text->length);
    text->bytes = world->ack_texts + *used;
    *used += text->length;
}

static bool is_of(const struct tw_ack *ack, const char *publisher)
{
    return ack->publisher.length == strlen(publisher) &&
           memcmp(ack->publisher.bytes, publisher, ack->publisher.length) == 0;
}

const struct tw_ack *world_ack(struct world *world, const char *publisher)
{
    struct tw_ack next;
    bool found = false;
    while (tw_gateway_next_ack(world->gateway, world->now_ns, &next)) {
        if (!is_of(&next, publisher))
            continue;
        size_t used = 0;
        world->ack = next;
        keep(world, &used, &world->ack.publisher);
        keep(world, &used, &world->ack.hold_code);
        keep(world, &used, &world->ack.hold_why);
        for (uint32_t i = next.refused_count > 4 ? next.refused_count - 4 : 0; i < next.refused_count; i++) {
            keep(world, &used, &world->ack.refused[i].code);
            keep(world, &used, &world->ack.refused[i].why);
        }
        found = true;
    }
    if (!found)
        fail_msg("no ack is due for %s", publisher);
    return &world->ack;
}

bool world_silent(struct world *world)
{
    struct tw_ack ack;
    return !tw_gateway_next_ack(world->gateway, world->now_ns, &ack);
}

void expect_text(struct tw_text text, const char *chars)
{
    if (text.length != strlen(chars) || memcmp(text.bytes, chars, text.length) != 0)
        fail_msg("\"%.*s\" is not \"%s\"", (int)text.length, text.bytes, chars);
}

void expect_hold(const struct tw_ack *ack, const char *code, uint64_t seq)
{
    assert_true(ack->has_hold);
    expect_text(ack->hold_code, code);
    assert_int_equal(ack->hold_seq, seq);
    assert_true(ack->hold_why.length > 0);
}

void expect_no_hold(const struct tw_ack *ack)
{
    if (ack->has_hold)
        fail_msg("held: %.*s", (int)ack->hold_code.length, ack->hold_code.bytes);
}

/* ---- looking ---- */

struct tw_past_trade world_trade(struct world *world, uint64_t seq)
{
    uint32_t row = 0;
    const struct tw_block *block = log_find(&world->log, seq, &row);
    assert_non_null(block);
    return past_of(world, block, row);
}

bool world_find(void *context, uint64_t seq, uint32_t *source, uint64_t *pseq, struct tw_text *id)
{
    uint32_t row;
    const struct tw_block *block = log_find(&((struct world *)context)->log, seq, &row);
    if (block == NULL)
        return false;
    *source = tw_load_u32(block->source, row);
    *pseq = tw_load_u64(block->pseq, row);
    *id = tw_block_id(block, row);
    return true;
}

uint32_t world_controls(const struct world *world, enum tw_control_kind kind, struct tw_control *last)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < world->log.count; i++)
        if (world->log.records[i].kind == TW_RECORD_CONTROL && world->log.records[i].control.kind == kind) {
            count++;
            if (last != NULL)
                *last = world->log.records[i].control;
        }
    return count;
}

uint32_t world_blocks(const struct world *world)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < world->log.count; i++)
        count += world->log.records[i].kind == TW_RECORD_BLOCK && world->log.records[i].block.count > 0;
    return count;
}

struct tw_refusal world_last_refusal(const struct world *world)
{
    struct tw_refusal last = {0};
    for (uint32_t i = 0; i < world->log.count; i++) {
        uint32_t offset = 0;
        if (world->log.records[i].kind == TW_RECORD_BLOCK)
            for (struct tw_refusal refusal; tw_block_next_refusal(&world->log.records[i].block, &offset, &refusal);)
                last = refusal;
    }
    return last;
}

void expect_refusal(struct world *world, const char *code)
{
    world_cut(world);
    struct tw_refusal last = world_last_refusal(world);
    assert_true(last.number != 0);
    expect_text(last.code, code);
}
