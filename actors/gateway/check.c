/* SPDX-License-Identifier: MIT
 *
 * What a trade may be (CONTRACT: "A trade"). Each check leaves one sentence for the person who sent it.
 */
#include "actors/gateway/inside.h"

#include <stdio.h>

enum tw_code tw_gateway_say(enum tw_code code, char why[TW_WHY_BYTES_MAX])
{
    snprintf(why, TW_WHY_BYTES_MAX, "%s", tw_code_meaning(code));
    return code;
}

static bool names_valid(const struct tw_trade *trade, enum tw_code *code)
{
    const struct tw_text parties[] = {trade->owner, trade->contra, trade->broker, trade->venue};
    *code = TW_REFUSED_BAD_SYMBOL;
    /* A bust may leave out what the trade that it reverses tells. */
    if ((trade->symbol.length != 0 || trade->kind != TW_KIND_BUST) && !tw_name_symbol_valid(trade->symbol))
        return false;
    *code = TW_REFUSED_BAD_ACCOUNT;
    if (trade->account.length != 0 && !tw_name_account_valid(trade->account))
        return false;
    *code = TW_REFUSED_BAD_ID;
    if (trade->id.length != 0 && !tw_name_id_valid(trade->id))
        return false;
    *code = TW_REFUSED_BAD_PARTY;
    for (size_t i = 0; i < sizeof parties / sizeof *parties; i++)
        if (parties[i].length != 0 && !tw_name_party_valid(parties[i]))
            return false;
    *code = TW_REFUSED_UNKNOWN_CCY;
    return trade->ccy.length == 0 || tw_name_party_valid(trade->ccy);
}

/* The names of the columnar form are already at most TW_NAME_BYTES_MAX long. */
enum tw_code tw_gateway_check_form(const struct tw_trade *trade, char why[TW_WHY_BYTES_MAX])
{
    enum tw_code code;
    bool bust = trade->kind == TW_KIND_BUST;
    if (trade->kind > TW_KIND_CORRECT)
        return tw_gateway_say(TW_REFUSED_BAD_KIND, why);
    if (!names_valid(trade, &code))
        return tw_gateway_say(code, why);
    if (trade->side > TW_SIDE_SELL || (trade->side == TW_SIDE_NONE && trade->account.length != 0 && !bust))
        return tw_gateway_say(TW_REFUSED_BAD_SIDE, why);
    if (trade->qty_e8 < 0 || (trade->qty_e8 == 0 && !bust)) {
        snprintf(why, TW_WHY_BYTES_MAX, "qty is %s", trade->qty_e8 == 0 ? "0" : "below 0");
        return TW_REFUSED_BAD_QTY;
    }
    if (trade->price_e8 < 0 || (trade->price_e8 == 0 && !bust)) {
        snprintf(why, TW_WHY_BYTES_MAX, "price is %s", trade->price_e8 == 0 ? "0" : "below 0");
        return TW_REFUSED_BAD_PRICE;
    }
    if (trade->kind == TW_KIND_TRADE ? trade->ref.length != 0 : !tw_name_id_valid(trade->ref))
        return tw_gateway_say(TW_REFUSED_BAD_REF, why);
    return TW_OK;
}

enum tw_code tw_gateway_check_bounds(const struct tw_gateway *gateway, const struct tw_trade *trade, int64_t wall_ns,
                                     char why[TW_WHY_BYTES_MAX])
{
    if (trade->has_ts && trade->ts_ns < TW_TIMESTAMP_MIN_NS)
        return tw_gateway_say(TW_REFUSED_TIMESTAMP_IMPLAUSIBLE, why);
    if (trade->has_ts && trade->ts_ns - gateway->settings.future_ns > wall_ns) {
        snprintf(why, TW_WHY_BYTES_MAX, "ts is %.3f s ahead of its receipt; limits/future is %.3f s",
                 (double)(trade->ts_ns - wall_ns) / (double)TW_NS_PER_SECOND,
                 (double)gateway->settings.future_ns / (double)TW_NS_PER_SECOND);
        return TW_REFUSED_TIMESTAMP_IN_FUTURE;
    }
    if (trade->kind != TW_KIND_BUST && !tw_gateway_notional_fits(trade->qty_e8, trade->price_e8)) {
        snprintf(why, TW_WHY_BYTES_MAX, "qty x price leaves the range of 64 bits in 1e-8");
        return TW_REFUSED_AMOUNT_OUT_OF_RANGE;
    }
    if (trade->ccy.length != 0 && !tw_text_equal(trade->ccy, gateway->reporting_currency)) {
        snprintf(why, TW_WHY_BYTES_MAX, "ccy %.*s has no rate in the reference data", (int)trade->ccy.length,
                 trade->ccy.bytes);
        return TW_REFUSED_UNKNOWN_CCY;
    }
    return TW_OK;
}
