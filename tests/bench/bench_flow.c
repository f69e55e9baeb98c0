/* SPDX-License-Identifier: MIT */
#include "tests/bench/bench_flow.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/limits.h"
#include "tests/bench/bench_common.h"
#include "tools/tape.h"

#define PRICE_STEP 1000000 /* a cent in 1e-8 */
#define DAY_NS (INT64_C(86400) * BENCH_NS_PER_SECOND)

static uint64_t random_state;

static uint64_t random_u64(void)
{
    uint64_t z = (random_state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void allocate(struct bench_flow *flow, uint32_t rows)
{
    flow->symbol = bench_must(realloc(flow->symbol, rows * sizeof *flow->symbol));
    flow->account = bench_must(realloc(flow->account, rows * sizeof *flow->account));
    flow->side = bench_must(realloc(flow->side, rows * sizeof *flow->side));
    flow->qty = bench_must(realloc(flow->qty, rows * sizeof *flow->qty));
    flow->price = bench_must(realloc(flow->price, rows * sizeof *flow->price));
}

/* ---- synthetic ---- */

/* The share of the first, of the first two, ... of `count` names. */
static double *shares(uint32_t count, bool uniform)
{
    double *cumulative = bench_must(malloc(count * sizeof *cumulative)), sum = 0;
    for (uint32_t i = 0; i < count; i++)
        cumulative[i] = sum += uniform ? 1 : 1.0 / pow(i + 1.0, 1.1);
    for (uint32_t i = 0; i < count; i++)
        cumulative[i] /= sum;
    return cumulative;
}

static uint32_t draw(const double *cumulative, uint32_t count)
{
    double u = (double)(random_u64() >> 11) * 0x1p-53;
    uint32_t low = 0, high = count - 1;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (cumulative[middle] < u)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void name_all(struct bench_flow *flow, uint32_t symbols)
{
    flow->name = bench_must(malloc((flow->names + 1u) * sizeof *flow->name));
    for (uint32_t id = 1; id <= flow->names; id++) {
        char text[16];
        if (id <= symbols)
            snprintf(text, sizeof text, "S%04u", id);
        else
            snprintf(text, sizeof text, "A%06u", id - symbols);
        flow->name[id] = bench_must(strdup(text));
    }
}

void bench_flow_make(struct bench_flow *flow, const struct bench_flow_settings *settings)
{
    random_state = settings->seed;
    *flow = (struct bench_flow){.rows = settings->rows, .names = settings->symbols + settings->accounts, .hands = 1};
    allocate(flow, flow->rows);
    name_all(flow, settings->symbols);
    double *symbols = shares(settings->symbols, settings->uniform);
    double *accounts = shares(settings->accounts, settings->uniform);
    int64_t *level = bench_must(malloc(settings->symbols * sizeof *level));
    for (uint32_t i = 0; i < settings->symbols; i++)
        level[i] = (int64_t)(1000 + random_u64() % 20000) * PRICE_STEP;
    for (uint32_t i = 0; i < flow->rows; i++) {
        uint32_t symbol = draw(symbols, settings->symbols);
        level[symbol] += ((int64_t)(random_u64() % 7) - 3) * PRICE_STEP;
        if (level[symbol] < 100 * PRICE_STEP)
            level[symbol] = 100 * PRICE_STEP;
        flow->symbol[i] = symbol + 1;
        flow->account[i] = settings->symbols + draw(accounts, settings->accounts) + 1;
        flow->side[i] = (random_u64() & 1) != 0 ? TW_SIDE_BUY : TW_SIDE_SELL;
        flow->qty[i] = (int64_t)(1 + random_u64() % 9) * 100 * TW_E8;
        flow->price[i] = level[symbol];
    }
    free(symbols);
    free(accounts);
    free(level);
}

/* ---- a tape ---- */

/* Ids by name, while a tape is read. */
struct names {
    uint32_t id[1u << 20];
};

static uint32_t id_of(struct bench_flow *flow, struct names *names, struct tw_text text)
{
    const uint32_t places = sizeof names->id / sizeof names->id[0];
    uint32_t at = 2166136261u; /* FNV-1a */
    if (text.length == 0)
        return 0;
    for (uint32_t i = 0; i < text.length; i++)
        at = (at ^ (uint8_t)text.bytes[i]) * 16777619u;
    for (at %= places; names->id[at] != 0; at = (at + 1) % places) {
        const char *known = flow->name[names->id[at]];
        if (strlen(known) == text.length && memcmp(known, text.bytes, text.length) == 0)
            return names->id[at];
    }
    if (flow->names >= places / 2) {
        fprintf(stderr, "more than %u names\n", places / 2);
        exit(3);
    }
    flow->name = bench_must(realloc(flow->name, (flow->names + 2u) * sizeof *flow->name));
    flow->name[++flow->names] = bench_must(strndup(text.bytes, text.length));
    return names->id[at] = flow->names;
}

static void allocate_tape(struct bench_flow *flow, uint32_t rows)
{
    allocate(flow, rows);
    flow->venue = bench_must(realloc(flow->venue, rows * sizeof *flow->venue));
    flow->ts = bench_must(realloc(flow->ts, rows * sizeof *flow->ts));
    flow->id_length = bench_must(realloc(flow->id_length, rows * sizeof *flow->id_length));
    flow->id_from = bench_must(realloc(flow->id_from, rows * sizeof *flow->id_from));
    flow->ids = bench_must(realloc(flow->ids, (size_t)rows * TW_EXECUTION_ID_BYTES_MAX));
}

static void take(struct bench_flow *flow, struct names *names, const struct tw_trade *trade, uint64_t *id_bytes)
{
    uint32_t i = flow->rows++;
    flow->symbol[i] = id_of(flow, names, trade->symbol);
    flow->account[i] = id_of(flow, names, trade->account);
    flow->venue[i] = id_of(flow, names, trade->venue);
    flow->side[i] = trade->side;
    flow->qty[i] = trade->qty_e8;
    flow->price[i] = trade->price_e8;
    flow->ts[i] = trade->ts_ns;
    flow->id_length[i] = (uint8_t)trade->id.length;
    flow->id_from[i] = *id_bytes;
    if (trade->id.length > 0)
        memcpy(flow->ids + *id_bytes, trade->id.bytes, trade->id.length);
    *id_bytes += trade->id.length;
}

void bench_flow_read(struct bench_flow *flow, const char *path)
{
    char why[256];
    struct tw_trade trade;
    struct tw_tape *tape = tw_tape_open(path, why);
    enum tw_tape_result result = TW_TAPE_FAILED;
    uint32_t room = 0;
    uint64_t id_bytes = 0;
    struct names *names = bench_must(calloc(1, sizeof *names));
    *flow = (struct bench_flow){.name = bench_must(calloc(1, sizeof *flow->name)), .hands = 1};
    while (tape != NULL && (result = tw_tape_next(tape, &trade)) == TW_TAPE_TRADE) {
        if (flow->rows == room)
            allocate_tape(flow, room = room == 0 ? 1u << 16 : room * 2);
        take(flow, names, &trade, &id_bytes);
    }
    if (result != TW_TAPE_END || flow->rows == 0) {
        fprintf(stderr, "%s: %s\n", path, tape == NULL ? why : flow->rows == 0 ? "empty" : tw_tape_problem(tape));
        exit(3);
    }
    free(names);
    tw_tape_free(&tape);
    flow->span_ns = ((flow->ts[flow->rows - 1] - flow->ts[0]) / DAY_NS + 1) * DAY_NS;
}

/* ---- both ---- */

static void keep_row(struct bench_flow *flow, uint32_t to, uint32_t from)
{
    flow->symbol[to] = flow->symbol[from];
    flow->account[to] = flow->account[from];
    flow->side[to] = flow->side[from];
    flow->qty[to] = flow->qty[from];
    flow->price[to] = flow->price[from];
    if (flow->ts == NULL)
        return;
    flow->venue[to] = flow->venue[from];
    flow->ts[to] = flow->ts[from];
    flow->id_length[to] = flow->id_length[from];
}

void bench_flow_deal(struct bench_flow *flow, uint32_t hand, uint32_t hands)
{
    uint32_t rows = flow->rows / hands; /* as many for everyone */
    uint64_t id_bytes = 0;
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t from = i * hands + hand;
        keep_row(flow, i, from);
        if (flow->ts == NULL)
            continue;
        /* A message's ids stand end to end. */
        memmove(flow->ids + id_bytes, flow->ids + flow->id_from[from], flow->id_length[i]);
        flow->id_from[i] = id_bytes;
        id_bytes += flow->id_length[i];
    }
    flow->rows = rows;
    flow->hand = hand;
    flow->hands = hands;
}

void bench_flow_times(const struct bench_flow *flow, uint32_t from, uint32_t count, uint64_t round, int64_t first,
                      double step_ns, int64_t *ts)
{
    for (uint32_t i = 0; i < count; i++)
        ts[i] = flow->ts != NULL
                    ? flow->ts[from + i] + (int64_t)round * flow->span_ns
                    : first + (int64_t)((double)((round * flow->rows + from + i) * flow->hands + flow->hand) * step_ns);
}

static struct tw_text name_of(const struct bench_flow *flow, uint32_t id)
{
    if (id == 0)
        return (struct tw_text){NULL, 0};
    return (struct tw_text){flow->name[id], (uint32_t)strlen(flow->name[id])};
}

void bench_flow_trade(const struct bench_flow *flow, uint32_t row, int64_t ts, int64_t qty, struct tw_trade *out)
{
    *out = (struct tw_trade){.symbol = name_of(flow, flow->symbol[row]),
                             .account = name_of(flow, flow->account[row]),
                             .qty_e8 = qty,
                             .price_e8 = flow->price[row],
                             .ts_ns = ts,
                             .has_ts = true,
                             .side = flow->side[row]};
    if (flow->ts == NULL)
        return;
    out->venue = name_of(flow, flow->venue[row]);
    out->id = (struct tw_text){flow->ids + flow->id_from[row], flow->id_length[row]};
}

static int compare_pairs(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

uint64_t bench_flow_positions(const struct bench_flow *flow)
{
    uint64_t *pairs = bench_must(malloc(flow->rows * sizeof *pairs)), count = 0;
    for (uint32_t i = 0; i < flow->rows; i++)
        pairs[i] = (uint64_t)flow->account[i] << 32 | flow->symbol[i];
    qsort(pairs, flow->rows, sizeof *pairs, compare_pairs);
    for (uint32_t i = 0; i < flow->rows; i++)
        count += i == 0 || pairs[i] != pairs[i - 1];
    free(pairs);
    return count;
}

void bench_flow_print_csv(const struct bench_flow *flow, int64_t first, double step_ns)
{
    puts("ts,symbol,side,qty,price,account");
    for (uint32_t i = 0; i < flow->rows; i++) {
        int64_t ts;
        bench_flow_times(flow, i, 1, 0, first, step_ns, &ts);
        printf("%lld,%s,%c,%lld,%lld.%02lld,%s\n", (long long)ts, flow->name[flow->symbol[i]],
               flow->side[i] == TW_SIDE_BUY ? 'B' : 'S', (long long)(flow->qty[i] / TW_E8),
               (long long)(flow->price[i] / TW_E8), (long long)(flow->price[i] % TW_E8 / PRICE_STEP),
               flow->name[flow->account[i]]);
    }
}
