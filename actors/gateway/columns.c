/* SPDX-License-Identifier: MIT
 *
 * The columnar form. Plain rows (names known in their roles, amounts, side and time in bounds, no bust) go from column
 * to column here: this is the hot path, without a hash, an allocation or a call per row. Every other row becomes a
 * tw_trade and goes the way of the row form, which also teaches the tables new names.
 */
#include "actors/gateway/inside.h"

static uint32_t local_of(const uint8_t *column, uint32_t row)
{
    return column == NULL ? 0 : tw_load_u32(column, row);
}
static uint8_t byte_of(const uint8_t *column, uint32_t row)
{
    return column == NULL ? 0 : column[row];
}

void tw_gateway_columns_read(struct tw_reader *reader, struct tw_trade *out)
{
    const struct tw_submission *from = &reader->submission;
    const struct tw_local_names *names = reader->names;
    uint32_t row = reader->row++;
    int64_t ts_ns = from->ts == NULL ? 0 : tw_load_i64(from->ts, row);
    *out = (struct tw_trade){.symbol = tw_local_names_text(names, tw_load_u32(from->symbol, row)),
                             .account = tw_local_names_text(names, local_of(from->account, row)),
                             .owner = tw_local_names_text(names, local_of(from->owner, row)),
                             .contra = tw_local_names_text(names, local_of(from->contra, row)),
                             .broker = tw_local_names_text(names, local_of(from->broker, row)),
                             .venue = tw_local_names_text(names, local_of(from->venue, row)),
                             .ccy = tw_local_names_text(names, local_of(from->ccy, row)),
                             .qty_e8 = tw_load_i64(from->qty, row),
                             .price_e8 = tw_load_i64(from->price, row),
                             .ts_ns = ts_ns,
                             .side = byte_of(from->side, row),
                             .kind = byte_of(from->kind, row),
                             .has_ts = ts_ns != 0};
    out->id.length = byte_of(from->id_length, row);
    out->ref.length = byte_of(from->ref_length, row);
    if (out->id.length != 0)
        out->id.bytes = (const char *)from->ids + reader->ids;
    if (out->ref.length != 0)
        out->ref.bytes = (const char *)from->refs + reader->refs;
    reader->ids += out->id.length;
    reader->refs += out->ref.length;
}

/* A plain row's ids, looked up in the publisher's tables. */
struct plain {
    uint32_t symbol, account, party[TW_PARTY_ROLES];
};

static bool plain_parties(const struct tw_submission *from, const struct tw_local_names *names, uint32_t row,
                          struct plain *out)
{
    const uint8_t *columns[TW_PARTY_ROLES] = {from->venue, from->owner, from->contra, from->broker, from->ccy};
    for (int role = 0; role < TW_PARTY_ROLES; role++) {
        uint32_t local = local_of(columns[role], row);
        out->party[role] = 0;
        if (local == 0)
            continue;
        if (role == TW_ROLE_CCY && local != names->reporting)
            return false;
        out->party[role] = names->party[local];
        if (out->party[role] == 0)
            return false;
    }
    return true;
}

static bool plain_names(const struct tw_submission *from, const struct tw_local_names *names, uint32_t row,
                        struct plain *out)
{
    uint32_t account = local_of(from->account, row);
    out->symbol = names->symbol[tw_load_u32(from->symbol, row)];
    out->account = account == 0 ? 0 : names->account[account];
    return out->symbol != 0 && (account == 0) == (out->account == 0);
}

static bool plain_values(const struct tw_submission *from, uint32_t row, int64_t latest_ns, int64_t ts_ns)
{
    int64_t qty_e8 = tw_load_i64(from->qty, row), price_e8 = tw_load_i64(from->price, row);
    uint8_t side = byte_of(from->side, row);
    bool print = local_of(from->account, row) == 0;
    return qty_e8 > 0 && price_e8 > 0 && tw_gateway_notional_fits(qty_e8, price_e8) &&
           (ts_ns == 0 || (ts_ns >= TW_TIMESTAMP_MIN_NS && ts_ns <= latest_ns)) && side <= TW_SIDE_SELL &&
           (side != TW_SIDE_NONE || print) && byte_of(from->kind, row) == TW_KIND_TRADE &&
           byte_of(from->ref_length, row) == 0;
}

static void append_id(struct tw_open_block *open, uint32_t at, struct tw_text id, uint32_t rows_max)
{
    if (!open->has_ids) {
        if (id.length == 0)
            return;
        tw_gateway_use_ids(open, rows_max);
    }
    open->id_length[at] = (uint8_t)id.length;
    open->id_start[at] = (uint32_t)open->ids.length;
    if (id.length != 0)
        tw_buffer_append(&open->ids, id.bytes, id.length);
}

static void append_parties(struct tw_open_block *open, uint32_t at, const struct plain *plain, uint32_t rows_max)
{
    for (int role = 0; role < TW_PARTY_ROLES; role++) {
        if (plain->party[role] != 0 && !open->has_party[role])
            tw_gateway_use_party(open, (enum tw_party_role)role, rows_max);
        if (open->has_party[role])
            open->party[role][at] = plain->party[role];
    }
}

void tw_gateway_take_plain(struct tw_gateway *gateway, struct tw_source *source, struct tw_reader *reader,
                           int64_t wall_ns)
{
    const struct tw_submission *from = &reader->submission;
    const struct tw_local_names *names = reader->names;
    struct tw_open_block *open = &gateway->open;
    int64_t latest_ns = wall_ns + gateway->settings.future_ns;
    uint32_t rows_max = gateway->settings.block_trades_max, row = reader->row;
    bool with_parties =
        from->venue != NULL || from->owner != NULL || from->contra != NULL || from->broker != NULL || from->ccy != NULL;
    struct plain plain = {0};
    /* Without a clock, row by row: each is refused, for one reason or another. */
    for (; row < from->count && wall_ns >= TW_TIMESTAMP_MIN_NS; row++) {
        int64_t ts_ns = from->ts == NULL ? 0 : tw_load_i64(from->ts, row);
        struct tw_text id = {(const char *)from->ids + reader->ids, byte_of(from->id_length, row)};
        if (!plain_names(from, names, row, &plain) || !plain_values(from, row, latest_ns, ts_ns) ||
            (with_parties && !plain_parties(from, names, row, &plain)) || (id.length != 0 && !tw_name_id_valid(id)))
            break;
        uint8_t flags = ts_ns == 0 ? TW_ATTR_TS_ASSIGNED : 0;
        ts_ns = ts_ns == 0 ? wall_ns : ts_ns;
        tw_gateway_make_place(gateway);
        flags = (uint8_t)(flags | tw_gateway_clock_meet(gateway, ts_ns));
        uint32_t at = open->count++;
        open->ts[at] = ts_ns;
        open->qty[at] = tw_load_i64(from->qty, row);
        open->price[at] = tw_load_i64(from->price, row);
        open->pseq[at] = source->next;
        open->symbol[at] = plain.symbol;
        open->account[at] = plain.account;
        open->source[at] = source->id;
        open->attrs[at] = (uint8_t)(byte_of(from->side, row) | flags);
        append_id(open, at, id, rows_max);
        append_parties(open, at, &plain, rows_max);
        tw_gateway_note_position(gateway, source);
        gateway->last_seq++;
        source->next++;
        reader->ids += id.length;
    }
    gateway->counters.trades += row - reader->row;
    reader->row = row;
}

void tw_gateway_columns_learn(const struct tw_reader *reader, uint32_t at, const struct tw_row *row)
{
    const struct tw_submission *from = &reader->submission;
    struct tw_local_names *names = reader->names;
    const uint8_t *parties[TW_PARTY_ROLES] = {from->venue, from->owner, from->contra, from->broker, from->ccy};
    uint32_t symbol = tw_load_u32(from->symbol, at), account = local_of(from->account, at);
    if (symbol != 0)
        names->symbol[symbol] = row->symbol;
    if (account != 0)
        names->account[account] = row->account;
    for (int role = 0; role < TW_PARTY_ROLES; role++) {
        uint32_t local = local_of(parties[role], at);
        if (local != 0)
            names->party[local] = row->party[role];
        if (role == TW_ROLE_CCY && local != 0)
            names->reporting = local; /* it was accepted, so it is that */
    }
}
