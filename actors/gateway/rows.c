/* SPDX-License-Identifier: MIT
 *
 * One trade after the other, whichever form it came in: read it, check it, give it its ids and its original, put it
 * into the block; or record why not.
 */
#include "actors/gateway/inside.h"

#include <xxhash.h>

struct tw_reader tw_gateway_reader(const struct tw_submission *submission, struct tw_local_names *names)
{
    return (struct tw_reader){.submission = *submission, .names = names};
}

void tw_gateway_read(struct tw_reader *reader, struct tw_read *out)
{
    TW_ASSERT(reader->row < reader->submission.count);
    out->why[0] = '\0';
    if (reader->submission.columnar) {
        tw_gateway_columns_read(reader, &out->trade);
        out->raw = (struct tw_text){NULL, 0};
        out->code = tw_gateway_check_form(&out->trade, out->why);
    } else {
        out->code = tw_submission_next_trade(&reader->submission, &out->trade, &out->raw, out->why);
        reader->row++;
    }
}

uint64_t tw_gateway_read_hash(const struct tw_reader *reader, const struct tw_read *read)
{
    /* What is not a trade has no content but its bytes. */
    if (read->code != TW_OK && !reader->submission.columnar)
        return XXH3_64bits(read->raw.bytes, read->raw.length);
    return tw_trade_content_hash(&read->trade);
}

static uint32_t intern(struct tw_gateway *gateway, struct tw_dictionary *dictionary, enum tw_name_kind kind,
                       struct tw_text name)
{
    bool added = false;
    uint32_t id = tw_dictionary_intern(dictionary, name, 0, &added);
    if (id != 0 && added)
        tw_gateway_note_name(gateway, kind, id, 0, tw_dictionary_name(dictionary, id));
    return id;
}

/* Ids for the trade's names; false if a dictionary is full. A bust has symbol and account from its original. */
static bool name_row(struct tw_gateway *gateway, const struct tw_trade *trade, struct tw_row *row)
{
    if (trade->kind != TW_KIND_BUST) {
        row->symbol = intern(gateway, gateway->symbols, TW_NAME_SYMBOL, trade->symbol);
        if (row->symbol == 0)
            return false;
        if (trade->account.length != 0) {
            row->account = intern(gateway, gateway->accounts, TW_NAME_ACCOUNT, trade->account);
            if (row->account == 0)
                return false;
        }
    }
    const struct tw_text parties[TW_PARTY_ROLES] = {trade->venue, trade->owner, trade->contra, trade->broker,
                                                    trade->ccy};
    for (int role = 0; role < TW_PARTY_ROLES; role++) {
        if (parties[role].length == 0)
            continue;
        row->party[role] = intern(gateway, gateway->parties, TW_NAME_PARTY, parties[role]);
        if (row->party[role] == 0)
            return false;
    }
    return true;
}

static enum tw_code prepare(struct tw_gateway *gateway, const struct tw_source *source, const struct tw_trade *trade,
                            int64_t wall_ns, struct tw_row *row, char why[TW_WHY_BYTES_MAX])
{
    enum tw_code code = tw_gateway_check_bounds(gateway, trade, wall_ns, why);
    if (code != TW_OK)
        return code;
    *row = (struct tw_row){.ts_ns = trade->has_ts ? trade->ts_ns : wall_ns,
                           .qty_e8 = trade->qty_e8,
                           .price_e8 = trade->price_e8,
                           .side = trade->side,
                           .kind = trade->kind,
                           .flags = trade->has_ts ? 0 : TW_ATTR_TS_ASSIGNED,
                           .id = trade->id};
    if (trade->kind != TW_KIND_TRADE) {
        code = tw_gateway_refer(gateway, source, trade, row, why);
        if (code != TW_OK)
            return code;
    }
    return name_row(gateway, trade, row) ? TW_OK : tw_gateway_say(TW_REFUSED_DICTIONARY_FULL, why);
}

static struct tw_text text_of(const char *chars)
{
    return (struct tw_text){chars, (uint32_t)strlen(chars)};
}

/* A row of columns as the row form has it: there are no bytes of its own to show. */
static struct tw_text rows_form(struct tw_gateway *gateway, const struct tw_trade *trade)
{
    const struct tw_text anonymous = {NULL, 0};
    gateway->raw.length = 0;
    tw_submission_encode_rows(&gateway->raw, anonymous, 0, 0, NULL, 0);
    size_t envelope = gateway->raw.length; /* the same with one trade behind it: counts below 16 are one byte */
    gateway->raw.length = 0;
    tw_submission_encode_rows(&gateway->raw, anonymous, 0, 0, trade, 1);
    return (struct tw_text){(const char *)gateway->raw.bytes + envelope, (uint32_t)(gateway->raw.length - envelope)};
}

static void refuse(struct tw_gateway *gateway, struct tw_source *source, enum tw_code code, const char *why,
                   struct tw_text raw, uint64_t content_hash, int64_t wall_ns)
{
    tw_gateway_append_refusal(gateway, source,
                              (struct tw_refusal){.content_hash = content_hash,
                                                  .received_ns = wall_ns,
                                                  .code = text_of(tw_code_name(code)),
                                                  .why = text_of(why),
                                                  .raw = raw});
}

bool tw_gateway_take(struct tw_gateway *gateway, struct tw_source *source, const struct tw_reader *reader,
                     struct tw_read *read, int64_t wall_ns, struct tw_row *row)
{
    tw_gateway_make_place(gateway);
    enum tw_code code = read->code;
    if (code == TW_OK)
        code = prepare(gateway, source, &read->trade, wall_ns, row, read->why);
    if (code != TW_OK && reader->submission.columnar)
        read->raw = rows_form(gateway, &read->trade);
    if (code == TW_OK)
        tw_gateway_append(gateway, source, row);
    else
        refuse(gateway, source, code, read->why, read->raw, tw_gateway_read_hash(reader, read), wall_ns);
    source->next++;
    return code == TW_OK;
}
