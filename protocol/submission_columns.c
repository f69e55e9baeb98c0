/* SPDX-License-Identifier: MIT
 *
 * Submissions: writing the columnar form. Columns are filled in place, one row after the other; names become ids of
 * the publisher's own dictionary and travel once. A column that no row uses stays at home.
 */
#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"
#include "protocol/names.h"
#include "protocol/submission.h"

/* A row of every column, and no text. */
enum {
#define COLUMN_WIDTH(member, key, width, required) +width
    ROW_BYTES = TW_SUBMISSION_COLUMNS(COLUMN_WIDTH)
#undef COLUMN_WIDTH
};
/* Envelope, keys and heads: under 64 B of pub, 14 columns x at most 13 B, the rest below 128 B. */
#define OVERHEAD_BYTES 512u
#define NAME_HEAD_BYTES 2u /* str 8: names are at most 64 bytes */

_Static_assert((unsigned)ROW_BYTES + 2u * UINT8_MAX + 7u * (TW_NAME_BYTES_MAX + NAME_HEAD_BYTES) + OVERHEAD_BYTES <
                   TW_SUBMISSION_BYTES_MAX,
               "one trade always fits");

enum column {
#define COLUMN_INDEX(member, key, width, required) COLUMN_##member,
    TW_SUBMISSION_COLUMNS(COLUMN_INDEX)
#undef COLUMN_INDEX
        COLUMN_COUNT
};

struct arrays {
    int64_t ts[TW_SUBMISSION_TRADES_MAX], qty[TW_SUBMISSION_TRADES_MAX], price[TW_SUBMISSION_TRADES_MAX];
    uint32_t symbol[TW_SUBMISSION_TRADES_MAX], account[TW_SUBMISSION_TRADES_MAX], venue[TW_SUBMISSION_TRADES_MAX],
        owner[TW_SUBMISSION_TRADES_MAX], contra[TW_SUBMISSION_TRADES_MAX], broker[TW_SUBMISSION_TRADES_MAX],
        ccy[TW_SUBMISSION_TRADES_MAX];
    uint8_t side[TW_SUBMISSION_TRADES_MAX], kind[TW_SUBMISSION_TRADES_MAX], id_length[TW_SUBMISSION_TRADES_MAX],
        ref_length[TW_SUBMISSION_TRADES_MAX];
};

/* The name that a field had in the row before: most repeat, and comparing is cheaper than looking up. */
struct last_name {
    char bytes[TW_NAME_BYTES_MAX];
    uint32_t length, id;
};

struct tw_columns {
    char publisher[TW_PUBLISHER_BYTES_MAX];
    uint32_t publisher_length;
    uint32_t incarnation;
    struct tw_dictionary *dictionary; /* its ids come after those of `names_before` */
    uint32_t names_before;            /* ids that an earlier life of this publisher has used */
    uint32_t names_written;           /* names that some message carried */
    uint32_t names_needed;            /* names that the rows of the batch use, at most */
    size_t names_pending_bytes;       /* of names that no message carried yet */
    uint32_t count;
    bool used[COLUMN_COUNT];
    struct last_name last[COLUMN_COUNT];
    struct tw_buffer ids, refs;
    struct arrays arrays;
};

struct tw_columns *tw_columns_new(struct tw_text publisher, uint32_t incarnation)
{
    TW_ASSERT(tw_name_publisher_valid(publisher));
    struct tw_columns *columns = tw_alloc_zero(1, sizeof *columns);
    memcpy(columns->publisher, publisher.bytes, publisher.length);
    columns->publisher_length = publisher.length;
    columns->incarnation = incarnation;
    columns->dictionary = tw_dictionary_new(TW_LOCAL_NAMES_MAX);
    return columns;
}

void tw_columns_start_after(struct tw_columns *columns, uint64_t names)
{
    TW_ASSERT(tw_dictionary_count(columns->dictionary) == 0 && names <= TW_LOCAL_NAMES_MAX);
    tw_dictionary_free(&columns->dictionary);
    columns->dictionary = tw_dictionary_new(TW_LOCAL_NAMES_MAX - (uint32_t)names);
    columns->names_before = (uint32_t)names;
    columns->names_written = (uint32_t)names;
    columns->names_needed = (uint32_t)names;
}

void tw_columns_free(struct tw_columns **columns)
{
    if (*columns == NULL)
        return;
    tw_dictionary_free(&(*columns)->dictionary);
    tw_buffer_free(&(*columns)->ids);
    tw_buffer_free(&(*columns)->refs);
    free(*columns);
    *columns = NULL;
}

/* Id of the name in `column`; 0 for none. False if the dictionary is full. */
static inline bool name_id(struct tw_columns *columns, enum column column, struct tw_text name, uint32_t *id)
{
    struct last_name *last = &columns->last[column];
    bool added = false;
    if (name.length == 0) {
        *id = 0;
        return true;
    }
    if (name.length == last->length && memcmp(name.bytes, last->bytes, name.length) == 0) {
        *id = last->id;
        return true;
    }
    TW_ASSERT(name.length <= TW_NAME_BYTES_MAX);
    *id = tw_dictionary_intern(columns->dictionary, name, 0, &added);
    if (*id == 0)
        return false;
    *id += columns->names_before;
    if (added)
        columns->names_pending_bytes += name.length + NAME_HEAD_BYTES;
    memcpy(last->bytes, name.bytes, name.length);
    last->length = name.length;
    last->id = *id;
    return true;
}

struct row_names {
    uint32_t symbol, account, venue, owner, contra, broker, ccy;
};

static bool intern_names(struct tw_columns *columns, const struct tw_trade *trade, struct row_names *out)
{
    return name_id(columns, COLUMN_symbol, trade->symbol, &out->symbol) &&
           name_id(columns, COLUMN_account, trade->account, &out->account) &&
           name_id(columns, COLUMN_venue, trade->venue, &out->venue) &&
           name_id(columns, COLUMN_owner, trade->owner, &out->owner) &&
           name_id(columns, COLUMN_contra, trade->contra, &out->contra) &&
           name_id(columns, COLUMN_broker, trade->broker, &out->broker) &&
           name_id(columns, COLUMN_ccy, trade->ccy, &out->ccy);
}

static bool fits(const struct tw_columns *columns, const struct tw_trade *trade)
{
    size_t bytes = OVERHEAD_BYTES + (columns->count + 1u) * (size_t)ROW_BYTES + columns->ids.length + trade->id.length +
                   columns->refs.length + trade->ref.length + columns->names_pending_bytes;
    return columns->count < TW_SUBMISSION_TRADES_MAX && bytes <= TW_SUBMISSION_BYTES_MAX;
}

bool tw_columns_add(struct tw_columns *columns, const struct tw_trade *trade)
{
    struct arrays *arrays = &columns->arrays;
    struct row_names names;
    TW_ASSERT(trade->id.length <= TW_EXECUTION_ID_BYTES_MAX && trade->ref.length <= TW_EXECUTION_ID_BYTES_MAX);
    /* Names of a trade that then does not fit stay in the dictionary: the next message carries them. */
    if (!intern_names(columns, trade, &names) || !fits(columns, trade))
        return false;
    columns->names_needed = columns->names_before + tw_dictionary_count(columns->dictionary);
    const uint32_t row = columns->count++;
#define PUT(member, type, value)                                                                                       \
    arrays->member[row] = (type)(value);                                                                               \
    columns->used[COLUMN_##member] |= arrays->member[row] != 0
    PUT(ts, int64_t, trade->has_ts ? trade->ts_ns : 0);
    PUT(symbol, uint32_t, names.symbol);
    PUT(account, uint32_t, names.account);
    PUT(side, uint8_t, trade->side);
    PUT(qty, int64_t, trade->qty_e8);
    PUT(price, int64_t, trade->price_e8);
    PUT(kind, uint8_t, trade->kind);
    PUT(id_length, uint8_t, trade->id.length);
    PUT(ref_length, uint8_t, trade->ref.length);
    PUT(venue, uint32_t, names.venue);
    PUT(owner, uint32_t, names.owner);
    PUT(contra, uint32_t, names.contra);
    PUT(broker, uint32_t, names.broker);
    PUT(ccy, uint32_t, names.ccy);
#undef PUT
    if (trade->id.length > 0)
        tw_buffer_append(&columns->ids, trade->id.bytes, trade->id.length);
    if (trade->ref.length > 0)
        tw_buffer_append(&columns->refs, trade->ref.bytes, trade->ref.length);
    return true;
}

uint32_t tw_columns_count(const struct tw_columns *columns)
{
    return columns->count;
}

uint64_t tw_columns_names(const struct tw_columns *columns)
{
    return columns->names_before + tw_dictionary_count(columns->dictionary);
}

uint64_t tw_columns_names_written(const struct tw_columns *columns)
{
    return columns->names_written;
}

/* Names of an earlier life are lost to us; no row uses their ids any more, so any name will do. */
static struct tw_text name_of(const struct tw_columns *columns, uint32_t id)
{
    if (id <= columns->names_before)
        return (struct tw_text){"-", 1};
    return tw_dictionary_name(columns->dictionary, id - columns->names_before);
}

/* The last of the names after `known` that still fits into `room` bytes with all before it. */
static uint32_t last_within(const struct tw_columns *columns, uint32_t known, size_t room)
{
    const uint32_t total = (uint32_t)tw_columns_names(columns);
    uint32_t last = known;
    while (last < total) {
        size_t bytes = name_of(columns, last + 1u).length + NAME_HEAD_BYTES;
        if (bytes > room)
            break;
        room -= bytes;
        last++;
    }
    return last;
}

/* Names up to `last` are written. What remains is little: names of a trade that did not fit, or more hellos to come. */
static void note_written(struct tw_columns *columns, uint32_t last)
{
    if (last <= columns->names_written)
        return;
    const uint32_t total = (uint32_t)tw_columns_names(columns);
    columns->names_written = last;
    columns->names_pending_bytes = 0;
    for (uint32_t id = last + 1u; id <= total; id++)
        columns->names_pending_bytes += name_of(columns, id).length + NAME_HEAD_BYTES;
}

/* Everything before `cols`, with the names known + 1 to last. */
static void pack_envelope(const struct tw_columns *columns, uint64_t seq, uint32_t rows, uint32_t known, uint32_t last,
                          struct tw_buffer *out)
{
    tw_pack_map(out, 5u + (last > known ? 2u : 0u) + (rows > 0 ? 1u : 0u));
    tw_pack_str(out, "v");
    tw_pack_u64(out, 1);
    tw_pack_str(out, "pub");
    tw_pack_text(out, (struct tw_text){columns->publisher, columns->publisher_length});
    tw_pack_str(out, "inc");
    tw_pack_u64(out, columns->incarnation);
    tw_pack_str(out, "seq");
    tw_pack_u64(out, seq);
    tw_pack_str(out, "n");
    tw_pack_u64(out, rows);
    if (last == known)
        return;
    tw_pack_str(out, "base");
    tw_pack_u64(out, known + 1u);
    tw_pack_str(out, "names");
    tw_pack_array(out, last - known);
    for (uint32_t id = known + 1u; id <= last; id++)
        tw_pack_text(out, name_of(columns, id));
}

static void pack_columns(const struct tw_columns *columns, struct tw_buffer *out)
{
    const struct arrays *arrays = &columns->arrays;
    uint32_t pairs = 0;
#define COLUMN_COUNTED(member, key, width, required) pairs += required || columns->used[COLUMN_##member];
    TW_SUBMISSION_COLUMNS(COLUMN_COUNTED)
#undef COLUMN_COUNTED
    pairs += columns->used[COLUMN_id_length] + columns->used[COLUMN_ref_length];
    tw_pack_str(out, "cols");
    tw_pack_map(out, pairs);
#define COLUMN_PACK(member, key, width, required)                                                                      \
    if (required || columns->used[COLUMN_##member]) {                                                                  \
        _Static_assert(sizeof arrays->member[0] == width, "an array of the column's width");                           \
        tw_pack_str(out, key);                                                                                         \
        tw_pack_bin(out, arrays->member, (size_t)columns->count *width);                                               \
    }
    TW_SUBMISSION_COLUMNS(COLUMN_PACK)
#undef COLUMN_PACK
    if (columns->used[COLUMN_id_length]) {
        tw_pack_str(out, "ids");
        tw_pack_bin(out, columns->ids.bytes, columns->ids.length);
    }
    if (columns->used[COLUMN_ref_length]) {
        tw_pack_str(out, "refs");
        tw_pack_bin(out, columns->refs.bytes, columns->refs.length);
    }
}

void tw_columns_finish(struct tw_columns *columns, uint64_t seq, uint64_t names_known, struct tw_buffer *out)
{
    TW_ASSERT(names_known <= tw_columns_names(columns));
    const uint32_t known = (uint32_t)names_known;
    const uint32_t last = columns->names_needed > known ? columns->names_needed : known;
    pack_envelope(columns, seq, columns->count, known, last, out);
    if (columns->count > 0)
        pack_columns(columns, out);
    note_written(columns, last);
    columns->count = 0;
    columns->ids.length = 0;
    columns->refs.length = 0;
    memset(columns->used, 0, sizeof columns->used);
}

uint64_t tw_columns_hello(struct tw_columns *columns, uint64_t seq, uint64_t names_known, struct tw_buffer *out)
{
    TW_ASSERT(names_known <= tw_columns_names(columns));
    const uint32_t known = (uint32_t)names_known;
    const uint32_t last = last_within(columns, known, TW_SUBMISSION_BYTES_MAX - OVERHEAD_BYTES);
    pack_envelope(columns, seq, 0, known, last, out);
    note_written(columns, last);
    return last;
}
