/* SPDX-License-Identifier: MIT
 *
 * The feed of the store's tests: records as the gateway would make them.
 */
#include <stdlib.h>

#include "protocol/action.h"
#include "protocol/check.h"
#include "protocol/messages.h"
#include "store_world.h"

uint64_t feed_random(struct feed *feed, uint64_t below)
{
    feed->random ^= feed->random << 13;
    feed->random ^= feed->random >> 7;
    feed->random ^= feed->random << 17;
    return feed->random % below;
}

const char *feed_publisher(uint32_t source)
{
    static const char *const names[FEED_SOURCES + 1] = {"", "desk-1", "desk-2", "desk-1", "_anon"};
    return names[source];
}

void feed_forget(struct feed *feed)
{
    free(feed->trades);
    free(feed->refusals);
    feed->trades = NULL;
    feed->refusals = NULL;
}

/* ---- names ---- */

#define FEED_NAMES (FEED_SOURCES + FEED_SYMBOLS + FEED_ACCOUNTS)

struct name_list {
    struct tw_new_name names[FEED_NAMES];
    char texts[FEED_NAMES][16];
    uint32_t count;
};

static void add_name(struct feed *feed, struct name_list *list, enum tw_name_kind kind, uint32_t incarnation,
                     const char *text)
{
    char *copy = list->texts[list->count];
    snprintf(copy, sizeof list->texts[0], "%s", text);
    list->names[list->count++] =
        (struct tw_new_name){kind, ++feed->names[kind], incarnation, {copy, (uint32_t)strlen(copy)}};
}

static void add_names(struct feed *feed, struct name_list *list)
{
    list->count = 0;
    if (feed->names[TW_NAME_SOURCE] != 0)
        return;
    char text[16];
    for (uint32_t source = 1; source <= FEED_SOURCES; source++)
        add_name(feed, list, TW_NAME_SOURCE, source == 3 ? 1 : 0, feed_publisher(source));
    for (uint32_t symbol = 1; symbol <= FEED_SYMBOLS; symbol++) {
        snprintf(text, sizeof text, "SYM%u", symbol);
        add_name(feed, list, TW_NAME_SYMBOL, 0, text);
    }
    for (uint32_t account = 1; account <= FEED_ACCOUNTS; account++) {
        snprintf(text, sizeof text, "acc-%u", account);
        add_name(feed, list, TW_NAME_ACCOUNT, 0, text);
    }
}

/* ---- trades ---- */

struct columns {
    int64_t ts[TW_BLOCK_TRADES_MAX], qty[TW_BLOCK_TRADES_MAX], price[TW_BLOCK_TRADES_MAX];
    uint64_t pseq[TW_BLOCK_TRADES_MAX];
    uint32_t symbol[TW_BLOCK_TRADES_MAX], account[TW_BLOCK_TRADES_MAX], source[TW_BLOCK_TRADES_MAX];
    uint8_t attrs[TW_BLOCK_TRADES_MAX], id_length[TW_BLOCK_TRADES_MAX];
    struct tw_original originals[TW_BLOCK_TRADES_MAX];
    struct tw_refusal refusals[TW_BLOCK_REFUSALS_MAX];
    struct tw_position positions[FEED_SOURCES];
    struct tw_buffer ids;
    uint32_t original_count, refusal_count;
    struct name_list names;
};

static struct fed_trade *remember_trade(struct feed *feed)
{
    if (feed->seq == feed->trade_capacity) {
        feed->trade_capacity = feed->trade_capacity == 0 ? 1024 : 2 * feed->trade_capacity;
        feed->trades = tw_realloc(feed->trades, feed->trade_capacity * sizeof *feed->trades);
    }
    return &feed->trades[feed->seq++];
}

/* What the trade reverses: some earlier trade, and the row repeats it. Quantity and price are always the same here. */
static void add_original(struct feed *feed, struct columns *columns, uint32_t row, struct fed_trade *trade)
{
    uint64_t before = feed->seq - 1;
    const struct fed_trade *original = &feed->trades[feed_random(feed, before)];
    trade->original_seq = (uint64_t)(original - feed->trades) + 1;
    trade->symbol = original->symbol;
    trade->account = original->account;
    columns->originals[columns->original_count++] = (struct tw_original){.row = row,
                                                                         .symbol = original->symbol,
                                                                         .account = original->account,
                                                                         .side = TW_SIDE_BUY,
                                                                         .seq = trade->original_seq,
                                                                         .qty_e8 = 100 * TW_E8,
                                                                         .price_e8 = 25 * TW_E8,
                                                                         .ts_ns = original->ts_ns};
}

static void add_trade(struct feed *feed, struct columns *columns, uint32_t row, uint32_t source)
{
    struct fed_trade *trade = remember_trade(feed);
    uint64_t dice = feed_random(feed, 100);
    *trade = (struct fed_trade){.lsn = feed->lsn, .row = row, .source = source, .pseq = feed->next[source]++};
    trade->symbol = 1 + (uint32_t)feed_random(feed, FEED_SYMBOLS);
    trade->account = (uint32_t)feed_random(feed, FEED_ACCOUNTS + 1); /* 0: a market print */
    trade->kind = dice < 2 && feed->seq > 1   ? TW_KIND_BUST
                  : dice < 4 && feed->seq > 1 ? TW_KIND_CORRECT
                                              : TW_KIND_TRADE;
    int64_t step = (int64_t)feed_random(feed, 20) * TW_NS_PER_SECOND / 10 - TW_NS_PER_SECOND / 4; /* some are late */
    trade->ts_ns = (feed->seq == 1 ? NOON : feed->clock_ns) + step;
    if (feed->seq == 1 || trade->ts_ns > feed->clock_ns)
        feed->clock_ns = trade->ts_ns;
    if (dice % 2 == 0) /* few enough that ids come back, under one publisher and under another */
        snprintf(trade->id, sizeof trade->id, "x%u", (unsigned)feed_random(feed, feed->seq / 2 + 10));
    if (trade->kind != TW_KIND_TRADE)
        add_original(feed, columns, row, trade);
    columns->ts[row] = trade->ts_ns;
    columns->qty[row] = 100 * TW_E8;
    columns->price[row] = 25 * TW_E8;
    columns->pseq[row] = trade->pseq;
    columns->symbol[row] = trade->symbol;
    columns->account[row] = trade->account;
    columns->source[row] = source;
    columns->attrs[row] = TW_ATTR_MAKE(TW_SIDE_BUY, trade->kind);
    columns->id_length[row] = (uint8_t)strlen(trade->id);
    tw_buffer_append(&columns->ids, trade->id, strlen(trade->id));
}

static void add_refusal(struct feed *feed, struct columns *columns, uint32_t source)
{
    if (feed->refusal_count == feed->refusal_capacity) {
        feed->refusal_capacity = feed->refusal_capacity == 0 ? 64 : 2 * feed->refusal_capacity;
        feed->refusals = tw_realloc(feed->refusals, feed->refusal_capacity * sizeof *feed->refusals);
    }
    struct fed_refusal *refusal = &feed->refusals[feed->refusal_count++];
    *refusal = (struct fed_refusal){source, feed->next[source]++, feed_random(feed, UINT64_MAX)};
    columns->refusals[columns->refusal_count++] = (struct tw_refusal){.number = feed->refusal_count,
                                                                      .source = source,
                                                                      .pseq = refusal->pseq,
                                                                      .content_hash = refusal->content_hash,
                                                                      .received_ns = NOON,
                                                                      .code = {"bad_price", 9},
                                                                      .why = {"price is 0", 10},
                                                                      .raw = {"\x80", 1}};
}

struct tw_frame *feed_block(struct feed *feed, uint32_t count, uint32_t refusals)
{
    struct columns *columns = tw_alloc_zero(1, sizeof *columns);
    if (feed->next[1] == 0)
        for (uint32_t source = 1; source <= FEED_SOURCES; source++)
            feed->next[source] = 1;
    struct tw_block block = {.lsn = ++feed->lsn, .follows = feed->seq, .count = count};
    add_names(feed, &columns->names);
    uint32_t row = 0, refused = 0, source = 1;
    while (row < count || refused < refusals) {
        if (feed_random(feed, 10) == 0)
            source = 1 + (uint32_t)feed_random(feed, FEED_SOURCES);
        if (refused < refusals && (row == count || feed_random(feed, count + refusals) < refusals)) {
            add_refusal(feed, columns, source);
            refused++;
        } else if (row < count) {
            add_trade(feed, columns, row++, source);
        }
    }
#define SET(member) block.member = (const uint8_t *)columns->member
    SET(ts), SET(qty), SET(price), SET(pseq), SET(symbol), SET(account), SET(source), SET(attrs), SET(id_length);
#undef SET
    block.ids = columns->ids.bytes;
    block.ids_bytes = (uint32_t)columns->ids.length;
    if (block.ids_bytes == 0)
        block.id_length = NULL;
    block.originals = (const uint8_t *)columns->originals;
    block.original_count = columns->original_count;
    for (uint32_t i = 0; i < FEED_SOURCES; i++)
        columns->positions[i] = (struct tw_position){i + 1, feed->next[i + 1]};
    struct tw_block_lists lists = {columns->names.names, columns->refusals,      columns->positions,
                                   columns->names.count, columns->refusal_count, FEED_SOURCES};
    struct tw_frame *frame = tw_block_encode(&block, &lists);
    tw_buffer_free(&columns->ids);
    free(columns);
    return frame;
}

struct tw_frame *feed_control(struct feed *feed, enum tw_control_kind kind)
{
    struct tw_control control = {.lsn = ++feed->lsn, .follows = feed->seq, .kind = kind};
    switch (kind) {
    case TW_CONTROL_BOOT:
        control.number = feed->lsn;
        control.ts_ns = NOON;
        break;
    case TW_CONTROL_CLOCK:
        control.ts_ns = NOON;
        break;
    case TW_CONTROL_FEED_GAP: /* of desk-2: ten numbers are missing */
        control.source = 2;
        control.number = feed->next[2];
        control.number2 = 10;
        feed->next[2] += 10;
        break;
    case TW_CONTROL_SNAPSHOT:
        control.number = 1;
        control.ts_ns = NOON;
        break;
    default:
        control.text = (struct tw_text){"a=1\n", 4};
        control.kind = TW_CONTROL_SETTINGS;
    }
    return tw_control_encode(&control);
}

struct tw_frame *feed_retention(struct feed *feed, uint64_t last_seq, uint64_t last_lsn)
{
    const struct tw_control control = {.lsn = ++feed->lsn,
                                       .follows = feed->seq,
                                       .kind = TW_CONTROL_RETENTION,
                                       .number = last_seq,
                                       .number2 = last_lsn,
                                       .ts_ns = NOON};
    return tw_control_encode(&control);
}

struct tw_frame *feed_action(struct feed *feed)
{
    char why[64];
    struct tw_buffer text = {0};
    int length = snprintf(why, sizeof why, "note %llu\nof two lines", (unsigned long long)++feed->actions);
    const struct tw_action action = {.verb = TW_ACTION_NOTE,
                                     .id = {"00000000000000000000000000000000", 32},
                                     .n = feed->alerts,
                                     .who = {"maria", 5},
                                     .why = {why, (uint32_t)length}};
    tw_action_encode(&text, &action);
    const struct tw_control control = {.lsn = ++feed->lsn,
                                       .follows = feed->seq,
                                       .kind = TW_CONTROL_ACTION,
                                       .number = feed->actions,
                                       .ts_ns = NOON + (int64_t)feed->actions,
                                       .text = {(const char *)text.bytes, (uint32_t)text.length}};
    struct tw_frame *frame = tw_control_encode(&control);
    tw_buffer_free(&text);
    return frame;
}

/* ---- alerts ---- */

void feed_alert(struct feed *feed, struct tw_store_alert *alert)
{
    struct tw_buffer bytes = {0};
    struct tw_alert event = {.n = ++feed->alerts,
                             .event = "fire",
                             .type = "LARGE_TRADE",
                             .severity = "HIGH",
                             .entity_type = "TRADE",
                             .entity = {"desk-1/0/7", 10},
                             .message = {"a large trade", 13},
                             .form = TW_AMOUNT_E8,
                             .threshold = 10000 * (tw_i128)TW_E8,
                             .value = (tw_i128)(20000 + feed->alerts) * TW_E8 + 5,
                             .unit = "units",
                             .rule = {"LARGE_TRADE", 11},
                             .rule_version = 1,
                             .config = {"00", 2},
                             .seq = feed->seq,
                             .ts_ns = NOON,
                             .trade_count = 1,
                             .trade_count_listed = 1,
                             .detected_at_ns = NOON + (int64_t)feed->alerts};
    if (feed->alerts % 3 == 0) { /* the digest takes x in cents from the features */
        event.type = "ANOMALY_DETECTED";
        event.entity_type = "SYMBOL";
        event.event = feed->alerts % 2 == 0 ? "resolve" : "open";
        event.form = TW_AMOUNT_SCORE;
        event.threshold_score = 3;
        event.value_score = 3.5;
        event.features[0] = (struct tw_feature){"notional", 1234.56};
        event.feature_count = 1;
        event.unit = "sigma";
    } else if (feed->alerts % 3 == 1) {
        event.type = "HIGH_TRANSACTION_VELOCITY";
        event.form = TW_AMOUNT_COUNT;
        event.threshold = 10;
        event.value = 11;
    }
    memcpy(event.id, feed->alert_id, sizeof event.id);
    event.trades[0] = (struct tw_alert_trade){feed->seq, {"desk-1", 6}, 7, {NULL, 0}};
    tw_alert_encode(&bytes, &event);
    char line[256], value[TW_E8_TEXT_MAX] = "123456";
    if (event.form != TW_AMOUNT_SCORE)
        tw_i128_format(event.value, value);
    else if (strcmp(event.event, "resolve") == 0)
        strcpy(value, "0");
    int length = snprintf(line, sizeof line, "%llu %s %s %s %.*s %llu %s\n", (unsigned long long)event.n, event.event,
                          event.type, event.severity, (int)event.entity.length, event.entity.bytes,
                          (unsigned long long)event.seq, value);
    struct tw_hasher *hasher = tw_hasher_new();
    tw_digest_extend(hasher, feed->digest, line, (size_t)length);
    tw_digest_extend(hasher, feed->record_digest, bytes.bytes, bytes.length - TW_ALERT_DETECTED_BYTES);
    tw_hasher_free(&hasher);
    *alert = (struct tw_store_alert){.n = event.n, .bytes = bytes.bytes, .length = (uint32_t)bytes.length};
    memcpy(alert->digest, feed->digest, sizeof feed->digest);
    memcpy(alert->record_digest, feed->record_digest, sizeof feed->record_digest);
}
