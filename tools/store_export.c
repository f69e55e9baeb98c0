/* SPDX-License-Identifier: MIT
 *
 * The trades of a log as text. Without a filter the log is read through; by account or symbol the index says which
 * trades, and only their blocks are read.
 */
#include "tools/store_export.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"
#include "protocol/json_text.h"
#include "protocol/num.h"
#include "tools/csv.h"

/* ---- names, looked up once ---- */

struct name {
    char *text; /* NULL: not looked up yet */
    uint32_t length, incarnation;
};

struct export
{
    const struct tw_store_export *what;
    struct tw_store *store;
    struct tw_store_error *error;
    struct name *names[TW_NAME_PARTY + 1]; /* [kind][id] */
    uint32_t name_capacity[TW_NAME_PARTY + 1];
    struct tw_buffer buffer;
    uint32_t account, symbol; /* ids of the filter; 0: all */
    /* the block that was read last, and how far its rows were walked */
    struct tw_frame *frame;
    struct tw_record record;
    uint32_t row, id_offset, original_cursor;
    bool failed;
};

static const struct name *name_of(struct export *export, enum tw_name_kind kind, uint32_t id)
{
    if (id >= export->name_capacity[kind]) {
        uint32_t capacity = export->name_capacity[kind] == 0 ? 256 : export->name_capacity[kind];
        while (capacity <= id)
            capacity *= 2;
        export->names[kind] = tw_realloc(export->names[kind], capacity * sizeof(struct name));
        memset(export->names[kind] + export->name_capacity[kind], 0,
               (capacity - export->name_capacity[kind]) * sizeof(struct name));
        export->name_capacity[kind] = capacity;
    }
    struct name *name = &export->names[kind][id];
    if (name->text == NULL) {
        if (!tw_store_name(export->store, kind, id, &export->buffer, &name->incarnation))
            export->buffer.length = 0; /* noted as damage: the export ends as not readable */
        name->length = (uint32_t) export->buffer.length;
        name->text = tw_strndup(name->length == 0 ? "" : (const char *)export->buffer.bytes, name->length);
    }
    return name;
}

static struct tw_text text_of(struct export *export, enum tw_name_kind kind, uint32_t id)
{
    if (id == 0)
        return (struct tw_text){NULL, 0};
    const struct name *name = name_of(export, kind, id);
    return (struct tw_text){name->text, name->length};
}

/* Names have no index by text: they are gone through once, which takes a second for a million. */
static uint32_t find_name(struct export *export, enum tw_name_kind kind, const char *text)
{
    size_t length = strlen(text);
    for (uint32_t id = 1; tw_store_name(export->store, kind, id, &export->buffer, NULL); id++)
        if (export->buffer.length == length && memcmp(export->buffer.bytes, text, length) == 0)
            return id;
    return 0;
}

/* ---- one trade ---- */

struct line {
    uint64_t seq, pseq, ref_seq;
    uint32_t incarnation;
    int64_t ts_ns, qty_e8, price_e8;
    struct tw_text publisher, symbol, account, id, venue, owner, contra, broker, ccy;
    enum tw_side side;
    enum tw_kind kind;
};

static const char *side_name(enum tw_side side)
{
    return side == TW_SIDE_BUY ? "B" : side == TW_SIDE_SELL ? "S" : "";
}

static const char *kind_name(enum tw_kind kind)
{
    return kind == TW_KIND_BUST ? "bust" : kind == TW_KIND_CORRECT ? "correct" : "trade";
}

/* Optional fields, in the order of both forms. */
#define OPTIONAL_TEXTS(X) X(account) X(id) X(venue) X(owner) X(contra) X(broker) X(ccy)

static void print_json(FILE *out, const struct line *line)
{
    fprintf(out, "{\"seq\":%" PRIu64 ",\"pub\":", line->seq);
    tw_json_text(out, line->publisher);
    fprintf(out, ",\"inc\":%" PRIu32 ",\"pseq\":%" PRIu64 ",\"symbol\":", line->incarnation, line->pseq);
    tw_json_text(out, line->symbol);
    if (line->side != TW_SIDE_NONE)
        fprintf(out, ",\"side\":\"%s\"", side_name(line->side));
    fputs(",\"qty\":", out);
    tw_json_e8(out, line->qty_e8);
    fputs(",\"price\":", out);
    tw_json_e8(out, line->price_e8);
    fprintf(out, ",\"ts\":%" PRId64, line->ts_ns);
#define PRINT(member)                                                                                                  \
    if (line->member.length > 0) {                                                                                     \
        fputs(",\"" #member "\":", out);                                                                               \
        tw_json_text(out, line->member);                                                                               \
    }
    OPTIONAL_TEXTS(PRINT)
#undef PRINT
    fprintf(out, ",\"kind\":\"%s\"", kind_name(line->kind));
    if (line->kind != TW_KIND_TRADE)
        fprintf(out, ",\"ref_seq\":%" PRIu64, line->ref_seq);
    fputs("}\n", out);
}

static void print_csv_text(FILE *out, struct tw_text text)
{
    putc(',', out);
    tw_csv_text(out, text);
}

#define CSV_HEADER "seq,pub,inc,pseq,symbol,side,qty,price,ts,account,id,venue,owner,contra,broker,ccy,kind,ref_seq\n"

static void print_csv(FILE *out, const struct line *line)
{
    char qty[TW_E8_TEXT_MAX], price[TW_E8_TEXT_MAX];
    tw_e8_format(line->qty_e8, qty);
    tw_e8_format(line->price_e8, price);
    fprintf(out, "%" PRIu64, line->seq);
    print_csv_text(out, line->publisher);
    fprintf(out, ",%" PRIu32 ",%" PRIu64, line->incarnation, line->pseq);
    print_csv_text(out, line->symbol);
    fprintf(out, ",%s,%s,%s,%" PRId64, side_name(line->side), qty, price, line->ts_ns);
#define PRINT(member) print_csv_text(out, line->member);
    OPTIONAL_TEXTS(PRINT)
#undef PRINT
    fprintf(out, ",%s,", kind_name(line->kind));
    if (line->kind != TW_KIND_TRADE)
        fprintf(out, "%" PRIu64, line->ref_seq);
    putc('\n', out);
}

/* ---- a row of the block that was read last ---- */

static void begin_rows(struct export *export)
{
    export->row = export->id_offset = export->original_cursor = 0;
}

/* Rows come in ascending order, so that ids and originals are walked once a block. */
static void take_row(struct export *export, uint32_t row, struct line *line)
{
    const struct tw_block *block = &export->record.block;
    for (; export->row < row; export->row++)
        export->id_offset += block->id_length == NULL ? 0u : block->id_length[export->row];
    uint8_t attrs = block->attrs[row];
    uint32_t source = tw_load_u32(block->source, row);
    *line = (struct line){.seq = block->follows + 1 + row,
                          .pseq = tw_load_u64(block->pseq, row),
                          .incarnation = name_of(export, TW_NAME_SOURCE, source)->incarnation,
                          .ts_ns = tw_load_i64(block->ts, row),
                          .qty_e8 = tw_load_i64(block->qty, row),
                          .price_e8 = tw_load_i64(block->price, row),
                          .publisher = text_of(export, TW_NAME_SOURCE, source),
                          .symbol = text_of(export, TW_NAME_SYMBOL, tw_load_u32(block->symbol, row)),
                          .account = text_of(export, TW_NAME_ACCOUNT, tw_load_u32(block->account, row)),
                          .venue = text_of(export, TW_NAME_PARTY, tw_load_party(block->venue, row)),
                          .owner = text_of(export, TW_NAME_PARTY, tw_load_party(block->owner, row)),
                          .contra = text_of(export, TW_NAME_PARTY, tw_load_party(block->contra, row)),
                          .broker = text_of(export, TW_NAME_PARTY, tw_load_party(block->broker, row)),
                          .ccy = text_of(export, TW_NAME_PARTY, tw_load_party(block->ccy, row)),
                          .side = TW_ATTR_SIDE(attrs),
                          .kind = TW_ATTR_KIND(attrs)};
    if (block->id_length != NULL)
        line->id = (struct tw_text){(const char *)block->ids + export->id_offset, block->id_length[row]};
    if (line->kind != TW_KIND_TRADE)
        line->ref_seq = tw_block_original(block, row, &export->original_cursor).seq;
}

static void print_row(struct export *export, uint32_t row)
{
    struct line line;
    take_row(export, row, &line);
    if (export->what->json)
        print_json(export->what->out, &line);
    else
        print_csv(export->what->out, &line);
}

/* ---- all of them, or some ---- */

static bool read_through(struct export *export)
{
    struct tw_store_cursor *cursor = tw_store_read(export->store, export->what->from_seq, export->error);
    int more = cursor == NULL ? -1 : 1;
    while (more > 0 && (more = tw_store_next(cursor, &export->record, export->error)) > 0) {
        if (tw_record_follows(&export->record) >= export->what->to_seq)
            break;
        if (export->record.kind != TW_RECORD_BLOCK)
            continue;
        begin_rows(export);
        for (uint32_t row = 0; row < export->record.block.count; row++) {
            uint64_t seq = export->record.block.follows + 1 + row;
            if (seq >= export->what->from_seq && seq <= export->what->to_seq)
                print_row(export, row);
        }
    }
    tw_store_cursor_free(&cursor);
    return more >= 0;
}

static bool see_seq(void *context, uint64_t seq)
{
    struct export *export = context;
    const struct tw_block *block = &export->record.block;
    if (export->frame == NULL || seq > block->follows + block->count) {
        tw_frame_drop(&export->frame);
        if (!tw_store_block_of(export->store, seq, &export->frame, &export->record)) {
            export->error->status = TW_STORE_DAMAGED;
            snprintf(export->error->text, sizeof export->error->text,
                     "trade %" PRIu64 " is in the index, but not readable in the log; see `tapewarden store verify`",
                     seq);
            export->failed = true;
            return false;
        }
        begin_rows(export);
    }
    uint32_t row = (uint32_t)(seq - block->follows - 1);
    if (export->symbol == 0 || tw_load_u32(block->symbol, row) == export->symbol)
        print_row(export, row);
    return true;
}

static bool read_by_index(struct export *export)
{
    bool by_account = export->account != 0;
    bool read = tw_store_index_scan(export->store, by_account ? TW_INDEX_ACCOUNT : TW_INDEX_SYMBOL,
                                    by_account ? export->account : export->symbol, export->what->from_seq,
                                    export->what->to_seq, see_seq, export, export->error);
    tw_frame_drop(&export->frame);
    return read && !export->failed;
}

/* ---- */

static bool find_filter(struct export *export, enum tw_name_kind kind, const char *what, const char *text, uint32_t *id)
{
    if (text == NULL)
        return true;
    *id = find_name(export, kind, text);
    if (*id == 0)
        snprintf(export->error->text, sizeof export->error->text, "the log knows no %s %.64s", what, text);
    return *id != 0;
}

static void forget(struct export *export)
{
    for (size_t kind = 0; kind <= TW_NAME_PARTY; kind++) {
        for (uint32_t id = 0; id < export->name_capacity[kind]; id++)
            free(export->names[kind][id].text);
        free(export->names[kind]);
    }
    tw_buffer_free(&export->buffer);
}

enum tw_store_exported tw_store_export_trades(struct tw_store *store, const struct tw_store_export *what,
                                              struct tw_store_error *error)
{
    struct export export = {.what = what, .store = store, .error = error};
    enum tw_store_exported result = TW_STORE_NO_SUCH_NAME;
    if (find_filter(&export, TW_NAME_ACCOUNT, "account", what->account, &export.account) &&
        find_filter(&export, TW_NAME_SYMBOL, "symbol", what->symbol, &export.symbol)) {
        if (!what->json)
            fputs(CSV_HEADER, what->out);
        bool filtered = export.account != 0 || export.symbol != 0;
        bool read = filtered ? read_by_index(&export) : read_through(&export);
        result = read ? TW_STORE_EXPORTED : TW_STORE_NOT_READABLE;
    }
    if (result != TW_STORE_NOT_READABLE && tw_store_damage(store, error)) /* names may have been left out */
        result = TW_STORE_NOT_READABLE;
    forget(&export);
    return result;
}
