/* SPDX-License-Identifier: MIT
 *
 * Submissions: writing the row form.
 */
#include <string.h>

#include "protocol/check.h"
#include "protocol/num.h"
#include "protocol/submission.h"

static void pack_amount(struct tw_buffer *out, const char *key, int64_t value_e8)
{
    tw_pack_str(out, key);
    if (value_e8 % TW_E8 == 0) {
        tw_pack_i64(out, value_e8 / TW_E8);
    } else { /* a float would say the same in 9 bytes, but only a string is exact to any reader */
        char text[TW_E8_TEXT_MAX];
        uint32_t length = (uint32_t)tw_e8_format(value_e8, text);
        tw_pack_text(out, (struct tw_text){text, length});
    }
}

static void pack_optional(struct tw_buffer *out, const char *key, struct tw_text text)
{
    if (text.length == 0)
        return;
    tw_pack_str(out, key);
    tw_pack_text(out, text);
}

static const char *const sides[] = {"", "B", "S"};
static const char *const kinds[] = {"trade", "bust", "correct"};

/* A value without a word is only ever written to be shown: that of a trade which was refused for it. */
static void pack_word(struct tw_buffer *out, const char *key, uint8_t value, const char *word)
{
    tw_pack_str(out, key);
    if (word != NULL)
        tw_pack_str(out, word);
    else
        tw_pack_u64(out, value);
}

static void pack_trade(struct tw_buffer *out, const struct tw_trade *trade)
{
    const struct tw_text texts[] = {trade->symbol, trade->account, trade->id,  trade->owner, trade->contra,
                                    trade->broker, trade->venue,   trade->ccy, trade->ref};
    uint32_t pairs = 0;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        pairs += texts[i].length > 0;
    pairs += trade->side != TW_SIDE_NONE;
    pairs += trade->qty_e8 != 0;
    pairs += trade->price_e8 != 0;
    pairs += trade->has_ts;
    pairs += trade->kind != TW_KIND_TRADE;
    tw_pack_map(out, pairs);
    pack_optional(out, "symbol", trade->symbol);
    if (trade->side != TW_SIDE_NONE)
        pack_word(out, "side", trade->side, trade->side <= TW_SIDE_SELL ? sides[trade->side] : NULL);
    if (trade->qty_e8 != 0)
        pack_amount(out, "qty", trade->qty_e8);
    if (trade->price_e8 != 0)
        pack_amount(out, "price", trade->price_e8);
    if (trade->has_ts) {
        tw_pack_str(out, "ts");
        tw_pack_i64(out, trade->ts_ns);
    }
    pack_optional(out, "account", trade->account);
    pack_optional(out, "id", trade->id);
    pack_optional(out, "owner", trade->owner);
    pack_optional(out, "contra", trade->contra);
    pack_optional(out, "broker", trade->broker);
    pack_optional(out, "venue", trade->venue);
    pack_optional(out, "ccy", trade->ccy);
    if (trade->kind != TW_KIND_TRADE)
        pack_word(out, "kind", trade->kind, trade->kind <= TW_KIND_CORRECT ? kinds[trade->kind] : NULL);
    pack_optional(out, "ref", trade->ref);
}

void tw_submission_encode_rows(struct tw_buffer *out, struct tw_text publisher, uint32_t incarnation, uint64_t seq,
                               const struct tw_trade *trades, uint32_t count)
{
    TW_ASSERT(count <= TW_SUBMISSION_TRADES_MAX);
    const bool anonymous = publisher.length == 0;
    tw_pack_map(out, anonymous ? 2 : 5);
    tw_pack_str(out, "v");
    tw_pack_u64(out, 1);
    if (!anonymous) {
        tw_pack_str(out, "pub");
        tw_pack_text(out, publisher);
        tw_pack_str(out, "inc");
        tw_pack_u64(out, incarnation);
        tw_pack_str(out, "seq");
        tw_pack_u64(out, seq);
    }
    tw_pack_str(out, "trades");
    tw_pack_array(out, count);
    for (uint32_t i = 0; i < count; i++)
        pack_trade(out, &trades[i]);
}
