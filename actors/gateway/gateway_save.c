/* SPDX-License-Identifier: MIT
 *
 * The gateway's part of a snapshot: what recovery would know after the SNAPSHOT record, which is the last one that was
 * finished. Everything up to it counts as durable there, so what is still under way is written as settled. Names and
 * busts are written as time allows; all the rest at once, for it changes with every message.
 */
#include <string.h>

#include "actors/gateway/inside.h"
#include "actors/judging/planted.h"

enum row { ROW_HEAD = TW_ROW_OWN, ROW_SOURCE, ROW_PUBLISHER, ROW_REFUSAL, ROW_BUSTED };

#define BUSTED_PER_ROW 1024u

/* Of tw_publisher.speaks; the same numbers for ever. */
enum row_speaks { ROW_SPEAKS_UNKNOWN, ROW_SPEAKS_BY_PUSH, ROW_SPEAKS_BY_FEED };

/* ---- saving ---- */

static void save_head(const struct tw_gateway *gateway, struct tw_buffer *out)
{
    size_t began = tw_row_begin(out, ROW_HEAD);
    tw_put_u64(out, gateway->boot);
    tw_put_u8(out, gateway->names_tell || gateway->started);
    tw_put_u64(out, gateway->last_lsn);
    tw_put_u64(out, gateway->last_seq);
    tw_put_u64(out, gateway->refusal_number);
    tw_put_u64(out, gateway->snapshots);
    tw_put_u64(out, gateway->forgotten_seq);
    tw_put_u8(out, gateway->clock.started);
    tw_put_i64(out, gateway->clock.ns);
    tw_put_i64(out, gateway->clock.next_roll_ns);
    tw_put_text(out,
                (struct tw_text){(const char *)gateway->settings_text.bytes, (uint32_t)gateway->settings_text.length});
    tw_put_u64(out, TW_PLANTED(ACTION_NUMBER_REUSED) ? 0 : gateway->actions);
    tw_row_end(out, began);
}

static void save_source(const struct tw_gateway *gateway, const struct tw_source *source, struct tw_buffer *out)
{
    size_t began = tw_row_begin(out, ROW_SOURCE);
    tw_put_text(out, tw_dictionary_name(gateway->sources_by_name, source->id));
    tw_put_u32(out, source->incarnation);
    tw_put_u64(out, source->next);
    tw_put_u64(out, source->refused_total);
    tw_row_end(out, began);
}

static void save_refusal(struct tw_buffer *out, uint32_t source, uint64_t pseq, struct tw_text code, struct tw_text why,
                         bool counted)
{
    size_t began = tw_row_begin(out, ROW_REFUSAL);
    tw_put_u32(out, source);
    tw_put_u64(out, pseq);
    tw_put_text(out, code);
    tw_put_text(out, why);
    tw_put_u8(out, counted);
    tw_row_end(out, began);
}

static void save_known_refusals(const struct tw_source *source, struct tw_buffer *out)
{
    for (uint32_t i = 0; i < source->known_count; i++) {
        const struct tw_known_refusal *known = &source->known[(source->known_first + i) % TW_ACK_REFUSALS_MAX];
        save_refusal(out, source->id, known->pseq, (struct tw_text){known->code, known->code_length},
                     (struct tw_text){known->why, known->why_length}, true);
    }
}

/* Refused in records that are under way: neither counted in their source nor known to it yet. */
static void save_refusals_under_way(const struct tw_gateway *gateway, struct tw_buffer *out)
{
    for (uint32_t i = 0; i < gateway->flight_count; i++) {
        const struct tw_record *record = &gateway->flights[gateway->flight_first + i].record;
        uint32_t offset = 0;
        if (record->kind != TW_RECORD_BLOCK)
            continue;
        for (struct tw_refusal refusal; tw_block_next_refusal(&record->block, &offset, &refusal);)
            save_refusal(out, refusal.source, refusal.pseq, refusal.code, refusal.why, false);
    }
}

static uint8_t speaks_as_saved(const struct tw_publisher *publisher)
{
    if (publisher->speaks == TW_SPEAKS_BY_FEED)
        return ROW_SPEAKS_BY_FEED;
    /* Without a source the log knows nothing of a name that pushed. */
    return publisher->speaks == TW_SPEAKS_BY_PUSH && publisher->source != 0 ? ROW_SPEAKS_BY_PUSH : ROW_SPEAKS_UNKNOWN;
}

static void save_publisher(const struct tw_gateway *gateway, const struct tw_publisher *publisher,
                           struct tw_buffer *out)
{
    if (publisher->source == 0 && publisher->speaks != TW_SPEAKS_BY_FEED)
        return;
    size_t began = tw_row_begin(out, ROW_PUBLISHER);
    tw_put_text(out, tw_gateway_publisher_name(gateway, publisher));
    tw_put_u32(out, publisher->source);
    tw_put_u32(out, publisher->previous);
    tw_put_u8(out, speaks_as_saved(publisher));
    tw_row_end(out, began);
}

/* A row of them; false if none is left. */
static bool save_some_busted(struct tw_gateway *gateway)
{
    uint64_t list[BUSTED_PER_ROW];
    struct tw_buffer *out = &gateway->saving.rows;
    if (!gateway->busted.is_late)
        return false;
    uint32_t count = tw_busted_late_take(&gateway->busted, BUSTED_PER_ROW, list);
    if (count == 0 || TW_PLANTED(SNAPSHOT_FORGETS_BUSTS))
        return true;
    size_t began = tw_row_begin(out, ROW_BUSTED);
    tw_put_bytes(out, list, count * sizeof list[0]);
    tw_row_end(out, began);
    return true;
}

void tw_gateway_save_busted(struct tw_gateway *gateway)
{
    while (save_some_busted(gateway))
        continue;
}

static struct tw_saving_names names_of(const struct tw_dictionary *dictionary, enum tw_name_kind kind)
{
    return (struct tw_saving_names){dictionary, kind, 1, tw_dictionary_count(dictionary)};
}

void tw_gateway_save_begin(struct tw_gateway *gateway)
{
    TW_ASSERT(!tw_gateway_open_has_anything(gateway));
    tw_saving_begin(&gateway->saving);
    struct tw_buffer *out = &gateway->saving.rows;
    uint32_t sources = tw_dictionary_count(gateway->sources_by_name);
    save_head(gateway, out);
    for (uint32_t id = 1; id <= sources; id++)
        save_source(gateway, gateway->sources[id], out);
    for (uint32_t id = 1; id <= tw_dictionary_count(gateway->publishers_by_name); id++)
        save_publisher(gateway, gateway->publishers[id], out);
    for (uint32_t id = 1; id <= sources; id++)
        save_known_refusals(gateway->sources[id], out);
    save_refusals_under_way(gateway, out);
    tw_busted_late_begin(&gateway->busted);
    gateway->saving_names[0] = names_of(gateway->symbols, TW_NAME_SYMBOL);
    gateway->saving_names[1] = names_of(gateway->accounts, TW_NAME_ACCOUNT);
    gateway->saving_names[2] = names_of(gateway->parties, TW_NAME_PARTY);
}

bool tw_gateway_saving(const struct tw_gateway *gateway)
{
    return tw_saving_left(&gateway->saving);
}

/* One step: a row. False at the end. */
static bool walk(struct tw_gateway *gateway)
{
    struct tw_saving *saving = &gateway->saving;
    if (save_some_busted(gateway) || tw_save_names(&saving->rows, &gateway->saving_names[saving->cursor]))
        return true;
    return ++saving->cursor < sizeof gateway->saving_names / sizeof gateway->saving_names[0];
}

bool tw_gateway_save(struct tw_gateway *gateway, struct tw_buffer *out, size_t bytes)
{
    struct tw_saving *saving = &gateway->saving;
    while (saving->active && tw_saving_waiting(saving) < bytes)
        saving->active = walk(gateway);
    return tw_saving_hand_out(saving, out, bytes);
}

/* ---- loading ---- */

static bool load_head(struct tw_gateway *gateway, struct tw_row_reader *row)
{
    gateway->boot = tw_get_u64(row);
    gateway->names_tell = tw_get_u8(row) != 0;
    gateway->last_lsn = gateway->cut_lsn = gateway->durable_lsn = tw_get_u64(row);
    gateway->last_seq = gateway->durable_seq = tw_get_u64(row);
    gateway->refusal_number = tw_get_u64(row);
    gateway->snapshots = tw_get_u64(row);
    gateway->forgotten_seq = tw_get_u64(row);
    bool started = tw_get_u8(row) != 0;
    int64_t clock_ns = tw_get_i64(row), next_roll_ns = tw_get_i64(row);
    struct tw_text text = tw_get_text(row);
    gateway->actions = row->at < row->end ? tw_get_u64(row) : 0; /* not in snapshots from before there were any */
    if (!tw_row_whole(row) || (started && (clock_ns < 0 || clock_ns > INT64_MAX - 2 * TW_NS_PER_SECOND)) ||
        text.length > TW_SETTINGS_BYTES_MAX)
        return false;
    if (started) {
        tw_gateway_clock_restore(gateway, clock_ns);
        gateway->clock.next_roll_ns = next_roll_ns;
    }
    gateway->settings_text.length = 0;
    tw_put_bytes(&gateway->settings_text, text.bytes, text.length);
    gateway->loaded = true;
    return true;
}

static bool load_source(struct tw_gateway *gateway, struct tw_row_reader *row)
{
    bool added = false;
    struct tw_text name = tw_get_text(row);
    uint32_t incarnation = tw_get_u32(row);
    uint64_t next = tw_get_u64(row), refused_total = tw_get_u64(row);
    if (!tw_row_whole(row) || name.length == 0 || name.length > TW_PUBLISHER_BYTES_MAX || next == 0)
        return false;
    struct tw_publisher *publisher = tw_gateway_publisher(gateway, name);
    struct tw_source *source = publisher == NULL ? NULL : tw_gateway_source(gateway, publisher, incarnation, &added);
    if (source == NULL || !added)
        return false;
    source->next = next;
    source->durable = next - 1;
    source->refused_total = refused_total;
    return true;
}

static bool is_source_of(const struct tw_gateway *gateway, uint32_t source, const struct tw_publisher *publisher)
{
    return source == 0 || (source <= tw_dictionary_count(gateway->sources_by_name) &&
                           gateway->sources[source]->publisher == publisher->id);
}

static bool load_publisher(struct tw_gateway *gateway, struct tw_row_reader *row)
{
    struct tw_text name = tw_get_text(row);
    uint32_t source = tw_get_u32(row), previous = tw_get_u32(row);
    uint8_t speaks = tw_get_u8(row);
    if (!tw_row_whole(row) || name.length == 0 || name.length > TW_PUBLISHER_BYTES_MAX)
        return false;
    struct tw_publisher *publisher = tw_gateway_publisher(gateway, name);
    if (publisher == NULL || speaks > ROW_SPEAKS_BY_FEED || !is_source_of(gateway, source, publisher) ||
        !is_source_of(gateway, previous, publisher))
        return false;
    publisher->source = source;
    publisher->previous = previous;
    publisher->speaks = speaks == ROW_SPEAKS_BY_FEED   ? TW_SPEAKS_BY_FEED
                        : speaks == ROW_SPEAKS_BY_PUSH ? TW_SPEAKS_BY_PUSH
                                                       : TW_SPEAKS_UNKNOWN;
    return true;
}

static bool load_refusal(struct tw_gateway *gateway, struct tw_row_reader *row)
{
    uint32_t id = tw_get_u32(row);
    struct tw_refusal refusal = {.pseq = tw_get_u64(row)};
    refusal.code = tw_get_text(row);
    refusal.why = tw_get_text(row);
    bool counted = tw_get_u8(row) != 0;
    if (!tw_row_whole(row) || id == 0 || id > tw_dictionary_count(gateway->sources_by_name))
        return false;
    struct tw_source *source = gateway->sources[id];
    source->refused_total += !counted;
    if (gateway->publishers[source->publisher]->source == id) /* only that one's acks list them */
        tw_source_known_add(source, &refusal);
    return true;
}

static bool load_busted(struct tw_gateway *gateway, struct tw_row_reader *row)
{
    while (row->at < row->end) {
        uint64_t seq = tw_get_u64(row);
        if (row->bad || seq == 0)
            return false;
        tw_busted_add(&gateway->busted, seq);
    }
    return true;
}

bool tw_gateway_load(struct tw_gateway *gateway, struct tw_row_reader *row)
{
    struct tw_dictionary *const dictionaries[TW_NAME_PARTY + 1] = {
        [TW_NAME_SYMBOL] = gateway->symbols, [TW_NAME_ACCOUNT] = gateway->accounts, [TW_NAME_PARTY] = gateway->parties};
    TW_ASSERT(!gateway->started);
    switch (row->kind) {
    case TW_ROW_NAMES:
        return tw_load_names(row, dictionaries);
    case ROW_HEAD:
        return load_head(gateway, row);
    case ROW_SOURCE:
        return load_source(gateway, row);
    case ROW_PUBLISHER:
        return load_publisher(gateway, row);
    case ROW_REFUSAL:
        return load_refusal(gateway, row);
    case ROW_BUSTED:
        return load_busted(gateway, row);
    default:
        return false;
    }
}

bool tw_gateway_load_end(struct tw_gateway *gateway)
{
    return gateway->loaded;
}
