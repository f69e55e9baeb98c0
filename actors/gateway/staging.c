/* SPDX-License-Identifier: MIT
 *
 * The block under construction, and the finished records behind it. A record gets its lsn when it is finished, stands
 * in `flights` until it is durable, and is handed out by tw_gateway_cut in between. A control record finishes the block
 * first, so that order of staging is order of the log.
 */
#include "actors/gateway/inside.h"
#include "actors/judging/planted.h"

#include <stdlib.h>

void *tw_gateway_grow(void *list, uint32_t count, uint32_t *capacity, size_t element_bytes)
{
    if (count < *capacity)
        return list;
    *capacity = *capacity == 0 ? 16 : *capacity * 2;
    return tw_realloc(list, *capacity * element_bytes);
}

void tw_gateway_open_new(struct tw_gateway *gateway)
{
    struct tw_open_block *open = &gateway->open;
    size_t rows = gateway->settings.block_trades_max;
    open->generation = 1;
    open->ts = tw_alloc(rows * sizeof *open->ts);
    open->qty = tw_alloc(rows * sizeof *open->qty);
    open->price = tw_alloc(rows * sizeof *open->price);
    open->pseq = tw_alloc(rows * sizeof *open->pseq);
    open->symbol = tw_alloc(rows * sizeof *open->symbol);
    open->account = tw_alloc(rows * sizeof *open->account);
    open->source = tw_alloc(rows * sizeof *open->source);
    open->attrs = tw_alloc(rows * sizeof *open->attrs);
    open->id_length = tw_alloc(rows * sizeof *open->id_length);
    open->id_start = tw_alloc(rows * sizeof *open->id_start);
    for (int role = 0; role < TW_PARTY_ROLES; role++)
        open->party[role] = tw_alloc(rows * sizeof *open->party[role]);
}

void tw_gateway_open_free(struct tw_gateway *gateway)
{
    struct tw_open_block *open = &gateway->open;
    void *columns[] = {open->ts,      open->qty,      open->price,     open->pseq,      open->symbol,
                       open->account, open->source,   open->attrs,     open->id_length, open->id_start,
                       open->names,   open->refusals, open->positions, open->index};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        free(columns[i]);
    for (int role = 0; role < TW_PARTY_ROLES; role++)
        free(open->party[role]);
    tw_buffer_free(&open->ids);
    tw_buffer_free(&open->originals);
    tw_buffer_free(&open->texts);
}

const struct tw_block *tw_gateway_open_view(struct tw_gateway *gateway)
{
    struct tw_open_block *open = &gateway->open;
    struct tw_block *view = &open->view;
    *view = (struct tw_block){.lsn = gateway->last_lsn + 1,
                              .follows = gateway->last_seq - open->count,
                              .count = open->count,
                              .ts = (const uint8_t *)open->ts,
                              .qty = (const uint8_t *)open->qty,
                              .price = (const uint8_t *)open->price,
                              .pseq = (const uint8_t *)open->pseq,
                              .symbol = (const uint8_t *)open->symbol,
                              .account = (const uint8_t *)open->account,
                              .source = (const uint8_t *)open->source,
                              .attrs = open->attrs};
    const uint8_t **parties[] = {&view->venue, &view->owner, &view->contra, &view->broker, &view->ccy};
    for (int role = 0; role < TW_PARTY_ROLES; role++)
        if (open->has_party[role])
            *parties[role] = (const uint8_t *)open->party[role];
    if (open->has_ids) {
        view->id_length = open->id_length;
        view->ids = open->ids.bytes;
        view->ids_bytes = (uint32_t)open->ids.length;
    }
    view->originals = open->originals.bytes;
    view->original_count = (uint32_t)(open->originals.length / sizeof(struct tw_original));
    return view;
}

bool tw_gateway_open_has_anything(const struct tw_gateway *gateway)
{
    const struct tw_open_block *open = &gateway->open;
    return open->count != 0 || open->refusal_count != 0 || open->name_count != 0 || open->position_count != 0;
}

static void clear_open(struct tw_open_block *open)
{
    open->count = open->name_count = open->refusal_count = open->position_count = 0;
    open->has_ids = open->refused_room = false;
    open->ticks = 0;
    memset(open->has_party, 0, sizeof open->has_party);
    open->ids.length = open->originals.length = open->texts.length = 0;
    if (open->index != NULL && open->index->indexed != 0)
        memset(open->index, 0, sizeof *open->index);
    open->generation++;
}

/* Takes over the frame. */
static void stage(struct tw_gateway *gateway, struct tw_frame *frame, uint32_t ticks)
{
    frame->waits_as = frame->length + (uint64_t)ticks * (TW_UNJUDGED_BYTES_MAX / TW_UNJUDGED_TICKS);
    if (gateway->flight_first > 0 && gateway->flight_first + gateway->flight_count == gateway->flight_capacity) {
        memmove(gateway->flights, gateway->flights + gateway->flight_first,
                gateway->flight_count * sizeof *gateway->flights);
        gateway->flight_first = 0;
    }
    gateway->flights = tw_gateway_grow(gateway->flights, gateway->flight_first + gateway->flight_count,
                                       &gateway->flight_capacity, sizeof *gateway->flights);
    struct tw_flight *flight = &gateway->flights[gateway->flight_first + gateway->flight_count++];
    *flight = (struct tw_flight){.frame = frame};
    const char *why = NULL;
    /* Nothing goes into the log that could not be read back from it. */
    if (!tw_record_decode(frame->bytes, frame->length, &flight->record, &why))
        tw_check_failed(why, __FILE__, __LINE__, __func__);
    gateway->last_lsn++;
    TW_ASSERT(tw_record_lsn(&flight->record) == gateway->last_lsn);
}

void tw_gateway_finish(struct tw_gateway *gateway)
{
    struct tw_open_block *open = &gateway->open;
    if (!tw_gateway_open_has_anything(gateway))
        return;
    for (uint32_t i = 0; i < open->position_count; i++)
        open->positions[i].next = gateway->sources[open->positions[i].source]->next;
    uint32_t left = TW_PLANTED(POSITION_IN_ANOTHER_BATCH) && open->count > 0 ? open->position_count : 0;
    const struct tw_block_lists lists = {open->names,      open->refusals,      open->positions,
                                         open->name_count, open->refusal_count, open->position_count - left};
    struct tw_frame *frame = tw_block_encode_in(gateway->frames, tw_gateway_open_view(gateway), &lists);
    uint32_t ticks = open->ticks;
    gateway->last_block_count = open->count;
    clear_open(open);
    open->position_count = left;
    stage(gateway, frame, ticks);
    gateway->counters.blocks++;
}

uint64_t tw_gateway_stage_control(struct tw_gateway *gateway, struct tw_control control)
{
    tw_gateway_finish(gateway);
    control.lsn = gateway->last_lsn + 1;
    control.follows = gateway->last_seq;
    stage(gateway, tw_control_encode_in(gateway->frames, &control), 0);
    return gateway->last_lsn;
}

bool tw_gateway_staged(const struct tw_gateway *gateway)
{
    return gateway->cut_lsn < gateway->last_lsn || tw_gateway_open_has_anything(gateway);
}

bool tw_gateway_cut_is_due(const struct tw_gateway *gateway)
{
    if (gateway->cut_lsn < gateway->last_lsn)
        return true;
    bool disk_is_idle = gateway->durable_lsn == gateway->last_lsn;
    return (disk_is_idle || gateway->open.refused_room) && tw_gateway_open_has_anything(gateway);
}

#define SMALL_BLOCK 1024u /* trades that are taken in less time than an fsync lasts */

bool tw_gateway_may_rest(const struct tw_gateway *gateway)
{
    bool disk_is_idle = gateway->durable_lsn == gateway->last_lsn;
    return !disk_is_idle && !gateway->disk_held && gateway->last_block_count < SMALL_BLOCK &&
           gateway->open.count < SMALL_BLOCK;
}

uint32_t tw_gateway_room(const struct tw_gateway *gateway)
{
    return gateway->settings.block_trades_max - tw_gateway_places_used(gateway);
}

struct tw_frame *tw_gateway_cut(struct tw_gateway *gateway)
{
    if (gateway->cut_lsn == gateway->last_lsn)
        tw_gateway_finish(gateway);
    if (gateway->cut_lsn == gateway->last_lsn)
        return NULL;
    gateway->cut_lsn++;
    uint32_t at = gateway->flight_first + (uint32_t)(gateway->cut_lsn - gateway->durable_lsn - 1);
    return tw_frame_share(gateway->flights[at].frame);
}

/* What became durable with one record, for the sources that stand in it. */
static void settle(struct tw_gateway *gateway, const struct tw_record *record)
{
    if (record->kind == TW_RECORD_CONTROL) {
        const struct tw_control *control = &record->control;
        if (control->kind == TW_CONTROL_FEED_GAP)
            tw_source_durable(gateway->sources[control->source], control->number + control->number2);
        if (control->kind == TW_CONTROL_FENCE) /* the answer to the hello may go now */
            tw_gateway_due(gateway, gateway->publishers[gateway->sources[control->source]->publisher]);
        return;
    }
    tw_gateway_apply_refusals(gateway, &record->block);
    uint32_t offset = 0;
    for (struct tw_position position; tw_block_next_position(&record->block, &offset, &position);) {
        struct tw_source *source = gateway->sources[position.source];
        struct tw_publisher *publisher = gateway->publishers[source->publisher];
        tw_source_durable(source, position.next);
        if (publisher->source == source->id)
            tw_gateway_due(gateway, publisher);
    }
}

void tw_gateway_durable(struct tw_gateway *gateway, uint64_t lsn)
{
    TW_ASSERT(lsn <= gateway->cut_lsn);
    while (gateway->durable_lsn < lsn) {
        struct tw_flight *flight = &gateway->flights[gateway->flight_first];
        gateway->durable_lsn++;
        gateway->durable_seq = tw_record_last(&flight->record);
        settle(gateway, &flight->record);
        tw_flight_clear(gateway, flight);
        gateway->flight_first++;
        gateway->flight_count--;
    }
    if (gateway->flight_count == 0)
        gateway->flight_first = 0;
}

/* ---- what goes into the block ---- */

void tw_gateway_note_name(struct tw_gateway *gateway, enum tw_name_kind kind, uint32_t id, uint32_t incarnation,
                          struct tw_text name)
{
    struct tw_open_block *open = &gateway->open;
    open->names = tw_gateway_grow(open->names, open->name_count, &open->name_capacity, sizeof *open->names);
    open->names[open->name_count++] = (struct tw_new_name){kind, id, incarnation, name};
}

void tw_gateway_note_position(struct tw_gateway *gateway, struct tw_source *source)
{
    struct tw_open_block *open = &gateway->open;
    if (source->generation == open->generation)
        return;
    source->generation = open->generation;
    open->positions =
        tw_gateway_grow(open->positions, open->position_count, &open->position_capacity, sizeof *open->positions);
    open->positions[open->position_count++] = (struct tw_position){source->id, 0};
}

void tw_gateway_use_ids(struct tw_open_block *open, uint32_t capacity)
{
    open->has_ids = true;
    memset(open->id_length, 0, capacity * sizeof *open->id_length);
}

void tw_gateway_use_party(struct tw_open_block *open, enum tw_party_role role, uint32_t capacity)
{
    open->has_party[role] = true;
    memset(open->party[role], 0, capacity * sizeof *open->party[role]);
}

void tw_gateway_append(struct tw_gateway *gateway, struct tw_source *source, const struct tw_row *row)
{
    uint8_t flags = (uint8_t)(tw_gateway_clock_meet(gateway, row->ts_ns) | row->flags);
    struct tw_open_block *open = &gateway->open;
    uint32_t rows_max = gateway->settings.block_trades_max;
    uint32_t at = open->count++;
    TW_ASSERT(at < rows_max);
    open->ts[at] = row->ts_ns;
    open->qty[at] = row->qty_e8;
    open->price[at] = row->price_e8;
    open->pseq[at] = source->next;
    open->symbol[at] = row->symbol;
    open->account[at] = row->account;
    open->source[at] = source->id;
    open->attrs[at] = (uint8_t)(TW_ATTR_MAKE(row->side, row->kind) | flags);
    if (row->id.length != 0) {
        if (!open->has_ids)
            tw_gateway_use_ids(open, rows_max);
        open->id_length[at] = (uint8_t)row->id.length;
        open->id_start[at] = (uint32_t)open->ids.length;
        tw_buffer_append(&open->ids, row->id.bytes, row->id.length);
    } else if (open->has_ids) {
        open->id_length[at] = 0;
    }
    for (int role = 0; role < TW_PARTY_ROLES; role++) {
        if (row->party[role] != 0 && !open->has_party[role])
            tw_gateway_use_party(open, (enum tw_party_role)role, rows_max);
        if (open->has_party[role])
            open->party[role][at] = row->party[role];
    }
    gateway->last_seq++;
    gateway->counters.trades++;
    if (row->kind != TW_KIND_TRADE) {
        struct tw_original original = row->original;
        original.row = at;
        tw_buffer_append(&open->originals, &original, sizeof original);
        tw_busted_add(&gateway->busted, original.seq);
    }
    tw_gateway_note_position(gateway, source);
}

static struct tw_text keep_text(struct tw_buffer *texts, struct tw_text text, uint32_t bytes_max)
{
    uint32_t length = text.length < bytes_max ? text.length : bytes_max;
    struct tw_text kept = {(const char *)texts->bytes + texts->length, length};
    TW_ASSERT(texts->length + length <= texts->capacity); /* moving would leave earlier texts behind */
    if (length != 0)
        tw_buffer_append(texts, text.bytes, length);
    return kept;
}

void tw_gateway_append_refusal(struct tw_gateway *gateway, struct tw_source *source, struct tw_refusal refusal)
{
    struct tw_open_block *open = &gateway->open;
    if (open->texts.length == 0) /* once a block: untouched pages cost nothing */
        tw_buffer_reserve(&open->texts,
                          (size_t)gateway->settings.block_trades_max * (TW_REFUSED_RAW_BYTES_MAX + TW_WHY_BYTES_MAX));
    refusal.number = ++gateway->refusal_number;
    refusal.source = source->id;
    refusal.pseq = source->next;
    refusal.why = keep_text(&open->texts, refusal.why, TW_WHY_BYTES_MAX);
    refusal.raw = keep_text(&open->texts, refusal.raw, TW_REFUSED_RAW_BYTES_MAX);
    open->refusals =
        tw_gateway_grow(open->refusals, open->refusal_count, &open->refusal_capacity, sizeof *open->refusals);
    open->refusals[open->refusal_count++] = refusal;
    gateway->counters.refused++;
    tw_source_pending_add(source, refusal.pseq, refusal.content_hash);
    tw_gateway_note_position(gateway, source);
}
