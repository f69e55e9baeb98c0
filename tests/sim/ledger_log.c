/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"
#include "protocol/limits.h"
#include "tests/sim/ledger_inside.h"

#define U(number) ((unsigned long long)(number))

static struct tw_text name(const struct ledger *ledger, enum tw_name_kind kind, uint32_t id)
{
    return id == 0 ? (struct tw_text){NULL, 0} : ledger->names[kind][id];
}

/* ---- names ---- */

static void take_names(struct ledger *ledger, const struct tw_block *block)
{
    struct tw_new_name fresh;
    for (uint32_t offset = 0; tw_block_next_name(block, &offset, &fresh);) {
        uint32_t id = ++ledger->name_count[fresh.kind];
        SIM_CHECK(ledger->sim, id == fresh.id && id < 1024, "name %.*s has id %u, not %u", (int)fresh.name.length,
                  fresh.name.bytes, fresh.id, id);
        if (fresh.kind != TW_NAME_SOURCE) {
            for (uint32_t other = 1; other < id; other++)
                SIM_CHECK(ledger->sim, !ledger_same(ledger->names[fresh.kind][other], fresh.name),
                          "name %.*s stands in the log twice", (int)fresh.name.length, fresh.name.bytes);
            ledger->names[fresh.kind][id] = fresh.name;
            continue;
        }
        ledger->sources = ledger_grow(ledger->sources, id, &ledger->source_capacity, sizeof *ledger->sources);
        ledger->sources[id] = (struct source){.publisher = fresh.name,
                                              .incarnation = fresh.incarnation,
                                              .next = 1,
                                              .feed = crowd_is_feed(ledger->sim->crowd, fresh.name),
                                              .anonymous = tw_text_is(fresh.name, "_anon")};
    }
}

/* ---- what was said, and what became of it ---- */

static const struct row *find_ref(const struct ledger *ledger, struct tw_text publisher, struct tw_text ref)
{
    for (uint64_t seq = ledger->last_seq; seq > ledger->forgotten_seq; seq--) {
        const struct row *row = &ledger->rows[seq];
        if (row->kind != TW_KIND_BUST && !row->busted && ledger_same(row->id, ref) &&
            ledger_same(ledger->sources[row->source].publisher, publisher))
            return row;
    }
    return NULL;
}

/* The code with which it must be refused now; NULL: it must be taken. */
static const char *must_be(const struct ledger *ledger, const struct source *source, const struct said *said)
{
    switch (said->flaw) {
    case FLAW_SIDE:
        return "bad_side";
    case FLAW_IMPLAUSIBLE:
        return "timestamp_implausible";
    case FLAW_FUTURE:
        return "timestamp_in_future";
    case FLAW_RANGE:
        return "amount_out_of_range";
    case FLAW_CCY:
        return "unknown_ccy";
    case FLAW_NONE:
        break;
    }
    if (said->trade.kind == TW_KIND_TRADE)
        return NULL;
    const struct row *original = find_ref(ledger, source->publisher, said->trade.ref);
    if (original == NULL)
        return "unknown_ref";
    bool other_symbol = said->trade.symbol.length > 0 &&
                        !ledger_same(said->trade.symbol, name(ledger, TW_NAME_SYMBOL, original->symbol));
    bool other_account = said->trade.account.length > 0 &&
                         !ledger_same(said->trade.account, name(ledger, TW_NAME_ACCOUNT, original->account));
    return said->trade.kind == TW_KIND_BUST && (other_symbol || other_account) ? "ref_mismatch" : NULL;
}

static bool same_content(const struct ledger *ledger, const struct tw_block *block, uint32_t row,
                         const struct said *said)
{
    const struct tw_trade *trade = &said->trade;
    uint8_t attrs = block->attrs[row];
    bool assigned = (attrs & TW_ATTR_TS_ASSIGNED) != 0;
    if ((uint8_t)TW_ATTR_KIND(attrs) != trade->kind || assigned == trade->has_ts ||
        (!assigned && tw_load_i64(block->ts, row) != trade->ts_ns) ||
        !ledger_same(tw_block_id(block, row), trade->id) ||
        !ledger_same(name(ledger, TW_NAME_PARTY, tw_load_party(block->venue, row)), trade->venue) ||
        !ledger_same(name(ledger, TW_NAME_PARTY, tw_load_party(block->owner, row)), trade->owner) ||
        !ledger_same(name(ledger, TW_NAME_PARTY, tw_load_party(block->ccy, row)), trade->ccy))
        return false;
    if (trade->kind == TW_KIND_BUST)
        return true;
    return ledger_same(name(ledger, TW_NAME_SYMBOL, tw_load_u32(block->symbol, row)), trade->symbol) &&
           ledger_same(name(ledger, TW_NAME_ACCOUNT, tw_load_u32(block->account, row)), trade->account) &&
           (uint8_t)TW_ATTR_SIDE(attrs) == trade->side && tw_load_i64(block->qty, row) == trade->qty_e8 &&
           tw_load_i64(block->price, row) == trade->price_e8;
}

/* A trade of the future that has become one of the present when it arrives is a good trade; and the other way round. */
static bool excused(const struct said *said, const char *code, int64_t received_ns)
{
    bool ahead = said->trade.has_ts && said->trade.ts_ns - SIM_FUTURE_NS > received_ns;
    return code != NULL && strcmp(code, "timestamp_in_future") == 0 ? ahead : !ahead && said->flaw == FLAW_FUTURE;
}

static void advance(struct ledger *ledger, struct source *source, uint64_t pseq)
{
    SIM_CHECK(ledger->sim, pseq == source->next, "%.*s.%u: number %llu stands in the log behind %llu",
              (int)source->publisher.length, source->publisher.bytes, source->incarnation, U(pseq),
              U(source->next - 1));
    SIM_CHECK(ledger->sim, !source->closed, "%.*s.%u goes on at %llu after its end was told",
              (int)source->publisher.length, source->publisher.bytes, source->incarnation, U(pseq));
    source->next++;
}

static void check_row(struct ledger *ledger, const struct source *source, const struct tw_block *block, uint32_t row)
{
    struct sim *sim = ledger->sim;
    uint64_t pseq = tw_load_u64(block->pseq, row);
    const struct said *said[2] = {NULL, NULL};
    if (source->anonymous) {
        struct tw_text id = tw_block_id(block, row);
        said[0] = crowd_anonymous(sim->crowd, id);
        for (uint64_t seq = 1; seq <= ledger->last_seq; seq++)
            SIM_CHECK(sim,
                      !ledger->sources[ledger->rows[seq].source].anonymous || !ledger_same(ledger->rows[seq].id, id),
                      "the anonymous trade %.*s stands in the log twice", (int)id.length, id.bytes);
    } else {
        for (int variant = 0; variant < 2; variant++)
            said[variant] = crowd_said(sim->crowd, source->publisher, source->incarnation, pseq, variant);
    }
    for (int variant = 0; variant < 2; variant++) {
        if (said[variant] == NULL || !same_content(ledger, block, row, said[variant]))
            continue;
        const char *code = must_be(ledger, source, said[variant]);
        SIM_CHECK(sim, code == NULL || excused(said[variant], NULL, sim->wall_max_ns),
                  "%.*s.%u.%llu was taken and should have been refused: %s", (int)source->publisher.length,
                  source->publisher.bytes, source->incarnation, U(pseq), code);
        return;
    }
    sim_fail(sim, "%.*s.%u.%llu stands in the log and was never said so", (int)source->publisher.length,
             source->publisher.bytes, source->incarnation, U(pseq));
}

static void take_original(struct ledger *ledger, const struct source *source, const struct tw_block *block,
                          uint32_t row, uint32_t *originals)
{
    struct tw_original original = tw_block_original(block, row, originals);
    struct sim *sim = ledger->sim;
    SIM_CHECK(sim, original.seq > ledger->forgotten_seq && original.seq <= ledger->last_seq,
              "trade %llu reverses %llu, which is not there", U(block->follows + 1 + row), U(original.seq));
    struct row *reversed = &ledger->rows[original.seq];
    SIM_CHECK(sim, !reversed->busted && find_ref(ledger, source->publisher, reversed->id) == reversed,
              "trade %llu reverses %llu, which is not the latest unbusted of its id", U(block->follows + 1 + row),
              U(original.seq));
    SIM_CHECK(sim, reversed->symbol == original.symbol && reversed->account == original.account,
              "trade %llu does not repeat what it reverses", U(block->follows + 1 + row));
    reversed->busted = true;
}

static void take_row(struct ledger *ledger, const struct tw_block *block, uint32_t row, uint32_t *originals)
{
    uint64_t seq = block->follows + 1 + row;
    uint32_t source_id = tw_load_u32(block->source, row);
    struct source *source = &ledger->sources[source_id];
    check_row(ledger, source, block, row);
    advance(ledger, source, tw_load_u64(block->pseq, row));
    if (TW_ATTR_KIND(block->attrs[row]) != TW_KIND_TRADE)
        take_original(ledger, source, block, row, originals);
    ledger->rows = ledger_grow(ledger->rows, seq, &ledger->row_capacity, sizeof *ledger->rows);
    ledger->rows[seq] = (struct row){.source = source_id,
                                     .kind = (uint8_t)TW_ATTR_KIND(block->attrs[row]),
                                     .symbol = tw_load_u32(block->symbol, row),
                                     .account = tw_load_u32(block->account, row),
                                     .pseq = tw_load_u64(block->pseq, row),
                                     .id = tw_block_id(block, row)};
    ledger->last_seq = seq;
}

static void take_refusal(struct ledger *ledger, const struct tw_refusal *refusal)
{
    struct sim *sim = ledger->sim;
    struct source *source = &ledger->sources[refusal->source];
    char code[64];
    bool right = source->anonymous;
    snprintf(code, sizeof code, "%.*s", (int)refusal->code.length, refusal->code.bytes);
    for (int variant = 0; variant < 2 && !right; variant++) {
        const struct said *said =
            crowd_said(sim->crowd, source->publisher, source->incarnation, refusal->pseq, variant);
        if (said == NULL)
            continue;
        const char *must = must_be(ledger, source, said);
        right = (must != NULL && strcmp(must, code) == 0) || excused(said, code, refusal->received_ns);
    }
    SIM_CHECK(sim, right, "%.*s.%u.%llu was refused (%s) and should not have been", (int)source->publisher.length,
              source->publisher.bytes, source->incarnation, U(refusal->pseq), code);
    advance(ledger, source, refusal->pseq);
    SIM_CHECK(sim, refusal->number == ledger->refused_count + 1, "refusal %llu follows %llu", U(refusal->number),
              U(ledger->refused_count));
    ledger->refused_count = refusal->number;
    ledger->refused = ledger_grow(ledger->refused, refusal->number, &ledger->refused_capacity, sizeof *ledger->refused);
    ledger->refused[refusal->number] = (struct refused){refusal->source, refusal->pseq, refusal->code};
}

/* The refusals of a block stand beside its rows; numbers of one source put them in order. */
struct pending {
    struct tw_refusal list[TW_BLOCK_REFUSALS_MAX];
    uint32_t first, count;
};

static void take_block(struct ledger *ledger, const struct tw_block *block)
{
    static struct pending pending;
    struct tw_position position;
    pending.first = pending.count = 0;
    take_names(ledger, block);
    for (uint32_t offset = 0; tw_block_next_refusal(block, &offset, &pending.list[pending.count]);)
        pending.count++;
    for (uint32_t row = 0, originals = 0; row < block->count; row++) {
        uint32_t source = tw_load_u32(block->source, row);
        /* Refusals are in the order of their taking: those of other sources in between are due as well. */
        for (uint32_t i = pending.first; i < pending.count; i++)
            if (pending.list[i].source == source && pending.list[i].pseq < tw_load_u64(block->pseq, row))
                while (pending.first <= i)
                    take_refusal(ledger, &pending.list[pending.first++]);
        take_row(ledger, block, row, &originals);
    }
    while (pending.first < pending.count)
        take_refusal(ledger, &pending.list[pending.first++]);
    for (uint32_t offset = 0; tw_block_next_position(block, &offset, &position);)
        SIM_CHECK(ledger->sim, position.next == ledger->sources[position.source].next,
                  "record %llu says that source %u goes on at %llu; it goes on at %llu", U(block->lsn), position.source,
                  U(position.next), U(ledger->sources[position.source].next));
}

/* ---- control records ---- */

static void take_control(struct ledger *ledger, const struct tw_control *control)
{
    struct sim *sim = ledger->sim;
    struct source *source = control->source == 0 ? NULL : &ledger->sources[control->source];
    switch (control->kind) {
    case TW_CONTROL_BOOT:
        SIM_CHECK(sim, control->number == ++ledger->boots, "boot %llu follows %llu", U(control->number),
                  U(ledger->boots - 1));
        return;
    case TW_CONTROL_FENCE:
        source->fence = true;
        SIM_CHECK(sim, source->next == 1, "a fence behind the first trade of its incarnation");
        return;
    case TW_CONTROL_FEED_GAP:
        SIM_CHECK(sim, source->feed && control->number == source->next && control->number2 > 0,
                  "a gap of %.*s.%u at %llu; it stands at %llu", (int)source->publisher.length, source->publisher.bytes,
                  source->incarnation, U(control->number), U(source->next));
        source->next += control->number2;
        return;
    case TW_CONTROL_SNAPSHOT:
        SIM_CHECK(sim, control->number == ++ledger->snapshots, "snapshot %llu follows %llu", U(control->number),
                  U(ledger->snapshots - 1));
        return;
    case TW_CONTROL_ACTION:
        ledger_take_action(ledger, control);
        return;
    case TW_CONTROL_RETENTION:
        SIM_CHECK(sim, control->number > ledger->forgotten_seq && control->number <= ledger->last_seq,
                  "retention up to trade %llu", U(control->number));
        ledger->forgotten_seq = control->number;
        ledger->retention_lsn = control->lsn;
        return;
    default:
        return;
    }
}

void ledger_take(struct ledger *ledger, const struct tw_record *record)
{
    SIM_CHECK(ledger->sim,
              tw_record_lsn(record) == ledger->last_lsn + 1 && tw_record_follows(record) == ledger->last_seq,
              "record %llu behind trade %llu follows record %llu behind trade %llu", U(tw_record_lsn(record)),
              U(tw_record_follows(record)), U(ledger->last_lsn), U(ledger->last_seq));
    if (record->kind == TW_RECORD_BLOCK)
        take_block(ledger, &record->block);
    else
        take_control(ledger, &record->control);
    ledger->last_lsn++;
}
