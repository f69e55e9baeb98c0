/* SPDX-License-Identifier: MIT
 *
 * Whether the values of a record make sense. The passes over columns only collect bits that must not be there, without
 * a branch, so that the compiler makes vectors of them (this file is built with -O3).
 */
#include "protocol/action.h"
#include "protocol/log_inside.h"
#include "protocol/names.h"
#include "protocol/num.h"

#define SIGN64 (UINT64_C(1) << 63)
#define SIGN32 (UINT32_C(1) << 31)

/* ---- passes over one column ---- */

/* All values lie from `least` (> 0) to 2^63 - 1. */
static bool within64(const uint8_t *column, uint32_t count, uint64_t least)
{
    uint64_t bad = 0;
    for (uint32_t row = 0; row < count; row++) {
        uint64_t value = tw_load_u64(column, row);
        bad |= value | (value - least); /* the sign bit: negative, or would be */
    }
    return (bad & SIGN64) == 0;
}

/* All values lie from `least` to `most` (< 2^31). An absent column passes. */
static bool within32(const uint8_t *column, uint32_t count, uint32_t least, uint32_t most)
{
    uint32_t bad = 0;
    if (column == NULL)
        return true;
    for (uint32_t row = 0; row < count; row++) {
        uint32_t value = tw_load_u32(column, row);
        bad |= value | (value - least) | (most - value);
    }
    return (bad & SIGN32) == 0;
}

/* Side and kind are not 3, a tick is not late, and bit 7 is clear. *others counts busts and corrections. */
static bool attrs_valid(const uint8_t *attrs, uint32_t count, uint32_t *others)
{
    uint8_t bad = 0;
    uint32_t sum = 0;
    for (uint32_t row = 0; row < count; row++) {
        uint8_t value = attrs[row];
        uint8_t both = value & (uint8_t)(value >> 1); /* bits 0, 2 and 4: both bits of side, kind, tick and late */
        bad |= (uint8_t)((both & 0x15u) | (value & 0x80u));
        sum += ((uint32_t)value >> 2 | (uint32_t)value >> 3) & 1u;
    }
    *others = sum;
    return bad == 0;
}

/* Who has an account, has a side. */
static bool sides_valid(const uint8_t *attrs, const uint8_t *accounts, uint32_t count)
{
    uint32_t bad = 0;
    for (uint32_t row = 0; row < count; row++) {
        uint32_t side = attrs[row] & 3u;
        bad |= (uint32_t)(tw_load_u32(accounts, row) != 0) & (uint32_t)(side == 0);
    }
    return bad == 0;
}

static bool id_lengths_valid(const struct tw_block *block)
{
    uint8_t bad = 0;
    uint32_t sum = 0;
    if (block->id_length == NULL)
        return block->ids_bytes == 0;
    for (uint32_t row = 0; row < block->count; row++) {
        uint8_t length = block->id_length[row];
        bad |= (uint8_t)(length | (TW_EXECUTION_ID_BYTES_MAX - length));
        sum += length;
    }
    return (bad & 0x80u) == 0 && sum == block->ids_bytes;
}
_Static_assert(TW_EXECUTION_ID_BYTES_MAX < 128, "the sign bit of a byte tells");

/* round_half_even(qty x price / 10^8) < 2^63: so is the product below 2^63 - 1/2 (which rounds up: 2^63 - 1 is odd). */
static bool product_fits(uint64_t qty_e8, uint64_t price_e8)
{
    const tw_u128 limit = (tw_u128)INT64_MAX * (uint64_t)TW_E8 + (uint64_t)TW_E8 / 2;
    return (tw_u128)qty_e8 * price_e8 < limit;
}

static bool products_fit(const struct tw_block *block)
{
    bool fit = true;
    for (uint32_t row = 0; row < block->count; row++)
        fit &= product_fits(tw_load_u64(block->qty, row), tw_load_u64(block->price, row));
    return fit;
}

static const char *check_rows(const struct tw_block *block, uint32_t *others)
{
    uint32_t count = block->count;
    if (!within64(block->ts, count, (uint64_t)TW_TIMESTAMP_MIN_NS))
        return "a ts lies before 1990";
    if (!within64(block->qty, count, 1) || !within64(block->price, count, 1))
        return "a qty or price is not above 0";
    if (!products_fit(block))
        return "a product of qty and price leaves 64 bits";
    if (!within64(block->pseq, count, 1))
        return "a pseq is out of range";
    if (!within32(block->symbol, count, 1, TW_SYMBOLS_MAX) || !within32(block->source, count, 1, TW_SOURCES_MAX) ||
        !within32(block->account, count, 0, TW_ACCOUNTS_MAX))
        return "a symbol, source or account is out of range";
    if (!within32(block->venue, count, 0, TW_PARTIES_MAX) || !within32(block->owner, count, 0, TW_PARTIES_MAX) ||
        !within32(block->contra, count, 0, TW_PARTIES_MAX) || !within32(block->broker, count, 0, TW_PARTIES_MAX) ||
        !within32(block->ccy, count, 0, TW_PARTIES_MAX))
        return "a venue, owner, contra, broker or ccy is out of range";
    if (!attrs_valid(block->attrs, count, others))
        return "a row's attrs are impossible";
    if (!sides_valid(block->attrs, block->account, count))
        return "a row has an account and no side";
    if (!id_lengths_valid(block))
        return "an idl is above 64, or their sum is not the length of ids";
    return NULL;
}

/* ---- originals ---- */

static bool original_valid(const struct tw_block *block, const struct tw_original *original)
{
    uint32_t row = original->row;
    if (original->symbol == 0 || original->symbol > TW_SYMBOLS_MAX || original->account > TW_ACCOUNTS_MAX)
        return false;
    if (original->seq == 0 || original->seq > block->follows + row) /* it came before this row */
        return false;
    if (original->qty_e8 <= 0 || original->price_e8 <= 0 || original->ts_ns < TW_TIMESTAMP_MIN_NS ||
        !product_fits((uint64_t)original->qty_e8, (uint64_t)original->price_e8))
        return false;
    if (original->side > TW_SIDE_SELL || (original->account != 0 && original->side == TW_SIDE_NONE) ||
        (original->reserved[0] | original->reserved[1] | original->reserved[2]) != 0)
        return false;
    uint8_t attrs = block->attrs[row];
    /* A bust's row repeats its original; a correction may move the trade to another symbol or account. */
    return TW_ATTR_KIND(attrs) != TW_KIND_BUST ||
           (original->symbol == tw_load_u32(block->symbol, row) &&
            original->account == tw_load_u32(block->account, row) && (uint8_t)TW_ATTR_SIDE(attrs) == original->side &&
            tw_load_i64(block->qty, row) == original->qty_e8 && tw_load_i64(block->price, row) == original->price_e8);
}

/* Each bust and correction has one, in order of rows. */
static const char *check_originals(const struct tw_block *block, uint32_t others)
{
    uint64_t next_row = 0;
    if (block->original_count != others)
        return "orig has not one for each bust and correction";
    for (uint32_t i = 0; i < block->original_count; i++) {
        struct tw_original original;
        memcpy(&original, block->originals + (size_t)i * sizeof original, sizeof original);
        if (original.row < next_row || original.row >= block->count ||
            TW_ATTR_KIND(block->attrs[original.row]) == TW_KIND_TRADE)
            return "orig names a row that is no bust or correction, or out of order";
        if (!original_valid(block, &original))
            return "an original in orig does not agree with its row";
        next_row = (uint64_t)original.row + 1;
    }
    return NULL;
}

/* ---- lists ---- */

static bool name_valid(const struct tw_new_name *name)
{
    switch (name->kind) {
    case TW_NAME_SYMBOL:
        return name->id <= TW_SYMBOLS_MAX && name->incarnation == 0 && tw_name_symbol_valid(name->name);
    case TW_NAME_ACCOUNT:
        return name->id <= TW_ACCOUNTS_MAX && name->incarnation == 0 && tw_name_account_valid(name->name);
    case TW_NAME_SOURCE: /* "_anon" and "_http" too, which a publisher cannot call itself */
        return name->id <= TW_SOURCES_MAX && name->name.length <= TW_PUBLISHER_BYTES_MAX &&
               tw_name_topic_valid(name->name);
    case TW_NAME_PARTY:
        return name->id <= TW_PARTIES_MAX && name->incarnation == 0 && tw_name_party_valid(name->name);
    }
    return false;
}

static const char *check_names(const struct tw_block *block)
{
    uint32_t last[TW_NAME_PARTY + 1] = {0}, offset = 0;
    for (struct tw_new_name name; tw_block_next_name(block, &offset, &name);) {
        if (name.id == 0 || !name_valid(&name))
            return "a name in names is not valid for its kind";
        if (last[name.kind] != 0 && name.id != last[name.kind] + 1)
            return "the ids in names are not dense";
        last[name.kind] = name.id;
    }
    return NULL;
}

static const char *check_refusals(const struct tw_block *block)
{
    uint64_t expected = 0;
    uint32_t offset = 0;
    for (struct tw_refusal refusal; tw_block_next_refusal(block, &offset, &refusal);) {
        if (refusal.number == 0 || refusal.number > (uint64_t)INT64_MAX ||
            (expected != 0 && refusal.number != expected))
            return "the numbers in refused are not dense";
        if (refusal.source == 0 || refusal.source > TW_SOURCES_MAX || refusal.pseq == 0 ||
            refusal.pseq > (uint64_t)INT64_MAX)
            return "a source or pseq in refused is out of range";
        if (refusal.code.length == 0 || refusal.code.length > TW_LOG_CODE_BYTES_MAX ||
            refusal.why.length > TW_WHY_BYTES_MAX || refusal.raw.length > TW_REFUSED_RAW_BYTES_MAX)
            return "a text in refused is too long, or has no code";
        expected = refusal.number + 1;
    }
    return NULL;
}

static const char *check_positions(const struct tw_block *block)
{
    uint32_t offset = 0;
    for (struct tw_position position; tw_block_next_position(block, &offset, &position);)
        if (position.source == 0 || position.source > TW_SOURCES_MAX || position.next == 0 || position.next > SIGN64)
            return "a source or number in pos is out of range";
    return NULL;
}

const char *tw_log_check_block(const struct tw_block *block)
{
    uint32_t others = 0;
    const char *problem = check_rows(block, &others);
    if (problem == NULL)
        problem = check_originals(block, others);
    if (problem == NULL)
        problem = check_names(block);
    if (problem == NULL)
        problem = check_refusals(block);
    return problem != NULL ? problem : check_positions(block);
}

/* ---- control records ---- */

static const char *check_action(const struct tw_control *control)
{
    struct tw_action action;
    const char *why = NULL;
    if (control->number == 0 || control->number > (uint64_t)INT64_MAX)
        return "an action has no number";
    return tw_action_decode(control->text.bytes, control->text.length, &action, &why) ? NULL : why;
}

const char *tw_log_check_control(const struct tw_control *control)
{
    if (control->text.length > TW_SETTINGS_BYTES_MAX)
        return "text is longer than settings can be";
    if (control->source > TW_SOURCES_MAX)
        return "source is out of range";
    switch (control->kind) {
    case TW_CONTROL_BOOT:
        return control->number == 0 ? "a boot has no number" : NULL;
    case TW_CONTROL_CLOCK:
        return control->ts_ns < 0 || control->ts_ns % TW_NS_PER_SECOND != 0 ? "a clock is not at a whole second" : NULL;
    case TW_CONTROL_SESSION: /* both times are from 0, so compare as unsigned */
        return control->ts_ns < 0 || control->number > (uint64_t)INT64_MAX ||
                       control->number <= (uint64_t)control->ts_ns
                   ? "a session does not end after it begins"
                   : NULL;
    case TW_CONTROL_FENCE:
        return control->source == 0 || control->number > UINT32_MAX || control->text.length == 0
                   ? "a fence lacks its source, incarnation or publisher"
                   : NULL;
    case TW_CONTROL_FEED_GAP:
        return control->source == 0 || control->number == 0 || control->number2 == 0 ||
                       control->number > (uint64_t)INT64_MAX || control->number2 > (uint64_t)INT64_MAX
                   ? "a feed gap lacks its source, or its numbers are out of range"
                   : NULL;
    case TW_CONTROL_SNAPSHOT:
        return control->number == 0 ? "a snapshot has no number" : NULL;
    case TW_CONTROL_RETENTION: /* what goes lies before the record itself */
        return control->number2 == 0 || control->number2 >= control->lsn || control->number > control->follows
                   ? "a retention reaches beyond itself"
                   : NULL;
    case TW_CONTROL_LANE:
        return control->number > 1 || !tw_name_publisher_valid(control->text)
                   ? "a lane has no publisher, or is neither push nor feed"
                   : NULL;
    case TW_CONTROL_ACTION:
        return check_action(control);
    case TW_CONTROL_SETTINGS:
    case TW_CONTROL_KIND_COUNT:
        break;
    }
    return NULL;
}
