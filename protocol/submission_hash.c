/* SPDX-License-Identifier: MIT
 *
 * Submissions: what a trade's content hashes to. One fixed layout for whatever form it came in: kind, side, has_ts,
 * qty, price, ts, then each text behind its length.
 */
#include <string.h>
#include <xxhash.h>

#include "protocol/check.h"
#include "protocol/submission.h"

static uint8_t *put_text(uint8_t *at, struct tw_text text)
{
    TW_ASSERT(text.length <= UINT8_MAX); /* names are at most 64 bytes, ids in columns 255 */
    *at++ = (uint8_t)text.length;
    if (text.length > 0)
        memcpy(at, text.bytes, text.length);
    return at + text.length;
}

static uint8_t *put_i64(uint8_t *at, int64_t value)
{
    memcpy(at, &value, sizeof value);
    return at + sizeof value;
}

uint64_t tw_trade_content_hash(const struct tw_trade *trade)
{
    uint8_t content[3 + 3 * 8 + 9 * (1 + UINT8_MAX)];
    uint8_t *at = content;
    const bool bust = trade->kind == TW_KIND_BUST;
    const struct tw_text none = {0};
    *at++ = trade->kind;
    *at++ = bust ? (uint8_t)TW_SIDE_NONE : trade->side;
    *at++ = trade->has_ts ? 1 : 0;
    at = put_i64(at, bust ? 0 : trade->qty_e8);
    at = put_i64(at, bust ? 0 : trade->price_e8);
    at = put_i64(at, trade->has_ts ? trade->ts_ns : 0);
    at = put_text(at, bust ? none : trade->symbol);
    at = put_text(at, bust ? none : trade->account);
    at = put_text(at, trade->id);
    at = put_text(at, trade->ref);
    at = put_text(at, trade->owner);
    at = put_text(at, trade->contra);
    at = put_text(at, trade->broker);
    at = put_text(at, trade->venue);
    at = put_text(at, trade->ccy);
    return XXH3_64bits(content, (size_t)(at - content));
}
