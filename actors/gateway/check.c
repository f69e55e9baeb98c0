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

enum tw_code tw_gateway_check_form(const struct tw_trade *trade, char why[TW_WHY_BYTES_MAX])
{
    enum tw_code code = tw_trade_check(trade, why);
    if (code != TW_REFUSED_MISSING_FIELD)
        return code;
    /* What is not there is a 0 in its column. */
    if (trade->symbol.length == 0) {
        snprintf(why, TW_WHY_BYTES_MAX, "symbol is not given");
        return TW_REFUSED_BAD_SYMBOL;
    }
    bool no_qty = trade->qty_e8 == 0;
    snprintf(why, TW_WHY_BYTES_MAX, "%s is 0", no_qty ? "qty" : "price");
    return no_qty ? TW_REFUSED_BAD_QTY : TW_REFUSED_BAD_PRICE;
}

enum tw_code tw_gateway_check_bounds(const struct tw_gateway *gateway, const struct tw_trade *trade, int64_t wall_ns,
                                     char why[TW_WHY_BYTES_MAX])
{
    if (trade->has_ts && trade->ts_ns < TW_TIMESTAMP_MIN_NS)
        return tw_gateway_say(TW_REFUSED_TIMESTAMP_IMPLAUSIBLE, why);
    if (!trade->has_ts && wall_ns < TW_TIMESTAMP_MIN_NS) {
        snprintf(why, TW_WHY_BYTES_MAX, "there is no ts, and the clock of the daemon's machine lies before 1990");
        return TW_REFUSED_TIMESTAMP_IMPLAUSIBLE;
    }
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
