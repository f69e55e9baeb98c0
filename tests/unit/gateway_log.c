/* SPDX-License-Identifier: MIT
 *
 * The log of the gateway's tests, and its checker: every record must follow from what stands before it by the words of
 * RULES.md, whatever was sent.
 */
#include "gateway_world.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- checking ---- */

static void add_name(struct log *log, const struct tw_new_name *name)
{
    struct log_names *names = &log->names[name->kind];
    assert_int_equal(name->id, names->count + 1);
    for (uint32_t id = 1; id <= names->count; id++) { /* a name comes once */
        const struct log_name *other = &names->list[id];
        assert_false(other->length == name->name.length && other->incarnation == name->incarnation &&
                     memcmp(other->bytes, name->name.bytes, name->name.length) == 0);
    }
    names->list = realloc(names->list, (names->count + 2) * sizeof *names->list);
    struct log_name *added = &names->list[++names->count];
    added->length = name->name.length;
    added->incarnation = name->incarnation;
    memcpy(added->bytes, name->name.bytes, name->name.length);
    if (name->kind == TW_NAME_SOURCE) {
        log->next = realloc(log->next, (names->count + 1) * sizeof *log->next);
        log->next[names->count] = 1;
    }
}

/* A day rolls at midnight UTC here. */
static void check_tick(struct log *log, int64_t second_ns)
{
    if (second_ns < log->roll_ns) {
        assert_true(log->roll_announced_ns == 0 || log->roll_announced_ns > second_ns);
        return;
    }
    assert_int_equal(log->roll_announced_ns, second_ns / DAY * DAY); /* by a SESSION record */
    log->roll_announced_ns = 0;
    log->roll_ns = (second_ns / DAY + 1) * DAY;
}

static void check_time(struct log *log, int64_t ts_ns, uint8_t attrs)
{
    int64_t second_ns = ts_ns / SECOND * SECOND;
    bool tick = log->clock_started && ts_ns / SECOND > log->clock_ns / SECOND;
    bool late = log->clock_started && ts_ns < log->clock_ns;
    assert_int_equal((attrs & TW_ATTR_TICK) != 0, tick);
    assert_int_equal((attrs & TW_ATTR_LATE) != 0, late);
    if (tick)
        check_tick(log, second_ns);
    if (!log->clock_started)
        log->roll_ns = (ts_ns / DAY + 1) * DAY;
    if (!log->clock_started || ts_ns > log->clock_ns)
        log->clock_ns = ts_ns;
    log->clock_started = true;
}

static void check_row(struct log *log, const struct tw_block *block, uint32_t row, uint32_t *cursor)
{
    assert_true(tw_load_i64(block->qty, row) > 0 && tw_load_i64(block->price, row) > 0);
    assert_in_range(tw_load_u32(block->symbol, row), 1, log->names[TW_NAME_SYMBOL].count);
    assert_in_range(tw_load_u32(block->account, row), 0, log->names[TW_NAME_ACCOUNT].count);
    assert_in_range(tw_load_u32(block->source, row), 1, log->names[TW_NAME_SOURCE].count);
    const uint8_t *parties[] = {block->venue, block->owner, block->contra, block->broker, block->ccy};
    for (int i = 0; i < 5; i++)
        assert_in_range(tw_load_party(parties[i], row), 0, log->names[TW_NAME_PARTY].count);
    check_time(log, tw_load_i64(block->ts, row), block->attrs[row]);
    if (TW_ATTR_KIND(block->attrs[row]) == TW_KIND_TRADE)
        return;
    struct tw_original original = tw_block_original(block, row, cursor);
    assert_in_range(original.seq, 1, block->follows + row);
    if (TW_ATTR_KIND(block->attrs[row]) == TW_KIND_BUST) {
        assert_int_equal(tw_load_i64(block->qty, row), original.qty_e8);
        assert_int_equal(tw_load_i64(block->price, row), original.price_e8);
        assert_int_equal(tw_load_u32(block->symbol, row), original.symbol);
        assert_int_equal(tw_load_u32(block->account, row), original.account);
        assert_int_equal(TW_ATTR_SIDE(block->attrs[row]), original.side);
    }
}

/* Rows and refusals of a source together use up its numbers without a hole, in order. */
static void check_numbers(struct log *log, const struct tw_block *block)
{
    uint32_t sources = log->names[TW_NAME_SOURCE].count, offset = 0;
    uint64_t *rows_next = calloc(sources + 1, sizeof *rows_next), *used = calloc(sources + 1, sizeof *used);
    for (uint32_t row = 0; row < block->count; row++) {
        uint32_t source = tw_load_u32(block->source, row);
        assert_true(tw_load_u64(block->pseq, row) >= log->next[source]);
        assert_true(tw_load_u64(block->pseq, row) > rows_next[source]);
        rows_next[source] = tw_load_u64(block->pseq, row);
        used[source]++;
    }
    for (struct tw_refusal refusal; tw_block_next_refusal(block, &offset, &refusal);) {
        assert_int_equal(refusal.number, ++log->refusals);
        assert_true(refusal.pseq >= log->next[refusal.source]);
        assert_true(refusal.why.length > 0);
        assert_true(tw_code_from_name(refusal.code.bytes, refusal.code.length) != TW_CODE_COUNT);
        used[refusal.source]++;
    }
    offset = 0;
    for (struct tw_position position; tw_block_next_position(block, &offset, &position);) {
        assert_int_equal(position.next, log->next[position.source] + used[position.source]);
        assert_true(rows_next[position.source] < position.next);
        log->next[position.source] = position.next;
        used[position.source] = 0;
    }
    for (uint32_t source = 1; source <= sources; source++)
        assert_int_equal(used[source], 0); /* every source of the block has its position */
    free(rows_next);
    free(used);
}

static void check_block(struct log *log, const struct tw_block *block)
{
    uint32_t offset = 0, originals = 0;
    for (struct tw_new_name name; tw_block_next_name(block, &offset, &name);)
        add_name(log, &name);
    for (uint32_t row = 0; row < block->count; row++)
        check_row(log, block, row, &originals);
    check_numbers(log, block);
}

static void check_control(struct log *log, const struct tw_control *control)
{
    switch (control->kind) {
    case TW_CONTROL_BOOT:
        log->booted = true;
        break;
    case TW_CONTROL_CLOCK:
        assert_true(log->clock_started && control->ts_ns % SECOND == 0);
        assert_true(control->ts_ns / SECOND > log->clock_ns / SECOND);
        check_tick(log, control->ts_ns);
        log->clock_ns = control->ts_ns;
        break;
    case TW_CONTROL_SESSION:
        assert_true(log->roll_announced_ns == 0 || log->booted);
        assert_true(control->ts_ns >= log->roll_ns && control->ts_ns % DAY == 0);
        assert_int_equal(control->number, control->ts_ns + DAY);
        log->roll_announced_ns = control->ts_ns;
        log->booted = false;
        break;
    case TW_CONTROL_FENCE:
        assert_in_range(control->source, 1, log->names[TW_NAME_SOURCE].count);
        assert_int_equal(control->number, log->names[TW_NAME_SOURCE].list[control->source].incarnation);
        break;
    case TW_CONTROL_FEED_GAP:
        assert_int_equal(control->number, log->next[control->source]);
        assert_true(control->number2 > 0);
        log->next[control->source] += control->number2;
        break;
    default:
        break;
    }
}

void log_add(struct log *log, struct tw_frame *frame)
{
    const char *why = NULL;
    if (log->count == log->capacity) {
        log->capacity = log->capacity == 0 ? 64 : log->capacity * 2;
        log->frames = realloc(log->frames, log->capacity * sizeof(struct tw_frame *));
        log->records = realloc(log->records, log->capacity * sizeof *log->records);
    }
    struct tw_record *record = &log->records[log->count];
    log->frames[log->count] = tw_frame_share(frame);
    assert_true(tw_record_decode(frame->bytes, frame->length, record, &why));
    assert_int_equal(tw_record_lsn(record), ++log->count);
    assert_int_equal(tw_record_follows(record), log->last_seq);
    log->last_seq = tw_record_last(record);
    if (record->kind == TW_RECORD_BLOCK)
        check_block(log, &record->block);
    else
        check_control(log, &record->control);
}

void log_free(struct log *log)
{
    for (uint32_t i = 0; i < log->count; i++)
        tw_frame_drop(&log->frames[i]);
    for (size_t kind = 0; kind < sizeof log->names / sizeof *log->names; kind++)
        free(log->names[kind].list);
    free(log->frames);
    free(log->records);
    free(log->next);
    memset(log, 0, sizeof *log);
}

/* ---- reading ---- */

struct tw_text log_name(const struct log *log, enum tw_name_kind kind, uint32_t id)
{
    if (id == 0)
        return (struct tw_text){"-", 1};
    assert_true(id <= log->names[kind].count);
    return (struct tw_text){log->names[kind].list[id].bytes, log->names[kind].list[id].length};
}

const struct tw_block *log_find(const struct log *log, uint64_t seq, uint32_t *row)
{
    uint32_t low = 0, high = log->count; /* the first record that ends at seq or behind it */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (tw_record_last(&log->records[middle]) < seq)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == log->count || log->records[low].kind != TW_RECORD_BLOCK || seq <= log->records[low].block.follows)
        return NULL;
    *row = (uint32_t)(seq - log->records[low].block.follows - 1);
    return &log->records[low].block;
}

#define TEXT(text) (int)(text).length, (text).bytes

static void tell_row(FILE *out, const struct log *log, const struct tw_block *block, uint32_t row, uint32_t *cursor)
{
    uint32_t source = tw_load_u32(block->source, row);
    const uint8_t *parties[] = {block->venue, block->owner, block->contra, block->broker, block->ccy};
    struct tw_text symbol = log_name(log, TW_NAME_SYMBOL, tw_load_u32(block->symbol, row));
    struct tw_text account = log_name(log, TW_NAME_ACCOUNT, tw_load_u32(block->account, row));
    struct tw_text publisher = log_name(log, TW_NAME_SOURCE, source), id = tw_block_id(block, row);
    fprintf(out, "trade %llu %.*s/%u/%llu %.*s %.*s attrs %02x qty %lld price %lld ts %lld id %.*s",
            (unsigned long long)(block->follows + 1 + row), TEXT(publisher),
            log->names[TW_NAME_SOURCE].list[source].incarnation, (unsigned long long)tw_load_u64(block->pseq, row),
            TEXT(symbol), TEXT(account), block->attrs[row], (long long)tw_load_i64(block->qty, row),
            (long long)tw_load_i64(block->price, row), (long long)tw_load_i64(block->ts, row), TEXT(id));
    for (int i = 0; i < 5; i++) {
        struct tw_text party = log_name(log, TW_NAME_PARTY, tw_load_party(parties[i], row));
        fprintf(out, " %.*s", TEXT(party));
    }
    if (TW_ATTR_KIND(block->attrs[row]) != TW_KIND_TRADE)
        fprintf(out, " reverses %llu", (unsigned long long)tw_block_original(block, row, cursor).seq);
    fputc('\n', out);
}

static void tell_control(FILE *out, const struct tw_control *control)
{
    fprintf(out, "control %d after %llu ts %lld %llu %llu %.*s\n", (int)control->kind,
            (unsigned long long)control->follows, (long long)control->ts_ns, (unsigned long long)control->number,
            (unsigned long long)control->number2, TEXT(control->text));
}

static void tell_refusals(FILE *out, const struct log *log, const struct tw_block *block)
{
    uint32_t offset = 0;
    for (struct tw_refusal refusal; tw_block_next_refusal(block, &offset, &refusal);) {
        struct tw_text publisher = log_name(log, TW_NAME_SOURCE, refusal.source);
        fprintf(out, "refusal %llu %.*s %llu %.*s\n", (unsigned long long)refusal.number, TEXT(publisher),
                (unsigned long long)refusal.pseq, TEXT(refusal.code));
    }
}

char *log_story(const struct log *log)
{
    char *story = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&story, &bytes);
    for (uint32_t i = 0; i < log->count; i++) {
        const struct tw_record *record = &log->records[i];
        uint32_t originals = 0;
        if (record->kind == TW_RECORD_CONTROL)
            tell_control(out, &record->control);
        else
            for (uint32_t row = 0; row < record->block.count; row++)
                tell_row(out, log, &record->block, row, &originals);
    }
    for (uint32_t i = 0; i < log->count; i++)
        if (log->records[i].kind == TW_RECORD_BLOCK)
            tell_refusals(out, log, &log->records[i].block);
    fclose(out);
    return story;
}
