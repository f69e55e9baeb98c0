/* SPDX-License-Identifier: MIT */
#include "tests/golden/story.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/gateway/gateway.h"
#include "actors/pipeline/pipeline.h"
#include "cfg/cfg.h"
#include "protocol/check.h"
#include "protocol/submission.h"

#define BASE_NS (INT64_C(1704067200) * TW_NS_PER_SECOND)
#define EVENTS_MAX 64
#define TRADES_MAX 4096
#define SETS_MAX 32

struct told {
    char text[256], threshold[40];
    uint64_t seq;
};

struct past {
    uint32_t source;
    uint64_t pseq;
    char id[TW_EXECUTION_ID_BYTES_MAX];
    uint32_t id_length;
    struct tw_past_trade trade;
};

struct teller {
    struct story_run *run;
    const char *path;
    int line;
    struct tw_gateway *gateway;
    struct tw_pipeline *pipeline;
    char sets[SETS_MAX][128];
    size_t set_count;
    int64_t ts_ns, now_ns;
    uint64_t pseq;
    struct told told[EVENTS_MAX];
    uint32_t told_count, heard_count;
    uint64_t last_refused;
    char last_code[40];
    struct past *past; /* by global sequence */
    uint64_t past_count;
};

/* ---- ports over what was told ---- */

static bool find_evidence(void *context, uint64_t seq, uint32_t *source, uint64_t *pseq, struct tw_text *id)
{
    struct teller *teller = context;
    if (seq == 0 || seq > teller->past_count)
        return false;
    struct past *past = &teller->past[seq];
    *source = past->source;
    *pseq = past->pseq;
    *id = (struct tw_text){past->id, past->id_length};
    return true;
}

static bool past_by_pseq(void *context, uint32_t source, uint64_t pseq, struct tw_past_trade *out)
{
    struct teller *teller = context;
    for (uint64_t seq = 1; seq <= teller->past_count; seq++)
        if (teller->past[seq].source == source && teller->past[seq].pseq == pseq) {
            *out = teller->past[seq].trade;
            return true;
        }
    return false;
}

static bool past_by_id(void *context, struct tw_text publisher, struct tw_text id, uint64_t before,
                       struct tw_past_trade *out)
{
    struct teller *teller = context;
    (void)publisher; /* stories have one */
    for (uint64_t seq = before - 1 < teller->past_count ? before - 1 : teller->past_count; seq > 0; seq--) {
        struct past *past = &teller->past[seq];
        if (past->id_length == id.length && memcmp(past->id, id.bytes, id.length) == 0 &&
            TW_ATTR_KIND(past->trade.attrs) != TW_KIND_BUST) {
            *out = past->trade;
            return true;
        }
    }
    return false;
}

static bool past_by_seq(void *context, uint64_t seq, struct tw_past_trade *out)
{
    struct teller *teller = context;
    if (seq == 0 || seq > teller->past_count)
        return false;
    *out = teller->past[seq].trade;
    return true;
}

static void remember(struct teller *teller, const struct tw_block *block)
{
    struct tw_refusal refusal;
    for (uint32_t offset = 0; tw_block_next_refusal(block, &offset, &refusal);)
        snprintf(teller->last_code, sizeof teller->last_code, "%.*s", (int)refusal.code.length, refusal.code.bytes);
    uint32_t originals = 0;
    for (uint32_t row = 0; row < block->count; row++) {
        uint64_t seq = block->follows + 1 + row;
        TW_ASSERT(seq < TRADES_MAX);
        struct past *past = &teller->past[seq];
        struct tw_text id = tw_block_id(block, row);
        past->source = tw_load_u32(block->source, row);
        past->pseq = tw_load_u64(block->pseq, row);
        past->id_length = id.length;
        if (id.length > 0)
            memcpy(past->id, id.bytes, id.length);
        past->trade = (struct tw_past_trade){.seq = seq,
                                             .pseq = past->pseq,
                                             .source = past->source,
                                             .symbol = tw_load_u32(block->symbol, row),
                                             .account = tw_load_u32(block->account, row),
                                             .attrs = block->attrs[row],
                                             .qty_e8 = tw_load_i64(block->qty, row),
                                             .price_e8 = tw_load_i64(block->price, row),
                                             .ts_ns = tw_load_i64(block->ts, row),
                                             .id = {past->id, past->id_length}};
        if (TW_ATTR_KIND(block->attrs[row]) != TW_KIND_TRADE)
            past->trade.original_seq = tw_block_original(block, row, &originals).seq;
        teller->past_count = seq;
    }
}

/* ---- events, in words ---- */

/* As the record has it; a score has none here. */
static void write_threshold(const struct tw_router_alert *alert, char out[40])
{
    struct tw_alert_view view;
    TW_ASSERT(tw_alert_decode(alert->bytes, alert->length, &view));
    out[0] = '\0';
    if (view.threshold.type == TW_PACK_STR)
        snprintf(out, 40, "%.*s", (int)view.threshold.text.length, view.threshold.text.bytes);
    else if (view.threshold.type == TW_PACK_UINT)
        snprintf(out, 40, "%" PRIu64, view.threshold.uint);
}

static void hear(void *context, const struct tw_router_alert *alert)
{
    struct teller *teller = context;
    char value[TW_E8_TEXT_MAX];
    TW_ASSERT(teller->told_count < EVENTS_MAX);
    struct told *told = &teller->told[teller->told_count++];
    bool decimal = alert->rule == TW_RULE_LARGE_TRADE || alert->rule == TW_RULE_CLIENT_EXPOSURE ||
                   alert->rule == TW_RULE_SYMBOL_EXPOSURE;
    if (decimal)
        tw_e8_format(alert->digest_value, value);
    else
        tw_i128_format(alert->digest_value, value);
    snprintf(told->text, sizeof told->text, "%s %s %s %.*s %s", tw_event_name(alert->kind),
             tw_severity_name(alert->severity), tw_rule_type(alert->rule), (int)alert->entity.length,
             alert->entity.bytes, value);
    told->seq = alert->seq;
    write_threshold(alert, told->threshold);
    teller->run->events++;
}

static void flow(struct teller *teller)
{
    struct tw_frame *frame;
    while ((frame = tw_gateway_cut(teller->gateway)) != NULL) {
        struct tw_record record;
        const char *why = "";
        if (!tw_record_decode(frame->bytes, frame->length, &record, &why))
            tw_check_failed(why, __FILE__, __LINE__, __func__);
        if (record.kind == TW_RECORD_BLOCK)
            remember(teller, &record.block);
        tw_pipeline_feed(teller->pipeline, &record, hear, teller);
        tw_gateway_durable(teller->gateway, tw_record_lsn(&record));
        tw_frame_drop(&frame);
    }
}

static bool fail(struct teller *teller, const char *expected, const char *got)
{
    snprintf(teller->run->failure, sizeof teller->run->failure,
             "%s:%d (shards %u, blocks %u): expected %.300s, got %.300s", teller->path, teller->line,
             teller->run->shards, teller->run->block_trades_max, expected, got);
    return false;
}

/* ---- beginning ---- */

static bool rules_text(struct teller *teller, struct tw_buffer *out)
{
    const char *sets[SETS_MAX];
    struct tw_cfg_error error;
    for (size_t i = 0; i < teller->set_count; i++)
        sets[i] = teller->sets[i];
    struct tw_cfg_sources sources = {.sets = sets, .set_count = teller->set_count};
    struct tw_cfg *cfg = tw_cfg_load(&sources, &error);
    if (cfg == NULL)
        return fail(teller, "settings that can be read", error.text);
    tw_cfg_rules_text(cfg, out);
    tw_cfg_free(&cfg);
    return true;
}

static int64_t midnight_after(void *context, int64_t ts_ns)
{
    (void)context;
    int64_t day = 86400 * TW_NS_PER_SECOND;
    return (ts_ns / day + 1) * day;
}

static bool begin(struct teller *teller)
{
    struct tw_buffer text = {0};
    if (teller->gateway != NULL)
        return true;
    struct tw_gateway_settings settings = {.block_trades_max = teller->run->block_trades_max,
                                           .credit_trades = TW_CREDIT_TRADES,
                                           .future_ns = INT64_MAX / 4,
                                           .reporting_currency = "USD",
                                           .next_roll = midnight_after,
                                           .idle_clock = true};
    struct tw_history history = {teller, past_by_pseq, past_by_id, past_by_seq};
    struct tw_evidence evidence = {teller, find_evidence};
    if (!rules_text(teller, &text))
        return false;
    teller->gateway = tw_gateway_new(&settings, &history);
    teller->pipeline = tw_pipeline_new(teller->run->shards, &evidence);
    tw_gateway_start(teller->gateway, "story", (struct tw_text){(const char *)text.bytes, (uint32_t)text.length},
                     BASE_NS);
    flow(teller);
    tw_buffer_free(&text);
    return true;
}

/* ---- the lines ---- */

static struct tw_text text_of(const char *word)
{
    return (struct tw_text){word, (uint32_t)strlen(word)};
}

static void submit(struct teller *teller, const struct tw_trade *trade)
{
    struct tw_buffer message = {0};
    tw_submission_encode_rows(&message, text_of("story"), 0, ++teller->pseq, trade, 1);
    teller->now_ns += 1000;
    while (tw_gateway_submit(teller->gateway, TW_LANE_PUSH, message.bytes, message.length, teller->ts_ns,
                             teller->now_ns) == TW_TAKEN_LATER)
        flow(teller);
    flow(teller);
    tw_buffer_free(&message);
}

/* "A buys 4000 X at 150 as E1" or "print 200 X at 150". */
static bool read_trade(struct teller *teller, const char *line, struct tw_trade *trade, char words[8][64])
{
    int count = sscanf(line, "%63s %63s %63s %63s %63s %63s %63s %63s", words[0], words[1], words[2], words[3],
                       words[4], words[5], words[6], words[7]);
    int first = 2; /* of quantity */
    *trade = (struct tw_trade){.has_ts = true, .ts_ns = teller->ts_ns};
    if (strcmp(words[0], "print") == 0) {
        first = 1;
    } else {
        trade->account = text_of(words[0]);
        trade->side = strcmp(words[1], "buys") == 0 ? TW_SIDE_BUY : TW_SIDE_SELL;
        if (trade->side == TW_SIDE_SELL && strcmp(words[1], "sells") != 0)
            return fail(teller, "buys or sells", words[1]);
    }
    if (count < first + 4 || strcmp(words[first + 2], "at") != 0)
        return fail(teller, "QTY SYMBOL at PRICE", line);
    trade->symbol = text_of(words[first + 1]);
    if (tw_e8_parse(words[first], strlen(words[first]), &trade->qty_e8) != TW_PARSE_OK ||
        tw_e8_parse(words[first + 3], strlen(words[first + 3]), &trade->price_e8) != TW_PARSE_OK)
        return fail(teller, "decimal quantity and price", line);
    if (count >= first + 6 && strcmp(words[first + 4], "as") == 0)
        trade->id = text_of(words[first + 5]);
    return true;
}

static bool tell_trade(struct teller *teller, const char *line)
{
    struct tw_trade trade;
    char words[8][64];
    if (!read_trade(teller, line, &trade, words))
        return false;
    submit(teller, &trade);
    return true;
}

static bool tell_refused(struct teller *teller, char *line)
{
    char *code = strrchr(line, ':');
    if (code == NULL)
        return fail(teller, "refused TRADE : CODE", line);
    *code++ = '\0';
    code += strspn(code, " ");
    teller->last_code[0] = '\0';
    if (strncmp(line, "bust ", 5) == 0) {
        struct tw_trade bust = {.has_ts = true, .ts_ns = teller->ts_ns, .kind = TW_KIND_BUST, .ref = {line + 5, 0}};
        bust.ref.length = (uint32_t)strcspn(line + 5, " ");
        submit(teller, &bust);
    } else if (!tell_trade(teller, line)) {
        return false;
    }
    return strcmp(code, teller->last_code) == 0 || fail(teller, code, teller->last_code);
}

static bool tell_bust(struct teller *teller, const char *id)
{
    struct tw_trade bust = {.has_ts = true, .ts_ns = teller->ts_ns, .kind = TW_KIND_BUST, .ref = text_of(id)};
    submit(teller, &bust);
    return true;
}

static bool tell_correct(struct teller *teller, char *line)
{
    struct tw_trade trade;
    char words[8][64];
    char *colon = strchr(line, ':');
    if (colon == NULL)
        return fail(teller, "correct ID: TRADE", line);
    *colon = '\0';
    if (!read_trade(teller, colon + 1, &trade, words))
        return false;
    trade.kind = TW_KIND_CORRECT;
    trade.ref = text_of(line);
    submit(teller, &trade);
    return true;
}

static int64_t seconds(const char *text)
{
    int64_t e8 = 0;
    tw_e8_parse(text, strlen(text), &e8);
    return e8 * 10;
}

static bool tell_quiet(struct teller *teller, const char *until)
{
    int64_t end_ns = BASE_NS + seconds(until);
    while (teller->ts_ns < end_ns) {
        teller->ts_ns += TW_NS_PER_SECOND;
        teller->now_ns += TW_NS_PER_SECOND;
        tw_gateway_clock(teller->gateway, teller->ts_ns, teller->now_ns);
        flow(teller);
    }
    return true;
}

static bool tell_restart(struct teller *teller, const char *setting)
{
    struct tw_buffer text = {0};
    snprintf(teller->sets[teller->set_count++], sizeof teller->sets[0], "%s", setting);
    if (!rules_text(teller, &text))
        return false;
    tw_gateway_settings_changed(teller->gateway, (struct tw_text){(const char *)text.bytes, (uint32_t)text.length});
    flow(teller);
    tw_buffer_free(&text);
    return true;
}

static bool tell_event(struct teller *teller, char *expected)
{
    char got[340] = "nothing";
    char *at = strstr(expected, " @");
    uint64_t seq = at == NULL ? 0 : strtoull(at + 2, NULL, 10);
    if (at != NULL)
        *at = '\0';
    if (teller->heard_count < teller->told_count) {
        struct told *told = &teller->told[teller->heard_count++];
        char whole[310];
        snprintf(whole, sizeof whole, "%s above %s", told->text, told->threshold);
        snprintf(got, sizeof got, "%s @%" PRIu64, whole, told->seq);
        bool same = strcmp(told->text, expected) == 0 || strcmp(whole, expected) == 0;
        if (same && (seq == 0 || seq == told->seq))
            return true;
    }
    return fail(teller, expected, got);
}

static bool nothing_unheard(struct teller *teller)
{
    if (teller->heard_count < teller->told_count)
        return fail(teller, "no further event", teller->told[teller->heard_count].text);
    teller->heard_count = teller->told_count = 0;
    return true;
}

static bool tell_line(struct teller *teller, char *line)
{
    line[strcspn(line, "\r\n")] = '\0';
    line += strspn(line, " ");
    if (*line == '\0' || *line == '#')
        return true;
    if (strncmp(line, "=> ", 3) == 0)
        return tell_event(teller, line + 3);
    if (!nothing_unheard(teller))
        return false;
    if (strncmp(line, "set ", 4) == 0) {
        TW_ASSERT(teller->set_count < SETS_MAX && teller->gateway == NULL);
        snprintf(teller->sets[teller->set_count++], sizeof teller->sets[0], "%s", line + 4);
        return true;
    }
    if (!begin(teller))
        return false;
    if (strncmp(line, "at ", 3) == 0) {
        teller->ts_ns = BASE_NS + seconds(line + 3);
        return true;
    }
    if (strncmp(line, "refused ", 8) == 0)
        return tell_refused(teller, line + 8);
    if (strncmp(line, "bust ", 5) == 0)
        return tell_bust(teller, line + 5);
    if (strncmp(line, "correct ", 8) == 0)
        return tell_correct(teller, line + 8);
    if (strncmp(line, "quiet until ", 12) == 0)
        return tell_quiet(teller, line + 12);
    if (strncmp(line, "restart with ", 13) == 0)
        return tell_restart(teller, line + 13);
    return tell_trade(teller, line);
}

bool story_tell(const char *path, struct story_run *run)
{
    char line[512];
    struct teller teller = {.run = run, .path = path, .ts_ns = BASE_NS};
    FILE *file = fopen(path, "r");
    bool well = file != NULL || fail(&teller, "a story", "no such file");
    teller.past = tw_alloc_zero(TRADES_MAX, sizeof *teller.past);
    run->events = 0;
    while (well && fgets(line, sizeof line, file) != NULL) {
        teller.line++;
        well = tell_line(&teller, line);
    }
    well = well && nothing_unheard(&teller);
    if (well && teller.pipeline != NULL) {
        uint8_t digest[TW_SHA256_BYTES], record_digest[TW_SHA256_BYTES];
        tw_router_digests(tw_pipeline_router(teller.pipeline), digest, record_digest);
        tw_hex(digest, sizeof digest, run->digest);
        tw_hex(record_digest, sizeof record_digest, run->record_digest);
    }
    if (file != NULL)
        fclose(file);
    tw_gateway_free(&teller.gateway);
    tw_pipeline_free(&teller.pipeline);
    free(teller.past);
    return well;
}
