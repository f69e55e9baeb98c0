/* SPDX-License-Identifier: MIT
 *
 * What was taken before: resends are compared with it by content, busts and corrects refer to it. Newest first: the
 * block under construction, what is under way, then the durable past behind the port tw_history.
 */
#include "actors/gateway/inside.h"
#include "actors/judging/planted.h"

#include <stdio.h>

static bool past_by_pseq(struct tw_gateway *gateway, const struct tw_source *source, uint64_t pseq,
                         struct tw_past_trade *out)
{
    if (pseq > source->durable)
        return tw_flight_by_pseq(gateway, source->id, pseq, out);
    *out = (struct tw_past_trade){.seq = 0};
    uint32_t previous = gateway->publishers[source->publisher]->previous;
    uint32_t asked = TW_PLANTED(RESEND_OF_ANOTHER_INCARNATION) && previous != 0 ? previous : source->id;
    return gateway->history.by_pseq(gateway->history.context, asked, pseq, out);
}

static bool past_by_seq(struct tw_gateway *gateway, uint64_t seq, struct tw_past_trade *out)
{
    if (seq > gateway->durable_seq)
        return tw_flight_by_seq(gateway, seq, out);
    *out = (struct tw_past_trade){.seq = 0};
    return gateway->history.by_seq(gateway->history.context, seq, out);
}

/* ---- resends ---- */

static bool same_name(const struct tw_dictionary *dictionary, uint32_t id, struct tw_text name)
{
    return id == 0 ? name.length == 0 : tw_text_equal(tw_dictionary_name(dictionary, id), name);
}

static bool same_parties(const struct tw_gateway *gateway, const struct tw_past_trade *past,
                         const struct tw_trade *trade)
{
    const struct tw_dictionary *parties = gateway->parties;
    return same_name(parties, past->venue, trade->venue) && same_name(parties, past->owner, trade->owner) &&
           same_name(parties, past->contra, trade->contra) && same_name(parties, past->broker, trade->broker) &&
           same_name(parties, past->ccy, trade->ccy);
}

static bool same_time(const struct tw_past_trade *past, const struct tw_trade *trade)
{
    bool assigned = (past->attrs & TW_ATTR_TS_ASSIGNED) != 0;
    return assigned == !trade->has_ts && (assigned || past->ts_ns == trade->ts_ns);
}

static bool same_values(const struct tw_gateway *gateway, const struct tw_past_trade *past,
                        const struct tw_trade *trade)
{
    return same_name(gateway->symbols, past->symbol, trade->symbol) &&
           same_name(gateway->accounts, past->account, trade->account) &&
           trade->side == (uint8_t)TW_ATTR_SIDE(past->attrs) && trade->qty_e8 == past->qty_e8 &&
           trade->price_e8 == past->price_e8;
}

bool tw_gateway_sent_before(struct tw_gateway *gateway, const struct tw_source *source, uint64_t pseq,
                            const struct tw_reader *reader, const struct tw_read *read)
{
    struct tw_past_trade past;
    const struct tw_trade *trade = &read->trade;
    if (!past_by_pseq(gateway, source, pseq, &past))
        return false;
    if (past.dropped) /* it cannot be compared any more; it is no other one for all we know */
        return true;
    if (past.refused)
        return past.content_hash == tw_gateway_read_hash(reader, read);
    if (read->code != TW_OK || trade->kind != (uint8_t)TW_ATTR_KIND(past.attrs) || !same_time(&past, trade) ||
        !tw_text_equal(past.id, trade->id) || !same_parties(gateway, &past, trade))
        return false;
    if (trade->kind != TW_KIND_BUST && !same_values(gateway, &past, trade)) /* a bust's are its original's */
        return false;
    if (trade->kind == TW_KIND_TRADE)
        return true;
    struct tw_past_trade original;
    return past_by_seq(gateway, past.original_seq, &original) &&
           (original.dropped || tw_text_equal(original.id, trade->ref));
}

/* ---- busts and corrects ---- */

static struct tw_busted_run *run_of(struct tw_gateway *gateway, uint64_t newest)
{
    struct tw_busted_run *run = &gateway->busted_runs[newest % TW_BUSTED_RUNS];
    if (run->newest != newest)
        *run = (struct tw_busted_run){newest, newest};
    return run;
}

static bool find_original(struct tw_gateway *gateway, uint32_t publisher, struct tw_text ref, struct tw_past_trade *out)
{
    if (tw_flight_by_id(gateway, publisher, ref, out))
        return true;
    struct tw_text name = tw_gateway_publisher_name(gateway, gateway->publishers[publisher]);
    uint64_t before = gateway->durable_seq + 1;
    for (struct tw_busted_run *run = NULL;;) {
        *out = (struct tw_past_trade){.seq = 0};
        if (!gateway->history.by_id(gateway->history.context, name, ref, before, out))
            return false;
        TW_ASSERT(out->seq != 0 && out->seq < before);
        if (out->seq <= gateway->forgotten_seq) /* the log says that it is gone; the disk may have it for a while yet */
            return false;
        if (!tw_busted_has(&gateway->busted, out->seq))
            return true;
        if (run == NULL)
            run = run_of(gateway, out->seq);
        else
            run->from = out->seq;
        before = run->from;
    }
}

/* A bust may leave out symbol and account; if it gives them, they must be those of its original. */
static bool concerns_the_same(const struct tw_gateway *gateway, const struct tw_past_trade *past,
                              const struct tw_trade *trade)
{
    return (trade->symbol.length == 0 || same_name(gateway->symbols, past->symbol, trade->symbol)) &&
           (trade->account.length == 0 || same_name(gateway->accounts, past->account, trade->account));
}

enum tw_code tw_gateway_refer(struct tw_gateway *gateway, const struct tw_source *source, const struct tw_trade *trade,
                              struct tw_row *row, char why[TW_WHY_BYTES_MAX])
{
    struct tw_past_trade past;
    if (!find_original(gateway, source->publisher, trade->ref, &past)) {
        snprintf(why, TW_WHY_BYTES_MAX, "no unbusted trade with id %.*s from this publisher", (int)trade->ref.length,
                 trade->ref.bytes);
        return TW_REFUSED_UNKNOWN_REF;
    }
    row->original = (struct tw_original){.symbol = past.symbol,
                                         .account = past.account,
                                         .side = (uint8_t)TW_ATTR_SIDE(past.attrs),
                                         .seq = past.seq,
                                         .qty_e8 = past.qty_e8,
                                         .price_e8 = past.price_e8,
                                         .ts_ns = past.ts_ns};
    if (trade->kind == TW_KIND_CORRECT)
        return TW_OK; /* the new trade may be of another symbol or account: that may be what was wrong */
    if (!concerns_the_same(gateway, &past, trade)) {
        snprintf(why, TW_WHY_BYTES_MAX, "symbol or account differ from those of the trade with id %.*s",
                 (int)trade->ref.length, trade->ref.bytes);
        return TW_REFUSED_REF_MISMATCH;
    }
    row->symbol = past.symbol;
    row->account = past.account;
    row->side = (uint8_t)TW_ATTR_SIDE(past.attrs);
    row->qty_e8 = past.qty_e8;
    row->price_e8 = past.price_e8;
    return TW_OK;
}
